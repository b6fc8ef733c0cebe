//! Tests of what a secret is bound to: an edited provider file, an edited row of the index, a moved
//! region, an edited consumer and an older vault are noticed before the secret is used.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;
use tokenring::database::Database;
use tokenring::domain::credential::{SecretPart, SecretSlot};
use tokenring::domain::{Credential, CredentialId, CredentialName, Secret, Timestamp};
use tokenring::store::{FileStore, ItemKey, SecretStore as _, UnlockMethod};

use crate::support::program::{Home, Outcome, PASSPHRASE};
use crate::support::recorder::Recorder;

const SECRET: &str = "5ec2e700-0000-4000-8000-00000000cafe";
const NEWER: &str = "5ec2e700-0000-4000-8000-0000000d00d5";

/// A server that accepts every secret as its region's host.
fn server() -> Recorder {
    Recorder::saying(
        r#"{"data":{"id":"u-1","type":"user","attributes":{"name":"Ann","email":"a@b.example"}}}"#,
    )
}

/// Writes a provider file that redefines these regions of Snyk, as another program would.
fn redefine(home: &Home, regions: &[(&str, &str)]) {
    let folder = home.root().join("config/providers");
    fs::create_dir_all(&folder).unwrap();
    let mut text = "format = 1\nid = \"snyk\"\n".to_owned();
    for (id, api) in regions {
        writeln!(text, "[[region]]\nid = \"{id}\"\napi = \"{api}\"").unwrap();
    }
    fs::write(folder.join("snyk.toml"), text).unwrap();
}

fn add(home: &Home, name: &str, region: &str, secret: &str) -> Outcome {
    let arguments =
        ["add", name, "--provider", "snyk", "--kind", "personal-token", "--region", region];
    home.feed(&[&arguments[..], &["--offline"]].concat(), secret)
}

/// A home with the credential "laptop", whose region is served by this server.
fn laptop(server: &Recorder) -> Home {
    let home = Home::new();
    redefine(&home, &[("SNYK-EU-01", &server.origin())]);
    add(&home, "laptop", "SNYK-EU-01", SECRET).expect(0);
    assert_eq!(home.run(&["check", "laptop", "--json"]).expect(0).json()[0]["verdict"], "accepted");
    home
}

fn tamper(home: &Home, sql: &str) {
    let file = Connection::open(home.root().join("data/index.db")).unwrap();
    file.execute_batch(sql).unwrap();
}

/// Every way to use the secret of "laptop".
const USES: [&[&str]; 6] = [
    &["get", "laptop", "--json"],
    &["request", "laptop", "/rest/self", "--json"],
    &["exec", "laptop", "--json", "--", "true"],
    &["probe", "laptop", "--json"],
    &["check", "laptop", "--json"],
    &["check", "--all", "--json"],
];

/// Fails unless every use of the secret is refused for a reason with these words, and without the
/// secret.
#[track_caller]
fn assert_refused(home: &Home, words: &[&str]) {
    for arguments in USES {
        let done = home.run(arguments);
        let told = format!("{}{}", done.out, done.err);
        assert_ne!(done.code, 0, "{arguments:?}: {told}");
        assert!(!told.contains(SECRET) && !told.contains(NEWER), "{arguments:?}: {told}");
        for word in words {
            assert!(told.contains(word), "{arguments:?} does not say {word}: {told}");
        }
    }
}

fn remedy(home: &Home) -> String {
    home.run(&["get", "laptop", "--json"]).expect(1).error()["remedy"].as_str().unwrap().to_owned()
}

