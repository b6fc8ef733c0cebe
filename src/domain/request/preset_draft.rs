//! Creation of drafts from presets and values for their placeholders.
//!
//! Start at [`RequestPreset::to_draft`].

use std::collections::BTreeMap;

use super::{DraftBody, HttpMethod, RequestDraft, RequestTarget};
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::placeholder::{PlaceholderEncoding, fill_template};
use crate::domain::provider::spec::{PresetParameter, RequestPreset};
use crate::domain::text::{nearest_names, sanitize_line};

/// Invalid name or value of a preset parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// The preset has no such parameter.
    #[error("\"{preset}\" has no parameter \"{name}\"")]
    Unknown {
        /// ID of the preset.
        preset: String,
        /// Name that was given.
        name: String,
        /// Parameters of the preset.
        known: Vec<String>,
    },
    /// The parameter does not accept the value.
    #[error("{name} takes {takes}")]
    InvalidValue {
        /// Name of the parameter.
        name: String,
        /// Description of the accepted values.
        takes: String,
        /// Value that was given.
        value: String,
        /// Preset whose response lists the values.
        from: Option<String>,
    },
}

/// Placeholder without a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("missing parameter {parameter} for the preset \"{preset}\"")]
pub struct MissingParameter {
    /// ID of the preset.
    pub preset: String,
    /// Name of the placeholder.
    pub parameter: String,
    /// Meaning of the parameter.
    pub help: String,
    /// Preset whose response lists the values.
    pub from: Option<String>,
}

