//! Scan: finds plain-text copies of stored secrets, and secrets of known formats that are not
//! stored.
//!
//! Copies are recognized by their keyed fingerprints, so no secret has to leave the store; only the
//! fingerprint key does. `targets` chooses the files, the reader of lines keeps to bounded memory,
//! `tokenize` extracts the candidates, and `detector` identifies them. Start with
//! [`ScanService::run`].

mod detector;
mod targets;
mod tokenize;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Clock;
use super::doctor::{Diagnostic, DiagnosticArea};
use super::ports::{CoreServices, SharedPorts};
use crate::database::FingerprintRecord;
use crate::domain::consumer::{Consumer, ConsumerTarget, DeliveryRecord};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::format::count_noun;
use crate::domain::provider::ProviderCatalog;
use crate::domain::text::sanitize_line;
use crate::domain::{Credential, CredentialName, Problem};
use crate::engine::consumers::{ConsumerService, run_blocking};
use crate::engine::credentials::import;
use crate::engine::fingerprints::{FingerprintHasher, FingerprintService};
use crate::engine::ports::DatabaseHandle;
use crate::engine::secrets::bound_secrets::SecretAccess;
use detector::SecretDetector;
use targets::ScanTarget;

/// Path that means standard input.
const STDIN_PATH: &str = "-";

/// Progress of a scan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanProgress {
    /// Number of the current file.
    pub files: usize,
    /// Total number of files.
    pub total_files: usize,
    /// Number of bytes read so far, in all files.
    pub bytes: u64,
}

/// Result of a scan.
pub struct ScanResult {
    /// Everything that was found, by file and line.
    pub matches: Vec<ScanMatch>,
    /// Files and folders that could not be read.
    pub unreadable: Vec<UnreadableFile>,
    /// Number of scanned files.
    pub files: usize,
    /// Why copies of stored secrets could not be recognized, if so.
    pub fingerprint_problem: Option<Problem>,
}

/// Plain-text secret that was found. It names the place and the owner, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanMatch {
    /// The file itself.
    pub path: PathBuf,
    /// Symbolic links that led to the file.
    pub links: Vec<PathBuf>,
    /// The line, starting at 1.
    pub line: usize,
    /// Owner of the secret.
    pub owner: MatchOwner,
    /// Encoding of the secret, if any: `base64`, `percent-encoded` or `escaped`.
    pub encoding: Option<&'static str>,
    /// The file's mode, if others may read the file.
    pub exposed_mode: Option<String>,
    /// The place, if a consumer can update it.
    pub target: Option<ConsumerTarget>,
    /// Whether a consumer already updates it.
    pub has_consumer: bool,
}

/// Owner of a secret that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchOwner {
    /// These credentials, those in use first.
    Known(Vec<MatchedCredential>),
    /// No credential here; recognized by its format.
    Unknown {
        /// Id of the provider.
        provider: String,
        /// Id of the kind.
        kind: String,
        /// Why it was recognized as a secret.
        why: String,
    },
}

/// How a credential relates to a secret that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchedCredential {
    /// The slot that holds the secret; `None` if it has been replaced.
    pub slot: Option<SecretSlot>,
    /// The credential.
    pub name: CredentialName,
    /// The part of the credential's secret.
    pub part: SecretPart,
}

/// File or folder that could not be scanned.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UnreadableFile {
    /// The file or folder.
    pub path: PathBuf,
    /// The reason.
    pub why: String,
}

impl ScanResult {
    /// Counts the plain-text copies of secrets in use, by credential. A place that a consumer keeps
    /// up to date is meant to hold the secret.
    pub fn copies_in_use(&self) -> BTreeMap<CredentialName, usize> {
        let mut copies = BTreeMap::new();
        for found in self.matches.iter().filter(|found| !found.has_consumer) {
            for holder in found.owner.current_credentials() {
                *copies.entry(holder.name.clone()).or_default() += 1;
            }
        }
        copies
    }

    /// Converts the result to diagnostics, for callers that show both.
    pub fn to_diagnostics(&self) -> Vec<Diagnostic> {
        let mut findings: Vec<_> = self.matches.iter().map(ScanMatch::to_diagnostic).collect();
        let fingerprint_problem = self.fingerprint_problem.iter().map(|problem| {
            let what = "Copies of stored secrets could not be recognized";
            Diagnostic::warn(
                DiagnosticArea::Files,
                what,
                problem.why.clone(),
                problem.remedy.clone(),
            )
        });
        findings.extend(fingerprint_problem);
        findings.extend(self.unreadable.iter().map(|file| {
            Diagnostic::warn(
                DiagnosticArea::Files,
                sanitize_line(&format!("{} was not scanned", file.path.display())),
                file.why.clone(),
                "fix it or name the file, then scan again",
            )
        }));
        if findings.is_empty() {
            findings.push(Diagnostic::ok(
                DiagnosticArea::Files,
                "No plain-text secrets were found",
                format!("{} scanned", count_noun(self.files, "file")),
            ));
        }
        findings
    }
}

