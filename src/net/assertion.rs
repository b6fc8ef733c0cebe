//! Client assertions (RFC 7523): a service account proves itself by a signature (RS256) instead of a secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::Signer;
use serde_json::json;
use time::Duration;

use super::exchange::ExchangeError;
use crate::domain::response::ApiResponse;
use crate::domain::{Secret, Timestamp, rate_limit, text};

/// The value of `client_assertion_type`, the only one that there is.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion may be used: as long as Snyk's documents say.
const LIFETIME: Duration = Duration::minutes(5);

/// How far two clocks may differ before a refusal is laid to it.
const TOLERANCE: Duration = Duration::minutes(1);

/// What is said under a signature.
pub(super) struct Assertion<'a> {
    /// Who says it.
    pub(super) client_id: &'a str,
    /// Which of the client's keys it is signed with, where it has several.
    pub(super) key_id: Option<&'a str>,
    /// To whom: the whole URL of the token endpoint.
    pub(super) audience: String,
    /// When.
    pub(super) now: Timestamp,
}

impl Assertion<'_> {
    /// The assertion, signed with a private RSA key in PEM.
    pub(super) fn sign(&self, key: &Secret) -> Result<Secret, ExchangeError> {
        let message = format!("{}.{}", encode(&self.header()), encode(&self.claims()?));
        let signature = signer(key)?.sign(message.as_bytes()).map_err(unusable)?;
        Ok(Secret::from_text(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }

    fn header(&self) -> serde_json::Value {
        match self.key_id {
            Some(id) => json!({"alg": "RS256", "typ": "JWT", "kid": id}),
            None => json!({"alg": "RS256", "typ": "JWT"}),
        }
    }

    /// The id keeps an assertion from being used twice.
    fn claims(&self) -> Result<serde_json::Value, ExchangeError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(unusable)?;
        let (issued, ends) = (self.now.unix_timestamp(), (self.now + LIFETIME).unix_timestamp());
        Ok(
            json!({"iss": self.client_id, "sub": self.client_id, "aud": self.audience, "jti": text::to_hex(&id), "iat": issued, "exp": ends}),
        )
    }
}

/// Whether the secret is a private key to sign with rather than a password to send.
pub(super) fn is_key(secret: &Secret) -> bool {
    secret.expose(|bytes| bytes.trim_ascii_start().starts_with(b"-----BEGIN "))
}

/// What time it is at the provider, where its answer shows that this machine's clock is off.
pub(super) fn their_time(answer: &ApiResponse, now: Timestamp) -> Option<Timestamp> {
    let theirs = answer.header("date").and_then(rate_limit::parse_http_date)?;
    ((theirs - now).abs() > TOLERANCE).then_some(theirs)
}

fn signer(key: &Secret) -> Result<Box<dyn Signer>, ExchangeError> {
    let key = key.expose(PrivateKeyDer::from_pem_slice).map_err(unusable)?;
    let key = any_supported_type(&key).map_err(unusable)?;
    key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or_else(|| ExchangeError::Key("it is no RSA key".to_owned()))
}

fn unusable(error: impl std::fmt::Display) -> ExchangeError {
    ExchangeError::Key(error.to_string())
}

fn encode(value: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Timestamp = time::macros::datetime!(2026-11-22 10:00 UTC);

    fn assertion(key_id: Option<&str>) -> Assertion<'_> {
        Assertion { client_id: "client", key_id, audience: "https://api.example/oauth2/token".to_owned(), now: MOMENT }
    }

    #[test]
    fn claims_and_header_are_the_documented_ones() {
        let claims = assertion(None).claims().unwrap();
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("client"), &json!("client")));
        assert_eq!(claims["aud"], "https://api.example/oauth2/token");
        assert_eq!(claims["exp"].as_i64().unwrap() - MOMENT.unix_timestamp(), 300);
        assert_ne!(claims["jti"], assertion(None).claims().unwrap()["jti"]);
        assert_eq!(assertion(Some("k1")).header()["kid"], "k1");
        assert_eq!(assertion(None).header().get("kid"), None);
    }

    #[test]
    fn what_is_no_rsa_key_is_told_without_showing_it() {
        for key in ["-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", "-----BEGIN nonsense", "plain"] {
            let error = assertion(None).sign(&Secret::from_text(key.to_owned())).err().unwrap();
            assert!(matches!(&error, ExchangeError::Key(why) if !why.contains("c2Vj") && !why.contains("secret")), "{error}");
        }
    }

    #[test]
    fn a_key_is_told_from_a_password() {
        assert!(is_key(&Secret::from_text("\n-----BEGIN RSA PRIVATE KEY-----".to_owned())));
        assert!(!is_key(&Secret::from_text("snyk_cs_abc_v1".to_owned())));
    }
}
