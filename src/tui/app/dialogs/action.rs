//! What a dialog asks the application to do, and the result of an input to a dialog.
//!
//! A dialog names commands, tasks and effects directly. Where a change of the application's state
//! is needed, it names the method, with [`DialogAction::call`]. Start reading at [`DialogAction`].
//!
//! The task that a dialog waits for, and the problem of its last attempt.

use super::Dialog;
use crate::domain::problem::Problem;
use crate::engine::background::protocol::{BackgroundTask, TaskEvent, TaskId};
use crate::tui::app::command::CommandAction;
use crate::tui::app::dialogs::text::problem_rows;
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::{App, Now, UiEffect};

/// Method call on the application, with its arguments.
pub type AppCall = Box<dyn FnOnce(&mut App, Now) -> Vec<UiEffect> + Send>;

/// Action that a dialog asks the application to carry out.
pub enum DialogAction {
    /// Runs a command.
    Run(CommandAction),
    /// Starts a background task.
    Start(TaskRequest),
    /// Carries out an effect.
    Effect(UiEffect),
    /// Opens another dialog on top.
    Open(Box<dyn Dialog>),
    /// Calls a method of the application.
    Call(AppCall),
}

impl DialogAction {
    /// Creates the call of a method of the application.
    pub fn call(method: impl FnOnce(&mut App, Now) -> Vec<UiEffect> + Send + 'static) -> Self {
        Self::Call(Box::new(method))
    }

    /// Creates the call of a method of the application that has no effect outside of it.
    pub fn update(method: impl FnOnce(&mut App, Now) + Send + 'static) -> Self {
        Self::call(|app, now| {
            method(app, now);
            Vec::new()
        })
    }

    /// Opens another dialog on top.
    pub fn open(dialog: impl Dialog) -> Self {
        Self::Open(Box::new(dialog))
    }
}

/// Background task that a dialog starts.
pub struct TaskRequest {
    /// Title in the list of activities; `None` if the task is not listed.
    pub title: Option<String>,
    /// The task.
    pub task: BackgroundTask,
    /// Whether the dialog waits for the end of the task.
    pub is_awaited: bool,
    /// Records the task in the feature that handles its result.
    pub on_start: Option<fn(&mut App, TaskId)>,
}

impl TaskRequest {
    /// Creates the request of a task that is listed under this title.
    pub fn listed(title: impl Into<String>, task: BackgroundTask) -> Self {
        Self { title: Some(title.into()), task, is_awaited: false, on_start: None }
    }

    /// Creates the request of a task that is not listed.
    pub const fn hidden(task: BackgroundTask) -> Self {
        Self { title: None, task, is_awaited: false, on_start: None }
    }

    /// Makes the dialog wait for the end of the task.
    #[must_use]
    pub fn awaited(mut self) -> Self {
        self.is_awaited = true;
        self
    }

    /// Calls this when the task has its ID, so that a feature can record that it waits for it.
    #[must_use]
    pub fn with_start(mut self, on_start: fn(&mut App, TaskId)) -> Self {
        self.on_start = Some(on_start);
        self
    }
}

/// Result of an input to a dialog, or of an event of its task.
pub enum DialogResult {
    /// The dialog stays open.
    Stay,
    /// The dialog closes.
    Close,
    /// The application carries out the action; the dialog stays open.
    RunAndStay(DialogAction),
    /// The application carries out the action, and the dialog closes.
    RunAndClose(DialogAction),
    /// The dialog is hidden; its task continues in the background.
    Hide,
}

impl DialogResult {
    /// Starts a task; the dialog stays open.
    pub const fn start(request: TaskRequest) -> Self {
        Self::RunAndStay(DialogAction::Start(request))
    }
}

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
