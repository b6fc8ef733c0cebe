//! The ready-made requests of a provider.

use std::ops::Deref;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::spec::Preset;

/// The ready-made requests of a provider. Those that come with the program are read when somebody first asks for them.
#[derive(Debug, Clone)]
pub struct Presets {
    text: &'static str,
    read: OnceLock<Vec<Preset>>,
}

impl Presets {
    /// Those of a file that comes with the program.
    pub(super) const fn waiting(text: &'static str) -> Self {
        Self { text, read: OnceLock::new() }
    }
}

impl Deref for Presets {
    type Target = [Preset];

    #[expect(clippy::expect_used, reason = "the build wrote the text, and a test reads all of them")]
    fn deref(&self) -> &[Preset] {
        self.read.get_or_init(|| serde_json::from_str(self.text).expect("the presets of a provider that comes with the program"))
    }
}

impl Default for Presets {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl From<Vec<Preset>> for Presets {
    fn from(presets: Vec<Preset>) -> Self {
        Self { text: "", read: presets.into() }
    }
}

impl Serialize for Presets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Presets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

impl PartialEq for Presets {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}
