//! Dialog contents as data: a fixed head, a scrolling body and a fixed foot.
//!
//! [`DialogView::layout`] places the rows for drawing and for mouse hits alike, so that both agree.
//! The dialogs themselves are in `dialog/`.

use std::ops::Range;
use std::sync::Arc;

use ratatui::layout::{Position, Rect};
use unicode_width::UnicodeWidthStr;

use super::chart::StyledSpans;
use super::form::{FieldInput, FieldMessage, FieldVisibility, Form, FormButton, FormField};
use super::text_area::TextArea;
use super::text_wrap::{wrap, wrap_indented};
use crate::config::theme::StyleRole;
use crate::domain::Secret;
use crate::tui::app::widgets;
use crate::tui::app::widgets::split_rect::SplitRect as _;

/// Terminal height from which a dialog leaves part of the screen visible.
const TALL_SCREEN_ROWS: u16 = 30;
/// Number of lines of a long list that are prepared on each side of the cursor: more than any
/// screen shows.
const LIST_WINDOW_RADIUS_ROWS: usize = 128;
/// Number of lines reserved for a message.
const MESSAGE_ROWS: usize = 2;
/// Minimum number of visible rows of the scrolling body.
const MIN_BODY_ROWS: usize = 3;

/// Contents of a dialog.
#[derive(Default)]
pub struct DialogView {
    /// Title in the border.
    pub title: String,
    /// Preferred width, including the border.
    pub width: u16,
    /// Fixed rows at the top.
    pub head: Vec<DialogRow>,
    /// Rows that scroll where they do not fit.
    pub body: Vec<DialogRow>,
    /// Row of the body that must be visible.
    pub cursor: usize,
    /// Fixed rows at the bottom.
    pub foot: Vec<DialogRow>,
    /// Position on the screen.
    pub anchor: DialogAnchor,
    /// Labels on the screen; see [`DialogAnchor::Labels`].
    pub labels: Vec<LabelView>,
}

/// Label on something that can be clicked.
pub struct LabelView {
    /// Column and row of the labeled cell.
    pub at: (u16, u16),
    /// Letters that are typed already.
    pub typed: String,
    /// Letters that are still to be typed.
    pub rest: String,
}

/// Position of a dialog on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DialogAnchor {
    /// In the center.
    #[default]
    Center,
    /// In place of what this area shows.
    Over(Rect),
    /// In the lower right corner, above the footer: for hints, which do not dim the screen.
    BottomRight,
    /// Nowhere: only the labels are drawn, over the screen.
    Labels,
}

/// A row of a dialog.
#[derive(Clone)]
pub enum DialogRow {
    /// Blank row.
    Blank,
    /// Text, wrapped at the width of the dialog.
    Text(StyleRole, String),
    /// Text in a fixed number of lines, so that nothing moves when it changes.
    Message(StyleRole, String),
    /// Label and read-only value.
    Pair(String, String),
    /// Words of a secret, which presentation mode hides. The row holds no copy of them.
    Secret(SecretRow),
    /// Form field.
    Field(FieldView),
    /// List item.
    Item(ListItem),
    /// One-line chart, which may be a list item.
    Spans(SpanRow),
    /// Buttons side by side.
    Buttons(Vec<ButtonView>),
}

/// Words of a secret on one line.
#[derive(Clone)]
pub struct SecretRow {
    /// The secret, whose words are separated by blanks.
    pub secret: Arc<Secret>,
    /// The words on this line, counted from zero.
    pub words: Range<usize>,
}

/// One-line chart.
#[derive(Clone)]
pub struct SpanRow {
    /// Index in the list; `None` if the row is decoration.
    pub index: Option<usize>,
    /// Pieces from left to right.
    pub spans: StyledSpans,
    /// Whether the cursor is on it.
    pub selected: bool,
}

/// Form field as it is shown.
#[derive(Clone)]
pub struct FieldView {
    /// Index in its form.
    pub index: usize,
    /// Label.
    pub label: String,
    /// Value to show.
    pub value: FieldValue,
    /// Whether it has the focus.
    pub focused: bool,
    /// Whether the field has a problem.
    pub has_problem: bool,
}

/// Value that a field shows.
#[derive(Clone)]
pub enum FieldValue {
    /// Text, and the column of the cursor in it.
    Text(String, usize),
    /// Masked secret, and whether it is non-empty.
    Secret(bool),
    /// Titles of the options, and the index of the selected one.
    Select(Vec<String>, usize),
    /// Titles of the parts that can be shown, and the index of the one that is.
    Tabs(Vec<String>, usize),
}

