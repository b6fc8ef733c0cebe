//! Tests of rotations in which the user signs in.

use super::journals::*;
use super::world::reach;
use super::*;

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
