//! Taking secrets out of texts that are about to be shown, kept or logged.
//!
//! Three ways, because each misses what another catches: secrets that are known, in the encodings in which they travel
//! ([`SecretRedactor`]); texts that look like a secret, whoever's it is ([`patterns`]); and members of an answer that hold a
//! fresh secret ([`json_members`]).

mod escapes;
pub mod json_members;
mod line_breaks;
pub mod patterns;

use std::cmp::Reverse;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::{Secret, text::to_hex};

pub use line_breaks::SplitSecretDetector;

/// What stands where a secret was.
pub const MASK: &str = "‹secret›";

/// Shorter pieces are not looked for: they would be found everywhere. So nothing shorter is kept as a secret either.
pub const MIN_SECRET_BYTES: usize = 5;

/// Knows some secrets in all their encodings, and takes them out of texts.
#[derive(Default)]
pub struct SecretRedactor {
    /// The secrets, longest first, so that none is torn by one that is a part of it.
    secrets: Vec<Zeroizing<Box<[u8]>>>,
    /// What they become in encodings that hide every character, longest first; worked out for the first text that has
    /// room for one.
    encoded_secrets: OnceLock<Vec<Zeroizing<String>>>,
}

impl SecretRedactor {
    /// Learns a secret.
    pub fn add_secret(&mut self, secret: &Secret) {
        if secret.len() < MIN_SECRET_BYTES {
            return;
        }
        secret.expose(|bytes| self.secrets.push(Zeroizing::new(bytes.into())));
        self.secrets.sort_by_key(|secret| Reverse(secret.len()));
        self.encoded_secrets = OnceLock::new();
    }

    /// The text without the known secrets and without anything that looks like a secret.
    pub fn redact(&self, text: &str) -> String {
        patterns::mask_patterns(&self.redact_known(text.to_owned()))
    }

    /// The text without the known secrets.
    pub fn redact_known(&self, text: String) -> String {
        let plain = self.secrets.iter().fold(text, |text, secret| mask_escaped(text, secret));
        let room = longest_encodable_run(&plain);
        if self.secrets.iter().all(|secret| min_encoded_bytes(secret) > room) {
            return plain;
        }
        let mask = |text: String, encoded: &Zeroizing<String>| {
            if text.contains(encoded.as_str()) {
                text.replace(encoded.as_str(), MASK)
            } else {
                text
            }
        };
        self.encoded().iter().filter(|encoded| encoded.len() <= room).fold(plain, mask)
    }

    /// Whether one of the known secrets lies in these bytes, as it is or in an encoding. Every encoding is plain ASCII,
    /// which survives being read as text.
    pub fn contains_secret(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        let plain = |secret: &Zeroizing<Box<[u8]>>| {
            bytes.windows(secret.len()).any(|window| *window == ***secret)
        };
        let escaped =
            |secret: &Zeroizing<Box<[u8]>>| escapes::find_escaped(&text, secret).is_some();
        self.secrets.iter().any(|secret| plain(secret) || escaped(secret))
            || self.encoded().iter().any(|encoded| text.contains(encoded.as_str()))
    }

    fn encoded(&self) -> &[Zeroizing<String>] {
        self.encoded_secrets.get_or_init(|| {
            let mut all: Vec<_> =
                self.secrets.iter().flat_map(|secret| encodings(secret)).collect();
            all.sort_by_key(|text| Reverse(text.len()));
            all
        })
    }
}

/// No encoding of a secret is shorter. In base64 three bytes become four characters, of which those at the ends depend on
/// their neighbours and do not count.
fn min_encoded_bytes(secret: &[u8]) -> usize {
    (secret.len() * 4 / 3).saturating_sub(1).max(MIN_SECRET_BYTES)
}

/// How long the longest piece of a text is that could be an encoding: all are one run of letters, digits and a few signs.
/// Every answer is searched for every encoding, and most have no run that is long enough for any.
fn longest_encodable_run(text: &str) -> usize {
    let is_encoded =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    text.as_bytes().split(|byte| !is_encoded(byte)).map(<[u8]>::len).max().unwrap_or_default()
}

/// The text without the secret, as it is or escaped.
fn mask_escaped(text: String, secret: &[u8]) -> String {
    let mut masked = String::new();
    let mut rest = text.as_str();
    while let Some(found) = escapes::find_escaped(rest, secret) {
        masked.push_str(&rest[..found.start]);
        masked.push_str(MASK);
        rest = &rest[found.end..];
    }
    if masked.is_empty() { text } else { masked + rest }
}

