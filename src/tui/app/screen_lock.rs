//! Lock of the screen, after idle time and on command.
//!
//! A locked screen shows nothing but the question for the passphrase, and the store is locked too.
//! This needs a store with a passphrase of its own; a keyring belongs to the desktop, which locks
//! it. Start at [`App::is_locked`].

use std::time::Instant;

use crate::engine::background::protocol::{BackendInfo, BackgroundTask, StoreError, TaskId};
use crate::engine::persistent_backends;
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::dialogs::{Dialog, DialogAction, UNLOCK_TITLE, UnlockDialog, UnlockPurpose};
use crate::tui::app::{App, Now, UiEffect};

/// Whether the screen is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScreenLock {
    /// The screen is in use.
    #[default]
    Unlocked,
    /// The screen is locked. The store follows when no task runs: a task that cannot store a new
    /// secret would lose it.
    StoreLockPending,
    /// Screen and store are locked.
    Locked,
}

impl App {
    /// Whether the screen is locked.
    pub fn is_locked(&self) -> bool {
        self.ui_state.screen_lock != ScreenLock::Unlocked
    }

    /// Whether the store is open and has a passphrase that unlocking can ask for.
    pub(super) fn has_passphrase(&self) -> bool {
        self.activity
            .store
            .as_ref()
            .is_some_and(|store| store.backend.has_passphrase() && store.problem.is_none())
    }

    /// When the screen locks if there is no input until then.
    pub(super) fn lock_due_at(&self) -> Option<Instant> {
        let idle = self.preferences.lock_after?;
        (self.has_passphrase() && !self.is_locked())
            .then(|| self.ui_state.last_input.instant + idle)
    }

    /// Locks the screen if the user has been idle for too long. The wall clock counts too, because
    /// the other clock stops while the machine sleeps.
    pub(super) fn lock_if_idle(&mut self, now: Now) {
        let (Some(due), Some(idle)) = (self.lock_due_at(), self.preferences.lock_after) else {
            return;
        };
        if due <= now.instant || now.wall - self.ui_state.last_input.wall >= idle {
            self.lock();
        }
    }

    /// Locks the screen because the user asked for it.
    pub(super) fn lock_on_command(&mut self, now: Now) {
        if self.has_passphrase() {
            return self.lock();
        }
        let lockable: Vec<_> = persistent_backends()
            .filter(BackendInfo::has_passphrase)
            .map(|backend| backend.generic_title)
            .collect();
        let text = format!(
            "tokenring can lock the {} only; lock a keyring with your desktop",
            lockable.join(" or the ")
        );
        self.activity.notify(NotificationLevel::Warning, text, now.instant);
    }

    fn lock(&mut self) {
        self.detail.mask();
        self.ui_state.screen_lock = ScreenLock::StoreLockPending;
        self.raise_lock_dialog();
    }

    /// Puts the question of a locked screen on top of all dialogs.
    fn raise_lock_dialog(&mut self) {
        let title = self.activity.store.as_ref().map_or("store", |store| store.backend.title);
        self.dialogs
            .raise(Dialog::is_screen_lock, || UnlockDialog::new(UnlockPurpose::ScreenLock, title));
    }

    /// Keeps the question for the passphrase on top of a locked screen, and locks the store once no
    /// task runs.
    pub(super) fn keep_locked(&mut self) -> Option<UiEffect> {
        if !self.is_locked() {
            return None;
        }
        self.raise_lock_dialog();
        let is_due = self.ui_state.screen_lock == ScreenLock::StoreLockPending
            && self.activity.running_count() == 0;
        is_due.then(|| {
            self.ui_state.screen_lock = ScreenLock::Locked;
            self.start_hidden_task(BackgroundTask::LockStore).1
        })
    }

    /// Unlocks the screen if this task has accepted the passphrase that was asked for.
    pub(super) fn reopen_after_unlock(&mut self, task: TaskId, now: Now) {
        let is_lock = |dialog: &dyn Dialog| dialog.is_screen_lock() && dialog.waits_for(task);
        if self.is_locked() && self.dialogs.iter().any(is_lock) {
            self.ui_state.screen_lock = ScreenLock::Unlocked;
            self.ui_state.last_input = now;
        }
    }

    /// Whether the store exists or can be created but must be unlocked first.
    pub(super) fn store_needs_unlock(&self) -> bool {
        let problem = self.activity.store.as_ref().and_then(|store| store.problem.as_ref());
        problem.is_some_and(StoreError::needs_unlock)
    }

    /// Unlocks the store by its own prompt, or asks for its passphrase.
    pub(super) fn unlock_store(&mut self, now: Now) -> Vec<UiEffect> {
        match self.activity.store.as_ref().filter(|_| self.store_needs_unlock()) {
            Some(store) if store.backend.has_passphrase() => {
                self.open_unlock_dialog(None);
                Vec::new()
            }
            Some(_) => vec![self.start_unlock_task(now).1],
            None => Vec::new(),
        }
    }

    /// Starts the prompt of a store that unlocks itself.
    pub(super) fn start_unlock_task(&mut self, now: Now) -> (TaskId, UiEffect) {
        self.start_task(UNLOCK_TITLE, BackgroundTask::UnlockStore(None), now)
    }

    /// Asks for the passphrase of the store. `next` is carried out once it is unlocked.
    pub(super) fn open_unlock_dialog(&mut self, next: Option<DialogAction>) {
        let Some(store) = &self.activity.store else { return };
        let purpose = if store.problem == Some(StoreError::NotInitialized) {
            UnlockPurpose::Create
        } else {
            UnlockPurpose::Open
        };
        self.dialogs.push(UnlockDialog::new(purpose, store.backend.title).with_next(next));
    }
}
