//! Partial files of interrupted downloads, which the same command continues.
//!
//! The bytes are in `FILE.part`, and what proves that the rest belongs to them in `FILE.part.json`;
//! both belong to the user alone. The bytes are always the first ones that the server sent: where
//! something was masked in them, they are not saved. Start at [`PartFile`].

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::Credential;
use crate::domain::request::{HttpMethod, RequestDraft, RequestEnvironment};
use crate::domain::response::ApiResponse;
use crate::util::hex::to_hex;
use crate::util::private_files::{
    AtomicFile, ForeignAccess, foreign_access, parent_folder, private_mode, refuse_links,
    sync_folder,
};

/// Start of the name of the temporary file with a description.
const DRAFT_PREFIX: &str = ".tokenring-part-";

/// Maximum size of a description.
const MAX_DESCRIPTION_BYTES: u64 = 64 << 10;

/// Description of an interrupted download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartDescription {
    /// Digest of the request, its credential and its region.
    pub(super) request: String,
    /// The body of which the bytes are a part.
    #[serde(flatten)]
    pub(super) body: BodyVersion,
    /// Content type of the response.
    pub(super) content_type: Option<String>,
}

/// Validator and size that identify one version of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BodyVersion {
    /// Strong entity tag, or the date of the last change.
    pub(super) validator: String,
    /// Size in bytes.
    pub(super) length: u64,
}

/// File with the beginning of a body, locked by this process.
pub(super) struct PartFile {
    file: File,
    path: PathBuf,
    target: PathBuf,
    /// Whether the file stays for the next run.
    is_kept: bool,
}

/// Beginning of a body, from an earlier run.
pub(super) struct FoundPart {
    pub(super) file: PartFile,
    pub(super) description: PartDescription,
    pub(super) length: u64,
}

/// Returns the digest of a request whose response can be continued; `None` where it asks for a range
/// itself, or does more than to read.
pub(super) fn request_digest(
    draft: &RequestDraft,
    credential: &Credential,
    environment: Option<RequestEnvironment<'_>>,
) -> Option<String> {
    let is_plain = draft.method == HttpMethod::Get
        && draft.is_safe()
        && draft.header("range").is_none()
        && draft.header("if-range").is_none();
    if !is_plain {
        return None;
    }
    let mut digest = Sha256::new();
    for line in draft.canonical_lines(environment) {
        digest.update(format!("{line}\n"));
    }
    digest.update(format!("{}\n{}\n", credential.id, credential.region));
    Some(to_hex(&digest.finalize()))
}

impl BodyVersion {
    /// Returns what identifies the body of a response with this length; `None` where nothing proves
    /// that a later response has the same one. The rest of a compressed body cannot be decompressed
    /// alone.
    pub(super) fn from_head(head: &ApiResponse, length: Option<u64>) -> Option<Self> {
        let is_plain = head.header("content-encoding").is_none();
        let refuses = head.header("accept-ranges").is_some_and(|unit| unit == "none");
        let tag = head.header("etag").filter(|tag| tag.starts_with('"'));
        let validator =
            tag.or_else(|| strong_last_modified(head)).filter(|_| is_plain && !refuses)?;
        Some(Self { validator: validator.to_owned(), length: length? })
    }

    /// Checks that a response has all bytes of the same body from `start` on.
    pub(super) fn check_rest(&self, head: &ApiResponse, start: u64) -> Result<(), String> {
        let range = head.header("content-range").unwrap_or_default();
        let expected = format!("bytes {start}-{}/{}", self.length.saturating_sub(1), self.length);
        if range != expected {
            return Err(format!("the server sent a different range than requested ({range})"));
        }
        let name = if self.validator.starts_with('"') { "etag" } else { "last-modified" };
        let same = match head.header(name) {
            Some(validator) => validator == self.validator,
            // A date need not be repeated.
            None => name != "etag",
        };
        if same { Ok(()) } else { Err("the content on the server has changed".to_owned()) }
    }
}

/// Returns the Last-Modified date if it is a strong validator (RFC 9110, section 8.8.2.2): if no later
/// change can have the same date.
fn strong_last_modified(head: &ApiResponse) -> Option<&str> {
    let changed = head.header("last-modified")?;
    let sent = httpdate::parse_http_date(head.header("date")?).ok()?;
    let age = sent.duration_since(httpdate::parse_http_date(changed).ok()?).ok()?;
    (age.as_secs() >= 1).then_some(changed)
}

