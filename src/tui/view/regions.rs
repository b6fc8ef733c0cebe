//! Draws the regions of the selected credential's provider.
//!
//! Start reading at [`draw`]. The rows and the cursor are in `tui::app::regions`.

use ratatui::layout::Rect;

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::domain::response::CheckResult;
use crate::tui::app::credentials::regions::RegionRow;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{Pane, display_format};

/// Columns of symbol, check result and latency at the right.
const RESULT_COLUMNS: u16 = 9;
/// Minimum columns of the pane for full region names.
const MIN_COLUMNS_FOR_FULL_NAME: u16 = 44;

/// Draws the regions.
pub(super) fn draw(pen: &mut CellPainter<'_>, area: Rect) {
    let app = pen.app;
    if area.is_empty() {
        return;
    }
    let focused = app.ui_state.focus == Pane::Regions;
    let credential = app.selected();
    let all = credential
        .map(|credential| app.catalog.regions(&credential.provider).unwrap_or_default())
        .unwrap_or_default();
    // The rows are too narrow to say it of each host.
    let is_simulated = all.iter().any(|region| app.catalog.simulated_host(region).is_some());
    let heading = if is_simulated { "3 Regions (simulated)" } else { "3 Regions" };
    let inner = pen.draw_pane(area, Pane::Regions, heading);
    let Some(credential) = credential else { return };
    if all.is_empty() {
        pen.write_text(inner, "Unknown provider", StyleRole::Dim);
    }
    let title = |id: &'_ str| -> String {
        if inner.width < MIN_COLUMNS_FOR_FULL_NAME {
            display_format::short_region(id, &credential.provider).to_owned()
        } else {
            id.to_owned()
        }
    };
    let longest = all.iter().map(|region| title(&region.id).len()).max().unwrap_or(0);
    let column = u16::try_from(longest).unwrap_or(0).min(inner.width / 2) + 1;
    for (line, row) in app.regions.visible_rows(all, credential, inner.height.into()).enumerate() {
        let line = inner.row(u16::try_from(line).unwrap_or(u16::MAX));
        draw_region(pen, line, &row, &title(&row.region.id), column);
        if row.selected && focused {
            pen.restyle(
                Rect { x: line.x - 1, width: line.width + 2, ..line },
                StyleRole::Selection,
            );
        }
    }
}

fn draw_region(
    pen: &mut CellPainter<'_>,
    area: Rect,
    row: &RegionRow<'_>,
    title: &str,
    title_columns: u16,
) {
    let pointer = if row.current { pen.glyphs().pointer } else { " " };
    let rest = pen.write_text(area, pointer, StyleRole::Accent).split_left(1).1;
    let (rest, outcome) = rest.split_left(rest.width.saturating_sub(RESULT_COLUMNS));
    let (id, host) = rest.split_left(title_columns);
    pen.write_text(id, title, if row.current { StyleRole::Title } else { StyleRole::Text });
    let api = pen.app.catalog.simulated_host(row.region).unwrap_or(&row.region.api);
    pen.write_text(host, &display_format::host_and_port(api), StyleRole::Dim);
    draw_check_result(pen, outcome.split_left(1).1, row);
}

/// Returns the symbol and color of a check result.
fn check_symbol(pen: &CellPainter<'_>, result: CheckResult) -> (StyleRole, &'static str) {
    display_format::check_style(result, pen.glyphs())
}

/// Draws the symbol of the check result, and the latency or the reason why there is none.
fn draw_check_result(pen: &mut CellPainter<'_>, area: Rect, row: &RegionRow<'_>) {
    let found = row.check.map_or(CheckResult::Unchecked, |check| check.result);
    let latency = row.check.and_then(|check| check.latency_ms).map(|ms| format!("{ms} ms"));
    let status = row.check.and_then(|check| check.status).map(|status| status.to_string());
    let word = match found {
        CheckResult::Accepted => latency.unwrap_or_else(|| "ok".to_owned()),
        CheckResult::Refused => status.unwrap_or_else(|| "no".to_owned()),
        CheckResult::Unknown => status.unwrap_or_else(|| "unknown".to_owned()),
        CheckResult::Unchecked => String::new(),
    };
    let (role, sign) = check_symbol(pen, found);
    let rest = pen.write_right(area, sign, role);
    pen.write_right(rest, &word, StyleRole::Dim);
}
