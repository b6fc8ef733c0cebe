//! Carrying out what a dialog or command wants done.

use super::activity::Tone;
use super::console::Ready;
use super::dialog::Intent;
use super::{App, Effect, Now, Onward, Pane, Reach, regions};
use crate::config::StoreChoiceSource;
use crate::domain::request::RequestDraft;
use crate::domain::{CredentialId, Problem};
use crate::engine::message::{
    BackgroundTask, CheckTask, CredentialEdit, CredentialTask, SecretTask, SendTask, SignInTask, StoreTask, WriteConsent,
};

impl App {
    /// Carries an intent out.
    pub(super) fn perform(&mut self, intent: Intent, now: Now) -> Vec<Effect> {
        match intent {
            Intent::Run(action) => return self.run(action, now),
            Intent::Preset(id, given) => self.take_preset(&id, given),
            Intent::Console(intent) => return self.perform_for_console(*intent, now),
            Intent::Write(draft, keep) => {
                let provider = self.selected().and_then(|credential| self.catalogue.provider(&credential.provider).ok());
                if let Some((id, draft)) = provider.map(|provider| (provider.id.clone(), draft.with_media_type(provider))) {
                    self.console.write(&id, draft, keep);
                }
            }
            Intent::Wear(theme, dress) => self.wear(*theme, dress),
            Intent::KeepTheme(name) => return vec![Effect::KeepTheme(name)],
            Intent::Leave(Onward::Store(_)) if self.preferences.chooser == StoreChoiceSource::Environment => {
                let why = "TOKENRING_STORE says where secrets rest, and goes over what is chosen here";
                let remedy = "quit, unset TOKENRING_STORE (or give it another value), and start again";
                self.show_problem("Where secrets rest", Problem::new("The store was not changed", why, remedy));
            }
            Intent::Press((column, row)) => {
                let effects = self.press(column, row, now);
                self.stage.press = super::pointer::Press::default();
                return effects;
            }
            Intent::Show(id) => self.show_in_list(&id, now),
            Intent::Identify(secret) => {
                let (task, effect) = self.start_quietly(BackgroundTask::Credential(CredentialTask::Identify(secret)));
                self.dialogs.wait_for_identification(task);
                return vec![effect];
            }
            Intent::IdentifyFile(path) => {
                let (task, effect) = self.start_quietly(BackgroundTask::Credential(CredentialTask::IdentifyFile(path)));
                self.dialogs.wait_for_identification(task);
                return vec![effect];
            }
            Intent::Add(new, inquiry) => {
                let title = format!("Add {}", new.name);
                return self.start_for_dialog(title, BackgroundTask::Credential(CredentialTask::Add(*new, inquiry)), now);
            }
            Intent::SignIn(session) => return self.sign_in(session, now),
            Intent::PasteAnswer(question, reply) => {
                return vec![self.start_quietly(BackgroundTask::SignIn(SignInTask::SubmitAddress(question, reply))).1];
            }
            Intent::CopyText(text) => {
                return vec![self.start_task("Copy the address", BackgroundTask::Secret(SecretTask::CopyText(text)), now).1];
            }
            Intent::Edit(id, edit) => {
                let title = format!("Edit {}", self.called(&id));
                let (task, effect) = self.change(title, (id, *edit), now);
                self.dialogs.wait(task);
                return vec![effect];
            }
            Intent::Unlock(passphrase) => {
                return self.start_for_dialog("Unlock the store", BackgroundTask::Store(StoreTask::Unlock(passphrase)), now);
            }
            Intent::Remove(id) => {
                let title = format!("Remove {}", self.called(&id));
                return vec![self.start_task(title, BackgroundTask::Credential(CredentialTask::Remove(id)), now).1];
            }
            Intent::Probe(id) => {
                let title = format!("Try {} in every region", self.called(&id));
                return vec![self.start_task(title, BackgroundTask::Check(CheckTask::AllRegions(id)), now).1];
            }
            Intent::Switch(id, region) => return self.switch(&id, region, now),
            Intent::Send(id, draft) => return self.send_draft(id, draft, WriteConsent::Given, now),
            Intent::Cancel(task) => return vec![Effect::Cancel(task)],
            Intent::Pause(task) => return vec![Effect::Pause(task)],
            Intent::Reopen(task) => _ = self.dialogs.reopen(|wizard| wizard.waits_for(task)),
            Intent::Removal(removal) => self.confirm_removal(removal),
            Intent::TakeUp(id, name) => return self.open_left(id, name),
            Intent::Rotation(task) => return self.start_rotation(*task, now),
            Intent::Import(finds) => {
                let title = format!("Import {}", super::words::count(finds.len(), "credential"));
                return vec![self.start_task(title, BackgroundTask::Credential(CredentialTask::Import(finds)), now).1];
            }
            Intent::Quit => return self.quit(),
            Intent::Leave(onward) => {
                self.detail.mask();
                return vec![Effect::Leave(onward)];
            }
            Intent::Open(page) => return vec![Effect::Open(page)],
        }
        Vec::new()
    }

