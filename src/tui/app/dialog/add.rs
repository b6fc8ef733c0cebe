//! Adding a credential: the secret first, since it often tells the rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pasted::Pasted;
use super::{Intent, Outcome};
use crate::domain::CredentialName;
use crate::domain::problem::Problem;
use crate::domain::provider::{AuthMethod, CredentialKind, Provider, ProviderCatalog};
use crate::engine::KEY_FILE_FIELD;
use crate::engine::message::{ClassifyPolicy, CredentialEvent, NewCredential, NewSession, SignInSubject, TaskId};
use crate::tui::app::form::{FieldInput, Form, FormButton, FormEvent, FormField, SELECT_HINT, SelectInput};
use crate::tui::app::sheet::{DialogRow, DialogView};
use crate::tui::app::{App, regions, words};

/// What becomes of a secret that is not recognised.
const UNKNOWN: &str = "choose provider and kind yourself";

/// The dialog that adds a credential.
pub struct Add {
    catalogue: Arc<ProviderCatalog>,
    /// Its fields.
    pub form: Form,
    /// What was pasted.
    pub pasted: Pasted,
    task: Option<TaskId>,
    problem: Option<Problem>,
    /// Whether the person or the secret has named the region.
    region_is_named: bool,
}

/// What a filled form is for.
enum Wish {
    /// Keep this secret.
    Keep(Box<NewCredential>),
    /// There is none yet: sign in for it.
    SignIn(Box<NewSession>),
}

impl Add {
    /// An empty form.
    pub fn new(catalogue: Arc<ProviderCatalog>) -> Self {
        let providers = catalogue.providers().map(|known| (known.id.clone(), known.title.clone())).collect();
        let fields = vec![
            FormField::secret(Pasted::FIELD, "Secret").with_hint("Paste it here; what is around it is taken off."),
            FormField::select("provider", "Provider", SelectInput::new(providers, "")).with_hint(SELECT_HINT),
        ];
        let form = Form::new(fields, vec![FormButton::Cancel, FormButton::Submit("Add")]);
        let mut add = Self { catalogue, form, pasted: Pasted::default(), task: None, problem: None, region_is_named: false };
        add.arrange();
        add
    }

    /// A form for a session that one signs in to, in this region where its provider has it; none where there is no such
    /// kind.
    pub fn for_session(catalogue: Arc<ProviderCatalog>, region: &str) -> Option<Self> {
        let first = |provider: &Provider| {
            let kind = provider.kinds.iter().find(|kind| signs_in(kind))?;
            Some((provider.id.clone(), kind.id.clone()))
        };
        let (provider, kind) = catalogue.providers().find_map(first)?;
        let mut add = Self::new(catalogue);
        add.select("provider", &provider);
        add.arrange();
        add.select("kind", &kind);
        add.select("region", region);
        add.arrange();
        add.form.focus_on("name");
        Some(add)
    }

    /// Waits for the credential to be kept.
    pub fn wait(&mut self, task: TaskId) {
        self.task = Some(task);
    }

    /// The task that is waited for.
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// The task was cancelled.
    pub fn cancelled(&mut self) {
        self.task = None;
    }

    /// It was not kept.
    pub fn fail(&mut self, problem: Problem) {
        self.task = None;
        self.problem = Some(problem);
    }

    /// It is known what was pasted: chooses the best candidate, and goes on to the name.
    pub fn identified(&mut self, event: CredentialEvent) {
        self.pasted.take(event);
        let best = self.pasted.candidates.first().cloned();
        if self.form.focus == 0 {
            self.form.focus_on(if best.is_some() { "name" } else { "provider" });
        }
        let Some(best) = best else { return };
        self.select("provider", &best.provider);
        self.arrange();
        self.select("kind", &best.kind);
        self.arrange();
        if let Some(region) = &best.region {
            self.select("region", region);
            self.region_is_named = true;
        }
        if let Some(end) = best.expires {
            self.fill("expires", &words::format_date(end));
        }
    }

    /// Answers to what happened in the form.
    pub fn react(&mut self, happened: FormEvent, app: &App) -> Outcome {
        match happened {
            FormEvent::Pasted(0) => {
                self.pasted.forget();
                self.pasted.ask(&mut self.form)
            }
            FormEvent::Changed(0) => {
                self.pasted.forget();
                Outcome::Stay
            }
            FormEvent::Changed(at) => {
                match self.form.fields[at].id.as_str() {
                    "provider" | "kind" => self.arrange(),
                    "region" => self.region_is_named = true,
                    _ => {}
                }
                Outcome::Stay
            }
            FormEvent::Blurred(0) => self.pasted.ask(&mut self.form),
            FormEvent::Blurred(at) if self.form.fields.get(at).is_some_and(|field| field.id == field_id(KEY_FILE_FIELD)) => {
                self.read_key_file()
            }
            FormEvent::Pasted(_) | FormEvent::Blurred(_) | FormEvent::Unchanged => Outcome::Stay,
            FormEvent::Pressed(FormButton::Cancel) => Outcome::Close,
            FormEvent::Pressed(_) => self.submit(app),
        }
    }

