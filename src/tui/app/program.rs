//! Commands of the program itself: help, reload, presentation mode, quitting and restarting.
//!
//! Start at `App::run_program`. Locking the screen is in `screen_lock.rs`, changed settings are in
//! `settings.rs`.
//!
//! Help: the searchable list of all commands and credentials.
//!
//! Start at [`help_picker`].

use crate::config::theme::StyleRole;
use crate::config::{KeyPress, StoreChoiceSource};
use crate::domain::Credential;
use crate::domain::problem::Problem;
use crate::engine::background::protocol::{BackgroundTask, CredentialTask};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::{COMMANDS, CommandAction, CommandGroup, CommandSpec, ProgramAction};
use crate::tui::app::console::response_view::ResponseView;
use crate::tui::app::credentials::undo;
use crate::tui::app::dialogs::{ConfirmDialog, DialogAction, PickerDialog, PickerItem};
use crate::tui::app::overview::task_list_dialog::TaskListDialog;
use crate::tui::app::overview::timeline_dialog::select_in_list;
use crate::tui::app::{App, Now, PresentationMode, RestartTarget, UiEffect, overview};

impl App {
    pub(super) fn run_program(&mut self, action: ProgramAction, now: Now) -> Vec<UiEffect> {
        match action {
            ProgramAction::Help => self.dialogs.push(help_picker(self)),
            ProgramAction::TaskList => self.dialogs.push(TaskListDialog::default()),
            ProgramAction::Doctor | ProgramAction::Scan => {
                return overview::start_diagnostics(self, action, now);
            }
            ProgramAction::Welcome => return overview::welcome::start_welcome(self, now),
            ProgramAction::Unlock => return self.unlock_store(now),
            ProgramAction::Lock => self.lock_on_command(now),
            ProgramAction::Reload => {
                let load = self
                    .start_task(
                        "Reload the credentials",
                        BackgroundTask::Credential(CredentialTask::Load),
                        now,
                    )
                    .1;
                return vec![
                    load,
                    self.start_hidden_task(BackgroundTask::ReadStoreStatus).1,
                    UiEffect::ReloadSettings,
                ];
            }
            ProgramAction::Undo => return undo::undo_last(self, now),
            ProgramAction::Presentation => self.toggle_presentation(now),
            ProgramAction::Mouse => {
                self.ui_state.mouse = !self.ui_state.mouse;
                let word = if self.ui_state.mouse {
                    "Mouse on"
                } else {
                    "Mouse off: the terminal can select text"
                };
                self.activity.notify(NotificationLevel::Success, word, now.instant);
                return vec![UiEffect::SetMouseCapture(self.ui_state.mouse)];
            }
            ProgramAction::Suspend => {
                self.detail.mask();
                return vec![UiEffect::Suspend];
            }
            ProgramAction::Cancel => match self.activity.cancelable_task(self.ui_state.focus) {
                Some(task) => return vec![UiEffect::CancelTask(task)],
                None => return self.confirm_quit(),
            },
            ProgramAction::Quit => return self.confirm_quit(),
        }
        Vec::new()
    }

    /// Quits, but asks first when a captured secret would be lost, because the provider shows it
    /// only once and it is not stored, and when a rotation has not ended.
    fn confirm_quit(&mut self) -> Vec<UiEffect> {
        if self.dialogs.is_empty()
            && self.console.response().is_some_and(ResponseView::has_unsaved_secret)
        {
            self.dialogs.push(ConfirmDialog::for_unsaved_secret());
            return Vec::new();
        }
        if self.dialogs.is_empty()
            && let Some(confirm) = self.open_rotation_confirmation()
        {
            self.dialogs.push(confirm);
            return Vec::new();
        }
        self.quit()
    }

    pub(super) fn quit(&mut self) -> Vec<UiEffect> {
        self.detail.mask();
        vec![UiEffect::Quit]
    }

