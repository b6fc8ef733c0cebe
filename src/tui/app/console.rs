//! The console: a request, and the answer to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tui_input::Input;

use super::Now;
use super::answer::{Answered, Earlier, Laid, View};
use super::attempt::Shelf;
use super::json::{Document, Matches};
use super::lay::Typeset;
use super::learned::Learned;
use crate::domain::problem::Problem;
use crate::domain::provider::{ProviderCatalog, RequestPreset};
use crate::domain::request::RequestDraft;
use crate::domain::{Credential, CredentialId};
use crate::engine::message::{HistoryPolicy, HttpExchange, TaskId};

/// So many filters are remembered.
const FILTERS: usize = 100;

/// The console pane.
#[derive(Default)]
pub struct Console {
    chosen: Option<Chosen>,
    /// What became of the last request.
    pub outcome: Outcome,
    /// Which part of the answer is shown.
    pub view: View,
    /// What is typed below the answer.
    pub prompt: Option<Prompt>,
    /// The first line of headers or timing that is shown.
    pub scroll: usize,
    /// What earlier answers taught.
    pub learned: Learned,
    /// The answer that is being searched for more.
    pub studied: Option<Arc<HttpExchange>>,
    /// How many requests have been sent.
    pub sent: usize,
    /// The filters that were used, the newest last.
    filters: Vec<String>,
    earlier: Earlier,
    /// The list that a dialog waits for.
    pub shelf: Option<(TaskId, Shelf)>,
}

/// A line that is typed below the answer.
pub struct Prompt {
    /// What for.
    pub purpose: Purpose,
    /// What has been typed.
    pub input: Input,
    /// How many filters back the shown one is.
    back: usize,
}

/// What is typed below the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A text to search for.
    Search,
    /// A jq filter.
    Filter,
}

/// A request that a person chose or wrote, for credentials of one provider.
struct Chosen {
    provider: String,
    request: Request,
}

/// A request that a person chose or wrote.
enum Request {
    /// A ready-made one, with values for its placeholders.
    Preset(String, BTreeMap<String, String>),
    /// One written by hand, and what of it the history keeps.
    Written(RequestDraft, HistoryPolicy),
}

/// A request, as far as it can be made.
pub enum Ready {
    /// It can be sent.
    Draft(RequestDraft),
    /// A ready-made one some of whose placeholders have no value yet.
    Open(Box<RequestPreset>),
}

/// What became of the last request.
#[derive(Default)]
pub enum Outcome {
    /// Nothing was sent yet.
    #[default]
    Nothing,
    /// It is on its way.
    Sending(Sending),
    /// There is an answer.
    Answered(Box<Answered>),
    /// There is none, and why.
    Failed(CredentialId, Problem),
    /// It was cancelled.
    Cancelled(CredentialId),
}

/// A request that is on its way.
pub struct Sending {
    /// The task that brings the answer.
    pub task: TaskId,
    /// With which credential.
    pub credential: CredentialId,
    /// Since when.
    pub since: Instant,
    /// Pages and elements that have been read so far, where all pages are.
    pub read: Option<(usize, usize)>,
    /// The answer that was shown before; it comes back when this request is cancelled.
    before: Option<Box<Answered>>,
}

impl Console {
    /// Takes a ready-made request, with the values given for its placeholders.
    pub fn choose(&mut self, provider: &str, preset: &str, given: BTreeMap<String, String>) {
        let request = Request::Preset(preset.to_owned(), given);
        self.chosen = Some(Chosen { provider: provider.to_owned(), request });
    }

    /// Takes a request that a person wrote.
    pub fn write(&mut self, provider: &str, draft: RequestDraft, keep: HistoryPolicy) {
        self.chosen = Some(Chosen { provider: provider.to_owned(), request: Request::Written(draft, keep) });
    }

    /// What of the request for credentials of this provider the history keeps.
    pub fn keep(&self, provider: &str) -> HistoryPolicy {
        match self.chosen.as_ref().filter(|chosen| chosen.provider == provider).map(|chosen| &chosen.request) {
            Some(Request::Written(_, keep)) => *keep,
            Some(Request::Preset(..)) | None => HistoryPolicy::WithoutBody,
        }
    }

    /// The values that were given for the placeholders of the request.
    pub fn given(&self) -> BTreeMap<String, String> {
        match self.chosen.as_ref().map(|chosen| &chosen.request) {
            Some(Request::Preset(_, given)) => given.clone(),
            Some(Request::Written(..)) | None => BTreeMap::new(),
        }
    }

