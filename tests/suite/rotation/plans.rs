//! Tests of every plan from beginning to end without faults. Start with [`AUTOMATIC`] and
//! [`MANUAL`].

use serde_json::json;
use tokenring::domain::credential::{SecretPart, SecretSlot};
use tokenring::domain::response::CheckResult;
use tokenring::engine::Clock as _;
use tokenring::engine::rotation::{
    RotationObserver, RotationPhase, RotationStatus, RotationStep, UserDecision,
};

use super::rig::RotationRig;
use super::scripted_user::ScriptedUser;

/// A credential of the simulator, its administrator, and the further part that is replaced instead
/// of the secret.
pub(super) type RotationCase = (&'static str, Option<&'static str>, Option<&'static str>);

/// Cases without any action of the user.
pub(super) const AUTOMATIC: [RotationCase; 6] = [
    ("eu01-ci-scanner", Some("eu01-admin"), None),
    ("us01-release-bot", None, None),
    ("us01-pr-checks", Some("us01-admin"), None),
    ("saw-eu-admin", None, None),
    ("us01-triage-app", Some("us01-admin"), Some("client_secret")),
    ("us01-group-reporter", Some("us01-admin"), None),
];

/// Cases in which the user creates or revokes a secret.
pub(super) const MANUAL: [RotationCase; 5] = [
    ("us01-admin", None, None),
    ("us01-laptop", None, None),
    ("appcircle-laptop", None, None),
    ("appcircle-ci", None, None),
    ("us01-triage-app", None, None),
];

/// The secret part of a case.
pub(super) fn part_of(part: Option<&str>) -> SecretPart {
    part.map_or(SecretPart::Secret, |id| SecretPart::Named(id.to_owned()))
}

/// Rotates a credential of the simulator and checks that all secrets are accounted for.
async fn rotate_case(
    rig: &RotationRig,
    (name, administrator, part): RotationCase,
    user: &ScriptedUser<'_>,
) -> RotationStatus {
    let credential = rig.add_seeded(name).await;
    let administrator = match administrator {
        Some(administrator) => Some(rig.add_seeded(administrator).await),
        None => None,
    };
    let plan = rig
        .fresh_engine()
        .rotation
        .plan_part_rotation(&credential, part_of(part), administrator.as_ref())
        .await
        .unwrap();
    let before = rig.secrets_before(&plan).await;
    let status = rig.rotate(plan.clone(), user).await;
    rig.assert_accounted(&before, &plan, &status).await;
    status
}

#[tokio::test]
async fn automatic_plans_need_no_user() {
    for case in AUTOMATIC {
        let name = case.0;
        let rig = RotationRig::new().await;
        let user = ScriptedUser::new(&rig, name);
        let status = rotate_case(&rig, case, &user).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{name}: {:#?}",
            rig.lines.lock().unwrap()
        );
        assert_eq!(
            user.prompts.lock().unwrap().len(),
            0,
            "{name}: {:#?}",
            user.prompts.lock().unwrap()
        );
        let after = rig.fresh_engine().credentials.find(name).await.unwrap();
        assert_eq!(
            rig.fresh_engine().checks.check(&after, &after.region).await.unwrap().result,
            CheckResult::Accepted
        );
    }
}

/// The state after an import from a `.env` file: a secret, and about the account only what the
/// provider reports.
#[tokio::test]
async fn an_account_of_which_only_the_secret_is_known_needs_no_user_either() {
    for (name, level) in [("us01-ci-scanner", "org"), ("us01-group-reporter", "group")] {
        let rig = RotationRig::new().await;
        let (bare, administrator) =
            (rig.add_with_secret_only(name).await, rig.add_seeded("us01-admin").await);
        assert!(bare.fields.is_empty() && bare.principal.is_none());
        let user = ScriptedUser::new(&rig, name);
        let plan =
            rig.fresh_engine().rotation.plan_rotation(&bare, Some(&administrator)).await.unwrap();
        let status = rig.rotate(plan, &user).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{name}: {:#?}",
            rig.lines.lock().unwrap()
        );
        assert_eq!(
            user.prompts.lock().unwrap().len(),
            0,
            "{name}: {:#?}",
            user.prompts.lock().unwrap()
        );
        let (fields, known) = (
            rig.fresh_engine().credentials.find(name).await.unwrap().fields,
            rig.sandbox.manifest().credential(name).unwrap(),
        );
        let (there, place) = (&known.fields, if level == "org" { "org_id" } else { "group_id" });
        assert_eq!(
            (fields["level"].as_str(), &fields[place]),
            (level, &there[place]),
            "the learned properties are stored"
        );
        assert_ne!(
            fields["service_account_id"], there["service_account_id"],
            "the account is the new one"
        );
    }
}

#[tokio::test]
async fn the_user_creates_what_the_program_cannot() {
    for case in MANUAL {
        let name = case.0;
        let rig = RotationRig::new().await;
        let old =
            super::rig::sha256(rig.sandbox.manifest().credential(name).unwrap().secret.as_bytes());
        let user = ScriptedUser::new(&rig, name).revokes(Some(&old));
        let status = rotate_case(&rig, case, &user).await;
        assert_eq!(
            (status.state, &status.manual_steps[..]),
            (RotationPhase::Done, &[][..]),
            "{name}: {:#?}",
            rig.lines.lock().unwrap()
        );
        // An API key of Appcircle is also revoked manually.
        assert_eq!(
            user.prompts.lock().unwrap().len(),
            if name == "appcircle-ci" { 2 } else { 1 },
            "{name}: {:#?}",
            user.prompts.lock().unwrap()
        );
    }
}

#[tokio::test]
async fn a_pasted_secret_that_cannot_be_the_new_one_is_refused_with_the_reason() {
    for (pasted, reason) in [
        ("us01-laptop", "old one"),
        ("eu01-workstation", "SNYK-EU-01"),
        ("us01-ci-scanner", "service-account-token"),
    ] {
        let rig = RotationRig::new().await;
        let pasted = rig.sandbox.manifest().credential(pasted).unwrap().secret.clone();
        let user = ScriptedUser::new(&rig, "us01-laptop").pastes_first(&pasted);
        let status = rotate_case(&rig, MANUAL[1], &user).await;
        assert_eq!(status.state, RotationPhase::Done);
        let asked = user.prompts.lock().unwrap();
        assert!(asked.len() == 2 && asked[1].message.title.contains(reason), "{asked:#?}");
    }
}

#[tokio::test]
async fn eventual_consistency_is_waited_out_and_a_late_revocation_is_reported() {
    let rig = RotationRig::new().await;
    rig.add_fault(&json!({"method": "POST", "eventual_ms": 9_000})).await;
    rig.add_fault(&json!({"method": "DELETE", "late_revocation_ms": 60_000})).await;
    let user = ScriptedUser::new(&rig, "eu01-ci-scanner");
    let status = rotate_case(&rig, AUTOMATIC[0], &user).await;
    assert_eq!(status.state, RotationPhase::Done);
    let lines = rig.lines.lock().unwrap();
    let waited = |step: &str| {
        lines
            .iter()
            .filter(|line| line.step == step && line.detail.starts_with("Retry in "))
            .count()
    };
    assert!(waited("verify") >= 3 && waited("prove-dead") >= 4, "{lines:#?}");
}

#[tokio::test]
async fn a_key_that_may_not_manage_keys_is_replaced_manually() {
    let rig = RotationRig::new().await;
    let user = ScriptedUser::new(&rig, "saw-eu-pipeline")
        .decides(UserDecision::Skip(RotationStep::VerifyRevoked));
    let credential = rig.add_seeded("saw-eu-pipeline").await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    let status = rig.rotate(plan, &user).await;
    let asked = user.prompts.lock().unwrap();
    assert!(asked[0].accepts_paste && asked[0].message.title.contains("403"), "{asked:#?}");
    // A key that may not read keys does not show which key it is and what it may do.
    assert_eq!(asked[1].step, "promote");
    assert!(asked[1].message.title.contains("it is unknown whether"), "{asked:#?}");
    assert_eq!(asked[2].step, "await-revoke");
    // The user says that the secret is revoked, but it is not: the program detects this, asks
    // again, and leaves it on the list of manual steps.
    assert_eq!(
        (asked[3].step.as_str(), status.state, status.manual_steps.len()),
        ("prove-dead", RotationPhase::Done, 1),
        "{status:#?}"
    );
}

#[tokio::test]
async fn a_new_sign_in_is_verified_without_being_used_and_the_old_one_is_revoked() {
    let rig = RotationRig::new().await;
    let user = ScriptedUser::new(&rig, "us01-triage-app");
    let status = rotate_case(&rig, ("us01-triage-app", None, None), &user).await;
    assert_eq!(
        (status.state, &status.manual_steps[..]),
        (RotationPhase::Done, &[][..]),
        "{:#?}",
        rig.lines.lock().unwrap()
    );
    let engine = rig.fresh_engine();
    let after = engine.credentials.find("us01-triage-app").await.unwrap();
    assert_eq!(
        engine.checks.check(&after, &after.region).await.unwrap().result,
        CheckResult::Accepted
    );
}

#[tokio::test]
async fn a_secret_of_another_user_keeps_rollback_possible_without_overlap() {
    let rig = RotationRig::new().await;
    let case = MANUAL[0];
    let stranger = rig.sandbox.manifest().credential("us01-reader").unwrap().secret.clone();
    let user = ScriptedUser::new(&rig, case.0)
        .pastes_first(&stranger)
        .decides(UserDecision::RollBack)
        .decides(UserDecision::RollBack);
    let credential = rig.add_seeded(case.0).await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let status = rig.rotate(plan.clone(), &user).await;
    assert_eq!(status.state, RotationPhase::RolledBack, "{:#?}", user.prompts.lock().unwrap());
    assert_eq!(
        rig.fresh_engine().checks.check(&credential, &credential.region).await.unwrap().result,
        CheckResult::Accepted
    );
    rig.assert_accounted(&before, &plan, &status).await;
}

#[tokio::test]
async fn a_successor_of_another_account_needs_the_name_typed() {
    let rig = RotationRig::new().await;
    let stranger = rig.sandbox.manifest().credential("us01-reader").unwrap().secret.clone();
    let user = ScriptedUser::new(&rig, "us01-admin")
        .pastes_first(&stranger)
        .decides(UserDecision::Skip(RotationStep::VerifyRevoked));
    let credential = rig.add_seeded("us01-admin").await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    let status = rig.rotate(plan, &user).await;
    let asked = user.prompts.lock().unwrap();
    let typed = asked
        .iter()
        .find(|dilemma| dilemma.step == "promote")
        .and_then(|dilemma| dilemma.message.required_word.as_deref());
    assert_eq!(typed, Some("us01-admin"), "{asked:#?}");
    assert_ne!(
        status.state,
        RotationPhase::RolledBack,
        "a plan without overlap has no way back: {status:#?}"
    );
}

/// The sign-in to an app.
const SESSION: RotationCase = MANUAL[4];

#[tokio::test]
async fn who_denies_a_new_sign_in_is_asked_whether_to_try_again() {
    let rig = RotationRig::new().await;
    let user = ScriptedUser::new(&rig, SESSION.0).denies();
    let status = rotate_case(&rig, SESSION, &user).await;
    assert_eq!(
        (status.state, &status.manual_steps[..]),
        (RotationPhase::Done, &[][..]),
        "{:#?}",
        rig.lines.lock().unwrap()
    );
    let asked = user.prompts.lock().unwrap();
    assert!(
        asked.len() == 3
            && asked[1].awaited_callback.is_none()
            && asked[1].message.title.contains("access_denied"),
        "{asked:#?}"
    );
    assert_ne!(asked[0].page, asked[2].page, "another sign-in has another page");
}

#[tokio::test]
async fn who_denies_may_roll_back_and_keeps_the_old_session() {
    let rig = RotationRig::new().await;
    let user = ScriptedUser::new(&rig, SESSION.0).denies().decides(UserDecision::RollBack);
    let status = rotate_case(&rig, SESSION, &user).await;
    assert_eq!(
        (status.state, &status.manual_steps[..]),
        (RotationPhase::RolledBack, &[][..]),
        "{:#?}",
        rig.lines.lock().unwrap()
    );
    let before = rig.fresh_engine().credentials.find(SESSION.0).await.unwrap();
    assert_eq!(
        rig.fresh_engine().checks.check(&before, &before.region).await.unwrap().result,
        CheckResult::Accepted
    );
}

#[tokio::test]
async fn a_user_who_never_signs_in_is_shown_the_timeout_and_the_session_is_unchanged() {
    let mut rig = RotationRig::new().await;
    rig.sign_in = std::time::Duration::from_millis(30);
    let user = ScriptedUser::new(&rig, SESSION.0).never_visits();
    let credential = rig.add_seeded(SESSION.0).await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    let observer = RotationObserver {
        prompter: &user,
        on_progress: &|line| rig.lines.lock().unwrap().push(line.clone()),
    };
    let status = rig.fresh_engine().rotation.rotate(plan, observer).await.unwrap();
    assert_eq!(status.state, RotationPhase::NeedsUser);
    let asked = user.prompts.lock().unwrap()[0].awaited_callback.clone().unwrap();
    assert!(
        asked.timeout <= rig.sign_in && asked.until == rig.time.now() + rig.sign_in,
        "{asked:?}"
    );
    let told = rig.lines.lock().unwrap().last().unwrap().clone();
    assert!(
        told.step == "await-sign-in"
            && told.detail.contains("The sign-in timed out: the browser did not return within"),
        "{told:?}"
    );
    let after = rig.fresh_engine().credentials.find(SESSION.0).await.unwrap();
    assert_eq!(
        rig.fresh_engine().checks.check(&after, &after.region).await.unwrap().result,
        CheckResult::Accepted
    );
}

#[tokio::test]
async fn over_ssh_the_address_of_a_sign_in_is_pasted_and_another_one_is_not_taken() {
    let rig = RotationRig::new().await;
    let user = ScriptedUser::new(&rig, SESSION.0).browsing_elsewhere();
    let status = rotate_case(&rig, SESSION, &user).await;
    assert_eq!(
        (status.state, &status.manual_steps[..]),
        (RotationPhase::Done, &[][..]),
        "{:#?}",
        rig.lines.lock().unwrap()
    );
    let asked = user.prompts.lock().unwrap();
    assert!(asked.len() == 2 && asked[1].message.detail.contains("does not belong"), "{asked:#?}");
    assert_eq!(asked[0].page, asked[1].page, "it is still the same sign-in");
}

#[tokio::test]
async fn a_session_whose_access_token_expires_while_waiting_is_refreshed_for_the_verification() {
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded(SESSION.0).await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let user = ScriptedUser::new(&rig, SESSION.0);
    rig.crash_after(&plan, &user, "stash").await;
    rig.time.advance(std::time::Duration::from_secs(3 * 3600));
    let status = rig.rotate(plan.clone(), &user).await;
    assert_eq!(
        (status.state, &status.manual_steps[..]),
        (RotationPhase::Done, &[][..]),
        "{:#?}",
        rig.lines.lock().unwrap()
    );
    assert_eq!(user.prompts.lock().unwrap().len(), 1, "the user need not sign in again");
    rig.assert_accounted(&before, &plan, &status).await;
    let after = rig.fresh_engine().credentials.find(SESSION.0).await.unwrap();
    assert_eq!(
        rig.fresh_engine().checks.check(&after, &after.region).await.unwrap().result,
        CheckResult::Accepted
    );
}

#[tokio::test]
async fn a_session_that_is_used_while_it_changes_places_is_never_taken_for_the_old_one() {
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded(SESSION.0).await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    let user = ScriptedUser::new(&rig, SESSION.0).decides(UserDecision::RollBack);
    rig.crash_after(&plan, &user, "verify").await;
    // The process is killed again when the new secret is current but the journal does not say so;
    // and another program uses the new secret.
    rig.copy_slot(&plan, SecretSlot::Current, SecretSlot::Previous).await;
    rig.copy_slot(&plan, SecretSlot::Pending, SecretSlot::Current).await;
    rig.time.advance(std::time::Duration::from_secs(3 * 3600));
    let used = rig.slot(&plan, SecretSlot::Current).await;
    rig.fresh_engine().checks.check(&credential, &credential.region).await.unwrap();
    assert_ne!(rig.slot(&plan, SecretSlot::Current).await, used, "it has renewed itself");
    let status = rig.rotate(plan.clone(), &user).await;
    assert_eq!(status.state, RotationPhase::RolledBack, "{status:#?}");
    assert_eq!(
        rig.fresh_engine().checks.check(&credential, &credential.region).await.unwrap().result,
        CheckResult::Accepted
    );
    let asked = user.prompts.lock().unwrap();
    assert!(
        asked
            .iter()
            .any(|one| one.step == "promote" && one.message.title.contains("unclear which")),
        "{asked:#?}"
    );
}
