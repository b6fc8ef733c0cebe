//! Removal of secrets from texts before they are shown, stored or logged.
//!
//! Four methods complement each other: known secrets in every encoding ([`SecretRedactor`]), texts
//! that look like a secret of any provider ([`patterns`]), members of a response that contain a new
//! secret ([`json_members`]), and known secrets in the output of a program, also in color, in pieces
//! and in dumps ([`OutputScanner`]). Start at [`SecretRedactor::redact`].

mod byte_dump;
mod fragments;
pub mod json_members;
mod mapped_text;
mod member_stream;
mod output_scan;
pub mod patterns;

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;
use zeroize::Zeroizing;

use super::Secret;
use crate::util::hex::to_hex;

pub use crate::domain::redact::output_scan::StreamRedactor;
pub use member_stream::MemberStream;
pub use output_scan::{ByteDisplay, OutputScanner, ScannedOutput};

use crate::domain::redact::mapped_text::CharWidth;

/// Placeholder for a removed secret.
pub const MASK: &str = "‹secret›";

/// Minimum length of a secret in bytes. Shorter texts would match everywhere, so they are neither
/// searched for nor stored as secrets.
pub const MIN_SECRET_BYTES: usize = 5;

/// Removes known secrets, in all their encodings, from texts and from bytes.
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
        let mut found = self.find_known(text.as_bytes());
        found.extend(patterns::find_patterns(&text));
        mask_text(text, found)
    }

    /// Returns the text with the known secrets masked.
    pub fn redact_known(&self, text: String) -> String {
        let found = self.find_known(text.as_bytes());
        mask_text(text, found)
    }

    /// Returns the bytes with the known secrets and everything that looks like a secret masked. All
    /// other bytes stay as they are, whether or not they are text.
    pub fn redact_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let places = self.find_places(&bytes, MaskScope::Everything);
        mask_places(bytes, &places)
    }

    /// Returns the bytes with the known secrets masked.
    pub fn redact_known_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let places = self.find_places(&bytes, MaskScope::KnownSecrets);
        mask_places(bytes, &places)
    }

    /// Whether the bytes contain one of the known secrets, literal or encoded.
    pub fn contains_secret(&self, bytes: &[u8]) -> bool {
        !self.find_known(bytes).is_empty()
    }

    /// Finds the known secrets, literal, escaped or encoded. The ranges may overlap.
    fn find_known(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = self
            .secrets
            .iter()
            .flat_map(|secret| crate::domain::redact::fragments::find_all(bytes, secret))
            .collect();
        let room = longest_encodable_run(bytes);
        if self.secrets.iter().all(|secret| min_encoded_bytes(secret) > room) {
            return found;
        }
        for encoded in self.encoded().iter().filter(|encoded| encoded.len() <= room) {
            let starts = memmem::find_iter(bytes, encoded.as_bytes());
            found.extend(starts.map(|start| start..start + encoded.len()));
        }
        found
    }

    /// Finds everything to mask in bytes, in order and without overlaps: in texts of one byte per
    /// character, and in UTF-16.
    fn find_places(&self, bytes: &[u8], scope: MaskScope) -> Vec<SecretPlace> {
        let narrow = |range| SecretPlace { range, width: CharWidth::One };
        let mut found: Vec<_> = self.find_known(bytes).into_iter().map(narrow).collect();
        if scope == MaskScope::Everything {
            found.extend(find_patterns_in_bytes(bytes).into_iter().map(narrow));
        }
        found.extend(crate::domain::redact::mapped_text::find_wide(bytes, &self.secrets, |text| {
            let mut found = self.find_known(text.as_bytes());
            if scope == MaskScope::Everything {
                found.extend(patterns::find_patterns(text));
            }
            found
        }));
        merge_places(found)
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

/// What is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MaskScope {
    /// The known secrets.
    KnownSecrets,
    /// The known secrets and everything that looks like a secret.
    Everything,
}

/// Place of a secret in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SecretPlace {
    range: Range<usize>,
    /// Width of the characters there, and of those of the mask.
    width: CharWidth,
}

