//! Schema migrations. Schema version *n* is the result of the first *n* steps; a released step
//! never changes.
//!
//! Start reading at [`migrate_if_older`]. A new step is a new SQL file and a new entry in
//! `MIGRATIONS`.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::{DatabaseError, TransactionError};

/// SQLite application ID that marks the file as a tokenring database: `tkrg` in ASCII.
pub(super) const APPLICATION_ID: u32 = 0x746b_7267;

/// Newest schema version.
pub(super) const LATEST_VERSION: u32 = 8;

const MIGRATIONS: [&str; LATEST_VERSION as usize] = [
    include_str!("1-credentials.sql"),
    include_str!("2-history.sql"),
    include_str!("3-journal.sql"),
    include_str!("4-audit.sql"),
    include_str!("5-consumers.sql"),
    include_str!("6-consumer-parts.sql"),
    include_str!("7-fingerprints.sql"),
    include_str!("8-bindings.sql"),
];

/// Migrates the file to `version`, in one transaction.
pub(super) fn migrate(connection: &mut Connection, version: u32) -> Result<(), TransactionError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated the file while this one waited for the lock.
    let found = read_pragma(&transaction, "user_version")?;
    for step in &MIGRATIONS[(found.min(version)) as usize..version as usize] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", version.max(found))?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(transaction.commit()?)
}

/// Checks the application ID and version of the file, migrates an older file, and rejects a newer
/// one or the file of another program.
pub(super) fn migrate_if_older(
    connection: &mut Connection,
    path: &Path,
) -> Result<(), TransactionError> {
    if read_pragma(connection, "application_id")? != APPLICATION_ID {
        return Err(DatabaseError::NotOurFile { path: path.to_owned() }.into());
    }
    match read_pragma(connection, "user_version")? {
        LATEST_VERSION => Ok(()),
        found if found > LATEST_VERSION => {
            Err(DatabaseError::NewerSchema { path: path.to_owned(), found, known: LATEST_VERSION }
                .into())
        }
        _ => migrate(connection, LATEST_VERSION),
    }
}

fn read_pragma(connection: &Connection, name: &str) -> Result<u32, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
