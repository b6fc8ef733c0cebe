//! Request history and saved requests: list, select, resend, compare, rename, delete.
//!
//! Also handles other console actions of dialogs, such as curl import and the editor. Start at
//! [`App::run_console_dialog_action`] and [`App::handle_console_event`].

use crate::config::theme::StyleRole;
use crate::domain::curl::import as curl_import;
use crate::domain::problem::Problem;
use crate::domain::request::{RequestDraft, RequestEnvironment, SavedRequest, SavedRequestName};
use crate::domain::{CredentialId, diff};
use crate::engine::task_protocol::{
    BackgroundTask, ConsoleEvent, ConsoleTask, HistoryFilter, HistoryPolicy, HistoryRecord,
    SavedRequestTask, TaskId,
};
use crate::tui::app::command::{CommandAction, ConsoleAction};
use crate::tui::app::console::commands::RequestList;
use crate::tui::app::dialogs::{
    ConfirmDialog, ConsoleDialogAction, Dialog, DialogAction, PickerDialog, PickerItem,
    PickerSelection, PickerShortcut, TextDialog, TextPromptDialog, TextPromptKind,
};
use crate::tui::app::overview::activity::NotificationLevel;
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::widgets::form::FormButton;
use crate::tui::app::{App, Now, UiEffect, display_format};

/// Shortcuts for a request in the history.
const HISTORY_SHORTCUTS: &[PickerShortcut] = &[
    PickerShortcut { key: 't', label: "compare", action: |picked| compare_action(picked?) },
    PickerShortcut {
        key: 'o',
        label: "all credentials",
        action: |_| Some(ConsoleDialogAction::ShowFullHistory),
    },
    PickerShortcut {
        key: 'x',
        label: "clear history",
        action: |_| Some(ConsoleDialogAction::ConfirmClearHistory),
    },
];
/// Shortcuts for a saved request.
const SAVED_REQUEST_SHORTCUTS: &[PickerShortcut] = &[
    PickerShortcut {
        key: 't',
        label: "copy",
        action: |picked| Some(ConsoleDialogAction::PromptCopy(saved_request_name(picked?)?)),
    },
    PickerShortcut {
        key: 'r',
        label: "rename",
        action: |picked| Some(ConsoleDialogAction::PromptRename(saved_request_name(picked?)?)),
    },
    PickerShortcut {
        key: 'x',
        label: "delete",
        action: |picked| Some(ConsoleDialogAction::ConfirmDelete(saved_request_name(picked?)?)),
    },
];

impl App {
    /// Runs a console action that a dialog returned.
    pub(in crate::tui::app) fn run_console_dialog_action(
        &mut self,
        intent: ConsoleDialogAction,
        now: Now,
    ) -> Vec<UiEffect> {
        match intent {
            ConsoleDialogAction::SaveRequest(id) => return self.save_request(id, now),
            ConsoleDialogAction::PromptRename(id) => {
                self.open_text_prompt(TextPromptKind::RenameRequest(id));
            }
            ConsoleDialogAction::PromptCopy(id) => {
                self.open_text_prompt(TextPromptKind::CopyRequest(id));
            }
            ConsoleDialogAction::ConfirmDelete(id) => self.open_delete_confirmation(id),
            ConsoleDialogAction::RunSavedTask(task) => {
                return self.change_saved_requests(task, now);
            }
            ConsoleDialogAction::OpenSaved(_, saved) => self.open_saved_request(*saved, now),
            ConsoleDialogAction::SaveResponse(path) => return self.save_response_body(&path, now),
            ConsoleDialogAction::StoreSecret(which, name) => {
                let Some(response) = self.console.response() else { return Vec::new() };
                let task = BackgroundTask::Console(ConsoleTask::StoreCaptured(
                    response.exchange.clone(),
                    which,
                    name.clone(),
                ));
                return self.start_dialog_task(format!("Store the secret as {name}"), task, now);
            }
            ConsoleDialogAction::Resend(line) => return self.resend_from_history(&line, now),
            ConsoleDialogAction::Compare(line) => self.compare_with_history(&line),
            ConsoleDialogAction::ShowFullHistory => {
                let task =
                    BackgroundTask::Console(ConsoleTask::ListHistory(HistoryFilter::default()));
                return self.fetch_request_list(RequestList::History, task);
            }
            ConsoleDialogAction::ConfirmClearHistory => self.open_clear_history_confirmation(),
            ConsoleDialogAction::ClearHistory => {
                return self.fetch_request_list(
                    RequestList::History,
                    BackgroundTask::Console(ConsoleTask::ClearHistory),
                );
            }
            ConsoleDialogAction::RunPreset(preset, given) => {
                return self.run_follow_up(&preset, given, now);
            }
            ConsoleDialogAction::EnterParameters(preset, given) => {
                self.open_parameters_dialog(&preset, given);
            }
            ConsoleDialogAction::OpenDocumentation(preset) => {
                return self.open_documentation(&preset);
            }
            ConsoleDialogAction::ImportCurl(text) => self.import_curl(&text, now),
            ConsoleDialogAction::EditBody(text) => return self.redact_for_editor(text),
        }
        Vec::new()
    }