/// List item as it is shown.
#[derive(Clone)]
pub struct ListItem {
    /// Index in the list; `None` for headings.
    pub index: Option<usize>,
    /// Symbol before the text.
    pub mark: Option<(StyleRole, &'static str)>,
    /// Main text.
    pub text: String,
    /// Part of the main text that is left out where it does not fit.
    pub cut: TextTruncation,
    /// Additional text, dimmed.
    pub more: String,
    /// Short text at the right edge.
    pub right: String,
    /// Color of that text.
    pub right_role: StyleRole,
    /// Whether the cursor is on it.
    pub selected: bool,
}

/// Part of a text that is left out where it does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextTruncation {
    /// Its end.
    #[default]
    End,
    /// The start of the path in a request line: the ends of paths differ.
    PathStart,
}

/// Button as it is shown.
#[derive(Clone)]
pub struct ButtonView {
    /// Index in its form.
    pub index: usize,
    /// Button.
    pub button: FormButton,
    /// Text on the button.
    pub label: String,
    /// Whether it has the focus.
    pub focused: bool,
}

/// Row with its position.
pub struct PlacedLine<'a> {
    /// Position on the screen.
    pub area: Rect,
    /// Row to draw.
    pub row: &'a DialogRow,
    /// Piece of a wrapped text.
    pub text: &'a str,
}

/// Dialog with its position.
pub struct DialogLayout<'a> {
    /// Area including the border.
    pub outer: Rect,
    /// Placed lines.
    pub lines: Vec<PlacedLine<'a>>,
    /// Whether rows of the body are hidden above and below.
    pub hidden: (bool, bool),
}

impl ButtonView {
    /// Creates a button with its usual text.
    pub fn new(index: usize, button: FormButton, focused: bool) -> Self {
        Self { index, button, label: button.label().to_owned(), focused }
    }
}

impl DialogRow {
    /// Whether the cursor is on the row.
    fn has_cursor(&self) -> bool {
        match self {
            Self::Field(field) => field.focused,
            Self::Item(item) => item.selected,
            Self::Spans(drawing) => drawing.selected,
            _ => false,
        }
    }

    /// Creates a row of ordinary text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(StyleRole::Text, text.into())
    }

    /// Creates a row of warning text.
    pub fn warning(text: impl Into<String>) -> Self {
        Self::Text(StyleRole::Warn, text.into())
    }

    /// Creates a decorative chart row.
    pub fn spans(pieces: StyledSpans) -> Self {
        Self::Spans(SpanRow { index: None, spans: pieces, selected: false })
    }

    /// Creates a chart row that is a list item.
    pub fn item_spans(at: usize, pieces: StyledSpans, selected: bool) -> Self {
        Self::Spans(SpanRow { index: Some(at), spans: pieces, selected })
    }

    /// Creates a row of dimmed text.
    pub fn dim(text: impl Into<String>) -> Self {
        Self::Text(StyleRole::Dim, text.into())
    }
}

impl DialogView {
    /// Creates a dialog with this title and width.
    pub fn new(title: impl Into<String>, width: u16) -> Self {
        Self { title: title.into(), width, ..Self::default() }
    }

    /// Adds the fields of a form as the body, and its buttons at the foot.
    #[must_use]
    pub fn with_form(mut self, form: &Form) -> Self {
        self.body.extend(field_rows(form));
        let focused = |row: &DialogRow| matches!(row, DialogRow::Field(field) if field.focused);
        self.cursor =
            self.body.iter().position(focused).unwrap_or(self.body.len().saturating_sub(1));
        let (role, remark) = match form.field_message() {
            Some((remark, FieldMessage::Error)) => (StyleRole::Bad, remark),
            Some((remark, FieldMessage::Hint)) => (StyleRole::Dim, remark),
            None => (StyleRole::Dim, String::new()),
        };
        self.foot.push(DialogRow::Message(role, remark));
        self.foot.push(button_row(form));
        self
    }

    /// Adds the fields and buttons of a form at the foot, below a body that scrolls separately.
    #[must_use]
    pub fn with_form_below(mut self, form: &Form) -> Self {
        self.foot.extend(field_rows(form));
        if let Some((remark, _)) = form.field_message() {
            self.foot.push(DialogRow::dim(remark));
        }
        self.foot.push(button_row(form));
        self
    }

