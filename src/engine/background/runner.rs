//! Background tasks of the screen: started by id, canceled by id, reporting through one channel.
//!
//! `protocol.rs` defines the tasks; those of an area are in its `tasks.rs`. Start with
//! [`TaskManager::start`].

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::problem::Problem;
use crate::engine::background::protocol::{BackgroundTask, TaskEvent, TaskId, TaskReport};
use crate::engine::checks::tasks as check_tasks;
use crate::engine::credentials::tasks as credential_tasks;
use crate::engine::ports::task_panicked;
use crate::engine::prompt::PendingPrompts;
use crate::engine::rotation::tasks as rotation_tasks;
use crate::engine::secrets::tasks as secret_tasks;
use crate::engine::sign_in::tasks as sign_in_tasks;
use crate::engine::stores::tasks as store_tasks;
use crate::engine::{Engine, doctor, generate_passphrase, requests};

/// How long a task in a critical section may continue after it is canceled: less than the time that
/// quitting waits.
const CRITICAL_SECTION_TIMEOUT: Duration = Duration::from_millis(800);

/// Running tasks.
pub struct TaskManager {
    engine: Arc<Engine>,
    reports: UnboundedSender<TaskReport>,
    running: JoinSet<TaskId>,
    tokens: HashMap<TaskId, TaskTokens>,
    prompts: PendingPrompts,
}

/// Tokens that stop a task: at once, or where it can be resumed.
#[derive(Clone, Default)]
struct TaskTokens {
    cancel: CancellationToken,
    pause: CancellationToken,
}

/// Context of one task: where it sends its events and receives its replies.
#[derive(Clone)]
pub(in crate::engine) struct TaskContext {
    task: TaskId,
    reports: UnboundedSender<TaskReport>,
    pub(in crate::engine) prompts: PendingPrompts,
    /// Canceled when the task should pause before its next step.
    pub(in crate::engine) pause: CancellationToken,
    /// Locked while the task would lose data if it were interrupted.
    critical_section: Arc<Mutex<()>>,
}

impl TaskManager {
    /// Creates a manager without tasks; reports go to `reports`.
    pub fn new(engine: Arc<Engine>, reports: UnboundedSender<TaskReport>) -> Self {
        Self {
            engine,
            reports,
            running: JoinSet::new(),
            tokens: HashMap::new(),
            prompts: PendingPrompts::default(),
        }
    }

    /// Starts a task in the background. Its last event is `Done`, `Failed` or `Canceled`.
    pub fn start(&mut self, id: TaskId, task: BackgroundTask) {
        self.remove_finished();
        let TaskTokens { cancel, pause } = self.tokens.entry(id).or_default().clone();
        let critical_section = Arc::<Mutex<()>>::default();
        let (reports, prompts) = (self.reports.clone(), self.prompts.clone());
        let context = TaskContext {
            task: id,
            reports,
            prompts,
            pause,
            critical_section: Arc::clone(&critical_section),
        };
        let engine = Arc::clone(&self.engine);
        self.running.spawn(async move {
            let ending = tokio::select! {
                biased;
                () = wait_until_stopped(&cancel, &critical_section) => TaskEvent::Canceled,
                outcome = catch_panic(run_task(&engine, task, &context)) => outcome.map_or_else(TaskEvent::Failed, |()| TaskEvent::Done),
            };
            context.send_event(ending);
            id
        });
    }

    /// Asks a task to stop; it reports `Canceled` when it has.
    pub fn cancel(&mut self, id: TaskId) {
        if let Some(tokens) = self.tokens.get(&id) {
            tokens.cancel.cancel();
        }
    }

    /// Asks a task with steps to pause before its next step; it ends as if its prompt were
    /// abandoned.
    pub fn pause(&mut self, id: TaskId) {
        if let Some(tokens) = self.tokens.get(&id) {
            tokens.pause.cancel();
        }
    }

    /// Cancels all tasks, clears the clipboard if it still holds our copy, and waits at most
    /// `deadline`.
    pub async fn finish(mut self, deadline: Duration) {
        self.tokens.values().for_each(|tokens| tokens.cancel.cancel());
        let ended = async {
            while self.running.join_next().await.is_some() {}
            self.engine.clipboard.clear().await
        };
        if tokio::time::timeout(deadline, ended).await.is_err() {
            tracing::warn!("tasks were still running at the end");
        }
    }

