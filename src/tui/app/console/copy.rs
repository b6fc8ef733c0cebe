//! Copying from the console: the body, a value or its path, and the request for another client.
//!
//! Start at [`open_format_picker`] for the request, and at [`copy_from_response`].

use crate::domain::request::export::{
    ExportContext, ExportFormat, ExportedRequest, export_request,
};
use crate::engine::background::protocol::BackgroundTask;
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::{CommandAction, ConsoleAction};
use crate::tui::app::console::{RequestReadiness, sending};
use crate::tui::app::dialogs::{DialogAction, PickerDialog, PickerItem};
use crate::tui::app::display_format;
use crate::tui::app::{App, Now, UiEffect};

/// Text for a request that cannot be copied.
const INCOMPLETE_REQUEST: &str = "The request is incomplete and cannot be copied";

/// Asks for which client the request is copied; the cursor is on the client of the last copy.
pub(in crate::tui::app) fn open_format_picker(app: &mut App, now: Now) -> Vec<UiEffect> {
    if !app.can_run_console(ConsoleAction::CopyCurl) {
        warn(app, INCOMPLETE_REQUEST, now);
        return Vec::new();
    }
    let item = |format: ExportFormat| {
        let copy = DialogAction::call(move |app, now| copy_request(app, format, now));
        PickerItem::new(format.title(), format.description(), "copy", copy)
    };
    let last = app.console.last_export_format;
    let cursor = ExportFormat::ALL.iter().position(|format| *format == last).unwrap_or(0);
    let items = ExportFormat::ALL.map(item).into();
    app.dialogs.push(PickerDialog::of_actions("Copy request as", items).with_cursor(cursor));
    Vec::new()
}

/// Copies the request for a client and warns where the client behaves differently.
fn copy_request(app: &mut App, format: ExportFormat, now: Now) -> Vec<UiEffect> {
    let Some(exported) = exported_request(app, format) else {
        warn(app, INCOMPLETE_REQUEST, now);
        return Vec::new();
    };
    app.console.last_export_format = format;
    if let Some(warning) = exported.warnings.first() {
        warn(app, warning.clone(), now);
    }
    let task = BackgroundTask::CopyText(exported.with_comments());
    let title = format!("Copy request as {}", format.title());
    vec![app.start_task(title, task, now).1]
}

fn exported_request(app: &App, format: ExportFormat) -> Option<ExportedRequest> {
    let credential = app.selected()?;
    let Some(RequestReadiness::Ready(draft)) = sending::current_request(app) else {
        return None;
    };
    let provider = app.catalog.provider(&credential.provider).ok()?;
    let kind = app.catalog.kind(&credential.provider, &credential.kind).ok()?;
    let region = app.catalog.region(&credential.provider, &credential.region).ok()?;
    let scheme = credential.scheme.as_deref().unwrap_or_else(|| kind.authorization.scheme());
    let context = ExportContext { provider, kind, region, scheme };
    export_request(&draft, context, format).ok()
}

/// Copies the body, the value under the cursor or its path.
pub(in crate::tui::app) fn copy_from_response(
    app: &mut App,
    action: ConsoleAction,
    now: Now,
) -> Vec<UiEffect> {
    if let Some(why) = uncopyable_body(app).filter(|_| action == ConsoleAction::CopyBody) {
        warn(app, why, now);
        return Vec::new();
    }
    // The text itself, not its drawing, unless a filter or a comparison is shown.
    let (title, exact) = match action {
        ConsoleAction::CopyValue => ("Copy the value", app.console.body_line()),
        ConsoleAction::CopyPath => ("Copy the path", None),
        _ => ("Copy the body", app.console.body_text()),
    };
    let Some(document) = app.console.document() else { return Vec::new() };
    let text = exact.unwrap_or_else(|| match action {
        ConsoleAction::CopyValue => document.value_at_cursor().into_owned(),
        ConsoleAction::CopyPath => document.path(),
        _ => document.pretty_text(),
    });
    let task = if action == ConsoleAction::CopyBody {
        let remedy = format!("write the body to a file: {}", save_key(app));
        BackgroundTask::CopyBody { text, remedy }
    } else {
        BackgroundTask::CopyText(text)
    };
    vec![app.start_task(title, task, now).1]
}

/// Returns the key that saves the body to a file.
fn save_key(app: &App) -> String {
    app.preferences.keys.key_or_name(CommandAction::Console(ConsoleAction::SaveBody))
}

/// Returns why the body that is shown cannot be copied: it is not text.
fn uncopyable_body(app: &App) -> Option<String> {
    let response = app.console.response().filter(|_| app.console.shows_whole_body())?;
    let body = &response.exchange.response.body;
    let is_binary = !body.is_empty() && !body.is_text();
    is_binary.then(|| {
        format!(
            "{} of binary data cannot be copied as text; {} saves them to a file",
            display_format::format_bytes(body.size() as u64),
            save_key(app)
        )
    })
}

fn warn(app: &mut App, text: impl Into<String>, now: Now) {
    app.activity.notify(NotificationLevel::Warning, text.into(), now.instant);
}
