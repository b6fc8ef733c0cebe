//! Secret Service of a Linux desktop, through its asynchronous interface.
//!
//! Only [`SecretServiceBackend::unlock`] opens a prompt; all other calls ask first whether something
//! is locked, or get that as the answer. The session with the service is opened by the first call
//! and reused. A daemon that restarts loses the session, so a call opens a new one when the service
//! no longer knows it. Start reading at [`SecretServiceBackend`]; `collections` finds the items.
//!
//! Classification of the errors of D-Bus and the Secret Service.
//!
//! Start reading at [`ServiceFault`] and `FAULT_MAPPINGS`.

mod collections;

use std::collections::HashMap;
use std::sync::Arc;

use secret_service::{Error, Item};
use tokio::sync::Mutex;
use zbus::DBusError as _;
use zeroize::Zeroizing;

use self::collections::ServiceSession;
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

/// Content type of text, for clients that display items.
const TEXT_TYPE: &str = "text/plain";

/// Content type of everything that is not plain text.
const BINARY_TYPE: &str = "application/octet-stream";

/// A new item replaces one with the same attributes: another process may have created it since the
/// search, and there must never be two.
const REPLACE_EXISTING: bool = true;

/// Connection to the Secret Service.
#[derive(Default)]
pub(super) struct SecretServiceBackend {
    session: Mutex<Option<Arc<ServiceSession>>>,
    /// Label or path of the collection for new items; the default collection if there is none.
    collection: Option<String>,
}

impl SecretServiceBackend {
    /// Returns the service, with the label or path of the collection for new items.
    pub(super) fn new(collection: Option<String>) -> Self {
        Self { session: Mutex::default(), collection }
    }

    /// Returns whether the service is ready, locked or unavailable.
    pub(super) async fn status(&self) -> Result<(), StoreError> {
        self.call_with_reconnect(|session| async move { session.check_usable().await }).await
    }

    /// Opens the unlock prompts of the service. It uses a separate connection: dropping this future
    /// closes the connection, and the service removes the prompt of a caller that has disconnected.
    /// The connection is used from then on, because a service may have allowed access to it alone.
    pub(super) async fn unlock(&self) -> Result<(), StoreError> {
        let unlock = async {
            let session = ServiceSession::connect(self.collection.clone()).await?;
            session.unlock().await?;
            Ok(session)
        };
        let session = unlock.await.map_err(ServiceFault::into_store_error)?;
        *self.session.lock().await = Some(Arc::new(session));
        Ok(())
    }

    pub(super) async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.call_with_reconnect(|session| async move {
            match session.find_items(key).await?.as_slice() {
                [path] => {
                    let item = session.item(path).await?;
                    let read = item.get_secret().await.map_err(ServiceFault::from);
                    Ok(Secret::new(explain_lock(&session, &item, read).await?))
                }
                [] => Err(session.missing_item().await),
                items => Err(StoreError::Ambiguous(items.len()).into()),
            }
        })
        .await
    }

    pub(super) async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        let bytes = &*Zeroizing::new(secret.expose(<[u8]>::to_vec));
        self.call_with_reconnect(|session| async move {
            match session.find_items(key).await?.as_slice() {
                [path] => {
                    let item = session.item(path).await?;
                    let written = item.set_secret(bytes, content_type(bytes)).await;
                    explain_lock(&session, &item, written.map_err(ServiceFault::from)).await
                }
                [] => create_item(&session, key, bytes).await,
                items => Err(StoreError::Ambiguous(items.len()).into()),
            }
        })
        .await
    }

    /// Removes every item under this key, so that the key is free afterwards.
    pub(super) async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.call_with_reconnect(|session| async move {
            let items = session.find_items(key).await?;
            if items.is_empty() {
                return session.check_usable().await;
            }
            for path in &items {
                let item = session.item(path).await?;
                session.check_item_unlocked(&item).await?;
                item.delete().await?;
            }
            Ok(())
        })
        .await
    }

    /// Makes the next call open a new connection. Running calls keep their connection.
    pub(super) fn reset_connection(&self) {
        // If the lock is held, a new connection is being opened.
        if let Ok(mut session) = self.session.try_lock() {
            *session = None;
        }
    }

    /// Makes a call, and repeats it once with a new session if the service has lost the old one.
    async fn call_with_reconnect<T, F>(
        &self,
        call: impl Fn(Arc<ServiceSession>) -> F,
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

    async fn session(&self) -> Result<Arc<ServiceSession>, StoreError> {
        let mut session = self.session.lock().await;
        if let Some(session) = &*session {
            return Ok(session.clone());
        }
        // This needs a timeout too: a change continues after its caller has given up, and an
        // unresponsive bus would block it forever.
        let new = with_timeout(CALL_TIMEOUT, async {
            let session = ServiceSession::connect(self.collection.clone()).await;
            session.map_err(ServiceFault::into_store_error)
        })
        .await?;
        Ok(session.insert(Arc::new(new)).clone())
    }

    /// Drops this session, unless another call has already replaced it.
    async fn discard_session(&self, lost: &Arc<ServiceSession>) {
        let mut session = self.session.lock().await;
        if session.as_ref().is_some_and(|current| Arc::ptr_eq(current, lost)) {
            *session = None;
        }
    }
}

/// Replaces the answer that an item is locked by the reason why it is.
async fn explain_lock<T>(
    session: &ServiceSession,
    item: &Item<'_>,
    outcome: Result<T, ServiceFault>,
) -> Result<T, ServiceFault> {
    if let Err(ServiceFault::Failed(StoreError::Locked)) = outcome {
        session.check_item_unlocked(item).await?;
    }
    outcome
}

