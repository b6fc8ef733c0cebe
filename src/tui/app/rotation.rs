//! Rotating, revoking and creating credentials: opening the dialogs and handling the reports of
//! their tasks.
//!
//! The wizard itself is in `dialog/rotation`, the engine in `engine`. Start at
//! [`App::open_rotation_wizard`] and [`App::handle_rotation_event`].

use super::activity::NotificationLevel;
use super::command::{CommandAction, CredentialAction, ProgramAction};
use super::dialog::{
    ConfirmDialog, CreateDialog, Dialog, DialogAction, PickerDialog, PickerItem, PickerSelection,
    RemovalTarget, RotationWizard,
};
use super::dialog_view::DialogRow;
use super::form::FormButton;
use super::open_rotations::OpenRotation;
use super::rotation_text::{append_notes, remove_rows, revocation_warning, task_remark};
use super::{App, Now, PresentationMode, UiEffect, display_format};
use crate::config::theme::StyleRole;
use crate::domain::credential::SecretPart;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::rotation::{
    RotationPhase, RotationPlan, RotationPurpose, RotationStatus, revocation_strategy,
};
use crate::domain::{Credential, CredentialId};
use crate::engine::task_protocol::{
    BackgroundTask, RotationDirection, RotationEvent, RotationTarget, RotationTask, TaskId,
};

