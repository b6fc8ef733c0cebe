//! The console: a request, and the answer to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tui_input::Input;

use super::Now;
use super::console_commands::RequestList;
use super::json::{FoldableDocument, SearchMatches};
use super::layout_job::LayoutJob;
use super::parameter_memory::ParameterMemory;
use super::response_view::{LayoutState, ResponseCache, ResponseTab, ResponseView};
use crate::domain::problem::Problem;
use crate::domain::provider::{ProviderCatalog, RequestPreset};
use crate::domain::request::RequestDraft;
use crate::domain::{Credential, CredentialId};
use crate::engine::task_protocol::{HistoryPolicy, HttpExchange, TaskId};

/// So many filters are remembered.
const MAX_FILTER_HISTORY: usize = 100;

/// The console pane.
#[derive(Default)]
pub struct ConsolePane {
    selected_request: Option<SelectedRequest>,
    /// What became of the last request.
    pub request_state: RequestState,
    /// Which part of the answer is shown.
    pub tab: ResponseTab,
    /// What is typed below the answer.
    pub prompt: Option<ConsolePrompt>,
    /// The first line of headers or timing that is shown.
    pub scroll: usize,
    /// What earlier answers taught.
    pub parameters: ParameterMemory,
    /// The answer that is being searched for more.
    pub pending_extraction: Option<Arc<HttpExchange>>,
    /// How many requests have been sent.
    pub sent_count: usize,
    /// The filters that were used, the newest last.
    filter_history: Vec<String>,
    earlier_responses: ResponseCache,
    /// The list that a dialog waits for.
    pub awaited_list: Option<(TaskId, RequestList)>,
}

/// A line that is typed below the answer.
pub struct ConsolePrompt {
    /// What for.
    pub kind: ConsolePromptKind,
    /// What has been typed.
    pub input: Input,
    /// How many filters back the shown one is.
    history_offset: usize,
}

/// What is typed below the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsolePromptKind {
    /// A text to search for.
    Search,
    /// A jq filter.
    Filter,
}

/// A request that a person chose or wrote, for credentials of one provider.
struct SelectedRequest {
    provider: String,
    request: RequestSource,
}

/// A request that a person chose or wrote.
enum RequestSource {
    /// A ready-made one, with values for its placeholders.
    Preset(String, BTreeMap<String, String>),
    /// One written by hand, and what of it the history keeps.
    Custom(RequestDraft, HistoryPolicy),
}

/// A request, as far as it can be made.
pub enum RequestReadiness {
    /// It can be sent.
    Ready(RequestDraft),
    /// A ready-made one some of whose placeholders have no value yet.
    MissingParameters(Box<RequestPreset>),
}

/// What became of the last request.
#[derive(Default)]
pub enum RequestState {
    /// Nothing was sent yet.
    #[default]
    Idle,
    /// It is on its way.
    Sending(InFlightRequest),
    /// There is an answer.
    Completed(Box<ResponseView>),
    /// There is none, and why.
    Failed(CredentialId, Problem),
    /// It was cancelled.
    Canceled(CredentialId),
}

/// A request that is on its way.
pub struct InFlightRequest {
    /// The task that brings the answer.
    pub task: TaskId,
    /// With which credential.
    pub credential: CredentialId,
    /// Since when.
    pub since: Instant,
    /// Pages and elements that have been read so far, where all pages are.
    pub page_progress: Option<(usize, usize)>,
    /// The answer that was shown before; it comes back when this request is cancelled.
    previous_response: Option<Box<ResponseView>>,
}

impl ConsolePane {
    /// Takes a ready-made request, with the values given for its placeholders.
    pub fn select_preset(&mut self, provider: &str, preset: &str, given: BTreeMap<String, String>) {
        let request = RequestSource::Preset(preset.to_owned(), given);
        self.selected_request = Some(SelectedRequest { provider: provider.to_owned(), request });
    }

    /// Takes a request that a person wrote.
    pub fn set_request(&mut self, provider: &str, draft: RequestDraft, keep: HistoryPolicy) {
        self.selected_request = Some(SelectedRequest {
            provider: provider.to_owned(),
            request: RequestSource::Custom(draft, keep),
        });
    }

    /// What of the request for credentials of this provider the history keeps.
    pub fn history_policy(&self, provider: &str) -> HistoryPolicy {
        match self
            .selected_request
            .as_ref()
            .filter(|chosen| chosen.provider == provider)
            .map(|chosen| &chosen.request)
        {
            Some(RequestSource::Custom(_, keep)) => *keep,
            Some(RequestSource::Preset(..)) | None => HistoryPolicy::WithoutBody,
        }
    }

    /// The values that were given for the placeholders of the request.
    pub fn given_values(&self) -> BTreeMap<String, String> {
        match self.selected_request.as_ref().map(|chosen| &chosen.request) {
            Some(RequestSource::Preset(_, given)) => given.clone(),
            Some(RequestSource::Custom(..)) | None => BTreeMap::new(),
        }
    }

