//! Audit log: which action was done by which actor, when, why and with which outcome.
//!
//! The records form a hash chain: the hash of a record covers the record and the hash of the
//! previous one, and the head of the chain is stored separately. So an edited, removed or moved
//! record is detected, including the last one. Limit: an attacker who can write to the file and
//! knows the program can cut the log, rewrite it with new hashes, or replace the file. `engine`
//! detects this with the head that it keeps in the secret store. Start reading at
//! [`Database::append_audit`] and [`Database::verify_audit`].

use rusqlite::{Connection, Row, params};
use sha2::{Digest as _, Sha256};

use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability};
use crate::database::{CountColumn, TimestampMicros};
use crate::domain::Timestamp;
use crate::util::hex::to_hex;

/// Entry for the audit log. No field may contain a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Time of the action.
    pub at: Timestamp,
    /// Actor: the screen, the command line, or a rotation.
    pub actor: String,
    /// Action, in one word.
    pub action: String,
    /// Name of the credential that the action was applied to, if any.
    pub name: Option<String>,
    /// Outcome of the action.
    pub outcome: String,
    /// Reason for the action or for its outcome; may be empty.
    pub reason: String,
}

/// Record of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Sequence number, from 1, without gaps.
    pub seq: u64,
    /// Entry of the record.
    pub entry: AuditEntry,
    /// Hash of the record, in hexadecimal digits.
    pub hash: String,
}

/// Result of verifying the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditIntegrity {
    /// The log is intact and has this many records.
    Intact(u64),
    /// The log was modified.
    Broken {
        /// Sequence number of the first modified record.
        at: u64,
        /// Kind of the modification.
        why: &'static str,
    },
}

/// Head of the hash chain: how many records the log has, and the hash of the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// Number of records.
    pub entries: u64,
    /// Hash of the last record, in hexadecimal digits; empty if there is no record.
    pub hash: String,
}

const INSERT: &str = "
    INSERT INTO audit (seq, at, actor, action, name, outcome, reason, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const SELECT: &str = "SELECT seq, at, actor, action, name, outcome, reason, hash FROM audit";

impl Database {
    /// Appends an entry to the audit log. The returned record is on disk.
    pub fn append_audit(&self, entry: &AuditEntry) -> Result<AuditRecord, DatabaseError> {
        self.write(Durability::Immediate, |connection| append_entry(connection, entry))
    }

    /// Appends entries to the audit log in one transaction. They are on disk when this call returns.
    pub fn append_audit_entries(&self, entries: &[AuditEntry]) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            entries.iter().try_for_each(|entry| append_entry(connection, entry).map(drop))
        })
    }

    /// Returns the newest records, newest first, at most `limit`.
    pub fn audit(&self, limit: usize) -> Result<Vec<AuditRecord>, DatabaseError> {
        self.read(|connection| {
            let mut select =
                connection.prepare_cached(&format!("{SELECT} ORDER BY seq DESC LIMIT ?1"))?;
            let rows = select.query_map([CountColumn(limit as u64)], read_audit_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Verifies the hash chain from the first record to the head.
    pub fn verify_audit(&self) -> Result<AuditIntegrity, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(&format!("{SELECT} ORDER BY seq"))?;
            let mut known = AuditHead { entries: 0, hash: String::new() };
            for line in select.query_map((), read_audit_row)? {
                let line = line?;
                let seq = known.entries + 1;
                if line.seq != seq {
                    return Ok(AuditIntegrity::Broken { at: seq, why: "the entry is missing" });
                }
                if line.hash != hash_record(&known.hash, seq, &line.entry) {
                    return Ok(AuditIntegrity::Broken {
                        at: seq,
                        why: "the entry was changed after it was written",
                    });
                }
                known = AuditHead { entries: seq, hash: line.hash };
            }
            Ok(compare_heads(&known, &read_audit_head(connection)?))
        })
    }

    /// Returns the head of the hash chain.
    pub fn audit_head(&self) -> Result<AuditHead, DatabaseError> {
        self.read(read_audit_head)
    }

    /// Returns whether the log had this head at some time and still has its record. Does not verify
    /// the hashes.
    pub fn contains_audit_head(&self, head: &AuditHead) -> Result<bool, DatabaseError> {
        if head.entries == 0 {
            return Ok(head.hash.is_empty());
        }
        self.read(|connection| {
            let mut select = connection
                .prepare_cached("SELECT count(*) FROM audit WHERE seq = ?1 AND hash = ?2")?;
            let found: u64 = select
                .query_row(params![CountColumn(head.entries), head.hash], |row| {
                    Ok(row.get::<_, CountColumn>(0)?.0)
                })?;
            Ok(found == 1)
        })
    }
}

/// Appends an entry inside a transaction.
fn append_entry(
    connection: &Connection,
    entry: &AuditEntry,
) -> Result<AuditRecord, TransactionError> {
    let head = read_audit_head(connection)?;
    let seq = head.entries + 1;
    let hash = hash_record(&head.hash, seq, entry);
    let AuditEntry { at, actor, action, name, outcome, reason } = entry;
    let values =
        params![CountColumn(seq), TimestampMicros(*at), actor, action, name, outcome, reason, hash];
    connection.prepare_cached(INSERT)?.execute(values)?;
    connection
        .prepare_cached("UPDATE audit_head SET entries = ?1, hash = ?2")?
        .execute(params![CountColumn(seq), hash])?;
    Ok(AuditRecord { seq, entry: entry.clone(), hash })
}

fn compare_heads(found: &AuditHead, noted: &AuditHead) -> AuditIntegrity {
    if found.entries < noted.entries {
        AuditIntegrity::Broken { at: found.entries + 1, why: "the entry is missing" }
    } else if found.entries > noted.entries || found.hash != noted.hash {
        AuditIntegrity::Broken {
            at: found.entries,
            why: "the log does not end at its recorded end",
        }
    } else {
        AuditIntegrity::Intact(found.entries)
    }
}

fn read_audit_head(connection: &Connection) -> Result<AuditHead, TransactionError> {
    let mut select = connection.prepare_cached("SELECT entries, hash FROM audit_head")?;
    Ok(select.query_row((), |row| {
        Ok(AuditHead { entries: row.get::<_, CountColumn>(0)?.0, hash: row.get(1)? })
    })?)
}

/// Returns the hash of a record: SHA-256 over the previous hash and the record as JSON, with its
/// members in this order, without whitespace, `at` in microseconds since 1970.
fn hash_record(before: &str, seq: u64, entry: &AuditEntry) -> String {
    let AuditEntry { at, actor, action, name, outcome, reason } = entry;
    let line = serde_json::json!({
        "seq": seq,
        "at": TimestampMicros(*at).as_micros(),
        "actor": actor,
        "action": action,
        "name": name,
        "outcome": outcome,
        "reason": reason,
    });
    to_hex(&Sha256::new().chain_update(before).chain_update(line.to_string()).finalize())
}

fn read_audit_row(row: &Row<'_>) -> Result<AuditRecord, rusqlite::Error> {
    let entry = AuditEntry {
        at: row.get::<_, TimestampMicros>(1)?.0,
        actor: row.get(2)?,
        action: row.get(3)?,
        name: row.get(4)?,
        outcome: row.get(5)?,
        reason: row.get(6)?,
    };
    Ok(AuditRecord { seq: row.get::<_, CountColumn>(0)?.0, entry, hash: row.get(7)? })
}
