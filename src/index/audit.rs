//! The audit trail: who did what, when, why, and how it ended.
//!
//! The lines form a chain: the hash of a line covers the line and the hash of the line before it, and the end of the
//! chain is kept apart. So a line that was edited, removed or moved is found, the last one included. What this does
//! not do: somebody who may write to the file and knows the program can rewrite the whole trail with fresh hashes. A
//! hash that was noted elsewhere finds that too.

use rusqlite::{Connection, Row, params};
use sha2::{Digest as _, Sha256};

use super::columns::{Count, Micros};
use super::error::{Failure, IndexError};
use super::{Durability, Index};
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
pub struct AuditLine {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// What it says.
    pub entry: AuditEntry,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
}

/// Whether the trail is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditState {
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
struct Head {
    entries: u64,
    hash: String,
}

const INSERT: &str = "
    INSERT INTO audit (seq, at, actor, action, name, outcome, reason, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const SELECT: &str = "SELECT seq, at, actor, action, name, outcome, reason, hash FROM audit";

impl Index {
    /// Puts an entry on record; when this returns the line, it is on disk.
    pub fn append_audit(&self, entry: &AuditEntry) -> Result<AuditLine, IndexError> {
        self.write(Durability::Now, |connection| {
            let head = head(connection)?;
            let seq = head.entries + 1;
            let hash = chain(&head.hash, seq, entry);
            let AuditEntry { at, actor, action, name, outcome, reason } = entry;
            let values = params![Count(seq), Micros(*at), actor, action, name, outcome, reason, hash];
            connection.prepare_cached(INSERT)?.execute(values)?;
            connection.prepare_cached("UPDATE audit_head SET entries = ?1, hash = ?2")?.execute(params![Count(seq), hash])?;
            Ok(AuditLine { seq, entry: entry.clone(), hash })
        })
    }

    /// The newest lines, newest first, `limit` of them at most.
    pub fn audit(&self, limit: usize) -> Result<Vec<AuditLine>, IndexError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(&format!("{SELECT} ORDER BY seq DESC LIMIT ?1"))?;
            let rows = select.query_map([Count(limit as u64)], read_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Walks the chain from its beginning to its end.
    pub fn verify_audit(&self) -> Result<AuditState, IndexError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(&format!("{SELECT} ORDER BY seq"))?;
            let mut known = Head { entries: 0, hash: String::new() };
            for line in select.query_map((), read_row)? {
                let line = line?;
                let seq = known.entries + 1;
                if line.seq != seq {
                    return Ok(AuditState::Broken { at: seq, why: "the line is missing" });
                }
                if line.hash != chain(&known.hash, seq, &line.entry) {
                    return Ok(AuditState::Broken { at: seq, why: "the line is not as it was written" });
                }
                known = Head { entries: seq, hash: line.hash };
            }
            Ok(compare(&known, &head(connection)?))
        })
    }
}

fn compare(found: &Head, noted: &Head) -> AuditState {
    if found.entries < noted.entries {
        AuditState::Broken { at: found.entries + 1, why: "the line is missing" }
    } else if found.entries > noted.entries || found.hash != noted.hash {
        AuditState::Broken { at: found.entries, why: "the trail does not end where it was noted to end" }
    } else {
        AuditState::Intact(found.entries)
    }
}

fn head(connection: &Connection) -> Result<Head, Failure> {
    let mut select = connection.prepare_cached("SELECT entries, hash FROM audit_head")?;
    Ok(select.query_row((), |row| Ok(Head { entries: row.get::<_, Count>(0)?.0, hash: row.get(1)? }))?)
}

/// The hash of a line: SHA-256 over the hash before it and the line as JSON, its members in this order, without
/// blanks, `at` in microseconds since 1970.
fn chain(before: &str, seq: u64, entry: &AuditEntry) -> String {
    let AuditEntry { at, actor, action, name, outcome, reason } = entry;
    let line = serde_json::json!({
        "seq": seq,
        "at": Micros(*at).number(),
        "actor": actor,
        "action": action,
        "name": name,
        "outcome": outcome,
        "reason": reason,
    });
    to_hex(&Sha256::new().chain_update(before).chain_update(line.to_string()).finalize())
}

fn read_row(row: &Row<'_>) -> Result<AuditLine, rusqlite::Error> {
    let entry = AuditEntry {
        at: row.get::<_, Micros>(1)?.0,
        actor: row.get(2)?,
        action: row.get(3)?,
        name: row.get(4)?,
        outcome: row.get(5)?,
        reason: row.get(6)?,
    };
    Ok(AuditLine { seq: row.get::<_, Count>(0)?.0, entry, hash: row.get(7)? })
}
