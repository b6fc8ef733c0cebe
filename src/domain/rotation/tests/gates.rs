//! The gates, one by one: what the machine refuses, whom it asks, and what it says.

use super::world::{print, reach};
use super::*;

pub(in crate::domain::rotation) const AUTOMATIC: (RotationStrategyId, bool) = (RotationStrategyId::SnykServiceAccount, true);
const ASSISTED: (RotationStrategyId, bool) = (RotationStrategyId::SnykPersonalAccessToken, true);
const GUIDED: (RotationStrategyId, bool) = (RotationStrategyId::Manual, false);

fn remote(id: &str) -> Remote {
    Remote::new(id, id)
}

pub(in crate::domain::rotation) fn minted(secret: u32) -> Minted {
    Minted { fingerprint: print(secret), remote: Some(remote(&format!("r{secret}"))) }
}

pub(in crate::domain::rotation) fn seen(reach: OldReach, remotes: &[&str]) -> Outcome {
    Outcome::Seen(Snapshot {
        fingerprint: print(OLD),
        reach,
        remotes: remotes.iter().map(|id| remote(id)).collect(),
        listed: None,
        known: Known::default(),
    })
}

fn verified(organisations: &[&str]) -> Outcome {
    Outcome::Verified { fingerprint: print(1), reach: reach(organisations) }
}

/// A journal in which these steps have been taken, one after the other.
pub(in crate::domain::rotation) fn journal(
    strategy: (RotationStrategyId, bool),
    outcomes: impl IntoIterator<Item = Outcome>,
) -> Journal {
    let mut journal = Journal::begin(plan(strategy));
    for outcome in outcomes {
        journal.push(Entry::Intent(outcome.step()));
        journal.push(Entry::Done(outcome));
    }
    journal
}

/// The journal up to the moment before promotion.
pub(in crate::domain::rotation) fn verified_journal(strategy: (RotationStrategyId, bool), organisations: &[&str]) -> Journal {
    let old = seen(OldReach::Known(reach(&["acme", "beta"])), &["r0"]);
    let mint = if strategy.0 == AUTOMATIC.0 { Outcome::Created(minted(1)) } else { Outcome::Pasted(minted(1)) };
    journal(strategy, [Outcome::StoreProven, old, mint, Outcome::Stashed(print(1)), verified(organisations)])
}

/// The journal up to the moment before revocation.
pub(in crate::domain::rotation) fn delivered_journal(strategy: (RotationStrategyId, bool)) -> Journal {
    let mut journal = verified_journal(strategy, &["acme", "beta"]);
    journal.push(Entry::Intent(Step::Promote));
    journal.push(Entry::Done(Outcome::Promoted(print(1))));
    for consumer in plan(strategy).consumers() {
        journal.push(Entry::Done(Outcome::Delivered(consumer.to_owned())));
    }
    journal
}

fn say(journal: &mut Journal, saying: Saying) {
    journal.push(Entry::HumanSaid(saying));
}

fn fail(journal: &mut Journal, step: Step, kind: FailureKind) {
    journal.push(Entry::Intent(step.clone()));
    journal.push(Entry::Failed(step, Failure::new(kind, "403 Forbidden")));
}

fn asked(journal: &Journal) -> HumanNeed {
    match next(journal) {
        Next::Ask(need) => need,
        other => panic!("nobody was asked: {other:?}"),
    }
}

fn step_of(journal: &Journal) -> Step {
    next(journal).step().expect("it is not over")
}

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
    assert_eq!(next(&Journal::begin(plan)), Next::Act(Action::ProveStore));
}

#[test]
fn a_weaker_successor_needs_the_name_typed() {
    let mut journal = verified_journal(AUTOMATIC, &["acme"]);
    let Need::Override { sameness, .. } = asked(&journal).need else { panic!("not asked to override") };
    assert_eq!(sameness, Sameness::Weaker(vec!["it does not see organisation beta".into()]));
    say(&mut journal, Saying::Override("yes".into()));
    assert!(matches!(asked(&journal).need, Need::Override { .. }), "any other word does not count");
    say(&mut journal, Saying::Override("ci-scanner".into()));
    assert_eq!(step_of(&journal), Step::Promote);
}

