//! One simulated Snyk region: an API listener and an app listener with a common state. It knows
//! only its own tokens.
//!
//! The routes are in `rest`, `v1`, `oauth` and `authorize`; the data in `seed_data` and
//! `state`. Start at `SnykRegion`.
//!
//! Actions that users take on Snyk's web pages, because the API cannot: new personal access tokens,
//! "Revoke & Regenerate".

mod apps;
mod audit;
mod authorize;
mod installs;
mod oauth;
mod orgs;
mod projects;
mod rest;
mod seed_data;
mod self_endpoints;
mod service_accounts;
mod state;
mod v1;
mod version;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderName, StatusCode, header};
use state::{SnykPrincipal, SnykState};

use super::clock::{RequestInstant, UnixMillis};
use super::deterministic;
use crate::simulator::SeededCredential;
use crate::simulator::clock::{MILLIS_PER_DAY, ValidityPeriod};
use crate::simulator::server::{
    LiveSecretRecord, SimulatedProvider, SimulatedService, SimulatorRequest, SimulatorResponse,
};
use crate::simulator::snyk::rest::{SecretUsage, TightestLimit};
use crate::simulator::snyk::self_endpoints::{MAX_PAT_DAYS, MAX_PATS, active_pats};
use crate::simulator::snyk::state::{SnykFixtures, SnykPat, SnykToken};
use crate::simulator::snyk::version::JsonApiError;

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

impl SimulatedProvider for SnykRegion {
    fn live_secrets(&self, now: UnixMillis) -> Vec<LiveSecretRecord> {
        let state = self.state();
        let tokens = state.tokens.iter().filter(|(_, token)| !token.validity.has_ended(now));
        let tokens = tokens.map(|(secret, token)| live_secret(&token.owner_id, token.kind, secret));
        let accounts = state.accounts.iter().flat_map(|account| {
            account
                .secrets
                .live_secrets(now)
                .map(|secret| live_secret(account.id(), "client_secret", secret))
        });
        let apps = state.apps.iter().flat_map(|app| {
            app.secrets
                .live_secrets(now)
                .map(|secret| live_secret(&app.id, "client_secret", secret))
        });
        let installs = state.installs.iter().flat_map(|install| {
            install
                .secrets
                .live_secrets(now)
                .map(|secret| live_secret(&install.id, "client_secret", secret))
        });
        let refreshes = state
            .live_refresh_tokens(now)
            .map(|(session, token)| live_secret(session, "refresh_token", token));
        let mut live: Vec<LiveSecretRecord> =
            tokens.chain(accounts).chain(apps).chain(installs).chain(refreshes).collect();
        live.sort_by(|one, other| {
            (&one.account, one.kind, &one.sha256).cmp(&(&other.account, other.kind, &other.sha256))
        });
        live
    }

    fn replace_manually(
        &self,
        credential: &SeededCredential,
        at: RequestInstant,
    ) -> Option<String> {
        let mut state = self.state();
        match credential.kind {
            "personal-token" => self.regenerate_personal_token(&mut state, &credential.secret, at),
            "personal-access-token" => self.create_pat(&mut state, &credential.secret, at),
            _ => None,
        }
    }

    fn revoke_manually(&self, sha256: &str, at: RequestInstant) -> bool {
        let mut state = self.state();
        let found =
            state.tokens.iter_mut().find(|(secret, _)| deterministic::sha256_hex(secret) == sha256);
        let Some((_, token)) = found else { return false };
        token.validity.revoke(at);
        let owner = token.owner_id.clone();
        state.pats.retain(|pat| pat.id != owner);
        true
    }
}

impl SnykRegion {
    /// Does "Revoke & Regenerate": revokes every personal token of the user and creates a new one.
    fn regenerate_personal_token(
        &self,
        state: &mut SnykState,
        seeded: &str,
        at: RequestInstant,
    ) -> Option<String> {
        let user = Arc::clone(&state.tokens.get(seeded)?.principal);
        let own =
            |token: &&mut SnykToken| token.owner_id == user.id && token.kind == "personal-token";
        state.tokens.values_mut().filter(own).for_each(|token| token.validity.revoke(at));
        let secret = deterministic::secret_uuid(&state.new_label(self.id));
        state.tokens.insert(
            secret.clone(),
            SnykToken::new(&user, "personal-token", ValidityPeriod::starting_at(at)),
        );
        Some(secret)
    }

    /// Creates a further personal access token. A user can have three.
    fn create_pat(
        &self,
        state: &mut SnykState,
        seeded: &str,
        at: RequestInstant,
    ) -> Option<String> {
        let user = Arc::clone(&state.tokens.get(seeded)?.principal);
        if active_pats(state, &user.id, at).count() >= MAX_PATS {
            return None;
        }
        let id = deterministic::ulid(&state.new_label(self.id));
        let expires = at.now + MAX_PAT_DAYS * MILLIS_PER_DAY;
        let pat = SnykPat {
            label: format!("by hand {id}"),
            id,
            owner: user.id.clone(),
            created: at.now,
            expires,
        };
        Some(self.add_pat(state, &user, pat, ValidityPeriod::starting_at(at)))
    }
}

fn live_secret(account: &str, kind: &'static str, secret: &str) -> LiveSecretRecord {
    LiveSecretRecord {
        account: account.to_owned(),
        kind,
        sha256: deterministic::sha256_hex(secret),
    }
}
