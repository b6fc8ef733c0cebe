//! Tests of revocations that delete a whole service account.

use tokenring::domain::Credential;
use tokenring::engine::rotation::{RotationPhase, RotationStatus};

use super::account_template::{seeded, set_fields};
use super::rig::{RotationRig, sha256};
use super::scripted_user::ScriptedUser;

/// Revokes a credential, and checks that all secrets are accounted for.
async fn revoke(
    rig: &RotationRig,
    credential: &Credential,
    user: &ScriptedUser<'_>,
) -> RotationStatus {
    let plan = rig.fresh_engine().plan_revocation(credential, None).await.unwrap();
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
    let plan = rig.fresh_engine().plan_revocation(&bot, None).await.unwrap();
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
        let plan = rig.fresh_engine().plan_revocation(&bot, Some(&admin)).await.unwrap();
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
    let user = ScriptedUser::new(&rig, "us01-pr-checks");
    let plan = rig.fresh_engine().plan_revocation(&dead, Some(&admin)).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let status = rig.rotate(plan.clone(), &user).await;
    assert_eq!(user.prompts.lock().unwrap()[0].step, "await-revoke", "the user decides");
    assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
    assert_eq!(rig.live_secrets("SNYK-US-01").await, before.living, "nothing was deleted");
}
