//! Rotation strategies for Snyk's service accounts, of an organization or a group.
//!
//! One strategy rotates whole accounts, which have one token; the other rotates the client secrets
//! of one account, of which two may be live at a time. Start at [`ServiceAccountStrategy`] and
//! [`ServiceAccountSecretStrategy`].
//!
//! Search for the organization or group of a service account whose fields do not name it.
//!
//! The organizations that the account can see lead to its organization or group, and only a
//! response that contains the account itself counts. Start at `locate_account`.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;

use super::management_client::{ManagementBody, ManagementRequest, SECRET_PLACEHOLDER};
use super::{
    ManagementClient, ManagementResponse, NewRemoteSecret, RevocationHandle, RevocationResponse,
    RotationStrategy, fail_permanently, parse_timestamp, unreadable_template,
};
use crate::domain::credential::SecretSlot;
use crate::domain::provider::AuthMethod;
use crate::domain::request::HttpMethod;
use crate::domain::rotation::RemoteCredential;
use crate::domain::text::sanitize_line;
use crate::engine::rotation::StepResult;
use crate::engine::rotation::probe::VisibleAccess;

/// Maximum lifetime of an access token, according to Snyk's documentation.
const MAX_TOKEN_LIFETIME: Duration = Duration::days(365);

/// Number of accounts per page, and maximum number of pages to read.
const PAGE_SIZE: &str = "100";
const MAX_ACCOUNT_PAGES: usize = 50;

/// Attributes that name an account or its secret, or that depend on the time of its creation: no
/// two accounts have the same.
const OWN_ATTRIBUTES: [&str; 7] = [
    "name",
    "created_at",
    "client_id",
    "client_secret",
    "api_key",
    "access_token",
    "access_token_expires_at",
];

/// Strategy for a whole service account.
pub(super) struct ServiceAccountStrategy;

/// Strategy for a client secret of a service account.
pub(super) struct ServiceAccountSecretStrategy;

