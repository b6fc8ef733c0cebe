//! Consumers: the targets to which secrets of credentials are delivered.
//!
//! Start reading at [`Database::consumers`]. Delivering belongs to `engine`.

use std::path::PathBuf;

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::credentials::find_credential;
use super::error::{DatabaseError, TransactionError};
use super::{Database, Durability};
use crate::database::{JsonColumn, TimestampMicros};
use crate::domain::consumer::{Consumer, ConsumerTarget, DeliveryRecord};
use crate::domain::credential::SecretPart;
use crate::domain::{CredentialId, CredentialName};

const SELECT_OUTDATED: &str =
    "SELECT credential, consumers.name, target, consumers.fingerprint, delivered, part
    FROM consumers JOIN credentials ON credentials.id = credential
    WHERE part IS NULL AND consumers.fingerprint <> credentials.fingerprint
    ORDER BY credential, consumers.name";
const SELECT_BY_CREDENTIAL: &str = "SELECT credential, name, target, fingerprint, delivered, part FROM consumers WHERE credential = ?1 ORDER BY name";

const SELECT_ALL: &str =
    "SELECT credential, name, target, fingerprint, delivered, part FROM consumers";

const INSERT_CONSUMER: &str = "INSERT INTO consumers (credential, name, kind, target, fingerprint, delivered, part) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const UPDATE_DELIVERY: &str =
    "UPDATE consumers SET (fingerprint, delivered) = (?3, ?4) WHERE credential = ?1 AND name = ?2";

/// Target as it is stored in its column.
#[derive(Serialize, Deserialize)]
struct TargetColumn<T> {
    #[serde(flatten)]
    target: T,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linked_to: Option<PathBuf>,
}

impl Database {
    /// Returns the consumers of a credential, sorted by name.
    pub fn consumers(&self, id: &CredentialId) -> Result<Vec<Consumer>, DatabaseError> {
        self.read(|connection| select_consumers(connection, id))
    }

    /// Returns the consumers of all credentials.
    pub fn all_consumers(&self) -> Result<Vec<Consumer>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT_ALL)?;
            let rows = select.query_map((), read_consumer_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Adds a consumer. A name that another consumer of the credential has is an error.
    pub fn add_consumer(&self, consumer: &Consumer) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            let Consumer { credential, name, .. } = consumer;
            find_credential(connection, credential)?;
            if select_consumers(connection, credential)?.iter().any(|known| known.name == *name) {
                return Err(DatabaseError::ConsumerNameTaken(name.clone()).into());
            }
            insert_consumer(connection, consumer)
        })
    }

    /// Returns the consumers that got an older secret than their credential has now, by credential
    /// and name. Other parts of a secret than the secret itself cannot be compared.
    pub fn outdated_consumers(&self) -> Result<Vec<Consumer>, DatabaseError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(SELECT_OUTDATED)?;
            let rows = select.query_map([], read_consumer_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Removes a consumer. The secret that was delivered to it stays there.
    pub fn remove_consumer(&self, id: &CredentialId, name: &str) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            let mut delete = connection
                .prepare_cached("DELETE FROM consumers WHERE credential = ?1 AND name = ?2")?;
            if delete.execute(params![id, name])? == 0 {
                Err(unknown_consumer(connection, id, name)?)
            } else {
                Ok(())
            }
        })
    }

    /// Records the latest delivery to a consumer.
    pub fn record_delivery(
        &self,
        id: &CredentialId,
        name: &CredentialName,
        delivered: &DeliveryRecord,
    ) -> Result<(), DatabaseError> {
        self.write(Durability::Immediate, |connection| {
            let values = params![id, name, delivered.fingerprint, TimestampMicros(delivered.at)];
            let changed = connection.prepare_cached(UPDATE_DELIVERY)?.execute(values)?;
            if changed == 0 {
                Err(unknown_consumer(connection, id, name.as_str())?)
            } else {
                Ok(())
            }
        })
    }
}

/// Adds a consumer inside a transaction.
pub(super) fn insert_consumer(
    connection: &Connection,
    consumer: &Consumer,
) -> Result<(), TransactionError> {
    let Consumer { credential, name, part, target, linked_to, last_delivery: delivered } = consumer;
    let (fingerprint, at) = (
        delivered.as_ref().map(|last| &last.fingerprint),
        delivered.as_ref().map(|last| TimestampMicros(last.at)),
    );
    let values = params![
        credential,
        name,
        target.kind(),
        JsonColumn(TargetColumn { target, linked_to: linked_to.clone() }),
        fingerprint,
        at,
        part_id(part)
    ];
    connection.prepare_cached(INSERT_CONSUMER)?.execute(values)?;
    Ok(())
}

