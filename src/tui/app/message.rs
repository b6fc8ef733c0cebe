//! What comes into the screen, and what goes out of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::json::Document;
use super::keymap::{Keymap, Labels};
use super::lay::Typeset;
use super::learned::{Lore, Study};
use super::talk::Prompt;
use crate::config::theme::{ColorDepth, GlyphSet, TerminalBackground, Theme, UserThemes};
use crate::config::{KeyPress, PaneLayout, Settings, StoreChoice, StoreChoiceSource};
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Credential, Problem, Timestamp};
use crate::engine::message::{BackgroundTask, CredentialPage, HttpExchange, TaskId, TaskReport};

/// Something that happened.
pub enum Msg {
    /// A person did something.
    Input(Input),
    /// A background task has something to say.
    Report(TaskReport),
    /// A body that [`Effect::LayOut`] handed over is ready to be read.
    LaidOut(TaskId, Result<Box<Document>, Problem>),
    /// An answer that [`Effect::Study`] handed over has been searched.
    Studied(Arc<HttpExchange>, Lore),
    /// The person's own editor is done with the text that [`Effect::Edit`] handed over, or could not be used.
    Edited(Result<String, Problem>),
    /// The theme that [`Effect::KeepTheme`] named is kept, for so long.
    ThemeKept(Result<Lasting, Problem>),
    /// The moment that [`super::App::next_wake`] named has come.
    Wake,
    /// The process is about to be suspended or handed to another program: re-mask now.
    Leaving,
    /// The settings are other ones now.
    Settings(Box<(Preferences, Change)>),
    /// A background thread panicked; the text holds no secret.
    Panicked(String),
}

/// Something that a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(KeyPress),
    /// The mouse did something at column and row.
    Mouse(Mouse, u16, u16),
    /// Text was pasted; it may be a secret, so it is wiped on drop.
    Paste(zeroize::Zeroizing<String>),
    /// The terminal has another size now: columns and rows.
    Resize(u16, u16),
    /// The terminal window got or lost the focus.
    Focus(bool),
    /// The terminal said what colour it has behind its text.
    Background(TerminalBackground),
    /// A line was typed in answer to a question of the conversation; it may be a secret, so it is wiped on drop.
    Said(Prompt, zeroize::Zeroizing<String>),
    /// Somebody who talks to the screen wants it to stop what it does.
    Interrupt,
    /// Nobody talks to the screen any more.
    Silence,
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
    Start(TaskId, BackgroundTask),
    /// Stop a task.
    Cancel(TaskId),
    /// Stop a task before its next step, where it has any.
    Pause(TaskId),
    /// Lay out a text on a thread of its own ([`Typeset::run`]) and come back with [`Msg::LaidOut`].
    LayOut(TaskId, Typeset),
    /// Search an answer on a thread of its own ([`Study::run`]) and come back with [`Msg::Studied`].
    Study(Study),
    /// Give the terminal to the person's own editor with this text, and come back with [`Msg::Edited`].
    Edit(String),
    /// Suspend the process (Ctrl-Z).
    Suspend,
    /// Turn mouse capture on or off.
    Mouse(bool),
    /// Remember how the panes are arranged.
    Remember(PaneLayout),
    /// Write the name of the theme into the settings and come back with [`Msg::ThemeKept`].
    KeepTheme(String),
    /// Read the settings again and come back with [`Msg::Settings`] if they are others.
    Reread,
    /// Open a page in the browser, or fail silently where there is none.
    Open(url::Url),
    /// Leave.
    Quit,
    /// Leave, and start again as this says.
    Leave(Onward),
}

/// How long a choice lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// It is in the settings.
    Kept,
    /// To the end of this run, which keeps nothing.
    ThisRun,
}

/// How the program starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onward {
    /// On the built-in simulator.
    Demo,
    /// With secrets in this store.
    Store(StoreChoice),
}

/// How somebody without credentials is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// With what can be done first.
    Welcome,
    /// With the empty list.
    Nothing,
}

/// What changed in the settings, as far as the screen is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What is not understood.
    pub flaws: Vec<Problem>,
    /// The settings that take effect at the next start only.
    pub later: Vec<&'static str>,
}

/// What time it is, on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For deadlines and countdowns.
    pub instant: Instant,
    /// For ages and dates.
    pub wall: Timestamp,
}

/// What the screen starts with.
pub struct Start {
    /// The credentials, or the first of them; the others are read after the first frame.
    pub beginning: CredentialPage,
    /// What is known about providers.
    pub catalogue: Arc<ProviderCatalog>,
    /// The size of the terminal: columns and rows.
    pub size: (u16, u16),
    /// How the person likes it.
    pub preferences: Preferences,
    /// How the person has arranged the panes.
    pub layout: PaneLayout,
}

/// How the person likes the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// What each role looks like.
    pub theme: Theme,
    /// Whether the background of the terminal decides about that.
    pub dress: Dress,
    /// What colour the terminal has behind its text, as long as it has not said so itself.
    pub background: TerminalBackground,
    /// The person's own themes.
    pub own_themes: UserThemes,
    /// How many colours the terminal shows.
    pub depth: ColorDepth,
    /// The signs that carry meaning.
    pub glyphs: &'static GlyphSet,
    /// Which key means what.
    pub keys: Keymap,
    /// How long a secret is shown.
    pub reveal: Duration,
    /// What requests may do.
    pub reach: Reach,
    /// Whether the mouse is captured.
    pub mouse: bool,
    /// Whether a page can be opened.
    pub browser: Browser,
    /// How somebody without credentials is met.
    pub greeting: Greeting,
    /// Who says where secrets rest.
    pub chooser: StoreChoiceSource,
}

/// What decides about the theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dress {
    /// The background of the terminal.
    Fitting,
    /// The person.
    Chosen,
}

/// Whether the person has a browser on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Browser {
    /// Pages open here.
    Here,
    /// The person sits at another machine: a page is only named.
    Elsewhere,
}

/// What requests may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Whatever a person agrees to.
    Everything,
    /// Only read.
    ReadOnly,
}

impl Preferences {
    /// What the settings say, drawn with these signs.
    pub fn of(settings: &Settings, glyphs: &'static GlyphSet) -> Self {
        Self {
            theme: settings.theme(),
            dress: if settings.theme_follows_background() { Dress::Fitting } else { Dress::Chosen },
            background: settings.background,
            own_themes: settings.user_themes.clone(),
            depth: settings.color_depth,
            glyphs,
            keys: Keymap::new(&settings.keys).labelled(if settings.plain { Labels::Names } else { Labels::Keys }),
            reveal: Duration::from_secs(settings.reveal_seconds),
            reach: if settings.readonly { Reach::ReadOnly } else { Reach::Everything },
            mouse: settings.mouse,
            browser: Browser::Here,
            greeting: Greeting::Nothing,
            chooser: settings.store_source,
        }
    }
}

impl Default for Preferences {
    fn default() -> Self {
        Self::of(&Settings::default(), &GlyphSet::UNICODE)
    }
}

impl Start {
    /// A start with all credentials and the default preferences.
    pub fn new(credentials: Vec<Credential>, catalogue: Arc<ProviderCatalog>, size: (u16, u16)) -> Self {
        let beginning = CredentialPage { credentials, all_loaded: true };
        Self { beginning, catalogue, size, preferences: Preferences::default(), layout: PaneLayout::default() }
    }
}
