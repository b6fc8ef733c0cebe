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
//! changes of other processes. A store that is locked can be opened by a session, which holds the
//! key for all processes of the user. Start reading at [`FileStore`].

mod items;
mod passphrase_change;
mod passphrase_identity;
mod session;
mod vault;
mod vault_access;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub(super) use self::passphrase_identity::PassphraseIdentity;
pub use self::session::{AGENT_ARGUMENTS, run_agent};
use self::vault::Vault;
pub(super) use self::vault::passphrase_text;
use self::vault_access::VaultAccess;
use super::backends::StoreBackend;
use super::key_locks::{KeyLocks, spawn_blocking, with_timeout};
use super::session::{SessionHolder, SessionLimits, SessionState, StoreSession};
use super::{
    BATCH_TIMEOUT, BackendInfo, CALL_TIMEOUT, ItemKey, Persistence, SecretStore, StoreError,
    UnlockMethod, UnlockSource,
};
use crate::domain::{Secret, StoreKind};

/// Secret store in an encrypted file.
pub struct FileStore {
    folder: PathBuf,
    work_factor: WorkFactor,
    access: Arc<VaultAccess>,
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
    open: |location| Arc::new(FileStore::new(location.data.join(VAULT_FOLDER)).with_sessions()),
};

impl FileStore {
    /// Returns the locked store in this folder. The first unlock creates it.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            access: Arc::new(VaultAccess::new(folder.clone())),
            folder,
            work_factor: WorkFactor::default(),
            key_locks: KeyLocks::default(),
        }
    }

    /// Returns the store that also opens by a session of the user.
    #[must_use]
    pub fn with_sessions(self) -> Self {
        Self { access: Arc::new(VaultAccess::with_session(self.folder.clone())), ..self }
    }

    /// Returns the store with another work factor for its creation.
    #[must_use]
    pub fn with_work_factor(self, work_factor: WorkFactor) -> Self {
        Self { work_factor, ..self }
    }

    /// Runs `work` on one item while holding the lock of its key. The lock moves into the work,
    /// which runs to completion once it has started.
    async fn with_item<T: Send + 'static>(
        &self,
        key: &ItemKey,
        open: impl FnOnce(&VaultAccess) -> Result<Arc<Vault>, StoreError> + Send + 'static,
        work: impl FnOnce(&Vault, &ItemKey) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        key.validate()?;
        with_timeout(CALL_TIMEOUT, async {
            let guard = self.key_locks.lock(key).await;
            let (access, key) = (Arc::clone(&self.access), key.clone());
            spawn_blocking(move || {
                let _guard = guard;
                work(&*open(&access)?, &key)
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
            let access = Arc::clone(&self.access);
            spawn_blocking(move || {
                let _guards = guards;
                work(&*access.for_writing()?)
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
        let access = Arc::clone(&self.access);
        let check = spawn_blocking(move || access.check());
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
        self.access.set_unlocked(vault);
        Ok(())
    }

    async fn lock(&self) -> Result<(), StoreError> {
        self.access.lock();
        Ok(())
    }

    async fn start_session(
        &self,
        holder: SessionHolder,
        limits: SessionLimits,
    ) -> Result<StoreSession, StoreError> {
        let access = Arc::clone(&self.access);
        spawn_blocking(move || access.start_session(holder, limits)).await
    }

    async fn session(&self) -> SessionState {
        let access = Arc::clone(&self.access);
        spawn_blocking(move || Ok(access.session())).await.unwrap_or_else(SessionState::Unusable)
    }

    async fn end_session(&self) -> Result<bool, StoreError> {
        let access = Arc::clone(&self.access);
        spawn_blocking(move || access.end_session()).await
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
        self.access.set_unlocked(vault);
        // What a session holds is the key of the old passphrase.
        self.end_session().await.map(drop)
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.with_item(key, VaultAccess::for_reading, Vault::get).await
    }

    async fn get_many(&self, keys: &[ItemKey]) -> Vec<Result<Secret, StoreError>> {
        let read = with_timeout(CALL_TIMEOUT, async {
            let guards = self.key_locks.lock_all(keys).await;
            let (access, keys) = (Arc::clone(&self.access), keys.to_vec());
            spawn_blocking(move || {
                let _guards = guards;
                access.for_reading()?.get_many(&keys)
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
        self.with_item(key, VaultAccess::for_writing, move |vault, key| {
            vault.update_items(|items| items.put(key, &secret))
        })
        .await
    }

    /// Checks and writes under the lock of the file, so that several processes get one secret.
    async fn put_if_absent(&self, key: &ItemKey, secret: &Secret) -> Result<Secret, StoreError> {
        BACKEND.info.validate_item(key, secret)?;
        let secret = super::clone_secret(secret);
        self.with_item(key, VaultAccess::for_writing, move |vault, key| {
            vault.update_items(|items| {
                if items.get(key).err() == Some(StoreError::NotFound) {
                    items.put(key, &secret);
                }
            })?;
            vault.get(key)
        })
        .await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.with_item(key, VaultAccess::for_writing, |vault, key| {
            vault.update_items(|items| items.remove(key))
        })
        .await
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
