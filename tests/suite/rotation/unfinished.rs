//! Tests of what happens around an unfinished rotation: it is closed when only its close is
//! missing, its administrator may be deleted and replaced, and what it relies on cannot be edited.

use tokenring::engine::rotation::{RotationFilter, RotationPhase};

use super::program::{home, living};
use super::rig::RotationRig;
use super::scripted_user::ScriptedUser;
use crate::support::program::{Home, SimulatorProcess};
use crate::support::session::ScreenSession;

/// The database of a home.
fn database(home: &Home) -> rusqlite::Connection {
    rusqlite::Connection::open(home.root().join("data/index.db")).unwrap()
}

/// A rotation of this credential that was killed between its last entry and its close.
async fn killed_before_the_close(rig: &RotationRig, name: &str) {
    let credential = rig.add_seeded(name).await;
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    rig.crash_after(&plan, &ScriptedUser::new(rig, name), "forget").await;
}

#[tokio::test]
async fn a_rotation_killed_before_its_close_is_open_until_it_is_closed() {
    let rig = RotationRig::new().await;
    killed_before_the_close(&rig, "us01-release-bot").await;
    let engine = rig.fresh_engine();
    let open = engine.journals.list_rotations(RotationFilter::All).await.unwrap().pop().unwrap();
    assert_eq!(open.state, RotationPhase::Running, "a final state is not shown");
    assert!(open.next.starts_with("Close the rotation"), "{}", open.next);
    let summary = engine.journals.summarize_rotation("us01-release-bot").await.unwrap();
    assert_eq!(summary.status, open);

    let closed = engine.journals.close_ended_rotations().await.unwrap();
    assert_eq!(closed.iter().map(|one| one.state).collect::<Vec<_>>(), [RotationPhase::Done]);
    assert_eq!(engine.journals.list_rotations(RotationFilter::Open).await.unwrap(), []);
    let all = engine.journals.list_rotations(RotationFilter::All).await.unwrap();
    assert_eq!(all[0].state, RotationPhase::Done);
    assert_eq!(engine.journals.close_ended_rotations().await.unwrap(), []);
}

#[tokio::test]
async fn the_next_rotation_closes_the_one_that_was_killed_before_its_close() {
    let rig = RotationRig::new().await;
    killed_before_the_close(&rig, "us01-release-bot").await;
    let credential = rig.fresh_engine().credentials.find("us01-release-bot").await.unwrap();
    let plan = rig.fresh_engine().rotation.plan_rotation(&credential, None).await.unwrap();
    let before = rig.secrets_before(&plan).await;
    let status = rig.rotate(plan.clone(), &ScriptedUser::new(&rig, "us01-release-bot")).await;
    assert_eq!(status.state, RotationPhase::Done);
    rig.assert_accounted(&before, &plan, &status).await;
    assert_eq!(rig.fresh_engine().journals.list_rotations(RotationFilter::Open).await.unwrap(), []);
}

#[tokio::test]
async fn the_screen_closes_at_its_start_what_was_killed_before_its_close() {
    let rig = RotationRig::new().await;
    killed_before_the_close(&rig, "us01-release-bot").await;
    let mut session = ScreenSession::start(rig.fresh_engine(), (120, 36)).await;
    session.expect("a rotation had ended and is closed now").await;
    assert!(!session.text().contains("Unfinished rotations"));
    session.press("q");
    session.end().await;
    assert_eq!(rig.fresh_engine().journals.list_rotations(RotationFilter::Open).await.unwrap(), []);
}

#[tokio::test]
async fn the_screen_warns_before_it_deletes_the_administrator_of_an_unfinished_rotation() {
    let rig = RotationRig::new().await;
    let administrator = rig.add_seeded("us01-admin").await;
    let credential = rig.add_seeded("us01-ci-scanner").await;
    let plan =
        rig.fresh_engine().rotation.plan_rotation(&credential, Some(&administrator)).await.unwrap();
    rig.crash_after(&plan, &ScriptedUser::new(&rig, "us01-ci-scanner"), "snapshot").await;

    let mut session = ScreenSession::start(rig.fresh_engine(), (120, 36)).await;
    session.expect("Unfinished rotations").await;
    session.press("Esc X Down Enter");
    session.expect("Type us01-admin to confirm").await;
    session.expect("The unfinished rotation of us01-ci-scanner needs this credential").await;
    session.expect(&format!("{} --as NAME", plan.rotation)).await;
}

