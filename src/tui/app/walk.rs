//! Walking on from an answer that lists things: the element under the cursor becomes a value for further requests.

use std::collections::BTreeMap;

use super::answer::{Answered, Laid, View};
use super::console::Ready;
use super::dialog::{ConsoleIntent, Dialog, Picked};
use super::learned::Found;
use super::presets::pick_preset;
use super::{App, Effect, Now, draft};
use crate::domain::Credential;
use crate::domain::provider::RequestPreset;
use crate::domain::request::RequestTarget;

/// What the element under the cursor is good for.
pub struct Onward {
    /// What people call it.
    pub name: String,
    /// The values it gives for placeholders.
    given: BTreeMap<String, String>,
    /// The presets that take one of them.
    presets: Vec<RequestPreset>,
}

impl App {
    /// What the element under the cursor of the answer is good for, if it is an element and good for something.
    pub fn onward(&self) -> Option<Onward> {
        let credential = self.selected()?;
        let answered = self.console.answered().filter(|answered| answered.exchange.credential == credential.id)?;
        if self.console.view != View::Body || answered.filter_text().is_some() || !self.is_answered(answered) {
            return None;
        }
        let Some(Laid::Ready(document)) = answered.laid(View::Body) else { return None };
        let found = self.console.learned.found(&credential.id, |list| document.element(list));
        let presets = self.presets_for(credential, &found);
        let name = found.first()?.name.clone();
        let given = found.into_iter().map(|found| (found.parameter, found.value)).collect();
        (!presets.is_empty()).then_some(Onward { name, given, presets })
    }

    /// Whether the answer is one to the request that is shown, or a further page of it, in the region that is shown. Once
    /// another request was chosen, Enter sends that one.
    pub fn is_answered(&self, answered: &Answered) -> bool {
        let Some(Ready::Draft(shown)) = self.request() else { return false };
        if self.selected().is_none_or(|credential| credential.region != answered.exchange.region) {
            return false;
        }
        let asked = &answered.exchange.draft;
        let is_page = matches!(asked.target, RequestTarget::Url(_)) && asked.preset.is_some() && asked.preset == shown.preset;
        *asked == shown || is_page
    }

    /// The presets that take one of the values and nothing from an earlier answer that is not known.
    fn presets_for(&self, credential: &Credential, found: &[Found]) -> Vec<RequestPreset> {
        let Ok(provider) = self.catalogue.provider(&credential.provider) else { return Vec::new() };
        let takes = |preset: &&RequestPreset| {
            let is_useful = !preset.excluded_kinds.contains(&credential.kind);
            is_useful && preset.parameters.iter().any(|parameter| found.iter().any(|found| found.parameter == parameter.id))
        };
        provider.presets.iter().filter(takes).cloned().collect()
    }

    /// Offers the requests that go on from an element.
    pub(super) fn open_onward(&mut self, onward: Onward) -> Vec<Effect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let known = self.known_values(&onward.given);
        let open = |preset: &RequestPreset| draft::open_parameters(preset, &known, credential).len();
        let mut presets = onward.presets;
        // What the person would have to look up first comes last; nothing else changes its place.
        presets.sort_by_key(open);
        let walk =
            |preset: &RequestPreset| Picked::Console(Box::new(ConsoleIntent::Walk(preset.id.clone(), values_of(preset, &known))));
        let pick = pick_preset(format!("Go on with {}", onward.name), presets.iter(), walk);
        self.dialogs.push(Dialog::Pick(pick));
        Vec::new()
    }

    /// Takes a preset with these values, and sends it at once if it only reads and lacks nothing.
    pub(super) fn walk(&mut self, preset: &str, given: BTreeMap<String, String>, now: Now) -> Vec<Effect> {
        self.take_preset(preset, given);
        let is_ready = self.dialogs.is_empty();
        match self.request() {
            Some(Ready::Draft(_)) if is_ready => self.send(now),
            _ => Vec::new(),
        }
    }

    /// The given values, and those with which the answer was asked for: a project is one of its organisation's.
    fn known_values(&self, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut known = self.console.given();
        known.retain(|_, value| !value.is_empty());
        known.extend(given.clone());
        known
    }
}

/// Those of the values that a preset takes.
fn values_of(preset: &RequestPreset, known: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    known.iter().filter(|(id, _)| preset.parameter(id).is_some()).map(|(id, value)| (id.clone(), value.clone())).collect()
}
