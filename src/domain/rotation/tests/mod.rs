//! Model tests of the rotation: every plan in a simulated world where every call can fail in every
//! way, and the user can roll back at every point.
//!
//! `world.rs` simulates provider, store and consumers, `driver.rs` runs the machine in it,
//! `gates.rs`, `identity.rs` and `back.rs` test single conditions, from the journals below; `words.rs` pins the texts.

mod back;
mod driver;
mod gates;
mod identity;
mod words;
pub(super) mod world;

use std::collections::BTreeMap;

use driver::drive;
use proptest::prelude::*;
use world::{FAULTS, Fault, OLD, STRANGER, World};

use super::*;
use crate::domain::Timestamp;
use crate::domain::credential::{Credential, CredentialId, CredentialName, SecretPart, SecretSlot};
use crate::domain::provider::spec::{AuthMethod, CredentialKind, RotationSpec, RotationStrategyId};
use crate::domain::rotation::tests::world::{fingerprint, reach};

/// Rotation strategy, and whether the old and the new secret overlap.
type StrategyCase = (RotationStrategyId, bool);

/// Returns all strategies with overlap, and without it where the user does everything.
fn strategies() -> Vec<StrategyCase> {
    let all = RotationStrategyId::ALL.iter().copied();
    let manual = all.clone().filter(|strategy| strategy.spec().is_manual());
    manual.map(|strategy| (strategy, false)).chain(all.map(|strategy| (strategy, true))).collect()
}

/// Returns one strategy for each row of the traits table; the others differ only in their calls.
fn distinct() -> impl Iterator<Item = StrategyCase> {
    let mut found: Vec<StrategyCase> = Vec::new();
    for case in strategies() {
        if found.iter().all(|known| row(*known) != row(case)) {
            found.push(case);
        }
    }
    found.into_iter()
}

fn row(strategy: StrategyCase) -> (StrategyTraits, bool) {
    (plan(strategy).strategy_traits(), strategy.1)
}

fn plan(strategy: StrategyCase) -> RotationPlan {
    plan_for(RotationPurpose::Replace, strategy)
}

fn plan_for(purpose: RotationPurpose, case: StrategyCase) -> RotationPlan {
    let (strategy, overlap) = case;
    let credential = Credential {
        id: CredentialId::from_random([1; 16]),
        name: CredentialName::parse("ci-scanner").unwrap(),
        provider: "snyk".into(),
        kind: "kind".into(),
        region: "SNYK-EU-01".into(),
        fields: BTreeMap::new(),
        labels: Vec::new(),
        created: Timestamp::UNIX_EPOCH,
        expires: None,
        fingerprint: None,
        principal: None,
        scheme: None,
        last_check: None,
    };
    let kind = CredentialKind {
        id: "kind".into(),
        title: String::new(),
        help: String::new(),
        secret: "token".into(),
        authorization: AuthMethod::Header { scheme: "token".into(), fallback: None },
        recognition_rules: Vec::new(),
        principal_type: None,
        fields: Vec::new(),
        parts: Vec::new(),
        check: "self".into(),
        page: None,
        docs: String::new(),
        max_days: None,
        credential_listing: None,
        max_live: Some(2),
        rotation: RotationSpec { strategy, overlap, manual_steps: "Open the page.".into() },
        caution: None,
        environment: Vec::new(),
    };
    RotationPlan::new(PlanRequest {
        rotation: RotationId::from_random([7; 8]),
        purpose,
        credential: &credential,
        kind: &kind,
        part: SecretPart::Secret,
        replacement: &kind.rotation,
        consumers: vec!["dotenv:app".into(), "github:acme/web".into()],
        check_request: "GET /rest/self".into(),
        administrator: None,
    })
}

#[test]
fn a_plan_of_an_older_journal_is_about_the_secret_itself() {
    let drawn = RotationPlan {
        part: SecretPart::Named("client_secret".into()),
        ..plan((RotationStrategyId::Manual, false))
    };
    let mut kept = serde_json::to_value(&drawn).unwrap();
    assert_eq!(serde_json::from_value::<RotationPlan>(kept.clone()).unwrap(), drawn);
    kept.as_object_mut().unwrap().remove("part").unwrap();
    assert_eq!(serde_json::from_value::<RotationPlan>(kept).unwrap().part, SecretPart::Secret);
}

