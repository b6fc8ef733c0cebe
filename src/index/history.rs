//! Requests that were sent, so that they can be found and sent again. No secrets, no bodies of answers.

use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::columns::{Count, Json, Micros};
use super::error::IndexError;
use super::{Durability, Index};
use crate::domain::request::RequestDraft;
use crate::domain::response::CheckResult;
use crate::domain::{CredentialId, Timestamp};

/// How many requests are kept; older ones make room.
const CAPACITY: u64 = 10_000;

/// A request that was sent, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// With which credential.
    pub credential: CredentialId,
    /// In which region.
    pub region: String,
    /// What; a draft cannot hold the credential's secret.
    pub draft: RequestDraft,
    /// Whether it had a body that was not kept.
    pub body_left_out: bool,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What the answer says about the credential.
    pub verdict: CheckResult,
    /// How long the answer took, in milliseconds.
    pub latency_ms: Option<u64>,
    /// The bytes of the answer's body.
    pub size: Option<u64>,
}

/// A line of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// Its number; later lines have greater ones, and none is given twice.
    pub id: u64,
    /// The request.
    pub sent: Sent,
}

/// Which lines of the history are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryFilter {
    /// Only those with this credential.
    pub credential: Option<CredentialId>,
    /// Only those whose draft contains this text.
    pub text: Option<String>,
}

/// A draft as it lies in its column.
#[derive(Serialize, Deserialize)]
struct Kept {
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

const PURGE: &str = "DELETE FROM history WHERE id <= (SELECT id FROM history ORDER BY id DESC LIMIT 1 OFFSET ?1)";

impl Index {
    /// Adds a request to the history. One with a credential that is gone is dropped.
    pub fn record_exchange(&self, sent: &Sent) -> Result<(), IndexError> {
        let Sent { at, credential, region, draft, body_left_out, status, verdict, latency_ms, size } = sent;
        let kept = Kept { draft: draft.clone(), body_left_out: *body_left_out };
        let (latency, size) = (latency_ms.map(Count), size.map(Count));
        self.write(Durability::Soon, |connection| {
            let values = params![Micros(*at), credential, region, Json(&kept), status, verdict, latency, size];
            connection.prepare_cached(INSERT)?.execute(values)?;
            connection.prepare_cached(PURGE)?.execute([Count(CAPACITY)])?;
            Ok(())
        })
    }

    /// The newest lines that pass the filter, newest first, `limit` of them at most.
    pub fn history(&self, filter: &HistoryFilter, limit: usize) -> Result<Vec<HistoryLine>, IndexError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT)?;
            let rows = select.query_map(params![filter.credential, filter.text, Count(limit as u64)], read_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The line of this number, if it is still there.
    pub fn history_line(&self, id: u64) -> Result<Option<HistoryLine>, IndexError> {
        self.read(|connection| Ok(connection.prepare_cached(SELECT_ONE)?.query_row([Count(id)], read_row).optional()?))
    }

    /// Forgets all but the newest `keep` requests; returns how many were forgotten.
    pub fn purge(&self, keep: usize) -> Result<usize, IndexError> {
        self.write(Durability::Now, |connection| Ok(connection.prepare_cached(PURGE)?.execute([Count(keep as u64)])?))
    }
}

fn read_row(row: &Row<'_>) -> Result<HistoryLine, rusqlite::Error> {
    let Kept { draft, body_left_out } = row.get::<_, Json<_>>(4)?.0;
    let sent = Sent {
        at: row.get::<_, Micros>(1)?.0,
        credential: row.get(2)?,
        region: row.get(3)?,
        draft,
        body_left_out,
        status: row.get(5)?,
        verdict: row.get(6)?,
        latency_ms: row.get::<_, Option<Count>>(7)?.map(|count| count.0),
        size: row.get::<_, Option<Count>>(8)?.map(|count| count.0),
    };
    Ok(HistoryLine { id: row.get::<_, Count>(0)?.0, sent })
}
