//! Readout of the panes in words, line by line.
//!
//! Start reading at [`page_lines`].

use crate::domain::credential::CheckReport;
use crate::domain::problem::Problem;
use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialStatus};
use crate::tui::app::command::{COMMANDS, CommandGroup};
use crate::tui::app::console::response_view::{DetailLine, LayoutState, ResponseTab, ResponseView};
use crate::tui::app::console::{RequestReadiness, RequestState, request_dialog, sending};
use crate::tui::app::conversation::{self, ReadoutPage};
use crate::tui::app::{App, Now, Pane, PresentationMode, display_format};

/// Maximum number of credentials that are listed at once; a filter shortens the list.
const MAX_CREDENTIALS: usize = 50;
/// Maximum number of lines of a response that are printed.
const MAX_RESPONSE_LINES: usize = 200;
/// Maximum number of search matches that are printed.
const MAX_MATCHES: usize = 50;

/// Returns the lines of a page.
pub(super) fn page_lines(page: &ReadoutPage, app: &App, now: Now) -> Vec<String> {
    match page {
        ReadoutPage::Pane(Pane::Credentials) => credential_lines(app, now),
        ReadoutPage::Pane(Pane::Detail) => {
            app.selected().map(|credential| detail_lines(credential, app, now)).unwrap_or_default()
        }
        ReadoutPage::Pane(Pane::Regions) => region_lines(app),
        ReadoutPage::Pane(Pane::Console) => console_lines(app),
        ReadoutPage::Commands => command_lines(app),
        ReadoutPage::Matches(words) => match_lines(words, app),
    }
}

/// Summarizes the status of a credential in one line.
pub(super) fn credential_summary(credential: &Credential, app: &App, now: Now) -> String {
    let status_word = CredentialStatus::for_credential(credential, now.wall).as_str();
    let status = credential
        .last_check
        .as_ref()
        .and_then(|check| check.status)
        .map(|status| format!(" {status}"));
    let end = display_format::days_left(credential, now.wall)
        .map(|days| format!(", {}", expiry_text(days)));
    let rotation = app
        .open_rotations
        .waiting(&credential.id)
        .map(|rotation| format!(", rotation {}", rotation.phase.unfinished_word()));
    let [status, end, rotation] = [status, end, rotation].map(Option::unwrap_or_default);
    format!(
        "{}, {}, {}: {status_word}{status}{end}{rotation}",
        app.display_name(credential),
        credential.kind,
        credential.region
    )
}

/// Describes the state of the current request.
pub(super) fn request_lines(app: &App) -> Vec<String> {
    let Some(credential) = app.selected() else { return Vec::new() };
    match app.console.state_for(&credential.id) {
        RequestState::Idle => Vec::new(),
        RequestState::Sending(..) => vec!["Waiting for the response.".to_owned()],
        RequestState::Canceled(_) => vec!["The request was canceled.".to_owned()],
        RequestState::Failed(_, found) => problem_lines(found),
        RequestState::Completed(response) => response_lines(response, app.console.tab),
    }
}

/// Formats a problem as three lines.
pub(super) fn problem_lines(problem: &Problem) -> Vec<String> {
    vec![
        format!("{}.", problem.what),
        format!("Why: {}", problem.why),
        format!("Fix: {}", problem.remedy),
    ]
}

fn credential_lines(app: &App, now: Now) -> Vec<String> {
    let list = &app.credentials;
    let all = display_format::format_count(list.all().len(), "credential");
    let mut lines = vec![match list.filter_is_empty() {
        _ if list.all().is_empty() => {
            return vec!["No credentials yet. Type add to add one.".to_owned()];
        }
        true => format!("{all}, by {}:", list.sort.as_str()),
        false => format!(
            "{} of {all} match \"{}\", by {}:",
            list.visible_count(),
            list.filter.input.value(),
            list.sort.as_str()
        ),
    }];
    let shown =
        (0..MAX_CREDENTIALS).map_while(|at| list.nth(at).map(|credential| (at + 1, credential)));
    lines.extend(shown.map(|(number, credential)| {
        let mark = if list.is_marked(&credential.id) { " (marked)" } else { "" };
        format!("{number}. {}{mark}", credential_summary(credential, app, now))
    }));
    let more = list.visible_count().saturating_sub(MAX_CREDENTIALS);
    lines.extend((more > 0).then(|| {
        format!(
            "And {}; type filter to shorten the list.",
            display_format::format_count(more, "other")
        )
    }));
    lines
}

