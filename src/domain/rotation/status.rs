//! Status of a rotation as text and JSON: for the list of rotations, and line by line as it
//! progresses.
//!
//! [`rotation_status`] summarizes a journal; [`plan_lines`], [`entry_line`] and [`waiting_line`]
//! produce the progress lines. Texts of prompts are in `machine::prompts`, texts of steps in
//! `step.rs` and `purpose.rs`.
//!
//! Notes about the result of a rotation: facts that the user has to know although nothing is left
//! to do.
//!
//! Tasks that are left are in `RotationStatus::manual_steps`. Start with `result_notes`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::journal::{
    CreatedSecret, CreationStatus, JournalEntry, ReconciliationResult, RevocationStatus,
    RotationJournal, StepFailure, StepFailureKind, StepOutcome, UserDecision,
};
use super::machine::{self, NextStep, RotationResult};
use super::plan::RotationPlan;
use super::purpose::RotationPurpose;
use super::remote_credential::{RemoteCredential, RotationId};
use crate::domain::strategy::RotationStep;
use crate::domain::{CredentialId, Timestamp};

/// Status of a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RotationStatus {
    /// ID of the rotation.
    pub id: String,
    /// ID of the credential.
    #[serde(skip)]
    pub credential: CredentialId,
    /// Name of the credential.
    pub name: String,
    /// Purpose of the rotation.
    pub purpose: RotationPurpose,
    /// Part of the secret material: `secret`, or the ID of the part.
    pub part: String,
    /// Title of the plan.
    pub plan: String,
    /// Phase of the rotation.
    pub state: RotationPhase,
    /// The current step; `None` after the end.
    pub step: Option<String>,
    /// What happens next, as text.
    pub next: String,
    /// Tasks left for the user; empty if there are none.
    #[serde(rename = "left")]
    pub manual_steps: Vec<String>,
    /// Why the provider refused the creation.
    pub why: Option<String>,
    /// Facts about a result that the user has to know although nothing is left to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a rollback would do now.
    #[serde(skip)]
    pub rollback: RollbackEffect,
}

/// Effect of rolling back a rotation in its current state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RollbackEffect {
    /// A rollback is no longer possible; the reason as text.
    Impossible(&'static str),
    /// Nothing was created: the rotation only ends.
    EndsRotation,
    /// What was created is deleted, and the old secret is current again.
    UndoesChanges,
}

/// Phase of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationPhase {
    /// The program has something to do.
    Running,
    /// The user has something to do.
    #[serde(rename = "needs-human")]
    NeedsUser,
    /// The purpose of the rotation is achieved.
    Done,
    /// Everything is as it was before.
    RolledBack,
    /// The user ended the rotation where it was.
    Abandoned,
}

/// Progress line of a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProgressLine {
    /// ID of the rotation.
    pub rotation: String,
    /// ID of the step.
    pub step: String,
    /// Status of the step.
    pub state: StepStatus,
    /// Details as text.
    pub detail: String,
}

/// Status of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// The step will be executed.
    Planned,
    /// The step is being executed.
    Running,
    /// The step was executed.
    Done,
    /// The step failed.
    Failed,
    /// The step waits for a delay or for the user.
    Waiting,
}

/// Text for the end of a rotation that was rolled back.
const ROLLED_BACK_TEXT: &str = "everything is as it was before";

/// Text for the end of a rotation that was abandoned.
const ABANDONED_TEXT: &str = "nothing was finished and nothing was undone";

/// Derives the status of a rotation from its journal alone.
pub fn rotation_status(journal: &RotationJournal) -> RotationStatus {
    let plan = journal.plan();
    let next = machine::next_step(journal);
    RotationStatus {
        id: plan.rotation.to_string(),
        credential: plan.credential.clone(),
        name: plan.name.to_string(),
        purpose: plan.purpose,
        part: plan.part.as_str().to_owned(),
        plan: plan.title().to_owned(),
        state: rotation_phase(&next),
        step: next.step().map(|step| step.to_string()),
        next: describe_next(plan, &next),
        manual_steps: manual_steps(journal, &next),
        why: creation_refusal(journal, &next),
        notes: match next {
            NextStep::Finished(RotationResult::Done { .. }) => result_notes(journal),
            NextStep::Finished(RotationResult::RolledBack { .. }) => preexisting_notes(journal),
            _ => Vec::new(),
        },
        rollback: rollback_effect(journal),
    }
}