/// Returns the error for an unknown consumer, with the names of the credential's consumers.
pub(super) fn unknown_consumer(
    connection: &Connection,
    id: &CredentialId,
    name: &str,
) -> Result<TransactionError, TransactionError> {
    let known = select_consumers(connection, id)?
        .into_iter()
        .map(|consumer| consumer.name.into())
        .collect();
    Ok(DatabaseError::UnknownConsumer { name: name.to_owned(), known }.into())
}

fn select_consumers(
    connection: &Connection,
    id: &CredentialId,
) -> Result<Vec<Consumer>, TransactionError> {
    let mut select = connection.prepare_cached(SELECT_BY_CREDENTIAL)?;
    let rows = select.query_map([id], read_consumer_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the ID of the part; `None` for the secret itself.
fn part_id(part: &SecretPart) -> Option<&str> {
    match part {
        SecretPart::Secret => None,
        SecretPart::Named(id) => Some(id),
    }
}

fn read_consumer_row(row: &Row<'_>) -> Result<Consumer, rusqlite::Error> {
    let fingerprint: Option<String> = row.get(3)?;
    let at = row.get::<_, Option<TimestampMicros>>(4)?;
    let delivered =
        fingerprint.zip(at).map(|(fingerprint, at)| DeliveryRecord { fingerprint, at: at.0 });
    let part = row.get::<_, Option<String>>(5)?.map_or(SecretPart::Secret, SecretPart::Named);
    let TargetColumn { target, linked_to } =
        row.get::<_, JsonColumn<TargetColumn<ConsumerTarget>>>(2)?.0;
    Ok(Consumer {
        credential: row.get(0)?,
        name: row.get(1)?,
        part,
        target,
        linked_to,
        last_delivery: delivered,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{Credential, Timestamp};

    fn index() -> (Database, CredentialId) {
        let index = Database::in_memory().unwrap();
        let id = CredentialId::from_random([7; 16]);
        let credential = Credential {
            id: id.clone(),
            name: CredentialName::parse("laptop").unwrap(),
            provider: "snyk".to_owned(),
            kind: "personal-token".to_owned(),
            region: "SNYK-EU-01".to_owned(),
            fields: BTreeMap::new(),
            labels: Vec::new(),
            created: Timestamp::UNIX_EPOCH,
            expires: None,
            fingerprint: None,
            principal: None,
            scheme: None,
            last_check: None,
        };
        index.insert_credential(&credential).unwrap();
        (index, id)
    }

    fn consumer(id: &CredentialId, name: &str) -> Consumer {
        let target =
            ConsumerTarget::EnvFile { path: "/srv/.env".into(), key: "SNYK_TOKEN".to_owned() };
        Consumer {
            credential: id.clone(),
            name: CredentialName::parse(name).unwrap(),
            part: SecretPart::Secret,
            target,
            linked_to: None,
            last_delivery: None,
        }
    }

    #[test]
    fn consumers_come_back_by_name_with_what_they_were_given() {
        let (index, id) = index();
        let part = SecretPart::Named("client_secret".to_owned());
        let (two, one) = (consumer(&id, "two"), Consumer { part, ..consumer(&id, "one") });
        index.add_consumer(&two).unwrap();
        index.add_consumer(&one).unwrap();
        let last = DeliveryRecord { fingerprint: "print".to_owned(), at: Timestamp::UNIX_EPOCH };
        index.record_delivery(&id, &two.name, &last).unwrap();
        assert_eq!(
            index.consumers(&id).unwrap(),
            [one, Consumer { last_delivery: Some(last), ..two }]
        );
    }

    #[test]
    fn a_name_is_given_once_within_a_credential() {
        let (index, id) = index();
        let one = consumer(&id, "one");
        index.add_consumer(&one).unwrap();
        assert_eq!(
            index.add_consumer(&one),
            Err(DatabaseError::ConsumerNameTaken(one.name.clone()))
        );
        let other = consumer(&CredentialId::from_random([8; 16]), "one");
        assert!(matches!(index.add_consumer(&other), Err(DatabaseError::UnknownCredential { .. })));
    }

    #[test]
    fn removing_names_those_there_are() {
        let (index, id) = index();
        index.add_consumer(&consumer(&id, "one")).unwrap();
        let refusal = index.remove_consumer(&id, "tow").unwrap_err();
        assert_eq!(
            refusal,
            DatabaseError::UnknownConsumer {
                name: "tow".to_owned(),
                known: vec!["one".to_owned()]
            }
        );
        index.remove_consumer(&id, "one").unwrap();
        assert_eq!(index.consumers(&id).unwrap(), []);
    }

    #[test]
    fn a_credential_takes_its_consumers_with_it() {
        let (index, id) = index();
        index.add_consumer(&consumer(&id, "one")).unwrap();
        index
            .update_credential(&id, |credential| credential.region = "SNYK-US-01".to_owned())
            .unwrap();
        assert_eq!(index.consumers(&id).unwrap().len(), 1);
        index.remove_credential(&id).unwrap();
        assert_eq!(index.consumers(&id).unwrap(), []);
    }
}
