//! Scan of a program's output for known secrets: which bytes to mask, and whether a secret may
//! continue after the end.
//!
//! The output is read in several ways (as it is, as a terminal shows it, without line breaks, as a
//! dump of bytes), and what matches in one of them is masked in the output. This protects from
//! accidents; a program that wants to show the secret always finds a form that is not read here.
//! Start at [`OutputScanner::scan`].
//!
//! Masking of bytes that arrive in pieces and are too many for the memory.
//!
//! The end of what has arrived is held back until it is certain that no secret continues after it,
//! so a secret across two pieces is masked like any other. Start at [`StreamRedactor`].

use std::ops::Range;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::byte_dump::{DumpReading, read_dumps};
use super::fragments::FragmentIndex;
use super::mapped_text::MappedText;
use super::{
    MIN_SECRET_BYTES, MaskScope, SecretPlace, SecretRedactor, encodings, mask_places, merge_places,
    patterns,
};
use crate::domain::Secret;
use crate::domain::redact::fragments;

/// Length of a piece of a secret, or of an encoding, that is masked in text.
const TEXT_PIECE_BYTES: usize = 16;

/// Minimum length of the beginning of a secret at the end of a line that is held back.
const MIN_TEXT_BEGINNING: usize = 5;

/// The same for the bytes of a dump, which resemble a secret by chance less often.
const DUMP_PIECE_BYTES: usize = 8;
const MIN_DUMP_BEGINNING: usize = 2;

/// Maximum length of what a tool prints between two bytes of a secret on the same line.
const MAX_SEPARATOR_BYTES: usize = 8;

/// Known secrets in all the forms that a scan recognizes.
pub struct OutputScanner {
    /// Secrets, and secrets without their white space.
    secrets: Vec<Zeroizing<Vec<u8>>>,
    /// Pieces of secrets and of their encodings.
    text_pieces: FragmentIndex,
    /// Pieces of the bytes of secrets.
    dump_pieces: FragmentIndex,
}

/// Result of a scan.
pub struct ScannedOutput {
    /// What is shown of each byte of the output.
    pub bytes: Vec<ByteDisplay>,
    /// Start of the beginning of a secret at the end of the output.
    pub incomplete_from: Option<usize>,
}

/// What is shown of a byte of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteDisplay {
    /// The byte.
    Shown,
    /// The byte, which is part of an escape sequence inside of a secret. It does not end the mask.
    Sequence,
    /// The mask.
    Masked,
}

impl OutputScanner {
    /// Creates a scanner for these secrets.
    pub fn for_secrets<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let mut scanner = Self {
            secrets: Vec::new(),
            text_pieces: FragmentIndex::new(TEXT_PIECE_BYTES, MIN_TEXT_BEGINNING),
            dump_pieces: FragmentIndex::new(DUMP_PIECE_BYTES, MIN_DUMP_BEGINNING),
        };
        for secret in secrets {
            secret.expose(|bytes| scanner.add_secret(bytes));
        }
        scanner
    }

    fn add_secret(&mut self, secret: &[u8]) {
        if secret.len() < MIN_SECRET_BYTES {
            return;
        }
        let visible = MappedText::visible(secret);
        let compact = visible.without_whitespace();
        for form in [secret, &visible.bytes, &compact.bytes] {
            self.text_pieces.add(form);
            self.dump_pieces.add(form);
            if form.len() >= MIN_SECRET_BYTES && !self.secrets.iter().any(|known| **known == form) {
                self.secrets.push(Zeroizing::new(form.to_vec()));
            }
        }
        for bytes in [Zeroizing::new(secret.to_vec())].into_iter().chain(wide_forms(secret)) {
            self.text_pieces.add(&bytes);
            self.dump_pieces.add(&bytes);
            for text in encodings(&bytes) {
                self.text_pieces.add(text.as_bytes());
            }
        }
    }

    /// Scans output that begins at the start of a line or continues text. Dumps are read up to
    /// `lines_end`, because a number that is cut off has another value.
    pub fn scan(&self, output: &[u8], lines_end: usize) -> ScannedOutput {
        let visible = MappedText::visible(output);
        let compact = visible.without_whitespace();
        let mut scanned = ScannedOutput::new(output.len());
        for text in [&MappedText::verbatim(output), &visible, &compact] {
            self.text_pieces.find(&text.bytes, |found| scanned.mask(output, text, &found));
            for secret in &self.secrets {
                fragments::escaped_ranges(&text.bytes, secret)
                    .for_each(|found| scanned.mask(output, text, &found));
            }
            scanned.note_incomplete(text, self.text_pieces.beginning_at_end(&text.bytes));
        }
        let readable = std::str::from_utf8(&visible.bytes).unwrap_or_default();
        for found in patterns::find_patterns(readable) {
            scanned.mask(output, &visible, &found);
        }
        let dumped = visible.sources.partition_point(|source| source.start < lines_end);
        for dump in read_dumps(&visible, dumped) {
            self.dump_pieces
                .find(&dump.text.bytes, |found| scanned.mask_dump(output, &dump, &found));
            let beginning = self.dump_pieces.beginning_at_end(&dump.text.bytes);
            scanned.note_incomplete(&dump.text, beginning);
        }
        scanned
    }
}

