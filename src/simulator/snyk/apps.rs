//! Snyk Apps from the developer's view: creations and their secrets. Installs are in `installs`,
//! sign-ins in `authorize`.
//!
//! Client secrets of service accounts, apps and installs: at most two and at least one per client.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::clock::{RequestInstant, UnixMillis, ValidityPeriod};
use super::super::deterministic;
use super::installs::AppInstall;
use super::rest::{RestOperation, RestRequest, RestResult, json_api_document, single_resource};
use super::state::{ResourceScope, SnykState};
use crate::simulator::server::SimulatorResponse;
use crate::simulator::snyk::rest::{LinkStyle, paginate};
use crate::simulator::snyk::version::JsonApiError;

const CREATION_RELEASES: &[&str] = &["2023-11-03"];

pub(super) const OPERATIONS: &[RestOperation] = &[
    RestOperation::get("/orgs/{org_id}/apps/creations", CREATION_RELEASES, list),
    RestOperation::post("/orgs/{org_id}/apps/creations", CREATION_RELEASES, create),
    RestOperation::get("/orgs/{org_id}/apps/creations/{app_id}", CREATION_RELEASES, get),
    RestOperation::patch("/orgs/{org_id}/apps/creations/{app_id}", CREATION_RELEASES, update),
    RestOperation::delete("/orgs/{org_id}/apps/creations/{app_id}", CREATION_RELEASES, delete),
    RestOperation::post(
        "/orgs/{org_id}/apps/creations/{app_id}/secrets",
        CREATION_RELEASES,
        change_secrets,
    ),
];

/// How an app gets its tokens: a user consents, or an install has its own secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AppGrantType {
    AuthorizationCode,
    ClientCredentials,
}

/// An app that an organization created.
pub(super) struct SnykApp {
    pub(super) id: String,
    pub(super) org: usize,
    pub(super) name: String,
    pub(super) client_id: String,
    pub(super) redirect_uris: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) grant_type: AppGrantType,
    pub(super) ttl_seconds: i64,
    pub(super) secrets: ClientSecrets,
}

fn describe(rest: &RestRequest, app: &SnykApp) -> Value {
    let (context, grant) = match app.grant_type {
        AppGrantType::AuthorizationCode => ("user", "authorization_code"),
        AppGrantType::ClientCredentials => ("tenant", "client_credentials"),
    };
    let attributes = json!({"name": app.name, "client_id": app.client_id, "redirect_uris": app.redirect_uris, "scopes": app.scopes,
        "access_token_ttl_seconds": app.ttl_seconds, "context": context, "grant_type": grant, "is_confidential": true,
        "is_public": false, "org_public_id": rest.region.fixtures.orgs[app.org].id});
    json!({"id": app.id, "type": "app", "attributes": attributes, "links": {}})
}

/// Returns the index of the organization in which the caller may do `permission` with apps.
fn managed_org(rest: &RestRequest, permission: &str) -> Result<usize, JsonApiError> {
    rest.managed_scope(permission)?;
    rest.org_index()
}

fn find_app(state: &SnykState, org: usize, id: &str) -> Result<usize, JsonApiError> {
    state
        .apps
        .iter()
        .position(|app| app.org == org && app.id == id)
        .ok_or_else(|| JsonApiError::not_found("app"))
}

fn list(rest: &RestRequest) -> RestResult {
    let org = managed_org(rest, "app.read")?;
    let state = rest.state();
    let apps: Vec<&SnykApp> = state.apps.iter().filter(|app| app.org == org).collect();
    Ok(json_api_document(&paginate(rest, apps.len(), LinkStyle::Object, |index| {
        describe(rest, apps[index])
    })?))
}

fn get(rest: &RestRequest) -> RestResult {
    let org = managed_org(rest, "app.read")?;
    let state = rest.state();
    let index = find_app(&state, org, rest.params[1])?;
    Ok(single_resource(StatusCode::OK, &describe(rest, &state.apps[index])))
}

