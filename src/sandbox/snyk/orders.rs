//! What somebody wants a service account to be, and whether they may have it.

use axum::http::StatusCode;
use serde_json::Value;

use super::super::clock::{DAY, Millis, Moment, parse_rfc3339};
use super::GOV;
use super::refusal::Refusal;
use super::rest::Rest;
use super::state::Reach;
use super::world::{Role, World};

/// The documented limit of access tokens: one year.
pub(super) const LONGEST_DAYS: i64 = 365;
const TTL_SECONDS: std::ops::RangeInclusive<i64> = 3_600..=86_400;

/// How an account proves itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthType {
    ApiKey,
    AccessToken,
    ClientSecret,
    PrivateKeyJwt,
}

impl AuthType {
    const ALL: [Self; 4] = [Self::ApiKey, Self::AccessToken, Self::ClientSecret, Self::PrivateKeyJwt];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::AccessToken => "access_token",
            Self::ClientSecret => "oauth_client_secret",
            Self::PrivateKeyJwt => "oauth_private_key_jwt",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|auth| auth.name() == name)
    }

    pub(super) fn is_oauth(self) -> bool {
        matches!(self, Self::ClientSecret | Self::PrivateKeyJwt)
    }

    /// The attribute in which the secret is shown, this once.
    pub(super) fn revealed_as(self) -> &'static str {
        if self == Self::ClientSecret { "client_secret" } else { self.name() }
    }
}

/// What somebody wants an account to be.
pub(super) struct Order {
    pub(super) name: String,
    pub(super) auth: AuthType,
    pub(super) scope: Reach,
    pub(super) role_id: String,
    pub(super) expires: Option<Millis>,
    pub(super) ttl_seconds: i64,
    pub(super) jwks_url: Option<String>,
}

/// Reads the attributes of a create call.
pub(super) fn read_order(rest: &Rest, scope: Reach, wish: &Value) -> Result<Order, Refusal> {
    let name = wish["name"].as_str().map(str::trim).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::pointer("/data/attributes/name", "is required"))?.to_owned();
    let auth = wish["auth_type"].as_str().and_then(AuthType::named);
    let auth = auth.ok_or_else(|| Refusal::pointer("/data/attributes/auth_type", "is required and must be known"))?;
    if auth == AuthType::ApiKey && rest.region.id == GOV {
        return Err(Refusal::pointer("/data/attributes/auth_type", "api_key is not accepted in this region"));
    }
    let role_id = grantable_role(rest, &rest.region.world, wish)?.id.clone();
    let expires = (auth == AuthType::AccessToken).then(|| read_expiry(wish, rest.call.at)).transpose()?;
    let jwks_url = (auth == AuthType::PrivateKeyJwt).then(|| read_jwks_url(wish)).transpose()?;
    Ok(Order { name, auth, scope, role_id, expires, ttl_seconds: read_ttl(wish)?, jwks_url })
}

fn grantable_role<'a>(rest: &Rest, world: &'a World, wish: &Value) -> Result<&'a Role, Refusal> {
    let role = wish["role_id"].as_str().and_then(|id| world.role(id));
    let role = role.ok_or_else(|| Refusal::pointer("/data/attributes/role_id", "is required and must be known"))?;
    if role.rank <= rest.caller.rank {
        return Ok(role);
    }
    let detail = "Cannot create a service account with a higher privilege role than yours";
    Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden", detail))
}

fn read_expiry(wish: &Value, at: Moment) -> Result<Millis, Refusal> {
    let pointer = "/data/attributes/access_token_expires_at";
    let date = wish["access_token_expires_at"].as_str().and_then(parse_rfc3339);
    let date = date.ok_or_else(|| Refusal::pointer(pointer, "is required for access_token and must be a date-time"))?;
    if date <= at.now || date > at.now + LONGEST_DAYS * DAY {
        return Err(Refusal::pointer(pointer, "must lie within one year from now"));
    }
    Ok(date)
}

fn read_ttl(wish: &Value) -> Result<i64, Refusal> {
    match wish.get("access_token_ttl_seconds") {
        None | Some(Value::Null) => Ok(*TTL_SECONDS.start()),
        Some(ttl) => ttl
            .as_i64()
            .filter(|ttl| TTL_SECONDS.contains(ttl))
            .ok_or_else(|| Refusal::pointer("/data/attributes/access_token_ttl_seconds", "must be between 3600 and 86400")),
    }
}

fn read_jwks_url(wish: &Value) -> Result<String, Refusal> {
    let url = wish["jwks_url"].as_str().filter(|url| url.starts_with("https://"));
    url.map(str::to_owned).ok_or_else(|| Refusal::pointer("/data/attributes/jwks_url", "is required and must be https"))
}
