//! Removal of secrets from texts before they are shown, stored or logged.
//!
//! Four methods complement each other: known secrets in every encoding ([`SecretRedactor`]), texts
//! that look like a secret of any provider ([`patterns`]), members of a response that contain a new
//! secret ([`json_members`]), and known secrets in the output of a program, also in color, in pieces
//! and in dumps ([`OutputScanner`]). Start at [`SecretRedactor::redact`].

mod byte_dump;
mod escapes;
mod fragments;
pub mod json_members;
mod mapped_text;
mod output_scan;
pub mod patterns;
pub mod shape;

use std::cmp::Reverse;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::Secret;
use crate::util::hex::to_hex;

pub use output_scan::{ByteDisplay, OutputScanner, ScannedOutput};

/// Placeholder for a removed secret.
pub const MASK: &str = "‹secret›";

/// Minimum length of a secret in bytes. Shorter texts would match everywhere, so they are neither
/// searched for nor stored as secrets.
pub const MIN_SECRET_BYTES: usize = 5;

/// Number of bytes that are converted to text at once in a search.
const WINDOW_BYTES: usize = 1 << 20;

/// Minimum overlap of two windows: enough to recognize a token of any provider.
const MIN_WINDOW_OVERLAP: usize = 4096;

/// Maximum number of bytes in which a byte of a secret can be written: `\\u0041`.
const MAX_BYTES_PER_SECRET_BYTE: usize = 6;

/// Removes known secrets, in all their encodings, from texts.
#[derive(Default)]
pub struct SecretRedactor {
    /// Secrets, longest first, so that a secret that is part of another does not leave a rest of
    /// it.
    secrets: Vec<Zeroizing<Box<[u8]>>>,
    /// Encodings that change every character, longest first; computed for the first text that is
    /// long enough for one of them.
    encoded_secrets: OnceLock<Vec<Zeroizing<String>>>,
}

impl SecretRedactor {
    /// Adds a secret.
    pub fn add_secret(&mut self, secret: &Secret) {
        if secret.len() < MIN_SECRET_BYTES {
            return;
        }
        secret.expose(|bytes| self.secrets.push(Zeroizing::new(bytes.into())));
        self.secrets.sort_by_key(|secret| Reverse(secret.len()));
        self.encoded_secrets = OnceLock::new();
    }

    /// Returns the text with the known secrets and everything that looks like a secret masked.
    pub fn redact(&self, text: &str) -> String {
        self.redact_owned(text.to_owned())
    }

    /// Like [`SecretRedactor::redact`], without a copy of a text that contains nothing to mask.
    pub fn redact_owned(&self, text: String) -> String {
        let text = self.redact_known(text);
        if patterns::may_contain_secret(&text) { patterns::mask_patterns(&text) } else { text }
    }

    /// Returns the text with the known secrets masked.
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

    /// Whether the bytes contain one of the known secrets, literal or encoded. All encodings are
    /// plain ASCII, so they survive the lossy conversion to text.
    pub fn contains_secret(&self, bytes: &[u8]) -> bool {
        self.windows(bytes).any(|window| self.window_contains_secret(window))
    }

    /// Whether [`SecretRedactor::redact`] would mask anything in the bytes as text.
    pub fn needs_redaction(&self, bytes: &[u8]) -> bool {
        self.windows(bytes).any(|window| {
            let text = String::from_utf8_lossy(window);
            self.window_contains_secret(window)
                || patterns::may_contain_secret(&text) && patterns::mask_patterns(&text) != text
        })
    }

    /// Returns the bytes in windows that overlap by the longest form of a secret, because the
    /// lossy conversion to text can triple what is converted at once.
    fn windows<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = &'b [u8]> + use<'b> {
        let longest = self.secrets.iter().map(|secret| secret.len()).max().unwrap_or_default();
        let overlap = MIN_WINDOW_OVERLAP.max(longest * MAX_BYTES_PER_SECRET_BYTE);
        let starts = (0..bytes.len()).step_by(WINDOW_BYTES);
        starts.map(move |start| &bytes[start..bytes.len().min(start + WINDOW_BYTES + overlap)])
    }

