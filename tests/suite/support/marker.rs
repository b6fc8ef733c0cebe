//! What remains of a secret in the memory of this process.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use tokenring::domain::Secret;

/// What to look for, kept in another form so that the search does not find itself.
pub(crate) struct Marker(Vec<u8>);

const MASK: u8 = 0x15;
const LENGTH: usize = 32;
const PAGE: usize = 4096;

impl Marker {
    /// A marker that nothing else is.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes).unwrap();
        Self(bytes.iter().map(|byte| (b'a' + byte % 16) ^ MASK).collect())
    }

    /// The marker as a secret.
    pub(crate) fn secret(&self) -> Secret {
        Secret::new(self.0.iter().map(|byte| byte ^ MASK).collect())
    }

    /// How many copies are in the memory that this process can write to.
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
