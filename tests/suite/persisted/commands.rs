//! Pins the JSON of every command: the members that each prints, and the words in those members
//! that stand for a choice.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use tempfile::TempDir;

use super::assert_file;
use crate::signin::browser::{WaitingCommand, open_callback, press_consent_button};
use crate::support::program::{Home, Outcome, SimulatorProcess};

/// Commands whose output is not JSON, or that need a keyring, which this machine may not have.
const WITHOUT_JSON: [&str; 9] = [
    "demo",
    "get",
    "exec",
    "generate",
    "generate completions",
    "generate man",
    "config edit",
    "store migrate",
    "store passphrase",
];

/// Members whose names are data: headers, fields, regions. Their own members are not pinned.
const OPEN_MEMBERS: [&str; 7] =
    ["headers", "meanings", "fields", "parts", "regions", "properties", "body"];

/// Members that hold one word of a fixed set that does not depend on the machine.
const WORD_MEMBERS: [&str; 10] = [
    "verdict",
    "state",
    "outcome",
    "action",
    "purpose",
    "confidence",
    "holds",
    "proof",
    "change",
    "connection",
];

/// A home, a simulator and a folder, and the JSON printed so far.
struct CommandRecorder {
    home: Home,
    simulator: SimulatorProcess,
    folder: TempDir,
    printed: Vec<(String, BTreeSet<String>)>,
}

impl CommandRecorder {
    fn new() -> Self {
        let (folder, simulator) = (TempDir::new().unwrap(), SimulatorProcess::start());
        let path = fs::canonicalize(folder.path()).unwrap().to_str().unwrap().to_owned();
        let home =
            Home::new().with("HOME", &path).with("XDG_CONFIG_HOME", &format!("{path}/.config"));
        home.use_simulator(&simulator);
        let mut walk = Self { home, simulator, folder, printed: Vec::new() };
        let manifest = walk.simulator.manifest.to_string();
        walk.note("sandbox", &manifest);
        walk
    }

    /// Runs a command with `--json`; `words` is the name of the command in the golden file.
    #[track_caller]
    fn run(&mut self, words: &str, arguments: &[&str], code: i32) -> Outcome {
        self.feed(words, arguments, "", code)
    }

    #[track_caller]
    fn feed(&mut self, words: &str, arguments: &[&str], input: &str, code: i32) -> Outcome {
        let done = self.home.feed(&[&["--json"], arguments].concat(), input).expect(code);
        self.note(words, &done.out);
        for line in done.err.lines().filter(|line| line.starts_with('{')) {
            self.note(&format!("{words} (standard error)"), line);
        }
        done
    }

