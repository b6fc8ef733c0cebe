//! Tests of single conditions: what the machine refuses, what it asks the user, and what it
//! reports.

use super::world::{fingerprint, reach};
use super::*;

#[test]
fn the_whole_way_is_the_planned_one() {
    let plan = plan(AUTOMATIC);
    let steps: Vec<&str> = plan.steps.iter().map(|planned| planned.step.id()).collect();
    let order = [
        "prove-store",
        "snapshot",
        "create",
        "stash",
        "verify",
        "promote",
        "deliver",
        "deliver",
        "revoke",
        "prove-dead",
        "forget",
    ];
    assert_eq!(steps, order);
    assert_eq!(next_step(&RotationJournal::new(plan)), NextStep::Execute(StepAction::VerifyStore));
}

#[test]
fn a_weaker_successor_needs_the_name_typed() {
    let mut journal = verified_journal(AUTOMATIC, &["acme"]);
    let PromptKind::ConfirmOverride { comparison, .. } = prompt_of(&journal).kind else {
        panic!("not asked to override")
    };
    assert_eq!(
        comparison,
        ScopeComparison::Weaker(vec!["has no access to organization beta".into()])
    );
    decide(&mut journal, UserDecision::Override("yes".into()));
    assert!(
        matches!(prompt_of(&journal).kind, PromptKind::ConfirmOverride { .. }),
        "any other word is not accepted"
    );
    decide(&mut journal, UserDecision::Override("ci-scanner".into()));
    assert_eq!(step_of(&journal), RotationStep::Promote);
}

#[test]
fn a_secret_whose_principal_or_organizations_are_unknown_needs_the_name_typed() {
    let known = reach(&["acme"]);
    let unlisted = AccessScope { organizations: None, ..known.clone() };
    let mut unnamed = known.clone();
    unnamed.principal.id = UNKNOWN_PRINCIPAL_ID.to_owned();
    for strategy in [AUTOMATIC, ASSISTED] {
        for (old, new) in
            [(&unlisted, &unlisted), (&known, &unlisted), (&unlisted, &known), (&unnamed, &unnamed)]
        {
            let mut journal = verified_journal(strategy, &[]);
            let entries = journal.entries().to_vec();
            journal = RotationJournal::new(plan(strategy));
            for entry in entries {
                journal.push(match entry {
                    JournalEntry::Done(StepOutcome::SnapshotTaken(snapshot)) => {
                        let access = OldAccess::Known(old.clone());
                        let snapshot = OldSecretSnapshot { access, ..snapshot };
                        JournalEntry::Done(StepOutcome::SnapshotTaken(snapshot))
                    }
                    JournalEntry::Done(StepOutcome::Verified { fingerprint, named_id, .. }) => {
                        let reach = new.clone();
                        JournalEntry::Done(StepOutcome::Verified { fingerprint, reach, named_id })
                    }
                    other => other,
                });
            }
            let prompt = prompt_of(&journal);
            assert_eq!(prompt.step, RotationStep::Promote);
            assert!(
                matches!(
                    prompt.kind,
                    PromptKind::ConfirmOverride {
                        comparison: ScopeComparison::Incomparable(_),
                        ..
                    }
                ),
                "{prompt:?}"
            );
            decide(&mut journal, UserDecision::Override("ci-scanner".into()));
            assert_eq!(step_of(&journal), RotationStep::Promote);
        }
    }
}

#[test]
fn an_override_is_for_one_successor_and_not_for_the_next() {
    let mut journal = verified_journal(AUTOMATIC, &["acme"]);
    decide(&mut journal, UserDecision::CreateAnother);
    assert_eq!(
        step_of(&journal),
        RotationStep::DeleteOrphan("r1".into()),
        "the secret that was given up is deleted first"
    );
    journal.push(JournalEntry::Done(StepOutcome::OrphanDeleted("r1".into())));
    let NextStep::Execute(StepAction::Create { name }) = next_step(&journal) else {
        panic!("no further secret is created")
    };
    assert_eq!(parse_attempt(&plan(AUTOMATIC).rotation, &name), Some(2));
}

