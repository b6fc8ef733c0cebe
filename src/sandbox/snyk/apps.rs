//! Snyk Apps as their makers see them: creations and their secrets.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::clock::Life;

use super::super::seed;
use super::super::wire::Reply;
use super::installs::Install;
use super::paging::{Links, page};
use super::refusal::Refusal;
use super::rest::{Operation, Outcome, Rest, document, one};
use super::secrets::{Secrets, reveal};
use super::state::{Reach, State};

const CREATIONS: &[&str] = &["2023-11-03"];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::get("/orgs/{org_id}/apps/creations", CREATIONS, list),
    Operation::post("/orgs/{org_id}/apps/creations", CREATIONS, create),
    Operation::get("/orgs/{org_id}/apps/creations/{app_id}", CREATIONS, get),
    Operation::patch("/orgs/{org_id}/apps/creations/{app_id}", CREATIONS, update),
    Operation::delete("/orgs/{org_id}/apps/creations/{app_id}", CREATIONS, delete),
    Operation::post("/orgs/{org_id}/apps/creations/{app_id}/secrets", CREATIONS, change_secrets),
];

/// How an app gets its tokens: a person agrees, or an install has a secret of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    AuthorizationCode,
    ClientCredentials,
}

/// An app that an organisation created.
pub(super) struct App {
    pub(super) id: String,
    pub(super) org: usize,
    pub(super) name: String,
    pub(super) client_id: String,
    pub(super) redirect_uris: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) grant: Grant,
    pub(super) ttl_seconds: i64,
    pub(super) secrets: Secrets,
}

fn describe(rest: &Rest, app: &App) -> Value {
    let (context, grant) = match app.grant {
        Grant::AuthorizationCode => ("user", "authorization_code"),
        Grant::ClientCredentials => ("tenant", "client_credentials"),
    };
    let attributes = json!({"name": app.name, "client_id": app.client_id, "redirect_uris": app.redirect_uris, "scopes": app.scopes,
        "access_token_ttl_seconds": app.ttl_seconds, "context": context, "grant_type": grant, "is_confidential": true,
        "is_public": false, "org_public_id": rest.region.world.orgs[app.org].id});
    json!({"id": app.id, "type": "app", "attributes": attributes, "links": {}})
}

/// The place of the organisation in whose name the caller may do `permission` with apps.
fn managed_org(rest: &Rest, permission: &str) -> Result<usize, Refusal> {
    rest.managed_scope(permission)?;
    rest.org_place()
}

fn find(state: &State, org: usize, id: &str) -> Result<usize, Refusal> {
    state.apps.iter().position(|app| app.org == org && app.id == id).ok_or_else(|| Refusal::not_found("app"))
}

fn list(rest: &Rest) -> Outcome {
    let org = managed_org(rest, "app.read")?;
    let state = rest.state();
    let apps: Vec<&App> = state.apps.iter().filter(|app| app.org == org).collect();
    Ok(document(&page(rest, apps.len(), Links::Object, |place| describe(rest, apps[place]))?))
}

fn get(rest: &Rest) -> Outcome {
    let org = managed_org(rest, "app.read")?;
    let state = rest.state();
    let place = find(&state, org, rest.params[1])?;
    Ok(one(StatusCode::OK, &describe(rest, &state.apps[place])))
}

fn create(rest: &Rest) -> Outcome {
    let org = managed_org(rest, "app.create")?;
    let wish = rest.attributes("app")?;
    let name = wish["name"].as_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::pointer("/data/attributes/name", "is required"))?;
    let grant = if wish["grant_type"] == "client_credentials" { Grant::ClientCredentials } else { Grant::AuthorizationCode };
    let redirect_uris = texts(&wish["redirect_uris"]);
    if redirect_uris.is_empty() && grant == Grant::AuthorizationCode {
        return Err(Refusal::pointer("/data/attributes/redirect_uris", "is required"));
    }
    let reply = {
        let mut state = rest.state();
        let label = state.fresh_label(rest.region.id);
        let secret = seed::snyk_secret("cs", &label);
        state.apps.push(App {
            id: seed::uuid(&format!("{label}/app")),
            org,
            name: name.to_owned(),
            client_id: seed::uuid(&format!("{label}/client")),
            redirect_uris,
            scopes: texts(&wish["scopes"]),
            grant,
            ttl_seconds: wish["access_token_ttl_seconds"].as_i64().unwrap_or(3_600),
            secrets: Secrets::with(secret.clone(), Life::starting(rest.call.at)),
        });
        let app = state.apps.last().ok_or_else(|| Refusal::not_found("app"))?;
        one(StatusCode::CREATED, &reveal(describe(rest, app), "client_secret", Some(secret)))
    };
    rest.record(Reach::Org(org), "app.create", json!({"name": name}));
    Ok(reply)
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn update(rest: &Rest) -> Outcome {
    let org = managed_org(rest, "app.edit")?;
    let wish = rest.attributes("app")?;
    let reply = {
        let mut state = rest.state();
        let place = find(&state, org, rest.params[1])?;
        let app = &mut state.apps[place];
        if let Some(name) = wish["name"].as_str() {
            name.clone_into(&mut app.name);
        }
        if wish["redirect_uris"].is_array() {
            app.redirect_uris = texts(&wish["redirect_uris"]);
        }
        if let Some(ttl) = wish["access_token_ttl_seconds"].as_i64() {
            app.ttl_seconds = ttl;
        }
        one(StatusCode::OK, &describe(rest, &state.apps[place]))
    };
    rest.record(Reach::Org(org), "app.edit", json!({"app_id": rest.params[1]}));
    Ok(reply)
}

fn delete(rest: &Rest) -> Outcome {
    let org = managed_org(rest, "app.delete")?;
    {
        let mut state = rest.state();
        let place = find(&state, org, rest.params[1])?;
        let app = state.apps.remove(place);
        let sessions: Vec<String> =
            state.sessions.iter().filter(|session| session.app == app.id).map(|session| session.id.clone()).collect();
        for id in &sessions {
            state.end_session(id, rest.call.at);
        }
        let gone: Vec<Install> = state.installs.extract_if(.., |install| install.app == app.id).collect();
        for install in &gone {
            state.revoke_tokens(&install.id, rest.call.at);
        }
    }
    rest.record(Reach::Org(org), "app.delete", json!({"app_id": rest.params[1]}));
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn change_secrets(rest: &Rest) -> Outcome {
    let org = managed_org(rest, "app.edit")?;
    let wish = rest.attributes("app")?;
    let reply = {
        let mut state = rest.state();
        let place = find(&state, org, rest.params[1])?;
        let fresh = seed::snyk_secret("cs", &state.fresh_label(rest.region.id));
        let secret = state.apps[place].secrets.change(&wish, fresh, rest.call.at)?;
        one(StatusCode::OK, &reveal(describe(rest, &state.apps[place]), "client_secret", secret))
    };
    rest.record(Reach::Org(org), "app.edit", json!({"app_id": rest.params[1], "mode": wish["mode"]}));
    Ok(reply)
}
