//! Service accounts of organizations and groups: create, list, rename, delete, and the secrets
//! call.
//!
//! Input of a request for a service account, and whether the caller may have such an account.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::clock::{
    MILLIS_PER_DAY, MILLIS_PER_SECOND, RequestInstant, UnixMillis, ValidityPeriod, format_rfc3339,
    parse_rfc3339,
};
use super::super::deterministic;
use super::rest::{RestOperation, RestRequest, RestResult, json_api_document, single_resource};
use super::state::{PrincipalType, ResourceScope, SnykPrincipal, SnykState, SnykToken};
use super::{GOV_REGION, SnykRegion};
use crate::simulator::server::SimulatorResponse;
use crate::simulator::snyk::apps::{ClientSecrets, insert_secret};
use crate::simulator::snyk::rest::{LinkStyle, paginate};
use crate::simulator::snyk::state::{SnykFixtures, SnykRole};
use crate::simulator::snyk::version::JsonApiError;

const RELEASES: &[&str] = &["2023-09-07"];

pub(super) const OPERATIONS: &[RestOperation] = &[
    RestOperation::get("/orgs/{org_id}/service_accounts", RELEASES, list),
    RestOperation::post("/orgs/{org_id}/service_accounts", RELEASES, create),
    RestOperation::get("/orgs/{org_id}/service_accounts/{id}", RELEASES, get),
    RestOperation::patch("/orgs/{org_id}/service_accounts/{id}", RELEASES, rename),
    RestOperation::delete("/orgs/{org_id}/service_accounts/{id}", RELEASES, delete),
    RestOperation::post("/orgs/{org_id}/service_accounts/{id}/secrets", RELEASES, change_secrets),
    RestOperation::get("/groups/{group_id}/service_accounts", RELEASES, list),
    RestOperation::post("/groups/{group_id}/service_accounts", RELEASES, create),
    RestOperation::get("/groups/{group_id}/service_accounts/{id}", RELEASES, get),
    RestOperation::patch("/groups/{group_id}/service_accounts/{id}", RELEASES, rename),
    RestOperation::delete("/groups/{group_id}/service_accounts/{id}", RELEASES, delete),
    RestOperation::post(
        "/groups/{group_id}/service_accounts/{id}/secrets",
        RELEASES,
        change_secrets,
    ),
];

/// A service account.
pub(super) struct ServiceAccount {
    pub(super) principal: Arc<SnykPrincipal>,
    pub(super) spec: ServiceAccountSpec,
    pub(super) client_id: String,
    pub(super) secrets: ClientSecrets,
    created: UnixMillis,
}

impl ServiceAccount {
    pub(super) fn id(&self) -> &str {
        &self.principal.id
    }

    fn describe(&self) -> Value {
        let ServiceAccountSpec { name, auth, scope, role_id, expires, ttl_seconds, jwks_url } =
            &self.spec;
        let level = if matches!(scope, ResourceScope::Org(_)) { "Org" } else { "Group" };
        let mut attributes = json!({"name": name, "auth_type": auth.name(), "role_id": role_id, "level": level,
            "created_at": format_rfc3339(self.created)});
        if let Some(expires) = expires {
            attributes["access_token_expires_at"] = json!(format_rfc3339(*expires));
        }
        if auth.is_oauth() {
            attributes["client_id"] = json!(self.client_id);
            attributes["access_token_ttl_seconds"] = json!(ttl_seconds);
        }
        if let Some(url) = jwks_url {
            attributes["jwks_url"] = json!(url);
        }
        json!({"id": self.id(), "type": "service_account", "attributes": attributes, "links": {}})
    }

    fn describe_with_secret(&self, secret: Option<String>) -> Value {
        insert_secret(self.describe(), self.spec.auth.secret_attribute(), secret)
    }
}

