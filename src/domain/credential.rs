//! Credentials and their metadata: everything that is known about a secret except the secret.
//!
//! Names, IDs, fields, expiry, the last check and the slots of a rotation belong here. The secret
//! itself is a [`super::Secret`]. Start at [`Credential`].
//!
//! Validation of labels, field values and reasons: texts that users enter, and that terminals, shells and
//! other programs receive.
//!
//! Stored values are not validated again, because they may be older than a rule. Start at
//! [`parse_label`], [`parse_field`] and [`parse_reason`].

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::response::CheckResult;
use super::{Timestamp, text};
use crate::domain::redact::patterns::{self, contains_token, looks_like_secret};

/// Maximum length of a name in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// Identifier of a credential: 32 hexadecimal digits that never change.
///
/// The digits are random and carry no meaning, so stores may use them in plain text to name an
/// item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialId(String);

/// Name that the user gave a credential: 1 to 64 characters without control characters or
/// surrounding whitespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialName(String);

/// Reason why a text is not a valid credential name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialNameError {
    /// The text is empty or only whitespace.
    #[error("the name is empty")]
    Empty,
    /// The text has more than [`MAX_NAME_CHARS`] characters.
    #[error("the name has more than {MAX_NAME_CHARS} characters")]
    TooLong,
    /// The text contains an invisible character or one that controls a terminal.
    #[error("the name contains a character that cannot be displayed")]
    UnprintableCharacter,
    /// The text starts like a command-line option.
    #[error("the name starts with \"-\" and would be read as an option")]
    LeadingDash,
    /// The text contains a secret, or something that looks like one.
    #[error("the name contains a secret, or something that looks like one")]
    LooksLikeSecret,
}

/// Labels that mark a credential as production.
const PRODUCTION_LABELS: [&str; 3] = ["prod", "production", "live"];

/// Credential as the index stores it. No field is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Identifier, which renaming does not change.
    pub id: CredentialId,
    /// Name that the user chose.
    pub name: CredentialName,
    /// ID of the provider, such as `snyk`.
    pub provider: String,
    /// ID of the kind within the provider, such as `personal-access-token`.
    pub kind: String,
    /// ID of the region, such as `SNYK-EU-01`.
    pub region: String,
    /// Further values that the kind needs, such as `client_id` or `org_id`.
    pub fields: BTreeMap<String, String>,
    /// User-defined labels, such as `prod`.
    pub labels: Vec<String>,
    /// Time at which the credential was added to this keyring.
    pub created: Timestamp,
    /// Time at which the provider stops accepting the credential, if known.
    pub expires: Option<Timestamp>,
    /// Keyed fingerprint of the secret: equal for equal secrets, and useless without the key.
    pub fingerprint: Option<String>,
    /// Identity that the credential acts as, as reported by the provider.
    pub principal: Option<Principal>,
    /// Authorization scheme that worked last, for kinds with more than one.
    pub scheme: Option<String>,
    /// Outcome of the last check in the credential's own region.
    pub last_check: Option<CheckReport>,
}

impl Credential {
    /// Returns whether a label marks the credential as production. A label with such a value
    /// (`env:prod`) counts too.
    pub fn is_production(&self) -> bool {
        let value =
            |label: &str| label.rsplit([':', '=']).next().unwrap_or_default().to_lowercase();
        self.labels.iter().any(|label| PRODUCTION_LABELS.contains(&value(label).as_str()))
    }
}

/// Identity that a credential acts as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Provider's identifier of the user, service account or app.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Type of identity: `user`, `service_account`, `app_instance`, `api_user`, …
    #[serde(rename = "type")]
    pub kind: String,
}

/// Outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Accepted, refused or unknown.
    #[serde(rename = "verdict")]
    pub result: CheckResult,
    /// HTTP status, if there was a response.
    pub status: Option<u16>,
    /// Explanation of the result.
    pub reason: String,
    /// Time of the check.
    #[serde(with = "time::serde::rfc3339")]
    #[serde(rename = "at")]
    pub checked_at: Timestamp,
    /// Time until the response arrived, in milliseconds.
    pub latency_ms: Option<u64>,
}

/// Slot that holds one of a credential's secrets during a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSlot {
    /// Secret in use.
    Current,
    /// New secret, not yet verified.
    Pending,
    /// Replaced secret, not yet verified to be rejected.
    Previous,
}

/// Part of a credential's secret material.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretPart {
    /// The secret itself.
    #[default]
    Secret,
    /// A named further part, such as `refresh_token` or `client_secret`.
    Named(String),
}

