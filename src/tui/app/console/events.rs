//! Events of the console: responses, values extracted from them, lists of requests, the editor.
//!
//! Start at `App::on_response` and `App::on_console_event`.

use std::sync::Arc;

use crate::domain::problem::Problem;
use crate::domain::provider::CredentialKind;
use crate::engine::background::protocol::{ConsoleEvent, HttpExchange, TaskEvent, TaskId};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::console::parameter_memory::{
    ExtractedParameters, ExtractionJob, MAX_INLINE_EXTRACTION_BYTES,
};
use crate::tui::app::console::request_dialog::RequestEditorDialog;
use crate::tui::app::console::response_view::ResponseView;
use crate::tui::app::console::text_prompt::{TextPromptDialog, TextPromptKind};
use crate::tui::app::console::{request_lists, sending};
use crate::tui::app::dialogs::PickerDialog;
use crate::tui::app::{App, Now, UiEffect};

impl App {
    /// Shows a response if the console waits for it; secrets that were stored are listed anyway.
    pub(in crate::tui::app) fn on_response(
        &mut self,
        task: TaskId,
        exchange: HttpExchange,
        now: Now,
    ) -> Vec<UiEffect> {
        let stored = exchange.captured.iter().filter_map(|captured| captured.stored.as_deref());
        for credential in stored {
            self.credentials.upsert(credential.clone(), now.wall);
        }
        if !self.console.waits_for(task) {
            return self.deliver_to_dialog(
                task,
                TaskEvent::ResponseReceived(Box::new(exchange)),
                now,
            );
        }
        self.offer_resend(&exchange);
        let exchange = Arc::new(exchange);
        let job = self.extract_parameters(&exchange);
        let later = self.activity.allocate_task_id();
        let large = self.console.on_response(exchange, now, later);
        if self.dialogs.is_empty()
            && let Some((at, captured)) =
                self.console.response().and_then(ResponseView::unsaved_secret)
        {
            let prompt = TextPromptKind::for_secret(at, captured);
            self.dialogs.push(TextPromptDialog::new(prompt));
        }
        large.map(|large| UiEffect::RunLayout(later, large)).into_iter().chain(job).collect()
    }

    /// Offers to resend a request that may change something, if it was refused only because its
    /// access token may have expired.
    fn offer_resend(&mut self, exchange: &HttpExchange) {
        let Some(credential) = self.credentials.get(&exchange.credential) else { return };
        let kind = self.catalog.kind(&credential.provider, &credential.kind);
        let left = |kind: &CredentialKind| {
            kind.authorization.needs_manual_retry(exchange.draft.method, exchange.response.status)
        };
        if kind.is_ok_and(left) {
            sending::open_resend_confirmation(self, exchange);
        }
    }

    /// Extracts the values that a response lists for placeholders. A large response is searched in
    /// the background.
    fn extract_parameters(&mut self, exchange: &Arc<HttpExchange>) -> Option<UiEffect> {
        self.console.parameters.clear_current_lists();
        let provider = self.credentials.get(&exchange.credential)?.provider.clone();
        let job = ExtractionJob {
            exchange: Arc::clone(exchange),
            catalog: Arc::clone(&self.catalog),
            provider,
        };
        if job.body_bytes() > MAX_INLINE_EXTRACTION_BYTES {
            self.console.pending_extraction = Some(Arc::clone(exchange));
            return Some(UiEffect::ExtractParameters(job));
        }
        self.console.parameters.merge(&exchange.credential, job.run());
        None
    }

    /// Stores the extracted values, unless another response is shown by now.
    pub(in crate::tui::app) fn on_extracted_parameters(
        &mut self,
        exchange: &Arc<HttpExchange>,
        extracted: ExtractedParameters,
    ) {
        if self.console.response().is_some_and(|response| Arc::ptr_eq(&response.exchange, exchange))
        {
            self.console.pending_extraction = None;
            self.console.parameters.merge(&exchange.credential, extracted);
            self.console.move_to_first_element();
        }
    }

    /// Handles a report of a console task.
    pub(in crate::tui::app) fn on_console_event(
        &mut self,
        task: TaskId,
        event: ConsoleEvent,
        now: Now,
    ) -> Vec<UiEffect> {
        match event {
            ConsoleEvent::PagesRead { pages, items } => {
                self.console.set_progress(task, pages, items);
            }
            ConsoleEvent::RateLimited(wait) => {
                let text = format!(
                    "Waiting {} for the provider's rate limit",
                    crate::domain::rate_limit::format_wait(wait)
                );
                self.activity.notify(NotificationLevel::Warning, text, now.instant);
            }
            ConsoleEvent::CapturedStored(which, credential) => {
                self.console.mark_secret_saved(which);
                self.activity.notify(
                    NotificationLevel::Success,
                    format!("The secret is stored as {}", self.display_name(&credential)),
                    now.instant,
                );
                self.credentials.upsert(*credential, now.wall);
            }
            ConsoleEvent::History(lines) => {
                self.show_request_list(task, request_lists::history_picker(self, &lines, now));
            }
            ConsoleEvent::SavedRequests(all) => {
                if self.console.awaited_list == Some(task) {
                    self.show_request_list(task, request_lists::saved_requests_picker(self, &all));
                } else {
                    self.activity.notify(NotificationLevel::Success, "Request saved", now.instant);
                }
            }
            ConsoleEvent::BodySaved(path) => {
                self.activity.notify(
                    NotificationLevel::Success,
                    format!("Saved to {path}, readable only by you"),
                    now.instant,
                );
            }
            ConsoleEvent::TextRedacted(text) => return vec![UiEffect::OpenEditor(text)],
        }
        Vec::new()
    }

    /// Shows a list that is awaited, in place of the same list if it is open.
    fn show_request_list<T: Send + 'static>(&mut self, task: TaskId, pick: PickerDialog<T>) {
        if self.console.awaited_list.take_if(|waiting| *waiting == task).is_some() {
            self.dialogs.close_all::<PickerDialog<T>>();
            self.dialogs.push(pick);
        }
    }

    /// Uses the text from the editor as the body of the edited request.
    pub(in crate::tui::app) fn on_editor_closed(
        &mut self,
        edited: Result<String, Problem>,
        now: Now,
    ) {
        match edited {
            Ok(text) => match self.dialogs.top_as_mut::<RequestEditorDialog>() {
                Some(editor) => editor.set_body(&text),
                None => self.activity.notify(
                    NotificationLevel::Warning,
                    "The request is no longer open; the edited text was discarded",
                    now.instant,
                ),
            },
            Err(problem) => self.show_problem("Editor", problem),
        }
    }
}
