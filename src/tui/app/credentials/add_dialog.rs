//! Dialog that adds a credential.
//!
//! The secret comes first, since it often determines provider, kind, region and expiry. The fields
//! below it depend on the selected provider and kind (`AddDialog::rebuild_fields`).
//! Start reading at the [`Dialog`] implementation. Identification itself happens in the engine;
//! see `pasted_secret`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::CredentialName;
use crate::domain::problem::Problem;
use crate::domain::provider::{AuthMethod, CredentialKind, Provider, ProviderCatalog};
use crate::engine::KEY_FILE_FIELD;
use crate::engine::background::protocol::{
    BackgroundTask, ClassifyPolicy, CredentialEvent, CredentialTask, NewCredential, NewSession,
    SignInSubject, TaskEvent, TaskId,
};
use crate::tui::app::credentials::pasted_secret_dialog::PastedSecret;
use crate::tui::app::dialogs::{Dialog, DialogAction, DialogResult, DialogTask, TaskRequest};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::{
    FieldInput, Form, FormButton, FormEvent, FormField, SelectInput, provider_field_id,
};
use crate::tui::app::{App, Now, display_format};

/// Advice for a secret that is not recognized.
const UNRECOGNIZED_NOTE: &str = "select provider and kind";

/// Dialog that adds a credential.
pub struct AddDialog {
    catalog: Arc<ProviderCatalog>,
    form: Form,
    /// The pasted secret and its identification.
    pasted: PastedSecret,
    task: DialogTask,
    /// Whether the user or the secret has determined the region.
    is_region_chosen: bool,
    /// Whether the user has determined provider or kind.
    is_kind_chosen: bool,
}

/// What a complete form submits.
enum AddSubmission {
    /// Stores this secret.
    StoreSecret(Box<NewCredential>),
    /// There is no secret yet: signs in to get one.
    SignIn(Box<NewSession>),
}

impl AddDialog {
    /// Creates an empty form.
    pub fn new(catalog: Arc<ProviderCatalog>) -> Self {
        let providers =
            catalog.providers().map(|known| (known.id.clone(), known.title.clone())).collect();
        let fields = vec![
            FormField::secret(PastedSecret::FIELD_ID, "Secret").with_hint(
                "Paste it here. Quotes, variable names and spaces around it are removed.",
            ),
            FormField::select("provider", "Provider", SelectInput::new(providers, ""))
                .with_select_hint(),
        ];
        let form = Form::new(fields, vec![FormButton::Cancel, FormButton::Submit("Add")]);
        let mut add = Self {
            catalog,
            form,
            pasted: PastedSecret::default(),
            task: DialogTask::default(),
            is_region_chosen: false,
            is_kind_chosen: false,
        };
        add.rebuild_fields();
        add
    }

    /// Creates a form for a session that the user signs in to, in this region if its provider has
    /// it. Returns `None` if no provider has such a kind.
    pub fn for_session(catalog: Arc<ProviderCatalog>, region: &str) -> Option<Self> {
        let first = |provider: &Provider| {
            let kind = provider.kinds.iter().find(|kind| supports_sign_in(kind))?;
            Some((provider.id.clone(), kind.id.clone()))
        };
        let (provider, kind) = catalog.providers().find_map(first)?;
        let mut add = Self::new(catalog);
        add.form.select_id("provider", &provider);
        add.rebuild_fields();
        add.form.select_id("kind", &kind);
        add.form.select_id("region", region);
        add.rebuild_fields();
        add.form.focus_on("name");
        Some(add)
    }

    /// Handles the identification of the pasted secret: selects the best candidate, and focuses the
    /// name.
    fn apply_identification(&mut self, event: CredentialEvent) {
        self.pasted.apply_identification(event);
        let best = self.pasted.candidates.first().cloned();
        if self.form.focus == 0 {
            self.form.focus_on(if best.is_some() { "name" } else { "provider" });
        }
        let Some(best) = best else { return };
        self.form.select_id("provider", &best.provider);
        self.rebuild_fields();
        self.form.select_id("kind", &best.kind);
        self.rebuild_fields();
        if let Some(region) = &best.region {
            self.form.select_id("region", region);
            self.is_region_chosen = true;
        }
        if let Some(end) = best.expires {
            self.set_text("expires", &display_format::format_date(end));
        }
    }

