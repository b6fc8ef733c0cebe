//! Credential list: rows, filter, order, marks and selection.
//!
//! Which rows are visible, and their order, is computed only when the filter, the sort key or the
//! rows change; a new check result moves one row. So a list of 10,000 rows stays fast. The filter
//! syntax is in `filter_query.rs`. Start at [`CredentialList`].

use std::cell::Cell;
use std::cmp::{Ordering, Reverse};
use std::collections::{HashMap, HashSet};

use tui_input::Input;

use super::attention::{AttentionReason, CredentialAlerts};
use super::filter_query::{FilterQuery, FilterTermError, MatcherBuffer};
use super::row_index::RowIndex;
use crate::domain::credential::CheckReport;
use crate::domain::{Credential, CredentialId, CredentialStatus, Timestamp};
use crate::engine::background::protocol::CredentialPage;
use crate::tui::app::command::CursorMotion;
use crate::tui::app::widgets::{moved_cursor, scroll_offset};

/// The list of credentials.
pub struct CredentialList {
    rows: Vec<Credential>,
    /// Whether all credentials are loaded, or only the first page.
    all_rows_loaded: bool,
    by_id: RowIndex,
    by_fingerprint: RowIndex,
    /// Positions of the rows with a known expiry, the earliest first.
    by_expiry: Vec<usize>,
    /// Positions of all rows in sort order.
    order: Vec<usize>,
    /// Positions of the visible rows, in order.
    shown: Vec<usize>,
    /// Filter as it is typed.
    pub filter: ListFilter,
    /// Current sort key.
    pub sort: SortKey,
    marks: HashSet<CredentialId>,
    /// Index of the selected row among the visible rows.
    cursor: usize,
    /// First row that is drawn.
    top: usize,
    /// Number of credentials per status, if counted since the last change.
    status_counts: Cell<Option<StatusCounts>>,
    matcher_buffer: MatcherBuffer,
    /// What the screen knows about the credentials beyond their properties.
    alerts: HashMap<CredentialId, CredentialAlerts>,
}

/// Number of credentials per status, in the order of [`CredentialStatus::ALL`].
pub type StatusCounts = [usize; CredentialStatus::ALL.len()];

/// Filter of the list.
pub struct ListFilter {
    /// Text of the filter.
    pub input: Input,
    /// Whether the user is typing in it.
    pub typing: bool,
    query: FilterQuery,
}

/// Sort key of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// What needs attention first, then by name.
    #[default]
    Attention,
    /// By name.
    Name,
    /// By expiry, the earliest first.
    Expiry,
    /// By status, the most urgent first.
    Status,
    /// By region, then name.
    Region,
    /// By provider and kind, then name.
    Provider,
}

impl SortKey {
    const ALL: [Self; 6] =
        [Self::Attention, Self::Name, Self::Expiry, Self::Status, Self::Region, Self::Provider];

    /// Returns the word that the screen shows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::Name => "name",
            Self::Expiry => "expiry",
            Self::Status => "status",
            Self::Region => "region",
            Self::Provider => "provider",
        }
    }

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    fn compare(
        self,
        a: &Credential,
        b: &Credential,
        alerts: &HashMap<CredentialId, CredentialAlerts>,
        now: Timestamp,
    ) -> Ordering {
        let first = match self {
            Self::Attention => {
                let [a, b] = [a, b].map(|credential| attention_of(credential, alerts, now));
                compare_attention(a, b)
            }
            Self::Name => Ordering::Equal,
            Self::Expiry => {
                a.expires.is_none().cmp(&b.expires.is_none()).then(a.expires.cmp(&b.expires))
            }
            Self::Status => {
                let [a, b] =
                    [a, b].map(|credential| CredentialStatus::for_credential(credential, now));
                a.cmp(&b)
            }
            Self::Region => a.region.cmp(&b.region),
            Self::Provider => a.provider.cmp(&b.provider).then_with(|| a.kind.cmp(&b.kind)),
        };
        first.then_with(|| compare_names(a, b))
    }
}

