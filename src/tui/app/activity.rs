//! Background tasks, the state of the store, and the notification above the footer.
//!
//! Tasks are started and their reports handled elsewhere (`commands.rs` and `events.rs` of each
//! feature); this module only records them. Start at [`TaskList`].

use std::time::{Duration, Instant};

use crate::domain::problem::Problem;
use crate::engine::background::protocol::{StoreError, StoreStatus, TaskId};
use crate::tui::app::Pane;

/// Maximum number of tasks that the list remembers.
const MAX_TASK_ENTRIES: usize = 100;
/// How long a notification stays visible.
const NOTIFICATION_DURATION: Duration = Duration::from_secs(6);

/// Running and finished tasks, the state of the store, and the current notification.
#[derive(Default)]
pub struct TaskList {
    last_task_id: u64,
    /// Tasks that the user started, the newest last.
    pub entries: Vec<TaskEntry>,
    /// State of the store, as far as it is known.
    pub store: Option<StoreStatus>,
    current_notification: Option<(Notification, Instant)>,
}

/// A task that the user started.
pub struct TaskEntry {
    /// ID of the task.
    pub id: TaskId,
    /// Short description of what the task does.
    pub title: String,
    /// Pane that the task belongs to.
    pub pane: Pane,
    /// State of the task.
    pub state: TaskState,
    /// When the task was started.
    pub started: Instant,
    /// How the task ended without an error, if it did not achieve its purpose.
    pub remark: Option<&'static str>,
}

/// State of a task.
pub enum TaskState {
    /// Running, with the number of finished steps and of all steps where that is known.
    Running(Option<(usize, usize)>),
    /// The result is there; the task only cleans up.
    CleaningUp,
    /// Finished successfully after this time.
    Done(Duration),
    /// Failed with this problem.
    Failed(Problem),
    /// Canceled.
    Canceled,
}

/// Short message to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Severity of the message.
    pub level: NotificationLevel,
    /// Text of the message.
    pub text: String,
}

/// Severity of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationLevel {
    /// Success: something was done.
    Success,
    /// Statement: nothing was done, or not yet.
    Info,
    /// Warning.
    Warning,
    /// Error.
    Error,
}

impl TaskState {
    /// Whether the user still waits for the task.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }
}

/// State of the store, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreStatusText {
    /// State that decides how the text is styled.
    pub kind: StoreStatusKind,
    /// Name of the store.
    pub title: &'static str,
    /// State in words; empty when the store is ready.
    pub state: &'static str,
}

/// State of the store, as far as the user is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreStatusKind {
    /// The store has not reported its state yet.
    Unknown,
    /// The store can be used.
    Ready,
    /// The store can be used once the user runs a command.
    ActionRequired {
        /// Verb for that command, such as `unlock`.
        opens: &'static str,
    },
    /// The store cannot be used.
    Unavailable,
}

impl TaskList {
    /// Returns the state of the store as the header shows it.
    pub fn store_status_text(&self) -> StoreStatusText {
        let Some(StoreStatus { backend, problem }) = &self.store else {
            return StoreStatusText { kind: StoreStatusKind::Unknown, title: "", state: "" };
        };
        let (mood, state) = match problem {
            None => (StoreStatusKind::Ready, ""),
            Some(StoreError::NotInitialized) => {
                (StoreStatusKind::ActionRequired { opens: "create" }, "not created yet")
            }
            Some(error) if error.needs_unlock() => {
                (StoreStatusKind::ActionRequired { opens: "unlock" }, "locked")
            }
            Some(StoreError::TimedOut(_)) => (StoreStatusKind::Unavailable, "not responding"),
            Some(_) => (StoreStatusKind::Unavailable, "unavailable"),
        };
        StoreStatusText { kind: mood, title: backend.title, state }
    }

    /// Allocates the ID of a task that is not listed.
    pub fn allocate_task_id(&mut self) -> TaskId {
        self.last_task_id += 1;
        TaskId(self.last_task_id)
    }

    /// Adds a running task to the list and returns its ID.
    pub fn add_task(&mut self, title: String, pane: Pane, now: Instant) -> TaskId {
        let id = self.allocate_task_id();
        self.entries.push(TaskEntry {
            id,
            title,
            pane,
            state: TaskState::Running(None),
            started: now,
            remark: None,
        });
        let ended = |entry: &TaskEntry| !entry.state.is_running();
        if self.entries.len() > MAX_TASK_ENTRIES
            && let Some(oldest) = self.entries.iter().position(ended)
        {
            self.entries.remove(oldest);
        }
        id
    }

    /// Returns the listed task with this ID.
    pub fn entry_mut(&mut self, id: TaskId) -> Option<&mut TaskEntry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }

    /// Number of running tasks that the user waits for.
    pub fn running_count(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state.is_running()).count()
    }

    /// Sums the finished steps and all steps over the running tasks that report progress.
    pub fn total_progress(&self) -> Option<(usize, usize)> {
        let steps = self.entries.iter().filter_map(|entry| {
            if let TaskState::Running(steps) = entry.state { steps } else { None }
        });
        steps.reduce(|(done, total), (more, further)| (done + more, total + further))
    }

    /// Returns the running task that `C-c` cancels: the newest one of this pane, else the newest of
    /// all.
    pub fn cancelable_task(&self, pane: Pane) -> Option<TaskId> {
        let running = || self.entries.iter().rev().filter(|entry| entry.state.is_running());
        running()
            .find(|entry| entry.pane == pane)
            .or_else(|| running().next())
            .map(|entry| entry.id)
    }

    /// Records the progress of a task.
    pub fn set_progress(&mut self, id: TaskId, done: usize, total: usize) {
        if let Some(TaskEntry { state: state @ TaskState::Running(_), .. }) = self.entry_mut(id) {
            *state = TaskState::Running(Some((done, total)));
        }
    }

    /// Records that a task has finished, or that it only cleans up.
    pub fn set_task_state(&mut self, id: TaskId, state: TaskState) {
        if let Some(entry) = self.entry_mut(id) {
            entry.state = state;
        }
    }

    /// Shows a notification for a few seconds.
    pub fn notify(&mut self, level: NotificationLevel, text: impl Into<String>, now: Instant) {
        self.current_notification =
            Some((Notification { level, text: text.into() }, now + NOTIFICATION_DURATION));
    }

    /// Returns the notification unless it has expired.
    pub fn current_notification(&self, now: Instant) -> Option<&Notification> {
        self.current_notification
            .as_ref()
            .filter(|(_, until)| now < *until)
            .map(|(notice, _)| notice)
    }

    /// Returns the latest notification, expired or not, if it has not been removed yet.
    pub fn last_notification(&self) -> Option<&Notification> {
        self.current_notification.as_ref().map(|(notice, _)| notice)
    }

    /// Removes the notification: the user does the next thing.
    pub fn end_notification(&mut self) {
        self.current_notification = None;
    }

    /// Removes the notification if it has expired.
    pub fn expire_notification(&mut self, now: Instant) {
        self.current_notification.take_if(|(_, until)| *until <= now);
    }

    /// When the notification expires.
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
