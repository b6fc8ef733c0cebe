//! Editor for one member of a JSON file; every other byte of the file stays as it is, including
//! white space, order and numbers of any length.
//!
//! Start at [`JsonDocument::parse`], [`JsonDocument::get`] and [`JsonDocument::set`].

use std::ops::Range;

use zeroize::Zeroizing;

use crate::util::json_scan::{find_excessive_depth, skip_whitespace, value_end};

/// Why a text could not be read or changed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine) enum JsonEditError {
    /// The text is not JSON or not accepted here: the line, from 1, and the reason.
    Malformed(usize, &'static str),
    /// The text is JSON, but it does not contain the location.
    LocationNotFound(String),
}

/// Maximum nesting of values, equal to the limit of the other JSON parsers in this program.
const MAX_JSON_DEPTH: usize = 127;

/// A text that was verified to be JSON with limited nesting.
#[derive(Clone, Copy)]
pub(in crate::engine) struct JsonDocument<'a> {
    text: &'a str,
    root: usize,
}

/// A string in a document.
pub(in crate::engine) struct JsonString {
    /// Its JSON pointer.
    pub pointer: String,
    /// The string.
    pub text: Zeroizing<String>,
    /// Span of the string in the document, with its quotes.
    span: Range<usize>,
}

/// A member of an object, or an element of an array.
struct JsonMember {
    name: String,
    value: Range<usize>,
}

impl<'a> JsonDocument<'a> {
    /// Parses the whole text as JSON.
    pub(in crate::engine) fn parse(text: &'a str) -> Result<Self, JsonEditError> {
        let root = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        serde_json::from_str::<serde::de::IgnoredAny>(&text[root..])
            .map_err(|error| JsonEditError::Malformed(error.line(), "not valid JSON"))?;
        // The parser above has no nesting limit.
        if let Some(at) = find_excessive_depth(text.as_bytes(), MAX_JSON_DEPTH) {
            let line = text[..at].matches('\n').count() + 1;
            return Err(JsonEditError::Malformed(line, "values are nested too deeply"));
        }
        Ok(Self { text, root: skip_whitespace(text.as_bytes(), root) })
    }

    /// Returns the string at the JSON pointer; `None` where there is none.
    pub(in crate::engine) fn get(
        self,
        pointer: &str,
    ) -> Result<Option<Zeroizing<String>>, JsonEditError> {
        let (parent, last) = self.resolve_parent(pointer)?;
        Ok(self
            .members(parent)?
            .into_iter()
            .rfind(|member| member.name == last)
            .and_then(|member| self.string_at(&member.value)))
    }

    /// Returns the whole text with the member at the JSON pointer set. A missing member is added to
    /// its object; a member that is neither a string nor null is not overwritten.
    pub(in crate::engine) fn set(
        self,
        pointer: &str,
        value: &str,
    ) -> Result<Zeroizing<String>, JsonEditError> {
        let (parent, last) = self.resolve_parent(pointer)?;
        self.set_members(parent, &last, |name| name == last, value)
    }

    /// Returns the whole text with a member of the root object set; the name matches in any case.
    pub(in crate::engine) fn set_ignore_case(
        self,
        name: &str,
        value: &str,
    ) -> Result<Zeroizing<String>, JsonEditError> {
        self.set_members(self.root, name, |known| known.eq_ignore_ascii_case(name), value)
    }

    /// Returns a string among the members of the root object; the name matches in any case.
    pub(in crate::engine) fn get_ignore_case(
        self,
        name: &str,
    ) -> Result<Option<Zeroizing<String>>, JsonEditError> {
        let members = self.members(self.root)?;
        let found = members.into_iter().rfind(|member| member.name.eq_ignore_ascii_case(name));
        Ok(found.and_then(|member| self.string_at(&member.value)))
    }

    /// Returns all strings in the document, with their JSON pointers. A pointer stands more than once
    /// where a member does.
    pub(in crate::engine) fn strings(self) -> Vec<JsonString> {
        let mut found = Vec::new();
        self.collect_strings(
            &(self.root..value_end(self.text.as_bytes(), self.root)),
            "",
            &mut found,
        );
        found
    }