#[test]
fn a_redefined_region_gets_no_secret_until_its_host_is_accepted() {
    let (own, other) = (server(), server());
    let home = laptop(&own);
    // Also written in another case, which the provider file may use.
    for id in ["SNYK-EU-01", "snyk-eu-01"] {
        redefine(&home, &[(id, &other.origin())]);
        assert_refused(&home, &[&own.origin(), &other.origin()]);
        let refused = add(&home, "second", "eu", NEWER).expect(1);
        assert!(refused.err.contains(&other.origin()), "{}", refused.err);
    }
    assert_eq!(other.seen(), [], "the other host was not even contacted");
    assert_eq!(home.run(&["list", "--json"]).expect(0).json().as_array().unwrap().len(), 1);

    redefine(&home, &[("SNYK-EU-01", &other.origin())]);
    let command = format!("tokenring edit laptop --accept-host {}", other.origin());
    assert!(remedy(&home).contains(&command), "{}", remedy(&home));
    let wrong = ["edit", "laptop", "--accept-host", "https://api.eu.snyk.io"];
    home.run(&wrong).expect(2);
    home.run(&["edit", "laptop", "--label", "unrelated"]).expect(0);
    home.run(&["get", "laptop"]).expect(1);
    home.run(&["edit", "laptop", "--accept-host", &other.origin()]).expect(0);
    home.run(&["check", "laptop"]).expect(0);
    assert!(!other.seen().is_empty());
    let log = home.run(&["audit", "--json"]).expect(0).out;
    assert!(log.contains(&format!("accepted {}", other.origin())), "{log}");
}

#[test]
fn a_repair_after_a_lost_key_accepts_no_other_host() {
    let (own, other) = (server(), server());
    let home = laptop(&own);
    tamper(&home, "UPDATE bindings SET store = '00112233deadbeef'");
    redefine(&home, &[("SNYK-EU-01", &other.origin())]);
    home.run(&["get", "laptop"]).expect(6);
    let fixed = home.run(&["doctor", "--offline", "--fix"]);
    assert!(fixed.out.contains("Fingerprints made again"), "{}", fixed.out);
    assert!(fixed.out.contains("laptop") && fixed.out.contains("--accept-host"), "{}", fixed.out);
    assert_refused(&home, &[&other.origin()]);
    assert_eq!(other.seen(), [], "the other host was not even contacted");
    home.run(&["edit", "laptop", "--accept-host", &other.origin()]).expect(0);
    home.run(&["check", "laptop"]).expect(0);
}

#[test]
fn an_edited_row_of_the_index_does_not_redirect_a_secret() {
    let (own, other) = (server(), server());
    let home = Home::new();
    let regions = [("SNYK-EU-01", own.origin()), ("SNYK-US-01", other.origin())];
    redefine(&home, &regions.each_ref().map(|(id, api)| (*id, api.as_str())));
    add(&home, "laptop", "SNYK-EU-01", SECRET).expect(0);
    for (change, back) in [
        ("region = 'SNYK-US-01'", "region = 'SNYK-EU-01'"),
        ("provider = 'snyk-apps', kind = 'app'", "provider = 'snyk', kind = 'personal-token'"),
    ] {
        tamper(&home, &format!("UPDATE credentials SET {change}"));
        let refused = home.run(&["get", "laptop", "--json"]).expect(1).error();
        let why = refused["why"].as_str().unwrap();
        assert!(why.contains("SNYK-EU-01") && why.contains(&own.origin()), "{why}");
        tamper(&home, &format!("UPDATE credentials SET {back}"));
        home.run(&["get", "laptop"]).expect(0);
    }
    tamper(&home, "UPDATE credentials SET region = 'SNYK-US-01'");
    assert_refused(&home, &["SNYK-EU-01", "SNYK-US-01"]);
    assert_eq!(other.seen(), []);

    // The user's own switch is the record of itself, and stands in the audit log.
    tamper(&home, "UPDATE credentials SET region = 'SNYK-EU-01'");
    home.run(&["region", "laptop", "SNYK-US-01"]).expect(0);
    home.run(&["check", "laptop"]).expect(0);
    let log = home.run(&["audit", "--json"]).expect(0).out;
    let switch = format!("SNYK-EU-01 ({}) → SNYK-US-01 ({})", own.origin(), other.origin());
    assert!(log.contains(&switch), "{log}");
}

