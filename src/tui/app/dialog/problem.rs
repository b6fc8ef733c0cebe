//! Something went wrong: what, why, and what to do.

use super::{DialogAction, DialogResult};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::domain::problem::{Problem, ProblemClass};
use crate::tui::app::command::{CommandAction, ProgramAction};
use crate::tui::app::dialog_view::{DialogRow, DialogView};

/// A problem with the name of what it happened to.
pub struct ProblemDialog {
    /// What was being done.
    pub title: String,
    /// What went wrong.
    pub problem: Problem,
}

impl ProblemDialog {
    /// Takes a key in.
    pub fn handle_key(&self, key: KeyPress) -> DialogResult {
        match key.code {
            KeySymbol::Enter | KeySymbol::Char(' ' | 'q') => DialogResult::Close,
            KeySymbol::Char('u') if self.problem.class == ProblemClass::Store => {
                DialogResult::RunAndClose(DialogAction::Run(CommandAction::Program(
                    ProgramAction::Unlock,
                )))
            }
            _ => DialogResult::Stay,
        }
    }

    /// What it shows.
    pub fn view(&self) -> DialogView {
        let mut sheet = DialogView::new(self.title.clone(), 66);
        sheet.head = problem_rows(Some(&self.problem));
        let unlock =
            if self.problem.class == ProblemClass::Store { "u unlocks the store · " } else { "" };
        sheet.foot = vec![DialogRow::dim(format!("{unlock}Enter or Esc closes"))];
        sheet
    }
}

/// A problem in three lines: what, why, what to do.
pub(super) fn problem_rows(problem: Option<&Problem>) -> Vec<DialogRow> {
    let Some(problem) = problem else { return Vec::new() };
    vec![
        DialogRow::Text(StyleRole::Bad, problem.what.clone()),
        DialogRow::text(format!("Why: {}", problem.why)),
        DialogRow::Text(StyleRole::Accent, format!("Do:  {}", problem.remedy)),
        DialogRow::Blank,
    ]
}
