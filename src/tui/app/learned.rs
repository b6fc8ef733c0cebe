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
    /// What the elements of the last answer are good for.
    here: Vec<Here>,
}

/// An answer that may teach something.
pub struct Lesson<'a> {
    /// The preset that asked.
    pub preset: Option<&'a str>,
    /// Its body.
    pub body: &'a str,
    /// Whether it goes on with what the answer before it listed.
    pub place: Place,
}

/// Where an answer stands among those to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the first, or the only one.
    First,
    /// It is a further page.
    Further,
}

/// A value for a placeholder, from an element of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The placeholder.
    pub parameter: String,
    /// Its value.
    pub value: String,
    /// What people call it.
    pub name: String,
}

/// The elements of a list of the last answer, as values of a placeholder.
struct Here {
    parameter: String,
    /// The list, as a JSON pointer.
    list: String,
    /// Value and name by the place in the list.
    elements: BTreeMap<usize, (String, String)>,
}

impl Learned {
    /// Takes from an answer what it lists for the parameters of other presets.
    pub fn take(&mut self, of: &CredentialId, provider: &Provider, lesson: &Lesson<'_>) {
        self.here.clear();
        if lesson.body.len() > LIMIT {
            return;
        }
        let Ok(answer) = serde_json::from_str::<Value>(lesson.body) else { return };
        let parameters = || provider.presets.iter().flat_map(|preset| &preset.parameters);
        if let Some(preset) = lesson.preset {
            for parameter in parameters().filter(|parameter| parameter.from.as_deref() == Some(preset)) {
                if let Some(items) = &parameter.items {
                    self.turn_to(of);
                    self.take_list((preset, lesson.place), parameter, list(&answer, items));
                }
            }
        }
        if self.here.is_empty() {
            self.here.extend(by_type(&answer, |id| parameters().any(|parameter| parameter.id == id)));
            self.turn_to_if(of);
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

    /// The lists of the last answer that hold values, as JSON pointers.
    pub fn lists(&self) -> impl Iterator<Item = &str> {
        self.here.iter().map(|here| here.list.as_str())
    }

    /// What the element at a place of the last answer is good for; `place` says where in a list one is.
    pub fn found(&self, of: &CredentialId, place: impl Fn(&str) -> Option<usize>) -> Vec<Found> {
        let here = self.here.iter().filter(|_| self.of.as_ref() == Some(of));
        here.filter_map(|here| {
            let (value, name) = here.elements.get(&place(&here.list)?)?.clone();
            Some(Found { parameter: here.parameter.clone(), value, name })
        })
        .collect()
    }

    fn take_list(&mut self, (preset, place): (&str, Place), parameter: &Parameter, list: Elements) {
        let known = self.listed.entry((preset.to_owned(), parameter.id.clone())).or_default();
        if place == Place::First {
            known.clear();
        }
        for element in list.elements.values() {
            if place == Place::First || !known.contains(element) {
                known.push(element.clone());
            }
        }
        if !self.here.iter().any(|here| here.parameter == parameter.id) {
            self.here.push(Here { parameter: parameter.id.clone(), list: list.pointer, elements: list.elements });
        }
    }

    /// What was learned with another credential is of no use to this one.
    fn turn_to(&mut self, of: &CredentialId) {
        if self.of.as_ref() != Some(of) {
            *self = Self { of: Some(of.clone()), ..Self::default() };
        }
    }

    fn turn_to_if(&mut self, of: &CredentialId) {
        if !self.here.is_empty() {
            let here = std::mem::take(&mut self.here);
            self.turn_to(of);
            self.here = here;
        }
    }
}

/// The elements of a list, and where it stands.
struct Elements {
    pointer: String,
    elements: BTreeMap<usize, (String, String)>,
}

/// The elements of an answer, which may be the bare list itself: so all pages together are shown.
fn list(answer: &Value, items: &ItemPointers) -> Elements {
    let pointer = if answer.is_array() { "" } else { items.list.as_str() };
    let elements = answer.pointer(pointer).and_then(Value::as_array);
    let value_and_name = |element: &Value| {
        let value = text(element, &items.value)?;
        let name = text(element, &items.name).unwrap_or_else(|| value.clone());
        Some((value, name))
    };
    let elements = elements.into_iter().flatten().enumerate();
    let elements = elements.filter_map(|(at, element)| Some((at, value_and_name(element)?))).collect();
    Elements { pointer: pointer.to_owned(), elements }
}

fn text(element: &Value, pointer: &str) -> Option<String> {
    match element.pointer(pointer)? {
        Value::String(text) => Some(crate::domain::text::clean_line(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// JSON:API's resources say what they are: the `id` of a `project` is a `project_id`, whoever listed it.
fn by_type(answer: &Value, is_parameter: impl Fn(&str) -> bool) -> Option<Here> {
    let items = ItemPointers { list: "/data".to_owned(), value: "/id".to_owned(), name: "/attributes/name".to_owned() };
    let list = list(answer, &items);
    let first = answer.pointer(&list.pointer)?.as_array()?.first()?;
    let parameter = format!("{}_id", text(first, "/type")?);
    is_parameter(&parameter).then_some(Here { parameter, list: list.pointer, elements: list.elements })
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
        let lesson = |body| Lesson { preset: Some("orgs"), body, place: Place::First };
        learned.take(&samples::id(0), provider, &lesson(ORGS));
        let expected = [("o1", "Acme"), ("o2", "o2")].map(|(value, name)| (value.to_owned(), name.to_owned()));
        assert_eq!(learned.values(&samples::id(0), org).map(Vec::as_slice), Some(&expected[..]));
        assert_eq!(learned.values(&samples::id(1), org), None);
        learned.take(&samples::id(1), provider, &lesson("<html>"));
        assert!(learned.values(&samples::id(0), org).is_some(), "what teaches nothing forgets nothing");
        let more = r#"{"data":[{"id":"o1","attributes":{"name":"Acme"}},{"id":"o3"}]}"#;
        learned.take(&samples::id(0), provider, &Lesson { place: Place::Further, ..lesson(more) });
        assert_eq!(learned.values(&samples::id(0), org).map(Vec::len), Some(3), "a further page adds to the first");
    }

    #[test]
    fn an_element_of_the_last_answer_is_a_value() {
        let catalogue = Catalogue::builtin().expect("the catalogue");
        let provider = catalogue.provider("snyk").expect("a provider");
        let mut learned = Learned::default();
        let found = |learned: &Learned, list: &str, at: usize| {
            let found = learned.found(&samples::id(0), |known| (known == list).then_some(at));
            found.into_iter().map(|found| (found.parameter, found.value, found.name)).collect::<Vec<_>>()
        };
        let own = |parameter: &str, value: &str, name: &str| vec![(parameter.to_owned(), value.to_owned(), name.to_owned())];
        learned.take(&samples::id(0), provider, &Lesson { preset: Some("orgs"), body: ORGS, place: Place::First });
        assert_eq!(found(&learned, "/data", 0), own("org_id", "o1", "Acme"));
        assert_eq!(found(&learned, "/data", 2), [], "it has no id");
        let written = r#"[{"id":"p1","type":"project","attributes":{"name":"web"}}]"#;
        learned.take(&samples::id(0), provider, &Lesson { preset: None, body: written, place: Place::First });
        assert_eq!(found(&learned, "", 0), own("project_id", "p1", "web"));
        learned.take(&samples::id(0), provider, &Lesson { preset: None, body: r#"{"data":[{"id":"x"}]}"#, place: Place::First });
        assert_eq!(found(&learned, "/data", 0), []);
    }
}