    /// The request for a credential: the one that was chosen for its provider, else the one that checks its kind.
    pub fn request_for(&self, credential: &Credential, catalogue: &ProviderCatalog) -> Option<Ready> {
        let chosen = self.chosen.as_ref().filter(|chosen| chosen.provider == credential.provider);
        let nothing = BTreeMap::new();
        let (preset, given) = match chosen.map(|chosen| &chosen.request) {
            Some(Request::Written(draft, _)) => return Some(Ready::Draft(draft.clone())),
            Some(Request::Preset(id, given)) => (catalogue.preset(&credential.provider, id).ok()?, given),
            None => (check_preset(credential, catalogue)?, &nothing),
        };
        Some(match preset.to_draft(&[given, &credential.fields]) {
            Ok(draft) => Ready::Draft(draft),
            Err(_) => Ready::Open(Box::new(preset.clone())),
        })
    }

    /// Forgets what was chosen; the kind's check is shown again.
    pub fn reset_draft(&mut self) {
        self.chosen = None;
    }

    /// The fresh secret at this place of the answer has been kept.
    pub fn kept(&mut self, which: usize) {
        if let Some(answered) = self.answered_mut() {
            answered.keep(which);
        }
    }

    /// Waits for the answer to a request.
    pub fn wait(&mut self, task: TaskId, credential: CredentialId, now: Instant) {
        let before = match std::mem::take(&mut self.outcome) {
            Outcome::Answered(answered) => Some(answered),
            Outcome::Sending(sending) => sending.before,
            Outcome::Nothing | Outcome::Failed(..) | Outcome::Cancelled(_) => None,
        };
        self.outcome = Outcome::Sending(Sending { task, credential, since: now, read: None, before });
        (self.prompt, self.scroll) = (None, 0);
        if self.view == View::Changes {
            self.view = View::Body;
        }
        self.sent += 1;
    }

    /// Whether this task is to bring the answer.
    pub fn waits_for(&self, task: TaskId) -> bool {
        matches!(&self.outcome, Outcome::Sending(sending) if sending.task == task)
    }

    /// So many pages and elements have been read.
    pub fn read(&mut self, task: TaskId, pages: usize, items: usize) {
        if let Outcome::Sending(sending) = &mut self.outcome
            && sending.task == task
        {
            sending.read = Some((pages, items));
        }
    }

    /// Takes the answer in. A body that is too large to be laid out at once comes back; `later` will bring it.
    pub fn answer(&mut self, exchange: Arc<HttpExchange>, now: Now, later: TaskId) -> Option<Typeset> {
        let before = self.earlier.to_the_same(&exchange);
        self.earlier.remember(&exchange);
        let read = if let Outcome::Sending(sending) = &self.outcome { sending.read } else { None };
        let answered = Answered::new(exchange, now.wall, before).having_read(read);
        self.outcome = Outcome::Answered(Box::new(answered));
        let layout = self.prepare(later);
        self.go_to_list();
        layout
    }

    /// Lays out what the view shows, unless it is there. What is large comes back, to be done by `later` elsewhere.
    pub fn prepare(&mut self, later: TaskId) -> Option<Typeset> {
        let view = self.view;
        self.answered_mut()?.prepare(view, later)
    }

    /// A text has been laid out, if it is still one that is waited for.
    pub fn lay(&mut self, task: TaskId, laid: Result<Box<Document>, Problem>) {
        if let Some(answered) = self.answered_mut() {
            answered.lay(task, laid);
        }
        self.go_to_list();
    }

    /// Filters the body of the answer; the layout is for `later` to bring.
    pub fn filter(&mut self, filter: &str, later: TaskId) -> Option<Typeset> {
        self.filters.retain(|known| known != filter);
        self.filters.push(filter.to_owned());
        let surplus = self.filters.len().saturating_sub(FILTERS);
        self.filters.drain(..surplus);
        self.view = View::Body;
        Some(self.answered_mut()?.filter(filter, later))
    }

    /// Drops the filter, else ends the search.
    pub fn drop_filter(&mut self) {
        let view = self.view;
        let Some(answered) = self.answered_mut() else { return };
        if !answered.unfilter()
            && let Some(document) = answered.document(view)
        {
            document.search("");
        }
    }