impl ScannedOutput {
    fn new(length: usize) -> Self {
        Self { bytes: vec![ByteDisplay::Shown; length], incomplete_from: None }
    }

    /// Masks what shows a range of a reading.
    fn mask(&mut self, output: &[u8], text: &MappedText, found: &Range<usize>) {
        let mut last_end = None;
        for source in &text.sources[found.clone()] {
            if let Some(gap) = last_end.map(|end| end..source.start) {
                self.mask_gap(output, gap);
            }
            self.bytes[source.clone()].fill(ByteDisplay::Masked);
            last_end = Some(source.end);
        }
    }

    /// Masks what separates two bytes of a secret, but neither a line break nor a color.
    fn mask_gap(&mut self, output: &[u8], gap: Range<usize>) {
        let Some(between) = output.get(gap.clone()).filter(|between| !between.is_empty()) else {
            return;
        };
        let display = if between.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            ByteDisplay::Shown
        } else if between.contains(&0x1b) {
            ByteDisplay::Sequence
        } else if between.len() <= MAX_SEPARATOR_BYTES {
            ByteDisplay::Masked
        } else {
            ByteDisplay::Shown
        };
        for byte in &mut self.bytes[gap] {
            if *byte == ByteDisplay::Shown {
                *byte = display;
            }
        }
    }

    fn mask_dump(&mut self, output: &[u8], dump: &DumpReading, found: &Range<usize>) {
        self.mask(output, &dump.text, found);
        for shown in dump.column.iter().filter(|shown| found.contains(&shown.index)) {
            self.bytes[shown.source.clone()].fill(ByteDisplay::Masked);
        }
    }

    /// Notes that the last bytes of a reading are the beginning of a secret.
    fn note_incomplete(&mut self, text: &MappedText, length: Option<usize>) {
        let start = length.and_then(|length| text.sources.iter().nth_back(length - 1));
        if let Some(start) = start.map(|source| source.start) {
            self.incomplete_from =
                Some(self.incomplete_from.map_or(start, |known| known.min(start)));
        }
    }
}

/// Returns a secret in UTF-16, in both byte orders, if it is text.
fn wide_forms(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let Ok(text) = std::str::from_utf8(secret) else { return Vec::new() };
    let little = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    vec![Zeroizing::new(little), Zeroizing::new(big)]
}

/// Number of bytes after which a piece is passed on.
const PIECE_BYTES: usize = 1 << 20;

/// Number of bytes at the end that are held back: more than any form of any secret has.
const HELD_BACK_BYTES: usize = 64 << 10;

/// Maximum length of the beginning of a token that is held back with its rest.
const MAX_WORD_BYTES: usize = 16 << 10;

/// Masks secrets in a stream of bytes.
#[derive(Default)]
pub struct StreamRedactor {
    redactors: Vec<Arc<SecretRedactor>>,
    pending: Vec<u8>,
    has_masked: bool,
}

