//! Dialog with running and finished tasks, the newest first.
//!
//! The entries belong to `activity`; this dialog shows them, cancels running tasks and opens hidden
//! rotation wizards again.

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::tui::app::activity::{TaskEntry, TaskState};
use crate::tui::app::command::CursorMotion;
use crate::tui::app::dialogs::{
    Dialog, DialogAction, DialogAnswer, DialogQuestion, DialogResult, ListQuestion, QuestionOption,
    text,
};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, ListItem, TextTruncation};
use crate::tui::app::widgets::{chart, moved_cursor};
use crate::tui::app::{App, Now, PresentationMode, UiEffect, display_format};

/// Rows that a page key moves.
const PAGE_ROWS: usize = 10;

/// Columns of a progress bar.
const BAR_COLUMNS: usize = 12;

/// Dialog that shows tasks.
#[derive(Default)]
pub struct TaskListDialog {
    cursor: usize,
}

impl Dialog for TaskListDialog {
    fn handle_key(&mut self, key: KeyPress, app: &App, now: Now) -> DialogResult {
        let motion = match key.code {
            KeySymbol::Char('q' | '!') => return DialogResult::Close,
            KeySymbol::Enter => return self.open_selected(app, now),
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
    fn handle_click(&mut self, at: usize, app: &App, _now: Now) -> DialogResult {
        self.cursor = at;
        match self.selected_entry(app).map(|entry| entry.id) {
            Some(task) if app.dialogs.is_hidden(task) => {
                DialogResult::RunAndClose(DialogAction::update(move |app, _| {
                    app.dialogs.reopen_for_task(task);
                }))
            }
            _ => DialogResult::Stay,
        }
    }

    fn next_question(&self, app: &App, now: Now) -> DialogQuestion {
        let items = self.items(app, now).iter().filter_map(QuestionOption::from_item).collect();
        ListQuestion { items, moves_cursor: true, ..ListQuestion::default() }.or_read_only()
    }

    fn answer(&mut self, answer: DialogAnswer<'_>, app: &App, now: Now) -> DialogResult {
        match answer {
            DialogAnswer::Select(at) => self.handle_click(at, app, now),
            _ => DialogResult::Stay,
        }
    }

    fn view(&self, app: &App, now: Now) -> DialogView {
        let mut view = DialogView::new("Activity", 88);
        view.body = self.items(app, now).into_iter().map(DialogRow::Item).collect();
        if view.body.is_empty() {
            view.body.push(DialogRow::dim(
                "No tasks yet. Checks, requests and changes are listed here.",
            ));
        }
        view.cursor = self.cursor;
        if let Some(TaskState::Failed(problem)) = self.selected_entry(app).map(|entry| &entry.state)
        {
            view.foot.push(DialogRow::Blank);
            view.foot.extend(text::problem_rows(Some(problem)));
        }
        view.foot.extend([
            DialogRow::Blank,
            DialogRow::dim(
                "↑/↓ select · Enter reopen a rotation · x cancel a running task · Esc close",
            ),
        ]);
        view
    }
}

impl TaskListDialog {
    fn items(&self, app: &App, now: Now) -> Vec<ListItem> {
        let newest_first = app.activity.entries.iter().rev().enumerate();
        newest_first.map(|(at, entry)| self.entry_item(at, entry, app, now)).collect()
    }

    fn selected_entry<'a>(&self, app: &'a App) -> Option<&'a TaskEntry> {
        app.activity.entries.iter().rev().nth(self.cursor)
    }

    /// Opens the hidden wizard of a rotation; cancels any other running task.
    fn open_selected(&mut self, app: &App, now: Now) -> DialogResult {
        match self.handle_click(self.cursor, app, now) {
            DialogResult::Stay => self.cancel_selected(app),
            opened => opened,
        }
    }

    fn cancel_selected(&self, app: &App) -> DialogResult {
        match self.selected_entry(app) {
            Some(entry) if entry.state.is_running() => {
                DialogResult::RunAndStay(DialogAction::Effect(UiEffect::CancelTask(entry.id)))
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
            cut: TextTruncation::End,
            more,
            right,
            right_role: mark.0,
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
