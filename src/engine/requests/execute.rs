//! Sending a request: within the quota of its credential, authorized, and again after a temporary
//! refusal.
//!
//! Everything that uses a stored credential is sent here: requests of the console, pages, checks,
//! probes and the calls of a rotation. Only read-only requests are sent again automatically; a
//! refused request that changes something is left to the caller. Start with
//! [`RequestService::execute`].

use std::sync::Arc;
use std::time::Duration;

use super::access_tokens::{SendError, bind_to_region};
use super::http_exchange::{WaitNotice, WaitReason};
use super::pending_request::{PendingRequest, RateLimitPolicy, RequestAuthentication};
use super::rate_limiter::RateLimitKey;
use super::redact_response::RawResponse;
use super::retry::{self, RetryDecision};
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::AuthMethod;
use crate::domain::rate_limit;
use crate::engine::ports::random_bytes;
use crate::engine::requests::RequestService;
use crate::engine::requests::pending_request::LoadedBody;
use crate::net::{HostBoundSecret, NetError, OutgoingRequest};

/// Maximum time that one request waits for the rate limit, all waits together. Snyk's window is a
/// minute.
const MAX_RATE_LIMIT_WAIT: Duration = Duration::from_secs(120);

/// Maximum wait if many others wait for the outcome: a check, a probe, a step of a rotation.
const MAX_BRIEF_WAIT: Duration = Duration::from_secs(5);

/// Longer waits get no more jitter than this.
const MAX_JITTERED_WAIT: Duration = Duration::from_secs(16);

impl RequestService {
    /// Waits for the response to a request, within the time that the request has for everything.
    pub(super) async fn within_time(
        &self,
        request: &PendingRequest<'_>,
        sending: impl Future<Output = Result<RawResponse, SendError>>,
    ) -> Result<RawResponse, SendError> {
        let Some(limit) = request.delivery.timeout else { return sending.await };
        tokio::time::timeout(limit, sending).await.unwrap_or_else(|_| {
            let url = request.draft.resolve(request.region).map_err(Problem::from)?;
            let host = url.host_str().unwrap_or_default().to_owned();
            Err(SendError::Net(NetError::TimedOut { host, limit }))
        })
    }

    /// Sends a request when the quota of its credential allows it, and again where it failed for now
    /// and may be repeated. Records what the outcome says about the credential, and returns the
    /// response as it came.
    pub(in crate::engine) async fn execute(
        &self,
        request: &PendingRequest<'_>,
    ) -> Result<RawResponse, SendError> {
        request.load_body().await?;
        let outcome = self.send_within_quota(request).await;
        self.record_outcome(request, &outcome).await;
        outcome
    }

    async fn send_within_quota(
        &self,
        request: &PendingRequest<'_>,
    ) -> Result<RawResponse, SendError> {
        let max_wait = request.delivery.timeout.unwrap_or(MAX_RATE_LIMIT_WAIT);
        let mut remaining_wait = max_wait.min(MAX_RATE_LIMIT_WAIT);
        let max_attempts = retry::max_attempts(request);
        let mut last_result = None;
        let mut attempt = 0;
        loop {
            if let Some(wait) = self.wait_for_quota(request, &mut remaining_wait).await? {
                return last_result.unwrap_or_else(|| Err(quota_exhausted(wait).into()));
            }
            let result = self.send_with_auth_retry(request).await;
            attempt += 1;
            if attempt >= max_attempts {
                return result;
            }
            let RateLimitPolicy::WaitForReset(on_wait) = request.rate_limit else { return result };
            match retry::decide(request, &result, self.clock.now()) {
                RetryDecision::Final => return result,
                RetryDecision::WhenQuotaAllows => {}
                RetryDecision::AfterBackoff(why) => {
                    let wait = retry::backoff(attempt);
                    if wait > remaining_wait {
                        return result;
                    }
                    remaining_wait -= wait;
                    on_wait(WaitNotice { wait, reason: WaitReason::Retry(why) });
                    self.sleep_with_jitter(wait).await?;
                }
            }
            last_result = Some(result);
        }
    }

