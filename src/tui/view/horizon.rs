//! What ends when, beside the other panes of a large screen.

use super::pen::{Frame, Pen};
use crate::config::theme::StyleRole;
use crate::tui::app::horizon::ExpiryTimeline;
use crate::tui::app::layout::ScreenRect;

/// Rows above the credentials: how many end, when, and the days.
const HEAD: u16 = 3;

/// Draws the horizon.
pub(super) fn draw(pen: &mut Pen<'_>, area: ScreenRect) {
    if area.is_empty() {
        return;
    }
    let app = pen.app;
    let inner = pen.panel(area, "The next 90 days", Frame::Quiet);
    if !app.credentials.all_rows_loaded() {
        return;
    }
    let horizon = ExpiryTimeline::new(app, pen.now, inner.width);
    pen.put(inner.row(0), &horizon.summary(), StyleRole::Dim);
    pen.pieces(inner.row(1), &horizon.histogram());
    pen.pieces(inner.row(2), &horizon.axis());
    for (credential, line) in app.credentials.by_expiry().zip(HEAD..inner.height) {
        pen.pieces(inner.row(line), &horizon.credential_row(credential));
    }
}
