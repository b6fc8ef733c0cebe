//! Adding a credential: the secret first, since it often tells the rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pasted_secret::PastedSecret;
use super::{DialogAction, DialogResult};
use crate::domain::CredentialName;
use crate::domain::problem::Problem;
use crate::domain::provider::{AuthMethod, CredentialKind, Provider, ProviderCatalog};
use crate::engine::KEY_FILE_FIELD;
use crate::engine::task_protocol::{
    ClassifyPolicy, CredentialEvent, NewCredential, NewSession, SignInSubject, TaskId,
};
use crate::tui::app::dialog_view::{DialogRow, DialogView};
use crate::tui::app::form::{
    FieldInput, Form, FormButton, FormEvent, FormField, SELECT_HINT, SelectInput,
};
use crate::tui::app::{App, display_format, regions};

/// What becomes of a secret that is not recognised.
const UNRECOGNIZED_NOTE: &str = "choose provider and kind yourself";

/// The dialog that adds a credential.
pub struct AddDialog {
    catalog: Arc<ProviderCatalog>,
    /// Its fields.
    pub form: Form,
    /// What was pasted.
    pub pasted: PastedSecret,
    task: Option<TaskId>,
    problem: Option<Problem>,
    /// Whether the person or the secret has named the region.
    is_region_chosen: bool,
}

/// What a filled form is for.
enum AddSubmission {
    /// Keep this secret.
    StoreSecret(Box<NewCredential>),
    /// There is none yet: sign in for it.
    SignIn(Box<NewSession>),
}

impl AddDialog {
    /// An empty form.
    pub fn new(catalogue: Arc<ProviderCatalog>) -> Self {
        let providers =
            catalogue.providers().map(|known| (known.id.clone(), known.title.clone())).collect();
        let fields = vec![
            FormField::secret(PastedSecret::FIELD_ID, "Secret")
                .with_hint("Paste it here; what is around it is taken off."),
            FormField::select("provider", "Provider", SelectInput::new(providers, ""))
                .with_hint(SELECT_HINT),
        ];
        let form = Form::new(fields, vec![FormButton::Cancel, FormButton::Submit("Add")]);
        let mut add = Self {
            catalog: catalogue,
            form,
            pasted: PastedSecret::default(),
            task: None,
            problem: None,
            is_region_chosen: false,
        };
        add.rebuild_fields();
        add
    }

    /// A form for a session that one signs in to, in this region where its provider has it; none where there is no such
    /// kind.
    pub fn for_session(catalogue: Arc<ProviderCatalog>, region: &str) -> Option<Self> {
        let first = |provider: &Provider| {
            let kind = provider.kinds.iter().find(|kind| supports_sign_in(kind))?;
            Some((provider.id.clone(), kind.id.clone()))
        };
        let (provider, kind) = catalogue.providers().find_map(first)?;
        let mut add = Self::new(catalogue);
        add.select_option("provider", &provider);
        add.rebuild_fields();
        add.select_option("kind", &kind);
        add.select_option("region", region);
        add.rebuild_fields();
        add.form.focus_on("name");
        Some(add)
    }

