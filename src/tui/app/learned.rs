//! What earlier answers taught: values for the placeholders of further requests.
//!
//! So choosing *list projects* after *list organisations* offers the organisations by name, and nobody copies ids.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use crate::domain::CredentialId;
use crate::domain::provider::spec::ListPointers;
use crate::domain::provider::{PresetParameter, Provider, ProviderCatalog};
use crate::domain::request::RequestTarget;
use crate::engine::message::HttpExchange;

/// Answers up to this size are searched for values at once; larger ones in the background.
pub(super) const STUDIED_AT_ONCE: usize = 64 * 1024;

/// Values and names of one placeholder.
pub type Values = Vec<(String, String)>;

/// What an answer listed for a placeholder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The values and their names.
    pub values: Values,
    /// The values of other placeholders with which the list was asked for: projects are those of one organisation.
    pub asked: BTreeMap<String, String>,
}

/// What the answers to one credential taught.
#[derive(Default)]
pub struct Learned {
    of: Option<CredentialId>,
    /// For a parameter that takes its values from a preset: those values.
    listed: BTreeMap<(String, String), Listed>,
    /// What was chosen last for a placeholder.
    chosen: BTreeMap<String, String>,
    /// What the elements of the last answer are good for.
    here: Vec<Here>,
}

/// What an answer teaches.
#[derive(Default)]
pub struct Lore {
    /// What it lists for a parameter that takes its values from the preset that asked.
    listed: Vec<((String, String), Values)>,
    here: Vec<Here>,
    asked: BTreeMap<String, String>,
    place: Place,
}

/// An answer that is to be searched for values, with all that is needed for it.
pub struct Study {
    /// Request and answer.
    pub exchange: Arc<HttpExchange>,
    /// Where the provider is described.
    pub catalogue: Arc<ProviderCatalog>,
    /// The id of the provider.
    pub provider: String,
}

/// An answer that may teach something.
#[derive(Default)]
pub struct Lesson<'a> {
    /// The preset that asked.
    pub preset: Option<&'a str>,
    /// Its body.
    pub body: &'a str,
    /// The values of placeholders with which it was asked for.
    pub asked: BTreeMap<String, String>,
    /// Whether it goes on with what the answer before it listed.
    pub place: Place,
}

/// Where an answer stands among those to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// It is the first, or the only one.
    #[default]
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
    /// A new answer is here, and what its elements are good for is not known yet.
    pub fn forget_here(&mut self) {
        self.here.clear();
    }

    /// Takes from an answer what it lists for the parameters of other presets.
    pub fn take(&mut self, of: &CredentialId, lore: Lore) {
        let Lore { listed, here, asked, place } = lore;
        if !here.is_empty() {
            self.turn_to(of);
        }
        for (key, values) in listed {
            let known = self.listed.entry(key).or_default();
            if place == Place::First || known.asked != asked {
                *known = Listed { values: Vec::new(), asked: asked.clone() };
            }
            let mut seen: HashSet<_> = known.values.iter().cloned().collect();
            known.values.extend(values.into_iter().filter(|value| seen.insert(value.clone())));
        }
        self.here = here;
    }

    /// Remembers what was chosen.
    pub fn choose(&mut self, of: &CredentialId, given: &BTreeMap<String, String>) {
        self.turn_to(of);
        self.chosen.extend(given.clone());
    }

    /// What was listed for a parameter of a credential's preset, as far as it goes with what has been given already.
    pub fn listed(&self, of: &CredentialId, parameter: &PresetParameter, given: &BTreeMap<String, String>) -> Option<&Listed> {
        let key = (parameter.options_preset.clone()?, parameter.id.clone());
        let listed = self.listed.get(&key).filter(|listed| self.of.as_ref() == Some(of) && !listed.values.is_empty())?;
        let fits = |(id, value): (&String, &String)| given.get(id).is_none_or(|given| given == value);
        listed.asked.iter().all(fits).then_some(listed)
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

    /// What was learned with another credential is of no use to this one.
    fn turn_to(&mut self, of: &CredentialId) {
        if self.of.as_ref() != Some(of) {
            *self = Self { of: Some(of.clone()), ..Self::default() };
        }
    }
}

