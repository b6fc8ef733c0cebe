//! The state of the screen and the one function that changes it.
//!
//! [`fn@update`] changes only the [`App`] and returns what is to be done as data; the loop does it and comes back with
//! messages. So every behaviour of the screen is tested without a terminal, a runtime or a sleep.

mod act;
pub mod activity;
pub mod chart;
pub mod command;
pub mod console;
mod console_commands;
pub mod conversation;
pub mod credentials;
pub mod detail;
pub mod dialog;
pub mod dialog_view;
pub mod display_format;
pub mod expiry_timeline;
pub mod filter_query;
pub mod follow_up;
pub mod footer;
pub mod form;
pub mod header;
pub mod header_lines;
pub mod json;
pub mod keymap;
pub mod layout;
mod layout_commands;
pub mod layout_job;
mod message;
pub mod mouse;
mod open;
pub mod parameter_memory;
mod perform;
mod presets;
mod refusal;
pub mod regions;
mod report;
pub mod request_line;
mod request_lists;
pub mod response_view;
mod rotation;
pub mod row_index;
#[cfg(test)]
pub(crate) mod samples;
pub mod secret_input;
mod settings;
mod sign_in;
#[cfg(test)]
mod tests;
pub mod text_area;
pub mod undo;
mod update;
mod welcome;

use std::sync::Arc;
use std::time::Instant;

use activity::TaskList;
use console::ConsolePane;
use conversation::ConversationState;
use credentials::CredentialList;
use detail::DetailPane;
use dialog::DialogStack;
use layout::ScreenRect;
use mouse::MousePress;
use regions::RegionsPane;
use undo::UndoStack;

use crate::config::PaneLayout;
use crate::config::theme::TerminalBackground;
use crate::domain::Credential;
use crate::domain::provider::ProviderCatalog;
use crate::engine::task_protocol::{
    BackgroundTask, CredentialTask, RotationTask, StoreTask, TaskId,
};

pub use message::{
    BrowserAvailability, InitialState, InputEvent, Message, MouseInput, Now, RequestMode,
    RestartTarget, SettingsChange, StartupScreen, ThemeMode, ThemePersistence, UiEffect,
    UiSettings,
};
pub use update::update;

/// The state of the screen.
pub struct App {
    /// What is known about providers.
    pub catalog: Arc<ProviderCatalog>,
    /// How the person likes it.
    pub preferences: UiSettings,
    /// What the person looks at.
    pub ui_state: UiState,
    /// The list.
    pub credentials: CredentialList,
    /// The selected credential.
    pub detail: DetailPane,
    /// Its regions.
    pub regions: RegionsPane,
    /// The request console.
    pub console: ConsolePane,
    /// What goes on behind the screen.
    pub activity: TaskList,
    /// The dialogs.
    pub dialogs: DialogStack,
    /// What is said where the screen is talked to instead of looked at.
    pub conversation: ConversationState,
    /// What can be taken back.
    pub undo: UndoStack,
}

/// What the person looks at, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UiState {
    /// The size of the terminal.
    pub area: ScreenRect,
    /// The pane that has the focus.
    pub focus: Pane,
    /// On a narrow screen: the pane that is shown beside the list.
    pub secondary_pane: Pane,
    /// Whether others may be watching.
    pub presentation: PresentationMode,
    /// Whether the mouse is captured.
    pub mouse: bool,
    /// Whether one pane has the whole screen.
    pub zoom: ZoomState,
    /// How the person has arranged the panes.
    pub layout: PaneLayout,
    /// The mouse button, while it is down and after.
    pub mouse_press: MousePress,
    /// What colour the terminal has behind its text, where it said so.
    pub background: Option<TerminalBackground>,
}

/// Whether one pane has the whole screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZoomState {
    /// The panes share it.
    #[default]
    Off,
    /// The pane with the focus has it.
    Pane,
}

/// Whether others may be watching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresentationMode {
    /// Nobody but the person.
    Off,
    /// Presentation mode: no secret is shown, names are hidden.
    On,
}

/// The parts of the screen that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The list of credentials.
    Credentials,
    /// The selected credential.
    Detail,
    /// Its regions.
    Regions,
    /// The request console.
    Console,
}

impl Pane {
    /// Every pane, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Credentials, Self::Detail, Self::Regions, Self::Console];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Credentials => "Credentials",
            Self::Detail => "Detail",
            Self::Regions => "Regions",
            Self::Console => "Console",
        }
    }
}

impl App {
    /// The screen as it first appears, and what is to be done at once.
    pub fn start(start: InitialState, now: Now) -> (Self, Vec<UiEffect>) {
        let InitialState {
            first_page: beginning,
            catalog: catalogue,
            size,
            mut preferences,
            layout,
        } = start;
        preferences.theme = preferences.theme.with_background(preferences.background);
        let stage = UiState {
            area: ScreenRect::new(size.0, size.1),
            focus: Pane::Credentials,
            secondary_pane: Pane::Detail,
            presentation: PresentationMode::Off,
            mouse: preferences.mouse,
            zoom: ZoomState::default(),
            layout,
            mouse_press: MousePress::default(),
            background: None,
        };
        let mut app = Self {
            catalog: catalogue,
            preferences,
            ui_state: stage,
            credentials: CredentialList::from_page(beginning, now.wall),
            detail: DetailPane::default(),
            regions: RegionsPane::default(),
            console: ConsolePane::default(),
            activity: TaskList::default(),
            dialogs: DialogStack::default(),
            conversation: ConversationState::default(),
            undo: UndoStack::default(),
        };
        let first = [
            BackgroundTask::Store(StoreTask::Status),
            BackgroundTask::Rotation(RotationTask::ListUnfinished),
        ];
        let mut effects: Vec<_> =
            first.into_iter().map(|task| app.start_hidden_task(task).1).collect();
        if !app.credentials.all_rows_loaded() {
            effects.push(app.start_hidden_task(BackgroundTask::Credential(CredentialTask::Load)).1);
        }
        if app.preferences.startup_screen == StartupScreen::Welcome
            && app.credentials.all_rows_loaded()
            && app.credentials.all().is_empty()
        {
            effects.push(
                app.start_hidden_task(BackgroundTask::Credential(CredentialTask::FindImportable)).1,
            );
        }
        effects.extend(app.sync_state(now));
        (app, effects)
    }

