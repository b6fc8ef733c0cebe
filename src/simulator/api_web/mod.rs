//! One simulated region of Snyk API & Web: a JSON Web Token as key, `Authorization: JWT …`, errors
//! and pages in the format of Django REST Framework.
//!
//! A key (`/keys/`) and an API user (`/api-users/`) are two views of the same object. Start at
//! `ApiWebRegion::route`.
//!
//! Keys of API & Web, each of which is also an API user.
//!
//! Read-only data of an API & Web region: roles, teams, targets, scans and findings. Keys are in
//! the sibling module `keys`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::clock::{MILLIS_PER_DAY, RequestInstant, UnixMillis, format_rfc3339};
use super::deterministic;
use crate::simulator::SeededCredential;
use crate::simulator::clock::ValidityPeriod;
use crate::simulator::server::{
    LiveSecretRecord, SimulatedProvider, SimulatedService, SimulatorRequest, SimulatorResponse,
};

/// All regions, each with the prefix of its credentials' names.
pub(super) const REGIONS: [(&str, &str); 3] =
    [("SAW-EU", "saw-eu"), ("SAW-US", "saw-us"), ("SAW-AU", "saw-au")];

/// Name and role of the seeded keys: the first may manage keys, the second may not.
const SEEDED_KEYS: [(&str, usize); 2] = [("admin", 0), ("pipeline", DEVELOPER_ROLE)];
const DEVELOPER_ROLE: usize = 1;

const DEFAULT_PAGE_LENGTH: usize = 10;

type ApiWebResult = Result<SimulatorResponse, SimulatorResponse>;

/// One region.
pub(super) struct ApiWebRegion {
    id: &'static str,
    catalog: ApiWebCatalog,
    state: Mutex<ApiWebState>,
}

#[derive(Default)]
struct ApiWebState {
    keys: Vec<ApiUserKey>,
    created_count: u64,
}

/// Authenticated caller of a request.
struct ApiWebCaller {
    id: String,
    name: String,
    role: usize,
}

/// Representation of a key: for `/keys/` or for `/api-users/`.
type KeyView = fn(&ApiWebRegion, &ApiUserKey) -> Value;

impl ApiWebRegion {
    /// Creates a region with its seeded keys, and the credentials that the region accepts.
    pub(super) fn new(
        id: &'static str,
        prefix: &str,
        midnight: UnixMillis,
    ) -> (Self, Vec<SeededCredential>) {
        let past =
            RequestInstant { now: midnight - 60 * MILLIS_PER_DAY, ..RequestInstant::default() };
        let keys: Vec<ApiUserKey> = SEEDED_KEYS
            .into_iter()
            .map(|(name, role)| ApiUserKey::new(id, name, role, past))
            .collect();
        let credentials = keys.iter().map(|key| key.credential(id, prefix)).collect();
        (
            Self {
                id,
                catalog: ApiWebCatalog(id),
                state: Mutex::new(ApiWebState { keys, created_count: 0 }),
            },
            credentials,
        )
    }