#[test]
fn an_override_is_for_one_successor_and_not_for_the_next() {
    let mut journal = verified_journal(AUTOMATIC, &["acme"]);
    say(&mut journal, Saying::MakeAnother);
    assert_eq!(step_of(&journal), Step::Discard("r1".into()), "the one that was given up goes first");
    journal.push(Entry::Done(Outcome::Discarded("r1".into())));
    let Next::Act(Action::Create { name }) = next(&journal) else { panic!("no other one is made") };
    assert_eq!(attempt_of(&plan(AUTOMATIC).rotation, &name), Some(2));
}

#[test]
fn an_old_secret_of_unknown_reach_is_said_to_be_so() {
    let old = seen(OldReach::Unknown("it was refused with 401".into()), &["r0"]);
    let journal = journal(
        AUTOMATIC,
        [Outcome::StoreProven, old, Outcome::Created(minted(1)), Outcome::Stashed(print(1)), verified(&["acme"])],
    );
    let need = asked(&journal);
    assert!(need.words().contains("it was refused with 401"), "{}", need.words());
}

#[test]
fn another_secret_in_the_store_than_the_one_that_was_made_is_never_promoted() {
    let old = seen(OldReach::Known(reach(&["acme"])), &["r0"]);
    let other = Outcome::Verified { fingerprint: print(2), reach: reach(&["acme"]) };
    let journal = journal(AUTOMATIC, [Outcome::StoreProven, old, Outcome::Created(minted(1)), Outcome::Stashed(print(1)), other]);
    assert_eq!(step_of(&journal), Step::Discard("r1".into()), "the lost one is removed before another one is made");
}

#[test]
fn revocation_needs_verification_promotion_and_every_consumer() {
    let whole = delivered_journal(AUTOMATIC);
    let Next::Act(Action::Revoke(may)) = next(&whole) else { panic!("not revoked") };
    assert_eq!(may.target(), &Target::Remote(remote("r0")));
    for missing in 0..whole.entries().len() {
        let mut entries = whole.entries().to_vec();
        entries.remove(missing);
        let cut = Journal::read(std::iter::once(Entry::Planned(Box::new(plan(AUTOMATIC)))).chain(entries.clone())).unwrap();
        let was_intent = matches!(whole.entries()[missing], Entry::Intent(_));
        assert!(
            was_intent || !matches!(next(&cut), Next::Act(Action::Revoke(_))),
            "revoked without {:?}",
            whole.entries()[missing]
        );
    }
}

#[test]
fn what_was_made_is_never_revoked_as_the_old_one() {
    let mut journal = Journal::begin(plan(AUTOMATIC));
    for entry in delivered_journal(AUTOMATIC).entries() {
        journal.push(match entry {
            Entry::Done(Outcome::Seen(_)) => Entry::Done(seen(OldReach::Known(reach(&["acme", "beta"])), &["r1"])),
            other => other.clone(),
        });
    }
    let need = asked(&journal);
    assert!(matches!(need.need, Need::Revoke { may, .. } if may.target() == &Target::Unnamed));
}

#[test]
fn a_person_chooses_among_several_and_cannot_choose_the_new_one() {
    let mut journal = Journal::begin(plan(ASSISTED));
    for entry in delivered_journal(ASSISTED).entries() {
        journal.push(match entry {
            Entry::Done(Outcome::Seen(_)) => Entry::Done(seen(OldReach::Known(reach(&["acme", "beta"])), &["r0", "r1", "r9"])),
            other => other.clone(),
        });
    }
    let Need::ChooseOld(among) = asked(&journal).need else { panic!("not asked to choose") };
    assert_eq!(among, [remote("r0"), remote("r9")]);
    say(&mut journal, Saying::Chose("r1".into()));
    assert!(matches!(asked(&journal).need, Need::ChooseOld(_)));
    say(&mut journal, Saying::Chose("r9".into()));
    assert!(matches!(next(&journal), Next::Act(Action::Revoke(may)) if may.target() == &Target::Remote(remote("r9"))));
}

