//! Tests of `import` for lists, password managers and password trees: each format is recognized,
//! each record is accounted for, and a killed import loses nothing.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{Home, Outcome};
use crate::support::programs_installed;

struct ListSetup {
    home: Home,
    folder: TempDir,
}

impl ListSetup {
    fn new() -> Self {
        Self { home: Home::new(), folder: TempDir::new().unwrap() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Runs an import and returns its exit code and rows, as `outcome name`.
    fn import(&self, arguments: &[&str]) -> (i32, Vec<String>) {
        let done = self.home.run(&[&["import", "--json"], arguments].concat());
        (done.code, outcomes(&done))
    }

    fn names(&self) -> Vec<String> {
        let listed = self.home.run(&["list", "--json"]).expect(0).json();
        let names = listed.as_array().unwrap().iter();
        names.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    }

    fn secret(&self, name: &str) -> String {
        self.home.run(&["get", name]).expect(0).out
    }
}

fn outcomes(done: &Outcome) -> Vec<String> {
    let rows = done.json();
    let text = |row: &Value, member: &str| row[member].as_str().unwrap_or("-").to_owned();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| format!("{} {}", text(row, "outcome"), text(row, "name"))).collect()
}

fn token(number: usize) -> String {
    format!("{number:08x}-1234-4234-8234-123456789abc")
}

fn record(number: usize) -> Value {
    json!({
        "name": format!("ci-{number:03}"), "provider": "snyk", "kind": "personal-token",
        "region": "SNYK-EU-01", "secret": token(number), "fields": { "org_id": "acme" },
        "labels": ["prod"], "status": "accepted"
    })
}

fn list(numbers: std::ops::Range<usize>) -> String {
    Value::from(numbers.map(record).collect::<Vec<_>>()).to_string()
}

#[test]
fn lists_of_every_format_are_imported_once() {
    let setup = ListSetup::new();
    let lines = format!("{}\n{}\n", record(2), record(3));
    let csv = format!(
        "name,provider,kind,secret\r\ncsv,snyk,personal-token,{}\r\nbad,snyk,personal-token\r\n",
        token(4)
    );
    for (name, text, code, expected) in [
        ("list.json", list(0..2), 0, vec!["imported ci-000", "imported ci-001"]),
        ("list.jsonl", lines.clone(), 0, vec!["imported ci-002", "imported ci-003"]),
        ("list.csv", csv, 1, vec!["imported csv", "refused -"]),
    ] {
        let path = setup.write(name, &text);
        let path = path.to_str().unwrap();
        let planned: Vec<_> = expected.iter().map(|row| row.replace("imported", "found")).collect();
        assert_eq!(setup.import(&[path, "--dry-run"]), (code, planned), "{name}");
        let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(setup.import(&[path]), (code, expected.clone()), "{name}");
        let again: Vec<_> = expected.iter().map(|row| row.replace("imported", "known")).collect();
        assert_eq!(setup.import(&["records", path]), (code, again), "{name}");
    }
    assert_eq!(setup.names(), ["ci-000", "ci-001", "ci-002", "ci-003", "csv"]);
    assert_eq!((setup.secret("ci-001"), setup.secret("csv")), (token(1), token(4)));
    let shown = setup.home.run(&["show", "ci-001", "--json"]).expect(0).json();
    assert_eq!(
        (&shown["region"], &shown["fields"]["org_id"], &shown["labels"]),
        (&json!("SNYK-EU-01"), &json!("acme"), &json!(["prod"]))
    );
    let piped = setup.home.feed(&["import", "-", "--json"], &lines).expect(0);
    assert_eq!(outcomes(&piped), ["known ci-002", "known ci-003"]);
    setup.home.run(&["audit", "--verify"]).expect(0);
}

#[test]
fn a_refused_record_is_named_by_its_line_and_without_its_secret() {
    let setup = ListSetup::new();
    let (one, two) = (token(1), token(2));
    let text = format!(
        "[\n{{\"name\": \"a\", \"provider\": \"snyk\", \"secret\": \"{one}\"}},\n{{\"name\": \"{two}\", \"provider\": \"snyk\", \"secret\": \"{two}\"}}\n]"
    );
    let path = setup.write("list.json", &text);
    let done = setup.home.run(&["import", path.to_str().unwrap()]);
    assert_eq!(done.code, 1, "{}{}", done.out, done.err);
    assert!(done.out.contains("record 2 (line 3)"), "{}", done.out);
    assert!(
        done.err.contains("1 credential imported, 0 already stored, 1 not imported"),
        "{}",
        done.err
    );
    assert!(done.err.contains("delete it"), "{}", done.err);
    let said = format!("{}{}", done.out, done.err);
    assert!(!said.contains(&one) && !said.contains(&two), "{said}");

    let taken = setup.write(
        "taken.json",
        &json!([{ "name": "a", "provider": "snyk", "secret": two }]).to_string(),
    );
    let taken = taken.to_str().unwrap();
    assert_eq!(setup.import(&[taken]), (1, vec!["refused -".to_owned()]));
    assert_eq!(setup.import(&[taken, "--rename"]), (0, vec!["imported a-2".to_owned()]));
    for arguments in [["--blank"], ["--consumer"]] {
        let csv = setup.write("list.csv", "name,secret\nx,y\n");
        let refused =
            setup.home.run(&[&["import", csv.to_str().unwrap()], &arguments[..]].concat());
        assert_eq!(refused.code, 2, "{}", refused.err);
    }
}

#[test]
fn an_encrypted_or_unreadable_export_says_what_to_do() {
    let setup = ListSetup::new();
    for (text, expected) in [
        (
            json!({ "encrypted": true, "items": [] }).to_string(),
            "export it again in the format .json",
        ),
        ("PK\u{3}\u{4}nothing".to_owned(), "zip archive is damaged"),
        ("age-encryption.org/v9\n".to_owned(), "The backup"),
    ] {
        let path = setup.write("file", &text);
        let done = setup.home.run(&["import", path.to_str().unwrap()]);
        assert_ne!(done.code, 0);
        assert!(done.err.contains(expected), "{}", done.err);
    }
    let missing = setup.home.run(&["import", "snyk-clii"]);
    assert!(
        missing.code == 2 && missing.err.contains("tokenring import --help"),
        "{}",
        missing.err
    );
}

#[test]
fn an_empty_list_says_only_that_it_is_empty() {
    let setup = ListSetup::new();
    let path = setup.write("list.json", "[]");
    let done = setup.home.run(&["import", "records", path.to_str().unwrap()]).expect(0);
    assert!(done.err.contains("Nothing to import: the list is empty."), "{}", done.err);
    assert!(!done.err.contains("0 credentials"), "{}", done.err);
}

/// Starts an import and kills it after a number of changes of the files that it writes. Returns
/// whether it was killed.
fn import_and_kill(home: &Home, path: &Path, changes: usize) -> bool {
    let mut child = home
        .command(&["import", path.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = || {
        let inode = fs::metadata(home.root().join("data/vault/vault.age")).map(|file| file.ino());
        let log = fs::metadata(home.root().join("data/index.db-wal")).map(|file| file.len());
        (inode.ok(), log.ok())
    };
    let (mut last, mut seen) = (state(), 0);
    while seen <= changes {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let now = state();
        seen += usize::from(now != last);
        last = now;
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

#[test]
fn an_import_that_is_killed_anywhere_loses_nothing_and_is_completed_by_the_next() {
    const COUNT: usize = 40;
    let mut killed = 0;
    for changes in 0..10 {
        let setup = ListSetup::new();
        let path = setup.write("list.json", &list(0..COUNT));
        if !import_and_kill(&setup.home, &path, changes) {
            break;
        }
        killed += 1;
        let (code, rows) = setup.import(&[path.to_str().unwrap()]);
        assert_eq!((code, rows.len()), (0, COUNT), "killed after {changes} changes");
        assert!(rows.iter().all(|row| !row.starts_with("refused")), "{rows:?}");
        assert_eq!(setup.names().len(), COUNT);
        let all: Vec<_> = (0..COUNT).map(|number| format!("known ci-{number:03}")).collect();
        assert_eq!(setup.import(&[path.to_str().unwrap()]), (0, all), "all secrets are there");
        for number in [0, COUNT - 1] {
            assert_eq!(setup.secret(&format!("ci-{number:03}")), token(number));
        }
        setup.home.run(&["audit", "--verify"]).expect(0);
    }
    assert!(killed >= 3, "killed {killed} times");
}

#[test]
fn a_tree_of_pass_is_read_through_pass() {
    if !programs_installed(&["pass", "gpg", "gpgconf"]) {
        return;
    }
    // The path of the agent's socket must be short.
    let folder = tempfile::Builder::new().prefix("tr").tempdir_in("/tmp").unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("gnupg")).unwrap();
    fs::set_permissions(path("gnupg"), fs::Permissions::from_mode(0o700)).unwrap();
    let run = |program: &str, arguments: &[&str], input: &str| {
        let mut child = Command::new(program)
            .args(arguments)
            .env("GNUPGHOME", path("gnupg"))
            .env("PASSWORD_STORE_DIR", path("store"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{program} {arguments:?}");
    };
    let generate = [
        "--batch",
        "--passphrase",
        "",
        "--quick-generate-key",
        "me",
        "future-default",
        "default",
        "never",
    ];
    run("gpg", &generate, "");
    run("pass", &["init", "me"], "");
    let entry = format!("{}\nurl: https://api.eu.snyk.io\nOrg ID: acme\n", token(1));
    run("pass", &["insert", "-m", "ci/snyk"], &entry);
    run("pass", &["insert", "-m", "mail"], "correct horse battery staple\n");

    let home = Home::new()
        .with("GNUPGHOME", path("gnupg").to_str().unwrap())
        .with("PASSWORD_STORE_DIR", "/nowhere");
    let store = path("store");
    let store = store.to_str().unwrap();
    let planned = home.run(&["import", store, "--dry-run", "--json"]).expect(0);
    assert_eq!(outcomes(&planned), ["found ci-snyk", "refused -"]);
    let done = home.run(&["import", "pass", store, "--json"]).expect(0);
    assert_eq!(outcomes(&done), ["imported ci-snyk", "refused -"]);
    assert!(!done.out.contains("horse") && !done.err.contains("horse"), "{}", done.out);
    assert_eq!(home.run(&["get", "ci-snyk"]).expect(0).out, token(1));
    let shown = home.run(&["show", "ci-snyk", "--json"]).expect(0).json();
    assert_eq!(
        (&shown["region"], &shown["fields"]["org_id"]),
        (&json!("SNYK-EU-01"), &json!("acme"))
    );
    run("gpgconf", &["--kill", "all"], "");
}
