//! Import of a backup: credentials with all their secrets, consumers, saved requests and history.
//!
//! Credentials keep their IDs, so that an interrupted import is completed by running it again, and
//! what this machine has is never changed. Every secret is read back from the store and compared
//! with the digest that was made when it was exported. Start at [`BackupService::restore`].

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::backup::{BackupContents, BackupItem, BackupRegion, BackupService};
use crate::database::{CredentialBatch, Database, KnownCredentials, SecretLocation};
use crate::domain::consumer::{Consumer, ConsumerTarget};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::problem::ProblemClass;
use crate::domain::request::{SavedRequest, SavedRequestName};
use crate::domain::{Credential, CredentialId, CredentialName, Problem, Secret};
use crate::engine::audit::AuditEvent;
use crate::engine::fingerprints::FingerprintHasher;
use crate::engine::ports::{random_bytes, task_panicked};
use crate::engine::secrets::bindings::describe_origins;
use crate::engine::secrets::bound_secrets::{KEY_FILE_FIELD, secret_location};
use crate::store::backup_file::{self, BackupKey};
use crate::store::{ItemKey, StoreError};
use crate::util::hex::parse_hex;

/// Options of the import of a backup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// Nothing is stored.
    pub dry_run: bool,
    /// A credential whose name is taken is imported under a name with a number.
    pub renames: bool,
    /// The store is open, so that secrets can be compared with the stored ones.
    pub compares_secrets: bool,
}

/// Result of the import of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// One row for each credential of the backup.
    pub rows: Vec<RestoreRow>,
    /// Number of consumers that were added with their credentials.
    pub consumers: usize,
    /// Commands of consumers. They run only after the user has added them again.
    pub commands: Vec<String>,
    /// Number of saved requests that were added.
    pub saved_requests: usize,
    /// Saved requests that this machine has with other content, and that stay as they are.
    pub different_requests: Vec<String>,
    /// Number of sent requests that were added to the history.
    pub history: usize,
}

/// Outcome for one credential of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRow {
    /// The credential as the backup has it.
    pub credential: Credential,
    /// Name of the credential on this machine that has the secret, or would have it.
    pub name: Option<CredentialName>,
    /// What happened.
    pub outcome: RestoreOutcome,
    /// Reason of a refusal, or a remark.
    pub remark: Option<String>,
}

/// What happened to a credential of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreOutcome {
    /// It would be imported.
    Found,
    /// It was imported, or completed.
    Imported,
    /// This machine has it already.
    AlreadyStored,
    /// It cannot be imported.
    Refused,
}

/// Secret of a backup with its description.
type BackupSecret<'a> = (&'a BackupItem, &'a Arc<Secret>);

/// Backup that was opened, with what this machine has.
struct OpenedBackup {
    contents: BackupContents,
    secrets: Vec<Arc<Secret>>,
    /// Compares secrets with the digests of the backup.
    digests: FingerprintHasher,
}

/// Credential that is added, or whose missing secrets are stored.
struct PlannedRestore<'a> {
    place: usize,
    /// The row for the index; `None` if it exists.
    new: Option<Credential>,
    secrets: Vec<BackupSecret<'a>>,
}

/// Returns whether a passphrase opens a backup, and not an identity.
pub fn backup_needs_passphrase(path: &Path) -> Result<bool, Problem> {
    backup_file::needs_passphrase(&read_backup(path)?)
}

fn read_backup(path: &Path) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|error| {
        let why = format!("{}: {error}", path.display());
        Problem::new("The backup cannot be read", why, "name a file that this user can read")
            .with_class(ProblemClass::Usage)
    })
}

fn runs_command(consumer: &Consumer) -> bool {
    matches!(consumer.target, ConsumerTarget::Command(_))
}

/// Returns the commands of the consumers that are imported, each with the name of its consumer.
fn described_commands(contents: &BackupContents, rows: &[RestoreRow]) -> Vec<String> {
    let is_imported =
        |row: &RestoreRow| matches!(row.outcome, RestoreOutcome::Found | RestoreOutcome::Imported);
    let imported: HashSet<_> =
        rows.iter().filter(|row| is_imported(row)).map(|row| &row.credential.id).collect();
    let consumers = contents.consumers.iter();
    consumers
        .filter(|consumer| runs_command(consumer) && imported.contains(&consumer.credential))
        .map(|consumer| format!("{}: {}", consumer.name, consumer.target.describe()))
        .collect()
}

