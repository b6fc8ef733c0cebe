//! Explanation of a refused request: possible causes, known facts and next steps.
//!
//! The analysis itself is in the engine; this module adds the keys. Start at
//! [`explain_refusal`].

use crate::config::theme::StyleRole;
use crate::domain::CredentialId;
use crate::domain::credential::CheckReport;
use crate::domain::diagnosis::refusal::{
    CauseAssessment, Likelihood, RefusalDiagnosis, RemedyStep,
};
use crate::domain::response::CheckResult;
use crate::engine::background::protocol::BackgroundTask;
use crate::tui::app::activity::NotificationLevel;
use crate::tui::app::command::{CommandAction, ConsoleAction, CredentialAction};
use crate::tui::app::dialogs::TextDialog;
use crate::tui::app::{App, Now, Pane, PresentationMode, UiEffect};

/// Opens the explanation of the refusal that is shown: of the response, or of the latest check
/// of the selected credential in its region or in the one under the cursor.
pub(in crate::tui::app) fn explain_refusal(app: &mut App, now: Now) -> Vec<UiEffect> {
    if app.ui_state.presentation == PresentationMode::On {
        app.activity.notify(
            NotificationLevel::Warning,
            "Not available in presentation mode: the explanation contains names",
            now.instant,
        );
        return Vec::new();
    }
    let response = app.console.response().and_then(|response| {
        let refusal = response.exchange.refusal.clone()?;
        Some((response.exchange.response.status, refusal))
    });
    let region = refused_region(app);
    match (response, region) {
        (Some((status, refusal)), region)
            if region.is_none() || app.ui_state.focus == Pane::Console =>
        {
            open_refusal(app, status, &refusal);
        }
        (_, Some((id, region))) => {
            let task = BackgroundTask::ExplainRefusal(id, region);
            return vec![app.start_hidden_task(task).1];
        }
        _ => notify_no_refusal(app, now),
    }
    Vec::new()
}

/// Opens the explanation of a recorded check.
pub(in crate::tui::app) fn open_recorded_refusal(
    app: &mut App,
    explained: Option<&(u16, Box<RefusalDiagnosis>)>,
    now: Now,
) {
    match explained {
        Some((status, refusal)) => open_refusal(app, *status, refusal),
        None => notify_no_refusal(app, now),
    }
}

/// Returns the selected credential and the region whose refusal is shown: the one under the
/// cursor of the regions, else its own.
pub(in crate::tui::app) fn refused_region(app: &App) -> Option<(CredentialId, String)> {
    let credential = app.selected()?;
    let is_refused =
        |check: &CheckReport| check.result == CheckResult::Refused && check.status.is_some();
    let under_cursor = app
        .catalog
        .regions(&credential.provider)
        .unwrap_or_default()
        .get(app.regions.cursor())
        .filter(|_| app.ui_state.focus == Pane::Regions)
        .filter(|region| app.regions.check_in(&region.id).is_some_and(is_refused));
    let own = credential.last_check.as_ref().is_some_and(is_refused);
    let region = match under_cursor {
        Some(region) => &region.id,
        None if own => &credential.region,
        None => return None,
    };
    Some((credential.id.clone(), region.clone()))
}

fn notify_no_refusal(app: &mut App, now: Now) {
    app.activity.notify(NotificationLevel::Info, "Nothing was refused here", now.instant);
}

fn open_refusal(app: &mut App, status: u16, refusal: &RefusalDiagnosis) {
    let text = TextDialog::new(format!("Why {status}?"), diagnosis_lines(app, refusal));
    let steps = refusal.next_steps.iter().filter_map(step_action).collect();
    app.dialogs.push(text.with_commands(steps));
}

fn diagnosis_lines(
    app: &App,
    RefusalDiagnosis { tried, causes: known, next_steps: next }: &RefusalDiagnosis,
) -> Vec<(StyleRole, String)> {
    let mut lines = vec![heading_line("Tried")];
    lines.extend(tried.iter().map(|line| (StyleRole::Text, format!("  {line}"))));
    lines.push((StyleRole::Text, String::new()));
    lines.push(heading_line("Possible causes   ! likely   ? unknown   - ruled out"));
    lines.extend(known.iter().map(cause_line));
    lines.push((StyleRole::Text, String::new()));
    lines.push(heading_line("Next steps: press"));
    lines.extend(next.iter().map(|step| {
        (StyleRole::Accent, format!("  {:4} {}", step_key_labels(app, step), step.describe()))
    }));
    lines
}

/// Returns the keys that run the step, if there are any.
fn step_key_labels(app: &App, step: &RemedyStep) -> String {
    step_action(step).map(|action| command_label(app, action)).unwrap_or_default()
}

fn command_label(app: &App, action: CommandAction) -> String {
    app.preferences.keys.label(action).unwrap_or_default()
}

/// Returns the command that carries out a step; `None` where none can.
fn step_action(step: &RemedyStep) -> Option<CommandAction> {
    Some(match step {
        RemedyStep::SetClock => return None,
        RemedyStep::ReenterSecret => CommandAction::Credential(CredentialAction::Edit),
        RemedyStep::EditRequest => CommandAction::Console(ConsoleAction::EditRequest),
        RemedyStep::Wait(_) => CommandAction::Console(ConsoleAction::Resend),
        RemedyStep::SwitchRegion(_) => CommandAction::Credential(CredentialAction::PickRegion),
        RemedyStep::ProbeRegions => CommandAction::Credential(CredentialAction::ProbeRegions),
        RemedyStep::OpenProviderPage => CommandAction::Credential(CredentialAction::OpenPage),
        RemedyStep::ListAccess => CommandAction::Console(ConsoleAction::PickPreset),
        RemedyStep::Rotate => CommandAction::Credential(CredentialAction::Rotate),
    })
}

fn heading_line(text: &str) -> (StyleRole, String) {
    (StyleRole::Dim, text.to_owned())
}

fn cause_line(
    CauseAssessment { cause, likelihood: weight, reason }: &CauseAssessment,
) -> (StyleRole, String) {
    let role = match weight {
        Likelihood::Likely => StyleRole::Warn,
        Likelihood::Unknown => StyleRole::Text,
        Likelihood::Unlikely => StyleRole::Dim,
    };
    (role, format!("  {} {}: {reason}", weight.symbol(), cause.title()))
}