#[test]
fn a_record_that_was_deleted_or_forged_is_a_difference() {
    let (own, other) = (server(), server());
    for change in [
        "DELETE FROM bindings",
        "DELETE FROM bindings WHERE kind = 'region'",
        "UPDATE bindings SET mac = '00'",
        &format!(
            "UPDATE bindings SET content = replace(content, '{}', '{}')",
            own.origin(),
            other.origin()
        ),
    ] {
        let home = laptop(&own);
        redefine(&home, &[("SNYK-EU-01", &other.origin())]);
        tamper(&home, change);
        assert_refused(&home, &[&other.origin()]);
        home.run(&["edit", "laptop", "--accept-host", &other.origin()]).expect(0);
        home.run(&["get", "laptop"]).expect(0);
    }
    assert!(other.seen().is_empty());
}

#[test]
fn a_key_file_is_set_by_an_explicit_edit_only() {
    let home = Home::new();
    add(&home, "laptop", "SNYK-EU-01", SECRET).expect(0);
    tamper(&home, r#"UPDATE credentials SET fields = '{"key_file":"/etc/hostname"}'"#);
    let refused = home.run(&["get", "laptop", "--json"]).expect(1).error();
    assert!(refused["why"].as_str().unwrap().contains("/etc/hostname"), "{refused}");
    assert!(remedy(&home).contains("--field key_file=/etc/hostname"), "{}", remedy(&home));
}

#[test]
fn other_regions_are_probed_at_their_recorded_hosts_only() {
    let (own, other) = (server(), server());
    let home = Home::new();
    let gone = "http://127.0.0.1:9";
    let eu = own.origin();
    redefine(&home, &[("SNYK-EU-01", &eu), ("SNYK-US-01", gone)]);
    add(&home, "laptop", "SNYK-EU-01", SECRET).expect(0);
    redefine(
        &home,
        &[("SNYK-EU-01", &eu), ("SNYK-US-01", &other.origin()), ("ACME", &other.origin())],
    );
    let probed = home.run(&["probe", "laptop", "--json"]).expect(0);
    let noted = home.run(&["probe", "laptop"]).expect(0).err;
    for region in ["SNYK-US-01", "ACME"] {
        let shapes = probed.json();
        let found = shapes.as_array().unwrap().iter().find(|shape| shape["region"] == region);
        assert_eq!(found.unwrap()["verdict"], "unchecked", "{shapes}");
        assert!(noted.contains(&format!("{region} was not checked")), "{noted}");
    }
    assert_eq!(other.seen(), []);
    home.run(&["edit", "laptop", "--accept-host", &other.origin()]).expect(0);
    home.run(&["probe", "laptop"]).expect(0);
    assert_eq!(other.seen().len(), 2);
}

#[test]
fn moving_a_region_asks_for_its_host_and_stands_in_the_audit_log() {
    let (own, other) = (server(), server());
    let home = laptop(&own);
    let add = |id: &str, api: &str, further: &[&str]| {
        let arguments = ["regions", "add", "--provider", "snyk", "--id", id, "--api", api];
        home.run(&[&arguments[..], further].concat())
    };
    for id in ["SNYK-EU-01", "snyk-eu-01", "SNYK-AU-01"] {
        let asked = add(id, &other.origin(), &[]).expect(2);
        assert!(
            asked.err.contains(&other.origin()) && asked.err.contains("--yes"),
            "{}",
            asked.err
        );
    }
    home.run(&["check", "laptop"]).expect(0);
    add("ACME", "https://api.acme.example", &[]).expect(0);
    add("ACME", "https://api2.acme.example", &[]).expect(0);
    add("SNYK-EU-01", &other.origin(), &["--yes"]).expect(0);
    home.run(&["check", "laptop"]).expect(0);
    assert_eq!(other.seen().len(), 1, "the moved region has the secret's new host");
    let log = home.run(&["audit", "--json"]).expect(0).out;
    for line in [
        "snyk ACME: https://api.acme.example".to_owned(),
        "snyk ACME: https://api.acme.example → https://api2.acme.example".to_owned(),
        format!("snyk SNYK-EU-01: {} → {}", own.origin(), other.origin()),
    ] {
        assert!(log.contains(&format!("\"{line}\"")), "no {line} in {log}");
    }
}

#[test]
fn an_edited_consumer_is_not_run() {
    let home = Home::new();
    add(&home, "laptop", "SNYK-EU-01", SECRET).expect(0);
    let target: PathBuf = home.root().join("stolen");
    let consumer = ["consumer", "add", "laptop", "vault", "--command", "cat"];
    home.run(&consumer).expect(0);
    home.run(&["consumer", "deliver", "laptop", "vault"]).expect(0);
    let script = format!("cat > {}", target.display());
    tamper(
        &home,
        &format!(
            r#"UPDATE consumers SET target = replace(target, '["cat"]', '["sh","-c","{script}"]')"#
        ),
    );
    let refused = home.run(&["consumer", "deliver", "laptop", "vault", "--json"]).expect(1).error();
    assert!(refused["why"].as_str().unwrap().contains(&script), "{refused}");
    assert!(!target.exists());
    tamper(
        &home,
        "INSERT INTO consumers SELECT credential, 'second', kind, target, NULL, NULL, NULL FROM consumers",
    );
    home.run(&["consumer", "deliver", "laptop", "second"]).expect(1);
    assert!(!target.exists(), "a row that another program inserted");

    home.run(&["consumer", "remove", "laptop", "vault"]).expect(0);
    home.run(&consumer).expect(0);
    home.run(&["consumer", "deliver", "laptop", "vault"]).expect(0);
}

#[cfg(unix)]
#[test]
fn an_edited_destination_of_a_link_is_not_followed() {
    let home = Home::new();
    add(&home, "laptop", "SNYK-EU-01", SECRET).expect(0);
    let [own, other, link] =
        ["own.env", "other.env", "link.env"].map(|name| home.root().join(name));
    for file in [&own, &other] {
        fs::write(file, "TOKEN=before\n").unwrap();
    }
    std::os::unix::fs::symlink(&own, &link).unwrap();
    let path = link.to_str().unwrap();
    let consumer = ["consumer", "add", "laptop", "app", "--env-file", path, "--key", "TOKEN"];
    home.run(&consumer).expect(0);
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&other, &link).unwrap();
    tamper(&home, "UPDATE consumers SET target = replace(target, 'own.env', 'other.env')");
    let refused = home.run(&["consumer", "deliver", "laptop", "app", "--json"]).expect(1).error();
    assert!(refused["why"].as_str().unwrap().contains("other.env"), "{refused}");
    assert_eq!(fs::read_to_string(&other).unwrap(), "TOKEN=before\n");
}

