//! Validation of what users enter beside a secret: labels and field values.
//!
//! Start at [`clean_labels`] and [`clean_fields`].

use std::collections::BTreeMap;

use super::credentials::KEY_FILE_FIELD;
use crate::domain::Problem;
use crate::domain::metadata::{self, MetadataError};
use crate::domain::problem::ProblemClass;

/// Returns the labels in their stored form. A label that the credential already has stays as it is.
pub(super) fn clean_labels(labels: Vec<String>, known: &[String]) -> Result<Vec<String>, Problem> {
    let clean = |label: String| {
        if known.contains(&label) {
            return Ok(label);
        }
        metadata::parse_label(&label)
            .map_err(|error| metadata_problem("A label is invalid", &error))
    };
    labels.into_iter().map(clean).collect()
}

/// Returns the fields in their stored form. A value that the credential already has stays as it is,
/// and so does the path of a key file.
pub(super) fn clean_fields(
    fields: BTreeMap<String, String>,
    known: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Problem> {
    let clean = |(id, value): (String, String)| {
        if known.get(&id) == Some(&value) {
            return Ok((id, value));
        }
        let cleaned = if id == KEY_FILE_FIELD {
            metadata::validate_field(&value).map(|()| value)
        } else {
            metadata::parse_field(&value)
        };
        match cleaned {
            Ok(value) => Ok((id, value)),
            Err(error) => Err(metadata_problem(&format!("The field \"{id}\" is invalid"), &error)),
        }
    };
    fields.into_iter().map(clean).collect()
}

fn metadata_problem(what: &str, error: &MetadataError) -> Problem {
    Problem::new(what, error.to_string(), "use visible characters on one line")
        .with_class(ProblemClass::Usage)
}
