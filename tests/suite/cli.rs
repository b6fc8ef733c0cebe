//! Tests of the command line as a separate process against the simulator: output, its structure,
//! and exit codes. Start with `a_credential_is_added_listed_shown_used_and_removed`.

use serde_json::Value;

use crate::support::program::{Home, SimulatorProcess};

fn home_with_simulator() -> (Home, SimulatorProcess) {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    (home, simulator)
}

#[test]
fn a_credential_is_added_listed_shown_used_and_removed() {
    let (home, simulator) = home_with_simulator();
    let added = home.add_seeded(&simulator, "us01-admin").expect(0);
    assert!(added.out.contains("us01-admin: snyk personal-token in SNYK-US-01"), "{}", added.out);

    let listed = home.run(&["list", "--json"]).expect(0).json();
    let one = &listed.as_array().unwrap()[0];
    for field in [
        "name",
        "provider",
        "kind",
        "region",
        "fields",
        "labels",
        "created",
        "expires",
        "fingerprint",
        "principal",
        "last_check",
    ] {
        assert!(one.get(field).is_some(), "list --json has no {field}: {one}");
    }
    assert_eq!(one["last_check"], Value::Null);

    let got = home.run(&["get", "us01-admin"]).expect(0);
    assert_eq!(got.out, simulator.secret("us01-admin"), "a pipe gets the secret and nothing else");

    let checked = home.run(&["check", "us01-admin", "--json"]).expect(0).json();
    assert_eq!(checked[0]["verdict"], "accepted");
    assert_eq!(checked[0]["status"], 200);
    let shown = home.run(&["show", "us01-admin", "--json"]).expect(0).json();
    assert_eq!(shown["principal"]["type"], "user");
    assert_eq!(shown["last_check"]["verdict"], "accepted");

    home.run(&["remove", "us01-admin"]).expect(2);
    home.run(&["remove", "us01-admin", "--yes"]).expect(0);
    home.run(&["show", "us01-admin"]).expect(3);
    assert_eq!(home.run(&["list", "--json"]).expect(0).json(), serde_json::json!([]));
}

#[test]
fn a_wrong_region_is_distinguished_from_a_bad_token() {
    let (home, simulator) = home_with_simulator();
    home.feed(
        &["add", "laptop", "--provider", "snyk", "--kind", "personal-token", "--region", "eu"],
        simulator.secret("us01-admin"),
    )
    .expect(0);
    let refused = home.run(&["check", "laptop", "--json"]).expect(4).json();
    assert_eq!(refused[0]["verdict"], "refused");
    assert!(refused[0]["reason"].as_str().unwrap().contains("region"), "{refused}");

    let probed = home.run(&["probe", "laptop", "--json"]).expect(0).json();
    let accepted: Vec<_> = probed
        .as_array()
        .unwrap()
        .iter()
        .filter(|place| place["verdict"] == "accepted")
        .map(|place| &place["region"])
        .collect();
    assert_eq!(accepted, ["SNYK-US-01"]);
    assert_eq!(
        probed.as_array().unwrap().iter().filter(|place| place["current"] == true).count(),
        1
    );
    let own = home.run(&["show", "laptop", "--json"]).expect(0).json()["last_check"]["reason"]
        .to_string();
    assert!(
        own.contains("belongs to SNYK-US-01"),
        "the own region is asked after the others have responded: {own}"
    );

    let answer = home
        .run(&["request", "laptop", "/rest/self?version=2024-10-15", "--json"])
        .expect(4)
        .json();
    let words = answer["explanation"].to_string();
    assert!(words.contains("SNYK-US-01") && words.contains("SNYK-EU-01"), "{words}");

    home.run(&["region", "laptop", "us-01"]).expect(0);
    home.run(&["check", "laptop"]).expect(0);
}

#[test]
fn every_kind_really_authenticates() {
    let (home, simulator) = home_with_simulator();
    for (name, kind) in one_of_each_kind(&simulator) {
        home.add_seeded(&simulator, &name).expect(0);
        let checked = home.run(&["check", &name, "--json"]);
        assert_eq!(checked.code, 0, "{kind} {name}: {}{}", checked.out, checked.err);
        // Checks twice: if the first check used up the session, the second one fails.
        home.run(&["check", &name]).expect(0);
    }
}

