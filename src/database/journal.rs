//! Rotation journal: intentions and outcomes of each rotation step, on disk before the step runs.
//!
//! Entries are opaque JSON for the database; `engine` interprets them. This module guarantees that
//! a credential has at most one open rotation, that only one process at a time writes to a journal,
//! and that an appended entry is never lost. Start reading at [`Database::open_rotation`].

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::credentials::{find_credential, find_open_rotation, insert_row};
use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability};
use crate::database::{CountColumn, TimestampMicros};
use crate::domain::{Credential, CredentialId, Timestamp};

/// Rotation to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRotation {
    /// ID of the rotation, never reused.
    pub id: String,
    /// Credential to rotate.
    pub credential: CredentialId,
    /// Plan, as JSON.
    pub plan: String,
    /// Initial state, as a word.
    pub state: String,
}

/// Rotation as it is stored in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationRecord {
    /// ID of the rotation.
    pub id: String,
    /// Credential that is rotated. It may have been removed meanwhile.
    pub credential: CredentialId,
    /// Plan, as JSON.
    pub plan: String,
    /// State, as a word.
    pub state: String,
    /// Time at which the rotation was opened.
    pub opened: Timestamp,
    /// Time at which the rotation was closed, if it is closed.
    pub closed: Option<Timestamp>,
}

/// Filter for rotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationFilter {
    /// Unfinished rotations only.
    Open,
    /// All rotations.
    All,
}

/// Record of a rotation's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRecord {
    /// Sequence number within the rotation, from 1.
    pub seq: u64,
    /// Time at which the entry was written.
    pub at: Timestamp,
    /// Entry, as JSON.
    pub entry: String,
}

/// Request for the lease of a rotation. It contains the current time, because the database does not
/// read the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Unique token of this process.
    pub owner: String,
    /// Current time.
    pub now: Timestamp,
    /// Time at which the lease expires, unless it is renewed.
    pub until: Timestamp,
}

/// Lease of a rotation: permission to write to its journal, until another process acquires it after
/// its expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationLease {
    rotation: String,
    owner: String,
}

const SELECT_ROTATIONS: &str = "
    SELECT id, credential, plan, state, opened, closed FROM rotations
    WHERE closed IS NULL OR ?1 ORDER BY opened, id";

const ACQUIRE_LEASE: &str = "
    UPDATE rotations SET owner = ?2, held_until = ?3
    WHERE id = ?1 AND closed IS NULL AND (owner IS NULL OR owner = ?2 OR held_until <= ?4)";

const INSERT_ENTRY: &str = "
    INSERT INTO rotation_entries (rotation, seq, at, entry)
    SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3 FROM rotation_entries WHERE rotation = ?1
    RETURNING seq";

