//! OAuth token and revocation endpoints.
//!
//! Client assertions that are signed with a private key (RS256), and the only key pair whose public
//! key the simulator knows.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::SignatureScheme;
use serde_json::{Value, json};

use super::super::clock::{MILLIS_PER_SECOND, RequestInstant, UnixMillis, ValidityPeriod};
use super::super::deterministic;
use super::SnykRegion;
use super::apps::{AppGrantType, SnykApp};
use super::state::{ACCESS_TOKEN, SnykPrincipal, SnykState, SnykToken};
use crate::simulator::server::{SimulatorRequest, SimulatorResponse};
use crate::simulator::snyk::authorize::REFRESH_TOKEN_SECONDS;
use crate::simulator::snyk::oauth;
use crate::simulator::snyk::service_accounts::ServiceAccountAuthType;

const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An OAuth error; JSON, but not JSON:API.
pub(super) struct OAuthFailure(StatusCode, &'static str, &'static str);

type OAuthForm = HashMap<String, String>;

impl OAuthFailure {
    const INVALID_CLIENT: Self =
        Self(StatusCode::UNAUTHORIZED, "invalid_client", "client authentication failed");
    const INVALID_GRANT: Self = Self(
        StatusCode::BAD_REQUEST,
        "invalid_grant",
        "the code or token is invalid, expired, used or revoked",
    );

    pub(super) fn from_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::INVALID_CLIENT,
            403 => Self(status, "access_denied", "access denied"),
            500.. => Self(status, "server_error", "the request could not be served"),
            _ => Self(status, "invalid_request", "the request could not be served"),
        }
    }

    pub(super) fn into_response(self) -> SimulatorResponse {
        SimulatorResponse::json(self.0, &json!({"error": self.1, "error_description": self.2}))
    }
}

/// Responds to a request to a path under `/oauth2` of the API.
pub(super) fn respond(region: &SnykRegion, request: &SimulatorRequest) -> SimulatorResponse {
    match (&request.method, request.path.as_str()) {
        (&Method::POST, "/oauth2/token") => match handle_token(region, request) {
            Ok(body) => SimulatorResponse::json(StatusCode::OK, &body),
            Err(failure) => failure.into_response(),
        },
        (&Method::POST, "/oauth2/revoke") => handle_revocation(region, request),
        _ => OAuthFailure(StatusCode::NOT_FOUND, "invalid_request", "no such endpoint")
            .into_response(),
    }
}

fn handle_token(region: &SnykRegion, request: &SimulatorRequest) -> Result<Value, OAuthFailure> {
    let form = request.form();
    match form_field(&form, "grant_type") {
        "client_credentials" => exchange_client_credentials(region, &form, request.instant),
        "authorization_code" => exchange_authorization_code(region, &form, request.instant),
        "refresh_token" => exchange_refresh_token(region, &form, request.instant),
        _ => Err(OAuthFailure(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "grant_type is missing or unknown",
        )),
    }
}

fn form_field<'a>(form: &'a OAuthForm, name: &str) -> &'a str {
    form.get(name).map(String::as_str).unwrap_or_default()
}

fn exchange_client_credentials(
    region: &SnykRegion,
    form: &OAuthForm,
    at: RequestInstant,
) -> Result<Value, OAuthFailure> {
    let mut state = region.state();
    let (principal, ttl) = match form_field(form, "client_assertion_type") {
        "" => authenticate_by_secret(&state, form, at),
        CLIENT_ASSERTION_TYPE => authenticate_by_assertion(region, &state, form, at),
        _ => {
            return Err(OAuthFailure(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "unknown client_assertion_type",
            ));
        }
    }
    .ok_or(OAuthFailure::INVALID_CLIENT)?;
    let owner_id = principal.id.clone();
    Ok(issue_access_token(region, &mut state, &principal, &owner_id, ttl, at))
}

