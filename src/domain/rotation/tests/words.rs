//! What a rotation says: its plans, what is told of every entry, and where it stands, word by word.

use std::fmt::Write as _;

use super::gates::{AUTOMATIC, delivered_journal, verified_journal};
use super::world::{print, reach};
use super::*;
use crate::domain::rotation::status::{entry_line, plan_lines, status};

const PURPOSES: [Purpose; 3] = [Purpose::Replace, Purpose::Create, Purpose::Revoke];

/// The page that shows these lines, each with its step and state.
fn page(lines: impl IntoIterator<Item = Line>) -> String {
    lines.into_iter().fold(String::new(), |mut page, line| {
        writeln!(page, "  {} {:?}: {}", line.step, line.state, line.detail).unwrap();
        page
    })
}

/// Holds a text against the one that was read and found good.
fn reviewed(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn every_plan_says_what_it_does_and_what_to_know_beforehand() {
    let mut pages = String::new();
    for (purpose, strategy) in PURPOSES.into_iter().flat_map(|purpose| STRATEGIES.map(|strategy| (purpose, strategy))) {
        let plan = plan_for(purpose, strategy);
        writeln!(pages, "{purpose:?} by {:?}, overlap {}: {}", strategy.0, strategy.1, plan.title()).unwrap();
        writeln!(pages, "  {:?}, at most {:?}, {:?}", plan.overlap, plan.max_live, plan.instructions).unwrap();
        pages.push_str(&page(plan_lines(&plan)));
    }
    reviewed("plans", &pages);
}

#[test]
fn a_part_that_nobody_is_given_is_warned_of_and_a_reason_is_kept() {
    let plan = plan_for(Purpose::Replace, AUTOMATIC);
    let part = SecretPart::Named("client_secret".into());
    let alone = Plan { part: part.clone(), steps: Vec::new(), ..plan.clone() };
    assert!(alone.warning().is_some_and(|warning| warning.starts_with("No consumer is given the client_secret")));
    let given = Plan { part, overlap: Overlap::Absent, ..plan.clone() };
    assert!(given.warning().is_some_and(|warning| warning.starts_with("No overlap")));
    assert_eq!(plan.warning(), None);
    assert_eq!(plan.because("it leaked").reason, "it leaked");
}

#[test]
fn a_limit_is_told_where_it_may_stand_in_the_way() {
    let told = |max_live| Plan { max_live, ..plan_for(Purpose::Replace, (RotationStrategyId::ApiWebKey, true)) }.limit();
    assert!(told(Some(2)).is_some_and(|limit| limit.contains(" 2 ")));
    assert_eq!([None, Some(0), Some(1)].map(told), [None, None, None], "one at a time is no overlap, which is told anyway");
    let mut idle = plan_for(Purpose::Replace, (RotationStrategyId::ApiWebKey, true));
    idle.steps.retain(|planned| planned.step != Step::Create);
    assert_eq!(idle.limit(), None, "nothing is made");
}

#[test]
fn every_entry_is_told_in_words() {
    let minted = |id: Option<&str>| Minted { fingerprint: print(1), remote: id.map(|id| Remote::new(id, "label")) };
    let outcomes = [
        Outcome::Created(minted(Some("r1"))),
        Outcome::Pasted(minted(None)),
        Outcome::SignedIn,
        Outcome::Verified { fingerprint: print(1), reach: reach(&["acme"]) },
        Outcome::Verified { fingerprint: print(1), reach: reach(&["acme", "beta"]) },
        Outcome::Delivered("dotenv:app".into()),
        Outcome::Swept(vec![Remote::new("r1", "label")]),
        Outcome::Revoked,
    ];
    let findings = [
        Finding::Minting(Trail::Held(minted(None))),
        Finding::Minting(Trail::Stray(Remote::new("r1", "label"))),
        Finding::Minting(Trail::Nothing),
        Finding::Minting(Trail::Unclear("503".into())),
        Finding::Revocation(Fate::Gone),
        Finding::Revocation(Fate::StillThere),
    ];
    let sayings = [
        Saying::Retry,
        Saying::Skip(Step::ProveDead),
        Saying::Override("ci-scanner".into()),
        Saying::Chose("r1".into()),
        Saying::Removed("r1".into()),
        Saying::RevokedByHand,
        Saying::MakeAnother,
        Saying::Abort,
        Saying::GoOn,
    ];
    let plan = plan_for(Purpose::Replace, AUTOMATIC);
    let entries = [Entry::Intent(Step::Create), Entry::Failed(Step::Create, Failure::new(FailureKind::Refused, "403 Forbidden"))];
    let entries = entries.into_iter().chain(outcomes.map(Entry::Done)).chain(findings.map(Entry::Reconciled));
    let entries: Vec<_> = entries.chain(sayings.map(Entry::HumanSaid)).collect();
    assert_eq!(entry_line(&plan, &Entry::Planned(Box::new(plan.clone()))), None, "the plan has lines of its own");
    reviewed("entries", &page(entries.iter().filter_map(|entry| entry_line(&plan, entry))));
}

#[test]
fn what_is_left_is_told_while_it_is_asked_and_at_the_end() {
    let mut asked = verified_journal(AUTOMATIC, &["acme"]);
    let told = status(&asked);
    assert_eq!((told.state, told.left.len()), (State::NeedsHuman, 1), "{told:?}");
    assert_eq!(told.left, std::slice::from_ref(&told.next), "what is asked is what is left");
    asked.push(Entry::HumanSaid(Saying::Override("ci-scanner".into())));
    assert_eq!((status(&asked).state, status(&asked).left), (State::Running, Vec::new()));

    let mut over = delivered_journal(AUTOMATIC);
    for outcome in [Outcome::Revoked, Outcome::ProvenDead, Outcome::Forgotten] {
        over.push(Entry::Intent(outcome.step()));
        over.push(Entry::Done(outcome));
    }
    assert_eq!((status(&over).state, status(&over).why), (State::Done, None));
}

#[test]
fn what_is_done_twice_and_what_is_left_out_are_told_apart() {
    let consumer = || "dotenv:app".to_owned();
    for (step, is_repeatable, is_skippable) in [
        (Step::ProveStore, true, false),
        (Step::Snapshot, true, false),
        (Step::Create, false, true),
        (Step::AwaitPaste, false, false),
        (Step::Stash, true, false),
        (Step::Verify, true, false),
        (Step::Promote, true, false),
        (Step::Deliver(consumer()), true, true),
        (Step::Revoke, false, false),
        (Step::ProveDead, true, true),
        (Step::Forget, true, false),
        (Step::Discard("r1".into()), true, true),
        (Step::Sweep, true, true),
        (Step::ProveOld, true, true),
        (Step::Restore, true, false),
        (Step::Redeliver(consumer()), true, true),
    ] {
        assert_eq!((step.is_repeatable(), step.is_skippable()), (is_repeatable, is_skippable), "{step}");
    }
}
