//! What a dialog shows, as data: rows that stay, rows that scroll, rows that stay below. One function lays a sheet
//! out, so that drawing and clicking agree.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::area::TextArea;
use super::chart::Pieces;
use super::form::{Button, Control, Field, Form, Remark};
use super::layout::Area;
use crate::config::theme::Role;

/// From so many rows on, a dialog leaves some of the screen around it to be seen.
const TALL: u16 = 30;
/// So many lines of a long list are prepared on both sides of the cursor: more than any screen shows.
const AROUND: usize = 128;
/// How many lines a remark takes.
const REMARK: usize = 2;

/// What a dialog shows.
#[derive(Default)]
pub struct Sheet {
    /// The title in the border.
    pub title: String,
    /// How wide it wants to be, with its border.
    pub width: u16,
    /// Rows at the top that stay.
    pub head: Vec<Row>,
    /// Rows that scroll where they do not fit.
    pub body: Vec<Row>,
    /// The row of the body that must be seen.
    pub cursor: usize,
    /// Rows at the bottom that stay.
    pub foot: Vec<Row>,
    /// Where on the screen it is.
    pub anchor: Anchor,
}

/// Where on the screen a dialog is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Anchor {
    /// In the middle.
    #[default]
    Middle,
    /// In the lower right corner, above the footer: what is only a hint.
    Corner,
}

/// A row of a dialog.
#[derive(Clone)]
pub enum Row {
    /// Nothing.
    Blank,
    /// Text, wrapped at the width of the dialog.
    Text(Role, String),
    /// Text in always as many lines, so that nothing moves when it changes.
    Remark(Role, String),
    /// A label and a value that is only read.
    Pair(String, String),
    /// A field.
    Field(FieldRow),
    /// One of a list.
    Item(Item),
    /// A picture of one line, which may be one of a list.
    Drawing(Drawing),
    /// Buttons side by side.
    Buttons(Vec<ButtonCell>),
}

/// A picture of one line.
#[derive(Clone)]
pub struct Drawing {
    /// Its place in the list; what only decorates has none.
    pub at: Option<usize>,
    /// Its pieces, from left to right.
    pub pieces: Pieces,
    /// Whether the cursor is on it.
    pub selected: bool,
}

/// A field as it is shown.
#[derive(Clone)]
pub struct FieldRow {
    /// Its place in its form.
    pub at: usize,
    /// Its label.
    pub label: String,
    /// What it shows.
    pub value: Value,
    /// Whether it has the focus.
    pub focused: bool,
    /// Whether something is wrong with it.
    pub wrong: bool,
}

/// What a field shows.
#[derive(Clone)]
pub enum Value {
    /// A text, and the column of the cursor in it.
    Text(String, usize),
    /// A secret, and whether there is one.
    Secret(bool),
    /// The titles to choose from, and the place of the chosen one.
    Choice(Vec<String>, usize),
}

/// One of a list.
#[derive(Clone)]
pub struct Item {
    /// Its place in the list; headings have none.
    pub at: Option<usize>,
    /// A sign before it.
    pub mark: Option<(Role, &'static str)>,
    /// What it is.
    pub text: String,
    /// More about it, dimmed.
    pub more: String,
    /// Something short at the right edge.
    pub right: String,
    /// Whether the cursor is on it.
    pub selected: bool,
}

/// A button as it is shown.
#[derive(Clone)]
pub struct ButtonCell {
    /// Its place in its form.
    pub at: usize,
    /// The button.
    pub button: Button,
    /// Whether it has the focus.
    pub focused: bool,
}

/// A row that has found its place.
pub struct Line<'a> {
    /// Where it is.
    pub area: Area,
    /// What is there.
    pub row: &'a Row,
    /// The piece of a wrapped text.
    pub text: &'a str,
}

/// A sheet that has found its place.
pub struct Placed<'a> {
    /// With its border.
    pub outer: Area,
    /// Its lines.
    pub lines: Vec<Line<'a>>,
    /// Whether rows of the body are hidden above and below.
    pub hidden: (bool, bool),
}

impl Drawing {
    /// What it says without its signs, for who cannot look at it.
    pub fn words(&self) -> String {
        let says = |text: &&str| text.contains(char::is_alphanumeric);
        self.pieces.iter().map(|(_, text)| text.trim()).filter(says).collect::<Vec<_>>().join(", ")
    }
}

