//! Tests of revocations that end more than one secret or less than it seems: whole service
//! accounts, and sign-ins whose last access token lives on.

use serde_json::json;
use tokenring::domain::Credential;
use tokenring::domain::credential::{SecretPart, SecretSlot};
use tokenring::domain::rotation::{RotationStep, UserDecision};
use tokenring::engine::Clock as _;
use tokenring::engine::rotation::{RotationObserver, RotationPhase, RotationStatus};
use tokenring::store::{ItemKey, SecretStore as _, StoreError};

use super::account_template::{create_like, seeded, set_fields};
use super::rig::{RotationRig, sha256};
use super::scripted_user::ScriptedUser;
use crate::support::session::ScreenSession;

/// Time in which a revocation is verified; the last access token lives for an hour.
const SOON: time::Duration = time::Duration::minutes(15);

/// Revokes a credential, and checks that all secrets are accounted for.
async fn revoke(
    rig: &RotationRig,
    credential: &Credential,
    user: &ScriptedUser<'_>,
) -> RotationStatus {
    let plan = rig.fresh_engine().rotation.plan_revocation(credential, None).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let status = rig.rotate(plan.clone(), user).await;
    rig.assert_accounted(&before, &plan, &status).await;
    status
}

fn fingerprint(rig: &RotationRig, name: &str) -> String {
    sha256(rig.sandbox.manifest().credential(name).unwrap().secret.as_bytes())
}

#[tokio::test]
async fn an_account_is_deleted_with_its_only_secret_and_plan_and_result_say_so() {
    let rig = RotationRig::new().await;
    let bot = rig.add_seeded("us01-release-bot").await;
    let plan = rig.fresh_engine().rotation.plan_revocation(&bot, None).await.unwrap();
    assert!(plan.title().contains("deletes the whole service account"), "{}", plan.title());
    assert!(plan.warning().unwrap().contains("The whole service account of"));
    let user = ScriptedUser::new(&rig, "us01-release-bot");
    let status = revoke(&rig, &bot, &user).await;
    assert_eq!((status.state, &status.manual_steps[..]), (RotationPhase::Done, &[][..]));
    assert_eq!(user.prompts.lock().unwrap().len(), 0);
    let account = seeded(&rig, "us01-release-bot", "service_account_id");
    assert!(
        status.notes.iter().any(|note| note.contains("The whole service account")
            && note.contains(&account)
            && note.contains("was deleted")),
        "{:?}",
        status.notes
    );
}

#[tokio::test]
async fn the_account_that_is_deleted_is_the_one_that_the_secret_acts_as() {
    for name in ["us01-release-bot", "us01-ci-scanner"] {
        let rig = RotationRig::new().await;
        let (other, admin) = ("us01-pr-checks", rig.add_seeded("us01-admin").await);
        let bot = rig.add_seeded(name).await;
        let wrong = seeded(&rig, other, "service_account_id");
        let bot = set_fields(&rig, &bot, &[("service_account_id", &wrong)]).await;
        let user = ScriptedUser::new(&rig, name);
        let plan = rig.fresh_engine().rotation.plan_revocation(&bot, Some(&admin)).await.unwrap();
        let before = rig.secrets_before(&plan).await;
        let status = rig.rotate(plan.clone(), &user).await;
        assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
        rig.assert_accounted(&before, &plan, &status).await;
        let living = rig.live_secrets("SNYK-US-01").await;
        assert!(!living.contains(&fingerprint(&rig, name)), "{name} is revoked");
        assert!(living.contains(&fingerprint(&rig, other)), "{other} lives");
    }
}

#[tokio::test]
async fn a_refused_secret_and_a_field_delete_no_account() {
    let rig = RotationRig::new().await;
    let (other, admin) = ("us01-ci-scanner", rig.add_seeded("us01-admin").await);
    let dead = rig.add_seeded("us01-pr-checks").await;
    rig.revoke_on_page(&fingerprint(&rig, "us01-pr-checks")).await;
    let wrong = seeded(&rig, other, "service_account_id");
    let dead = set_fields(&rig, &dead, &[("service_account_id", &wrong)]).await;
    let user = ScriptedUser::new(&rig, "us01-pr-checks").decides(UserDecision::NoneOfThese);
    let plan = rig.fresh_engine().rotation.plan_revocation(&dead, Some(&admin)).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let status = rig.rotate(plan.clone(), &user).await;
    let steps: Vec<_> =
        user.prompts.lock().unwrap().iter().map(|prompt| prompt.step.clone()).collect();
    assert_eq!(steps[..2], ["revoke", "await-revoke"], "the user decides");
    assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
    assert_eq!(rig.live_secrets("SNYK-US-01").await, before.living, "nothing was deleted");
}

/// Fails unless the store has no access token of the credential.
async fn assert_no_access_token(rig: &RotationRig, credential: &Credential) {
    let part = SecretPart::Named("access_token".to_owned());
    for slot in [SecretSlot::Current, SecretSlot::Previous] {
        let key = ItemKey::for_part(&credential.id, slot, &part);
        let found = rig.store.get(&key).await;
        assert!(matches!(found, Err(StoreError::NotFound)), "{slot:?}");
    }
}

