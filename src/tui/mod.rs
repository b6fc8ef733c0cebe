//! The terminal user interface: event loop, terminal and input.
//!
//! This module composes [`app`], which holds the state and its updates, with [`view`], which draws
//! it. Start reading at [`Tui::start`] and [`EventLoop`]; [`run_plain`] is the plain-text mode.

pub mod app;
mod channels;
mod editor;
mod event_loop;
mod frame_terminal;
mod input;
mod panics;
mod plain;
mod settings_watcher;
mod signals;
mod terminal;
pub mod terminal_line;
pub mod view;

use std::io;
use std::sync::Arc;

use app::layout::max_list_rows;
use app::{BrowserAvailability, InitialState, StartupScreen, UiSettings};
use ratatui::layout::Rect;

use crate::config::{ColorDepth, LayoutStore, Settings};
use crate::domain::Problem;
use crate::engine::Engine;
use signals::SignalWatcher;
use terminal::TerminalSurface;

pub use crate::tui::app::command::keymap::KeyConflict;
pub use app::RestartTarget;
pub use channels::{EventReceivers, EventSenders, SystemEvent, event_channels};
pub use event_loop::{EventLoop, EventLoopParts};
pub use plain::run_plain;
pub use settings_watcher::{ReloadFn, SettingsSource};
pub use terminal::{ScreenSurface, SuspendScope};

/// Lists the commands that can be bound to keys: name and description.
pub fn commands() -> impl Iterator<Item = (&'static str, &'static str)> {
    app::command::COMMANDS.iter().map(|command| (command.name, command.help))
}

/// Lists the conflicts among the user's key bindings.
pub fn key_conflicts(settings: &Settings) -> Vec<KeyConflict> {
    app::command::keymap::find_conflicts(&settings.keys)
}

/// Lists the mistakes in the user's key bindings, with the lines of the settings file.
pub fn key_binding_problems(settings: &Settings, file: &std::path::Path) -> Vec<Problem> {
    // Every first frame runs this, and most users bind no keys.
    if settings.keys.is_empty() {
        return Vec::new();
    }
    let mistakes: Vec<_> =
        key_conflicts(settings).into_iter().filter(KeyConflict::is_mistake).collect();
    let text = if mistakes.is_empty() {
        String::new()
    } else {
        std::fs::read_to_string(file).unwrap_or_default()
    };
    mistakes.iter().map(|conflict| conflict.problem_with_line(file, &text)).collect()
}

/// The screen in the terminal, with its first frame drawn.
pub struct Tui {
    event_loop: EventLoop<TerminalSurface>,
    _panics: panics::PanicGuard,
}

impl Tui {
    /// Takes the terminal and draws the first frame with the saved layout.
    ///
    /// No runtime is needed yet, and no thread is started before the frame: to start and wake up
    /// for a thread takes longer than the work it could do.
    pub fn start(
        engine: Arc<Engine>,
        settings_source: SettingsSource,
        memory: LayoutStore,
    ) -> Result<Self, Problem> {
        let to_problem = |error: io::Error| terminal_problem(&error);
        let settings = &settings_source.report.settings;
        let (senders, receivers) = event_channels();
        let panics = panics::PanicGuard::new(senders.system_events.clone());
        let watcher =
            SignalWatcher::new(senders.system_events.clone(), signals::InterruptPolicy::Quit)
                .map_err(to_problem)?;
        // Read after the watcher has begun to listen, so that no later resize is missed.
        let size = crossterm::terminal::size().map_err(to_problem)?;
        let input_pause = Arc::new(input::InputPause::default());
        let mut surface = TerminalSurface::new(size, settings.mouse, Arc::clone(&input_pause))
            .map_err(to_problem)?;
        // Only the reader of Unix understands the response.
        let query_background = cfg!(unix)
            && settings.color_depth != ColorDepth::Monochrome
            && terminal::supports_queries();
        let (layout, preferences) = (memory.load(), ui_settings(settings));
        let first_page = engine
            .credentials
            .first_page(max_list_rows(Rect::new(0, 0, size.0, size.1), &layout))?;
        let start = InitialState {
            first_page,
            catalog: Arc::clone(&engine.catalog),
            size,
            preferences,
            layout,
        };
        surface.enter().map_err(to_problem)?;
        let (inputs, folder) =
            (senders.inputs.clone(), settings_source.directory().map(std::path::Path::to_owned));
        let event_loop = EventLoop::new(EventLoopParts {
            engine,
            start,
            surface,
            memory,
            settings_source,
            channels: (senders, receivers),
        });
        if query_background && let Err(error) = terminal::send_query(input::BACKGROUND_QUERY) {
            // The terminal is closed, which the watcher will report.
            tracing::warn!(%error, "the background color was not queried");
        }
        watcher.start(folder).map_err(to_problem)?;
        input::spawn_reader(inputs, input_pause, query_background).map_err(to_problem)?;
        Ok(Self { event_loop, _panics: panics })
    }

    /// Runs the screen until the user quits and returns the exit code (0, or 128 + signal).
    ///
    /// The screen occupies the calling thread as long as it runs, so call this in `block_on`, not
    /// in a task.
    pub async fn run(self) -> u8 {
        self.event_loop.run_until_exit().await
    }
}

fn ui_settings(settings: &Settings) -> UiSettings {
    let browser = if crate::engine::is_remote() {
        BrowserAvailability::Unavailable
    } else {
        BrowserAvailability::Available
    };
    UiSettings {
        browser,
        startup_screen: StartupScreen::Welcome,
        ..UiSettings::from_settings(settings, settings.glyphs(&|name| std::env::var(name).ok()))
    }
}

fn terminal_problem(error: &io::Error) -> Problem {
    let remedy = "try another terminal, or use the commands of `tokenring --help`";
    Problem::new("The screen cannot be shown", format!("terminal error: {error}"), remedy)
}