#[test]
fn what_the_program_may_not_make_a_person_makes() {
    let mut journal = journal(AUTOMATIC, [Outcome::StoreProven, seen(OldReach::Known(reach(&["acme"])), &["r0"])]);
    fail(&mut journal, Step::Create, FailureKind::Refused);
    let need = asked(&journal);
    assert_eq!(need.step, Step::AwaitPaste);
    assert!(matches!(&need.need, Need::Paste { why: Some(why), .. } if why == "403 Forbidden"));
    journal.push(Entry::Intent(Step::AwaitPaste));
    journal.push(Entry::Done(Outcome::Pasted(minted(1))));
    assert_eq!(step_of(&journal), Step::Stash);
}

#[test]
fn what_the_program_may_not_revoke_a_person_revokes() {
    let mut journal = delivered_journal(AUTOMATIC);
    fail(&mut journal, Step::Revoke, FailureKind::Refused);
    assert!(matches!(asked(&journal).need, Need::Revoke { .. }));
    say(&mut journal, Saying::RevokedByHand);
    assert_eq!(step_of(&journal), Step::ProveDead);
}

#[test]
fn a_full_house_asks_for_room() {
    let mut journal = journal(AUTOMATIC, [Outcome::StoreProven, seen(OldReach::Known(reach(&["acme"])), &["r0"])]);
    fail(&mut journal, Step::Create, FailureKind::Full);
    let need = asked(&journal);
    assert!(matches!(need.need, Need::MakeRoom { limit: Some(2), .. }));
    assert_eq!(need.choices, [Saying::Retry, Saying::Abort]);
}

#[test]
fn the_old_secret_pasted_again_is_not_taken() {
    let old = seen(OldReach::Known(reach(&["acme"])), &[]);
    let journal = journal(GUIDED, [Outcome::StoreProven, old, Outcome::Pasted(minted(OLD))]);
    assert!(matches!(asked(&journal).need, Need::Paste { why: Some(why), .. } if why.contains("old secret")));
    assert!(may_roll_back(&journal).is_ok(), "nothing new was made");
}

#[test]
fn a_consumer_that_fails_stops_before_revocation_and_can_be_left_out_by_name() {
    let mut journal = verified_journal(AUTOMATIC, &["acme", "beta"]);
    journal.push(Entry::Done(Outcome::Promoted(print(1))));
    let first = Step::Deliver("dotenv:app".into());
    fail(&mut journal, first.clone(), FailureKind::Refused);
    let need = asked(&journal);
    assert_eq!(need.step, first);
    assert_eq!(need.choices, [Saying::Retry, Saying::Skip(first.clone()), Saying::Abort]);
    say(&mut journal, Saying::Skip(first));
    assert_eq!(step_of(&journal), Step::Deliver("github:acme/web".into()));
    assert_eq!(status(&journal).left, ["dotenv:app was not given the new secret: update it by hand"]);
}

#[test]
fn there_is_no_way_back_from_a_revocation_nor_from_a_paste_without_overlap() {
    let mut revoked = delivered_journal(AUTOMATIC);
    assert!(may_roll_back(&revoked).is_ok());
    revoked.push(Entry::Intent(Step::Revoke));
    assert_eq!(may_roll_back(&revoked), Err("it may have been revoked: nobody knows for sure"));
    revoked.push(Entry::Reconciled(Finding::Revocation(Fate::StillThere)));
    assert!(may_roll_back(&revoked).is_err(), "a provider may list for a while what it has revoked");
    assert_eq!(step_of(&revoked), Step::Revoke);
    revoked.push(Entry::Done(Outcome::Revoked));
    say(&mut revoked, Saying::Abort);
    assert_eq!(step_of(&revoked), Step::ProveDead, "the word comes too late");

    let pasted = verified_journal(GUIDED, &["acme", "beta"]);
    assert_eq!(may_roll_back(&pasted), Err("the old secret died at the provider when the new one was made"));
}

