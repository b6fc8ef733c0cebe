//! Change of the passphrase of the encrypted file, and of the key that encrypts its items.
//!
//! Two files must change together, so the change is journaled: (1) the journal file is created,
//! (2) the new identity is written beside the old one, (3) the items are encrypted for both
//! identities, (4) the new identity replaces the old one, (5) the items are encrypted for the new
//! identity only, and the journal file is removed. Before step 4 the old passphrase opens the vault,
//! after it the new one; in both cases all items can be read, and opening the vault finishes or
//! undoes what was interrupted. Start reading at [`Vault::change_passphrase`].

use std::path::{Path, PathBuf};

use age::secrecy::SecretString;
use age::x25519;

use super::WorkFactor;
use super::items::VaultItems;
use super::vault::{self, IDENTITY_FILE, Vault};
use crate::store::{StoreError, private_files};

/// Journal file. It exists while a change is not finished.
const JOURNAL_FILE: &str = "passphrase-change";

/// Contents of the journal file: its format.
const JOURNAL_CONTENTS: &[u8] = b"1\n";

/// Name of the new identity before it replaces the old one.
const NEXT_IDENTITY_FILE: &str = "identity.age.next";

/// Change that is under way; its steps are called in order while the lock of the vault is held.
struct PassphraseChange<'v> {
    vault: &'v Vault,
    next: x25519::Identity,
}

impl Vault {
    /// Changes the passphrase and returns the vault with its new key. Other processes that have the
    /// vault open must unlock it again.
    pub(super) fn change_passphrase(
        folder: PathBuf,
        current: &SecretString,
        new: &SecretString,
        work: WorkFactor,
    ) -> Result<Self, StoreError> {
        vault::check_vault(&folder)?;
        vault::check_strength(new)?;
        let _lock = vault::lock_vault(&folder)?;
        let identity = vault::decrypt_identity(&folder, IDENTITY_FILE, current)?;
        let vault = Self { folder, identity };
        vault.finish_passphrase_change()?;
        let change = PassphraseChange { vault: &vault, next: x25519::Identity::generate() };
        change.write_journal()?;
        change.write_next_identity(new, work)?;
        change.encrypt_for_both()?;
        change.replace_identity()?;
        let changed = Self { folder: vault.folder.clone(), identity: change.next };
        changed.finish_passphrase_change()?;
        Ok(changed)
    }

    /// Finishes or undoes a change that was interrupted, if this passphrase opens the vault.
    pub(super) fn resume_passphrase_change(
        folder: &Path,
        passphrase: &SecretString,
    ) -> Result<(), StoreError> {
        if !is_unfinished(folder)? {
            return Ok(());
        }
        // A folder without write permission can still be read.
        let Ok(_lock) = vault::lock_vault(folder) else { return Ok(()) };
        let identity = vault::decrypt_identity(folder, IDENTITY_FILE, passphrase)?;
        Self { folder: folder.to_owned(), identity }.finish_passphrase_change()
    }

    /// Rejects a write while a change is unfinished: the key in use may be the old one. Unlocking
    /// finishes the change.
    pub(super) fn check_no_unfinished_change(&self) -> Result<(), StoreError> {
        if is_unfinished(&self.folder)? { Err(StoreError::Locked) } else { Ok(()) }
    }

    /// Makes the identity in use the only one that can decrypt the items. The caller holds the lock
    /// and has decrypted the identity under it.
    fn finish_passphrase_change(&self) -> Result<(), StoreError> {
        if !is_unfinished(&self.folder)? {
            return Ok(());
        }
        private_files::remove(&self.folder.join(NEXT_IDENTITY_FILE))?;
        let plain = self.decrypt_items()?;
        vault::write_items(&self.folder, &[&self.identity], &VaultItems::parse(&plain)?)?;
        private_files::remove(&self.folder.join(JOURNAL_FILE))
    }
}

impl PassphraseChange<'_> {
    fn write_journal(&self) -> Result<(), StoreError> {
        private_files::write(&self.vault.folder.join(JOURNAL_FILE), JOURNAL_CONTENTS)
    }

    /// Writes the new identity, and verifies that the new passphrase opens it.
    fn write_next_identity(
        &self,
        passphrase: &SecretString,
        work: WorkFactor,
    ) -> Result<(), StoreError> {
        let encrypted = vault::encrypt_identity(&self.next, passphrase, work)?;
        private_files::write(&self.vault.folder.join(NEXT_IDENTITY_FILE), &encrypted)?;
        let written = vault::decrypt_identity(&self.vault.folder, NEXT_IDENTITY_FILE, passphrase)?;
        if written.to_public() == self.next.to_public() {
            return Ok(());
        }
        Err(StoreError::ReadBackMismatch(format!("{NEXT_IDENTITY_FILE} has another key")))
    }

    fn encrypt_for_both(&self) -> Result<(), StoreError> {
        let plain = self.vault.decrypt_items()?;
        let identities = [&self.vault.identity, &self.next];
        vault::write_items(&self.vault.folder, &identities, &VaultItems::parse(&plain)?)
    }

    /// Replaces the identity, after verifying that the new one decrypts the items.
    fn replace_identity(&self) -> Result<(), StoreError> {
        let folder = &self.vault.folder;
        let next = Vault { folder: folder.clone(), identity: self.next.clone() };
        VaultItems::parse(&next.decrypt_items()?)?;
        private_files::rename(&folder.join(NEXT_IDENTITY_FILE), &folder.join(IDENTITY_FILE))
    }
}

