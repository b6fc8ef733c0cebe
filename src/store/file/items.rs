//! Plain-text format of the items in the encrypted file: `{"format":1,"items":{"KEY":"BASE64",…}}`.
//!
//! Start reading at [`VaultItems`]. Encryption and files belong to [`super::vault`].

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

use crate::domain::Secret;
use crate::store::{ItemKey, StoreError};

/// Format version that this program writes, and the newest that it reads.
const FORMAT_VERSION: u32 = 1;

/// All items, parsed from one decrypted text and borrowed from it, so that no further copy of a
/// secret is made.
#[derive(Serialize, Deserialize)]
pub(super) struct VaultItems<'a> {
    format: u32,
    #[serde(borrow)]
    items: SortedItems<'a>,
}

/// Keys and their encoded secrets, sorted by key. A sorted list suffices: items are written in this
/// order, and reading one item parses all of them, so a map would be built only to be dropped.
#[derive(Default)]
struct SortedItems<'a>(Vec<(VaultText<'a>, EncodedSecret<'a>)>);

/// Text of a key or value, borrowed from the decrypted text. Only text that was added later, or
/// that is escaped in JSON, is owned.
#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct VaultText<'a>(#[serde(borrow)] Cow<'a, str>);

/// One secret in Base64.
#[derive(Serialize, Deserialize)]
struct EncodedSecret<'a>(#[serde(borrow)] VaultText<'a>);

#[derive(Deserialize)]
struct FormatHeader {
    format: u32,
}

impl<'a> VaultItems<'a> {
    pub(super) fn empty() -> Self {
        Self { format: FORMAT_VERSION, items: SortedItems::default() }
    }

    /// Parses the plain-text format. A newer format is rejected, not read in part.
    pub(super) fn parse(plain: &'a [u8]) -> Result<Self, StoreError> {
        match serde_json::from_slice::<Self>(plain) {
            Ok(items) if items.format <= FORMAT_VERSION => Ok(items),
            _ => Err(unreadable_vault(plain)),
        }
    }

    /// Returns the plain-text format in a buffer that is large enough from the start, because a
    /// growing buffer would leave copies behind.
    pub(super) fn to_plain(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let capacity: usize =
            self.items.0.iter().map(|(key, value)| 6 * key.0.len() + value.0.0.len() + 8).sum();
        let mut plain = Zeroizing::new(Vec::with_capacity(capacity + 64));
        serde_json::to_writer(&mut *plain, self)
            .map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok(plain)
    }

    pub(super) fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        let position = self.items.position(key).map_err(|_| StoreError::NotFound)?;
        let (_, encoded) = &self.items.0[position];
        BASE64_STANDARD
            .decode(encoded.0.0.as_bytes())
            .map(Secret::new)
            .map_err(|_| foreign_content())
    }

    pub(super) fn put(&mut self, key: &ItemKey, secret: &Secret) {
        let encoded = EncodedSecret(VaultText(Cow::Owned(
            secret.expose(|bytes| BASE64_STANDARD.encode(bytes)),
        )));
        match self.items.position(key) {
            Ok(position) => self.items.0[position].1 = encoded,
            Err(position) => self
                .items
                .0
                .insert(position, (VaultText(Cow::Owned(key.as_str().to_owned())), encoded)),
        }
    }

    /// Adds or replaces many items at once; of a key that occurs twice, the later one counts.
    pub(super) fn put_all(&mut self, items: &[(ItemKey, Arc<Secret>)]) {
        self.items.0.extend(items.iter().map(|(key, secret)| {
            let encoded = secret.expose(|bytes| BASE64_STANDARD.encode(bytes));
            (
                VaultText(Cow::Owned(key.as_str().to_owned())),
                EncodedSecret(VaultText(Cow::Owned(encoded))),
            )
        }));
        self.items.sort_and_dedup();
    }

    pub(super) fn remove_all(&mut self, keys: &[ItemKey]) {
        let removed: HashSet<_> = keys.iter().map(ItemKey::as_str).collect();
        self.items.0.retain(|(key, _)| !removed.contains(&*key.0));
    }

    pub(super) fn remove(&mut self, key: &ItemKey) {
        if let Ok(position) = self.items.position(key) {
            self.items.0.remove(position);
        }
    }
}

impl SortedItems<'_> {
    /// Returns the position of a key, or the position where it belongs.
    fn position(&self, key: &ItemKey) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (*known.0).cmp(key.as_str()))
    }

    /// Sorts the entries by key. Of duplicate keys, the later one counts.
    fn sort_and_dedup(&mut self) {
        self.0.reverse();
        self.0.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.0.dedup_by(|(next, _), (retained, _)| next == retained);
    }
}

impl Serialize for SortedItems<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for SortedItems<'a> {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        text.deserialize_map(ItemsVisitor)
    }
}

