//! Encrypted-file store, for machines without a keyring. It is chosen by name and is never a
//! fallback.
//!
//! A folder (0700) holds two files in the age format: `identity.age`, a key that is encrypted with
//! the passphrase, and `vault.age`, the items that are encrypted with that key. Both can be read
//! without this program: `age -d identity.age > key; age -d -i key vault.age`. The expensive
//! passphrase derivation runs once, when the store is unlocked; a later change takes a millisecond.
//! `passphrase_change` replaces passphrase and key.
//!
//! No item stays in memory: each call reads and decrypts the file again, so it also sees the
//! changes of other processes. Start reading at [`FileStore`].

mod items;
mod passphrase_change;
mod passphrase_identity;
mod vault;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

pub(super) use self::passphrase_identity::PassphraseIdentity;
use self::vault::Vault;
pub(super) use self::vault::passphrase_text;
use super::backends::StoreBackend;
use super::key_locks::{KeyLocks, spawn_blocking, with_timeout};
use super::{
    BATCH_TIMEOUT, BackendInfo, CALL_TIMEOUT, ItemKey, Persistence, SecretStore, StoreError,
    UnlockMethod, UnlockSource,
};
use crate::domain::{Secret, StoreKind};

/// Secret store in an encrypted file.
pub struct FileStore {
    folder: PathBuf,
    work_factor: WorkFactor,
    vault: Mutex<Option<Arc<Vault>>>,
    key_locks: KeyLocks,
}

/// Cost of one passphrase attempt: scrypt with N = 2 to the power of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkFactor(u8);

/// Name of the folder in the folder of the program's data.
const VAULT_FOLDER: &str = "vault";

/// Description of this backend.
pub(super) static BACKEND: StoreBackend = StoreBackend {
    info: BackendInfo {
        kind: StoreKind::File,
        title: "encrypted file",
        generic_title: "encrypted file",
        unlocked_by: UnlockSource::Passphrase,
        persistence: Persistence::Disk,
        item_limit: super::DEFAULT_MAX_ITEM_BYTES,
    },
    open: |data| Arc::new(FileStore::new(data.join(VAULT_FOLDER))),
};

impl FileStore {
    /// Returns the locked store in this folder. The first unlock creates it.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            work_factor: WorkFactor::default(),
            vault: Mutex::default(),
            key_locks: KeyLocks::default(),
        }
    }

    /// Returns the store with another work factor for its creation.
    #[must_use]
    pub fn with_work_factor(self, work_factor: WorkFactor) -> Self {
        Self { work_factor, ..self }
    }

    fn unlocked_vault(&self) -> Option<Arc<Vault>> {
        self.vault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs `work` on one item while holding the lock of its key. The lock moves into the work,
    /// which runs to completion once it has started.
    async fn with_item<T: Send + 'static>(
        &self,
        key: &ItemKey,
        work: impl FnOnce(&Vault, &ItemKey) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        key.validate()?;
        with_timeout(CALL_TIMEOUT, async {
            let guard = self.key_locks.lock(key).await;
            let (folder, unlocked, key) = (self.folder.clone(), self.unlocked_vault(), key.clone());
            spawn_blocking(move || {
                let _guard = guard;
                work(&*unlocked.map_or_else(|| Err(vault::closed_reason(&folder)), Ok)?, &key)
            })
            .await
        })
        .await
    }
}

impl FileStore {
    /// Like [`FileStore::with_item`], for a change of many items at once.
    async fn with_items(
        &self,
        keys: &[ItemKey],
        work: impl FnOnce(&Vault) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        with_timeout(BATCH_TIMEOUT, async {
            let guards = self.key_locks.lock_all(keys).await;
            let (folder, unlocked) = (self.folder.clone(), self.unlocked_vault());
            spawn_blocking(move || {
                let _guards = guards;
                work(&*unlocked.map_or_else(|| Err(vault::closed_reason(&folder)), Ok)?)
            })
            .await
        })
        .await
    }
}

impl WorkFactor {
    /// Largest work factor that is accepted when a vault is opened: about ten seconds.
    const MAX: u8 = 20;

