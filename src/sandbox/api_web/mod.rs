//! One simulated region of Snyk API & Web: a JSON Web Token as key, `Authorization: JWT …`, errors and pages as Django
//! REST Framework writes them. A key (`/keys/`) and an API user (`/api-users/`) are two views of one thing.

mod catalogue;
mod keys;

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::clock::{DAY, Millis, Moment, rfc3339};
use super::manifest::Credential;
use super::seed;
use super::wire::{Call, LiveSecret, Provider, Reply, Service};
use catalogue::{Catalogue, detail, manages_keys};
use keys::{Key, read_name};

/// Every region with the prefix of its credentials' names.
pub(super) const REGIONS: [(&str, &str); 3] = [("SAW-EU", "saw-eu"), ("SAW-US", "saw-us"), ("SAW-AU", "saw-au")];

/// Name and role of the seeded keys: the first may manage keys, the second may not.
const KEYS: [(&str, usize); 2] = [("admin", 0), ("pipeline", DEVELOPER)];
const DEVELOPER: usize = 1;

const DEFAULT_LENGTH: usize = 10;

type Outcome = Result<Reply, Reply>;

/// One region.
pub(super) struct Region {
    id: &'static str,
    catalogue: Catalogue,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Vec<Key>,
    minted: u64,
}

/// Who calls.
struct Caller {
    id: String,
    name: String,
    role: usize,
}

/// How a key is shown: by `/keys/` or by `/api-users/`.
type View = fn(&Region, &Key) -> Value;

impl Region {
    /// A region with its seeded keys, and the credentials that open it.
    pub(super) fn new(id: &'static str, prefix: &str, midnight: Millis) -> (Self, Vec<Credential>) {
        let past = Moment { now: midnight - 60 * DAY, ..Moment::default() };
        let keys: Vec<Key> = KEYS.into_iter().map(|(name, role)| Key::new(id, name, role, past)).collect();
        let credentials = keys.iter().map(|key| key.credential(id, prefix)).collect();
        (Self { id, catalogue: Catalogue(id), state: Mutex::new(State { keys, minted: 0 }) }, credentials)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn authenticate(&self, call: &Call) -> Result<Caller, Reply> {
        let Some((scheme, value)) = call.authorization() else {
            return Err(detail(StatusCode::UNAUTHORIZED, "Authentication credentials were not provided."));
        };
        let state = self.state();
        let known = state.keys.iter().find(|key| key.secret == value && key.active && key.life.holds(call.at.now));
        match known.filter(|_| scheme.eq_ignore_ascii_case("jwt")) {
            Some(key) => Ok(Caller { id: key.id.clone(), name: key.name.clone(), role: key.role }),
            None => Err(detail(StatusCode::UNAUTHORIZED, "Error decoding signature.")),
        }
    }

    fn route(&self, call: &Call) -> Outcome {
        let caller = self.authenticate(call)?;
        let segments = call.segments();
        // Every path ends with a slash, so the last segment is empty.
        let [path @ .., ""] = segments.as_slice() else {
            return Err(not_found());
        };
        match (call.method.as_str(), path) {
            ("GET", ["profile"]) => Ok(ok(&profile(&caller))),
            (_, ["keys" | "api-users", ..]) if !manages_keys(caller.role) => {
                Err(detail(StatusCode::FORBIDDEN, "You do not have permission to perform this action."))
            }
            (_, ["keys", id @ ..]) => self.manage(call, id, |_, key| key.describe()),
            (_, ["api-users", id @ ..]) => self.manage(call, id, Self::describe_user),
            ("GET", _) => self.catalogue.answer(call, path),
            _ => Err(not_found()),
        }
    }

    fn manage(&self, call: &Call, id: &[&str], view: View) -> Outcome {
        match (call.method.as_str(), id) {
            ("GET", []) => {
                let state = self.state();
                let wanted = call.query("search").unwrap_or_default();
                let found: Vec<&Key> = state.keys.iter().filter(|key| !key.deleted && key.name.contains(wanted)).collect();
                page(call, found.len(), |place| view(self, found[place]))
            }
            ("POST", []) => self.create(call, view),
            ("GET", [id]) => self.with_key(id, |key| view(self, key)),
            ("PUT" | "PATCH", [id]) => {
                let wish = call.json().unwrap_or_default();
                let name = read_name(&wish)?;
                self.with_key(id, |key| {
                    key.update(&wish, call.at.now);
                    key.name = name.unwrap_or_else(|| std::mem::take(&mut key.name));
                    view(self, key)
                })
            }
            ("DELETE", [id]) => self.with_key(id, |key| key.delete(call.at)).map(|_| Reply::empty(StatusCode::NO_CONTENT)),
            _ => Err(detail(StatusCode::METHOD_NOT_ALLOWED, &format!("Method \"{}\" not allowed.", call.method))),
        }
    }

    fn with_key(&self, id: &str, act: impl FnOnce(&mut Key) -> Value) -> Outcome {
        let mut state = self.state();
        let key = state.keys.iter_mut().find(|key| key.id == id && !key.deleted).ok_or_else(not_found)?;
        Ok(ok(&act(key)))
    }

    fn create(&self, call: &Call, view: View) -> Outcome {
        let wish = call.json().unwrap_or_default();
        let name = read_name(&wish)?.ok_or_else(|| invalid("name", "This field is required."))?;
        let role = match wish["user_roles"][0]["role"]["id"].as_str() {
            Some(id) => self.catalogue.find_role(id).ok_or_else(|| invalid("user_roles", "Unknown role."))?,
            None => DEVELOPER,
        };
        let mut state = self.state();
        let mut key = self.mint(&mut state, &name, role, call.at);
        key.update(&wish, call.at.now);
        let mut body = view(self, &key);
        // Shown this once.
        body["key"] = json!(key.secret);
        state.keys.push(key);
        Ok(Reply::json(StatusCode::CREATED, &body))
    }

    fn mint(&self, state: &mut State, name: &str, role: usize, at: Moment) -> Key {
        state.minted += 1;
        let mut key = Key::new(&format!("{}/minted/{}", self.id, state.minted), name, role, at);
        name.clone_into(&mut key.name);
        key
    }

    fn describe_user(&self, key: &Key) -> Value {
        let by = json!({"id": key.id, "email": "admin@example.com", "name": "admin"});
        json!({"id": key.id, "name": key.name, "title": key.title, "active": key.active, "labels": key.labels,
            "changed_by": by, "changed": rfc3339(key.changed), "is_apiuser": true,
            "user_roles": [{"role": {"id": self.catalogue.role_id(key.role)}, "scope": {"tier": "account", "team": null, "target": null}}]})
    }
}

impl Service for Region {
    fn answer(&self, call: &Call) -> Reply {
        self.route(call).unwrap_or_else(|refusal| refusal)
    }

