//! What earlier answers taught: values for the placeholders of further requests.
//!
//! So choosing *list projects* after *list organisations* offers the organisations by name, and nobody copies ids.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::CredentialId;
use crate::domain::provider::spec::ItemPointers;
use crate::domain::provider::{Parameter, Provider};

/// Larger answers are not searched for values: that would be felt.
const LIMIT: usize = 1024 * 1024;

/// Values and names of one placeholder.
pub type Values = Vec<(String, String)>;

/// What the answers to one credential taught.
#[derive(Default)]
pub struct Learned {
    of: Option<CredentialId>,
    /// For a parameter that takes its values from a preset: those values.
    listed: BTreeMap<(String, String), Values>,
    /// What was chosen last for a placeholder.
    chosen: BTreeMap<String, String>,
}

impl Learned {
    /// Takes from an answer what it lists for the parameters of other presets.
    pub fn take(&mut self, of: &CredentialId, provider: &Provider, preset: &str, body: &str) {
        let lists = |parameter: &&Parameter| parameter.from.as_deref() == Some(preset);
        let mut wanted = provider.presets.iter().flat_map(|preset| &preset.parameters).filter(lists).peekable();
        if wanted.peek().is_none() || body.len() > LIMIT {
            return;
        }
        let Ok(answer) = serde_json::from_str::<Value>(body) else { return };
        self.turn_to(of);
        for parameter in wanted {
            if let Some(items) = &parameter.items {
                self.listed.insert((preset.to_owned(), parameter.id.clone()), list(&answer, items));
            }
        }
    }

    /// Remembers what was chosen.
    pub fn choose(&mut self, of: &CredentialId, given: &BTreeMap<String, String>) {
        self.turn_to(of);
        self.chosen.extend(given.clone());
    }

    /// The values that are known for a parameter of a credential's preset.
    pub fn values(&self, of: &CredentialId, parameter: &Parameter) -> Option<&Values> {
        let key = (parameter.from.clone()?, parameter.id.clone());
        self.listed.get(&key).filter(|values| self.of.as_ref() == Some(of) && !values.is_empty())
    }

    /// What was chosen last for a parameter.
    pub fn last(&self, of: &CredentialId, parameter: &str) -> Option<&str> {
        self.chosen.get(parameter).filter(|_| self.of.as_ref() == Some(of)).map(String::as_str)
    }

    fn turn_to(&mut self, of: &CredentialId) {
        if self.of.as_ref() != Some(of) {
            *self = Self { of: Some(of.clone()), ..Self::default() };
        }
    }
}

fn list(answer: &Value, items: &ItemPointers) -> Values {
    let elements = answer.pointer(&items.list).and_then(Value::as_array);
    let text = |element: &Value, pointer: &str| match element.pointer(pointer)? {
        Value::String(text) => Some(crate::domain::text::clean_line(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let value_and_name = |element: &Value| {
        let value = text(element, &items.value)?;
        let name = text(element, &items.name).unwrap_or_else(|| value.clone());
        Some((value, name))
    };
    elements.into_iter().flatten().filter_map(value_and_name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::domain::provider::Catalogue;

    const ORGS: &str = r#"{"data":[{"id":"o1","attributes":{"name":"Acme"}},{"id":"o2","attributes":{}},{"no":"id"}]}"#;

    #[test]
    fn an_answer_lists_values_for_other_requests_of_the_same_credential() {
        let catalogue = Catalogue::builtin().expect("the catalogue");
        let provider = catalogue.provider("snyk").expect("a provider");
        let org = catalogue.preset("snyk", "projects").expect("a preset").parameter("org_id").expect("a parameter");
        let mut learned = Learned::default();
        learned.take(&samples::id(0), provider, "orgs", ORGS);
        let expected = [("o1", "Acme"), ("o2", "o2")].map(|(value, name)| (value.to_owned(), name.to_owned()));
        assert_eq!(learned.values(&samples::id(0), org).map(Vec::as_slice), Some(&expected[..]));
        assert_eq!(learned.values(&samples::id(1), org), None);
        learned.take(&samples::id(1), provider, "orgs", "<html>");
        assert!(learned.values(&samples::id(0), org).is_some(), "what teaches nothing forgets nothing");
    }
}
