//! Walking on from an answer that lists things: the element under the cursor becomes a value for further requests.

use std::collections::BTreeMap;

use super::answer::{Laid, View};
use super::console::Ready;
use super::dialog::{ConsoleIntent, Dialog, Pick, PickItem, Picked};
use super::learned::Found;
use super::{App, Effect, Now, draft};
use crate::domain::Credential;
use crate::domain::provider::Preset;

/// What the element under the cursor is good for.
pub struct Onward {
    /// What people call it.
    pub name: String,
    /// The values it gives for placeholders.
    given: BTreeMap<String, String>,
    /// The presets that take one of them.
    presets: Vec<Preset>,
}

impl App {
    /// What the element under the cursor of the answer is good for, if it is an element and good for something.
    pub fn onward(&self) -> Option<Onward> {
        let credential = self.selected()?;
        let answered = self.console.answered().filter(|answered| answered.exchange.credential == credential.id)?;
        if self.console.view != View::Body || answered.filter_text().is_some() {
            return None;
        }
        let Some(Laid::Ready(document)) = answered.laid(View::Body) else { return None };
        let found = self.console.learned.found(&credential.id, |list| document.element(list));
        let presets = self.presets_for(credential, &found);
        let name = found.first()?.name.clone();
        let given = found.into_iter().map(|found| (found.parameter, found.value)).collect();
        (!presets.is_empty()).then_some(Onward { name, given, presets })
    }

    /// The presets that take one of the values and nothing from an earlier answer that is not known.
    fn presets_for(&self, credential: &Credential, found: &[Found]) -> Vec<Preset> {
        let Ok(provider) = self.catalogue.provider(&credential.provider) else { return Vec::new() };
        let takes = |preset: &&Preset| {
            let is_useful = !preset.not_for.contains(&credential.kind);
            is_useful && preset.parameters.iter().any(|parameter| found.iter().any(|found| found.parameter == parameter.id))
        };
        provider.presets.iter().filter(takes).cloned().collect()
    }

    /// Offers the requests that go on from an element.
    pub(super) fn open_onward(&mut self, onward: Onward) -> Vec<Effect> {
        let Some(credential) = self.selected() else { return Vec::new() };
        let known = self.known_values(&onward.given);
        let open = |preset: &Preset| draft::open_parameters(preset, &known, credential).len();
        let mut presets = onward.presets;
        // What the person would have to look up first comes last; nothing else changes its place.
        presets.sort_by_key(open);
        let item = |preset: &Preset| PickItem {
            text: preset.title.clone(),
            more: preset.help.clone(),
            right: preset.method.clone(),
            mark: None,
            heading: "",
            picked: Picked::Console(Box::new(ConsoleIntent::Walk(preset.id.clone(), known.clone()))),
        };
        let pick = Pick::new(format!("Go on with {}", onward.name), presets.iter().map(item).collect(), 0);
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
