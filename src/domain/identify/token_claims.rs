//! Claims inside a token. Nothing here is verified, so every claim is only a hint.

use base64::Engine as _;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::domain::Timestamp;

/// Maximum length of an ID from a token, in bytes.
const MAX_ID_BYTES: usize = 64;

/// Base64url with or without padding, since issuers differ.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Claims of a token.
#[derive(Default)]
pub(super) struct TokenClaims(Map<String, Value>);

impl TokenClaims {
    /// Decodes the claims in one part of a token; returns `None` unless the part is a
    /// base64url-encoded JSON object.
    pub(super) fn decode(part: &str) -> Option<Self> {
        let json = Zeroizing::new(BASE64URL.decode(part).ok()?);
        serde_json::from_slice(&json).ok().map(Self)
    }

    /// Whether the claim exists.
    pub(super) fn contains(&self, claim: &str) -> bool {
        self.0.contains_key(claim)
    }

    /// Returns the strings of a claim that is a string or a list of strings.
    pub(super) fn strings<'a>(&'a self, claim: &str) -> Vec<&'a str> {
        match self.0.get(claim) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the time in a claim that counts seconds since 1970.
    pub(super) fn timestamp(&self, claim: &str) -> Option<Timestamp> {
        let seconds = self.0.get(claim)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "fractions of a second do not matter, and casts saturate"
        )]
        let seconds =
            seconds.as_i64().or_else(|| seconds.as_f64().map(|fraction| fraction as i64))?;
        Timestamp::from_unix_timestamp(seconds).ok()
    }

    /// Returns the ID in a claim, if it has only characters that an ID may have.
    pub(super) fn id(&self, claim: &str) -> Option<String> {
        let id = self.0.get(claim)?.as_str()?;
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        (plain && !id.is_empty() && id.len() <= MAX_ID_BYTES).then(|| id.to_owned())
    }
}

/// Whether the text is base64 with padding, in the standard or the URL alphabet, and long enough
/// for a secret.
pub(super) fn is_base64(text: &str) -> bool {
    text.len() >= 20
        && (general_purpose::STANDARD.decode(text).is_ok()
            || general_purpose::URL_SAFE.decode(text).is_ok())
}
