//! A sign-in to a Snyk App: a new one comes from a person, the old one's refresh token is revoked by its value.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Desk, Doomed, Fresh, Strategy, failure_of, refused};
use crate::domain::Secret;
use crate::domain::credential::SecretPart;
use crate::domain::rotation::{OldSecretSnapshot, RemoteCredential, StepFailure, StepFailureKind};
use crate::engine::rotation::Tried;
use crate::net::exchange::TokenExchangeError;

/// A sign-in.
pub(super) struct Session;

#[async_trait]
impl Strategy for Session {
    async fn candidates(&self, _desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        Ok(Vec::new())
    }

    async fn list(&self, _desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        refused("Snyk does not list refresh tokens")
    }

    /// What a sign-in brings is fetched by whoever waited for the browser.
    async fn mint(&self, _desk: &Desk<'_>, _name: &str) -> Tried<Fresh> {
        refused("a sign-in takes a person")
    }

    async fn remove(&self, desk: &Desk<'_>, doomed: Doomed<'_>) -> Tried<()> {
        let Doomed::Value(refresh_token) = doomed else { return refused("a session is revoked by its refresh token") };
        let parts = parts(desk).await?;
        let exchange = desk.engine.token_exchange(&desk.credential.fields, desk.kind, desk.region, (refresh_token, &parts));
        exchange.revoke(desk.engine.transport.as_ref()).await.map_err(|error| failure(&error))
    }

    async fn recognise(
        &self,
        _desk: &Desk<'_>,
        _hint: Option<&str>,
        _before: Option<&OldSecretSnapshot>,
    ) -> Tried<Option<RemoteCredential>> {
        Ok(None)
    }
}

async fn parts(desk: &Desk<'_>) -> Tried<BTreeMap<String, Arc<Secret>>> {
    let mut parts = BTreeMap::new();
    for part in &desk.kind.parts {
        match desk.engine.load_secret(&desk.credential, &SecretPart::Named(part.id.clone())).await {
            Ok(secret) => drop(parts.insert(part.id.clone(), Arc::new(secret))),
            Err(problem) if problem.class == crate::domain::problem::ProblemClass::NotFound => {}
            Err(problem) => return Err(failure_of(&problem)),
        }
    }
    Ok(parts)
}

fn failure(error: &TokenExchangeError) -> StepFailure {
    let kind = match error {
        TokenExchangeError::Net(_) => StepFailureKind::Retryable,
        TokenExchangeError::OutcomeUnknown(_) | TokenExchangeError::UnexpectedStatus { .. } => StepFailureKind::OutcomeUnknown,
        _ => StepFailureKind::Refused,
    };
    StepFailure::new(kind, error.to_string())
}