/// Compares reasons; what needs no attention comes last.
fn compare_attention(a: Option<AttentionReason>, b: Option<AttentionReason>) -> Ordering {
    a.is_none().cmp(&b.is_none()).then(a.cmp(&b))
}

fn compare_names(a: &Credential, b: &Credential) -> Ordering {
    compare_ignoring_case(a.name.as_str(), b.name.as_str()).then_with(|| a.id.cmp(&b.id))
}

/// Returns why a credential needs attention.
fn attention_of(
    credential: &Credential,
    alerts: &HashMap<CredentialId, CredentialAlerts>,
    now: Timestamp,
) -> Option<AttentionReason> {
    let alerts = alerts.get(&credential.id).copied().unwrap_or_default();
    AttentionReason::for_credential(credential, alerts, now)
}

fn compare_ignoring_case(a: &str, b: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    a.bytes().map(lower).cmp(b.bytes().map(lower))
}

/// A row to draw.
pub struct CredentialRow<'a> {
    /// The credential.
    pub credential: &'a Credential,
    /// Whether the cursor is on it.
    pub selected: bool,
    /// Whether it is marked.
    pub marked: bool,
}

impl CredentialList {
    /// Creates a list of these credentials.
    pub fn new(rows: Vec<Credential>, now: Timestamp) -> Self {
        let filter =
            ListFilter { input: Input::default(), typing: false, query: FilterQuery::parse("") };
        let mut list = Self {
            rows: Vec::new(),
            all_rows_loaded: true,
            by_id: RowIndex::default(),
            by_fingerprint: RowIndex::default(),
            by_expiry: Vec::new(),
            order: Vec::new(),
            shown: Vec::new(),
            filter,
            sort: SortKey::default(),
            marks: HashSet::new(),
            cursor: 0,
            top: 0,
            status_counts: Cell::default(),
            matcher_buffer: MatcherBuffer::default(),
            alerts: HashMap::new(),
        };
        list.load(rows, now);
        list
    }

    /// Creates a list of the first page of credentials, which may be all of them.
    pub fn from_page(page: CredentialPage, now: Timestamp) -> Self {
        Self { all_rows_loaded: page.all_loaded, ..Self::new(page.credentials, now) }
    }

    /// Whether all credentials are loaded; if not, the others are being read.
    pub fn all_rows_loaded(&self) -> bool {
        self.all_rows_loaded
    }

    /// Returns all credentials, visible or not.
    pub fn all(&self) -> &[Credential] {
        &self.rows
    }

    /// Returns the number of credentials per status. Counted on demand and cached until something
    /// changes.
    pub fn status_counts(&self, now: Timestamp) -> StatusCounts {
        let count = || {
            let mut tally = StatusCounts::default();
            self.rows
                .iter()
                .for_each(|row| tally[CredentialStatus::for_credential(row, now) as usize] += 1);
            tally
        };
        let tally = self.status_counts.get().unwrap_or_else(count);
        self.status_counts.set(Some(tally));
        tally
    }

    /// Returns why a credential needs attention.
    pub fn attention(&self, credential: &Credential, now: Timestamp) -> Option<AttentionReason> {
        attention_of(credential, &self.alerts, now)
    }

    /// Sets what the screen knows about the credentials beyond their properties.
    pub fn set_alerts(&mut self, alerts: HashMap<CredentialId, CredentialAlerts>, now: Timestamp) {
        if alerts == self.alerts {
            return;
        }
        self.alerts = alerts;
        if self.sort == SortKey::Attention {
            self.sort_again(now);
        }
    }

    /// Moves the cursor to the next visible credential that needs attention, from the last to the
    /// first; returns whether there is one.
    pub fn select_next_attention(&mut self, now: Timestamp) -> bool {
        let count = self.shown.len();
        let next = (1..=count).map(|step| (self.cursor + step) % count).find(|at| {
            let credential = &self.rows[self.shown[*at]];
            self.attention(credential, now).is_some()
        });
        self.cursor = next.unwrap_or(self.cursor);
        next.is_some()
    }

