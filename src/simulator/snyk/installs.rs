//! Installs: Snyk Apps that act on their own in an organization or a group, each with its own
//! secret.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::clock::{RequestInstant, UnixMillis, ValidityPeriod, format_rfc3339};
use super::super::deterministic;
use super::apps::{AppGrantType, SnykApp};
use super::rest::{RestOperation, RestRequest, RestResult, json_api_document, single_resource};
use super::state::{PrincipalType, ResourceScope, SnykPrincipal, SnykState};
use crate::simulator::server::SimulatorResponse;
use crate::simulator::snyk::apps::{ClientSecrets, insert_secret};
use crate::simulator::snyk::rest::{LinkStyle, paginate};
use crate::simulator::snyk::state::RolePrivilege;
use crate::simulator::snyk::version::JsonApiError;

const INSTALL_RELEASES: &[&str] = &["2024-05-23"];

pub(super) const OPERATIONS: &[RestOperation] = &[
    RestOperation::get("/orgs/{org_id}/apps/installs", INSTALL_RELEASES, list_installs),
    RestOperation::post("/orgs/{org_id}/apps/installs", INSTALL_RELEASES, install),
    RestOperation::delete("/orgs/{org_id}/apps/installs/{install_id}", INSTALL_RELEASES, uninstall),
    RestOperation::post(
        "/orgs/{org_id}/apps/installs/{install_id}/secrets",
        INSTALL_RELEASES,
        change_install_secrets,
    ),
    RestOperation::get("/groups/{group_id}/apps/installs", INSTALL_RELEASES, list_installs),
    RestOperation::post("/groups/{group_id}/apps/installs", INSTALL_RELEASES, install),
    RestOperation::delete(
        "/groups/{group_id}/apps/installs/{install_id}",
        INSTALL_RELEASES,
        uninstall,
    ),
    RestOperation::post(
        "/groups/{group_id}/apps/installs/{install_id}/secrets",
        INSTALL_RELEASES,
        change_install_secrets,
    ),
];

/// An app that acts on its own in an organization or a group.
pub(super) struct AppInstall {
    pub(super) id: String,
    pub(super) app: String,
    pub(super) scope: ResourceScope,
    pub(super) client_id: String,
    pub(super) secrets: ClientSecrets,
    pub(super) principal: Arc<SnykPrincipal>,
    pub(super) installed: UnixMillis,
}

impl AppInstall {
    /// Installs an app and returns the install with its secret. `label` determines its identifiers.
    pub(super) fn new(
        app: &SnykApp,
        scope: ResourceScope,
        label: &str,
        at: RequestInstant,
    ) -> (Self, String) {
        let secret = deterministic::snyk_secret("cs", label);
        let id = deterministic::uuid(&format!("{label}/install"));
        let principal = Arc::new(SnykPrincipal {
            id: id.clone(),
            principal_type: PrincipalType::AppInstance,
            name: app.name.clone(),
            privilege: RolePrivilege::Collaborator,
            scope,
        });
        let client_id = deterministic::uuid(&format!("{label}/client"));
        let secrets = ClientSecrets::with_secret(secret.clone(), ValidityPeriod::starting_at(at));
        (
            Self {
                id,
                app: app.id.clone(),
                scope,
                client_id,
                secrets,
                principal,
                installed: at.now,
            },
            secret,
        )
    }

    fn describe(&self) -> Value {
        let attributes =
            json!({"client_id": self.client_id, "installed_at": format_rfc3339(self.installed)});
        json!({"id": self.id, "type": "app_install", "attributes": attributes,
            "relationships": {"app": {"data": {"id": self.app, "type": "app"}}}})
    }
}

fn find_install(state: &SnykState, scope: ResourceScope, id: &str) -> Result<usize, JsonApiError> {
    state
        .installs
        .iter()
        .position(|install| install.scope == scope && install.id == id)
        .ok_or_else(|| JsonApiError::not_found("install"))
}

fn list_installs(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("app.read")?;
    let state = rest.state();
    let installs: Vec<&AppInstall> =
        state.installs.iter().filter(|install| install.scope == scope).collect();
    Ok(json_api_document(&paginate(rest, installs.len(), LinkStyle::Bare, |index| {
        installs[index].describe()
    })?))
}

fn install(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("app.install")?;
    let input = rest.request_document("app")?;
    let wanted = input["relationships"]["app"]["data"]["id"].as_str();
    let wanted = wanted
        .or_else(|| input["data"]["relationships"]["app"]["data"]["id"].as_str())
        .unwrap_or_default()
        .to_owned();
    let response = {
        let mut state = rest.state();
        let label = state.new_label(rest.region.id);
        let app = state
            .apps
            .iter()
            .find(|app| app.id == wanted && app.grant_type == AppGrantType::ClientCredentials);
        let app = app.ok_or_else(|| {
            JsonApiError::invalid_pointer(
                "/relationships/app/data/id",
                "is not an app with client credentials",
            )
        })?;
        let (install, secret) = AppInstall::new(app, scope, &label, rest.request.instant);
        let response = single_resource(
            StatusCode::CREATED,
            &insert_secret(install.describe(), "client_secret", Some(secret)),
        );
        state.installs.push(install);
        response
    };
    rest.record_audit_event(scope, "app_bot.create", json!({"app_id": wanted}));
    Ok(response)
}

fn uninstall(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("app.install")?;
    let mut state = rest.state();
    let index = find_install(&state, scope, rest.params[1])?;
    let install = state.installs.remove(index);
    state.revoke_tokens(&install.id, rest.request.instant);
    Ok(SimulatorResponse::empty(StatusCode::NO_CONTENT))
}

fn change_install_secrets(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("app.edit")?;
    let input = rest.request_attributes("app")?;
    let mut state = rest.state();
    let index = find_install(&state, scope, rest.params[1])?;
    let new_secret = deterministic::snyk_secret("cs", &state.new_label(rest.region.id));
    let secret =
        state.installs[index].secrets.apply_change(&input, new_secret, rest.request.instant)?;
    Ok(single_resource(
        StatusCode::OK,
        &insert_secret(state.installs[index].describe(), "client_secret", secret),
    ))
}
