//! Backup file: all secrets with their metadata, in one file of the age format.
//!
//! The file can be read without this program: `age -d FILE` prints JSON, in which the secrets are
//! Base64. What the metadata means belongs to the engine. Start reading at [`seal`] and [`open`].

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, Identity, scrypt, x25519};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::file::{PassphraseIdentity, WorkFactor, passphrase_text};
use super::passphrase::check_strength;
use crate::domain::Secret;
use crate::domain::problem::{Problem, ProblemClass};
use crate::store::passphrase;
use crate::util::private_files::{AtomicFile, parent_folder};

/// Format version that this program writes, and the newest that it reads.
pub const BACKUP_FORMAT: u32 = 1;

/// Name prefix of a backup that is still being written.
const TEMP_FILE_PREFIX: &str = ".tokenring-backup-";

/// Beginning of every file in the age format.
const AGE_MAGIC: &[u8] = b"age-encryption.org/";

/// What encrypts a backup.
pub enum BackupLock {
    /// Public keys of age (`age1…`); each of their identities opens the backup.
    Recipients(Vec<String>),
    /// A passphrase.
    Passphrase(Secret),
}

/// What opens a backup.
pub enum BackupKey {
    /// The passphrase.
    Passphrase(Secret),
    /// A file with age identities (`AGE-SECRET-KEY-1…`), which only its owner can read.
    IdentityFile(PathBuf),
}

/// Decrypted backup.
pub struct BackupArchive {
    /// The metadata, as JSON.
    pub contents: String,
    /// The secrets, in the order in which the metadata lists them.
    pub secrets: Vec<Arc<Secret>>,
}

/// Why a backup cannot be written or opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// A recipient is not a public key of age.
    #[error("\"{0}\" is not a public key of age (age1…)")]
    InvalidRecipient(String),
    /// The file exists.
    #[error("{} exists already", .0.display())]
    FileExists(PathBuf),
    /// The disk prevented reading or writing.
    #[error("{0}")]
    DiskError(String),
    /// The file is not in the age format.
    #[error("the file is not in the age format")]
    NotEncrypted,
    /// The passphrase is wrong.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The backup is encrypted to other recipients.
    #[error("the identity does not open this backup")]
    WrongIdentity,
    /// The identity file has no identity that this program can use.
    #[error("{} has no line AGE-SECRET-KEY-1…", .0.display())]
    NoIdentity(PathBuf),
    /// The backup was encrypted in the other way.
    #[error("{0}")]
    OtherKeyNeeded(&'static str),
    /// The contents are damaged, or another program wrote them.
    #[error("{0}")]
    Damaged(String),
    /// A newer version of this program wrote the backup.
    #[error(
        "the backup has format {0}; this version of tokenring reads formats up to {BACKUP_FORMAT}"
    )]
    Newer(u32),
}

/// Plain text of a backup.
#[derive(Serialize, Deserialize)]
struct BackupPlainText<'a> {
    tokenring_backup: u32,
    #[serde(borrow)]
    contents: &'a RawValue,
    /// Secrets in Base64.
    secrets: Vec<String>,
}

#[derive(Deserialize)]
struct BackupHeader {
    tokenring_backup: u32,
}

