//! Tests of the built program on every kind of keyring: gnome-keyring, `KeePassXC`, and a stand-in
//! that refuses text that is not UTF-8. The same commands must do the same on each of them. Then
//! several collections, and what happens to the fingerprint key. Start with [`KeyringUnderTest`].

use std::time::Duration;

use rusqlite::Connection;
use tokenring::domain::{Problem, Secret};
use tokenring::store::{
    ItemKey, KeyringStore, SecretStore as _, StoreError, UnlockMethod, run_self_test,
};

use crate::support::program::{Home, Outcome, SimulatorProcess};
use crate::support::secret_service::{
    Daemon, KeyringState, another_daemon, call_keepassxc, lock, secret_tool, session, signal,
};
use crate::support::stand_in::{PromptBehavior, StandIn};
use crate::support::{assert_same, secret, wait_until};

/// A credential that the simulator issued.
const SEEDED: &str = "us01-laptop";

/// A keyring, and how it is locked and unlocked.
enum KeyringUnderTest {
    GnomeKeyring,
    KeePassXc,
    StandIn(StandIn),
}

impl KeyringUnderTest {
    fn lock(&self) {
        match self {
            Self::GnomeKeyring => lock(),
            Self::KeePassXc => call_keepassxc("lockAllDatabases", &[]),
            Self::StandIn(service) => service.state().set_locked("main", true),
        }
    }

    /// Unlocks as the user does outside of this program. A second gnome-keyring takes the place of
    /// the first one, because nothing can answer its prompt.
    async fn unlock(&self, home: &Home) -> Option<Daemon> {
        let mut successor = None;
        match self {
            Self::GnomeKeyring => {
                signal("KILL");
                wait_until("the daemon is gone", async || {
                    home.run(&["store", "status"]).out.contains("no Secret Service is running")
                })
                .await;
                successor = Some(another_daemon());
            }
            Self::KeePassXc => {
                let variable = |name| format!("string:{}", std::env::var(name).unwrap());
                let opened = [variable("KEYRING_DATABASE"), variable("KEYRING_PASSWORD")];
                call_keepassxc("openDatabase", &opened);
            }
            Self::StandIn(service) => service.state().set_locked("main", false),
        }
        wait_until("the keyring is open", async || home.run(&["store", "status"]).code == 0).await;
        successor
    }

    /// Stops the keyring; `successor` is the daemon that has taken its place.
    async fn stop(&self, successor: Option<Daemon>) {
        match (self, successor) {
            (Self::StandIn(service), _) => service.stop().await,
            (_, Some(successor)) => drop(successor),
            (_, None) => signal("KILL"),
        }
    }
}

/// The findings of the doctor about the store, as level and text.
fn store_findings(home: &Home) -> Vec<(String, String)> {
    let report = home.run(&["doctor", "--offline", "--json"]).json();
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |finding: &serde_json::Value, name: &str| finding[name].as_str().unwrap().to_owned();
    findings
        .filter(|finding| finding["area"] == "store")
        .map(|finding| {
            let text = format!("{}: {}", text(finding, "what"), text(finding, "why"));
            (finding["level"].as_str().unwrap().to_owned(), text)
        })
        .collect()
}

/// Fails unless `store status`, `doctor` and a command say the same about the store.
#[track_caller]
fn assert_unusable(home: &Home, words: &str) {
    for arguments in [&["get", SEEDED][..], &["check", SEEDED], &["edit", SEEDED, "--secret"]] {
        let told = home.feed(arguments, "another-secret").expect(6);
        assert!(told.err.contains(words), "{arguments:?}: {}", told.err);
    }
    let status = home.run(&["store", "status"]).expect(6);
    assert!(status.out.contains(words), "{}", status.out);
    let (level, text) = store_findings(home).remove(0);
    assert!(level != "ok" && text.contains(words), "{level}: {text}");
}