    /// Replaces every occurrence of the name `hidden` by `shown`, for presentation mode.
    pub fn mask_name(&mut self, hidden: &str, shown: &str) {
        let veil = |text: &mut String| {
            if text.contains(hidden) {
                *text = text.replace(hidden, shown);
            }
        };
        veil(&mut self.title);
        for row in self.head.iter_mut().chain(&mut self.body).chain(&mut self.foot) {
            match row {
                DialogRow::Text(_, text)
                | DialogRow::Message(_, text)
                | DialogRow::Pair(_, text) => veil(text),
                DialogRow::Item(ListItem { text, more, right, .. }) => {
                    for part in [text, more, right] {
                        veil(part);
                    }
                }
                DialogRow::Field(FieldView {
                    label,
                    value: FieldValue::Select(options, _),
                    ..
                }) => {
                    for part in std::iter::once(label).chain(options) {
                        veil(part);
                    }
                }
                DialogRow::Field(FieldView { label, .. }) => veil(label),
                DialogRow::Spans(SpanRow { spans: pieces, .. }) => {
                    for (_, text) in pieces.iter_mut() {
                        veil(text);
                    }
                }
                DialogRow::Blank | DialogRow::Secret(_) | DialogRow::Buttons(_) => {}
            }
        }
    }

    /// Places the dialog in `area`.
    pub fn layout(&self, area: Rect) -> DialogLayout<'_> {
        let area = if area.height < TALL_SCREEN_ROWS || self.anchor == DialogAnchor::BottomRight {
            area
        } else {
            area.center(area.width, area.height - 4)
        };
        let width = match self.anchor {
            DialogAnchor::Over(pane) => pane.width,
            _ => self.width.min(area.width),
        };
        let columns = usize::from(width.saturating_sub(4));
        let [mut head, mut body, foot] =
            [&self.head, &self.body, &self.foot].map(|rows| wrap_rows(rows, columns));
        let wanted = u16::try_from(head.len() + body.len() + foot.len())
            .unwrap_or(u16::MAX)
            .saturating_add(2);
        let outer = match self.anchor {
            DialogAnchor::Center | DialogAnchor::Labels => area.center(width, wanted),
            DialogAnchor::Over(pane) => pane,
            DialogAnchor::BottomRight => area.bottom_right(width, wanted),
        };
        let (upper, foot_area) = {
            let inner = outer.inside_border();
            let foot_rows = u16::try_from(foot.len()).unwrap_or(u16::MAX).min(inner.height);
            inner.split_top(inner.height - foot_rows)
        };
        let mut cursor = body.iter().position(|piece| piece.index == self.cursor).unwrap_or(0);
        if usize::from(upper.height) < head.len() + body.len().min(MIN_BODY_ROWS) {
            // Too little of the body would be visible, so the head scrolls as well.
            cursor = if cursor == 0 && !self.body.first().is_some_and(DialogRow::has_cursor) {
                0
            } else {
                cursor + head.len()
            };
            body = head.drain(..).chain(body).collect();
        }
        let (head_area, body_area) = upper.split_top(u16::try_from(head.len()).unwrap_or(u16::MAX));
        let shown = usize::from(body_area.height);
        let top = widgets::scroll_offset(0, cursor, shown, body.len());
        let hidden = (top > 0, body.len() > top + shown);
        let parts = [(head, head_area, 0), (body, body_area, top), (foot, foot_area, 0)];
        let lines = parts
            .into_iter()
            .flat_map(|(pieces, area, top)| place_rows(pieces, area, top))
            .collect();
        DialogLayout { outer, lines, hidden }
    }
}

impl DialogLayout<'_> {
    /// Returns the index, in its form or list, of the field, item or button at a cell.
    pub fn index_at(&self, column: u16, row: u16) -> Option<usize> {
        let line = self.lines.iter().find(|line| line.area.contains(Position::new(column, row)))?;
        match line.row {
            DialogRow::Field(field) => Some(field.index),
            DialogRow::Item(item) => item.index,
            DialogRow::Spans(drawing) => drawing.index,
            DialogRow::Buttons(buttons) => {
                let mut cells = button_areas(buttons, line.area);
                cells
                    .find(|(_, area)| area.contains(Position::new(column, row)))
                    .map(|(cell, _)| cell.index)
            }
            DialogRow::Blank
            | DialogRow::Secret(_)
            | DialogRow::Text(..)
            | DialogRow::Message(..)
            | DialogRow::Pair(..) => None,
        }
    }
}

/// Returns the range of list rows around the cursor that are worth preparing.
pub fn list_window(cursor: usize, total: usize) -> std::ops::Range<usize> {
    let cursor = cursor.min(total);
    cursor.saturating_sub(LIST_WINDOW_RADIUS_ROWS)
        ..cursor.saturating_add(LIST_WINDOW_RADIUS_ROWS).min(total)
}

