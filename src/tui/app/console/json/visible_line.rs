//! Visible line of a document and its tokens, computed each time it is drawn.
//!
//! Nothing is measured: the length of the key is stored, and the rest follows from the end of the
//! line. So a line of 10 MB is as cheap to draw as a short one. Start at [`VisibleLine::tokens`].

use std::borrow::Cow;
use std::ops::Range;

use super::document_lines::{DocumentKind, LineParts};
use crate::tui::app::console::json::document_lines::SearchPattern;

/// A visible line.
#[derive(Debug)]
pub struct VisibleLine<'a> {
    /// Number among all lines, folded or not, from 0.
    pub line: usize,
    /// Number of enclosing containers.
    pub depth: usize,
    /// Whether the cursor is on it.
    pub under_cursor: bool,
    /// Fold state of the line.
    pub fold: FoldState,
    /// Text as it is in the document, without indentation.
    pub text: &'a str,
    pub(super) parts: LineParts<'a>,
    pub(super) kind: DocumentKind,
    pub(super) pattern: Option<&'a SearchPattern>,
}

/// Fold state of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoldState {
    /// The line opens no container.
    NotFoldable,
    /// The container is shown member by member.
    Expanded,
    /// The container is shown as one line.
    Folded {
        /// Number of hidden members.
        members: u32,
        /// Whether a sibling follows.
        more: bool,
    },
}

/// Token of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineToken<'a> {
    /// Kind of the token.
    pub kind: TokenKind,
    /// Text as it is in the document.
    pub text: Cow<'a, str>,
}

/// Kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Name of a member, with its quotes.
    Key,
    /// String, with its quotes.
    String,
    /// Number.
    Number,
    /// `true`, `false` or `null`.
    Keyword,
    /// Bracket, colon or comma.
    Punctuation,
    /// Summary of folded members.
    Summary,
    /// Line of a text that is not JSON.
    Plain,
    /// Added line of a diff.
    Added,
    /// Removed line of a diff.
    Removed,
}

impl<'a> VisibleLine<'a> {
    /// Returns the tokens of the line from left to right, without indentation.
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

    /// Returns the search matches within the first `limit` bytes of [`VisibleLine::text`].
    pub fn matches(&self, limit: usize) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let end =
            (0..=limit.min(self.text.len())).rev().find(|end| self.text.is_char_boundary(*end));
        let shown = &self.text[..end.unwrap_or(0)];
        self.pattern.into_iter().flat_map(move |needle| needle.matches(shown))
    }

    /// Returns what follows the value: a comma or nothing, or the rest of a folded container.
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