#[test]
fn the_list_of_rotations_closes_what_has_ended() {
    let (home, _simulator) = home(&["us01-release-bot"]);
    home.run(&["rotate", "us01-release-bot", "--yes"]).expect(0);
    let reopen = "UPDATE rotations SET closed = NULL, state = 'running'";
    database(&home).execute_batch(reopen).unwrap();
    let open = home.run(&["--readonly", "rotations", "--json"]).expect(0).json();
    assert_eq!((open[0]["state"].as_str(), &open[0]["step"]), (Some("running"), &().into()));
    let listed = home.run(&["rotations"]).expect(0);
    assert!(listed.err.contains("had ended and is closed now: the new secret"), "{}", listed.err);
    assert_eq!(home.run(&["rotations", "--json"]).expect(0).json(), serde_json::json!([]));

    database(&home).execute_batch(reopen).unwrap();
    home.run(&["edit", "us01-release-bot", "--field", "auth_type=other"]).expect(0);
    let all = home.run(&["rotations", "--all", "--json"]).expect(0).json();
    assert_eq!(all[0]["state"], "done", "an edit closes it too");
}

/// A rotation of `us01-ci-scanner` as `boss` that waits before it revokes the old secret, and its
/// ID. The consumer works again.
fn waiting_for_a_consumer() -> (Home, SimulatorProcess, String) {
    let (home, simulator) = home(&["us01-admin", "us01-ci-scanner"]);
    home.run(&["edit", "us01-admin", "--rename", "boss"]).expect(0);
    let file = home.root().join("app.json");
    std::fs::write(&file, r#"{"token":"x"}"#).unwrap();
    let path = file.to_str().unwrap();
    let consumer = ["consumer", "add", "us01-ci-scanner", "app", "--json-file", path];
    home.run(&[&consumer[..], &["--pointer", "/token"]].concat()).expect(0);
    std::fs::write(&file, "no longer JSON").unwrap();
    home.run(&["rotate", "us01-ci-scanner", "--as", "boss", "--yes"]).expect(8);
    std::fs::write(&file, r#"{"token":"x"}"#).unwrap();
    let open = home.run(&["rotations", "--json"]).expect(0).json();
    let id = open[0]["id"].as_str().unwrap().to_owned();
    (home, simulator, id)
}

#[test]
fn an_administrator_that_was_deleted_is_named_and_replaced() {
    let (home, simulator, id) = waiting_for_a_consumer();
    let asked = home.run(&["remove", "boss"]).expect(2);
    assert!(asked.err.contains(&format!("unfinished rotation {id} of us01-ci-scanner")));
    assert!(asked.err.contains("an unfinished rotation needs it"), "{}", asked.err);
    let boss = home.run(&["show", "boss", "--json"]).expect(0).json();
    let removed = home.run(&["remove", "boss", "--yes"]).expect(0);
    assert!(removed.err.contains(&format!("--resume {id} --as NAME")), "{}", removed.err);

    let resume = ["rotate", "--resume", &id, "--answer", "retry", "--json"];
    let problem = home.run(&resume).expect(8).error();
    let text = problem.to_string();
    assert!(text.contains("boss, which authorizes its calls, was deleted"), "{problem}");
    assert!(text.contains("--as NAME"), "{problem}");
    assert!(boss["id"].as_str().is_none_or(|id| !text.contains(id)), "{problem}");
    let old = simulator.secret("us01-ci-scanner");
    assert_eq!(living(&simulator, old), 1, "nothing was revoked");

    home.add_seeded(&simulator, "saw-eu-admin").expect(0);
    let foreign = home.run(&[&resume[..], &["--as", "saw-eu-admin"]].concat()).expect(2).error();
    assert!(foreign["what"].as_str().unwrap().contains("cannot administer"), "{foreign}");
    home.add_seeded(&simulator, "us01-admin").expect(0);
    let resumed = home.run(&[&resume[..], &["--as", "us01-admin"]].concat()).expect(0);
    assert!(resumed.out.contains("Authorize with us01-admin"), "{}", resumed.out);
    assert_eq!(living(&simulator, old), 0, "the other administrator revoked it");
    let plain = home.run(&["remove", "us01-admin"]).expect(2);
    assert!(!plain.err.contains("unfinished"), "{}", plain.err);
}

#[test]
fn a_rotation_without_its_administrator_can_be_rolled_back_as_another() {
    let (home, simulator, id) = waiting_for_a_consumer();
    home.run(&["remove", "boss", "--yes"]).expect(0);
    home.add_seeded(&simulator, "us01-admin").expect(0);
    home.run(&["rotate", "--rollback", &id, "--as", "us01-admin"]).expect(0);
    let secret = simulator.secret("us01-ci-scanner");
    assert_eq!(home.run(&["get", "us01-ci-scanner"]).expect(0).out, secret);
    home.run(&["check", "us01-ci-scanner"]).expect(0);
    let all = home.run(&["rotations", "--all", "--json"]).expect(0).json();
    assert_eq!(all[0]["state"], "rolled-back");
}

#[test]
fn what_an_unfinished_rotation_relies_on_is_not_edited() {
    let (home, _simulator) = home(&["us01-laptop"]);
    home.run(&["rotate", "us01-laptop", "--yes"]).expect(8);
    let open = home.run(&["rotations", "--json"]).expect(0).json();
    let id = open[0]["id"].as_str().unwrap();
    let before = home.run(&["show", "us01-laptop", "--json"]).expect(0).json();
    for edit in [
        &["region", "us01-laptop", "SNYK-EU-01"][..],
        &["edit", "us01-laptop", "--region", "SNYK-EU-01"],
        &["edit", "us01-laptop", "--field", "pat_id=another"],
        &["edit", "us01-laptop", "--field", "pat_id="],
    ] {
        let refused = home.run(&[edit, &["--json"]].concat()).expect(8).error();
        let remedy = refused["remedy"].as_str().unwrap();
        assert!(remedy.contains(&format!("--resume {id}")), "{edit:?}: {refused}");
        assert!(remedy.contains("--rollback"), "{edit:?}: {refused}");
    }
    assert_eq!(home.run(&["show", "us01-laptop", "--json"]).expect(0).json(), before);
    home.run(&["edit", "us01-laptop", "--label", "dev"]).expect(0);
    home.run(&["region", "us01-laptop", "SNYK-US-01"]).expect(0);
    home.run(&["rotate", "--rollback", id]).expect(0);
    home.run(&["region", "us01-laptop", "SNYK-EU-01"]).expect(0);
}

#[test]
fn a_secret_is_printed_although_the_audit_log_cannot_be_written() {
    let (home, simulator) = home(&["us01-laptop"]);
    let trigger = "CREATE TRIGGER refusal BEFORE INSERT ON audit
        BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    database(&home).execute_batch(trigger).unwrap();
    let got = home.run(&["get", "us01-laptop"]).expect(0);
    assert_eq!(got.out, simulator.secret("us01-laptop"));
    assert!(got.err.contains("warning: the audit log has no record of this"), "{}", got.err);
    assert!(got.err.contains("the disk is full"), "{}", got.err);
    database(&home).execute_batch("DROP TRIGGER refusal").unwrap();
    assert_eq!(home.run(&["get", "us01-laptop"]).expect(0).err, "");
}

#[test]
fn a_verified_secret_counts_as_checked() {
    let (home, _simulator) = home(&["us01-admin", "us01-release-bot", "us01-ci-scanner"]);
    let checked = |name: &str| {
        let shown = home.run(&["show", name, "--json"]).expect(0).json();
        (shown["last_check"].clone(), shown["principal"]["name"].clone())
    };
    assert_eq!(checked("us01-release-bot"), (().into(), ().into()), "not checked yet");
    home.run(&["rotate", "us01-release-bot", "--yes"]).expect(0);
    let create = ["create", "ci-two", "--like", "us01-ci-scanner", "--as", "us01-admin", "--yes"];
    home.run(&create).expect(0);
    for name in ["us01-release-bot", "ci-two"] {
        let (check, principal) = checked(name);
        assert_eq!(check["verdict"], "accepted", "{name}: {check}");
        assert!(check["at"].is_string(), "{name}: {check}");
        home.run(&["check", name]).expect(0);
        assert_eq!(principal, checked(name).1, "the principal of {name} is that of a check");
        assert!(principal.is_string(), "{name}");
    }
    let regions = home.run(&["regions", "ci-two", "--json"]).expect(0).json();
    let own = regions.as_array().unwrap().iter().find(|region| region["current"] == true).unwrap();
    assert_eq!(own["verdict"], "accepted");
}
