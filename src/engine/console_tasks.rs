//! Console tasks of the screen besides sending a request: pages, history, saved requests, files.
//!
//! Start with `run_console_task`, which handles each [`ConsoleTask`].

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use super::credentials::task_panicked;
use super::pagination::{PageResult, PagingLimits, PagingResult, next_page_draft};
use super::task_protocol::{
    ConsoleEvent, ConsoleTask, HistoryFilter, HistoryPolicy, HttpExchange, RequestOptions,
    SavedRequestTask, SendTask, TaskEvent, WriteConsent,
};
use super::task_runner::TaskContext;
use crate::config::SavedRequestStore;
use crate::domain::pagination;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::request::{RequestDraft, SavedRequest};
use crate::domain::response::{ApiResponse, RequestTiming, ResponseBody};
use crate::domain::timing::ConnectionOrigin;
use crate::domain::{Credential, CredentialName};

/// Maximum number of history entries that are listed.
const MAX_HISTORY_ENTRIES: usize = 1_000;
/// Maximum size of a combined list, in bytes; further pages are not read.
const MAX_LIST_BYTES: usize = 64 << 20;

impl Engine {
    pub(super) async fn run_console_task(
        &self,
        task: ConsoleTask,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let event = match task {
            ConsoleTask::AllPages(task) => return self.run_all_pages_task(task, context).await,
            ConsoleTask::NextPage(exchange) => {
                return self.run_next_page_task(&exchange, context).await;
            }
            ConsoleTask::StoreCaptured(exchange, index, name) => ConsoleEvent::CapturedStored(
                index,
                Box::new(self.store_captured_at(&exchange, index, name).await?),
            ),
            ConsoleTask::ListHistory(filter) => {
                ConsoleEvent::History(self.history(filter, MAX_HISTORY_ENTRIES).await?)
            }
            ConsoleTask::ClearHistory => {
                self.purge_history(0).await?;
                ConsoleEvent::History(
                    self.history(HistoryFilter::default(), MAX_HISTORY_ENTRIES).await?,
                )
            }
            ConsoleTask::SaveBody(exchange, path) => {
                ConsoleEvent::BodySaved(save_body(exchange, path).await?)
            }
            ConsoleTask::RedactText(id, text) => {
                let credential = self.credential_by_id(&id).await?;
                ConsoleEvent::TextRedacted(self.redactor_for(&credential).await?.redact(&text))
            }
            ConsoleTask::SavedRequests(task) => self.run_saved_request_task(task).await?,
        };
        context.send_event(TaskEvent::Console(event));
        Ok(())
    }

