//! Tests of bodies that are written to a file: whole or not at all, of any size, continued where the
//! server allows it, without secrets. Start with [`home_saving_from`].

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{SECRET, home_bound_to};
use crate::support::program::{Home, Outcome};
use crate::support::recorder::{Recorded, Recorder};

/// A home bound to a server, and a folder for files.
struct SavingHome {
    home: Home,
    folder: TempDir,
}

fn home_saving_from(server: &Recorder) -> SavingHome {
    SavingHome { home: home_bound_to(server), folder: TempDir::new().unwrap() }
}

impl SavingHome {
    fn path(&self) -> PathBuf {
        self.folder.path().join("body")
    }

    fn save(&self, arguments: &[&str]) -> Outcome {
        let path = self.path();
        let command = ["request", "probe", "/x", "--output", path.to_str().unwrap()];
        self.home.run(&[&command[..], arguments].concat())
    }

    /// The names in the folder.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }
}

/// A response that announces `length` bytes, whatever it has.
fn reply(status: &str, headers: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn header<'r>(request: &'r Recorded, name: &str) -> Option<&'r str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn body() -> Vec<u8> {
    (0_u32..60_000).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_file_gets_the_bytes_and_belongs_to_the_user_alone() {
    let server = Recorder::answering_bytes(|_| {
        reply("200 OK", "content-type: application/zip\r\n", body().len(), &body())
    });
    let saving = home_saving_from(&server);
    fs::write(saving.path(), "old").unwrap();
    let saved = saving.save(&[]).expect(0);
    assert!(saved.out.is_empty() && saved.err.contains("saved 240000 bytes"), "{}", saved.err);
    assert!(fs::read(saving.path()).unwrap() == body());
    assert_eq!(saving.names(), ["body"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(saving.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let whole = saving.save(&["--json"]).expect(0).json();
    assert_eq!(whole["saved"]["bytes"], 240_000);
    assert_eq!(whole["body"], serde_json::Value::Null);
}

#[test]
fn a_body_that_breaks_off_leaves_no_half_file() {
    let server =
        Recorder::answering_bytes(|_| reply("200 OK", "", body().len(), &body()[..100_000]));
    let saving = home_saving_from(&server);
    let failed = saving.save(&[]).expect(5);
    assert!(failed.err.contains("100000 of 240000 bytes"), "{}", failed.err);
    assert_eq!(saving.names(), [""; 0]);
    fs::write(saving.path(), "old").unwrap();
    saving.save(&[]).expect(5);
    assert_eq!(
        (fs::read(saving.path()).unwrap(), saving.names()),
        (b"old".to_vec(), vec!["body".to_owned()])
    );
    assert_eq!(server.seen().len(), 2, "without a validator nothing is continued");
}

#[test]
fn a_body_that_breaks_off_is_continued_where_the_server_allows_it() {
    let server = Recorder::answering_bytes(|request| {
        let (tag, body) = ("etag: \"v1\"\r\n", body());
        let Some(range) = header(request, "range") else {
            return reply("200 OK", tag, body.len(), &body[..100_000]);
        };
        assert_eq!(header(request, "if-range"), Some("\"v1\""));
        let start: usize =
            range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
        // The rest arrives in two parts.
        let end = body.len().min(start + 90_000);
        let range =
            format!("{tag}content-range: bytes {start}-{}/{}\r\n", body.len() - 1, body.len());
        reply("206 Partial Content", &range, body.len() - start, &body[start..end])
    });
    let saving = home_saving_from(&server);
    let whole = saving.save(&["--json"]).expect(0).json();
    assert_eq!((&whole["status"], &whole["truncated"]), (&200.into(), &false.into()), "{whole}");
    assert!(fs::read(saving.path()).unwrap() == body());
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn a_body_that_changed_meanwhile_is_read_again_from_its_start() {
    let server = Recorder::answering_bytes(|request| match header(request, "range") {
        None => reply("200 OK", "etag: \"v1\"\r\n", body().len(), &body()[..100_000]),
        Some(_) => reply("200 OK", "etag: \"v2\"\r\n", 3, b"new"),
    });
    let saving = home_saving_from(&server);
    saving.save(&[]).expect(0);
    assert_eq!(fs::read(saving.path()).unwrap(), b"new");
}

#[test]
fn another_range_than_requested_is_not_taken() {
    let server = Recorder::answering_bytes(|request| match header(request, "range") {
        None => reply("200 OK", "etag: \"v1\"\r\n", body().len(), &body()[..100_000]),
        Some(_) => reply("206 Partial Content", "content-range: bytes 7-9/240000\r\n", 3, b"odd"),
    });
    let saving = home_saving_from(&server);
    let failed = saving.save(&[]).expect(1);
    assert!(failed.err.contains("a different range than requested"), "{}", failed.err);
    assert_eq!(saving.names(), [""; 0]);
}

#[test]
fn the_response_to_a_failed_request_is_shown_and_not_saved() {
    let server = Recorder::answering_bytes(|_| reply("404 Not Found", "", 7, b"no such"));
    let saving = home_saving_from(&server);
    fs::write(saving.path(), "old").unwrap();
    let failed = saving.save(&[]).expect(4);
    assert!(failed.out == "no such" && failed.err.contains("was not written"), "{}", failed.err);
    assert_eq!(fs::read(saving.path()).unwrap(), b"old");
}

#[test]
fn no_secret_is_in_the_file_even_across_pieces() {
    let filler = "x".repeat((1 << 20) + 10);
    let json = format!(
        "{{\"a\":\"{filler}\",\"echo\":\"{SECRET}\",\"client_secret\":\"minted-4711-value\",\"b\":\"{filler} {SECRET}\"}}"
    );
    let wide: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let gzipped = {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(json.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let big: Vec<u8> = json.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked = [b"\xff\xfe".as_slice(), &wide].concat();
    for (headers, sent) in [
        ("content-type: text/event-stream\r\n", format!("data: {json}\n\n").into_bytes()),
        ("content-type: application/octet-stream\r\n", marked),
        ("content-type: application/octet-stream\r\n", wide.clone()),
        ("content-type: application/octet-stream\r\n", big),
        ("content-type: application/json\r\n", json.clone().into_bytes()),
        ("content-type: application/json\r\ncontent-encoding: gzip\r\n", gzipped),
        ("content-type: application/json; charset=utf-16le\r\n", wide.clone()),
        ("content-type: application/octet-stream\r\n", json.clone().into_bytes()),
    ] {
        let server =
            Recorder::answering_bytes(move |_| reply("200 OK", headers, sent.len(), &sent));
        let saving = home_saving_from(&server);
        saving.save(&[]).expect(0);
        let saved = fs::read(saving.path()).unwrap();
        let narrow: Vec<u8> = saved.iter().copied().filter(|byte| *byte != 0).collect();
        for secret in [SECRET, "minted-4711-value"] {
            let leaks = narrow.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!leaks, "{headers}");
        }
        assert!(saved.len() > 2 << 20, "the rest is there");
    }
}

#[cfg(unix)]
#[test]
fn a_link_keeps_pointing_to_the_file_and_a_device_stays_one() {
    let server = Recorder::answering_bytes(|_| reply("200 OK", "", 3, b"new"));
    let saving = home_saving_from(&server);
    let target = saving.folder.path().join("target");
    fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, saving.path()).unwrap();
    saving.save(&[]).expect(0);
    assert_eq!(fs::read(&target).unwrap(), b"new");
    assert!(fs::symlink_metadata(saving.path()).unwrap().is_symlink());
    let home = &saving.home;
    home.run(&["request", "probe", "/x", "--output", "/dev/null"]).expect(0);
    assert!(!fs::metadata(Path::new("/dev/null")).unwrap().is_file());
    assert_eq!(home.run(&["request", "probe", "/x", "--output", "-"]).expect(0).out, "new");
}
