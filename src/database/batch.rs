//! Many credentials at once: what a bulk import or a backup adds, in one transaction each.
//!
//! Start reading at [`Database::insert_batch`]. Single credentials belong to `credentials`.

use std::collections::HashMap;

use rusqlite::Connection;

use super::bindings::{BindingRecord, upsert_bindings};
use super::consumers::insert_consumer;
use super::credentials::insert_row;
use super::error::{DatabaseError, TransactionError};
use super::fingerprints::{SecretLocation, retire_others, upsert_fingerprint};
use super::history::{HistoryEntry, insert_entry};
use super::{Database, Durability};
use crate::domain::consumer::Consumer;
use crate::domain::{Credential, CredentialId, CredentialName, Timestamp};

/// New credentials with everything that belongs to them.
#[derive(Debug, Clone, Default)]
pub struct CredentialBatch {
    /// The credentials.
    pub credentials: Vec<Credential>,
    /// What they are bound to.
    pub bindings: Vec<BindingRecord>,
    /// Fingerprints of the secrets that are about to be stored.
    pub fingerprints: Vec<(SecretLocation, String)>,
    /// Consumers of the credentials.
    pub consumers: Vec<Consumer>,
    /// Requests that were sent with the credentials, the oldest first.
    pub history: Vec<HistoryEntry>,
}

/// Names and fingerprints of all credentials, to compare many new ones with them.
#[derive(Debug, Clone, Default)]
pub struct KnownCredentials {
    /// The credential with each name.
    pub by_name: HashMap<String, CredentialId>,
    /// The credential with each fingerprint of a secret.
    pub by_fingerprint: HashMap<String, (CredentialId, CredentialName)>,
}

impl Database {
    /// Adds credentials with everything that belongs to them, in one transaction; a taken name is
    /// an error, and then nothing is added.
    pub fn insert_batch(
        &self,
        batch: &CredentialBatch,
        at: Timestamp,
    ) -> Result<(), DatabaseError> {
        let CredentialBatch { credentials, bindings, fingerprints, consumers, history } = batch;
        self.write(Durability::Immediate, |connection| {
            credentials.iter().try_for_each(|credential| insert_row(connection, credential))?;
            upsert_bindings(connection, bindings)?;
            announce_all(connection, fingerprints, at)?;
            consumers.iter().try_for_each(|consumer| insert_consumer(connection, consumer))?;
            history.iter().try_for_each(|entry| insert_entry(connection, entry))
        })
    }

    /// Removes credentials whose secrets could not be stored, in one transaction. Nothing was
    /// recorded about them that is worth erasing.
    pub fn remove_batch(&self, credentials: &[CredentialId]) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            let mut delete = connection.prepare_cached("DELETE FROM credentials WHERE id = ?1")?;
            for id in credentials {
                delete.execute([id])?;
            }
            Ok(())
        })
    }

    /// Records the fingerprints of secrets that are stored from now on, in one transaction.
    pub fn record_fingerprints(
        &self,
        fingerprints: &[(SecretLocation, String)],
        at: Timestamp,
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Deferred, |connection| {
            for (location, fingerprint) in fingerprints {
                retire_others(connection, location, Some(fingerprint))?;
            }
            announce_all(connection, fingerprints, at)
        })
    }

    /// Returns names and fingerprints of all credentials.
    pub fn known_credentials(&self) -> Result<KnownCredentials, DatabaseError> {
        self.read(|connection| {
            let mut known = KnownCredentials::default();
            let mut select =
                connection.prepare_cached("SELECT id, name, fingerprint FROM credentials")?;
            let mut rows = select.query(())?;
            while let Some(row) = rows.next()? {
                let (id, name): (CredentialId, CredentialName) = (row.get(0)?, row.get(1)?);
                known.by_name.insert(name.to_string(), id.clone());
                let fingerprint: Option<String> = row.get(2)?;
                known.by_fingerprint.extend(fingerprint.map(|text| (text, (id, name))));
            }
            Ok(known)
        })
    }
}

fn announce_all(
    connection: &Connection,
    fingerprints: &[(SecretLocation, String)],
    at: Timestamp,
) -> Result<(), TransactionError> {
    fingerprints.iter().try_for_each(|(location, fingerprint)| {
        upsert_fingerprint(connection, location, fingerprint, at)
    })
}
