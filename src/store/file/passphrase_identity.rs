//! Decryption with a passphrase, as the age format defines it
//! (<https://c2sp.org/age#scrypt-recipient-stanza>).
//!
//! The library's own implementation benchmarks the machine on every call to choose the work factor
//! that it accepts, which takes longer than the rest of a command. This implementation has a fixed
//! limit, [`WorkFactor::MAX`]. Start reading at [`PassphraseIdentity`].

use age::secrecy::{ExposeSecret, SecretString};
use age::{DecryptError, Identity};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::primitives::aead_decrypt;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::WorkFactor;

const STANZA_TAG: &str = "scrypt";
const SALT_LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
const SALT_BYTES: usize = 16;

/// Block size that the format defines; the parallelization parameter is 1.
const SCRYPT_BLOCK_SIZE: u32 = 8;

/// age identity that decrypts with a passphrase.
pub(in crate::store) struct PassphraseIdentity<'a>(pub(in crate::store) &'a SecretString);

impl Identity for PassphraseIdentity<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        (stanza.tag == STANZA_TAG).then(|| self.unwrap_file_key(stanza))
    }
}

impl PassphraseIdentity<'_> {
    fn unwrap_file_key(&self, stanza: &Stanza) -> Result<FileKey, DecryptError> {
        let [salt, work] = stanza.args.as_slice() else { return Err(DecryptError::InvalidHeader) };
        let salt = STANDARD_NO_PAD
            .decode(salt)
            .ok()
            .filter(|salt| salt.len() == SALT_BYTES)
            .ok_or(DecryptError::InvalidHeader)?;
        let key = self.derive_key(
            &[SALT_LABEL, &salt].concat(),
            parse_decimal(work).ok_or(DecryptError::InvalidHeader)?,
        )?;
        let opened = aead_decrypt(&key, FILE_KEY_BYTES, &stanza.body).map(Zeroizing::new);
        let opened = opened.map_err(|_| DecryptError::DecryptionFailed)?;
        Ok(FileKey::init_with_mut(|key| key.copy_from_slice(&opened)))
    }

    fn derive_key(&self, salt: &[u8], work: u8) -> Result<Zeroizing<[u8; 32]>, DecryptError> {
        let excessive = DecryptError::ExcessiveWork { required: work, target: WorkFactor::MAX };
        let mut key = Zeroizing::new([0; 32]);
        let Ok(params) = scrypt::Params::new(work, SCRYPT_BLOCK_SIZE, 1, key.len()) else {
            return Err(excessive);
        };
        if work > WorkFactor::MAX
            || scrypt::scrypt(self.0.expose_secret().as_bytes(), salt, &params, key.as_mut())
                .is_err()
        {
            return Err(excessive);
        }
        Ok(key)
    }
}

/// Parses a decimal number without sign and leading zero, the only notation that the format allows.
fn parse_decimal(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"AGE-SECRET-KEY-1";

    fn passphrase(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    fn encrypted(text: &str, work: u8) -> Vec<u8> {
        let mut recipient = age::scrypt::Recipient::new(passphrase(text));
        recipient.set_work_factor(work);
        age::encrypt(&recipient, PLAIN).unwrap()
    }

    /// Returns the file with a changed passphrase header line.
    fn with_stanza(encrypted: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
        let start = encrypted.windows(10).position(|bytes| bytes == b"-> scrypt ").unwrap();
        let end = start + encrypted[start..].iter().position(|byte| *byte == b'\n').unwrap();
        let line = change(std::str::from_utf8(&encrypted[start..end]).unwrap());
        [&encrypted[..start], line.as_bytes(), &encrypted[end..]].concat()
    }

    /// Returns the salt in the passphrase header line.
    fn salt(line: &str) -> &str {
        line.split(' ').nth(2).unwrap()
    }

    #[test]
    fn what_the_library_seals_is_opened_by_its_passphrase_alone() {
        let file = encrypted("correct horse", 3);
        assert_eq!(
            age::decrypt(&PassphraseIdentity(&passphrase("correct horse")), &file).unwrap(),
            PLAIN
        );
        let refused =
            age::decrypt(&PassphraseIdentity(&passphrase("battery staple")), &file).unwrap_err();
        assert!(matches!(refused, DecryptError::DecryptionFailed), "{refused}");
    }

    #[test]
    fn a_header_that_is_not_as_the_format_has_it_is_refused_before_any_work() {
        let file = encrypted("p", 2);
        for change in [
            &(|line: &str| format!("-> scrypt {} 02", salt(line))) as &dyn Fn(&str) -> String,
            &|line| format!("-> scrypt {} +2", salt(line)),
            &|line| format!("-> scrypt {}", salt(line)),
            &|line| format!("-> scrypt {} 2 2", salt(line)),
            &|line| format!("-> scrypt {}AAAA 2", salt(line)),
            &|_| "-> scrypt AAAA 2".to_owned(),
        ] {
            let refused =
                age::decrypt(&PassphraseIdentity(&passphrase("p")), &with_stanza(&file, change))
                    .unwrap_err();
            assert!(matches!(refused, DecryptError::InvalidHeader), "{refused}");
        }
    }

    #[test]
    fn an_excessive_work_factor_is_refused() {
        let file = with_stanza(&encrypted("p", 2), |line| format!("-> scrypt {} 63", salt(line)));
        let refused = age::decrypt(&PassphraseIdentity(&passphrase("p")), &file).unwrap_err();
        assert!(matches!(refused, DecryptError::ExcessiveWork { required: 63, .. }), "{refused}");
    }
}