async fn create_item(
    session: &ServiceSession,
    key: &ItemKey,
    bytes: &[u8],
) -> Result<(), ServiceFault> {
    let attributes = HashMap::from([
        ("service", SERVICE),
        ("username", key.as_str()),
        ("xdg:schema", ITEM_SCHEMA),
    ]);
    let collection = session.collection_for_new_items().await?;
    let content_type = content_type(bytes);
    collection.create_item(SERVICE, attributes, bytes, REPLACE_EXISTING, content_type).await?;
    Ok(())
}

/// Returns the content type of these bytes. `KeePassXC` and `KWallet` decode text as UTF-8 and do not
/// return every text as it was: `KeePassXC` drops a byte order mark and replaces placeholders in
/// braces. So only text that no service changes is declared as text.
fn content_type(bytes: &[u8]) -> &'static str {
    let is_changed = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '{' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(is_changed) => TEXT_TYPE,
        _ => BINARY_TYPE,
    }
}

/// Failure of a call to the Secret Service.
pub(in crate::store::keyring::secret_service) enum ServiceFault {
    /// The connection or its session is lost; a new one may work.
    ConnectionLost(String),
    /// The call failed with a definite error.
    Failed(StoreError),
}

type FaultMapping = fn(String) -> ServiceFault;

/// Meaning of named errors; all other errors keep their own message.
const FAULT_MAPPINGS: [(&str, FaultMapping); 11] = [
    ("org.freedesktop.Secret.Error.IsLocked", |_| ServiceFault::Failed(StoreError::Locked)),
    ("org.freedesktop.Secret.Error.NoSession", ServiceFault::ConnectionLost),
    ("org.freedesktop.DBus.Error.NoReply", ServiceFault::ConnectionLost),
    ("org.freedesktop.DBus.Error.Disconnected", ServiceFault::ConnectionLost),
    ("org.freedesktop.DBus.Error.NameHasNoOwner", ServiceFault::ConnectionLost),
    ("org.freedesktop.DBus.Error.AccessDenied", |why| {
        ServiceFault::Failed(StoreError::Denied(why))
    }),
    ("org.freedesktop.DBus.Error.AuthFailed", |why| ServiceFault::Failed(StoreError::Denied(why))),
    ("org.freedesktop.DBus.Error.LimitsExceeded", |why| {
        ServiceFault::Failed(StoreError::Denied(why))
    }),
    ("org.freedesktop.DBus.Error.InvalidArgs", |why| {
        ServiceFault::Failed(StoreError::InvalidArgument(why))
    }),
    ("org.freedesktop.DBus.Error.InvalidSignature", |why| {
        ServiceFault::Failed(StoreError::InvalidArgument(why))
    }),
    ("org.freedesktop.DBus.Error.ServiceUnknown", |_| {
        unavailable("no Secret Service is running in this session")
    }),
];

impl ServiceFault {
    /// Returns the error for the caller when there is nothing left to retry.
    pub(in crate::store::keyring::secret_service) fn into_store_error(self) -> StoreError {
        match self {
            Self::ConnectionLost(why) => StoreError::Unavailable(why),
            Self::Failed(error) => error,
        }
    }
}

impl From<StoreError> for ServiceFault {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<zbus::Error> for ServiceFault {
    fn from(error: zbus::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for ServiceFault {
    fn from(error: Error) -> Self {
        match &error {
            Error::Locked => StoreError::Locked.into(),
            Error::Prompt => StoreError::PromptDismissed.into(),
            Error::Unavailable => unavailable("this session has no D-Bus session bus"),
            Error::NoResult => {
                StoreError::NoCollection("no collection is the default one".to_owned()).into()
            }
            Error::Crypto(why) => StoreError::Damaged((*why).to_owned()).into(),
            Error::PromptDisconnected | Error::Zbus(zbus::Error::InputOutput(_)) => {
                Self::ConnectionLost(error.to_string())
            }
            Error::Zbus(zbus::Error::MethodError(name, ..)) => {
                map_named_error(name.as_str(), &error)
            }
            Error::ZbusFdo(cause) => map_named_error(cause.name().as_str(), &error),
            _ => unavailable(&error.to_string()),
        }
    }
}

fn map_named_error(name: &str, error: &Error) -> ServiceFault {
    let meaning = FAULT_MAPPINGS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(unknown_error as FaultMapping, |(_, meaning)| *meaning);
    meaning(error.to_string())
}

fn unknown_error(why: String) -> ServiceFault {
    StoreError::Unavailable(why).into()
}

fn unavailable(why: &str) -> ServiceFault {
    unknown_error(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{BINARY_TYPE, ITEM_SCHEMA, SERVICE, TEXT_TYPE, content_type};

    #[test]
    fn what_items_in_the_keyring_are_filed_under() {
        assert_eq!(
            [SERVICE, ITEM_SCHEMA, TEXT_TYPE, BINARY_TYPE],
            ["tokenring", "dev.tokenring.Item", "text/plain", "application/octet-stream"]
        );
    }

    #[test]
    fn only_what_every_service_returns_as_it_was_is_declared_as_text() {
        for text in ["", "snyk_uat.token", "-----BEGIN KEY-----\nMC4=\n", "über"] {
            assert_eq!(content_type(text.as_bytes()), TEXT_TYPE, "{text:?}");
        }
        let changed: [&[u8]; 6] =
            [&[0, 255, 10], b"\xff", b"a\0b", b"a\rb", b"\xef\xbb\xbftext", b"{TITLE}"];
        for bytes in changed {
            assert_eq!(content_type(bytes), BINARY_TYPE, "{bytes:?}");
        }
    }
}
