//! Tests of rotations on the screen with keys only.

use std::sync::Arc;

use tokenring::domain::Credential;
use tokenring::domain::credential::SecretSlot;
use tokenring::domain::rotation::RotationPlan;
use tokenring::engine::Engine;
use tokenring::engine::rotation::{RotationFilter, RotationPhase, RotationStatus};

use super::rig::RotationRig;
use crate::support::session::ScreenSession;

/// Starts the screen of a new process.
async fn screen(rig: &RotationRig) -> ScreenSession {
    let engine: Arc<Engine> = rig.fresh_engine();
    ScreenSession::start(engine, (120, 36)).await
}

/// Opens the plan of the selected credential and starts the rotation.
async fn begin(session: &mut ScreenSession) {
    session.press("r");
    session.expect("[ Rotate ]").await;
    session.press("Right Enter");
}

/// The plan that the screen will create for the credential.
async fn plan(rig: &RotationRig, credential: &Credential) -> RotationPlan {
    rig.fresh_engine().rotation.plan_rotation(credential, None).await.unwrap()
}

/// The rotation that was started last.
async fn last(rig: &RotationRig) -> RotationStatus {
    rig.fresh_engine()
        .journals
        .list_rotations(RotationFilter::All)
        .await
        .unwrap()
        .pop()
        .expect("a rotation")
}

#[tokio::test]
async fn a_client_secret_is_replaced_with_keys_only() {
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded("us01-release-bot").await;
    let plan = plan(&rig, &credential).await;
    let (before, old) =
        (rig.secrets_before(&plan).await, rig.slot(&plan, SecretSlot::Current).await);
    let mut session = screen(&rig).await;
    begin(&mut session).await;
    session.expect("Done: the new secret has replaced the old one").await;
    session.press("Enter");
    session.expect_gone("Done: the new secret").await;
    session.press("q");
    assert_eq!(session.end().await.0, 0);
    assert_ne!(rig.slot(&plan, SecretSlot::Current).await, old, "the store holds the new one");
    assert!(
        !rig.live_secrets(&credential.region).await.contains(&old.expect("the old one")),
        "the old one is refused"
    );
    rig.assert_accounted(&before, &plan, &last(&rig).await).await;
}

#[tokio::test]
async fn a_secret_that_the_user_creates_is_pasted() {
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded("us01-admin").await;
    let plan = plan(&rig, &credential).await;
    let before = rig.secrets_before(&plan).await;
    let mut session = screen(&rig).await;
    begin(&mut session).await;
    session.expect("New secret").await;
    let page = rig.sandbox.manifest().region(&credential.region).unwrap().app.clone().unwrap();
    session.expect(&format!("Page: {page}/account")).await;
    let old = rig.sandbox.manifest().credential("us01-admin").unwrap().secret.clone();
    session.paste(&old);
    session.press("Enter");
    session.expect("Reason: the pasted secret is the old one. Create a new secret").await;
    // The step shows this text a moment before the prompt opens.
    session.expect("Enter confirm").await;
    let made = rig.create_on_page("us01-admin").await.expect("a new one");
    session.paste(&made);
    assert!(!session.text().contains(&made));
    session.press("Enter");
    session.expect("Done: the new secret has replaced the old one").await;
    rig.assert_accounted(&before, &plan, &last(&rig).await).await;
}

#[tokio::test]
async fn a_rotation_left_by_a_closed_screen_is_offered_and_resumed() {
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded("us01-admin").await;
    let plan = plan(&rig, &credential).await;
    let before = rig.secrets_before(&plan).await;
    let mut session = screen(&rig).await;
    begin(&mut session).await;
    session.expect("New secret").await;
    session.close_input();
    session.end().await;
    let made = rig.create_on_page("us01-admin").await.expect("a new one");

    let mut session = screen(&rig).await;
    session.expect("Unfinished rotations").await;
    session.press("Enter");
    session.expect("Paused. The steps above show what has happened").await;
    session.press("Enter");
    session.expect("New secret").await;
    session.paste(&made);
    session.press("Enter");
    session.expect("Done: the new secret has replaced the old one").await;
    rig.assert_accounted(&before, &plan, &last(&rig).await).await;
}

#[tokio::test]
async fn what_is_left_for_later_can_be_rolled_back() {
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded("us01-laptop").await;
    let plan = plan(&rig, &credential).await;
    let before = rig.secrets_before(&plan).await;
    let mut session = screen(&rig).await;
    begin(&mut session).await;
    session.expect("New secret").await;
    session.press("Up Up Enter");
    session.expect("tokenring has created nothing: the rotation can be ended").await;
    session.press("Right Enter");
    session.expect("Rolled back: everything is as it was").await;
    let status = last(&rig).await;
    assert_eq!(status.state, RotationPhase::RolledBack);
    rig.assert_accounted(&before, &plan, &status).await;
}

#[tokio::test]
async fn a_credential_is_revoked_and_one_is_created() {
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded("saw-eu-admin").await;
    let mut session = screen(&rig).await;
    session.expect("saw-eu-admin").await;
    session.press("C-n");
    session.expect("Create credential").await;
    session.type_text("pipeline-2");
    session.press("Up Enter");
    session.expect("Done: the credential was created, verified and stored").await;
    session.press("Esc");
    session.expect("2 pipeline-2").await;
    let made = rig.fresh_engine().credentials.find("pipeline-2").await.unwrap();
    let secret = rig
        .slot(&plan(&rig, &made).await, SecretSlot::Current)
        .await
        .expect("its secret is in the store");
    assert!(rig.live_secrets(&credential.region).await.contains(&secret));

    session.press("X Enter");
    session.expect("Type pipeline-2 to confirm").await;
    session.type_text("pipeline-2");
    session.press("Tab Enter");
    session.expect("Done: the secret is revoked").await;
    assert!(!rig.live_secrets(&credential.region).await.contains(&secret));
}
