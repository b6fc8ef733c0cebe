//! What the wizard shows: the steps in the middle, and below them what they wait for.

use super::diagram::{self, Extent};
use super::steps::Pulse;
use super::{Rotate, Stage};
use crate::config::theme::{GlyphSet, StyleRole};
use crate::domain::rotation::{RotationPhase, RotationPlan, RotationPurpose, RotationStatus};
use crate::engine::message::RotationSummary;
use crate::tui::app::dialog::problem;
use crate::tui::app::sheet::{DialogRow, DialogView, ListItem};
use crate::tui::app::{App, Now, PresentationMode};

const WIDTH: u16 = 88;
/// On a lower screen the lives of the secrets leave too little room for the steps.
const HIGH: u16 = 24;
/// On a lower screen they leave too little room for a question.
const HIGH_FOR_QUESTIONS: u16 = 30;
const OVERLAP: &str = "Overlap: the old secret works until the new one has taken its place.";

impl Rotate {
    /// What it shows.
    pub fn sheet(&self, app: &App, now: Now) -> DialogView {
        let glyphs = app.preferences.symbols;
        let mut sheet = DialogView::new(self.title(glyphs), WIDTH);
        sheet.head = self.head(app);
        let (rows, seen) = self.rows(glyphs);
        sheet.cursor = self.row.unwrap_or(seen).min(rows.len().saturating_sub(1));
        sheet.body = rows;
        sheet.foot.extend(problem::rows(self.problem.as_ref()));
        match &self.stage {
            Stage::Reading => sheet.foot.push(DialogRow::dim("Reading the journal…")),
            Stage::Running(form) => {
                sheet.foot.push(DialogRow::Blank);
                sheet = sheet.with_form_below(form);
                sheet
                    .foot
                    .push(DialogRow::dim("Esc hides this and it goes on · s stops before the next step, to be taken up again"));
            }
            Stage::Stopping => {
                sheet
                    .foot
                    .extend([DialogRow::Blank, DialogRow::dim("Stopping as soon as this step is at its end… · Esc hides this")]);
            }
            Stage::Asked(asked) => sheet.foot.extend(asked.answers(app.ui_state.presentation, now.instant)),
            Stage::Planned(form) => {
                sheet.foot.push(DialogRow::Blank);
                sheet = sheet.with_form_below(form);
                sheet.foot.push(DialogRow::dim("Nothing happens before Begin · ↑/↓ scroll · Tab chooses · Esc closes"));
            }
            Stage::Halted(review, form) => {
                sheet.foot.extend(halted(review));
                sheet = sheet.with_form_below(form);
            }
            Stage::Over(status, form) => {
                sheet.foot.extend(over(status, glyphs));
                sheet = sheet.with_form_below(form);
            }
            Stage::Failed(form) => {
                sheet.foot.push(DialogRow::text("Nothing was begun, and nothing has changed."));
                sheet = sheet.with_form_below(form);
            }
        }
        self.veil(&mut sheet, app);
        sheet
    }

    /// Where others see the screen, the credential is called what the list calls it.
    fn veil(&self, sheet: &mut DialogView, app: &App) {
        if app.ui_state.presentation == PresentationMode::Off {
            return;
        }
        let known = self.plan.as_ref().and_then(|plan| app.credentials.get(&plan.credential));
        let shown = known.map_or_else(|| "a credential".to_owned(), |credential| app.display_name(credential));
        let principal = known.and_then(|known| known.principal.as_ref()).map(|principal| principal.name.clone());
        let plan = self.plan.as_ref().map(|plan| plan.name.to_string());
        for name in plan.into_iter().chain([self.name.clone()]).chain(principal).filter(|name| !name.is_empty()) {
            sheet.mask_name(&name, &shown);
        }
    }

    /// The rows in the middle, and the one that must be seen.
    pub(super) fn rows(&self, glyphs: &GlyphSet) -> (Vec<DialogRow>, usize) {
        match (&self.stage, &self.plan) {
            (Stage::Planned(_), Some(plan)) => (planned(plan, glyphs), 0),
            (Stage::Asked(asked), _) => {
                let mut rows = self.steps.rows(glyphs, Pulse::Still).0;
                rows.extend(asked.question());
                let last = rows.len() - 1;
                (rows, last)
            }
            (Stage::Running(_) | Stage::Stopping, _) => self.steps.rows(glyphs, Pulse::Beating),
            (Stage::Over(..), _) => self.steps.rows(glyphs, Pulse::Over),
            _ => self.steps.rows(glyphs, Pulse::Still),
        }
    }

