//! Retry of tasks that failed because the store was locked.
//!
//! Each task that needs a secret is remembered while it runs. If it fails because the store is
//! locked, the screen asks to unlock it, and starts the task again afterwards. Start at
//! `App::unlock_and_retry`.

use std::sync::Arc;

use crate::domain::{CredentialId, Problem};
use crate::engine::background::protocol::{
    BackgroundTask, ConsoleTask, CredentialTask, StoreError, StoreStatus, TaskId,
};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::keymap::CommandLabelStyle;
use crate::tui::app::command::{CommandAction, ProgramAction};
use crate::tui::app::console::sending;
use crate::tui::app::credentials::regions;
use crate::tui::app::dialogs::{ConfirmDialog, DialogAction};
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::widgets::form::FormButton;
use crate::tui::app::{App, Now, UiEffect};

/// Task that needs a secret, to be started again after unlocking.
enum RetriableTask {
    Reveal(CredentialId),
    Copy(CredentialId),
    Check(Vec<CredentialId>),
    CheckAllRegions(CredentialId),
    /// Request of the console, with the credential that it is sent with.
    Request(CredentialId, Box<BackgroundTask>),
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
        let request = |id: &CredentialId, task| Self::Request(id.clone(), Box::new(task));
        Some(match task {
            BackgroundTask::Credential(CredentialTask::Reveal(id)) => Self::Reveal(id.clone()),
            BackgroundTask::Credential(CredentialTask::CopySecret(id, _)) => Self::Copy(id.clone()),
            BackgroundTask::CheckCredentials(ids) => Self::Check(ids.clone()),
            BackgroundTask::CheckAllRegions(id) => Self::CheckAllRegions(id.clone()),
            BackgroundTask::Send(send) => {
                request(&send.credential, BackgroundTask::Send(send.clone()))
            }
            BackgroundTask::Console(ConsoleTask::AllPages(send)) => {
                let task = ConsoleTask::AllPages(send.clone());
                request(&send.credential, BackgroundTask::Console(task))
            }
            BackgroundTask::Console(ConsoleTask::NextPage(exchange)) => {
                let task = ConsoleTask::NextPage(Arc::clone(exchange));
                request(&exchange.credential, BackgroundTask::Console(task))
            }
            _ => return None,
        })
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
    let locked = [StoreError::Locked, StoreError::AccessUnconfirmed];
    locked.into_iter().any(|error| problem.what == Problem::from(error).what)
}

impl App {
    /// Records the state of the store. When the screen starts with a locked store, asks to unlock it
    /// at once, unless the user does something else already. Plain-text mode does not: its input
    /// may be a script that does not expect the question.
    pub(super) fn on_store_status(&mut self, status: StoreStatus) {
        let is_first = self.activity.store.is_none();
        let is_locked =
            matches!(status.problem, Some(StoreError::Locked | StoreError::AccessUnconfirmed));
        self.activity.store = Some(status);
        if is_first
            && is_locked
            && self.dialogs.is_empty()
            && !self.credentials.all().is_empty()
            && self.preferences.keys.label_style() == CommandLabelStyle::Keys
        {
            self.ask_to_unlock(None);
        }
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
            self.ask_to_unlock(Some(next));
            return Some(Vec::new());
        }
        let unlock = CommandAction::Program(ProgramAction::Unlock);
        let key = self.preferences.keys.key_or_name(unlock);
        let done = title.map_or_else(String::new, |title| format!("{title}: "));
        let text = format!("{done}the store is locked; {key} unlocks it");
        self.activity.notify(NotificationLevel::Warning, text, now.instant);
        Some(Vec::new())
    }

    /// Asks for the passphrase of the store, or whether it may show its own prompt, which must not
    /// come as a surprise. `next` is carried out once the store is unlocked.
    fn ask_to_unlock(&mut self, next: Option<DialogAction>) {
        let Some(store) = &self.activity.store else { return };
        if store.backend.has_passphrase() {
            return self.open_unlock_dialog(next);
        }
        let rows = vec![DialogRow::text(format!(
            "The {} is locked. To unlock it, your desktop asks for its password.",
            store.backend.title
        ))];
        let unlock = DialogAction::call(move |app, now| {
            let (task, effect) = app.start_unlock_task(now);
            app.unlock_retries.after_unlock = next.map(|next| (task, next));
            vec![effect]
        });
        let confirm =
            ConfirmDialog::new("Unlock store", rows, FormButton::Submit("Unlock"), unlock);
        self.dialogs.push(confirm.with_action_focused());
    }

    fn start_again(
        &mut self,
        task: RetriableTask,
        title: Option<String>,
        now: Now,
    ) -> Vec<UiEffect> {
        let title = title.unwrap_or_default();
        match task {
            RetriableTask::Reveal(id) => self.start_reveal(id, now),
            RetriableTask::Copy(id) => self.start_copy(id, now),
            RetriableTask::Check(ids) => {
                vec![self.start_task(title, BackgroundTask::CheckCredentials(ids), now).1]
            }
            RetriableTask::CheckAllRegions(id) => regions::start_probe(self, id, now),
            RetriableTask::Request(id, task) => {
                sending::start_request_task(self, title, id, *task, now)
            }
        }
    }
}
