//! Commands that rotate, revoke, create or delete credentials, and the events of their tasks.
//!
//! The wizard itself is in `wizard/`, the engine in `engine::rotation`. Start at
//! [`App::open_rotation_wizard`] and `App::on_rotation_event`.

use crate::config::theme::StyleRole;
use crate::domain::credential::SecretPart;
use crate::domain::problem::Problem;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::rotation::{
    RotationPhase, RotationPlan, RotationPurpose, RotationStatus, revocation_strategy,
};
use crate::domain::{Credential, CredentialId};
use crate::engine::background::protocol::{
    BackgroundTask, CreateRequest, CredentialTask, RotationEvent, RotationTarget, RotationTask,
    TaskEvent, TaskId,
};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::{CommandAction, CredentialAction, ProgramAction};
use crate::tui::app::dialogs::{
    ConfirmDialog, Dialog, DialogAction, PickerDialog, PickerItem, TaskRequest, quit,
};
use crate::tui::app::rotation::create_dialog::CreateDialog;
use crate::tui::app::rotation::open_rotations::OpenRotation;
use crate::tui::app::rotation::wizard::RotationWizard;
use crate::tui::app::rotation::{append_notes, remove_rows, revocation_warning, task_remark};
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::widgets::form::FormButton;
use crate::tui::app::{App, Now, PresentationMode, UiEffect, display_format};

