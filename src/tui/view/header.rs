//! Draws the top line: program name, number of credentials, state of the store, running tasks.

use unicode_width::UnicodeWidthStr;

use crate::config::theme::StyleRole;
use crate::tui::app::display_format::CredentialStatus;
use crate::tui::app::layout::ScreenRect;
use crate::tui::app::widgets::chart;
use crate::tui::app::{display_format, header};
use crate::tui::view::painter::CellPainter;

/// Draws the header.
pub(super) fn draw(pen: &mut CellPainter<'_>, area: ScreenRect) {
    let app = pen.app;
    let line = area.split_left(1).1;
    let line = line.split_left(line.width.saturating_sub(1)).0;
    let rest = pen.write_text(line, header::PROGRAM_NAME, StyleRole::Accent).split_left(3).1;
    pen.write_text(rest, &header::credential_count_text(app), StyleRole::Dim);
    let (signs, rest) = header::header_items(app);
    for sign in signs {
        pen.write_spans(sign.area, &sign.spans);
    }
    let pieces = status_counts(pen);
    if pieces.iter().map(|(_, text)| text.width()).sum::<usize>() < rest.width.into() {
        pen.write_spans(rest.split_left(1).1, &pieces);
    }
}

/// Returns the number of credentials per status with its symbol, the good ones first.
fn status_counts(pen: &CellPainter<'_>) -> chart::StyledSpans {
    let list = &pen.app.credentials;
    if !list.all_rows_loaded() {
        return Vec::new();
    }
    let counted = CredentialStatus::ALL
        .into_iter()
        .zip(list.status_counts(pen.now.wall))
        .rev()
        .filter(|(_, count)| *count > 0);
    counted
        .map(|(standing, count)| (standing.style(pen.glyphs()), count))
        .map(|((role, sign), count)| {
            (role, format!("{sign} {}  ", display_format::format_number(count)))
        })
        .collect()
}
