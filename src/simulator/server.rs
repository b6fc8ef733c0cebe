//! Listener: reads a request, applies the fault knobs and lets a service respond.
//!
//! Start at `serve` and `handle_request`.
//!
//! Requests and responses of the simulated servers, independent of any provider, and the traits
//! that a simulated service and provider implement.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::serve::IncomingStream;
use futures::StreamExt as _;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

use super::clock::{RequestInstant, SimulatedClock, UnixMillis};
use super::faults::{FaultEffect, FaultRules};
use super::request_counters::RequestCounters;
use crate::simulator::SeededCredential;

/// Role of the control listener, which has neither faults nor counters.
pub(super) const CONTROL_ROLE: &str = "control";

const MAX_REQUEST_BYTES: usize = 1 << 20;
const HUGE_BODY_BYTES: usize = 10 << 20;
const GATEWAY_PAGE: &str = "<!doctype html><title>Gateway</title><h1>Something went wrong</h1>";
/// Sets the window title, clears the screen and turns the following text red on a terminal that
/// receives the control characters.
const CONTROL_CHARACTERS_BODY: &[u8] = b"{\"name\":\"\x1b]0;owned\x07\x1b[2J\x1b[31mred\x00\r\n\"}";

/// State that all listeners share.
pub(super) struct SimulatorContext {
    pub(super) clock: SimulatedClock,
    pub(super) faults: FaultRules,
    pub(super) counters: RequestCounters,
}

/// One server of one region.
pub(super) struct ListenerContext {
    pub(super) region: &'static str,
    /// `api`, `app`, `auth` or [`CONTROL_ROLE`].
    pub(super) role: &'static str,
    pub(super) service: Arc<dyn SimulatedService>,
    pub(super) context: Arc<SimulatorContext>,
}

/// Binds a listener to a loopback port that the operating system chooses.
pub(super) async fn bind_loopback() -> io::Result<TcpListener> {
    TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await
}

/// Serves requests until `stop` is canceled.
pub(super) fn serve(
    listener: TcpListener,
    listener_context: ListenerContext,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let router = Router::new().fallback(handle_request).with_state(Arc::new(listener_context));
    let service = router.into_make_service_with_connect_info::<ConnectionCloser>();
    tokio::spawn(async move {
        let served = axum::serve(ClosableListener(listener), service)
            .with_graceful_shutdown(stop.cancelled_owned());
        // Serving ends only by `stop`: accept errors are retried inside.
        let _ended = served.await;
    })
}

async fn handle_request(
    State(listener_context): State<Arc<ListenerContext>>,
    ConnectInfo(closer): ConnectInfo<ConnectionCloser>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let SimulatorContext { clock, faults, counters } = &*listener_context.context;
    let effect = if listener_context.role == CONTROL_ROLE {
        FaultEffect::default()
    } else {
        counters.record(listener_context.region, listener_context.role, &parts);
        faults.apply_faults(listener_context.region, &parts.method, parts.uri.path())
    };
    if let Some(delay) = effect.delay_ms {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return SimulatorResponse::empty(StatusCode::PAYLOAD_TOO_LARGE)
            .into_response(Body::empty());
    };
    let request = SimulatorRequest::new(parts, body, request_instant(clock, &effect));
    let response = match effect.refusal_status() {
        Some(status) => listener_context.service.refuse(&request, status),
        None => listener_context.service.respond(&request),
    };
    // Responses carry the simulated time.
    let response = response.with_header(header::DATE, &clock.http_date());
    finish_response(replace_response(response, &effect), &effect, &closer)
}

fn request_instant(clock: &SimulatedClock, effect: &FaultEffect) -> RequestInstant {
    RequestInstant {
        now: clock.now(),
        activation_delay: effect.eventual_ms.unwrap_or_default(),
        revocation_delay: effect.late_revocation_ms.unwrap_or_default(),
        limits_enforced: effect.enforce_limits == Some(true),
    }
}

/// Replaces the service's response as the knobs request.
fn replace_response(response: SimulatorResponse, effect: &FaultEffect) -> SimulatorResponse {
    let response = match &effect.retry_after {
        Some(value) => response.with_header(header::RETRY_AFTER, value),
        None => response,
    };
    match effect.body.as_deref() {
        Some("html") => replace_body(response, "text/html", GATEWAY_PAGE.into()),
        Some("huge") => replace_body(response, "application/json", huge_body()),
        Some("invalid-utf8") => {
            replace_body(response, "application/json", b"{\"name\":\"\xff\xfe\xc3\x28\"}".into())
        }
        Some("control-characters") => {
            replace_body(response, "application/json", CONTROL_CHARACTERS_BODY.into())
        }
        Some(other) => redirect(effect, other.trim_start_matches("redirect:")),
        None => response,
    }
}

fn replace_body(response: SimulatorResponse, media: &str, body: Vec<u8>) -> SimulatorResponse {
    let mut response = response.with_header(header::CONTENT_TYPE, media);
    response.body = body;
    response
}

fn redirect(effect: &FaultEffect, to: &str) -> SimulatorResponse {
    let wanted = effect.status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = wanted.filter(StatusCode::is_redirection).unwrap_or(StatusCode::FOUND);
    SimulatorResponse::redirect(status, to)
}

