//! Rotation strategy for Snyk's personal access tokens: the owner creates them on the web page, and
//! lists and revokes them through the API.
//!
//! Start at [`PersonalAccessTokenStrategy`].

use async_trait::async_trait;
use serde_json::Value;

use super::management_client::{ManagementBody, ManagementRequest};
use super::{
    ManagementClient, NewRemoteSecret, RevocationHandle, RevocationResponse, RotationStrategy,
    fail_permanently, parse_timestamp,
};
use crate::domain::request::HttpMethod;
use crate::domain::rotation::{RemoteCredential, StepFailureKind};
use crate::engine::rotation::StepResult;

const TOKENS_PATH: &str = "/rest/self/personal_access_tokens";

/// Strategy for a personal access token.
pub(super) struct PersonalAccessTokenStrategy;

#[async_trait]
impl RotationStrategy for PersonalAccessTokenStrategy {
    /// Returns the token. An expired token cannot list; then the credential's field is the only
    /// source.
    async fn find_existing(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>> {
        let known = client.field("pat_id");
        match self.list(client).await {
            Ok(list) => Ok(list
                .iter()
                .find(|pat| Some(pat.id.as_str()) == known)
                .cloned()
                .map_or(list, |pat| vec![pat])),
            Err(failure) if failure.kind == StepFailureKind::Refused => {
                Ok(known.map(remote_from_id).into_iter().collect())
            }
            Err(failure) => Err(failure),
        }
    }

    async fn list(&self, client: &ManagementClient<'_>) -> StepResult<Vec<RemoteCredential>> {
        let response = client
            .call(ManagementRequest::for_snyk(
                HttpMethod::Get,
                TOKENS_PATH.to_owned(),
                ManagementBody::Empty,
            ))
            .await?
            .require_success()?;
        Ok(response.body["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(remote_from_json)
            .collect())
    }

    async fn create_secret(
        &self,
        _client: &ManagementClient<'_>,
        _name: &str,
    ) -> StepResult<NewRemoteSecret> {
        fail_permanently("personal access tokens can only be created on Snyk's web page")
    }

    async fn revoke(
        &self,
        client: &ManagementClient<'_>,
        handle: RevocationHandle<'_>,
    ) -> StepResult<RevocationResponse> {
        let RevocationHandle::ById(remote) = handle else {
            return fail_permanently("a personal access token can only be revoked by its ID");
        };
        let path = format!("{TOKENS_PATH}/{}", remote.id);
        client
            .call(ManagementRequest::for_snyk(HttpMethod::Delete, path, ManagementBody::Empty))
            .await?
            .require_deleted()
    }
}

fn remote_from_id(id: &str) -> RemoteCredential {
    RemoteCredential::new(id, id)
}

fn remote_from_json(item: &Value) -> Option<RemoteCredential> {
    let attributes = &item["attributes"];
    let id = item["id"].as_str()?.to_owned();
    let label = attributes["label"].as_str().unwrap_or(&id).to_owned();
    let (created, expires) = (
        parse_timestamp(attributes["created_at"].as_str()),
        parse_timestamp(attributes["expires_at"].as_str()),
    );
    Some(RemoteCredential { created, expires, ..RemoteCredential::new(id, label) })
}
