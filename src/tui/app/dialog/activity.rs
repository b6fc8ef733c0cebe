//! Running and finished tasks, the newest first.

use super::{Intent, Outcome};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::tui::app::activity::{TaskEntry, TaskState};
use crate::tui::app::command::CursorMotion;
use crate::tui::app::credentials::moved_cursor;
use crate::tui::app::sheet::{DialogRow, DialogView, ListItem};
use crate::tui::app::{App, Now, PresentationMode, chart, words};

/// How far a page key goes.
const PAGE: usize = 10;

/// Columns of the bar that shows how far a task is.
const BAR: usize = 12;

/// The dialog that shows tasks.
#[derive(Default)]
pub struct ActivityList {
    cursor: usize,
}

impl ActivityList {
    /// Takes a key in.
    pub fn key(&mut self, key: KeyPress, app: &App) -> Outcome {
        let motion = match key.code {
            KeySymbol::Char('q' | '!') => return Outcome::Close,
            KeySymbol::Enter => return self.reopen(app),
            KeySymbol::Char('x') => return self.cancel(app),
            KeySymbol::Up | KeySymbol::Char('k') => CursorMotion::Up,
            KeySymbol::Down | KeySymbol::Char('j') => CursorMotion::Down,
            KeySymbol::PageUp => CursorMotion::PageUp,
            KeySymbol::PageDown => CursorMotion::PageDown,
            _ => return Outcome::Stay,
        };
        self.cursor = moved_cursor(self.cursor, motion, PAGE, app.activity.entries.len().saturating_sub(1));
        Outcome::Stay
    }

    /// Takes a click on an entry in: a rotation that goes on behind the screen comes back.
    pub fn click(&mut self, at: usize, app: &App) -> Outcome {
        self.cursor = at;
        match self.entry(app) {
            Some(entry) if app.dialogs.hides(entry.id) => Outcome::Finish(Intent::Reopen(entry.id)),
            _ => Outcome::Stay,
        }
    }

    /// What it shows.
    pub fn sheet(&self, app: &App, now: Now) -> DialogView {
        let mut sheet = DialogView::new("Activity", 88);
        let newest_first = app.activity.entries.iter().rev().enumerate();
        sheet.body = newest_first.map(|(at, entry)| DialogRow::Item(self.item(at, entry, app, now))).collect();
        if sheet.body.is_empty() {
            sheet.body.push(DialogRow::dim("Nothing was started yet. Checks, requests and changes are listed here."));
        }
        sheet.cursor = self.cursor;
        if let Some(TaskState::Failed(problem)) = self.entry(app).map(|entry| &entry.state) {
            sheet.foot.push(DialogRow::Blank);
            sheet.foot.extend(super::problem::rows(Some(problem)));
        }
        sheet.foot.extend([
            DialogRow::Blank,
            DialogRow::dim("↑/↓ choose · Enter opens a rotation again · x cancels a running task · Esc closes"),
        ]);
        sheet
    }

    fn entry<'a>(&self, app: &'a App) -> Option<&'a TaskEntry> {
        app.activity.entries.iter().rev().nth(self.cursor)
    }

    /// Opens the wizard of a rotation that goes on behind the screen; cancels anything else that runs.
    fn reopen(&mut self, app: &App) -> Outcome {
        match self.click(self.cursor, app) {
            Outcome::Stay => self.cancel(app),
            opened => opened,
        }
    }

    fn cancel(&self, app: &App) -> Outcome {
        match self.entry(app) {
            Some(entry) if entry.state.is_running() => Outcome::Ask(Intent::Cancel(entry.id)),
            _ => Outcome::Stay,
        }
    }

    fn item(&self, at: usize, entry: &TaskEntry, app: &App, now: Now) -> ListItem {
        let glyphs = &app.preferences.symbols;
        let (mark, more, right) = match &entry.state {
            TaskState::Running(Some((done, total))) => {
                let of = |steps: usize| u64::try_from(steps).unwrap_or(u64::MAX);
                let (full, empty) = chart::progress_bar(glyphs, (of(*done), of(*total)), BAR);
                (
                    (StyleRole::Accent, glyphs.pointer),
                    format!("{full}{empty} {}", words::format_part(*done, *total)),
                    elapsed(entry, now),
                )
            }
            TaskState::Running(None) => ((StyleRole::Accent, glyphs.pointer), "running".to_owned(), elapsed(entry, now)),
            TaskState::CleaningUp => ((StyleRole::Dim, glyphs.check_mark), "done; tidies up later".to_owned(), String::new()),
            TaskState::Done(took) => ((StyleRole::Good, glyphs.check_mark), "done".to_owned(), words::format_duration(*took)),
            TaskState::Failed(problem) => ((StyleRole::Bad, glyphs.refused), problem.what.clone(), String::new()),
            TaskState::Canceled => ((StyleRole::Dim, glyphs.unchecked), "cancelled".to_owned(), String::new()),
        };
        let selected = at == self.cursor;
        ListItem { index: Some(at), mark: Some(mark), text: title(entry, app), more, right, selected }
    }
}

/// What it does; where others may be watching, without whom it does it to.
fn title(entry: &TaskEntry, app: &App) -> String {
    match app.ui_state.presentation {
        PresentationMode::Off => entry.title.clone(),
        PresentationMode::On => {
            let verb = entry.title.split(' ').next().unwrap_or_default();
            format!("{verb} {}", app.preferences.symbols.mask.repeat(8))
        }
    }
}

fn elapsed(entry: &TaskEntry, now: Now) -> String {
    words::format_duration(std::time::Duration::from_secs(now.instant.saturating_duration_since(entry.started).as_secs()))
}