    /// The request for a credential: the one that was chosen for its provider, else the one that checks its kind.
    pub fn request_for(
        &self,
        credential: &Credential,
        catalogue: &ProviderCatalog,
    ) -> Option<RequestReadiness> {
        let chosen =
            self.selected_request.as_ref().filter(|chosen| chosen.provider == credential.provider);
        let nothing = BTreeMap::new();
        let (preset, given) = match chosen.map(|chosen| &chosen.request) {
            Some(RequestSource::Custom(draft, _)) => {
                return Some(RequestReadiness::Ready(draft.clone()));
            }
            Some(RequestSource::Preset(id, given)) => {
                (catalogue.preset(&credential.provider, id).ok()?, given)
            }
            None => (check_preset(credential, catalogue)?, &nothing),
        };
        Some(match preset.to_draft(&[given, &credential.fields]) {
            Ok(draft) => RequestReadiness::Ready(draft),
            Err(_) => RequestReadiness::MissingParameters(Box::new(preset.clone())),
        })
    }

    /// Forgets what was chosen; the kind's check is shown again.
    pub fn reset_request(&mut self) {
        self.selected_request = None;
    }

    /// The fresh secret at this place of the answer has been kept.
    pub fn mark_secret_saved(&mut self, which: usize) {
        if let Some(answered) = self.response_mut() {
            answered.mark_secret_saved(which);
        }
    }

    /// Waits for the answer to a request.
    pub fn begin_request(&mut self, task: TaskId, credential: CredentialId, now: Instant) {
        let before = match std::mem::take(&mut self.request_state) {
            RequestState::Completed(answered) => Some(answered),
            RequestState::Sending(sending) => sending.previous_response,
            RequestState::Idle | RequestState::Failed(..) | RequestState::Canceled(_) => None,
        };
        self.request_state = RequestState::Sending(InFlightRequest {
            task,
            credential,
            since: now,
            page_progress: None,
            previous_response: before,
        });
        (self.prompt, self.scroll) = (None, 0);
        if self.tab == ResponseTab::Diff {
            self.tab = ResponseTab::Body;
        }
        self.sent_count += 1;
    }

    /// Whether this task is to bring the answer.
    pub fn waits_for(&self, task: TaskId) -> bool {
        matches!(&self.request_state, RequestState::Sending(sending) if sending.task == task)
    }

    /// So many pages and elements have been read.
    pub fn set_progress(&mut self, task: TaskId, pages: usize, items: usize) {
        if let RequestState::Sending(sending) = &mut self.request_state
            && sending.task == task
        {
            sending.page_progress = Some((pages, items));
        }
    }

    /// Takes the answer in. A body that is too large to be laid out at once comes back; `later` will bring it.
    pub fn handle_response(
        &mut self,
        exchange: Arc<HttpExchange>,
        now: Now,
        later: TaskId,
    ) -> Option<LayoutJob> {
        let before = self.earlier_responses.find_matching(&exchange);
        self.earlier_responses.insert(&exchange);
        let read = if let RequestState::Sending(sending) = &self.request_state {
            sending.page_progress
        } else {
            None
        };
        let answered = ResponseView::new(exchange, now.wall, before).with_page_totals(read);
        self.request_state = RequestState::Completed(Box::new(answered));
        let layout = self.prepare_layout(later);
        self.move_to_first_element();
        layout
    }

    /// Lays out what the view shows, unless it is there. What is large comes back, to be done by `later` elsewhere.
    pub fn prepare_layout(&mut self, later: TaskId) -> Option<LayoutJob> {
        let view = self.tab;
        self.response_mut()?.prepare_layout(view, later)
    }

    /// A text has been laid out, if it is still one that is waited for.
    pub fn set_layout(&mut self, task: TaskId, laid: Result<Box<FoldableDocument>, Problem>) {
        if let Some(answered) = self.response_mut() {
            answered.set_layout(task, laid);
        }
        self.move_to_first_element();
    }

    /// Filters the body of the answer; the layout is for `later` to bring.
    pub fn start_filter(&mut self, filter: &str, later: TaskId) -> Option<LayoutJob> {
        self.filter_history.retain(|known| known != filter);
        self.filter_history.push(filter.to_owned());
        let surplus = self.filter_history.len().saturating_sub(MAX_FILTER_HISTORY);
        self.filter_history.drain(..surplus);
        self.tab = ResponseTab::Body;
        Some(self.response_mut()?.start_filter(filter, later))
    }

    /// Drops the filter, else ends the search.
    pub fn clear_filter(&mut self) {
        let view = self.tab;
        let Some(answered) = self.response_mut() else { return };
        if !answered.clear_filter()
            && let Some(document) = answered.document(view)
        {
            document.search("");
        }
    }

