//! What the console of the screen does beside sending a request: pages, history, saved requests, files.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use super::keyring::broken_task;
use super::message::{Consent, ConsoleEvent, ConsoleTask, Event, Exchange, HistoryFilter, Keep, Order, SavedTask, SendTask};
use super::pages::{Leaf, Turned, follow};
use super::tasks::Voice;
use crate::config::SavedRequestStore;
use crate::domain::paging;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::request::{RequestDraft, SavedRequest};
use crate::domain::response::{ApiResponse, RequestTiming, ResponseBody};
use crate::domain::timing::ConnectionOrigin;
use crate::domain::{Credential, CredentialName};

/// So many requests of the history are offered.
const OFFERED: usize = 1_000;
/// A list of more bytes than this is not read on.
const LONGEST_LIST: usize = 64 << 20;

impl Engine {
    pub(super) async fn perform_console(&self, task: ConsoleTask, voice: &Voice) -> Result<(), Problem> {
        let event = match task {
            ConsoleTask::AllPages(task) => return self.read_all(task, voice).await,
            ConsoleTask::NextPage(exchange) => return self.turn_page(&exchange, voice).await,
            ConsoleTask::Keep(exchange, which, name) => {
                ConsoleEvent::Kept(which, Box::new(self.keep_at(&exchange, which, name).await?))
            }
            ConsoleTask::History(filter) => ConsoleEvent::History(self.history(filter, OFFERED).await?),
            ConsoleTask::Forget => {
                self.purge_history(0).await?;
                ConsoleEvent::History(self.history(HistoryFilter::default(), OFFERED).await?)
            }
            ConsoleTask::Write(exchange, path) => ConsoleEvent::Written(write_body(exchange, path).await?),
            ConsoleTask::Vet(id, text) => {
                let credential = self.by_id(&id).await?;
                ConsoleEvent::Vetted(self.redactor(&credential).await?.redact(&text))
            }
            ConsoleTask::Saved(task) => self.perform_saved(task).await?,
        };
        voice.say(Event::Console(event));
        Ok(())
    }