    /// Adds printed JSON: one value, or one on each line.
    fn note(&mut self, words: &str, text: &str) {
        let mut found = BTreeSet::new();
        let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        values.for_each(|value| paths(&value.unwrap(), "", &mut found));
        self.printed.push((words.to_owned(), found));
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = fs::canonicalize(self.folder.path()).unwrap().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn credentials(&mut self) {
        let secret = self.simulator.secret("us01-admin").to_owned();
        let add = [
            "add",
            "boss",
            "--provider",
            "snyk",
            "--kind",
            "personal-token",
            "--region",
            "us",
            "--label",
            "prod",
        ];
        self.feed("add", &add, &secret, 0);
        for name in ["us01-release-bot", "saw-eu-admin", "us01-laptop"] {
            let simulator = &self.simulator;
            self.home.add_seeded(simulator, name).expect(0);
        }
        let wrong = [
            "add",
            "wrong",
            "--provider",
            "snyk",
            "--kind",
            "personal-token",
            "--region",
            "us",
            "--offline",
        ];
        self.feed("add --offline", &wrong, "0000abcd-0000-4000-8000-00000000a5ca", 0);
        self.run("edit", &["edit", "boss", "--expires", "2030-01-01"], 0);
        self.run("check", &["check", "boss"], 0);
        self.run("check --all", &["check", "--all", "--expires-within", "100000d"], 4);
        self.run("list", &["list"], 0);
        self.run("show", &["show", "boss"], 0);
        self.feed("identify", &["identify"], &secret, 0);
        self.run("calendar", &["calendar"], 0);
        self.run("regions", &["regions"], 0);
        self.run("regions NAME", &["regions", "boss"], 0);
        self.run(
            "regions add",
            &[
                "regions",
                "add",
                "--provider",
                "snyk",
                "--id",
                "ACME",
                "--api",
                "http://127.0.0.1:1",
            ],
            0,
        );
        self.run("probe", &["probe", "us01-laptop"], 0);
        self.run("region", &["region", "us01-laptop", "SNYK-US-01"], 0);
    }

    fn requests(&mut self) {
        self.run("request presets", &["request", "presets"], 0);
        self.run("request presets PROVIDER PRESET", &["request", "presets", "snyk", "projects"], 0);
        self.run("request presets NAME", &["request", "presets", "boss"], 0);
        self.run("request", &["request", "boss", "--preset", "self"], 0);
        self.run("request (refused)", &["request", "wrong", "/rest/self?version=2024-10-15"], 4);
        self.run("request --dry-run", &["request", "boss", "--preset", "self", "--dry-run"], 0);
        self.run("request --curl", &["request", "boss", "--preset", "self", "--curl"], 0);
        self.run("request --save", &["request", "boss", "--preset", "self", "--save", "mine"], 0);
        self.run("request --all-pages", &["request", "boss", "--preset", "orgs", "--all-pages"], 0);
        self.run("request saved", &["request", "saved"], 0);
        self.run("request saved show", &["request", "saved", "show", "mine"], 0);
        self.run("request saved rename", &["request", "saved", "rename", "mine", "yours"], 0);
        self.run("request saved copy", &["request", "saved", "copy", "yours", "other"], 0);
        self.run("request saved delete", &["request", "saved", "delete", "other"], 0);
        let history = self.run("request history", &["request", "history"], 0).json();
        let id = |place: usize| history[place]["id"].to_string();
        self.run(
            "request history resend",
            &["request", "history", "resend", &id(history.as_array().unwrap().len() - 1)],
            0,
        );
        self.run("request history compare", &["request", "history", "compare", &id(0), &id(1)], 0);
        self.run("request history purge", &["request", "history", "purge"], 0);
    }

    fn places(&mut self) {
        let secret = self.simulator.secret("us01-release-bot").to_owned();
        let file = self.write("app.env", &format!("SECRET={secret}\n"));
        let add =
            ["consumer", "add", "us01-release-bot", "app", "--env-file", &file, "--key", "SECRET"];
        self.run("consumer add", &add, 0);
        self.run(
            "consumer deliver --dry-run",
            &["consumer", "deliver", "us01-release-bot", "app", "--dry-run"],
            0,
        );
        self.run("consumer deliver", &["consumer", "deliver", "us01-release-bot", "app"], 0);
        self.run("consumer list", &["consumer", "list", "us01-release-bot"], 0);
        self.run("scan", &["scan", &file], 0);
        let reader = self.simulator.secret("us01-reader").to_owned();
        let dotenv = self.write("reader.env", &format!("SNYK_TOKEN={reader}\n"));
        self.run("scan (unknown)", &["scan", &dotenv], 0);
        self.run("import dotenv", &["import", "dotenv", &dotenv, "--as", "reader"], 0);
        let key = self.simulator.secret("saw-eu-admin").to_owned();
        let json = self.write("settings.json", &format!("{{\"scan\":{{\"key\":\"{key}\"}}}}"));
        self.run("import json", &["import", "json", &json, "--dry-run"], 0);
        self.feed("import -", &["import", "-", "--dry-run"], &format!("SNYK_TOKEN={reader}\n"), 0);
        for program in ["snyk-cli", "probely-cli", "appcircle-cli"] {
            self.run(&format!("import {program}"), &["import", program], 1);
        }
        for program in ["pass", "gopass"] {
            self.run(&format!("import {program}"), &["import", program, "nowhere"], 2);
        }
        let list = self.write("list.csv", &format!("name,provider,secret\nlisted,snyk,{reader}\n"));
        self.run("import records", &["import", "records", &list, "--dry-run"], 0);
        let passphrase = self.write("backup-passphrase", "correct-Horse7-battery-Zk2-staple");
        let backup = format!("{passphrase}.age");
        let with_passphrase = ["--passphrase-file", &passphrase];
        let export = [&["store", "export", "--to", &backup], &with_passphrase[..]].concat();
        self.run("store export", &export, 0);
        let restore = [&["import", &backup, "--dry-run"], &with_passphrase[..]].concat();
        self.run("import (backup)", &restore, 0);
        self.run("consumer remove", &["consumer", "remove", "us01-release-bot", "app"], 0);
    }

    fn rotations(&mut self) {
        let like = ["create", "second", "--like", "us01-release-bot"];
        self.run("create --plan", &[&like[..], &["--plan"]].concat(), 0);
        self.run("create", &[&like[..], &["--yes"]].concat(), 0);
        self.run("rotate --plan", &["rotate", "us01-release-bot", "--plan"], 0);
        self.run("rotate", &["rotate", "us01-release-bot", "--yes"], 0);
        self.run("rotate (waiting)", &["rotate", "us01-laptop", "--yes"], 8);
        self.run("rotations", &["rotations"], 0);
        self.run("rotate --rollback", &["rotate", "--rollback", "us01-laptop"], 0);
        self.run("revoke --plan", &["revoke", "us01-laptop", "--plan"], 0);
        self.run("revoke", &["revoke", "us01-laptop", "--yes"], 0);
        self.run("rotations --all", &["rotations", "--all"], 0);
        self.run("remove", &["remove", "second", "--yes"], 0);
    }

    async fn sign_in(&mut self) {
        let begun = WaitingCommand::for_app(&self.home, &self.simulator);
        let said = serde_json::json!({ "visit": begun.visit, "callback": begun.callback, "until": begun.until });
        self.note("login (waiting)", &said.to_string());
        open_callback(press_consent_button(&begun.visit, "allow").await).await;
        let ended = begun.end().expect(0);
        self.note("login", &ended.out);
    }

    fn program(&mut self) {
        self.run("audit", &["audit"], 0);
        self.run("audit --verify", &["audit", "--verify"], 0);
        let doctor = self.home.run(&["doctor", "--offline", "--json"]);
        self.note("doctor", &doctor.out);
        self.run("store status", &["store", "status"], 0);
        self.run("store unlock", &["store", "unlock"], 0);
        self.run("store lock", &["store", "lock"], 0);
        self.run("config path", &["config", "path"], 0);
        self.run("config schema", &["config", "schema"], 0);
        self.run("config check", &["config", "check"], 0);
    }

    fn errors(&mut self) {
        self.run("usage error", &["nonsense"], 2);
        self.run("unknown name", &["show", "missing"], 3);
        self.run("unknown kind", &["add", "x", "--provider", "snyk", "--kind", "nothing"], 2);
    }
}

/// Collects the members of a value, with the words that some of them hold.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let below = format!("{path}.{name}");
                found.insert(below.clone());
                match value {
                    Value::String(word) if WORD_MEMBERS.contains(&name.as_str()) => {
                        _ = found.insert(format!("{below} = {word}"));
                    }
                    _ if OPEN_MEMBERS.contains(&name.as_str()) => {}
                    value => paths(value, &below, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|one| paths(one, &format!("{path}[]"), found)),
        _ => {}
    }
}

