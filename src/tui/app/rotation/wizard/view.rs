//! View of the rotation wizard: the steps in the middle, and below them the question, the form or
//! the result.
//!
//! Start reading at [`RotationWizard::build_view`].

use super::diagram::{self, DiagramDetail};
use super::steps::ActivityIndicator;
use super::{RotationWizard, WizardStage};
use crate::config::theme::{GlyphSet, StyleRole};
use crate::domain::rotation::{
    RollbackEffect, RotationPhase, RotationPlan, RotationPurpose, RotationStatus,
};
use crate::engine::background::protocol::RotationSummary;
use crate::tui::app::dialogs::text;
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView, ListItem, TextTruncation};
use crate::tui::app::{App, Now, PresentationMode};

const WIDTH_COLUMNS: u16 = 88;
/// On a screen with fewer rows, the lifespans of the secrets leave too little room for the steps.
const MIN_ROWS_FOR_LIFESPANS: u16 = 24;
/// On a screen with fewer rows, the lifespans leave too little room for a question.
const MIN_ROWS_FOR_LIFESPANS_WITH_PROMPT: u16 = 30;
const OVERLAP_NOTE: &str =
    "Overlap: the old secret keeps working until the new one has replaced it.";

impl RotationWizard {
    /// Builds the view of the wizard.
    pub(super) fn build_view(&self, app: &App, now: Now) -> DialogView {
        let glyphs = app.preferences.symbols;
        let mut view = DialogView::new(self.title_text(glyphs), WIDTH_COLUMNS);
        view.head = self.head_rows(app);
        let (rows, seen) = self.body_rows(glyphs);
        view.cursor = self.scroll_row.unwrap_or(seen).min(rows.len().saturating_sub(1));
        view.body = rows;
        view.foot.extend(text::problem_rows(self.problem.as_ref()));
        match &self.stage {
            WizardStage::Loading => view.foot.push(DialogRow::dim("Reading the journal…")),
            WizardStage::Running(form) => {
                view.foot.push(DialogRow::Blank);
                view = view.with_form_below(form);
                view.foot.push(DialogRow::dim(
                    "Esc hide (continues in the background) · s pause before the next step",
                ));
            }
            WizardStage::Stopping => {
                view.foot.extend([
                    DialogRow::Blank,
                    DialogRow::dim("Pausing after the current step… · Esc hide"),
                ]);
            }
            WizardStage::Prompting(prompt) => {
                view.foot.extend(prompt.answer_rows(app.ui_state.presentation, now.instant));
            }
            WizardStage::Planned(form) => {
                view.foot.push(DialogRow::Blank);
                view = view.with_form_below(form);
                view.foot.push(DialogRow::dim(
                    "Nothing happens until you press Rotate · ↑/↓ scroll · Tab select · Esc close",
                ));
            }
            WizardStage::Paused(review, form) => {
                view.foot.extend(paused_rows(review));
                view = view.with_form_below(form);
            }
            WizardStage::Finished(status, form) => {
                view.foot.extend(result_rows(status, glyphs));
                view = view.with_form_below(form);
            }
            WizardStage::Failed(form) => {
                view.foot.push(DialogRow::text("Nothing was started, and nothing has changed."));
                view = view.with_form_below(form);
            }
        }
        if matches!(&self.stage, WizardStage::Finished(status, _) if status.state != RotationPhase::Done)
        {
            view.head.iter_mut().chain(&mut view.body).for_each(dim_success);
        }
        self.mask_names(app, |name, shown| view.mask_name(name, shown));
        view
    }

    /// In presentation mode, replaces the name of the credential by the name that the list shows.
    pub(super) fn mask_names(&self, app: &App, mut replace: impl FnMut(&str, &str)) {
        if app.ui_state.presentation == PresentationMode::Off {
            return;
        }
        let known = self.plan.as_ref().and_then(|plan| app.credentials.get(&plan.credential));
        let shown = known
            .map_or_else(|| "a credential".to_owned(), |credential| app.display_name(credential));
        let principal = known
            .and_then(|known| known.principal.as_ref())
            .map(|principal| principal.name.clone());
        let plan = self.plan.as_ref().map(|plan| plan.name.to_string());
        for name in plan
            .into_iter()
            .chain([self.name.clone()])
            .chain(principal)
            .filter(|name| !name.is_empty())
        {
            replace(&name, &shown);
        }
    }

