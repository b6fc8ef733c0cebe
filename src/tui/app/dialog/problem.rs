//! Something went wrong: what, why, and what to do.

use super::Outcome;
use crate::config::Key;
use crate::config::key::Code;
use crate::config::theme::Role;
use crate::domain::problem::Problem;
use crate::tui::app::sheet::{Row, Sheet};

/// A problem with the name of what it happened to.
pub struct Notice {
    /// What was being done.
    pub title: String,
    /// What went wrong.
    pub problem: Problem,
}

impl Notice {
    /// What it shows.
    pub fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(self.title.clone(), 66);
        sheet.head = rows(Some(&self.problem));
        sheet.foot = vec![Row::dim("Enter or Esc closes")];
        sheet
    }
}

/// Takes a key in.
pub(super) fn key(key: Key) -> Outcome {
    if matches!(key.code, Code::Enter | Code::Char(' ' | 'q')) { Outcome::Close } else { Outcome::Stay }
}

/// A problem in three lines: what, why, what to do.
pub fn rows(problem: Option<&Problem>) -> Vec<Row> {
    let Some(problem) = problem else { return Vec::new() };
    vec![
        Row::Text(Role::Bad, problem.what.clone()),
        Row::text(format!("Why: {}", problem.why)),
        Row::Text(Role::Accent, format!("Do:  {}", problem.remedy)),
        Row::Blank,
    ]
}
