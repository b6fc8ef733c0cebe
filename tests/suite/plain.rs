//! The screen in lines of text, as the built program tells it: through pipes, and at a terminal
//! that can do nothing.

use portable_pty::CommandBuilder;

use crate::support::program::{Home, PASSPHRASE};
use crate::support::pty::Pty;

const SECRET: &str = "8f1c1f7e-4b0d-4a53-9d0e-canary";

/// A conversation on the simulator, through pipes.
fn transcript(lines: &[&str]) -> String {
    let said = lines.join("\n") + "\n";
    let told = Home::new().feed(&["demo", "--plain"], &said);
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{}", told.out);
    assert!(!told.out.contains('\x1b'), "{:?}", told.out);
    told.out
}

/// The texts in this order.
#[track_caller]
fn assert_told(transcript: &str, texts: &[&str]) {
    let mut rest = transcript;
    for text in texts {
        let found = rest
            .find(text)
            .unwrap_or_else(|| panic!("{text:?} is not told, or too late, in:\n{transcript}"));
        rest = &rest[found + text.len()..];
    }
}

#[test]
fn a_credential_is_chosen_checked_and_tried() {
    let told = transcript(&["us01-laptop", "check", "regions", "test", "quit"]);
    let expected = [
        "tokenring, plain-text mode",
        " credentials, by attention:",
        "> us01-laptop",
        "us01-laptop: Snyk, personal access token.",
        "us01-laptop> check",
        "Check us01-laptop: done.",
        "accepted 200",
        "us01-laptop> regions",
        "1. SNYK-US-01",
        "us01-laptop> test",
        "Response: 200 OK",
        "\"type\": \"user\"",
        "us01-laptop> quit",
    ];
    assert_told(&told, &expected);
}

#[test]
fn the_end_of_the_input_is_the_end() {
    assert_told(
        &transcript(&["help"]),
        &["Type help for", "check-all: Check every credential", "> "],
    );
}

#[test]
fn a_region_is_switched_and_a_wrong_one_is_explained() {
    let told = transcript(&["eu01-reader", "pick-region", "1", "check", "next-region", "quit"]);
    assert_told(
        &told,
        &[
            "Choose region.",
            "1. SNYK-US-01",
            "Number or search words",
            "Switch eu01-reader to SNYK-US-01: done.",
            "refused 401",
            "SNYK-US-02: done.",
        ],
    );
}

#[test]
fn chained_requests_offer_what_earlier_answers_named() {
    let told = transcript(&[
        "us01-reader",
        "presets",
        "list projects",
        "send",
        "presets",
        "list issues of a project",
        "2",
        "send",
        "quit",
    ]);
    let expected = [
        "Presets.",
        ". List projects",
        "Response: 200 OK",
        "List issues of a project: project_id.",
        "2. acme-prod/service-0001",
    ];
    assert_told(&told, &expected);
    assert_told(&told, &["101. Other value", "us01-reader> send", "/issues", "Response: 200 OK"]);
}

#[test]
fn a_curl_command_is_imported_and_its_secret_is_not_printed() {
    let curl = format!(
        "curl -H 'Authorization: token {SECRET}' 'https://api.snyk.io/rest/orgs?version=2024-10-15'"
    );
    let told = transcript(&["us01-reader", "import curl", &curl, "quit"]);
    let expected = [
        "Command, on one line (not shown)",
        "Ready to send: GET",
        "/rest/orgs",
        "removed: header authorization",
    ];
    assert_told(&told, &expected);
    assert!(!told.contains("canary"), "{told}");
}

#[test]
fn a_rotation_runs_from_plan_to_verification() {
    let told = transcript(&[
        "rotate us01-release-bot",
        "rotate",
        "us01-release-bot",
        "",
        "reveal us01-release-bot",
        "quit",
    ]);
    assert_told(
        &told,
        &[
            "Rotate us01-release-bot.",
            "Plan: ",
            "Cancel",
            "labeled as production",
            "(done)",
            "has replaced the old one",
            "quit",
        ],
    );
}

