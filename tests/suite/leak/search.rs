//! Search for secrets in any encoding in which they may leak. Start with [`SecretSearch::find`].

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A run of this many bytes of a secret, or of one of its encodings, is a leak.
const WINDOW: usize = 12;

/// The secrets to search for, in all encodings.
#[derive(Default)]
pub(super) struct SecretSearch {
    windows: HashMap<[u8; WINDOW], String>,
}

impl SecretSearch {
    /// Adds a secret to the search. All of it must be random: a part that a reader may know is no
    /// leak.
    pub(super) fn add_secret(&mut self, name: &str, secret: &str) {
        let hex = spelled(secret.as_bytes(), |byte| format!("{byte:02x}"));
        self.learn_form(name, "as it is", secret.as_bytes());
        self.learn_form(name, "as hex", hex.as_bytes());
        self.learn_form(name, "as HEX", hex.to_uppercase().as_bytes());
        for offset in 0..3 {
            for (form, alphabet) in [("as base64", STANDARD), ("as base64url", URL_SAFE)] {
                let padded = [&b"\0\0"[..offset], secret.as_bytes()].concat();
                let text = alphabet.encode(&padded);
                // The characters at both ends depend on the text before and after the secret.
                self.learn_form(
                    name,
                    form,
                    &text.as_bytes()[(offset * 8).div_ceil(6)..padded.len() * 8 / 6],
                );
            }
        }
    }

    /// Returns the name and encoding of the first secret found in the bytes.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<String> {
        let views = [
            bytes.to_vec(),
            unescaped(bytes),
            percent_decoded(bytes),
            percent_decoded(&unescaped(bytes)),
            without_sequences(bytes),
        ];
        let mut windows = views.iter().flat_map(|view| view.windows(WINDOW));
        windows.find_map(|window| self.windows.get(window)).cloned()
    }

    fn learn_form(&mut self, name: &str, form: &str, text: &[u8]) {
        assert!(text.len() >= WINDOW, "{name} is too short");
        for window in text.windows(WINDOW) {
            self.windows.insert(window.try_into().unwrap(), format!("{name} {form}"));
        }
    }
}

/// Formats the bytes one by one with `unit`.
pub(super) fn spelled(bytes: &[u8], unit: impl Fn(u8) -> String) -> String {
    bytes.iter().map(|byte| unit(*byte)).collect::<Vec<_>>().concat()
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    decoded(bytes, |rest| match rest {
        [b'%', high, low, ..] => Some((hex_pair(&[*high, *low])?, 3)),
        [b'+', ..] => Some((b' ', 1)),
        _ => None,
    })
}

fn unescaped(bytes: &[u8]) -> Vec<u8> {
    decoded(bytes, |rest| match rest {
        [b'\\', b'u', b'0', b'0', high, low, ..] => Some((hex_pair(&[*high, *low])?, 6)),
        [b'\\', escaped @ (b'"' | b'\\' | b'/'), ..] => Some((*escaped, 2)),
        _ => None,
    })
}

/// Replaces each encoded unit that `unit` decodes by its byte.
fn decoded(bytes: &[u8], unit: impl Fn(&[u8]) -> Option<(u8, usize)>) -> Vec<u8> {
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let (byte, length) = unit(&bytes[at..]).unwrap_or((bytes[at], 1));
        out.push(byte);
        at += length;
    }
    out
}

/// Removes escape sequences: what a terminal prints, character by character, regardless of the
/// position.
fn without_sequences(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"\x1b[") {
            let end = bytes[at + 2..].iter().position(|byte| (0x40..=0x7e).contains(byte));
            at = end.map_or(bytes.len(), |end| at + 3 + end);
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "Zq3x\"/+Yw8 k=N&5tVb\\Lm2";

    fn finds(text: &str) -> bool {
        let mut search = SecretSearch::default();
        search.add_secret("canary", SECRET);
        search.find(format!("before {text} after").as_bytes()).is_some()
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        assert!(
            !finds("") && !finds("Zq3x\"/+Yw8 and something else") && !finds(&"x".repeat(1000))
        );
    }

    #[test]
    fn every_encoding_is_found_where_it_is_planted() {
        let all_escaped = spelled(SECRET.as_bytes(), |byte| format!("\\u{byte:04x}"));
        let all_percent = spelled(SECRET.as_bytes(), |byte| format!("%{byte:02X}"));
        let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let json = serde_json::to_string(SECRET).unwrap();
        let scattered = spelled(SECRET.as_bytes(), |byte| {
            format!("\x1b[3;7H\x1b[1m{}\x1b[0m", char::from(byte))
        });
        let hex = spelled(SECRET.as_bytes(), |byte| format!("{byte:02x}"));
        for text in [
            SECRET,
            &all_escaped,
            &all_percent,
            &form,
            &json,
            &scattered,
            &hex,
            &hex.to_uppercase(),
        ] {
            assert!(finds(text), "{text}");
        }
        for before in ["", "a", "ab", "abc"] {
            for alphabet in [STANDARD, URL_SAFE] {
                assert!(finds(&alphabet.encode(format!("{before}{SECRET}and more"))), "{before}");
            }
        }
    }

    #[test]
    fn a_part_of_a_secret_is_a_leak_too() {
        assert!(finds(&SECRET[..WINDOW]) && finds(&SECRET[SECRET.len() - WINDOW..]));
        assert!(!finds(&SECRET[..WINDOW - 1]));
    }
}
