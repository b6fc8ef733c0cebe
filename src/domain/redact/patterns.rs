//! Masking of texts that look like a secret of any provider.
//!
//! Start at [`mask_patterns`].

use std::ops::Range;

use super::MASK;

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
