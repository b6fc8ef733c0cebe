//! What the wizard shows: the steps in the middle, and below them what they wait for.

use super::diagram::{self, Extent};
use super::steps::Pulse;
use super::{Rotate, Stage};
use crate::config::theme::{GlyphSet, StyleRole};
use crate::domain::rotation::{RotationPhase, RotationPlan, RotationPurpose, RotationStatus};
use crate::engine::message::RotationSummary;
use crate::tui::app::dialog::problem;
use crate::tui::app::sheet::{Item, Row, Sheet};
use crate::tui::app::{App, Audience, Now};

const WIDTH: u16 = 88;
/// On a lower screen the lives of the secrets leave too little room for the steps.
const HIGH: u16 = 24;
/// On a lower screen they leave too little room for a question.
const HIGH_FOR_QUESTIONS: u16 = 30;
const OVERLAP: &str = "Overlap: the old secret works until the new one has taken its place.";

impl Rotate {
    /// What it shows.
    pub fn sheet(&self, app: &App, now: Now) -> Sheet {
        let glyphs = app.preferences.glyphs;
        let mut sheet = Sheet::new(self.title(glyphs), WIDTH);
        sheet.head = self.head(app);
        let (rows, seen) = self.rows(glyphs);
        sheet.cursor = self.row.unwrap_or(seen).min(rows.len().saturating_sub(1));
        sheet.body = rows;
        sheet.foot.extend(problem::rows(self.problem.as_ref()));
        match &self.stage {
            Stage::Reading => sheet.foot.push(Row::dim("Reading the journal…")),
            Stage::Running(form) => {
                sheet.foot.push(Row::Blank);
                sheet = sheet.with_form_below(form);
                sheet.foot.push(Row::dim("Esc hides this and it goes on · s stops before the next step, to be taken up again"));
            }
            Stage::Stopping => {
                sheet.foot.extend([Row::Blank, Row::dim("Stopping as soon as this step is at its end… · Esc hides this")]);
            }
            Stage::Asked(asked) => sheet.foot.extend(asked.answers(app.stage.audience, now.instant)),
            Stage::Planned(form) => {
                sheet.foot.push(Row::Blank);
                sheet = sheet.with_form_below(form);
                sheet.foot.push(Row::dim("Nothing happens before Begin · ↑/↓ scroll · Tab chooses · Esc closes"));
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
                sheet.foot.push(Row::text("Nothing was begun, and nothing has changed."));
                sheet = sheet.with_form_below(form);
            }
        }
        self.veil(&mut sheet, app);
        sheet
    }

    /// Where others see the screen, the credential is called what the list calls it.
    fn veil(&self, sheet: &mut Sheet, app: &App) {
        if app.stage.audience == Audience::Nobody {
            return;
        }
        let known = self.plan.as_ref().and_then(|plan| app.credentials.get(&plan.credential));
        let shown = known.map_or_else(|| "a credential".to_owned(), |credential| app.name_of(credential));
        let principal = known.and_then(|known| known.principal.as_ref()).map(|principal| principal.name.clone());
        let plan = self.plan.as_ref().map(|plan| plan.name.to_string());
        for name in plan.into_iter().chain([self.name.clone()]).chain(principal).filter(|name| !name.is_empty()) {
            sheet.veil(&name, &shown);
        }
    }

    /// The rows in the middle, and the one that must be seen.
    pub(super) fn rows(&self, glyphs: &GlyphSet) -> (Vec<Row>, usize) {
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

    fn head(&self, app: &App) -> Vec<Row> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let (asked, height) = (matches!(self.stage, Stage::Asked(_)), app.stage.area.height);
        if asked && height < HIGH {
            return Vec::new();
        }
        let mut rows = vec![Row::text(format!("Plan: {}.", plan.title()))];
        if let Stage::Planned(_) = self.stage {
            rows.push(plan.warning().map_or_else(|| Row::dim(OVERLAP), Row::warning));
            rows.extend(plan.limit_warning().map(Row::dim));
        }
        rows.push(Row::Blank);
        let columns = usize::from(app.stage.area.width.min(WIDTH).saturating_sub(4));
        let high = if asked { HIGH_FOR_QUESTIONS } else { HIGH };
        let extent = if height < high { Extent::Steps } else { Extent::Lives };
        rows.extend(diagram::rows(plan, &self.steps, app.preferences.glyphs, (columns, extent)));
        rows
    }
}

/// The steps with the calls they make and what cannot be undone.
fn planned(plan: &RotationPlan, glyphs: &GlyphSet) -> Vec<Row> {
    let mut rows = Vec::new();
    for step in &plan.steps {
        let (mark, right) = (Some((StyleRole::Dim, glyphs.unchecked)), String::new());
        rows.push(Row::Item(Item {
            at: None,
            mark,
            text: step.description.clone(),
            more: String::new(),
            right,
            selected: false,
        }));
        rows.extend(step.calls.iter().map(|call| Row::dim(format!("  {call}"))));
        rows.extend(step.irreversible_note.iter().map(|word| Row::warning(format!("  {} {word}", glyphs.warning))));
    }
    rows
}

/// An honest account: what comes next, what is left, and whether there is a way back.
fn halted(review: &RotationSummary) -> Vec<Row> {
    let RotationStatus { next, manual_steps: left, .. } = &review.status;
    let mut rows = vec![Row::Blank, Row::Text(StyleRole::Title, "It has stopped; what has happened stands above.".to_owned())];
    rows.push(Row::text(format!("Next: {next}")));
    rows.extend(left.iter().filter(|left| *left != next).map(|left| Row::warning(format!("Left to do: {left}"))));
    rows.push(match review.rollback_allowed {
        Ok(()) => Row::text("Everything can still be put back as it was."),
        Err(why) => Row::warning(format!("It cannot be rolled back: {why}.")),
    });
    rows
}

fn over(status: &RotationStatus, glyphs: &GlyphSet) -> Vec<Row> {
    if let Some(why) = &status.why {
        return vec![Row::Blank, Row::Text(StyleRole::Bad, format!("{} Nothing was made: {why}", glyphs.refused))];
    }
    let word = match (status.state, status.purpose) {
        (RotationPhase::RolledBack, _) => "Rolled back: everything is as it was.",
        (_, RotationPurpose::Replace) => "Done: the new secret has taken the old one's place.",
        (_, RotationPurpose::Create) => "Done: it was made, proven and kept.",
        (_, RotationPurpose::Revoke) => "Done: it is revoked. X removes it here.",
    };
    let mut rows = vec![Row::Blank, Row::Text(StyleRole::Good, format!("{} {word}", glyphs.check_mark))];
    rows.extend(status.manual_steps.iter().map(|left| Row::warning(format!("{} Left to do: {left}", glyphs.warning))));
    rows
}