fn detail_lines(credential: &Credential, app: &App, now: Now) -> Vec<String> {
    let provider = app
        .catalog
        .provider(&credential.provider)
        .map_or(&credential.provider, |known| &known.title);
    let kind = app
        .catalog
        .kind(&credential.provider, &credential.kind)
        .map_or(&credential.kind, |known| &known.title);
    let mut lines = vec![format!("{}: {provider}, {kind}.", app.display_name(credential))];
    lines.extend(app.open_rotations.waiting(&credential.id).map(|rotation| {
        let next = app.mask_name(&rotation.next, &rotation.name);
        format!("Rotation: {}; type rotate to resume it. {next}", rotation.phase.unfinished_word())
    }));
    if app.ui_state.presentation == PresentationMode::Off {
        let principal = credential.principal.as_ref();
        lines.extend(
            principal
                .map(|known| format!("Acts as: {}, {}", known.name, known.kind.replace('_', " "))),
        );
        lines.extend(credential.fields.iter().map(|(id, value)| format!("{id}: {value}")));
    }
    lines.push(credential.expires.map_or("Expires: unknown".to_owned(), |end| {
        let left =
            display_format::days_left(credential, now.wall).map(days_text).unwrap_or_default();
        format!("Expires: {} ({left})", display_format::format_date(end))
    }));
    let status = CredentialStatus::for_credential(credential, now.wall).as_str();
    lines.push(credential.last_check.as_ref().map_or_else(
        || format!("Status: {status}; type check to check now"),
        |check| {
            let age = display_format::format_age(check.checked_at, now.wall);
            format!("Status: {status}; last check: {}, {age}", check_text(check))
        },
    ));
    let region = app.catalog.region(&credential.provider, &credential.region);
    let host = region
        .map(|region| format!(", {}", display_format::region_host(region, &app.catalog)))
        .unwrap_or_default();
    lines.push(format!("Region: {}{host}", credential.region));
    lines.extend(
        (!credential.labels.is_empty())
            .then(|| format!("Labels: {}", credential.labels.join(", "))),
    );
    let duplicates: Vec<_> = app
        .detail
        .duplicates()
        .iter()
        .filter_map(|name| display_name(name.as_str(), app))
        .collect();
    lines.extend(
        (!duplicates.is_empty())
            .then(|| format!("The same secret is also stored as: {}", duplicates.join(", "))),
    );
    lines
}

fn display_name(name: &str, app: &App) -> Option<String> {
    app.credentials
        .all()
        .iter()
        .find(|known| known.name.as_str() == name)
        .map(|known| app.display_name(known))
}

fn region_lines(app: &App) -> Vec<String> {
    let Some(credential) = app.selected() else { return Vec::new() };
    let all = app.catalog.regions(&credential.provider).unwrap_or_default();
    let line = |(at, region): (usize, &crate::domain::region::Region)| {
        let own = if region.id == credential.region { ", current" } else { "" };
        let cursor = if at == app.regions.cursor() { ", selected for switch-region" } else { "" };
        let check =
            app.regions.check_in(&region.id).map_or_else(|| "not checked".to_owned(), check_text);
        format!(
            "{}. {}, {}{own}{cursor}: {check}",
            at + 1,
            region.id,
            display_format::region_host(region, &app.catalog)
        )
    };
    let mut lines = vec![format!("Regions of {}:", app.display_name(credential))];
    lines.extend(all.iter().enumerate().map(line));
    lines
}

fn console_lines(app: &App) -> Vec<String> {
    let request = match sending::current_request(app) {
        Some(RequestReadiness::Ready(draft)) => {
            format!("Request: {} {}", draft.method, draft.address())
        }
        Some(RequestReadiness::MissingParameters(preset)) => {
            format!("Request: {} {}", preset.method, request_dialog::preset_address(&preset))
        }
        None => return vec!["No requests for this kind of credential.".to_owned()],
    };
    let mut lines = vec![format!("{request} (type send, presets or edit-request)")];
    lines.extend(request_lines(app));
    lines
}

