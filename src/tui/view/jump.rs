//! Draws the labels of jump mode over a dimmed screen.

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::tui::app::dialogs::JumpDialog;
use crate::tui::app::layout::ScreenRect;

/// Draws the labels.
pub(super) fn draw(pen: &mut CellPainter<'_>, area: ScreenRect, jump: &JumpDialog) {
    pen.dim(area);
    for (target, typed) in jump.matching_targets() {
        let (x, y) = target.at;
        let width = u16::try_from(target.label.len()).unwrap_or(1);
        let place = ScreenRect { x: x.saturating_sub(1), y, width: width + 2, height: 1 };
        let rest = pen.write_text(place.split_left(1).1, &target.label[..typed], StyleRole::Dim);
        pen.write_text(rest.split_left(width).0, &target.label[typed..], StyleRole::Label);
    }
}
