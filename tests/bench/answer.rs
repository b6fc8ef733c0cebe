//! A large answer in the console, beside `jq` on the same text.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use axum::Router;

use crate::screen::{MARKER, Running};
use crate::table;
use crate::times::{in_turns, timed};
use crate::world::{Home, PASSPHRASE, have, run};

const WHAT: &str = "10 MB of JSON, key → first screen of it";
const SIZE: usize = 10_000_000;
const RUNS: usize = 7;

/// Measures from the key that sends a request until the first screen of a large answer stands there: network, search for
/// secrets, parsing and drawing together.
pub(crate) fn measure() {
    if !have("jq") {
        return table::skip(WHAT, "jq is not installed");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let text = large();
    let home = Home::with_credentials(1);
    runtime.block_on(home.keep_secrets(1));
    let origin = runtime.block_on(serve(text.clone()));
    run(&mut home.command(&["regions", "add", "--provider", "snyk", "--id", "SNYK-EU-01", "--api", &origin]));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();

    let mut screen = Running::start(&home.command(&[]));
    screen.settle();
    screen.press_each(&["u", PASSPHRASE, "\r", "\r"]);
    screen.press_until_shown("t");
    let jq = || timed(|| assert!(Command::new("jq").arg(".").arg(file.path()).stdout(Stdio::null()).status().unwrap().success()));
    let (taken, beside) = in_turns(RUNS, || screen.press_until_shown("t"), jq);
    screen.end();
    table::ratio(WHAT, &taken, ("jq .", &beside), 1.0);
}

/// A list that begins with what the screen is watched for.
fn large() -> String {
    let mut text = format!("[\"{MARKER}\"");
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

async fn serve(text: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let text = bytes::Bytes::from(text);
    let answer = move || async move { ([("content-type", "application/json")], text) };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    origin
}
