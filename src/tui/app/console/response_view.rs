//! Response view: a response and its tabs (tree, raw, filtered, compared, headers, timing).
//!
//! Texts are laid out on demand, large ones by a [`LayoutJob`]. Start at [`ResponseView`].
//!
//! Explanation of a refused request: possible causes, known facts and next steps.
//!
//! The analysis itself is in the engine; this module adds the keys. Start at
//! `explain_refusal`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::json::FoldableDocument;
use super::layout_job::LayoutJob;
use crate::config::theme::StyleRole;
use crate::domain::credential::CheckReport;
use crate::domain::diagnosis::header_explanations;
use crate::domain::diagnosis::refusal::{
    CauseAssessment, Likelihood, RefusalDiagnosis, RemedyStep,
};
use crate::domain::problem::Problem;
use crate::domain::rate_limit::RateLimit;
use crate::domain::response::{ApiResponse, CheckResult};
use crate::domain::{CredentialId, Timestamp};
use crate::engine::background::protocol::{BackgroundTask, CapturedSecret, HttpExchange, TaskId};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::{CommandAction, ConsoleAction, CredentialAction};
use crate::tui::app::dialogs::TextDialog;
use crate::tui::app::{App, Now, Pane, PresentationMode, UiEffect, display_format};

/// Bodies up to this size are laid out inline; larger ones in the background.
const MAX_INLINE_LAYOUT_BYTES: usize = 64 * 1024;
/// Maximum number of earlier responses kept for comparison.
const MAX_CACHED_RESPONSES: usize = 12;
/// Maximum total size of their bodies.
const MAX_CACHED_BYTES: usize = 32 << 20;

/// Response as it is shown.
pub struct ResponseView {
    /// Request and response.
    pub exchange: Arc<HttpExchange>,
    /// When the response arrived.
    pub received_at: Timestamp,
    /// Pages and elements, where all pages of a list were fetched.
    page_totals: Option<(usize, usize)>,
    /// Rate limits that the response reports.
    limits: RateLimit,
    /// Body as a tree, or as plain lines.
    body: LayoutState,
    raw: LayoutState,
    diff: LayoutState,
    filtered: Option<FilteredBody>,
    /// Previous response to the same request.
    previous: Option<Arc<HttpExchange>>,
    /// Indexes of the captured secrets that were stored under a name that the user chose.
    saved_secrets: Vec<usize>,
}

/// Body after a jq filter.
struct FilteredBody {
    filter: String,
    layout: LayoutState,
}

/// State of a text layout.
#[derive(Default)]
pub enum LayoutState {
    /// Not requested yet, or there is no text.
    #[default]
    Absent,
    /// This task lays it out.
    Pending(TaskId),
    /// Laid out.
    Ready(Box<FoldableDocument>),
    /// Failed with this problem.
    Failed(Problem),
}

/// Tabs of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseTab {
    /// Body as a tree.
    #[default]
    Body,
    /// Body as received.
    Raw,
    /// Headers.
    Headers,
    /// Timing.
    Timing,
    /// Changes since the previous response to the same request.
    Diff,
}

/// Line of headers or timing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetailLine {
    /// Name and value.
    Pair(String, String),
    /// Explanation of the line before.
    Explanation(String),
}

/// Earlier responses of this run, for comparison with later ones.
#[derive(Default)]
pub struct ResponseCache(VecDeque<Arc<HttpExchange>>);

impl ResponseTab {
    /// All tabs, in order.
    pub const ALL: [Self; 5] = [Self::Body, Self::Raw, Self::Headers, Self::Timing, Self::Diff];

    /// Title of the tab.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Body => "Body",
            Self::Raw => "Raw",
            Self::Headers => "Headers",
            Self::Timing => "Timing",
            Self::Diff => "Diff",
        }
    }

    /// Whether the tab shows a text that must be laid out.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Body | Self::Raw | Self::Diff)
    }
}

