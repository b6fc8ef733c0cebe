//! Draws the list of credentials.
//!
//! Start reading at [`draw`]. Filtering and sorting are in `tui::app::credentials`.

use ratatui::layout::Rect;

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::domain::{Credential, CredentialStatus};
use crate::tui::app::command::{CommandAction, ProgramAction};
use crate::tui::app::credentials::attention::AttentionReason;
use crate::tui::app::credentials::filter_query;
use crate::tui::app::credentials::list::CredentialRow;
use crate::tui::app::display_format;
use crate::tui::app::widgets::chart;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{App, Pane};

/// Columns of the status at the right, including a leading space.
const STATUS_COLUMNS: u16 = 12;
/// Columns of what needs attention, including a leading space.
const ATTENTION_COLUMNS: u16 = 11;
/// Columns of the region, if it fits, including a leading space.
const REGION_COLUMNS: u16 = 10;
/// Minimum columns of the name before another column is shown.
const MIN_NAME_COLUMNS: u16 = 12;

/// Draws the list.
pub(super) fn draw(pen: &mut CellPainter<'_>, area: Rect) {
    let app = pen.app;
    if area.is_empty() {
        return;
    }
    let inner = pen.draw_pane(area, Pane::Credentials, &title(app));
    let (filter, rows) = inner.split_top(app.filter_rows());
    draw_filter(pen, filter);
    if app.credentials.visible_count() == 0 {
        return draw_empty(pen, rows);
    }
    for (line, row) in app.credentials.visible_rows(rows.height.into()).enumerate() {
        let line = u16::try_from(line).unwrap_or(u16::MAX);
        draw_row(pen, rows.row(line), &row);
    }
    draw_position(pen, area, rows);
    draw_scrollbar(pen, Rect { x: area.x + area.width.saturating_sub(1), width: 1, ..rows });
}

fn title(app: &App) -> String {
    let list = &app.credentials;
    if list.filter_is_empty() {
        "1 Credentials".to_owned()
    } else {
        format!(
            "1 Credentials · {}",
            display_format::format_part(list.visible_count(), list.all().len())
        )
    }
}

fn draw_filter(pen: &mut CellPainter<'_>, area: Rect) {
    let filter = &pen.app.credentials.filter;
    if area.is_empty() {
        return;
    }
    if let Some(error) = pen.app.credentials.filter_term_error() {
        let text = pen.mask_in_presentation(&error.to_string());
        pen.write_paragraph(area.split_top(1).1, &text, StyleRole::Warn);
    }
    let area = area.row(0);
    let rest = pen.write_text(area, "/ ", StyleRole::Key);
    if filter.input.value().is_empty() {
        pen.write_text(rest.split_left(1).1, filter_query::filter_grammar(), StyleRole::Dim);
    } else {
        let text = pen.mask_in_presentation(filter.input.value());
        pen.write_text(rest, &text, StyleRole::Text);
    }
    if filter.typing {
        let column = u16::try_from(filter.input.visual_cursor())
            .unwrap_or(u16::MAX)
            .min(rest.width.saturating_sub(1));
        pen.restyle(rest.split_left(column).1.split_left(1).0, StyleRole::Selection);
    }
}

fn draw_empty(pen: &mut CellPainter<'_>, area: Rect) {
    if pen.app.credentials.all().is_empty() {
        let area = area.split_top(1).1;
        let area =
            pen.write_paragraph(area, "No credentials yet.", StyleRole::Title).split_top(1).1;
        let area = pen.write_paragraph(
            area,
            "Paste a token, or press a to add one. Provider and kind are recognized.",
            StyleRole::Text,
        );
        let area = area.split_top(1).1;
        let key = pen
            .app
            .preferences
            .keys
            .label(CommandAction::Program(ProgramAction::Welcome))
            .unwrap_or_default();
        let words =
            format!("Press {key} to import from other tools, choose the store, or start the demo.");
        pen.write_paragraph(area, &words, StyleRole::Dim);
    } else {
        let area = pen.write_paragraph(
            area.split_top(1).1,
            "No credential matches the filter.",
            StyleRole::Title,
        );
        pen.write_paragraph(area, "Press Esc to clear it.", StyleRole::Dim);
    }
}

