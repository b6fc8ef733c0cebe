//! Regions pane: the regions of the selected credential's provider, with the check result and
//! latency in each.
//!
//! Switching and testing regions is in `commands.rs`. Start at [`RegionsPane::show_credential`].
//!
//! List of the regions to choose from: ID, title, host and check result in columns.
//!
//! Start at `open_region_picker`; switching is in `commands.rs`.
//!
//! Result of a test of a credential in all regions, and the offer to switch to the region that
//! accepted it.
//!
//! Start at [`RunningProbe`].

use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthStr as _;

use crate::config::theme::StyleRole;
use crate::domain::credential::CheckReport;
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::Region;
use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialId};
use crate::engine::background::protocol::{BackgroundTask, RegionCheckResult, TaskId};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::CursorMotion;
use crate::tui::app::dialogs::{
    ConfirmDialog, DialogAction, PICKER_COLUMNS, PickerDialog, PickerItem,
};
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::widgets::form::FormButton;
use crate::tui::app::widgets::{chart, moved_cursor, scroll_offset};
use crate::tui::app::{App, Now, UiEffect, display_format};

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

/// Columns that a title needs to be understood; it is left out where there is less room.
const MIN_TITLE_COLUMNS: usize = 8;

/// Opens the list of regions. After a refusal, the cursor is on the region that accepted the
/// credential, which is what the user looks for.
pub(in crate::tui::app) fn open_region_picker(app: &mut App) {
    let Some(credential) = app.selected() else { return };
    let all = app.catalog.regions(&credential.provider).unwrap_or_default();
    let result_in =
        |id: &str| app.regions.check_in(id).map_or(CheckResult::Unchecked, |check| check.result);
    let symbols = app.preferences.symbols;
    let hosts: Vec<_> =
        all.iter().map(|region| display_format::region_host(region, &app.catalog)).collect();
    let titles = title_columns(app, all, &hosts);
    let items = all.iter().zip(&hosts).map(|(region, host)| {
        let result = result_in(&region.id);
        let (right_role, sign) = display_format::check_style(result, symbols);
        let title = chart::fit_text(&region.title, titles, symbols.ellipsis);
        let gap = if titles > 0 { "  " } else { "" };
        PickerItem {
            right: format!("{} {sign}", result.label()),
            right_role,
            mark: Some(if region.id == credential.region {
                (StyleRole::Accent, symbols.pointer)
            } else {
                (StyleRole::Dim, " ")
            }),
            ..PickerItem::new(
                region.id.clone(),
                format!("{title}{gap}{host}"),
                "switch",
                (credential.id.clone(), region.id.clone()),
            )
        }
    });
    let items = items.collect();
    let accepted = app
        .regions
        .accepted_elsewhere(&credential.region)
        .filter(|_| result_in(&credential.region) == CheckResult::Refused);
    let wanted = accepted.unwrap_or(&credential.region);
    let cursor = all.iter().position(|region| region.id == wanted).unwrap_or(0);
    let pick = PickerDialog::new("Choose region", items, cursor, |(id, region)| {
        DialogAction::call(move |app, now| app.switch_region(&id, region, now))
    });
    app.dialogs.push(pick);
}

/// Returns the columns of the titles, so that the hosts behind them are shown too.
fn title_columns(app: &App, all: &[Region], hosts: &[String]) -> usize {
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let titles = widest(&mut all.iter().map(|region| region.title.width()));
    let ids = widest(&mut all.iter().map(|region| region.id.width()));
    let hosts = widest(&mut hosts.iter().map(|host| host.width()));
    let results = CheckResult::Unchecked.label().width() + 2;
    // Borders and their padding, the mark and its gap, and the gaps between the columns.
    let around = 4 + 2 + 2 + 2 + 1;
    let room = usize::from(PICKER_COLUMNS.min(app.ui_state.area.width))
        .saturating_sub(around + ids + hosts + results);
    if room < MIN_TITLE_COLUMNS { 0 } else { room.min(titles) }
}

/// Running test of a credential in all regions.
pub struct RunningProbe {
    task: TaskId,
    credential: CredentialId,
    /// The regions that have accepted the credential so far.
    accepted: Vec<String>,
}

impl RunningProbe {
    /// Records a check of the credential.
    pub fn record(&mut self, credential: &CredentialId, result: &RegionCheckResult) {
        if self.credential == *credential && result.check.result == CheckResult::Accepted {
            self.accepted.push(result.region.clone());
        }
    }
}

/// Starts the test of a credential in all regions of its provider.
pub(in crate::tui::app) fn start_probe(
    app: &mut App,
    credential: CredentialId,
    now: Now,
) -> Vec<UiEffect> {
    let title = format!("Try all regions: {}", app.display_name_by_id(&credential));
    let (task, effect) =
        app.start_task(title, BackgroundTask::CheckAllRegions(credential.clone()), now);
    app.region_probe = Some(RunningProbe { task, credential, accepted: Vec::new() });
    vec![effect]
}

/// Says what a finished test has found, and offers to switch if another region than the
/// credential's own accepted it.
pub(in crate::tui::app) fn finish_probe(app: &mut App, task: TaskId, now: Now) {
    let Some(probe) = take_probe(app, task) else { return };
    let Some(credential) = app.credentials.get(&probe.credential) else { return };
    let (name, own) = (app.display_name(credential), &credential.region);
    let (level, text) = match probe.accepted.first() {
        None => (NotificationLevel::Warning, format!("No region accepted {name}")),
        Some(_) if probe.accepted.contains(own) => {
            (NotificationLevel::Success, format!("{name} was accepted in {own}, its region"))
        }
        Some(other) if app.dialogs.is_empty() => {
            return app.dialogs.push(switch_confirmation(app, credential, other));
        }
        Some(other) => (NotificationLevel::Warning, format!("{name} was accepted in {other}")),
    };
    app.activity.notify(level, text, now.instant);
}

/// Forgets a test that failed or was canceled.
pub(in crate::tui::app) fn drop_probe(app: &mut App, task: TaskId) {
    drop(take_probe(app, task));
}

fn take_probe(app: &mut App, task: TaskId) -> Option<RunningProbe> {
    app.region_probe.take_if(|probe| probe.task == task)
}

/// Asks whether to switch a credential to the region that accepted it.
fn switch_confirmation(app: &App, credential: &Credential, other: &str) -> ConfirmDialog {
    let (name, own) = (app.display_name(credential), &credential.region);
    let rows = vec![
        DialogRow::text(format!("{other} accepted {name}.")),
        DialogRow::text(format!("Its current region, {own}, did not accept it.")),
    ];
    let keep = format!("Keep {}", display_format::short_region(own, &credential.provider));
    let (id, region) = (credential.id.clone(), other.to_owned());
    let switch = DialogAction::call(move |app, now| app.switch_region(&id, region, now));
    let title = format!("Switch to {other}?");
    ConfirmDialog::new(title, rows, FormButton::Submit("Switch"), switch)
        .with_cancel_label(keep)
        .with_action_focused()
}
