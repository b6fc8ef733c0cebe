//! Draws dialogs, all in the same way, from their [`DialogView`]s.
//!
//! Start reading at [`draw`]. The layout is computed in `tui::app::dialog_view`, so that drawing
//! and clicking agree.

use std::borrow::Cow;

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::painter::{CellPainter, FocusStyle};
use crate::config::theme::StyleRole;
use crate::tui::app::widgets::dialog_view::{
    ButtonView, DialogLayout, DialogRow, DialogView, FieldValue, FieldView, LabelView, ListItem,
    PlacedLine, SpanRow, TextTruncation, button_areas,
};
use crate::tui::app::widgets::form::FormButton;
use crate::tui::app::widgets::split_rect::SplitRect as _;

/// Maximum columns of the field labels.
const MAX_LABEL_COLUMNS: usize = 24;
/// Columns of a mask, independent of the secret's length.
const MASK_COLUMNS: usize = 20;

/// Draws a dialog in `area`.
pub(super) fn draw(pen: &mut CellPainter<'_>, area: Rect, view: &DialogView) {
    let placed = view.layout(area);
    // An empty column on both sides separates the dialog from the screen behind it.
    let Rect { x, width, .. } = placed.outer;
    pen.clear_area(
        Rect { x: x.saturating_sub(1), width: width + 1 + x.min(1), ..placed.outer },
        StyleRole::Text,
    );
    pen.draw_panel(placed.outer, &view.title, FocusStyle::Focused);
    let columns =
        ColumnWidths { label: label_column(view), item: item_column(view, placed.outer.width) };
    for line in &placed.lines {
        draw_line(pen, line, columns);
    }
    draw_scroll_hints(pen, &placed);
}

/// Widths of the first columns of a dialog.
#[derive(Clone, Copy)]
struct ColumnWidths {
    /// Columns of the field labels.
    label: u16,
    /// Columns of the list items.
    item: u16,
}

/// Returns the columns of the labels: the widest label up to a maximum, a pointer before it, and a
/// gap behind it that holds the arrow of a selection.
fn label_column(view: &DialogView) -> u16 {
    let rows = || view.head.iter().chain(&view.body).chain(&view.foot);
    let widths = rows().map(|row| match row {
        DialogRow::Field(field) => field.label.width(),
        DialogRow::Pair(label, _) => label.width(),
        _ => 0,
    });
    let turns = rows().any(|row| {
        matches!(row, DialogRow::Field(FieldView { value: FieldValue::Select(..), .. }))
    });
    let around = if turns { 5 } else { 4 };
    u16::try_from(widths.max().unwrap_or(0).min(MAX_LABEL_COLUMNS) + around).unwrap_or(u16::MAX)
}

/// Returns the columns of the list items: the widest item, up to half the width if descriptions
/// follow.
fn item_column(view: &DialogView, width: u16) -> u16 {
    let items = || {
        view.body
            .iter()
            .chain(&view.foot)
            .filter_map(|row| if let DialogRow::Item(item) = row { Some(item) } else { None })
    };
    let widest =
        u16::try_from(items().map(|item| item.text.width()).max().unwrap_or(0)).unwrap_or(u16::MAX);
    if items().all(|item| item.more.is_empty()) { widest } else { widest.min(width / 2) }
}

fn draw_line(pen: &mut CellPainter<'_>, line: &PlacedLine<'_>, columns: ColumnWidths) {
    match line.row {
        DialogRow::Blank => {}
        DialogRow::Text(role, _) | DialogRow::Message(role, _) => {
            _ = pen.write_text(line.area, line.text, *role);
        }
        DialogRow::Pair(label, value) => {
            pen.write_text(line.area, label, StyleRole::Dim);
            pen.write_text(line.area.split_left(columns.label).1, value, StyleRole::Text);
        }
        DialogRow::Secret(row) => super::detail::draw_secret_words(pen, line.area, row),
        DialogRow::Field(field) => {
            let (label, value) = line.area.split_left(columns.label);
            draw_field(pen, label, value, field);
        }
        DialogRow::Item(item) => draw_item(pen, line.area, item, columns.item),
        DialogRow::Spans(drawing) => draw_spans(pen, line.area, drawing),
        DialogRow::Buttons(buttons) => {
            button_areas(buttons, line.area).for_each(|(cell, area)| draw_button(pen, area, cell));
        }
    }
}

