//! What each command of the console does.

use std::sync::Arc;

use super::activity::Tone;
use super::answer::View;
use super::command::{ConsoleAction, Focus, Motion};
use super::console::{Purpose, Ready};
use super::dialog::{Ask, Asked, Dialog, Import};
use super::json::Document;
use super::lay::Typeset;
use super::{App, Effect, Now, Pane};
use crate::domain::curl::{self, CurlCommand};
use crate::domain::paging;
use crate::engine::message::{
    BackgroundTask, ConsoleTask, HistoryFilter, HttpExchange, SavedRequestTask, SecretTask, SendTask, TaskId,
};

/// Larger answers are not read for the sake of a word in the footer.
const READ_AT_ONCE: usize = 256 * 1024;

impl App {
    pub(super) fn offers_console(&self, action: ConsoleAction) -> bool {
        use ConsoleAction as C;
        let answered = self.console.answered();
        match action {
            C::Send | C::Again | C::Test | C::Presets | C::Edit | C::Import | C::History | C::Saved => self.selected().is_some(),
            C::CopyCurl | C::Save => matches!(self.request(), Some(Ready::Draft(_))),
            C::AllPages => matches!(self.request(), Some(Ready::Draft(draft)) if draft.method.is_safe()),
            C::View => answered.is_some(),
            C::NextPage => answered.is_some_and(super::answer::Answered::is_list),
            C::Changes => answered.is_some_and(|answered| answered.views().any(|view| view == View::Changes)),
            C::Explain => answered.is_some_and(|answered| answered.exchange.refusal.is_some()),
            C::KeepSecret => answered.is_some_and(|answered| answered.loose().is_some()),
            C::Drop => answered.is_some_and(|answered| answered.filter_text().is_some()) || self.console.found().is_some(),
            C::Write | C::Filter => answered.is_some_and(|answered| answered.exchange.response.body.size() > 0),
            _ => answered.is_some() && self.console.view.is_text(),
        }
    }

    pub(super) fn act_on_console(&mut self, action: ConsoleAction, now: Now) -> Vec<Effect> {
        use ConsoleAction as C;
        match action {
            C::Send | C::Again | C::Test | C::NextPage | C::AllPages => self.ask_provider(action, now),
            C::Presets => self.open_preset_picker(),
            C::Edit => self.open_request(),
            C::KeepSecret if !self.offers_console(action) => {
                self.activity.say(Tone::Warn, "No new secret came in this answer", now.instant);
                Vec::new()
            }
            C::Import | C::Save | C::Write | C::KeepSecret => {
                self.open_console_dialog(action);
                Vec::new()
            }
            C::Saved => {
                self.ask_for_shelf(Shelf::Saved, BackgroundTask::Console(ConsoleTask::SavedRequests(SavedRequestTask::List)))
            }
            C::History => self.ask_for_history(),
            C::CopyBody | C::CopyValue | C::CopyPath => self.copy_from_answer(action, now),
            C::CopyCurl => self.copy_curl(now),
            C::Explain => {
                self.explain_refusal(now);
                Vec::new()
            }
            C::View | C::Changes => self.turn_view(action),
            C::Search | C::Filter => {
                self.ask_below(action);
                Vec::new()
            }
            C::NextMatch if self.is_unsearched() => self.ask_provider(C::NextPage, now),
            C::Drop => {
                self.console.drop_filter();
                self.prepare_view()
            }
            _ => {
                if let Some(document) = self.console.document() {
                    act_on_document(document, action);
                }
                Vec::new()
            }
        }
    }

    fn ask_provider(&mut self, action: ConsoleAction, now: Now) -> Vec<Effect> {
        match action {
            ConsoleAction::Send => match self.onward() {
                Some(onward) => self.open_onward(onward),
                None => self.send(now),
            },
            ConsoleAction::Test => {
                self.console.reset_draft();
                self.stage.companion = Pane::Console;
                self.send(now)
            }
            ConsoleAction::NextPage => self.turn_page(now),
            ConsoleAction::AllPages => self.read_all(now),
            _ => self.send(now),
        }
    }

    /// Whether there is no search whose matches one could go to.
    fn is_unsearched(&mut self) -> bool {
        self.console.document().is_none_or(|document| document.matches().is_none())
    }

