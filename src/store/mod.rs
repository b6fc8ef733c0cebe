//! Where secrets rest.
//!
//! [`SecretStore`] is the port; the system keyring, an encrypted file and plain memory are its backends, and one contract
//! suite (`tests/suite/store.rs`) holds for all of them. A store knows items by opaque keys only: nothing that
//! describes a credential ever reaches it, because item names and attributes lie in the clear on disk.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;

use crate::domain::Secret;
use crate::domain::credential::{CredentialId, SecretPart, SecretSlot};
use crate::domain::text::to_hex;

mod backends;
mod error;
mod file;
pub mod key_file;
mod key_locks;
mod keyring;
mod memory;
pub mod passphrase;
mod private;
mod self_test;

pub use backends::{BackendStatus, open_store, probe_backends};
pub use error::StoreError;
pub use file::{FileStore, WorkFactor};
pub use keyring::KeyringStore;
pub use memory::MemoryStore;
pub use self_test::{run_self_test, run_self_test_with_size};

/// How long a call that raises no prompt may take.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// How many calls of a reading in bulk are under way at the same time.
const MAX_CONCURRENT_READS: usize = 8;

/// The key of one item: which credential, which slot, which part.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemKey(String);

/// What a backend without a limit of its own takes as one item: far more than any token has.
const DEFAULT_MAX_ITEM_BYTES: usize = 1 << 20;

/// A place where secrets rest.
///
/// Every call except [`SecretStore::unlock`] ends within [`CALL_TIMEOUT`] and never raises a prompt.
///
/// Calls on one key take effect in the order in which they began, and a key never has two items. So when a `put` or
/// `delete` times out (or its future is dropped), its outcome is unknown only until the next call on that key: that
/// call waits for the late change, within its own deadline, and then meets what became of it. Nothing is ever written
/// behind the back of a call that was answered.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// What this backend is and can do.
    fn backend(&self) -> BackendInfo;

    /// Whether it can be used right now.
    async fn status(&self) -> Result<(), StoreError>;

    /// Makes a locked store usable; ends after `wait` at the latest, and dropping the future cancels it, together with
    /// a prompt that is still on the screen. A store that does not exist yet and is opened by a passphrase is created
    /// with it.
    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError>;

    /// The secret under this key.
    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError>;

    /// The secrets under these keys, in their order. A store that has to read everything for one reads it once for all.
    async fn get_many(&self, keys: &[ItemKey]) -> Vec<Result<Secret, StoreError>> {
        let calls: Vec<_> = keys.iter().map(|key| self.get(key)).collect();
        futures::stream::iter(calls).buffered(MAX_CONCURRENT_READS).collect().await
    }

    /// How many secrets are best read in one go by somebody who needs very many: what is read lies in memory until it was
    /// used, and the first is waited for as long as all of them are.
    fn read_batch_size(&self) -> usize {
        64
    }

    /// Keeps a secret under this key, in place of what was there. When this returns, it is durable.
    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError>;

    /// Removes the item under this key; removing what is not there is no error.
    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError>;
}

/// How a store is to be unlocked.
pub enum UnlockMethod<'a> {
    /// By the backend's own prompt, such as the desktop's dialog.
    SystemPrompt,
    /// By this passphrase.
    Passphrase(&'a Secret),
}

/// What a backend is and can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendInfo {
    /// Which one.
    pub kind: BackendKind,
    /// The name for people, such as `Secret Service`.
    pub title: &'static str,
    /// How long its items last.
    pub persistence: Persistence,
    /// The largest item in bytes.
    pub item_limit: usize,
}

/// The backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendKind {
    /// The system's keyring.
    Keyring,
    /// The encrypted file.
    File,
    /// This process's memory.
    Memory,
}

/// How long items last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// Until they are removed.
    Disk,
    /// As long as this process runs.
    Process,
}

impl BackendInfo {
    /// Refuses, before anything is touched, what this backend cannot hold.
    fn validate_item(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        key.validate()?;
        let (size, limit) = (secret.len(), self.item_limit);
        if size > limit { Err(StoreError::TooLarge { size, limit }) } else { Ok(()) }
    }
}

impl BackendKind {
    /// The word that chooses it in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }
}

impl ItemKey {
    /// The key of a part of a credential's secret in a slot.
    pub fn for_part(credential: &CredentialId, slot: SecretSlot, part: &SecretPart) -> Self {
        Self(format!("{credential}/{}/{}", slot.as_str(), part.as_str()))
    }

    /// The key of an item of the program's own, such as the fingerprint key.
    pub fn internal(name: &'static str) -> Self {
        Self(format!("tokenring/{name}"))
    }

    /// A key for a proof that the store keeps what it is given, different each time so that proofs do not meet.
    pub(crate) fn for_self_test(random: [u8; 16]) -> Self {
        Self(format!("tokenring/proof-{}", to_hex(&random)))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A NUL in a name would make the message bus hang up on the whole program.
    fn validate(&self) -> Result<(), StoreError> {
        if self.0.contains('\0') {
            Err(StoreError::Denied("a key cannot hold a NUL character".to_owned()))
        } else {
            Ok(())
        }
    }
}

fn clone_secret(secret: &Secret) -> Secret {
    Secret::new(secret.expose(<[u8]>::to_vec))
}
