//! Snyk's service accounts, of an organisation or a group: whole accounts, which carry one token, and the client secrets
//! of one account, of which two may live at a time.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;

use super::desk::{BLANK, Body, Call};
use super::whereabouts::whereabouts;
use super::{Desk, Doomed, Fresh, Strategy, Told, known, moment, refused, single_out};
use crate::domain::provider::AuthMethod;
use crate::domain::request::HttpMethod;
use crate::domain::rotation::{OldSecretSnapshot, RemoteCredential};
use crate::engine::rotation::Tried;

/// The longest life of an access token, by Snyk's documentation.
const LONGEST_LIFE: Duration = Duration::days(365);

/// How many accounts come on one page, and how many pages are read.
const PAGE: &str = "100";
const PAGES: usize = 50;

/// A service account as a whole.
pub(super) struct Account;

/// A client secret of a service account.
pub(super) struct ClientSecret;

#[async_trait]
impl Strategy for Account {
    async fn candidates(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        let id = account_id(desk)?;
        let told = look_up(desk, id).await?;
        match told.status {
            200..300 => Ok(remote(&told.body["data"]).into_iter().collect()),
            404 => Ok(Vec::new()),
            // Without the right to look, the id is still known.
            _ => Ok(vec![RemoteCredential::new(id, id)]),
        }
    }

    async fn list(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        let (path, mut after, mut found) = (accounts(desk)?, None, Vec::new());
        for _ in 0..PAGES {
            let told = page(desk, &path, after.as_deref()).await?;
            found.extend(told.body["data"].as_array().into_iter().flatten().filter_map(remote));
            after = next_page(&told.body);
            if after.is_none() {
                return Ok(found);
            }
        }
        refused("the list of service accounts does not end")
    }

    async fn mint(&self, desk: &Desk<'_>, name: &str) -> Tried<Fresh> {
        // The kind says how the account is to prove itself, where no account is known that it is to be like.
        let by_client = matches!(desk.kind.authorization, AuthMethod::ClientCredentials { .. });
        open_account(desk, name, if by_client { "oauth_client_secret" } else { "access_token" }).await
    }

    async fn remove(&self, desk: &Desk<'_>, doomed: Doomed<'_>) -> Tried<()> {
        let Doomed::Remote(remote) = doomed else { return refused("a service account is deleted by its id") };
        let path = format!("{}/{}", accounts(desk)?, remote.id);
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

    async fn roles(&self, desk: &Desk<'_>, id: &str) -> Tried<Option<BTreeSet<String>>> {
        let told = look_up(desk, id).await?;
        Ok(told.text("/data/attributes/role_id").map(|role| BTreeSet::from([role.to_owned()])))
    }

    async fn untold(&self, desk: &Desk<'_>) -> Tried<BTreeMap<String, String>> {
        whereabouts(desk).await
    }

    fn fields(&self) -> &'static [&'static str] {
        &["service_account_id"]
    }
}

#[async_trait]
impl Strategy for ClientSecret {
    /// The account, which both secrets belong to.
    async fn candidates(&self, desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        Account.candidates(desk).await
    }

    async fn list(&self, _desk: &Desk<'_>) -> Tried<Vec<RemoteCredential>> {
        refused("Snyk does not list client secrets")
    }

