//! Secret Service of a Linux desktop, through its asynchronous interface.
//!
//! Only [`SecretServiceBackend::unlock`] opens a prompt; all other calls check first whether
//! something is locked. The session with the service is opened by the first call and reused. A
//! daemon that restarts loses the session, so a call opens a new one when the service no longer
//! knows it. Start reading at [`SecretServiceBackend`].

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

/// Title for the user.
pub(super) const TITLE: &str = "Secret Service";

/// Size limit of one item. The service accepts megabytes, but a message that is too large closes
/// the whole connection; no token comes near this limit.
pub(super) const ITEM_LIMIT: usize = 64 * 1024;

/// Schema attribute that distinguishes the items of this program in keyring programs.
const ITEM_SCHEMA: &str = "dev.tokenring.Item";

/// Content type for clients that display items.
const CONTENT_TYPE: &str = "text/plain";

/// A new item replaces one with the same attributes: another process may have created it since the
/// search, and there must never be two.
const REPLACE_EXISTING: bool = true;

type ServiceSession = Arc<SecretService<'static>>;

/// Connection to the Secret Service.
#[derive(Default)]
pub(super) struct SecretServiceBackend(Mutex<Option<ServiceSession>>);

impl SecretServiceBackend {
    /// Returns whether the service is ready, locked or unavailable.
    pub(super) async fn status(&self) -> Result<(), StoreError> {
        self.call_with_reconnect(|session| async move { ensure_unlocked(&session).await }).await
    }

    /// Opens the desktop's unlock prompt. It uses a separate connection: dropping this future
    /// closes the connection, and the service removes the prompt of a caller that has disconnected.
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
                // A locked service may hide its items, so an empty result counts only if the
                // service is unlocked.
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

    /// Removes every item under this key, so that the key is free afterwards.
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

    /// Makes the next call open a new connection. Running calls keep their connection.
    pub(super) fn reset_connection(&self) {
        // If the lock is held, a new connection is being opened.
        if let Ok(mut session) = self.0.try_lock() {
            *session = None;
        }
    }

    /// Makes a call, and repeats it once with a new session if the service has lost the old one.
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
        // This needs a timeout too: a change continues after its caller has given up, and an
        // unresponsive bus would block it forever.
        let new = with_timeout(CALL_TIMEOUT, async {
            connect().await.map_err(ServiceFault::into_store_error)
        })
        .await?;
        Ok(session.insert(new).clone())
    }

    /// Drops this session, unless another call has already replaced it.
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

/// Returns all items under this key; each of them is readable without a prompt.
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
