//! Tests of `rotate --due`: what it rotates without a user, what it leaves to the user, and what a
//! later run continues.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::program::{home, living};
use crate::support::program::{Home, Outcome, SimulatorProcess};

const ROTATE_DUE: [&str; 4] = ["rotate", "--due", "14d", "--yes"];

/// A date this many days from today.
fn in_days(days: i64) -> String {
    let date = (time::OffsetDateTime::now_utc() + time::Duration::days(days)).date();
    date.to_string()
}

/// A home connected to a simulator, with credentials that expire in this many days.
fn home_with(expiring: &[(&str, i64)]) -> (Home, SimulatorProcess) {
    let names: Vec<&str> = expiring.iter().map(|(name, _)| *name).collect();
    let (home, simulator) = home(&names);
    for (name, days) in expiring {
        home.run(&["edit", name, "--expires", &in_days(*days)]).expect(0);
    }
    (home, simulator)
}

fn rotate_due(home: &Home, further: &[&str]) -> Outcome {
    home.run(&[&ROTATE_DUE[..], &["--json"], further].concat())
}

/// Name, action and result of every line of the report.
fn results(outcome: &Outcome) -> Vec<[String; 3]> {
    let line = |line: &Value| {
        ["name", "action", "result"].map(|member| line[member].as_str().unwrap().to_owned())
    };
    outcome.json().as_array().unwrap().iter().map(line).collect()
}

fn reported<'a>(report: &'a Value, name: &str) -> &'a Value {
    report.as_array().unwrap().iter().find(|line| line["name"] == name).expect("it is reported")
}

fn secret(home: &Home, name: &str) -> String {
    home.run(&["get", name]).expect(0).out
}

/// Delays the second request that changes something in US-01, which is the revocation.
fn delay_revocation(simulator: &SimulatorProcess, delay_ms: u64) {
    let rule = |times: u32, delay_ms: u64| json!({"region": "SNYK-US-01", "method": "POST", "path": "/rest", "times": times, "delay_ms": delay_ms});
    // The later rule wins for the first request, and both count it.
    simulator.add_fault(&rule(2, delay_ms));
    simulator.add_fault(&rule(1, 0));
}

/// Starts a run and waits until it revokes the old secret.
fn start_until_revocation(home: &Home) -> (Child, impl std::io::Read) {
    let mut command = home.command(&ROTATE_DUE);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("… revoke") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the run ended before the revocation");
    }
    (child, lines)
}

#[test]
fn what_expires_soon_is_rotated_and_what_needs_a_user_is_named_and_stops_nothing() {
    let (home, simulator) = home_with(&[
        ("us01-laptop", 1),
        ("us01-release-bot", 5),
        ("saw-eu-admin", -2),
        ("us01-ci-scanner", 9),
        ("eu01-release-bot", 90),
        ("us01-admin", 60),
    ]);
    home.run(&["edit", "us01-release-bot", "--label", "prod"]).expect(0);
    let before = ["us01-laptop", "us01-release-bot", "saw-eu-admin", "us01-ci-scanner"]
        .map(|name| (name, secret(&home, name)));
    let planned = [
        ["saw-eu-admin", "rotate", "planned"],
        ["us01-laptop", "none", "needs-human"],
        ["us01-release-bot", "rotate", "planned"],
        ["us01-ci-scanner", "rotate", "planned"],
    ];
    for plan in ["--plan", "--dry-run"] {
        let shown = home.run(&["rotate", "--due", "14d", plan, "--json"]).expect(0);
        assert_eq!(results(&shown), planned);
    }
    assert_eq!(home.run(&["rotations", "--all", "--json"]).expect(0).json(), json!([]));
    let two = ["--as", "us01-admin", "--as", "us01-laptop", "--plan"];
    home.run(&[&["rotate", "us01-ci-scanner"][..], &two].concat()).expect(2);

    let done = rotate_due(&home, &["--as", "us01-admin", "--as", "eu01-release-bot"]).expect(8);
    let expected = [
        ["saw-eu-admin", "rotate", "done"],
        ["us01-laptop", "none", "needs-human"],
        ["us01-release-bot", "rotate", "done"],
        ["us01-ci-scanner", "rotate", "done"],
    ];
    assert_eq!(results(&done), expected, "{}", done.out);
    let report = done.json();
    let laptop = reported(&report, "us01-laptop");
    assert_eq!(laptop["reason"], "you create the new secret on the provider's page");
    assert_eq!(laptop["remedy"], "run `tokenring rotate us01-laptop`");
    for (name, old) in &before {
        let (is_new, alive) = (secret(&home, name) != *old, living(&simulator, old));
        assert_eq!((is_new, alive), if *name == "us01-laptop" { (false, 1) } else { (true, 0) });
        assert!(!done.out.contains(old.as_str()) && !done.err.contains(old.as_str()));
        home.run(&["check", name]).expect(0);
    }
    for name in ["eu01-release-bot", "us01-admin"] {
        assert_eq!(secret(&home, name), simulator.secret(name), "{name} is not due");
    }

    // What was rotated is not due any more.
    let again = rotate_due(&home, &[]).expect(8);
    assert_eq!(results(&again), [["us01-laptop", "none", "needs-human"]]);
    home.run(&["remove", "us01-laptop", "--yes"]).expect(0);
    assert_eq!(rotate_due(&home, &[]).expect(0).json(), json!([]));
    let told = home.run(&ROTATE_DUE).expect(0);
    assert!(told.err.contains("No credential expires within 14 days"), "{}", told.err);
}