    /// Waits until the quota allows a request. Returns the wait that would be needed if it is longer
    /// than what remains.
    async fn wait_for_quota(
        &self,
        request: &PendingRequest<'_>,
        remaining: &mut Duration,
    ) -> Result<Option<Duration>, Problem> {
        let key = RateLimitKey::for_credential(request.credential, request.region);
        let RateLimitPolicy::WaitForReset(on_wait) = request.rate_limit else {
            match self.rate_limiter.try_acquire(&key, self.clock.now()) {
                Some(wait) if wait <= MAX_BRIEF_WAIT => self.sleep_with_jitter(wait).await?,
                _ => {}
            }
            return Ok(None);
        };
        while let Some(wait) = self.rate_limiter.try_acquire(&key, self.clock.now()) {
            if wait > *remaining {
                return Ok(Some(wait));
            }
            *remaining -= wait;
            on_wait(WaitNotice { wait, reason: WaitReason::RateLimit });
            self.sleep_with_jitter(wait).await?;
        }
        Ok(None)
    }

    /// Waits a little longer than this, so that tasks that waited for the same moment do not return
    /// all at once.
    async fn sleep_with_jitter(&self, wait: Duration) -> Result<(), Problem> {
        self.clock.sleep(wait + jitter(wait)?).await;
        Ok(())
    }

    /// Authorizes and sends a request. A refused scheme is replaced once by the kind's other scheme,
    /// and an access token that expired early is refreshed once; both only where repeating is safe.
    async fn send_with_auth_retry(
        &self,
        request: &PendingRequest<'_>,
    ) -> Result<RawResponse, SendError> {
        request.begin_attempt();
        let bound = self.authenticate(request).await?;
        let raw = self.send_authorized(request, bound.clone()).await?;
        if raw.response.status != 401
            || matches!(request.authentication, RequestAuthentication::Fixed(_))
        {
            return Ok(raw);
        }
        let PendingRequest { credential, kind, region, draft, .. } = *request;
        if kind.authorization.needs_manual_retry(draft.method, raw.response.status) {
            self.clear_access_token(credential).await?;
        }
        if !draft.is_safe() {
            return Ok(raw);
        }
        match &kind.authorization {
            AuthMethod::Header { fallback: Some(other), .. }
                if credential.scheme.is_none() && *other != bound.scheme =>
            {
                let bound = HostBoundSecret { scheme: other.clone(), ..bound };
                self.retry_with_scheme(request, bound, raw).await
            }
            AuthMethod::Header { .. } => Ok(raw),
            _ => {
                let rejected = Some(&*bound.secret);
                let bound = self.authorize(credential, kind, region, rejected).await?;
                self.send_authorized(request, bound).await
            }
        }
    }

    /// Returns what the request sends, bound to the region's origins.
    async fn authenticate(
        &self,
        request: &PendingRequest<'_>,
    ) -> Result<HostBoundSecret, SendError> {
        let PendingRequest { credential, kind, region, .. } = *request;
        match &request.authentication {
            RequestAuthentication::Current => self.authorize(credential, kind, region, None).await,
            RequestAuthentication::Loaded(secret) => {
                let region = self.bindings.verify_region(credential, region).await?;
                let scheme = kind.authorization.scheme();
                Ok(bind_to_region(credential, scheme, region, Arc::clone(secret)))
            }
            RequestAuthentication::Fixed(bound) => Ok(bound.clone()),
        }
    }

    /// Retries with the kind's other scheme. If that scheme is accepted, it is stored and its
    /// response returned.
    async fn retry_with_scheme(
        &self,
        request: &PendingRequest<'_>,
        bound: HostBoundSecret,
        refused: RawResponse,
    ) -> Result<RawResponse, SendError> {
        let scheme = bound.scheme.clone();
        let retried = self.send_authorized(request, bound).await?;
        let attempted_schemes = [refused.attempted_schemes, retried.attempted_schemes].concat();
        if retried.response.status == 401 {
            return Ok(RawResponse { attempted_schemes, ..refused });
        }
        let id = request.credential.id.clone();
        self.database
            .run(move |index| {
                index.update_credential(&id, |credential| credential.scheme = Some(scheme))
            })
            .await?;
        Ok(RawResponse { attempted_schemes, ..retried })
    }

