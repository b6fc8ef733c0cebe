//! Tests that import commands as users paste them and check what happens to their secrets.

use proptest::prelude::*;

use super::options::OptionArity;
use super::*;
use crate::domain::provider::builtin_catalog;
use crate::domain::redact::{MASK, SecretRedactor};
use crate::domain::request::export::{ExportContext, ExportFormat, export_request};
use crate::domain::request::{DraftBody, FormPart, PartContent};

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
        ("curl https://h.example", HttpMethod::Get, None),
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
        ("curl -d @body.json -d b=1 a.example", CurlParseError::FileInput("data")),
        ("curl -d @- a.example", CurlParseError::StandardInput("data")),
        ("echo '{}' | curl --json @- a.example", CurlParseError::StandardInput("json")),
        ("curl -T - a.example", CurlParseError::StandardInput("upload-file")),
        ("curl -H @headers a.example", CurlParseError::FileInput("header")),
        ("curl --data-urlencode q@file a.example", CurlParseError::FileInput("data-urlencode")),
        ("curl -F a a.example", CurlParseError::InvalidForm),
        ("curl -F a=b -d c a.example", CurlParseError::SeveralBodies),
        ("curl a.example --next b.example", CurlParseError::UnsupportedOption("next")),
        ("curl -K file", CurlParseError::UnsupportedOption("config")),
        ("curl --request-target /x a.example", CurlParseError::UnsupportedOption("request-target")),
        ("curl -H x: <(id) a.example", CurlParseError::ShellSubstitution),
        ("curl a.example -H", CurlParseError::MissingValue("header")),
        (
            "curl --oauth-secretive=abc a.example",
            CurlParseError::UnknownOption("--oauth-secretive".to_owned()),
        ),
        ("curl -Wabc a.example", CurlParseError::UnknownOption("-W".to_owned())),
        ("curl https://$HOST/", CurlParseError::UnresolvedVariable("HOST".to_owned())),
        ("curl -X BREW a.example", CurlParseError::InvalidMethod),
        ("curl ftp://a.example", CurlParseError::InvalidUrl),
    ] {
        let error = import_curl(text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!Problem::from(error).remedy.is_empty());
    }
}

