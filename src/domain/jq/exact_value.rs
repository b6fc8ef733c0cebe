//! Conversion between JSON texts and jq's values without loss: numbers keep their digits, and strings
//! keep escapes that stand for no Unicode character.
//!
//! Such a character (half of a surrogate pair) is three bytes inside of a filter, and is escaped
//! again in the output. Start at [`read_value`] and [`write_value`].

use std::fmt::Write as _;

use jaq_json::write::Pp;
use jaq_json::{Map, Num, Val};
use serde::de::{Deserializer as _, Visitor};
use serde_json::value::RawValue;

use crate::util::json_scan::{skip_whitespace, string_end, value_end};

/// Converts a JSON value, which must not nest deeper than the stack allows.
pub(super) fn read_value(json: &RawValue) -> Val {
    let text = json.get().as_bytes();
    ValueReader { text, at: skip_whitespace(text, 0) }.read()
}

/// Formats a value as compact JSON.
pub(super) fn write_value(value: &Val) -> String {
    let mut bytes = Vec::new();
    // Writing into memory does not fail.
    let _ = jaq_json::write::write(&mut bytes, &Pp::<String>::default(), 0, value);
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => escape_surrogates(error.as_bytes()),
    }
}

/// Reader of a text that is known to be one JSON value.
struct ValueReader<'t> {
    text: &'t [u8],
    at: usize,
}

impl ValueReader<'_> {
    fn read(&mut self) -> Val {
        match self.text.get(self.at) {
            Some(b'{') => self.read_object(),
            Some(b'[') => self.read_array(),
            Some(b'"') => Val::utf8_str(self.read_string()),
            _ => self.read_scalar(),
        }
    }

    fn read_object(&mut self) -> Val {
        let mut members = Map::default();
        self.skip_token();
        while self.peek() != Some(b'}') && self.at < self.text.len() {
            let key = Val::utf8_str(self.read_string());
            self.skip_space();
            self.skip_token();
            members.insert(key, self.read());
            self.skip_comma();
        }
        self.at += 1;
        Val::obj(members)
    }

    fn read_array(&mut self) -> Val {
        let mut items = Vec::new();
        self.skip_token();
        while self.peek() != Some(b']') && self.at < self.text.len() {
            items.push(self.read());
            self.skip_comma();
        }
        self.at += 1;
        Val::Arr(items.into())
    }

    fn read_string(&mut self) -> Vec<u8> {
        let end = string_end(self.text, self.at);
        let literal = &self.text[self.at..end];
        self.at = end;
        if literal.contains(&b'\\') {
            unescape(literal)
        } else {
            literal.get(1..literal.len() - 1).unwrap_or_default().to_vec()
        }
    }

    fn read_scalar(&mut self) -> Val {
        let end = value_end(self.text, self.at);
        let scalar = std::str::from_utf8(&self.text[self.at..end]).unwrap_or_default();
        self.at = end;
        match scalar {
            "null" => Val::Null,
            "true" => Val::Bool(true),
            "false" => Val::Bool(false),
            number => Val::Num(read_number(number)),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        self.at = skip_whitespace(self.text, self.at);
    }

    /// Skips a bracket or colon, and the space after it.
    fn skip_token(&mut self) {
        self.at += 1;
        self.skip_space();
    }

    fn skip_comma(&mut self) {
        self.skip_space();
        if self.peek() == Some(b',') {
            self.skip_token();
        }
    }
}

/// Reads a number. Only plain integers count as integers; all others keep their text.
fn read_number(text: &str) -> Num {
    let is_integer = text != "-0" && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    let integer = if is_integer { Num::from_str_radix(text, 10) } else { None };
    integer.unwrap_or_else(|| Num::Dec(text.to_owned().into()))
}

/// Returns the characters of a string literal; half of a surrogate pair becomes three bytes.
fn unescape(literal: &[u8]) -> Vec<u8> {
    struct ByteVisitor;
    impl Visitor<'_> for ByteVisitor {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(literal);
    reader.deserialize_bytes(ByteVisitor).unwrap_or_default()
}

/// Decodes UTF-8 in which half of a surrogate pair is three bytes; they become an escape.
fn escape_surrogates(mut bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    while let Some(chunk) = bytes.utf8_chunks().next() {
        text.push_str(chunk.valid());
        let invalid = &bytes[chunk.valid().len()..];
        bytes = match invalid {
            [0xed, middle @ 0xa0..=0xbf, last @ 0x80..=0xbf, rest @ ..] => {
                let unit = 0xd000 | u16::from(middle & 0x3f) << 6 | u16::from(last & 0x3f);
                let _ = write!(text, "\\u{unit:04x}");
                rest
            }
            [] => invalid,
            _ => {
                text.push(char::REPLACEMENT_CHARACTER);
                &invalid[chunk.invalid().len()..]
            }
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn copied(json: &str) -> String {
        write_value(&read_value(serde_json::from_str(json).unwrap()))
    }

    #[test]
    fn values_come_back_as_they_were_written() {
        for json in [
            "null",
            "true",
            "-0",
            "0",
            "1.10",
            "1e400",
            "-1E-7",
            "12345678901234567890123456789",
            "-9223372036854775809",
            r#""""#,
            r#""\ud800""#,
            r#""a\udfffb\udabc""#,
            "\"é\u{200d}\u{9b}\"",
            r#"{"a":[{},[],""],"\ud83d":1.0}"#,
        ] {
            assert_eq!(copied(json), json);
        }
        assert_eq!(copied(r#" { "a" : [ 1 , "\u0041\ud83d\ude00\/" ] } "#), r#"{"a":[1,"A😀/"]}"#);
        assert_eq!(copied(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#, "as in jq, the last one");
    }

    proptest! {
        #[test]
        fn any_value_is_what_the_library_reads(key in "\\PC{0,6}", text in "\\PC{0,12}", number in any::<i64>(), float in any::<f64>()) {
            let value = serde_json::json!({ key: [text, number, [], { "x": null, "y": true }], "f": float });
            for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let back: serde_json::Value = serde_json::from_str(&copied(&written)).unwrap();
                prop_assert_eq!(back, serde_json::from_str::<serde_json::Value>(&written).unwrap());
            }
        }
    }
}
