//! Tests that import commands as users paste them and check what happens to their secrets.

use proptest::prelude::*;

use super::*;
use crate::domain::provider::builtin_catalog;
use crate::domain::redact::MASK;
use crate::domain::request::export::{ExportContext, ExportFormat, export_request};

fn imported(text: &str) -> ImportedRequest {
    import_curl(text).unwrap()
}

fn headers(draft: &RequestDraft) -> Vec<(&str, &str)> {
    draft.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn a_pasted_command_becomes_a_request_without_its_secrets() {
    let found = imported(
        "$ curl -sSL -X POST 'https://api.snyk.io/v1/org/o/x?token=abc&limit=10' \\\n\
         -H 'Authorization: token 1f7b8a2e-0000-4000-8000-000000000000' -H 'Content-Type: application/json' \\\n\
         -H \"Session-Token: $SNYK_TOKEN\" -b 'sid=1' -u me:pass --data-raw '{\"name\":\"n\",\"client_secret\":\"s3cr3t\"}' | jq .",
    );
    assert_eq!(found.draft.method, HttpMethod::Post);
    assert_eq!(found.draft.target.to_string(), "https://api.snyk.io/v1/org/o/x?limit=10");
    assert_eq!(headers(&found.draft), [("content-type", "application/json")]);
    assert_eq!(
        found.draft.body.as_ref().and_then(DraftBody::text),
        Some(format!(r#"{{"name":"n","client_secret":"{MASK}"}}"#).as_str())
    );
    for name in [
        "header authorization",
        "header session-token",
        "parameter token",
        "client_secret",
        "--user",
        "cookies",
    ] {
        assert!(
            found.dropped.iter().any(|dropped| dropped.contains(name)),
            "{name} in {:?}",
            found.dropped
        );
    }
    assert!(found.notes[0].contains("ignored"));
    assert!(!format!("{found:?}").contains("s3cr3t"));
}

#[test]
fn a_url_of_the_region_becomes_a_path() {
    let region = builtin_catalog().region("appcircle", "cloud").unwrap().clone();
    let target = |text: &str| imported(text).in_region(&region).draft.target.to_string();
    assert_eq!(target("curl https://api.appcircle.io/a/b?c=d%20e"), "/a/b?c=d%20e");
    assert_eq!(target("curl https://auth.appcircle.io/a"), "auth:/a");
    assert_eq!(target("curl api.appcircle.io"), "/");
    assert_eq!(
        target("curl https://api.appcircle.io.evil.example/a"),
        "https://api.appcircle.io.evil.example/a"
    );
}

#[test]
fn methods_and_bodies_are_those_of_curl() {
    for (text, method, body) in [
        ("curl h.example", HttpMethod::Get, None),
        ("curl -I h.example", HttpMethod::Head, None),
        ("curl -d a=1 -d b=2 h.example", HttpMethod::Post, Some("a=1&b=2")),
        ("curl -da=1 -XPUT h.example", HttpMethod::Put, Some("a=1")),
        ("curl -sSXPATCH -kd a=1 h.example", HttpMethod::Patch, Some("a=1")),
        ("curl -d token h.example", HttpMethod::Post, Some("token")),
        (
            "curl -d '{\"q\":\"x&token=1\"}' h.example",
            HttpMethod::Post,
            Some("{\"q\":\"x&token=1\"}"),
        ),
        ("curl --data-urlencode 'q=a b&c' h.example", HttpMethod::Post, Some("q=a+b%26c")),
        ("curl --data-raw @x h.example", HttpMethod::Post, Some("@x")),
        ("curl --json '{}' h.example", HttpMethod::Post, Some("{}")),
        ("curl -X DELETE -- h.example", HttpMethod::Delete, None),
    ] {
        let draft = imported(text).draft;
        assert_eq!(
            (draft.method, draft.body.as_ref().and_then(DraftBody::text)),
            (method, body),
            "{text}"
        );
    }
    assert_eq!(imported("curl -s -- -d.example").draft.target.to_string(), "https://-d.example/");
    assert_eq!(
        imported("curl -G -d a=1 h.example/x?b=2").draft.target.to_string(),
        "https://h.example/x?b=2&a=1"
    );
    assert_eq!(
        headers(&imported("curl --json '{}' h.example").draft),
        [("content-type", "application/json"), ("accept", "application/json")]
    );
    assert_eq!(
        headers(&imported("curl -d x -H 'Content-Type:' -H 'X-A;' h.example").draft),
        [("x-a", "")]
    );
}

#[test]
fn what_looks_like_a_secret_is_dropped_wherever_it_stands() {
    let token = "snyk_uat.0a1b2c3d.eyJqdGkiOiJ4In0.c2lnbmF0dXJl";
    let hidden = token.replace('_', "%5F");
    for (text, told) in [
        (format!("curl https://h.example/a/{token}/b"), "a part of the path"),
        (format!("curl https://h.example/a?q={token}"), "parameter q"),
        (format!("curl https://h.example/a?q={hidden}"), "parameter q"),
        (format!("curl https://h.example/a -H 'X-Trace: {token}'"), "header x-trace"),
        (format!("curl https://h.example/a -d 'the token is {token}'"), "a part of the body"),
    ] {
        let found = imported(&text);
        assert!(
            found.dropped.len() == 1 && found.dropped[0].contains(told),
            "{text}: {:?}",
            found.dropped
        );
        assert!(!format!("{found:?}").contains("c2lnbmF0dXJl"), "{text}");
    }
    assert_eq!(imported("curl https://h.example/a?q=1 -d 'no token here'").dropped, [""; 0]);
}

#[test]
fn user_info_in_a_url_is_dropped_and_reported() {
    for (text, dropped) in [
        ("curl https://me:pw@h.example/a", true),
        ("curl https://me@h.example/a", true),
        ("curl https://:pw@h.example/a", true),
        ("curl https://h.example/a", false),
    ] {
        let imported = imported(text);
        assert_eq!(imported.draft.target.to_string(), "https://h.example/a");
        assert_eq!(
            imported.dropped.iter().any(|what| what.contains("user name")),
            dropped,
            "{text}"
        );
    }
}

#[test]
fn errors_do_not_repeat_values_from_the_command() {
    for (text, expected) in [
        ("wget x", CurlParseError::NotCurl),
        ("", CurlParseError::NotCurl),
        ("curl", CurlParseError::UrlCount(0)),
        ("curl a.example b.example", CurlParseError::UrlCount(2)),
        ("curl -d @body.json a.example", CurlParseError::FileInput("data")),
        ("curl -F a=b a.example", CurlParseError::UnsupportedOption("form")),
        ("curl a.example -H", CurlParseError::MissingValue("header")),
        (
            "curl --oauth-secretive=abc a.example",
            CurlParseError::UnknownOption("--oauth-secretive".to_owned()),
        ),
        ("curl -Zabc a.example", CurlParseError::UnknownOption("-Z".to_owned())),
        ("curl https://$HOST/", CurlParseError::UnresolvedVariable("HOST".to_owned())),
        ("curl -X BREW a.example", CurlParseError::InvalidMethod),
        ("curl ftp://a.example", CurlParseError::InvalidUrl),
    ] {
        let error = import_curl(text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!Problem::from(error).remedy.is_empty());
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "curl( |-[XHdubFGI]|--[a-z-]{1,12}|'[^']{0,9}'|\"[^\"]{0,9}\"|[$@=&:/?#]|https://h\\.example|\\PC){0,14}") {
        let _ = import_curl(&text);
    }

    #[test]
    fn no_secret_survives(secret in "[A-Za-z0-9]{20,30}", header in "(Authorization|X-Api-Key|Cookie|X-Auth-Token|Session-Token)", member in "(token|api_key|client_secret|password|refresh_token)") {
        let body = serde_json::json!({ "inner": [{ &member: secret }] });
        let text = format!("curl -H '{header}: Bearer {secret}' 'https://u:{secret}@h.example/?{member}={secret}' -d '{body}' -b '{secret}'");
        let found = imported(&text);
        let shown = format!("{found:?}");
        prop_assert!(!shown.contains(&secret), "{}", shown);
        let form = imported(&format!("curl https://h.example/ -d 'a=1&{member}={secret}'"));
        let shown = format!("{form:?}");
        prop_assert!(!shown.contains(&secret), "{}", shown);
    }

    #[test]
    fn what_was_exported_comes_back(path in "/[a-z0-9$'`;|*()~-]{0,12}", value in "[ -~é]{1,20}", body in proptest::option::of("[ -~\n\t]{1,40}")) {
        let catalog = builtin_catalog();
        let (provider, kind) = (catalog.provider("snyk").unwrap(), catalog.kind("snyk", "personal-access-token").unwrap());
        let region = catalog.region("snyk", "eu").unwrap();
        let draft = RequestDraft {
            query: vec![("q".to_owned(), value.clone())],
            headers: vec![("x-odd".to_owned(), value.trim().to_owned()), ("content-type".to_owned(), "text/plain".to_owned())],
            body: body.clone().map(DraftBody::Text),
            ..RequestDraft::new(if body.is_some() { HttpMethod::Post } else { HttpMethod::Get }, RequestTarget::Path { place: HostRole::Api, path })
        };
        let line = export_request(&draft, ExportContext { provider, kind, region, scheme: "token" }, ExportFormat::Curl).unwrap().text;
        let back = imported(&line).in_region(region).draft;
        prop_assert_eq!(back.resolve(region), draft.resolve(region));
        prop_assert_eq!((back.method, &back.body), (draft.method, &draft.body));
        prop_assert_eq!(back.header("x-odd"), draft.header("x-odd"));
    }
}