impl Row {
    /// Ordinary text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Role::Text, text.into())
    }

    /// Text to take note of.
    pub fn warning(text: impl Into<String>) -> Self {
        Self::Text(Role::Warn, text.into())
    }

    /// A picture that decorates.
    pub fn drawing(pieces: Pieces) -> Self {
        Self::Drawing(Drawing { at: None, pieces, selected: false })
    }

    /// A picture that is one of a list.
    pub fn item_drawing(at: usize, pieces: Pieces, selected: bool) -> Self {
        Self::Drawing(Drawing { at: Some(at), pieces, selected })
    }

    /// Text that steps back.
    pub fn dim(text: impl Into<String>) -> Self {
        Self::Text(Role::Dim, text.into())
    }
}

impl Sheet {
    /// A sheet with this title and width.
    pub fn new(title: impl Into<String>, width: u16) -> Self {
        Self { title: title.into(), width, ..Self::default() }
    }

    /// The sheet with the fields of a form as its body, and its buttons at its foot.
    #[must_use]
    pub fn with_form(mut self, form: &Form) -> Self {
        self.body.extend(field_rows(form));
        let focused = |row: &Row| matches!(row, Row::Field(field) if field.focused);
        self.cursor = self.body.iter().position(focused).unwrap_or(self.body.len().saturating_sub(1));
        let (role, remark) = match form.remark() {
            Some((remark, Remark::Problem)) => (Role::Bad, remark),
            Some((remark, Remark::Hint)) => (Role::Dim, remark),
            None => (Role::Dim, ""),
        };
        self.foot.push(Row::Remark(role, remark.to_owned()));
        self.foot.push(button_row(form));
        self
    }

    /// The sheet with the fields and buttons of a form at its foot, below a body that scrolls by itself.
    #[must_use]
    pub fn with_form_below(mut self, form: &Form) -> Self {
        self.foot.extend(field_rows(form));
        if let Some((remark, _)) = form.remark() {
            self.foot.push(Row::dim(remark));
        }
        self.foot.push(button_row(form));
        self
    }

    /// Puts `shown` in place of `hidden` wherever it stands, for a screen that others see.
    pub fn veil(&mut self, hidden: &str, shown: &str) {
        let veil = |text: &mut String| {
            if text.contains(hidden) {
                *text = text.replace(hidden, shown);
            }
        };
        veil(&mut self.title);
        for row in self.head.iter_mut().chain(&mut self.body).chain(&mut self.foot) {
            match row {
                Row::Text(_, text) | Row::Remark(_, text) | Row::Pair(_, text) => veil(text),
                Row::Item(Item { text, more, right, .. }) => [text, more, right].into_iter().for_each(veil),
                Row::Field(FieldRow { label, value: Value::Choice(options, _), .. }) => {
                    std::iter::once(label).chain(options).for_each(veil);
                }
                Row::Field(FieldRow { label, .. }) => veil(label),
                Row::Drawing(Drawing { pieces, .. }) => pieces.iter_mut().for_each(|(_, text)| veil(text)),
                Row::Blank | Row::Buttons(_) => {}
            }
        }
    }

    /// Lays the sheet out in `area`.
    pub fn place(&self, area: Area) -> Placed<'_> {
        let area =
            if area.height < TALL || self.anchor == Anchor::Corner { area } else { area.centred(area.width, area.height - 4) };
        let width = self.width.min(area.width);
        let columns = usize::from(width.saturating_sub(4));
        let [head, body, foot] = [&self.head, &self.body, &self.foot].map(|rows| wrap_all(rows, columns));
        let wanted = u16::try_from(head.len() + body.len() + foot.len()).unwrap_or(u16::MAX).saturating_add(2);
        let outer = match self.anchor {
            Anchor::Middle => area.centred(width, wanted),
            Anchor::Corner => area.corner(width, wanted),
        };
        let (upper, foot_area) = {
            let inner = outer.inner();
            let foot_rows = u16::try_from(foot.len()).unwrap_or(u16::MAX).min(inner.height);
            inner.split_top(inner.height - foot_rows)
        };
        let (head_area, body_area) = upper.split_top(u16::try_from(head.len()).unwrap_or(u16::MAX));
        let cursor = body.iter().position(|(row, ..)| *row == self.cursor).unwrap_or(0);
        let shown = usize::from(body_area.height);
        let top = super::credentials::fit(0, cursor, shown, body.len());
        let hidden = (top > 0, body.len() > top + shown);
        let parts = [(head, head_area, 0, &self.head), (body, body_area, top, &self.body), (foot, foot_area, 0, &self.foot)];
        let lines = parts.into_iter().flat_map(|(lines, area, top, rows)| settle(lines, area, top, rows)).collect();
        Placed { outer, lines, hidden }
    }
}