impl OpenedBackup {
    /// Decrypts a backup, and compares its secrets with their digests.
    fn open(path: &Path, key: &BackupKey) -> Result<Self, Problem> {
        let archive = backup_file::open(&read_backup(path)?, key)?;
        let damaged = |why: &str| {
            let remedy = "use another copy of the backup; nothing was imported";
            Problem::new("The backup cannot be read", why, remedy)
        };
        let contents: BackupContents = serde_json::from_str(&archive.contents)
            .map_err(|_| damaged("its contents do not have the form of a backup"))?;
        let digest_key = parse_hex::<32>(contents.digest_key.as_bytes())
            .ok_or_else(|| damaged("the key of its digests is missing"))?;
        let digests = FingerprintHasher::with_key(&digest_key)?;
        let secrets = archive.secrets;
        let is_same =
            |pair: (&BackupItem, &Arc<Secret>)| digests.fingerprint_secret(pair.1) == pair.0.digest;
        if contents.items.len() != secrets.len()
            || !contents.items.iter().zip(&secrets).all(is_same)
        {
            return Err(damaged("its secrets do not have the digests of the export"));
        }
        Ok(Self { contents, secrets, digests })
    }

    /// Returns the secrets by their credential.
    fn secrets_by_credential(&self) -> HashMap<&CredentialId, Vec<BackupSecret<'_>>> {
        let mut by_credential: HashMap<_, Vec<_>> = HashMap::new();
        for pair in self.contents.items.iter().zip(&self.secrets) {
            by_credential.entry(&pair.0.credential).or_default().push(pair);
        }
        by_credential
    }
}

impl BackupService {
    /// Imports the credentials of a backup that this machine does not have. `on_progress` is called
    /// with the number of credentials that were stored, and of all that are stored.
    pub async fn restore(
        &self,
        path: &Path,
        key: BackupKey,
        options: RestoreOptions,
        mut on_progress: impl FnMut(usize, usize),
    ) -> Result<RestoreReport, Problem> {
        let file = path.to_owned();
        let backup = tokio::task::spawn_blocking(move || OpenedBackup::open(&file, &key))
            .await
            .map_err(|_| task_panicked())??;
        if !options.dry_run {
            self.store_service.verify().await?;
        }
        let (mut rows, planned) = self.plan_restore(&backup, options).await?;
        let mut report = RestoreReport {
            rows: Vec::new(),
            consumers: 0,
            commands: Vec::new(),
            saved_requests: 0,
            different_requests: Vec::new(),
            history: 0,
        };
        if !options.dry_run {
            let total = planned.len();
            let mut done = 0;
            for batch in planned.chunks(self.store.read_batch_size()) {
                on_progress(done, total);
                done += batch.len();
                self.store_planned(&backup, batch, &mut report).await?;
                for one in batch {
                    rows[one.place].outcome = RestoreOutcome::Imported;
                }
            }
            self.restore_requests(&backup.contents, &mut report)?;
        }
        report.commands = described_commands(&backup.contents, &rows);
        report.rows = rows;
        Ok(report)
    }

