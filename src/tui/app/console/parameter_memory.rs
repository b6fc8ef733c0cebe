//! Parameter memory: values for placeholders, extracted from earlier responses.
//!
//! After *list organizations*, choosing *list projects* offers the organizations by name, so no ID
//! has to be copied. Start at [`ExtractedParameters::extract`] and [`ParameterMemory::listed`].
//!
//! Dialog that asks for the values of a preset's placeholders.
//!
//! Start reading at [`ParametersDialog::new`], which builds one field per placeholder, and
//! `submit`, which validates them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use crate::domain::provider::spec::ListPointers;
use crate::domain::provider::{PresetParameter, Provider, ProviderCatalog, RequestPreset};
use crate::domain::request::RequestTarget;
use crate::domain::{Credential, CredentialId};
use crate::engine::background::protocol::HttpExchange;
use crate::tui::app::console::presets::{self, PresetOutcome, PresetSelection};
use crate::tui::app::dialogs::{Dialog, DialogAction, DialogResult};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::{Form, FormButton, FormEvent, FormField, SelectInput};
use crate::tui::app::{App, Now};

/// Bodies up to this size are searched for values inline; larger ones in the background.
pub(in crate::tui::app) const MAX_INLINE_EXTRACTION_BYTES: usize = 64 * 1024;

/// Values of one placeholder with their names.
pub type NamedValues = Vec<(String, String)>;

/// Values that a response listed for a placeholder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ListedValues {
    /// Values and their names.
    pub values: NamedValues,
    /// Values of other placeholders in the request: listed projects belong to one organization.
    pub given_values: BTreeMap<String, String>,
}

/// Values from the responses to one credential.
#[derive(Default)]
pub struct ParameterMemory {
    credential: Option<CredentialId>,
    /// Listed values per provider preset and parameter.
    listed: BTreeMap<(String, String), ListedValues>,
    /// Value chosen last per placeholder.
    last_chosen: BTreeMap<String, String>,
    /// Values that the elements of the latest response provide.
    current_lists: Vec<CurrentListValues>,
}

/// Values found in a response.
#[derive(Default)]
pub struct ExtractedParameters {
    /// Listed values per preset and parameter that takes its values from that preset.
    listed: Vec<((String, String), NamedValues)>,
    current_lists: Vec<CurrentListValues>,
    given_values: BTreeMap<String, String>,
    page: PagePosition,
}

/// Job that extracts values from a response.
pub struct ExtractionJob {
    /// Request and response.
    pub exchange: Arc<HttpExchange>,
    /// Provider catalog.
    pub catalog: Arc<ProviderCatalog>,
    /// ID of the provider.
    pub provider: String,
}

/// Response to extract values from.
#[derive(Default)]
pub struct ExtractionInput<'a> {
    /// Preset of the request.
    pub preset: Option<&'a str>,
    /// Response body.
    pub body: &'a str,
    /// Values of placeholders in the request.
    pub given_values: BTreeMap<String, String>,
    /// Whether the response continues the list of the response before it.
    pub page: PagePosition,
}

/// Position of a response among the pages of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PagePosition {
    /// First or only page.
    #[default]
    First,
    /// Later page.
    Further,
}

/// Value for a placeholder, from an element of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterValue {
    /// Placeholder.
    pub parameter: String,
    /// Value.
    pub value: String,
    /// Display name.
    pub name: String,
}

/// Elements of a list of the latest response, as values of a placeholder.
struct CurrentListValues {
    parameter: String,
    /// JSON pointer to the list.
    list_pointer: String,
    /// Value and name by index in the list.
    elements: BTreeMap<usize, (String, String)>,
}

impl ParameterMemory {
    /// Clears the values of the latest response, because a new one has arrived and is not searched
    /// yet.
    pub fn clear_current_lists(&mut self) {
        self.current_lists.clear();
    }

    /// Adds the values found in a response to a request with the credential `of`.
    pub fn merge(&mut self, of: &CredentialId, extracted: ExtractedParameters) {
        let ExtractedParameters { listed, current_lists, given_values, page } = extracted;
        if !current_lists.is_empty() {
            self.switch_credential(of);
        }
        for (key, values) in listed {
            let known = self.listed.entry(key).or_default();
            if page == PagePosition::First || known.given_values != given_values {
                *known = ListedValues { values: Vec::new(), given_values: given_values.clone() };
            }
            let mut seen: HashSet<_> = known.values.iter().cloned().collect();
            known.values.extend(values.into_iter().filter(|value| seen.insert(value.clone())));
        }
        self.current_lists = current_lists;
    }

