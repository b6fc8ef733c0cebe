//! Removal of new secrets from a response, by the JSON members in which a provider sends them.
//!
//! The bytes are scanned, not parsed and serialized again. Everything else therefore stays byte for
//! byte the same, including numbers and whitespace, and a truncated body is cleaned as far as it
//! goes. A body may arrive in pieces. Start at [`capture_secrets`] and [`MemberScanner`].

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use zeroize::Zeroizing;

use super::MASK;
use crate::domain::Secret;

/// Maximum length of a string that can be the name of a member, with escapes.
const MAX_NAME_BYTES: usize = 1024;

/// Maximum length of a new secret, with escapes. The rest of a longer one is masked too.
const MAX_SECRET_BYTES: usize = 1 << 20;

/// Bytes without their secrets, and the secrets.
#[derive(Default)]
pub struct CapturedSecrets {
    /// Bytes with placeholders.
    pub bytes: Vec<u8>,
    /// Removed secrets in order: name of the member and its value.
    pub secrets: Vec<(String, Secret)>,
}

/// Scanner that replaces the string values of the named members, at any depth, in JSON that arrives
/// in pieces.
pub struct MemberScanner {
    members: Vec<String>,
    state: ScanState,
    secrets: Vec<(String, Secret)>,
}

/// Where the scanner is.
enum ScanState {
    /// Outside of strings.
    Outside(PrecedingName),
    /// In a string that stays; the literal without its opening quote, as far as it can be a name.
    Kept(StringLiteral),
    /// In the value of a member with a secret; the literal without its opening quote.
    Secret(usize, StringLiteral),
}

/// What precedes a value: the index of the member whose name it follows.
#[derive(Clone, Copy)]
enum PrecedingName {
    None,
    Name(usize),
    NameAndColon(usize),
}

/// Content of a string literal, as written.
#[derive(Default)]
struct StringLiteral {
    written: Zeroizing<Vec<u8>>,
    /// Whether the last byte was a backslash that escapes the next one.
    escapes_next: bool,
}

/// Replaces the string values of the named members in JSON, at any depth, and returns them.
pub fn capture_secrets(json: &[u8], members: &[String]) -> CapturedSecrets {
    let mut bytes = Vec::with_capacity(json.len());
    let mut scanner = MemberScanner::new(members.to_vec());
    scanner.push(json, &mut bytes);
    let secrets = scanner.finish(&mut bytes);
    CapturedSecrets { bytes, secrets }
}

impl CapturedSecrets {
    /// Returns the bytes as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

impl MemberScanner {
    /// Creates a scanner for members with these names; case and escapes do not matter.
    pub fn new(members: Vec<String>) -> Self {
        Self { members, state: ScanState::Outside(PrecedingName::None), secrets: Vec::new() }
    }

    /// Scans a piece and adds what may be shown of it to `shown`.
    pub fn push(&mut self, piece: &[u8], shown: &mut Vec<u8>) {
        let mut rest = piece;
        while !rest.is_empty() {
            let used = match &mut self.state {
                ScanState::Outside(_) => self.scan_outside(rest, shown),
                ScanState::Kept(_) => self.scan_kept(rest, shown),
                ScanState::Secret(..) => self.scan_secret(rest, shown),
            };
            rest = &rest[used..];
        }
    }

