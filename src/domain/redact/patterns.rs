//! Masking of texts that look like a secret of any provider.
//!
//! Start at [`mask_patterns`].
//!
//! Detection of texts that have the shape of a secret, where a text must not contain one.
//!
//! Masking ([`super::patterns`]) must never hide an identifier, so it knows only unmistakable
//! prefixes. A name, a label or an error text needs no identifiers, so more is refused there. Start
//! at [`contains_token`] and [`looks_like_secret`].

use std::ops::Range;

use super::MASK;
use crate::domain::text::is_uuid;

/// Prefixes of secrets.
const SECRET_PREFIXES: [&str; 4] = ["snyk_uat.", "snyk_sat.", "snyk_rt_", "snyk_cs_"];

/// Common start of all prefixes.
const COMMON_PREFIX: &str = "snyk_";

/// Start of a JSON web token: `{"` in base64.
const JWT_PREFIX: &str = "eyJ";

/// Minimum length of a JWT.
const MIN_JWT_BYTES: usize = 40;

/// Masks everything that looks like a token, except the prefix that names its type.
pub fn mask_patterns(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for found in find_patterns(text) {
        masked.extend([&text[done..found.start], MASK]);
        done = found.end;
    }
    masked + &text[done..]
}

/// Finds everything that looks like a token, without the prefix that names its type: ranges in their
/// order, none inside of another.
pub(super) fn find_patterns(text: &str) -> Vec<Range<usize>> {
    if !may_contain_secret(text) {
        return Vec::new();
    }
    let prefixed = SECRET_PREFIXES.iter().flat_map(|prefix| find_prefixed(text, prefix));
    let mut found: Vec<SecretMatch> = prefixed.chain(find_jwts(text)).collect();
    found.sort_by_key(|found| found.start);
    let mut done = 0;
    found.retain(|found| {
        let is_separate = found.start >= done;
        if is_separate {
            done = found.end;
        }
        is_separate
    });
    found.into_iter().map(|found| found.start + found.visible_prefix..found.end).collect()
}

/// Whether the text contains a prefix of a secret. Most texts contain none and need no further
/// search.
pub(super) fn may_contain_secret(text: &str) -> bool {
    text.contains(COMMON_PREFIX) || text.contains(JWT_PREFIX)
}

/// Position of a secret, and the length of the part of it that stays visible.
struct SecretMatch {
    start: usize,
    end: usize,
    visible_prefix: usize,
}

fn find_prefixed(text: &str, prefix: &'static str) -> impl Iterator<Item = SecretMatch> {
    text.match_indices(prefix).filter_map(move |(start, _)| {
        let inner = &text[start + prefix.len()..];
        let length = inner.find(is_secret_end).unwrap_or(inner.len());
        (length > 0).then_some(SecretMatch {
            start,
            end: start + prefix.len() + length,
            visible_prefix: prefix.len(),
        })
    })
}

fn find_jwts(text: &str) -> impl Iterator<Item = SecretMatch> {
    text.match_indices(JWT_PREFIX)
        .filter(|(start, _)| !text[..*start].ends_with(is_base64url))
        .filter_map(|(start, _)| {
            let run =
                text[start..].split(|c| !is_base64url(c) && c != '.').next()?.trim_end_matches('.');
            let parts = run.split('.').filter(|part| !part.is_empty()).count();
            (parts >= 3 && run.len() >= MIN_JWT_BYTES).then_some(SecretMatch {
                start,
                end: start + run.len(),
                visible_prefix: 0,
            })
        })
}

/// Whether a character ends a secret. A client secret may contain unusual characters, so only
/// characters that surely are not part of one count.
fn is_secret_end(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '\'' | '`' | '\\' | '<' | '>' | '&' | '‹' | '›' | '…')
}

fn is_base64url(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_masked_and_its_sort_stays() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJhIn0.c2lnbmF0dXJlc2lnbmF0dXJl";
        for (text, masked) in [
            ("token snyk_uat.abcd1234.eyJoIjoiYSJ9.c2ln.", format!("token snyk_uat.{MASK}")),
            (
                "{\"t\":\"snyk_sat.a.b.c\",\"u\":1}",
                format!("{{\"t\":\"snyk_sat.{MASK}\",\"u\":1}}"),
            ),
            ("a snyk_rt_x^y_v1 b snyk_cs_z_v1", format!("a snyk_rt_{MASK} b snyk_cs_{MASK}")),
            (&format!("Bearer {jwt}, then {jwt}."), format!("Bearer {MASK}, then {MASK}.")),
        ] {
            assert_eq!(mask_patterns(text), masked);
        }
    }

    #[test]
    fn all_prefixes_begin_alike() {
        assert!(SECRET_PREFIXES.iter().all(|prefix| prefix.starts_with(COMMON_PREFIX)));
    }

    #[test]
    fn what_only_resembles_one_stays() {
        for text in [
            "starting_after=v1.eyJpZCI6MX0",
            "eyJ.a.b",
            "tokens begin with snyk_uat. and end",
            "keyJhbGciOiJIUzI1NiJ9",
        ] {
            assert_eq!(mask_patterns(text), text);
        }
    }

    proptest! {
        #[test]
        fn masking_ends_and_masks_once(text in "(snyk_(uat|sat|rt|cs)[._]|eyJ|[a-z.‹›\" ]|\\PC){0,40}") {
            let once = mask_patterns(&text);
            prop_assert_eq!(mask_patterns(&once), once);
        }
    }
}

#[cfg(test)]
mod shape_tests {
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
