//! The encrypted file, for machines without a keyring. It is chosen by name, never fallen back to.
//!
//! A folder (0700) holds two files of the age format: `identity.age`, a key under the passphrase, and `vault.age`, the
//! items under that key. Both can be read without this program: `age -d identity.age > key; age -d -i key vault.age`.
//! The passphrase is worked on once, when the store is unlocked; a change afterwards costs a millisecond.
//!
//! No item stays in memory: each call reads and decrypts the file anew, so it also sees what other processes wrote.

mod items;
mod passphrase_identity;
mod vault;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::vault::Vault;
use super::key_locks::{KeyLocks, spawn_blocking, with_timeout};
use super::{
    BackendInfo, BackendKind, CALL_TIMEOUT, ItemKey, Persistence, SecretStore, StoreError,
    UnlockMethod,
};
use crate::domain::Secret;

/// The encrypted file.
pub struct FileStore {
    folder: PathBuf,
    work_factor: WorkFactor,
    vault: Mutex<Option<Arc<Vault>>>,
    key_locks: KeyLocks,
}

/// How much work it is to try one passphrase: scrypt with N = 2 to the power of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkFactor(u8);

const BACKEND: BackendInfo = BackendInfo {
    kind: BackendKind::File,
    title: "encrypted file",
    persistence: Persistence::Disk,
    item_limit: super::DEFAULT_MAX_ITEM_BYTES,
};

impl FileStore {
    /// The store in this folder, locked, and created when it is first unlocked.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            work_factor: WorkFactor::default(),
            vault: Mutex::default(),
            key_locks: KeyLocks::default(),
        }
    }

    /// The same store, with another price on trying a passphrase when it is created.
    #[must_use]
    pub fn with_work_factor(self, work_factor: WorkFactor) -> Self {
        Self { work_factor, ..self }
    }

    fn unlocked_vault(&self) -> Option<Arc<Vault>> {
        self.vault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Works on one item, in its turn. The turn goes with the work, which runs to its end once it has begun.
    async fn with_item<T: Send + 'static>(
        &self,
        key: &ItemKey,
        work: impl FnOnce(&Vault, &ItemKey) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        key.validate()?;
        with_timeout(CALL_TIMEOUT, async {
            let turn = self.key_locks.lock(key).await;
            let (folder, opened, key) = (self.folder.clone(), self.unlocked_vault(), key.clone());
            spawn_blocking(move || {
                let _turn = turn;
                work(&*opened.map_or_else(|| Err(vault::closed_reason(&folder)), Ok)?, &key)
            })
            .await
        })
        .await
    }
}

impl WorkFactor {
    /// The most that is accepted when a vault is opened: about ten seconds.
    const MAX: u8 = 20;

    /// A work factor between 1 (instant, for tests) and 20 (about ten seconds); what lies outside is drawn in.
    pub fn new(log_n: u8) -> Self {
        Self(log_n.clamp(1, Self::MAX))
    }
}

impl Default for WorkFactor {
    /// About half a second and 128 MiB for each try.
    fn default() -> Self {
        Self(17)
    }
}

#[async_trait]
impl SecretStore for FileStore {
    fn backend(&self) -> BackendInfo {
        BACKEND
    }

    async fn status(&self) -> Result<(), StoreError> {
        let (folder, opened) = (self.folder.clone(), self.unlocked_vault());
        let look = spawn_blocking(move || {
            vault::check_vault(&folder).and(opened.map_or(Err(StoreError::Locked), |_| Ok(())))
        });
        with_timeout(CALL_TIMEOUT, look).await
    }

    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError> {
        let UnlockMethod::Passphrase(passphrase) = by else {
            return Err(StoreError::Denied(
                "the encrypted file is opened by its passphrase".to_owned(),
            ));
        };
        let (folder, passphrase, work_factor) =
            (self.folder.clone(), vault::passphrase_text(passphrase)?, self.work_factor);
        let vault = with_timeout(
            wait,
            spawn_blocking(move || Vault::open(folder, &passphrase, work_factor)),
        )
        .await?;
        // Here, and not on the thread: whoever has cancelled meanwhile finds the store as locked as before.
        *self.vault.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(vault));
        Ok(())
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.with_item(key, Vault::get).await
    }

    async fn get_many(&self, keys: &[ItemKey]) -> Vec<Result<Secret, StoreError>> {
        let read = with_timeout(CALL_TIMEOUT, async {
            let turns = self.key_locks.lock_all(keys).await;
            let (folder, opened, keys) =
                (self.folder.clone(), self.unlocked_vault(), keys.to_vec());
            spawn_blocking(move || {
                let _turns = turns;
                opened.map_or_else(|| Err(vault::closed_reason(&folder)), Ok)?.get_many(&keys)
            })
            .await
        });
        read.await.unwrap_or_else(|error| keys.iter().map(|_| Err(error.clone())).collect())
    }

    /// Many, since each time everything is opened.
    fn read_batch_size(&self) -> usize {
        1 << 14
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        BACKEND.validate_item(key, secret)?;
        let secret = super::clone_secret(secret);
        self.with_item(key, move |vault, key| vault.update_items(|items| items.put(key, &secret)))
            .await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.with_item(key, |vault, key| vault.update_items(|items| items.remove(key))).await
    }
}
