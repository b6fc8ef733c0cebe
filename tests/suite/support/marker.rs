//! Search for copies of a secret in the memory of this process. Start with [`MemoryMarker`].

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use tokenring::domain::Secret;

/// A random secret, stored in masked form so that the search does not find itself.
pub(crate) struct Marker(Vec<u8>);

const MASK: u8 = 0x15;
const LENGTH: usize = 32;
const PAGE: usize = 4096;

impl Marker {
    /// Creates a marker that occurs nowhere else.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes).unwrap();
        Self(bytes.iter().map(|byte| (b'a' + byte % 16) ^ MASK).collect())
    }

    /// The marker as a secret.
    pub(crate) fn secret(&self) -> Secret {
        Secret::new(self.0.iter().map(|byte| byte ^ MASK).collect())
    }

    /// Counts the copies in the writable memory of this process.
    pub(crate) fn copies(&self) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let writable = maps
            .lines()
            .filter_map(|line| line.split_once(" rw"))
            .map(|(range, _)| range.split_once('-').unwrap());
        let address = |text| usize::from_str_radix(text, 16).unwrap();
        let mut glass = Glass::new();
        let pages = writable.flat_map(|(from, to)| (address(from)..address(to)).step_by(PAGE));
        pages.map(|page| self.copies_in(glass.look(&memory, page))).sum()
    }

    /// Waits until no copy is left.
    pub(crate) async fn expect_forgotten(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.copies() > 0 {
            assert!(Instant::now() < deadline, "{} copies remain", self.copies());
            tokio::task::yield_now().await;
        }
    }

    fn copies_in(&self, bytes: &[u8]) -> usize {
        bytes.windows(LENGTH).filter(|window| self.is(window)).count()
    }

    fn is(&self, window: &[u8]) -> bool {
        window.iter().zip(&self.0).all(|(byte, masked)| byte ^ MASK == *masked)
    }
}

/// Buffer for the page that is searched. It has its own pages, which are left out of the search:
/// otherwise the search would find its own copies.
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

    /// Reads a page and the first few bytes of the next one; returns nothing for the buffer itself
    /// and for empty pages, which are most.
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
