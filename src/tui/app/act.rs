//! Dispatch of commands: which handler runs for each [`CommandAction`].
//!
//! Handlers that need more than a few lines live in the module of their subject, such as
//! `console_commands.rs`. Start at [`App::run_action`].

use super::command::{
    CommandAction, CredentialAction, CursorMotion, FocusTarget, ListAction, ProgramAction,
    RegionAction,
};
use super::{App, Now, Pane, PresentationMode, UiEffect};
use crate::domain::CredentialId;
use crate::engine::background::protocol::{
    BackgroundTask, CheckTask, CredentialTask, SecretTask, StoreTask,
};
use crate::tui::app::console::commands::move_document_cursor;
use crate::tui::app::console::response_view::ResponseView;
use crate::tui::app::credentials::list;
use crate::tui::app::dialogs::ConfirmDialog;
use crate::tui::app::overview::activity::NotificationLevel;

impl App {
    /// Runs a command.
    pub(super) fn run_action(&mut self, action: CommandAction, now: Now) -> Vec<UiEffect> {
        match action {
            CommandAction::Move(motion) => self.move_cursor(motion),
            CommandAction::Focus(focus) => self.move_focus(focus),
            CommandAction::List(action) => self.run_list_action(action, now),
            CommandAction::Credential(action) => return self.run_credential_action(action, now),
            CommandAction::Region(action) => return self.run_region_action(action, now),
            CommandAction::Console(action) => return self.run_console_action(action, now),
            CommandAction::Screen(action) => return self.run_screen_action(action),
            CommandAction::Program(action) => return self.run_program_action(action, now),
        }
        Vec::new()
    }

    /// Whether a command would have an effect right now; the footer shows only such commands.
    pub fn can_run(&self, action: CommandAction) -> bool {
        match action {
            CommandAction::Move(_) | CommandAction::Focus(_) => true,
            CommandAction::List(action) => self.can_run_list_action(action),
            CommandAction::Credential(action) => self.can_run_credential_action(action),
            CommandAction::Region(_) => self.region_count() > 1,
            CommandAction::Console(action) => self.can_run_console_action(action),
            CommandAction::Screen(action) => self.can_run_screen_action(action),
            CommandAction::Program(ProgramAction::Unlock) => self.store_needs_unlock(),
            CommandAction::Program(ProgramAction::Lock) => self.has_passphrase(),
            CommandAction::Program(ProgramAction::Undo) => !self.undo.is_empty(),
            CommandAction::Program(_) => true,
        }
    }

    fn can_run_list_action(&self, action: ListAction) -> bool {
        match action {
            ListAction::Clear => {
                self.credentials.mark_count() > 0 || !self.credentials.filter_is_empty()
            }
            _ => !self.credentials.all().is_empty(),
        }
    }

    fn can_run_credential_action(&self, action: CredentialAction) -> bool {
        match action {
            CredentialAction::Add | CredentialAction::SignIn => true,
            CredentialAction::ToggleSecret | CredentialAction::CopySecret => {
                self.selected().is_some() && self.ui_state.presentation == PresentationMode::Off
            }
            CredentialAction::CheckAll => {
                self.credentials.all_rows_loaded() && !self.credentials.all().is_empty()
            }
            CredentialAction::OpenPage => self.provider_page().is_some(),
            _ if requires_visible_names(action)
                && self.ui_state.presentation == PresentationMode::On =>
            {
                false
            }
            _ => self.selected().is_some(),
        }
    }

    fn move_cursor(&mut self, motion: CursorMotion) {
        let screen = self.screen_layout();
        let page = usize::from(screen.pane(self.ui_state.focus).inner().height.saturating_sub(1));
        match self.ui_state.focus {
            Pane::Credentials | Pane::Detail => self.credentials.move_cursor(motion, page),
            Pane::Regions => self.regions.move_cursor(motion, page, self.region_count()),
            Pane::Console => self.scroll_response(motion),
        }
    }

    fn scroll_response(&mut self, motion: CursorMotion) {
        if self.console.tab.is_text() {
            if let Some(document) = self.console.document() {
                move_document_cursor(document, motion);
            }
            return;
        }
        let lines = self.detail_rows().1.len();
        let page = usize::from(self.console_body_area().height);
        self.console.scroll =
            list::moved_cursor(self.console.scroll, motion, page, lines.saturating_sub(page));
    }

    pub(super) fn move_focus(&mut self, focus: FocusTarget) {
        let at = Pane::ALL.iter().position(|pane| *pane == self.ui_state.focus).unwrap_or(0);
        let count = Pane::ALL.len();
        self.ui_state.focus = match focus {
            FocusTarget::Next => Pane::ALL[(at + 1) % count],
            FocusTarget::Previous => Pane::ALL[(at + count - 1) % count],
            FocusTarget::To(pane) => pane,
        };
        if self.ui_state.focus != Pane::Credentials {
            self.ui_state.secondary_pane = self.ui_state.focus;
        }
    }

