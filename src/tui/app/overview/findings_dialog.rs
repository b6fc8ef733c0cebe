//! Dialog with the results of the doctor or of the scan for plain-text secrets.
//!
//! The diagnosis is a task of the engine. This dialog waits for it and lists the diagnostics by
//! area; start reading at [`Dialog::view`].

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::engine::background::protocol::{Diagnostic, DiagnosticSeverity, TaskEvent, TaskId};
use crate::tui::app::command::CursorMotion;
use crate::tui::app::dialogs::{Dialog, DialogResult, DialogTask};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::moved_cursor;
use crate::tui::app::{App, Now};

/// Rows that a page key moves.
const PAGE_ROWS: usize = 12;

/// Dialog that shows diagnostics.
pub struct FindingsDialog {
    title: &'static str,
    task: DialogTask,
    findings: Vec<Diagnostic>,
    cursor: usize,
}

impl FindingsDialog {
    /// Creates the dialog with this title, without diagnostics.
    pub fn new(title: &'static str) -> Self {
        Self { title, task: DialogTask::default(), findings: Vec::new(), cursor: 0 }
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

impl Dialog for FindingsDialog {
    fn task(&self) -> Option<&DialogTask> {
        Some(&self.task)
    }

    fn task_mut(&mut self) -> Option<&mut DialogTask> {
        Some(&mut self.task)
    }

    /// Shows the diagnostics; the end of the task does not close the dialog.
    fn on_task(&mut self, _task: TaskId, event: TaskEvent, _app: &App, _now: Now) -> DialogResult {
        match event {
            TaskEvent::Diagnosed(found) => {
                self.task.stop_waiting();
                self.findings = found;
                DialogResult::Stay
            }
            TaskEvent::Canceled => DialogResult::Close,
            event => self.task.handle_event(event),
        }
    }

    fn handle_key(&mut self, key: KeyPress, _app: &App, _now: Now) -> DialogResult {
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

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new(self.title, 96);
        view.head = if self.task.is_running() {
            vec![DialogRow::dim("Running…")]
        } else {
            self.task.problem_rows()
        };
        view.body = self.body_rows();
        view.cursor = self.cursor;
        view.foot = vec![DialogRow::Blank, DialogRow::dim("↑/↓ scroll · Esc close")];
        view
    }
}

const fn severity_role(level: DiagnosticSeverity) -> StyleRole {
    match level {
        DiagnosticSeverity::Ok => StyleRole::Text,
        DiagnosticSeverity::Warn => StyleRole::Warn,
        DiagnosticSeverity::Fail => StyleRole::Bad,
    }
}