impl Study {
    /// How many bytes it has to read.
    pub fn size(&self) -> usize {
        self.exchange.response.body.size()
    }

    /// Searches the answer.
    pub fn run(&self) -> Lore {
        let HttpExchange { draft, response: answer, .. } = self.exchange.as_ref();
        let Ok(provider) = self.catalogue.provider(&self.provider) else { return Lore::default() };
        // Only further pages are asked by a whole address and know their preset all the same.
        let place = if matches!(draft.target, RequestTarget::Url(_)) { Place::Further } else { Place::First };
        let body = answer.body.text().unwrap_or_default();
        let preset = draft.preset.as_deref();
        let asked = preset
            .and_then(|id| provider.preset(id))
            .map(|preset| preset.parameters_from_target(&draft.target))
            .unwrap_or_default();
        Lore::of(provider, Lesson { preset, body, asked, place })
    }
}

impl Lore {
    /// What an answer lists for the parameters of the provider's presets.
    pub fn of(provider: &Provider, lesson: Lesson<'_>) -> Self {
        let mut lore = Self { place: lesson.place, asked: lesson.asked, ..Self::default() };
        let Ok(answer) = serde_json::from_str::<Value>(lesson.body) else { return lore };
        let parameters = || provider.presets.iter().flat_map(|preset| &preset.parameters);
        let fed = |parameter: &&PresetParameter| {
            parameter.options_preset.is_some() && parameter.options_preset.as_deref() == lesson.preset
        };
        for parameter in parameters().filter(fed) {
            if let Some(items) = &parameter.items {
                lore.take_list(parameter, list(&answer, items));
            }
        }
        if lore.here.is_empty() {
            lore.here.extend(by_type(&answer, |id| parameters().any(|parameter| parameter.id == id)));
        }
        lore
    }

    fn take_list(&mut self, parameter: &PresetParameter, list: Elements) {
        let key = (parameter.options_preset.clone().unwrap_or_default(), parameter.id.clone());
        if !self.listed.iter().any(|(known, _)| *known == key) {
            self.listed.push((key, list.elements.values().cloned().collect()));
        }
        if !self.here.iter().any(|here| here.parameter == parameter.id) {
            self.here.push(Here { parameter: parameter.id.clone(), list: list.pointer, elements: list.elements });
        }
    }
}

/// The elements of a list, and where it stands.
struct Elements {
    pointer: String,
    elements: BTreeMap<usize, (String, String)>,
}

