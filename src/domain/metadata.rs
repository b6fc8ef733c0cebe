//! Validation of labels and field values: texts that users enter, and that terminals, shells and
//! other programs receive.
//!
//! Stored values are not validated again, because they may be older than a rule. Start at
//! [`parse_label`] and [`parse_field`].

use super::text;

/// Maximum length of a label in characters.
pub const MAX_LABEL_CHARS: usize = 64;

/// Maximum length of the value of a field in characters.
pub const MAX_FIELD_CHARS: usize = 1024;

/// Reason why a text is not a valid label or field value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The label is empty or only whitespace.
    #[error("it is empty")]
    Empty,
    /// The text has more characters than allowed.
    #[error("it has more than {0} characters")]
    TooLong(usize),
    /// The text contains an invisible character or one that controls a terminal.
    #[error("it contains a character that cannot be displayed")]
    UnprintableCharacter,
}

/// Parses a label: trims surrounding whitespace and composes its characters (Unicode NFC).
pub fn parse_label(label: &str) -> Result<String, MetadataError> {
    let label = text::compose(label.trim()).into_owned();
    if label.is_empty() {
        return Err(MetadataError::Empty);
    }
    validate(&label, MAX_LABEL_CHARS)?;
    Ok(label)
}

/// Parses the value of a field and composes its characters (Unicode NFC). An empty value means no
/// value.
pub fn parse_field(value: &str) -> Result<String, MetadataError> {
    let value = text::compose(value).into_owned();
    validate_field(&value)?;
    Ok(value)
}

/// Validates the value of a field that must keep its characters, such as the path of a file.
pub fn validate_field(value: &str) -> Result<(), MetadataError> {
    validate(value, MAX_FIELD_CHARS)
}

fn validate(value: &str, max_chars: usize) -> Result<(), MetadataError> {
    if value.chars().count() > max_chars {
        Err(MetadataError::TooLong(max_chars))
    } else if value.chars().any(text::is_unprintable) {
        Err(MetadataError::UnprintableCharacter)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_composed_and_unprintable_characters_are_refused() {
        assert_eq!(parse_label(" cafe\u{301} "), Ok("caf\u{e9}".to_owned()));
        assert_eq!(parse_label(" \t"), Err(MetadataError::Empty));
        assert_eq!(parse_label(&"x".repeat(65)), Err(MetadataError::TooLong(64)));
        for wrong in ["a\u{1b}[2J", "a\nb", "a\u{9b}2J", "a\u{202e}b", "a\u{200b}b", "a\u{2028}b"] {
            assert_eq!(parse_label(wrong), Err(MetadataError::UnprintableCharacter), "{wrong:?}");
            assert_eq!(parse_field(wrong), Err(MetadataError::UnprintableCharacter), "{wrong:?}");
        }
    }

    #[test]
    fn fields_may_be_empty_and_paths_keep_their_characters() {
        assert_eq!(parse_field(""), Ok(String::new()));
        assert_eq!(parse_field("cafe\u{301}"), Ok("caf\u{e9}".to_owned()));
        assert_eq!(parse_field(&"x".repeat(1025)), Err(MetadataError::TooLong(1024)));
        assert_eq!(validate_field("/keys/cafe\u{301}.pem"), Ok(()));
    }
}
