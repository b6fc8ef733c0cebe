//! What was asked for while the store was locked: it is carried out once the store is unlocked.
//!
//! Each task that needs a secret is remembered while it runs. If it fails because the store is
//! locked, the screen asks to unlock it, and starts the task again afterwards. Start at
//! `App::unlock_and_retry`.

use std::sync::Arc;

use crate::domain::{CredentialId, Problem};
use crate::engine::background::protocol::{
    BackgroundTask, ConsoleTask, HttpExchange, SecretTask, SendTask, StoreError, StoreStatus,
    TaskId,
};
use crate::tui::app::command::{CommandAction, ProgramAction};
use crate::tui::app::console::sending;
use crate::tui::app::credentials::region_probe;
use crate::tui::app::dialogs::DialogAction;
use crate::tui::app::overview::activity::NotificationLevel;
use crate::tui::app::{App, Now, UiEffect};

/// Task that needs a secret, to be started again after unlocking.
enum RetriableTask {
    Reveal(CredentialId),
    Copy(CredentialId),
    Check(Vec<CredentialId>),
    CheckAllRegions(CredentialId),
    Send(SendTask),
    AllPages(SendTask),
    NextPage(Arc<HttpExchange>),
}

/// Tasks that run and need a secret, and what follows the unlocking of a keyring.
#[derive(Default)]
pub struct UnlockRetries {
    running: Vec<(TaskId, RetriableTask)>,
    after_unlock: Option<(TaskId, DialogAction)>,
}

impl RetriableTask {
    /// Returns a copy of a task that needs a secret; `None` for another task.
    fn from_task(task: &BackgroundTask) -> Option<Self> {
        Some(match task {
            BackgroundTask::Secret(SecretTask::Reveal(id)) => Self::Reveal(id.clone()),
            BackgroundTask::Secret(SecretTask::Copy(id, _)) => Self::Copy(id.clone()),
            BackgroundTask::CheckCredentials(ids) => Self::Check(ids.clone()),
            BackgroundTask::CheckAllRegions(id) => Self::CheckAllRegions(id.clone()),
            BackgroundTask::Send(send) => Self::Send(send.clone()),
            BackgroundTask::Console(ConsoleTask::AllPages(send)) => Self::AllPages(send.clone()),
            BackgroundTask::Console(ConsoleTask::NextPage(exchange)) => {
                Self::NextPage(Arc::clone(exchange))
            }
            _ => return None,
        })
    }

    /// Returns the credential that a console request is sent with, and the task that sends it.
    fn into_console_task(self) -> Option<(CredentialId, BackgroundTask)> {
        match self {
            Self::Send(send) => Some((send.credential.clone(), BackgroundTask::Send(send))),
            Self::AllPages(send) => Some((
                send.credential.clone(),
                BackgroundTask::Console(ConsoleTask::AllPages(send)),
            )),
            Self::NextPage(exchange) => Some((
                exchange.credential.clone(),
                BackgroundTask::Console(ConsoleTask::NextPage(exchange)),
            )),
            Self::Reveal(_) | Self::Copy(_) | Self::Check(_) | Self::CheckAllRegions(_) => None,
        }
    }
}

impl UnlockRetries {
    /// Remembers a task that starts, if it needs a secret.
    pub(super) fn remember(&mut self, id: TaskId, task: &BackgroundTask) {
        self.running.extend(RetriableTask::from_task(task).map(|task| (id, task)));
    }

    /// Forgets a task that has ended, and what would have followed it.
    pub(super) fn forget(&mut self, id: TaskId) {
        drop(self.take(id));
        self.after_unlock.take_if(|(waiting, _)| *waiting == id);
    }

    /// Returns what follows the task that has unlocked a keyring.
    pub(super) fn take_next(&mut self, unlocked: TaskId) -> Option<DialogAction> {
        self.after_unlock.take_if(|(waiting, _)| *waiting == unlocked).map(|(_, next)| next)
    }

    fn take(&mut self, id: TaskId) -> Option<RetriableTask> {
        let at = self.running.iter().position(|(known, _)| *known == id)?;
        Some(self.running.swap_remove(at).1)
    }
}

/// Whether a task failed because the store is locked.
pub(super) fn is_store_locked(problem: &Problem) -> bool {
    problem.what == Problem::from(StoreError::Locked).what
}

impl App {
    /// Records the state of the store. When the program starts with a locked store, asks for the
    /// passphrase at once, unless the user does something else already.
    pub(super) fn on_store_status(&mut self, status: StoreStatus, now: Now) -> Vec<UiEffect> {
        let is_first = self.activity.store.is_none();
        let is_locked = status.problem == Some(StoreError::Locked);
        let asks_in_dialog = status.backend.has_passphrase();
        self.activity.store = Some(status);
        if is_first
            && is_locked
            && asks_in_dialog
            && self.dialogs.is_empty()
            && !self.credentials.all().is_empty()
        {
            return self.unlock_store(None, now);
        }
        Vec::new()
    }

    /// Asks to unlock the store for a task that failed because it is locked, and starts that task
    /// again afterwards. Does not interrupt another dialog. Returns `None` for a task that needs no
    /// secret.
    pub(super) fn unlock_and_retry(
        &mut self,
        task: TaskId,
        title: Option<String>,
        now: Now,
    ) -> Option<Vec<UiEffect>> {
        let store = self.activity.store.as_mut()?;
        let retry = self.unlock_retries.take(task)?;
        store.problem = Some(StoreError::Locked);
        if self.dialogs.is_empty() {
            let next = DialogAction::call(move |app, now| app.start_again(retry, title, now));
            return Some(self.unlock_store(Some(next), now));
        }
        let unlock = CommandAction::Program(ProgramAction::Unlock);
        let key = self.preferences.keys.key_or_name(unlock);
        let done = title.map_or_else(String::new, |title| format!("{title}: "));
        let text = format!("{done}the store is locked; {key} unlocks it");
        self.activity.notify(NotificationLevel::Warning, text, now.instant);
        Some(Vec::new())
    }

    /// Unlocks the store by its own prompt, or asks for its passphrase. `next` is carried out once
    /// it is unlocked.
    pub(super) fn unlock_store(&mut self, next: Option<DialogAction>, now: Now) -> Vec<UiEffect> {
        let Some(store) = self.activity.store.as_ref().filter(|_| self.store_needs_unlock()) else {
            return Vec::new();
        };
        if store.backend.has_passphrase() {
            self.open_unlock_dialog(next);
            return Vec::new();
        }
        let (task, effect) = self.start_unlock_task(now);
        self.unlock_retries.after_unlock = next.map(|next| (task, next));
        vec![effect]
    }

    fn start_again(
        &mut self,
        task: RetriableTask,
        title: Option<String>,
        now: Now,
    ) -> Vec<UiEffect> {
        let title = title.unwrap_or_default();
        match task {
            RetriableTask::Reveal(id) => self.start_reveal(id),
            RetriableTask::Copy(id) => self.start_copy(id, now),
            RetriableTask::Check(ids) => {
                vec![self.start_task(title, BackgroundTask::CheckCredentials(ids), now).1]
            }
            RetriableTask::CheckAllRegions(id) => region_probe::start_probe(self, id, now),
            request => request.into_console_task().map_or_else(Vec::new, |(id, task)| {
                sending::start_request_task(self, title, id, task, now)
            }),
        }
    }
}
