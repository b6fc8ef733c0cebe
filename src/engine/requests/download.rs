//! Body of a response that is written to a file while it arrives: of any size, without secrets, and
//! complete or not at all.
//!
//! The bytes go to a private temporary file beside the target, which replaces the target at the end.
//! A download that breaks off continues where it ended, where the server allows that. Start at
//! [`BodyDownload`].

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::http_exchange::CapturedSecret;
use crate::domain::Problem;
use crate::domain::redact::json_members::MemberScanner;
use crate::domain::redact::{SecretRedactor, StreamRedactor};
use crate::domain::response::{ApiResponse, ResponseBody};
use crate::net::BodySink;
use crate::util::private_files::AtomicFile;

/// Start of the name of the temporary file.
const DRAFT_PREFIX: &str = ".tokenring-download-";

/// Function that is told how many bytes have arrived, and how many there will be.
pub type DownloadProgress = Box<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// File that receives the body of a response.
pub struct BodyDownload {
    path: PathBuf,
    on_progress: DownloadProgress,
    state: Mutex<DownloadState>,
}

/// File that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedBody {
    /// Path of the file.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub bytes: u64,
}

#[derive(Default)]
struct DownloadState {
    /// Redactors of the credential's own secrets.
    known: Vec<Arc<SecretRedactor>>,
    /// Members in which the provider sends new secrets.
    members: Vec<String>,
    transfer: Option<BodyTransfer>,
    captured: Vec<CapturedSecret>,
}

/// Body that is arriving.
struct BodyTransfer {
    head: ApiResponse,
    target: TargetFile,
    scanner: Option<MemberScanner>,
    is_first_piece: bool,
    stream: StreamRedactor,
    received: u64,
    announced: Option<u64>,
    written: u64,
}

/// Where the bytes go.
enum TargetFile {
    /// A temporary file that replaces a regular file, or becomes one.
    Draft(AtomicFile),
    /// A device or pipe, which is written to as it is.
    Special(fs::File),
}

impl BodyDownload {
    /// Creates a download to this file. Nothing is written before a response has arrived.
    pub fn new(path: PathBuf, on_progress: DownloadProgress) -> Self {
        Self { path, on_progress, state: Mutex::default() }
    }

    /// Sets what is masked.
    pub(super) fn mask(&self, known: SecretRedactor, members: &[String]) {
        let mut state = self.lock();
        state.known = vec![Arc::new(known)];
        state.members = members.to_vec();
    }

    /// Returns the headers that continue the download where it ended; `None` where the server does
    /// not allow that, or nothing has arrived.
    pub(super) fn resume_headers(&self) -> Option<Vec<(String, String)>> {
        let state = self.lock();
        let transfer = state.transfer.as_ref().filter(|transfer| transfer.received > 0)?;
        let validator = transfer.validator()?;
        Some(vec![
            ("range".to_owned(), format!("bytes={}-", transfer.received)),
            ("if-range".to_owned(), validator.to_owned()),
        ])
    }

    /// Writes what is left, and puts the file in its place. Returns the head of the response, the
    /// file and the new secrets; `None` where no body was taken.
    pub(super) fn finish(&self) -> Result<Option<FinishedDownload>, Problem> {
        let mut state = self.lock();
        let Some(transfer) = state.transfer.take() else { return Ok(None) };
        let (head, bytes, secrets) =
            transfer.finish().map_err(|error| not_written(&self.path, &error))?;
        let mut captured = std::mem::take(&mut state.captured);
        captured.extend(secrets);
        let saved = SavedBody { path: self.path.clone(), bytes };
        Ok(Some(FinishedDownload { head, saved, captured }))
    }

    /// Returns the number of bytes that have arrived.
    pub(super) fn received(&self) -> u64 {
        self.lock().transfer.as_ref().map_or(0, |transfer| transfer.received)
    }

    /// Drops what has arrived.
    pub(super) fn discard(&self) {
        self.lock().transfer = None;
    }

