//! One listener: takes a request off the line, lets the fault knobs have their way with it, and has a service answer.

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

use super::clock::{Clock, Moment};
use super::faults::{Effect, Faults};
use super::ledger::Ledger;
use super::wire::{Call, Reply, Service};

/// The role of the one listener that no fault may befall and that nobody counts.
pub(super) const CONTROL: &str = "control";

const LARGEST_REQUEST: usize = 1 << 20;
const HUGE: usize = 10 << 20;
const GATEWAY_PAGE: &str = "<!doctype html><title>Gateway</title><h1>Something went wrong</h1>";
/// Sets the window title, clears the screen and turns the rest red, where nobody takes the control characters out.
const TERMINAL_ABUSE: &[u8] = b"{\"name\":\"\x1b]0;owned\x07\x1b[2J\x1b[31mred\x00\r\n\"}";

/// What all listeners share.
pub(super) struct House {
    pub(super) clock: Clock,
    pub(super) faults: Faults,
    pub(super) ledger: Ledger,
}

/// One server of one region.
pub(super) struct Post {
    pub(super) region: &'static str,
    /// `api`, `app`, `auth` or [`CONTROL`].
    pub(super) role: &'static str,
    pub(super) service: Arc<dyn Service>,
    pub(super) house: Arc<House>,
}

/// Binds a listener to a port of the system's choice.
pub(super) async fn bind() -> io::Result<TcpListener> {
    TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await
}

/// Serves until told to stop.
pub(super) fn serve(listener: TcpListener, post: Post, stop: CancellationToken) -> JoinHandle<()> {
    let router = Router::new().fallback(handle).with_state(Arc::new(post));
    let service = router.into_make_service_with_connect_info::<Hook>();
    tokio::spawn(async move {
        let served = axum::serve(Lines(listener), service).with_graceful_shutdown(stop.cancelled_owned());
        // Serving ends only by `stop`: accept errors are retried inside.
        let _ended = served.await;
    })
}

async fn handle(State(post): State<Arc<Post>>, ConnectInfo(hook): ConnectInfo<Hook>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let House { clock, faults, ledger } = &*post.house;
    let effect = if post.role == CONTROL {
        Effect::default()
    } else {
        ledger.count((post.region, post.role), &parts);
        faults.strike(post.region, &parts.method, parts.uri.path())
    };
    if let Some(delay) = effect.delay_ms {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let Ok(body) = to_bytes(body, LARGEST_REQUEST).await else {
        return Reply::empty(StatusCode::PAYLOAD_TOO_LARGE).into_response(Body::empty());
    };
    let call = Call::new(parts, body, moment(clock, &effect));
    let reply = match effect.refusal() {
        Some(status) => post.service.refuse(&call, status),
        None => post.service.answer(&call),
    };
    // The simulated time is the time that answers tell.
    let reply = reply.with(header::DATE, &clock.http_date());
    send(disguise(reply, &effect), &effect, &hook)
}

fn moment(clock: &Clock, effect: &Effect) -> Moment {
    Moment {
        now: clock.now(),
        settling: effect.eventual_ms.unwrap_or_default(),
        lingering: effect.late_revocation_ms.unwrap_or_default(),
        limits_bind: effect.enforce_limits == Some(true),
    }
}

/// Replaces what the service said by what the knobs ask for.
fn disguise(reply: Reply, effect: &Effect) -> Reply {
    let reply = match &effect.retry_after {
        Some(value) => reply.with(header::RETRY_AFTER, value),
        None => reply,
    };
    match effect.body.as_deref() {
        Some("html") => replace(reply, "text/html", GATEWAY_PAGE.into()),
        Some("huge") => replace(reply, "application/json", huge()),
        Some("invalid-utf8") => replace(reply, "application/json", b"{\"name\":\"\xff\xfe\xc3\x28\"}".into()),
        Some("control-characters") => replace(reply, "application/json", TERMINAL_ABUSE.into()),
        Some(other) => turn_away(effect, other.trim_start_matches("redirect:")),
        None => reply,
    }
}

fn replace(reply: Reply, media: &str, body: Vec<u8>) -> Reply {
    let mut reply = reply.with(header::CONTENT_TYPE, media);
    reply.body = body;
    reply
}

fn turn_away(effect: &Effect, to: &str) -> Reply {
    let wanted = effect.status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = wanted.filter(StatusCode::is_redirection).unwrap_or(StatusCode::FOUND);
    Reply::redirect(status, to)
}

fn huge() -> Vec<u8> {
    let mut body = br#"{"data":[""#.to_vec();
    body.resize(HUGE, b'x');
    body.extend_from_slice(br#""]}"#);
    body
}

fn send(mut reply: Reply, effect: &Effect, hook: &Hook) -> Response<Body> {
    if effect.lost_answer == Some(true) {
        hook.hang_up();
    }
    let body = std::mem::take(&mut reply.body);
    if effect.cut_body != Some(true) {
        return reply.into_response(Body::from(body));
    }
    let half = body[..body.len() / 2].to_vec();
    let torn = futures::stream::once(async { Ok(half) }).chain(futures::stream::once(async {
        // The half has to leave before the failure is seen.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    }));
    let announced = body.len().max(2).to_string();
    reply.with(header::CONTENT_LENGTH, &announced).into_response(Body::from_stream(torn))
}

/// Accepts connections that can be hung up on.
struct Lines(TcpListener);

impl axum::serve::Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            if let Ok((stream, address)) = self.0.accept().await {
                // Without it every answer waits for the client's delayed acknowledgement; failing is harmless.
                let _ = stream.set_nodelay(true);
                return (Line { stream, hook: Hook::default() }, address);
            }
            // Out of file handles, most likely: give the others a moment to close theirs.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection that swallows nothing and sends nothing more once it is hung up.
struct Line {
    stream: TcpStream,
    hook: Hook,
}

/// The hook to hang a connection up on.
#[derive(Clone, Default)]
struct Hook(Arc<AtomicBool>);

impl Hook {
    fn hang_up(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, Lines>> for Hook {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.io().hook.clone()
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.hook.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.hook.check()?;
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
