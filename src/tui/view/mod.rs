//! Drawing: reads the state of the application and writes a buffer of cells.
//!
//! Nothing here changes state or decides what happens; that is in `tui::app`. Start reading at
//! [`draw`]. Each pane has a module of its own, and all of them write through `painter`.
//!
//! Draws the top and the bottom line of the screen.
//!
//! Their content is in `app/header.rs` and `app/footer.rs`.

mod console;
mod credentials;
mod detail;
mod dialog;
mod expiry_timeline;
pub mod json;
mod painter;
mod regions;
#[cfg(test)]
mod tests;

use painter::CellPainter;
pub(super) use painter::to_ascii;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::app::{App, Now, layout};
use crate::config::theme::StyleRole;
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::footer::{typing_hints, visible_hints};
use crate::tui::app::widgets::dialog_view::DialogAnchor;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::{display_format, header};
use crate::tui::view;

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
    view::draw_header(&mut pen, screen.header);
    credentials::draw(&mut pen, screen.credentials);
    detail::draw(&mut pen, screen.detail);
    regions::draw(&mut pen, screen.regions);
    expiry_timeline::draw(&mut pen, screen.timeline);
    console::draw(&mut pen, screen.console);
    view::draw_footer(&mut pen, screen.footer);
    view::draw_message(&mut pen, screen.footer);
    for dialog in app.dialogs.iter() {
        let view = dialog.view(app, now);
        if view.anchor != DialogAnchor::BottomRight {
            pen.dim(area);
        }
        match view.anchor {
            DialogAnchor::Labels => dialog::draw_labels(&mut pen, &view.labels),
            DialogAnchor::Center | DialogAnchor::Over(_) | DialogAnchor::BottomRight => {
                dialog::draw(&mut pen, area, &view);
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

/// Draws the header: program name, number of credentials, state of the store, running tasks.
pub(in crate::tui::view) fn draw_header(pen: &mut CellPainter<'_>, area: Rect) {
    let app = pen.app;
    let line = area.split_left(1).1;
    let line = line.split_left(line.width.saturating_sub(1)).0;
    let rest = pen.write_text(line, header::PROGRAM_NAME, StyleRole::Accent).split_left(3).1;
    pen.write_text(rest, &header::credential_count_text(app), StyleRole::Dim);
    let (items, rest) = header::header_items(app);
    for item in items {
        pen.write_spans(item.area, &item.spans);
    }
    for count in header::status_counts(app, rest, pen.now.wall) {
        let (role, _) = display_format::status_style(count.status, pen.glyphs());
        pen.write_text(count.area, &count.text, role);
    }
}

/// Draws the message to the user, in the border above the footer: the hints stay readable.
pub(in crate::tui::view) fn draw_message(pen: &mut CellPainter<'_>, footer: Rect) {
    let Some(notice) = pen.app.activity.current_notification(pen.now.instant) else { return };
    let (role, sign) = match notice.level {
        NotificationLevel::Success => (StyleRole::Good, pen.glyphs().check_mark),
        NotificationLevel::Info => (StyleRole::Dim, pen.glyphs().separator),
        NotificationLevel::Warning => (StyleRole::Warn, pen.glyphs().warning),
        NotificationLevel::Error => (StyleRole::Bad, pen.glyphs().refused),
    };
    let line = Rect { y: footer.y.saturating_sub(1), ..footer }.split_left(1).1;
    let line = line.split_left(line.width.saturating_sub(1)).0;
    pen.write_text(line, &format!(" {sign} {} ", notice.text), role);
}

/// Draws the footer: the key hints.
pub(in crate::tui::view) fn draw_footer(pen: &mut CellPainter<'_>, area: Rect) {
    let mut rest = area.split_left(1).1;
    for (keys, words) in typing_hints(pen.app) {
        // A hint that does not fit is left out as a whole.
        if keys.width() + 1 + words.width() > usize::from(rest.width) {
            break;
        }
        rest = pen.write_text(rest, keys, StyleRole::Key).split_left(1).1;
        rest = pen.write_text(rest, words, StyleRole::Dim).split_left(3).1;
    }
    for hint in visible_hints(pen.app, area, pen.now.wall) {
        let rest = pen.write_text(hint.area, &hint.key, StyleRole::Key).split_left(1).1;
        pen.write_text(rest, hint.title, StyleRole::Dim);
    }
}
