//! Pixels: reads the state, writes a buffer, decides nothing.

mod console;
mod credentials;
mod detail;
mod dialog;
mod footer;
mod header;
pub mod json;
mod pen;
mod regions;
#[cfg(test)]
mod tests;

use ratatui::Frame;

use super::app::layout::{self, Area};
use super::app::{App, Now};
use crate::config::theme::Role;
use pen::Pen;

/// Draws the whole screen.
pub fn draw(app: &App, frame: &mut Frame<'_>, now: Now) {
    let whole = frame.area();
    let area = Area::of(whole.width.min(app.stage.area.width), whole.height.min(app.stage.area.height));
    let mut pen = Pen::new(app, now, frame.buffer_mut());
    // The buffer comes empty.
    pen.tint(Area::of(whole.width, whole.height), Role::Text);
    if layout::is_too_small(area) {
        return draw_note(&mut pen, area);
    }
    let screen = layout::screen(area, app);
    header::draw(&mut pen, screen.header);
    credentials::draw(&mut pen, screen.credentials);
    detail::draw(&mut pen, screen.detail);
    regions::draw(&mut pen, screen.regions);
    console::draw(&mut pen, screen.console);
    footer::draw(&mut pen, screen.footer);
    for dialog in app.dialogs.iter() {
        dialog::draw(&mut pen, area, &dialog.sheet(app, now));
    }
}

fn draw_note(pen: &mut Pen<'_>, area: Area) {
    let (columns, rows) = layout::SMALLEST;
    let note = format!("too small: {columns}×{rows} needed");
    let middle = area.row(area.height / 2);
    pen.centre(middle, &note, Role::Warn);
}

/// A region's id without what the provider's name says already: `EU-01` of `SNYK-EU-01`.
fn short<'a>(region: &'a str, provider: &str) -> &'a str {
    let vendor = provider.split('-').next().unwrap_or_default();
    let begins = region.get(..vendor.len()).is_some_and(|head| head.eq_ignore_ascii_case(vendor));
    begins.then(|| region[vendor.len()..].strip_prefix('-')).flatten().unwrap_or(region)
}
