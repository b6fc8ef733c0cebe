//! Helpers for untrusted text: sanitizing it for display, unprintable characters, similar names.
//!
//! Secrets in a text are removed by [`super::redact`].

use std::borrow::Cow;
use std::fmt::Write as _;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::util::json_scan::RECORD_SEPARATOR;

/// Minimum similarity, from 0 to 1, for a name to be suggested instead of another.
const MIN_SIMILARITY: f64 = 0.8;

/// Start of a terminal escape sequence, and one of its terminators.
const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// Whether a character cannot be displayed: control characters, invisible characters and direction
/// marks.
pub fn is_unprintable(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Character that cannot be displayed, and its position in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnprintableCharacter {
    /// Name of the character with its code, such as `a bell (U+0007)`.
    pub name: String,
    /// Position in the text, counted in characters from 1.
    pub position: usize,
}

/// Finds the first character that cannot be displayed. Line breaks and tabs are white space and do
/// not count.
pub fn find_unprintable(text: &str) -> Option<UnprintableCharacter> {
    let is_blank = |c: char| matches!(c, '\n' | '\r' | '\t');
    let (index, found) =
        text.chars().enumerate().find(|(_, c)| is_unprintable(*c) && !is_blank(*c))?;
    Some(UnprintableCharacter { name: unprintable_name(found), position: index + 1 })
}

fn unprintable_name(c: char) -> String {
    let word = match c {
        '\0' => "a null character",
        '\u{7}' => "a bell",
        '\u{8}' => "a backspace",
        '\u{1b}' => "an escape character",
        '\u{7f}' => "a delete character",
        '\u{ad}' => "a soft hyphen",
        '\u{200b}' => "a zero-width space",
        '\u{200c}' => "a zero-width non-joiner",
        '\u{200d}' => "a zero-width joiner",
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a direction mark"
        }
        '\u{2060}' => "a word joiner",
        '\u{feff}' => "a byte-order mark",
        c if c.is_control() => "a control character",
        _ => "an invisible character",
    };
    format!("{word} (U+{:04X})", u32::from(c))
}