    fn kind(&self) -> Option<&CredentialKind> {
        self.catalog.kind(self.form.value("provider"), self.form.value("kind")).ok()
    }

    fn submit(&mut self, app: &App) -> DialogResult {
        if self.task.is_running() {
            return DialogResult::Stay;
        }
        self.task.clear_problem();
        match self.parse_form(app) {
            Ok(AddSubmission::StoreSecret(new)) => {
                let title = format!("Add {}", new.name);
                let task = CredentialTask::Add(*new, self.classify_policy());
                let request = TaskRequest::listed(title, BackgroundTask::Credential(task));
                DialogResult::start(request.awaited())
            }
            Ok(AddSubmission::SignIn(new)) => {
                DialogResult::RunAndStay(DialogAction::call(move |app, now| {
                    app.start_sign_in(SignInSubject::New(new), now)
                }))
            }
            Err((id, problem)) => {
                self.form.set_field_problem(&id, problem);
                DialogResult::Stay
            }
        }
    }

    /// Returns whether the provider may be contacted. The secret is not sent to a provider that
    /// neither the user nor the secret has determined. A region that is only assumed is named above
    /// the buttons, and Add confirms it.
    fn classify_policy(&self) -> ClassifyPolicy {
        let only = self.catalog.regions(self.form.value("provider")).unwrap_or_default().len() < 2;
        if only || self.is_region_chosen || self.is_kind_known() {
            ClassifyPolicy::AskProvider
        } else {
            ClassifyPolicy::StayOffline
        }
    }

    /// Whether the user or the secret has determined provider and kind.
    fn is_kind_known(&self) -> bool {
        self.is_kind_chosen || !self.pasted.candidates.is_empty()
    }

    /// Says which region is assumed, and where the secret is sent if the user adds it.
    fn assumed_region_row(&self) -> Option<DialogRow> {
        let provider = self.form.value("provider");
        if self.is_region_chosen
            || !self.is_kind_known()
            || self.pasted.secret().is_none()
            || self.catalog.regions(provider).unwrap_or_default().len() < 2
        {
            return None;
        }
        let region = self.catalog.region(provider, self.form.value("region")).ok()?;
        let host = display_format::region_host(region, &self.catalog);
        Some(DialogRow::warning(format!(
            "Region {} is assumed, because the secret does not name one. Add sends the secret to {host}.",
            region.id
        )))
    }

    /// Identifies the private key in the entered file; the key stays in that file.
    fn read_key_file(&mut self) -> DialogResult {
        let path = self.form.value(&provider_field_id(KEY_FILE_FIELD)).to_owned();
        let typed =
            self.form.field(PastedSecret::FIELD_ID).is_some_and(|field| match &field.control {
                FieldInput::Secret(input) => !input.is_empty(),
                _ => false,
            });
        if path.is_empty() || typed || self.pasted.is_identifying() {
            return DialogResult::Stay;
        }
        self.pasted.start(CredentialTask::IdentifyFile(path))
    }

    /// Shows that the text cannot be a secret, or that the key file cannot be read.
    fn reject_secret(&mut self, problem: &Problem) {
        let of_file =
            self.form.field(PastedSecret::FIELD_ID).is_some_and(|field| match &field.control {
                FieldInput::Secret(input) => input.is_empty(),
                _ => false,
            });
        if of_file {
            self.pasted.reset();
            self.form.set_field_problem(
                &provider_field_id(KEY_FILE_FIELD),
                format!("cannot be used: {}; {}", problem.why, problem.remedy),
            );
        } else {
            self.pasted.reject(problem, &mut self.form);
        }
    }

