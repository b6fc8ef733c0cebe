//! Session in the user's keyring in the kernel: no process, and the kernel ends it.
//!
//! The kernel keeps the key out of swap and removes it at its time. A marker file beside the vault
//! says that there may be one, so that a program asks the kernel only where a session was started:
//! some sandboxes end a process that asks. Start reading at [`find`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use linux_keyutils::{
    Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission,
};
use zeroize::Zeroizing;

use super::{IdentityDigest, SessionCall, SessionMessage, SessionRecord, unix_now};
use crate::store::{StoreError, private_files};

/// File in the folder of the vault that says that the kernel may have the key.
const MARKER_FILE: &str = "kernel-keyring";

/// Largest payload in bytes.
const MAX_PAYLOAD_BYTES: usize = 4 << 10;

/// Stores the session in the kernel.
pub(super) fn start(
    folder: &Path,
    vault_id: &str,
    record: SessionRecord,
) -> Result<(), StoreError> {
    let lifetime = remaining(&record);
    let payload = serde_json::to_vec(&SessionMessage::new(Some(record)))
        .map(Zeroizing::new)
        .map_err(|error| StoreError::Session(error.to_string()))?;
    private_files::write(&marker(folder), b"")?;
    let stored = KeyRing::from_special_id(KeyRingIdentifier::User, true)
        .and_then(|ring| ring.add_key(&description(vault_id), payload.as_slice()))
        .and_then(|key| {
            // All processes of the user: some sessions do not link to the user's keyring.
            let permissions = KeyPermissionsBuilder::builder()
                .posessor(Permission::ALL)
                .user(Permission::ALL)
                .build();
            key.set_perms(permissions).and_then(|()| set_timeout(key, lifetime)).inspect_err(|_| {
                let _ = key.invalidate();
            })
        });
    stored.map_err(|error| {
        let _ = private_files::remove(&marker(folder));
        StoreError::Session(format!("the kernel keyring cannot be used here ({error})"))
    })
}

/// Returns the session that the kernel has for the vault; `None` if it has none, or one for an
/// earlier vault or passphrase.
pub(super) fn find(
    folder: &Path,
    vault_id: &str,
    call: SessionCall,
    identity: &IdentityDigest,
) -> Result<Option<SessionRecord>, StoreError> {
    if !private_files::file_exists(&marker(folder))? {
        return Ok(None);
    }
    let Some(key) = search(vault_id) else { return Ok(None) };
    let mut payload = Zeroizing::new(vec![0; MAX_PAYLOAD_BYTES]);
    let Ok(length) = key.read(&mut *payload) else { return Ok(None) };
    let record = SessionMessage::parse(payload.get(..length).unwrap_or_default())?;
    let Some(mut record) = record.filter(|record| record.identity == *identity) else {
        let _ = key.invalidate();
        return Ok(None);
    };
    match call {
        SessionCall::Open | SessionCall::Renew => {
            if set_timeout(key, remaining(&record)).is_err() {
                return Ok(None);
            }
        }
        SessionCall::Describe | SessionCall::End => {}
    }
    if call != SessionCall::Open {
        drop(record.key.take().map(Zeroizing::new));
    }
    Ok(Some(record))
}

/// Removes the session from the kernel, and returns whether there was one.
pub(super) fn end(folder: &Path, vault_id: &str) -> Result<bool, StoreError> {
    if !private_files::file_exists(&marker(folder))? {
        return Ok(false);
    }
    let removed = search(vault_id).map(|key| key.invalidate());
    match removed {
        Some(Err(error)) => {
            Err(StoreError::Session(format!("the kernel did not remove the key: {error}")))
        }
        removed => {
            // The marker alone does no harm.
            let _ = private_files::remove(&marker(folder));
            Ok(removed.is_some())
        }
    }
}

fn search(vault_id: &str) -> Option<Key> {
    KeyRing::from_special_id(KeyRingIdentifier::User, false)
        .and_then(|ring| ring.search(&description(vault_id)))
        .ok()
}

/// Returns how long the kernel may hold the key unless it is used again.
fn remaining(record: &SessionRecord) -> Duration {
    let left = u64::try_from(record.until - unix_now()).unwrap_or_default();
    record.idle().min(Duration::from_secs(left))
}

/// Sets the time after which the kernel removes the key. It counts in seconds, and zero would mean
/// never.
fn set_timeout(key: Key, lifetime: Duration) -> Result<(), KeyError> {
    let seconds = lifetime.as_secs() + u64::from(lifetime.subsec_nanos() > 0);
    if seconds == 0 {
        key.invalidate()?;
        return Err(KeyError::KeyExpired);
    }
    key.set_timeout(usize::try_from(seconds).unwrap_or(usize::MAX))
}

fn marker(folder: &Path) -> PathBuf {
    folder.join(MARKER_FILE)
}

fn description(vault_id: &str) -> String {
    format!("tokenring:vault:{vault_id}")
}
