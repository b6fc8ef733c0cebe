//! From a preset and values for its placeholders to a draft.

use std::collections::BTreeMap;

use super::{Draft, Method, Target};
use crate::domain::problem::{Class, Problem};
use crate::domain::provider::placeholder::{Fill, fill};
use crate::domain::provider::spec::{Parameter, Preset};

/// A placeholder for which nobody gave a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{preset}\" needs {parameter}")]
pub struct MissingParameter {
    /// The preset's id.
    pub preset: String,
    /// The placeholder's name.
    pub parameter: String,
    /// What it is, in words.
    pub help: String,
    /// The preset whose answers list its values.
    pub from: Option<String>,
}

impl Preset {
    /// The draft of this preset. A placeholder takes the first value that one of the layers has for it (what was
    /// given, then the credential's fields), then its default; empty values do not count.
    pub fn draft(&self, layers: &[&BTreeMap<String, String>]) -> Result<Draft, MissingParameter> {
        let value = |name: &str| {
            let given = layers.iter().find_map(|layer| layer.get(name).filter(|value| !value.is_empty()));
            given.or(self.parameter(name)?.default.as_ref()).cloned()
        };
        let filled = |template, how| fill(template, how, value).map_err(|name| self.missing(name));
        let query = self.query.iter().map(|(name, template)| Ok((name.clone(), filled(template, Fill::Plain)?)));
        Ok(Draft {
            method: Method::parse(&self.method).unwrap_or_default(),
            target: Target::Path { place: self.place, path: filled(&self.path, Fill::Segment)? },
            query: query.collect::<Result<_, _>>()?,
            headers: self.headers.clone(),
            body: self.body.as_deref().map(|body| filled(body, Fill::JsonString)).transpose()?,
            preset: Some(self.id.clone()),
        })
    }

    fn missing(&self, name: &str) -> MissingParameter {
        let parameter = self.parameter(name);
        MissingParameter {
            preset: self.id.clone(),
            parameter: name.to_owned(),
            help: parameter.map(|parameter| parameter.help.clone()).unwrap_or_default(),
            from: parameter.and_then(|parameter: &Parameter| parameter.from.clone()),
        }
    }
}

impl From<MissingParameter> for Problem {
    fn from(missing: MissingParameter) -> Self {
        let MissingParameter { parameter, help, from, .. } = &missing;
        let remedy = match from {
            Some(from) => format!("Give {parameter} a value; the preset \"{from}\" lists them"),
            None => format!("Give {parameter} a value, or set the credential's field of that name"),
        };
        let why = format!("{parameter} has no value. {help}").trim_end().to_owned();
        Self::new(missing.to_string(), why, remedy).of(Class::Usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin;

    fn preset(id: &str) -> Preset {
        builtin().preset("snyk", id).unwrap().clone()
    }

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_was_given_goes_before_the_fields() {
        let given = values(&[("org_id", "given"), ("project_id", "a/b")]);
        let fields = values(&[("org_id", "field")]);
        let draft = preset("aggregated-issues").draft(&[&given, &fields]).unwrap();
        assert_eq!(draft.method, Method::Post);
        let path = "/v1/org/given/project/a%2Fb/aggregated-issues".to_owned();
        assert_eq!(draft.target, Target::Path { place: crate::domain::region::Place::Api, path });
        assert!(serde_json::from_str::<serde_json::Value>(&draft.body.unwrap()).unwrap()["filters"].is_object());
    }

    #[test]
    fn a_query_takes_values_too() {
        let draft = preset("project-issues").draft(&[&values(&[("org_id", "o"), ("project_id", "p&q")])]).unwrap();
        assert!(draft.query.contains(&("scan_item.id".to_owned(), "p&q".to_owned())));
    }

    #[test]
    fn what_is_missing_is_named_with_where_to_find_it() {
        let missing = preset("projects").draft(&[&values(&[("org_id", "")])]).unwrap_err();
        assert_eq!((missing.parameter.as_str(), missing.from.as_deref()), ("org_id", Some("orgs")));
        assert!(Problem::from(missing).remedy.contains("\"orgs\""));
    }
}
