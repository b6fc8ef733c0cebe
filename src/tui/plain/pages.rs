//! What the panes show, in words and a line at a time.

use crate::domain::Credential;
use crate::domain::credential::CheckReport;
use crate::domain::problem::Problem;
use crate::domain::response::CheckResult;
use crate::tui::app::answer::{Answered, Detail, Laid, View};
use crate::tui::app::command::{COMMANDS, Group};
use crate::tui::app::console::{Outcome, Ready};
use crate::tui::app::talk::{self, Page};
use crate::tui::app::words::{self, Standing};
use crate::tui::app::{App, Audience, Now, Pane, draft, regions};

/// So many credentials are read out at once; a filter shortens the list.
const LISTED: usize = 50;
/// So many lines of an answer are read out.
const READ: usize = 200;
/// So many lines that were searched for.
const FOUND: usize = 50;

/// The lines of a page.
pub(super) fn lines(page: &Page, app: &App, now: Now) -> Vec<String> {
    match page {
        Page::Pane(Pane::Credentials) => list(app, now),
        Page::Pane(Pane::Detail) => app.selected().map(|credential| detail(credential, app, now)).unwrap_or_default(),
        Page::Pane(Pane::Regions) => places(app),
        Page::Pane(Pane::Console) => console(app),
        Page::Commands => commands(app),
        Page::Matches(words) => matches(words, app),
    }
}

/// How a credential stands, in one line.
pub(super) fn gist(credential: &Credential, app: &App, now: Now) -> String {
    let standing = Standing::of(credential, now.wall).as_str();
    let status = credential.last_check.as_ref().and_then(|check| check.status).map(|status| format!(" {status}"));
    let end = words::days_left(credential, now.wall).map(|days| format!(", {}", end_in(days)));
    let [status, end] = [status, end].map(Option::unwrap_or_default);
    format!("{}, {}, {}: {standing}{status}{end}", app.name_of(credential), credential.kind, credential.region)
}

/// What became of a request, in lines.
pub(super) fn outcome(app: &App) -> Vec<String> {
    let Some(credential) = app.selected() else { return Vec::new() };
    match app.console.outcome_for(&credential.id) {
        Outcome::Nothing => Vec::new(),
        Outcome::Sending(..) => vec!["The answer has not come yet.".to_owned()],
        Outcome::Cancelled(_) => vec!["The request was cancelled.".to_owned()],
        Outcome::Failed(_, found) => problem(found),
        Outcome::Answered(answered) => answer(answered, app.console.view),
    }
}

/// A problem in three lines.
pub(super) fn problem(problem: &Problem) -> Vec<String> {
    vec![format!("{}.", problem.what), format!("Why: {}", problem.why), format!("Do: {}", problem.remedy)]
}

fn list(app: &App, now: Now) -> Vec<String> {
    let list = &app.credentials;
    let all = words::count(list.all().len(), "credential");
    let mut lines = vec![match list.is_unfiltered() {
        _ if list.all().is_empty() => return vec!["No credentials yet; add keeps one.".to_owned()],
        true => format!("{all}, by {}:", list.sort.as_str()),
        false => format!("{} of {all} match \"{}\", by {}:", list.shown_count(), list.filter.input.value(), list.sort.as_str()),
    }];
    let shown = (0..LISTED).map_while(|at| list.nth(at).map(|credential| (at + 1, credential)));
    lines.extend(shown.map(|(number, credential)| {
        let mark = if list.is_marked(&credential.id) { " (marked)" } else { "" };
        format!("{number}. {}{mark}", gist(credential, app, now))
    }));
    let more = list.shown_count().saturating_sub(LISTED);
    lines.extend((more > 0).then(|| format!("And {}; filter shortens the list.", words::count(more, "other"))));
    lines
}

fn detail(credential: &Credential, app: &App, now: Now) -> Vec<String> {
    let provider = app.catalogue.provider(&credential.provider).map_or(&credential.provider, |known| &known.title);
    let kind = app.catalogue.kind(&credential.provider, &credential.kind).map_or(&credential.kind, |known| &known.title);
    let mut lines = vec![format!("{}: {provider}, {kind}.", app.name_of(credential))];
    if app.stage.audience == Audience::Nobody {
        let principal = credential.principal.as_ref();
        lines.extend(principal.map(|known| format!("Acts as: {}, {}", known.name, known.kind.replace('_', " "))));
        lines.extend(credential.fields.iter().map(|(id, value)| format!("{id}: {value}")));
    }
    lines.push(credential.expires.map_or("Expires: not known".to_owned(), |end| {
        let left = words::days_left(credential, now.wall).map(end_in).unwrap_or_default();
        format!("Expires: {}, {left}", words::day(end))
    }));
    lines.push(credential.last_check.as_ref().map_or("Checked: never; check does".to_owned(), |check| {
        format!("Checked: {}, {}", verdict(check), words::ago(check.checked_at, now.wall))
    }));
    let region = app.catalogue.region(&credential.provider, &credential.region);
    let host = region.map(|region| format!(", {}", words::host(&region.api))).unwrap_or_default();
    lines.push(format!("Region: {}{host}", credential.region));
    lines.extend((!credential.labels.is_empty()).then(|| format!("Labels: {}", credential.labels.join(", "))));
    let twins: Vec<_> = app.detail.twins().iter().filter_map(|name| of_name(name.as_str(), app)).collect();
    lines.extend((!twins.is_empty()).then(|| format!("The same secret is kept as: {}", twins.join(", "))));
    lines
}

