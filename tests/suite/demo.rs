//! Tests of the demo: it keeps what it writes in memory, and shows the providers' real hosts.

use tempfile::TempDir;

use crate::support::pty::{Pty, demo};

/// Starts the demo and waits until its store is open.
fn started() -> (Pty, TempDir) {
    let home = TempDir::new().unwrap();
    let pty = Pty::start(demo(home.path()), 120, 36);
    pty.expect("store ● memory");
    pty.expect_whole_frame();
    (pty, home)
}

#[test]
fn saved_requests_are_kept_in_memory() {
    let (mut pty, home) = started();
    pty.send("4");
    pty.expect("┏ 4 Console");
    pty.send("\x13");
    pty.expect("Save request");
    pty.send("whoami\r");
    pty.expect("Request saved");
    pty.send("S");
    pty.expect("Saved requests");
    pty.expect("whoami");
    pty.expect("C-r rename");
    pty.escape();
    pty.send("q");
    assert_eq!(pty.code(), 0);
    let files: Vec<_> = std::fs::read_dir(home.path()).unwrap().flatten().collect();
    assert!(files.is_empty(), "{files:?}");
}

#[test]
fn regions_are_shown_with_the_host_that_is_simulated() {
    let (mut pty, _home) = started();
    pty.send("R");
    pty.expect("Choose region");
    pty.expect("api.eu.snyk.io (simulated)");
    assert!(!pty.text().contains("127.0.0.1"), "{}", pty.text());
    pty.escape();
    pty.send("A");
    pty.expect("Try all regions?");
    pty.expect("api.us.snyk.io (simulated)");
    assert!(!pty.text().contains("127.0.0.1"), "{}", pty.text());
    pty.escape();
    pty.send("q");
    assert_eq!(pty.code(), 0);
}
