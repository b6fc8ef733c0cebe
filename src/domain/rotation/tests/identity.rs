//! Tests of which account or secret a step concerns: what is named, pasted, chosen or only listed.

use super::world::{fingerprint, reach};
use super::*;

/// Returns the journal of a rotation in which the creation was refused and a secret was pasted that
/// names `named_id`; before, `listed` existed.
fn pasted_journal(listed: Option<&[&str]>, named_id: Option<&str>) -> RotationJournal {
    let StepOutcome::SnapshotTaken(old) =
        snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0"])
    else {
        unreachable!("a snapshot")
    };
    let listed_ids = listed.map(|ids| ids.iter().map(|&id| id.to_owned()).collect());
    let mut journal = journal(
        AUTOMATIC,
        [
            StepOutcome::StoreVerified,
            StepOutcome::SnapshotTaken(OldSecretSnapshot { listed_ids, ..old }),
        ],
    );
    fail(&mut journal, RotationStep::Create, StepFailureKind::Refused);
    nothing_happened(&mut journal, &RotationStep::Create);
    for outcome in [
        StepOutcome::Pasted(created_secret(1)),
        StepOutcome::Staged(fingerprint(1)),
        StepOutcome::Verified {
            fingerprint: fingerprint(1),
            reach: reach(&["acme"]),
            named_id: named_id.map(str::to_owned),
        },
    ] {
        journal.push(JournalEntry::Intent(outcome.step()));
        journal.push(JournalEntry::Done(outcome));
    }
    journal
}

#[test]
fn a_pasted_secret_of_an_existing_account_is_not_the_new_one() {
    let before: Option<&[&str]> = Some(&["r0", "r7"]);
    for (named, expected) in [("r0", "r0"), ("r7", "r7")] {
        let PromptKind::ConfirmOverride { comparison, .. } =
            prompt_of(&pasted_journal(before, Some(named))).kind
        else {
            panic!("accepted without a question: {named}")
        };
        assert_eq!(
            comparison,
            ScopeComparison::Different(vec![format!(
                "belongs to {expected}, which existed before this rotation"
            )])
        );
    }
    assert!(matches!(
        next_step(&pasted_journal(before, Some("r1"))),
        NextStep::Execute(StepAction::Promote(_))
    ));
}

#[test]
fn what_is_unknown_about_a_pasted_secret_is_never_the_same() {
    for journal in [pasted_journal(None, Some("r1")), pasted_journal(Some(&["r0"]), None)] {
        assert!(matches!(
            prompt_of(&journal).kind,
            PromptKind::ConfirmOverride { comparison: ScopeComparison::Incomparable(_), .. }
        ));
    }
}

#[test]
fn the_named_account_is_deleted_and_not_the_one_that_a_list_suggests() {
    let mut journal = pasted_journal(Some(&["r0"]), Some("r5"));
    decide(&mut journal, UserDecision::RollBack);
    journal.push(JournalEntry::Done(StepOutcome::OldSecretVerified));
    let NextStep::Execute(StepAction::DeleteOrphan(permit)) = next_step(&journal) else {
        panic!("{:?}", next_step(&journal))
    };
    assert_eq!(permit.target(), &RevocationTarget::ById(remote("r5")));
}

/// Rolls back to the end, and returns the notes about the result.
fn notes_after_rollback(mut journal: RotationJournal) -> Vec<String> {
    decide(&mut journal, UserDecision::RollBack);
    for outcome in [
        StepOutcome::OldSecretVerified,
        StepOutcome::OrphansListed(Vec::new()),
        StepOutcome::SlotsCleared,
    ] {
        journal.push(JournalEntry::Done(outcome));
    }
    let status = rotation_status(&journal);
    assert_eq!(
        (status.state, status.manual_steps.len()),
        (RotationPhase::RolledBack, 0),
        "nothing is deleted"
    );
    status.notes
}

