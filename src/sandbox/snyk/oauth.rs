//! The OAuth token and revocation endpoints.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::clock::{Life, Moment, SECOND};
use super::super::seed;
use super::super::wire::{Call, Reply};
use super::Region;
use super::apps::{App, Grant};
use super::assertion;
use super::orders::AuthType;
use super::sessions::REFRESH_SECONDS;
use super::state::{ACCESS_TOKEN, Principal, State, Token};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An OAuth error; JSON, but not JSON:API.
pub(super) struct Failure(StatusCode, &'static str, &'static str);

type Form = HashMap<String, String>;

impl Failure {
    const BAD_CLIENT: Self = Self(StatusCode::UNAUTHORIZED, "invalid_client", "client authentication failed");
    const BAD_GRANT: Self =
        Self(StatusCode::BAD_REQUEST, "invalid_grant", "the code or token is invalid, expired, used or revoked");

    pub(super) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::BAD_CLIENT,
            403 => Self(status, "access_denied", "access denied"),
            500.. => Self(status, "server_error", "the request could not be served"),
            _ => Self(status, "invalid_request", "the request could not be served"),
        }
    }

    pub(super) fn into_reply(self) -> Reply {
        Reply::json(self.0, &json!({"error": self.1, "error_description": self.2}))
    }
}

/// Answers a request to a path under `/oauth2` of the API.
pub(super) fn answer(region: &Region, call: &Call) -> Reply {
    match (&call.method, call.path.as_str()) {
        (&Method::POST, "/oauth2/token") => match token(region, call) {
            Ok(body) => Reply::json(StatusCode::OK, &body),
            Err(failure) => failure.into_reply(),
        },
        (&Method::POST, "/oauth2/revoke") => revoke(region, call),
        _ => Failure(StatusCode::NOT_FOUND, "invalid_request", "no such endpoint").into_reply(),
    }
}

fn token(region: &Region, call: &Call) -> Result<Value, Failure> {
    let form = call.form();
    match field(&form, "grant_type") {
        "client_credentials" => client_credentials(region, &form, call.at),
        "authorization_code" => authorization_code(region, &form, call.at),
        "refresh_token" => refresh(region, &form, call.at),
        _ => Err(Failure(StatusCode::BAD_REQUEST, "unsupported_grant_type", "grant_type is missing or unknown")),
    }
}

fn field<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map(String::as_str).unwrap_or_default()
}

fn client_credentials(region: &Region, form: &Form, at: Moment) -> Result<Value, Failure> {
    let mut state = region.state();
    let (principal, ttl) = match field(form, "client_assertion_type") {
        "" => by_secret(&state, form, at),
        ASSERTION_TYPE => by_assertion(region, &state, form, at),
        _ => {
            return Err(Failure(StatusCode::BAD_REQUEST, "invalid_request", "unknown client_assertion_type"));
        }
    }
    .ok_or(Failure::BAD_CLIENT)?;
    let holder = principal.id.clone();
    Ok(grant(region, &mut state, &principal, (&holder, ttl), at))
}

fn by_secret(state: &State, form: &Form, at: Moment) -> Option<(Arc<Principal>, i64)> {
    let (id, secret) = (field(form, "client_id"), field(form, "client_secret"));
    let accounts = state
        .accounts
        .iter()
        .map(|account| (&account.client_id, &account.secrets, &account.principal, account.order.ttl_seconds));
    let ttl = |app: &str| state.apps.iter().find(|known| known.id == app).map_or(3_600, |app| app.ttl_seconds);
    let installs =
        state.installs.iter().map(|install| (&install.client_id, &install.secrets, &install.principal, ttl(&install.app)));
    let (_, _, principal, ttl) =
        accounts.chain(installs).find(|(client, secrets, _, _)| *client == id && secrets.accepts(secret, at.now))?;
    Some((Arc::clone(principal), ttl))
}

fn by_assertion(region: &Region, state: &State, form: &Form, at: Moment) -> Option<(Arc<Principal>, i64)> {
    let audience = format!("{}/oauth2/token", region.api);
    let client = assertion::verify(field(form, "client_assertion"), &audience, at.now)?;
    let account = state.accounts.iter().find(|account| account.client_id == client)?;
    (account.order.auth == AuthType::PrivateKeyJwt).then(|| (Arc::clone(&account.principal), account.order.ttl_seconds))
}

