//! Latest check result of each credential in each region.
//!
//! The table `checks` is the only source of check results. The columns `check_…` of a credential are
//! a copy of the result in its region; `copy_last_check` makes it, in the transaction that
//! changes the results or the region. Start reading at [`Database::record_check`]. Running checks
//! belongs to `engine`.

use rusqlite::{Connection, Row, params};

use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability};
use crate::database::{CountColumn, TimestampMicros};
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

/// The secret that a check result is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedSecret {
    /// ID of the credential.
    pub credential: CredentialId,
    /// Fingerprint of the secret that was checked; `None` for the secret that the credential has
    /// when the result is stored.
    pub fingerprint: Option<String>,
}

impl From<&CredentialId> for CheckedSecret {
    fn from(id: &CredentialId) -> Self {
        Self { credential: id.clone(), fingerprint: None }
    }
}

/// Inserts or updates a check result, unless a later one is stored, the credential is gone, or it
/// has another secret by now.
const UPSERT_CHECK: &str = "
    INSERT INTO checks (credential, region, verdict, status, reason, at, latency_ms)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (
        SELECT 1 FROM credentials WHERE id = ?1
        AND (?8 IS NULL OR fingerprint IS NULL OR fingerprint = ?8))
    ON CONFLICT (credential, region) DO UPDATE
    SET (verdict, status, reason, at, latency_ms) =
        (excluded.verdict, excluded.status, excluded.reason, excluded.at, excluded.latency_ms)
    WHERE excluded.at >= checks.at";

/// Copies the result in the credential's region to its row; nothing if there is none.
const COPY_LAST_CHECK: &str = "
    UPDATE credentials
    SET (check_verdict, check_status, check_reason, check_at, check_latency_ms) =
        (SELECT verdict, status, reason, at, latency_ms FROM checks
         WHERE credential = ?1 AND checks.region = credentials.region)
    WHERE id = ?1";

const UPDATE_PRINCIPAL: &str = "UPDATE credentials SET (principal_id, principal_name, principal_type) = (?2, ?3, ?4) WHERE id = ?1 AND (?5 IS NULL OR fingerprint IS NULL OR fingerprint = ?5)";

impl Database {
    /// Stores the result of a check in a region. A result in the credential's own region is its last
    /// check.
    ///
    /// A result that is older than the stored one, that is about an earlier secret, or whose
    /// credential is gone, is dropped.
    pub fn record_check(
        &self,
        checked: impl Into<CheckedSecret>,
        region: &str,
        check: &CheckReport,
    ) -> Result<(), DatabaseError> {
        let checked = checked.into();
        self.write(Durability::Deferred, |connection| {
            upsert_check(connection, &checked, region, check)
        })
    }

    /// Stores many results in one transaction, at little more than the cost of one.
    pub fn record_checks(
        &self,
        checks: &[(CheckedSecret, RegionCheckResult)],
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| {
            checks.iter().try_for_each(|(checked, found)| {
                upsert_check(connection, checked, &found.region, &found.check)
            })
        })
    }

    /// Stores the principals of many credentials in one transaction; credentials that are gone or
    /// have another secret by now are skipped.
    pub fn record_principals(
        &self,
        found: &[(CheckedSecret, Principal)],
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| {
            let mut update = connection.prepare_cached(UPDATE_PRINCIPAL)?;
            found.iter().try_for_each(|(checked, principal)| {
                let CheckedSecret { credential: id, fingerprint } = checked;
                let Principal { id: principal, name, kind } = principal;
                Ok(update.execute(params![id, principal, name, kind, fingerprint]).map(drop)?)
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
}

/// Stores a check result in its region, inside a transaction.
pub(super) fn upsert_check(
    connection: &Connection,
    checked: &CheckedSecret,
    region: &str,
    check: &CheckReport,
) -> Result<(), TransactionError> {
    let CheckedSecret { credential: id, fingerprint } = checked;
    let CheckReport { result, status, reason, checked_at, latency_ms } = check;
    connection.prepare_cached(UPSERT_CHECK)?.execute(params![
        id,
        region,
        result,
        status,
        reason,
        TimestampMicros(*checked_at),
        latency_ms.map(CountColumn),
        fingerprint
    ])?;
    copy_last_check(connection, id)
}

/// Deletes all check results of a credential, inside a transaction.
pub(super) fn delete_checks(
    connection: &Connection,
    id: &CredentialId,
) -> Result<(), TransactionError> {
    connection.prepare_cached("DELETE FROM checks WHERE credential = ?1")?.execute([id])?;
    Ok(())
}

/// Copies the check result in the credential's region to its row, inside a transaction.
pub(super) fn copy_last_check(
    connection: &Connection,
    id: &CredentialId,
) -> Result<(), TransactionError> {
    connection.prepare_cached(COPY_LAST_CHECK)?.execute([id])?;
    Ok(())
}

/// Returns the check results of a credential by region, inside a transaction.
fn region_checks(
    connection: &Connection,
    id: &CredentialId,
) -> Result<Vec<RegionCheckResult>, TransactionError> {
    let mut select = connection.prepare_cached(
        "SELECT region, verdict, status, reason, at, latency_ms FROM checks WHERE credential = ?1 ORDER BY region",
    )?;
    let rows = select.query_map([id], read_check_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
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