    fn remove_finished(&mut self) {
        while let Some(ended) = self.running.try_join_next() {
            if let Ok(id) = ended {
                self.tokens.remove(&id);
            }
        }
    }
}

impl TaskContext {
    /// Enters a critical section: until the guard is dropped, a cancellation waits for a while.
    pub(in crate::engine) async fn enter_critical_section(&self) -> MutexGuard<'_, ()> {
        self.critical_section.lock().await
    }

    /// Sends an event. The receiver is gone only after the screen, and then no report is missed.
    pub(in crate::engine) fn send_event(&self, event: TaskEvent) {
        let _ = self.reports.send(TaskReport { task: self.task, event });
    }
}

/// Runs a task with the functions of its area.
async fn run_task(
    engine: &Engine,
    task: BackgroundTask,
    context: &TaskContext,
) -> Result<(), Problem> {
    match task {
        BackgroundTask::Credential(task) => credential_tasks::run_task(engine, task, context).await,
        BackgroundTask::CopyText(text) => secret_tasks::copy_text(engine, text, context).await,
        BackgroundTask::CopyBody { text, remedy } => {
            secret_tasks::copy_body(engine, text, remedy, context).await
        }
        BackgroundTask::GeneratePassphrase => {
            let words = Arc::new(generate_passphrase()?);
            context.send_event(TaskEvent::PassphraseGenerated(words));
            Ok(())
        }
        BackgroundTask::CheckCredentials(ids) => {
            check_tasks::run_checks_task(engine, ids, context).await
        }
        BackgroundTask::CheckAllRegions(id) => {
            check_tasks::run_all_regions_task(engine, &id, context).await
        }
        BackgroundTask::ExplainRefusal(id, region) => {
            check_tasks::explain_refusal_task(engine, &id, &region, context).await
        }
        BackgroundTask::Send(task) => requests::tasks::run_send_task(engine, task, context).await,
        BackgroundTask::Console(task) => {
            Box::pin(requests::tasks::run_task(engine, task, context)).await
        }
        BackgroundTask::ReadStoreStatus => store_tasks::report_status(engine, context).await,
        BackgroundTask::UnlockStore(passphrase) => {
            store_tasks::unlock(engine, passphrase, context).await
        }
        BackgroundTask::LockStore => store_tasks::lock(engine, context).await,
        BackgroundTask::Rotation(task) => rotation_tasks::run_task(engine, task, context).await,
        BackgroundTask::Diagnose(input) => {
            doctor::tasks::run_doctor_task(engine, input, context).await
        }
        BackgroundTask::Scan => doctor::tasks::run_scan_task(engine, context).await,
        BackgroundTask::SignIn(subject) => {
            sign_in_tasks::run_sign_in_task(engine, subject, context).await
        }
        BackgroundTask::SubmitCallbackUrl(prompt, reply) => {
            context.prompts.reply(prompt, reply);
            Ok(())
        }
    }
}

/// Completes when a task is canceled, and later if the task is in a critical section.
async fn wait_until_stopped(cancel: &CancellationToken, critical_section: &Mutex<()>) {
    cancel.cancelled().await;
    // Either the time is up or nothing can be lost: the task stops.
    let _ = tokio::time::timeout(CRITICAL_SECTION_TIMEOUT, critical_section.lock()).await;
}

/// Runs work that may panic and turns a panic into a problem; else the screen would show the task
/// as running for ever.
async fn catch_panic(work: impl Future<Output = Result<(), Problem>>) -> Result<(), Problem> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(task_panicked()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_would_be_lost_has_some_time_to_end_and_no_more() {
        let (cancel, critical_section) = (CancellationToken::new(), Mutex::new(()));
        cancel.cancel();
        let held = critical_section.lock().await;
        let mut stop = std::pin::pin!(wait_until_stopped(&cancel, &critical_section));
        assert!(stop.as_mut().now_or_never().is_none(), "something would be lost");
        drop(held);
        assert!(stop.now_or_never().is_some(), "nothing is left to lose");
        let _hanging = critical_section.lock().await;
        wait_until_stopped(&cancel, &critical_section).await;
    }
}
