//! Console pane: the request, its state and the response.
//!
//! This module holds the state only. Commands are in `commands.rs`, the response itself in
//! `response_view.rs`, values for placeholders in `parameter_memory.rs`. Start at [`ConsolePane`].

pub(super) mod commands;
mod copy;
mod events;
pub mod follow_up;
pub mod header_lines;
pub mod json;
pub mod layout_job;
pub mod parameter_memory;
pub(super) mod presets;
pub mod request_dialog;
pub mod request_lists;
pub mod response_view;
pub mod sending;
pub mod text_prompt;
mod value_picker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tui_input::Input;

use crate::domain::problem::Problem;
use crate::domain::provider::{ProviderCatalog, RequestPreset};
use crate::domain::request::RequestDraft;
use crate::domain::request::export::ExportFormat;
use crate::domain::{Credential, CredentialId};
use crate::engine::background::protocol::{HistoryPolicy, HttpExchange, TaskId};
use crate::tui::app::Now;
use crate::tui::app::console::json::{FoldableDocument, SearchMatches};
use crate::tui::app::console::layout_job::LayoutJob;
use crate::tui::app::console::parameter_memory::ParameterMemory;
use crate::tui::app::console::response_view::{
    LayoutState, ResponseCache, ResponseTab, ResponseView,
};

/// Maximum number of jq filters that are remembered.
const MAX_FILTER_HISTORY: usize = 100;

/// State of the console pane.
#[derive(Default)]
pub struct ConsolePane {
    selected_request: Option<SelectedRequest>,
    /// State of the latest request.
    pub request_state: RequestState,
    /// Selected tab of the response.
    pub tab: ResponseTab,
    /// Prompt below the response, while the user types in it.
    pub prompt: Option<ConsolePrompt>,
    /// First visible line of headers or timing.
    pub scroll: usize,
    /// Values for placeholders that earlier responses listed.
    pub parameters: ParameterMemory,
    /// Response whose values are still being extracted.
    pub pending_extraction: Option<Arc<HttpExchange>>,
    /// Number of requests sent in this run.
    pub sent_count: usize,
    /// Client for which a request was copied last.
    pub last_export_format: ExportFormat,
    /// Filters that were used, the newest last.
    filter_history: Vec<String>,
    earlier_responses: ResponseCache,
    /// Request list that a dialog waits for, and the task that reads it.
    pub awaited_list: Option<TaskId>,
}

/// Prompt below the response.
pub struct ConsolePrompt {
    /// Purpose of the prompt.
    pub kind: ConsolePromptKind,
    /// Text typed so far.
    pub input: Input,
    /// Distance of the shown filter from the newest one in the filter history.
    history_offset: usize,
}

/// Purpose of a console prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsolePromptKind {
    /// Text to search for.
    Search,
    /// jq filter.
    Filter,
}

/// Request that the user chose or wrote, for credentials of one provider.
struct SelectedRequest {
    provider: String,
    request: RequestSource,
}

/// Origin of a selected request.
enum RequestSource {
    /// Preset, with values for its placeholders.
    Preset(String, BTreeMap<String, String>),
    /// Free-form request, and what of it the history keeps.
    Custom(RequestDraft, HistoryPolicy),
}

/// Whether the current request can be sent.
#[expect(clippy::large_enum_variant, reason = "the screen makes one at a time")]
pub enum RequestReadiness {
    /// Ready to be sent.
    Ready(RequestDraft),
    /// Preset with placeholders that have no value yet.
    MissingParameters(Box<RequestPreset>),
}

/// State of the latest request.
#[derive(Default)]
pub enum RequestState {
    /// No request was sent yet.
    #[default]
    Idle,
    /// Waiting for the response.
    Sending(InFlightRequest),
    /// The response has arrived.
    Completed(Box<ResponseView>),
    /// The request failed for this reason.
    Failed(CredentialId, Problem),
    /// The request was canceled.
    Canceled(CredentialId),
}

/// Request whose response has not arrived yet.
pub struct InFlightRequest {
    /// Task that delivers the response.
    pub task: TaskId,
    /// Credential that the request is sent with.
    pub credential: CredentialId,
    /// When the request was started.
    pub since: Instant,
    /// Pages and elements read so far, where all pages are fetched.
    pub page_progress: Option<(usize, usize)>,
    /// Response shown before; shown again when this request is canceled.
    previous_response: Option<Box<ResponseView>>,
}

impl ConsolePane {
    /// Selects a preset, with the values given for its placeholders.
    pub fn select_preset(&mut self, provider: &str, preset: &str, given: BTreeMap<String, String>) {
        let request = RequestSource::Preset(preset.to_owned(), given);
        self.selected_request = Some(SelectedRequest { provider: provider.to_owned(), request });
    }

    /// Selects a request that the user wrote.
    pub fn set_request(&mut self, provider: &str, draft: RequestDraft, keep: HistoryPolicy) {
        self.selected_request = Some(SelectedRequest {
            provider: provider.to_owned(),
            request: RequestSource::Custom(draft, keep),
        });
    }

