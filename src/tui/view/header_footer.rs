//! Draws the top and the bottom line of the screen.
//!
//! Their content is in `app/header.rs` and `app/footer.rs`.

use unicode_width::UnicodeWidthStr as _;

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::footer::{typing_hints, visible_hints};
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{display_format, header};
use ratatui::layout::Rect;

/// Draws the header: program name, number of credentials, state of the store, running tasks.
pub(super) fn draw_header(pen: &mut CellPainter<'_>, area: Rect) {
    let app = pen.app;
    let line = area.split_left(1).1;
    let line = line.split_left(line.width.saturating_sub(1)).0;
    let rest = pen.write_text(line, header::PROGRAM_NAME, StyleRole::Accent).split_left(3).1;
    pen.write_text(rest, &header::credential_count_text(app), StyleRole::Dim);
    let (items, rest) = header::header_items(app);
    for item in items {
        pen.write_spans(item.area, &item.spans);
    }
    for count in header::status_counts(app, rest, pen.now.wall) {
        let (role, _) = display_format::status_style(count.status, pen.glyphs());
        pen.write_text(count.area, &count.text, role);
    }
}

/// Draws the message to the user, in the border above the footer: the hints stay readable.
pub(super) fn draw_message(pen: &mut CellPainter<'_>, footer: Rect) {
    let Some(notice) = pen.app.activity.current_notification(pen.now.instant) else { return };
    let (role, sign) = match notice.level {
        NotificationLevel::Success => (StyleRole::Good, pen.glyphs().check_mark),
        NotificationLevel::Info => (StyleRole::Dim, pen.glyphs().separator),
        NotificationLevel::Warning => (StyleRole::Warn, pen.glyphs().warning),
        NotificationLevel::Error => (StyleRole::Bad, pen.glyphs().refused),
    };
    let line = Rect { y: footer.y.saturating_sub(1), ..footer }.split_left(1).1;
    let line = line.split_left(line.width.saturating_sub(1)).0;
    pen.write_text(line, &format!(" {sign} {} ", notice.text), role);
}

/// Draws the footer: the key hints.
pub(super) fn draw_footer(pen: &mut CellPainter<'_>, area: Rect) {
    let mut rest = area.split_left(1).1;
    for (keys, words) in typing_hints(pen.app) {
        // A hint that does not fit is left out as a whole.
        if keys.width() + 1 + words.width() > usize::from(rest.width) {
            break;
        }
        rest = pen.write_text(rest, keys, StyleRole::Key).split_left(1).1;
        rest = pen.write_text(rest, words, StyleRole::Dim).split_left(3).1;
    }
    for hint in visible_hints(pen.app, area, pen.now.wall) {
        let rest = pen.write_text(hint.area, &hint.key, StyleRole::Key).split_left(1).1;
        pen.write_text(rest, hint.title, StyleRole::Dim);
    }
}
