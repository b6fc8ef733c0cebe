//! Requests that were sent or kept: shown, taken, sent again, compared; and what else dialogs want of the console.

use super::activity::Tone;
use super::attempt::Shelf;
use super::command::{Action, ConsoleAction};
use super::dialog::{Ask, Asked, Confirm, ConsoleIntent, Dialog, Extra, Intent, Pick, PickItem, Picked, Reading};
use super::form::Button;
use super::sheet::Row;
use super::{App, Effect, Now, words};
use crate::config::theme::StyleRole;
use crate::domain::problem::Problem;
use crate::domain::request::{RequestDraft, RequestEnvironment, SavedRequest, SavedRequestName};
use crate::domain::{CredentialId, curl_import, difference};
use crate::engine::message::{
    BackgroundTask, ConsoleEvent, ConsoleTask, HistoryFilter, HistoryPolicy, HistoryRecord, SavedRequestTask, TaskId,
};

/// What else can be done with a request that was sent.
const SENT: &[Extra] = &[
    Extra { key: 't', word: "compare", intent: |picked| compare(picked?) },
    Extra { key: 'o', word: "all credentials", intent: |_| Some(ConsoleIntent::WholeHistory) },
    Extra { key: 'x', word: "forget all", intent: |_| Some(ConsoleIntent::AskForget) },
];
/// What else can be done with a saved request.
const SAVED: &[Extra] = &[
    Extra { key: 't', word: "copy", intent: |picked| Some(ConsoleIntent::Copy(saved_id(picked?)?)) },
    Extra { key: 'r', word: "rename", intent: |picked| Some(ConsoleIntent::Rename(saved_id(picked?)?)) },
    Extra { key: 'x', word: "delete", intent: |picked| Some(ConsoleIntent::Delete(saved_id(picked?)?)) },
];

impl App {
    /// Does what a dialog wants done with the console.
    pub(super) fn perform_for_console(&mut self, intent: ConsoleIntent, now: Now) -> Vec<Effect> {
        match intent {
            ConsoleIntent::Save(id) => return self.save_request(id, now),
            ConsoleIntent::Rename(id) => self.ask(Asked::Rename(id)),
            ConsoleIntent::Copy(id) => self.ask(Asked::Copy(id)),
            ConsoleIntent::Delete(id) => self.ask_to_delete(id),
            ConsoleIntent::Saved(task) => return self.change_saved(task, now),
            ConsoleIntent::Open(_, saved) => self.take_saved(*saved, now),
            ConsoleIntent::Write(path) => return self.write_answer(&path, now),
            ConsoleIntent::Keep(which, name) => {
                let Some(answered) = self.console.answered() else { return Vec::new() };
                let task = BackgroundTask::Console(ConsoleTask::StoreCaptured(answered.exchange.clone(), which, name.clone()));
                return self.start_for_dialog(format!("Keep the secret as {name}"), task, now);
            }
            ConsoleIntent::Resend(line) => return self.resend(&line, now),
            ConsoleIntent::Compare(line) => self.compare(&line),
            ConsoleIntent::WholeHistory => {
                let task = BackgroundTask::Console(ConsoleTask::ListHistory(HistoryFilter::default()));
                return self.ask_for_shelf(Shelf::History, task);
            }
            ConsoleIntent::AskForget => self.ask_to_forget(),
            ConsoleIntent::Forget => {
                return self.ask_for_shelf(Shelf::History, BackgroundTask::Console(ConsoleTask::ClearHistory));
            }
            ConsoleIntent::Walk(preset, given) => return self.walk(&preset, given, now),
            ConsoleIntent::Type(preset, given) => self.ask_for_values(&preset, given),
            ConsoleIntent::Documentation(preset) => return self.open_documentation(&preset),
            ConsoleIntent::Import(text) => self.import_curl(&text, now),
            ConsoleIntent::Edit(text) => return self.vet(text),
        }
        Vec::new()
    }

