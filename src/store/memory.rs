//! Plain memory, for the demo and for tests: nothing outlives the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Backend, BackendKind, ItemKey, Persistence, Store, StoreError, Unlock};
use crate::domain::Secret;

/// A store that forgets everything when it is dropped.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<ItemKey, Secret>>);

const BACKEND: Backend =
    Backend { kind: BackendKind::Memory, title: "memory", persistence: Persistence::Process, item_limit: super::ROOMY_LIMIT };

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn items(&self) -> MutexGuard<'_, HashMap<ItemKey, Secret>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Memory {
    fn backend(&self) -> Backend {
        BACKEND
    }

    async fn status(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn unlock(&self, _by: Unlock<'_>, _wait: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        key.admit()?;
        self.items().get(key).map(super::copy_of).ok_or(StoreError::Absent)
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        BACKEND.admit(key, secret)?;
        self.items().insert(key.clone(), super::copy_of(secret));
        Ok(())
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        key.admit()?;
        self.items().remove(key);
        Ok(())
    }
}
