//! Locked access to a file of another program: it is read under its lock and replaced atomically,
//! with its mode and owner preserved.
//!
//! The formats of the files are in the sibling modules. Start at [`LockedFile::open`].

use std::fs::{self, File, Metadata, TryLockError};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::error::ConsumerError;
use crate::util::private_files::{
    AtomicFile, describe_lock_error, lock_until, open_lock_file, parent_folder, refuse_links,
};

/// Maximum size of a configuration file.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// How long to wait for a lock that another process holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// A file that was read and can be replaced. Other tokenring processes wait until it is dropped.
pub(in crate::engine) struct LockedFile {
    path: PathBuf,
    text: Zeroizing<String>,
    metadata: Metadata,
    _lock: File,
}

impl LockedFile {
    /// Reads the file at this path; symbolic links are followed, so that the link stays and its
    /// target changes.
    pub(in crate::engine) fn open(path: &Path) -> Result<Self, ConsumerError> {
        let path = fs::canonicalize(path).map_err(|error| ConsumerError::from_io(path, &error))?;
        Self::open_unlinked(&path)
    }

    /// Like [`LockedFile::open`], but a symbolic link in the place of the file is not followed.
    pub(super) fn open_unlinked(path: &Path) -> Result<Self, ConsumerError> {
        let path = path.to_owned();
        let failed = |error: std::io::Error| ConsumerError::from_io(&path, &error);
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            // The type is checked before the file is opened: opening a pipe would wait for its
            // other end.
            if !fs::symlink_metadata(&path).map_err(failed)?.is_file() {
                return Err(ConsumerError::NotAFile(path));
            }
            let file = refuse_links(File::options().read(true)).open(&path).map_err(failed)?;
            lock_file(&file, &path, deadline)?;
            let metadata = file.metadata().map_err(failed)?;
            // The previous holder of the lock may have replaced the file.
            if is_same_file(&metadata, &fs::symlink_metadata(&path).map_err(failed)?) {
                let text = read_text(&file, &path)?;
                return Ok(Self { path, text, metadata, _lock: file });
            }
        }
    }

    /// Returns the path of the file itself, with all links resolved.
    pub(in crate::engine) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the content.
    pub(in crate::engine) fn text(&self) -> &str {
        &self.text
    }

    /// Checks that the file can be replaced.
    pub(in crate::engine) fn check_replaceable(&self) -> Result<(), ConsumerError> {
        check(&self.path, &self.metadata)
    }

    /// Replaces the file atomically: a crash at any time leaves either the old or the new content.
    pub(in crate::engine) fn replace(self, text: &str) -> Result<(), ConsumerError> {
        self.check_replaceable()?;
        let folder = parent_folder(&self.path).to_owned();
        let failed = |error: std::io::Error| ConsumerError::from_io(&folder, &error);
        let mut draft = AtomicFile::create(&self.path, ".tokenring-").map_err(failed)?;
        draft.write(text.as_bytes()).map_err(failed)?;
        copy_ownership(draft.file(), &self.metadata)
            .map_err(|_| ConsumerError::OwnerNotPreservable(self.path.clone()))?;
        // Before the comparison, so that nothing slow comes between it and the replacement.
        draft.file().sync_all().map_err(failed)?;
        let now = fs::symlink_metadata(&self.path)
            .map_err(|error| ConsumerError::from_io(&self.path, &error))?;
        if !is_same_file(&self.metadata, &now)
            || self.metadata.len() != now.len()
            || self.metadata.modified().ok() != now.modified().ok()
        {
            return Err(ConsumerError::ChangedConcurrently(self.path));
        }
        draft.commit().map_err(|error| ConsumerError::from_io(&self.path, &error))
    }

    /// Returns the file's mode if users other than its owner may read it.
    pub(in crate::engine) fn exposed_mode(&self) -> Option<String> {
        exposed_mode(&self.metadata)
    }
}

/// Opens the lock file at this path, creates it if necessary, and waits until no other process
/// holds its lock.
pub(super) fn lock_file_at(path: &Path) -> Result<File, ConsumerError> {
    let file = open_lock_file(path).map_err(|error| ConsumerError::from_io(path, &error))?;
    lock_file(&file, path, Instant::now() + LOCK_TIMEOUT)?;
    Ok(file)
}

/// Returns where a symbolic link at this path leads, all links resolved; `None` if there is no link.
/// A link that leads nowhere is returned as it is.
pub(super) fn link_destination(path: &Path) -> Option<PathBuf> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    is_link.then(|| {
        fs::canonicalize(path).or_else(|_| fs::read_link(path)).unwrap_or_else(|_| path.to_owned())
    })
}

fn lock_file(file: &File, path: &Path, deadline: Instant) -> Result<(), ConsumerError> {
    lock_until(file, deadline).map_err(|error| match error {
        TryLockError::WouldBlock => ConsumerError::LockTimeout(path.to_owned()),
        TryLockError::Error(error) => {
            ConsumerError::Io { path: path.to_owned(), why: describe_lock_error(&error, path) }
        }
    })
}

