//! Draws the labels of jump mode beside what they click.

use super::painter::CellPainter;
use crate::config::theme::StyleRole;
use crate::tui::app::layout::ScreenRect;
use crate::tui::app::widgets::dialog_view::LabelView;

/// Draws each label left of its cell.
pub(super) fn draw(pen: &mut CellPainter<'_>, labels: &[LabelView]) {
    for LabelView { at, typed, rest } in labels {
        let (x, y) = *at;
        let width = u16::try_from(typed.len() + rest.len()).unwrap_or(1);
        let place = ScreenRect { x: x.saturating_sub(width), y, width, height: 1 };
        let after = pen.write_text(place, typed, StyleRole::Dim);
        pen.write_text(after, rest, StyleRole::Label);
    }
}
