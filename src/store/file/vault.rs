//! The two age files, and the lock beside them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use age::secrecy::{ExposeSecret, SecretString};
use age::{DecryptError, scrypt, x25519};
use zeroize::Zeroizing;

use super::WorkFactor;
use super::items::VaultItems;
use super::passphrase_identity::PassphraseIdentity;
use crate::domain::Secret;
use crate::store::{ItemKey, StoreError, private};

/// The key that opens the items, under the passphrase.
const IDENTITY_FILE: &str = "identity.age";
/// The same while the vault is being made. It gets its name last, so a vault that has an identity is whole.
const NEW_IDENTITY_FILE: &str = "identity.age.new";
/// The items, under that key.
const ITEMS_FILE: &str = "vault.age";
/// Held by whoever changes one of them.
const LOCK_FILE: &str = "lock";

/// How long another process may hold the lock; less than the deadline of the call that waits for it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// An unlocked vault.
pub(super) struct Vault {
    folder: PathBuf,
    identity: x25519::Identity,
}

/// Whether there is a vault in this folder, whole and private.
pub(super) fn check_vault(folder: &Path) -> Result<(), StoreError> {
    if !private::folder_exists(folder)? {
        return Err(StoreError::NotInitialized);
    }
    let there = |name| private::file_exists(&folder.join(name));
    match (there(IDENTITY_FILE)?, there(ITEMS_FILE)?) {
        (true, true) => Ok(()),
        (true, false) => Err(missing_file(ITEMS_FILE)),
        // Its making was interrupted, or never begun: nothing was ever kept in it.
        (false, vault) if there(NEW_IDENTITY_FILE)? || !vault => Err(StoreError::NotInitialized),
        (false, _) => Err(missing_file(IDENTITY_FILE)),
    }
}

/// Why a vault that was not opened here cannot be used.
pub(super) fn closed_reason(folder: &Path) -> StoreError {
    check_vault(folder).err().unwrap_or(StoreError::Locked)
}

/// A passphrase in the form that age takes.
pub(super) fn passphrase_text(passphrase: &Secret) -> Result<SecretString, StoreError> {
    if passphrase.is_empty() {
        return Err(StoreError::Denied("the passphrase is empty".to_owned()));
    }
    passphrase
        .expose(|bytes| std::str::from_utf8(bytes).map(|text| SecretString::from(text.to_owned())))
        .map_err(|_| StoreError::Denied("the passphrase is not text in UTF-8".to_owned()))
}

impl Vault {
    /// Opens the vault in this folder, or makes one under this passphrase where there is none.
    pub(super) fn open(
        folder: PathBuf,
        passphrase: &SecretString,
        work: WorkFactor,
    ) -> Result<Self, StoreError> {
        match check_vault(&folder) {
            // Only housekeeping: a folder that cannot be written to can still be read from.
            Ok(()) => drop(
                private::lock(&folder.join(LOCK_FILE), Duration::ZERO)
                    .map(|_lock| private::remove_temp_files(&folder)),
            ),
            Err(StoreError::NotInitialized) => create_vault(&folder, passphrase, work)?,
            Err(error) => return Err(error),
        }
        let identity = decrypt_identity(&folder, passphrase)?;
        let vault = Self { folder, identity };
        // A vault that could not be read is not called unlocked.
        VaultItems::parse(&vault.decrypt_items().map_err(locked_as_damaged)?)?;
        Ok(vault)
    }

