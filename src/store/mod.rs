//! Secret stores.
//!
//! Start reading at [`SecretStore`], the trait of all backends: the system keyring, an encrypted
//! file and memory. What they can do is described in `backends`. One contract test suite
//! (`tests/suite/store/`) covers all of them. A store knows items only by opaque keys: no
//! description of a credential ever reaches it, because item names and attributes are plain text on
//! the disk. Data that is not secret belongs to `database`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;

use self::backends::StoreBackend;
use self::session::{SessionHolder, SessionLimits, SessionState, StoreSession};
use crate::domain::credential::{CredentialId, SecretPart, SecretSlot};
use crate::domain::{Secret, StoreKind};
use crate::util::hex::to_hex;

mod backends;
pub mod backup_file;
mod error;
mod file;
mod key_locks;
mod keyring;
mod memory;
pub mod passphrase;
mod private_files;
mod self_test;
pub mod session;
mod tracked;

pub use backends::{
    BackendInfo, Persistence, StoreLocation, StoreStatus, UnlockSource, backend_info, open_store,
    persistent_backends, probe_stores,
};
pub use error::StoreError;
pub use file::{AGENT_ARGUMENTS, FileStore, WorkFactor, run_agent};
pub use keyring::KeyringStore;
pub use memory::MemoryStore;
pub use self_test::{run_self_test, run_self_test_with_size};
pub use tracked::TrackedStore;

/// Name of the program's own item that holds the fingerprint key.
pub const FINGERPRINT_KEY_ITEM: &str = "fingerprint-key";

/// Deadline of a call that opens no prompt.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Deadline of a call that changes many items.
pub const BATCH_TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum number of concurrent reads in a bulk read.
const MAX_CONCURRENT_READS: usize = 8;

/// Key of one item: credential, slot and part.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemKey(String);

/// Item limit of backends without a limit of their own, far above the size of any token.
const DEFAULT_MAX_ITEM_BYTES: usize = 1 << 20;

