//! Execution of what a dialog or command requests: sending, switching regions, checking, storing.
//!
//! Start at [`App::run_dialog_action`], which maps each [`DialogAction`] to tasks and effects.

use super::console::RequestReadiness;
use super::{App, Now, Pane, RequestMode, RestartTarget, UiEffect};
use crate::config::StoreChoiceSource;
use crate::domain::request::RequestDraft;
use crate::domain::{CredentialId, Problem};
use crate::engine::task_protocol::{
    BackgroundTask, CheckTask, CredentialEdit, CredentialTask, HistoryPolicy, SecretTask, SendTask,
    SignInTask, StoreTask, TerminalCopyConsent, WriteConsent,
};
use crate::tui::app::credentials::regions;
use crate::tui::app::dialogs::DialogAction;
use crate::tui::app::overview::activity::NotificationLevel;

impl App {
    /// Runs the action that a dialog returned.
    pub(super) fn run_dialog_action(&mut self, intent: DialogAction, now: Now) -> Vec<UiEffect> {
        match intent {
            DialogAction::Run(action) => return self.run_action(action, now),
            DialogAction::SelectPreset(id, given) => self.apply_preset(&id, given),
            DialogAction::Console(intent) => return self.run_console_dialog_action(*intent, now),
            DialogAction::SetRequest(draft, keep) => self.set_written_request(draft, keep),
            DialogAction::PreviewTheme(theme, mode) => self.apply_theme(*theme, mode),
            DialogAction::SaveTheme(name) => return vec![UiEffect::SaveTheme(name)],
            DialogAction::Restart(RestartTarget::Store(_))
                if self.preferences.store_choice_source == StoreChoiceSource::Environment =>
            {
                self.show_store_override();
            }
            DialogAction::Click((column, row)) => {
                let effects = self.handle_click(column, row, now);
                self.ui_state.mouse_press = super::mouse::MousePress::default();
                return effects;
            }
            DialogAction::SelectCredential(id) => self.select_in_list(&id, now),
            DialogAction::Identify(secret) => {
                return self.start_identification(CredentialTask::Identify(secret));
            }
            DialogAction::IdentifyFile(path) => {
                return self.start_identification(CredentialTask::IdentifyFile(path));
            }
            DialogAction::AddCredential(new, inquiry) => {
                let title = format!("Add {}", new.name);
                let task = BackgroundTask::Credential(CredentialTask::Add(*new, inquiry));
                return self.start_dialog_task(title, task, now);
            }
            DialogAction::SignIn(session) => return self.start_sign_in(session, now),
            DialogAction::ReplyToPrompt(question, reply) => {
                let task = BackgroundTask::SignIn(SignInTask::SubmitAddress(question, reply));
                return vec![self.start_hidden_task(task).1];
            }
            DialogAction::CopyText(text) => {
                let task = BackgroundTask::Secret(SecretTask::CopyText(text));
                return vec![self.start_task("Copy the URL", task, now).1];
            }
            DialogAction::CopySecret(id) => {
                self.ui_state.terminal_copy_consent = TerminalCopyConsent::Given;
                return self.start_copy(id, now);
            }
            DialogAction::GeneratePassphrase => return self.start_passphrase_generation(now),
            DialogAction::EditCredential(id, edit) => {
                let title = format!("Edit {}", self.display_name_by_id(&id));
                let (task, effect) = self.start_edit(title, id, *edit, now);
                self.dialogs.set_task(task);
                return vec![effect];
            }
            DialogAction::UnlockStore(passphrase) => {
                let task = BackgroundTask::Store(StoreTask::Unlock(passphrase));
                return self.start_dialog_task("Unlock the store", task, now);
            }
            DialogAction::RemoveCredential(id) => {
                let title = format!("Delete {}", self.display_name_by_id(&id));
                let task = BackgroundTask::Credential(CredentialTask::Remove(id));
                return vec![self.start_task(title, task, now).1];
            }
            DialogAction::ProbeRegions(id) => {
                let title = format!("Test {} in every region", self.display_name_by_id(&id));
                return vec![
                    self.start_task(title, BackgroundTask::Check(CheckTask::AllRegions(id)), now).1,
                ];
            }
            DialogAction::SwitchRegion(id, region) => return self.switch_region(&id, region, now),
            DialogAction::SendRequest(id, draft) => {
                return self.send_draft(id, draft, WriteConsent::Given, now);
            }
            DialogAction::CancelTask(task) => return vec![UiEffect::CancelTask(task)],
            DialogAction::PauseTask(task) => return vec![UiEffect::PauseTask(task)],
            DialogAction::ShowWizard(task) => {
                _ = self.dialogs.reopen_wizard(|wizard| wizard.waits_for(task));
            }
            DialogAction::ConfirmRemoval(removal) => return self.confirm_removal(removal),
            DialogAction::ResumeRotation(id, name) => {
                return self.open_unfinished_rotation(id, name);
            }
            DialogAction::RunRotationTask(task) => return self.start_rotation_task(*task, now),
            DialogAction::StartRotation(plan) => return self.confirm_rotation(plan, now),
            DialogAction::ImportCandidates(candidates) => {
                let count = super::display_format::format_count(candidates.len(), "credential");
                let task = BackgroundTask::Credential(CredentialTask::Import(candidates));
                return vec![self.start_task(format!("Import {count}"), task, now).1];
            }
            DialogAction::Quit => return self.quit(),
            DialogAction::Restart(onward) => {
                self.detail.mask();
                return vec![UiEffect::Restart(onward)];
            }
            DialogAction::OpenPage(page) => return vec![UiEffect::OpenUrl(page)],
        }
        Vec::new()
    }

