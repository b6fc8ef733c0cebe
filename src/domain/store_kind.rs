//! Kinds of secret stores, and the word for each in settings, on the command line and in JSON.
//!
//! Start reading at [`StoreKind`]. What a store of each kind can do, and how it is opened, belongs
//! to `store`.

use serde::{Deserialize, Serialize};

/// Kind of a secret store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// The system's keyring.
    #[default]
    Keyring,
    /// The encrypted file.
    File,
    /// The memory of this process.
    Memory,
}

impl StoreKind {
    /// All kinds, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Keyring, Self::File, Self::Memory];

    /// The words for all kinds, in the order of [`StoreKind::ALL`].
    pub const NAMES: [&'static str; Self::ALL.len()] = {
        let (mut names, mut at) = ([""; Self::ALL.len()], 0);
        while at < names.len() {
            names[at] = Self::ALL[at].as_str();
            at += 1;
        }
        names
    };

    /// Returns the word for this kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }

    /// Returns the kind with this word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_under_the_word_that_it_is_read_by() {
        for kind in StoreKind::ALL {
            let written = format!("\"{}\"", kind.as_str());
            assert_eq!(serde_json::to_string(&kind).unwrap(), written);
            assert_eq!(serde_json::from_str::<StoreKind>(&written).unwrap(), kind);
            assert_eq!(StoreKind::parse(kind.as_str()), Some(kind));
        }
        let error = serde_json::from_str::<StoreKind>("\"other\"").unwrap_err().to_string();
        let known: Vec<_> = error.split('`').skip(3).step_by(2).collect();
        assert_eq!(known, StoreKind::NAMES);
        assert_eq!(StoreKind::parse("other"), None);
    }
}
