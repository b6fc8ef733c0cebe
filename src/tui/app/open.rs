//! Opening dialogs.

use std::collections::BTreeMap;

use super::command::{Action, COMMANDS, Command, CredentialAction, Group, ProgramAction, ScreenAction};
use super::console::Ready;

use super::activity::Tone;
use super::dialog::{
    ActivityList, Add, Confirm, Dialog, EditCredential, Intent, Notice, Pick, PickItem, Picked, Purpose, Request, Survey, Unlock,
};
use super::form::Button;
use super::sheet::Row;
use super::{App, Audience, Effect, Now, regions, words};
use crate::config::KeyPress;
use crate::config::theme::StyleRole;
use crate::domain::Credential;
use crate::domain::problem::Problem;
use crate::domain::request::RequestDraft;
use crate::domain::response::CheckResult;
use crate::engine::message::{BackendKind, BackgroundTask, DiagnosticTask, DoctorInput, DoctorScope, HttpExchange, StoreError};

impl App {
    /// Shows a problem, with what it happened to.
    pub(super) fn show_problem(&mut self, title: impl Into<String>, problem: Problem) {
        self.dialogs.push(Dialog::Problem(Notice { title: title.into(), problem }));
    }

    pub(super) fn open_credential_dialog(&mut self, action: CredentialAction) -> Vec<Effect> {
        let dialog = match (action, self.selected()) {
            (CredentialAction::Add, _) => Dialog::Add(Box::new(Add::new(self.catalogue.clone()))),
            (CredentialAction::Edit, Some(credential)) => {
                Dialog::Edit(Box::new(EditCredential::new(credential, self.catalogue.clone())))
            }
            _ => return Vec::new(),
        };
        self.dialogs.push(dialog);
        Vec::new()
    }

    pub(super) fn open_program_dialog(&mut self, action: ProgramAction) {
        let dialog = match action {
            ProgramAction::Palette => Dialog::Pick(self.palette()),
            ProgramAction::Activity => Dialog::Activity(ActivityList::default()),
            _ => Dialog::Pick(self.help()),
        };
        self.dialogs.push(dialog);
    }

    /// Looks at this machine, and shows what is found as soon as it is.
    pub(super) fn survey(&mut self, action: ProgramAction, now: Now) -> Vec<Effect> {
        if self.stage.audience == Audience::Others {
            self.activity.say(Tone::Warn, "Presentation mode hides names, and these findings name them", now.instant);
            return Vec::new();
        }
        let (title, task) = if action == ProgramAction::Scan {
            ("Secrets in plain text", DiagnosticTask::Scan)
        } else {
            let terminal = Some((self.stage.area.width, self.stage.area.height));
            let around = DoctorInput { terminal, other_stores: Vec::new(), color_depth: None, scope: DoctorScope::Providers };
            ("Doctor", DiagnosticTask::Doctor(around))
        };
        self.dialogs.push(Dialog::Survey(Survey::new(title)));
        self.start_for_dialog(title, BackgroundTask::Diagnostic(task), now)
    }

    fn palette(&self) -> Pick {
        let offered = COMMANDS.iter().filter(|command| {
            !matches!(command.action, Action::Move(_) | Action::Program(ProgramAction::Palette)) && self.offers(command.action)
        });
        let commands = offered.map(|command| PickItem { heading: "", ..self.command_item(command) });
        let credentials = self.credentials.all().iter().map(|credential| self.credential_item(credential));
        Pick::new("Commands and credentials", commands.chain(credentials).collect(), 0).wide()
    }

    /// Every command, whether it would do something right now or not.
    fn help(&self) -> Pick {
        let of = |group| COMMANDS.iter().filter(move |command| command.group == group);
        let all = Group::ALL.into_iter().flat_map(of);
        Pick::new("Help: type to find, Enter runs it", all.map(|command| self.command_item(command)).collect(), 0).wide()
    }

    fn command_item(&self, command: &Command) -> PickItem {
        let mut keys: Vec<_> = self.preferences.keys.keys_of(command.action).map(KeyPress::to_string).collect();
        let leader = self.preferences.keys.label(Action::Screen(ScreenAction::Leader));
        keys.extend(leader.zip(command.second).map(|(leader, second)| format!("{leader}{second}")));
        let glyphs = self.preferences.glyphs;
        let useless = (StyleRole::Dim, glyphs.unchecked);
        PickItem {
            text: command.name.replace('-', " "),
            more: command.help.to_owned(),
            right: keys.join(" "),
            mark: Some(if self.offers(command.action) { (StyleRole::Dim, " ") } else { useless }),
            heading: command.group.title(),
            picked: Picked::Command(command.action),
        }
    }

    fn credential_item(&self, credential: &Credential) -> PickItem {
        let kind = self.catalogue.kind(&credential.provider, &credential.kind).map(|kind| kind.title.as_str());
        PickItem {
            text: self.name_of(credential),
            more: format!("{} · {}", kind.unwrap_or(&credential.kind), credential.region),
            right: String::new(),
            mark: Some((StyleRole::Accent, self.preferences.glyphs.pointer)),
            heading: "",
            picked: Picked::Credential(credential.id.clone()),
        }
    }

