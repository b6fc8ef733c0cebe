//! Tests of lists of many pages, and of the path from organizations to issues.

use std::collections::HashSet;
use std::io::Read as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{add_fault, home_bound_to, home_with_simulator, request_count};
use crate::support::recorder::{Recorder, answer};

const ADMIN: &str = "us01-admin";

#[test]
fn three_commands_lead_from_organizations_to_issues() {
    let (home, _simulator) = home_with_simulator(&[ADMIN]);
    let first = |arguments: &[&str]| home.run(arguments).expect(0).out.trim().to_owned();
    let org = first(&["request", ADMIN, "--preset", "orgs", "--jq", ".data[0].id", "--raw"]);
    let org = format!("org_id={org}");
    let project = first(&[
        "request",
        ADMIN,
        "--preset",
        "projects",
        "--param",
        &org,
        "--jq",
        ".data[0].id",
        "-r",
    ]);
    let project = format!("project_id={project}");
    let issues = home
        .run(&[
            "request",
            ADMIN,
            "--preset",
            "aggregated-issues",
            "--param",
            &org,
            "--param",
            &project,
            "--yes",
            "--jq",
            ".issues | length",
        ])
        .expect(0);
    assert!(issues.out.trim().parse::<u32>().unwrap() > 0, "{}", issues.out);
}

#[test]
fn three_thousand_projects_survive_a_refusal_in_the_middle() {
    let (home, simulator) = home_with_simulator(&[ADMIN]);
    let org = home
        .run(&["request", ADMIN, "--preset", "orgs", "--jq", ".data[0].id", "--raw"])
        .expect(0)
        .out
        .trim()
        .to_owned();
    let path = format!("/rest/orgs/{org}/projects");
    let arguments = [
        "request",
        ADMIN,
        "--preset",
        "projects",
        "--param",
        &format!("org_id={org}"),
        "--all-pages",
    ];
    let mut child =
        home.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut text = vec![0; 1024];
    out.read_exact(&mut text).unwrap();
    // The pipe is full now and is not read, so the program is blocked in the middle of the list.
    add_fault(&simulator, &json!({"path": path, "retry_after": "1", "times": 1}));
    out.read_to_end(&mut text).unwrap();
    let done = child.wait_with_output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(
        done.status.success()
            && told.contains("waiting")
            && told.contains("3000 elements on 30 pages"),
        "{told}"
    );
    let list: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let ids: HashSet<_> = list.iter().map(|project| project["id"].as_str().unwrap()).collect();
    assert_eq!((list.len(), ids.len()), (3_000, 3_000));
    assert_eq!(
        request_count(&simulator, "GET", &path),
        31,
        "each page once, the refused one twice"
    );
}

/// A page of a hundred projects whose link has a different form on each page; the fifteenth page is
/// refused once, and the last one links to `beyond`, if there is one.
fn page_of_projects(
    line: &str,
    origin: &str,
    refused: &AtomicBool,
    beyond: Option<&str>,
) -> String {
    let page: usize = line
        .split("page=")
        .nth(1)
        .and_then(|rest| rest.split([' ', '&']).next()?.parse().ok())
        .unwrap_or(0);
    if page == 15 && !refused.swap(true, Ordering::Relaxed) {
        return answer("429 Too Many Requests", "retry-after: 1\r\n", "{}");
    }
    let path = format!("/orgs/o/projects?page={}", page + 1);
    let next = match page % 5 {
        _ if page == 29 => beyond.map_or(Value::Null, |beyond| json!(beyond)),
        0 => json!(path),
        1 => json!(format!("/rest{path}")),
        2 => json!(format!("{origin}/rest{path}")),
        3 => json!({"href": format!("/rest{path}")}),
        _ => json!({"href": format!("{origin}/rest{path}"), "meta": {}}),
    };
    let projects: Vec<_> = (0..100)
        .map(|at| json!({"id": format!("p{}", page * 100 + at), "type": "project"}))
        .collect();
    answer("200 OK", "", &json!({"data": projects, "links": {"next": next}}).to_string())
}

