//! Replacing, revoking and making credentials: what opens the dialogs, and what tasks have to say to them.

use super::activity::Tone;
use super::command::{Action, CredentialAction, ProgramAction};
use super::dialog::{Confirm, Create, Dialog, Intent, Pick, PickItem, Picked, Removal, Rotate};
use super::form::Button;
use super::sheet::Row;
use super::{App, Audience, Effect, Now, words};
use crate::config::theme::StyleRole;
use crate::domain::credential::SecretPart;
use crate::domain::rotation::{RotationPhase, RotationPlan, RotationPurpose, RotationStatus};
use crate::domain::{Credential, CredentialId};
use crate::engine::message::{BackgroundTask, RotationDirection, RotationEvent, RotationTarget, RotationTask, TaskId};

impl App {
    /// Opens the wizard for the selected credential.
    pub(super) fn open_rotation(&mut self) -> Vec<Effect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let (id, name) = (credential.id.clone(), self.name_of(credential));
        if self.dialogs.reopen(|wizard| wizard.credential() == Some(&id)) {
            return Vec::new();
        }
        let charge = RotationTarget { credential: id, administrator: None, part: SecretPart::Secret };
        self.open_wizard(name, RotationTask::Plan(charge))
    }

    /// Opens the wizard for a rotation that was left.
    pub(super) fn open_left(&mut self, id: String, name: String) -> Vec<Effect> {
        self.open_wizard(name, RotationTask::Review(id))
    }

    fn open_wizard(&mut self, name: String, first: RotationTask) -> Vec<Effect> {
        let wizard = Rotate::new(name, self.preferences.browser);
        self.dialogs.push(Dialog::Rotate(Box::new(wizard)));
        vec![self.start_for_wizard(BackgroundTask::Rotation(first))]
    }

    /// Opens the form for a credential that the selected one, or one beside it, is to make.
    pub(super) fn open_creation(&mut self, now: Now) {
        let Some(selected) = self.selected() else { return };
        let create = Create::new((selected, self.name_of(selected)), self.neighbours(selected), self.catalogue.clone());
        if let Some(create) = create {
            return self.dialogs.push(Dialog::Create(Box::new(create)));
        }
        let key = self.preferences.keys.way_to(Action::Credential(CredentialAction::Page));
        let text = format!("This provider has no API that makes credentials; {key} opens its page");
        self.activity.say(Tone::Warn, text, now.instant);
    }

    /// Asks whether the selected credential is to end at its provider or only here.
    pub(super) fn open_removal(&mut self) {
        let Some(credential) = self.selected() else { return };
        let id = &credential.id;
        let item = |text: &str, more: String, removal| PickItem {
            text: text.to_owned(),
            more,
            right: String::new(),
            mark: None,
            heading: "",
            picked: Picked::Removal(removal),
        };
        let at_provider = |administrator| {
            Removal::AtProvider(RotationTarget { credential: id.clone(), administrator, part: SecretPart::Secret })
        };
        let mut items = vec![
            item("revoke", "at the provider, by itself: it works nowhere any more".to_owned(), at_provider(None)),
            item("remove", "from this keyring only; the provider is not asked".to_owned(), Removal::Here(id.clone())),
        ];
        items.extend(self.neighbours(credential).into_iter().map(|(other, name)| {
            item("revoke", format!("at the provider, by {name}"), at_provider(CredentialId::parse(&other)))
        }));
        self.dialogs.push(Dialog::Pick(Pick::new("Revoke or remove", items, 0)));
    }

    /// Asks for the name before a credential ends.
    pub(super) fn confirm_removal(&mut self, removal: Removal) {
        let id = match &removal {
            Removal::Here(id) => id,
            Removal::AtProvider(charge) => &charge.credential,
        };
        let Some(credential) = self.credentials.get(id) else { return };
        let (name, called) = (credential.name.as_str(), self.name_of(credential));
        let confirm = match removal {
            Removal::Here(id) => {
                Confirm::new("Remove a credential", remove_rows(&called), Button::Danger("Remove"), Intent::Remove(id))
            }
            Removal::AtProvider(charge) => {
                let rows = self.revoke_rows(credential, &charge);
                let intent = Intent::Rotation(Box::new(RotationTask::Revoke(charge, String::new())));
                Confirm::new("Revoke a credential", rows, Button::Danger("Revoke"), intent)
            }
        };
        self.dialogs.push(Dialog::Confirm(Box::new(confirm.typing(name, called))));
    }

    /// Starts what a dialog wants done about rotations.
    pub(super) fn start_rotation(&mut self, task: RotationTask, now: Now) -> Vec<Effect> {
        let title = match &task {
            RotationTask::Run(plan) => self.title_of(plan),
            RotationTask::Resume(_, RotationDirection::Forward) => "Go on with a rotation".to_owned(),
            RotationTask::Resume(_, RotationDirection::RollBack) => "Roll a rotation back".to_owned(),
            RotationTask::Revoke(charge, _) => self.begin_at_once(RotationPurpose::Revoke, self.called(&charge.credential)),
            RotationTask::Create(wish) => {
                let hidden = self.stage.audience == Audience::Others;
                let name = if hidden { "a credential".to_owned() } else { wish.name.to_string() };
                self.begin_at_once(RotationPurpose::Create, name)
            }
            // They say something to the task that goes on, which is still the one to wait for.
            RotationTask::ReplyToPrompt(..) | RotationTask::LeavePrompt(_) => {
                return vec![self.start_quietly(BackgroundTask::Rotation(task)).1];
            }
            RotationTask::Plan(_) | RotationTask::Review(_) | RotationTask::ListUnfinished => {
                return vec![self.start_for_wizard(BackgroundTask::Rotation(task))];
            }
        };
        self.start_for_dialog(title, BackgroundTask::Rotation(task), now)
    }

    /// Takes in what a task has to say about rotations.
    pub(super) fn take_rotation(&mut self, task: TaskId, event: RotationEvent, now: Now) -> Vec<Effect> {
        if let RotationEvent::UnfinishedListed(left) = event {
            self.offer_unfinished(&left, now);
            return Vec::new();
        }
        self.tell_of_hidden(task, &event, now);
        if let RotationEvent::Finished(RotationStatus { state: RotationPhase::Done, purpose: RotationPurpose::Create, .. }) =
            &event
        {
            self.dialogs.close_creation();
        }
        let (others, parts) = match &event {
            RotationEvent::Planned(plan) => (self.administrators(plan), self.parts(plan)),
            _ => (Vec::new(), Vec::new()),
        };
        let Some(wizard) = self.dialogs.wizard(task) else { return Vec::new() };
        let then = match event {
            RotationEvent::Planned(plan) => {
                wizard.planned(plan, &others, &parts);
                None
            }
            RotationEvent::Started(plan) => {
                wizard.begins(plan);
                None
            }
            RotationEvent::Reviewed(review) => {
                wizard.reviewed(review);
                None
            }
            RotationEvent::PromptOpened(question, dilemma) => {
                wizard.asks(question, *dilemma, now.instant);
                return wizard.page_to_open().map(Effect::Open).into_iter().collect();
            }
            RotationEvent::Step(line) => {
                wizard.step(&line);
                let (done, total) = wizard.count();
                self.activity.progress(task, done, total);
                None
            }
            RotationEvent::Finished(status) => wizard.ended(status),
            RotationEvent::UnfinishedListed(_) => None,
        };
        self.look(then)
    }

    /// Reads from the journal what the wizard wants to know.
    pub(super) fn look(&mut self, task: Option<RotationTask>) -> Vec<Effect> {
        task.map(|task| self.start_for_wizard(BackgroundTask::Rotation(task))).into_iter().collect()
    }

    /// What may be selected for a credential: others of the same provider and region, by id and name.
    fn neighbours(&self, credential: &Credential) -> Vec<(String, String)> {
        let owner = |provider: &str| self.catalogue.region_owner(provider).ok().map(|owner| owner.id.clone());
        let home = owner(&credential.provider);
        let beside = |other: &&Credential| {
            other.id != credential.id && other.region == credential.region && owner(&other.provider) == home
        };
        let others = self.credentials.all().iter().filter(beside);
        others.map(|other| (other.id.as_str().to_owned(), self.name_of(other))).collect()
    }

    /// Who else could carry a plan out; nobody where a person does everything.
    fn administrators(&self, plan: &RotationPlan) -> Vec<(String, String)> {
        use crate::domain::rotation::StepActor;
        let ways = plan.strategy_traits();
        let credential = self.credentials.get(&plan.credential);
        let credential = credential.filter(|_| ways.creator == StepActor::Program || ways.revoker == StepActor::Program);
        credential.map(|credential| self.neighbours(credential)).unwrap_or_default()
    }

    /// What can be replaced by itself: the secret, and further parts; by id (none for the secret) and title.
    fn parts(&self, plan: &RotationPlan) -> Vec<(String, String)> {
        let Ok(kind) = self.catalogue.kind(&plan.provider, &plan.kind) else { return Vec::new() };
        let further = kind.parts.iter().filter(|part| part.rotation.is_some());
        let further = further.map(|part| (part.id.clone(), part.title.clone()));
        std::iter::once((String::new(), kind.secret.clone())).chain(further).collect()
    }

    /// Opens a wizard for something that begins without another question, and says what it is called.
    fn begin_at_once(&mut self, purpose: RotationPurpose, name: String) -> String {
        let wizard = Rotate::begun(name, purpose, self.preferences.browser);
        let title = wizard.heading();
        self.dialogs.push(Dialog::Rotate(Box::new(wizard)));
        title
    }

    /// What goes on behind the screen is heard of where it matters: when it needs a person, and when it ends.
    fn tell_of_hidden(&mut self, task: TaskId, event: &RotationEvent, now: Now) {
        if !self.dialogs.hides(task) {
            return;
        }
        let heading = self.dialogs.wizard(task).map(|wizard| wizard.heading()).unwrap_or_default();
        let key = self.preferences.keys.way_to(Action::Program(ProgramAction::Activity));
        let (tone, text) = match event {
            RotationEvent::PromptOpened(..) => (Tone::Warn, format!("{heading} needs you: {key} leads to it")),
            RotationEvent::Finished(status) => match status.state {
                RotationPhase::Done if status.manual_steps.is_empty() => (Tone::Good, format!("{heading}: done")),
                RotationPhase::RolledBack if status.manual_steps.is_empty() => (Tone::Good, format!("{heading}: rolled back")),
                RotationPhase::Done | RotationPhase::RolledBack => {
                    (Tone::Warn, format!("{heading}: left to do: {}", status.manual_steps.join("; ")))
                }
                RotationPhase::Running | RotationPhase::NeedsUser => {
                    (Tone::Warn, format!("{heading} has stopped; {} takes it up", self.rotate_key()))
                }
            },
            _ => return,
        };
        if let RotationEvent::Finished(_) = event {
            self.dialogs.forget_hidden(task);
        }
        self.activity.say(tone, text, now.instant);
    }

    /// Unfinished rotations are offered where nothing else is open.
    fn offer_unfinished(&mut self, left: &[RotationStatus], now: Now) {
        let item = |status: &RotationStatus| PickItem {
            text: self.name_known(&status.name),
            more: self.veiled(&status.next, &status.name),
            right: if status.state == RotationPhase::NeedsUser { "needs you" } else { "unfinished" }.to_owned(),
            mark: Some((StyleRole::Warn, self.preferences.glyphs.warning)),
            heading: "",
            picked: Picked::Rotation(status.id.clone(), self.name_known(&status.name)),
        };
        let items: Vec<_> = left.iter().map(item).collect();
        if items.is_empty() {
            return;
        }
        if self.dialogs.is_empty() {
            self.dialogs.push(Dialog::Pick(Pick::new("Unfinished rotations", items, 0)));
        } else {
            let text = format!("{} unfinished; {} takes one up", words::count(items.len(), "rotation"), self.rotate_key());
            self.activity.say(Tone::Warn, text, now.instant);
        }
    }

    /// What the credential of this name is called on this screen.
    fn name_known(&self, name: &str) -> String {
        let known = self.credentials.all().iter().find(|known| known.name.as_str() == name);
        match (self.stage.audience, known) {
            (Audience::Nobody, _) => name.to_owned(),
            (Audience::Others, Some(known)) => self.name_of(known),
            (Audience::Others, None) => "a credential".to_owned(),
        }
    }

    /// A text about the credential of this name, as this screen may show it.
    fn veiled(&self, text: &str, name: &str) -> String {
        text.replace(name, &self.name_known(name))
    }

    fn start_for_wizard(&mut self, task: BackgroundTask) -> Effect {
        let (id, effect) = self.start_quietly(task);
        self.dialogs.wait(id);
        effect
    }

    fn rotate_key(&self) -> String {
        self.preferences.keys.way_to(Action::Credential(CredentialAction::Rotate))
    }

    fn title_of(&self, plan: &RotationPlan) -> String {
        format!("Replace {}", self.called(&plan.credential))
    }

    fn revoke_rows(&self, credential: &Credential, charge: &RotationTarget) -> Vec<Row> {
        let by = charge.administrator.as_ref().map_or_else(|| "itself".to_owned(), |id| self.called(id));
        vec![
            Row::warning("It is revoked at the provider: whatever uses it stops, and nothing brings it back."),
            Row::text(format!(
                "Nothing takes its place; {} replaces it instead. It stays in this keyring until it is removed.",
                self.rotate_key()
            )),
            Row::Blank,
            Row::Pair("Credential".to_owned(), self.name_of(credential)),
            Row::Pair("Region".to_owned(), credential.region.clone()),
            Row::Pair("Revoked by".to_owned(), by),
        ]
    }
}

fn remove_rows(name: &str) -> Vec<Row> {
    vec![
        Row::text(format!("The secret of {name} is wiped from the store, and what is known about it is forgotten.")),
        Row::warning("The provider is not asked: until it is revoked there, the secret still works for whoever has it."),
    ]
}
