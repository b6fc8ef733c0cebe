//! The rotation journal: what was intended and what came of it, on disk before anything happens.
//!
//! To the index an entry is opaque JSON; what it means is decided elsewhere. Here it is only made sure that a
//! credential has one open rotation, that one process at a time writes to it, and that a line that was appended stays.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::columns::{CountColumn, TimestampMicros};
use super::credentials::{find_credential, insert_row};
use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability};
use crate::domain::{Credential, CredentialId, Timestamp};

/// A rotation to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRotation {
    /// Its id, unique for ever.
    pub id: String,
    /// Which credential is replaced.
    pub credential: CredentialId,
    /// The plan, as JSON.
    pub plan: String,
    /// The word for the state it begins in.
    pub state: String,
}

/// A rotation as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationRecord {
    /// Its id.
    pub id: String,
    /// Which credential is replaced. It may be gone by now.
    pub credential: CredentialId,
    /// The plan, as JSON.
    pub plan: String,
    /// The word for its state.
    pub state: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it was closed, if it was.
    pub closed: Option<Timestamp>,
}

/// Which rotations are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationFilter {
    /// Those that are not finished.
    Open,
    /// All.
    All,
}

/// A line of a rotation's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRecord {
    /// Its number within the rotation, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says, as JSON.
    pub entry: String,
}

/// Who wants to drive a rotation, and for how long. The index has no clock, so it is told what time it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// A token of this process that no other has.
    pub owner: String,
    /// Now.
    pub now: Timestamp,
    /// When the claim ends, unless it is renewed by claiming again.
    pub until: Timestamp,
}

/// The right to write to a rotation's journal, until somebody else claims it after its time.
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
    /// Opens a rotation and claims it. If another one of this credential is open, in whichever process, it is
    /// refused.
    pub fn open_rotation(
        &self,
        new: &NewRotation,
        claim: &LeaseRequest,
    ) -> Result<RotationLease, DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            find_credential(connection, &new.credential)?;
            if let Some(rotation) = find_open_rotation(connection, &new.credential)? {
                return Err(DatabaseError::RotationInProgress { rotation }.into());
            }
            insert_rotation(connection, new, claim)
        })
    }

    /// Opens the rotation that makes a credential, together with the row of the credential: both are there, or neither.
    pub fn open_creation(
        &self,
        credential: &Credential,
        new: &NewRotation,
        claim: &LeaseRequest,
    ) -> Result<RotationLease, DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            insert_row(connection, credential)?;
            insert_rotation(connection, new, claim)
        })
    }

    /// Closes a rotation that has made nothing, together with the row of the credential that was to be.
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

    /// Claims an open rotation, or renews a claim. While another process holds it, this is refused.
    pub fn acquire_lease(
        &self,
        rotation: &str,
        claim: &LeaseRequest,
    ) -> Result<RotationLease, DatabaseError> {
        self.write(Durability::Immediate, |connection| acquire_lease(connection, rotation, claim))
    }

    /// Gives a rotation back, so that another process may claim it at once.
    pub fn release_lease(&self, lease: &RotationLease) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            let sql =
                "UPDATE rotations SET owner = NULL, held_until = NULL WHERE id = ?1 AND owner = ?2";
            connection.prepare_cached(sql)?.execute([&lease.rotation, &lease.owner])?;
            Ok(())
        })
    }

    /// Appends an entry; when this returns its number, the entry is on disk. Refused if the lease was lost to
    /// another process: whoever stalled for too long must not write into what that one is doing.
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

    /// Changes the word for the rotation's state.
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

    /// Closes a rotation in its last state. Its journal stays.
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

    /// The rotations, oldest first.
    pub fn rotations(&self, which: RotationFilter) -> Result<Vec<RotationRecord>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT_ROTATIONS)?;
            let rows = select.query_map([which == RotationFilter::All], read_rotation_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The journal of a rotation, in the order in which it was written. A rotation that does not exist has none.
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
    /// Which rotation it is for.
    pub fn rotation(&self) -> &str {
        &self.rotation
    }
}

/// The rotation of this credential that is not finished, within a transaction.
pub(super) fn find_open_rotation(
    connection: &Connection,
    id: &CredentialId,
) -> Result<Option<String>, TransactionError> {
    let mut select = connection
        .prepare_cached("SELECT id FROM rotations WHERE credential = ?1 AND closed IS NULL")?;
    Ok(select.query_row([id], |row| row.get(0)).optional()?)
}

fn insert_rotation(
    connection: &Connection,
    new: &NewRotation,
    claim: &LeaseRequest,
) -> Result<RotationLease, TransactionError> {
    connection
        .prepare_cached("INSERT INTO rotations (id, credential, plan, state, opened) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![new.id, new.credential, new.plan, new.state, TimestampMicros(claim.now)])?;
    acquire_lease(connection, &new.id, claim)
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
    claim: &LeaseRequest,
) -> Result<RotationLease, TransactionError> {
    let values =
        params![rotation, claim.owner, TimestampMicros(claim.until), TimestampMicros(claim.now)];
    match connection.prepare_cached(ACQUIRE_LEASE)?.execute(values)? {
        0 => Err(lease_error(connection, rotation)?),
        _ => Ok(RotationLease { rotation: rotation.to_owned(), owner: claim.owner.clone() }),
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

/// Why a rotation cannot be written to: somebody else holds it, or it is not open.
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
