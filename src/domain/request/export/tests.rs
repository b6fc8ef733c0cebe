//! Tests that run exported commands through a shell, and through the import.

use proptest::prelude::*;

use super::*;
use crate::domain::provider::builtin_catalog;
use crate::domain::request::{FormPart, RequestTarget};
use quoting::ShellArgument;

fn exported(
    provider: &str,
    kind: &str,
    draft: &RequestDraft,
    format: ExportFormat,
) -> ExportedRequest {
    let catalog = builtin_catalog();
    let kind = catalog.kind(provider, kind).unwrap();
    let region = catalog.regions(provider).unwrap().first().unwrap();
    let provider = catalog.provider(provider).unwrap();
    let context = ExportContext { provider, kind, region, scheme: kind.authorization.scheme() };
    export_request(draft, context, format).unwrap()
}

fn written(provider: &str, kind: &str, draft: &RequestDraft) -> ExportedRequest {
    exported(provider, kind, draft, ExportFormat::Curl)
}

fn draft(method: HttpMethod, target: &str) -> RequestDraft {
    RequestDraft::new(method, RequestTarget::parse(target).unwrap())
}

/// Returns the arguments that a shell would pass to `curl` or `http`.
fn arguments(line: &str) -> Vec<String> {
    let script = format!(
        "curl() {{ printf '%s\\0' \"$@\"; }}\nhttp() {{ curl \"$@\"; }}\nSNYK_TOKEN='s e$c\"ret'\n{line}"
    );
    let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{line}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

fn shows(arguments: &[String], expected: &[&str]) -> bool {
    arguments.windows(expected.len()).any(|window| window == expected)
}

#[test]
fn the_secret_is_a_variable_in_every_format() {
    let draft = draft(HttpMethod::Get, "/rest/self?version=2024-10-15");
    let text = |format| exported("snyk", "personal-access-token", &draft, format).text;
    let line = text(ExportFormat::Curl);
    assert_eq!(
        line,
        "curl --compressed --header \"Authorization: token $SNYK_TOKEN\" --header 'accept: application/vnd.api+json, application/json' \
         'https://api.snyk.io/rest/self?version=2024-10-15'"
    );
    assert_eq!(arguments(&line)[2], "Authorization: token s e$c\"ret");
    assert_eq!(
        text(ExportFormat::PowerShell),
        "curl.exe --header \"Authorization: token $env:SNYK_TOKEN\" --header 'accept: application/vnd.api+json, application/json' \
         'https://api.snyk.io/rest/self?version=2024-10-15'"
    );
    assert_eq!(
        text(ExportFormat::Cmd),
        "curl --header \"Authorization: token %SNYK_TOKEN%\" --header ^\"accept: application/vnd.api+json, application/json^\" \
         ^\"https://api.snyk.io/rest/self?version=2024-10-15^\""
    );
    assert_eq!(
        text(ExportFormat::Httpie),
        "http --ignore-stdin GET 'https://api.snyk.io/rest/self?version=2024-10-15' \"Authorization:token $SNYK_TOKEN\" \
         'accept:application/vnd.api+json, application/json'"
    );
    let python = text(ExportFormat::Python);
    assert!(
        python.contains("\"Authorization\": \"token \" + os.environ[\"SNYK_TOKEN\"],"),
        "{python}"
    );
}

#[test]
fn what_looks_like_a_secret_is_never_exported() {
    let token = "snyk_uat.0a1b2c3d.eyJqdGkiOiJ4In0.c2lnbmF0dXJl";
    let leaky = [
        RequestDraft { body: Some(token.into()), ..draft(HttpMethod::Post, "/a") },
        RequestDraft {
            body: Some(DraftBody::Form { form: vec![FormPart::with_text("k", token)] }),
            ..draft(HttpMethod::Post, "/a")
        },
        RequestDraft {
            query: vec![("k".to_owned(), token.to_owned())],
            ..draft(HttpMethod::Get, "/a")
        },
        RequestDraft {
            headers: vec![("x-k".to_owned(), token.to_owned())],
            ..draft(HttpMethod::Get, "/a")
        },
    ];
    for draft in &leaky {
        for format in ExportFormat::ALL {
            let ExportedRequest { text, warnings, .. } =
                exported("snyk", "personal-token", draft, format);
            assert!(!text.contains("c2lnbmF0dXJl"), "{text}");
            assert!(warnings[0].contains("placeholder"), "{warnings:?}");
        }
    }
}

#[test]
fn what_stands_before_a_variable_means_only_itself() {
    for text in ["Authorization: ", "a`id`", "\\\\", "$HOME ", "\"it's ", ""] {
        let word = ShellArgument::WithVariable {
            text: text.to_owned(),
            variable: "SNYK_TOKEN".to_owned(),
        };
        let line = ShellSyntax::Posix.format("curl", &[word]);
        assert_eq!(arguments(&line), [format!("{text}s e$c\"ret")]);
    }
}

#[test]
fn what_the_other_client_cannot_do_is_said() {
    let exchange =
        written("appcircle", "api-key", &draft(HttpMethod::Get, "/identity/v1/organizations"));
    assert!(exchange.warnings[0].contains("APPCIRCLE_ACCESS_TOKEN"), "{exchange:?}");
    let foreign =
        written("snyk", "personal-token", &draft(HttpMethod::Get, "https://evil.example/"));
    assert!(
        foreign.warnings[0].contains("sends no secret") && !foreign.text.contains("SNYK_TOKEN")
    );
    assert!(foreign.with_comments().starts_with("# the credential is not bound"));
    let odd = RequestDraft {
        headers: vec![
            ("x".to_owned(), "a\r\nb".to_owned()),
            ("no good".to_owned(), "v".to_owned()),
        ],
        body: Some("\u{1b}[2J".into()),
        ..draft(HttpMethod::Post, "/a")
    };
    assert_eq!(written("snyk", "personal-token", &odd).warnings.len(), 2);
    let quoted = RequestDraft { body: Some("{\"a\":1}".into()), ..draft(HttpMethod::Post, "/a") };
    let powershell = exported("snyk", "personal-token", &quoted, ExportFormat::PowerShell);
    assert!(powershell.warnings[0].contains("7.3"), "{powershell:?}");
    let cmd = exported("snyk", "personal-token", &odd, ExportFormat::Cmd).with_comments();
    assert!(cmd.starts_with("rem "), "{cmd}");
}

#[test]
fn bodies_and_headers_are_those_of_the_request() {
    let own = RequestDraft {
        body: Some("@x".into()),
        headers: vec![("x-a".to_owned(), String::new())],
        removed_headers: vec!["user-agent".to_owned(), "accept".to_owned()],
        ..draft(HttpMethod::Put, "/a")
    };
    let got = arguments(&written("snyk-api-web", "api-key", &own).text);
    for expected in [
        &["--request", "PUT"][..],
        &["--header", "x-a;"],
        &["--header", "user-agent:"],
        &["--header", "Content-Type:"],
        &["--data-raw", "@x"],
    ] {
        assert!(shows(&got, expected), "{expected:?} in {got:?}");
    }
    assert!(!got.iter().any(|word| word.starts_with("accept")), "{got:?}");
    for (method, body, expected) in [
        (HttpMethod::Post, None, &["--request", "POST"][..]),
        (HttpMethod::Post, None, &["--header", "Content-Length: 0"]),
        (HttpMethod::Delete, Some(""), &["--header", "Content-Length: 0"]),
        (HttpMethod::Get, Some("a"), &["--request", "GET"]),
    ] {
        let draft = RequestDraft { body: body.map(DraftBody::from), ..draft(method, "/a") };
        let got = arguments(&written("snyk", "personal-token", &draft).text);
        assert!(shows(&got, expected), "{expected:?} in {got:?}");
    }
    let file = RequestDraft {
        body: Some(DraftBody::File { file: "a b.ipa".to_owned() }),
        ..draft(HttpMethod::Post, "/a")
    };
    let got = arguments(&written("snyk", "personal-token", &file).text);
    assert!(shows(&got, &["--data-binary", "@a b.ipa"]), "{got:?}");
}

/// Draft with a form that has every kind of part.
fn upload(text: &str) -> RequestDraft {
    let part = |text: &str| FormPart::parse(text).unwrap();
    let form = vec![
        FormPart::with_text("k", text),
        part("t=\"a;b\";type=text/csv"),
        part("f=@\"a;b c.ipa\";type=x/y;filename=\"d\\\"e\""),
        part("n=<notes.txt"),
    ];
    RequestDraft { body: Some(DraftBody::Form { form }), ..draft(HttpMethod::Post, "/a") }
}

#[test]
fn forms_are_written_for_every_client() {
    let got = arguments(&written("snyk", "personal-token", &upload("@x;y")).text);
    for expected in [
        &["--form-string", "k=@x;y"][..],
        &["--form", "t=\"a;b\";type=text/csv"],
        &["--form", "f=@\"a;b c.ipa\";type=x/y;filename=\"d\\\"e\""],
        &["--form", "n=<notes.txt"],
    ] {
        assert!(shows(&got, expected), "{expected:?} in {got:?}");
    }
    let httpie = exported("snyk", "personal-token", &upload("@x"), ExportFormat::Httpie);
    let got = arguments(&httpie.text);
    assert!(shows(&got, &["k=\\@x", "t=a;b", "f@a;b c.ipa;type=x/y", "n=@notes.txt"]), "{got:?}");
    assert!(httpie.warnings[0].contains("file names"), "{:?}", httpie.warnings);
    let python =
        exported("snyk", "personal-token", &upload("\u{1b}\"é"), ExportFormat::Python).text;
    for line in [
        "(\"k\", (None, \"\\U0000001b\\\"é\")),",
        "(\"f\", (\"d\\\"e\", open(\"a;b c.ipa\", \"rb\"), \"x/y\")),",
        "(\"n\", (None, open(\"notes.txt\", \"rb\"))),",
    ] {
        assert!(python.contains(line), "{line} in {python}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_shell_reads_back_what_was_meant(value in "[ -~é]{1,20}", body in "[ -~\n\t$`'\"\\\\!]{0,40}", path in "/[a-z$'`;&|*?=\\[\\]{}()<>~]{0,12}") {
        let draft = RequestDraft {
            headers: vec![("x-odd".to_owned(), value.clone())],
            body: Some(body.as_str().into()),
            query: vec![("q".to_owned(), value.clone())],
            ..RequestDraft::new(HttpMethod::Post, RequestTarget::Path { place: crate::domain::region::HostRole::Api, path })
        };
        let clean = draft.without_secrets(&SecretRedactor::default());
        prop_assume!(clean == draft);
        let got = arguments(&written("snyk", "personal-token", &draft).text);
        prop_assert!(body.is_empty() || shows(&got, &["--data-raw", &body]), "{:?}", got);
        prop_assert!(shows(&got, &["--header", &format!("x-odd: {value}")]), "{:?}", got);
        let got = arguments(&exported("snyk", "personal-token", &draft, ExportFormat::Httpie).text);
        prop_assert!(body.is_empty() || shows(&got, &["--raw", &body]), "{:?}", got);
    }
}
