//! Input of a request for a service account, and whether the caller may have such an account.

use axum::http::StatusCode;
use serde_json::Value;

use super::super::clock::{MILLIS_PER_DAY, RequestInstant, UnixMillis, parse_rfc3339};
use super::GOV_REGION;
use super::fixtures::{SnykFixtures, SnykRole};
use super::json_api_error::JsonApiError;
use super::rest::RestRequest;
use super::state::ResourceScope;

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
