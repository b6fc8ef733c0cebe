//! Drawing: reads the state of the application and writes a buffer of cells.
//!
//! Nothing here changes state or decides what happens; that is in `tui::app`. Start reading at
//! [`draw`]. Each pane has a module of its own, and all of them write through `painter`.

mod console;
mod credentials;
mod detail;
mod dialog;
mod expiry_timeline;
mod header_footer;
pub mod json;
mod painter;
mod regions;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::app::layout;
use super::app::{App, Now};
use crate::config::theme::StyleRole;
use crate::tui::app::widgets::dialog_view::DialogAnchor;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use painter::CellPainter;
pub(super) use painter::to_ascii;

/// Draws the whole screen.
pub fn draw(app: &App, buffer: &mut Buffer, now: Now) {
    let whole = buffer.area;
    let area = Rect::new(
        0,
        0,
        whole.width.min(app.ui_state.area.width),
        whole.height.min(app.ui_state.area.height),
    );
    let mut pen = CellPainter::new(app, now, buffer);
    // The buffer is empty at first.
    pen.restyle(Rect::new(0, 0, whole.width, whole.height), StyleRole::Text);
    if layout::is_too_small(area) {
        return draw_too_small(&mut pen, area);
    }
    if app.is_locked() {
        // The question for the passphrase is on top.
        if let Some(dialog) = app.dialogs.top() {
            dialog::draw(&mut pen, area, &dialog.view(app, now));
        }
        return;
    }
    let screen = layout::compute_layout(area, app);
    header_footer::draw_header(&mut pen, screen.header);
    credentials::draw(&mut pen, screen.credentials);
    detail::draw(&mut pen, screen.detail);
    regions::draw(&mut pen, screen.regions);
    expiry_timeline::draw(&mut pen, screen.timeline);
    console::draw(&mut pen, screen.console);
    header_footer::draw_footer(&mut pen, screen.footer);
    header_footer::draw_message(&mut pen, screen.footer);
    for dialog in app.dialogs.iter() {
        let view = dialog.view(app, now);
        if view.anchor != DialogAnchor::BottomRight {
            pen.dim(area);
        }
        match view.anchor {
            DialogAnchor::Labels => dialog::draw_labels(&mut pen, &view.labels),
            DialogAnchor::Center | DialogAnchor::Over(_) | DialogAnchor::BottomRight => {
                dialog::draw(&mut pen, area, &view)
            }
        }
    }
}

fn draw_too_small(pen: &mut CellPainter<'_>, area: Rect) {
    let (columns, rows) = layout::MIN_TERMINAL_SIZE;
    let note = format!("Terminal too small: {columns}×{rows} needed");
    let middle = area.row(area.height / 2);
    pen.write_centered(middle, &note, StyleRole::Warn);
}