    /// Returns the whole text without this string: every member at a matching pointer that holds it
    /// becomes empty. A member of the same name with another string stays.
    pub(in crate::engine) fn clear(
        self,
        is_pointer: impl Fn(&str) -> bool,
        text: &str,
    ) -> Zeroizing<String> {
        let mut changed = Zeroizing::new(self.text.to_owned());
        for found in self.strings().iter().rev() {
            if is_pointer(&found.pointer) && found.text.as_str() == text {
                changed.replace_range(found.span.clone(), "\"\"");
            }
        }
        changed
    }

    /// Returns the lines of a member that stands more than once, with different strings; empty for
    /// any other member. A new value for all of them would destroy one.
    pub(in crate::engine) fn repeated_lines(self, is_pointer: impl Fn(&str) -> bool) -> Vec<usize> {
        let all = self.strings();
        let found = || all.iter().filter(|one| is_pointer(&one.pointer) && !one.text.is_empty());
        let differs = found().any(|one| found().any(|other| one.text != other.text));
        if differs { found().map(|one| self.line(one)).collect() } else { Vec::new() }
    }

    /// Returns the line of a string, from 1.
    pub(in crate::engine) fn line(self, found: &JsonString) -> usize {
        self.text[..found.span.start].matches('\n').count() + 1
    }

    /// Collects the strings of a value recursively; the nesting was limited when the text was
    /// parsed.
    fn collect_strings(self, span: &Range<usize>, pointer: &str, found: &mut Vec<JsonString>) {
        if let Some(text) = self.string_at(span) {
            found.push(JsonString { pointer: pointer.to_owned(), text, span: span.clone() });
        }
        for member in self.members(span.start).unwrap_or_default() {
            let name = member.name.replace('~', "~0").replace('/', "~1");
            self.collect_strings(&member.value, &format!("{pointer}/{name}"), found);
        }
    }

    fn set_members(
        self,
        parent: usize,
        name: &str,
        is_it: impl Fn(&str) -> bool,
        value: &str,
    ) -> Result<Zeroizing<String>, JsonEditError> {
        let places: Vec<_> =
            self.members(parent)?.into_iter().filter(|member| is_it(&member.name)).collect();
        let written = json_string(value);
        if places.is_empty() {
            return self.insert_member(parent, name, &written);
        }
        let mut changed = Zeroizing::new(self.text.to_owned());
        for place in places.iter().rev() {
            let before = &self.text[place.value.clone()];
            if !before.starts_with('"') && before != "null" {
                return Err(JsonEditError::LocationNotFound(format!(
                    "\"{name}\" is neither a string nor null"
                )));
            }
            changed.replace_range(place.value.clone(), &written);
        }
        Ok(changed)
    }

    /// Inserts a member at the first position, with the white space of the previous first member.
    fn insert_member(
        self,
        parent: usize,
        name: &str,
        written: &str,
    ) -> Result<Zeroizing<String>, JsonEditError> {
        if !self.text[parent..].starts_with('{') {
            return Err(JsonEditError::LocationNotFound(format!(
                "the array has no element {name}"
            )));
        }
        let inside = parent + 1;
        let first = skip_whitespace(self.text.as_bytes(), inside);
        let empty = self.text[first..].starts_with('}');
        let blanks = if empty { "" } else { &self.text[inside..first] };
        let colon = if blanks.is_empty() { ":" } else { ": " };
        let comma = if empty { "" } else { "," };
        let member =
            Zeroizing::new(format!("{blanks}{}{colon}{written}{comma}", *json_string(name)));
        Ok(Zeroizing::new([&self.text[..inside], &member, &self.text[inside..]].concat()))
    }

    /// Returns the position of the value that contains the last part of the pointer, and that part.
    fn resolve_parent(self, pointer: &str) -> Result<(usize, String), JsonEditError> {
        let no_pointer = || {
            JsonEditError::LocationNotFound(format!(
                "\"{pointer}\" is not a JSON pointer such as /auth/token"
            ))
        };
        let mut parts: Vec<String> = pointer
            .strip_prefix('/')
            .ok_or_else(no_pointer)?
            .split('/')
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .collect();
        let last = parts.pop().ok_or_else(no_pointer)?;
        let parent = parts.iter().try_fold(self.root, |at, part| {
            let found = self.members(at)?.into_iter().rfind(|member| member.name == *part);
            found.map(|member| member.value.start).ok_or_else(|| {
                JsonEditError::LocationNotFound(format!("there is no member \"{part}\""))
            })
        })?;
        Ok((parent, last))
    }

