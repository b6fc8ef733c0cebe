//! The system's keyring: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.
//!
//! The platforms know how to reach an item; this module holds them to the port's promises, the same ones everywhere:
//! a deadline, an order of calls on one key, and a limit that is checked before anything is written. An item is named
//! by its opaque key and by the program's name, and by nothing else, because names lie in the clear on the disk.

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
use self::native::{ITEM_LIMIT, Platform, TITLE};
#[cfg(target_os = "linux")]
use self::secret_service::{ITEM_LIMIT, SecretServiceBackend, TITLE};
use super::key_locks::{KeyLocks, run_to_completion, with_timeout};
use super::{
    BackendInfo, BackendKind, CALL_TIMEOUT, ItemKey, Persistence, SecretStore, StoreError,
    UnlockMethod,
};
use crate::domain::Secret;

/// What every item of this program is filed under.
const SERVICE: &str = "tokenring";

const BACKEND: BackendInfo = BackendInfo {
    kind: BackendKind::Keyring,
    title: TITLE,
    persistence: Persistence::Disk,
    item_limit: ITEM_LIMIT,
};

/// The system's keyring, reached when it is first needed and over one connection from then on.
#[derive(Default)]
pub struct KeyringStore {
    platform: Arc<SecretServiceBackend>,
    key_locks: KeyLocks,
}

impl KeyringStore {
    /// The keyring of this session. Nothing happens yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bounds a call that changes nothing; when it is too late for it, it is dropped.
    async fn call_with_timeout<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let outcome = with_timeout(CALL_TIMEOUT, call).await;
        self.reconnect_on_timeout(outcome)
    }

    /// Bounds the wait for a change, but not the change: half a message would leave nobody knowing what was done.
    async fn change_with_timeout(
        &self,
        key: &ItemKey,
        call: impl FnOnce(
            Arc<SecretServiceBackend>,
            ItemKey,
        ) -> BoxFuture<'static, Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        let outcome = with_timeout(CALL_TIMEOUT, async {
            let turn = self.key_locks.lock(key).await;
            let change = call(self.platform.clone(), key.clone());
            run_to_completion(async move {
                let _turn = turn;
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
        BACKEND
    }

    async fn status(&self) -> Result<(), StoreError> {
        self.call_with_timeout(self.platform.status()).await
    }

    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError> {
        match by {
            UnlockMethod::SystemPrompt => with_timeout(wait, self.platform.unlock()).await,
            UnlockMethod::Passphrase(_) => {
                Err(StoreError::Denied("the keyring asks for its password itself".to_owned()))
            }
        }
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        key.validate()?;
        let call = async {
            let _turn = self.key_locks.lock(key).await;
            self.platform.get(key).await
        };
        self.call_with_timeout(call).await
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        BACKEND.validate_item(key, secret)?;
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
