//! The two age files, and the lock beside them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use age::secrecy::{ExposeSecret, SecretString};
use age::{DecryptError, scrypt, x25519};
use zeroize::Zeroizing;

use super::WorkFactor;
use super::by_passphrase::ByPassphrase;
use super::items::Items;
use crate::domain::Secret;
use crate::store::{ItemKey, StoreError, private};

/// The key that opens the items, under the passphrase.
const IDENTITY: &str = "identity.age";
/// The same while the vault is being made. It gets its name last, so a vault that has an identity is whole.
const NEW_IDENTITY: &str = "identity.age.new";
/// The items, under that key.
const ITEMS: &str = "vault.age";
/// Held by whoever changes one of them.
const LOCK: &str = "lock";

/// How long another process may hold the lock; less than the deadline of the call that waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// An unlocked vault.
pub(super) struct Vault {
    folder: PathBuf,
    identity: x25519::Identity,
}

/// Whether there is a vault in this folder, whole and private.
pub(super) fn find(folder: &Path) -> Result<(), StoreError> {
    if !private::folder_exists(folder)? {
        return Err(StoreError::Uncreated);
    }
    let there = |name| private::file_exists(&folder.join(name));
    match (there(IDENTITY)?, there(ITEMS)?) {
        (true, true) => Ok(()),
        (true, false) => Err(missing(ITEMS)),
        // Its making was interrupted, or never begun: nothing was ever kept in it.
        (false, vault) if there(NEW_IDENTITY)? || !vault => Err(StoreError::Uncreated),
        (false, _) => Err(missing(IDENTITY)),
    }
}

/// Why a vault that was not opened here cannot be used.
pub(super) fn why_closed(folder: &Path) -> StoreError {
    find(folder).err().unwrap_or(StoreError::Locked)
}

/// A passphrase in the form that age takes.
pub(super) fn as_text(passphrase: &Secret) -> Result<SecretString, StoreError> {
    if passphrase.is_empty() {
        return Err(StoreError::Denied("the passphrase is empty".to_owned()));
    }
    passphrase
        .expose(|bytes| std::str::from_utf8(bytes).map(|text| SecretString::from(text.to_owned())))
        .map_err(|_| StoreError::Denied("the passphrase is not text in UTF-8".to_owned()))
}

impl Vault {
    /// Opens the vault in this folder, or makes one under this passphrase where there is none.
    pub(super) fn open(folder: PathBuf, passphrase: &SecretString, work: WorkFactor) -> Result<Self, StoreError> {
        match find(&folder) {
            // Only housekeeping: a folder that cannot be written to can still be read from.
            Ok(()) => drop(private::lock(&folder.join(LOCK), Duration::ZERO).map(|_lock| private::sweep(&folder))),
            Err(StoreError::Uncreated) => create(&folder, passphrase, work)?,
            Err(error) => return Err(error),
        }
        let identity = unseal(&folder, passphrase)?;
        let vault = Self { folder, identity };
        // A vault that could not be read is not called unlocked.
        Items::parse(&vault.read().map_err(as_damage)?)?;
        Ok(vault)
    }

    pub(super) fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        Items::parse(&self.read()?)?.get(key)
    }

    /// The secrets under these keys, in their order.
    pub(super) fn get_many(&self, keys: &[ItemKey]) -> Result<Vec<Result<Secret, StoreError>>, StoreError> {
        let plain = self.read()?;
        let items = Items::parse(&plain)?;
        Ok(keys.iter().map(|key| key.admit().and_then(|()| items.get(key))).collect())
    }

    /// Reads, changes and writes the items while no other process can.
    pub(super) fn change(&self, change: impl FnOnce(&mut Items<'_>)) -> Result<(), StoreError> {
        find(&self.folder)?;
        let _lock = private::lock(&self.folder.join(LOCK), PATIENCE)?;
        let plain = self.read()?;
        let mut items = Items::parse(&plain)?;
        change(&mut items);
        write_items(&self.folder, &self.identity, &items)
    }

    fn read(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let sealed = private::read(&self.folder.join(ITEMS))?.ok_or_else(|| why_closed(&self.folder))?;
        match age::decrypt(&self.identity, &sealed) {
            Ok(plain) => Ok(Zeroizing::new(plain)),
            // Another vault took the place of the one that was unlocked.
            Err(DecryptError::NoMatchingKeys) => Err(StoreError::Locked),
            Err(error) => Err(damaged(ITEMS, &error)),
        }
    }
}

/// Makes an empty vault, unless another process has made one meanwhile.
fn create(folder: &Path, passphrase: &SecretString, work: WorkFactor) -> Result<(), StoreError> {
    private::create_folder(folder)?;
    let _lock = private::lock(&folder.join(LOCK), PATIENCE)?;
    private::sweep(folder);
    match find(folder) {
        Err(StoreError::Uncreated) => {}
        outcome => return outcome,
    }
    let identity = x25519::Identity::generate();
    private::write(&folder.join(NEW_IDENTITY), &seal(&identity, passphrase, work)?)?;
    write_items(folder, &identity, &Items::none())?;
    private::rename(&folder.join(NEW_IDENTITY), &folder.join(IDENTITY))
}

fn seal(identity: &x25519::Identity, passphrase: &SecretString, work: WorkFactor) -> Result<Vec<u8>, StoreError> {
    // Left to itself, age would measure the machine and choose a weak factor on a busy one.
    let mut recipient = scrypt::Recipient::new(passphrase.clone());
    recipient.set_work_factor(work.0);
    age::encrypt(&recipient, identity.to_string().expose_secret().as_bytes()).map_err(|error| not_sealed(&error))
}

fn unseal(folder: &Path, passphrase: &SecretString) -> Result<x25519::Identity, StoreError> {
    let sealed = private::read(&folder.join(IDENTITY))?.ok_or(StoreError::Uncreated)?;
    let text = age::decrypt(&ByPassphrase(passphrase), &sealed).map(Zeroizing::new).map_err(|error| match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            StoreError::Denied("this is not its passphrase".to_owned())
        }
        error => damaged(IDENTITY, &error),
    })?;
    let identity = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
    identity.ok_or_else(|| StoreError::Damaged(format!("{IDENTITY} opens, but holds no key")))
}

fn write_items(folder: &Path, identity: &x25519::Identity, items: &Items<'_>) -> Result<(), StoreError> {
    let sealed = age::encrypt(&identity.to_public(), &items.to_plain()?).map_err(|error| not_sealed(&error))?;
    private::write(&folder.join(ITEMS), &sealed)
}

/// Right after the passphrase was accepted, "locked" would send a person round in a circle.
fn as_damage(error: StoreError) -> StoreError {
    match error {
        StoreError::Locked => StoreError::Damaged(format!("{ITEMS} does not belong to {IDENTITY}")),
        error => error,
    }
}

fn missing(name: &str) -> StoreError {
    StoreError::Damaged(format!("{name} is missing"))
}

fn damaged(name: &str, error: &DecryptError) -> StoreError {
    StoreError::Damaged(format!("{name}: {error}"))
}

fn not_sealed(error: &age::EncryptError) -> StoreError {
    StoreError::Disk(format!("it could not be encrypted: {error}"))
}