/// Returns whether a change was interrupted. Opening the vault with a passphrase finishes it.
pub(super) fn is_unfinished(folder: &Path) -> Result<bool, StoreError> {
    private_files::file_exists(&folder.join(JOURNAL_FILE))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::domain::Secret;
    use crate::store::ItemKey;

    const OLD: &str = "old-Vq7-kept-for-Zk2-Xw9";
    const NEW: &str = "new-Hb4-kept-for-Tr8-Lp1";

    fn text(passphrase: &str) -> SecretString {
        SecretString::from(passphrase.to_owned())
    }

    fn open(folder: &Path, passphrase: &str) -> Result<Vault, StoreError> {
        Vault::open(folder.to_owned(), &text(passphrase), WorkFactor::new(1))
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn key() -> ItemKey {
        ItemKey::internal("kept")
    }

    fn vault_with_item(folder: &Path) -> Vault {
        let vault = open(folder, OLD).unwrap_or_else(|error| panic!("{error}"));
        let secret = Secret::from_text("value".to_owned());
        vault.update_items(|items| items.put(&key(), &secret)).unwrap();
        vault
    }

    #[test]
    fn wherever_a_change_stops_one_passphrase_opens_everything() {
        for steps in 0..=4 {
            let place = tempfile::tempdir().unwrap();
            let folder = place.path().join("vault");
            let vault = vault_with_item(&folder);
            let change = PassphraseChange { vault: &vault, next: x25519::Identity::generate() };
            let all: [&dyn Fn() -> Result<(), StoreError>; 4] = [
                &|| change.write_journal(),
                &|| change.write_next_identity(&text(NEW), WorkFactor::new(1)),
                &|| change.encrypt_for_both(),
                &|| change.replace_identity(),
            ];
            all.iter().take(steps).for_each(|step| step().unwrap());
            let write = vault.update_items(|items| items.remove(&key()));
            if steps > 0 {
                assert_eq!(write, Err(StoreError::Locked), "{steps}: it would use the old key");
            } else {
                vault_with_item(&folder);
            }
            let (right, wrong) = if steps == 4 { (NEW, OLD) } else { (OLD, NEW) };
            assert!(matches!(open(&folder, wrong).err(), Some(StoreError::Denied(_))), "{steps}");
            for _ in 0..2 {
                let opened =
                    open(&folder, right).unwrap_or_else(|error| panic!("{steps}: {error}"));
                let kept = opened.get(&key()).unwrap_or_else(|error| panic!("{steps}: {error}"));
                assert!(kept.same_as(&Secret::from_text("value".to_owned())));
                opened.update_items(|_| {}).unwrap();
                assert_eq!(names(&folder), ["identity.age", "lock", "vault.age"], "{steps}");
            }
            let other = Vault {
                folder: folder.clone(),
                identity: if steps == 4 { vault.identity.clone() } else { change.next.clone() },
            };
            assert_eq!(
                other.get(&key()).err(),
                Some(StoreError::Locked),
                "{steps}: one key is left"
            );
        }
    }

    #[test]
    fn a_change_replaces_passphrase_and_key() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("vault");
        let vault = vault_with_item(&folder);
        let change = |current: &str, new: &str| {
            Vault::change_passphrase(folder.clone(), &text(current), &text(new), WorkFactor::new(1))
        };
        assert!(matches!(change(NEW, OLD).err(), Some(StoreError::Denied(_))));
        assert_eq!(change(OLD, "hunter2").err(), Some(StoreError::WeakPassphrase));
        let changed = change(OLD, NEW).unwrap_or_else(|error| panic!("{error}"));
        changed.update_items(|_| {}).unwrap();
        assert_eq!(vault.get(&key()).err(), Some(StoreError::Locked), "it has the old key");
        assert_eq!(vault.update_items(|_| {}), Err(StoreError::Locked));
        assert!(matches!(open(&folder, OLD).err(), Some(StoreError::Denied(_))));
        assert!(open(&folder, NEW).is_ok_and(|vault| vault.get(&key()).is_ok()));
    }

    #[test]
    fn a_weak_passphrase_creates_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("vault");
        assert_eq!(open(&folder, "correct horse").err(), Some(StoreError::WeakPassphrase));
        assert!(!folder.exists());
    }
}
