//! Execution of what a dialog or command requests: sending, switching regions, checking, storing.
//!
//! Start at [`App::send_request`].

use super::console::RequestReadiness;
use super::{App, Now, Pane, RequestMode, RestartTarget, UiEffect};
use crate::config::StoreChoiceSource;
use crate::domain::request::RequestDraft;
use crate::domain::{CredentialId, Problem};
use crate::engine::background::protocol::{
    BackgroundTask, CredentialEdit, HistoryPolicy, SendTask, WriteConsent,
};
use crate::tui::app::credentials::regions;
use crate::tui::app::overview::activity::NotificationLevel;

impl App {
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

    /// Starts an edit of a credential that the top dialog waits for.
    pub(super) fn edit_from_dialog(
        &mut self,
        id: CredentialId,
        edit: CredentialEdit,
        now: Now,
    ) -> Vec<UiEffect> {
        let title = format!("Edit {}", self.display_name_by_id(&id));
        let (task, effect) = self.start_edit(title, id, edit, now);
        self.dialogs.set_task(task);
        vec![effect]
    }

    /// Sets the request that the user wrote, with the media type of the provider.
    pub(super) fn set_written_request(&mut self, draft: RequestDraft, policy: HistoryPolicy) {
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

    pub(super) fn send_draft(
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
    pub(super) fn switch_region(
        &mut self,
        id: &CredentialId,
        region: String,
        now: Now,
    ) -> Vec<UiEffect> {
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

    /// Returns the display name of the credential with this ID; words where it is gone.
    pub(super) fn display_name_by_id(&self, id: &CredentialId) -> String {
        self.credentials
            .get(id)
            .map_or_else(|| "The credential".to_owned(), |known| self.display_name(known))
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
