//! Draws the top and the bottom line of the screen.
//!
//! Their content is in `app/header.rs` and `app/footer.rs`.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::domain::CredentialStatus;
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::footer::{typing_hints, visible_hints};
use crate::tui::app::widgets::chart;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{display_format, header};

/// Draws the header: program name, number of credentials, state of the store, running tasks.
pub(super) fn draw_header(pen: &mut CellPainter<'_>, area: Rect) {
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
        .map(|(standing, count)| (display_format::status_style(standing, pen.glyphs()), count))
        .map(|((role, sign), count)| {
            (role, format!("{sign} {}  ", display_format::format_number(count)))
        })
        .collect()
}

/// Draws the footer: the current notification, or else the key hints.
pub(super) fn draw_footer(pen: &mut CellPainter<'_>, area: Rect) {
    if let Some(notice) = pen.app.activity.current_notification(pen.now.instant) {
        let (role, sign) = match notice.level {
            NotificationLevel::Success => (StyleRole::Good, pen.glyphs().check_mark),
            NotificationLevel::Info => (StyleRole::Dim, pen.glyphs().separator),
            NotificationLevel::Warning => (StyleRole::Warn, pen.glyphs().warning),
            NotificationLevel::Error => (StyleRole::Bad, pen.glyphs().refused),
        };
        let rest = pen.write_text(area.split_left(1).1, sign, role).split_left(1).1;
        pen.write_text(rest, &notice.text, role);
        return;
    }
    let mut rest = area.split_left(1).1;
    for (keys, words) in typing_hints(pen.app) {
        rest = pen.write_text(rest, keys, StyleRole::Key).split_left(1).1;
        rest = pen.write_text(rest, words, StyleRole::Dim).split_left(3).1;
    }
    for hint in visible_hints(pen.app, area) {
        let rest = pen.write_text(hint.area, &hint.key, StyleRole::Key).split_left(1).1;
        pen.write_text(rest, hint.title, StyleRole::Dim);
    }
}
