//! The Secret Service of a Linux desktop, by its asynchronous interface.
//!
//! Nothing here raises a prompt except [`Platform::unlock`]: whether something is locked is always asked first. The
//! session with the service is opened at the first call and kept; a daemon that restarts loses it, so it is opened
//! once more when the service says that it knows it no longer.

mod fault;

use std::collections::HashMap;
use std::sync::Arc;

use secret_service::{EncryptionType, Item, SecretService};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use self::fault::Fault;
use super::SERVICE;
use crate::domain::Secret;
use crate::store::calls::within;
use crate::store::{CALL_DEADLINE, ItemKey, StoreError};

/// The name for people.
pub(super) const TITLE: &str = "Secret Service";

/// The service takes megabytes, but one message that is too large costs the whole connection; no token comes near this.
pub(super) const ITEM_LIMIT: usize = 64 * 1024;

/// Tells our items from those of others in keyring programs.
const SCHEMA: &str = "dev.tokenring.Item";

/// What clients that show items should take them for.
const CONTENT_TYPE: &str = "text/plain";

/// A new item takes the place of one with the same attributes: another process may have been quicker since we looked,
/// and there must never be two.
const REPLACE: bool = true;

type Session = Arc<SecretService<'static>>;

/// The service, over one connection.
#[derive(Default)]
pub(super) struct Platform(Mutex<Option<Session>>);

impl Platform {
    /// Ready, locked or not there.
    pub(super) async fn status(&self) -> Result<(), StoreError> {
        self.call(|session| async move { must_be_unlocked(&session).await }).await
    }

    /// Raises the desktop's own prompt. It has a connection to itself: when this future is dropped the connection goes,
    /// and the service takes the prompt of a caller that has gone off the screen.
    pub(super) async fn unlock(&self) -> Result<(), StoreError> {
        let unlock = async {
            let session = connect().await?;
            session.get_default_collection().await?.unlock().await?;
            must_be_unlocked(&session).await
        };
        unlock.await.map_err(Fault::settle)
    }

    pub(super) async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.call(|session| async move {
            match find(&session, key).await?.as_slice() {
                [item] => Ok(Secret::new(item.get_secret().await?)),
                // A service may hide what it holds while it is locked, so "nothing" is only believed when it is not.
                [] => must_be_unlocked(&session).await.and(Err(StoreError::Absent.into())),
                items => Err(StoreError::Ambiguous(items.len()).into()),
            }
        })
        .await
    }

    pub(super) async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        let bytes = &*Zeroizing::new(secret.expose(<[u8]>::to_vec));
        self.call(|session| async move {
            match find(&session, key).await?.as_slice() {
                [item] => Ok(item.set_secret(bytes, CONTENT_TYPE).await?),
                [] => create(&session, key, bytes).await,
                items => Err(StoreError::Ambiguous(items.len()).into()),
            }
        })
        .await
    }

    /// Removes every item under this key, so that it is free whatever was there.
    pub(super) async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.call(|session| async move {
            let items = find(&session, key).await?;
            if items.is_empty() {
                return must_be_unlocked(&session).await;
            }
            for item in &items {
                item.delete().await?;
            }
            Ok(())
        })
        .await
    }

    /// Lets the next call open a new connection. Calls that are under way keep the one they have.
    pub(super) fn forget_connection(&self) {
        // Whoever holds the lock is just opening a new one.
        if let Ok(mut session) = self.0.try_lock() {
            *session = None;
        }
    }

    /// Makes a call, once more over a new session if the service has lost the old one.
    async fn call<T, F>(&self, call: impl Fn(Session) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let session = self.session().await?;
        match call(session.clone()).await {
            Err(Fault::Lost(_)) => {
                self.discard(&session).await;
                call(self.session().await?).await.map_err(Fault::settle)
            }
            outcome => outcome.map_err(Fault::settle),
        }
    }

    async fn session(&self) -> Result<Session, StoreError> {
        let mut session = self.0.lock().await;
        if let Some(session) = &*session {
            return Ok(session.clone());
        }
        // Bounded by itself too: a change goes on when its caller has given up, and a silent bus would keep it for ever.
        let new = within(CALL_DEADLINE, async { connect().await.map_err(Fault::settle) }).await?;
        Ok(session.insert(new).clone())
    }

    /// Forgets this session, unless another call has already put a new one in its place.
    async fn discard(&self, lost: &Session) {
        let mut session = self.0.lock().await;
        if session.as_ref().is_some_and(|current| Arc::ptr_eq(current, lost)) {
            *session = None;
        }
    }
}

async fn connect() -> Result<Session, Fault> {
    Ok(Arc::new(SecretService::connect(EncryptionType::Dh).await?))
}

async fn must_be_unlocked(session: &SecretService<'_>) -> Result<(), Fault> {
    if session.get_default_collection().await?.is_locked().await? { Err(StoreError::Locked.into()) } else { Ok(()) }
}

/// All items under this key, each of them readable without a prompt.
async fn find<'a>(session: &'a SecretService<'_>, key: &ItemKey) -> Result<Vec<Item<'a>>, Fault> {
    let found = session.search_items(HashMap::from([("service", SERVICE), ("username", key.as_str())])).await?;
    if found.locked.is_empty() { Ok(found.unlocked) } else { Err(StoreError::Locked.into()) }
}

async fn create(session: &SecretService<'_>, key: &ItemKey, bytes: &[u8]) -> Result<(), Fault> {
    must_be_unlocked(session).await?;
    let attributes = HashMap::from([("service", SERVICE), ("username", key.as_str()), ("xdg:schema", SCHEMA)]);
    let collection = session.get_default_collection().await?;
    collection.create_item(SERVICE, attributes, bytes, REPLACE, CONTENT_TYPE).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CONTENT_TYPE, SCHEMA, SERVICE};

    #[test]
    fn what_items_in_the_keyring_are_filed_under() {
        assert_eq!([SERVICE, SCHEMA, CONTENT_TYPE], ["tokenring", "dev.tokenring.Item", "text/plain"]);
    }
}
