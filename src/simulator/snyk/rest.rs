//! REST API: finds the operation of a request and negotiates its version.
//!
//! The operations are in the sibling modules, each with its `OPERATIONS`. Start at `respond`.

use std::sync::{Arc, MutexGuard};

use axum::http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use super::super::http_service::{SimulatorRequest, SimulatorResponse};
use super::fixtures::SnykOrg;
use super::json_api_error::JsonApiError;
use super::state::{ResourceScope, SnykPrincipal, SnykState};
use super::version::{ApiVersion, ServedVersion};
use super::{SnykRegion, apps, audit, installs, orgs, projects, self_endpoints, service_accounts};

/// Media type of every REST body.
pub(super) const JSON_API: &str = "application/vnd.api+json";

pub(super) type RestResult = Result<SimulatorResponse, JsonApiError>;
type OperationHandler = fn(&RestRequest) -> RestResult;

/// One operation of the API, with its releases, oldest first.
pub(super) struct RestOperation {
    method: &'static str,
    /// Path under `/rest`; a segment in braces is a parameter.
    path: &'static str,
    releases: &'static [&'static str],
    run: OperationHandler,
}

impl RestOperation {
    pub(super) const fn get(
        path: &'static str,
        releases: &'static [&'static str],
        run: OperationHandler,
    ) -> Self {
        Self { method: "GET", path, releases, run }
    }

    pub(super) const fn post(
        path: &'static str,
        releases: &'static [&'static str],
        run: OperationHandler,
    ) -> Self {
        Self { method: "POST", path, releases, run }
    }

    pub(super) const fn patch(
        path: &'static str,
        releases: &'static [&'static str],
        run: OperationHandler,
    ) -> Self {
        Self { method: "PATCH", path, releases, run }
    }

    pub(super) const fn delete(
        path: &'static str,
        releases: &'static [&'static str],
        run: OperationHandler,
    ) -> Self {
        Self { method: "DELETE", path, releases, run }
    }
}

/// A request with its operation's parameters.
pub(super) struct RestRequest<'a> {
    pub(super) region: &'a SnykRegion,
    pub(super) request: &'a SimulatorRequest,
    pub(super) caller: Arc<SnykPrincipal>,
    /// Values of the path parameters, in order.
    pub(super) params: Vec<&'a str>,
}

fn operations() -> impl Iterator<Item = &'static RestOperation> {
    let areas = [
        self_endpoints::OPERATIONS,
        orgs::OPERATIONS,
        projects::OPERATIONS,
        service_accounts::OPERATIONS,
        apps::OPERATIONS,
        installs::OPERATIONS,
        audit::OPERATIONS,
    ];
    areas.into_iter().flatten()
}

/// Responds to a request to a path under `/rest`.
pub(super) fn respond(
    region: &SnykRegion,
    request: &SimulatorRequest,
    caller: Option<&Arc<SnykPrincipal>>,
) -> SimulatorResponse {
    match try_respond(region, request, caller) {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(request),
    }
}

fn try_respond(
    region: &SnykRegion,
    request: &SimulatorRequest,
    caller: Option<&Arc<SnykPrincipal>>,
) -> RestResult {
    let segments = &request.path_segments()[1..];
    if let ["openapi", version @ ..] = segments {
        return openapi_response(version, request);
    }
    let caller = Arc::clone(caller.ok_or_else(JsonApiError::unauthenticated)?);
    let (operation, params) = find_operation(request.method.as_str(), segments)?;
    let served = negotiate_version(request, operation)?;
    if request.has_body()
        && !request.header("content-type").is_some_and(|media| media.starts_with(JSON_API))
    {
        return Err(JsonApiError::bad_request("Content-Type must be application/vnd.api+json"));
    }
    let outcome = (operation.run)(&RestRequest { region, request, caller, params });
    let response = outcome.unwrap_or_else(|refusal| refusal.into_response(request));
    Ok(add_version_headers(response, &served))
}

fn find_operation<'a>(
    method: &str,
    segments: &[&'a str],
) -> Result<(&'static RestOperation, Vec<&'a str>), JsonApiError> {
    let mut path_exists = false;
    for operation in operations() {
        let Some(params) = match_path(operation.path, segments) else {
            continue;
        };
        if operation.method == method {
            return Ok((operation, params));
        }
        path_exists = true;
    }
    Err(if path_exists {
        JsonApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Method not allowed",
            "the path knows other methods",
        )
    } else {
        JsonApiError::not_found("path")
    })
}

fn match_path<'a>(pattern: &str, segments: &[&'a str]) -> Option<Vec<&'a str>> {
    let mut pattern = pattern.split('/').skip(1);
    let mut params = Vec::new();
    for segment in segments {
        match pattern.next()? {
            expected if expected.starts_with('{') => params.push(*segment),
            expected => (expected == *segment).then_some(())?,
        }
    }
    pattern.next().is_none().then_some(params)
}

fn negotiate_version(
    request: &SimulatorRequest,
    operation: &RestOperation,
) -> Result<ServedVersion, JsonApiError> {
    let requested = request.query("version").ok_or_else(|| {
        JsonApiError::invalid_parameter("version", "missing required query parameter 'version'")
    })?;
    let version = ApiVersion::parse(requested, request.instant.now)
        .ok_or_else(|| JsonApiError::invalid_parameter("version", "invalid version"))?;
    version.resolve(operation.releases).ok_or_else(|| JsonApiError::not_found("version"))
}