/// Fails unless `store status`, `doctor` and a command say that the store works.
#[track_caller]
fn assert_usable(home: &Home, stored: &str) {
    home.run(&["store", "status"]).expect(0);
    let findings = store_findings(home);
    assert!(findings.iter().all(|(level, _)| level == "ok"), "{findings:?}");
    assert!(findings.iter().any(|(_, text)| text.contains("test passed")), "{findings:?}");
    assert_eq!(home.run(&["get", SEEDED]).expect(0).out, stored);
}

/// Runs every command of the matrix.
async fn run_matrix(keyring: KeyringUnderTest) {
    // The home also has a vault, for the migration.
    let home = Home::new().with("TOKENRING_STORE", "keyring");
    let simulator = SimulatorProcess::start();
    let stored = simulator.secret(SEEDED);
    home.use_simulator(&simulator);
    home.add_seeded(&simulator, SEEDED).expect(0);
    assert_usable(&home, stored);
    home.run(&["check", SEEDED]).expect(0);

    let copy = home.root().join("copy.env");
    std::fs::write(&copy, format!("TOKEN={stored}\n")).unwrap();
    let scanned = home.run(&["scan", copy.to_str().unwrap()]).expect(0);
    assert!(scanned.out.contains(SEEDED), "{}", scanned.out);

    keyring.lock();
    // KeePassXC locks after it has answered.
    wait_until("the keyring is locked", async || home.run(&["store", "status"]).code == 6).await;
    assert_unusable(&home, "store is locked");
    let successor = keyring.unlock(&home).await;
    assert_usable(&home, stored);

    home.run(&["store", "migrate", "--to", "file", "--delete-source"]).expect(0);
    let home = home.with("TOKENRING_STORE", "file");
    assert_eq!(home.run(&["get", SEEDED]).expect(0).out, stored);
    home.run(&["store", "migrate", "--to", "keyring", "--delete-source"]).expect(0);
    let home = home.with("TOKENRING_STORE", "keyring");
    assert_usable(&home, stored);
    let scanned = home.run(&["scan", copy.to_str().unwrap()]).expect(0);
    assert!(scanned.out.contains(SEEDED), "{}", scanned.out);

    keyring.stop(successor).await;
    wait_until("the keyring is gone", async || home.run(&["store", "status"]).code == 6).await;
    assert_unusable(&home, "no Secret Service is running");
}

#[test]
fn every_command_works_on_gnome_keyring() {
    session(KeyringState::Unlocked, async || run_matrix(KeyringUnderTest::GnomeKeyring).await);
}

#[test]
fn every_command_works_on_keepassxc() {
    session(KeyringState::KeePassXc, async || run_matrix(KeyringUnderTest::KeePassXc).await);
}

#[test]
fn every_command_works_on_a_keyring_that_stores_text_as_text() {
    session(KeyringState::Bare, async || {
        let service = StandIn::start(&["main"]).await;
        run_matrix(KeyringUnderTest::StandIn(service)).await;
    });
}

#[test]
fn only_plain_text_is_declared_as_text() {
    session(KeyringState::Bare, async || {
        let service = StandIn::start(&["main"]).await;
        let store = KeyringStore::new();
        run_self_test(&store).await.unwrap();
        let (text, binary) = (ItemKey::internal("text"), ItemKey::internal("binary"));
        store.put(&text, &secret("snyk_uat.token")).await.unwrap();
        let bytes = Secret::new(vec![0, 159, 255]);
        store.put(&binary, &bytes).await.unwrap();
        assert_same(store.get(&binary).await, &bytes);
        // An item gets the type of what it has now.
        store.put(&text, &bytes).await.unwrap();
        assert_same(store.get(&text).await, &bytes);
        let types: Vec<_> =
            service.state().items_in("main").into_iter().map(|(_, declared)| declared).collect();
        assert_eq!(types, ["application/octet-stream", "application/octet-stream"]);
        store.put(&text, &secret("snyk_uat.token")).await.unwrap();
        assert_eq!(service.state().items_in("main")[0].1, "text/plain");
    });
}

