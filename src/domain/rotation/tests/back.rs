//! The way back and what is left at its end, gate by gate.

use super::gates::{AUTOMATIC, delivered_journal, journal, minted, seen, verified_journal};
use super::world::{print, reach};
use super::*;
use crate::domain::rotation::status::status;

const BY_VALUE: (RotationStrategyId, bool) = (RotationStrategyId::SnykServiceAccountSecret, true);
const ALONE: (RotationStrategyId, bool) = (RotationStrategyId::Manual, false);
const SIDE_BY_SIDE: (RotationStrategyId, bool) = (RotationStrategyId::Manual, true);

fn begun(strategy: (RotationStrategyId, bool)) -> Journal {
    journal(strategy, [Outcome::StoreProven, seen(OldReach::Known(reach(&["acme"])), &["r0"])])
}

fn say(journal: &mut Journal, saying: Saying) {
    journal.push(Entry::HumanSaid(saying));
}

/// What is left for a person after everything was taken back.
fn left_at_the_end(mut journal: Journal) -> Vec<String> {
    say(&mut journal, Saying::Abort);
    loop {
        let outcome = match next(&journal) {
            Next::Finished(Ending::RolledBack { left }) => {
                assert_eq!(status(&journal).left, left, "and so says the list of rotations");
                return left;
            }
            Next::Act(Action::ProveOld(_)) => Outcome::OldProven,
            Next::Act(Action::Sweep) => Outcome::Swept(Vec::new()),
            Next::Act(Action::Forget) => Outcome::Forgotten,
            Next::Ask(HumanNeed { need: Need::Remove { key, .. }, .. }) => {
                say(&mut journal, Saying::Removed(key));
                continue;
            }
            other => panic!("not on the way back: {other:?}"),
        };
        journal.push(Entry::Done(outcome));
    }
}

#[test]
fn what_is_known_by_its_value_is_kept_before_it_is_taken_back() {
    let mut journal = begun(BY_VALUE);
    journal.push(Entry::Done(Outcome::Created(minted(1))));
    say(&mut journal, Saying::Abort);
    assert_eq!(next(&journal), Next::Act(Action::Stash(print(1))));
    journal.push(Entry::Done(Outcome::Stashed(print(1))));
    assert_eq!(next(&journal), Next::Act(Action::ProveOld(print(OLD))));

    let mut by_id = begun(AUTOMATIC);
    by_id.push(Entry::Done(Outcome::Created(minted(1))));
    say(&mut by_id, Saying::Abort);
    assert_eq!(next(&by_id), Next::Act(Action::ProveOld(print(OLD))), "its id is enough");
}

#[test]
fn who_goes_back_after_a_lost_answer_looks_for_what_it_may_have_made() {
    let mut journal = begun(AUTOMATIC);
    journal.push(Entry::Intent(Step::Create));
    journal.push(Entry::Reconciled(Finding::Minting(Trail::Nothing)));
    say(&mut journal, Saying::Abort);
    assert_eq!(next(&journal), Next::Act(Action::Sweep));
    journal.push(Entry::Done(Outcome::Swept(Vec::new())));
    assert_eq!(next(&journal), Next::Act(Action::Forget));
}

#[test]
fn that_the_old_one_may_be_dead_is_told_only_where_it_may_be() {
    let asked_for = |strategy| {
        let mut journal = begun(strategy);
        journal.push(Entry::Intent(Step::AwaitPaste));
        journal.push(Entry::Reconciled(Finding::Minting(Trail::Nothing)));
        journal
    };
    let dead = left_at_the_end(asked_for(ALONE));
    assert!(dead.len() == 1 && dead[0].contains("the old one is dead"), "{dead:?}");
    assert_eq!(left_at_the_end(asked_for(SIDE_BY_SIDE)), [""; 0]);
    assert_eq!(left_at_the_end(begun(ALONE)), [""; 0], "nobody was asked for anything yet");
}

#[test]
fn what_a_person_made_is_theirs_to_remove() {
    let mut journal = journal(
        SIDE_BY_SIDE,
        [
            Outcome::StoreProven,
            seen(OldReach::Known(reach(&["acme"])), &[]),
            Outcome::Pasted(minted(1)),
            Outcome::Stashed(print(1)),
        ],
    );
    say(&mut journal, Saying::Abort);
    journal.push(Entry::Done(Outcome::OldProven));
    let Next::Ask(HumanNeed { need: Need::Remove { key, target, .. }, choices, .. }) = next(&journal) else {
        panic!("a person is not asked")
    };
    assert_eq!((key.as_str(), target), ("r1", Target::Remote(Remote::new("r1", "r1"))));
    assert!(!choices.contains(&Saying::Abort), "it is on its way back already: {choices:?}");
}

