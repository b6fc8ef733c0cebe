//! Pixels: reads the state, writes a buffer, decides nothing.

pub mod json;

use ratatui::Frame;

use super::app::{App, Now};

/// Draws the whole screen.
pub fn draw(app: &App, frame: &mut Frame<'_>, _now: Now) {
    frame.render_widget(ratatui::text::Text::raw(format!("{} credentials", app.credentials.len())), frame.area());
}