    /// Returns the rows in the middle, and the index of the row that must be visible.
    pub(super) fn body_rows(&self, glyphs: &GlyphSet) -> (Vec<DialogRow>, usize) {
        match (&self.stage, &self.plan) {
            (WizardStage::Planned(_), Some(plan)) => (plan_rows(plan, glyphs), 0),
            (WizardStage::Prompting(prompt), _) if prompt.is_failed_revocation() => {
                (prompt.question_rows(glyphs), 0)
            }
            (WizardStage::Prompting(prompt), _) => {
                let mut rows = self.steps.rows(glyphs, ActivityIndicator::Idle).0;
                rows.extend(prompt.question_rows(glyphs));
                let last = rows.len() - 1;
                (rows, last)
            }
            (WizardStage::Running(_) | WizardStage::Stopping, _) => {
                self.steps.rows(glyphs, ActivityIndicator::Active)
            }
            (WizardStage::Finished(..), _) => self.steps.rows(glyphs, ActivityIndicator::Finished),
            _ => self.steps.rows(glyphs, ActivityIndicator::Idle),
        }
    }

    fn title_text(&self, glyphs: &GlyphSet) -> String {
        let (done, all) = self.steps.counts();
        match &self.stage {
            WizardStage::Prompting(prompt) if prompt.is_failed_revocation() => {
                format!("{} {} revocation failed", self.heading(), glyphs.separator)
            }
            WizardStage::Loading | WizardStage::Failed(_) | WizardStage::Planned(_) => {
                self.heading()
            }
            _ => format!("{} {} {done} of {all} done", self.heading(), glyphs.separator),
        }
    }

    fn head_rows(&self, app: &App) -> Vec<DialogRow> {
        let Some(plan) = &self.plan else { return Vec::new() };
        if matches!(&self.stage, WizardStage::Prompting(prompt) if prompt.is_failed_revocation()) {
            return Vec::new();
        }
        let (prompting, height) =
            (matches!(self.stage, WizardStage::Prompting(_)), app.ui_state.area.height);
        if prompting && height < MIN_ROWS_FOR_LIFESPANS {
            return Vec::new();
        }
        let mut rows = vec![DialogRow::text(format!("Plan: {}.", plan.title()))];
        if let WizardStage::Planned(_) = self.stage {
            rows.push(
                plan.warning().map_or_else(|| DialogRow::dim(OVERLAP_NOTE), DialogRow::warning),
            );
            rows.extend(plan.limit_warning().map(DialogRow::dim));
        }
        rows.push(DialogRow::Blank);
        let columns = usize::from(app.ui_state.area.width.min(WIDTH_COLUMNS).saturating_sub(4));
        let min_rows =
            if prompting { MIN_ROWS_FOR_LIFESPANS_WITH_PROMPT } else { MIN_ROWS_FOR_LIFESPANS };
        let detail =
            if height < min_rows { DiagramDetail::StepsOnly } else { DiagramDetail::WithLifespans };
        rows.extend(diagram::diagram_rows(
            plan,
            &self.steps,
            app.preferences.symbols,
            columns,
            detail,
        ));
        rows
    }
}

/// Takes the color of success from a step: the rotation as a whole did not succeed.
fn dim_success(row: &mut DialogRow) {
    let dim = |role: &mut StyleRole| {
        if *role == StyleRole::Good {
            *role = StyleRole::Dim;
        }
    };
    match row {
        DialogRow::Item(ListItem { mark: Some((role, _)), .. }) => dim(role),
        DialogRow::Spans(row) => row.spans.iter_mut().for_each(|(role, _)| dim(role)),
        _ => {}
    }
}

