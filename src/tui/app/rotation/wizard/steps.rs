//! Steps of a rotation as the wizard shows them: the steps of the plan, then any further steps.
//!
//! [`WizardSteps::apply`] records the progress, [`WizardSteps::rows`] renders it.

use crate::config::theme::{GlyphSet, StyleRole};
use crate::domain::rotation::{ProgressLine, RotationPlan, StepStatus};
use crate::tui::app::widgets::dialog_view::{DialogRow, ListItem, TextTruncation};

/// The steps and their states.
#[derive(Default)]
pub(super) struct WizardSteps {
    steps: Vec<WizardStep>,
    /// The step of the latest event.
    current: usize,
}

struct WizardStep {
    id: String,
    text: String,
    state: StepStatus,
    /// Details about the current state.
    detail: String,
    /// The latest error.
    last_error: Option<String>,
}

/// Whether a task carries out the rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActivityIndicator {
    /// A task carries it out: an open step is running.
    Active,
    /// No task carries it out: the result of an open step is unknown.
    Idle,
    /// The rotation has ended: no task will carry it out.
    Finished,
}

impl WizardSteps {
    /// Creates the steps of a plan; all are planned.
    pub(super) fn from_plan(plan: &RotationPlan) -> Self {
        let step = |planned: &crate::domain::rotation::PlannedRotationStep| {
            WizardStep::new(
                planned.step.to_string(),
                planned.description.clone(),
                StepStatus::Planned,
            )
        };
        Self { steps: plan.steps.iter().map(step).collect(), current: 0 }
    }

    /// Creates the steps of a plan, with the progress so far.
    pub(super) fn from_progress(plan: &RotationPlan, lines: &[ProgressLine]) -> Self {
        let mut steps = Self::from_plan(plan);
        for line in lines {
            steps.apply(line);
        }
        steps
    }

    /// Records the progress of a step. A step that is not in the plan is appended.
    pub(super) fn apply(&mut self, line: &ProgressLine) {
        let known = self
            .steps
            .iter()
            .position(|step| step.id == line.step)
            .filter(|_| !is_remark(&line.step));
        self.current = known.unwrap_or(self.steps.len());
        if known.is_none() {
            self.steps.push(WizardStep::new(line.step.clone(), line_text(line), line.state));
        }
        self.steps[self.current].apply(line);
    }

    /// Returns the ID and state of every step, in order, without remarks.
    pub(super) fn states(&self) -> Vec<(&str, StepStatus)> {
        let steps = self.steps.iter().filter(|step| !is_remark(&step.id));
        steps.map(|step| (step.id.as_str(), step.state)).collect()
    }

    /// Returns the number of finished steps and of all steps, without remarks.
    pub(super) fn counts(&self) -> (usize, usize) {
        let steps = || self.steps.iter().filter(|step| !is_remark(&step.id));
        (steps().filter(|step| step.state == StepStatus::Done).count(), steps().count())
    }

    /// Returns the steps as rows, and the row of the latest event.
    pub(super) fn rows(
        &self,
        glyphs: &GlyphSet,
        activity: ActivityIndicator,
    ) -> (Vec<DialogRow>, usize) {
        let (mut rows, mut seen) = (Vec::new(), 0);
        for (at, step) in self.steps.iter().enumerate() {
            rows.push(step.row(glyphs, activity));
            rows.extend(
                step.detail_lines(activity).map(|remark| DialogRow::dim(format!("  {remark}"))),
            );
            if at == self.current {
                seen = rows.len() - 1;
            }
        }
        (rows, seen)
    }
}

impl WizardStep {
    fn new(id: String, text: String, state: StepStatus) -> Self {
        Self { id, text, state, detail: String::new(), last_error: None }
    }

    fn apply(&mut self, line: &ProgressLine) {
        self.state = line.state;
        self.detail.clear();
        match line.state {
            StepStatus::Failed => self.last_error = Some(line.detail.clone()),
            StepStatus::Done => {
                self.last_error = None;
                self.detail.clone_from(&line.detail);
            }
            StepStatus::Waiting => self.detail.clone_from(&line.detail),
            StepStatus::Running | StepStatus::Planned => {}
        }
    }

