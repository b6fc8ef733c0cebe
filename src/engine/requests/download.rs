//! Body of a response that is written to a file while it arrives: of any size, without secrets, and
//! complete or not at all.
//!
//! The bytes go to a private temporary file beside the target, which replaces the target at the end.
//! A download that breaks off continues where it ended, where the server allows that, also in a later
//! run (`partial_download.rs`). Start at [`BodyDownload`].

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::http_exchange::CapturedSecret;
use super::partial_download::{BodyVersion, FoundPart, PartDescription, PartFile};
use crate::domain::redact::{MemberStream, SecretRedactor, StreamRedactor};
use crate::domain::response::{ApiResponse, ResponseBody};
use crate::domain::{Problem, Secret};
use crate::net::BodySink;
use crate::util::private_files::AtomicFile;

/// Start of the name of the temporary file.
const DRAFT_PREFIX: &str = ".tokenring-download-";

/// Number of bytes that decide what a body is.
const MIN_HEAD_BYTES: usize = 4;

/// Function that is told how a download proceeds.
pub type DownloadObserver = Box<dyn Fn(DownloadEvent) + Send + Sync>;

/// Step of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownloadEvent {
    /// Number of bytes received, and the total that the server announced.
    Received(u64, Option<u64>),
    /// An earlier download continues after this number of bytes.
    Continued(u64),
    /// An earlier download cannot be continued and begins anew, for this reason.
    Restarted(String),
    /// The download was interrupted; this number of bytes stays in this file for the next run.
    Kept(u64, PathBuf),
}

/// File that receives the body of a response.
pub struct BodyDownload {
    path: PathBuf,
    observer: DownloadObserver,
    state: Mutex<DownloadState>,
}

/// File that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedBody {
    /// Path of the file.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Number of bytes that were there from an earlier run.
    pub continued_from: Option<u64>,
}

#[derive(Default)]
struct DownloadState {
    /// Redactor of the credential's own secrets.
    known: Arc<SecretRedactor>,
    /// Members in which the provider sends new secrets.
    members: Vec<String>,
    /// Digest of the request, if a later run may continue it.
    request: Option<String>,
    /// What an earlier run left, with its scanner, until a response arrives.
    found: Option<(FoundPart, MemberSearch)>,
    transfer: Option<BodyTransfer>,
    /// Why the rest that a server sent was not added to the beginning.
    mismatch: Option<String>,
}

/// Body that is arriving.
struct BodyTransfer {
    head: ApiResponse,
    /// What identifies the body, if it can be continued.
    version: Option<BodyVersion>,
    target: TargetFile,
    search: MemberSearch,
    stream: StreamRedactor,
    received: u64,
    announced: Option<u64>,
    written: u64,
    /// Number of bytes that were there from an earlier run.
    continued_from: Option<u64>,
}

/// Search for new secrets in a body that arrives.
enum MemberSearch {
    /// More bytes are needed to recognize the body.
    Undecided { content_type: Option<String>, members: Vec<String>, head: Vec<u8> },
    /// The body is searched.
    Active(MemberStream),
    /// The body cannot have members.
    Unneeded,
}

/// Where the bytes go.
enum TargetFile {
    /// A temporary file that replaces a regular file, or becomes one.
    Draft(AtomicFile),
    /// A partial file, which a later run can continue.
    Part(PartFile),
    /// A device or pipe, which is written to as it is.
    Special(fs::File),
}

impl BodyDownload {
    /// Creates a download to this file. Nothing is written before a response has arrived.
    pub fn new(path: PathBuf, observer: DownloadObserver) -> Self {
        Self { path, observer, state: Mutex::default() }
    }

    /// Sets what is masked, and finds what an earlier run of the same request left.
    pub(super) fn prepare(
        &self,
        known: SecretRedactor,
        members: &[String],
        request: Option<String>,
    ) {
        let mut state = self.lock();
        state.known = Arc::new(known);
        state.members = members.to_vec();
        state.request = request;
        let target = resolve_links(&self.path);
        let found = state.request.as_ref().and_then(|request| PartFile::find(&target, request));
        state.found = found.and_then(|mut found| {
            let content_type = found.description.content_type.clone();
            let mut search = MemberSearch::new(content_type, members.to_vec());
            // The bytes are those that the server sent, so the scanner is where it was.
            found.file.read_back(|piece| drop(search.push(piece))).ok()?;
            Some((found, search))
        });
    }

