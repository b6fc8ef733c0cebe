//! What ends when, beside the other panes of a large screen.

use super::pen::{Frame, Pen};
use crate::config::theme::StyleRole;
use crate::tui::app::horizon::Horizon;
use crate::tui::app::layout::Area;

/// Rows above the credentials: how many end, when, and the days.
const HEAD: u16 = 3;

/// Draws the horizon.
pub(super) fn draw(pen: &mut Pen<'_>, area: Area) {
    if area.is_empty() {
        return;
    }
    let app = pen.app;
    let inner = pen.panel(area, "The next 90 days", Frame::Quiet);
    if !app.credentials.is_whole() {
        return;
    }
    let horizon = Horizon::new(app, pen.now, inner.width);
    pen.put(inner.row(0), &horizon.summary(), StyleRole::Dim);
    pen.pieces(inner.row(1), &horizon.histogram());
    pen.pieces(inner.row(2), &horizon.axis());
    for (credential, line) in app.credentials.ends().zip(HEAD..inner.height) {
        pen.pieces(inner.row(line), &horizon.line(credential));
    }
}
