//! Messages into the screen and effects out of it.
//!
//! [`Message`] is everything that can change the [`super::App`]; [`UiEffect`] is everything that
//! the event loop does for it. The settings and the initial state that the loop passes in are here
//! too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conversation::TextPrompt;
use crate::config::theme::{ColorDepth, GlyphSet, TerminalBackground, Theme, UserThemes};
use crate::config::{KeyPress, PaneLayout, Settings, StoreChoiceSource};
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Credential, Problem, StoreKind, Timestamp};
use crate::engine::background::protocol::{
    BackgroundTask, CredentialPage, HttpExchange, TaskId, TaskReport,
};
use crate::tui::app::command::keymap::{CommandLabelStyle, Keymap};
use crate::tui::app::console::json::FoldableDocument;
use crate::tui::app::console::layout_job::LayoutJob;
use crate::tui::app::console::parameter_memory::{ExtractedParameters, ExtractionJob};

/// Event that may change the screen.
pub enum Message {
    /// Input of the user.
    Input(InputEvent),
    /// Report of a background task.
    TaskEvent(TaskReport),
    /// Result of [`UiEffect::RunLayout`].
    LayoutReady(TaskId, Result<Box<FoldableDocument>, Problem>),
    /// Result of [`UiEffect::ExtractParameters`].
    ParametersExtracted(Arc<HttpExchange>, ExtractedParameters),
    /// The user's editor has closed with this text for [`UiEffect::OpenEditor`], or could not be
    /// run.
    EditorClosed(Result<String, Problem>),
    /// The program for [`UiEffect::OpenViewer`] has ended, or could not be run.
    ViewerClosed(Result<(), Problem>),
    /// Result of [`UiEffect::SaveTheme`].
    ThemeSaved(Result<ThemePersistence, Problem>),
    /// The moment returned by [`super::App::next_wake`] has come.
    Wake,
    /// The process is about to be suspended, or the terminal handed to another program: mask
    /// secrets now.
    Suspending,
    /// The settings have changed.
    SettingsChanged(Box<(UiSettings, SettingsChange)>),
    /// A background thread panicked; the text contains no secret.
    ThreadPanicked(String),
}

/// Input of the user or of the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputEvent {
    /// A key was pressed.
    Key(KeyPress),
    /// A key was pressed that types the first character, and on a US keyboard the second.
    LayoutKey(KeyPress, KeyPress),
    /// Mouse event at a column and row.
    Mouse(MouseInput, u16, u16),
    /// Text was pasted; it may be a secret, so it is wiped on drop.
    Paste(zeroize::Zeroizing<String>),
    /// Characters arrived at once, as from a paste into a terminal that does not mark pastes. Wiped
    /// on drop too.
    Burst(zeroize::Zeroizing<String>),
    /// The terminal was resized to these columns and rows.
    Resize(u16, u16),
    /// The terminal window gained or lost the focus.
    Focus(bool),
    /// The terminal reported its background color.
    Background(TerminalBackground),
    /// A line was entered for a prompt in plain-text mode; it may be a secret, so it is wiped on
    /// drop.
    LineEntered(TextPrompt, zeroize::Zeroizing<String>),
    /// In plain-text mode, the user interrupts the running command.
    Interrupt,
    /// In plain-text mode, the input has ended.
    InputClosed,
}

/// Mouse event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseInput {
    /// The left button was pressed.
    Press,
    /// The mouse moved with the left button down.
    Drag,
    /// The left button was released.
    Release,
    /// The wheel scrolled up.
    ScrollUp,
    /// The wheel scrolled down.
    ScrollDown,
}

/// Effect that the event loop carries out for the screen.
pub enum UiEffect {
    /// Starts a background task.
    StartTask(TaskId, BackgroundTask),
    /// Cancels a task.
    CancelTask(TaskId),
    /// Stops a task before its next step, if it has steps.
    PauseTask(TaskId),
    /// Runs [`LayoutJob::run`] on its own thread and returns [`Message::LayoutReady`].
    RunLayout(TaskId, LayoutJob),
    /// Runs [`ExtractionJob::run`] on its own thread and returns [`Message::ParametersExtracted`].
    ExtractParameters(ExtractionJob),
    /// Opens the user's editor with this text and returns [`Message::EditorClosed`].
    OpenEditor(String),
    /// Shows a text, from which everything secret has been removed, in another program and returns
    /// [`Message::ViewerClosed`].
    OpenViewer {
        /// The program.
        program: ViewerProgram,
        /// The text.
        text: String,
        /// Whether the text is JSON, for the name of its file.
        is_json: bool,
    },
    /// Suspends the process (Ctrl-Z).
    Suspend,
    /// Turns mouse capture on or off.
    SetMouseCapture(bool),
    /// Saves the pane layout.
    SaveLayout(PaneLayout),
    /// Writes the name of the theme to the settings and returns [`Message::ThemeSaved`].
    SaveTheme(String),
    /// Reads the settings again and returns [`Message::SettingsChanged`] if they differ.
    ReloadSettings,
    /// Opens a page in the browser; does nothing if there is no browser.
    OpenUrl(url::Url),
    /// Quits.
    Quit,
    /// Quits and starts again with this target.
    Restart(RestartTarget),
}

