//! Tenants, groups and organisations.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::paging::{Links, page};
use super::refusal::Refusal;
use super::rest::{Operation, Outcome, Rest, document, one};
use super::state::Reach;
use super::world::Org;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::get("/orgs", &["2023-05-29", "2024-02-28"], list_orgs),
    Operation::get("/orgs/{org_id}", &["2023-05-29"], get_org),
    Operation::get("/groups", &["2023-01-30~beta"], list_groups),
    Operation::get("/groups/{group_id}", &["2023-01-30~beta"], get_group),
    Operation::get("/groups/{group_id}/orgs", &["2024-02-28"], list_group_orgs),
    Operation::get("/tenants", &["2024-10-15"], list_tenants),
    Operation::get("/tenants/{tenant_id}/roles", &["2024-10-15~beta"], list_tenant_roles),
];

fn list_orgs(rest: &Rest) -> Outcome {
    let orgs: Vec<&Org> = visible(rest)
        .filter(|org| rest.call.query("group_id").is_none_or(|id| rest.region.world.groups[org.group].id == id))
        .filter(|org| rest.call.query("slug").is_none_or(|slug| org.slug == slug))
        .filter(|org| rest.call.query("name").is_none_or(|name| org.name() == name))
        .filter(|_| rest.call.query("is_personal") != Some("true"))
        .collect();
    Ok(document(&page(rest, orgs.len(), Links::Object, |place| describe(rest, orgs[place]))?))
}

fn get_org(rest: &Rest) -> Outcome {
    Ok(one(StatusCode::OK, &describe(rest, rest.org()?)))
}

fn list_groups(rest: &Rest) -> Outcome {
    let world = &rest.region.world;
    let seen: Vec<usize> = (0..world.groups.len()).filter(|group| rest.caller.sees(Reach::Group(*group), world)).collect();
    Ok(document(&page(rest, seen.len(), Links::Rooted, |place| describe_group(rest, seen[place]))?))
}

fn get_group(rest: &Rest) -> Outcome {
    Ok(one(StatusCode::OK, &describe_group(rest, rest.group()?)))
}

fn list_group_orgs(rest: &Rest) -> Outcome {
    let group = rest.group()?;
    let orgs: Vec<&Org> = rest.region.world.orgs.iter().filter(|org| org.group == group).collect();
    let mut list = page(rest, orgs.len(), Links::Bare, |place| describe(rest, orgs[place]))?;
    if rest.call.choices("expand").contains(&"count") {
        list["meta"] = json!({"total_count": orgs.len()});
    }
    Ok(document(&list))
}

fn list_tenants(rest: &Rest) -> Outcome {
    let attributes =
        json!({"name": "Sandbox", "slug": "sandbox", "created_at": "2024-01-15T09:00:00Z", "updated_at": "2024-01-15T09:00:00Z"});
    let tenant = json!({"id": rest.region.world.tenant, "type": "tenant", "attributes": attributes});
    Ok(document(&page(rest, 1, Links::Absolute, |_| tenant.clone())?))
}

fn list_tenant_roles(rest: &Rest) -> Outcome {
    let world = &rest.region.world;
    if rest.params[0] != world.tenant {
        return Err(Refusal::not_found("tenant"));
    }
    Ok(document(&page(rest, world.roles.len(), Links::Bare, |place| {
        let role = &world.roles[place];
        json!({"id": role.id, "type": "tenant_role", "attributes": {"name": role.name, "description": role.description}})
    })?))
}

fn visible<'a>(rest: &'a Rest) -> impl Iterator<Item = &'a Org> {
    let world = &rest.region.world;
    let seen = |place: &usize| rest.caller.sees(Reach::Org(*place), world);
    (0..world.orgs.len()).filter(seen).map(|place| &world.orgs[place])
}

fn describe(rest: &Rest, org: &Org) -> Value {
    json!({"id": org.id, "type": "org", "attributes": {
        "name": org.name(), "slug": org.slug, "is_personal": false, "group_id": rest.region.world.groups[org.group].id,
        "access_requests_enabled": false, "created_at": "2024-02-01T09:00:00Z", "updated_at": "2025-06-01T09:00:00Z"}})
}

fn describe_group(rest: &Rest, group: usize) -> Value {
    let group = &rest.region.world.groups[group];
    json!({"id": group.id, "type": "group", "attributes": {"name": group.name}})
}