impl Placed<'_> {
    /// The field, list item or button at a cell: its place in its form or list.
    pub fn hit(&self, column: u16, row: u16) -> Option<usize> {
        let line = self.lines.iter().find(|line| line.area.contains(column, row))?;
        match line.row {
            Row::Field(field) => Some(field.at),
            Row::Item(item) => item.at,
            Row::Drawing(drawing) => drawing.at,
            Row::Buttons(buttons) => {
                let mut cells = button_areas(buttons, line.area);
                cells.find(|(_, area)| area.contains(column, row)).map(|(cell, _)| cell.at)
            }
            Row::Blank | Row::Text(..) | Row::Remark(..) | Row::Pair(..) => None,
        }
    }
}

/// The lines of a long list that are worth preparing: those around the cursor.
pub fn window(cursor: usize, total: usize) -> std::ops::Range<usize> {
    let cursor = cursor.min(total);
    cursor.saturating_sub(AROUND)..cursor.saturating_add(AROUND).min(total)
}

/// Where the buttons of a row are: side by side at the right edge.
pub fn button_areas(buttons: &[ButtonCell], area: Area) -> impl Iterator<Item = (&ButtonCell, Area)> {
    let width_of = |cell: &ButtonCell| u16::try_from(cell.button.label().width() + 4).unwrap_or(u16::MAX);
    let total: u16 = buttons.iter().map(|cell| width_of(cell) + 1).sum::<u16>().saturating_sub(1);
    let mut rest = area.split_left(area.width.saturating_sub(total)).1;
    buttons.iter().map(move |cell| {
        let (place, after) = rest.split_left(width_of(cell));
        rest = after.split_left(1).1;
        (cell, place)
    })
}

/// The pieces of a text that fit into so many columns, broken between words where there is room.
pub fn wrap(text: &str, columns: usize) -> Vec<&str> {
    text.lines().flat_map(|line| wrap_line(line, columns.max(1))).collect()
}

fn wrap_line(line: &str, columns: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while rest.width() > columns {
        let end = fitting(rest, columns);
        let blank = rest[..end].rfind(' ').filter(|at| *at > 0);
        let cut = if rest[end..].starts_with(' ') { end } else { blank.unwrap_or(end) };
        pieces.push(&rest[..cut]);
        rest = rest[cut..].trim_start_matches(' ');
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// How many bytes of a text fit into so many columns; at least one character, so that wrapping always ends.
fn fitting(text: &str, columns: usize) -> usize {
    let mut used = 0;
    let beyond = |(_, c): &(usize, char)| {
        used += c.width().unwrap_or(0);
        used > columns
    };
    let end = text.char_indices().find(beyond).map_or(text.len(), |(at, _)| at);
    let first = text.chars().next().map_or(0, char::len_utf8);
    end.max(first)
}

/// A line of a row's text: of which row, how far it stands apart, and what it says.
type Piece<'a> = (usize, u16, &'a str);

fn wrap_all(rows: &[Row], columns: usize) -> Vec<Piece<'_>> {
    rows.iter()
        .enumerate()
        .flat_map(|(at, row)| match row {
            Row::Text(_, text) => {
                let apart = hanging(text);
                let pieces = wrap(text, columns.saturating_sub(apart.into())).into_iter().enumerate();
                pieces.map(|(line, piece)| (at, if line == 0 { 0 } else { apart }, piece)).collect()
            }
            Row::Remark(_, text) => {
                let pieces = wrap(text, columns).into_iter().chain(std::iter::repeat(""));
                pieces.take(REMARK).map(|piece| (at, 0, piece)).collect()
            }
            _ => vec![(at, 0, "")],
        })
        .collect()
}

/// How far the further lines of a text that stands apart stand apart too.
fn hanging(text: &str) -> u16 {
    let blanks = text.len() - text.trim_start_matches(' ').len();
    u16::try_from(blanks).map_or(0, |blanks| if blanks == 0 { 0 } else { blanks + 2 })
}

