//! What is this? Recognising a pasted secret offline: provider, kind, region, expiry, and why.
//!
//! Three steps: `unwrap` takes off what people paste along with a secret, `recognise` holds the catalogue's rules
//! against what is left, and `claims` reads what a token says about itself. Claims are hints, since nobody has
//! verified a signature; a host among them is believed only if `hosts` trusts it.

mod host_trust;
mod json_secret;
mod recognize;
mod shell;
mod token_claims;
mod unshowable;
mod unwrap;

use super::provider::ProviderCatalog;
use super::provider::spec::{MatchConfidence, SecretRole};
use super::region::Region;
use super::{Secret, Timestamp};
use host_trust::HostTrust;

/// What a pasted text turned out to be.
pub struct Identification {
    /// The secret with everything around it taken off.
    pub secret: Secret,
    /// What was taken off, in words, in the order in which it was.
    pub removed: Vec<String>,
    /// What it may be, best first; empty where nothing matches.
    pub candidates: Vec<IdentificationCandidate>,
}

/// One thing that a secret may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentificationCandidate {
    /// The provider's id.
    pub provider: String,
    /// The kind's id.
    pub kind: String,
    /// What the text is to that kind: its secret, one of its parts, or a short-lived token not worth keeping.
    pub secret_role: SecretRole,
    /// The region's id, where the secret itself names one that is trusted.
    pub region: Option<String>,
    /// When it ends, where the secret itself says so.
    pub expires: Option<Timestamp>,
    /// How sure this is.
    pub confidence: MatchConfidence,
    /// Why, in words.
    pub why: String,
    /// A hint at the credential's id at the provider (`j` of a Snyk token, `jti` of a JWT); not a secret.
    pub remote_id: Option<String>,
}

/// Why a pasted text cannot be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasteError {
    /// Nothing, or nothing but blanks and quotes.
    #[error("there is no secret in it")]
    Empty,
    /// Several secrets or other words besides it.
    #[error("it holds more than one word or secret, so it is not clear which one is meant")]
    Ambiguous,
    /// An invisible or control character inside; named, since it cannot be seen.
    #[error("it holds {name} at character {position}")]
    UnprintableCharacter {
        /// The character's name, such as "a zero-width space (U+200B)".
        name: String,
        /// Where, counted from 1.
        position: usize,
    },
    /// Bytes that are not text.
    #[error("it is not text")]
    NotText,
}

/// Takes the wrapping off a pasted text and says what the secret may be.
pub fn identify(
    pasted: &Secret,
    catalogue: &ProviderCatalog,
) -> Result<Identification, PasteError> {
    pasted.expose(|bytes| {
        let text = std::str::from_utf8(bytes).map_err(|_| PasteError::NotText)?;
        let bare =
            unwrap::unwrap_secret(text, &|text| recognize::has_known_prefix(text, catalogue))?;
        let candidates = recognize::find_candidates(&bare.text, catalogue);
        Ok(Identification {
            secret: Secret::new(bare.text.as_bytes().to_vec()),
            removed: bare.removed,
            candidates,
        })
    })
}

/// The region that a host stands for which a provider names in an answer, such as after a sign-in; `None` for any that
/// is not known here, whatever it claims to be.
pub fn region_for_host<'c>(
    host: &str,
    provider: &str,
    catalogue: &'c ProviderCatalog,
) -> Option<&'c Region> {
    match host_trust::classify_host(host, catalogue.provider(provider).ok()?, catalogue) {
        HostTrust::Region(region) => Some(region),
        HostTrust::Trusted(_) | HostTrust::Untrusted => None,
    }
}

impl From<PasteError> for super::Problem {
    fn from(error: PasteError) -> Self {
        let remedy = match &error {
            PasteError::Empty => "Paste the secret as the provider shows it",
            PasteError::Ambiguous => "Paste the secret alone",
            PasteError::UnprintableCharacter { .. } => {
                "Copy it again from where the provider shows it; such characters come along from web pages and chats"
            }
            PasteError::NotText => "Save it as plain UTF-8 text, or paste it",
        };
        Self::new("What was pasted cannot be a secret", error.to_string(), remedy)
            .with_class(super::problem::ProblemClass::Usage)
    }
}

#[cfg(test)]
mod tests;
