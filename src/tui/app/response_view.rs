//! The answer to a request, and the ways to look at it: as a tree, as it came, filtered, compared, and its head.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::display_format;
use super::json::FoldableDocument;
use super::layout_job::LayoutJob;
use crate::domain::problem::Problem;
use crate::domain::rate_limit::RateLimit;
use crate::domain::response::{ApiResponse, ResponseBody};
use crate::domain::{Timestamp, header_explanations};
use crate::engine::task_protocol::{CapturedSecret, HttpExchange, TaskId};

/// Bodies up to this size are laid out at once; larger ones in the background.
const MAX_INLINE_LAYOUT_BYTES: usize = 64 * 1024;
/// So many earlier answers are remembered to be compared with, …
const MAX_CACHED_RESPONSES: usize = 12;
/// … as long as their bodies together have no more bytes than this.
const MAX_CACHED_BYTES: usize = 32 << 20;

/// An answer, ready to be read.
pub struct ResponseView {
    /// Request and answer.
    pub exchange: Arc<HttpExchange>,
    /// When it came.
    pub received_at: Timestamp,
    /// Pages and elements, where all pages of a list were read.
    page_totals: Option<(usize, usize)>,
    /// What it says about limits.
    limits: RateLimit,
    /// The body as a tree, or as the lines it has.
    body: LayoutState,
    raw: LayoutState,
    diff: LayoutState,
    filtered: Option<FilteredBody>,
    /// The answer before this one to the same request.
    previous: Option<Arc<HttpExchange>>,
    /// Which of its fresh secrets have been kept under a name that was chosen.
    saved_secrets: Vec<usize>,
}

/// What a filter makes of the body.
struct FilteredBody {
    filter: String,
    layout: LayoutState,
}

/// A text, ready to be read or about to be.
#[derive(Default)]
pub enum LayoutState {
    /// Nobody has asked for it yet, or there is none.
    #[default]
    Absent,
    /// It is being laid out by this task.
    Pending(TaskId),
    /// Here it is.
    Ready(Box<FoldableDocument>),
    /// It cannot be, and why.
    Failed(Problem),
}

/// The parts of an answer, and the ways to look at its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseTab {
    /// The body as a tree.
    #[default]
    Body,
    /// The body as it came.
    Raw,
    /// The headers.
    Headers,
    /// Where the time went.
    Timing,
    /// What changed since the same request was answered before.
    Diff,
}

/// A line of headers or timing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetailLine {
    /// A name and its value.
    Pair(String, String),
    /// What the line before means.
    Explanation(String),
}

/// Answers of this run, to be compared with later ones.
#[derive(Default)]
pub struct ResponseCache(VecDeque<Arc<HttpExchange>>);

impl ResponseTab {
    /// Every part, in order.
    pub const ALL: [Self; 5] = [Self::Body, Self::Raw, Self::Headers, Self::Timing, Self::Diff];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Body => "Body",
            Self::Raw => "Raw",
            Self::Headers => "Headers",
            Self::Timing => "Timing",
            Self::Diff => "Diff",
        }
    }

    /// Whether it is a text that is laid out.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Body | Self::Raw | Self::Diff)
    }
}

impl ResponseView {
    /// An answer nothing of which is laid out yet.
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

    /// The same of so many pages and elements.
    #[must_use]
    pub fn with_page_totals(mut self, read: Option<(usize, usize)>) -> Self {
        self.page_totals = read;
        self
    }

    /// The parts that there are: a comparison needs something to compare with.
    pub fn tabs(&self) -> impl Iterator<Item = ResponseTab> {
        ResponseTab::ALL
            .into_iter()
            .filter(|view| *view != ResponseTab::Diff || self.previous.is_some())
    }

    /// The part after this one.
    pub fn next_tab(&self, view: ResponseTab) -> ResponseTab {
        let views: Vec<_> = self.tabs().collect();
        let at = views.iter().position(|known| *known == view).unwrap_or(0);
        views[(at + 1) % views.len()]
    }

    /// Lays out what a view shows, unless it is there. What is large comes back, to be done by `later` elsewhere.
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

    /// Filters the body, by `later`: nobody knows how long a filter computes.
    pub fn start_filter(&mut self, filter: &str, later: TaskId) -> LayoutJob {
        self.filtered =
            Some(FilteredBody { filter: filter.to_owned(), layout: LayoutState::Pending(later) });
        LayoutJob::Filter(Arc::clone(&self.exchange), filter.to_owned())
    }

    /// Drops the filter; whether there was one.
    pub fn clear_filter(&mut self) -> bool {
        self.filtered.take().is_some()
    }

    /// The filter through which the body is seen.
    pub fn filter_text(&self) -> Option<&str> {
        self.filtered.as_ref().map(|filtered| filtered.filter.as_str())
    }

