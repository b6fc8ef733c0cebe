//! Where files lie: `TOKENRING_HOME` puts everything under one folder, otherwise the platform's folders.

use std::path::PathBuf;

/// The folders of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Settings and the user's provider files.
    pub config: PathBuf,
    /// The index and the encrypted file.
    pub data: PathBuf,
    /// Logs and what may be lost.
    pub state: PathBuf,
}

impl Paths {
    /// Everything under `home`: `config/`, `data/`, `state/`.
    pub fn under(home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        Self { config: home.join("config"), data: home.join("data"), state: home.join("state") }
    }

    /// The index file.
    pub fn index(&self) -> PathBuf {
        self.data.join("index.db")
    }

    /// The folder of the encrypted file.
    pub fn vault(&self) -> PathBuf {
        self.data.join("vault")
    }

    /// The folder of the user's provider files.
    pub fn providers(&self) -> PathBuf {
        self.config.join("providers")
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}