/// A secret in hexadecimal digits and in base64.
fn encodings(bytes: &[u8]) -> Vec<Zeroizing<String>> {
    let lower = to_hex(bytes);
    let mut all = vec![lower.to_ascii_uppercase(), lower];
    for standard in (0..3).map(|offset| base64_at(bytes, offset)) {
        if standard.contains(['+', '/']) {
            all.push(standard.replace('+', "-").replace('/', "_"));
        }
        all.push(standard);
    }
    all.retain(|text| text.len() >= MIN_SECRET_BYTES);
    all.into_iter().map(Zeroizing::new).collect()
}

/// The characters of a base64 text that depend on these bytes alone, where `offset` bytes (modulo 3) stand before them.
fn base64_at(bytes: &[u8], offset: usize) -> String {
    let mut padded = Zeroizing::new(vec![0; offset]);
    padded.extend_from_slice(bytes);
    let text = Zeroizing::new(STANDARD_NO_PAD.encode(padded.as_slice()));
    let (first, last) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
    text.get(first..last).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    use super::*;

    fn redactor(secret: &str) -> SecretRedactor {
        let mut redactor = SecretRedactor::default();
        redactor.add_secret(&Secret::from_text(secret.to_owned()));
        redactor
    }

    #[test]
    fn a_text_without_secrets_stays_as_it_is() {
        let text = "GET /rest/orgs?version=2024-10-15 → 200 {\"key\": \"value\"}";
        assert_eq!(redactor("a-known-secret").redact(text), text);
    }

    #[test]
    fn two_known_secrets_do_not_tear_each_other() {
        let mut redactor = redactor("secret-one");
        redactor.add_secret(&Secret::from_text("secret-one-and-more".to_owned()));
        assert_eq!(
            redactor.redact("x secret-one-and-more y secret-one z"),
            format!("x {MASK} y {MASK} z")
        );
    }

    #[test]
    fn no_encoding_is_shorter_than_the_shortest() {
        for length in MIN_SECRET_BYTES..200 {
            let secret = vec![b'a'; length];
            let least = encodings(&secret).iter().map(|text| text.len()).min().unwrap();
            assert!(min_encoded_bytes(&secret) <= least, "{length}: {least}");
        }
    }

    #[test]
    fn the_longest_run_is_that_of_an_encoding() {
        for (text, length) in
            [("", 0), ("{\"a\": 12}", 2), ("é-_é", 2), ("key=ab+/cd==&", 6), ("a", 1)]
        {
            assert_eq!(longest_encodable_run(text), length, "{text}");
        }
    }

    #[test]
    fn very_short_secrets_do_not_destroy_the_text() {
        assert_eq!(redactor("e").redact("these letters"), "these letters");
        assert_eq!(redactor("lett").redact("these letters"), "these letters");
        assert_eq!(redactor("etter").redact("these letters"), format!("these l{MASK}s"));
    }

    #[test]
    fn a_secret_is_found_plain_escaped_and_encoded_and_nowhere_else() {
        let redactor = redactor("se\"cret/42");
        let encoded = STANDARD.encode("se\"cret/42");
        for text in ["x se\"cret/42 y", "{\"a\":\"se\\\"cret\\/42\"}", "se%22cret%2F42", &encoded] {
            assert!(redactor.contains_secret(text.as_bytes()), "{text}");
        }
        for text in ["", "secret/42", "a text without it", "x"] {
            assert!(!redactor.contains_secret(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_encoding_of_a_known_secret_survives(secret in "[ -~]{12,60}", before in "[a-z ]{0,5}", after in "[a-z ]{0,5}") {
            let redactor = redactor(&secret);
            let around = format!("{before}{secret}{after}");
            let json = serde_json::json!({ "k": around }).to_string();
            let form: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("k", &around).finish();
            let mut url = url::Url::parse("https://h.example/").unwrap();
            url.set_query(Some(&around));
            for text in [around.clone(), json, form, to_hex(around.as_bytes()), to_hex(around.as_bytes()).to_uppercase(), url.to_string()] {
                prop_assert!(redactor.redact(&text).contains(MASK), "{}", text);
                prop_assert!(!redactor.redact(&text).contains(&secret));
            }
            for text in [STANDARD.encode(&around), URL_SAFE.encode(&around)] {
                prop_assert!(redactor.redact(&text).contains(MASK), "{}", text);
                prop_assert!(redactor.contains_secret(&[b"\xff\x00", text.as_bytes(), b"\xfe"].concat()), "{}", text);
            }
        }

        #[test]
        fn any_secret_and_any_text_are_survived(secret in proptest::collection::vec(any::<u8>(), 0..40), text in "\\PC{0,80}") {
            let mut redactor = SecretRedactor::default();
            redactor.add_secret(&Secret::new(secret));
            let _ = redactor.redact(&text);
        }
    }
}