fn response_lines(response: &ResponseView, view: ResponseTab) -> Vec<String> {
    let mut lines = vec![format!("Response: {}", response.summary(usize::MAX))];
    lines.extend(response.exchange.explanation.as_ref().map(problem_lines).unwrap_or_default());
    lines.extend(response.exchange.rate_limit.as_ref().map(|limit| format!("Requests: {limit}")));
    if view != ResponseTab::Body {
        lines.push(format!("{}:", view.title()));
    }
    lines.extend(response.detail_lines(view).into_iter().map(|detail| match detail {
        DetailLine::Pair(name, value) => format!("{name}: {value}"),
        DetailLine::Explanation(words) => format!("  meaning: {words}"),
    }));
    lines.extend(
        response
            .filter_text()
            .filter(|_| view == ResponseTab::Body)
            .map(|filter| format!("Filtered with {filter}:")),
    );
    match response.layout_state(view) {
        None => {}
        Some(LayoutState::Absent) => lines.push("No body.".to_owned()),
        Some(LayoutState::Pending(_)) => lines.push("Reading the body.".to_owned()),
        Some(LayoutState::Failed(found)) => lines.extend(problem_lines(found)),
        Some(LayoutState::Ready(document)) => {
            let text = document.pretty_text();
            lines.extend(text.lines().take(MAX_RESPONSE_LINES).map(str::to_owned));
            let more = text.lines().count().saturating_sub(MAX_RESPONSE_LINES);
            let word = || {
                format!(
                    "And {}; type search to find lines, or copy-body to copy the whole body.",
                    display_format::format_count(more, "other line")
                )
            };
            lines.extend((more > 0).then(word));
        }
    }
    lines
}

fn match_lines(words: &str, app: &App) -> Vec<String> {
    let layout = app.console.response().and_then(|response| response.layout_state(app.console.tab));
    let Some(LayoutState::Ready(document)) = layout else { return Vec::new() };
    let text = document.pretty_text();
    let found: Vec<_> =
        text.lines().enumerate().filter(|(_, line)| line.to_lowercase().contains(words)).collect();
    let mut lines =
        vec![format!("{} with \"{words}\".", display_format::format_count(found.len(), "line"))];
    lines.extend(
        found.iter().take(MAX_MATCHES).map(|(at, line)| format!("{}: {}", at + 1, line.trim())),
    );
    lines
}

fn command_lines(app: &App) -> Vec<String> {
    let mut lines = vec![
        "Type a command, or the number or name of a credential to select it. A command may be followed by a name."
            .to_owned(),
        conversation::PROMPT_HELP.to_owned(),
        "In fields with several lines, + before a line adds it; Enter continues.".to_owned(),
    ];
    for group in CommandGroup::ALL {
        let offered =
            COMMANDS.iter().filter(|command| command.group == group && app.can_run(command.action));
        let offered: Vec<_> = offered
            .filter_map(|command| {
                Some(format!("  {}: {}", command.name, conversation::plain_help(command)?))
            })
            .collect();
        lines.extend((!offered.is_empty()).then(|| format!("{}:", group.title())));
        lines.extend(offered);
    }
    lines
}

fn check_text(check: &CheckReport) -> String {
    let status = check.status.map(|status| format!(" {status}")).unwrap_or_default();
    let time = check.latency_ms.map(|ms| format!(", {ms} ms")).unwrap_or_default();
    let reason = match check.result {
        CheckResult::Accepted | CheckResult::Unchecked => String::new(),
        _ if check.reason.is_empty() => String::new(),
        _ => format!(", {}", check.reason),
    };
    format!("{}{status}{time}{reason}", check.result.as_str())
}

/// Describes the expiry in words, such as `expires in 5 days`.
fn expiry_text(days: i64) -> String {
    let verb = if days < 0 { "expired" } else { "expires" };
    format!("{verb} {}", days_text(days))
}

/// Describes a number of days from today, such as `in 5 days`, `today` or `1 day ago`.
fn days_text(days: i64) -> String {
    let count = usize::try_from(days.unsigned_abs()).unwrap_or(usize::MAX);
    let count = display_format::format_count(count, "day");
    match days {
        ..0 => format!("{count} ago"),
        0 => "today".to_owned(),
        _ => format!("in {count}"),
    }
}