/// Finds everything that looks like a secret in the parts of the bytes that are text.
fn find_patterns_in_bytes(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut start) = (Vec::new(), 0);
    for chunk in bytes.utf8_chunks() {
        let inside = patterns::find_patterns(chunk.valid());
        found.extend(inside.into_iter().map(|range| start + range.start..start + range.end));
        start += chunk.valid().len() + chunk.invalid().len();
    }
    found
}

/// Sorts places and unites those that overlap.
fn merge_places(mut places: Vec<SecretPlace>) -> Vec<SecretPlace> {
    places.sort_by_key(|place| place.range.start);
    let mut merged: Vec<SecretPlace> = Vec::with_capacity(places.len());
    for place in places {
        match merged.last_mut() {
            Some(last) if place.range.start < last.range.end => {
                last.range.end = last.range.end.max(place.range.end);
            }
            _ => merged.push(place),
        }
    }
    merged
}

/// Masks places that are in order and do not overlap.
fn mask_places(bytes: Vec<u8>, places: &[SecretPlace]) -> Vec<u8> {
    if places.is_empty() {
        return bytes;
    }
    let bytes = Zeroizing::new(bytes);
    let (mut masked, mut done) = (Vec::with_capacity(bytes.len()), 0);
    for SecretPlace { range, width } in places {
        masked.extend_from_slice(&bytes[done..range.start]);
        width.write_mask(&mut masked);
        done = range.end;
    }
    masked.extend_from_slice(&bytes[done..]);
    masked
}

/// Masks ranges of a text. A range that would cut a character is no place of a secret in it.
fn mask_text(text: String, mut found: Vec<Range<usize>>) -> String {
    found.retain(|range| text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
    if found.is_empty() {
        return text;
    }
    let text = Zeroizing::new(text);
    let places = found.into_iter().map(|range| SecretPlace { range, width: CharWidth::One });
    let (mut masked, mut done) = (String::with_capacity(text.len()), 0);
    for SecretPlace { range, .. } in merge_places(places.collect()) {
        masked.extend([&text[done..range.start], MASK]);
        done = range.end;
    }
    masked + &text[done..]
}

/// Returns the minimum length of an encoding of the secret. Base64 turns three bytes into four
/// characters; the characters at both ends depend on neighboring bytes and do not count.
fn min_encoded_bytes(secret: &[u8]) -> usize {
    (secret.len() * 4 / 3).saturating_sub(1).max(MIN_SECRET_BYTES)
}

/// Returns the length of the longest run of characters that could be an encoding: letters, digits
/// and a few signs. Every response is searched for every encoding, and most responses have no run
/// that is long enough, so this check avoids the search.
fn longest_encodable_run(text: &[u8]) -> usize {
    let is_encoded =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    text.split(|byte| !is_encoded(byte)).map(<[u8]>::len).max().unwrap_or_default()
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
            assert_eq!(longest_encodable_run(text.as_bytes()), length, "{text}");
        }
    }

    #[test]
    fn bytes_around_a_secret_stay_as_they_are() {
        let redactor = redactor("se\"cret/42");
        for written in
            ["se\"cret/42", "se%22cret%2F42", "se\\u0022cret\\/42", "736522637265742f3432"]
        {
            let bytes = [b"\xff\r\0\xef\xbb\xbf", written.as_bytes(), b"\x9b\r\n\xe2\x80"].concat();
            let masked = [b"\xff\r\0\xef\xbb\xbf", MASK.as_bytes(), b"\x9b\r\n\xe2\x80"].concat();
            let found = redactor.redact_bytes(bytes);
            assert_eq!(found, masked, "{written}: {}", String::from_utf8_lossy(&found));
        }
        let bytes = b"\xff snyk_uat.abc\r\n".to_vec();
        assert_eq!(redactor.redact_known_bytes(bytes.clone()), bytes);
        let masked = [b"\xff snyk_uat.", MASK.as_bytes(), b"\r\n"].concat();
        assert_eq!(redactor.redact_bytes(bytes), masked);
        let harmless = vec![0xff; 3000];
        assert_eq!(redactor.redact_bytes(harmless.clone()), harmless);
    }

    #[test]
    fn a_known_secret_inside_of_a_token_leaves_nothing_of_the_token() {
        assert_eq!(
            redactor("known-part").redact("snyk_uat.abc-known-part-xyz"),
            format!("snyk_uat.{MASK}")
        );
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
