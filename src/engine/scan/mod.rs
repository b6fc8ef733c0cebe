//! Scan: plain-text copies of secrets that are held here, and secrets of known shapes that are held nowhere.
//!
//! Copies are recognised by their keyed fingerprints, so no secret has to leave the store for it: only the key of the
//! fingerprints does. `places` says which files are looked at, `reading` reads them in bounded memory, `words` takes
//! out what may be a secret, and `looker` says what it is.

mod looker;
mod places;
mod reading;
mod words;

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Engine;
use super::consumer::in_background;
use super::doctor::{Area, Finding};
use super::import;
use super::trust::Fingerprints;
use crate::domain::consumer::{Consumer, ConsumerTarget, DeliveryRecord};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::text::sanitize_line;
use crate::domain::{Credential, CredentialName, Problem};
use crate::index::FingerprintRecord;
use looker::Looker;
use places::Place;

/// The path that stands for standard input.
const PIPE: &str = "-";

/// How far a scan is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of the file that is looked at.
    pub files: usize,
    /// How many files there are.
    pub of: usize,
    /// How many bytes were read, of all of them.
    pub bytes: u64,
}

/// What a scan came to.
pub struct Scanned {
    /// Everything that was found, by file and line.
    pub sightings: Vec<Sighting>,
    /// What could not be looked at.
    pub unread: Vec<Unread>,
    /// How many files were looked at.
    pub files: usize,
    /// Why copies of the secrets held here could not be told, if they could not.
    pub blind: Option<Problem>,
}

/// A secret that lies in plain text. It says where and whose, never what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The file itself.
    pub path: PathBuf,
    /// Symbolic links that led to it.
    pub links: Vec<PathBuf>,
    /// The line, from 1.
    pub line: usize,
    /// Whose it is.
    pub what: Whose,
    /// How it is written there, where it is not as it is: `base64`, `percent-encoded` or `escaped`.
    pub encoding: Option<&'static str>,
    /// The file's mode, if others may read it.
    pub openness: Option<String>,
    /// The place, where it is one that a consumer can keep up to date.
    pub target: Option<ConsumerTarget>,
    /// Whether a consumer keeps it up to date already.
    pub linked: bool,
}

/// Whose secret was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// That of these credentials, those in use first.
    Held(Vec<Holder>),
    /// Of no credential here, by its looks.
    Unknown {
        /// The provider's id.
        provider: String,
        /// The kind's id.
        kind: String,
        /// Why it is taken for one.
        why: String,
    },
}

/// What a credential has to do with a secret that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The slot in which it has it; nothing where something else has taken its place.
    pub slot: Option<SecretSlot>,
    /// The credential.
    pub name: CredentialName,
    /// Which part of its secret material it is.
    pub part: SecretPart,
}

/// A file or folder that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unread {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

impl Scanned {
    /// What was found in the form in which the doctor speaks, for who shows both.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<_> = self.sightings.iter().map(Sighting::finding).collect();
        let blind = self.blind.iter().map(|problem| {
            let what = "Copies of the secrets held here could not be told";
            Finding::warn(Area::Files, what, problem.why.clone(), problem.remedy.clone())
        });
        findings.extend(blind);
        if findings.is_empty() {
            findings.push(Finding::ok(Area::Files, "Nothing was found", format!("{} files were looked at", self.files)));
        }
        findings
    }
}

impl Sighting {
    fn finding(&self) -> Finding {
        // The name of a file is anybody's text.
        let place = sanitize_line(&format!("{}:{}", self.path.display(), self.line));
        match &self.what {
            Whose::Held(_) if self.linked => Finding::ok(Area::Files, place, "a consumer keeps it up to date"),
            Whose::Held(holders) => {
                let remedy = "blank it with `tokenring import … --blank`, or keep it up to date with `tokenring scan --link`";
                Finding::warn(Area::Files, place, words(holders), remedy)
            }
            Whose::Unknown { provider, kind, why } => {
                let remedy = "keep it with `tokenring import` or `add`, or revoke it";
                Finding::warn(Area::Files, place, format!("an unknown {provider} {kind}: {why}"), remedy)
            }
        }
    }
}

impl Whose {
    /// Those of whom it is in use.
    pub fn in_use(&self) -> impl Iterator<Item = &Holder> {
        let holders = if let Self::Held(holders) = self { &holders[..] } else { &[] };
        holders.iter().filter(|holder| holder.slot == Some(SecretSlot::Current))
    }
}

impl Holder {
    /// What it is of the credential.
    fn sort(&self) -> String {
        let part = self.part.as_str();
        match self.slot {
            Some(SecretSlot::Current) => format!("the {part}"),
            Some(SecretSlot::Pending) => format!("the new {part}, not in use yet,"),
            Some(SecretSlot::Previous) => format!("the old {part}, which is being replaced,"),
            None => format!("a former {part}"),
        }
    }
}

