//! Bindings: what each secret is bound to, with a MAC made with a key in the secret store.
//!
//! A row records the hosts of a region, the region and key file of a credential, or the target of a
//! consumer. Other programs can write to this file and to the provider files, but cannot make the
//! MAC. Making and verifying it belongs to `engine`. Start at [`Database::binding`].

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability};
use crate::domain::{CredentialId, CredentialName};

/// Columns of a binding, in the order that [`read_binding_row`] uses.
const SELECT_ALL: &str =
    "SELECT store, kind, owner, name, content, mac FROM bindings WHERE store = ?1";

const SELECT_ONE: &str = "SELECT store, kind, owner, name, content, mac FROM bindings \
    WHERE store = ?1 AND kind = ?2 AND owner = ?3 AND name = ?4";

const SELECT_ANY_STORE: &str =
    "SELECT 1 FROM bindings WHERE kind = ?1 AND owner = ?2 AND name = ?3";

const UPSERT: &str = "INSERT INTO bindings (store, kind, owner, name, content, mac) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
    ON CONFLICT DO UPDATE SET content = ?5, mac = ?6";

const INSERT_MISSING: &str = "INSERT INTO bindings (store, kind, owner, name, content, mac) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
    ON CONFLICT DO NOTHING";

/// What a binding is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BindingSubject {
    /// Region, by its ID and the ID of the provider that owns it.
    Region {
        /// ID of the provider.
        provider: String,
        /// ID of the region.
        region: String,
    },
    /// Credential.
    Credential(CredentialId),
    /// Consumer of a credential, by its name.
    Consumer(CredentialId, CredentialName),
}

/// Binding as the index stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingRecord {
    /// ID of the key of the store that made the MAC.
    pub store: String,
    /// What the binding is about.
    pub subject: BindingSubject,
    /// What the subject is bound to, as JSON.
    pub content: String,
    /// MAC of subject and content, in hexadecimal digits.
    pub mac: String,
}

impl BindingSubject {
    /// Returns the subject as the index names it: kind, owner and name.
    pub fn columns(&self) -> [&str; 3] {
        match self {
            Self::Region { provider, region } => ["region", provider, region],
            Self::Credential(id) => ["credential", id.as_str(), ""],
            Self::Consumer(id, name) => ["consumer", id.as_str(), name.as_str()],
        }
    }
}

impl Database {
    /// Returns the binding of a subject that was made with this store's key.
    pub fn binding(
        &self,
        store: &str,
        subject: &BindingSubject,
    ) -> Result<Option<BindingRecord>, DatabaseError> {
        let [kind, owner, name] = subject.columns();
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT_ONE)?;
            Ok(select.query_row([store, kind, owner, name], read_binding_row).optional()?)
        })
    }

    /// Returns the IDs of all keys that bindings were made with.
    pub fn binding_keys(&self) -> Result<Vec<String>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT DISTINCT store FROM bindings")?;
            let rows = select.query_map((), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns all bindings that were made with this store's key.
    pub fn bindings(&self, store: &str) -> Result<Vec<BindingRecord>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT_ALL)?;
            let rows = select.query_map([store], read_binding_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns whether a binding of the subject exists, made with the key of any store.
    pub fn has_binding(&self, subject: &BindingSubject) -> Result<bool, DatabaseError> {
        let columns = subject.columns();
        self.read(|connection| Ok(connection.prepare_cached(SELECT_ANY_STORE)?.exists(columns)?))
    }

    /// Records bindings and replaces the previous ones of the same subjects.
    pub fn put_bindings(&self, records: &[BindingRecord]) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| upsert_bindings(connection, records))
    }

    /// Records the bindings whose subjects have none, in one transaction.
    pub fn add_missing_bindings(&self, records: &[BindingRecord]) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            records.iter().try_for_each(|record| execute(connection, INSERT_MISSING, record))
        })
    }
}

/// Records bindings inside a transaction.
pub(super) fn upsert_bindings(
    connection: &Connection,
    records: &[BindingRecord],
) -> Result<(), TransactionError> {
    records.iter().try_for_each(|record| execute(connection, UPSERT, record))
}

fn execute(
    connection: &Connection,
    sql: &str,
    record: &BindingRecord,
) -> Result<(), TransactionError> {
    let BindingRecord { store, subject, content, mac } = record;
    let [kind, owner, name] = subject.columns();
    connection.prepare_cached(sql)?.execute(params![store, kind, owner, name, content, mac])?;
    Ok(())
}

fn read_binding_row(row: &Row<'_>) -> Result<BindingRecord, rusqlite::Error> {
    let kind: String = row.get(1)?;
    let subject = match kind.as_str() {
        "credential" => BindingSubject::Credential(row.get(2)?),
        "consumer" => BindingSubject::Consumer(row.get(2)?, row.get(3)?),
        _ => BindingSubject::Region { provider: row.get(2)?, region: row.get(3)? },
    };
    Ok(BindingRecord { store: row.get(0)?, subject, content: row.get(4)?, mac: row.get(5)? })
}
