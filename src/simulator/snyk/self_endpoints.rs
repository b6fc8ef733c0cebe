//! Endpoints about the caller: `/self`, personal access tokens, and the apps that act for a user.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::clock::{MILLIS_PER_SECOND, RequestInstant, ValidityPeriod, format_rfc3339};
use super::super::deterministic;
use super::SnykRegion;
use super::rest::{RestOperation, RestRequest, RestResult, json_api_document};
use super::state::{PrincipalType, ResourceScope, SnykPat, SnykPrincipal, SnykState, SnykToken};
use crate::simulator::server::SimulatorResponse;
use crate::simulator::snyk::rest::{LinkStyle, paginate};
use crate::simulator::snyk::version::JsonApiError;

const PAT_RELEASES: &[&str] = &["2024-03-19"];
const USER_APP_RELEASES: &[&str] = &["2022-03-11"];
const INSTALL_RELEASES: &[&str] = &["2024-05-23"];
const SESSION_RELEASES: &[&str] = &["2023-11-03"];

/// Documented limits of personal access tokens.
pub(super) const MAX_PATS: usize = 3;
pub(super) const MAX_PAT_DAYS: i64 = 90;

pub(super) const OPERATIONS: &[RestOperation] = &[
    RestOperation::get("/self", &["2022-10-06", "2024-04-22"], get_self),
    RestOperation::get("/self/personal_access_tokens", PAT_RELEASES, list_pats),
    RestOperation::delete("/self/personal_access_tokens/{id}", PAT_RELEASES, delete_pat),
    RestOperation::get("/self/apps", USER_APP_RELEASES, list_apps),
    RestOperation::delete("/self/apps/{app_id}", USER_APP_RELEASES, revoke_app),
    RestOperation::get("/self/apps/installs", INSTALL_RELEASES, list_installs),
    RestOperation::delete("/self/apps/installs/{install_id}", INSTALL_RELEASES, delete_install),
    RestOperation::get("/self/apps/{app_id}/sessions", SESSION_RELEASES, list_sessions),
    RestOperation::delete(
        "/self/apps/{app_id}/sessions/{session_id}",
        SESSION_RELEASES,
        revoke_session,
    ),
];

#[expect(clippy::unnecessary_wraps, reason = "every operation has this shape")]
fn get_self(rest: &RestRequest) -> RestResult {
    let home = &rest.region.fixtures.orgs[default_org(&rest.caller, rest)].id;
    let SnykPrincipal { id, principal_type: actor, name, .. } = &*rest.caller;
    let (kind, attributes) = match actor {
        PrincipalType::User => (
            "user",
            json!({"name": name, "email": format!("{name}@example.com"), "username": name,
            "avatar_url": "https://example.com/avatar.png", "default_org_context": home}),
        ),
        PrincipalType::ServiceAccount => {
            ("service_account", json!({"name": name, "default_org_context": home}))
        }
        PrincipalType::AppInstance => {
            ("app_instance", json!({"name": name, "default_org_context": home}))
        }
    };
    let self_link = format!("/self?version={}", rest.request.query("version").unwrap_or_default());
    Ok(json_api_document(&json!({"jsonapi": {"version": "1.0"},
        "data": {"type": kind, "id": id, "attributes": attributes}, "links": {"self": self_link}})))
}

/// Returns the index of the principal's default organization.
pub(super) fn default_org(principal: &SnykPrincipal, rest: &RestRequest) -> usize {
    match principal.scope {
        ResourceScope::Org(org) => org,
        ResourceScope::Group(group) => {
            rest.region.fixtures.orgs.iter().position(|org| org.group == group).unwrap_or_default()
        }
        ResourceScope::Region => 0,
    }
}

fn list_pats(rest: &RestRequest) -> RestResult {
    let state = rest.state();
    let own: Vec<&SnykPat> = active_pats(&state, &rest.caller.id, rest.request.instant).collect();
    let mut list = paginate(rest, own.len(), LinkStyle::Bare, |index| {
        let pat = own[index];
        json!({"id": pat.id, "type": "personal_access_token", "attributes": {"label": pat.label,
            "created_at": format_rfc3339(pat.created), "expires_at": format_rfc3339(pat.expires), "tenant_id": null}})
    })?;
    list["meta"] = json!({"max_active_tokens": MAX_PATS, "max_expiry_days": MAX_PAT_DAYS});
    Ok(json_api_document(&list))
}

/// Returns the personal access tokens of a user that are neither deleted nor expired.
pub(super) fn active_pats<'a>(
    state: &'a SnykState,
    owner: &'a str,
    at: RequestInstant,
) -> impl Iterator<Item = &'a SnykPat> {
    state.pats.iter().filter(move |pat| pat.owner == owner && pat.expires > at.now)
}

