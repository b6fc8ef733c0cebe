//! Tests of rotations that wait: their marks in lists, on the screen and before quitting, and the
//! dialog of a revocation that failed.

use std::sync::Arc;

use serde_json::{Value, json};
use tokenring::domain::credential::SecretSlot;
use tokenring::domain::rotation::UserDecision;
use tokenring::engine::rotation::{RotationFilter, RotationPhase};

use super::program::home;
use super::rig::RotationRig;
use super::scripted_user::ScriptedUser;
use crate::support::session::ScreenSession;

#[test]
fn list_and_show_mark_a_rotation_that_waits_until_it_ends() {
    let (home, _simulator) = home(&["us01-laptop", "us01-reader"]);
    let list = || home.run(&["list"]).expect(0).out;
    assert!(!list().contains("ROTATION"), "{}", list());
    home.run(&["rotate", "us01-laptop", "--yes"]).expect(8);
    let id = home.run(&["rotations", "--json"]).expect(0).json()[0]["id"].clone();

    let waiting = |name: &str| {
        let shown = list();
        let row = shown.lines().find(|row| row.starts_with(name)).unwrap().to_owned();
        row.ends_with("waiting")
    };
    assert!(list().contains("ROTATION"), "{}", list());
    assert_eq!((waiting("us01-laptop"), waiting("us01-reader")), (true, false));
    let shown = home.run(&["show", "us01-laptop"]).expect(0).out;
    let command =
        format!("waiting; resume it with `tokenring rotate --resume {}`", id.as_str().unwrap());
    assert!(shown.contains(&command), "{shown}");
    let all = home.run(&["list", "--json"]).expect(0).json();
    let of = |name: &str| {
        all.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()["rotation"].clone()
    };
    let rotation = of("us01-laptop");
    assert_eq!(
        (&rotation["id"], &rotation["state"], &rotation["step"]),
        (&id, &Value::from("needs-human"), &Value::from("await-paste"))
    );
    assert!(rotation["next"].is_string());
    assert_eq!(of("us01-reader"), Value::Null);
    assert_eq!(home.run(&["show", "us01-laptop", "--json"]).expect(0).json()["rotation"], rotation);

    home.run(&["rotate", "--rollback", "us01-laptop"]).expect(0);
    assert_eq!(
        home.run(&["show", "us01-laptop", "--json"]).expect(0).json()["rotation"],
        Value::Null
    );
    assert!(!list().contains("ROTATION"), "{}", list());
}

#[test]
fn a_created_credential_has_its_verification_as_last_check() {
    let (home, _simulator) = home(&["us01-ci-scanner", "us01-admin"]);
    let create = ["create", "made", "--like", "us01-ci-scanner", "--as", "us01-admin", "--yes"];
    home.run(&create).expect(0);
    let made = home.run(&["show", "made", "--json"]).expect(0).json();
    assert_eq!(made["last_check"]["verdict"], "accepted", "{made}");
    assert!(made["principal"]["id"].is_string(), "{made}");
}

/// Without a new secret, nothing can be rolled back: the rotation only ends.
#[test]
fn the_way_back_is_offered_by_what_it_does() {
    let (home, simulator) = home(&["us01-laptop"]);
    let remedy = |arguments: &[&str]| {
        home.run(arguments).expect(8).error()["remedy"].as_str().unwrap().to_owned()
    };
    let waits = remedy(&["rotate", "us01-laptop", "--yes", "--json"]);
    assert!(waits.ends_with("or end it with --rollback"), "{waits}");
    home.run(&["rotate", "--rollback", "us01-laptop"]).expect(0);
    drop(simulator);
}

#[cfg(unix)]
#[test]
fn the_screen_marks_a_waiting_rotation_and_says_so_before_it_quits() {
    let (home, simulator) = home(&["us01-laptop"]);
    let mut pty = home.unlocked_screen();
    pty.send("r");
    pty.expect("[ Rotate ]");
    pty.send("\x1b[C\r");
    pty.expect("New secret");
    pty.escape();
    pty.expect("waiting r resumes");
    pty.send("q");
    pty.expect("The rotation of us01-laptop waits for you.");
    let id = home.run(&["rotations", "--json"]).expect(0).json()[0]["id"].clone();
    pty.expect(&format!("tokenring rotate --resume {}", id.as_str().unwrap()));
    pty.send("\r");
    assert_eq!(pty.code(), 0);
    drop(simulator);
}

#[tokio::test]
async fn a_refused_revocation_names_every_way_and_another_credential_completes_it() {
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded("saw-eu-admin").await;
    rig.add_seeded("saw-eu-pipeline").await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    rig.add_fault(&json!({"method": "DELETE", "status": 403, "times": 1})).await;
    let mut session = ScreenSession::start(Arc::clone(&rig.fresh_engine()), (120, 36)).await;
    session.press("r");
    session.expect("[ Rotate ]").await;
    session.press("Right Enter");
    session.expect("The revocation failed.").await;
    let text = session.text();
    for part in ["Snyk API & Web said: ", "403", "Try again as saw-eu-pipeline"] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    session.click_on("Try again as saw-eu-pipeline");
    // That credential may not delete keys either; the first one is offered again.
    session.expect("Try again as saw-eu-admin").await;
    session.click_on("Try again as saw-eu-admin");
    session.expect("Done: the new secret has replaced the old one").await;
    let status = rig
        .fresh_engine()
        .journals
        .list_rotations(RotationFilter::All)
        .await
        .unwrap()
        .pop()
        .expect("a rotation");
    assert_eq!(status.state, RotationPhase::Done);
    rig.assert_accounted(&before, &plan, &status).await;
    assert_ne!(rig.slot(&plan, SecretSlot::Current).await, before.old);
}

#[tokio::test]
async fn a_failed_revocation_has_a_page_although_its_kind_names_none() {
    let rig = RotationRig::new().await;
    let credential = rig.add_seeded("eu01-ci-scanner").await;
    let admin = rig.add_seeded("eu01-admin").await;
    rig.add_seeded("us01-admin").await;
    rig.add_fault(&json!({"method": "DELETE", "status": 403, "times": 1})).await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, Some(&admin)).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let user = ScriptedUser::new(&rig, "eu01-ci-scanner").decides(UserDecision::Retry);
    let status = rig.rotate(plan.clone(), &user).await;
    assert_eq!(status.state, RotationPhase::Done, "{status:#?}");
    rig.assert_accounted(&before, &plan, &status).await;
    let prompts = user.prompts.lock().unwrap();
    let app = rig.sandbox.manifest().region(&credential.region).unwrap().app.clone().unwrap();
    assert_eq!(prompts[0].page.as_ref(), Some(&app));
    let failed = prompts[0].failed_revocation.as_ref().expect("a failed revocation");
    assert!(failed.is_refusal && failed.why.contains("403"), "{failed:#?}");
    let others: Vec<_> = failed.administrators.iter().map(|other| other.name.as_str()).collect();
    assert_eq!(others, ["eu01-ci-scanner"], "of the same region, and not the one that failed");
}
