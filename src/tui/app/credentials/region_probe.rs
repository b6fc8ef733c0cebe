//! What follows a test of a credential in all regions: the switch to the region that accepted it.
//!
//! Start at [`RunningProbe`].

use crate::domain::CredentialId;
use crate::domain::response::CheckResult;
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

    /// Whether this task carries out the test.
    pub fn is_task(&self, task: TaskId) -> bool {
        self.task == task
    }
}

/// Starts the test of a credential in all regions of its provider.
pub(in crate::tui::app) fn start_probe(
    app: &mut App,
    credential: CredentialId,
    now: Now,
) -> Vec<UiEffect> {
    let title = format!("Test {} in every region", app.display_name_by_id(&credential));
    let (task, effect) =
        app.start_task(title, BackgroundTask::CheckAllRegions(credential.clone()), now);
    app.region_probe = Some(RunningProbe { task, credential, accepted: Vec::new() });
    vec![effect]
}

/// Says what a finished test has found, and offers to switch if another region than the
/// credential's own accepted it.
pub(in crate::tui::app) fn finish_probe(app: &mut App, task: TaskId, now: Now) {
    let Some(probe) = app.region_probe.take_if(|probe| probe.is_task(task)) else { return };
    let Some(credential) = app.credentials.get(&probe.credential) else { return };
    let (name, own) = (app.display_name(credential), credential.region.clone());
    let short =
        |region: &str| display_format::short_region(region, &credential.provider).to_owned();
    let (level, text) = match probe.accepted.first() {
        None => (NotificationLevel::Warning, format!("No region accepted {name}")),
        Some(_) if probe.accepted.contains(&own) => {
            (NotificationLevel::Success, format!("{own}, the region of {name}, accepted it"))
        }
        Some(other) if app.dialogs.is_empty() => {
            let (id, other, keep) = (probe.credential, other.clone(), short(&own));
            return open_switch_confirmation(app, (&id, &name), (&own, &other), &keep);
        }
        Some(other) => (NotificationLevel::Warning, format!("{name} was accepted in {other}")),
    };
    app.activity.notify(level, text, now.instant);
}

fn open_switch_confirmation(
    app: &mut App,
    credential: (&CredentialId, &str),
    regions: (&str, &str),
    keep: &str,
) {
    let ((id, name), (own, other)) = (credential, regions);
    let rows = vec![
        DialogRow::text(format!("{other} accepted {name}.")),
        DialogRow::text(format!("Its region is {own}, which did not accept it.")),
    ];
    let (id, region) = (id.clone(), other.to_owned());
    let switch = DialogAction::call(move |app, now| app.switch_region(&id, region, now));
    let dialog = ConfirmDialog::new(
        format!("Accepted in {other}"),
        rows,
        FormButton::Submit("Switch"),
        switch,
    );
    app.dialogs.push(dialog.with_cancel_label(format!("Keep {keep}")).with_action_focused());
}
