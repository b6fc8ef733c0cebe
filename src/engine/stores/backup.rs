//! Backup of everything that a keyring is: secrets in all their slots, credentials, consumers, saved
//! requests, and the history on request.
//!
//! A backup is one encrypted file (`store::backup_file`). It contains no key of this machine: the
//! fingerprints and the records of what a secret is bound to are made anew where it is imported
//! (`restore`). The journals of rotations stay here, because a rotation continues on one machine
//! only. Start at [`BackupService::export`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::SavedRequestStore;
use crate::database::{Database, HistoryEntry, HistoryFilter, RotationFilter};
use crate::domain::consumer::Consumer;
use crate::domain::credential::{CheckReport, Principal, SecretPart, SecretSlot};
use crate::domain::format::count_noun;
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Credential, CredentialId, CredentialName, Origin, Problem, Secret, Timestamp};
use crate::engine::audit::{AuditEvent, AuditService};
use crate::engine::fingerprints::{FingerprintHasher, FingerprintService};
use crate::engine::locks::CredentialLocks;
use crate::engine::ports::{
    CoreServices, DatabaseHandle, SharedPorts, random_bytes, task_panicked,
};
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::{KEY_FILE_FIELD, SecretAccess};
use crate::engine::stores::StoreService;
use crate::engine::{ALL_SLOTS, Clock};
use crate::store::backup_file::{self, BackupLock};
use crate::store::{ItemKey, SecretStore, StoreError};
use crate::util::hex::to_hex;

/// Metadata of a backup. Its JSON is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct BackupContents {
    /// Time of the export.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) created: Timestamp,
    /// Random key of the digests, in hexadecimal digits.
    pub(super) digest_key: String,
    #[serde(with = "backup_credentials")]
    pub(super) credentials: Vec<Credential>,
    /// The secrets of the file, in its order.
    pub(super) items: Vec<BackupItem>,
    pub(super) consumers: Vec<Consumer>,
    /// Hosts that the secrets of each region may be sent to.
    pub(super) regions: Vec<BackupRegion>,
    pub(super) open_rotations: Vec<BackupRotation>,
    /// Saved requests by name, each in the format of its file.
    pub(super) saved_requests: BTreeMap<String, String>,
    /// Sent requests, the oldest first.
    pub(super) history: Vec<HistoryEntry>,
}

/// Form of a [`Credential`] in a backup: without the fingerprint, which depends on a key of this
/// machine.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Credential")]
struct BackupCredential {
    id: CredentialId,
    name: CredentialName,
    provider: String,
    kind: String,
    region: String,
    fields: BTreeMap<String, String>,
    labels: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    created: Timestamp,
    #[serde(with = "time::serde::rfc3339::option")]
    expires: Option<Timestamp>,
    #[serde(skip)]
    fingerprint: Option<String>,
    principal: Option<Principal>,
    scheme: Option<String>,
    last_check: Option<CheckReport>,
}

/// List of credentials in the form of a backup.
mod backup_credentials {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{BackupCredential, Credential};

    #[derive(Serialize)]
    struct CredentialToExport<'a>(
        #[serde(serialize_with = "BackupCredential::serialize")] &'a Credential,
    );

    #[derive(Deserialize)]
    struct ImportedCredential(#[serde(with = "BackupCredential")] Credential);

    pub(super) fn serialize<S: Serializer>(
        credentials: &[Credential],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(credentials.iter().map(CredentialToExport))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Credential>, D::Error> {
        let imported = Vec::<ImportedCredential>::deserialize(deserializer)?;
        Ok(imported.into_iter().map(|credential| credential.0).collect())
    }
}

/// Secret in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BackupItem {
    pub(super) credential: CredentialId,
    pub(super) slot: SecretSlot,
    /// ID of the part.
    pub(super) part: String,
    /// Keyed digest of the secret as it was read from the store.
    pub(super) digest: String,
}

/// Region of credentials in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BackupRegion {
    pub(super) provider: String,
    pub(super) region: String,
    pub(super) hosts: Vec<Origin>,
}

