//! Request history and saved requests: list, select, resend, compare, rename, delete.
//!
//! Also handles curl import and the editor. Start at `history_picker` and `saved_requests_picker`.
//!
//! Dialog that waits for a pasted curl command.
//!
//! The command is never shown: its secrets are removed before any part of it appears. Parsing is
//! not done here; [`Dialog::handle_paste`] only hands the text over.

use zeroize::Zeroizing;

use crate::config::theme::StyleRole;
use crate::domain::problem::Problem;
use crate::domain::request::{
    DraftBody, RequestDraft, RequestEnvironment, SavedRequest, SavedRequestName,
};
use crate::domain::{CredentialId, curl as curl_import, diff};
use crate::engine::background::protocol::{
    BackgroundTask, ConsoleTask, HistoryFilter, HistoryPolicy, HistoryRecord, TaskId,
};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::{CommandAction, ConsoleAction};
use crate::tui::app::console::text_prompt::{TextPromptDialog, TextPromptKind};
use crate::tui::app::console::{request_lists, sending};
use crate::tui::app::dialogs::{
    ConfirmDialog, Dialog, DialogAction, DialogAnswer, DialogQuestion, DialogResult, FieldQuestion,
    PickerDialog, PickerItem, PickerShortcut, QuestionValue, ShortcutAction, TaskRequest,
    TextDialog,
};
use crate::tui::app::widgets::dialog_view::{
    DialogRow, DialogView, FieldValue, FieldView, TextTruncation,
};
use crate::tui::app::widgets::form::FormButton;
use crate::tui::app::{App, Now, UiEffect, display_format};

/// Shortcuts for a request in the history.
const HISTORY_SHORTCUTS: &[PickerShortcut<HistoryRecord>] = &[
    PickerShortcut {
        key: 't',
        label: "compare",
        action: ShortcutAction::Item(|record, _| {
            let record = record.clone();
            DialogAction::update(move |app, _| compare_with_history(app, &record))
        }),
    },
    PickerShortcut {
        key: 'o',
        label: "all credentials",
        action: ShortcutAction::List(|| {
            DialogAction::Start(history_request(ConsoleTask::ListHistory(HistoryFilter::default())))
        }),
    },
    PickerShortcut {
        key: 'x',
        label: "clear history",
        action: ShortcutAction::List(clear_history_confirmation),
    },
];
/// Shortcuts for a saved request.
const SAVED_REQUEST_SHORTCUTS: &[PickerShortcut<SavedItem>] = &[
    PickerShortcut {
        key: 't',
        label: "copy",
        action: ShortcutAction::Item(|item, _| {
            open_text_prompt(TextPromptKind::CopyRequest(item.name.clone()))
        }),
    },
    PickerShortcut {
        key: 'r',
        label: "rename",
        action: ShortcutAction::Item(|item, _| {
            open_text_prompt(TextPromptKind::RenameRequest(item.name.clone()))
        }),
    },
    PickerShortcut {
        key: 'x',
        label: "delete",
        action: ShortcutAction::Item(|item, _| delete_confirmation(item.name.clone())),
    },
];

/// A saved request in its list.
pub(in crate::tui::app) struct SavedItem {
    name: SavedRequestName,
    saved: SavedRequest,
}

/// Imports a request from a curl command and lists the parts that were ignored.
pub(in crate::tui::app) fn import_curl(app: &mut App, text: &str, now: Now) {
    let Some(credential) = app.selected() else { return };
    let provider = credential.provider.clone();
    let region = app.catalog.region(&credential.provider, &credential.region).cloned();
    let imported = curl_import::import_curl(text).map_err(Problem::from);
    let imported =
        imported.and_then(|imported| Ok(imported.in_region(&region.map_err(Problem::from)?)));
    match imported {
        Err(problem) => app.show_problem("Import curl command", problem),
        Ok(imported) => {
            let dropped =
                imported.dropped.iter().map(|what| (StyleRole::Warn, format!("removed: {what}")));
            let notes =
                imported.notes.iter().map(|note| (StyleRole::Text, format!("note: {note}")));
            let lines: Vec<_> = dropped.chain(notes).collect();
            set_console_request(app, &provider, imported.draft, now);
            if !lines.is_empty() {
                app.dialogs.push(TextDialog::new("Removed from the curl command", lines));
            }
        }
    }
}

