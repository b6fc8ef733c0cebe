//! Bulk import: many records of a list, a password manager or a password tree become credentials.
//!
//! All records are resolved first, offline: provider, kind, region and name. What cannot be imported
//! is reported with its position and the reason, never with its secret. The rest is added in batches
//! (`credentials/batch`), so that the time grows with the number of records and no faster. An
//! interrupted import is completed by running it again: a record whose secret is stored is not added
//! a second time. Start at [`ImportService::import_records`].

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::password_tree::{PasswordProgram, is_tree, read_tree};
use super::record_resolution::{RecordRefusal, ResolvedRecord, mask_secrets};
use super::records::{ImportRecord, ListError, ListFormat, detect_list, read_any_list};
use super::{ImportService, derive_name};
use crate::database::Database;
use crate::domain::credential::SecretPart;
use crate::domain::problem::ProblemClass;
use crate::domain::redact::SecretRedactor;
use crate::domain::redact::patterns::looks_like_secret;
use crate::domain::{CredentialId, CredentialName, Problem, credential};
use crate::engine::consumers::run_blocking;
use crate::engine::credential_changes::NewCredential;
use crate::engine::credentials::batch::SecretParts;
use crate::engine::fingerprints::FingerprintHasher;
use crate::engine::ports::random_bytes;
use crate::store::StoreError;

/// Maximum size of a list.
const MAX_LIST_BYTES: u64 = 256 << 20;

/// Source of many records.
#[derive(Clone)]
pub enum BulkSource {
    /// A file with a list, whatever its format.
    List(PathBuf),
    /// A list from standard input.
    Piped(Arc<Zeroizing<String>>),
    /// A tree of `pass` or `gopass`; without a folder, the user's own.
    Tree(PasswordProgram, Option<PathBuf>),
}

/// What a file contains, as far as its content says so without doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFileContent {
    /// A list of records.
    List(ListFormat),
    /// A tree of `pass`, or of `gopass`.
    Tree,
    /// A file in the age format, such as a backup.
    Encrypted,
    /// JSON that is no list of records.
    Json,
    /// Anything else, such as a dotenv file.
    Other,
}

/// How records are imported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BulkImportOptions {
    /// Nothing is stored.
    pub dry_run: bool,
    /// A record whose name is taken is imported under a name with a number.
    pub renames: bool,
    /// The store is open, so that secrets can be compared with the stored ones.
    pub compares_secrets: bool,
}

/// Outcome for one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkImportRow {
    /// Position of the record.
    pub location: String,
    /// ID of the provider.
    pub provider: Option<String>,
    /// ID of the kind.
    pub kind: Option<String>,
    /// ID of the region.
    pub region: Option<String>,
    /// Name of the credential that has the secret, or would have it.
    pub name: Option<String>,
    /// What happened.
    pub outcome: BulkImportOutcome,
    /// Reason of a refusal, or a remark.
    pub remark: Option<String>,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkImportOutcome {
    /// It would be imported.
    Found,
    /// It was imported.
    Imported,
    /// Its secret is stored already.
    AlreadyStored,
    /// It cannot be imported.
    Refused,
}

/// Names that are taken, by credentials and by earlier records.
struct TakenNames {
    names: HashSet<String>,
    next_number: HashMap<String, usize>,
}

impl BulkImportRow {
    fn refused(record: &ImportRecord, why: &str) -> Self {
        let mut redactor = SecretRedactor::default();
        record.secret.iter().chain(record.parts.values()).for_each(|one| redactor.add_secret(one));
        let why =
            if redactor.contains_secret(why.as_bytes()) { "the record is invalid" } else { why };
        Self {
            location: record.location.clone(),
            provider: None,
            kind: None,
            region: None,
            name: None,
            outcome: BulkImportOutcome::Refused,
            remark: Some(mask_secrets(why)),
        }
    }
}

impl TakenNames {
    /// Returns a free name that begins with `base`.
    fn free_name(&mut self, base: &str) -> Result<CredentialName, RecordRefusal> {
        let parse = |text: &str| {
            CredentialName::parse(text).map_err(|error| RecordRefusal::new(error.to_string()))
        };
        let first = parse(base)?;
        if !self.names.contains(first.as_str()) {
            return Ok(first);
        }
        let number = self.next_number.entry(first.to_string()).or_insert(2);
        loop {
            let name = parse(&format!("{first}-{number}"))?;
            *number += 1;
            if !self.names.contains(name.as_str()) {
                return Ok(name);
            }
        }
    }
}

