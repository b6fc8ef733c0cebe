//! A rotation as a diagram that fills: a node for every step, and below it how long the old secret and the new one live.
//!
//! ```text
//! steps  ●──●──●──●──◉──○──○──○──○──○
//! old    ━━━━━━━━━━━━━━━┄┄┄┄┄┄┄┄┄
//! new          ━━━━━━━━━┄┄┄┄┄┄┄┄┄┄┄┄┄┄
//! ```

use super::steps::Steps;
use crate::config::theme::{GlyphSet, StyleRole};
use crate::domain::rotation::{RotationPlan, RotationPurpose, SecretOverlap, StepStatus};
use crate::tui::app::sheet::DialogRow;

/// The labels stand in so many columns.
const LABEL: usize = 7;
/// The most columns from one node to the next.
const STRIDE: usize = 7;
/// Fewer would let the nodes touch.
const NARROWEST: usize = 2;

/// The signs of the diagram.
struct Signs {
    done: &'static str,
    current: &'static str,
    planned: &'static str,
    failed: &'static str,
    line: &'static str,
    alive: &'static str,
    to_live: &'static str,
}

const UNICODE: Signs =
    Signs { done: "●", current: "◉", planned: "○", failed: "✗", line: "─", alive: "━", to_live: "┄" };
const ASCII: Signs = Signs { done: "#", current: ">", planned: "o", failed: "x", line: "-", alive: "=", to_live: "." };

/// How much of the diagram there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// The nodes only.
    Steps,
    /// The nodes and the lives of the secrets.
    Lives,
}

/// One secret: from which step to which it lives, and how far that has come.
struct Life {
    label: &'static str,
    /// The step in which it comes into being.
    from: usize,
    /// The first step in which it has not come into being, or lives no more, as things stand.
    reached: usize,
    /// The step in which it is to end, or has ended; behind the last one where it stays.
    until: usize,
    /// Whether it has ended.
    ended: bool,
}

/// The diagram in so many columns.
pub(super) fn rows(plan: &RotationPlan, steps: &Steps, glyphs: &GlyphSet, (columns, extent): (usize, Extent)) -> Vec<DialogRow> {
    let signs = if *glyphs == GlyphSet::UNICODE { &UNICODE } else { &ASCII };
    let states = steps.states();
    let stride = (columns.saturating_sub(LABEL) / states.len().max(1)).clamp(NARROWEST, STRIDE);
    let mut rows = vec![nodes(&states, signs, stride)];
    if extent == Extent::Lives {
        rows.extend(lives(plan, &states).into_iter().map(|life| lane(&life, signs, stride)));
    }
    rows.push(DialogRow::Blank);
    rows
}

fn nodes(states: &[(&str, StepStatus)], signs: &Signs, stride: usize) -> DialogRow {
    let mut pieces = vec![(StyleRole::Dim, label("steps"))];
    for (at, (_, state)) in states.iter().enumerate() {
        let (role, sign) = match state {
            StepStatus::Done => (StyleRole::Good, signs.done),
            StepStatus::Planned => (StyleRole::Dim, signs.planned),
            StepStatus::Failed => (StyleRole::Bad, signs.failed),
            StepStatus::Running => (StyleRole::Accent, signs.current),
            StepStatus::Waiting => (StyleRole::Warn, signs.current),
        };
        pieces.push((role, sign.to_owned()));
        if at + 1 < states.len() {
            let role = if *state == StepStatus::Done { StyleRole::Good } else { StyleRole::Dim };
            pieces.push((role, signs.line.repeat(stride - 1)));
        }
    }
    DialogRow::spans(pieces)
}