/// Encrypts metadata and secrets.
pub fn seal(
    contents: &str,
    secrets: &[Arc<Secret>],
    lock: &BackupLock,
) -> Result<Vec<u8>, Problem> {
    let contents: &RawValue = serde_json::from_str(contents).map_err(|_| damaged_contents())?;
    let encode = |secret: &Arc<Secret>| secret.expose(|bytes| BASE64_STANDARD.encode(bytes));
    let plain = BackupPlainText {
        tokenring_backup: BACKUP_FORMAT,
        contents,
        secrets: secrets.iter().map(encode).collect(),
    };
    // A growing buffer would leave copies behind.
    let size: usize = plain.secrets.iter().map(|secret| secret.len() + 3).sum();
    let mut text = Zeroizing::new(Vec::with_capacity(size + contents.get().len() + 128));
    serde_json::to_writer(&mut *text, &plain).map_err(|_| damaged_contents())?;
    match lock {
        BackupLock::Passphrase(passphrase) => {
            check_strength(passphrase)?;
            let mut recipient = scrypt::Recipient::new(passphrase_text(passphrase)?);
            recipient.set_work_factor(WorkFactor::default().exponent());
            encrypt(&text, &[&recipient])
        }
        BackupLock::Recipients(recipients) => {
            let parse = |text: &String| {
                let invalid = || BackupError::InvalidRecipient(text.clone());
                text.trim().parse::<x25519::Recipient>().map_err(|_| invalid())
            };
            let keys = recipients.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
            let keys: Vec<_> = keys.iter().map(|key| -> &dyn age::Recipient { key }).collect();
            encrypt(&text, &keys)
        }
    }
}

/// Writes a new file, private from its first byte (0600), complete or not at all, and reads it back.
/// An existing file is never replaced.
pub fn write_new(path: &Path, content: &[u8]) -> Result<(), Problem> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::FileExists(path.to_owned()),
        kind => BackupError::DiskError(format!("{}: {kind}", parent_folder(path).display())),
    };
    if fs::symlink_metadata(path).is_ok() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()).into());
    }
    let mut file = AtomicFile::create(path, TEMP_FILE_PREFIX).map_err(failed)?;
    file.write(content).and_then(|()| file.commit_new()).map_err(failed)?;
    if fs::read(path).map_err(failed)? == content {
        return Ok(());
    }
    Err(BackupError::Damaged("the file read back differs from what was written".to_owned()).into())
}

/// Returns whether a passphrase opens this file, and not an identity.
pub fn needs_passphrase(encrypted: &[u8]) -> Result<bool, Problem> {
    Ok(read_header(encrypted)?.is_scrypt())
}

/// Decrypts a backup.
pub fn open(encrypted: &[u8], key: &BackupKey) -> Result<BackupArchive, Problem> {
    let plain = match key {
        BackupKey::Passphrase(passphrase) => {
            if !read_header(encrypted)?.is_scrypt() {
                let why = "the backup is encrypted to a recipient; pass --identity FILE";
                return Err(BackupError::OtherKeyNeeded(why).into());
            }
            let passphrase: SecretString = passphrase_text(passphrase)?;
            decrypt(encrypted, &[&PassphraseIdentity(&passphrase)], BackupError::WrongPassphrase)?
        }
        BackupKey::IdentityFile(path) => {
            if read_header(encrypted)?.is_scrypt() {
                let why = "the backup is encrypted with a passphrase; leave --identity out";
                return Err(BackupError::OtherKeyNeeded(why).into());
            }
            let identities = read_identities(path)?;
            let all: Vec<_> = identities.iter().map(|one| -> &dyn Identity { one }).collect();
            decrypt(encrypted, &all, BackupError::WrongIdentity)?
        }
    };
    Ok(parse_plain(&plain)?)
}

fn parse_plain(plain: &[u8]) -> Result<BackupArchive, BackupError> {
    let foreign = || {
        BackupError::Damaged("the file decrypts, but it is not a backup of tokenring".to_owned())
    };
    let header: BackupHeader = serde_json::from_slice(plain).map_err(|_| foreign())?;
    if header.tokenring_backup > BACKUP_FORMAT {
        return Err(BackupError::Newer(header.tokenring_backup));
    }
    let parsed: BackupPlainText<'_> = serde_json::from_slice(plain).map_err(|_| foreign())?;
    let decode = |text: String| {
        let text = Zeroizing::new(text);
        BASE64_STANDARD.decode(text.as_bytes()).map(|bytes| Arc::new(Secret::new(bytes)))
    };
    let secrets: Result<Vec<_>, _> = parsed.secrets.into_iter().map(decode).collect();
    Ok(BackupArchive {
        contents: parsed.contents.get().to_owned(),
        secrets: secrets.map_err(|_| foreign())?,
    })
}

