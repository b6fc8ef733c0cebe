//! Running and finished tasks, the state of the store, and the last word to the person.

use std::time::{Duration, Instant};

use super::Pane;
use crate::domain::problem::Problem;
use crate::engine::task_protocol::{StoreError, StoreStatus, TaskId};

/// How many finished tasks are remembered.
const MAX_TASK_ENTRIES: usize = 100;
/// How long a notice stays.
const NOTIFICATION_DURATION: Duration = Duration::from_secs(6);

/// What goes on behind the screen.
#[derive(Default)]
pub struct TaskList {
    last_task_id: u64,
    /// Tasks that a person started, the newest last.
    pub entries: Vec<TaskEntry>,
    /// The state of the store, as far as it is known.
    pub store: Option<StoreStatus>,
    current_notification: Option<(Notification, Instant)>,
}

/// A task that a person started.
pub struct TaskEntry {
    /// Its id.
    pub id: TaskId,
    /// What it does, in a few words.
    pub title: String,
    /// For which pane.
    pub pane: Pane,
    /// How far it is.
    pub state: TaskState,
    /// When it was started.
    pub started: Instant,
}

/// How far a task is.
pub enum TaskState {
    /// It runs; so many steps of so many are done, where that is known.
    Running(Option<(usize, usize)>),
    /// What it was started for is done; it only waits to tidy up behind itself.
    CleaningUp,
    /// It ended well, after this time.
    Done(Duration),
    /// It ended badly.
    Failed(Problem),
    /// It was cancelled.
    Canceled,
}

/// A short word to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// How it is meant.
    pub level: NotificationLevel,
    /// What it says.
    pub text: String,
}

/// How a word is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationLevel {
    /// It went as it should.
    Success,
    /// Take note.
    Warning,
    /// It did not go as it should.
    Error,
}

impl TaskState {
    /// Whether the task keeps the person waiting.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }
}

/// The state of the store, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreStatusText {
    /// How it is.
    pub kind: StoreStatusKind,
    /// Which store.
    pub title: &'static str,
    /// Its state; nothing where all is well.
    pub state: &'static str,
}

/// How the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreStatusKind {
    /// It has not answered yet.
    Unknown,
    /// It can be used.
    Ready,
    /// It can be used once a person does this.
    ActionRequired {
        /// What opens it, such as `unlock`.
        opens: &'static str,
    },
    /// It cannot be used.
    Unavailable,
}

impl TaskList {
    /// The state of the store, as the header says it.
    pub fn store_status_text(&self) -> StoreStatusText {
        let Some(StoreStatus { backend, problem }) = &self.store else {
            return StoreStatusText { kind: StoreStatusKind::Unknown, title: "", state: "" };
        };
        let (mood, state) = match problem {
            None => (StoreStatusKind::Ready, ""),
            Some(StoreError::Locked | StoreError::Denied(_)) => {
                (StoreStatusKind::ActionRequired { opens: "unlock" }, "locked")
            }
            Some(StoreError::NotInitialized) => {
                (StoreStatusKind::ActionRequired { opens: "create" }, "not created yet")
            }
            Some(StoreError::TimedOut(_)) => (StoreStatusKind::Unavailable, "does not answer"),
            Some(_) => (StoreStatusKind::Unavailable, "not available"),
        };
        StoreStatusText { kind: mood, title: backend.title, state }
    }

    /// The id for a task that is not worth showing.
    pub fn allocate_task_id(&mut self) -> TaskId {
        self.last_task_id += 1;
        TaskId(self.last_task_id)
    }

    /// The id for a task that is shown.
    pub fn add_task(&mut self, title: String, pane: Pane, now: Instant) -> TaskId {
        let id = self.allocate_task_id();
        self.entries.push(TaskEntry {
            id,
            title,
            pane,
            state: TaskState::Running(None),
            started: now,
        });
        let ended = |entry: &TaskEntry| !entry.state.is_running();
        if self.entries.len() > MAX_TASK_ENTRIES
            && let Some(oldest) = self.entries.iter().position(ended)
        {
            self.entries.remove(oldest);
        }
        id
    }

