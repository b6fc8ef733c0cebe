//! Callback listener for browser sign-ins: an HTTP server on loopback that accepts one
//! authorization response.
//!
//! Start reading at [`CallbackListener`]. Validating the response belongs to [`super::sign_in`].
//!
//! One-time page on loopback that redirects the browser to another page.
//!
//! Every user of the machine can read the arguments of a program, so the URL of a sign-in is not
//! given to the program that opens the browser. That program gets the URL of this page, which leads
//! on once. Start reading at [`RedirectPage`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::select_all;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::{Host, Url};

use super::sign_in::{AuthorizationRequest, AuthorizationResponse};
use crate::util::hex;

/// Timeout for the request of a connection. Browsers open spare connections without sending
/// anything.
pub(in crate::net) const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// Size limit of a request head.
const MAX_REQUEST_HEAD_BYTES: usize = 16 * 1024;

/// Maximum number of concurrent connections.
pub(in crate::net) const MAX_CALLBACK_CONNECTIONS: usize = 32;

/// Listener on loopback for the browser's callback; other machines cannot reach it.
pub struct CallbackListener {
    sockets: Vec<TcpListener>,
    redirect_url: Url,
}

/// Error of starting the listener.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackListenError {
    /// The URL is not a loopback address.
    #[error("\"{0}\" is not an http URL of this machine")]
    NotLoopback(String),
    /// Other programs use all of the ports.
    #[error("{} {} {} in use by another program", if .0.len() == 1 { "port" } else { "ports" }, .0.iter().map(u16::to_string).collect::<Vec<_>>().join(", "), if .0.len() == 1 { "is" } else { "are" })]
    PortsInUse(Vec<u16>),
    /// The operating system refused to listen.
    #[error("cannot listen for the callback: {0}")]
    BindFailed(String),
}

/// Connection of the browser that delivered the response and waits for a page.
pub struct CallbackConnection(TcpStream);

/// Page that the user sees in the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackPage {
    /// What happened.
    pub title: String,
    /// What it means, or what to do.
    pub text: String,
}

impl CallbackListener {
    /// Listens on the first of `choices` with a free port; port 0 means any port. Browsers resolve
    /// `localhost` to either of the two loopback addresses, so the listener uses both where both
    /// exist.
    pub async fn bind(choices: &[Url]) -> Result<Self, CallbackListenError> {
        let mut ports_in_use = Vec::new();
        for choice in choices {
            let address = loopback_address(choice)
                .ok_or_else(|| CallbackListenError::NotLoopback(choice.to_string()))?;
            match TcpListener::bind(address).await {
                Ok(socket) => {
                    return Self::from_socket(socket, choice)
                        .await
                        .map_err(|error| bind_failed(&error));
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    ports_in_use.push(address.port());
                }
                Err(error) => return Err(bind_failed(&error)),
            }
        }
        Err(CallbackListenError::PortsInUse(ports_in_use))
    }

    async fn from_socket(socket: TcpListener, choice: &Url) -> io::Result<Self> {
        let local_address = socket.local_addr()?;
        let other_loopback = match local_address.ip() {
            IpAddr::V4(_) => IpAddr::from(Ipv6Addr::LOCALHOST),
            IpAddr::V6(_) => Ipv4Addr::LOCALHOST.into(),
        };
        let other_loopback = TcpListener::bind((other_loopback, local_address.port())).await.ok();
        let mut redirect = choice.clone();
        // An http URL always accepts a port.
        let _ = redirect.set_port(Some(local_address.port()));
        Ok(Self {
            sockets: std::iter::once(socket).chain(other_loopback).collect(),
            redirect_url: redirect,
        })
    }

    /// Returns the callback URL, with the actual port.
    pub const fn redirect_url(&self) -> &Url {
        &self.redirect_url
    }

