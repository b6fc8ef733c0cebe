//! Where everything that is not secret rests: one SQLite file.
//!
//! The file is safe to lose a race over: two processes may write at once, a damaged or newer file is refused with a
//! remedy and never overwritten, and nothing in it is worth stealing.
//!
//! It is kept in write-ahead mode, so that a reader (the first frame) never waits for a writer, and a writer pays one
//! flush to disk. What must survive a power cut (`Durability::Immediate`: credentials, the rotation journal, the audit
//! trail) is on disk before the call returns; verdicts and history (`Durability::Deferred`) survive a crash of the
//! program, but a power cut may take the last of them. Nothing is written unless a call asks for it.
//!
//! Moments are kept to the microsecond.

mod audit;
mod checks;
mod columns;
mod consumers;
mod credentials;
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

pub use audit::{AuditEntry, AuditIntegrity, AuditRecord};
pub use checks::RegionCheckResult;
pub use error::DatabaseError;
use error::TransactionError;
pub use fingerprints::{FingerprintRecord, SecretLocation};
pub use history::{HistoryEntry, HistoryFilter, HistoryRecord};
pub use journal::{
    JournalRecord, LeaseRequest, NewRotation, RotationFilter, RotationLease, RotationRecord,
};

/// The open index. Its calls block for as long as the disk takes, so the engine runs them off the drawing task.
#[derive(Debug)]
pub struct Database {
    connection: Mutex<Connection>,
    path: PathBuf,
}

/// When a change must be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Before the call returns.
    Immediate,
    /// With the next change that must be, or when the system gets round to it.
    Deferred,
}

impl Database {
    /// Where the file is; empty for an index in memory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole file and says whether it is sound. Takes as long as the file is large, so it is done on
    /// demand and not when the index is opened.
    pub fn verify_integrity(&self) -> Result<(), DatabaseError> {
        let findings: Vec<String> = self.read(|connection| {
            let mut check = connection.prepare("PRAGMA integrity_check(3)")?;
            let lines = check.query_map((), |row| row.get(0))?;
            Ok(lines.collect::<Result<_, _>>()?)
        })?;
        if findings != ["ok"] {
            return Err(DatabaseError::Damaged {
                path: self.path.clone(),
                why: findings.join("; "),
            });
        }
        self.credentials().map(drop)
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, TransactionError>,
    ) -> Result<T, DatabaseError> {
        work(&self.lock()).map_err(|failure| failure.into_database_error(&self.path))
    }

    /// Runs `work` in a transaction that no other writer can interleave with. It is kept as a whole or not at all.
    fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Connection) -> Result<T, TransactionError>,
    ) -> Result<T, DatabaseError> {
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
        transact().map_err(|failure: TransactionError| failure.into_database_error(&self.path))
    }

    /// A panic in another thread cannot leave the connection in a bad state: its transaction was rolled back.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether whoever closes the file last leaves the write-ahead log for the next one. Where only verdicts and history
/// were written it is left while it is short, since taking it over costs two syncs of the disk, which is more than all of a
/// request.
const SKIP_CHECKPOINT_ON_CLOSE: DbConfig = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;

impl Durability {
    const fn synchronous_pragma(self) -> &'static str {
        match self {
            Self::Immediate => "FULL",
            Self::Deferred => "NORMAL",
        }
    }
}
