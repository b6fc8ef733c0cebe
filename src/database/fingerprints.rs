//! Fingerprints of all secrets that the store contains or contained, used to recognize copies of
//! them elsewhere.
//!
//! Start reading at [`Database::record_fingerprint`]. Computing fingerprints and scanning for
//! copies belong to `engine`.

use rusqlite::{Connection, Row, params};

use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability};
use crate::database::TimestampMicros;
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::{CredentialId, CredentialName, Timestamp};

/// Number of former fingerprints to retain for each part: a refresh token changes every hour.
const MAX_FORMER_FINGERPRINTS: u32 = 8;

const SELECT_ALL: &str = "SELECT name, part, slot, fingerprints.fingerprint FROM fingerprints \
    JOIN credentials ON credentials.id = fingerprints.credential ORDER BY name, part, slot IS NULL, slot, noted DESC";

const UPSERT_FINGERPRINT: &str = "INSERT INTO fingerprints (credential, part, slot, fingerprint, noted) VALUES (?1, ?2, ?3, ?4, ?5) \
    ON CONFLICT DO UPDATE SET slot = ?3, noted = ?5";

const SELECT_IN_USE: &str =
    "SELECT fingerprint FROM fingerprints WHERE credential = ?1 AND part = ?2 AND slot IS NOT NULL";

const CLEAR_SLOT: &str = "UPDATE fingerprints SET slot = NULL \
    WHERE credential = ?1 AND part = ?2 AND slot = ?3 AND fingerprint IS NOT ?4";

const DELETE_OLDEST_FORMER: &str = "DELETE FROM fingerprints WHERE credential = ?1 AND part = ?2 AND slot IS NULL AND fingerprint NOT IN \
    (SELECT fingerprint FROM fingerprints WHERE credential = ?1 AND part = ?2 AND slot IS NULL ORDER BY noted DESC LIMIT ?3)";

/// Whether there are fingerprints, whether there are bindings, and whether a binding was made with
/// this key.
const SELECT_KEY_USE: &str = "SELECT EXISTS (SELECT 1 FROM fingerprints), EXISTS (SELECT 1 FROM bindings), \
    EXISTS (SELECT 1 FROM bindings WHERE store = ?1)";

/// Marks a delivery of the current secret as one of the secret with the new fingerprint.
const RENEW_DELIVERIES: &str = "UPDATE consumers SET fingerprint = ?3 WHERE credential = ?1 AND COALESCE(part, 'secret') = ?2 AND fingerprint IN \
    (SELECT fingerprint FROM fingerprints WHERE credential = ?1 AND part = ?2 AND slot = 'current' \
    UNION SELECT fingerprint FROM credentials WHERE id = ?1 AND ?2 = 'secret')";

const RENEW_CREDENTIAL: &str = "UPDATE credentials SET fingerprint = ?2 WHERE id = ?1";

/// Location in the store: a slot of a part of a credential's secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretLocation {
    /// Credential that the secret belongs to.
    pub credential: CredentialId,
    /// Slot of the secret.
    pub slot: SecretSlot,
    /// Part of the secret.
    pub part: SecretPart,
}

/// Fingerprint with its location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FingerprintRecord {
    /// Name of the credential.
    pub name: CredentialName,
    /// Part of the secret.
    pub part: SecretPart,
    /// Slot that contains the secret; `None` for a former secret that was overwritten or removed.
    pub slot: Option<SecretSlot>,
    /// The fingerprint.
    pub fingerprint: String,
}

impl Database {
    /// Returns all fingerprints, sorted by the name of the credential.
    pub fn fingerprints(&self) -> Result<Vec<FingerprintRecord>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT_ALL)?;
            let rows = select.query_map((), read_fingerprint_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns whether the fingerprints were made with another key than the one with this ID; `None`
    /// is a store without a key. An index without bindings does not know its keys.
    pub fn has_other_fingerprint_key(&self, key: Option<&str>) -> Result<bool, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT_KEY_USE)?;
            Ok(select.query_row([key], |row| {
                let (any, bound, known): (bool, bool, bool) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(any && if key.is_some() { bound && !known } else { true })
            })?)
        })
    }

    /// Replaces the fingerprints of secrets that have not changed, because their key has. All of
    /// them are replaced or none.
    pub fn renew_fingerprints(
        &self,
        fingerprints: &[(SecretLocation, String)],
        at: Timestamp,
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            for (location, fingerprint) in fingerprints {
                let SecretLocation { credential, slot, part } = location;
                if *slot == SecretSlot::Current {
                    let values = params![credential, part, fingerprint];
                    connection.prepare_cached(RENEW_DELIVERIES)?.execute(values)?;
                    if *part == SecretPart::Secret {
                        let values = params![credential, fingerprint];
                        connection.prepare_cached(RENEW_CREDENTIAL)?.execute(values)?;
                    }
                }
                retire_others(connection, location, Some(fingerprint))?;
                upsert_fingerprint(connection, location, fingerprint, at)?;
            }
            Ok(())
        })
    }

    /// Returns the fingerprints of the secrets that the slots of a part contain.
    pub fn fingerprints_in_use(
        &self,
        credential: &CredentialId,
        part: &SecretPart,
    ) -> Result<Vec<String>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT_IN_USE)?;
            let rows = select.query_map(params![credential, part], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Records the fingerprint of a secret that a location is about to contain. The fingerprint of
    /// the secret that it contains until then stays recorded, so that a crash leaves both.
    pub fn announce_fingerprint(
        &self,
        location: &SecretLocation,
        fingerprint: &str,
        at: Timestamp,
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| {
            upsert_fingerprint(connection, location, fingerprint, at)
        })
    }

    /// Records the fingerprint of the secret that a location contains from now on. The previous
    /// fingerprint becomes a former one.
    pub fn record_fingerprint(
        &self,
        location: &SecretLocation,
        fingerprint: &str,
        at: Timestamp,
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| {
            retire_others(connection, location, Some(fingerprint))?;
            upsert_fingerprint(connection, location, fingerprint, at)
        })
    }

    /// Records that a location is empty; its fingerprint becomes a former one.
    pub fn retire_fingerprint(&self, location: &SecretLocation) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| retire_others(connection, location, None))
    }
}

pub(super) fn upsert_fingerprint(
    connection: &Connection,
    location: &SecretLocation,
    fingerprint: &str,
    at: Timestamp,
) -> Result<(), TransactionError> {
    let SecretLocation { credential, slot, part } = location;
    let values = params![credential, part, slot, fingerprint, TimestampMicros(at)];
    connection.prepare_cached(UPSERT_FINGERPRINT)?.execute(values)?;
    Ok(())
}

/// Marks the fingerprints of a location as former, except `except`.
pub(super) fn retire_others(
    connection: &Connection,
    location: &SecretLocation,
    except: Option<&str>,
) -> Result<(), TransactionError> {
    let SecretLocation { credential, slot, part } = location;
    connection.prepare_cached(CLEAR_SLOT)?.execute(params![credential, part, slot, except])?;
    connection.prepare_cached(DELETE_OLDEST_FORMER)?.execute(params![
        credential,
        part,
        MAX_FORMER_FINGERPRINTS
    ])?;
    Ok(())
}

fn read_fingerprint_row(row: &Row<'_>) -> Result<FingerprintRecord, rusqlite::Error> {
    Ok(FingerprintRecord {
        name: row.get(0)?,
        part: row.get(1)?,
        slot: row.get(2)?,
        fingerprint: row.get(3)?,
    })
}