    /// Sends the request that is shown; asks first for what it lacks, or if it may change something.
    pub(super) fn send(&mut self, now: Now) -> Vec<Effect> {
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else { return Vec::new() };
        match self.request() {
            None => Vec::new(),
            Some(Ready::Open(preset)) => {
                self.take_preset(&preset.id, std::collections::BTreeMap::new());
                Vec::new()
            }
            Some(Ready::Draft(draft)) if draft.method.is_safe() => self.send_draft(id, draft, WriteConsent::NotAsked, now),
            Some(Ready::Draft(draft)) => {
                match self.preferences.reach {
                    Reach::Everything => self.open_send_question(draft),
                    Reach::ReadOnly => {
                        let text = format!("Read-only: {} is refused before it is sent", draft.method);
                        self.activity.say(Tone::Warn, text, now.instant);
                    }
                }
                Vec::new()
            }
        }
    }

    fn send_draft(&mut self, id: CredentialId, draft: RequestDraft, consent: WriteConsent, now: Now) -> Vec<Effect> {
        let title = format!("{} {} as {}", draft.method, draft.address(), self.called(&id));
        let keep = self.credentials.get(&id).map(|credential| self.console.keep(&credential.provider)).unwrap_or_default();
        let task = BackgroundTask::Send(SendTask { credential: id.clone(), draft, consent, history_policy: keep });
        self.start_for_console(title, (id, task), now)
    }

    /// Starts a task whose answer the console waits for.
    pub(super) fn start_for_console(
        &mut self,
        title: impl Into<String>,
        (id, task): (CredentialId, BackgroundTask),
        now: Now,
    ) -> Vec<Effect> {
        let (task, effect) = self.start_task(title, task, now);
        if let Some(entry) = self.activity.entry_mut(task) {
            entry.pane = Pane::Console;
        }
        self.console.wait(task, id, now.instant);
        vec![effect]
    }

    /// Switches the selected credential to the region at this place of the list.
    pub(super) fn switch_to(&mut self, at: usize, now: Now) -> Vec<Effect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let Some(region) = regions::of_provider(&self.catalogue, &credential.provider).get(at) else { return Vec::new() };
        let (id, region) = (credential.id.clone(), region.id.clone());
        self.switch(&id, region, now)
    }

    /// Switches the selected credential to the region so many places on.
    pub(super) fn switch_by(&mut self, steps: usize, now: Now) -> Vec<Effect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let all = regions::of_provider(&self.catalogue, &credential.provider);
        let at = all.iter().position(|region| region.id == credential.region).unwrap_or(0);
        self.switch_to((at + steps) % all.len().max(1), now)
    }

    /// Makes a region a credential's own. Nothing is asked, but what is known to speak against it is said.
    fn switch(&mut self, id: &CredentialId, region: String, now: Now) -> Vec<Effect> {
        let Some(credential) = self.credentials.get(id) else { return Vec::new() };
        if credential.region == region {
            return Vec::new();
        }
        let title = format!("Switch {} to {region}", self.name_of(credential));
        if let Some(home) = self.regions.home_instead_of(&region) {
            let text = format!("{region} may refuse it: this token was accepted in {home}");
            self.activity.say(Tone::Warn, text, now.instant);
        }
        let edit = CredentialEdit { region: Some(region), ..CredentialEdit::default() };
        vec![self.change(title, (id.clone(), edit), now).1]
    }

    pub(super) fn start_for_dialog(&mut self, title: impl Into<String>, task: BackgroundTask, now: Now) -> Vec<Effect> {
        let (id, effect) = self.start_task(title, task, now);
        self.dialogs.wait(id);
        vec![effect]
    }

    /// What a credential is called on this screen, by its id.
    pub(super) fn called(&self, id: &CredentialId) -> String {
        self.credentials.get(id).map(|credential| self.name_of(credential)).unwrap_or_default()
    }

    /// The provider's page on which credentials like the selected one are made and renewed.
    pub(super) fn page(&self) -> Option<url::Url> {
        let credential = self.selected()?;
        let kind = self.catalogue.kind(&credential.provider, &credential.kind).ok()?;
        let region = self.catalogue.region(&credential.provider, &credential.region).ok()?;
        let app = region.app.as_ref()?.to_string();
        url::Url::parse(&kind.page.as_ref()?.replace("{app}", &app)).ok()
    }
}
