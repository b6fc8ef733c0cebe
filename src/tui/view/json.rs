//! Draws the visible lines of a [`FoldableDocument`]: fold marks, tokens, matches and the cursor.
//!
//! Start reading at [`draw`]. Folding, scrolling and searching are in `tui::app::json`.

use std::ops::Range;

use crate::config::theme::GlyphSet;
use crate::tui::app::console::json::{
    FoldState, FoldableDocument, TokenKind, VisibleLine, char_columns,
};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Columns per nesting level.
const INDENT_COLUMNS: usize = 2;

/// Columns on the left that hold the fold marks.
const GUTTER_COLUMNS: u16 = 2;

/// Element of a document that has a style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenStyle {
    /// A token of the text.
    Token(TokenKind),
    /// The mark of a line that can be folded or unfolded.
    FoldMark,
    /// The mark of a line that continues beyond the right edge.
    Overflow,
    /// Overlay of a search match.
    Match,
    /// Overlay of the cursor line.
    Cursor,
}

/// Styles of a document.
#[derive(Clone, Copy)]
pub struct DocumentStyles<'a> {
    /// Returns the style of an element.
    pub style: &'a dyn Fn(TokenStyle) -> Style,
    /// The symbols that the program adds to the text.
    pub symbols: &'static GlyphSet,
}

/// Draws the document into `area`. The caller has passed its height to
/// [`FoldableDocument::set_size`].
pub fn draw(
    document: &FoldableDocument,
    area: Rect,
    buffer: &mut Buffer,
    styles: DocumentStyles<'_>,
) {
    let style = styles.style;
    let area = area.intersection(buffer.area);
    let gutter = if document.is_json() { GUTTER_COLUMNS.min(area.width) } else { 0 };
    for (row, y) in document.visible_lines().zip(area.y..area.bottom()) {
        let line = Rect { y, height: 1, ..area };
        draw_fold(row.fold, line, buffer, styles);
        let text = Rect { x: area.x + gutter, width: area.width - gutter, ..line };
        let window = document.column()..document.column() + usize::from(text.width);
        draw_tokens(&row, &window, text, buffer, styles);
        draw_matches(&row, &window, text, buffer, style(TokenStyle::Match));
        if row.under_cursor {
            buffer.set_style(line, style(TokenStyle::Cursor));
        }
    }
}

fn draw_fold(
    fold: FoldState,
    line: Rect,
    buffer: &mut Buffer,
    DocumentStyles { style, symbols }: DocumentStyles<'_>,
) {
    let mark = match fold {
        FoldState::NotFoldable => "",
        FoldState::Expanded => symbols.branch_open,
        FoldState::Folded { .. } => symbols.branch_closed,
    };
    buffer.set_stringn(line.x, line.y, mark, line.width.into(), style(TokenStyle::FoldMark));
}

/// Draws the tokens of a line that are in the window, and examines only those.
fn draw_tokens(
    row: &VisibleLine<'_>,
    window: &Range<usize>,
    area: Rect,
    buffer: &mut Buffer,
    styles: DocumentStyles<'_>,
) {
    let style = styles.style;
    let mut column = row.depth * INDENT_COLUMNS;
    for token in row.tokens() {
        let piece = clip_text(&token.text, column, window);
        if let Some(x) = column_cell(piece.column, window, area) {
            let mut shown = token.text[piece.bytes].replace('\t', "    ");
            if token.kind == TokenKind::Summary {
                shown = shown.replace('…', styles.symbols.ellipsis);
            }
            buffer.set_stringn(
                x,
                area.y,
                shown,
                (area.right() - x).into(),
                style(TokenStyle::Token(token.kind)),
            );
        }
        if piece.is_cut {
            return mark_overflow(area, buffer, styles);
        }
        column = piece.end;
    }
}

/// Marks a line that continues beyond the last column, and erases a wide character that would
/// overlap the mark.
fn mark_overflow(
    area: Rect,
    buffer: &mut Buffer,
    DocumentStyles { style, symbols }: DocumentStyles<'_>,
) {
    let Some(edge) = area.width.checked_sub(1).map(|width| area.x + width) else { return };
    if edge > area.x && text_columns(buffer[(edge - 1, area.y)].symbol()) > 1 {
        buffer[(edge - 1, area.y)].set_symbol(" ");
    }
    let sign = if symbols.ellipsis.is_ascii() { ">" } else { "›" };
    buffer[(edge, area.y)].set_symbol(sign).set_style(style(TokenStyle::Overflow));
}

fn draw_matches(
    row: &VisibleLine<'_>,
    window: &Range<usize>,
    area: Rect,
    buffer: &mut Buffer,
    style: Style,
) {
    let indent = row.depth * INDENT_COLUMNS;
    for found in row.matches(window.end * 4) {
        let start = indent + text_columns(&row.text[..found.start]);
        let end = start + text_columns(&row.text[found]);
        let seen = start.max(window.start)..end.min(window.end);
        if let Some(x) = column_cell(seen.start, window, area) {
            let width = u16::try_from(seen.len()).unwrap_or(area.width);
            buffer.set_style(Rect { x, width, ..area }, style);
        }
    }
}