    /// Parses the form.
    ///
    /// # Errors
    ///
    /// Returns the ID of the first invalid field, and what is wrong with it.
    fn parse_form(&mut self, app: &App) -> Result<AddSubmission, (String, String)> {
        let wrong = |id: &str, problem: String| (id.to_owned(), problem);
        let secret = self.pasted.secret();
        if secret.is_none() && !self.kind().is_some_and(supports_sign_in) {
            return Err(wrong(
                PastedSecret::FIELD_ID,
                "is required: paste the secret here".to_owned(),
            ));
        }
        if let Some(problem) = self.pasted.incomplete_problem() {
            return Err(wrong(PastedSecret::FIELD_ID, problem));
        }
        let name = CredentialName::parse(self.form.value("name"))
            .map_err(|error| wrong("name", error.to_string()))?;
        if app.credentials.all().iter().any(|known| known.name == name) {
            return Err(wrong("name", format!("{name} already exists")));
        }
        let expires = parse_optional_day(self.form.value("expires"))
            .map_err(|problem| wrong("expires", problem))?;
        let (mut fields, mut parts) = (BTreeMap::new(), BTreeMap::new());
        for spec in self
            .kind()
            .map(|kind| kind.fields.clone())
            .unwrap_or_default()
            .into_iter()
            .filter(|spec| !spec.provider_supplied)
        {
            let id = provider_field_id(&spec.id);
            let value = self.form.value(&id);
            if !value.is_empty() {
                fields.insert(spec.id, value.to_owned());
            } else if spec.required {
                return Err(wrong(&id, "is required".to_owned()));
            }
        }
        for spec in self.kind().map(|kind| kind.parts.clone()).unwrap_or_default() {
            let id = provider_field_id(&spec.id);
            match self.form.secret(&id) {
                Some(input) if !input.is_empty() => drop(parts.insert(spec.id, input.to_secret())),
                _ if spec.required => return Err(wrong(&id, "is required".to_owned())),
                _ => {}
            }
        }
        let [provider, kind, region] =
            ["provider", "kind", "region"].map(|id| self.form.value(id).to_owned());
        let labels = parse_labels(self.form.value("labels"));
        Ok(match secret {
            Some(secret) => AddSubmission::StoreSecret(Box::new(NewCredential {
                name,
                provider,
                kind,
                region,
                fields,
                labels,
                secret,
                parts,
                expires,
            })),
            None => AddSubmission::SignIn(Box::new(NewSession {
                name,
                provider,
                kind,
                region,
                fields,
                labels,
                parts,
            })),
        })
    }

    /// Rebuilds the fields for the selected provider and kind; fields that remain keep their text.
    fn rebuild_fields(&mut self) {
        let provider = self.form.value("provider").to_owned();
        let kinds =
            self.catalog.provider(&provider).into_iter().flat_map(|known| known.kinds.iter());
        let kinds: Vec<_> = kinds.map(|kind| (kind.id.clone(), kind.title.clone())).collect();
        let chosen = SelectInput::new(kinds, self.form.value("kind"));
        let kind = self.catalog.kind(&provider, chosen.selected_id()).ok().cloned();
        let caution = |kind: &CredentialKind| {
            kind.caution.as_ref().map(|caution| format!(" {caution}")).unwrap_or_default()
        };
        let kind_help =
            kind.as_ref().map(|kind| format!("{}{}", kind.help, caution(kind))).unwrap_or_default();

        let mut fields = vec![
            FormField::select("kind", "Kind", chosen).with_hint(kind_help),
            FormField::select(
                "region",
                "Region",
                region_choice(&self.catalog, &provider, self.form.value("region")),
            )
            .with_hint(
                "After adding, tokenring asks the provider in this region for the identity.",
            ),
            FormField::text("name", "Name", "")
                .required(true)
                .with_hint("A unique name, 1–64 characters."),
        ];
        if let Some(kind) = &kind {
            fields.extend(kind.fields.iter().filter(|spec| !spec.provider_supplied).map(|spec| {
                FormField::text(&provider_field_id(&spec.id), &spec.title, "")
                    .required(spec.required)
                    .with_hint(spec.help.clone())
            }));
            fields.extend(kind.parts.iter().map(|spec| {
                FormField::secret(&provider_field_id(&spec.id), &spec.title)
                    .with_hint(spec.help.clone())
            }));
        }
        fields.push(
            FormField::text("labels", "Labels", "")
                .with_hint("Words to filter by, separated by spaces."),
        );
        fields.push(
            FormField::text("expires", "Expires", "")
                .with_hint("The last day, such as 2027-02-07. Leave empty if it does not expire."),
        );
        self.replace_fields(fields);
    }

