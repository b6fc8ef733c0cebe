//! What a provider lists: its kinds of credential, its ready-made requests.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something that a provider lists.
pub trait HasId: DeserializeOwned {
    /// What it is called within the provider.
    fn id(&self) -> &str;
}

/// What a provider lists, in the order of its file. Each item that comes with the program is read when somebody first asks
/// for it: a first frame shows one kind and one request.
#[derive(Debug, Clone)]
pub struct LazyList<T>(Vec<LazyEntry<T>>);

#[derive(Debug, Clone)]
struct LazyEntry<T> {
    id: Cow<'static, str>,
    text: &'static str,
    item: OnceLock<Box<T>>,
}

impl<T> LazyList<T> {
    /// Those of a file that comes with the program: id and text of each.
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
    /// The one with this id.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.0.iter().find(|entry| entry.id == id).map(LazyEntry::get)
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter().map(LazyEntry::get)
    }

    /// Adds an item; it takes the place of the one that has its id, if there is one.
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
    /// Items of the same id are kept, for the check of the file to find them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Vec::deserialize(deserializer)?.into_iter().map(LazyEntry::from_item).collect()))
    }
}

impl<T: HasId + PartialEq> PartialEq for LazyList<T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
