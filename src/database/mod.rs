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
//!
//! Column types: how domain values are stored in SQLite columns.

mod audit;
mod batch;
mod bindings;
mod checks;
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

pub use audit::{AuditEntry, AuditHead, AuditIntegrity, AuditRecord};
pub use batch::{CredentialBatch, KnownCredentials};
pub use bindings::{BindingRecord, BindingSubject};
pub use checks::{CheckedSecret, RegionCheckResult};
pub use credentials::MAX_SORTED_ROWS;
pub use error::DatabaseError;
use error::TransactionError;
pub use fingerprints::{FingerprintRecord, SecretLocation};
pub use history::{HistoryEntry, HistoryFilter, HistoryRecord};
pub use journal::{
    JournalRecord, LeaseRequest, NewRotation, RotationFilter, RotationLease, RotationRecord,
};
use rusqlite::config::DbConfig;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ToSql, TransactionBehavior};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::database::open::{EraseOutcome, PurgeReport};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::response::CheckResult;
use crate::domain::{CredentialId, CredentialName, Timestamp};

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

/// Time as microseconds since 1970.
pub(in crate::database) struct TimestampMicros(pub(in crate::database) Timestamp);

/// Value that is stored as JSON text.
pub(in crate::database) struct JsonColumn<T>(pub(in crate::database) T);

/// Count that may exceed SQLite's signed integers; larger counts are stored as the maximum.
pub(in crate::database) struct CountColumn(pub(in crate::database) u64);

impl TimestampMicros {
    /// Returns the number in the column.
    pub(in crate::database) fn as_micros(&self) -> i64 {
        i64::try_from(self.0.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
    }
}

impl ToSql for TimestampMicros {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_micros().into())
    }
}

impl FromSql for TimestampMicros {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let nanos = i128::from(value.as_i64()?) * 1000;
        Timestamp::from_unix_timestamp_nanos(nanos).map(Self).map_err(FromSqlError::other)
    }
}

impl<T: Serialize> ToSql for JsonColumn<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(ToSqlOutput::Owned(Value::Text(text)))
    }
}

impl<T: DeserializeOwned> FromSql for JsonColumn<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(FromSqlError::other)
    }
}

impl ToSql for CountColumn {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for CountColumn {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Self).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

impl ToSql for CredentialId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for CredentialId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?)
            .ok_or_else(|| FromSqlError::Other("not a credential ID".into()))
    }
}

impl ToSql for CredentialName {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for CredentialName {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::from_stored(value.as_str()?).map_err(FromSqlError::other)
    }
}

impl ToSql for SecretSlot {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for SecretSlot {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        let all = [Self::Current, Self::Pending, Self::Previous];
        all.into_iter()
            .find(|slot| slot.as_str() == text)
            .ok_or_else(|| FromSqlError::Other("not a secret slot".into()))
    }
}

impl ToSql for SecretPart {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for SecretPart {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(Self::parse)
    }
}

impl ToSql for CheckResult {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for CheckResult {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).ok_or_else(|| FromSqlError::Other("not a check result".into()))
    }
}