    fn state(&self) -> MutexGuard<'_, ApiWebState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn authenticate(&self, request: &SimulatorRequest) -> Result<ApiWebCaller, SimulatorResponse> {
        let Some((scheme, value)) = request.authorization() else {
            return Err(error_detail(
                StatusCode::UNAUTHORIZED,
                "Authentication credentials were not provided.",
            ));
        };
        let state = self.state();
        let known = state.keys.iter().find(|key| {
            key.secret == value && key.active && key.validity.is_valid_at(request.instant.now)
        });
        match known.filter(|_| scheme.eq_ignore_ascii_case("jwt")) {
            Some(key) => {
                Ok(ApiWebCaller { id: key.id.clone(), name: key.name.clone(), role: key.role })
            }
            None => Err(error_detail(StatusCode::UNAUTHORIZED, "Error decoding signature.")),
        }
    }

    fn route(&self, request: &SimulatorRequest) -> ApiWebResult {
        let caller = self.authenticate(request)?;
        let segments = request.path_segments();
        // Every path ends with a slash, so the last segment is empty.
        let [path @ .., ""] = segments.as_slice() else {
            return Err(not_found());
        };
        match (request.method.as_str(), path) {
            ("GET", ["profile"]) => Ok(ok_response(&profile(&caller))),
            (_, ["keys" | "api-users", ..]) if !role_manages_keys(caller.role) => {
                Err(error_detail(
                    StatusCode::FORBIDDEN,
                    "You do not have permission to perform this action.",
                ))
            }
            (_, ["keys", id @ ..]) => self.manage_keys(request, id, |_, key| key.describe()),
            (_, ["api-users", id @ ..]) => self.manage_keys(request, id, Self::describe_user),
            ("GET", _) => self.catalog.respond(request, path),
            _ => Err(not_found()),
        }
    }

    fn manage_keys(&self, request: &SimulatorRequest, id: &[&str], view: KeyView) -> ApiWebResult {
        match (request.method.as_str(), id) {
            ("GET", []) => {
                let state = self.state();
                let wanted = request.query("search").unwrap_or_default();
                let found: Vec<&ApiUserKey> = state
                    .keys
                    .iter()
                    .filter(|key| !key.deleted && key.name.contains(wanted))
                    .collect();
                paginate(request, found.len(), |index| view(self, found[index]))
            }
            ("POST", []) => self.handle_create(request, view),
            ("GET", [id]) => self.with_key(id, |key| view(self, key)),
            ("PUT" | "PATCH", [id]) => {
                let input = request.json().unwrap_or_default();
                let name = parse_name(&input)?;
                self.with_key(id, |key| {
                    key.update(&input, request.instant.now);
                    key.name = name.unwrap_or_else(|| std::mem::take(&mut key.name));
                    view(self, key)
                })
            }
            ("DELETE", [id]) => self
                .with_key(id, |key| key.delete(request.instant))
                .map(|_| SimulatorResponse::empty(StatusCode::NO_CONTENT)),
            _ => Err(error_detail(
                StatusCode::METHOD_NOT_ALLOWED,
                &format!("Method \"{}\" not allowed.", request.method),
            )),
        }
    }

    fn with_key(&self, id: &str, act: impl FnOnce(&mut ApiUserKey) -> Value) -> ApiWebResult {
        let mut state = self.state();
        let key =
            state.keys.iter_mut().find(|key| key.id == id && !key.deleted).ok_or_else(not_found)?;
        Ok(ok_response(&act(key)))
    }

    fn handle_create(&self, request: &SimulatorRequest, view: KeyView) -> ApiWebResult {
        let input = request.json().unwrap_or_default();
        let name =
            parse_name(&input)?.ok_or_else(|| invalid_field("name", "This field is required."))?;
        let role = match input["user_roles"][0]["role"]["id"].as_str() {
            Some(id) => self
                .catalog
                .find_role(id)
                .ok_or_else(|| invalid_field("user_roles", "Unknown role."))?,
            None => DEVELOPER_ROLE,
        };
        let mut state = self.state();
        let mut key = self.create_key(&mut state, &name, role, request.instant);
        key.update(&input, request.instant.now);
        let mut body = view(self, &key);
        // Only this response contains the secret.
        body["key"] = json!(key.secret);
        state.keys.push(key);
        Ok(SimulatorResponse::json(StatusCode::CREATED, &body))
    }

    fn create_key(
        &self,
        state: &mut ApiWebState,
        name: &str,
        role: usize,
        at: RequestInstant,
    ) -> ApiUserKey {
        state.created_count += 1;
        let mut key =
            ApiUserKey::new(&format!("{}/minted/{}", self.id, state.created_count), name, role, at);
        name.clone_into(&mut key.name);
        key
    }

    fn describe_user(&self, key: &ApiUserKey) -> Value {
        let by = json!({"id": key.id, "email": "admin@example.com", "name": "admin"});
        json!({"id": key.id, "name": key.name, "title": key.title, "active": key.active, "labels": key.labels,
            "changed_by": by, "changed": format_rfc3339(key.changed), "is_apiuser": true,
            "user_roles": [{"role": {"id": self.catalog.role_id(key.role)}, "scope": {"tier": "account", "team": null, "target": null}}]})
    }
}

