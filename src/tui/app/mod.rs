//! The state of the screen and the one function that changes it.
//!
//! [`fn@update`] changes only the [`App`] and returns what is to be done as data; the loop does it and comes back with
//! messages. So every behaviour of the screen is tested without a terminal, a runtime or a sleep.

mod act;
pub mod activity;
pub mod answer;
pub mod area;
mod arrange;
mod attempt;
pub mod chart;
pub mod command;
pub mod console;
pub mod credentials;
pub mod detail;
pub mod details;
pub mod dialog;
pub mod draft;
pub mod finder;
pub mod footer;
pub mod form;
pub mod header;
pub mod horizon;
pub mod json;
pub mod keymap;
pub mod lay;
pub mod layout;
pub mod learned;
mod message;
mod open;
mod perform;
pub mod pointer;
mod presets;
pub mod query;
mod refusal;
pub mod regions;
mod report;
mod rotation;
#[cfg(test)]
pub(crate) mod samples;
pub mod secret_input;
mod settings;
pub mod sheet;
mod shelf;
mod sign_in;
pub mod talk;
#[cfg(test)]
mod tests;
pub mod undo;
mod update;
pub mod walk;
mod welcome;
pub mod words;

use std::sync::Arc;
use std::time::Instant;

use activity::Activity;
use console::Console;
use credentials::Credentials;
use detail::Detail;
use dialog::Stack;
use layout::Area;
use pointer::Press;
use regions::Regions;
use talk::Talk;
use undo::Undo;

use crate::config::PaneLayout;
use crate::config::theme::TerminalBackground;
use crate::domain::Credential;
use crate::domain::provider::ProviderCatalog;
use crate::engine::message::{BackgroundTask, CredentialTask, RotationTask, StoreTask, TaskId};

pub use message::{Browser, Change, Dress, Effect, Greeting, Input, Lasting, Mouse, Msg, Now, Onward, Preferences, Reach, Start};
pub use update::update;

/// The state of the screen.
pub struct App {
    /// What is known about providers.
    pub catalogue: Arc<ProviderCatalog>,
    /// How the person likes it.
    pub preferences: Preferences,
    /// What the person looks at.
    pub stage: Stage,
    /// The list.
    pub credentials: Credentials,
    /// The selected credential.
    pub detail: Detail,
    /// Its regions.
    pub regions: Regions,
    /// The request console.
    pub console: Console,
    /// What goes on behind the screen.
    pub activity: Activity,
    /// The dialogs.
    pub dialogs: Stack,
    /// What is said where the screen is talked to instead of looked at.
    pub talk: Talk,
    /// What can be taken back.
    pub undo: Undo,
}

/// What the person looks at, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// The size of the terminal.
    pub area: Area,
    /// The pane that has the focus.
    pub focus: Pane,
    /// On a narrow screen: the pane that is shown beside the list.
    pub companion: Pane,
    /// Whether others may be watching.
    pub audience: Audience,
    /// Whether the mouse is captured.
    pub mouse: bool,
    /// Whether one pane has the whole screen.
    pub zoom: Zoom,
    /// How the person has arranged the panes.
    pub layout: PaneLayout,
    /// The mouse button, while it is down and after.
    pub press: Press,
    /// What colour the terminal has behind its text, where it said so.
    pub background: Option<TerminalBackground>,
}

/// Whether one pane has the whole screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zoom {
    /// The panes share it.
    #[default]
    Off,
    /// The pane with the focus has it.
    Pane,
}