impl App {
    /// Opens the wizard for the selected credential.
    pub(super) fn open_rotation_wizard(&mut self) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let (id, name) = (credential.id.clone(), self.display_name(credential));
        if self.dialogs.reopen_wizard(|wizard| wizard.credential() == Some(&id)) {
            return Vec::new();
        }
        let target =
            RotationTarget { credential: id, administrator: None, part: SecretPart::Secret };
        self.push_wizard(name, RotationTask::Plan(target))
    }

    /// Opens the wizard for an unfinished rotation.
    pub(super) fn open_unfinished_rotation(&mut self, id: String, name: String) -> Vec<UiEffect> {
        self.push_wizard(name, RotationTask::Review(id))
    }

    fn push_wizard(&mut self, name: String, first: RotationTask) -> Vec<UiEffect> {
        let wizard = RotationWizard::new(name, self.preferences.browser);
        self.dialogs.push(Dialog::Rotation(Box::new(wizard)));
        vec![self.start_wizard_task(BackgroundTask::Rotation(first))]
    }

    /// Opens the form for a new credential, created with the selected one or another one of the
    /// provider.
    pub(super) fn open_create_dialog(&mut self, now: Now) {
        let Some(selected) = self.selected() else { return };
        let create = CreateDialog::new(
            selected,
            self.display_name(selected),
            self.neighbors(selected),
            self.catalog.clone(),
        );
        if let Some(create) = create {
            return self.dialogs.push(Dialog::Create(Box::new(create)));
        }
        let key = self
            .preferences
            .keys
            .key_or_name(CommandAction::Credential(CredentialAction::OpenPage));
        let text = format!("This provider has no API to create credentials; {key} opens its page");
        self.activity.notify(NotificationLevel::Warning, text, now.instant);
    }

    /// Asks whether to revoke the selected credential at its provider or only delete it from
    /// tokenring.
    pub(super) fn open_removal_picker(&mut self) {
        let Some(credential) = self.selected() else { return };
        let id = &credential.id;
        let item = |text: &str, more: String, removal| PickerItem {
            text: text.to_owned(),
            more,
            right: String::new(),
            mark: None,
            heading: "",
            selection: PickerSelection::Removal(removal),
        };
        let at_provider = |administrator| {
            RemovalTarget::Provider(RotationTarget {
                credential: id.clone(),
                administrator,
                part: SecretPart::Secret,
            })
        };
        let mut items = vec![
            item(
                "revoke",
                "at the provider, authenticated with this credential; it stops working everywhere"
                    .to_owned(),
                at_provider(None),
            ),
            item(
                "delete",
                "from tokenring only; the provider is not contacted".to_owned(),
                RemovalTarget::Local(id.clone()),
            ),
        ];
        items.extend(self.neighbors(credential).into_iter().map(|(other, name)| {
            item(
                "revoke",
                format!("at the provider, authenticated as {name}"),
                at_provider(CredentialId::parse(&other)),
            )
        }));
        self.dialogs.push(Dialog::Picker(PickerDialog::new("Revoke or delete", items, 0)));
    }

    /// Asks for the name of the credential to confirm its removal. For a deletion, the dialog also
    /// shows the unfinished rotations that need the credential, as soon as they are known.
    pub(super) fn confirm_removal(&mut self, removal: RemovalTarget) -> Vec<UiEffect> {
        let id = match &removal {
            RemovalTarget::Local(id) => id,
            RemovalTarget::Provider(target) => &target.credential,
        };
        let Some(credential) = self.credentials.get(id) else { return Vec::new() };
        let lookup = match &removal {
            RemovalTarget::Local(id) => Some(RotationTask::ListAdministered(id.clone())),
            RemovalTarget::Provider(_) => None,
        };
        let (name, called) = (credential.name.as_str(), self.display_name(credential));
        let confirm = match removal {
            RemovalTarget::Local(id) => ConfirmDialog::new(
                "Delete a credential",
                remove_rows(&called),
                FormButton::Destructive("Delete from tokenring"),
                DialogAction::RemoveCredential(id),
            ),
            RemovalTarget::Provider(target) => {
                let strategy = self.revocation_strategy(credential);
                let rows = self.revoke_rows(credential, &target, strategy);
                let task = RotationTask::Revoke(target, strategy);
                let intent = DialogAction::RunRotationTask(Box::new(task));
                ConfirmDialog::new(
                    "Revoke a credential",
                    rows,
                    FormButton::Destructive("Revoke"),
                    intent,
                )
            }
        };
        self.dialogs.push(Dialog::Confirm(Box::new(confirm.with_typed_confirmation(name, called))));
        let lookup = lookup.map(|task| self.start_hidden_task(BackgroundTask::Rotation(task)).1);
        lookup.into_iter().collect()
    }

    /// Starts a planned rotation. For a credential that is labeled as production, asks for its name
    /// first, as the command line does.
    pub(super) fn confirm_rotation(&mut self, plan: Box<RotationPlan>, now: Now) -> Vec<UiEffect> {
        let known = self.credentials.get(&plan.credential);
        let Some(credential) = known.filter(|credential| credential.is_production()) else {
            return self.start_rotation_task(RotationTask::Run(plan), now);
        };
        let (name, called) = (credential.name.to_string(), self.display_name(credential));
        let rows = vec![
            DialogRow::warning(format!("{called} is labeled as production.")),
            DialogRow::text(format!("{}.", plan.title())),
        ];
        let action = DialogAction::RunRotationTask(Box::new(RotationTask::Run(plan)));
        let button = FormButton::Destructive("Rotate");
        let confirm = ConfirmDialog::new("Rotate a production credential", rows, button, action)
            .with_typed_confirmation(&name, called);
        self.dialogs.push(Dialog::Confirm(Box::new(confirm)));
        Vec::new()
    }

    /// Warns in the open confirmation of a deletion that unfinished rotations need the credential.
    fn warn_about_administered(&mut self, id: &CredentialId, administered: &[RotationStatus]) {
        let row = |status: &RotationStatus| {
            let name = self.display_name_by_name(&status.name);
            DialogRow::warning(format!(
                "The unfinished rotation of {name} needs this credential. Without it, resume with `tokenring rotate --resume {} --as NAME`.",
                status.id
            ))
        };
        let rows: Vec<_> = administered.iter().map(row).collect();
        if let Some(confirm) = self.dialogs.removal_confirmation_mut(id) {
            confirm.add_rows(rows);
        }
    }

    /// Reports a rotation that had ended but was left open by a process that was killed.
    fn notify_ended_rotation(&mut self, status: &RotationStatus, now: Now) {
        let name = self.display_name_by_name(&status.name);
        let outcome = status.outcome().unwrap_or(&status.next);
        let mut text = format!("{name}: a rotation had ended and is closed now: {outcome}");
        let mut level = if status.state == RotationPhase::Done {
            NotificationLevel::Success
        } else {
            NotificationLevel::Warning
        };
        if !status.manual_steps.is_empty() {
            text = format!("{text}. Still to do: {}", status.manual_steps.join("; "));
            level = NotificationLevel::Warning;
        }
        self.activity.notify(level, append_notes(text, status), now.instant);
    }

    /// Starts a rotation task that a dialog requested.
    pub(super) fn start_rotation_task(&mut self, task: RotationTask, now: Now) -> Vec<UiEffect> {
        let title = match &task {
            RotationTask::Run(plan) => {
                self.dialogs.show_running_wizard();
                self.rotation_title(plan)
            }
            RotationTask::Resume(_, RotationDirection::Forward) => "Continue a rotation".to_owned(),
            RotationTask::Resume(_, RotationDirection::Abandon) => "End a rotation".to_owned(),
            RotationTask::Resume(_, RotationDirection::RollBack) => {
                "Roll back a rotation".to_owned()
            }
            RotationTask::Revoke(target, _) => self.open_started_wizard(
                RotationPurpose::Revoke,
                self.display_name_by_id(&target.credential),
            ),
            RotationTask::Create(request) => {
                let hidden = self.ui_state.presentation == PresentationMode::On;
                let name =
                    if hidden { "a credential".to_owned() } else { request.name.to_string() };
                self.open_started_wizard(RotationPurpose::Create, name)
            }
            // These tasks only send a reply to the running task, which stays the one to wait for.
            RotationTask::ReplyToPrompt(..) | RotationTask::LeavePrompt(_) => {
                return vec![self.start_hidden_task(BackgroundTask::Rotation(task)).1];
            }
            RotationTask::Plan(_)
            | RotationTask::Review(_)
            | RotationTask::ListUnfinished
            | RotationTask::ListAdministered(_) => {
                return vec![self.start_wizard_task(BackgroundTask::Rotation(task))];
            }
        };
        self.start_dialog_task(title, BackgroundTask::Rotation(task), now)
    }

    /// Handles a report of a rotation task.
    pub(super) fn handle_rotation_event(
        &mut self,
        task: TaskId,
        event: RotationEvent,
        now: Now,
    ) -> Vec<UiEffect> {
        match &event {
            RotationEvent::UnfinishedListed(left) => {
                self.open_rotations.load(left);
                self.offer_unfinished_rotations(left, now);
                return Vec::new();
            }
            RotationEvent::EndedClosed(status) => {
                self.open_rotations.record(status);
                self.notify_ended_rotation(status, now);
                return Vec::new();
            }
            RotationEvent::AdministeredListed(id, administered) => {
                self.warn_about_administered(id, administered);
                return Vec::new();
            }
            _ => {}
        }
        self.track_open_rotation(task, &event);
        self.notify_hidden_rotation(task, &event, now);
        if let RotationEvent::Finished(RotationStatus {
            state: RotationPhase::Done,
            purpose: RotationPurpose::Create,
            ..
        }) = &event
        {
            self.dialogs.close_create_dialog();
        }
        let (others, parts) = match &event {
            RotationEvent::Planned(plan) => {
                (self.administrators(plan), self.replaceable_parts(plan))
            }
            _ => (Vec::new(), Vec::new()),
        };
        let Some(wizard) = self.dialogs.wizard_for_task(task) else { return Vec::new() };
        let then = match event {
            RotationEvent::Planned(plan) => {
                wizard.show_plan(plan, &others, &parts);
                None
            }
            RotationEvent::Started(plan) => {
                wizard.set_plan(plan);
                None
            }
            RotationEvent::Reviewed(review) => {
                wizard.show_review(review);
                None
            }
            RotationEvent::PromptOpened(question, prompt) => {
                wizard.show_prompt(question, *prompt, now.instant);
                return wizard.take_page_to_open().map(UiEffect::OpenUrl).into_iter().collect();
            }
            RotationEvent::Step(line) => {
                wizard.apply_progress(&line);
                let (done, total) = wizard.step_counts();
                self.activity.set_progress(task, done, total);
                None
            }
            RotationEvent::Finished(status) => wizard.on_finished(status),
            RotationEvent::UnfinishedListed(_)
            | RotationEvent::EndedClosed(_)
            | RotationEvent::AdministeredListed(..) => None,
        };
        self.start_rotation_lookup(then)
    }

    /// Records whether the rotation of a task runs, waits or has ended.
    fn track_open_rotation(&mut self, task: TaskId, event: &RotationEvent) {
        let (phase, next, is_running) = match event {
            RotationEvent::Step(line) => (RotationPhase::Running, line.detail.clone(), true),
            RotationEvent::PromptOpened(_, prompt) => {
                (RotationPhase::NeedsUser, prompt.message.title.clone(), false)
            }
            RotationEvent::Planned(plan) => return self.open_rotations.remove(&plan.credential),
            RotationEvent::Reviewed(review) => return self.open_rotations.record(&review.status),
            RotationEvent::Finished(status) => {
                if let Some(entry) = self.activity.entry_mut(task) {
                    entry.remark = task_remark(status.state);
                }
                return self.open_rotations.record(status);
            }
            _ => return,
        };
        let Some(plan) = self.dialogs.wizard_for_task(task).and_then(|wizard| wizard.plan()) else {
            return;
        };
        let (id, name) = (plan.rotation.to_string(), plan.name.to_string());
        let rotation = OpenRotation { id, name, phase, next, is_running };
        self.open_rotations.update(&plan.credential, rotation);
    }

    /// Returns the confirmation before the screen closes although rotations have not ended; `None`
    /// if all have.
    pub(super) fn open_rotation_confirmation(&self) -> Option<ConfirmDialog> {
        let open = self.open_rotations.all();
        let rows = open.iter().flat_map(|rotation| {
            let state = match (rotation.is_running, rotation.phase) {
                (true, _) => "is running and stops where it is",
                (false, RotationPhase::NeedsUser) => "waits for you",
                (false, _) => "is unfinished",
            };
            let name = self.display_name_by_name(&rotation.name);
            [
                DialogRow::warning(format!("The rotation of {name} {state}.")),
                DialogRow::text(format!("  tokenring rotate --resume {}", rotation.id)),
            ]
        });
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            return None;
        }
        let saved = self.activity.store.as_ref().is_none_or(|store| store.backend.is_persistent());
        let title = "Quit with an unfinished rotation?";
        Some(if saved {
            let how = DialogRow::text(format!(
                "Resume it with {} on this screen, or later with the command below.",
                self.rotate_key_label()
            ));
            let rows = [how].into_iter().chain(rows).collect();
            ConfirmDialog::new(title, rows, FormButton::Submit("Quit"), DialogAction::Quit)
                .with_action_focused()
        } else {
            let lost = DialogRow::warning(
                "This session is not saved: the rotation cannot be resumed after it.",
            );
            let rows = rows.into_iter().step_by(2).chain([lost]).collect();
            ConfirmDialog::new(title, rows, FormButton::Destructive("Quit"), DialogAction::Quit)
        })
    }

    /// Reads from the journal what the wizard requests.
    pub(super) fn start_rotation_lookup(&mut self, task: Option<RotationTask>) -> Vec<UiEffect> {
        task.map(|task| self.start_wizard_task(BackgroundTask::Rotation(task)))
            .into_iter()
            .collect()
    }

    /// Returns credentials of the same provider and region by ID and name.
    fn neighbors(&self, credential: &Credential) -> Vec<(String, String)> {
        let owner =
            |provider: &str| self.catalog.region_owner(provider).ok().map(|owner| owner.id.clone());
        let home = owner(&credential.provider);
        let beside = |other: &&Credential| {
            other.id != credential.id
                && other.region == credential.region
                && owner(&other.provider) == home
        };
        let others = self.credentials.all().iter().filter(beside);
        others.map(|other| (other.id.as_str().to_owned(), self.display_name(other))).collect()
    }

    /// Returns the credentials that could carry out the plan; none if the plan is manual.
    fn administrators(&self, plan: &RotationPlan) -> Vec<(String, String)> {
        use crate::domain::rotation::StepActor;
        let ways = plan.strategy_traits();
        let credential = self.credentials.get(&plan.credential);
        let credential = credential
            .filter(|_| ways.creator == StepActor::Program || ways.revoker == StepActor::Program);
        credential.map(|credential| self.neighbors(credential)).unwrap_or_default()
    }

    /// Returns the parts that can be rotated separately, by ID (empty for the secret) and title.
    fn replaceable_parts(&self, plan: &RotationPlan) -> Vec<(String, String)> {
        let Ok(kind) = self.catalog.kind(&plan.provider, &plan.kind) else { return Vec::new() };
        let further = kind.parts.iter().filter(|part| part.rotation.is_some());
        let further = further.map(|part| (part.id.clone(), part.title.clone()));
        std::iter::once((String::new(), kind.secret.clone())).chain(further).collect()
    }

    /// Opens a wizard for an action that starts without further questions, and returns its title.
    fn open_started_wizard(&mut self, purpose: RotationPurpose, name: String) -> String {
        let wizard = RotationWizard::for_running(name, purpose, self.preferences.browser);
        let title = wizard.heading();
        self.dialogs.push(Dialog::Rotation(Box::new(wizard)));
        title
    }

    /// Notifies the user about a rotation that runs in the background when it needs input and when
    /// it finishes.
    fn notify_hidden_rotation(&mut self, task: TaskId, event: &RotationEvent, now: Now) {
        if !self.dialogs.has_hidden_wizard(task) {
            return;
        }
        let heading =
            self.dialogs.wizard_for_task(task).map(|wizard| wizard.heading()).unwrap_or_default();
        let key =
            self.preferences.keys.key_or_name(CommandAction::Program(ProgramAction::TaskList));
        let (level, text) = match event {
            RotationEvent::PromptOpened(..) => {
                (NotificationLevel::Warning, format!("{heading} needs your input; {key} shows it"))
            }
            RotationEvent::Finished(status) => match status.state {
                RotationPhase::Done if status.manual_steps.is_empty() => {
                    (NotificationLevel::Success, append_notes(format!("{heading}: done"), status))
                }
                RotationPhase::RolledBack if status.manual_steps.is_empty() => {
                    (NotificationLevel::Warning, format!("{heading}: rolled back"))
                }
                RotationPhase::Done | RotationPhase::RolledBack | RotationPhase::Abandoned => (
                    NotificationLevel::Warning,
                    append_notes(
                        format!("{heading}: still to do: {}", status.manual_steps.join("; ")),
                        status,
                    ),
                ),
                RotationPhase::Running | RotationPhase::NeedsUser => (
                    NotificationLevel::Warning,
                    format!("{heading} stopped; {} resumes it", self.rotate_key_label()),
                ),
            },
            _ => return,
        };
        if let RotationEvent::Finished(_) = event {
            self.dialogs.remove_hidden_wizard(task);
        }
        self.activity.notify(level, text, now.instant);
    }

    /// Offers unfinished rotations if no dialog is open.
    fn offer_unfinished_rotations(&mut self, left: &[RotationStatus], now: Now) {
        let item = |status: &RotationStatus| PickerItem {
            text: self.display_name_by_name(&status.name),
            more: self.mask_name(&status.next, &status.name),
            right: status.state.unfinished_word().to_owned(),
            mark: Some((StyleRole::Warn, self.preferences.symbols.warning)),
            heading: "",
            selection: PickerSelection::Rotation(
                status.id.clone(),
                self.display_name_by_name(&status.name),
            ),
        };
        let items: Vec<_> = left.iter().map(item).collect();
        if items.is_empty() {
            return;
        }
        if self.dialogs.is_empty() {
            self.dialogs.push(Dialog::Picker(PickerDialog::new("Unfinished rotations", items, 0)));
        } else {
            let text = format!(
                "{} unfinished; {} resumes",
                display_format::format_count(items.len(), "rotation"),
                self.rotate_key_label()
            );
            self.activity.notify(NotificationLevel::Warning, text, now.instant);
        }
    }

    /// Returns the display name of the credential with this name.
    fn display_name_by_name(&self, name: &str) -> String {
        let known = self.credentials.all().iter().find(|known| known.name.as_str() == name);
        match (self.ui_state.presentation, known) {
            (PresentationMode::Off, _) => name.to_owned(),
            (PresentationMode::On, Some(known)) => self.display_name(known),
            (PresentationMode::On, None) => "a credential".to_owned(),
        }
    }

    /// Replaces the name of a credential in a text in presentation mode.
    pub(in crate::tui) fn mask_name(&self, text: &str, name: &str) -> String {
        text.replace(name, &self.display_name_by_name(name))
    }

    fn start_wizard_task(&mut self, task: BackgroundTask) -> UiEffect {
        let (id, effect) = self.start_hidden_task(task);
        self.dialogs.set_task(id);
        effect
    }

    /// Returns the key that opens a rotation or resumes it.
    pub(in crate::tui) fn rotate_key_label(&self) -> String {
        self.preferences.keys.key_or_name(CommandAction::Credential(CredentialAction::Rotate))
    }

    fn rotation_title(&self, plan: &RotationPlan) -> String {
        format!("Rotate {}", self.display_name_by_id(&plan.credential))
    }

    /// Returns the strategy that revokes a credential.
    fn revocation_strategy(&self, credential: &Credential) -> RotationStrategyId {
        // A credential of an unknown kind cannot be revoked, whatever the dialog says.
        let kind = self.catalog.kind(&credential.provider, &credential.kind);
        kind.map_or(RotationStrategyId::Manual, |kind| {
            revocation_strategy(kind, credential, self.credentials.all())
        })
    }

    fn revoke_rows(
        &self,
        credential: &Credential,
        target: &RotationTarget,
        strategy: RotationStrategyId,
    ) -> Vec<DialogRow> {
        let by = target
            .administrator
            .as_ref()
            .map_or_else(|| "this credential".to_owned(), |id| self.display_name_by_id(id));
        vec![
            DialogRow::warning(revocation_warning(strategy)),
            DialogRow::text(format!(
                "No new credential is created; {} rotates it instead. The entry stays in tokenring until you delete it.",
                self.rotate_key_label()
            )),
            DialogRow::Blank,
            DialogRow::Pair("Credential".to_owned(), self.display_name(credential)),
            DialogRow::Pair("Region".to_owned(), credential.region.clone()),
            DialogRow::Pair("Authenticate with".to_owned(), by),
        ]
    }
}
