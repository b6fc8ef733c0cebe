//! Claims of access tokens (JSON Web Tokens).
//!
//! Start reading at [`AccessTokenClaims`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::domain::{Secret, Timestamp};

/// Claims of an access token. The signature is not verified: the claims are for explanations, not
/// for trust.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessTokenClaims(Map<String, Value>);

impl AccessTokenClaims {
    /// Decodes the claims of a JSON Web Token; the result is empty for other tokens.
    pub fn from_token(token: &Secret) -> Self {
        Self(token.expose(decode_claims).unwrap_or_default())
    }

    /// Returns the value of a text claim.
    pub fn string_claim(&self, claim: &str) -> Option<&str> {
        self.0.get(claim).and_then(Value::as_str)
    }

    /// Returns the time at which the token expires.
    pub fn expires(&self) -> Option<Timestamp> {
        Timestamp::from_unix_timestamp(self.0.get("exp").and_then(parse_seconds)?).ok()
    }

    /// Returns the audience of the token: at Snyk, the API host of its region.
    pub fn audience(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// Parses an integer number of seconds, including integers that are written as a float or a string.
pub(in crate::net) fn parse_seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().and_then(|float| format!("{float:.0}").parse().ok())),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn decode_claims(token: &[u8]) -> Option<Map<String, Value>> {
    let mut parts = token.split(|byte| *byte == b'.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload.trim_ascii_end()).ok()?);
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(payload: &str) -> AccessTokenClaims {
        AccessTokenClaims::from_token(&Secret::from_text(format!(
            "e30.{}.c2ln",
            URL_SAFE_NO_PAD.encode(payload)
        )))
    }

    #[test]
    fn the_end_is_read_however_it_is_written() {
        let end = Timestamp::from_unix_timestamp(1_800_000_000).ok();
        for exp in ["1800000000", "1800000000.0", "\"1800000000\""] {
            assert_eq!(claims(&format!("{{\"exp\":{exp}}}")).expires(), end, "{exp}");
        }
        assert_eq!(claims("{\"exp\":1e300}").expires(), None);
    }

    #[test]
    fn an_audience_is_one_or_many() {
        assert_eq!(claims(r#"{"aud":"https://a.example"}"#).audience(), ["https://a.example"]);
        assert_eq!(claims(r#"{"aud":["a","b"]}"#).audience(), ["a", "b"]);
    }

    #[test]
    fn what_is_no_token_has_no_claims() {
        for text in ["", "a.b", "a.b.c.d", "e30.!!.x", "e30.W10.x"] {
            assert_eq!(
                AccessTokenClaims::from_token(&Secret::from_text(text.to_owned())),
                AccessTokenClaims::default(),
                "{text}"
            );
        }
    }
}