fn add_version_headers(response: SimulatorResponse, served: &ServedVersion) -> SimulatorResponse {
    let name = HeaderName::from_static;
    let response = response
        .with_header(name("snyk-version-served"), &served.version.to_string())
        .with_header(name("snyk-version-lifecycle-stage"), served.lifecycle_stage());
    match served.deprecation_dates() {
        Some((deprecation, sunset)) => response
            .with_header(name("deprecation"), &deprecation)
            .with_header(name("sunset"), &sunset),
        None => response,
    }
}

/// Returns the list of versions, or an outline of the API in one of them. Both are public.
fn openapi_response(version: &[&str], request: &SimulatorRequest) -> RestResult {
    let mut versions: Vec<&str> =
        operations().flat_map(|operation| operation.releases).copied().collect();
    versions.sort_unstable();
    versions.dedup();
    let [wanted] = version else {
        return Ok(SimulatorResponse::json(StatusCode::OK, &json!(versions)));
    };
    let requested = ApiVersion::parse(wanted, request.instant.now)
        .ok_or_else(|| JsonApiError::not_found("version"))?;
    let mut paths = json!({});
    for operation in
        operations().filter(|operation| requested.resolve(operation.releases).is_some())
    {
        let served = requested.resolve(operation.releases).map(|served| served.version.to_string());
        paths[operation.path][operation.method.to_lowercase()] =
            json!({"x-snyk-api-version": served, "responses": {}});
    }
    let document = json!({"openapi": "3.0.3", "info": {"title": "Snyk API (simulated)", "version": wanted}, "paths": paths});
    Ok(SimulatorResponse::json(StatusCode::OK, &document))
}

impl RestRequest<'_> {
    pub(super) fn state(&self) -> MutexGuard<'_, SnykState> {
        self.region.state()
    }

    /// Returns the organization that the path begins with, if the caller may view it.
    pub(super) fn org(&self) -> Result<&SnykOrg, JsonApiError> {
        let index = self.org_index()?;
        self.require_view_access(ResourceScope::Org(index))
            .map(|_| &self.region.fixtures.orgs[index])
    }

    /// Returns the index of the group that the path begins with, if the caller may view it.
    pub(super) fn group(&self) -> Result<usize, JsonApiError> {
        let index = self
            .region
            .fixtures
            .group_index(self.params[0])
            .ok_or_else(|| JsonApiError::not_found("group"))?;
        self.require_view_access(ResourceScope::Group(index)).map(|_| index)
    }

    /// Returns the organization or group that the path begins with.
    pub(super) fn scope(&self) -> Result<ResourceScope, JsonApiError> {
        if self.request.path.starts_with("/rest/orgs/") {
            self.require_view_access(ResourceScope::Org(self.org_index()?))
        } else {
            self.group().map(ResourceScope::Group)
        }
    }

    /// Returns the index of the organization that the path begins with.
    pub(super) fn org_index(&self) -> Result<usize, JsonApiError> {
        self.region.fixtures.org_index(self.params[0]).ok_or_else(|| JsonApiError::not_found("org"))
    }

    fn require_view_access(&self, scope: ResourceScope) -> Result<ResourceScope, JsonApiError> {
        if self.caller.can_view(scope, &self.region.fixtures) {
            Ok(scope)
        } else {
            Err(JsonApiError::forbidden("read access"))
        }
    }

    /// Like [`RestRequest::scope`], but the caller must be able to administer it; `permission` is
    /// the missing permission otherwise.
    pub(super) fn managed_scope(&self, permission: &str) -> Result<ResourceScope, JsonApiError> {
        let scope = self.scope()?;
        let level = scope.level_name();
        if self.caller.can_manage(scope, &self.region.fixtures) {
            Ok(scope)
        } else {
            Err(JsonApiError::forbidden(&format!("{level}.{permission}")))
        }
    }

    /// Returns the attributes of the request document, whose `data.type` must be `kind`.
    pub(super) fn request_attributes(&self, kind: &str) -> Result<Value, JsonApiError> {
        let document = self.request_document(kind)?;
        Some(document["data"]["attributes"].clone())
            .filter(Value::is_object)
            .ok_or_else(|| JsonApiError::invalid_pointer("/data/attributes", "must be an object"))
    }

    /// Returns the request document, whose `data.type` must be `kind`.
    pub(super) fn request_document(&self, kind: &str) -> Result<Value, JsonApiError> {
        let document =
            self.request.json().ok_or_else(|| JsonApiError::bad_request("the body is not JSON"))?;
        if document["data"]["type"] == kind {
            Ok(document)
        } else {
            Err(JsonApiError::invalid_pointer("/data/type", &format!("must be {kind}")))
        }
    }
}

/// Builds a document with one resource.
pub(super) fn single_resource(status: StatusCode, data: &Value) -> SimulatorResponse {
    SimulatorResponse::new(
        status,
        JSON_API,
        json!({"jsonapi": {"version": "1.0"}, "data": data, "links": {}}).to_string(),
    )
}

/// Builds a document with this body.
pub(super) fn json_api_document(body: &Value) -> SimulatorResponse {
    SimulatorResponse::new(StatusCode::OK, JSON_API, body.to_string())
}
