//! A rotation in words: for the list of rotations, and line by line as it goes.

use serde::Serialize;

use super::journal::{
    CreationStatus, JournalEntry, ReconciliationResult, RotationJournal, StepFailure,
    StepFailureKind, StepOutcome, UserDecision,
};
use super::machine::{self, NextStep, RotationResult};
use super::plan::RotationPlan;
use super::purpose::RotationPurpose;
use super::remote_credential::RotationId;
use super::step::RotationStep;

/// Where a rotation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RotationStatus {
    /// The rotation's id.
    pub id: String,
    /// The name of the credential.
    pub name: String,
    /// What it is for.
    pub purpose: RotationPurpose,
    /// Which part of the secret material it is about: `secret`, or the part's id.
    pub part: String,
    /// How it is done, in words.
    pub plan: String,
    /// Where it stands.
    pub state: RotationPhase,
    /// The step at which it stands; `None` once it is over.
    pub step: Option<String>,
    /// What happens next, in words.
    pub next: String,
    /// What is left for a person to do; empty where nothing is.
    #[serde(rename = "left")]
    pub manual_steps: Vec<String>,
    /// Why nothing came of it, where the provider refused it.
    pub why: Option<String>,
}

/// The states of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationPhase {
    /// The program has something to do.
    Running,
    /// A person has something to do.
    #[serde(rename = "needs-human")]
    NeedsUser,
    /// What it is for has been achieved.
    Done,
    /// Everything is as it was.
    RolledBack,
}

/// One line of progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProgressLine {
    /// The rotation's id.
    pub rotation: String,
    /// The step's id.
    pub step: String,
    /// What has become of it.
    pub state: StepStatus,
    /// More in words.
    pub detail: String,
}

/// What has become of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// It will be taken.
    Planned,
    /// It is being taken.
    Running,
    /// It was taken.
    Done,
    /// It was not.
    Failed,
    /// It waits, for time or for a person.
    Waiting,
}

/// What stands at the end of a rotation that was rolled back.
const ROLLED_BACK_TEXT: &str = "everything is as it was";

/// Where a rotation stands, by its journal alone.
pub fn rotation_status(journal: &RotationJournal) -> RotationStatus {
    let plan = journal.plan();
    let next = machine::next_step(journal);
    RotationStatus {
        id: plan.rotation.to_string(),
        name: plan.name.to_string(),
        purpose: plan.purpose,
        part: plan.part.as_str().to_owned(),
        plan: plan.title().to_owned(),
        state: rotation_phase(&next),
        step: next.step().map(|step| step.to_string()),
        next: describe_next(plan.purpose, &next),
        manual_steps: manual_steps(journal, &next),
        why: creation_refusal(journal, &next),
    }
}

/// The lines that show a plan.
pub fn plan_lines(plan: &RotationPlan) -> Vec<ProgressLine> {
    let notes = plan.warning().into_iter().chain(plan.limit_warning());
    let notes =
        notes.map(|note| ProgressLine::new(&plan.rotation, "plan", StepStatus::Planned, note));
    let steps = plan.steps.iter().map(|planned| {
        let calls = planned.calls.iter().map(|call| format!(" · {call}"));
        let last = planned.irreversible_note.iter().map(|word| format!(" · {word}"));
        let detail =
            std::iter::once(planned.description.clone()).chain(calls).chain(last).collect();
        ProgressLine::new(&plan.rotation, planned.step.to_string(), StepStatus::Planned, detail)
    });
    notes.chain(steps).collect()
}

/// The line that shows an entry; `None` for the plan, which has lines of its own.
pub fn entry_line(plan: &RotationPlan, entry: &JournalEntry) -> Option<ProgressLine> {
    let (step, state, detail) = match entry {
        JournalEntry::Planned(_) => return None,
        JournalEntry::Intent(step) => {
            (step.to_string(), StepStatus::Running, plan.purpose.describe_step(step))
        }
        JournalEntry::Done(outcome) => {
            (outcome.step().to_string(), StepStatus::Done, describe_outcome(plan.purpose, outcome))
        }
        JournalEntry::Failed(step, failure) => {
            (step.to_string(), StepStatus::Failed, failure.why.clone())
        }
        JournalEntry::Reconciled(finding) => {
            ("reconcile".to_owned(), StepStatus::Done, describe_reconciliation(finding))
        }
        JournalEntry::UserDecision(saying) => {
            ("human".to_owned(), StepStatus::Done, describe_decision(saying))
        }
    };
    Some(ProgressLine::new(&plan.rotation, step, state, detail))
}

/// The line that shows a wait or a question; `None` for what will be journaled anyway.
pub fn waiting_line(plan: &RotationPlan, next: &NextStep) -> Option<ProgressLine> {
    let waits = matches!(next, NextStep::AskUser(_) | NextStep::Wait { .. });
    let step = next.step().filter(|_| waits)?;
    Some(ProgressLine::new(
        &plan.rotation,
        step.to_string(),
        StepStatus::Waiting,
        describe_next(plan.purpose, next),
    ))
}