/// Returns what a rollback would do in the current state of a rotation.
pub fn rollback_effect(journal: &RotationJournal) -> RollbackEffect {
    let may_create = |entry: &JournalEntry| match entry {
        JournalEntry::Intent(RotationStep::Create)
        | JournalEntry::Done(StepOutcome::Created(_) | StepOutcome::Pasted(_)) => true,
        JournalEntry::Reconciled(ReconciliationResult::Creation(status)) => {
            !matches!(status, CreationStatus::NotCreated)
        }
        _ => false,
    };
    match machine::check_rollback_allowed(journal) {
        Err(why) => RollbackEffect::Impossible(why),
        Ok(()) if journal.entries().iter().any(may_create) => RollbackEffect::UndoesChanges,
        Ok(()) => RollbackEffect::EndsRotation,
    }
}

/// Returns the lines that show a plan.
pub fn plan_lines(plan: &RotationPlan) -> Vec<ProgressLine> {
    let notes = plan.warning().into_iter().chain(plan.limit_warning());
    let notes =
        notes.map(|note| ProgressLine::new(&plan.rotation, "plan", StepStatus::Planned, note));
    let steps = plan.steps.iter().map(|planned| {
        let calls = planned.calls.iter().map(|call| format!(" · {call}"));
        let last = planned.irreversible_note.iter().map(|note| format!(" · {note}"));
        let detail =
            std::iter::once(planned.description.clone()).chain(calls).chain(last).collect();
        ProgressLine::new(&plan.rotation, planned.step.to_string(), StepStatus::Planned, detail)
    });
    notes.chain(steps).collect()
}

/// Returns the line that shows an entry; `None` for the plan, which has separate lines, and for
/// facts that only the result states.
pub fn entry_line(plan: &RotationPlan, entry: &JournalEntry) -> Option<ProgressLine> {
    let (step, state, detail) = match entry {
        JournalEntry::Planned(_) | JournalEntry::AccessTokenOutlives { .. } => return None,
        JournalEntry::Intent(step) => {
            (step.to_string(), StepStatus::Running, plan.describe_step(step))
        }
        JournalEntry::Done(outcome) => {
            (outcome.step().to_string(), StepStatus::Done, describe_outcome(plan, outcome))
        }
        JournalEntry::Failed(step, failure) => {
            (step.to_string(), StepStatus::Failed, failure.why.clone())
        }
        JournalEntry::Reconciled(result) => {
            ("reconcile".to_owned(), StepStatus::Done, describe_reconciliation(result))
        }
        JournalEntry::UserDecision(decision) => {
            ("human".to_owned(), StepStatus::Done, describe_decision(decision))
        }
        JournalEntry::AdministratorChanged(administrator) => {
            ("human".to_owned(), StepStatus::Done, format!("Authorize with {}", administrator.name))
        }
    };
    Some(ProgressLine::new(&plan.rotation, step, state, detail))
}

/// Returns the line that shows a delay or a prompt; `None` for steps that the journal will record.
pub fn waiting_line(plan: &RotationPlan, next: &NextStep) -> Option<ProgressLine> {
    let waits = matches!(next, NextStep::AskUser(_) | NextStep::Wait { .. });
    let step = next.step().filter(|_| waits)?;
    Some(ProgressLine::new(
        &plan.rotation,
        step.to_string(),
        StepStatus::Waiting,
        describe_next(plan, next),
    ))
}

impl RotationPhase {
    /// Returns the word for a rotation that has not ended.
    pub const fn unfinished_word(self) -> &'static str {
        if matches!(self, Self::NeedsUser) { "waiting" } else { "unfinished" }
    }
}

impl RotationStatus {
    /// Returns the text for the end of the rotation; `None` before it.
    pub const fn outcome(&self) -> Option<&'static str> {
        match self.state {
            RotationPhase::Done => Some(self.purpose.completion_text()),
            RotationPhase::RolledBack => Some(ROLLED_BACK_TEXT),
            RotationPhase::Abandoned => Some(ABANDONED_TEXT),
            RotationPhase::Running | RotationPhase::NeedsUser => None,
        }
    }
}

impl ProgressLine {
    fn new(
        rotation: &RotationId,
        step: impl Into<String>,
        state: StepStatus,
        detail: String,
    ) -> Self {
        Self { rotation: rotation.to_string(), step: step.into(), state, detail }
    }
}

