//! Database of everything that is not secret: one SQLite file.
//!
//! Two processes can write to the file at once. A damaged or newer file is rejected with a remedy
//! and never overwritten, and its contents are worthless to a thief.
//!
//! The file is in write-ahead-log mode, so that a reader (the first frame) never waits for a
//! writer, and a writer needs one flush to disk. Changes that must survive a power cut
//! (`Durability::Immediate`: credentials, the rotation journal, the audit log) are on disk before
//! the call returns. Check results and history (`Durability::Deferred`) survive a crash of the
//! program, but a power cut can lose the latest of them. Nothing is written unless a call asks for
//! it. What is deleted is overwritten, and after a purge or a removal no copy of it is left in the
//! files of the database ([`EraseOutcome`]).
//!
//! Times have microsecond precision. Start reading at [`Database`]; each submodule adds the calls
//! for one table. Secrets belong to `store`.

mod audit;
mod batch;
mod bindings;
mod checks;
mod columns;
mod consumers;
mod credentials;
mod erase;
mod error;
mod fingerprints;
mod history;
mod journal;
mod migrations;
mod open;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

pub use audit::{AuditEntry, AuditHead, AuditIntegrity, AuditRecord};
pub use batch::{CredentialBatch, KnownCredentials};
pub use bindings::{BindingRecord, BindingSubject};
pub use checks::{CheckedSecret, RegionCheckResult};
pub use credentials::MAX_SORTED_ROWS;
pub use erase::{EraseOutcome, PurgeReport};
pub use error::DatabaseError;
use error::TransactionError;
pub use fingerprints::{FingerprintRecord, SecretLocation};
pub use history::{HistoryEntry, HistoryFilter, HistoryRecord};
pub use journal::{
    JournalRecord, LeaseRequest, NewRotation, RotationFilter, RotationLease, RotationRecord,
};

/// Open database. Its calls block on the disk, so `engine` runs them off the drawing task.
#[derive(Debug)]
pub struct Database {
    connection: Mutex<Connection>,
    path: PathBuf,
    access: FileAccess,
}

/// How the file was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileAccess {
    ReadWrite,
    /// The folder cannot be written: calls that read work, and calls that write fail.
    ReadOnly,
}

/// Time at which a change must be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Before the call returns.
    Immediate,
    /// With the next immediate change, or when the operating system writes it.
    Deferred,
}

impl Database {
    /// Returns the path of the file; empty for an in-memory database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file cannot be written.
    pub fn is_read_only(&self) -> bool {
        self.access == FileAccess::ReadOnly
    }

    /// Reads the whole file and checks its integrity. The duration grows with the size of the file,
    /// so this runs on demand and not when the database is opened.
    pub fn verify_integrity(&self) -> Result<(), DatabaseError> {
        let problems: Vec<String> = self.read(|connection| {
            let mut check = connection.prepare("PRAGMA integrity_check(3)")?;
            let lines = check.query_map((), |row| row.get(0))?;
            Ok(lines.collect::<Result<_, _>>()?)
        })?;
        if problems != ["ok"] {
            return Err(DatabaseError::Damaged {
                path: self.path.clone(),
                why: problems.join("; "),
            });
        }
        self.credentials().map(drop)
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, TransactionError>,
    ) -> Result<T, DatabaseError> {
        work(&self.lock()).map_err(|error| error.into_database_error(&self.path))
    }

    /// Runs `work` in a transaction that excludes other writers; its changes are committed together
    /// or not at all.
    fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Connection) -> Result<T, TransactionError>,
    ) -> Result<T, DatabaseError> {
        if self.is_read_only() {
            return Err(DatabaseError::ReadOnly { path: self.path.clone() });
        }
        let transact = || {
            let mut connection = self.lock();
            connection.pragma_update(None, "synchronous", durability.synchronous_pragma())?;
            if durability == Durability::Immediate {
                connection.set_db_config(SKIP_CHECKPOINT_ON_CLOSE, false)?;
            }
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        transact().map_err(|error: TransactionError| error.into_database_error(&self.path))
    }

    /// Locks the connection. A panic in another thread leaves the connection usable, because its
    /// transaction is rolled back.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Option that makes the last process leave the write-ahead log behind when it closes the file. A
/// short log is left behind if only check results and history were written, because a checkpoint
/// costs two syncs of the disk, more than all of a request.
const SKIP_CHECKPOINT_ON_CLOSE: DbConfig = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;

impl Durability {
    const fn synchronous_pragma(self) -> &'static str {
        match self {
            Self::Immediate => "FULL",
            Self::Deferred => "NORMAL",
        }
    }
}