fn lane(life: &Life, signs: &Signs, stride: usize) -> DialogRow {
    let mut pieces = vec![(StyleRole::Dim, label(life.label)), (StyleRole::Dim, " ".repeat(life.from * stride))];
    let reached = life.reached.clamp(life.from, life.until);
    pieces.push((StyleRole::Good, signs.alive.repeat((reached - life.from) * stride)));
    if life.ended {
        pieces.push((StyleRole::Bad, signs.failed.to_owned()));
    } else {
        pieces.push((StyleRole::Dim, signs.to_live.repeat((life.until - reached) * stride)));
    }
    DialogRow::spans(pieces)
}

fn lives(plan: &RotationPlan, states: &[(&str, StepStatus)]) -> Vec<Life> {
    let place = |wanted: &[&str]| states.iter().position(|(id, _)| wanted.contains(id));
    let is_done = |at: usize| states.get(at).is_some_and(|(_, state)| *state == StepStatus::Done);
    let front = states.iter().rposition(|(_, state)| *state != StepStatus::Planned).map_or(0, |last| last + 1);
    let (end, mint) = (states.len(), place(&["create", "await-paste"]));
    let death = if plan.overlap == SecretOverlap::Absent && plan.purpose == RotationPurpose::Replace {
        mint
    } else {
        place(&["revoke", "await-revoke"])
    };
    let old = (plan.purpose != RotationPurpose::Create).then(|| {
        let until = death.unwrap_or(end);
        let ended = is_done(until);
        Life { label: "old", from: 0, reached: if ended { until } else { front }, until, ended }
    });
    let new = mint.map(|from| {
        let given_up = states.iter().position(|(id, state)| id.starts_with("discard") && *state == StepStatus::Done);
        let until = given_up.unwrap_or(end);
        Life { label: "new", from, reached: if is_done(from) { front } else { from }, until, ended: given_up.is_some() }
    });
    old.into_iter().chain(new).collect()
}

fn label(word: &str) -> String {
    format!("{word:<LABEL$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::samples::rotation::{line, plan, plan_for};

    fn drawn(plan: &RotationPlan, lines: &[(&str, StepStatus)]) -> Vec<String> {
        let lines: Vec<_> = lines.iter().map(|(step, state)| line(step, *state, "")).collect();
        let rows = rows(plan, &Steps::after(plan, &lines), &GlyphSet::UNICODE, (37, Extent::Lives));
        let text = rows.into_iter().map(|row| match row {
            DialogRow::Spans(drawing) => {
                drawing.spans.into_iter().map(|(_, text)| text).collect::<String>().trim_end().to_owned()
            }
            _ => String::new(),
        });
        text.filter(|row| !row.is_empty()).collect()
    }

    #[test]
    fn it_fills_as_the_steps_are_taken() {
        assert_eq!(
            drawn(&plan(), &[]),
            ["steps  ○──○──○──○──○──○──○──○──○──○", "old    ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄", "new          ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄"]
        );
        let done = ["prove-store", "snapshot", "create", "stash"].map(|step| (step, StepStatus::Done));
        let half: Vec<_> = done.into_iter().chain([("verify", StepStatus::Running)]).collect();
        assert_eq!(
            drawn(&plan(), &half),
            ["steps  ●──●──●──●──◉──○──○──○──○──○", "old    ━━━━━━━━━━━━━━━┄┄┄┄┄┄", "new          ━━━━━━━━━┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄"]
        );
    }

    #[test]
    fn a_secret_that_ended_ends_where_it_did() {
        let done = ["prove-store", "snapshot", "create", "stash", "verify", "promote", "deliver ci", "revoke"];
        let done: Vec<_> = done.into_iter().map(|step| (step, StepStatus::Done)).collect();
        assert_eq!(drawn(&plan(), &done)[1], "old    ━━━━━━━━━━━━━━━━━━━━━✗");
        let pasted: Vec<_> = ["prove-store", "snapshot", "await-paste"].map(|step| (step, StepStatus::Done)).into();
        assert!(
            drawn(&plan_for("personal-token"), &pasted)[1].ends_with("━✗"),
            "without overlap it dies when the new one is made"
        );
    }
}
