//! Keyring store of the operating system: Secret Service on Linux, Keychain on macOS, Credential
//! Manager on Windows.
//!
//! The platform modules read and write items; this module adds the guarantees of [`SecretStore`],
//! the same on every platform: a deadline, an order of the calls on one key, and a size limit that
//! is checked before anything is written. An item is named only by its opaque key and the program's
//! name, because item names are plain text on the disk. Start reading at [`KeyringStore`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;

#[cfg(any(target_os = "macos", windows))]
mod native;
#[cfg(target_os = "linux")]
mod secret_service;

#[cfg(any(target_os = "macos", windows))]
use self::native::{ITEM_LIMIT, NativeBackend as PlatformBackend, TITLE};
#[cfg(target_os = "linux")]
use self::secret_service::{ITEM_LIMIT, SecretServiceBackend as PlatformBackend, TITLE};
use super::backends::StoreBackend;
use super::key_locks::{KeyLocks, run_to_completion, with_timeout};
use super::{
    BackendInfo, CALL_TIMEOUT, ItemKey, Persistence, SecretStore, StoreError, UnlockMethod,
    UnlockSource,
};
use crate::domain::{Secret, StoreKind};

/// Service name of every item of this program.
const SERVICE: &str = "tokenring";

/// Description of this backend.
pub(super) static BACKEND: StoreBackend = StoreBackend {
    info: BackendInfo {
        kind: StoreKind::Keyring,
        title: TITLE,
        generic_title: "system keyring",
        unlocked_by: UnlockSource::Desktop,
        persistence: Persistence::Disk,
        item_limit: ITEM_LIMIT,
    },
    open: |location| Arc::new(KeyringStore::in_collection(location.keyring_collection)),
};

/// Store in the system's keyring. It connects on first use and keeps the connection.
#[derive(Default)]
pub struct KeyringStore {
    platform: Arc<PlatformBackend>,
    key_locks: KeyLocks,
}

impl KeyringStore {
    /// Returns the keyring of this session, without connecting.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the keyring of this session with another collection for new items, by its label or
    /// path. A platform without collections has one keyring.
    pub fn in_collection(collection: Option<&str>) -> Self {
        let platform = Arc::new(PlatformBackend::new(collection.map(str::to_owned)));
        Self { platform, ..Self::default() }
    }

    /// Runs a call that changes nothing with a deadline; a call that is too late is dropped.
    async fn call_with_timeout<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let outcome = with_timeout(CALL_TIMEOUT, call).await;
        self.reconnect_on_timeout(outcome)
    }

    /// Limits the wait for a change, but not the change itself: an interrupted change would leave
    /// the item in an unknown state.
    async fn change_with_timeout(
        &self,
        key: &ItemKey,
        call: impl FnOnce(Arc<PlatformBackend>, ItemKey) -> BoxFuture<'static, Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        let outcome = with_timeout(CALL_TIMEOUT, async {
            let guard = self.key_locks.lock(key).await;
            let change = call(self.platform.clone(), key.clone());
            run_to_completion(async move {
                let _guard = guard;
                change.await
            })
            .await
        })
        .await;
        self.reconnect_on_timeout(outcome)
    }

    fn reconnect_on_timeout<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::TimedOut(_)) = outcome {
            self.platform.reset_connection();
        }
        outcome
    }
}

#[async_trait]
impl SecretStore for KeyringStore {
    fn backend(&self) -> BackendInfo {
        BACKEND.info
    }

    async fn status(&self) -> Result<(), StoreError> {
        self.call_with_timeout(self.platform.status()).await
    }

    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError> {
        match by {
            UnlockMethod::SystemPrompt => with_timeout(wait, self.platform.unlock()).await,
            UnlockMethod::Passphrase(_) => {
                Err(StoreError::Denied("the keyring prompts for its own password".to_owned()))
            }
        }
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        key.validate()?;
        let call = async {
            let _guard = self.key_locks.lock(key).await;
            self.platform.get(key).await
        };
        self.call_with_timeout(call).await
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        BACKEND.info.validate_item(key, secret)?;
        let secret = super::clone_secret(secret);
        self.change_with_timeout(key, |platform, key| {
            async move { platform.put(&key, &secret).await }.boxed()
        })
        .await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        key.validate()?;
        self.change_with_timeout(key, |platform, key| {
            async move { platform.delete(&key).await }.boxed()
        })
        .await
    }
}