    /// Replaces all fields but the first two with `fields`.
    fn replace_fields(&mut self, mut fields: Vec<FormField>) {
        for field in &mut fields {
            if !matches!(field.control, FieldInput::Select(_))
                && let Some(old) = self.form.field_mut(&field.id)
            {
                std::mem::swap(&mut field.control, &mut old.control);
            }
        }
        self.form.fields.truncate(2);
        self.form.fields.append(&mut fields);
    }

    fn set_text(&mut self, id: &str, value: &str) {
        if let Some(field) = self.form.field_mut(id) {
            field.control = FieldInput::Text(value.to_owned().into());
        }
    }
}

impl Dialog for AddDialog {
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
            TaskEvent::Credential(event) => self.apply_identification(event),
            TaskEvent::Failed(problem) if self.pasted.waits_for(task) => {
                self.reject_secret(&problem);
            }
            event => return self.task.handle_event(event),
        }
        DialogResult::Stay
    }

    fn handle_form_event(&mut self, event: FormEvent, app: &App, _now: Now) -> DialogResult {
        match event {
            FormEvent::Pasted(0) => {
                self.pasted.reset();
                self.pasted.request_identification(&mut self.form)
            }
            FormEvent::Changed(0) => {
                self.pasted.reset();
                DialogResult::Stay
            }
            FormEvent::Changed(at) => {
                match self.form.fields[at].id.as_str() {
                    "provider" | "kind" => {
                        self.is_kind_chosen = true;
                        self.rebuild_fields();
                    }
                    "region" => self.is_region_chosen = true,
                    _ => {}
                }
                DialogResult::Stay
            }
            FormEvent::Blurred(0) => self.pasted.request_identification(&mut self.form),
            FormEvent::Blurred(at)
                if self
                    .form
                    .fields
                    .get(at)
                    .is_some_and(|field| field.id == provider_field_id(KEY_FILE_FIELD)) =>
            {
                self.read_key_file()
            }
            FormEvent::Pasted(_) | FormEvent::Blurred(_) | FormEvent::Unchanged => {
                DialogResult::Stay
            }
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            FormEvent::Pressed(_) => self.submit(app),
        }
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new("Add credential", 76).with_form(&self.form);
        let remarks = self.pasted.describe_rows(&self.catalog, UNRECOGNIZED_NOTE);
        view.head.push(DialogRow::dim(match self.kind() {
            _ if !remarks.is_empty() => "Recognized from the secret:",
            Some(kind) if supports_sign_in(kind) => {
                "Leave the secret empty to sign in with the browser."
            }
            _ => "Paste the secret: provider and kind are usually recognized. It is saved in the store only.",
        }));
        view.head.extend(remarks);
        view.head.push(DialogRow::Blank);
        view.foot
            .splice(0..0, self.assumed_region_row().into_iter().chain(self.task.problem_rows()));
        view
    }
}

/// Returns whether the user signs in to a credential of this kind.
fn supports_sign_in(kind: &CredentialKind) -> bool {
    matches!(kind.authorization, AuthMethod::RefreshToken { authorize: Some(_), .. })
}

/// Returns a selection of the provider's regions.
pub(in crate::tui::app) fn region_choice(
    catalog: &ProviderCatalog,
    provider: &str,
    current: &str,
) -> SelectInput {
    let title = |region: &crate::domain::region::Region| {
        let name = if region.title.is_empty() {
            region.id.clone()
        } else {
            format!("{} · {}", region.id, region.title)
        };
        (region.id.clone(), name)
    };
    SelectInput::new(
        catalog.regions(provider).unwrap_or_default().iter().map(title).collect(),
        current,
    )
}

/// Parses labels that are separated by spaces or commas; drops duplicates.
pub(in crate::tui::app) fn parse_labels(text: &str) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for label in text.split([' ', ',']).filter(|label| !label.is_empty()) {
        if !labels.iter().any(|known| known == label) {
            labels.push(label.to_owned());
        }
    }
    labels
}

/// Parses a date; an empty text means no date.
pub(in crate::tui::app) fn parse_optional_day(
    text: &str,
) -> Result<Option<crate::domain::Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    display_format::parse_date(text)
        .map(Some)
        .ok_or_else(|| "is not a date; use the form 2027-02-07".to_owned())
}
