//! Dialog for the passphrase of the encrypted file: entered once to unlock it, twice to create it.
//!
//! For a new file it offers six generated words. They fill the passphrase, are shown until the
//! dialog closes or the passphrase is edited, and are typed again as the confirmation.

use std::ops::Range;
use std::sync::Arc;

use super::{DialogAction, DialogResult};
use crate::domain::Secret;
use crate::domain::problem::Problem;
use crate::engine::task_protocol::TaskId;
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, SecretRow};
use crate::tui::app::widgets::form::{FieldInput, Form, FormButton, FormEvent, FormField};

const PASSPHRASE_FIELD: &str = "passphrase";
const CONFIRMATION_FIELD: &str = "again";

const GENERATE_BUTTON: FormButton = FormButton::Submit("Generate six words");

/// The generated words on each line.
const WORD_LINES: [Range<usize>; 2] = [0..3, 3..6];

/// Dialog that unlocks or creates the store.
pub struct UnlockDialog {
    purpose: UnlockPurpose,
    /// The fields and buttons.
    pub form: Form,
    task: Option<TaskId>,
    /// What is shown while the task runs.
    progress_text: &'static str,
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
    pub fn new(purpose: UnlockPurpose) -> Self {
        let passphrase = FormField::secret(PASSPHRASE_FIELD, "Passphrase");
        let form = match purpose {
            UnlockPurpose::Open => {
                Form::new(vec![passphrase], vec![FormButton::Submit("Unlock"), FormButton::Cancel])
            }
            UnlockPurpose::ScreenLock => {
                Form::new(vec![passphrase], vec![FormButton::Submit("Unlock")])
            }
            UnlockPurpose::Create => Form::new(
                vec![
                    passphrase.with_hint(
                        "Type one, or leave both fields empty and choose Generate six words.",
                    ),
                    FormField::secret(CONFIRMATION_FIELD, "Confirm passphrase"),
                ],
                vec![FormButton::Submit("Create"), FormButton::Cancel, GENERATE_BUTTON],
            ),
        };
        Self { purpose, form, task: None, progress_text: "", problem: None }
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
        self.clear_fields();
        self.form.focus = 0;
    }

    /// Fills the passphrase with generated words; the user types them again to confirm them.
    pub fn set_generated_passphrase(&mut self, words: Arc<Secret>) {
        self.task = None;
        self.problem = None;
        self.clear_fields();
        if let Some(input) = self.form.secret(PASSPHRASE_FIELD) {
            input.set_generated(words);
        }
        self.form.focus_on(CONFIRMATION_FIELD);
    }

    /// Handles an event of the form.
    pub fn handle_form_event(&mut self, event: FormEvent) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            FormEvent::Pressed(GENERATE_BUTTON) => {
                self.start("Generating…", DialogAction::GeneratePassphrase)
            }
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
        view.head = match self.generated_words() {
            None => vec![DialogRow::dim(text), DialogRow::Blank],
            Some(words) => word_rows(words),
        };
        if self.task.is_some() {
            view.foot.insert(0, DialogRow::dim(self.progress_text));
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
        self.start("Opening…", DialogAction::UnlockStore(Some(first.1)))
    }

    /// Asks for a task, unless one runs already.
    fn start(&mut self, progress_text: &'static str, action: DialogAction) -> DialogResult {
        if self.task.is_some() {
            return DialogResult::Stay;
        }
        self.progress_text = progress_text;
        DialogResult::RunAndStay(action)
    }

    fn clear_fields(&mut self) {
        for id in [PASSPHRASE_FIELD, CONFIRMATION_FIELD] {
            if let Some(input) = self.form.secret(id) {
                input.clear();
            }
        }
    }

    /// Returns the generated words, unless the passphrase was edited since.
    fn generated_words(&self) -> Option<&Arc<Secret>> {
        match &self.form.field(PASSPHRASE_FIELD)?.control {
            FieldInput::Secret(input) => input.generated(),
            FieldInput::Text(_) | FieldInput::Select(_) | FieldInput::MultiLine(_) => None,
        }
    }
}

/// Returns the rows that show generated words, and what to do with them.
fn word_rows(words: &Arc<Secret>) -> Vec<DialogRow> {
    let line = |words_on_line: Range<usize>| {
        DialogRow::Secret(SecretRow { secret: Arc::clone(words), words: words_on_line })
    };
    let text = "These six words are the passphrase, which cannot be recovered. Write them down, then type them again.";
    let mut rows = vec![DialogRow::warning(text), DialogRow::Blank];
    rows.extend(WORD_LINES.map(line));
    rows.push(DialogRow::Blank);
    rows
}
