//! Tests of a request in its other forms: as curl, as a dry run, from a pasted command, and as a
//! saved request.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{SECRET, home_bound_to};
use crate::support::programs_installed;
use crate::support::recorder::Recorder;

/// A request full of characters that are special in shells, URLs and headers.
const HOSTILE: [&str; 18] = [
    "request",
    "probe",
    "POST",
    "/rest/it's/$HOME/`id`/a%20b/[x]{1,2}?q=%27&r=$(id)",
    "--query",
    "k=a b'c\"d$e\\f&g;h|i",
    "--query",
    "status[]=open",
    "--header",
    "x-odd=it's \"$HOME\" `id` \\ !",
    "--header",
    "x-empty=",
    "--header",
    "content-type=text/plain",
    "--data",
    "@not-a-file\n'\"$HOME`id`\\\t!é\r\n",
    "--yes",
    "--keep-body",
];

/// The same request with its body read from a file (`@path`).
fn hostile(home: &crate::support::program::Home) -> Vec<String> {
    let file = home.root().join("body.txt");
    std::fs::write(&file, HOSTILE[15].replace('\r', "")).unwrap();
    let mut arguments = HOSTILE.map(str::to_owned).to_vec();
    arguments[15] = format!("@{}", file.display());
    arguments
}

fn with<'a>(arguments: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[test]
fn real_curl_sends_byte_for_byte_the_same() {
    if !programs_installed(&["curl", "sh"]) {
        return;
    }
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let arguments = hostile(&home);
    home.run(&with(&arguments, &[])).expect(0);
    let line = home.run(&with(&arguments, &["--curl"])).expect(0).out;
    assert!(!line.contains(SECRET) && line.contains("$SNYK_TOKEN"), "{line}");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{} --silent --noproxy '*'", line.trim_end())])
        .env("SNYK_TOKEN", SECRET)
        .stdout(Stdio::null());
    assert!(shell.status().unwrap().success(), "{line}");
    let [ours, theirs] = &server
        .seen()
        .try_into()
        .map(|seen: [_; 2]| seen.map(super::super::support::recorder::Recorded::without_client))
        .unwrap();
    assert_eq!(ours, theirs);
    assert!(
        ours.headers.contains(&("authorization".to_owned(), format!("token {SECRET}"))),
        "{ours:?}"
    );
    assert!(ours.headers.contains(&("x-empty".to_owned(), String::new())), "{ours:?}");
}

#[test]
fn a_dry_run_shows_exactly_what_would_be_sent_and_sends_nothing() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let arguments = hostile(&home);
    let told = home.run(&with(&arguments, &["--dry-run", "--json"])).expect(0).json();
    assert_eq!(server.seen(), []);
    let text = home.run(&with(&arguments, &["--dry-run"])).expect(0);
    assert!(
        text.out.starts_with("POST /rest/it's/")
            && text.out.contains("\nauthorization: token ‹secret›\n"),
        "{}",
        text.out
    );

    home.run(&with(&arguments, &[])).expect(0);
    let sent = &server.seen()[0];
    let mut headers: Vec<_> = told["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    headers
        .iter_mut()
        .filter(|(name, _)| name == "authorization")
        .for_each(|(_, value)| *value = value.replace("‹secret›", SECRET));
    headers.sort();
    assert_eq!(headers, sent.headers);
    assert_eq!(
        format!(
            "POST {} HTTP/1.1",
            told["url"].as_str().unwrap().strip_prefix(&server.origin()).unwrap()
        ),
        sent.line
    );
    assert_eq!(told["body"].as_str().unwrap().as_bytes(), sent.body);
}

#[test]
fn a_dry_run_refuses_what_would_be_refused() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    for arguments in [
        &["request", "probe", "https://evil.example/x", "--dry-run"][..],
        &["request", "probe", "DELETE", "/x", "--dry-run", "--readonly"],
        &["request", "probe", "/x", "--header", "Cookie=a", "--dry-run"],
    ] {
        home.run(arguments).expect(2);
    }
}