    /// Returns what the history keeps of the request for credentials of this provider.
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

    /// Returns the values given for the placeholders of the request.
    pub fn given_values(&self) -> BTreeMap<String, String> {
        match self.selected_request.as_ref().map(|chosen| &chosen.request) {
            Some(RequestSource::Preset(_, given)) => given.clone(),
            Some(RequestSource::Custom(..)) | None => BTreeMap::new(),
        }
    }

    /// Returns the request for a credential: the one selected for its provider, else the check
    /// preset of its kind.
    pub fn request_for(
        &self,
        credential: &Credential,
        catalog: &ProviderCatalog,
    ) -> Option<RequestReadiness> {
        let chosen =
            self.selected_request.as_ref().filter(|chosen| chosen.provider == credential.provider);
        let nothing = BTreeMap::new();
        let (preset, given) = match chosen.map(|chosen| &chosen.request) {
            Some(RequestSource::Custom(draft, _)) => {
                return Some(RequestReadiness::Ready(draft.clone()));
            }
            Some(RequestSource::Preset(id, given)) => {
                (catalog.preset(&credential.provider, id).ok()?, given)
            }
            None => (check_preset(credential, catalog)?, &nothing),
        };
        Some(match preset.to_draft(&[given, &credential.fields]) {
            Ok(draft) => RequestReadiness::Ready(draft),
            Err(_) => RequestReadiness::MissingParameters(Box::new(preset.clone())),
        })
    }

    /// Drops the selected request; the check preset of the kind is shown again.
    pub fn reset_request(&mut self) {
        self.selected_request = None;
    }

    /// Records that the captured secret at this index of the response has been stored.
    pub fn mark_secret_saved(&mut self, which: usize) {
        if let Some(response) = self.response_mut() {
            response.mark_secret_saved(which);
        }
    }

