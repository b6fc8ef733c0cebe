//! Credential rows: identity and known properties of each credential, sorted by name.
//!
//! Start reading at [`Database::credentials`]. Check results by region belong to `checks`.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::bindings::{BindingRecord, upsert_bindings};
use super::checks::{copy_last_check, delete_checks, upsert_check};
use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability, EraseOutcome};
use crate::database::{CountColumn, JsonColumn, TimestampMicros};
use crate::domain::credential::{CheckReport, Principal};
use crate::domain::text::nearest_names;
use crate::domain::{Credential, CredentialId, CredentialName, Timestamp};

/// Columns of a credential that a caller writes, in the order of [`write_row`].
macro_rules! written_columns {
    () => {
        "id, name, provider, kind, region, fields, labels, created, expires, fingerprint, \
         principal_id, principal_name, principal_type, scheme"
    };
}

/// Columns of a credential, in the order of [`read_credential_row`]. The check result is a copy from
/// the table `checks`.
macro_rules! credential_columns {
    () => {
        concat!(
            written_columns!(),
            ", check_verdict, check_status, check_reason, check_at, check_latency_ms"
        )
    };
}

/// Placeholders for the written columns.
macro_rules! placeholders {
    () => {
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    };
}

const SELECT_ALL: &str =
    concat!("SELECT ", credential_columns!(), " FROM credentials ORDER BY name");
/// Selects the credentials that need attention first, in the order of `CredentialStatus` and of the
/// screen's list: refused, expired since the last check, expiring between ?1 and ?2 by days. Only
/// the chosen rows are read whole.
const SELECT_MOST_URGENT: &str = concat!(
    "SELECT ",
    credential_columns!(),
    " FROM (
        SELECT id AS chosen, CASE
            WHEN check_verdict = 'refused' THEN 0
            WHEN expires <= ?1 AND NOT coalesce(check_verdict = 'accepted' AND check_at > expires, 0) THEN 1
            WHEN expires > ?1 AND expires < ?2 THEN 2 + (expires - ?1) / 86400000000
            ELSE 1000 END AS urgency
        FROM credentials ORDER BY urgency, name COLLATE NOCASE, id LIMIT ?3
    ) JOIN credentials ON id = chosen ORDER BY urgency, name COLLATE NOCASE, id"
);
const SELECT_BY_ID: &str =
    concat!("SELECT ", credential_columns!(), " FROM credentials WHERE id = ?1");
const SELECT_BY_NAME: &str =
    concat!("SELECT ", credential_columns!(), " FROM credentials WHERE name = ?1");
const INSERT: &str =
    concat!("INSERT INTO credentials (", written_columns!(), ") VALUES ", placeholders!());
const UPDATE: &str = concat!(
    "UPDATE credentials SET (",
    written_columns!(),
    ") = ",
    placeholders!(),
    " WHERE id = ?1"
);

/// Number of credentials up to which the first frame begins with what needs attention.
pub const MAX_SORTED_ROWS: u32 = 500;

impl Database {
    /// Returns all credentials, sorted by name.
    pub fn credentials(&self) -> Result<Vec<Credential>, DatabaseError> {
        self.read(|connection| {
            let count: CountColumn = connection
                .prepare_cached("SELECT count(*) FROM credentials")?
                .query_row((), |row| row.get(0))?;
            select_by_name(connection, usize::try_from(count.0).unwrap_or_default())
        })
    }