/// Returns the steps with their API calls and the notes about what cannot be undone.
fn plan_rows(plan: &RotationPlan, glyphs: &GlyphSet) -> Vec<DialogRow> {
    let mut rows = Vec::new();
    for step in &plan.steps {
        let (mark, right) = (Some((StyleRole::Dim, glyphs.unchecked)), String::new());
        rows.push(DialogRow::Item(ListItem {
            index: None,
            mark,
            text: step.description.clone(),
            cut: TextTruncation::End,
            more: String::new(),
            right,
            right_role: StyleRole::Dim,
            selected: false,
        }));
        rows.extend(step.calls.iter().map(|call| DialogRow::dim(format!("  {call}"))));
        rows.extend(
            step.irreversible_note
                .iter()
                .map(|word| DialogRow::warning(format!("  {} {word}", glyphs.warning))),
        );
    }
    rows
}

/// Summarizes a paused rotation: the next step, the remaining manual steps, and whether it can be
/// rolled back.
fn paused_rows(review: &RotationSummary) -> Vec<DialogRow> {
    let RotationStatus { next, manual_steps: left, .. } = &review.status;
    let mut rows = vec![
        DialogRow::Blank,
        DialogRow::Text(
            StyleRole::Title,
            "Paused. The steps above show what has happened.".to_owned(),
        ),
    ];
    rows.push(DialogRow::text(format!("Next: {next}")));
    rows.extend(
        left.iter()
            .filter(|left| *left != next)
            .map(|left| DialogRow::warning(format!("Left to do: {left}"))),
    );
    rows.push(match (review.status.rollback, review.status.purpose) {
        (RollbackEffect::Impossible(why), RotationPurpose::Revoke) => {
            DialogRow::warning(format!("The revocation cannot be undone: {why}."))
        }
        (RollbackEffect::Impossible(why), _) => {
            DialogRow::warning(format!("The rotation cannot be rolled back: {why}."))
        }
        (RollbackEffect::UndoesChanges, _) => {
            DialogRow::text("The rotation can still be rolled back.")
        }
        (RollbackEffect::EndsRotation, RotationPurpose::Revoke) => {
            DialogRow::text("tokenring has revoked nothing: the revocation can be ended.")
        }
        (RollbackEffect::EndsRotation, _) => {
            DialogRow::text("tokenring has created nothing: the rotation can be ended.")
        }
    });
    rows
}

fn result_rows(status: &RotationStatus, glyphs: &GlyphSet) -> Vec<DialogRow> {
    if let Some(why) = &status.why {
        return vec![
            DialogRow::Blank,
            DialogRow::Text(
                StyleRole::Bad,
                format!("{} Nothing was created: {why}", glyphs.refused),
            ),
        ];
    }
    let is_done = status.state == RotationPhase::Done;
    let (role, sign) = if is_done {
        (StyleRole::Good, glyphs.check_mark)
    } else {
        (StyleRole::Warn, glyphs.warning)
    };
    let word = match (status.state, status.purpose) {
        (RotationPhase::RolledBack, RotationPurpose::Revoke) => {
            "Ended: the secret was not revoked."
        }
        (RotationPhase::RolledBack, _) if !status.manual_steps.is_empty() => {
            "Rolled back, but not everything is as it was before."
        }
        (RotationPhase::RolledBack, _) => "Rolled back: everything is as it was before.",
        (RotationPhase::Abandoned, _) => "Abandoned: nothing was finished and nothing was undone.",
        (_, RotationPurpose::Replace) => "Done: the new secret has replaced the old one.",
        (_, RotationPurpose::Create) => "Done: the credential was created, verified and stored.",
        (_, RotationPurpose::Revoke) => {
            "Done: the secret is revoked. Press X to delete the credential from tokenring."
        }
    };
    let mut rows = vec![DialogRow::Blank, DialogRow::Text(role, format!("{sign} {word}"))];
    rows.extend(status.notes.iter().map(|note| DialogRow::text(note.clone())));
    rows.extend(
        status
            .manual_steps
            .iter()
            .map(|left| DialogRow::warning(format!("{} Left to do: {left}", glyphs.warning))),
    );
    rows
}