/// Selects a complete request, to be reviewed and sent.
fn set_console_request(app: &mut App, provider: &str, draft: RequestDraft, now: Now) {
    let text = format!("{} {}", draft.method, draft.address());
    app.console.set_request(provider, draft, HistoryPolicy::WithoutBody);
    app.focus_console();
    app.activity.notify(NotificationLevel::Info, format!("Ready to send: {text}"), now.instant);
}

fn open_saved_request(app: &mut App, saved: SavedRequest, now: Now) {
    let provider = saved.provider.clone();
    if app.selected().is_some_and(|credential| credential.provider != provider) {
        let title = provider_title(app, &provider);
        app.activity.notify(
            NotificationLevel::Warning,
            format!("This request is for {title}; select a {title} credential"),
            now.instant,
        );
    }
    match saved.into_draft() {
        Ok(draft) => set_console_request(app, &provider, draft, now),
        Err(problem) => app.show_problem("Open saved request", problem),
    }
}

/// Selects a request of the history with the credential that sent it, and sends it like a new
/// one.
fn resend_from_history(app: &mut App, line: &HistoryRecord, now: Now) -> Vec<UiEffect> {
    let Some(credential) = app.credentials.get(&line.entry.credential) else {
        return Vec::new();
    };
    let (id, provider, region) =
        (credential.id.clone(), credential.provider.clone(), credential.region.clone());
    let draft = match line.draft_to_resend() {
        Ok(draft) => draft,
        Err(problem) => {
            set_console_request(app, &provider, line.entry.draft.clone(), now);
            let key = app
                .preferences
                .keys
                .key_or_name(CommandAction::Console(ConsoleAction::EditRequest));
            let remedy = format!("enter the body again: {key} edits the request");
            app.show_problem("Send again", Problem { remedy, ..problem });
            return Vec::new();
        }
    };
    app.credentials.select_id(Some(&id));
    app.console.set_request(&provider, draft, HistoryPolicy::WithoutBody);
    app.focus_console();
    if region != line.entry.region {
        let text = format!(
            "The request was sent in {}; the credential now uses {region}",
            line.entry.region
        );
        app.activity.notify(NotificationLevel::Warning, text, now.instant);
    }
    sending::send_request(app, now)
}

fn compare_with_history(app: &mut App, line: &HistoryRecord) {
    let Some(response) = app.console.response() else {
        let why = "no response has arrived in this session";
        let problem = Problem::new("There is nothing to compare with", why, "send a request first");
        return app.show_problem("Compare", problem);
    };
    let exchange = &response.exchange;
    let setting = |id: &CredentialId, region: &str| {
        RequestEnvironment::for_credential(&app.catalog, app.credentials.get(id)?, region)
    };
    let before = line.comparison_text(setting(&line.entry.credential, &line.entry.region));
    let after = exchange.comparison_text(line, setting(&exchange.credential, &exchange.region));
    let changes = diff::format_diff(&before, &after, usize::MAX / 4);
    let changes = if changes.is_empty() { "  No differences".to_owned() } else { changes };
    let title = format!("- request {} of the history, + latest response", line.id);
    app.dialogs.push(TextDialog::for_diff(title, &changes));
}