    /// Generates a passphrase for the top dialog, which shows it.
    fn start_passphrase_generation(&mut self, now: Now) -> Vec<UiEffect> {
        if self.refuse_in_presentation("Generated words are not shown", now) {
            return Vec::new();
        }
        let task = BackgroundTask::Secret(SecretTask::GeneratePassphrase);
        let (task, effect) = self.start_hidden_task(task);
        self.dialogs.set_task(task);
        vec![effect]
    }

    /// Sets the request that the user wrote, with the media type of the provider.
    fn set_written_request(&mut self, draft: RequestDraft, policy: HistoryPolicy) {
        let provider =
            self.selected().and_then(|credential| self.catalog.provider(&credential.provider).ok());
        if let Some((id, draft)) =
            provider.map(|provider| (provider.id.clone(), draft.with_media_type(provider)))
        {
            self.console.set_request(&id, draft, policy);
        }
    }

    /// Explains that the environment selects the store.
    fn show_store_override(&mut self) {
        let why = "TOKENRING_STORE selects the store and overrides this choice";
        let remedy = "quit, unset or change TOKENRING_STORE, and start tokenring again";
        self.show_problem("Secret store", Problem::new("The store was not changed", why, remedy));
    }

    /// Starts the identification of a secret for the top dialog.
    fn start_identification(&mut self, task: CredentialTask) -> Vec<UiEffect> {
        let (task, effect) = self.start_hidden_task(BackgroundTask::Credential(task));
        self.dialogs.set_identification_task(task);
        vec![effect]
    }

    /// Sends the current request. Asks first for missing values, or for confirmation if the request
    /// may change something.
    pub(super) fn send_request(&mut self, now: Now) -> Vec<UiEffect> {
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else {
            return Vec::new();
        };
        match self.current_request() {
            None => Vec::new(),
            Some(RequestReadiness::MissingParameters(preset)) => {
                self.apply_preset(&preset.id, std::collections::BTreeMap::new());
                Vec::new()
            }
            Some(RequestReadiness::Ready(draft)) if draft.is_safe() => {
                self.send_draft(id, draft, WriteConsent::NotAsked, now)
            }
            Some(RequestReadiness::Ready(draft)) => {
                match self.preferences.request_mode {
                    RequestMode::ReadWrite => self.open_send_confirmation(draft),
                    RequestMode::ReadOnly => {
                        let text = format!("Read-only mode: not sent, {}", draft.describe_effect());
                        self.activity.notify(NotificationLevel::Warning, text, now.instant);
                    }
                }
                Vec::new()
            }
        }
    }

    fn send_draft(
        &mut self,
        id: CredentialId,
        draft: RequestDraft,
        consent: WriteConsent,
        now: Now,
    ) -> Vec<UiEffect> {
        let title =
            format!("{} {} as {}", draft.method, draft.address(), self.display_name_by_id(&id));
        let keep = self
            .credentials
            .get(&id)
            .map(|credential| self.console.history_policy(&credential.provider))
            .unwrap_or_default();
        let task = BackgroundTask::Send(SendTask {
            credential: id.clone(),
            draft,
            consent,
            history_policy: keep,
        });
        self.start_request_task(title, id, task, now)
    }

    /// Starts a task whose response the console waits for.
    pub(super) fn start_request_task(
        &mut self,
        title: impl Into<String>,
        credential: CredentialId,
        task: BackgroundTask,
        now: Now,
    ) -> Vec<UiEffect> {
        let (task, effect) = self.start_task(title, task, now);
        if let Some(entry) = self.activity.entry_mut(task) {
            entry.pane = Pane::Console;
        }
        self.console.begin_request(task, credential, now.instant);
        vec![effect]
    }

    /// Switches the selected credential to the region at this index.
    pub(super) fn switch_to_region_at(&mut self, at: usize, now: Now) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let Some(region) = regions::provider_regions(&self.catalog, &credential.provider).get(at)
        else {
            return Vec::new();
        };
        let (id, region) = (credential.id.clone(), region.id.clone());
        self.switch_region(&id, region, now)
    }

    /// Switches the selected credential to the region `steps` further in the list.
    pub(super) fn switch_region_by(&mut self, steps: usize, now: Now) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let all = regions::provider_regions(&self.catalog, &credential.provider);
        let at = all.iter().position(|region| region.id == credential.region).unwrap_or(0);
        self.switch_to_region_at((at + steps) % all.len().max(1), now)
    }

    /// Makes a region the credential's own. Not confirmed, but a known refusal there is reported.
    fn switch_region(&mut self, id: &CredentialId, region: String, now: Now) -> Vec<UiEffect> {
        let Some(credential) = self.credentials.get(id) else { return Vec::new() };
        if credential.region == region {
            return Vec::new();
        }
        let title = format!("Switch {} to {region}", self.display_name(credential));
        if let Some(home) = self.regions.accepted_elsewhere(&region) {
            let text = format!("{region} may refuse this credential: it was accepted in {home}");
            self.activity.notify(NotificationLevel::Warning, text, now.instant);
        }
        let edit = CredentialEdit { region: Some(region), ..CredentialEdit::default() };
        vec![self.start_edit(title, id.clone(), edit, now).1]
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
        self.credentials.get(id).map(|credential| self.display_name(credential)).unwrap_or_default()
    }

    /// Returns the provider's page where credentials like the selected one are managed.
    pub(super) fn provider_page(&self) -> Option<url::Url> {
        let credential = self.selected()?;
        let kind = self.catalog.kind(&credential.provider, &credential.kind).ok()?;
        let region = self.catalog.region(&credential.provider, &credential.region).ok()?;
        let app = region.app.as_ref()?.to_string();
        url::Url::parse(&kind.page.as_ref()?.replace("{app}", &app)).ok()
    }
}
