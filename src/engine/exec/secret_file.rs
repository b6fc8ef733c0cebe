//! Files through which a child reads a secret.
//!
//! Where the system can, the file is in memory and has no name in any folder: the child inherits it,
//! and it ends with the last process that has it. Elsewhere it is a private file that is removed
//! when the child has exited. A run that is killed cannot do that, so the next run removes the file.
//! Start with [`SecretFile::create`] and [`remove_leftovers`].

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::domain::Secret;

/// Start of the name of a file in a folder.
const FILE_PREFIX: &str = "tokenring-exec-";

/// Number of attempts to create a file that another run does not remove as a leftover.
const CREATE_ATTEMPTS: usize = 8;

/// File with a secret, for a child.
pub(super) enum SecretFile {
    /// In memory, as an open file that the child inherits.
    Memory(MemoryFile),
    /// In a folder; removed when this is dropped.
    Folder(NamedTempFile),
}

/// Open file in memory and the path under which a process that inherited it reads it.
pub(super) struct MemoryFile {
    /// Kept open until the child was started.
    _file: File,
    path: PathBuf,
}

impl SecretFile {
    /// Creates a file with the secret.
    pub(super) fn create(secret: &Secret) -> io::Result<Self> {
        match memory_file(secret) {
            Ok(file) => Ok(Self::Memory(file)),
            // An old kernel, a filter of system calls, or a system without such files.
            Err(_) => folder_file(secret, &private_folder()).map(Self::Folder),
        }
    }

    /// Returns the path under which the child reads the file.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Memory(file) => &file.path,
            Self::Folder(file) => file.path(),
        }
    }
}

/// Creates a file in memory that can be read any number of times and not be changed.
#[cfg(target_os = "linux")]
fn memory_file(secret: &Secret) -> io::Result<MemoryFile> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{MemfdFlags, Mode, SealFlags, fchmod, fcntl_add_seals, memfd_create};

    // Without the flag that closes it in the child.
    let mut file = File::from(memfd_create("tokenring-exec", MemfdFlags::ALLOW_SEALING)?);
    fchmod(&file, Mode::RUSR)?;
    secret.expose(|bytes| file.write_all(bytes))?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(&file, seals)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    // The child reads it by its path, so /proc must be mounted.
    std::fs::metadata(&path)?;
    Ok(MemoryFile { _file: file, path })
}

#[cfg(not(target_os = "linux"))]
fn memory_file(_: &Secret) -> io::Result<MemoryFile> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Creates a file that is private from its first byte. It is locked before the secret is written,
/// and the child inherits the lock, so that no other run removes it while it is in use.
fn folder_file(secret: &Secret, folder: &Path) -> io::Result<NamedTempFile> {
    for _ in 0..CREATE_ATTEMPTS {
        let mut file = tempfile::Builder::new().prefix(FILE_PREFIX).tempfile_in(folder)?;
        if !lock_for_child(file.as_file())? || !file.path().exists() {
            continue;
        }
        secret.expose(|bytes| file.write_all(bytes))?;
        file.flush()?;
        return Ok(file);
    }
    Err(io::Error::other("another process removes the file"))
}

/// Locks the file for this process and its children. Returns whether it did.
#[cfg(unix)]
fn lock_for_child(file: &File) -> io::Result<bool> {
    rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty())?;
    Ok(file.try_lock().is_ok())
}

/// Does not lock the file: on Windows a lock would keep the child from reading it.
#[cfg(not(unix))]
fn lock_for_child(_: &File) -> io::Result<bool> {
    Ok(true)
}

/// Returns the user's folder in memory if there is one, else the folder for temporary files.
fn private_folder() -> PathBuf {
    let memory = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    memory.filter(|folder| folder.is_dir()).unwrap_or_else(std::env::temp_dir)
}

/// Removes the files of runs that were killed, and returns their paths.
#[cfg(unix)]
pub fn remove_leftovers() -> Vec<PathBuf> {
    let mut folders = vec![private_folder(), std::env::temp_dir()];
    folders.dedup();
    folders.iter().flat_map(|folder| remove_leftovers_in(folder)).collect()
}

/// Removes nothing: on Windows it cannot be known whether a file is in use.
#[cfg(not(unix))]
pub fn remove_leftovers() -> Vec<PathBuf> {
    Vec::new()
}

#[cfg(unix)]
fn remove_leftovers_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(FILE_PREFIX.as_bytes()));
    named.map(|entry| entry.path()).filter(|path| remove_if_unused(path)).collect()
}

/// Removes a file of this user that no process has locked.
#[cfg(unix)]
fn remove_if_unused(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let user = rustix::process::geteuid().as_raw();
    // Not through a link: another user may have made it.
    let is_own =
        std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.uid() == user);
    let Some(file) = is_own.then(|| File::open(path).ok()).flatten() else { return false };
    file.try_lock().is_ok() && std::fs::remove_file(path).is_ok()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::{Duration, Instant};

    use super::*;

    fn secret() -> Secret {
        Secret::from_text("a-secret-in-a-file".to_owned())
    }

    #[test]
    fn a_file_in_a_folder_is_private_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder_file(&secret(), folder.path()).unwrap();
        let path = file.path().to_owned();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a-secret-in-a-file");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_leftover_is_removed_and_a_file_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let used = folder_file(&secret(), folder.path()).unwrap();
        // Not locked before: a child of another test could inherit the lock.
        let left = folder.path().join("tokenring-exec-left");
        std::fs::write(&left, "x").unwrap();
        let foreign = folder.path().join("tokenring-other");
        std::fs::write(&foreign, "x").unwrap();
        let link = folder.path().join("tokenring-exec-link");
        std::os::unix::fs::symlink(&foreign, &link).unwrap();
        assert_eq!(remove_leftovers_in(folder.path()), std::slice::from_ref(&left));
        assert!(used.path().exists() && foreign.exists() && link.is_symlink() && !left.exists());
    }

    #[test]
    fn a_child_keeps_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder_file(&secret(), folder.path()).unwrap();
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // As if this process was killed.
        let (open, path) = file.keep().unwrap();
        drop(open);
        assert!(remove_leftovers_in(folder.path()).is_empty());
        drop(child.stdin.take());
        child.wait().unwrap();
        // A child of another test may have inherited the lock too, until it exits.
        let end = Instant::now() + Duration::from_secs(20);
        while remove_leftovers_in(folder.path()) != [path.clone()] {
            assert!(Instant::now() < end, "the lock ends with the child");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
