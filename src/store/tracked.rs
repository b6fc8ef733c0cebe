//! Store that remembers whether it works, so that optional work never opens a store.
//!
//! Start reading at [`TrackedStore`]. It changes no call of the backend that it wraps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::{BackendInfo, ItemKey, SecretStore, StoreError, UnlockMethod};
use crate::domain::Secret;
use crate::store::session::{SessionHolder, SessionLimits, SessionState, StoreSession};

/// Store of a process, with the outcome of its latest call.
pub struct TrackedStore {
    inner: Arc<dyn SecretStore>,
    is_open: AtomicBool,
}

impl TrackedStore {
    /// Wraps a store that this process has not called yet.
    pub fn new(inner: Arc<dyn SecretStore>) -> Self {
        Self { inner, is_open: AtomicBool::new(false) }
    }

    /// Returns whether the latest call of this process reached the open store. Calls nothing.
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    fn track<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        // An item that is missing or too large says nothing against the store.
        let is_open =
            matches!(outcome, Ok(_) | Err(StoreError::NotFound | StoreError::TooLarge { .. }));
        self.is_open.store(is_open, Ordering::Relaxed);
        outcome
    }
}

#[async_trait]
impl SecretStore for TrackedStore {
    fn backend(&self) -> BackendInfo {
        self.inner.backend()
    }

    async fn status(&self) -> Result<(), StoreError> {
        self.track(self.inner.status().await)
    }

    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError> {
        // A refused passphrase does not close a store that is open.
        let outcome = self.inner.unlock(by, wait).await;
        if outcome.is_ok() { self.track(outcome) } else { outcome }
    }

    async fn lock(&self) -> Result<(), StoreError> {
        self.inner.lock().await
    }

    async fn start_session(
        &self,
        holder: SessionHolder,
        limits: SessionLimits,
    ) -> Result<StoreSession, StoreError> {
        self.inner.start_session(holder, limits).await
    }

    async fn session(&self) -> SessionState {
        self.inner.session().await
    }

    async fn end_session(&self) -> Result<bool, StoreError> {
        self.inner.end_session().await
    }

    async fn change_passphrase(
        &self,
        current: &Secret,
        new: &Secret,
        wait: Duration,
    ) -> Result<(), StoreError> {
        let outcome = self.inner.change_passphrase(current, new, wait).await;
        if outcome.is_ok() { self.track(outcome) } else { outcome }
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.track(self.inner.get(key).await)
    }

    async fn get_many(&self, keys: &[ItemKey]) -> Vec<Result<Secret, StoreError>> {
        let outcomes = self.inner.get_many(keys).await;
        outcomes.into_iter().map(|outcome| self.track(outcome)).collect()
    }

    fn read_batch_size(&self) -> usize {
        self.inner.read_batch_size()
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        self.track(self.inner.put(key, secret).await)
    }

    async fn put_if_absent(&self, key: &ItemKey, secret: &Secret) -> Result<Secret, StoreError> {
        self.track(self.inner.put_if_absent(key, secret).await)
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.track(self.inner.delete(key).await)
    }

    async fn put_many(&self, items: &[(ItemKey, Arc<Secret>)]) -> Result<(), StoreError> {
        self.track(self.inner.put_many(items).await)
    }

    async fn delete_many(&self, keys: &[ItemKey]) -> Result<(), StoreError> {
        self.track(self.inner.delete_many(keys).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{FileStore, MemoryStore};

    #[tokio::test]
    async fn a_store_is_open_only_after_a_call_that_it_answered() {
        let key = ItemKey::internal("key");
        let store = TrackedStore::new(Arc::new(MemoryStore::new()));
        assert!(!store.is_open(), "it was not called yet");
        assert_eq!(store.get(&key).await.err(), Some(StoreError::NotFound));
        assert!(store.is_open(), "the store answered that the item is missing");

        let folder = tempfile::tempdir().unwrap();
        let locked = TrackedStore::new(Arc::new(FileStore::new(folder.path().join("vault"))));
        assert_eq!(locked.get(&key).await.err(), Some(StoreError::NotInitialized));
        assert!(!locked.is_open());
    }
}
