//! The secret store as a whole: its state and self-test, unlocking, locking, and its passphrase; its
//! migration to another store, and its backups.
//!
//! Start with [`StoreService::state`].

pub mod backup;
#[cfg(test)]
pub(super) mod counting_store;
pub mod migrate;
pub mod restore;
pub(super) mod tasks;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::UNLOCK_TIMEOUT;
use super::audit::{AuditEvent, AuditService};
use super::clipboard::Clipboard;
use super::ports::SharedPorts;
use super::secrets::token_cache::AccessTokenCache;
use crate::domain::{Problem, Secret};
use crate::store::session::{SessionHolder, SessionLimits, SessionState, StoreSession};
use crate::store::{SecretStore, StoreStatus, UnlockMethod};

/// State and passphrase of the secret store.
pub struct StoreService {
    store: Arc<dyn SecretStore>,
    token_cache: Arc<AccessTokenCache>,
    clipboard: Arc<Clipboard>,
    audit: Arc<AuditService>,
    store_verified: OnceCell<()>,
}

impl StoreService {
    /// Creates the service. Opens nothing.
    pub(super) fn new(ports: &SharedPorts, audit: Arc<AuditService>) -> Self {
        Self {
            store: Arc::clone(&ports.store),
            token_cache: Arc::clone(&ports.token_cache),
            clipboard: Arc::clone(&ports.clipboard),
            audit,
            store_verified: OnceCell::new(),
        }
    }

    /// Returns which store is in use and whether it can be used right now. Never raises a prompt.
    pub async fn state(&self) -> StoreStatus {
        StoreStatus::probe(self.store.as_ref()).await
    }

    /// Verifies once per run that the store works: writes, reads back and deletes a test item.
    pub async fn verify(&self) -> Result<(), Problem> {
        self.store_verified
            .get_or_try_init(|| crate::store::run_self_test(self.store.as_ref()))
            .await?;
        Ok(())
    }

    /// Unlocks the store; gives up after `wait`.
    pub async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), Problem> {
        Ok(self.store.unlock(by, wait).await?)
    }

    /// Locks the store, and clears the clipboard and the access tokens of this process. Ends the
    /// session of the store too: otherwise the next process would open what was locked.
    pub async fn lock(&self) -> Result<(), Problem> {
        self.token_cache.clear();
        let session = self.store.end_session().await;
        self.store.lock().await?;
        session?;
        self.clipboard.clear_last().await.map(drop)
    }

    /// Lets other processes of this user open the unlocked store without its passphrase.
    pub async fn start_session(
        &self,
        holder: SessionHolder,
        limits: SessionLimits,
    ) -> Result<StoreSession, Problem> {
        let session = self.store.start_session(holder, limits).await?;
        let reason = format!("{}, {}", holder.as_str(), session.describe_end());
        self.audit.record(AuditEvent::new("store-unlock", "done").with_reason(reason)).await?;
        Ok(session)
    }

    /// Returns whether other processes can open the store without its passphrase.
    pub async fn session(&self) -> SessionState {
        self.store.session().await
    }

    /// Ends the session of the store, and returns whether there was one.
    pub async fn end_session(&self) -> Result<bool, Problem> {
        Ok(self.store.end_session().await?)
    }

    /// Changes the passphrase of the store.
    pub async fn change_passphrase(&self, current: &Secret, new: &Secret) -> Result<(), Problem> {
        self.store.change_passphrase(current, new, UNLOCK_TIMEOUT).await?;
        self.audit.record(AuditEvent::new("store-passphrase", "done")).await
    }
}