    /// Writes a body that was read into memory.
    pub(super) fn save(&self, body: &[u8]) -> Result<SavedBody, Problem> {
        let written = TargetFile::open(&self.path).and_then(|mut target| {
            target.write(body)?;
            target.commit()
        });
        written.map_err(|error| not_written(&self.path, &error))?;
        Ok(SavedBody { path: self.path.clone(), bytes: body.len() as u64 })
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
    fn begin(
        &self,
        head: &ApiResponse,
        length: Option<u64>,
        sent: &Arc<SecretRedactor>,
    ) -> io::Result<bool> {
        let mut state = self.lock();
        let resumed = state.transfer.as_mut().filter(|_| head.status == 206);
        if let Some(transfer) = resumed {
            return transfer.resume(head).map(|()| true);
        }
        let is_wide = ResponseBody::new(b"a".to_vec(), head.header("content-type")).wide_order();
        if !matches!(head.status, 200..300) || is_wide.is_some() {
            return Ok(false);
        }
        let redactors = state.known.iter().chain([sent]).map(Arc::clone).collect();
        state.transfer = Some(BodyTransfer {
            head: head.clone(),
            target: TargetFile::open(&self.path)?,
            scanner: Some(MemberScanner::new(state.members.clone())),
            is_first_piece: true,
            stream: StreamRedactor::new(redactors),
            received: 0,
            announced: length,
            written: 0,
        });
        Ok(true)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        let Some(transfer) = state.transfer.as_mut() else { return Ok(()) };
        transfer.push(bytes)?;
        let (received, announced) = (transfer.received, transfer.announced);
        drop(state);
        (self.on_progress)(received, announced);
        Ok(())
    }
}

impl BodyTransfer {
    /// Returns what proves that the rest belongs to the same body: a strong entity tag or a date.
    /// The rest of a compressed body cannot be decompressed alone.
    fn validator(&self) -> Option<&str> {
        let is_plain = self.head.header("content-encoding").is_none();
        let refuses = self.head.header("accept-ranges").is_some_and(|unit| unit == "none");
        let tag = self.head.header("etag").filter(|tag| tag.starts_with('"'));
        tag.or_else(|| self.head.header("last-modified")).filter(|_| is_plain && !refuses)
    }

    /// Continues with a response that has the rest.
    fn resume(&self, head: &ApiResponse) -> io::Result<()> {
        let range = head.header("content-range").unwrap_or_default();
        let start = range.strip_prefix("bytes ").and_then(|range| range.split('-').next());
        if start.and_then(|start| start.parse().ok()) == Some(self.received) {
            return Ok(());
        }
        Err(io::Error::other(format!("the server sent another part than the rest ({range})")))
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.received += bytes.len() as u64;
        if std::mem::take(&mut self.is_first_piece) && !may_be_json(bytes) {
            self.scanner = None;
        }
        let shown = match &mut self.scanner {
            Some(scanner) => {
                let mut shown = Vec::with_capacity(bytes.len());
                scanner.push(bytes, &mut shown);
                self.stream.push(&shown)
            }
            None => self.stream.push(bytes),
        };
        self.write(&shown)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.target.write(bytes)
    }

    fn finish(mut self) -> io::Result<(ApiResponse, u64, Vec<CapturedSecret>)> {
        let mut secrets = Vec::new();
        if let Some(scanner) = self.scanner.take() {
            let mut shown = Vec::new();
            secrets = scanner.finish(&mut shown);
            let shown = self.stream.push(&shown);
            self.write(&shown)?;
        }
        let rest = std::mem::take(&mut self.stream).finish();
        self.write(&rest)?;
        self.target.commit()?;
        let captured =
            |(member, secret)| CapturedSecret { member, secret: Arc::new(secret), stored: None };
        Ok((self.head, self.written, secrets.into_iter().map(captured).collect()))
    }
}

impl TargetFile {
    /// Opens the file to write to. A link keeps pointing to the file that is replaced.
    fn open(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                Ok(Self::Special(OpenOptions::new().write(true).open(&path)?))
            }
            _ => Ok(Self::Draft(AtomicFile::create(&path, DRAFT_PREFIX)?)),
        }
    }
}

impl TargetFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Draft(draft) => draft.write(bytes),
            Self::Special(file) => file.write_all(bytes),
        }
    }

    fn commit(self) -> io::Result<()> {
        match self {
            Self::Draft(draft) => draft.commit(),
            Self::Special(mut file) => file.flush(),
        }
    }
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
