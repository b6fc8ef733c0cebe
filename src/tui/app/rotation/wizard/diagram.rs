//! Diagram of a rotation: a node per step, and below it the lifespans of the old and the new
//! secret.
//!
//! ```text
//! steps  ●──●──●──●──◉──○──○──○──○──○
//! old    ━━━━━━━━━━━━━━━┄┄┄┄┄┄┄┄┄
//! new          ━━━━━━━━━┄┄┄┄┄┄┄┄┄┄┄┄┄┄
//! ```
//!
//! Start reading at [`diagram_rows`].

use super::steps::WizardSteps;
use crate::config::theme::{GlyphSet, StyleRole};
use crate::domain::rotation::{RotationPlan, RotationPurpose, SecretOverlap, StepStatus};
use crate::tui::app::widgets::dialog_view::DialogRow;

/// Columns of the labels.
const LABEL_COLUMNS: usize = 7;
/// Maximum columns from one node to the next.
const MAX_NODE_SPACING: usize = 7;
/// Minimum columns from one node to the next; with fewer, the nodes would touch.
const MIN_NODE_SPACING: usize = 2;

/// Symbols of the diagram.
struct DiagramSymbols {
    done: &'static str,
    current: &'static str,
    planned: &'static str,
    failed: &'static str,
    line: &'static str,
    alive: &'static str,
    remaining: &'static str,
}

const UNICODE_SYMBOLS: DiagramSymbols = DiagramSymbols {
    done: "●",
    current: "◉",
    planned: "○",
    failed: "✗",
    line: "─",
    alive: "━",
    remaining: "┄",
};
const ASCII_SYMBOLS: DiagramSymbols = DiagramSymbols {
    done: "#",
    current: ">",
    planned: "o",
    failed: "x",
    line: "-",
    alive: "=",
    remaining: ".",
};

/// Level of detail that fits on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DiagramDetail {
    /// Only the nodes.
    StepsOnly,
    /// The nodes and the lifespans of the secrets.
    WithLifespans,
}

/// Lifespan of a secret: its first and last step, and the current step.
struct SecretLifespan {
    label: &'static str,
    /// The step that creates the secret.
    from: usize,
    /// The first step that the secret has not reached, in the current state.
    reached: usize,
    /// The step that revokes the secret, or the number of steps if none does.
    until: usize,
    /// Whether the secret is revoked.
    ended: bool,
}

/// Returns the diagram, with this many columns.
pub(super) fn diagram_rows(
    plan: &RotationPlan,
    steps: &WizardSteps,
    glyphs: &GlyphSet,
    columns: usize,
    detail: DiagramDetail,
) -> Vec<DialogRow> {
    let symbols = if *glyphs == GlyphSet::UNICODE { &UNICODE_SYMBOLS } else { &ASCII_SYMBOLS };
    let states = steps.states();
    let spacing = (columns.saturating_sub(LABEL_COLUMNS) / states.len().max(1))
        .clamp(MIN_NODE_SPACING, MAX_NODE_SPACING);
    let mut rows = vec![node_row(&states, symbols, spacing)];
    if detail == DiagramDetail::WithLifespans {
        rows.extend(
            secret_lifespans(plan, &states)
                .into_iter()
                .map(|lifespan| lifespan_row(&lifespan, symbols, spacing)),
        );
    }
    rows.push(DialogRow::Blank);
    rows
}

fn node_row(states: &[(&str, StepStatus)], symbols: &DiagramSymbols, spacing: usize) -> DialogRow {
    let mut pieces = vec![(StyleRole::Dim, pad_label("steps"))];
    for (at, (_, state)) in states.iter().enumerate() {
        let (role, sign) = match state {
            StepStatus::Done => (StyleRole::Good, symbols.done),
            StepStatus::Planned => (StyleRole::Dim, symbols.planned),
            StepStatus::Failed => (StyleRole::Bad, symbols.failed),
            StepStatus::Running => (StyleRole::Accent, symbols.current),
            StepStatus::Waiting => (StyleRole::Warn, symbols.current),
        };
        pieces.push((role, sign.to_owned()));
        if at + 1 < states.len() {
            let role = if *state == StepStatus::Done { StyleRole::Good } else { StyleRole::Dim };
            pieces.push((role, symbols.line.repeat(spacing - 1)));
        }
    }
    DialogRow::spans(pieces)
}

