//! Errors of the database and their remedies.
//!
//! [`DatabaseError`] is the error of every call; its conversion into a [`Problem`] adds the text
//! for the user. Start reading there. Errors of the secret stores belong to `store`.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::{CredentialName, Timestamp};

/// Error of a database call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// Another credential has this name.
    #[error("another credential is named \"{0}\"")]
    NameTaken(CredentialName),
    /// No credential has this name or ID.
    #[error("no credential named \"{name}\"")]
    UnknownCredential {
        /// The name that was requested.
        name: String,
        /// Similar names, best match first.
        nearest: Vec<String>,
    },
    /// Another consumer of the credential has this name.
    #[error("another consumer of the credential is named \"{0}\"")]
    ConsumerNameTaken(CredentialName),
    /// No consumer of the credential has this name.
    #[error("the credential has no consumer named \"{name}\"")]
    UnknownConsumer {
        /// The name that was requested.
        name: String,
        /// The names of the credential's consumers.
        known: Vec<String>,
    },
    /// The credential has an open rotation, so it cannot be rotated or removed.
    #[error("rotation {rotation} is not finished")]
    RotationInProgress {
        /// The open rotation.
        rotation: String,
    },
    /// Another process holds the lease of this rotation.
    #[error("the lease on rotation {rotation} expires at {until}")]
    LeaseHeld {
        /// The rotation.
        rotation: String,
        /// Time at which the lease expires, unless it is renewed.
        until: Timestamp,
    },
    /// There is no rotation with this ID, or it is closed.
    #[error("no open rotation has the ID {0}")]
    NoOpenRotation(String),
    /// The database file is damaged.
    #[error("{}: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// SQLite's message.
        why: String,
    },
    /// The file was written by a newer version of the program.
    #[error("{}: this version of tokenring supports schema versions up to {known}, not {found}", .path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The schema version of the file.
        found: u32,
        /// The newest schema version that this program knows.
        known: u32,
    },
    /// The file is a database of another program.
    #[error("{}: the file is a database, but not of tokenring", .path.display())]
    NotOurFile {
        /// The file.
        path: PathBuf,
    },
    /// A symbolic link is in place of the file.
    #[error("{}: a symbolic link could point anywhere", .path.display())]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },
    /// Another process has locked the file for too long.
    #[error("{}: another process is writing to the file", .path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The folder of the file cannot be written.
    #[error("{}: the folder is read-only", .path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The disk or the folder's permissions prevented the call.
    #[error("{}: {why}", .path.display())]
    DiskError {
        /// The file or folder.
        path: PathBuf,
        /// The system's message.
        why: String,
    },
}

/// Error inside a transaction, where the path of the file is not known.
pub(super) enum TransactionError {
    Sqlite(rusqlite::Error),
    Database(DatabaseError),
}

impl TransactionError {
    /// Returns the error for the caller, which names the file.
    pub(super) fn into_database_error(self, path: &Path) -> DatabaseError {
        match self {
            Self::Database(error) => error,
            Self::Sqlite(error) => from_sqlite_error(&error, path),
        }
    }
}

impl From<rusqlite::Error> for TransactionError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<DatabaseError> for TransactionError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        let (what, remedy, class) = match &error {
            DatabaseError::NameTaken(_) => (
                "The name is already in use",
                "choose another name, or edit the credential that has it".to_owned(),
                ProblemClass::Usage,
            ),
            DatabaseError::UnknownCredential { nearest, .. } => {
                ("Unknown credential", suggest_names(nearest), ProblemClass::NotFound)
            }
            DatabaseError::ConsumerNameTaken(_) => (
                "The consumer name is already in use",
                "choose another name, or remove that consumer first".to_owned(),
                ProblemClass::Usage,
            ),
            DatabaseError::UnknownConsumer { known, .. } => {
                ("Unknown consumer", list_consumers(known), ProblemClass::NotFound)
            }
            DatabaseError::RotationInProgress { rotation } => (
                "The credential is being rotated",
                format!(
                    "resume the rotation with `tokenring rotate --resume {rotation}`, or roll it back with `tokenring rotate --rollback {rotation}`"
                ),
                ProblemClass::NeedsHuman,
            ),
            DatabaseError::LeaseHeld { .. } => (
                "Another process is running the rotation",
                "wait until the other process finishes or its lease expires".to_owned(),
                ProblemClass::Failed,
            ),
            DatabaseError::NoOpenRotation(_) => (
                "Unknown rotation",
                "list the rotations with `tokenring rotate --list`".to_owned(),
                ProblemClass::NotFound,
            ),
            DatabaseError::Damaged { path, .. } => (
                "The database is damaged",
                format!(
                    "restore {0} from a backup, or move the file away (with {0}-wal and {0}-shm) and add the credentials again; nothing was changed",
                    path.display()
                ),
                ProblemClass::Failed,
            ),
            DatabaseError::NewerSchema { .. } => (
                "The database was written by a newer version of tokenring",
                "update tokenring; nothing was changed".to_owned(),
                ProblemClass::Failed,
            ),
            DatabaseError::NotOurFile { path } => (
                "The database file belongs to another program",
                format!(
                    "move {} away, or set TOKENRING_HOME to another folder; nothing was changed",
                    path.display()
                ),
                ProblemClass::Failed,
            ),
            DatabaseError::SymbolicLink { path } => (
                "The database is a symbolic link",
                format!(
                    "replace the link {} with the file itself, or set TOKENRING_HOME to the folder that contains the file",
                    path.display()
                ),
                ProblemClass::Failed,
            ),
            DatabaseError::Busy { .. } => (
                "The database is busy",
                "try again; if the problem persists, quit the other tokenring".to_owned(),
                ProblemClass::Failed,
            ),
            DatabaseError::ReadOnly { .. } => (
                "The database cannot be written",
                "make the folder writable, or set TOKENRING_HOME to another folder; nothing was changed"
                    .to_owned(),
                ProblemClass::Failed,
            ),
            DatabaseError::DiskError { path, .. } => (
                "The database cannot be read or written",
                format!(
                    "check that you can write to the folder of {} and that the disk is not full",
                    path.display()
                ),
                ProblemClass::Failed,
            ),
        };
        Self::new(what, error.to_string(), remedy).with_class(class)
    }
}

