//! One simulated Snyk region: an API listener and an app listener over one state. It knows only its own tokens.

mod apps;
mod assertion;
mod audit;
mod authorize;
mod by_hand;
mod installs;
mod oauth;
mod orders;
mod orgs;
mod paging;
mod people;
mod plant;
mod projects;
mod rate;
mod refusal;
mod rest;
mod secrets;
mod service_accounts;
mod sessions;
mod state;
mod v1;
mod version;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderName, StatusCode, header};

use super::clock::{Millis, Moment};
use super::manifest::Credential;
use super::seed;
use super::wire::{Call, Reply, Service};
use rate::{Budget, Usage};
use refusal::Refusal;
use state::{Principal, State};
use world::World;

/// The region for the government of the United States, which accepts no API keys.
const GOV: &str = "SNYK-GOV-01";

/// Every region with the official host that its tokens name.
pub(super) const REGIONS: [(&str, &str); 5] = [
    ("SNYK-US-01", "api.snyk.io"),
    ("SNYK-US-02", "api.us.snyk.io"),
    ("SNYK-EU-01", "api.eu.snyk.io"),
    ("SNYK-AU-01", "api.au.snyk.io"),
    (GOV, "api.snykgov.io"),
];

/// One region.
pub(super) struct Region {
    id: &'static str,
    host: &'static str,
    /// The loopback addresses, as `http://127.0.0.1:41234`.
    api: String,
    app: String,
    world: World,
    state: Mutex<State>,
}

impl Region {
    /// A region with its seeded world, and the credentials that open it.
    pub(super) fn new(
        id: &'static str,
        host: &'static str,
        (api, app): (String, String),
        midnight: Millis,
    ) -> (Self, Vec<Credential>) {
        let region = Self { id, host, api, app, world: World::new(id), state: Mutex::default() };
        let credentials = region.plant(midnight);
        (region, credentials)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is calling, and what is left of their rate limit.
    fn admit(&self, call: &Call) -> (Option<Arc<Principal>>, Budget) {
        let Moment { now, .. } = call.at;
        let stranger = (None, Usage::default().budget(now));
        let Some((scheme, value)) = call.authorization() else {
            return stranger;
        };
        let mut state = self.state();
        match state.tokens.get_mut(value).filter(|token| token.life.holds(now) && token.schemes.accept(scheme)) {
            Some(token) => {
                token.usage.count(now);
                (Some(Arc::clone(&token.principal)), token.usage.budget(now))
            }
            None => stranger,
        }
    }

    fn route(&self, call: &Call, caller: Option<&Arc<Principal>>) -> Reply {
        match call.segments().first().copied() {
            Some("rest") => rest::answer(self, call, caller),
            Some("v1") => v1::answer(self, call, caller),
            Some("oauth2") => oauth::answer(self, call),
            _ => Refusal::not_found("path").into_reply(call),
        }
    }

    fn refuse(call: &Call, status: StatusCode) -> Reply {
        match call.segments().first().copied() {
            Some("v1") => v1::refuse(call, status),
            Some("oauth2") => oauth::Failure::of(status).into_reply(),
            _ => Refusal::of(status).into_reply(call),
        }
    }
}

/// The API host of a region.
pub(super) struct Api(pub(super) Arc<Region>);

impl Service for Api {
    fn answer(&self, call: &Call) -> Reply {
        let (caller, budget) = self.0.admit(call);
        let reply = if budget.is_exceeded() && call.at.limits_bind {
            Region::refuse(call, StatusCode::TOO_MANY_REQUESTS).with(header::RETRY_AFTER, &budget.reset())
        } else {
            self.0.route(call, caller.as_ref())
        };
        dress(reply, call, budget)
    }

    fn refuse(&self, call: &Call, status: StatusCode) -> Reply {
        dress(Region::refuse(call, status), call, Usage::default().budget(call.at.now))
    }
}

/// The web application of a region.
pub(super) struct App(pub(super) Arc<Region>);

impl Service for App {
    fn answer(&self, call: &Call) -> Reply {
        authorize::answer(&self.0, call)
    }

    fn refuse(&self, _call: &Call, status: StatusCode) -> Reply {
        Reply::html(status, &format!("<!doctype html><title>{status}</title><h1>{status}</h1>"))
    }
}

/// Adds the headers that every answer of the API carries.
fn dress(reply: Reply, call: &Call, budget: Budget) -> Reply {
    let name = HeaderName::from_static;
    let id = call.header("snyk-request-id").map_or_else(|| fresh_request_id(call), str::to_owned);
    let reply = reply
        .with(name("snyk-request-id"), &id)
        .with(name("x-ratelimit-limit"), &budget.limit())
        .with(name("x-ratelimit-remaining"), &budget.remaining())
        .with(name("x-ratelimit-reset"), &budget.reset());
    match call.query("version") {
        Some(version) => reply.with(name("snyk-version-requested"), version),
        None => reply,
    }
}

fn fresh_request_id(call: &Call) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    seed::uuid(&format!("{}/{}", call.path, SERIAL.fetch_add(1, Ordering::Relaxed)))
}
