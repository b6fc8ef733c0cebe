//! Values for the placeholders of a preset.

use std::collections::BTreeMap;

use super::{Intent, Outcome};
use crate::domain::provider::{Parameter, Preset};
use crate::tui::app::form::{Button, Field, Form, Happened};
use crate::tui::app::sheet::{Row, Sheet};

/// The dialog that asks for values.
pub struct Parameters {
    preset: String,
    title: String,
    help: String,
    given: BTreeMap<String, String>,
    /// Its fields.
    pub form: Form,
}

impl Parameters {
    /// Asks for the values of `open`, beside those that were given already.
    pub fn new(preset: &Preset, open: &[&Parameter], given: BTreeMap<String, String>) -> Self {
        let field = |parameter: &&Parameter| {
            let default = parameter.default.as_deref().unwrap_or_default();
            let from = parameter.from.as_deref().map(|from| format!(" The request \"{from}\" lists them.")).unwrap_or_default();
            Field::text(&parameter.id, &parameter.id, default).hinting(format!("{}{from}", parameter.help))
        };
        let form = Form::new(open.iter().map(field).collect(), vec![Button::Act("Take"), Button::Cancel]);
        Self { preset: preset.id.clone(), title: preset.title.clone(), help: preset.help.clone(), given, form }
    }

    /// Answers to what happened in the form.
    pub fn react(&mut self, happened: Happened) -> Outcome {
        match happened {
            Happened::Pressed(Button::Cancel) => Outcome::Close,
            Happened::Pressed(_) => self.take(),
            Happened::Changed(_) | Happened::Left(_) | Happened::Nothing => Outcome::Stay,
        }
    }

    /// What it shows.
    pub fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(self.title.clone(), 70).with_form(&self.form);
        sheet.head = vec![Row::dim(self.help.clone()), Row::Blank];
        sheet
    }

    fn take(&mut self) -> Outcome {
        let mut given = self.given.clone();
        for at in 0..self.form.fields.len() {
            let id = self.form.fields[at].id.clone();
            let value = self.form.value(&id).to_owned();
            if value.is_empty() {
                self.form.complain(&id, "is needed");
                return Outcome::Stay;
            }
            given.insert(id, value);
        }
        Outcome::Finish(Intent::Preset(self.preset.clone(), given))
    }
}
