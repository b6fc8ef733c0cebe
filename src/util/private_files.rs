//! Files and folders that only this user can read and change: created private, replaced atomically,
//! locked, and checked for access by others.
//!
//! Settings, the encrypted store, the database, delivered files and locks use these functions. What
//! is refused, and how a problem is worded for the user, is decided by the callers. Start at
//! [`AtomicFile`].

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// Interval between attempts to get a lock that another process holds.
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// New content of a file, in a private temporary file beside it, until it replaces the file.
///
/// A crash at any moment leaves either the old or the new content. Dropping the value removes the
/// temporary file.
pub struct AtomicFile {
    draft: NamedTempFile,
    path: PathBuf,
}

impl AtomicFile {
    /// Creates the temporary file for the file at `path`; its name starts with `prefix`.
    pub fn create(path: &Path, prefix: &str) -> io::Result<Self> {
        let draft = tempfile::Builder::new().prefix(prefix).tempfile_in(parent_folder(path))?;
        Ok(Self { draft, path: path.to_owned() })
    }

    /// Returns the temporary file.
    pub fn file(&self) -> &File {
        self.draft.as_file()
    }

    /// Writes the content to the temporary file.
    pub fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.draft.write_all(content)
    }

    /// Replaces the file durably: content and name are on the disk, not only in its cache.
    pub fn commit(self) -> io::Result<()> {
        self.file().sync_all()?;
        self.draft.persist(&self.path)?;
        sync_folder(parent_folder(&self.path))
    }

    /// Like [`AtomicFile::commit`], but fails with [`io::ErrorKind::AlreadyExists`] where a file of
    /// this name exists.
    pub fn commit_new(self) -> io::Result<()> {
        self.file().sync_all()?;
        self.draft.persist_noclobber(&self.path)?;
        sync_folder(parent_folder(&self.path))
    }
}

/// Access of other users to a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignAccess {
    /// Other users can read, change or enter it. Also found where it belongs to root.
    Any,
    /// Other users, except root, can change it.
    Write,
}

/// Returns the folder of a file; `.` for a bare name.
pub fn parent_folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a folder and its missing parents, which only this user can enter (0700). An existing
/// folder stays as it is.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a file that is created with these options private from its first byte (0600).
pub fn private_mode(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Opens neither a symbolic link in place of the file, nor waits for the other end of a pipe in its
/// place.
#[cfg(unix)]
pub fn refuse_links(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
}

/// Leaves the options as they are: on this platform, creating links needs a privilege.
#[cfg(not(unix))]
pub fn refuse_links(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Opens a lock file, which is created private if it does not exist.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    refuse_links(private_mode(&mut options)).open(path)
}

/// Waits for the lock of an open file, which excludes other processes and other threads; dropping
/// the file releases it.
///
/// # Errors
///
/// Returns [`TryLockError::WouldBlock`] if another process still holds the lock at the deadline.
pub fn lock_until(file: &File, deadline: Instant) -> Result<(), TryLockError> {
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(LOCK_RETRY_INTERVAL);
            }
            result => return result,
        }
    }
}

/// Describes why a lock could not be taken. Some network and user-space file systems have no locks,
/// and their error says little.
pub fn describe_lock_error(error: &io::Error, path: &Path) -> String {
    if is_lock_unsupported(error) {
        format!("the file system of {} has no file locks ({error})", path.display())
    } else {
        format!("{}: {error}", path.display())
    }
}

#[cfg(unix)]
fn is_lock_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let found = error.raw_os_error().map(Errno::from_raw_os_error);
    error.kind() == io::ErrorKind::Unsupported
        || found.is_some_and(|found| {
            [Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL]
                .contains(&found)
        })
}

#[cfg(not(unix))]
fn is_lock_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// Whether this user may write to a folder; for a folder that does not exist, to the nearest one
/// that does. A read-only file system counts too.
#[cfg(unix)]
pub fn is_folder_writable(folder: &Path) -> bool {
    let existing = folder.ancestors().find(|ancestor| ancestor.exists());
    existing
        .is_none_or(|existing| rustix::fs::access(existing, rustix::fs::Access::WRITE_OK).is_ok())
}