    /// Waits for the credential to be kept.
    pub fn set_task(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    /// The task that is waited for.
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// The task was cancelled.
    pub fn on_task_canceled(&mut self) {
        self.task = None;
    }

    /// It was not kept.
    pub fn show_problem(&mut self, problem: Problem) {
        self.task = None;
        self.problem = Some(problem);
    }

    /// It is known what was pasted: chooses the best candidate, and goes on to the name.
    pub fn apply_identification(&mut self, event: CredentialEvent) {
        self.pasted.apply_identification(event);
        let best = self.pasted.candidates.first().cloned();
        if self.form.focus == 0 {
            self.form.focus_on(if best.is_some() { "name" } else { "provider" });
        }
        let Some(best) = best else { return };
        self.select_option("provider", &best.provider);
        self.rebuild_fields();
        self.select_option("kind", &best.kind);
        self.rebuild_fields();
        if let Some(region) = &best.region {
            self.select_option("region", region);
            self.is_region_chosen = true;
        }
        if let Some(end) = best.expires {
            self.set_text("expires", &display_format::format_date(end));
        }
    }

    /// Answers to what happened in the form.
    pub fn handle_form_event(&mut self, happened: FormEvent, app: &App) -> DialogResult {
        match happened {
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
                    "provider" | "kind" => self.rebuild_fields(),
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

    /// What it shows.
    pub fn view(&self) -> DialogView {
        let mut sheet = DialogView::new("Add a credential", 76).with_form(&self.form);
        let remarks = self.pasted.describe_rows(&self.catalog, UNRECOGNIZED_NOTE);
        sheet.head.push(DialogRow::dim(match self.kind() {
            _ if !remarks.is_empty() => "What the secret tells:",
            Some(kind) if supports_sign_in(kind) => {
                "Leave the secret empty to sign in with the browser."
            }
            _ => "Paste the secret: it usually tells what it is. It is kept in the store only.",
        }));
        sheet.head.extend(remarks);
        sheet.head.push(DialogRow::Blank);
        sheet.foot.splice(0..0, super::problem::problem_rows(self.problem.as_ref()));
        sheet
    }

    fn kind(&self) -> Option<&CredentialKind> {
        self.catalog.kind(self.form.value("provider"), self.form.value("kind")).ok()
    }

    fn submit(&mut self, app: &App) -> DialogResult {
        if self.task.is_some() {
            return DialogResult::Stay;
        }
        self.problem = None;
        match self.parse_form(app) {
            Ok(AddSubmission::StoreSecret(new)) => {
                DialogResult::RunAndStay(DialogAction::AddCredential(new, self.classify_policy()))
            }
            Ok(AddSubmission::SignIn(new)) => {
                DialogResult::RunAndStay(DialogAction::SignIn(SignInSubject::New(new)))
            }
            Err((id, problem)) => {
                self.form.set_field_problem(&id, problem);
                DialogResult::Stay
            }
        }
    }

    /// A secret is not shown to a host that nobody named.
    fn classify_policy(&self) -> ClassifyPolicy {
        let only = regions::provider_regions(&self.catalog, self.form.value("provider")).len() < 2;
        if only || self.is_region_chosen {
            ClassifyPolicy::AskProvider
        } else {
            ClassifyPolicy::StayOffline
        }
    }

    /// A key that stays in its file is read to tell what it is.
    fn read_key_file(&mut self) -> DialogResult {
        let path = self.form.value(&provider_field_id(KEY_FILE_FIELD));
        let typed =
            self.form.field(PastedSecret::FIELD_ID).is_some_and(|field| match &field.control {
                FieldInput::Secret(input) => !input.is_empty(),
                _ => false,
            });
        if path.is_empty() || typed || self.pasted.task().is_some() {
            return DialogResult::Stay;
        }
        DialogResult::RunAndStay(DialogAction::IdentifyFile(path.to_owned()))
    }

    /// The text cannot be a secret, or the file cannot be read.
    pub fn reject_secret(&mut self, problem: &Problem) {
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

    /// Reads the form; what is wrong is said with the field's id.
    fn parse_form(&mut self, app: &App) -> Result<AddSubmission, (String, String)> {
        let wrong = |id: &str, problem: String| (id.to_owned(), problem);
        let secret = self.pasted.secret();
        if secret.is_none() && !self.kind().is_some_and(supports_sign_in) {
            return Err(wrong(
                PastedSecret::FIELD_ID,
                "is missing: paste the secret here".to_owned(),
            ));
        }
        let name = CredentialName::parse(self.form.value("name"))
            .map_err(|error| wrong("name", error.to_string()))?;
        if app.credentials.all().iter().any(|known| known.name == name) {
            return Err(wrong("name", format!("{name} exists already")));
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
                return Err(wrong(&id, "is needed".to_owned()));
            }
        }
        for spec in self.kind().map(|kind| kind.parts.clone()).unwrap_or_default() {
            let id = provider_field_id(&spec.id);
            match self.form.secret(&id) {
                Some(input) if !input.is_empty() => drop(parts.insert(spec.id, input.to_secret())),
                _ if spec.required => return Err(wrong(&id, "is needed".to_owned())),
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

    /// Makes the fields that the chosen provider and kind need; what was typed in fields that stay is kept.
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
                "Once it is named, by you or by the secret, the provider is asked who this is.",
            ),
            FormField::text("name", "Name", "")
                .with_hint("What you call it: 1 to 64 characters, unlike the others."),
        ];
        if let Some(kind) = &kind {
            fields.extend(kind.fields.iter().filter(|spec| !spec.provider_supplied).map(|spec| {
                FormField::text(&provider_field_id(&spec.id), &spec.title, "")
                    .with_hint(spec.help.clone())
            }));
            fields.extend(kind.parts.iter().map(|spec| {
                FormField::secret(&provider_field_id(&spec.id), &spec.title)
                    .with_hint(spec.help.clone())
            }));
        }
        fields.push(
            FormField::text("labels", "Labels", "")
                .with_hint("Words to filter by, with blanks between them."),
        );
        fields.push(
            FormField::text("expires", "Expires", "")
                .with_hint("The last day, such as 2027-02-07; empty if it does not end."),
        );
        self.replace_fields(fields);
    }

    /// Puts `fields` in the place of all but the first two.
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

    fn select_option(&mut self, id: &str, option: &str) {
        if let Some(FormField { control: FieldInput::Select(choice), .. }) = self.form.field_mut(id)
        {
            *choice = SelectInput::new(std::mem::take(&mut choice.options), option);
        }
    }

    fn set_text(&mut self, id: &str, value: &str) {
        if let Some(field) = self.form.field_mut(id) {
            field.control = FieldInput::Text(value.to_owned().into());
        }
    }
}

/// Whether one signs in to it.
fn supports_sign_in(kind: &CredentialKind) -> bool {
    matches!(kind.authorization, AuthMethod::RefreshToken { authorize: Some(_), .. })
}

/// The id in the form of a field that the provider names, apart from the form's own.
pub(super) fn provider_field_id(id: &str) -> String {
    format!("field:{id}")
}

/// The regions of a provider to choose from.
pub(super) fn region_choice(
    catalogue: &ProviderCatalog,
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
        regions::provider_regions(catalogue, provider).iter().map(title).collect(),
        current,
    )
}

/// Labels as they are typed: with blanks or commas between them, each once.
pub(super) fn parse_labels(text: &str) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for label in text.split([' ', ',']).filter(|label| !label.is_empty()) {
        if !labels.iter().any(|known| known == label) {
            labels.push(label.to_owned());
        }
    }
    labels
}

/// A day as it is typed, or none.
pub(super) fn parse_optional_day(text: &str) -> Result<Option<crate::domain::Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    display_format::parse_date(text)
        .map(Some)
        .ok_or_else(|| "is no day; write it as 2027-02-07".to_owned())
}