#[test]
fn what_a_preset_does_not_take_is_refused_and_nothing_else_takes_its_place() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let (own, given) =
        ("11111111-2222-4333-8444-555555555555", "org_id=74c237b4-ae4a-4241-a47c-000000000bb7");
    home.run(&["edit", "probe", "--field", &format!("org_id={own}")]).expect(0);
    let projects = |more: &[&str]| {
        home.run(&[&["request", "probe", "--preset", "projects"][..], more].concat())
    };
    for (wrong, told) in [
        ("orgid=x", "org_id"),
        ("org_id=", "empty"),
        ("org_id=acme", "UUID"),
        ("limit=all", "number"),
    ] {
        let refused = projects(&["--param", wrong]).expect(2).err;
        assert!(refused.contains(told), "{wrong}: {refused}");
    }
    assert_eq!(server.seen(), []);
    projects(&["--param", given, "--param", "limit=10"]).expect(0);
    projects(&["--query", "limit=20", "--query", "names=a", "--query", "names=b"]).expect(0);
    let lines: Vec<_> = server.seen().into_iter().map(|request| request.line).collect();
    assert!(
        lines[0].contains("000000000bb7/projects?version=2024-10-15&limit=10&meta"),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].contains(own) && lines[1].contains("=true&limit=20&names=a&names=b "),
        "{}",
        lines[1]
    );
    assert!(!lines[1].contains("limit=100"), "{}", lines[1]);
}

#[test]
fn a_json_body_is_sent_as_such_and_a_file_that_is_not_there_is_named() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let media = |arguments: &[&str]| {
        home.run(&[&["request", "probe", "--yes"][..], arguments].concat()).expect(0);
        let sent = server.seen().pop().unwrap();
        sent.headers.into_iter().find(|(name, _)| name == "content-type").map(|(_, value)| value)
    };
    assert_eq!(
        media(&["/rest/x", "--data", "{\"a\":1}"]).as_deref(),
        Some("application/vnd.api+json")
    );
    assert_eq!(media(&["PUT", "/v1/x", "--data", "[]"]).as_deref(), Some("application/json"));
    assert_eq!(
        media(&["PUT", "/v1/x", "--data", "[]", "--header", "Content-Type=text/x"]).as_deref(),
        Some("text/x")
    );
    assert_eq!(media(&["/v1/x", "--data", "a=1"]), None);
    let missing =
        home.run(&["request", "probe", "/v1/x", "--data", "@not/there.json", "--yes"]).expect(2);
    assert!(missing.err.contains("not/there.json: "), "{}", missing.err);
}