pub(in crate::tui::app) fn history_picker(
    app: &App,
    lines: &[HistoryRecord],
    now: Now,
) -> PickerDialog<HistoryRecord> {
    let item = |line: &HistoryRecord| {
        let sent = &line.entry;
        let time = sent.latency_ms.map(|ms| format!(" · {ms} ms")).unwrap_or_default();
        let more = format!(
            "{} · {} · {}{time}",
            display_format::format_age(sent.at, now.wall),
            display_name_or_gone(app, &sent.credential),
            sent.region
        );
        let text = format!("{} {}", sent.draft.method, sent.draft.address());
        PickerItem {
            cut: TextTruncation::PathStart,
            right_role: display_format::check_style(sent.verdict, app.preferences.symbols).0,
            right: sent
                .status
                .map_or_else(|| sent.verdict.label().to_owned(), |status| status.to_string()),
            ..PickerItem::new(text, more, "send again", line.clone())
        }
    };
    // The line may have no room for the whole address.
    let note = |line: &HistoryRecord| {
        format!("{} {}", line.entry.draft.method, line.entry.draft.address())
    };
    let notes = lines.iter().map(note).collect();
    let items = lines.iter().map(item).collect();
    let pick = PickerDialog::new("History: Enter sends again", items, 0, |record| {
        DialogAction::call(move |app, now| resend_from_history(app, &record, now))
    });
    pick.with_shortcuts(HISTORY_SHORTCUTS)
        .with_notes(notes)
        .with_empty_text(empty_history_text(app))
}

/// Returns the text for an empty history, with the keys that send a request.
fn empty_history_text(app: &App) -> String {
    let name = app.selected().map(|credential| app.display_name(credential)).unwrap_or_default();
    let key = app.preferences.keys.key_or_name(CommandAction::Console(ConsoleAction::SendTest));
    format!("No requests sent with {name} yet; {key} sends a test request.")
}

fn display_name_or_gone(app: &App, id: &CredentialId) -> String {
    app.credentials
        .get(id)
        .map_or_else(|| "deleted credential".to_owned(), |credential| app.display_name(credential))
}

/// Returns the name of a provider, or its ID if the provider is unknown.
fn provider_title(app: &App, provider: &str) -> String {
    app.catalog.provider(provider).map_or(provider, |known| known.title.as_str()).to_owned()
}

pub(in crate::tui::app) fn saved_requests_picker(
    app: &App,
    all: &[(SavedRequestName, Result<SavedRequest, Problem>)],
) -> PickerDialog<SavedItem> {
    let own = app.selected().map(|credential| credential.provider.as_str());
    let readable = all.iter().filter_map(|(id, saved)| Some((id, saved.as_ref().ok()?)));
    let mut items: Vec<_> = readable.collect();
    items.sort_by_key(|(_, saved)| Some(saved.provider.as_str()) != own);
    let item = |(id, saved): &(&SavedRequestName, &SavedRequest)| PickerItem {
        right: provider_title(app, &saved.provider),
        ..PickerItem::new(
            id.to_string(),
            format!("{} {}", saved.method, saved_address(saved)),
            "open",
            SavedItem { name: (*id).clone(), saved: (*saved).clone() },
        )
    };
    let note = |(_, saved): &(&SavedRequestName, &SavedRequest)| saved_summary(saved);
    let notes = items.iter().map(note).collect();
    let key = app.preferences.keys.key_or_name(CommandAction::Console(ConsoleAction::SaveRequest));
    let empty = format!("No saved requests yet; {key} in the console saves the current request.");
    let items = items.iter().map(item).collect();
    let open = |item: SavedItem| {
        DialogAction::update(move |app, now| open_saved_request(app, item.saved, now))
    };
    PickerDialog::new("Saved requests", items, 0, open)
        .with_shortcuts(SAVED_REQUEST_SHORTCUTS)
        .with_notes(notes)
        .with_empty_text(empty)
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
        |body| match body {
            DraftBody::Text(text) => {
                format!("body of {}", display_format::format_bytes(text.len() as u64))
            }
            DraftBody::File { file } => format!("body from {file}"),
            DraftBody::Form { form } => {
                format!("form with {}", display_format::format_count(form.len(), "field"))
            }
        },
    );
    format!("{headers}, {body}")
}

