//! Dialog with running and finished tasks, the newest first.
//!
//! The entries belong to `activity`; this dialog shows them, cancels running tasks and opens hidden
//! rotation wizards again.

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::tui::app::command::CursorMotion;
use crate::tui::app::credentials::list::moved_cursor;
use crate::tui::app::dialogs::problem;
use crate::tui::app::dialogs::{DialogAction, DialogResult};
use crate::tui::app::overview::activity::{TaskEntry, TaskState};
use crate::tui::app::widgets::chart;
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, ListItem};
use crate::tui::app::{App, Now, PresentationMode, display_format};

/// Rows that a page key moves.
const PAGE_ROWS: usize = 10;

/// Columns of a progress bar.
const BAR_COLUMNS: usize = 12;

/// Dialog that shows tasks.
#[derive(Default)]
pub struct TaskListDialog {
    cursor: usize,
}

impl TaskListDialog {
    /// Handles a key.
    pub fn handle_key(&mut self, key: KeyPress, app: &App) -> DialogResult {
        let motion = match key.code {
            KeySymbol::Char('q' | '!') => return DialogResult::Close,
            KeySymbol::Enter => return self.open_selected(app),
            KeySymbol::Char('x') => return self.cancel_selected(app),
            KeySymbol::Up | KeySymbol::Char('k') => CursorMotion::Up,
            KeySymbol::Down | KeySymbol::Char('j') => CursorMotion::Down,
            KeySymbol::PageUp => CursorMotion::PageUp,
            KeySymbol::PageDown => CursorMotion::PageDown,
            _ => return DialogResult::Stay,
        };
        self.cursor = moved_cursor(
            self.cursor,
            motion,
            PAGE_ROWS,
            app.activity.entries.len().saturating_sub(1),
        );
        DialogResult::Stay
    }

    /// Handles a click on an entry: opens the wizard of a rotation that runs in the background.
    pub fn handle_click(&mut self, at: usize, app: &App) -> DialogResult {
        self.cursor = at;
        match self.selected_entry(app) {
            Some(entry) if app.dialogs.has_hidden_wizard(entry.id) => {
                DialogResult::RunAndClose(DialogAction::ShowWizard(entry.id))
            }
            _ => DialogResult::Stay,
        }
    }

    /// Builds the view of the dialog.
    pub fn view(&self, app: &App, now: Now) -> DialogView {
        let mut view = DialogView::new("Activity", 88);
        let newest_first = app.activity.entries.iter().rev().enumerate();
        view.body = newest_first
            .map(|(at, entry)| DialogRow::Item(self.entry_item(at, entry, app, now)))
            .collect();
        if view.body.is_empty() {
            view.body.push(DialogRow::dim(
                "No tasks yet. Checks, requests and changes are listed here.",
            ));
        }
        view.cursor = self.cursor;
        if let Some(TaskState::Failed(problem)) = self.selected_entry(app).map(|entry| &entry.state)
        {
            view.foot.push(DialogRow::Blank);
            view.foot.extend(problem::problem_rows(Some(problem)));
        }
        view.foot.extend([
            DialogRow::Blank,
            DialogRow::dim(
                "↑/↓ select · Enter reopen a rotation · x cancel a running task · Esc close",
            ),
        ]);
        view
    }

    fn selected_entry<'a>(&self, app: &'a App) -> Option<&'a TaskEntry> {
        app.activity.entries.iter().rev().nth(self.cursor)
    }

    /// Opens the hidden wizard of a rotation; cancels any other running task.
    fn open_selected(&mut self, app: &App) -> DialogResult {
        match self.handle_click(self.cursor, app) {
            DialogResult::Stay => self.cancel_selected(app),
            opened => opened,
        }
    }

    fn cancel_selected(&self, app: &App) -> DialogResult {
        match self.selected_entry(app) {
            Some(entry) if entry.state.is_running() => {
                DialogResult::RunAndStay(DialogAction::CancelTask(entry.id))
            }
            _ => DialogResult::Stay,
        }
    }

    fn entry_item(&self, at: usize, entry: &TaskEntry, app: &App, now: Now) -> ListItem {
        let glyphs = &app.preferences.symbols;
        let (mark, more, right) = match &entry.state {
            TaskState::Running(Some((done, total))) => {
                let of = |steps: usize| u64::try_from(steps).unwrap_or(u64::MAX);
                let (full, empty) = chart::progress_bar(glyphs, of(*done), of(*total), BAR_COLUMNS);
                (
                    (StyleRole::Accent, glyphs.pointer),
                    format!("{full}{empty} {}", display_format::format_part(*done, *total)),
                    elapsed(entry, now),
                )
            }
            TaskState::Running(None) => {
                ((StyleRole::Accent, glyphs.pointer), "running".to_owned(), elapsed(entry, now))
            }
            TaskState::CleaningUp => (
                (StyleRole::Dim, glyphs.check_mark),
                "done; cleanup follows".to_owned(),
                String::new(),
            ),
            TaskState::Done(took) => {
                let (mark, word) = match entry.remark {
                    None => ((StyleRole::Good, glyphs.check_mark), "done"),
                    Some(remark) => ((StyleRole::Warn, glyphs.warning), remark),
                };
                (mark, word.to_owned(), display_format::format_duration(*took))
            }
            TaskState::Failed(problem) => {
                ((StyleRole::Bad, glyphs.refused), problem.what.clone(), String::new())
            }
            TaskState::Canceled => {
                ((StyleRole::Dim, glyphs.unchecked), "canceled".to_owned(), String::new())
            }
        };
        let selected = at == self.cursor;
        ListItem {
            index: Some(at),
            mark: Some(mark),
            text: entry_title(entry, app),
            more,
            right,
            selected,
        }
    }
}

/// Returns the title of a task; in presentation mode without the name of the credential.
fn entry_title(entry: &TaskEntry, app: &App) -> String {
    match app.ui_state.presentation {
        PresentationMode::Off => entry.title.clone(),
        PresentationMode::On => {
            let verb = entry.title.split(' ').next().unwrap_or_default();
            format!("{verb} {}", app.preferences.symbols.mask.repeat(8))
        }
    }
}

fn elapsed(entry: &TaskEntry, now: Now) -> String {
    display_format::format_duration(std::time::Duration::from_secs(
        now.instant.saturating_duration_since(entry.started).as_secs(),
    ))
}
