//! Private files of the store: checked before they are trusted, with errors of the store.
//!
//! Start reading at [`read()`] and [`write()`]. How files are made private and replaced is in
//! [`crate::util::private_files`]; contents and formats do not belong here.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::StoreError;
use crate::util::private_files::{
    self, AtomicFile, ForeignAccess, foreign_access, lock_until, open_lock_file, parent_folder,
    refuse_links, sync_folder,
};

/// Name prefix of a file that is still being written.
const TEMP_FILE_PREFIX: &str = ".tmp-";

/// How long a pipe that the user named may take.
const PIPE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, PartialEq)]
enum FileKind {
    File,
    Folder,
}

/// Creates a folder (0700, with its parents) unless it exists, and checks that it is private.
pub(super) fn create_folder(path: &Path) -> Result<(), StoreError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            private_files::create_folder(path).map_err(disk_error(path))?;
        }
        _ => {}
    }
    if folder_exists(path)? {
        Ok(())
    } else {
        Err(StoreError::DiskError(format!("{}: the folder was removed meanwhile", path.display())))
    }
}

/// Returns whether the folder exists. A path that is not a private folder is an error.
pub(super) fn folder_exists(path: &Path) -> Result<bool, StoreError> {
    exists(path, FileKind::Folder)
}

/// Returns whether the file exists. A path that is not a private regular file is an error.
pub(super) fn file_exists(path: &Path) -> Result<bool, StoreError> {
    exists(path, FileKind::File)
}

/// Returns the contents of a private file, or `None` if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    read_up_to(path, u64::MAX)
}

/// Like [`read`], for a file that the user named: one of more than `max_bytes` is refused and not
/// read.
pub(super) fn read_up_to(
    path: &Path,
    max_bytes: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    if !file_exists(path)? {
        return Ok(None);
    }
    let file = refuse_links(OpenOptions::new().read(true)).open(path).map_err(disk_error(path))?;
    // Check the opened file again, because it may have been replaced after the first check.
    let metadata = file.metadata().map_err(disk_error(path))?;
    check_private(path, &metadata, FileKind::File)?;
    if metadata.len() > max_bytes {
        return Err(too_large(path, max_bytes));
    }
    let mut content =
        Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default()));
    // The file may grow while it is read.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut content).map_err(disk_error(path))?;
    if content.len() as u64 > max_bytes {
        Err(too_large(path, max_bytes))
    } else {
        Ok(Some(content))
    }
}

/// Like [`read_up_to`], for a file that this program only reads: symbolic links are followed and
/// what they end at is judged, because Kubernetes mounts secrets as links; a pipe (`/dev/stdin`,
/// `/dev/fd/3`) is read to its end.
pub(super) fn read_source(
    path: &Path,
    max_bytes: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let (sender, receiver) = mpsc::channel();
    let source = path.to_owned();
    // Opening a named pipe waits for its other end, and so does reading it.
    thread::spawn(move || sender.send(read_opened(&source, max_bytes)));
    receiver.recv_timeout(PIPE_TIMEOUT).unwrap_or_else(|_| {
        let seconds = PIPE_TIMEOUT.as_secs();
        let why = format!("{}: nothing was written to it within {seconds} s", path.display());
        Err(StoreError::UnusableFile(why))
    })
}

fn read_opened(path: &Path, max_bytes: u64) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(disk_error(path))?,
    };
    check_source(path, &file.metadata().map_err(disk_error(path))?)?;
    let mut content = Zeroizing::new(Vec::new());
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut content).map_err(disk_error(path))?;
    if content.len() as u64 > max_bytes {
        Err(too_large(path, max_bytes))
    } else {
        Ok(Some(content))
    }
}

/// Checks that an opened file or pipe is private. A mount of Kubernetes belongs to root and may be
/// readable for the group of the container, which has no other members.
#[cfg(unix)]
fn check_source(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    if metadata.file_type().is_char_device() {
        let why = format!("{} is a terminal or another device", path.display());
        return Err(StoreError::UnusableFile(why));
    }
    let is_mounted = metadata.uid() == 0 && metadata.mode() & 0o027 == 0;
    let is_own_root = rustix::process::geteuid().is_root();
    if metadata.file_type().is_fifo() || metadata.is_file() && is_mounted && !is_own_root {
        let access = foreign_access(metadata, ForeignAccess::Any).filter(|_| !is_mounted);
        return access.map_or(Ok(()), |why| {
            Err(StoreError::InsecureFile(format!("{} {why}", path.display())))
        });
    }
    check_private(path, metadata, FileKind::File)
}

#[cfg(not(unix))]
fn check_source(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    check_private(path, metadata, FileKind::File)
}

