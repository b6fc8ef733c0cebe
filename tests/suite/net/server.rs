//! A small HTTP server on loopback that runs the script of a test and records every request. Start
//! with [`Server::answering`].

use std::sync::{Arc, Mutex};

use tokenring::domain::Origin;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The server; it stops when it is dropped.
pub(super) struct Server {
    pub(super) origin: Origin,
    seen: RecordedRequests,
    task: JoinHandle<()>,
}

/// All recorded requests, head and body.
#[derive(Clone, Default)]
pub(super) struct RecordedRequests(Arc<Mutex<Vec<String>>>);

impl Server {
    /// Starts a server that sends `answer` to every request.
    pub(super) async fn answering(
        answer: impl Fn(&str) -> Vec<u8> + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::scripted(move |mut stream, seen| {
            let answer = answer.clone();
            async move {
                while let Some(request) = seen.request(&mut stream).await {
                    if stream.write_all(&answer(&request)).await.is_err() {
                        break;
                    }
                }
            }
        })
        .await
    }

    /// Starts a server that runs `script` on every connection.
    pub(super) async fn scripted<F>(
        script: impl Fn(TcpStream, RecordedRequests) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Origin::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let seen = RecordedRequests::default();
        let kept = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(script(stream, kept.clone()));
            }
        });
        Self { origin, seen, task }
    }

    /// A URL of this server.
    pub(super) fn url(&self, path: &str) -> url::Url {
        url::Url::parse(&format!("{}{path}", self.origin)).unwrap()
    }

    /// All requests so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.seen.0.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RecordedRequests {
    /// Reads and records the next request; `None` when the client has closed.
    pub(super) async fn request(&self, stream: &mut TcpStream) -> Option<String> {
        let request = read_request(stream).await?;
        self.0.lock().unwrap().push(request.clone());
        Some(request)
    }
}

/// Reads the next request; `None` when the client has closed.
pub(super) async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !is_whole(&bytes) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8(bytes).unwrap())
}

/// A complete response.
pub(super) fn reply(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut answer =
        format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\n\r\n", body.len())
            .into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