/// Runs a rotation to its end and checks the final state.
fn run(strategy: StrategyCase, faults: &[(usize, Fault)], abort: Option<usize>, lag: u32) -> World {
    run_for(plan(strategy), faults, abort, lag)
}

fn run_for(plan: RotationPlan, faults: &[(usize, Fault)], abort: Option<usize>, lag: u32) -> World {
    let mut world = World::new(plan, faults.iter().copied());
    world.lag = lag;
    finish(world, abort)
}

/// Runs the rotation of this world to its end and checks the final state.
fn finish(mut world: World, abort: Option<usize>) -> World {
    let ending = drive(&mut world, abort);
    match (&ending, world.journal.plan().purpose) {
        (RotationResult::Done { left }, RotationPurpose::Replace) => assert_done(&world, left),
        (RotationResult::RolledBack { left }, RotationPurpose::Replace) => {
            assert_rolled_back(&world, left);
        }
        (RotationResult::Done { left }, RotationPurpose::Create) => assert_made(&world, left),
        (RotationResult::Done { left }, RotationPurpose::Revoke) => {
            assert_eq!(
                world.slots,
                BTreeMap::from([(SecretSlot::Current, OLD)]),
                "the stored secret remains until the credential is deleted"
            );
            assert_eq!(
                world.live.keys().copied().collect::<Vec<_>>(),
                [STRANGER],
                "only this secret is revoked"
            );
            assert_eq!(left, &[""; 0], "no task is left");
        }
        (RotationResult::RolledBack { .. }, RotationPurpose::Create) => {
            assert_eq!(world.slots, BTreeMap::new(), "nothing is stored");
            assert_eq!(
                world.live.keys().copied().collect::<Vec<_>>(),
                [STRANGER],
                "nothing new is left at the provider"
            );
        }
        (RotationResult::Abandoned { .. }, _) => panic!("no decision abandons it"),
        (RotationResult::RolledBack { .. }, RotationPurpose::Revoke) => {
            assert_eq!(world.slots, BTreeMap::from([(SecretSlot::Current, OLD)]));
            assert_eq!(world.live.keys().copied().collect::<Vec<_>>(), [OLD, STRANGER]);
        }
    }
    world
}

fn assert_made(world: &World, left: &[String]) {
    let new = world.slots[&SecretSlot::Current];
    assert_eq!(world.slots.len(), 1, "only the current secret is stored: {:?}", world.slots);
    assert!(new != OLD && world.proven.contains(&new), "the new secret was used");
    assert_eq!(
        world.live.keys().copied().collect::<Vec<_>>(),
        [new, STRANGER],
        "nothing else is left at the provider"
    );
    assert_eq!(left, [""; 0], "no task is left");
}

/// Returns every plan that creates or revokes. A secret that the user creates is added instead, so
/// no such plan creates.
fn halves() -> impl Iterator<Item = RotationPlan> {
    let made = strategies()
        .into_iter()
        .filter(|known| plan(*known).strategy_traits().creator == StepActor::Program);
    let made = made.map(|strategy| plan_for(RotationPurpose::Create, strategy));
    let revoked = strategies().into_iter();
    made.chain(revoked.map(|strategy| plan_for(RotationPurpose::Revoke, strategy)))
}

fn assert_done(world: &World, left: &[String]) {
    let new = world.slots[&SecretSlot::Current];
    assert_eq!(world.slots.len(), 1, "only the current secret is stored: {:?}", world.slots);
    assert_ne!(new, OLD);
    assert!(world.proven.contains(&new), "the new secret was used");
    assert!(
        world.consumers.values().all(|held| *held == new),
        "every consumer has the new secret: {:?}",
        world.consumers
    );
    assert_eq!(
        world.live.keys().copied().collect::<Vec<_>>(),
        [new, STRANGER],
        "nothing else is left at the provider"
    );
    assert_eq!(left, [""; 0], "no task is left");
}

