//! Having a provider make a credential, straight into the store: the draft of the credential and the plan that makes it.
//!
//! The row in the index and the journal's first line come into being together, before anything is asked of the provider.
//! So whatever happens, there is something that everybody can see, and from which it can be taken up or back.

use std::collections::BTreeMap;

use super::start::CredentialState;
use super::{RotationObserver, RotationPlan, RotationStatus};
use crate::domain::credential::SecretPart;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::CredentialKind;
use crate::domain::provider::spec::{RotationSpec, RotationStrategyId};
use crate::domain::rotation::{PlanRequest, RotationId, RotationPurpose};
use crate::domain::{Credential, CredentialId, CredentialName, Problem};
use crate::engine::Engine;
use crate::engine::credentials::random_bytes;

/// The field that names an account which is to be given a further secret.
const ACCOUNT_ID_FIELD: &str = "service_account_id";

/// A credential that is about to be made, and how.
#[derive(Debug, Clone)]
pub struct CreationPlan {
    /// What it will be, as far as that is known.
    pub credential: Credential,
    /// The plan.
    pub plan: RotationPlan,
}

/// A credential that is to be made.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// What to call it. At the provider this name and a mark of the rotation.
    pub name: CredentialName,
    /// The provider's id.
    pub provider: String,
    /// The kind's id.
    pub kind: String,
    /// The region's id.
    pub region: String,
    /// What is known beforehand, such as `org_id` and `role_id`. With `service_account_id`, an account that exists is
    /// given a further secret; an app is always one that exists.
    pub fields: BTreeMap<String, String>,
    /// Labels.
    pub labels: Vec<String>,
    /// One to take everything else from.
    pub template: Option<Credential>,
    /// Which credential makes it.
    pub administrator: CredentialId,
    /// Why, in a person's own words; may be empty.
    pub reason: String,
}

impl Engine {
    /// Makes a credential at its provider and keeps it. Where nothing comes of it, nothing is left of it.
    pub async fn create_credential(
        &self,
        creation: CreationPlan,
        audience: RotationObserver<'_>,
    ) -> Result<RotationStatus, Problem> {
        self.open_and_run_rotation(
            creation.plan,
            CredentialState::New(Box::new(creation.credential)),
            audience,
        )
        .await
    }

    /// What making a credential will do, and what it will be. Nothing is sent and nothing is written.
    pub async fn plan_creation(&self, wish: CreateRequest) -> Result<CreationPlan, Problem> {
        self.check_changes_allowed()?;
        self.ensure_name_free(&wish.name).await?;
        let kind = self.catalog.kind(&wish.provider, &wish.kind)?;
        let Some((strategy, part)) = creation_strategy(kind, &wish.fields) else {
            return Err(creation_unsupported(kind));
        };
        let (administrator, reason) = (wish.administrator.clone(), wish.reason.clone());
        let draft = self.draft_credential(wish)?;
        self.check_administrator_region(&draft, &self.credential_by_id(&administrator).await?)?;
        let plan = RotationPlan::new(PlanRequest {
            rotation: RotationId::from_random(random_bytes()?),
            purpose: RotationPurpose::Create,
            credential: &draft,
            kind,
            part,
            replacement: &RotationSpec { strategy, overlap: true, manual_steps: String::new() },
            consumers: Vec::new(),
            administrator: Some(administrator),
        });
        Ok(CreationPlan { credential: draft, plan: plan.with_reason(reason) })
    }

    fn draft_credential(&self, wish: CreateRequest) -> Result<Credential, Problem> {
        let mut fields = wish.template.map(|like| like.fields).unwrap_or_default();
        fields.extend(wish.fields);
        Ok(Credential {
            id: CredentialId::from_random(random_bytes()?),
            region: self.catalog.region(&wish.provider, &wish.region)?.id.clone(),
            name: wish.name,
            provider: wish.provider,
            kind: wish.kind,
            fields,
            labels: wish.labels,
            created: self.now(),
            expires: None,
            fingerprint: None,
            principal: None,
            scheme: None,
            last_check: None,
        })
    }
}

/// How a credential of this kind is made, and which part of its secret material comes of it; nothing where only a person
/// can make it.
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
        // A sign-in takes a person; what the program can make is the app's own secret, with which one signs in.
        P::SnykAppSession => further(P::SnykAppSecret)
            .map(|part| (P::SnykAppSecret, SecretPart::Named(part.id.clone()))),
        P::Manual | P::SnykPersonalAccessToken | P::SnykAppSecret => None,
    }
}

fn creation_unsupported(kind: &CredentialKind) -> Problem {
    let why = format!("the provider has no API that makes a {}", kind.title);
    let remedy = "make it on the provider's page, then keep it with `tokenring add`";
    Problem::new("No credential was made", why, remedy).with_class(ProblemClass::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::ProviderCatalog;

    #[test]
    fn what_can_be_made_depends_on_the_kind_and_on_what_exists() {
        let catalogue = ProviderCatalog::builtin();
        let with = |provider: &str, kind: &str, fields: &[&str]| {
            let fields = fields.iter().map(|id| ((*id).to_owned(), "x".to_owned())).collect();
            creation_strategy(catalogue.kind(provider, kind).unwrap(), &fields)
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