impl StreamRedactor {
    /// Creates a stream that masks what any of the redactors masks.
    pub fn new(redactors: Vec<Arc<SecretRedactor>>) -> Self {
        Self { redactors, pending: Vec::new(), has_masked: false }
    }

    /// Whether something was masked in the bytes that were passed on.
    pub fn has_masked(&self) -> bool {
        self.has_masked
    }

    /// Adds bytes and returns those that may be passed on, masked.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() < PIECE_BYTES + HELD_BACK_BYTES {
            return Vec::new();
        }
        let mut places = self.find_places();
        let mut end = word_start(&self.pending, self.pending.len() - HELD_BACK_BYTES);
        if let Some(cut) = places.iter().find(|place| place.range.contains(&end)) {
            end = cut.range.start;
        }
        // Characters of two bytes stay together.
        end -= end % 2;
        places.retain(|place| place.range.end <= end);
        self.has_masked |= !places.is_empty();
        let rest = self.pending.split_off(end);
        mask_places(std::mem::replace(&mut self.pending, rest), &places)
    }

    /// Returns the bytes that were held back, masked.
    pub fn finish(self) -> Vec<u8> {
        let places = self.find_places();
        mask_places(self.pending, &places)
    }

    fn find_places(&self) -> Vec<SecretPlace> {
        let found = self
            .redactors
            .iter()
            .flat_map(|redactor| redactor.find_places(&self.pending, MaskScope::Everything));
        merge_places(found.collect())
    }
}

/// Returns the start of the word around a position, or the position where the word is too long to be
/// a token.
fn word_start(bytes: &[u8], at: usize) -> usize {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-~+/=%\\\0".contains(byte);
    let before = bytes[at.saturating_sub(MAX_WORD_BYTES)..at].iter().rev();
    let length = before.take_while(|byte| is_word(byte)).count();
    if length < MAX_WORD_BYTES { at - length } else { at }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Secret;
    use crate::domain::redact::MASK;

    fn stream() -> StreamRedactor {
        let mut redactor = SecretRedactor::default();
        redactor.add_secret(&Secret::from_text("canary-4711".to_owned()));
        StreamRedactor::new(vec![Arc::new(SecretRedactor::default()), Arc::new(redactor)])
    }

    fn masked(pieces: &[&[u8]]) -> Vec<u8> {
        let mut stream = stream();
        let mut bytes: Vec<u8> = pieces.iter().flat_map(|piece| stream.push(piece)).collect();
        bytes.extend(stream.finish());
        bytes
    }

    #[test]
    fn a_secret_around_every_cut_is_masked() {
        let wide: Vec<u8> = "canary-4711".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for secret in [&b"canary-4711"[..], b"canary%2D4711", b"snyk_uat.canary.of.7", &wide] {
            for before in [0, 1, 2, 5, 9, 12, 20, 30] {
                for filler in [b'\n', b'a', 0xff] {
                    let mut bytes = vec![filler; PIECE_BYTES - before];
                    bytes.push(b' ');
                    bytes.extend(secret);
                    bytes.push(b' ');
                    bytes.resize(PIECE_BYTES + 3 * HELD_BACK_BYTES, filler);
                    let pieces: Vec<_> = bytes.chunks(1 << 16).collect();
                    let shown = masked(&pieces);
                    assert!(
                        shown == stream().redactors[1].redact_bytes(bytes),
                        "{secret:?} {before} {filler}"
                    );
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn pieces_change_nothing(cuts in proptest::collection::vec(1_usize..300_000, 1..12)) {
            let line = b"{\"a\": \"canary-4711\", \"b\": \"caf\xc3\xa9 \xff\"}\r\n";
            let bytes: Vec<u8> = line.iter().copied().cycle().take(2 << 20).collect();
            let (mut pieces, mut rest) = (Vec::new(), bytes.as_slice());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            let shown = masked(&pieces);
            prop_assert!(shown == stream().redactors[1].redact_bytes(bytes));
            prop_assert!(shown.windows(MASK.len()).any(|window| window == MASK.as_bytes()));
        }
    }
}
