//! Draws the expiry timeline beside the other panes of a large screen.

use ratatui::layout::Rect;

use super::painter::{CellPainter, FocusStyle};
use crate::config::theme::StyleRole;
use crate::tui::app::overview::expiry_timeline::ExpiryTimeline;
use crate::tui::app::widgets::split_rect::SplitRect as _;

/// Rows above the credentials: summary and axis.
const HEAD_ROWS: u16 = 2;

/// Draws the timeline.
pub(super) fn draw(pen: &mut CellPainter<'_>, area: Rect) {
    if area.is_empty() {
        return;
    }
    let app = pen.app;
    let inner = pen.draw_panel(area, "Expiry timeline", FocusStyle::Unfocused);
    if !app.credentials.all_rows_loaded() {
        return;
    }
    let timeline = ExpiryTimeline::new(app, pen.now, inner.width);
    pen.write_text(inner.row(0), &timeline.summary(), StyleRole::Dim);
    pen.write_spans(inner.row(1), &timeline.axis());
    for (credential, line) in app.credentials.by_expiry().zip(HEAD_ROWS..inner.height) {
        pen.write_spans(inner.row(line), &timeline.credential_row(credential));
    }
}