/// The part of a text in a window of columns.
struct ClippedText {
    /// Its first column.
    column: usize,
    bytes: Range<usize>,
    /// The column behind the text, if the text does not continue beyond the window.
    end: usize,
    is_cut: bool,
}

fn clip_text(text: &str, start: usize, window: &Range<usize>) -> ClippedText {
    let mut piece = ClippedText { column: start, bytes: 0..0, end: start, is_cut: false };
    for (at, c) in text.char_indices() {
        let next = piece.end + char_columns(c);
        if next > window.end {
            piece.is_cut = true;
            break;
        }
        piece.end = next;
        piece.bytes.end = at + c.len_utf8();
        if next - char_columns(c) < window.start {
            piece.column = next;
            piece.bytes.start = piece.bytes.end;
        }
    }
    piece
}

/// Returns the cell of a column, if it is in the window.
fn column_cell(column: usize, window: &Range<usize>, area: Rect) -> Option<u16> {
    let offset = column.checked_sub(window.start).filter(|_| column < window.end)?;
    u16::try_from(offset).ok().map(|offset| area.x + offset)
}

fn text_columns(text: &str) -> usize {
    text.chars().map(char_columns).sum()
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier};

    use super::*;

    fn style(element: TokenStyle) -> Style {
        match element {
            TokenStyle::Token(TokenKind::Key) => Style::new().fg(Color::Blue),
            TokenStyle::Match => Style::new().bg(Color::Yellow),
            TokenStyle::Cursor => Style::new().add_modifier(Modifier::REVERSED),
            _ => Style::new(),
        }
    }

    fn drawn(document: &mut FoldableDocument, width: u16, height: u16) -> Buffer {
        drawn_with(&GlyphSet::UNICODE, document, width, height)
    }

    fn drawn_with(
        symbols: &'static GlyphSet,
        document: &mut FoldableDocument,
        width: u16,
        height: u16,
    ) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        document.set_height(height.into());
        draw(document, buffer.area, &mut buffer, DocumentStyles { style: &style, symbols });
        buffer
    }

    fn lines(buffer: &Buffer) -> Vec<String> {
        let row = |y| {
            (0..buffer.area.width)
                .map(|x| buffer[(x, y)].symbol())
                .collect::<String>()
                .trim_end()
                .to_owned()
        };
        (0..buffer.area.height).map(row).collect()
    }

    #[test]
    fn lines_stand_under_one_another_by_depth() {
        let mut document = FoldableDocument::parse(r#"{"a":{"b":[1]},"c":null}"#);
        document.fold_to(2);
        assert_eq!(
            lines(&drawn(&mut document, 24, 6)),
            ["▾ {", "▾   \"a\": {", "▸     \"b\": [… 1 item]", "    },", "    \"c\": null", "  }"],
        );
    }

    #[test]
    fn a_poor_font_needs_no_sign_beyond_ascii() {
        let mut document = FoldableDocument::parse(r#"{"a":{"b":[1]},"c":"a text that goes on"}"#);
        document.fold_to(2);
        let lines = lines(&drawn_with(&GlyphSet::ASCII, &mut document, 24, 6));
        assert_eq!(lines[..3], ["v {", "v   \"a\": {", ">     \"b\": [~ 1 item]"]);
        assert!(lines[4].ends_with('>') && lines.concat().is_ascii(), "{lines:?}");
    }

    #[test]
    fn the_window_moves_over_wide_characters_and_marks_what_continues() {
        let mut document = FoldableDocument::parse("日本語 text\nx\ty");
        assert_eq!(lines(&drawn(&mut document, 6, 2)), ["日 本  ›", "x    y"]);
        document.scroll_columns(1);
        assert_eq!(lines(&drawn(&mut document, 12, 2)), [" 本 語  text", "    y"]);
    }

    #[test]
    fn matches_and_cursor_are_laid_over_the_text() {
        let mut document = FoldableDocument::parse(r#"["x","key"]"#);
        document.search("EY");
        let buffer = drawn(&mut document, 12, 4);
        let marked: Vec<_> = (0..12).filter(|x| buffer[(*x, 2)].bg == Color::Yellow).collect();
        assert_eq!(marked, [6, 7]);
        assert!(buffer[(0, 2)].modifier.contains(Modifier::REVERSED));
        assert!(!buffer[(0, 1)].modifier.contains(Modifier::REVERSED));
    }

    #[test]
    fn no_area_is_too_small() {
        let mut document = FoldableDocument::parse(r#"{"a":["日本",2]}"#);
        document.search("a");
        for (width, height) in (0..6).flat_map(|width| (0..4).map(move |height| (width, height))) {
            drawn(&mut document, width, height);
        }
    }
}
