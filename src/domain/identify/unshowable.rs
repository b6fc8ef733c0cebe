//! Names of characters that cannot be displayed.

use super::PasteError;
use crate::domain::text::is_unprintable;

/// Rejects a text that contains an undisplayable character. Line breaks and tabs are whitespace and
/// are allowed.
pub(super) fn reject_unprintable(text: &str) -> Result<(), PasteError> {
    let blank = |c: char| matches!(c, '\n' | '\r' | '\t');
    match text.chars().enumerate().find(|(_, c)| is_unprintable(*c) && !blank(*c)) {
        None => Ok(()),
        Some((index, c)) => {
            Err(PasteError::UnprintableCharacter { name: character_name(c), position: index + 1 })
        }
    }
}

fn character_name(c: char) -> String {
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