#[test]
fn a_refusal_is_reported_and_does_not_stop_the_others() {
    let (home, simulator) = home_with(&[("us01-release-bot", 1), ("saw-eu-admin", 5)]);
    let old = secret(&home, "us01-release-bot");
    simulator.add_fault(
        &json!({"region": "SNYK-US-01", "method": "POST", "path": "/rest", "status": 403}),
    );
    let done = rotate_due(&home, &[]).expect(8);
    assert_eq!(
        results(&done),
        [["us01-release-bot", "rotate", "needs-human"], ["saw-eu-admin", "rotate", "done"]]
    );
    let report = done.json();
    let refused = reported(&report, "us01-release-bot");
    assert!(refused["reason"].as_str().unwrap().contains("403"), "{refused}");
    let id = refused["rotation"].as_str().unwrap();
    for advice in [format!("--resume {id}"), format!("--rollback {id}"), "--as NAME".to_owned()] {
        assert!(refused["remedy"].as_str().unwrap().contains(&advice), "{refused}");
    }
    assert_eq!((secret(&home, "us01-release-bot"), living(&simulator, &old)), (old.clone(), 1));

    let again = rotate_due(&home, &[]).expect(8);
    assert_eq!(results(&again), [["us01-release-bot", "none", "needs-human"]]);
    let again = again.json();
    assert_eq!(again[0]["rotation"], *id, "no second rotation was started");
    assert!(again[0]["reason"].as_str().unwrap().contains("403"), "{again}");
}

