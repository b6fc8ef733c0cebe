//! Commands of the console.
//!
//! Start at the `match` over [`ConsoleAction`]. Sending is in `sending.rs`, the lists of requests
//! are in `request_lists.rs`, events in `events.rs`.
//!
//! Handing the text of a response to the user's pager or editor.
//!
//! The program gets what the screen may show: masked, and without characters that control a
//! terminal. Start at [`open_viewer`].

use std::sync::Arc;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::{Problem, pagination};
use crate::engine::background::protocol::{
    BackgroundTask, ConsoleTask, HistoryFilter, HttpExchange, SendTask, TaskId,
};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::{ConsoleAction, CursorMotion, FocusTarget};
use crate::tui::app::console::json::FoldableDocument;
use crate::tui::app::console::layout_job::LayoutJob;
use crate::tui::app::console::request_lists::CurlImportDialog;
use crate::tui::app::console::response_view::{self, ResponseTab};
use crate::tui::app::console::text_prompt::{TextPromptDialog, TextPromptKind};
use crate::tui::app::console::{
    ConsolePromptKind, RequestReadiness, commands, copy, follow_up, header_lines, presets, sending,
    value_picker,
};
use crate::tui::app::widgets::form::{self, ValueRequest};
use crate::tui::app::widgets::moved_cursor;
use crate::tui::app::{App, Now, Pane, UiEffect, ViewerProgram};

/// Maximum body size that is parsed for the footer's paging hint; a larger one would delay the
/// frame.
const MAX_INLINE_PAGING_BYTES: usize = 256 * 1024;

impl App {
    pub(in crate::tui::app) fn can_run_console(&self, action: ConsoleAction) -> bool {
        use ConsoleAction as C;
        let response = self.console.response();
        match action {
            C::Send
            | C::Resend
            | C::SendTest
            | C::PickPreset
            | C::EditRequest
            | C::ImportCurl
            | C::History
            | C::SavedRequests => self.selected().is_some(),
            C::CopyCurl | C::SaveRequest => {
                matches!(sending::current_request(self), Some(RequestReadiness::Ready(_)))
            }
            C::AllPages => {
                matches!(sending::current_request(self), Some(RequestReadiness::Ready(draft)) if draft.is_safe())
            }
            C::NextTab => response.is_some(),
            C::NextPage => {
                response.is_some_and(super::response_view::ResponseView::may_have_next_page)
            }
            C::ToggleDiff => response
                .is_some_and(|response| response.tabs().any(|view| view == ResponseTab::Diff)),
            C::Explain => {
                response.is_some_and(|response| response.exchange.refusal.is_some())
                    || response_view::refused_region(self).is_some()
            }
            C::KeepSecret => response.is_some_and(|response| response.unsaved_secret().is_some()),
            C::ClearFilter => {
                response.is_some_and(|response| response.filter_text().is_some())
                    || self.console.search_matches().is_some()
            }
            C::SaveBody | C::Filter => {
                response.is_some_and(|response| response.exchange.response.body.size() > 0)
            }
            _ => response.is_some() && self.console.tab.is_text(),
        }
    }

    /// Lets the user choose the value of a field from a list of the provider.
    pub(in crate::tui::app) fn list_values(
        &mut self,
        request: ValueRequest,
        now: Now,
    ) -> Vec<UiEffect> {
        value_picker::open_value_picker(self, request, now)
    }

