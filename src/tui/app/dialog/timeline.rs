//! The line of time of all credentials that end.

use super::{DialogAction, DialogResult};
use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::CredentialId;
use crate::tui::app::credentials::moved_cursor;
use crate::tui::app::dialog_view::{DialogRow, DialogView, list_window};
use crate::tui::app::expiry_timeline::ExpiryTimeline;
use crate::tui::app::{App, Now};

/// How far a page key goes.
const PAGE_ROWS: usize = 10;
/// How wide the dialog is at most.
const MAX_COLUMNS: u16 = 130;

/// The dialog that shows what ends when.
pub struct TimelineDialog {
    credentials: Vec<CredentialId>,
    cursor: usize,
}

impl TimelineDialog {
    /// A line of time of what is known now.
    pub fn new(app: &App) -> Self {
        Self {
            credentials: app
                .credentials
                .by_expiry()
                .map(|credential| credential.id.clone())
                .collect(),
            cursor: 0,
        }
    }

    /// Takes a key in.
    pub fn handle_key(&mut self, key: KeyPress) -> DialogResult {
        match (key.code, super::picker::list_motion(key)) {
            (KeySymbol::Char('q'), _) => DialogResult::Close,
            (KeySymbol::Enter, _) => self.select(self.cursor),
            (_, Some(motion)) => {
                self.cursor = moved_cursor(
                    self.cursor,
                    motion,
                    PAGE_ROWS,
                    self.credentials.len().saturating_sub(1),
                );
                DialogResult::Stay
            }
            _ => DialogResult::Stay,
        }
    }

    /// Takes a click on a line in.
    pub fn handle_click(&mut self, at: usize) -> DialogResult {
        self.select(at)
    }

    /// What it shows.
    pub fn view(&self, app: &App, now: Now) -> DialogView {
        let mut sheet =
            DialogView::new("The next 90 days", app.ui_state.area.width.min(MAX_COLUMNS));
        let horizon = ExpiryTimeline::new(app, now, sheet.width.saturating_sub(4));
        sheet.head.push(DialogRow::dim(horizon.summary()));
        if self.credentials.is_empty() {
            sheet.body.push(DialogRow::text(
                "No credential has a known end. A check finds it out where the provider tells it.",
            ));
        } else {
            sheet.head.extend([
                DialogRow::Blank,
                DialogRow::spans(horizon.histogram()),
                DialogRow::spans(horizon.axis()),
            ]);
        }
        let shown = list_window(self.cursor, self.credentials.len());
        sheet.cursor = self.cursor - shown.start;
        sheet.body.extend(shown.filter_map(|at| {
            let credential = app.credentials.get(&self.credentials[at])?;
            Some(DialogRow::item_spans(at, horizon.credential_row(credential), at == self.cursor))
        }));
        sheet.foot = vec![
            DialogRow::Blank,
            DialogRow::dim("↑/↓ choose · Enter shows it in the list · Esc closes"),
        ];
        sheet
    }

    fn select(&self, at: usize) -> DialogResult {
        self.credentials.get(at).map_or(DialogResult::Stay, |id| {
            DialogResult::RunAndClose(DialogAction::SelectCredential(id.clone()))
        })
    }
}
