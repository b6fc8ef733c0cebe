//! Running and finished tasks, the newest first.

use super::{Intent, Outcome};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::StyleRole;
use crate::tui::app::activity::{Entry, State};
use crate::tui::app::command::Motion;
use crate::tui::app::credentials::step;
use crate::tui::app::sheet::{Item, Row, Sheet};
use crate::tui::app::{App, Audience, Now, chart, words};

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
            KeySymbol::Up | KeySymbol::Char('k') => Motion::Up,
            KeySymbol::Down | KeySymbol::Char('j') => Motion::Down,
            KeySymbol::PageUp => Motion::PageUp,
            KeySymbol::PageDown => Motion::PageDown,
            _ => return Outcome::Stay,
        };
        self.cursor = step(self.cursor, motion, PAGE, app.activity.entries.len().saturating_sub(1));
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
    pub fn sheet(&self, app: &App, now: Now) -> Sheet {
        let mut sheet = Sheet::new("Activity", 88);
        let newest_first = app.activity.entries.iter().rev().enumerate();
        sheet.body = newest_first.map(|(at, entry)| Row::Item(self.item(at, entry, app, now))).collect();
        if sheet.body.is_empty() {
            sheet.body.push(Row::dim("Nothing was started yet. Checks, requests and changes are listed here."));
        }
        sheet.cursor = self.cursor;
        if let Some(State::Failed(problem)) = self.entry(app).map(|entry| &entry.state) {
            sheet.foot.push(Row::Blank);
            sheet.foot.extend(super::problem::rows(Some(problem)));
        }
        sheet
            .foot
            .extend([Row::Blank, Row::dim("↑/↓ choose · Enter opens a rotation again · x cancels a running task · Esc closes")]);
        sheet
    }

    fn entry<'a>(&self, app: &'a App) -> Option<&'a Entry> {
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

    fn item(&self, at: usize, entry: &Entry, app: &App, now: Now) -> Item {
        let glyphs = &app.preferences.glyphs;
        let (mark, more, right) = match &entry.state {
            State::Running(Some((done, total))) => {
                let of = |steps: usize| u64::try_from(steps).unwrap_or(u64::MAX);
                let (full, empty) = chart::bar(glyphs, (of(*done), of(*total)), BAR);
                (
                    (StyleRole::Accent, glyphs.pointer),
                    format!("{full}{empty} {}", words::part(*done, *total)),
                    elapsed(entry, now),
                )
            }
            State::Running(None) => ((StyleRole::Accent, glyphs.pointer), "running".to_owned(), elapsed(entry, now)),
            State::Tidying => ((StyleRole::Dim, glyphs.check_mark), "done; tidies up later".to_owned(), String::new()),
            State::Done(took) => ((StyleRole::Good, glyphs.check_mark), "done".to_owned(), words::span(*took)),
            State::Failed(problem) => ((StyleRole::Bad, glyphs.refused), problem.what.clone(), String::new()),
            State::Cancelled => ((StyleRole::Dim, glyphs.unchecked), "cancelled".to_owned(), String::new()),
        };
        let selected = at == self.cursor;
        Item { at: Some(at), mark: Some(mark), text: title(entry, app), more, right, selected }
    }
}

/// What it does; where others may be watching, without whom it does it to.
fn title(entry: &Entry, app: &App) -> String {
    match app.stage.audience {
        Audience::Nobody => entry.title.clone(),
        Audience::Others => {
            let verb = entry.title.split(' ').next().unwrap_or_default();
            format!("{verb} {}", app.preferences.glyphs.mask.repeat(8))
        }
    }
}

fn elapsed(entry: &Entry, now: Now) -> String {
    words::span(std::time::Duration::from_secs(now.instant.saturating_duration_since(entry.started).as_secs()))
}