/// Returns what a file or folder contains, as far as its content says so without doubt.
pub fn detect_import_file(path: &Path) -> Result<ImportFileContent, Problem> {
    if path.is_dir() {
        if is_tree(path) {
            return Ok(ImportFileContent::Tree);
        }
        let why = format!("{} is a folder without .gpg-id", path.display());
        return Err(unreadable_list(&why));
    }
    let content = read_file(path)?;
    if content.starts_with(b"age-encryption.org/") || content.starts_with(b"-----BEGIN AGE") {
        return Ok(ImportFileContent::Encrypted);
    }
    if let Some(format) = detect_list(&content) {
        return Ok(ImportFileContent::List(format));
    }
    let text = content.trim_ascii_start();
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let is_json = text.starts_with(b"{") || text.starts_with(b"[");
    Ok(if is_json { ImportFileContent::Json } else { ImportFileContent::Other })
}

/// Returns the format of a text that is a list of records without doubt.
pub fn detect_record_list(text: &str) -> Option<ListFormat> {
    detect_list(text.as_bytes())
}

/// Returns the mode of a file that other users can read.
#[cfg(unix)]
pub fn exposed_mode(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mode = metadata.permissions().mode() & 0o777;
    (mode & 0o044 != 0).then(|| format!("{mode:o}"))
}

/// Returns `None`: Windows makes each user's folders private to that user.
#[cfg(not(unix))]
pub fn exposed_mode(_path: &Path) -> Option<String> {
    None
}

/// Reads a file of at most [`MAX_LIST_BYTES`].
pub(in crate::engine) fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let failed = |why: String| unreadable_list(&format!("{}: {why}", path.display()));
    let metadata = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    if metadata.len() > MAX_LIST_BYTES {
        return Err(failed(format!("larger than {} MiB", MAX_LIST_BYTES >> 20)));
    }
    std::fs::read(path).map(Zeroizing::new).map_err(|error| failed(error.to_string()))
}

fn unreadable_list(why: &str) -> Problem {
    let remedy =
        "name a file that this user can read, or a source that `tokenring import --help` lists";
    Problem::new("The file could not be read", why, remedy).with_class(ProblemClass::Usage)
}

fn list_problem(error: &ListError) -> Problem {
    let remedy = "lists are JSON records, JSON lines, CSV with a header, and exports of Bitwarden and 1Password";
    Problem::new("The list could not be read", error.to_string(), remedy)
        .with_class(ProblemClass::Usage)
}

/// Adds to the remedy that the import can be run again.
fn resumable_problem(problem: Problem) -> Problem {
    if problem.remedy.contains("run the import again") {
        return problem;
    }
    let remedy = format!("{}; then run the import again; it continues", problem.remedy);
    Problem { remedy, ..problem }
}

impl ImportService {
    /// Reads all records of a source. `on_entry` is called with the number of entries that a
    /// program has decrypted, and of all.
    pub async fn read_records(
        &self,
        source: BulkSource,
        on_entry: impl Fn(usize, usize) + Send + 'static,
    ) -> Result<Vec<ImportRecord>, Problem> {
        run_blocking(move || match source {
            BulkSource::List(path) => {
                let content = read_file(&path)?;
                read_any_list(&content).map_err(|error| list_problem(&error))
            }
            BulkSource::Piped(text) => {
                read_any_list(text.as_bytes()).map_err(|error| list_problem(&error))
            }
            BulkSource::Tree(program, folder) => read_tree(program, folder.as_deref(), on_entry),
        })
        .await?
    }

