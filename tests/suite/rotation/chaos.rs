//! Fault injection for rotations: a store and a transport of one process in which the n-th call
//! fails, and the simulated crash of that process. Start with [`FaultInjector`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokenring::domain::Secret;
use tokenring::domain::response::ApiResponse;
use tokenring::net::{HttpClient, NetError, OutgoingRequest, Transport};
use tokenring::store::{
    BackendInfo, CALL_TIMEOUT, ItemKey, MemoryStore, SecretStore, StoreError, UnlockMethod,
};
use tokio::sync::Notify;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The call is refused and has no effect.
    Fail,
    /// The call never arrives, and there is no response.
    LoseCall,
    /// The call takes effect, but the response is lost.
    LoseAnswer,
    /// The call hangs until the process is killed, and has no effect.
    CrashBefore,
    /// The call takes effect, then the process is killed.
    CrashAfter,
}

pub(super) const FAULTS: [Fault; 5] =
    [Fault::Fail, Fault::LoseCall, Fault::LoseAnswer, Fault::CrashBefore, Fault::CrashAfter];

/// Counts the calls of all processes together and injects one fault.
pub(super) struct Chaos {
    fault: Option<(usize, Fault)>,
    calls: AtomicUsize,
    spent: AtomicBool,
    crash: Notify,
}

/// A store with injected faults.
pub(super) struct ShakyStore(Arc<Chaos>, Arc<MemoryStore>);

/// A transport with injected faults.
pub(super) struct ShakyNet(Arc<Chaos>, HttpClient);

impl Chaos {
    /// Injects no fault.
    pub(super) fn calm() -> Self {
        Self {
            fault: None,
            calls: AtomicUsize::new(0),
            spent: AtomicBool::new(false),
            crash: Notify::new(),
        }
    }

    /// Injects a fault into the n-th call; the first is 0.
    pub(super) fn at(nth: usize, fault: Fault) -> Self {
        Self { fault: Some((nth, fault)), ..Self::calm() }
    }

    /// Number of calls so far.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Whether the fault has been injected.
    pub(super) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::SeqCst)
    }

    /// Completes when the process is to be killed.
    pub(super) async fn crashed(&self) {
        self.crash.notified().await;
    }

    pub(super) fn store(self: &Arc<Self>, store: Arc<MemoryStore>) -> ShakyStore {
        ShakyStore(Arc::clone(self), store)
    }

    pub(super) fn transport(self: &Arc<Self>, client: HttpClient) -> ShakyNet {
        ShakyNet(Arc::clone(self), client)
    }

    async fn befall<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        failed: E,
        unheard: E,
    ) -> Result<T, E> {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        let Some((_, fault)) = self.fault.filter(|(at, _)| *at == nth) else { return call.await };
        self.spent.store(true, Ordering::SeqCst);
        match fault {
            Fault::Fail => return Err(failed),
            Fault::LoseCall => return Err(unheard),
            Fault::LoseAnswer => {
                let _nobody_hears = call.await;
                return Err(unheard);
            }
            Fault::CrashBefore => {}
            Fault::CrashAfter => _ = call.await,
        }
        self.crash.notify_one();
        std::future::pending().await
    }
}

impl ShakyStore {
    async fn befall<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.0.befall(call, StoreError::Locked, StoreError::TimedOut(CALL_TIMEOUT)).await
    }
}

#[async_trait]
impl SecretStore for ShakyStore {
    fn backend(&self) -> BackendInfo {
        self.1.backend()
    }

    async fn status(&self) -> Result<(), StoreError> {
        self.1.status().await
    }

    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError> {
        self.1.unlock(by, wait).await
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.befall(self.1.get(key)).await
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        self.befall(self.1.put(key, secret)).await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.befall(self.1.delete(key)).await
    }
}

#[async_trait]
impl Transport for ShakyNet {
    async fn send(&self, outgoing: OutgoingRequest) -> Result<ApiResponse, NetError> {
        let host = outgoing.url.host_str().unwrap_or_default().to_owned();
        let failed = NetError::NoConnection {
            host: host.clone(),
            failure: tokenring::net::ConnectFailure::Refused,
            why: "a test".to_owned(),
        };
        let unheard = NetError::TimedOut { host, limit: Duration::from_secs(1) };
        self.0.befall(self.1.send(outgoing), failed, unheard).await
    }
}
