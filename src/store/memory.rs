//! In-memory store for the demo and for tests; nothing outlives the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::backends::StoreBackend;
use super::{
    BackendInfo, ItemKey, Persistence, SecretStore, StoreError, UnlockMethod, UnlockSource,
};
use crate::domain::{Secret, StoreKind};

/// Store in memory that loses everything when it is dropped.
#[derive(Default)]
pub struct MemoryStore(Mutex<HashMap<ItemKey, Secret>>);

/// Description of this backend.
pub(super) static BACKEND: StoreBackend = StoreBackend {
    info: BackendInfo {
        kind: StoreKind::Memory,
        title: "memory",
        generic_title: "memory",
        unlocked_by: UnlockSource::Nothing,
        persistence: Persistence::Process,
        item_limit: super::DEFAULT_MAX_ITEM_BYTES,
    },
    open: |_| Arc::new(MemoryStore::new()),
};

impl MemoryStore {
    /// Returns an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn items(&self) -> MutexGuard<'_, HashMap<ItemKey, Secret>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SecretStore for MemoryStore {
    fn backend(&self) -> BackendInfo {
        BACKEND.info
    }

    async fn status(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn unlock(&self, _by: UnlockMethod<'_>, _wait: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        key.validate()?;
        self.items().get(key).map(super::clone_secret).ok_or(StoreError::NotFound)
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        BACKEND.info.validate_item(key, secret)?;
        self.items().insert(key.clone(), super::clone_secret(secret));
        Ok(())
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        key.validate()?;
        self.items().remove(key);
        Ok(())
    }
}
