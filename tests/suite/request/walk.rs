//! Tests of the console with keys only, on a persistent store: a request is pasted, saved, opened,
//! copied, renamed, deleted, found in the history, sent again and compared; its response is
//! filtered, compared and written to a file.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Recorder, SECRET, home_bound_to};
use crate::support::program::Home;
use crate::support::pty::Pty;
use crate::support::recorder::answer;

/// A server that counts, and a home with a credential for it.
fn counting() -> (Home, Recorder) {
    let count = AtomicUsize::new(0);
    let server = Recorder::answering(move |_| {
        let count = count.fetch_add(1, Ordering::Relaxed);
        answer("200 OK", "", &format!(r#"{{"count":{count},"inner":{{"name":"acme"}}}}"#))
    });
    (home_bound_to(&server), server)
}

/// The console with a request that was pasted as a curl command.
fn pasted(home: &Home, server: &Recorder) -> Pty {
    let mut pty = home.unlocked_screen();
    pty.send("4i");
    pty.expect("Import curl command");
    pty.send(&format!(
        "\x1b[200~curl {}/x?a=1 -H 'Authorization: Bearer {SECRET}'\x1b[201~",
        server.origin()
    ));
    pty.expect("removed: ");
    pty.send("\r");
    pty.expect_gone("removed: ");
    pty
}

#[track_caller]
fn close(pty: &mut Pty, title: &str) {
    pty.send("\x1b");
    pty.expect_gone(title);
}

#[test]
fn a_pasted_request_is_saved_opened_copied_renamed_and_deleted() {
    let (home, server) = counting();
    let mut pty = pasted(&home, &server);
    pty.send("\u{13}");
    pty.expect("Save request");
    pty.send("mine\r");
    pty.expect("Request saved");
    pty.send("S");
    pty.expect("Saved requests");
    pty.send("\x14");
    pty.expect("Copy saved request");
    pty.send("\x15other\r");
    pty.expect_gone("Copy saved request");
    pty.expect("other");
    pty.send("mine\x12");
    pty.expect("Rename saved request");
    pty.send("\x15renamed\r");
    pty.expect_gone("Rename saved request");
    pty.expect("renamed");
    pty.send("other\x18");
    pty.expect("Delete this saved request?");
    pty.send("\t\r");
    pty.expect_gone("Delete this saved request?");
    pty.expect_gone("other");
    pty.send("\r");
    pty.expect("Ready to send: GET");
    pty.send("\r");
    pty.expect("200 OK");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    let kept = home.run(&["requests", "--json"]).expect(0).json();
    let names: Vec<_> = kept
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["renamed"], "{kept}");
    assert_eq!(server.seen().last().unwrap().line, "GET /x?a=1 HTTP/1.1");
}

#[test]
fn the_history_is_searched_sent_again_and_compared() {
    let (home, server) = counting();
    // A short list has no search.
    for _ in 0..8 {
        home.run(&["request", "probe", "/earlier"]).expect(0);
    }
    let mut pty = pasted(&home, &server);
    pty.send("\r");
    pty.expect("\"count\": 8");
    pty.send("h");
    pty.expect("History: Enter sends again");
    pty.send("zzzz");
    pty.expect("No matches");
    pty.send("\x15/x");
    pty.expect("GET");
    pty.send("\r");
    pty.expect("\"count\": 9");
    pty.send("d");
    pty.expect("\"count\": 8");
    pty.send("d");
    pty.expect_gone("\"count\": 8");
    pty.send("h");
    pty.expect("History: Enter sends again");
    pty.send("\x14");
    pty.expect("No differences");
    close(&mut pty, "No differences");
    close(&mut pty, "History: Enter sends again");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    assert_eq!(home.run(&["history", "--json"]).expect(0).json().as_array().unwrap().len(), 10);
}

#[test]
fn an_answer_is_filtered_with_earlier_filters_and_written_to_a_file() {
    let (home, server) = counting();
    let mut pty = pasted(&home, &server);
    pty.send("\r");
    pty.expect("\"count\": 0");
    pty.send("|.inner.name\r");
    pty.expect_that("the name alone", |screen| {
        screen.contains("\"acme\"") && !screen.contains("\"inner\"")
    });
    pty.send("|\x15.count + 41 * 100\r");
    pty.expect("4100");
    pty.send("|\x1b[A\x1b[A\r");
    pty.expect_that("the name again", |screen| {
        screen.contains("\"acme\"") && !screen.contains("4100")
    });
    pty.send("\x1b");
    pty.expect("\"inner\"");
    let file = home.root().join("answer.json");
    pty.send("w");
    pty.expect("Save response");
    pty.send(&format!("\x15{}\r", file.display()));
    pty.expect("readable only by you");
    pty.expect_gone("Save response");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    assert_eq!(std::fs::read_to_string(file).unwrap(), r#"{"count":0,"inner":{"name":"acme"}}"#);
}

#[test]
fn a_list_without_end_is_read_page_by_page_until_it_is_cancelled() {
    let server = Recorder::answering(|request| {
        let page: u64 = request
            .line
            .split("page=")
            .nth(1)
            .and_then(|rest| rest.split(' ').next()?.parse().ok())
            .unwrap_or(0);
        answer(
            "200 OK",
            "",
            &format!(r#"{{"data":[{{"id":"{page}"}}],"links":{{"next":"/x?page={}"}}}}"#, page + 1),
        )
    });
    let home = home_bound_to(&server);
    let mut pty = pasted(&home, &server);
    pty.send("L");
    pty.expect_that("some pages", |_| server.seen().len() > 3);
    pty.send("\x03");
    pty.expect("Canceled");
    pty.send("q");
    assert_eq!(pty.code(), 0);
}
