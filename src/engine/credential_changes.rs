//! What a caller says about a credential that is added or edited, and the first page of the list.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Credential, CredentialName, Origin, Secret, Timestamp};

/// Credential to add.
pub struct NewCredential {
    /// Its name.
    pub name: CredentialName,
    /// Id of the provider.
    pub provider: String,
    /// Id of the kind.
    pub kind: String,
    /// Id of the region.
    pub region: String,
    /// Further fields.
    pub fields: BTreeMap<String, String>,
    /// Labels.
    pub labels: Vec<String>,
    /// The secret, without surrounding characters.
    pub secret: Arc<Secret>,
    /// Further secret parts by their id.
    pub parts: BTreeMap<String, Arc<Secret>>,
    /// When it expires, if the secret or the user says so.
    pub expires: Option<Timestamp>,
}

/// Change to a credential; `None` leaves a value as it is.
#[derive(Clone, Default)]
pub struct CredentialEdit {
    /// The new name.
    pub name: Option<CredentialName>,
    /// The new kind, whose secrets look the same.
    pub kind: Option<String>,
    /// The new region.
    pub region: Option<String>,
    /// Fields to set; an empty value removes the field.
    pub fields: BTreeMap<String, String>,
    /// The new labels.
    pub labels: Option<Vec<String>>,
    /// The new expiry; the inner `None` means that it does not expire.
    pub expires: Option<Option<Timestamp>>,
    /// The new secret.
    pub secret: Option<Arc<Secret>>,
    /// Hosts that the credential's secret may be sent to, although its region had others before.
    pub accepted_hosts: Vec<Origin>,
    /// Fingerprint of the secret that the store has, although another one was stored last.
    pub accepted_fingerprint: Option<String>,
}

/// First credentials of the list.
pub struct CredentialPage {
    /// The first credentials: the most urgent first, or by name in a long list.
    pub credentials: Vec<Credential>,
    /// Whether these are all credentials.
    pub all_loaded: bool,
}

#[cfg(test)]
mod samples {
    use super::*;

    impl NewCredential {
        /// Creates a Snyk personal API token with this name and secret.
        pub(in crate::engine) fn personal_token(name: &str, secret: &str) -> Self {
            Self {
                name: CredentialName::parse(name).unwrap(),
                provider: "snyk".to_owned(),
                kind: "personal-token".to_owned(),
                region: "SNYK-EU-01".to_owned(),
                fields: BTreeMap::new(),
                labels: Vec::new(),
                secret: Arc::new(Secret::from_text(secret.to_owned())),
                parts: BTreeMap::new(),
                expires: None,
            }
        }
    }
}