#[test]
fn an_older_vault_says_so_until_its_secret_is_accepted() {
    let home = Home::new();
    add(&home, "laptop", "SNYK-EU-01", SECRET).expect(0);
    let vault = home.root().join("data/vault/vault.age");
    let older = fs::read(&vault).unwrap();
    home.feed(&["edit", "laptop", "--secret"], NEWER).expect(0);
    assert_eq!(home.run(&["get", "laptop"]).expect(0).out, NEWER);
    fs::write(&vault, older).unwrap();
    assert_refused(&home, &["The store has another secret for laptop"]);
    let told = remedy(&home);
    let fingerprint = told.split("--accept-secret ").nth(1).unwrap().split('`').next().unwrap();
    home.run(&["edit", "laptop", "--accept-secret", "0000"]).expect(2);
    home.run(&["edit", "laptop", "--accept-secret", fingerprint]).expect(0);
    assert_eq!(home.run(&["get", "laptop"]).expect(0).out, SECRET);
    let shown = home.run(&["show", "laptop", "--json"]).expect(0).json();
    assert_eq!(shown["fingerprint"], fingerprint);
    home.feed(&["edit", "laptop", "--secret"], NEWER).expect(0);
    assert_eq!(home.run(&["get", "laptop"]).expect(0).out, NEWER);
}

