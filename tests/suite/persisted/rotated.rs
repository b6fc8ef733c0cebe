//! Pins the files of a finished rotation by the built program: the rows in the index, the items in
//! the encrypted file, and the names of all files.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;
use tokenring::domain::rotation::{JournalEntry, RotationJournal, RotationPlan};

use super::assert_file;
use super::index::rows;
use super::store::items;
use crate::support::program::{Home, SimulatorProcess};

/// Members that hold sentences, which may be reworded.
const SENTENCES: [&str; 7] =
    ["what", "why", "final_word", "instructions", "calls", "reason", "check_reason"];

/// Columns that hold JSON.
const JSON_COLUMNS: [&str; 6] = ["plan", "entry", "fields", "labels", "target", "draft"];

/// A home in which one credential with a consumer was rotated, and one with an access token was
/// checked.
fn rotated() -> (Home, SimulatorProcess) {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    for name in ["us01-release-bot", "us01-triage-app"] {
        home.add_seeded(&simulator, name).expect(0);
    }
    let file = home.root().join("app.env");
    fs::write(&file, format!("SNYK_SECRET={}\n", simulator.secret("us01-release-bot"))).unwrap();
    let path = file.to_str().unwrap();
    home.run(&[
        "consumer",
        "add",
        "us01-release-bot",
        "app",
        "--env-file",
        path,
        "--key",
        "SNYK_SECRET",
    ])
    .expect(0);
    home.run(&["check", "us01-triage-app"]).expect(0);
    home.run(&["rotate", "us01-release-bot", "--reason", "it is time", "--yes", "--json"])
        .expect(0);
    (home, simulator)
}

#[test]
fn rows_items_and_files_of_a_finished_rotation() {
    let (home, _simulator) = rotated();
    let view = Connection::open(home.root().join("data/index.db")).unwrap();
    let mut found = String::new();
    for table in ["rotations", "rotation_entries", "audit", "consumers"] {
        for mut row in rows(&view, table) {
            for (name, cell) in row.as_object_mut().unwrap() {
                if JSON_COLUMNS.contains(&name.as_str()) {
                    *cell = json_column(cell.as_str().unwrap());
                }
            }
            writeln!(
                found,
                "{table} {}",
                without_variable_values(&row, home.root().to_str().unwrap())
            )
            .unwrap();
        }
    }
    assert_file("rotated.txt", &found);

    let stored = |sql: &str| view.query_row(sql, (), |row| row.get::<_, String>(0)).unwrap();
    let plan: RotationPlan = serde_json::from_str(&stored("SELECT plan FROM rotations")).unwrap();
    let entries = rows(&view, "rotation_entries");
    let read = entries
        .iter()
        .map(|row| serde_json::from_str::<JournalEntry>(row["entry"].as_str().unwrap()).unwrap());
    let journal = RotationJournal::from_entries(
        std::iter::once(JournalEntry::Planned(Box::new(plan))).chain(read),
    )
    .unwrap();
    assert_eq!(
        tokenring::domain::rotation::rotation_status(&journal).step,
        None,
        "the journal ends where the rotation ended"
    );

    let items: Value = serde_json::from_str(&items(&home.root().join("data/vault"))).unwrap();
    let keys: BTreeSet<_> =
        items["items"].as_object().unwrap().keys().map(|key| name(key)).collect();
    let expected = [
        "HEX/current/access_token",
        "HEX/current/client_secret",
        "HEX/current/secret",
        "tokenring/audit-anchor-HEX",
        "tokenring/bindings-recorded-HEX",
        "tokenring/fingerprint-key",
    ];
    assert_eq!(keys.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    drop(view);
    assert_file(
        "home.txt",
        &files(&home.root()).into_iter().map(|name| name + "\n").collect::<String>(),
    );
}

/// Parses a column of JSON, which must be written without blanks and in the order of its members.
fn json_column(text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(value.to_string(), text);
    value
}

/// The JSON without values that differ in every run, and without sentences.
fn without_variable_values(value: &Value, home: &str) -> Value {
    match value {
        Value::Array(all) => {
            Value::Array(all.iter().map(|one| without_variable_values(one, home)).collect())
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| match value {
                Value::Null => (name.clone(), Value::Null),
                _ if SENTENCES.contains(&name.as_str()) => (name.clone(), "SENTENCE".into()),
                Value::Number(_) if name != "seq" && name != "max_live" => {
                    (name.clone(), "NUMBER".into())
                }
                _ if name == "actor" => (name.clone(), "ACTOR".into()),
                value => (name.clone(), without_variable_values(value, home)),
            });
            Value::Object(members.collect())
        }
        Value::String(text) => name(&text.replace(home, "HOME")).into(),
        other => other.clone(),
    }
}

/// A text with IDs, fingerprints and times replaced by placeholders.
fn name(text: &str) -> String {
    let is_hex = |word: &str| word.len() >= 12 && word.chars().all(|c| c.is_ascii_hexdigit());
    let is_uuid =
        |word: &str| word.len() == 36 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let is_time =
        |word: &str| word.len() >= 20 && word.starts_with("20") && word.as_bytes()[10] == b'T';
    if is_uuid(text) {
        return "UUID".to_owned();
    }
    if is_time(text) {
        return "TIME".to_owned();
    }
    let mut named = String::new();
    for word in text.split_inclusive(['/', '.', '-', ' ']) {
        let bare = word.trim_end_matches(['/', '.', '-', ' ']);
        named += if is_hex(bare) { "HEX" } else { bare };
        named += &word[bare.len()..];
    }
    named
}

/// The names of all files below a folder.
fn files(folder: &Path) -> BTreeSet<String> {
    fn walk(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.insert(name(path.strip_prefix(root).unwrap().to_str().unwrap()));
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(folder, folder, &mut found);
    found.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
    found
}
