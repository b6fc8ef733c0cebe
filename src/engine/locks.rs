//! Locks per credential: in this process and, if the engine has a lock folder, across processes.
//!
//! A short lock guards token refreshes, a second one guards a whole rotation. One further lock, of
//! no credential, guards the anchor of the audit log. Start with `CredentialLocks`.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;

use crate::domain::{CredentialId, Problem};
use crate::util::private_files;

/// How long this process waits for another process to release a credential before it gives up.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// Interval between attempts to take a lock that another process holds.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Locks of this run.
pub(in crate::engine) struct CredentialLocks {
    folder: Option<PathBuf>,
    session_locks: Mutex<HashMap<CredentialId, Arc<tokio::sync::Mutex<()>>>>,
    rotation_locks: Mutex<HashMap<CredentialId, Arc<tokio::sync::Mutex<()>>>>,
    anchor_lock: Arc<tokio::sync::Mutex<()>>,
    fingerprint_key_lock: Arc<tokio::sync::Mutex<()>>,
}

/// Lock on a credential or on the anchor; dropping it releases the lock.
pub(in crate::engine) struct CredentialLock {
    file: Option<File>,
    _guard: OwnedMutexGuard<()>,
}

impl CredentialLocks {
    /// Creates locks for this process, and lock files for other processes if there is a folder.
    pub(in crate::engine) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            session_locks: Mutex::default(),
            rotation_locks: Mutex::default(),
            anchor_lock: Arc::default(),
            fingerprint_key_lock: Arc::default(),
        }
    }

    /// Waits until the credential is free and locks it.
    pub(in crate::engine) async fn lock(
        &self,
        id: &CredentialId,
    ) -> Result<CredentialLock, Problem> {
        let lock = Arc::clone(
            self.session_locks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(id.clone())
                .or_default(),
        );
        let guard = lock.lock_owned().await;
        let file = self.lock_file(&format!("{id}.lock")).await?;
        Ok(CredentialLock { file, _guard: guard })
    }

    /// Locks the credential for a rotation. Fails if another rotation holds it, because nothing
    /// waits for a rotation to finish. This is not the lock of [`CredentialLocks::lock`], which is
    /// taken and released during a rotation.
    pub(in crate::engine) fn try_lock_rotation(
        &self,
        id: &CredentialId,
    ) -> Result<CredentialLock, Problem> {
        let lock = Arc::clone(
            self.rotation_locks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(id.clone())
                .or_default(),
        );
        let guard = lock.try_lock_owned().map_err(|_| rotation_in_progress())?;
        let Some(folder) = &self.folder else {
            return Ok(CredentialLock { file: None, _guard: guard });
        };
        let file = open_lock_file(folder, &format!("{id}.rotation"))
            .map_err(|error| cannot_lock(folder, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(CredentialLock { file: Some(file), _guard: guard }),
            Err(std::fs::TryLockError::WouldBlock) => Err(rotation_in_progress()),
            Err(std::fs::TryLockError::Error(error)) => Err(cannot_lock(folder, &error)),
        }
    }

    /// Waits until no other task and no other process writes the anchor of the audit log, and locks
    /// it.
    pub(in crate::engine) async fn lock_audit_anchor(&self) -> Result<CredentialLock, Problem> {
        let guard = Arc::clone(&self.anchor_lock).lock_owned().await;
        let file = self.lock_file("audit-anchor.lock").await?;
        Ok(CredentialLock { file, _guard: guard })
    }

    /// Waits until no other process creates the fingerprint key, and locks its creation. A key that
    /// overwrites another one makes everything that was recorded with the other one invalid.
    pub(in crate::engine) async fn lock_fingerprint_key(&self) -> Result<CredentialLock, Problem> {
        let guard = Arc::clone(&self.fingerprint_key_lock).lock_owned().await;
        let file = self.lock_file("fingerprint-key.lock").await?;
        Ok(CredentialLock { file, _guard: guard })
    }

    async fn lock_file(&self, name: &str) -> Result<Option<File>, Problem> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let file = open_lock_file(folder, name).map_err(|error| cannot_lock(folder, &error))?;
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(std::fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    tokio::time::sleep(LOCK_POLL_INTERVAL).await;
                }
                Err(std::fs::TryLockError::WouldBlock) => return Err(lock_timed_out()),
                Err(std::fs::TryLockError::Error(error)) => {
                    return Err(cannot_lock(folder, &error));
                }
            }
        }
    }
}

impl Drop for CredentialLock {
    /// Unlocks the file explicitly. A child that is being started holds a copy of every open file
    /// until it runs its own program; closing the file would leave the lock to that copy, unlocking
    /// releases it for all copies.
    fn drop(&mut self) {
        if let Some(Err(error)) = self.file.as_ref().map(File::unlock) {
            tracing::warn!(%error, "the lock is released only when its file is closed");
        }
    }
}

fn open_lock_file(folder: &Path, name: &str) -> std::io::Result<File> {
    private_files::create_folder(folder)?;
    private_files::open_lock_file(&folder.join(name))
}

fn rotation_in_progress() -> Problem {
    let why = "another tokenring process is rotating it";
    Problem::new(
        "The credential is being rotated",
        why,
        "wait until that rotation is done; `tokenring rotate --list` shows its progress",
    )
}

fn lock_timed_out() -> Problem {
    let why = format!(
        "another tokenring process has been using its session for {} s",
        LOCK_TIMEOUT.as_secs()
    );
    Problem::new(
        "The credential is in use",
        why,
        "wait for the other process to finish, then try again",
    )
}

fn cannot_lock(folder: &Path, error: &std::io::Error) -> Problem {
    Problem::new(
        "The credential cannot be locked",
        private_files::describe_lock_error(error, folder),
        "check that the state folder is writable, on a file system with locks; TOKENRING_HOME chooses another folder",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_copy_of_the_file_in_a_child_that_is_being_started_holds_nothing_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let (id, locks) = (CredentialId::from_random([1; 16]), || {
            CredentialLocks::new(Some(folder.path().to_owned()))
        });
        let claimed = locks().try_lock_rotation(&id).expect("not locked yet");
        assert!(locks().try_lock_rotation(&id).is_err(), "already locked");
        let copy = claimed.file.as_ref().map(|file| file.try_clone().expect("a copy"));
        drop(claimed);
        assert!(locks().try_lock_rotation(&id).is_ok());
        drop(copy);
    }
}