    /// Returns the headers that continue the download where it ended; `None` where the server does
    /// not allow that, or nothing has arrived.
    pub(super) fn resume_headers(&self) -> Option<Vec<(String, String)>> {
        let state = self.lock();
        let arrived =
            |transfer: &BodyTransfer| Some((transfer.version.clone()?, transfer.received));
        let left = |found: &FoundPart| (found.description.body.clone(), found.length);
        let (version, start) = match (&state.transfer, &state.found) {
            (Some(transfer), _) => arrived(transfer)?,
            (None, Some((found, _))) => left(found),
            (None, None) => return None,
        };
        (start > 0).then(|| {
            vec![
                ("range".to_owned(), format!("bytes={start}-")),
                ("if-range".to_owned(), version.validator),
            ]
        })
    }

    /// Drops what has arrived, if a response shows that it cannot be continued. Returns the reason;
    /// the request can then be sent without a range.
    pub(super) fn discard_mismatch(&self, status: Option<u16>) -> Option<String> {
        let mut state = self.lock();
        let was_refused = status == Some(416) && state.awaits_rest();
        let why = state.mismatch.take().or_else(|| {
            was_refused
                .then(|| "the server has nothing beyond the bytes already downloaded".to_owned())
        })?;
        state.discard();
        Some(why)
    }

    /// Reports that the download begins anew.
    pub(super) fn report_restart(&self, why: String) {
        (self.observer)(DownloadEvent::Restarted(why));
    }

    /// Writes what is left, and puts the file in its place. Returns the head of the response, the
    /// file and the new secrets; `None` where no body was taken.
    pub(super) fn finish(&self) -> Result<Option<FinishedDownload>, Problem> {
        let Some(transfer) = self.lock().transfer.take() else { return Ok(None) };
        let continued_from = transfer.continued_from;
        let (head, bytes, captured) =
            transfer.finish().map_err(|error| not_written(&self.path, &error))?;
        let saved = SavedBody { path: self.path.clone(), bytes, continued_from };
        Ok(Some(FinishedDownload { head, saved, captured }))
    }

    /// Returns the number of bytes that have arrived.
    pub(super) fn received(&self) -> u64 {
        self.lock().transfer.as_ref().map_or(0, |transfer| transfer.received)
    }

    /// Ends the download where it is. What a later run can continue stays.
    pub fn end(&self) {
        let (transfer, found) = {
            let mut state = self.lock();
            (state.transfer.take(), state.found.take())
        };
        let part = match (transfer, found) {
            (Some(BodyTransfer { target: TargetFile::Part(part), .. }), _) => part,
            (None, Some((found, _))) => found.file,
            _ => return,
        };
        if let Some(length) = part.kept_length() {
            (self.observer)(DownloadEvent::Kept(length, part.path().to_owned()));
        }
    }

    /// Writes a body that was read into memory.
    pub(super) fn save(&self, body: &[u8]) -> Result<SavedBody, Problem> {
        let written = TargetFile::open(&self.path, None).and_then(|mut target| {
            target.write(body)?;
            target.commit()
        });
        written.map_err(|error| not_written(&self.path, &error))?;
        let bytes = body.len() as u64;
        Ok(SavedBody { path: self.path.clone(), bytes, continued_from: None })
    }

    fn lock(&self) -> MutexGuard<'_, DownloadState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Download that is complete.
pub(super) struct FinishedDownload {
    pub(super) head: ApiResponse,
    pub(super) saved: SavedBody,
    pub(super) captured: Vec<CapturedSecret>,
}

impl BodySink for BodyDownload {
    fn continues(&self) -> bool {
        self.resume_headers().is_some()
    }

