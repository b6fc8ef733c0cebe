//! One at a time for each credential: in this process and, where the engine has a folder, across processes.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;

use crate::domain::{CredentialId, Problem};

/// How long another process may hold a credential before this one gives up, to be tried again.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a lock that another process holds is tried.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The locks of this run.
pub(super) struct CredentialLocks {
    folder: Option<PathBuf>,
    session_locks: Mutex<HashMap<CredentialId, Arc<tokio::sync::Mutex<()>>>>,
    rotation_locks: Mutex<HashMap<CredentialId, Arc<tokio::sync::Mutex<()>>>>,
}

/// A credential that is held; it is let go on drop.
pub(super) struct CredentialLock {
    file: Option<File>,
    _guard: OwnedMutexGuard<()>,
}

impl CredentialLocks {
    /// Locks in this process, and between processes by files in `folder` where there is one.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, session_locks: Mutex::default(), rotation_locks: Mutex::default() }
    }

    /// Waits until nobody else holds the credential.
    pub(super) async fn lock(&self, id: &CredentialId) -> Result<CredentialLock, Problem> {
        let lock = Arc::clone(
            self.session_locks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(id.clone())
                .or_default(),
        );
        let guard = lock.lock_owned().await;
        Ok(CredentialLock { file: self.lock_file(id).await?, _guard: guard })
    }

    /// Holds the credential for a rotation, or says that somebody else does: nobody waits for a rotation to end. This is
    /// another lock than that of [`CredentialLocks::lock`], which comes and goes while a rotation is under way.
    pub(super) fn try_lock_rotation(&self, id: &CredentialId) -> Result<CredentialLock, Problem> {
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
            .map_err(|error| cannot_lock(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(CredentialLock { file: Some(file), _guard: guard }),
            Err(std::fs::TryLockError::WouldBlock) => Err(rotation_in_progress()),
            Err(std::fs::TryLockError::Error(error)) => Err(cannot_lock(&error)),
        }
    }

    async fn lock_file(&self, id: &CredentialId) -> Result<Option<File>, Problem> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let file =
            open_lock_file(folder, &format!("{id}.lock")).map_err(|error| cannot_lock(&error))?;
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(std::fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    tokio::time::sleep(LOCK_POLL_INTERVAL).await
                }
                Err(std::fs::TryLockError::WouldBlock) => return Err(lock_timed_out()),
                Err(std::fs::TryLockError::Error(error)) => return Err(cannot_lock(&error)),
            }
        }
    }
}

impl Drop for CredentialLock {
    /// A child that is just being started has a copy of every open file until it runs its own program. Closing the file
    /// here would leave the lock to that copy; unlocking it ends the lock for all of them.
    fn drop(&mut self) {
        if let Some(Err(error)) = self.file.as_ref().map(File::unlock) {
            tracing::warn!(%error, "a lock ends only when its file is closed");
        }
    }
}

fn open_lock_file(folder: &std::path::Path, name: &str) -> std::io::Result<File> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(folder.join(name))
}

fn rotation_in_progress() -> Problem {
    let why = "another tokenring is replacing it at this moment";
    Problem::new(
        "The credential is being replaced",
        why,
        "wait until that one is done; `tokenring rotations` shows how far it is",
    )
}

fn lock_timed_out() -> Problem {
    let why =
        format!("another tokenring has been using its session for {} s", LOCK_TIMEOUT.as_secs());
    Problem::new(
        "The credential is in use",
        why,
        "wait for the other one to finish, then try again",
    )
}

fn cannot_lock(error: &std::io::Error) -> Problem {
    Problem::new(
        "The credential cannot be locked",
        error.to_string(),
        "check that the state folder can be written",
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
        let claimed = locks().try_lock_rotation(&id).expect("nobody has it");
        assert!(locks().try_lock_rotation(&id).is_err(), "it is held");
        let copy = claimed.file.as_ref().map(|file| file.try_clone().expect("a copy"));
        drop(claimed);
        assert!(locks().try_lock_rotation(&id).is_ok());
        drop(copy);
    }
}