#[tokio::test]
async fn a_revoked_sign_in_is_proven_at_the_token_endpoint_although_its_access_token_lives() {
    // The provider revokes at once, or some time after its response.
    for late in [None, Some(20_000)] {
        let rig = RotationRig::new().await;
        let app = rig.add_seeded("us01-triage-app").await;
        let check = rig.fresh_engine().checks.check(&app, &app.region).await.unwrap();
        assert_eq!(check.status, Some(200), "the store holds an access token");
        let app = rig.fresh_engine().credentials.get(&app.id).await.unwrap();
        if let Some(delay) = late {
            rig.add_fault(&json!({"path": "/oauth2/revoke", "late_revocation_ms": delay})).await;
        }
        let (begin, user) = (rig.time.now(), ScriptedUser::new(&rig, "us01-triage-app"));
        let status = revoke(&rig, &app, &user).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{:#?}",
            rig.lines.lock().unwrap()
        );
        assert_eq!(user.prompts.lock().unwrap().len(), 0);
        assert!(rig.time.now() - begin < SOON, "took {}", rig.time.now() - begin);
        assert_no_access_token(&rig, &app).await;
        // The clock starts at 12:00, and an access token lives for an hour.
        assert!(
            status.notes.iter().any(|note| note.contains("works until 2026-11-22 12:59 UTC")
                || note.contains("works until 2026-11-22 13:0")),
            "{:?}",
            status.notes
        );
        let check = rig.fresh_engine().checks.check(&app, &app.region).await.unwrap();
        assert_ne!(check.status, Some(200), "the access token is no longer used");
    }
}

#[tokio::test]
async fn a_replaced_sign_in_is_proven_dead_and_its_access_token_is_stated() {
    for late in [None, Some(20_000)] {
        let rig = RotationRig::new().await;
        let app = rig.add_seeded("us01-triage-app").await;
        rig.fresh_engine().checks.check(&app, &app.region).await.unwrap();
        if let Some(delay) = late {
            rig.add_fault(&json!({"path": "/oauth2/revoke", "late_revocation_ms": delay})).await;
        }
        let (begin, user) = (rig.time.now(), ScriptedUser::new(&rig, "us01-triage-app"));
        let plan = rig.fresh_engine().rotation.plan_rotation(&app, None).await.unwrap();
        let before = rig.secrets_before(&plan).await;
        let status = rig.rotate(plan.clone(), &user).await;
        rig.assert_accounted(&before, &plan, &status).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{:#?}",
            rig.lines.lock().unwrap()
        );
        assert!(rig.time.now() - begin < SOON, "took {}", rig.time.now() - begin);
        assert!(
            status.notes.iter().any(|note| note.contains("works until 2026-11-22 1")),
            "{:?}",
            status.notes
        );
        let check = rig.fresh_engine().checks.check(&app, &app.region).await.unwrap();
        assert_eq!(check.status, Some(200), "the new sign-in works");
    }
}

#[tokio::test]
async fn a_refused_client_secret_proves_nothing_about_the_sign_in() {
    let rig = RotationRig::new().await;
    let app = rig.add_seeded("us01-triage-app").await;
    rig.fresh_engine().checks.check(&app, &app.region).await.unwrap();
    rig.add_fault(&json!({"path": "/oauth2/token", "status": 401})).await;
    let user = ScriptedUser::new(&rig, "us01-triage-app");
    let plan = rig.fresh_engine().rotation.plan_revocation(&app, None).await.unwrap();
    let observer = RotationObserver { prompter: &user, on_progress: &|_| {} };
    user.preferred.lock().unwrap().push(UserDecision::Skip(RotationStep::VerifyRevoked));
    let status = rig.fresh_engine().rotation.rotate(plan, observer).await.unwrap();
    assert_eq!(user.prompts.lock().unwrap()[0].step, "prove-dead");
    assert!(!status.manual_steps.is_empty(), "not verified: {status:#?}");
}

#[tokio::test]
async fn a_confirmation_that_no_longer_applies_deletes_no_account() {
    let rig = RotationRig::new().await;
    let bot = rig.add_seeded("us01-release-bot").await;
    let account = seeded(&rig, "us01-release-bot", "service_account_id");
    let field = [("service_account_id", account.as_str())];
    create_like(&rig, "another", &bot, &bot, &field).await;
    let before = rig.live_secrets("SNYK-US-01").await;
    let mut session = ScreenSession::start(rig.fresh_engine(), (120, 36)).await;
    session.press("X");
    session.expect("Revoke or delete").await;
    session.press("Enter");
    session.expect("The provider revokes the credential").await;
    // Another process removes the credential that has the other secret of the account.
    rig.fresh_engine().credentials.remove(&bot.id).await.unwrap();
    session.type_text("another");
    session.press("Tab Enter");
    session.expect("the confirmation no longer applies").await;
    assert_eq!(rig.live_secrets("SNYK-US-01").await, before, "nothing was deleted");
}

#[tokio::test]
async fn a_sign_in_during_a_revocation_is_refused_because_it_would_be_revoked() {
    let rig = RotationRig::new().await;
    let app = rig.add_seeded("us01-triage-app").await;
    let plan = rig.fresh_engine().rotation.plan_revocation(&app, None).await.unwrap();
    let pending = rig.fresh_engine().sign_in.begin_again(&app.id).await.unwrap();
    let user = ScriptedUser::new(&rig, "us01-triage-app");
    rig.crash_after(&plan, &user, "snapshot").await;
    let before = rig.live_secrets("SNYK-US-01").await;
    // A sign-in that began before is refused too, and its code is not exchanged.
    let callback = rig.press_consent_button(pending.address().as_str(), "allow").await;
    let engine = rig.fresh_engine();
    let finished = engine.sign_in.finish(pending, std::future::ready(callback), rig.sign_in).await;
    for refused in [finished.map(drop), engine.sign_in.begin_again(&app.id).await.map(drop)] {
        let problem = refused.expect_err("the sign-in is refused");
        assert!(problem.remedy.contains("rotate --resume"), "{problem}");
    }
    assert_eq!(rig.live_secrets("SNYK-US-01").await, before, "no sign-in was completed");
}