impl Database {
    /// Opens a rotation and acquires its lease. It is an error if any process has an open rotation
    /// of this credential.
    pub fn open_rotation(
        &self,
        new: &NewRotation,
        request: &LeaseRequest,
    ) -> Result<RotationLease, DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            find_credential(connection, &new.credential)?;
            if let Some(rotation) = find_open_rotation(connection, &new.credential)? {
                return Err(DatabaseError::RotationInProgress { rotation }.into());
            }
            insert_rotation(connection, new, request)
        })
    }

    /// Opens the rotation that creates a credential, together with the credential's row, in one
    /// transaction.
    pub fn open_creation(
        &self,
        credential: &Credential,
        new: &NewRotation,
        request: &LeaseRequest,
    ) -> Result<RotationLease, DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            insert_row(connection, credential)?;
            insert_rotation(connection, new, request)
        })
    }

    /// Closes a rotation that has created nothing and removes the credential's row, in one
    /// transaction.
    pub fn abandon_creation(
        &self,
        lease: &RotationLease,
        at: Timestamp,
        state: &str,
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            ensure_lease_held(connection, lease)?;
            mark_closed(connection, lease, at, state)?;
            let sql = "DELETE FROM credentials WHERE id = (SELECT credential FROM rotations WHERE id = ?1)";
            connection.prepare_cached(sql)?.execute([&lease.rotation])?;
            Ok(())
        })
    }

    /// Acquires the lease of an open rotation, or renews it. It is an error if another process
    /// holds the lease.
    pub fn acquire_lease(
        &self,
        rotation: &str,
        request: &LeaseRequest,
    ) -> Result<RotationLease, DatabaseError> {
        self.write(Durability::Immediate, |connection| acquire_lease(connection, rotation, request))
    }

    /// Releases the lease, so that another process can acquire it immediately.
    pub fn release_lease(&self, lease: &RotationLease) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            let sql =
                "UPDATE rotations SET owner = NULL, held_until = NULL WHERE id = ?1 AND owner = ?2";
            connection.prepare_cached(sql)?.execute([&lease.rotation, &lease.owner])?;
            Ok(())
        })
    }

    /// Appends an entry and returns its sequence number. The entry is then on disk. It is an error
    /// if another process has acquired the lease: a process that stalled for too long must not
    /// interfere with its successor.
    pub fn append_journal(
        &self,
        lease: &RotationLease,
        at: Timestamp,
        entry: &str,
    ) -> Result<u64, DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            ensure_lease_held(connection, lease)?;
            let values = params![lease.rotation, TimestampMicros(at), entry];
            Ok(connection
                .prepare_cached(INSERT_ENTRY)?
                .query_row(values, |row| row.get::<_, CountColumn>(0))?
                .0)
        })
    }

    /// Sets the state of the rotation.
    pub fn set_rotation_state(
        &self,
        lease: &RotationLease,
        state: &str,
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            ensure_lease_held(connection, lease)?;
            let sql = "UPDATE rotations SET state = ?2 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute([&lease.rotation, state])?;
            Ok(())
        })
    }

    /// Closes a rotation with its final state. Its journal remains.
    pub fn close_rotation(
        &self,
        lease: &RotationLease,
        at: Timestamp,
        state: &str,
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            ensure_lease_held(connection, lease)?;
            mark_closed(connection, lease, at, state)
        })
    }

    /// Returns the rotations, oldest first.
    pub fn rotations(&self, which: RotationFilter) -> Result<Vec<RotationRecord>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT_ROTATIONS)?;
            let rows = select.query_map([which == RotationFilter::All], read_rotation_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns the journal of a rotation, in the order of writing. It is empty if the rotation does
    /// not exist.
    pub fn journal_entries(&self, rotation: &str) -> Result<Vec<JournalRecord>, DatabaseError> {
        self.read(|connection| {
            let sql =
                "SELECT seq, at, entry FROM rotation_entries WHERE rotation = ?1 ORDER BY seq";
            let mut select = connection.prepare_cached(sql)?;
            let rows = select.query_map([rotation], read_journal_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

impl RotationLease {
    /// Returns the ID of the rotation.
    pub fn rotation(&self) -> &str {
        &self.rotation
    }
}

fn insert_rotation(
    connection: &Connection,
    new: &NewRotation,
    request: &LeaseRequest,
) -> Result<RotationLease, TransactionError> {
    connection
        .prepare_cached("INSERT INTO rotations (id, credential, plan, state, opened) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![new.id, new.credential, new.plan, new.state, TimestampMicros(request.now)])?;
    acquire_lease(connection, &new.id, request)
}

fn mark_closed(
    connection: &Connection,
    lease: &RotationLease,
    at: Timestamp,
    state: &str,
) -> Result<(), TransactionError> {
    let sql = "UPDATE rotations SET state = ?2, closed = ?3, owner = NULL, held_until = NULL WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![lease.rotation, state, TimestampMicros(at)])?;
    Ok(())
}

fn acquire_lease(
    connection: &Connection,
    rotation: &str,
    request: &LeaseRequest,
) -> Result<RotationLease, TransactionError> {
    let values = params![
        rotation,
        request.owner,
        TimestampMicros(request.until),
        TimestampMicros(request.now)
    ];
    match connection.prepare_cached(ACQUIRE_LEASE)?.execute(values)? {
        0 => Err(lease_error(connection, rotation)?),
        _ => Ok(RotationLease { rotation: rotation.to_owned(), owner: request.owner.clone() }),
    }
}

fn ensure_lease_held(
    connection: &Connection,
    lease: &RotationLease,
) -> Result<(), TransactionError> {
    let mut select = connection.prepare_cached(
        "SELECT 1 FROM rotations WHERE id = ?1 AND owner = ?2 AND closed IS NULL",
    )?;
    if select.exists([&lease.rotation, &lease.owner])? {
        Ok(())
    } else {
        Err(lease_error(connection, &lease.rotation)?)
    }
}

/// Returns the reason why a rotation cannot be written to: another process holds the lease, or it
/// is not open.
fn lease_error(
    connection: &Connection,
    rotation: &str,
) -> Result<TransactionError, TransactionError> {
    let sql =
        "SELECT held_until FROM rotations WHERE id = ?1 AND owner IS NOT NULL AND closed IS NULL";
    let held = connection
        .prepare_cached(sql)?
        .query_row([rotation], |row| row.get::<_, TimestampMicros>(0))
        .optional()?;
    let rotation = rotation.to_owned();
    Ok(held
        .map_or_else(
            || DatabaseError::NoOpenRotation(rotation.clone()),
            |until| DatabaseError::LeaseHeld { rotation: rotation.clone(), until: until.0 },
        )
        .into())
}

fn read_rotation_row(row: &Row<'_>) -> Result<RotationRecord, rusqlite::Error> {
    Ok(RotationRecord {
        id: row.get(0)?,
        credential: row.get(1)?,
        plan: row.get(2)?,
        state: row.get(3)?,
        opened: row.get::<_, TimestampMicros>(4)?.0,
        closed: row.get::<_, Option<TimestampMicros>>(5)?.map(|micros| micros.0),
    })
}

fn read_journal_row(row: &Row<'_>) -> Result<JournalRecord, rusqlite::Error> {
    Ok(JournalRecord {
        seq: row.get::<_, CountColumn>(0)?.0,
        at: row.get::<_, TimestampMicros>(1)?.0,
        entry: row.get(2)?,
    })
}
