//! Locks per credential: in this process and, if the engine has a lock folder, across processes.
//!
//! A short lock guards token refreshes, a second one guards a whole rotation. Further locks, of no
//! credential, guard the anchor of the audit log, the creation of the fingerprint key, and all
//! secrets together against rotations while they are copied. Start with `CredentialLocks`.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard};

use crate::domain::{CredentialId, Problem};
use crate::util::private_files;

/// How long this process waits for another process to release a credential before it gives up.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// Lock file that every rotation shares, and that a copy of all secrets holds alone.
const ALL_ROTATIONS_FILE: &str = "all.rotations";

/// Interval between attempts to take a lock that another process holds.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Locks of this run.
pub(in crate::engine) struct CredentialLocks {
    folder: Option<PathBuf>,
    session_locks: Mutex<HashMap<CredentialId, Arc<tokio::sync::Mutex<()>>>>,
    rotation_locks: Mutex<HashMap<CredentialId, Arc<tokio::sync::Mutex<()>>>>,
    anchor_lock: Arc<tokio::sync::Mutex<()>>,
    fingerprint_key_lock: Arc<tokio::sync::Mutex<()>>,
    all_rotations_lock: Arc<tokio::sync::RwLock<()>>,
}

/// Lock on a credential or on the anchor; dropping it releases the lock.
pub(in crate::engine) struct CredentialLock {
    #[cfg_attr(not(test), expect(dead_code, reason = "held, never read"))]
    file: Option<HeldFileLock>,
    _guard: OwnedMutexGuard<()>,
    _all_rotations: Option<SharedRotationsLock>,
}

/// Part of a rotation's lock that keeps all secrets from being copied meanwhile.
struct SharedRotationsLock {
    _file: Option<HeldFileLock>,
    _guard: OwnedRwLockReadGuard<()>,
}

/// Lock that keeps every rotation from starting; dropping it releases the lock. It is one file for
/// all credentials, because a process cannot hold ten thousand open.
pub(in crate::engine) struct AllRotationsLock {
    _file: Option<HeldFileLock>,
    _guard: OwnedRwLockWriteGuard<()>,
}

/// Lock of an open file.
struct HeldFileLock(File);

impl CredentialLocks {
    /// Creates locks for this process, and lock files for other processes if there is a folder.
    pub(in crate::engine) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            session_locks: Mutex::default(),
            rotation_locks: Mutex::default(),
            anchor_lock: Arc::default(),
            fingerprint_key_lock: Arc::default(),
            all_rotations_lock: Arc::default(),
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
        Ok(CredentialLock { file, _guard: guard, _all_rotations: None })
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
        let shared = SharedRotationsLock {
            _guard: Arc::clone(&self.all_rotations_lock)
                .try_read_owned()
                .map_err(|_| secrets_being_copied())?,
            _file: self.try_lock_file(
                ALL_ROTATIONS_FILE,
                File::try_lock_shared,
                secrets_being_copied,
            )?,
        };
        let name = format!("{id}.rotation");
        let file = self.try_lock_file(&name, File::try_lock, rotation_in_progress)?;
        Ok(CredentialLock { file, _guard: guard, _all_rotations: Some(shared) })
    }

    /// Locks all credentials against rotations, without a wait. Fails if one is being rotated.
    pub(in crate::engine) fn try_lock_all_rotations(&self) -> Result<AllRotationsLock, Problem> {
        let guard = Arc::clone(&self.all_rotations_lock)
            .try_write_owned()
            .map_err(|_| rotation_in_progress())?;
        let file = self.try_lock_file(ALL_ROTATIONS_FILE, File::try_lock, rotation_in_progress)?;
        Ok(AllRotationsLock { _file: file, _guard: guard })
    }

    /// Locks a file of the lock folder, if there is one, without a wait.
    fn try_lock_file(
        &self,
        name: &str,
        lock: fn(&File) -> Result<(), TryLockError>,
        held_elsewhere: fn() -> Problem,
    ) -> Result<Option<HeldFileLock>, Problem> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let file = open_lock_file(folder, name).map_err(|error| cannot_lock(folder, &error))?;
        match lock(&file) {
            Ok(()) => Ok(Some(HeldFileLock(file))),
            Err(TryLockError::WouldBlock) => Err(held_elsewhere()),
            Err(TryLockError::Error(error)) => Err(cannot_lock(folder, &error)),
        }
    }

    /// Waits until no other task and no other process writes the anchor of the audit log, and locks
    /// it.
    pub(in crate::engine) async fn lock_audit_anchor(&self) -> Result<CredentialLock, Problem> {
        let guard = Arc::clone(&self.anchor_lock).lock_owned().await;
        let file = self.lock_file("audit-anchor.lock").await?;
        Ok(CredentialLock { file, _guard: guard, _all_rotations: None })
    }

    /// Waits until no other process creates the fingerprint key, and locks its creation. A key that
    /// overwrites another one makes everything that was recorded with the other one invalid.
    pub(in crate::engine) async fn lock_fingerprint_key(&self) -> Result<CredentialLock, Problem> {
        let guard = Arc::clone(&self.fingerprint_key_lock).lock_owned().await;
        let file = self.lock_file("fingerprint-key.lock").await?;
        Ok(CredentialLock { file, _guard: guard, _all_rotations: None })
    }

    async fn lock_file(&self, name: &str) -> Result<Option<HeldFileLock>, Problem> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let file = open_lock_file(folder, name).map_err(|error| cannot_lock(folder, &error))?;
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(HeldFileLock(file))),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    tokio::time::sleep(LOCK_POLL_INTERVAL).await;
                }
                Err(TryLockError::WouldBlock) => return Err(lock_timed_out()),
                Err(TryLockError::Error(error)) => return Err(cannot_lock(folder, &error)),
            }
        }
    }
}

impl Drop for HeldFileLock {
    /// Unlocks the file explicitly. A child that is being started holds a copy of every open file
    /// until it runs its own program; closing the file would leave the lock to that copy, unlocking
    /// releases it for all copies.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
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

fn secrets_being_copied() -> Problem {
    Problem::new(
        "No rotation can start now",
        "another tokenring process is moving or exporting all secrets",
        "wait until it has finished, then try again",
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
        let copy = claimed.file.as_ref().map(|held| held.0.try_clone().expect("a copy"));
        drop(claimed);
        assert!(locks().try_lock_rotation(&id).is_ok());
        drop(copy);
    }

    #[test]
    fn all_secrets_are_copied_only_while_none_is_rotated_in_any_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let id = CredentialId::from_random([1; 16]);
        let shared = CredentialLocks::new(None);
        let processes = [(); 2].map(|()| CredentialLocks::new(Some(folder.path().to_owned())));
        for (one, other) in [(&processes[0], &processes[1]), (&shared, &shared)] {
            let rotation = one.try_lock_rotation(&id).expect("free");
            assert!(other.try_lock_all_rotations().is_err());
            drop(rotation);
            let copy = one.try_lock_all_rotations().expect("free");
            assert!(other.try_lock_rotation(&id).is_err_and(|why| why.why.contains("exporting")));
            drop(copy);
            assert!(other.try_lock_rotation(&id).is_ok());
        }
    }
}
