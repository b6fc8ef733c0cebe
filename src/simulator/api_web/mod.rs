//! One simulated region of Snyk API & Web: a JSON Web Token as key, `Authorization: JWT …`, errors
//! and pages in the format of Django REST Framework.
//!
//! A key (`/keys/`) and an API user (`/api-users/`) are two views of the same object. Start at
//! `ApiWebRegion::route`.

mod catalog;
mod keys;

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::clock::{MILLIS_PER_DAY, RequestInstant, UnixMillis, format_rfc3339};
use super::deterministic;
use super::http_service::{
    LiveSecretRecord, SimulatedProvider, SimulatedService, SimulatorRequest, SimulatorResponse,
};
use super::manifest::SeededCredential;
use catalog::{ApiWebCatalog, error_detail, role_manages_keys};
use keys::{ApiUserKey, parse_name};

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