fn settle<'a>(lines: Vec<Piece<'a>>, area: Area, top: usize, rows: &'a [Row]) -> Vec<Line<'a>> {
    let places = (0..area.height).map(|offset| area.row(offset));
    let line = |((at, apart, text), area): (Piece<'a>, Area)| Line { area: area.split_left(apart).1, row: &rows[at], text };
    lines.into_iter().skip(top).zip(places).map(line).collect()
}

fn field_rows(form: &Form) -> impl Iterator<Item = Row> {
    form.fields.iter().enumerate().flat_map(|(at, field)| {
        let is_focused = form.focus == at;
        let one =
            |value| vec![FieldRow { at, label: field.label.clone(), value, focused: is_focused, wrong: field.problem.is_some() }];
        let rows = match &field.control {
            Control::Text(input) => one(Value::Text(input.value().to_owned(), input.visual_cursor())),
            Control::Secret(secret) => one(Value::Secret(!secret.is_empty())),
            Control::Choice(choice) => {
                one(Value::Choice(choice.options.iter().map(|(_, title)| title.clone()).collect(), choice.at))
            }
            Control::Area(area) => area_rows(area, (at, field), is_focused),
        };
        rows.into_iter().map(Row::Field)
    })
}

/// A row for each line of a text, the label before the first.
fn area_rows(area: &TextArea, (at, field): (usize, &Field), is_focused: bool) -> Vec<FieldRow> {
    let (lines, (cursor_row, cursor)) = area.shown();
    let row = |line: usize| FieldRow {
        at,
        label: if line == 0 { field.label.clone() } else { String::new() },
        value: Value::Text(lines.get(line).cloned().unwrap_or_default(), cursor),
        focused: is_focused && line == cursor_row,
        wrong: field.problem.is_some(),
    };
    (0..area.height()).map(row).collect()
}

fn button_row(form: &Form) -> Row {
    let first = form.fields.len();
    let cell = |(n, button): (usize, &Button)| {
        let at = first + n;
        ButtonCell { at, button: *button, focused: form.focus == at }
    };
    Row::Buttons(form.buttons.iter().enumerate().map(cell).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_between_words_and_by_cells() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("日", 1), ["日"]);
        assert_eq!(wrap("a\n\nb", 9), ["a", "", "b"]);
    }

    #[test]
    fn what_stands_apart_stands_apart_on_every_line() {
        let rows = [Row::text("  ! one two three four"), Row::text("one two three four")];
        let apart: Vec<_> = wrap_all(&rows, 12).into_iter().map(|(_, apart, text)| (apart, text)).collect();
        assert_eq!(apart, [(0, "  ! one"), (4, "two"), (4, "three"), (4, "four"), (0, "one two"), (0, "three four")]);
    }

    #[test]
    fn the_cursor_is_seen_and_the_foot_stays() {
        let item = |at| Item {
            at: Some(at),
            mark: None,
            text: at.to_string(),
            more: String::new(),
            right: String::new(),
            selected: false,
        };
        let body = (0..50).map(|at| Row::Item(item(at))).collect();
        let sheet =
            Sheet { width: 20, head: vec![Row::Blank], body, cursor: 40, foot: vec![Row::text("end")], ..Sheet::default() };
        let placed = sheet.place(Area::of(30, 10));
        assert_eq!(placed.hidden, (true, true));
        let last = placed.lines.last().expect("a line");
        assert_eq!((last.text, last.area.y), ("end", 8));
        let seen =
            placed.lines.iter().find(|line| matches!(line.row, Row::Item(item) if item.at == Some(40))).expect("the cursor");
        assert_eq!(placed.hit(seen.area.x, seen.area.y), Some(40));
        assert_eq!(placed.hit(0, 0), None);
    }

    #[test]
    fn no_size_is_too_small_to_be_laid_out() {
        let sheet = Sheet { width: 40, foot: vec![Row::text("a long text that wraps"), Row::Blank], ..Sheet::default() };
        for (width, height) in (0..9).flat_map(|width| (0..9).map(move |height| (width, height))) {
            let placed = sheet.place(Area::of(width, height));
            assert!(placed.lines.iter().all(|line| line.area.y < height.max(1)));
        }
    }
}