    /// Reads all pages of a list. If a page fails, what was read before is shown with the reason.
    async fn run_all_pages_task(
        &self,
        task: SendTask,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let SendTask { credential, draft, consent, history_policy } = task;
        let credential = self.credential_by_id(&credential).await?;
        let (mut list, mut items, mut truncated) = (String::from("["), 0, false);
        let on_page = |page: PageResult<'_>| {
            for item in &page.items {
                list.push_str(if items == 0 { "" } else { ",\n" });
                list.push_str(item.get());
                items += 1;
            }
            context.send_event(TaskEvent::Console(ConsoleEvent::PagesRead {
                pages: page.number,
                items,
            }));
            truncated = list.len() > MAX_LIST_BYTES;
            Ok(if truncated { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        let on_wait =
            |wait| context.send_event(TaskEvent::Console(ConsoleEvent::RateLimited(wait)));
        let options = RequestOptions { draft: draft.clone(), consent, history_policy };
        let started = Instant::now();
        let limits = PagingLimits::default();
        let outcome = self.fetch_all_pages(&credential, options, limits, on_page, &on_wait).await;
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
        let timing = RequestTiming {
            total_ms,
            connection: ConnectionOrigin::Unknown,
            ..last.response.timing
        };
        let whole = ApiResponse {
            size: list.len() as u64,
            body: ResponseBody::Text(list),
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
        &self,
        exchange: &HttpExchange,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let credential = self.credential_by_id(&exchange.credential).await?;
        super::pagination::ensure_read_only(&exchange.draft)?;
        let region = self.catalog.region(&credential.provider, &exchange.region)?;
        let url = exchange.draft.resolve(region)?;
        let prefix = self.catalog.provider(&credential.provider)?.link_prefix.as_deref();
        let body = exchange.response.body.text().unwrap_or_default();
        let page = pagination::parse_page(body, &url, prefix)?;
        let Some(next) = page.next? else { return Err(no_next_page()) };
        let draft = next_page_draft(&exchange.draft, &next);
        let options = RequestOptions {
            draft,
            consent: WriteConsent::NotAsked,
            history_policy: HistoryPolicy::WithoutBody,
        };
        let on_wait =
            |wait| context.send_event(TaskEvent::Console(ConsoleEvent::RateLimited(wait)));
        let exchange = self.send_and_record(&credential, options, &on_wait).await?;
        context.send_event(TaskEvent::ResponseReceived(Box::new(exchange)));
        Ok(())
    }

    async fn store_captured_at(
        &self,
        exchange: &HttpExchange,
        index: usize,
        name: CredentialName,
    ) -> Result<Credential, Problem> {
        let Some(captured) = exchange.captured.get(index) else { return Err(task_panicked()) };
        self.store_captured_as(exchange, captured, name).await
    }

    async fn run_saved_request_task(
        &self,
        task: SavedRequestTask,
    ) -> Result<ConsoleEvent, Problem> {
        let requests = self.options.saved_requests.clone().ok_or_else(no_saved_requests)?;
        let task = match task {
            SavedRequestTask::Save(id, credential, draft) => {
                let credential = self.credential_by_id(&credential).await?;
                let clean = self.redact_draft(&credential, &draft).await?;
                SavedRequestChange::Save(id, SavedRequest::from_draft(&clean, &credential.provider))
            }
            other => SavedRequestChange::Other(other),
        };
        tokio::task::spawn_blocking(move || apply_saved_request_change(&requests, task))
            .await
            .map_err(|_| task_panicked())?
    }
}

/// Change to the folder of saved requests.
enum SavedRequestChange {
    Save(crate::domain::request::SavedRequestName, SavedRequest),
    Other(SavedRequestTask),
}

fn apply_saved_request_change(
    requests: &SavedRequestStore,
    change: SavedRequestChange,
) -> Result<ConsoleEvent, Problem> {
    match change {
        SavedRequestChange::Save(id, saved) => drop(requests.save(&id, &saved)?),
        SavedRequestChange::Other(SavedRequestTask::Rename(id, to)) => requests.rename(&id, &to)?,
        SavedRequestChange::Other(SavedRequestTask::Copy(id, to)) => requests.copy(&id, &to)?,
        SavedRequestChange::Other(SavedRequestTask::Delete(id)) => requests.delete(&id)?,
        SavedRequestChange::Other(SavedRequestTask::List | SavedRequestTask::Save(..)) => {}
    }
    Ok(ConsoleEvent::SavedRequests(
        requests.ids()?.into_iter().map(|id| (id.clone(), requests.load(&id))).collect(),
    ))
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
    }
}

/// Writes a body to a new file that only this user can read.
async fn save_body(exchange: Arc<HttpExchange>, path: String) -> Result<String, Problem> {
    let target = expand_home(&path);
    let write = move || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let bytes = match &exchange.response.body {
            ResponseBody::Empty => &[][..],
            ResponseBody::Text(text) => text.as_bytes(),
            ResponseBody::Binary(bytes) => bytes,
        };
        std::io::Write::write_all(&mut options.open(target)?, bytes)
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

fn no_saved_requests() -> Problem {
    let why = "this session lives in memory only, without files or a keyring";
    Problem::new("Saved requests are not available", why, "start tokenring without `demo`")
}
