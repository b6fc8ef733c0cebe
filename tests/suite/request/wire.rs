//! Tests that compare a request byte for byte: as it is sent, as a dry run shows it, and as other
//! clients send the exported command.

use std::process::{Command, Stdio};

use super::{SECRET, home_bound_to};
use crate::support::program::Home;
use crate::support::programs_installed;
use crate::support::recorder::{Recorded, Recorder};

/// Placeholder in the arguments for the path of a file with every byte.
const FILE: &str = "{FILE}";

/// Placeholder for the path of a text file.
const TEXT: &str = "{TEXT}";

/// Requests of every kind; each is sent with `--yes`.
const REQUESTS: [&[&str]; 16] = [
    &["/rest/self?version=2024-10-15"],
    &["HEAD", "/x"],
    &["POST", "/x"],
    &["PUT", "/x", "--data", ""],
    &["PATCH", "/x", "-H", "X-A;", "-H", "X-B: c: d=e"],
    &["DELETE", "/x"],
    &["OPTIONS", "/x"],
    &["/x", "-H", "Accept:", "-H", "User-Agent:", "-H", "Accept-Encoding:"],
    &["/x", "-H", "User-Agent: other/1", "-H", "accept=text/csv"],
    &["POST", "/x", "--data", "{\"a\": \"it's \\\"$HOME\\\" é %41 !\"}"],
    &["POST", "/x", "--data", "a=1&b=2", "-H", "Content-Type: application/x-www-form-urlencoded"],
    &["POST", "/x", "--data", "plain text", "-H", "Content-Type:"],
    &["PUT", "/x", "--data-binary", "@{FILE}"],
    &["/x", "--data-binary", "=not a file", "-H", "Content-Type: text/plain"],
    &["/x", "--form", "a=1", "--form", "b=@{FILE}", "--form", "c d=é \"q\""],
    &["PUT", "/x", "-F", "f=@{FILE};type=application/x-ipa", "-F", "k=<{TEXT}"],
];

fn arguments(home: &Home, request: &[&str], more: &[&str]) -> Vec<String> {
    let file = home.root().join("every byte.bin");
    if !file.exists() {
        std::fs::write(&file, (0..=255).collect::<Vec<u8>>()).unwrap();
        std::fs::write(home.root().join("text"), "é\n1;2").unwrap();
    }
    let (path, text) = (file.display().to_string(), home.root().join("text").display().to_string());
    let words = ["request", "probe", "--yes"].iter().chain(request).chain(more);
    words.map(|word| word.replace(FILE, &path).replace(TEXT, &text)).collect()
}

fn run(home: &Home, arguments: &[String]) -> Vec<u8> {
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let output = home.command(&words).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {told}");
    output.stdout
}

#[test]
fn a_dry_run_is_byte_for_byte_what_is_sent() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    for request in REQUESTS {
        let shown = run(&home, &arguments(&home, request, &["--dry-run"]));
        let sent = server.raw().len();
        run(&home, &arguments(&home, request, &[]));
        let raw = server.raw().split_off(sent).pop().unwrap();
        let end = shown.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let head = String::from_utf8_lossy(&shown[..end]).replace('\n', "\r\n");
        let mut expected = head.replace("‹secret›", SECRET).into_bytes();
        expected.extend_from_slice(b"\r\n\r\n");
        expected.extend_from_slice(&shown[end + 2..]);
        assert_eq!(
            String::from_utf8_lossy(&expected),
            String::from_utf8_lossy(&raw),
            "{request:?}"
        );
        assert_eq!(expected, raw, "{request:?}");
    }
    assert_eq!(server.raw().len(), REQUESTS.len(), "a dry run sends nothing");
}

#[test]
fn real_curl_sends_the_same() {
    compare_with("curl", &["curl", "sh"], |line| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{line} --silent --noproxy '*'")]);
        shell
    });
}

#[test]
fn real_httpie_sends_the_same() {
    compare_with("httpie", &["http", "sh"], |line| {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]);
        shell
    });
}

