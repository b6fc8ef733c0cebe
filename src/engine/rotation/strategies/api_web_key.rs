//! Rotation strategy for keys of Snyk API & Web.
//!
//! `/keys/` creates, lists and deletes keys, where the role of the calling credential allows it;
//! `/api-users/` returns the roles and scopes of a key. Start at [`ApiWebKeyStrategy`].

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::management_client::{ManagementBody, ManagementRequest};
use super::{
    ManagementClient, ManagementResponse, NewRemoteSecret, RevocationHandle, RevocationResponse,
    RotationStrategy, fail_permanently, unreadable_template,
};
use crate::domain::request::HttpMethod;
use crate::domain::rotation::{RemoteCredential, StepFailureKind};
use crate::domain::text::sanitize_line;
use crate::engine::rotation::StepResult;

/// Maximum number of pages of keys to read.
const MAX_KEY_PAGES: usize = 200;

/// Members of an API user that a new key gets from the old one.
const COPIED_MEMBERS: [&str; 3] = ["user_roles", "labels", "title"];

/// Members of an API user that no two keys share, or that every key has.
const OWN_MEMBERS: [&str; 9] = [
    "id",
    "name",
    "key",
    "changed",
    "changed_by",
    "created",
    "created_by",
    "last_login",
    "is_apiuser",
];

/// Strategy for a key.
pub(super) struct ApiWebKeyStrategy;

