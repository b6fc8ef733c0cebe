//! Tests that list, `show`, `regions`, JSON and the screen say the same about a credential, whatever
//! asked its provider. Start with [`assert_status`].

use serde_json::{Value, json};

use crate::signin::browser::{WaitingCommand, open_callback, press_consent_button};
use crate::support::program::{Home, SimulatorProcess};

/// Credential of most tests. Its secret is sent verbatim.
const NAME: &str = "us01-admin";
/// Region of [`NAME`].
const REGION: &str = "SNYK-US-01";
/// Path of the check of [`NAME`].
const CHECK: &str = "/rest/self?version=2024-10-15";

/// Symbols of the header, in its order: accepted, unchecked, unknown, expired, refused.
const SYMBOLS: [(&str, &str); 5] =
    [("accepted", "●"), ("unchecked", "–"), ("unknown", "?"), ("expired", "▲"), ("refused", "✗")];

fn home_with_simulator() -> (Home, SimulatorProcess) {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    (home, simulator)
}

/// Asserts that every view has this status and this HTTP status of the last check.
#[track_caller]
fn assert_status(home: &Home, name: &str, status: &str, code: Option<u16>) {
    let shown = home.run(&["show", name, "--json"]).expect(0).json();
    assert_eq!((&shown["status"], &shown["last_check"]["status"]), (&json!(status), &json!(code)));
    let verdict = shown["last_check"]["verdict"].as_str().unwrap_or("unchecked");
    if status != "expired" {
        assert_eq!(verdict, status, "{shown}");
    }

    let all = home.run(&["list", "--json"]).expect(0).json();
    let all = all.as_array().unwrap();
    let listed = all.iter().find(|listed| listed["name"] == name).unwrap();
    for member in ["region", "status", "last_check"] {
        assert_eq!(listed[member], shown[member], "{member}");
    }

    let regions = home.run(&["regions", name, "--json"]).expect(0).json();
    let own = regions.as_array().unwrap().iter().find(|region| region["current"] == true).unwrap();
    assert_eq!((&own["verdict"], &own["status"]), (&json!(verdict), &json!(code)), "{regions}");

    let words = if status == "unchecked" { "not checked" } else { status };
    let words = match (status, code) {
        ("expired", _) | (_, None) => words.to_owned(),
        (_, Some(code)) => format!("{words} {code}"),
    };
    for (command, start) in [(&["list"][..], name), (&["show", name][..], "status")] {
        let text = home.run(command).expect(0).out;
        let line = text.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(line.contains(&words), "{words}: {line}");
    }
    assert_screen(home, all, &words);
}

/// Asserts that the header counts the listed credentials, and that the details of an only credential
/// have its status.
#[cfg(unix)]
#[track_caller]
fn assert_screen(home: &Home, all: &[Value], words: &str) {
    let count = |status: &str| all.iter().filter(|listed| listed["status"] == status).count();
    let counts: Vec<_> = SYMBOLS
        .into_iter()
        .map(|(status, symbol)| (symbol, count(status)))
        .filter(|(_, count)| *count > 0)
        .map(|(symbol, count)| format!("{symbol} {count}"))
        .collect();
    let screen = home.screen();
    let is_right = |text: &str| {
        let header = text.lines().next().unwrap_or_default();
        let status = text.lines().find(|line| line.contains("Status ")).unwrap_or_default();
        counts.iter().all(|count| header.contains(count))
            && (all.len() > 1 || status.contains(words))
    };
    screen.expect_that(&format!("{counts:?} in the header and {words:?} as status"), is_right);
}

#[cfg(not(unix))]
fn assert_screen(_: &Home, _: &[Value], _: &str) {}

/// The HTTP status of the last check, whichever request made it.
fn last_code(home: &Home, name: &str) -> Option<u16> {
    let shown = home.run(&["show", name, "--json"]).expect(0).json();
    shown["last_check"]["status"].as_u64().map(|code| u16::try_from(code).unwrap())
}

/// Makes the provider refuse the next request to a path in the region.
fn refuse_next(simulator: &SimulatorProcess, path: &str) {
    simulator.add_fault(&json!({ "status": 401, "region": REGION, "path": path, "times": 1 }));
}

/// Sends the request of the console that is selected at the start, on the screen.
#[cfg(unix)]
fn send_on_screen(home: &Home, code: &str, symbol: &str) {
    let mut screen = home.unlocked_screen();
    screen.send("t");
    screen.expect(code);
    screen.expect_that("the new status in the header", |text| {
        text.lines().next().unwrap_or_default().contains(&format!("{symbol} 1"))
    });
}

#[test]
fn whatever_asks_the_provider_is_seen_everywhere() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, NAME).expect(0);
    assert_status(&home, NAME, "unchecked", None);
    let ways: [(&str, &[&str]); 4] = [
        ("/rest/self", &["check", NAME]),
        ("/rest/self", &["check", NAME, "--all-regions"]),
        ("/rest/self", &["request", NAME, CHECK]),
        ("/rest/orgs", &["request", NAME, "/rest/orgs?version=2024-10-15"]),
    ];
    for (path, arguments) in ways {
        refuse_next(&simulator, path);
        home.run(arguments).expect(4);
        assert_status(&home, NAME, "refused", Some(401));
        home.run(arguments).expect(0);
        assert_status(&home, NAME, "accepted", Some(200));
    }
}

#[test]
#[cfg(unix)]
fn a_test_request_on_the_screen_is_seen_everywhere() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, NAME).expect(0);
    refuse_next(&simulator, "/rest/self");
    send_on_screen(&home, "401", "✗");
    assert_status(&home, NAME, "refused", Some(401));
    send_on_screen(&home, "200", "●");
    assert_status(&home, NAME, "accepted", Some(200));
}

