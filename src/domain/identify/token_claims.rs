//! What a token says about itself. Nothing here is verified, so everything is a hint.

use base64::Engine as _;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::domain::Timestamp;

/// The longest id that is taken from a token.
const MAX_ID_BYTES: usize = 64;

/// Base64url with or without padding, since issuers differ.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The claims of a token.
#[derive(Default)]
pub(super) struct TokenClaims(Map<String, Value>);

impl TokenClaims {
    /// Reads the claims in one part of a token; `None` if it is not a base64url-encoded JSON object.
    pub(super) fn decode(part: &str) -> Option<Self> {
        let json = Zeroizing::new(BASE64URL.decode(part).ok()?);
        serde_json::from_slice(&json).ok().map(Self)
    }

    /// Whether the claim is there.
    pub(super) fn contains(&self, claim: &str) -> bool {
        self.0.contains_key(claim)
    }

    /// The texts of a claim that is a text or a list of texts.
    pub(super) fn strings<'a>(&'a self, claim: &str) -> Vec<&'a str> {
        match self.0.get(claim) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The moment of a claim in seconds since 1970.
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

    /// The id in a claim, if it looks like an id and like nothing else.
    pub(super) fn id(&self, claim: &str) -> Option<String> {
        let id = self.0.get(claim)?.as_str()?;
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        (plain && !id.is_empty() && id.len() <= MAX_ID_BYTES).then(|| id.to_owned())
    }
}

/// Whether the text is base64 with its padding, in the common or the URL alphabet, and long enough to be a secret.
pub(super) fn is_base64(text: &str) -> bool {
    text.len() >= 20
        && (general_purpose::STANDARD.decode(text).is_ok()
            || general_purpose::URL_SAFE.decode(text).is_ok())
}
