//! Background tasks of the screen: started by id, canceled by id, reporting through one channel.
//!
//! `task_protocol` defines the tasks; further areas are in `requests::tasks`, `rotation_tasks` and
//! `sign_in_tasks`. Start with [`TaskManager::start`].

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::credentials::{read_key_file, task_panicked};
use super::pending_prompts::PendingPrompts;
use super::task_protocol::{
    BackgroundTask, CheckTask, ClassifyPolicy, CredentialEvent, CredentialTask, DiagnosticTask,
    NewCredential, SecretEvent, SecretTask, StoreTask, TaskEvent, TaskId, TaskReport,
};
use super::{DisclosureChannel, Engine, UNLOCK_TIMEOUT};
use crate::domain::credential::SecretPart;
use crate::domain::problem::Problem;
use crate::domain::{Credential, CredentialId, Secret};
use crate::index::Database;
use crate::store::UnlockMethod;

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
pub(super) struct TaskContext {
    task: TaskId,
    reports: UnboundedSender<TaskReport>,
    pub(super) prompts: PendingPrompts,
    /// Canceled when the task should pause before its next step.
    pub(super) pause: CancellationToken,
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
                outcome = catch_panic(engine.run_task(task, &context)) => outcome.map_or_else(TaskEvent::Failed, |()| TaskEvent::Done),
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
            self.engine.clipboard_service.clear().await
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
    pub(super) async fn enter_critical_section(&self) -> MutexGuard<'_, ()> {
        self.critical_section.lock().await
    }

    /// Sends an event. The receiver is gone only after the screen, and then no report is missed.
    pub(super) fn send_event(&self, event: TaskEvent) {
        let _ = self.reports.send(TaskReport { task: self.task, event });
    }
}

impl Engine {
    async fn run_task(
        self: &Arc<Self>,
        task: BackgroundTask,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        match task {
            BackgroundTask::Credential(task) => self.run_credential_task(task, context).await,
            BackgroundTask::Secret(task) => self.run_secret_task(task, context).await,
            BackgroundTask::Check(task) => self.run_check_task(task, context).await,
            BackgroundTask::Send(task) => self.run_send_task(task, context).await,
            BackgroundTask::Console(task) => self.run_console_task(task, context).await,
            BackgroundTask::Store(task) => self.run_store_task(task, context).await,
            BackgroundTask::Rotation(task) => self.run_rotation_task(task, context).await,
            BackgroundTask::Diagnostic(task) => self.run_diagnostic_task(task, context).await,
            BackgroundTask::SignIn(task) => self.run_sign_in_task(task, context).await,
        }
    }

    async fn run_credential_task(
        &self,
        task: CredentialTask,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let event = match task {
            CredentialTask::Load => CredentialEvent::Loaded(self.credentials().await?),
            CredentialTask::Identify(pasted) => self.identification_event(&pasted).await?,
            CredentialTask::IdentifyFile(path) => {
                self.identification_event(&read_key_file(path)?).await?
            }
            CredentialTask::Add(new, policy) => {
                return self.run_add_task(new, policy, context).await;
            }
            CredentialTask::Edit(id, edit) => {
                CredentialEvent::Changed(Box::new(self.edit_credential(&id, edit).await?))
            }
            CredentialTask::Remove(id) => {
                self.remove_credential(&id).await?;
                CredentialEvent::Removed(id)
            }
            CredentialTask::FindImportable => {
                context.send_event(TaskEvent::Store(self.store_service.state().await));
                CredentialEvent::ImportCandidates(self.find_cli_credentials().await)
            }
            CredentialTask::Import(candidates) => {
                for candidate in candidates {
                    let kept = self.import_candidate(&candidate).await?;
                    context.send_event(TaskEvent::Credential(CredentialEvent::Changed(Box::new(
                        kept,
                    ))));
                }
                return Ok(());
            }
            CredentialTask::AllChecks => {
                CredentialEvent::AllChecks(self.database.run(Database::all_region_checks).await?)
            }
            CredentialTask::RegionChecks(id) => {
                self.send_token_lifetime(&self.credential_by_id(&id).await?, context);
                let checks = self.region_checks(&id).await?;
                CredentialEvent::RegionChecks(id, checks)
            }
        };
        context.send_event(TaskEvent::Credential(event));
        Ok(())
    }

    /// Adds a credential. It appears on the screen as soon as it is stored; the provider's report
    /// follows.
    async fn run_add_task(
        &self,
        new: NewCredential,
        policy: ClassifyPolicy,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let kept = self.add_credential(new).await?;
        context.send_event(TaskEvent::Credential(CredentialEvent::Changed(Box::new(kept.clone()))));
        if policy == ClassifyPolicy::AskProvider {
            let asked = self.classify(&kept).await;
            self.send_token_lifetime(&kept, context);
            context.send_event(TaskEvent::Credential(CredentialEvent::Classified(
                kept.name,
                Box::new(asked),
            )));
        }
        Ok(())
    }

    /// Sends the lifetime of the cached access token, if the kind uses access tokens.
    pub(super) fn send_token_lifetime(&self, credential: &Credential, context: &TaskContext) {
        let kind = self.catalog.kind(&credential.provider, &credential.kind);
        if kind.is_ok_and(|kind| kind.authorization.uses_token_exchange()) {
            let life = self.cached_token_lifetime(credential);
            context.send_event(TaskEvent::Credential(CredentialEvent::AccessToken(
                credential.id.clone(),
                life,
            )));
        }
    }

