//! Dialog that creates a credential at its provider.
//!
//! The new secret goes straight into the store; the user never sees it. The fields depend on the
//! selected kind (`CreateDialog::rebuild_fields`). Start reading at [`CreateDialog::new`]; the
//! creation itself is a task of the rotation engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::provider::{CredentialKind, ProviderCatalog};
use crate::domain::rotation::creation_strategy;
use crate::domain::{Credential, CredentialId, CredentialName};
use crate::engine::background::protocol::CreateRequest;
use crate::tui::app::credentials::add_dialog::parse_labels;
use crate::tui::app::dialogs::{Dialog, DialogAction, DialogResult};
use crate::tui::app::widgets::dialog_view::{DialogRow, DialogView};
use crate::tui::app::widgets::form::{
    FieldInput, Form, FormButton, FormEvent, FormField, SelectInput, provider_field_id,
};
use crate::tui::app::{App, Now};

/// Field that selects whether an existing account gets another secret.
const ACCOUNT_FIELD: &str = "account";
/// Field with the reason, which is written to the audit log.
const REASON_FIELD: &str = "reason";
/// Number of fields that do not depend on the selected kind.
const FIXED_FIELD_COUNT: usize = 3;

/// Dialog that creates a credential.
pub struct CreateDialog {
    catalog: Arc<ProviderCatalog>,
    /// The selected credential: a new one of the same kind copies its properties.
    template: Credential,
    /// Name of the template on the screen.
    display_name: String,
    form: Form,
}

impl CreateDialog {
    /// Creates a form for the kinds that can be created next to `like`, authenticated by `like` or
    /// one of `others` (ID and name). Returns `None` if no kind can be created.
    pub fn new(
        like: &Credential,
        display_name: String,
        others: Vec<(String, String)>,
        catalog: Arc<ProviderCatalog>,
    ) -> Option<Self> {
        let kinds = creatable_kinds(&catalog, &like.provider);
        if kinds.is_empty() {
            return None;
        }
        let administrators = std::iter::once((like.id.as_str().to_owned(), display_name.clone()))
            .chain(others)
            .collect();
        let kind = format!("{}/{}", like.provider, like.kind);
        let fields = vec![
            FormField::text("name", "Name", "")
                .required(true)
                .with_hint("A unique name here and at the provider, 1–64 characters."),
            FormField::select("kind", "Kind", SelectInput::new(kinds, &kind)).with_select_hint(),
            FormField::select(
                "administrator",
                "Authenticate with",
                SelectInput::new(administrators, like.id.as_str()),
            )
            .with_hint(
                "The credential that sends the request; it needs permission to create credentials.",
            ),
        ];
        let form = Form::new(fields, vec![FormButton::Cancel, FormButton::Submit("Create")]);
        let mut create = Self { catalog, template: like.clone(), display_name, form };
        create.rebuild_fields();
        Some(create)
    }

    fn submit(&mut self, app: &App) -> DialogResult {
        match self.parse_form(app) {
            // The form stays below the wizard, so that the user can retry if the creation fails.
            Ok(request) => DialogResult::RunAndStay(DialogAction::call(|app, now| {
                app.start_creation(Box::new(request), now)
            })),
            Err((id, problem)) => {
                self.form.set_field_problem(id, problem);
                DialogResult::Stay
            }
        }
    }

    fn parse_form(&self, app: &App) -> Result<CreateRequest, (&'static str, String)> {
        let name = CredentialName::parse(self.form.value("name"))
            .map_err(|error| ("name", error.to_string()))?;
        if app.credentials.all().iter().any(|known| known.name == name) {
            return Err(("name", format!("{name} already exists")));
        }
        let administrator = CredentialId::parse(self.form.value("administrator"));
        let administrator =
            administrator.ok_or_else(|| ("administrator", "is required".to_owned()))?;
        let (provider, kind) =
            self.selected_kind().ok_or_else(|| ("kind", "is required".to_owned()))?;
        let ids = kind.fields.iter().map(|spec| {
            (spec.id.clone(), self.form.value(&provider_field_id(&spec.id)).to_owned())
        });
        let mut fields: BTreeMap<_, _> = ids.filter(|(_, value)| !value.is_empty()).collect();
        if !self.form.value(ACCOUNT_FIELD).is_empty() {
            let account = kind.rotation.strategy.spec().owning_account;
            let known = account
                .iter()
                .flat_map(|account| account.shared_fields)
                .filter_map(|id| self.template.fields.get_key_value(*id));
            fields.extend(known.map(|(id, value)| (id.clone(), value.clone())));
        }
        let labels = parse_labels(self.form.value("labels"));
        let (provider, kind, region) =
            (provider.to_owned(), kind.id.clone(), self.template.region.clone());
        // Role, authentication method and app are not in the form; they come from the selected
        // credential.
        let like = self.is_template_kind(&provider, &kind).then(|| self.template.clone());
        let reason = self.form.value(REASON_FIELD).trim().to_owned();
        Ok(CreateRequest {
            name,
            provider,
            kind,
            region,
            fields,
            labels,
            template: like,
            administrator,
            reason,
        })
    }