    /// What it shows.
    pub fn sheet(&self) -> DialogView {
        let mut sheet = DialogView::new("Add a credential", 76).with_form(&self.form);
        let remarks = self.pasted.remarks(&self.catalogue, UNKNOWN);
        sheet.head.push(DialogRow::dim(match self.kind() {
            _ if !remarks.is_empty() => "What the secret tells:",
            Some(kind) if signs_in(kind) => "Leave the secret empty to sign in with the browser.",
            _ => "Paste the secret: it usually tells what it is. It is kept in the store only.",
        }));
        sheet.head.extend(remarks);
        sheet.head.push(DialogRow::Blank);
        sheet.foot.splice(0..0, super::problem::rows(self.problem.as_ref()));
        sheet
    }

    fn kind(&self) -> Option<&CredentialKind> {
        self.catalogue.kind(self.form.value("provider"), self.form.value("kind")).ok()
    }

    fn submit(&mut self, app: &App) -> Outcome {
        if self.task.is_some() {
            return Outcome::Stay;
        }
        self.problem = None;
        match self.read(app) {
            Ok(Wish::Keep(new)) => Outcome::Ask(Intent::Add(new, self.inquiry())),
            Ok(Wish::SignIn(new)) => Outcome::Ask(Intent::SignIn(SignInSubject::New(new))),
            Err((id, problem)) => {
                self.form.set_field_problem(&id, problem);
                Outcome::Stay
            }
        }
    }

    /// A secret is not shown to a host that nobody named.
    fn inquiry(&self) -> ClassifyPolicy {
        let only = regions::provider_regions(&self.catalogue, self.form.value("provider")).len() < 2;
        if only || self.region_is_named { ClassifyPolicy::AskProvider } else { ClassifyPolicy::StayOffline }
    }

    /// A key that stays in its file is read to tell what it is.
    fn read_key_file(&mut self) -> Outcome {
        let path = self.form.value(&field_id(KEY_FILE_FIELD));
        let typed = self.form.field(Pasted::FIELD).is_some_and(|field| match &field.control {
            FieldInput::Secret(input) => !input.is_empty(),
            _ => false,
        });
        if path.is_empty() || typed || self.pasted.task().is_some() {
            return Outcome::Stay;
        }
        Outcome::Ask(Intent::IdentifyFile(path.to_owned()))
    }

    /// The text cannot be a secret, or the file cannot be read.
    pub fn refuse(&mut self, problem: &Problem) {
        let of_file = self.form.field(Pasted::FIELD).is_some_and(|field| match &field.control {
            FieldInput::Secret(input) => input.is_empty(),
            _ => false,
        });
        if of_file {
            self.pasted.forget();
            self.form
                .set_field_problem(&field_id(KEY_FILE_FIELD), format!("cannot be used: {}; {}", problem.why, problem.remedy));
        } else {
            self.pasted.refuse(problem, &mut self.form);
        }
    }

    /// Reads the form; what is wrong is said with the field's id.
    fn read(&mut self, app: &App) -> Result<Wish, (String, String)> {
        let wrong = |id: &str, problem: String| (id.to_owned(), problem);
        let secret = self.pasted.secret();
        if secret.is_none() && !self.kind().is_some_and(signs_in) {
            return Err(wrong(Pasted::FIELD, "is missing: paste the secret here".to_owned()));
        }
        let name = CredentialName::parse(self.form.value("name")).map_err(|error| wrong("name", error.to_string()))?;
        if app.credentials.all().iter().any(|known| known.name == name) {
            return Err(wrong("name", format!("{name} exists already")));
        }
        let expires = read_day(self.form.value("expires")).map_err(|problem| wrong("expires", problem))?;
        let (mut fields, mut parts) = (BTreeMap::new(), BTreeMap::new());
        for spec in
            self.kind().map(|kind| kind.fields.clone()).unwrap_or_default().into_iter().filter(|spec| !spec.provider_supplied)
        {
            let id = field_id(&spec.id);
            let value = self.form.value(&id);
            if !value.is_empty() {
                fields.insert(spec.id, value.to_owned());
            } else if spec.required {
                return Err(wrong(&id, "is needed".to_owned()));
            }
        }
        for spec in self.kind().map(|kind| kind.parts.clone()).unwrap_or_default() {
            let id = field_id(&spec.id);
            match self.form.secret(&id) {
                Some(input) if !input.is_empty() => drop(parts.insert(spec.id, input.to_secret())),
                _ if spec.required => return Err(wrong(&id, "is needed".to_owned())),
                _ => {}
            }
        }
        let [provider, kind, region] = ["provider", "kind", "region"].map(|id| self.form.value(id).to_owned());
        let labels = read_labels(self.form.value("labels"));
        Ok(match secret {
            Some(secret) => {
                Wish::Keep(Box::new(NewCredential { name, provider, kind, region, fields, labels, secret, parts, expires }))
            }
            None => Wish::SignIn(Box::new(NewSession { name, provider, kind, region, fields, labels, parts })),
        })
    }