impl SnykRegion {
    /// Creates an account and returns its secret, which no other response contains. `label`
    /// determines its identifiers.
    pub(super) fn create_account(
        &self,
        state: &mut SnykState,
        spec: ServiceAccountSpec,
        label: &str,
        at: RequestInstant,
    ) -> Option<String> {
        let role = self.fixtures.role(&spec.role_id)?;
        let principal = Arc::new(SnykPrincipal {
            id: deterministic::uuid(&format!("{label}/account")),
            principal_type: PrincipalType::ServiceAccount,
            name: spec.name.clone(),
            privilege: role.privilege,
            scope: spec.scope,
        });
        let validity =
            ValidityPeriod::starting_at(at).until(spec.expires.unwrap_or(UnixMillis::MAX));
        let secret = self.generate_secret(&spec, &principal, label);
        let mut secrets = ClientSecrets::default();
        match (&secret, spec.auth) {
            (Some(secret), ServiceAccountAuthType::ClientSecret) => {
                secrets = ClientSecrets::with_secret(secret.clone(), validity);
            }
            (Some(secret), auth) => {
                state
                    .tokens
                    .insert(secret.clone(), SnykToken::new(&principal, auth.name(), validity));
            }
            (None, _) => {}
        }
        state.account_names.insert((spec.scope, spec.name.clone()));
        let client_id = deterministic::uuid(&format!("{label}/client"));
        state.accounts.push(ServiceAccount {
            principal,
            spec,
            client_id,
            secrets,
            created: at.now,
        });
        secret
    }

    fn generate_secret(
        &self,
        spec: &ServiceAccountSpec,
        principal: &SnykPrincipal,
        label: &str,
    ) -> Option<String> {
        match spec.auth {
            ServiceAccountAuthType::ApiKey => Some(deterministic::secret_uuid(label)),
            ServiceAccountAuthType::AccessToken => {
                let expires = spec.expires.unwrap_or_default() / MILLIS_PER_SECOND;
                let claims = json!({"j": deterministic::uuid(&format!("{label}/token")), "h": self.host, "e": expires, "s": principal.id});
                Some(deterministic::snyk_token("snyk_sat", &claims))
            }
            ServiceAccountAuthType::ClientSecret => Some(deterministic::snyk_secret("cs", label)),
            ServiceAccountAuthType::PrivateKeyJwt => None,
        }
    }
}

fn list(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("service_account.read")?;
    let state = rest.state();
    let accounts: Vec<&ServiceAccount> =
        state.accounts.iter().filter(|account| account.spec.scope == scope).collect();
    let mut list =
        paginate(rest, accounts.len(), LinkStyle::Rooted, |index| accounts[index].describe())?;
    if let ResourceScope::Group(_) = scope {
        list["meta"] =
            json!({"access_tokens": {"max_active_tokens": 100, "max_expiry_days": MAX_TOKEN_DAYS}});
    }
    Ok(json_api_document(&list))
}

fn create(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("service_account.create")?;
    let input = rest.request_attributes("service_account")?;
    let spec = parse_account_spec(rest, scope, &input)?;
    let name = spec.name.clone();
    let response = {
        let mut state = rest.state();
        if state.account_names.contains(&(scope, spec.name.clone())) {
            return Err(JsonApiError::conflict(
                "A service account had this name already. This name cannot be reused",
            ));
        }
        let label = state.new_label(rest.region.id);
        let secret = rest.region.create_account(&mut state, spec, &label, rest.request.instant);
        let account = state.accounts.last().ok_or_else(|| JsonApiError::not_found("role"))?;
        single_resource(StatusCode::CREATED, &account.describe_with_secret(secret))
    };
    rest.record_audit_event(scope, "service_account.create", json!({"name": name}));
    Ok(response)
}

fn get(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("service_account.read")?;
    let state = rest.state();
    let index = find_account(&state, scope, rest.params[1])?;
    Ok(single_resource(StatusCode::OK, &state.accounts[index].describe()))
}

