//! Dialog with the results of the doctor or of the scan for plain-text secrets.
//!
//! The diagnosis is a task of the engine. This dialog waits for it and lists the diagnostics by
//! area; start reading at [`FindingsDialog::view`].

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::domain::problem::Problem;
use crate::engine::task_protocol::{Diagnostic, DiagnosticSeverity, TaskId};
use crate::tui::app::command::CursorMotion;
use crate::tui::app::credentials::list::moved_cursor;
use crate::tui::app::dialogs::DialogResult;
use crate::tui::app::dialogs::problem::problem_rows;
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};

/// Rows that a page key moves.
const PAGE_ROWS: usize = 12;

/// Dialog that shows diagnostics.
pub struct FindingsDialog {
    title: &'static str,
    task: Option<TaskId>,
    findings: Vec<Diagnostic>,
    problem: Option<Problem>,
    cursor: usize,
}

impl FindingsDialog {
    /// Creates the dialog with this title, without diagnostics.
    pub const fn new(title: &'static str) -> Self {
        Self { title, task: None, findings: Vec::new(), problem: None, cursor: 0 }
    }

    pub(in crate::tui::app) const fn set_task(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    pub(in crate::tui::app) const fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// Shows the diagnostics, and stops waiting: the end of the task must not close the dialog.
    pub(in crate::tui::app) fn show_findings(&mut self, found: Vec<Diagnostic>) {
        (self.task, self.findings) = (None, found);
    }

    pub(in crate::tui::app) fn show_problem(&mut self, problem: Problem) {
        (self.task, self.problem) = (None, Some(problem));
    }

    /// Handles a key.
    pub fn handle_key(&mut self, key: KeyPress) -> DialogResult {
        let motion = match key.code {
            KeySymbol::Enter | KeySymbol::Char('q') => return DialogResult::Close,
            KeySymbol::Up | KeySymbol::Char('k') => CursorMotion::Up,
            KeySymbol::Down | KeySymbol::Char('j') => CursorMotion::Down,
            KeySymbol::PageUp => CursorMotion::PageUp,
            KeySymbol::PageDown | KeySymbol::Char(' ') => CursorMotion::PageDown,
            KeySymbol::Home | KeySymbol::Char('g') => CursorMotion::Top,
            KeySymbol::End | KeySymbol::Char('G') => CursorMotion::Bottom,
            _ => return DialogResult::Stay,
        };
        self.cursor =
            moved_cursor(self.cursor, motion, PAGE_ROWS, self.body_rows().len().saturating_sub(1));
        DialogResult::Stay
    }

    /// Builds the view of the dialog.
    pub fn view(&self) -> DialogView {
        let mut view = DialogView::new(self.title, 96);
        view.head = if self.task.is_some() {
            vec![DialogRow::dim("Running…")]
        } else {
            problem_rows(self.problem.as_ref())
        };
        view.body = self.body_rows();
        view.cursor = self.cursor;
        view.foot = vec![DialogRow::Blank, DialogRow::dim("↑/↓ scroll · Esc close")];
        view
    }

    /// Returns the diagnostics, grouped by area. The level is a word as well as a color.
    fn body_rows(&self) -> Vec<DialogRow> {
        let mut rows = Vec::new();
        for area in self.findings.chunk_by(|one, other| one.area == other.area) {
            if !rows.is_empty() {
                rows.push(DialogRow::Blank);
            }
            rows.push(DialogRow::Text(StyleRole::Title, area[0].area.as_str().to_owned()));
            for Diagnostic { level, what, why, remedy, .. } in area {
                rows.push(DialogRow::Text(
                    severity_role(*level),
                    format!("{:<4}  {what}: {why}", level.as_str()),
                ));
                if !remedy.is_empty() {
                    rows.push(DialogRow::dim(format!("      {remedy}")));
                }
            }
        }
        rows
    }
}

const fn severity_role(level: DiagnosticSeverity) -> StyleRole {
    match level {
        DiagnosticSeverity::Ok => StyleRole::Text,
        DiagnosticSeverity::Warn => StyleRole::Warn,
        DiagnosticSeverity::Fail => StyleRole::Bad,
    }
}
