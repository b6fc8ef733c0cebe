//! Choosing where secrets rest.
//!
//! A store is chosen by name and never by falling back: a keyring that is locked or silent is reported as just that,
//! because a quiet change of place is how secrets end up in two of them.

use std::path::Path;
use std::sync::Arc;

use super::{
    BackendInfo, BackendKind, FileStore, KeyringStore, MemoryStore, SecretStore, StoreError,
};

/// A backend as it was found on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendStatus {
    /// What it is: its name, how long it keeps items and how large they may be.
    pub backend: BackendInfo,
    /// Whether it can be used right now, and if not, why.
    pub state: Result<(), StoreError>,
}

impl BackendStatus {
    /// Whether it could be chosen: it is ready, or will be once it is unlocked.
    pub fn is_selectable(&self) -> bool {
        matches!(self.state, Ok(()) | Err(StoreError::Locked | StoreError::NotInitialized))
    }
}

/// The store of this kind, not yet unlocked; `vault` is the folder of the encrypted file.
pub fn open_store(kind: BackendKind, vault: &Path) -> Arc<dyn SecretStore> {
    match kind {
        BackendKind::Keyring => Arc::new(KeyringStore::new()),
        BackendKind::File => Arc::new(FileStore::new(vault.to_owned())),
        BackendKind::Memory => Arc::new(MemoryStore::new()),
    }
}

/// The backends that outlive the process, as they are found; nothing is unlocked, created or prompted for.
pub async fn probe_backends(vault: &Path) -> [BackendStatus; 2] {
    let (keyring, file) =
        (open_store(BackendKind::Keyring, vault), open_store(BackendKind::File, vault));
    let (keyring, file) = tokio::join!(probe_backend(&*keyring), probe_backend(&*file));
    [keyring, file]
}

async fn probe_backend(store: &dyn SecretStore) -> BackendStatus {
    BackendStatus { backend: store.backend(), state: store.status().await }
}