    fn refuse(&self, _call: &Call, status: StatusCode) -> Reply {
        let text = match status.as_u16() {
            401 => "Error decoding signature.",
            403 => "You do not have permission to perform this action.",
            429 => "Request was throttled.",
            500.. => "Internal server error.",
            _ => "Not found.",
        };
        detail(status, text)
    }
}

impl Provider for Region {
    fn live(&self, now: Millis) -> Vec<LiveSecret> {
        let state = self.state();
        let living = state.keys.iter().filter(|key| !key.life.is_over(now));
        living
            .map(|key| LiveSecret { account: key.id.clone(), kind: "api-key", sha256: seed::fingerprint(&key.secret) })
            .collect()
    }

    fn replace_by_hand(&self, credential: &Credential, at: Moment) -> Option<String> {
        let mut state = self.state();
        let old = state.keys.iter().find(|key| key.secret == credential.secret)?;
        let (name, role) = (old.name.clone(), old.role);
        let key = self.mint(&mut state, &name, role, at);
        let secret = key.secret.clone();
        state.keys.push(key);
        Some(secret)
    }

    fn revoke_by_hand(&self, sha256: &str, at: Moment) -> bool {
        let mut state = self.state();
        let found = state.keys.iter_mut().find(|key| seed::fingerprint(&key.secret) == sha256);
        found.map(|key| key.delete(at)).is_some()
    }
}

fn profile(caller: &Caller) -> Value {
    json!({"id": caller.id, "email": format!("{}@example.com", caller.name), "name": caller.name, "title": "",
        "is_billing_admin": false, "changed_by": null, "changed": "2026-01-05T12:00:00Z", "last_login": null, "active": true,
        "labels": [], "is_apiuser": true, "intercom_user_id": null, "is_sso": false, "is_owner": false})
}

/// One page of `total` items: `page` from 1, `length` items each.
fn page(call: &Call, total: usize, item: impl FnMut(usize) -> Value) -> Outcome {
    let number = |name, default| call.query(name).map_or(Some(default), |text| text.parse().ok().filter(|number| *number > 0));
    let length: usize = number("length", DEFAULT_LENGTH).ok_or_else(|| invalid("length", "A valid integer is required."))?;
    let page: usize = number("page", 1).ok_or_else(invalid_page)?;
    let pages = total.div_ceil(length).max(1);
    if page > pages {
        return Err(invalid_page());
    }
    let start = (page - 1) * length;
    let results: Vec<Value> = (start..(start + length).min(total)).map(item).collect();
    Ok(ok(&json!({"count": total, "page_total": pages, "page": page, "length": length, "results": results})))
}

fn ok(body: &Value) -> Reply {
    Reply::json(StatusCode::OK, body)
}

fn invalid(field: &str, text: &str) -> Reply {
    Reply::json(StatusCode::BAD_REQUEST, &json!({field: [text]}))
}

fn invalid_page() -> Reply {
    detail(StatusCode::NOT_FOUND, "Invalid page.")
}

fn not_found() -> Reply {
    detail(StatusCode::NOT_FOUND, "Not found.")
}
