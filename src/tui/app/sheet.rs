//! What a dialog shows, as data: rows that stay, rows that scroll, rows that stay below. One function lays a sheet
//! out, so that drawing and clicking agree.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::area::TextArea;
use super::chart::Pieces;
use super::form::{Button, Control, Field, Form, Remark};
use super::layout::Area;
use crate::config::theme::StyleRole;

/// From so many rows on, a dialog leaves some of the screen around it to be seen.
const TALL: u16 = 30;
/// So many lines of a long list are prepared on both sides of the cursor: more than any screen shows.
const AROUND: usize = 128;
/// How many lines a remark takes.
const REMARK: usize = 2;
/// At least so many rows of what scrolls are to be seen.
const LEAST: usize = 3;
/// The most columns of a word that is set off at the beginning of a line.
const SET_OFF: usize = 4;

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
    /// What else can be said about its list where everything is said in words, such as `delete 1`.
    pub extras: Vec<String>,
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
    Text(StyleRole, String),
    /// Text in always as many lines, so that nothing moves when it changes.
    Remark(StyleRole, String),
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
    pub mark: Option<(StyleRole, &'static str)>,
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
    /// Whether the cursor is on it.
    fn is_marked(&self) -> bool {
        match self {
            Self::Field(field) => field.focused,
            Self::Item(item) => item.selected,
            Self::Drawing(drawing) => drawing.selected,
            _ => false,
        }
    }

    /// Ordinary text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(StyleRole::Text, text.into())
    }

    /// Text to take note of.
    pub fn warning(text: impl Into<String>) -> Self {
        Self::Text(StyleRole::Warn, text.into())
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
        Self::Text(StyleRole::Dim, text.into())
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
            Some((remark, Remark::Problem)) => (StyleRole::Bad, remark),
            Some((remark, Remark::Hint)) => (StyleRole::Dim, remark),
            None => (StyleRole::Dim, ""),
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
        let [mut head, mut body, foot] = [&self.head, &self.body, &self.foot].map(|rows| wrap_all(rows, columns));
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
        let mut cursor = body.iter().position(|piece| piece.at == self.cursor).unwrap_or(0);
        if usize::from(upper.height) < head.len() + body.len().min(LEAST) {
            // Too little would be seen of what scrolls, so what stands above it scrolls as well.
            cursor = if cursor == 0 && !self.body.first().is_some_and(Row::is_marked) { 0 } else { cursor + head.len() };
            body = head.drain(..).chain(body).collect();
        }
        let (head_area, body_area) = upper.split_top(u16::try_from(head.len()).unwrap_or(u16::MAX));
        let shown = usize::from(body_area.height);
        let top = super::credentials::fit(0, cursor, shown, body.len());
        let hidden = (top > 0, body.len() > top + shown);
        let parts = [(head, head_area, 0), (body, body_area, top), (foot, foot_area, 0)];
        let lines = parts.into_iter().flat_map(|(pieces, area, top)| settle(pieces, area, top)).collect();
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

/// The pieces of a line, and by how many columns each is indented: below where the words of the first one begin.
fn hang(line: &str, columns: usize) -> Vec<(u16, &str)> {
    let by = beginning(line);
    if line.width() <= columns || by == 0 || by * 2 > columns {
        return wrap_line(line, columns.max(1)).into_iter().map(|piece| (0, piece)).collect();
    }
    let first = wrap_line(line, columns)[0];
    let rest = wrap_line(line[first.len()..].trim_start_matches(' '), columns - by);
    let indented = u16::try_from(by).unwrap_or(0);
    std::iter::once((0, first)).chain(rest.into_iter().map(|piece| (indented, piece))).collect()
}

/// The column where the words of a line begin: behind blanks, and behind a sign or a short word that blanks or a colon set off.
fn beginning(line: &str) -> usize {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    let words = &line[blanks..];
    let named = words.split_once(' ').map(|(word, _)| word).filter(|word| word.ends_with(':') || is_sign(word));
    let word = named.or_else(|| words.split("  ").next()).unwrap_or_default();
    let behind = &line[blanks + word.len()..];
    let gap = behind.len() - behind.trim_start_matches(' ').len();
    if (gap > 1 || named.is_some()) && word.width() <= SET_OFF && !behind.trim().is_empty() {
        blanks + word.width() + gap
    } else {
        blanks
    }
}

/// Whether a word is a single sign.
fn is_sign(word: &str) -> bool {
    word.chars().count() == 1 && !word.contains(char::is_alphanumeric)
}

/// A row, or a piece of a text that takes several lines.
struct Piece<'a> {
    /// The place of the row among its like.
    at: usize,
    row: &'a Row,
    /// By how many columns it is indented.
    by: u16,
    text: &'a str,
}