    /// Sends a request once and counts it. Every sender uses the same quota and updates it for all
    /// the others.
    async fn send_authorized(
        &self,
        request: &PendingRequest<'_>,
        bound: HostBoundSecret,
    ) -> Result<RawResponse, SendError> {
        let (sent_secret, scheme) = (Arc::clone(&bound.secret), bound.scheme.clone());
        let mut outgoing = self.unauthorized_request(request, request.load_body().await?)?;
        if let Some(body) = request.secret_body(&bound)? {
            outgoing.body = body;
        }
        outgoing.authorization = Some(bound);
        let response = match &request.sink {
            Some(sink) => self.transport.send_to_sink(outgoing, Arc::clone(sink)).await?,
            None => self.transport.send(outgoing).await?,
        };
        let key = RateLimitKey::for_credential(request.credential, request.region);
        self.rate_limiter.update_from_response(&key, &response, self.clock.now());
        Ok(RawResponse { response, sent_secret, attempted_schemes: vec![scheme] })
    }

    /// Builds the request of a draft with its headers, body and limits, without authorization.
    pub(super) fn unauthorized_request(
        &self,
        request: &PendingRequest<'_>,
        body: &LoadedBody,
    ) -> Result<OutgoingRequest, Problem> {
        let PendingRequest { credential, region, draft, limits, .. } = *request;
        let provider = self.catalog.provider(&credential.provider)?;
        Ok(OutgoingRequest {
            method: draft.method,
            url: draft.resolve(region)?,
            headers: draft.outgoing_headers(&provider.headers, body.boundary.as_deref()),
            removed_headers: draft.removed_headers.clone(),
            body: body.to_request_body(),
            authorization: None,
            limits,
            ca_file: region.ca_file.clone(),
        })
    }
}

/// Returns a random extra wait of up to an eighth.
fn jitter(wait: Duration) -> Result<Duration, Problem> {
    let [chance] = random_bytes()?;
    Ok(wait.min(MAX_JITTERED_WAIT) * u32::from(chance) / 2048)
}

