//! Pins the entries of the rotation journal: every variant of everything that an entry can hold.

use std::collections::{BTreeMap, BTreeSet};

use tokenring::domain::credential::Principal;
use tokenring::domain::rotation::{
    AccessScope, CreatedSecret, CreationStatus, JournalEntry, OldAccess, OldSecretSnapshot,
    PreviousMetadata, ReconciliationResult, RemoteCredential, RevocationStatus,
    RotationAdministrator, RotationStep, SecretFingerprint, StepFailure, StepFailureKind,
    StepOutcome, UserDecision,
};
use tokenring::domain::{CredentialId, CredentialName};

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

fn fingerprint() -> SecretFingerprint {
    SecretFingerprint(text("5f1c"))
}

fn remote() -> RemoteCredential {
    let facts = map("client_id", "c-1");
    RemoteCredential {
        id: text("r-1"),
        label: text("nightly"),
        created: Some(MOMENT),
        expires: Some(MOMENT),
        fields: facts,
        not_copied: Vec::new(),
    }
}

fn reach() -> AccessScope {
    AccessScope {
        principal: Principal { id: text("p-1"), name: text("Ann"), kind: text("user") },
        kind: text("personal-access-token"),
        region: text("SNYK-EU-01"),
        organizations: Some(set(&["acme", "beta"])),
        roles: Some(set(&["viewer"])),
    }
}

fn snapshot() -> OldSecretSnapshot {
    OldSecretSnapshot {
        fingerprint: fingerprint(),
        access: OldAccess::Unknown(text("it was refused")),
        remotes: Vec::new(),
        listed_ids: Some(set(&["r-1", "r-2"])),
        named_id: None,
        previous_metadata: PreviousMetadata { expires: Some(MOMENT), fields: map("key_id", "k-1") },
    }
}

fn administrator() -> RotationAdministrator {
    RotationAdministrator {
        id: CredentialId::from_random([8; 16]),
        name: CredentialName::parse("admin").unwrap(),
    }
}

fn minted() -> CreatedSecret {
    CreatedSecret {
        fingerprint: fingerprint(),
        remote: Some(RemoteCredential::new("r-2", "other")),
    }
}

const MINTED: &str =
    r#"{"fingerprint":"5f1c","remote":{"id":"r-2","label":"other","created":null,"expires":null}}"#;

