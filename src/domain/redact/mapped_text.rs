//! Readings of a program's output: text in which each byte knows the range of the output that shows
//! it.
//!
//! A color, an overstrike or an invisible character splits a secret for a search, but not for a
//! reader. A match in a reading is masked in the output by the ranges. Start at
//! [`MappedText::visible`].
//!
//! Search for secrets in UTF-16: characters of two bytes, in either order, at any offset.
//!
//! Texts in UTF-16 are not always declared as such, and a binary file can contain them, so every run
//! of ASCII characters of two bytes is searched like a text. Start at [`find_wide`].

use std::ops::Range;

use memchr::memmem;
use unicode_width::UnicodeWidthChar as _;
use zeroize::Zeroizing;

use super::{MASK, MIN_SECRET_BYTES, SecretPlace};

const ESCAPE: u8 = 0x1b;

/// A character that is drawn like a hyphen or not at all, although it has a width.
const SOFT_HYPHEN: char = '\u{ad}';

/// Text, and for each of its bytes the range of the output that shows it.
#[derive(Default)]
pub(super) struct MappedText {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) sources: Vec<Range<usize>>,
}

/// Builds the visible text character by character.
#[derive(Default)]
struct VisibleTextBuilder {
    text: MappedText,
    /// Characters that the cursor stepped back over, the leftmost last.
    overstruck: Vec<MappedChar>,
}

/// Character and the range of the output that shows it.
struct MappedChar {
    character: char,
    source: Range<usize>,
}

impl MappedText {
    /// Returns the output as it is.
    pub(super) fn verbatim(output: &[u8]) -> Self {
        let sources = (0..output.len()).map(|at| at..at + 1).collect();
        Self { bytes: Zeroizing::new(output.to_vec()), sources }
    }

    /// Returns the output without escape sequences, control characters and characters of no width.
    /// Of characters in the same place, the one that a pager shows is kept. Bytes that are not text
    /// become replacement characters, so the result is UTF-8.
    pub(super) fn visible(output: &[u8]) -> Self {
        let mut builder = VisibleTextBuilder::default();
        let mut at = 0;
        while let Some(rest) = output.get(at..).filter(|rest| !rest.is_empty()) {
            let escape = escape_length(rest);
            if escape > 0 {
                at += escape;
                continue;
            }
            let (character, length) = first_char(rest);
            builder.push(MappedChar { character, source: at..at + length });
            at += length;
        }
        builder.finish()
    }

    /// Returns the text without white space and line breaks.
    pub(super) fn without_whitespace(&self) -> Self {
        let mut kept = Self::default();
        for (byte, source) in self.bytes.iter().zip(&self.sources) {
            if !byte.is_ascii_whitespace() {
                kept.push(*byte, source.clone());
            }
        }
        kept
    }

    /// Adds a byte.
    pub(super) fn push(&mut self, byte: u8, source: Range<usize>) {
        self.bytes.push(byte);
        self.sources.push(source);
    }

    fn push_char(&mut self, shown: &MappedChar) {
        let mut buffer = [0; 4];
        for byte in shown.character.encode_utf8(&mut buffer).bytes() {
            self.push(byte, shown.source.clone());
        }
    }

    fn pop_char(&mut self) -> Option<MappedChar> {
        let tail = self.bytes.len().saturating_sub(4);
        let start = (tail..self.bytes.len()).rev().find(|at| self.bytes[*at] & 0xc0 != 0x80)?;
        let character = std::str::from_utf8(&self.bytes[start..]).ok()?.chars().next()?;
        let source = self.sources[start].clone();
        self.bytes.truncate(start);
        self.sources.truncate(start);
        Some(MappedChar { character, source })
    }
}

impl VisibleTextBuilder {
    fn push(&mut self, new: MappedChar) {
        match new.character {
            '\u{8}' => self.step_back(),
            '\n' | '\r' => {
                self.restore_overstruck();
                self.text.push_char(&new);
            }
            '\t' => self.text.push_char(&new),
            SOFT_HYPHEN => {}
            character if character.width().unwrap_or_default() == 0 => {}
            _ => self.overstrike(new),
        }
    }

    fn step_back(&mut self) {
        if !self.text.bytes.last().is_none_or(|byte| matches!(byte, b'\n' | b'\r')) {
            self.overstruck.extend(self.text.pop_char());
        }
    }

    /// Adds a character, in the place of one that the cursor stepped back over if there is one. An
    /// underscore underlines, before the character and after it.
    fn overstrike(&mut self, new: MappedChar) {
        let shown = match self.overstruck.pop() {
            None => new,
            Some(old) => MappedChar {
                character: if new.character == '_' { old.character } else { new.character },
                source: old.source.start..new.source.end,
            },
        };
        self.text.push_char(&shown);
    }

    /// Adds the characters that were stepped back over and not overstruck: they stay visible.
    fn restore_overstruck(&mut self) {
        while let Some(old) = self.overstruck.pop() {
            self.text.push_char(&old);
        }
    }