fn authenticate_by_secret(
    state: &SnykState,
    form: &OAuthForm,
    at: RequestInstant,
) -> Option<(Arc<SnykPrincipal>, i64)> {
    let (id, secret) = (form_field(form, "client_id"), form_field(form, "client_secret"));
    let accounts = state.accounts.iter().map(|account| {
        (&account.client_id, &account.secrets, &account.principal, account.spec.ttl_seconds)
    });
    let ttl = |app: &str| {
        state.apps.iter().find(|known| known.id == app).map_or(3_600, |app| app.ttl_seconds)
    };
    let installs = state.installs.iter().map(|install| {
        (&install.client_id, &install.secrets, &install.principal, ttl(&install.app))
    });
    let (_, _, principal, ttl) = accounts
        .chain(installs)
        .find(|(client, secrets, _, _)| *client == id && secrets.accepts(secret, at.now))?;
    Some((Arc::clone(principal), ttl))
}

fn authenticate_by_assertion(
    region: &SnykRegion,
    state: &SnykState,
    form: &OAuthForm,
    at: RequestInstant,
) -> Option<(Arc<SnykPrincipal>, i64)> {
    let audience = format!("{}/oauth2/token", region.api);
    let client = oauth::verify_assertion(form_field(form, "client_assertion"), &audience, at.now)?;
    let account = state.accounts.iter().find(|account| account.client_id == client)?;
    (account.spec.auth == ServiceAccountAuthType::PrivateKeyJwt)
        .then(|| (Arc::clone(&account.principal), account.spec.ttl_seconds))
}

/// Returns the app that a form names, if the form also has its secret.
fn authenticate_app<'a>(
    state: &'a SnykState,
    form: &OAuthForm,
    at: RequestInstant,
) -> Result<&'a SnykApp, OAuthFailure> {
    let app = state.apps.iter().find(|app| {
        app.client_id == form_field(form, "client_id")
            && app.grant_type == AppGrantType::AuthorizationCode
    });
    app.filter(|app| app.secrets.accepts(form_field(form, "client_secret"), at.now))
        .ok_or(OAuthFailure::INVALID_CLIENT)
}

fn exchange_authorization_code(
    region: &SnykRegion,
    form: &OAuthForm,
    at: RequestInstant,
) -> Result<Value, OAuthFailure> {
    let mut state = region.state();
    let app = authenticate_app(&state, form, at)?;
    let (app, ttl) = (app.id.clone(), app.ttl_seconds);
    let code = state.codes.remove(form_field(form, "code")).ok_or(OAuthFailure::INVALID_GRANT)?;
    let fits = code.client_id == form_field(form, "client_id")
        && code.redirect_uri == form_field(form, "redirect_uri")
        && code.challenge == deterministic::pkce_challenge(form_field(form, "code_verifier"))
        && at.now < code.expires;
    if !fits {
        return Err(OAuthFailure::INVALID_GRANT);
    }
    let label = state.new_label(region.id);
    let (session, refresh) = state.start_session(&app, &code.user, &label, at);
    let response = issue_access_token(region, &mut state, &code.user, &session, ttl, at);
    Ok(add_refresh_fields(response, &refresh, &session))
}

fn exchange_refresh_token(
    region: &SnykRegion,
    form: &OAuthForm,
    at: RequestInstant,
) -> Result<Value, OAuthFailure> {
    let mut state = region.state();
    let app = authenticate_app(&state, form, at)?;
    let (app, ttl) = (app.id.clone(), app.ttl_seconds);
    let presented = state
        .refresh_tokens
        .get_mut(form_field(form, "refresh_token"))
        .ok_or(OAuthFailure::INVALID_GRANT)?;
    let session = presented.session.clone();
    let reused = std::mem::replace(&mut presented.used, true);
    let alive = presented.validity.is_valid_at(at.now);
    let user = state
        .sessions
        .iter()
        .find(|known| known.id == session && known.app == app)
        .map(|known| Arc::clone(&known.user));
    let user = user.ok_or(OAuthFailure::INVALID_GRANT)?;
    if reused {
        // There are two copies of the token and it is unclear which client is legitimate, so the
        // whole session ends.
        state.end_session(&session, at);
    }
    if reused || !alive {
        return Err(OAuthFailure::INVALID_GRANT);
    }
    let label = state.new_label(region.id);
    let next = state.issue_refresh_token(&session, &label, at);
    let response = issue_access_token(region, &mut state, &user, &session, ttl, at);
    Ok(add_refresh_fields(response, &next, &session))
}