fn rotation_phase(next: &NextStep) -> RotationPhase {
    match next {
        NextStep::AskUser(_) | NextStep::Reconcile(machine::ReconcileQuery::Paste { .. }) => {
            RotationPhase::NeedsUser
        }
        NextStep::Execute(_) | NextStep::Reconcile(_) => RotationPhase::Running,
        NextStep::Wait { then, .. } => rotation_phase(then),
        NextStep::Finished(RotationResult::Done { .. }) => RotationPhase::Done,
        NextStep::Finished(RotationResult::RolledBack { .. }) => RotationPhase::RolledBack,
        NextStep::Finished(RotationResult::Abandoned { .. }) => RotationPhase::Abandoned,
    }
}

fn describe_next(plan: &RotationPlan, next: &NextStep) -> String {
    match next {
        NextStep::Execute(action) => plan.describe_step(&action.step()),
        NextStep::Reconcile(machine::ReconcileQuery::Creation { .. }) => {
            "Check whether the provider created the new secret".to_owned()
        }
        NextStep::Reconcile(machine::ReconcileQuery::Paste { .. }) => {
            RotationStep::AwaitPaste.describe()
        }
        NextStep::Reconcile(machine::ReconcileQuery::Revocation(_)) => {
            format!("Check whether the provider revoked {}", plan.purpose.secret_label())
        }
        NextStep::AskUser(prompt) => prompt.describe(),
        NextStep::Wait { delay, then } => {
            format!("Retry in {} s: {}", delay.as_secs(), describe_next(plan, then))
        }
        NextStep::Finished(RotationResult::Done { .. }) => {
            format!("Finished: {}", plan.purpose.completion_text())
        }
        NextStep::Finished(RotationResult::RolledBack { .. }) => {
            format!("Rolled back: {ROLLED_BACK_TEXT}")
        }
        NextStep::Finished(RotationResult::Abandoned { .. }) => {
            format!("Abandoned: {ABANDONED_TEXT}")
        }
    }
}

fn manual_steps(journal: &RotationJournal, next: &NextStep) -> Vec<String> {
    match next {
        NextStep::Finished(
            RotationResult::Done { left }
            | RotationResult::RolledBack { left }
            | RotationResult::Abandoned { left },
        ) => left.clone(),
        NextStep::AskUser(prompt) => {
            machine::manual_steps(journal).into_iter().chain([prompt.describe()]).collect()
        }
        _ => machine::manual_steps(journal),
    }
}

/// Returns why a creation failed: the provider's latest refusal.
fn creation_refusal(journal: &RotationJournal, next: &NextStep) -> Option<String> {
    let rolled_back = matches!(next, NextStep::Finished(RotationResult::RolledBack { .. }));
    let refused = |entry: &JournalEntry| match entry {
        JournalEntry::Failed(
            RotationStep::Create,
            StepFailure { kind: StepFailureKind::Refused | StepFailureKind::QuotaExceeded, why },
        ) => Some(why.clone()),
        _ => None,
    };
    let is_creation = journal.plan().purpose == RotationPurpose::Create;
    (rolled_back && is_creation).then(|| journal.entries().iter().rev().find_map(refused)).flatten()
}

fn describe_outcome(plan: &RotationPlan, outcome: &StepOutcome) -> String {
    match outcome {
        StepOutcome::Pasted(CreatedSecret { remote: None, .. }) => {
            "Received; its verification shows which credential it belongs to".to_owned()
        }
        StepOutcome::Created(created) | StepOutcome::Pasted(created) => match &created.remote {
            Some(remote) if !remote.not_copied.is_empty() => {
                let missing = remote.not_copied.join(", ");
                format!("{}, not copied: {missing}", remote.name_and_id())
            }
            Some(remote) => remote.name_and_id(),
            None => "The provider assigns no ID".to_owned(),
        },
        StepOutcome::Verified { reach, .. } => {
            let organizations = match reach.organizations.as_ref().map(BTreeSet::len) {
                Some(1) => "1 organization".to_owned(),
                Some(many) => format!("{many} organizations"),
                None => "organizations unknown".to_owned(),
            };
            format!("Accepted as {} in {}, {organizations}", reach.principal.name, reach.region)
        }
        StepOutcome::OrphansListed(found) => match found.len() {
            1 => "Found 1 credential of this rotation".to_owned(),
            many => format!("Found {many} credentials of this rotation"),
        },
        other => plan.describe_step(&other.step()),
    }
}

