//! Bodies × doors: what a server sends comes out of every door byte for byte, and no secret comes out
//! of any. curl and jq are the judges where they are installed. Start with [`body_cases`].

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{SECRET, home_bound_to};
use crate::support::compression::{deflate, gzip, zlib};
use crate::support::program::Home;
use crate::support::programs_installed;
use crate::support::recorder::Recorder;

/// A body as it is sent, and as it comes out.
struct BodyCase {
    name: &'static str,
    /// Whole header lines.
    headers: &'static str,
    sent: Vec<u8>,
    body: Vec<u8>,
    form: BodyForm,
    judges: Judges,
}

/// What a body is for the doors that read it.
enum BodyForm {
    /// JSON, and the results of the filter `.`.
    Json(Vec<&'static str>),
    /// Text that is not JSON.
    Text(&'static str),
    /// Bytes.
    Binary,
}

/// Programs that read the body in the same way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judges {
    Curl,
    CurlAndJq,
    None,
}

fn case(
    name: &'static str,
    headers: &'static str,
    body: impl AsRef<[u8]>,
    form: BodyForm,
) -> BodyCase {
    let body = body.as_ref().to_vec();
    BodyCase { name, headers, sent: body.clone(), body, form, judges: Judges::Curl }
}

fn encoded(name: &'static str, headers: &'static str, sent: Vec<u8>, judges: Judges) -> BodyCase {
    BodyCase { sent, judges, ..case(name, headers, PLAIN, BodyForm::Json(vec![PLAIN_RESULT])) }
}

const PLAIN: &str = "{\"a\": [1, \"\u{e9}\"]}\r\n";
const PLAIN_RESULT: &str = "{\"a\":[1,\"\u{e9}\"]}";

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// [`PLAIN`] in an uncompressed block of brotli.
fn brotli() -> Vec<u8> {
    let length = u32::try_from(PLAIN.len()).unwrap() - 1;
    // Window of 16 bits; not the last block, length in 16 bits, uncompressed; the last block, empty.
    let bits = length << 4 | 1 << 20;
    let mut bytes = bits.to_le_bytes()[..3].to_vec();
    bytes.extend(PLAIN.as_bytes());
    bytes.push(3);
    bytes
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn body_cases() -> Vec<BodyCase> {
    let json = "content-type: application/json\r\n";
    let text = "content-type: text/plain\r\n";
    let exact = |name, body: &'static str, results| case(name, json, body, BodyForm::Json(results));
    let both = |case| BodyCase { judges: Judges::CurlAndJq, ..case };
    let plain = PLAIN.as_bytes();
    let wide: Vec<u8> = "\u{feff}{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        both(exact(
            "an object",
            "{\"b\": 1,\r\n\t\"a\": [true, null, \"x\\\"y\"]}\n",
            vec![r#"{"b":1,"a":[true,null,"x\"y"]}"#],
        )),
        both(exact("a byte-order mark", "\u{feff}{\"a\":1}", vec![r#"{"a":1}"#])),
        exact(
            "large integers",
            "[12345678901234567890123, -0, 1e400, 1.10, 1E+2]",
            vec!["[12345678901234567890123,-0,1e400,1.10,1E+2]"],
        ),
        exact(
            "half of a pair",
            r#"{"a":"\ud800","b":"\udc00x"}"#,
            vec![r#"{"a":"\ud800","b":"\udc00x"}"#],
        ),
        both(exact("repeated members", r#"{"a":1,"a":2}"#, vec![r#"{"a":2}"#])),
        exact(
            "invisible characters",
            "[\"\u{200d}\u{9b}2J\u{202e}\u{feff}\"]",
            vec!["[\"\u{200d}\u{9b}2J\u{202e}\u{feff}\"]"],
        ),
        both(exact("a string", "\"text\"", vec!["\"text\""])),
        both(case(
            "JSON lines",
            "content-type: application/x-ndjson\r\n",
            "{\"a\":1}\n{\"a\":2}\n\n3\n",
            BodyForm::Json(vec![r#"{"a":1}"#, r#"{"a":2}"#, "3"]),
        )),
        case(
            "a JSON text sequence",
            "content-type: application/json-seq\r\n",
            "\u{1e}{\"a\":1}\n\u{1e}[]\n",
            BodyForm::Json(vec![r#"{"a":1}"#, "[]"]),
        ),
        case("UTF-16", json, wide, BodyForm::Json(vec![r#"{"a":1}"#])),
        case("line ends", text, "one\r\ntwo\rthree\n\n", BodyForm::Text("one\r\ntwo\rthree\n\n")),
        case(
            "joiners",
            text,
            "\u{1f469}\u{200d}\u{1f467} \u{200b}\u{2028}\u{ad}",
            BodyForm::Text("\u{1f469}\u{200d}\u{1f467} \u{200b}\u{2028}\u{ad}"),
        ),
        case(
            "control characters",
            text,
            b"a\0b\xc2\x9b2J\x1b[31m\x07\x7f",
            BodyForm::Text("a\0b\u{9b}2J\u{1b}[31m\u{7}\u{7f}"),
        ),
        case(
            "Latin-1",
            "content-type: text/plain; charset=iso-8859-1\r\n",
            b"gr\xfc\xdfe",
            BodyForm::Text("grüße"),
        ),
        case(
            "no valid UTF-8",
            text,
            b"a\xff\xfe\xe2\x82b",
            BodyForm::Text("a\u{fffd}\u{fffd}\u{fffd}b"),
        ),
        case(
            "XML",
            "content-type: application/xml\r\n",
            "<?xml version=\"1.0\"?>\r\n<a/>",
            BodyForm::Text("<?xml version=\"1.0\"?>\r\n<a/>"),
        ),
        case("an image", "content-type: image/png\r\n", b"\x89PNG\r\n\x1a\n\0\0", BodyForm::Binary),
        case(
            "text that says it is none",
            "content-type: application/octet-stream\r\n",
            "a\r\nb\u{200d}",
            BodyForm::Binary,
        ),
        case("bytes of no type", "", b"\x89PNG\r\n\x1a\n\0", BodyForm::Binary),
        case("text of no type", "", "a\r\n", BodyForm::Text("a\r\n")),
        encoded(
            "gzip",
            "content-type: application/json\r\ncontent-encoding: gzip\r\n",
            gzip(plain),
            Judges::CurlAndJq,
        ),
        encoded(
            "GZIP",
            "content-type: application/json\r\nContent-Encoding: GZip\r\n",
            gzip(plain),
            Judges::CurlAndJq,
        ),
        encoded(
            "x-gzip",
            "content-type: application/json\r\ncontent-encoding: x-gzip\r\n",
            gzip(plain),
            Judges::CurlAndJq,
        ),
        encoded(
            "two members of gzip",
            "content-type: application/json\r\ncontent-encoding: gzip\r\n",
            [gzip(&plain[..5]), gzip(&plain[5..])].concat(),
            Judges::None,
        ),
        encoded(
            "gzip and more",
            "content-type: application/json\r\ncontent-encoding: gzip\r\n",
            [gzip(plain), b"more".to_vec()].concat(),
            Judges::None,
        ),
        encoded(
            "deflate",
            "content-type: application/json\r\ncontent-encoding: deflate\r\n",
            zlib(plain),
            Judges::CurlAndJq,
        ),
        encoded(
            "deflate without a header",
            "content-type: application/json\r\ncontent-encoding: deflate\r\n",
            deflate(plain),
            Judges::CurlAndJq,
        ),
        encoded(
            "br",
            "content-type: application/json\r\ncontent-encoding: br\r\n",
            brotli(),
            Judges::CurlAndJq,
        ),
        encoded(
            "zstd",
            "content-type: application/json\r\ncontent-encoding: zstd\r\n",
            zstd(plain),
            Judges::CurlAndJq,
        ),
        encoded(
            "two encodings",
            "content-type: application/json\r\ncontent-encoding: deflate, gzip\r\n",
            gzip(&zlib(plain)),
            Judges::CurlAndJq,
        ),
        encoded(
            "no gzip at all",
            "content-type: application/json\r\ncontent-encoding: gzip\r\n",
            plain.to_vec(),
            Judges::None,
        ),
        BodyCase {
            judges: Judges::None,
            ..case(
                "an unknown encoding",
                "content-type: image/x-odd\r\ncontent-encoding: compress\r\n",
                b"\x1f\x9d\r\n\0",
                BodyForm::Binary,
            )
        },
    ]
}

/// A server that sends the body of case N to the path /N.
fn serve(cases: &[BodyCase]) -> Recorder {
    let answers: Vec<Vec<u8>> =
        cases.iter().map(|case| reply("200 OK", case.headers, &case.sent)).collect();
    Recorder::answering_bytes(move |request| {
        let path = request.line.split(' ').nth(1).unwrap_or_default();
        let index: usize = path.trim_start_matches('/').parse().unwrap_or(usize::MAX);
        answers.get(index).cloned().unwrap_or_else(|| reply("404 Not Found", "", b""))
    })
}

fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Standard output of a request, which must succeed.
fn output(home: &Home, arguments: &[&str]) -> Vec<u8> {
    let done = home.command(&[&["request", "probe"], arguments].concat()).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// Output of another program for this input.
fn judge(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().stdout
}

#[test]
fn a_pipe_and_a_file_get_the_bytes() {
    let cases = body_cases();
    let folder = tempfile::TempDir::new().unwrap();
    let server = serve(&cases);
    let home = home_bound_to(&server);
    for (index, case) in cases.iter().enumerate() {
        let path = format!("/{index}");
        assert_eq!(output(&home, &[&path]), case.body, "{}: a pipe", case.name);
        let file = folder.path().join("body");
        output(&home, &[&path, "--output", file.to_str().unwrap()]);
        assert_eq!(std::fs::read(&file).unwrap(), case.body, "{}: a file", case.name);
    }
}

#[test]
fn json_output_has_the_body_as_it_was_written() {
    let cases = body_cases();
    let server = serve(&cases);
    let home = home_bound_to(&server);
    for (index, case) in cases.iter().enumerate() {
        let printed = output(&home, &[&format!("/{index}"), "--json"]);
        let printed = String::from_utf8(printed).unwrap();
        match &case.form {
            BodyForm::Json(results) if results.len() == 1 => {
                let body = String::from_utf8(case.body.clone())
                    .unwrap_or_else(|_| r#"{"a":1}"#.to_owned());
                let body = format!(
                    "\"body\":{},\"latency_ms\"",
                    body.trim_start_matches('\u{feff}').trim()
                );
                assert!(printed.contains(&body), "{}: {printed}", case.name);
            }
            BodyForm::Json(results) => {
                let body = format!("\"body\":[{}],", results.join(","));
                assert!(printed.contains(&body), "{}: {printed}", case.name);
            }
            BodyForm::Text(text) => {
                let whole: Value = serde_json::from_str(&printed).unwrap();
                assert_eq!(whole["body"], *text, "{}", case.name);
            }
            BodyForm::Binary => {
                let whole: Value = serde_json::from_str(&printed).unwrap();
                assert_eq!(
                    whole["body"],
                    serde_json::json!({"binary": case.body.len()}),
                    "{}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn a_filter_reads_what_the_other_doors_call_json() {
    let cases = body_cases();
    let server = serve(&cases);
    let home = home_bound_to(&server);
    for (index, case) in cases.iter().enumerate() {
        let path = format!("/{index}");
        match &case.form {
            BodyForm::Json(results) => {
                let filtered = String::from_utf8(output(&home, &[&path, "--jq", "."])).unwrap();
                assert_eq!(filtered.lines().collect::<Vec<_>>(), *results, "{}", case.name);
                let whole =
                    String::from_utf8(output(&home, &[&path, "--jq", ".", "--json"])).unwrap();
                let body = format!("\"body\":[{}],", results.join(","));
                assert!(whole.contains(&body), "{}: {whole}", case.name);
            }
            BodyForm::Text(_) | BodyForm::Binary => {
                let refused = home.run(&["request", "probe", &path, "--jq", "."]).expect(1);
                assert!(refused.err.contains("not JSON"), "{}: {}", case.name, refused.err);
            }
        }
    }
}

#[test]
fn curl_and_jq_agree() {
    if !programs_installed(&["curl", "jq"]) {
        return;
    }
    let cases = body_cases();
    let server = serve(&cases);
    let home = home_bound_to(&server);
    for (index, case) in cases.iter().enumerate().filter(|(_, case)| case.judges != Judges::None) {
        let url = format!("{}/{index}", server.origin());
        let fetched = judge("curl", &["--silent", "--noproxy", "*", "--compressed", &url], b"");
        assert_eq!(output(&home, &[&format!("/{index}")]), fetched, "{}: curl", case.name);
        if case.judges == Judges::CurlAndJq {
            let filtered = judge("jq", &["--compact-output", "."], &fetched);
            assert_eq!(
                output(&home, &[&format!("/{index}"), "--jq", "."]),
                filtered,
                "{}: jq",
                case.name
            );
        }
    }
}

#[test]
fn what_is_remarkable_about_a_body_is_told() {
    let cases = body_cases();
    let server = serve(&cases);
    let home = home_bound_to(&server);
    for (name, told) in [
        ("gzip and more", "4 bytes after the end of the compressed data"),
        ("no gzip at all", "the body is not gzip"),
        ("an unknown encoding", "encoded as compress"),
    ] {
        let index = cases.iter().position(|case| case.name == name).unwrap();
        let shown = home.run(&["request", "probe", &format!("/{index}")]).expect(0);
        assert!(shown.err.contains(told), "{name}: {}", shown.err);
        let whole =
            home.run(&["request", "probe", &format!("/{index}"), "--json"]).expect(0).json();
        assert!(whole["remarks"][0].as_str().unwrap().contains(told), "{name}: {whole}");
    }
}

#[test]
fn repeated_headers_are_joined_and_cookies_are_a_list() {
    let server = Recorder::answering_bytes(|_| {
        reply(
            "200 OK",
            "X-Two: one\r\nset-cookie: a=1\r\nx-two: two, three\r\nset-cookie: b=2\r\n",
            b"{}",
        )
    });
    let home = home_bound_to(&server);
    let whole = home.run(&["request", "probe", "/x", "--json"]).expect(0).json();
    assert_eq!(whole["headers"]["x-two"], "one, two, three");
    assert_eq!(whole["headers"]["set-cookie"], serde_json::json!(["‹secret›", "‹secret›"]));
}

#[test]
fn a_secret_comes_out_of_no_door_in_no_form() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let json = format!("{{\"echo\":\"{SECRET}\",\"client_secret\":\"minted-4711-value\"}}");
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let bare = json.clone();
    let bytes = [b"\x89PNG\r\n\0".as_slice(), SECRET.as_bytes(), b"\xff\0"].concat();
    let wide_json = [b"\xff\xfe".as_slice(), &wide(&json)].concat();
    let wide_bytes = [b"\x89\0\xd8".as_slice(), &wide(SECRET), b"\xff"].concat();
    let binary = "content-type: application/octet-stream\r\n";
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("content-type: application/json\r\n", json.clone().into_bytes()),
        ("content-type: application/json\r\ncontent-encoding: gzip\r\n", gzip(json.as_bytes())),
        (
            "content-type: application/json\r\ncontent-encoding: deflate, gzip\r\n",
            gzip(&zlib(json.as_bytes())),
        ),
        ("content-type: application/json\r\ncontent-encoding: zstd\r\n", zstd(json.as_bytes())),
        ("content-type: text/plain; charset=utf-16\r\n", wide_json.clone()),
        (binary, json.into_bytes()),
        (binary, bytes),
        (binary, wide_json),
        (binary, wide_bytes),
        (binary, wide(&bare)),
        (binary, big(&bare)),
        ("content-type: application/json\r\n", big(&bare)),
    ];
    let answers: Vec<Vec<u8>> =
        cases.iter().map(|(headers, sent)| reply("200 OK", headers, sent)).collect();
    let server = Recorder::answering_bytes(move |request| {
        let path = request.line.split(' ').nth(1).unwrap_or_default();
        answers[path.trim_start_matches('/').parse::<usize>().unwrap()].clone()
    });
    let home = home_bound_to(&server);
    let secrets = [SECRET, "minted-4711-value"];
    let forms: Vec<Vec<u8>> = secrets
        .iter()
        .flat_map(|secret| [secret.as_bytes().to_vec(), wide(secret), big(secret)])
        .collect();
    for (index, (headers, _)) in cases.iter().enumerate() {
        let path = format!("/{index}");
        for door in
            [&[][..], &["--json"], &["--include"], &["--jq", "."], &["--jq", "..", "--json"]]
        {
            let command = [&["request", "probe", &path][..], door].concat();
            let done = home.command(&command).output().unwrap();
            for bytes in [&done.stdout, &done.stderr] {
                for form in &forms {
                    let leaks = bytes.windows(form.len()).any(|window| window == form.as_slice());
                    assert!(!leaks, "{headers} {door:?}: {}", String::from_utf8_lossy(bytes));
                }
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_terminal_gets_formatted_json_and_nothing_that_controls_it() {
    let cases = [
        (
            "content-type: application/json\r\n",
            "{\"a\":[1.10,\"\u{9b}2J\"],\"b\":{}}".as_bytes().to_vec(),
        ),
        ("content-type: text/plain\r\n", b"plain\x1b]0;owned\x07 \x9b2J\r\nend".to_vec()),
        ("content-type: image/png\r\n", b"\x89PNG\x1b[2J".to_vec()),
    ];
    let answers: Vec<Vec<u8>> =
        cases.iter().map(|(headers, sent)| reply("200 OK", headers, sent)).collect();
    let server = Recorder::answering_bytes(move |request| {
        let path = request.line.split(' ').nth(1).unwrap_or_default();
        answers[path.trim_start_matches('/').parse::<usize>().unwrap()].clone()
    });
    let home = home_bound_to(&server).with("CLICOLOR_FORCE", "1");
    let screen = |path: &str, shown: &str| {
        let pty = home.at_terminal(&["request", "probe", path]);
        pty.expect(shown);
        pty
    };
    let json = screen("/0", "\"b\": {}");
    json.expect_that("one member per line", |screen| {
        screen.contains("{\n  \"a\": [\n    1.10,\n    \"\\u009b2J\"\n  ],\n  \"b\": {}\n}")
    });
    let text = screen("/1", "end");
    // The terminal of the test does not draw replacement characters.
    text.expect("plain]0;owned");
    screen("/2", "binary body of 8 bytes (image/png)");
}
