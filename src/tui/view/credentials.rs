//! Draws the list of credentials.
//!
//! Start reading at [`draw`]. Filtering and sorting are in `tui::app::credentials`.

use ratatui::layout::Rect;

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::domain::{Credential, CredentialStatus};
use crate::tui::app::command::{CommandAction, ProgramAction};
use crate::tui::app::credentials::filter_query;
use crate::tui::app::credentials::list::CredentialRow;
use crate::tui::app::display_format;
use crate::tui::app::widgets::chart;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{App, Pane};

/// Columns of the short status at the right, including a leading space.
const STATUS_COLUMNS: u16 = 10;
/// Columns of the region, if it fits, including a leading space.
const REGION_COLUMNS: u16 = 10;
/// Minimum columns of the name before the region is shown.
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
    let waiting = pen.app.open_rotations.waiting(&credential.id);
    let (role, sign) = match waiting {
        Some(_) => (StyleRole::Warn, pen.glyphs().warning),
        None => status_symbol(pen, credential),
    };
    let mark = if *marked { pen.glyphs().check_mark } else { " " };
    let rest = pen.write_text(
        Rect { x: area.x - 1, width: area.width + 1, ..area },
        mark,
        StyleRole::Accent,
    );
    let rest = pen.write_text(rest, sign, role).split_left(1).1;

    let words = waiting.map_or_else(
        || display_format::short_status(credential, pen.now.wall),
        |rotation| rotation.phase.unfinished_word().to_owned(),
    );
    let whole_row = rest;
    let (rest, status) = rest.split_left(rest.width.saturating_sub(STATUS_COLUMNS));
    let (name, region) = if rest.width >= MIN_NAME_COLUMNS + REGION_COLUMNS {
        rest.split_left(rest.width - REGION_COLUMNS)
    } else {
        (rest, rest.split_left(rest.width).1)
    };
    pen.write_text(region.split_left(1).1, short_region(credential), StyleRole::Dim);
    let name_text = pen.app.display_name(credential);
    pen.write_text(name, &name_text, StyleRole::Text);
    // A word that fills the column begins in the blank at the end of the one before.
    let wide = u16::from(words.len() >= usize::from(STATUS_COLUMNS));
    let status = whole_row.split_left(whole_row.width.saturating_sub(status.width + wide)).1;
    let soon = waiting.is_none()
        && role != StyleRole::Bad
        && display_format::expires_soon(credential, pen.now.wall);
    pen.write_right(status, &words, if soon { StyleRole::Warn } else { role });
    if *selected {
        let focused = pen.app.ui_state.focus == Pane::Credentials;
        let whole = Rect { x: area.x - 1, width: area.width + 2, ..area };
        pen.restyle(whole, if focused { StyleRole::Selection } else { StyleRole::SelectionIdle });
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

/// Returns the symbol and color of a credential's status.
pub(super) fn status_symbol(
    pen: &CellPainter<'_>,
    credential: &Credential,
) -> (StyleRole, &'static str) {
    let status = CredentialStatus::for_credential(credential, pen.now.wall);
    display_format::status_style(status, pen.glyphs())
}

/// Returns the region without the prefix that repeats the provider: `EU-01` for `SNYK-EU-01`.
fn short_region(credential: &Credential) -> &str {
    display_format::short_region(&credential.region, &credential.provider)
}
