//! What remains of a secret in the memory of the process.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokenring::domain::Secret;
use tokenring::domain::request::Method;
use tokenring::net::{Bound, Client, Outgoing, Payload, Transport as _};
use tokio::io::AsyncWriteExt as _;

use super::get;
use super::server::{Server, read_request, reply};

/// What to look for, kept in another form so that the search does not find itself.
struct Marker(Vec<u8>);

const MASK: u8 = 0x15;
const LENGTH: usize = 32;
const PAGE: usize = 4096;

impl Marker {
    fn random() -> Self {
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes).unwrap();
        Self(bytes.iter().map(|byte| (b'a' + byte % 16) ^ MASK).collect())
    }

    fn secret(&self) -> Secret {
        Secret::new(self.0.iter().map(|byte| byte ^ MASK).collect())
    }

    /// How many copies are in the memory that this process can write to.
    fn copies(&self) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let writable = maps.lines().filter_map(|line| line.split_once(" rw")).map(|(range, _)| range.split_once('-').unwrap());
        let address = |text| usize::from_str_radix(text, 16).unwrap();
        let mut glass = Glass::new();
        let pages = writable.flat_map(|(from, to)| (address(from)..address(to)).step_by(PAGE));
        pages.map(|page| self.copies_in(glass.look(&memory, page))).sum()
    }

    fn copies_in(&self, bytes: &[u8]) -> usize {
        bytes.windows(LENGTH).filter(|window| self.is(window)).count()
    }

    fn is(&self, window: &[u8]) -> bool {
        window.iter().zip(&self.0).all(|(byte, masked)| byte ^ MASK == *masked)
    }
}

/// Where a page is looked at: pages of its own, which are left out of the search, or it would find what it has copied.
struct Glass {
    pages: Vec<u8>,
    start: usize,
}

impl Glass {
    fn new() -> Self {
        let pages = vec![0; 3 * PAGE];
        let start = pages.as_ptr().addr().next_multiple_of(PAGE) - pages.as_ptr().addr();
        Self { pages, start }
    }

    /// The bytes of a page and the first few of the next; nothing for the glass itself and for empty pages, which most
    /// are.
    fn look(&mut self, memory: &File, page: usize) -> &[u8] {
        let own = self.pages.as_ptr().addr() + self.start;
        if (own..own + 2 * PAGE).contains(&page) {
            return &[];
        }
        let glass = &mut self.pages[self.start..self.start + PAGE + LENGTH - 1];
        let read = memory.read_at(glass, page as u64).unwrap_or(0);
        if glass[..read.min(PAGE)] == [0; PAGE] { &[] } else { &glass[..read] }
    }
}

/// A server that forgets what it is sent.
async fn forgetful() -> Server {
    Server::scripted(|mut stream, _| async move {
        while read_request(&mut stream).await.is_some() {
            if stream.write_all(&reply(200, "", "fine")).await.is_err() {
                break;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_copy_of_a_secret_outlives_its_connection() {
    let (marker, server, client) = (Marker::random(), forgetful().await, Client::default());
    let secret = Arc::new(marker.secret());
    let origins = || vec![server.origin.clone()];
    for _ in 0..3 {
        let bound = Bound { scheme: "token".to_owned(), secret: Arc::clone(&secret), origins: origins() };
        let in_header = Outgoing { authorization: Some(bound), ..get(server.url("/")) };
        let body = Payload::Sealed { bytes: marker.secret(), origins: origins() };
        let in_body = Outgoing { method: Method::Post, body, ..get(server.url("/")) };
        let (first, second) = futures::join!(client.send(in_header), client.send(in_body));
        assert!(first.is_ok() && second.is_ok());
    }
    assert!(marker.copies() > 0, "the search finds the secret while it is held");
    drop(secret);
    let deadline = Instant::now() + Duration::from_secs(60);
    while marker.copies() > 0 {
        assert!(Instant::now() < deadline, "{} copies remain", marker.copies());
        tokio::task::yield_now().await;
    }
    drop(client);
}