    pub(in crate::tui::app) fn run_console(
        &mut self,
        action: ConsoleAction,
        now: Now,
    ) -> Vec<UiEffect> {
        use ConsoleAction as C;
        match action {
            C::Send | C::Resend | C::SendTest | C::NextPage | C::AllPages => {
                self.run_send_action(action, now)
            }
            C::PickPreset => presets::open_preset_picker(self),
            C::EditRequest => sending::open_request_editor(self, now),
            C::KeepSecret if !self.can_run_console(action) => {
                self.activity.notify(
                    NotificationLevel::Warning,
                    "This response contains no new secret",
                    now.instant,
                );
                Vec::new()
            }
            C::ImportCurl | C::SaveRequest | C::SaveBody | C::KeepSecret => {
                self.open_console_dialog(action);
                Vec::new()
            }
            C::SavedRequests => self.fetch_request_list(ConsoleTask::ListSavedRequests),
            C::History => self.fetch_history(),
            C::CopyBody | C::CopyValue | C::CopyPath => copy::copy_from_response(self, action, now),
            C::CopyCurl => copy::open_format_picker(self, now),
            C::OpenPager => commands::open_viewer(self, ViewerProgram::Pager, now),
            C::OpenInEditor => commands::open_viewer(self, ViewerProgram::Editor, now),
            C::Explain => response_view::explain_refusal(self, now),
            C::NextTab | C::ToggleDiff => self.switch_tab(action),
            C::Search | C::Filter => {
                self.open_console_prompt(action);
                Vec::new()
            }
            C::NextMatch if self.has_no_search() => self.run_send_action(C::NextPage, now),
            C::ClearFilter => {
                self.console.clear_filter();
                self.prepare_tab_layout()
            }
            _ => {
                if let Some(document) = self.console.document() {
                    run_document_action(document, action);
                }
                Vec::new()
            }
        }
    }

    fn run_send_action(&mut self, action: ConsoleAction, now: Now) -> Vec<UiEffect> {
        match action {
            ConsoleAction::Send => match follow_up::follow_up_requests(self) {
                Some(onward) => follow_up::open_follow_up_picker(self, onward),
                None => sending::send_request(self, now),
            },
            ConsoleAction::SendTest => {
                self.console.reset_request();
                self.ui_state.secondary_pane = Pane::Console;
                sending::send_request(self, now)
            }
            ConsoleAction::NextPage => self.fetch_next_page(now),
            ConsoleAction::AllPages => self.fetch_all_pages(now),
            _ => sending::send_request(self, now),
        }
    }

    /// Whether there is no search with matches to step through.
    fn has_no_search(&mut self) -> bool {
        self.console.document().is_none_or(|document| document.search_matches().is_none())
    }

    fn fetch_next_page(&mut self, now: Now) -> Vec<UiEffect> {
        let Some(response) =
            self.console.response().filter(|response| response.may_have_next_page())
        else {
            self.activity.notify(
                NotificationLevel::Warning,
                "There is no next page to fetch",
                now.instant,
            );
            return Vec::new();
        };
        let exchange = Arc::clone(&response.exchange);
        match page_availability(&exchange) {
            PageAvailability::LastPage => {
                self.activity.notify(NotificationLevel::Info, "This is the last page", now.instant);
                return Vec::new();
            }
            // The request is not sent: an error would replace the response that is shown.
            PageAvailability::NotAList => {
                self.activity.notify(
                    NotificationLevel::Warning,
                    "This response is not a paginated list",
                    now.instant,
                );
                return Vec::new();
            }
            PageAvailability::Possible => {}
        }
        let id = exchange.credential.clone();
        let task = BackgroundTask::Console(ConsoleTask::NextPage(exchange));
        sending::start_request_task(self, "Fetch the next page", id, task, now)
    }