    /// The task with this id.
    pub fn entry_mut(&mut self, id: TaskId) -> Option<&mut TaskEntry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }

    /// How many tasks keep the person waiting.
    pub fn running_count(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state.is_running()).count()
    }

    /// How many steps of all running tasks are done, and how many there are, where tasks say so.
    pub fn total_progress(&self) -> Option<(usize, usize)> {
        let steps = self.entries.iter().filter_map(|entry| {
            if let TaskState::Running(steps) = entry.state { steps } else { None }
        });
        steps.reduce(|(done, total), (more, further)| (done + more, total + further))
    }

    /// The running task that `C-c` cancels: the newest of this pane, else the newest of all.
    pub fn cancelable_task(&self, pane: Pane) -> Option<TaskId> {
        let running = || self.entries.iter().rev().filter(|entry| entry.state.is_running());
        running()
            .find(|entry| entry.pane == pane)
            .or_else(|| running().next())
            .map(|entry| entry.id)
    }

    /// A task has got so far.
    pub fn set_progress(&mut self, id: TaskId, done: usize, total: usize) {
        if let Some(TaskEntry { state: state @ TaskState::Running(_), .. }) = self.entry_mut(id) {
            *state = TaskState::Running(Some((done, total)));
        }
    }

    /// A task has ended, or has nothing to do any more but to tidy up.
    pub fn set_task_state(&mut self, id: TaskId, state: TaskState) {
        if let Some(entry) = self.entry_mut(id) {
            entry.state = state;
        }
    }

    /// Says a word to the person for a few seconds.
    pub fn notify(&mut self, tone: NotificationLevel, text: impl Into<String>, now: Instant) {
        self.current_notification =
            Some((Notification { level: tone, text: text.into() }, now + NOTIFICATION_DURATION));
    }

    /// The word to the person, while it lasts.
    pub fn current_notification(&self, now: Instant) -> Option<&Notification> {
        self.current_notification
            .as_ref()
            .filter(|(_, until)| now < *until)
            .map(|(notice, _)| notice)
    }

    /// The word to the person that was said last, if it is still there.
    pub fn last_notification(&self) -> Option<&Notification> {
        self.current_notification.as_ref().map(|(notice, _)| notice)
    }

    /// Drops a word whose time is over.
    pub fn expire_notification(&mut self, now: Instant) {
        self.current_notification.take_if(|(_, until)| *until <= now);
    }

    /// When the word goes.
    pub fn next_wake(&self) -> Option<Instant> {
        self.current_notification.as_ref().map(|(_, until)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_of_the_pane_is_cancelled_before_others() {
        let (mut activity, now) = (TaskList::default(), Instant::now());
        let send = activity.add_task("send".to_owned(), Pane::Console, now);
        let check = activity.add_task("check".to_owned(), Pane::Credentials, now);
        assert_eq!(activity.cancelable_task(Pane::Console), Some(send));
        assert_eq!(activity.cancelable_task(Pane::Detail), Some(check));
        activity.set_task_state(check, TaskState::Canceled);
        activity.set_task_state(send, TaskState::Done(Duration::ZERO));
        assert_eq!((activity.cancelable_task(Pane::Console), activity.running_count()), (None, 0));
    }

    #[test]
    fn running_tasks_are_never_forgotten() {
        let (mut activity, now) = (TaskList::default(), Instant::now());
        let first = activity.add_task("first".to_owned(), Pane::Console, now);
        for _ in 0..2 * MAX_TASK_ENTRIES {
            let id = activity.add_task("next".to_owned(), Pane::Console, now);
            activity.set_task_state(id, TaskState::Canceled);
        }
        assert!(activity.entries.len() <= MAX_TASK_ENTRIES + 1);
        assert_eq!(activity.cancelable_task(Pane::Console), Some(first));
    }

    #[test]
    fn a_word_lasts_for_some_seconds() {
        let (mut activity, now) = (TaskList::default(), Instant::now());
        activity.notify(NotificationLevel::Success, "copied", now);
        assert!(
            activity.current_notification(now).is_some()
                && activity.current_notification(now + NOTIFICATION_DURATION).is_none()
        );
        activity.expire_notification(now + NOTIFICATION_DURATION);
        assert_eq!(activity.next_wake(), None);
    }
}