fn create(rest: &RestRequest) -> RestResult {
    let org = managed_org(rest, "app.create")?;
    let input = rest.request_attributes("app")?;
    let name = input["name"].as_str().filter(|name| !name.is_empty());
    let name =
        name.ok_or_else(|| JsonApiError::invalid_pointer("/data/attributes/name", "is required"))?;
    let grant = if input["grant_type"] == "client_credentials" {
        AppGrantType::ClientCredentials
    } else {
        AppGrantType::AuthorizationCode
    };
    let redirect_uris = string_list(&input["redirect_uris"]);
    if redirect_uris.is_empty() && grant == AppGrantType::AuthorizationCode {
        return Err(JsonApiError::invalid_pointer("/data/attributes/redirect_uris", "is required"));
    }
    let response = {
        let mut state = rest.state();
        let label = state.new_label(rest.region.id);
        let secret = deterministic::snyk_secret("cs", &label);
        state.apps.push(SnykApp {
            id: deterministic::uuid(&format!("{label}/app")),
            org,
            name: name.to_owned(),
            client_id: deterministic::uuid(&format!("{label}/client")),
            redirect_uris,
            scopes: string_list(&input["scopes"]),
            grant_type: grant,
            ttl_seconds: input["access_token_ttl_seconds"].as_i64().unwrap_or(3_600),
            secrets: ClientSecrets::with_secret(
                secret.clone(),
                ValidityPeriod::starting_at(rest.request.instant),
            ),
        });
        let app = state.apps.last().ok_or_else(|| JsonApiError::not_found("app"))?;
        single_resource(
            StatusCode::CREATED,
            &insert_secret(describe(rest, app), "client_secret", Some(secret)),
        )
    };
    rest.record_audit_event(ResourceScope::Org(org), "app.create", json!({"name": name}));
    Ok(response)
}

fn string_list(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

fn update(rest: &RestRequest) -> RestResult {
    let org = managed_org(rest, "app.edit")?;
    let input = rest.request_attributes("app")?;
    let response = {
        let mut state = rest.state();
        let index = find_app(&state, org, rest.params[1])?;
        let app = &mut state.apps[index];
        if let Some(name) = input["name"].as_str() {
            name.clone_into(&mut app.name);
        }
        if input["redirect_uris"].is_array() {
            app.redirect_uris = string_list(&input["redirect_uris"]);
        }
        if let Some(ttl) = input["access_token_ttl_seconds"].as_i64() {
            app.ttl_seconds = ttl;
        }
        single_resource(StatusCode::OK, &describe(rest, &state.apps[index]))
    };
    rest.record_audit_event(ResourceScope::Org(org), "app.edit", json!({"app_id": rest.params[1]}));
    Ok(response)
}

fn delete(rest: &RestRequest) -> RestResult {
    let org = managed_org(rest, "app.delete")?;
    {
        let mut state = rest.state();
        let index = find_app(&state, org, rest.params[1])?;
        let app = state.apps.remove(index);
        let sessions: Vec<String> = state
            .sessions
            .iter()
            .filter(|session| session.app == app.id)
            .map(|session| session.id.clone())
            .collect();
        for id in &sessions {
            state.end_session(id, rest.request.instant);
        }
        let removed: Vec<AppInstall> =
            state.installs.extract_if(.., |install| install.app == app.id).collect();
        for install in &removed {
            state.revoke_tokens(&install.id, rest.request.instant);
        }
    }
    rest.record_audit_event(
        ResourceScope::Org(org),
        "app.delete",
        json!({"app_id": rest.params[1]}),
    );
    Ok(SimulatorResponse::empty(StatusCode::NO_CONTENT))
}

fn change_secrets(rest: &RestRequest) -> RestResult {
    let org = managed_org(rest, "app.edit")?;
    let input = rest.request_attributes("app")?;
    let response = {
        let mut state = rest.state();
        let index = find_app(&state, org, rest.params[1])?;
        let new_secret = deterministic::snyk_secret("cs", &state.new_label(rest.region.id));
        let secret =
            state.apps[index].secrets.apply_change(&input, new_secret, rest.request.instant)?;
        single_resource(
            StatusCode::OK,
            &insert_secret(describe(rest, &state.apps[index]), "client_secret", secret),
        )
    };
    rest.record_audit_event(
        ResourceScope::Org(org),
        "app.edit",
        json!({"app_id": rest.params[1], "mode": input["mode"]}),
    );
    Ok(response)
}

const MAX_ACTIVE_SECRETS: usize = 2;

/// Client secrets of one client.
#[derive(Default)]
pub(super) struct ClientSecrets(Vec<(String, ValidityPeriod)>);

impl ClientSecrets {
    pub(super) fn with_secret(secret: String, validity: ValidityPeriod) -> Self {
        Self(vec![(secret, validity)])
    }

    pub(super) fn accepts(&self, secret: &str, now: UnixMillis) -> bool {
        self.0.iter().any(|(known, validity)| known == secret && validity.is_valid_at(now))
    }

    /// Returns the secrets that have not ended.
    pub(super) fn live_secrets(&self, now: UnixMillis) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(_, validity)| !validity.has_ended(now))
            .map(|(secret, _)| secret.as_str())
    }

    pub(super) fn revoke_all(&mut self, at: RequestInstant) {
        self.0.iter_mut().for_each(|(_, validity)| validity.revoke(at));
    }

    /// Applies the attributes of a `…/secrets` call, and returns the secret if there is a new one.
    pub(super) fn apply_change(
        &mut self,
        input: &Value,
        new_secret: String,
        at: RequestInstant,
    ) -> Result<Option<String>, JsonApiError> {
        self.0.retain(|(_, validity)| !validity.has_ended(at.now));
        match input["mode"].as_str() {
            Some("create") if self.active_count() >= MAX_ACTIVE_SECRETS => {
                Err(JsonApiError::bad_request(
                    "cannot update secrets: the maximum of 2 active secrets is reached",
                ))
            }
            Some("create") => Ok(Some(self.add(new_secret, at))),
            Some("replace") => {
                self.revoke_all(at);
                Ok(Some(self.add(new_secret, at)))
            }
            Some("delete") => {
                self.delete(input["secret"].as_str().unwrap_or_default(), at).map(|()| None)
            }
            _ => Err(JsonApiError::invalid_pointer(
                "/data/attributes/mode",
                "must be create, delete or replace",
            )),
        }
    }

    fn add(&mut self, new_secret: String, at: RequestInstant) -> String {
        self.0.push((new_secret.clone(), ValidityPeriod::starting_at(at)));
        new_secret
    }

    fn delete(&mut self, secret: &str, at: RequestInstant) -> Result<(), JsonApiError> {
        let active = self.active_count();
        let found =
            self.0.iter_mut().find(|(known, validity)| known == secret && validity.has_no_end());
        let (_, validity) = found.ok_or_else(|| {
            JsonApiError::invalid_pointer(
                "/data/attributes/secret",
                "is not a secret of this client",
            )
        })?;
        if active < MAX_ACTIVE_SECRETS {
            return Err(JsonApiError::bad_request(
                "cannot update secrets: at least one secret must remain",
            ));
        }
        validity.revoke(at);
        Ok(())
    }

    /// Returns how many secrets are not revoked, whether or not revoked ones are still accepted.
    fn active_count(&self) -> usize {
        self.0.iter().filter(|(_, validity)| validity.has_no_end()).count()
    }
}

