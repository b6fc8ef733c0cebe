//! Editor for one key of a dotenv file; every other byte of the file stays as it is.
//!
//! There are as many dotenv dialects as readers, so the output is restricted to what means the same
//! in all of them: a bare word where the secret allows it, else single quotes. Other values are
//! rejected. Start at [`set`] and [`get`].

use std::ops::Range;

use zeroize::Zeroizing;

use crate::domain::identify::reference::{SecretReference, recognize_reference};

/// Error for a text that is not a dotenv file.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine) struct DotenvParseError {
    /// Line, from 1.
    pub line: usize,
    /// The error, without any content of the file.
    pub why: &'static str,
}

/// One `KEY=value` assignment.
#[derive(Debug)]
pub(in crate::engine) struct DotenvAssignment<'a> {
    /// The key.
    pub key: &'a str,
    /// The value without its quotes, with escapes as in the file.
    pub value: &'a str,
    /// Span of the value in the text, including its quotes.
    span: Range<usize>,
    quote: Option<char>,
}

impl DotenvAssignment<'_> {
    /// Returns the line of the value, from 1.
    pub(in crate::engine) fn line(&self, text: &str) -> usize {
        text[..self.span.start].matches('\n').count() + 1
    }

    /// Returns what the value refers to, if it is no secret itself. Backticks are quotes to some
    /// readers and a command to others.
    pub(in crate::engine) fn reference(&self) -> Option<SecretReference> {
        if self.quote == Some('`') {
            let quoted = Zeroizing::new(format!("`{}`", self.value));
            return recognize_reference(&quoted);
        }
        recognize_reference(self.value)
    }
}

/// Returns the text with `key` set to `value` in every assignment of the key, or in a new last line
/// where there is none. Returns `Ok(None)` if no notation of the value means the same to every
/// reader.
pub(in crate::engine) fn set(
    text: &str,
    key: &str,
    value: &str,
) -> Result<Option<Zeroizing<String>>, DotenvParseError> {
    let places: Vec<_> =
        assignments(text)?.into_iter().filter(|assignment| assignment.key == key).collect();
    let mut changed = Zeroizing::new(text.to_owned());
    for place in places.iter().rev() {
        // The backticks of a command would run the value.
        let quote = place.quote.filter(|_| place.reference().is_none());
        let Some(written) = quote_value(value, quote) else { return Ok(None) };
        changed.replace_range(place.span.clone(), &written);
    }
    if places.is_empty() {
        let Some(written) = quote_value(value, None) else { return Ok(None) };
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let before = if text.is_empty() || text.ends_with('\n') { "" } else { end };
        changed.extend([before, key, "=", &written, end]);
    }
    Ok(Some(changed))
}

/// Returns the text without this value: every assignment of the key that holds it becomes empty. An
/// assignment of the same key with another value stays.
pub(in crate::engine) fn clear(
    text: &str,
    key: &str,
    value: &str,
) -> Result<Zeroizing<String>, DotenvParseError> {
    let mut changed = Zeroizing::new(text.to_owned());
    let all = assignments(text)?;
    for found in all.iter().rev().filter(|found| found.key == key && found.value == value) {
        changed.replace_range(found.span.clone(), "''");
    }
    Ok(changed)
}

/// Returns the lines of a key that is assigned more than once, with different values; empty for any
/// other key. A new value for all of them would destroy one.
pub(in crate::engine) fn repeated_lines(
    text: &str,
    key: &str,
) -> Result<Vec<usize>, DotenvParseError> {
    let all = assignments(text)?;
    let found = || all.iter().filter(|one| one.key == key && !one.value.is_empty());
    let differs = found().any(|one| found().any(|other| one.value != other.value));
    Ok(if differs { found().map(|one| one.line(text)).collect() } else { Vec::new() })
}

/// Returns the value that readers see, which is that of the last assignment.
pub(in crate::engine) fn get<'a>(
    text: &'a str,
    key: &str,
) -> Result<Option<&'a str>, DotenvParseError> {
    Ok(assignments(text)?
        .into_iter()
        .rfind(|assignment| assignment.key == key)
        .map(|assignment| assignment.value))
}

