//! What comes into the screen, and what goes out of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conversation::TextPrompt;
use super::json::FoldableDocument;
use super::keymap::{CommandLabelStyle, Keymap};
use super::layout_job::LayoutJob;
use super::parameter_memory::{ExtractedParameters, ExtractionJob};
use crate::config::theme::{ColorDepth, GlyphSet, TerminalBackground, Theme, UserThemes};
use crate::config::{KeyPress, PaneLayout, Settings, StoreChoice, StoreChoiceSource};
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Credential, Problem, Timestamp};
use crate::engine::task_protocol::{
    BackgroundTask, CredentialPage, HttpExchange, TaskId, TaskReport,
};

/// Something that happened.
pub enum Message {
    /// A person did something.
    Input(InputEvent),
    /// A background task has something to say.
    TaskEvent(TaskReport),
    /// A body that [`UiEffect::RunLayout`] handed over is ready to be read.
    LayoutReady(TaskId, Result<Box<FoldableDocument>, Problem>),
    /// An answer that [`UiEffect::Study`] handed over has been searched.
    ParametersExtracted(Arc<HttpExchange>, ExtractedParameters),
    /// The person's own editor is done with the text that [`UiEffect::OpenEditor`] handed over, or could not be used.
    EditorClosed(Result<String, Problem>),
    /// The theme that [`UiEffect::SaveTheme`] named is kept, for so long.
    ThemeSaved(Result<ThemePersistence, Problem>),
    /// The moment that [`super::App::next_wake`] named has come.
    Wake,
    /// The process is about to be suspended or handed to another program: re-mask now.
    Suspending,
    /// The settings are other ones now.
    SettingsChanged(Box<(UiSettings, SettingsChange)>),
    /// A background thread panicked; the text holds no secret.
    ThreadPanicked(String),
}

/// Something that a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputEvent {
    /// A key was pressed.
    Key(KeyPress),
    /// The mouse did something at column and row.
    Mouse(MouseInput, u16, u16),
    /// Text was pasted; it may be a secret, so it is wiped on drop.
    Paste(zeroize::Zeroizing<String>),
    /// The terminal has another size now: columns and rows.
    Resize(u16, u16),
    /// The terminal window got or lost the focus.
    Focus(bool),
    /// The terminal said what colour it has behind its text.
    Background(TerminalBackground),
    /// A line was typed in answer to a question of the conversation; it may be a secret, so it is wiped on drop.
    LineEntered(TextPrompt, zeroize::Zeroizing<String>),
    /// Somebody who talks to the screen wants it to stop what it does.
    Interrupt,
    /// Nobody talks to the screen any more.
    InputClosed,
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseInput {
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
pub enum UiEffect {
    /// Start a task in the background.
    StartTask(TaskId, BackgroundTask),
    /// Stop a task.
    CancelTask(TaskId),
    /// Stop a task before its next step, where it has any.
    PauseTask(TaskId),
    /// Lay out a text on a thread of its own ([`LayoutJob::run`]) and come back with [`Message::LayoutReady`].
    RunLayout(TaskId, LayoutJob),
    /// Search an answer on a thread of its own ([`Study::run`]) and come back with [`Message::ParametersExtracted`].
    ExtractParameters(ExtractionJob),
    /// Give the terminal to the person's own editor with this text, and come back with [`Message::EditorClosed`].
    OpenEditor(String),
    /// Suspend the process (Ctrl-Z).
    Suspend,
    /// Turn mouse capture on or off.
    SetMouseCapture(bool),
    /// Remember how the panes are arranged.
    SaveLayout(PaneLayout),
    /// Write the name of the theme into the settings and come back with [`Message::ThemeSaved`].
    SaveTheme(String),
    /// Read the settings again and come back with [`Message::SettingsChanged`] if they are others.
    ReloadSettings,
    /// Open a page in the browser, or fail silently where there is none.
    OpenUrl(url::Url),
    /// Leave.
    Quit,
    /// Leave, and start again as this says.
    Restart(RestartTarget),
}

/// How long a choice lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemePersistence {
    /// It is in the settings.
    Saved,
    /// To the end of this run, which keeps nothing.
    SessionOnly,
}