    pub(super) fn open_region_picker(&mut self) -> Vec<Effect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let all = regions::of_provider(&self.catalogue, &credential.provider);
        let item = |region: &crate::domain::region::Region| {
            let verdict = self.regions.check(&region.id).map_or(CheckResult::Unchecked, |check| check.result);
            PickItem {
                text: region.id.clone(),
                more: format!("{} {}", region.title, words::host(&region.api)),
                right: verdict.as_str().to_owned(),
                mark: Some(if region.id == credential.region {
                    (StyleRole::Accent, self.preferences.glyphs.pointer)
                } else {
                    (StyleRole::Dim, " ")
                }),
                heading: "",
                picked: Picked::Region(credential.id.clone(), region.id.clone()),
            }
        };
        let current = all.iter().position(|region| region.id == credential.region).unwrap_or(0);
        let pick = Pick::new("Region", all.iter().map(item).collect(), current);
        self.dialogs.push(Dialog::Pick(pick));
        Vec::new()
    }

    pub(super) fn open_probe_question(&mut self) -> Vec<Effect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let all = regions::of_provider(&self.catalogue, &credential.provider);
        let mut rows = vec![
            Row::text(format!("{} is tried in every region of its provider.", self.name_of(credential))),
            Row::warning(format!("The secret is shown to each of these {}:", words::count(all.len(), "host"))),
        ];
        let widest = all.iter().map(|region| region.id.len()).max().unwrap_or(0);
        rows.extend(all.iter().map(|region| Row::dim(format!("  {:<widest$}  {}", region.id, words::host(&region.api)))));
        let intent = Intent::Probe(credential.id.clone());
        let confirm = Confirm::new("Try every region?", rows, Button::Act("Try all"), intent);
        self.dialogs.push(Dialog::Confirm(Box::new(confirm)));
        Vec::new()
    }

    /// The request for the selected credential.
    pub fn request(&self) -> Option<Ready> {
        self.selected().and_then(|credential| self.console.request_for(credential, &self.catalogue))
    }

    pub(super) fn open_request(&mut self) -> Vec<Effect> {
        match self.request() {
            Some(Ready::Draft(draft)) => {
                let keep = self.selected().map(|credential| self.console.keep(&credential.provider)).unwrap_or_default();
                self.dialogs.push(Dialog::Request(Box::new(Request::new(&draft, keep))));
            }
            Some(Ready::Open(preset)) => self.take_preset(&preset.id, BTreeMap::new()),
            None => {}
        }
        Vec::new()
    }

    /// Asks before a request that may change something is sent.
    pub(super) fn open_send_question(&mut self, draft: RequestDraft) {
        let Some(credential) = self.selected() else { return };
        let region = self.catalogue.region(&credential.provider, &credential.region);
        let host = region.map_or_else(|_| credential.region.clone(), |region| format!("{} ({})", region.api, region.id));
        let preset = draft.preset.as_ref().and_then(|id| self.catalogue.preset(&credential.provider, id).ok());
        let reads = preset.is_some_and(|preset| preset.read_only);
        let warning = if reads {
            Row::text(format!("This request only reads, although its method is {}.", draft.method))
        } else {
            Row::warning(format!("{} may change or remove something at the provider.", draft.method))
        };
        let rows = vec![
            warning,
            Row::Blank,
            Row::text(format!("Request {} {}", draft.method, draft.address())),
            Row::Pair("At".to_owned(), host),
            Row::Pair("As".to_owned(), self.name_of(credential)),
        ];
        let (word, called) = (credential.name.to_string(), self.name_of(credential));
        let intent = Intent::Send(credential.id.clone(), draft);
        let confirm = if reads {
            Confirm::new("Send this request?", rows, Button::Act("Send"), intent).ready()
        } else {
            Confirm::new("Send this request?", rows, Button::Danger("Send"), intent).typing(&word, called)
        };
        self.dialogs.push(Dialog::Confirm(Box::new(confirm)));
    }

    /// Asks before a request is sent once more with a new access token.
    pub(super) fn open_repeat_question(&mut self, exchange: &HttpExchange) {
        let called = self.called(&exchange.credential);
        let rows = vec![
            Row::warning(format!("The access token was not accepted. It may only have ended; {called} will get a new one.")),
            Row::text("The provider refused the request before it did anything, as far as its answer tells."),
            Row::Blank,
            Row::text(format!("Request  {} {}", exchange.draft.method, exchange.draft.address())),
            Row::Pair("As".to_owned(), called),
        ];
        let intent = Intent::Send(exchange.credential.clone(), exchange.draft.clone());
        let confirm = Confirm::new("Send it once more?", rows, Button::Danger("Send again"), intent);
        self.dialogs.push(Dialog::Confirm(Box::new(confirm)));
    }

    /// Whether the store is there but cannot be used until it is unlocked or created.
    pub(super) fn store_wants_unlocking(&self) -> bool {
        let problem = self.activity.store.as_ref().and_then(|store| store.problem.as_ref());
        matches!(problem, Some(StoreError::Locked | StoreError::NotInitialized | StoreError::Denied(_)))
    }

    /// Unlocks the store by its own prompt, or asks for the passphrase of the encrypted file.
    pub(super) fn unlock(&mut self, now: Now) -> Vec<Effect> {
        let Some(store) = self.activity.store.as_ref().filter(|_| self.store_wants_unlocking()) else { return Vec::new() };
        if store.backend.kind != BackendKind::File {
            return self.perform(Intent::Unlock(None), now);
        }
        let purpose = if store.problem == Some(StoreError::NotInitialized) { Purpose::Create } else { Purpose::Open };
        self.dialogs.push(Dialog::Unlock(Unlock::new(purpose)));
        Vec::new()
    }
}