    fn title(&self, glyphs: &GlyphSet) -> String {
        let (done, all) = self.steps.count();
        match self.stage {
            Stage::Reading | Stage::Failed(_) | Stage::Planned(_) => self.heading(),
            _ => format!("{} {} {done} of {all} done", self.heading(), glyphs.separator),
        }
    }

    fn head(&self, app: &App) -> Vec<DialogRow> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let (asked, height) = (matches!(self.stage, Stage::Asked(_)), app.ui_state.area.height);
        if asked && height < HIGH {
            return Vec::new();
        }
        let mut rows = vec![DialogRow::text(format!("Plan: {}.", plan.title()))];
        if let Stage::Planned(_) = self.stage {
            rows.push(plan.warning().map_or_else(|| DialogRow::dim(OVERLAP), DialogRow::warning));
            rows.extend(plan.limit_warning().map(DialogRow::dim));
        }
        rows.push(DialogRow::Blank);
        let columns = usize::from(app.ui_state.area.width.min(WIDTH).saturating_sub(4));
        let high = if asked { HIGH_FOR_QUESTIONS } else { HIGH };
        let extent = if height < high { Extent::Steps } else { Extent::Lives };
        rows.extend(diagram::rows(plan, &self.steps, app.preferences.symbols, (columns, extent)));
        rows
    }
}

/// The steps with the calls they make and what cannot be undone.
fn planned(plan: &RotationPlan, glyphs: &GlyphSet) -> Vec<DialogRow> {
    let mut rows = Vec::new();
    for step in &plan.steps {
        let (mark, right) = (Some((StyleRole::Dim, glyphs.unchecked)), String::new());
        rows.push(DialogRow::Item(ListItem {
            index: None,
            mark,
            text: step.description.clone(),
            more: String::new(),
            right,
            selected: false,
        }));
        rows.extend(step.calls.iter().map(|call| DialogRow::dim(format!("  {call}"))));
        rows.extend(step.irreversible_note.iter().map(|word| DialogRow::warning(format!("  {} {word}", glyphs.warning))));
    }
    rows
}

/// An honest account: what comes next, what is left, and whether there is a way back.
fn halted(review: &RotationSummary) -> Vec<DialogRow> {
    let RotationStatus { next, manual_steps: left, .. } = &review.status;
    let mut rows =
        vec![DialogRow::Blank, DialogRow::Text(StyleRole::Title, "It has stopped; what has happened stands above.".to_owned())];
    rows.push(DialogRow::text(format!("Next: {next}")));
    rows.extend(left.iter().filter(|left| *left != next).map(|left| DialogRow::warning(format!("Left to do: {left}"))));
    rows.push(match review.rollback_allowed {
        Ok(()) => DialogRow::text("Everything can still be put back as it was."),
        Err(why) => DialogRow::warning(format!("It cannot be rolled back: {why}.")),
    });
    rows
}

fn over(status: &RotationStatus, glyphs: &GlyphSet) -> Vec<DialogRow> {
    if let Some(why) = &status.why {
        return vec![DialogRow::Blank, DialogRow::Text(StyleRole::Bad, format!("{} Nothing was made: {why}", glyphs.refused))];
    }
    let word = match (status.state, status.purpose) {
        (RotationPhase::RolledBack, _) => "Rolled back: everything is as it was.",
        (_, RotationPurpose::Replace) => "Done: the new secret has taken the old one's place.",
        (_, RotationPurpose::Create) => "Done: it was made, proven and kept.",
        (_, RotationPurpose::Revoke) => "Done: it is revoked. X removes it here.",
    };
    let mut rows = vec![DialogRow::Blank, DialogRow::Text(StyleRole::Good, format!("{} {word}", glyphs.check_mark))];
    rows.extend(status.manual_steps.iter().map(|left| DialogRow::warning(format!("{} Left to do: {left}", glyphs.warning))));
    rows
}
