//! Draws the key hints in the bottom line, and the message to the user above them.

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::tui::app::footer::{typing_hints, visible_hints};
use crate::tui::app::layout::ScreenRect;
use crate::tui::app::overview::activity::NotificationLevel;

/// Draws the message to the user, in the border above the footer: the hints stay readable.
pub(super) fn draw_message(pen: &mut CellPainter<'_>, footer: ScreenRect) {
    let Some(notice) = pen.app.activity.current_notification(pen.now.instant) else { return };
    let (role, sign) = match notice.level {
        NotificationLevel::Success => (StyleRole::Good, pen.glyphs().check_mark),
        NotificationLevel::Warning => (StyleRole::Warn, pen.glyphs().warning),
        NotificationLevel::Error => (StyleRole::Bad, pen.glyphs().refused),
    };
    let line = ScreenRect { y: footer.y.saturating_sub(1), ..footer }.split_left(1).1;
    let line = line.split_left(line.width.saturating_sub(1)).0;
    pen.write_text(line, &format!(" {sign} {} ", notice.text), role);
}

/// Draws the footer.
pub(super) fn draw(pen: &mut CellPainter<'_>, area: ScreenRect) {
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
