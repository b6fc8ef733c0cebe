//! Creation of a credential at its provider, straight into the store: the draft of the credential
//! and the plan that creates it.
//!
//! The index row and the first journal line are written together, before any request goes to the
//! provider. So the rotation is always visible and can be resumed or rolled back. Start at
//! `RotationService::plan_creation`, then `RotationService::create_credential`.

use std::collections::BTreeMap;

use super::start::CredentialState;
use super::{RotationObserver, RotationPlan, RotationStatus};
use crate::domain::credential::SecretPart;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::CredentialKind;
use crate::domain::provider::spec::{RotationSpec, RotationStrategyId};
use crate::domain::rotation::{PlanRequest, RotationId, RotationPurpose};
use crate::domain::{Credential, CredentialId, CredentialName, Problem};
use crate::engine::credentials::{KEY_FILE_FIELD, random_bytes};
use crate::engine::metadata::{clean_fields, clean_labels};
use crate::engine::rotation::RotationService;

/// Field that names an existing account, which then gets a further secret.
const ACCOUNT_ID_FIELD: &str = "service_account_id";

/// Credential that is about to be created, and the plan that creates it.
#[derive(Debug, Clone)]
pub struct CreationPlan {
    /// The credential to create, as far as its properties are known.
    pub credential: Credential,
    /// The plan.
    pub plan: RotationPlan,
}

/// Request to create a credential.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// Name of the credential. At the provider, this name is combined with a mark of the rotation.
    pub name: CredentialName,
    /// ID of the provider.
    pub provider: String,
    /// ID of the kind.
    pub kind: String,
    /// ID of the region.
    pub region: String,
    /// Fields that are known in advance, such as `org_id` and `role_id`. With `service_account_id`,
    /// an existing account gets a further secret; an app always exists already.
    pub fields: BTreeMap<String, String>,
    /// Labels.
    pub labels: Vec<String>,
    /// Credential to copy all other fields from.
    pub template: Option<Credential>,
    /// Credential that authenticates the creation.
    pub administrator: CredentialId,
    /// Reason in the user's own words; may be empty.
    pub reason: String,
}

impl RotationService {
    /// Creates a credential at its provider and stores it. When the creation fails or is rolled
    /// back, nothing of it remains.
    pub async fn create_credential(
        &self,
        creation: CreationPlan,
        observer: RotationObserver<'_>,
    ) -> Result<RotationStatus, Problem> {
        self.secrets.ensure_no_secret(&creation.credential).await?;
        self.open_and_run_rotation(
            creation.plan,
            CredentialState::New(Box::new(creation.credential)),
            observer,
        )
        .await
    }

    /// Plans the creation of a credential. Sends nothing, and writes nothing but the end of
    /// rotations that have ended.
    pub async fn plan_creation(&self, request: CreateRequest) -> Result<CreationPlan, Problem> {
        self.check_changes_allowed()?;
        // An ended creation that was rolled back still holds its name until it is closed.
        self.journals.close_ended_rotations().await?;
        self.credentials.ensure_name_free(&request.name).await?;
        let kind = self.catalog.kind(&request.provider, &request.kind)?;
        let Some((strategy, part)) = creation_strategy(kind, &request.fields) else {
            return Err(creation_unsupported(kind));
        };
        let administrator = self.database.credential_by_id(&request.administrator).await?;
        let reason = request.reason.clone();
        let draft = self.draft_credential(request)?;
        self.check_administrator_region(&draft, &administrator)?;
        let plan = RotationPlan::new(PlanRequest {
            rotation: RotationId::from_random(random_bytes()?),
            purpose: RotationPurpose::Create,
            credential: &draft,
            kind,
            part,
            replacement: &RotationSpec { strategy, overlap: true, manual_steps: String::new() },
            consumers: Vec::new(),
            check_request: self.check_request_line(&draft.provider, kind)?,
            administrator: Some(&administrator),
        });
        Ok(CreationPlan { credential: draft, plan: plan.with_reason(reason) })
    }

    fn draft_credential(&self, request: CreateRequest) -> Result<Credential, Problem> {
        let mut inherited = request.template.map(|template| template.fields).unwrap_or_default();
        // A new secret is in the store; only the user names a key file.
        inherited.remove(KEY_FILE_FIELD);
        let mut fields = inherited.clone();
        fields.extend(request.fields);
        Ok(Credential {
            id: CredentialId::from_random(random_bytes()?),
            region: self.catalog.region(&request.provider, &request.region)?.id.clone(),
            name: request.name,
            provider: request.provider,
            kind: request.kind,
            fields: clean_fields(fields, &inherited)?,
            labels: clean_labels(request.labels, &[])?,
            created: self.clock.now(),
            expires: None,
            fingerprint: None,
            principal: None,
            scheme: None,
            last_check: None,
        })
    }
}