    /// Takes in what a task of the console has to say.
    pub(super) fn take_console(&mut self, task: TaskId, event: ConsoleEvent, now: Now) -> Vec<Effect> {
        match event {
            ConsoleEvent::PagesRead { pages, items } => self.console.read(task, pages, items),
            ConsoleEvent::RateLimited(wait) => {
                let text = format!("Waits {}: the provider wants fewer requests", crate::domain::rate_limit::format_wait(wait));
                self.activity.say(Tone::Warn, text, now.instant);
            }
            ConsoleEvent::CapturedStored(which, credential) => {
                self.console.kept(which);
                self.activity.say(Tone::Good, format!("The secret is kept as {}", self.name_of(&credential)), now.instant);
                self.credentials.put(*credential, now.wall);
            }
            ConsoleEvent::History(lines) => self.show_shelf(task, self.history_pick(&lines, now)),
            ConsoleEvent::SavedRequests(all) => {
                if self.console.shelf.as_ref().is_some_and(|(waiting, _)| *waiting == task) {
                    self.show_shelf(task, self.saved_pick(&all));
                } else {
                    self.activity.say(Tone::Good, "The request is saved", now.instant);
                }
            }
            ConsoleEvent::BodySaved(path) => {
                self.activity.say(Tone::Good, format!("Written to {path}, readable by you alone"), now.instant);
            }
            ConsoleEvent::TextRedacted(text) => return vec![Effect::Edit(text)],
        }
        Vec::new()
    }

    /// Takes over a request from a curl command; what of it was dropped is shown.
    pub(super) fn import_curl(&mut self, text: &str, now: Now) {
        let Some(credential) = self.selected() else { return };
        let provider = credential.provider.clone();
        let region = self.catalogue.region(&credential.provider, &credential.region).cloned();
        let imported = curl_import::import_curl(text).map_err(Problem::from);
        let imported = imported.and_then(|imported| Ok(imported.in_region(&region.map_err(Problem::from)?)));
        match imported {
            Err(problem) => self.show_problem("Take over a curl command", problem),
            Ok(imported) => {
                let dropped = imported.dropped.iter().map(|what| (StyleRole::Warn, format!("dropped: {what}")));
                let notes = imported.notes.iter().map(|note| (StyleRole::Text, format!("note: {note}")));
                let lines: Vec<_> = dropped.chain(notes).collect();
                self.take_draft(&provider, imported.draft, now);
                if !lines.is_empty() {
                    self.dialogs.push(Dialog::Reading(Reading::new("What the curl command had besides", lines)));
                }
            }
        }
    }

    /// Takes a whole request, to be looked at and sent.
    fn take_draft(&mut self, provider: &str, draft: RequestDraft, now: Now) {
        let text = format!("{} {}", draft.method, draft.address());
        self.console.write(provider, draft, HistoryPolicy::WithoutBody);
        self.turn_to_console();
        self.activity.say(Tone::Good, format!("Ready to be sent: {text}"), now.instant);
    }

    fn ask(&mut self, asked: Asked) {
        self.dialogs.push(Dialog::Ask(Box::new(Ask::new(asked))));
    }

    fn save_request(&mut self, id: SavedRequestName, now: Now) -> Vec<Effect> {
        let Some(credential) = self.selected().map(|credential| credential.id.clone()) else { return Vec::new() };
        let Some(super::console::Ready::Draft(draft)) = self.request() else { return Vec::new() };
        let title = format!("Save the request as {id}");
        let task = BackgroundTask::Console(ConsoleTask::SavedRequests(SavedRequestTask::Save(id, credential, draft)));
        self.start_for_dialog(title, task, now)
    }

    /// Changes the saved requests; the list of them, if it is open, shows what has become of them.
    fn change_saved(&mut self, task: SavedRequestTask, now: Now) -> Vec<Effect> {
        let effects =
            self.start_for_dialog("Change the saved requests", BackgroundTask::Console(ConsoleTask::SavedRequests(task)), now);
        if let Some(Effect::Start(id, _)) = effects.first() {
            self.console.shelf = Some((*id, Shelf::Saved));
        }
        effects
    }

    fn ask_to_delete(&mut self, id: SavedRequestName) {
        let rows = vec![Row::text(format!("The saved request {id} is deleted. Nothing at the provider changes."))];
        let intent = Intent::Console(Box::new(ConsoleIntent::Saved(SavedRequestTask::Delete(id))));
        let confirm = Confirm::new("Delete this request?", rows, Button::Danger("Delete"), intent);
        self.dialogs.push(Dialog::Confirm(Box::new(confirm)));
    }

