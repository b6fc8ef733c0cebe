//! Tests of `doctor`: it finds contradictions in the environment, names each with a remedy, and
//! never prints a secret.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokenring::config::Settings;
use tokenring::database::Database;
use tokenring::domain::provider::ProviderCatalog;
use tokenring::engine::doctor::{DiagnosticArea, DoctorInput, DoctorScope};
use tokenring::engine::{Engine, EngineDependencies, EngineOptions, SystemClock};
use tokenring::net::HttpClient;
use tokenring::store::{MemoryStore, StoreError};

use crate::support::faulty::{FaultyStore, StoreFault};
use crate::support::program::{Home, Outcome, SimulatorProcess};

const STRANGE: &str = "7a1b0000-0000-4000-8000-00000000beef";

fn home(folder: &TempDir) -> Home {
    let path = folder.path().to_str().unwrap();
    Home::new()
        .with("HOME", path)
        .with("XDG_CONFIG_HOME", &format!("{path}/.config"))
        .with("LANG", "C.UTF-8")
}

fn write(folder: &Path, name: &str, text: &str, mode: u32) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

fn findings(done: &Outcome, area: &str) -> Vec<Value> {
    let all = done.json()["findings"].as_array().unwrap().clone();
    for finding in &all {
        let (level, remedy) = (&finding["level"], finding["remedy"].as_str().unwrap());
        assert!(level == "ok" || !remedy.is_empty(), "no remedy: {finding}");
        assert!(
            !finding["what"].as_str().unwrap().is_empty()
                && !finding["why"].as_str().unwrap().is_empty(),
            "{finding}"
        );
    }
    all.into_iter().filter(|finding| finding["area"] == area).collect()
}

#[track_caller]
fn told(found: &[Value], level: &str, words: &str) {
    let is_it = |finding: &Value| finding["level"] == level && finding.to_string().contains(words);
    assert!(found.iter().any(is_it), "no {level} with \"{words}\" in {found:#?}");
}

#[test]
fn variables_and_configurations_that_contradict_are_named() {
    let (folder, simulator) = (TempDir::new().unwrap(), SimulatorProcess::start());
    let pat = simulator.secret("us01-laptop");
    let home = home(&folder).with("SNYK_TOKEN", pat).with("SNYK_OAUTH_TOKEN", STRANGE);
    home.use_simulator(&simulator);
    let api = simulator.manifest["regions"]["SNYK-EU-01"]["api"].as_str().unwrap();
    let home = home.with("SNYK_API", api);
    home.add_seeded(&simulator, "us01-laptop").expect(0);
    write(
        folder.path(),
        ".config/configstore/snyk.json",
        &json!({ "api": pat.replace("snyk_uat", "snyk_sat"), "endpoint": api }).to_string(),
        0o644,
    );

    let done = home.run(&["doctor", "--offline", "--json"]).expect(1);
    for secret in [pat, STRANGE] {
        assert!(!done.out.contains(secret) && !done.err.contains(secret));
    }
    let found = findings(&done, "environment");
    told(&found, "warn", "its value is the secret of us01-laptop");
    told(&found, "warn", "overrides another token in");
    told(&found, "warn", "its value is the secret of no stored credential");
    told(&found, "warn", "SNYK_OAUTH_TOKEN and SNYK_TOKEN are set at the same time");
    told(&found, "fail", "SNYK_TOKEN belongs to SNYK-US-01, but SNYK_API points to SNYK-EU-01");
    told(&found, "warn", "its mode is 644");
    let text = home.run(&["doctor", "--offline"]).expect(1);
    assert!(
        text.out.contains("environment\n") && text.out.contains("  fail  SNYK_TOKEN belongs to"),
        "{}",
        text.out
    );
}

#[test]
fn regions_are_asked_without_a_secret_and_clocks_are_compared() {
    let (folder, simulator) = (TempDir::new().unwrap(), SimulatorProcess::start());
    let home = home(&folder);
    home.use_simulator(&simulator);
    home.add_seeded(&simulator, "us01-admin").expect(0);
    let found = findings(&home.run(&["doctor", "--json"]), "network");
    for region in simulator.manifest["regions"].as_object().unwrap().keys() {
        told(&found, "ok", &format!("{region} is reachable"));
    }
    told(&found, "ok", "The clock is correct");
    told(&found, "ok", "HTTPS_PROXY sets the proxy 127.0.0.1:1");
    told(&found, "ok", "Host names are resolved by the proxy");
    simulator.advance(std::time::Duration::from_secs(3600));
    let late = home.run(&["doctor", "--json"]).expect(1);
    told(&findings(&late, "network"), "fail", "The clock is wrong");
    drop(simulator);
    let gone = home.run(&["doctor", "--json"]).expect(1);
    told(&findings(&gone, "network"), "fail", "SNYK-US-01 is not reachable");
    told(&findings(&gone, "network"), "warn", "no credential uses this region");
}

