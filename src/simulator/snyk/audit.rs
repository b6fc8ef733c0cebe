//! Audit logs: which user changed which service account or app.

use serde_json::{Value, json};

use super::super::clock::{format_rfc3339, parse_rfc3339};
use super::rest::{RestOperation, RestRequest, RestResult, json_api_document};
use super::state::{ResourceScope, SnykAuditEvent};
use crate::simulator::snyk::version::JsonApiError;

const RELEASES: &[&str] = &["2024-04-29"];
const DEFAULT_PAGE_SIZE: usize = 100;

pub(super) const OPERATIONS: &[RestOperation] = &[
    RestOperation::get("/orgs/{org_id}/audit_logs/search", RELEASES, search),
    RestOperation::get("/groups/{group_id}/audit_logs/search", RELEASES, search),
];

impl RestRequest<'_> {
    /// Appends an entry to the audit log; `event` is for example `service_account.create`, without
    /// the level.
    pub(super) fn record_audit_event(&self, scope: ResourceScope, event: &str, content: Value) {
        let level = scope.level_name();
        let line = SnykAuditEvent {
            at: self.request.instant.now,
            name: format!("{level}.{event}"),
            scope,
            user: self.caller.id.clone(),
            content,
        };
        self.state().audit_log.push(line);
    }
}

fn search(rest: &RestRequest) -> RestResult {
    let scope = rest.managed_scope("audit_log.read")?;
    let state = rest.state();
    let mut found: Vec<&SnykAuditEvent> = state
        .audit_log
        .iter()
        .filter(|event| event.scope == scope && matches_filters(rest, event))
        .collect();
    if rest.request.query("sort_order") != Some("ASC") {
        found.reverse();
    }
    let start = parse_number(rest, "cursor", 0)?;
    let size = parse_number(rest, "size", DEFAULT_PAGE_SIZE)?.clamp(1, DEFAULT_PAGE_SIZE);
    let items: Vec<Value> =
        found.iter().skip(start).take(size).map(|event| describe(rest, event)).collect();
    let mut links = json!({});
    if start + size < found.len() {
        let mut query = rest.request.query_without(&["cursor"]);
        query.append_pair("cursor", &(start + size).to_string());
        links["next"] = json!({"href": format!("{}?{}", rest.request.path, query.finish())});
    }
    Ok(json_api_document(
        &json!({"jsonapi": {"version": "1.0"}, "data": {"items": items}, "links": links}),
    ))
}

fn matches_filters(rest: &RestRequest, event: &SnykAuditEvent) -> bool {
    let date = |name| rest.request.query(name).and_then(parse_rfc3339);
    let wanted = rest.request.query_values("events");
    date("from").is_none_or(|from| event.at >= from)
        && date("to").is_none_or(|to| event.at <= to)
        && rest.request.query("user_id").is_none_or(|user| event.user == user)
        && (wanted.is_empty() || wanted.contains(&event.name.as_str()))
        && !rest.request.query_values("exclude_events").contains(&event.name.as_str())
}

fn parse_number(rest: &RestRequest, name: &str, default: usize) -> Result<usize, JsonApiError> {
    rest.request.query(name).map_or(Ok(default), |text| {
        text.parse().map_err(|_| JsonApiError::invalid_parameter(name, "must be a number"))
    })
}

fn describe(rest: &RestRequest, event: &SnykAuditEvent) -> Value {
    let mut item = json!({"created": format_rfc3339(event.at), "event": event.name, "user_id": event.user, "content": event.content});
    let fixtures = &rest.region.fixtures;
    match event.scope {
        ResourceScope::Org(org) => item["org_id"] = json!(fixtures.orgs[org].id),
        ResourceScope::Group(group) => item["group_id"] = json!(fixtures.groups[group].id),
        ResourceScope::Region => {}
    }
    item
}
