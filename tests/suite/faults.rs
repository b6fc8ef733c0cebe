//! Tests of disk faults against the built program: it refuses with a remedy, and data that was
//! durable is still there.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::program::{Home, Outcome};
use crate::support::{nested_run, programs_installed};

/// Commands that read the index, write it, and need the store too.
const COMMANDS: [&[&str]; 4] = [
    &["list"],
    &["get", "laptop"],
    &["edit", "laptop", "--label", "more"],
    &["remove", "laptop", "--yes"],
];

fn uuid(number: usize) -> String {
    format!("5ec2e7cc-0000-4000-8000-{number:012}")
}

fn add(home: &Home, number: usize) -> Outcome {
    let arguments = [
        "add",
        &format!("disk-{number}"),
        "--provider",
        "snyk",
        "--kind",
        "personal-token",
        "--json",
    ];
    home.feed(&[&arguments[..], &["--region", "SNYK-US-01", "--offline"]].concat(), &uuid(number))
}

/// A home with one credential.
fn home_with_laptop() -> Home {
    let home = Home::new();
    let add = [
        "add",
        "laptop",
        "--provider",
        "snyk",
        "--kind",
        "personal-token",
        "--region",
        "SNYK-US-01",
        "--offline",
    ];
    home.feed(&add, &uuid(0)).expect(0);
    home
}

fn index_of(home: &Home) -> PathBuf {
    home.root().join("data/index.db")
}

/// Fails unless the refusal says what happened, why and what to do; `words` must be part of the
/// reason.
#[track_caller]
fn assert_refused(outcome: &Outcome, words: &str) {
    assert_ne!(outcome.code, 0, "{}", outcome.out);
    let error = outcome.error();
    for part in ["what", "why", "remedy"] {
        assert!(error[part].as_str().is_some_and(|text| !text.is_empty()), "{part}: {error}");
    }
    assert!(error.to_string().contains(words), "{words:?} is not in {error}");
}

/// Fails unless every command refuses with this reason and the index is unchanged.
#[track_caller]
fn assert_index_refused(home: &Home, words: &str) {
    let before = fs::read(index_of(home)).unwrap();
    for arguments in COMMANDS {
        assert_refused(&home.run(&[arguments, &["--json"]].concat()), words);
    }
    assert!(fs::read(index_of(home)).unwrap() == before, "{words}: the index was changed");
}

#[test]
fn a_torn_and_a_newer_index_are_refused_and_left_alone() {
    let home = home_with_laptop();
    let whole = fs::read(index_of(&home)).unwrap();
    let log = index_of(&home).with_extension("db-wal");
    let kept = fs::read(&log).unwrap_or_default();
    let _ = fs::remove_file(&log);
    fs::write(index_of(&home), &whole[..whole.len() - 1000]).unwrap();
    assert_index_refused(&home, "damaged");

    fs::write(index_of(&home), &whole).unwrap();
    fs::write(&log, kept).unwrap();
    assert_eq!(
        home.run(&["get", "laptop"]).expect(0).out,
        uuid(0),
        "the restored index is used again"
    );
    rusqlite::Connection::open(index_of(&home))
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert_index_refused(&home, "newer version");
}

/// Runs `body` in a process where even root has to obey the permissions of a folder.
fn with_enforced_permissions(body: impl AsyncFnOnce()) {
    if !programs_installed(&["setpriv"]) {
        return;
    }
    let mut wrapper = Command::new("setpriv");
    wrapper.args(["--bounding-set=-dac_override", "--inh-caps=-dac_override"]);
    if !rustix::process::geteuid().is_root() {
        wrapper = Command::new("env");
    }
    nested_run::run_nested(wrapper, body);
}

#[test]
fn folders_that_cannot_be_written_are_named_and_nothing_is_half_done() {
    with_enforced_permissions(async || {
        let home = home_with_laptop();
        let data = home.root().join("data");
        let set = |mode| {
            for folder in [&data, &data.join("vault")] {
                fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
            }
        };
        set(0o500);
        assert_refused(&add(&home, 1), "fix the permissions of the folder");
        assert_eq!(names(&home), ["laptop"]);
        assert_eq!(home.run(&["get", "laptop"]).expect(0).out, uuid(0));
        set(0o700);
        assert_eq!(names(&home), ["laptop"]);
        assert_eq!(home.run(&["get", "laptop"]).expect(0).out, uuid(0));
        add(&home, 1).expect(0);
        assert_eq!(names(&home), ["disk-1", "laptop"]);
    });
}

fn names(home: &Home) -> Vec<String> {
    let listed = home.run(&["list", "--json"]).expect(0).json();
    let mut names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|credential| credential["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

/// Runs `body` with its temporary folder on a disk of one megabyte; skips the test if no disk can
/// be mounted.
fn on_a_small_disk(body: impl AsyncFnOnce()) {
    if !programs_installed(&["unshare", "mount"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let small = |command: &mut Command| {
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command
            .args(["mount -t tmpfs -o size=1m tmpfs \"$TMPDIR\" && exec \"$@\"", "sh"])
            .env("TMPDIR", folder.path());
    };
    let (mut trial, mut wrapper) = (Command::new("unshare"), Command::new("unshare"));
    small(&mut trial);
    small(&mut wrapper);
    if std::env::var_os("TOKENRING_TEST_INSIDE").is_none()
        && !trial.arg("true").output().unwrap().status.success()
    {
        return println!("skipped: no disk can be mounted on this machine");
    }
    nested_run::run_nested(wrapper, body);
}

/// Fills the disk until `left` bytes are free; returns the path of the file that fills it.
fn fill(folder: &Path, left: u64) -> PathBuf {
    let path = folder.join("ballast");
    let mut file = fs::File::create(&path).unwrap();
    while file.write_all(&[0xa5; 4096]).is_ok() {}
    let length = file.metadata().unwrap().len();
    file.set_len(length - left).unwrap();
    path
}

#[test]
fn on_a_full_disk_stored_data_stays_and_the_rest_is_reported() {
    on_a_small_disk(async || {
        let home = home_with_laptop();
        let ballast = fill(&std::env::temp_dir(), 64 << 10);
        let mut outcomes = (1..200).map(|number| (number, add(&home, number)));
        let (full, refused) =
            outcomes.find(|(_, outcome)| outcome.code != 0).expect("the disk becomes full");
        assert_refused(&refused, "disk");
        fs::remove_file(ballast).unwrap();

        let name = format!("disk-{full}");
        if names(&home).contains(&name) {
            assert_refused(&refused, &format!("tokenring remove {name}"));
            home.run(&["remove", &name, "--yes"]).expect(0);
        }
        let mut kept: Vec<_> = (1..full).map(|number| format!("disk-{number}")).collect();
        kept.push("laptop".to_owned());
        kept.sort_unstable();
        assert_eq!(names(&home), kept, "nothing is partly added unless that was reported");
        for number in 1..full {
            assert_eq!(home.run(&["get", &format!("disk-{number}")]).expect(0).out, uuid(number));
        }
        assert_eq!(
            home.run(&["audit", "--verify", "--json"]).expect(0).json()["intact"],
            Value::Bool(true)
        );
        add(&home, 1_000).expect(0);
        let mut left = fs::read_dir(home.root().join("data/vault"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        assert!(
            left.all(|name| !name.to_string_lossy().starts_with(".tmp-")),
            "no temporary file is left"
        );
    });
}
