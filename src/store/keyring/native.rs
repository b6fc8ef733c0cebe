//! macOS Keychain and Windows Credential Manager.
//!
//! Their calls block, so each runs on a separate thread and the caller's deadline limits the wait.
//! Neither system reports whether its store is locked before an item is accessed, and macOS can
//! open a dialog when a binary reads an item that another build has written; such a call fails at
//! the deadline, and the dialog stays open for the user.

use keyring::{Entry, Error};

use super::SERVICE;
use crate::domain::Secret;
use crate::store::key_locks::spawn_blocking;
use crate::store::{ItemKey, StoreError};

/// Title for the user.
pub(super) const TITLE: &str = if cfg!(windows) { "Credential Manager" } else { "Keychain" };

/// Size limit of one item: 2,560 bytes on Windows; macOS has no limit.
pub(super) const ITEM_LIMIT: usize = if cfg!(windows) { 2560 } else { 64 * 1024 };

/// Keyring of this system. It has no connection.
#[derive(Default)]
pub(super) struct NativeBackend;

impl NativeBackend {
    /// Returns the keyring of this system, which has no collections to choose from.
    pub(super) fn new(_collection: Option<String>) -> Self {
        Self
    }

    /// Reads an item that never exists, which reaches the store without accessing a secret.
    pub(super) async fn status(&self) -> Result<(), StoreError> {
        match self.get(&ItemKey::internal("status")).await {
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Returns the status: both systems unlock their store with the session and show their own
    /// prompt where needed.
    pub(super) async fn unlock(&self) -> Result<(), StoreError> {
        self.status().await
    }

    pub(super) async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        with_entry(key, |entry| entry.get_secret().map(Secret::new)).await
    }

    pub(super) async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        let secret = crate::store::clone_secret(secret);
        with_entry(key, move |entry| secret.expose(|bytes| entry.set_secret(bytes))).await
    }

    pub(super) async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        match with_entry(key, Entry::delete_credential).await {
            Err(StoreError::NotFound) => Ok(()),
            outcome => outcome,
        }
    }

    #[expect(
        clippy::unused_self,
        reason = "all platforms have the same interface, and this one has no connection"
    )]
    pub(super) const fn reset_connection(&self) {}
}

async fn with_entry<T: Send + 'static>(
    key: &ItemKey,
    work: impl FnOnce(&Entry) -> keyring::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let name = key.as_str().to_owned();
    spawn_blocking(move || {
        Entry::new(SERVICE, &name)
            .and_then(|entry| work(&entry))
            .map_err(|error| from_keyring_error(&error))
    })
    .await
}

/// Converts an error. Some errors contain the secret itself, so only those known to be safe keep
/// their details.
fn from_keyring_error(error: &Error) -> StoreError {
    match error {
        Error::NoEntry => StoreError::NotFound,
        Error::NoStorageAccess(_) => StoreError::Locked,
        Error::Ambiguous(entries) => StoreError::Ambiguous(entries.len()),
        Error::TooLong(_, limit) => {
            let limit = usize::try_from(*limit).unwrap_or(usize::MAX);
            StoreError::TooLarge { size: limit.saturating_add(1), limit }
        }
        Error::PlatformFailure(why) => StoreError::Unavailable(why.to_string()),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            StoreError::Damaged("the item has an unknown format".to_owned())
        }
        Error::NoDefaultStore => {
            StoreError::Unavailable("the system's store could not be opened".to_owned())
        }
        _ => StoreError::Unavailable("the system's store rejected the call".to_owned()),
    }
}
