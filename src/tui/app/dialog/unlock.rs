//! Dialog for the passphrase of the store: entered once to unlock it, twice to create it.

use super::{DialogAction, DialogResult};
use crate::domain::format::with_article;
use crate::domain::problem::Problem;
use crate::engine::task_protocol::TaskId;
use crate::tui::app::dialog_view::{DialogRow, DialogView};
use crate::tui::app::form::{Form, FormButton, FormEvent, FormField};

const PASSPHRASE_FIELD: &str = "passphrase";
const CONFIRMATION_FIELD: &str = "again";

/// Dialog that unlocks or creates the store.
pub struct UnlockDialog {
    purpose: UnlockPurpose,
    /// Title of the store, such as `encrypted file`.
    store_title: &'static str,
    /// The fields and buttons.
    pub form: Form,
    task: Option<TaskId>,
    problem: Option<Problem>,
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
    pub fn new(purpose: UnlockPurpose, store_title: &'static str) -> Self {
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
        Self { purpose, store_title, form, task: None, problem: None }
    }

    /// Returns whether the dialog is the question of a locked screen.
    pub fn is_screen_lock(&self) -> bool {
        self.purpose == UnlockPurpose::ScreenLock
    }

    /// Makes the dialog wait for the task that opens the store.
    pub fn set_task(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    /// Returns the task that the dialog waits for.
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// Handles the cancellation of the task: the form can be submitted again.
    pub fn on_task_canceled(&mut self) {
        self.task = None;
    }

    /// Shows why the store did not open.
    pub fn show_problem(&mut self, problem: Problem) {
        self.task = None;
        self.problem = Some(problem);
        self.form.focus = 0;
        for id in [PASSPHRASE_FIELD, CONFIRMATION_FIELD] {
            if let Some(input) = self.form.secret(id) {
                input.clear();
            }
        }
    }

    /// Handles an event of the form.
    pub fn handle_form_event(&mut self, event: FormEvent) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            FormEvent::Pressed(_) => self.submit(),
            FormEvent::Changed(_) | FormEvent::Pasted(_) => {
                self.problem = None;
                DialogResult::Stay
            }
            FormEvent::Blurred(_) | FormEvent::Unchanged => DialogResult::Stay,
        }
    }

    /// Builds the view of the dialog.
    pub fn view(&self) -> DialogView {
        let store = self.store_title;
        let (title, text) = match self.purpose {
            UnlockPurpose::Open => (
                "Unlock store",
                format!("The secrets are stored in {}. Enter its passphrase.", with_article(store)),
            ),
            UnlockPurpose::ScreenLock => {
                ("Locked", format!("The screen is locked. Enter the passphrase of the {store}."))
            }
            UnlockPurpose::Create => (
                "Create store",
                format!(
                    "The secrets will be stored in {}. Choose a strong passphrase; it cannot be recovered.",
                    with_article(store)
                ),
            ),
        };
        let mut view = DialogView::new(title, 60).with_form(&self.form);
        view.head = vec![DialogRow::dim(text), DialogRow::Blank];
        if self.task.is_some() {
            view.foot.insert(0, DialogRow::dim("Opening…"));
        }
        view.foot.splice(0..0, super::problem::problem_rows(self.problem.as_ref()));
        view
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
        if self.task.is_some() {
            DialogResult::Stay
        } else {
            DialogResult::RunAndStay(DialogAction::UnlockStore(Some(first.1)))
        }
    }
}