    /// Returns the members of the object, or the elements of the array, that begins at `at`.
    fn members(self, at: usize) -> Result<Vec<JsonMember>, JsonEditError> {
        let is_object = match self.text.as_bytes().get(at) {
            Some(b'{') => true,
            Some(b'[') => false,
            _ => {
                return Err(JsonEditError::LocationNotFound(
                    "the location is in neither an object nor an array".to_owned(),
                ));
            }
        };
        let mut found = Vec::new();
        let mut at = skip_whitespace(self.text.as_bytes(), at + 1);
        while !self.text[at..].starts_with(['}', ']']) {
            let name = if is_object {
                let end = value_end(self.text.as_bytes(), at);
                let name =
                    self.string_at(&(at..end)).map(|name| name.to_string()).unwrap_or_default();
                // Skip the name and its colon.
                at = skip_whitespace(
                    self.text.as_bytes(),
                    skip_whitespace(self.text.as_bytes(), end) + 1,
                );
                name
            } else {
                found.len().to_string()
            };
            let value = at..value_end(self.text.as_bytes(), at);
            at = skip_whitespace(self.text.as_bytes(), value.end);
            found.push(JsonMember { name, value });
            if self.text[at..].starts_with(',') {
                at = skip_whitespace(self.text.as_bytes(), at + 1);
            }
        }
        Ok(found)
    }

    fn string_at(self, span: &Range<usize>) -> Option<Zeroizing<String>> {
        serde_json::from_str(&self.text[span.clone()]).ok().map(Zeroizing::new)
    }
}

