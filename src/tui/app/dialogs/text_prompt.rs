//! Dialog that asks for one line of text: a request's name, a file for the response, or a secret's
//! name.
//!
//! [`TextPromptKind`] lists the questions; start reading at [`TextPromptDialog::new`].

use super::{ConsoleDialogAction, DialogAction, DialogResult, problem};
use crate::domain::CredentialName;
use crate::domain::problem::Problem;
use crate::domain::request::SavedRequestName;
use crate::engine::task_protocol::{CapturedSecret, SavedRequestTask, TaskId};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::{Form, FormButton, FormEvent, FormField};

const INPUT_FIELD: &str = "answer";

/// Dialog that asks for one line of text.
pub struct TextPromptDialog {
    kind: TextPromptKind,
    /// The field and the buttons.
    pub form: Form,
    task: Option<TaskId>,
    problem: Option<Problem>,
}

/// Kind of question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPromptKind {
    /// The name under which the request is saved.
    SaveRequest,
    /// The new name of a saved request.
    RenameRequest(SavedRequestName),
    /// The name of a copy of a saved request.
    CopyRequest(SavedRequestName),
    /// The file to which the response body is saved.
    SaveResponse,
    /// The name under which the captured secret with this index is stored; the string is the JSON
    /// member that contained it.
    StoreSecret(usize, String),
    /// The new name of the captured secret with this index from this JSON member, which is stored
    /// under this name.
    RenameSecret(usize, String, CredentialName),
}

impl TextPromptKind {
    /// Returns the question about the captured secret with this index in a response.
    pub fn for_secret(at: usize, captured: &CapturedSecret) -> Self {
        match &captured.stored {
            Some(stored) => Self::RenameSecret(at, captured.member.clone(), stored.name.clone()),
            None => Self::StoreSecret(at, captured.member.clone()),
        }
    }
}

impl TextPromptDialog {
    /// Creates the dialog with an empty field or the current value.
    pub fn new(kind: TextPromptKind) -> Self {
        let (label, before, hint, button) = match &kind {
            TextPromptKind::SaveRequest => {
                ("Name", "", "Lowercase letters, digits, dashes, dots and underscores.", "Save")
            }
            TextPromptKind::RenameRequest(id) => (
                "New name",
                id.as_str(),
                "Lowercase letters, digits, dashes, dots and underscores.",
                "Rename",
            ),
            TextPromptKind::CopyRequest(id) => (
                "Name of the copy",
                id.as_str(),
                "Lowercase letters, digits, dashes, dots and underscores.",
                "Copy",
            ),
            TextPromptKind::SaveResponse => (
                "File",
                "response.json",
                "A new file; existing files are not overwritten. Only you can read it.",
                "Save",
            ),
            TextPromptKind::StoreSecret(..) => {
                ("Name", "", "A unique name, 1–64 characters.", "Store")
            }
            TextPromptKind::RenameSecret(_, _, name) => {
                ("Name", name.as_str(), "A unique name, 1–64 characters.", "Rename")
            }
        };
        let field = FormField::text(INPUT_FIELD, label, before).with_hint(hint);
        Self {
            form: Form::new(vec![field], vec![FormButton::Submit(button), FormButton::Cancel]),
            kind,
            task: None,
            problem: None,
        }
    }

    /// Makes the dialog wait for this task.
    pub fn set_task(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    /// Returns the task that the dialog waits for.
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// Shows why the action failed.
    pub fn show_problem(&mut self, problem: Problem) {
        (self.task, self.problem, self.form.focus) = (None, Some(problem), 0);
    }

    /// Handles an event of the form.
    pub fn handle_form_event(&mut self, event: FormEvent) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            // Enter submits a dialog with a single field.
            FormEvent::Pressed(_) | FormEvent::Blurred(0) if self.form.focus != 2 => self.submit(),
            FormEvent::Changed(_) | FormEvent::Pasted(_) => {
                self.problem = None;
                DialogResult::Stay
            }
            _ => DialogResult::Stay,
        }
    }

    /// Builds the view of the dialog.
    pub fn view(&self) -> DialogView {
        let (title, text) = match &self.kind {
            TextPromptKind::SaveRequest => {
                ("Save request", "Saved as a file, without secrets.".to_owned())
            }
            TextPromptKind::RenameRequest(id) => {
                ("Rename saved request", format!("Current name: {id}."))
            }
            TextPromptKind::CopyRequest(id) => {
                ("Copy saved request", format!("The copy starts with the contents of {id}."))
            }
            TextPromptKind::SaveResponse => {
                ("Save response", "The response body as received, with secrets masked.".to_owned())
            }
            TextPromptKind::StoreSecret(_, member) | TextPromptKind::RenameSecret(_, member, _) => {
                ("Store secret", format!("The response contains a secret in \"{member}\"."))
            }
        };
        let mut view = DialogView::new(title, 66).with_form(&self.form);
        view.head = vec![DialogRow::text(text)];
        match &self.kind {
            TextPromptKind::StoreSecret(..) => view.head.push(DialogRow::warning(
                "It is not stored yet and is discarded when you send the next request.",
            )),
            TextPromptKind::RenameSecret(..) => view.head.push(DialogRow::text(
                "It is already stored, because the provider shows it only once.",
            )),
            _ => {}
        }
        view.head.push(DialogRow::Blank);
        view.foot.splice(0..0, problem::problem_rows(self.problem.as_ref()));
        view
    }

    fn submit(&mut self) -> DialogResult {
        if self.task.is_some() {
            return DialogResult::Stay;
        }
        let text = self.form.value(INPUT_FIELD);
        match self.action(text) {
            Ok(action) => DialogResult::RunAndStay(DialogAction::Console(Box::new(action))),
            Err(problem) => {
                self.form.set_field_problem(INPUT_FIELD, problem);
                DialogResult::Stay
            }
        }
    }

    fn action(&self, text: &str) -> Result<ConsoleDialogAction, String> {
        let id = || {
            SavedRequestName::parse(text).map_err(|problem| format!("is invalid: {}", problem.why))
        };
        Ok(match &self.kind {
            TextPromptKind::SaveRequest => ConsoleDialogAction::SaveRequest(id()?),
            TextPromptKind::RenameRequest(from) => {
                ConsoleDialogAction::RunSavedTask(SavedRequestTask::Rename(from.clone(), id()?))
            }
            TextPromptKind::CopyRequest(from) => {
                ConsoleDialogAction::RunSavedTask(SavedRequestTask::Copy(from.clone(), id()?))
            }
            TextPromptKind::SaveResponse if text.is_empty() => return Err("is empty".to_owned()),
            TextPromptKind::SaveResponse => ConsoleDialogAction::SaveResponse(text.to_owned()),
            TextPromptKind::StoreSecret(which, _) | TextPromptKind::RenameSecret(which, ..) => {
                ConsoleDialogAction::StoreSecret(
                    *which,
                    CredentialName::parse(text).map_err(|error| format!("is invalid: {error}"))?,
                )
            }
        })
    }
}
