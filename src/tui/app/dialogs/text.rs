//! Dialog with a read-only text, such as the ignored parts of a curl command or a diff.
//!
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

/// Dialog that shows a text.
pub struct TextDialog {
    title: String,
    lines: Vec<(StyleRole, String)>,
    top: usize,
    /// Commands whose keys work in the dialog, because the text names them.
    commands: Vec<CommandAction>,
}

impl TextDialog {
    /// Creates the dialog with these lines.
    pub fn new(title: impl Into<String>, lines: Vec<(StyleRole, String)>) -> Self {
        Self { title: title.into(), lines, top: 0, commands: Vec::new() }
    }

    /// Lets the keys of these commands close the dialog and run them.
    #[must_use]
    pub fn with_commands(self, commands: Vec<CommandAction>) -> Self {
        Self { commands, ..self }
    }

    /// Creates the dialog for a diff, whose changed lines begin with `+` and `-`.
    pub fn for_diff(title: impl Into<String>, changes: &str) -> Self {
        let role = |line: &str| match line.as_bytes().first() {
            Some(b'+') => StyleRole::Good,
            Some(b'-') => StyleRole::Bad,
            _ => StyleRole::Text,
        };
        Self::new(title, changes.lines().map(|line| (role(line), line.to_owned())).collect())
    }
}

impl Dialog for TextDialog {
    fn handle_key(&mut self, key: KeyPress, app: &App, _now: Now) -> DialogResult {
        let keys = &app.preferences.keys;
        let has_key = |action: &&CommandAction| keys.keys_for(**action).any(|known| *known == key);
        if let Some(action) = self.commands.iter().find(has_key) {
            return DialogResult::RunAndClose(DialogAction::Run(*action));
        }
        match key.code {
            KeySymbol::Enter | KeySymbol::Char('q') => return DialogResult::Close,
            KeySymbol::Down | KeySymbol::Char('j') => {
                self.top = (self.top + 1).min(self.lines.len().saturating_sub(1));
            }
            KeySymbol::Up | KeySymbol::Char('k') => self.top = self.top.saturating_sub(1),
            _ => {}
        }
        DialogResult::Stay
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new(self.title.clone(), 84);
        let row = |(role, text): &(StyleRole, String)| {
            if text.is_empty() { DialogRow::Blank } else { DialogRow::Text(*role, text.clone()) }
        };
        view.body = self.lines.iter().map(row).collect();
        view.cursor = self.top;
        view.foot = vec![DialogRow::Blank, DialogRow::dim("↑/↓ scroll · Enter/Esc close")];
        view
    }
}

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
