//! Journals that the tests of single conditions start from, and what the machine asks or does next.

use super::world::{fingerprint, reach};
use super::*;

pub(in crate::domain::rotation) const AUTOMATIC: StrategyCase =
    (RotationStrategyId::SnykServiceAccount, true);
pub(super) const ASSISTED: StrategyCase = (RotationStrategyId::SnykPersonalAccessToken, true);
pub(super) const GUIDED: StrategyCase = (RotationStrategyId::Manual, false);

pub(super) fn remote(id: &str) -> RemoteCredential {
    RemoteCredential::new(id, id)
}

pub(in crate::domain::rotation) fn created_secret(secret: u32) -> CreatedSecret {
    CreatedSecret { fingerprint: fingerprint(secret), remote: Some(remote(&format!("r{secret}"))) }
}

pub(in crate::domain::rotation) fn snapshot_taken(
    reach: OldAccess,
    remotes: &[&str],
) -> StepOutcome {
    StepOutcome::SnapshotTaken(OldSecretSnapshot {
        fingerprint: fingerprint(OLD),
        access: reach,
        remotes: remotes.iter().map(|id| remote(id)).collect(),
        listed_ids: None,
        named_id: (remotes.len() == 1).then(|| remotes[0].to_owned()),
        previous_metadata: PreviousMetadata::default(),
    })
}

pub(super) fn verified(organizations: &[&str]) -> StepOutcome {
    StepOutcome::Verified {
        fingerprint: fingerprint(1),
        reach: reach(organizations),
        named_id: None,
    }
}

/// Returns a journal in which these steps were executed, one after the other.
pub(in crate::domain::rotation) fn journal(
    strategy: StrategyCase,
    outcomes: impl IntoIterator<Item = StepOutcome>,
) -> RotationJournal {
    let mut journal = RotationJournal::new(plan(strategy));
    for outcome in outcomes {
        journal.push(JournalEntry::Intent(outcome.step()));
        journal.push(JournalEntry::Done(outcome));
    }
    journal
}

/// Returns the journal up to the promotion.
pub(in crate::domain::rotation) fn verified_journal(
    strategy: StrategyCase,
    organizations: &[&str],
) -> RotationJournal {
    let old = snapshot_taken(OldAccess::Known(reach(&["acme", "beta"])), &["r0"]);
    let creation = if strategy.0 == AUTOMATIC.0 {
        StepOutcome::Created(created_secret(1))
    } else {
        StepOutcome::Pasted(created_secret(1))
    };
    journal(
        strategy,
        [
            StepOutcome::StoreVerified,
            old,
            creation,
            StepOutcome::Staged(fingerprint(1)),
            verified(organizations),
        ],
    )
}

/// Returns the journal up to the revocation.
pub(in crate::domain::rotation) fn delivered_journal(strategy: StrategyCase) -> RotationJournal {
    let mut journal = verified_journal(strategy, &["acme", "beta"]);
    journal.push(JournalEntry::Intent(RotationStep::Promote));
    journal.push(JournalEntry::Done(StepOutcome::Promoted(fingerprint(1))));
    for consumer in plan(strategy).consumers() {
        journal.push(JournalEntry::Done(StepOutcome::Delivered(consumer.to_owned())));
    }
    journal
}

pub(super) fn decide(journal: &mut RotationJournal, decision: UserDecision) {
    journal.push(JournalEntry::UserDecision(decision));
}

pub(super) fn fail(journal: &mut RotationJournal, step: RotationStep, kind: StepFailureKind) {
    journal.push(JournalEntry::Intent(step.clone()));
    journal.push(JournalEntry::Failed(step, StepFailure::new(kind, "403 Forbidden")));
}

/// Records that a refused creation or revocation did not happen.
pub(super) fn nothing_happened(journal: &mut RotationJournal, step: &RotationStep) {
    let result = if *step == RotationStep::Create {
        ReconciliationResult::Creation(CreationStatus::NotCreated)
    } else {
        ReconciliationResult::Revocation(RevocationStatus::StillActive)
    };
    assert!(
        matches!(next_step(journal), NextStep::Reconcile(query) if query.step() == *step),
        "a refusal is looked up before anything else"
    );
    journal.push(JournalEntry::Reconciled(result));
}

pub(super) fn prompt_of(journal: &RotationJournal) -> UserPrompt {
    match next_step(journal) {
        NextStep::AskUser(prompt) => prompt,
        other => panic!("no prompt: {other:?}"),
    }
}

pub(super) fn step_of(journal: &RotationJournal) -> RotationStep {
    next_step(journal).step().expect("the rotation has not ended")
}
