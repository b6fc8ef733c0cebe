//! History of sent requests, so that the user can find and resend them. It contains no secrets and
//! no response bodies.
//!
//! Start reading at [`Database::record_request`].

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability, PurgeReport};
use crate::database::{CountColumn, JsonColumn, TimestampMicros};
use crate::domain::request::RequestDraft;
use crate::domain::response::CheckResult;
use crate::domain::{CredentialId, Timestamp};

/// Maximum number of requests in the history; older ones are removed.
const MAX_HISTORY_ENTRIES: u64 = 10_000;

/// Sent request with the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Time of the request.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
    /// Credential that was used.
    pub credential: CredentialId,
    /// Region that was used.
    pub region: String,
    /// Draft of the request; a draft cannot contain the credential's secret.
    pub draft: RequestDraft,
    /// Whether the request had a body that was not stored.
    pub body_left_out: bool,
    /// HTTP status, if there was a response.
    pub status: Option<u16>,
    /// Check result that follows from the response.
    pub verdict: CheckResult,
    /// Response time in milliseconds.
    pub latency_ms: Option<u64>,
    /// Size of the response body in bytes.
    pub size: Option<u64>,
}

/// Record of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRecord {
    /// ID of the record. IDs increase and are never reused.
    pub id: u64,
    /// The request with its outcome.
    pub entry: HistoryEntry,
}

/// Filter for history records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryFilter {
    /// Only requests with this credential.
    pub credential: Option<CredentialId>,
    /// Only requests whose draft contains this text.
    pub text: Option<String>,
}

/// Draft as it is stored in its column.
#[derive(Serialize, Deserialize)]
struct DraftColumn {
    #[serde(flatten)]
    draft: RequestDraft,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    body_left_out: bool,
}

const INSERT: &str = "
    INSERT INTO history (at, credential, region, draft, status, verdict, latency_ms, size)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM credentials WHERE id = ?2)";

const SELECT: &str = "
    SELECT id, at, credential, region, draft, status, verdict, latency_ms, size FROM history
    WHERE (?1 IS NULL OR credential = ?1) AND (?2 IS NULL OR instr(lower(draft), lower(?2)) > 0)
    ORDER BY id DESC LIMIT ?3";

const SELECT_ONE: &str = "
    SELECT id, at, credential, region, draft, status, verdict, latency_ms, size FROM history WHERE id = ?1";

const DELETE_ALL_BUT_NEWEST: &str =
    "DELETE FROM history WHERE id <= (SELECT id FROM history ORDER BY id DESC LIMIT 1 OFFSET ?1)";

impl Database {
    /// Adds a request to the history. A request whose credential is gone is dropped.
    pub fn record_request(&self, sent: &HistoryEntry) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| {
            insert_entry(connection, sent)?;
            connection
                .prepare_cached(DELETE_ALL_BUT_NEWEST)?
                .execute([CountColumn(MAX_HISTORY_ENTRIES)])?;
            Ok(())
        })
    }

    /// Returns the newest records that match the filter, newest first, at most `limit`.
    pub fn history(
        &self,
        filter: &HistoryFilter,
        limit: usize,
    ) -> Result<Vec<HistoryRecord>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT)?;
            let rows = select.query_map(
                params![filter.credential, filter.text, CountColumn(limit as u64)],
                read_history_row,
            )?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns the record with this ID, if it still exists.
    pub fn history_record(&self, id: u64) -> Result<Option<HistoryRecord>, DatabaseError> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached(SELECT_ONE)?
                .query_row([CountColumn(id)], read_history_row)
                .optional()?)
        })
    }

    /// Deletes all requests except the newest `keep`, and erases their copies.
    pub fn purge_history(&self, keep: usize) -> Result<PurgeReport, DatabaseError> {
        let deleted = self.write(Durability::Immediate, |connection| {
            Ok(connection
                .prepare_cached(DELETE_ALL_BUT_NEWEST)?
                .execute([CountColumn(keep as u64)])?)
        })?;
        Ok(PurgeReport { deleted, erasure: self.erase_deleted_rows() })
    }
}

/// Adds a request inside a transaction; one whose credential is gone is dropped.
pub(super) fn insert_entry(
    connection: &Connection,
    sent: &HistoryEntry,
) -> Result<(), TransactionError> {
    let HistoryEntry {
        at,
        credential,
        region,
        draft,
        body_left_out,
        status,
        verdict,
        latency_ms,
        size,
    } = sent;
    let column = DraftColumn { draft: draft.clone(), body_left_out: *body_left_out };
    let values = params![
        TimestampMicros(*at),
        credential,
        region,
        JsonColumn(&column),
        status,
        verdict,
        latency_ms.map(CountColumn),
        size.map(CountColumn)
    ];
    connection.prepare_cached(INSERT)?.execute(values)?;
    Ok(())
}

fn read_history_row(row: &Row<'_>) -> Result<HistoryRecord, rusqlite::Error> {
    let DraftColumn { draft, body_left_out } = row.get::<_, JsonColumn<_>>(4)?.0;
    let sent = HistoryEntry {
        at: row.get::<_, TimestampMicros>(1)?.0,
        credential: row.get(2)?,
        region: row.get(3)?,
        draft,
        body_left_out,
        status: row.get(5)?,
        verdict: row.get(6)?,
        latency_ms: row.get::<_, Option<CountColumn>>(7)?.map(|count| count.0),
        size: row.get::<_, Option<CountColumn>>(8)?.map(|count| count.0),
    };
    Ok(HistoryRecord { id: row.get::<_, CountColumn>(0)?.0, entry: sent })
}