/// Rotation that was open when a backup was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BackupRotation {
    pub(super) id: String,
    pub(super) credential: CredentialId,
}

/// Options of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// The history of sent requests is part of the backup.
    pub includes_history: bool,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// Number of credentials.
    pub credentials: usize,
    /// Number of secrets, in all slots and parts.
    pub secrets: usize,
    /// Number of consumers.
    pub consumers: usize,
    /// Number of saved requests.
    pub saved_requests: usize,
    /// Number of requests in the history.
    pub history: usize,
    /// Open rotations, by the name of the credential. They continue on this machine only.
    pub open_rotations: Vec<OpenRotationName>,
    /// Credentials whose secret is a file outside of the store, which is not part of the backup.
    pub key_files: Vec<String>,
}

/// Open rotation with the name of its credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenRotationName {
    /// ID of the rotation.
    pub rotation: String,
    /// Name of the credential.
    pub name: String,
}

/// Exports and imports of backups.
pub struct BackupService {
    pub(super) catalog: Arc<ProviderCatalog>,
    pub(super) database: DatabaseHandle,
    pub(super) store: Arc<dyn SecretStore>,
    pub(super) clock: Arc<dyn Clock>,
    locks: Arc<CredentialLocks>,
    pub(super) audit: Arc<AuditService>,
    pub(super) bindings: Arc<BindingService>,
    pub(super) fingerprints: Arc<FingerprintService>,
    secrets: Arc<SecretAccess>,
    pub(super) store_service: Arc<StoreService>,
    pub(super) saved_requests: SavedRequestStore,
}

