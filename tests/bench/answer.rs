//! Benchmark of a large response in the console, compared with `jq` on the same text. Start with
//! [`measure`].

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;

use crate::screen::RunningProgram;
use crate::table;
use crate::times::{alternate, timed};
use crate::world::{Home, PASSPHRASE, is_installed, run};

const WHAT: &str = "10 MB of JSON, key → first screen of it";
const SIZE: usize = 10_000_000;
const RUNS: usize = 7;

/// Texts at the top of the two alternating responses. No position has the same letter in both, so
/// each frame redraws all of the text.
const MARKERS: [&str; 2] = ["abcdefghijklmnop", "ponmlkjihgfedcba"];

/// Measures the time from the key that sends a request to the first frame that shows a large
/// response: network, secret detection, parsing and drawing together.
pub(crate) fn measure() {
    if !is_installed("jq") {
        return table::skip(WHAT, "jq is not installed");
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let texts = MARKERS.map(large);
    let home = Home::with_credentials(1);
    runtime.block_on(home.store_secrets(1));
    let origin = runtime.block_on(serve(texts.clone()));
    run(&mut home.command(&[
        "regions",
        "add",
        "--yes",
        "--provider",
        "snyk",
        "--id",
        "SNYK-EU-01",
        "--api",
        &origin,
    ]));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &texts[0]).unwrap();

    let mut screen = RunningProgram::start(&home.command(&[]));
    screen.read_until_silent();
    screen.press_each(&["u", PASSPHRASE, "\r", "\r"]);
    let mut markers = MARKERS.iter().cycle();
    let mut answer = || screen.press_until_shown("t", markers.next().unwrap());
    answer();
    let jq = || {
        timed(|| {
            assert!(
                Command::new("jq")
                    .arg(".")
                    .arg(file.path())
                    .stdout(Stdio::null())
                    .status()
                    .unwrap()
                    .success()
            );
        })
    };
    let (taken, beside) = alternate(RUNS, answer, jq);
    screen.end();
    table::ratio(WHAT, &taken, ("jq .", &beside), 1.0);
}

/// JSON list that begins with the text that the bench waits for on the screen.
fn large(marker: &str) -> String {
    let mut text = format!("[\"{marker}\"");
    let mut number = 0;
    while text.len() < SIZE {
        let _ = write!(
            text,
            ",{{\"id\":\"{number:036}\",\"attributes\":{{\"name\":\"number {number}\",\"open\":true,\"score\":{number}.5}}}}"
        );
        number += 1;
    }
    text + "]"
}

/// Starts a server that alternates between the two responses, and returns its URL.
async fn serve(texts: [String; 2]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (texts, turn) = (texts.map(bytes::Bytes::from), Arc::new(AtomicUsize::new(0)));
    let answer = move || async move {
        (
            [("content-type", "application/json")],
            texts[turn.fetch_add(1, Ordering::SeqCst) % texts.len()].clone(),
        )
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    origin
}