    /// Starts waiting for the response to a request.
    pub fn begin_request(&mut self, task: TaskId, credential: CredentialId, now: Instant) {
        let before = match std::mem::take(&mut self.request_state) {
            RequestState::Completed(response) => Some(response),
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

    /// Whether this task delivers the awaited response.
    pub fn waits_for(&self, task: TaskId) -> bool {
        matches!(&self.request_state, RequestState::Sending(sending) if sending.task == task)
    }

    /// Records how many pages and elements have been read.
    pub fn set_progress(&mut self, task: TaskId, pages: usize, items: usize) {
        if let RequestState::Sending(sending) = &mut self.request_state
            && sending.task == task
        {
            sending.page_progress = Some((pages, items));
        }
    }

    /// Shows a response. A body that is too large to lay out inline is returned as a job; task
    /// `later` delivers the result.
    pub fn on_response(
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
        let response = ResponseView::new(exchange, now.wall, before).with_page_totals(read);
        self.request_state = RequestState::Completed(Box::new(response));
        let layout = self.prepare_layout(later);
        self.move_to_first_element();
        layout
    }

    /// Lays out what the current tab shows, unless that is done. A large text is returned as a job;
    /// task `later` delivers the result.
    pub fn prepare_layout(&mut self, later: TaskId) -> Option<LayoutJob> {
        let view = self.tab;
        self.response_mut()?.prepare_layout(view, later)
    }

    /// Stores a finished layout, unless it is outdated.
    pub fn set_layout(&mut self, task: TaskId, laid: Result<Box<FoldableDocument>, Problem>) {
        if let Some(response) = self.response_mut() {
            response.set_layout(task, laid);
        }
        self.move_to_first_element();
    }

    /// Filters the body of the response; task `later` delivers the layout.
    pub fn start_filter(&mut self, filter: &str, later: TaskId) -> Option<LayoutJob> {
        self.filter_history.retain(|known| known != filter);
        self.filter_history.push(filter.to_owned());
        let surplus = self.filter_history.len().saturating_sub(MAX_FILTER_HISTORY);
        self.filter_history.drain(..surplus);
        self.tab = ResponseTab::Body;
        Some(self.response_mut()?.start_filter(filter, later))
    }

    /// Clears the filter, or the search if there is no filter.
    pub fn clear_filter(&mut self) {
        let view = self.tab;
        let Some(response) = self.response_mut() else { return };
        if !response.clear_filter()
            && let Some(document) = response.document(view)
        {
            document.search("");
        }
    }

    /// Opens a prompt below the response. A filter prompt starts with the current filter.
    pub fn open_prompt(&mut self, purpose: ConsolePromptKind) {
        let before = match purpose {
            ConsolePromptKind::Search => "",
            ConsolePromptKind::Filter => {
                self.response().and_then(ResponseView::filter_text).unwrap_or("")
            }
        };
        // If the newest filter is shown, the first step back leads to the one before it.
        let is_newest = purpose == ConsolePromptKind::Filter
            && self.filter_history.last().is_some_and(|newest| newest == before);
        self.prompt = Some(ConsolePrompt {
            kind: purpose,
            input: Input::new(before.to_owned()),
            history_offset: usize::from(is_newest),
        });
    }

    /// Recalls a filter from the history, `steps` away from the shown one.
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

    /// Records that the request failed.
    pub fn fail(&mut self, problem: Problem) {
        if let RequestState::Sending(sending) = &self.request_state {
            self.request_state = RequestState::Failed(sending.credential.clone(), problem);
        }
    }

    /// Records that the request was canceled; the previous response is shown again.
    pub fn cancel(&mut self) {
        if let RequestState::Sending(sending) = &mut self.request_state {
            self.request_state = match sending.previous_response.take() {
                Some(before) => RequestState::Completed(before),
                None => RequestState::Canceled(sending.credential.clone()),
            };
        }
    }

    /// Returns the state of the latest request, if it was sent with this credential.
    pub fn state_for(&self, credential: &CredentialId) -> &RequestState {
        let of = match &self.request_state {
            RequestState::Idle => return &RequestState::Idle,
            RequestState::Sending(InFlightRequest { credential: of, .. })
            | RequestState::Failed(of, _)
            | RequestState::Canceled(of) => of,
            RequestState::Completed(response) => &response.exchange.credential,
        };
        if of == credential { &self.request_state } else { &RequestState::Idle }
    }

    /// Returns the state of the search in the visible text.
    pub fn search_matches(&self) -> Option<SearchMatches> {
        match self.response()?.layout_state(self.tab)? {
            LayoutState::Ready(document) => document.search_matches(),
            LayoutState::Absent | LayoutState::Pending(_) | LayoutState::Failed(_) => None,
        }
    }

    /// When the displayed rate limits of the visible response change.
    pub fn next_wake(&self, credential: &CredentialId, now: Now) -> Option<Instant> {
        let RequestState::Completed(response) = self.state_for(credential) else { return None };
        response.limits(now.wall).next_text_change().map(|step| now.instant + step)
    }

    /// Whether the values of the visible response are still being extracted.
    pub fn extraction_pending(&self) -> bool {
        let shown = self.response().map(|response| &response.exchange);
        shown
            .zip(self.pending_extraction.as_ref())
            .is_some_and(|(shown, studied)| Arc::ptr_eq(shown, studied))
    }

    /// Returns the response to the latest request.
    pub fn response(&self) -> Option<&ResponseView> {
        match &self.request_state {
            RequestState::Completed(response) => Some(response),
            _ => None,
        }
    }

    /// Returns the visible text, if it is laid out and has a cursor.
    pub fn document(&mut self) -> Option<&mut FoldableDocument> {
        let view = self.tab;
        self.response_mut()?.document(view)
    }

    /// Returns the text of the body as it came, where the tab shows the whole body and it is text.
    pub fn body_text(&self) -> Option<String> {
        let response = self.response().filter(|_| self.shows_whole_body())?;
        Some(response.exchange.response.body.text()?.into_owned())
    }

    /// Returns the line under the cursor as it came, where the tab shows the body as lines of text.
    pub fn body_line(&mut self) -> Option<String> {
        let line = self.document().filter(|document| !document.is_json())?.cursor();
        let text = self.body_text()?;
        let line = text.split('\n').nth(line)?;
        Some(line.strip_suffix('\r').unwrap_or(line).to_owned())
    }

    /// Whether the tab shows the whole body.
    pub fn shows_whole_body(&self) -> bool {
        match self.tab {
            ResponseTab::Raw => true,
            ResponseTab::Body => {
                self.response().is_some_and(|response| response.filter_text().is_none())
            }
            ResponseTab::Headers | ResponseTab::Timing | ResponseTab::Diff => false,
        }
    }

    fn response_mut(&mut self) -> Option<&mut ResponseView> {
        match &mut self.request_state {
            RequestState::Completed(response) => Some(response),
            _ => None,
        }
    }

    /// Moves the cursor to the first element of a list, where Enter opens a follow-up request.
    pub fn move_to_first_element(&mut self) {
        let lists: Vec<_> = self.parameters.current_list_pointers().map(str::to_owned).collect();
        let is_plain = self.tab == ResponseTab::Body
            && self.response().is_some_and(|response| response.filter_text().is_none());
        if let Some(document) =
            self.document().filter(|document| is_plain && document.cursor() == 0)
        {
            let _ = lists.iter().any(|list| document.move_to_first_element(list));
        }
    }
}

/// Returns the preset that shows whether a credential works.
pub fn check_preset<'a>(
    credential: &Credential,
    catalog: &'a ProviderCatalog,
) -> Option<&'a RequestPreset> {
    let kind = catalog.kind(&credential.provider, &credential.kind).ok()?;
    catalog.preset(&credential.provider, &kind.check).ok()
}