    /// Makes the fields that the chosen provider and kind need; what was typed in fields that stay is kept.
    fn arrange(&mut self) {
        let provider = self.form.value("provider").to_owned();
        let kinds = self.catalogue.provider(&provider).into_iter().flat_map(|known| known.kinds.iter());
        let kinds: Vec<_> = kinds.map(|kind| (kind.id.clone(), kind.title.clone())).collect();
        let chosen = SelectInput::new(kinds, self.form.value("kind"));
        let kind = self.catalogue.kind(&provider, chosen.selected_id()).ok().cloned();
        let caution = |kind: &CredentialKind| kind.caution.as_ref().map(|caution| format!(" {caution}")).unwrap_or_default();
        let kind_help = kind.as_ref().map(|kind| format!("{}{}", kind.help, caution(kind))).unwrap_or_default();

        let mut fields = vec![
            FormField::select("kind", "Kind", chosen).with_hint(kind_help),
            FormField::select("region", "Region", region_choice(&self.catalogue, &provider, self.form.value("region")))
                .with_hint("Once it is named, by you or by the secret, the provider is asked who this is."),
            FormField::text("name", "Name", "").with_hint("What you call it: 1 to 64 characters, unlike the others."),
        ];
        if let Some(kind) = &kind {
            fields.extend(
                kind.fields
                    .iter()
                    .filter(|spec| !spec.provider_supplied)
                    .map(|spec| FormField::text(&field_id(&spec.id), &spec.title, "").with_hint(spec.help.clone())),
            );
            fields.extend(
                kind.parts.iter().map(|spec| FormField::secret(&field_id(&spec.id), &spec.title).with_hint(spec.help.clone())),
            );
        }
        fields.push(FormField::text("labels", "Labels", "").with_hint("Words to filter by, with blanks between them."));
        fields.push(
            FormField::text("expires", "Expires", "").with_hint("The last day, such as 2027-02-07; empty if it does not end."),
        );
        self.replace(fields);
    }

    /// Puts `fields` in the place of all but the first two.
    fn replace(&mut self, mut fields: Vec<FormField>) {
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

    fn select(&mut self, id: &str, option: &str) {
        if let Some(FormField { control: FieldInput::Select(choice), .. }) = self.form.field_mut(id) {
            *choice = SelectInput::new(std::mem::take(&mut choice.options), option);
        }
    }

    fn fill(&mut self, id: &str, value: &str) {
        if let Some(field) = self.form.field_mut(id) {
            field.control = FieldInput::Text(value.to_owned().into());
        }
    }
}

/// Whether one signs in to it.
fn signs_in(kind: &CredentialKind) -> bool {
    matches!(kind.authorization, AuthMethod::RefreshToken { authorize: Some(_), .. })
}

/// The id in the form of a field that the provider names, apart from the form's own.
pub(super) fn field_id(id: &str) -> String {
    format!("field:{id}")
}

/// The regions of a provider to choose from.
pub(super) fn region_choice(catalogue: &ProviderCatalog, provider: &str, current: &str) -> SelectInput {
    let title = |region: &crate::domain::region::Region| {
        let name = if region.title.is_empty() { region.id.clone() } else { format!("{} · {}", region.id, region.title) };
        (region.id.clone(), name)
    };
    SelectInput::new(regions::provider_regions(catalogue, provider).iter().map(title).collect(), current)
}

/// Labels as they are typed: with blanks or commas between them, each once.
pub(super) fn read_labels(text: &str) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for label in text.split([' ', ',']).filter(|label| !label.is_empty()) {
        if !labels.iter().any(|known| known == label) {
            labels.push(label.to_owned());
        }
    }
    labels
}

/// A day as it is typed, or none.
pub(super) fn read_day(text: &str) -> Result<Option<crate::domain::Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    words::parse_date(text).map(Some).ok_or_else(|| "is no day; write it as 2027-02-07".to_owned())
}
