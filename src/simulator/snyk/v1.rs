//! The old API: no versions, no paging, its own error format.

use std::sync::Arc;

use axum::http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use super::super::deterministic;
use super::state::{ResourceScope, SnykPrincipal};
use super::{SnykRegion, projects};
use crate::simulator::server::{SimulatorRequest, SimulatorResponse};
use crate::simulator::snyk::state::{RolePrivilege, SnykOrg, SnykRole};

/// Responds to a request to a path under `/v1`.
pub(super) fn respond(
    region: &SnykRegion,
    request: &SimulatorRequest,
    caller: Option<&Arc<SnykPrincipal>>,
) -> SimulatorResponse {
    let Some(caller) = caller else {
        return refuse(request, StatusCode::UNAUTHORIZED);
    };
    let v1_request = V1Request { region, request, caller };
    v1_request
        .route()
        .map_or_else(|refusal| refusal, |body| SimulatorResponse::json(StatusCode::OK, &body))
}

/// Builds an error response in the format of the old API.
pub(super) fn refuse(request: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
    let message = match status.as_u16() {
        401 => "Not authorised",
        429 => "Too many requests",
        _ => status.canonical_reason().unwrap_or("Error"),
    };
    error_response(request, status, message)
}

fn error_response(
    request: &SimulatorRequest,
    status: StatusCode,
    message: &str,
) -> SimulatorResponse {
    let body = json!({"code": status.as_u16(), "error": message, "message": message});
    let reference = deterministic::uuid(&format!("{}{}", request.path, request.instant.now));
    SimulatorResponse::json(status, &body)
        .with_header(HeaderName::from_static("x-error-reference"), &reference)
}

/// A request of an authenticated caller.
struct V1Request<'a> {
    region: &'a SnykRegion,
    request: &'a SimulatorRequest,
    caller: &'a SnykPrincipal,
}

impl<'a> V1Request<'a> {
    fn route(&self) -> Result<Value, SimulatorResponse> {
        match (self.request.method.as_str(), &self.request.path_segments()[1..]) {
            ("GET", ["user", "me"]) => Ok(self.describe_self()),
            ("GET", ["orgs"]) => Ok(json!({"orgs": self.orgs()})),
            ("GET", ["group", id, "roles"]) => self.group(id).map(|_| self.roles()),
            ("GET", ["group", id, "orgs"]) => self.group(id).map(|group| self.group_orgs(group)),
            ("GET", ["org", id, "entitlements"]) => self.org(id).map(|_| json!({"api": true})),
            ("GET", ["org", id, "settings"]) => {
                self.org(id).map(|_| json!({"requestAccess": {"enabled": false}}))
            }
            ("POST", ["org", id, "project", project, "aggregated-issues"]) => {
                self.issues(self.org(id)?, project)
            }
            _ => Err(refuse(self.request, StatusCode::NOT_FOUND)),
        }
    }

    fn describe_self(&self) -> Value {
        let SnykPrincipal { id, name, .. } = self.caller;
        json!({"id": id, "username": name, "email": format!("{name}@example.com"), "orgs": self.orgs()})
    }

    fn orgs(&self) -> Vec<Value> {
        let fixtures = &self.region.fixtures;
        let seen = |index: &usize| self.caller.can_view(ResourceScope::Org(*index), fixtures);
        (0..fixtures.orgs.len())
            .filter(seen)
            .map(|index| self.describe(&fixtures.orgs[index]))
            .collect()
    }

    fn describe(&self, org: &SnykOrg) -> Value {
        let group = &self.region.fixtures.groups[org.group];
        json!({"name": org.name(), "id": org.id, "slug": org.slug, "url": format!("{}/org/{}", self.region.app, org.slug),
            "group": {"name": group.name, "id": group.id}})
    }

    fn roles(&self) -> Value {
        let describe = |role: &SnykRole| {
            json!({"name": role.name, "description": role.description, "publicId": role.id,
                "customRole": role.privilege == RolePrivilege::Scanner,
                "created": "2024-02-01T09:00:00Z", "modified": "2024-02-01T09:00:00Z"})
        };
        self.region.fixtures.roles.iter().map(describe).collect()
    }

    fn group_orgs(&self, index: usize) -> Value {
        let fixtures = &self.region.fixtures;
        let group = &fixtures.groups[index];
        let orgs: Vec<Value> = fixtures
            .orgs
            .iter()
            .filter(|org| org.group == index)
            .map(|org| self.describe(org))
            .collect();
        json!({"id": group.id, "name": group.name, "url": format!("{}/group/{}", self.region.app, group.id), "orgs": orgs})
    }

    fn issues(&self, org: &SnykOrg, project: &str) -> Result<Value, SimulatorResponse> {
        org.project_index(project).ok_or_else(|| self.not_found("Project", project))?;
        let filters = self
            .request
            .json()
            .map(|body| body["filters"]["severities"].clone())
            .unwrap_or_default();
        let severities: Vec<String> = serde_json::from_value(filters).unwrap_or_default();
        Ok(json!({"issues": projects::aggregated_issues(project, &severities)}))
    }

    fn org(&self, id: &str) -> Result<&'a SnykOrg, SimulatorResponse> {
        let fixtures = &self.region.fixtures;
        let index = fixtures
            .org_index(id)
            .filter(|index| self.caller.can_view(ResourceScope::Org(*index), fixtures));
        index.map(|index| &fixtures.orgs[index]).ok_or_else(|| self.not_found("Org", id))
    }

    fn group(&self, id: &str) -> Result<usize, SimulatorResponse> {
        let fixtures = &self.region.fixtures;
        let index = fixtures
            .group_index(id)
            .filter(|index| self.caller.can_view(ResourceScope::Group(*index), fixtures));
        index.ok_or_else(|| self.not_found("Group", id))
    }

    fn not_found(&self, what: &str, id: &str) -> SimulatorResponse {
        let message =
            format!("{what} {id} was not found or you may not have the correct permissions");
        error_response(self.request, StatusCode::NOT_FOUND, &message)
    }
}