    fn run_list_action(&mut self, action: ListAction, now: Now) {
        match action {
            ListAction::Filter => {
                self.move_focus(FocusTarget::To(Pane::Credentials));
                self.credentials.filter.typing = true;
            }
            ListAction::Clear => {
                if self.credentials.mark_count() == 0 {
                    self.push_filter_undo();
                }
                self.credentials.clear_marks_or_filter(now.wall);
            }
            ListAction::Sort => {
                self.credentials.sort_by_next_key(now.wall);
                self.activity.notify(
                    NotificationLevel::Success,
                    format!("Sorted by {}", self.credentials.sort.as_str()),
                    now.instant,
                );
            }
            ListAction::Mark => self.credentials.toggle_mark(),
            ListAction::MarkAll => self.credentials.toggle_all_marks(),
        }
    }

    fn run_credential_action(&mut self, action: CredentialAction, now: Now) -> Vec<UiEffect> {
        if requires_visible_names(action) && self.ui_state.presentation == PresentationMode::On {
            let key = self
                .preferences
                .keys
                .key_or_name(CommandAction::Program(ProgramAction::Presentation));
            self.activity.notify(
                NotificationLevel::Warning,
                format!("This would show names; {key} ends presentation mode"),
                now.instant,
            );
            return Vec::new();
        }
        match action {
            CredentialAction::ToggleSecret => self.toggle_secret(now),
            CredentialAction::CopySecret => self.copy_secret(now),
            CredentialAction::Check => {
                let chosen = self.credentials.marked_or_selected();
                self.check_credentials(chosen, now)
            }
            CredentialAction::CheckAll => {
                let all =
                    self.credentials.all().iter().map(|credential| credential.id.clone()).collect();
                self.check_credentials(all, now)
            }
            CredentialAction::OpenPage => {
                self.provider_page().map(UiEffect::OpenUrl).into_iter().collect()
            }
            CredentialAction::Add | CredentialAction::Edit => self.open_credential_dialog(action),
            CredentialAction::Rotate => self.open_rotation_wizard(),
            CredentialAction::SignIn => self.open_sign_in(now),
            CredentialAction::Revoke => {
                self.open_removal_picker();
                Vec::new()
            }
            CredentialAction::Create => {
                self.open_create_dialog(now);
                Vec::new()
            }
        }
    }

    fn toggle_secret(&mut self, now: Now) -> Vec<UiEffect> {
        if !self.detail.is_masked() {
            self.detail.mask();
            return Vec::new();
        }
        if self.refuse_in_presentation("Secrets stay masked", now) {
            return Vec::new();
        }
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else {
            return Vec::new();
        };
        let (task, effect) = self.start_hidden_task(BackgroundTask::Secret(SecretTask::Reveal(id)));
        self.detail.begin_reveal(task);
        vec![effect]
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

    /// Copies the secret. Where only the terminal can copy it, the task offers that first.
    fn copy_secret(&mut self, now: Now) -> Vec<UiEffect> {
        self.detail.mask();
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else {
            return Vec::new();
        };
        if self.refuse_in_presentation("Secrets are not copied", now) {
            return Vec::new();
        }
        self.start_copy(id, now)
    }

    /// Starts copying the secret of a credential.
    pub(super) fn start_copy(&mut self, id: CredentialId, now: Now) -> Vec<UiEffect> {
        let title = format!("Copy the secret of {}", self.display_name_by_id(&id));
        let task = SecretTask::Copy(id, self.ui_state.terminal_copy_consent);
        vec![self.start_task(title, BackgroundTask::Secret(task), now).1]
    }

    fn check_credentials(&mut self, ids: Vec<CredentialId>, now: Now) -> Vec<UiEffect> {
        let title = match ids.as_slice() {
            [] => return Vec::new(),
            [one] => match self.credentials.get(one) {
                Some(credential) => format!("Check {}", self.display_name(credential)),
                None => return Vec::new(),
            },
            many => {
                format!("Check {}", super::display_format::format_count(many.len(), "credential"))
            }
        };
        vec![self.start_task(title, BackgroundTask::Check(CheckTask::Credentials(ids)), now).1]
    }

    fn run_region_action(&mut self, action: RegionAction, now: Now) -> Vec<UiEffect> {
        match action {
            RegionAction::Switch => self.switch_to_region_at(self.regions.cursor(), now),
            RegionAction::Next => self.switch_region_by(1, now),
            RegionAction::Previous => {
                self.switch_region_by(self.region_count().saturating_sub(1), now)
            }
            RegionAction::Pick => self.open_region_picker(),
            RegionAction::Probe => self.open_probe_confirmation(),
        }
    }

    fn run_program_action(&mut self, action: ProgramAction, now: Now) -> Vec<UiEffect> {
        match action {
            ProgramAction::Help | ProgramAction::TaskList => {
                self.open_program_dialog(action);
            }
            ProgramAction::Doctor | ProgramAction::Scan => {
                return self.start_diagnostics(action, now);
            }
            ProgramAction::Welcome => return self.start_welcome(now),
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
                    self.start_hidden_task(BackgroundTask::Store(StoreTask::Status)).1,
                    UiEffect::ReloadSettings,
                ];
            }
            ProgramAction::Undo => return self.undo_last(now),
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
}

/// Whether an action opens a dialog that cannot hide names. The rotation wizard can hide them.
const fn requires_visible_names(action: CredentialAction) -> bool {
    use CredentialAction as C;
    matches!(action, C::Edit | C::Create)
}