/// Returns the areas of the buttons of a row: side by side at the right edge.
pub fn button_areas(
    buttons: &[ButtonView],
    area: Rect,
) -> impl Iterator<Item = (&ButtonView, Rect)> {
    let width_of = |cell: &ButtonView| u16::try_from(cell.label.width() + 4).unwrap_or(u16::MAX);
    let total: u16 = buttons.iter().map(|cell| width_of(cell) + 1).sum::<u16>().saturating_sub(1);
    let mut rest = area.split_left(area.width.saturating_sub(total)).1;
    buttons.iter().map(move |cell| {
        let (place, after) = rest.split_left(width_of(cell));
        rest = after.split_left(1).1;
        (cell, place)
    })
}

/// A row, or one piece of a wrapped text.
struct WrappedRow<'a> {
    /// Index of the row in its list.
    index: usize,
    row: &'a DialogRow,
    /// Indentation in columns.
    indent_columns: u16,
    text: &'a str,
}

fn wrap_rows(rows: &[DialogRow], columns: usize) -> Vec<WrappedRow<'_>> {
    let pieces = |(at, row)| {
        wrap_row(row, columns).into_iter().map(move |(by, text)| WrappedRow {
            index: at,
            row,
            indent_columns: by,
            text,
        })
    };
    rows.iter().enumerate().flat_map(pieces).collect()
}

/// Splits a row into pieces, each with its indentation.
fn wrap_row(row: &DialogRow, columns: usize) -> Vec<(u16, &str)> {
    match row {
        DialogRow::Text(_, text) => {
            text.lines().flat_map(|line| wrap_indented(line, columns)).collect()
        }
        DialogRow::Message(_, text) => {
            let pieces = wrap(text, columns).into_iter().chain(std::iter::repeat(""));
            pieces.take(MESSAGE_ROWS).map(|piece| (0, piece)).collect()
        }
        _ => vec![(0, "")],
    }
}

fn place_rows(pieces: Vec<WrappedRow<'_>>, area: Rect, top: usize) -> Vec<PlacedLine<'_>> {
    let places = (0..area.height).map(|offset| area.row(offset));
    let shown = pieces.into_iter().skip(top).zip(places);
    shown
        .map(|(WrappedRow { row, indent_columns: by, text, .. }, area)| PlacedLine {
            area: area.split_left(by).1,
            row,
            text,
        })
        .collect()
}

fn field_rows(form: &Form) -> impl Iterator<Item = DialogRow> {
    let shown = form
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.visibility != FieldVisibility::Hidden);
    shown.flat_map(|(at, field)| {
        let is_focused = form.focus == at;
        let one = |value| {
            vec![FieldView {
                index: at,
                label: field.marked_label(),
                value,
                focused: is_focused,
                has_problem: field.problem.is_some(),
            }]
        };
        let rows = match &field.control {
            FieldInput::Text(input) => {
                one(FieldValue::Text(input.value().to_owned(), input.visual_cursor()))
            }
            FieldInput::Secret(secret) => one(FieldValue::Secret(!secret.is_empty())),
            FieldInput::Select(choice) => {
                let titles = choice.options.iter().map(|(_, title)| title.clone()).collect();
                one(if field.visibility == FieldVisibility::ViewSwitch {
                    FieldValue::Tabs(titles, choice.selected)
                } else {
                    FieldValue::Select(titles, choice.selected)
                })
            }
            FieldInput::MultiLine(area) => text_area_rows(area, field, at, is_focused),
        };
        rows.into_iter().map(DialogRow::Field)
    })
}

/// Returns a row for each line of a multi-line text, the label before the first.
fn text_area_rows(
    area: &TextArea,
    field: &FormField,
    at: usize,
    is_focused: bool,
) -> Vec<FieldView> {
    let (lines, (cursor_row, cursor)) = area.visible_lines();
    let row = |line: usize| FieldView {
        index: at,
        label: if line == 0 { field.marked_label() } else { String::new() },
        value: FieldValue::Text(lines.get(line).cloned().unwrap_or_default(), cursor),
        focused: is_focused && line == cursor_row,
        has_problem: field.problem.is_some(),
    };
    (0..area.height()).map(row).collect()
}

fn button_row(form: &Form) -> DialogRow {
    let first = form.fields.len();
    let cell = |(n, button): (usize, &FormButton)| {
        let at = first + n;
        ButtonView::new(at, *button, form.focus == at)
    };
    DialogRow::Buttons(form.buttons.iter().enumerate().map(cell).collect())
}

#[cfg(test)]
mod tests;
