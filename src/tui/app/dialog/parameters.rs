//! Values for the placeholders of a preset.

use std::collections::BTreeMap;

use super::{Intent, Outcome};
use crate::domain::CredentialId;
use crate::domain::provider::{Parameter, Preset};
use crate::tui::app::form::{Button, CHOOSING, Choice, Field, Form, Happened};
use crate::tui::app::learned::Learned;
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
    /// Asks for the values of `open`; what earlier answers to the credential taught is offered.
    pub fn new(preset: &Preset, open: &[&Parameter], (of, learned): (&CredentialId, &Learned)) -> Self {
        let field = |parameter: &&Parameter| {
            let last = learned.last(of, &parameter.id).or(parameter.default.as_deref()).unwrap_or_default();
            match learned.values(of, parameter) {
                Some(values) => Field::choice(&parameter.id, &parameter.id, Choice::new(values.clone(), last))
                    .hinting(format!("{} {CHOOSING}", parameter.help)),
                None => Field::text(&parameter.id, &parameter.id, last).hinting(hint(parameter)),
            }
        };
        let form = Form::new(open.iter().map(field).collect(), vec![Button::Act("Take"), Button::Cancel]);
        Self { preset: preset.id.clone(), title: preset.title.clone(), help: preset.help.clone(), form }
    }

    /// Answers to what happened in the form.
    pub fn react(&mut self, happened: Happened) -> Outcome {
        match happened {
            Happened::Pressed(Button::Cancel) => Outcome::Close,
            Happened::Pressed(_) => self.take(),
            Happened::Changed(_) | Happened::Pasted(_) | Happened::Left(_) | Happened::Nothing => Outcome::Stay,
        }
    }

    /// What it shows.
    pub fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(self.title.clone(), 70).with_form(&self.form);
        sheet.head = vec![Row::dim(self.help.clone()), Row::Blank];
        sheet
    }

    fn take(&mut self) -> Outcome {
        let mut given = BTreeMap::new();
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

fn hint(parameter: &Parameter) -> String {
    match &parameter.from {
        Some(from) => format!("{} The request \"{from}\" lists them.", parameter.help),
        None => parameter.help.clone(),
    }
}
