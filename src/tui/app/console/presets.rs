//! Presets: choosing a ready-made request and the values of its placeholders.
//!
//! Start at [`apply_preset`]. Values from earlier responses come from `parameter_memory.rs`.

use std::collections::BTreeMap;

use crate::domain::Credential;
use crate::domain::provider::{PresetParameter, RequestPreset};
use crate::tui::app::command::FocusTarget;
use crate::tui::app::console::parameter_memory::{
    ListedValues, ParameterContext, ParametersDialog,
};
use crate::tui::app::console::{request_dialog, sending};
use crate::tui::app::dialogs::{
    DialogAction, PickerDialog, PickerItem, PickerShortcut, ShortcutAction,
};
use crate::tui::app::widgets::dialog_view::DialogRow;
use crate::tui::app::{App, Now, Pane, UiEffect};

/// Shortcuts for the selected preset.
const PRESET_SHORTCUTS: &[PickerShortcut<PresetSelection>] = &[PickerShortcut {
    key: 'o',
    label: "docs",
    action: ShortcutAction::Item(|selected, _| {
        let preset = selected.preset.clone();
        DialogAction::call(move |app, _| open_documentation(app, &preset))
    }),
}];

/// A preset, with values for its placeholders.
pub(in crate::tui::app) struct PresetSelection {
    /// The ID of the preset.
    pub preset: String,
    /// The values.
    pub given: BTreeMap<String, String>,
    /// What follows once all values are known.
    pub then: PresetOutcome,
}

/// What follows once all values of a preset are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresetOutcome {
    /// The request is sent; one that may change something asks first.
    Send,
    /// The request is edited.
    Edit,
}

impl PresetOutcome {
    /// Text of the button that submits the values.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Send => "Send",
            Self::Edit => "Edit request",
        }
    }
}

pub(in crate::tui::app) fn open_preset_picker(app: &mut App) -> Vec<UiEffect> {
    let Some(credential) = app.selected() else { return Vec::new() };
    let Ok(provider) = app.catalog.provider(&credential.provider) else { return Vec::new() };
    let presets = provider.presets_for(&credential.kind);
    let given = |_: &RequestPreset| BTreeMap::new();
    let pick = preset_picker("Presets", presets, given);
    app.dialogs.push(pick);
    Vec::new()
}

/// Selects a preset and goes on as `selected` says. Values that an earlier response listed for a
/// placeholder are offered by name; other missing values are asked for.
pub(in crate::tui::app) fn apply_preset(
    app: &mut App,
    selected: PresetSelection,
    now: Now,
) -> Vec<UiEffect> {
    let PresetSelection { preset: id, given, then } = selected;
    let Some(credential) = app.selected() else { return Vec::new() };
    let Ok(preset) = app.catalog.preset(&credential.provider, &id).cloned() else {
        return Vec::new();
    };
    let provider = credential.provider.clone();
    if let Some(pick) = value_picker(app, credential, &preset, &given, then) {
        app.dialogs.push(pick);
        return Vec::new();
    }
    if request_dialog::missing_parameters(&preset, &given, credential)
        .iter()
        .any(|parameter| parameter.default.is_none())
    {
        open_parameters_dialog(app, PresetSelection { preset: id, given, then });
        return Vec::new();
    }
    let credential = credential.id.clone();
    app.console.parameters.remember_choice(&credential, &given);
    app.console.select_preset(&provider, &id, given);
    app.move_focus(FocusTarget::To(Pane::Console));
    match then {
        PresetOutcome::Send => sending::send_request(app, now),
        PresetOutcome::Edit => sending::open_request_editor(app, now),
    }
}