impl ResponseView {
    /// Creates a view of a response without any layout.
    pub fn new(
        exchange: Arc<HttpExchange>,
        at: Timestamp,
        before: Option<Arc<HttpExchange>>,
    ) -> Self {
        let [body, raw, changes] = [LayoutState::Absent, LayoutState::Absent, LayoutState::Absent];
        let limits = RateLimit::from_response(&exchange.response, at);
        Self {
            exchange,
            received_at: at,
            page_totals: None,
            limits,
            body,
            raw,
            diff: changes,
            filtered: None,
            previous: before,
            saved_secrets: Vec::new(),
        }
    }

    /// Sets the number of pages and elements that the response combines.
    #[must_use]
    pub fn with_page_totals(mut self, read: Option<(usize, usize)>) -> Self {
        self.page_totals = read;
        self
    }

    /// Returns the available tabs: the diff needs a previous response.
    pub fn tabs(&self) -> impl Iterator<Item = ResponseTab> {
        ResponseTab::ALL
            .into_iter()
            .filter(|view| *view != ResponseTab::Diff || self.previous.is_some())
    }

    /// Returns the tab after this one.
    pub fn next_tab(&self, view: ResponseTab) -> ResponseTab {
        let views: Vec<_> = self.tabs().collect();
        let at = views.iter().position(|known| *known == view).unwrap_or(0);
        views[(at + 1) % views.len()]
    }

    /// Lays out what a tab shows, unless that is done. A large text is returned as a job; task
    /// `later` delivers the result.
    pub fn prepare_layout(&mut self, view: ResponseTab, later: TaskId) -> Option<LayoutJob> {
        let layout = self.layout_job(view)?;
        let slot = self.layout_slot(view).filter(|slot| matches!(slot, LayoutState::Absent))?;
        if layout.input_bytes() <= MAX_INLINE_LAYOUT_BYTES {
            *slot = LayoutState::from_result(layout.run());
            return None;
        }
        *slot = LayoutState::Pending(later);
        Some(layout)
    }

    /// Returns a job that filters the body, delivered by task `later`: a filter may run for any
    /// time.
    pub fn start_filter(&mut self, filter: &str, later: TaskId) -> LayoutJob {
        self.filtered =
            Some(FilteredBody { filter: filter.to_owned(), layout: LayoutState::Pending(later) });
        LayoutJob::Filter(Arc::clone(&self.exchange), filter.to_owned())
    }

    /// Clears the filter; returns whether there was one.
    pub fn clear_filter(&mut self) -> bool {
        self.filtered.take().is_some()
    }

    /// Returns the current filter.
    pub fn filter_text(&self) -> Option<&str> {
        self.filtered.as_ref().map(|filtered| filtered.filter.as_str())
    }

    /// Stores a finished layout, unless it is outdated.
    pub fn set_layout(&mut self, task: TaskId, laid: Result<Box<FoldableDocument>, Problem>) {
        let filtered = self.filtered.as_mut().map(|filtered| &mut filtered.layout);
        let mut slots = [&mut self.body, &mut self.raw, &mut self.diff].into_iter().chain(filtered);
        if let Some(slot) =
            slots.find(|slot| matches!(slot, LayoutState::Pending(waiting) if *waiting == task))
        {
            *slot = laid.map_or_else(LayoutState::Failed, LayoutState::Ready);
        }
    }

    /// Whether the text of a tab is still being laid out.
    pub fn layout_pending(&self, view: ResponseTab) -> bool {
        matches!(self.layout_state(view), Some(LayoutState::Pending(_)))
    }

    /// Returns the layout of a tab, if the tab shows a text.
    pub fn layout_state(&self, view: ResponseTab) -> Option<&LayoutState> {
        match (view, &self.filtered) {
            (ResponseTab::Body, Some(filtered)) => Some(&filtered.layout),
            (ResponseTab::Body, None) => Some(&self.body),
            (ResponseTab::Raw, _) => Some(&self.raw),
            (ResponseTab::Diff, _) => Some(&self.diff),
            (ResponseTab::Headers | ResponseTab::Timing, _) => None,
        }
    }

