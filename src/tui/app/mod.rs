//! State of the screen, and the one function that changes it.
//!
//! [`fn@update`] changes only the [`App`] and returns effects as data; the event loop carries them
//! out and comes back with messages. So all behavior of the screen is tested without a terminal, a
//! runtime or a sleep. Drawing is in `tui/view`; each feature of the screen has a folder with its
//! commands, events and dialogs. Start at `update.rs`, which routes to them.

pub mod activity;
pub mod command;
pub mod console;
pub mod conversation;
pub mod credentials;
pub mod dialogs;
pub mod display_format;
pub mod footer;
pub mod header;
pub mod layout;
mod message;
pub mod mouse;
pub mod overview;
mod program;
pub mod rotation;
#[cfg(test)]
pub(crate) mod samples;
mod screen_lock;
mod settings;
pub mod sign_in;
#[cfg(test)]
mod tests;
mod unlock_retry;
mod update;
pub mod widgets;

use std::sync::Arc;
use std::time::Instant;

use crate::tui::app::activity::TaskList;
use crate::tui::app::credentials::attention::{self, AttentionFacts};
use crate::tui::app::credentials::detail::DetailPane;
use crate::tui::app::credentials::list::CredentialList;
use crate::tui::app::credentials::regions::{RegionsPane, RunningProbe};
use crate::tui::app::credentials::undo::UndoStack;
use crate::tui::app::dialogs::{DialogStack, ProblemDialog};
use crate::tui::app::rotation::open_rotations::OpenRotations;
use crate::tui::app::widgets::split_rect::SplitRect as _;
use crate::tui::app::widgets::text_wrap::wrap;
use console::ConsolePane;
use conversation::ConversationState;
use mouse::MousePress;
use ratatui::layout::Rect;

use crate::config::PaneLayout;
use crate::config::theme::TerminalBackground;
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Credential, CredentialId, Problem};
use crate::engine::background::protocol::{
    BackgroundTask, CredentialTask, RotationTask, TaskId, TerminalCopyConsent,
};
use crate::tui::app::credentials::detail;

pub use message::{
    BrowserAvailability, InitialState, InputEvent, Message, MouseInput, Now, RequestMode,
    RestartTarget, SettingsChange, StartupScreen, ThemeMode, ThemePersistence, UiEffect,
    UiSettings, ViewerProgram,
};
pub use screen_lock::ScreenLock;
pub use unlock_retry::UnlockRetries;
pub use update::update;

/// The state of the screen.
pub struct App {
    /// Provider catalog.
    pub catalog: Arc<ProviderCatalog>,
    /// User interface settings.
    pub preferences: UiSettings,
    /// Focus, layout and modes of the screen.
    pub ui_state: UiState,
    /// Credential list.
    pub credentials: CredentialList,
    /// Detail of the selected credential.
    pub detail: DetailPane,
    /// Regions of the selected credential.
    pub regions: RegionsPane,
    /// Request console.
    pub console: ConsolePane,
    /// Background tasks and the current notification.
    pub activity: TaskList,
    /// Rotations that have begun and not ended.
    pub open_rotations: OpenRotations,
    /// The running test of a credential in all regions.
    pub region_probe: Option<RunningProbe>,
    /// Results of the scan and of the deliveries.
    pub attention: AttentionFacts,
    /// Open dialogs.
    pub dialogs: DialogStack,
    /// State of the conversation in plain-text mode.
    pub conversation: ConversationState,
    /// Changes that can be undone.
    pub undo: UndoStack,
    /// What is started again once the store is unlocked.
    unlock_retries: UnlockRetries,
}

/// Focus, layout and modes of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UiState {
    /// Size of the terminal.
    pub area: Rect,
    /// Pane that has the focus.
    pub focus: Pane,
    /// Pane shown beside the list on a narrow screen.
    pub secondary_pane: Pane,
    /// Whether presentation mode is on.
    pub presentation: PresentationMode,
    /// Whether the mouse is captured.
    pub mouse: bool,
    /// Whether one pane fills the screen.
    pub zoom: ZoomState,
    /// Pane layout of the user.
    pub layout: PaneLayout,
    /// State of the left mouse button.
    pub mouse_press: MousePress,
    /// Background color that the terminal reported, if it did.
    pub background: Option<TerminalBackground>,
    /// Whether the user agreed to copying secrets through the terminal.
    pub terminal_copy_consent: TerminalCopyConsent,
    /// Whether the screen is locked.
    pub screen_lock: ScreenLock,
    /// When the user last pressed a key or used the mouse.
    pub last_input: Now,
}

/// Whether one pane fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZoomState {
    /// All panes are visible.
    #[default]
    Off,
    /// The focused pane fills the screen.
    Pane,
}

/// Whether presentation mode is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresentationMode {
    /// Names are shown and secrets can be revealed.
    Off,
    /// Names are hidden and secrets are not revealed, because others may be watching.
    On,
}

/// Panes that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// Credential list.
    Credentials,
    /// Detail of the selected credential.
    Detail,
    /// Regions of the selected credential.
    Regions,
    /// Request console.
    Console,
}

impl Pane {
    /// All panes, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Credentials, Self::Detail, Self::Regions, Self::Console];

