//! Client assertions that are signed with a private key (RS256), and the only key pair whose public
//! key the simulator knows.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::SignatureScheme;
use serde_json::Value;

use super::super::clock::{MILLIS_PER_SECOND, UnixMillis};

/// Private key for tests; it was generated for this file and is valid nowhere else.
pub(super) const PRIVATE_KEY: &str = include_str!("sandbox-only-private-key.pem");

/// Its public key: an `RSAPublicKey` in DER, in base64. Every JWKS URL is assumed to lead to this
/// key.
const PUBLIC_KEY: &str = include_str!("sandbox-only-public-key.b64");

/// Returns the client of an assertion, if its signature, audience and time are valid.
pub(super) fn verify_assertion(assertion: &str, audience: &str, now: UnixMillis) -> Option<String> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let claims = decode_json(claims)?;
    let client = claims["sub"].as_str().filter(|client| claims["iss"] == *client)?;
    let fits = decode_json(header)?["alg"] == "RS256"
        && claims["exp"].as_i64()? * MILLIS_PER_SECOND > now
        && audience_matches(&claims["aud"], audience);
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    (fits && has_valid_signature(signed.as_bytes(), &signature)).then(|| client.to_owned())
}

fn decode_json(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn audience_matches(audience: &Value, wanted: &str) -> bool {
    audience == wanted
        || audience.as_array().is_some_and(|list| list.iter().any(|item| item == wanted))
}

fn has_valid_signature(message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = STANDARD.decode(PUBLIC_KEY.trim()) else {
        return false;
    };
    let known = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let of_rs256 =
        known.mapping.iter().filter(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA256);
    of_rs256
        .flat_map(|(_, algorithms)| *algorithms)
        .any(|algorithm| algorithm.verify_signature(&key, message, signature).is_ok())
}
