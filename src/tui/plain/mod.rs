//! The screen in lines of text, for screen readers and terminals that cannot do more: the same state, the same commands
//! and the same dialogs, told and asked one after another. No cursor is moved and no colour is set.
//!
//! [`surface`] is a second surface beside the terminal of cells: what [`announce`] finds changed is written, and what the state
//! asks ([`crate::tui::app::talk`]) is asked. A thread reads the answer, and the loop takes it in like any other input.

mod announce;
mod echo;
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

/// Talks until the person leaves; returns the exit code (0, or 128 + signal). Works on a pipe as well.
pub async fn run_plain(engine: Arc<Engine>, wishes: SettingsSource) -> Result<u8, Problem> {
    let beginning = engine.first_credentials(surface::VIRTUAL_SIZE.1)?;
    let (doors, inbox) = event_channels();
    let _panics = panics::PanicGuard::new(doors.system_events.clone());
    let watch = signals::SignalWatcher::new(
        doors.system_events.clone(),
        signals::InterruptPolicy::ForwardToApp,
    )
    .map_err(|error| terminal_problem(&error))?;
    watch
        .start(wishes.directory().map(std::path::Path::to_owned))
        .map_err(|error| terminal_problem(&error))?;
    let (asked, (listen, questions)) = (SharedPrompt::default(), channel());
    line_reader::spawn_reader(asked.clone(), questions, doors.inputs.clone())
        .map_err(|error| terminal_problem(&error))?;
    let surface = PlainTextSurface::new(asked, listen);
    let size = surface::VIRTUAL_SIZE;
    let start = InitialState {
        first_page: beginning,
        catalog: Arc::clone(&engine.catalog),
        size,
        preferences: UiSettings {
            startup_screen: StartupScreen::EmptyList,
            ..ui_settings(&wishes.report.settings)
        },
        layout: PaneLayout::default(),
    };
    Ok(EventLoop::run(EventLoopParts {
        engine,
        start,
        surface,
        memory: LayoutStore::Disabled,
        settings_source: wishes,
        channels: (doors, inbox),
    })
    .await)
}
