//! Client assertions (RFC 7523): a service account authenticates with a signature (RS256) instead
//! of a secret.
//!
//! Start reading at [`ClientAssertion`]. Sending the assertion belongs to `oauth`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::Signer;
use serde_json::json;
use time::Duration;

use super::exchange::TokenExchangeError;
use crate::domain::response::ApiResponse;
use crate::domain::{Secret, Timestamp, rate_limit};
use crate::util::hex;

/// Value of `client_assertion_type`; RFC 7523 defines only this one.
pub(in crate::net) const ASSERTION_TYPE: &str =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Lifetime of an assertion, as documented by Snyk.
const ASSERTION_LIFETIME: Duration = Duration::minutes(5);

/// Clock difference above which a rejection is attributed to the clock.
const MAX_CLOCK_SKEW: Duration = Duration::minutes(1);

/// Claims of a client assertion before they are signed.
pub(in crate::net) struct ClientAssertion<'a> {
    /// Client ID of the issuer.
    pub(in crate::net) client_id: &'a str,
    /// ID of the signing key, if the client has several keys.
    pub(in crate::net) key_id: Option<&'a str>,
    /// Audience: the full URL of the token endpoint.
    pub(in crate::net) audience: String,
    /// Time of issue.
    pub(in crate::net) now: Timestamp,
}

impl ClientAssertion<'_> {
    /// Returns the assertion, signed with a private RSA key in PEM format.
    pub(in crate::net) fn sign(&self, key: &Secret) -> Result<Secret, TokenExchangeError> {
        let message =
            format!("{}.{}", encode_segment(&self.header()), encode_segment(&self.claims()?));
        let signature = parse_signer(key)?.sign(message.as_bytes()).map_err(invalid_key)?;
        Ok(Secret::from_text(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }

    fn header(&self) -> serde_json::Value {
        match self.key_id {
            Some(id) => json!({"alg": "RS256", "typ": "JWT", "kid": id}),
            None => json!({"alg": "RS256", "typ": "JWT"}),
        }
    }

    /// Returns the claims. Their random ID prevents a replay of the assertion.
    fn claims(&self) -> Result<serde_json::Value, TokenExchangeError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(invalid_key)?;
        let (issued, expires) =
            (self.now.unix_timestamp(), (self.now + ASSERTION_LIFETIME).unix_timestamp());
        Ok(
            json!({"iss": self.client_id, "sub": self.client_id, "aud": self.audience, "jti": hex::to_hex(&id), "iat": issued, "exp": expires}),
        )
    }
}

/// Whether the secret is a private key for signing, not a password to send.
pub(in crate::net) fn is_private_key(secret: &Secret) -> bool {
    secret.expose(|bytes| bytes.trim_ascii_start().starts_with(b"-----BEGIN "))
}

/// Returns the provider's time from its response, if this machine's clock differs too much from it.
pub(in crate::net) fn skewed_provider_time(
    response: &ApiResponse,
    now: Timestamp,
) -> Option<Timestamp> {
    let provider_time = response.header("date").and_then(rate_limit::parse_http_date)?;
    ((provider_time - now).abs() > MAX_CLOCK_SKEW).then_some(provider_time)
}

fn parse_signer(key: &Secret) -> Result<Box<dyn Signer>, TokenExchangeError> {
    let key = key.expose(PrivateKeyDer::from_pem_slice).map_err(invalid_key)?;
    let key = any_supported_type(&key).map_err(invalid_key)?;
    key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
        .ok_or_else(|| TokenExchangeError::InvalidPrivateKey("not an RSA key".to_owned()))
}

fn invalid_key(error: impl std::fmt::Display) -> TokenExchangeError {
    TokenExchangeError::InvalidPrivateKey(error.to_string())
}

fn encode_segment(value: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Timestamp = time::macros::datetime!(2026-11-22 10:00 UTC);

    fn assertion(key_id: Option<&str>) -> ClientAssertion<'_> {
        ClientAssertion {
            client_id: "client",
            key_id,
            audience: "https://api.example/oauth2/token".to_owned(),
            now: MOMENT,
        }
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
    fn what_is_no_rsa_key_is_reported_without_showing_it() {
        for key in [
            "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
            "-----BEGIN nonsense",
            "plain",
        ] {
            let error = assertion(None).sign(&Secret::from_text(key.to_owned())).err().unwrap();
            assert!(
                matches!(&error, TokenExchangeError::InvalidPrivateKey(why) if !why.contains("c2Vj") && !why.contains("secret")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_key_is_distinguished_from_a_password() {
        assert!(is_private_key(&Secret::from_text("\n-----BEGIN RSA PRIVATE KEY-----".to_owned())));
        assert!(!is_private_key(&Secret::from_text("snyk_cs_abc_v1".to_owned())));
    }
}