#[test]
fn a_removal_that_fails_is_left_to_a_person_by_its_own_name() {
    let mut journal = begun(AUTOMATIC);
    for stray in ["r8", "r9"] {
        journal.push(Entry::Intent(Step::Create));
        journal.push(Entry::Reconciled(Finding::Minting(Trail::Stray(Remote::new(stray, stray)))));
    }
    assert_eq!(next(&journal).step(), Some(Step::Discard("r8".into())));
    journal.push(Entry::Done(Outcome::Discarded("r8".into())));
    let step = Step::Discard("r9".into());
    assert_eq!(next(&journal).step(), Some(step.clone()));
    journal.push(Entry::Failed(step, Failure::new(FailureKind::Refused, "403 Forbidden")));
    let Next::Ask(HumanNeed { need: Need::Remove { key, target, .. }, .. }) = next(&journal) else { panic!("nobody is asked") };
    assert_eq!((key.as_str(), target), ("r9", Target::Remote(Remote::new("r9", "r9"))));
}

#[test]
fn another_one_is_made_only_before_the_new_one_is_in_use() {
    let offered = |journal: &Journal| match next(journal) {
        Next::Ask(need) => need.choices.contains(&Saying::MakeAnother),
        other => panic!("nobody is asked: {other:?}"),
    };
    assert!(offered(&verified_journal(AUTOMATIC, &["acme"])));
    let mut promoted = verified_journal(AUTOMATIC, &["acme", "beta"]);
    promoted.push(Entry::Done(Outcome::Promoted(print(1))));
    let first = Step::Deliver("dotenv:app".into());
    promoted.push(Entry::Failed(first.clone(), Failure::new(FailureKind::Refused, "no")));
    assert!(!offered(&promoted));
    say(&mut promoted, Saying::MakeAnother);
    assert_eq!(next(&promoted).step(), Some(first), "who says so all the same is not heard");
}

#[test]
fn what_is_only_revoked_is_the_current_one() {
    let mut journal = Journal::begin(plan_for(Purpose::Revoke, BY_VALUE));
    for outcome in [Outcome::StoreProven, seen(OldReach::Known(reach(&["acme"])), &[])] {
        journal.push(Entry::Done(outcome));
    }
    assert!(matches!(next(&journal), Next::Act(Action::Revoke(may)) if may.target() == &Target::Held(SecretSlot::Current)));
}

#[test]
fn who_turns_forward_again_goes_on_where_it_stood() {
    let mut journal = delivered_journal(AUTOMATIC);
    say(&mut journal, Saying::Abort);
    journal.push(Entry::Done(Outcome::OldProven));
    say(&mut journal, Saying::GoOn);
    assert_eq!(next(&journal).step(), Some(Step::Revoke));
    say(&mut journal, Saying::Abort);
    assert_eq!(next(&journal).step(), Some(Step::ProveOld), "what was shown before may not hold any more");

    let mut restored = delivered_journal(AUTOMATIC);
    say(&mut restored, Saying::Abort);
    for outcome in [Outcome::OldProven, Outcome::Restored] {
        restored.push(Entry::Intent(outcome.step()));
        restored.push(Entry::Done(outcome));
    }
    say(&mut restored, Saying::GoOn);
    assert!(matches!(next(&restored).step(), Some(Step::Redeliver(_))), "the way back has changed something already");
}

#[test]
fn a_secret_of_unclear_origin_is_never_taken_for_the_new_one() {
    let mut journal = begun(AUTOMATIC);
    journal.push(Entry::Intent(Step::Create));
    let nameless = Minted { fingerprint: print(1), remote: None };
    journal.push(Entry::Reconciled(Finding::Minting(Trail::Held(nameless))));
    assert!(matches!(next(&journal), Next::Reconcile(Look::Creation { stale, .. }) if stale.contains(&print(1))));

    let mut found = begun(AUTOMATIC);
    found.push(Entry::Intent(Step::Create));
    found.push(Entry::Reconciled(Finding::Minting(Trail::Held(minted(1)))));
    assert_eq!(next(&found), Next::Act(Action::Stash(print(1))), "what the provider names is known");

    let mut hidden = begun(AUTOMATIC);
    for trail in [Trail::Nothing, Trail::Held(minted(1))] {
        hidden.push(Entry::Intent(Step::Create));
        hidden.push(Entry::Reconciled(Finding::Minting(trail)));
    }
    assert!(matches!(next(&hidden), Next::Reconcile(_)), "an earlier attempt may have made it");
}

#[test]
fn what_the_program_made_is_told_by_its_name() {
    let mut journal = begun(AUTOMATIC);
    journal.push(Entry::Intent(Step::Create));
    journal.push(Entry::Done(Outcome::Created(minted(1))));
    let named = |label: String| Remote::new("r7", label);
    assert!(is_own(&journal, &named(journal.plan().remote_name(1))));
    assert!(!is_own(&journal, &named(journal.plan().remote_name(2))), "nothing was tried a second time");
    assert!(!is_own(&journal, &named("somebody's".to_owned())));
}

