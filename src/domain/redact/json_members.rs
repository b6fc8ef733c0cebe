//! Removal of new secrets from a response, by the JSON members in which a provider sends them.
//!
//! The text is scanned, not parsed and serialized again. Everything else therefore stays byte for
//! byte the same, including numbers and whitespace, and a truncated body is cleaned as far as it
//! goes. Start at [`capture_secrets`].

use zeroize::Zeroizing;

use super::MASK;
use crate::domain::Secret;
use crate::util::json_scan::string_end;

/// Text without its secrets, and the secrets.
#[derive(Default)]
pub struct CapturedSecrets {
    /// Text with placeholders.
    pub text: String,
    /// Removed secrets in order: name of the member and its value.
    pub secrets: Vec<(String, Secret)>,
}

/// Replaces the string values of the named members in a JSON text, at any depth, and returns them.
pub fn capture_secrets(json: &str, members: &[String]) -> CapturedSecrets {
    let text = String::with_capacity(json.len());
    let mut captured = CapturedSecrets { text, secrets: Vec::new() };
    let mut rest = json;
    while let Some(found) = next_string(rest) {
        let key = matching_member(&rest[found.clone()], members);
        let after = &rest[found.end..];
        let value = key.and_then(|key| value_start(after).map(|start| (key, start)));
        let (kept, used) = match value {
            None => (found.end, found.end),
            Some((key, start)) => {
                let start = found.end + start;
                let end = string_end(rest.as_bytes(), start);
                captured.add_literal(key, &rest[start..end]);
                (start, end)
            }
        };
        captured.text.push_str(&rest[..kept]);
        if used > kept {
            captured.text.extend(["\"", MASK, "\""]);
        }
        rest = &rest[used..];
    }
    captured.text.push_str(rest);
    captured
}

impl CapturedSecrets {
    fn add_literal(&mut self, name: &str, literal: &str) {
        let closed = if literal.len() > 1 && literal.ends_with('"') {
            literal.to_owned()
        } else {
            format!("{literal}\"")
        };
        let closed = Zeroizing::new(closed);
        let value = serde_json::from_str::<String>(&closed)
            .unwrap_or_else(|_| literal.trim_matches('"').to_owned());
        if !value.is_empty() {
            self.secrets.push((name.to_owned(), Secret::from_text(value)));
        }
    }
}

/// Finds the next string literal, including its quotes.
fn next_string(text: &str) -> Option<std::ops::Range<usize>> {
    let start = text.find('"')?;
    Some(start..string_end(text.as_bytes(), start))
}

/// Returns the known name that a literal spells, ignoring case and escapes.
fn matching_member<'a>(literal: &str, members: &'a [String]) -> Option<&'a str> {
    let plain = literal.trim_matches('"');
    let name =
        if plain.contains('\\') { serde_json::from_str(literal).ok()? } else { plain.to_owned() };
    members.iter().find(|member| member.eq_ignore_ascii_case(&name)).map(String::as_str)
}

/// Returns the start of the string after a colon, if the value is a non-empty string.
fn value_start(after: &str) -> Option<usize> {
    let value = after.trim_start().strip_prefix(':')?.trim_start();
    let string = value.starts_with('"') && !value.starts_with("\"\"");
    string.then(|| after.len() - value.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn captured(json: &str) -> (String, Vec<(String, String)>) {
        let found = capture_secrets(json, &["client_secret".to_owned(), "key".to_owned()]);
        let text =
            |secret: &Secret| secret.expose(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        (
            found.text,
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
