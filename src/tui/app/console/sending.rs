//! Sending of requests: the current request, confirmation where it may change something, and the
//! task that sends it.
//!
//! Start at `send_request`.

use std::collections::BTreeMap;

use crate::domain::CredentialId;
use crate::domain::request::RequestDraft;
use crate::engine::background::protocol::{
    BackgroundTask, HistoryPolicy, HttpExchange, SendTask, WriteConsent,
};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::console::RequestReadiness;
use crate::tui::app::console::presets::{self, PresetOutcome, PresetSelection};
use crate::tui::app::console::request_dialog::RequestEditorDialog;
use crate::tui::app::dialogs::{ConfirmDialog, DialogAction};
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::widgets::form::FormButton;
use crate::tui::app::{App, Now, Pane, RequestMode, UiEffect};

/// Sends the current request. Asks first for missing values, or for confirmation if the request
/// may change something.
pub(in crate::tui::app) fn send_request(app: &mut App, now: Now) -> Vec<UiEffect> {
    let Some(id) = app.selected().map(|credential| credential.id.clone()) else {
        return Vec::new();
    };
    match current_request(app) {
        None => Vec::new(),
        Some(RequestReadiness::MissingParameters(preset)) => {
            apply_incomplete_preset(app, preset.id, PresetOutcome::Send, now)
        }
        Some(RequestReadiness::Ready(draft)) if draft.is_safe() => {
            send_draft(app, id, draft, WriteConsent::NotAsked, now)
        }
        Some(RequestReadiness::Ready(draft)) => {
            match app.preferences.request_mode {
                RequestMode::ReadWrite => open_send_confirmation(app, draft),
                RequestMode::ReadOnly => {
                    let text = format!("Read-only mode: not sent, {}", draft.describe_effect());
                    app.activity.notify(NotificationLevel::Warning, text, now.instant);
                }
            }
            Vec::new()
        }
    }
}

fn send_draft(
    app: &mut App,
    id: CredentialId,
    draft: RequestDraft,
    consent: WriteConsent,
    now: Now,
) -> Vec<UiEffect> {
    let title = format!("{} {} as {}", draft.method, draft.address(), app.display_name_by_id(&id));
    let keep = app
        .credentials
        .get(&id)
        .map(|credential| app.console.history_policy(&credential.provider))
        .unwrap_or_default();
    let task = BackgroundTask::Send(SendTask {
        credential: id.clone(),
        draft,
        consent,
        history_policy: keep,
    });
    start_request_task(app, title, id, task, now)
}

/// Starts a task whose response the console waits for.
pub(in crate::tui::app) fn start_request_task(
    app: &mut App,
    title: impl Into<String>,
    credential: CredentialId,
    task: BackgroundTask,
    now: Now,
) -> Vec<UiEffect> {
    let (task, effect) = app.start_task(title, task, now);
    if let Some(entry) = app.activity.entry_mut(task) {
        entry.pane = Pane::Console;
    }
    app.console.begin_request(task, credential, now.instant);
    vec![effect]
}

/// Sets the request that the user wrote, with the media type of the provider.
pub(in crate::tui::app) fn set_written_request(
    app: &mut App,
    draft: RequestDraft,
    policy: HistoryPolicy,
) {
    let provider =
        app.selected().and_then(|credential| app.catalog.provider(&credential.provider).ok());
    if let Some((id, draft)) =
        provider.map(|provider| (provider.id.clone(), draft.with_media_type(provider)))
    {
        app.console.set_request(&id, draft, policy);
    }
}

/// Returns the request for the selected credential.
pub fn current_request(app: &App) -> Option<RequestReadiness> {
    app.selected().and_then(|credential| app.console.request_for(credential, &app.catalog))
}

/// Asks for the values that a preset still needs.
fn apply_incomplete_preset(
    app: &mut App,
    preset: String,
    then: PresetOutcome,
    now: Now,
) -> Vec<UiEffect> {
    let selected = PresetSelection { preset, given: BTreeMap::new(), then };
    presets::apply_preset(app, selected, now)
}

pub(in crate::tui::app) fn open_request_editor(app: &mut App, now: Now) -> Vec<UiEffect> {
    match current_request(app) {
        Some(RequestReadiness::Ready(draft)) => {
            let keep = app
                .selected()
                .map(|credential| app.console.history_policy(&credential.provider))
                .unwrap_or_default();
            let pane = app.screen_layout().console;
            app.dialogs.push(RequestEditorDialog::new(&draft, keep, pane));
        }
        Some(RequestReadiness::MissingParameters(preset)) => {
            return apply_incomplete_preset(app, preset.id, PresetOutcome::Edit, now);
        }
        None => {}
    }
    Vec::new()
}

/// Asks for confirmation before a request that may change something is sent.
fn open_send_confirmation(app: &mut App, draft: RequestDraft) {
    let Some(credential) = app.selected() else { return };
    let region = app.catalog.region(&credential.provider, &credential.region);
    let host = region.map_or_else(
        |_| credential.region.clone(),
        |region| {
            let host = app.catalog.simulated_host(region);
            let simulated = if host.is_some() { ", simulated" } else { "" };
            format!("{} ({}{simulated})", host.unwrap_or(&region.api), region.id)
        },
    );
    let preset =
        draft.preset.as_ref().and_then(|id| app.catalog.preset(&credential.provider, id).ok());
    let reads = preset.is_some_and(|preset| preset.read_only);
    let warning = if reads {
        DialogRow::text(format!(
            "This request only reads data, although its method is {}.",
            draft.method
        ))
    } else {
        DialogRow::warning(format!("{} may change or delete data at the provider.", draft.method))
    };
    let rows = vec![
        warning,
        DialogRow::Blank,
        DialogRow::text(format!("Request {} {}", draft.method, draft.address())),
        DialogRow::Pair("Host".to_owned(), host),
        DialogRow::Pair("Credential".to_owned(), app.display_name(credential)),
    ];
    let (word, called) = (credential.name.to_string(), app.display_name(credential));
    let action = confirmed_request(credential.id.clone(), draft);
    let confirm = if reads {
        ConfirmDialog::new("Send this request?", rows, FormButton::Submit("Send"), action)
            .with_action_focused()
    } else {
        ConfirmDialog::new("Send this request?", rows, FormButton::Destructive("Send"), action)
            .with_typed_confirmation(&word, called)
    };
    app.dialogs.push(confirm);
}

/// Asks for confirmation before a request is resent with a new access token.
pub(in crate::tui::app) fn open_resend_confirmation(app: &mut App, exchange: &HttpExchange) {
    let called = app.display_name_by_id(&exchange.credential);
    let rows = vec![
        DialogRow::warning(format!(
            "The access token was rejected and may have expired; {called} gets a new one."
        )),
        DialogRow::text(
            "According to its response, the provider refused the request without changing anything.",
        ),
        DialogRow::Blank,
        DialogRow::text(format!("Request  {} {}", exchange.draft.method, exchange.draft.address())),
        DialogRow::Pair("Credential".to_owned(), called),
    ];
    let action = confirmed_request(exchange.credential.clone(), exchange.draft.clone());
    let confirm = ConfirmDialog::new(
        "Resend this request?",
        rows,
        FormButton::Destructive("Send again"),
        action,
    );
    app.dialogs.push(confirm);
}

/// Sends a request that the user has confirmed.
fn confirmed_request(id: CredentialId, draft: RequestDraft) -> DialogAction {
    DialogAction::call(move |app, now| send_draft(app, id, draft, WriteConsent::Given, now))
}