    /// Handles a report of a console task.
    pub(in crate::tui::app) fn handle_console_event(
        &mut self,
        task: TaskId,
        event: ConsoleEvent,
        now: Now,
    ) -> Vec<UiEffect> {
        match event {
            ConsoleEvent::PagesRead { pages, items } => {
                self.console.set_progress(task, pages, items);
            }
            ConsoleEvent::RateLimited(wait) => {
                let text = format!(
                    "Waiting {} for the provider's rate limit",
                    crate::domain::rate_limit::format_wait(wait)
                );
                self.activity.notify(NotificationLevel::Warning, text, now.instant);
            }
            ConsoleEvent::CapturedStored(which, credential) => {
                self.console.mark_secret_saved(which);
                self.activity.notify(
                    NotificationLevel::Success,
                    format!("The secret is stored as {}", self.display_name(&credential)),
                    now.instant,
                );
                self.credentials.upsert(*credential, now.wall);
            }
            ConsoleEvent::History(lines) => {
                self.show_request_list(task, self.history_picker(&lines, now));
            }
            ConsoleEvent::SavedRequests(all) => {
                if self.console.awaited_list.as_ref().is_some_and(|(waiting, _)| *waiting == task) {
                    self.show_request_list(task, self.saved_requests_picker(&all));
                } else {
                    self.activity.notify(NotificationLevel::Success, "Request saved", now.instant);
                }
            }
            ConsoleEvent::BodySaved(path) => {
                self.activity.notify(
                    NotificationLevel::Success,
                    format!("Saved to {path}, readable only by you"),
                    now.instant,
                );
            }
            ConsoleEvent::TextRedacted(text) => return vec![UiEffect::OpenEditor(text)],
        }
        Vec::new()
    }

    /// Imports a request from a curl command and lists the parts that were ignored.
    pub(in crate::tui::app) fn import_curl(&mut self, text: &str, now: Now) {
        let Some(credential) = self.selected() else { return };
        let provider = credential.provider.clone();
        let region = self.catalog.region(&credential.provider, &credential.region).cloned();
        let imported = curl_import::import_curl(text).map_err(Problem::from);
        let imported =
            imported.and_then(|imported| Ok(imported.in_region(&region.map_err(Problem::from)?)));
        match imported {
            Err(problem) => self.show_problem("Import curl command", problem),
            Ok(imported) => {
                let dropped = imported
                    .dropped
                    .iter()
                    .map(|what| (StyleRole::Warn, format!("removed: {what}")));
                let notes =
                    imported.notes.iter().map(|note| (StyleRole::Text, format!("note: {note}")));
                let lines: Vec<_> = dropped.chain(notes).collect();
                self.set_console_request(&provider, imported.draft, now);
                if !lines.is_empty() {
                    self.dialogs.push(Dialog::Text(TextDialog::new(
                        "Removed from the curl command",
                        lines,
                    )));
                }
            }
        }
    }

