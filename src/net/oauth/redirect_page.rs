//! One-time page on loopback that redirects the browser to another page.
//!
//! Every user of the machine can read the arguments of a program, so the URL of a sign-in is not
//! given to the program that opens the browser. That program gets the URL of this page, which leads
//! on once. Start reading at [`RedirectPage`].

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::callback::{
    CONNECTION_TIMEOUT, CallbackConnection, CallbackPage, MAX_CALLBACK_CONNECTIONS, read_head,
};
use crate::util::hex;

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