    /// Reads a list to its end. What was read before a page failed is shown all the same, with the reason.
    async fn read_all(&self, task: SendTask, voice: &Voice) -> Result<(), Problem> {
        let SendTask { credential, draft, consent, keep } = task;
        let credential = self.by_id(&credential).await?;
        let (mut list, mut items, mut is_cut) = (String::from("["), 0, false);
        let leaf = |leaf: Leaf<'_>| {
            for item in &leaf.items {
                list.push_str(if items == 0 { "" } else { ",\n" });
                list.push_str(item.get());
                items += 1;
            }
            voice.say(Event::Console(ConsoleEvent::Read { pages: leaf.number, items }));
            is_cut = list.len() > LONGEST_LIST;
            Ok(if is_cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        let waiting = |wait| voice.say(Event::Console(ConsoleEvent::Waits(wait)));
        let order = Order { draft: draft.clone(), consent, keep };
        let started = Instant::now();
        let outcome = self.all_pages(&credential, order, leaf, &waiting).await;
        list.push(']');
        let last = match outcome {
            Ok(Turned { last, pages: 0, .. }) => {
                voice.say(Event::Answered(Box::new(last)));
                return Ok(());
            }
            Err(problem) if items == 0 => return Err(problem),
            Ok(turned) => turned.last,
            Err(problem) => broken_off(&credential, &draft, problem),
        };
        let total_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let timing = RequestTiming { total_ms, connection: ConnectionOrigin::Unknown, ..last.answer.timing };
        let whole =
            ApiResponse { size: list.len() as u64, body: ResponseBody::Text(list), truncated: is_cut, timing, ..last.answer };
        voice.say(Event::Answered(Box::new(Exchange { draft, answer: whole, ..last })));
        Ok(())
    }

    async fn turn_page(&self, exchange: &Exchange, voice: &Voice) -> Result<(), Problem> {
        let credential = self.by_id(&exchange.credential).await?;
        super::pages::refuse_changes(&exchange.draft)?;
        let region = self.catalogue.region(&credential.provider, &exchange.region)?;
        let asked = exchange.draft.resolve(region)?;
        let page = paging::parse_page(exchange.answer.body.text().unwrap_or_default(), &asked)?;
        let Some(next) = page.next? else { return Err(last_page()) };
        let draft = follow(&exchange.draft, &next);
        let order = Order { draft, consent: Consent::NotAsked, keep: Keep::WithoutBody };
        let waiting = |wait| voice.say(Event::Console(ConsoleEvent::Waits(wait)));
        let exchange = self.send_order(&credential, order, &waiting).await?;
        voice.say(Event::Answered(Box::new(exchange)));
        Ok(())
    }

    async fn keep_at(&self, exchange: &Exchange, which: usize, name: CredentialName) -> Result<Credential, Problem> {
        let Some(minted) = exchange.minted.get(which) else { return Err(broken_task()) };
        self.keep_as(exchange, minted, name).await
    }

    async fn perform_saved(&self, task: SavedTask) -> Result<ConsoleEvent, Problem> {
        let requests = self.options.requests.clone().ok_or_else(nothing_is_kept)?;
        let task = match task {
            SavedTask::Save(id, credential, draft) => {
                let credential = self.by_id(&credential).await?;
                let clean = self.without_secrets(&credential, &draft).await?;
                Change::Save(id, SavedRequest::from_draft(&clean, &credential.provider))
            }
            other => Change::Other(other),
        };
        tokio::task::spawn_blocking(move || change(&requests, task)).await.map_err(|_| broken_task())?
    }
}

/// What is done to the folder of saved requests.
enum Change {
    Save(crate::domain::request::SavedRequestName, SavedRequest),
    Other(SavedTask),
}

fn change(requests: &SavedRequestStore, change: Change) -> Result<ConsoleEvent, Problem> {
    match change {
        Change::Save(id, saved) => drop(requests.save(&id, &saved)?),
        Change::Other(SavedTask::Rename(id, to)) => requests.rename(&id, &to)?,
        Change::Other(SavedTask::Copy(id, to)) => requests.copy(&id, &to)?,
        Change::Other(SavedTask::Delete(id)) => requests.delete(&id)?,
        Change::Other(SavedTask::List | SavedTask::Save(..)) => {}
    }
    Ok(ConsoleEvent::Saved(requests.ids()?.into_iter().map(|id| (id.clone(), requests.load(&id))).collect()))
}

/// The answer that stands for a list that broke off.
fn broken_off(credential: &Credential, draft: &RequestDraft, problem: Problem) -> Exchange {
    Exchange {
        credential: credential.id.clone(),
        region: credential.region.clone(),
        draft: draft.clone(),
        answer: ApiResponse { status: 200, ..ApiResponse::default() },
        explanation: Some(problem),
        refusal: None,
        limit: None,
        minted: Vec::new(),
    }
}

/// Writes a body to a file that is not there yet, readable by nobody else.
async fn write_body(exchange: Arc<Exchange>, path: String) -> Result<String, Problem> {
    let target = expanded(&path);
    let write = move || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let bytes = match &exchange.answer.body {
            ResponseBody::Empty => &[][..],
            ResponseBody::Text(text) => text.as_bytes(),
            ResponseBody::Binary(bytes) => bytes,
        };
        std::io::Write::write_all(&mut options.open(target)?, bytes)
    };
    let written = tokio::task::spawn_blocking(write).await.map_err(|_| broken_task())?;
    written.map_err(|error| {
        let remedy = "name a file that is not there yet, in a folder where you may write";
        Problem::new(format!("{path} was not written"), error.to_string(), remedy)
    })?;
    Ok(path)
}

/// A path as shells read it: `~/` is the person's own folder.
fn expanded(path: &str) -> PathBuf {
    let home = || directories::BaseDirs::new().map(|known| known.home_dir().to_owned());
    match path.strip_prefix("~/").and_then(|rest| Some(home()?.join(rest))) {
        Some(expanded) => expanded,
        None => PathBuf::from(path),
    }
}

fn last_page() -> Problem {
    let why = "the answer names no page after it";
    Problem::new("This is the last page", why, "there is nothing more to fetch").with_class(ProblemClass::NotFound)
}

fn nothing_is_kept() -> Problem {
    let why = "this run keeps nothing: no files of its own, no keyring";
    Problem::new("There are no saved requests here", why, "start tokenring without `demo`")
}
