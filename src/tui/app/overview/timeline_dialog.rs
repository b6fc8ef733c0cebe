//! Dialog with the expiry timeline of all credentials.
//!
//! The chart itself is in `expiry_timeline`, which the large screen shares.

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::CredentialId;
use crate::tui::app::credentials::list::moved_cursor;
use crate::tui::app::dialogs::picker;
use crate::tui::app::dialogs::{DialogAction, DialogResult};
use crate::tui::app::overview::expiry_timeline::ExpiryTimeline;
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, list_window};
use crate::tui::app::{App, Now};

/// Rows that a page key moves.
const PAGE_ROWS: usize = 10;
/// Maximum columns of the dialog.
const MAX_COLUMNS: u16 = 130;

/// Dialog that shows which credentials expire when.
pub struct TimelineDialog {
    credentials: Vec<CredentialId>,
    cursor: usize,
}

impl TimelineDialog {
    /// Creates the timeline of the current credentials.
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

    /// Handles a key.
    pub fn handle_key(&mut self, key: KeyPress) -> DialogResult {
        match (key.code, picker::list_motion(key)) {
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

    /// Handles a click on a line.
    pub fn handle_click(&mut self, at: usize) -> DialogResult {
        self.select(at)
    }

    /// Builds the view of the dialog.
    pub fn view(&self, app: &App, now: Now) -> DialogView {
        let mut view = DialogView::new("Expiry timeline", app.ui_state.area.width.min(MAX_COLUMNS));
        let timeline = ExpiryTimeline::new(app, now, view.width.saturating_sub(4));
        view.head.push(DialogRow::dim(timeline.summary()));
        if self.credentials.is_empty() {
            view.body.push(DialogRow::text(
                "No credential has a known expiry. A check finds it if the provider reports it.",
            ));
        } else {
            view.head.extend([
                DialogRow::Blank,
                DialogRow::spans(timeline.histogram()),
                DialogRow::spans(timeline.axis()),
            ]);
        }
        let shown = list_window(self.cursor, self.credentials.len());
        view.cursor = self.cursor - shown.start;
        view.body.extend(shown.filter_map(|at| {
            let credential = app.credentials.get(&self.credentials[at])?;
            Some(DialogRow::item_spans(at, timeline.credential_row(credential), at == self.cursor))
        }));
        view.foot =
            vec![DialogRow::Blank, DialogRow::dim("↑/↓ select · Enter show in list · Esc close")];
        view
    }

    fn select(&self, at: usize) -> DialogResult {
        self.credentials.get(at).map_or(DialogResult::Stay, |id| {
            DialogResult::RunAndClose(DialogAction::SelectCredential(id.clone()))
        })
    }
}
