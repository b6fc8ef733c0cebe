//! Tests of hostile text: names, labels, fields and values from foreign files that reach a shell or
//! a terminal.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::program::Home;
use crate::support::programs_installed;
use crate::support::pty::Pty;

const TOKEN: &str = "0000abcd-0000-4000-8000-000000001234";

/// Characters that control a terminal, reorder text, or are invisible.
const HOSTILE: [&str; 6] = ["\u{1b}[2J", "\u{9b}2J", "\u{202e}", "\u{200b}", "\u{2028}", "\n"];

fn add(home: &Home, name: &str, further: &[&str]) -> crate::support::program::Outcome {
    let arguments =
        ["add", name, "--provider", "snyk", "--kind", "personal-token", "--region", "eu"];
    home.feed(&[&arguments[..], &["--offline"], further].concat(), TOKEN)
}

fn show(home: &Home, name: &str) -> Value {
    home.run(&["show", name, "--json"]).expect(0).json()
}

#[test]
fn names_of_imported_keys_contain_nothing_that_a_shell_expands() {
    let home = Home::new();
    let key = "x$(touch pwned);`id`'\"\\ && \u{202e}~";
    let text = json!({ key: { "SNYK_TOKEN": TOKEN } }).to_string();
    let done = home.feed(&["import", "json", "-", "--json"], &text).expect(0).json();
    let name = done[0]["name"].as_str().unwrap().to_owned();
    assert!(
        name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')),
        "{name}"
    );
    assert_eq!(home.run(&["get", &name]).expect(0).out, TOKEN);
}

/// An interactive bash with the completions of this home.
fn completing_bash(home: &Home, folder: &Path) -> Pty {
    let mut bash = home.interactive_bash(folder);
    bash.send("source <(tokenring completions bash) && echo loaded-$((1 + 1))\r");
    bash.expect("loaded-2");
    bash
}

#[test]
fn a_completed_name_is_one_word_and_runs_nothing() {
    if !programs_installed(&["bash"]) {
        return;
    }
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    add(&home, "x$(touch pwned)", &[]).expect(0);
    add(&home, "y z; touch pwned", &[]).expect(0);
    let mut bash = completing_bash(&home, folder.path());
    for typed in ["tokenring show x\t", "tokenring show y\\ z\t"] {
        let before = bash.written();
        bash.send(typed);
        bash.expect_bytes(before, b"touch");
        bash.send("\r");
        bash.expect_bytes(before, b"fingerprint");
        assert!(!folder.path().join("pwned").exists(), "{typed:?} ran a command");
    }
    bash.send("exit\r");
    bash.code();
}

#[test]
fn names_labels_and_fields_take_no_character_that_cannot_be_seen() {
    let home = Home::new();
    add(&home, "probe", &[]).expect(0);
    for hostile in HOSTILE {
        let text = format!("a{hostile}b");
        let field = format!("org_id={text}");
        for arguments in [["--label", &text], ["--field", &field]] {
            let refused = add(&home, "other", &arguments).expect(2);
            assert!(refused.err.contains("cannot be displayed"), "{hostile:?}: {}", refused.err);
            home.run(&[&["edit", "probe"][..], &arguments].concat()).expect(2);
        }
        add(&home, &text, &[]).expect(2);
        home.run(&["edit", "probe", "--rename", &text]).expect(2);
    }
    for arguments in
        [["--label", &"x".repeat(65)], ["--field", &format!("org_id={}", "x".repeat(1025))]]
    {
        let refused = add(&home, "other", &arguments).expect(2).err;
        assert!(refused.contains("more than"), "{refused}");
    }
    assert_eq!(home.run(&["list", "--json"]).expect(0).json().as_array().unwrap().len(), 1);
}

#[test]
fn what_looks_the_same_is_the_same() {
    let (home, [composed, decomposed]) = (Home::new(), ["caf\u{e9}", "cafe\u{301}"]);
    add(&home, decomposed, &["--label", decomposed, "--field", &format!("org_id={decomposed}")])
        .expect(0);
    for name in [composed, decomposed] {
        let shown = show(&home, name);
        assert_eq!(
            (&shown["name"], &shown["labels"], &shown["fields"]["org_id"]),
            (&json!(composed), &json!([composed]), &json!(composed))
        );
        add(&home, name, &[]).expect(2);
        let listed = home.run(&["list", "--label", name, "--json"]).expect(0).json();
        assert_eq!(listed.as_array().unwrap().len(), 1);
    }
    home.run(&["edit", composed, "--unlabel", decomposed]).expect(0);
    assert_eq!(show(&home, composed)["labels"], json!([]));
}

/// Writes values into the index that no command accepts, as a synced or restored index may contain.
fn plant(home: &Home, text: &str) {
    let index = Connection::open(home.root().join("data/index.db")).unwrap();
    let changed = index
        .execute(
            "UPDATE credentials SET labels = ?1, fields = ?2",
            (json!([text]).to_string(), json!({ "org_id": text }).to_string()),
        )
        .unwrap();
    assert_eq!(changed, 1);
}

#[test]
fn stored_text_is_printed_without_control_characters_and_escaped_in_json() {
    let home = Home::new();
    add(&home, "probe", &[]).expect(0);
    for hostile in HOSTILE {
        let planted = format!("a{hostile}b");
        plant(&home, &planted);
        let shown = home.run(&["show", "probe"]).expect(0).out;
        assert!(!shown.contains(&planted), "{hostile:?}: {shown:?}");
        assert_eq!(shown.lines().filter(|line| line.starts_with("labels")).count(), 1);
        for arguments in [&["show", "probe", "--json"][..], &["list", "--json"]] {
            let printed = home.run(arguments).expect(0).out;
            assert!(
                printed.trim_end().chars().all(|c| !c.is_control())
                    && !printed.contains(['\u{202e}', '\u{200b}', '\u{2028}']),
                "{printed:?}"
            );
            let value: Value = serde_json::from_str(&printed).unwrap();
            let credential = if value.is_array() { &value[0] } else { &value };
            assert_eq!(credential["labels"], json!([planted]), "the value is the same");
        }
    }
}

#[test]
fn a_problem_in_json_is_escaped_too() {
    let home = Home::new();
    let told = home.run(&["show", "a\u{9b}2J\u{202e}", "--json"]).expect(3);
    assert!(!told.err.contains(['\u{9b}', '\u{202e}']), "{:?}", told.err);
    assert!(told.error()["why"].as_str().unwrap().contains("a\u{9b}2J\u{202e}"));
}
