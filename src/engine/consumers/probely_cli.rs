//! Configuration of the Probely CLI: the member `api_key` of the section `AUTH` in
//! `~/.probely/config`.

use std::ops::Range;
use std::path::PathBuf;

use zeroize::Zeroizing;

/// Reason for an error where the member is missing.
pub(super) const MISSING_KEY_REASON: &str = "there is no section [AUTH] with an api_key";

/// Returns the path of the configuration.
pub(super) fn location() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".probely/config"))
}

/// Returns the key in a configuration.
pub(super) fn get(text: &str) -> Option<&str> {
    key_spans(text).into_iter().next().map(|span| &text[span])
}

/// Returns the lines of the key where the configuration has more than one; empty for any other. The
/// CLI itself refuses such a file.
pub(super) fn repeated_lines(text: &str) -> Vec<usize> {
    let spans = key_spans(text);
    let lines = spans.iter().map(|span| text[..span.start].matches('\n').count() + 1);
    if spans.len() > 1 { lines.collect() } else { Vec::new() }
}

/// Returns the configuration with another key; `None` where it has no `api_key` to change.
pub(super) fn set(text: &str, key: &str) -> Option<Zeroizing<String>> {
    let span = key_spans(text).into_iter().next().filter(|_| !key.contains(['\n', '\r']))?;
    Some(Zeroizing::new([&text[..span.start], key, &text[span.end..]].concat()))
}

/// Returns the spans of the value. Section names match exactly and member names in any case, as in
/// Python's reader.
fn key_spans(text: &str) -> Vec<Range<usize>> {
    let (mut is_inside, mut found) = (false, Vec::new());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            is_inside = trimmed == "[AUTH]";
        } else if let Some((name, value)) = line.split_once(['=', ':']).filter(|_| is_inside)
            && name.trim().eq_ignore_ascii_case("api_key")
        {
            let start = at + line.len() - value.trim_start_matches([' ', '\t']).len();
            found.push(start..start + value.trim().len());
        }
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_changes() {
        let before =
            "[SETTINGS]\r\napi_key = not this\r\n[AUTH]\r\nAPI_KEY =  old\r\ndebug = true\r\n";
        assert_eq!(get(before), Some("old"));
        assert_eq!(set(before, "new").unwrap().as_str(), before.replace("old", "new"));
        assert_eq!(set("[AUTH]\napi_key=\n", "new").unwrap().as_str(), "[AUTH]\napi_key=new\n");
    }

    #[test]
    fn a_key_that_stands_twice_is_named_with_its_lines() {
        let text = "[AUTH]\napi_key = one\n[AUTH]\n\nAPI_KEY = two\n";
        assert_eq!(repeated_lines(text), [2, 5]);
        assert_eq!(repeated_lines("[AUTH]\napi_key = one\n"), [0; 0]);
    }

    #[test]
    fn a_file_without_a_place_is_not_changed() {
        for text in ["", "api_key = x\n", "[AUTH]\n", "{\"AUTH\": {\"api_key\": 1}}"] {
            assert!(set(text, "new").is_none(), "{text}");
        }
    }
}
