//! Follow-up requests: the list element under the cursor provides a value for further requests.
//!
//! So an organization in a response opens its projects with one key. The values come from
//! `parameter_memory.rs`. Start at [`follow_up_requests`].

use std::collections::BTreeMap;

use crate::domain::Credential;
use crate::domain::provider::RequestPreset;
use crate::domain::request::RequestTarget;
use crate::tui::app::console::parameter_memory::ParameterValue;
use crate::tui::app::console::presets::{self, PresetSelection, preset_items};
use crate::tui::app::console::response_view::{LayoutState, ResponseTab, ResponseView};
use crate::tui::app::console::{RequestReadiness, request_dialog, sending};
use crate::tui::app::dialogs::{
    DialogAction, PickerDialog, PickerItem, PickerShortcut, ShortcutAction,
};
use crate::tui::app::widgets::form::CredentialForm;
use crate::tui::app::{App, UiEffect};

/// Shortcuts for the selected target.
const FOLLOW_UP_SHORTCUTS: &[PickerShortcut<FollowUpTarget>] = &[PickerShortcut {
    key: 'o',
    label: "docs",
    action: ShortcutAction::Item(|target, _| {
        let preset = target.preset().map(str::to_owned);
        DialogAction::call(move |app, _| {
            preset.map(|preset| presets::open_documentation(app, &preset)).unwrap_or_default()
        })
    }),
}];

/// What the values of an element are used in.
enum FollowUpTarget {
    /// A request.
    Request(PresetSelection),
    /// A form, with the values by property.
    Form(CredentialForm, BTreeMap<String, String>),
}

/// Requests that the element under the cursor opens.
pub struct FollowUpRequests {
    /// Display name of the element.
    pub name: String,
    /// Values that the element provides for placeholders.
    given: BTreeMap<String, String>,
    /// Presets that use at least one of the values.
    presets: Vec<RequestPreset>,
}

/// Returns the follow-up requests for the element under the cursor, if there are any.
pub fn follow_up_requests(app: &App) -> Option<FollowUpRequests> {
    let credential = app.selected()?;
    let response =
        app.console.response().filter(|response| response.exchange.credential == credential.id)?;
    if app.console.tab != ResponseTab::Body
        || response.filter_text().is_some()
        || !response_matches_request(app, response)
    {
        return None;
    }
    let Some(LayoutState::Ready(document)) = response.layout_state(ResponseTab::Body) else {
        return None;
    };
    let found =
        app.console.parameters.values_at(&credential.id, |list| document.element_index(list));
    let presets = follow_up_presets(app, credential, &found);
    let name = found.first()?.name.clone();
    let given = found.into_iter().map(|found| (found.parameter, found.value)).collect();
    (!presets.is_empty()).then_some(FollowUpRequests { name, given, presets })
}

/// Whether the response belongs to the current request (or a later page of it) in the current
/// region. Once another request is selected, Enter sends that one.
pub fn response_matches_request(app: &App, response: &ResponseView) -> bool {
    let Some(RequestReadiness::Ready(shown)) = sending::current_request(app) else { return false };
    if app.selected().is_none_or(|credential| credential.region != response.exchange.region) {
        return false;
    }
    let sent = &response.exchange.draft;
    let is_page = matches!(sent.target, RequestTarget::Url(_))
        && sent.preset.is_some()
        && sent.preset == shown.preset;
    *sent == shown || is_page
}

/// Returns the presets for the credential's kind that use at least one of the values.
fn follow_up_presets(
    app: &App,
    credential: &Credential,
    found: &[ParameterValue],
) -> Vec<RequestPreset> {
    let Ok(provider) = app.catalog.provider(&credential.provider) else { return Vec::new() };
    let takes = |preset: &&RequestPreset| {
        let is_useful = !preset.excluded_kinds.contains(&credential.kind);
        is_useful
            && preset
                .parameters
                .iter()
                .any(|parameter| found.iter().any(|found| found.parameter == parameter.id))
    };
    provider.presets.iter().filter(takes).cloned().collect()
}

/// Opens the list of what an element can be used in: further requests, and the forms that have a
/// field for one of its values.
pub(in crate::tui::app) fn open_follow_up_picker(
    app: &mut App,
    onward: FollowUpRequests,
) -> Vec<UiEffect> {
    let Some(credential) = app.selected() else { return Vec::new() };
    let known = known_values(app, &onward.given);
    let open = |preset: &RequestPreset| {
        request_dialog::missing_parameters(preset, &known, credential).len()
    };
    let mut presets = onward.presets;
    // Presets with a value that the user would have to look up come last; the sort is stable
    // otherwise.
    presets.sort_by_key(open);
    let given = |preset: &RequestPreset| values_for_preset(preset, &known);
    let requests = preset_items(presets.iter(), given)
        .map(|(item, note)| (item.with_value(FollowUpTarget::Request), note));
    let (items, notes) = requests.chain(form_items(app, &known)).unzip();
    let title = format!("Use {} in…", onward.name);
    let pick = PickerDialog::new(title, items, 0, FollowUpTarget::into_action)
        .with_shortcuts(FOLLOW_UP_SHORTCUTS)
        .with_notes(notes);
    app.dialogs.push(pick);
    Vec::new()
}

/// Returns the forms that have a field for one of the values, with the names of these values.
fn form_items(
    app: &App,
    known: &BTreeMap<String, String>,
) -> impl Iterator<Item = (PickerItem<FollowUpTarget>, String)> {
    let forms = [CredentialForm::Create, CredentialForm::Edit].into_iter();
    forms.filter_map(|form| {
        let values = app.values_for_form(form, known);
        let names = values.keys().cloned().collect::<Vec<_>>().join(", ");
        let (title, more) = match form {
            CredentialForm::Create => {
                ("Create credential".to_owned(), "Opens the form with this value.")
            }
            CredentialForm::Edit => (
                format!("Edit {}", app.display_name(app.selected()?)),
                "Sets its field to this value.",
            ),
        };
        let is_useful = !values.is_empty();
        let target = FollowUpTarget::Form(form, values);
        is_useful.then(|| (PickerItem::new(title, more, "open", target), names))
    })
}

impl FollowUpTarget {
    /// Returns the preset, if it is a request.
    fn preset(&self) -> Option<&str> {
        match self {
            Self::Request(selected) => Some(&selected.preset),
            Self::Form(..) => None,
        }
    }

    fn into_action(self) -> DialogAction {
        match self {
            Self::Request(selected) => {
                DialogAction::call(move |app, now| presets::apply_preset(app, selected, now))
            }
            Self::Form(form, values) => {
                DialogAction::update(move |app, now| app.open_filled_form(form, &values, now))
            }
        }
    }
}

/// Returns the given values together with those of the shown response's request: a project
/// belongs to the organization that it was listed for.
fn known_values(app: &App, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut known = app.console.given_values();
    known.retain(|_, value| !value.is_empty());
    known.extend(given.clone());
    known
}

/// Keeps only the values that a preset uses.
fn values_for_preset(
    preset: &RequestPreset,
    known: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    known
        .iter()
        .filter(|(id, _)| preset.parameter(id).is_some())
        .map(|(id, value)| (id.clone(), value.clone()))
        .collect()
}