    /// Returns a work factor between 1 (instant, for tests) and 20 (about ten seconds); other
    /// values are clamped.
    pub fn new(log_n: u8) -> Self {
        Self(log_n.clamp(1, Self::MAX))
    }

    /// Returns the binary logarithm of N.
    pub(super) const fn exponent(self) -> u8 {
        self.0
    }
}

impl Default for WorkFactor {
    /// Returns the work factor that the `age` program uses: about a second and 256 MiB for each
    /// attempt.
    fn default() -> Self {
        Self(18)
    }
}

#[async_trait]
impl SecretStore for FileStore {
    fn backend(&self) -> BackendInfo {
        BACKEND.info
    }

    async fn status(&self) -> Result<(), StoreError> {
        let (folder, unlocked) = (self.folder.clone(), self.unlocked_vault());
        let check = spawn_blocking(move || {
            vault::check_vault(&folder).and(unlocked.map_or(Err(StoreError::Locked), |_| Ok(())))
        });
        with_timeout(CALL_TIMEOUT, check).await
    }

    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError> {
        let UnlockMethod::Passphrase(passphrase) = by else {
            return Err(StoreError::Denied("the encrypted file needs its passphrase".to_owned()));
        };
        let (folder, passphrase, work_factor) =
            (self.folder.clone(), vault::passphrase_text(passphrase)?, self.work_factor);
        let vault = with_timeout(
            wait,
            spawn_blocking(move || Vault::open(folder, &passphrase, work_factor)),
        )
        .await?;
        // Set the vault here and not on the thread: if the caller has canceled meanwhile, the store
        // stays locked.
        *self.vault.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(vault));
        Ok(())
    }

    async fn lock(&self) -> Result<(), StoreError> {
        *self.vault.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    async fn change_passphrase(
        &self,
        current: &Secret,
        new: &Secret,
        wait: Duration,
    ) -> Result<(), StoreError> {
        let (folder, work_factor) = (self.folder.clone(), self.work_factor);
        let (current, new) = (vault::passphrase_text(current)?, vault::passphrase_text(new)?);
        let change = move || Vault::change_passphrase(folder, &current, &new, work_factor);
        let vault = with_timeout(wait, spawn_blocking(change)).await?;
        *self.vault.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(vault));
        Ok(())
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.with_item(key, Vault::get).await
    }

    async fn get_many(&self, keys: &[ItemKey]) -> Vec<Result<Secret, StoreError>> {
        let read = with_timeout(CALL_TIMEOUT, async {
            let guards = self.key_locks.lock_all(keys).await;
            let (folder, unlocked, keys) =
                (self.folder.clone(), self.unlocked_vault(), keys.to_vec());
            spawn_blocking(move || {
                let _guards = guards;
                unlocked.map_or_else(|| Err(vault::closed_reason(&folder)), Ok)?.get_many(&keys)
            })
            .await
        });
        read.await.unwrap_or_else(|error| keys.iter().map(|_| Err(error.clone())).collect())
    }

    /// Returns a large batch size, because every call decrypts the whole file.
    fn read_batch_size(&self) -> usize {
        1 << 14
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        BACKEND.info.validate_item(key, secret)?;
        let secret = super::clone_secret(secret);
        self.with_item(key, move |vault, key| vault.update_items(|items| items.put(key, &secret)))
            .await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.with_item(key, |vault, key| vault.update_items(|items| items.remove(key))).await
    }

    async fn put_many(&self, items: &[(ItemKey, Arc<Secret>)]) -> Result<(), StoreError> {
        items.iter().try_for_each(|(key, secret)| BACKEND.info.validate_item(key, secret))?;
        let keys: Vec<_> = items.iter().map(|(key, _)| key.clone()).collect();
        let items = items.to_vec();
        self.with_items(&keys, move |vault| vault.update_items(|known| known.put_all(&items))).await
    }

    async fn delete_many(&self, keys: &[ItemKey]) -> Result<(), StoreError> {
        keys.iter().try_for_each(ItemKey::validate)?;
        let removed = keys.to_vec();
        self.with_items(keys, move |vault| vault.update_items(|items| items.remove_all(&removed)))
            .await
    }
}