    fn row(&self, glyphs: &GlyphSet, activity: ActivityIndicator) -> DialogRow {
        let (role, sign, word) = match (self.state, activity) {
            (StepStatus::Done, _) => (StyleRole::Good, glyphs.check_mark, "done"),
            (StepStatus::Planned, ActivityIndicator::Finished) => {
                (StyleRole::Dim, glyphs.unchecked, "not run")
            }
            (StepStatus::Planned, _) => (StyleRole::Dim, glyphs.unchecked, "planned"),
            (_, ActivityIndicator::Finished) => (StyleRole::Warn, glyphs.refused, "abandoned"),
            (StepStatus::Failed, _) => (StyleRole::Bad, glyphs.refused, "failed"),
            (StepStatus::Running, ActivityIndicator::Active) => {
                (StyleRole::Accent, glyphs.pointer, "running")
            }
            (StepStatus::Running, ActivityIndicator::Idle) if !self.id.starts_with("await") => {
                (StyleRole::Warn, glyphs.warning, "unknown")
            }
            (StepStatus::Running | StepStatus::Waiting, _) => {
                (StyleRole::Warn, glyphs.unknown, "waiting")
            }
        };
        let (text, right) = (self.text.clone(), word.to_owned());
        DialogRow::Item(ListItem {
            index: None,
            mark: Some((role, sign)),
            text,
            cut: TextTruncation::End,
            more: String::new(),
            right,
            right_role: role,
            selected: false,
        })
    }

    /// Returns the details to show. The error disappears once the step is done, the waiting time
    /// once no task waits.
    fn detail_lines(&self, activity: ActivityIndicator) -> impl Iterator<Item = &str> {
        let is_shown = match self.state {
            StepStatus::Done => !is_remark(&self.id) && self.detail != self.text,
            StepStatus::Waiting => activity == ActivityIndicator::Active,
            _ => false,
        };
        let detail = Some(self.detail.as_str()).filter(|detail| is_shown && !detail.is_empty());
        self.last_error.as_deref().into_iter().chain(detail)
    }
}

/// Returns the text of a step that is not in the plan.
fn line_text(line: &ProgressLine) -> String {
    match line.step.as_str() {
        "reconcile" => format!("Checked: {}", line.detail),
        "human" => format!("You chose: {}", line.detail),
        _ => line.detail.clone(),
    }
}

/// Returns whether a line is a remark rather than a step: a finding or a decision of the user.
/// Every remark is a line of its own.
fn is_remark(id: &str) -> bool {
    matches!(id, "reconcile" | "human")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::samples::rotation::{line, plan};

    fn shown(steps: &WizardSteps, activity: ActivityIndicator) -> Vec<String> {
        let (rows, _) = steps.rows(&GlyphSet::UNICODE, activity);
        rows.into_iter()
            .map(|row| match row {
                DialogRow::Item(item) => format!("{} {}", item.right, item.text),
                DialogRow::Text(_, text) => text,
                _ => String::new(),
            })
            .collect()
    }

    #[test]
    fn a_step_that_failed_says_why_until_it_is_done() {
        let mut steps = WizardSteps::from_plan(&plan());
        steps.apply(&line("create", StepStatus::Running, "Create the new secret at the provider"));
        steps.apply(&line("create", StepStatus::Failed, "503 Service Unavailable"));
        steps.apply(&line(
            "create",
            StepStatus::Waiting,
            "Retry in 2 s: Create the new secret at the provider",
        ));
        assert_eq!(
            shown(&steps, ActivityIndicator::Active)[2..5],
            [
                "waiting Create the new secret at the provider",
                "  503 Service Unavailable",
                "  Retry in 2 s: Create the new secret at the provider"
            ]
        );
        steps.apply(&line("create", StepStatus::Done, "ci (5f1c)"));
        assert_eq!(
            shown(&steps, ActivityIndicator::Active)[2..4],
            ["done Create the new secret at the provider", "  ci (5f1c)"]
        );
        assert_eq!(steps.counts().0, 1);
    }

    #[test]
    fn what_was_open_when_it_stopped_is_unclear() {
        let steps = WizardSteps::from_progress(
            &plan(),
            &[line("create", StepStatus::Running, "Create the new secret at the provider")],
        );
        assert!(shown(&steps, ActivityIndicator::Finished)[2].starts_with("abandoned"));
        assert!(shown(&steps, ActivityIndicator::Finished)[3].starts_with("not run"));
        assert!(shown(&steps, ActivityIndicator::Active)[2].starts_with("running"));
        assert!(shown(&steps, ActivityIndicator::Idle)[2].starts_with("unknown"));
    }

    #[test]
    fn what_is_not_in_the_plan_comes_last_and_remarks_stand_for_themselves() {
        let mut steps = WizardSteps::from_plan(&plan());
        let planned = steps.counts().1;
        for _ in 0..2 {
            steps.apply(&line("human", StepStatus::Done, "retry"));
        }
        steps.apply(&line(
            "prove-old",
            StepStatus::Running,
            "Verify that the old secret still works",
        ));
        steps.apply(&line("prove-old", StepStatus::Done, "Verify that the old secret still works"));
        assert_eq!(steps.counts(), (1, planned + 1));
        let said = shown(&steps, ActivityIndicator::Active)
            .into_iter()
            .filter(|text| text == "done You chose: retry");
        assert_eq!(said.count(), 2);
        assert_eq!(
            shown(&steps, ActivityIndicator::Active).last().map(String::as_str),
            Some("done Verify that the old secret still works")
        );
    }
}