/// Whether others may be watching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Nobody but the person.
    Nobody,
    /// Presentation mode: no secret is shown, names are hidden.
    Others,
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
    pub fn start(start: Start, now: Now) -> (Self, Vec<Effect>) {
        let Start { beginning, catalogue, size, mut preferences, layout } = start;
        preferences.theme = preferences.theme.with_background(preferences.background);
        let stage = Stage {
            area: Area::of(size.0, size.1),
            focus: Pane::Credentials,
            companion: Pane::Detail,
            audience: Audience::Nobody,
            mouse: preferences.mouse,
            zoom: Zoom::default(),
            layout,
            press: Press::default(),
            background: None,
        };
        let mut app = Self {
            catalogue,
            preferences,
            stage,
            credentials: Credentials::beginning(beginning, now.wall),
            detail: Detail::default(),
            regions: Regions::default(),
            console: Console::default(),
            activity: Activity::default(),
            dialogs: Stack::default(),
            talk: Talk::default(),
            undo: Undo::default(),
        };
        let first = [BackgroundTask::Store(StoreTask::Status), BackgroundTask::Rotation(RotationTask::ListUnfinished)];
        let mut effects: Vec<_> = first.into_iter().map(|task| app.start_quietly(task).1).collect();
        if !app.credentials.is_whole() {
            effects.push(app.start_quietly(BackgroundTask::Credential(CredentialTask::Load)).1);
        }
        if app.preferences.greeting == Greeting::Welcome && app.credentials.is_whole() && app.credentials.all().is_empty() {
            effects.push(app.start_quietly(BackgroundTask::Credential(CredentialTask::FindImportable)).1);
        }
        effects.extend(app.settle(now));
        (app, effects)
    }

    /// When the screen wants to be woken without input: the next step of a countdown that is visible, or what is put
    /// off until the cursor rests.
    pub fn next_wake(&self, now: Now) -> Option<Instant> {
        let session = if self.shows_detail() { self.detail.next_change(now) } else { None };
        let own = [self.detail.next_wake(now.instant), session, self.dialogs.next_wake(now.instant)];
        let console = self.selected().and_then(|credential| self.console.next_wake(&credential.id, now));
        own.into_iter().chain([self.activity.next_wake(), self.regions.due(), console]).flatten().min()
    }

    /// Whether all of the detail is in sight: on the screen, not behind a dialog, and not cut short.
    fn shows_detail(&self) -> bool {
        self.dialogs.is_empty() && self.screen().detail.inner().height >= detail::ROWS
    }

    /// The credential under the cursor.
    pub fn selected(&self) -> Option<&Credential> {
        self.credentials.selected()
    }

    /// What a credential is called on this screen: its name, or its place where others may be watching.
    pub fn name_of(&self, credential: &Credential) -> String {
        match self.stage.audience {
            Audience::Nobody => credential.name.to_string(),
            Audience::Others => format!("credential {}", &credential.id.as_str()[..4]),
        }
    }

    /// How many regions the selected credential may have.
    pub fn region_count(&self) -> usize {
        self.selected().map_or(0, |credential| regions::of_provider(&self.catalogue, &credential.provider).len())
    }

    /// Where everything is.
    pub fn screen(&self) -> layout::Screen {
        layout::screen(self.stage.area, self)
    }

    /// Starts a task that is shown among the activities.
    fn start_task(&mut self, title: impl Into<String>, task: BackgroundTask, now: Now) -> (TaskId, Effect) {
        let id = self.activity.begin(title.into(), self.stage.focus, now.instant);
        (id, Effect::Start(id, task))
    }

    /// Starts a task that is not worth showing.
    fn start_quietly(&mut self, task: BackgroundTask) -> (TaskId, Effect) {
        let id = self.activity.quiet();
        (id, Effect::Start(id, task))
    }

    /// Brings everything in line with what is selected and how large the screen is.
    fn settle(&mut self, now: Now) -> Vec<Effect> {
        self.follow_selection(now.instant);
        let effects = self.read_verdicts(now.instant);
        if !self.dialogs.is_empty() {
            self.detail.mask();
        }
        let screen = self.screen();
        let regions = self.region_count();
        self.credentials.fit(lines(screen.credentials, self.list_overhead()));
        self.regions.fit(lines(screen.regions, 0), regions);
        let body = self.console_body();
        if let Some(document) = self.console.document() {
            document.set_height(body.height.max(1).into());
        }
        effects
    }

    /// Masks the secret and turns the other panes to what is selected now, if that is something else.
    fn follow_selection(&mut self, now: Instant) {
        let selected = self.credentials.selected();
        if self.regions.of() == selected.map(|credential| &credential.id) {
            return;
        }
        self.detail.mask();
        self.detail.forget_access_token();
        match selected {
            Some(credential) => self.regions.turn_to(credential, &self.catalogue, now),
            None => self.regions.clear(),
        }
        self.find_twins();
    }

    /// Reads the verdicts of the selected credential when their time has come.
    fn read_verdicts(&mut self, now: Instant) -> Vec<Effect> {
        let Some(id) = self.regions.of().filter(|_| self.regions.due().is_some_and(|due| due <= now)).cloned() else {
            return Vec::new();
        };
        let (task, effect) = self.start_quietly(BackgroundTask::Credential(CredentialTask::RegionChecks(id)));
        self.regions.read_by(task);
        vec![effect]
    }

    /// Looks for other credentials with the secret of the selected one.
    fn find_twins(&mut self) {
        let twins = self.selected().map(|selected| self.credentials.twins(selected).map(|twin| twin.name.clone()).collect());
        self.detail.set_twins(twins.unwrap_or_default());
    }

    /// The lines that the list needs for its filter.
    pub fn list_overhead(&self) -> u16 {
        u16::from(self.credentials.filter.typing || !self.credentials.is_unfiltered())
    }
}

fn lines(pane: Area, overhead: u16) -> usize {
    pane.inner().height.saturating_sub(overhead).into()
}
