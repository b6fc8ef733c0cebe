//! What remains of a secret in the memory of the process.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokenring::domain::Secret;
use tokenring::net::{Bound, Client, Outgoing, Transport as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::get;
use super::server::{Server, reply};

/// What to look for, kept in another form so that the search does not find itself.
struct Marker(Vec<u8>);

const MASK: u8 = 0x15;

impl Marker {
    fn random() -> Self {
        let mut bytes = [0; 32];
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
        let address = |text| u64::from_str_radix(text, 16).unwrap();
        writable.map(|(from, to)| self.copies_in(&memory, address(from), address(to))).sum()
    }

    fn copies_in(&self, memory: &File, from: u64, to: u64) -> usize {
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        let read = memory.read_at(&mut bytes, from).unwrap_or(0);
        bytes[..read].windows(self.0.len()).filter(|window| self.is(window)).count()
    }

    fn is(&self, window: &[u8]) -> bool {
        window.iter().zip(&self.0).all(|(byte, masked)| byte ^ MASK == *masked)
    }
}

/// A server that forgets what it is sent.
async fn forgetful() -> Server {
    Server::scripted(|mut stream, _| async move {
        let mut heap = vec![0; 4096];
        while stream.read(&mut heap).await.is_ok_and(|count| count > 0) {
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
    for _ in 0..3 {
        let bound = Bound { scheme: "token".to_owned(), secret: Arc::clone(&secret), origins: vec![server.origin.clone()] };
        client.send(Outgoing { authorization: Some(bound), ..get(server.url("/")) }).await.unwrap();
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
