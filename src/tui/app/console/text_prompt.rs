//! Dialog that asks for one line of text: a request's name, a file for the response, or a secret's
//! name.
//!
//! [`TextPromptKind`] lists the questions; start reading at [`TextPromptDialog::new`].

use crate::domain::request::{RequestDraft, SavedRequestName};
use crate::domain::{CredentialId, CredentialName};
use crate::engine::background::protocol::{
    BackgroundTask, CapturedSecret, ConsoleTask, TaskEvent, TaskId,
};
use crate::tui::app::console::request_lists::saved_request_change;
use crate::tui::app::console::{RequestReadiness, sending};
use crate::tui::app::dialogs::{Dialog, DialogResult, DialogTask, TaskRequest};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::{Form, FormButton, FormEvent, FormField};
use crate::tui::app::{App, Now};

const INPUT_FIELD: &str = "answer";

/// Dialog that asks for one line of text.
pub struct TextPromptDialog {
    kind: TextPromptKind,
    form: Form,
    task: DialogTask,
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
            form: Form::new(vec![field], vec![FormButton::Cancel, FormButton::Submit(button)]),
            kind,
            task: DialogTask::default(),
        }
    }

    fn submit(&mut self, app: &App) -> DialogResult {
        if self.task.is_running() {
            return DialogResult::Stay;
        }
        match self.request(self.form.value(INPUT_FIELD), app) {
            Ok(request) => {
                request.map_or(DialogResult::Stay, |request| DialogResult::start(request.awaited()))
            }
            Err(problem) => {
                self.form.set_field_problem(INPUT_FIELD, problem);
                DialogResult::Stay
            }
        }
    }

    /// Returns the task for this text; `None` if the request or the response is gone.
    fn request(&self, text: &str, app: &App) -> Result<Option<TaskRequest>, String> {
        let id = || {
            SavedRequestName::parse(text).map_err(|problem| format!("is invalid: {}", problem.why))
        };
        let response = || app.console.response().map(|response| response.exchange.clone());
        let console =
            |title: String, task| TaskRequest::listed(title, BackgroundTask::Console(task));
        Ok(match &self.kind {
            TextPromptKind::SaveRequest => {
                let id = id()?;
                current_request(app).map(|(credential, draft)| {
                    let title = format!("Save the request as {id}");
                    console(title, ConsoleTask::SaveRequest(id, credential, draft))
                })
            }
            TextPromptKind::RenameRequest(from) => {
                Some(saved_request_change(ConsoleTask::RenameSavedRequest(from.clone(), id()?)))
            }
            TextPromptKind::CopyRequest(from) => {
                Some(saved_request_change(ConsoleTask::CopySavedRequest(from.clone(), id()?)))
            }
            TextPromptKind::SaveResponse if text.is_empty() => return Err("is empty".to_owned()),
            TextPromptKind::SaveResponse => response().map(|exchange| {
                let task = ConsoleTask::SaveBody(exchange, text.to_owned());
                console(format!("Save the response to {text}"), task)
            }),
            TextPromptKind::StoreSecret(which, _) | TextPromptKind::RenameSecret(which, ..) => {
                let name =
                    CredentialName::parse(text).map_err(|error| format!("is invalid: {error}"))?;
                response().map(|exchange| {
                    let title = format!("Store the secret as {name}");
                    console(title, ConsoleTask::StoreCaptured(exchange, *which, name))
                })
            }
        })
    }
}

impl Dialog for TextPromptDialog {
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

    /// Asks again after a failure.
    fn on_task(&mut self, _task: TaskId, event: TaskEvent, _app: &App, _now: Now) -> DialogResult {
        if matches!(event, TaskEvent::Failed(_)) {
            self.form.focus = 0;
        }
        self.task.handle_event(event)
    }

    fn handle_form_event(&mut self, event: FormEvent, app: &App, _now: Now) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            // Enter submits a dialog with a single field.
            FormEvent::Pressed(_) | FormEvent::Blurred(0) if self.form.focus != 2 => {
                self.submit(app)
            }
            FormEvent::Changed(_) | FormEvent::Pasted(_) => {
                self.task.clear_problem();
                DialogResult::Stay
            }
            _ => DialogResult::Stay,
        }
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
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
        view.foot.splice(0..0, self.task.problem_rows());
        view
    }
}

/// Returns the selected credential and its request, if the request is complete.
fn current_request(app: &App) -> Option<(CredentialId, RequestDraft)> {
    match sending::current_request(app)? {
        RequestReadiness::Ready(draft) => Some((app.selected()?.id.clone(), draft)),
        RequestReadiness::MissingParameters(_) => None,
    }
}