fn of_name(name: &str, app: &App) -> Option<String> {
    app.credentials.all().iter().find(|known| known.name.as_str() == name).map(|known| app.name_of(known))
}

fn places(app: &App) -> Vec<String> {
    let Some(credential) = app.selected() else { return Vec::new() };
    let all = regions::of_provider(&app.catalogue, &credential.provider);
    let line = |(at, region): (usize, &crate::domain::region::Region)| {
        let own = if region.id == credential.region { ", its own" } else { "" };
        let cursor = if at == app.regions.cursor() { ", chosen for switch-region" } else { "" };
        let check = app.regions.check(&region.id).map_or_else(|| "never checked".to_owned(), verdict);
        format!("{}. {}, {}{own}{cursor}: {check}", at + 1, region.id, words::host(&region.api))
    };
    let mut lines = vec![format!("Regions of {}:", app.name_of(credential))];
    lines.extend(all.iter().enumerate().map(line));
    lines
}

fn console(app: &App) -> Vec<String> {
    let request = match app.request() {
        Some(Ready::Draft(draft)) => format!("Request: {} {}", draft.method, draft.address()),
        Some(Ready::Open(preset)) => format!("Request: {} {}", preset.method, draft::template(&preset)),
        None => return vec!["There is no request for this kind of credential.".to_owned()],
    };
    let mut lines = vec![format!("{request} (send sends it, presets offers others, edit-request changes it)")];
    lines.extend(outcome(app));
    lines
}

fn answer(answered: &Answered, view: View) -> Vec<String> {
    let mut lines = vec![format!("Answer: {}", answered.summary(usize::MAX))];
    lines.extend(answered.exchange.explanation.as_ref().map(problem).unwrap_or_default());
    lines.extend(answered.exchange.rate_limit.as_ref().map(|limit| format!("Requests: {limit}")));
    if view != View::Body {
        lines.push(format!("{}:", view.title()));
    }
    lines.extend(answered.details(view).into_iter().map(|detail| match detail {
        Detail::Pair(name, value) => format!("{name}: {value}"),
        Detail::Meaning(words) => format!("  that is: {words}"),
    }));
    lines.extend(answered.filter_text().filter(|_| view == View::Body).map(|filter| format!("Filtered with {filter}:")));
    match answered.laid(view) {
        None => {}
        Some(Laid::Absent) => lines.push("It has no body.".to_owned()),
        Some(Laid::Waiting(_)) => lines.push("Its body is being read.".to_owned()),
        Some(Laid::Failed(found)) => lines.extend(problem(found)),
        Some(Laid::Ready(document)) => {
            let text = document.pretty();
            lines.extend(text.lines().take(READ).map(str::to_owned));
            let more = text.lines().count().saturating_sub(READ);
            let word = || format!("And {}; search finds lines, copy-body copies all.", words::count(more, "other line"));
            lines.extend((more > 0).then(word));
        }
    }
    lines
}

fn matches(words: &str, app: &App) -> Vec<String> {
    let laid = app.console.answered().and_then(|answered| answered.laid(app.console.view));
    let Some(Laid::Ready(document)) = laid else { return Vec::new() };
    let text = document.pretty();
    let found: Vec<_> = text.lines().enumerate().filter(|(_, line)| line.to_lowercase().contains(words)).collect();
    let mut lines = vec![format!("{} with \"{words}\".", words::count(found.len(), "line"))];
    lines.extend(found.iter().take(FOUND).map(|(at, line)| format!("{}: {}", at + 1, line.trim())));
    lines
}

fn commands(app: &App) -> Vec<String> {
    let mut lines = vec![
        "Type a command, or a number of the list or a name to choose a credential. A command may be followed by a name."
            .to_owned(),
        talk::HOW.to_owned(),
        "Where several lines may stand, + and a line adds it to them; Enter goes on.".to_owned(),
    ];
    for group in Group::ALL {
        let offered = COMMANDS.iter().filter(|command| command.group == group && app.offers(command.action));
        let offered: Vec<_> =
            offered.filter_map(|command| Some(format!("  {}: {}", command.name, talk::help(command)?))).collect();
        lines.extend((!offered.is_empty()).then(|| format!("{}:", group.title())));
        lines.extend(offered);
    }
    lines
}

fn verdict(check: &CheckReport) -> String {
    let status = check.status.map(|status| format!(" {status}")).unwrap_or_default();
    let time = check.latency_ms.map(|ms| format!(", {ms} ms")).unwrap_or_default();
    let reason = match check.result {
        CheckResult::Accepted | CheckResult::Unchecked => String::new(),
        _ if check.reason.is_empty() => String::new(),
        _ => format!(", {}", check.reason),
    };
    format!("{}{status}{time}{reason}", check.result.as_str())
}

fn end_in(days: i64) -> String {
    match days {
        ..0 => "over".to_owned(),
        0 => "ends today".to_owned(),
        days => format!("ends in {days} days"),
    }
}
