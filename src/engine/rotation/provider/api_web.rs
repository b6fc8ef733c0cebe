//! Keys of Snyk API & Web: `/keys/` makes, lists and deletes them, where the clerk's role allows it; `/api-users/` tells
//! the roles and scopes of a key.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::desk::{Body, Call};
use super::{Desk, Doomed, Fresh, Strategy, Told, refused, single_out};
use crate::domain::request::HttpMethod;
use crate::domain::rotation::{OldSecretSnapshot, RemoteCredential, StepFailureKind};
use crate::engine::rotation::Tried;

/// How many pages of keys are read.
const PAGES: usize = 200;

/// A key.
pub(super) struct Key;

#[async_trait]
impl Strategy for Key {
    async fn candidates(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        let acting = desk.credential.principal.as_ref().filter(|who| who.kind == "api_user").map(|who| who.id.as_str());
        let Some(id) = desk.field("key_id").or(acting) else { return self.own_or_all(desk).await };
        let label = desk.field("key_name").unwrap_or(id).to_owned();
        Ok(vec![RemoteCredential::new(id, label)])
    }

    async fn list(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        let mut found = Vec::new();
        for page in 1..=PAGES {
            let number = page.to_string();
            let query = [("page", number.as_str()), ("length", "50")];
            let call = Call { method: HttpMethod::Get, path: "/keys/".to_owned(), query: &query, body: Body::Empty };
            let told = desk.call(call).await?.successful()?;
            found.extend(told.body["results"].as_array().into_iter().flatten().filter_map(remote));
            let pages = told.body["page_total"].as_u64().and_then(|pages| usize::try_from(pages).ok());
            if pages.is_none_or(|pages| page >= pages) {
                return Ok(found);
            }
        }
        refused("the list of keys does not end")
    }

    async fn mint(&self, desk: &Desk<'_>, name: &str) -> Tried<Fresh> {
        let mut wish = json!({"name": name});
        // Only a key that is known for sure is taken as a pattern: nobody is given the rights of some other one.
        if let [old] = &self.candidates(desk).await?[..] {
            let told = user(desk, &old.id).await?;
            for member in ["user_roles", "labels", "title"] {
                if told.is_success() && told.body[member] != Value::Null {
                    wish[member] = told.body[member].clone();
                }
            }
        }
        if let Some(roles) = desk.field("roles") {
            wish["user_roles"] = read_roles(roles)?;
        }
        if let Some(labels) = desk.field("key_labels") {
            wish["labels"] = words(labels).map(|label| json!({ "name": label })).collect();
        }
        let call = Call { method: HttpMethod::Post, path: "/keys/".to_owned(), query: &[], body: Body::Json(wish) };
        let mut told = desk.call(call).await?.created()?;
        let secret = told.take_secret("key")?;
        let Some(remote) = remote(&told.body) else { return refused("the answer names no key") };
        Ok(Fresh { secret, remote })
    }

    async fn remove(&self, desk: &Desk<'_>, doomed: Doomed<'_>) -> Tried<()> {
        let Doomed::Remote(remote) = doomed else { return refused("a key is deleted by its id") };
        let path = format!("/keys/{}/", remote.id);
        desk.call(Call { method: HttpMethod::Delete, path, query: &[], body: Body::Empty }).await?.deleted()
    }

    async fn recognise(
        &self,
        desk: &Desk<'_>,
        hint: Option<&str>,
        before: Option<&OldSecretSnapshot>,
    ) -> Tried<Option<RemoteCredential>> {
        Ok(single_out(self.list_if_allowed(desk).await?, hint, before))
    }

    async fn roles(&self, desk: &Desk<'_>, id: &str) -> Tried<Option<BTreeSet<String>>> {
        let told = user(desk, id).await?;
        let pairs = told.body["user_roles"].as_array().map(|pairs| pairs.iter().map(pair).collect());
        Ok(pairs.filter(|_| told.is_success()))
    }

    fn fields(&self) -> &'static [&'static str] {
        &["key_id", "key_name"]
    }
}

impl Key {
    /// The key that the secret says it is, where the provider's list has one of that id: nobody confirms that keys go by
    /// the id that they claim, so the claim alone is not enough. Else all of them, for a person to choose from.
    async fn own_or_all(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        let listed = self.list_if_allowed(desk).await?;
        let claimed = desk.engine.claimed_remote_id(&desk.credential).await;
        let own = listed.iter().find(|one| Some(&one.id) == claimed.as_ref()).cloned();
        Ok(own.map_or(listed, |own| vec![own]))
    }

    async fn list_if_allowed(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        match self.list(desk).await {
            Err(failure) if failure.kind == StepFailureKind::Refused => Ok(Vec::new()),
            listed => listed,
        }
    }
}

async fn user(desk: &Desk<'_>, id: &str) -> Tried<Told> {
    let path = format!("/api-users/{id}/");
    desk.call(Call { method: HttpMethod::Get, path, query: &[], body: Body::Empty }).await
}

/// Pairs of a role and where it holds, as a person writes them: `ROLE`, `ROLE team:TEAM` or `ROLE target:TARGET`, with
/// commas between.
fn read_roles(text: &str) -> Tried<Value> {
    words(text).map(read_role).collect()
}

fn read_role(pair: &str) -> Tried<Value> {
    let (role, place) = pair.split_once(char::is_whitespace).unwrap_or((pair, "account"));
    let scope = match place.trim().split_once(':') {
        None if place.trim() == "account" => json!({"tier": "account", "team": null, "target": null}),
        Some((tier @ ("team" | "target"), id)) if !id.is_empty() => {
            let mut scope = json!({"tier": tier, "team": null, "target": null});
            scope[tier] = json!({ "id": id });
            scope
        }
        _ => return refused(format!("\"{pair}\" is no role and scope: write ROLE, ROLE team:TEAM or ROLE target:TARGET")),
    };
    Ok(json!({"role": {"id": role}, "scope": scope}))
}

/// What stands between commas.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// A role and where it holds, as one text.
fn pair(pair: &Value) -> String {
    let scope = &pair["scope"];
    let place = ["team", "target"].iter().find_map(|place| scope[*place]["id"].as_str());
    let words = [pair["role"]["id"].as_str(), scope["tier"].as_str(), place];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn remote(item: &Value) -> Option<RemoteCredential> {
    let id = item["id"].as_str()?.to_owned();
    let label = item["name"].as_str().unwrap_or(&id).to_owned();
    let facts = [("key_id", &id), ("key_name", &label)].map(|(field, value)| (field.to_owned(), value.clone())).into();
    Some(RemoteCredential { fields: facts, ..RemoteCredential::new(id, label) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_scopes_are_read_as_a_person_writes_them() {
        let roles = read_roles("R1, R2 team:T9 , R3 target:X").unwrap();
        assert_eq!(roles.as_array().unwrap().iter().map(pair).collect::<Vec<_>>(), ["R1 account", "R2 team T9", "R3 target X"]);
        for wrong in ["R1 planet:P", "R1 team:", "R1 somewhere"] {
            assert_eq!(read_roles(wrong).unwrap_err().kind, StepFailureKind::Refused, "{wrong}");
        }
    }
}