fn assert_rolled_back(world: &World, left: &[String]) {
    assert_eq!(
        world.slots,
        BTreeMap::from([(SecretSlot::Current, OLD)]),
        "the old secret is the only one stored"
    );
    assert!(
        world.consumers.values().all(|held| *held == OLD),
        "every consumer has the old secret: {:?}",
        world.consumers
    );
    if world.journal.plan().overlap == SecretOverlap::Absent {
        assert!(
            world.live.contains_key(&OLD) || !left.is_empty(),
            "the user is warned that the old secret may not work"
        );
    } else if world.clipboard.is_none_or(|made| !world.live.contains_key(&made)) {
        assert_eq!(
            world.live.keys().copied().collect::<Vec<_>>(),
            [OLD, STRANGER],
            "nothing new is left at the provider"
        );
    }
}

fn calls(strategy: StrategyCase) -> usize {
    run(strategy, &[], None, 0).calls
}

#[test]
fn every_plan_comes_to_its_end_where_nothing_goes_wrong() {
    for strategy in strategies() {
        run(strategy, &[], None, 0);
    }
}

#[test]
fn one_fault_of_every_kind_at_every_call_of_every_plan_loses_nothing() {
    for strategy in strategies() {
        for call in 0..calls(strategy) {
            for fault in FAULTS {
                run(strategy, &[(call, fault)], None, 0);
            }
        }
    }
}

#[test]
fn two_faults_one_after_the_other_lose_nothing() {
    for strategy in distinct() {
        for call in 0..calls(strategy) {
            for (first, second) in
                FAULTS.into_iter().flat_map(|first| FAULTS.map(|second| (first, second)))
            {
                for gap in 1..=6 {
                    run(strategy, &[(call, first), (call + gap, second)], None, 0);
                }
            }
        }
    }
}

#[test]
fn rolling_back_at_every_point_restores_everything() {
    for strategy in strategies() {
        for round in 0..24 {
            run(strategy, &[], Some(round), 0);
        }
    }
}

#[test]
fn rolling_back_at_every_point_after_a_fault_anywhere_restores_everything() {
    for strategy in distinct() {
        for call in 0..calls(strategy) {
            for fault in FAULTS {
                for round in 2..20 {
                    run(strategy, &[(call, fault)], Some(round), 0);
                }
            }
        }
    }
}

#[test]
fn a_creation_that_happens_long_after_it_was_abandoned_is_found_and_removed() {
    for strategy in distinct() {
        for (call, lateness) in
            (0..calls(strategy)).flat_map(|call| (4..14).map(move |lateness| (call, lateness)))
        {
            finish(World { lateness, ..World::new(plan(strategy), [(call, Fault::Late)]) }, None);
        }
    }
}

#[test]
fn a_provider_that_takes_its_time_is_waited_for() {
    for strategy in strategies() {
        run(strategy, &[], None, 3);
        run(strategy, &[], None, 40);
    }
}

#[test]
fn creating_and_revoking_lose_nothing_whatever_fails_and_whenever_the_user_rolls_back() {
    for plan in halves() {
        let calls = run_for(plan.clone(), &[], None, 3).calls;
        for (call, fault) in (0..calls).flat_map(|call| FAULTS.map(|fault| (call, fault))) {
            run_for(plan.clone(), &[(call, fault)], None, 0);
            for round in 0..16 {
                run_for(plan.clone(), &[(call, fault)], Some(round), 0);
            }
        }
    }
}

#[test]
fn two_faults_while_making_or_revoking_lose_nothing() {
    for plan in halves() {
        for call in 0..run_for(plan.clone(), &[], None, 0).calls {
            for (first, second) in
                FAULTS.into_iter().flat_map(|first| FAULTS.map(|second| (first, second)))
            {
                for gap in 1..=4 {
                    run_for(plan.clone(), &[(call, first), (call + gap, second)], None, 0);
                }
            }
        }
    }
}

fn any_faults() -> impl Strategy<Value = Vec<(usize, Fault)>> {
    prop::collection::vec((0_usize..90, prop::sample::select(FAULTS.to_vec())), 0..14)
}

