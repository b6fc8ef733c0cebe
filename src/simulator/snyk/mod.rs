//! One simulated Snyk region: an API listener and an app listener with a common state. It knows
//! only its own tokens.
//!
//! The routes are in `rest`, `v1`, `oauth` and `authorize`; the data in `fixtures`, `seed_data` and
//! `state`. Start at `SnykRegion`.

mod apps;
mod assertion;
mod audit;
mod authorize;
mod client_secrets;
mod fixtures;
mod installs;
mod json_api_error;
mod manual_actions;
mod oauth;
mod orgs;
mod paging;
mod projects;
mod rate_limits;
mod rest;
mod seed_data;
mod self_endpoints;
mod service_account_input;
mod service_accounts;
mod sessions;
mod state;
mod v1;
mod version;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderName, StatusCode, header};

use super::clock::{RequestInstant, UnixMillis};
use super::deterministic;
use super::http_service::{SimulatedService, SimulatorRequest, SimulatorResponse};
use super::manifest::SeededCredential;
use fixtures::SnykFixtures;
use json_api_error::JsonApiError;
use rate_limits::{SecretUsage, TightestLimit};
use state::{SnykPrincipal, SnykState};

/// Region for the government of the United States, which accepts no API keys.
const GOV_REGION: &str = "SNYK-GOV-01";

/// All regions, each with the official host that its tokens name.
pub(super) const REGIONS: [(&str, &str); 5] = [
    ("SNYK-US-01", "api.snyk.io"),
    ("SNYK-US-02", "api.us.snyk.io"),
    ("SNYK-EU-01", "api.eu.snyk.io"),
    ("SNYK-AU-01", "api.au.snyk.io"),
    (GOV_REGION, "api.snykgov.io"),
];

/// One region.
pub(super) struct SnykRegion {
    id: &'static str,
    host: &'static str,
    /// Loopback address of the API, such as `http://127.0.0.1:41234`.
    api: String,
    app: String,
    fixtures: SnykFixtures,
    state: Mutex<SnykState>,
}

impl SnykRegion {
    /// Creates a region with its seeded data, and the credentials that the region accepts.
    pub(super) fn new(
        id: &'static str,
        host: &'static str,
        api: String,
        app: String,
        midnight: UnixMillis,
    ) -> (Self, Vec<SeededCredential>) {
        let region =
            Self { id, host, api, app, fixtures: SnykFixtures::new(id), state: Mutex::default() };
        let credentials = region.seed_credentials(midnight);
        (region, credentials)
    }

    fn state(&self) -> MutexGuard<'_, SnykState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the caller, and the rest of the caller's rate limit.
    fn authenticate(
        &self,
        request: &SimulatorRequest,
    ) -> (Option<Arc<SnykPrincipal>>, TightestLimit) {
        let RequestInstant { now, .. } = request.instant;
        let unknown_caller = (None, SecretUsage::default().tightest_limit(now));
        let Some((scheme, value)) = request.authorization() else {
            return unknown_caller;
        };
        let mut state = self.state();
        match state
            .tokens
            .get_mut(value)
            .filter(|token| token.validity.is_valid_at(now) && token.schemes.accept(scheme))
        {
            Some(token) => {
                token.usage.record_use(now);
                (Some(Arc::clone(&token.principal)), token.usage.tightest_limit(now))
            }
            None => unknown_caller,
        }
    }

    fn route(
        &self,
        request: &SimulatorRequest,
        caller: Option<&Arc<SnykPrincipal>>,
    ) -> SimulatorResponse {
        match request.path_segments().first().copied() {
            Some("rest") => rest::respond(self, request, caller),
            Some("v1") => v1::respond(self, request, caller),
            Some("oauth2") => oauth::respond(self, request),
            _ => JsonApiError::not_found("path").into_response(request),
        }
    }

    fn refuse(request: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
        match request.path_segments().first().copied() {
            Some("v1") => v1::refuse(request, status),
            Some("oauth2") => oauth::OAuthFailure::from_status(status).into_response(),
            _ => JsonApiError::from_status(status).into_response(request),
        }
    }
}

/// API host of a region.
pub(super) struct SnykApi(pub(super) Arc<SnykRegion>);

impl SimulatedService for SnykApi {
    fn respond(&self, request: &SimulatorRequest) -> SimulatorResponse {
        let (caller, tightest) = self.0.authenticate(request);
        let response = if tightest.is_exceeded() && request.instant.limits_enforced {
            SnykRegion::refuse(request, StatusCode::TOO_MANY_REQUESTS)
                .with_header(header::RETRY_AFTER, &tightest.reset())
        } else {
            self.0.route(request, caller.as_ref())
        };
        add_api_headers(response, request, tightest)
    }

    fn refuse(&self, request: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
        add_api_headers(
            SnykRegion::refuse(request, status),
            request,
            SecretUsage::default().tightest_limit(request.instant.now),
        )
    }
}

/// Web application of a region.
pub(super) struct SnykWebApp(pub(super) Arc<SnykRegion>);

impl SimulatedService for SnykWebApp {
    fn respond(&self, request: &SimulatorRequest) -> SimulatorResponse {
        authorize::respond(&self.0, request)
    }

    fn refuse(&self, _call: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
        SimulatorResponse::html(
            status,
            &format!("<!doctype html><title>{status}</title><h1>{status}</h1>"),
        )
    }
}

/// Adds the headers that every response of the API has.
fn add_api_headers(
    response: SimulatorResponse,
    request: &SimulatorRequest,
    tightest: TightestLimit,
) -> SimulatorResponse {
    let name = HeaderName::from_static;
    let id =
        request.header("snyk-request-id").map_or_else(|| new_request_id(request), str::to_owned);
    let response = response
        .with_header(name("snyk-request-id"), &id)
        .with_header(name("x-ratelimit-limit"), &tightest.limit())
        .with_header(name("x-ratelimit-remaining"), &tightest.remaining())
        .with_header(name("x-ratelimit-reset"), &tightest.reset());
    match request.query("version") {
        Some(version) => response.with_header(name("snyk-version-requested"), version),
        None => response,
    }
}

fn new_request_id(request: &SimulatorRequest) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    deterministic::uuid(&format!("{}/{}", request.path, SERIAL.fetch_add(1, Ordering::Relaxed)))
}
