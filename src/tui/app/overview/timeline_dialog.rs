//! Dialog with the expiry timeline of all credentials.
//!
//! The chart itself is in `expiry_timeline`, which the large screen shares.

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::domain::CredentialId;
use crate::tui::app::dialogs::{
    Dialog, DialogAction, DialogAnswer, DialogQuestion, DialogResult, ListQuestion, QuestionOption,
    picker,
};
use crate::tui::app::overview::expiry_timeline::ExpiryTimeline;
use crate::tui::app::widgets::chart::StyledSpans;
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, list_window};
use crate::tui::app::widgets::moved_cursor;
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

    fn select(&self, at: usize) -> DialogResult {
        self.credentials
            .get(at)
            .map_or(DialogResult::Stay, |id| DialogResult::RunAndClose(select_in_list(id.clone())))
    }

    /// Returns the columns of the dialog.
    fn columns(app: &App) -> u16 {
        app.ui_state.area.width.min(MAX_COLUMNS)
    }

    /// Returns the rows around the cursor, each with its index.
    fn rows(&self, app: &App, timeline: &ExpiryTimeline<'_>) -> Vec<DialogRow> {
        let row = |at: usize| {
            let credential = app.credentials.get(&self.credentials[at])?;
            Some(DialogRow::item_spans(at, timeline.credential_row(credential), at == self.cursor))
        };
        list_window(self.cursor, self.credentials.len()).filter_map(row).collect()
    }
}

impl Dialog for TimelineDialog {
    fn handle_key(&mut self, key: KeyPress, _app: &App, _now: Now) -> DialogResult {
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

    fn handle_click(&mut self, at: usize, _app: &App, _now: Now) -> DialogResult {
        self.select(at)
    }

    fn next_question(&self, app: &App, now: Now) -> DialogQuestion {
        let timeline = ExpiryTimeline::new(app, now, Self::columns(app).saturating_sub(4));
        let items = list_window(self.cursor, self.credentials.len()).filter_map(|at| {
            let credential = app.credentials.get(&self.credentials[at])?;
            Some(QuestionOption::new(at, plain_text(&timeline.credential_row(credential))))
        });
        ListQuestion { items: items.collect(), ..ListQuestion::default() }.or_read_only()
    }

    fn answer(&mut self, answer: DialogAnswer<'_>, app: &App, now: Now) -> DialogResult {
        match answer {
            DialogAnswer::Select(at) => self.handle_click(at, app, now),
            _ => DialogResult::Stay,
        }
    }

    fn view(&self, app: &App, now: Now) -> DialogView {
        let mut view = DialogView::new("Expiry timeline", Self::columns(app));
        let timeline = ExpiryTimeline::new(app, now, view.width.saturating_sub(4));
        view.head.push(DialogRow::dim(timeline.summary()));
        if self.credentials.is_empty() {
            view.body.push(DialogRow::text(
                "No credential has a known expiry. A check finds it if the provider reports it.",
            ));
        } else {
            view.head.extend([DialogRow::Blank, DialogRow::spans(timeline.axis())]);
        }
        let shown = list_window(self.cursor, self.credentials.len());
        view.cursor = self.cursor - shown.start;
        view.body.extend(self.rows(app, &timeline));
        view.foot =
            vec![DialogRow::Blank, DialogRow::dim("↑/↓ select · Enter show in list · Esc close")];
        view
    }
}

/// Selects a credential in the list.
pub fn select_in_list(id: CredentialId) -> DialogAction {
    DialogAction::update(move |app, now| app.select_in_list(&id, now))
}

/// Returns the pieces of a row that say something, without symbols and charts.
fn plain_text(pieces: &StyledSpans) -> String {
    let says = |text: &&str| text.contains(char::is_alphanumeric);
    pieces.iter().map(|(_, text)| text.trim()).filter(says).collect::<Vec<_>>().join(", ")
}
