//! Entries of the rotation journal: every variant of everything that an entry can hold.

use std::collections::{BTreeMap, BTreeSet};

use tokenring::domain::credential::Principal;
use tokenring::domain::rotation::{
    Entry, Failure, FailureKind, Fate, Finding, Fingerprint, Known, Minted, OldReach, Outcome, Reach, Remote, Saying, Snapshot,
    Step, Trail,
};

use super::plans::plan;
use super::{MOMENT, same};

const REMOTE: &str = r#"{"id":"r-1","label":"nightly","created":"2026-11-22T12:00:00.25Z","expires":"2026-11-22T12:00:00.25Z","facts":{"client_id":"c-1"}}"#;
const BARE_REMOTE: &str = r#"{"id":"r-2","label":"other","created":null,"expires":null}"#;
const REACH: &str = r#"{"principal":{"id":"p-1","name":"Ann","type":"user"},"kind":"personal-access-token","region":"SNYK-EU-01","organisations":["acme","beta"],"roles":["viewer"]}"#;
const SNAPSHOT: &str = r#"{"fingerprint":"5f1c","reach":{"unknown":"it was refused"},"remotes":[],"listed":["r-1","r-2"],"known":{"expires":"2026-11-22T12:00:00.25Z","fields":{"key_id":"k-1"}}}"#;

fn text(text: &str) -> String {
    text.to_owned()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| text(name)).collect()
}

fn map(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(text(name), text(value))])
}

fn fingerprint() -> Fingerprint {
    Fingerprint(text("5f1c"))
}

fn remote() -> Remote {
    let facts = map("client_id", "c-1");
    Remote { id: text("r-1"), label: text("nightly"), created: Some(MOMENT), expires: Some(MOMENT), facts }
}

fn reach() -> Reach {
    Reach {
        principal: Principal { id: text("p-1"), name: text("Ann"), kind: text("user") },
        kind: text("personal-access-token"),
        region: text("SNYK-EU-01"),
        organisations: set(&["acme", "beta"]),
        roles: Some(set(&["viewer"])),
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        fingerprint: fingerprint(),
        reach: OldReach::Unknown(text("it was refused")),
        remotes: Vec::new(),
        listed: Some(set(&["r-1", "r-2"])),
        known: Known { expires: Some(MOMENT), fields: map("key_id", "k-1") },
    }
}

fn minted() -> Minted {
    Minted { fingerprint: fingerprint(), remote: Some(Remote::new("r-2", "other")) }
}

const MINTED: &str = r#"{"fingerprint":"5f1c","remote":{"id":"r-2","label":"other","created":null,"expires":null}}"#;

