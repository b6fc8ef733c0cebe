//! Walking on from an answer that lists things: the element under the cursor becomes a value for further requests.

use std::collections::BTreeMap;

use super::console::RequestReadiness;
use super::dialog::{ConsoleDialogAction, Dialog, PickerSelection};
use super::parameter_memory::ParameterValue;
use super::presets::preset_picker;
use super::response_view::{LayoutState, ResponseTab, ResponseView};
use super::{App, Now, UiEffect, request_line};
use crate::domain::Credential;
use crate::domain::provider::RequestPreset;
use crate::domain::request::RequestTarget;

/// What the element under the cursor is good for.
pub struct FollowUpRequests {
    /// What people call it.
    pub name: String,
    /// The values it gives for placeholders.
    given: BTreeMap<String, String>,
    /// The presets that take one of them.
    presets: Vec<RequestPreset>,
}

impl App {
    /// What the element under the cursor of the answer is good for, if it is an element and good for something.
    pub fn follow_up_requests(&self) -> Option<FollowUpRequests> {
        let credential = self.selected()?;
        let answered = self
            .console
            .response()
            .filter(|answered| answered.exchange.credential == credential.id)?;
        if self.console.tab != ResponseTab::Body
            || answered.filter_text().is_some()
            || !self.response_matches_request(answered)
        {
            return None;
        }
        let Some(LayoutState::Ready(document)) = answered.layout_state(ResponseTab::Body) else {
            return None;
        };
        let found =
            self.console.parameters.values_at(&credential.id, |list| document.element_index(list));
        let presets = self.follow_up_presets(credential, &found);
        let name = found.first()?.name.clone();
        let given = found.into_iter().map(|found| (found.parameter, found.value)).collect();
        (!presets.is_empty()).then_some(FollowUpRequests { name, given, presets })
    }

    /// Whether the answer is one to the request that is shown, or a further page of it, in the region that is shown. Once
    /// another request was chosen, Enter sends that one.
    pub fn response_matches_request(&self, answered: &ResponseView) -> bool {
        let Some(RequestReadiness::Ready(shown)) = self.current_request() else { return false };
        if self.selected().is_none_or(|credential| credential.region != answered.exchange.region) {
            return false;
        }
        let asked = &answered.exchange.draft;
        let is_page = matches!(asked.target, RequestTarget::Url(_))
            && asked.preset.is_some()
            && asked.preset == shown.preset;
        *asked == shown || is_page
    }

    /// The presets that take one of the values and nothing from an earlier answer that is not known.
    fn follow_up_presets(
        &self,
        credential: &Credential,
        found: &[ParameterValue],
    ) -> Vec<RequestPreset> {
        let Ok(provider) = self.catalog.provider(&credential.provider) else { return Vec::new() };
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

    /// Offers the requests that go on from an element.
    pub(super) fn open_follow_up_picker(&mut self, onward: FollowUpRequests) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let known = self.known_values(&onward.given);
        let open = |preset: &RequestPreset| {
            request_line::missing_parameters(preset, &known, credential).len()
        };
        let mut presets = onward.presets;
        // What the person would have to look up first comes last; nothing else changes its place.
        presets.sort_by_key(open);
        let walk = |preset: &RequestPreset| {
            PickerSelection::Console(Box::new(ConsoleDialogAction::RunPreset(
                preset.id.clone(),
                values_for_preset(preset, &known),
            )))
        };
        let pick = preset_picker(format!("Go on with {}", onward.name), presets.iter(), walk);
        self.dialogs.push(Dialog::Picker(pick));
        Vec::new()
    }

    /// Takes a preset with these values, and sends it at once if it only reads and lacks nothing.
    pub(super) fn run_follow_up(
        &mut self,
        preset: &str,
        given: BTreeMap<String, String>,
        now: Now,
    ) -> Vec<UiEffect> {
        self.apply_preset(preset, given);
        let is_ready = self.dialogs.is_empty();
        match self.current_request() {
            Some(RequestReadiness::Ready(_)) if is_ready => self.send_request(now),
            _ => Vec::new(),
        }
    }

    /// The given values, and those with which the answer was asked for: a project is one of its organisation's.
    fn known_values(&self, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut known = self.console.given_values();
        known.retain(|_, value| !value.is_empty());
        known.extend(given.clone());
        known
    }
}

/// Those of the values that a preset takes.
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