    fn begin(
        &self,
        head: &ApiResponse,
        length: Option<u64>,
        sent: &Arc<SecretRedactor>,
    ) -> io::Result<bool> {
        let mut state = self.lock();
        if head.status == 206 && state.awaits_rest() {
            let start = state.resume(head, sent).map_err(|why| {
                state.mismatch = Some(why.clone());
                io::Error::other(why)
            })?;
            drop(state);
            if let Some(start) = start {
                (self.observer)(DownloadEvent::Continued(start));
            }
            return Ok(true);
        }
        if !matches!(head.status, 200..300) {
            return Ok(false);
        }
        let is_anew = state.found.is_some();
        state.discard();
        state.transfer = Some(state.begin_transfer(&self.path, head, length, sent)?);
        drop(state);
        if is_anew {
            self.report_restart("the server sent the whole body".to_owned());
        }
        Ok(true)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        let Some(transfer) = state.transfer.as_mut() else { return Ok(()) };
        transfer.push(bytes)?;
        let (received, announced) = (transfer.received, transfer.announced);
        drop(state);
        (self.observer)(DownloadEvent::Received(received, announced));
        Ok(())
    }
}

impl DownloadState {
    fn redactors(&self, sent: &Arc<SecretRedactor>) -> Vec<Arc<SecretRedactor>> {
        vec![Arc::clone(&self.known), Arc::clone(sent)]
    }

    /// Whether the request asked for the rest of what has arrived.
    fn awaits_rest(&self) -> bool {
        let is_continued = |transfer: &BodyTransfer| transfer.version.is_some();
        self.transfer.as_ref().map_or(self.found.is_some(), is_continued)
    }

    /// Drops what has arrived in this run and in an earlier one.
    fn discard(&mut self) {
        let transfer = self.transfer.take().map(|transfer| transfer.target);
        let part = match transfer {
            Some(TargetFile::Part(part)) => Some(part),
            _ => self.found.take().map(|(found, _)| found.file),
        };
        if let Some(part) = part {
            part.remove();
        }
    }

    fn begin_transfer(
        &self,
        path: &Path,
        head: &ApiResponse,
        announced: Option<u64>,
        sent: &Arc<SecretRedactor>,
    ) -> io::Result<BodyTransfer> {
        let content_type = head.header("content-type").map(str::to_owned);
        let version = BodyVersion::from_head(head, announced)
            .filter(|_| self.request.is_some() && head.status == 200);
        let description = self.request.clone().zip(version.clone()).map(|(request, body)| {
            PartDescription { request, body, content_type: content_type.clone() }
        });
        let target = TargetFile::open(path, description.as_ref())?;
        Ok(BodyTransfer {
            head: head.clone(),
            version,
            target,
            search: MemberSearch::new(content_type, self.members.clone()),
            stream: StreamRedactor::new(self.redactors(sent)),
            received: 0,
            announced,
            written: 0,
            continued_from: None,
        })
    }

    /// Continues with a response that has the rest. Returns after how many bytes, if they are from
    /// an earlier run.
    fn resume(
        &mut self,
        head: &ApiResponse,
        sent: &Arc<SecretRedactor>,
    ) -> Result<Option<u64>, String> {
        if let Some(BodyTransfer { version: Some(version), received, .. }) = &self.transfer {
            return version.check_rest(head, *received).map(|()| None);
        }
        let Some((found, _)) = &self.found else { return Ok(None) };
        found.description.body.check_rest(head, found.length)?;
        let Some((FoundPart { file, description, length }, search)) = self.found.take() else {
            return Ok(None);
        };
        self.transfer = Some(BodyTransfer {
            head: head.clone(),
            announced: Some(description.body.length),
            version: Some(description.body),
            target: TargetFile::Part(file),
            search,
            stream: StreamRedactor::new(self.redactors(sent)),
            received: length,
            written: length,
            continued_from: Some(length),
        });
        Ok(Some(length))
    }
}

impl BodyTransfer {
    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.received += bytes.len() as u64;
        let shown = self.search.push(bytes);
        let shown = self.stream.push(&shown);
        self.write(&shown)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let TargetFile::Part(part) = &mut self.target
            && (self.stream.has_masked() || self.search.has_captured())
        {
            part.forbid_continuation()?;
        }
        self.written += bytes.len() as u64;
        self.target.write(bytes)
    }

