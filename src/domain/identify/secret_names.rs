//! Names that announce a secret of a vendor: `ACME_SNYK_API_TOKEN`, `snykToken`.
//!
//! The vendors' own variables are in the catalog. Other names only say what their user means, so a
//! value beside one is listed as possible and never imported by itself. Start at
//! [`is_secret_name`].

use crate::domain::provider::ProviderCatalog;

/// Minimum length of a vendor's word: a shorter one would be part of other words.
const MIN_VENDOR_WORD_BYTES: usize = 4;

/// Words that say that a name means a secret.
const SECRET_WORDS: [&str; 5] = ["token", "key", "api", "secret", "pat"];

/// Last words of names that mean something beside a secret.
const OTHER_LAST_WORDS: [&str; 12] = [
    "id", "org", "group", "project", "url", "endpoint", "host", "hostname", "file", "path", "name",
    "version",
];

/// Word of a vendor in the names of variables, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorWord {
    /// The word, such as `snyk`.
    pub word: String,
    /// ID of the vendor's main provider.
    pub provider: String,
}

/// Returns the vendors' words: the beginnings of the variables of their secrets.
pub fn vendor_words(catalog: &ProviderCatalog) -> Vec<VendorWord> {
    let mut found: Vec<VendorWord> = Vec::new();
    for provider in catalog.providers() {
        for kind in provider.kinds.iter() {
            let word = kind.secret_variable().split('_').next().unwrap_or_default();
            let word = word.to_ascii_lowercase();
            if word.len() < MIN_VENDOR_WORD_BYTES || word == "token" {
                continue;
            }
            match found.iter_mut().find(|known| known.word == word) {
                Some(known) if known.provider.len() > provider.id.len() => {
                    known.provider.clone_from(&provider.id);
                }
                Some(_) => {}
                None => found.push(VendorWord { word, provider: provider.id.clone() }),
            }
        }
    }
    found
}

/// Whether a name contains the vendor's word and a word for a secret. The case does not count, and
/// words may be joined.
pub fn is_secret_name(name: &str, vendor: &str) -> bool {
    // First what is cheap: a scan asks for every word.
    let same = |part: &[u8]| part.eq_ignore_ascii_case(vendor.as_bytes());
    if !name.as_bytes().windows(vendor.len()).any(same) {
        return false;
    }
    let words = name_words(name);
    let says_secret = |word: &String| {
        SECRET_WORDS.iter().any(|known| match *known {
            "secret" | "pat" => word == known,
            known => word.ends_with(known),
        })
    };
    words.iter().any(says_secret)
        && !words.last().is_some_and(|last| OTHER_LAST_WORDS.contains(&last.as_str()))
}

/// Splits a name at everything that is no letter or digit, and before each capital letter after a
/// small one.
fn name_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || after_small && c.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        after_small = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin_catalog;

    #[test]
    fn the_vendors_are_known_by_their_own_variables() {
        let mut words: Vec<_> = vendor_words(builtin_catalog())
            .into_iter()
            .map(|VendorWord { word, provider }| format!("{word} {provider}"))
            .collect();
        words.sort();
        assert_eq!(words, ["appcircle appcircle", "probely snyk-api-web", "snyk snyk"]);
    }

    #[test]
    fn a_name_with_the_vendors_word_and_a_secrets_word_is_known() {
        for name in [
            "MY_SNYK_KEY",
            "ACME_SNYK_API_TOKEN",
            "SNYK_CFG_API",
            "SNYK_API",
            "snykToken",
            "snyktoken",
            "TF_VAR_snyk_token",
            "snyk.token",
            "snyk-api-key",
            "SNYK_PAT",
            "SNYK_TOKEN_2",
            "SnykApiKeyProd",
        ] {
            assert!(is_secret_name(name, "snyk"), "{name}");
        }
        for name in [
            "SNYK_CFG_ORG",
            "SNYK_API_URL",
            "SNYK_TOKEN_FILE",
            "SNYK_API_ORG_ID",
            "snykVersion",
            "SNYK_CLI_PATH",
            "MY_TOKEN",
            "API_KEY",
            "SNYK_SEVERITY",
            "",
        ] {
            assert!(!is_secret_name(name, "snyk"), "{name}");
        }
    }
}
