//! Latest check result of each credential in each region.
//!
//! Start reading at [`Database::record_check`]. Running checks belongs to `engine`.

use rusqlite::{Connection, Row, params};

use super::columns::{CountColumn, TimestampMicros};
use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability};
use crate::domain::CredentialId;
use crate::domain::credential::{CheckReport, Principal};

/// Latest check result of a credential in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionCheckResult {
    /// ID of the region.
    pub region: String,
    /// Report of the check in this region.
    pub check: CheckReport,
}

/// Inserts or updates a check result, unless a later one is stored or the credential is gone.
const UPSERT_CHECK: &str = "
    INSERT INTO checks (credential, region, verdict, status, reason, at, latency_ms)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM credentials WHERE id = ?1)
    ON CONFLICT (credential, region) DO UPDATE
    SET (verdict, status, reason, at, latency_ms) =
        (excluded.verdict, excluded.status, excluded.reason, excluded.at, excluded.latency_ms)
    WHERE excluded.at >= checks.at";

/// Updates the credential's own last check, if this is its region.
const UPDATE_LAST_CHECK: &str = "
    UPDATE credentials
    SET (check_verdict, check_status, check_reason, check_at, check_latency_ms) = (?3, ?4, ?5, ?6, ?7)
    WHERE id = ?1 AND region = ?2 AND coalesce(check_at, ?6) <= ?6";

const UPDATE_PRINCIPAL: &str = "UPDATE credentials SET (principal_id, principal_name, principal_type) = (?2, ?3, ?4) WHERE id = ?1";

const CLEAR_LAST_CHECK: &str = "
    UPDATE credentials
    SET (check_verdict, check_status, check_reason, check_at, check_latency_ms) = (NULL, NULL, NULL, NULL, NULL)
    WHERE id = ?1";

impl Database {
    /// Stores the result of a check in a region. A result in the credential's own region also
    /// becomes its last check.
    ///
    /// A result that is older than the stored one, or whose credential is gone, is dropped.
    pub fn record_check(
        &self,
        id: &CredentialId,
        region: &str,
        check: &CheckReport,
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| {
            upsert_check_and_last(connection, id, region, check)
        })
    }

    /// Stores many results in one transaction, at little more than the cost of one.
    pub fn record_checks(
        &self,
        checks: &[(CredentialId, RegionCheckResult)],
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| {
            checks.iter().try_for_each(|(id, found)| {
                upsert_check_and_last(connection, id, &found.region, &found.check)
            })
        })
    }

    /// Stores the principals of many credentials in one transaction; credentials that are gone are
    /// skipped.
    pub fn record_principals(
        &self,
        found: &[(CredentialId, Principal)],
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| {
            let mut update = connection.prepare_cached(UPDATE_PRINCIPAL)?;
            found.iter().try_for_each(|(id, principal)| {
                Ok(update
                    .execute(params![id, principal.id, principal.name, principal.kind])
                    .map(drop)?)
            })
        })
    }

    /// Returns the latest check results of a credential, one for each region where it was checked.
    pub fn region_checks(
        &self,
        id: &CredentialId,
    ) -> Result<Vec<RegionCheckResult>, DatabaseError> {
        self.read(|connection| region_checks(connection, id))
    }

    /// Returns the latest check results of all credentials, one for each region where a credential
    /// was checked.
    pub fn all_region_checks(
        &self,
    ) -> Result<Vec<(CredentialId, RegionCheckResult)>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection
                .prepare_cached("SELECT region, verdict, status, reason, at, latency_ms, credential FROM checks ORDER BY at")?;
            let rows = select.query_map([], |row| Ok((row.get(6)?, read_check_row(row)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Deletes all check results of a credential, because its secret has changed.
    pub fn delete_checks(&self, id: &CredentialId) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            connection.prepare_cached("DELETE FROM checks WHERE credential = ?1")?.execute([id])?;
            connection.prepare_cached(CLEAR_LAST_CHECK)?.execute([id])?;
            Ok(())
        })
    }
}

/// Stores a check result in its region, inside a transaction.
pub(super) fn upsert_check(
    connection: &Connection,
    id: &CredentialId,
    region: &str,
    check: &CheckReport,
) -> Result<(), TransactionError> {
    execute_check_statement(connection, UPSERT_CHECK, id, region, check)
}

/// Returns the check results of a credential by region, inside a transaction.
pub(super) fn region_checks(
    connection: &Connection,
    id: &CredentialId,
) -> Result<Vec<RegionCheckResult>, TransactionError> {
    let mut select = connection.prepare_cached(
        "SELECT region, verdict, status, reason, at, latency_ms FROM checks WHERE credential = ?1 ORDER BY region",
    )?;
    let rows = select.query_map([id], read_check_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn upsert_check_and_last(
    connection: &Connection,
    id: &CredentialId,
    region: &str,
    check: &CheckReport,
) -> Result<(), TransactionError> {
    execute_check_statement(connection, UPSERT_CHECK, id, region, check)?;
    execute_check_statement(connection, UPDATE_LAST_CHECK, id, region, check)
}

fn execute_check_statement(
    connection: &Connection,
    sql: &str,
    id: &CredentialId,
    region: &str,
    check: &CheckReport,
) -> Result<(), TransactionError> {
    let CheckReport { result, status, reason, checked_at, latency_ms } = check;
    let values = params![
        id,
        region,
        result,
        status,
        reason,
        TimestampMicros(*checked_at),
        latency_ms.map(CountColumn)
    ];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn read_check_row(row: &Row<'_>) -> Result<RegionCheckResult, rusqlite::Error> {
    let check = CheckReport {
        result: row.get(1)?,
        status: row.get(2)?,
        reason: row.get(3)?,
        checked_at: row.get::<_, TimestampMicros>(4)?.0,
        latency_ms: row.get::<_, Option<CountColumn>>(5)?.map(|count| count.0),
    };
    Ok(RegionCheckResult { region: row.get(0)?, check })
}
