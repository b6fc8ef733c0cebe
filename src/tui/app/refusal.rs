//! A refusal, explained at length: what was tried, what is known, what to press next.

use super::activity::Tone;
use super::command::{Action, ConsoleAction, CredentialAction, Focus, RegionAction};
use super::dialog::{Dialog, Reading};
use super::{App, Audience, Now, Pane};
use crate::config::theme::StyleRole;
use crate::domain::refusal::{CauseAssessment, Likelihood, RefusalDiagnosis, RemedyStep};

impl App {
    /// Shows what is known of the refusal that is on the screen.
    pub(super) fn explain_refusal(&mut self, now: Now) {
        if self.stage.audience == Audience::Others {
            return self.activity.say(Tone::Warn, "Presentation mode hides names, and this names them", now.instant);
        }
        let Some(answered) = self.console.answered() else { return };
        match &answered.exchange.refusal {
            Some(refusal) => {
                let title = format!("Why {}?", answered.exchange.response.status);
                let reading = Reading::new(title, self.lines_of(refusal));
                self.dialogs.push(Dialog::Reading(reading));
            }
            None => self.activity.say(Tone::Good, "This answer is no refusal", now.instant),
        }
    }

    fn lines_of(
        &self,
        RefusalDiagnosis { tried, causes: known, next_steps: next }: &RefusalDiagnosis,
    ) -> Vec<(StyleRole, String)> {
        let mut lines = vec![heading("Tried")];
        lines.extend(tried.iter().map(|line| (StyleRole::Text, format!("  {line}"))));
        lines.push((StyleRole::Text, String::new()));
        lines.push(heading("Known   ! speaks for it   ? nobody knows   - speaks against it"));
        lines.extend(known.iter().map(finding));
        lines.push((StyleRole::Text, String::new()));
        lines.push(heading("Close this, then press"));
        lines.extend(next.iter().map(|step| (StyleRole::Accent, format!("  {:4} {}", self.keys_of(step), step.describe()))));
        lines
    }

    /// The keys that do it, where there are any.
    fn keys_of(&self, step: &RemedyStep) -> String {
        let action = match step {
            RemedyStep::SetClock => return String::new(),
            // In the console, the same key edits the request.
            RemedyStep::ReenterSecret => {
                let list = self.label_of(Action::Focus(Focus::To(Pane::Credentials)));
                return format!("{list} {}", self.label_of(Action::Credential(CredentialAction::Edit)));
            }
            RemedyStep::Wait(_) => Action::Console(ConsoleAction::Again),
            RemedyStep::SwitchRegion(_) => Action::Region(RegionAction::Pick),
            RemedyStep::ProbeRegions => Action::Region(RegionAction::Probe),
            RemedyStep::OpenProviderPage => Action::Credential(CredentialAction::Page),
            RemedyStep::ListAccess => Action::Console(ConsoleAction::Presets),
            RemedyStep::Rotate => Action::Credential(CredentialAction::Rotate),
        };
        self.label_of(action)
    }

    fn label_of(&self, action: Action) -> String {
        self.preferences.keys.label(action).unwrap_or_default()
    }
}

fn heading(text: &str) -> (StyleRole, String) {
    (StyleRole::Dim, text.to_owned())
}

fn finding(CauseAssessment { cause, likelihood: weight, reason: told }: &CauseAssessment) -> (StyleRole, String) {
    let role = match weight {
        Likelihood::Likely => StyleRole::Warn,
        Likelihood::Unknown => StyleRole::Text,
        Likelihood::Unlikely => StyleRole::Dim,
    };
    (role, format!("  {} {}: {told}", weight.symbol(), cause.title()))
}