#[test]
fn entries() {
    let failure = Failure::new(FailureKind::Full, "two live");
    pin_variants!(same, Entry {
        Entry::Planned(_) => Entry::Planned(Box::new(plan())), &format!(r#"{{"planned":{}}}"#, super::plans::PLAN);
        Entry::Intent(_) => Entry::Intent(Step::Create), r#"{"intent":"create"}"#;
        Entry::Done(_) => Entry::Done(Outcome::Revoked), r#"{"done":"revoked"}"#;
        Entry::Failed(..) => Entry::Failed(Step::Deliver(text("app")), failure), r#"{"failed":[{"deliver":"app"},{"kind":"full","why":"two live"}]}"#;
        Entry::Reconciled(_) => Entry::Reconciled(Finding::Revocation(Fate::Gone)), r#"{"reconciled":{"revocation":"gone"}}"#;
        Entry::HumanSaid(_) => Entry::HumanSaid(Saying::Retry), r#"{"human-said":"retry"}"#;
    });
}

#[test]
fn steps() {
    pin_variants!(same, Step {
        Step::ProveStore => Step::ProveStore, r#""prove-store""#;
        Step::Snapshot => Step::Snapshot, r#""snapshot""#;
        Step::Create => Step::Create, r#""create""#;
        Step::AwaitPaste => Step::AwaitPaste, r#""await-paste""#;
        Step::AwaitSignIn => Step::AwaitSignIn, r#""await-sign-in""#;
        Step::Stash => Step::Stash, r#""stash""#;
        Step::Verify => Step::Verify, r#""verify""#;
        Step::Promote => Step::Promote, r#""promote""#;
        Step::Deliver(_) => Step::Deliver(text("app")), r#"{"deliver":"app"}"#;
        Step::Revoke => Step::Revoke, r#""revoke""#;
        Step::AwaitRevoke => Step::AwaitRevoke, r#""await-revoke""#;
        Step::ProveDead => Step::ProveDead, r#""prove-dead""#;
        Step::Forget => Step::Forget, r#""forget""#;
        Step::Discard(_) => Step::Discard(text("r-1")), r#"{"discard":"r-1"}"#;
        Step::Sweep => Step::Sweep, r#""sweep""#;
        Step::ProveOld => Step::ProveOld, r#""prove-old""#;
        Step::Restore => Step::Restore, r#""restore""#;
        Step::Redeliver(_) => Step::Redeliver(text("app")), r#"{"redeliver":"app"}"#;
    });
}

#[test]
fn outcomes() {
    let verified = format!(r#"{{"verified":{{"fingerprint":"5f1c","reach":{REACH}}}}}"#);
    pin_variants!(same, Outcome {
        Outcome::StoreProven => Outcome::StoreProven, r#""store-proven""#;
        Outcome::Seen(_) => Outcome::Seen(snapshot()), &format!(r#"{{"seen":{SNAPSHOT}}}"#);
        Outcome::Created(_) => Outcome::Created(minted()), &format!(r#"{{"created":{MINTED}}}"#);
        Outcome::Pasted(_) => Outcome::Pasted(minted()), &format!(r#"{{"pasted":{MINTED}}}"#);
        Outcome::SignedIn => Outcome::SignedIn, r#""signed-in""#;
        Outcome::Stashed(_) => Outcome::Stashed(fingerprint()), r#"{"stashed":"5f1c"}"#;
        Outcome::Verified { .. } => Outcome::Verified { fingerprint: fingerprint(), reach: reach() }, &verified;
        Outcome::Promoted(_) => Outcome::Promoted(fingerprint()), r#"{"promoted":"5f1c"}"#;
        Outcome::Delivered(_) => Outcome::Delivered(text("app")), r#"{"delivered":"app"}"#;
        Outcome::Revoked => Outcome::Revoked, r#""revoked""#;
        Outcome::ProvenDead => Outcome::ProvenDead, r#""proven-dead""#;
        Outcome::Forgotten => Outcome::Forgotten, r#""forgotten""#;
        Outcome::Discarded(_) => Outcome::Discarded(text("r-1")), r#"{"discarded":"r-1"}"#;
        Outcome::Swept(_) => Outcome::Swept(vec![remote()]), &format!(r#"{{"swept":[{REMOTE}]}}"#);
        Outcome::OldProven => Outcome::OldProven, r#""old-proven""#;
        Outcome::Restored => Outcome::Restored, r#""restored""#;
        Outcome::Redelivered(_) => Outcome::Redelivered(text("app")), r#"{"redelivered":"app"}"#;
    });
}

#[test]
fn failures() {
    pin_variants!(same, FailureKind {
        FailureKind::NotYet => FailureKind::NotYet, r#""not-yet""#;
        FailureKind::Refused => FailureKind::Refused, r#""refused""#;
        FailureKind::Full => FailureKind::Full, r#""full""#;
        FailureKind::Unanswered => FailureKind::Unanswered, r#""unanswered""#;
        FailureKind::Lost => FailureKind::Lost, r#""lost""#;
    });
    same(&Failure::new(FailureKind::NotYet, "429"), r#"{"kind":"not-yet","why":"429"}"#);
}

#[test]
fn findings() {
    pin_variants!(same, Finding {
        Finding::Minting(_) => Finding::Minting(Trail::Nothing), r#"{"minting":"nothing"}"#;
        Finding::Revocation(_) => Finding::Revocation(Fate::StillThere), r#"{"revocation":"still-there"}"#;
    });
    pin_variants!(same, Trail {
        Trail::Held(_) => Trail::Held(minted()), &format!(r#"{{"held":{MINTED}}}"#);
        Trail::Stray(_) => Trail::Stray(Remote::new("r-2", "other")), &format!(r#"{{"stray":{BARE_REMOTE}}}"#);
        Trail::Nothing => Trail::Nothing, r#""nothing""#;
        Trail::Unclear(_) => Trail::Unclear(text("no list")), r#"{"unclear":"no list"}"#;
    });
    pin_variants!(same, Fate {
        Fate::Gone => Fate::Gone, r#""gone""#;
        Fate::StillThere => Fate::StillThere, r#""still-there""#;
    });
}

#[test]
fn decisions_of_the_user() {
    pin_variants!(same, Saying {
        Saying::Retry => Saying::Retry, r#""retry""#;
        Saying::Skip(_) => Saying::Skip(Step::Discard(text("r-1"))), r#"{"skip":{"discard":"r-1"}}"#;
        Saying::Override(_) => Saying::Override(text("nightly")), r#"{"override":"nightly"}"#;
        Saying::Chose(_) => Saying::Chose(text("r-1")), r#"{"chose":"r-1"}"#;
        Saying::Removed(_) => Saying::Removed(text("r-1")), r#"{"removed":"r-1"}"#;
        Saying::RevokedByHand => Saying::RevokedByHand, r#""revoked-by-hand""#;
        Saying::MakeAnother => Saying::MakeAnother, r#""make-another""#;
        Saying::Abort => Saying::Abort, r#""abort""#;
        Saying::GoOn => Saying::GoOn, r#""go-on""#;
    });
}

#[test]
fn what_is_known_of_the_old_secret() {
    pin_variants!(same, OldReach {
        OldReach::Known(_) => OldReach::Known(reach()), &format!(r#"{{"known":{REACH}}}"#);
        OldReach::Unknown(_) => OldReach::Unknown(text("401")), r#"{"unknown":"401"}"#;
    });
    same(&snapshot(), SNAPSHOT);
    let known = Known { expires: None, fields: BTreeMap::new() };
    let seen = Snapshot { reach: OldReach::Known(reach()), remotes: vec![remote()], listed: None, known, ..snapshot() };
    let form = format!(
        r#"{{"fingerprint":"5f1c","reach":{{"known":{REACH}}},"remotes":[{REMOTE}],"known":{{"expires":null,"fields":{{}}}}}}"#
    );
    same(&seen, &form);
    let older = r#"{"fingerprint":"5f1c","reach":{"unknown":"it was refused"},"remotes":[]}"#;
    let known = Known::default();
    assert_eq!(serde_json::from_str::<Snapshot>(older).unwrap(), Snapshot { listed: None, known, ..snapshot() }, "an older form");
}

#[test]
fn new_secrets_and_what_the_provider_lists() {
    same(&fingerprint(), r#""5f1c""#);
    same(&minted(), MINTED);
    same(&Minted { remote: None, ..minted() }, r#"{"fingerprint":"5f1c","remote":null}"#);
    same(&remote(), REMOTE);
    same(&Remote::new("r-2", "other"), BARE_REMOTE);
    let older = r#"{"id":"r-2","label":"other"}"#;
    assert_eq!(serde_json::from_str::<Remote>(older).unwrap(), Remote::new("r-2", "other"), "an older form");
    same(&reach(), REACH);
    let bare = r#"{"principal":{"id":"p-1","name":"Ann","type":"user"},"kind":"personal-access-token","region":"SNYK-EU-01","organisations":[],"roles":null}"#;
    same(&Reach { organisations: set(&[]), roles: None, ..reach() }, bare);
}