impl PartFile {
    /// Creates an empty part of the file at `target`, and describes it.
    ///
    /// # Errors
    ///
    /// Fails where another process writes to it, where it belongs to another user, or where it has
    /// content but no description: then it is not a part of this program.
    pub(super) fn create(target: &Path, description: &PartDescription) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut part = Self::open_locked(target, &mut options)?;
        let is_ours = read_description(&description_path(&part.path)).is_some();
        if !is_ours && part.file.metadata()?.len() > 0 {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        part.file.set_len(0)?;
        part.file.rewind()?;
        let mut draft = AtomicFile::create(&description_path(&part.path), DRAFT_PREFIX)?;
        draft.write(&serde_json::to_vec(description)?)?;
        draft.commit()?;
        Ok(part)
    }

    /// Opens what an earlier run of the same request left of the file at `target`.
    pub(super) fn find(target: &Path, request: &str) -> Option<FoundPart> {
        let mut file = Self::open_locked(target, OpenOptions::new().read(true).write(true)).ok()?;
        let description = read_description(&description_path(&file.path))?;
        let length = file.file.seek(SeekFrom::End(0)).ok()?;
        let fits = description.request == request && (1..description.body.length).contains(&length);
        fits.then_some(FoundPart { file, description, length })
    }

    fn open_locked(target: &Path, options: &mut OpenOptions) -> io::Result<Self> {
        let path = with_suffix(target, ".part");
        let file = refuse_links(private_mode(options)).open(&path)?;
        file.try_lock()?;
        let found = file.metadata()?;
        let is_private = found.is_file() && foreign_access(&found, ForeignAccess::Any).is_none();
        if !is_private || !is_still_at(&path, &found) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(Self { file, path, target: target.to_owned(), is_kept: true })
    }

    /// Returns the path of the part.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Passes the bytes to `each` in pieces, and returns to their end.
    pub(super) fn read_back(&mut self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        self.file.rewind()?;
        let mut piece = vec![0; 64 << 10];
        loop {
            match self.file.read(&mut piece)? {
                0 => return Ok(()),
                count => each(&piece[..count]),
            }
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Removes the description, so that no later run continues the part: the next bytes are not those
    /// of the server.
    pub(super) fn forbid_continuation(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_kept) {
            fs::remove_file(description_path(&self.path))?;
        }
        Ok(())
    }

    /// Returns the number of bytes that stay for the next run, if it can continue.
    pub(super) fn kept_length(&self) -> Option<u64> {
        let length = self.file.metadata().ok()?.len();
        (self.is_kept && length > 0).then_some(length)
    }

    /// Removes the part and its description.
    pub(super) fn remove(mut self) {
        self.is_kept = false;
    }

    /// Replaces the target with the complete part.
    pub(super) fn commit(mut self) -> io::Result<()> {
        self.forbid_continuation()?;
        self.file.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        // There is nothing to remove any more.
        self.path = PathBuf::new();
        sync_folder(parent_folder(&self.target))
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if self.path.as_os_str().is_empty() || self.kept_length().is_some() {
            return;
        }
        for path in [description_path(&self.path), self.path.clone()] {
            if let Err(error) = fs::remove_file(path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "a part of a download was not removed");
            }
        }
    }
}

/// Reads a description; `None` where there is none that this program wrote.
fn read_description(path: &Path) -> Option<PartDescription> {
    let file = refuse_links(OpenOptions::new().read(true)).open(path).ok()?;
    let found = file.metadata().ok()?;
    let is_private = found.is_file() && foreign_access(&found, ForeignAccess::Any).is_none();
    let mut bytes = Vec::new();
    file.take(MAX_DESCRIPTION_BYTES).read_to_end(&mut bytes).ok().filter(|_| is_private)?;
    serde_json::from_slice(&bytes).ok()
}