    /// When the screen wants to be woken without input: the next step of a countdown that is visible, or what is put
    /// off until the cursor rests.
    pub fn next_wake(&self, now: Now) -> Option<Instant> {
        let session = if self.detail_fully_visible() {
            self.detail.next_access_token_change(now)
        } else {
            None
        };
        let own =
            [self.detail.next_wake(now.instant), session, self.dialogs.next_wake(now.instant)];
        let console =
            self.selected().and_then(|credential| self.console.next_wake(&credential.id, now));
        own.into_iter()
            .chain([self.activity.next_wake(), self.regions.load_due_at(), console])
            .flatten()
            .min()
    }

    /// Whether all of the detail is in sight: on the screen, not behind a dialog, and not cut short.
    fn detail_fully_visible(&self) -> bool {
        self.dialogs.is_empty()
            && self.screen_layout().detail.inner().height >= detail::MIN_FULL_DETAIL_ROWS
    }

    /// The credential under the cursor.
    pub fn selected(&self) -> Option<&Credential> {
        self.credentials.selected()
    }

    /// What a credential is called on this screen: its name, or its place where others may be watching.
    pub fn display_name(&self, credential: &Credential) -> String {
        match self.ui_state.presentation {
            PresentationMode::Off => credential.name.to_string(),
            PresentationMode::On => format!("credential {}", &credential.id.as_str()[..4]),
        }
    }

    /// How many regions the selected credential may have.
    pub fn region_count(&self) -> usize {
        self.selected().map_or(0, |credential| {
            regions::provider_regions(&self.catalog, &credential.provider).len()
        })
    }

    /// Where everything is.
    pub fn screen_layout(&self) -> layout::ScreenLayout {
        layout::compute_layout(self.ui_state.area, self)
    }

    /// Starts a task that is shown among the activities.
    fn start_task(
        &mut self,
        title: impl Into<String>,
        task: BackgroundTask,
        now: Now,
    ) -> (TaskId, UiEffect) {
        let id = self.activity.add_task(title.into(), self.ui_state.focus, now.instant);
        (id, UiEffect::StartTask(id, task))
    }

    /// Starts a task that is not worth showing.
    fn start_hidden_task(&mut self, task: BackgroundTask) -> (TaskId, UiEffect) {
        let id = self.activity.allocate_task_id();
        (id, UiEffect::StartTask(id, task))
    }

    /// Brings everything in line with what is selected and how large the screen is.
    fn sync_state(&mut self, now: Now) -> Vec<UiEffect> {
        self.follow_selection(now.instant);
        let effects = self.load_region_checks(now.instant);
        if !self.dialogs.is_empty() {
            self.detail.mask();
        }
        let screen = self.screen_layout();
        let regions = self.region_count();
        self.credentials.scroll_to_cursor(row_capacity(screen.credentials, self.filter_rows()));
        self.regions.scroll_to_cursor(row_capacity(screen.regions, 0), regions);
        let body = self.console_body_area();
        if let Some(document) = self.console.document() {
            document.set_height(body.height.max(1).into());
        }
        effects
    }

    /// Masks the secret and turns the other panes to what is selected now, if that is something else.
    fn follow_selection(&mut self, now: Instant) {
        let selected = self.credentials.selected();
        if self.regions.shown_credential() == selected.map(|credential| &credential.id) {
            return;
        }
        self.detail.mask();
        self.detail.forget_access_token();
        match selected {
            Some(credential) => self.regions.show_credential(credential, &self.catalog, now),
            None => self.regions.clear(),
        }
        self.update_duplicates();
    }

    /// Reads the verdicts of the selected credential when their time has come.
    fn load_region_checks(&mut self, now: Instant) -> Vec<UiEffect> {
        let Some(id) = self
            .regions
            .shown_credential()
            .filter(|_| self.regions.load_due_at().is_some_and(|due| due <= now))
            .cloned()
        else {
            return Vec::new();
        };
        let (task, effect) =
            self.start_hidden_task(BackgroundTask::Credential(CredentialTask::RegionChecks(id)));
        self.regions.set_loading(task);
        vec![effect]
    }

    /// Looks for other credentials with the secret of the selected one.
    fn update_duplicates(&mut self) {
        let twins = self.selected().map(|selected| {
            self.credentials.duplicates_of(selected).map(|twin| twin.name.clone()).collect()
        });
        self.detail.set_duplicates(twins.unwrap_or_default());
    }

    /// The lines that the list needs for its filter.
    pub fn filter_rows(&self) -> u16 {
        u16::from(self.credentials.filter.typing || !self.credentials.filter_is_empty())
    }
}

fn row_capacity(pane: ScreenRect, overhead: u16) -> usize {
    pane.inner().height.saturating_sub(overhead).into()
}
