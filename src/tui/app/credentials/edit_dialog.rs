//! Dialog that edits a credential. Only the changed values go to the engine.
//!
//! Start reading at `EditDialog::parse_form`, which compares the form with the original
//! credential. A new secret is identified as in the add dialog; see `pasted_secret`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::provider::ProviderCatalog;
use crate::domain::{Credential, CredentialName};
use crate::engine::background::protocol::{CredentialEdit, TaskEvent, TaskId};
use crate::tui::app::credentials::add_dialog::{parse_labels, parse_optional_day, region_choice};
use crate::tui::app::credentials::pasted_secret_dialog::PastedSecret;
use crate::tui::app::dialogs::{Dialog, DialogAction, DialogResult, DialogTask};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::{Form, FormButton, FormEvent, FormField, provider_field_id};
use crate::tui::app::{App, Now, display_format};

/// Advice for a new secret that is not recognized.
const UNRECOGNIZED_NOTE: &str = "it is stored with the current kind of the credential";

/// Dialog that edits a credential.
pub struct EditDialog {
    catalog: Arc<ProviderCatalog>,
    original: Credential,
    form: Form,
    /// The secret that replaces the current one.
    pasted: PastedSecret,
    task: DialogTask,
}

impl EditDialog {
    /// Creates a form with the current values of the credential.
    pub fn new(credential: &Credential, catalog: Arc<ProviderCatalog>) -> Self {
        let form = Form::new(
            credential_form_fields(credential, &catalog),
            vec![FormButton::Cancel, FormButton::Submit("Save")],
        );
        Self {
            catalog,
            original: credential.clone(),
            form,
            pasted: PastedSecret::default(),
            task: DialogTask::default(),
        }
    }

    fn submit(&mut self, app: &App) -> DialogResult {
        if self.task.is_running() {
            return DialogResult::Stay;
        }
        match self.parse_form(app) {
            Ok(edit) => {
                let id = self.original.id.clone();
                DialogResult::RunAndStay(DialogAction::call(move |app, now| {
                    app.edit_from_dialog(id, edit, now)
                }))
            }
            Err((id, problem)) => {
                self.form.set_field_problem(id, problem);
                DialogResult::Stay
            }
        }
    }

    fn parse_form(&mut self, app: &App) -> Result<CredentialEdit, (&'static str, String)> {
        let name = CredentialName::parse(self.form.value("name"))
            .map_err(|error| ("name", error.to_string()))?;
        let other = |known: &Credential| known.name == name && known.id != self.original.id;
        if app.credentials.all().iter().any(other) {
            return Err(("name", format!("{name} already exists")));
        }
        let unread =
            self.form.secret(PastedSecret::FIELD_ID).is_some_and(|input| !input.is_empty())
                && self.pasted.secret().is_none();
        if unread {
            return Err((PastedSecret::FIELD_ID, "is not identified yet".to_owned()));
        }
        if let Some(problem) = self.pasted.incomplete_problem() {
            return Err((PastedSecret::FIELD_ID, problem));
        }
        let expires = parse_optional_day(self.form.value("expires"))
            .map_err(|problem| ("expires", problem))?;
        let same_day = expires.map(display_format::format_date)
            == self.original.expires.map(display_format::format_date);
        let region = self.form.value("region").to_owned();
        let labels = parse_labels(self.form.value("labels"));
        Ok(CredentialEdit {
            name: (name != self.original.name).then_some(name),
            kind: None,
            region: (region != self.original.region && !region.is_empty()).then_some(region),
            fields: self.changed_fields(),
            labels: (labels != self.original.labels).then_some(labels),
            expires: (!same_day).then_some(expires),
            secret: self.pasted.secret(),
            ..CredentialEdit::default()
        })
    }

    fn changed_fields(&self) -> BTreeMap<String, String> {
        let ids = self.form.fields.iter().filter_map(|field| field.id.strip_prefix("field:"));
        let pairs =
            ids.map(|id| (id.to_owned(), self.form.value(&provider_field_id(id)).to_owned()));
        pairs
            .filter(|(id, value)| self.original.fields.get(id).map_or("", String::as_str) != value)
            .collect()
    }
}

impl Dialog for EditDialog {
    fn form(&self) -> Option<&Form> {
        Some(&self.form)
    }

