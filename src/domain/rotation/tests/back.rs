//! Tests of the rollback and of the tasks that are left at its end, one condition each.

use super::world::{fingerprint, reach};
use super::*;
use crate::domain::rotation::status::rotation_status;
use crate::domain::rotation::tests::{
    AUTOMATIC, created_secret, delivered_journal, journal, snapshot_taken, verified_journal,
};

const BY_VALUE: StrategyCase = (RotationStrategyId::SnykServiceAccountSecret, true);
const ALONE: StrategyCase = (RotationStrategyId::Manual, false);
const SIDE_BY_SIDE: StrategyCase = (RotationStrategyId::Manual, true);

fn started_journal(strategy: StrategyCase) -> RotationJournal {
    journal(
        strategy,
        [StepOutcome::StoreVerified, snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0"])],
    )
}

fn decide(journal: &mut RotationJournal, decision: UserDecision) {
    journal.push(JournalEntry::UserDecision(decision));
}

/// Rolls back and returns the tasks that are left for the user.
fn tasks_after_rollback(mut journal: RotationJournal) -> Vec<String> {
    decide(&mut journal, UserDecision::RollBack);
    loop {
        let outcome = match next_step(&journal) {
            NextStep::Finished(RotationResult::RolledBack { left }) => {
                assert_eq!(
                    rotation_status(&journal).manual_steps,
                    left,
                    "the list of rotations reports the same"
                );
                return left;
            }
            NextStep::Execute(StepAction::VerifyOld(_)) => StepOutcome::OldSecretVerified,
            NextStep::Execute(StepAction::FindOrphans) => StepOutcome::OrphansListed(Vec::new()),
            NextStep::Execute(StepAction::ClearSlots) => StepOutcome::SlotsCleared,
            NextStep::AskUser(UserPrompt {
                kind: PromptKind::DeleteManually { key, .. }, ..
            }) => {
                decide(&mut journal, UserDecision::DeletedManually(key));
                continue;
            }
            other => panic!("not a rollback step: {other:?}"),
        };
        journal.push(JournalEntry::Done(outcome));
    }
}

#[test]
fn a_secret_known_by_its_value_is_stored_before_it_is_rolled_back() {
    let mut journal = started_journal(BY_VALUE);
    journal.push(JournalEntry::Done(StepOutcome::Created(created_secret(1))));
    decide(&mut journal, UserDecision::RollBack);
    assert_eq!(next_step(&journal), NextStep::Execute(StepAction::Stage(fingerprint(1))));
    journal.push(JournalEntry::Done(StepOutcome::Staged(fingerprint(1))));
    assert_eq!(next_step(&journal), NextStep::Execute(StepAction::VerifyOld(fingerprint(OLD))));

    let mut by_id = started_journal(AUTOMATIC);
    by_id.push(JournalEntry::Done(StepOutcome::Created(created_secret(1))));
    decide(&mut by_id, UserDecision::RollBack);
    assert_eq!(
        next_step(&by_id),
        NextStep::Execute(StepAction::VerifyOld(fingerprint(OLD))),
        "its ID is enough"
    );
}

#[test]
fn a_rollback_after_a_lost_response_looks_for_what_may_have_been_created() {
    let mut journal = started_journal(AUTOMATIC);
    journal.push(JournalEntry::Intent(RotationStep::Create));
    journal
        .push(JournalEntry::Reconciled(ReconciliationResult::Creation(CreationStatus::NotCreated)));
    decide(&mut journal, UserDecision::RollBack);
    assert_eq!(next_step(&journal), NextStep::Execute(StepAction::FindOrphans));
    journal.push(JournalEntry::Done(StepOutcome::OrphansListed(Vec::new())));
    assert_eq!(next_step(&journal), NextStep::Execute(StepAction::ClearSlots));
}

#[test]
fn that_the_old_one_may_be_revoked_is_reported_only_where_it_may_be() {
    let asked_for = |strategy| {
        let mut journal = started_journal(strategy);
        journal.push(JournalEntry::Intent(RotationStep::AwaitPaste));
        journal.push(JournalEntry::Reconciled(ReconciliationResult::Creation(
            CreationStatus::NotCreated,
        )));
        journal
    };
    let dead = tasks_after_rollback(asked_for(ALONE));
    assert!(dead.len() == 1 && dead[0].contains("the old one no longer works"), "{dead:?}");
    assert_eq!(tasks_after_rollback(asked_for(SIDE_BY_SIDE)), [""; 0]);
    assert_eq!(tasks_after_rollback(started_journal(ALONE)), [""; 0], "the user was not asked yet");
}

#[test]
fn what_the_user_created_is_removed_by_the_user() {
    let mut journal = journal(
        SIDE_BY_SIDE,
        [
            StepOutcome::StoreVerified,
            snapshot_taken(OldAccess::Known(reach(&["acme"])), &[]),
            StepOutcome::Pasted(created_secret(1)),
            StepOutcome::Staged(fingerprint(1)),
        ],
    );
    decide(&mut journal, UserDecision::RollBack);
    journal.push(JournalEntry::Done(StepOutcome::OldSecretVerified));
    let NextStep::AskUser(UserPrompt {
        kind: PromptKind::DeleteManually { key, target, .. },
        choices,
        ..
    }) = next_step(&journal)
    else {
        panic!("no prompt")
    };
    assert_eq!((key.as_str(), target), ("the new secret", RevocationTarget::Unknown));
    assert!(
        !choices.contains(&UserDecision::RollBack),
        "the rollback is running already: {choices:?}"
    );
}

#[test]
fn a_removal_that_fails_is_left_to_the_user_by_its_own_name() {
    let mut journal = started_journal(AUTOMATIC);
    for orphan in ["r8", "r9"] {
        journal.push(JournalEntry::Intent(RotationStep::Create));
        journal.push(JournalEntry::Reconciled(ReconciliationResult::Creation(
            CreationStatus::Orphaned(RemoteCredential::new(orphan, orphan)),
        )));
    }
    assert_eq!(next_step(&journal).step(), Some(RotationStep::DeleteOrphan("r8".into())));
    journal.push(JournalEntry::Done(StepOutcome::OrphanDeleted("r8".into())));
    let step = RotationStep::DeleteOrphan("r9".into());
    assert_eq!(next_step(&journal).step(), Some(step.clone()));
    journal.push(JournalEntry::Failed(
        step,
        StepFailure::new(StepFailureKind::Refused, "403 Forbidden"),
    ));
    let NextStep::AskUser(UserPrompt {
        kind: PromptKind::DeleteManually { key, target, .. }, ..
    }) = next_step(&journal)
    else {
        panic!("no prompt")
    };
    assert_eq!(
        (key.as_str(), target),
        ("r9", RevocationTarget::ById(RemoteCredential::new("r9", "r9")))
    );
}

#[test]
fn another_one_is_made_only_before_the_new_one_is_in_use() {
    let offered = |journal: &RotationJournal| match next_step(journal) {
        NextStep::AskUser(prompt) => prompt.choices.contains(&UserDecision::CreateAnother),
        other => panic!("no prompt: {other:?}"),
    };
    assert!(offered(&verified_journal(AUTOMATIC, &["acme"])));
    let mut promoted = verified_journal(AUTOMATIC, &["acme", "beta"]);
    promoted.push(JournalEntry::Done(StepOutcome::Promoted(fingerprint(1))));
    let first = RotationStep::Deliver("dotenv:app".into());
    promoted.push(JournalEntry::Failed(
        first.clone(),
        StepFailure::new(StepFailureKind::Refused, "no"),
    ));
    assert!(!offered(&promoted));
    decide(&mut promoted, UserDecision::CreateAnother);
    assert_eq!(
        next_step(&promoted).step(),
        Some(first),
        "a decision that is not offered is ignored"
    );
}

#[test]
fn what_is_only_revoked_is_the_current_one() {
    let mut journal = RotationJournal::new(plan_for(RotationPurpose::Revoke, BY_VALUE));
    for outcome in
        [StepOutcome::StoreVerified, snapshot_taken(OldAccess::Known(reach(&["acme"])), &[])]
    {
        journal.push(JournalEntry::Done(outcome));
    }
    assert!(
        matches!(next_step(&journal), NextStep::Execute(StepAction::Revoke(permit)) if permit.target() == &RevocationTarget::ByValue(SecretSlot::Current))
    );
}

#[test]
fn a_reversed_rollback_continues_where_the_rotation_was() {
    let mut journal = delivered_journal(AUTOMATIC);
    decide(&mut journal, UserDecision::RollBack);
    journal.push(JournalEntry::Done(StepOutcome::OldSecretVerified));
    decide(&mut journal, UserDecision::Continue);
    assert_eq!(next_step(&journal).step(), Some(RotationStep::Revoke));
    decide(&mut journal, UserDecision::RollBack);
    assert_eq!(
        next_step(&journal).step(),
        Some(RotationStep::VerifyOld),
        "the earlier verification may be outdated"
    );

    let mut restored = delivered_journal(AUTOMATIC);
    decide(&mut restored, UserDecision::RollBack);
    for outcome in [StepOutcome::OldSecretVerified, StepOutcome::OldSecretRestored] {
        restored.push(JournalEntry::Intent(outcome.step()));
        restored.push(JournalEntry::Done(outcome));
    }
    decide(&mut restored, UserDecision::Continue);
    assert!(
        matches!(next_step(&restored).step(), Some(RotationStep::RestoreConsumer(_))),
        "the rollback has changed something already"
    );
}

#[test]
fn a_secret_of_unclear_origin_is_never_taken_for_the_new_one() {
    let mut journal = started_journal(AUTOMATIC);
    journal.push(JournalEntry::Intent(RotationStep::Create));
    let nameless = CreatedSecret { fingerprint: fingerprint(1), remote: None };
    journal.push(JournalEntry::Reconciled(ReconciliationResult::Creation(
        CreationStatus::InPendingSlot(nameless),
    )));
    assert!(
        matches!(next_step(&journal), NextStep::Reconcile(ReconcileQuery::Creation { stale, .. }) if stale.contains(&fingerprint(1)))
    );

    let mut found = started_journal(AUTOMATIC);
    found.push(JournalEntry::Intent(RotationStep::Create));
    found.push(JournalEntry::Reconciled(ReconciliationResult::Creation(
        CreationStatus::InPendingSlot(created_secret(1)),
    )));
    assert_eq!(
        next_step(&found),
        NextStep::Execute(StepAction::Stage(fingerprint(1))),
        "the provider lists it by name"
    );

    let mut hidden = started_journal(AUTOMATIC);
    for status in [CreationStatus::NotCreated, CreationStatus::InPendingSlot(created_secret(1))] {
        hidden.push(JournalEntry::Intent(RotationStep::Create));
        hidden.push(JournalEntry::Reconciled(ReconciliationResult::Creation(status)));
    }
    assert!(
        matches!(next_step(&hidden), NextStep::Reconcile(_)),
        "an earlier attempt may have created it"
    );
}

#[test]
fn an_unanswered_revocation_is_looked_for() {
    let mut journal = delivered_journal(AUTOMATIC);
    journal.push(JournalEntry::Intent(RotationStep::Revoke));
    assert_eq!(
        next_step(&journal),
        NextStep::Reconcile(ReconcileQuery::Revocation(RevocationTarget::ById(
            RemoteCredential::new("r0", "r0")
        )))
    );
}

#[test]
fn why_a_creation_was_refused_is_reported_for_creations_only() {
    let refused = |purpose| {
        let mut journal = RotationJournal::new(plan_for(purpose, AUTOMATIC));
        journal.push(JournalEntry::Failed(
            RotationStep::Create,
            StepFailure::new(StepFailureKind::Refused, "403 Forbidden"),
        ));
        journal.push(JournalEntry::Reconciled(ReconciliationResult::Creation(
            CreationStatus::NotCreated,
        )));
        decide(&mut journal, UserDecision::RollBack);
        while let NextStep::Execute(action) = next_step(&journal) {
            journal.push(JournalEntry::Done(if action == StepAction::FindOrphans {
                StepOutcome::OrphansListed(Vec::new())
            } else {
                StepOutcome::SlotsCleared
            }));
        }
        rotation_status(&journal)
    };
    let made = refused(RotationPurpose::Create);
    assert_eq!(
        (made.state, made.why.as_deref()),
        (RotationPhase::RolledBack, Some("403 Forbidden"))
    );
    let replaced = refused(RotationPurpose::Replace);
    assert_eq!(
        (replaced.state, replaced.why),
        (RotationPhase::RolledBack, None),
        "a rotation can continue manually"
    );
}

#[test]
fn the_user_does_not_choose_among_what_the_program_does_not_revoke() {
    let whole = delivered_journal(SIDE_BY_SIDE);
    let mut journal = RotationJournal::new(plan(SIDE_BY_SIDE));
    for entry in whole.entries() {
        journal.push(match entry {
            JournalEntry::Done(StepOutcome::SnapshotTaken(_)) => JournalEntry::Done(
                snapshot_taken(OldAccess::Known(reach(&["acme", "beta"])), &["r0", "r9"]),
            ),
            other => other.clone(),
        });
    }
    assert!(matches!(
        next_step(&journal),
        NextStep::AskUser(UserPrompt { kind: PromptKind::RevokeManually { .. }, .. })
    ));
}

#[test]
fn what_is_not_stored_yet_is_not_abandoned_for_another() {
    let mut journal = started_journal(AUTOMATIC);
    journal.push(JournalEntry::Done(StepOutcome::Created(created_secret(1))));
    journal.push(JournalEntry::Failed(
        RotationStep::Stage,
        StepFailure::new(StepFailureKind::Refused, "full"),
    ));
    let NextStep::AskUser(prompt) = next_step(&journal) else { panic!("no prompt") };
    assert!(!prompt.choices.contains(&UserDecision::CreateAnother), "{:?}", prompt.choices);
}

#[test]
fn what_is_lost_on_its_way_is_removed_and_made_again() {
    for step in [RotationStep::Stage, RotationStep::Verify, RotationStep::Promote] {
        let mut journal = verified_journal(AUTOMATIC, &["acme", "beta"]);
        journal.push(JournalEntry::Failed(
            step.clone(),
            StepFailure::new(StepFailureKind::SecretLost, "not in the store"),
        ));
        assert_eq!(
            next_step(&journal).step(),
            Some(RotationStep::DeleteOrphan("r1".into())),
            "{step}"
        );
        journal.push(JournalEntry::Done(StepOutcome::OrphanDeleted("r1".into())));
        assert_eq!(next_step(&journal).step(), Some(RotationStep::Create), "{step}");
    }
}

#[test]
fn every_paste_has_a_name_of_its_own() {
    let name = |journal: &RotationJournal| match next_step(journal) {
        NextStep::AskUser(UserPrompt { kind: PromptKind::PasteSecret { name, .. }, .. }) => name,
        other => panic!("no paste prompt: {other:?}"),
    };
    let mut journal = started_journal(SIDE_BY_SIDE);
    assert_eq!(name(&journal), journal.plan().remote_name(1));
    journal.push(JournalEntry::Done(StepOutcome::Pasted(created_secret(OLD))));
    assert_eq!(name(&journal), journal.plan().remote_name(2));
}

#[test]
fn what_the_user_pasted_is_theirs_whatever_was_looked_for_before() {
    let mut journal = started_journal(AUTOMATIC);
    journal.push(JournalEntry::Failed(
        RotationStep::Create,
        StepFailure::new(StepFailureKind::Refused, "403 Forbidden"),
    ));
    for status in [CreationStatus::NotCreated, CreationStatus::InPendingSlot(created_secret(1))] {
        journal.push(JournalEntry::Intent(RotationStep::AwaitPaste));
        journal.push(JournalEntry::Reconciled(ReconciliationResult::Creation(status)));
    }
    assert_eq!(next_step(&journal), NextStep::Execute(StepAction::Stage(fingerprint(1))));

    // A secret that is identified by its value is never missing from a list.
    let mut by_value = started_journal(BY_VALUE);
    for status in [CreationStatus::NotCreated, CreationStatus::InPendingSlot(created_secret(1))] {
        by_value.push(JournalEntry::Intent(RotationStep::Create));
        by_value.push(JournalEntry::Reconciled(ReconciliationResult::Creation(status)));
    }
    assert_eq!(next_step(&by_value), NextStep::Execute(StepAction::Stage(fingerprint(1))));
}

#[test]
fn without_overlap_there_is_no_rollback_from_an_abandoned_one() {
    let mut journal = verified_journal(ALONE, &["acme"]);
    assert!(check_rollback_allowed(&journal).is_err());
    decide(&mut journal, UserDecision::CreateAnother);
    assert!(matches!(
        next_step(&journal),
        NextStep::AskUser(UserPrompt { kind: PromptKind::PasteSecret { .. }, .. })
    ));
    assert!(check_rollback_allowed(&journal).is_err(), "the old secret stays invalid");
}