#[test]
fn somebody_elses_secret_is_nothing_that_the_old_one_died_of() {
    let mut foreign = verified_journal(GUIDED, &["acme", "beta"]);
    let mut elsewhere = reach(&["acme", "beta"]);
    elsewhere.principal.id = "bob".into();
    foreign.push(Entry::Done(Outcome::Verified { fingerprint: print(1), reach: elsewhere }));
    assert!(may_roll_back(&foreign).is_ok());
    assert!(asked(&foreign).choices.contains(&Saying::Abort));
    let mut taken = foreign.clone();
    say(&mut taken, Saying::Override("ci-scanner".into()));
    assert!(may_roll_back(&taken).is_err(), "a person says that it is the new one");
    say(&mut foreign, Saying::MakeAnother);
    assert!(may_roll_back(&foreign).is_ok());
    foreign.push(Entry::Done(Outcome::Pasted(minted(2))));
    assert!(may_roll_back(&foreign).is_err(), "nobody knows yet whose that is");
}

#[test]
fn why_a_pasted_secret_was_refused_is_told_and_it_is_asked_for_again() {
    let old = seen(OldReach::Known(reach(&["acme"])), &[]);
    let mut journal = journal(GUIDED, [Outcome::StoreProven, old]);
    fail(&mut journal, Step::AwaitPaste, FailureKind::Refused);
    assert!(matches!(asked(&journal).need, Need::Paste { why: Some(why), .. } if why == "403 Forbidden"));
    assert!(may_roll_back(&journal).is_ok(), "nothing new was made");
    assert!(status(&journal).next.contains("403 Forbidden"));
}

#[test]
fn rolling_back_takes_nothing_from_the_new_secret_before_the_old_one_is_shown_to_work() {
    let mut journal = delivered_journal(AUTOMATIC);
    say(&mut journal, Saying::Abort);
    assert_eq!(next(&journal), Next::Act(Action::ProveOld(print(OLD))));
    fail(&mut journal, Step::ProveOld, FailureKind::Refused);
    assert!(asked(&journal).choices.contains(&Saying::GoOn));
    say(&mut journal, Saying::GoOn);
    assert_eq!(step_of(&journal), Step::Revoke);
}

#[test]
fn a_token_that_was_there_before_the_rotation_is_not_the_programs_to_delete() {
    let old = seen(OldReach::Known(reach(&["acme"])), &["r0", "r1"]);
    let mut journal = journal(ASSISTED, [Outcome::StoreProven, old, Outcome::Pasted(minted(1)), Outcome::Stashed(print(1))]);
    say(&mut journal, Saying::Abort);
    journal.push(Entry::Done(Outcome::OldProven));
    assert!(matches!(asked(&journal).need, Need::Remove { key, .. } if key == "r1"));
}

#[test]
fn a_revoked_secret_that_works_on_is_polled_and_then_reported() {
    let mut journal = delivered_journal(AUTOMATIC);
    journal.push(Entry::Done(Outcome::Revoked));
    let mut waits = 0;
    while let Next::Wait { then, .. } = {
        fail(&mut journal, Step::ProveDead, FailureKind::NotYet);
        next(&journal)
    } {
        assert_eq!(*then, Next::Act(Action::ProveDead(print(OLD))));
        waits += 1;
    }
    assert!(waits > 10, "{waits}");
    assert!(matches!(asked(&journal).need, Need::StillAlive(_)));
    say(&mut journal, Saying::Skip(Step::ProveDead));
    journal.push(Entry::Done(Outcome::Forgotten));
    let Next::Finished(Ending::Done { left }) = next(&journal) else { panic!("not over") };
    assert_eq!(left, ["the old secret was not seen to fail: check at the provider that it is revoked"]);
}