fn too_large(path: &Path, max_bytes: u64) -> StoreError {
    let why = format!("{} is larger than {} KiB", path.display(), max_bytes >> 10);
    StoreError::UnusableFile(why)
}

/// Replaces a file so that a crash at any moment leaves the old contents or the new ones on the
/// disk, not only in its cache.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    file_exists(path)?;
    let mut file = AtomicFile::create(path, TEMP_FILE_PREFIX).map_err(disk_error(path))?;
    check_private(path, &file.file().metadata().map_err(disk_error(path))?, FileKind::File)?;
    file.write(content).and_then(|()| file.commit()).map_err(disk_error(path))
}

/// Renames a file within its folder, durably.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).and_then(|()| sync_folder(parent_folder(to))).map_err(disk_error(to))
}

/// Removes a file durably; a missing file is not an error.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(parent_folder(path)).map_err(disk_error(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(disk_error(path)(error)),
    }
}

/// Waits for this lock, which excludes other processes and other threads; dropping the file
/// releases it.
pub(super) fn lock(path: &Path, timeout: Duration) -> Result<File, StoreError> {
    file_exists(path)?;
    let file = open_lock_file(path).map_err(disk_error(path))?;
    match lock_until(&file, Instant::now() + timeout) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::TimedOut(timeout)),
        Err(TryLockError::Error(error)) => {
            Err(StoreError::DiskError(private_files::describe_lock_error(&error, path)))
        }
    }
}

/// Removes the temporary files of processes that were killed while writing. Call it only while
/// holding the lock.
pub(super) fn remove_temp_files(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(TEMP_FILE_PREFIX))
    {
        // A file that cannot be removed does no harm; the next process that opens the folder tries
        // again.
        let _ = fs::remove_file(entry.path());
    }
}

fn exists(path: &Path, kind: FileKind) -> Result<bool, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => check_private(path, &metadata, kind).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(disk_error(path)(error)),
    }
}

fn check_private(path: &Path, metadata: &Metadata, kind: FileKind) -> Result<(), StoreError> {
    let problem = if metadata.is_symlink() {
        Some("is a symbolic link".to_owned())
    } else if kind == FileKind::File && !metadata.is_file() {
        Some("is not a regular file".to_owned())
    } else if kind == FileKind::Folder && !metadata.is_dir() {
        Some("is not a folder".to_owned())
    } else {
        foreign_access(metadata, ForeignAccess::Any)
    };
    problem.map_or(Ok(()), |why| Err(StoreError::InsecureFile(format!("{} {why}", path.display()))))
}

fn disk_error(path: &Path) -> impl Fn(io::Error) -> StoreError + '_ {
    move |error| StoreError::DiskError(format!("{}: {error}", path.display()))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_created_is_private_and_leaves_nothing_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        create_folder(&folder).unwrap();
        write(&folder.join("file"), b"one").unwrap();
        write(&folder.join("file"), b"two").unwrap();
        drop(lock(&folder.join("lock"), Duration::ZERO).unwrap());

        assert_eq!((mode(&root.path().join("a")), mode(&folder)), (0o700, 0o700));
        assert_eq!((mode(&folder.join("file")), mode(&folder.join("lock"))), (0o600, 0o600));
        assert_eq!(read(&folder.join("file")).unwrap().unwrap().as_slice(), b"two");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn a_link_in_the_way_is_neither_read_nor_written_through() {
        let root = tempfile::tempdir().unwrap();
        let (target, link) = (root.path().join("target"), root.path().join("link"));
        write(&target, b"kept").unwrap();
        symlink(&target, &link).unwrap();
        for refused in [
            read(&link).map(drop),
            write(&link, b"lost"),
            lock(&link, Duration::ZERO).map(drop),
            create_folder(&link),
        ] {
            assert!(
                matches!(refused, Err(StoreError::InsecureFile(why)) if why.contains("symbolic link"))
            );
        }
        assert_eq!(read(&target).unwrap().unwrap().as_slice(), b"kept");
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o750)).unwrap();
        assert!(
            matches!(create_folder(root.path()), Err(StoreError::InsecureFile(why)) if why.contains("mode 750"))
        );
    }

    #[test]
    fn a_lock_that_stays_held_is_an_error_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let _held = lock(&path, Duration::ZERO).unwrap();
        let timeout = Duration::from_millis(20);
        assert_eq!(lock(&path, timeout).map(drop), Err(StoreError::TimedOut(timeout)));
    }

    #[test]
    fn only_unfinished_files_are_swept() {
        let root = tempfile::tempdir().unwrap();
        for name in [".tmp-abc", "vault.age", "lock"] {
            fs::write(root.path().join(name), b"").unwrap();
        }
        remove_temp_files(root.path());
        assert!(!root.path().join(".tmp-abc").exists());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }
}