    fn window_contains_secret(&self, bytes: &[u8]) -> bool {
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

/// Returns the minimum length of an encoding of the secret. Base64 turns three bytes into four
/// characters; the characters at both ends depend on neighboring bytes and do not count.
fn min_encoded_bytes(secret: &[u8]) -> usize {
    (secret.len() * 4 / 3).saturating_sub(1).max(MIN_SECRET_BYTES)
}

/// Returns the length of the longest run of characters that could be an encoding: letters, digits
/// and a few signs. Every response is searched for every encoding, and most responses have no run
/// that is long enough, so this check avoids the search.
fn longest_encodable_run(text: &str) -> usize {
    let is_encoded =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    text.as_bytes().split(|byte| !is_encoded(byte)).map(<[u8]>::len).max().unwrap_or_default()
}

/// Masks the secret in a text, literal or escaped.
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

/// Returns the hexadecimal, base64 and base32 encodings of a secret.
fn encodings(bytes: &[u8]) -> Vec<Zeroizing<String>> {
    let lower = to_hex(bytes);
    let mut all = vec![lower.to_ascii_uppercase(), lower];
    for standard in (0..3).map(|offset| encoded_at(bytes, offset, 6, encode_base64)) {
        if standard.contains(['+', '/']) {
            all.push(standard.replace('+', "-").replace('/', "_"));
        }
        all.push(standard);
    }
    all.extend((0..5).map(|offset| encoded_at(bytes, offset, 5, encode_base32)));
    all.retain(|text| text.len() >= MIN_SECRET_BYTES);
    all.into_iter().map(Zeroizing::new).collect()
}

/// Returns the characters of an encoding that depend only on these bytes, where `offset` bytes
/// precede them. One character encodes `bits` bits.
fn encoded_at(bytes: &[u8], offset: usize, bits: usize, encode: fn(&[u8]) -> String) -> String {
    let mut padded = Zeroizing::new(vec![0; offset]);
    padded.extend_from_slice(bytes);
    let text = Zeroizing::new(encode(&padded));
    let (first, last) = ((offset * 8).div_ceil(bits), padded.len() * 8 / bits);
    text.get(first..last).unwrap_or_default().to_owned()
}

fn encode_base64(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

fn encode_base32(bytes: &[u8]) -> String {
    const ALPHABET: [u8; 32] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let characters = (bytes.len() * 8).div_ceil(5);
    let encode = |index: usize| {
        let bit = index * 5;
        let high = u16::from(bytes.get(bit / 8).copied().unwrap_or_default());
        let low = u16::from(bytes.get(bit / 8 + 1).copied().unwrap_or_default());
        let value = ((high << 8 | low) >> (11 - bit % 8)) & 31;
        char::from(ALPHABET[usize::from(value)])
    };
    (0..characters).map(encode).collect()
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
    fn base32_is_found_at_every_offset() {
        assert_eq!(encode_base32(b"foobar"), "MZXW6YTBOI");
        for before in ["", "a", "ab", "abc", "abcd"] {
            let text = encode_base32(format!("{before}a-known-secret!").as_bytes());
            assert!(redactor("a-known-secret").redact(&text).contains(MASK), "{text}");
        }
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
    fn a_secret_across_two_windows_is_found() {
        let (redactor, secret) = (redactor("se\"cret/42"), STANDARD.encode("se\"cret/42"));
        for at in [WINDOW_BYTES - 1, WINDOW_BYTES - secret.len() + 1] {
            let mut bytes = vec![0xff; 2 * WINDOW_BYTES];
            bytes[at..at + secret.len()].copy_from_slice(secret.as_bytes());
            assert!(redactor.contains_secret(&bytes) && redactor.needs_redaction(&bytes), "{at}");
            bytes[at] = 0xff;
            assert!(!redactor.contains_secret(&bytes) && !redactor.needs_redaction(&bytes));
            bytes[at..at + 12].copy_from_slice(b"snyk_uat.abc");
            assert!(!redactor.contains_secret(&bytes) && redactor.needs_redaction(&bytes));
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
