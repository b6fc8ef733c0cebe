//! Result of a test of a credential in all regions, and the offer to switch to the region that
//! accepted it.
//!
//! Start at [`RunningProbe`].

use crate::domain::response::CheckResult;
use crate::domain::{Credential, CredentialId};
use crate::engine::background::protocol::{BackgroundTask, RegionCheckResult, TaskId};
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::dialogs::{ConfirmDialog, DialogAction};
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::widgets::form::FormButton;
use crate::tui::app::{App, Now, UiEffect, display_format};

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
