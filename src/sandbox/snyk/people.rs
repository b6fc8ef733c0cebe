//! Who the caller is: `/self`, personal access tokens, and the apps that act for a person.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::clock::{Life, Moment, SECOND, rfc3339};
use super::super::seed;
use super::super::wire::Reply;
use super::Region;
use super::paging::{Links, page};
use super::refusal::Refusal;
use super::rest::{Operation, Outcome, Rest, document};
use super::state::{Actor, Pat, Principal, Reach, State, Token};

const PATS: &[&str] = &["2024-03-19"];
const USER_APPS: &[&str] = &["2022-03-11"];
const INSTALLS: &[&str] = &["2024-05-23"];
const SESSIONS: &[&str] = &["2023-11-03"];

/// The documented limits of personal access tokens.
pub(super) const MOST_PATS: usize = 3;
pub(super) const PAT_DAYS: i64 = 90;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::get("/self", &["2022-10-06", "2024-04-22"], myself),
    Operation::get("/self/personal_access_tokens", PATS, list_pats),
    Operation::delete("/self/personal_access_tokens/{id}", PATS, delete_pat),
    Operation::get("/self/apps", USER_APPS, list_apps),
    Operation::delete("/self/apps/{app_id}", USER_APPS, revoke_app),
    Operation::get("/self/apps/installs", INSTALLS, list_installs),
    Operation::delete("/self/apps/installs/{install_id}", INSTALLS, delete_install),
    Operation::get("/self/apps/{app_id}/sessions", SESSIONS, list_sessions),
    Operation::delete("/self/apps/{app_id}/sessions/{session_id}", SESSIONS, revoke_session),
];

#[expect(clippy::unnecessary_wraps, reason = "every operation has this shape")]
fn myself(rest: &Rest) -> Outcome {
    let home = &rest.region.world.orgs[home(&rest.caller, rest)].id;
    let Principal { id, actor, name, .. } = &*rest.caller;
    let (kind, attributes) = match actor {
        Actor::User => (
            "user",
            json!({"name": name, "email": format!("{name}@example.com"), "username": name,
            "avatar_url": "https://example.com/avatar.png", "default_org_context": home}),
        ),
        Actor::ServiceAccount => ("service_account", json!({"name": name, "default_org_context": home})),
        Actor::AppInstance => ("app_instance", json!({"name": name, "default_org_context": home})),
    };
    let itself = format!("/self?version={}", rest.call.query("version").unwrap_or_default());
    Ok(document(&json!({"jsonapi": {"version": "1.0"},
        "data": {"type": kind, "id": id, "attributes": attributes}, "links": {"self": itself}})))
}

/// The place of the organisation somebody works in by default.
pub(super) fn home(principal: &Principal, rest: &Rest) -> usize {
    match principal.reach {
        Reach::Org(org) => org,
        Reach::Group(group) => rest.region.world.orgs.iter().position(|org| org.group == group).unwrap_or_default(),
        Reach::Region => 0,
    }
}

fn list_pats(rest: &Rest) -> Outcome {
    let state = rest.state();
    let own: Vec<&Pat> = active_pats(&state, &rest.caller.id, rest.call.at).collect();
    let mut list = page(rest, own.len(), Links::Bare, |place| {
        let pat = own[place];
        json!({"id": pat.id, "type": "personal_access_token", "attributes": {"label": pat.label,
            "created_at": rfc3339(pat.created), "expires_at": rfc3339(pat.expires), "tenant_id": null}})
    })?;
    list["meta"] = json!({"max_active_tokens": MOST_PATS, "max_expiry_days": PAT_DAYS});
    Ok(document(&list))
}

/// The personal access tokens of a person that are neither deleted nor expired.
pub(super) fn active_pats<'a>(state: &'a State, owner: &'a str, at: Moment) -> impl Iterator<Item = &'a Pat> {
    state.pats.iter().filter(move |pat| pat.owner == owner && pat.expires > at.now)
}