impl Engine {
    /// Looks for secrets in plain text in these files and folders, `-` being standard input; in the usual places and the working folder where none
    /// is named. Where the store is locked, only secrets of known shapes can be told. Nothing is changed.
    /// `tell` hears how far it is, each time some more was read.
    pub async fn scan(&self, paths: Vec<PathBuf>, tell: impl FnMut(Progress) + Send + 'static) -> Result<Scanned, Problem> {
        let credentials = self.credentials().await?;
        let (fingerprints, blind) = match self.fingerprints_for(&credentials).await {
            Ok(fingerprints) => (fingerprints, None),
            Err(problem) => (None, Some(problem)),
        };
        let prints = if fingerprints.is_some() { self.prints(&credentials).await? } else { Vec::new() };
        let looker = Looker::new(Arc::clone(&self.catalogue), fingerprints, held(&credentials, prints));
        let stop = Stop::default();
        let mut trip = Trip { stopped: Arc::clone(&stop.0), progress: Progress::default(), tell: Box::new(tell) };
        let mut scanned = in_background(move || look_through(&looker, &paths, &mut trip)).await??;
        scanned.blind = blind;
        self.note_linked(&credentials, &mut scanned.sightings).await?;
        Ok(scanned)
    }

    /// Makes the place a consumer of the credential whose secret lies there, under a name that is free.
    pub async fn link(&self, sighting: &Sighting) -> Result<Vec<Consumer>, Problem> {
        let (Some(target), false) = (&sighting.target, sighting.linked) else { return Ok(Vec::new()) };
        let mut made = Vec::new();
        for holder in sighting.what.in_use() {
            let credential = self.find(holder.name.as_str()).await?;
            made.extend(self.keep_place(&credential, &holder.part, target).await?);
        }
        Ok(made)
    }

    /// Makes a place that holds a part of a credential's secret material its consumer, under a name that is free, unless
    /// it is one already.
    pub async fn keep_place(
        &self,
        credential: &Credential,
        part: &SecretPart,
        target: &ConsumerTarget,
    ) -> Result<Option<Consumer>, Problem> {
        let known = self.consumers(&credential.id).await?;
        if known.iter().any(|consumer| consumer.target == *target) {
            return Ok(None);
        }
        let free = (known.len() + 1..).map(|number| format!("{} {number}", target.kind()));
        let free = free.into_iter().find(|name| known.iter().all(|consumer| consumer.name.as_str() != name));
        let name = CredentialName::parse(&free.unwrap_or_default()).map_err(|error| {
            Problem::new("The place was not linked", error.to_string(), "link it with `tokenring consumer add`")
        })?;
        // That is what was just seen to lie there.
        let print = self.print_in_use(credential, part).await?;
        let delivered = print.map(|fingerprint| DeliveryRecord { fingerprint, at: self.now() });
        let consumer = Consumer {
            credential: credential.id.clone(),
            name,
            part: part.clone(),
            target: target.clone(),
            last_delivery: delivered,
        };
        self.add_consumer(consumer.clone()).await?;
        Ok(Some(consumer))
    }

    /// The fingerprints of what is held; none are needed where nothing is.
    async fn fingerprints_for(&self, credentials: &[Credential]) -> Result<Option<Fingerprints>, Problem> {
        if credentials.iter().all(|credential| credential.fingerprint.is_none()) {
            return Ok(None);
        }
        self.fingerprints().await.map(Some)
    }

    async fn note_linked(&self, credentials: &[Credential], sightings: &mut [Sighting]) -> Result<(), Problem> {
        for sighting in sightings {
            let Some(target) = &sighting.target else { continue };
            let mut linked = sighting.what.in_use().next().is_some();
            for holder in sighting.what.in_use() {
                let owner = credentials.iter().find(|credential| credential.name == holder.name);
                let consumers = if let Some(owner) = owner { self.consumers(&owner.id).await? } else { Vec::new() };
                linked &= consumers.iter().any(|consumer| consumer.target == *target);
            }
            sighting.linked = linked;
        }
        Ok(())
    }
}

/// One scan under way: whether anybody still waits for it, and who hears how far it is.
struct Trip {
    stopped: Arc<AtomicBool>,
    progress: Progress,
    tell: Box<dyn FnMut(Progress) + Send>,
}

/// A file that is read as long as anybody waits for it.
struct Followed<'t, R> {
    from: R,
    trip: &'t mut Trip,
}

impl Trip {
    fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl<R: Read> Read for Followed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.trip.is_over() {
            return Ok(0);
        }
        let read = self.from.read(buffer)?;
        self.trip.progress.bytes += read as u64;
        (self.trip.tell)(self.trip.progress);
        Ok(read)
    }
}

