//! Vault of the encrypted-file store: the two age files and the lock file beside them.
//!
//! Start reading at [`Vault::open`]. Private file access belongs to `private`, the format of the
//! items to [`super::items`].

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use age::secrecy::{ExposeSecret, SecretString};
use age::{DecryptError, scrypt, x25519};
use zeroize::Zeroizing;

use super::WorkFactor;
use super::items::VaultItems;
use super::passphrase_identity::PassphraseIdentity;
use crate::domain::{Secret, passphrase};
use crate::store::{ItemKey, StoreError, private_files};

/// File with the key that decrypts the items, encrypted with the passphrase.
pub(super) const IDENTITY_FILE: &str = "identity.age";
/// Name of the identity file while the vault is created. It gets its final name last, so a vault
/// that has an identity is complete.
const NEW_IDENTITY_FILE: &str = "identity.age.new";
/// File with the items, encrypted with the key of the identity.
const ITEMS_FILE: &str = "vault.age";
/// Lock file, held by the process that changes the vault.
const LOCK_FILE: &str = "lock";

/// How long another process may hold the lock; shorter than the deadline of the call that waits for
/// it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Unlocked vault.
pub(super) struct Vault {
    pub(super) folder: PathBuf,
    pub(super) identity: x25519::Identity,
}

/// Checks whether this folder has a complete and private vault.
pub(super) fn check_vault(folder: &Path) -> Result<(), StoreError> {
    if !private_files::folder_exists(folder)? {
        return Err(StoreError::NotInitialized);
    }
    let exists = |name| private_files::file_exists(&folder.join(name));
    match (exists(IDENTITY_FILE)?, exists(ITEMS_FILE)?) {
        (true, true) => Ok(()),
        (true, false) => Err(missing_file(ITEMS_FILE)),
        // The creation was interrupted or never started, so nothing was ever stored in the vault.
        (false, vault) if exists(NEW_IDENTITY_FILE)? || !vault => Err(StoreError::NotInitialized),
        (false, _) => Err(missing_file(IDENTITY_FILE)),
    }
}

/// Returns the reason why a vault that was not unlocked by this store cannot be used.
pub(super) fn closed_reason(folder: &Path) -> StoreError {
    check_vault(folder).err().unwrap_or(StoreError::Locked)
}

/// Converts a passphrase into the type that age expects.
pub(in crate::store) fn passphrase_text(passphrase: &Secret) -> Result<SecretString, StoreError> {
    if passphrase.is_empty() {
        return Err(StoreError::Denied("the passphrase is empty".to_owned()));
    }
    passphrase
        .expose(|bytes| std::str::from_utf8(bytes).map(|text| SecretString::from(text.to_owned())))
        .map_err(|_| StoreError::Denied("the passphrase is not valid UTF-8".to_owned()))
}

impl Vault {
    /// Opens the vault in this folder, or creates one with this passphrase if there is none.
    pub(super) fn open(
        folder: PathBuf,
        passphrase: &SecretString,
        work: WorkFactor,
    ) -> Result<Self, StoreError> {
        match check_vault(&folder) {
            // The cleanup is optional: a folder without write permission can still be read.
            Ok(()) => drop(
                private_files::lock(&folder.join(LOCK_FILE), Duration::ZERO)
                    .map(|_lock| private_files::remove_temp_files(&folder)),
            ),
            Err(StoreError::NotInitialized) => create_vault(&folder, passphrase, work)?,
            Err(error) => return Err(error),
        }
        Self::resume_passphrase_change(&folder, passphrase)?;
        let identity = decrypt_identity(&folder, IDENTITY_FILE, passphrase)?;
        let mut vault = Self { folder, identity };
        let plain = match vault.decrypt_items() {
            // Another process may have changed the passphrase meanwhile.
            Err(StoreError::Locked) => {
                vault.identity = decrypt_identity(&vault.folder, IDENTITY_FILE, passphrase)?;
                vault.decrypt_items().map_err(locked_as_damaged)?
            }
            plain => plain?,
        };
        // Report a vault as unlocked only after its items could be read.
        VaultItems::parse(&plain)?;
        Ok(vault)
    }

