//! Scanning of JSON text without parsing it into values, so that every byte of it keeps its place.
//!
//! The redaction of responses, the JSON view, the limits of nesting and the edits of JSON files find
//! the ends of strings and values with these functions. All of them return positions in the text.
//!
//! The values of a JSON text, exactly as they are written.
//!
//! Numbers keep their digits, objects their repeated members and strings their escapes, also those
//! that no Unicode character has. The tree of the screen, the filters and the JSON output read their
//! input here, so the same texts are JSON for all of them. Start at [`json_values`].

use serde_json::value::RawValue;

/// Returns the end of the string literal whose opening quote is at `open`, or the end of the text
/// where the literal is not closed.
pub fn string_end(text: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(found) =
        text.get(at..).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\\')))
    {
        at += found;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

/// Returns the end of the value that begins at `at`, in a text that is known to be JSON.
pub fn value_end(text: &[u8], at: usize) -> usize {
    let (mut depth, mut end) = (0_usize, at);
    while let Some(byte) = text.get(end) {
        match byte {
            b'"' => end = string_end(text, end),
            b'{' | b'[' => (depth, end) = (depth + 1, end + 1),
            b'}' | b']' if depth > 0 => (depth, end) = (depth - 1, end + 1),
            b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return end,
            _ => end += 1,
        }
        if depth == 0 && matches!(byte, b'"' | b'}' | b']') {
            return end;
        }
    }
    end
}

/// Returns the position of the first byte from `at` that is not white space.
pub fn skip_whitespace(text: &[u8], at: usize) -> usize {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().position(|byte| !is_space(byte)).map_or(text.len(), |skipped| at + skipped)
}

/// Returns the position of the first bracket that nests deeper than `max_depth`, whether or not the
/// text is valid.
pub fn find_excessive_depth(text: &[u8], max_depth: usize) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' | b'[' if depth == max_depth => return Some(at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at = if *byte == b'"' { string_end(text, at) } else { at + 1 };
    }
    None
}

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
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_string_ends_at_its_quote_or_with_the_text() {
        for (text, end) in
            [(r#""a\"b",1"#, 6), (r#""\\"x"#, 4), (r#""open"#, 5), (r#""open\"#, 6), (r#"""#, 1)]
        {
            assert_eq!(string_end(text.as_bytes(), 0), end, "{text}");
        }
    }

    #[test]
    fn only_brackets_outside_of_strings_nest() {
        assert_eq!(find_excessive_depth(br#"[["[[[["], []]"#, 2), None);
        assert_eq!(find_excessive_depth(br#"[["]"#, 1), Some(1));
        assert_eq!(find_excessive_depth(b"]]][", 1), None, "closing brackets alone");
        assert_eq!(find_excessive_depth(b"[[][]]", 2), None, "siblings");
    }

    proptest! {
        #[test]
        fn a_value_ends_where_its_text_ends(key in "\\PC{0,8}", text in "\\PC{0,12}", number in any::<i32>()) {
            for value in [
                Value::from(text.clone()),
                Value::from(number),
                serde_json::json!([{ key.clone(): [text.clone()] }, null, true]),
            ] {
                let json = value.to_string();
                for after in [",1", "}", " ", "\n]", ""] {
                    prop_assert_eq!(value_end(format!("{json}{after}").as_bytes(), 0), json.len());
                }
            }
        }

        #[test]
        fn no_text_leads_beyond_its_end(text in "[\\[\\]{}\",:\\\\ \nx]{0,30}", at in 0..32_usize) {
            let bytes = text.as_bytes();
            for end in [string_end(bytes, at), value_end(bytes, at.min(bytes.len())), skip_whitespace(bytes, at)] {
                prop_assert!(end <= bytes.len(), "{end}");
            }
            find_excessive_depth(bytes, 2);
        }
    }
}

#[cfg(test)]
mod json_values_tests {
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