#[test]
#[cfg(unix)]
fn a_recorded_refusal_is_explained_and_the_keys_of_its_steps_work() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, NAME).expect(0);
    refuse_next(&simulator, "/rest/self");
    home.run(&["check", NAME]).expect(4);
    let mut screen = home.unlocked_screen();
    screen.send("E");
    screen.expect("Why 401?");
    screen.expect("Try all regions");
    screen.send("A");
    screen.expect("is tested against every region of its provider");
}

#[test]
fn an_exchange_that_is_refused_before_any_request_is_seen_everywhere() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-release-bot").expect(0);
    // The program gets an access token as a variable; no request is sent.
    let exec = ["exec", "us01-release-bot", "--", "true"];
    refuse_next(&simulator, "/oauth2/token");
    home.run(&exec).expect(4);
    assert_status(&home, "us01-release-bot", "refused", Some(401));
    home.run(&exec).expect(0);
    assert_status(&home, "us01-release-bot", "refused", Some(401));
}

#[test]
fn a_version_that_is_not_found_is_named() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, NAME).expect(0);
    let old = ["request", NAME, "/rest/self?version=2001-01-01", "--explain"];
    let told = home.run(&old).expect(4).err;
    assert!(told.contains("does not have this version of the endpoint"), "{told}");
    assert!(told.contains("! Request:") && !told.contains("Region:"), "{told}");
    assert_status(&home, NAME, "unchecked", None);
}

#[test]
fn a_region_has_its_own_result_however_often_it_is_switched_to() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, NAME).expect(0);
    let switch = |region: &str| home.run(&["edit", NAME, "--region", region]).expect(0);
    for _ in 0..2 {
        switch("SNYK-EU-01");
        assert_status(&home, NAME, "unchecked", None);
        switch(REGION);
        assert_status(&home, NAME, "unchecked", None);
    }
    home.run(&["check", NAME, "--all-regions"]).expect(0);
    for _ in 0..2 {
        switch("SNYK-EU-01");
        assert_status(&home, NAME, "refused", Some(401));
        switch(REGION);
        assert_status(&home, NAME, "accepted", Some(200));
    }
}

#[test]
fn what_is_not_about_the_credential_leaves_its_status() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, NAME).expect(0);
    home.run(&["check", NAME]).expect(0);
    let orgs = ["request", NAME, "/rest/orgs?version=2024-10-15"];
    for status in [403, 404, 429, 503] {
        simulator.add_fault(&json!({ "status": status, "path": "/rest/orgs", "times": 3 }));
        home.run(&orgs);
        assert_status(&home, NAME, "accepted", Some(200));
        while home.run(&orgs).code != 0 {}
    }
    for arguments in [&["check", NAME][..], &["request", NAME, CHECK], &["check", NAME]] {
        simulator.add_fault(&json!({ "body": "html", "path": "/rest/self", "times": 1 }));
        let told = home.run(arguments).expect(5);
        assert!((told.out + &told.err).contains("did not come from Snyk"));
        assert_status(&home, NAME, "accepted", Some(200));
    }
}

#[test]
fn a_success_without_a_credential_is_no_acceptance() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, NAME).expect(0);
    home.run(&["request", NAME, "/rest/openapi"]).expect(0);
    assert_status(&home, NAME, "unchecked", None);
}

#[test]
fn a_past_date_is_expired_and_the_provider_decides() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded_with(&simulator, NAME, &["--offline", "--expires", "2020-01-01"]).expect(0);
    assert_status(&home, NAME, "expired", None);
    home.run(&["check", NAME]).expect(0);
    assert_status(&home, NAME, "accepted", Some(200));
    refuse_next(&simulator, "/rest/self");
    home.run(&["check", NAME]).expect(4);
    assert_status(&home, NAME, "refused", Some(401));
}

#[test]
fn a_rotation_and_a_creation_are_seen_everywhere() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-release-bot").expect(0);
    refuse_next(&simulator, "/oauth2/token");
    home.run(&["check", "us01-release-bot"]).expect(4);
    assert_status(&home, "us01-release-bot", "refused", Some(401));
    home.run(&["rotate", "us01-release-bot", "--yes"]).expect(0);
    assert_status(&home, "us01-release-bot", "accepted", last_code(&home, "us01-release-bot"));

    for name in ["us01-ci-scanner", NAME] {
        home.add_seeded(&simulator, name).expect(0);
        assert_status(&home, name, "unchecked", None);
    }
    home.run(&["create", "made", "--like", "us01-ci-scanner", "--as", NAME, "--yes"]).expect(0);
    assert_status(&home, "made", "accepted", last_code(&home, "made"));
    let admin = home.run(&["show", NAME, "--json"]).expect(0).json();
    assert_eq!(admin["status"], "accepted", "its call was accepted");
}

#[tokio::test]
async fn a_sign_in_is_seen_everywhere() {
    let (home, simulator) = home_with_simulator();
    let waiting = WaitingCommand::for_app(&home, &simulator);
    let allowed = press_consent_button(&waiting.visit, "allow").await;
    assert_eq!(open_callback(allowed).await.unwrap().0, 200);
    waiting.end().expect(0);
    assert_status(&home, "triage", "accepted", Some(200));
    refuse_next(&simulator, "/rest/");
    home.run(&["request", "triage", "/rest/orgs?version=2024-10-15"]);
    assert_eq!(
        home.run(&["show", "triage", "--json"]).expect(0).json()["status"],
        "accepted",
        "a refused access token is replaced once"
    );
}
