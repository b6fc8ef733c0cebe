//! The last verdict on each credential in each region.

use rusqlite::{Connection, Row, params};

use super::columns::{Count, Micros};
use super::error::{Failure, IndexError};
use super::{Durability, Index};
use crate::domain::CredentialId;
use crate::domain::credential::{CheckReport, Principal};

/// The last verdict on a credential in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionCheck {
    /// The region's id.
    pub region: String,
    /// What was found there.
    pub check: CheckReport,
}

/// Keeps a verdict unless a later one is known, or the credential is gone.
const KEEP: &str = "
    INSERT INTO checks (credential, region, verdict, status, reason, at, latency_ms)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM credentials WHERE id = ?1)
    ON CONFLICT (credential, region) DO UPDATE
    SET (verdict, status, reason, at, latency_ms) =
        (excluded.verdict, excluded.status, excluded.reason, excluded.at, excluded.latency_ms)
    WHERE excluded.at >= checks.at";

/// The same for the credential's own last check, if this is its region.
const KEEP_AS_LAST: &str = "
    UPDATE credentials
    SET (check_verdict, check_status, check_reason, check_at, check_latency_ms) = (?3, ?4, ?5, ?6, ?7)
    WHERE id = ?1 AND region = ?2 AND coalesce(check_at, ?6) <= ?6";

const KNOW: &str = "UPDATE credentials SET (principal_id, principal_name, principal_type) = (?2, ?3, ?4) WHERE id = ?1";

const FORGET: &str = "
    UPDATE credentials
    SET (check_verdict, check_status, check_reason, check_at, check_latency_ms) = (NULL, NULL, NULL, NULL, NULL)
    WHERE id = ?1";

impl Index {
    /// Keeps the outcome of a check in a region; in the credential's own region it becomes its last check too.
    ///
    /// A verdict that is older than the one known, or on a credential that is gone, came too late and is dropped.
    pub fn record_check(&self, id: &CredentialId, region: &str, check: &CheckReport) -> Result<(), IndexError> {
        self.write(Durability::Soon, |connection| record(connection, id, region, check))
    }

    /// Keeps many outcomes at once, for hardly more than the cost of one.
    pub fn record_checks(&self, checks: &[(CredentialId, RegionCheck)]) -> Result<(), IndexError> {
        self.write(Durability::Soon, |connection| {
            checks.iter().try_for_each(|(id, found)| record(connection, id, &found.region, &found.check))
        })
    }

    /// Keeps who credentials act as, many at once; one that is gone is passed over.
    pub fn record_principals(&self, found: &[(CredentialId, Principal)]) -> Result<(), IndexError> {
        self.write(Durability::Soon, |connection| {
            let mut update = connection.prepare_cached(KNOW)?;
            found.iter().try_for_each(|(id, who)| Ok(update.execute(params![id, who.id, who.name, who.kind]).map(drop)?))
        })
    }

    /// The last verdicts on a credential, one for each region where it was tried.
    pub fn region_checks(&self, id: &CredentialId) -> Result<Vec<RegionCheck>, IndexError> {
        self.read(|connection| region_checks(connection, id))
    }

    /// The last verdicts on all credentials, one for each region where one was tried.
    pub fn all_checks(&self) -> Result<Vec<(CredentialId, RegionCheck)>, IndexError> {
        self.read(|connection| {
            let mut select = connection
                .prepare_cached("SELECT region, verdict, status, reason, at, latency_ms, credential FROM checks ORDER BY at")?;
            let rows = select.query_map([], |row| Ok((row.get(6)?, read_row(row)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Forgets all verdicts on a credential, because its secret is another one now.
    pub fn forget_checks(&self, id: &CredentialId) -> Result<(), IndexError> {
        self.write(Durability::Now, |connection| {
            connection.prepare_cached("DELETE FROM checks WHERE credential = ?1")?.execute([id])?;
            connection.prepare_cached(FORGET)?.execute([id])?;
            Ok(())
        })
    }
}

/// Keeps a verdict in its region, within a transaction.
pub(super) fn keep_check(connection: &Connection, id: &CredentialId, region: &str, check: &CheckReport) -> Result<(), Failure> {
    execute(connection, KEEP, (id, region, check))
}

/// The verdicts on a credential by region, within a transaction.
pub(super) fn region_checks(connection: &Connection, id: &CredentialId) -> Result<Vec<RegionCheck>, Failure> {
    let mut select = connection.prepare_cached(
        "SELECT region, verdict, status, reason, at, latency_ms FROM checks WHERE credential = ?1 ORDER BY region",
    )?;
    let rows = select.query_map([id], read_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn record(connection: &Connection, id: &CredentialId, region: &str, check: &CheckReport) -> Result<(), Failure> {
    execute(connection, KEEP, (id, region, check))?;
    execute(connection, KEEP_AS_LAST, (id, region, check))
}

fn execute(connection: &Connection, sql: &str, (id, region, check): (&CredentialId, &str, &CheckReport)) -> Result<(), Failure> {
    let CheckReport { result: verdict, status, reason, checked_at: at, latency_ms } = check;
    let values = params![id, region, verdict, status, reason, Micros(*at), latency_ms.map(Count)];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn read_row(row: &Row<'_>) -> Result<RegionCheck, rusqlite::Error> {
    let check = CheckReport {
        result: row.get(1)?,
        status: row.get(2)?,
        reason: row.get(3)?,
        checked_at: row.get::<_, Micros>(4)?.0,
        latency_ms: row.get::<_, Option<Count>>(5)?.map(|count| count.0),
    };
    Ok(RegionCheck { region: row.get(0)?, check })
}
