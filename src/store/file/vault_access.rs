//! The vault of this process: locked, unlocked by its passphrase, or opened by a session of the
//! user.
//!
//! Start reading at [`VaultAccess::for_reading`]. Files and their format belong to [`super::vault`],
//! the holders of a session to [`super::session`].

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::passphrase_change;
use super::session::{self, IdentityDigest, VaultSession};
use super::vault::{self, IDENTITY_FILE, Vault};
use crate::store::StoreError;
use crate::store::session::{SessionHolder, SessionLimits, SessionState, StoreSession};

/// Vault of one folder, as this process may use it.
pub(super) struct VaultAccess {
    folder: PathBuf,
    sessions: Option<VaultSession>,
    state: Mutex<AccessState>,
}

/// How the vault was opened.
#[derive(Default)]
enum AccessState {
    /// Not opened by this process; a session may open it.
    #[default]
    Closed,
    /// Locked by the user of this process: only the passphrase opens it.
    Locked,
    /// Opened with the passphrase.
    Unlocked(Arc<Vault>),
    /// Opened by the session that holds the key of this identity file. It is read only as long as
    /// the session is active.
    InSession(Arc<Vault>, IdentityDigest),
}

impl VaultAccess {
    /// Returns the access by passphrase only.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, sessions: None, state: Mutex::default() }
    }

    /// Returns the access by passphrase or by a session.
    pub(super) fn with_session(folder: PathBuf) -> Self {
        Self { sessions: Some(VaultSession::new(folder.clone())), ..Self::new(folder) }
    }

    /// Checks whether the vault can be read.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        vault::check_vault(&self.folder)?;
        self.for_reading().map(drop)
    }

    /// Returns the vault, to read from it.
    pub(super) fn for_reading(&self) -> Result<Arc<Vault>, StoreError> {
        let mut state = self.state();
        match &*state {
            AccessState::Unlocked(vault) => return Ok(Arc::clone(vault)),
            AccessState::Locked => return Err(vault::closed_reason(&self.folder)),
            AccessState::InSession(vault, digest)
                if self.sessions.as_ref().is_some_and(|sessions| sessions.renew(digest)) =>
            {
                return Ok(Arc::clone(vault));
            }
            AccessState::InSession(..) | AccessState::Closed => {}
        }
        let Some((vault, digest)) = self.open_by_session() else {
            return Err(vault::closed_reason(&self.folder));
        };
        *state = AccessState::InSession(Arc::clone(&vault), digest);
        Ok(vault)
    }

    /// Returns the vault, to write to it. A session that has ended meanwhile does not matter: a new
    /// secret that cannot be stored would be lost.
    pub(super) fn for_writing(&self) -> Result<Arc<Vault>, StoreError> {
        if let AccessState::InSession(vault, _) = &*self.state() {
            return Ok(Arc::clone(vault));
        }
        self.for_reading()
    }

    /// Uses a vault that was unlocked with the passphrase.
    pub(super) fn set_unlocked(&self, vault: Vault) {
        *self.state() = AccessState::Unlocked(Arc::new(vault));
    }

    /// Locks the vault for this process.
    pub(super) fn lock(&self) {
        *self.state() = AccessState::Locked;
    }

    /// Starts a session with the key of the unlocked vault.
    pub(super) fn start_session(
        &self,
        holder: SessionHolder,
        limits: SessionLimits,
    ) -> Result<StoreSession, StoreError> {
        let sessions = self.sessions.as_ref().ok_or(StoreError::Locked)?;
        let vault = match &*self.state() {
            AccessState::Unlocked(vault) => Arc::clone(vault),
            _ => return Err(StoreError::Locked),
        };
        let digest = session::identity_digest(&self.folder.join(IDENTITY_FILE))?;
        if !vault.has_key_of_items()? {
            // Another process has changed the passphrase meanwhile.
            return Err(StoreError::Locked);
        }
        sessions.start(&digest, &vault.identity, holder, limits)
    }

    /// Returns whether a session is active.
    pub(super) fn session(&self) -> SessionState {
        let Some(sessions) = &self.sessions else { return SessionState::NotOffered };
        match session::identity_digest(&self.folder.join(IDENTITY_FILE)) {
            Ok(digest) => sessions.state(&digest),
            Err(_) => SessionState::Inactive,
        }
    }

    /// Ends the session, and returns whether there was one.
    pub(super) fn end_session(&self) -> Result<bool, StoreError> {
        self.sessions.as_ref().map_or(Ok(false), VaultSession::end)
    }

    /// Returns the vault, opened with the key that a session holds. A vault whose passphrase is being
    /// changed needs the passphrase, which finishes the change.
    fn open_by_session(&self) -> Option<(Arc<Vault>, IdentityDigest)> {
        let sessions = self.sessions.as_ref()?;
        vault::check_vault(&self.folder).ok()?;
        let digest = session::identity_digest(&self.folder.join(IDENTITY_FILE)).ok()?;
        let identity = sessions.open(&digest)?;
        if passphrase_change::is_unfinished(&self.folder).ok()? {
            return None;
        }
        let vault = Vault { folder: self.folder.clone(), identity };
        vault.has_key_of_items().ok()?.then(|| (Arc::new(vault), digest))
    }

    fn state(&self) -> MutexGuard<'_, AccessState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use age::secrecy::SecretString;

    use super::*;
    use crate::store::WorkFactor;

    const PASSPHRASE: &str = "kept-Vq7-for-Zk2-tests-Xw9";

    fn vault(folder: PathBuf) -> Vault {
        let passphrase = SecretString::from(PASSPHRASE.to_owned());
        Vault::open(folder, &passphrase, WorkFactor::new(1))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_locked_vault_is_opened_again_by_its_passphrase_only() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("vault");
        let access = VaultAccess::with_session(folder.clone());
        assert_eq!(access.check(), Err(StoreError::NotInitialized));
        access.set_unlocked(vault(folder.clone()));
        assert_eq!(access.check(), Ok(()));
        access.lock();
        assert_eq!(access.check(), Err(StoreError::Locked));
        let limits = SessionLimits::default();
        assert_eq!(
            access.start_session(SessionHolder::Agent, limits),
            Err(StoreError::Locked),
            "a locked vault has no key to hand on"
        );
        access.set_unlocked(vault(folder));
        assert!(access.for_reading().is_ok() && access.for_writing().is_ok());
    }

    #[test]
    fn what_a_session_opened_is_written_but_not_read_after_its_end() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("vault");
        let access = VaultAccess::with_session(folder.clone());
        let digest = IdentityDigest::from_contents(b"a session that has ended");
        *access.state() = AccessState::InSession(Arc::new(vault(folder)), digest);
        assert!(access.for_writing().is_ok_and(|vault| vault.update_items(|_| {}).is_ok()));
        assert_eq!(access.check(), Err(StoreError::Locked));
    }
}