/// Whether a character has no width and no glyph: zero-width characters, joiners, fillers, line and
/// paragraph separators, byte-order mark, direction marks.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Composes the characters of a text (Unicode NFC), so that texts that look the same are the same.
pub fn compose(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Text of foreign bytes that a terminal can show.
#[derive(Debug, PartialEq, Eq)]
pub struct SanitizedText {
    /// The text.
    pub text: String,
    /// Whether the text holds only the start, because it would be longer than allowed.
    pub truncated: bool,
}

/// Replaces every character that could control a terminal by `U+FFFD`. Line breaks and tabs stay; a
/// lone carriage return is replaced, since it could only overwrite text.
pub fn sanitize(text: &str) -> String {
    sanitize_bytes(text.as_bytes(), usize::MAX).text
}

/// Escapes every character of a JSON text that could control a terminal or cannot be seen, as in
/// `\u009b`. The values stay the same for every reader. What separates values stays, and is not drawn.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    if is_sanitized(json) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unprintable(c) && !c.is_ascii_whitespace() && c != RECORD_SEPARATOR {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Whether [`sanitize`] would return the text unchanged.
pub fn is_sanitized(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
        || !text.chars().any(is_unsafe_for_terminal)
}

/// Decodes bytes as UTF-8 and sanitizes them like [`sanitize`], in one pass and into at most
/// `max_bytes`. Bytes that are not UTF-8 become `U+FFFD` too.
pub fn sanitize_bytes(bytes: &[u8], max_bytes: usize) -> SanitizedText {
    let mut text = String::with_capacity(bytes.len().min(max_bytes));
    for chunk in bytes.utf8_chunks() {
        let mut valid = chunk.valid().chars().peekable();
        let invalid = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
        let sanitized = std::iter::from_fn(|| match valid.next()? {
            '\r' if valid.peek() == Some(&'\n') => valid.next(),
            c if is_unsafe_for_terminal(c) => Some(char::REPLACEMENT_CHARACTER),
            c => Some(c),
        });
        for c in sanitized.chain(invalid) {
            if c.len_utf8() > max_bytes - text.len() {
                return SanitizedText { text, truncated: true };
            }
            text.push(c);
        }
    }
    SanitizedText { text, truncated: false }
}

/// Removes the escape sequences by which a program colors its output or controls a terminal.
pub fn strip_escape_sequences(text: &str) -> String {
    let (mut kept, mut chars) = (String::with_capacity(text.len()), text.chars());
    while let Some(c) = chars.next() {
        if c == ESCAPE { skip_escape_sequence(&mut chars) } else { kept.push(c) }
    }
    kept
}

/// Sanitizes a text and puts it on one line, for a title, a table cell or an error.
pub fn sanitize_line(text: &str) -> String {
    let is_harmless = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_harmless { text.to_owned() } else { sanitize(text).replace(['\n', '\t'], " ") }
}

/// Returns up to three candidates that are similar to the given name, best first.
pub fn nearest_names<S: AsRef<str>>(written: &str, candidates: &[S]) -> Vec<String> {
    let written = written.to_lowercase();
    let scored = candidates
        .iter()
        .map(|name| (name_similarity(&written, &name.as_ref().to_lowercase()), name.as_ref()));
    let mut near: Vec<(f64, &str)> = scored.filter(|(score, _)| *score >= MIN_SIMILARITY).collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// Returns the similarity of two names. A name that contains the other counts as similar, whatever
/// their lengths.
fn name_similarity(written: &str, name: &str) -> f64 {
    let held = written.chars().count() >= 2 && (name.contains(written) || written.contains(name));
    let similar = strsim::jaro_winkler(written, name);
    if is_abbreviation(written, name) {
        1.0
    } else if held {
        similar.max(MIN_SIMILARITY)
    } else {
        similar
    }
}

/// Whether a text consists of the initials of the words of a name (`pat`), or is a part of it without
/// separators and zeros (`eu1`).
fn is_abbreviation(written: &str, name: &str) -> bool {
    let words = || name.split(['-', '_', ' ']).filter(|word| !word.is_empty());
    let initials: String = words().filter_map(|word| word.chars().next()).collect();
    let compact = |text: &str| -> String {
        text.split(['-', '_', ' ']).map(|word| word.trim_start_matches('0')).collect()
    };
    let compact_written = compact(written);
    let is_part = compact_written.chars().any(|c| c.is_ascii_digit())
        && compact_written.chars().count() > 2
        && compact(name).ends_with(&compact_written);
    words().count() > 1 && (initials == written || is_part)
}

fn skip_escape_sequence(chars: &mut std::str::Chars<'_>) {
    match chars.next() {
        Some('[') => _ = chars.find(|c| ('@'..='~').contains(c)),
        // A sequence such as a window title ends with BEL, or with ESC and a backslash.
        Some(']') if chars.find(|c| matches!(*c, BELL | ESCAPE)) == Some(ESCAPE) => {
            _ = chars.next();
        }
        _ => {}
    }
}

fn is_unsafe_for_terminal(c: char) -> bool {
    is_unprintable(c) && c != '\n' && c != '\t'
}

/// Whether a text has the form of a UUID of any version.
pub fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// Capitalizes the first letter of a text.
pub fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_left_out_whole() {
        assert_eq!(strip_escape_sequences("\u{1b}[1;31mno\u{1b}[0m way"), "no way");
        assert_eq!(
            strip_escape_sequences("a\u{1b}]0;title\u{7}b\u{1b}]8;;x\u{1b}\\c\u{1b}(d\u{1b}"),
            "abcd"
        );
    }

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(sanitize("a\u{1b}]0;title\u{7}b"), "a\u{fffd}]0;title\u{fffd}b");
        assert_eq!(sanitize("one\r\ntwo\rthree"), "one\ntwo\u{fffd}three");
        assert_eq!(sanitize_line("a\nb\tc\u{202e}d"), "a b c\u{fffd}d");
    }

    #[test]
    fn bytes_become_text_up_to_a_length() {
        let text = |bytes: &[u8], limit| sanitize_bytes(bytes, limit);
        let expected = |text: &str, truncated| SanitizedText { text: text.to_owned(), truncated };
        assert_eq!(
            text(b"a\xff\xfeb\r\n\xc3", 100),
            expected("a\u{fffd}\u{fffd}b\n\u{fffd}", false)
        );
        assert_eq!(text(b"abc", 3), expected("abc", false));
        assert_eq!(text(b"a\x01b", 3), expected("a", true));
        for harmless in ["", "a\tb\n", "größe"] {
            assert!(is_sanitized(harmless) && sanitize(harmless) == harmless, "{harmless}");
        }
        assert!(!is_sanitized("a\r\n") && !is_sanitized("\u{1b}[2J"));
    }

    #[test]
    fn the_nearest_come_first_and_the_far_not_at_all() {
        let names = ["laptop", "ci-scanner", "ci-runner", "broker", "Laptop-2"];
        assert_eq!(nearest_names("labtop", &names), ["laptop", "Laptop-2"]);
        assert_eq!(nearest_names("CI-SCANER", &names)[0], "ci-scanner");
        assert_eq!(nearest_names("runner", &names), ["ci-runner"]);
        assert_eq!(
            nearest_names("the-one-of-the-very-old-ci-runner-in-the-cellar", &names),
            ["ci-runner"]
        );
        assert_eq!(nearest_names("xyz", &names), [""; 0]);
        assert_eq!(nearest_names("", &names), [""; 0]);
    }
}