impl ScanMatch {
    fn to_diagnostic(&self) -> Diagnostic {
        // A file name may contain any text.
        let place = sanitize_line(&format!("{}:{}", self.path.display(), self.line));
        match &self.owner {
            MatchOwner::Known(_) if self.has_consumer => {
                Diagnostic::ok(DiagnosticArea::Files, place, "a consumer keeps it up to date")
            }
            MatchOwner::Known(holders) => {
                let remedy = "link it with `tokenring scan --link`, or clear it with `tokenring import … --blank`";
                Diagnostic::warn(DiagnosticArea::Files, place, describe_holders(holders), remedy)
            }
            MatchOwner::Unknown { provider, kind, why } => {
                let remedy = "store it with `tokenring import` or `tokenring add`, or revoke it";
                Diagnostic::warn(
                    DiagnosticArea::Files,
                    place,
                    format!("unknown {provider} {kind}: {why}"),
                    remedy,
                )
            }
        }
    }
}

impl MatchOwner {
    /// Returns the credentials that currently use the secret.
    pub fn current_credentials(&self) -> impl Iterator<Item = &MatchedCredential> {
        let holders = if let Self::Known(holders) = self { &holders[..] } else { &[] };
        holders.iter().filter(|holder| holder.slot == Some(SecretSlot::Current))
    }
}

impl MatchedCredential {
    /// Describes the role of the secret for its credential.
    fn describe_role(&self) -> String {
        let part = self.part.as_str();
        match self.slot {
            Some(SecretSlot::Current) => format!("the {part}"),
            Some(SecretSlot::Pending) => format!("the new {part} (not in use yet)"),
            Some(SecretSlot::Previous) => format!("the old {part} (being rotated)"),
            None => format!("a former {part}"),
        }
    }
}

/// Finds secrets in plain text in files.
pub struct ScanService {
    catalog: Arc<ProviderCatalog>,
    database: DatabaseHandle,
    clock: Arc<dyn Clock>,
    fingerprints: Arc<FingerprintService>,
    secrets: Arc<SecretAccess>,
    consumers: Arc<ConsumerService>,
}