#[test]
fn an_unanswered_creation_is_looked_for_and_never_repeated_blindly() {
    let mut journal = journal(AUTOMATIC, [Outcome::StoreProven, seen(OldReach::Known(reach(&["acme"])), &["r0"])]);
    journal.push(Entry::Intent(Step::Create));
    let Next::Reconcile(Look::Creation { name: Some(name), stale }) = next(&journal) else { panic!("not looked for") };
    assert_eq!(attempt_of(&plan(AUTOMATIC).rotation, &name), Some(1));
    assert_eq!(stale, [print(OLD)]);
    journal.push(Entry::Reconciled(Finding::Minting(Trail::Stray(remote("r1")))));
    assert_eq!(step_of(&journal), Step::Discard("r1".into()));
}

#[test]
fn what_was_given_up_is_not_taken_for_what_came_after_it() {
    let mut journal = verified_journal(AUTOMATIC, &["acme"]);
    say(&mut journal, Saying::MakeAnother);
    journal.push(Entry::Done(Outcome::Discarded("r1".into())));
    journal.push(Entry::Intent(Step::Create));
    journal.push(Entry::Reconciled(Finding::Minting(Trail::Held(minted(1)))));
    assert_eq!(step_of(&journal), Step::Create, "the slot still held the one before");
}

#[test]
fn after_an_unanswered_creation_the_provider_is_swept_before_the_end() {
    let mut journal = journal(AUTOMATIC, [Outcome::StoreProven, seen(OldReach::Known(reach(&["acme"])), &["r0"])]);
    journal.push(Entry::Intent(Step::Create));
    journal.push(Entry::Reconciled(Finding::Minting(Trail::Nothing)));
    let whole = delivered_journal(AUTOMATIC);
    whole
        .entries()
        .iter()
        .filter(|entry| **entry != Entry::Done(Outcome::StoreProven))
        .for_each(|entry| journal.push(entry.clone()));
    for outcome in [Outcome::Revoked, Outcome::ProvenDead, Outcome::Forgotten] {
        journal.push(Entry::Done(outcome));
    }
    assert_eq!(step_of(&journal), Step::Sweep);
    // Of attempts 1 and 2 is what the program made, of attempt 3 what a person may have made under the name they were told.
    let marked = |id: &str, attempt: u32| Remote::new(id, journal.plan().remote_name(attempt));
    let swept = vec![remote("r1"), marked("r4", 3), marked("r5", 1)];
    journal.push(Entry::Done(Outcome::Swept(swept)));
    assert_eq!(step_of(&journal), Step::Discard("r5".into()), "neither the new one nor a person's own is a stray");
}

#[test]
fn a_journal_begins_with_its_plan_and_holds_no_other() {
    let plan = || Entry::Planned(Box::new(plan(AUTOMATIC)));
    assert_eq!(Journal::read([]), Err(JournalError::Planless));
    assert_eq!(Journal::read([Entry::Intent(Step::Create), plan()]), Err(JournalError::Planless));
    assert_eq!(Journal::read([plan(), Entry::Intent(Step::ProveStore), plan()]), Err(JournalError::SecondPlan(3)));
}

