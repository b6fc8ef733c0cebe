//! Readings of a program's output: text in which each byte knows the range of the output that shows
//! it.
//!
//! A color, an overstrike or an invisible character splits a secret for a search, but not for a
//! reader. A match in a reading is masked in the output by the ranges. Start at
//! [`MappedText::visible`].

use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;
use zeroize::Zeroizing;

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
