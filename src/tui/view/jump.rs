//! Draws the labels of jump mode over the screen.

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::tui::app::layout::ScreenRect;
use crate::tui::app::widgets::dialog_view::LabelView;

/// Draws the labels.
pub(super) fn draw(pen: &mut CellPainter<'_>, labels: &[LabelView]) {
    for LabelView { at, typed, rest } in labels {
        let (x, y) = *at;
        let width = u16::try_from(typed.len() + rest.len()).unwrap_or(1);
        let place = ScreenRect { x: x.saturating_sub(1), y, width: width + 2, height: 1 };
        let after = pen.write_text(place.split_left(1).1, typed, StyleRole::Dim);
        pen.write_text(after.split_left(width).0, rest, StyleRole::Label);
    }
}