    fn finish(mut self) -> MappedText {
        self.restore_overstruck();
        self.text
    }
}

/// Returns the first character and its length in bytes.
fn first_char(output: &[u8]) -> (char, usize) {
    let head = &output[..output.len().min(4)];
    let valid = head.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    valid.map_or((char::REPLACEMENT_CHARACTER, 1), |character| (character, character.len_utf8()))
}

/// Returns the length of the escape sequence at the start, or zero.
fn escape_length(output: &[u8]) -> usize {
    match output {
        [ESCAPE, b'[', body @ ..] | [0xc2, 0x9b, body @ ..] => 2 + control_sequence_length(body),
        [ESCAPE, b']' | b'P' | b'X' | b'^' | b'_', body @ ..] => {
            2 + control_string_length(body).unwrap_or_default()
        }
        [ESCAPE, body @ ..] => {
            let intermediate = count_while(body, |byte| matches!(byte, 0x20..=0x2f));
            let has_final = matches!(body.get(intermediate), Some(0x30..=0x7e));
            1 + if has_final { intermediate + 1 } else { 0 }
        }
        _ => 0,
    }
}

/// Returns the length of a control sequence after its introducer: parameters and a final byte.
fn control_sequence_length(body: &[u8]) -> usize {
    let parameters = count_while(body, |byte| matches!(byte, 0x20..=0x3f));
    parameters + usize::from(matches!(body.get(parameters), Some(0x40..=0x7e)))
}

/// Returns the length of a control string with its terminator. Without a terminator on the same line
/// the text is not hidden.
fn control_string_length(body: &[u8]) -> Option<usize> {
    let end = body.iter().position(|byte| matches!(*byte, 0x07 | ESCAPE | b'\n'))?;
    match body[end..] {
        [0x07, ..] => Some(end + 1),
        [ESCAPE, b'\\', ..] => Some(end + 2),
        [ESCAPE, ..] => Some(end),
        _ => None,
    }
}

fn count_while(bytes: &[u8], accepts: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| accepts(**byte)).count()
}

/// Width of the characters of a text, and the order of their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CharWidth {
    /// One byte, or UTF-8.
    One,
    /// Two bytes, the low one first.
    TwoLittleEndian,
    /// Two bytes, the high one first.
    TwoBigEndian,
}

impl CharWidth {
    /// Adds the mask in characters of this width.
    pub(super) fn write_mask(self, text: &mut Vec<u8>) {
        self.write(MASK, text);
    }

    fn write(self, text: &str, bytes: &mut Vec<u8>) {
        match self {
            Self::One => bytes.extend_from_slice(text.as_bytes()),
            Self::TwoLittleEndian => bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Self::TwoBigEndian => bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
        }
    }

    /// Returns the ASCII character that two bytes spell.
    fn ascii(self, unit: &[u8]) -> Option<u8> {
        let byte = match (self, unit) {
            (Self::TwoLittleEndian, [byte, 0]) | (Self::TwoBigEndian, [0, byte]) => *byte,
            _ => return None,
        };
        matches!(byte, b'\t' | b' '..=b'~').then_some(byte)
    }
}

/// Finds the secrets in UTF-16 text. `search` finds them in a run of ASCII characters; characters
/// beyond ASCII can be in `secrets` only.
pub(super) fn find_wide(
    bytes: &[u8],
    secrets: &[Zeroizing<Box<[u8]>>],
    search: impl Fn(&str) -> Vec<Range<usize>>,
) -> Vec<SecretPlace> {
    let mut places: Vec<SecretPlace> = Vec::new();
    if memchr::memchr(0, bytes).is_none() && secrets.iter().all(|secret| secret.is_ascii()) {
        return places;
    }
    let widths = [CharWidth::TwoLittleEndian, CharWidth::TwoBigEndian];
    // Read at the wrong offset, a text looks like one in the other order of bytes. So the even
    // offsets come first, and what overlaps is the same place.
    for offset in [0, 1] {
        for width in widths {
            let mut found = Vec::new();
            for_each_run(bytes, offset, width, |start, run| {
                let inside = search(run).into_iter();
                found.extend(inside.map(|one| start + 2 * one.start..start + 2 * one.end));
            });
            add_separate(&mut places, found, width);
        }
    }
    for text in secrets.iter().filter_map(|secret| std::str::from_utf8(secret).ok()) {
        if !text.is_ascii() {
            find_literal(bytes, text, &mut places);
        }
    }
    places
}

/// Finds a secret with characters beyond ASCII, at even offsets first.
fn find_literal(bytes: &[u8], text: &str, places: &mut Vec<SecretPlace>) {
    for offset in [0, 1] {
        for width in [CharWidth::TwoLittleEndian, CharWidth::TwoBigEndian] {
            let mut wide = Zeroizing::new(Vec::with_capacity(2 * text.len()));
            width.write(text, &mut wide);
            let starts = memmem::find_iter(bytes, wide.as_slice());
            let starts = starts.filter(|start| start % 2 == offset);
            add_separate(places, starts.map(|start| start..start + wide.len()).collect(), width);
        }
    }
}