    /// Returns the credentials with a known expiry, the earliest first.
    pub fn by_expiry(&self) -> impl ExactSizeIterator<Item = &Credential> {
        self.by_expiry.iter().map(|row| &self.rows[*row])
    }

    /// Counts the credentials at the start of the expiry order that satisfy `is_early`, which must
    /// be false for all later ones.
    pub fn count_expiring_while(&self, is_early: impl Fn(&Credential) -> bool) -> usize {
        self.by_expiry.partition_point(|row| is_early(&self.rows[*row]))
    }

    /// Number of rows that match the filter.
    pub fn visible_count(&self) -> usize {
        self.shown.len()
    }

    /// Index of the selected row among the rows that match the filter.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// The first row that is drawn.
    pub fn top(&self) -> usize {
        self.top
    }

    /// Returns the credential under the cursor.
    pub fn selected(&self) -> Option<&Credential> {
        self.shown.get(self.cursor).map(|row| &self.rows[*row])
    }

    /// Returns the credential at this index among those that match the filter.
    pub fn nth(&self, at: usize) -> Option<&Credential> {
        self.shown.get(at).map(|row| &self.rows[*row])
    }

    /// Whether a credential is marked.
    pub fn is_marked(&self, id: &CredentialId) -> bool {
        self.marks.contains(id)
    }

    /// Returns the credential with this ID.
    pub fn get(&self, id: &CredentialId) -> Option<&Credential> {
        self.position(id).map(|row| &self.rows[row])
    }

