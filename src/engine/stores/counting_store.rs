//! Store of tests: outlives its engine, counts its changes, and fails after a number of them as if
//! the process had been killed there. Start at [`CountingStore::new`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::Secret;
use crate::store::{
    BackendInfo, ItemKey, MemoryStore, Persistence, SecretStore, StoreError, UnlockMethod,
};

/// Store that counts its changes, and fails after a number of them. It writes a batch at once, as
/// the encrypted file does, or item by item, as a keyring does.
pub(in crate::engine) struct CountingStore {
    pub(in crate::engine) inner: MemoryStore,
    writes_batches: bool,
    /// Number of changes so far.
    pub(in crate::engine) changes: AtomicUsize,
    /// Number of changes until it fails.
    pub(in crate::engine) changes_left: AtomicUsize,
}

impl CountingStore {
    pub(in crate::engine) fn new(writes_batches: bool) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::new(),
            writes_batches,
            changes: AtomicUsize::new(0),
            changes_left: AtomicUsize::new(usize::MAX),
        })
    }

    fn change(&self) -> Result<(), StoreError> {
        self.changes.fetch_add(1, Ordering::Relaxed);
        let left = self
            .changes_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| StoreError::Unavailable("it is gone".to_owned()))
    }
}

#[async_trait]
impl SecretStore for CountingStore {
    fn backend(&self) -> BackendInfo {
        BackendInfo { persistence: Persistence::Disk, ..self.inner.backend() }
    }

    async fn status(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn unlock(&self, _: UnlockMethod<'_>, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.inner.get(key).await
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        self.change()?;
        self.inner.put(key, secret).await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.change()?;
        self.inner.delete(key).await
    }

    fn read_batch_size(&self) -> usize {
        if self.writes_batches { 1 << 14 } else { 64 }
    }

    async fn put_many(&self, items: &[(ItemKey, Arc<Secret>)]) -> Result<(), StoreError> {
        if self.writes_batches {
            self.change()?;
            return self.inner.put_many(items).await;
        }
        for (key, secret) in items {
            self.put(key, secret).await?;
        }
        Ok(())
    }
}
