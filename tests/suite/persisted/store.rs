//! Pins the encrypted file: the names of its files, the JSON inside (decrypted with age alone), and
//! the paths of all files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use age::secrecy::SecretString;
use tempfile::TempDir;
use tokenring::config::{AppPaths, SavedRequestStore};
use tokenring::domain::CredentialId;
use tokenring::domain::credential::{SecretPart, SecretSlot};
use tokenring::domain::request::{
    HttpMethod, RequestDraft, RequestTarget, SavedRequest, SavedRequestName,
};
use tokenring::store::{FileStore, ItemKey, SecretStore as _, UnlockMethod, WorkFactor};

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

#[test]
fn paths_of_all_files() {
    let home = TempDir::new().unwrap();
    let paths = AppPaths::from_home(home.path());
    let places = [
        (paths.database(), "data/index.db"),
        (paths.vault(), "data/vault"),
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
    assert_eq!(path, home.path().join("config/requests/mine.toml"));
}