/// The findings about a store.
async fn examined(store: FaultyStore<MemoryStore>) -> Vec<Value> {
    let settings = Settings::default();
    let ports = EngineDependencies {
        catalog: Arc::new(ProviderCatalog::builtin()),
        database: Arc::new(Database::in_memory().unwrap()),
        store: Arc::new(store),
        transport: Arc::new(HttpClient::default()),
        clock: Arc::new(SystemClock),
    };
    let engine = Engine::new(ports, EngineOptions::from(&settings));
    let around = DoctorInput {
        terminal: None,
        other_stores: Vec::new(),
        color_depth: None,
        scope: DoctorScope::Machine,
    };
    let found = engine
        .doctor
        .diagnose(&around)
        .await
        .into_iter()
        .filter(|one| one.area == DiagnosticArea::Store);
    found.map(|one| serde_json::to_value(one).unwrap()).collect()
}

#[tokio::test]
async fn a_store_that_loses_changes_or_cannot_hold_what_it_is_given_is_found_out() {
    let large = || StoreFault::Refuse(StoreError::TooLarge { size: 3500, limit: 1000 });
    for (nth, fault, words, remedy) in [
        (1, StoreFault::Lie, "is missing after it was written", "TOKENRING_STORE=file"),
        (3, StoreFault::Lie, "is still there after it was deleted", "TOKENRING_STORE=file"),
        (1, StoreFault::LoseCall, "The store does not respond", "restart the keyring"),
        (1, StoreFault::LoseResponse, "The store does not respond", "restart the keyring"),
        (
            1,
            large(),
            "the secret has 3500 bytes, but the store accepts at most 1000 bytes",
            "the encrypted file",
        ),
        (
            2,
            StoreFault::Refuse(StoreError::Locked),
            "The store is locked",
            "tokenring store unlock",
        ),
    ] {
        let found = examined(FaultyStore::new(MemoryStore::new()).at(nth, fault)).await;
        told(&found, "fail", words);
        told(&found, "fail", remedy);
        assert!(
            !found.iter().any(|one| one.to_string().contains("write/read test passed")),
            "{found:#?}"
        );
    }
    let narrow = examined(FaultyStore::new(MemoryStore::new()).with_item_limit(2560)).await;
    told(&narrow, "ok", "a value of 2560 bytes was written, read back and deleted");
    told(&narrow, "warn", "a private key can have 3500 bytes, but an item can have at most 2560");
    told(&narrow, "warn", "use the encrypted file");
    assert_eq!(
        examined(FaultyStore::new(MemoryStore::new())).await.len(),
        2,
        "a store with enough room has one finding"
    );
}

#[test]
fn the_store_and_the_index_are_held_against_one_another() {
    let (folder, simulator) = (TempDir::new().unwrap(), SimulatorProcess::start());
    let home = home(&folder);
    home.use_simulator(&simulator);
    home.add_seeded(&simulator, "us01-admin").expect(0);
    let whole = home.run(&["doctor", "--offline", "--json"]).expect(0);
    told(&findings(&whole, "store"), "ok", "bytes was written, read back and deleted");
    told(&findings(&whole, "index"), "ok", "1 credential in");

    fs::remove_dir_all(home.root().join("data/vault")).unwrap();
    let lost = home.run(&["doctor", "--offline", "--json"]).expect(1);
    told(&findings(&lost, "index"), "fail", "The fingerprint key is missing from the store");
    // Only the lost key could confirm the hosts of the simulator.
    let fixed = home.run(&["doctor", "--offline", "--json", "--fix"]).expect(1);
    told(&findings(&fixed, "index"), "warn", "Fingerprints made again");
    told(&findings(&fixed, "index"), "fail", "The region of us01-admin has changed");
    let api = simulator.manifest["regions"]["SNYK-US-01"]["api"].as_str().unwrap();
    home.run(&["edit", "us01-admin", "--accept-host", api]).expect(0);
    let accepted = home.run(&["doctor", "--offline", "--json"]).expect(0);
    told(&findings(&accepted, "index"), "warn", "us01-admin has no secret in the store");

    let mut locked = home.command(&["doctor", "--offline", "--json"]);
    let done = locked.env_remove("TOKENRING_PASSPHRASE_FILE").output().unwrap();
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&found["findings"][0]["level"], done.status.code()),
        (&json!("warn"), Some(0)),
        "{found}"
    );
    assert_eq!(
        found["findings"][0]["what"], "encrypted file is in use",
        "a locked store has one finding: {found}"
    );

    write(folder.path(), "another-passphrase", "Not-Vq7-but-Zk3", 0o600);
    let path = folder.path().join("another-passphrase");
    let home = home.with("TOKENRING_PASSPHRASE_FILE", path.to_str().unwrap());
    let found = findings(&home.run(&["doctor", "--offline", "--json"]).expect(0), "store");
    told(&found, "warn", "the passphrase is wrong");
}