#[test]
fn the_lock_that_counts_is_the_one_of_the_item() {
    session(KeyringState::Bare, async || {
        let service = StandIn::start(&["login", "work"]).await;
        let (home, key) = (Home::on_keyring(), ItemKey::fingerprint_key());
        let store = KeyringStore::in_collection(Some("The work"));
        store.put(&key, &secret("key")).await.unwrap();
        assert_eq!(service.state().items_in("work").len(), 1, "a label chooses the collection");
        let path = "/org/freedesktop/secrets/collection/work";
        let by_path = KeyringStore::in_collection(Some(path));
        by_path.put(&ItemKey::internal("other"), &secret("other")).await.unwrap();
        assert_eq!(service.state().items_in("work").len(), 2, "so does a path");

        // Without the setting too, new items go to the others, and the lock of the default
        // collection does not matter.
        service.state().set_locked("login", true);
        let store = KeyringStore::new();
        assert_eq!(store.status().await, Ok(()));
        assert_same(store.get(&key).await, &secret("key"));
        run_self_test(&store).await.unwrap();
        assert_eq!(home.run(&["store", "status"]).expect(0).code, 0);

        service.state().set_locked("login", false);
        service.state().set_locked("work", true);
        assert_eq!(store.status().await, Err(StoreError::Locked));
        assert_eq!(store.get(&key).await.err(), Some(StoreError::Locked));
        assert_eq!(store.put(&key, &secret("x")).await, Err(StoreError::Locked));
        assert_eq!(store.delete(&key).await, Err(StoreError::Locked));
        assert_eq!(home.run(&["store", "status"]).expect(6).code, 6);
        home.run(&["store", "unlock"]).expect(0);
        assert_same(store.get(&key).await, &secret("key"));
    });
}

#[test]
fn the_setting_names_a_collection_that_exists() {
    session(KeyringState::Bare, async || {
        let _service = StandIn::start(&["login", "work"]).await;
        let home = Home::on_keyring();
        let settings = home.root().join("config/config.toml");
        std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
        std::fs::write(&settings, "keyring_collection = \"The work\"\n").unwrap();
        home.run(&["store", "status"]).expect(0);
        std::fs::write(&settings, "keyring_collection = \"Nowhere\"\n").unwrap();
        let told = home.run(&["store", "status"]).expect(6);
        assert!(
            told.out.contains("no collection is named \"Nowhere\"")
                && told.out.contains("\"The login\", \"The work\""),
            "{}",
            told.out
        );
    });
}

#[test]
fn every_outcome_of_an_unlock_has_its_own_sentence_and_remedy() {
    session(KeyringState::Bare, async || {
        let service = StandIn::start(&["main"]).await;
        let wait = Duration::from_secs(10);
        let unlock = async |behavior| {
            service.state().set_locked("main", true);
            service.state().prompt = behavior;
            KeyringStore::new().unlock(UnlockMethod::SystemPrompt, wait).await
        };
        assert_eq!(unlock(PromptBehavior::Unlocks).await, Ok(()));
        assert_eq!(unlock(PromptBehavior::Pretends).await, Err(StoreError::Locked));
        let dismissed = unlock(PromptBehavior::IsDismissed).await.unwrap_err();
        assert_eq!(dismissed, StoreError::PromptDismissed);
        let missing = unlock(PromptBehavior::IsMissing).await.unwrap_err();
        assert_eq!(missing, StoreError::NoPrompt);

        service.state().set_locked("main", false);
        service.state().refuses_items = true;
        let put = KeyringStore::new().put(&ItemKey::internal("k"), &secret("x")).await;
        let refused = put.unwrap_err();
        assert!(matches!(refused, StoreError::InvalidArgument(_)), "{refused:?}");
        service.state().default = None;
        let no_collection = KeyringStore::new().status().await.unwrap_err();
        assert!(matches!(no_collection, StoreError::NoCollection(_)), "{no_collection:?}");

        let problems = [dismissed, missing, refused, no_collection].map(Problem::from);
        for (at, problem) in problems.iter().enumerate() {
            for other in &problems[at + 1..] {
                assert!(problem.what != other.what && problem.remedy != other.remedy, "{problem}");
            }
        }
    });
}