fn draw_row(pen: &mut CellPainter<'_>, area: Rect, row: &CredentialRow<'_>) {
    let CredentialRow { credential, selected, marked } = row;
    let status = CredentialStatus::for_credential(credential, pen.now.wall);
    let reason = pen.app.credentials.attention(credential, pen.now.wall);
    let (role, sign) = display_format::status_style(status, pen.glyphs());
    let (sign_role, sign) = match reason {
        None | Some(AttentionReason::Refused | AttentionReason::Expired) => (role, sign),
        Some(_) => (StyleRole::Warn, pen.glyphs().warning),
    };
    let mark = if *marked { pen.glyphs().check_mark } else { " " };
    let rest = pen.write_text(
        Rect { x: area.x - 1, width: area.width + 1, ..area },
        mark,
        StyleRole::Accent,
    );
    let rest = pen.write_text(rest, sign, sign_role).split_left(1).1;

    let (rest, status_cell) = rest.split_left(rest.width.saturating_sub(STATUS_COLUMNS));
    // What needs attention takes the place of the region where both do not fit.
    let (rest, region) = split_right(rest, REGION_COLUMNS);
    let (name, attention) = match split_right(rest, ATTENTION_COLUMNS) {
        (name, attention) if !attention.is_empty() => (name, attention),
        (name, _) => (name, region),
    };
    if reason.is_none() || attention != region {
        pen.write_text(region.split_left(1).1, short_region(credential), StyleRole::Dim);
    }
    let name = if reason.is_none() && attention != region {
        Rect { width: name.width + attention.width, ..name }
    } else {
        name
    };
    let name_text = pen.app.display_name(credential);
    pen.write_text(name, &name_text, StyleRole::Text);
    let remedy_key = reason
        .and_then(|reason| pen.app.preferences.keys.label(reason.remedy()))
        .unwrap_or_default();
    if let Some(reason) = reason {
        let rest = pen.write_text(attention.split_left(1).1, &remedy_key, StyleRole::Key);
        pen.write_text(rest.split_left(1).1, &reason.short_text(), StyleRole::Warn);
    }
    let status_cell = pen.write_right(status_cell, status.as_str(), role);
    if attention.is_empty() {
        // Only the key fits.
        pen.write_right(status_cell, &remedy_key, StyleRole::Key);
    }
    if *selected {
        let focused = pen.app.ui_state.focus == Pane::Credentials;
        let whole = Rect { x: area.x - 1, width: area.width + 2, ..area };
        pen.restyle(whole, if focused { StyleRole::Selection } else { StyleRole::SelectionIdle });
    }
}

/// Splits off a column at the right, if that leaves enough for the name.
fn split_right(area: Rect, columns: u16) -> (Rect, Rect) {
    if area.width >= MIN_NAME_COLUMNS + columns {
        area.split_left(area.width - columns)
    } else {
        area.split_left(area.width)
    }
}

/// Draws the sort order and the cursor position in the lower border.
fn draw_position(pen: &mut CellPainter<'_>, area: Rect, rows: Rect) {
    let list = &pen.app.credentials;
    let bottom = area.row(area.height.saturating_sub(1)).split_left(2).1;
    let bottom = bottom.split_left(bottom.width.saturating_sub(2)).0;
    pen.write_text(bottom, &format!(" by {} ", list.sort.as_str()), StyleRole::Dim);
    if list.visible_count() > rows.height.into() {
        pen.write_right(
            bottom,
            &format!(" {} ", display_format::format_part(list.cursor() + 1, list.visible_count())),
            StyleRole::Dim,
        );
    }
}

/// Draws the scroll bar in the right border.
fn draw_scrollbar(pen: &mut CellPainter<'_>, border: Rect) {
    let list = &pen.app.credentials;
    let Some((top, length)) =
        chart::scrollbar_thumb(list.top(), usize::from(border.height), list.visible_count())
    else {
        return;
    };
    for line in (top..top + length).filter_map(|line| u16::try_from(line).ok()) {
        pen.write_text(border.row(line), pen.glyphs().scroll_thumb, StyleRole::Border);
    }
}

/// Returns the region without the prefix that repeats the provider: `EU-01` for `SNYK-EU-01`.
fn short_region(credential: &Credential) -> &str {
    display_format::short_region(&credential.region, &credential.provider)
}