    /// Selects a complete request, to be reviewed and sent.
    fn set_console_request(&mut self, provider: &str, draft: RequestDraft, now: Now) {
        let text = format!("{} {}", draft.method, draft.address());
        self.console.set_request(provider, draft, HistoryPolicy::WithoutBody);
        self.focus_console();
        self.activity.notify(
            NotificationLevel::Success,
            format!("Ready to send: {text}"),
            now.instant,
        );
    }

    fn open_text_prompt(&mut self, kind: TextPromptKind) {
        self.dialogs.push(Dialog::TextPrompt(Box::new(TextPromptDialog::new(kind))));
    }

    fn save_request(&mut self, id: SavedRequestName, now: Now) -> Vec<UiEffect> {
        let Some(credential) = self.selected().map(|credential| credential.id.clone()) else {
            return Vec::new();
        };
        let Some(crate::tui::app::console::RequestReadiness::Ready(draft)) = self.current_request()
        else {
            return Vec::new();
        };
        let title = format!("Save the request as {id}");
        let task = BackgroundTask::Console(ConsoleTask::SavedRequests(SavedRequestTask::Save(
            id, credential, draft,
        )));
        self.start_dialog_task(title, task, now)
    }

    /// Changes the saved requests and updates their list if it is open.
    fn change_saved_requests(&mut self, task: SavedRequestTask, now: Now) -> Vec<UiEffect> {
        let effects = self.start_dialog_task(
            "Update the saved requests",
            BackgroundTask::Console(ConsoleTask::SavedRequests(task)),
            now,
        );
        if let Some(UiEffect::StartTask(id, _)) = effects.first() {
            self.console.awaited_list = Some((*id, RequestList::Saved));
        }
        effects
    }

    fn open_delete_confirmation(&mut self, id: SavedRequestName) {
        let rows = vec![DialogRow::text(format!(
            "The saved request {id} will be deleted. Nothing changes at the provider."
        ))];
        let intent = DialogAction::Console(Box::new(ConsoleDialogAction::RunSavedTask(
            SavedRequestTask::Delete(id),
        )));
        let confirm = ConfirmDialog::new(
            "Delete this saved request?",
            rows,
            FormButton::Destructive("Delete"),
            intent,
        );
        self.dialogs.push(Dialog::Confirm(Box::new(confirm)));
    }

    fn open_clear_history_confirmation(&mut self) {
        let rows =
            vec![DialogRow::warning("The request history of every credential will be deleted.")];
        let intent = DialogAction::Console(Box::new(ConsoleDialogAction::ClearHistory));
        let confirm = ConfirmDialog::new(
            "Clear the history?",
            rows,
            FormButton::Destructive("Clear"),
            intent,
        );
        self.dialogs.push(Dialog::Confirm(Box::new(confirm)));
    }

    fn open_saved_request(&mut self, saved: SavedRequest, now: Now) {
        let provider = saved.provider.clone();
        if self.selected().is_some_and(|credential| credential.provider != provider) {
            let title = self.provider_title(&provider);
            self.activity.notify(
                NotificationLevel::Warning,
                format!("This request is for {title}; select a {title} credential"),
                now.instant,
            );
        }
        match saved.into_draft() {
            Ok(draft) => self.set_console_request(&provider, draft, now),
            Err(problem) => self.show_problem("Open saved request", problem),
        }
    }

    fn save_response_body(&mut self, path: &str, now: Now) -> Vec<UiEffect> {
        let Some(response) = self.console.response() else { return Vec::new() };
        let task = BackgroundTask::Console(ConsoleTask::SaveBody(
            response.exchange.clone(),
            path.to_owned(),
        ));
        self.start_dialog_task(format!("Save the response to {path}"), task, now)
    }