impl ScanService {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        core: &CoreServices,
        consumers: Arc<ConsumerService>,
    ) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            clock: Arc::clone(&ports.clock),
            fingerprints: Arc::clone(&core.fingerprints),
            secrets: Arc::clone(&core.secrets),
            consumers,
        }
    }

    /// Scans files and folders for plain-text secrets; `-` is standard input. Without paths, scans
    /// the usual locations and the working folder. If the store is locked, only secrets of known
    /// formats are found. Changes nothing. `on_progress` is called with the progress after each read.
    pub async fn run(
        &self,
        paths: Vec<PathBuf>,
        on_progress: impl FnMut(ScanProgress) + Send + 'static,
    ) -> Result<ScanResult, Problem> {
        let credentials = self.database.credentials().await?;
        let (fingerprints, fingerprint_problem) =
            match self.fingerprint_hasher_for(&credentials).await {
                Ok(fingerprints) => (fingerprints, None),
                Err(problem) => (None, Some(problem)),
            };
        let records = if fingerprints.is_some() {
            self.secrets.fingerprint_records(&credentials).await?
        } else {
            Vec::new()
        };
        let detector = SecretDetector::new(
            Arc::clone(&self.catalog),
            fingerprints,
            credentials_by_fingerprint(&credentials, records),
        );
        let stop = CancelOnDrop::default();
        let mut context = ScanContext {
            canceled: Arc::clone(&stop.0),
            progress: ScanProgress::default(),
            on_progress: Box::new(on_progress),
        };
        let mut scanned =
            run_blocking(move || scan_targets(&detector, &paths, &mut context)).await??;
        scanned.fingerprint_problem = fingerprint_problem;
        self.mark_existing_consumers(&credentials, &mut scanned.matches).await?;
        Ok(scanned)
    }

    /// Adds the place as a consumer of each credential whose current secret it holds, under an
    /// unused name.
    pub async fn add_consumers_for_match(
        &self,
        scan_match: &ScanMatch,
    ) -> Result<Vec<Consumer>, Problem> {
        let (Some(target), false) = (&scan_match.target, scan_match.has_consumer) else {
            return Ok(Vec::new());
        };
        let mut made = Vec::new();
        for holder in scan_match.owner.current_credentials() {
            let credential = self.database.find_credential(holder.name.as_str()).await?;
            made.extend(self.add_consumer_for_target(&credential, &holder.part, target).await?);
        }
        Ok(made)
    }

    /// Adds a place that holds a part of a credential's secret as its consumer, under an unused
    /// name; `None` if it already is a consumer.
    pub async fn add_consumer_for_target(
        &self,
        credential: &Credential,
        part: &SecretPart,
        target: &ConsumerTarget,
    ) -> Result<Option<Consumer>, Problem> {
        let known = self.consumers.list(&credential.id).await?;
        if known.iter().any(|consumer| consumer.target == *target) {
            return Ok(None);
        }
        let free = (known.len() + 1..).map(|number| format!("{} {number}", target.kind()));
        let free = free
            .into_iter()
            .find(|name| known.iter().all(|consumer| consumer.name.as_str() != name));
        let name = CredentialName::parse(&free.unwrap_or_default()).map_err(|error| {
            Problem::new(
                "The consumer was not added",
                error.to_string(),
                "add it with `tokenring consumer add`",
            )
        })?;
        // The scan has just seen this secret there.
        let fingerprint = self.secrets.current_fingerprint(credential, part).await?;
        let delivered =
            fingerprint.map(|fingerprint| DeliveryRecord { fingerprint, at: self.clock.now() });
        let consumer = Consumer {
            credential: credential.id.clone(),
            name,
            part: part.clone(),
            target: target.clone(),
            linked_to: None,
            last_delivery: delivered,
        };
        self.consumers.add(consumer).await.map(Some)
    }

    /// Returns the fingerprint hasher; `None` if nothing is stored.
    async fn fingerprint_hasher_for(
        &self,
        credentials: &[Credential],
    ) -> Result<Option<FingerprintHasher>, Problem> {
        if credentials.iter().all(|credential| credential.fingerprint.is_none()) {
            return Ok(None);
        }
        self.fingerprints.fingerprint_hasher().await.map(Some)
    }

    async fn mark_existing_consumers(
        &self,
        credentials: &[Credential],
        matches: &mut [ScanMatch],
    ) -> Result<(), Problem> {
        for scan_match in matches {
            let Some(target) = &scan_match.target else { continue };
            let mut linked = scan_match.owner.current_credentials().next().is_some();
            for holder in scan_match.owner.current_credentials() {
                let owner = credentials.iter().find(|credential| credential.name == holder.name);
                let consumers = if let Some(owner) = owner {
                    self.consumers.list(&owner.id).await?
                } else {
                    Vec::new()
                };
                linked &= consumers.iter().any(|consumer| consumer.target == *target);
            }
            scan_match.has_consumer = linked;
        }
        Ok(())
    }
}

/// State of a running scan: whether it was canceled, and its progress.
struct ScanContext {
    canceled: Arc<AtomicBool>,
    progress: ScanProgress,
    on_progress: Box<dyn FnMut(ScanProgress) + Send>,
}

/// Reader that ends when the scan is canceled.
struct CancellableReader<'t, R> {
    inner: R,
    context: &'t mut ScanContext,
}

impl ScanContext {
    fn is_canceled(&self) -> bool {
        self.canceled.load(Ordering::Relaxed)
    }
}

impl<R: Read> Read for CancellableReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.context.is_canceled() {
            return Ok(0);
        }
        let read = self.inner.read(buffer)?;
        self.context.progress.bytes += read as u64;
        (self.context.on_progress)(self.context.progress);
        Ok(read)
    }
}

/// Cancels the scan when the caller drops the future: a thread cannot be canceled.
#[derive(Default)]
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Maps each fingerprint to the credentials that hold the secret. The fingerprint in a credential
/// takes precedence over the recorded ones.
fn credentials_by_fingerprint(
    credentials: &[Credential],
    records: Vec<FingerprintRecord>,
) -> HashMap<String, Vec<MatchedCredential>> {
    let mut held: HashMap<String, Vec<MatchedCredential>> = HashMap::new();
    for credential in credentials {
        if let Some(fingerprint) = &credential.fingerprint {
            let holder = MatchedCredential {
                slot: Some(SecretSlot::Current),
                name: credential.name.clone(),
                part: SecretPart::Secret,
            };
            held.entry(fingerprint.clone()).or_default().push(holder);
        }
    }
    for FingerprintRecord { name, part, slot, fingerprint } in records {
        let holders = held.entry(fingerprint).or_default();
        if !holders.iter().any(|known| known.name == name && known.part == part) {
            holders.push(MatchedCredential { slot, name, part });
        }
    }
    for holders in held.values_mut() {
        holders.sort_by_key(|holder| (holder.slot.is_none(), holder.clone()));
    }
    held
}