/// Program of the user that shows a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewerProgram {
    /// The pager (`PAGER`).
    Pager,
    /// The editor (`VISUAL`, `EDITOR`), on a copy that cannot be changed.
    Editor,
}

/// How long a chosen theme lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemePersistence {
    /// Saved in the settings.
    Saved,
    /// Until the end of this session, which saves nothing.
    SessionOnly,
}

/// Target of a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartTarget {
    /// The demo on the built-in simulator.
    Demo,
    /// The screen with this store.
    Store(StoreKind),
}

/// What a user without credentials sees first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartupScreen {
    /// The welcome dialog.
    Welcome,
    /// The empty list.
    EmptyList,
}

/// Changes of the settings that concern the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// Settings that are invalid.
    pub problems: Vec<Problem>,
    /// Settings that take effect only after a restart.
    pub restart_required: Vec<&'static str>,
}

/// Current time on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic time, for deadlines and countdowns.
    pub instant: Instant,
    /// Wall-clock time, for ages and dates.
    pub wall: Timestamp,
}

/// State that the screen starts with.
pub struct InitialState {
    /// All credentials, or the first of them; the others are read after the first frame.
    pub first_page: CredentialPage,
    /// Provider catalog.
    pub catalog: Arc<ProviderCatalog>,
    /// Size of the terminal: columns and rows.
    pub size: (u16, u16),
    /// User interface settings.
    pub preferences: UiSettings,
    /// Pane layout of the user.
    pub layout: PaneLayout,
}

/// User interface settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiSettings {
    /// Style of each role.
    pub theme: Theme,
    /// Whether the theme follows the terminal background.
    pub theme_mode: ThemeMode,
    /// Assumed background of the terminal until the terminal reports its own.
    pub background: TerminalBackground,
    /// Themes that the user defined.
    pub user_themes: UserThemes,
    /// Number of colors that the terminal shows.
    pub color_depth: ColorDepth,
    /// Glyphs for symbols and charts.
    pub symbols: &'static GlyphSet,
    /// Key map.
    pub keys: Keymap,
    /// How long a revealed secret is shown.
    pub reveal_duration: Duration,
    /// Which requests may be sent.
    pub request_mode: RequestMode,
    /// Whether the mouse is captured.
    pub mouse: bool,
    /// Whether a browser can be opened.
    pub browser: BrowserAvailability,
    /// How long a secret stays on the clipboard.
    pub clipboard_duration: Duration,
    /// Idle time after which the screen locks; `None` if it never does.
    pub lock_after: Option<Duration>,
    /// What a user without credentials sees first.
    pub startup_screen: StartupScreen,
    /// What decided which store is used.
    pub store_choice_source: StoreChoiceSource,
}

/// How the theme is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemeMode {
    /// By the background of the terminal.
    Auto,
    /// By the user.
    Chosen,
}

/// Whether the user has a browser on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrowserAvailability {
    /// A browser can be opened.
    Available,
    /// The user works from another machine, so URLs are only displayed.
    Unavailable,
}

/// Which requests may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestMode {
    /// All requests; those that may change something are confirmed first.
    ReadWrite,
    /// Only requests that read.
    ReadOnly,
}

impl UiSettings {
    /// Creates the user interface settings from the settings file and a glyph set.
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
            clipboard_duration: Duration::from_secs(settings.clipboard_seconds),
            lock_after: Some(Duration::from_secs(settings.lock_minutes * 60))
                .filter(|idle| !idle.is_zero()),
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
    /// Creates an initial state with all credentials and default settings.
    pub fn new(
        credentials: Vec<Credential>,
        catalog: Arc<ProviderCatalog>,
        size: (u16, u16),
    ) -> Self {
        let first_page = CredentialPage { credentials, all_loaded: true };
        Self {
            first_page,
            catalog,
            size,
            preferences: UiSettings::default(),
            layout: PaneLayout::default(),
        }
    }
}