/// The elements of an answer, which may be the bare list itself: so all pages together are shown.
fn list(answer: &Value, items: &ListPointers) -> Elements {
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
        Value::String(text) => Some(crate::domain::text::sanitize_line(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// JSON:API's resources say what they are: the `id` of a `project` is a `project_id`, whoever listed it.
fn by_type(answer: &Value, is_parameter: impl Fn(&str) -> bool) -> Option<Here> {
    let items = ListPointers { list: "/data".to_owned(), value: "/id".to_owned(), name: "/attributes/name".to_owned() };
    let list = list(answer, &items);
    let first = answer.pointer(&list.pointer)?.as_array()?.first()?;
    let parameter = format!("{}_id", text(first, "/type")?);
    is_parameter(&parameter).then_some(Here { parameter, list: list.pointer, elements: list.elements })
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::domain::provider::ProviderCatalog;

    const ORGS: &str = r#"{"data":[{"id":"o1","attributes":{"name":"Acme"}},{"id":"o2","attributes":{}},{"no":"id"}]}"#;

    #[test]
    fn an_answer_lists_values_for_other_requests_of_the_same_credential() {
        let catalogue = ProviderCatalog::builtin();
        let provider = catalogue.provider("snyk").expect("a provider");
        let org = catalogue.preset("snyk", "projects").expect("a preset").parameter("org_id").expect("a parameter");
        let mut learned = Learned::default();
        let lesson = |body| Lesson { preset: Some("orgs"), body, ..Lesson::default() };
        let nothing = BTreeMap::new();
        learned.take(&samples::id(0), Lore::of(provider, lesson(ORGS)));
        let expected = [("o1", "Acme"), ("o2", "o2")].map(|(value, name)| (value.to_owned(), name.to_owned()));
        assert_eq!(learned.listed(&samples::id(0), org, &nothing).map(|listed| &listed.values[..]), Some(&expected[..]));
        assert_eq!(learned.listed(&samples::id(1), org, &nothing), None);
        learned.take(&samples::id(1), Lore::of(provider, lesson("<html>")));
        assert!(learned.listed(&samples::id(0), org, &nothing).is_some(), "what teaches nothing forgets nothing");
        let more = r#"{"data":[{"id":"o1","attributes":{"name":"Acme"}},{"id":"o3"}]}"#;
        learned.take(&samples::id(0), Lore::of(provider, Lesson { place: Place::Further, ..lesson(more) }));
        let count = learned.listed(&samples::id(0), org, &nothing).map(|listed| listed.values.len());
        assert_eq!(count, Some(3), "a further page adds to the first");
    }

    #[test]
    fn a_list_goes_with_what_it_was_asked_for() {
        let catalogue = ProviderCatalog::builtin();
        let provider = catalogue.provider("snyk").expect("a provider");
        let project = catalogue.preset("snyk", "project-issues").expect("a preset").parameter("project_id").expect("a parameter");
        let of = |org: &str| BTreeMap::from([("org_id".to_owned(), org.to_owned())]);
        let body = r#"{"data":[{"id":"p1"}]}"#;
        let mut learned = Learned::default();
        let lesson = |org| Lesson { preset: Some("projects"), body, asked: of(org), place: Place::First };
        learned.take(&samples::id(0), Lore::of(provider, lesson("o1")));
        let fits = |learned: &Learned, given| learned.listed(&samples::id(0), project, &given).is_some();
        assert!(fits(&learned, BTreeMap::new()) && fits(&learned, of("o1")));
        assert!(!fits(&learned, of("o2")), "no project of one organisation is offered for another");
        learned.take(&samples::id(0), Lore::of(provider, Lesson { place: Place::Further, ..lesson("o2") }));
        assert!(fits(&learned, of("o2")) && !fits(&learned, of("o1")));
    }

    #[test]
    fn an_element_of_the_last_answer_is_a_value() {
        let catalogue = ProviderCatalog::builtin();
        let provider = catalogue.provider("snyk").expect("a provider");
        let mut learned = Learned::default();
        let found = |learned: &Learned, list: &str, at: usize| {
            let found = learned.found(&samples::id(0), |known| (known == list).then_some(at));
            found.into_iter().map(|found| (found.parameter, found.value, found.name)).collect::<Vec<_>>()
        };
        let own = |parameter: &str, value: &str, name: &str| vec![(parameter.to_owned(), value.to_owned(), name.to_owned())];
        learned.take(&samples::id(0), Lore::of(provider, Lesson { preset: Some("orgs"), body: ORGS, ..Lesson::default() }));
        assert_eq!(found(&learned, "/data", 0), own("org_id", "o1", "Acme"));
        assert_eq!(found(&learned, "/data", 2), [], "it has no id");
        let written = r#"[{"id":"p1","type":"project","attributes":{"name":"web"}}]"#;
        learned.take(&samples::id(0), Lore::of(provider, Lesson { body: written, ..Lesson::default() }));
        assert_eq!(found(&learned, "", 0), own("project_id", "p1", "web"));
        learned.take(&samples::id(0), Lore::of(provider, Lesson { body: r#"{"data":[{"id":"x"}]}"#, ..Lesson::default() }));
        assert_eq!(found(&learned, "/data", 0), []);
    }
}