/// Describes the holders of one secret, grouped by role.
pub fn describe_holders(holders: &[MatchedCredential]) -> String {
    let groups = holders.chunk_by(|one, other| (one.slot, &one.part) == (other.slot, &other.part));
    let describe = |same: &[MatchedCredential]| {
        let names: Vec<_> = same.iter().map(|holder| holder.name.as_str()).collect();
        format!("{} of {}", same[0].describe_role(), names.join(", "))
    };
    groups.map(describe).collect::<Vec<_>>().join("; ")
}

fn scan_targets(
    detector: &SecretDetector,
    paths: &[PathBuf],
    context: &mut ScanContext,
) -> Result<ScanResult, Problem> {
    let canceled = &Arc::clone(&context.canceled);
    let (piped, named): (Vec<_>, Vec<_>) =
        paths.iter().cloned().partition(|path| path.as_os_str() == STDIN_PATH);
    let (places, mut unreadable) = if paths.is_empty() {
        targets::default_targets(canceled)
    } else {
        targets::targets_for_paths(&named, canceled)?
    };
    let places: Vec<_> = piped.into_iter().take(1).map(ScanTarget::new).chain(places).collect();
    let (mut matches, mut files) = (Vec::new(), 0);
    context.progress.total_files = places.len();
    for place in places {
        if context.is_canceled() {
            break;
        }
        context.progress.files += 1;
        match scan_target(detector, &place, context) {
            Ok(found) => {
                files += 1;
                matches.extend(found);
            }
            Err(error) => {
                unreadable.push(UnreadableFile { path: place.path, why: error.to_string() });
            }
        }
    }
    matches.sort_by(|one, other| {
        (&one.path, one.line, &one.owner).cmp(&(&other.path, other.line, &other.owner))
    });
    Ok(ScanResult { matches, unreadable, files, fingerprint_problem: None })
}

fn scan_target(
    detector: &SecretDetector,
    place: &ScanTarget,
    context: &mut ScanContext,
) -> std::io::Result<Vec<ScanMatch>> {
    if place.path.as_os_str() == STDIN_PATH {
        return scan_reader(
            detector,
            place,
            CancellableReader { inner: std::io::stdin().lock(), context },
            None,
        );
    }
    let file = std::fs::File::open(&place.path)?;
    let exposed_mode = crate::engine::consumers::file::exposed_mode(&file.metadata()?);
    scan_reader(detector, place, CancellableReader { inner: file, context }, exposed_mode.as_ref())
}

fn scan_reader(
    detector: &SecretDetector,
    place: &ScanTarget,
    from: impl Read,
    exposed_mode: Option<&String>,
) -> std::io::Result<Vec<ScanMatch>> {
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    let name = place.path.file_name().unwrap_or_default().to_string_lossy();
    let mut state = detector.scan_file(&name);
    crate::engine::scan::tokenize::read_lines(from, |line, text| {
        state.scan_line(text, &mut |owner, encoding| {
            if seen.insert((line, owner.clone())) {
                found.push((line, owner, encoding));
            }
        });
    })?;
    let targets = if found.iter().any(|(_, owner, _)| matches!(owner, MatchOwner::Known(_))) {
        consumer_targets(detector, &place.path)
    } else {
        Vec::new()
    };
    let scan_match =
        |(line, owner, encoding): (usize, MatchOwner, Option<&'static str>)| ScanMatch {
            path: place.path.clone(),
            links: place.links.clone(),
            line,
            target: if encoding.is_none() { target_for_owner(&targets, &owner) } else { None },
            owner,
            encoding,
            exposed_mode: exposed_mode.cloned(),
            has_consumer: false,
        };
    Ok(found.into_iter().map(scan_match).collect())
}

/// Returns the places in a file that hold a stored secret and that a consumer can update.
fn consumer_targets(
    detector: &SecretDetector,
    path: &Path,
) -> Vec<(Vec<MatchedCredential>, ConsumerTarget)> {
    let texts = import::texts_with_targets(path).into_iter();
    texts
        .filter_map(|(target, text)| Some((detector.matched_credentials(text.as_bytes())?, target)))
        .collect()
}

fn target_for_owner(
    targets: &[(Vec<MatchedCredential>, ConsumerTarget)],
    owner: &MatchOwner,
) -> Option<ConsumerTarget> {
    let MatchOwner::Known(found) = owner else { return None };
    targets.iter().find(|(holders, _)| holders == found).map(|(_, target)| target.clone())
}