/// Whether a path still names an open file. Another process may have put it in its place meanwhile.
#[cfg(unix)]
fn is_still_at(path: &Path, found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(path)
        .is_ok_and(|named| (named.dev(), named.ino()) == (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn is_still_at(path: &Path, _found: &fs::Metadata) -> bool {
    path.is_file()
}

fn description_path(part: &Path) -> PathBuf {
    with_suffix(part, ".json")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &[(&str, &str)]) -> ApiResponse {
        let owned = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ApiResponse { status: 200, headers: owned.collect(), ..ApiResponse::default() }
    }

    fn description() -> PartDescription {
        let body = BodyVersion { validator: "\"v1\"".to_owned(), length: 9 };
        PartDescription { request: "r".to_owned(), body, content_type: None }
    }

    #[test]
    fn only_a_body_with_a_strong_validator_is_continued() {
        let date = ("date", "Mon, 30 Nov 2026 12:00:00 GMT");
        let earlier = ("last-modified", "Mon, 30 Nov 2026 11:00:00 GMT");
        for (headers, validator) in [
            (&[("etag", "\"a\""), earlier][..], Some("\"a\"")),
            (&[("etag", "W/\"a\"")], None),
            (&[("etag", "W/\"a\""), earlier, date], Some(earlier.1)),
            (&[earlier], None),
            (&[("last-modified", date.1), date], None),
            (&[("etag", "\"a\""), ("content-encoding", "gzip")], None),
            (&[("etag", "\"a\""), ("accept-ranges", "none")], None),
            (&[], None),
        ] {
            let version = BodyVersion::from_head(&head(headers), Some(9));
            assert_eq!(version.as_ref().map(|version| version.validator.as_str()), validator);
        }
        assert_eq!(BodyVersion::from_head(&head(&[("etag", "\"a\"")]), None), None);
    }

    #[test]
    fn only_the_rest_of_the_same_body_is_taken() {
        let tagged = description().body;
        let dated = BodyVersion { validator: "Mon".to_owned(), length: 9 };
        let (range, tag) = (("content-range", "bytes 4-8/9"), ("etag", "\"v1\""));
        for (version, headers, is_taken) in [
            (&tagged, &[range, tag][..], true),
            (&tagged, &[range], false),
            (&tagged, &[range, ("etag", "\"v2\"")], false),
            (&tagged, &[tag], false),
            (&tagged, &[("content-range", "bytes 3-8/9"), tag], false),
            (&tagged, &[("content-range", "bytes 4-7/9"), tag], false),
            (&tagged, &[("content-range", "bytes 4-8/*"), tag], false),
            (&dated, &[range], true),
            (&dated, &[range, ("last-modified", "Tue")], false),
        ] {
            assert_eq!(version.check_rest(&head(headers), 4).is_ok(), is_taken, "{headers:?}");
        }
    }

    #[test]
    fn a_part_is_found_by_its_request_alone_and_by_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("body");
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let mut part = PartFile::create(&target, &description()).unwrap();
        part.write(b"abcd").unwrap();
        assert!(PartFile::find(&target, "r").is_none(), "it is being written");
        drop(part);
        assert!(PartFile::find(&target, "other").is_none());
        assert_eq!(names(), 2, "a part of another request stays");
        let mut found = PartFile::find(&target, "r").unwrap();
        assert_eq!((found.length, &found.description), (4, &description()));
        let mut read = Vec::new();
        found.file.read_back(|piece| read.extend_from_slice(piece)).unwrap();
        found.file.write(b"efghi").unwrap();
        assert_eq!(read, b"abcd");
        found.file.commit().unwrap();
        assert_eq!((fs::read(&target).unwrap(), names()), (b"abcdefghi".to_vec(), 1));
        let mut masked = PartFile::create(&target, &description()).unwrap();
        masked.forbid_continuation().unwrap();
        masked.write(b"masked").unwrap();
        drop(masked);
        drop(PartFile::create(&target, &description()).unwrap());
        assert_eq!(names(), 1, "neither what was masked nor nothing is kept");
        let path = with_suffix(&target, ".part");
        let mut own = OpenOptions::new();
        let own = private_mode(own.write(true).create_new(true)).open(&path);
        own.unwrap().write_all(b"mine").unwrap();
        assert!(PartFile::create(&target, &description()).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"mine", "a file of the user stays");
    }

    #[cfg(unix)]
    #[test]
    fn a_part_that_others_can_change_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("body");
        let mut part = PartFile::create(&target, &description()).unwrap();
        part.write(b"abcd").unwrap();
        let path = part.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(part);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(PartFile::find(&target, "r").is_none());
        assert!(PartFile::create(&target, &description()).is_err());
        fs::remove_file(&path).unwrap();
        let other = folder.path().join("other");
        fs::write(&other, "kept").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(PartFile::create(&target, &description()).is_err());
        assert_eq!(fs::read(&other).unwrap(), b"kept");
    }
}
