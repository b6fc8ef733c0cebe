//! Installs: Snyk Apps that act by themselves in an organisation or a group, each with a secret of its own.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::clock::{Life, Millis, Moment, rfc3339};
use super::super::seed;
use super::super::wire::Reply;
use super::apps::{App, Grant};
use super::paging::{Links, page};
use super::refusal::Refusal;
use super::rest::{Operation, Outcome, Rest, document, one};
use super::secrets::{Secrets, reveal};
use super::state::{Actor, Principal, Reach, State};
use super::world::Rank;

const INSTALLS: &[&str] = &["2024-05-23"];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::get("/orgs/{org_id}/apps/installs", INSTALLS, list_installs),
    Operation::post("/orgs/{org_id}/apps/installs", INSTALLS, install),
    Operation::delete("/orgs/{org_id}/apps/installs/{install_id}", INSTALLS, uninstall),
    Operation::post("/orgs/{org_id}/apps/installs/{install_id}/secrets", INSTALLS, change_install_secrets),
    Operation::get("/groups/{group_id}/apps/installs", INSTALLS, list_installs),
    Operation::post("/groups/{group_id}/apps/installs", INSTALLS, install),
    Operation::delete("/groups/{group_id}/apps/installs/{install_id}", INSTALLS, uninstall),
    Operation::post("/groups/{group_id}/apps/installs/{install_id}/secrets", INSTALLS, change_install_secrets),
];

/// An app that acts by itself in an organisation or a group.
pub(super) struct Install {
    pub(super) id: String,
    pub(super) app: String,
    pub(super) scope: Reach,
    pub(super) client_id: String,
    pub(super) secrets: Secrets,
    pub(super) principal: Arc<Principal>,
    pub(super) installed: Millis,
}

impl Install {
    /// Installs an app and returns the install with its secret. `label` names its identity.
    pub(super) fn new(app: &App, scope: Reach, label: &str, at: Moment) -> (Self, String) {
        let secret = seed::snyk_secret("cs", label);
        let id = seed::uuid(&format!("{label}/install"));
        let principal = Arc::new(Principal {
            id: id.clone(),
            actor: Actor::AppInstance,
            name: app.name.clone(),
            rank: Rank::Collaborator,
            reach: scope,
        });
        let client_id = seed::uuid(&format!("{label}/client"));
        let secrets = Secrets::with(secret.clone(), Life::starting(at));
        (Self { id, app: app.id.clone(), scope, client_id, secrets, principal, installed: at.now }, secret)
    }

    fn describe(&self) -> Value {
        let attributes = json!({"client_id": self.client_id, "installed_at": rfc3339(self.installed)});
        json!({"id": self.id, "type": "app_install", "attributes": attributes,
            "relationships": {"app": {"data": {"id": self.app, "type": "app"}}}})
    }
}

fn find_install(state: &State, scope: Reach, id: &str) -> Result<usize, Refusal> {
    state
        .installs
        .iter()
        .position(|install| install.scope == scope && install.id == id)
        .ok_or_else(|| Refusal::not_found("install"))
}

fn list_installs(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("app.read")?;
    let state = rest.state();
    let installs: Vec<&Install> = state.installs.iter().filter(|install| install.scope == scope).collect();
    Ok(document(&page(rest, installs.len(), Links::Bare, |place| installs[place].describe())?))
}

fn install(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("app.install")?;
    let wish = rest.document("app")?;
    let wanted = wish["relationships"]["app"]["data"]["id"].as_str();
    let wanted = wanted.or_else(|| wish["data"]["relationships"]["app"]["data"]["id"].as_str()).unwrap_or_default().to_owned();
    let reply = {
        let mut state = rest.state();
        let label = state.fresh_label(rest.region.id);
        let app = state.apps.iter().find(|app| app.id == wanted && app.grant == Grant::ClientCredentials);
        let app = app.ok_or_else(|| Refusal::pointer("/relationships/app/data/id", "is not an app with client credentials"))?;
        let (install, secret) = Install::new(app, scope, &label, rest.call.at);
        let reply = one(StatusCode::CREATED, &reveal(install.describe(), "client_secret", Some(secret)));
        state.installs.push(install);
        reply
    };
    rest.record(scope, "app_bot.create", json!({"app_id": wanted}));
    Ok(reply)
}

fn uninstall(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("app.install")?;
    let mut state = rest.state();
    let place = find_install(&state, scope, rest.params[1])?;
    let install = state.installs.remove(place);
    state.revoke_tokens(&install.id, rest.call.at);
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn change_install_secrets(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("app.edit")?;
    let wish = rest.attributes("app")?;
    let mut state = rest.state();
    let place = find_install(&state, scope, rest.params[1])?;
    let fresh = seed::snyk_secret("cs", &state.fresh_label(rest.region.id));
    let secret = state.installs[place].secrets.change(&wish, fresh, rest.call.at)?;
    Ok(one(StatusCode::OK, &reveal(state.installs[place].describe(), "client_secret", secret)))
}
