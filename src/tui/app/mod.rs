//! The state of the screen and the one function that changes it.
//!
//! [`update`] changes only the [`App`] and returns what is to be done as data; the loop does it and comes back with
//! messages. So every behaviour of the screen is tested without a terminal, a runtime or a sleep.

pub mod json;

use std::time::Instant;

use crate::config::Key;
use crate::domain::{Credential, Moment};
use crate::engine::message::{Report, Task, TaskId};

/// The state of the screen.
pub struct App {
    /// All credentials, as the index last told.
    pub credentials: Vec<Credential>,
}

/// Something that happened.
pub enum Msg {
    /// A person did something.
    Input(Input),
    /// A background task has something to say.
    Report(Report),
    /// The moment that [`App::next_wake`] named has come.
    Wake,
    /// The process is about to be suspended or handed to another program: re-mask now.
    Leaving,
    /// A text that [`Effect::LayOut`] named is laid out.
    LaidOut(TaskId, Box<json::Document>),
    /// A background thread panicked; the text holds no secret.
    Panicked(String),
}

/// Something that a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// The mouse did something at column and row.
    Mouse(Mouse, u16, u16),
    /// Text was pasted; it may be a secret, so it is wiped on drop.
    Paste(zeroize::Zeroizing<String>),
    /// The terminal has another size now: columns and rows.
    Resize(u16, u16),
    /// The terminal window got or lost the focus.
    Focus(bool),
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    /// The left button went down.
    Press,
    /// It moved with the left button down.
    Drag,
    /// The left button went up.
    Release,
    /// The wheel turned up.
    ScrollUp,
    /// The wheel turned down.
    ScrollDown,
}

/// Something to be done for the screen.
pub enum Effect {
    /// Start a task in the background.
    Start(TaskId, Task),
    /// Stop a task.
    Cancel(TaskId),
    /// Lay out a long text on a thread of its own; [`Msg::LaidOut`] brings it back.
    LayOut(TaskId, String),
    /// Suspend the process (Ctrl-Z).
    Suspend,
    /// Turn mouse capture on or off.
    Mouse(bool),
    /// Open a page in the browser, or fail silently where there is none.
    Open(url::Url),
    /// Leave.
    Quit,
}

/// What time it is, on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For deadlines and countdowns.
    pub instant: Instant,
    /// For ages and dates.
    pub wall: Moment,
}

/// What the screen starts with.
pub struct Start {
    /// All credentials, by name.
    pub credentials: Vec<Credential>,
    /// What is known about providers.
    pub catalogue: std::sync::Arc<crate::domain::provider::Catalogue>,
    /// The size of the terminal: columns and rows.
    pub size: (u16, u16),
}

impl App {
    /// The screen as it first appears, and what is to be done at once.
    pub fn start(start: Start, _now: Now) -> (Self, Vec<Effect>) {
        (Self { credentials: start.credentials }, Vec::new())
    }

    /// When the screen wants to be woken without input: the next step of a countdown or spinner that is visible.
    pub fn next_wake(&self, _now: Now) -> Option<Instant> {
        None
    }
}

/// Takes in what happened; returns what is to be done.
pub fn update(_app: &mut App, msg: Msg, _now: Now) -> Vec<Effect> {
    match msg {
        Msg::Input(Input::Key(key)) if key == Key::char('q') => vec![Effect::Quit],
        _ => Vec::new(),
    }
}
