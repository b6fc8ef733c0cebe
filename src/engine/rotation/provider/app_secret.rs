//! The client secret of a Snyk App, of which two may live at a time. The sign-ins to the app outlive it, and none of them
//! is touched here: whether a client secret works is seen by showing it with a refresh token that never was.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::desk::{BLANK, Body, Call, failure_of};
use super::{Desk, Doomed, Fresh, Strategy, Told, known, moment, refused};
use crate::domain::Secret;
use crate::domain::credential::{Principal, SecretPart, SecretSlot};
use crate::domain::request::HttpMethod;
use crate::domain::rotation::{OldSecretSnapshot, RemoteCredential, StepFailure, StepFailureKind};
use crate::domain::text::to_hex;
use crate::engine::keyring::random_bytes;
use crate::engine::rotation::Tried;
use crate::engine::rotation::survey::Use;
use crate::net::exchange::TokenExchangeError;
use crate::net::oauth::ClientRecognition;
use crate::store::ItemKey;

/// The member and the part that hold it.
const CLIENT_SECRET: &str = "client_secret";

/// A client secret of an app.
pub(super) struct AppSecret;

#[async_trait]
impl Strategy for AppSecret {
    /// The app, which both secrets belong to.
    async fn candidates(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        let told = desk.call(Call::snyk(HttpMethod::Get, app(desk)?, Body::Empty)).await?.successful()?;
        Ok(remote(&told.body["data"]).into_iter().collect())
    }

    async fn list(&self, _desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        refused("Snyk does not list client secrets")
    }

    async fn mint(&self, desk: &Desk<'_>, _name: &str) -> Tried<Fresh> {
        let mut told = change(desk, Body::Json(attributes(&json!({"mode": "create"})))).await?.created()?;
        let secret = told.take_secret(CLIENT_SECRET)?;
        let Some(remote) = remote(&told.body["data"]) else { return refused("the answer names no app") };
        Ok(Fresh { secret, remote })
    }

    async fn remove(&self, desk: &Desk<'_>, doomed: Doomed<'_>) -> Tried<()> {
        let Doomed::Value(secret) = doomed else { return refused("a client secret is deleted by its value") };
        let wish = attributes(&json!({"mode": "delete", "secret": BLANK}));
        change(desk, Body::Holding(wish, secret)).await?.secret_deleted()
    }

    async fn recognise(
        &self,
        desk: &Desk<'_>,
        _hint: Option<&str>,
        before: Option<&OldSecretSnapshot>,
    ) -> Tried<Option<RemoteCredential>> {
        Ok(match known(before) {
            [only] => Some(only.clone()),
            _ => self.candidates(desk).await?.into_iter().next(),
        })
    }

    /// A client that is known proves something only where a made-up secret is refused in its place.
    async fn try_slot(&self, desk: &Desk<'_>, slot: SecretSlot) -> Tried<Option<Use>> {
        let part = SecretPart::Named(CLIENT_SECRET.to_owned());
        let secret = desk.engine.store.get(&ItemKey::for_part(&desk.credential.id, slot, &part)).await;
        let secret = secret.map_err(|error| failure_of(&error.into()))?;
        if let ClientRecognition::Rejected(why) = introduce(desk, secret).await? {
            return Ok(Some(Use::Refused(why)));
        }
        if introduce(desk, made_up("cs")?).await? == ClientRecognition::Recognized {
            return refused("the provider does not tell a right client secret from a wrong one without spending a sign-in");
        }
        let (id, name) = (app_id(desk)?.to_owned(), desk.credential.name.to_string());
        Ok(Some(Use::Proven(Principal { id, name, kind: "app".to_owned() })))
    }
}

/// Shows the app with this client secret to the token endpoint.
async fn introduce(desk: &Desk<'_>, client_secret: Secret) -> Tried<ClientRecognition> {
    let parts = BTreeMap::from([(CLIENT_SECRET.to_owned(), Arc::new(client_secret))]);
    let nothing = Arc::new(made_up("rt")?);
    let exchange = desk.engine.token_exchange(&desk.credential.fields, desk.kind, desk.region, (&nothing, &parts));
    exchange.probe_client(desk.engine.transport.as_ref()).await.map_err(|error| {
        let kind = if matches!(error, TokenExchangeError::MissingField(_)) {
            StepFailureKind::Refused
        } else {
            StepFailureKind::Retryable
        };
        StepFailure::new(kind, error.to_string())
    })
}

/// A secret that nobody ever issued, in the form of those that Snyk does.
fn made_up(what: &str) -> Tried<Secret> {
    let bytes = random_bytes::<32>().map_err(|problem| failure_of(&problem))?;
    Ok(Secret::from_text(format!("snyk_{what}_{}_v1", to_hex(&bytes))))
}

async fn change(desk: &Desk<'_>, body: Body<'_>) -> Tried<Told> {
    let path = format!("{}/secrets", app(desk)?);
    desk.call(Call::snyk(HttpMethod::Post, path, body)).await
}

fn attributes(attributes: &Value) -> Value {
    json!({"data": {"type": "app", "attributes": attributes}})
}

fn app(desk: &Desk<'_>) -> Tried<String> {
    match desk.field("org_id") {
        Some(org) => Ok(format!("/rest/orgs/{org}/apps/creations/{}", app_id(desk)?)),
        None => refused("nobody knows which organisation made the app: set the field org_id"),
    }
}

fn app_id<'a>(desk: &'a Desk<'_>) -> Tried<&'a str> {
    desk.field("app_id").map_or_else(|| refused("the app's id is not known: set the field app_id"), Ok)
}

fn remote(item: &Value) -> Option<RemoteCredential> {
    let id = item["id"].as_str()?.to_owned();
    let attributes = &item["attributes"];
    let label = attributes["name"].as_str().unwrap_or(&id).to_owned();
    let client = attributes["client_id"].as_str().map(|client| ("client_id".to_owned(), client.to_owned()));
    let created = moment(attributes["created_at"].as_str());
    Some(RemoteCredential { created, fields: client.into_iter().collect(), ..RemoteCredential::new(id, label) })
}
