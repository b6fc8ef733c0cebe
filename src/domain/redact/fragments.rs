//! Search for pieces of known texts.
//!
//! Tools cut an encoded secret into lines, each with a prefix or an offset, so no single place holds
//! the whole text. Every piece of a certain length is masked, wherever it is. Only hashes of the
//! pieces are stored. Start at [`FragmentIndex::find`].
//!
//! Search for a secret in escaped text, whatever characters are escaped.
//!
//! Encoders escape different characters, so the possible texts of a secret cannot be listed. The
//! text is compared unit by unit instead: a literal byte, `%41`, a `+` for a space, or a JSON
//! escape. Start at [`find_all`].

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use memchr::memmem;

use super::MIN_SECRET_BYTES;
use crate::util::hex::parse_hex_byte;

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

/// Finds every occurrence of the secret in the text, literal or escaped.
pub(super) fn find_all(text: &[u8], secret: &[u8]) -> Vec<Range<usize>> {
    // Most texts contain no escapes; then a plain search is enough.
    if may_be_escaped(text, secret) {
        return escaped_ranges(text, secret).collect();
    }
    let starts = memmem::find_iter(text, secret);
    starts.map(|start| start..start + secret.len()).collect()
}

/// Finds every occurrence of the secret in a text that contains escapes.
pub(super) fn escaped_ranges<'a>(
    text: &'a [u8],
    secret: &'a [u8],
) -> impl Iterator<Item = Range<usize>> + 'a {
    let first = secret.first().copied();
    let begins = move |byte: u8| Some(byte) == first || matches!(byte, b'%' | b'\\' | b'+');
    // Every escaped form of a byte has at least one byte, so the secret cannot start later.
    let starts = text.len().saturating_sub(secret.len().saturating_sub(1));
    let escaped = first.is_some() && may_be_escaped(text, secret);
    let candidates = text[..if escaped { starts } else { 0 }].iter().enumerate();
    candidates
        .filter(move |(_, byte)| begins(**byte))
        .filter_map(move |(start, _)| Some(start..start + escaped_length(&text[start..], secret)?))
}

/// Whether a text contains a character that begins an escape.
fn may_be_escaped(text: &[u8], secret: &[u8]) -> bool {
    let has_space = secret.contains(&b' ');
    text.iter().any(|byte| matches!(byte, b'%' | b'\\') || *byte == b'+' && has_space)
}

/// Returns how many bytes at the start of `text` spell the secret.
fn escaped_length(text: &[u8], secret: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (index, byte) in secret.iter().enumerate() {
        match unit_lengths(text.get(at..)?, *byte) {
            [None, None] => return None,
            [Some(length), None] | [None, Some(length)] => at += length,
            [Some(_), Some(_)] => {
                return ambiguous_length(&text[at..], &secret[index..]).map(|length| at + length);
            }
        }
    }
    Some(at)
}

/// Returns the same length where a backslash or a percent sign has two readings. Both are followed
/// step by step, so the work does not grow exponentially.
fn ambiguous_length(text: &[u8], secret: &[u8]) -> Option<usize> {
    let step = |ends: Vec<usize>, byte: &u8| {
        let next = |at: usize| {
            unit_lengths(text.get(at..).unwrap_or_default(), *byte)
                .into_iter()
                .flatten()
                .map(move |length| at + length)
        };
        let mut ends: Vec<usize> = ends.into_iter().flat_map(next).collect();
        ends.sort_unstable();
        ends.dedup();
        (!ends.is_empty()).then_some(ends)
    };
    secret.iter().try_fold(vec![0], step)?.last().copied()
}

/// Returns how many bytes at the start of `text` spell this byte: literally, and escaped.
fn unit_lengths(text: &[u8], byte: u8) -> [Option<usize>; 2] {
    let escaped = match text {
        [b'%', high, low, ..] if parse_hex_byte(&[*high, *low]) == Some(byte) => Some(3),
        [b'\\', b'u', b'0', b'0', high, low, ..]
            if byte.is_ascii() && parse_hex_byte(&[*high, *low]) == Some(byte) =>
        {
            Some(6)
        }
        [b'\\', escaped, ..] if json_escape_value(*escaped) == Some(byte) => Some(2),
        [b'+', ..] if byte == b' ' => Some(1),
        _ => None,
    };
    [(text.first() == Some(&byte)).then_some(1), escaped]
}

fn json_escape_value(escaped: u8) -> Option<u8> {
    match escaped {
        b'"' | b'\\' | b'/' => Some(escaped),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        _ => None,
    }
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

#[cfg(test)]
mod escapes_tests {
    use super::*;

    fn find_first(text: &str, secret: &[u8]) -> Option<Range<usize>> {
        find_all(text.as_bytes(), secret).into_iter().next()
    }

    #[test]
    fn every_way_to_escape_is_seen_through() {
        for text in [
            "a b/c\"d",
            "a+b%2Fc%22d",
            "a%20b%2fc\"d",
            "a b\\/c\\\"d",
            "\\u0061 b/c\\u0022d",
            "%61%20%62%2F%63%22%64",
        ] {
            let around = format!("é{text}é");
            assert_eq!(find_first(&around, b"a b/c\"d"), Some(2..2 + text.len()), "{text}");
        }
        for (text, secret) in [
            ("a\\nb", "a\nb"),
            ("a\\rb", "a\rb"),
            ("a\\tb", "a\tb"),
            ("a\\\\b", "a\\b"),
            ("a%25b", "a%b"),
        ] {
            assert_eq!(find_first(text, secret.as_bytes()), Some(0..text.len()), "{text}");
        }
        for text in ["%42b", "\\u0042b", "\\nb", "+b", "a\\u0042", "a%42"] {
            assert_eq!(find_first(text, b"ab"), None, "{text} is something else");
        }
        assert_eq!(find_first("x\\u00e9", &[b'x', 0xe9]), None, "in JSON that is two bytes");
        assert_eq!(find_first("a b/c", b"a b/c\"d"), None);
        assert_eq!(find_first("%", b"%%"), None);
    }
}