    /// Returns the document of a tab, if it is laid out.
    pub fn document(&mut self, view: ResponseTab) -> Option<&mut FoldableDocument> {
        let laid = match view {
            ResponseTab::Body if self.filtered.is_some() => {
                self.filtered.as_mut().map(|filtered| &mut filtered.layout)
            }
            _ => self.layout_slot(view),
        };
        match laid? {
            LayoutState::Ready(document) => Some(document),
            LayoutState::Absent | LayoutState::Pending(_) | LayoutState::Failed(_) => None,
        }
    }

    /// Returns the first captured secret that was not stored under a chosen name, and its index.
    pub fn unsaved_secret(&self) -> Option<(usize, &CapturedSecret)> {
        self.exchange.captured.iter().enumerate().find(|(at, _)| !self.saved_secrets.contains(at))
    }

    /// Whether the response contains a secret that the provider shows only once and that is not
    /// stored anywhere.
    pub fn has_unsaved_secret(&self) -> bool {
        let is_lost = |(at, captured): (usize, &CapturedSecret)| {
            captured.stored.is_none() && !self.saved_secrets.contains(&at)
        };
        !self.exchange.draft.is_safe() && self.exchange.captured.iter().enumerate().any(is_lost)
    }

    /// Records that a captured secret has been stored.
    pub fn mark_secret_saved(&mut self, which: usize) {
        self.saved_secrets.push(which);
    }

    /// Whether there may be another page: the request only reads, and the response says where the
    /// next page is.
    pub fn may_have_next_page(&self) -> bool {
        let HttpExchange { draft, response, .. } = self.exchange.as_ref();
        draft.is_safe() && matches!(response.status, 200..300) && response.body.is_text()
    }

    /// Returns the rate limits as of `now`.
    pub fn limits(&self, now: Timestamp) -> RateLimit {
        self.limits.after_elapsed(Duration::try_from(now - self.received_at).unwrap_or_default())
    }

    /// Returns a one-line summary such as `200 OK · 41 ms · 1.2 kB`, shortened to `columns`
    /// columns.
    pub fn summary(&self, columns: usize) -> String {
        let response = &self.exchange.response;
        let time = display_format::format_duration(Duration::from_millis(response.timing.total_ms));
        let status =
            format!("{} {}", response.status, display_format::reason_phrase(response.status));
        let size = display_format::format_bytes(response.size);
        let more = if response.truncated { "; truncated" } else { "" };
        let read = self.page_totals.map(|(pages, items)| {
            format!(
                " · {} on {}",
                display_format::format_number(items),
                display_format::format_count(pages, "page")
            )
        });
        let full =
            format!("{}{} · {time} · {size}{more}", status.trim_end(), read.unwrap_or_default());
        let fits = |end: &usize| full[..*end].chars().count() <= columns;
        let ends = full.match_indices(" · ").map(|(at, _)| at).chain([full.len()]);
        full[..ends.filter(fits).last().unwrap_or(3)].to_owned()
    }

    /// Returns the lines of headers or timing.
    pub fn detail_lines(&self, view: ResponseTab) -> Vec<DetailLine> {
        match view {
            ResponseTab::Headers => self.header_lines(),
            ResponseTab::Timing => timing_lines(&self.exchange),
            ResponseTab::Body | ResponseTab::Raw | ResponseTab::Diff => Vec::new(),
        }
    }

    fn layout_job(&self, view: ResponseTab) -> Option<LayoutJob> {
        let exchange = || Arc::clone(&self.exchange);
        match view {
            ResponseTab::Body | ResponseTab::Raw if self.exchange.response.body.is_empty() => None,
            ResponseTab::Body => Some(LayoutJob::Tree(exchange())),
            ResponseTab::Raw => Some(LayoutJob::Raw(exchange())),
            ResponseTab::Diff => {
                Some(LayoutJob::Diff { before: self.previous.clone()?, after: exchange() })
            }
            ResponseTab::Headers | ResponseTab::Timing => None,
        }
    }