fn huge_body() -> Vec<u8> {
    let mut body = br#"{"data":[""#.to_vec();
    body.resize(HUGE_BODY_BYTES, b'x');
    body.extend_from_slice(br#""]}"#);
    body
}

fn finish_response(
    mut response: SimulatorResponse,
    effect: &FaultEffect,
    closer: &ConnectionCloser,
) -> Response<Body> {
    if effect.lost_answer == Some(true) {
        closer.close();
    }
    let body = std::mem::take(&mut response.body);
    if effect.cut_body != Some(true) {
        return response.into_response(Body::from(body));
    }
    let half = body[..body.len() / 2].to_vec();
    let truncated_body =
        futures::stream::once(async { Ok(half) }).chain(futures::stream::once(async {
            // The first half must be sent before the failure is seen.
            tokio::task::yield_now().await;
            Err(io::Error::from(io::ErrorKind::ConnectionAborted))
        }));
    let announced = body.len().max(2).to_string();
    response
        .with_header(header::CONTENT_LENGTH, &announced)
        .into_response(Body::from_stream(truncated_body))
}

/// Listener whose connections can be closed from a handler.
struct ClosableListener(TcpListener);

impl axum::serve::Listener for ClosableListener {
    type Io = ClosableConnection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (ClosableConnection, SocketAddr) {
        loop {
            if let Ok((stream, address)) = self.0.accept().await {
                // Without this, every response waits for the client's delayed acknowledgment; a
                // failure is harmless.
                let _ = stream.set_nodelay(true);
                return (
                    ClosableConnection { stream, closer: ConnectionCloser::default() },
                    address,
                );
            }
            // Most likely the process is out of file handles: wait until others are closed.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection that sends nothing more once it is closed.
struct ClosableConnection {
    stream: TcpStream,
    closer: ConnectionCloser,
}

/// Handle that closes a connection.
#[derive(Clone, Default)]
struct ConnectionCloser(Arc<AtomicBool>);

impl ConnectionCloser {
    fn close(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn ensure_open(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        }
    }
}

impl Connected<IncomingStream<'_, ClosableListener>> for ConnectionCloser {
    fn connect_info(stream: IncomingStream<'_, ClosableListener>) -> Self {
        stream.io().closer.clone()
    }
}

impl AsyncRead for ClosableConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ClosableConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.closer.ensure_open()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.closer.ensure_open()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// One simulated server behind one listener.
pub(super) trait SimulatedService: Send + Sync {
    /// Handles a request and returns the response.
    fn respond(&self, request: &SimulatorRequest) -> SimulatorResponse;

    /// Refuses a request in this server's own format, without any effect, as a fault knob requests.
    fn refuse(&self, request: &SimulatorRequest, status: StatusCode) -> SimulatorResponse;
}

/// Operations of a simulated provider for the control listener.
pub(super) trait SimulatedProvider: Send + Sync {
    /// Returns every live secret.
    fn live_secrets(&self, now: UnixMillis) -> Vec<LiveSecretRecord>;

    /// Replaces a credential as a user would on the provider's web pages, and returns the new
    /// secret.
    fn replace_manually(&self, credential: &SeededCredential, at: RequestInstant)
    -> Option<String>;

    /// Revokes the secret with this fingerprint as a user would there; returns whether it existed.
    fn revoke_manually(&self, sha256: &str, at: RequestInstant) -> bool;
}

/// One live secret, identified by its fingerprint.
#[derive(serde::Serialize)]
pub(super) struct LiveSecretRecord {
    pub(super) account: String,
    pub(super) kind: &'static str,
    pub(super) sha256: String,
}

/// A request.
pub(super) struct SimulatorRequest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) instant: RequestInstant,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl SimulatorRequest {
    pub(super) fn new(parts: Parts, body: Bytes, at: RequestInstant) -> Self {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            instant: at,
            query,
            headers: parts.headers,
            body,
        }
    }

    pub(super) fn path_segments(&self) -> Vec<&str> {
        self.path.split('/').skip(1).collect()
    }

    pub(super) fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Returns every value of a parameter that may be repeated or hold a comma-separated list.
    pub(super) fn query_values(&self, key: &str) -> Vec<&str> {
        self.query
            .iter()
            .filter(|(name, _)| name == key)
            .flat_map(|(_, value)| value.split(','))
            .collect()
    }

    /// Returns a serializer with every query parameter except `dropped`.
    pub(super) fn query_without(
        &self,
        dropped: &[&str],
    ) -> form_urlencoded::Serializer<'static, String> {
        let mut kept = form_urlencoded::Serializer::new(String::new());
        kept.extend_pairs(self.query.iter().filter(|(name, _)| !dropped.contains(&name.as_str())));
        kept
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the request has this header, with any value.
    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// Returns the scheme and the value of the `Authorization` header.
    pub(super) fn authorization(&self) -> Option<(&str, &str)> {
        self.header("authorization")?.split_once(' ').map(|(scheme, value)| (scheme, value.trim()))
    }

    pub(super) fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    pub(super) fn form(&self) -> HashMap<String, String> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A response.
pub(super) struct SimulatorResponse {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl SimulatorResponse {
    pub(super) fn new(status: StatusCode, media: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::empty(status) }.with_header(header::CONTENT_TYPE, media)
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, body: Vec::new(), headers: Vec::new() }
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string())
    }

    pub(super) fn html(status: StatusCode, page: &str) -> Self {
        Self::new(status, "text/html; charset=utf-8", page)
    }

    pub(super) fn redirect(status: StatusCode, to: &str) -> Self {
        Self::empty(status).with_header(header::LOCATION, to)
    }

    /// Sets a header, unless its value is invalid.
    pub(super) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Converts the response, with `body` in place of its own body, for example a part of it. Of a
    /// header that was set twice, the later value counts.
    pub(super) fn into_response(self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Escapes a text for HTML.
pub(super) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