    /// Waits for the browser. Requests that belong to another sign-in, or to none, get an error
    /// page and are ignored. After the response has arrived, the listener accepts nothing more.
    pub async fn wait_for_callback(
        self,
        sign_in: &AuthorizationRequest,
    ) -> (AuthorizationResponse, CallbackConnection) {
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                connection = self.accept(), if connections.len() < MAX_CALLBACK_CONNECTIONS => connections.push(self.handle_connection(connection, sign_in)),
                finished = connections.next(), if !connections.is_empty() => if let Some(Some(callback)) = finished {
                    return callback;
                },
            }
        }
    }

    /// Accepts the next connection; `None` if it was closed before it was accepted.
    async fn accept(&self) -> Option<TcpStream> {
        let mut accepts = Vec::with_capacity(self.sockets.len());
        for socket in &self.sockets {
            accepts.push(socket.accept().boxed());
        }
        let (accepted, ..) = select_all(accepts).await;
        accepted.ok().map(|(stream, _)| stream)
    }

    async fn handle_connection(
        &self,
        connection: Option<TcpStream>,
        sign_in: &AuthorizationRequest,
    ) -> Option<(AuthorizationResponse, CallbackConnection)> {
        let mut stream = connection?;
        let head =
            tokio::time::timeout(CONNECTION_TIMEOUT, read_head(&mut stream)).await.ok()??;
        let browser = CallbackConnection(stream);
        let Some(address) = self.matching_url(&head) else {
            browser
                .send_page(
                    404,
                    &CallbackPage::new(
                        "Nothing here",
                        "This address only accepts the response of a sign-in.",
                    ),
                )
                .await;
            return None;
        };
        if let Ok(callback) = sign_in.parse_response(&address) {
            return Some((callback, browser));
        }
        let text = "The response belongs to another sign-in or to none, so tokenring ignored it. Go back to the page that tokenring opened.";
        browser.send_page(400, &CallbackPage::new("Unexpected response", text)).await;
        None
    }

    /// Returns the URL of a request, if its path is the callback path.
    fn matching_url(&self, head: &str) -> Option<Url> {
        let target = head
            .strip_prefix("GET ")?
            .split(' ')
            .next()
            .filter(|target| target.starts_with('/'))?;
        let mut address = self.redirect_url.clone();
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        address.set_query(query);
        (path == self.redirect_url.path()).then_some(address)
    }
}

impl CallbackConnection {
    /// Wraps the connection of a browser that waits for a page.
    pub(in crate::net) const fn new(stream: TcpStream) -> Self {
        Self(stream)
    }

    /// Sends the final page and closes the connection.
    pub async fn respond(self, page: &CallbackPage) {
        self.send_page(200, page).await;
    }

    /// Sends a page. A closed connection is ignored, because the terminal shows the same text.
    pub(in crate::net) async fn send_page(mut self, status: u16, page: &CallbackPage) {
        let response = page.render(status);
        let sending = async {
            self.0.write_all(response.as_bytes()).await?;
            self.0.shutdown().await
        };
        let _ = tokio::time::timeout(CONNECTION_TIMEOUT, sending).await;
    }
}

impl CallbackPage {
    /// Returns a page with this text, which may come from an untrusted source.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into() }
    }

    /// Returns the complete HTTP response. The page loads nothing, runs nothing, is not cached and
    /// sends no referrer, because its URL contains the authorization code.
    fn render(&self, status: u16) -> String {
        let (title, text) = (escape_html(&self.title), escape_html(&self.text));
        let body = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>tokenring: {title}</title>\
             <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}}</style>\
             <h1>{title}</h1><p>{text}</p></html>"
        );
        let reason = if status == 200 { "OK" } else { "Refused" };
        format!(
            "HTTP/1.1 {status} {reason}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
             content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\nreferrer-policy: no-referrer\r\n\
             cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

/// Returns the address to listen on, if the URL is a loopback URL.
fn loopback_address(choice: &Url) -> Option<SocketAddr> {
    let ip = match choice.host()? {
        Host::Ipv4(ip) => IpAddr::from(ip),
        Host::Ipv6(ip) => ip.into(),
        Host::Domain("localhost") => Ipv4Addr::LOCALHOST.into(),
        Host::Domain(_) => return None,
    };
    let plain =
        choice.scheme() == "http" && choice.query().is_none() && choice.fragment().is_none();
    (plain && ip.is_loopback())
        .then(|| SocketAddr::new(ip, choice.port_or_known_default().unwrap_or(0)))
}

/// Reads the head of a request; `None` if the connection closes early or sends too much.
pub(in crate::net) async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::with_capacity(1024);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > MAX_REQUEST_HEAD_BYTES || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    String::from_utf8(head).ok()
}

fn escape_html(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
        escaped
    })
}

fn bind_failed(error: &io::Error) -> CallbackListenError {
    CallbackListenError::BindFailed(error.to_string())
}

/// Number of random bytes in the path, so that no other page and no other user can guess it.
const PATH_BYTES: usize = 16;

/// Page that redirects the first browser that opens it, and is then gone.
///
/// A process that reads the page's URL from the arguments can open it before the browser does. It
/// then gets the sign-in's URL, which contains no secret, and the user sees that no page opens.
pub struct RedirectPage {
    listener: TcpListener,
    address: Url,
    destination: Url,
    used: AtomicBool,
}

