//! The answer to a request, and the ways to look at it: as a tree, as it came, filtered, compared, and its head.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::json::Document;
use super::lay::Typeset;
use super::words;
use crate::domain::problem::Problem;
use crate::domain::rate_limit::RateLimit;
use crate::domain::response::{ApiResponse, ResponseBody};
use crate::domain::{Timestamp, headers};
use crate::engine::message::{CapturedSecret, HttpExchange, TaskId};

/// Bodies up to this size are laid out at once; larger ones in the background.
const LAID_OUT_AT_ONCE: usize = 64 * 1024;
/// So many earlier answers are remembered to be compared with, …
const REMEMBERED: usize = 12;
/// … as long as their bodies together have no more bytes than this.
const REMEMBERED_BYTES: usize = 32 << 20;

/// An answer, ready to be read.
pub struct Answered {
    /// Request and answer.
    pub exchange: Arc<HttpExchange>,
    /// When it came.
    pub at: Timestamp,
    /// Pages and elements, where all pages of a list were read.
    read: Option<(usize, usize)>,
    /// What it says about limits.
    limits: RateLimit,
    /// The body as a tree, or as the lines it has.
    body: Laid,
    raw: Laid,
    changes: Laid,
    filtered: Option<Filtered>,
    /// The answer before this one to the same request.
    before: Option<Arc<HttpExchange>>,
    /// Which of its fresh secrets have been kept under a name that was chosen.
    kept: Vec<usize>,
}

/// What a filter makes of the body.
struct Filtered {
    filter: String,
    laid: Laid,
}

/// A text, ready to be read or about to be.
#[derive(Default)]
pub enum Laid {
    /// Nobody has asked for it yet, or there is none.
    #[default]
    Absent,
    /// It is being laid out by this task.
    Waiting(TaskId),
    /// Here it is.
    Ready(Box<Document>),
    /// It cannot be, and why.
    Failed(Problem),
}

/// The parts of an answer, and the ways to look at its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
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
    Changes,
}

/// A line of headers or timing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// A name and its value.
    Pair(String, String),
    /// What the line before means.
    Meaning(String),
}

/// Answers of this run, to be compared with later ones.
#[derive(Default)]
pub struct Earlier(VecDeque<Arc<HttpExchange>>);

impl View {
    /// Every part, in order.
    pub const ALL: [Self; 5] = [Self::Body, Self::Raw, Self::Headers, Self::Timing, Self::Changes];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Body => "Body",
            Self::Raw => "Raw",
            Self::Headers => "Headers",
            Self::Timing => "Timing",
            Self::Changes => "Diff",
        }
    }

    /// Whether it is a text that is laid out.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Body | Self::Raw | Self::Changes)
    }
}

impl Answered {
    /// An answer nothing of which is laid out yet.
    pub fn new(exchange: Arc<HttpExchange>, at: Timestamp, before: Option<Arc<HttpExchange>>) -> Self {
        let [body, raw, changes] = [Laid::Absent, Laid::Absent, Laid::Absent];
        let limits = RateLimit::from_response(&exchange.response, at);
        Self { exchange, at, read: None, limits, body, raw, changes, filtered: None, before, kept: Vec::new() }
    }

    /// The same of so many pages and elements.
    #[must_use]
    pub fn having_read(mut self, read: Option<(usize, usize)>) -> Self {
        self.read = read;
        self
    }

    /// The parts that there are: a comparison needs something to compare with.
    pub fn views(&self) -> impl Iterator<Item = View> {
        View::ALL.into_iter().filter(|view| *view != View::Changes || self.before.is_some())
    }

    /// The part after this one.
    pub fn view_after(&self, view: View) -> View {
        let views: Vec<_> = self.views().collect();
        let at = views.iter().position(|known| *known == view).unwrap_or(0);
        views[(at + 1) % views.len()]
    }

