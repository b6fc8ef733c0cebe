//! The two hosts of Appcircle: the routes of the auth host, and the data that the API host returns
//! to the owner of an access token.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::deterministic;
use super::super::http_service::{SimulatedService, SimulatorRequest, SimulatorResponse};
use super::{AppcircleCloud, ORGANIZATIONS, REGION, error_response, ok_response, organization_id};

/// Auth host.
pub(in crate::simulator) struct AppcircleAuthHost(pub(in crate::simulator) Arc<AppcircleCloud>);

impl SimulatedService for AppcircleAuthHost {
    fn respond(&self, request: &SimulatorRequest) -> SimulatorResponse {
        match (&request.method, request.path.as_str()) {
            (&Method::POST, "/auth/v3/token") => self.0.exchange_personal_key(
                request,
                ["personalAccessKey", "subOrganization", "subOrganizationId"],
            ),
            (&Method::POST, "/auth/v2/token") => self
                .0
                .exchange_personal_key(request, ["pat", "subOrganization", "subOrganizationId"]),
            (&Method::POST, "/auth/v1/token")
                if request.form().contains_key("personal-access-key") =>
            {
                self.0.exchange_personal_key(request, ["personal-access-key", "", ""])
            }
            (&Method::POST, "/auth/v1/token") => {
                self.0.exchange_personal_key(request, ["pat", "", ""])
            }
            (&Method::POST, "/auth/v1/api-key/token") => self.0.exchange_api_key(request),
            (&Method::GET, "/auth/realms/appcircle/protocol/openid-connect/userinfo") => {
                match self.0.authenticate(request) {
                    Some((organization, name)) => ok_response(&userinfo(organization, &name)),
                    None => SimulatorResponse::empty(StatusCode::UNAUTHORIZED),
                }
            }
            _ => SimulatorResponse::empty(StatusCode::NOT_FOUND),
        }
    }

    fn refuse(&self, _call: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
        error_response(status, status.canonical_reason().unwrap_or("Error"))
    }
}

fn userinfo(organization: usize, name: &str) -> Value {
    json!({"sub": deterministic::uuid(&format!("{REGION}/user/{name}")), "email": format!("{name}@example.com"), "email_verified": true,
        "preferred_username": name, "name": name, "currentOrganizationId": organization_id(organization)})
}

/// API host.
pub(in crate::simulator) struct AppcircleApiHost(pub(in crate::simulator) Arc<AppcircleCloud>);

impl SimulatedService for AppcircleApiHost {
    fn respond(&self, request: &SimulatorRequest) -> SimulatorResponse {
        let Some((organization, name)) = self.0.authenticate(request) else {
            return SimulatorResponse::empty(StatusCode::UNAUTHORIZED);
        };
        if request.method != Method::GET {
            return error_response(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
        }
        read_resource(organization, &name, &request.path_segments()).map_or_else(
            || error_response(StatusCode::NOT_FOUND, "Not found"),
            |body| ok_response(&body),
        )
    }

    fn refuse(&self, _call: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
        match status {
            StatusCode::UNAUTHORIZED => SimulatorResponse::empty(status),
            _ => error_response(status, status.canonical_reason().unwrap_or("Error")),
        }
    }
}

fn read_resource(organization: usize, name: &str, path: &[&str]) -> Option<Value> {
    let below =
        |index: &usize| *index == organization || ORGANIZATIONS[*index].1 == Some(organization);
    let describe = |index: usize| {
        let (name, parent) = ORGANIZATIONS[index];
        json!({"id": organization_id(index), "name": name, "rootOrganizationId": parent.map(organization_id)})
    };
    match path {
        ["identity", "v1", "organizations"] => Some(
            json!({"data": (0..ORGANIZATIONS.len()).filter(below).map(describe).collect::<Vec<_>>()}),
        ),
        ["identity", "v1", "organizations", id, rest @ ..] => {
            let index = (0..ORGANIZATIONS.len())
                .filter(below)
                .find(|index| organization_id(*index) == *id)?;
            match rest {
                [] => Some(describe(index)),
                ["users"] => Some(
                    json!([{"id": deterministic::uuid(&format!("{REGION}/user/{name}")), "email": format!("{name}@example.com")}]),
                ),
                ["invitations"] => Some(json!([])),
                _ => None,
            }
        }
        ["distribution" | "build" | "store", "v2", "profiles"] => {
            Some(profiles(organization, path[0]))
        }
        ["publish", "v2", "profiles", "ios" | "android"] => Some(profiles(organization, path[0])),
        ["distribution", "v2", "testing-groups"]
        | ["build", "v1", "variable-groups"]
        | ["publish", "v2", "variable-groups"] => Some(json!([])),
        ["build", "v1", "queue", "my-dashboard"] => Some(json!({"data": []})),
        ["roles.json"] => Some(json!({"roles": ["owner", "manager", "viewer"]})),
        _ => None,
    }
}

fn profiles(organization: usize, module: &str) -> Value {
    let profile = |index: usize| {
        json!({"id": deterministic::uuid(&format!("{REGION}/{module}/{organization}/{index}")), "name": format!("{module} profile {index}"),
            "platformType": index % 2, "organizationId": organization_id(organization)})
    };
    (1..=4).map(profile).collect()
}
