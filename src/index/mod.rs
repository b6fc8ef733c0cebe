//! Where everything that is not secret rests: one SQLite file.
//!
//! The file is safe to lose a race over: two processes may write at once, a damaged or newer file is refused with a
//! remedy and never overwritten, and nothing in it is worth stealing.

use std::path::{Path, PathBuf};

use crate::domain::credential::Check;
use crate::domain::problem::Problem;
use crate::domain::{Credential, CredentialId, Name};

/// The open index. Its calls block for as long as the disk takes, so the engine runs them off the drawing task.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
}

/// The last verdict on a credential in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionCheck {
    /// The region's id.
    pub region: String,
    /// What was found there.
    pub check: Check,
}

/// Why the index did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Another credential has this name.
    #[error("there already is a credential named \"{0}\"")]
    NameTaken(Name),
    /// There is no such credential.
    #[error("there is no credential \"{name}\"")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The nearest names, best first.
        nearest: Vec<String>,
    },
    /// The file is damaged.
    #[error("{path}: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        why: String,
    },
    /// The file was written by a newer version of the program.
    #[error("{path}: its version {found} is newer than {known}, the newest that this program knows")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// Another process holds the file for too long.
    #[error("{path}: another process is writing to it")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The disk or the folder does not allow it.
    #[error("{path}: {why}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

impl Index {
    /// Opens the index file, creating it (and its folder, 0700) or bringing it up to this version where needed.
    pub fn open(_path: &Path) -> Result<Self, IndexError> {
        unimplemented!("spine")
    }

    /// An index in memory, for the demo and for tests.
    pub fn in_memory() -> Result<Self, IndexError> {
        unimplemented!("spine")
    }

    /// All credentials, by name.
    pub fn credentials(&self) -> Result<Vec<Credential>, IndexError> {
        unimplemented!("spine")
    }

    /// The credential with this name; where there is none, the nearest names are offered.
    pub fn by_name(&self, _name: &str) -> Result<Credential, IndexError> {
        unimplemented!("spine")
    }

    /// The credential with this identity.
    pub fn by_id(&self, _id: &CredentialId) -> Result<Credential, IndexError> {
        unimplemented!("spine")
    }

    /// Adds a credential; a name that is taken is refused and nothing changes.
    pub fn insert(&self, _credential: &Credential) -> Result<(), IndexError> {
        unimplemented!("spine")
    }

    /// Changes a credential in one transaction: reads it, lets `change` work on it, writes it back.
    pub fn update(&self, _id: &CredentialId, _change: impl FnOnce(&mut Credential)) -> Result<Credential, IndexError> {
        unimplemented!("spine")
    }

    /// Removes a credential and what belongs to it.
    pub fn remove(&self, _id: &CredentialId) -> Result<(), IndexError> {
        unimplemented!("spine")
    }

    /// Keeps the outcome of a check in a region; in the credential's own region it becomes its last check too.
    pub fn record_check(&self, _id: &CredentialId, _region: &str, _check: &Check) -> Result<(), IndexError> {
        unimplemented!("spine")
    }

    /// The last verdicts on a credential, one for each region where it was tried.
    pub fn region_checks(&self, _id: &CredentialId) -> Result<Vec<RegionCheck>, IndexError> {
        unimplemented!("spine")
    }

    /// Other credentials whose secret has this fingerprint.
    pub fn with_fingerprint(&self, _fingerprint: &str) -> Result<Vec<Name>, IndexError> {
        unimplemented!("spine")
    }

    /// Where the file is; empty for an index in memory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl From<IndexError> for Problem {
    fn from(error: IndexError) -> Self {
        Self::new("The index", error.to_string(), "spine")
    }
}