fn wrap_all(rows: &[Row], columns: usize) -> Vec<Piece<'_>> {
    let pieces = |(at, row)| pieces_of(row, columns).into_iter().map(move |(by, text)| Piece { at, row, by, text });
    rows.iter().enumerate().flat_map(pieces).collect()
}

/// The pieces of a row, and by how many columns each is indented.
fn pieces_of(row: &Row, columns: usize) -> Vec<(u16, &str)> {
    match row {
        Row::Text(_, text) => text.lines().flat_map(|line| hang(line, columns)).collect(),
        Row::Remark(_, text) => {
            let pieces = wrap(text, columns).into_iter().chain(std::iter::repeat(""));
            pieces.take(REMARK).map(|piece| (0, piece)).collect()
        }
        _ => vec![(0, "")],
    }
}

fn settle(pieces: Vec<Piece<'_>>, area: Area, top: usize) -> Vec<Line<'_>> {
    let places = (0..area.height).map(|offset| area.row(offset));
    let shown = pieces.into_iter().skip(top).zip(places);
    shown.map(|(Piece { row, by, text, .. }, area)| Line { area: area.split_left(by).1, row, text }).collect()
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
        let apart: Vec<_> = wrap_all(&rows, 12).into_iter().map(|piece| (piece.by, piece.text)).collect();
        assert_eq!(apart, [(0, "  ! one two"), (4, "three"), (4, "four"), (0, "one two"), (0, "three four")]);
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
    fn where_the_head_leaves_no_room_it_scrolls_with_the_body() {
        let rows = |word: &str, count: usize| (0..count).map(|at| Row::text(format!("{word} {at}"))).collect::<Vec<_>>();
        let sheet = |cursor| Sheet {
            width: 20,
            head: rows("head", 5),
            body: rows("body", 9),
            foot: rows("foot", 2),
            cursor,
            ..Sheet::default()
        };
        let seen =
            |cursor| sheet(cursor).place(Area::of(30, 9)).lines.iter().map(|line| line.text.to_owned()).collect::<Vec<_>>();
        assert_eq!(seen(0), ["head 0", "head 1", "head 2", "head 3", "head 4", "foot 0", "foot 1"]);
        assert_eq!(seen(8), ["body 4", "body 5", "body 6", "body 7", "body 8", "foot 0", "foot 1"]);
    }

    #[test]
    fn what_goes_on_is_indented_like_the_words_it_goes_on_with() {
        let pieces =
            |text| hang(text, 14).into_iter().map(|(by, piece)| format!("{:by$}{piece}", "", by = by.into())).collect::<Vec<_>>();
        assert_eq!(pieces("warn  one two three"), ["warn  one two", "      three"]);
        assert_eq!(pieces("  one two three"), ["  one two", "  three"]);
        assert_eq!(pieces("  ? one two three"), ["  ? one two", "    three"]);
        assert_eq!(pieces("Why: one two three"), ["Why: one two", "     three"]);
        assert_eq!(pieces("one two three four"), ["one two three", "four"]);
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
