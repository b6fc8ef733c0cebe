//! Where secrets rest.
//!
//! [`Store`] is the port; the system keyring, an encrypted file and plain memory are its backends, and one contract
//! suite (`tests/suite/store.rs`) holds for all of them. A store knows items by opaque keys only: nothing that
//! describes a credential ever reaches it, because item names and attributes lie in the clear on disk.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::Secret;
use crate::domain::credential::{CredentialId, Part, Slot};
use crate::domain::problem::{Class, Problem};

/// How long a call that raises no prompt may take.
pub const CALL_DEADLINE: Duration = Duration::from_secs(3);

/// The key of one item: which credential, which slot, which part.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemKey(String);

/// A place where secrets rest.
///
/// Every call except [`Store::unlock`] ends within [`CALL_DEADLINE`] and never raises a prompt.
#[async_trait]
pub trait Store: Send + Sync {
    /// What this backend is and can do.
    fn backend(&self) -> Backend;

    /// Whether it can be used right now.
    async fn status(&self) -> Result<(), StoreError>;

    /// Makes a locked store usable; ends after `wait` at the latest. A store that does not exist yet and is opened
    /// by a passphrase is created with it.
    async fn unlock(&self, by: Unlock<'_>, wait: Duration) -> Result<(), StoreError>;

    /// The secret under this key.
    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError>;

    /// Keeps a secret under this key, in place of what was there. When this returns, it is durable.
    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError>;

    /// Removes the item under this key; removing what is not there is no error.
    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError>;
}

/// How a store is to be unlocked.
pub enum Unlock<'a> {
    /// By the backend's own prompt, such as the desktop's dialog.
    OwnPrompt,
    /// By this passphrase.
    Passphrase(&'a Secret),
}

/// What a backend is and can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Which one.
    pub kind: BackendKind,
    /// The name for people, such as `Secret Service`.
    pub title: &'static str,
    /// How long its items last.
    pub persistence: Persistence,
    /// The largest item in bytes.
    pub item_limit: usize,
}

/// The backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendKind {
    /// The system's keyring.
    Keyring,
    /// The encrypted file.
    File,
    /// This process's memory.
    Memory,
}

/// How long items last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// Until they are removed.
    Disk,
    /// As long as this process runs.
    Process,
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It must be unlocked first. This says nothing about whether the item exists.
    #[error("the store is locked")]
    Locked,
    /// It does not exist yet: choosing a passphrase creates it.
    #[error("the store does not exist yet")]
    Uncreated,
    /// There is no such item.
    #[error("the store holds no such secret")]
    Absent,
    /// It said no (a dismissed prompt, a wrong passphrase, missing rights).
    #[error("the store refused: {0}")]
    Denied(String),
    /// It cannot be reached or is not set up.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The item is larger than the backend takes.
    #[error("{size} bytes are more than the {limit} bytes that the store takes")]
    TooLarge {
        /// The item's size in bytes.
        size: usize,
        /// The backend's limit in bytes.
        limit: usize,
    },
    /// No answer within the deadline.
    #[error("the store did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// More than one item has this key, so it is not clear which one is meant.
    #[error("the store holds {0} items under one key")]
    Ambiguous(usize),
    /// What it holds is damaged or of a newer form.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

impl ItemKey {
    /// The key of a part of a credential's secret in a slot.
    pub fn of(credential: &CredentialId, slot: Slot, part: &Part) -> Self {
        Self(format!("{credential}/{}/{}", slot.as_str(), part.as_str()))
    }

    /// The key of an item of the program's own, such as the fingerprint key.
    pub fn own(name: &'static str) -> Self {
        Self(format!("tokenring/{name}"))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let why = error.to_string();
        let (what, remedy) = match &error {
            StoreError::Locked => (
                "The store is locked",
                "unlock it with `tokenring store unlock` (or in your desktop's keyring program) and try again",
            ),
            StoreError::Uncreated => {
                ("The store does not exist yet", "create it with `tokenring store unlock`, which asks for a new passphrase")
            }
            StoreError::Absent => {
                ("The secret is not in the store", "add it again with `tokenring edit NAME --secret`, or remove the credential")
            }
            StoreError::Denied(_) => {
                ("The store refused", "unlock it with the right passphrase, or allow tokenring in its prompt")
            }
            StoreError::Unavailable(_) => {
                ("The store is not available", "start your keyring, or choose the encrypted file with `TOKENRING_STORE=file`")
            }
            StoreError::TooLarge { .. } => (
                "The secret does not fit into the store",
                "choose the encrypted file (`TOKENRING_STORE=file`), which has no such limit",
            ),
            StoreError::TimedOut(_) => {
                ("The store does not answer", "look for an unlock prompt on your desktop, or restart the keyring")
            }
            StoreError::Ambiguous(_) => ("The store is not clear", "remove the extra item with your keyring's own program"),
            StoreError::Damaged(_) => ("The store is damaged", "nothing was changed; restore the file from a copy"),
        };
        let class = if error == StoreError::Absent { Class::NotFound } else { Class::Store };
        Self::new(what, why, remedy).of(class)
    }
}
