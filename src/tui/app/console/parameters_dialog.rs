//! Dialog that asks for the values of a preset's placeholders.
//!
//! Start reading at [`ParametersDialog::new`], which builds one field per placeholder, and
//! `submit`, which validates them.

use std::collections::BTreeMap;

use crate::domain::Credential;
use crate::domain::provider::{PresetParameter, Provider, RequestPreset};
use crate::tui::app::console::presets::{self, PresetOutcome, PresetSelection};
use crate::tui::app::dialogs::{Dialog, DialogAction, DialogResult};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::{Form, FormButton, FormEvent, FormField, SelectInput};
use crate::tui::app::{App, Now};

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