#[cfg(unix)]
#[test]
fn a_filters_result_cannot_steer_the_terminal() {
    let server = Recorder::saying(r#"{"name":"\u001b]0;owned\u0007<\u001b[2J>"}"#);
    let home = home_bound_to(&server);
    let arguments = ["request", "probe", "/x", "--jq", ".name", "-r"];
    let piped = home.run(&arguments).expect(0).out;
    assert_eq!(piped, "\u{1b}]0;owned\u{7}<\u{1b}[2J>\n", "a pipe gets what there is");
    let pty = home.at_terminal(&arguments);
    pty.expect("]0;owned");
    pty.expect("<");
    pty.expect("[2J>");
}

#[test]
fn one_preset_is_shown_completely() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let told = home.run(&["presets", "snyk", "issues"]).expect(0).out;
    for part in [
        "GET /rest/orgs/{org_id}/issues",
        "https://docs.snyk.io/",
        "a UUID",
        "open or resolved (default open)",
        "a number (default 100)",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let shape = home.run(&["presets", "probe", "issues", "--json"]).expect(0).json();
    let status = &shape["parameters"][1];
    assert_eq!(
        (&status["id"], &status["default"], &status["choices"]),
        (&json!("status"), &json!("open"), &json!(["open", "resolved"]))
    );
    assert_eq!(
        (&shape["parameters"][0]["type"], &shape["parameters"][2]["type"]),
        (&json!("uuid"), &json!("number"))
    );
    assert!(home.run(&["presets", "snyk", "isues"]).expect(3).err.contains("mean issues"));
}

#[test]
fn a_pasted_command_is_sent_without_its_secrets() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let pasted = format!(
        "$ curl -s -X PATCH '{}/rest/x?limit=10&token=t0k3n' -H 'Authorization: token stolen' \\\n  -b sid=1 --json '{{\"a\":1}}' | jq .",
        server.origin()
    );
    let sent = home.feed(&["request", "probe", "--from-curl", "-", "--yes"], &pasted).expect(0);
    for name in ["header authorization", "parameter token", "cookies"] {
        assert!(sent.err.contains(&format!("removed: {name}")), "{}", sent.err);
    }
    let request = &server.seen()[0];
    assert_eq!(
        (request.line.as_str(), request.body.as_slice()),
        ("PATCH /rest/x?limit=10 HTTP/1.1", br#"{"a":1}"#.as_slice())
    );
    let shown = format!("{request:?}{}", sent.err);
    assert!(
        shown.contains(SECRET)
            && !shown.contains("stolen")
            && !shown.contains("t0k3n")
            && !shown.contains("sid=1")
    );
    let port = server.origin().rsplit(':').next().unwrap().to_owned();
    for elsewhere in [
        "https://evil.example/".to_owned(),
        format!("http://127.0.0.1:{port}@evil.example/"),
        format!("http://127.0.0.1.evil.example:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://evil.example\\@127.0.0.1:{port}/"),
        "//evil.example/".to_owned(),
    ] {
        home.feed(&["request", "probe", "--from-curl", "-"], &format!("curl '{elsewhere}'"))
            .expect(2);
        home.run(&["request", "probe", &elsewhere]).expect(2);
    }
    assert_eq!(server.seen().len(), 1, "nothing was sent for any of them");
    home.feed(&["request", "probe", "--from-curl", "-", "--json"], "curl 'x").expect(2).error();
}

#[test]
fn requests_are_saved_sent_copied_renamed_and_deleted() {
    let server = Recorder::saying("{\"ok\":true}");
    let home = home_bound_to(&server);
    let arguments =
        ["request", "probe", "PUT", "/rest/x", "--query", "a=b c", "--data", "{\"n\":1}"];
    home.run(&[&arguments[..], &["--save", "put-x"]].concat()).expect(0);
    home.run(&[&arguments[..], &["--save", "put-x"]].concat()).expect(2);
    home.run(&["request", "probe", "/a", "--save", "../x"]).expect(2);
    assert_eq!(server.seen(), []);
    home.run(&["requests", "copy", "put-x", "second"]).expect(0);
    home.run(&["requests", "rename", "put-x", "first"]).expect(0);
    let listed = home.run(&["requests", "--json"]).expect(0).json();
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|saved| &saved["id"]).collect();
    assert_eq!(ids, ["first", "second"]);
    home.run(&["request", "probe", "--saved", "first"]).expect(2);
    home.run(&["request", "probe", "--saved", "first", "--yes"]).expect(0);
    assert_eq!(
        (server.seen()[0].line.as_str(), server.seen()[0].body.as_slice()),
        ("PUT /rest/x?a=b+c HTTP/1.1", br#"{"n":1}"#.as_slice())
    );
    home.run(&["requests", "delete", "first"]).expect(0);
    assert!(home.run(&["request", "probe", "--saved", "secon"]).expect(3).err.contains("second"));
    let shown = home.run(&["requests", "show", "second", "--json"]).expect(0).json();
    assert_eq!(
        (&shown["provider"], &shown["method"], &shown["query"]),
        (&json!("snyk"), &json!("PUT"), &json!([["a", "b c"]]))
    );
}

#[test]
fn a_saved_request_holds_no_secret() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    home.run(&[
        "request",
        "probe",
        "POST",
        "/x",
        "--data",
        SECRET,
        "--query",
        &format!("k={SECRET}"),
        "--save",
        "leaky",
    ])
    .expect(0);
    let text = std::fs::read_to_string(home.root().join("config/requests/leaky.toml")).unwrap();
    assert!(!text.contains(SECRET) && text.contains("‹secret›"), "{text}");
    let refused = home.run(&["request", "probe", "--saved", "leaky", "--yes"]).expect(2);
    assert!(refused.err.contains("the placeholder of a removed secret"), "{}", refused.err);
    assert_eq!(server.seen(), []);
}

#[test]
fn presets_are_listed_for_providers_and_credentials() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let all: Value = home.run(&["presets", "--json"]).expect(0).json();
    let providers: std::collections::HashSet<_> =
        all.as_array().unwrap().iter().map(|preset| preset["provider"].as_str().unwrap()).collect();
    assert_eq!(providers.len(), 4);
    let projects = home.run(&["presets", "snyk", "--json"]).expect(0).json();
    let projects = projects
        .as_array()
        .unwrap()
        .iter()
        .find(|preset| preset["id"] == "projects")
        .unwrap()
        .clone();
    assert_eq!(
        (&projects["parameters"][0]["id"], &projects["parameters"][0]["from"]),
        (&json!("org_id"), &json!("orgs"))
    );
    home.run(&["edit", "probe", "--field", "org_id=abc"]).expect(0);
    let own = home.run(&["presets", "probe"]).expect(0).out;
    assert!(
        own.lines().any(|line| line.contains("projects") && line.contains("[org_id]")),
        "{own}"
    );
    assert!(home.run(&["presets", "prob"]).expect(3).err.contains("probe"));
}