/// Returns one working credential of the simulator for every provider and kind.
fn one_of_each_kind(simulator: &SimulatorProcess) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for credential in simulator.manifest["credentials"].as_array().unwrap() {
        let text = |member: &str| credential[member].as_str().unwrap();
        let auth = credential["fields"]["auth_type"]
            .as_str()
            .filter(|auth| auth.ends_with("private_key_jwt"))
            .unwrap_or_default();
        let kind = format!("{} {} {auth}", text("provider"), text("kind"));
        let broken = ["expired", "revoked", "wrong", "misfiled", "old", "stale", "leaked"]
            .iter()
            .any(|word| text("name").contains(word));
        if !broken && found.iter().all(|(_, known)| *known != kind) {
            found.push((text("name").to_owned(), kind));
        }
    }
    assert_eq!(found.len(), 10, "{found:?}");
    found
}

#[test]
fn requests_come_back_as_they_were_answered() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-admin").expect(0);
    let plain = home
        .run(&[
            "request",
            "us01-admin",
            "GET",
            "/rest/orgs",
            "--query",
            "version=2024-10-15",
            "--query",
            "limit=10",
        ])
        .expect(0);
    assert_eq!(plain.json()["data"].as_array().unwrap().len(), 10);
    let whole = home.run(&["request", "us01-admin", "--preset", "self", "--json"]).expect(0).json();
    assert_eq!(whole["status"], 200);
    assert_eq!(whole["explanation"], Value::Null);
    assert!(whole["headers"]["snyk-request-id"].is_string());
    assert!(whole["latency_ms"].is_u64());
    assert_eq!(whole["body"]["data"]["type"], "user");
}

#[test]
fn what_changes_something_needs_a_yes() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-admin").expect(0);
    let unsure = home
        .run(&[
            "request",
            "us01-admin",
            "DELETE",
            "/rest/self/personal_access_tokens/x",
            "--query",
            "version=2024-10-15",
            "--json",
        ])
        .expect(2);
    assert!(unsure.error()["remedy"].as_str().unwrap().contains("--yes"));
    let readonly = [
        "request",
        "us01-admin",
        "DELETE",
        "/rest/self/personal_access_tokens/x",
        "--yes",
        "--readonly",
        "--json",
    ];
    assert!(home.run(&readonly).expect(2).error()["why"].as_str().unwrap().contains("read-only"));
}

#[test]
fn a_secret_never_goes_to_a_stranger() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-admin").expect(0);
    let stranger = simulator.manifest["regions"]["SNYK-EU-01"]["api"].as_str().unwrap();
    let refused = home
        .run(&[
            "request",
            "us01-admin",
            &format!("{stranger}/rest/self?version=2024-10-15"),
            "--json",
        ])
        .expect(2);
    assert!(refused.error()["why"].as_str().unwrap().contains("not bound"), "{}", refused.err);
}

#[test]
fn mistakes_are_reported_with_a_remedy() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-admin").expect(0);
    let nearest =
        home.feed(&["add", "x", "--provider", "synk", "--json"], "whatever").expect(2).error();
    assert!(nearest.to_string().contains("snyk"), "{nearest}");
    let region = home
        .feed(&["add", "x", "--provider", "snyk", "--region", "SNYK-EU-1", "--json"], "whatever")
        .expect(2)
        .error();
    assert!(region.to_string().contains("SNYK-EU-01"), "{region}");
    let taken = home
        .feed(
            &["add", "us01-admin", "--provider", "snyk", "--kind", "personal-token", "--json"],
            simulator.secret("us01-reader"),
        )
        .expect(2);
    assert!(taken.error().to_string().contains("us01-admin"));
    assert_eq!(
        home.run(&["get", "us01-admin"]).expect(0).out,
        simulator.secret("us01-admin"),
        "the first one is untouched"
    );
    for empty in ["", "\n", "  \n", "\"\"\n"] {
        home.feed(&["add", "empty", "--provider", "snyk", "--kind", "personal-token"], empty)
            .expect(2);
    }
    let unseen = home
        .feed(
            &["add", "odd", "--provider", "snyk", "--kind", "personal-token", "--json"],
            "snyk_uat.ab\u{200b}cd",
        )
        .expect(2)
        .error();
    assert!(
        unseen.to_string().contains("zero-width") || unseen.to_string().contains("zero width"),
        "{unseen}"
    );
    let name = home.run(&["show", "us01-admim", "--json"]).expect(3).error();
    assert!(name.to_string().contains("us01-admin"), "{name}");
    assert!(home.run(&["nonsense", "--json"]).expect(2).error()["what"].is_string());
    let plain_http = home
        .run(&[
            "regions",
            "add",
            "--provider",
            "snyk",
            "--id",
            "X",
            "--api",
            "http://api.example.com",
            "--json",
        ])
        .expect(2);
    assert!(plain_http.error()["why"].as_str().unwrap().contains("plain http"));
}