fn quota_exhausted(wait: Duration) -> Problem {
    let why = "the provider limits the requests of this credential, and none is left for now";
    Problem::new("Nothing was sent", why, format!("try again in {}", rate_limit::format_wait(wait)))
        .with_class(ProblemClass::Unknown)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::config::Settings;
    use crate::database::Database;
    use crate::domain::provider::ProviderCatalog;
    use crate::domain::request::{HttpMethod, RequestDraft, RequestTarget};
    use crate::domain::response::ApiResponse;
    use crate::domain::{Credential, Timestamp};
    use crate::engine::credential_changes::NewCredential;
    use crate::engine::requests::history::HistoryPolicy;
    use crate::engine::requests::http_exchange::{
        DeliveryOptions, HttpExchange, RequestOptions, WriteConsent,
    };
    use crate::engine::{Clock, Engine, EngineDependencies, EngineOptions};
    use crate::net::{NetError, Transport};
    use crate::store::MemoryStore;

    /// Requests that fit into a window of a minute.
    const LIMIT: u64 = 10;

    /// Provider that counts requests, and clock that advances only when a task sleeps.
    struct Counting {
        now: Mutex<Timestamp>,
        window: Mutex<(Timestamp, u64)>,
        refused: Mutex<u64>,
    }

    impl Counting {
        fn new() -> Arc<Self> {
            let start = time::macros::datetime!(2026-11-21 12:00 UTC);
            Arc::new(Self {
                now: Mutex::new(start),
                window: Mutex::new((start, 0)),
                refused: Mutex::new(0),
            })
        }

        fn engine(self: &Arc<Self>) -> Engine {
            let ports = EngineDependencies {
                catalog: Arc::new(ProviderCatalog::builtin()),
                database: Arc::new(Database::in_memory().unwrap()),
                store: Arc::new(MemoryStore::new()),
                transport: Arc::clone(self) as _,
                clock: Arc::clone(self) as _,
            };
            Engine::new(ports, EngineOptions::from(&Settings::default()))
        }
    }

    #[async_trait]
    impl Clock for Counting {
        fn now(&self) -> Timestamp {
            *self.now.lock().unwrap()
        }

        async fn sleep(&self, time: Duration) {
            let until = self.now() + time;
            tokio::task::yield_now().await;
            let mut now = self.now.lock().unwrap();
            *now = until.max(*now);
        }
    }

    #[async_trait]
    impl Transport for Counting {
        async fn send(&self, _: OutgoingRequest) -> Result<ApiResponse, NetError> {
            tokio::task::yield_now().await;
            let now = self.now();
            let mut window = self.window.lock().unwrap();
            if now - window.0 >= time::Duration::minutes(1) {
                *window = (now, 0);
            }
            window.1 += 1;
            let exceeded = window.1 > LIMIT;
            *self.refused.lock().unwrap() += u64::from(exceeded);
            let reset = (window.0 + time::Duration::minutes(1) - now).whole_seconds();
            let headers = [
                ("limit", LIMIT),
                ("remaining", LIMIT.saturating_sub(window.1)),
                ("reset", reset.unsigned_abs()),
            ];
            Ok(ApiResponse {
                status: if exceeded { 429 } else { 200 },
                headers: headers
                    .map(|(name, value)| (format!("x-ratelimit-{name}"), value.to_string()))
                    .to_vec(),
                ..ApiResponse::default()
            })
        }
    }

    async fn credential(engine: &Engine) -> Credential {
        let new = NewCredential::personal_token("ci", "5ec2e7aa-0000-4000-8000-00c0ffee0001");
        engine.credentials.add(new).await.unwrap()
    }

    fn options(method: HttpMethod) -> RequestOptions {
        RequestOptions {
            draft: RequestDraft::new(method, RequestTarget::parse("/rest/self").unwrap()),
            consent: WriteConsent::Given,
            history_policy: HistoryPolicy::WithoutBody,
            delivery: DeliveryOptions::default(),
        }
    }

    async fn send(engine: &Engine, credential: &Credential, method: HttpMethod) -> HttpExchange {
        engine.requests.send_and_record(credential, options(method), &|_| {}).await.unwrap()
    }

    #[tokio::test]
    async fn many_tasks_share_one_budget_and_none_is_refused() {
        let provider = Counting::new();
        let engine = provider.engine();
        let credential = credential(&engine).await;
        send(&engine, &credential, HttpMethod::Get).await;
        let sending = (0..12).map(|_| send(&engine, &credential, HttpMethod::Get));
        for exchange in futures::future::join_all(sending).await {
            assert_eq!(exchange.response.status, 200);
        }
        assert_eq!(*provider.refused.lock().unwrap(), 0);
    }

    #[tokio::test]
    async fn a_check_and_a_probe_spend_from_the_budget_of_the_console() {
        let provider = Counting::new();
        let engine = provider.engine();
        let credential = credential(&engine).await;
        engine.checks.check(&credential, &credential.region).await.unwrap();
        let key =
            RateLimitKey { credential: credential.id.clone(), region: credential.region.clone() };
        for _ in 1..LIMIT {
            assert_eq!(
                engine.requests.rate_limiter.try_acquire(&key, engine.clock.now()),
                None,
                "what the check left"
            );
        }
        let full = Some(Duration::from_secs(60));
        assert_eq!(
            engine.requests.rate_limiter.try_acquire(&key, engine.clock.now()),
            full,
            "the check is one of them"
        );
        send(&engine, &credential, HttpMethod::Get).await;
        engine.checks.check_all_regions(&credential, |_, _| {}).await.unwrap();
        assert_eq!(*provider.refused.lock().unwrap(), 0);
    }

    #[tokio::test]
    async fn a_check_is_sent_once_even_when_nothing_is_left() {
        let provider = Counting::new();
        let engine = provider.engine();
        let credential = credential(&engine).await;
        provider.window.lock().unwrap().1 = LIMIT;
        for refused in 1..=2 {
            let check = engine.checks.check(&credential, &credential.region).await.unwrap();
            assert_eq!((check.status, *provider.refused.lock().unwrap()), (Some(429), refused));
        }
        let start = time::macros::datetime!(2026-11-21 12:00 UTC);
        assert_eq!(provider.now(), start, "a minute is too long to wait");
    }

    #[tokio::test]
    async fn only_what_reads_is_sent_again() {
        let provider = Counting::new();
        provider.window.lock().unwrap().1 = LIMIT;
        let engine = provider.engine();
        let credential = credential(&engine).await;
        let refused = send(&engine, &credential, HttpMethod::Post).await;
        assert_eq!((refused.response.status, *provider.refused.lock().unwrap()), (429, 1));
        let waits = Mutex::new(Vec::new());
        let exchange = engine
            .requests
            .send_and_record(&credential, options(HttpMethod::Get), &|notice| {
                waits.lock().unwrap().push(notice.wait);
            })
            .await
            .unwrap();
        assert_eq!(
            (exchange.response.status, waits.into_inner().unwrap()),
            (200, vec![Duration::from_secs(60)])
        );
        assert_eq!(exchange.rate_limit.as_deref(), Some("9 of 10 left, resets in 60 s"));
    }
}