    fn layout_slot(&mut self, view: ResponseTab) -> Option<&mut LayoutState> {
        match view {
            ResponseTab::Body => Some(&mut self.body),
            ResponseTab::Raw => Some(&mut self.raw),
            ResponseTab::Diff => Some(&mut self.diff),
            ResponseTab::Headers | ResponseTab::Timing => None,
        }
    }

    fn header_lines(&self) -> Vec<DetailLine> {
        let response = &self.exchange.response;
        let mut meanings =
            header_explanations::explain_headers(response, self.received_at).into_iter().peekable();
        let mut lines = Vec::new();
        for (name, value) in &response.headers {
            lines.push(DetailLine::Pair(name.clone(), value.clone()));
            let own = meanings.next_if(|known| std::ptr::eq(known.name, name.as_str()));
            lines.extend(own.map(|known| DetailLine::Explanation(known.meaning)));
        }
        lines
    }
}

/// Returns the measured phases of the request and further facts about its connection.
fn timing_lines(exchange: &HttpExchange) -> Vec<DetailLine> {
    let ApiResponse { timing, size, version, url, remarks, .. } = &exchange.response;
    let pair = |(name, value): (&str, String)| DetailLine::Pair(name.to_owned(), value);
    let more = [
        ("size", display_format::format_bytes(*size)),
        ("version", version.clone()),
        ("from", url.clone()),
        ("region", exchange.region.clone()),
    ];
    let remarks = remarks.iter().map(|remark| ("note", remark.to_string()));
    timing.phases().into_iter().chain(more).chain(remarks).map(pair).collect()
}

impl LayoutState {
    fn from_result(laid: Result<FoldableDocument, Problem>) -> Self {
        laid.map_or_else(Self::Failed, |document| Self::Ready(Box::new(document)))
    }
}

impl ResponseCache {
    /// Returns the latest response to the same request with the same credential in the same region.
    pub fn find_matching(&self, exchange: &HttpExchange) -> Option<Arc<HttpExchange>> {
        let is_same = |known: &&Arc<HttpExchange>| {
            known.draft == exchange.draft
                && known.credential == exchange.credential
                && known.region == exchange.region
        };
        self.0.iter().rev().find(is_same).cloned()
    }

    /// Adds a response; the oldest responses are removed to make room.
    pub fn insert(&mut self, exchange: &Arc<HttpExchange>) {
        self.0.push_back(Arc::clone(exchange));
        let bytes = |all: &VecDeque<Arc<HttpExchange>>| {
            all.iter().map(|known| known.response.body.size()).sum::<usize>()
        };
        while self.0.len() > MAX_CACHED_RESPONSES || bytes(&self.0) > MAX_CACHED_BYTES {
            self.0.pop_front();
        }
    }
}

/// Opens the explanation of the refusal that is shown: of the response, or of the latest check
/// of the selected credential in its region or in the one under the cursor.
pub(in crate::tui::app) fn explain_refusal(app: &mut App, now: Now) -> Vec<UiEffect> {
    if app.ui_state.presentation == PresentationMode::On {
        app.activity.notify(
            NotificationLevel::Warning,
            "Not available in presentation mode: the explanation contains names",
            now.instant,
        );
        return Vec::new();
    }
    let response = app.console.response().and_then(|response| {
        let refusal = response.exchange.refusal.clone()?;
        Some((response.exchange.response.status, refusal))
    });
    let region = refused_region(app);
    match (response, region) {
        (Some((status, refusal)), region)
            if region.is_none() || app.ui_state.focus == Pane::Console =>
        {
            open_refusal(app, status, &refusal);
        }
        (_, Some((id, region))) => {
            let task = BackgroundTask::ExplainRefusal(id, region);
            return vec![app.start_hidden_task(task).1];
        }
        _ => notify_no_refusal(app, now),
    }
    Vec::new()
}

/// Opens the explanation of a recorded check.
pub(in crate::tui::app) fn open_recorded_refusal(
    app: &mut App,
    explained: Option<&(u16, Box<RefusalDiagnosis>)>,
    now: Now,
) {
    match explained {
        Some((status, refusal)) => open_refusal(app, *status, refusal),
        None => notify_no_refusal(app, now),
    }
}

