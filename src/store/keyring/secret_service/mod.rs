//! The Secret Service of a Linux desktop, by its asynchronous interface.
//!
//! Nothing here raises a prompt except [`SecretServiceBackend::unlock`]: whether something is locked is always asked first. The
//! session with the service is opened at the first call and kept; a daemon that restarts loses it, so it is opened
//! once more when the service says that it knows it no longer.

mod fault;

use std::collections::HashMap;
use std::sync::Arc;

use secret_service::{EncryptionType, Item, SecretService};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use self::fault::ServiceFault;
use super::SERVICE;
use crate::domain::Secret;
use crate::store::key_locks::with_timeout;
use crate::store::{CALL_TIMEOUT, ItemKey, StoreError};

/// The name for people.
pub(super) const TITLE: &str = "Secret Service";

/// The service takes megabytes, but one message that is too large costs the whole connection; no token comes near this.
pub(super) const ITEM_LIMIT: usize = 64 * 1024;

/// Tells our items from those of others in keyring programs.
const ITEM_SCHEMA: &str = "dev.tokenring.Item";

/// What clients that show items should take them for.
const CONTENT_TYPE: &str = "text/plain";

/// A new item takes the place of one with the same attributes: another process may have been quicker since we looked,
/// and there must never be two.
const REPLACE_EXISTING: bool = true;

type ServiceSession = Arc<SecretService<'static>>;

/// The service, over one connection.
#[derive(Default)]
pub(super) struct SecretServiceBackend(Mutex<Option<ServiceSession>>);

impl SecretServiceBackend {
    /// Ready, locked or not there.
    pub(super) async fn status(&self) -> Result<(), StoreError> {
        self.call_with_reconnect(|session| async move { ensure_unlocked(&session).await }).await
    }

    /// Raises the desktop's own prompt. It has a connection to itself: when this future is dropped the connection goes,
    /// and the service takes the prompt of a caller that has gone off the screen.
    pub(super) async fn unlock(&self) -> Result<(), StoreError> {
        let unlock = async {
            let session = connect().await?;
            session.get_default_collection().await?.unlock().await?;
            ensure_unlocked(&session).await
        };
        unlock.await.map_err(ServiceFault::into_store_error)
    }

    pub(super) async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.call_with_reconnect(|session| async move {
            match find_items(&session, key).await?.as_slice() {
                [item] => Ok(Secret::new(item.get_secret().await?)),
                // A service may hide what it holds while it is locked, so "nothing" is only believed when it is not.
                [] => ensure_unlocked(&session).await.and(Err(StoreError::NotFound.into())),
                items => Err(StoreError::Ambiguous(items.len()).into()),
            }
        })
        .await
    }

    pub(super) async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        let bytes = &*Zeroizing::new(secret.expose(<[u8]>::to_vec));
        self.call_with_reconnect(|session| async move {
            match find_items(&session, key).await?.as_slice() {
                [item] => Ok(item.set_secret(bytes, CONTENT_TYPE).await?),
                [] => create_item(&session, key, bytes).await,
                items => Err(StoreError::Ambiguous(items.len()).into()),
            }
        })
        .await
    }

    /// Removes every item under this key, so that it is free whatever was there.
    pub(super) async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.call_with_reconnect(|session| async move {
            let items = find_items(&session, key).await?;
            if items.is_empty() {
                return ensure_unlocked(&session).await;
            }
            for item in &items {
                item.delete().await?;
            }
            Ok(())
        })
        .await
    }

    /// Lets the next call open a new connection. Calls that are under way keep the one they have.
    pub(super) fn reset_connection(&self) {
        // Whoever holds the lock is just opening a new one.
        if let Ok(mut session) = self.0.try_lock() {
            *session = None;
        }
    }

    /// Makes a call, once more over a new session if the service has lost the old one.
    async fn call_with_reconnect<T, F>(
        &self,
        call: impl Fn(ServiceSession) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, ServiceFault>>,
    {
        let session = self.session().await?;
        match call(session.clone()).await {
            Err(ServiceFault::ConnectionLost(_)) => {
                self.discard_session(&session).await;
                call(self.session().await?).await.map_err(ServiceFault::into_store_error)
            }
            outcome => outcome.map_err(ServiceFault::into_store_error),
        }
    }

    async fn session(&self) -> Result<ServiceSession, StoreError> {
        let mut session = self.0.lock().await;
        if let Some(session) = &*session {
            return Ok(session.clone());
        }
        // Bounded by itself too: a change goes on when its caller has given up, and a silent bus would keep it for ever.
        let new = with_timeout(CALL_TIMEOUT, async {
            connect().await.map_err(ServiceFault::into_store_error)
        })
        .await?;
        Ok(session.insert(new).clone())
    }

    /// Forgets this session, unless another call has already put a new one in its place.
    async fn discard_session(&self, lost: &ServiceSession) {
        let mut session = self.0.lock().await;
        if session.as_ref().is_some_and(|current| Arc::ptr_eq(current, lost)) {
            *session = None;
        }
    }
}

async fn connect() -> Result<ServiceSession, ServiceFault> {
    Ok(Arc::new(SecretService::connect(EncryptionType::Dh).await?))
}

async fn ensure_unlocked(session: &SecretService<'_>) -> Result<(), ServiceFault> {
    if session.get_default_collection().await?.is_locked().await? {
        Err(StoreError::Locked.into())
    } else {
        Ok(())
    }
}

/// All items under this key, each of them readable without a prompt.
async fn find_items<'a>(
    session: &'a SecretService<'_>,
    key: &ItemKey,
) -> Result<Vec<Item<'a>>, ServiceFault> {
    let found = session
        .search_items(HashMap::from([("service", SERVICE), ("username", key.as_str())]))
        .await?;
    if found.locked.is_empty() { Ok(found.unlocked) } else { Err(StoreError::Locked.into()) }
}

async fn create_item(
    session: &SecretService<'_>,
    key: &ItemKey,
    bytes: &[u8],
) -> Result<(), ServiceFault> {
    ensure_unlocked(session).await?;
    let attributes = HashMap::from([
        ("service", SERVICE),
        ("username", key.as_str()),
        ("xdg:schema", ITEM_SCHEMA),
    ]);
    let collection = session.get_default_collection().await?;
    collection.create_item(SERVICE, attributes, bytes, REPLACE_EXISTING, CONTENT_TYPE).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CONTENT_TYPE, ITEM_SCHEMA, SERVICE};

    #[test]
    fn what_items_in_the_keyring_are_filed_under() {
        assert_eq!(
            [SERVICE, ITEM_SCHEMA, CONTENT_TYPE],
            ["tokenring", "dev.tokenring.Item", "text/plain"]
        );
    }
}
