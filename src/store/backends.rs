//! Backends: what each of them can do, and how it is opened.
//!
//! Every backend describes itself in one [`StoreBackend`] beside its implementation, and
//! [`StoreKind`] and `find_backend` list them. Settings, diagnosis, migration, screen and command
//! line read these descriptions and know no backend by name.
//!
//! A store is chosen by name and never by fallback: a keyring that is locked or does not respond is
//! reported as such, because a silent switch to another store spreads secrets over two stores.
//! Start reading at [`open_store`]; [`probe_stores`] shows which stores are usable.

use std::path::Path;
use std::sync::Arc;

use super::{SecretStore, StoreError, find_backend};
use crate::domain::StoreKind;

/// Description of a backend and its capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendInfo {
    /// Kind of the store, whose word selects it in the settings.
    pub kind: StoreKind,
    /// Title on this platform, such as `Secret Service`.
    pub title: &'static str,
    /// Title in a choice of stores, the same on every platform, such as `system keyring`.
    pub generic_title: &'static str,
    /// What unlocks the store.
    pub unlocked_by: UnlockSource,
    /// Lifetime of the items.
    pub persistence: Persistence,
    /// Maximum size of an item in bytes.
    pub item_limit: usize,
}

/// What unlocks a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlockSource {
    /// Nothing: the store is always unlocked.
    Nothing,
    /// A prompt of the desktop.
    Desktop,
    /// A passphrase of its own, which this program asks for. Unlocking creates a store that does
    /// not exist yet, and the store can be locked again.
    Passphrase,
}

/// Lifetime of the items of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// Until they are removed.
    Disk,
    /// Until this process exits.
    Process,
}

/// Backend with its description.
pub(super) struct StoreBackend {
    /// What the backend can do.
    pub info: BackendInfo,
    /// Returns the store, not yet unlocked.
    pub open: fn(StoreLocation<'_>) -> Arc<dyn SecretStore>,
}

/// Where the stores of this user are. A folder alone is a location without further choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLocation<'a> {
    /// Folder of the program's data.
    pub data: &'a Path,
    /// Label or path of the keyring's collection for new items; the default one if there is none.
    pub keyring_collection: Option<&'a str>,
}

impl<'a> From<&'a Path> for StoreLocation<'a> {
    fn from(data: &'a Path) -> Self {
        Self { data, keyring_collection: None }
    }
}

/// Store as it was found on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreStatus {
    /// The backend and its capabilities.
    pub backend: BackendInfo,
    /// Why the store cannot be used; `None` if it can.
    pub problem: Option<StoreError>,
}

impl BackendInfo {
    /// Whether the items outlive this process.
    pub fn is_persistent(&self) -> bool {
        self.persistence == Persistence::Disk
    }

    /// Whether the store has a passphrase of its own.
    pub fn has_passphrase(&self) -> bool {
        self.unlocked_by == UnlockSource::Passphrase
    }
}

impl UnlockSource {
    /// Returns what unlocks the store, as a description of a store in a choice of stores.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Nothing => "always unlocked",
            Self::Desktop => "unlocked by your desktop",
            Self::Passphrase => "unlocked by a passphrase",
        }
    }
}

impl StoreStatus {
    /// Returns the status of this store, without unlocking, creating or prompting.
    pub async fn probe(store: &dyn SecretStore) -> Self {
        Self { backend: store.backend(), problem: store.status().await.err() }
    }

    /// Whether the store can be chosen: it is ready, or it is after unlocking.
    pub fn is_selectable(&self) -> bool {
        use StoreError::{AccessUnconfirmed, Locked, NotInitialized};
        matches!(self.problem, None | Some(Locked | AccessUnconfirmed | NotInitialized))
    }
}

/// Returns the description of a backend.
pub fn backend_info(kind: StoreKind) -> BackendInfo {
    find_backend(kind).info
}

/// Returns the descriptions of the backends that outlive the process, in the order in which they
/// are offered.
pub fn persistent_backends() -> impl Iterator<Item = BackendInfo> + Clone {
    StoreKind::ALL.into_iter().map(backend_info).filter(BackendInfo::is_persistent)
}

/// Returns the store of this kind, not yet unlocked.
pub fn open_store<'a>(
    kind: StoreKind,
    location: impl Into<StoreLocation<'a>>,
) -> Arc<dyn SecretStore> {
    (find_backend(kind).open)(location.into())
}

/// Returns the status of every store that outlives the process, except for this one. Asks all of
/// them at the same time, because a store that does not respond takes its whole timeout.
pub async fn probe_stores<'a>(
    location: impl Into<StoreLocation<'a>>,
    except: StoreKind,
) -> Vec<StoreStatus> {
    let location = location.into();
    let others = persistent_backends().filter(|backend| backend.kind != except);
    let stores: Vec<_> = others.map(|backend| open_store(backend.kind, location)).collect();
    let probes: Vec<_> = stores.iter().map(|store| StoreStatus::probe(store.as_ref())).collect();
    futures::future::join_all(probes).await
}