    /// Begins to type below the answer. A filter goes on from the one that is used.
    pub fn ask(&mut self, purpose: Purpose) {
        let before = match purpose {
            Purpose::Search => "",
            Purpose::Filter => self.answered().and_then(Answered::filter_text).unwrap_or(""),
        };
        // From the newest filter, one goes back to the one before it.
        let is_newest = purpose == Purpose::Filter && self.filters.last().is_some_and(|newest| newest == before);
        self.prompt = Some(Prompt { purpose, input: Input::new(before.to_owned()), back: usize::from(is_newest) });
    }

    /// Brings an earlier filter back, or a later one: so many steps from the one that is shown.
    pub fn recall(&mut self, steps: isize) {
        let Some(prompt) = self.prompt.as_mut().filter(|prompt| prompt.purpose == Purpose::Filter) else { return };
        prompt.back = prompt.back.saturating_add_signed(steps).min(self.filters.len());
        let at = self.filters.len() - prompt.back;
        prompt.input = Input::new(self.filters.get(at).cloned().unwrap_or_default());
    }

    /// The request failed.
    pub fn fail(&mut self, problem: Problem) {
        if let Outcome::Sending(sending) = &self.outcome {
            self.outcome = Outcome::Failed(sending.credential.clone(), problem);
        }
    }

    /// The request was cancelled; what was shown before is shown again.
    pub fn cancel(&mut self) {
        if let Outcome::Sending(sending) = &mut self.outcome {
            self.outcome = match sending.before.take() {
                Some(before) => Outcome::Answered(before),
                None => Outcome::Cancelled(sending.credential.clone()),
            };
        }
    }

    /// What became of the last request, if it was sent with this credential.
    pub fn outcome_for(&self, credential: &CredentialId) -> &Outcome {
        let of = match &self.outcome {
            Outcome::Nothing => return &Outcome::Nothing,
            Outcome::Sending(Sending { credential: of, .. }) | Outcome::Failed(of, _) | Outcome::Cancelled(of) => of,
            Outcome::Answered(answered) => &answered.exchange.credential,
        };
        if of == credential { &self.outcome } else { &Outcome::Nothing }
    }

    /// What a search found in the text that is shown.
    pub fn found(&self) -> Option<Matches> {
        match self.answered()?.laid(self.view)? {
            Laid::Ready(document) => document.matches(),
            Laid::Absent | Laid::Waiting(_) | Laid::Failed(_) => None,
        }
    }

    /// When what is told of the limits of the shown answer changes.
    pub fn next_wake(&self, credential: &CredentialId, now: Now) -> Option<Instant> {
        let Outcome::Answered(answered) = self.outcome_for(credential) else { return None };
        answered.limits(now.wall).next_text_change().map(|step| now.instant + step)
    }

    /// Whether the answer that is shown is still being searched.
    pub fn is_studying(&self) -> bool {
        let shown = self.answered().map(|answered| &answered.exchange);
        shown.zip(self.studied.as_ref()).is_some_and(|(shown, studied)| Arc::ptr_eq(shown, studied))
    }

    /// The answer to the last request.
    pub fn answered(&self) -> Option<&Answered> {
        match &self.outcome {
            Outcome::Answered(answered) => Some(answered),
            _ => None,
        }
    }

    /// The text that is shown, if it is there to be moved in.
    pub fn document(&mut self) -> Option<&mut Document> {
        let view = self.view;
        self.answered_mut()?.document(view)
    }

    fn answered_mut(&mut self) -> Option<&mut Answered> {
        match &mut self.outcome {
            Outcome::Answered(answered) => Some(answered),
            _ => None,
        }
    }

    /// From the first element of a list, one goes on with Enter.
    pub fn go_to_list(&mut self) {
        let lists: Vec<_> = self.learned.lists().map(str::to_owned).collect();
        let is_plain = self.view == View::Body && self.answered().is_some_and(|answered| answered.filter_text().is_none());
        if let Some(document) = self.document().filter(|document| is_plain && document.cursor() == 0) {
            let _ = lists.iter().any(|list| document.go_to_first(list));
        }
    }
}

/// The preset that tells whether a credential works.
pub fn check_preset<'a>(credential: &Credential, catalogue: &'a ProviderCatalog) -> Option<&'a RequestPreset> {
    let kind = catalogue.kind(&credential.provider, &credential.kind).ok()?;
    catalogue.preset(&credential.provider, &kind.check).ok()
}
