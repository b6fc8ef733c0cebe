//! Fingerprints of all that the store holds or held, so that a copy of it is known wherever it lies.

use rusqlite::{Connection, Row, params};

use super::columns::Micros;
use super::error::{Failure, IndexError};
use super::{Durability, Index};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::{CredentialId, CredentialName, Timestamp};

/// How many former ones are kept of each part: a refresh token has another one every hour.
const FORMER: u32 = 8;

const ALL: &str = "SELECT name, part, slot, fingerprints.fingerprint FROM fingerprints \
    JOIN credentials ON credentials.id = fingerprints.credential ORDER BY name, part, slot IS NULL, slot, noted DESC";

const NOTE: &str = "INSERT INTO fingerprints (credential, part, slot, fingerprint, noted) VALUES (?1, ?2, ?3, ?4, ?5) \
    ON CONFLICT DO UPDATE SET slot = ?3, noted = ?5";

const RELEASE: &str = "UPDATE fingerprints SET slot = NULL \
    WHERE credential = ?1 AND part = ?2 AND slot = ?3 AND fingerprint IS NOT ?4";

const FORGET: &str = "DELETE FROM fingerprints WHERE credential = ?1 AND part = ?2 AND slot IS NULL AND fingerprint NOT IN \
    (SELECT fingerprint FROM fingerprints WHERE credential = ?1 AND part = ?2 AND slot IS NULL ORDER BY noted DESC LIMIT ?3)";

/// A place in the store: a slot of a part of a credential's secret material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub credential: CredentialId,
    /// The slot.
    pub slot: SecretSlot,
    /// The part.
    pub part: SecretPart,
}

/// A fingerprint, and what has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    /// The credential's name.
    pub name: CredentialName,
    /// The part of its secret material.
    pub part: SecretPart,
    /// The slot in which it lies; nothing where something else has taken its place.
    pub slot: Option<SecretSlot>,
    /// The fingerprint.
    pub fingerprint: String,
}

impl Index {
    /// All of them, by the names of their credentials.
    pub fn fingerprints(&self) -> Result<Vec<Print>, IndexError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(ALL)?;
            let rows = select.query_map((), read_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps what lies in a place from now on. What lay there before is a former one.
    pub fn note_fingerprint(&self, place: &Place, fingerprint: &str, at: Timestamp) -> Result<(), IndexError> {
        self.write(Durability::Soon, |connection| {
            release(connection, place, Some(fingerprint))?;
            let values = params![place.credential, place.part, place.slot, fingerprint, Micros(at)];
            connection.prepare_cached(NOTE)?.execute(values)?;
            Ok(())
        })
    }

    /// Nothing lies in a place any more.
    pub fn release_fingerprint(&self, place: &Place) -> Result<(), IndexError> {
        self.write(Durability::Soon, |connection| release(connection, place, None))
    }
}

/// What lies in the place is a former one now, unless it is `but`.
fn release(connection: &Connection, place: &Place, but: Option<&str>) -> Result<(), Failure> {
    let Place { credential, slot, part } = place;
    connection.prepare_cached(RELEASE)?.execute(params![credential, part, slot, but])?;
    connection.prepare_cached(FORGET)?.execute(params![credential, part, FORMER])?;
    Ok(())
}

fn read_row(row: &Row<'_>) -> Result<Print, rusqlite::Error> {
    Ok(Print { name: row.get(0)?, part: row.get(1)?, slot: row.get(2)?, fingerprint: row.get(3)? })
}
