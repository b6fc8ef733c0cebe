//! What was found on this machine: by the doctor, or by a scan for secrets in plain text.

use super::DialogResult;
use super::problem::problem_rows;
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::domain::problem::Problem;
use crate::engine::task_protocol::{Diagnostic, DiagnosticSeverity, TaskId};
use crate::tui::app::command::CursorMotion;
use crate::tui::app::credentials::moved_cursor;
use crate::tui::app::dialog_view::{DialogRow, DialogView};

/// How far a page key goes.
const PAGE_ROWS: usize = 12;

/// The dialog that shows findings.
pub struct FindingsDialog {
    title: &'static str,
    task: Option<TaskId>,
    findings: Vec<Diagnostic>,
    problem: Option<Problem>,
    cursor: usize,
}

impl FindingsDialog {
    /// One under this title that has found nothing yet.
    pub const fn new(title: &'static str) -> Self {
        Self { title, task: None, findings: Vec::new(), problem: None, cursor: 0 }
    }

    pub(super) const fn set_task(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    pub(super) const fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// Shows what was found; the end of the task is nothing to wait for any more.
    pub(super) fn show_findings(&mut self, found: Vec<Diagnostic>) {
        (self.task, self.findings) = (None, found);
    }

    pub(super) fn show_problem(&mut self, problem: Problem) {
        (self.task, self.problem) = (None, Some(problem));
    }

    /// Takes a key in.
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

    /// What it shows.
    pub fn view(&self) -> DialogView {
        let mut sheet = DialogView::new(self.title, 96);
        sheet.head = if self.task.is_some() {
            vec![DialogRow::dim("Looking …")]
        } else {
            problem_rows(self.problem.as_ref())
        };
        sheet.body = self.body_rows();
        sheet.cursor = self.cursor;
        sheet.foot = vec![DialogRow::Blank, DialogRow::dim("↑/↓ scroll · Esc closes")];
        sheet
    }

    /// Area by area; what is worse stands out by its word, not by its colour alone.
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