#[test]
fn entries() {
    let failure = StepFailure::new(StepFailureKind::QuotaExceeded, "two live");
    pin_variants!(same, JournalEntry {
        JournalEntry::Planned(_) => JournalEntry::Planned(Box::new(plan())), &format!(r#"{{"planned":{}}}"#, super::plans::PLAN);
        JournalEntry::Intent(_) => JournalEntry::Intent(RotationStep::Create), r#"{"intent":"create"}"#;
        JournalEntry::Done(_) => JournalEntry::Done(StepOutcome::Revoked), r#"{"done":"revoked"}"#;
        JournalEntry::Failed(..) => JournalEntry::Failed(RotationStep::Deliver(text("app")), failure), r#"{"failed":[{"deliver":"app"},{"kind":"full","why":"two live"}]}"#;
        JournalEntry::Reconciled(_) => JournalEntry::Reconciled(ReconciliationResult::Revocation(RevocationStatus::Revoked)), r#"{"reconciled":{"revocation":"gone"}}"#;
        JournalEntry::UserDecision(_) => JournalEntry::UserDecision(UserDecision::Retry), r#"{"human-said":"retry"}"#;
        JournalEntry::AdministratorChanged(_) => JournalEntry::AdministratorChanged(administrator()), r#"{"administrator":{"id":"08080808080808080808080808080808","name":"admin"}}"#;
        JournalEntry::AccessTokenOutlives { .. } => JournalEntry::AccessTokenOutlives { until: MOMENT }, r#"{"access-token-outlives":{"until":"2026-11-22T12:00:00.25Z"}}"#;
    });
}

#[test]
fn steps() {
    pin_variants!(same, RotationStep {
        RotationStep::VerifyStore => RotationStep::VerifyStore, r#""prove-store""#;
        RotationStep::Snapshot => RotationStep::Snapshot, r#""snapshot""#;
        RotationStep::Create => RotationStep::Create, r#""create""#;
        RotationStep::AwaitPaste => RotationStep::AwaitPaste, r#""await-paste""#;
        RotationStep::AwaitSignIn => RotationStep::AwaitSignIn, r#""await-sign-in""#;
        RotationStep::Stage => RotationStep::Stage, r#""stash""#;
        RotationStep::Verify => RotationStep::Verify, r#""verify""#;
        RotationStep::Promote => RotationStep::Promote, r#""promote""#;
        RotationStep::Deliver(_) => RotationStep::Deliver(text("app")), r#"{"deliver":"app"}"#;
        RotationStep::Revoke => RotationStep::Revoke, r#""revoke""#;
        RotationStep::AwaitRevoke => RotationStep::AwaitRevoke, r#""await-revoke""#;
        RotationStep::VerifyRevoked => RotationStep::VerifyRevoked, r#""prove-dead""#;
        RotationStep::ClearSlots => RotationStep::ClearSlots, r#""forget""#;
        RotationStep::DeleteOrphan(_) => RotationStep::DeleteOrphan(text("r-1")), r#"{"discard":"r-1"}"#;
        RotationStep::FindOrphans => RotationStep::FindOrphans, r#""sweep""#;
        RotationStep::VerifyOld => RotationStep::VerifyOld, r#""prove-old""#;
        RotationStep::RestoreOld => RotationStep::RestoreOld, r#""restore""#;
        RotationStep::RestoreConsumer(_) => RotationStep::RestoreConsumer(text("app")), r#"{"redeliver":"app"}"#;
    });
}

#[test]
fn outcomes() {
    let verified = format!(r#"{{"verified":{{"fingerprint":"5f1c","reach":{REACH}}}}}"#);
    pin_variants!(same, StepOutcome {
        StepOutcome::StoreVerified => StepOutcome::StoreVerified, r#""store-proven""#;
        StepOutcome::SnapshotTaken(_) => StepOutcome::SnapshotTaken(snapshot()), &format!(r#"{{"seen":{SNAPSHOT}}}"#);
        StepOutcome::Created(_) => StepOutcome::Created(minted()), &format!(r#"{{"created":{MINTED}}}"#);
        StepOutcome::Pasted(_) => StepOutcome::Pasted(minted()), &format!(r#"{{"pasted":{MINTED}}}"#);
        StepOutcome::SignedIn => StepOutcome::SignedIn, r#""signed-in""#;
        StepOutcome::Staged(_) => StepOutcome::Staged(fingerprint()), r#"{"stashed":"5f1c"}"#;
        StepOutcome::Verified { .. } => StepOutcome::Verified { fingerprint: fingerprint(), reach: reach(), named_id: None }, &verified;
        StepOutcome::Promoted(_) => StepOutcome::Promoted(fingerprint()), r#"{"promoted":"5f1c"}"#;
        StepOutcome::Delivered(_) => StepOutcome::Delivered(text("app")), r#"{"delivered":"app"}"#;
        StepOutcome::Revoked => StepOutcome::Revoked, r#""revoked""#;
        StepOutcome::OldSecretRejected => StepOutcome::OldSecretRejected, r#""proven-dead""#;
        StepOutcome::SlotsCleared => StepOutcome::SlotsCleared, r#""forgotten""#;
        StepOutcome::OrphanDeleted(_) => StepOutcome::OrphanDeleted(text("r-1")), r#"{"discarded":"r-1"}"#;
        StepOutcome::OrphansListed(_) => StepOutcome::OrphansListed(vec![remote()]), &format!(r#"{{"swept":[{REMOTE}]}}"#);
        StepOutcome::OldSecretVerified => StepOutcome::OldSecretVerified, r#""old-proven""#;
        StepOutcome::OldSecretRestored => StepOutcome::OldSecretRestored, r#""restored""#;
        StepOutcome::ConsumerRestored(_) => StepOutcome::ConsumerRestored(text("app")), r#"{"redelivered":"app"}"#;
    });
}

#[test]
fn the_credential_that_a_secret_names() {
    let old = OldSecretSnapshot { named_id: Some(text("r-1")), ..snapshot() };
    let form = SNAPSHOT.replace(r#""known":"#, r#""named":"r-1","known":"#);
    assert_ne!(form, SNAPSHOT);
    same(&old, &form);
    let new = StepOutcome::Verified {
        fingerprint: fingerprint(),
        reach: reach(),
        named_id: Some(text("r-2")),
    };
    let form = format!(r#"{{"verified":{{"fingerprint":"5f1c","reach":{REACH},"named":"r-2"}}}}"#);
    same(&new, &form);
}

#[test]
fn failures() {
    pin_variants!(same, StepFailureKind {
        StepFailureKind::Retryable => StepFailureKind::Retryable, r#""not-yet""#;
        StepFailureKind::Refused => StepFailureKind::Refused, r#""refused""#;
        StepFailureKind::QuotaExceeded => StepFailureKind::QuotaExceeded, r#""full""#;
        StepFailureKind::OutcomeUnknown => StepFailureKind::OutcomeUnknown, r#""unanswered""#;
        StepFailureKind::SecretLost => StepFailureKind::SecretLost, r#""lost""#;
    });
    same(&StepFailure::new(StepFailureKind::Retryable, "429"), r#"{"kind":"not-yet","why":"429"}"#);
}

#[test]
fn findings() {
    pin_variants!(same, ReconciliationResult {
        ReconciliationResult::Creation(_) => ReconciliationResult::Creation(CreationStatus::NotCreated), r#"{"minting":"nothing"}"#;
        ReconciliationResult::Revocation(_) => ReconciliationResult::Revocation(RevocationStatus::StillActive), r#"{"revocation":"still-there"}"#;
    });
    pin_variants!(same, CreationStatus {
        CreationStatus::InPendingSlot(_) => CreationStatus::InPendingSlot(minted()), &format!(r#"{{"held":{MINTED}}}"#);
        CreationStatus::Orphaned(_) => CreationStatus::Orphaned(RemoteCredential::new("r-2", "other")), &format!(r#"{{"stray":{BARE_REMOTE}}}"#);
        CreationStatus::NotCreated => CreationStatus::NotCreated, r#""nothing""#;
        CreationStatus::Unknown(_) => CreationStatus::Unknown(text("no list")), r#"{"unclear":"no list"}"#;
    });
    pin_variants!(same, RevocationStatus {
        RevocationStatus::Revoked => RevocationStatus::Revoked, r#""gone""#;
        RevocationStatus::StillActive => RevocationStatus::StillActive, r#""still-there""#;
    });
}

#[test]
fn decisions_of_the_user() {
    pin_variants!(same, UserDecision {
        UserDecision::Retry => UserDecision::Retry, r#""retry""#;
        UserDecision::Skip(_) => UserDecision::Skip(RotationStep::DeleteOrphan(text("r-1"))), r#"{"skip":{"discard":"r-1"}}"#;
        UserDecision::Override(_) => UserDecision::Override(text("nightly")), r#"{"override":"nightly"}"#;
        UserDecision::SelectedOld(_) => UserDecision::SelectedOld(text("r-1")), r#"{"chose":"r-1"}"#;
        UserDecision::NoneOfThese => UserDecision::NoneOfThese, r#""none-of-these""#;
        UserDecision::DeletedManually(_) => UserDecision::DeletedManually(text("r-1")), r#"{"removed":"r-1"}"#;
        UserDecision::RevokedManually => UserDecision::RevokedManually, r#""revoked-by-hand""#;
        UserDecision::CreateAnother => UserDecision::CreateAnother, r#""make-another""#;
        UserDecision::RollBack => UserDecision::RollBack, r#""abort""#;
        UserDecision::Continue => UserDecision::Continue, r#""go-on""#;
        UserDecision::Abandon => UserDecision::Abandon, r#""abandon""#;
    });
}

#[test]
fn what_is_known_of_the_old_secret() {
    pin_variants!(same, OldAccess {
        OldAccess::Known(_) => OldAccess::Known(reach()), &format!(r#"{{"known":{REACH}}}"#);
        OldAccess::Unknown(_) => OldAccess::Unknown(text("401")), r#"{"unknown":"401"}"#;
    });
    same(&snapshot(), SNAPSHOT);
    let known = PreviousMetadata { expires: None, fields: BTreeMap::new() };
    let seen = OldSecretSnapshot {
        access: OldAccess::Known(reach()),
        remotes: vec![remote()],
        listed_ids: None,
        previous_metadata: known,
        ..snapshot()
    };
    let form = format!(
        r#"{{"fingerprint":"5f1c","reach":{{"known":{REACH}}},"remotes":[{REMOTE}],"known":{{"expires":null,"fields":{{}}}}}}"#
    );
    same(&seen, &form);
    let older = r#"{"fingerprint":"5f1c","reach":{"unknown":"it was refused"},"remotes":[]}"#;
    let known = PreviousMetadata::default();
    assert_eq!(
        serde_json::from_str::<OldSecretSnapshot>(older).unwrap(),
        OldSecretSnapshot { listed_ids: None, previous_metadata: known, ..snapshot() },
        "an older form"
    );
}

#[test]
fn new_secrets_and_what_the_provider_lists() {
    same(&fingerprint(), r#""5f1c""#);
    same(&minted(), MINTED);
    same(&CreatedSecret { remote: None, ..minted() }, r#"{"fingerprint":"5f1c","remote":null}"#);
    same(&remote(), REMOTE);
    same(&RemoteCredential::new("r-2", "other"), BARE_REMOTE);
    let older = r#"{"id":"r-2","label":"other"}"#;
    assert_eq!(
        serde_json::from_str::<RemoteCredential>(older).unwrap(),
        RemoteCredential::new("r-2", "other"),
        "an older form"
    );
    same(&reach(), REACH);
    let bare = r#"{"principal":{"id":"p-1","name":"Ann","type":"user"},"kind":"personal-access-token","region":"SNYK-EU-01","organisations":[],"roles":null}"#;
    same(&AccessScope { organizations: Some(set(&[])), roles: None, ..reach() }, bare);
    let unlisted = REACH.replace(r#"["acme","beta"]"#, "null");
    same(&AccessScope { organizations: None, ..reach() }, &unlisted);
}

#[test]
fn a_created_credential_that_lacks_properties_of_its_template() {
    let remote = RemoteCredential {
        not_copied: vec![text("jwks_url")],
        ..RemoteCredential::new("r-2", "other")
    };
    same(
        &remote,
        r#"{"id":"r-2","label":"other","created":null,"expires":null,"not_copied":["jwks_url"]}"#,
    );
}
