//! Rotation strategies: the state machine's actions at each provider, one strategy for every way to
//! rotate.
//!
//! A strategy knows endpoints and bodies, but not the order of steps, the journal or the slots. What
//! is data about it is its row in `domain::strategy::table`.
//! What the provider cannot do falls back to the user, which is what each method's default
//! expresses. Start at [`RotationStrategy`] and `strategy_for`.
//!
//! Manual rotation strategy, for providers without an API: the user creates, finds and revokes.
//!
//! Every method fails permanently or returns nothing, which makes the state machine ask the user.

mod api_web_key;
mod app_secret;
mod app_session;
mod management_client;
mod personal_access_token;
mod service_account;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
pub(in crate::engine) use management_client::{
    ManagementClient, ManagementResponse, failure_from_problem,
};

use super::StepResult;
use super::probe::ProbeResult;
use crate::domain::Secret;
use crate::domain::credential::SecretSlot;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::rotation::{RemoteCredential, StepFailure, StepFailureKind};
use crate::engine::rotation::strategies;

/// A secret that a provider has just created, and its data there.
pub(in crate::engine) struct NewRemoteSecret {
    /// The secret.
    pub secret: Secret,
    /// What the secret is at the provider.
    pub remote: RemoteCredential,
}

/// Something to revoke.
pub(in crate::engine) enum RevocationHandle<'a> {
    /// By its ID.
    ById(&'a RemoteCredential),
    /// By its value.
    ByValue(&'a Arc<Secret>),
}

/// Response to a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum RevocationResponse {
    /// The provider revoked the secret.
    Accepted,
    /// The provider reports that there is no such secret, which only a probe can confirm.
    NotFound,
}

/// How one kind of credential is created, found and revoked at its provider.
#[async_trait]
pub(in crate::engine) trait RotationStrategy: Send + Sync {
    /// Returns what the credential may be at the provider; a single item where that is certain.
    async fn find_existing(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>>;

    /// Lists everything of this type at the provider.
    async fn list(&self, client: &ManagementClient<'_>) -> StepResult<Vec<RemoteCredential>>;

    /// Creates a new secret.
    async fn create_secret(
        &self,
        client: &ManagementClient<'_>,
        name: &str,
    ) -> StepResult<NewRemoteSecret>;

    /// Revokes a secret.
    async fn revoke(
        &self,
        client: &ManagementClient<'_>,
        handle: RevocationHandle<'_>,
    ) -> StepResult<RevocationResponse>;

    /// Returns the roles of the item with this ID; `None` where the provider does not report them.
    async fn fetch_roles(
        &self,
        _client: &ManagementClient<'_>,
        _id: &str,
    ) -> StepResult<Option<BTreeSet<String>>> {
        Ok(None)
    }

    /// Probes the secret in a slot, where that differs from the kind's check; `None` where it does
    /// not.
    async fn probe_slot(
        &self,
        _client: &ManagementClient<'_>,
        _slot: SecretSlot,
    ) -> StepResult<Option<ProbeResult>> {
        Ok(None)
    }

    /// Sends the secret in a slot after its revocation, where a probe of the API would not show
    /// whether it is revoked; `None` where it would.
    async fn probe_revoked(
        &self,
        _client: &ManagementClient<'_>,
        _slot: SecretSlot,
    ) -> StepResult<Option<ProbeResult>> {
        Ok(None)
    }

    /// Returns missing fields of the credential that later steps need and that the provider
    /// reports.
    async fn discover_missing_fields(
        &self,
        _client: &ManagementClient<'_>,
    ) -> StepResult<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }
}

/// Returns the strategy with this ID.
pub(in crate::engine) fn strategy_for(plan: RotationStrategyId) -> &'static dyn RotationStrategy {
    match plan {
        RotationStrategyId::Manual => &strategies::ManualStrategy,
        RotationStrategyId::SnykPersonalAccessToken => {
            &personal_access_token::PersonalAccessTokenStrategy
        }
        RotationStrategyId::SnykServiceAccount => &service_account::ServiceAccountStrategy,
        RotationStrategyId::SnykServiceAccountSecret => {
            &service_account::ServiceAccountSecretStrategy
        }
        RotationStrategyId::SnykAppSession => &app_session::AppSessionStrategy,
        RotationStrategyId::SnykAppSecret => &app_secret::AppSecretStrategy,
        RotationStrategyId::ApiWebKey => &api_web_key::ApiWebKeyStrategy,
    }
}

/// Returns a failure in which nothing happened and a retry would end the same way.
fn fail_permanently<T>(why: impl Into<String>) -> StepResult<T> {
    Err(StepFailure::new(StepFailureKind::Refused, why))
}

/// Returns the entry for the list of what was not copied from a template that could not be read.
fn unreadable_template(status: u16) -> String {
    format!(
        "properties that only the provider knows, because the old one could not be read ({status})"
    )
}

/// Parses a time as providers write it.
fn parse_timestamp(text: Option<&str>) -> Option<crate::domain::Timestamp> {
    crate::domain::Timestamp::parse(text?, &time::format_description::well_known::Rfc3339).ok()
}

const NO_API_REASON: &str = "the provider has no API for it";

/// Strategy in which the user does everything.
pub(in crate::engine::rotation::strategies) struct ManualStrategy;

#[async_trait]
impl RotationStrategy for ManualStrategy {
    async fn find_existing(
        &self,
        _client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>> {
        Ok(Vec::new())
    }

    async fn list(&self, _client: &ManagementClient<'_>) -> StepResult<Vec<RemoteCredential>> {
        fail_permanently(NO_API_REASON)
    }

    async fn create_secret(
        &self,
        _client: &ManagementClient<'_>,
        _name: &str,
    ) -> StepResult<NewRemoteSecret> {
        fail_permanently(NO_API_REASON)
    }

    async fn revoke(
        &self,
        _client: &ManagementClient<'_>,
        _handle: RevocationHandle<'_>,
    ) -> StepResult<RevocationResponse> {
        fail_permanently(NO_API_REASON)
    }
}