    fn selected_kind(&self) -> Option<(&str, &CredentialKind)> {
        let (provider, kind) = self.form.value("kind").split_once('/')?;
        Some((provider, self.catalog.kind(provider, kind).ok()?))
    }

    /// Rebuilds the fields for the selected kind, with the values of the selected credential if it
    /// has the same kind.
    fn rebuild_fields(&mut self) {
        let Some((provider, kind)) = self.selected_kind() else { return };
        let is_same_kind = self.is_template_kind(provider, &kind.id);
        let known = |id: &str| {
            self.template
                .fields
                .get(id)
                .filter(|_| is_same_kind || is_location_field(id))
                .map_or("", String::as_str)
        };
        let administrator = CredentialId::parse(self.form.value("administrator"))
            .unwrap_or_else(|| self.template.id.clone());
        let asking = self.catalog.provider(&self.template.provider).ok();
        let assigned = kind.rotation.strategy.spec().assigned_fields;
        let given = kind
            .fields
            .iter()
            .filter(|spec| !assigned.contains(&spec.id.as_str()) && !spec.provider_supplied);
        let mut fields: Vec<_> = given
            .map(|spec| {
                FormField::text(&provider_field_id(&spec.id), &spec.title, known(&spec.id))
                    .required(spec.required)
                    .with_hint(spec.help.clone())
                    .with_listing(&administrator, asking)
            })
            .collect();
        fields.splice(0..0, self.account_field(is_same_kind, kind.rotation.strategy));
        fields.push(
            FormField::text("labels", "Labels", &self.template.labels.join(" "))
                .with_hint("Words to filter by, separated by spaces."),
        );
        fields.push(
            FormField::text(REASON_FIELD, "Reason", "")
                .with_hint("Optional. It is written to the audit log."),
        );
        for field in &mut fields {
            if let Some(FormField { control: FieldInput::Text(typed), .. }) =
                self.form.field(&field.id)
                && !typed.value().is_empty()
            {
                field.control = FieldInput::Text(typed.clone());
            }
        }
        self.form.fields.truncate(FIXED_FIELD_COUNT);
        self.form.fields.append(&mut fields);
    }

    /// Returns whether the new credential has the kind of the selected one.
    fn is_template_kind(&self, provider: &str, kind: &str) -> bool {
        provider == self.template.provider && kind == self.template.kind
    }

    /// Returns the field that chooses between a new account and another secret for the existing
    /// one.
    fn account_field(&self, is_same_kind: bool, plan: RotationStrategyId) -> Option<FormField> {
        let account = plan.spec().owning_account.filter(|_| is_same_kind)?;
        let id = self.template.fields.get(account.id_field)?;
        let known =
            (id.clone(), format!("another secret for the account of {}", self.display_name));
        let choice = SelectInput::new(vec![(String::new(), "new account".to_owned()), known], "");
        Some(
            FormField::select(ACCOUNT_FIELD, "Account", choice)
                .with_hint("An account can have two secrets at the same time."),
        )
    }
}

impl Dialog for CreateDialog {
    fn form(&self) -> Option<&Form> {
        Some(&self.form)
    }

    fn form_mut(&mut self) -> Option<&mut Form> {
        Some(&mut self.form)
    }

    fn handle_form_event(&mut self, event: FormEvent, app: &App, _now: Now) -> DialogResult {
        match event {
            FormEvent::Pressed(FormButton::Cancel) => DialogResult::Close,
            FormEvent::Pressed(_) => self.submit(app),
            FormEvent::Changed(at) => {
                if matches!(self.form.fields[at].id.as_str(), "kind" | "administrator") {
                    self.rebuild_fields();
                }
                DialogResult::Stay
            }
            FormEvent::Pasted(_) | FormEvent::Blurred(_) | FormEvent::Unchanged => {
                DialogResult::Stay
            }
        }
    }

    fn view(&self, _app: &App, _now: Now) -> DialogView {
        let mut view = DialogView::new("Create credential", 76).with_form(&self.form);
        let words = "The provider creates it. The new secret goes straight into the store and is never shown.";
        view.head = vec![
            DialogRow::dim(words),
            DialogRow::Pair("Region".to_owned(), self.template.region.clone()),
            DialogRow::Blank,
        ];
        view
    }
}

/// Returns the kinds that can be created at the providers that share these regions, as
/// `provider/kind` and title.
fn creatable_kinds(catalog: &ProviderCatalog, provider: &str) -> Vec<(String, String)> {
    let owner = |provider: &str| catalog.region_owner(provider).ok().map(|owner| owner.id.as_str());
    let home = owner(provider);
    let near = catalog.providers().filter(|other| owner(&other.id) == home);
    let made = near.flat_map(|known| {
        let creatable = |kind: &&CredentialKind| {
            // For an app, only its own secret is created; the user then signs in with it.
            creation_strategy(kind, &BTreeMap::new()).is_some()
        };
        known.kinds.iter().filter(creatable).map(move |kind| (known, kind))
    });
    made.map(|(known, kind)| (format!("{}/{}", known.id, kind.id), kind.title.clone())).collect()
}

/// Returns whether a field holds a location, which also applies to other kinds there.
fn is_location_field(id: &str) -> bool {
    matches!(id, "org_id" | "group_id" | "level")
}