    /// Returns at most `limit` credentials, enough for the first frame: those that need attention at
    /// `now`, then the others by name. A credential expires soon if it does so before `soon`. A list
    /// of more than [`MAX_SORTED_ROWS`] begins by name: the first frame does not wait for a search of
    /// all rows.
    pub fn most_urgent_credentials(
        &self,
        now: Timestamp,
        soon: Timestamp,
        limit: u32,
    ) -> Result<Vec<Credential>, DatabaseError> {
        self.read(|connection| {
            let is_long = connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM credentials LIMIT 1 OFFSET ?1)")?
                .query_row([MAX_SORTED_ROWS], |row| row.get::<_, bool>(0))?;
            if is_long {
                return select_by_name(connection, limit as usize);
            }
            let mut select = connection.prepare_cached(SELECT_MOST_URGENT)?;
            let values = params![TimestampMicros(now), TimestampMicros(soon), limit];
            Ok(select.query_map(values, read_credential_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Returns the credential with this name. The error for an unknown name suggests similar names.
    pub fn credential_by_name(&self, name: &str) -> Result<Credential, DatabaseError> {
        self.read(|connection| {
            let found = connection
                .prepare_cached(SELECT_BY_NAME)?
                .query_row([name], read_credential_row)
                .optional()?;
            found.map_or_else(
                || {
                    Err(unknown_credential(
                        name,
                        nearest_names(name, &credential_names(connection)?),
                    ))
                },
                Ok,
            )
        })
    }

    /// Returns the credential with this ID.
    pub fn credential_by_id(&self, id: &CredentialId) -> Result<Credential, DatabaseError> {
        self.read(|connection| find_credential(connection, id))
    }

    /// Adds a credential. If the name is taken, this is an error and nothing changes.
    pub fn insert_credential(&self, credential: &Credential) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| insert_row(connection, credential))
    }

    /// Changes a credential in one transaction: reads it, applies `change`, and writes it back. ID
    /// and check results cannot change; in another region, the last check is the one made there.
    pub fn update_credential(
        &self,
        id: &CredentialId,
        change: impl FnOnce(&mut Credential),
    ) -> Result<Credential, DatabaseError> {
        self.update_bound_credential(id, change, &[])
    }

    /// Like [`Database::update_credential`], and records the bindings of the changed credential in
    /// the same transaction.
    pub fn update_bound_credential(
        &self,
        id: &CredentialId,
        change: impl FnOnce(&mut Credential),
        bindings: &[BindingRecord],
    ) -> Result<Credential, DatabaseError> {
        self.write(Durability::Immediate, |connection| update_row(connection, id, change, bindings))
    }

    /// Like [`Database::update_bound_credential`], for a credential that gets another secret: its
    /// check results are deleted in the same transaction, because they are about the old secret.
    pub fn update_with_other_secret(
        &self,
        id: &CredentialId,
        change: impl FnOnce(&mut Credential),
        bindings: &[BindingRecord],
    ) -> Result<Credential, DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            delete_checks(connection, id)?;
            update_row(connection, id, change, bindings)
        })
    }

    /// Removes a credential with its check results, its history and its consumers, and erases the
    /// copies of these rows. A credential with an open rotation cannot be removed: only the
    /// rotation's journal knows about secrets that exist at the provider.
    pub fn remove_credential(&self, id: &CredentialId) -> Result<EraseOutcome, DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            if let Some(rotation) = find_open_rotation(connection, id)? {
                return Err(DatabaseError::RotationInProgress { rotation }.into());
            }
            let removed = connection
                .prepare_cached("DELETE FROM credentials WHERE id = ?1")?
                .execute([id])?;
            if removed == 0 { Err(unknown_credential(id.as_str(), Vec::new())) } else { Ok(()) }
        })?;
        Ok(self.erase_deleted_rows())
    }

    /// Returns the names of the credentials whose secret has this fingerprint, sorted.
    pub fn names_with_fingerprint(
        &self,
        fingerprint: &str,
    ) -> Result<Vec<CredentialName>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT name FROM credentials WHERE fingerprint = ?1 ORDER BY name",
            )?;
            let rows = select.query_map([fingerprint], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Returns the first `count` credentials by name. The number is not part of the SQL, because SQLite
/// would prepare a new plan for every number; a growing vector would move the credentials
/// repeatedly.
fn select_by_name(
    connection: &Connection,
    count: usize,
) -> Result<Vec<Credential>, TransactionError> {
    let mut found = Vec::with_capacity(count);
    let mut select = connection.prepare_cached(SELECT_ALL)?;
    for credential in select.query_map((), read_credential_row)?.take(count) {
        found.push(credential?);
    }
    Ok(found)
}

/// Adds a credential inside a transaction, with its last check; a taken name is an error.
pub(super) fn insert_row(
    connection: &Connection,
    credential: &Credential,
) -> Result<(), TransactionError> {
    let Credential { id, region, last_check, .. } = credential;
    ensure_name_free(connection, credential)?;
    write_row(connection, INSERT, credential)?;
    last_check.as_ref().map_or(Ok(()), |check| upsert_check(connection, &id.into(), region, check))
}

/// Changes a credential inside a transaction, and returns the stored one.
fn update_row(
    connection: &Connection,
    id: &CredentialId,
    change: impl FnOnce(&mut Credential),
    bindings: &[BindingRecord],
) -> Result<Credential, TransactionError> {
    let mut credential = find_credential(connection, id)?;
    change(&mut credential);
    credential.id = id.clone();
    ensure_name_free(connection, &credential)?;
    write_row(connection, UPDATE, &credential)?;
    copy_last_check(connection, id)?;
    upsert_bindings(connection, bindings)?;
    find_credential(connection, id)
}

/// Returns the credential with this ID, inside a transaction.
pub(super) fn find_credential(
    connection: &Connection,
    id: &CredentialId,
) -> Result<Credential, TransactionError> {
    let found =
        connection.prepare_cached(SELECT_BY_ID)?.query_row([id], read_credential_row).optional()?;
    found.ok_or_else(|| unknown_credential(id.as_str(), Vec::new()))
}

/// Returns the open rotation of this credential, inside a transaction. It keeps the credential from
/// being removed.
pub(super) fn find_open_rotation(
    connection: &Connection,
    id: &CredentialId,
) -> Result<Option<String>, TransactionError> {
    let mut select = connection
        .prepare_cached("SELECT id FROM rotations WHERE credential = ?1 AND closed IS NULL")?;
    Ok(select.query_row([id], |row| row.get(0)).optional()?)
}

fn unknown_credential(name: &str, nearest: Vec<String>) -> TransactionError {
    DatabaseError::UnknownCredential { name: name.to_owned(), nearest }.into()
}

fn credential_names(connection: &Connection) -> Result<Vec<String>, TransactionError> {
    let mut select = connection.prepare_cached("SELECT name FROM credentials")?;
    let rows = select.query_map((), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn ensure_name_free(
    connection: &Connection,
    credential: &Credential,
) -> Result<(), TransactionError> {
    let mut select =
        connection.prepare_cached("SELECT 1 FROM credentials WHERE name = ?1 AND id <> ?2")?;
    if select.exists(params![credential.name, credential.id])? {
        return Err(DatabaseError::NameTaken(credential.name.clone()).into());
    }
    Ok(())
}

fn write_row(
    connection: &Connection,
    sql: &str,
    credential: &Credential,
) -> Result<(), TransactionError> {
    let Credential {
        id, name, provider, kind, region, fields, labels, fingerprint, scheme, ..
    } = credential;
    let principal = credential.principal.as_ref();
    connection.prepare_cached(sql)?.execute(params![
        id,
        name,
        provider,
        kind,
        region,
        JsonColumn(fields),
        JsonColumn(labels),
        TimestampMicros(credential.created),
        credential.expires.map(TimestampMicros),
        fingerprint,
        principal.map(|principal| &principal.id),
        principal.map(|principal| &principal.name),
        principal.map(|principal| &principal.kind),
        scheme,
    ])?;
    Ok(())
}

fn read_credential_row(row: &Row<'_>) -> Result<Credential, rusqlite::Error> {
    Ok(Credential {
        id: row.get(0)?,
        name: row.get(1)?,
        provider: row.get(2)?,
        kind: row.get(3)?,
        region: row.get(4)?,
        fields: row.get::<_, JsonColumn<_>>(5)?.0,
        labels: row.get::<_, JsonColumn<_>>(6)?.0,
        created: row.get::<_, TimestampMicros>(7)?.0,
        expires: row.get::<_, Option<TimestampMicros>>(8)?.map(|micros| micros.0),
        fingerprint: row.get(9)?,
        principal: read_principal(row)?,
        scheme: row.get(13)?,
        last_check: row
            .get::<_, Option<_>>(14)?
            .map(|result| read_check(row, result))
            .transpose()?,
    })
}

fn read_principal(row: &Row<'_>) -> Result<Option<Principal>, rusqlite::Error> {
    let Some(id) = row.get(10)? else { return Ok(None) };
    Ok(Some(Principal { id, name: row.get(11)?, kind: row.get(12)? }))
}

fn read_check(
    row: &Row<'_>,
    result: crate::domain::response::CheckResult,
) -> Result<CheckReport, rusqlite::Error> {
    Ok(CheckReport {
        result,
        status: row.get(15)?,
        reason: row.get(16)?,
        checked_at: row.get::<_, TimestampMicros>(17)?.0,
        latency_ms: row.get::<_, Option<CountColumn>>(18)?.map(|count| count.0),
    })
}
