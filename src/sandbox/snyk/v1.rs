//! The old API: no versions, no paging, errors of its own shape.

use std::sync::Arc;

use axum::http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use super::super::seed;
use super::super::wire::{Call, Reply};
use super::Region;
use super::projects;
use super::state::{Principal, Reach};
use super::world::{Org, Rank, Role};

/// Answers a request to a path under `/v1`.
pub(super) fn answer(region: &Region, call: &Call, caller: Option<&Arc<Principal>>) -> Reply {
    let Some(caller) = caller else {
        return refuse(call, StatusCode::UNAUTHORIZED);
    };
    let asked = Asked { region, call, caller };
    asked.route().map_or_else(|refusal| refusal, |body| Reply::json(StatusCode::OK, &body))
}

/// A refusal in the words of the old API.
pub(super) fn refuse(call: &Call, status: StatusCode) -> Reply {
    let message = match status.as_u16() {
        401 => "Not authorised",
        429 => "Too many requests",
        _ => status.canonical_reason().unwrap_or("Error"),
    };
    say(call, status, message)
}

fn say(call: &Call, status: StatusCode, message: &str) -> Reply {
    let body = json!({"code": status.as_u16(), "error": message, "message": message});
    let reference = seed::uuid(&format!("{}{}", call.path, call.at.now));
    Reply::json(status, &body).with(HeaderName::from_static("x-error-reference"), &reference)
}

/// A request of somebody known.
struct Asked<'a> {
    region: &'a Region,
    call: &'a Call,
    caller: &'a Principal,
}

impl<'a> Asked<'a> {
    fn route(&self) -> Result<Value, Reply> {
        match (self.call.method.as_str(), &self.call.segments()[1..]) {
            ("GET", ["user", "me"]) => Ok(self.me()),
            ("GET", ["orgs"]) => Ok(json!({"orgs": self.orgs()})),
            ("GET", ["group", id, "roles"]) => self.group(id).map(|_| self.roles()),
            ("GET", ["group", id, "orgs"]) => self.group(id).map(|group| self.group_orgs(group)),
            ("GET", ["org", id, "entitlements"]) => self.org(id).map(|_| json!({"api": true})),
            ("GET", ["org", id, "settings"]) => self.org(id).map(|_| json!({"requestAccess": {"enabled": false}})),
            ("POST", ["org", id, "project", project, "aggregated-issues"]) => self.issues(self.org(id)?, project),
            _ => Err(refuse(self.call, StatusCode::NOT_FOUND)),
        }
    }

    fn me(&self) -> Value {
        let Principal { id, name, .. } = self.caller;
        json!({"id": id, "username": name, "email": format!("{name}@example.com"), "orgs": self.orgs()})
    }

    fn orgs(&self) -> Vec<Value> {
        let world = &self.region.world;
        let seen = |place: &usize| self.caller.sees(Reach::Org(*place), world);
        (0..world.orgs.len()).filter(seen).map(|place| self.describe(&world.orgs[place])).collect()
    }

    fn describe(&self, org: &Org) -> Value {
        let group = &self.region.world.groups[org.group];
        json!({"name": org.name(), "id": org.id, "slug": org.slug, "url": format!("{}/org/{}", self.region.app, org.slug),
            "group": {"name": group.name, "id": group.id}})
    }

    fn roles(&self) -> Value {
        let describe = |role: &Role| {
            json!({"name": role.name, "description": role.description, "publicId": role.id,
                "customRole": role.rank == Rank::Scanner,
                "created": "2024-02-01T09:00:00Z", "modified": "2024-02-01T09:00:00Z"})
        };
        self.region.world.roles.iter().map(describe).collect()
    }

    fn group_orgs(&self, place: usize) -> Value {
        let world = &self.region.world;
        let group = &world.groups[place];
        let orgs: Vec<Value> = world.orgs.iter().filter(|org| org.group == place).map(|org| self.describe(org)).collect();
        json!({"id": group.id, "name": group.name, "url": format!("{}/group/{}", self.region.app, group.id), "orgs": orgs})
    }

    fn issues(&self, org: &Org, project: &str) -> Result<Value, Reply> {
        org.project(project).ok_or_else(|| self.missing("Project", project))?;
        let filters = self.call.json().map(|body| body["filters"]["severities"].clone()).unwrap_or_default();
        let severities: Vec<String> = serde_json::from_value(filters).unwrap_or_default();
        Ok(json!({"issues": projects::aggregated(project, &severities)}))
    }

    fn org(&self, id: &str) -> Result<&'a Org, Reply> {
        let world = &self.region.world;
        let place = world.org(id).filter(|place| self.caller.sees(Reach::Org(*place), world));
        place.map(|place| &world.orgs[place]).ok_or_else(|| self.missing("Org", id))
    }

    fn group(&self, id: &str) -> Result<usize, Reply> {
        let world = &self.region.world;
        let place = world.group(id).filter(|place| self.caller.sees(Reach::Group(*place), world));
        place.ok_or_else(|| self.missing("Group", id))
    }

    fn missing(&self, what: &str, id: &str) -> Reply {
        let message = format!("{what} {id} was not found or you may not have the correct permissions");
        say(self.call, StatusCode::NOT_FOUND, &message)
    }
}