    /// Begins to type below the answer. A filter goes on from the one that is used.
    pub fn open_prompt(&mut self, purpose: ConsolePromptKind) {
        let before = match purpose {
            ConsolePromptKind::Search => "",
            ConsolePromptKind::Filter => {
                self.response().and_then(ResponseView::filter_text).unwrap_or("")
            }
        };
        // From the newest filter, one goes back to the one before it.
        let is_newest = purpose == ConsolePromptKind::Filter
            && self.filter_history.last().is_some_and(|newest| newest == before);
        self.prompt = Some(ConsolePrompt {
            kind: purpose,
            input: Input::new(before.to_owned()),
            history_offset: usize::from(is_newest),
        });
    }

    /// Brings an earlier filter back, or a later one: so many steps from the one that is shown.
    pub fn recall_filter(&mut self, steps: isize) {
        let Some(prompt) =
            self.prompt.as_mut().filter(|prompt| prompt.kind == ConsolePromptKind::Filter)
        else {
            return;
        };
        prompt.history_offset =
            prompt.history_offset.saturating_add_signed(steps).min(self.filter_history.len());
        let at = self.filter_history.len() - prompt.history_offset;
        prompt.input = Input::new(self.filter_history.get(at).cloned().unwrap_or_default());
    }

    /// The request failed.
    pub fn fail(&mut self, problem: Problem) {
        if let RequestState::Sending(sending) = &self.request_state {
            self.request_state = RequestState::Failed(sending.credential.clone(), problem);
        }
    }

    /// The request was cancelled; what was shown before is shown again.
    pub fn cancel(&mut self) {
        if let RequestState::Sending(sending) = &mut self.request_state {
            self.request_state = match sending.previous_response.take() {
                Some(before) => RequestState::Completed(before),
                None => RequestState::Canceled(sending.credential.clone()),
            };
        }
    }

    /// What became of the last request, if it was sent with this credential.
    pub fn state_for(&self, credential: &CredentialId) -> &RequestState {
        let of = match &self.request_state {
            RequestState::Idle => return &RequestState::Idle,
            RequestState::Sending(InFlightRequest { credential: of, .. })
            | RequestState::Failed(of, _)
            | RequestState::Canceled(of) => of,
            RequestState::Completed(answered) => &answered.exchange.credential,
        };
        if of == credential { &self.request_state } else { &RequestState::Idle }
    }

    /// What a search found in the text that is shown.
    pub fn search_matches(&self) -> Option<SearchMatches> {
        match self.response()?.layout_state(self.tab)? {
            LayoutState::Ready(document) => document.search_matches(),
            LayoutState::Absent | LayoutState::Pending(_) | LayoutState::Failed(_) => None,
        }
    }

    /// When what is told of the limits of the shown answer changes.
    pub fn next_wake(&self, credential: &CredentialId, now: Now) -> Option<Instant> {
        let RequestState::Completed(answered) = self.state_for(credential) else { return None };
        answered.limits(now.wall).next_text_change().map(|step| now.instant + step)
    }

    /// Whether the answer that is shown is still being searched.
    pub fn extraction_pending(&self) -> bool {
        let shown = self.response().map(|answered| &answered.exchange);
        shown
            .zip(self.pending_extraction.as_ref())
            .is_some_and(|(shown, studied)| Arc::ptr_eq(shown, studied))
    }

    /// The answer to the last request.
    pub fn response(&self) -> Option<&ResponseView> {
        match &self.request_state {
            RequestState::Completed(answered) => Some(answered),
            _ => None,
        }
    }

    /// The text that is shown, if it is there to be moved in.
    pub fn document(&mut self) -> Option<&mut FoldableDocument> {
        let view = self.tab;
        self.response_mut()?.document(view)
    }

    fn response_mut(&mut self) -> Option<&mut ResponseView> {
        match &mut self.request_state {
            RequestState::Completed(answered) => Some(answered),
            _ => None,
        }
    }

    /// From the first element of a list, one goes on with Enter.
    pub fn move_to_first_element(&mut self) {
        let lists: Vec<_> = self.parameters.current_list_pointers().map(str::to_owned).collect();
        let is_plain = self.tab == ResponseTab::Body
            && self.response().is_some_and(|answered| answered.filter_text().is_none());
        if let Some(document) =
            self.document().filter(|document| is_plain && document.cursor() == 0)
        {
            let _ = lists.iter().any(|list| document.move_to_first_element(list));
        }
    }
}

/// The preset that tells whether a credential works.
pub fn check_preset<'a>(
    credential: &Credential,
    catalogue: &'a ProviderCatalog,
) -> Option<&'a RequestPreset> {
    let kind = catalogue.kind(&credential.provider, &credential.kind).ok()?;
    catalogue.preset(&credential.provider, &kind.check).ok()
}