#[test]
fn a_pasted_secret_is_cleaned_visibly_and_recognized() {
    let (home, simulator) = home_with_simulator();
    let token =
        simulator.manifest["credentials"].as_array().unwrap().iter().find(|known| {
            known["kind"] == "personal-access-token" && known["region"] == "SNYK-EU-01"
        });
    let secret = token.unwrap()["secret"].as_str().unwrap();
    let found = home
        .feed(&["identify", "--json"], &format!("export SNYK_TOKEN=\"{secret}\"\n"))
        .expect(0)
        .json();
    let best = &found["candidates"][0];
    assert_eq!(
        (best["provider"].as_str(), best["kind"].as_str(), best["region"].as_str()),
        (Some("snyk"), Some("personal-access-token"), Some("SNYK-EU-01"))
    );
    assert_eq!(best["confidence"], "certain");
    assert!(!found["cleaned"].as_array().unwrap().is_empty());
    home.feed(&["add", "pasted", "--provider", "snyk"], &format!("Bearer {secret}\r\n")).expect(0);
    assert_eq!(home.run(&["get", "pasted"]).expect(0).out, secret);
    let again = home.feed(&["add", "again", "--provider", "snyk"], secret).expect(0);
    assert!(again.err.contains("already stored as pasted"), "{}", again.err);
}

#[test]
fn policies_have_an_exit_code_of_their_own() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-admin").expect(0);
    home.run(&["check", "us01-admin", "--max-age", "90d"]).expect(0);
    home.run(&["edit", "us01-admin", "--expires", "2027-01-01"]).expect(0);
    home.run(&["check", "us01-admin", "--expires-within", "100000d"]).expect(7);
    home.run(&["edit", "us01-admin", "--expires", "never"]).expect(0);
    home.run(&["check", "us01-admin", "--expires-within", "100000d"]).expect(0);
}

#[test]
fn an_unreachable_server_is_unknown_not_refused() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-admin").expect(0);
    drop(simulator);
    let checked = home.run(&["check", "us01-admin", "--json"]).expect(5).json();
    assert_eq!(checked[0]["verdict"], "unknown");
    assert_eq!(checked[0]["status"], Value::Null);
}

#[test]
fn edits_change_what_they_name_and_nothing_else() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-admin").expect(0);
    let before = home.run(&["show", "us01-admin", "--json"]).expect(0).json();
    home.run(&[
        "edit",
        "us01-admin",
        "--rename",
        "boss",
        "--label",
        "prod",
        "--field",
        "org_id=abc",
    ])
    .expect(0);
    let after = home.run(&["show", "boss", "--json"]).expect(0).json();
    assert_eq!(after["labels"], serde_json::json!(["prod"]));
    assert_eq!(after["fields"]["org_id"], "abc");
    assert_eq!(
        (&after["fingerprint"], &after["created"]),
        (&before["fingerprint"], &before["created"])
    );
    home.feed(&["edit", "boss", "--secret"], simulator.secret("us01-reader")).expect(0);
    assert_eq!(home.run(&["get", "boss"]).expect(0).out, simulator.secret("us01-reader"));
    assert_ne!(
        home.run(&["show", "boss", "--json"]).expect(0).json()["fingerprint"],
        before["fingerprint"]
    );
    home.run(&["edit", "boss", "--field", "no_such_field=1"]).expect(2);
}

#[test]
fn eight_processes_add_at_once_and_nothing_is_lost() {
    let home = Home::new();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let adders: Vec<_> = (0..8)
            .map(|number| {
                let home = &home;
                scope.spawn(move || {
                    home.feed(
                        &[
                            "add",
                            &format!("twin-{number}"),
                            "--provider",
                            "snyk",
                            "--kind",
                            "personal-token",
                        ],
                        &uuid(number),
                    )
                })
            })
            .collect();
        adders.into_iter().map(|adder| adder.join().unwrap()).collect()
    });
    for outcome in outcomes {
        outcome.expect(0);
    }
    for number in 0..8 {
        assert_eq!(home.run(&["get", &format!("twin-{number}")]).expect(0).out, uuid(number));
    }
}

