//! The ready-made requests of a provider.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::spec::Preset;

/// The ready-made requests of a provider. Each that comes with the program is read when somebody first asks for it: a first
/// frame shows one of them.
#[derive(Debug, Clone, Default)]
pub struct Presets(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    id: Cow<'static, str>,
    text: &'static str,
    preset: OnceLock<Box<Preset>>,
}

impl Presets {
    /// Those of a file that comes with the program: id and text of each.
    pub(super) fn waiting(texts: &[(&'static str, &'static str)]) -> Self {
        Self(texts.iter().map(|(id, text)| Entry { id: Cow::Borrowed(id), text, preset: OnceLock::new() }).collect())
    }

    /// The one with this id.
    pub fn get(&self, id: &str) -> Option<&Preset> {
        self.0.iter().find(|entry| entry.id == id).map(Entry::get)
    }

    /// All of them, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Preset> {
        self.0.iter().map(Entry::get)
    }
}

impl Entry {
    #[expect(clippy::expect_used, reason = "the build wrote the text, and a test reads all of them")]
    fn get(&self) -> &Preset {
        self.preset.get_or_init(|| serde_json::from_str(self.text).expect("a preset that comes with the program"))
    }
}

impl From<Vec<Preset>> for Presets {
    fn from(presets: Vec<Preset>) -> Self {
        let entry = |preset: Preset| {
            let (id, text) = (Cow::Owned(preset.id.clone()), "");
            Entry { id, text, preset: Box::new(preset).into() }
        };
        Self(presets.into_iter().map(entry).collect())
    }
}

impl Serialize for Presets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Presets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

impl PartialEq for Presets {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