    fn turn_page(&mut self, now: Now) -> Vec<Effect> {
        let Some(answered) = self.console.answered().filter(|answered| answered.is_list()) else {
            self.activity.say(Tone::Warn, "There is no list whose next page could be fetched", now.instant);
            return Vec::new();
        };
        let exchange = Arc::clone(&answered.exchange);
        match paged(&exchange) {
            Paged::Last => {
                self.activity.say(Tone::Good, "This is the last page", now.instant);
                return Vec::new();
            }
            // The answer that is shown would make room for the news that there is none.
            Paged::NoList => {
                self.activity.say(Tone::Warn, "This answer is no list that has pages", now.instant);
                return Vec::new();
            }
            Paged::Perhaps => {}
        }
        let id = exchange.credential.clone();
        let task = BackgroundTask::Console(ConsoleTask::NextPage(exchange));
        self.start_for_console("Fetch the next page", (id, task), now)
    }

    fn read_all(&mut self, now: Now) -> Vec<Effect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let (id, keep) = (credential.id.clone(), self.console.keep(&credential.provider));
        let Some(Ready::Draft(draft)) = self.request() else { return self.send(now) };
        let answered = self.console.answered().filter(|answered| self.is_answered(answered) && answered.is_list());
        if answered.is_some_and(|answered| paged(&answered.exchange) == Paged::NoList) {
            self.activity.say(Tone::Warn, "This answer is no list that has pages", now.instant);
            return Vec::new();
        }
        let title = format!("All pages of {} as {}", draft.address(), self.called(&id));
        let consent = crate::engine::message::WriteConsent::NotAsked;
        let task = BackgroundTask::Console(ConsoleTask::AllPages(SendTask {
            credential: id.clone(),
            draft,
            consent,
            history_policy: keep,
        }));
        self.start_for_console(title, (id, task), now)
    }

    fn open_console_dialog(&mut self, action: ConsoleAction) {
        let answered = self.console.answered();
        let asked = match action {
            ConsoleAction::Save => Some(Asked::Save),
            ConsoleAction::Write => answered.map(|_| Asked::Write),
            ConsoleAction::KeepSecret => {
                answered.and_then(|answered| answered.loose()).map(|(at, minted)| Asked::of_secret(at, minted))
            }
            _ => return self.dialogs.push(Dialog::Import(Import)),
        };
        if let Some(asked) = asked.filter(|_| self.offers_console(action)) {
            self.dialogs.push(Dialog::Ask(Box::new(Ask::new(asked))));
        }
    }

    fn ask_for_history(&mut self) -> Vec<Effect> {
        let Some(id) = self.selected().map(|credential| credential.id.clone()) else { return Vec::new() };
        let filter = HistoryFilter { credential: Some(id), text: None };
        self.ask_for_shelf(Shelf::History, BackgroundTask::Console(ConsoleTask::ListHistory(filter)))
    }

    /// Asks for a list that a dialog is to show.
    pub(super) fn ask_for_shelf(&mut self, shelf: Shelf, task: BackgroundTask) -> Vec<Effect> {
        let (task, effect) = self.start_quietly(task);
        self.console.shelf = Some((task, shelf));
        vec![effect]
    }

    fn turn_view(&mut self, action: ConsoleAction) -> Vec<Effect> {
        let Some(answered) = self.console.answered() else { return Vec::new() };
        let view = match (action, self.console.view) {
            (ConsoleAction::View, view) => answered.view_after(view),
            (_, View::Changes) => View::Body,
            _ => View::Changes,
        };
        if answered.views().any(|known| known == view) { self.show_view(view) } else { Vec::new() }
    }

    /// Shows a part of the answer.
    pub(super) fn show_view(&mut self, view: View) -> Vec<Effect> {
        (self.console.view, self.console.scroll) = (view, 0);
        self.prepare_view()
    }

    fn prepare_view(&mut self) -> Vec<Effect> {
        let later = self.activity.quiet();
        self.console.prepare(later).map(|layout| Effect::LayOut(later, layout)).into_iter().collect()
    }

    fn ask_below(&mut self, action: ConsoleAction) {
        if action == ConsoleAction::Filter && self.offers_console(action) {
            self.console.view = View::Body;
            self.console.ask(Purpose::Filter);
        } else if action == ConsoleAction::Search && self.console.document().is_some() {
            self.console.ask(Purpose::Search);
        }
    }

    /// Filters the answer; an empty filter drops the one there is.
    pub(super) fn filter_answer(&mut self, filter: &str) -> Vec<Effect> {
        if filter.is_empty() {
            self.console.drop_filter();
            return self.prepare_view();
        }
        let later: TaskId = self.activity.quiet();
        self.console.filter(filter, later).map(|layout: Typeset| Effect::LayOut(later, layout)).into_iter().collect()
    }

    fn copy_from_answer(&mut self, action: ConsoleAction, now: Now) -> Vec<Effect> {
        let Some(document) = self.console.document() else { return Vec::new() };
        let (title, text) = match action {
            ConsoleAction::CopyValue => ("Copy the value", document.value().into_owned()),
            ConsoleAction::CopyPath => ("Copy the path", document.path()),
            _ => ("Copy the body", document.pretty()),
        };
        vec![self.start_task(title, BackgroundTask::Secret(SecretTask::CopyText(text)), now).1]
    }

    /// Copies the request as a curl command; what curl does otherwise is said.
    fn copy_curl(&mut self, now: Now) -> Vec<Effect> {
        let Some(curl) = self.curl() else {
            self.activity.say(Tone::Warn, "There is no complete request to copy", now.instant);
            return Vec::new();
        };
        if let Some(warning) = curl.warnings.first() {
            self.activity.say(Tone::Warn, warning.clone(), now.instant);
        }
        let comments = curl.warnings.iter().map(|warning| format!("# {warning}"));
        let text = comments.chain([curl.to_string()]).collect::<Vec<_>>().join("\n");
        vec![self.start_task("Copy the request as curl", BackgroundTask::Secret(SecretTask::CopyText(text)), now).1]
    }

    fn curl(&self) -> Option<CurlCommand> {
        let credential = self.selected()?;
        let Some(Ready::Draft(draft)) = self.request() else { return None };
        let provider = self.catalogue.provider(&credential.provider).ok()?;
        let kind = self.catalogue.kind(&credential.provider, &credential.kind).ok()?;
        let region = self.catalogue.region(&credential.provider, &credential.region).ok()?;
        let scheme = credential.scheme.as_deref().unwrap_or_else(|| kind.authorization.scheme());
        curl::build_curl_command(&draft, curl::CurlContext { provider, kind, region, scheme }).ok()
    }

    /// Gives the console the focus.
    pub(super) fn turn_to_console(&mut self) {
        self.focus(Focus::To(Pane::Console));
    }
}

