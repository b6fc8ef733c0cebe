//! The line of time of all credentials that end.

use super::{Intent, Outcome};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::CredentialId;
use crate::tui::app::credentials::step;
use crate::tui::app::horizon::Horizon;
use crate::tui::app::sheet::{Row, Sheet, window};
use crate::tui::app::{App, Now};

/// How far a page key goes.
const PAGE: usize = 10;
/// How wide the dialog is at most.
const WIDEST: u16 = 130;

/// The dialog that shows what ends when.
pub struct Timeline {
    ends: Vec<CredentialId>,
    cursor: usize,
}

impl Timeline {
    /// A line of time of what is known now.
    pub fn new(app: &App) -> Self {
        Self { ends: app.credentials.ends().map(|credential| credential.id.clone()).collect(), cursor: 0 }
    }

    /// Takes a key in.
    pub fn key(&mut self, key: KeyPress) -> Outcome {
        match (key.code, super::pick::list_motion(key)) {
            (KeySymbol::Char('q'), _) => Outcome::Close,
            (KeySymbol::Enter, _) => self.take(self.cursor),
            (_, Some(motion)) => {
                self.cursor = step(self.cursor, motion, PAGE, self.ends.len().saturating_sub(1));
                Outcome::Stay
            }
            _ => Outcome::Stay,
        }
    }

    /// Takes a click on a line in.
    pub fn click(&mut self, at: usize) -> Outcome {
        self.take(at)
    }

    /// What it shows.
    pub fn sheet(&self, app: &App, now: Now) -> Sheet {
        let mut sheet = Sheet::new("The next 90 days", app.stage.area.width.min(WIDEST));
        let horizon = Horizon::new(app, now, sheet.width.saturating_sub(4));
        sheet.head.push(Row::dim(horizon.summary()));
        if self.ends.is_empty() {
            sheet.body.push(Row::text("No credential has a known end. A check finds it out where the provider tells it."));
        } else {
            sheet.head.extend([Row::Blank, Row::drawing(horizon.histogram()), Row::drawing(horizon.axis())]);
        }
        let shown = window(self.cursor, self.ends.len());
        sheet.cursor = self.cursor - shown.start;
        sheet.body.extend(shown.filter_map(|at| {
            let credential = app.credentials.get(&self.ends[at])?;
            Some(Row::item_drawing(at, horizon.line(credential), at == self.cursor))
        }));
        sheet.foot = vec![Row::Blank, Row::dim("↑/↓ choose · Enter shows it in the list · Esc closes")];
        sheet
    }

    fn take(&self, at: usize) -> Outcome {
        self.ends.get(at).map_or(Outcome::Stay, |id| Outcome::Finish(Intent::Show(id.clone())))
    }
}
