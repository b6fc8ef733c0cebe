//! Pins the encrypted file: the names of its files, the JSON inside (decrypted with age alone), and
//! the paths of all files.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use age::secrecy::SecretString;
use hmac::{Hmac, Mac as _};
use tempfile::TempDir;
use tokenring::config::{AppPaths, SavedRequestStore, Settings};
use tokenring::database::{AuditEntry, Database};
use tokenring::domain::CredentialId;
use tokenring::domain::credential::{SecretPart, SecretSlot};
use tokenring::domain::provider::ProviderCatalog;
use tokenring::domain::request::{
    HttpMethod, RequestDraft, RequestTarget, SavedRequest, SavedRequestName,
};
use tokenring::engine::{AnchorComparison, Engine, EngineDependencies, EngineOptions, SystemClock};
use tokenring::net::HttpClient;
use tokenring::store::{
    FileStore, ItemKey, MemoryStore, SecretStore as _, UnlockMethod, WorkFactor,
};
use tokenring::util::hex::to_hex;

use crate::support::program::PASSPHRASE;
use crate::support::{assert_same, secret};

/// The JSON of a vault with one secret of a credential and one key of the program.
const ITEMS: &str = r#"{"format":1,"items":{"abababababababababababababababab/current/secret":"czNjcmV0","tokenring/fingerprint-key":"AAH/"}}"#;

fn keys() -> (ItemKey, ItemKey) {
    let of = ItemKey::for_part(
        &CredentialId::from_random([0xab; 16]),
        SecretSlot::Current,
        &SecretPart::Secret,
    );
    (of, ItemKey::internal("fingerprint-key"))
}

async fn unlocked(folder: &Path) -> FileStore {
    let store = FileStore::new(folder.to_owned()).with_work_factor(WorkFactor::new(1));
    store
        .unlock(UnlockMethod::Passphrase(&secret(PASSPHRASE)), Duration::from_secs(20))
        .await
        .unwrap();
    store
}

/// The JSON in a vault under the passphrase of the tests.
pub(super) fn items(folder: &Path) -> String {
    let plain =
        age::decrypt(&identity(folder), &fs::read(folder.join("vault.age")).unwrap()).unwrap();
    String::from_utf8(plain).unwrap()
}

/// The key of the vault, read with the passphrase alone.
fn identity(folder: &Path) -> age::x25519::Identity {
    let passphrase = age::scrypt::Identity::new(SecretString::from(PASSPHRASE.to_owned()));
    let identity =
        age::decrypt(&passphrase, &fs::read(folder.join("identity.age")).unwrap()).unwrap();
    String::from_utf8(identity).unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_json_in_the_encrypted_file() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("vault");
    let store = unlocked(&folder).await;
    let (of, own) = keys();
    store.put(&own, &tokenring::domain::Secret::new(vec![0, 1, 255])).await.unwrap();
    store.put(&of, &secret("s3cret")).await.unwrap();
    assert_eq!(items(&folder), ITEMS);
}

#[tokio::test]
async fn the_pinned_json_is_read_from_an_encrypted_file() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("vault");
    let store = unlocked(&folder).await;
    let sealed = age::encrypt(&identity(&folder).to_public(), ITEMS.as_bytes()).unwrap();
    fs::write(folder.join("vault.age"), sealed).unwrap();
    let (of, own) = keys();
    assert_same(store.get(&of).await, &secret("s3cret"));
    assert_same(store.get(&own).await, &tokenring::domain::Secret::new(vec![0, 1, 255]));
}

/// The anchor of a log of two entries under the fingerprint key `0x00 0x01 0xff`. Its MAC is the
/// output of: `key=$(printf '%s' 'tokenring audit anchor' | openssl dgst -sha256 -mac HMAC -macopt
/// hexkey:0001ff -r | cut -d' ' -f1)`, then `printf '1\n2\n%s' "$hash" | openssl dgst -sha256 -mac
/// HMAC -macopt hexkey:$key`.
const ANCHOR: &str = r#"{"format":1,"entries":2,"hash":"06a607f402534083d397caddcbda9552db09091b7df91546d29ef33f99613425","mac":"5289c2c594650642d5834e8827d597abd0ca2027047d5942a7540c7b2be7a297"}"#;