/// Store for secrets.
///
/// Every call except [`SecretStore::unlock`] finishes within [`CALL_TIMEOUT`] for each item, or
/// within [`BATCH_TIMEOUT`] where it writes all items at once, and never opens a prompt.
///
/// Calls on one key take effect in the order in which they started, and a key never has two items.
/// So when a `put` or `delete` times out (or its future is dropped), its result is unknown only
/// until the next call on that key: this call waits for the late change, within its own deadline,
/// and then sees the result. Nothing is ever written after a later call has returned.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Returns the description of this backend.
    fn backend(&self) -> BackendInfo;

    /// Checks whether the store is usable right now.
    async fn status(&self) -> Result<(), StoreError>;

    /// Unlocks the store. The call fails after `wait` at the latest; dropping the future cancels it
    /// and closes a prompt that is still open. Unlocking a store that does not exist yet with a
    /// passphrase creates it with that passphrase.
    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError>;

    /// Locks the store for this process, where it has a passphrase of its own; a keyring stays as
    /// the desktop has it.
    async fn lock(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Lets other processes of this user open the unlocked store without its passphrase. Replaces a
    /// session that is active.
    async fn start_session(
        &self,
        _holder: SessionHolder,
        _limits: SessionLimits,
    ) -> Result<StoreSession, StoreError> {
        Err(StoreError::Denied("this store has no passphrase of its own".to_owned()))
    }

    /// Returns whether other processes can open the store without its passphrase.
    async fn session(&self) -> SessionState {
        SessionState::NotOffered
    }

    /// Ends the session, and returns whether there was one. Processes that have opened the store
    /// with it read nothing any more; what they write is still stored, so that no new secret is
    /// lost.
    async fn end_session(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Replaces the passphrase of the store, and the key that encrypts its items. If the process
    /// dies, either passphrase opens the store with all its items.
    async fn change_passphrase(
        &self,
        _current: &Secret,
        _new: &Secret,
        _wait: Duration,
    ) -> Result<(), StoreError> {
        Err(StoreError::Denied("this store has no passphrase of its own".to_owned()))
    }

    /// Returns the secret under this key.
    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError>;

    /// Returns the secrets under these keys, in the order of the keys. A store that reads
    /// everything for one secret reads it once for all.
    async fn get_many(&self, keys: &[ItemKey]) -> Vec<Result<Secret, StoreError>> {
        let calls: Vec<_> = keys.iter().map(|key| self.get(key)).collect();
        futures::stream::iter(calls).buffered(MAX_CONCURRENT_READS).collect().await
    }

    /// Returns the recommended number of secrets per read or write for a caller that has very many.
    /// All secrets of a batch are in memory at once, and the first one is available only when the
    /// whole batch is.
    fn read_batch_size(&self) -> usize {
        64
    }

    /// Stores a secret under this key and replaces the previous one. It is durable when this call
    /// returns.
    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError>;

    /// Stores a secret under this key unless the key has one, and returns the one that it has. A
    /// store without a lock of its own between processes leaves that to the caller.
    async fn put_if_absent(&self, key: &ItemKey, secret: &Secret) -> Result<Secret, StoreError> {
        match self.get(key).await {
            Err(StoreError::NotFound) => {
                self.put(key, secret).await?;
                self.get(key).await
            }
            found => found,
        }
    }

    /// Removes the item under this key; a missing item is not an error.
    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError>;

    /// Stores secrets under these keys and replaces the previous ones. They are durable when this
    /// call returns. After an error some of them may be stored, in the order of the list. A store
    /// that writes everything for one secret writes it once for all, and then all or none are
    /// stored.
    async fn put_many(&self, items: &[(ItemKey, Arc<Secret>)]) -> Result<(), StoreError> {
        for (key, secret) in items {
            self.put(key, secret).await?;
        }
        Ok(())
    }

    /// Removes the items under these keys, like [`SecretStore::put_many`] stores them.
    async fn delete_many(&self, keys: &[ItemKey]) -> Result<(), StoreError> {
        for key in keys {
            self.delete(key).await?;
        }
        Ok(())
    }
}

/// Method to unlock a store.
pub enum UnlockMethod<'a> {
    /// The backend's own prompt, such as the desktop's dialog.
    SystemPrompt,
    /// This passphrase.
    Passphrase(&'a Secret),
}

impl BackendInfo {
    /// Rejects an item that this backend cannot store, before anything is changed.
    fn validate_item(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        key.validate()?;
        let (size, limit) = (secret.len(), self.item_limit);
        if size > limit { Err(StoreError::TooLarge { size, limit }) } else { Ok(()) }
    }
}

impl ItemKey {
    /// Returns the key for a part of a credential's secret in a slot.
    pub fn for_part(credential: &CredentialId, slot: SecretSlot, part: &SecretPart) -> Self {
        Self(format!("{credential}/{}/{}", slot.as_str(), part.as_str()))
    }

    /// Returns the key of an internal item of the program, such as the fingerprint key.
    pub fn internal(name: &'static str) -> Self {
        Self(format!("tokenring/{name}"))
    }

    /// Returns the key of the item that holds the fingerprint key.
    pub fn fingerprint_key() -> Self {
        Self::internal(FINGERPRINT_KEY_ITEM)
    }

    /// Returns the key of the anchor of an audit log. Several databases can share one store, so the
    /// key has an ID of the database.
    pub fn for_audit_anchor(database: &str) -> Self {
        Self(format!("tokenring/audit-anchor-{database}"))
    }

    /// Returns the key of the item that says that the bindings of a database were recorded.
    pub fn for_bindings(database: &str) -> Self {
        Self(format!("tokenring/bindings-recorded-{database}"))
    }

    /// Returns a key for a self-test item. It is random, so that concurrent self-tests do not
    /// collide.
    pub(crate) fn for_self_test(random: [u8; 16]) -> Self {
        Self(format!("tokenring/proof-{}", to_hex(&random)))
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Rejects keys with a NUL, which would make D-Bus close the connection of the whole program.
    fn validate(&self) -> Result<(), StoreError> {
        if self.0.contains('\0') {
            Err(StoreError::Denied("a key cannot contain a NUL character".to_owned()))
        } else {
            Ok(())
        }
    }
}

/// Returns the backend of a kind. A new backend is one module above and one line here.
fn find_backend(kind: StoreKind) -> &'static StoreBackend {
    match kind {
        StoreKind::Keyring => &keyring::BACKEND,
        StoreKind::File => &file::BACKEND,
        StoreKind::Memory => &memory::BACKEND,
    }
}

fn clone_secret(secret: &Secret) -> Secret {
    Secret::new(secret.expose(<[u8]>::to_vec))
}
