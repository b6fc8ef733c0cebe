//! Pins the backup: a file of this format is restored, and the program still writes its members.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use age::secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::Home;

/// The JSON inside of a backup with one credential, its secret and a consumer.
const BACKUP: &str = include_str!("backup.json");

/// Returns the names of all members, with the path to each.
fn member_paths(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{path}/{name}");
                member_paths(value, &path, found);
                found.push(path);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                member_paths(element, path, found);
            }
        }
        _ => {}
    }
}

fn sorted_member_paths(json: &str) -> Vec<String> {
    let mut found = Vec::new();
    member_paths(&serde_json::from_str(json).unwrap(), "", &mut found);
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_backup_of_this_format_is_restored_and_written() {
    let folder = TempDir::new().unwrap();
    let identity = age::x25519::Identity::generate();
    let (key, backup) = (folder.path().join("key"), folder.path().join("old.age"));
    fs::write(&key, identity.to_string().expose_secret()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&backup, age::encrypt(&identity.to_public(), BACKUP.as_bytes()).unwrap()).unwrap();

    let home = Home::new();
    let (key, backup) = (key.to_str().unwrap(), backup.to_str().unwrap());
    home.run(&["import", backup, "--identity", key]).expect(0);
    let shown = home.run(&["show", "pinned", "--json"]).expect(0).json();
    assert_eq!((&shown["kind"], &shown["labels"]), (&json!("personal-token"), &json!(["prod"])));
    assert_eq!(home.run(&["get", "pinned"]).expect(0).out, "00000001-1234-4234-8234-123456789abc");
    assert!(
        home.run(&["consumer", "list", "pinned", "--json"]).expect(0).out.contains("/home/me/.env")
    );

    let written = folder.path().join("new.age");
    let public = identity.to_public().to_string();
    home.run(&["store", "export", "--to", written.to_str().unwrap(), "--recipient", &public])
        .expect(0);
    let plain = age::decrypt(&identity, &fs::read(&written).unwrap()).unwrap();
    let plain = String::from_utf8(plain).unwrap();
    assert_eq!(sorted_member_paths(&plain), sorted_member_paths(BACKUP));
}
