//! Generates inputs by mutating a corpus: bytes are flipped, cut, doubled and moved, words of the
//! input language are inserted, numbers are changed.

use super::CANARY;

/// Maximum length of an input; longer ones only make the run slower.
const LONGEST: usize = 2_048;

/// Endless stream of inputs, the same for the same seed.
pub(super) struct Mutator<'a> {
    state: u64,
    corpus: &'a [Vec<u8>],
    words: &'a [&'a str],
}

/// Strings that often break parsers of any language.
const NASTY: [&str; 24] = [
    CANARY,
    "\0",
    "\u{feff}",
    "\u{200b}",
    "\u{202e}",
    "é",
    "日本",
    "💥",
    "\"",
    "'",
    "\\",
    "\\u0000",
    "\n",
    "\r\n",
    "\t",
    "%00",
    "-1",
    "18446744073709551616",
    "1e999",
    "{{",
    "[[",
    "//",
    "..",
    "\u{1b}[31m",
];

impl<'a> Mutator<'a> {
    /// Creates a stream of inputs similar to those of the corpus.
    pub(super) fn new(seed: u64, corpus: &'a [Vec<u8>], words: &'a [&'a str]) -> Self {
        Self { state: seed, corpus, words }
    }

    /// Returns the next input.
    pub(super) fn next(&mut self) -> Vec<u8> {
        let mut input = self.corpus[self.below(self.corpus.len())].clone();
        for _ in 0..=self.below(6) {
            self.mutate(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = at + self.below((input.len() - at).min(24) + 1);
        match self.below(9) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 => input.insert(at, u8::try_from(self.below(256)).unwrap()),
            2 => drop(input.drain(at..end)),
            3 => {
                let piece = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, piece);
            }
            4 => {
                let other = &self.corpus[self.below(self.corpus.len())];
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            5 => {
                let digit = b'0' + u8::try_from(self.below(10)).unwrap();
                if let Some(place) = input[at..].iter().position(u8::is_ascii_digit) {
                    input[at + place] = digit;
                }
            }
            6 | 7 if !self.words.is_empty() => {
                let word = self.words[self.below(self.words.len())];
                input.splice(at..end.min(at + self.below(4)), word.bytes());
            }
            _ => drop(input.splice(at..at, NASTY[self.below(NASTY.len())].bytes())),
        }
    }

    /// Returns a number below `limit` (splitmix64).
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap()
    }
}