    async fn identification_event(&self, pasted: &Secret) -> Result<CredentialEvent, Problem> {
        let found = self.identify(pasted)?;
        // A locked store cannot find duplicates; the secret can still be identified.
        let twins = self.find_duplicates(&found.secret).await.unwrap_or_default();
        let secret = Arc::new(found.secret);
        Ok(CredentialEvent::Identified {
            secret,
            cleaned: found.removed,
            candidates: found.candidates,
            twins,
        })
    }

    async fn run_secret_task(
        &self,
        task: SecretTask,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        match task {
            SecretTask::Reveal(id) => {
                let secret = Arc::new(self.disclose_by_id(&id, DisclosureChannel::Reveal).await?);
                context.send_event(TaskEvent::Secret(SecretEvent::Revealed(id, secret)));
            }
            SecretTask::Copy(id) => {
                let secret = Arc::new(self.disclose_by_id(&id, DisclosureChannel::Copy).await?);
                self.clipboard_service
                    .copy_secret(secret, |event| context.send_event(TaskEvent::Secret(event)))
                    .await?;
            }
            SecretTask::CopyText(text) => context.send_event(TaskEvent::Secret(
                SecretEvent::Copied(self.clipboard_service.copy_text(text).await?),
            )),
            SecretTask::ClearClipboard => context.send_event(TaskEvent::Secret(
                SecretEvent::Cleared(self.clipboard_service.clear().await?),
            )),
        }
        Ok(())
    }

    async fn disclose_by_id(
        &self,
        id: &CredentialId,
        channel: DisclosureChannel,
    ) -> Result<Secret, Problem> {
        let credential = self.credential_by_id(id).await?;
        self.disclose_secret(&credential, &SecretPart::Secret, channel).await
    }

    async fn run_check_task(
        self: &Arc<Self>,
        task: CheckTask,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        match task {
            CheckTask::Credentials(ids) => self.run_checks_task(ids, context).await,
            CheckTask::AllRegions(id) => self.run_all_regions_task(&id, context).await,
        }
    }

    async fn run_checks_task(
        self: &Arc<Self>,
        ids: Vec<CredentialId>,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let wanted: std::collections::HashSet<_> = ids.into_iter().collect();
        let chosen: Vec<_> = self
            .credentials()
            .await?
            .into_iter()
            .filter(|known| wanted.contains(&known.id))
            .collect();
        let (total, mut done, mut last_problem) = (chosen.len(), 0, None);
        self.check_many(chosen, |credential, outcome| {
            done += 1;
            match outcome {
                Ok(check) => {
                    context.send_event(checked_event(credential, &credential.region, check));
                }
                Err(problem) => last_problem = Some(problem),
            }
            context.send_event(TaskEvent::Progress { done, total });
        })
        .await;
        self.send_changed_credentials(&wanted, context).await?;
        last_problem.map_or(Ok(()), Err)
    }

    /// Sends the changed credentials in one go, because a check may have learned more than its
    /// result (principal, scheme).
    async fn send_changed_credentials(
        &self,
        ids: &std::collections::HashSet<CredentialId>,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        for credential in
            self.credentials().await?.into_iter().filter(|known| ids.contains(&known.id))
        {
            self.send_token_lifetime(&credential, context);
            context
                .send_event(TaskEvent::Credential(CredentialEvent::Changed(Box::new(credential))));
        }
        Ok(())
    }

    async fn run_all_regions_task(
        &self,
        id: &CredentialId,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let credential = self.credential_by_id(id).await?;
        let total = self.catalog.regions(&credential.provider)?.len();
        let mut done = 0;
        self.check_all_regions(&credential, |region, check| {
            done += 1;
            context.send_event(checked_event(&credential, region, check.clone()));
            context.send_event(TaskEvent::Progress { done, total });
        })
        .await
    }

    async fn run_diagnostic_task(
        &self,
        task: DiagnosticTask,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        let found = match task {
            DiagnosticTask::Doctor(input) => self.diagnose(&input).await,
            DiagnosticTask::Scan => self.scan(Vec::new(), |_| {}).await?.to_diagnostics(),
        };
        context.send_event(TaskEvent::Diagnosed(found));
        Ok(())
    }

    async fn run_store_task(&self, task: StoreTask, context: &TaskContext) -> Result<(), Problem> {
        match task {
            StoreTask::Status => {}
            StoreTask::Lock => self.store_service.lock().await?,
            StoreTask::Unlock(None) => {
                self.store_service.unlock(UnlockMethod::SystemPrompt, UNLOCK_TIMEOUT).await?;
            }
            StoreTask::Unlock(Some(passphrase)) => {
                self.store_service
                    .unlock(UnlockMethod::Passphrase(&passphrase), UNLOCK_TIMEOUT)
                    .await?;
            }
        }
        context.send_event(TaskEvent::Store(self.store_service.state().await));
        Ok(())
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

fn checked_event(
    credential: &Credential,
    region: &str,
    check: crate::domain::credential::CheckReport,
) -> TaskEvent {
    TaskEvent::Checked { credential: credential.id.clone(), region: region.to_owned(), check }
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
