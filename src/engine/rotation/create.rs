//! Creation of a credential at its provider, straight into the store: the draft of the credential
//! and the plan that creates it.
//!
//! The index row and the first journal line are written together, before any request goes to the
//! provider. So the rotation is always visible and can be resumed or rolled back. Start at
//! `RotationService::plan_creation`, then `RotationService::create_credential`.
//!
//! Undoing a creation whose secret cannot be stored, while this process still holds the secret.
//!
//! Once the process has ended, a secret that the provider identifies only by its value can no longer
//! be revoked. Start at `RotationDriver::store_or_undo`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::driver::RotationDriver;
use super::start::CredentialState;
use super::strategies::{ManagementClient, NewRemoteSecret, RevocationHandle, strategy_for};
use super::{RotationObserver, RotationPlan, RotationStatus, StepResult};
use crate::domain::credential::SecretSlot;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::CredentialKind;
use crate::domain::provider::spec::RotationSpec;
use crate::domain::rotation::{
    PlanRequest, RevocationKey, RotationId, RotationPurpose, StepFailure, StepFailureKind,
    creation_strategy,
};
use crate::domain::{Credential, CredentialId, CredentialName, Problem, Secret};
use crate::engine::credentials::metadata::{clean_fields, clean_labels};
use crate::engine::ports::random_bytes;
use crate::engine::rotation::RotationService;
use crate::engine::secrets::bound_secrets::KEY_FILE_FIELD;

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

fn creation_unsupported(kind: &CredentialKind) -> Problem {
    let why = format!("the provider has no API to create a {}", kind.title);
    let remedy = "create it on the provider's page, then store it with `tokenring add`";
    Problem::new("No credential was created", why, remedy).with_class(ProblemClass::Usage)
}

/// How often the store is asked to keep a new secret before its creation is undone.
const STORE_ATTEMPTS: usize = 2;

impl RotationDriver<'_> {
    /// Stores a new secret in the slot `pending`. If the store does not keep it, deletes it at the
    /// provider, by its ID or by its value. If that fails too, the secret is returned, and `Stage`
    /// tries to store it again.
    ///
    /// # Errors
    ///
    /// Returns why the store did not keep the secret. Nothing new exists then.
    pub(super) async fn store_or_undo(
        &self,
        client: &ManagementClient<'_>,
        created: NewRemoteSecret,
    ) -> StepResult<NewRemoteSecret> {
        let Err(refusal) = self.store_pending(&created.secret).await else { return Ok(created) };
        let NewRemoteSecret { secret, remote } = created;
        let secret = Arc::new(secret);
        let handle = match self.plan().strategy_traits().revocation_key {
            RevocationKey::ByValue => RevocationHandle::ByValue(&secret),
            RevocationKey::ById => RevocationHandle::ById(&remote),
        };
        if let Err(failure) = strategy_for(self.plan().strategy).revoke(client, handle).await {
            tracing::warn!(
                store = refusal.why,
                provider = failure.why,
                "the new secret is neither stored nor deleted"
            );
            let in_doubt = || StepFailure::new(StepFailureKind::OutcomeUnknown, refusal.why);
            let secret = Arc::into_inner(secret).ok_or_else(in_doubt)?;
            return Ok(NewRemoteSecret { secret, remote });
        }
        // A creation that cannot succeed ends; a rotation tries again.
        let kind = match self.plan().purpose {
            RotationPurpose::Create => StepFailureKind::Refused,
            RotationPurpose::Replace | RotationPurpose::Revoke => StepFailureKind::Retryable,
        };
        let why = format!("{}; the new secret was deleted at the provider again", refusal.why);
        Err(StepFailure::new(kind, why))
    }

    /// Stores a new secret, and looks whether the store has it after a write that failed: a write
    /// without a response may have taken effect.
    async fn store_pending(&self, secret: &Secret) -> StepResult<()> {
        let mut written = Ok(());
        for _ in 0..STORE_ATTEMPTS {
            written = self.write_slot(SecretSlot::Pending, secret).await;
            let is_stored = written.is_ok()
                || matches!(
                    self.read_slot(SecretSlot::Pending).await,
                    Ok(Some(stored)) if stored.same_as(secret)
                );
            if is_stored {
                return Ok(());
            }
        }
        written
    }
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
}
