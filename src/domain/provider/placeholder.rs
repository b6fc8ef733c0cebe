//! Placeholders such as `{org_id}` in paths, queries and bodies.
//!
//! A placeholder is a name of lower-case letters, digits and underscores in braces. Braces of JSON
//! are followed by a quote or whitespace, so they never look like a placeholder. Start at
//! [`fill_template`].

/// Encoding of a value at the position of its placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlaceholderEncoding {
    /// Path segment: percent-encoded, including slashes.
    PathSegment,
    /// Content of a JSON string.
    JsonString,
    /// Unchanged; a later step encodes the value.
    Plain,
}

/// Returns the names of the placeholders in a template, in order, with repetitions.
pub(crate) fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    template_parts(template).filter_map(|piece| match piece {
        TemplatePart::Placeholder(name) => Some(name),
        TemplatePart::Text(_) => None,
    })
}

/// Replaces every placeholder by the result of `value`; fails with the first name for which `value`
/// returns `None`.
pub(crate) fn fill_template(
    template: &str,
    encoding: PlaceholderEncoding,
    value: impl Fn(&str) -> Option<String>,
) -> Result<String, &str> {
    template_parts(template).try_fold(String::with_capacity(template.len()), |filled, piece| {
        match piece {
            TemplatePart::Text(text) => Ok(filled + text),
            TemplatePart::Placeholder(name) => {
                Ok(filled + &encoding.encode(&value(name).ok_or(name)?))
            }
        }
    })
}

enum TemplatePart<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

impl PlaceholderEncoding {
    fn encode(self, value: &str) -> String {
        match self {
            Self::PathSegment => encode_path_segment(value),
            Self::JsonString => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Plain => value.to_owned(),
        }
    }
}

fn template_parts(template: &str) -> impl Iterator<Item = TemplatePart<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = split_first_part(rest);
        rest = after;
        Some(piece)
    })
}

fn split_first_part(text: &str) -> (TemplatePart<'_>, &str) {
    if let Some((name, after)) = strip_placeholder(text) {
        return (TemplatePart::Placeholder(name), after);
    }
    let end = text.char_indices().skip(1).find(|(at, _)| strip_placeholder(&text[*at..]).is_some());
    let (before, after) = text.split_at(end.map_or(text.len(), |(at, _)| at));
    (TemplatePart::Text(before), after)
}

fn strip_placeholder(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    let first = name.bytes().next()?;
    let named = first.is_ascii_lowercase()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    named.then_some((name, after))
}

/// Encodes a value as one path segment: everything except unreserved characters is percent-encoded.
/// The dots of a dot segment are encoded too, because the segment would change the path or be
/// removed.
fn encode_path_segment(value: &str) -> String {
    use std::fmt::Write as _;
    let dots = value.bytes().all(|b| b == b'.');
    value.bytes().fold(String::with_capacity(value.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'~')
            || (byte == b'.' && !dots)
        {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(template: &str, encoding: PlaceholderEncoding, value: &str) -> String {
        fill_template(template, encoding, |_| Some(value.to_owned())).unwrap()
    }

    #[test]
    fn braces_of_json_are_no_placeholders() {
        let body = r#"{"a":{"b":"{org_id}"},"c":{},"d":{ "e": 1 }}"#;
        assert_eq!(placeholders(body).collect::<Vec<_>>(), ["org_id"]);
        assert_eq!(placeholders("{1a}{a-b}{Org}{a b}{_a}{a_1}").collect::<Vec<_>>(), ["a_1"]);
        assert_eq!(
            filled(body, PlaceholderEncoding::JsonString, "x\"y"),
            r#"{"a":{"b":"x\"y"},"c":{},"d":{ "e": 1 }}"#
        );
    }

    #[test]
    fn a_value_cannot_leave_its_path_segment() {
        let path =
            |value| filled("/orgs/{org_id}/projects", PlaceholderEncoding::PathSegment, value);
        assert_eq!(path("a/b"), "/orgs/a%2Fb/projects");
        assert_eq!(path(".."), "/orgs/%2E%2E/projects");
        assert_eq!(path("a?b#c%2f\n"), "/orgs/a%3Fb%23c%252f%0A/projects");
        assert_eq!(path("6b1f-é.x"), "/orgs/6b1f-%C3%A9.x/projects");
    }

    #[test]
    fn the_first_unknown_name_is_reported() {
        assert_eq!(
            fill_template("/{a}/{b}", PlaceholderEncoding::Plain, |name| (name == "a")
                .then(String::new)),
            Err("b")
        );
    }

    proptest! {
        #[test]
        fn filling_nothing_changes_nothing(text in "\\PC*") {
            prop_assert_eq!(fill_template(&text, PlaceholderEncoding::Plain, |name| Some(format!("{{{name}}}"))).unwrap(), text);
        }

        #[test]
        fn a_json_string_stays_one(value in any::<String>()) {
            let json: serde_json::Value = serde_json::from_str(&filled(r#"{"v":"{v}"}"#, PlaceholderEncoding::JsonString, &value)).unwrap();
            prop_assert_eq!(json["v"].as_str(), Some(value.as_str()));
        }
    }
}
