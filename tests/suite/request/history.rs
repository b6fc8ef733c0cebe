//! Tests of the history of requests.

use serde_json::{Value, json};

use super::{SECRET, home_bound_to};
use crate::support::program::Home;
use crate::support::recorder::Recorder;

fn history(home: &Home, more: &[&str]) -> Vec<Value> {
    home.run(&[&["history", "--json"], more].concat()).expect(0).json().as_array().unwrap().clone()
}

#[test]
fn requests_are_remembered_found_and_sent_again() {
    let server = Recorder::saying("{\"a\":1}");
    let home = home_bound_to(&server);
    home.run(&["request", "probe", "/rest/first", "--query", "k=v"]).expect(0);
    home.run(&["request", "probe", "--preset", "self"]).expect(0);
    let all = history(&home, &["probe"]);
    assert_eq!(
        all.iter().map(|line| line["target"].as_str().unwrap()).collect::<Vec<_>>(),
        ["/rest/self", "/rest/first"]
    );
    let first = &history(&home, &["--search", "FIRST"])[0];
    for (member, expected) in [
        ("name", json!("probe")),
        ("region", json!("HERE")),
        ("status", json!(200)),
        ("verdict", json!("accepted")),
        ("preset", Value::Null),
    ] {
        assert_eq!(first[member], expected, "{first}");
    }
    let again = home.run(&["history", "resend", &first["id"].to_string()]).expect(0);
    assert_eq!(again.out, "{\"a\":1}");
    let seen = server.seen();
    assert_eq!(seen[2], seen[0]);
    assert_eq!(history(&home, &["--limit", "1"]).len(), 1);
    assert_eq!(history(&home, &[]).len(), 3);
    home.run(&["history", "resend", "999"]).expect(3);
    home.run(&["history", "missing"]).expect(3);
    home.run(&["history", "purge", "--keep", "1"]).expect(0);
    assert_eq!(history(&home, &[]).len(), 1);
}

#[test]
fn two_requests_are_compared() {
    let server = Recorder::saying("{\"a\":1}");
    let home = home_bound_to(&server);
    home.run(&["request", "probe", "/rest/x", "--query", "k=v"]).expect(0);
    home.run(&["request", "probe", "/rest/x", "--query", "k=w"]).expect(0);
    home.run(&["request", "probe", "/rest/x", "--query", "k=v"]).expect(0);
    let told = home.run(&["history", "compare", "1", "2"]).expect(0);
    assert!(
        told.out.contains("- query: k=v\n+ query: k=w") && told.out.contains("  target: /rest/x"),
        "{}",
        told.out
    );
    assert!(told.err.contains("- request 1, + request 2"), "{}", told.err);
    let same = home.run(&["history", "compare", "1"]).expect(0);
    assert!(
        same.out.is_empty() && same.err.contains("No differences"),
        "beside the newest: {}",
        same.err
    );
    let json = home.run(&["history", "compare", "2", "3", "--json"]).expect(0).json();
    assert_eq!((&json["before"], &json["after"]), (&json!(2), &json!(3)));
    assert!(
        json["changes"]
            .as_array()
            .unwrap()
            .contains(&json!({"change": "removed", "line": "query: k=w"})),
        "{json}"
    );
    home.run(&["history", "compare", "1", "99"]).expect(3);
}

#[test]
fn what_was_sent_is_compared_and_not_how_it_was_written() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    home.run(&["request", "probe", "/rest/x?b=2&a=1", "--header", "X-One=1"]).expect(0);
    let address = format!("{}/rest/x", server.origin());
    home.run(&[
        "request", "probe", &address, "--query", "a=1", "--query", "b=2", "--header", "x-one=1",
    ])
    .expect(0);
    let told = home.run(&["history", "compare", "1", "2"]).expect(0);
    assert!(told.out.is_empty() && told.err.contains("No differences"), "{}", told.out);
}

#[test]
fn bodies_are_stored_only_on_request_and_secrets_never() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let body = format!("{{\"note\":\"kept\",\"own\":\"{SECRET}\"}}");
    let request = [
        "request",
        "probe",
        "POST",
        "/x",
        "--data",
        &body,
        "--query",
        "token=snyk_uat.ab.cd",
        "--yes",
    ];
    home.run(&request).expect(0);
    home.run(&[&request[..], &["--keep-body"]].concat()).expect(0);
    let lines = history(&home, &[]);
    assert_eq!(
        (&lines[0]["body_left_out"], &lines[1]["body_left_out"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(history(&home, &["--search", "kept"]).len(), 1);
    let refused = home.run(&["history", "resend", &lines[1]["id"].to_string(), "--yes"]).expect(2);
    assert!(refused.err.contains("--data"), "{}", refused.err);
    home.run(&["history", "resend", &lines[0]["id"].to_string(), "--yes"]).expect(2);
    assert_eq!(server.seen().len(), 2, "a placeholder is not sent");
    for entry in std::fs::read_dir(home.root().join("data"))
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_file())
    {
        let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
        assert!(
            !text.contains(SECRET) && !text.contains("snyk_uat.ab"),
            "{}",
            entry.path().display()
        );
    }
}

#[test]
fn a_request_without_an_answer_is_remembered_too() {
    let home = Home::new();
    // No process listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    home.run(&[
        "regions",
        "add",
        "--provider",
        "snyk",
        "--id",
        "GONE",
        "--api",
        &format!("http://127.0.0.1:{port}"),
    ])
    .expect(0);
    home.feed(
        &[
            "add",
            "probe",
            "--provider",
            "snyk",
            "--kind",
            "personal-token",
            "--region",
            "GONE",
            "--offline",
        ],
        SECRET,
    )
    .expect(0);
    home.run(&["request", "probe", "/rest/self"]).expect(5);
    let line = &history(&home, &[])[0];
    assert_eq!((&line["status"], &line["verdict"]), (&Value::Null, &json!("unknown")));
}