#[test]
fn access_that_the_keyring_confirms_is_allowed_to_the_process_that_asked() {
    session(KeyringState::Bare, async || {
        let service = StandIn::start(&["main"]).await;
        let (store, key) = (KeyringStore::new(), ItemKey::fingerprint_key());
        store.put(&key, &secret("key")).await.unwrap();
        service.state().confirms_access = true;
        assert_eq!(store.status().await, Err(StoreError::AccessUnconfirmed));
        assert_eq!(store.get(&key).await.err(), Some(StoreError::AccessUnconfirmed));
        let told = Home::on_keyring().run(&["store", "unlock"]).expect(6);
        assert!(told.err.contains("turn off the confirmation"), "{}", told.err);
        store.unlock(UnlockMethod::SystemPrompt, Duration::from_secs(10)).await.unwrap();
        assert_same(store.get(&key).await, &secret("key"));
    });
}

fn add(home: &Home, name: &str, stored: &str) -> Outcome {
    let kind = ["--provider", "snyk", "--kind", "personal-token", "--region", "SNYK-EU-01"];
    home.feed(&[&["add", name, "--offline"], &kind[..]].concat(), stored)
}

/// A secret that no other credential has.
fn secret_number(number: usize) -> String {
    format!("5ec2e700-0000-4000-8000-0000000000{number:02}")
}

/// Adds six credentials from six processes at once in a fresh home, and fails unless one
/// fingerprint key came of it.
fn six_first_starts_lead_to_one_key(home: &Home) {
    std::thread::scope(|scope| {
        let adders: Vec<_> = (0..6)
            .map(|number| {
                scope.spawn(move || add(home, &format!("c{number}"), &secret_number(number)))
            })
            .collect();
        for adder in adders {
            adder.join().unwrap().expect(0);
        }
    });
    let index = Connection::open(home.root().join("data/index.db")).unwrap();
    let keys = index.query_row("SELECT COUNT(DISTINCT store) FROM bindings", (), |row| row.get(0));
    assert_eq!(keys, Ok(1));
    for number in 0..6 {
        let read = home.run(&["get", &format!("c{number}")]).expect(0);
        assert_eq!(read.out, secret_number(number));
    }
    let report = home.run(&["doctor", "--offline", "--json"]).expect(0);
    assert!(!report.out.contains("\"fail\""), "{}", report.out);
}

#[test]
fn six_first_starts_on_the_keyring_lead_to_one_key() {
    session(KeyringState::Unlocked, async || six_first_starts_lead_to_one_key(&Home::on_keyring()));
}

#[test]
fn six_first_starts_on_the_encrypted_file_lead_to_one_key() {
    six_first_starts_lead_to_one_key(&Home::new());
}

/// Fails unless the commands that need the fingerprint key and the doctor report this, and the
/// doctor repairs it.
#[track_caller]
fn assert_told_and_fixed(home: &Home, words: &str) {
    for outcome in [home.run(&["get", "laptop"]), add(home, "phone", &secret_number(8))] {
        let told = outcome.expect(6);
        assert!(told.err.contains(words) && told.err.contains("doctor --fix"), "{}", told.err);
    }
    let copy = home.root().join("copy.env");
    std::fs::write(&copy, secret_number(7)).unwrap();
    let scan = || home.run(&["scan", copy.to_str().unwrap()]).expect(0);
    let told = scan();
    assert!(told.err.contains("copies of stored secrets could not be recognized"), "{}", told.err);
    assert!(!told.out.contains("laptop"), "{}", told.out);
    let report = home.run(&["doctor", "--offline"]);
    assert!(report.code == 1 && report.out.contains(words), "{}", report.out);

    let fixed = home.run(&["doctor", "--offline", "--fix"]).expect(0);
    assert!(fixed.out.contains("Fingerprints made again"), "{}", fixed.out);
    assert_eq!(home.run(&["get", "laptop"]).expect(0).out, secret_number(7));
    assert!(scan().out.contains("laptop"), "a copy is recognized again");
    add(home, "phone", &secret_number(8)).expect(0);
    home.run(&["remove", "phone", "--yes"]).expect(0);
    home.run(&["audit", "--verify"]).expect(0);
    let again = home.run(&["doctor", "--offline", "--fix"]).expect(0);
    assert!(again.out.contains("Nothing to fix"), "{}", again.out);
}

