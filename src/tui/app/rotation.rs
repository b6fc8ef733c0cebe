//! Replacing, revoking and making credentials: what opens the dialogs, and what tasks have to say to them.

use super::activity::Tone;
use super::dialog::{Confirm, Create, Dialog, Intent, Pick, PickItem, Picked, Removal, Rotate};
use super::form::Button;
use super::sheet::Row;
use super::{App, Effect, Now, words};
use crate::config::theme::Role;
use crate::domain::rotation::{Plan, State, Status};
use crate::domain::{Credential, CredentialId};
use crate::engine::message::{Charge, RotationEvent, RotationTask, Task, TaskId, Turn};

impl App {
    /// Opens the wizard for the selected credential.
    pub(super) fn open_rotation(&mut self) -> Vec<Effect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let (name, charge) = (self.name_of(credential), Charge { credential: credential.id.clone(), administrator: None });
        self.open_wizard(name, RotationTask::Plan(charge))
    }

    /// Opens the wizard for a rotation that was left.
    pub(super) fn open_left(&mut self, id: String, name: String) -> Vec<Effect> {
        self.open_wizard(name, RotationTask::Review(id))
    }

    fn open_wizard(&mut self, name: String, first: RotationTask) -> Vec<Effect> {
        let wizard = Rotate::new(name, self.preferences.browser);
        self.dialogs.push(Dialog::Rotate(Box::new(wizard)));
        vec![self.start_for_wizard(Task::Rotation(first))]
    }

    /// Opens the form for a credential that the selected one, or one beside it, is to make.
    pub(super) fn open_creation(&mut self, now: Now) {
        let Some(selected) = self.selected() else { return };
        match Create::new(selected, self.neighbours(selected), self.catalogue.clone()) {
            Some(create) => self.dialogs.push(Dialog::Create(Box::new(create))),
            None => {
                self.activity.say(Tone::Warn, "This provider has no API that makes credentials; o opens its page", now.instant);
            }
        }
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
        let at_provider = |administrator| Removal::AtProvider(Charge { credential: id.clone(), administrator });
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
        let name = credential.name.as_str();
        let confirm = match removal {
            Removal::Here(id) => {
                Confirm::new("Remove a credential", remove_rows(name), Button::Danger("Remove"), Intent::Remove(id))
            }
            Removal::AtProvider(charge) => {
                let rows = self.revoke_rows(credential, &charge);
                let intent = Intent::Rotation(Box::new(RotationTask::Revoke(charge)));
                Confirm::new("Revoke a credential", rows, Button::Danger("Revoke"), intent)
            }
        };
        self.dialogs.push(Dialog::Confirm(Box::new(confirm.typing(name))));
    }

    /// Starts what a dialog wants done about rotations.
    pub(super) fn start_rotation(&mut self, task: RotationTask, now: Now) -> Vec<Effect> {
        let title = match &task {
            RotationTask::Run(plan) => self.title_of(plan),
            RotationTask::TakeUp(_, Turn::Onward) => "Go on with a rotation".to_owned(),
            RotationTask::TakeUp(_, Turn::Back) => "Roll a rotation back".to_owned(),
            RotationTask::Revoke(charge) => format!("Revoke {}", self.called(&charge.credential)),
            RotationTask::Create(wish) => format!("Create {}", wish.name),
            // They say something to the task that goes on, which is still the one to wait for.
            RotationTask::Answer(..) | RotationTask::Leave(_) => return vec![self.start_quietly(Task::Rotation(task)).1],
            RotationTask::Plan(_) | RotationTask::Review(_) | RotationTask::Unfinished => {
                return vec![self.start_for_wizard(Task::Rotation(task))];
            }
        };
        self.start_for_dialog(title, Task::Rotation(task), now)
    }

    /// Takes in what a task has to say about rotations.
    pub(super) fn take_rotation(&mut self, task: TaskId, event: RotationEvent, now: Now) -> Vec<Effect> {
        match event {
            RotationEvent::Unfinished(left) => {
                self.offer_unfinished(&left, now);
                return Vec::new();
            }
            RotationEvent::Revoked(id) => {
                let text = format!("{}: revoked, and refused since; X removes it here", self.called(&id));
                self.activity.say(Tone::Good, text, now.instant);
                return Vec::new();
            }
            _ => {}
        }
        let others = if let RotationEvent::Planned(plan) = &event { self.administrators(plan) } else { Vec::new() };
        let Some(wizard) = self.dialogs.wizard(task) else { return Vec::new() };
        let then = match event {
            RotationEvent::Planned(plan) => {
                wizard.planned(plan, &others);
                None
            }
            RotationEvent::Reviewed(review) => {
                wizard.reviewed(review);
                None
            }
            RotationEvent::Asks(question, dilemma) => {
                wizard.asks(question, *dilemma);
                None
            }
            RotationEvent::Step(line) => {
                wizard.step(&line);
                let (done, total) = wizard.count();
                self.activity.progress(task, done, total);
                None
            }
            RotationEvent::Ended(status) => wizard.ended(status),
            RotationEvent::Unfinished(_) | RotationEvent::Revoked(_) => None,
        };
        self.look(then)
    }

    /// Reads from the journal what the wizard wants to know.
    pub(super) fn look(&mut self, task: Option<RotationTask>) -> Vec<Effect> {
        task.map(|task| self.start_for_wizard(Task::Rotation(task))).into_iter().collect()
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
    fn administrators(&self, plan: &Plan) -> Vec<(String, String)> {
        use crate::domain::rotation::By;
        let ways = plan.ways();
        let credential = self.credentials.get(&plan.credential);
        let credential = credential.filter(|_| ways.mint == By::Program || ways.revoke == By::Program);
        credential.map(|credential| self.neighbours(credential)).unwrap_or_default()
    }

    /// Unfinished rotations are offered where nothing else is open.
    fn offer_unfinished(&mut self, left: &[Status], now: Now) {
        let item = |status: &Status| PickItem {
            text: status.name.clone(),
            more: status.next.clone(),
            right: if status.state == State::NeedsHuman { "needs you" } else { "unfinished" }.to_owned(),
            mark: Some((Role::Warn, self.preferences.glyphs.warning)),
            heading: "",
            picked: Picked::Rotation(status.id.clone(), status.name.clone()),
        };
        let items: Vec<_> = left.iter().map(item).collect();
        if items.is_empty() {
            return;
        }
        if self.dialogs.is_empty() {
            self.dialogs.push(Dialog::Pick(Pick::new("Unfinished rotations", items, 0)));
        } else {
            let text = format!("{} unfinished; r takes one up", words::count(items.len(), "rotation"));
            self.activity.say(Tone::Warn, text, now.instant);
        }
    }

    fn start_for_wizard(&mut self, task: Task) -> Effect {
        let (id, effect) = self.start_quietly(task);
        self.dialogs.wait(id);
        effect
    }

    fn title_of(&self, plan: &Plan) -> String {
        format!("Replace {}", self.called(&plan.credential))
    }

    fn revoke_rows(&self, credential: &Credential, charge: &Charge) -> Vec<Row> {
        let by = charge.administrator.as_ref().map_or_else(|| "itself".to_owned(), |id| self.called(id));
        vec![
            Row::warning("It is revoked at the provider: whatever uses it stops, and nothing brings it back."),
            Row::text("Nothing takes its place; r replaces it instead. It stays in this keyring until it is removed."),
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
