//! One line as it is shown: its tokens, found anew each time it is drawn.
//!
//! Nothing has to be measured: where the key ends is known, and the rest is known from the line's end. So a line of
//! ten megabytes is as cheap to draw as a short one.

use std::borrow::Cow;
use std::ops::Range;

use super::document_lines::{DocumentKind, LineParts};
use super::search::SearchPattern;

/// A visible line.
#[derive(Debug)]
pub struct VisibleLine<'a> {
    /// Its number among all lines, folded away or not, from 0.
    pub line: usize,
    /// How many containers are around it.
    pub depth: usize,
    /// Whether the cursor is on it.
    pub under_cursor: bool,
    /// Whether it opens a container, and whether that is folded.
    pub fold: FoldState,
    /// Its text as it stands in the document, without indentation.
    pub text: &'a str,
    pub(super) parts: LineParts<'a>,
    pub(super) kind: DocumentKind,
    pub(super) pattern: Option<&'a SearchPattern>,
}

/// Whether a line opens a container, and how that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoldState {
    /// It opens none.
    NotFoldable,
    /// It opens one that is shown member by member.
    Expanded,
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
pub struct LineToken<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// Its text, as it stands in the document.
    pub text: Cow<'a, str>,
}

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
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

impl<'a> VisibleLine<'a> {
    /// The pieces of the line from left to right, without indentation.
    pub fn tokens(&self) -> impl Iterator<Item = LineToken<'a>> + use<'a> {
        let LineParts { key, value, comma } = self.parts;
        let colon = if key.is_empty() { "" } else { ": " };
        let role = match self.kind {
            DocumentKind::Json => token_kind(value),
            DocumentKind::Plain => TokenKind::Plain,
            DocumentKind::Diff => diff_token_kind(value),
        };
        let head =
            [token(TokenKind::Key, key), token(TokenKind::Punctuation, colon), token(role, value)];
        head.into_iter()
            .chain(self.trailing_tokens(value, comma))
            .filter(|token| !token.text.is_empty())
    }

    /// The places in the first `limit` bytes of [`VisibleLine::text`] that match the search.
    pub fn matches(&self, limit: usize) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let end =
            (0..=limit.min(self.text.len())).rev().find(|end| self.text.is_char_boundary(*end));
        let shown = &self.text[..end.unwrap_or(0)];
        self.pattern.into_iter().flat_map(move |needle| needle.matches(shown))
    }

    /// What follows the value: a comma or nothing, or the rest of a folded container.
    fn trailing_tokens(&self, value: &str, comma: &'a str) -> [LineToken<'a>; 3] {
        let FoldState::Folded { members, more } = self.fold else {
            return [
                token(TokenKind::Summary, ""),
                token(TokenKind::Punctuation, ""),
                token(TokenKind::Punctuation, comma),
            ];
        };
        let (noun, close) = if value == "{" { ("member", "}") } else { ("item", "]") };
        let plural = if members == 1 { "" } else { "s" };
        let summary = LineToken {
            kind: TokenKind::Summary,
            text: format!("… {members} {noun}{plural}").into(),
        };
        [
            summary,
            token(TokenKind::Punctuation, close),
            token(TokenKind::Punctuation, if more { "," } else { "" }),
        ]
    }
}

fn token(role: TokenKind, text: &str) -> LineToken<'_> {
    LineToken { kind: role, text: Cow::Borrowed(text) }
}

fn diff_token_kind(line: &str) -> TokenKind {
    match line.as_bytes().first() {
        Some(b'+') => TokenKind::Added,
        Some(b'-') => TokenKind::Removed,
        _ => TokenKind::Plain,
    }
}

fn token_kind(value: &str) -> TokenKind {
    match value.as_bytes().first() {
        Some(b'"') => TokenKind::String,
        Some(b't' | b'f' | b'n') => TokenKind::Keyword,
        Some(b'-' | b'0'..=b'9') => TokenKind::Number,
        _ => TokenKind::Punctuation,
    }
}
