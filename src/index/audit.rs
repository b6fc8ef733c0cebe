//! The audit trail: who did what, when, why, and how it ended.
//!
//! The lines form a chain: the hash of a line covers the line and the hash of the line before it, and the end of the
//! chain is kept apart. So a line that was edited, removed or moved is found, the last one included. What this does
//! not do: somebody who may write to the file and knows the program can rewrite the whole trail with fresh hashes. A
//! hash that was noted elsewhere finds that too.

use rusqlite::{Connection, Row, params};
use sha2::{Digest as _, Sha256};

use super::columns::{CountColumn, TimestampMicros};
use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability};
use crate::domain::Timestamp;
use crate::domain::text::to_hex;

/// What is to be put on record. No part of it may be secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: the screen, the command line, a rotation.
    pub actor: String,
    /// What, in one word.
    pub action: String,
    /// The name of the credential it was done to, if there is one.
    pub name: Option<String>,
    /// How it ended.
    pub outcome: String,
    /// Why it was done, or why it ended so; may be empty.
    pub reason: String,
}

/// A line of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// What it says.
    pub entry: AuditEntry,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
}

/// Whether the trail is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditIntegrity {
    /// It is; so many lines.
    Intact(u64),
    /// It is not.
    Broken {
        /// The first line that is not as it was written.
        at: u64,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// The end of the chain.
struct ChainHead {
    entries: u64,
    hash: String,
}

const INSERT: &str = "
    INSERT INTO audit (seq, at, actor, action, name, outcome, reason, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const SELECT: &str = "SELECT seq, at, actor, action, name, outcome, reason, hash FROM audit";

impl Database {
    /// Puts an entry on record; when this returns the line, it is on disk.
    pub fn append_audit(&self, entry: &AuditEntry) -> Result<AuditRecord, DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            let head = read_chain_head(connection)?;
            let seq = head.entries + 1;
            let hash = hash_record(&head.hash, seq, entry);
            let AuditEntry { at, actor, action, name, outcome, reason } = entry;
            let values = params![
                CountColumn(seq),
                TimestampMicros(*at),
                actor,
                action,
                name,
                outcome,
                reason,
                hash
            ];
            connection.prepare_cached(INSERT)?.execute(values)?;
            connection
                .prepare_cached("UPDATE audit_head SET entries = ?1, hash = ?2")?
                .execute(params![CountColumn(seq), hash])?;
            Ok(AuditRecord { seq, entry: entry.clone(), hash })
        })
    }

    /// The newest lines, newest first, `limit` of them at most.
    pub fn audit(&self, limit: usize) -> Result<Vec<AuditRecord>, DatabaseError> {
        self.read(|connection| {
            let mut select =
                connection.prepare_cached(&format!("{SELECT} ORDER BY seq DESC LIMIT ?1"))?;
            let rows = select.query_map([CountColumn(limit as u64)], read_audit_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Walks the chain from its beginning to its end.
    pub fn verify_audit(&self) -> Result<AuditIntegrity, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(&format!("{SELECT} ORDER BY seq"))?;
            let mut known = ChainHead { entries: 0, hash: String::new() };
            for line in select.query_map((), read_audit_row)? {
                let line = line?;
                let seq = known.entries + 1;
                if line.seq != seq {
                    return Ok(AuditIntegrity::Broken { at: seq, why: "the line is missing" });
                }
                if line.hash != hash_record(&known.hash, seq, &line.entry) {
                    return Ok(AuditIntegrity::Broken {
                        at: seq,
                        why: "the line is not as it was written",
                    });
                }
                known = ChainHead { entries: seq, hash: line.hash };
            }
            Ok(compare_heads(&known, &read_chain_head(connection)?))
        })
    }
}

fn compare_heads(found: &ChainHead, noted: &ChainHead) -> AuditIntegrity {
    if found.entries < noted.entries {
        AuditIntegrity::Broken { at: found.entries + 1, why: "the line is missing" }
    } else if found.entries > noted.entries || found.hash != noted.hash {
        AuditIntegrity::Broken {
            at: found.entries,
            why: "the trail does not end where it was noted to end",
        }
    } else {
        AuditIntegrity::Intact(found.entries)
    }
}

fn read_chain_head(connection: &Connection) -> Result<ChainHead, TransactionError> {
    let mut select = connection.prepare_cached("SELECT entries, hash FROM audit_head")?;
    Ok(select.query_row((), |row| {
        Ok(ChainHead { entries: row.get::<_, CountColumn>(0)?.0, hash: row.get(1)? })
    })?)
}

/// The hash of a line: SHA-256 over the hash before it and the line as JSON, its members in this order, without
/// blanks, `at` in microseconds since 1970.
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
