//! Tests of rate limits: the client waits if repeating the request is safe, and reports the limit
//! otherwise.

use serde_json::json;

use super::{add_fault, home_bound_to, home_with_simulator, request_count};
use crate::support::recorder::{Recorder, answer};

const ADMIN: &str = "us01-admin";

#[test]
fn a_request_that_reads_waits_and_is_sent_again() {
    let (home, simulator) = home_with_simulator(&[ADMIN]);
    add_fault(&simulator, &json!({"path": "/rest/self", "retry_after": "1", "times": 1}));
    let waited = home.run(&["request", ADMIN, "--preset", "self"]).expect(0);
    assert!(waited.err.contains("waiting"), "{}", waited.err);
    assert_eq!(request_count(&simulator, "GET", "/rest/self"), 2);
}

#[test]
fn a_request_that_changes_something_is_never_repeated() {
    let (home, simulator) = home_with_simulator(&[ADMIN]);
    let path = "/rest/orgs/x/service_accounts";
    add_fault(&simulator, &json!({"method": "POST", "retry_after": "1", "times": 1}));
    let told = home.run(&[
        "request",
        ADMIN,
        "POST",
        &format!("{path}?version=2024-10-15"),
        "--data",
        "{}",
        "--yes",
        "--json",
    ]);
    assert_eq!(told.expect(5).json()["status"], 429);
    assert_eq!(request_count(&simulator, "POST", path), 1);
}

#[test]
fn a_wait_beyond_the_limit_is_reported_at_once() {
    let server =
        Recorder::answering(|_| answer("429 Too Many Requests", "retry-after: 3600\r\n", "{}"));
    let told =
        home_bound_to(&server).run(&["request", "probe", "/rest/self", "--json"]).expect(5).json();
    assert_eq!(told["status"], 429);
    assert!(told["explanation"]["remedy"].as_str().unwrap().contains("60 min"), "{told}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn the_remaining_budget_is_reported_and_headers_are_explained() {
    let headers = "x-ratelimit-limit: 1620, 160;w=1, 1620;w=60\r\nx-ratelimit-remaining: 37\r\nx-ratelimit-reset: 12\r\n\
                   sunset: 2020-01-01\r\nsnyk-request-id: r-1\r\n";
    let server = Recorder::answering(move |_| answer("200 OK", headers, "{\"a\":1}"));
    let home = home_bound_to(&server);
    let shown = home.run(&["request", "probe", "/rest/self", "--include"]).expect(0);
    assert!(
        shown.out.starts_with("HTTP/1.1 200\n")
            && shown.out.contains("\nsunset: 2020-01-01\n")
            && shown.out.ends_with("\n\n{\"a\":1}")
    );
    for words in [
        "37 of 1,620 left, resets in 12 s",
        "sunset: should have been switched off",
        "snyk-request-id: request ID",
    ] {
        assert!(shown.err.contains(words), "{words} in {}", shown.err);
    }
    let whole = home.run(&["request", "probe", "/rest/self", "--json"]).expect(0).json();
    assert_eq!(whole["limit"], "37 of 1,620 left, resets in 12 s");
    assert!(whole["meanings"]["sunset"].is_string(), "{whole}");
}
