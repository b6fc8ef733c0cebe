//! Tests of rotations by the built program: the commands that a user types, and the JSON that
//! scripts read.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use super::rig::sha256;
use crate::signin::browser::{WaitingCommand, open_callback, press_consent_button};
use crate::support::program::{Home, Outcome, SimulatorProcess};

/// A home connected to a simulator, with these credentials.
pub(super) fn home(names: &[&str]) -> (Home, SimulatorProcess) {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    for name in names {
        home.add_seeded(&simulator, name).expect(0);
    }
    (home, simulator)
}

fn lines(outcome: &Outcome) -> Vec<Value> {
    outcome
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn steps(outcome: &Outcome, state: &str) -> Vec<String> {
    let found = lines(outcome).into_iter().filter(|line| line["state"] == state);
    found.map(|line| line["step"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn one_command_replaces_a_client_secret_and_everything_that_uses_it() {
    let (home, simulator) = home(&["us01-release-bot"]);
    let old = simulator.secret("us01-release-bot");
    let file = home.root().join("app.env");
    std::fs::write(&file, format!("SNYK_SECRET={old}\nOTHER=1\n")).unwrap();
    let path = file.to_str().unwrap();
    home.run(&[
        "consumer",
        "add",
        "us01-release-bot",
        "app",
        "--env-file",
        path,
        "--key",
        "SNYK_SECRET",
    ])
    .expect(0);

    let done = home.run(&["rotate", "us01-release-bot", "--yes", "--json"]).expect(0);
    let order = [
        "prove-store",
        "snapshot",
        "create",
        "stash",
        "verify",
        "promote",
        "deliver app",
        "revoke",
        "prove-dead",
        "forget",
    ];
    assert_eq!(steps(&done, "done"), order);
    let new = home.run(&["get", "us01-release-bot"]).expect(0).out;
    assert_ne!(new, old);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("SNYK_SECRET={new}\nOTHER=1\n"));
    home.run(&["check", "us01-release-bot"]).expect(0);
    assert!(!done.out.contains(old) && !done.out.contains(&new), "no secret is printed");

    let audit = home.run(&["audit", "--json"]).expect(0).json();
    let deeds: Vec<(String, String)> = audit.as_array().unwrap().iter().map(deed).collect();
    for wanted in [("add", "done"), ("rotate", "begun"), ("rotate", "done"), ("get", "done")] {
        assert!(
            deeds.contains(&(wanted.0.to_owned(), wanted.1.to_owned())),
            "{wanted:?} is not in {deeds:?}"
        );
    }
    assert_eq!(home.run(&["audit", "--verify", "--json"]).expect(0).json()["intact"], true);
    assert_eq!(home.run(&["rotations", "--json"]).expect(0).json(), serde_json::json!([]));
}

#[test]
fn the_client_secret_of_an_app_is_replaced_and_the_sign_in_continues() {
    let (home, simulator) = home(&["us01-triage-app", "us01-admin"]);
    let old = simulator.credential("us01-triage-app")["parts"]["client_secret"]
        .as_str()
        .unwrap()
        .to_owned();
    home.run(&["rotate", "us01-triage-app", "--part", "client_id", "--yes"]).expect(2);
    let session = home.run(&["get", "us01-triage-app"]).expect(0).out;

    let rotate = [
        "rotate",
        "us01-triage-app",
        "--part",
        "client_secret",
        "--as",
        "us01-admin",
        "--yes",
        "--json",
    ];
    let done = home.run(&rotate).expect(0);
    let order = [
        "prove-store",
        "snapshot",
        "create",
        "stash",
        "verify",
        "promote",
        "revoke",
        "prove-dead",
        "forget",
    ];
    assert_eq!(steps(&done, "done"), order);
    assert_eq!(
        home.run(&["get", "us01-triage-app"]).expect(0).out,
        session,
        "no refresh token is spent"
    );
    assert!(!done.out.contains(&old) && !done.err.contains(&old), "no secret is printed");
    assert_eq!(living(&simulator, &old), 0);
    home.run(&["check", "us01-triage-app"]).expect(0);
    assert_ne!(
        home.run(&["get", "us01-triage-app"]).expect(0).out,
        session,
        "the new client secret refreshes the sign-in"
    );
}

fn deed(line: &Value) -> (String, String) {
    assert!(!line["actor"].as_str().unwrap().is_empty());
    (line["action"].as_str().unwrap().to_owned(), line["outcome"].as_str().unwrap().to_owned())
}

#[test]
fn a_manual_rotation_waits_for_the_user_and_reads_the_secret_from_standard_input() {
    let (home, simulator) = home(&["us01-admin"]);
    let waits = home.run(&["rotate", "us01-admin", "--yes", "--json"]).expect(8);
    assert!(waits.error()["remedy"].as_str().unwrap().contains("--resume"), "{}", waits.err);
    let open = home.run(&["rotations", "--json"]).expect(0).json();
    assert_eq!(
        (&open[0]["state"], &open[0]["step"]),
        (&Value::from("needs-human"), &Value::from("await-paste"))
    );
    assert_eq!(home.run(&["get", "us01-admin"]).expect(0).out, simulator.secret("us01-admin"));

    let new = by_hand(&simulator, "us01-admin");
    home.feed(&["rotate", "--resume", open[0]["id"].as_str().unwrap()], &new).expect(0);
    assert_eq!(home.run(&["get", "us01-admin"]).expect(0).out, new);
    assert_eq!(home.run(&["rotations", "--all", "--json"]).expect(0).json()[0]["state"], "done");
}

/// A UUID may be a user's token or the key of a service account; a `.env` file does not say which,
/// and the provider does.
#[test]
fn a_key_that_was_taken_for_a_personal_token_is_not_replaced_like_one() {
    let (home, simulator) = home(&["us01-admin"]);
    let api = simulator.manifest["regions"]["SNYK-US-01"]["api"].as_str().unwrap();
    let text = format!("SNYK_TOKEN={}\nSNYK_API={api}\n", simulator.secret("us01-pr-checks"));
    home.feed(&["import", "-", "--as", "pr"], &text).expect(0);
    let kind = || home.run(&["show", "pr", "--json"]).expect(0).json()["kind"].clone();
    home.run(&["check", "pr"]).expect(0);
    assert_eq!(kind(), "personal-token");
    let told = home.run(&["rotate", "pr", "--plan", "--json"]).expect(2).error();
    let remedy = told["remedy"].as_str().unwrap();
    assert!(
        told["what"] == "pr is not a personal API token"
            && remedy.contains("--kind service-account-token"),
        "{told}"
    );
    home.run(&["edit", "pr", "--kind", "service-account-oauth"]).expect(2);
    home.run(&["edit", "pr", "--kind", "service-account-token"]).expect(0);
    home.run(&["rotate", "pr", "--as", "us01-admin", "--yes", "--json"]).expect(0);
    home.run(&["check", "pr"]).expect(0);
    assert_eq!(
        (kind(), living(&simulator, simulator.secret("us01-pr-checks"))),
        ("service-account-token".into(), 0)
    );
}

#[test]
fn a_rotation_that_waits_can_be_rolled_back() {
    let (home, simulator) = home(&["us01-laptop"]);
    home.run(&["rotate", "us01-laptop", "--yes"]).expect(8);
    home.run(&["remove", "us01-laptop", "--yes"]).expect(8);
    home.feed(&["edit", "us01-laptop", "--secret"], "somethingelse").expect(8);
    home.run(&["rotate", "--rollback", "us01-laptop"]).expect(0);
    assert_eq!(home.run(&["get", "us01-laptop"]).expect(0).out, simulator.secret("us01-laptop"));
    assert_eq!(
        home.run(&["rotations", "--all", "--json"]).expect(0).json()[0]["state"],
        "rolled-back"
    );
}

#[test]
fn a_plan_shows_everything_and_does_nothing() {
    let (home, simulator) = home(&["us01-admin", "us01-ci-scanner"]);
    let plan = home
        .run(&["rotate", "us01-ci-scanner", "--as", "us01-admin", "--plan", "--json"])
        .expect(0);
    assert!(lines(&plan).iter().all(|line| line["state"] == "planned"));
    assert!(plan.out.contains("DELETE /rest/"), "{}", plan.out);
    let warned = home.run(&["rotate", "us01-admin", "--plan"]).expect(0);
    assert!(warned.out.contains("No overlap"), "{}", warned.out);
    assert_eq!(home.run(&["rotations", "--all", "--json"]).expect(0).json(), serde_json::json!([]));
    assert_eq!(
        home.run(&["get", "us01-ci-scanner"]).expect(0).out,
        simulator.secret("us01-ci-scanner")
    );
    home.run(&["--readonly", "rotate", "us01-ci-scanner", "--yes"]).expect(2);
}

#[test]
fn credentials_are_made_and_revoked_where_the_provider_has_an_api_for_it() {
    let (home, simulator) =
        home(&["us01-admin", "us01-ci-scanner", "us01-release-bot", "saw-eu-admin"]);
    for (name, like, administrator) in [
        ("ci-two", "us01-ci-scanner", "us01-admin"),
        ("bot-two", "us01-release-bot", "us01-admin"),
        ("key-two", "saw-eu-admin", "saw-eu-admin"),
    ] {
        home.run(&["create", name, "--like", like, "--as", administrator, "--yes"]).expect(0);
        home.run(&["check", name]).expect(0);
    }
    let account =
        simulator.credential("us01-release-bot")["fields"]["service_account_id"].as_str().unwrap();
    let account = format!("service_account_id={account}");
    let further =
        ["create", "bot-three", "--like", "us01-release-bot", "--field", &account, "--yes"];
    home.run(&further).expect(0);
    home.run(&["check", "bot-three"]).expect(0);

    for name in ["ci-two", "key-two"] {
        home.run(&[
            "revoke",
            name,
            "--as",
            if name == "ci-two" { "us01-admin" } else { "saw-eu-admin" },
            "--yes",
        ])
        .expect(0);
        home.run(&["check", name]).expect(4);
    }
    home.run(&["revoke", "bot-three", "--yes"]).expect(0);
    home.run(&["check", "us01-release-bot"]).expect(0);
    // The last secret of an account cannot be deleted, so the account is.
    for name in ["us01-release-bot", "bot-two"] {
        let plan = home.run(&["revoke", name, "--plan"]).expect(0).out;
        assert!(plan.contains("Delete the whole service account at the provider"), "{plan}");
        assert!(plan.contains("DELETE /rest/{orgs|groups}/{id}/service_accounts/{account}"));
        let done = home.run(&["revoke", name, "--yes"]).expect(0);
        assert!(done.err.contains("The whole service account"), "{}", done.err);
        home.run(&["check", name]).expect(4);
    }
    home.run(&["revoke", "us01-admin", "--yes"]).expect(8);
}

#[test]
fn a_consumer_that_cannot_be_served_stops_it_before_anything_is_revoked() {
    let (home, simulator) = home(&["us01-release-bot"]);
    let old = simulator.secret("us01-release-bot");
    let folder = home.root().join("apps");
    let file = folder.join("app.json");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(&file, r#"{"token":"x"}"#).unwrap();
    let (path, pointer) = (file.to_str().unwrap(), "/token");
    home.run(&[
        "consumer",
        "add",
        "us01-release-bot",
        "app",
        "--json-file",
        path,
        "--pointer",
        pointer,
    ])
    .expect(0);
    std::fs::write(&file, "no longer JSON").unwrap();

    let stopped = home.run(&["rotate", "us01-release-bot", "--yes", "--json"]).expect(8);
    assert!(stopped.error()["why"].as_str().unwrap().contains("app"), "{}", stopped.err);
    assert!(!stopped.out.contains(old) && !stopped.err.contains(old));
    assert_eq!(living(&simulator, old), 1, "the old secret is not revoked");
    home.run(&["check", "us01-release-bot"]).expect(0);

    std::fs::write(&file, r#"{"token":"x"}"#).unwrap();
    home.run(&["rotate", "--resume", "us01-release-bot", "--answer", "retry"]).expect(0);
    let new = home.run(&["get", "us01-release-bot"]).expect(0).out;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!(r#"{{"token":"{new}"}}"#));
    assert_eq!((living(&simulator, old), living(&simulator, &new)), (0, 1));
}

#[test]
fn eight_processes_that_rotate_one_credential_at_once_leave_one_secret() {
    let (home, simulator) = home(&["us01-release-bot"]);
    let old = simulator.secret("us01-release-bot");
    let before = secrets_beside(&simulator, old);
    assert!(before >= 1);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let rotate = || home.run(&["rotate", "us01-release-bot", "--yes", "--json"]);
        let rotations: Vec<_> = (0..8).map(|_| scope.spawn(rotate)).collect();
        rotations.into_iter().map(|rotation| rotation.join().unwrap()).collect()
    });
    let done = outcomes.iter().filter(|outcome| outcome.code == 0).count();
    assert!(done >= 1, "{}", outcomes[0].err);
    for refused in outcomes.iter().filter(|outcome| outcome.code != 0) {
        let said = refused.error().to_string();
        assert!(said.contains("being rotated") || said.contains("rotation"), "{said}");
    }
    let new = home.run(&["get", "us01-release-bot"]).expect(0).out;
    assert_eq!(
        (living(&simulator, old), secrets_beside(&simulator, &new)),
        (0, before),
        "nothing minted is left over"
    );
    home.run(&["check", "us01-release-bot"]).expect(0);
    assert_eq!(home.run(&["rotations", "--json"]).expect(0).json(), serde_json::json!([]));
    let all = home.run(&["rotations", "--all", "--json"]).expect(0).json();
    assert_eq!(all.as_array().unwrap().len(), done, "one rotation for each that was done: {all}");
}

/// Number of live secrets of this kind that the account has.
fn secrets_beside(simulator: &SimulatorProcess, secret: &str) -> usize {
    let answer = ask(simulator, "GET", "/faults/live", "");
    let live: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let live = live["live"].as_array().unwrap();
    let this = live
        .iter()
        .find(|one| one["sha256"] == sha256(secret.as_bytes()).as_str())
        .expect("it is alive");
    live.iter()
        .filter(|one| ["account", "kind"].iter().all(|member| one[*member] == this[*member]))
        .count()
}

/// Number of live secrets with this value.
pub(super) fn living(simulator: &SimulatorProcess, secret: &str) -> usize {
    ask(simulator, "GET", "/faults/live", "").matches(&sha256(secret.as_bytes())).count()
}

fn by_hand(simulator: &SimulatorProcess, name: &str) -> String {
    let body = serde_json::json!({ "credential": name }).to_string();
    let answer = ask(simulator, "POST", "/faults/by-hand", &body);
    let made: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    made["secret"].as_str().unwrap().to_owned()
}

/// Sends a request to the control listener of the simulator.
fn ask(simulator: &SimulatorProcess, method: &str, path: &str, body: &str) -> String {
    let url: url::Url = simulator.manifest["faults"].as_str().unwrap().parse().unwrap();
    let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n",
        url.authority()
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn a_session_is_replaced_by_a_new_sign_in_and_the_old_refresh_token_is_revoked() {
    let (home, simulator) = home(&["us01-triage-app"]);
    let old = simulator.secret("us01-triage-app");
    let rotate = ["rotate", "us01-triage-app", "--yes", "--json", "--no-browser"];
    let waiting = WaitingCommand::begin_command(&home, &rotate, "");
    let open = home.run(&["rotations", "--json"]).expect(0).json();
    assert_eq!(open[0]["step"], "await-sign-in", "{open}");
    let (status, page) =
        open_callback(press_consent_button(&waiting.visit, "allow").await).await.unwrap();
    assert!(status == 200 && page.contains("Signed in"), "{page}");
    let done = waiting.end().expect(0);
    let order = ["create", "stash", "verify", "promote", "revoke", "prove-dead", "forget"];
    let taken = steps(&done, "done");
    assert!(taken.ends_with(&order.map(str::to_owned)), "{taken:?}");
    let new = home.run(&["get", "us01-triage-app"]).expect(0).out;
    assert!(
        new != old
            && !done.out.contains(&new)
            && !done.err.contains(&new)
            && !done.out.contains(old)
    );
    assert_eq!((living(&simulator, old), living(&simulator, &new)), (0, 1));
    home.run(&["check", "us01-triage-app"]).expect(0);
    assert!(
        home.run(&["show", "us01-triage-app", "--json"]).expect(0).json()["expires"].is_string(),
        "its expiry is known"
    );
    assert_eq!(home.run(&["rotations", "--json"]).expect(0).json(), serde_json::json!([]));
    assert_eq!(home.run(&["audit", "--verify", "--json"]).expect(0).json()["intact"], true);
}

#[tokio::test]
async fn a_denied_sign_in_leaves_the_session_and_its_address_may_be_pasted() {
    let (home, simulator) = home(&["us01-triage-app"]);
    let waiting = WaitingCommand::begin_command(
        &home,
        &["rotate", "us01-triage-app", "--yes", "--json", "--no-browser"],
        "",
    );
    let (_, page) =
        open_callback(press_consent_button(&waiting.visit, "deny").await).await.unwrap();
    assert!(page.contains("The sign-in was denied"), "{page}");
    let denied = waiting.end().expect(8);
    assert!(denied.error()["why"].as_str().unwrap().contains("access_denied"), "{}", denied.err);
    home.run(&["check", "us01-triage-app"]).expect(0);
    let old = home.run(&["get", "us01-triage-app"]).expect(0).out;
    let again = [
        "rotate",
        "--resume",
        "us01-triage-app",
        "--answer",
        "retry",
        "--json",
        "--no-browser",
        "--paste",
    ];
    let mut waiting = WaitingCommand::begin_command(&home, &again, "");
    waiting.type_line(press_consent_button(&waiting.visit, "allow").await.as_str());
    waiting.end().expect(0);
    home.run(&["check", "us01-triage-app"]).expect(0);
    assert_eq!(living(&simulator, &old), 0);
}