    /// Selects a request of the history with the credential that sent it, and sends it like a new
    /// one.
    fn resend_from_history(&mut self, line: &HistoryRecord, now: Now) -> Vec<UiEffect> {
        let Some(credential) = self.credentials.get(&line.entry.credential) else {
            return Vec::new();
        };
        let (id, provider, region) =
            (credential.id.clone(), credential.provider.clone(), credential.region.clone());
        let draft = match line.draft_to_resend() {
            Ok(draft) => draft,
            Err(problem) => {
                self.set_console_request(&provider, line.entry.draft.clone(), now);
                let key = self
                    .preferences
                    .keys
                    .key_or_name(CommandAction::Console(ConsoleAction::EditRequest));
                let remedy = format!("enter the body again: {key} edits the request");
                self.show_problem("Send again", Problem { remedy, ..problem });
                return Vec::new();
            }
        };
        self.credentials.select_id(Some(&id));
        self.console.set_request(&provider, draft, HistoryPolicy::WithoutBody);
        self.focus_console();
        if region != line.entry.region {
            let text = format!(
                "The request was sent in {}; the credential now uses {region}",
                line.entry.region
            );
            self.activity.notify(NotificationLevel::Warning, text, now.instant);
        }
        self.send_request(now)
    }

    fn compare_with_history(&mut self, line: &HistoryRecord) {
        let Some(response) = self.console.response() else {
            let why = "no response has arrived in this session";
            let problem =
                Problem::new("There is nothing to compare with", why, "send a request first");
            return self.show_problem("Compare", problem);
        };
        let exchange = &response.exchange;
        let setting = |id: &CredentialId, region: &str| {
            RequestEnvironment::for_credential(&self.catalog, self.credentials.get(id)?, region)
        };
        let before = line.comparison_text(setting(&line.entry.credential, &line.entry.region));
        let after = exchange.comparison_text(line, setting(&exchange.credential, &exchange.region));
        let changes = diff::format_diff(&before, &after, usize::MAX / 4);
        let changes = if changes.is_empty() { "  No differences".to_owned() } else { changes };
        let title = format!("- request {} of the history, + latest response", line.id);
        self.dialogs.push(Dialog::Text(TextDialog::for_diff(title, &changes)));
    }

    /// Redacts secrets before the text is written to a file for the editor.
    fn redact_for_editor(&mut self, text: String) -> Vec<UiEffect> {
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else {
            return Vec::new();
        };
        vec![self.start_hidden_task(BackgroundTask::Console(ConsoleTask::RedactText(id, text))).1]
    }

    /// Uses the text from the editor as the body of the edited request.
    pub(in crate::tui::app) fn handle_editor_closed(
        &mut self,
        edited: Result<String, Problem>,
        now: Now,
    ) {
        match edited {
            Ok(text) => {
                if !self.dialogs.apply_edited_body(&text) {
                    self.activity.notify(
                        NotificationLevel::Warning,
                        "The request is no longer open; the edited text was discarded",
                        now.instant,
                    );
                }
            }
            Err(problem) => self.show_problem("Editor", problem),
        }
    }

    fn show_request_list(&mut self, task: TaskId, pick: PickerDialog) {
        if self.console.awaited_list.take_if(|(waiting, _)| *waiting == task).is_some() {
            self.dialogs.replace_shortcut_picker(pick);
        }
    }

    fn history_picker(&self, lines: &[HistoryRecord], now: Now) -> PickerDialog {
        let item = |line: &HistoryRecord| {
            let sent = &line.entry;
            let time = sent.latency_ms.map(|ms| format!(" · {ms} ms")).unwrap_or_default();
            PickerItem {
                text: format!("{} {}", sent.draft.method, sent.draft.address()),
                more: format!(
                    "{} · {} · {}{time}",
                    display_format::format_age(sent.at, now.wall),
                    self.display_name_or_gone(&sent.credential),
                    sent.region
                ),
                right: sent.status.map_or_else(
                    || display_format::check_text(sent.verdict).to_owned(),
                    |status| status.to_string(),
                ),
                mark: None,
                heading: "",
                selection: PickerSelection::Console(Box::new(ConsoleDialogAction::Resend(
                    Box::new(line.clone()),
                ))),
            }
        };
        // The line may have no room for the whole address.
        let note = |line: &HistoryRecord| {
            format!("{} {}", line.entry.draft.method, line.entry.draft.address())
        };
        let notes = lines.iter().map(note).collect();
        let pick =
            PickerDialog::new("History: Enter sends again", lines.iter().map(item).collect(), 0);
        pick.with_shortcuts(HISTORY_SHORTCUTS)
            .with_notes(notes)
            .with_empty_text(self.empty_history_text())
    }

