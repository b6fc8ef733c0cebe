//! Search for a secret in escaped text, whatever characters are escaped.
//!
//! Encoders escape different characters, so the possible texts of a secret cannot be listed. The
//! text is compared unit by unit instead: a literal byte, `%41`, a `+` for a space, or a JSON
//! escape. Start at [`find_all`].

use std::ops::Range;

use memchr::memmem;

use crate::util::hex::parse_hex_byte;

/// Finds every occurrence of the secret in the text, literal or escaped.
pub(super) fn find_all(text: &[u8], secret: &[u8]) -> Vec<Range<usize>> {
    // Most texts contain no escapes; then a plain search is enough.
    if may_be_escaped(text, secret) {
        return escaped_ranges(text, secret).collect();
    }
    let starts = memmem::find_iter(text, secret);
    starts.map(|start| start..start + secret.len()).collect()
}

/// Finds every occurrence of the secret in a text that contains escapes.
pub(super) fn escaped_ranges<'a>(
    text: &'a [u8],
    secret: &'a [u8],
) -> impl Iterator<Item = Range<usize>> + 'a {
    let first = secret.first().copied();
    let begins = move |byte: u8| Some(byte) == first || matches!(byte, b'%' | b'\\' | b'+');
    // Every escaped form of a byte has at least one byte, so the secret cannot start later.
    let starts = text.len().saturating_sub(secret.len().saturating_sub(1));
    let escaped = first.is_some() && may_be_escaped(text, secret);
    let candidates = text[..if escaped { starts } else { 0 }].iter().enumerate();
    candidates
        .filter(move |(_, byte)| begins(**byte))
        .filter_map(move |(start, _)| Some(start..start + escaped_length(&text[start..], secret)?))
}

/// Whether a text contains a character that begins an escape.
fn may_be_escaped(text: &[u8], secret: &[u8]) -> bool {
    let has_space = secret.contains(&b' ');
    text.iter().any(|byte| matches!(byte, b'%' | b'\\') || *byte == b'+' && has_space)
}

/// Returns how many bytes at the start of `text` spell the secret.
fn escaped_length(text: &[u8], secret: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (index, byte) in secret.iter().enumerate() {
        match unit_lengths(text.get(at..)?, *byte) {
            [None, None] => return None,
            [Some(length), None] | [None, Some(length)] => at += length,
            [Some(_), Some(_)] => {
                return ambiguous_length(&text[at..], &secret[index..]).map(|length| at + length);
            }
        }
    }
    Some(at)
}

/// Returns the same length where a backslash or a percent sign has two readings. Both are followed
/// step by step, so the work does not grow exponentially.
fn ambiguous_length(text: &[u8], secret: &[u8]) -> Option<usize> {
    let step = |ends: Vec<usize>, byte: &u8| {
        let next = |at: usize| {
            unit_lengths(text.get(at..).unwrap_or_default(), *byte)
                .into_iter()
                .flatten()
                .map(move |length| at + length)
        };
        let mut ends: Vec<usize> = ends.into_iter().flat_map(next).collect();
        ends.sort_unstable();
        ends.dedup();
        (!ends.is_empty()).then_some(ends)
    };
    secret.iter().try_fold(vec![0], step)?.last().copied()
}

/// Returns how many bytes at the start of `text` spell this byte: literally, and escaped.
fn unit_lengths(text: &[u8], byte: u8) -> [Option<usize>; 2] {
    let escaped = match text {
        [b'%', high, low, ..] if parse_hex_byte(&[*high, *low]) == Some(byte) => Some(3),
        [b'\\', b'u', b'0', b'0', high, low, ..]
            if byte.is_ascii() && parse_hex_byte(&[*high, *low]) == Some(byte) =>
        {
            Some(6)
        }
        [b'\\', escaped, ..] if json_escape_value(*escaped) == Some(byte) => Some(2),
        [b'+', ..] if byte == b' ' => Some(1),
        _ => None,
    };
    [(text.first() == Some(&byte)).then_some(1), escaped]
}

fn json_escape_value(escaped: u8) -> Option<u8> {
    match escaped {
        b'"' | b'\\' | b'/' => Some(escaped),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_first(text: &str, secret: &[u8]) -> Option<Range<usize>> {
        find_all(text.as_bytes(), secret).into_iter().next()
    }

    #[test]
    fn every_way_to_escape_is_seen_through() {
        for text in [
            "a b/c\"d",
            "a+b%2Fc%22d",
            "a%20b%2fc\"d",
            "a b\\/c\\\"d",
            "\\u0061 b/c\\u0022d",
            "%61%20%62%2F%63%22%64",
        ] {
            let around = format!("é{text}é");
            assert_eq!(find_first(&around, b"a b/c\"d"), Some(2..2 + text.len()), "{text}");
        }
        for (text, secret) in [
            ("a\\nb", "a\nb"),
            ("a\\rb", "a\rb"),
            ("a\\tb", "a\tb"),
            ("a\\\\b", "a\\b"),
            ("a%25b", "a%b"),
        ] {
            assert_eq!(find_first(text, secret.as_bytes()), Some(0..text.len()), "{text}");
        }
        for text in ["%42b", "\\u0042b", "\\nb", "+b", "a\\u0042", "a%42"] {
            assert_eq!(find_first(text, b"ab"), None, "{text} is something else");
        }
        assert_eq!(find_first("x\\u00e9", &[b'x', 0xe9]), None, "in JSON that is two bytes");
        assert_eq!(find_first("a b/c", b"a b/c\"d"), None);
        assert_eq!(find_first("%", b"%%"), None);
    }
}