/// How the program starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartTarget {
    /// On the built-in simulator.
    Demo,
    /// With secrets in this store.
    Store(StoreChoice),
}

/// How somebody without credentials is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartupScreen {
    /// With what can be done first.
    Welcome,
    /// With the empty list.
    EmptyList,
}

/// What changed in the settings, as far as the screen is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// What is not understood.
    pub problems: Vec<Problem>,
    /// The settings that take effect at the next start only.
    pub restart_required: Vec<&'static str>,
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
pub struct InitialState {
    /// The credentials, or the first of them; the others are read after the first frame.
    pub first_page: CredentialPage,
    /// What is known about providers.
    pub catalog: Arc<ProviderCatalog>,
    /// The size of the terminal: columns and rows.
    pub size: (u16, u16),
    /// How the person likes it.
    pub preferences: UiSettings,
    /// How the person has arranged the panes.
    pub layout: PaneLayout,
}

/// How the person likes the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiSettings {
    /// What each role looks like.
    pub theme: Theme,
    /// Whether the background of the terminal decides about that.
    pub theme_mode: ThemeMode,
    /// What colour the terminal has behind its text, as long as it has not said so itself.
    pub background: TerminalBackground,
    /// The person's own themes.
    pub user_themes: UserThemes,
    /// How many colours the terminal shows.
    pub color_depth: ColorDepth,
    /// The signs that carry meaning.
    pub symbols: &'static GlyphSet,
    /// Which key means what.
    pub keys: Keymap,
    /// How long a secret is shown.
    pub reveal_duration: Duration,
    /// What requests may do.
    pub request_mode: RequestMode,
    /// Whether the mouse is captured.
    pub mouse: bool,
    /// Whether a page can be opened.
    pub browser: BrowserAvailability,
    /// How somebody without credentials is met.
    pub startup_screen: StartupScreen,
    /// Who says where secrets rest.
    pub store_choice_source: StoreChoiceSource,
}

/// What decides about the theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemeMode {
    /// The background of the terminal.
    Auto,
    /// The person.
    Chosen,
}

/// Whether the person has a browser on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrowserAvailability {
    /// Pages open here.
    Available,
    /// The person sits at another machine: a page is only named.
    Unavailable,
}

/// What requests may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestMode {
    /// Whatever a person agrees to.
    ReadWrite,
    /// Only read.
    ReadOnly,
}

impl UiSettings {
    /// What the settings say, drawn with these signs.
    pub fn from_settings(settings: &Settings, glyphs: &'static GlyphSet) -> Self {
        Self {
            theme: settings.theme(),
            theme_mode: if settings.theme_follows_background() {
                ThemeMode::Auto
            } else {
                ThemeMode::Chosen
            },
            background: settings.background,
            user_themes: settings.user_themes.clone(),
            color_depth: settings.color_depth,
            symbols: glyphs,
            keys: Keymap::new(&settings.keys).with_label_style(if settings.plain {
                CommandLabelStyle::Names
            } else {
                CommandLabelStyle::Keys
            }),
            reveal_duration: Duration::from_secs(settings.reveal_seconds),
            request_mode: if settings.readonly {
                RequestMode::ReadOnly
            } else {
                RequestMode::ReadWrite
            },
            mouse: settings.mouse,
            browser: BrowserAvailability::Available,
            startup_screen: StartupScreen::EmptyList,
            store_choice_source: settings.store_source,
        }
    }
}

impl Default for UiSettings {
    fn default() -> Self {
        Self::from_settings(&Settings::default(), &GlyphSet::UNICODE)
    }
}

impl InitialState {
    /// A start with all credentials and the default preferences.
    pub fn new(
        credentials: Vec<Credential>,
        catalogue: Arc<ProviderCatalog>,
        size: (u16, u16),
    ) -> Self {
        let beginning = CredentialPage { credentials, all_loaded: true };
        Self {
            first_page: beginning,
            catalog: catalogue,
            size,
            preferences: UiSettings::default(),
            layout: PaneLayout::default(),
        }
    }
}