fn add_separate(places: &mut Vec<SecretPlace>, found: Vec<Range<usize>>, width: CharWidth) {
    for range in found {
        let overlaps = |known: &SecretPlace| {
            range.start < known.range.end && known.range.start < range.end && known.width != width
        };
        if !places.iter().any(overlaps) {
            places.push(SecretPlace { range, width });
        }
    }
}

/// Calls `each` with the start and the text of every run of ASCII characters that is long enough
/// for a secret.
fn for_each_run(bytes: &[u8], offset: usize, width: CharWidth, mut each: impl FnMut(usize, &str)) {
    let mut run = Zeroizing::new(String::new());
    let mut start = offset;
    let units = bytes.get(offset..).unwrap_or_default().chunks_exact(2);
    let end = offset + 2 * units.len();
    for (at, unit) in (offset..).step_by(2).zip(units) {
        if let Some(byte) = width.ascii(unit) {
            run.push(char::from(byte));
            continue;
        }
        if run.len() >= MIN_SECRET_BYTES {
            each(start, &run);
        }
        run.clear();
        start = at + 2;
    }
    if run.len() >= MIN_SECRET_BYTES && start < end {
        each(start, &run);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visible(output: &str) -> String {
        String::from_utf8(MappedText::visible(output.as_bytes()).bytes.to_vec()).unwrap()
    }

    #[test]
    fn what_a_terminal_does_not_draw_is_removed() {
        for (output, shown) in [
            ("a\x1b[01;31m\x1b[Kb\x1b[m\x1b[Kc", "abc"),
            ("a\u{9b}31mb\x1b(Bc\x1b7d", "abcd"),
            ("\x1b]8;;https://h/\x1b\\link\x1b]8;;\x07!", "link!"),
            ("\x1b]unterminated\nnext", "unterminated\nnext"),
            ("a\0b\u{200b}c\u{feff}d\u{2060}e\u{ad}f\x07", "abcdef"),
            ("s\u{8}se\u{8}ec\u{8}c", "sec"),
            ("_\u{8}s_\u{8}e_\u{8}é", "seé"),
            ("sec\u{8}\u{8}\u{8}___", "sec"),
            ("abc\u{8}\u{8}X\n\u{8}d", "aXc\nd"),
            ("é\u{8}é\t_", "é\t_"),
        ] {
            assert_eq!(visible(output), shown, "{output:?}");
        }
    }

    #[test]
    fn a_byte_knows_the_range_that_shows_it() {
        let text = MappedText::visible(b"a\x1b[1mb\xffc\x08c");
        assert_eq!(text.bytes.as_slice(), "ab\u{fffd}c".as_bytes());
        assert_eq!(text.sources, [0..1, 5..6, 6..7, 6..7, 6..7, 7..10]);
    }

    proptest! {
        #[test]
        fn any_output_is_read(output in proptest::collection::vec(any::<u8>(), 0..80)) {
            let text = MappedText::visible(&output);
            prop_assert!(std::str::from_utf8(&text.bytes).is_ok());
            prop_assert_eq!(text.bytes.len(), text.sources.len());
            prop_assert!(text.sources.iter().all(|source| source.start < source.end && source.end <= output.len()));
        }
    }
}

#[cfg(test)]
mod wide_text_tests {
    use base64::Engine as _;

    use crate::domain::Secret;
    use crate::domain::redact::{MASK, SecretRedactor};

    fn wide(text: &str, big: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn a_secret_in_utf_16_is_masked_in_utf_16_in_any_order_and_at_any_offset() {
        let mut redactor = SecretRedactor::default();
        redactor.add_secret(&Secret::from_text("canary-4711".to_owned()));
        redactor.add_secret(&Secret::from_text("schlüssel-42".to_owned()));
        let encoded = base64::engine::general_purpose::STANDARD.encode("canary-4711");
        for big in [false, true] {
            for written in ["canary-4711", "canary%2D4711", "schlüssel-42", &encoded] {
                for before in [&b""[..], b"\xff", b"\xff\xfe", b"\xd8\x00"] {
                    let around = |text: &str| {
                        [before, &wide("\u{feff}ü: ", big), &wide(text, big), &wide("\r\n", big)]
                            .concat()
                    };
                    let masked = redactor.redact_bytes(around(written));
                    let secret = wide(written, big);
                    assert!(!masked.windows(secret.len()).any(|window| window == secret));
                    // At an odd offset the two orders look the same.
                    if before.len() % 2 == 0 && written != encoded {
                        assert_eq!(masked, around(MASK), "{written} {big} {before:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_in_utf_16_too() {
        let redactor = SecretRedactor::default();
        let masked = redactor.redact_bytes(wide("{\"t\":\"snyk_uat.abc\"}", false));
        assert_eq!(masked, wide(&format!("{{\"t\":\"snyk_uat.{MASK}\"}}"), false));
    }
}