fn open_text_prompt(kind: TextPromptKind) -> DialogAction {
    DialogAction::open(TextPromptDialog::new(kind))
}

/// Makes the result of this task open as a list.
fn await_list(app: &mut App, task: TaskId) {
    app.console.awaited_list = Some(task);
}

/// Requests a task whose result the history shows.
fn history_request(task: ConsoleTask) -> TaskRequest {
    TaskRequest::hidden(BackgroundTask::Console(task)).with_start(await_list)
}

/// Requests a change of the saved requests; their list is updated if it is open.
pub(in crate::tui::app) fn saved_request_change(task: ConsoleTask) -> TaskRequest {
    TaskRequest::listed("Update the saved requests", BackgroundTask::Console(task))
        .with_start(await_list)
}

fn delete_confirmation(id: SavedRequestName) -> DialogAction {
    let rows = vec![DialogRow::text(format!(
        "The saved request {id} will be deleted. Nothing changes at the provider."
    ))];
    DialogAction::open(ConfirmDialog::new(
        "Delete this saved request?",
        rows,
        FormButton::Destructive("Delete"),
        DialogAction::Start(saved_request_change(ConsoleTask::DeleteSavedRequest(id))),
    ))
}

fn clear_history_confirmation() -> DialogAction {
    let rows = vec![DialogRow::warning("The request history of every credential will be deleted.")];
    DialogAction::open(ConfirmDialog::new(
        "Clear the history?",
        rows,
        FormButton::Destructive("Clear"),
        DialogAction::Start(history_request(ConsoleTask::ClearHistory)),
    ))
}

/// Label of the field.
const LABEL: &str = "Command, on one line";

/// Dialog that waits for a pasted curl command.
pub struct CurlImportDialog;

impl Dialog for CurlImportDialog {
    fn handle_paste(&mut self, text: &str, _app: &App, _now: Now) -> DialogResult {
        let text = Zeroizing::new(text.to_owned());
        DialogResult::RunAndClose(DialogAction::update(move |app, now| {
            request_lists::import_curl(app, &text, now);
        }))
    }

    fn has_fields(&self) -> bool {
        true
    }

    fn next_question(&self, _app: &App, _now: Now) -> DialogQuestion {
        DialogQuestion::Field(FieldQuestion {
            has_listing: false,
            label: LABEL.to_owned(),
            message: String::new(),
            value: QuestionValue::Secret { is_entered: false },
            alternatives: Vec::new(),
            accepts_commands: true,
        })
    }

    fn answer(&mut self, answer: DialogAnswer<'_>, app: &App, now: Now) -> DialogResult {
        match answer {
            DialogAnswer::Text(text) => self.handle_paste(text, app, now),
            _ => DialogResult::Stay,
        }
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new("Import curl command", 66);
        view.head = vec![
            DialogRow::text(
                "Paste a curl command, for example from \"Copy as cURL\" in a browser.",
            ),
            DialogRow::dim(
                "Method, URL, query, headers and body become the request. Secrets (Authorization, cookies, tokens) are removed \
                      and listed; the credential's own secret is added when the request is sent.",
            ),
        ];
        // The field shows nothing, because a curl command often contains a secret.
        let (label, value) = (LABEL.to_owned(), FieldValue::Secret(false));
        view.body = vec![
            DialogRow::Blank,
            DialogRow::Field(FieldView {
                index: 0,
                label,
                value,
                focused: true,
                has_problem: false,
            }),
        ];
        view.foot = vec![
            DialogRow::Blank,
            DialogRow::dim("Esc close · with a credential selected, you can paste it anywhere"),
        ];
        view
    }
}

/// Returns whether a pasted text is a curl command rather than a secret.
pub fn is_curl(text: &str) -> bool {
    let text = text.trim_start().trim_start_matches(['$', '%', '#', '>']).trim_start();
    ["curl ", "curl\t", "curl\\", "curl.exe "].iter().any(|word| text.starts_with(word))
}