    /// Remembers the values that the user chose.
    pub fn remember_choice(&mut self, of: &CredentialId, given: &BTreeMap<String, String>) {
        self.switch_credential(of);
        self.last_chosen.extend(given.clone());
    }

    /// Returns the values listed for a parameter of a preset, as far as they fit the values given
    /// already.
    pub fn listed(
        &self,
        of: &CredentialId,
        parameter: &PresetParameter,
        given: &BTreeMap<String, String>,
    ) -> Option<&ListedValues> {
        let key = (parameter.options_preset.clone()?, parameter.id.clone());
        let listed = self
            .listed
            .get(&key)
            .filter(|listed| self.credential.as_ref() == Some(of) && !listed.values.is_empty())?;
        let fits =
            |(id, value): (&String, &String)| given.get(id).is_none_or(|given| given == value);
        listed.given_values.iter().all(fits).then_some(listed)
    }

    /// Returns the values that the response to a preset listed, as far as they fit the values given
    /// already.
    pub fn listed_by_preset(
        &self,
        of: &CredentialId,
        preset: &str,
        given: &BTreeMap<String, String>,
    ) -> Option<&NamedValues> {
        let mut listed = self.listed.iter().filter(|(key, _)| key.0 == preset);
        let (_, listed) = listed.next().filter(|_| self.credential.as_ref() == Some(of))?;
        let is_same_place =
            listed.given_values.iter().all(|(id, value)| given.get(id) == Some(value));
        (!listed.values.is_empty() && is_same_place).then_some(&listed.values)
    }

    /// Returns the value chosen last for a parameter.
    pub fn last_choice(&self, of: &CredentialId, parameter: &str) -> Option<&str> {
        self.last_chosen
            .get(parameter)
            .filter(|_| self.credential.as_ref() == Some(of))
            .map(String::as_str)
    }

    /// Returns JSON pointers to the lists of the latest response that provide values.
    pub fn current_list_pointers(&self) -> impl Iterator<Item = &str> {
        self.current_lists.iter().map(|current| current.list_pointer.as_str())
    }

    /// Returns the values that an element of the latest response provides; `place` maps a list to
    /// the index of the element.
    pub fn values_at(
        &self,
        of: &CredentialId,
        place: impl Fn(&str) -> Option<usize>,
    ) -> Vec<ParameterValue> {
        let current = self.current_lists.iter().filter(|_| self.credential.as_ref() == Some(of));
        current
            .filter_map(|current| {
                let (value, name) = current.elements.get(&place(&current.list_pointer)?)?.clone();
                Some(ParameterValue { parameter: current.parameter.clone(), value, name })
            })
            .collect()
    }

    /// Discards all values when the credential changes, because they are valid for one credential
    /// only.
    fn switch_credential(&mut self, of: &CredentialId) {
        if self.credential.as_ref() != Some(of) {
            *self = Self { credential: Some(of.clone()), ..Self::default() };
        }
    }
}

impl ExtractionJob {
    /// Number of bytes that the job has to read.
    pub fn body_bytes(&self) -> usize {
        self.exchange.response.body.size()
    }

    /// Runs the job.
    pub fn run(&self) -> ExtractedParameters {
        let HttpExchange { draft, response, .. } = self.exchange.as_ref();
        let Ok(provider) = self.catalog.provider(&self.provider) else {
            return ExtractedParameters::default();
        };
        // Only later pages are requested by a full URL; their preset is still known.
        let page = if matches!(draft.target, RequestTarget::Url(_)) {
            PagePosition::Further
        } else {
            PagePosition::First
        };
        let body = response.body.text().unwrap_or_default();
        let preset = draft.preset.as_deref();
        let given_values = preset
            .and_then(|id| provider.preset(id))
            .map(|preset| preset.parameters_from_target(&draft.target))
            .unwrap_or_default();
        ExtractedParameters::extract(
            provider,
            ExtractionInput { preset, body: &body, given_values, page },
        )
    }
}

