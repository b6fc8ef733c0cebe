//! Regions pane: the regions of the selected credential's provider, with the check result and
//! latency in each.
//!
//! Switching and testing regions is in `commands.rs`. Start at [`RegionsPane::show_credential`].

use std::time::{Duration, Instant};

use crate::domain::credential::CheckReport;
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::Region;
use crate::domain::{Credential, CredentialId};
use crate::engine::background::protocol::{RegionCheckResult, TaskId};
use crate::tui::app::command::CursorMotion;
use crate::tui::app::widgets::list_cursor::{moved_cursor, scroll_offset};

/// How long the cursor must stay on a credential before its check results are loaded, so that
/// scrolling past does not load them.
const CHECK_LOAD_DELAY: Duration = Duration::from_millis(50);

/// State of the regions pane.
#[derive(Default)]
pub struct RegionsPane {
    /// Credential whose check results are shown.
    shown_credential: Option<CredentialId>,
    checks: Vec<RegionCheckResult>,
    load_state: LoadState,
    cursor: usize,
    top: usize,
}

/// State of the loading of check results.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum LoadState {
    /// Starts at this moment.
    Due(Instant),
    /// This task loads.
    Running(TaskId),
    /// Everything is loaded.
    #[default]
    Done,
}

/// Region as it is shown.
pub struct RegionRow<'a> {
    /// Region.
    pub region: &'a Region,
    /// Whether it is the credential's region.
    pub current: bool,
    /// Whether the cursor is on it.
    pub selected: bool,
    /// Latest check result of the credential in this region.
    pub check: Option<&'a CheckReport>,
}

impl RegionsPane {
    /// Shows another credential: the cursor moves to its region, and its check results are loaded;
    /// at once if nothing was shown before.
    pub fn show_credential(
        &mut self,
        credential: &Credential,
        catalog: &ProviderCatalog,
        now: Instant,
    ) {
        let own = catalog
            .regions(&credential.provider)
            .unwrap_or_default()
            .iter()
            .position(|region| region.id == credential.region);
        let due = if self.shown_credential.is_some() { now + CHECK_LOAD_DELAY } else { now };
        let (cursor, of) = (own.unwrap_or(0), Some(credential.id.clone()));
        *self = Self {
            shown_credential: of,
            checks: Vec::new(),
            load_state: LoadState::Due(due),
            cursor,
            top: 0,
        };
    }

    /// Follows a change of the credential, if it is shown: its own check result at once, all others
    /// when they are loaded again. Results of another secret are dropped.
    pub fn follow_credential(
        &mut self,
        before: Option<&Credential>,
        after: &Credential,
        now: Instant,
    ) {
        if self.shown_credential.as_ref() != Some(&after.id) {
            return;
        }
        let is_same_secret = before.is_some_and(|before| before.fingerprint == after.fingerprint);
        self.checks.retain(|known| is_same_secret && known.region != after.region);
        self.checks.extend(
            after
                .last_check
                .clone()
                .map(|check| RegionCheckResult { region: after.region.clone(), check }),
        );
        self.load_state = LoadState::Due(now);
    }

    /// When the check results are to be loaded.
    pub fn load_due_at(&self) -> Option<Instant> {
        match self.load_state {
            LoadState::Due(moment) => Some(moment),
            LoadState::Running(_) | LoadState::Done => None,
        }
    }

    /// Records the task that loads the check results.
    pub fn set_loading(&mut self, task: TaskId) {
        self.load_state = LoadState::Running(task);
    }

    /// Returns the credential whose regions are shown.
    pub fn shown_credential(&self) -> Option<&CredentialId> {
        self.shown_credential.as_ref()
    }

    /// Clears the pane, because no credential is selected.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Sets the loaded check results.
    pub fn set_checks(&mut self, task: TaskId, checks: Vec<RegionCheckResult>) {
        if self.load_state == LoadState::Running(task) {
            self.checks = checks;
            self.load_state = LoadState::Done;
        }
    }

    /// Records a new check result.
    pub fn record_check(&mut self, id: &CredentialId, region: &str, check: &CheckReport) {
        if self.shown_credential.as_ref() == Some(id) {
            self.checks.retain(|known| known.region != region);
            self.checks.push(RegionCheckResult { region: region.to_owned(), check: check.clone() });
        }
    }

    /// Returns the latest check result in a region.
    pub fn check_in(&self, region: &str) -> Option<&CheckReport> {
        self.checks.iter().find(|known| known.region == region).map(|known| &known.check)
    }

    /// Returns a region other than `region` in which the credential is known to be accepted.
    pub fn accepted_elsewhere(&self, region: &str) -> Option<&str> {
        use crate::domain::response::CheckResult;
        let accepted = |known: &&RegionCheckResult| known.check.result == CheckResult::Accepted;
        let home = self.checks.iter().find(accepted).map(|known| known.region.as_str())?;
        let tried =
            self.check_in(region).is_some_and(|check| check.result == CheckResult::Accepted);
        (home != region && !tried).then_some(home)
    }

    /// Returns the regions to draw in `lines` lines.
    pub fn visible_rows<'a>(
        &'a self,
        all: &'a [Region],
        credential: &'a Credential,
        lines: usize,
    ) -> impl Iterator<Item = RegionRow<'a>> {
        all.iter().enumerate().skip(self.top).take(lines).map(|(at, region)| RegionRow {
            region,
            current: region.id == credential.region,
            selected: at == self.cursor,
            check: self.check_in(&region.id),
        })
    }

    /// Index of the region under the cursor.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Moves the cursor.
    pub fn move_cursor(&mut self, motion: CursorMotion, page: usize, count: usize) {
        self.cursor = moved_cursor(self.cursor, motion, page, count.saturating_sub(1));
    }

    /// Moves the cursor to the region drawn at this line; returns whether there is one.
    pub fn select_line(&mut self, line: usize, count: usize) -> bool {
        let exists = self.top + line < count;
        if exists {
            self.cursor = self.top + line;
        }
        exists
    }

    /// Scrolls so that the cursor is visible in `lines` lines.
    pub fn scroll_to_cursor(&mut self, lines: usize, count: usize) {
        self.cursor = self.cursor.min(count.saturating_sub(1));
        self.top = scroll_offset(self.top, self.cursor, lines, count);
    }
}
