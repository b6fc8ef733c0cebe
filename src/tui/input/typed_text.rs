//! Distinction of what was typed from what was pasted into a terminal without bracketed paste.
//!
//! A user types one character at a time; a paste arrives as a burst. Start at [`TypedText::push`].

use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::terminal_parser::MAX_PASTE_BYTES;
use super::wiped_buffer::WipedBuffer;

/// Number of printable characters from which a burst is a paste.
const MIN_BURST_CHARACTERS: usize = 6;

/// Number of different characters in such a burst. Fewer come from keys that are held down while
/// the connection stalls.
const MIN_DIFFERENT_CHARACTERS: usize = 4;

/// How long to wait after several characters at once for the rest of a burst.
const SHORT_GAP: Duration = Duration::from_millis(10);

/// How long the terminal may pause within a burst.
const BURST_GAP: Duration = Duration::from_millis(25);

/// Characters that arrived without a pause: keys or a paste.
#[derive(Default)]
pub(super) struct TypedText {
    text: WipedBuffer,
    count: usize,
    printable: usize,
    /// The first different characters, as many as a paste must have.
    different: Zeroizing<Vec<char>>,
    last_at: Option<Instant>,
}

/// What characters turned out to be.
pub(super) enum TypedOrPasted {
    /// Keys, in this order.
    Typed(Zeroizing<String>),
    /// A paste.
    Pasted(Zeroizing<String>),
}

impl TypedText {
    /// Adds a character that arrived at this moment.
    pub(super) fn push(&mut self, c: char, now: Instant) {
        self.text.push_char(c);
        self.count += 1;
        self.last_at = Some(now);
        if !c.is_control() {
            self.printable += 1;
            if self.different.len() < MIN_DIFFERENT_CHARACTERS && !self.different.contains(&c) {
                self.different.reserve_exact(MIN_DIFFERENT_CHARACTERS);
                self.different.push(c);
            }
        }
    }

    /// Adds what the latest read brought.
    pub(super) fn append(&mut self, read: &mut Self) {
        let read = std::mem::take(read);
        if let (Ok(text), Some(now)) = (std::str::from_utf8(read.text.as_slice()), read.last_at) {
            text.chars().for_each(|c| self.push(c, now));
        }
    }

    /// Returns whether this is one character, as a key types it.
    pub(super) fn is_single(&self) -> bool {
        self.count == 1
    }

    /// Returns when it is known what the characters are, as long as no other input arrives before:
    /// at once for a single character.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let gap = match self.count {
            0 => return None,
            1 => Duration::ZERO,
            _ if self.text.as_slice().len() >= MAX_PASTE_BYTES => Duration::ZERO,
            _ if self.is_burst() => BURST_GAP,
            _ => SHORT_GAP,
        };
        self.last_at.map(|last_at| last_at + gap)
    }

    /// Moves the characters out.
    pub(super) fn take(&mut self) -> Option<TypedOrPasted> {
        let taken = std::mem::take(self);
        match taken.text.as_slice() {
            [] => None,
            bytes if taken.is_burst() => Some(TypedOrPasted::Pasted(pasted_text(bytes))),
            bytes => Some(TypedOrPasted::Typed(utf8_text(bytes))),
        }
    }

    fn is_burst(&self) -> bool {
        self.printable >= MIN_BURST_CHARACTERS && self.different.len() >= MIN_DIFFERENT_CHARACTERS
    }
}

/// Returns the text of a paste, with every line end as LF.
pub(super) fn pasted_text(bytes: &[u8]) -> Zeroizing<String> {
    utf8_text(&with_plain_line_ends(bytes))
}

/// Returns pasted bytes with every line end (CR, CRLF, LF) as LF.
pub(in crate::tui) fn with_plain_line_ends(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut normalized = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut follows_return = false;
    for byte in bytes {
        match byte {
            b'\n' if follows_return => {}
            b'\r' => normalized.push(b'\n'),
            _ => normalized.push(*byte),
        }
        follows_return = *byte == b'\r';
    }
    normalized
}

/// Returns a text in UTF-8, with a replacement character for what is none. It is allocated once at
/// its size, so that no copy is left behind.
fn utf8_text(bytes: &[u8]) -> Zeroizing<String> {
    let replacement = |invalid: &[u8]| if invalid.is_empty() { "" } else { "\u{fffd}" };
    let length =
        bytes.utf8_chunks().map(|chunk| chunk.valid().len() + replacement(chunk.invalid()).len());
    let mut text = Zeroizing::new(String::with_capacity(length.sum()));
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(replacement(chunk.invalid()));
    }
    text
}
