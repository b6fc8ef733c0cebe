//! Tests of erasing: what was purged or removed is in no file of the database, read byte for byte.

use std::fs;

use super::home_bound_to;
use crate::support::program::Home;
use crate::support::recorder::Recorder;

/// Text that occurs in no other request.
const MARK: &str = "zq7-erase-me-4kd";

/// Sends many requests with the text, enough for several pages of the database.
fn send_marked(home: &Home) {
    for number in 0..24 {
        let path = format!("/rest/{MARK}/{number}/{}", "x".repeat(300));
        home.run(&["request", "probe", &path]).expect(0);
    }
}

/// Names of the files of the database that contain the text.
fn files_with(home: &Home, text: &str) -> Vec<String> {
    let entries = fs::read_dir(home.root().join("data")).unwrap().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let contains = |bytes: Vec<u8>| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    files
        .filter(|entry| contains(fs::read(entry.path()).unwrap()))
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_purged_request_is_in_no_file() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    send_marked(&home);
    assert!(!files_with(&home, MARK).is_empty(), "the search finds what is stored");
    let purged = home.run(&["history", "purge", "--json"]).expect(0).json();
    assert_eq!((&purged["forgotten"], &purged["erased"]), (&24.into(), &true.into()));
    assert_eq!(files_with(&home, MARK), [""; 0]);
    home.run(&["request", "probe", "/rest/self"]).expect(0);
    assert_eq!(files_with(&home, MARK), [""; 0], "a later request brings nothing back");
}

#[test]
fn a_removed_credential_leaves_only_its_name_in_the_audit_log() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    send_marked(&home);
    let file = format!("/nowhere/{MARK}/.env");
    home.run(&["consumer", "add", "probe", "app", "--env-file", &file, "--key", "A"]).expect(0);
    home.run(&["edit", "probe", "--label", MARK]).expect(0);
    let removed = home.run(&["remove", "probe", "--yes", "--json"]).expect(0).json();
    assert_eq!((&removed["removed"], &removed["erased"]), (&"probe".into(), &true.into()));
    assert_eq!(files_with(&home, MARK), [""; 0]);
    assert!(home.run(&["audit", "--json"]).expect(0).out.contains("probe"));
}

/// While the screen is open, the log is shared and is not emptied when the command ends.
#[cfg(unix)]
#[test]
fn a_purge_beside_an_open_screen_erases_too() {
    let server = Recorder::saying("{}");
    let home = home_bound_to(&server);
    let mut pty = home.unlocked_screen();
    send_marked(&home);
    assert!(!files_with(&home, MARK).is_empty());
    home.run(&["history", "purge"]).expect(0);
    assert_eq!(files_with(&home, MARK), [""; 0]);
    pty.send("q");
    assert_eq!(pty.code(), 0);
    assert_eq!(files_with(&home, MARK), [""; 0]);
}
