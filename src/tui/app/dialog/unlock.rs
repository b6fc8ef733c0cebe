//! Dialog for the passphrase of the encrypted file: entered once to unlock it, twice to create it.

use super::{Dialog, DialogQuestion, DialogResult, DialogTask, FieldQuestion, TaskRequest};
use crate::engine::task_protocol::{BackgroundTask, StoreTask, TaskEvent, TaskId};
use crate::tui::app::dialog_view::{DialogRow, DialogView};
use crate::tui::app::form::{Form, FormButton, FormEvent, FormField};
use crate::tui::app::{App, Now};

/// Title of the task that unlocks the store.
pub const UNLOCK_TITLE: &str = "Unlock the store";

const PASSPHRASE_FIELD: &str = "passphrase";
const CONFIRMATION_FIELD: &str = "again";

/// Dialog that unlocks or creates the store.
pub struct UnlockDialog {
    purpose: UnlockPurpose,
    form: Form,
    task: DialogTask,
}

/// Purpose of the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlockPurpose {
    /// Unlocks an existing store.
    Open,
    /// Creates the store.
    Create,
    /// Unlocks the screen and the store.
    ScreenLock,
}

impl UnlockDialog {
    /// Creates an empty form.
    pub fn new(purpose: UnlockPurpose) -> Self {
        let mut fields = vec![FormField::secret(PASSPHRASE_FIELD, "Passphrase")];
        let button = match purpose {
            UnlockPurpose::Open | UnlockPurpose::ScreenLock => "Unlock",
            UnlockPurpose::Create => {
                fields.push(FormField::secret(CONFIRMATION_FIELD, "Confirm passphrase"));
                "Create"
            }
        };
        let mut buttons = vec![FormButton::Submit(button)];
        if purpose != UnlockPurpose::ScreenLock {
            buttons.push(FormButton::Cancel);
        }
        let form = Form::new(fields, buttons);
        Self { purpose, form, task: DialogTask::default() }
    }

    fn submit(&mut self) -> DialogResult {
        let Some(first) =
            self.form.secret(PASSPHRASE_FIELD).map(|input| (input.is_empty(), input.to_secret()))
        else {
            return DialogResult::Stay;
        };
        if first.0 {
            self.form.set_field_problem(PASSPHRASE_FIELD, "is empty");
            return DialogResult::Stay;
        }
        let same = self
            .form
            .secret(CONFIRMATION_FIELD)
            .is_none_or(|again| again.to_secret().same_as(&first.1));
        if !same {
            self.form.set_field_problem(CONFIRMATION_FIELD, "does not match");
            return DialogResult::Stay;
        }
        if self.task.is_running() {
            return DialogResult::Stay;
        }
        let task = BackgroundTask::Store(StoreTask::Unlock(Some(first.1)));
        DialogResult::start(TaskRequest::listed(UNLOCK_TITLE, task).awaited())
    }
}

impl Dialog for UnlockDialog {
    fn form(&self) -> Option<&Form> {
        Some(&self.form)
    }

    fn form_mut(&mut self) -> Option<&mut Form> {
        Some(&mut self.form)
    }

    fn task(&self) -> Option<&DialogTask> {
        Some(&self.task)
    }

    fn task_mut(&mut self) -> Option<&mut DialogTask> {
        Some(&mut self.task)
    }

    fn is_screen_lock(&self) -> bool {
        self.purpose == UnlockPurpose::ScreenLock
    }

    /// Asks for the passphrase again after a failure.
    fn on_task(&mut self, _task: TaskId, event: TaskEvent, _app: &App, _now: Now) -> DialogResult {
        if matches!(event, TaskEvent::Failed(_)) {
            self.form.focus = 0;
            for id in [PASSPHRASE_FIELD, CONFIRMATION_FIELD] {
                if let Some(input) = self.form.secret(id) {
                    input.clear();
                }
            }
        }
        self.task.handle_event(event)
    }

    /// Any words may be a passphrase.
    fn next_question(&self, _app: &App, _now: Now) -> DialogQuestion {
        match self.form.question() {
            DialogQuestion::Field(field) => {
                DialogQuestion::Field(FieldQuestion { accepts_commands: false, ..field })
            }
            question => question,
        }
    }

    fn handle_form_event(&mut self, event: FormEvent, _app: &App, _now: Now) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            FormEvent::Pressed(_) => self.submit(),
            FormEvent::Changed(_) | FormEvent::Pasted(_) => {
                self.task.clear_problem();
                DialogResult::Stay
            }
            FormEvent::Blurred(_) | FormEvent::Unchanged => DialogResult::Stay,
        }
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let (title, text) = match self.purpose {
            UnlockPurpose::Open => (
                "Unlock store",
                "The secrets are stored in an encrypted file. Enter its passphrase.",
            ),
            UnlockPurpose::ScreenLock => {
                ("Locked", "The screen is locked. Enter the passphrase of the encrypted file.")
            }
            UnlockPurpose::Create => (
                "Create store",
                "The secrets will be stored in an encrypted file. Choose a strong passphrase; it cannot be recovered.",
            ),
        };
        let mut view = DialogView::new(title, 60).with_form(&self.form);
        view.head = vec![DialogRow::dim(text), DialogRow::Blank];
        if self.task.is_running() {
            view.foot.insert(0, DialogRow::dim("Opening…"));
        }
        view.foot.splice(0..0, self.task.problem_rows());
        view
    }
}