#[test]
fn one_name_at_once_is_given_once() {
    let home = Home::new();
    let codes: Vec<_> = std::thread::scope(|scope| {
        let adders: Vec<_> = (0..6)
            .map(|number| {
                let home = &home;
                scope.spawn(move || {
                    home.feed(
                        &["add", "only", "--provider", "snyk", "--kind", "personal-token"],
                        &uuid(number),
                    )
                    .code
                })
            })
            .collect();
        adders.into_iter().map(|adder| adder.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 2).count(), 5, "{codes:?}");
}

/// Fails if the text contains characters that can control a terminal. The body on a pipe may: it
/// stays as the server sent it.
#[track_caller]
fn assert_harmless(text: &str) {
    let steers = |c: &char| c.is_control() && !matches!(c, '\n' | '\t');
    assert_eq!(text.chars().find(steers), None, "{}", text.escape_debug());
}

#[test]
fn whatever_a_server_answers_is_shown_safely() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded(&simulator, "us01-admin").expect(0);
    let ask = ["request", "us01-admin", "/rest/self?version=2024-10-15"];
    for (body, sign) in [
        ("html", "<h1>Something went wrong</h1>"),
        ("invalid-utf8", "\u{fffd}\u{fffd}"),
        ("control-characters", "]0;owned"),
        ("huge", "xxxxxxxx"),
    ] {
        simulator.add_fault(&serde_json::json!({ "body": body, "times": 3 }));
        let (plain, whole) = (home.run(&ask), home.run(&[&ask[..], &["--json"]].concat()));
        for outcome in [&plain, &whole, &home.run(&["check", "us01-admin"])] {
            assert!([0, 4, 5].contains(&outcome.code), "{body}: {}", outcome.err);
            assert_harmless(&outcome.err);
        }
        assert_harmless(&whole.out);
        assert!(plain.out.contains(sign), "{body}: {}", &plain.out[..plain.out.len().min(200)]);
        let text = whole.json()["body"].to_string();
        assert!(text.contains(sign) && whole.json()["status"] == 200, "{body}");
    }
    home.run(&["check", "us01-admin"]).expect(0);
}

#[test]
fn a_secret_that_is_too_large_is_refused_before_anything_is_written() {
    let home = Home::new();
    let vault = || std::fs::read(home.root().join("data/vault/vault.age")).unwrap();
    let before = vault();
    let add = ["add", "whale", "--provider", "snyk", "--kind", "personal-token"];
    let refused = home.feed(&add, &"x".repeat((1 << 20) + 1)).expect(2);
    assert!(refused.err.contains("1 MiB"), "{}", refused.err);
    assert_eq!(home.run(&["list", "--json"]).expect(0).json(), serde_json::json!([]));
    assert!(vault() == before, "the store is as it was");
}

#[test]
fn a_store_that_cannot_be_used_has_its_own_exit_code() {
    let home = Home::new().with("TOKENRING_PASSPHRASE_FILE", "/nonexistent/passphrase");
    home.feed(&["add", "x", "--provider", "snyk", "--kind", "personal-token"], &uuid(1)).expect(6);
    home.run(&["list"]).expect(0);
    let status = home.run(&["store", "status", "--json"]).expect(6).json();
    let finding = &status["findings"][0];
    for field in ["area", "level", "what", "why", "remedy"] {
        assert!(finding[field].is_string(), "{finding}");
    }
}

fn uuid(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

#[test]
#[cfg(unix)]
fn many_checks_can_be_interrupted_and_known_results_are_printed() {
    let (home, simulator) = home_with_simulator();
    for name in ["us01-admin", "eu01-admin"] {
        home.add_seeded(&simulator, name).expect(0);
    }
    simulator.add_fault(&serde_json::json!({ "region": "SNYK-EU-01", "delay_ms": 600_000 }));
    let mut terminal = home.at_terminal(&["check", "--all"]);
    terminal.expect("1 of 2");
    terminal.send("\u{3}");
    terminal.expect("not checked");
    assert_eq!(terminal.code(), 130);
    assert!(terminal.text().contains("accepted"), "{}", terminal.text());
    assert_eq!(
        home.run(&["show", "us01-admin", "--json"]).expect(0).json()["last_check"]["verdict"],
        "accepted",
        "and is kept"
    );
}

#[test]
fn a_policy_needs_neither_the_store_nor_a_provider() {
    let (home, simulator) = home_with_simulator();
    home.add_seeded_with(&simulator, "us01-admin", &["--offline", "--expires", "2027-02-07"])
        .expect(0);
    drop(simulator);
    let mut command =
        home.command(&["check", "--all", "--offline", "--expires-within", "100000d", "--json"]);
    let done = command.env_remove("TOKENRING_PASSPHRASE_FILE").output().unwrap();
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((done.status.code(), &found[0]["verdict"]), (Some(7), &Value::from("unchecked")));
    assert!(found[0]["policy"].as_str().unwrap().contains("2027-02-07"), "{found}");
    home.run(&["check", "--all", "--offline", "--expires-within", "0d"]).expect(0);
}
