//! Tasks of the console: sending a request, pages, history, saved requests and files.
//!
//! Start with [`SendTask`] and [`ConsoleTask`], and with `run_send_task` and `run_task`,
//! which carry them out.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::history::HistoryPolicy;
use super::http_exchange::{
    DeliveryOptions, HttpExchange, RequestOptions, WaitNotice, WriteConsent,
};
use super::pagination::{PageResult, PagingLimits, PagingResult, next_page_draft};
use crate::config::SavedRequestStore;
use crate::database::{HistoryFilter, HistoryRecord};
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::request::{RequestDraft, SavedRequest, SavedRequestName};
use crate::domain::response::{ApiResponse, ConnectionOrigin, RequestTiming, ResponseBody};
use crate::domain::{Credential, CredentialId, CredentialName, pagination};
use crate::engine::Engine;
use crate::engine::background::protocol::TaskEvent;
use crate::engine::background::runner::TaskContext;
use crate::engine::credentials::tasks::{send_if_changed, send_token_lifetime};
use crate::engine::ports::task_panicked;
use crate::util::private_files::private_mode;

/// Maximum number of history entries that are listed.
const MAX_HISTORY_ENTRIES: usize = 1_000;
/// Maximum size of a combined list, in bytes; further pages are not read.
const MAX_LIST_BYTES: usize = 64 << 20;

/// Request of the console.
#[derive(Clone)]
pub struct SendTask {
    /// The credential to send it with.
    pub credential: CredentialId,
    /// The request.
    pub draft: RequestDraft,
    /// Whether the user agreed to a method that changes something.
    pub consent: WriteConsent,
    /// What the history records.
    pub history_policy: HistoryPolicy,
}

/// Console task besides sending a request.
pub enum ConsoleTask {
    /// Read all pages of a list; the response has all its elements.
    AllPages(SendTask),
    /// Request the page after this response.
    NextPage(Arc<HttpExchange>),
    /// Store the captured secret at this index of a response as a credential of this name.
    StoreCaptured(Arc<HttpExchange>, usize, CredentialName),
    /// Find sent requests.
    ListHistory(HistoryFilter),
    /// Delete the history.
    ClearHistory,
    /// Write the body of a response to a new file.
    SaveBody(Arc<HttpExchange>, String),
    /// Redact a text that is about to be written to a file for an editor.
    RedactText(CredentialId, String),
    /// List the saved requests.
    ListSavedRequests,
    /// Save a request, without the secrets of this credential.
    SaveRequest(SavedRequestName, CredentialId, RequestDraft),
    /// Rename a saved request.
    RenameSavedRequest(SavedRequestName, SavedRequestName),
    /// Copy a saved request under another name.
    CopySavedRequest(SavedRequestName, SavedRequestName),
    /// Delete a saved request.
    DeleteSavedRequest(SavedRequestName),
}

/// Event of the console besides responses.
pub enum ConsoleEvent {
    /// Progress of reading a list.
    PagesRead {
        /// Pages read so far.
        pages: usize,
        /// Elements read so far.
        items: usize,
    },
    /// The request waits this long for the rate limit.
    RateLimited(Duration),
    /// The captured secret at this index of the response is stored as this credential.
    CapturedStored(usize, Box<Credential>),
    /// Sent requests, newest first.
    History(Vec<HistoryRecord>),
    /// The body was written to this file.
    BodySaved(String),
    /// A text without its secrets.
    TextRedacted(String),
    /// The saved requests; a request that cannot be read is listed with its problem.
    SavedRequests(Vec<(SavedRequestName, Result<SavedRequest, Problem>)>),
}

/// Sends a request of the console, and stores the secrets that it creates.
pub(in crate::engine) async fn run_send_task(
    engine: &Engine,
    task: SendTask,
    context: &TaskContext,
) -> Result<(), Problem> {
    let SendTask { credential, draft, consent, history_policy } = task;
    let credential = engine.credentials.get(&credential).await?;
    engine.captured_secrets.verify_store_before_send(&draft).await?;
    let on_wait = |notice: WaitNotice| {
        context.send_event(TaskEvent::Console(ConsoleEvent::RateLimited(notice.wait)));
    };
    // A secret that the request creates must be stored, even if the user quits before the
    // response arrives.
    let _critical_section =
        if draft.is_safe() { None } else { Some(context.enter_critical_section().await) };
    let delivery = DeliveryOptions::default();
    let options = RequestOptions { draft, consent, history_policy, delivery };
    let exchange = engine.requests.send_and_record(&credential, options, &on_wait).await;
    send_token_lifetime(engine, &credential, context);
    send_if_changed(engine, &credential, context).await?;
    let mut exchange = exchange?;
    let kept = engine.captured_secrets.store_captured_secrets(&credential, &mut exchange).await;
    context.send_event(TaskEvent::ResponseReceived(Box::new(exchange)));
    kept
}

