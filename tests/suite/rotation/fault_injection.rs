//! Fault injection for rotations: a store and a transport of one process in which the n-th call
//! fails, and the simulated crash of that process. Start with [`FaultInjector`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokenring::domain::Secret;
use tokenring::domain::request::HttpMethod;
use tokenring::domain::response::{ApiResponse, ResponseBody};
use tokenring::net::{HttpClient, NetError, OutgoingRequest, Transport};
use tokenring::store::{
    BackendInfo, CALL_TIMEOUT, ItemKey, MemoryStore, SecretStore, StoreError, UnlockMethod,
};
use tokio::sync::Notify;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallFault {
    /// The call is refused and has no effect.
    Fail,
    /// The call never arrives, and there is no response.
    LoseRequest,
    /// The call takes effect, but the response is lost.
    LoseResponse,
    /// The call hangs until the process is killed, and has no effect.
    CrashBefore,
    /// The call takes effect, then the process is killed.
    CrashAfter,
}

pub(super) const CALL_FAULTS: [CallFault; 5] = [
    CallFault::Fail,
    CallFault::LoseRequest,
    CallFault::LoseResponse,
    CallFault::CrashBefore,
    CallFault::CrashAfter,
];

/// Counts the calls of all processes together and injects one fault.
pub(super) struct FaultInjector {
    fault: Option<(usize, CallFault)>,
    /// The write whose response is replaced, and the status that it gets.
    misleading: Option<(usize, u16)>,
    writes: AtomicUsize,
    calls: AtomicUsize,
    spent: AtomicBool,
    crash: Notify,
}

/// A store with injected faults.
pub(super) struct FaultInjectingStore(Arc<FaultInjector>, Arc<MemoryStore>);

/// A transport with injected faults.
pub(super) struct FaultInjectingTransport(Arc<FaultInjector>, HttpClient);

impl FaultInjector {
    /// Injects no fault.
    pub(super) fn none() -> Self {
        Self {
            fault: None,
            misleading: None,
            writes: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            spent: AtomicBool::new(false),
            crash: Notify::new(),
        }
    }

    /// Injects a fault into the n-th call; the first is 0.
    pub(super) fn at_call(nth: usize, fault: CallFault) -> Self {
        Self { fault: Some((nth, fault)), ..Self::none() }
    }

    /// Lets the n-th write at the provider take effect and answers it with this status and no body,
    /// as a proxy may do; the first is 0. Requests for tokens do not count.
    pub(super) fn misleading_write(nth: usize, status: u16) -> Self {
        Self { misleading: Some((nth, status)), ..Self::none() }
    }

    /// Returns the status that the response to this request gets, if it is replaced.
    fn misleading_status(&self, outgoing: &OutgoingRequest) -> Option<u16> {
        let for_token = outgoing.url.path().ends_with("/token");
        if outgoing.method == HttpMethod::Get || for_token {
            return None;
        }
        let nth = self.writes.fetch_add(1, Ordering::SeqCst);
        let (_, status) = self.misleading.filter(|(at, _)| *at == nth)?;
        self.spent.store(true, Ordering::SeqCst);
        Some(status)
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

    pub(super) fn store(self: &Arc<Self>, store: Arc<MemoryStore>) -> FaultInjectingStore {
        FaultInjectingStore(Arc::clone(self), store)
    }

    pub(super) fn transport(self: &Arc<Self>, client: HttpClient) -> FaultInjectingTransport {
        FaultInjectingTransport(Arc::clone(self), client)
    }

    async fn inject<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        failed: E,
        timed_out: E,
    ) -> Result<T, E> {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        let Some((_, fault)) = self.fault.filter(|(at, _)| *at == nth) else { return call.await };
        self.spent.store(true, Ordering::SeqCst);
        match fault {
            CallFault::Fail => return Err(failed),
            CallFault::LoseRequest => return Err(timed_out),
            CallFault::LoseResponse => {
                let _lost = call.await;
                return Err(timed_out);
            }
            CallFault::CrashBefore => {}
            CallFault::CrashAfter => _ = call.await,
        }
        self.crash.notify_one();
        std::future::pending().await
    }
}

impl FaultInjectingStore {
    async fn inject<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.0.inject(call, StoreError::Locked, StoreError::TimedOut(CALL_TIMEOUT)).await
    }
}

#[async_trait]
impl SecretStore for FaultInjectingStore {
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
        self.inject(self.1.get(key)).await
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        self.inject(self.1.put(key, secret)).await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.inject(self.1.delete(key)).await
    }
}

#[async_trait]
impl Transport for FaultInjectingTransport {
    async fn send(&self, outgoing: OutgoingRequest) -> Result<ApiResponse, NetError> {
        let host = outgoing.url.host_str().unwrap_or_default().to_owned();
        let failed = NetError::NoConnection {
            host: host.clone(),
            failure: tokenring::net::ConnectFailure::Refused,
            why: "a test".to_owned(),
        };
        let timed_out = NetError::TimedOut { host, limit: Duration::from_secs(1) };
        let misleading = self.0.misleading_status(&outgoing);
        let response = self.0.inject(self.1.send(outgoing), failed, timed_out).await?;
        Ok(match misleading {
            Some(status) => ApiResponse { status, body: ResponseBody::default(), ..response },
            None => response,
        })
    }
}