fn find_account(state: &SnykState, scope: ResourceScope, id: &str) -> Result<usize, JsonApiError> {
    let found =
        state.accounts.iter().position(|account| account.id() == id && account.spec.scope == scope);
    found.ok_or_else(|| JsonApiError::not_found("service account"))
}

fn rename(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("service_account.edit")?;
    let document = rest.request_document("service_account")?;
    let id = rest.params[1];
    if document["data"]["id"] != id {
        return Err(JsonApiError::invalid_pointer("/data/id", "must be that of the path"));
    }
    let name = document["data"]["attributes"]["name"].as_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| {
        JsonApiError::invalid_pointer(
            "/data/attributes/name",
            "is required: only the name can change",
        )
    })?;
    let response = {
        let mut state = rest.state();
        let index = find_account(&state, scope, id)?;
        let taken = !state.account_names.insert((scope, name.to_owned()));
        if taken && state.accounts[index].spec.name != name {
            return Err(JsonApiError::conflict(
                "A service account had this name already. This name cannot be reused",
            ));
        }
        name.clone_into(&mut state.accounts[index].spec.name);
        single_resource(StatusCode::OK, &state.accounts[index].describe())
    };
    rest.record_audit_event(scope, "service_account.edit", json!({"name": name}));
    Ok(response)
}

fn delete(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("service_account.delete")?;
    let name = {
        let mut state = rest.state();
        let index = find_account(&state, scope, rest.params[1])?;
        let account = state.accounts.remove(index);
        state.revoke_tokens(account.id(), rest.request.instant);
        account.spec.name
    };
    rest.record_audit_event(scope, "service_account.delete", json!({"name": name}));
    Ok(SimulatorResponse::empty(StatusCode::NO_CONTENT))
}

fn change_secrets(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("service_account.edit")?;
    let input = rest.request_attributes("service_account")?;
    let (response, name) = {
        let mut state = rest.state();
        let index = find_account(&state, scope, rest.params[1])?;
        let new_secret = deterministic::snyk_secret("cs", &state.new_label(rest.region.id));
        let account = &mut state.accounts[index];
        if account.spec.auth != ServiceAccountAuthType::ClientSecret {
            return Err(JsonApiError::bad_request(
                "Only service accounts with auth_type oauth_client_secret have secrets to manage",
            ));
        }
        let secret = account.secrets.apply_change(&input, new_secret, rest.request.instant)?;
        (
            single_resource(StatusCode::OK, &account.describe_with_secret(secret)),
            account.spec.name.clone(),
        )
    };
    rest.record_audit_event(
        scope,
        "service_account.edit",
        json!({"name": name, "mode": input["mode"]}),
    );
    Ok(response)
}

/// Documented limit of access tokens: one year.
pub(super) const MAX_TOKEN_DAYS: i64 = 365;
const TTL_SECONDS_RANGE: std::ops::RangeInclusive<i64> = 3_600..=86_400;

/// How an account authenticates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ServiceAccountAuthType {
    ApiKey,
    AccessToken,
    ClientSecret,
    PrivateKeyJwt,
}

impl ServiceAccountAuthType {
    const ALL: [Self; 4] =
        [Self::ApiKey, Self::AccessToken, Self::ClientSecret, Self::PrivateKeyJwt];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::AccessToken => "access_token",
            Self::ClientSecret => "oauth_client_secret",
            Self::PrivateKeyJwt => "oauth_private_key_jwt",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|auth| auth.name() == name)
    }

    pub(super) fn is_oauth(self) -> bool {
        matches!(self, Self::ClientSecret | Self::PrivateKeyJwt)
    }

    /// Returns the attribute that contains the secret in the response to the creation.
    pub(super) fn secret_attribute(self) -> &'static str {
        if self == Self::ClientSecret { "client_secret" } else { self.name() }
    }
}

/// Requested properties of an account.
pub(super) struct ServiceAccountSpec {
    pub(super) name: String,
    pub(super) auth: ServiceAccountAuthType,
    pub(super) scope: ResourceScope,
    pub(super) role_id: String,
    pub(super) expires: Option<UnixMillis>,
    pub(super) ttl_seconds: i64,
    pub(super) jwks_url: Option<String>,
}

