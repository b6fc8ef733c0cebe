//! Erasing of deleted rows, so that no file of the database still contains them.
//!
//! SQLite only marks deleted rows as free, and the write-ahead log keeps earlier versions of every
//! page. Start reading at [`EraseOutcome`].

use rusqlite::Connection;

use super::Database;
use super::error::TransactionError;

/// Whether copies of deleted rows are left in the files of the database.
///
/// Copies outside these files are out of reach: in backups, in snapshots of the file system, and in
/// blocks that the disk has not reused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EraseOutcome {
    /// No copy is left.
    Complete,
    /// The rows are deleted, but copies are left until a later purge or removal; for this reason.
    Incomplete(String),
}

/// Report of a purge of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeReport {
    /// Number of deleted requests.
    pub deleted: usize,
    /// Whether copies of them are left.
    pub erasure: EraseOutcome,
}

impl Database {
    /// Rewrites the file without the remains of deleted rows, and empties the write-ahead log. The
    /// rows are deleted already, so a failure is an outcome and not an error.
    pub(super) fn erase_deleted_rows(&self) -> EraseOutcome {
        let erased = rewrite_file(&self.lock());
        let reason = match erased {
            Ok(true) => return EraseOutcome::Complete,
            Ok(false) => "another process is reading the database".to_owned(),
            Err(error) => error.into_database_error(&self.path).to_string(),
        };
        tracing::warn!(%reason, "copies of deleted rows are left in the database");
        EraseOutcome::Incomplete(reason)
    }
}

/// Rewrites the file and empties the log; returns whether the log could be emptied.
///
/// Overwriting alone (`secure_delete`) is not enough: when SQLite distributes rows to other pages,
/// copies stay in unused parts of the old pages.
fn rewrite_file(connection: &Connection) -> Result<bool, TransactionError> {
    connection.execute_batch("VACUUM")?;
    let blocked: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))?;
    Ok(!blocked)
}
