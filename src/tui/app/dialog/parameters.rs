//! Values for the placeholders of a preset.

use std::collections::BTreeMap;

use super::{Intent, Outcome};
use crate::domain::provider::Preset;
use crate::tui::app::form::{Button, Field, Form, Happened};
use crate::tui::app::sheet::{Row, Sheet};

/// The dialog that asks for values.
pub struct Parameters {
    preset: String,
    title: String,
    help: String,
    /// Its fields.
    pub form: Form,
}

impl Parameters {
    /// Asks for the values of `open` placeholders; `known` says what is known already.
    pub fn new(preset: &Preset, open: &[String], known: impl Fn(&str) -> String) -> Self {
        let help_of =
            |id: &str| preset.parameters.iter().find(|parameter| parameter.id == id).map(|parameter| parameter.help.clone());
        let field = |id: &String| Field::text(id, id, &known(id)).hinting(help_of(id).unwrap_or_default());
        let form = Form::new(open.iter().map(field).collect(), vec![Button::Act("Take"), Button::Cancel]);
        Self { preset: preset.id.clone(), title: preset.title.clone(), help: preset.help.clone(), form }
    }

    /// Answers to what happened in the form.
    pub fn react(&mut self, happened: Happened) -> Outcome {
        match happened {
            Happened::Pressed(Button::Cancel) => Outcome::Close,
            Happened::Pressed(_) => {
                let given: BTreeMap<_, _> =
                    self.form.fields.iter().map(|field| (field.id.clone(), self.form.value(&field.id).to_owned())).collect();
                Outcome::Finish(Intent::Preset(self.preset.clone(), given))
            }
            Happened::Changed(_) | Happened::Left(_) | Happened::Nothing => Outcome::Stay,
        }
    }

    /// What it shows.
    pub fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(self.title.clone(), 70).with_form(&self.form);
        sheet.head = vec![Row::dim(self.help.clone()), Row::Blank];
        sheet
    }
}
