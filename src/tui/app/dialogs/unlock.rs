//! Dialog for the passphrase of the store: entered once to unlock it, twice to create it.
//!
//! For a new store it offers six generated words. They fill the passphrase, are shown until the
//! dialog closes or the passphrase is edited, and are typed again as the confirmation.
use std::ops::Range;
use std::sync::Arc;

use super::{
    Dialog, DialogAction, DialogQuestion, DialogResult, DialogTask, FieldQuestion, TaskRequest,
};
use crate::domain::Secret;
use crate::domain::format::with_article;
use crate::engine::background::protocol::{BackgroundTask, TaskEvent, TaskId};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, SecretRow};
use crate::tui::app::widgets::form::{FieldInput, Form, FormButton, FormEvent, FormField};
use crate::tui::app::{App, Now, PresentationMode};

/// Title of the task that unlocks the store.
pub const UNLOCK_TITLE: &str = "Unlock the store";

const PASSPHRASE_FIELD: &str = "passphrase";
const CONFIRMATION_FIELD: &str = "again";
const GENERATE_BUTTON: FormButton = FormButton::Submit("Generate six words");

/// The generated words on each line.
const WORD_LINES: [Range<usize>; 2] = [0..3, 3..6];

/// Dialog that unlocks or creates the store.
pub struct UnlockDialog {
    purpose: UnlockPurpose,
    /// Title of the store, such as `encrypted file`.
    store_title: &'static str,
    form: Form,
    task: DialogTask,
    /// What is shown while the task runs.
    progress_text: &'static str,
    /// What is carried out once the store is unlocked.
    next: Option<DialogAction>,
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
        let passphrase = FormField::secret(PASSPHRASE_FIELD, "Passphrase");
        let form = match purpose {
            UnlockPurpose::Open => {
                Form::new(vec![passphrase], vec![FormButton::Cancel, FormButton::Submit("Unlock")])
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
                vec![GENERATE_BUTTON, FormButton::Cancel, FormButton::Submit("Create")],
            ),
        };
        Self {
            purpose,
            store_title,
            form,
            task: DialogTask::default(),
            progress_text: "",
            next: None,
        }
    }

    /// Sets what is carried out once the store is unlocked.
    #[must_use]
    pub fn with_next(mut self, next: Option<DialogAction>) -> Self {
        self.next = next;
        self
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
        let task = BackgroundTask::UnlockStore(Some(first.1));
        self.start("Opening…", TaskRequest::listed(UNLOCK_TITLE, task))
    }

    /// Asks for generated words, except in presentation mode, where others could read them.
    fn generate(&mut self, app: &App) -> DialogResult {
        if app.ui_state.presentation == PresentationMode::On {
            return DialogResult::RunAndStay(DialogAction::update(|app, now| {
                app.refuse_in_presentation("Generated words are not shown", now);
            }));
        }
        let task = BackgroundTask::GeneratePassphrase;
        self.start("Generating…", TaskRequest::hidden(task))
    }

    /// Starts a task, unless one runs already.
    fn start(&mut self, progress_text: &'static str, request: TaskRequest) -> DialogResult {
        if self.task.is_running() {
            return DialogResult::Stay;
        }
        self.progress_text = progress_text;
        DialogResult::start(request.awaited())
    }

    /// Fills the passphrase with generated words; the user types them again to confirm them.
    fn set_generated_passphrase(&mut self, words: Arc<Secret>) {
        self.task.stop_waiting();
        self.task.clear_problem();
        self.clear_fields();
        if let Some(input) = self.form.secret(PASSPHRASE_FIELD) {
            input.set_generated(words);
        }
        self.form.focus_on(CONFIRMATION_FIELD);
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

    /// Shows generated words, and asks for the passphrase again after a failure.
    fn on_task(&mut self, _task: TaskId, event: TaskEvent, _app: &App, _now: Now) -> DialogResult {
        match event {
            TaskEvent::PassphraseGenerated(words) => {
                self.set_generated_passphrase(words);
                return DialogResult::Stay;
            }
            TaskEvent::Failed(_) => {
                self.form.focus = 0;
                self.clear_fields();
            }
            TaskEvent::Done => {
                if let Some(next) = self.next.take() {
                    return DialogResult::RunAndClose(next);
                }
            }
            _ => {}
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

    fn handle_form_event(&mut self, event: FormEvent, app: &App, _now: Now) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            FormEvent::Pressed(GENERATE_BUTTON) => self.generate(app),
            FormEvent::Pressed(_) => self.submit(),
            FormEvent::Changed(_) | FormEvent::Pasted(_) => {
                self.task.clear_problem();
                DialogResult::Stay
            }
            FormEvent::Blurred(_) | FormEvent::Unchanged => DialogResult::Stay,
        }
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
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
        view.head = match self.generated_words() {
            None => vec![DialogRow::dim(text), DialogRow::Blank],
            Some(words) => word_rows(words),
        };
        if self.task.is_running() {
            view.foot.insert(0, DialogRow::dim(self.progress_text));
        }
        view.foot.splice(0..0, self.task.problem_rows());
        view
    }
}
