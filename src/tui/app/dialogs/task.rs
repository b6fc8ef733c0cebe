//! The task that a dialog waits for, and the problem of its last attempt.

use super::DialogResult;
use super::problem::problem_rows;
use crate::domain::problem::Problem;
use crate::engine::background::protocol::{TaskEvent, TaskId};
use crate::tui::app::widgets::dialog_view::DialogRow;

/// The task that a dialog waits for: while it runs, the dialog accepts no input; when it is done,
/// the dialog closes; when it fails, the dialog shows the problem and can be submitted again.
#[derive(Default)]
pub struct DialogTask {
    running: Option<TaskId>,
    problem: Option<Problem>,
}

impl DialogTask {
    /// Waits for this task.
    pub fn start(&mut self, task: TaskId) {
        self.running = Some(task);
    }

    /// Returns the running task.
    pub fn running(&self) -> Option<TaskId> {
        self.running
    }

    /// Returns whether a task is running.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Returns whether this is the running task.
    pub fn waits_for(&self, task: TaskId) -> bool {
        self.running == Some(task)
    }

    /// Handles an event of the running task.
    pub fn handle_event(&mut self, event: TaskEvent) -> DialogResult {
        match event {
            TaskEvent::Done => return DialogResult::Close,
            TaskEvent::Failed(problem) => (self.running, self.problem) = (None, Some(problem)),
            TaskEvent::Canceled => self.running = None,
            _ => {}
        }
        DialogResult::Stay
    }

    /// Stops waiting: the end of the task does not close the dialog.
    pub fn stop_waiting(&mut self) {
        self.running = None;
    }

    /// Clears the problem of the last attempt.
    pub fn clear_problem(&mut self) {
        self.problem = None;
    }

    /// Describes the problem of the last attempt.
    pub fn problem_rows(&self) -> Vec<DialogRow> {
        problem_rows(self.problem.as_ref())
    }
}