/// The app that a form names, if the form also knows its secret.
fn authenticate<'a>(state: &'a State, form: &Form, at: Moment) -> Result<&'a App, Failure> {
    let app = state.apps.iter().find(|app| app.client_id == field(form, "client_id") && app.grant == Grant::AuthorizationCode);
    app.filter(|app| app.secrets.accepts(field(form, "client_secret"), at.now)).ok_or(Failure::BAD_CLIENT)
}

fn authorization_code(region: &Region, form: &Form, at: Moment) -> Result<Value, Failure> {
    let mut state = region.state();
    let app = authenticate(&state, form, at)?;
    let (app, ttl) = (app.id.clone(), app.ttl_seconds);
    let code = state.codes.remove(field(form, "code")).ok_or(Failure::BAD_GRANT)?;
    let fits = code.client_id == field(form, "client_id")
        && code.redirect_uri == field(form, "redirect_uri")
        && code.challenge == seed::challenge(field(form, "code_verifier"))
        && at.now < code.expires;
    if !fits {
        return Err(Failure::BAD_GRANT);
    }
    let label = state.fresh_label(region.id);
    let (session, refresh) = state.begin_session(&app, &code.user, &label, at);
    let answer = grant(region, &mut state, &code.user, (&session, ttl), at);
    Ok(with_refresh(answer, &refresh, &session))
}

fn refresh(region: &Region, form: &Form, at: Moment) -> Result<Value, Failure> {
    let mut state = region.state();
    let app = authenticate(&state, form, at)?;
    let (app, ttl) = (app.id.clone(), app.ttl_seconds);
    let presented = state.refreshes.get_mut(field(form, "refresh_token")).ok_or(Failure::BAD_GRANT)?;
    let session = presented.session.clone();
    let reused = std::mem::replace(&mut presented.used, true);
    let alive = presented.life.holds(at.now);
    let user = state.sessions.iter().find(|known| known.id == session && known.app == app).map(|known| Arc::clone(&known.user));
    let user = user.ok_or(Failure::BAD_GRANT)?;
    if reused {
        // Somebody has an old copy: nobody knows who is honest, so the whole family goes.
        state.end_session(&session, at);
    }
    if reused || !alive {
        return Err(Failure::BAD_GRANT);
    }
    let label = state.fresh_label(region.id);
    let next = state.add_refresh(&session, &label, at);
    let answer = grant(region, &mut state, &user, (&session, ttl), at);
    Ok(with_refresh(answer, &next, &session))
}

/// Mints an access token for `principal`, to be revoked together with `holder`.
fn grant(region: &Region, state: &mut State, principal: &Arc<Principal>, (holder, ttl): (&str, i64), at: Moment) -> Value {
    let expires = at.now + ttl * SECOND;
    let id = seed::uuid(&state.fresh_label(region.id));
    let claims = json!({"iss": region.api, "aud": [region.api], "sub": principal.id, "jti": id,
        "iat": at.now / SECOND, "exp": expires / SECOND, "scope": "org.read org.project.read"});
    let access_token = seed::jwt(&claims);
    let token = Token::new(principal, ACCESS_TOKEN, Life::starting(at).until(expires)).held_by(holder);
    state.forget_access_tokens(at.now);
    state.tokens.insert(access_token.clone(), token);
    json!({"access_token": access_token, "expires_in": ttl - 1, "token_type": "bearer", "scope": claims["scope"]})
}

fn with_refresh(mut answer: Value, refresh: &str, session: &str) -> Value {
    answer["refresh_token"] = json!(refresh);
    answer["refresh_expires_in"] = json!(REFRESH_SECONDS);
    answer["bot_id"] = json!(seed::uuid(&format!("{session}/bot")));
    answer
}

/// Ends a refresh token. It answers 200 also to one that was invalid before; access tokens run out by themselves.
fn revoke(region: &Region, call: &Call) -> Reply {
    let form = call.form();
    let mut state = region.state();
    if let Err(failure) = authenticate(&state, &form, call.at) {
        return failure.into_reply();
    }
    if let Some(refresh) = state.refreshes.get_mut(field(&form, "token")) {
        refresh.life.end(call.at);
    }
    Reply::empty(StatusCode::OK)
}
