//! Selection of the store backend.
//!
//! A store is chosen by name and never by fallback: a keyring that is locked or does not respond is
//! reported as such, because a silent switch to another store spreads secrets over two stores.
//! Start reading at [`open_store`]; [`probe_backends`] lists the choices.

use std::path::Path;
use std::sync::Arc;

use super::{
    BackendInfo, BackendKind, FileStore, KeyringStore, MemoryStore, SecretStore, StoreError,
};

/// Backend as it was found on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendStatus {
    /// Description of the backend: its title, the lifetime of its items and its item limit.
    pub backend: BackendInfo,
    /// Whether the backend is usable right now, or the reason why it is not.
    pub state: Result<(), StoreError>,
}

impl BackendStatus {
    /// Whether the backend can be chosen: it is ready, or it is after unlocking.
    pub fn is_selectable(&self) -> bool {
        matches!(self.state, Ok(()) | Err(StoreError::Locked | StoreError::NotInitialized))
    }
}

/// Returns the store of this kind, not yet unlocked; `vault` is the folder of the encrypted file.
pub fn open_store(kind: BackendKind, vault: &Path) -> Arc<dyn SecretStore> {
    match kind {
        BackendKind::Keyring => Arc::new(KeyringStore::new()),
        BackendKind::File => Arc::new(FileStore::new(vault.to_owned())),
        BackendKind::Memory => Arc::new(MemoryStore::new()),
    }
}

/// Returns the status of the backends that outlive the process, without unlocking, creating or
/// prompting.
pub async fn probe_backends(vault: &Path) -> [BackendStatus; 2] {
    let (keyring, file) =
        (open_store(BackendKind::Keyring, vault), open_store(BackendKind::File, vault));
    let (keyring, file) = tokio::join!(probe_backend(&*keyring), probe_backend(&*file));
    [keyring, file]
}

async fn probe_backend(store: &dyn SecretStore) -> BackendStatus {
    BackendStatus { backend: store.backend(), state: store.status().await }
}
