//! What is this? Recognising a pasted secret offline: provider, kind, region, expiry, and why.

use super::provider::Catalogue;
use super::provider::spec::Confidence;
use super::{Moment, Secret};

/// What a pasted text turned out to be.
pub struct Identified {
    /// The secret with everything around it taken off.
    pub secret: Secret,
    /// What was taken off, in words, in the order in which it was.
    pub cleaned: Vec<String>,
    /// What it may be, best first; empty where nothing matches.
    pub candidates: Vec<Candidate>,
}

/// One thing that a secret may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The provider's id.
    pub provider: String,
    /// The kind's id.
    pub kind: String,
    /// The region's id, where the secret itself names one that is trusted.
    pub region: Option<String>,
    /// When it ends, where the secret itself says so.
    pub expires: Option<Moment>,
    /// How sure this is.
    pub confidence: Confidence,
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
    #[error("it holds more than one word, so it is not clear which one is the secret")]
    Several,
    /// An invisible or control character inside; named, since it cannot be seen.
    #[error("it holds {name} at character {position}")]
    Unshowable {
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
pub fn identify(_pasted: &Secret, _catalogue: &Catalogue) -> Result<Identified, PasteError> {
    unimplemented!("spine")
}