/// Runs a task of this area.
pub(in crate::engine) async fn run_task(
    engine: &Engine,
    task: ConsoleTask,
    context: &TaskContext,
) -> Result<(), Problem> {
    let event = match task {
        ConsoleTask::AllPages(task) => return run_all_pages_task(engine, task, context).await,
        ConsoleTask::NextPage(exchange) => {
            return run_next_page_task(engine, &exchange, context).await;
        }
        ConsoleTask::StoreCaptured(exchange, index, name) => ConsoleEvent::CapturedStored(
            index,
            Box::new(store_captured_at(engine, &exchange, index, name).await?),
        ),
        ConsoleTask::ListHistory(filter) => {
            ConsoleEvent::History(engine.requests.history(filter, MAX_HISTORY_ENTRIES).await?)
        }
        ConsoleTask::ClearHistory => {
            engine.requests.purge_history(0).await?;
            ConsoleEvent::History(
                engine.requests.history(HistoryFilter::default(), MAX_HISTORY_ENTRIES).await?,
            )
        }
        ConsoleTask::SaveBody(exchange, path) => {
            ConsoleEvent::BodySaved(save_body(exchange, path).await?)
        }
        ConsoleTask::RedactText(id, text) => {
            let credential = engine.credentials.get(&id).await?;
            ConsoleEvent::TextRedacted(
                engine.requests.redactor_for(&credential).await?.redact(&text),
            )
        }
        ConsoleTask::SaveRequest(id, credential, draft) => {
            let credential = engine.credentials.get(&credential).await?;
            let clean = engine.requests.redact_draft(&credential, &draft).await?;
            let saved = SavedRequest::from_draft(&clean, &credential.provider);
            change_saved_requests(engine, move |all| all.save(&id, &saved).map(drop)).await?
        }
        ConsoleTask::RenameSavedRequest(id, to) => {
            change_saved_requests(engine, move |all| all.rename(&id, &to)).await?
        }
        ConsoleTask::CopySavedRequest(id, to) => {
            change_saved_requests(engine, move |all| all.copy(&id, &to)).await?
        }
        ConsoleTask::DeleteSavedRequest(id) => {
            change_saved_requests(engine, move |all| all.delete(&id)).await?
        }
        ConsoleTask::ListSavedRequests => change_saved_requests(engine, |_| Ok(())).await?,
    };
    context.send_event(TaskEvent::Console(event));
    Ok(())
}