#[test]
fn an_old_secret_of_unknown_reach_is_said_to_be_so() {
    let old = snapshot_taken(OldAccess::Unknown("it was refused with 401".into()), &["r0"]);
    let journal = journal(
        AUTOMATIC,
        [
            StepOutcome::StoreVerified,
            old,
            StepOutcome::Created(created_secret(1)),
            StepOutcome::Staged(fingerprint(1)),
            verified(&["acme"]),
        ],
    );
    let prompt = prompt_of(&journal);
    assert!(prompt.describe().contains("it was refused with 401"), "{}", prompt.describe());
}

#[test]
fn another_secret_in_the_store_than_the_one_that_was_made_is_never_promoted() {
    let old = snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0"]);
    let other = StepOutcome::Verified {
        fingerprint: fingerprint(2),
        reach: reach(&["acme"]),
        named_id: None,
    };
    let journal = journal(
        AUTOMATIC,
        [
            StepOutcome::StoreVerified,
            old,
            StepOutcome::Created(created_secret(1)),
            StepOutcome::Staged(fingerprint(1)),
            other,
        ],
    );
    assert_eq!(
        step_of(&journal),
        RotationStep::DeleteOrphan("r1".into()),
        "the lost secret is deleted before another one is created"
    );
}

#[test]
fn revocation_needs_verification_promotion_and_every_consumer() {
    let whole = delivered_journal(AUTOMATIC);
    let NextStep::Execute(StepAction::Revoke(permit)) = next_step(&whole) else {
        panic!("not revoked")
    };
    assert_eq!(permit.target(), &RevocationTarget::ById(remote("r0")));
    for missing in 0..whole.entries().len() {
        let mut entries = whole.entries().to_vec();
        entries.remove(missing);
        let cut = RotationJournal::from_entries(
            std::iter::once(JournalEntry::Planned(Box::new(plan(AUTOMATIC))))
                .chain(entries.clone()),
        )
        .unwrap();
        let was_intent = matches!(whole.entries()[missing], JournalEntry::Intent(_));
        assert!(
            was_intent || !matches!(next_step(&cut), NextStep::Execute(StepAction::Revoke(_))),
            "revoked without {:?}",
            whole.entries()[missing]
        );
    }
}

#[test]
fn what_was_made_is_never_revoked_as_the_old_one() {
    let mut journal = RotationJournal::new(plan(AUTOMATIC));
    for entry in delivered_journal(AUTOMATIC).entries() {
        journal.push(match entry {
            JournalEntry::Done(StepOutcome::SnapshotTaken(_)) => JournalEntry::Done(
                snapshot_taken(OldAccess::Known(reach(&["acme", "beta"])), &["r1"]),
            ),
            other => other.clone(),
        });
    }
    let prompt = prompt_of(&journal);
    assert!(
        matches!(prompt.kind, PromptKind::RevokeManually { permit, .. } if permit.target() == &RevocationTarget::Unknown)
    );
}

#[test]
fn the_user_chooses_among_several_and_cannot_choose_the_new_one() {
    let mut journal = RotationJournal::new(plan(ASSISTED));
    for entry in delivered_journal(ASSISTED).entries() {
        journal.push(match entry {
            JournalEntry::Done(StepOutcome::SnapshotTaken(_)) => JournalEntry::Done(
                snapshot_taken(OldAccess::Known(reach(&["acme", "beta"])), &["r0", "r1", "r9"]),
            ),
            other => other.clone(),
        });
    }
    let PromptKind::SelectOld(among) = prompt_of(&journal).kind else {
        panic!("not asked to choose")
    };
    assert_eq!(among, [remote("r0"), remote("r9")]);
    decide(&mut journal, UserDecision::SelectedOld("r1".into()));
    assert!(matches!(prompt_of(&journal).kind, PromptKind::SelectOld(_)));
    decide(&mut journal, UserDecision::SelectedOld("r9".into()));
    assert_eq!(prompt_of(&journal).kind, PromptKind::ConfirmOld(remote("r9")));
    decide(&mut journal, UserDecision::Override("r0".into()));
    assert_eq!(prompt_of(&journal).kind, PromptKind::ConfirmOld(remote("r9")), "another name");
    decide(&mut journal, UserDecision::Override("r9".into()));
    assert!(
        matches!(next_step(&journal), NextStep::Execute(StepAction::Revoke(permit)) if permit.target() == &RevocationTarget::ById(remote("r9")))
    );
}