fn suggest_names(nearest: &[String]) -> String {
    match nearest {
        [] => "list the credentials with `tokenring list`".to_owned(),
        names => format!("did you mean \"{}\"?", names.join("\" or \"")),
    }
}

fn list_consumers(consumers: &[String]) -> String {
    match consumers {
        [] => "add a consumer with `tokenring consumer add`".to_owned(),
        names => format!("use one of \"{}\"", names.join("\", \"")),
    }
}

/// Converts an SQLite error by its code. Every error that means unreadable data counts as damage.
fn from_sqlite_error(error: &rusqlite::Error, path: &Path) -> DatabaseError {
    let path = path.to_owned();
    let why = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DatabaseError::Busy { path },
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OutOfMemory,
        ) => DatabaseError::DiskError { path, why },
        _ => DatabaseError::Damaged { path, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<DatabaseError> {
        let path = PathBuf::from("/home/user/index.db");
        let why = "what the system said".to_owned();
        vec![
            DatabaseError::NameTaken(CredentialName::parse("laptop").unwrap()),
            DatabaseError::UnknownCredential {
                name: "labtop".to_owned(),
                nearest: vec!["laptop".to_owned()],
            },
            DatabaseError::UnknownCredential { name: "x".to_owned(), nearest: Vec::new() },
            DatabaseError::ConsumerNameTaken(CredentialName::parse("ci").unwrap()),
            DatabaseError::UnknownConsumer { name: "x".to_owned(), known: vec!["ci".to_owned()] },
            DatabaseError::RotationInProgress { rotation: "r1".to_owned() },
            DatabaseError::LeaseHeld { rotation: "r1".to_owned(), until: Timestamp::UNIX_EPOCH },
            DatabaseError::NoOpenRotation("r1".to_owned()),
            DatabaseError::Damaged { path: path.clone(), why: why.clone() },
            DatabaseError::NewerSchema { path: path.clone(), found: 9, known: 4 },
            DatabaseError::NotOurFile { path: path.clone() },
            DatabaseError::SymbolicLink { path: path.clone() },
            DatabaseError::Busy { path: path.clone() },
            DatabaseError::ReadOnly { path: path.clone() },
            DatabaseError::DiskError { path, why },
        ]
    }

    #[test]
    fn every_error_says_what_why_and_what_to_do() {
        let mut titles: Vec<String> = Vec::new();
        for error in all() {
            let problem = Problem::from(error.clone());
            assert!(!problem.what.is_empty() && !problem.remedy.is_empty(), "{problem}");
            assert_eq!(problem.why, error.to_string());
            titles.push(problem.what);
        }
        titles.dedup();
        assert_eq!(titles.len(), 14, "two kinds of error must not look the same: {titles:?}");
    }

    #[test]
    fn the_exit_code_follows_from_the_error() {
        let codes: Vec<u8> =
            all().into_iter().map(|error| Problem::from(error).class.exit_code()).collect();
        assert_eq!(codes, [2, 3, 3, 2, 3, 8, 1, 3, 1, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn the_nearest_names_are_offered() {
        let problem = Problem::from(all().swap_remove(1));
        assert_eq!(problem.remedy, "did you mean \"laptop\"?");
    }
}
