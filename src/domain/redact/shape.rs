//! Detection of texts that have the shape of a secret, where a text must not contain one.
//!
//! Masking ([`super::patterns`]) must never hide an identifier, so it knows only unmistakable
//! prefixes. A name, a label or an error text needs no identifiers, so more is refused there. Start
//! at [`contains_token`] and [`looks_like_secret`].

use super::patterns::mask_patterns;
use crate::domain::text::is_uuid;

/// End of the first line of a private key.
const PRIVATE_KEY_MARK: &str = "PRIVATE KEY-----";

/// Minimum length of a word that can be random.
const MIN_RANDOM_CHARS: usize = 20;

/// Minimum number of changes between letters and digits in a random word. Words of a language with
/// a date or a version have fewer.
const MIN_RANDOM_CHANGES: usize = 4;

/// Whether a text contains an unmistakable secret: a token with a known prefix, a JSON web token or
/// a private key.
pub fn contains_token(text: &str) -> bool {
    text.contains(PRIVATE_KEY_MARK) || mask_patterns(text) != text
}

/// Whether a text contains a word that may be a secret: what [`contains_token`] finds, a UUID (as a
/// Snyk API token is), or a long random word. Identifiers can look the same.
pub fn looks_like_secret(text: &str) -> bool {
    contains_token(text) || secret_words(text).next().is_some()
}

/// Returns the words of a text that may be secrets.
pub fn secret_words(text: &str) -> impl Iterator<Item = &str> {
    let is_separator = |c: char| c.is_whitespace() || matches!(c, '=' | ',' | ':' | '"' | '\'');
    text.split(is_separator).filter(|word| contains_token(word) || is_uuid(word) || is_random(word))
}

/// Whether a part of the word looks random. Paths are not searched: folders can have random names.
fn is_random(word: &str) -> bool {
    let mut parts = word.split(|c: char| !c.is_ascii_alphanumeric());
    !word.contains('/')
        && parts.any(|part| {
            let pairs = part.as_bytes().windows(2);
            let changes =
                pairs.filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
            part.len() >= MIN_RANDOM_CHARS && changes >= MIN_RANDOM_CHANGES
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJhIn0.c2lnbmF0dXJlc2lnbmF0dXJl";

    #[test]
    fn secrets_are_recognized_within_a_text() {
        for text in [
            "snyk_uat.1a2b3c4d.eyJoIjoiYSJ9.c2ln",
            "ci snyk_sat.a.b.c",
            JWT,
            "-----BEGIN PRIVATE KEY-----",
            "0000abcd-0000-4000-8000-000000001234",
            "token=0000abcd-0000-4000-8000-000000001234",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "glpat-x7Kd92mQp4Zt81vLw3Yb",
        ] {
            assert!(looks_like_secret(text), "{text}");
        }
        assert!(!contains_token("0000abcd-0000-4000-8000-000000001234"));
        assert!(contains_token(JWT));
    }

    #[test]
    fn names_and_paths_are_not_secrets() {
        for text in [
            "ci-scanner",
            "ServiceAccountTokenProductionEurope",
            "appsec-bot-2026-11-30-eu-01",
            "release20261130candidate2",
            "projects-0000abcd-0000-4000-8000-000000001234-token",
            "/nix/store/0c7w9aj3k5l1q8z2x4v6b/config.toml",
            "snyk_uat.",
            "",
        ] {
            assert!(!looks_like_secret(text), "{text}");
        }
    }
}