    /// Decides for each credential of the backup what happens to it.
    async fn plan_restore<'b>(
        &self,
        backup: &'b OpenedBackup,
        options: RestoreOptions,
    ) -> Result<(Vec<RestoreRow>, Vec<PlannedRestore<'b>>), Problem> {
        let mut known = self.database.run(Database::known_credentials).await?;
        let by_id: HashMap<_, _> =
            known.by_name.iter().map(|(name, id)| (id.clone(), name.clone())).collect();
        let secrets = backup.secrets_by_credential();
        // A dry run creates no key of the store.
        let has_key = options.compares_secrets && !by_id.is_empty();
        let local = if has_key || !options.dry_run {
            self.fingerprints.fingerprint_hasher().await?
        } else {
            FingerprintHasher::with_key(&random_bytes::<32>()?)?
        };
        let credentials = &backup.contents.credentials;
        let existing: Vec<_> = credentials
            .iter()
            .filter(|credential| by_id.contains_key(&credential.id))
            .flat_map(|credential| secrets.get(&credential.id).into_iter().flatten().copied())
            .collect();
        let mut states = if options.compares_secrets || !options.dry_run {
            self.compare_with_store(&existing).await?
        } else {
            HashMap::new()
        };
        let new: Vec<_> =
            credentials.iter().filter(|known| !by_id.contains_key(&known.id)).cloned().collect();
        let mut bindings = self.check_regions(&backup.contents, &new, options.dry_run).await?;

        let (mut rows, mut planned) = (Vec::new(), Vec::new());
        for credential in credentials {
            let of_it = secrets.get(&credential.id).cloned().unwrap_or_default();
            let place = rows.len();
            let mut row = RestoreRow {
                credential: credential.clone(),
                name: None,
                outcome: RestoreOutcome::Found,
                remark: open_rotation_remark(&backup.contents, &credential.id),
            };
            if let Some(name) = by_id.get(&credential.id) {
                row.name = CredentialName::from_stored(name).ok();
                let missing = restore_existing(&mut row, of_it, &mut states);
                if !missing.is_empty() {
                    planned.push(PlannedRestore { place, new: None, secrets: missing });
                }
            } else if let Some(why) = bindings.remove(&credential.id) {
                row.outcome = RestoreOutcome::Refused;
                row.remark = Some(why);
            } else if let Some(named) =
                restore_new(&mut row, &of_it, &local, &mut known, options.renames)
            {
                planned.push(PlannedRestore { place, new: Some(named), secrets: of_it });
            }
            rows.push(row);
        }
        Ok((rows, planned))
    }

    /// Compares secrets with what the store has under their keys: `None` if it has nothing there,
    /// else whether it is the same.
    async fn compare_with_store(
        &self,
        secrets: &[BackupSecret<'_>],
    ) -> Result<HashMap<ItemKey, Option<bool>>, Problem> {
        let mut states = HashMap::new();
        for batch in secrets.chunks(self.store.read_batch_size()) {
            let keys: Vec<_> = batch.iter().map(|(item, _)| item.key()).collect();
            for ((_, secret), (key, found)) in
                batch.iter().zip(keys.iter().zip(self.store.get_many(&keys).await))
            {
                let state = match found {
                    Err(StoreError::NotFound) => None,
                    found => Some(found?.same_as(secret)),
                };
                states.insert(key.clone(), state);
            }
        }
        Ok(states)
    }

    /// Returns why new credentials cannot be bound here: kind or region are unknown, or the region
    /// has other hosts than on the machine of the backup.
    async fn check_regions(
        &self,
        contents: &BackupContents,
        new: &[Credential],
        dry_run: bool,
    ) -> Result<HashMap<CredentialId, String>, Problem> {
        let here = self.regions_of(new);
        let mut refused = HashMap::new();
        for credential in new {
            let is_its = |region: &&BackupRegion| {
                region.provider == credential.provider && region.region == credential.region
            };
            let (then, now) = (contents.regions.iter().find(is_its), here.iter().find(is_its));
            let why = match (self.catalog.kind(&credential.provider, &credential.kind), then, now) {
                (Err(error), ..) => Some(error.to_string()),
                (_, then, None) => {
                    let hosts = then.map(|then| describe_origins(&then.hosts));
                    Some(format!(
                        "its region {} is not known here; add it with `tokenring regions add` ({})",
                        credential.region,
                        hosts.unwrap_or_else(|| "hosts unknown".to_owned())
                    ))
                }
                (_, Some(then), Some(now)) if then.hosts != now.hosts => Some(format!(
                    "its region {} has the hosts {} in the backup, and {} here",
                    credential.region,
                    describe_origins(&then.hosts),
                    describe_origins(&now.hosts)
                )),
                _ => None,
            };
            refused.extend(why.map(|why| (credential.id.clone(), why)));
        }
        if dry_run {
            return Ok(refused);
        }
        for (credential, bound) in new.iter().zip(self.bindings.new_credential_records(new).await?)
        {
            if let Err(problem) = bound {
                let why = format!("{}: {}", problem.what, problem.why);
                refused.entry(credential.id.clone()).or_insert(why);
            }
        }
        Ok(refused)
    }

    /// Stores planned credentials: index first, store second, then everything is read back.
    async fn store_planned(
        &self,
        backup: &OpenedBackup,
        planned: &[PlannedRestore<'_>],
        report: &mut RestoreReport,
    ) -> Result<(), Problem> {
        let local = self.fingerprints.fingerprint_hasher().await?;
        let (mut items, mut fingerprints) = (Vec::new(), Vec::new());
        // The current secret comes last, so that a credential that has it has all of its secrets.
        let is_current = |item: &BackupItem| {
            item.slot == SecretSlot::Current && item.part() == SecretPart::Secret
        };
        let in_order = planned.iter().flat_map(|one| {
            let others = one.secrets.iter().filter(|(item, _)| !is_current(item));
            others.chain(one.secrets.iter().filter(|(item, _)| is_current(item)))
        });
        for (item, secret) in in_order {
            let location = secret_location(&item.credential, item.slot, &item.part());
            fingerprints.push((location, local.fingerprint_secret(secret)));
            items.push((item.key(), Arc::clone(secret), item.digest.as_str()));
        }
        let batch = self.build_batch(&backup.contents, planned, &fingerprints).await?;
        let (consumers, history) = (batch.consumers.len(), batch.history.len());
        let names: Vec<_> =
            batch.credentials.iter().map(|credential| credential.name.to_string()).collect();
        let now = self.clock.now();
        self.database.run(move |index| index.insert_batch(&batch, now)).await?;
        report.consumers += consumers;
        report.history += history;
        // Recorded before the secrets are stored, so that a killed import leaves no unknown one.
        self.record_imports(&names, "started").await?;

        let written: Vec<_> =
            items.iter().map(|(key, secret, _)| (key.clone(), Arc::clone(secret))).collect();
        let resumed = |error: StoreError| {
            let problem = Problem::from(error);
            let remedy =
                format!("{}; then import the backup again, which completes it", problem.remedy);
            Problem { remedy, ..problem }
        };
        self.store.put_many(&written).await.map_err(resumed)?;
        let keys: Vec<_> = written.iter().map(|(key, _)| key.clone()).collect();
        for ((_, _, digest), found) in items.iter().zip(self.store.get_many(&keys).await) {
            if backup.digests.fingerprint_secret(&found.map_err(resumed)?) != *digest {
                let why = "a secret read back does not have the digest of the export".to_owned();
                return Err(resumed(StoreError::Damaged(why)));
            }
        }
        self.database.run(move |index| index.record_fingerprints(&fingerprints, now)).await?;
        self.record_imports(&names, "done").await
    }

    async fn record_imports(&self, names: &[String], outcome: &'static str) -> Result<(), Problem> {
        let event = |name: &String| {
            AuditEvent::new("import", outcome).for_credential(name).with_reason("from a backup")
        };
        self.audit.record_all(names.iter().map(event).collect()).await
    }

    /// Builds what the index gets for planned credentials.
    async fn build_batch(
        &self,
        contents: &BackupContents,
        planned: &[PlannedRestore<'_>],
        fingerprints: &[(SecretLocation, String)],
    ) -> Result<CredentialBatch, Problem> {
        let credentials: Vec<_> = planned.iter().filter_map(|one| one.new.clone()).collect();
        let ids: HashSet<_> = credentials.iter().map(|credential| &credential.id).collect();
        let consumers: Vec<_> = contents
            .consumers
            .iter()
            .filter(|consumer| ids.contains(&consumer.credential))
            // The fingerprint of the last delivery was made with another key.
            .map(|consumer| {
                let mut consumer = consumer.clone();
                consumer.last_delivery = None;
                consumer
            })
            .collect();
        let history = contents.history.iter().filter(|sent| ids.contains(&sent.credential));
        let history = history.cloned().collect();
        // A backup to a recipient can be made by anyone, so the user adds commands again.
        let trusted: Vec<_> =
            consumers.iter().filter(|consumer| !runs_command(consumer)).cloned().collect();
        let mut bindings = self.bindings.new_consumer_records(&trusted).await?;
        for records in self.bindings.new_credential_records(&credentials).await? {
            bindings.extend(records?);
        }
        let fingerprints = fingerprints.to_vec();
        Ok(CredentialBatch { credentials, bindings, fingerprints, consumers, history })
    }

    /// Saves the requests that this machine does not have.
    fn restore_requests(
        &self,
        contents: &BackupContents,
        report: &mut RestoreReport,
    ) -> Result<(), Problem> {
        let known = self.saved_requests.ids()?;
        for (name, text) in &contents.saved_requests {
            let Ok(id) = SavedRequestName::parse(name) else { continue };
            if known.contains(&id) {
                if self.saved_requests.load(&id).map_or(true, |here| here.to_toml() != *text) {
                    report.different_requests.push(name.clone());
                }
            } else if let Ok(saved) = SavedRequest::from_toml(text) {
                self.saved_requests.save(&id, &saved)?;
                report.saved_requests += 1;
            }
        }
        Ok(())
    }
}

/// Decides about a credential that this machine has under the same ID. Returns the secrets that are
/// missing here.
fn restore_existing<'b>(
    row: &mut RestoreRow,
    secrets: Vec<BackupSecret<'b>>,
    states: &mut HashMap<ItemKey, Option<bool>>,
) -> Vec<BackupSecret<'b>> {
    row.outcome = RestoreOutcome::AlreadyStored;
    let state = |item: &BackupItem| states.get(&item.key()).copied().unwrap_or(Some(true));
    let has_current = secrets.iter().any(|(item, _)| {
        item.slot == SecretSlot::Current
            && item.part() == SecretPart::Secret
            && state(item).is_some()
    });
    if secrets.iter().any(|(item, _)| state(item) == Some(false)) {
        row.remark =
            Some("this machine has another secret of it, which was not changed".to_owned());
        return Vec::new();
    }
    // A rotation that has ended since has emptied its slots on purpose.
    let missing: Vec<_> =
        secrets.into_iter().filter(|(item, _)| state(item).is_none() && !has_current).collect();
    if !missing.is_empty() {
        row.outcome = RestoreOutcome::Found;
        row.remark = Some("its missing secrets are stored".to_owned());
    }
    missing
}

