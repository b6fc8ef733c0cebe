//! Tests the two-minute tour of the README on the built program.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::pictures::wait_until_idle;
use crate::support::pty::{Pty, demo};

/// The text that the screen shows after each row of the tour.
const EXPECTED_TEXTS: [&str; 11] = [
    "explain",
    "Status ",
    "1 of ",
    "401 Unauthorized",
    "Switch to SNYK-",
    "Switch eu01-misfiled to",
    "Plan: ",
    "has replaced the old one",
    "Who am I?",
    "200 OK",
    "Navigation",
];

/// The keys of every row.
fn tour() -> Vec<Vec<String>> {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let table = readme
        .split("<!-- tour: walked by a test -->\n")
        .nth(1)
        .unwrap()
        .split("<!-- /tour -->")
        .next()
        .unwrap();
    let rows = table.lines().skip(2).map(|row| row.split(" | ").next().unwrap_or_default());
    rows.map(|keys| keys.split('`').skip(1).step_by(2).map(str::to_owned).collect()).collect()
}

fn bytes(key: &str) -> &str {
    match key {
        "Enter" => "\r",
        "Tab" => "\t",
        // As the kitty keyboard protocol reports it: no time decides what it means.
        "Esc" => "\x1b[27u",
        "Right" => "\x1b[C",
        typed => typed,
    }
}

/// Runs the tour; calls `seen` with the row's number after the result of each row is on the screen.
pub(crate) fn run_tour(pty: &mut Pty, mut seen: impl FnMut(&Pty, usize)) {
    let steps = tour();
    assert_eq!(steps.len(), EXPECTED_TEXTS.len());
    for (row, (keys, text)) in steps.iter().zip(EXPECTED_TEXTS).enumerate() {
        for key in keys {
            let bytes = bytes(key);
            if bytes.starts_with('\x1b') {
                pty.type_keys_and_wait(bytes);
                continue;
            }
            // One by one: what comes at once is a paste.
            for c in bytes.chars() {
                pty.type_keys_and_wait(c.encode_utf8(&mut [0; 4]));
            }
        }
        pty.expect(text);
        wait_until_idle(pty);
        seen(pty, row);
    }
}

#[test]
fn every_step_of_the_tour_shows_what_it_promises() {
    let home = TempDir::new().unwrap();
    let mut pty = Pty::start(demo(home.path()), 120, 36);
    pty.expect(" credentials  ");
    run_tour(&mut pty, |_, _| ());
    pty.send("\x1b");
    pty.expect_gone("Navigation");
    pty.send("q");
    assert_eq!(pty.code(), 0);
}
