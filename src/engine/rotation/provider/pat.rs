//! Snyk's personal access tokens: made in the web pages, listed and revoked by API, by their owner.

use async_trait::async_trait;
use serde_json::Value;

use super::desk::{Body, Call};
use super::{Desk, Doomed, Fresh, Strategy, moment, refused, single_out};
use crate::domain::request::HttpMethod;
use crate::domain::rotation::{OldSecretSnapshot, RemoteCredential, StepFailureKind};
use crate::engine::rotation::Tried;

const PATH: &str = "/rest/self/personal_access_tokens";

/// A personal access token.
pub(super) struct PersonalAccessToken;

#[async_trait]
impl Strategy for PersonalAccessToken {
    /// A token that has ended cannot list; then its field is all there is to know.
    async fn candidates(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        let known = desk.field("pat_id");
        match self.list(desk).await {
            Ok(list) => Ok(list.iter().find(|pat| Some(pat.id.as_str()) == known).cloned().map_or(list, |pat| vec![pat])),
            Err(failure) if failure.kind == StepFailureKind::Refused => Ok(known.map(by_id).into_iter().collect()),
            Err(failure) => Err(failure),
        }
    }

    async fn list(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        let told = desk.call(Call::snyk(HttpMethod::Get, PATH.to_owned(), Body::Empty)).await?.successful()?;
        Ok(told.body["data"].as_array().into_iter().flatten().filter_map(remote).collect())
    }

    async fn mint(&self, _desk: &Desk<'_>, _name: &str) -> Tried<Fresh> {
        refused("personal access tokens can only be made in Snyk's web pages")
    }

    async fn remove(&self, desk: &Desk<'_>, doomed: Doomed<'_>) -> Tried<()> {
        let Doomed::Remote(remote) = doomed else { return refused("a personal access token is revoked by its id") };
        let path = format!("{PATH}/{}", remote.id);
        desk.call(Call::snyk(HttpMethod::Delete, path, Body::Empty)).await?.deleted()
    }

    async fn recognise(
        &self,
        desk: &Desk<'_>,
        hint: Option<&str>,
        before: Option<&OldSecretSnapshot>,
    ) -> Tried<Option<RemoteCredential>> {
        Ok(single_out(self.list(desk).await?, hint, before))
    }

    fn fields(&self) -> &'static [&'static str] {
        &["pat_id"]
    }
}

fn by_id(id: &str) -> RemoteCredential {
    RemoteCredential::new(id, id)
}

fn remote(item: &Value) -> Option<RemoteCredential> {
    let attributes = &item["attributes"];
    let id = item["id"].as_str()?.to_owned();
    let label = attributes["label"].as_str().unwrap_or(&id).to_owned();
    let (created, expires) = (moment(attributes["created_at"].as_str()), moment(attributes["expires_at"].as_str()));
    Some(RemoteCredential { created, expires, ..RemoteCredential::new(id, label) })
}