    fn form_mut(&mut self) -> Option<&mut Form> {
        Some(&mut self.form)
    }

    fn task(&self) -> Option<&DialogTask> {
        Some(&self.task)
    }

    fn task_mut(&mut self) -> Option<&mut DialogTask> {
        Some(&mut self.task)
    }

    fn set_task(&mut self, task: TaskId) {
        if !self.pasted.set_task(task) {
            self.task.start(task);
        }
    }

    fn waits_for(&self, task: TaskId) -> bool {
        self.pasted.waits_for(task) || self.task.waits_for(task)
    }

    fn is_busy(&self) -> bool {
        self.pasted.is_identifying() || self.task.is_running()
    }

    fn on_task(&mut self, task: TaskId, event: TaskEvent, _app: &App, _now: Now) -> DialogResult {
        match event {
            TaskEvent::Credential(event) => self.pasted.apply_identification(event),
            TaskEvent::Failed(problem) if self.pasted.waits_for(task) => {
                self.pasted.reject(&problem, &mut self.form);
            }
            event => return self.task.handle_event(event),
        }
        DialogResult::Stay
    }

    fn handle_form_event(&mut self, event: FormEvent, app: &App, _now: Now) -> DialogResult {
        let is_secret = |at: usize| {
            self.form.fields.get(at).is_some_and(|field| field.id == PastedSecret::FIELD_ID)
        };
        match event {
            FormEvent::Pasted(at) if is_secret(at) => {
                self.pasted.reset();
                self.pasted.request_identification(&mut self.form)
            }
            FormEvent::Changed(at) if is_secret(at) => {
                self.pasted.reset();
                DialogResult::Stay
            }
            FormEvent::Blurred(at) if is_secret(at) => {
                self.pasted.request_identification(&mut self.form)
            }
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            FormEvent::Pressed(_) => self.submit(app),
            FormEvent::Changed(_)
            | FormEvent::Pasted(_)
            | FormEvent::Blurred(_)
            | FormEvent::Unchanged => DialogResult::Stay,
        }
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view =
            DialogView::new(format!("Edit {}", self.original.name), 76).with_form(&self.form);
        let kind = self.catalog.kind(&self.original.provider, &self.original.kind);
        view.head.push(DialogRow::dim(
            kind.map_or(self.original.kind.as_str(), |kind| kind.title.as_str()),
        ));
        view.head.extend(self.pasted.describe_rows(&self.catalog, UNRECOGNIZED_NOTE));
        view.head.push(DialogRow::Blank);
        view.foot.splice(0..0, self.task.problem_rows());
        view
    }
}

fn credential_form_fields(credential: &Credential, catalog: &ProviderCatalog) -> Vec<FormField> {
    let region = region_choice(catalog, &credential.provider, &credential.region);
    let mut fields = vec![
        FormField::text("name", "Name", credential.name.as_str()).required(true),
        FormField::select("region", "Region", region),
    ];
    let provider = catalog.provider(&credential.provider).ok();
    let specs = catalog
        .kind(&credential.provider, &credential.kind)
        .map(|kind| kind.fields.as_slice())
        .unwrap_or_default();
    for spec in specs {
        let value = credential.fields.get(&spec.id).map_or("", String::as_str);
        fields.push(
            FormField::text(&provider_field_id(&spec.id), &spec.title, value)
                .required(spec.required)
                .with_hint(spec.help.clone())
                .with_listing(&credential.id, provider),
        );
    }
    for (id, value) in
        credential.fields.iter().filter(|(id, _)| !specs.iter().any(|spec| spec.id == **id))
    {
        fields.push(FormField::text(&provider_field_id(id), id, value));
    }
    let end = credential.expires.map(display_format::format_date).unwrap_or_default();
    fields.push(
        FormField::text("labels", "Labels", &credential.labels.join(" "))
            .with_hint("Words to filter by, separated by spaces."),
    );
    fields.push(
        FormField::text("expires", "Expires", &end)
            .with_hint("The last day, such as 2027-02-07. Leave empty if it does not expire."),
    );
    fields.push(
        FormField::secret(PastedSecret::FIELD_ID, "New secret")
            .with_hint("Leave empty to keep the current secret."),
    );
    fields
}