impl App {
    /// Opens the wizard for the selected credential.
    pub(in crate::tui::app) fn open_rotation_wizard(&mut self) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let (id, name) = (credential.id.clone(), self.display_name(credential));
        if self.dialogs.reopen::<RotationWizard>(|wizard| wizard.credential() == Some(&id)) {
            return Vec::new();
        }
        let target =
            RotationTarget { credential: id, administrator: None, part: SecretPart::Secret };
        self.push_wizard(name, RotationTask::Plan(target))
    }

    /// Opens the wizard for an unfinished rotation.
    fn open_unfinished_rotation(&mut self, id: String, name: String) -> Vec<UiEffect> {
        self.push_wizard(name, RotationTask::Review(id))
    }

    fn push_wizard(&mut self, name: String, first: RotationTask) -> Vec<UiEffect> {
        let wizard = RotationWizard::new(name, self.preferences.browser);
        self.dialogs.push(wizard);
        let (task, effect) = self.start_hidden_task(BackgroundTask::Rotation(first));
        self.dialogs.set_task(task);
        vec![effect]
    }

    /// Opens the form for a new credential, created with the selected one or another one of the
    /// provider.
    pub(in crate::tui::app) fn open_create_dialog(&mut self, now: Now) {
        if self.selected().is_none() {
            return;
        }
        if let Some(create) = self.create_dialog() {
            return self.dialogs.push(create);
        }
        let key = self
            .preferences
            .keys
            .key_or_name(CommandAction::Credential(CredentialAction::OpenPage));
        let text = format!("This provider has no API to create credentials; {key} opens its page");
        self.activity.notify(NotificationLevel::Warning, text, now.instant);
    }

    /// Returns the form for a new credential like the selected one, if its provider can create any.
    pub(in crate::tui::app) fn create_dialog(&self) -> Option<CreateDialog> {
        let selected = self.selected()?;
        let name = self.display_name(selected);
        CreateDialog::new(selected, name, self.neighbors(selected), self.catalog.clone())
    }

    /// Asks whether to revoke the selected credential at its provider or only delete it from
    /// tokenring.
    pub(in crate::tui::app) fn open_removal_picker(&mut self) {
        let Some(credential) = self.selected() else { return };
        let id = &credential.id;
        let item = |text, more: String, action| PickerItem::new(text, more, "continue", action);
        let at_provider = |administrator| {
            let part = SecretPart::Secret;
            let target = RotationTarget { credential: id.clone(), administrator, part };
            DialogAction::update(move |app, _| app.confirm_revocation(target))
        };
        let (deleted, delete_more) =
            (id.clone(), "from tokenring only; the provider is not contacted".to_owned());
        let delete = DialogAction::call(move |app, _| app.confirm_deletion(deleted));
        let mut items = vec![
            item(
                "revoke",
                "at the provider, authenticated with this credential; it stops working everywhere"
                    .to_owned(),
                at_provider(None),
            ),
            item("delete", delete_more, delete),
        ];
        items.extend(self.neighbors(credential).into_iter().map(|(other, name)| {
            item(
                "revoke",
                format!("at the provider, authenticated as {name}"),
                at_provider(CredentialId::parse(&other)),
            )
        }));
        self.dialogs.push(PickerDialog::of_actions("Revoke or delete", items));
    }

    /// Asks for the name of the credential to confirm that it is deleted from tokenring. The dialog
    /// also shows the unfinished rotations that need the credential, as soon as they are known.
    fn confirm_deletion(&mut self, id: CredentialId) -> Vec<UiEffect> {
        let Some(credential) = self.credentials.get(&id) else { return Vec::new() };
        let (name, called) = (credential.name.to_string(), self.display_name(credential));
        let task = BackgroundTask::Credential(CredentialTask::Remove(id.clone()));
        let confirm = ConfirmDialog::new(
            "Delete a credential",
            remove_rows(&called),
            FormButton::Destructive("Delete from tokenring"),
            DialogAction::Start(TaskRequest::listed(format!("Delete {called}"), task)),
        );
        self.dialogs.push(confirm.with_typed_confirmation(&name, called));
        let lookup = BackgroundTask::Rotation(RotationTask::ListAdministered(id));
        vec![self.start_hidden_task(lookup).1]
    }

    /// Asks for the name of the credential to confirm its revocation at the provider.
    fn confirm_revocation(&mut self, target: RotationTarget) {
        let Some(credential) = self.credentials.get(&target.credential) else { return };
        let (name, called) = (credential.name.to_string(), self.display_name(credential));
        let strategy = self.revocation_strategy(credential);
        let rows = self.revoke_rows(credential, &target, strategy);
        let confirm = ConfirmDialog::new(
            "Revoke a credential",
            rows,
            FormButton::Destructive("Revoke"),
            DialogAction::call(move |app, now| app.start_revocation(target, strategy, now)),
        );
        self.dialogs.push(confirm.with_typed_confirmation(&name, called));
    }

    /// Starts a planned rotation. For a credential that is labeled as production, asks for its name
    /// first, as the command line does.
    pub(in crate::tui::app) fn confirm_rotation(
        &mut self,
        plan: Box<RotationPlan>,
        now: Now,
    ) -> Vec<UiEffect> {
        let known = self.credentials.get(&plan.credential);
        let Some(credential) = known.filter(|credential| credential.is_production()) else {
            return self.start_rotation(plan, now);
        };
        let (name, called) = (credential.name.to_string(), self.display_name(credential));
        let rows = vec![
            DialogRow::warning(format!("{called} is labeled as production.")),
            DialogRow::text(format!("{}.", plan.title())),
        ];
        let action = DialogAction::call(|app, now| app.start_rotation(plan, now));
        let button = FormButton::Destructive("Rotate");
        let confirm = ConfirmDialog::new("Rotate a production credential", rows, button, action)
            .with_typed_confirmation(&name, called);
        self.dialogs.push(confirm);
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
        if let Some(confirm) = self.dialogs.find_mut::<ConfirmDialog>(|confirm| confirm.deletes(id))
        {
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

    /// Starts a planned rotation; the top wizard shows it.
    fn start_rotation(&mut self, plan: Box<RotationPlan>, now: Now) -> Vec<UiEffect> {
        if let Some(wizard) = self.dialogs.top_as_mut::<RotationWizard>() {
            wizard.show_running();
        }
        let title = format!("Rotate {}", self.display_name_by_id(&plan.credential));
        self.start_dialog_task(title, BackgroundTask::Rotation(RotationTask::Run(plan)), now)
    }

    /// Starts a revocation in a wizard.
    fn start_revocation(
        &mut self,
        target: RotationTarget,
        strategy: RotationStrategyId,
        now: Now,
    ) -> Vec<UiEffect> {
        let name = self.display_name_by_id(&target.credential);
        let task = RotationTask::Revoke(target, strategy);
        self.start_in_wizard(RotationPurpose::Revoke, name, task, now)
    }

    /// Starts the creation of a credential in a wizard.
    pub(in crate::tui::app) fn start_creation(
        &mut self,
        request: Box<CreateRequest>,
        now: Now,
    ) -> Vec<UiEffect> {
        let hidden = self.ui_state.presentation == PresentationMode::On;
        let name = if hidden { "a credential".to_owned() } else { request.name.to_string() };
        self.start_in_wizard(RotationPurpose::Create, name, RotationTask::Create(request), now)
    }

    /// Starts a task that needs no further questions, in a wizard of its own.
    fn start_in_wizard(
        &mut self,
        purpose: RotationPurpose,
        name: String,
        task: RotationTask,
        now: Now,
    ) -> Vec<UiEffect> {
        let wizard = RotationWizard::for_running(name, purpose, self.preferences.browser);
        let title = wizard.heading();
        self.dialogs.push(wizard);
        self.start_dialog_task(title, BackgroundTask::Rotation(task), now)
    }

    /// Handles a report of a rotation task.
    pub(in crate::tui::app) fn on_rotation_event(
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
            credential,
            ..
        }) = &event
        {
            // The form is no longer needed.
            self.dialogs.close_all::<CreateDialog>();
            self.select_in_list(credential, now);
        }
        let is_step = matches!(event, RotationEvent::Step(_));
        let has_ended = matches!(event, RotationEvent::Finished(_));
        let mut effects = self.deliver_to_dialog(task, TaskEvent::Rotation(event), now);
        let counts = self.wizard_for_task(task).map(RotationWizard::step_counts);
        if let Some((done, total)) = counts.filter(|_| is_step) {
            self.activity.set_progress(task, done, total);
        }
        if has_ended {
            effects.push(self.list_outdated_consumers());
        }
        effects
    }

    /// Returns the wizard that waits for this task, open or hidden.
    pub(in crate::tui::app) fn wizard_for_task(&self, task: TaskId) -> Option<&RotationWizard> {
        self.dialogs.find(|wizard: &RotationWizard| wizard.waits_for(task))
    }

    /// Lets the wizard of a failed or canceled task read the rotation's state from the journal;
    /// stored credentials may have changed as well.
    pub(in crate::tui::app) fn handle_wizard_stopped(
        &mut self,
        task: TaskId,
        problem: Option<Problem>,
        now: Now,
    ) -> Vec<UiEffect> {
        let Some(wizard) = self.wizard_for_task(task) else { return Vec::new() };
        let (credential, heading) = (wizard.credential().cloned(), wizard.heading());
        if let Some(id) = credential {
            self.open_rotations.set_stopped(&id);
        }
        let mut effects = Vec::new();
        if self.dialogs.is_hidden(task) {
            self.dialogs.remove_hidden(task);
            let text = format!("{heading} stopped; {} resumes it", self.rotate_key_label());
            self.activity.notify(NotificationLevel::Warning, text, now.instant);
        } else {
            let event = problem.map_or(TaskEvent::Canceled, TaskEvent::Failed);
            effects = self.deliver_to_dialog(task, event, now);
            if effects.is_empty() {
                return effects;
            }
        }
        let load = BackgroundTask::Credential(CredentialTask::Load);
        effects.push(self.start_hidden_task(load).1);
        effects
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
        let Some(plan) = self.wizard_for_task(task).and_then(RotationWizard::plan) else {
            return;
        };
        let credential = plan.credential.clone();
        let (id, name) = (plan.rotation.to_string(), plan.name.to_string());
        let rotation = OpenRotation { id, name, phase, next, is_running };
        self.open_rotations.update(&credential, rotation);
    }

    /// Returns the confirmation before the screen closes although rotations have not ended; `None`
    /// if all have.
    pub(in crate::tui::app) fn open_rotation_confirmation(&self) -> Option<ConfirmDialog> {
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
            ConfirmDialog::new(title, rows, FormButton::Submit("Quit"), quit())
                .with_action_focused()
        } else {
            let lost = DialogRow::warning(
                "This session is not saved: the rotation cannot be resumed after it.",
            );
            let rows = rows.into_iter().step_by(2).chain([lost]).collect();
            ConfirmDialog::new(title, rows, FormButton::Destructive("Quit"), quit())
        })
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
    pub(in crate::tui::app) fn administrators(&self, plan: &RotationPlan) -> Vec<(String, String)> {
        use crate::domain::rotation::StepActor;
        let ways = plan.strategy_traits();
        let credential = self.credentials.get(&plan.credential);
        let credential = credential
            .filter(|_| ways.creator == StepActor::Program || ways.revoker == StepActor::Program);
        credential.map(|credential| self.neighbors(credential)).unwrap_or_default()
    }

    /// Returns the parts that can be rotated separately, by ID (empty for the secret) and title.
    pub(in crate::tui::app) fn replaceable_parts(
        &self,
        plan: &RotationPlan,
    ) -> Vec<(String, String)> {
        let Ok(kind) = self.catalog.kind(&plan.provider, &plan.kind) else { return Vec::new() };
        let further = kind.parts.iter().filter(|part| part.rotation.is_some());
        let further = further.map(|part| (part.id.clone(), part.title.clone()));
        std::iter::once((String::new(), kind.secret.clone())).chain(further).collect()
    }

    /// Notifies the user about a rotation that runs in the background when it needs input and when
    /// it finishes.
    fn notify_hidden_rotation(&mut self, task: TaskId, event: &RotationEvent, now: Now) {
        if !self.dialogs.is_hidden(task) {
            return;
        }
        let heading = self.wizard_for_task(task).map(RotationWizard::heading).unwrap_or_default();
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
            self.dialogs.remove_hidden(task);
        }
        self.activity.notify(level, text, now.instant);
    }

    /// Offers unfinished rotations if no dialog is open.
    fn offer_unfinished_rotations(&mut self, left: &[RotationStatus], now: Now) {
        let item = |status: &RotationStatus| {
            let name = self.display_name_by_name(&status.name);
            PickerItem {
                right: status.state.unfinished_word().to_owned(),
                right_role: StyleRole::Warn,
                mark: Some((StyleRole::Warn, self.preferences.symbols.warning)),
                ..PickerItem::new(
                    name.clone(),
                    self.mask_name(&status.next, &status.name),
                    "open",
                    (status.id.clone(), name),
                )
            }
        };
        let items: Vec<_> = left.iter().map(item).collect();
        if items.is_empty() {
            return;
        }
        if self.dialogs.is_empty() {
            self.dialogs.push(PickerDialog::new("Unfinished rotations", items, 0, |(id, name)| {
                DialogAction::call(|app, _| app.open_unfinished_rotation(id, name))
            }));
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

    /// Returns the key that opens a rotation or resumes it.
    pub(in crate::tui) fn rotate_key_label(&self) -> String {
        self.preferences.keys.key_or_name(CommandAction::Credential(CredentialAction::Rotate))
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