#[tokio::test]
async fn members_and_words_of_every_command() {
    let mut walk = CommandRecorder::new();
    walk.credentials();
    walk.requests();
    walk.places();
    walk.rotations();
    walk.sign_in().await;
    walk.program();
    walk.errors();
    let text = walk.printed.iter().map(|(words, found)| {
        let lines: Vec<_> = found.iter().map(|line| format!("  {line}\n")).collect();
        if lines.is_empty() {
            format!("{words}: no JSON\n")
        } else {
            format!("{words}\n{}", lines.concat())
        }
    });
    assert_file("commands.txt", &text.collect::<String>());
    let called = |words: &String| {
        let is_called = |label: &str| label == words || label.starts_with(&format!("{words} "));
        walk.printed.iter().any(|(label, _)| is_called(label))
            || WITHOUT_JSON.contains(&words.as_str())
    };
    let mut silent = Vec::new();
    for verb in tokenring::cli::command().get_subcommands() {
        let below: Vec<_> = verb
            .get_subcommands()
            .map(|below| format!("{} {}", verb.get_name(), below.get_name()))
            .collect();
        silent.extend(
            std::iter::once(verb.get_name().to_owned()).chain(below).filter(|words| !called(words)),
        );
    }
    assert!(silent.is_empty(), "no JSON is pinned of: {silent:?}");
}