/// Returns the selected credential and the region whose refusal is shown: the one under the
/// cursor of the regions, else its own.
pub(in crate::tui::app) fn refused_region(app: &App) -> Option<(CredentialId, String)> {
    let credential = app.selected()?;
    let is_refused =
        |check: &CheckReport| check.result == CheckResult::Refused && check.status.is_some();
    let under_cursor = app
        .catalog
        .regions(&credential.provider)
        .unwrap_or_default()
        .get(app.regions.cursor())
        .filter(|_| app.ui_state.focus == Pane::Regions)
        .filter(|region| app.regions.check_in(&region.id).is_some_and(is_refused));
    let own = credential.last_check.as_ref().is_some_and(is_refused);
    let region = match under_cursor {
        Some(region) => &region.id,
        None if own => &credential.region,
        None => return None,
    };
    Some((credential.id.clone(), region.clone()))
}

fn notify_no_refusal(app: &mut App, now: Now) {
    app.activity.notify(NotificationLevel::Info, "Nothing was refused here", now.instant);
}

fn open_refusal(app: &mut App, status: u16, refusal: &RefusalDiagnosis) {
    let text = TextDialog::new(format!("Why {status}?"), diagnosis_lines(app, refusal));
    let steps = refusal.next_steps.iter().filter_map(step_action).collect();
    app.dialogs.push(text.with_commands(steps));
}

fn diagnosis_lines(
    app: &App,
    RefusalDiagnosis { tried, causes: known, next_steps: next }: &RefusalDiagnosis,
) -> Vec<(StyleRole, String)> {
    let mut lines = vec![heading_line("Tried")];
    lines.extend(tried.iter().map(|line| (StyleRole::Text, format!("  {line}"))));
    lines.push((StyleRole::Text, String::new()));
    lines.push(heading_line("Possible causes   ! likely   ? unknown   - ruled out"));
    lines.extend(known.iter().map(cause_line));
    lines.push((StyleRole::Text, String::new()));
    lines.push(heading_line("Next steps: press"));
    lines.extend(next.iter().map(|step| {
        (StyleRole::Accent, format!("  {:4} {}", step_key_labels(app, step), step.describe()))
    }));
    lines
}

/// Returns the keys that run the step, if there are any.
fn step_key_labels(app: &App, step: &RemedyStep) -> String {
    step_action(step).map(|action| command_label(app, action)).unwrap_or_default()
}

fn command_label(app: &App, action: CommandAction) -> String {
    app.preferences.keys.label(action).unwrap_or_default()
}

/// Returns the command that carries out a step; `None` where none can.
fn step_action(step: &RemedyStep) -> Option<CommandAction> {
    Some(match step {
        RemedyStep::SetClock => return None,
        RemedyStep::ReenterSecret => CommandAction::Credential(CredentialAction::Edit),
        RemedyStep::EditRequest => CommandAction::Console(ConsoleAction::EditRequest),
        RemedyStep::Wait(_) => CommandAction::Console(ConsoleAction::Resend),
        RemedyStep::SwitchRegion(_) => CommandAction::Credential(CredentialAction::PickRegion),
        RemedyStep::ProbeRegions => CommandAction::Credential(CredentialAction::ProbeRegions),
        RemedyStep::OpenProviderPage => CommandAction::Credential(CredentialAction::OpenPage),
        RemedyStep::ListAccess => CommandAction::Console(ConsoleAction::PickPreset),
        RemedyStep::Rotate => CommandAction::Credential(CredentialAction::Rotate),
    })
}

fn heading_line(text: &str) -> (StyleRole, String) {
    (StyleRole::Dim, text.to_owned())
}

fn cause_line(
    CauseAssessment { cause, likelihood: weight, reason }: &CauseAssessment,
) -> (StyleRole, String) {
    let role = match weight {
        Likelihood::Likely => StyleRole::Warn,
        Likelihood::Unknown => StyleRole::Text,
        Likelihood::Unlikely => StyleRole::Dim,
    };
    (role, format!("  {} {}: {reason}", weight.symbol(), cause.title()))
}