/// Ends the looking when nobody waits for it any more: a thread cannot be cancelled.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Who holds a secret, by its fingerprint. What a credential itself says about its secret counts before what was noted
/// of the store.
fn held(credentials: &[Credential], prints: Vec<FingerprintRecord>) -> HashMap<String, Vec<Holder>> {
    let mut held: HashMap<String, Vec<Holder>> = HashMap::new();
    for credential in credentials {
        if let Some(fingerprint) = &credential.fingerprint {
            let holder = Holder { slot: Some(SecretSlot::Current), name: credential.name.clone(), part: SecretPart::Secret };
            held.entry(fingerprint.clone()).or_default().push(holder);
        }
    }
    for FingerprintRecord { name, part, slot, fingerprint } in prints {
        let holders = held.entry(fingerprint).or_default();
        if !holders.iter().any(|known| known.name == name && known.part == part) {
            holders.push(Holder { slot, name, part });
        }
    }
    for holders in held.values_mut() {
        holders.sort_by_key(|holder| (holder.slot.is_none(), holder.clone()));
    }
    held
}

/// The holders of one secret in words, those of the same sort together.
pub fn words(holders: &[Holder]) -> String {
    let sorts = holders.chunk_by(|one, other| (one.slot, &one.part) == (other.slot, &other.part));
    let sort = |same: &[Holder]| {
        let names: Vec<_> = same.iter().map(|holder| holder.name.as_str()).collect();
        format!("{} of {}", same[0].sort(), names.join(", "))
    };
    sorts.map(sort).collect::<Vec<_>>().join("; ")
}

fn look_through(looker: &Looker, paths: &[PathBuf], trip: &mut Trip) -> Result<Scanned, Problem> {
    let stopped = &Arc::clone(&trip.stopped);
    let (piped, named): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|path| path.as_os_str() == PIPE);
    let (places, mut unread) = if paths.is_empty() { places::usual(stopped) } else { places::given(&named, stopped)? };
    let places: Vec<_> = piped.into_iter().take(1).map(Place::of).chain(places).collect();
    let (mut sightings, mut files) = (Vec::new(), 0);
    trip.progress.of = places.len();
    for place in places {
        if trip.is_over() {
            break;
        }
        trip.progress.files += 1;
        match look_at(looker, &place, trip) {
            Ok(found) => {
                files += 1;
                sightings.extend(found);
            }
            Err(error) => unread.push(Unread { path: place.path, why: error.to_string() }),
        }
    }
    sightings.sort_by(|one, other| (&one.path, one.line, &one.what).cmp(&(&other.path, other.line, &other.what)));
    Ok(Scanned { sightings, unread, files, blind: None })
}

fn look_at(looker: &Looker, place: &Place, trip: &mut Trip) -> std::io::Result<Vec<Sighting>> {
    if place.path.as_os_str() == PIPE {
        return look_into(looker, place, Followed { from: std::io::stdin().lock(), trip }, None);
    }
    let file = std::fs::File::open(&place.path)?;
    let openness = super::consumer::file::openness(&file.metadata()?);
    look_into(looker, place, Followed { from: file, trip }, openness.as_ref())
}

fn look_into(looker: &Looker, place: &Place, from: impl Read, openness: Option<&String>) -> std::io::Result<Vec<Sighting>> {
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    let name = place.path.file_name().unwrap_or_default().to_string_lossy();
    let mut watch = looker.watch(&name);
    reading::read(from, |line, text| {
        watch.look(text, &mut |what, encoding| {
            if seen.insert((line, what.clone())) {
                found.push((line, what, encoding));
            }
        });
    })?;
    let targets =
        if found.iter().any(|(_, what, _)| matches!(what, Whose::Held(_))) { targets(looker, &place.path) } else { Vec::new() };
    let sighting = |(line, what, encoding): (usize, Whose, Option<&'static str>)| Sighting {
        path: place.path.clone(),
        links: place.links.clone(),
        line,
        target: if encoding.is_none() { target_of(&targets, &what) } else { None },
        what,
        encoding,
        openness: openness.cloned(),
        linked: false,
    };
    Ok(found.into_iter().map(sighting).collect())
}

/// The places in a file that hold a secret of ours and that a consumer can keep up to date.
fn targets(looker: &Looker, path: &Path) -> Vec<(Vec<Holder>, ConsumerTarget)> {
    let texts = import::texts_in(path).into_iter();
    texts.filter_map(|(target, text)| Some((looker.holders(text.as_bytes())?, target))).collect()
}

fn target_of(targets: &[(Vec<Holder>, ConsumerTarget)], what: &Whose) -> Option<ConsumerTarget> {
    let Whose::Held(found) = what else { return None };
    targets.iter().find(|(holders, _)| holders == found).map(|(_, target)| target.clone())
}
