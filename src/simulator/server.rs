//! Listener: reads a request, applies the fault knobs and lets a service respond.
//!
//! Start at `serve` and `handle_request`.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Response, StatusCode, header};
use axum::serve::IncomingStream;
use futures::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::clock::{RequestInstant, SimulatedClock};
use super::faults::{FaultEffect, FaultRules};
use super::http_service::{SimulatedService, SimulatorRequest, SimulatorResponse};
use super::request_counters::RequestCounters;

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