fn draw_field(pen: &mut CellPainter<'_>, label: Rect, value: Rect, field: &FieldView) {
    let pointer = if field.focused { pen.glyphs().pointer } else { " " };
    let rest = pen.write_text(label, pointer, StyleRole::Accent).split_left(1).1;
    let role = match (field.has_problem, field.focused) {
        (true, _) => StyleRole::Bad,
        (false, true) => StyleRole::Title,
        (false, false) => StyleRole::Dim,
    };
    pen.write_text(rest.split_left(rest.width.saturating_sub(1)).0, &field.label, role);
    match &field.value {
        FieldValue::Text(text, cursor) => draw_text(pen, value, text, *cursor, field.focused),
        FieldValue::Secret(held) => draw_secret(pen, value, *held),
        FieldValue::Tabs(titles, at) => {
            let mut rest = value;
            for (index, title) in titles.iter().enumerate() {
                let role = if index == *at { StyleRole::Accent } else { StyleRole::Dim };
                let text = if index == *at { format!("[{title}]") } else { format!(" {title} ") };
                rest = pen.write_text(rest, &text, role);
            }
        }
        FieldValue::Select(titles, at) => {
            let turns = titles.len() > 1;
            // The arrow is left of the column, so that all values are aligned.
            let arrow = Rect { x: value.x.saturating_sub(2), width: 1, ..value };
            pen.write_text(arrow, if turns { "‹" } else { "" }, StyleRole::Dim);
            let rest =
                pen.write_text(value, titles.get(*at).map_or("", String::as_str), StyleRole::Text);
            pen.write_text(rest, if turns { " ›" } else { "" }, StyleRole::Dim);
        }
    }
}

/// Draws the part of a text around the cursor.
fn draw_text(pen: &mut CellPainter<'_>, area: Rect, text: &str, cursor: usize, focused: bool) {
    pen.restyle(area, StyleRole::Input);
    let room = usize::from(area.width).max(1);
    let skipped = if focused { (cursor + 1).saturating_sub(room) } else { 0 };
    let shown = skip_columns(text, skipped);
    pen.write_text(area, shown, StyleRole::Input);
    if focused {
        let column = u16::try_from(cursor - skipped).unwrap_or(u16::MAX);
        pen.restyle(area.split_left(column).1.split_left(1).0, StyleRole::Selection);
    }
}

fn skip_columns(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let beyond = |(_, c): &(usize, char)| {
        let reached = used >= columns;
        used += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
        reached
    };
    let at = text.char_indices().find(beyond).map_or(text.len(), |(at, _)| at);
    &text[at..]
}

fn draw_secret(pen: &mut CellPainter<'_>, area: Rect, held: bool) {
    if held {
        let mask = pen.glyphs().mask.repeat(MASK_COLUMNS);
        pen.write_text(area, &mask, StyleRole::Secret);
    } else {
        pen.write_text(area, "paste or type it; it is never shown", StyleRole::Dim);
    }
}

fn draw_item(pen: &mut CellPainter<'_>, area: Rect, item: &ListItem, column: u16) {
    let (role, sign) = item.mark.unwrap_or((StyleRole::Text, ""));
    let rest =
        if sign.is_empty() { area } else { pen.write_text(area, sign, role).split_left(1).1 };
    let rest = pen.write_right(rest, &item.right, item.right_role);
    let (text, more) = rest.split_left(column);
    let heading =
        if item.index.is_none() && item.mark.is_none() { StyleRole::Key } else { StyleRole::Text };
    let shown = match item.cut {
        TextTruncation::End => Cow::Borrowed(item.text.as_str()),
        TextTruncation::PathStart => {
            cut_path_start(&item.text, text.width.into(), pen.glyphs().ellipsis)
        }
    };
    pen.write_text(text, &shown, heading);
    pen.write_text(more.split_left(2).1, &item.more, StyleRole::Dim);
    if item.selected {
        pen.restyle(Rect { x: area.x - 1, width: area.width + 2, ..area }, StyleRole::Selection);
    }
}