    fn ask_to_forget(&mut self) {
        let rows = vec![Row::warning("Every request of the history is forgotten, of every credential.")];
        let intent = Intent::Console(Box::new(ConsoleIntent::Forget));
        let confirm = Confirm::new("Forget the history?", rows, Button::Danger("Forget"), intent);
        self.dialogs.push(Dialog::Confirm(Box::new(confirm)));
    }

    fn take_saved(&mut self, saved: SavedRequest, now: Now) {
        let provider = saved.provider.clone();
        if self.selected().is_some_and(|credential| credential.provider != provider) {
            let title = self.provider_title(&provider);
            self.activity.say(Tone::Warn, format!("It is a request for {title}; select one of its credentials"), now.instant);
        }
        match saved.into_draft() {
            Ok(draft) => self.take_draft(&provider, draft, now),
            Err(problem) => self.show_problem("Open the saved request", problem),
        }
    }

    fn write_answer(&mut self, path: &str, now: Now) -> Vec<Effect> {
        let Some(answered) = self.console.answered() else { return Vec::new() };
        let task = BackgroundTask::Console(ConsoleTask::SaveBody(answered.exchange.clone(), path.to_owned()));
        self.start_for_dialog(format!("Write the answer to {path}"), task, now)
    }

    /// Takes a request of the history, with the credential that sent it, and sends it again as if it were new.
    fn resend(&mut self, line: &HistoryRecord, now: Now) -> Vec<Effect> {
        let Some(credential) = self.credentials.get(&line.entry.credential) else { return Vec::new() };
        let (id, provider, region) = (credential.id.clone(), credential.provider.clone(), credential.region.clone());
        let draft = match line.again() {
            Ok(draft) => draft,
            Err(problem) => {
                self.take_draft(&provider, line.entry.draft.clone(), now);
                let key = self.preferences.keys.way_to(Action::Console(ConsoleAction::Edit));
                let remedy = format!("give the body again: {key} edits the request");
                self.show_problem("Send again", Problem { remedy, ..problem });
                return Vec::new();
            }
        };
        self.credentials.select_id(Some(&id));
        self.console.write(&provider, draft, HistoryPolicy::WithoutBody);
        self.turn_to_console();
        if region != line.entry.region {
            let text = format!("It was sent in {}; the credential is in {region} now", line.entry.region);
            self.activity.say(Tone::Warn, text, now.instant);
        }
        self.send(now)
    }

    fn compare(&mut self, line: &HistoryRecord) {
        let Some(answered) = self.console.answered() else {
            let why = "no request was answered since the program was started";
            let problem = Problem::new("There is nothing to compare with", why, "send a request first");
            return self.show_problem("Compare", problem);
        };
        let exchange = &answered.exchange;
        let setting = |id: &CredentialId, region: &str| {
            RequestEnvironment::for_credential(&self.catalogue, self.credentials.get(id)?, region)
        };
        let before = line.description(setting(&line.entry.credential, &line.entry.region));
        let after = exchange.comparison_text(line, setting(&exchange.credential, &exchange.region));
        let changes = difference::format_diff(&before, &after, usize::MAX / 4);
        let changes = if changes.is_empty() { "  Both are the same".to_owned() } else { changes };
        let title = format!("- request {} of the history, + the last answer", line.id);
        self.dialogs.push(Dialog::Reading(Reading::of_changes(title, &changes)));
    }

    /// What is secret is taken out before the text is written to a file for the editor.
    fn vet(&mut self, text: String) -> Vec<Effect> {
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else { return Vec::new() };
        vec![self.start_quietly(BackgroundTask::Console(ConsoleTask::RedactText(id, text))).1]
    }

    /// The editor is done: its text becomes the body of the request that is edited.
    pub(super) fn take_edited(&mut self, edited: Result<String, Problem>, now: Now) {
        match edited {
            Ok(text) => {
                if !self.dialogs.take_edited(&text) {
                    self.activity.say(Tone::Warn, "The request is no longer open; what was written is dropped", now.instant);
                }
            }
            Err(problem) => self.show_problem("The editor", problem),
        }
    }

    fn show_shelf(&mut self, task: TaskId, pick: Pick) {
        if self.console.shelf.take_if(|(waiting, _)| *waiting == task).is_some() {
            self.dialogs.replace_shelf(pick);
        }
    }

