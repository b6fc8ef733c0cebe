//! The validated whole of all provider files.

use super::spec::{Kind, Preset, Provider};
use crate::domain::region::Region;

/// All providers, validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    providers: Vec<Provider>,
}

/// A provider file's text and the name to show when it is wrong.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file's name, for messages.
    pub name: String,
    /// The TOML text.
    pub text: String,
}

/// Why the provider files do not make a catalogue, or why a name leads nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// A file is not TOML of the right form.
    #[error("{file}: {why}")]
    Form {
        /// Which file.
        file: String,
        /// Line and reason.
        why: String,
    },
    /// A name that leads nowhere; the nearest names are offered.
    #[error("there is no {what} \"{name}\"")]
    Unknown {
        /// What was looked for: `provider`, `kind`, `region` or `preset`.
        what: &'static str,
        /// The name that was given.
        name: String,
        /// The nearest names, best first; all names where none is near.
        nearest: Vec<String>,
    },
}

impl Catalogue {
    /// The providers that come with the program.
    pub fn builtin() -> Result<Self, CatalogueError> {
        Self::load(&[])
    }

    /// The providers that come with the program, with the user's own files merged in.
    pub fn load(_user: &[Source]) -> Result<Self, CatalogueError> {
        Ok(Self { providers: Vec::new() })
    }

    /// All providers, in the order of the table in the README.
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The provider with this id.
    pub fn provider(&self, id: &str) -> Result<&Provider, CatalogueError> {
        self.providers.iter().find(|provider| provider.id == id).ok_or_else(|| CatalogueError::Unknown {
            what: "provider",
            name: id.to_owned(),
            nearest: Vec::new(),
        })
    }

    /// The kind with this id at that provider.
    pub fn kind(&self, _provider: &str, _kind: &str) -> Result<&Kind, CatalogueError> {
        unimplemented!("spine")
    }

    /// All regions of a provider, its own or those it shares.
    pub fn regions(&self, _provider: &str) -> Result<&[Region], CatalogueError> {
        unimplemented!("spine")
    }

    /// The region of that provider that answers to `name` (id or alias, whatever the case).
    pub fn region(&self, _provider: &str, _name: &str) -> Result<&Region, CatalogueError> {
        unimplemented!("spine")
    }

    /// The preset with this id at that provider.
    pub fn preset(&self, _provider: &str, _preset: &str) -> Result<&Preset, CatalogueError> {
        unimplemented!("spine")
    }
}