#[test]
fn a_secret_that_the_user_stores_is_not_printed() {
    let home = Home::new();
    let lines = [
        "unlock", PASSPHRASE, "", "add", SECRET, "", "", "", "my-own", "", "", "prod", "", "2",
        "list", "quit",
    ];
    let told = home.feed(&["--plain"], &(lines.join("\n") + "\n"));
    assert_eq!(told.code, 0, "{}", told.err);
    assert_told(
        &told.out,
        &["locked", "Unlock the store: done.", "Not recognized", "Add my-own: done.", "1. my-own"],
    );
    assert!(
        !told.out.contains("canary")
            && !told.out.contains(PASSPHRASE)
            && !told.err.contains("canary"),
        "{}",
        told.out
    );
    let lines = ["revoke my-own", "delete", "my-ow", "revoke my-own", "delete", "my-own", "quit"]
        .join("\n")
        + "\n";
    let told = home.feed(&["--plain"], &format!("unlock\n{PASSPHRASE}\n\n{lines}"));
    assert_told(
        &told.out,
        &[
            "Delete a credential.",
            "nothing was done",
            "Type my-own to confirm",
            "Delete my-own: done.",
        ],
    );
}

#[test]
fn without_a_terminal_and_without_plain_it_says_how() {
    let refused = Home::new().run(&[]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("--plain"), "{}", refused.err);
}

/// The program at a terminal that can do nothing.
fn dumb(variables: &[(&str, &str)]) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tokenring"));
    command.arg("demo");
    for (name, value) in variables {
        command.env(name, value);
    }
    Pty::start(command, 100, 40)
}

#[test]
fn a_dumb_terminal_gets_lines_and_no_sequences() {
    for variables in
        [[("TERM", "dumb"), ("LANG", "C")], [("TERM", "xterm-256color"), ("ACCESSIBLE", "1")]]
    {
        let mut pty = dumb(&variables);
        pty.expect("au01-old-laptop> ");
        assert!(!pty.is_raw());
        pty.send("add\n");
        pty.expect("Secret (not shown)");
        pty.send(&format!("{SECRET}\n"));
        pty.expect("Provider: 1 Snyk");
        // Ctrl-C leaves the form, then the program.
        let before = pty.written();
        pty.send("\x03");
        pty.expect_bytes(before, b"au01-old-laptop> ");
        pty.send("\x03");
        assert_eq!(pty.code(), 0);
        let written = String::from_utf8_lossy(&pty.bytes(0)).into_owned();
        assert!(!written.contains('\x1b') && !written.contains("canary"), "{written:?}");
    }
}

#[test]
fn a_pasted_key_is_one_answer() {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFMIIEvQIBADANBgkqhkiG9w0BAQEFAASC";
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n",
        format!("{line}\n").repeat(20)
    );
    let mut pty = dumb(&[("TERM", "dumb"), ("LANG", "C")]);
    pty.expect("au01-old-laptop> ");
    pty.send("add\n");
    pty.expect("Secret (not shown)");
    let before = pty.written();
    pty.send(&key);
    pty.expect_bytes(before, b"a private key");
    pty.expect_bytes(before, b"Name: ");
    pty.send("\x03");
    pty.expect_bytes(before, b"au01-old-laptop> ");
    pty.send("\x03");
    assert_eq!(pty.code(), 0);
    let written = String::from_utf8_lossy(&pty.bytes(0)).into_owned();
    assert!(!written.contains("MIIE"), "{written:?}");
}

#[test]
fn a_dumb_terminal_is_not_sent_a_secret_that_it_would_show() {
    let alone = ["DISPLAY", "WAYLAND_DISPLAY", "TMUX"].map(|name| (name, ""));
    let mut pty = dumb(&[&[("TERM", "dumb"), ("LANG", "C")], &alone[..]].concat());
    pty.expect("au01-old-laptop> ");
    pty.send("copy\n");
    pty.expect("Copy through the terminal?");
    pty.send("2\n");
    pty.expect("Nothing was copied");
    let before = pty.written();
    pty.send("close\n");
    pty.expect_bytes(before, b"au01-old-laptop> ");
    pty.send("quit\n");
    assert_eq!(pty.code(), 0);
    assert!(!pty.bytes(0).contains(&0x1b));
}
