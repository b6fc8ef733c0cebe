//! Choosing where secrets rest.
//!
//! A store is chosen by name and never by falling back: a keyring that is locked or silent is reported as just that,
//! because a quiet change of place is how secrets end up in two of them.

use std::path::Path;
use std::sync::Arc;

use super::{Backend, BackendKind, FileStore, Keyring, Memory, Store, StoreError};

/// A backend as it was found on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is: its name, how long it keeps items and how large they may be.
    pub backend: Backend,
    /// Whether it can be used right now, and if not, why.
    pub state: Result<(), StoreError>,
}

impl Found {
    /// Whether it could be chosen: it is ready, or will be once it is unlocked.
    pub fn is_choosable(&self) -> bool {
        matches!(self.state, Ok(()) | Err(StoreError::Locked | StoreError::Uncreated))
    }
}

/// The store of this kind, not yet unlocked; `vault` is the folder of the encrypted file.
pub fn open(kind: BackendKind, vault: &Path) -> Arc<dyn Store> {
    match kind {
        BackendKind::Keyring => Arc::new(Keyring::new()),
        BackendKind::File => Arc::new(FileStore::new(vault.to_owned())),
        BackendKind::Memory => Arc::new(Memory::new()),
    }
}

/// The backends that outlive the process, as they are found; nothing is unlocked, created or prompted for.
pub async fn survey(vault: &Path) -> [Found; 2] {
    let (keyring, file) = (open(BackendKind::Keyring, vault), open(BackendKind::File, vault));
    let (keyring, file) = tokio::join!(look_at(&*keyring), look_at(&*file));
    [keyring, file]
}

async fn look_at(store: &dyn Store) -> Found {
    Found { backend: store.backend(), state: store.status().await }
}
