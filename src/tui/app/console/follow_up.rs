//! Follow-up requests: the list element under the cursor provides a value for further requests.
//!
//! So an organization in a response opens its projects with one key. The values come from
//! `parameter_memory.rs`. Start at [`App::follow_up_requests`].

use std::collections::BTreeMap;

use super::parameter_memory::ParameterValue;
use super::presets::{PresetSelection, preset_picker};
use super::request_line;
use super::response_view::{LayoutState, ResponseTab, ResponseView};
use crate::domain::Credential;
use crate::domain::provider::RequestPreset;
use crate::domain::request::RequestTarget;
use crate::tui::app::console::RequestReadiness;
use crate::tui::app::dialogs::DialogAction;
use crate::tui::app::{App, Now, UiEffect};

/// Requests that the element under the cursor opens.
pub struct FollowUpRequests {
    /// Display name of the element.
    pub name: String,
    /// Values that the element provides for placeholders.
    given: BTreeMap<String, String>,
    /// Presets that use at least one of the values.
    presets: Vec<RequestPreset>,
}

impl App {
    /// Returns the follow-up requests for the element under the cursor, if there are any.
    pub fn follow_up_requests(&self) -> Option<FollowUpRequests> {
        let credential = self.selected()?;
        let response = self
            .console
            .response()
            .filter(|response| response.exchange.credential == credential.id)?;
        if self.console.tab != ResponseTab::Body
            || response.filter_text().is_some()
            || !self.response_matches_request(response)
        {
            return None;
        }
        let Some(LayoutState::Ready(document)) = response.layout_state(ResponseTab::Body) else {
            return None;
        };
        let found =
            self.console.parameters.values_at(&credential.id, |list| document.element_index(list));
        let presets = self.follow_up_presets(credential, &found);
        let name = found.first()?.name.clone();
        let given = found.into_iter().map(|found| (found.parameter, found.value)).collect();
        (!presets.is_empty()).then_some(FollowUpRequests { name, given, presets })
    }

    /// Whether the response belongs to the current request (or a later page of it) in the current
    /// region. Once another request is selected, Enter sends that one.
    pub fn response_matches_request(&self, response: &ResponseView) -> bool {
        let Some(RequestReadiness::Ready(shown)) = self.current_request() else { return false };
        if self.selected().is_none_or(|credential| credential.region != response.exchange.region) {
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

    /// Opens the list of follow-up requests for an element.
    pub(in crate::tui::app) fn open_follow_up_picker(
        &mut self,
        onward: FollowUpRequests,
    ) -> Vec<UiEffect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let known = self.known_values(&onward.given);
        let open = |preset: &RequestPreset| {
            request_line::missing_parameters(preset, &known, credential).len()
        };
        let mut presets = onward.presets;
        // Presets with a value that the user would have to look up come last; the sort is stable
        // otherwise.
        presets.sort_by_key(open);
        let given = |preset: &RequestPreset| values_for_preset(preset, &known);
        let run = |PresetSelection { preset, given }| {
            DialogAction::call(move |app, now| app.run_follow_up(&preset, given, now))
        };
        let title = format!("Use {} in…", onward.name);
        let pick = preset_picker(title, presets.iter(), "run", given, run);
        self.dialogs.push(pick);
        Vec::new()
    }

    /// Selects a preset with these values, and sends it at once if it only reads and has all
    /// values.
    pub(in crate::tui::app) fn run_follow_up(
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

    /// Returns the given values together with those of the shown response's request: a project
    /// belongs to the organization that it was listed for.
    fn known_values(&self, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut known = self.console.given_values();
        known.retain(|_, value| !value.is_empty());
        known.extend(given.clone());
        known
    }
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