#[test]
fn a_pasted_secret_that_existed_before_is_left_alone_and_noted() {
    let note = |id: &str| {
        format!(
            "The pasted secret belongs to {id}, which existed before this rotation: \
             it was not revoked and still works."
        )
    };
    for id in ["r0", "r7"] {
        let existing = || pasted_journal(Some(&["r0", "r7"]), Some(id));
        assert_eq!(notes_after_rollback(existing()), [note(id)]);
        let mut given_up = existing();
        decide(&mut given_up, UserDecision::CreateAnother);
        assert_eq!(notes_after_rollback(given_up), [note(id)], "another one was asked for");
    }
}

#[test]
fn what_an_abandoned_rotation_left_is_described_by_a_name_only_where_it_has_one() {
    let left = |strategy| {
        let mut journal = verified_journal(strategy, &["acme", "beta"]);
        decide(&mut journal, UserDecision::Abandon);
        rotation_status(&journal).manual_steps.join("; ")
    };
    for (strategy, has_name) in [
        (RotationStrategyId::SnykServiceAccount, true),
        (RotationStrategyId::ApiWebKey, true),
        (RotationStrategyId::SnykPersonalAccessToken, true),
        (RotationStrategyId::SnykServiceAccountSecret, false),
        (RotationStrategyId::SnykAppSecret, false),
        (RotationStrategyId::SnykAppSession, false),
    ] {
        let text = left((strategy, true));
        assert_eq!(text.contains("has a name that contains"), has_name, "{strategy:?}: {text}");
        assert_eq!(text.contains("has no name there"), !has_name, "{strategy:?}: {text}");
    }
}

#[test]
fn an_account_that_the_old_secret_does_not_name_is_revoked_only_after_its_name_was_typed() {
    let whole = delivered_journal(AUTOMATIC);
    let mut journal = RotationJournal::new(plan(AUTOMATIC));
    for entry in whole.entries() {
        journal.push(match entry {
            JournalEntry::Done(StepOutcome::SnapshotTaken(old)) => {
                let old = OldSecretSnapshot { named_id: None, ..old.clone() };
                JournalEntry::Done(StepOutcome::SnapshotTaken(old))
            }
            other => other.clone(),
        });
    }
    let prompt = prompt_of(&journal);
    assert_eq!(prompt.kind, PromptKind::SelectOld(vec![remote("r0")]));
    assert!(prompt.choices.contains(&UserDecision::NoneOfThese));
    let mut none = journal.clone();
    decide(&mut none, UserDecision::NoneOfThese);
    assert!(matches!(prompt_of(&none).kind, PromptKind::RevokeManually { .. }));
    decide(&mut journal, UserDecision::SelectedOld("r0".into()));
    decide(&mut journal, UserDecision::Override("r0".into()));
    assert!(
        matches!(next_step(&journal), NextStep::Execute(StepAction::Revoke(permit)) if permit.target() == &RevocationTarget::ById(remote("r0")))
    );
}

#[test]
fn a_refused_revocation_that_happened_leads_forward_only() {
    let mut journal = delivered_journal(AUTOMATIC);
    fail(&mut journal, RotationStep::Revoke, StepFailureKind::Refused);
    journal.push(JournalEntry::Reconciled(ReconciliationResult::Revocation(
        RevocationStatus::Revoked,
    )));
    assert!(check_rollback_allowed(&journal).is_err());
    assert_eq!(step_of(&journal), RotationStep::VerifyRevoked);
}

