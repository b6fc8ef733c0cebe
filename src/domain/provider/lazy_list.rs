//! List of a provider's kinds or presets, parsed on first use.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Item with an ID that is unique within its provider.
pub trait HasId: DeserializeOwned {
    /// Returns the ID.
    fn id(&self) -> &str;
}

/// Items of a provider in the order of its file. A built-in item is parsed on first access, because
/// a first frame shows only one kind and one preset.
#[derive(Debug, Clone)]
pub struct LazyList<T>(Vec<LazyEntry<T>>);

#[derive(Debug, Clone)]
struct LazyEntry<T> {
    id: Cow<'static, str>,
    text: &'static str,
    item: OnceLock<Box<T>>,
}

impl<T> LazyList<T> {
    /// Creates the list of a built-in file from the ID and JSON text of each item.
    pub(super) fn from_static(texts: &[(&'static str, &'static str)]) -> Self {
        Self(
            texts
                .iter()
                .map(|(id, text)| LazyEntry { id: Cow::Borrowed(id), text, item: OnceLock::new() })
                .collect(),
        )
    }
}

impl<T: HasId> LazyList<T> {
    /// Returns the item with this ID.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.0.iter().find(|entry| entry.id == id).map(LazyEntry::get)
    }

    /// Iterates over all items.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter().map(LazyEntry::get)
    }

    /// Adds an item, or replaces the item with the same ID.
    pub(super) fn insert_or_replace(&mut self, item: T) {
        match self.0.iter_mut().find(|entry| entry.id == item.id()) {
            Some(known) => *known = LazyEntry::from_item(item),
            None => self.0.push(LazyEntry::from_item(item)),
        }
    }
}

impl<T: HasId> LazyEntry<T> {
    fn from_item(item: T) -> Self {
        Self { id: item.id().to_owned().into(), text: "", item: Box::new(item).into() }
    }

    #[expect(
        clippy::expect_used,
        reason = "the build wrote the text, and a test reads all of them"
    )]
    fn get(&self) -> &T {
        self.item.get_or_init(|| {
            serde_json::from_str(self.text).expect("an item that comes with the program")
        })
    }
}

impl<T> Default for LazyList<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: HasId + Serialize> Serialize for LazyList<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: HasId> Deserialize<'de> for LazyList<T> {
    /// Keeps items with the same ID, so that the validation of the file can report them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Vec::deserialize(deserializer)?.into_iter().map(LazyEntry::from_item).collect()))
    }
}

impl<T: HasId + PartialEq> PartialEq for LazyList<T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