/// Decides about a credential that this machine does not have. Returns its row for the index, or
/// `None` if it is not added.
fn restore_new(
    row: &mut RestoreRow,
    secrets: &[BackupSecret<'_>],
    local: &FingerprintHasher,
    known: &mut KnownCredentials,
    renames: bool,
) -> Option<Credential> {
    let mut credential = row.credential.clone();
    let current = secrets
        .iter()
        .find(|(item, _)| item.slot == SecretSlot::Current && item.part() == SecretPart::Secret);
    credential.fingerprint = current.map(|(_, secret)| local.fingerprint_secret(secret));
    if current.is_none() && !credential.fields.contains_key(KEY_FILE_FIELD) {
        row.outcome = RestoreOutcome::Refused;
        row.remark.get_or_insert_with(|| "the backup has no secret of it".to_owned());
        return None;
    }
    let twin = credential
        .fingerprint
        .as_ref()
        .and_then(|fingerprint| known.by_fingerprint.get(fingerprint));
    if let Some((_, name)) = twin {
        row.outcome = RestoreOutcome::AlreadyStored;
        row.name = Some(name.clone());
        return None;
    }
    if known.by_name.contains_key(credential.name.as_str()) {
        let free = (2..100_000).find_map(|number| {
            let text = format!("{}-{number}", credential.name);
            let is_free = !known.by_name.contains_key(&text);
            is_free.then(|| CredentialName::from_stored(&text).ok()).flatten()
        });
        let Some(free) = free.filter(|_| renames) else {
            row.outcome = RestoreOutcome::Refused;
            row.remark = Some(format!(
                "the name {} is taken by another credential; --rename adds a number",
                credential.name
            ));
            return None;
        };
        row.remark = Some("the name was taken".to_owned());
        credential.name = free;
    }
    row.name = Some(credential.name.clone());
    known.by_name.insert(credential.name.to_string(), credential.id.clone());
    let entry = (credential.id.clone(), credential.name.clone());
    known
        .by_fingerprint
        .extend(credential.fingerprint.clone().map(|fingerprint| (fingerprint, entry)));
    Some(credential)
}

fn open_rotation_remark(contents: &BackupContents, id: &CredentialId) -> Option<String> {
    let open = contents.open_rotations.iter().find(|one| one.credential == *id)?;
    Some(format!("its rotation {} was open and continues only where the backup was made", open.id))
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
