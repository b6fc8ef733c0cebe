//! Rotation strategy for the client secret of a Snyk App, of which two may be live at a time.
//!
//! The sign-ins to the app outlive the client secret, and this strategy touches none of them: to
//! see whether a client secret works, it sends the secret with a refresh token that was never
//! issued. Start at [`AppSecretStrategy`].

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::management_client::{
    ManagementBody, ManagementRequest, SECRET_PLACEHOLDER, failure_from_problem,
};
use super::{
    ManagementClient, ManagementResponse, NewRemoteSecret, RevocationHandle, RevocationResponse,
    RotationStrategy, fail_permanently, parse_timestamp,
};
use crate::domain::Secret;
use crate::domain::credential::{Principal, SecretPart, SecretSlot};
use crate::domain::request::HttpMethod;
use crate::domain::rotation::{RemoteCredential, StepFailure, StepFailureKind};
use crate::engine::ports::random_bytes;
use crate::engine::rotation::StepResult;
use crate::engine::rotation::probe::ProbeResult;
use crate::net::oauth::exchange::TokenExchangeError;
use crate::net::oauth::grants::ClientRecognition;
use crate::store::StoreError;
use crate::util::hex::to_hex;

/// Name of the JSON member and of the secret part that hold the client secret.
const CLIENT_SECRET: &str = "client_secret";

/// Strategy for a client secret of an app.
pub(super) struct AppSecretStrategy;

#[async_trait]
impl RotationStrategy for AppSecretStrategy {
    /// Returns the app, to which both secrets belong.
    async fn find_existing(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>> {
        let response = client
            .call(ManagementRequest::for_snyk(
                HttpMethod::Get,
                app_path(client)?,
                ManagementBody::Empty,
            ))
            .await?
            .require_success()?;
        Ok(remote_from_json(&response.body["data"]).into_iter().collect())
    }

    async fn list(&self, _client: &ManagementClient<'_>) -> StepResult<Vec<RemoteCredential>> {
        fail_permanently("Snyk does not list client secrets")
    }

    async fn create_secret(
        &self,
        client: &ManagementClient<'_>,
        _name: &str,
    ) -> StepResult<NewRemoteSecret> {
        let mut response = post_secrets_change(
            client,
            ManagementBody::Json(wrap_attributes(&json!({"mode": "create"}))),
        )
        .await?
        .require_created()?;
        let secret = response.take_secret(CLIENT_SECRET)?;
        let Some(remote) = remote_from_json(&response.body["data"]) else {
            return fail_permanently("the response does not name the app");
        };
        Ok(NewRemoteSecret { secret, remote })
    }

    async fn revoke(
        &self,
        client: &ManagementClient<'_>,
        handle: RevocationHandle<'_>,
    ) -> StepResult<RevocationResponse> {
        let RevocationHandle::ByValue(secret) = handle else {
            return fail_permanently("a client secret can only be deleted by its value");
        };
        let body = wrap_attributes(&json!({"mode": "delete", "secret": SECRET_PLACEHOLDER}));
        post_secrets_change(client, ManagementBody::JsonWithSecret(body, secret))
            .await?
            .require_secret_deleted()
    }

    /// Probes the client secret. A client that the provider recognizes proves something only if the
    /// provider rejects a made-up secret in its place.
    async fn probe_slot(
        &self,
        client: &ManagementClient<'_>,
        slot: SecretSlot,
    ) -> StepResult<Option<ProbeResult>> {
        let part = SecretPart::Named(CLIENT_SECRET.to_owned());
        let secret = client.service.secrets.load_slot(&client.credential, slot, &part).await;
        let secret = secret
            .and_then(|found| Ok(found.ok_or(StoreError::NotFound)?))
            .map_err(|problem| failure_from_problem(&problem))?;
        if let ClientRecognition::Rejected(why) = probe_client_secret(client, secret).await? {
            return Ok(Some(ProbeResult::Refused(why)));
        }
        if probe_client_secret(client, fake_secret("cs")?).await? == ClientRecognition::Recognized {
            return fail_permanently(
                "the provider does not distinguish valid from invalid client secrets without using up a sign-in",
            );
        }
        let (id, name) = (app_id(client)?.to_owned(), client.credential.name.to_string());
        Ok(Some(ProbeResult::Identified(Principal { id, name, kind: "app".to_owned() })))
    }
}

/// Sends the app's ID with this client secret to the token endpoint.
async fn probe_client_secret(
    client: &ManagementClient<'_>,
    client_secret: Secret,
) -> StepResult<ClientRecognition> {
    let parts = BTreeMap::from([(CLIENT_SECRET.to_owned(), Arc::new(client_secret))]);
    let fake_token = Arc::new(fake_secret("rt")?);
    let region = client.bound_region().await?;
    let exchange = client.service.requests.token_exchange(
        &client.credential.fields,
        client.kind,
        region,
        &fake_token,
        &parts,
    );
    exchange.probe_client(client.service.transport.as_ref()).await.map_err(|error| {
        let kind = if matches!(error, TokenExchangeError::MissingField(_)) {
            StepFailureKind::Refused
        } else {
            StepFailureKind::Retryable
        };
        StepFailure::new(kind, error.to_string())
    })
}

/// Returns a random secret in the format of Snyk's secrets, which was never issued.
fn fake_secret(what: &str) -> StepResult<Secret> {
    let bytes = random_bytes::<32>().map_err(|problem| failure_from_problem(&problem))?;
    Ok(Secret::from_text(format!("snyk_{what}_{}_v1", to_hex(&bytes))))
}

async fn post_secrets_change(
    client: &ManagementClient<'_>,
    body: ManagementBody<'_>,
) -> StepResult<ManagementResponse> {
    let path = format!("{}/secrets", app_path(client)?);
    client.call(ManagementRequest::for_snyk(HttpMethod::Post, path, body)).await
}

fn wrap_attributes(attributes: &Value) -> Value {
    json!({"data": {"type": "app", "attributes": attributes}})
}

fn app_path(client: &ManagementClient<'_>) -> StepResult<String> {
    match client.field("org_id") {
        Some(org) => Ok(format!("/rest/orgs/{org}/apps/creations/{}", app_id(client)?)),
        None => fail_permanently("the organization of the app is unknown: set the field org_id"),
    }
}

fn app_id<'a>(client: &'a ManagementClient<'_>) -> StepResult<&'a str> {
    client
        .field("app_id")
        .map_or_else(|| fail_permanently("the app's ID is unknown: set the field app_id"), Ok)
}

fn remote_from_json(item: &Value) -> Option<RemoteCredential> {
    let id = item["id"].as_str()?.to_owned();
    let attributes = &item["attributes"];
    let label = attributes["name"].as_str().unwrap_or(&id).to_owned();
    let client =
        attributes["client_id"].as_str().map(|client| ("client_id".to_owned(), client.to_owned()));
    let created = parse_timestamp(attributes["created_at"].as_str());
    Some(RemoteCredential {
        created,
        fields: client.into_iter().collect(),
        ..RemoteCredential::new(id, label)
    })
}
