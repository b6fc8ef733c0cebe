//! Plain-text mode: a line-based interface for screen readers and simple terminals.
//!
//! It has the same state, commands and dialogs as the screen, printed and asked one after another.
//! No cursor moves and no color is set. [`surface`] is a second [`super::ScreenSurface`]: it prints
//! the changes that [`announce`] finds and asks the next question of
//! [`crate::tui::app::conversation`]. A thread reads the line, and the event loop handles it like
//! any other input.

mod announce;
mod line_reader;
mod readout;
mod surface;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc::channel;

use surface::{PlainTextSurface, SharedPrompt};

use super::app::{InitialState, StartupScreen, UiSettings};
use super::{
    EventLoop, EventLoopParts, SettingsSource, event_channels, panics, signals, terminal_problem,
    ui_settings,
};
use crate::config::{LayoutStore, PaneLayout};
use crate::domain::Problem;
use crate::engine::Engine;

/// Runs plain-text mode until the user quits and returns the exit code (0, or 128 + signal). The
/// input may be a pipe.
pub async fn run_plain(
    engine: Arc<Engine>,
    settings_source: SettingsSource,
) -> Result<u8, Problem> {
    let first_page = engine.credentials.first_page(surface::VIRTUAL_SIZE.1)?;
    let (senders, receivers) = event_channels();
    let _panics = panics::PanicGuard::new(senders.system_events.clone());
    let watcher = signals::SignalWatcher::new(
        senders.system_events.clone(),
        signals::InterruptPolicy::ForwardToApp,
    )
    .map_err(|error| terminal_problem(&error))?;
    watcher
        .start(settings_source.directory().map(std::path::Path::to_owned))
        .map_err(|error| terminal_problem(&error))?;
    let (shared_prompt, (read_requests, read_receiver)) = (SharedPrompt::default(), channel());
    line_reader::spawn_reader(shared_prompt.clone(), read_receiver, senders.inputs.clone())
        .map_err(|error| terminal_problem(&error))?;
    let surface = PlainTextSurface::new(shared_prompt, read_requests);
    let size = surface::VIRTUAL_SIZE;
    let start = InitialState {
        first_page,
        catalog: Arc::clone(&engine.catalog),
        size,
        preferences: UiSettings {
            startup_screen: StartupScreen::EmptyList,
            ..ui_settings(&settings_source.report.settings)
        },
        layout: PaneLayout::default(),
    };
    Ok(EventLoop::run(EventLoopParts {
        engine,
        start,
        surface,
        memory: LayoutStore::Disabled,
        settings_source,
        channels: (senders, receivers),
    })
    .await)
}