impl ExtractedParameters {
    /// Extracts the values that a response lists for the parameters of the provider's presets.
    pub fn extract(provider: &Provider, input: ExtractionInput<'_>) -> Self {
        let mut extracted =
            Self { page: input.page, given_values: input.given_values, ..Self::default() };
        let Ok(json) = serde_json::from_str::<Value>(input.body) else { return extracted };
        let parameters = || provider.presets.iter().flat_map(|preset| &preset.parameters);
        let fed = |parameter: &&PresetParameter| {
            parameter.options_preset.is_some()
                && parameter.options_preset.as_deref() == input.preset
        };
        for parameter in parameters().filter(fed) {
            if let Some(items) = &parameter.items {
                extracted.add_list(parameter, list_elements(&json, items));
            }
        }
        if extracted.current_lists.is_empty() {
            extracted.current_lists.extend(list_by_resource_type(&json, |id| {
                parameters().any(|parameter| parameter.id == id)
            }));
        }
        extracted
    }

    fn add_list(&mut self, parameter: &PresetParameter, list: ListElements) {
        let key = (parameter.options_preset.clone().unwrap_or_default(), parameter.id.clone());
        if !self.listed.iter().any(|(known, _)| *known == key) {
            self.listed.push((key, list.elements.values().cloned().collect()));
        }
        if !self.current_lists.iter().any(|current| current.parameter == parameter.id) {
            self.current_lists.push(CurrentListValues {
                parameter: parameter.id.clone(),
                list_pointer: list.pointer,
                elements: list.elements,
            });
        }
    }
}

/// Elements of a list and its JSON pointer.
struct ListElements {
    pointer: String,
    elements: BTreeMap<usize, (String, String)>,
}

/// Returns the values, with their names, that a response lists at this position.
pub fn listed_values(body: &str, items: &ListPointers) -> NamedValues {
    let json = serde_json::from_str::<Value>(body).unwrap_or_default();
    list_elements(&json, items).elements.into_values().collect()
}

/// Returns the elements of a response, which may itself be the list: all pages together are shown
/// that way.
fn list_elements(json: &Value, items: &ListPointers) -> ListElements {
    let pointer = if json.is_array() { "" } else { items.list.as_str() };
    let elements = json.pointer(pointer).and_then(Value::as_array);
    let value_and_name = |element: &Value| {
        let value = text_at(element, &items.value)?;
        let name = text_at(element, &items.name).unwrap_or_else(|| value.clone());
        Some((value, name))
    };
    let elements = elements.into_iter().flatten().enumerate();
    let elements =
        elements.filter_map(|(at, element)| Some((at, value_and_name(element)?))).collect();
    ListElements { pointer: pointer.to_owned(), elements }
}