#[test]
fn the_user_creates_what_the_program_may_not() {
    let mut journal = journal(
        AUTOMATIC,
        [StepOutcome::StoreVerified, snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0"])],
    );
    fail(&mut journal, RotationStep::Create, StepFailureKind::Refused);
    nothing_happened(&mut journal, &RotationStep::Create);
    let prompt = prompt_of(&journal);
    assert_eq!(prompt.step, RotationStep::AwaitPaste);
    assert!(
        matches!(&prompt.kind, PromptKind::PasteSecret { why: Some(why), .. } if why == "403 Forbidden")
    );
    journal.push(JournalEntry::Intent(RotationStep::AwaitPaste));
    journal.push(JournalEntry::Done(StepOutcome::Pasted(created_secret(1))));
    assert_eq!(step_of(&journal), RotationStep::Stage);
}

#[test]
fn the_user_revokes_what_the_program_may_not() {
    let mut journal = delivered_journal(AUTOMATIC);
    fail(&mut journal, RotationStep::Revoke, StepFailureKind::Refused);
    nothing_happened(&mut journal, &RotationStep::Revoke);
    assert!(check_rollback_allowed(&journal).is_ok(), "the old secret was shown to work");
    assert!(matches!(prompt_of(&journal).kind, PromptKind::RevokeManually { .. }));
    decide(&mut journal, UserDecision::RevokedManually);
    assert_eq!(step_of(&journal), RotationStep::VerifyRevoked);
}

#[test]
fn a_full_house_asks_for_room() {
    let mut journal = journal(
        AUTOMATIC,
        [StepOutcome::StoreVerified, snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0"])],
    );
    fail(&mut journal, RotationStep::Create, StepFailureKind::QuotaExceeded);
    nothing_happened(&mut journal, &RotationStep::Create);
    let prompt = prompt_of(&journal);
    assert!(matches!(prompt.kind, PromptKind::FreeQuota { limit: Some(2), .. }));
    assert_eq!(prompt.choices, [UserDecision::Retry, UserDecision::RollBack]);
}

#[test]
fn the_old_secret_pasted_again_is_not_taken() {
    let old = snapshot_taken(OldAccess::Known(reach(&["acme"])), &[]);
    let journal = journal(
        GUIDED,
        [StepOutcome::StoreVerified, old, StepOutcome::Pasted(created_secret(OLD))],
    );
    assert!(
        matches!(prompt_of(&journal).kind, PromptKind::PasteSecret { why: Some(why), .. } if why.contains("old one"))
    );
    assert!(check_rollback_allowed(&journal).is_ok(), "nothing new was created");
}

#[test]
fn a_consumer_that_fails_stops_before_revocation_and_can_be_left_out_by_name() {
    let mut journal = verified_journal(AUTOMATIC, &["acme", "beta"]);
    journal.push(JournalEntry::Done(StepOutcome::Promoted(fingerprint(1))));
    let first = RotationStep::Deliver("dotenv:app".into());
    fail(&mut journal, first.clone(), StepFailureKind::Refused);
    let prompt = prompt_of(&journal);
    assert_eq!(prompt.step, first);
    assert_eq!(
        prompt.choices,
        [UserDecision::Retry, UserDecision::Skip(first.clone()), UserDecision::RollBack]
    );
    decide(&mut journal, UserDecision::Skip(first));
    assert_eq!(step_of(&journal), RotationStep::Deliver("github:acme/web".into()));
    assert_eq!(
        rotation_status(&journal).manual_steps,
        ["dotenv:app did not receive the new secret: update it manually"]
    );
}

#[test]
fn there_is_no_way_back_from_a_revocation_nor_from_a_paste_without_overlap() {
    let mut revoked = delivered_journal(AUTOMATIC);
    assert!(check_rollback_allowed(&revoked).is_ok());
    revoked.push(JournalEntry::Intent(RotationStep::Revoke));
    assert_eq!(check_rollback_allowed(&revoked), Err("the secret may already be revoked"));
    revoked.push(JournalEntry::Reconciled(ReconciliationResult::Revocation(
        RevocationStatus::StillActive,
    )));
    assert!(
        check_rollback_allowed(&revoked).is_err(),
        "a provider may still list a revoked secret for a while"
    );
    assert_eq!(step_of(&revoked), RotationStep::Revoke);
    revoked.push(JournalEntry::Done(StepOutcome::Revoked));
    decide(&mut revoked, UserDecision::RollBack);
    assert_eq!(step_of(&revoked), RotationStep::VerifyRevoked, "the rollback comes too late");

    let pasted = verified_journal(GUIDED, &["acme", "beta"]);
    assert_eq!(
        check_rollback_allowed(&pasted),
        Err("the old secret stopped working when the new one was created")
    );
}

#[test]
fn a_secret_of_another_user_does_not_count_as_revocation_of_the_old_one() {
    let mut foreign = verified_journal(GUIDED, &["acme", "beta"]);
    let mut elsewhere = reach(&["acme", "beta"]);
    elsewhere.principal.id = "bob".into();
    foreign.push(JournalEntry::Done(StepOutcome::Verified {
        fingerprint: fingerprint(1),
        reach: elsewhere,
        named_id: None,
    }));
    assert!(check_rollback_allowed(&foreign).is_ok());
    assert!(prompt_of(&foreign).choices.contains(&UserDecision::RollBack));
    let mut taken = foreign.clone();
    decide(&mut taken, UserDecision::Override("ci-scanner".into()));
    assert!(check_rollback_allowed(&taken).is_err(), "the user accepted it as the new secret");
    decide(&mut foreign, UserDecision::CreateAnother);
    assert!(check_rollback_allowed(&foreign).is_ok());
    foreign.push(JournalEntry::Done(StepOutcome::Pasted(created_secret(2))));
    assert!(check_rollback_allowed(&foreign).is_err(), "its principal is not known yet");
}

#[test]
fn why_a_pasted_secret_was_refused_is_reported_and_it_is_asked_for_again() {
    let old = snapshot_taken(OldAccess::Known(reach(&["acme"])), &[]);
    let mut journal = journal(GUIDED, [StepOutcome::StoreVerified, old]);
    fail(&mut journal, RotationStep::AwaitPaste, StepFailureKind::Refused);
    assert!(
        matches!(prompt_of(&journal).kind, PromptKind::PasteSecret { why: Some(why), .. } if why == "403 Forbidden")
    );
    assert!(check_rollback_allowed(&journal).is_ok(), "nothing new was created");
    assert!(rotation_status(&journal).next.contains("403 Forbidden"));
}

#[test]
fn rolling_back_takes_nothing_from_the_new_secret_before_the_old_one_is_shown_to_work() {
    let mut journal = delivered_journal(AUTOMATIC);
    decide(&mut journal, UserDecision::RollBack);
    assert_eq!(next_step(&journal), NextStep::Execute(StepAction::VerifyOld(fingerprint(OLD))));
    fail(&mut journal, RotationStep::VerifyOld, StepFailureKind::Refused);
    assert!(prompt_of(&journal).choices.contains(&UserDecision::Continue));
    decide(&mut journal, UserDecision::Continue);
    assert_eq!(step_of(&journal), RotationStep::Revoke);
}

#[test]
fn a_token_that_was_there_before_the_rotation_is_not_the_programs_to_delete() {
    let old = snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0", "r1"]);
    let mut journal = journal(
        ASSISTED,
        [
            StepOutcome::StoreVerified,
            old,
            StepOutcome::Pasted(created_secret(1)),
            StepOutcome::Staged(fingerprint(1)),
        ],
    );
    decide(&mut journal, UserDecision::RollBack);
    journal.push(JournalEntry::Done(StepOutcome::OldSecretVerified));
    assert!(
        matches!(
            prompt_of(&journal).kind,
            PromptKind::DeleteManually { target: RevocationTarget::Unknown, .. }
        ),
        "what was pasted does not say which token it is"
    );
}

#[test]
fn a_revoked_secret_that_works_on_is_polled_and_then_reported() {
    let mut journal = delivered_journal(AUTOMATIC);
    journal.push(JournalEntry::Done(StepOutcome::Revoked));
    let mut waits = 0;
    while let NextStep::Wait { then, .. } = {
        fail(&mut journal, RotationStep::VerifyRevoked, StepFailureKind::Retryable);
        next_step(&journal)
    } {
        assert_eq!(*then, NextStep::Execute(StepAction::VerifyRevoked(fingerprint(OLD))));
        waits += 1;
    }
    assert!(waits > 10, "{waits}");
    assert!(matches!(prompt_of(&journal).kind, PromptKind::StillActive(_)));
    decide(&mut journal, UserDecision::Skip(RotationStep::VerifyRevoked));
    journal.push(JournalEntry::Done(StepOutcome::SlotsCleared));
    let NextStep::Finished(RotationResult::Done { left }) = next_step(&journal) else {
        panic!("the rotation has not ended")
    };
    assert_eq!(
        left,
        ["Check at the provider that the old secret is revoked: its rejection was not verified"]
    );
}

#[test]
fn an_unanswered_creation_is_looked_for_and_never_repeated_blindly() {
    let mut journal = journal(
        AUTOMATIC,
        [StepOutcome::StoreVerified, snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0"])],
    );
    journal.push(JournalEntry::Intent(RotationStep::Create));
    let NextStep::Reconcile(ReconcileQuery::Creation { name: Some(name), stale }) =
        next_step(&journal)
    else {
        panic!("no reconcile query")
    };
    assert_eq!(parse_attempt(&plan(AUTOMATIC).rotation, &name), Some(1));
    assert_eq!(stale, [fingerprint(OLD)]);
    journal.push(JournalEntry::Reconciled(ReconciliationResult::Creation(
        CreationStatus::Orphaned(remote("r1")),
    )));
    assert_eq!(step_of(&journal), RotationStep::DeleteOrphan("r1".into()));
}

#[test]
fn an_abandoned_secret_is_not_taken_for_a_later_one() {
    let mut journal = verified_journal(AUTOMATIC, &["acme"]);
    decide(&mut journal, UserDecision::CreateAnother);
    journal.push(JournalEntry::Done(StepOutcome::OrphanDeleted("r1".into())));
    journal.push(JournalEntry::Intent(RotationStep::Create));
    journal.push(JournalEntry::Reconciled(ReconciliationResult::Creation(
        CreationStatus::InPendingSlot(created_secret(1)),
    )));
    assert_eq!(step_of(&journal), RotationStep::Create, "the slot still held the previous secret");
}

#[test]
fn after_an_unanswered_creation_the_provider_is_swept_before_the_end() {
    let mut journal = journal(
        AUTOMATIC,
        [StepOutcome::StoreVerified, snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0"])],
    );
    journal.push(JournalEntry::Intent(RotationStep::Create));
    journal
        .push(JournalEntry::Reconciled(ReconciliationResult::Creation(CreationStatus::NotCreated)));
    let whole = delivered_journal(AUTOMATIC);
    whole
        .entries()
        .iter()
        .filter(|entry| **entry != JournalEntry::Done(StepOutcome::StoreVerified))
        .for_each(|entry| journal.push(entry.clone()));
    for outcome in [StepOutcome::Revoked, StepOutcome::OldSecretRejected, StepOutcome::SlotsCleared]
    {
        journal.push(JournalEntry::Done(outcome));
    }
    assert_eq!(step_of(&journal), RotationStep::FindOrphans);
    // The program created attempts 1 and 2; the user may have created attempt 3 under the suggested
    // name.
    let marked =
        |id: &str, attempt: u32| RemoteCredential::new(id, journal.plan().remote_name(attempt));
    let swept = vec![remote("r1"), marked("r4", 3), marked("r5", 1)];
    journal.push(JournalEntry::Done(StepOutcome::OrphansListed(swept)));
    assert_eq!(
        step_of(&journal),
        RotationStep::DeleteOrphan("r5".into()),
        "neither the new secret nor the user's credential is an orphan"
    );
}

#[test]
fn a_journal_begins_with_its_plan_and_holds_no_other() {
    let plan = || JournalEntry::Planned(Box::new(plan(AUTOMATIC)));
    assert_eq!(RotationJournal::from_entries([]), Err(RotationJournalError::MissingPlan));
    assert_eq!(
        RotationJournal::from_entries([JournalEntry::Intent(RotationStep::Create), plan()]),
        Err(RotationJournalError::MissingPlan)
    );
    assert_eq!(
        RotationJournal::from_entries([
            plan(),
            JournalEntry::Intent(RotationStep::VerifyStore),
            plan()
        ]),
        Err(RotationJournalError::SecondPlan(3))
    );
}

#[test]
fn a_rotation_that_waits_for_a_paste_needs_a_human_also_after_a_restart() {
    let old = snapshot_taken(OldAccess::Known(reach(&["acme"])), &[]);
    let mut journal = journal(GUIDED, [StepOutcome::StoreVerified, old]);
    assert_eq!(rotation_status(&journal).state, RotationPhase::NeedsUser);
    journal.push(JournalEntry::Intent(RotationStep::AwaitPaste));
    assert_eq!(rotation_status(&journal).state, RotationPhase::NeedsUser);
    assert!(
        waiting_line(journal.plan(), &next_step(&journal)).is_none(),
        "the reconcile query comes first"
    );
    journal
        .push(JournalEntry::Reconciled(ReconciliationResult::Creation(CreationStatus::NotCreated)));
    assert_eq!(
        waiting_line(journal.plan(), &next_step(&journal)).unwrap().state,
        StepStatus::Waiting
    );
}

#[test]
fn a_creation_that_is_refused_ends_by_itself_and_says_why() {
    for kind in [StepFailureKind::Refused, StepFailureKind::QuotaExceeded] {
        let mut journal = RotationJournal::new(plan_for(RotationPurpose::Create, AUTOMATIC));
        journal.push(JournalEntry::Done(StepOutcome::StoreVerified));
        fail(&mut journal, RotationStep::Create, kind);
        nothing_happened(&mut journal, &RotationStep::Create);
        assert_eq!(next_step(&journal), NextStep::Execute(StepAction::FindOrphans));
        journal.push(JournalEntry::Done(StepOutcome::OrphansListed(Vec::new())));
        assert_eq!(next_step(&journal), NextStep::Execute(StepAction::ClearSlots));
        journal.push(JournalEntry::Done(StepOutcome::SlotsCleared));
        let status = rotation_status(&journal);
        assert_eq!(
            (status.state, status.why.as_deref(), &status.manual_steps[..]),
            (RotationPhase::RolledBack, Some("403 Forbidden"), &[][..])
        );
    }
}

#[test]
fn what_is_only_to_be_revoked_needs_no_successor_and_nothing_else_may_be_revoked_without_one() {
    let snapshot_taken = || snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0"]);
    let mut journal = RotationJournal::new(plan_for(RotationPurpose::Revoke, AUTOMATIC));
    assert_eq!(step_of(&journal), RotationStep::Snapshot, "the snapshot comes first");
    journal.push(JournalEntry::Done(snapshot_taken()));
    assert!(
        matches!(next_step(&journal), NextStep::Execute(StepAction::Revoke(permit)) if permit.target() == &RevocationTarget::ById(remote("r0")))
    );
    fail(&mut journal, RotationStep::Revoke, StepFailureKind::Refused);
    nothing_happened(&mut journal, &RotationStep::Revoke);
    let prompt = prompt_of(&journal);
    assert!(
        matches!(prompt.kind, PromptKind::RevokeManually { .. })
            && prompt.describe().contains("Revoke the secret on the provider's page"),
        "{prompt:?}"
    );
    assert_eq!(check_rollback_allowed(&journal), Ok(()));
}

#[test]
fn a_refused_paste_does_not_prevent_a_later_one() {
    let mut journal = journal(
        GUIDED,
        [StepOutcome::StoreVerified, snapshot_taken(OldAccess::Known(reach(&["acme"])), &[])],
    );
    journal.push(JournalEntry::Intent(RotationStep::AwaitPaste));
    fail(&mut journal, RotationStep::AwaitPaste, StepFailureKind::Refused);
    journal.push(JournalEntry::Intent(RotationStep::AwaitPaste));
    assert!(
        matches!(next_step(&journal), NextStep::Reconcile(ReconcileQuery::Paste { .. })),
        "a later process reconciles first"
    );
    journal
        .push(JournalEntry::Reconciled(ReconciliationResult::Creation(CreationStatus::NotCreated)));
    assert!(
        matches!(prompt_of(&journal).kind, PromptKind::PasteSecret { why: Some(why), .. } if why == "403 Forbidden")
    );
}