/// Returns how a credential of this kind is created and which part of its secret material results;
/// `None` where only the user can create it.
fn creation_strategy(
    kind: &CredentialKind,
    fields: &BTreeMap<String, String>,
) -> Option<(RotationStrategyId, SecretPart)> {
    use RotationStrategyId as P;
    let further = |plan: P| {
        kind.parts
            .iter()
            .find(|part| part.rotation.as_ref().is_some_and(|replace| replace.strategy == plan))
    };
    match kind.rotation.strategy {
        P::SnykServiceAccountSecret if !fields.contains_key(ACCOUNT_ID_FIELD) => {
            Some((P::SnykServiceAccount, SecretPart::Secret))
        }
        plan @ (P::SnykServiceAccount | P::SnykServiceAccountSecret | P::ApiWebKey) => {
            Some((plan, SecretPart::Secret))
        }
        // Only the user can sign in. The program can create the app's own secret, which a sign-in
        // needs.
        P::SnykAppSession => further(P::SnykAppSecret)
            .map(|part| (P::SnykAppSecret, SecretPart::Named(part.id.clone()))),
        P::Manual | P::SnykPersonalAccessToken | P::SnykAppSecret => None,
    }
}

fn creation_unsupported(kind: &CredentialKind) -> Problem {
    let why = format!("the provider has no API to create a {}", kind.title);
    let remedy = "create it on the provider's page, then store it with `tokenring add`";
    Problem::new("No credential was created", why, remedy).with_class(ProblemClass::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::ProviderCatalog;

    #[test]
    fn a_new_credential_does_not_read_the_key_file_of_its_template() {
        let settings = crate::config::Settings::default();
        let engine =
            crate::engine::in_memory_engine(ProviderCatalog::builtin(), &settings).unwrap();
        let fields = [(KEY_FILE_FIELD, "/k.pem"), ("org_id", "o-1")];
        let fields = fields.map(|(id, value)| (id.to_owned(), value.to_owned()));
        let request = |template| CreateRequest {
            name: CredentialName::parse("new").unwrap(),
            provider: "snyk".to_owned(),
            kind: "service-account-oauth".to_owned(),
            region: "SNYK-EU-01".to_owned(),
            fields: BTreeMap::new(),
            labels: Vec::new(),
            template,
            administrator: CredentialId::from_random([7; 16]),
            reason: String::new(),
        };
        let draft = engine.rotation.draft_credential(request(None)).unwrap();
        let template = Credential { fields: fields.into(), ..draft };
        let draft = engine.rotation.draft_credential(request(Some(template))).unwrap();
        assert_eq!(draft.fields.into_keys().collect::<Vec<_>>(), ["org_id"]);
    }

    #[test]
    fn what_can_be_made_depends_on_the_kind_and_on_what_exists() {
        let catalog = ProviderCatalog::builtin();
        let with = |provider: &str, kind: &str, fields: &[&str]| {
            let fields = fields.iter().map(|id| ((*id).to_owned(), "x".to_owned())).collect();
            creation_strategy(catalog.kind(provider, kind).unwrap(), &fields)
        };
        let named = SecretPart::Named("client_secret".to_owned());
        assert_eq!(
            with("snyk", "service-account-oauth", &[]),
            Some((RotationStrategyId::SnykServiceAccount, SecretPart::Secret))
        );
        let further = Some((RotationStrategyId::SnykServiceAccountSecret, SecretPart::Secret));
        assert_eq!(with("snyk", "service-account-oauth", &[ACCOUNT_ID_FIELD]), further);
        assert_eq!(
            with("snyk-apps", "app", &["app_id"]),
            Some((RotationStrategyId::SnykAppSecret, named))
        );
        assert_eq!(
            with("snyk-api-web", "api-key", &[]),
            Some((RotationStrategyId::ApiWebKey, SecretPart::Secret))
        );
        assert_eq!(with("snyk", "personal-token", &[]), None);
        assert_eq!(with("appcircle", "api-key", &[]), None);
    }
}