/// Whether another page may follow an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paged {
    /// One may.
    Perhaps,
    /// It says that none does.
    Last,
    /// It is no list.
    NoList,
}

/// What an answer says of further pages. Of a large one nothing is said here, since to read it would be felt.
fn paged(exchange: &HttpExchange) -> Paged {
    let body = exchange.response.body.text().filter(|text| text.len() <= READ_AT_ONCE);
    let Some((body, asked)) = body.zip(url::Url::parse(&exchange.response.url).ok()) else { return Paged::Perhaps };
    match paging::parse_page(body, &asked) {
        Ok(page) if page.next == Ok(None) => Paged::Last,
        Ok(_) => Paged::Perhaps,
        Err(_) => Paged::NoList,
    }
}

/// Which list was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Requests that were sent.
    History,
    /// Requests that are kept under a name.
    Saved,
}

/// Moves the cursor in a document.
pub(super) fn move_document(document: &mut Document, motion: Motion) {
    match motion {
        Motion::Up => document.move_by(-1),
        Motion::Down => document.move_by(1),
        Motion::Top => document.home(),
        Motion::Bottom => document.end(),
        Motion::PageUp => document.page(-1),
        Motion::PageDown => document.page(1),
    }
}

/// So many columns are scrolled at once in a text that cannot be folded.
const SIDEWAYS: isize = 16;

fn act_on_document(document: &mut Document, action: ConsoleAction) {
    match action {
        ConsoleAction::Close if !document.is_json() => document.scroll_columns(-SIDEWAYS),
        ConsoleAction::Open if !document.is_json() => document.scroll_columns(SIDEWAYS),
        ConsoleAction::Fold => document.toggle_fold(),
        ConsoleAction::Close => document.fold(),
        ConsoleAction::Open => document.unfold(),
        ConsoleAction::FoldAll => {
            let folded = document.visible().any(|row| matches!(row.fold, super::json::Fold::Folded { .. }));
            if folded { document.unfold_all() } else { document.fold_to(1) }
        }
        ConsoleAction::NextMatch => document.next_match(),
        ConsoleAction::PreviousMatch => document.previous_match(),
        _ => {}
    }
}
