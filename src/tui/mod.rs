//! The screen: the loop, the terminal and the mapping of input. The composition root of [`app`] and [`view`].

pub mod app;
mod canvas;
mod ear;
mod editor;
mod frame;
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

use app::{Browser, Greeting, Preferences, Start};

use crate::config::{Depth, Memory, Settings};
use crate::domain::Problem;
use crate::engine::Engine;

pub use app::Onward;
pub use app::keymap::Conflict;
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
pub fn conflicts(settings: &Settings) -> Vec<Conflict> {
    app::keymap::conflicts(&settings.keys)
}

/// Shows the screen, arranged as it was left, until the person leaves; returns the exit code (0, or 128 + signal). The
/// calling thread becomes the screen's, so this belongs into `block_on`, not into a task.
pub async fn run(engine: Arc<Engine>, wishes: Wishes, memory: Memory) -> Result<u8, Problem> {
    let settings = &wishes.reading.settings;
    let size = input::size().map_err(|error| unusable(&error))?;
    let beginning = engine.first_credentials(size.1)?;
    let (doors, inbox) = inbox();
    let _panics = panics::PanicGuard::new(doors.notices.clone());
    watch::start(doors.notices.clone(), watch::Interrupt::Quits, wishes.folder()).map_err(|error| unusable(&error))?;
    let gate = Arc::new(input::Gate::default());
    let surface = terminal::Tty::take(size, settings.mouse, Arc::clone(&gate)).map_err(|error| unusable(&error))?;
    let asks = settings.depth != Depth::Monochrome && terminal::may_be_asked();
    if asks {
        terminal::ask(ear::QUESTION).map_err(|error| unusable(&error))?;
    }
    input::start(doors.inputs.clone(), gate, ear::Ear::new(asks)).map_err(|error| unusable(&error))?;
    let layout = memory.recall();
    let start = Start { beginning, catalogue: Arc::clone(&engine.catalogue), size, preferences: preferences(settings), layout };
    Ok(Loop::run(Parts { engine, start, surface, memory, wishes, inbox: (doors, inbox) }).await)
}

fn preferences(settings: &Settings) -> Preferences {
    let browser = if crate::engine::is_remote() { Browser::Elsewhere } else { Browser::Here };
    Preferences {
        browser,
        greeting: Greeting::Welcome,
        ..Preferences::of(settings, settings.glyphs(&|name| std::env::var(name).ok()))
    }
}

fn unusable(error: &io::Error) -> Problem {
    let remedy = "try another terminal, or use the commands that `tokenring help` lists";
    Problem::new("The screen cannot be shown", format!("the terminal cannot be used: {error}"), remedy)
}
