//! A store with planned faults. Start with [`FaultyStore`].

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokenring::domain::Secret;
use tokenring::store::{BackendInfo, CALL_TIMEOUT, ItemKey, SecretStore, StoreError, UnlockMethod};

/// A store whose n-th call (of `get`, `put` and `delete`; the first is 1) fails as planned; all
/// others reach the inner store.
pub(crate) struct FaultyStore<S> {
    inner: S,
    plan: Mutex<FaultSchedule>,
    limit: usize,
}

#[derive(Default)]
struct FaultSchedule {
    calls: usize,
    faults: HashMap<usize, StoreFault>,
}

/// How a call fails.
#[derive(Clone)]
pub(crate) enum StoreFault {
    /// The call is refused and has no effect.
    Refuse(StoreError),
    /// The call never returns and has no effect.
    Hang,
    /// The call times out and has no effect.
    LoseCall,
    /// The call times out but takes effect later: a late write.
    LoseResponse,
    /// The call claims success and has no effect. Only for changes.
    Lie,
}

impl<S: SecretStore> FaultyStore<S> {
    pub(crate) fn new(inner: S) -> Self {
        let limit = inner.backend().item_limit;
        Self { inner, plan: Mutex::default(), limit }
    }

    /// Refuses items that are longer than this.
    pub(crate) fn with_item_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Plans a fault for the n-th call.
    pub(crate) fn at(self, nth: usize, fault: StoreFault) -> Self {
        self.plan.lock().unwrap().faults.insert(nth, fault);
        self
    }

    /// Number of calls so far.
    pub(crate) fn calls(&self) -> usize {
        self.plan.lock().unwrap().calls
    }

    fn next(&self) -> Option<StoreFault> {
        let mut plan = self.plan.lock().unwrap();
        plan.calls += 1;
        let nth = plan.calls;
        plan.faults.remove(&nth)
    }

    async fn change(
        &self,
        change: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        match self.next() {
            None => change.await,
            Some(StoreFault::Lie) => Ok(()),
            Some(fault) => fault.apply(change).await,
        }
    }
}

impl StoreFault {
    async fn apply<T>(
        self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Refuse(error) => Err(error),
            Self::Hang => std::future::pending().await,
            Self::LoseCall | Self::Lie => Err(StoreError::TimedOut(CALL_TIMEOUT)),
            Self::LoseResponse => {
                let _late = call.await;
                Err(StoreError::TimedOut(CALL_TIMEOUT))
            }
        }
    }
}

#[async_trait]
impl<S: SecretStore> SecretStore for FaultyStore<S> {
    fn backend(&self) -> BackendInfo {
        BackendInfo { item_limit: self.limit, ..self.inner.backend() }
    }

    async fn status(&self) -> Result<(), StoreError> {
        self.inner.status().await
    }

    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError> {
        self.inner.unlock(by, wait).await
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        match self.next() {
            None => self.inner.get(key).await,
            Some(fault) => fault.apply(self.inner.get(key)).await,
        }
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        let (size, limit) = (secret.len(), self.limit);
        if size > limit {
            return Err(StoreError::TooLarge { size, limit });
        }
        self.change(self.inner.put(key, secret)).await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.change(self.inner.delete(key)).await
    }
}