/// Returns all assignments, in order. A line that is neither an assignment nor a comment makes the
/// whole text invalid.
pub(in crate::engine) fn assignments(
    text: &str,
) -> Result<Vec<DotenvAssignment<'_>>, DotenvParseError> {
    let mut found = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while at < text.len() {
        let line = &text[at..];
        let line = &line[..line.find('\n').map_or(line.len(), |end| end + 1)];
        let invalid = |why| DotenvParseError { line: text[..at].matches('\n').count() + 1, why };
        at = match classify_line(line) {
            DotenvLine::Blank => at + line.len(),
            DotenvLine::Invalid => {
                return Err(invalid("neither an assignment nor a comment"));
            }
            DotenvLine::Assignment { key, offset } => {
                let value = parse_value(text, at + offset).map_err(invalid)?;
                let end = end_of_line(text, value.span.end);
                found.push(DotenvAssignment { key, ..value });
                end
            }
        };
    }
    Ok(found)
}

/// Returns whether a text is a valid key.
pub(in crate::engine) fn is_valid_key(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// Classification of a line by its beginning.
enum DotenvLine<'a> {
    Blank,
    Assignment { key: &'a str, offset: usize },
    Invalid,
}

fn classify_line(line: &str) -> DotenvLine<'_> {
    let content = line.trim();
    if content.is_empty() || content.starts_with('#') {
        return DotenvLine::Blank;
    }
    let bare = content
        .strip_prefix("export")
        .filter(|rest| rest.starts_with([' ', '\t']))
        .map_or(content, str::trim_start);
    match line.split_once('=') {
        // A key alone declares a variable without a value.
        None if is_valid_key(bare) => DotenvLine::Blank,
        None => DotenvLine::Invalid,
        Some((before, _)) => {
            let key = before.trim();
            let key = key
                .strip_prefix("export")
                .filter(|rest| rest.starts_with([' ', '\t']))
                .map_or(key, str::trim_start);
            if is_valid_key(key) {
                DotenvLine::Assignment { key, offset: before.len() + 1 }
            } else {
                DotenvLine::Invalid
            }
        }
    }
}

/// Parses the value that begins at or after `at`. Its key is not known here.
fn parse_value(text: &str, at: usize) -> Result<DotenvAssignment<'_>, &'static str> {
    let rest = &text[at..];
    let start = at + rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let rest = &text[start..];
    let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"' | '`')) else {
        let line = &rest[..rest.find(['\n', '\r']).unwrap_or(rest.len())];
        let value = line[..comment_start(line)].trim_end();
        return Ok(DotenvAssignment {
            key: "",
            value,
            span: start..start + value.len(),
            quote: None,
        });
    };
    let inner = &rest[1..];
    let close = closing_quote(inner, quote).ok_or("a quote is not closed")?;
    let end = start + close + 2;
    let after = text[end..end_of_line(text, end)].trim();
    if !after.is_empty() && !after.starts_with('#') {
        return Err("text after the closing quote");
    }
    Ok(DotenvAssignment { key: "", value: &inner[..close], span: start..end, quote: Some(quote) })
}

/// Returns the position of the comment after a bare value.
fn comment_start(line: &str) -> usize {
    let begins = |(at, _): &(usize, &str)| *at == 0 || line[..*at].ends_with([' ', '\t']);
    line.match_indices('#').find(begins).map_or(line.len(), |(at, _)| at)
}

/// Returns the position of the closing quote. Only double quotes have escapes.
fn closing_quote(inner: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    inner.char_indices().find_map(|(at, c)| {
        let closes = c == quote && !escaped;
        escaped = quote == '"' && c == '\\' && !escaped;
        closes.then_some(at)
    })
}

fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// Formats the value, with the previous quotes where every dialect reads them the same way.
fn quote_value(value: &str, quote: Option<char>) -> Option<Zeroizing<String>> {
    let bare = !value.is_empty()
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "_.:/+=@%,-".contains(c));
    let quote = match quote {
        Some(quote) if bare => quote.to_string(),
        None if bare => String::new(),
        _ if value.contains(|c: char| c == '\'' || c.is_control()) => return None,
        _ => '\''.to_string(),
    };
    Some(Zeroizing::new(format!("{quote}{value}{quote}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(text: &str, value: &str) -> String {
        set(text, "TOKEN", value).unwrap().unwrap().to_string()
    }

    #[test]
    fn only_the_value_changes() {
        for (before, expected) in [
            ("TOKEN=old\n", "TOKEN=new\n"),
            ("A=1\r\nTOKEN=old\r\nB=2\r\n", "A=1\r\nTOKEN=new\r\nB=2\r\n"),
            ("export TOKEN=\"old\"", "export TOKEN=\"new\""),
            ("  TOKEN = 'old' # why\n", "  TOKEN = 'new' # why\n"),
            ("TOKEN=old # why\n", "TOKEN=new # why\n"),
            ("TOKEN=o#ld\n", "TOKEN=new\n"),
            ("TOKEN=\n", "TOKEN=new\n"),
            ("TOKEN=one\nTOKEN=two\n", "TOKEN=new\nTOKEN=new\n"),
            ("TOKEN=`pass show it`\n", "TOKEN=new\n"),
            ("#TOKEN=old\nMY_TOKEN=x\n", "#TOKEN=old\nMY_TOKEN=x\nTOKEN=new\n"),
            ("K=\"a\nTOKEN=inside\n\"\nTOKEN=old", "K=\"a\nTOKEN=inside\n\"\nTOKEN=new"),
            ("K=\"a\\\"b\"\nTOKEN=`old1`\n", "K=\"a\\\"b\"\nTOKEN=`new`\n"),
            ("\u{feff}TOKEN=old\n", "\u{feff}TOKEN=new\n"),
        ] {
            assert_eq!(after(before, "new"), expected);
        }
    }

    #[test]
    fn a_key_that_is_missing_comes_last_with_the_files_own_line_ends() {
        assert_eq!(after("", "new"), "TOKEN=new\n");
        assert_eq!(after("A=1", "new"), "A=1\nTOKEN=new\n");
        assert_eq!(after("A=1\r\nB=2", "new"), "A=1\r\nB=2\r\nTOKEN=new\r\n");
    }

    #[test]
    fn odd_secrets_are_quoted_and_impossible_ones_refused() {
        assert_eq!(after("TOKEN=old\n", "a$b#c d"), "TOKEN='a$b#c d'\n");
        assert_eq!(after("TOKEN=\"old\"\n", "a\"b\\c"), "TOKEN='a\"b\\c'\n");
        for impossible in ["it's", "two\nlines"] {
            assert!(set("TOKEN=old\n", "TOKEN", impossible).unwrap().is_none());
        }
    }

    #[test]
    fn what_is_no_dotenv_file_is_reported_with_its_line() {
        for (text, line) in [
            ("{\n  \"TOKEN\": 1\n}\n", 1),
            ("A=1\nB=\"open\nC=2\n", 2),
            ("A=1\nnot an assignment\n", 2),
            ("A='x'y\n", 1),
            ("[default]\nTOKEN=1\n", 1),
        ] {
            assert_eq!(set(text, "TOKEN", "new").unwrap_err().line, line, "{text}");
        }
    }

    #[test]
    fn of_a_key_that_stands_twice_only_the_named_value_goes() {
        for (before, after) in [
            ("TOKEN=one\nTOKEN=two\n", "TOKEN=one\nTOKEN=''\n"),
            ("TOKEN='two'\nA=two\nTOKEN=\"two\" # x\n", "TOKEN=''\nA=two\nTOKEN='' # x\n"),
            ("TOKEN=one\n", "TOKEN=one\n"),
        ] {
            assert_eq!(*clear(before, "TOKEN", "two").unwrap(), after);
        }
        for (text, lines) in [
            ("TOKEN=one\nA=1\nTOKEN=two\n", vec![1, 3]),
            ("TOKEN=one\nTOKEN=one\n", vec![]),
            ("TOKEN=\nTOKEN=two\n", vec![]),
            ("TOKEN=one\n", vec![]),
        ] {
            assert_eq!(repeated_lines(text, "TOKEN"), Ok(lines), "{text}");
        }
    }

    #[test]
    fn a_reference_is_told_from_a_quoted_token() {
        let reference =
            |text: &str| assignments(text).unwrap()[0].reference().map(|found| found.to_string());
        for text in ["T=$(pass show x)", "T=`pass show x`", "T=\"${X}\"", "T='op://a/b'"] {
            assert!(reference(text).is_some(), "{text}");
        }
        assert_eq!(reference("T=`5ec2e7aa-0000-4000-8000-00c0ffee0001`"), None);
    }

    #[test]
    fn the_last_value_counts() {
        assert_eq!(get("T=1\nT='2'\n", "T"), Ok(Some("2")));
        assert_eq!(get("export OTHER\n", "T"), Ok(None));
    }

    proptest! {
        #[test]
        fn what_is_set_is_what_is_read(before in "([A-Z]{1,3} ?= ?['\"]?[a-z #]{0,4}['\"]?\r?\n|#.{0,5}\n|\n){0,6}", value in "[ -~]{1,40}") {
            if let Ok(Some(changed)) = set(&before, "TOKEN", &value) {
                prop_assert_eq!(get(&changed, "TOKEN"), Ok(Some(value.as_str())));
            }
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[A-Z='\"`# \\\\\r\né\u{feff}]{0,60}") {
            let _ = set(&text, "A", "value");
        }
    }
}
