//! The versions of the file. Version *n* is what the first *n* steps make; a step that was released never changes.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::{DatabaseError, TransactionError};

/// Marks the file as ours: `tkrg` in ASCII.
pub(super) const APPLICATION_ID: u32 = 0x746b_7267;

/// The newest version.
pub(super) const LATEST_VERSION: u32 = 7;

const MIGRATIONS: [&str; LATEST_VERSION as usize] = [
    include_str!("1-credentials.sql"),
    include_str!("2-history.sql"),
    include_str!("3-journal.sql"),
    include_str!("4-audit.sql"),
    include_str!("5-consumers.sql"),
    include_str!("6-consumer-parts.sql"),
    include_str!("7-fingerprints.sql"),
];

/// Brings the file up to `version`. All steps are kept, or none.
pub(super) fn migrate(connection: &mut Connection, version: u32) -> Result<(), TransactionError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated while this one waited for its turn.
    let found = read_pragma(&transaction, "user_version")?;
    for step in &MIGRATIONS[(found.min(version)) as usize..version as usize] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", version.max(found))?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(transaction.commit()?)
}

/// Looks at the file's marks, migrates it if it is older, and refuses it if it is not ours or newer.
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