/// The item of the anchor of a database without a path: the end is the SHA-256 of the path.
const ANCHOR_ITEM: &str = "tokenring/audit-anchor-e3b0c44298fc1c14";

/// An engine over the two pinned entries of the audit log and a store with a fingerprint key.
async fn engine_with_log() -> (Engine, Arc<Database>, Arc<MemoryStore>) {
    let (database, store) =
        (Arc::new(Database::in_memory().unwrap()), Arc::new(MemoryStore::new()));
    let entry = AuditEntry {
        at: super::MOMENT,
        actor: "me (uid 1)".to_owned(),
        action: "add".to_owned(),
        name: Some("nightly".to_owned()),
        outcome: "done".to_owned(),
        reason: "why".to_owned(),
    };
    database.append_audit(&entry).unwrap();
    database.append_audit(&AuditEntry { name: None, ..entry }).unwrap();
    let (_, own) = keys();
    store.put(&own, &tokenring::domain::Secret::new(vec![0, 1, 255])).await.unwrap();
    let ports = EngineDependencies {
        catalog: Arc::new(ProviderCatalog::builtin()),
        database: Arc::clone(&database),
        store: Arc::clone(&store) as _,
        transport: Arc::new(HttpClient::default()),
        clock: Arc::new(SystemClock),
    };
    (Engine::new(ports, EngineOptions::from(&Settings::default())), database, store)
}

#[tokio::test]
async fn the_pinned_anchor_of_the_audit_log_is_read() {
    let (engine, _database, store) = engine_with_log().await;
    let item = ItemKey::for_audit_anchor("e3b0c44298fc1c14");
    assert_eq!(item.as_str(), ANCHOR_ITEM);
    store.put(&item, &secret(ANCHOR)).await.unwrap();
    let found = engine.audit.verify().await.unwrap();
    assert_eq!(found.anchor, AnchorComparison::Contained(2));
    for forged in [ANCHOR.replace("\"entries\":2", "\"entries\":1"), "{}".to_owned()] {
        store.put(&item, &secret(&forged)).await.unwrap();
        assert_eq!(engine.audit.verify().await.unwrap().anchor, AnchorComparison::Invalid);
    }
}

#[tokio::test]
async fn the_anchor_of_the_audit_log_as_it_is_written() {
    let (engine, database, store) = engine_with_log().await;
    engine.audit.accept().await.unwrap();
    let head = database.audit_head().unwrap();
    assert_eq!(head.entries, 3, "the acceptance is an entry");
    let mac = |key: &[u8], text: &str| {
        let mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap().chain_update(text);
        mac.finalize().into_bytes().to_vec()
    };
    let key = mac(&[0, 1, 255], "tokenring audit anchor");
    let mac = to_hex(&mac(&key, &format!("1\n3\n{}", head.hash)));
    let written = format!(r#"{{"format":1,"entries":3,"hash":"{}","mac":"{mac}"}}"#, head.hash);
    let item = ItemKey::for_audit_anchor("e3b0c44298fc1c14");
    assert_same(store.get(&item).await, &secret(&written));
}

#[test]
fn the_item_that_says_that_the_bindings_were_recorded() {
    let item = ItemKey::for_bindings("e3b0c44298fc1c14");
    assert_eq!(item.as_str(), "tokenring/bindings-recorded-e3b0c44298fc1c14");
}

#[test]
fn paths_of_all_files() {
    let home = TempDir::new().unwrap();
    let paths = AppPaths::from_home(home.path());
    let places = [
        (paths.database(), "data/index.db"),
        (paths.providers(), "config/providers"),
        (paths.themes(), "config/themes"),
        (paths.settings(), "config/config.toml"),
        (paths.layout(), "state/layout.toml"),
    ];
    for (path, expected) in places {
        assert_eq!(path, home.path().join(expected));
    }
    let saved = SavedRequest::from_draft(
        &RequestDraft::new(HttpMethod::Get, RequestTarget::parse("/a").unwrap()),
        "snyk",
    );
    let path = SavedRequestStore::new(&paths)
        .save(&SavedRequestName::parse("mine").unwrap(), &saved)
        .unwrap();
    assert_eq!(path, Some(home.path().join("config/requests/mine.toml")));
}
