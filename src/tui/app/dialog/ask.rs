//! One question that a line of text answers: the name of a request, the file for an answer, the name for a secret.

use super::{ConsoleIntent, Intent, Outcome, problem};
use crate::domain::CredentialName;
use crate::domain::problem::Problem;
use crate::domain::request::SavedRequestName;
use crate::engine::message::{CapturedSecret, SavedRequestTask, TaskId};
use crate::tui::app::form::{Form, FormButton, FormEvent, FormField};
use crate::tui::app::sheet::{DialogRow, DialogView};

const ANSWER: &str = "answer";

/// The dialog that asks.
pub struct Ask {
    asked: Asked,
    /// Its field.
    pub form: Form,
    task: Option<TaskId>,
    problem: Option<Problem>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Under which name the request is kept.
    Save,
    /// What a saved request is called from now on.
    Rename(SavedRequestName),
    /// What a copy of a saved request is called.
    Copy(SavedRequestName),
    /// To which file the answer is written.
    Write,
    /// Under which name the fresh secret at this place of the answer, which came in this member, is kept.
    Keep(usize, String),
    /// What the fresh secret is called that came so, and that is kept under this name.
    Name(usize, String, CredentialName),
}

impl Asked {
    /// What is to be asked about the fresh secret at this place of an answer.
    pub fn of_secret(at: usize, minted: &CapturedSecret) -> Self {
        match &minted.stored {
            Some(kept) => Self::Name(at, minted.member.clone(), kept.name.clone()),
            None => Self::Keep(at, minted.member.clone()),
        }
    }
}

impl Ask {
    /// An empty line for the answer, or what is there to begin with.
    pub fn new(asked: Asked) -> Self {
        let (label, before, hint, button) = match &asked {
            Asked::Save => ("Name", "", "Lower-case letters, digits, dashes, dots and underscores.", "Save"),
            Asked::Rename(id) => ("New name", id.as_str(), "Lower-case letters, digits, dashes, dots and underscores.", "Rename"),
            Asked::Copy(id) => ("Copy", id.as_str(), "Lower-case letters, digits, dashes, dots and underscores.", "Copy"),
            Asked::Write => ("File", "answer.json", "A new file; nothing is overwritten. It is readable by you alone.", "Write"),
            Asked::Keep(..) => ("Name", "", "The credential's name in this keyring.", "Keep"),
            Asked::Name(_, _, name) => ("Name", name.as_str(), "The credential's name in this keyring.", "Call it so"),
        };
        let field = FormField::text(ANSWER, label, before).with_hint(hint);
        Self {
            form: Form::new(vec![field], vec![FormButton::Submit(button), FormButton::Cancel]),
            asked,
            task: None,
            problem: None,
        }
    }

    /// Waits for the end of this task.
    pub fn wait(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    /// The task that is waited for.
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// It was not done.
    pub fn fail(&mut self, problem: Problem) {
        (self.task, self.problem, self.form.focus) = (None, Some(problem), 0);
    }

    /// Answers to what happened in the form.
    pub fn react(&mut self, happened: FormEvent) -> Outcome {
        match happened {
            FormEvent::Pressed(FormButton::Cancel) => Outcome::Close,
            // One line is answered with one Enter.
            FormEvent::Pressed(_) | FormEvent::Blurred(0) if self.form.focus != 2 => self.submit(),
            FormEvent::Changed(_) | FormEvent::Pasted(_) => {
                self.problem = None;
                Outcome::Stay
            }
            _ => Outcome::Stay,
        }
    }

    /// What it shows.
    pub fn sheet(&self) -> DialogView {
        let (title, text) = match &self.asked {
            Asked::Save => ("Save the request", "It is kept as a file of yours. No secret is in it.".to_owned()),
            Asked::Rename(id) => ("Rename the saved request", format!("It is called {id}.")),
            Asked::Copy(id) => ("Copy the saved request", format!("The copy begins as {id} is.")),
            Asked::Write => ("Write the answer to a file", "The body as it came, secrets masked.".to_owned()),
            Asked::Keep(_, member) | Asked::Name(_, member, _) => {
                ("A new secret came", format!("The answer brings a secret in \"{member}\"."))
            }
        };
        let mut sheet = DialogView::new(title, 66).with_form(&self.form);
        sheet.head = vec![DialogRow::text(text)];
        match &self.asked {
            Asked::Keep(..) => {
                sheet.head.push(DialogRow::warning("It is not kept yet, and is let go when the next request is sent."))
            }
            Asked::Name(..) => sheet.head.push(DialogRow::text("It is kept already, since the provider does not say it again.")),
            _ => {}
        }
        sheet.head.push(DialogRow::Blank);
        sheet.foot.splice(0..0, problem::rows(self.problem.as_ref()));
        sheet
    }

    fn submit(&mut self) -> Outcome {
        if self.task.is_some() {
            return Outcome::Stay;
        }
        let text = self.form.value(ANSWER);
        match self.intent(text) {
            Ok(intent) => Outcome::Ask(Intent::Console(Box::new(intent))),
            Err(problem) => {
                self.form.set_field_problem(ANSWER, problem);
                Outcome::Stay
            }
        }
    }

    fn intent(&self, text: &str) -> Result<ConsoleIntent, String> {
        let id = || SavedRequestName::parse(text).map_err(|problem| format!("does not do: {}", problem.why));
        Ok(match &self.asked {
            Asked::Save => ConsoleIntent::Save(id()?),
            Asked::Rename(from) => ConsoleIntent::Saved(SavedRequestTask::Rename(from.clone(), id()?)),
            Asked::Copy(from) => ConsoleIntent::Saved(SavedRequestTask::Copy(from.clone(), id()?)),
            Asked::Write if text.is_empty() => return Err("is empty".to_owned()),
            Asked::Write => ConsoleIntent::Write(text.to_owned()),
            Asked::Keep(which, _) | Asked::Name(which, ..) => {
                ConsoleIntent::Keep(*which, CredentialName::parse(text).map_err(|error| format!("does not do: {error}"))?)
            }
        })
    }
}