    fn fetch_all_pages(&mut self, now: Now) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let (id, keep) = (credential.id.clone(), self.console.history_policy(&credential.provider));
        let Some(RequestReadiness::Ready(draft)) = sending::current_request(self) else {
            return sending::send_request(self, now);
        };
        let response = self.console.response().filter(|response| {
            follow_up::response_matches_request(self, response) && response.may_have_next_page()
        });
        if response.is_some_and(|response| {
            page_availability(&response.exchange) == PageAvailability::NotAList
        }) {
            self.activity.notify(
                NotificationLevel::Warning,
                "This response is not a paginated list",
                now.instant,
            );
            return Vec::new();
        }
        let title =
            format!("Fetch all pages of {} as {}", draft.address(), self.display_name_by_id(&id));
        let consent = crate::engine::background::protocol::WriteConsent::NotAsked;
        let task = BackgroundTask::Console(ConsoleTask::AllPages(SendTask {
            credential: id.clone(),
            draft,
            consent,
            history_policy: keep,
        }));
        sending::start_request_task(self, title, id, task, now)
    }

    fn open_console_dialog(&mut self, action: ConsoleAction) {
        let response = self.console.response();
        let prompt_kind = match action {
            ConsoleAction::SaveRequest => Some(TextPromptKind::SaveRequest),
            ConsoleAction::SaveBody => response.map(|_| TextPromptKind::SaveResponse),
            ConsoleAction::KeepSecret => response
                .and_then(|response| response.unsaved_secret())
                .map(|(at, captured)| TextPromptKind::for_secret(at, captured)),
            _ => return self.dialogs.push(CurlImportDialog),
        };
        if let Some(prompt_kind) = prompt_kind.filter(|_| self.can_run_console(action)) {
            self.dialogs.push(TextPromptDialog::new(prompt_kind));
        }
    }

    fn fetch_history(&mut self) -> Vec<UiEffect> {
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else {
            return Vec::new();
        };
        let filter = HistoryFilter { credential: Some(id), text: None };
        self.fetch_request_list(ConsoleTask::ListHistory(filter))
    }

    /// Fetches a list that a dialog shows.
    pub(in crate::tui::app) fn fetch_request_list(&mut self, task: ConsoleTask) -> Vec<UiEffect> {
        let (task, effect) = self.start_hidden_task(BackgroundTask::Console(task));
        self.console.awaited_list = Some(task);
        vec![effect]
    }

    fn switch_tab(&mut self, action: ConsoleAction) -> Vec<UiEffect> {
        let Some(response) = self.console.response() else { return Vec::new() };
        let view = match (action, self.console.tab) {
            (ConsoleAction::NextTab, view) => response.next_tab(view),
            (_, ResponseTab::Diff) => ResponseTab::Body,
            _ => ResponseTab::Diff,
        };
        if response.tabs().any(|known| known == view) { self.show_tab(view) } else { Vec::new() }
    }

    /// Shows a tab of the response.
    pub(in crate::tui::app) fn show_tab(&mut self, view: ResponseTab) -> Vec<UiEffect> {
        (self.console.tab, self.console.scroll) = (view, 0);
        self.prepare_tab_layout()
    }

    fn prepare_tab_layout(&mut self) -> Vec<UiEffect> {
        let later = self.activity.allocate_task_id();
        self.console
            .prepare_layout(later)
            .map(|layout| UiEffect::RunLayout(later, layout))
            .into_iter()
            .collect()
    }

    fn open_console_prompt(&mut self, action: ConsoleAction) {
        if action == ConsoleAction::Filter && self.can_run_console(action) {
            self.console.tab = ResponseTab::Body;
            self.console.open_prompt(ConsolePromptKind::Filter);
        } else if action == ConsoleAction::Search && self.console.document().is_some() {
            self.console.open_prompt(ConsolePromptKind::Search);
        }
    }

    /// Filters the response; an empty filter clears the current one.
    pub(in crate::tui::app) fn filter_response(&mut self, filter: &str) -> Vec<UiEffect> {
        if filter.is_empty() {
            self.console.clear_filter();
            return self.prepare_tab_layout();
        }
        let later: TaskId = self.activity.allocate_task_id();
        self.console
            .start_filter(filter, later)
            .map(|layout: LayoutJob| UiEffect::RunLayout(later, layout))
            .into_iter()
            .collect()
    }

    /// Moves the focus to the console.
    pub(in crate::tui::app) fn focus_console(&mut self) {
        self.move_focus(FocusTarget::To(Pane::Console));
    }

    pub(in crate::tui::app) fn scroll_response(&mut self, motion: CursorMotion) {
        if self.console.tab.is_text() {
            if let Some(document) = self.console.document() {
                move_document_cursor(document, motion);
            }
            return;
        }
        let lines = header_lines::detail_rows(self).1.len();
        let page = usize::from(self.console_body_area().height);
        self.console.scroll =
            moved_cursor(self.console.scroll, motion, page, lines.saturating_sub(page));
    }

    pub(in crate::tui::app) fn handle_prompt_key(&mut self, key: KeyPress) -> Vec<UiEffect> {
        let Some(prompt) = &mut self.console.prompt else { return Vec::new() };
        let purpose = prompt.kind;
        match (key.code, purpose) {
            (KeySymbol::Enter, ConsolePromptKind::Filter) => {
                let filter = prompt.input.value().trim().to_owned();
                self.console.prompt = None;
                return self.filter_response(&filter);
            }
            (KeySymbol::Enter, ConsolePromptKind::Search) => self.console.prompt = None,
            (KeySymbol::Esc, _) => {
                self.console.prompt = None;
                self.search_response("");
            }
            (KeySymbol::Up, ConsolePromptKind::Filter) => self.console.recall_filter(1),
            (KeySymbol::Down, ConsolePromptKind::Filter) => self.console.recall_filter(-1),
            (_, purpose) => {
                let changed = form::edit_input(&mut prompt.input, key);
                let text = prompt.input.value().to_owned();
                if changed && purpose == ConsolePromptKind::Search {
                    self.search_response(&text);
                }
            }
        }
        Vec::new()
    }

    pub(in crate::tui::app) fn search_response(&mut self, text: &str) {
        if let Some(document) = self.console.document() {
            document.search(text);
        }
    }
}