impl RedirectPage {
    /// Listens on loopback, on a port that the operating system chooses.
    ///
    /// # Errors
    ///
    /// The operating system refuses to listen or provides no random bytes.
    pub async fn bind(destination: Url) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut path = [0; PATH_BYTES];
        getrandom::fill(&mut path).map_err(|error| io::Error::other(error.to_string()))?;
        let address = format!("http://{}/{}", listener.local_addr()?, hex::to_hex(&path));
        let address = Url::parse(&address).map_err(io::Error::other)?;
        Ok(Self { listener, address, destination, used: AtomicBool::new(false) })
    }

    /// Returns the URL of the page.
    pub const fn address(&self) -> &Url {
        &self.address
    }

    /// Serves the page until it has redirected a browser, or until the timeout.
    pub async fn serve(self, timeout: Duration) {
        let serving = async {
            let mut connections = FuturesUnordered::new();
            loop {
                tokio::select! {
                    accepted = self.listener.accept(), if connections.len() < MAX_CALLBACK_CONNECTIONS => match accepted {
                        Ok((stream, _)) => connections.push(self.handle_connection(stream)),
                        Err(error) => {
                            tracing::warn!(%error, "the page that leads to the sign-in is gone");
                            return;
                        }
                    },
                    redirected = connections.next(), if !connections.is_empty() => if redirected == Some(true) {
                        return;
                    },
                }
            }
        };
        let _ = tokio::time::timeout(timeout, serving).await;
    }

    /// Handles a connection; returns whether it was redirected.
    async fn handle_connection(&self, mut stream: TcpStream) -> bool {
        let head = tokio::time::timeout(CONNECTION_TIMEOUT, read_head(&mut stream)).await;
        let Ok(Some(head)) = head else { return false };
        if !self.is_requested_by(&head) || self.used.swap(true, Ordering::Relaxed) {
            let page = CallbackPage::new("Nothing here", "This address leads to a sign-in once.");
            CallbackConnection::new(stream).send_page(404, &page).await;
            return false;
        }
        let response = format!(
            "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\nreferrer-policy: no-referrer\r\n\
             cache-control: no-store\r\nconnection: close\r\n\r\n",
            self.destination
        );
        let sending = async {
            stream.write_all(response.as_bytes()).await?;
            stream.shutdown().await
        };
        let _ = tokio::time::timeout(CONNECTION_TIMEOUT, sending).await;
        true
    }

    /// Returns whether a request is for this page under this page's own host, so that no other host
    /// name that was pointed at loopback works.
    fn is_requested_by(&self, head: &str) -> bool {
        let mut lines = head.split("\r\n");
        let request_line = format!("GET {} HTTP/1.1", self.address.path());
        let is_for_page = lines.next() == Some(request_line.as_str());
        let mut hosts = lines
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
            .map(|(_, value)| value.trim());
        is_for_page && hosts.next() == Some(self.address.authority()) && hosts.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_busy_port_gives_way_to_the_next_choice() {
        let first = CallbackListener::bind(&[url("http://127.0.0.1:0/callback")]).await.unwrap();
        let taken = first.redirect_url().clone();
        let port = taken.port().unwrap();
        let second = CallbackListener::bind(&[taken.clone(), url("http://127.0.0.1:0/callback")])
            .await
            .unwrap();
        assert_ne!(second.redirect_url().port(), Some(port));
        assert_eq!(
            CallbackListener::bind(&[taken]).await.err(),
            Some(CallbackListenError::PortsInUse(vec![port]))
        );
        assert_eq!(
            CallbackListenError::PortsInUse(vec![1, 2]).to_string(),
            "ports 1, 2 are in use by another program"
        );
    }

    #[tokio::test]
    async fn only_this_machine_is_listened_at() {
        for text in [
            "http://example.com/callback",
            "http://0.0.0.0:0/",
            "https://127.0.0.1/x",
            "http://[2001:db8::1]:1/",
        ] {
            assert!(
                matches!(
                    CallbackListener::bind(&[url(text)]).await,
                    Err(CallbackListenError::NotLoopback(_))
                ),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn both_loopback_addresses_are_listened_at() {
        let listener = CallbackListener::bind(&[url("http://localhost:0/callback")]).await.unwrap();
        let port = listener.redirect_url().port().unwrap();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_ok() {
            TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.unwrap();
        }
    }

    #[test]
    fn a_page_shows_its_message_as_text() {
        let page = CallbackPage::new("No", "<script>alert('1')</script> & \"more\"").render(200);
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;alert(&#39;1&#39;)"));
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())));
    }
}
