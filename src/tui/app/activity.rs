//! Running and finished tasks, the state of the store, and the last word to the person.

use std::time::{Duration, Instant};

use super::Pane;
use crate::domain::problem::Problem;
use crate::engine::message::{StoreError, StoreStatus, TaskId};

/// How many finished tasks are remembered.
const REMEMBERED: usize = 100;
/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(6);

/// What goes on behind the screen.
#[derive(Default)]
pub struct Activity {
    next: u64,
    /// Tasks that a person started, the newest last.
    pub entries: Vec<Entry>,
    /// The state of the store, as far as it is known.
    pub store: Option<StoreStatus>,
    notice: Option<(Notice, Instant)>,
}

/// A task that a person started.
pub struct Entry {
    /// Its id.
    pub id: TaskId,
    /// What it does, in a few words.
    pub title: String,
    /// For which pane.
    pub pane: Pane,
    /// How far it is.
    pub state: State,
    /// When it was started.
    pub started: Instant,
}

/// How far a task is.
pub enum State {
    /// It runs; so many steps of so many are done, where that is known.
    Running(Option<(usize, usize)>),
    /// What it was started for is done; it only waits to tidy up behind itself.
    Tidying,
    /// It ended well, after this time.
    Done(Duration),
    /// It ended badly.
    Failed(Problem),
    /// It was cancelled.
    Cancelled,
}

/// A short word to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How it is meant.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// How a word is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It went as it should.
    Good,
    /// Take note.
    Warn,
    /// It did not go as it should.
    Bad,
}

impl State {
    /// Whether the task keeps the person waiting.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }
}

/// The state of the store, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreWords {
    /// How it is.
    pub mood: StoreMood,
    /// Which store.
    pub title: &'static str,
    /// Its state; nothing where all is well.
    pub state: &'static str,
}

/// How the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreMood {
    /// It has not answered yet.
    Awaited,
    /// It can be used.
    Ready,
    /// It can be used once a person does this.
    Shut {
        /// What opens it, such as `unlock`.
        opens: &'static str,
    },
    /// It cannot be used.
    Gone,
}

impl Activity {
    /// The state of the store, as the header says it.
    pub fn store_words(&self) -> StoreWords {
        let Some(StoreStatus { backend, problem }) = &self.store else {
            return StoreWords { mood: StoreMood::Awaited, title: "", state: "" };
        };
        let (mood, state) = match problem {
            None => (StoreMood::Ready, ""),
            Some(StoreError::Locked | StoreError::Denied(_)) => (StoreMood::Shut { opens: "unlock" }, "locked"),
            Some(StoreError::NotInitialized) => (StoreMood::Shut { opens: "create" }, "not created yet"),
            Some(StoreError::TimedOut(_)) => (StoreMood::Gone, "does not answer"),
            Some(_) => (StoreMood::Gone, "not available"),
        };
        StoreWords { mood, title: backend.title, state }
    }

    /// The id for a task that is not worth showing.
    pub fn quiet(&mut self) -> TaskId {
        self.next += 1;
        TaskId(self.next)
    }

    /// The id for a task that is shown.
    pub fn begin(&mut self, title: String, pane: Pane, now: Instant) -> TaskId {
        let id = self.quiet();
        self.entries.push(Entry { id, title, pane, state: State::Running(None), started: now });
        let ended = |entry: &Entry| !entry.state.is_running();
        if self.entries.len() > REMEMBERED
            && let Some(oldest) = self.entries.iter().position(ended)
        {
            self.entries.remove(oldest);
        }
        id
    }

    /// The task with this id.
    pub fn entry_mut(&mut self, id: TaskId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }

    /// How many tasks keep the person waiting.
    pub fn running(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state.is_running()).count()
    }

    /// How many steps of all running tasks are done, and how many there are, where tasks say so.
    pub fn progress_of_all(&self) -> Option<(usize, usize)> {
        let steps = self.entries.iter().filter_map(|entry| if let State::Running(steps) = entry.state { steps } else { None });
        steps.reduce(|(done, total), (more, further)| (done + more, total + further))
    }

    /// The running task that `C-c` cancels: the newest of this pane, else the newest of all.
    pub fn cancellable(&self, pane: Pane) -> Option<TaskId> {
        let running = || self.entries.iter().rev().filter(|entry| entry.state.is_running());
        running().find(|entry| entry.pane == pane).or_else(|| running().next()).map(|entry| entry.id)
    }

    /// A task has got so far.
    pub fn progress(&mut self, id: TaskId, done: usize, total: usize) {
        if let Some(Entry { state: state @ State::Running(_), .. }) = self.entry_mut(id) {
            *state = State::Running(Some((done, total)));
        }
    }

    /// A task has ended, or has nothing to do any more but to tidy up.
    pub fn settle(&mut self, id: TaskId, state: State) {
        if let Some(entry) = self.entry_mut(id) {
            entry.state = state;
        }
    }

    /// Says a word to the person for a few seconds.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>, now: Instant) {
        self.notice = Some((Notice { tone, text: text.into() }, now + NOTICE));
    }

    /// The word to the person, while it lasts.
    pub fn notice(&self, now: Instant) -> Option<&Notice> {
        self.notice.as_ref().filter(|(_, until)| now < *until).map(|(notice, _)| notice)
    }

    /// The word to the person that was said last, if it is still there.
    pub fn last_notice(&self) -> Option<&Notice> {
        self.notice.as_ref().map(|(notice, _)| notice)
    }

    /// Drops a word whose time is over.
    pub fn expire(&mut self, now: Instant) {
        self.notice.take_if(|(_, until)| *until <= now);
    }

    /// When the word goes.
    pub fn next_wake(&self) -> Option<Instant> {
        self.notice.as_ref().map(|(_, until)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_of_the_pane_is_cancelled_before_others() {
        let (mut activity, now) = (Activity::default(), Instant::now());
        let send = activity.begin("send".to_owned(), Pane::Console, now);
        let check = activity.begin("check".to_owned(), Pane::Credentials, now);
        assert_eq!(activity.cancellable(Pane::Console), Some(send));
        assert_eq!(activity.cancellable(Pane::Detail), Some(check));
        activity.settle(check, State::Cancelled);
        activity.settle(send, State::Done(Duration::ZERO));
        assert_eq!((activity.cancellable(Pane::Console), activity.running()), (None, 0));
    }

    #[test]
    fn running_tasks_are_never_forgotten() {
        let (mut activity, now) = (Activity::default(), Instant::now());
        let first = activity.begin("first".to_owned(), Pane::Console, now);
        for _ in 0..2 * REMEMBERED {
            let id = activity.begin("next".to_owned(), Pane::Console, now);
            activity.settle(id, State::Cancelled);
        }
        assert!(activity.entries.len() <= REMEMBERED + 1);
        assert_eq!(activity.cancellable(Pane::Console), Some(first));
    }

    #[test]
    fn a_word_lasts_for_some_seconds() {
        let (mut activity, now) = (Activity::default(), Instant::now());
        activity.say(Tone::Good, "copied", now);
        assert!(activity.notice(now).is_some() && activity.notice(now + NOTICE).is_none());
        activity.expire(now + NOTICE);
        assert_eq!(activity.next_wake(), None);
    }
}
