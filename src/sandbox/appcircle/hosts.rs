//! The two hosts of Appcircle: what is asked of them, and what the API tells to whoever has an access token.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::seed;
use super::super::wire::{Call, Reply, Service};
use super::{Cloud, ORGANIZATIONS, REGION, ok, organization_id, problem};

/// The auth host.
pub(in crate::sandbox) struct Auth(pub(in crate::sandbox) Arc<Cloud>);

impl Service for Auth {
    fn answer(&self, call: &Call) -> Reply {
        match (&call.method, call.path.as_str()) {
            (&Method::POST, "/auth/v3/token") => {
                self.0.by_personal_key(call, ["personalAccessKey", "subOrganization", "subOrganizationId"])
            }
            (&Method::POST, "/auth/v2/token") => self.0.by_personal_key(call, ["pat", "subOrganization", "subOrganizationId"]),
            (&Method::POST, "/auth/v1/token") if call.form().contains_key("personal-access-key") => {
                self.0.by_personal_key(call, ["personal-access-key", "", ""])
            }
            (&Method::POST, "/auth/v1/token") => self.0.by_personal_key(call, ["pat", "", ""]),
            (&Method::POST, "/auth/v1/api-key/token") => self.0.by_api_key(call),
            (&Method::GET, "/auth/realms/appcircle/protocol/openid-connect/userinfo") => match self.0.holder(call) {
                Some((organization, name)) => ok(&userinfo(organization, &name)),
                None => Reply::empty(StatusCode::UNAUTHORIZED),
            },
            _ => Reply::empty(StatusCode::NOT_FOUND),
        }
    }

    fn refuse(&self, _call: &Call, status: StatusCode) -> Reply {
        problem(status, status.canonical_reason().unwrap_or("Error"))
    }
}

fn userinfo(organization: usize, name: &str) -> Value {
    json!({"sub": seed::uuid(&format!("{REGION}/user/{name}")), "email": format!("{name}@example.com"), "email_verified": true,
        "preferred_username": name, "name": name, "currentOrganizationId": organization_id(organization)})
}

/// The API host.
pub(in crate::sandbox) struct Api(pub(in crate::sandbox) Arc<Cloud>);

impl Service for Api {
    fn answer(&self, call: &Call) -> Reply {
        let Some((organization, name)) = self.0.holder(call) else {
            return Reply::empty(StatusCode::UNAUTHORIZED);
        };
        if call.method != Method::GET {
            return problem(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
        }
        read(organization, &name, &call.segments()).map_or_else(|| problem(StatusCode::NOT_FOUND, "Not found"), |body| ok(&body))
    }

    fn refuse(&self, _call: &Call, status: StatusCode) -> Reply {
        match status {
            StatusCode::UNAUTHORIZED => Reply::empty(status),
            _ => problem(status, status.canonical_reason().unwrap_or("Error")),
        }
    }
}

fn read(organization: usize, name: &str, path: &[&str]) -> Option<Value> {
    let below = |place: &usize| *place == organization || ORGANIZATIONS[*place].1 == Some(organization);
    let describe = |place: usize| {
        let (name, parent) = ORGANIZATIONS[place];
        json!({"id": organization_id(place), "name": name, "rootOrganizationId": parent.map(organization_id)})
    };
    match path {
        ["identity", "v1", "organizations"] => {
            Some(json!({"data": (0..ORGANIZATIONS.len()).filter(below).map(describe).collect::<Vec<_>>()}))
        }
        ["identity", "v1", "organizations", id, rest @ ..] => {
            let place = (0..ORGANIZATIONS.len()).filter(below).find(|place| organization_id(*place) == *id)?;
            match rest {
                [] => Some(describe(place)),
                ["users"] => {
                    Some(json!([{"id": seed::uuid(&format!("{REGION}/user/{name}")), "email": format!("{name}@example.com")}]))
                }
                ["invitations"] => Some(json!([])),
                _ => None,
            }
        }
        ["distribution" | "build" | "store", "v2", "profiles"] => Some(profiles(organization, path[0])),
        ["publish", "v2", "profiles", "ios" | "android"] => Some(profiles(organization, path[0])),
        ["distribution", "v2", "testing-groups"] | ["build", "v1", "variable-groups"] | ["publish", "v2", "variable-groups"] => {
            Some(json!([]))
        }
        ["build", "v1", "queue", "my-dashboard"] => Some(json!({"data": []})),
        ["roles.json"] => Some(json!({"roles": ["owner", "manager", "viewer"]})),
        _ => None,
    }
}

fn profiles(organization: usize, module: &str) -> Value {
    let profile = |place: usize| {
        json!({"id": seed::uuid(&format!("{REGION}/{module}/{organization}/{place}")), "name": format!("{module} profile {place}"),
            "platformType": place % 2, "organizationId": organization_id(organization)})
    };
    (1..=4).map(profile).collect()
}
