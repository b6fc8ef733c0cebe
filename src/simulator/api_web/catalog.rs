//! Read-only data of an API & Web region: roles, teams, targets, scans and findings. Keys are in
//! the sibling module `keys`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::deterministic;
use super::super::http_service::{SimulatorRequest, SimulatorResponse};
use super::{ApiWebResult, not_found, ok_response, paginate};

const TARGET_COUNT: usize = 12;
const SCANS_PER_TARGET: usize = 5;
const FINDINGS_PER_TARGET: usize = 20;

/// Severity, as a number, and name of the findings, in rotation.
const FINDING_TEMPLATES: [(u8, &str); 4] = [
    (30, "SQL Injection"),
    (20, "Reflected XSS"),
    (10, "Missing HSTS header"),
    (40, "Remote Code Execution"),
];

/// Name of the role, and whether it may manage keys.
const ROLES: [(&str, bool); 3] = [("Admin", true), ("Developer", false), ("Auditor", false)];
const TEAMS: [&str; 3] = ["Storefront", "Payments", "Platform"];
const PERMISSIONS: [&str; 6] = [
    "account_settings",
    "audit_log",
    "change_finding",
    "create_target",
    "discovery",
    "manage_credentials",
];

/// Catalog of the region with this ID.
#[derive(Clone, Copy)]
pub(super) struct ApiWebCatalog(pub(super) &'static str);

impl ApiWebCatalog {
    /// Responds to a `GET` of any of this data; `path` is without its last slash.
    pub(super) fn respond(self, request: &SimulatorRequest, path: &[&str]) -> ApiWebResult {
        match path {
            ["account"] => Ok(ok_response(&account())),
            ["targets"] => paginate(request, TARGET_COUNT, |index| self.target(index)),
            ["targets", id] => self.find_target(id).map(|index| ok_response(&self.target(index))),
            ["targets", id, "scans"] => {
                let target = self.find_target(id)?;
                paginate(request, SCANS_PER_TARGET, |index| {
                    self.scan(target * SCANS_PER_TARGET + index)
                })
            }
            ["targets", id, "findings"] => {
                let target = self.find_target(id)?;
                paginate(request, FINDINGS_PER_TARGET, |index| {
                    self.finding(target * FINDINGS_PER_TARGET + index)
                })
            }
            ["scans"] => {
                paginate(request, TARGET_COUNT * SCANS_PER_TARGET, |index| self.scan(index))
            }
            ["findings"] => {
                paginate(request, TARGET_COUNT * FINDINGS_PER_TARGET, |index| self.finding(index))
            }
            ["roles"] => paginate(request, ROLES.len(), |index| self.role(index)),
            ["roles", id] => {
                self.find_role(id).map(|index| ok_response(&self.role(index))).ok_or_else(not_found)
            }
            ["teams"] => paginate(
                request,
                TEAMS.len(),
                |index| json!({"id": self.id("team", index), "name": TEAMS[index]}),
            ),
            ["permissions"] => paginate(request, PERMISSIONS.len(), permission),
            _ => Err(not_found()),
        }
    }

    /// Returns the index of a role by its ID.
    pub(super) fn find_role(self, id: &str) -> Option<usize> {
        (0..ROLES.len()).find(|index| self.role_id(*index) == id)
    }

    pub(super) fn role_id(self, index: usize) -> String {
        self.id("role", index)
    }

    fn id(self, what: &str, index: usize) -> String {
        deterministic::base58(&format!("{}/{what}/{index}", self.0))
    }

    fn role(self, index: usize) -> Value {
        json!({"id": self.role_id(index), "name": ROLES[index].0, "custom": false, "permissions": PERMISSIONS})
    }

    fn find_target(self, id: &str) -> Result<usize, SimulatorResponse> {
        (0..TARGET_COUNT).find(|index| self.id("target", *index) == id).ok_or_else(not_found)
    }

    fn target(self, index: usize) -> Value {
        let name = format!("shop-{index:02}");
        json!({"id": self.id("target", index), "type": "single", "site": {"name": name, "url": format!("https://{name}.example.com")},
            "labels": [], "teams": [{"id": self.id("team", index % TEAMS.len())}], "changed": "2026-01-05T12:00:00Z"})
    }

    fn scan(self, index: usize) -> Value {
        let target = index / SCANS_PER_TARGET;
        json!({"id": self.id("scan", index), "target": {"id": self.id("target", target)}, "status": "completed",
            "started": "2026-01-04T01:00:00Z", "completed": "2026-01-04T02:10:00Z", "scan_profile": "normal",
            "highs": index % 3, "mediums": index % 5, "lows": index % 7})
    }

    fn finding(self, index: usize) -> Value {
        let (severity, name) = FINDING_TEMPLATES[index % FINDING_TEMPLATES.len()];
        let state = if index % 5 == 4 { "fixed" } else { "notfixed" };
        json!({"id": index + 1, "target": {"id": self.id("target", index / FINDINGS_PER_TARGET)}, "severity": severity,
            "definition": {"name": name}, "state": state, "method": "get", "url": "https://shop.example.com/search",
            "last_found": "2026-01-04T01:30:00Z"})
    }
}

/// Returns whether a role may manage keys and API users.
pub(super) fn role_manages_keys(role: usize) -> bool {
    ROLES.get(role).is_some_and(|(_, manages)| *manages)
}

fn permission(index: usize) -> Value {
    json!({"id": PERMISSIONS[index], "name": PERMISSIONS[index].replace('_', " ")})
}

fn account() -> Value {
    json!({"status": "active", "plan": {"id": "enterprise", "name": "Enterprise", "is_trial": false, "period": 1,
        "period_unit": "year", "allowed_scan_profiles": ["lightning", "normal", "full"]}, "free_target_quantity": 0,
        "plan_target_quantity": 50, "pool_size": 0, "auto_collection": false, "next_billing_at": null, "trial_end": null,
        "balance": 0, "has_used_trial": false, "heroku": false, "plan_amount": null, "available_slots": 38})
}

/// Builds an error response in the format of Django REST Framework.
pub(super) fn error_detail(status: StatusCode, text: &str) -> SimulatorResponse {
    SimulatorResponse::json(status, &json!({"detail": text}))
}
