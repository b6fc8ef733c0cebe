//! The passphrase of the encrypted file: given once to unlock it, twice to create it.

use super::{Intent, Outcome};
use crate::domain::problem::Problem;
use crate::engine::message::TaskId;
use crate::tui::app::form::{Form, FormButton, FormEvent, FormField};
use crate::tui::app::sheet::{DialogRow, DialogView};

const FIRST: &str = "passphrase";
const AGAIN: &str = "again";

/// The dialog that unlocks or creates the store.
pub struct Unlock {
    purpose: Purpose,
    /// Its fields.
    pub form: Form,
    task: Option<TaskId>,
    problem: Option<Problem>,
}

/// What the passphrase is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The store exists.
    Open,
    /// The store is made with it.
    Create,
}

impl Unlock {
    /// An empty form.
    pub fn new(purpose: Purpose) -> Self {
        let mut fields = vec![FormField::secret(FIRST, "Passphrase")];
        let button = match purpose {
            Purpose::Open => "Unlock",
            Purpose::Create => {
                fields.push(FormField::secret(AGAIN, "Once more"));
                "Create"
            }
        };
        let form = Form::new(fields, vec![FormButton::Submit(button), FormButton::Cancel]);
        Self { purpose, form, task: None, problem: None }
    }

    /// Waits for the store to open.
    pub fn wait(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    /// The task that is waited for.
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// The task was cancelled.
    pub fn cancelled(&mut self) {
        self.task = None;
    }

    /// It did not open.
    pub fn fail(&mut self, problem: Problem) {
        self.task = None;
        self.problem = Some(problem);
        self.form.focus = 0;
        for id in [FIRST, AGAIN] {
            if let Some(input) = self.form.secret(id) {
                input.clear();
            }
        }
    }

    /// Answers to what happened in the form.
    pub fn react(&mut self, happened: FormEvent) -> Outcome {
        match happened {
            FormEvent::Pressed(FormButton::Cancel) => Outcome::Close,
            FormEvent::Pressed(_) => self.submit(),
            FormEvent::Changed(_) | FormEvent::Pasted(_) => {
                self.problem = None;
                Outcome::Stay
            }
            FormEvent::Blurred(_) | FormEvent::Unchanged => Outcome::Stay,
        }
    }

    /// What it shows.
    pub fn sheet(&self) -> DialogView {
        let (title, text) = match self.purpose {
            Purpose::Open => ("Unlock the store", "The secrets lie in an encrypted file; its passphrase opens it."),
            Purpose::Create => (
                "Create the store",
                "The secrets will lie in an encrypted file. Choose its passphrase well: nobody can restore it.",
            ),
        };
        let mut sheet = DialogView::new(title, 60).with_form(&self.form);
        sheet.head = vec![DialogRow::dim(text), DialogRow::Blank];
        if self.task.is_some() {
            sheet.foot.insert(0, DialogRow::dim("Opening…"));
        }
        sheet.foot.splice(0..0, super::problem::rows(self.problem.as_ref()));
        sheet
    }

    fn submit(&mut self) -> Outcome {
        let Some(first) = self.form.secret(FIRST).map(|input| (input.is_empty(), input.to_secret())) else {
            return Outcome::Stay;
        };
        if first.0 {
            self.form.set_field_problem(FIRST, "is empty");
            return Outcome::Stay;
        }
        let same = self.form.secret(AGAIN).is_none_or(|again| again.to_secret().same_as(&first.1));
        if !same {
            self.form.set_field_problem(AGAIN, "is not the same");
            return Outcome::Stay;
        }
        if self.task.is_some() { Outcome::Stay } else { Outcome::Ask(Intent::Unlock(Some(first.1))) }
    }
}
