//! Dialog that shows a problem: what happened, why, and what to do.
//!
//! [`problem_rows`] is shared with the other dialogs that show a problem.

use super::{Dialog, DialogAction, DialogResult};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::domain::problem::{Problem, ProblemClass};
use crate::tui::app::command::{CommandAction, ProgramAction};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::{App, Now};

/// Dialog that shows a problem.
pub struct ProblemDialog {
    /// The action that failed.
    pub title: String,
    /// The problem.
    pub problem: Problem,
}

impl Dialog for ProblemDialog {
    fn handle_key(&mut self, key: KeyPress, _app: &App, _now: Now) -> DialogResult {
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

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new(self.title.clone(), 66);
        view.head = problem_rows(Some(&self.problem));
        let unlock = if self.problem.class == ProblemClass::Store { "u unlock · " } else { "" };
        view.foot = vec![DialogRow::dim(format!("{unlock}Enter/Esc close"))];
        view
    }
}

/// Returns a problem in three rows: what happened, why, and what to do.
pub(in crate::tui::app) fn problem_rows(problem: Option<&Problem>) -> Vec<DialogRow> {
    let Some(problem) = problem else { return Vec::new() };
    vec![
        DialogRow::Text(StyleRole::Bad, problem.what.clone()),
        DialogRow::text(format!("Why: {}", problem.why)),
        DialogRow::Text(StyleRole::Accent, format!("Do:  {}", problem.remedy)),
        DialogRow::Blank,
    ]
}