fn text_at(element: &Value, pointer: &str) -> Option<String> {
    match element.pointer(pointer)? {
        Value::String(text) => Some(crate::domain::text::sanitize_line(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Groups JSON:API resources by type: the `id` of a `project` is a `project_id` in any list.
fn list_by_resource_type(
    json: &Value,
    is_parameter: impl Fn(&str) -> bool,
) -> Option<CurrentListValues> {
    let items = ListPointers {
        list: "/data".to_owned(),
        value: "/id".to_owned(),
        name: "/attributes/name".to_owned(),
    };
    let list = list_elements(json, &items);
    let first = json.pointer(&list.pointer)?.as_array()?.first()?;
    let parameter = format!("{}_id", text_at(first, "/type")?);
    is_parameter(&parameter).then_some(CurrentListValues {
        parameter,
        list_pointer: list.pointer,
        elements: list.elements,
    })
}

/// Dialog that asks for the values of a preset's placeholders.
pub struct ParametersDialog {
    preset: String,
    title: String,
    help: String,
    docs: String,
    /// The parameters, and the initial values of their fields.
    requested: Vec<(PresetParameter, String)>,
    given: BTreeMap<String, String>,
    then: PresetOutcome,
    form: Form,
}

/// What the form of the placeholders needs to know.
#[derive(Clone, Copy)]
pub struct ParameterContext<'a> {
    /// The credential that the request is sent with.
    pub credential: &'a Credential,
    /// Its provider.
    pub provider: &'a Provider,
    /// Returns the previously chosen value of a parameter.
    pub last: &'a dyn Fn(&PresetParameter) -> String,
    /// What follows once all values are known.
    pub then: PresetOutcome,
}

impl ParametersDialog {
    /// Creates a form for the `requested` parameters, in addition to the `given` values.
    pub fn new(
        preset: &RequestPreset,
        requested: Vec<PresetParameter>,
        given: BTreeMap<String, String>,
        context: ParameterContext<'_>,
    ) -> Self {
        let ParameterContext { credential, provider, last, then } = context;
        let field = |(parameter, last): &(PresetParameter, String)| {
            let PresetParameter { id, choices, .. } = parameter;
            if choices.is_empty() {
                FormField::text(id, id, last)
                    .required(true)
                    .with_hint(field_hint(parameter))
                    .with_listing(&credential.id, Some(provider))
            } else {
                let choices =
                    choices.iter().map(|choice| (choice.clone(), choice.clone())).collect();
                FormField::select(id, id, SelectInput::new(choices, last))
                    .with_hint(parameter.help.clone())
                    .with_select_hint()
            }
        };
        let with_last = |parameter: PresetParameter| {
            let last = last(&parameter);
            (parameter, last)
        };
        let requested: Vec<_> = requested.into_iter().map(with_last).collect();
        let mut form = Form::new(
            requested.iter().map(field).collect(),
            vec![FormButton::Cancel, FormButton::Submit(then.label())],
        );
        form.focus_on_empty();
        let RequestPreset { id, title, help, docs, .. } = preset.clone();
        Self { preset: id, title, help, docs, requested, given, then, form }
    }

    fn submit(&mut self) -> DialogResult {
        let mut given = self.given.clone();
        for (parameter, last) in &self.requested {
            let value = self.form.value(&parameter.id).to_owned();
            if value.is_empty() {
                self.form.set_field_problem(&parameter.id, "is required");
                return DialogResult::Stay;
            }
            // Values from the credential's own fields are not validated here.
            if value != *last && !parameter.accepts(&value) {
                self.form.set_field_problem(
                    &parameter.id,
                    format!("must be {}", parameter.describe_values()),
                );
                return DialogResult::Stay;
            }
            given.insert(parameter.id.clone(), value);
        }
        let preset = self.preset.clone();
        let then = self.then;
        DialogResult::RunAndClose(DialogAction::call(move |app, now| {
            presets::apply_preset(app, PresetSelection { preset, given, then }, now)
        }))
    }
}

impl Dialog for ParametersDialog {
    fn form(&self) -> Option<&Form> {
        Some(&self.form)
    }

    fn form_mut(&mut self) -> Option<&mut Form> {
        Some(&mut self.form)
    }

    fn handle_form_event(&mut self, event: FormEvent, _app: &App, _now: Now) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            FormEvent::Pressed(_) => self.submit(),
            FormEvent::Changed(_)
            | FormEvent::Pasted(_)
            | FormEvent::Blurred(_)
            | FormEvent::Unchanged => DialogResult::Stay,
        }
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new(self.title.clone(), 76).with_form(&self.form);
        view.head = vec![
            DialogRow::dim(self.help.clone()),
            DialogRow::dim(self.docs.clone()),
            DialogRow::Blank,
        ];
        view
    }
}

fn field_hint(parameter: &PresetParameter) -> String {
    format!("{} Value: {}.", parameter.help, parameter.describe_values())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::ProviderCatalog;
    use crate::tui::app::samples;

    const ORGS: &str = r#"{"data":[{"id":"o1","attributes":{"name":"Acme"}},{"id":"o2","attributes":{}},{"no":"id"}]}"#;

    #[test]
    fn an_answer_lists_values_for_other_requests_of_the_same_credential() {
        let catalog = ProviderCatalog::builtin();
        let provider = catalog.provider("snyk").expect("a provider");
        let org = catalog
            .preset("snyk", "projects")
            .expect("a preset")
            .parameter("org_id")
            .expect("a parameter");
        let mut learned = ParameterMemory::default();
        let input =
            |body| ExtractionInput { preset: Some("orgs"), body, ..ExtractionInput::default() };
        let nothing = BTreeMap::new();
        learned.merge(&samples::id(0), ExtractedParameters::extract(provider, input(ORGS)));
        let expected =
            [("o1", "Acme"), ("o2", "o2")].map(|(value, name)| (value.to_owned(), name.to_owned()));
        assert_eq!(
            learned.listed(&samples::id(0), org, &nothing).map(|listed| &listed.values[..]),
            Some(&expected[..])
        );
        assert_eq!(learned.listed(&samples::id(1), org, &nothing), None);
        learned.merge(&samples::id(1), ExtractedParameters::extract(provider, input("<html>")));
        assert!(
            learned.listed(&samples::id(0), org, &nothing).is_some(),
            "what teaches nothing forgets nothing"
        );
        let more = r#"{"data":[{"id":"o1","attributes":{"name":"Acme"}},{"id":"o3"}]}"#;
        learned.merge(
            &samples::id(0),
            ExtractedParameters::extract(
                provider,
                ExtractionInput { page: PagePosition::Further, ..input(more) },
            ),
        );
        let count =
            learned.listed(&samples::id(0), org, &nothing).map(|listed| listed.values.len());
        assert_eq!(count, Some(3), "a further page adds to the first");
    }

    #[test]
    fn a_list_goes_with_what_it_was_asked_for() {
        let catalog = ProviderCatalog::builtin();
        let provider = catalog.provider("snyk").expect("a provider");
        let project = catalog
            .preset("snyk", "project-issues")
            .expect("a preset")
            .parameter("project_id")
            .expect("a parameter");
        let of = |org: &str| BTreeMap::from([("org_id".to_owned(), org.to_owned())]);
        let body = r#"{"data":[{"id":"p1"}]}"#;
        let mut learned = ParameterMemory::default();
        let input = |org| ExtractionInput {
            preset: Some("projects"),
            body,
            given_values: of(org),
            page: PagePosition::First,
        };
        learned.merge(&samples::id(0), ExtractedParameters::extract(provider, input("o1")));
        let fits = |learned: &ParameterMemory, given| {
            learned.listed(&samples::id(0), project, &given).is_some()
        };
        assert!(fits(&learned, BTreeMap::new()) && fits(&learned, of("o1")));
        assert!(!fits(&learned, of("o2")), "no project of one organization is offered for another");
        learned.merge(
            &samples::id(0),
            ExtractedParameters::extract(
                provider,
                ExtractionInput { page: PagePosition::Further, ..input("o2") },
            ),
        );
        assert!(fits(&learned, of("o2")) && !fits(&learned, of("o1")));
    }

    #[test]
    fn an_element_of_the_last_answer_is_a_value() {
        let catalog = ProviderCatalog::builtin();
        let provider = catalog.provider("snyk").expect("a provider");
        let mut learned = ParameterMemory::default();
        let found = |learned: &ParameterMemory, list: &str, at: usize| {
            let found = learned.values_at(&samples::id(0), |known| (known == list).then_some(at));
            found
                .into_iter()
                .map(|found| (found.parameter, found.value, found.name))
                .collect::<Vec<_>>()
        };
        let own = |parameter: &str, value: &str, name: &str| {
            vec![(parameter.to_owned(), value.to_owned(), name.to_owned())]
        };
        learned.merge(
            &samples::id(0),
            ExtractedParameters::extract(
                provider,
                ExtractionInput { preset: Some("orgs"), body: ORGS, ..ExtractionInput::default() },
            ),
        );
        assert_eq!(found(&learned, "/data", 0), own("org_id", "o1", "Acme"));
        assert_eq!(found(&learned, "/data", 2), [], "it has no id");
        let written = r#"[{"id":"p1","type":"project","attributes":{"name":"web"}}]"#;
        learned.merge(
            &samples::id(0),
            ExtractedParameters::extract(
                provider,
                ExtractionInput { body: written, ..ExtractionInput::default() },
            ),
        );
        assert_eq!(found(&learned, "", 0), own("project_id", "p1", "web"));
        learned.merge(
            &samples::id(0),
            ExtractedParameters::extract(
                provider,
                ExtractionInput { body: r#"{"data":[{"id":"x"}]}"#, ..ExtractionInput::default() },
            ),
        );
        assert_eq!(found(&learned, "/data", 0), []);
    }
}
