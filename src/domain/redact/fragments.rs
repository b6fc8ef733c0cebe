//! Search for pieces of known texts.
//!
//! Tools cut an encoded secret into lines, each with a prefix or an offset, so no single place holds
//! the whole text. Every piece of a certain length is masked, wherever it is. Only hashes of the
//! pieces are stored. Start at [`FragmentIndex::find`].

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::MIN_SECRET_BYTES;

/// Base of the rolling hash.
const HASH_BASE: u64 = 0x0100_0000_01b3;

/// Factor that spreads a rolling hash over all bits.
const HASH_SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Number of bits of a hash that the quick test uses.
const FILTER_BITS: u32 = 16;

/// Pieces of known texts, compared without regard to case and to the alphabet of base64.
pub(super) struct FragmentIndex {
    /// Length of a piece. A shorter text is one piece.
    piece_length: usize,
    /// Minimum length of a beginning that [`Self::beginning_at_end`] reports.
    min_beginning: usize,
    pieces: BTreeMap<usize, PieceSet>,
    beginnings: HashSet<TextBeginning>,
}

/// Hashes of pieces of one length.
#[derive(Default)]
struct PieceSet {
    hashes: HashSet<u64>,
    /// Whether a hash may be in the set, by its first bits.
    filter: Vec<bool>,
}

/// Length and hash of the beginning of a text.
#[derive(PartialEq, Eq, Hash)]
struct TextBeginning {
    length: usize,
    hash: u64,
}

impl FragmentIndex {
    /// Creates an index of pieces of this length.
    pub(super) fn new(piece_length: usize, min_beginning: usize) -> Self {
        let (pieces, beginnings) = (BTreeMap::new(), HashSet::new());
        Self { piece_length, min_beginning, pieces, beginnings }
    }

    /// Adds a text. Very short texts would match everywhere and are not added.
    pub(super) fn add(&mut self, text: &[u8]) {
        if text.len() < MIN_SECRET_BYTES {
            return;
        }
        let length = self.piece_length.min(text.len());
        let set = self.pieces.entry(length).or_default();
        for_each_hash(text, length, |_, hash| set.insert(hash));
        for length in self.min_beginning..length {
            self.beginnings.insert(TextBeginning { length, hash: hash_text(&text[..length]) });
        }
    }

    /// Calls `found` with every range that consists of overlapping pieces of known texts.
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(Range<usize>)) {
        for (length, set) in &self.pieces {
            let mut open: Option<Range<usize>> = None;
            for_each_hash(text, *length, |start, hash| {
                if !set.contains(hash) {
                    return;
                }
                match &mut open {
                    Some(range) if start < range.end => range.end = start + length,
                    other => {
                        if let Some(range) = other.replace(start..start + length) {
                            found(range);
                        }
                    }
                }
            });
            if let Some(range) = open {
                found(range);
            }
        }
    }

    /// Returns the length of the longest beginning of a known text at the end of this text, if it is
    /// shorter than a piece: the rest may follow.
    pub(super) fn beginning_at_end(&self, text: &[u8]) -> Option<usize> {
        let longest = text.len().min(self.piece_length - 1);
        (self.min_beginning..=longest).rev().find(|length| {
            let hash = hash_text(&text[text.len() - length..]);
            self.beginnings.contains(&TextBeginning { length: *length, hash })
        })
    }
}

impl PieceSet {
    fn insert(&mut self, hash: u64) {
        self.filter.resize(1 << FILTER_BITS, false);
        self.filter[filter_index(hash)] = true;
        self.hashes.insert(hash);
    }

    fn contains(&self, hash: u64) -> bool {
        self.filter.get(filter_index(hash)) == Some(&true) && self.hashes.contains(&hash)
    }
}

fn filter_index(hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - FILTER_BITS)).unwrap_or_default()
}

/// Calls `each` with the start and the hash of every piece of this length.
fn for_each_hash(text: &[u8], length: usize, mut each: impl FnMut(usize, u64)) {
    if text.len() < length {
        return;
    }
    let leaving = (1..length).fold(1_u64, |power, _| power.wrapping_mul(HASH_BASE));
    let mut hash = 0_u64;
    for (at, byte) in text.iter().enumerate() {
        if let Some(first) = at.checked_sub(length) {
            hash = hash.wrapping_sub(fold(text[first]).wrapping_mul(leaving));
        }
        hash = hash.wrapping_mul(HASH_BASE).wrapping_add(fold(*byte));
        if let Some(start) = (at + 1).checked_sub(length) {
            each(start, spread(hash));
        }
    }
}

fn hash_text(text: &[u8]) -> u64 {
    let add = |hash: u64, byte: &u8| hash.wrapping_mul(HASH_BASE).wrapping_add(fold(*byte));
    spread(text.iter().fold(0, add))
}

/// Spreads a hash, whose low bits depend on few bytes, over all bits.
const fn spread(hash: u64) -> u64 {
    (hash ^ (hash >> 32)).wrapping_mul(HASH_SPREAD)
}

/// Returns a number that is the same for both cases of a letter and both alphabets of base64.
const fn fold(byte: u8) -> u64 {
    let folded = match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other.to_ascii_lowercase(),
    };
    folded as u64 + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges(index: &FragmentIndex, text: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        index.find(text.as_bytes(), |range| found.push((range.start, range.end)));
        found
    }

    #[test]
    fn pieces_are_found_wherever_they_are_and_shorter_ones_are_not() {
        let mut index = FragmentIndex::new(8, 3);
        index.add(b"0123456789-abcdef");
        index.add(b"short");
        index.add(b"abc");
        assert_eq!(ranges(&index, "x 0123456789+ABCDEF y"), [(2, 19)]);
        assert_eq!(ranges(&index, "6789-abcd,3456789-,3456789"), [(0, 9), (10, 18)]);
        assert_eq!(ranges(&index, "a short abc"), [(2, 7)]);
        assert_eq!(ranges(&index, ""), []);
    }

    #[test]
    fn a_beginning_at_the_end_may_continue() {
        let mut index = FragmentIndex::new(8, 3);
        index.add(b"0123456789");
        for (text, length) in [
            ("x012", Some(3)),
            ("0123456", Some(7)),
            ("x01", None),
            ("123", None),
            ("01234567", None),
            ("", None),
        ] {
            assert_eq!(index.beginning_at_end(text.as_bytes()), length, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_rolling_hash_is_the_hash_of_the_piece(text in proptest::collection::vec(any::<u8>(), 0..40), length in 1_usize..20) {
            for_each_hash(&text, length, |start, hash| {
                assert_eq!(hash, hash_text(&text[start..start + length]));
            });
        }
    }
}