    /// Whether a secret was taken out.
    pub fn has_captured(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Ends the scan and returns the secrets. One that is not complete is one too.
    pub fn finish(mut self, shown: &mut Vec<u8>) -> Vec<(String, Secret)> {
        if let ScanState::Secret(member, literal) = &mut self.state {
            let (member, literal) = (*member, std::mem::take(literal));
            if literal.written.is_empty() {
                shown.push(b'"');
            } else {
                self.end_secret(member, &literal, shown);
            }
        }
        self.secrets
    }

    fn scan_outside(&mut self, rest: &[u8], shown: &mut Vec<u8>) -> usize {
        let ScanState::Outside(preceding) = &mut self.state else { return 0 };
        match (*preceding, rest[0]) {
            (PrecedingName::NameAndColon(member), b'"') => {
                self.state = ScanState::Secret(member, StringLiteral::default());
                1
            }
            (_, b'"') => {
                shown.push(b'"');
                self.state = ScanState::Kept(StringLiteral::default());
                1
            }
            (PrecedingName::None, _) => {
                let used = memchr(b'"', rest).unwrap_or(rest.len());
                shown.extend_from_slice(&rest[..used]);
                used
            }
            (_, byte) => {
                *preceding = preceding.after(byte);
                shown.push(byte);
                1
            }
        }
    }

    fn scan_kept(&mut self, rest: &[u8], shown: &mut Vec<u8>) -> usize {
        let ScanState::Kept(literal) = &mut self.state else { return 0 };
        let (used, is_closed) = literal.push(rest, MAX_NAME_BYTES);
        shown.extend_from_slice(&rest[..used]);
        if is_closed {
            let name = matching_member(&literal.written, &self.members);
            self.state = ScanState::Outside(name.map_or(PrecedingName::None, PrecedingName::Name));
        }
        used
    }

    fn scan_secret(&mut self, rest: &[u8], shown: &mut Vec<u8>) -> usize {
        let ScanState::Secret(member, literal) = &mut self.state else { return 0 };
        let (used, is_closed) = literal.push(rest, MAX_SECRET_BYTES);
        if is_closed {
            let (member, literal) = (*member, std::mem::take(literal));
            self.end_secret(member, &literal, shown);
            self.state = ScanState::Outside(PrecedingName::None);
        }
        used
    }

    fn end_secret(&mut self, member: usize, literal: &StringLiteral, shown: &mut Vec<u8>) {
        shown.push(b'"');
        let value = literal.value();
        if !value.is_empty() {
            shown.extend_from_slice(MASK.as_bytes());
            let value = Secret::new(value.to_vec());
            self.secrets.push((self.members[member].clone(), value));
        }
        shown.push(b'"');
    }
}

impl PrecedingName {
    /// Returns what precedes the byte after this one.
    const fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (known, b' ' | b'\t' | b'\n' | b'\r') => known,
            (Self::Name(member), b':') => Self::NameAndColon(member),
            _ => Self::None,
        }
    }
}

impl StringLiteral {
    /// Adds bytes up to the closing quote; returns how many were used, with the quote, and whether
    /// it was there. Bytes beyond the maximum are dropped.
    fn push(&mut self, bytes: &[u8], max_bytes: usize) -> (usize, bool) {
        let mut at = usize::from(std::mem::take(&mut self.escapes_next)).min(bytes.len());
        let mut end = None;
        while let Some(found) = memchr2(b'"', b'\\', &bytes[at..]) {
            at += found;
            if bytes[at] == b'"' {
                end = Some(at);
                break;
            }
            self.escapes_next = at + 1 == bytes.len();
            at = (at + 2).min(bytes.len());
        }
        let content = &bytes[..end.unwrap_or(bytes.len())];
        let room = max_bytes.saturating_sub(self.written.len());
        self.written.extend_from_slice(&content[..content.len().min(room)]);
        (end.map_or(bytes.len(), |end| end + 1), end.is_some())
    }

    /// Returns the value of the literal; one that is not valid JSON stands for itself.
    fn value(&self) -> Zeroizing<Vec<u8>> {
        let quoted = Zeroizing::new([b"\"", self.written.as_slice(), b"\""].concat());
        let text = serde_json::from_slice::<String>(&quoted).map(String::into_bytes);
        Zeroizing::new(text.unwrap_or_else(|_| self.written.to_vec()))
    }
}

