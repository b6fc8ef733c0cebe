//! The line at the bottom: a word to the person, else what can be done.

use super::pen::Pen;
use crate::config::theme::StyleRole;
use crate::tui::app::activity::Tone;
use crate::tui::app::footer::{hints, typing};
use crate::tui::app::layout::Area;

/// Draws the footer.
pub(super) fn draw(pen: &mut Pen<'_>, area: Area) {
    if let Some(notice) = pen.app.activity.notice(pen.now.instant) {
        let (role, sign) = match notice.tone {
            Tone::Good => (StyleRole::Good, pen.glyphs().check_mark),
            Tone::Warn => (StyleRole::Warn, pen.glyphs().warning),
            Tone::Bad => (StyleRole::Bad, pen.glyphs().refused),
        };
        let rest = pen.put(area.split_left(1).1, sign, role).split_left(1).1;
        pen.put(rest, &notice.text, role);
        return;
    }
    let mut rest = area.split_left(1).1;
    for (keys, words) in typing(pen.app) {
        rest = pen.put(rest, keys, StyleRole::Key).split_left(1).1;
        rest = pen.put(rest, words, StyleRole::Dim).split_left(3).1;
    }
    for hint in hints(pen.app, area) {
        let rest = pen.put(hint.area, &hint.key, StyleRole::Key).split_left(1).1;
        pen.put(rest, hint.title, StyleRole::Dim);
    }
}
