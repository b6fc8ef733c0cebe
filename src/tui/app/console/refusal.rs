//! Explanation of a refused request: possible causes, known facts and next steps.
//!
//! The analysis itself is in the engine; this module adds the keys. Start at
//! [`explain_refusal`].

use crate::config::theme::StyleRole;
use crate::domain::diagnosis::refusal::{
    CauseAssessment, Likelihood, RefusalDiagnosis, RemedyStep,
};
use crate::tui::app::command::{
    CommandAction, ConsoleAction, CredentialAction, FocusTarget, RegionAction,
};
use crate::tui::app::dialogs::TextDialog;
use crate::tui::app::overview::activity::NotificationLevel;
use crate::tui::app::{App, Now, Pane, PresentationMode};

/// Opens the explanation of the refusal that is shown.
pub(in crate::tui::app) fn explain_refusal(app: &mut App, now: Now) {
    if app.ui_state.presentation == PresentationMode::On {
        return app.activity.notify(
            NotificationLevel::Warning,
            "Not available in presentation mode: the explanation contains names",
            now.instant,
        );
    }
    let Some(response) = app.console.response() else { return };
    match &response.exchange.refusal {
        Some(refusal) => {
            let title = format!("Why {}?", response.exchange.response.status);
            let reading = TextDialog::new(title, diagnosis_lines(app, refusal));
            app.dialogs.push(reading);
        }
        None => app.activity.notify(
            NotificationLevel::Success,
            "This response is not a refusal",
            now.instant,
        ),
    }
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
    lines.push(heading_line("Next steps: close this, then press"));
    lines.extend(next.iter().map(|step| {
        (StyleRole::Accent, format!("  {:4} {}", step_key_labels(app, step), step.describe()))
    }));
    lines
}

/// Returns the keys that run the step, if there are any.
fn step_key_labels(app: &App, step: &RemedyStep) -> String {
    let action = match step {
        RemedyStep::SetClock => return String::new(),
        // In the console, the same key edits the request instead.
        RemedyStep::ReenterSecret => {
            let list = command_label(app, CommandAction::Focus(FocusTarget::To(Pane::Credentials)));
            return format!(
                "{list} {}",
                command_label(app, CommandAction::Credential(CredentialAction::Edit))
            );
        }
        RemedyStep::Wait(_) => CommandAction::Console(ConsoleAction::Resend),
        RemedyStep::SwitchRegion(_) => CommandAction::Region(RegionAction::Pick),
        RemedyStep::ProbeRegions => CommandAction::Region(RegionAction::Probe),
        RemedyStep::OpenProviderPage => CommandAction::Credential(CredentialAction::OpenPage),
        RemedyStep::ListAccess => CommandAction::Console(ConsoleAction::PickPreset),
        RemedyStep::Rotate => CommandAction::Credential(CredentialAction::Rotate),
    };
    command_label(app, action)
}

fn command_label(app: &App, action: CommandAction) -> String {
    app.preferences.keys.label(action).unwrap_or_default()
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
