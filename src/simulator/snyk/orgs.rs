//! Tenants, groups and organizations.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::rest::{RestOperation, RestRequest, RestResult, json_api_document, single_resource};
use super::state::ResourceScope;
use crate::simulator::snyk::rest::{LinkStyle, paginate};
use crate::simulator::snyk::state::SnykOrg;
use crate::simulator::snyk::version::JsonApiError;

pub(super) const OPERATIONS: &[RestOperation] = &[
    RestOperation::get("/orgs", &["2023-05-29", "2024-02-28"], list_orgs),
    RestOperation::get("/orgs/{org_id}", &["2023-05-29"], get_org),
    RestOperation::get("/groups", &["2023-01-30~beta"], list_groups),
    RestOperation::get("/groups/{group_id}", &["2023-01-30~beta"], get_group),
    RestOperation::get("/groups/{group_id}/orgs", &["2024-02-28"], list_group_orgs),
    RestOperation::get("/tenants", &["2024-10-15"], list_tenants),
    RestOperation::get("/tenants/{tenant_id}/roles", &["2024-10-15~beta"], list_tenant_roles),
];

fn list_orgs(rest: &RestRequest) -> RestResult {
    let orgs: Vec<&SnykOrg> = visible_orgs(rest)
        .filter(|org| {
            rest.request
                .query("group_id")
                .is_none_or(|id| rest.region.fixtures.groups[org.group].id == id)
        })
        .filter(|org| rest.request.query("slug").is_none_or(|slug| org.slug == slug))
        .filter(|org| rest.request.query("name").is_none_or(|name| org.name() == name))
        .filter(|_| rest.request.query("is_personal") != Some("true"))
        .collect();
    Ok(json_api_document(&paginate(rest, orgs.len(), LinkStyle::Object, |index| {
        describe(rest, orgs[index])
    })?))
}

fn get_org(rest: &RestRequest) -> RestResult {
    Ok(single_resource(StatusCode::OK, &describe(rest, rest.org()?)))
}

fn list_groups(rest: &RestRequest) -> RestResult {
    let fixtures = &rest.region.fixtures;
    let seen: Vec<usize> = (0..fixtures.groups.len())
        .filter(|group| rest.caller.can_view(ResourceScope::Group(*group), fixtures))
        .collect();
    Ok(json_api_document(&paginate(rest, seen.len(), LinkStyle::Rooted, |index| {
        describe_group(rest, seen[index])
    })?))
}

fn get_group(rest: &RestRequest) -> RestResult {
    Ok(single_resource(StatusCode::OK, &describe_group(rest, rest.group()?)))
}

fn list_group_orgs(rest: &RestRequest) -> RestResult {
    let group = rest.group()?;
    let orgs: Vec<&SnykOrg> =
        rest.region.fixtures.orgs.iter().filter(|org| org.group == group).collect();
    let mut list =
        paginate(rest, orgs.len(), LinkStyle::Bare, |index| describe(rest, orgs[index]))?;
    if rest.request.query_values("expand").contains(&"count") {
        list["meta"] = json!({"total_count": orgs.len()});
    }
    Ok(json_api_document(&list))
}

fn list_tenants(rest: &RestRequest) -> RestResult {
    let attributes = json!({"name": "Sandbox", "slug": "sandbox", "created_at": "2024-01-15T09:00:00Z", "updated_at": "2024-01-15T09:00:00Z"});
    let tenant =
        json!({"id": rest.region.fixtures.tenant, "type": "tenant", "attributes": attributes});
    Ok(json_api_document(&paginate(rest, 1, LinkStyle::Absolute, |_| tenant.clone())?))
}

fn list_tenant_roles(rest: &RestRequest) -> RestResult {
    let fixtures = &rest.region.fixtures;
    if rest.params[0] != fixtures.tenant {
        return Err(JsonApiError::not_found("tenant"));
    }
    Ok(json_api_document(&paginate(rest, fixtures.roles.len(), LinkStyle::Bare, |index| {
        let role = &fixtures.roles[index];
        json!({"id": role.id, "type": "tenant_role", "attributes": {"name": role.name, "description": role.description}})
    })?))
}

fn visible_orgs<'a>(rest: &'a RestRequest) -> impl Iterator<Item = &'a SnykOrg> {
    let fixtures = &rest.region.fixtures;
    let seen = |index: &usize| rest.caller.can_view(ResourceScope::Org(*index), fixtures);
    (0..fixtures.orgs.len()).filter(seen).map(|index| &fixtures.orgs[index])
}

fn describe(rest: &RestRequest, org: &SnykOrg) -> Value {
    json!({"id": org.id, "type": "org", "attributes": {
        "name": org.name(), "slug": org.slug, "is_personal": false, "group_id": rest.region.fixtures.groups[org.group].id,
        "access_requests_enabled": false, "created_at": "2024-02-01T09:00:00Z", "updated_at": "2025-06-01T09:00:00Z"}})
}

fn describe_group(rest: &RestRequest, group: usize) -> Value {
    let group = &rest.region.fixtures.groups[group];
    json!({"id": group.id, "type": "group", "attributes": {"name": group.name}})
}
