//! The REST API: finds the operation and negotiates its version.

use std::sync::{Arc, MutexGuard};

use axum::http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use super::super::wire::{Call, Reply};
use super::refusal::Refusal;
use super::state::{Principal, Reach, State};
use super::version::{Served, Version};
use super::world::Org;
use super::{Region, apps, audit, installs, orgs, people, projects, service_accounts};

/// The media type of every REST body.
pub(super) const JSON_API: &str = "application/vnd.api+json";

pub(super) type Outcome = Result<Reply, Refusal>;
type Run = fn(&Rest) -> Outcome;

/// One operation of the API, with the releases that exist of it, oldest first.
pub(super) struct Operation {
    method: &'static str,
    /// Under `/rest`; a segment in braces is a parameter.
    path: &'static str,
    releases: &'static [&'static str],
    run: Run,
}

impl Operation {
    pub(super) const fn get(path: &'static str, releases: &'static [&'static str], run: Run) -> Self {
        Self { method: "GET", path, releases, run }
    }

    pub(super) const fn post(path: &'static str, releases: &'static [&'static str], run: Run) -> Self {
        Self { method: "POST", path, releases, run }
    }

    pub(super) const fn patch(path: &'static str, releases: &'static [&'static str], run: Run) -> Self {
        Self { method: "PATCH", path, releases, run }
    }

    pub(super) const fn delete(path: &'static str, releases: &'static [&'static str], run: Run) -> Self {
        Self { method: "DELETE", path, releases, run }
    }
}

/// A request that found its operation.
pub(super) struct Rest<'a> {
    pub(super) region: &'a Region,
    pub(super) call: &'a Call,
    pub(super) caller: Arc<Principal>,
    /// What stands in the path for the parameters, in order.
    pub(super) params: Vec<&'a str>,
}

fn operations() -> impl Iterator<Item = &'static Operation> {
    let areas = [
        people::OPERATIONS,
        orgs::OPERATIONS,
        projects::OPERATIONS,
        service_accounts::OPERATIONS,
        apps::OPERATIONS,
        installs::OPERATIONS,
        audit::OPERATIONS,
    ];
    areas.into_iter().flatten()
}

/// Answers a request to a path under `/rest`.
pub(super) fn answer(region: &Region, call: &Call, caller: Option<&Arc<Principal>>) -> Reply {
    match try_answer(region, call, caller) {
        Ok(reply) => reply,
        Err(refusal) => refusal.into_reply(call),
    }
}

fn try_answer(region: &Region, call: &Call, caller: Option<&Arc<Principal>>) -> Outcome {
    let segments = &call.segments()[1..];
    if let ["openapi", version @ ..] = segments {
        return openapi(version, call);
    }
    let caller = Arc::clone(caller.ok_or_else(Refusal::unauthenticated)?);
    let (operation, params) = find(call.method.as_str(), segments)?;
    let served = negotiate(call, operation)?;
    if call.has_body() && !call.header("content-type").is_some_and(|media| media.starts_with(JSON_API)) {
        return Err(Refusal::bad("Content-Type must be application/vnd.api+json"));
    }
    let outcome = (operation.run)(&Rest { region, call, caller, params });
    let reply = outcome.unwrap_or_else(|refusal| refusal.into_reply(call));
    Ok(announce(reply, &served))
}

fn find<'a>(method: &str, segments: &[&'a str]) -> Result<(&'static Operation, Vec<&'a str>), Refusal> {
    let mut elsewhere = false;
    for operation in operations() {
        let Some(params) = match_path(operation.path, segments) else {
            continue;
        };
        if operation.method == method {
            return Ok((operation, params));
        }
        elsewhere = true;
    }
    Err(if elsewhere {
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "the path knows other methods")
    } else {
        Refusal::not_found("path")
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

fn negotiate(call: &Call, operation: &Operation) -> Result<Served, Refusal> {
    let asked =
        call.query("version").ok_or_else(|| Refusal::parameter("version", "missing required query parameter 'version'"))?;
    let version = Version::parse(asked, call.at.now).ok_or_else(|| Refusal::parameter("version", "invalid version"))?;
    version.resolve(operation.releases).ok_or_else(|| Refusal::not_found("version"))
}

fn announce(reply: Reply, served: &Served) -> Reply {
    let name = HeaderName::from_static;
    let reply = reply
        .with(name("snyk-version-served"), &served.version.to_string())
        .with(name("snyk-version-lifecycle-stage"), served.stage());
    match served.farewell() {
        Some((deprecation, sunset)) => reply.with(name("deprecation"), &deprecation).with(name("sunset"), &sunset),
        None => reply,
    }
}

/// The list of versions, or an outline of the API in one of them. Both are public.
fn openapi(version: &[&str], call: &Call) -> Outcome {
    let mut versions: Vec<&str> = operations().flat_map(|operation| operation.releases).copied().collect();
    versions.sort_unstable();
    versions.dedup();
    let [wanted] = version else {
        return Ok(Reply::json(StatusCode::OK, &json!(versions)));
    };
    let asked = Version::parse(wanted, call.at.now).ok_or_else(|| Refusal::not_found("version"))?;
    let mut paths = json!({});
    for operation in operations().filter(|operation| asked.resolve(operation.releases).is_some()) {
        let served = asked.resolve(operation.releases).map(|served| served.version.to_string());
        paths[operation.path][operation.method.to_lowercase()] = json!({"x-snyk-api-version": served, "responses": {}});
    }
    let document = json!({"openapi": "3.0.3", "info": {"title": "Snyk API (simulated)", "version": wanted}, "paths": paths});
    Ok(Reply::json(StatusCode::OK, &document))
}

impl Rest<'_> {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.region.state()
    }

    /// The organisation the path begins with, if the caller may look at it.
    pub(super) fn org(&self) -> Result<&Org, Refusal> {
        let place = self.org_place()?;
        self.visible(Reach::Org(place)).map(|_| &self.region.world.orgs[place])
    }

    /// The group the path begins with, if the caller may look at it.
    pub(super) fn group(&self) -> Result<usize, Refusal> {
        let place = self.region.world.group(self.params[0]).ok_or_else(|| Refusal::not_found("group"))?;
        self.visible(Reach::Group(place)).map(|_| place)
    }

    /// Whichever of the two it is.
    pub(super) fn scope(&self) -> Result<Reach, Refusal> {
        if self.call.path.starts_with("/rest/orgs/") {
            self.visible(Reach::Org(self.org_place()?))
        } else {
            self.group().map(Reach::Group)
        }
    }

    /// The place of the organisation the path begins with.
    pub(super) fn org_place(&self) -> Result<usize, Refusal> {
        self.region.world.org(self.params[0]).ok_or_else(|| Refusal::not_found("org"))
    }

    fn visible(&self, scope: Reach) -> Result<Reach, Refusal> {
        if self.caller.sees(scope, &self.region.world) { Ok(scope) } else { Err(Refusal::forbidden("read access")) }
    }

    /// Like [`Rest::scope`], but the caller has to administer it. `permission` is what lacks otherwise.
    pub(super) fn managed_scope(&self, permission: &str) -> Result<Reach, Refusal> {
        let scope = self.scope()?;
        let level = scope.level();
        if self.caller.manages(scope, &self.region.world) {
            Ok(scope)
        } else {
            Err(Refusal::forbidden(&format!("{level}.{permission}")))
        }
    }

    /// The attributes of the document that was sent, whose `data.type` must be `kind`.
    pub(super) fn attributes(&self, kind: &str) -> Result<Value, Refusal> {
        let document = self.document(kind)?;
        Some(document["data"]["attributes"].clone())
            .filter(Value::is_object)
            .ok_or_else(|| Refusal::pointer("/data/attributes", "must be an object"))
    }

    /// The document that was sent, whose `data.type` must be `kind`.
    pub(super) fn document(&self, kind: &str) -> Result<Value, Refusal> {
        let document = self.call.json().ok_or_else(|| Refusal::bad("the body is not JSON"))?;
        if document["data"]["type"] == kind {
            Ok(document)
        } else {
            Err(Refusal::pointer("/data/type", &format!("must be {kind}")))
        }
    }
}

/// A document with one resource.
pub(super) fn one(status: StatusCode, data: &Value) -> Reply {
    Reply::new(status, JSON_API, json!({"jsonapi": {"version": "1.0"}, "data": data, "links": {}}).to_string())
}

/// A document as it is.
pub(super) fn document(body: &Value) -> Reply {
    Reply::new(StatusCode::OK, JSON_API, body.to_string())
}
