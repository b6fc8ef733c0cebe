//! Tests of downloads that are interrupted and continued by the next run of the same command: never
//! with bytes of two versions. Start with [`Interrupted`].

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::{SECRET, home_bound_to};
use crate::support::program::{Home, Outcome};
use crate::support::recorder::{Recorded, Recorder};
use crate::support::wait_until;

/// Number of bytes that a server sends before it breaks off: more than the program holds back.
const SENT_BYTES: usize = 2 << 20;

/// How a test server answers a request for the rest.
#[derive(Clone, Copy)]
enum RestReply {
    /// With the rest.
    Rest,
    /// With the whole body, as a server without ranges.
    Whole,
    /// With another version.
    Changed,
    /// With a part of another version, although it was asked for the same.
    WrongVersion,
    /// With another range than the rest.
    WrongRange,
    /// That there are no such bytes.
    Unsatisfiable,
}

/// A home, a server that breaks off the first response, and a folder for the file.
struct Interrupted {
    home: Home,
    server: Recorder,
    folder: TempDir,
}

fn body(version: u32) -> Vec<u8> {
    (0_u32..800_000).flat_map(|word| (word ^ version << 24).to_le_bytes()).collect()
}

fn header<'r>(request: &'r Recorded, name: &str) -> Option<&'r str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn reply(status: &str, headers: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/zip\r\n{headers}content-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn rest(request: &Recorded, version: u32, shift: usize) -> Option<Vec<u8>> {
    let range = header(request, "range")?.strip_prefix("bytes=")?.strip_suffix('-')?;
    let (start, body) = (range.parse::<usize>().ok()? - shift, body(version));
    let headers = format!(
        "etag: \"v{version}\"\r\ncontent-range: bytes {start}-{}/{}\r\n",
        body.len() - 1,
        body.len()
    );
    Some(reply("206 Partial Content", &headers, body.len() - start, &body[start..]))
}

impl Interrupted {
    /// `stalls` keeps the broken connection open.
    fn new(stalls: bool, then: RestReply) -> Self {
        let count = AtomicUsize::new(0);
        let server = Recorder::answering_or_stalling(move |request| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let whole = |version: u32, sent: usize| {
                let (tag, body) = (format!("etag: \"v{version}\"\r\n"), body(version));
                reply("200 OK", &tag, body.len(), &body[..sent.min(body.len())])
            };
            match (number, then) {
                (0, _) => (whole(1, SENT_BYTES), stalls),
                // Where the first response broke off, the same run asks for the rest.
                (1, _) if !stalls => (Vec::new(), false),
                (_, RestReply::Changed) => (whole(2, usize::MAX), false),
                (_, RestReply::Whole) => (whole(1, usize::MAX), false),
                _ => {
                    let answer = match then {
                        RestReply::Rest => rest(request, 1, 0),
                        RestReply::WrongVersion => rest(request, 2, 0),
                        RestReply::WrongRange => rest(request, 1, 8),
                        _ => header(request, "range")
                            .map(|_| reply("416 Range Not Satisfiable", "", 0, b"")),
                    };
                    (answer.unwrap_or_else(|| whole(1, usize::MAX)), false)
                }
            }
        });
        Self { home: home_bound_to(&server), server, folder: TempDir::new().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("body.zip")
    }

    fn arguments(&self) -> Vec<String> {
        let path = self.path().display().to_string();
        ["request", "probe", "/x", "-o", &path].map(str::to_owned).to_vec()
    }

    fn run(&self, more: &[&str]) -> Outcome {
        let arguments = self.arguments();
        let arguments: Vec<_> =
            arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.home.run(&arguments)
    }

    /// The names in the folder, in order.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn part_length(&self) -> u64 {
        let part = self.folder.path().join("body.zip.part");
        fs::metadata(part).map_or(0, |found| found.len())
    }

    /// Breaks the first run off by a lost connection.
    fn break_off(&self) {
        let failed = self.run(&[]).expect(5);
        assert!(failed.err.contains("run the same command again"), "{}", failed.err);
        assert_eq!(self.names(), ["body.zip.part", "body.zip.part.json"]);
        #[cfg(unix)]
        for name in self.names() {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(self.folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let described = fs::read_to_string(self.folder.path().join("body.zip.part.json")).unwrap();
        assert!(described.contains("\"length\":3200000") && !described.contains(SECRET));
        let kept = fs::read(self.folder.path().join("body.zip.part")).unwrap();
        assert!(!kept.is_empty() && body(1).starts_with(&kept));
    }

    /// Checks that the second run has written all of one version.
    fn check_whole(&self, second: &Outcome, version: u32, told: &str) {
        assert!(second.err.contains(told), "{}", second.err);
        assert!(fs::read(self.path()).unwrap() == body(version), "a wrong mix: {}", second.err);
        assert_eq!(self.names(), ["body.zip"]);
    }
}

#[test]
fn the_next_run_continues_or_starts_anew() {
    let anew = "starts from the beginning";
    for (then, version, told) in [
        (RestReply::Rest, 1, "continuing the download of an earlier run after"),
        (RestReply::Whole, 1, anew),
        (RestReply::Changed, 2, anew),
        (RestReply::WrongVersion, 1, "the content on the server has changed"),
        (RestReply::WrongRange, 1, "a different range than requested"),
        (RestReply::Unsatisfiable, 1, anew),
    ] {
        let interrupted = Interrupted::new(false, then);
        interrupted.break_off();
        let length = interrupted.part_length();
        let second = interrupted.run(&[]).expect(0);
        let seen = interrupted.server.seen();
        assert_eq!(header(&seen[2], "range"), Some(format!("bytes={length}-").as_str()));
        assert_eq!(header(&seen[2], "if-range"), Some("\"v1\""));
        assert_eq!(header(&seen[2], "accept-encoding"), None);
        interrupted.check_whole(&second, version, told);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_killed_and_an_interrupted_run_are_continued() {
    use rustix::process::{Pid, Signal, kill_process};
    for signal in [Signal::KILL, Signal::INT] {
        let interrupted = Interrupted::new(true, RestReply::Rest);
        let arguments = interrupted.arguments();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut command = interrupted.home.command(&arguments);
        let mut first = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("a part", async || interrupted.part_length() > 0).await;
        kill_process(Pid::from_child(&first), signal).unwrap();
        assert_eq!(first.wait().unwrap().code(), (signal == Signal::INT).then_some(130));
        assert_eq!(interrupted.names(), ["body.zip.part", "body.zip.part.json"], "{signal:?}");
        let second = interrupted.run(&[]).expect(0);
        interrupted.check_whole(&second, 1, "continuing the download of an earlier run after");
        assert_eq!(interrupted.server.seen().len(), 2);
    }
}

#[test]
fn another_request_does_not_continue() {
    let interrupted = Interrupted::new(false, RestReply::Rest);
    interrupted.break_off();
    let second = interrupted.run(&["-H", "accept: application/zip"]).expect(0);
    assert!(!second.err.contains("continuing"), "{}", second.err);
    assert_eq!(header(&interrupted.server.seen()[2], "range"), None);
    interrupted.check_whole(&second, 1, "saved 3200000 bytes");
}

#[test]
fn what_is_masked_is_not_kept() {
    let server = Recorder::answering_bytes(|_| {
        let mut sent = format!("secret: {SECRET}\n").into_bytes();
        sent.extend(body(1));
        reply("200 OK", "etag: \"v1\"\r\n", sent.len() + 1, &sent)
    });
    let home = home_bound_to(&server);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("body.zip");
    home.run(&["request", "probe", "/x", "-o", path.to_str().unwrap()]).expect(5);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
