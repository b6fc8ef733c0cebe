//! Tests of the stores: every backend against one contract. Start with `contract.rs`.

#[cfg(target_os = "linux")]
mod agent;
mod contract;
mod file;
#[cfg(target_os = "linux")]
mod secret_service;
mod self_test;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokenring::domain::StoreKind;
use tokenring::store::{
    SecretStore, StoreError, UnlockMethod, UnlockSource, backend_info, open_store,
    persistent_backends, probe_stores,
};

use crate::support::program::PASSPHRASE;
use crate::support::{assert_same, secret};

/// Opens and unlocks a store that needs no desktop.
async fn unlocked(kind: StoreKind, data: &Path) -> Arc<dyn SecretStore> {
    let store = open_store(kind, data);
    if store.backend().has_passphrase() {
        let passphrase = secret(PASSPHRASE);
        let by = UnlockMethod::Passphrase(&passphrase);
        store.unlock(by, Duration::from_secs(60)).await.unwrap();
    }
    store
}

#[tokio::test]
async fn every_backend_is_what_it_says_and_holds_the_contract() {
    for kind in StoreKind::ALL {
        let data = tempfile::tempdir().unwrap();
        let locked = open_store(kind, data.path());
        assert_eq!((locked.backend(), locked.backend().kind), (backend_info(kind), kind));
        match locked.backend().unlocked_by {
            // `secret_service` holds the contract on a real keyring.
            UnlockSource::Desktop => continue,
            UnlockSource::Nothing => assert_eq!(locked.status().await, Ok(())),
            UnlockSource::Passphrase => {
                contract::holds_when_unavailable(&*locked, &StoreError::NotInitialized).await;
            }
        }
        let store = unlocked(kind, data.path()).await;
        contract::holds(&*store).await;

        let key = contract::key("reopened");
        store.put(&key, &secret("kept")).await.unwrap();
        let reopened = unlocked(kind, data.path()).await.get(&key).await;
        if store.backend().is_persistent() {
            assert_same(reopened, &secret("kept"));
        } else {
            assert_eq!(reopened.err(), Some(StoreError::NotFound));
        }
        store.lock().await.unwrap();
        if store.backend().has_passphrase() {
            contract::holds_when_unavailable(&*store, &StoreError::Locked).await;
        }
    }
}

#[tokio::test]
async fn a_survey_names_every_other_persistent_store_and_creates_nothing() {
    let data = tempfile::tempdir().unwrap();
    let found = probe_stores(data.path(), StoreKind::Keyring).await;
    let others = persistent_backends().filter(|backend| backend.kind != StoreKind::Keyring);
    assert!(found.iter().map(|status| status.backend).eq(others));
    let file = found.iter().find(|status| status.backend.kind == StoreKind::File).unwrap();
    assert_eq!(file.problem, Some(StoreError::NotInitialized));
    assert!(file.is_selectable());
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
}
