//! The plain form of the items: `{"format":1,"items":{"KEY":"BASE64",…}}`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::domain::Secret;
use crate::store::{ItemKey, StoreError};

/// The newest form that this program knows, and the one it writes.
const FORMAT: u32 = 1;

/// All items, read from one decrypted text and borrowed from it, so that no further copy of a secret comes to be.
#[derive(Serialize, Deserialize)]
pub(super) struct Items<'a> {
    format: u32,
    #[serde(borrow)]
    items: BTreeMap<String, Encoded<'a>>,
}

/// One secret in base64; only what was added here is owned.
#[derive(Serialize, Deserialize)]
struct Encoded<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl<'a> Items<'a> {
    pub(super) fn none() -> Self {
        Self { format: FORMAT, items: BTreeMap::new() }
    }

    /// Reads the plain form; a newer one is refused rather than understood by half.
    pub(super) fn parse(plain: &'a [u8]) -> Result<Self, StoreError> {
        let head: Head = serde_json::from_slice(plain).map_err(|_| not_ours())?;
        if head.format > FORMAT {
            let why = format!("its format {} is newer than {FORMAT}, the newest that this program knows", head.format);
            return Err(StoreError::Damaged(why));
        }
        // The parser's own words are not passed on: they could quote what is in the file.
        serde_json::from_slice(plain).map_err(|_| not_ours())
    }

    /// The plain form, in a buffer that never had to grow and leave a smaller copy behind.
    pub(super) fn to_plain(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let room: usize = self.items.iter().map(|(key, value)| 6 * key.len() + value.0.len() + 8).sum();
        let mut plain = Zeroizing::new(Vec::with_capacity(room + 64));
        serde_json::to_writer(&mut *plain, self).map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok(plain)
    }

    pub(super) fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        let encoded = self.items.get(key.as_str()).ok_or(StoreError::Absent)?;
        BASE64_STANDARD.decode(encoded.0.as_bytes()).map(Secret::new).map_err(|_| not_ours())
    }

    pub(super) fn put(&mut self, key: &ItemKey, secret: &Secret) {
        let encoded = secret.expose(|bytes| BASE64_STANDARD.encode(bytes));
        self.items.insert(key.as_str().to_owned(), Encoded(Cow::Owned(encoded)));
    }

    pub(super) fn remove(&mut self, key: &ItemKey) {
        self.items.remove(key.as_str());
    }
}

impl Drop for Encoded<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

fn not_ours() -> StoreError {
    StoreError::Damaged("the vault opens, but what is inside was not written by this program".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_comes_back_whatever_its_bytes_and_its_key() {
        let secret = Secret::new((0..=255).collect());
        let keys = [ItemKey::own("plain"), ItemKey::own("with \"quotes\" and \\ and é")];
        let mut items = Items::none();
        for key in &keys {
            items.put(key, &secret);
        }
        let plain = items.to_plain().unwrap();
        assert!(plain.len() <= plain.capacity());
        let again = Items::parse(&plain).unwrap_or_else(|error| panic!("{error}"));
        for key in &keys {
            assert!(again.get(key).is_ok_and(|read| read.same_as(&secret)));
        }
    }

    #[test]
    fn values_are_borrowed_and_not_copied() {
        let plain = br#"{"format":1,"items":{"k":"c2VjcmV0"}}"#;
        let items = Items::parse(plain).unwrap_or_else(|error| panic!("{error}"));
        assert!(items.items.values().all(|value| matches!(value.0, Cow::Borrowed(_))));
    }

    #[test]
    fn what_is_newer_or_strange_is_refused_without_being_quoted() {
        let newer = Items::parse(br#"{"format":2,"items":{"k":{"sealed":"canary"}}}"#).err();
        assert!(matches!(newer, Some(StoreError::Damaged(why)) if why.contains("format 2")));
        for strange in [&b"canary"[..], b"{}", br#"{"format":1,"items":{"k":["canary"]}}"#] {
            let Some(StoreError::Damaged(why)) = Items::parse(strange).err() else { panic!("accepted") };
            assert!(!why.contains("canary"));
        }
        let crooked = br#"{"format":1,"items":{"tokenring/k":"not base64!"}}"#;
        let items = Items::parse(crooked).unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(items.get(&ItemKey::own("k")), Err(StoreError::Damaged(why)) if !why.contains("base64!")));
    }
}