    /// Lays out what a view shows, unless it is there. What is large comes back, to be done by `later` elsewhere.
    pub fn prepare(&mut self, view: View, later: TaskId) -> Option<Typeset> {
        let layout = self.layout(view)?;
        let slot = self.slot(view).filter(|slot| matches!(slot, Laid::Absent))?;
        if layout.size() <= LAID_OUT_AT_ONCE {
            *slot = Laid::of(layout.run());
            return None;
        }
        *slot = Laid::Waiting(later);
        Some(layout)
    }

    /// Filters the body, by `later`: nobody knows how long a filter computes.
    pub fn filter(&mut self, filter: &str, later: TaskId) -> Typeset {
        self.filtered = Some(Filtered { filter: filter.to_owned(), laid: Laid::Waiting(later) });
        Typeset::Filter(Arc::clone(&self.exchange), filter.to_owned())
    }

    /// Drops the filter; whether there was one.
    pub fn unfilter(&mut self) -> bool {
        self.filtered.take().is_some()
    }

    /// The filter through which the body is seen.
    pub fn filter_text(&self) -> Option<&str> {
        self.filtered.as_ref().map(|filtered| filtered.filter.as_str())
    }

    /// A text has been laid out, if it is still one that is waited for.
    pub fn lay(&mut self, task: TaskId, laid: Result<Box<Document>, Problem>) {
        let filtered = self.filtered.as_mut().map(|filtered| &mut filtered.laid);
        let mut slots = [&mut self.body, &mut self.raw, &mut self.changes].into_iter().chain(filtered);
        if let Some(slot) = slots.find(|slot| matches!(slot, Laid::Waiting(waiting) if *waiting == task)) {
            *slot = laid.map_or_else(Laid::Failed, Laid::Ready);
        }
    }

    /// Whether what a view shows is still being laid out.
    pub fn is_waited_for(&self, view: View) -> bool {
        matches!(self.laid(view), Some(Laid::Waiting(_)))
    }

    /// What a view shows, if it is a text.
    pub fn laid(&self, view: View) -> Option<&Laid> {
        match (view, &self.filtered) {
            (View::Body, Some(filtered)) => Some(&filtered.laid),
            (View::Body, None) => Some(&self.body),
            (View::Raw, _) => Some(&self.raw),
            (View::Changes, _) => Some(&self.changes),
            (View::Headers | View::Timing, _) => None,
        }
    }

    /// The text that a view shows, if it is there to be moved in.
    pub fn document(&mut self, view: View) -> Option<&mut Document> {
        let laid = match view {
            View::Body if self.filtered.is_some() => self.filtered.as_mut().map(|filtered| &mut filtered.laid),
            _ => self.slot(view),
        };
        match laid? {
            Laid::Ready(document) => Some(document),
            Laid::Absent | Laid::Waiting(_) | Laid::Failed(_) => None,
        }
    }

    /// The first fresh secret that has no name yet, and its place.
    pub fn loose(&self) -> Option<(usize, &CapturedSecret)> {
        self.exchange.captured.iter().enumerate().find(|(at, _)| !self.kept.contains(at))
    }

    /// Whether it holds a fresh secret that the provider does not say again and that is kept nowhere else.
    pub fn would_be_lost(&self) -> bool {
        let is_lost = |(at, minted): (usize, &CapturedSecret)| minted.stored.is_none() && !self.kept.contains(&at);
        !self.exchange.draft.method.is_safe() && self.exchange.captured.iter().enumerate().any(is_lost)
    }

    /// A fresh secret has been kept under a name.
    pub fn keep(&mut self, which: usize) {
        self.kept.push(which);
    }

    /// Whether there may be another page: the answer is to a request that reads, and says where the next one is.
    pub fn is_list(&self) -> bool {
        let HttpExchange { draft, response: answer, .. } = self.exchange.as_ref();
        draft.method.is_safe() && matches!(answer.status, 200..300) && answer.body.text().is_some()
    }

    /// What is left of the limits by now.
    pub fn limits(&self, now: Timestamp) -> RateLimit {
        self.limits.after_elapsed(Duration::try_from(now - self.at).unwrap_or_default())
    }