fn encrypt(plain: &[u8], recipients: &[&dyn age::Recipient]) -> Result<Vec<u8>, Problem> {
    let failed = |why: String| BackupError::DiskError(format!("the encryption failed: {why}"));
    let encryptor = Encryptor::with_recipients(recipients.iter().copied())
        .map_err(|error| failed(error.to_string()))?;
    let mut encrypted = Vec::with_capacity(plain.len() + plain.len() / 64 + 1024);
    encryptor
        .wrap_output(&mut encrypted)
        .and_then(|mut output| {
            output.write_all(plain)?;
            output.finish()
        })
        .map_err(|error| failed(error.to_string()))?;
    Ok(encrypted)
}

fn decrypt(
    encrypted: &[u8],
    identities: &[&dyn Identity],
    wrong_key: BackupError,
) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let mut plain = Zeroizing::new(Vec::with_capacity(encrypted.len()));
    let mut reader = match read_header(encrypted)?.decrypt(identities.iter().copied()) {
        Ok(reader) => reader,
        Err(
            DecryptError::NoMatchingKeys
            | DecryptError::DecryptionFailed
            | DecryptError::KeyDecryptionFailed,
        ) => return Err(wrong_key),
        Err(error) => return Err(BackupError::Damaged(error.to_string())),
    };
    reader
        .read_to_end(&mut plain)
        .map_err(|_| BackupError::Damaged("the file is cut off or was changed".to_owned()))?;
    Ok(plain)
}

fn read_header(encrypted: &[u8]) -> Result<Decryptor<&[u8]>, BackupError> {
    if !encrypted.starts_with(AGE_MAGIC) {
        return Err(BackupError::NotEncrypted);
    }
    Decryptor::new_buffered(encrypted).map_err(|error| BackupError::Damaged(error.to_string()))
}

/// Reads the identities of a file as `age-keygen` writes it.
fn read_identities(path: &Path) -> Result<Vec<x25519::Identity>, Problem> {
    let file = passphrase::read(path)?;
    let identities: Vec<x25519::Identity> = file.expose(|bytes| {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        text.lines().filter_map(|line| line.trim().parse().ok()).collect()
    });
    if identities.is_empty() {
        return Err(BackupError::NoIdentity(path.to_owned()).into());
    }
    Ok(identities)
}

