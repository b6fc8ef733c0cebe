//! A credential: everything that is known about a secret except the secret.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::response::CheckResult;

/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// The identity of a credential: 32 hexadecimal digits that never change and mean nothing, so they may lie in the
/// clear wherever the store has to name an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialId(String);

/// The name a person gave a credential: 1 to 64 characters without control characters or outer blanks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialName(String);

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialNameError {
    /// Nothing, or only blanks.
    #[error("the name is empty")]
    Empty,
    /// More than [`MAX_NAME_CHARS`] characters.
    #[error("the name has more than {MAX_NAME_CHARS} characters")]
    TooLong,
    /// A character that cannot be seen or that steers a terminal.
    #[error("the name holds a character that cannot be shown")]
    UnprintableCharacter,
    /// It begins like an option of the command line.
    #[error("the name begins with \"-\" and would be read as an option")]
    LeadingDash,
}

/// A credential as the index knows it. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its identity, which renaming does not change.
    pub id: CredentialId,
    /// What people call it.
    pub name: CredentialName,
    /// The provider's id, such as `snyk`.
    pub provider: String,
    /// The kind's id within the provider, such as `personal-access-token`.
    pub kind: String,
    /// The region's id, such as `SNYK-EU-01`.
    pub region: String,
    /// What else the kind needs to be used, such as `client_id` or `org_id`.
    pub fields: BTreeMap<String, String>,
    /// Free labels, such as `prod`.
    pub labels: Vec<String>,
    /// When it came into this keyring.
    pub created: Timestamp,
    /// When the provider will stop accepting it, where that is known.
    pub expires: Option<Timestamp>,
    /// A keyed fingerprint of the secret: equal for equal secrets, and useless without the key.
    pub fingerprint: Option<String>,
    /// Who it acts as, as the provider said.
    pub principal: Option<Principal>,
    /// The authorization scheme that worked last, where the kind has more than one.
    pub scheme: Option<String>,
    /// The outcome of the last check in its own region.
    pub last_check: Option<CheckReport>,
}

/// Who a credential acts as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The provider's identifier of the user, service account or app.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it is: `user`, `service_account`, `app_instance`, `api_user`, …
    #[serde(rename = "type")]
    pub kind: String,
}

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Accepted, refused or unknown.
    #[serde(rename = "verdict")]
    pub result: CheckResult,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The verdict in words.
    pub reason: String,
    /// When it was asked.
    #[serde(with = "time::serde::rfc3339")]
    #[serde(rename = "at")]
    pub checked_at: Timestamp,
    /// How long the answer took, in milliseconds.
    pub latency_ms: Option<u64>,
}

/// Which of a credential's secrets is meant, over the course of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSlot {
    /// The one in use.
    Current,
    /// Minted, not yet proven.
    Pending,
    /// Replaced, not yet proven dead.
    Previous,
}

/// Which part of a credential's secret material is meant.
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
    /// An identity from 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(super::text::to_hex(&bytes))
    }

    /// Reads an identity that was written before; `None` if it is not 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        hex.then(|| Self(text.to_owned()))
    }

    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CredentialName {
    /// Reads a name; outer blanks are not part of it.
    pub fn parse(text: &str) -> Result<Self, CredentialNameError> {
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

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SecretSlot {
    /// The slot's name, as it stands in item identifiers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Pending => "pending",
            Self::Previous => "previous",
        }
    }
}

impl SecretPart {
    /// Reads a part's name; no further part is called as the secret itself is.
    pub fn parse(name: &str) -> Self {
        if name == Self::Secret.as_str() { Self::Secret } else { Self::Named(name.to_owned()) }
    }

    /// The part's name, as it stands in item identifiers.
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
        Self::parse(&text)
    }
}

impl From<CredentialName> for String {
    fn from(name: CredentialName) -> Self {
        name.0
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