    pub(super) fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        VaultItems::parse(&self.decrypt_items()?)?.get(key)
    }

    /// The secrets under these keys, in their order.
    pub(super) fn get_many(
        &self,
        keys: &[ItemKey],
    ) -> Result<Vec<Result<Secret, StoreError>>, StoreError> {
        let plain = self.decrypt_items()?;
        let items = VaultItems::parse(&plain)?;
        Ok(keys.iter().map(|key| key.validate().and_then(|()| items.get(key))).collect())
    }

    /// Reads, changes and writes the items while no other process can.
    pub(super) fn update_items(
        &self,
        change: impl FnOnce(&mut VaultItems<'_>),
    ) -> Result<(), StoreError> {
        check_vault(&self.folder)?;
        let _lock = private::lock(&self.folder.join(LOCK_FILE), LOCK_TIMEOUT)?;
        let plain = self.decrypt_items()?;
        let mut items = VaultItems::parse(&plain)?;
        change(&mut items);
        write_items(&self.folder, &self.identity, &items)
    }

    fn decrypt_items(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let sealed = private::read(&self.folder.join(ITEMS_FILE))?
            .ok_or_else(|| closed_reason(&self.folder))?;
        match age::decrypt(&self.identity, &sealed) {
            Ok(plain) => Ok(Zeroizing::new(plain)),
            // Another vault took the place of the one that was unlocked.
            Err(DecryptError::NoMatchingKeys) => Err(StoreError::Locked),
            Err(error) => Err(damaged_file(ITEMS_FILE, &error)),
        }
    }
}

/// Makes an empty vault, unless another process has made one meanwhile.
fn create_vault(
    folder: &Path,
    passphrase: &SecretString,
    work: WorkFactor,
) -> Result<(), StoreError> {
    private::create_folder(folder)?;
    let _lock = private::lock(&folder.join(LOCK_FILE), LOCK_TIMEOUT)?;
    private::remove_temp_files(folder);
    match check_vault(folder) {
        Err(StoreError::NotInitialized) => {}
        outcome => return outcome,
    }
    let identity = x25519::Identity::generate();
    private::write(
        &folder.join(NEW_IDENTITY_FILE),
        &encrypt_identity(&identity, passphrase, work)?,
    )?;
    write_items(folder, &identity, &VaultItems::empty())?;
    private::rename(&folder.join(NEW_IDENTITY_FILE), &folder.join(IDENTITY_FILE))
}

fn encrypt_identity(
    identity: &x25519::Identity,
    passphrase: &SecretString,
    work: WorkFactor,
) -> Result<Vec<u8>, StoreError> {
    // Left to itself, age would measure the machine and choose a weak factor on a busy one.
    let mut recipient = scrypt::Recipient::new(passphrase.clone());
    recipient.set_work_factor(work.0);
    age::encrypt(&recipient, identity.to_string().expose_secret().as_bytes())
        .map_err(|error| encryption_failed(&error))
}

fn decrypt_identity(
    folder: &Path,
    passphrase: &SecretString,
) -> Result<x25519::Identity, StoreError> {
    let sealed = private::read(&folder.join(IDENTITY_FILE))?.ok_or(StoreError::NotInitialized)?;
    let text = age::decrypt(&PassphraseIdentity(passphrase), &sealed).map(Zeroizing::new).map_err(
        |error| match error {
            DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
                StoreError::Denied("this is not its passphrase".to_owned())
            }
            error => damaged_file(IDENTITY_FILE, &error),
        },
    )?;
    let identity = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
    identity.ok_or_else(|| StoreError::Damaged(format!("{IDENTITY_FILE} opens, but holds no key")))
}

fn write_items(
    folder: &Path,
    identity: &x25519::Identity,
    items: &VaultItems<'_>,
) -> Result<(), StoreError> {
    let sealed = age::encrypt(&identity.to_public(), &items.to_plain()?)
        .map_err(|error| encryption_failed(&error))?;
    private::write(&folder.join(ITEMS_FILE), &sealed)
}

/// Right after the passphrase was accepted, "locked" would send a person round in a circle.
fn locked_as_damaged(error: StoreError) -> StoreError {
    match error {
        StoreError::Locked => {
            StoreError::Damaged(format!("{ITEMS_FILE} does not belong to {IDENTITY_FILE}"))
        }
        error => error,
    }
}

fn missing_file(name: &str) -> StoreError {
    StoreError::Damaged(format!("{name} is missing"))
}

fn damaged_file(name: &str, error: &DecryptError) -> StoreError {
    StoreError::Damaged(format!("{name}: {error}"))
}

fn encryption_failed(error: &age::EncryptError) -> StoreError {
    StoreError::DiskError(format!("it could not be encrypted: {error}"))
}