#[test]
fn three_thousand_projects_come_by_links_of_every_form() {
    let stranger = Recorder::saying("{\"data\":[1]}");
    for beyond in [None, Some(format!("{}/rest/orgs/o/projects", stranger.origin()))] {
        let (refused, elsewhere) = (AtomicBool::new(false), beyond.clone());
        let server = Recorder::answering(move |request| {
            let host = request.headers.iter().find(|(name, _)| name == "host").unwrap().1.clone();
            page_of_projects(
                &request.line,
                &format!("http://{host}"),
                &refused,
                elsewhere.as_deref(),
            )
        });
        let home = home_bound_to(&server);
        let told = home
            .run(&["request", "probe", "/rest/orgs/o/projects", "--all-pages"])
            .expect(i32::from(beyond.is_some()));
        let list: Vec<Value> = serde_json::from_str(&told.out).unwrap();
        let ids: HashSet<_> = list.iter().map(|project| project["id"].as_str().unwrap()).collect();
        assert_eq!((list.len(), ids.len()), (3_000, 3_000), "{}", told.err);
        assert!(told.err.contains("waiting"), "{}", told.err);
        assert_eq!(told.err.contains("another origin"), beyond.is_some(), "{}", told.err);
        assert_eq!(server.seen().len(), 31);
    }
    assert_eq!(stranger.seen(), []);
}

#[test]
fn links_of_every_form_and_counted_pages_are_followed() {
    let (home, simulator) = home_with_simulator(&[ADMIN]);
    let count = |arguments: &[&str]| home.run(arguments).expect(0).json().as_array().unwrap().len();
    let (orgs, pages) =
        (count(&["request", ADMIN, "/rest/orgs?version=2024-10-15&limit=10", "--all-pages"]), 3);
    assert_eq!((orgs, request_count(&simulator, "GET", "/rest/orgs")), (30, pages));
    assert_eq!(count(&["request", ADMIN, "--preset", "groups", "--all-pages"]), 3);
    assert_eq!(count(&["request", ADMIN, "--preset", "tenants", "--all-pages"]), 1);
    let key = simulator.manifest["credentials"]
        .as_array()
        .unwrap()
        .iter()
        .find(|known| known["kind"] == "api-key" && known["provider"] == "snyk-api-web");
    let key = key.unwrap()["name"].as_str().unwrap();
    home.add_seeded(&simulator, key).expect(0);
    assert_eq!(count(&["request", key, "--preset", "findings", "--all-pages"]), 240);
}

#[test]
fn a_filter_gets_the_whole_list() {
    let (home, _simulator) = home_with_simulator(&[ADMIN]);
    let path = "/rest/orgs?version=2024-10-15&limit=10";
    let filtered = home
        .run(&[
            "request",
            ADMIN,
            path,
            "--all-pages",
            "--jq",
            "length, (map(.id) | unique | length)",
        ])
        .expect(0);
    assert_eq!(filtered.out, "30\n30\n");
    let whole = home.run(&["request", ADMIN, path, "--all-pages", "--json"]).expect(0).json();
    assert_eq!(
        (&whole["items"], &whole["pages"], &whole["complete"]),
        (&json!(30), &json!(3), &json!(true))
    );
}

#[test]
fn the_next_page_is_not_fetched_from_a_stranger() {
    let stranger = Recorder::saying("{\"data\":[2]}");
    let link = format!("{}/rest/x", stranger.origin());
    let server = Recorder::saying(&json!({"data": [1.50], "links": {"next": link}}).to_string());
    let home = home_bound_to(&server);
    let refused = home.run(&["request", "probe", "/rest/x", "--all-pages"]).expect(1);
    assert_eq!(refused.json(), json!([1.5]), "the pages read so far are printed as valid JSON");
    assert!(
        refused.out.contains("1.5") && refused.err.contains("another origin"),
        "{}",
        refused.err
    );
    assert_eq!(stranger.seen(), []);
}