/// Parses the attributes of a create call.
pub(super) fn parse_account_spec(
    rest: &RestRequest,
    scope: ResourceScope,
    input: &Value,
) -> Result<ServiceAccountSpec, JsonApiError> {
    let name = input["name"].as_str().map(str::trim).filter(|name| !name.is_empty());
    let name = name
        .ok_or_else(|| JsonApiError::invalid_pointer("/data/attributes/name", "is required"))?
        .to_owned();
    let auth = input["auth_type"].as_str().and_then(ServiceAccountAuthType::from_name);
    let auth = auth.ok_or_else(|| {
        JsonApiError::invalid_pointer("/data/attributes/auth_type", "is required and must be known")
    })?;
    if auth == ServiceAccountAuthType::ApiKey && rest.region.id == GOV_REGION {
        return Err(JsonApiError::invalid_pointer(
            "/data/attributes/auth_type",
            "api_key is not accepted in this region",
        ));
    }
    let role_id = grantable_role(rest, &rest.region.fixtures, input)?.id.clone();
    let expires = (auth == ServiceAccountAuthType::AccessToken)
        .then(|| parse_expiry(input, rest.request.instant))
        .transpose()?;
    let jwks_url = (auth == ServiceAccountAuthType::PrivateKeyJwt)
        .then(|| parse_jwks_url(input))
        .transpose()?;
    Ok(ServiceAccountSpec {
        name,
        auth,
        scope,
        role_id,
        expires,
        ttl_seconds: parse_ttl(input)?,
        jwks_url,
    })
}

fn grantable_role<'a>(
    rest: &RestRequest,
    fixtures: &'a SnykFixtures,
    input: &Value,
) -> Result<&'a SnykRole, JsonApiError> {
    let role = input["role_id"].as_str().and_then(|id| fixtures.role(id));
    let role = role.ok_or_else(|| {
        JsonApiError::invalid_pointer("/data/attributes/role_id", "is required and must be known")
    })?;
    if role.privilege <= rest.caller.privilege {
        return Ok(role);
    }
    let detail = "Cannot create a service account with a higher privilege role than yours";
    Err(JsonApiError::new(StatusCode::FORBIDDEN, "Forbidden", detail))
}

fn parse_expiry(input: &Value, at: RequestInstant) -> Result<UnixMillis, JsonApiError> {
    let pointer = "/data/attributes/access_token_expires_at";
    let date = input["access_token_expires_at"].as_str().and_then(parse_rfc3339);
    let date = date.ok_or_else(|| {
        JsonApiError::invalid_pointer(
            pointer,
            "is required for access_token and must be a date-time",
        )
    })?;
    if date <= at.now || date > at.now + MAX_TOKEN_DAYS * MILLIS_PER_DAY {
        return Err(JsonApiError::invalid_pointer(pointer, "must lie within one year from now"));
    }
    Ok(date)
}

fn parse_ttl(input: &Value) -> Result<i64, JsonApiError> {
    match input.get("access_token_ttl_seconds") {
        None | Some(Value::Null) => Ok(*TTL_SECONDS_RANGE.start()),
        Some(ttl) => ttl.as_i64().filter(|ttl| TTL_SECONDS_RANGE.contains(ttl)).ok_or_else(|| {
            JsonApiError::invalid_pointer(
                "/data/attributes/access_token_ttl_seconds",
                "must be between 3600 and 86400",
            )
        }),
    }
}

fn parse_jwks_url(input: &Value) -> Result<String, JsonApiError> {
    let url = input["jwks_url"].as_str().filter(|url| url.starts_with("https://"));
    url.map(str::to_owned).ok_or_else(|| {
        JsonApiError::invalid_pointer("/data/attributes/jwks_url", "is required and must be https")
    })
}