fn damaged_contents() -> BackupError {
    BackupError::Damaged("the metadata could not be written".to_owned())
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        let (what, remedy, class) = match &error {
            BackupError::InvalidRecipient(_) => (
                "No backup was written",
                "pass a public key such as `age-keygen` prints",
                ProblemClass::Usage,
            ),
            BackupError::FileExists(_) => {
                ("No backup was written", "choose another file name", ProblemClass::Usage)
            }
            BackupError::DiskError(_) => (
                "The backup could not be written or read",
                "check the path and the free space",
                ProblemClass::Failed,
            ),
            BackupError::NotEncrypted | BackupError::Damaged(_) => (
                "The backup cannot be read",
                "use another copy of the backup; nothing was imported",
                ProblemClass::Failed,
            ),
            BackupError::Newer(_) => {
                ("The backup cannot be read", "update tokenring", ProblemClass::Failed)
            }
            BackupError::WrongPassphrase
            | BackupError::WrongIdentity
            | BackupError::NoIdentity(_)
            | BackupError::OtherKeyNeeded(_) => (
                "The backup was not opened",
                "use the passphrase or the identity that it was made for",
                ProblemClass::Usage,
            ),
        };
        Self::new(what, error.to_string(), remedy).with_class(class)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use age::secrecy::ExposeSecret as _;

    use super::*;

    fn secrets() -> Vec<Arc<Secret>> {
        [&b"one"[..], b"\x00\xff"].map(|bytes| Arc::new(Secret::new(bytes.to_vec()))).to_vec()
    }

    /// Returns the public key of a new identity, and its file.
    fn identity(folder: &Path) -> (String, PathBuf) {
        let identity = x25519::Identity::generate();
        let path = folder.join(identity.to_public().to_string());
        let text = format!("# created: now\n{}\n", identity.to_string().expose_secret());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        (identity.to_public().to_string(), path)
    }

    #[test]
    fn each_recipient_opens_what_was_sealed_and_no_other_key_does() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, other] = [(); 3].map(|()| identity(folder.path()));
        let lock = BackupLock::Recipients(vec![one.0, two.0]);
        let sealed = seal("{\"n\":1.00}", &secrets(), &lock).unwrap();
        assert_eq!(needs_passphrase(&sealed), Ok(false));
        for path in [one.1, two.1] {
            let opened = open(&sealed, &BackupKey::IdentityFile(path)).unwrap();
            assert_eq!(opened.contents, "{\"n\":1.00}");
            let same = opened.secrets.iter().zip(secrets()).all(|(read, kept)| read.same_as(&kept));
            assert!(same && opened.secrets.len() == 2);
        }
        let why = |key: &BackupKey, bytes: &[u8]| open(bytes, key).err().unwrap().why;
        let other = BackupKey::IdentityFile(other.1);
        assert!(why(&other, &sealed).contains("does not open"));
        assert!(why(&other, b"not age").contains("not in the age format"));
        let passphrase = BackupKey::Passphrase(Secret::from_text("x".to_owned()));
        assert!(why(&passphrase, &sealed).contains("--identity"));
    }

    #[test]
    fn a_passphrase_opens_what_it_sealed_and_a_weak_one_seals_nothing() {
        let passphrase = || Secret::from_text("six-Words-for-a-Test-Zk2".to_owned());
        let sealed = seal("{}", &secrets(), &BackupLock::Passphrase(passphrase())).unwrap();
        assert_eq!(needs_passphrase(&sealed), Ok(true));
        assert_eq!(open(&sealed, &BackupKey::Passphrase(passphrase())).unwrap().secrets.len(), 2);
        let wrong = BackupKey::Passphrase(Secret::from_text("another-one".to_owned()));
        assert_eq!(open(&sealed, &wrong).err().unwrap().why, "the passphrase is wrong");
        let weak = BackupLock::Passphrase(Secret::from_text("secret".to_owned()));
        assert!(seal("{}", &secrets(), &weak).is_err());
        let invalid = BackupLock::Recipients(vec!["ssh-ed25519 AAAA".to_owned()]);
        assert!(seal("{}", &secrets(), &invalid).unwrap_err().why.contains("age1…"));
    }

    #[test]
    fn what_is_damaged_foreign_or_newer_is_told_apart_and_never_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let (public, path) = identity(folder.path());
        let key = BackupKey::IdentityFile(path);
        let recipient: x25519::Recipient = public.parse().unwrap();
        let sealed = |plain: &str| encrypt(plain.as_bytes(), &[&recipient]).unwrap();
        for (plain, expected) in [
            ("canary", "not a backup of tokenring"),
            ("{\"tokenring_backup\":1,\"contents\":{},\"secrets\":[\"canary!\"]}", "not a backup"),
            ("{\"tokenring_backup\":2,\"changed\":\"canary\"}", "has format 2"),
        ] {
            let why = open(&sealed(plain), &key).err().unwrap().why;
            assert!(why.contains(expected) && !why.contains("canary"), "{why}");
        }
        let whole = seal("{}", &secrets(), &BackupLock::Recipients(vec![public])).unwrap();
        for cut in [whole.len() - 1, whole.len() / 2, 30] {
            assert!(open(&whole[..cut], &key).is_err(), "{cut}");
        }
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(open(&changed, &key).is_err());
    }

    #[test]
    fn a_backup_is_a_new_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.age");
        write_new(&path, b"content").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_new(&path, b"other").unwrap_err().why.contains("exists already"));
        assert_eq!(fs::read(&path).unwrap(), b"content");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_new(&folder.path().join("none/b.age"), b"").is_err());
    }
}