/// Whether another page may follow a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageAvailability {
    /// Another page may follow.
    Possible,
    /// The response says that no page follows.
    LastPage,
    /// The response is not a list.
    NotAList,
}

/// Returns what a response says about further pages. A large response is assumed to have some,
/// since parsing it would delay the frame.
fn page_availability(exchange: &HttpExchange) -> PageAvailability {
    let body = &exchange.response.body;
    let body = body.text().filter(|_| body.size() <= MAX_INLINE_PAGING_BYTES);
    let Some((body, request_url)) = body.zip(url::Url::parse(&exchange.response.url).ok()) else {
        return PageAvailability::Possible;
    };
    match pagination::parse_page(&body, &request_url, None) {
        Ok(page) if page.next == Ok(None) => PageAvailability::LastPage,
        Ok(_) => PageAvailability::Possible,
        Err(_) => PageAvailability::NotAList,
    }
}

/// Moves the cursor in a document.
pub(in crate::tui::app) fn move_document_cursor(
    document: &mut FoldableDocument,
    motion: CursorMotion,
) {
    match motion {
        CursorMotion::Up => document.move_cursor(-1),
        CursorMotion::Down => document.move_cursor(1),
        CursorMotion::Top => document.move_to_start(),
        CursorMotion::Bottom => document.move_to_end(),
        CursorMotion::PageUp => document.move_pages(-1),
        CursorMotion::PageDown => document.move_pages(1),
    }
}

/// Columns per horizontal scroll step in a text that cannot be folded.
const HORIZONTAL_SCROLL_COLUMNS: isize = 16;

fn run_document_action(document: &mut FoldableDocument, action: ConsoleAction) {
    match action {
        ConsoleAction::FoldValue if !document.is_json() => {
            document.scroll_columns(-HORIZONTAL_SCROLL_COLUMNS);
        }
        ConsoleAction::UnfoldValue if !document.is_json() => {
            document.scroll_columns(HORIZONTAL_SCROLL_COLUMNS);
        }
        ConsoleAction::ToggleFold => document.toggle_fold(),
        ConsoleAction::FoldValue => document.fold(),
        ConsoleAction::UnfoldValue => document.unfold(),
        ConsoleAction::ToggleFoldAll => {
            let folded = document
                .visible_lines()
                .any(|row| matches!(row.fold, super::json::FoldState::Folded { .. }));
            if folded { document.unfold_all() } else { document.fold_to(1) }
        }
        ConsoleAction::NextMatch => document.next_match(),
        ConsoleAction::PreviousMatch => document.previous_match(),
        _ => {}
    }
}

/// Shows the whole text of the current tab in another program. In presentation mode the screen hides
/// responses, so no program gets them.
pub(in crate::tui::app) fn open_viewer(
    app: &mut App,
    program: ViewerProgram,
    now: Now,
) -> Vec<UiEffect> {
    let refused = match program {
        ViewerProgram::Pager => "The pager is not opened",
        ViewerProgram::Editor => "The editor is not opened",
    };
    if app.refuse_in_presentation(refused, now) {
        return Vec::new();
    }
    let Some(document) = app.console.document() else {
        let text = "There is no text to show yet";
        app.activity.notify(NotificationLevel::Warning, text, now.instant);
        return Vec::new();
    };
    let is_json = document.is_json();
    vec![UiEffect::OpenViewer { program, text: document.pretty_text(), is_json }]
}

/// Reports a program that could not show the text.
pub(in crate::tui::app) fn on_viewer_closed(app: &mut App, shown: Result<(), Problem>) {
    if let Err(problem) = shown {
        app.show_problem("Response", problem);
    }
}
