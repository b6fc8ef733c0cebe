//! Tests of the deadline and the repetitions of one request.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use super::home_bound_to;
use crate::support::programs_installed;
use crate::support::recorder::{Recorder, answer};

/// Server that answers the first request with this status and `Retry-After: 0`, then with 200.
fn refusing_once(status: &'static str) -> Recorder {
    let count = AtomicU32::new(0);
    Recorder::answering(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => answer(status, "retry-after: 0\r\n", "{}"),
        _ => answer("200 OK", "", "{}"),
    })
}

#[test]
fn a_request_is_sent_again_where_the_server_asks_for_it() {
    for (request, retry, code, attempts) in [
        (&["POST", "/x", "--data", "a"][..], "1", 0, 2),
        (&["POST", "/x", "--form", "a=1"], "1", 0, 2),
        (&["POST", "/x", "--data", "a"], "0", 5, 1),
        (&["/x"], "0", 5, 1),
    ] {
        let server = refusing_once("429 Too Many Requests");
        let home = home_bound_to(&server);
        let run = [&["request", "probe", "--yes", "--retry", retry], request].concat();
        home.run(&run).expect(code);
        let seen = server.seen();
        assert_eq!(seen.len(), attempts, "{run:?}");
        assert!(seen.iter().all(|request| *request == seen[0]), "the same request each time");
    }
}

#[test]
fn a_request_that_may_have_taken_effect_is_sent_once() {
    let server = Recorder::answering(|_| answer("500 Internal Server Error", "", "{}"));
    let home = home_bound_to(&server);
    home.run(&["request", "probe", "POST", "/x", "--yes", "--retry", "3"]).expect(5);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_deadline_ends_a_request_without_a_response() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let origin = format!("http://{}", silent.local_addr().unwrap());
    home.run(&["regions", "add", "--provider", "snyk", "--id", "SILENT", "--api", &origin])
        .expect(0);
    home.feed(
        &[
            "add",
            "slow",
            "--provider",
            "snyk",
            "--kind",
            "personal-token",
            "--region",
            "SILENT",
            "--offline",
        ],
        super::SECRET,
    )
    .expect(0);
    let late = home.run(&["request", "slow", "/x", "--timeout", "50ms"]).expect(5).err;
    assert!(late.contains("no response from 127.0.0.1 within 0.05 s"), "{late}");
    for wrong in ["0", "-1s", "1d", "soon", "25h"] {
        home.run(&["request", "slow", "/x", &format!("--timeout={wrong}")]).expect(2);
    }
}

#[test]
fn fail_prints_no_body_and_exits_by_the_class_of_the_response() {
    for (status, code) in [
        ("200 OK", 0),
        ("404 Not Found", 4),
        ("429 Too Many Requests", 5),
        ("500 Internal Server Error", 5),
    ] {
        let server = Recorder::answering(move |_| answer(status, "", "{\"a\":1}"));
        let home = home_bound_to(&server);
        let run = ["request", "probe", "/x", "--fail", "--retry", "0"];
        let ended = home.run(&run).expect(code);
        assert_eq!(ended.out.contains("\"a\""), code == 0, "{status}: {}", ended.out);
        if code != 0 {
            assert!(ended.err.contains(&status[..3]), "{}", ended.err);
            let error = home.run(&[&run[..], &["--json"]].concat()).expect(code).error();
            assert!(error.to_string().contains(&status[..3]), "{error}");
        }
    }
}

#[test]
fn exit_status_is_that_of_jq() {
    let server = Recorder::saying(r#"{"yes":true,"no":false,"none":null,"list":[null,1]}"#);
    let home = home_bound_to(&server);
    for filter in [".yes", ".no", ".none", ".missing", "empty", ".list[]", ".yes, .no", "0", "\"\""]
    {
        let exits = |json: &[&str]| {
            let arguments = [&["request", "probe", "/x", "--jq", filter, "-e"][..], json].concat();
            home.command(&arguments).output().unwrap().status.code()
        };
        let plain = exits(&[]);
        assert_eq!(exits(&["--json"]), plain, "{filter}");
        let expected = match filter {
            ".no" | ".none" | ".missing" | ".yes, .no" => 1,
            "empty" => 4,
            _ => 0,
        };
        assert_eq!(plain, Some(expected), "{filter}");
        if programs_installed(&["jq"]) {
            let mut jq = std::process::Command::new("jq");
            jq.args([
                "-n",
                "-e",
                &format!("{} | {filter}", r#"{"yes":true,"no":false,"none":null,"list":[null,1]}"#),
            ]);
            assert_eq!(jq.output().unwrap().status.code(), plain, "{filter}");
        }
    }
    home.run(&["request", "probe", "/x", "-e"]).expect(2);
}