/// Issues an access token for `principal`, which is revoked together with `holder`.
fn issue_access_token(
    region: &SnykRegion,
    state: &mut SnykState,
    principal: &Arc<SnykPrincipal>,
    owner_id: &str,
    ttl: i64,
    at: RequestInstant,
) -> Value {
    let expires = at.now + ttl * MILLIS_PER_SECOND;
    let id = deterministic::uuid(&state.new_label(region.id));
    let claims = json!({"iss": region.api, "aud": [region.api], "sub": principal.id, "jti": id,
        "iat": at.now / MILLIS_PER_SECOND, "exp": expires / MILLIS_PER_SECOND, "scope": "org.read org.project.read"});
    let access_token = deterministic::jwt(&claims);
    let token =
        SnykToken::new(principal, ACCESS_TOKEN, ValidityPeriod::starting_at(at).until(expires))
            .with_owner(owner_id);
    state.remove_expired_access_tokens(at.now);
    state.tokens.insert(access_token.clone(), token);
    json!({"access_token": access_token, "expires_in": ttl - 1, "token_type": "bearer", "scope": claims["scope"]})
}

fn add_refresh_fields(mut response: Value, refresh: &str, session: &str) -> Value {
    response["refresh_token"] = json!(refresh);
    response["refresh_expires_in"] = json!(REFRESH_TOKEN_SECONDS);
    response["bot_id"] = json!(deterministic::uuid(&format!("{session}/bot")));
    response
}

/// Revokes a refresh token. The response is 200 also for an invalid token; access tokens expire on
/// their own.
fn handle_revocation(region: &SnykRegion, request: &SimulatorRequest) -> SimulatorResponse {
    let form = request.form();
    let mut state = region.state();
    if let Err(failure) = authenticate_app(&state, &form, request.instant) {
        return failure.into_response();
    }
    if let Some(refresh) = state.refresh_tokens.get_mut(form_field(&form, "token")) {
        refresh.validity.revoke(request.instant);
    }
    SimulatorResponse::empty(StatusCode::OK)
}

/// Private key for tests; it was generated for this file and is valid nowhere else.
pub(super) const PRIVATE_KEY: &str = include_str!("sandbox-only-private-key.pem");

/// Its public key: an `RSAPublicKey` in DER, in base64. Every JWKS URL is assumed to lead to this
/// key.
const PUBLIC_KEY: &str = include_str!("sandbox-only-public-key.b64");

/// Returns the client of an assertion, if its signature, audience and time are valid.
pub(super) fn verify_assertion(assertion: &str, audience: &str, now: UnixMillis) -> Option<String> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let claims = decode_json(claims)?;
    let client = claims["sub"].as_str().filter(|client| claims["iss"] == *client)?;
    let fits = decode_json(header)?["alg"] == "RS256"
        && claims["exp"].as_i64()? * MILLIS_PER_SECOND > now
        && audience_matches(&claims["aud"], audience);
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    (fits && has_valid_signature(signed.as_bytes(), &signature)).then(|| client.to_owned())
}

fn decode_json(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn audience_matches(audience: &Value, wanted: &str) -> bool {
    audience == wanted
        || audience.as_array().is_some_and(|list| list.iter().any(|item| item == wanted))
}

fn has_valid_signature(message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = STANDARD.decode(PUBLIC_KEY.trim()) else {
        return false;
    };
    let known = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let of_rs256 =
        known.mapping.iter().filter(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA256);
    of_rs256
        .flat_map(|(_, algorithms)| *algorithms)
        .any(|algorithm| algorithm.verify_signature(&key, message, signature).is_ok())
}
