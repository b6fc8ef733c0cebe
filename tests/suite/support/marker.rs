//! Search for copies of a secret in the memory of this process. Start with [`MemoryMarker`].

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use tokenring::domain::Secret;

/// A random secret, stored in masked form so that the search does not find itself.
pub(crate) struct MemoryMarker(Vec<u8>);

const MASK: u8 = 0x15;
const LENGTH: usize = 32;
const PAGE: usize = 4096;

impl MemoryMarker {
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
        let mut buffer = PageBuffer::new();
        let pages = writable.flat_map(|(from, to)| (address(from)..address(to)).step_by(PAGE));
        pages.map(|page| self.copies_in(buffer.read_page(&memory, page))).sum()
    }

    /// Waits until no copy is left.
    pub(crate) async fn wait_until_gone(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.copies() > 0 {
            assert!(Instant::now() < deadline, "{} copies remain", self.copies());
            tokio::task::yield_now().await;
        }
    }

    fn copies_in(&self, bytes: &[u8]) -> usize {
        bytes.windows(LENGTH).filter(|window| self.matches(window)).count()
    }

    fn matches(&self, window: &[u8]) -> bool {
        window.iter().zip(&self.0).all(|(byte, masked)| byte ^ MASK == *masked)
    }
}

/// Buffer for the page that is searched. It has its own pages, which are left out of the search:
/// otherwise the search would find its own copies.
struct PageBuffer {
    pages: Vec<u8>,
    start: usize,
}

impl PageBuffer {
    fn new() -> Self {
        let pages = vec![0; 3 * PAGE];
        let start = pages.as_ptr().addr().next_multiple_of(PAGE) - pages.as_ptr().addr();
        Self { pages, start }
    }

    /// Reads a page and the first few bytes of the next one; returns nothing for the buffer itself
    /// and for empty pages, which are most.
    fn read_page(&mut self, memory: &File, page: usize) -> &[u8] {
        let own = self.pages.as_ptr().addr() + self.start;
        if (own..own + 2 * PAGE).contains(&page) {
            return &[];
        }
        let buffer = &mut self.pages[self.start..self.start + PAGE + LENGTH - 1];
        let read = memory.read_at(buffer, page as u64).unwrap_or(0);
        if buffer[..read.min(PAGE)] == [0; PAGE] { &[] } else { &buffer[..read] }
    }
}
