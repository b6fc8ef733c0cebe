//! Validation of what users enter beside a secret: names, labels, field values and reasons.
//!
//! Start at [`clean_labels`], [`clean_fields`] and [`SecretAccess::ensure_no_secret`].

use std::collections::BTreeMap;

use crate::database::Database;
use crate::domain::credential::MetadataError;
use crate::domain::problem::ProblemClass;
use crate::domain::redact::{MIN_SECRET_BYTES, SecretRedactor};
use crate::domain::{Credential, Problem, Secret, credential};
use crate::engine::secrets::bound_secrets::{KEY_FILE_FIELD, SecretAccess};

/// Returns the labels in their stored form. A label that the credential already has stays as it is.
pub(in crate::engine) fn clean_labels(
    labels: Vec<String>,
    known: &[String],
) -> Result<Vec<String>, Problem> {
    let clean = |label: String| {
        if known.contains(&label) {
            return Ok(label);
        }
        credential::parse_label(&label)
            .map_err(|error| metadata_problem("A label is invalid", &error))
    };
    labels.into_iter().map(clean).collect()
}

/// Returns the fields in their stored form. A value that the credential already has stays as it is,
/// and so does the path of a key file.
pub(in crate::engine) fn clean_fields(
    fields: BTreeMap<String, String>,
    known: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Problem> {
    let clean = |(id, value): (String, String)| {
        if known.get(&id) == Some(&value) {
            return Ok((id, value));
        }
        let cleaned = if id == KEY_FILE_FIELD {
            credential::validate_field(&value).map(|()| value)
        } else {
            credential::parse_field(&value)
        };
        match cleaned {
            Ok(value) => Ok((id, value)),
            Err(error) => Err(metadata_problem(&format!("The field \"{id}\" is invalid"), &error)),
        }
    };
    fields.into_iter().map(clean).collect()
}

/// Returns the reason for a change in its stored form.
pub(in crate::engine) fn clean_reason(reason: &str) -> Result<String, Problem> {
    credential::parse_reason(reason)
        .map_err(|error| metadata_problem("The reason is invalid", &error))
}

/// Rejects a credential whose name, labels or fields contain one of its own secrets, in any
/// encoding.
pub(in crate::engine) fn reject_own_secrets<'s>(
    credential: &Credential,
    secrets: impl Iterator<Item = &'s Secret>,
) -> Result<(), Problem> {
    let mut redactor = SecretRedactor::default();
    secrets.for_each(|secret| redactor.add_secret(secret));
    match entered_texts(credential).find(|text| redactor.contains_secret(text.as_bytes())) {
        Some(_) => Err(stored_secret_problem()),
        None => Ok(()),
    }
}

impl SecretAccess {
    /// Rejects a credential whose name, label or field is a secret that the store holds. The store
    /// must be unlocked.
    pub(in crate::engine) async fn ensure_no_secret(
        &self,
        credential: &Credential,
    ) -> Result<(), Problem> {
        let hasher = self.fingerprints.fingerprint_hasher().await?;
        let fingerprints: Vec<_> = entered_texts(credential)
            .filter(|text| text.len() >= MIN_SECRET_BYTES)
            .map(|text| hasher.fingerprint(text.as_bytes()))
            .collect();
        let is_known = move |database: &Database| {
            for fingerprint in &fingerprints {
                if !database.names_with_fingerprint(fingerprint)?.is_empty() {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        if self.database.run(is_known).await? { Err(stored_secret_problem()) } else { Ok(()) }
    }
}

/// Returns the texts of a credential that its user entered.
pub(super) fn entered_texts(credential: &Credential) -> impl Iterator<Item = &str> {
    let labels = credential.labels.iter().map(String::as_str);
    let fields = credential.fields.values().map(String::as_str);
    std::iter::once(credential.name.as_str()).chain(labels).chain(fields)
}

pub(super) fn stored_secret_problem() -> Problem {
    metadata_problem("The name, a label or a field is invalid", &MetadataError::LooksLikeSecret)
}

fn metadata_problem(what: &str, error: &MetadataError) -> Problem {
    let remedy = match error {
        MetadataError::LooksLikeSecret => {
            "use a text that is no secret: names, labels, fields and reasons are not protected"
        }
        _ => "use visible characters on one line",
    };
    Problem::new(what, error.to_string(), remedy).with_class(ProblemClass::Usage)
}