    /// Title of the pane.
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
    /// Creates the initial screen and returns the effects to run at once.
    pub fn start(start: InitialState, now: Now) -> (Self, Vec<UiEffect>) {
        let InitialState { first_page, catalog, size, mut preferences, layout } = start;
        preferences.theme = preferences.theme.with_background(preferences.background);
        let ui_state = UiState {
            area: Rect::new(0, 0, size.0, size.1),
            focus: Pane::Credentials,
            secondary_pane: Pane::Detail,
            presentation: PresentationMode::Off,
            mouse: preferences.mouse,
            zoom: ZoomState::default(),
            layout,
            mouse_press: MousePress::default(),
            background: None,
            terminal_copy_consent: TerminalCopyConsent::NotGiven,
            screen_lock: ScreenLock::Unlocked,
            last_input: now,
        };
        let mut app = Self {
            catalog,
            preferences,
            ui_state,
            credentials: CredentialList::from_page(first_page, now.wall),
            detail: DetailPane::default(),
            regions: RegionsPane::default(),
            console: ConsolePane::default(),
            activity: TaskList::default(),
            open_rotations: OpenRotations::default(),
            region_probe: None,
            attention: AttentionFacts::default(),
            dialogs: DialogStack::default(),
            conversation: ConversationState::default(),
            undo: UndoStack::default(),
            unlock_retries: UnlockRetries::default(),
        };
        let first = [
            BackgroundTask::ReadStoreStatus,
            BackgroundTask::Rotation(RotationTask::ListUnfinished),
            BackgroundTask::Credential(CredentialTask::ListOutdatedConsumers),
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

    /// Returns when the screen must be updated without input: at the next step of a visible
    /// countdown, or when a delayed load is due.
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
            .chain([self.lock_due_at()])
            .flatten()
            .min()
    }

    /// Whether the whole detail is visible: not behind a dialog and not truncated.
    fn detail_fully_visible(&self) -> bool {
        self.dialogs.is_empty()
            && self.screen_layout().detail.inside_border().height >= detail::MIN_FULL_DETAIL_ROWS
    }

    /// The credential under the cursor.
    pub fn selected(&self) -> Option<&Credential> {
        self.credentials.selected()
    }

    /// Returns the name of a credential, or a placeholder in presentation mode.
    pub fn display_name(&self, credential: &Credential) -> String {
        match self.ui_state.presentation {
            PresentationMode::Off => credential.name.to_string(),
            PresentationMode::On => format!("credential {}", &credential.id.as_str()[..4]),
        }
    }

    /// Number of regions that the selected credential may have.
    pub fn region_count(&self) -> usize {
        self.selected().map_or(0, |credential| {
            self.catalog.regions(&credential.provider).unwrap_or_default().len()
        })
    }

    /// Returns the areas of the screen.
    pub fn screen_layout(&self) -> layout::ScreenLayout {
        layout::compute_layout(self.ui_state.area, self)
    }

    /// Starts a task that is listed.
    fn start_task(
        &mut self,
        title: impl Into<String>,
        task: BackgroundTask,
        now: Now,
    ) -> (TaskId, UiEffect) {
        let id = self.activity.add_task(title.into(), self.ui_state.focus, now.instant);
        self.unlock_retries.remember(id, &task);
        (id, UiEffect::StartTask(id, task))
    }

    /// Starts a task that is not listed.
    fn start_hidden_task(&mut self, task: BackgroundTask) -> (TaskId, UiEffect) {
        let id = self.activity.allocate_task_id();
        self.unlock_retries.remember(id, &task);
        (id, UiEffect::StartTask(id, task))
    }

    /// Brings the panes in line with the selection and the size of the screen.
    fn sync_state(&mut self, now: Now) -> Vec<UiEffect> {
        self.credentials.set_alerts(attention::collect_alerts(self), now.wall);
        self.follow_selection(now.instant);
        let mut effects = self.load_region_checks(now.instant);
        effects.extend(self.keep_locked());
        if !self.dialogs.is_empty() {
            self.detail.mask();
        }
        let screen = self.screen_layout();
        let regions = self.region_count();
        self.credentials.scroll_to_cursor(row_capacity(screen.credentials, self.filter_rows()));
        self.regions.scroll_to_cursor(row_capacity(screen.regions, 0), regions);
        let body = self.console_body_area();
        if let Some(document) = self.console.document() {
            document.set_size(body.height.max(1).into(), body.width.into());
        }
        effects
    }

    /// Masks the secret and updates the other panes if another credential is selected now.
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

    /// Loads the check results of the selected credential when they are due.
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

    /// Finds other credentials with the same secret as the selected one.
    fn update_duplicates(&mut self) {
        let duplicates = self.selected().map(|selected| {
            self.credentials
                .duplicates_of(selected)
                .map(|duplicate| duplicate.name.clone())
                .collect()
        });
        self.detail.set_duplicates(duplicates.unwrap_or_default());
    }

    /// Number of rows that the list needs for its filter, and for the error in it.
    pub fn filter_rows(&self) -> u16 {
        let list = &self.credentials;
        let Some(error) = list.filter_term_error() else {
            return u16::from(list.filter.typing || !list.filter_is_empty());
        };
        let columns = self.screen_layout().credentials.inside_border().width;
        let lines = wrap(&error.to_string(), columns.into()).len();
        1 + u16::try_from(lines).unwrap_or(u16::MAX)
    }

    pub(super) fn start_dialog_task(
        &mut self,
        title: impl Into<String>,
        task: BackgroundTask,
        now: Now,
    ) -> Vec<UiEffect> {
        let (id, effect) = self.start_task(title, task, now);
        self.dialogs.set_task(id);
        vec![effect]
    }

    /// Returns the display name of the credential with this ID.
    pub(super) fn display_name_by_id(&self, id: &CredentialId) -> String {
        self.credentials
            .get(id)
            .map_or_else(|| "The credential".to_owned(), |known| self.display_name(known))
    }

    /// Shows a problem under a title that says what failed.
    pub(super) fn show_problem(&mut self, title: impl Into<String>, problem: Problem) {
        self.dialogs.push(ProblemDialog { title: title.into(), problem });
    }
}

fn row_capacity(pane: Rect, overhead: u16) -> usize {
    pane.inside_border().height.saturating_sub(overhead).into()
}
