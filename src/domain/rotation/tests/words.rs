//! Tests of the texts of a rotation: plans, entries and status, pinned by snapshots.

use std::fmt::Write as _;

use super::world::{fingerprint, reach};
use super::*;
use crate::domain::rotation::status::{entry_line, plan_lines, rotation_status};
use crate::domain::rotation::tests::{AUTOMATIC, GUIDED, delivered_journal, verified_journal};

const PURPOSES: [RotationPurpose; 3] =
    [RotationPurpose::Replace, RotationPurpose::Create, RotationPurpose::Revoke];

/// Formats progress lines with step and state.
fn page(lines: impl IntoIterator<Item = ProgressLine>) -> String {
    lines.into_iter().fold(String::new(), |mut page, line| {
        writeln!(page, "  {} {:?}: {}", line.step, line.state, line.detail).unwrap();
        page
    })
}

/// Compares a text with its reviewed snapshot.
fn reviewed(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn every_plan_says_what_it_does_and_what_to_know_beforehand() {
    let mut pages = String::new();
    for (purpose, strategy) in PURPOSES
        .into_iter()
        .flat_map(|purpose| strategies().into_iter().map(move |strategy| (purpose, strategy)))
    {
        let plan = plan_for(purpose, strategy);
        writeln!(
            pages,
            "{purpose:?} by {:?}, overlap {}: {}",
            strategy.0,
            strategy.1,
            plan.title()
        )
        .unwrap();
        writeln!(
            pages,
            "  {:?}, at most {:?}, {:?}",
            plan.overlap, plan.max_live, plan.instructions
        )
        .unwrap();
        pages.push_str(&page(plan_lines(&plan)));
    }
    reviewed("plans", &pages);
}

#[test]
fn a_part_without_consumer_has_a_warning_and_a_reason_is_stored() {
    let plan = plan_for(RotationPurpose::Replace, AUTOMATIC);
    let part = SecretPart::Named("client_secret".into());
    let alone = RotationPlan { part: part.clone(), steps: Vec::new(), ..plan.clone() };
    assert!(
        alone
            .warning()
            .is_some_and(|warning| warning.starts_with("No consumer receives the client_secret"))
    );
    let given = RotationPlan { part, overlap: SecretOverlap::Absent, ..plan.clone() };
    assert!(given.warning().is_some_and(|warning| warning.starts_with("No overlap")));
    assert_eq!(plan.warning(), None);
    assert_eq!(plan.with_reason("it leaked").reason, "it leaked");
}

#[test]
fn a_limit_is_reported_where_it_may_be_reached() {
    let told = |max_live| {
        RotationPlan {
            max_live,
            ..plan_for(RotationPurpose::Replace, (RotationStrategyId::ApiWebKey, true))
        }
        .limit_warning()
    };
    assert!(told(Some(2)).is_some_and(|limit| limit.contains(" 2 ")));
    assert_eq!(
        [None, Some(0), Some(1)].map(told),
        [None, None, None],
        "a limit of one means no overlap, which has its own warning"
    );
    let mut idle = plan_for(RotationPurpose::Replace, (RotationStrategyId::ApiWebKey, true));
    idle.steps.retain(|planned| planned.step != RotationStep::Create);
    assert_eq!(idle.limit_warning(), None, "nothing is created");
}

#[test]
fn every_entry_is_described() {
    let created_secret = |id: Option<&str>| CreatedSecret {
        fingerprint: fingerprint(1),
        remote: id.map(|id| RemoteCredential::new(id, "label")),
    };
    let outcomes = [
        StepOutcome::Created(created_secret(Some("r1"))),
        StepOutcome::Pasted(created_secret(None)),
        StepOutcome::SignedIn,
        StepOutcome::Verified {
            fingerprint: fingerprint(1),
            reach: reach(&["acme"]),
            named_id: None,
        },
        StepOutcome::Verified {
            fingerprint: fingerprint(1),
            reach: reach(&["acme", "beta"]),
            named_id: None,
        },
        StepOutcome::Delivered("dotenv:app".into()),
        StepOutcome::OrphansListed(vec![RemoteCredential::new("r1", "label")]),
        StepOutcome::Revoked,
    ];
    let results = [
        ReconciliationResult::Creation(CreationStatus::InPendingSlot(created_secret(None))),
        ReconciliationResult::Creation(CreationStatus::Orphaned(RemoteCredential::new(
            "r1", "label",
        ))),
        ReconciliationResult::Creation(CreationStatus::NotCreated),
        ReconciliationResult::Creation(CreationStatus::Unknown("503".into())),
        ReconciliationResult::Revocation(RevocationStatus::Revoked),
        ReconciliationResult::Revocation(RevocationStatus::StillActive),
    ];
    let decisions = [
        UserDecision::Retry,
        UserDecision::Skip(RotationStep::VerifyRevoked),
        UserDecision::Override("ci-scanner".into()),
        UserDecision::SelectedOld("r1".into()),
        UserDecision::DeletedManually("r1".into()),
        UserDecision::RevokedManually,
        UserDecision::CreateAnother,
        UserDecision::RollBack,
        UserDecision::Continue,
        UserDecision::NoneOfThese,
        UserDecision::Abandon,
    ];
    let plan = plan_for(RotationPurpose::Replace, AUTOMATIC);
    let entries = [
        JournalEntry::Intent(RotationStep::Create),
        JournalEntry::Failed(
            RotationStep::Create,
            StepFailure::new(StepFailureKind::Refused, "403 Forbidden"),
        ),
    ];
    let entries = entries
        .into_iter()
        .chain(outcomes.map(JournalEntry::Done))
        .chain(results.map(JournalEntry::Reconciled));
    let entries: Vec<_> = entries.chain(decisions.map(JournalEntry::UserDecision)).collect();
    assert_eq!(
        entry_line(&plan, &JournalEntry::Planned(Box::new(plan.clone()))),
        None,
        "the plan has separate lines"
    );
    reviewed("entries", &page(entries.iter().filter_map(|entry| entry_line(&plan, entry))));
}

#[test]
fn remaining_tasks_are_reported_in_prompts_and_at_the_end() {
    let mut asked = verified_journal(AUTOMATIC, &["acme"]);
    let told = rotation_status(&asked);
    assert_eq!((told.state, told.manual_steps.len()), (RotationPhase::NeedsUser, 1), "{told:?}");
    assert_eq!(
        told.manual_steps,
        std::slice::from_ref(&told.next),
        "the open prompt is the task that is left"
    );
    asked.push(JournalEntry::UserDecision(UserDecision::Override("ci-scanner".into())));
    assert_eq!(
        (rotation_status(&asked).state, rotation_status(&asked).manual_steps),
        (RotationPhase::Running, Vec::new())
    );

    let mut over = delivered_journal(AUTOMATIC);
    for outcome in [StepOutcome::Revoked, StepOutcome::OldSecretRejected, StepOutcome::SlotsCleared]
    {
        over.push(JournalEntry::Intent(outcome.step()));
        over.push(JournalEntry::Done(outcome));
    }
    assert_eq!(
        (rotation_status(&over).state, rotation_status(&over).why),
        (RotationPhase::Done, None)
    );
}

#[test]
fn repeated_and_skipped_steps_are_distinguished() {
    let consumer = || "dotenv:app".to_owned();
    for (step, is_repeatable, is_skippable) in [
        (RotationStep::VerifyStore, true, false),
        (RotationStep::Snapshot, true, false),
        (RotationStep::Create, false, true),
        (RotationStep::AwaitPaste, false, false),
        (RotationStep::Stage, true, false),
        (RotationStep::Verify, true, false),
        (RotationStep::Promote, true, false),
        (RotationStep::Deliver(consumer()), true, true),
        (RotationStep::Revoke, false, false),
        (RotationStep::VerifyRevoked, true, true),
        (RotationStep::ClearSlots, true, false),
        (RotationStep::DeleteOrphan("r1".into()), true, true),
        (RotationStep::FindOrphans, true, true),
        (RotationStep::VerifyOld, true, true),
        (RotationStep::RestoreOld, true, false),
        (RotationStep::RestoreConsumer(consumer()), true, true),
    ] {
        assert_eq!(
            (step.is_repeatable(), step.is_skippable()),
            (is_repeatable, is_skippable),
            "{step}"
        );
    }
}

#[test]
fn entries_are_json_of_a_form_that_stays() {
    let entries = [
        (
            JournalEntry::Intent(RotationStep::Deliver("dotenv:app".into())),
            r#"{"intent":{"deliver":"dotenv:app"}}"#,
        ),
        (JournalEntry::Done(StepOutcome::StoreVerified), r#"{"done":"store-proven"}"#),
        (
            JournalEntry::Failed(
                RotationStep::Create,
                StepFailure::new(StepFailureKind::OutcomeUnknown, "timeout"),
            ),
            r#"{"failed":["create",{"kind":"unanswered","why":"timeout"}]}"#,
        ),
        (
            JournalEntry::UserDecision(UserDecision::Skip(RotationStep::VerifyRevoked)),
            r#"{"human-said":{"skip":"prove-dead"}}"#,
        ),
        (
            JournalEntry::Reconciled(ReconciliationResult::Revocation(RevocationStatus::Revoked)),
            r#"{"reconciled":{"revocation":"gone"}}"#,
        ),
    ];
    for (entry, json) in entries {
        assert_eq!(serde_json::to_string(&entry).unwrap(), json);
        assert_eq!(serde_json::from_str::<JournalEntry>(json).unwrap(), entry);
    }
}

#[test]
fn status_and_lines_have_the_documented_shape() {
    let journal = RotationJournal::new(plan(GUIDED));
    let json = serde_json::to_value(rotation_status(&journal)).unwrap();
    assert_eq!(
        (&json["state"], &json["step"], &json["name"]),
        (&"running".into(), &"prove-store".into(), &"ci-scanner".into())
    );
    let lines = plan_lines(journal.plan());
    assert!(lines[0].detail.starts_with("No overlap"), "the warning comes first");
    assert!(lines[1].detail.contains("allows 2 of these"), "then the limit");
    let line = serde_json::to_string(&lines[2]).unwrap();
    assert_eq!(
        line,
        r#"{"rotation":"0707070707070707","step":"prove-store","state":"planned","detail":"Verify that the store can write and read back"}"#
    );
}