    /// The answer in a line, such as `200 OK · 41 ms · 1.2 kB`: as much of it as fits into so many columns.
    pub fn summary(&self, columns: usize) -> String {
        let answer = &self.exchange.response;
        let time = words::span(Duration::from_millis(answer.timing.total_ms));
        let status = format!("{} {}", answer.status, words::status(answer.status));
        let size = words::size(answer.size);
        let more = if answer.truncated { "; the rest was not read" } else { "" };
        let read = self.read.map(|(pages, items)| format!(" · {} on {}", words::thousands(items), words::count(pages, "page")));
        let full = format!("{}{} · {time} · {size}{more}", status.trim_end(), read.unwrap_or_default());
        let fits = |end: &usize| full[..*end].chars().count() <= columns;
        let ends = full.match_indices(" · ").map(|(at, _)| at).chain([full.len()]);
        full[..ends.filter(fits).last().unwrap_or(3)].to_owned()
    }

    /// Headers or timing, line by line.
    pub fn details(&self, view: View) -> Vec<Detail> {
        match view {
            View::Headers => self.header_lines(),
            View::Timing => timing_lines(&self.exchange),
            View::Body | View::Raw | View::Changes => Vec::new(),
        }
    }

    fn layout(&self, view: View) -> Option<Typeset> {
        let exchange = || Arc::clone(&self.exchange);
        match view {
            View::Body | View::Raw if self.exchange.response.body == ResponseBody::Empty => None,
            View::Body => Some(Typeset::Tree(exchange())),
            View::Raw => Some(Typeset::Raw(exchange())),
            View::Changes => Some(Typeset::Changes { before: self.before.clone()?, after: exchange() }),
            View::Headers | View::Timing => None,
        }
    }

    fn slot(&mut self, view: View) -> Option<&mut Laid> {
        match view {
            View::Body => Some(&mut self.body),
            View::Raw => Some(&mut self.raw),
            View::Changes => Some(&mut self.changes),
            View::Headers | View::Timing => None,
        }
    }

    fn header_lines(&self) -> Vec<Detail> {
        let answer = &self.exchange.response;
        let mut meanings = headers::explain_headers(answer, self.at).into_iter().peekable();
        let mut lines = Vec::new();
        for (name, value) in &answer.headers {
            lines.push(Detail::Pair(name.clone(), value.clone()));
            let own = meanings.next_if(|known| std::ptr::eq(known.name, name.as_str()));
            lines.extend(own.map(|known| Detail::Meaning(known.meaning)));
        }
        lines
    }
}

/// Where the time went, as far as it is known, and what else is known about the way of the request.
fn timing_lines(exchange: &HttpExchange) -> Vec<Detail> {
    let ApiResponse { timing, size, version, url, .. } = &exchange.response;
    let pair = |(name, value): (&str, String)| Detail::Pair(name.to_owned(), value);
    let more =
        [("size", words::size(*size)), ("version", version.clone()), ("from", url.clone()), ("region", exchange.region.clone())];
    timing.phases().into_iter().chain(more).map(pair).collect()
}

impl Laid {
    fn of(laid: Result<Document, Problem>) -> Self {
        laid.map_or_else(Self::Failed, |document| Self::Ready(Box::new(document)))
    }
}

impl Earlier {
    /// The last answer to the same request with the same credential in the same region.
    pub fn to_the_same(&self, exchange: &HttpExchange) -> Option<Arc<HttpExchange>> {
        let is_same = |known: &&Arc<HttpExchange>| {
            known.draft == exchange.draft && known.credential == exchange.credential && known.region == exchange.region
        };
        self.0.iter().rev().find(is_same).cloned()
    }

    /// Remembers an answer; the oldest make room.
    pub fn remember(&mut self, exchange: &Arc<HttpExchange>) {
        self.0.push_back(Arc::clone(exchange));
        let bytes = |all: &VecDeque<Arc<HttpExchange>>| all.iter().map(|known| known.response.body.size()).sum::<usize>();
        while self.0.len() > REMEMBERED || bytes(&self.0) > REMEMBERED_BYTES {
            self.0.pop_front();
        }
    }
}