impl RequestPreset {
    /// Checks the names and values that the user gave. An empty value is an error and is not
    /// replaced by a default, because the user meant to give one.
    pub fn validate_parameters(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<(), ParameterError> {
        given.iter().try_for_each(|(name, value)| match self.parameter(name) {
            None => Err(ParameterError::Unknown {
                preset: self.id.clone(),
                name: name.clone(),
                known: self.parameters.iter().map(|parameter| parameter.id.clone()).collect(),
            }),
            Some(parameter) if !parameter.accepts(value) => Err(ParameterError::InvalidValue {
                name: name.clone(),
                takes: parameter.describe_values(),
                value: value.clone(),
                from: parameter.options_preset.clone(),
            }),
            Some(_) => Ok(()),
        })
    }

    /// Returns the values of the path's placeholders in the target of a request from this preset.
    pub fn parameters_from_target(&self, target: &RequestTarget) -> BTreeMap<String, String> {
        let path = match target {
            RequestTarget::Path { path, .. } => path.as_str(),
            RequestTarget::Url(url) => url.path(),
        };
        let pairs = self.path.split('/').zip(path.split('/'));
        let value = |(template, segment): (&str, &str)| {
            let name = template.strip_prefix('{')?.strip_suffix('}')?;
            Some((name.to_owned(), decode_segment(segment)))
        };
        pairs.filter_map(value).collect()
    }

    /// Creates a draft of this preset.
    ///
    /// A placeholder gets the first non-empty value from the layers (the given values, then the
    /// credential's fields), then its default.
    ///
    /// # Errors
    ///
    /// Fails where a placeholder has no value.
    pub fn to_draft(
        &self,
        layers: &[&BTreeMap<String, String>],
    ) -> Result<RequestDraft, MissingParameter> {
        let value = |name: &str| {
            let given =
                layers.iter().find_map(|layer| layer.get(name).filter(|value| !value.is_empty()));
            given.or(self.parameter(name)?.default.as_ref()).cloned()
        };
        let filled = |template, encoding| {
            fill_template(template, encoding, value).map_err(|name| self.missing_parameter(name))
        };
        let query = self.query.iter().map(|(name, template)| {
            Ok((name.clone(), filled(template, PlaceholderEncoding::Plain)?))
        });
        Ok(RequestDraft {
            method: HttpMethod::parse(&self.method).unwrap_or_default(),
            target: RequestTarget::Path {
                place: self.host_role,
                path: filled(&self.path, PlaceholderEncoding::PathSegment)?,
            },
            query: query.collect::<Result<_, _>>()?,
            headers: self.headers.clone(),
            removed_headers: Vec::new(),
            body: self
                .body
                .as_deref()
                .map(|body| filled(body, PlaceholderEncoding::JsonString))
                .transpose()?
                .map(DraftBody::Text),
            preset: Some(self.id.clone()),
        })
    }

    fn missing_parameter(&self, name: &str) -> MissingParameter {
        let parameter = self.parameter(name);
        MissingParameter {
            preset: self.id.clone(),
            parameter: name.to_owned(),
            help: parameter.map(|parameter| parameter.help.clone()).unwrap_or_default(),
            from: parameter
                .and_then(|parameter: &PresetParameter| parameter.options_preset.clone()),
        }
    }
}

impl From<ParameterError> for Problem {
    fn from(error: ParameterError) -> Self {
        let (why, remedy) = match &error {
            ParameterError::Unknown { known, .. } if known.is_empty() => (
                "The preset takes no parameters".to_owned(),
                "Remove the parameter; --query adds query parameters".to_owned(),
            ),
            ParameterError::Unknown { name, known, .. } => {
                let remedy = match &nearest_names(name, known)[..] {
                    [] => "Use one of these; --query adds query parameters".to_owned(),
                    near => format!("Did you mean {}?", near.join(" or ")),
                };
                (format!("The preset takes {}", known.join(", ")), remedy)
            }
            ParameterError::InvalidValue { value, from, name, .. } => {
                let why = if value.is_empty() {
                    "the value is empty".to_owned()
                } else {
                    format!("\"{}\" is not such a value", sanitize_line(value))
                };
                let remedy = match from {
                    Some(from) => format!("Set {name} to a value that the preset \"{from}\" lists"),
                    None => format!("Set {name} to such a value, or omit it"),
                };
                (why, remedy)
            }
        };
        Self::new(error.to_string(), why, remedy).with_class(ProblemClass::Usage)
    }
}

impl From<MissingParameter> for Problem {
    fn from(missing: MissingParameter) -> Self {
        let MissingParameter { parameter, help, from, .. } = &missing;
        let remedy = match from {
            Some(from) => format!("Set {parameter} to a value that the preset \"{from}\" lists"),
            None => format!("Set {parameter}, or the credential's field of that name"),
        };
        let why = format!("No value was given. {help}").trim_end().to_owned();
        Self::new(missing.to_string(), why, remedy).with_class(ProblemClass::Usage)
    }
}

/// Decodes a path segment.
fn decode_segment(segment: &str) -> String {
    let text = segment.replace('+', "%2B");
    url::form_urlencoded::parse(text.as_bytes())
        .next()
        .map_or_else(String::new, |(text, _)| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin_catalog;

    fn preset(id: &str) -> RequestPreset {
        builtin_catalog().preset("snyk", id).unwrap().clone()
    }

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_was_given_goes_before_the_fields() {
        let given = values(&[("org_id", "given"), ("project_id", "a/b")]);
        let fields = values(&[("org_id", "field")]);
        let draft = preset("aggregated-issues").to_draft(&[&given, &fields]).unwrap();
        assert_eq!(draft.method, HttpMethod::Post);
        let path = "/v1/org/given/project/a%2Fb/aggregated-issues".to_owned();
        assert_eq!(
            draft.target,
            RequestTarget::Path { place: crate::domain::region::HostRole::Api, path }
        );
        assert!(
            serde_json::from_str::<serde_json::Value>(draft.body.unwrap().text().unwrap()).unwrap()
                ["filters"]
                .is_object()
        );
    }

    #[test]
    fn what_no_parameter_takes_is_refused_before_anything_takes_its_place() {
        let problem = |pairs: &[(&str, &str)]| {
            Problem::from(preset("projects").validate_parameters(&values(pairs)).unwrap_err())
        };
        let unknown = problem(&[("orgid", "x")]);
        assert!(
            unknown.what.contains("\"orgid\"")
                && unknown.why.contains("org_id")
                && unknown.remedy.contains("mean org_id")
        );
        assert!(problem(&[("org_id", "")]).why.contains("empty"));
        let unfit = problem(&[("org_id", "acme")]);
        assert!(
            unfit.what.contains("a UUID")
                && unfit.why.contains("acme")
                && unfit.remedy.contains("\"orgs\""),
            "{unfit:?}"
        );
        assert!(problem(&[("limit", "many")]).what.contains("a number (default 100)"));
        assert!(
            Problem::from(preset("self").validate_parameters(&values(&[("a", "b")])).unwrap_err())
                .why
                .contains("no parameters")
        );
        assert_eq!(
            preset("projects").validate_parameters(&values(&[
                ("org_id", "74c237b4-ae4a-4241-a47c-000000000bb7"),
                ("limit", "10")
            ])),
            Ok(())
        );
    }

    #[test]
    fn a_target_records_the_values_of_its_parameters() {
        let given = values(&[("org_id", "given"), ("project_id", "a/b +%")]);
        let issues = preset("aggregated-issues");
        assert_eq!(
            issues.parameters_from_target(&issues.to_draft(&[&given]).unwrap().target),
            given
        );
        let page = RequestTarget::Url(
            url::Url::parse("https://api.snyk.io/rest/orgs/o1/projects?page=2").unwrap(),
        );
        assert_eq!(preset("projects").parameters_from_target(&page), values(&[("org_id", "o1")]));
    }

    #[test]
    fn a_query_takes_values_too() {
        let draft = preset("project-issues")
            .to_draft(&[&values(&[("org_id", "o"), ("project_id", "p&q")])])
            .unwrap();
        assert!(draft.query.contains(&("scan_item.id".to_owned(), "p&q".to_owned())));
    }

    #[test]
    fn what_is_missing_is_named_with_where_to_find_it() {
        let missing = preset("projects").to_draft(&[&values(&[("org_id", "")])]).unwrap_err();
        assert_eq!((missing.parameter.as_str(), missing.from.as_deref()), ("org_id", Some("orgs")));
        assert!(Problem::from(missing).remedy.contains("\"orgs\""));
    }
}