    fn toggle_presentation(&mut self, now: Now) {
        self.detail.mask();
        let (audience, word) = match self.ui_state.presentation {
            PresentationMode::Off => (
                PresentationMode::On,
                "Presentation mode on: names are hidden, secrets stay masked",
            ),
            PresentationMode::On => (PresentationMode::Off, "Presentation mode off"),
        };
        self.ui_state.presentation = audience;
        self.activity.notify(NotificationLevel::Success, word, now.instant);
    }

    /// Warns that presentation mode does not allow what was asked for; returns whether it is on.
    pub(super) fn refuse_in_presentation(&mut self, what: &str, now: Now) -> bool {
        if self.ui_state.presentation == PresentationMode::Off {
            return false;
        }
        let presentation = CommandAction::Program(ProgramAction::Presentation);
        let key = self.preferences.keys.key_or_name(presentation);
        self.activity.notify(
            NotificationLevel::Warning,
            format!("{what} in presentation mode; {key} ends it"),
            now.instant,
        );
        true
    }

    /// Exits and restarts in this way. The environment overrides the choice of a store.
    pub(super) fn restart(&mut self, target: RestartTarget) -> Vec<UiEffect> {
        if matches!(target, RestartTarget::Store(_))
            && self.preferences.store_choice_source == StoreChoiceSource::Environment
        {
            self.show_store_override();
            return Vec::new();
        }
        self.detail.mask();
        vec![UiEffect::Restart(target)]
    }

    /// Explains that the environment selects the store.
    fn show_store_override(&mut self) {
        let why = "TOKENRING_STORE selects the store and overrides this choice";
        let remedy = "quit, unset or change TOKENRING_STORE, and start tokenring again";
        self.show_problem("Secret store", Problem::new("The store was not changed", why, remedy));
    }

    /// Whether a command of the program has an effect right now.
    pub(super) fn can_run_program(&self, action: ProgramAction) -> bool {
        match action {
            ProgramAction::Unlock => self.store_needs_unlock(),
            ProgramAction::Lock => self.has_passphrase(),
            ProgramAction::Undo => !self.undo.is_empty(),
            _ => true,
        }
    }
}

/// Returns a picker of all commands, whether they have an effect right now or not, and of all
/// credentials.
pub(super) fn help_picker(app: &App) -> PickerDialog<DialogAction> {
    let of = |group| COMMANDS.iter().filter(move |command| command.group == group);
    let all = CommandGroup::ALL.into_iter().flat_map(of);
    let credentials =
        app.credentials.all().iter().map(|credential| credential_item(app, credential));
    let commands = all.clone().map(|command| command_item(app, command));
    PickerDialog::of_actions(
        "Help: type to search, Enter to run",
        commands.chain(credentials).collect(),
    )
    .with_wide_layout()
    .with_notes(all.map(|command| format!("Name in config.toml: {}", command.name)).collect())
}

fn command_item(app: &App, command: &CommandSpec) -> PickerItem<DialogAction> {
    let keys: Vec<_> =
        app.preferences.keys.keys_for(command.action).map(KeyPress::to_string).collect();
    let glyphs = app.preferences.symbols;
    let useless = (StyleRole::Dim, glyphs.unchecked);
    PickerItem {
        right: keys.join(" "),
        mark: Some(if app.can_run(command.action) { (StyleRole::Dim, " ") } else { useless }),
        heading: command.group.title(),
        ..PickerItem::new(command.title, command.help, "run", DialogAction::Run(command.action))
    }
}

fn credential_item(app: &App, credential: &Credential) -> PickerItem<DialogAction> {
    let kind =
        app.catalog.kind(&credential.provider, &credential.kind).map(|kind| kind.title.as_str());
    PickerItem {
        mark: Some((StyleRole::Accent, app.preferences.symbols.pointer)),
        heading: "Credentials",
        ..PickerItem::new(
            app.display_name(credential),
            format!("{} · {}", kind.unwrap_or(&credential.kind), credential.region),
            "show in list",
            select_in_list(credential.id.clone()),
        )
    }
}