/// Returns a picker for the first placeholder that has no value and for which an earlier
/// response listed some.
fn value_picker(
    app: &App,
    credential: &Credential,
    preset: &RequestPreset,
    given: &BTreeMap<String, String>,
    then: PresetOutcome,
) -> Option<PickerDialog<DialogAction>> {
    let open = preset.parameters.iter().filter(|parameter| !given.contains_key(&parameter.id));
    let mut listed = open.filter_map(|open| {
        Some((open, app.console.parameters.listed(&credential.id, open, given)?))
    });
    let (parameter, ListedValues { values, given_values: listed_for }) = listed.next()?;
    let before = app.console.parameters.last_choice(&credential.id, &parameter.id);
    let before = before.or(credential.fields.get(&parameter.id).map(String::as_str));
    let cursor = values.iter().position(|(value, _)| Some(value.as_str()) == before).unwrap_or(0);
    let known: BTreeMap<_, _> = given.clone().into_iter().chain(listed_for.clone()).collect();
    let item = |(value, name): &(String, String)| {
        let mut given = known.clone();
        given.insert(parameter.id.clone(), value.clone());
        let selected = PresetSelection { preset: preset.id.clone(), given, then };
        PickerItem::new(name, value, "select", apply_selection(selected))
    };
    let entered = PresetSelection { preset: preset.id.clone(), given: given.clone(), then };
    let enter = DialogAction::update(move |app, _| open_parameters_dialog(app, entered));
    let typed = PickerItem::new("Other value", "type it", "enter a value", enter);
    let items = values.iter().map(item).chain([typed]).collect();
    let intro =
        vec![DialogRow::dim(format!("{} {}", preset.help, parameter.help)), DialogRow::Blank];
    Some(
        PickerDialog::of_actions(format!("{}: {}", preset.title, parameter.id), items)
            .with_cursor(cursor)
            .with_intro(intro),
    )
}

/// Asks for the values of a preset's placeholders that are still missing.
fn open_parameters_dialog(app: &mut App, selected: PresetSelection) {
    let PresetSelection { preset, given, then } = selected;
    let Some(credential) = app.selected() else { return };
    let Ok(provider) = app.catalog.provider(&credential.provider) else { return };
    let Some(preset) = provider.preset(&preset) else { return };
    let missing = preset
        .parameters
        .iter()
        .filter(|parameter| !given.contains_key(&parameter.id))
        .cloned()
        .collect();
    let last = |parameter: &PresetParameter| {
        let chosen = app.console.parameters.last_choice(&credential.id, &parameter.id);
        let known = chosen
            .or(credential.fields.get(&parameter.id).map(String::as_str))
            .or(parameter.default.as_deref());
        known.unwrap_or_default().to_owned()
    };
    let context = ParameterContext { credential, provider, last: &last, then };
    let parameters = ParametersDialog::new(preset, missing, given, context);
    app.dialogs.push(parameters);
}

/// Opens the documentation page of a preset.
pub(super) fn open_documentation(app: &App, preset: &str) -> Vec<UiEffect> {
    let page = app.selected().and_then(|credential| {
        let preset = app.catalog.preset(&credential.provider, preset).ok()?;
        url::Url::parse(&preset.docs).ok()
    });
    page.map(UiEffect::OpenUrl).into_iter().collect()
}

/// Selects a preset with these values.
fn apply_selection(selected: PresetSelection) -> DialogAction {
    DialogAction::call(move |app, now| apply_preset(app, selected, now))
}

/// Returns a picker of presets with their help and documentation links; the selected one is sent.
pub(in crate::tui::app) fn preset_picker<'p>(
    title: impl Into<String>,
    presets: impl Iterator<Item = &'p RequestPreset>,
    given: impl Fn(&RequestPreset) -> BTreeMap<String, String>,
) -> PickerDialog<PresetSelection> {
    let (items, notes) = preset_items(presets, given).unzip();
    PickerDialog::new(title, items, 0, apply_selection)
        .with_shortcuts(PRESET_SHORTCUTS)
        .with_notes(notes)
}

/// Returns an item for each preset, and the link to its documentation.
pub(super) fn preset_items<'p>(
    presets: impl Iterator<Item = &'p RequestPreset>,
    given: impl Fn(&RequestPreset) -> BTreeMap<String, String>,
) -> impl Iterator<Item = (PickerItem<PresetSelection>, String)> {
    presets.map(move |preset| {
        let selected = PresetSelection {
            preset: preset.id.clone(),
            given: given(preset),
            then: PresetOutcome::Send,
        };
        let item = PickerItem {
            right: preset.method.clone(),
            ..PickerItem::new(preset.title.clone(), preset.help.clone(), "send", selected)
        };
        (item, preset.docs.clone())
    })
}
