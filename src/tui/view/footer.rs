//! Draws the bottom line: the current notification, or else the key hints.

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::tui::app::footer::{typing_hints, visible_hints};
use crate::tui::app::layout::ScreenRect;
use crate::tui::app::overview::activity::NotificationLevel;

/// Draws the footer.
pub(super) fn draw(pen: &mut CellPainter<'_>, area: ScreenRect) {
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
