//! The labels of jump mode, over a screen that steps back.

use super::pen::Pen;
use crate::config::theme::StyleRole;
use crate::tui::app::dialog::Jump;
use crate::tui::app::layout::ScreenRect;

/// Draws the labels.
pub(super) fn draw(pen: &mut Pen<'_>, area: ScreenRect, jump: &Jump) {
    pen.fade(area);
    for (target, typed) in jump.open() {
        let (x, y) = target.at;
        let width = u16::try_from(target.label.len()).unwrap_or(1);
        let place = ScreenRect { x: x.saturating_sub(1), y, width: width + 2, height: 1 };
        let rest = pen.put(place.split_left(1).1, &target.label[..typed], StyleRole::Dim);
        pen.put(rest.split_left(width).0, &target.label[typed..], StyleRole::Label);
    }
}