fn delete_pat(rest: &Rest) -> Outcome {
    let mut state = rest.state();
    let place = state.pats.iter().position(|pat| pat.id == rest.params[0] && pat.owner == rest.caller.id);
    let pat = state.pats.remove(place.ok_or_else(|| Refusal::not_found("personal access token"))?);
    state.revoke_tokens(&pat.id, rest.call.at);
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn list_apps(rest: &Rest) -> Outcome {
    let state = rest.state();
    let used = |id: &String| state.sessions.iter().any(|session| session.app == *id && session.is_of(&rest.caller));
    let apps: Vec<Value> = state.apps.iter().filter(|app| used(&app.id)).map(|app| {
        json!({"id": app.id, "type": "app", "attributes": {"name": app.name, "client_id": app.client_id, "scopes": app.scopes}})
    }).collect();
    Ok(document(&page(rest, apps.len(), Links::Object, |place| apps[place].clone())?))
}

fn revoke_app(rest: &Rest) -> Outcome {
    end_sessions(rest, |app, _| app == rest.params[0], "app")
}

fn list_installs(rest: &Rest) -> Outcome {
    let state = rest.state();
    let installs: Vec<Value> = state
        .sessions
        .iter()
        .filter(|session| session.is_of(&rest.caller))
        .map(|session| {
            json!({"id": session.install_id(), "type": "app_install", "attributes": {"installed_at": rfc3339(session.created)},
            "relationships": {"app": {"data": {"id": session.app, "type": "app"}}}})
        })
        .collect();
    Ok(document(&page(rest, installs.len(), Links::Rooted, |place| installs[place].clone())?))
}

fn delete_install(rest: &Rest) -> Outcome {
    let state = rest.state();
    let session = state.sessions.iter().find(|session| session.is_of(&rest.caller) && session.install_id() == rest.params[0]);
    let id = session.map(|session| session.id.clone()).unwrap_or_default();
    drop(state);
    end_sessions(rest, |_, session| session == id, "install")
}

fn list_sessions(rest: &Rest) -> Outcome {
    let state = rest.state();
    let sessions: Vec<Value> = state
        .sessions
        .iter()
        .filter(|session| session.is_of(&rest.caller) && session.app == rest.params[0])
        .map(|session| json!({"id": session.id, "type": "session", "attributes": {"created_at": rfc3339(session.created)}}))
        .collect();
    Ok(document(&page(rest, sessions.len(), Links::Bare, |place| sessions[place].clone())?))
}

fn revoke_session(rest: &Rest) -> Outcome {
    end_sessions(rest, |app, session| app == rest.params[0] && session == rest.params[1], "session")
}

/// Ends those sessions of the caller whose app and id are `chosen`; there must be one.
fn end_sessions(rest: &Rest, chosen: impl Fn(&str, &str) -> bool, what: &str) -> Outcome {
    let mut state = rest.state();
    let ended: Vec<String> = state
        .sessions
        .iter()
        .filter(|session| session.is_of(&rest.caller) && chosen(&session.app, &session.id))
        .map(|session| session.id.clone())
        .collect();
    for id in &ended {
        state.end_session(id, rest.call.at);
    }
    if ended.is_empty() { Err(Refusal::not_found(what)) } else { Ok(Reply::empty(StatusCode::NO_CONTENT)) }
}

impl Region {
    /// Adds a personal access token and returns it.
    pub(super) fn add_pat(&self, state: &mut State, owner: &Arc<Principal>, pat: Pat, life: Life) -> String {
        let claims = json!({"j": pat.id, "h": self.host, "e": pat.expires / SECOND, "s": owner.id});
        let secret = seed::snyk_token("snyk_uat", &claims);
        let token = Token::new(owner, "personal-access-token", life.until(pat.expires)).held_by(&pat.id);
        state.tokens.insert(secret.clone(), token);
        state.pats.push(pat);
        secret
    }
}