impl SimulatedService for ApiWebRegion {
    fn respond(&self, request: &SimulatorRequest) -> SimulatorResponse {
        self.route(request).unwrap_or_else(|refusal| refusal)
    }

    fn refuse(&self, _call: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
        let text = match status.as_u16() {
            401 => "Error decoding signature.",
            403 => "You do not have permission to perform this action.",
            429 => "Request was throttled.",
            500.. => "Internal server error.",
            _ => "Not found.",
        };
        error_detail(status, text)
    }
}

impl SimulatedProvider for ApiWebRegion {
    fn live_secrets(&self, now: UnixMillis) -> Vec<LiveSecretRecord> {
        let state = self.state();
        let live = state.keys.iter().filter(|key| !key.validity.has_ended(now));
        live.map(|key| LiveSecretRecord {
            account: key.id.clone(),
            kind: "api-key",
            sha256: deterministic::sha256_hex(&key.secret),
        })
        .collect()
    }

    fn replace_manually(
        &self,
        credential: &SeededCredential,
        at: RequestInstant,
    ) -> Option<String> {
        let mut state = self.state();
        let old = state.keys.iter().find(|key| key.secret == credential.secret)?;
        let (name, role) = (old.name.clone(), old.role);
        let key = self.create_key(&mut state, &name, role, at);
        let secret = key.secret.clone();
        state.keys.push(key);
        Some(secret)
    }

    fn revoke_manually(&self, sha256: &str, at: RequestInstant) -> bool {
        let mut state = self.state();
        let found =
            state.keys.iter_mut().find(|key| deterministic::sha256_hex(&key.secret) == sha256);
        found.map(|key| key.delete(at)).is_some()
    }
}

fn profile(caller: &ApiWebCaller) -> Value {
    json!({"id": caller.id, "email": format!("{}@example.com", caller.name), "name": caller.name, "title": "",
        "is_billing_admin": false, "changed_by": null, "changed": "2026-01-05T12:00:00Z", "last_login": null, "active": true,
        "labels": [], "is_apiuser": true, "intercom_user_id": null, "is_sso": false, "is_owner": false})
}

/// Builds one page of `total` items: `page` from 1, `length` items each.
fn paginate(
    request: &SimulatorRequest,
    total: usize,
    item: impl FnMut(usize) -> Value,
) -> ApiWebResult {
    let number = |name, default| {
        request
            .query(name)
            .map_or(Some(default), |text| text.parse().ok().filter(|number| *number > 0))
    };
    let length: usize = number("length", DEFAULT_PAGE_LENGTH)
        .ok_or_else(|| invalid_field("length", "A valid integer is required."))?;
    let page: usize = number("page", 1).ok_or_else(invalid_page)?;
    let pages = total.div_ceil(length).max(1);
    if page > pages {
        return Err(invalid_page());
    }
    let start = (page - 1) * length;
    let results: Vec<Value> = (start..(start + length).min(total)).map(item).collect();
    Ok(ok_response(
        &json!({"count": total, "page_total": pages, "page": page, "length": length, "results": results}),
    ))
}

fn ok_response(body: &Value) -> SimulatorResponse {
    SimulatorResponse::json(StatusCode::OK, body)
}

fn invalid_field(field: &str, text: &str) -> SimulatorResponse {
    SimulatorResponse::json(StatusCode::BAD_REQUEST, &json!({field: [text]}))
}

fn invalid_page() -> SimulatorResponse {
    error_detail(StatusCode::NOT_FOUND, "Invalid page.")
}

fn not_found() -> SimulatorResponse {
    error_detail(StatusCode::NOT_FOUND, "Not found.")
}

const MAX_NAME_BYTES: usize = 60;