    pub(super) fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        VaultItems::parse(&self.decrypt_items()?)?.get(key)
    }

    /// Returns the secrets under these keys, in the order of the keys.
    pub(super) fn get_many(
        &self,
        keys: &[ItemKey],
    ) -> Result<Vec<Result<Secret, StoreError>>, StoreError> {
        let plain = self.decrypt_items()?;
        let items = VaultItems::parse(&plain)?;
        Ok(keys.iter().map(|key| key.validate().and_then(|()| items.get(key))).collect())
    }

    /// Reads, changes and writes the items while holding the lock against other processes.
    pub(super) fn update_items(
        &self,
        change: impl FnOnce(&mut VaultItems<'_>),
    ) -> Result<(), StoreError> {
        check_vault(&self.folder)?;
        let _lock = lock_vault(&self.folder)?;
        self.check_no_unfinished_change()?;
        let plain = self.decrypt_items()?;
        let mut items = VaultItems::parse(&plain)?;
        change(&mut items);
        write_items(&self.folder, &[&self.identity], &items)
    }

    /// Returns whether the identity is the one that the items are encrypted for. Decrypts no item.
    pub(super) fn has_key_of_items(&self) -> Result<bool, StoreError> {
        let encrypted = private_files::read(&self.folder.join(ITEMS_FILE))?
            .ok_or_else(|| closed_reason(&self.folder))?;
        let identities = std::iter::once(&self.identity as &dyn age::Identity);
        age::Decryptor::new_buffered(encrypted.as_slice())
            .map(|decryptor| decryptor.decrypt(identities).is_ok())
            .map_err(|error| damaged_file(ITEMS_FILE, &error))
    }

    pub(super) fn decrypt_items(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let encrypted = private_files::read(&self.folder.join(ITEMS_FILE))?
            .ok_or_else(|| closed_reason(&self.folder))?;
        match age::decrypt(&self.identity, &encrypted) {
            Ok(plain) => Ok(Zeroizing::new(plain)),
            // Another vault has replaced the one that was unlocked.
            Err(DecryptError::NoMatchingKeys) => Err(StoreError::Locked),
            Err(error) => Err(damaged_file(ITEMS_FILE, &error)),
        }
    }
}

/// Creates an empty vault, unless another process has created one meanwhile.
fn create_vault(
    folder: &Path,
    passphrase: &SecretString,
    work: WorkFactor,
) -> Result<(), StoreError> {
    check_strength(passphrase)?;
    private_files::create_folder(folder)?;
    let _lock = lock_vault(folder)?;
    private_files::remove_temp_files(folder);
    match check_vault(folder) {
        Err(StoreError::NotInitialized) => {}
        outcome => return outcome,
    }
    let identity = x25519::Identity::generate();
    private_files::write(
        &folder.join(NEW_IDENTITY_FILE),
        &encrypt_identity(&identity, passphrase, work)?,
    )?;
    write_items(folder, &[&identity], &VaultItems::empty())?;
    private_files::rename(&folder.join(NEW_IDENTITY_FILE), &folder.join(IDENTITY_FILE))
}

/// Waits for the lock against other processes that change the vault.
pub(super) fn lock_vault(folder: &Path) -> Result<File, StoreError> {
    private_files::lock(&folder.join(LOCK_FILE), LOCK_TIMEOUT)
}

/// Rejects a new passphrase that is too easy to guess.
pub(super) fn check_strength(passphrase: &SecretString) -> Result<(), StoreError> {
    passphrase::check_strength(passphrase.expose_secret()).map_err(|_| StoreError::WeakPassphrase)
}

pub(super) fn encrypt_identity(
    identity: &x25519::Identity,
    passphrase: &SecretString,
    work: WorkFactor,
) -> Result<Vec<u8>, StoreError> {
    // Without a fixed factor, age benchmarks the machine and chooses a weak factor on a busy one.
    let mut recipient = scrypt::Recipient::new(passphrase.clone());
    recipient.set_work_factor(work.0);
    age::encrypt(&recipient, identity.to_string().expose_secret().as_bytes())
        .map_err(|error| encryption_failed(&error))
}

/// Decrypts the identity in a file of the folder.
pub(super) fn decrypt_identity(
    folder: &Path,
    name: &str,
    passphrase: &SecretString,
) -> Result<x25519::Identity, StoreError> {
    let encrypted = private_files::read(&folder.join(name))?.ok_or(StoreError::NotInitialized)?;
    let text = age::decrypt(&PassphraseIdentity(passphrase), &encrypted)
        .map(Zeroizing::new)
        .map_err(|error| match error {
            DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
                StoreError::Denied("the passphrase is wrong".to_owned())
            }
            error => damaged_file(name, &error),
        })?;
    let identity = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
    identity.ok_or_else(|| StoreError::Damaged(format!("{name} decrypts, but contains no key")))
}

/// Encrypts the items so that each of the identities can decrypt them, and replaces the file.
pub(super) fn write_items(
    folder: &Path,
    identities: &[&x25519::Identity],
    items: &VaultItems<'_>,
) -> Result<(), StoreError> {
    let keys: Vec<_> = identities.iter().map(|identity| identity.to_public()).collect();
    let recipients = keys.iter().map(|key| -> &dyn age::Recipient { key });
    let encryptor =
        age::Encryptor::with_recipients(recipients).map_err(|error| encryption_failed(&error))?;
    let (plain, mut encrypted) = (items.to_plain()?, Vec::new());
    encryptor
        .wrap_output(&mut encrypted)
        .and_then(|mut output| {
            output.write_all(&plain)?;
            output.finish()
        })
        .map_err(|error| StoreError::DiskError(format!("the encryption failed: {error}")))?;
    private_files::write(&folder.join(ITEMS_FILE), &encrypted)
}

/// Converts "locked" into "damaged" right after the passphrase was accepted, because "locked" would
/// ask the user for the passphrase again.
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
    StoreError::DiskError(format!("the encryption failed: {error}"))
}
