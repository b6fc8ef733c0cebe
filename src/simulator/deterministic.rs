//! Deterministic stand-ins for random data, derived by SHA-256 from a label, so that every start
//! has the same data.
//!
//! The secrets have the real format and are obviously fake.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::util::hex::to_hex;

const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Returns a version 4 UUID.
pub(super) fn uuid(label: &str) -> String {
    let hex = to_hex(&digest(label));
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// Returns a UUID that serves as a secret: it starts with `fa4e`, the closest to "fake" in
/// hexadecimal.
pub(super) fn secret_uuid(label: &str) -> String {
    format!("fa4e{}", &uuid(label)[4..])
}

/// Returns an identifier in the format of Snyk's personal access tokens.
pub(super) fn ulid(label: &str) -> String {
    format!("01{}", encode_letters(label, CROCKFORD, 24))
}

/// Returns a 12-character identifier in the format of Snyk API & Web.
pub(super) fn base58(label: &str) -> String {
    encode_letters(label, BASE58, 12)
}

/// Returns `snyk_<family>_fake-…_v1`: an OAuth client secret (`cs`) or refresh token (`rt`).
pub(super) fn snyk_secret(family: &str, label: &str) -> String {
    format!("snyk_{family}_fake-{}_v1", URL_SAFE_NO_PAD.encode(digest(label)))
}

/// Returns `<prefix>.<8 characters>.<claims>.<signature>`, the format of Snyk's personal and
/// service-account access tokens.
pub(super) fn snyk_token(prefix: &str, claims: &Value) -> String {
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    let id = encode_letters(&claims, BASE36, 4);
    format!("{prefix}.fake{id}.{claims}.{}", URL_SAFE_NO_PAD.encode(digest(&claims)))
}

/// Returns a JSON Web Token that is signed with a public, fixed key.
pub(super) fn jwt(claims: &Value) -> String {
    let body = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = Hmac::<Sha256>::new_from_slice(b"fake")
        .map(|mac| mac.chain_update(&body).finalize().into_bytes());
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature.unwrap_or_default()))
}

/// Returns Base64 with padding, the format of Appcircle's keys.
pub(super) fn padded_base64(label: &str) -> String {
    STANDARD.encode(&digest(label)[..31])
}

/// Returns the SHA-256 of a text in hexadecimal.
pub(super) fn sha256_hex(text: &str) -> String {
    to_hex(&digest(text))
}

/// Returns the PKCE challenge (S256) of a verifier.
pub(super) fn pkce_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(verifier))
}

fn encode_letters(label: &str, alphabet: &[u8], length: usize) -> String {
    digest(label)
        .iter()
        .cycle()
        .take(length)
        .map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]))
        .collect()
}

fn digest(label: &str) -> [u8; 32] {
    Sha256::digest(label).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_the_documented_ones() {
        let uuid = secret_uuid("x");
        assert_eq!(uuid.len(), 36);
        assert_eq!((&uuid[..4], &uuid[14..15], &uuid[19..20]), ("fa4e", "4", "a"));
        assert_eq!(ulid("x").len(), 26);
        assert_eq!(base58("x").len(), 12);
        assert_eq!(
            snyk_token("snyk_uat", &Value::Null)
                .split('.')
                .map(str::len)
                .take(2)
                .collect::<Vec<_>>(),
            [8, 8]
        );
        assert!(padded_base64("x").ends_with('='));
    }

    #[test]
    fn the_same_label_gives_the_same_text() {
        assert_eq!(uuid("a"), uuid("a"));
        assert_ne!(uuid("a"), uuid("b"));
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(pkce_challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
