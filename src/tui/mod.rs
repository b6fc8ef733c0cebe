//! The screen: the loop, the terminal and the mapping of input. The composition root of [`app`] and [`view`].

pub mod app;
mod canvas;
mod cells;
mod ear;
mod editor;
mod inbox;
mod input;
mod panics;
mod plain;
mod run;
mod terminal;
pub mod view;
mod watch;
mod wishes;

use std::io;
use std::sync::Arc;

use app::layout::{ScreenRect, max_list_rows};
use app::{BrowserAvailability, InitialState, StartupScreen, UiSettings};

use crate::config::{ColorDepth, LayoutStore, Settings};
use crate::domain::Problem;
use crate::engine::Engine;
use terminal::Tty;
use watch::Watch;

pub use app::RestartTarget;
pub use app::keymap::KeyConflict;
pub use inbox::{Doors, Inbox, Notice, inbox};
pub use plain::converse;
pub use run::{Loop, Parts};
pub use terminal::{Scope, Surface};
pub use wishes::{Reread, Wishes};

/// The commands that may have keys of their own: name and what each does.
pub fn commands() -> impl Iterator<Item = (&'static str, &'static str)> {
    app::command::COMMANDS.iter().map(|command| (command.name, command.help))
}

/// What a person should know about keys of their own.
pub fn conflicts(settings: &Settings) -> Vec<KeyConflict> {
    app::keymap::find_conflicts(&settings.keys)
}

/// What cannot be done of what a person has written about keys, with its lines.
pub fn key_mistakes(settings: &Settings, file: &std::path::Path) -> Vec<Problem> {
    // Every first frame comes by here, and most people have none.
    if settings.keys.is_empty() {
        return Vec::new();
    }
    let mistakes: Vec<_> = conflicts(settings).into_iter().filter(KeyConflict::is_mistake).collect();
    let text = if mistakes.is_empty() { String::new() } else { std::fs::read_to_string(file).unwrap_or_default() };
    mistakes.iter().map(|mistake| mistake.problem_with_line(file, &text)).collect()
}

/// The screen, shown for the first time.
pub struct Screen {
    screen: Loop<Tty>,
    _panics: panics::PanicGuard,
}

impl Screen {
    /// Takes the terminal and shows the first frame, arranged as it was left. No runtime is needed yet, and no thread is
    /// started before it: to start one and to wake up for it takes longer than what it could do.
    pub fn show(engine: Arc<Engine>, wishes: Wishes, memory: LayoutStore) -> Result<Self, Problem> {
        let flat = |error: io::Error| unusable(&error);
        let settings = &wishes.reading.settings;
        let (doors, inbox) = inbox();
        let panics = panics::PanicGuard::new(doors.notices.clone());
        let watch = Watch::new(doors.notices.clone(), watch::Interrupt::Quits).map_err(flat)?;
        // Asked when the watcher has begun to listen, so that no later change of it is missed.
        let size = crossterm::terminal::size().map_err(flat)?;
        let gate = Arc::new(input::Gate::default());
        let mut surface = Tty::new(size, settings.mouse, Arc::clone(&gate)).map_err(flat)?;
        let asks = settings.color_depth != ColorDepth::Monochrome && terminal::may_be_asked();
        let (layout, preferences) = (memory.load(), preferences(settings));
        let beginning = engine.first_credentials(max_list_rows(ScreenRect::new(size.0, size.1), &layout))?;
        let start = InitialState { first_page: beginning, catalog: Arc::clone(&engine.catalog), size, preferences, layout };
        surface.enter().map_err(flat)?;
        let (inputs, folder) = (doors.inputs.clone(), wishes.folder().map(std::path::Path::to_owned));
        let screen = Loop::begin(Parts { engine, start, surface, memory, wishes, inbox: (doors, inbox) });
        if asks && let Err(error) = terminal::ask(ear::QUESTION) {
            // It went away, which the watcher will tell.
            tracing::warn!(%error, "the terminal was not asked for its background");
        }
        watch.start(folder).map_err(flat)?;
        input::start(inputs, gate, ear::Ear::new(asks)).map_err(flat)?;
        Ok(Self { screen, _panics: panics })
    }

    /// Listens until the person leaves; returns the exit code (0, or 128 + signal). The calling thread is the screen's
    /// as long as it is shown, so this belongs into `block_on`, not into a task.
    pub async fn listen(self) -> u8 {
        self.screen.turn().await
    }
}

fn preferences(settings: &Settings) -> UiSettings {
    let browser = if crate::engine::is_remote() { BrowserAvailability::Unavailable } else { BrowserAvailability::Available };
    UiSettings {
        browser,
        startup_screen: StartupScreen::Welcome,
        ..UiSettings::from_settings(settings, settings.glyphs(&|name| std::env::var(name).ok()))
    }
}

fn unusable(error: &io::Error) -> Problem {
    let remedy = "try another terminal, or use the commands that `tokenring help` lists";
    Problem::new("The screen cannot be shown", format!("the terminal cannot be used: {error}"), remedy)
}