/// Deserializer visitor that reads the entries one by one.
struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = SortedItems<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("items")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<SortedItems<'de>, M::Error> {
        let mut entries: Vec<(VaultText<'de>, EncodedSecret<'de>)> = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
            // Another program wrote the entries in a different order.
            let mut items = SortedItems(entries);
            items.sort_and_dedup();
            return Ok(items);
        }
        Ok(SortedItems(entries))
    }
}

impl Drop for EncodedSecret<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0.0 {
            text.zeroize();
        }
    }
}

/// Returns the error for a text that cannot be parsed. The parser's message is dropped, because it
/// could quote the file.
fn unreadable_vault(plain: &[u8]) -> StoreError {
    match serde_json::from_slice::<FormatHeader>(plain) {
        Ok(FormatHeader { format }) if format > FORMAT_VERSION => StoreError::Damaged(format!(
            "the vault has format {format}; this version of tokenring supports formats up to {FORMAT_VERSION}"
        )),
        _ => foreign_content(),
    }
}

fn foreign_content() -> StoreError {
    StoreError::Damaged(
        "the vault decrypts, but its contents were not written by tokenring".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_comes_back_whatever_its_bytes_and_its_key() {
        let secret = Secret::new((0..=255).collect());
        let keys = [ItemKey::internal("plain"), ItemKey::internal("with \"quotes\" and \\ and é")];
        let mut items = VaultItems::empty();
        for key in &keys {
            items.put(key, &secret);
        }
        let plain = items.to_plain().unwrap();
        assert!(plain.len() <= plain.capacity());
        let again = VaultItems::parse(&plain).unwrap_or_else(|error| panic!("{error}"));
        for key in &keys {
            assert!(again.get(key).is_ok_and(|read| read.same_as(&secret)));
        }
    }

    #[test]
    fn many_items_are_put_and_removed_at_once_and_the_later_of_two_counts() {
        let secret = |text: &str| Arc::new(Secret::from_text(text.to_owned()));
        let [a, b, c] = ["a", "b", "c"].map(ItemKey::internal);
        let mut items = VaultItems::empty();
        items.put(&b, &secret("old"));
        let added = [(&c, "c"), (&a, "a"), (&b, "first"), (&b, "second")];
        items.put_all(&added.map(|(key, text)| (key.clone(), secret(text))));
        for (key, text) in [(&a, "a"), (&b, "second"), (&c, "c")] {
            assert!(items.get(key).is_ok_and(|read| read.same_as(&secret(text))), "{text}");
        }
        items.remove_all(&[a.clone(), c]);
        assert_eq!(items.get(&a).err(), Some(StoreError::NotFound));
        assert_eq!(items.items.0.len(), 1);
    }

    #[test]
    fn values_are_borrowed_and_not_copied() {
        let plain = br#"{"format":1,"items":{"k":"c2VjcmV0"}}"#;
        let items = VaultItems::parse(plain).unwrap_or_else(|error| panic!("{error}"));
        assert!(items.items.0.iter().all(|(key, value)| matches!(
            (&key.0, &value.0.0),
            (Cow::Borrowed(_), Cow::Borrowed(_))
        )));
    }

    #[test]
    fn another_order_and_a_key_that_stands_there_twice_are_read_as_json_is() {
        let plain = br#"{"items":{"tokenring/b":"Yg==","tokenring/a":"b2xk","tokenring/a":"bmV3"},"format":1}"#;
        let mut items = VaultItems::parse(plain).unwrap_or_else(|error| panic!("{error}"));
        let holds = |items: &VaultItems<'_>, key: &'static str, text: &str| {
            items
                .get(&ItemKey::internal(key))
                .is_ok_and(|read| read.same_as(&Secret::from_text(text.to_owned())))
        };
        assert!(holds(&items, "a", "new") && holds(&items, "b", "b"));
        items.put(&ItemKey::internal("aa"), &Secret::from_text("between".to_owned()));
        items.remove(&ItemKey::internal("a"));
        assert!(holds(&items, "aa", "between") && holds(&items, "b", "b"));
        assert_eq!(items.get(&ItemKey::internal("a")).err(), Some(StoreError::NotFound));
    }

    #[test]
    fn what_is_newer_or_strange_is_refused_without_being_quoted() {
        let newer = VaultItems::parse(br#"{"format":2,"items":{"k":{"sealed":"canary"}}}"#).err();
        assert!(matches!(newer, Some(StoreError::Damaged(why)) if why.contains("format 2")));
        for strange in [&b"canary"[..], b"{}", br#"{"format":1,"items":{"k":["canary"]}}"#] {
            let Some(StoreError::Damaged(why)) = VaultItems::parse(strange).err() else {
                panic!("accepted")
            };
            assert!(!why.contains("canary"));
        }
        let crooked = br#"{"format":1,"items":{"tokenring/k":"not base64!"}}"#;
        let items = VaultItems::parse(crooked).unwrap_or_else(|error| panic!("{error}"));
        assert!(
            matches!(items.get(&ItemKey::internal("k")), Err(StoreError::Damaged(why)) if !why.contains("base64!"))
        );
    }
}