/// Returns true: on this platform only an attempt shows whether a folder can be written.
#[cfg(not(unix))]
pub fn is_folder_writable(_folder: &Path) -> bool {
    true
}

/// Makes a new name in a folder durable. Only Unix can open a folder for this.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Returns how another user has such access, as the end of a sentence about the file.
#[cfg(unix)]
pub fn foreign_access(metadata: &Metadata, access: ForeignAccess) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let (mask, what) = match access {
        ForeignAccess::Any => (0o077, "accessible to"),
        ForeignAccess::Write => (0o022, "writable by"),
    };
    let is_trusted_owner = metadata.uid() == rustix::process::geteuid().as_raw()
        || access == ForeignAccess::Write && metadata.uid() == 0;
    if !is_trusted_owner {
        Some("belongs to another user".to_owned())
    } else if metadata.mode() & mask != 0 {
        Some(format!("is {what} other users (mode {:o})", metadata.mode() & 0o777))
    } else {
        None
    }
}

/// Returns `None`: Windows makes each user's folders private to that user.
#[cfg(not(unix))]
pub fn foreign_access(_metadata: &Metadata, _access: ForeignAccess) -> Option<String> {
    None
}

/// Whether a path is a symbolic link.
pub fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_on_commit_and_nothing_is_left_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let draft = |content: &[u8]| {
            let mut draft = AtomicFile::create(&path, ".draft-").unwrap();
            draft.write(content).unwrap();
            draft
        };
        draft(b"a longer first text").commit().unwrap();
        drop(draft(b"not committed"));
        assert_eq!(fs::read(&path).unwrap(), b"a longer first text");
        draft(b"short").commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_created_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = home.path().join("a/b");
        create_folder(&folder).unwrap();
        let (lock, file) = (folder.join("lock"), folder.join("file"));
        drop(open_lock_file(&lock).unwrap());
        let mut draft = AtomicFile::create(&file, ".draft-").unwrap();
        draft.write(b"text").unwrap();
        draft.commit().unwrap();
        assert_eq!(
            [folder.parent().unwrap(), &folder, &lock, &file].map(mode),
            [0o700, 0o700, 0o600, 0o600]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_opened() {
        let home = tempfile::tempdir().unwrap();
        let (target, link) = (home.path().join("target"), home.path().join("link"));
        fs::write(&target, b"kept").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(is_link(&link) && !is_link(&target));
        open_lock_file(&link).unwrap_err();
        assert!(refuse_links(OpenOptions::new().read(true)).open(&link).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn access_of_others_is_found() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        fs::write(&path, b"").unwrap();
        let access = |mode: u32, access| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            foreign_access(&fs::metadata(&path).unwrap(), access)
        };
        assert_eq!(access(0o600, ForeignAccess::Any), None);
        assert_eq!(access(0o644, ForeignAccess::Write), None);
        assert_eq!(
            access(0o640, ForeignAccess::Any).as_deref(),
            Some("is accessible to other users (mode 640)")
        );
        assert_eq!(
            access(0o602, ForeignAccess::Write).as_deref(),
            Some("is writable by other users (mode 602)")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_system_without_locks_is_named() {
        let path = Path::new("/net/home/lock");
        for (code, is_named) in [
            (rustix::io::Errno::NOLCK, true),
            (rustix::io::Errno::OPNOTSUPP, true),
            (rustix::io::Errno::NOSYS, true),
            (rustix::io::Errno::ACCESS, false),
        ] {
            let error = io::Error::from_raw_os_error(code.raw_os_error());
            let text = describe_lock_error(&error, path);
            assert_eq!(
                text.contains("the file system of /net/home/lock has no file locks"),
                is_named,
                "{text}"
            );
        }
    }

    #[test]
    fn a_held_lock_is_waited_for_and_no_longer_than_asked() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        let take = |timeout: Duration| {
            let file = open_lock_file(&path).unwrap();
            lock_until(&file, Instant::now() + timeout).map(|()| file)
        };
        let held = take(Duration::ZERO).unwrap();
        assert!(matches!(take(Duration::from_millis(20)), Err(TryLockError::WouldBlock)));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| take(Duration::from_secs(20)).map(drop));
            drop(held);
            waiting.join().unwrap().unwrap();
        });
    }
}