impl CredentialId {
    /// Creates an identifier from 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(crate::util::hex::to_hex(&bytes))
    }

    /// Parses a stored identifier; returns `None` unless the text is 32 lower-case hexadecimal
    /// digits.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        hex.then(|| Self(text.to_owned()))
    }

    /// Returns the identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CredentialName {
    /// Parses a name that a user entered: trims surrounding whitespace and composes its characters
    /// (Unicode NFC).
    pub fn parse(text: &str) -> Result<Self, CredentialNameError> {
        if patterns::looks_like_secret(text) {
            return Err(CredentialNameError::LooksLikeSecret);
        }
        Self::from_stored(&super::text::compose(text))
    }

    /// Parses a stored name, whose characters stay as they are: names were not always composed, and
    /// a name is looked up by its characters.
    pub fn from_stored(text: &str) -> Result<Self, CredentialNameError> {
        let name = text.trim();
        if name.is_empty() {
            Err(CredentialNameError::Empty)
        } else if name.chars().count() > MAX_NAME_CHARS {
            Err(CredentialNameError::TooLong)
        } else if name.chars().any(super::text::is_unprintable) {
            Err(CredentialNameError::UnprintableCharacter)
        } else if name.starts_with('-') {
            Err(CredentialNameError::LeadingDash)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SecretSlot {
    /// Returns the slot's name as used in item identifiers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Pending => "pending",
            Self::Previous => "previous",
        }
    }
}

impl SecretPart {
    /// Parses a part's name. The name of the secret itself is reserved, so no further part can have
    /// it.
    pub fn parse(name: &str) -> Self {
        if name == Self::Secret.as_str() { Self::Secret } else { Self::Named(name.to_owned()) }
    }

    /// Returns the part's name as used in item identifiers.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Secret => "secret",
            Self::Named(name) => name,
        }
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CredentialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CredentialName {
    type Error = CredentialNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_stored(&text)
    }
}

impl From<CredentialName> for String {
    fn from(name: CredentialName) -> Self {
        name.0
    }
}

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
    fn names_lose_outer_blanks_and_refuse_what_cannot_be_shown() {
        assert_eq!(CredentialName::parse("  ci scanner ").unwrap().as_str(), "ci scanner");
        assert_eq!(CredentialName::parse(" \t"), Err(CredentialNameError::Empty));
        assert_eq!(CredentialName::parse(&"x".repeat(64)).unwrap().as_str().len(), 64);
        assert_eq!(CredentialName::parse(&"x".repeat(65)), Err(CredentialNameError::TooLong));
        assert_eq!(
            CredentialName::parse("a\u{1b}[2J"),
            Err(CredentialNameError::UnprintableCharacter)
        );
        assert_eq!(
            CredentialName::parse("a\u{200b}b"),
            Err(CredentialNameError::UnprintableCharacter)
        );
        assert_eq!(CredentialName::parse("--all"), Err(CredentialNameError::LeadingDash));
    }

    #[test]
    fn an_entered_name_is_not_a_secret() {
        for secret in ["snyk_uat.1a2b3c4d.e30.c2ln", "0000abcd-0000-4000-8000-000000001234"] {
            assert_eq!(CredentialName::parse(secret), Err(CredentialNameError::LooksLikeSecret));
            assert!(CredentialName::from_stored(secret).is_ok(), "a stored name is readable");
        }
    }

    #[test]
    fn an_entered_name_is_composed_and_a_stored_one_is_not() {
        let [composed, decomposed] = ["caf\u{e9}", "cafe\u{301}"];
        assert_eq!(CredentialName::parse(decomposed).unwrap().as_str(), composed);
        assert_eq!(CredentialName::from_stored(decomposed).unwrap().as_str(), decomposed);
        let read: CredentialName = serde_json::from_str(&format!("\"{decomposed}\"")).unwrap();
        assert_eq!(read.as_str(), decomposed);
    }

    #[test]
    fn an_identity_is_hexadecimal_and_comes_back() {
        let id = CredentialId::from_random([0xab; 16]);
        assert_eq!(id.to_string(), id.as_str());
        assert_eq!(CredentialId::parse(id.as_str()), Some(id));
        for other in [
            "../../etc/passwd",
            "../../../../../../../etc/passwd0",
            "ABABABABABABABABABABABABABABABAB",
        ] {
            assert_eq!(CredentialId::parse(other), None);
        }
    }

    #[test]
    fn items_are_found_again_by_the_names_of_slot_and_part() {
        assert_eq!(
            [SecretSlot::Current, SecretSlot::Pending, SecretSlot::Previous]
                .map(SecretSlot::as_str),
            ["current", "pending", "previous"]
        );
        for (part, name) in [
            (SecretPart::Secret, "secret"),
            (SecretPart::Named("client_secret".to_owned()), "client_secret"),
        ] {
            assert_eq!(part.as_str(), name);
            assert_eq!(SecretPart::parse(name), part);
        }
    }
}

#[cfg(test)]
mod metadata_tests {
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
