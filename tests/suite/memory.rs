//! Tests of how much memory the built program needs when servers send too much. The figures in
//! CONTRIBUTING.md are those that these tests print with `--nocapture`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::compression::gzip;
use crate::support::program::Home;

/// Deadline of a measured run.
const RUN_TIMEOUT: Duration = Duration::from_secs(300);

/// Number of credentials in the checks.
const CREDENTIALS: usize = 13;

/// Size of the response that a request may read.
const LARGE_BODY_BYTES: usize = 64 << 20;

/// Starts a server that sends these bytes to every connection, on a thread for each, and returns
/// its origin. It runs until the test process ends.
fn start_server(response: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (origin, response) =
        (format!("http://{}", listener.local_addr().unwrap()), Arc::new(response));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let response = Arc::clone(&response);
            thread::spawn(move || respond(stream, &response));
        }
    });
    origin
}

fn respond(mut stream: TcpStream, response: &[u8]) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.extend(byte);
    }
    // The program closes the connection as soon as it has read enough.
    let _ = stream.write_all(response);
}

/// A response with this body; `headers` are whole lines.
fn response(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A home with this number of credentials that are bound to a server.
fn home_bound_to(origin: &str, credentials: usize) -> Home {
    let home = Home::new();
    home.run(&["regions", "add", "--provider", "snyk", "--id", "HERE", "--api", origin]).expect(0);
    for number in 0..credentials {
        let (name, secret) =
            (format!("c{number}"), format!("5ec2e7aa-0000-4000-8000-00c0ffee{number:04}"));
        let arguments =
            ["add", &name, "--provider", "snyk", "--kind", "personal-token", "--region", "HERE"];
        home.feed(&[&arguments[..], &["--offline"]].concat(), &secret).expect(0);
    }
    home
}

/// Runs a command to its end and returns its output and the most memory that it had, in MiB.
fn run_measured(mut command: Command) -> (Output, u64) {
    let mut child = command.spawn().unwrap();
    let (started, mut peak) = (Instant::now(), 0);
    while child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < RUN_TIMEOUT, "it takes too long");
        peak = peak.max(peak_memory_kib(child.id()));
        thread::yield_now();
    }
    (child.wait_with_output().unwrap(), peak >> 10)
}

fn peak_memory_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[test]
fn checks_of_thirteen_credentials_do_not_sum_up_their_bombs() {
    let bomb = gzip(&vec![b'1'; LARGE_BODY_BYTES]);
    for (case, headers, body) in [
        ("gzip", "content-encoding: gzip\r\n", bomb),
        ("control characters", "", vec![1; LARGE_BODY_BYTES]),
    ] {
        let home = home_bound_to(&start_server(response(headers, &body)), CREDENTIALS);
        let mut command = home.command(&["check", "--all", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let (done, peak) = run_measured(command);
        let results: Vec<serde_json::Value> = serde_json::from_slice(&done.stdout).unwrap();
        println!("check --all, {CREDENTIALS} bodies of 64 MiB ({case}): {peak} MiB");
        assert_eq!(results.len(), CREDENTIALS);
        let is_read = |result: &serde_json::Value| {
            result["reason"].as_str().is_some_and(|reason| reason.starts_with("200"))
        };
        assert!(results.iter().all(is_read), "{results:?}");
        assert!(peak < 100, "{case}: {peak} MiB were in memory");
    }
}

#[test]
fn one_large_response_is_cleaned_without_tripling() {
    for (case, headers, byte) in [
        ("text", "content-type: text/plain\r\n", b'a'),
        ("control characters", "", 1),
        ("no UTF-8", "content-type: text/plain\r\n", 0xff),
        ("binary", "content-type: image/png\r\n", 0xff),
    ] {
        let body = vec![byte; LARGE_BODY_BYTES];
        let home = home_bound_to(&start_server(response(headers, &body)), 1);
        let mut command = home.command(&["request", "c0", "/rest/self"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (_, peak) = run_measured(command);
        println!("request, a body of 64 MiB ({case}): {peak} MiB");
        assert!(peak > 64 && peak < 64 * 3, "{case}: {peak} MiB were in memory");
    }
}

#[test]
fn a_body_that_goes_to_a_file_may_be_larger_than_the_memory_bound() {
    let body = vec![b'a'; 3 * LARGE_BODY_BYTES];
    let home = home_bound_to(&start_server(response("content-type: text/plain\r\n", &body)), 1);
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("body");
    let mut command = home.command(&["request", "c0", "/rest/self", "--output"]);
    command.arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
    let (done, peak) = run_measured(command);
    println!("request --output, a body of 192 MiB: {peak} MiB");
    assert!(done.status.success() && fs::metadata(&path).unwrap().len() == body.len() as u64);
    assert!(peak < 64, "{peak} MiB were in memory");
}