/// Reads all pages of a list. If a page fails, what was read before is shown with the reason.
async fn run_all_pages_task(
    engine: &Engine,
    task: SendTask,
    context: &TaskContext,
) -> Result<(), Problem> {
    let SendTask { credential, draft, consent, history_policy } = task;
    let credential = engine.credentials.get(&credential).await?;
    let (mut list, mut items, mut truncated) = (String::from("["), 0, false);
    let on_page = |page: PageResult<'_>| {
        for item in &page.items {
            list.push_str(if items == 0 { "" } else { ",\n" });
            list.push_str(item.get());
            items += 1;
        }
        context
            .send_event(TaskEvent::Console(ConsoleEvent::PagesRead { pages: page.number, items }));
        truncated = list.len() > MAX_LIST_BYTES;
        Ok(if truncated { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    let on_wait = |notice: WaitNotice| {
        context.send_event(TaskEvent::Console(ConsoleEvent::RateLimited(notice.wait)));
    };
    let delivery = DeliveryOptions::default();
    let options = RequestOptions { draft: draft.clone(), consent, history_policy, delivery };
    let started = Instant::now();
    let limits = PagingLimits::default();
    let outcome =
        engine.requests.fetch_all_pages(&credential, options, limits, on_page, &on_wait).await;
    send_if_changed(engine, &credential, context).await?;
    list.push(']');
    let last = match outcome {
        Ok(PagingResult { last, pages: 0, .. }) => {
            context.send_event(TaskEvent::ResponseReceived(Box::new(last)));
            return Ok(());
        }
        Err(problem) if items == 0 => return Err(problem),
        Ok(result) => result.last,
        Err(problem) => interrupted_list_exchange(&credential, &draft, problem),
    };
    let total_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let timing =
        RequestTiming { total_ms, connection: ConnectionOrigin::Unknown, ..last.response.timing };
    let whole = ApiResponse {
        size: list.len() as u64,
        body: ResponseBody::from(list),
        truncated,
        timing,
        ..last.response
    };
    context.send_event(TaskEvent::ResponseReceived(Box::new(HttpExchange {
        draft,
        response: whole,
        ..last
    })));
    Ok(())
}

async fn run_next_page_task(
    engine: &Engine,
    exchange: &HttpExchange,
    context: &TaskContext,
) -> Result<(), Problem> {
    let credential = engine.credentials.get(&exchange.credential).await?;
    super::pagination::ensure_read_only(&exchange.draft)?;
    let region = engine.catalog.region(&credential.provider, &exchange.region)?;
    let url = exchange.draft.resolve(region)?;
    let prefix = engine.catalog.provider(&credential.provider)?.link_prefix.as_deref();
    let body = exchange.response.body.text().unwrap_or_default();
    let page = pagination::parse_page(&body, &url, prefix)?;
    let Some(next) = page.next? else { return Err(no_next_page()) };
    let draft = next_page_draft(&exchange.draft, &next);
    let options = RequestOptions {
        draft,
        consent: WriteConsent::NotAsked,
        history_policy: HistoryPolicy::WithoutBody,
        delivery: DeliveryOptions::default(),
    };
    let on_wait = |notice: WaitNotice| {
        context.send_event(TaskEvent::Console(ConsoleEvent::RateLimited(notice.wait)));
    };
    let exchange = engine.requests.send_and_record(&credential, options, &on_wait).await;
    send_if_changed(engine, &credential, context).await?;
    context.send_event(TaskEvent::ResponseReceived(Box::new(exchange?)));
    Ok(())
}

async fn store_captured_at(
    engine: &Engine,
    exchange: &HttpExchange,
    index: usize,
    name: CredentialName,
) -> Result<Credential, Problem> {
    let Some(captured) = exchange.captured.get(index) else { return Err(task_panicked()) };
    engine.captured_secrets.store_captured_as(exchange, captured, name).await
}

/// Changes the saved requests off the drawing task, and lists them.
async fn change_saved_requests(
    engine: &Engine,
    change: impl FnOnce(&SavedRequestStore) -> Result<(), Problem> + Send + 'static,
) -> Result<ConsoleEvent, Problem> {
    let requests = engine.saved_requests.clone();
    tokio::task::spawn_blocking(move || {
        change(&requests)?;
        let ids = requests.ids()?.into_iter();
        Ok(ConsoleEvent::SavedRequests(ids.map(|id| (id.clone(), requests.load(&id))).collect()))
    })
    .await
    .map_err(|_| task_panicked())?
}

/// Builds the response that represents a list whose reading was interrupted.
fn interrupted_list_exchange(
    credential: &Credential,
    draft: &RequestDraft,
    problem: Problem,
) -> HttpExchange {
    HttpExchange {
        credential: credential.id.clone(),
        region: credential.region.clone(),
        draft: draft.clone(),
        response: ApiResponse { status: 200, ..ApiResponse::default() },
        explanation: Some(problem),
        refusal: None,
        rate_limit: None,
        captured: Vec::new(),
        saved_body: None,
    }
}

/// Writes a body to a new file that only this user can read.
async fn save_body(exchange: Arc<HttpExchange>, path: String) -> Result<String, Problem> {
    let target = expand_home(&path);
    let write = move || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        let bytes = exchange.response.body.as_bytes();
        std::io::Write::write_all(&mut private_mode(&mut options).open(target)?, bytes)
    };
    let written = tokio::task::spawn_blocking(write).await.map_err(|_| task_panicked())?;
    written.map_err(|error| {
        let remedy = "name a file that does not exist yet, in a folder where you may write";
        Problem::new(format!("{path} was not written"), error.to_string(), remedy)
    })?;
    Ok(path)
}

/// Expands `~/` to the user's home folder, as shells do.
fn expand_home(path: &str) -> PathBuf {
    let home = || directories::BaseDirs::new().map(|known| known.home_dir().to_owned());
    match path.strip_prefix("~/").and_then(|rest| Some(home()?.join(rest))) {
        Some(expanded) => expanded,
        None => PathBuf::from(path),
    }
}

fn no_next_page() -> Problem {
    let why = "the response has no link to a next page";
    Problem::new(
        "This is the last page",
        why,
        "send the request again to start from the first page",
    )
    .with_class(ProblemClass::NotFound)
}
