//! Timing of new connections: DNS lookup, TCP connect, TLS handshake.
//!
//! The HTTP client does not report these times, but it has hooks: a custom DNS resolver, a layer
//! around its connector, and the TLS session store, which TLS queries when a handshake starts. All
//! of them run inside the task of their request, so a task-local value identifies the request. A
//! connection that the client finishes in the background, because another one became free, belongs
//! to no request and is not counted. Start reading at [`ConnectTimer`].

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::NamedGroup;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;
use tower::{Layer, Service};

use crate::domain::response::{ConnectTiming, ConnectionOrigin};

/// Maximum number of TLS sessions that are stored for resumption, the default of rustls.
const MAX_TLS_SESSIONS: usize = 256;

tokio::task_local! {
    /// Timer of the request that this task sends.
    static CURRENT_TIMER: ConnectTimer;
}

/// Timer of the connections that one request opens.
#[derive(Clone, Default)]
pub(super) struct ConnectTimer(Arc<Mutex<ConnectPhases>>);

#[derive(Default)]
struct ConnectPhases {
    /// Whether a new connection was opened.
    connection_made: bool,
    dns: Option<Duration>,
    connect: Duration,
    tls: Option<Duration>,
    /// DNS lookup time of the connection that is being opened.
    pending_dns: Option<Duration>,
    /// Start of its TLS handshake. With a proxy that is reached over TLS, the later handshake is
    /// the server's.
    tls_started: Option<Instant>,
}

impl ConnectTimer {
    /// Runs a request while this timer records its connections.
    pub(super) async fn measure<F: Future>(&self, request: F) -> F::Output {
        CURRENT_TIMER.scope(self.clone(), request).await
    }

    /// Returns whether the connection is new or reused, with its times.
    pub(super) fn connection_origin(&self) -> ConnectionOrigin {
        let phases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ConnectPhases { connection_made: true, dns, connect, tls, .. } = &*phases else {
            return ConnectionOrigin::Reused;
        };
        ConnectionOrigin::New(ConnectTiming {
            dns_ms: dns.map(as_millis),
            connect_ms: as_millis(*connect),
            tls_ms: tls.map(as_millis),
        })
    }
}

impl ConnectPhases {
    fn start_connection(&mut self) {
        (self.pending_dns, self.tls_started) = (None, None);
    }

    fn finish_connection(&mut self, started: Instant) {
        let (now, dns_time, tls_started) =
            (Instant::now(), self.pending_dns.take(), self.tls_started.take());
        self.connection_made = true;
        self.dns = add_durations(self.dns, dns_time);
        self.connect +=
            (tls_started.unwrap_or(now) - started).saturating_sub(dns_time.unwrap_or_default());
        self.tls = add_durations(self.tls, tls_started.map(|started| now - started));
    }
}

fn record_phase(update: impl FnOnce(&mut ConnectPhases)) {
    let _ = CURRENT_TIMER
        .try_with(|timer| update(&mut timer.0.lock().unwrap_or_else(PoisonError::into_inner)));
}

fn add_durations(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.map_or(other, |one| Some(one + other.unwrap_or_default()))
}

fn as_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// DNS resolver of the system, timed.
pub(super) struct TimedResolver;

impl Resolve for TimedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let started = Instant::now();
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            record_phase(|phases| {
                phases.pending_dns = add_durations(phases.pending_dns, Some(started.elapsed()));
            });
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Layer that times the connector.
#[derive(Clone)]
pub(super) struct TimingLayer;

/// Connector that records its time.
#[derive(Clone)]
pub(super) struct TimedConnector<S>(S);

impl<S> Layer<S> for TimingLayer {
    type Service = TimedConnector<S>;

    fn layer(&self, inner: S) -> TimedConnector<S> {
        TimedConnector(inner)
    }
}

impl<S: Service<R, Future: Send + 'static>, R> Service<R> for TimedConnector<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: R) -> Self::Future {
        let started = Instant::now();
        record_phase(ConnectPhases::start_connection);
        let connecting = self.0.call(to);
        Box::pin(async move {
            let connection = connecting.await?;
            record_phase(|phases| phases.finish_connection(started));
            Ok(connection)
        })
    }
}

/// Store of TLS sessions for resumption. TLS queries it when a handshake starts, which is the time
/// to record.
#[derive(Debug)]
pub(super) struct TimedSessionStore(ClientSessionMemoryCache);

impl TimedSessionStore {
    /// Returns an empty store.
    pub(super) fn new() -> Self {
        Self(ClientSessionMemoryCache::new(MAX_TLS_SESSIONS))
    }
}

impl ClientSessionStore for TimedSessionStore {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        record_phase(|phases| phases.tls_started = Some(Instant::now()));
        self.0.kx_hint(server)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, session: Tls12ClientSessionValue) {
        self.0.set_tls12_session(server, session);
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.0.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(server, ticket);
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(server)
    }
}