/// An API user with its key.
pub(in crate::simulator::api_web) struct ApiUserKey {
    pub(in crate::simulator::api_web) id: String,
    pub(in crate::simulator::api_web) name: String,
    pub(in crate::simulator::api_web) title: String,
    pub(in crate::simulator::api_web) active: bool,
    pub(in crate::simulator::api_web) labels: Value,
    pub(in crate::simulator::api_web) role: usize,
    pub(in crate::simulator::api_web) secret: String,
    pub(in crate::simulator::api_web) validity: ValidityPeriod,
    pub(in crate::simulator::api_web) deleted: bool,
    pub(in crate::simulator::api_web) changed: UnixMillis,
}

impl ApiUserKey {
    pub(in crate::simulator::api_web) fn new(
        scope: &str,
        name: &str,
        role: usize,
        at: RequestInstant,
    ) -> Self {
        let id = deterministic::base58(&format!("{scope}/key/{name}"));
        let claims = json!({"jti": id, "username": deterministic::base58(&format!("{scope}/user/{name}")), "tenant": "sandbox"});
        Self {
            id,
            name: name.to_owned(),
            title: String::new(),
            active: true,
            labels: json!([]),
            role,
            secret: deterministic::jwt(&claims),
            validity: ValidityPeriod::starting_at(at),
            deleted: false,
            changed: at.now,
        }
    }

    pub(in crate::simulator::api_web) fn credential(
        &self,
        region: &str,
        prefix: &str,
    ) -> SeededCredential {
        let fields = BTreeMap::from([("key_id", self.id.clone()), ("key_name", self.name.clone())]);
        let name = format!("{prefix}-{}", self.name);
        let (region, secret) = (region.to_owned(), self.secret.clone());
        SeededCredential {
            name,
            provider: "snyk-api-web",
            kind: "api-key",
            region,
            secret,
            fields,
            parts: BTreeMap::new(),
        }
    }

    pub(in crate::simulator::api_web) fn describe(&self) -> Value {
        json!({"id": self.id, "name": self.name})
    }

    pub(in crate::simulator::api_web) fn update(&mut self, input: &Value, now: UnixMillis) {
        if let Some(title) = input["title"].as_str() {
            title.clone_into(&mut self.title);
        }
        if input["labels"].is_array() {
            self.labels = input["labels"].clone();
        }
        self.active = input["active"].as_bool().unwrap_or(self.active);
        self.changed = now;
    }

    pub(in crate::simulator::api_web) fn delete(&mut self, at: RequestInstant) -> Value {
        self.deleted = true;
        self.validity.revoke(at);
        Value::Null
    }
}

/// Parses the name in a request body; `None` where the request has none.
pub(in crate::simulator::api_web) fn parse_name(
    input: &Value,
) -> Result<Option<String>, SimulatorResponse> {
    match input.get("name") {
        None => Ok(None),
        Some(name) => match name.as_str().map(str::trim) {
            None | Some("") => Err(invalid_field("name", "This field may not be blank.")),
            Some(name) if name.len() > MAX_NAME_BYTES => {
                Err(invalid_field("name", "Ensure this field has no more than 60 characters."))
            }
            Some(name) => Ok(Some(name.to_owned())),
        },
    }
}

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
pub(in crate::simulator::api_web) struct ApiWebCatalog(
    pub(in crate::simulator::api_web) &'static str,
);

impl ApiWebCatalog {
    /// Responds to a `GET` of any of this data; `path` is without its last slash.
    pub(in crate::simulator::api_web) fn respond(
        self,
        request: &SimulatorRequest,
        path: &[&str],
    ) -> ApiWebResult {
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
    pub(in crate::simulator::api_web) fn find_role(self, id: &str) -> Option<usize> {
        (0..ROLES.len()).find(|index| self.role_id(*index) == id)
    }

    pub(in crate::simulator::api_web) fn role_id(self, index: usize) -> String {
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
pub(in crate::simulator::api_web) fn role_manages_keys(role: usize) -> bool {
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
pub(in crate::simulator::api_web) fn error_detail(
    status: StatusCode,
    text: &str,
) -> SimulatorResponse {
    SimulatorResponse::json(status, &json!({"detail": text}))
}