/// Shortens a request line to this many columns: the path loses its start, and the query, which
/// requests to different paths have in common, goes first.
fn cut_path_start<'t>(line: &'t str, columns: usize, ellipsis: &str) -> Cow<'t, str> {
    let Some((method, address)) = line.split_once(' ') else { return line.into() };
    let path = address.split_once('?').map_or(address, |(path, _)| path);
    let room = columns.saturating_sub(method.width() + 1);
    if path.width() <= room {
        return line.into();
    }
    let end =
        skip_columns(path, path.width().saturating_sub(room.saturating_sub(ellipsis.width())));
    format!("{method} {ellipsis}{end}").into()
}

fn draw_spans(pen: &mut CellPainter<'_>, area: Rect, drawing: &SpanRow) {
    pen.write_spans(area, &drawing.spans);
    if drawing.selected {
        pen.restyle(Rect { x: area.x - 1, width: area.width + 2, ..area }, StyleRole::Selection);
    }
}

fn draw_button(pen: &mut CellPainter<'_>, area: Rect, cell: &ButtonView) {
    let role = match (cell.focused, cell.button) {
        (true, FormButton::Destructive(_)) => StyleRole::Danger,
        (true, _) => StyleRole::Selection,
        (false, FormButton::Destructive(_)) => StyleRole::Bad,
        (false, _) => StyleRole::Text,
    };
    let (open, close) = match (cell.focused, pen.is_ascii()) {
        (true, false) => ("▸ ", " ◂"),
        (true, true) => ("> ", " <"),
        (false, _) => ("[ ", " ]"),
    };
    pen.write_text(area, &format!("{open}{}{close}", cell.label), role);
}

/// Draws hints in the border if there is more content above or below.
fn draw_scroll_hints(pen: &mut CellPainter<'_>, placed: &DialogLayout<'_>) {
    let outer = placed.outer;
    let corner =
        |row: u16| outer.row(row).split_left(outer.width.saturating_sub(10)).1.split_left(8).0;
    if placed.hidden.0 {
        pen.write_text(corner(0), " ↑ more ", StyleRole::Dim);
    }
    if placed.hidden.1 {
        pen.write_text(corner(outer.height.saturating_sub(1)), " ↓ more ", StyleRole::Dim);
    }
}

/// Draws the labels of jump mode, each left of what it clicks.
pub(super) fn draw_labels(pen: &mut CellPainter<'_>, labels: &[LabelView]) {
    for LabelView { at, typed, rest } in labels {
        let (x, y) = *at;
        let width = u16::try_from(typed.len() + rest.len()).unwrap_or(1);
        let place = Rect { x: x.saturating_sub(width), y, width, height: 1 };
        let after = pen.write_text(place, typed, StyleRole::Dim);
        pen.write_text(after, rest, StyleRole::Label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_loses_its_start_and_then_its_query() {
        let line = "GET /rest/orgs/4a18d42f/projects/74c237b4/issues?version=2024-10-15";
        let cut = |columns| cut_path_start(line, columns, "…").into_owned();
        assert_eq!(cut(80), line);
        assert_eq!(cut(60), line, "the end of the query is left out where it is drawn");
        assert_eq!(cut(24), "GET …cts/74c237b4/issues");
        assert_eq!(cut(12), "GET …/issues");
        assert_eq!(cut(0), "GET …");
        assert_eq!(cut_path_start("no-path", 3, "…"), "no-path");
    }
}
