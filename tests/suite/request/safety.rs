//! Tests of secrets in responses, in headers and in stored data.

use serde_json::json;

use super::{SECRET, home_bound_to, home_with_simulator};
use crate::support::recorder::{Recorder, answer};

#[test]
fn a_secret_that_is_sent_back_is_masked_everywhere() {
    let body = format!(r#"{{"echo":"{SECRET}","encoded":"{}","n":1.50}}"#, hex(SECRET));
    let server = Recorder::answering(move |_| {
        answer(
            "400 Bad Request",
            &format!("x-echo: token {SECRET}\r\nset-cookie: sid=4711\r\n"),
            &body,
        )
    });
    let home = home_bound_to(&server);
    let shown = home.run(&["request", "probe", "/rest/x", "--include"]).expect(4);
    let whole = home.run(&["request", "probe", "/rest/x", "--json"]).expect(4);
    for text in [&shown.out, &shown.err, &whole.out, &whole.err] {
        assert!(
            !text.contains(SECRET) && !text.contains(&hex(SECRET)) && !text.contains("4711"),
            "{text}"
        );
    }
    assert!(
        shown.out.contains("x-echo: token ‹secret›") && shown.out.contains("\"n\":1.50"),
        "{}",
        shown.out
    );
}

#[test]
fn a_check_stores_no_secret_that_is_sent_back() {
    let server = Recorder::answering(|_| {
        answer("401 Unauthorized", "", &format!(r#"{{"message":"{SECRET} is wrong"}}"#))
    });
    let home = home_bound_to(&server);
    let checked = home.run(&["check", "probe", "--json"]).expect(4);
    assert!(!checked.out.contains(SECRET), "{}", checked.out);
    assert!(!on_disk(&home, SECRET));
}

#[test]
fn a_minted_secret_is_stored_under_its_name_and_never_shown() {
    let (home, simulator) = home_with_simulator(&["us01-admin"]);
    let example = simulator.manifest["credentials"].as_array().unwrap().iter();
    let account = example.clone().find(|known| {
        known["kind"] == "service-account-token"
            && known["region"] == "SNYK-US-01"
            && known["fields"]["org_id"].is_string()
    });
    let fields = &account.unwrap()["fields"];
    let (org, role) = (fields["org_id"].as_str().unwrap(), fields["role_id"].as_str().unwrap());
    let attributes =
        json!({"name": "minted-here", "role_id": role, "auth_type": "oauth_client_secret"});
    let body = json!({"data": {"type": "service_account", "attributes": attributes}}).to_string();
    let path = format!("/rest/orgs/{org}/service_accounts?version=2024-10-15");
    let media = "content-type=application/vnd.api+json";
    let request = [
        "request",
        "us01-admin",
        "POST",
        &path,
        "--header",
        media,
        "--data",
        &body,
        "--yes",
        "--capture",
    ];

    home.run(&[&request[..], &["us01-admin"]].concat()).expect(2);
    let made = home.run(&[&request[..], &["fresh", "--json"]].concat()).expect(0).json();
    assert_eq!(made["body"]["data"]["attributes"]["client_secret"], "‹secret›", "{made}");
    assert_eq!(made["withheld"], json!([{"member": "client_secret", "kept_as": "fresh"}]));
    let kept = home.run(&["show", "fresh", "--json"]).expect(0).json();
    assert_eq!(kept["kind"], "service-account-oauth", "{kept}");
    assert_eq!(kept["fields"]["org_id"], *org);
    assert_eq!(kept["fields"]["service_account_id"], made["body"]["data"]["id"]);
    home.run(&["check", "fresh"]).expect(0);
    let secret = home.run(&["get", "fresh"]).expect(0).out;
    assert!(secret.len() > 8 && !made.to_string().contains(&secret) && !on_disk(&home, &secret));
}

#[test]
fn a_minted_secret_without_a_name_is_not_lost() {
    let server = Recorder::saying(r#"{"client_id":"c","client_secret":"snyk_cs_4711_v1"}"#);
    let home = home_bound_to(&server);
    for name in ["probe-minted", "probe-minted-2"] {
        let told = home.run(&["request", "probe", "POST", "/x", "--yes"]).expect(0);
        assert_eq!(told.out, r#"{"client_id":"c","client_secret":"‹secret›"}"#);
        assert!(
            told.err.contains(&format!("is now the credential {name}"))
                && !told.err.contains("4711"),
            "{}",
            told.err
        );
        assert!(told.err.contains("--rename") && told.err.contains("--capture"), "{}", told.err);
        assert_eq!(home.run(&["get", name]).expect(0).out, "snyk_cs_4711_v1");
    }
    let listed = home.run(&["list", "--json"]).expect(0).json();
    assert_eq!(
        listed[1]["fields"]["client_id"], "c",
        "the properties in the response are stored too: {listed}"
    );
}

#[test]
fn a_secret_in_a_read_response_is_withheld_and_reported() {
    let server = Recorder::saying(r#"{"client_secret":"snyk_cs_4711_v1"}"#);
    let told = home_bound_to(&server).run(&["request", "probe", "/x"]).expect(0);
    assert_eq!(told.out, r#"{"client_secret":"‹secret›"}"#);
    assert!(
        told.err.contains("not shown")
            && told.err.contains("--capture")
            && !told.err.contains("4711"),
        "{}",
        told.err
    );
}

#[test]
fn a_secret_that_is_too_short_to_be_masked_is_not_stored() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let refused = home.feed(&["edit", "probe", "--secret"], "ab1").expect(2);
    assert!(refused.err.contains("too short") && !refused.err.contains("ab1"), "{}", refused.err);
}

#[test]
fn what_another_server_says_is_nothing_about_the_credential() {
    let stranger = Recorder::saying("{\"data\":{\"id\":\"x\",\"type\":\"user\"}}");
    let location = format!("location: {}/in\r\n", stranger.origin());
    let server = Recorder::answering(move |_| answer("302 Found", &location, ""));
    let home = home_bound_to(&server);
    let checked = home.run(&["check", "probe", "--json"]).expect(5).json();
    assert_eq!(
        (&checked[0]["verdict"], &checked[0]["status"]),
        (&json!("unknown"), &json!(null)),
        "{checked}"
    );
    let asked = home.run(&["request", "probe", "/rest/self"]).expect(5);
    assert!(
        asked.err.contains("without the secret") && asked.err.contains(&stranger.origin()),
        "{}",
        asked.err
    );
    assert!(
        stranger.seen().iter().all(|request| !format!("{request:?}").contains(SECRET))
            && stranger.seen().len() == 2
    );

    let page = Recorder::answering(|_| {
        answer("200 OK", "content-type: text/html\r\n", "<!doctype html><title>Sign in</title>")
    });
    let checked = home_bound_to(&page).run(&["check", "probe", "--json"]).expect(5).json();
    assert_eq!(
        (&checked[0]["verdict"], &checked[0]["status"]),
        (&json!("unknown"), &json!(null)),
        "a page is no answer of an API"
    );
}

#[test]
fn headers_that_carry_a_credential_cannot_be_set_by_the_user() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    for header in [
        "Authorization=token x-4711",
        "Cookie=sid=4711",
        "HOST=evil.example",
        "Proxy-Authorization=4711",
    ] {
        let refused = home.run(&["request", "probe", "/x", "--header", header]).expect(2);
        assert!(
            !refused.err.contains("4711") && refused.err.contains("is reserved"),
            "{}",
            refused.err
        );
    }
    assert_eq!(server.seen(), []);
}

#[test]
fn a_read_only_run_refuses_requests_that_ask_for_another_method() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    for arguments in [
        &["/x", "--header", "X-HTTP-Method-Override=DELETE"][..],
        &["/x", "--header", "x_http_method_override=DELETE"],
        &["/x", "--header", "X-HTTP-Method=PUT"],
        &["/x", "--header", "X-Method-Override=PATCH"],
        &["/x?_method=DELETE"],
        &["/x", "--query", "_method=DELETE"],
        &["HEAD", "/x", "--query", "X-HTTP-Method-Override=DELETE"],
        &["GET", "/x", "--data", "a=1&_method=DELETE"],
        &["GET", "/x", "--data", r#"{"_method":"DELETE"}"#],
    ] {
        let request = [&["request", "probe"][..], arguments, &["--json"]].concat();
        // Nothing is asked first: a confirmation would change nothing.
        for further in [&["--readonly"][..], &["--yes", "--readonly"]] {
            let refused = home.run(&[&request[..], further].concat()).expect(2).error();
            let why = refused["why"].as_str().unwrap();
            assert!(
                why.contains("asks for another method") && why.contains("read-only"),
                "{arguments:?}: {why}"
            );
        }
        home.run(&request).expect(2);
    }
    assert_eq!(server.seen(), []);
    let confirmed =
        ["request", "probe", "/x", "--header", "X-HTTP-Method-Override=DELETE", "--yes"];
    home.run(&confirmed).expect(0);
    home.run(&["request", "probe", "/x", "--header", "X-HTTP-Method=GET", "--readonly"]).expect(0);
    assert_eq!(server.seen().len(), 2, "a confirmed request and one that only reads are sent");
}

#[test]
fn a_provider_file_cannot_turn_requests_into_another_method() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let path = home.root().join("config/providers/acme.toml");
    let file = include_str!("../../../assets/providers/appcircle.toml");
    let file = file.replacen("id = \"appcircle\"", "id = \"acme\"", 1);
    let (own, header) = ("headers = [[\"accept\"", "headers = [[\"X-HTTP-Method-Override\"");
    let hostile = file.replacen(own, header, 1);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, hostile).unwrap();
    let refused = home.run(&["check", "probe", "--json"]).expect(2).error();
    let what = refused["what"].as_str().unwrap();
    assert!(what.contains("X-HTTP-Method-Override") && what.contains("acme.toml"), "{refused}");
    assert_eq!(server.seen(), []);
}

/// Whether any file of the home except the vault contains the text.
fn on_disk(home: &crate::support::program::Home, text: &str) -> bool {
    fn search(folder: &std::path::Path, text: &[u8]) -> bool {
        std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
            let path = entry.path();
            if path.is_dir() {
                search(&path, text)
            } else {
                std::fs::read(&path).unwrap().windows(text.len()).any(|window| window == text)
            }
        })
    }
    search(&home.root(), text.as_bytes())
}

fn hex(text: &str) -> String {
    tokenring::util::hex::to_hex(text.as_bytes())
}