fn lifespan_row(lifespan: &SecretLifespan, symbols: &DiagramSymbols, spacing: usize) -> DialogRow {
    let mut pieces = vec![
        (StyleRole::Dim, pad_label(lifespan.label)),
        (StyleRole::Dim, " ".repeat(lifespan.from * spacing)),
    ];
    let reached = lifespan.reached.clamp(lifespan.from, lifespan.until);
    pieces.push((StyleRole::Good, symbols.alive.repeat((reached - lifespan.from) * spacing)));
    if lifespan.ended {
        pieces.push((StyleRole::Bad, symbols.failed.to_owned()));
    } else {
        pieces
            .push((StyleRole::Dim, symbols.remaining.repeat((lifespan.until - reached) * spacing)));
    }
    DialogRow::spans(pieces)
}

fn secret_lifespans(plan: &RotationPlan, states: &[(&str, StepStatus)]) -> Vec<SecretLifespan> {
    let place = |wanted: &[&str]| states.iter().position(|(id, _)| wanted.contains(id));
    let is_done = |at: usize| states.get(at).is_some_and(|(_, state)| *state == StepStatus::Done);
    let front = states
        .iter()
        .rposition(|(_, state)| *state != StepStatus::Planned)
        .map_or(0, |last| last + 1);
    let (end, creation) = (states.len(), place(&["create", "await-paste"]));
    let revocation =
        if plan.overlap == SecretOverlap::Absent && plan.purpose == RotationPurpose::Replace {
            creation
        } else {
            place(&["revoke", "await-revoke"])
        };
    let old = (plan.purpose != RotationPurpose::Create).then(|| {
        let until = revocation.unwrap_or(end);
        let ended = is_done(until);
        SecretLifespan {
            label: "old",
            from: 0,
            reached: if ended { until } else { front },
            until,
            ended,
        }
    });
    let new = creation.map(|from| {
        let discarded = states
            .iter()
            .position(|(id, state)| id.starts_with("discard") && *state == StepStatus::Done);
        let until = discarded.unwrap_or(end);
        SecretLifespan {
            label: "new",
            from,
            reached: if is_done(from) { front } else { from },
            until,
            ended: discarded.is_some(),
        }
    });
    old.into_iter().chain(new).collect()
}

fn pad_label(word: &str) -> String {
    format!("{word:<LABEL_COLUMNS$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::samples::rotation::{line, plan, plan_for};

    fn drawn(plan: &RotationPlan, lines: &[(&str, StepStatus)]) -> Vec<String> {
        let lines: Vec<_> = lines.iter().map(|(step, state)| line(step, *state, "")).collect();
        let rows = diagram_rows(
            plan,
            &WizardSteps::from_progress(plan, &lines),
            &GlyphSet::UNICODE,
            37,
            DiagramDetail::WithLifespans,
        );
        let text = rows.into_iter().map(|row| match row {
            DialogRow::Spans(drawing) => drawing
                .spans
                .into_iter()
                .map(|(_, text)| text)
                .collect::<String>()
                .trim_end()
                .to_owned(),
            _ => String::new(),
        });
        text.filter(|row| !row.is_empty()).collect()
    }

    #[test]
    fn it_fills_as_the_steps_are_taken() {
        assert_eq!(
            drawn(&plan(), &[]),
            [
                "steps  ○──○──○──○──○──○──○──○──○──○",
                "old    ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄",
                "new          ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄"
            ]
        );
        let done =
            ["prove-store", "snapshot", "create", "stash"].map(|step| (step, StepStatus::Done));
        let half: Vec<_> = done.into_iter().chain([("verify", StepStatus::Running)]).collect();
        assert_eq!(
            drawn(&plan(), &half),
            [
                "steps  ●──●──●──●──◉──○──○──○──○──○",
                "old    ━━━━━━━━━━━━━━━┄┄┄┄┄┄",
                "new          ━━━━━━━━━┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄"
            ]
        );
    }

    #[test]
    fn a_secret_that_ended_ends_where_it_did() {
        let done = [
            "prove-store",
            "snapshot",
            "create",
            "stash",
            "verify",
            "promote",
            "deliver ci",
            "revoke",
        ];
        let done: Vec<_> = done.into_iter().map(|step| (step, StepStatus::Done)).collect();
        assert_eq!(drawn(&plan(), &done)[1], "old    ━━━━━━━━━━━━━━━━━━━━━✗");
        let pasted: Vec<_> =
            ["prove-store", "snapshot", "await-paste"].map(|step| (step, StepStatus::Done)).into();
        assert!(
            drawn(&plan_for("personal-token"), &pasted)[1].ends_with("━✗"),
            "without overlap it dies when the new one is made"
        );
    }
}