fn read_text(file: &File, path: &Path) -> Result<Zeroizing<String>, ConsumerError> {
    let invalid = |why| ConsumerError::InvalidFormat { path: path.to_owned(), line: None, why };
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ConsumerError::from_io(path, &error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(invalid("the file is larger than 16 MiB"));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(invalid("the file is UTF-16 text; only UTF-8 is supported"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("the file is not UTF-8 text"))?;
    if text.contains('\0') {
        return Err(invalid("the file contains a NUL character"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(unix)]
fn check(path: &Path, metadata: &Metadata) -> Result<(), ConsumerError> {
    use std::os::unix::fs::MetadataExt as _;
    let euid = rustix::process::geteuid();
    if metadata.nlink() > 1 {
        Err(ConsumerError::HardLinks(path.to_owned()))
    } else if metadata.mode() & 0o200 == 0 {
        Err(ConsumerError::ReadOnly(path.to_owned()))
    } else if metadata.uid() != euid.as_raw() && !euid.is_root() {
        Err(ConsumerError::OwnerNotPreservable(path.to_owned()))
    } else {
        Ok(())
    }
}

#[cfg(not(unix))]
fn check(path: &Path, metadata: &Metadata) -> Result<(), ConsumerError> {
    if metadata.permissions().readonly() {
        Err(ConsumerError::ReadOnly(path.to_owned()))
    } else {
        Ok(())
    }
}

/// Gives the new file the owner, the group and, last, the mode of the old one.
#[cfg(unix)]
fn copy_ownership(draft: &File, old: &Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let new = draft.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(draft, Some(old.uid()), Some(old.gid()))?;
    }
    draft.set_permissions(old.permissions())
}

#[cfg(not(unix))]
fn copy_ownership(_draft: &File, _old: &Metadata) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}

/// Returns a file's mode if users other than its owner may read it.
#[cfg(unix)]
pub(in crate::engine) fn exposed_mode(metadata: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.mode() & 0o044 != 0).then(|| format!("{:o}", metadata.mode() & 0o777))
}

/// Returns `None`, because this platform has no file modes.
#[cfg(not(unix))]
pub(in crate::engine) fn exposed_mode(_metadata: &Metadata) -> Option<String> {
    None
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn home(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_leaves_nothing_beside_it() {
        for mode in [0o600, 0o640, 0o664, 0o755] {
            let (folder, path) = home("old");
            set_mode(&path, mode);
            LockedFile::open(&path).unwrap().replace("new").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "new");
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn owner_and_group_are_kept_where_the_system_allows_it() {
        let (_folder, path) = home("old");
        if std::os::unix::fs::chown(&path, Some(1234), Some(2345)).is_err() {
            let groups = rustix::process::getgroups().unwrap();
            let Some(group) = groups.last() else { return };
            std::os::unix::fs::chown(&path, None, Some(group.as_raw())).unwrap();
        }
        let before = fs::metadata(&path).unwrap();
        LockedFile::open(&path).unwrap().replace("new").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert_ne!(after.ino(), before.ino());
    }

    #[test]
    fn a_link_stays_and_its_goal_changes() {
        let (folder, path) = home("old");
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        LockedFile::open(&link).unwrap().replace("new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn what_cannot_be_replaced_truly_is_left_alone() {
        let (folder, path) = home("old");
        set_mode(&path, 0o444);
        assert_eq!(
            LockedFile::open(&path).unwrap().replace("new"),
            Err(ConsumerError::ReadOnly(path.clone()))
        );
        set_mode(&path, 0o644);
        fs::hard_link(&path, folder.path().join("twin")).unwrap();
        assert_eq!(
            LockedFile::open(&path).unwrap().replace("new"),
            Err(ConsumerError::HardLinks(path.clone()))
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(
            LockedFile::open(folder.path()).map(drop),
            Err(ConsumerError::NotAFile(folder.path().to_owned()))
        );
        let gone = folder.path().join("gone");
        assert_eq!(LockedFile::open(&gone).map(drop), Err(ConsumerError::NotFound(gone.clone())));
        assert!(!gone.exists());
    }

    #[test]
    fn a_change_by_another_process_is_not_overwritten() {
        let (_folder, path) = home("old");
        let read = LockedFile::open(&path).unwrap();
        fs::write(&path, "of another process").unwrap();
        assert_eq!(read.replace("new"), Err(ConsumerError::ChangedConcurrently(path.clone())));
        assert_eq!(fs::read_to_string(&path).unwrap(), "of another process");
    }

    #[test]
    fn two_at_once_lose_no_update() {
        let (_folder, path) = home("");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let file = LockedFile::open(&path).unwrap();
                    let longer = format!("{}x", file.text());
                    file.replace(&longer).unwrap();
                });
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "xxxxxxxx");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let (_folder, path) = home("");
        for bytes in [&b"K=\xff\xfe"[..], b"K=a\0b"] {
            fs::write(&path, bytes).unwrap();
            assert!(matches!(LockedFile::open(&path), Err(ConsumerError::InvalidFormat { .. })));
        }
    }
}
