//! Manual rotation strategy, for providers without an API: the user creates, finds and revokes.
//!
//! Every method fails permanently or returns nothing, which makes the state machine ask the user.

use async_trait::async_trait;

use super::{
    ManagementClient, NewRemoteSecret, RevocationHandle, RevocationResponse, RotationStrategy,
    fail_permanently,
};
use crate::domain::rotation::RemoteCredential;
use crate::engine::rotation::StepResult;

const NO_API_REASON: &str = "the provider has no API for it";

/// Strategy in which the user does everything.
pub(super) struct ManualStrategy;

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