#[test]
fn an_unanswered_revocation_is_looked_for() {
    let mut journal = delivered_journal(AUTOMATIC);
    journal.push(Entry::Intent(Step::Revoke));
    assert_eq!(next(&journal), Next::Reconcile(Look::Revocation(Target::Remote(Remote::new("r0", "r0")))));
}

#[test]
fn why_a_creation_was_refused_is_told_of_creations_alone() {
    let refused = |purpose| {
        let mut journal = Journal::begin(plan_for(purpose, AUTOMATIC));
        journal.push(Entry::Failed(Step::Create, Failure::new(FailureKind::Refused, "403 Forbidden")));
        say(&mut journal, Saying::Abort);
        while let Next::Act(action) = next(&journal) {
            journal.push(Entry::Done(if action == Action::Sweep { Outcome::Swept(Vec::new()) } else { Outcome::Forgotten }));
        }
        status(&journal)
    };
    let made = refused(Purpose::Create);
    assert_eq!((made.state, made.why.as_deref()), (State::RolledBack, Some("403 Forbidden")));
    let replaced = refused(Purpose::Replace);
    assert_eq!((replaced.state, replaced.why), (State::RolledBack, None), "a replacement may go on by hand");
}

#[test]
fn nobody_chooses_among_what_the_program_does_not_revoke() {
    let whole = delivered_journal(SIDE_BY_SIDE);
    let mut journal = Journal::begin(plan(SIDE_BY_SIDE));
    for entry in whole.entries() {
        journal.push(match entry {
            Entry::Done(Outcome::Seen(_)) => Entry::Done(seen(OldReach::Known(reach(&["acme", "beta"])), &["r0", "r9"])),
            other => other.clone(),
        });
    }
    assert!(matches!(next(&journal), Next::Ask(HumanNeed { need: Need::Revoke { .. }, .. })));
}

#[test]
fn what_is_not_kept_yet_is_not_given_up_for_another() {
    let mut journal = begun(AUTOMATIC);
    journal.push(Entry::Done(Outcome::Created(minted(1))));
    journal.push(Entry::Failed(Step::Stash, Failure::new(FailureKind::Refused, "full")));
    let Next::Ask(need) = next(&journal) else { panic!("nobody is asked") };
    assert!(!need.choices.contains(&Saying::MakeAnother), "{:?}", need.choices);
}

#[test]
fn what_is_lost_on_its_way_is_removed_and_made_again() {
    for step in [Step::Stash, Step::Verify, Step::Promote] {
        let mut journal = verified_journal(AUTOMATIC, &["acme", "beta"]);
        journal.push(Entry::Failed(step.clone(), Failure::new(FailureKind::Lost, "not in the store")));
        assert_eq!(next(&journal).step(), Some(Step::Discard("r1".into())), "{step}");
        journal.push(Entry::Done(Outcome::Discarded("r1".into())));
        assert_eq!(next(&journal).step(), Some(Step::Create), "{step}");
    }
}

#[test]
fn every_paste_has_a_name_of_its_own() {
    let name = |journal: &Journal| match next(journal) {
        Next::Ask(HumanNeed { need: Need::Paste { name, .. }, .. }) => name,
        other => panic!("no paste is asked for: {other:?}"),
    };
    let mut journal = begun(SIDE_BY_SIDE);
    assert_eq!(name(&journal), journal.plan().remote_name(1));
    journal.push(Entry::Done(Outcome::Pasted(minted(OLD))));
    assert_eq!(name(&journal), journal.plan().remote_name(2));
}

#[test]
fn what_a_person_pasted_is_theirs_whatever_was_looked_for_before() {
    let mut journal = begun(AUTOMATIC);
    journal.push(Entry::Failed(Step::Create, Failure::new(FailureKind::Refused, "403 Forbidden")));
    for trail in [Trail::Nothing, Trail::Held(minted(1))] {
        journal.push(Entry::Intent(Step::AwaitPaste));
        journal.push(Entry::Reconciled(Finding::Minting(trail)));
    }
    assert_eq!(next(&journal), Next::Act(Action::Stash(print(1))));

    // What is found by its value is never hidden in a list.
    let mut by_value = begun(BY_VALUE);
    for trail in [Trail::Nothing, Trail::Held(minted(1))] {
        by_value.push(Entry::Intent(Step::Create));
        by_value.push(Entry::Reconciled(Finding::Minting(trail)));
    }
    assert_eq!(next(&by_value), Next::Act(Action::Stash(print(1))));
}

#[test]
fn without_overlap_there_is_no_way_back_from_one_that_was_given_up() {
    let mut journal = verified_journal(ALONE, &["acme"]);
    assert!(may_roll_back(&journal).is_err());
    say(&mut journal, Saying::MakeAnother);
    assert!(matches!(next(&journal), Next::Ask(HumanNeed { need: Need::Paste { .. }, .. })));
    assert!(may_roll_back(&journal).is_err(), "the old secret stays dead");
}