    /// Returns the text for an empty history, with the keys that send a request.
    fn empty_history_text(&self) -> String {
        let name =
            self.selected().map(|credential| self.display_name(credential)).unwrap_or_default();
        let key =
            self.preferences.keys.key_or_name(CommandAction::Console(ConsoleAction::SendTest));
        format!("No requests sent with {name} yet; {key} sends a test request.")
    }

    fn display_name_or_gone(&self, id: &CredentialId) -> String {
        self.credentials.get(id).map_or_else(
            || "deleted credential".to_owned(),
            |credential| self.display_name(credential),
        )
    }

    /// Returns the name of a provider, or its ID if the provider is unknown.
    fn provider_title(&self, provider: &str) -> String {
        self.catalog.provider(provider).map_or(provider, |known| known.title.as_str()).to_owned()
    }

    fn saved_requests_picker(
        &self,
        all: &[(SavedRequestName, Result<SavedRequest, Problem>)],
    ) -> PickerDialog {
        let own = self.selected().map(|credential| credential.provider.as_str());
        let readable = all.iter().filter_map(|(id, saved)| Some((id, saved.as_ref().ok()?)));
        let mut items: Vec<_> = readable.collect();
        items.sort_by_key(|(_, saved)| Some(saved.provider.as_str()) != own);
        let item = |(id, saved): &(&SavedRequestName, &SavedRequest)| PickerItem {
            text: id.to_string(),
            more: format!("{} {}", saved.method, saved_address(saved)),
            right: self.provider_title(&saved.provider),
            mark: None,
            heading: "",
            selection: PickerSelection::Console(Box::new(ConsoleDialogAction::OpenSaved(
                (*id).clone(),
                Box::new((*saved).clone()),
            ))),
        };
        let note = |(_, saved): &(&SavedRequestName, &SavedRequest)| saved_summary(saved);
        let notes = items.iter().map(note).collect();
        let key =
            self.preferences.keys.key_or_name(CommandAction::Console(ConsoleAction::SaveRequest));
        let empty =
            format!("No saved requests yet; {key} in the console saves the current request.");
        PickerDialog::new("Saved requests", items.iter().map(item).collect(), 0)
            .with_shortcuts(SAVED_REQUEST_SHORTCUTS)
            .with_notes(notes)
            .with_empty_text(empty)
    }
}

/// Returns path and query of a saved request, or the raw text of its file if that is no valid
/// address.
fn saved_address(saved: &SavedRequest) -> String {
    saved.clone().into_draft().map_or_else(|_| saved.target.clone(), |draft| draft.address())
}

/// Summarizes what a saved request has in addition to its address.
fn saved_summary(saved: &SavedRequest) -> String {
    let headers = match saved.headers.len() {
        0 => "no headers".to_owned(),
        number => display_format::format_count(number, "header"),
    };
    let body = saved.body.as_ref().map_or_else(
        || "no body".to_owned(),
        |body| format!("body of {}", display_format::format_bytes(body.len() as u64)),
    );
    format!("{headers}, {body}")
}

fn compare_action(picked: &PickerSelection) -> Option<ConsoleDialogAction> {
    match picked {
        PickerSelection::Console(intent) => match intent.as_ref() {
            ConsoleDialogAction::Resend(line) => Some(ConsoleDialogAction::Compare(line.clone())),
            _ => None,
        },
        _ => None,
    }
}

fn saved_request_name(picked: &PickerSelection) -> Option<SavedRequestName> {
    match picked {
        PickerSelection::Console(intent) => match intent.as_ref() {
            ConsoleDialogAction::OpenSaved(id, _) => Some(id.clone()),
            _ => None,
        },
        _ => None,
    }
}
