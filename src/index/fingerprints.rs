//! Fingerprints of all that the store holds or held, so that a copy of it is known wherever it lies.

use rusqlite::{Connection, Row, params};

use super::columns::TimestampMicros;
use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::{CredentialId, CredentialName, Timestamp};

/// How many former ones are kept of each part: a refresh token has another one every hour.
const MAX_FORMER_FINGERPRINTS: u32 = 8;

const SELECT_ALL: &str = "SELECT name, part, slot, fingerprints.fingerprint FROM fingerprints \
    JOIN credentials ON credentials.id = fingerprints.credential ORDER BY name, part, slot IS NULL, slot, noted DESC";

const UPSERT_FINGERPRINT: &str = "INSERT INTO fingerprints (credential, part, slot, fingerprint, noted) VALUES (?1, ?2, ?3, ?4, ?5) \
    ON CONFLICT DO UPDATE SET slot = ?3, noted = ?5";

const CLEAR_SLOT: &str = "UPDATE fingerprints SET slot = NULL \
    WHERE credential = ?1 AND part = ?2 AND slot = ?3 AND fingerprint IS NOT ?4";

const DELETE_OLDEST_FORMER: &str = "DELETE FROM fingerprints WHERE credential = ?1 AND part = ?2 AND slot IS NULL AND fingerprint NOT IN \
    (SELECT fingerprint FROM fingerprints WHERE credential = ?1 AND part = ?2 AND slot IS NULL ORDER BY noted DESC LIMIT ?3)";

/// A place in the store: a slot of a part of a credential's secret material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretLocation {
    /// Whose it is.
    pub credential: CredentialId,
    /// The slot.
    pub slot: SecretSlot,
    /// The part.
    pub part: SecretPart,
}

/// A fingerprint, and what has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FingerprintRecord {
    /// The credential's name.
    pub name: CredentialName,
    /// The part of its secret material.
    pub part: SecretPart,
    /// The slot in which it lies; nothing where something else has taken its place.
    pub slot: Option<SecretSlot>,
    /// The fingerprint.
    pub fingerprint: String,
}

impl Database {
    /// All of them, by the names of their credentials.
    pub fn fingerprints(&self) -> Result<Vec<FingerprintRecord>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT_ALL)?;
            let rows = select.query_map((), read_fingerprint_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps what lies in a place from now on. What lay there before is a former one.
    pub fn record_fingerprint(
        &self,
        place: &SecretLocation,
        fingerprint: &str,
        at: Timestamp,
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| {
            retire_others(connection, place, Some(fingerprint))?;
            let values =
                params![place.credential, place.part, place.slot, fingerprint, TimestampMicros(at)];
            connection.prepare_cached(UPSERT_FINGERPRINT)?.execute(values)?;
            Ok(())
        })
    }

    /// Nothing lies in a place any more.
    pub fn retire_fingerprint(&self, place: &SecretLocation) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| retire_others(connection, place, None))
    }
}

/// What lies in the place is a former one now, unless it is `but`.
fn retire_others(
    connection: &Connection,
    place: &SecretLocation,
    but: Option<&str>,
) -> Result<(), TransactionError> {
    let SecretLocation { credential, slot, part } = place;
    connection.prepare_cached(CLEAR_SLOT)?.execute(params![credential, part, slot, but])?;
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