#[test]
fn a_step_that_failed_is_tried_again_by_the_next_run() {
    let (home, simulator) = home_with(&[("us01-release-bot", 5)]);
    let old = secret(&home, "us01-release-bot");
    let file = home.root().join("app.json");
    std::fs::write(&file, r#"{"token":"x"}"#).unwrap();
    let path = file.to_str().unwrap();
    let app = ["consumer", "add", "us01-release-bot", "app", "--json-file", path];
    home.run(&[&app[..], &["--pointer", "/token"]].concat()).expect(0);
    std::fs::write(&file, "no longer JSON").unwrap();
    let stopped = rotate_due(&home, &[]).expect(8);
    assert_eq!(results(&stopped), [["us01-release-bot", "rotate", "needs-human"]]);
    assert!(stopped.json()[0]["reason"].as_str().unwrap().contains("app"), "{}", stopped.out);

    // The expiry of the new secret is unknown, so that only the unfinished rotation is left.
    let planned = home.run(&["rotate", "--due", "14d", "--dry-run", "--json"]).expect(0);
    assert_eq!(results(&planned), [["us01-release-bot", "resume", "planned"]]);
    rotate_due(&home, &[]).expect(8);
    assert_eq!(living(&simulator, &old), 1, "nothing is revoked before the delivery");
    std::fs::write(&file, r#"{"token":"x"}"#).unwrap();
    let done = rotate_due(&home, &[]).expect(0);
    assert_eq!(results(&done), [["us01-release-bot", "resume", "done"]]);
    let new = secret(&home, "us01-release-bot");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!(r#"{{"token":"{new}"}}"#));
    assert_eq!((living(&simulator, &old), living(&simulator, &new)), (0, 1));
}

#[test]
fn a_run_that_is_killed_is_continued_by_the_next_and_two_runs_do_not_meet() {
    let (home, simulator) = home_with(&[("us01-release-bot", 5)]);
    let old = secret(&home, "us01-release-bot");
    delay_revocation(&simulator, 600_000);
    let (mut killed, _lines) = start_until_revocation(&home);
    let second = rotate_due(&home, &[]).expect(1);
    assert_eq!(results(&second), [["us01-release-bot", "resume", "failed"]]);
    let reason = second.json()[0]["reason"].to_string();
    assert!(reason.contains("another tokenring process is rotating it"), "{reason}");
    kill_process(Pid::from_child(&killed), Signal::KILL).unwrap();
    killed.wait().unwrap();

    let done = rotate_due(&home, &[]).expect(0);
    assert_eq!(results(&done), [["us01-release-bot", "resume", "done"]]);
    let new = secret(&home, "us01-release-bot");
    assert_eq!((living(&simulator, &old), living(&simulator, &new)), (0, 1));
    assert_eq!(home.run(&["rotations", "--json"]).expect(0).json(), json!([]));
}

#[test]
fn a_service_that_is_stopped_pauses_between_two_steps() {
    let (home, simulator) = home_with(&[("us01-release-bot", 5), ("saw-eu-admin", 9)]);
    let old = secret(&home, "us01-release-bot");
    delay_revocation(&simulator, 1500);
    let (mut stopped, mut lines) = start_until_revocation(&home);
    kill_process(Pid::from_child(&stopped), Signal::TERM).unwrap();
    let (mut told, mut table) = (String::new(), String::new());
    lines.read_to_string(&mut told).unwrap();
    stopped.stdout.take().unwrap().read_to_string(&mut table).unwrap();
    assert_eq!(stopped.wait().unwrap().code(), Some(130), "{told}");
    assert!(told.contains("✓ revoke"), "the step that had begun is finished: {told}");
    let row = |name: &str| table.lines().find(|row| row.starts_with(name)).unwrap().to_owned();
    assert!(row("us01-release-bot").contains("paused"), "{table}");
    assert!(row("saw-eu-admin").contains("not started"), "{table}");

    let done = rotate_due(&home, &[]).expect(0);
    assert_eq!(
        results(&done),
        [["us01-release-bot", "resume", "done"], ["saw-eu-admin", "rotate", "done"]]
    );
    assert_eq!(living(&simulator, &old), 0);
}

#[test]
fn without_yes_every_rotation_is_confirmed_by_its_name() {
    let (home, simulator) = home_with(&[("us01-release-bot", 1), ("saw-eu-admin", 5)]);
    home.run(&["edit", "us01-release-bot", "--label", "env:prod"]).expect(0);
    let refused = home.run(&["rotate", "--due", "14d", "--json"]).expect(2);
    assert!(refused.error()["remedy"].as_str().unwrap().contains("--yes"), "{}", refused.err);
    assert_eq!(home.run(&["rotations", "--all", "--json"]).expect(0).json(), json!([]));

    let mut terminal = home.at_terminal(&["rotate", "--due", "14d"]);
    terminal.expect("Type \"us01-release-bot\" to confirm");
    let asked: String = terminal.text().split_whitespace().collect();
    assert!(asked.contains("Itislabeledasproduction."), "{asked}");
    terminal.send("no\r");
    terminal.expect("Type \"saw-eu-admin\" to confirm");
    terminal.send("saw-eu-admin\r");
    terminal.expect("not confirmed");
    assert_eq!(terminal.code(), 2, "{}", terminal.text());
    assert_eq!(living(&simulator, simulator.secret("us01-release-bot")), 1);
    assert_eq!(living(&simulator, simulator.secret("saw-eu-admin")), 0);
}

#[test]
fn what_contradicts_is_a_usage_error() {
    let home = Home::new();
    for further in [
        &["us01-release-bot"][..],
        &["--resume", "us01-release-bot"],
        &["--list"],
        &["--part", "client_secret"],
        &["--answer", "retry"],
    ] {
        home.run(&[&ROTATE_DUE[..], further].concat()).expect(2);
    }
    home.run(&["rotate", "--due", "soon", "--yes"]).expect(2);
    home.run(&["rotate", "--due", "14d", "--yes", "--as", "missing"]).expect(3);
}
