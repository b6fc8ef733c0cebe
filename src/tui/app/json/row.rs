//! One line as it is shown: its tokens, found anew each time it is drawn.
//!
//! Nothing has to be measured: where the key ends is known, and the rest is known from the line's end. So a line of
//! ten megabytes is as cheap to draw as a short one.

use std::borrow::Cow;
use std::ops::Range;

use super::body::{Parts, Sort};
use super::search::Needle;

/// A visible line.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its number among all lines, folded away or not, from 0.
    pub line: usize,
    /// How many containers are around it.
    pub depth: usize,
    /// Whether the cursor is on it.
    pub under_cursor: bool,
    /// Whether it opens a container, and whether that is folded.
    pub fold: Fold,
    /// Its text as it stands in the document, without indentation.
    pub text: &'a str,
    pub(super) parts: Parts<'a>,
    pub(super) sort: Sort,
    pub(super) needle: Option<&'a Needle>,
}

/// Whether a line opens a container, and how that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// It opens none.
    None,
    /// It opens one that is shown member by member.
    Open,
    /// It opens one that is shown as one line.
    Folded {
        /// How many members are not shown.
        members: u32,
        /// Whether a further sibling follows it.
        more: bool,
    },
}

/// A piece of a line with one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub role: Role,
    /// Its text, as it stands in the document.
    pub text: Cow<'a, str>,
}

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The name of a member, with its quotes.
    Key,
    /// A string, with its quotes.
    String,
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Keyword,
    /// Brackets, colons and commas.
    Punctuation,
    /// What stands for folded members.
    Summary,
    /// A line of a text that is not JSON.
    Plain,
    /// A line that is new.
    Added,
    /// A line that is gone.
    Removed,
}

impl<'a> Row<'a> {
    /// The pieces of the line from left to right, without indentation.
    pub fn tokens(&self) -> impl Iterator<Item = Token<'a>> + use<'a> {
        let Parts { key, value, comma } = self.parts;
        let colon = if key.is_empty() { "" } else { ": " };
        let role = match self.sort {
            Sort::Json => role_of(value),
            Sort::Plain => Role::Plain,
            Sort::Changes => role_of_change(value),
        };
        let head = [token(Role::Key, key), token(Role::Punctuation, colon), token(role, value)];
        head.into_iter().chain(self.tail(value, comma)).filter(|token| !token.text.is_empty())
    }

    /// The places in the first `limit` bytes of [`Row::text`] that match the search.
    pub fn matches(&self, limit: usize) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let end = (0..=limit.min(self.text.len())).rev().find(|end| self.text.is_char_boundary(*end));
        let shown = &self.text[..end.unwrap_or(0)];
        self.needle.into_iter().flat_map(move |needle| needle.matches(shown))
    }

    /// What follows the value: a comma or nothing, or the rest of a folded container.
    fn tail(&self, value: &str, comma: &'a str) -> [Token<'a>; 3] {
        let Fold::Folded { members, more } = self.fold else {
            return [token(Role::Summary, ""), token(Role::Punctuation, ""), token(Role::Punctuation, comma)];
        };
        let (noun, close) = if value == "{" { ("member", "}") } else { ("item", "]") };
        let plural = if members == 1 { "" } else { "s" };
        let summary = Token { role: Role::Summary, text: format!("… {members} {noun}{plural}").into() };
        [summary, token(Role::Punctuation, close), token(Role::Punctuation, if more { "," } else { "" })]
    }
}

fn token(role: Role, text: &str) -> Token<'_> {
    Token { role, text: Cow::Borrowed(text) }
}

fn role_of_change(line: &str) -> Role {
    match line.as_bytes().first() {
        Some(b'+') => Role::Added,
        Some(b'-') => Role::Removed,
        _ => Role::Plain,
    }
}

fn role_of(value: &str) -> Role {
    match value.as_bytes().first() {
        Some(b'"') => Role::String,
        Some(b't' | b'f' | b'n') => Role::Keyword,
        Some(b'-' | b'0'..=b'9') => Role::Number,
        _ => Role::Punctuation,
    }
}