#[test]
fn entries_are_json_of_a_form_that_stays() {
    let entries = [
        (Entry::Intent(Step::Deliver("dotenv:app".into())), r#"{"intent":{"deliver":"dotenv:app"}}"#),
        (Entry::Done(Outcome::StoreProven), r#"{"done":"store-proven"}"#),
        (
            Entry::Failed(Step::Create, Failure::new(FailureKind::Unanswered, "timeout")),
            r#"{"failed":["create",{"kind":"unanswered","why":"timeout"}]}"#,
        ),
        (Entry::HumanSaid(Saying::Skip(Step::ProveDead)), r#"{"human-said":{"skip":"prove-dead"}}"#),
        (Entry::Reconciled(Finding::Revocation(Fate::Gone)), r#"{"reconciled":{"revocation":"gone"}}"#),
    ];
    for (entry, json) in entries {
        assert_eq!(serde_json::to_string(&entry).unwrap(), json);
        assert_eq!(serde_json::from_str::<Entry>(json).unwrap(), entry);
    }
}

#[test]
fn status_and_lines_have_the_documented_shape() {
    let journal = Journal::begin(plan(GUIDED));
    let json = serde_json::to_value(status(&journal)).unwrap();
    assert_eq!((&json["state"], &json["step"], &json["name"]), (&"running".into(), &"prove-store".into(), &"ci-scanner".into()));
    let lines = plan_lines(journal.plan());
    assert!(lines[0].detail.starts_with("No overlap"), "the warning comes first");
    assert!(lines[1].detail.contains("allows 2 of these"), "then the limit");
    let line = serde_json::to_string(&lines[2]).unwrap();
    assert_eq!(
        line,
        r#"{"rotation":"0707070707070707","step":"prove-store","state":"planned","detail":"show that the store keeps what it is given"}"#
    );
}

#[test]
fn a_rotation_that_waits_for_a_paste_needs_a_human_also_after_a_restart() {
    let old = seen(OldReach::Known(reach(&["acme"])), &[]);
    let mut journal = journal(GUIDED, [Outcome::StoreProven, old]);
    assert_eq!(status(&journal).state, State::NeedsHuman);
    journal.push(Entry::Intent(Step::AwaitPaste));
    assert_eq!(status(&journal).state, State::NeedsHuman);
    assert!(waiting_line(journal.plan(), &next(&journal)).is_none(), "the look comes first");
    journal.push(Entry::Reconciled(Finding::Minting(Trail::Nothing)));
    assert_eq!(waiting_line(journal.plan(), &next(&journal)).unwrap().state, LineState::Waiting);
}

#[test]
fn a_creation_that_is_refused_ends_by_itself_and_says_why() {
    for kind in [FailureKind::Refused, FailureKind::Full] {
        let mut journal = Journal::begin(plan_for(Purpose::Create, AUTOMATIC));
        journal.push(Entry::Done(Outcome::StoreProven));
        fail(&mut journal, Step::Create, kind);
        assert_eq!(next(&journal), Next::Act(Action::Forget));
        journal.push(Entry::Done(Outcome::Forgotten));
        let status = status(&journal);
        assert_eq!((status.state, status.why.as_deref(), &status.left[..]), (State::RolledBack, Some("403 Forbidden"), &[][..]));
    }
}

#[test]
fn what_is_only_to_be_revoked_needs_no_successor_and_nothing_else_may_be_revoked_without_one() {
    let seen = || seen(OldReach::Known(reach(&["acme"])), &["r0"]);
    let mut journal = Journal::begin(plan_for(Purpose::Revoke, AUTOMATIC));
    assert_eq!(step_of(&journal), Step::Snapshot, "what it is comes first");
    journal.push(Entry::Done(seen()));
    assert!(matches!(next(&journal), Next::Act(Action::Revoke(may)) if may.target() == &Target::Remote(remote("r0"))));
    fail(&mut journal, Step::Revoke, FailureKind::Refused);
    let need = asked(&journal);
    assert!(matches!(need.need, Need::Revoke { .. }) && need.words().contains("revoke the secret at the provider"), "{need:?}");
    assert_eq!(may_roll_back(&journal), Ok(()));
}

#[test]
fn a_pasted_secret_that_was_refused_keeps_nobody_from_pasting_another_one_later() {
    let mut journal = journal(GUIDED, [Outcome::StoreProven, seen(OldReach::Known(reach(&["acme"])), &[])]);
    journal.push(Entry::Intent(Step::AwaitPaste));
    fail(&mut journal, Step::AwaitPaste, FailureKind::Refused);
    journal.push(Entry::Intent(Step::AwaitPaste));
    assert!(matches!(next(&journal), Next::Reconcile(Look::Paste { .. })), "whoever comes later looks first");
    journal.push(Entry::Reconciled(Finding::Minting(Trail::Nothing)));
    assert!(matches!(asked(&journal).need, Need::Paste { why: Some(why), .. } if why == "403 Forbidden"));
}

/// The journal of a session up to the moment at which a person is to sign in.
fn session_journal() -> Journal {
    journal((RotationStrategyId::SnykAppSession, true), [Outcome::StoreProven, seen(OldReach::Known(reach(&["acme"])), &[])])
}

#[test]
fn a_person_signs_in_before_anything_is_made_and_once_for_each_attempt() {
    let mut journal = session_journal();
    let need = asked(&journal);
    assert_eq!((need.step, need.need, need.choices), (Step::AwaitSignIn, Need::SignIn, vec![Saying::Abort]));
    journal.push(Entry::Intent(Step::AwaitSignIn));
    assert_eq!(asked(&journal).need, Need::SignIn, "whoever comes back after a crash is sent to the page again");
    journal.push(Entry::Done(Outcome::SignedIn));
    assert_eq!(step_of(&journal), Step::Create);
    fail(&mut journal, Step::Create, FailureKind::NotYet);
    assert_eq!(step_of(&journal), Step::Create, "nothing was used up");
    fail(&mut journal, Step::Create, FailureKind::Lost);
    assert_eq!(asked(&journal).need, Need::SignIn, "what another process had is gone");
}

#[test]
fn who_said_no_is_not_sent_to_the_page_again_unasked() {
    for step in [Step::AwaitSignIn, Step::Create] {
        let mut journal = session_journal();
        fail(&mut journal, step.clone(), FailureKind::Refused);
        let need = asked(&journal);
        assert_eq!(
            (&need.need, need.choices),
            (&Need::Stuck("403 Forbidden".into()), vec![Saying::Retry, Saying::Abort]),
            "{step}"
        );
        say(&mut journal, Saying::Retry);
        assert_eq!(asked(&journal).need, Need::SignIn);
    }
}

#[test]
fn a_session_whose_answer_was_lost_is_left_to_a_person_and_another_sign_in_follows() {
    let mut journal = session_journal();
    journal.push(Entry::Done(Outcome::SignedIn));
    journal.push(Entry::Intent(Step::Create));
    assert!(matches!(next(&journal), Next::Reconcile(Look::Creation { name: None, .. })));
    journal.push(Entry::Reconciled(Finding::Minting(Trail::Unclear("it lists no secrets".into()))));
    let need = asked(&journal);
    assert!(matches!(need.need, Need::Remove { target: Target::Unnamed, .. }));
    say(&mut journal, Saying::Skip(need.step));
    assert_eq!(asked(&journal).need, Need::SignIn);
    assert_eq!(status(&journal).left.len(), 2, "the stray is on the list, and so is the sign-in: {:?}", status(&journal).left);
}

#[test]
fn the_plan_of_an_older_journal_names_no_sign_in_and_has_one_all_the_same() {
    let mut plan = plan((RotationStrategyId::SnykAppSession, true));
    plan.steps.retain(|planned| planned.step != Step::AwaitSignIn);
    let mut journal = Journal::begin(plan);
    session_journal().entries().iter().for_each(|entry| journal.push(entry.clone()));
    assert_eq!(asked(&journal).need, Need::SignIn);
    journal.push(Entry::Done(Outcome::SignedIn));
    assert_eq!(step_of(&journal), Step::Create);
}
