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
use self::secret_service::{ITEM_LIMIT, Platform, TITLE};
use super::calls::{Turns, to_its_end, within};
use super::{Backend, BackendKind, CALL_DEADLINE, ItemKey, Persistence, Store, StoreError, Unlock};
use crate::domain::Secret;

/// What every item of this program is filed under.
const SERVICE: &str = "tokenring";

const BACKEND: Backend =
    Backend { kind: BackendKind::Keyring, title: TITLE, persistence: Persistence::Disk, item_limit: ITEM_LIMIT };

/// The system's keyring, reached when it is first needed and over one connection from then on.
#[derive(Default)]
pub struct Keyring {
    platform: Arc<Platform>,
    turns: Turns,
}

impl Keyring {
    /// The keyring of this session. Nothing happens yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bounds a call that changes nothing; when it is too late for it, it is dropped.
    async fn ask<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let outcome = within(CALL_DEADLINE, call).await;
        self.reconnect_if_late(outcome)
    }

    /// Bounds the wait for a change, but not the change: half a message would leave nobody knowing what was done.
    async fn change(
        &self,
        key: &ItemKey,
        call: impl FnOnce(Arc<Platform>, ItemKey) -> BoxFuture<'static, Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        let outcome = within(CALL_DEADLINE, async {
            let turn = self.turns.take(key).await;
            let change = call(self.platform.clone(), key.clone());
            to_its_end(async move {
                let _turn = turn;
                change.await
            })
            .await
        })
        .await;
        self.reconnect_if_late(outcome)
    }

    fn reconnect_if_late<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::TimedOut(_)) = outcome {
            self.platform.forget_connection();
        }
        outcome
    }
}

#[async_trait]
impl Store for Keyring {
    fn backend(&self) -> Backend {
        BACKEND
    }

    async fn status(&self) -> Result<(), StoreError> {
        self.ask(self.platform.status()).await
    }

    async fn unlock(&self, by: Unlock<'_>, wait: Duration) -> Result<(), StoreError> {
        match by {
            Unlock::OwnPrompt => within(wait, self.platform.unlock()).await,
            Unlock::Passphrase(_) => Err(StoreError::Denied("the keyring asks for its password itself".to_owned())),
        }
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        key.admit()?;
        let call = async {
            let _turn = self.turns.take(key).await;
            self.platform.get(key).await
        };
        self.ask(call).await
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        BACKEND.admit(key, secret)?;
        let secret = super::copy_of(secret);
        self.change(key, |platform, key| async move { platform.put(&key, &secret).await }.boxed()).await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        key.admit()?;
        self.change(key, |platform, key| async move { platform.delete(&key).await }.boxed()).await
    }
}
