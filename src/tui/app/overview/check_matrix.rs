//! Dialog with the check results of every credential in every region of its provider.
//!
//! The rows are built once, in [`CheckMatrixDialog::new`]; the results of the index arrive later
//! through `load_checks`, new ones through `record_check`. Start reading at
//! [`Dialog::view`].

use std::collections::HashMap;

use crate::config::KeyPress;
use crate::config::key::KeySymbol;
use crate::config::theme::{GlyphSet, StyleRole};
use crate::domain::credential::CheckReport;
use crate::domain::region::Region;
use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialId};
use crate::engine::background::protocol::RegionCheckResult;
use crate::tui::app::dialogs::{Dialog, DialogResult, picker};
use crate::tui::app::overview::timeline_dialog::select_in_list;
use crate::tui::app::widgets::chart::{StyledSpans, fit_text};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, list_window};
use crate::tui::app::widgets::moved_cursor;
use crate::tui::app::{App, Now, display_format};

/// Rows that a page key moves.
const PAGE_ROWS: usize = 10;
/// Columns of a cell.
const CELL_COLUMNS: usize = 8;
/// Maximum columns of a name.
const MAX_NAME_COLUMNS: usize = 28;

/// Dialog that shows the check matrix.
pub struct CheckMatrixDialog {
    lines: Vec<MatrixLine>,
    cursor: usize,
    checks: HashMap<CredentialId, Vec<RegionCheckResult>>,
}

/// Line of the matrix.
enum MatrixLine {
    /// The regions of a provider, above its credentials.
    Regions(String),
    /// A credential.
    Credential(CredentialId),
}

impl CheckMatrixDialog {
    /// Creates the matrix of all credentials; the check results arrive later.
    pub fn new(app: &App) -> Self {
        let mut lines = Vec::new();
        for provider in app.catalog.providers() {
            let mut own: Vec<_> = app
                .credentials
                .all()
                .iter()
                .filter(|known| known.provider == provider.id)
                .collect();
            own.sort_by_key(|credential| credential.name.as_str());
            if !own.is_empty() {
                lines.push(MatrixLine::Regions(provider.id.clone()));
                lines.extend(
                    own.into_iter().map(|credential| MatrixLine::Credential(credential.id.clone())),
                );
            }
        }
        let mut matrix = Self { lines, cursor: 0, checks: HashMap::new() };
        matrix.cursor = matrix.next_credential_line(0);
        matrix
    }

    /// Records the check results of the index.
    pub fn load_checks(&mut self, checks: Vec<(CredentialId, RegionCheckResult)>) {
        for (id, found) in checks {
            self.record_check(&id, found);
        }
    }

    /// Records a check result.
    pub fn record_check(&mut self, id: &CredentialId, found: RegionCheckResult) {
        let checks = self.checks.entry(id.clone()).or_default();
        checks.retain(|known| known.region != found.region);
        checks.push(found);
    }

    /// Returns the legend.
    fn legend_row(app: &App) -> DialogRow {
        let glyphs = app.preferences.symbols;
        let pieces = [
            CheckResult::Accepted,
            CheckResult::Refused,
            CheckResult::Unknown,
            CheckResult::Unchecked,
        ]
        .map(|result| {
            let (role, sign) = display_format::check_style(result, glyphs);
            (role, format!("{sign} {}   ", result.label()))
        });
        DialogRow::spans(pieces.into())
    }

    fn line_row(&self, app: &App, at: usize, name: usize) -> DialogRow {
        let glyphs = app.preferences.symbols;
        let places = |provider: &str| app.catalog.regions(provider).unwrap_or_default();
        match &self.lines[at] {
            MatrixLine::Regions(provider) => {
                let title = app
                    .catalog
                    .provider(provider)
                    .map_or(provider.as_str(), |known| known.title.as_str());
                let titles = places(provider).iter().map(|region| {
                    let short = display_format::short_region(&region.id, provider);
                    (StyleRole::Key, fit_text(short, CELL_COLUMNS - 1, glyphs.ellipsis) + " ")
                });
                DialogRow::spans(
                    std::iter::once((StyleRole::Title, fit_text(title, name, glyphs.ellipsis)))
                        .chain(titles)
                        .collect(),
                )
            }
            MatrixLine::Credential(id) => {
                let Some(credential) = app.credentials.get(id) else { return DialogRow::Blank };
                let called =
                    fit_text(&format!("  {}", app.display_name(credential)), name, glyphs.ellipsis);
                let cells = places(&credential.provider)
                    .iter()
                    .flat_map(|region| self.cell_spans(credential, region, glyphs));
                let pieces = std::iter::once((StyleRole::Text, called)).chain(cells).collect();
                DialogRow::item_spans(at, pieces, at == self.cursor)
            }
        }
    }

