//! JSON on a terminal: one member per line, indented and colored.
//!
//! The tokens are copied, so numbers, escapes and repeated members stay as they were sent. Start at
//! [`format_json`].

use anstyle::{AnsiColor, Style};

use crate::cli::output::style::ColorMode;
use crate::domain::text::escape_json;
use crate::util::json_scan::{string_end, value_end};
use crate::util::json_values::is_json_space;

/// Kind of a token, which decides its color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenColor {
    Key,
    Text,
    Number,
    Word,
}

/// Formats a text of one or more JSON values. Characters that would control the terminal are
/// escaped.
pub(in crate::cli) fn format_json(json: &str, colors: ColorMode) -> String {
    let escaped = escape_json(json);
    let formatted = String::with_capacity(escaped.len() * 2);
    let mut formatter =
        TerminalJsonWriter { json: &escaped, at: 0, depth: 0, is_fresh: true, colors, formatted };
    while let Some(byte) = formatter.peek() {
        formatter.push_token(byte);
    }
    formatter.formatted
}

struct TerminalJsonWriter<'j> {
    json: &'j str,
    at: usize,
    depth: usize,
    /// Whether nothing of a value at the top level has been written since the last line break.
    is_fresh: bool,
    colors: ColorMode,
    formatted: String,
}

impl TerminalJsonWriter<'_> {
    /// Returns the next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.json.as_bytes().get(self.at..)?;
        let skipped = rest.iter().position(|byte| !is_json_space(*byte))?;
        self.at += skipped;
        Some(rest[skipped])
    }

    fn push_token(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.break_line();
                self.push_sign(byte);
            }
            b',' => {
                self.push_sign(byte);
                self.break_line();
            }
            b':' => {
                self.push_sign(byte);
                self.formatted.push(' ');
            }
            _ => self.push_scalar(byte),
        }
    }

    fn open(&mut self, byte: u8) {
        self.begin_value();
        self.push_sign(byte);
        let closing = if byte == b'{' { b'}' } else { b']' };
        if self.peek() == Some(closing) {
            self.push_sign(closing);
        } else {
            self.depth += 1;
            self.break_line();
        }
    }

    fn push_scalar(&mut self, first: u8) {
        self.begin_value();
        let bytes = self.json.as_bytes();
        let end =
            if first == b'"' { string_end(bytes, self.at) } else { value_end(bytes, self.at) };
        // A sign that no JSON has must not stop the formatting.
        let token = &self.json[self.at..end.max(self.at + 1)];
        self.at += token.len();
        let color = match first {
            b'"' if self.peek() == Some(b':') => TokenColor::Key,
            b'"' => TokenColor::Text,
            b't' | b'f' | b'n' => TokenColor::Word,
            _ => TokenColor::Number,
        };
        let painted = self.colors.paint_in(token, color.style());
        self.formatted.push_str(&painted);
    }

    /// Starts the line of another value at the top level.
    fn begin_value(&mut self) {
        if self.depth == 0 && !std::mem::take(&mut self.is_fresh) {
            self.formatted.push('\n');
        }
    }

    fn push_sign(&mut self, byte: u8) {
        self.formatted.push(char::from(byte));
        self.at += 1;
    }

    fn break_line(&mut self) {
        self.formatted.push('\n');
        self.formatted.extend(std::iter::repeat_n("  ", self.depth));
    }
}

impl TokenColor {
    const fn style(self) -> Style {
        match self {
            Self::Key => AnsiColor::Blue.on_default().bold(),
            Self::Text => AnsiColor::Green.on_default(),
            Self::Number => AnsiColor::Cyan.on_default(),
            Self::Word => AnsiColor::Magenta.on_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_member_per_line_and_every_token_as_it_was() {
        let json = "{\"a\":[1.10,{ },[]],\r\n\"a\":\"\\u00e9\u{9b}\",\"b\":{\"c\":null}} 2 [\"x\"]";
        let expected = "{\n  \"a\": [\n    1.10,\n    {},\n    []\n  ],\n  \"a\": \"\\u00e9\\u009b\",\n  \"b\": {\n    \"c\": null\n  }\n}\n2\n[\n  \"x\"\n]";
        assert_eq!(format_json(json, ColorMode::Plain), expected);
        assert_eq!(format_json("", ColorMode::Plain), "");
        assert_eq!(format_json("\u{1e}1\n\u{1e}2", ColorMode::Plain), "1\n2");
    }

    #[test]
    fn colors_tell_keys_from_values() {
        let colored = format_json(r#"{"a":"b","c":1,"d":true}"#, ColorMode::Colored);
        for (token, code) in [("\"a\"", "34"), ("\"b\"", "32"), ("1", "36"), ("true", "35")] {
            let position = colored.find(&format!("{token}\u{1b}[0m")).unwrap();
            assert!(colored[..position].ends_with(&format!("[{code}m")), "{token}: {colored:?}");
        }
    }
}