/// Inserts a secret into a resource, for this response only.
pub(super) fn insert_secret(mut resource: Value, name: &str, secret: Option<String>) -> Value {
    if let Some(secret) = secret {
        resource["attributes"][name] = secret.into();
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns the new secret, an empty text, or a refusal.
    fn change(
        secrets: &mut ClientSecrets,
        input: &Value,
        new_secret: &str,
    ) -> Result<String, &'static str> {
        let changed = secrets.apply_change(input, new_secret.to_owned(), RequestInstant::default());
        changed.map(Option::unwrap_or_default).map_err(|_| "refused")
    }

    #[test]
    fn there_are_at_most_two_and_at_least_one() {
        let mut secrets = ClientSecrets::with_secret(
            "a".into(),
            ValidityPeriod::starting_at(RequestInstant::default()),
        );
        assert_eq!(
            change(&mut secrets, &json!({"mode": "delete", "secret": "a"}), ""),
            Err("refused")
        );
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "b"), Ok("b".into()));
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "c"), Err("refused"));
        assert_eq!(
            change(&mut secrets, &json!({"mode": "delete", "secret": "x"}), ""),
            Err("refused")
        );
        assert_eq!(
            change(&mut secrets, &json!({"mode": "delete", "secret": "a"}), ""),
            Ok(String::new())
        );
        assert!(!secrets.accepts("a", 0) && secrets.accepts("b", 0));
    }

    #[test]
    fn a_revoked_secret_that_lingers_frees_its_place() {
        let mut secrets = ClientSecrets::with_secret(
            "a".into(),
            ValidityPeriod::starting_at(RequestInstant::default()),
        );
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "b"), Ok("b".into()));
        let slow = RequestInstant { revocation_delay: 60, ..RequestInstant::default() };
        let deleted =
            secrets.apply_change(&json!({"mode": "delete", "secret": "a"}), String::new(), slow);
        assert!(deleted.is_ok() && secrets.accepts("a", 59));
        assert_eq!(change(&mut secrets, &json!({"mode": "create"}), "c"), Ok("c".into()));
    }

    #[test]
    fn replacing_kills_at_once() {
        let mut secrets = ClientSecrets::with_secret(
            "a".into(),
            ValidityPeriod::starting_at(RequestInstant::default()),
        );
        assert_eq!(change(&mut secrets, &json!({"mode": "replace"}), "b"), Ok("b".into()));
        assert_eq!(secrets.live_secrets(0).collect::<Vec<_>>(), ["b"]);
    }
}