    async fn mint(&self, desk: &Desk<'_>, _name: &str) -> Tried<Fresh> {
        let wish = attributes(&json!({"mode": "create"}));
        let mut told = change(desk, Body::Json(wish)).await?.created()?;
        let secret = told.take_secret("client_secret")?;
        let Some(remote) = remote(&told.body["data"]) else { return refused("the answer names no account") };
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

    async fn roles(&self, desk: &Desk<'_>, id: &str) -> Tried<Option<BTreeSet<String>>> {
        Account.roles(desk, id).await
    }

    async fn untold(&self, desk: &Desk<'_>) -> Tried<BTreeMap<String, String>> {
        whereabouts(desk).await
    }
}

/// Makes an account like the one that is known, with `usual` as its way to prove itself where none is known.
async fn open_account(desk: &Desk<'_>, name: &str, usual: &str) -> Tried<Fresh> {
    let order = order(desk, name, usual).await?;
    let call = Call::snyk(HttpMethod::Post, accounts(desk)?, Body::Json(order));
    let mut told = desk.call(call).await?.created()?;
    let auth = attribute(&told, "auth_type").unwrap_or_else(|| usual.to_owned());
    let secret = told.take_secret(if auth.starts_with("oauth") { "client_secret" } else { &auth })?;
    let Some(remote) = remote(&told.body["data"]) else { return refused("the answer names no account") };
    Ok(Fresh { secret, remote })
}

async fn change(desk: &Desk<'_>, body: Body<'_>) -> Tried<Told> {
    let path = format!("{}/{}/secrets", accounts(desk)?, account_id(desk)?);
    desk.call(Call::snyk(HttpMethod::Post, path, body)).await
}

fn attributes(attributes: &Value) -> Value {
    json!({"data": {"type": "service_account", "attributes": attributes}})
}

/// What is to be made: an account like the one that is replaced.
async fn order(desk: &Desk<'_>, name: &str, usual: &str) -> Tried<Value> {
    let old = match account_id(desk) {
        Ok(id) => Some(look_up(desk, id).await?),
        Err(_) => None,
    };
    let known = |id: &str| {
        let told = old.as_ref().and_then(|old| attribute(old, id));
        told.or_else(|| desk.field(id).map(str::to_owned))
    };
    let Some(role) = known("role_id") else { return refused("the role of the account is not known: set the field role_id") };
    let auth = known("auth_type").unwrap_or_else(|| usual.to_owned());
    let mut wish = json!({"name": name, "role_id": role, "auth_type": auth});
    if auth == "access_token" {
        let dates = ["created_at", "access_token_expires_at"].map(|id| moment(known(id).as_deref()));
        wish["access_token_expires_at"] = end(desk, dates).into();
    }
    if let Some(url) = known("jwks_url").filter(|_| auth == "oauth_private_key_jwt") {
        wish["jwks_url"] = url.into();
    }
    Ok(attributes(&wish))
}

/// As long a life as the old one had, within what the provider allows.
fn end(desk: &Desk<'_>, [created, expires]: [Option<crate::domain::Timestamp>; 2]) -> String {
    let now = desk.engine.now();
    let life = created.zip(expires).map_or(LONGEST_LIFE, |(created, expires)| expires - created);
    let life = life.clamp(Duration::DAY, LONGEST_LIFE) - Duration::MINUTE;
    (now + life).replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default()
}

async fn look_up(desk: &Desk<'_>, id: &str) -> Tried<Told> {
    let path = format!("{}/{id}", accounts(desk)?);
    desk.call(Call::snyk(HttpMethod::Get, path, Body::Empty)).await
}

async fn page(desk: &Desk<'_>, path: &str, after: Option<&str>) -> Tried<Told> {
    let mut query = vec![("version", "2024-10-15"), ("limit", PAGE)];
    query.extend(after.map(|after| ("starting_after", after)));
    desk.call(Call { method: HttpMethod::Get, path: path.to_owned(), query: &query, body: Body::Empty }).await?.successful()
}

/// The cursor of the next page. Snyk writes the link in four forms; the cursor is the same in each.
pub(in crate::engine) fn next_page(body: &Value) -> Option<String> {
    let next = &body["links"]["next"];
    let link = next.as_str().or_else(|| next["href"].as_str())?;
    let (_, query) = link.split_once('?')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "starting_after").map(|(_, cursor)| cursor.into_owned())
}

/// The path of the accounts beside which this one lives.
pub(super) fn accounts(desk: &Desk<'_>) -> Tried<String> {
    let (org, group) = (desk.field("org_id"), desk.field("group_id"));
    match (desk.field("level"), org, group) {
        (Some("group"), _, Some(group)) | (None, None, Some(group)) => Ok(format!("/rest/groups/{group}/service_accounts")),
        (_, Some(org), _) => Ok(format!("/rest/orgs/{org}/service_accounts")),
        _ => refused("nobody knows where the account lives: set the field org_id, or level=group and group_id"),
    }
}

/// The account's id: from its field, or from whom it acts as.
pub(super) fn account_id<'a>(desk: &'a Desk<'_>) -> Tried<&'a str> {
    let acting = desk.credential.principal.as_ref().filter(|who| who.kind == "service_account").map(|who| who.id.as_str());
    match desk.field("service_account_id").or(acting) {
        Some(id) => Ok(id),
        None => refused("the account's id is not known: set the field service_account_id, or check the credential"),
    }
}

fn attribute(told: &Told, id: &str) -> Option<String> {
    told.text(&format!("/data/attributes/{id}")).map(str::to_owned)
}

fn remote(item: &Value) -> Option<RemoteCredential> {
    let id = item["id"].as_str()?.to_owned();
    let attributes = &item["attributes"];
    let label = attributes["name"].as_str().unwrap_or(&id).to_owned();
    let known = ["role_id", "auth_type", "client_id"].into_iter();
    let told = known.filter_map(|field| Some((field.to_owned(), attributes[field].as_str()?.to_owned())));
    Some(RemoteCredential {
        created: moment(attributes["created_at"].as_str()),
        expires: moment(attributes["access_token_expires_at"].as_str()),
        fields: told.chain([("service_account_id".to_owned(), id.clone())]).collect(),
        ..RemoteCredential::new(id, label)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_found_in_every_form_of_link() {
        for link in ["/orgs/x?limit=10&starting_after=a%3Db", "http://h.example/rest/orgs/x?starting_after=a%3Db&limit=10"] {
            assert_eq!(next_page(&json!({"links": {"next": link}})).as_deref(), Some("a=b"));
            assert_eq!(next_page(&json!({"links": {"next": {"href": link}}})).as_deref(), Some("a=b"));
        }
        assert_eq!(next_page(&json!({"links": {"self": "/x"}})), None);
    }
}