/// Returns the index of the name that a literal spells, ignoring case and escapes.
fn matching_member(written: &[u8], members: &[String]) -> Option<usize> {
    let literal = StringLiteral { written: Zeroizing::new(written.to_vec()), escapes_next: false };
    let unescaped = written.contains(&b'\\').then(|| literal.value());
    let name = unescaped.as_ref().map_or(written, |name| name.as_slice());
    members.iter().position(|member| member.as_bytes().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn captured(json: &str) -> (String, Vec<(String, String)>) {
        let members = ["client_secret".to_owned(), "key".to_owned()];
        let found = capture_secrets(json.as_bytes(), &members);
        let text =
            |secret: &Secret| secret.expose(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        (
            found.text().into_owned(),
            found.secrets.iter().map(|(name, secret)| (name.clone(), text(secret))).collect(),
        )
    }

    #[test]
    fn fresh_secrets_are_taken_out_and_the_rest_stays_byte_for_byte() {
        let json = "{ \"id\": 1.50, \"data\": [ {\"Client_Secret\" : \"a\\\"b\\u0041\", \"client_id\":\"x\"} ], \"key\":null }";
        let (text, secrets) = captured(json);
        assert_eq!(
            text,
            format!(
                "{{ \"id\": 1.50, \"data\": [ {{\"Client_Secret\" : \"{MASK}\", \"client_id\":\"x\"}} ], \"key\":null }}"
            )
        );
        assert_eq!(secrets, [("client_secret".to_owned(), "a\"bA".to_owned())]);
    }

    #[test]
    fn a_value_that_is_spelled_like_a_member_is_none() {
        let json = r#"{"name":"key","note":"\"key\":\"x\"","list":["key","y"]}"#;
        assert_eq!(captured(json), (json.to_owned(), Vec::new()));
    }

    #[test]
    fn a_cut_body_does_not_let_the_secret_through() {
        let (text, secrets) = captured(r#"{"key":"half of a sec"#);
        assert!(!text.contains("half"), "{text}");
        assert_eq!(secrets.len(), 1);
        assert_eq!(captured(r#"{"key":""#).1, [], "nothing is there yet");
        assert_eq!(captured(r#"{"key":"a\"b"#).1, [("key".to_owned(), "a\"b".to_owned())]);
        assert_eq!(captured(r#"{"key":"a"}"#).1, [("key".to_owned(), "a".to_owned())]);
        assert!(!captured(r#"{"k\u0065y":"hidden"}"#).0.contains("hidden"));
    }

    #[test]
    fn bytes_that_are_not_text_stay_and_a_secret_across_pieces_is_found() {
        let before = b"\xef\xbb\xbf{\"a\":\"\xff\\\\\",\r\n \"k\\u0065y\" : ".as_slice();
        let after = b", \"key\": \"\"}\x00".as_slice();
        let json = [before, b"\"a\\\"b\"", after].concat();
        let masked = [before, b"\"", MASK.as_bytes(), b"\"", after].concat();
        for size in 1..json.len() {
            let mut scanner = MemberScanner::new(vec!["key".to_owned()]);
            let mut shown = Vec::new();
            json.chunks(size).for_each(|piece| scanner.push(piece, &mut shown));
            let secrets = scanner.finish(&mut shown);
            assert_eq!(shown, masked, "{size}: {}", String::from_utf8_lossy(&shown));
            assert_eq!(secrets.len(), 1);
            secrets[0].1.expose(|value| assert_eq!(value, b"a\"b"));
        }
    }

    proptest! {
        #[test]
        fn nothing_of_a_secret_stays(secret in "[ -~é]{1,20}", other in "\\PC{0,20}") {
            let json = serde_json::json!({ "a": other, "inner": [{ "key": secret }], "z": 1 }).to_string();
            let (text, secrets) = captured(&json);
            prop_assert_eq!(&secrets[0].1, &secret);
            let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(shown["inner"][0]["key"].as_str(), Some(MASK));
        }

        #[test]
        fn any_text_is_survived(text in "(\"key\"|[\":{}\\\\, ]|\\PC){0,40}") {
            let _ = captured(&text);
        }
    }
}