    /// Imports records. `on_progress` is called with the number of credentials that were added, and
    /// of all that are added.
    pub async fn import_records(
        &self,
        records: Vec<ImportRecord>,
        options: BulkImportOptions,
        mut on_progress: impl FnMut(usize, usize),
    ) -> Result<Vec<BulkImportRow>, Problem> {
        let known = self.database.run(Database::known_credentials).await?;
        // Without the key of the store, the records are compared only with one another.
        let hasher = if options.compares_secrets && !known.by_name.is_empty() || !options.dry_run {
            self.credentials.fingerprints.fingerprint_hasher().await?
        } else {
            FingerprintHasher::with_key(&random_bytes::<32>()?)?
        };
        let mut taken =
            TakenNames { names: known.by_name.into_keys().collect(), next_number: HashMap::new() };
        let mut listed = HashMap::new();
        let (mut rows, mut new, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for selected in self.select_records(records) {
            let (record, resolved) = match selected {
                Ok(found) => found,
                Err(row) => {
                    rows.push(*row);
                    continue;
                }
            };
            let fingerprint = hasher.fingerprint_secret(&resolved.secret);
            if let Some((id, name)) = known.by_fingerprint.get(&fingerprint) {
                owners.push((rows.len(), id.clone(), secret_parts(&record, &resolved)));
                rows.push(known_row(&record, &resolved, name));
            } else if let Some((name, location)) = listed.get(&fingerprint) {
                let remark = Some(format!("the same secret as {location}"));
                rows.push(BulkImportRow { remark, ..known_row(&record, &resolved, name) });
            } else {
                match self.build_credential(&record, &resolved, options, &mut taken) {
                    Ok(credential) => {
                        taken.names.insert(credential.name.to_string());
                        let earlier = (credential.name.clone(), record.location.clone());
                        listed.insert(fingerprint, earlier);
                        rows.push(found_row(&record, &credential));
                        new.push((rows.len() - 1, credential));
                    }
                    Err(refusal) => rows.push(BulkImportRow::refused(&record, &refusal.why)),
                }
            }
        }
        if !options.dry_run {
            self.complete(owners, &mut rows).await?;
            self.add_all(new, &mut rows, &mut on_progress).await?;
        }
        Ok(rows)
    }

    /// Stores the missing secrets of an interrupted import.
    async fn complete(
        &self,
        owners: Vec<(usize, CredentialId, SecretParts)>,
        rows: &mut [BulkImportRow],
    ) -> Result<(), Problem> {
        let places: Vec<_> = owners.iter().map(|(place, id, _)| (*place, id.clone())).collect();
        let owners = owners.into_iter().map(|(_, id, parts)| (id, parts)).collect();
        let completed = self.credentials.complete_interrupted(owners).await;
        let completed: BTreeSet<_> = completed.map_err(resumable_problem)?;
        for (place, _) in places.iter().filter(|(_, id)| completed.contains(id)) {
            rows[*place].outcome = BulkImportOutcome::Imported;
            rows[*place].remark = Some("an interrupted import was completed".to_owned());
        }
        Ok(())
    }

    async fn add_all(
        &self,
        new: Vec<(usize, NewCredential)>,
        rows: &mut [BulkImportRow],
        on_progress: &mut impl FnMut(usize, usize),
    ) -> Result<(), Problem> {
        let (total, mut done, mut new) = (new.len(), 0, new.into_iter());
        while done < total {
            on_progress(done, total);
            let (places, batch): (Vec<_>, Vec<_>) =
                new.by_ref().take(self.credentials.batch_size()).unzip();
            let added = self.credentials.add_batch(batch).await.map_err(|problem| {
                let why = format!("{}; {done} of {total} records were done before", problem.why);
                resumable_problem(Problem { why, ..problem })
            })?;
            done += places.len();
            for (place, added) in places.into_iter().zip(added) {
                match added {
                    Ok(_) => rows[place].outcome = BulkImportOutcome::Imported,
                    Err(problem) => {
                        rows[place].outcome = BulkImportOutcome::Refused;
                        let why = format!("{}: {}", problem.what, problem.why);
                        rows[place].remark = Some(mask_secrets(&why));
                    }
                }
            }
        }
        Ok(())
    }

    /// Resolves all records. Of the values of a password manager's item, those with a known format
    /// are used; an item without any is refused once.
    fn select_records(
        &self,
        records: Vec<ImportRecord>,
    ) -> Vec<Result<(ImportRecord, ResolvedRecord<'_>), Box<BulkImportRow>>> {
        let mut selected = Vec::with_capacity(records.len());
        let mut recognized_items = BTreeSet::new();
        let mut first_refusals = BTreeMap::new();
        for record in records {
            match self.resolve(&record) {
                Ok(resolved) => {
                    recognized_items.extend(record.item);
                    selected.push(Ok((record, resolved)));
                }
                Err(refusal) => {
                    let place = selected.len();
                    let row = BulkImportRow::refused(&record, &refusal.why);
                    selected.push(Err(Box::new(row)));
                    if let Some(item) = record.item.filter(|_| refusal.is_unrecognized) {
                        first_refusals.entry(item).or_insert_with(Vec::new).push(place);
                    }
                }
            }
        }
        let mut is_dropped = vec![false; selected.len()];
        for (item, places) in first_refusals {
            let kept = usize::from(!recognized_items.contains(&item));
            places.into_iter().skip(kept).for_each(|place| is_dropped[place] = true);
        }
        let kept = selected.into_iter().zip(is_dropped).filter(|(_, is_dropped)| !is_dropped);
        kept.map(|(record, _)| record).collect()
    }

    /// Builds the credential of a record under a free name.
    fn build_credential(
        &self,
        record: &ImportRecord,
        resolved: &ResolvedRecord<'_>,
        options: BulkImportOptions,
        taken: &mut TakenNames,
    ) -> Result<NewCredential, RecordRefusal> {
        let limit = self.credentials.store.backend().item_limit;
        if resolved.secret.len() > limit {
            let too_large = StoreError::TooLarge { size: resolved.secret.len(), limit };
            return Err(RecordRefusal::new(Problem::from(too_large).why));
        }
        let mut fields = record.fields.clone();
        let possible =
            record.possible_fields.iter().filter(|(id, _)| resolved.kind.field(id).is_some());
        for (id, value) in possible {
            fields.entry(id.clone()).or_insert_with(|| value.clone());
        }
        crate::engine::credentials::check_fields(resolved.kind, &fields)
            .map_err(|problem| RecordRefusal::new(format!("{}: {}", problem.what, problem.why)))?;
        if let Some(unknown) =
            record.parts.keys().find(|id| resolved.kind.parts.iter().all(|part| part.id != **id))
        {
            return Err(RecordRefusal::new(resolved.kind.unknown_part(unknown).to_string()));
        }
        let mut labels = record.labels.clone();
        if record.item.is_some() || record.name.is_none() {
            labels.retain(|label| credential::parse_label(label).is_ok());
        }
        let name = choose_name(record, resolved, options, taken)?;
        let mut redactor = SecretRedactor::default();
        record.parts.values().chain([&resolved.secret]).for_each(|one| redactor.add_secret(one));
        let texts = fields.values().chain(&labels).map(String::as_str).chain([name.as_str()]);
        if texts.into_iter().any(|text| redactor.contains_secret(text.as_bytes())) {
            return Err(RecordRefusal::new("the name, a label or a field contains the secret"));
        }
        Ok(NewCredential {
            name,
            provider: resolved.provider.clone(),
            kind: resolved.kind.id.clone(),
            region: resolved.region.clone(),
            fields,
            labels,
            secret: Arc::clone(&resolved.secret),
            parts: record.parts.clone(),
            expires: resolved.expires,
        })
    }
}

/// Returns the name of a record's credential. A name that the record gives is used as it is; one
/// that is derived from a title gets a number where it is taken.
fn choose_name(
    record: &ImportRecord,
    resolved: &ResolvedRecord<'_>,
    options: BulkImportOptions,
    taken: &mut TakenNames,
) -> Result<CredentialName, RecordRefusal> {
    if let Some(given) = &record.name {
        let name =
            CredentialName::parse(given).map_err(|error| RecordRefusal::new(error.to_string()))?;
        if options.renames || !taken.names.contains(name.as_str()) {
            return taken.free_name(name.as_str());
        }
        return Err(RecordRefusal::new(format!(
            "the name {name} is taken by a credential with another secret; --rename adds a number"
        )));
    }
    let title = record.title.as_deref().filter(|title| !looks_like_secret(title));
    let base = derive_name(title.unwrap_or(&resolved.kind.id));
    taken.free_name(&base)
}

/// Returns the secret and those parts of the record that the kind has.
fn secret_parts(record: &ImportRecord, resolved: &ResolvedRecord<'_>) -> SecretParts {
    let parts = resolved.known_parts(record);
    let named = parts.map(|(id, secret)| (SecretPart::Named(id.clone()), Arc::clone(secret)));
    named.chain([(SecretPart::Secret, Arc::clone(&resolved.secret))]).collect()
}

fn known_row(
    record: &ImportRecord,
    resolved: &ResolvedRecord<'_>,
    name: &CredentialName,
) -> BulkImportRow {
    BulkImportRow {
        location: record.location.clone(),
        provider: Some(resolved.provider.clone()),
        kind: Some(resolved.kind.id.clone()),
        region: Some(resolved.region.clone()),
        name: Some(name.to_string()),
        outcome: BulkImportOutcome::AlreadyStored,
        remark: None,
    }
}

fn found_row(record: &ImportRecord, credential: &NewCredential) -> BulkImportRow {
    let given = record.name.as_deref().map(str::trim);
    let is_renamed = given.is_some_and(|given| given != credential.name.as_str());
    BulkImportRow {
        location: record.location.clone(),
        provider: Some(credential.provider.clone()),
        kind: Some(credential.kind.clone()),
        region: Some(credential.region.clone()),
        name: Some(credential.name.to_string()),
        outcome: BulkImportOutcome::Found,
        remark: is_renamed.then(|| "the name was taken".to_owned()),
    }
}

#[cfg(test)]
mod tests;
