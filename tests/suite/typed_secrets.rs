//! Tests of secrets that were typed in the wrong place: an argument, a name, a label, a field, a
//! reason, a setting.

use serde_json::Value;

use crate::support::program::{Home, Outcome, SimulatorProcess};

const TOKEN: &str = "0000abcd-0000-4000-8000-000000001234";

/// A secret that has no shape of its own.
const OPAQUE: &str = "correct-horse-battery";

fn add(home: &Home, name: &str, secret: &str, further: &[&str]) -> Outcome {
    let arguments = ["add", name, "--provider", "snyk", "--kind", "service-account-oauth"];
    let fixed = ["--region", "eu", "--field", "client_id=robot", "--offline"];
    home.feed(&[&arguments[..], &fixed, further].concat(), secret)
}

#[track_caller]
fn assert_hidden(outcome: &Outcome, secret: &str) {
    assert!(
        !outcome.out.contains(secret) && !outcome.err.contains(secret),
        "{}{}",
        outcome.out,
        outcome.err
    );
}

#[test]
fn a_secret_as_an_argument_is_named_and_not_repeated() {
    let home = Home::new();
    for secret in [TOKEN, "hunter2-without-any-shape", "snyk_uat.1a2b3c4d.e30.c2ln"] {
        for arguments in [
            &["add", "laptop", secret, "--provider", "snyk"][..],
            &["add", "--provider", "snyk", "laptop", secret],
            &["add", "laptop", "--provider", "snyk", "--token", secret],
            &["identify", secret],
            &["edit", "laptop", "--secret", secret],
            &["rotate", "laptop", secret],
        ] {
            let refused = home.run(arguments).expect(2);
            assert_hidden(&refused, secret);
            for part in ["must not be an argument", "shell", "history", "pipe"] {
                assert!(refused.err.contains(part), "{part}: {}", refused.err);
            }
            let error = home.run(&[arguments, &["--json"]].concat()).expect(2).error();
            assert_eq!(error["what"], "A secret must not be an argument");
            assert!(!error.to_string().contains(secret), "{error}");
        }
        for arguments in [&["show", "x", secret][..], &["list", secret], &["get", "x", secret]] {
            let refused = home.run(arguments).expect(2);
            assert_hidden(&refused, secret);
            assert!(refused.err.contains("Unexpected argument"), "{}", refused.err);
        }
    }
    let told = home.run(&["list", "--labl", "x"]).expect(2).err;
    assert!(told.contains("--labl") && told.contains("--label"), "options are named: {told}");
}

#[test]
fn values_of_pairs_are_not_repeated() {
    let home = Home::new();
    for secret in ["token hunter2", TOKEN] {
        for (arguments, why) in [
            (&["request", "x", "/", "--header", secret][..], "write \"Name: value\""),
            (&["request", "x", "/", "--form", secret], "="),
            (&["request", "x", "/", "--query", secret], "\"=\" is missing"),
            (&["add", "x", "--provider", "snyk", "--field", secret], "\"=\" is missing"),
            (&["edit", "x", "--field", secret], "\"=\" is missing"),
        ] {
            let refused = home.run(arguments).expect(2);
            assert_hidden(&refused, secret);
            assert!(refused.err.contains(why), "{}", refused.err);
        }
    }
    let header = "Authorization: token hunter2";
    assert_hidden(&home.run(&["request", "x", "/", "--header", header]).expect(3), header);
}

#[test]
fn a_name_label_or_field_is_not_a_secret() {
    let home = Home::new();
    add(&home, "probe", OPAQUE, &[]).expect(0);
    let token = "snyk_sat.1a2b3c4d.e30.c2ln";
    for secret in [TOKEN, token] {
        let refused = add(&home, secret, "another-secret", &[]).expect(2);
        assert_hidden(&refused, secret);
        assert!(refused.err.contains("history"), "{}", refused.err);
        for arguments in [["--label", secret], ["--rename", secret]] {
            let refused = home.run(&[&["edit", "probe"][..], &arguments].concat()).expect(2);
            assert_hidden(&refused, secret);
        }
        add(&home, "x", "another-secret", &["--label", &format!("was {secret}")]).expect(2);
    }
    let field = format!("org_id={token}");
    assert_hidden(&add(&home, "x", "another-secret", &["--field", &field]).expect(2), token);
    home.run(&["edit", "probe", "--field", &field]).expect(2);
    home.run(&["edit", "probe", "--field", &format!("org_id={TOKEN}")]).expect(0);
    // Secrets without a shape: the credential's own, and one that the store holds.
    for (name, secret) in [("x", "own-secret-42"), ("y", OPAQUE)] {
        let given = if name == "x" { secret } else { "another-secret" };
        for arguments in [["--label", secret], ["--field", &format!("org_id={secret}")]] {
            assert_hidden(&add(&home, name, given, &arguments).expect(2), secret);
        }
        assert_hidden(&add(&home, secret, given, &[]).expect(2), secret);
    }
    let edited = home.feed(&["edit", "probe", "--secret", "--label", "s3cret.x"], "s3cret.x");
    assert_hidden(&edited.expect(2), "s3cret.x");
    let listed = home.run(&["list", "--json"]).expect(0).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(listed[0]["labels"], Value::Array(Vec::new()));
}

#[test]
fn a_reason_is_not_a_secret() {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    let name = "us01-release-bot";
    home.add_seeded(&simulator, name).expect(0);
    let reason = "leaked snyk_uat.1a2b3c4d.e30.c2ln";
    for arguments in [&["rotate", name, "--yes"][..], &["revoke", name, "--yes"]] {
        let refused = home.run(&[arguments, &["--reason", reason]].concat()).expect(2);
        assert_hidden(&refused, "snyk_uat.1a2b3c4d");
        assert!(refused.err.contains("The reason is invalid"), "{}", refused.err);
    }
    let open = home.run(&["rotations", "--all", "--json"]).expect(0).json();
    assert_eq!(open, Value::Array(Vec::new()));
    let audit = home.run(&["audit", "--json"]).expect(0).out;
    assert!(!audit.contains("1a2b3c4d"), "{audit}");
}

#[test]
fn a_name_that_is_not_found_is_repeated_unless_it_looks_like_a_secret() {
    let home = Home::new();
    assert!(home.run(&["show", "labtop"]).expect(3).err.contains("labtop"));
    for secret in [TOKEN, "snyk_uat.1a2b3c4d.e30.c2ln", "glpat-x7Kd92mQp4Zt81vLw3Yb"] {
        let told = home.run(&["show", secret]).expect(3);
        assert_hidden(&told, secret);
        assert!(told.err.contains("‹secret›"), "{}", told.err);
        assert_hidden(&home.run(&[secret]).expect(2), secret);
        assert_hidden(&home.run(&["list", "--provider", "x", "--jsn", secret]).expect(2), secret);
    }
}

#[test]
fn settings_values_are_not_repeated() {
    let home = Home::new();
    let path = home.root().join("config/config.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    for (text, hint) in [
        ("theme = \"hunter2\"", "dark"),
        ("clipboard = \"hunter2\"", "osc52"),
        ("reveal_seconds = \"hunter2\"", "expected"),
        ("[keys]\n\"list.down\" = [\"hunter2\"]", "not a key"),
    ] {
        std::fs::write(&path, text).unwrap();
        let told = home.run(&["list"]).expect(2);
        assert_hidden(&told, "hunter2");
        assert!(told.err.contains("config.toml:") && told.err.contains(hint), "{}", told.err);
    }
}
