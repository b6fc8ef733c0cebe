//! Tests of `store export` and the import of a backup by the built program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::Home;

const COUNT: usize = 5;

fn token(number: usize) -> String {
    format!("{number:08x}-1234-4234-8234-123456789abc")
}

fn home_with_credentials(folder: &Path) -> Home {
    let home = Home::new();
    let record = |number: usize| {
        json!({ "name": format!("ci-{number}"), "provider": "snyk", "kind": "personal-token",
                "region": "SNYK-EU-01", "secret": token(number), "labels": ["prod"] })
    };
    let list = Value::from((0..COUNT).map(record).collect::<Vec<_>>()).to_string();
    let path = private_file(folder, "list.json", &list);
    home.run(&["import", path.to_str().unwrap()]).expect(0);
    let env = private_file(folder, ".env", "SNYK_TOKEN=\n");
    home.run(&[
        "consumer",
        "add",
        "ci-0",
        "dotenv",
        "--env-file",
        env.to_str().unwrap(),
        "--key",
        "SNYK_TOKEN",
    ])
    .expect(0);
    home
}

fn private_file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn a_backup_to_a_recipient_moves_everything_to_another_machine() {
    let folder = TempDir::new().unwrap();
    let home = home_with_credentials(folder.path());
    let identity = age::x25519::Identity::generate();
    let key = private_file(folder.path(), "key", identity.to_string().expose_secret());
    let (key, public) = (key.to_str().unwrap(), identity.to_public().to_string());
    let backup = folder.path().join("b.age");
    let file = backup.to_str().unwrap();
    let export = ["store", "export", "--to", file, "--recipient", &public, "--json"];
    let report = home.run(&export).expect(0).json();
    assert_eq!((&report["credentials"], &report["secrets"]), (&json!(COUNT), &json!(COUNT)));
    assert_eq!(report["consumers"], json!(1));
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read(&backup).unwrap().windows(8).any(|bytes| bytes == b"00000001"));
    let again = home.run(&export);
    assert!(again.code == 2 && again.err.contains("exists already"), "{}", again.err);

    let other = Home::new();
    let without = other.run(&["import", file]);
    assert!(without.code == 2 && without.err.contains("--identity"), "{}", without.err);
    let planned = other.run(&["import", file, "--identity", key, "--dry-run", "--json"]).expect(0);
    assert!(planned.json().as_array().unwrap().iter().all(|row| row["outcome"] == "found"));
    assert_eq!(other.run(&["list", "--json"]).expect(0).json(), json!([]));
    let done = other.run(&["import", file, "--identity", key]).expect(0);
    assert!(done.err.contains("5 credentials imported and verified"), "{}", done.err);
    assert!(done.err.contains("review them"), "{}", done.err);
    for number in 0..COUNT {
        let name = format!("ci-{number}");
        assert_eq!(other.run(&["get", &name]).expect(0).out, token(number));
        let (here, there) = (["show", &name, "--json"], ["show", &name, "--json"]);
        let (here, there) = (other.run(&here).expect(0).json(), home.run(&there).expect(0).json());
        assert_eq!((&here["labels"], &here["created"]), (&there["labels"], &there["created"]));
        assert_ne!(here["fingerprint"], there["fingerprint"], "each machine has its own key");
    }
    let known = other.run(&["import", file, "--identity", key, "--json"]).expect(0).json();
    assert!(known.as_array().unwrap().iter().all(|row| row["outcome"] == "known"), "{known}");
    other.run(&["audit", "--verify"]).expect(0);
}

#[test]
fn a_passphrase_is_asked_for_where_it_is_needed_and_a_wrong_one_opens_nothing() {
    let folder = TempDir::new().unwrap();
    let home = home_with_credentials(folder.path());
    let passphrase = private_file(folder.path(), "passphrase", "Vq7-kept-for-Zk2-tests-Xw9\n");
    let wrong = private_file(folder.path(), "wrong", "another-Vq7-Zk2-passphrase\n");
    let (passphrase, wrong) = (passphrase.to_str().unwrap(), wrong.to_str().unwrap());
    let backup = folder.path().join("b.age");
    let file = backup.to_str().unwrap();
    let unattended = home.run(&["store", "export", "--to", file]);
    assert!(unattended.code == 2 && unattended.err.contains("--recipient"), "{}", unattended.err);
    assert!(!backup.exists());
    home.run(&["store", "export", "--to", file, "--passphrase-file", passphrase]).expect(0);

    let other = Home::new();
    let refused = other.run(&["import", file, "--passphrase-file", wrong]);
    assert!(refused.code == 2 && refused.err.contains("passphrase is wrong"), "{}", refused.err);
    other.run(&["import", file, "--passphrase-file", passphrase]).expect(0);
    assert_eq!(other.run(&["get", "ci-3"]).expect(0).out, token(3));
}

#[test]
fn a_command_of_a_backup_runs_only_after_the_user_has_added_it() {
    let folder = TempDir::new().unwrap();
    let home = home_with_credentials(folder.path());
    let target = folder.path().join("delivered");
    let script = format!("cat > {}", target.display());
    let add = ["consumer", "add", "ci-1", "deploy", "--command", "sh", "-c", &script];
    home.run(&add).expect(0);
    let identity = age::x25519::Identity::generate();
    let key = private_file(folder.path(), "key", identity.to_string().expose_secret());
    let backup = folder.path().join("b.age");
    let (key, file) = (key.to_str().unwrap(), backup.to_str().unwrap());
    let public = identity.to_public().to_string();
    home.run(&["store", "export", "--to", file, "--recipient", &public]).expect(0);

    let other = Home::new();
    for options in [&["--dry-run"][..], &[]] {
        let import = [&["import", file, "--identity", key], options].concat();
        let told = other.run(&import).expect(0);
        assert!(told.err.contains(&script) && told.err.contains("add it again"), "{}", told.err);
    }
    let deliver = ["consumer", "deliver", "ci-1", "deploy"];
    let refused = other.run(&deliver);
    assert!(refused.code != 0 && !target.exists(), "{}", refused.err);
    other.run(&["consumer", "remove", "ci-1", "deploy"]).expect(0);
    other.run(&add).expect(0);
    other.run(&deliver).expect(0);
    assert_eq!(fs::read_to_string(&target).unwrap(), token(1));
}
