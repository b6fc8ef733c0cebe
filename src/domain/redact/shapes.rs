//! Texts that look like a secret, whoever's it is.

use super::MASK;

/// What certain secrets begin with.
const PREFIXES: [&str; 4] = ["snyk_uat.", "snyk_sat.", "snyk_rt_", "snyk_cs_"];

/// What a JSON web token begins with: `{"` in base64.
const JWT: &str = "eyJ";

/// A JWT's parts together are never shorter than this.
const SHORTEST_JWT: usize = 40;

/// The text with everything that looks like a token masked; what a prefix says about its kind stays.
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = first(rest) {
        masked.push_str(&rest[..found.start]);
        masked.push_str(found.kept);
        masked.push_str(MASK);
        rest = &rest[found.end..];
    }
    masked + rest
}

/// Where a secret lies, and the part of it that may stay.
struct Found {
    start: usize,
    end: usize,
    kept: &'static str,
}

/// The secret that begins first.
fn first(text: &str) -> Option<Found> {
    let prefixed = PREFIXES.iter().filter_map(|prefix| {
        text.match_indices(prefix).find_map(|(start, _)| {
            let length = text[start + prefix.len()..].find(ends_a_secret).unwrap_or(text.len() - start - prefix.len());
            let end = start + prefix.len() + length;
            (length > 0 && !text[start..end].ends_with(MASK)).then_some(Found { start, end, kept: prefix })
        })
    });
    prefixed.chain(jwt(text)).min_by_key(|found| found.start)
}

fn jwt(text: &str) -> Option<Found> {
    text.match_indices(JWT).find_map(|(start, _)| {
        let end = text[start..].find(|c| !is_base64url(c) && c != '.').map_or(text.len(), |length| start + length);
        let end = start + text[start..end].trim_end_matches('.').len();
        let begins = !text[..start].ends_with(is_base64url);
        let parts = text[start..end].split('.').filter(|part| !part.is_empty()).count();
        (begins && parts >= 3 && end - start >= SHORTEST_JWT).then_some(Found { start, end, kept: "" })
    })
}

/// A client secret may hold odd characters, so a secret goes on until something that surely is not part of one.
fn ends_a_secret(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '\\' | '<' | '>' | '&' | '‹' | '›' | '…')
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
            ("{\"t\":\"snyk_sat.a.b.c\",\"u\":1}", format!("{{\"t\":\"snyk_sat.{MASK}\",\"u\":1}}")),
            ("a snyk_rt_x^y_v1 b snyk_cs_z_v1", format!("a snyk_rt_{MASK} b snyk_cs_{MASK}")),
            (&format!("Bearer {jwt}, then"), format!("Bearer {MASK}, then")),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn what_only_resembles_one_stays() {
        for text in ["starting_after=v1.eyJpZCI6MX0", "eyJ.a.b", "tokens begin with snyk_uat. and end", "keyJhbGciOiJIUzI1NiJ9"] {
            assert_eq!(mask(text), text);
        }
    }

    proptest! {
        #[test]
        fn masking_ends_and_masks_once(text in "(snyk_(uat|sat|rt|cs)[._]|eyJ|[a-z.‹›\" ]|\\PC){0,40}") {
            let once = mask(&text);
            prop_assert_eq!(mask(&once), once);
        }
    }
}
