//! REST API: finds the operation of a request and negotiates its version.
//!
//! The operations are in the sibling modules, each with its `OPERATIONS`. Start at `respond`.
//!
//! Pages of JSON:API lists, and the four formats of their links.
//!
//! Rate limits: how often a secret was used in each window, and the headers that report it.

use std::iter;
use std::sync::{Arc, MutexGuard};

use axum::http::{HeaderName, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::clock::{MILLIS_PER_SECOND, UnixMillis};
use super::state::{ResourceScope, SnykPrincipal, SnykState};
use super::version::{ApiVersion, ServedVersion};
use super::{SnykRegion, apps, audit, installs, orgs, projects, self_endpoints, service_accounts};
use crate::simulator::server::{SimulatorRequest, SimulatorResponse};
use crate::simulator::snyk::state::SnykOrg;
use crate::simulator::snyk::version::JsonApiError;

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

const PAGE_LIMIT_RANGE: std::ops::RangeInclusive<usize> = 10..=100;

/// Format of a list's links. The documentation allows each format, so a client has to know them
/// all.
#[derive(Clone, Copy)]
pub(super) enum LinkStyle {
    /// `"/orgs/…"`, relative and without `/rest`.
    Bare,
    /// `"/rest/orgs/…"`.
    Rooted,
    /// `"http://host/rest/orgs/…"`.
    Absolute,
    /// `{"href": "/rest/orgs/…"}`.
    Object,
}

/// Builds one page of a list of `total` items, each created by `item` from its index.
pub(super) fn paginate(
    rest: &RestRequest,
    total: usize,
    links: LinkStyle,
    item: impl FnMut(usize) -> Value,
) -> Result<Value, JsonApiError> {
    let limit = parse_limit(rest)?;
    let start = start_index(rest, limit)?.min(total);
    let end = start.saturating_add(limit).min(total);
    let mut navigation = json!({"self": page_link(rest, links, None)});
    if end < total {
        navigation["next"] = page_link(rest, links, Some(("starting_after", end)));
    }
    if start > 0 {
        navigation["prev"] = page_link(rest, links, Some(("ending_before", start)));
    }
    let data: Vec<Value> = (start..end).map(item).collect();
    Ok(json!({"jsonapi": {"version": "1.0"}, "data": data, "links": navigation}))
}

fn parse_limit(rest: &RestRequest) -> Result<usize, JsonApiError> {
    let Some(text) = rest.request.query("limit") else {
        return Ok(*PAGE_LIMIT_RANGE.start());
    };
    let limit: usize =
        text.parse().map_err(|_| JsonApiError::invalid_parameter("limit", "must be an integer"))?;
    if PAGE_LIMIT_RANGE.contains(&limit) && limit.is_multiple_of(10) {
        return Ok(limit);
    }
    Err(JsonApiError::invalid_parameter("limit", "must be a multiple of 10 between 10 and 100"))
}

fn start_index(rest: &RestRequest, limit: usize) -> Result<usize, JsonApiError> {
    let read = |name| {
        rest.request.query(name).map(|text| {
            parse_cursor(text)
                .ok_or_else(|| JsonApiError::invalid_parameter(name, "is not a cursor"))
        })
    };
    match (read("starting_after"), read("ending_before")) {
        (Some(after), _) => after,
        (None, Some(before)) => before.map(|index| index.saturating_sub(limit)),
        (None, None) => Ok(0),
    }
}

fn parse_cursor(text: &str) -> Option<usize> {
    let json = URL_SAFE_NO_PAD.decode(text.strip_prefix("v1.")?).ok()?;
    let position: Value = serde_json::from_slice(&json).ok()?;
    usize::try_from(position["p"].as_u64()?).ok()
}

fn page_link(rest: &RestRequest, links: LinkStyle, to: Option<(&str, usize)>) -> Value {
    let mut query = rest.request.query_without(&["starting_after", "ending_before"]);
    if let Some((name, index)) = to {
        query.append_pair(
            name,
            &format!("v1.{}", URL_SAFE_NO_PAD.encode(json!({"p": index}).to_string())),
        );
    }
    let rooted = format!("{}?{}", rest.request.path, query.finish());
    match links {
        LinkStyle::Bare => json!(rooted.trim_start_matches("/rest")),
        LinkStyle::Rooted => json!(rooted),
        LinkStyle::Absolute => json!(format!("{}{rooted}", rest.region.api)),
        LinkStyle::Object => json!({"href": rooted}),
    }
}

struct LimitWindow {
    name: &'static str,
    seconds: i64,
    limit: u32,
}

const LIMIT_WINDOWS: [LimitWindow; 3] = [
    LimitWindow { name: "per_second", seconds: 1, limit: 160 },
    LimitWindow { name: "per_minute", seconds: 60, limit: 1_620 },
    LimitWindow { name: "per_hour", seconds: 3_600, limit: 97_200 },
];

/// Uses of one secret in the current second, minute and hour.
#[derive(Clone, Copy, Default)]
pub(super) struct SecretUsage([WindowUsage; 3]);

#[derive(Clone, Copy, Default)]
struct WindowUsage {
    start: UnixMillis,
    uses: u32,
}

/// Remaining uses in the window that will be exhausted first.
#[derive(Clone, Copy)]
pub(super) struct TightestLimit {
    window: usize,
    remaining: u32,
    reset: UnixMillis,
    exceeded: bool,
}

impl SecretUsage {
    /// Counts one use.
    pub(super) fn record_use(&mut self, now: UnixMillis) {
        for (usage, window) in self.0.iter_mut().zip(&LIMIT_WINDOWS) {
            let start = now.div_euclid(window.seconds * MILLIS_PER_SECOND)
                * window.seconds
                * MILLIS_PER_SECOND;
            let uses = if usage.start == start { usage.uses } else { 0 };
            *usage = WindowUsage { start, uses: uses.saturating_add(1) };
        }
    }

    /// Returns what remains after the uses so far.
    pub(super) fn tightest_limit(&self, now: UnixMillis) -> TightestLimit {
        let left = |index: usize| LIMIT_WINDOWS[index].limit.saturating_sub(self.0[index].uses);
        let window = (0..LIMIT_WINDOWS.len()).min_by_key(|index| left(*index)).unwrap_or_default();
        let length = LIMIT_WINDOWS[window].seconds * MILLIS_PER_SECOND;
        let end = now.div_euclid(length) * length + length;
        let exceeded =
            self.0.iter().zip(&LIMIT_WINDOWS).any(|(usage, window)| usage.uses > window.limit);
        TightestLimit { window, remaining: left(window), reset: end - now, exceeded }
    }
}

impl TightestLimit {
    /// Returns whether there were more uses than the limit allows.
    pub(super) fn is_exceeded(&self) -> bool {
        self.exceeded
    }

    /// Returns the limit of the tightest window, followed by all limits.
    pub(super) fn limit(&self) -> String {
        let tightest = LIMIT_WINDOWS[self.window].limit.to_string();
        let all = LIMIT_WINDOWS.iter().map(|LimitWindow { name, seconds, limit }| {
            format!("{limit};w={seconds};name=\"{name}\"")
        });
        iter::once(tightest).chain(all).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn remaining(&self) -> String {
        self.remaining.to_string()
    }

    /// Returns the seconds until the tightest window starts again.
    pub(super) fn reset(&self) -> String {
        (self.reset + MILLIS_PER_SECOND - 1).div_euclid(MILLIS_PER_SECOND).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_window_is_reported() {
        let mut usage = SecretUsage::default();
        usage.record_use(0);
        let tightest = usage.tightest_limit(0);
        assert_eq!((tightest.remaining().as_str(), tightest.reset().as_str()), ("159", "1"));
        assert_eq!(
            tightest.limit(),
            "160, 160;w=1;name=\"per_second\", 1620;w=60;name=\"per_minute\", 97200;w=3600;name=\"per_hour\""
        );
    }

    #[test]
    fn the_minute_runs_out_although_no_second_does() {
        let mut usage = SecretUsage::default();
        (0..1_621).for_each(|turn| usage.record_use(turn * 30));
        let tightest = usage.tightest_limit(1_620 * 30);
        assert!(tightest.is_exceeded());
        assert_eq!((tightest.remaining().as_str(), tightest.reset().as_str()), ("0", "12"));
    }
}