#[test]
fn a_refused_creation_that_happened_is_deleted() {
    let mut journal = journal(
        AUTOMATIC,
        [StepOutcome::StoreVerified, snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0"])],
    );
    fail(&mut journal, RotationStep::Create, StepFailureKind::Refused);
    let name = journal.plan().remote_name(1);
    let orphan = RemoteCredential::new("r1", name);
    journal.push(JournalEntry::Reconciled(ReconciliationResult::Creation(
        CreationStatus::Orphaned(orphan.clone()),
    )));
    let NextStep::Execute(StepAction::DeleteOrphan(permit)) = next_step(&journal) else {
        panic!("{:?}", next_step(&journal))
    };
    assert_eq!(permit.target(), &RevocationTarget::ById(orphan));
}

/// Returns the journal of a session rotation up to the sign-in.
fn session_journal() -> RotationJournal {
    journal(
        (RotationStrategyId::SnykAppSession, true),
        [StepOutcome::StoreVerified, snapshot_taken(OldAccess::Known(reach(&["acme"])), &[])],
    )
}

#[test]
fn the_user_signs_in_before_anything_is_created_and_once_for_each_attempt() {
    let mut journal = session_journal();
    let prompt = prompt_of(&journal);
    assert_eq!(
        (prompt.step, prompt.kind, prompt.choices),
        (RotationStep::AwaitSignIn, PromptKind::SignIn, vec![UserDecision::RollBack])
    );
    journal.push(JournalEntry::Intent(RotationStep::AwaitSignIn));
    assert_eq!(
        prompt_of(&journal).kind,
        PromptKind::SignIn,
        "after a crash the user signs in again"
    );
    journal.push(JournalEntry::Done(StepOutcome::SignedIn));
    assert_eq!(step_of(&journal), RotationStep::Create);
    fail(&mut journal, RotationStep::Create, StepFailureKind::Retryable);
    assert_eq!(step_of(&journal), RotationStep::Create, "the authorization code was not used");
    fail(&mut journal, RotationStep::Create, StepFailureKind::SecretLost);
    assert_eq!(
        prompt_of(&journal).kind,
        PromptKind::SignIn,
        "the authorization code of another process is lost"
    );
}

#[test]
fn a_user_who_denied_is_not_sent_to_the_page_again_unasked() {
    for step in [RotationStep::AwaitSignIn, RotationStep::Create] {
        let mut journal = session_journal();
        fail(&mut journal, step.clone(), StepFailureKind::Refused);
        let prompt = prompt_of(&journal);
        assert_eq!(
            (&prompt.kind, prompt.choices),
            (
                &PromptKind::StepBlocked("403 Forbidden".into()),
                vec![UserDecision::Retry, UserDecision::RollBack]
            ),
            "{step}"
        );
        decide(&mut journal, UserDecision::Retry);
        assert_eq!(prompt_of(&journal).kind, PromptKind::SignIn);
    }
}

#[test]
fn a_session_whose_response_was_lost_is_left_to_the_user_and_another_sign_in_follows() {
    let mut journal = session_journal();
    journal.push(JournalEntry::Done(StepOutcome::SignedIn));
    journal.push(JournalEntry::Intent(RotationStep::Create));
    assert!(matches!(
        next_step(&journal),
        NextStep::Reconcile(ReconcileQuery::Creation { name: None, .. })
    ));
    journal.push(JournalEntry::Reconciled(ReconciliationResult::Creation(
        CreationStatus::Unknown("it lists no secrets".into()),
    )));
    let prompt = prompt_of(&journal);
    assert!(matches!(
        prompt.kind,
        PromptKind::DeleteManually { target: RevocationTarget::Unknown, .. }
    ));
    decide(&mut journal, UserDecision::Skip(prompt.step));
    assert_eq!(prompt_of(&journal).kind, PromptKind::SignIn);
    assert_eq!(
        rotation_status(&journal).manual_steps.len(),
        2,
        "the orphan and the sign-in are both listed: {:?}",
        rotation_status(&journal).manual_steps
    );
}

#[test]
fn the_plan_of_an_older_journal_names_no_sign_in_and_has_one_anyway() {
    let mut plan = plan((RotationStrategyId::SnykAppSession, true));
    plan.steps.retain(|planned| planned.step != RotationStep::AwaitSignIn);
    let mut journal = RotationJournal::new(plan);
    session_journal().entries().iter().for_each(|entry| journal.push(entry.clone()));
    assert_eq!(prompt_of(&journal).kind, PromptKind::SignIn);
    journal.push(JournalEntry::Done(StepOutcome::SignedIn));
    assert_eq!(step_of(&journal), RotationStep::Create);
}