    fn history_pick(&self, lines: &[HistoryRecord], now: Now) -> Pick {
        let item = |line: &HistoryRecord| {
            let sent = &line.entry;
            let time = sent.latency_ms.map(|ms| format!(" · {ms} ms")).unwrap_or_default();
            PickItem {
                text: format!("{} {}", sent.draft.method, sent.draft.address()),
                more: format!("{} · {} · {}{time}", words::ago(sent.at, now.wall), self.whose(&sent.credential), sent.region),
                right: sent.status.map_or_else(|| sent.verdict.as_str().to_owned(), |status| status.to_string()),
                mark: None,
                heading: "",
                picked: Picked::Console(Box::new(ConsoleIntent::Resend(Box::new(line.clone())))),
            }
        };
        // A line may have no room for all of the address.
        let note = |line: &HistoryRecord| format!("{} {}", line.entry.draft.method, line.entry.draft.address());
        let notes = lines.iter().map(note).collect();
        let pick = Pick::new("History: Enter sends again", lines.iter().map(item).collect(), 0);
        pick.with(SENT).noting(notes).or_else_saying(self.nothing_sent())
    }

    /// What to press where nothing was sent.
    fn nothing_sent(&self) -> String {
        let name = self.selected().map(|credential| self.name_of(credential)).unwrap_or_default();
        let key = self.preferences.keys.way_to(Action::Console(ConsoleAction::Test));
        format!("Nothing was sent as {name} yet; {key} sends a test.")
    }

    fn whose(&self, id: &CredentialId) -> String {
        self.credentials.get(id).map_or_else(|| "gone".to_owned(), |credential| self.name_of(credential))
    }

    /// What a provider is called; its id where nobody knows it.
    fn provider_title(&self, provider: &str) -> String {
        self.catalogue.provider(provider).map_or(provider, |known| known.title.as_str()).to_owned()
    }

    fn saved_pick(&self, all: &[(SavedRequestName, Result<SavedRequest, Problem>)]) -> Pick {
        let own = self.selected().map(|credential| credential.provider.as_str());
        let readable = all.iter().filter_map(|(id, saved)| Some((id, saved.as_ref().ok()?)));
        let mut items: Vec<_> = readable.collect();
        items.sort_by_key(|(_, saved)| Some(saved.provider.as_str()) != own);
        let item = |(id, saved): &(&SavedRequestName, &SavedRequest)| PickItem {
            text: id.to_string(),
            more: format!("{} {}", saved.method, address(saved)),
            right: self.provider_title(&saved.provider),
            mark: None,
            heading: "",
            picked: Picked::Console(Box::new(ConsoleIntent::Open((*id).clone(), Box::new((*saved).clone())))),
        };
        let note = |(_, saved): &(&SavedRequestName, &SavedRequest)| besides(saved);
        let notes = items.iter().map(note).collect();
        let key = self.preferences.keys.way_to(Action::Console(ConsoleAction::Save));
        let empty = format!("No request is saved yet; {key} in the console saves the one that stands there.");
        Pick::new("Saved requests", items.iter().map(item).collect(), 0).with(SAVED).noting(notes).or_else_saying(empty)
    }
}

/// Path and query of a saved request; what its file says where that is no address.
fn address(saved: &SavedRequest) -> String {
    saved.clone().into_draft().map_or_else(|_| saved.target.clone(), |draft| draft.address())
}

/// What a saved request has besides its address.
fn besides(saved: &SavedRequest) -> String {
    let headers = match saved.headers.len() {
        0 => "no headers of its own".to_owned(),
        number => words::count(number, "header"),
    };
    let body =
        saved.body.as_ref().map_or_else(|| "no body".to_owned(), |body| format!("a body of {}", words::size(body.len() as u64)));
    format!("with {headers} and {body}")
}

fn compare(picked: &Picked) -> Option<ConsoleIntent> {
    match picked {
        Picked::Console(intent) => match intent.as_ref() {
            ConsoleIntent::Resend(line) => Some(ConsoleIntent::Compare(line.clone())),
            _ => None,
        },
        _ => None,
    }
}

fn saved_id(picked: &Picked) -> Option<SavedRequestName> {
    match picked {
        Picked::Console(intent) => match intent.as_ref() {
            ConsoleIntent::Open(id, _) => Some(id.clone()),
            _ => None,
        },
        _ => None,
    }
}
