//! The values of a JSON text, exactly as they are written.
//!
//! Numbers keep their digits, objects their repeated members and strings their escapes, also those
//! that no Unicode character has. The tree of the screen, the filters and the JSON output read their
//! input here, so the same texts are JSON for all of them. Start at [`json_values`].

use serde_json::value::RawValue;

/// Character before each value of a JSON text sequence (RFC 7464).
pub const RECORD_SEPARATOR: char = '\u{1e}';

/// Returns the values of a text: one, several in a row (JSON lines), or a JSON text sequence. The
/// first error is the last item.
pub fn json_values(text: &str) -> impl Iterator<Item = Result<&RawValue, serde_json::Error>> {
    // No JSON value can contain the separator.
    text.split(RECORD_SEPARATOR)
        .flat_map(|part| serde_json::Deserializer::from_str(part).into_iter::<&RawValue>())
}

/// Whether a text is one or more JSON values.
pub fn is_json(text: &str) -> bool {
    let mut values = json_values(text);
    values.next().is_some_and(|first| first.is_ok()) && values.all(|value| value.is_ok())
}

/// Whether a byte separates JSON tokens and has no meaning.
pub const fn is_json_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | RECORD_SEPARATOR_BYTE)
}

const RECORD_SEPARATOR_BYTE: u8 = 0x1e;

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Option<Vec<&str>> {
        json_values(text).map(|value| value.ok().map(RawValue::get)).collect()
    }

    #[test]
    fn values_are_exact() {
        for exact in [
            "12345678901234567890123456789",
            "1.10",
            "1e400",
            "-0",
            "1E+2",
            r#""\ud800""#,
            r#"{"a":1,"a":2}"#,
            "[1, 2]",
            "\"\u{200d}\"",
        ] {
            assert_eq!(values(exact), Some(vec![exact]), "{exact}");
            assert!(is_json(exact));
        }
        assert_eq!(values(" {\r\n} "), Some(vec!["{\r\n}"]));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(is_json(&deep), "depth is limited by the readers");
    }

    #[test]
    fn several_values_are_read_one_by_one() {
        assert_eq!(values("{}\n[]\n\n1 2"), Some(vec!["{}", "[]", "1", "2"]));
        assert_eq!(values("\u{1e}{}\n\u{1e}1\n"), Some(vec!["{}", "1"]));
        assert_eq!(values(""), Some(Vec::new()));
        let counted: Vec<_> = json_values("{}\n{").collect();
        assert!(counted.len() == 2 && counted[0].is_ok() && counted[1].is_err());
    }

    #[test]
    fn what_is_no_json_is_none() {
        for text in
            ["", " ", "{", "01", "+1", "NaN", "# a", "{a:1}", "'a'", "1,", "[1,]", "\u{feff}{}"]
        {
            assert!(!is_json(text), "{text}");
        }
    }
}