fn describe_reconciliation(result: &ReconciliationResult) -> String {
    match result {
        ReconciliationResult::Creation(CreationStatus::InPendingSlot(_)) => {
            "the new secret is in the store".to_owned()
        }
        ReconciliationResult::Creation(CreationStatus::Orphaned(remote)) => {
            format!("the provider created {}, but its secret is lost", remote.name_and_id())
        }
        ReconciliationResult::Creation(CreationStatus::NotCreated) => {
            "no new secret exists".to_owned()
        }
        ReconciliationResult::Creation(CreationStatus::Unknown(why)) => {
            format!("the provider cannot tell whether a secret was created: {why}")
        }
        ReconciliationResult::Revocation(super::journal::RevocationStatus::Revoked) => {
            "the secret is revoked".to_owned()
        }
        ReconciliationResult::Revocation(super::journal::RevocationStatus::StillActive) => {
            "the secret is not revoked".to_owned()
        }
    }
}

fn describe_decision(decision: &UserDecision) -> String {
    match decision {
        UserDecision::Retry => "Retry".to_owned(),
        UserDecision::Skip(step) => format!("Skip: {}", step.describe()),
        UserDecision::Override(_) => "Confirmed by typing the name".to_owned(),
        UserDecision::SelectedOld(id) => format!("The old credential is {id}"),
        UserDecision::NoneOfThese => "The old credential is none of these".to_owned(),
        UserDecision::DeletedManually(what) => format!("Deleted manually: {what}"),
        UserDecision::RevokedManually => "Revoked manually".to_owned(),
        UserDecision::CreateAnother => "Discard this secret and create another".to_owned(),
        UserDecision::RollBack => "Roll back".to_owned(),
        UserDecision::Continue => "Continue instead of rolling back".to_owned(),
        UserDecision::Abandon => "End the rotation without changing anything".to_owned(),
    }
}

/// Returns the notes about the result of a rotation that is done.
pub(super) fn result_notes(journal: &RotationJournal) -> Vec<String> {
    let deleted = deleted_account(journal).map(|account| {
        format!(
            "The whole service account {} was deleted, with all its secrets.",
            account.name_and_id()
        )
    });
    let not_copied = created_remote(journal)
        .filter(|remote| !remote.not_copied.is_empty())
        .map(|remote| format!("Not copied to {}: {}.", remote.label, remote.not_copied.join(", ")));
    let access_token = journal.last_access_token_expiry().map(|until| {
        format!(
            "The provider does not revoke access tokens: the last one of the revoked sign-in works until {}.",
            format_moment(until)
        )
    });
    let notes = [deleted, not_copied, access_token].into_iter().flatten();
    notes.chain(preexisting_notes(journal)).collect()
}

/// Returns the notes about pasted secrets that are not in use and still work, because the rotation
/// deletes nothing that existed before it.
pub(super) fn preexisting_notes(journal: &RotationJournal) -> Vec<String> {
    let remotes = machine::unused_preexisting(journal).into_iter();
    remotes
        .map(|remote| {
            format!(
                "The pasted secret belongs to {}, which existed before this rotation: it was not revoked and still works.",
                remote.name_and_id()
            )
        })
        .collect()
}

/// Returns the account that the program deleted.
fn deleted_account(journal: &RotationJournal) -> Option<&RemoteCredential> {
    let deleted = journal.plan().deletes_account()
        && journal.entries().iter().any(|entry| {
            matches!(
                entry,
                JournalEntry::Done(StepOutcome::Revoked)
                    | JournalEntry::Reconciled(ReconciliationResult::Revocation(
                        RevocationStatus::Revoked
                    ))
            )
        });
    journal.entries().iter().rev().filter(|_| deleted).find_map(|entry| match entry {
        JournalEntry::Done(StepOutcome::SnapshotTaken(snapshot)) => snapshot.remotes.first(),
        _ => None,
    })
}

/// Returns what was created or found last.
fn created_remote(journal: &RotationJournal) -> Option<&RemoteCredential> {
    journal.entries().iter().rev().find_map(|entry| match entry {
        JournalEntry::Done(StepOutcome::Created(created) | StepOutcome::Pasted(created))
        | JournalEntry::Reconciled(ReconciliationResult::Creation(
            CreationStatus::InPendingSlot(created),
        )) => created.remote.as_ref(),
        _ => None,
    })
}

fn format_moment(moment: Timestamp) -> String {
    let moment = moment.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02} UTC", moment.date(), moment.hour(), moment.minute())
}
