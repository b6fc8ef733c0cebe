//! Rotation IDs, credentials as the provider lists them, and the names of credentials that a
//! rotation creates.
//!
//! The remote name contains the rotation ID and the attempt number. A creation whose response was
//! lost can therefore be found again by its name, and no two attempts request the same name. Start
//! with [`format_remote_name`] and [`parse_attempt`], its inverse.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;

/// Maximum length of a remote name in characters: the shortest limit among the providers (Snyk API
/// & Web: 60).
pub const MAX_REMOTE_NAME_CHARS: usize = 60;

/// ID of a rotation: 16 random hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RotationId(String);

/// Credential as its provider lists it. Contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteCredential {
    /// ID at the provider, used in every call; labels may repeat.
    pub id: String,
    /// Display name at the provider.
    pub label: String,
    /// When it was created, if the provider says so.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub created: Option<Timestamp>,
    /// When it expires, if the provider says so.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires: Option<Timestamp>,
    /// Field values that a stored credential needs to be this one, such as its `client_id`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[serde(rename = "facts")]
    pub fields: BTreeMap<String, String>,
    /// Properties of the credential that served as its template and that it does not have, as
    /// texts; empty unless this rotation created it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_copied: Vec<String>,
}

impl RemoteCredential {
    /// Creates a remote credential of which only the ID and the label are known.
    pub fn new(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            label: label.into(),
            created: None,
            expires: None,
            fields: BTreeMap::new(),
            not_copied: Vec::new(),
        }
    }

    /// Returns the name and the ID, or the ID alone where the credential has no other name.
    pub fn name_and_id(&self) -> String {
        if self.has_name() { format!("{} ({})", self.label, self.id) } else { self.id.clone() }
    }

    /// Returns the credential on one line: name, dates and ID, as the user sees it before it is
    /// revoked.
    pub fn describe(&self) -> String {
        let day = |time: Option<Timestamp>| {
            time.map_or_else(|| "unknown".to_owned(), |time| time.date().to_string())
        };
        let (created, expires) = (day(self.created), day(self.expires));
        let dates = format!("created {created} · expires {expires}");
        if self.has_name() {
            format!("{} · {dates} · {}", self.label, self.id)
        } else {
            format!("{} · {dates}", self.id)
        }
    }

    /// Whether the provider lists it with a name; otherwise its label is its ID, or empty.
    fn has_name(&self) -> bool {
        !self.label.is_empty() && self.label != self.id
    }
}

impl RotationId {
    /// Creates an ID from 8 random bytes.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self(crate::util::hex::to_hex(&bytes))
    }

    /// Parses a stored ID; `None` if the text is not 16 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        is_rotation_id(text).then(|| Self(text.to_owned()))
    }

    /// Returns the ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RotationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Formats the name of the credential that an attempt of a rotation creates. The mark of an earlier
/// rotation is removed from `base`, so names do not grow from one rotation to the next.
pub fn format_remote_name(rotation: &RotationId, attempt: u32, base: &str) -> String {
    let mark = format!("-tr-{rotation}-{attempt}");
    let room = MAX_REMOTE_NAME_CHARS.saturating_sub(mark.len());
    let base: String = strip_rotation_mark(base).chars().take(room).collect();
    format!("{}{mark}", base.trim_end())
}

/// Parses the attempt number from a remote name; `None` if the name is not from this rotation.
pub fn parse_attempt(rotation: &RotationId, name: &str) -> Option<u32> {
    let (_, id, attempt) = split_rotation_mark(name)?;
    (id == rotation.as_str()).then_some(attempt)
}

fn strip_rotation_mark(name: &str) -> &str {
    split_rotation_mark(name).map_or(name, |(base, ..)| base)
}

/// Splits a name into base, rotation ID and attempt if it carries the mark of any rotation.
fn split_rotation_mark(name: &str) -> Option<(&str, &str, u32)> {
    let (base, mark) = name.rsplit_once("-tr-")?;
    let (id, attempt) = mark.split_once('-')?;
    Some((base, id, attempt.parse().ok()?)).filter(|_| is_rotation_id(id))
}

fn is_rotation_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> RotationId {
        RotationId::from_random([byte; 8])
    }

    #[test]
    fn a_credential_without_a_name_is_described_by_its_id_once() {
        let named = RemoteCredential::new("r1", "laptop");
        assert_eq!(named.describe(), "laptop · created unknown · expires unknown · r1");
        assert_eq!(named.name_and_id(), "laptop (r1)");
        for label in ["r1", ""] {
            let nameless = RemoteCredential::new("r1", label);
            assert_eq!(nameless.describe(), "r1 · created unknown · expires unknown");
            assert_eq!(nameless.name_and_id(), "r1");
        }
    }

    #[test]
    fn a_remote_name_leads_back_to_its_rotation_and_attempt() {
        let name = format_remote_name(&id(0xab), 3, "ci-scanner");
        assert_eq!(name, "ci-scanner-tr-abababababababab-3");
        assert_eq!(parse_attempt(&id(0xab), &name), Some(3));
        assert_eq!(parse_attempt(&id(0xcd), &name), None);
        assert_eq!(parse_attempt(&id(0xab), "ci-scanner"), None);
    }

    #[test]
    fn a_remote_name_does_not_grow_from_rotation_to_rotation() {
        let first = format_remote_name(&id(1), 1, "ci-scanner");
        assert_eq!(
            format_remote_name(&id(2), 1, &first),
            format_remote_name(&id(2), 1, "ci-scanner")
        );
    }

    #[test]
    fn a_remote_name_is_bounded_and_unique_even_where_the_base_is_long() {
        let base = "ü".repeat(200);
        let (one, two) =
            (format_remote_name(&id(1), 1, &base), format_remote_name(&id(1), u32::MAX, &base));
        assert!(
            one.chars().count() <= MAX_REMOTE_NAME_CHARS
                && two.chars().count() <= MAX_REMOTE_NAME_CHARS
        );
        assert_ne!(one, two);
        assert_eq!(parse_attempt(&id(1), &two), Some(u32::MAX));
    }

    #[test]
    fn an_identity_is_hexadecimal_and_comes_back() {
        assert_eq!(RotationId::parse(id(7).as_str()), Some(id(7)));
        assert_eq!(RotationId::parse("../../../../etc/"), None);
    }
}