#[test]
fn a_lost_or_replaced_fingerprint_key_is_told_and_repaired() {
    session(KeyringState::Unlocked, async || {
        let home = Home::on_keyring();
        let key = ["service", "tokenring", "username", "tokenring/fingerprint-key"];
        add(&home, "laptop", &secret_number(7)).expect(0);
        assert!(secret_tool(&[&["clear"], &key[..]].concat(), b"").status.success());
        assert_told_and_fixed(&home, "The fingerprint key is missing from the store");
        let store = [&["store", "--label=tokenring"], &key[..]].concat();
        assert!(secret_tool(&store, b"another key").status.success());
        assert_told_and_fixed(&home, "is not the one of the index");
    });
}

#[test]
fn fingerprints_from_several_keys_are_told_and_repaired() {
    let home = Home::new();
    add(&home, "laptop", &secret_number(7)).expect(0);
    add(&home, "desk", &secret_number(9)).expect(0);
    home.run(&["doctor", "--offline"]).expect(0);
    // What a first start in two processes left behind before there was a lock: the key of the other
    // process is gone, and what it recorded stayed.
    let index = Connection::open(home.root().join("data/index.db")).unwrap();
    let forged = "UPDATE credentials SET fingerprint = '00112233445566778899' WHERE name = 'desk';
        UPDATE fingerprints SET fingerprint = '00112233445566778899'
            WHERE credential = (SELECT id FROM credentials WHERE name = 'desk');";
    index.execute_batch(forged).unwrap();
    let report = home.run(&["doctor", "--offline"]);
    assert!(report.out.contains("The store has another secret for desk"), "{}", report.out);
    let refused = home.run(&["doctor", "--offline", "--fix"]);
    assert!(refused.out.contains("Nothing to fix"), "a changed secret is not accepted silently");

    index
        .execute_batch(
            "INSERT INTO bindings SELECT '0011223344556677', kind, owner, name, content, mac FROM bindings LIMIT 1",
        )
        .unwrap();
    let report = home.run(&["doctor", "--offline"]);
    assert!(report.out.contains("1 fingerprint made with another key"), "{}", report.out);
    home.run(&["doctor", "--offline", "--fix"]).expect(0);
    assert_eq!(home.run(&["get", "desk"]).expect(0).out, secret_number(9));
    home.run(&["doctor", "--offline"]).expect(0);
}

#[test]
fn keepassxc_that_confirms_each_access_says_so() {
    session(KeyringState::KeePassXcConfirming, async || {
        let home = Home::on_keyring();
        let item = ["service", "tokenring", "username", "tokenring/fingerprint-key"];
        let store = [&["store", "--label=tokenring"], &item[..]].concat();
        assert!(secret_tool(&store, b"key").status.success());
        let told = home.run(&["store", "status"]).expect(6);
        assert!(told.out.contains("asks before it gives a secret"), "{}", told.out);
        let (level, text) = store_findings(&home).remove(0);
        assert!(level == "warn" && text.contains("asks before it gives a secret"), "{text}");
        let told = add(&home, "laptop", &secret_number(1)).expect(6);
        assert!(told.err.contains("KeePassXC"), "{}", told.err);
    });
}