fn json_string(text: &str) -> Zeroizing<String> {
    Zeroizing::new(serde_json::Value::from(text).to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn set(text: &str, pointer: &str) -> Result<String, JsonEditError> {
        JsonDocument::parse(text)?.set(pointer, "new").map(|text| text.to_string())
    }

    #[test]
    fn only_the_member_changes() {
        for (before, pointer, after) in [
            ("{\"a\": \"old\"}\n", "/a", "{\"a\": \"new\"}\n"),
            (
                "{ \"n\": 1.0000000000000000001, \"a\" : null }",
                "/a",
                "{ \"n\": 1.0000000000000000001, \"a\" : \"new\" }",
            ),
            (
                "{\r\n\t\"x\": {\"a\": \"o\\\"ld\"}\r\n}",
                "/x/a",
                "{\r\n\t\"x\": {\"a\": \"new\"}\r\n}",
            ),
            ("[{\"a\": \"1\"}, {\"a\": \"old\"}]", "/1/a", "[{\"a\": \"1\"}, {\"a\": \"new\"}]"),
            ("{\"a/b\": {\"~\": \"old\"}}", "/a~1b/~0", "{\"a/b\": {\"~\": \"new\"}}"),
            ("{\"a\": \"one\", \"a\": \"two\"}", "/a", "{\"a\": \"new\", \"a\": \"new\"}"),
            ("\u{feff}{\"a\": \"old\"}", "/a", "\u{feff}{\"a\": \"new\"}"),
        ] {
            assert_eq!(set(before, pointer).as_deref(), Ok(after));
        }
    }

    #[test]
    fn a_missing_member_comes_first_in_the_files_own_style() {
        assert_eq!(set("{}", "/a").as_deref(), Ok("{\"a\":\"new\"}"));
        assert_eq!(set("{\"b\":1}", "/a").as_deref(), Ok("{\"a\":\"new\",\"b\":1}"));
        assert_eq!(
            set("{\n\t\"b\": 1\n}", "/a").as_deref(),
            Ok("{\n\t\"a\": \"new\",\n\t\"b\": 1\n}")
        );
    }

    #[test]
    fn no_place_is_no_place() {
        for (text, pointer) in [
            ("{\"a\": 1}", "/a"),
            ("{\"a\": {}}", "/a"),
            ("{\"a\": \"x\"}", "/a/b"),
            ("{}", "/b/a"),
            ("[]", "/0"),
            ("\"x\"", "/a"),
            ("{}", "a"),
            ("{}", ""),
        ] {
            assert!(
                matches!(set(text, pointer), Err(JsonEditError::LocationNotFound(_))),
                "{text} {pointer}"
            );
        }
    }

    #[test]
    fn garbage_is_reported_with_its_line() {
        for (text, line) in
            [("{\n\"a\": \"x\"\n", 3), ("", 1), ("{} {}", 1), ("A=1\n", 1), ("{\"a\": 'x'}", 1)]
        {
            assert!(
                matches!(set(text, "/a"), Err(JsonEditError::Malformed(found, _)) if found <= line),
                "{text}"
            );
        }
    }

    #[test]
    fn what_nests_without_end_is_refused_with_its_line() {
        let nested = |deep: usize| format!("\n{}\"]\"{}", "[".repeat(deep), "]".repeat(deep));
        assert_eq!(JsonDocument::parse(&nested(MAX_JSON_DEPTH)).unwrap().strings().len(), 1);
        for deep in [MAX_JSON_DEPTH + 1, 200_000] {
            assert!(
                matches!(JsonDocument::parse(&nested(deep)), Err(JsonEditError::Malformed(2, why)) if why.contains("deeply"))
            );
        }
        let wide = format!("[{}]", vec!["[[]]"; 1000].join(","));
        assert!(JsonDocument::parse(&wide).is_ok(), "side by side is not in one another");
    }

    #[test]
    fn names_in_any_case_are_one_name() {
        let document =
            JsonDocument::parse("{\"API\": \"old\", \"Api\": \"older\", \"org\": \"o\"}").unwrap();
        let changed = document.set_ignore_case("api", "new").unwrap();
        assert_eq!(*changed, "{\"API\": \"new\", \"Api\": \"new\", \"org\": \"o\"}");
        assert_eq!(
            document.get_ignore_case("ORG").unwrap().as_deref().map(String::as_str),
            Some("o")
        );
    }

    #[test]
    fn of_a_member_that_stands_twice_only_the_named_string_goes() {
        let text =
            "{\"a\": {\"t\": \"one\"},\n \"a\": {\"t\": \"two\", \"t\": \"two\"}, \"b\": \"two\"}";
        let document = JsonDocument::parse(text).unwrap();
        let cleared = document.clear(|pointer| pointer == "/a/t", "two");
        assert_eq!(
            *cleared,
            "{\"a\": {\"t\": \"one\"},\n \"a\": {\"t\": \"\", \"t\": \"\"}, \"b\": \"two\"}"
        );
        assert_eq!(document.repeated_lines(|pointer| pointer == "/a/t"), [1, 2, 2]);
        assert_eq!(document.repeated_lines(|pointer| pointer == "/b"), [0; 0]);
        let same = JsonDocument::parse("{\"a\": \"x\", \"A\": \"x\", \"a\": null}").unwrap();
        assert_eq!(same.repeated_lines(|pointer| pointer.eq_ignore_ascii_case("/a")), [0; 0]);
    }

    #[test]
    fn all_texts_come_with_their_pointers() {
        let document = JsonDocument::parse("{\"a\": [1, {\"b/c\": \"x\"}], \"d\": \"y\"}").unwrap();
        let found: Vec<_> = document
            .strings()
            .into_iter()
            .map(|found| format!("{} {}", found.pointer, *found.text))
            .collect();
        assert_eq!(found, ["/a/1/b~1c x", "/d y"]);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-z\"\\\\~/]{0,3}", inner, 0..4)
                    .prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_set_is_what_every_reader_sees(inner in values(), value in "\\PC{0,20}", pretty in any::<bool>()) {
            let whole = json!({ "before": inner, "place": { "x": inner, "token": "old" }, "after": inner });
            let text = if pretty { serde_json::to_string_pretty(&whole).unwrap() } else { whole.to_string() };
            let changed = JsonDocument::parse(&text).unwrap().set("/place/token", &value).unwrap();
            let mut expected = whole.clone();
            expected["place"]["token"] = json!(value);
            prop_assert_eq!(serde_json::from_str::<Value>(&changed).unwrap(), expected);
            let read = JsonDocument::parse(&changed).unwrap().get("/place/token").unwrap();
            prop_assert_eq!(read.as_deref(), Some(&value));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[{}\\[\\]\",:a1 \\\\\n]{0,40}") {
            let _ = set(&text, "/a");
        }
    }
}
