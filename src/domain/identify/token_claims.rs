//! Claims inside a token, such as a JSON Web Token. No signature is verified: claims are for hints and
//! explanations, not for trust. Start at [`TokenClaims`].
//!
//! Extraction of a secret from a JSON text: a string, or the only member of an object whose name
//! suggests a secret.

use base64::Engine as _;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::PasteError;
use super::unwrap::{UnwrapStep, is_secret_name};
use crate::domain::{Secret, Timestamp};

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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenClaims(Map<String, Value>);

impl TokenClaims {
    /// Decodes the claims of a JSON Web Token; the result is empty for other tokens.
    pub fn from_jwt(token: &Secret) -> Self {
        let payload = |token: &[u8]| {
            let mut parts = token.split(|byte| *byte == b'.').skip(1);
            let (payload, _signature) = (parts.next()?, parts.next()?);
            parts.next().is_none().then(|| Self::decode(payload)).flatten()
        };
        token.expose(payload).unwrap_or_default()
    }

    /// Decodes the claims in one part of a token; returns `None` unless the part is a
    /// base64url-encoded JSON object.
    pub(super) fn decode(part: impl AsRef<[u8]>) -> Option<Self> {
        let json = Zeroizing::new(BASE64URL.decode(part).ok()?);
        serde_json::from_slice(&json).ok().map(Self)
    }

    /// Whether the claim exists.
    pub(super) fn contains(&self, claim: &str) -> bool {
        self.0.contains_key(claim)
    }

    /// Returns the value of a text claim.
    pub fn string(&self, claim: &str) -> Option<&str> {
        self.0.get(claim).and_then(Value::as_str)
    }

    /// Returns the strings of a claim that is a string or a list of strings, such as `aud`.
    pub fn strings(&self, claim: &str) -> Vec<&str> {
        match self.0.get(claim) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the time in a claim that counts seconds since 1970, such as `exp`.
    pub fn timestamp(&self, claim: &str) -> Option<Timestamp> {
        Timestamp::from_unix_timestamp(self.0.get(claim).and_then(parse_seconds)?).ok()
    }

    /// Returns the ID in a claim, if it has only characters that an ID may have.
    pub(super) fn id(&self, claim: &str) -> Option<String> {
        let id = self.0.get(claim)?.as_str()?;
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        (plain && !id.is_empty() && id.len() <= MAX_ID_BYTES).then(|| id.to_owned())
    }
}

/// Parses an integer number of seconds, including integers that are written as a float or a string.
pub fn parse_seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().and_then(|float| format!("{float:.0}").parse().ok())),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether the text is base64 with padding, in the standard or the URL alphabet, and long enough
/// for a secret.
pub(super) fn is_base64(text: &str) -> bool {
    text.len() >= 20
        && (general_purpose::STANDARD.decode(text).is_ok()
            || general_purpose::URL_SAFE.decode(text).is_ok())
}

/// All strings of a JSON text, each with the name of its member.
#[derive(Default)]
struct JsonStrings(Vec<(String, Zeroizing<String>)>);

/// Extracts the secret from a JSON object, array or escaped string.
pub(super) fn unwrap_json(text: &str) -> Result<Option<UnwrapStep>, PasteError> {
    let escaped = text.starts_with('"') && text.contains('\\');
    if !text.starts_with(['{', '[']) && !escaped {
        return Ok(None);
    }
    let Ok(strings) = serde_json::from_str::<JsonStrings>(text) else { return Ok(None) };
    let rest = strings.into_secret()?;
    Ok(Some(UnwrapStep {
        rest,
        what: if escaped { "surrounding quotes and escapes" } else { "surrounding JSON" },
    }))
}

impl JsonStrings {
    /// Returns the only string whose name suggests a secret, or the only string at all.
    fn into_secret(mut self) -> Result<Zeroizing<String>, PasteError> {
        if self.0.len() > 1 {
            self.0.retain(|(name, value)| is_secret_name(name) && !value.is_empty());
            self.0.dedup_by(|a, b| a.1.as_str() == b.1.as_str());
        }
        match self.0.pop() {
            None => Err(PasteError::Empty),
            Some(_) if !self.0.is_empty() => Err(PasteError::Ambiguous),
            Some((_, secret)) => Ok(secret),
        }
    }
}

impl<'de> Deserialize<'de> for JsonStrings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StringVisitor)
    }
}

/// Serde visitor that walks any JSON value and collects its strings.
struct StringVisitor;

impl<'de> Visitor<'de> for StringVisitor {
    type Value = JsonStrings;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<JsonStrings, E> {
        Ok(JsonStrings(vec![(String::new(), Zeroizing::new(text.to_owned()))]))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonStrings, A::Error> {
        let mut all = JsonStrings::default();
        while let Some((name, inner)) = map.next_entry::<String, JsonStrings>()? {
            for (inner_name, value) in inner.0 {
                let name = if inner_name.is_empty() { name.clone() } else { inner_name };
                all.0.push((name, value));
            }
        }
        Ok(all)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonStrings, A::Error> {
        let mut all = JsonStrings::default();
        while let Some(inner) = seq.next_element::<JsonStrings>()? {
            all.0.extend(inner.0);
        }
        Ok(all)
    }

    fn visit_bool<E>(self, _: bool) -> Result<JsonStrings, E> {
        Ok(JsonStrings::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<JsonStrings, E> {
        Ok(JsonStrings::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<JsonStrings, E> {
        Ok(JsonStrings::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<JsonStrings, E> {
        Ok(JsonStrings::default())
    }

    fn visit_unit<E>(self) -> Result<JsonStrings, E> {
        Ok(JsonStrings::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(payload: &str) -> TokenClaims {
        TokenClaims::from_jwt(&Secret::from_text(format!(
            "e30.{}.c2ln",
            general_purpose::URL_SAFE_NO_PAD.encode(payload)
        )))
    }

    #[test]
    fn the_end_is_read_however_it_is_written() {
        let end = Timestamp::from_unix_timestamp(1_800_000_000).ok();
        for exp in ["1800000000", "1800000000.0", "\"1800000000\""] {
            assert_eq!(claims(&format!("{{\"exp\":{exp}}}")).timestamp("exp"), end, "{exp}");
        }
        assert_eq!(claims("{\"exp\":1e300}").timestamp("exp"), None);
    }

    #[test]
    fn an_audience_is_one_or_many() {
        assert_eq!(claims(r#"{"aud":"https://a.example"}"#).strings("aud"), ["https://a.example"]);
        assert_eq!(claims(r#"{"aud":["a","b"]}"#).strings("aud"), ["a", "b"]);
    }

    #[test]
    fn what_is_no_token_has_no_claims() {
        for text in ["", "a.b", "a.b.c.d", "e30.!!.x", "e30.W10.x"] {
            assert_eq!(
                TokenClaims::from_jwt(&Secret::from_text(text.to_owned())),
                TokenClaims::default(),
                "{text}"
            );
        }
    }
}