    /// Returns other credentials that hold the same secret.
    pub fn duplicates_of<'a>(
        &'a self,
        credential: &'a Credential,
    ) -> impl Iterator<Item = &'a Credential> {
        let print = credential.fingerprint.as_deref();
        let rows = print.into_iter().flat_map(|print| self.by_fingerprint.candidates(print));
        rows.map(|row| &self.rows[row])
            .filter(move |other| other.fingerprint.as_deref() == print && other.id != credential.id)
    }

    /// Returns the rows to draw in `lines` lines.
    pub fn visible_rows(&self, lines: usize) -> impl Iterator<Item = CredentialRow<'_>> {
        self.shown.iter().enumerate().skip(self.top).take(lines).map(|(at, row)| {
            let credential = &self.rows[*row];
            CredentialRow {
                credential,
                selected: at == self.cursor,
                marked: self.marks.contains(&credential.id),
            }
        })
    }

    /// Replaces all rows. The cursor stays on its credential, or at the top if the user has not
    /// moved it yet.
    pub fn load(&mut self, rows: Vec<Credential>, now: Timestamp) {
        let is_placed = self.all_rows_loaded || self.cursor > 0;
        let selected =
            self.selected().filter(|_| is_placed).map(|credential| credential.id.clone());
        (self.rows, self.all_rows_loaded) = (rows, true);
        self.status_counts.take();
        self.rebuild_indexes();
        self.sort_all(now);
        self.recompute_visible(now);
        self.select_id(selected.as_ref());
        let known: HashSet<_> = self.rows.iter().map(|row| &row.id).collect();
        self.marks.retain(|id| known.contains(id));
    }

    /// Adds or updates a credential.
    pub fn upsert(&mut self, credential: Credential, now: Timestamp) {
        let selected = self.selected().map(|credential| credential.id.clone());
        let row = self.position(&credential.id).unwrap_or(self.rows.len());
        if row == self.rows.len() {
            self.rows.push(credential);
        } else {
            self.rows[row] = credential;
        }
        self.status_counts.take();
        self.rebuild_indexes();
        self.reposition_row(row, now);
        self.select_id(selected.as_ref());
    }

    /// Removes a credential.
    pub fn remove(&mut self, id: &CredentialId, now: Timestamp) {
        if let Some(row) = self.position(id) {
            self.rows.remove(row);
            self.marks.remove(id);
            self.status_counts.take();
            self.rebuild_indexes();
            let cursor = self.cursor;
            self.sort_all(now);
            self.recompute_visible(now);
            self.cursor = cursor.min(self.shown.len().saturating_sub(1));
        }
    }

    /// Records the check result of a credential in its own region.
    pub fn record_check(&mut self, id: &CredentialId, check: CheckReport, now: Timestamp) {
        if let Some(row) = self.position(id) {
            let selected = self.selected().map(|credential| credential.id.clone());
            self.rows[row].last_check = Some(check);
            self.status_counts.take();
            self.reposition_row(row, now);
            self.select_id(selected.as_ref());
        }
    }

    /// Moves the cursor.
    pub fn move_cursor(&mut self, motion: CursorMotion, page: usize) {
        let last = self.shown.len().saturating_sub(1);
        self.cursor = moved_cursor(self.cursor, motion, page, last);
    }

    /// Moves the cursor to the row drawn at this line; returns whether there is one.
    pub fn select_line(&mut self, line: usize) -> bool {
        let row = self.top + line;
        let exists = row < self.shown.len();
        if exists {
            self.cursor = row;
        }
        exists
    }

    /// Moves the cursor to the credential with this ID, if it is visible.
    pub fn select_id(&mut self, id: Option<&CredentialId>) {
        let row = id.and_then(|id| self.position(id));
        let at = row.and_then(|row| self.shown.iter().position(|shown| *shown == row));
        self.cursor = at.unwrap_or(self.cursor).min(self.shown.len().saturating_sub(1));
    }

    /// Scrolls so that the cursor is visible in `lines` lines.
    pub fn scroll_to_cursor(&mut self, lines: usize) {
        self.top = scroll_offset(self.top, self.cursor, lines, self.shown.len());
    }

    /// Marks or unmarks the row under the cursor and moves to the next row.
    pub fn toggle_mark(&mut self) {
        if let Some(id) = self.selected().map(|credential| credential.id.clone()) {
            if !self.marks.remove(&id) {
                self.marks.insert(id);
            }
            self.move_cursor(CursorMotion::Down, 1);
        }
    }

    /// Marks all visible rows, or clears the marks if all are marked.
    pub fn toggle_all_marks(&mut self) {
        let shown: Vec<_> = self.shown.iter().map(|row| self.rows[*row].id.clone()).collect();
        if shown.iter().all(|id| self.marks.contains(id)) {
            self.marks.clear();
        } else {
            self.marks.extend(shown);
        }
    }

    /// Number of marked rows.
    pub fn mark_count(&self) -> usize {
        self.marks.len()
    }

    /// Returns the marked credentials in list order, or the selected one if none is marked.
    pub fn marked_or_selected(&self) -> Vec<CredentialId> {
        if self.marks.is_empty() {
            return self.selected().map(|credential| credential.id.clone()).into_iter().collect();
        }
        self.rows.iter().map(|row| &row.id).filter(|id| self.marks.contains(*id)).cloned().collect()
    }

    /// Clears the marks, or the filter if there are no marks.
    pub fn clear_marks_or_filter(&mut self, now: Timestamp) {
        if self.marks.is_empty() {
            self.clear_filter(now);
        } else {
            self.marks.clear();
        }
    }

    /// Clears the filter; the cursor stays on its credential.
    pub fn clear_filter(&mut self, now: Timestamp) {
        self.filter.input.reset();
        self.filter.typing = false;
        self.apply_filter(now);
    }

    /// Whether the filter matches every credential.
    pub fn filter_is_empty(&self) -> bool {
        self.filter.query.is_empty()
    }

    /// Returns what is wrong with the filter, if it has a mistyped term.
    pub fn filter_term_error(&self) -> Option<&FilterTermError> {
        self.filter.query.mistake()
    }

    /// Applies the filter as it is typed now.
    pub fn apply_filter(&mut self, now: Timestamp) {
        let selected = self.selected().map(|credential| credential.id.clone());
        let query = FilterQuery::parse(self.filter.input.value());
        let narrows = query.narrows(&self.filter.query);
        self.filter.query = query;
        if narrows {
            self.narrow_visible(now);
        } else {
            self.recompute_visible(now);
        }
        if self.filter.query.ranks_matches() {
            self.cursor = 0;
        } else {
            self.select_id(selected.as_ref());
        }
    }

    /// Sorts by the next sort key.
    pub fn sort_by_next_key(&mut self, now: Timestamp) {
        self.sort = self.sort.next();
        self.sort_again(now);
    }

    /// Sorts all rows; the cursor stays on its credential.
    fn sort_again(&mut self, now: Timestamp) {
        let selected = self.selected().map(|credential| credential.id.clone());
        self.sort_all(now);
        self.recompute_visible(now);
        self.select_id(selected.as_ref());
    }

    fn position(&self, id: &CredentialId) -> Option<usize> {
        self.by_id.candidates(id.as_str()).find(|row| self.rows[*row].id == *id)
    }

    fn rebuild_indexes(&mut self) {
        self.by_id = RowIndex::new(self.rows.iter().map(|row| Some(row.id.as_str())));
        self.by_fingerprint = RowIndex::new(self.rows.iter().map(|row| row.fingerprint.as_deref()));
        let Self { rows, by_expiry: ends, .. } = self;
        *ends = (0..rows.len()).filter(|row| rows[*row].expires.is_some()).collect();
        ends.sort_unstable_by_key(|row| (rows[*row].expires, rows[*row].name.as_str(), *row));
    }

    fn sort_all(&mut self, now: Timestamp) {
        let Self { rows, order, sort, alerts, .. } = self;
        *order = (0..rows.len()).collect();
        if *sort == SortKey::Attention {
            // Worked out once per row, not in every comparison.
            let reasons: Vec<_> = rows.iter().map(|row| attention_of(row, alerts, now)).collect();
            order.sort_by(|a, b| {
                compare_attention(reasons[*a], reasons[*b])
                    .then_with(|| compare_names(&rows[*a], &rows[*b]))
            });
        } else {
            order.sort_by(|a, b| sort.compare(&rows[*a], &rows[*b], alerts, now));
        }
    }

    /// Recomputes which rows are visible.
    fn recompute_visible(&mut self, now: Timestamp) {
        self.shown.clone_from(&self.order);
        self.narrow_visible(now);
    }

    /// Filters the visible rows further; better matches come first, equal ones stay in order.
    fn narrow_visible(&mut self, now: Timestamp) {
        let Self { rows, order, shown, filter, matcher_buffer: scratch, .. } = self;
        let mut was_shown = vec![false; rows.len()];
        for row in &*shown {
            was_shown[*row] = true;
        }
        let score = |row: &usize| {
            filter.query.score(&rows[*row], now, scratch).map(|score| (Reverse(score), *row))
        };
        let mut scored: Vec<_> =
            order.iter().filter(|row| was_shown[**row]).filter_map(score).collect();
        if filter.query.ranks_matches() {
            scored.sort_by_key(|(score, _)| *score);
        }
        *shown = scored.into_iter().map(|(_, row)| row).collect();
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
    }

    /// Moves one row to its position in the order and leaves the others as they are.
    fn reposition_row(&mut self, row: usize, now: Timestamp) {
        let Self { rows, order, shown, filter, sort, alerts, matcher_buffer: scratch, .. } = self;
        let before =
            |other: &usize| sort.compare(&rows[*other], &rows[row], alerts, now) == Ordering::Less;
        order.retain(|other| *other != row);
        order.insert(order.partition_point(before), row);
        if filter.query.ranks_matches() {
            return self.recompute_visible(now);
        }
        shown.retain(|other| *other != row);
        if filter.query.score(&rows[row], now, scratch).is_some() {
            shown.insert(shown.partition_point(before), row);
        }
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests;
