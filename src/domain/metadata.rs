//! Validation of labels, field values and reasons: texts that users enter, and that terminals, shells and
//! other programs receive.
//!
//! Stored values are not validated again, because they may be older than a rule. Start at
//! [`parse_label`], [`parse_field`] and [`parse_reason`].

use super::redact::shape::{contains_token, looks_like_secret};
use super::text;

/// Maximum length of a label in characters.
pub const MAX_LABEL_CHARS: usize = 64;

/// Maximum length of the value of a field in characters.
pub const MAX_FIELD_CHARS: usize = 1024;

/// Maximum length of a reason in characters.
pub const MAX_REASON_CHARS: usize = 500;

/// Reason why a text is not a valid label, field value or reason.
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
    /// The text contains a secret, or something that looks like one.
    #[error("it contains a secret, or something that looks like one")]
    LooksLikeSecret,
}

/// Parses a label: trims surrounding whitespace and composes its characters (Unicode NFC).
pub fn parse_label(label: &str) -> Result<String, MetadataError> {
    let label = text::compose(label.trim()).into_owned();
    if label.is_empty() {
        return Err(MetadataError::Empty);
    }
    validate(&label, MAX_LABEL_CHARS)?;
    if looks_like_secret(&label) { Err(MetadataError::LooksLikeSecret) } else { Ok(label) }
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

/// Parses the reason for a change in the user's own words, and composes its characters (Unicode
/// NFC). A reason may be empty and may name identifiers.
pub fn parse_reason(reason: &str) -> Result<String, MetadataError> {
    let reason = text::compose(reason.trim()).into_owned();
    validate(&reason, MAX_REASON_CHARS)?;
    Ok(reason)
}

fn validate(value: &str, max_chars: usize) -> Result<(), MetadataError> {
    if value.chars().count() > max_chars {
        Err(MetadataError::TooLong(max_chars))
    } else if value.chars().any(text::is_unprintable) {
        Err(MetadataError::UnprintableCharacter)
    } else if contains_token(value) {
        Err(MetadataError::LooksLikeSecret)
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
    #[test]
    fn secrets_are_refused_and_identifiers_only_in_labels() {
        let (token, uuid) = ("snyk_uat.1a2b3c4d.e30.c2ln", "0000abcd-0000-4000-8000-000000001234");
        let refusal = || Err(MetadataError::LooksLikeSecret);
        assert_eq!([parse_label(token), parse_label(uuid)], [refusal(), refusal()]);
        assert_eq!(parse_field(token), refusal());
        assert_eq!(parse_reason(&format!("leaked: {token}")), refusal());
        assert_eq!(parse_field(uuid), Ok(uuid.to_owned()));
        assert_eq!(parse_reason(uuid), Ok(uuid.to_owned()));
    }
}
