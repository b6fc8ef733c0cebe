//! The versions of the file. Version *n* is what the first *n* steps make; a step that was released never changes.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::{Failure, IndexError};

/// Marks the file as ours: `tkrg` in ASCII.
pub(super) const APPLICATION_ID: u32 = 0x746b_7267;

/// The newest version.
pub(super) const LATEST: u32 = 7;

const STEPS: [&str; LATEST as usize] = [
    include_str!("1-credentials.sql"),
    include_str!("2-history.sql"),
    include_str!("3-journal.sql"),
    include_str!("4-audit.sql"),
    include_str!("5-consumers.sql"),
    include_str!("6-consumer-parts.sql"),
    include_str!("7-fingerprints.sql"),
];

/// Brings the file up to `version`. All steps are kept, or none.
pub(super) fn migrate(connection: &mut Connection, version: u32) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated while this one waited for its turn.
    let found = pragma(&transaction, "user_version")?;
    for step in &STEPS[(found.min(version)) as usize..version as usize] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", version.max(found))?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(transaction.commit()?)
}

/// Looks at the file's marks, migrates it if it is older, and refuses it if it is not ours or newer.
pub(super) fn bring_up_to_date(connection: &mut Connection, path: &Path) -> Result<(), Failure> {
    if pragma(connection, "application_id")? != APPLICATION_ID {
        return Err(IndexError::Foreign { path: path.to_owned() }.into());
    }
    match pragma(connection, "user_version")? {
        LATEST => Ok(()),
        found if found > LATEST => Err(IndexError::Newer { path: path.to_owned(), found, known: LATEST }.into()),
        _ => migrate(connection, LATEST),
    }
}

fn pragma(connection: &Connection, name: &str) -> Result<u32, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
