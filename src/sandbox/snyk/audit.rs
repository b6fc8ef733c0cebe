//! The audit logs: who did what to service accounts and apps.

use serde_json::{Value, json};

use super::super::clock::{parse_rfc3339, rfc3339};
use super::refusal::Refusal;
use super::rest::{Operation, Outcome, Rest, document};
use super::state::{Event, Reach};

const RELEASES: &[&str] = &["2024-04-29"];
const DEFAULT_SIZE: usize = 100;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::get("/orgs/{org_id}/audit_logs/search", RELEASES, search),
    Operation::get("/groups/{group_id}/audit_logs/search", RELEASES, search),
];

impl Rest<'_> {
    /// Writes a line into the audit log; `event` is `service_account.create` and the like, without the level.
    pub(super) fn record(&self, scope: Reach, event: &str, content: Value) {
        let level = scope.level();
        let line = Event { at: self.call.at.now, name: format!("{level}.{event}"), scope, user: self.caller.id.clone(), content };
        self.state().trail.push(line);
    }
}

fn search(rest: &Rest) -> Outcome {
    let scope = rest.managed_scope("audit_log.read")?;
    let state = rest.state();
    let mut found: Vec<&Event> = state.trail.iter().filter(|event| event.scope == scope && is_wanted(rest, event)).collect();
    if rest.call.query("sort_order") != Some("ASC") {
        found.reverse();
    }
    let start = number(rest, "cursor", 0)?;
    let size = number(rest, "size", DEFAULT_SIZE)?.clamp(1, DEFAULT_SIZE);
    let items: Vec<Value> = found.iter().skip(start).take(size).map(|event| describe(rest, event)).collect();
    let mut links = json!({});
    if start + size < found.len() {
        let mut query = rest.call.query_without(&["cursor"]);
        query.append_pair("cursor", &(start + size).to_string());
        links["next"] = json!({"href": format!("{}?{}", rest.call.path, query.finish())});
    }
    Ok(document(&json!({"jsonapi": {"version": "1.0"}, "data": {"items": items}, "links": links})))
}

fn is_wanted(rest: &Rest, event: &Event) -> bool {
    let date = |name| rest.call.query(name).and_then(parse_rfc3339);
    let wanted = rest.call.choices("events");
    date("from").is_none_or(|from| event.at >= from)
        && date("to").is_none_or(|to| event.at <= to)
        && rest.call.query("user_id").is_none_or(|user| event.user == user)
        && (wanted.is_empty() || wanted.contains(&event.name.as_str()))
        && !rest.call.choices("exclude_events").contains(&event.name.as_str())
}

fn number(rest: &Rest, name: &str, default: usize) -> Result<usize, Refusal> {
    rest.call.query(name).map_or(Ok(default), |text| text.parse().map_err(|_| Refusal::parameter(name, "must be a number")))
}

fn describe(rest: &Rest, event: &Event) -> Value {
    let mut item = json!({"created": rfc3339(event.at), "event": event.name, "user_id": event.user, "content": event.content});
    let world = &rest.region.world;
    match event.scope {
        Reach::Org(org) => item["org_id"] = json!(world.orgs[org].id),
        Reach::Group(group) => item["group_id"] = json!(world.groups[group].id),
        Reach::Region => {}
    }
    item
}