    fn finish(mut self) -> io::Result<(ApiResponse, u64, Vec<CapturedSecret>)> {
        if let Some(length) = self.version.as_ref().map(|version| version.length)
            && self.received != length
        {
            let why = format!("the server sent {} of {length} bytes", self.received);
            return Err(io::Error::other(why));
        }
        // What is left can have masks, so that a later run could not continue it.
        if let TargetFile::Part(part) = &mut self.target {
            part.forbid_continuation()?;
        }
        let (shown, secrets) = std::mem::replace(&mut self.search, MemberSearch::Unneeded).finish();
        let shown = self.stream.push(&shown);
        self.write(&shown)?;
        let rest = std::mem::take(&mut self.stream).finish();
        self.write(&rest)?;
        self.target.commit()?;
        let captured =
            secrets.into_iter().map(|(member, secret)| CapturedSecret::new(member, secret));
        Ok((self.head, self.written, captured.collect()))
    }
}

impl MemberSearch {
    fn new(content_type: Option<String>, members: Vec<String>) -> Self {
        Self::Undecided { content_type, members, head: Vec::new() }
    }

    /// Adds bytes and returns those that may be shown, without new secrets.
    fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Undecided { head, .. } => {
                head.extend_from_slice(bytes);
                if head.len() < MIN_HEAD_BYTES { Vec::new() } else { self.decide() }
            }
            Self::Active(stream) => stream.push(bytes),
            Self::Unneeded => bytes.to_vec(),
        }
    }

    /// Decides by the first bytes whether the body is searched: text, and what can be JSON.
    fn decide(&mut self) -> Vec<u8> {
        let Self::Undecided { content_type, members, head } =
            std::mem::replace(self, Self::Unneeded)
        else {
            return Vec::new();
        };
        let body = ResponseBody::new(head, content_type.as_deref());
        let order = body.wide_order();
        if order.is_some() || body.is_text() || may_be_json(body.as_bytes()) {
            *self = Self::Active(MemberStream::new(members, order));
        }
        self.push(body.as_bytes())
    }

    fn has_captured(&self) -> bool {
        matches!(self, Self::Active(stream) if stream.has_captured())
    }

    /// Returns what was held back, and the secrets with the names of their members.
    fn finish(mut self) -> (Vec<u8>, Vec<(String, Secret)>) {
        let is_undecided = matches!(self, Self::Undecided { .. });
        let mut shown = if is_undecided { self.decide() } else { Vec::new() };
        let Self::Active(stream) = self else { return (shown, Vec::new()) };
        let (rest, secrets) = stream.finish();
        shown.extend(rest);
        (shown, secrets)
    }
}

impl TargetFile {
    /// Opens the file to write to; with a description, so that a later run can continue it.
    fn open(path: &Path, description: Option<&PartDescription>) -> io::Result<Self> {
        let path = resolve_links(path);
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                return Ok(Self::Special(OpenOptions::new().write(true).open(&path)?));
            }
            _ => {}
        }
        // Where another process or another user has the part, this download does without.
        match description.map(|description| PartFile::create(&path, description)) {
            Some(Ok(part)) => Ok(Self::Part(part)),
            Some(Err(_)) | None => Ok(Self::Draft(AtomicFile::create(&path, DRAFT_PREFIX)?)),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Draft(draft) => draft.write(bytes),
            Self::Part(part) => part.write(bytes),
            Self::Special(file) => file.write_all(bytes),
        }
    }

    fn commit(self) -> io::Result<()> {
        match self {
            Self::Draft(draft) => draft.commit(),
            Self::Part(part) => part.commit(),
            Self::Special(mut file) => file.flush(),
        }
    }
}

/// Returns the file that a path leads to. A link keeps pointing to the file that is replaced.
fn resolve_links(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a body can be JSON, in which a provider sends new secrets.
fn may_be_json(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'[' | b'"' | 0x1e) | None)
}

/// Returns the problem of a file that could not be written.
fn not_written(path: &Path, error: &io::Error) -> Problem {
    let shown = crate::domain::text::sanitize_line(&path.to_string_lossy());
    Problem::new(
        format!("{shown} was not written"),
        error.to_string(),
        "name a file in a folder where you may write, on a disk with enough space",
    )
}