    /// A text has been laid out, if it is still one that is waited for.
    pub fn set_layout(&mut self, task: TaskId, laid: Result<Box<FoldableDocument>, Problem>) {
        let filtered = self.filtered.as_mut().map(|filtered| &mut filtered.layout);
        let mut slots = [&mut self.body, &mut self.raw, &mut self.diff].into_iter().chain(filtered);
        if let Some(slot) =
            slots.find(|slot| matches!(slot, LayoutState::Pending(waiting) if *waiting == task))
        {
            *slot = laid.map_or_else(LayoutState::Failed, LayoutState::Ready);
        }
    }

    /// Whether what a view shows is still being laid out.
    pub fn layout_pending(&self, view: ResponseTab) -> bool {
        matches!(self.layout_state(view), Some(LayoutState::Pending(_)))
    }

    /// What a view shows, if it is a text.
    pub fn layout_state(&self, view: ResponseTab) -> Option<&LayoutState> {
        match (view, &self.filtered) {
            (ResponseTab::Body, Some(filtered)) => Some(&filtered.layout),
            (ResponseTab::Body, None) => Some(&self.body),
            (ResponseTab::Raw, _) => Some(&self.raw),
            (ResponseTab::Diff, _) => Some(&self.diff),
            (ResponseTab::Headers | ResponseTab::Timing, _) => None,
        }
    }

    /// The text that a view shows, if it is there to be moved in.
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

    /// The first fresh secret that has no name yet, and its place.
    pub fn unsaved_secret(&self) -> Option<(usize, &CapturedSecret)> {
        self.exchange.captured.iter().enumerate().find(|(at, _)| !self.saved_secrets.contains(at))
    }

    /// Whether it holds a fresh secret that the provider does not say again and that is kept nowhere else.
    pub fn has_unsaved_secret(&self) -> bool {
        let is_lost = |(at, minted): (usize, &CapturedSecret)| {
            minted.stored.is_none() && !self.saved_secrets.contains(&at)
        };
        !self.exchange.draft.method.is_safe()
            && self.exchange.captured.iter().enumerate().any(is_lost)
    }

    /// A fresh secret has been kept under a name.
    pub fn mark_secret_saved(&mut self, which: usize) {
        self.saved_secrets.push(which);
    }

    /// Whether there may be another page: the answer is to a request that reads, and says where the next one is.
    pub fn may_have_next_page(&self) -> bool {
        let HttpExchange { draft, response: answer, .. } = self.exchange.as_ref();
        draft.method.is_safe() && matches!(answer.status, 200..300) && answer.body.text().is_some()
    }

    /// What is left of the limits by now.
    pub fn limits(&self, now: Timestamp) -> RateLimit {
        self.limits.after_elapsed(Duration::try_from(now - self.received_at).unwrap_or_default())
    }

    /// The answer in a line, such as `200 OK · 41 ms · 1.2 kB`: as much of it as fits into so many columns.
    pub fn summary(&self, columns: usize) -> String {
        let answer = &self.exchange.response;
        let time = display_format::format_duration(Duration::from_millis(answer.timing.total_ms));
        let status = format!("{} {}", answer.status, display_format::reason_phrase(answer.status));
        let size = display_format::format_bytes(answer.size);
        let more = if answer.truncated { "; the rest was not read" } else { "" };
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

    /// Headers or timing, line by line.
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
            ResponseTab::Body | ResponseTab::Raw
                if self.exchange.response.body == ResponseBody::Empty =>
            {
                None
            }
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
        let answer = &self.exchange.response;
        let mut meanings =
            header_explanations::explain_headers(answer, self.received_at).into_iter().peekable();
        let mut lines = Vec::new();
        for (name, value) in &answer.headers {
            lines.push(DetailLine::Pair(name.clone(), value.clone()));
            let own = meanings.next_if(|known| std::ptr::eq(known.name, name.as_str()));
            lines.extend(own.map(|known| DetailLine::Explanation(known.meaning)));
        }
        lines
    }
}

/// Where the time went, as far as it is known, and what else is known about the way of the request.
fn timing_lines(exchange: &HttpExchange) -> Vec<DetailLine> {
    let ApiResponse { timing, size, version, url, .. } = &exchange.response;
    let pair = |(name, value): (&str, String)| DetailLine::Pair(name.to_owned(), value);
    let more = [
        ("size", display_format::format_bytes(*size)),
        ("version", version.clone()),
        ("from", url.clone()),
        ("region", exchange.region.clone()),
    ];
    timing.phases().into_iter().chain(more).map(pair).collect()
}

impl LayoutState {
    fn from_result(laid: Result<FoldableDocument, Problem>) -> Self {
        laid.map_or_else(Self::Failed, |document| Self::Ready(Box::new(document)))
    }
}

impl ResponseCache {
    /// The last answer to the same request with the same credential in the same region.
    pub fn find_matching(&self, exchange: &HttpExchange) -> Option<Arc<HttpExchange>> {
        let is_same = |known: &&Arc<HttpExchange>| {
            known.draft == exchange.draft
                && known.credential == exchange.credential
                && known.region == exchange.region
        };
        self.0.iter().rev().find(is_same).cloned()
    }

    /// Remembers an answer; the oldest make room.
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