impl RotationStatus {
    /// What stands at the end, in words; `None` before it is over.
    pub const fn outcome(&self) -> Option<&'static str> {
        match self.state {
            RotationPhase::Done => Some(self.purpose.completion_text()),
            RotationPhase::RolledBack => Some(ROLLED_BACK_TEXT),
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
    }
}

fn describe_next(purpose: RotationPurpose, next: &NextStep) -> String {
    match next {
        NextStep::Execute(action) => purpose.describe_step(&action.step()),
        NextStep::Reconcile(machine::ReconcileQuery::Creation { .. }) => {
            "find out whether the provider has made the new secret".to_owned()
        }
        NextStep::Reconcile(machine::ReconcileQuery::Paste { .. }) => {
            RotationStep::AwaitPaste.describe()
        }
        NextStep::Reconcile(machine::ReconcileQuery::Revocation(_)) => {
            format!("find out whether the provider has revoked {}", purpose.secret_label())
        }
        NextStep::AskUser(need) => need.describe(),
        NextStep::Wait { delay, then } => {
            format!("wait {} s, then {}", delay.as_secs(), describe_next(purpose, then))
        }
        NextStep::Finished(RotationResult::Done { .. }) => {
            format!("nothing: {}", purpose.completion_text())
        }
        NextStep::Finished(RotationResult::RolledBack { .. }) => {
            format!("nothing: {ROLLED_BACK_TEXT}")
        }
    }
}

fn manual_steps(journal: &RotationJournal, next: &NextStep) -> Vec<String> {
    match next {
        NextStep::Finished(RotationResult::Done { left } | RotationResult::RolledBack { left }) => {
            left.clone()
        }
        NextStep::AskUser(need) => {
            machine::manual_steps(journal).into_iter().chain([need.describe()]).collect()
        }
        _ => machine::manual_steps(journal),
    }
}

/// Why a creation came to nothing: what the provider said last about it.
fn creation_refusal(journal: &RotationJournal, next: &NextStep) -> Option<String> {
    let rolled_back = matches!(next, NextStep::Finished(RotationResult::RolledBack { .. }));
    let refused = |entry: &JournalEntry| match entry {
        JournalEntry::Failed(
            RotationStep::Create,
            StepFailure { kind: StepFailureKind::Refused | StepFailureKind::QuotaExceeded, why },
        ) => Some(why.clone()),
        _ => None,
    };
    let created = journal.plan().purpose == RotationPurpose::Create;
    (rolled_back && created).then(|| journal.entries().iter().rev().find_map(refused)).flatten()
}

fn describe_outcome(purpose: RotationPurpose, outcome: &StepOutcome) -> String {
    match outcome {
        StepOutcome::Created(minted) | StepOutcome::Pasted(minted) => match &minted.remote {
            Some(remote) => format!("{} ({})", remote.label, remote.id),
            None => "the provider gives it no id".to_owned(),
        },
        StepOutcome::Verified { reach, .. } => {
            let seen = match reach.organizations.len() {
                1 => "1 organisation".to_owned(),
                many => format!("{many} organisations"),
            };
            format!("accepted as {} in {}, {seen}", reach.principal.name, reach.region)
        }
        StepOutcome::OrphansListed(found) => format!("{} with this rotation's mark", found.len()),
        other => purpose.describe_step(&other.step()),
    }
}

fn describe_reconciliation(finding: &ReconciliationResult) -> String {
    match finding {
        ReconciliationResult::Creation(CreationStatus::InPendingSlot(_)) => {
            "the new secret is in the store".to_owned()
        }
        ReconciliationResult::Creation(CreationStatus::Orphaned(remote)) => {
            format!("the provider made {} ({}), whose secret is lost", remote.label, remote.id)
        }
        ReconciliationResult::Creation(CreationStatus::NotCreated) => "nothing was made".to_owned(),
        ReconciliationResult::Creation(CreationStatus::Unknown(why)) => {
            format!("the provider cannot tell whether anything was made: {why}")
        }
        ReconciliationResult::Revocation(super::journal::RevocationStatus::Revoked) => {
            "it is revoked".to_owned()
        }
        ReconciliationResult::Revocation(super::journal::RevocationStatus::StillActive) => {
            "it is not revoked".to_owned()
        }
    }
}

fn describe_decision(saying: &UserDecision) -> String {
    match saying {
        UserDecision::Retry => "try again".to_owned(),
        UserDecision::Skip(step) => format!("go on without: {}", step.describe()),
        UserDecision::Override(_) => "take the new one all the same".to_owned(),
        UserDecision::SelectedOld(id) => format!("the old one is {id}"),
        UserDecision::DeletedManually(what) => format!("removed by hand: {what}"),
        UserDecision::RevokedManually => "revoked by hand".to_owned(),
        UserDecision::CreateAnother => "make another one".to_owned(),
        UserDecision::RollBack => "roll back".to_owned(),
        UserDecision::Continue => "do not roll back after all".to_owned(),
    }
}