#[async_trait]
impl RotationStrategy for ApiWebKeyStrategy {
    async fn find_existing(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>> {
        let acting = client
            .credential
            .principal
            .as_ref()
            .filter(|principal| principal.kind == "api_user")
            .map(|principal| principal.id.as_str());
        let Some(id) = client.field("key_id").or(acting) else {
            return self.own_key_or_all(client).await;
        };
        let label = client.field("key_name").unwrap_or(id).to_owned();
        Ok(vec![RemoteCredential::new(id, label)])
    }

    async fn list(&self, client: &ManagementClient<'_>) -> StepResult<Vec<RemoteCredential>> {
        let mut found = Vec::new();
        for page in 1..=MAX_KEY_PAGES {
            let number = page.to_string();
            let query = [("page", number.as_str()), ("length", "50")];
            let call = ManagementRequest {
                method: HttpMethod::Get,
                path: "/keys/".to_owned(),
                query: &query,
                body: ManagementBody::Empty,
            };
            let response = client.call(call).await?.require_success()?;
            found.extend(
                response.body["results"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(remote_from_json),
            );
            let pages =
                response.body["page_total"].as_u64().and_then(|pages| usize::try_from(pages).ok());
            if pages.is_none_or(|pages| page >= pages) {
                return Ok(found);
            }
        }
        fail_permanently("the list of keys has too many pages")
    }

    async fn create_secret(
        &self,
        client: &ManagementClient<'_>,
        name: &str,
    ) -> StepResult<NewRemoteSecret> {
        let mut body = json!({"name": name});
        let mut not_copied = Vec::new();
        // Only a key that is known for certain serves as a template: the new key must not get the
        // rights of another key.
        if let [old] = &self.find_existing(client).await?[..] {
            let response = fetch_api_user(client, &old.id).await?;
            if response.is_success() {
                for member in COPIED_MEMBERS {
                    if response.body[member] != Value::Null {
                        body[member] = response.body[member].clone();
                    }
                }
                not_copied = other_members(&response.body);
            } else {
                not_copied.push(unreadable_template(response.status));
            }
        }
        if let Some(roles) = client.field("roles") {
            body["user_roles"] = parse_roles(roles)?;
        }
        if let Some(labels) = client.field("key_labels") {
            body["labels"] = split_commas(labels).map(|label| json!({ "name": label })).collect();
        }
        let call = ManagementRequest {
            method: HttpMethod::Post,
            path: "/keys/".to_owned(),
            query: &[],
            body: ManagementBody::Json(body),
        };
        let mut response = client.call(call).await?.require_created()?;
        let secret = response.take_secret("key")?;
        let Some(remote) = remote_from_json(&response.body) else {
            return fail_permanently("the response does not name the key");
        };
        Ok(NewRemoteSecret { secret, remote: RemoteCredential { not_copied, ..remote } })
    }

    async fn revoke(
        &self,
        client: &ManagementClient<'_>,
        handle: RevocationHandle<'_>,
    ) -> StepResult<RevocationResponse> {
        let RevocationHandle::ById(remote) = handle else {
            return fail_permanently("a key can only be deleted by its ID");
        };
        let path = format!("/keys/{}/", remote.id);
        client
            .call(ManagementRequest {
                method: HttpMethod::Delete,
                path,
                query: &[],
                body: ManagementBody::Empty,
            })
            .await?
            .require_deleted()
    }

    async fn fetch_roles(
        &self,
        client: &ManagementClient<'_>,
        id: &str,
    ) -> StepResult<Option<BTreeSet<String>>> {
        let response = fetch_api_user(client, id).await?;
        let pairs = response.body["user_roles"]
            .as_array()
            .map(|pairs| pairs.iter().map(describe_role).collect());
        Ok(pairs.filter(|_| response.is_success()))
    }
}

impl ApiWebKeyStrategy {
    /// Returns the key that the secret claims to be, where the provider's list has a key with that
    /// ID. It is not confirmed that the claimed ID is the key's ID, so the claim alone is not
    /// enough. Otherwise returns all keys, for the user to choose from.
    async fn own_key_or_all(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>> {
        let listed = self.list_if_allowed(client).await?;
        let claimed = client.service.classification.claimed_remote_id(&client.credential).await;
        let own = listed.iter().find(|remote| Some(&remote.id) == claimed.as_ref()).cloned();
        Ok(own.map_or(listed, |own| vec![own]))
    }

    async fn list_if_allowed(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>> {
        match self.list(client).await {
            Err(failure) if failure.kind == StepFailureKind::Refused => Ok(Vec::new()),
            listed => listed,
        }
    }
}

/// Returns the names of the members of an API user that are set and that a creation does not take
/// over. A new key is active.
fn other_members(user: &Value) -> Vec<String> {
    let members = user.as_object().into_iter().flatten();
    members
        .filter(|(name, value)| {
            let known = [&COPIED_MEMBERS[..], &OWN_MEMBERS].concat().contains(&name.as_str());
            let is_default = **value == Value::Null
                || **value == json!(name.as_str() == "active")
                || **value == json!("")
                || **value == json!([]);
            !known && !is_default
        })
        .map(|(name, _)| sanitize_line(name))
        .collect()
}

async fn fetch_api_user(client: &ManagementClient<'_>, id: &str) -> StepResult<ManagementResponse> {
    let path = format!("/api-users/{id}/");
    client
        .call(ManagementRequest {
            method: HttpMethod::Get,
            path,
            query: &[],
            body: ManagementBody::Empty,
        })
        .await
}

/// Parses pairs of a role and its scope, as a user writes them: `ROLE`, `ROLE team:TEAM` or `ROLE
/// target:TARGET`, separated by commas.
fn parse_roles(text: &str) -> StepResult<Value> {
    split_commas(text).map(parse_role).collect()
}

fn parse_role(pair: &str) -> StepResult<Value> {
    let (role, place) = pair.split_once(char::is_whitespace).unwrap_or((pair, "account"));
    let scope = match place.trim().split_once(':') {
        None if place.trim() == "account" => {
            json!({"tier": "account", "team": null, "target": null})
        }
        Some((tier @ ("team" | "target"), id)) if !id.is_empty() => {
            let mut scope = json!({"tier": tier, "team": null, "target": null});
            scope[tier] = json!({ "id": id });
            scope
        }
        _ => {
            return fail_permanently(format!(
                "\"{pair}\" is not a role with a scope: write ROLE, ROLE team:TEAM or ROLE target:TARGET"
            ));
        }
    };
    Ok(json!({"role": {"id": role}, "scope": scope}))
}

/// Splits a text at its commas, without empty items.
fn split_commas(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// Formats a role and its scope as one text.
fn describe_role(pair: &Value) -> String {
    let scope = &pair["scope"];
    let place = ["team", "target"].iter().find_map(|place| scope[*place]["id"].as_str());
    let words = [pair["role"]["id"].as_str(), scope["tier"].as_str(), place];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn remote_from_json(item: &Value) -> Option<RemoteCredential> {
    let id = item["id"].as_str()?.to_owned();
    let label = item["name"].as_str().unwrap_or(&id).to_owned();
    let facts = [("key_id", &id), ("key_name", &label)]
        .map(|(field, value)| (field.to_owned(), value.clone()))
        .into();
    Some(RemoteCredential { fields: facts, ..RemoteCredential::new(id, label) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_new_key_does_not_get_is_named() {
        let mut user = json!({"id": "k-1", "name": "ci", "title": "", "active": true, "labels": [],
            "is_apiuser": true, "user_roles": [], "changed": "x", "mfa_enabled": false});
        assert!(other_members(&user).is_empty());
        (user["active"], user["ip_ranges"]) = (false.into(), json!(["10.0.0.0/8"]));
        assert_eq!(other_members(&user), ["active", "ip_ranges"]);
    }

    #[test]
    fn roles_and_scopes_are_read_as_a_user_writes_them() {
        let roles = parse_roles("R1, R2 team:T9 , R3 target:X").unwrap();
        assert_eq!(
            roles.as_array().unwrap().iter().map(describe_role).collect::<Vec<_>>(),
            ["R1 account", "R2 team T9", "R3 target X"]
        );
        for wrong in ["R1 planet:P", "R1 team:", "R1 somewhere"] {
            assert_eq!(parse_roles(wrong).unwrap_err().kind, StepFailureKind::Refused, "{wrong}");
        }
    }
}
