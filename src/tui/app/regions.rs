//! The regions of the selected credential's provider, with what is known about the credential in each.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::command::CursorMotion;
use super::credentials::{moved_cursor, scroll_offset};
use crate::domain::credential::CheckReport;
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::Region;
use crate::domain::{Credential, CredentialId};
use crate::engine::task_protocol::{RegionCheckResult, TaskId};

/// So many answers of a region are remembered.
pub const MAX_LATENCY_SAMPLES: usize = 12;
/// How long the cursor rests on a credential before its verdicts are read: nobody looks at those that fly by.
const CHECK_LOAD_DELAY: Duration = Duration::from_millis(50);

/// The regions pane.
#[derive(Default)]
pub struct RegionsPane {
    /// Whose verdicts these are.
    shown_credential: Option<CredentialId>,
    checks: Vec<RegionCheckResult>,
    load_state: LoadState,
    cursor: usize,
    top: usize,
    /// How long each region took to answer in this run, the oldest first.
    latencies: BTreeMap<String, VecDeque<u64>>,
}

/// How far the reading of the verdicts is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum LoadState {
    /// It begins at this moment.
    Due(Instant),
    /// This task reads.
    Running(TaskId),
    /// All is read.
    #[default]
    Done,
}

/// A region as it is shown.
pub struct RegionRow<'a> {
    /// The region.
    pub region: &'a Region,
    /// Whether the credential is of this region.
    pub current: bool,
    /// Whether the cursor is on it.
    pub selected: bool,
    /// The last verdict on the credential there.
    pub check: Option<&'a CheckReport>,
}

/// All regions that a credential of this provider may have.
pub fn provider_regions<'a>(catalogue: &'a ProviderCatalog, provider: &str) -> &'a [Region] {
    catalogue.regions(provider).unwrap_or_default()
}

impl RegionsPane {
    /// Turns to another credential: the cursor goes to its own region, and its verdicts are to be read; at once if
    /// nothing was shown before.
    pub fn show_credential(
        &mut self,
        credential: &Credential,
        catalogue: &ProviderCatalog,
        now: Instant,
    ) {
        let own = provider_regions(catalogue, &credential.provider)
            .iter()
            .position(|region| region.id == credential.region);
        let due = if self.shown_credential.is_some() { now + CHECK_LOAD_DELAY } else { now };
        let (cursor, of) = (own.unwrap_or(0), Some(credential.id.clone()));
        let traces = std::mem::take(&mut self.latencies);
        *self = Self {
            shown_credential: of,
            checks: Vec::new(),
            load_state: LoadState::Due(due),
            cursor,
            top: 0,
            latencies: traces,
        };
    }

    /// When the verdicts are to be read.
    pub fn load_due_at(&self) -> Option<Instant> {
        match self.load_state {
            LoadState::Due(moment) => Some(moment),
            LoadState::Running(_) | LoadState::Done => None,
        }
    }

    /// This task reads the verdicts.
    pub fn set_loading(&mut self, task: TaskId) {
        self.load_state = LoadState::Running(task);
    }

    /// Whose regions are shown.
    pub fn shown_credential(&self) -> Option<&CredentialId> {
        self.shown_credential.as_ref()
    }

    /// Forgets everything, since nothing is selected.
    pub fn clear(&mut self) {
        *self = Self { latencies: std::mem::take(&mut self.latencies), ..Self::default() };
    }

    /// The verdicts have been read.
    pub fn set_checks(&mut self, task: TaskId, checks: Vec<RegionCheckResult>) {
        if self.load_state == LoadState::Running(task) {
            self.checks = checks;
            self.load_state = LoadState::Done;
        }
    }

    /// A verdict has come in.
    pub fn record_check(&mut self, id: &CredentialId, region: &str, check: &CheckReport) {
        if let Some(ms) = check.latency_ms {
            let trace = self.latencies.entry(region.to_owned()).or_default();
            trace.push_back(ms.max(1));
            trace.drain(..trace.len().saturating_sub(MAX_LATENCY_SAMPLES));
        }
        if self.shown_credential.as_ref() == Some(id) {
            self.checks.retain(|known| known.region != region);
            self.checks.push(RegionCheckResult { region: region.to_owned(), check: check.clone() });
        }
    }

    /// How long a region took to answer in this run, the oldest first.
    pub fn latencies_of(&self, region: &str) -> Vec<u64> {
        self.latencies.get(region).into_iter().flatten().copied().collect()
    }

    /// The last verdict in a region.
    pub fn check_in(&self, region: &str) -> Option<&CheckReport> {
        self.checks.iter().find(|known| known.region == region).map(|known| &known.check)
    }

    /// The region in which the credential is known to be accepted, if it is another one than `region`.
    pub fn accepted_elsewhere(&self, region: &str) -> Option<&str> {
        use crate::domain::response::CheckResult;
        let accepted = |known: &&RegionCheckResult| known.check.result == CheckResult::Accepted;
        let home = self.checks.iter().find(accepted).map(|known| known.region.as_str())?;
        let tried =
            self.check_in(region).is_some_and(|check| check.result == CheckResult::Accepted);
        (home != region && !tried).then_some(home)
    }

    /// The regions that are drawn in so many lines.
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

    /// The place of the cursor.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Moves the cursor.
    pub fn move_cursor(&mut self, motion: CursorMotion, page: usize, count: usize) {
        self.cursor = moved_cursor(self.cursor, motion, page, count.saturating_sub(1));
    }

    /// Puts the cursor on the region that is drawn at this line; whether there is one.
    pub fn select_line(&mut self, line: usize, count: usize) -> bool {
        let exists = self.top + line < count;
        if exists {
            self.cursor = self.top + line;
        }
        exists
    }

    /// Scrolls so that the cursor is among the lines that are drawn.
    pub fn scroll_to_cursor(&mut self, lines: usize, count: usize) {
        self.cursor = self.cursor.min(count.saturating_sub(1));
        self.top = scroll_offset(self.top, self.cursor, lines, count);
    }
}