/// 600 cases, or the value of `PROPTEST_CASES` if it is larger.
fn configured() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.max(600), failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(configured())]

    #[test]
    fn any_sequence_of_faults_and_any_change_of_mind_loses_nothing(
        strategy in prop::sample::select(strategies()),
        faults in any_faults(),
        abort in prop::option::of(0_usize..60),
        lag in 0_u32..4,
        lateness in 1_usize..12,
        slow_list in any::<bool>(),
    ) {
        // A late creation is found if it exists and is listed before the end.
        let lateness = if plan(strategy).strategy_traits().traceability == CreationTraceability::ByName { 3 } else { lateness };
        let slow_list = slow_list && faults.iter().all(|(_, fault)| *fault != Fault::Late);
        finish(World { lag, slow_list, lateness, ..World::new(plan(strategy), faults) }, abort);
    }
}

#[test]
fn a_secret_of_an_abandoned_attempt_is_not_taken_for_that_of_a_later_one() {
    // The store completes the first write after that credential was deleted at the provider, and
    // the second one is never created.
    let faults = [
        (5, Fault::Fail),
        (7, Fault::Fail),
        (14, Fault::Late),
        (15, Fault::CrashBefore),
        (23, Fault::LostBefore),
    ];
    for lag in 0..4 {
        run((RotationStrategyId::SnykServiceAccount, true), &faults, None, lag);
    }
}

#[test]
fn what_was_listed_before_is_never_taken_for_what_the_user_created() {
    // The program is not allowed to create one, so the user does; the provider lists it late; then
    // the user rolls back.
    let faults = [(3, Fault::Fail), (6, Fault::Fail), (13, Fault::Refuse)];
    for strategy in distinct()
        .filter(|known| plan(*known).strategy_traits().revocation_key == RevocationKey::ById)
    {
        for round in 0..16 {
            finish(World { slow_list: true, ..World::new(plan(strategy), faults) }, Some(round));
        }
    }
    // The same holds for a credential that the program created without receiving the response.
    let faults = [(8, Fault::LostAfter), (14, Fault::Refuse)];
    finish(
        World {
            slow_list: true,
            ..World::new(plan((RotationStrategyId::SnykServiceAccount, true)), faults)
        },
        None,
    );
}

#[test]
fn what_the_provider_lists_late_is_neither_taken_in_without_a_name_nor_swept_away_in_use() {
    for strategy in distinct() {
        for (call, fault) in (0..calls(strategy)).flat_map(|call| FAULTS.map(|fault| (call, fault)))
        {
            if fault != Fault::Late {
                finish(
                    World { slow_list: true, ..World::new(plan(strategy), [(call, fault)]) },
                    None,
                );
            }
        }
    }
}

pub(in crate::domain::rotation) const AUTOMATIC: StrategyCase =
    (RotationStrategyId::SnykServiceAccount, true);
pub(in crate::domain::rotation::tests) const ASSISTED: StrategyCase =
    (RotationStrategyId::SnykPersonalAccessToken, true);
pub(in crate::domain::rotation::tests) const GUIDED: StrategyCase =
    (RotationStrategyId::Manual, false);

pub(in crate::domain::rotation::tests) fn remote(id: &str) -> RemoteCredential {
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

pub(in crate::domain::rotation::tests) fn verified(organizations: &[&str]) -> StepOutcome {
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

pub(in crate::domain::rotation::tests) fn decide(
    journal: &mut RotationJournal,
    decision: UserDecision,
) {
    journal.push(JournalEntry::UserDecision(decision));
}

pub(in crate::domain::rotation::tests) fn fail(
    journal: &mut RotationJournal,
    step: RotationStep,
    kind: StepFailureKind,
) {
    journal.push(JournalEntry::Intent(step.clone()));
    journal.push(JournalEntry::Failed(step, StepFailure::new(kind, "403 Forbidden")));
}

/// Records that a refused creation or revocation did not happen.
pub(in crate::domain::rotation::tests) fn nothing_happened(
    journal: &mut RotationJournal,
    step: &RotationStep,
) {
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

pub(in crate::domain::rotation::tests) fn prompt_of(journal: &RotationJournal) -> UserPrompt {
    match next_step(journal) {
        NextStep::AskUser(prompt) => prompt,
        other => panic!("no prompt: {other:?}"),
    }
}

pub(in crate::domain::rotation::tests) fn step_of(journal: &RotationJournal) -> RotationStep {
    next_step(journal).step().expect("the rotation has not ended")
}