/// What the import of a command is expected to be: the request line, headers, body, and parts of the
/// notes.
struct ExpectedImport {
    line: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    notes: &'static [&'static str],
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_way_to_write_a_command_is_understood_or_named() {
    const GET: &str = "GET https://h.example/x";
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    const JSON: [(&str, &str); 2] =
        [("content-type", "application/json"), ("accept", "application/json")];
    let expected = |line, headers, body, notes| ExpectedImport { line, headers, body, notes };
    let get = |notes| expected(GET, &[], "", notes);
    let post = |body, notes| expected("POST https://h.example/x", &[FORM], body, notes);
    for (text, expected) in [
        // Surroundings.
        ("$ curl https://h.example/x", get(&[])),
        ("me@host:~/a$ curl https://h.example/x", get(&[])),
        ("PS C:\\Users\\me> curl.exe https://h.example/x", get(&[])),
        ("C:\\>curl https://h.example/x", get(&[])),
        ("!curl https://h.example/x", get(&[])),
        ("# curl https://h.example/x", get(&[])),
        ("sudo -u me curl https://h.example/x", get(&[])),
        ("time -p curl https://h.example/x", get(&[])),
        ("timeout -k 5 10 /usr/bin/curl https://h.example/x", get(&[])),
        ("env -i A=b curl https://h.example/x", get(&["variables"])),
        ("TOKEN=abc curl https://h.example/x", get(&["variables"])),
        ("export TOKEN=abc\ncd /tmp && curl https://h.example/x", get(&["before curl"])),
        ("Run this:\n\n```bash\ncurl https://h.example/x \\\n  -s\n```\nDone.", get(&[])),
        ("`curl https://h.example/x`", get(&[])),
        ("> curl https://h.example/x \\\n>   -s", get(&[])),
        (
            "$ curl -s \\\n> -H 'x-a: 1' \\\n> https://h.example/x",
            expected(GET, &[("x-a", "1")], "", &[]),
        ),
        ("\u{feff}curl https://h.example/x", get(&[])),
        // What follows.
        ("curl https://h.example/x | jq .", get(&["after the command"])),
        ("curl https://h.example/x > out.json 2>&1", get(&["redirection"])),
        (
            "curl -s > out.json https://h.example/x && ls",
            get(&["after the command", "redirection"]),
        ),
        ("curl \\\n  https://h.example/x \\\n  > out.json", get(&["redirection"])),
        // Line ends, continuations and quotes of other systems.
        ("curl \\\r\n  https://h.example/x \\\r\n  -s\r\n", get(&[])),
        ("curl \\\r  https://h.example/x", get(&[])),
        ("curl \\ \n  https://h.example/x", get(&[])),
        ("curl ^\r\n  https://h.example/x ^\r\n  -s", get(&[])),
        ("curl.exe `\r\n  https://h.example/x `\r\n  -s", get(&[])),
        (
            "curl ^\"https://h.example/x^\" ^\n -d ^\"a=%^20^&b=\\^\"c\\^\"^\"",
            post("a=%20&b=\"c\"", &[]),
        ),
        ("curl.exe https://h.example/x -d 'a=\"it''s\"' `\n -s", post("a=\"it's\"", &[])),
        (
            "curl “https://h.example/x” –s —location –X ‘GET’",
            get(&["straight quotes", "long dash"]),
        ),
        ("curl https://h.example/x -d $'a=\\'\\u0041\\r\\n'", post("a='A\r\n", &[])),
        // Options with and without a value.
        (
            "curl -sSLkfivZ#o out --max-time 5 -m5 https://h.example/x",
            get(&["certificates", "--max-time was ignored", "--timeout"]),
        ),
        (
            "curl --proxy http://p:1 --noproxy '*' -x q https://h.example/x",
            get(&["--proxy was ignored: the proxy comes from HTTPS_PROXY", "--noproxy"]),
        ),
        ("curl --retry 3 --retry-delay 1 https://h.example/x", get(&["--retry was ignored"])),
        (
            "curl --resolve h.example:443:127.0.0.1 https://h.example/x",
            get(&["--resolve was ignored"]),
        ),
        (
            "curl --cacert ca.pem --tlsv1.2 --compressed https://h.example/x",
            get(&["--cacert was ignored"]),
        ),
        ("curl --silen --no-progress-meter --no-buffer --no-silent https://h.example/x", get(&[])),
        ("curl --location-trusted https://h.example/x", get(&["never gets the credential"])),
        ("curl --limit-rate 1k -w '%{http_code}' -D - -c jar https://h.example/x", get(&[])),
        (
            "curl -z yesterday --tr-encoding https://h.example/x",
            get(&["--time-cond was ignored", "--tr-encoding"]),
        ),
        ("curl -r 0-99 https://h.example/x", expected(GET, &[("range", "bytes=0-99")], "", &[])),
        (
            "curl -A me -e 'r;auto' https://h.example/x",
            expected(GET, &[("user-agent", "me"), ("referer", "r")], "", &[]),
        ),
        ("curl -A '' https://h.example/x", get(&[])),
        ("curl -I https://h.example/x", expected("HEAD https://h.example/x", &[], "", &[])),
        // URLs.
        ("curl h.example/x", get(&["https is used"])),
        (
            "curl 'https://h.example/{a,b}'",
            expected("GET https://h.example/%7Ba,b%7D", &[], "", &["braces"]),
        ),
        (
            "curl -g 'https://h.example/[1-3]'",
            expected("GET https://h.example/[1-3]", &[], "", &[]),
        ),
        ("curl 'https://h.example/\\[1\\]'", expected("GET https://h.example/[1]", &[], "", &[])),
        ("curl --path-as-is https://h.example/a/../x", get(&["dots in the path"])),
        (
            "curl --url-query a=1 --url-query '=b c' --url-query '+d=%20' https://h.example/x?y",
            expected("GET https://h.example/x?y&a=1&b+c&d=%20", &[], "", &[]),
        ),
        (
            "curl -G --data-urlencode 'q=a b~*' -d c https://h.example/x",
            expected("GET https://h.example/x?q=a+b~%2A&c", &[], "", &[]),
        ),
        // Headers.
        (
            "curl -H 'Accept-Encoding: gzip, compress' -H 'Content-Length: 3' https://h.example/x",
            get(&["accept-encoding", "content-length"]),
        ),
        (
            "curl -H ':authority: h.example' -H 'Host: h' https://h.example/x",
            get(&["HTTP/2 pseudo-header", "header host"]),
        ),
        (
            "curl -H 'X-A;' -H 'X-B' -H 'X-C:' https://h.example/x",
            expected(GET, &[("x-a", "")], "", &[]),
        ),
        // Bodies.
        (
            "curl -d @body.json https://h.example/x",
            post("file body.json", &["read from a file", "line breaks"]),
        ),
        (
            "curl --data-binary @app.ipa https://h.example/x",
            post("file app.ipa", &["read from a file"]),
        ),
        (
            "curl --json @b.json https://h.example/x",
            expected("POST https://h.example/x", &JSON, "file b.json", &["read from a file"]),
        ),
        (
            "curl --json '[1' --json ']' https://h.example/x",
            expected("POST https://h.example/x", &JSON, "[1]", &[]),
        ),
        ("curl https://h.example/x -d @- <<'EOF'\na=1\nb\nEOF\n", post("a=1b", &[])),
        (
            "curl https://h.example/x --data-binary @- < body.txt",
            post("file body.txt", &["read from a file"]),
        ),
        (
            "curl -T a/app.ipa https://h.example/x/",
            expected(
                "PUT https://h.example/x/app.ipa",
                &[],
                "file a/app.ipa",
                &["read from a file"],
            ),
        ),
        (
            "curl -F a=1 -F 'f=@app.ipa;type=x/y' -H 'content-type: multipart/form-data' https://h.example/x",
            expected("POST https://h.example/x", &[], "form a=1 f=@app.ipa", &["read from a file"]),
        ),
        (
            "curl --form-string 'a=@b' -X PUT https://h.example/x",
            expected("PUT https://h.example/x", &[], "form a=@b", &[]),
        ),
    ] {
        let found = import_curl(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let line = format!("{} {}", found.draft.method, found.draft.target);
        assert_eq!(line, expected.line, "{text}");
        assert_eq!(headers(&found.draft), expected.headers, "{text}");
        assert_eq!(describe_body(&found.draft), expected.body, "{text}");
        let told = |part: &&str| found.notes.iter().any(|note| note.contains(*part));
        assert!(expected.notes.iter().all(told), "{text}: {:?}", found.notes);
        assert!(found.notes.len() <= expected.notes.len(), "{text}: {:?}", found.notes);
        assert_eq!(found.dropped, [""; 0], "{text}");
    }
}

fn describe_body(draft: &RequestDraft) -> String {
    match &draft.body {
        None => String::new(),
        Some(DraftBody::Text(text)) => text.clone(),
        Some(DraftBody::File { file }) => format!("file {file}"),
        Some(DraftBody::Form { form }) => {
            let part = |part: &FormPart| match &part.content {
                PartContent::Text(text) => format!(" {}={text}", part.name),
                PartContent::File(file) => format!(" {}=@{file}", part.name),
                PartContent::TextFile(file) => format!(" {}=<{file}", part.name),
            };
            format!("form{}", form.iter().map(part).collect::<String>())
        }
    }
}

#[test]
fn secrets_in_forms_and_before_the_command_are_dropped() {
    let token = "snyk_uat.0a1b2c3d.eyJqdGkiOiJ4In0.c2lnbmF0dXJl";
    for (text, told) in [
        (format!("curl https://h.example/x -F token={token}"), "form field token"),
        (format!("curl https://h.example/x -F token=$TOKEN -F a={token}"), "form field a, which"),
        (format!("curl https://h.example/x --form-string note={token}"), "form field note"),
        (format!("curl https://h.example/x --oauth2-bearer {token}"), "access token"),
        (format!("curl https://h.example/x --aws-sigv4 {token}"), "authentication (--aws-sigv4)"),
        (format!("curl https://h.example/x --proxy-header 'x: {token}'"), "header for the proxy"),
        (
            format!("curl https://h.example/x --digest --user me:{token}"),
            "authentication (--digest)",
        ),
        (
            format!("curl https://h.example/x -H 'Authorization:' -u {token}"),
            "header authorization",
        ),
    ] {
        let found = imported(&text);
        assert!(found.dropped.iter().any(|dropped| dropped.contains(told)), "{:?}", found.dropped);
        assert!(!format!("{found:?}").contains("c2lnbmF0dXJl"), "{text}");
    }
    let before = imported(&format!("A={token} curl https://h.example/x"));
    assert!(!format!("{before:?}").contains("c2lnbmF0dXJl"));
}

#[test]
fn removed_headers_are_those_of_curl() {
    let found = imported("curl https://h.example/x -A '' -H 'Accept:' -H 'X-A:'");
    assert_eq!(found.draft.removed_headers, ["user-agent", "accept", "x-a"]);
    assert!(found.notes[0].contains("accept is always sent"), "{:?}", found.notes);
}

/// Compares the table with the options of the installed curl: each is known with its short form and
/// its value.
#[test]
fn every_option_of_the_installed_curl_is_known() {
    let help = std::process::Command::new("curl").args(["--help", "all"]).output();
    let Ok(help) = help else {
        println!("skipped: curl is not installed");
        return;
    };
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    let mut known = 0;
    for line in text.lines().filter(|line| line.trim_start().starts_with('-')) {
        let (short, long) = match line.trim_start().split_once(", --") {
            Some((short, long)) => (short.chars().nth(1), long),
            None => (None, line.trim_start().trim_start_matches("--")),
        };
        let (name, rest) = long.split_once(' ').unwrap_or((long, ""));
        let takes_value = rest.starts_with(['<', '[']);
        // Its value may be missing, and the command is no request either way.
        let arity =
            if takes_value && name != "help" { OptionArity::Value } else { OptionArity::Flag };
        let option = options::known_options().find(|option| option.name == name);
        let option = option.unwrap_or_else(|| panic!("--{name} is not in the table"));
        assert_eq!((option.arity, option.short), (arity, short), "--{name}");
        known += 1;
    }
    assert!(known > 200 || text.is_empty(), "{known} options");
}

#[test]
fn names_and_letters_of_options_are_unique() {
    let all: Vec<_> = options::known_options().collect();
    for (at, option) in all.iter().enumerate() {
        let same = |other: &options::KnownOption| {
            other.name == option.name || (other.short.is_some() && other.short == option.short)
        };
        assert!(!all[..at].iter().any(same), "--{}", option.name);
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
        prop_assume!(draft.without_secrets(&SecretRedactor::default()) == draft);
        // Backslashes before all quotes are those that older versions of PowerShell need.
        prop_assume!(!format!("{value}\n{}", body.as_deref().unwrap_or_default()).contains("\\\""));
        for format in [ExportFormat::Curl, ExportFormat::PowerShell, ExportFormat::Cmd] {
            let context = ExportContext { provider, kind, region, scheme: "token" };
            let line = export_request(&draft, context, format).unwrap().text;
            let back = imported(&line).in_region(region).draft;
            prop_assert_eq!(back.resolve(region), draft.resolve(region), "{}", line);
            prop_assert_eq!((back.method, &back.body), (draft.method, &draft.body), "{}", line);
            prop_assert_eq!(back.header("x-odd"), draft.header("x-odd"), "{}", line);
        }
    }
}