fn delete_pat(rest: &RestRequest) -> RestResult {
    let mut state = rest.state();
    let index =
        state.pats.iter().position(|pat| pat.id == rest.params[0] && pat.owner == rest.caller.id);
    let pat =
        state.pats.remove(index.ok_or_else(|| JsonApiError::not_found("personal access token"))?);
    state.revoke_tokens(&pat.id, rest.request.instant);
    Ok(SimulatorResponse::empty(StatusCode::NO_CONTENT))
}

fn list_apps(rest: &RestRequest) -> RestResult {
    let state = rest.state();
    let used = |id: &String| {
        state.sessions.iter().any(|session| session.app == *id && session.belongs_to(&rest.caller))
    };
    let apps: Vec<Value> = state.apps.iter().filter(|app| used(&app.id)).map(|app| {
        json!({"id": app.id, "type": "app", "attributes": {"name": app.name, "client_id": app.client_id, "scopes": app.scopes}})
    }).collect();
    Ok(json_api_document(&paginate(rest, apps.len(), LinkStyle::Object, |index| {
        apps[index].clone()
    })?))
}

fn revoke_app(rest: &RestRequest) -> RestResult {
    end_sessions(rest, |app, _| app == rest.params[0], "app")
}

fn list_installs(rest: &RestRequest) -> RestResult {
    let state = rest.state();
    let installs: Vec<Value> = state
        .sessions
        .iter()
        .filter(|session| session.belongs_to(&rest.caller))
        .map(|session| {
            json!({"id": session.install_id(), "type": "app_install", "attributes": {"installed_at": format_rfc3339(session.created)},
            "relationships": {"app": {"data": {"id": session.app, "type": "app"}}}})
        })
        .collect();
    Ok(json_api_document(&paginate(rest, installs.len(), LinkStyle::Rooted, |index| {
        installs[index].clone()
    })?))
}

fn delete_install(rest: &RestRequest) -> RestResult {
    let state = rest.state();
    let session = state
        .sessions
        .iter()
        .find(|session| session.belongs_to(&rest.caller) && session.install_id() == rest.params[0]);
    let id = session.map(|session| session.id.clone()).unwrap_or_default();
    drop(state);
    end_sessions(rest, |_, session| session == id, "install")
}

fn list_sessions(rest: &RestRequest) -> RestResult {
    let state = rest.state();
    let sessions: Vec<Value> = state
        .sessions
        .iter()
        .filter(|session| session.belongs_to(&rest.caller) && session.app == rest.params[0])
        .map(
            |session| json!({"id": session.id, "type": "session", "attributes": {"created_at": format_rfc3339(session.created)}}),
        )
        .collect();
    Ok(json_api_document(&paginate(rest, sessions.len(), LinkStyle::Bare, |index| {
        sessions[index].clone()
    })?))
}

fn revoke_session(rest: &RestRequest) -> RestResult {
    end_sessions(rest, |app, session| app == rest.params[0] && session == rest.params[1], "session")
}

/// Ends the sessions of the caller whose app and ID are `chosen`; there must be at least one.
fn end_sessions(rest: &RestRequest, chosen: impl Fn(&str, &str) -> bool, what: &str) -> RestResult {
    let mut state = rest.state();
    let ended: Vec<String> = state
        .sessions
        .iter()
        .filter(|session| session.belongs_to(&rest.caller) && chosen(&session.app, &session.id))
        .map(|session| session.id.clone())
        .collect();
    for id in &ended {
        state.end_session(id, rest.request.instant);
    }
    if ended.is_empty() {
        Err(JsonApiError::not_found(what))
    } else {
        Ok(SimulatorResponse::empty(StatusCode::NO_CONTENT))
    }
}

impl SnykRegion {
    /// Adds a personal access token and returns it.
    pub(super) fn add_pat(
        &self,
        state: &mut SnykState,
        owner: &Arc<SnykPrincipal>,
        pat: SnykPat,
        validity: ValidityPeriod,
    ) -> String {
        let claims = json!({"j": pat.id, "h": self.host, "e": pat.expires / MILLIS_PER_SECOND, "s": owner.id});
        let secret = deterministic::snyk_token("snyk_uat", &claims);
        let token = SnykToken::new(owner, "personal-access-token", validity.until(pat.expires))
            .with_owner(&pat.id);
        state.tokens.insert(secret.clone(), token);
        state.pats.push(pat);
        secret
    }
}
