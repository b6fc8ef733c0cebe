//! Rotation strategy for a sign-in to a Snyk App: the user creates a new session in the browser,
//! and the refresh token of the old one is revoked by its value.
//!
//! Start at [`AppSessionStrategy`]; the sign-in itself is in `rotation::sign_in`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    ManagementClient, NewRemoteSecret, RevocationHandle, RevocationResponse, RotationStrategy,
    fail_permanently, failure_from_problem,
};
use crate::domain::Secret;
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::rotation::{RemoteCredential, StepFailure, StepFailureKind};
use crate::engine::requests::access_tokens::SendError;
use crate::engine::rotation::StepResult;
use crate::engine::rotation::probe::{ProbeResult, unnamed_principal};
use crate::net::oauth::exchange::TokenExchangeError;

/// Strategy for a sign-in session.
pub(super) struct AppSessionStrategy;

#[async_trait]
impl RotationStrategy for AppSessionStrategy {
    async fn find_existing(
        &self,
        _client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>> {
        Ok(Vec::new())
    }

    async fn list(&self, _client: &ManagementClient<'_>) -> StepResult<Vec<RemoteCredential>> {
        fail_permanently("Snyk does not list refresh tokens")
    }

    /// Fails: the driver exchanges the code of a sign-in itself.
    async fn create_secret(
        &self,
        _client: &ManagementClient<'_>,
        _name: &str,
    ) -> StepResult<NewRemoteSecret> {
        fail_permanently("only the user can sign in")
    }

    async fn revoke(
        &self,
        client: &ManagementClient<'_>,
        handle: RevocationHandle<'_>,
    ) -> StepResult<RevocationResponse> {
        let RevocationHandle::ByValue(refresh_token) = handle else {
            return fail_permanently("a session can only be revoked by its refresh token");
        };
        let parts = read_parts(client).await?;
        let region = client.bound_region().await?;
        let exchange = client.service.requests.token_exchange(
            &client.credential.fields,
            client.kind,
            region,
            refresh_token,
            &parts,
        );
        exchange
            .revoke(client.service.transport.as_ref())
            .await
            .map(|()| RevocationResponse::Accepted)
            .map_err(|error| failure_from_revocation(&error))
    }

    /// Sends the refresh token to the token endpoint. The access token that was issued for it
    /// still works after the revocation, so only `invalid_grant` shows that the sign-in is revoked.
    async fn probe_revoked(
        &self,
        client: &ManagementClient<'_>,
        slot: SecretSlot,
    ) -> StepResult<Option<ProbeResult>> {
        let refreshed = client
            .service
            .requests
            .spend_refresh_token(&client.credential, client.kind, client.region, slot)
            .await;
        match refreshed {
            // The endpoint names no principal.
            Ok(_) => Ok(Some(ProbeResult::Identified(unnamed_principal()))),
            Err(SendError::Exchange(error))
                if error.oauth_code().as_deref() == Some("invalid_grant") =>
            {
                Ok(Some(ProbeResult::Refused(error.to_string())))
            }
            // Any other refusal, such as that of the app's client secret, proves nothing about the
            // sign-in.
            Err(SendError::Exchange(error @ TokenExchangeError::Refused { .. })) => {
                fail_permanently(error.to_string())
            }
            Err(SendError::Problem(problem)) => Err(failure_from_problem(&problem)),
            Err(other) => {
                let why = crate::domain::Problem::from(other).why;
                Err(StepFailure::new(StepFailureKind::Retryable, why))
            }
        }
    }
}

async fn read_parts(client: &ManagementClient<'_>) -> StepResult<BTreeMap<String, Arc<Secret>>> {
    let mut parts = BTreeMap::new();
    for part in &client.kind.parts {
        match client
            .service
            .secrets
            .load_secret(&client.credential, &SecretPart::Named(part.id.clone()))
            .await
        {
            Ok(secret) => drop(parts.insert(part.id.clone(), Arc::new(secret))),
            Err(problem) if problem.class == crate::domain::problem::ProblemClass::NotFound => {}
            Err(problem) => return Err(failure_from_problem(&problem)),
        }
    }
    Ok(parts)
}

fn failure_from_revocation(error: &TokenExchangeError) -> StepFailure {
    let kind = match error {
        TokenExchangeError::Net(_) => StepFailureKind::Retryable,
        TokenExchangeError::OutcomeUnknown(_) | TokenExchangeError::UnexpectedStatus { .. } => {
            StepFailureKind::OutcomeUnknown
        }
        _ => StepFailureKind::Refused,
    };
    StepFailure::new(kind, error.to_string())
}