    /// Returns a cell: the symbol of the check result, the latency, and a pointer at the
    /// credential's own region.
    fn cell_spans(
        &self,
        credential: &Credential,
        region: &Region,
        glyphs: &GlyphSet,
    ) -> StyledSpans {
        let check = self.latest_check(credential, &region.id);
        let (role, sign) = display_format::check_style(
            check.map_or(CheckResult::Unchecked, |check| check.result),
            glyphs,
        );
        let ms = check.and_then(|check| check.latency_ms);
        let own = if credential.region == region.id { glyphs.pointer } else { " " };
        let number = ms
            .map(|ms| if ms > 999 { format!("{}s", ms / 1_000) } else { ms.to_string() })
            .unwrap_or_default();
        vec![
            (StyleRole::Accent, own.to_owned()),
            (role, format!("{sign} ")),
            (StyleRole::Dim, format!("{number:<5}")),
        ]
    }

    /// Returns the latest check: from the index, or for the credential's own region from the list,
    /// if that one is newer.
    fn latest_check<'a>(
        &'a self,
        credential: &'a Credential,
        region: &str,
    ) -> Option<&'a CheckReport> {
        let known = self
            .checks
            .get(&credential.id)
            .and_then(|checks| checks.iter().find(|known| known.region == region));
        let last = credential.last_check.as_ref().filter(|_| credential.region == region);
        known.map(|known| &known.check).into_iter().chain(last).max_by_key(|check| check.checked_at)
    }

    fn select(&self, at: usize) -> DialogResult {
        match self.lines.get(at) {
            Some(MatrixLine::Credential(id)) => {
                DialogResult::RunAndClose(select_in_list(id.clone()))
            }
            _ => DialogResult::Stay,
        }
    }

    fn next_credential_line(&self, at: usize) -> usize {
        let found = self
            .lines
            .iter()
            .enumerate()
            .skip(at)
            .find(|(_, line)| matches!(line, MatrixLine::Credential(_)));
        found.map_or(self.cursor.min(self.lines.len().saturating_sub(1)), |(at, _)| at)
    }

    fn previous_credential_line(&self, at: usize) -> Option<usize> {
        self.lines[..at].iter().rposition(|line| matches!(line, MatrixLine::Credential(_)))
    }
}

impl Dialog for CheckMatrixDialog {
    fn handle_key(&mut self, key: KeyPress, _app: &App, _now: Now) -> DialogResult {
        match (key.code, picker::list_motion(key)) {
            (KeySymbol::Char('q'), _) => return DialogResult::Close,
            (KeySymbol::Enter, _) => return self.select(self.cursor),
            (_, Some(motion)) => {
                let to = moved_cursor(
                    self.cursor,
                    motion,
                    PAGE_ROWS,
                    self.lines.len().saturating_sub(1),
                );
                let is_credential = matches!(self.lines.get(to), Some(MatrixLine::Credential(_)));
                self.cursor = match (is_credential, to < self.cursor) {
                    (true, _) => to,
                    (false, true) => self.previous_credential_line(to).unwrap_or(self.cursor),
                    (false, false) => self.next_credential_line(to),
                };
            }
            _ => {}
        }
        DialogResult::Stay
    }

    fn handle_click(&mut self, at: usize, _app: &App, _now: Now) -> DialogResult {
        self.select(at)
    }

    fn view(&self, app: &App, _now: Now) -> DialogView {
        let most = app
            .catalog
            .providers()
            .map(|provider| app.catalog.regions(&provider.id).unwrap_or_default().len());
        let cells = most.max().unwrap_or(1) * CELL_COLUMNS;
        let room = usize::from(app.ui_state.area.width.saturating_sub(4));
        let name = room.saturating_sub(cells).clamp(12, MAX_NAME_COLUMNS);
        let width = u16::try_from(name + cells + 4).unwrap_or(u16::MAX);
        let mut view = DialogView::new("Check results", width.min(app.ui_state.area.width));
        view.head = vec![Self::legend_row(app), DialogRow::Blank];
        let shown = list_window(self.cursor, self.lines.len());
        view.cursor = self.cursor - shown.start;
        view.body = shown.map(|at| self.line_row(app, at, name)).collect();
        if view.body.is_empty() {
            view.body.push(DialogRow::text("No credentials yet."));
        }
        view.foot =
            vec![DialogRow::Blank, DialogRow::dim("↑/↓ select · Enter show in list · Esc close")];
        view
    }
}
