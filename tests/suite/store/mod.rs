//! Tests of the stores: every backend against one contract. Start with `contract.rs`.

mod contract;
mod file;
#[cfg(target_os = "linux")]
mod secret_service;
mod self_test;

use tokenring::store::{BackendKind, MemoryStore, StoreError, open_store, probe_backends};

#[tokio::test]
async fn memory_holds_the_contract() {
    contract::holds(&MemoryStore::new()).await;
}

#[tokio::test]
async fn a_store_is_the_one_that_was_chosen_and_a_survey_creates_nothing() {
    let root = tempfile::tempdir().unwrap();
    let vault = root.path().join("vault");
    for kind in [BackendKind::Keyring, BackendKind::File, BackendKind::Memory] {
        assert_eq!(open_store(kind, &vault).backend().kind, kind);
    }
    let [keyring, file] = probe_backends(&vault).await;
    assert_eq!(keyring.backend.kind, BackendKind::Keyring);
    assert_eq!(
        (file.backend.kind, &file.state),
        (BackendKind::File, &Err(StoreError::NotInitialized))
    );
    assert!(file.is_selectable());
    assert!(!vault.exists());
}