#[async_trait]
impl RotationStrategy for ServiceAccountStrategy {
    async fn find_existing(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>> {
        let id = account_id(client)?;
        let response = fetch_account(client, id).await?;
        match response.status {
            200..300 => Ok(remote_from_json(&response.body["data"]).into_iter().collect()),
            404 => Ok(Vec::new()),
            // Without permission to read the account, its ID is still known.
            _ => Ok(vec![RemoteCredential::new(id, id)]),
        }
    }

    async fn list(&self, client: &ManagementClient<'_>) -> StepResult<Vec<RemoteCredential>> {
        let (path, mut after, mut found) = (accounts_path(client)?, None, Vec::new());
        for _ in 0..MAX_ACCOUNT_PAGES {
            let response = fetch_account_page(client, &path, after.as_deref()).await?;
            found.extend(
                response.body["data"].as_array().into_iter().flatten().filter_map(remote_from_json),
            );
            after = next_page_cursor(&response.body);
            if after.is_none() {
                return Ok(found);
            }
        }
        fail_permanently("the list of service accounts has too many pages")
    }

    async fn create_secret(
        &self,
        client: &ManagementClient<'_>,
        name: &str,
    ) -> StepResult<NewRemoteSecret> {
        // The kind determines how the account authenticates, where no existing account serves as a
        // template.
        let by_client = matches!(client.kind.authorization, AuthMethod::ClientCredentials { .. });
        create_account(client, name, if by_client { "oauth_client_secret" } else { "access_token" })
            .await
    }

    async fn revoke(
        &self,
        client: &ManagementClient<'_>,
        handle: RevocationHandle<'_>,
    ) -> StepResult<RevocationResponse> {
        let RevocationHandle::ById(remote) = handle else {
            return fail_permanently("a service account can only be deleted by its ID");
        };
        let path = format!("{}/{}", accounts_path(client)?, remote.id);
        client
            .call(ManagementRequest::for_snyk(HttpMethod::Delete, path, ManagementBody::Empty))
            .await?
            .require_deleted()
    }

    async fn fetch_roles(
        &self,
        client: &ManagementClient<'_>,
        id: &str,
    ) -> StepResult<Option<BTreeSet<String>>> {
        let response = fetch_account(client, id).await?;
        Ok(response
            .text_at("/data/attributes/role_id")
            .map(|role| BTreeSet::from([role.to_owned()])))
    }

    async fn discover_missing_fields(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<BTreeMap<String, String>> {
        locate_account(client).await
    }
}

#[async_trait]
impl RotationStrategy for ServiceAccountSecretStrategy {
    /// Returns the account, to which both secrets belong.
    async fn find_existing(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<Vec<RemoteCredential>> {
        ServiceAccountStrategy.find_existing(client).await
    }

    async fn list(&self, _client: &ManagementClient<'_>) -> StepResult<Vec<RemoteCredential>> {
        fail_permanently("Snyk does not list client secrets")
    }

    async fn create_secret(
        &self,
        client: &ManagementClient<'_>,
        _name: &str,
    ) -> StepResult<NewRemoteSecret> {
        let body = wrap_attributes(&json!({"mode": "create"}));
        let mut response =
            post_secrets_change(client, ManagementBody::Json(body)).await?.require_created()?;
        let secret = response.take_secret("client_secret")?;
        let Some(remote) = remote_from_json(&response.body["data"]) else {
            return fail_permanently("the response does not name the account");
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

    async fn fetch_roles(
        &self,
        client: &ManagementClient<'_>,
        id: &str,
    ) -> StepResult<Option<BTreeSet<String>>> {
        ServiceAccountStrategy.fetch_roles(client, id).await
    }

    async fn discover_missing_fields(
        &self,
        client: &ManagementClient<'_>,
    ) -> StepResult<BTreeMap<String, String>> {
        locate_account(client).await
    }
}

/// Creates an account like the known one; `default_auth_type` is for where none is known.
async fn create_account(
    client: &ManagementClient<'_>,
    name: &str,
    default_auth_type: &str,
) -> StepResult<NewRemoteSecret> {
    let template = match account_id(client) {
        Ok(id) => Some(fetch_account(client, id).await?),
        Err(_) => None,
    };
    let body = account_request_body(client, template.as_ref(), name, default_auth_type)?;
    let call = ManagementRequest::for_snyk(
        HttpMethod::Post,
        accounts_path(client)?,
        ManagementBody::Json(body),
    );
    let mut response = client.call(call).await?.require_created()?;
    let auth =
        text_attribute(&response, "auth_type").unwrap_or_else(|| default_auth_type.to_owned());
    let secret =
        response.take_secret(if auth.starts_with("oauth") { "client_secret" } else { &auth })?;
    let Some(remote) = remote_from_json(&response.body["data"]) else {
        return fail_permanently("the response does not name the account");
    };
    let not_copied = template.map_or_else(Vec::new, |template| match template.status {
        200..300 => missing_properties(
            &template.body["data"]["attributes"],
            &response.body["data"]["attributes"],
        ),
        status => vec![unreadable_template(status)],
    });
    Ok(NewRemoteSecret { secret, remote: RemoteCredential { not_copied, ..remote } })
}

/// Returns the names of the template's attributes that the new account has not, or has with
/// another value.
fn missing_properties(template: &Value, created: &Value) -> Vec<String> {
    let attributes = template.as_object().into_iter().flatten();
    attributes
        .filter(|(id, value)| {
            !value.is_null()
                && !OWN_ATTRIBUTES.contains(&id.as_str())
                && created[id.as_str()] != **value
        })
        .map(|(id, _)| sanitize_line(id))
        .collect()
}

async fn post_secrets_change(
    client: &ManagementClient<'_>,
    body: ManagementBody<'_>,
) -> StepResult<ManagementResponse> {
    let path = format!("{}/{}/secrets", accounts_path(client)?, account_id(client)?);
    client.call(ManagementRequest::for_snyk(HttpMethod::Post, path, body)).await
}

fn wrap_attributes(attributes: &Value) -> Value {
    json!({"data": {"type": "service_account", "attributes": attributes}})
}

/// Builds the request body for an account like the one that is rotated.
fn account_request_body(
    client: &ManagementClient<'_>,
    template: Option<&ManagementResponse>,
    name: &str,
    default_auth_type: &str,
) -> StepResult<Value> {
    let known = |id: &str| {
        let value = template.and_then(|template| text_attribute(template, id));
        value.or_else(|| client.field(id).map(str::to_owned))
    };
    let Some(role) = known("role_id") else {
        return fail_permanently("the role of the account is unknown: set the field role_id");
    };
    let auth = known("auth_type").unwrap_or_else(|| default_auth_type.to_owned());
    let mut body = json!({"name": name, "role_id": role, "auth_type": auth});
    if auth == "access_token" {
        let date = |id: &str| parse_timestamp(known(id).as_deref());
        body["access_token_expires_at"] =
            new_token_expiry(client, date("created_at"), date("access_token_expires_at")).into();
    }
    if let Some(url) = known("jwks_url").filter(|_| auth == "oauth_private_key_jwt") {
        body["jwks_url"] = url.into();
    }
    let lifetime = template.and_then(|template| {
        template.body.pointer("/data/attributes/access_token_ttl_seconds")?.as_u64()
    });
    if let Some(seconds) = lifetime.filter(|_| auth.starts_with("oauth")) {
        body["access_token_ttl_seconds"] = seconds.into();
    }
    Ok(wrap_attributes(&body))
}

/// Returns the expiry that gives the new token the lifetime of the old one, within the provider's
/// limit.
fn new_token_expiry(
    client: &ManagementClient<'_>,
    created: Option<crate::domain::Timestamp>,
    expires: Option<crate::domain::Timestamp>,
) -> String {
    let now = client.service.clock.now();
    let lifetime =
        created.zip(expires).map_or(MAX_TOKEN_LIFETIME, |(created, expires)| expires - created);
    let lifetime = lifetime.clamp(Duration::DAY, MAX_TOKEN_LIFETIME) - Duration::MINUTE;
    (now + lifetime).replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default()
}

async fn fetch_account(client: &ManagementClient<'_>, id: &str) -> StepResult<ManagementResponse> {
    let path = format!("{}/{id}", accounts_path(client)?);
    client.call(ManagementRequest::for_snyk(HttpMethod::Get, path, ManagementBody::Empty)).await
}

async fn fetch_account_page(
    client: &ManagementClient<'_>,
    path: &str,
    after: Option<&str>,
) -> StepResult<ManagementResponse> {
    let mut query = vec![("version", "2024-10-15"), ("limit", PAGE_SIZE)];
    query.extend(after.map(|after| ("starting_after", after)));
    client
        .call(ManagementRequest {
            method: HttpMethod::Get,
            path: path.to_owned(),
            query: &query,
            body: ManagementBody::Empty,
        })
        .await?
        .require_success()
}

/// Returns the cursor of the next page. Snyk writes the link in four forms; the cursor is the same
/// in each.
fn next_page_cursor(body: &Value) -> Option<String> {
    let next = &body["links"]["next"];
    let link = next.as_str().or_else(|| next["href"].as_str())?;
    let (_, query) = link.split_once('?')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "starting_after").map(|(_, cursor)| cursor.into_owned())
}

/// Returns the path of the collection that contains the account.
pub(super) fn accounts_path(client: &ManagementClient<'_>) -> StepResult<String> {
    let (org, group) = (client.field("org_id"), client.field("group_id"));
    match (client.field("level"), org, group) {
        (Some("group"), _, Some(group)) | (None, None, Some(group)) => {
            Ok(format!("/rest/groups/{group}/service_accounts"))
        }
        (_, Some(org), _) => Ok(format!("/rest/orgs/{org}/service_accounts")),
        _ => fail_permanently(
            "the organization or group of the account is unknown: set the field org_id, or level=group and group_id",
        ),
    }
}

/// Returns the account's ID: from its field, or from the principal it acts as.
pub(super) fn account_id<'a>(client: &'a ManagementClient<'_>) -> StepResult<&'a str> {
    let acting = client
        .credential
        .principal
        .as_ref()
        .filter(|principal| principal.kind == "service_account")
        .map(|principal| principal.id.as_str());
    match client.field("service_account_id").or(acting) {
        Some(id) => Ok(id),
        None => fail_permanently(
            "the account's ID is unknown: set the field service_account_id, or check the credential",
        ),
    }
}

fn text_attribute(response: &ManagementResponse, id: &str) -> Option<String> {
    response.text_at(&format!("/data/attributes/{id}")).map(str::to_owned)
}

fn remote_from_json(item: &Value) -> Option<RemoteCredential> {
    let id = item["id"].as_str()?.to_owned();
    let attributes = &item["attributes"];
    let label = attributes["name"].as_str().unwrap_or(&id).to_owned();
    let known = ["role_id", "auth_type", "client_id"].into_iter();
    let fields =
        known.filter_map(|field| Some((field.to_owned(), attributes[field].as_str()?.to_owned())));
    Some(RemoteCredential {
        created: parse_timestamp(attributes["created_at"].as_str()),
        expires: parse_timestamp(attributes["access_token_expires_at"].as_str()),
        fields: fields.chain([("service_account_id".to_owned(), id.clone())]).collect(),
        ..RemoteCredential::new(id, label)
    })
}

/// Fields of a credential.
type CredentialFields = BTreeMap<String, String>;

/// Returns the ID of the account that the secret acts as, and its organization or group, as far as
/// they are not known already.
pub(super) async fn locate_account(client: &ManagementClient<'_>) -> StepResult<CredentialFields> {
    let has_home = accounts_path(client).is_ok();
    if has_home && account_id(client).is_ok() {
        return Ok(CredentialFields::new());
    }
    let Ok(VisibleAccess { principal, organizations }) =
        client.fetch_visible_access(SecretSlot::Current).await?
    else {
        return Ok(CredentialFields::new());
    };
    if principal.kind != "service_account" {
        return Ok(CredentialFields::new());
    }
    let mut fields = if has_home {
        CredentialFields::new()
    } else {
        locate_home(client, &principal.id, &organizations.unwrap_or_default()).await?
    };
    fields.insert("service_account_id".to_owned(), principal.id);
    Ok(fields)
}

/// Returns the account's organization, where it sees only one, or the group of the organizations it
/// sees.
async fn locate_home(
    client: &ManagementClient<'_>,
    id: &str,
    organizations: &BTreeSet<String>,
) -> StepResult<CredentialFields> {
    let Some(first) = organizations.first() else { return Ok(CredentialFields::new()) };
    if organizations.len() == 1
        && account_exists_in(client, &format!("/rest/orgs/{first}"), id).await?
    {
        return Ok(fields_from([("level", "org"), ("org_id", first)]));
    }
    match fetch_group_id(client, first).await? {
        Some(group) if account_exists_in(client, &format!("/rest/groups/{group}"), id).await? => {
            Ok(fields_from([("level", "group"), ("group_id", &group)]))
        }
        _ => Ok(CredentialFields::new()),
    }
}

async fn account_exists_in(
    client: &ManagementClient<'_>,
    place: &str,
    id: &str,
) -> StepResult<bool> {
    let response = client
        .call(ManagementRequest::for_snyk(
            HttpMethod::Get,
            format!("{place}/service_accounts/{id}"),
            ManagementBody::Empty,
        ))
        .await?;
    Ok(response.status == 200 && response.text_at("/data/id") == Some(id))
}

async fn fetch_group_id(
    client: &ManagementClient<'_>,
    organization: &str,
) -> StepResult<Option<String>> {
    let response = client
        .call(ManagementRequest::for_snyk(
            HttpMethod::Get,
            format!("/rest/orgs/{organization}"),
            ManagementBody::Empty,
        ))
        .await?;
    Ok(response.text_at("/data/attributes/group_id").map(str::to_owned))
}

fn fields_from<const N: usize>(pairs: [(&str, &str); N]) -> CredentialFields {
    pairs.into_iter().map(|(id, value)| (id.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_new_account_lacks_is_named_and_what_must_differ_is_not() {
        let old = json!({"name": "bot", "created_at": "2026-11-22T12:00:00Z", "client_id": "c-1",
            "role_id": "r-1", "access_token_ttl_seconds": 7200, "jwks_url": null, "tags": ["x"]});
        let mut new = json!({"name": "bot-tr-1", "created_at": "2026-11-23T12:00:00Z",
            "client_id": "c-2", "role_id": "r-1", "access_token_ttl_seconds": 3600});
        assert_eq!(missing_properties(&old, &new), ["access_token_ttl_seconds", "tags"]);
        new["access_token_ttl_seconds"] = 7200.into();
        new["tags"] = json!(["x"]);
        assert!(missing_properties(&old, &new).is_empty());
    }

    #[test]
    fn the_cursor_is_found_in_every_form_of_link() {
        for link in [
            "/orgs/x?limit=10&starting_after=a%3Db",
            "http://h.example/rest/orgs/x?starting_after=a%3Db&limit=10",
        ] {
            assert_eq!(next_page_cursor(&json!({"links": {"next": link}})).as_deref(), Some("a=b"));
            assert_eq!(
                next_page_cursor(&json!({"links": {"next": {"href": link}}})).as_deref(),
                Some("a=b")
            );
        }
        assert_eq!(next_page_cursor(&json!({"links": {"self": "/x"}})), None);
    }
}