#[test]
fn a_list_that_never_ends_is_noticed_and_a_page_that_fails_ends_it() {
    let circle = Recorder::saying(r#"{"data":[1],"links":{"next":"/x?a=1"}}"#);
    let told =
        home_bound_to(&circle).run(&["request", "probe", "/rest/x", "--all-pages"]).expect(1);
    assert_eq!(told.json(), json!([1, 1]));
    assert!(told.err.contains("loop"), "{}", told.err);
    let broken = Recorder::answering(|request| {
        if request.line.contains("page=2") {
            answer("500 Internal Server Error", "", "{\"message\":\"boom\"}")
        } else {
            answer("200 OK", "", r#"{"results":[{"a":1}],"page":1,"page_total":2}"#)
        }
    });
    let told = home_bound_to(&broken).run(&["request", "probe", "/x", "--all-pages"]).expect(5);
    assert_eq!(told.json(), json!([{"a": 1}]));
    assert!(told.err.contains("boom") && told.err.contains("1 element on 1 page"), "{}", told.err);
}

#[test]
fn a_list_without_an_end_ends_at_its_limits() {
    let endless = Recorder::answering(|request| {
        let page: usize = request
            .line
            .split("page=")
            .nth(1)
            .and_then(|rest| rest.split([' ', '&']).next()?.parse().ok())
            .unwrap_or(0);
        let next = format!("/rest/x?page={}", page + 1);
        answer("200 OK", "", &json!({"data": [page], "links": {"next": next}}).to_string())
    });
    let home = home_bound_to(&endless);
    let whole = ["request", "probe", "/rest/x", "--all-pages"];
    let told = home.run(&[&whole[..], &["--max-pages", "3"]].concat()).expect(1);
    assert_eq!(told.json(), json!([0, 1, 2]), "the pages read so far are printed as valid JSON");
    assert!(
        told.err.contains("more than 3 pages") && told.err.contains("--max-pages"),
        "{}",
        told.err
    );
    assert_eq!(endless.seen().len(), 3);
    let whole_json = home.run(&[&whole[..], &["--max-pages", "2", "--json"]].concat()).expect(1);
    assert_eq!(whole_json.json()["complete"], false);
    let late = home.run(&[&whole[..], &["--max-time", "0m"]].concat()).expect(5);
    assert!(late.err.contains("took longer") && late.err.contains("--max-time"), "{}", late.err);
    let default = home.run(&whole).expect(1);
    assert_eq!(default.json().as_array().unwrap().len(), 1_000);
    assert!(default.err.contains("more than 1000 pages"), "{}", default.err);
    home.run(&["request", "probe", "/rest/x", "--max-pages", "3"]).expect(2);
}

#[test]
fn a_list_that_must_be_kept_whole_ends_at_its_size() {
    let element = "x".repeat(9 << 20);
    let large = Recorder::answering(move |request| {
        let page = request.line.matches('x').count();
        let next = format!("/rest/{}", "x".repeat(page + 1));
        answer("200 OK", "", &json!({"data": [element], "links": {"next": next}}).to_string())
    });
    let home = home_bound_to(&large);
    let told =
        home.run(&["request", "probe", "/rest/x", "--all-pages", "--jq", "length"]).expect(1);
    assert!(told.err.contains("larger than 64 MiB"), "{}", told.err);
    assert_eq!((told.out.as_str(), large.seen().len()), ("7\n", 8));
}

#[test]
fn what_is_no_list_or_changes_something_has_no_pages() {
    let server = Recorder::saying(r#"{"data":{"id":1}}"#);
    let home = home_bound_to(&server);
    let whole = home.run(&["request", "probe", "/rest/self", "--all-pages"]).expect(1);
    let changing =
        home.run(&["request", "probe", "POST", "/rest/x", "--all-pages", "--yes"]).expect(2);
    assert_eq!(
        (whole.out.as_str(), changing.out.as_str()),
        ("", ""),
        "an empty list would say that there is nothing"
    );
    home.run(&["request", "probe", "/rest/x", "--all-pages", "--include"]).expect(2);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_reader_that_goes_away_ends_the_reading() {
    let (home, simulator) = home_with_simulator(&[ADMIN]);
    let org = home
        .run(&["request", ADMIN, "--preset", "orgs", "--jq", ".data[0].id", "--raw"])
        .expect(0)
        .out
        .trim()
        .to_owned();
    let arguments = [
        "request",
        ADMIN,
        "--preset",
        "projects",
        "--param",
        &format!("org_id={org}"),
        "--all-pages",
    ];
    let mut child =
        home.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 100]).unwrap();
    drop(out);
    assert!(child.wait_with_output().unwrap().status.success());
    assert!(request_count(&simulator, "GET", &format!("/rest/orgs/{org}/projects")) < 10);
}