impl BackupService {
    /// Creates the service.
    pub(in crate::engine) fn new(ports: &SharedPorts, core: &CoreServices) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            store: Arc::clone(&ports.store),
            clock: Arc::clone(&ports.clock),
            locks: Arc::clone(&ports.locks),
            audit: Arc::clone(&core.audit),
            bindings: Arc::clone(&core.bindings),
            fingerprints: Arc::clone(&core.fingerprints),
            secrets: Arc::clone(&core.secrets),
            store_service: Arc::clone(&core.store_service),
            saved_requests: ports.options.saved_requests.clone(),
        }
    }

    /// Writes everything to a new encrypted file. No secret can be rotated meanwhile.
    pub async fn export(
        &self,
        path: &Path,
        lock: BackupLock,
        options: ExportOptions,
    ) -> Result<ExportReport, Problem> {
        let _lock = self.locks.try_lock_all_rotations()?;
        let (contents, secrets) = self.collect(options).await?;
        let report = describe_export(&contents);
        let path = path.to_owned();
        let file = path.clone();
        tokio::task::spawn_blocking(move || {
            let text = serde_json::json!(contents).to_string();
            let sealed = backup_file::seal(&text, &secrets, &lock)?;
            backup_file::write_new(&file, &sealed)
        })
        .await
        .map_err(|_| task_panicked())??;
        let reason = format!("{} to {}", count_noun(report.secrets, "secret"), path.display());
        self.audit.record(AuditEvent::new("export", "done").with_reason(reason)).await?;
        Ok(report)
    }

    /// Reads everything that belongs into a backup.
    async fn collect(
        &self,
        options: ExportOptions,
    ) -> Result<(BackupContents, Vec<Arc<Secret>>), Problem> {
        let credentials = self.database.credentials().await?;
        let digest_key = random_bytes::<32>()?;
        let (items, secrets) = self.read_secrets(&credentials, &digest_key).await?;
        let history = if options.includes_history {
            let all = |index: &Database| index.history(&HistoryFilter::default(), usize::MAX >> 1);
            let newest_first = self.database.run(all).await?;
            newest_first.into_iter().rev().map(|record| record.entry).collect()
        } else {
            Vec::new()
        };
        let open = self.database.run(|index| index.rotations(RotationFilter::Open)).await?;
        let open = open.into_iter();
        let contents = BackupContents {
            created: self.clock.now(),
            digest_key: to_hex(&digest_key),
            items,
            consumers: self.exported_consumers().await?,
            regions: self.regions_of(&credentials),
            open_rotations: open
                .map(|one| BackupRotation { id: one.id, credential: one.credential })
                .collect(),
            saved_requests: self.read_saved_requests()?,
            history,
            credentials,
        };
        Ok((contents, secrets))
    }

    /// Reads all secrets of these credentials, with their digests.
    async fn read_secrets(
        &self,
        credentials: &[Credential],
        digest_key: &[u8],
    ) -> Result<(Vec<BackupItem>, Vec<Arc<Secret>>), Problem> {
        let hasher = FingerprintHasher::with_key(digest_key)?;
        let mut places = Vec::new();
        for credential in credentials {
            for part in self.secrets.known_parts(credential) {
                let slots = ALL_SLOTS.iter();
                places.extend(slots.map(|slot| (credential.id.clone(), *slot, part.clone())));
            }
        }
        let (mut items, mut secrets) = (Vec::new(), Vec::new());
        for batch in places.chunks(self.store.read_batch_size()) {
            let keys: Vec<_> =
                batch.iter().map(|(id, slot, part)| ItemKey::for_part(id, *slot, part)).collect();
            for ((id, slot, part), found) in batch.iter().zip(self.store.get_many(&keys).await) {
                let secret = match found {
                    Err(StoreError::NotFound) => continue,
                    found => found?,
                };
                items.push(BackupItem {
                    credential: id.clone(),
                    slot: *slot,
                    part: part.as_str().to_owned(),
                    digest: hasher.fingerprint_secret(&secret),
                });
                secrets.push(Arc::new(secret));
            }
        }
        Ok((items, secrets))
    }

    /// Returns the hosts of every region that these credentials belong to.
    pub(super) fn regions_of(&self, credentials: &[Credential]) -> Vec<BackupRegion> {
        let names: BTreeSet<_> =
            credentials.iter().map(|known| (&known.provider, &known.region)).collect();
        let known = names.into_iter().filter_map(|(provider, name)| {
            let region = self.catalog.region(provider, name).ok()?;
            let hosts = region.bound_origins();
            Some(BackupRegion { provider: provider.clone(), region: name.clone(), hosts })
        });
        known.collect()
    }

    /// Returns all consumers, without the records of deliveries, which need a key of this machine.
    async fn exported_consumers(&self) -> Result<Vec<Consumer>, Problem> {
        let consumers = self.database.run(Database::all_consumers).await?.into_iter();
        Ok(consumers.map(|consumer| Consumer { last_delivery: None, ..consumer }).collect())
    }

    fn read_saved_requests(&self) -> Result<BTreeMap<String, String>, Problem> {
        let mut saved = BTreeMap::new();
        for name in self.saved_requests.ids()? {
            saved.insert(name.to_string(), self.saved_requests.load(&name)?.to_toml());
        }
        Ok(saved)
    }
}

fn describe_export(contents: &BackupContents) -> ExportReport {
    let name_of = |id: &CredentialId| {
        let known = contents.credentials.iter().find(|known| known.id == *id);
        known.map_or_else(|| id.as_str().to_owned(), |known| known.name.to_string())
    };
    let has_key_file = |known: &&Credential| known.fields.contains_key(KEY_FILE_FIELD);
    let open = contents.open_rotations.iter();
    ExportReport {
        credentials: contents.credentials.len(),
        secrets: contents.items.len(),
        consumers: contents.consumers.len(),
        saved_requests: contents.saved_requests.len(),
        history: contents.history.len(),
        open_rotations: open
            .map(|one| OpenRotationName {
                rotation: one.id.clone(),
                name: name_of(&one.credential),
            })
            .collect(),
        key_files: contents
            .credentials
            .iter()
            .filter(has_key_file)
            .map(|known| known.name.to_string())
            .collect(),
    }
}

impl BackupItem {
    /// Returns the part of the secret.
    pub(super) fn part(&self) -> SecretPart {
        SecretPart::parse(&self.part)
    }

    /// Returns the key of the item in the store.
    pub(super) fn key(&self) -> ItemKey {
        ItemKey::for_part(&self.credential, self.slot, &self.part())
    }
}
