//! Tests of the anchor of the audit log: what was cut off, rewritten or replaced is found with the
//! record in the secret store, and where that cannot be read, the program says so.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::Digest as _;
use time::macros::datetime;
use tokenring::database::{AuditEntry, Database};

use crate::support::program::{Home, Outcome};

const SECRET: &str = "5ec2e700-0000-4000-8000-00000000cafe";

/// Entries in the log of [`laptop`].
const ENTRIES: u64 = 5;

/// A home with one credential, whose secret was read until the log has [`ENTRIES`] entries.
fn laptop() -> Home {
    let home = Home::new();
    home.feed(
        &[
            "add",
            "laptop",
            "--provider",
            "snyk",
            "--kind",
            "personal-token",
            "--region",
            "SNYK-EU-01",
            "--offline",
        ],
        SECRET,
    )
    .expect(0);
    for _ in 1..ENTRIES {
        home.run(&["get", "laptop"]).expect(0);
    }
    home
}

fn verify(home: &Home, code: i32) -> Value {
    home.run(&["audit", "--verify", "--json"]).expect(code).json()
}

/// The same home without the passphrase, so that its store stays locked.
fn locked(home: &Home) -> Outcome {
    let mut command = home.command(&["audit", "--verify"]);
    let done = command.env_remove("TOKENRING_PASSPHRASE_FILE").output().unwrap();
    Outcome {
        code: done.status.code().unwrap(),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

fn tamper(home: &Home, sql: &str) {
    let file = Connection::open(home.root().join("data/index.db")).unwrap();
    file.execute_batch(sql).unwrap();
}

/// Removes all entries after the first `left` ones, and the traces of that.
fn cut(home: &Home, left: u64) {
    tamper(
        home,
        &format!(
            "DELETE FROM audit WHERE seq > {left};
             UPDATE audit_head SET entries = {left}, hash = coalesce((SELECT hash FROM audit WHERE seq = {left}), '')"
        ),
    );
}

/// Replaces the reason of an entry and computes all hashes anew.
fn rewrite(home: &Home, seq: u64) {
    tamper(home, &format!("UPDATE audit SET reason = 'nothing' WHERE seq = {seq}"));
    let file = Connection::open(home.root().join("data/index.db")).unwrap();
    let mut select = file
        .prepare("SELECT seq, at, actor, action, name, outcome, reason FROM audit ORDER BY seq")
        .unwrap();
    let lines: Vec<(i64, Value)> = select
        .query_map((), |row| {
            let line = json!({
                "seq": row.get::<_, i64>(0)?,
                "at": row.get::<_, i64>(1)?,
                "actor": row.get::<_, String>(2)?,
                "action": row.get::<_, String>(3)?,
                "name": row.get::<_, Option<String>>(4)?,
                "outcome": row.get::<_, String>(5)?,
                "reason": row.get::<_, String>(6)?,
            });
            Ok((row.get(0)?, line))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut hash = String::new();
    for (seq, line) in lines {
        let digest = sha2::Sha256::digest(format!("{hash}{line}"));
        hash = tokenring::util::hex::to_hex(&digest);
        file.execute("UPDATE audit SET hash = ?1 WHERE seq = ?2", (&hash, seq)).unwrap();
    }
    file.execute("UPDATE audit_head SET hash = ?1", [&hash]).unwrap();
}

/// Puts the index file of one home in the place of another's.
fn replace_index(home: &Home, other: &Home) {
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("data/index.db{suffix}");
        let (from, to) = (other.root().join(&name), home.root().join(&name));
        let _ = fs::remove_file(&to);
        if from.exists() {
            fs::copy(from, to).unwrap();
        }
    }
}

/// Appends an entry to the index alone, as a process does that is killed before it anchors it.
fn append_unanchored(home: &Home) {
    let index = Database::open(&home.root().join("data/index.db")).unwrap();
    let entry = AuditEntry {
        at: datetime!(2026-11-22 12:00:00 UTC),
        actor: "me".to_owned(),
        action: "get".to_owned(),
        name: None,
        outcome: "done".to_owned(),
        reason: String::new(),
    };
    index.append_audit(&entry).unwrap();
}

#[test]
fn a_log_with_its_anchored_entry_is_intact() {
    let home = laptop();
    let expected = json!({ "intact": true, "entries": ENTRIES, "anchor": "verified", "anchored_entries": ENTRIES });
    assert_eq!(verify(&home, 0), expected);
    let told = home.run(&["audit", "--verify"]).expect(0).out;
    assert_eq!(told.trim(), "Audit log intact (5 entries)");
}

#[test]
fn a_cut_tail_and_an_emptied_log_are_found() {
    for (left, words) in
        [(4, "1 entry missing"), (3, "2 entries missing"), (0, "5 entries missing")]
    {
        let home = laptop();
        cut(&home, left);
        let found = verify(&home, 1);
        assert_eq!((&found["intact"], &found["at"]), (&json!(false), &json!(left + 1)), "{found}");
        assert_eq!(found["anchor"], "entries-missing");
        let told = home.run(&["audit", "--verify"]).expect(1).err;
        assert!(told.contains(&format!("Audit log: {words} at the end")), "{told}");
        let doctor = home.run(&["doctor", "--offline"]).expect(1).out;
        assert!(doctor.contains(words), "{doctor}");
    }
}

#[test]
fn a_rewritten_log_and_a_replaced_index_are_found() {
    let home = laptop();
    rewrite(&home, 2);
    assert_eq!(verify(&home, 1)["anchor"], "replaced");

    let (home, other) = (laptop(), laptop());
    other.run(&["get", "laptop"]).expect(0);
    replace_index(&home, &other);
    let found = verify(&home, 1);
    assert_eq!((&found["anchor"], &found["at"]), (&json!("replaced"), &json!(ENTRIES)));

    let (home, empty) = (laptop(), Home::new());
    empty.run(&["list"]).expect(0);
    replace_index(&home, &empty);
    assert_eq!(verify(&home, 1)["anchor"], "entries-missing");
}

#[test]
fn new_entries_do_not_hide_that_others_are_missing() {
    let home = laptop();
    cut(&home, 3);
    for anchor in ["entries-missing", "replaced", "replaced"] {
        home.run(&["get", "laptop"]).expect(0);
        assert_eq!(verify(&home, 1)["anchor"], anchor);
    }
}

#[test]
fn a_log_that_its_owner_restored_can_be_accepted() {
    let home = laptop();
    cut(&home, 3);
    let told = home.run(&["audit", "--accept"]).expect(0).out;
    assert_eq!(told.trim(), "Audit log intact (4 entries)");
    let last = home.run(&["audit", "--json", "--limit", "1"]).expect(0).json()[0].clone();
    assert_eq!((&last["action"], &last["outcome"]), (&json!("audit"), &json!("accepted")));
    assert!(last["reason"].as_str().unwrap().contains("2 entries missing"), "{last}");
    home.run(&["audit", "--accept"]).expect(0);
    assert_eq!(verify(&home, 0)["entries"], 4, "an intact log needs no further entry");

    tamper(&home, "UPDATE audit SET reason = 'x' WHERE seq = 2");
    home.run(&["audit", "--accept"]).expect(1);
    assert_eq!(verify(&home, 1)["at"], 2, "a broken chain cannot be accepted");
}

#[test]
fn without_the_store_the_program_says_what_was_not_verified() {
    let home = laptop();
    cut(&home, 3);
    let told = locked(&home);
    assert_eq!(told.code, 6, "{}{}", told.out, told.err);
    assert!(!told.out.contains("intact"), "{}", told.out);
    assert!(told.err.contains("The end of the audit log was not verified"), "{}", told.err);
    let json = home
        .command(&["audit", "--verify", "--json"])
        .env_remove("TOKENRING_PASSPHRASE_FILE")
        .output()
        .unwrap();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json, json!({ "intact": null, "entries": 3, "anchor": "unverified" }));
    let doctor = home
        .command(&["doctor", "--offline"])
        .env_remove("TOKENRING_PASSPHRASE_FILE")
        .output()
        .unwrap();
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.contains("not verified whether entries are missing at the end"), "{doctor}");
    assert!(!doctor.contains("Audit log intact"), "{doctor}");

    tamper(&home, "UPDATE audit SET reason = 'x' WHERE seq = 2");
    assert_eq!(locked(&home).code, 1, "a broken chain is found without the store");
}

#[test]
fn an_anchor_may_lag_behind_and_the_next_entry_moves_it_on() {
    let home = laptop();
    append_unanchored(&home);
    let found = verify(&home, 0);
    assert_eq!((&found["entries"], &found["anchored_entries"]), (&json!(6), &json!(5)));
    home.run(&["get", "laptop"]).expect(0);
    assert_eq!(verify(&home, 0)["anchored_entries"], 7);
}

#[test]
fn a_command_without_secrets_leaves_the_store_alone() {
    let home = laptop();
    let mut edit = home.command(&["edit", "laptop", "--label", "prod"]);
    let done = edit.env_remove("TOKENRING_PASSPHRASE_FILE").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(verify(&home, 0)["anchored_entries"], ENTRIES);
}

#[test]
fn the_first_use_of_an_older_log_anchors_it() {
    let home = laptop();
    // Another path is another log, so this home has a log without an anchor.
    let moved = Home::new();
    replace_index(&moved, &home);
    for name in ["identity.age", "vault.age"] {
        let name = format!("data/vault/{name}");
        fs::copy(home.root().join(&name), moved.root().join(&name)).unwrap();
    }
    let told = moved.run(&["audit", "--verify"]).expect(0).out;
    assert!(told.contains("Not verified") && !told.contains("intact"), "{told}");
    assert_eq!(verify(&moved, 0)["anchor"], "not-anchored");
    moved.run(&["get", "laptop"]).expect(0);
    assert_eq!(verify(&moved, 0)["anchored_entries"], ENTRIES + 1);
}

#[test]
fn processes_at_the_same_time_leave_the_newest_entry_anchored() {
    const PROCESSES: u64 = 8;
    let home = laptop();
    std::thread::scope(|scope| {
        for _ in 0..PROCESSES {
            scope.spawn(|| home.run(&["get", "laptop"]).expect(0));
        }
    });
    let found = verify(&home, 0);
    assert_eq!(found["entries"], ENTRIES + PROCESSES);
    assert_eq!(found["anchored_entries"], found["entries"]);
}