#[test]
fn a_credential_of_an_older_version_is_recorded_at_its_first_use() {
    let (own, other) = (server(), server());
    let home = Home::new();
    redefine(&home, &[("SNYK-EU-01", &own.origin())]);
    let id = CredentialId::from_random([7; 16]);
    let credential = Credential {
        id: id.clone(),
        name: CredentialName::parse("laptop").unwrap(),
        provider: "snyk".to_owned(),
        kind: "personal-token".to_owned(),
        region: "SNYK-EU-01".to_owned(),
        fields: [].into(),
        labels: Vec::new(),
        created: Timestamp::UNIX_EPOCH,
        expires: None,
        fingerprint: None,
        principal: None,
        scheme: None,
        last_check: None,
    };
    let path = home.root().join("data/index.db");
    Database::open(&path).unwrap().insert_credential(&credential).unwrap();
    put_secret(&home, &id, SECRET);
    home.run(&["check", "laptop"]).expect(0);
    let shown: Value = home.run(&["show", "laptop", "--json"]).expect(0).json();
    assert!(shown["fingerprint"].is_string(), "{shown}");

    redefine(&home, &[("SNYK-EU-01", &other.origin())]);
    assert_refused(&home, &[&own.origin(), &other.origin()]);
    redefine(&home, &[("SNYK-EU-01", &own.origin())]);
    put_secret(&home, &id, NEWER);
    assert_refused(&home, &["The store has another secret for laptop"]);
    assert_eq!(other.seen(), []);
}

/// Puts a secret into the vault, as a program does that can open it.
fn put_secret(home: &Home, id: &CredentialId, secret: &str) {
    let store = FileStore::new(home.root().join("data/vault"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let passphrase = Secret::from_text(PASSPHRASE.to_owned());
    let key = ItemKey::for_part(id, SecretSlot::Current, &SecretPart::Secret);
    runtime.block_on(async {
        let unlock = UnlockMethod::Passphrase(&passphrase);
        store.unlock(unlock, Duration::from_secs(10)).await.unwrap();
        store.put(&key, &Secret::from_text(secret.to_owned())).await.unwrap();
    });
}

#[cfg(unix)]
#[test]
fn files_that_others_could_change_are_refused() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let home = Home::new();
    let server = server();
    redefine(&home, &[("SNYK-EU-01", &server.origin())]);
    let config = home.root().join("config");
    let file = config.join("providers/snyk.toml");
    fs::write(config.join("config.toml"), "").unwrap();
    home.run(&["regions"]).expect(0);
    for path in [&file, &config.join("providers"), &config, &config.join("config.toml")] {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o020)).unwrap();
        let refused = home.run(&["regions", "--json"]).expect(2).error();
        let why = refused["why"].as_str().unwrap();
        assert!(why.contains(path.to_str().unwrap()) && why.contains("writable"), "{why}");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    for path in [&file, &config.join("providers"), &config.join("config.toml")] {
        let real = home.root().join("elsewhere");
        fs::rename(path, &real).unwrap();
        symlink(&real, path).unwrap();
        let refused = home.run(&["regions", "--json"]).expect(2).error();
        assert!(refused["why"].as_str().unwrap().contains("symbolic link"), "{refused}");
        fs::remove_file(path).unwrap();
        fs::rename(&real, path).unwrap();
    }
    home.run(&["regions"]).expect(0);
}

#[test]
fn doctor_names_what_a_provider_file_changes() {
    let home = Home::new();
    let findings = |home: &Home| home.run(&["doctor", "--json"]).out;
    assert!(!findings(&home).contains("A provider file changes"));
    redefine(&home, &[("SNYK-EU-01", "https://api.eu.proxy.example")]);
    let kind = fs::read_to_string(
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/providers/snyk.toml"),
    )
    .unwrap();
    let kind = kind.split("[[kind]]").nth(1).unwrap().split("[[preset]]").next().unwrap();
    let id = kind.split("id = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let file = home.root().join("config/providers/snyk.toml");
    let text = fs::read_to_string(&file).unwrap();
    let changed = kind.replacen("title = \"", "title = \"My ", 1);
    fs::write(&file, format!("{text}\n[[kind]]{changed}")).unwrap();
    let found = findings(&home);
    assert!(!found.contains("changes the region SNYK-US-01"), "{found}");
    let kind = format!("A provider file changes the kind {id} of snyk");
    for words in
        ["changes the region SNYK-EU-01 of snyk", "https://api.eu.proxy.example", kind.as_str()]
    {
        assert!(found.contains(words), "no {words} in {found}");
    }
}