#[test]
fn real_python_sends_the_same() {
    let has_requests = |python: &&str| {
        let mut probe = Command::new(python);
        probe.args(["-c", "import requests"]).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    let Some(python) = ["/usr/bin/python3", "python3"].into_iter().find(has_requests) else {
        assert!(programs_installed(&["python3-with-requests"]) || cfg!(not(target_os = "linux")));
        return;
    };
    compare_with("python", &[], |script| {
        let mut command = Command::new(python);
        command.args(["-c", script]);
        command
    });
}

/// Sends every request with tokenring and with another client, and compares them without the headers
/// that differ between clients.
fn compare_with(format: &str, programs: &[&str], command: impl Fn(&str) -> Command) {
    if !programs_installed(programs) {
        return;
    }
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    for request in REQUESTS {
        let sent = server.seen().len();
        run(&home, &arguments(&home, request, &[]));
        let export = arguments(&home, request, &["--dry-run", "--as", format]);
        let line = String::from_utf8(run(&home, &export)).unwrap();
        assert!(!line.contains(SECRET) && line.contains("SNYK_TOKEN"), "{line}");
        let mut other = command(line.trim_end());
        let output = other
            .env("SNYK_TOKEN", SECRET)
            .env("NO_PROXY", "*")
            .env("HOME", home.root())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{told}");
        let requests = server.seen().split_off(sent);
        let asks_for_compression = |request: &Recorded| {
            request
                .headers
                .iter()
                .any(|(name, value)| name == "accept-encoding" && value.contains("gzip"))
        };
        let asking: Vec<_> = requests.iter().map(asks_for_compression).collect();
        assert!(asking.windows(2).all(|pair| pair[0] == pair[1]), "{line}: {asking:?}");
        let requests: Vec<_> = requests.into_iter().map(comparable).collect();
        let [ours, theirs] = &requests[..] else { panic!("{} requests: {line}", requests.len()) };
        assert_eq!(ours, theirs, "{line}");
    }
}

/// Returns a request without what differs between clients: their own headers, the boundary of a
/// form, and the length of a body that is not there.
fn comparable(recorded: Recorded) -> Recorded {
    let Recorded { line, mut headers, mut body } = recorded.without_client();
    let boundary = headers.iter_mut().find_map(|(name, value)| {
        let (_, boundary) = value.split_once("boundary=").filter(|_| name == "content-type")?;
        let boundary = boundary.to_owned();
        *value = value.replace(&boundary, "B");
        Some(boundary)
    });
    if let Some(boundary) = boundary {
        headers.retain(|(name, _)| name != "content-length");
        body = replace_bytes(&body, boundary.as_bytes(), b"B");
        body = String::from_utf8_lossy(&body)
            .replace("Content-Disposition", "content-disposition")
            .replace("Content-Type", "content-type")
            .into_bytes();
    }
    if line.starts_with("DELETE") || line.starts_with("OPTIONS") {
        headers.retain(|(name, value)| name != "content-length" || value != "0");
    }
    Recorded { line, headers, body }
}

fn replace_bytes(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    let mut replaced = Vec::new();
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

#[test]
fn new_kinds_of_bodies_change_nothing_without_consent_and_go_nowhere_else() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let file = home.root().join("body");
    std::fs::write(&file, "_method=DELETE").unwrap();
    let from_file = format!("@{}", file.display());
    let field_from_file = format!("_method=@{}", file.display());
    for (request, told) in [
        (&["GET", "/x", "--form", "_method=DELETE"][..], "form field _method"),
        (&["GET", "/x", "--form", &field_from_file], "form field _method"),
        (&["GET", "/x", "--data-binary", &from_file], "read from a file"),
        (&["POST", "/x", "--form", "a=1"], "POST may change something"),
    ] {
        for more in [&["--readonly", "--yes"][..], &["--readonly", "--dry-run"]] {
            let refused = home.run(&[&["request", "probe"], request, more].concat()).expect(2).err;
            assert!(refused.contains(told), "{request:?}: {refused}");
        }
        home.run(&[&["request", "probe"], request].concat()).expect(2);
    }
    for request in [
        &["https://evil.example/x", "--form", "a=1"][..],
        &["https://evil.example/x", "--data-binary", &from_file],
        &["/x", "-H", "Authorization:"],
        &["/x", "-H", "Host:"],
        &["/x", "-H", "Cookie;"],
    ] {
        home.run(&[&["request", "probe", "--yes"], request].concat()).expect(2);
        home.run(&[&["request", "probe", "--dry-run"], request].concat()).expect(2);
    }
    let missing = home.run(&["request", "probe", "--yes", "/x", "--data-binary", "@not/there"]);
    assert!(missing.expect(2).err.contains("not/there"));
    assert_eq!(server.seen(), []);
}

#[test]
fn secrets_in_new_kinds_of_bodies_are_masked_where_they_are_shown_or_stored() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let token = "snyk_uat.0a1b2c3d.eyJqdGkiOiJ4In0.c2lnbmF0dXJl";
    let file = home.root().join("body");
    std::fs::write(&file, format!("{{\"k\":\"{token}\"}}")).unwrap();
    let from_file = format!("@{}", file.display());
    let field = format!("k={token}");
    for request in [
        &["/x", "--data-binary", &from_file][..],
        &["/x", "--form", &field],
        &["/x", "--form", &format!("k=<{}", file.display())],
    ] {
        let shown = home.run(&[&["request", "probe", "--dry-run"], request].concat()).expect(0);
        assert!(
            !shown.out.contains("c2lnbmF0dXJl") && shown.out.contains("‹secret›"),
            "{}",
            shown.out
        );
        assert!(shown.err.contains("masked"), "{}", shown.err);
    }
    for format in ["curl", "powershell", "cmd", "httpie", "python"] {
        let shown = home
            .run(&["request", "probe", "/x", "--form", &field, "--dry-run", "--as", format])
            .expect(0);
        assert!(!shown.out.contains("c2lnbmF0dXJl"), "{}", shown.out);
    }
    let own = format!("k={SECRET}");
    home.run(&["request", "probe", "/x", "--form", &own, "--save", "leaky"]).expect(0);
    let saved = std::fs::read_to_string(home.root().join("config/requests/leaky.toml")).unwrap();
    assert!(!saved.contains(SECRET) && saved.contains("‹secret›"), "{saved}");
    home.run(&["request", "probe", "--saved", "leaky", "--yes"]).expect(2);
    home.run(&["request", "probe", "/x", "--form", &own, "--yes", "--keep-body"]).expect(0);
    let history = home.run(&["request", "history", "--json"]).expect(0).out;
    assert!(!history.contains(SECRET), "{history}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_saved_upload_reads_its_file_when_it_is_sent() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let file = home.root().join("app.ipa");
    std::fs::write(&file, "one").unwrap();
    let field = format!("file=@{};type=application/x-ipa", file.display());
    home.run(&["request", "probe", "/up", "-F", &field, "-F", "note=x", "--save", "up"]).expect(0);
    std::fs::write(&file, "two").unwrap();
    home.run(&["request", "probe", "--saved", "up", "--yes"]).expect(0);
    let body = String::from_utf8(server.seen()[0].body.clone()).unwrap();
    assert!(
        body.contains("filename=\"app.ipa\"\r\nContent-Type: application/x-ipa\r\n\r\ntwo\r\n"),
        "{body}"
    );
    assert!(body.contains("name=\"note\"\r\n\r\nx\r\n"), "{body}");
}
