//! Rate-limited sending with retries: within the credential's quota, and again after a temporary
//! refusal.
//!
//! Only read-only requests are sent again. A refused request that changes something is left to the
//! user. Start with `send_rate_limited`; `rate_limiter` counts the quota.

use std::sync::Arc;
use std::time::Duration;

use super::access_tokens::SendError;
use super::rate_limiter::{RateLimitKey, is_rate_limited};
use super::redact_response::RawResponse;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::rate_limit;
use crate::domain::region::Region;
use crate::domain::request::RequestDraft;
use crate::domain::response::ApiResponse;
use crate::domain::{Credential, Secret};
use crate::engine::Engine;
use crate::engine::credentials::random_bytes;
use crate::net::{NetError, OutgoingRequest};

/// Maximum number of attempts of a read-only request.
const MAX_READ_ATTEMPTS: u32 = 3;

/// Maximum time that one request waits for the rate limit, all waits together. Snyk's window is a
/// minute.
const MAX_RATE_LIMIT_WAIT: Duration = Duration::from_secs(120);

/// Maximum wait if many others wait for the outcome: a check, a probe, a step of a rotation.
const MAX_CHECK_WAIT: Duration = Duration::from_secs(5);

/// Longer waits get no more jitter than this.
const MAX_JITTERED_WAIT: Duration = Duration::from_secs(16);

impl Engine {
    /// Sends a draft when the credential's quota allows it; uses `secret` if it was already read.
    /// `on_wait` is called before every wait.
    pub(in crate::engine) async fn send_rate_limited(
        &self,
        credential: &Credential,
        secret: Option<Arc<Secret>>,
        region: &Region,
        draft: &RequestDraft,
        on_wait: &(dyn Fn(Duration) + Sync),
    ) -> Result<RawResponse, SendError> {
        let key = RateLimitKey::for_credential(credential, region);
        let mut attempts = if draft.is_safe() { MAX_READ_ATTEMPTS } else { 1 };
        let mut remaining_wait = MAX_RATE_LIMIT_WAIT;
        let mut refused = None;
        loop {
            while let Some(wait) = self.rate_limiter.try_acquire(&key, self.now()) {
                if wait > remaining_wait {
                    return refused.ok_or_else(|| quota_exhausted(wait).into());
                }
                remaining_wait -= wait;
                on_wait(wait);
                self.clock.sleep(wait + jitter(wait)?).await;
            }
            let (secret, limits) = (secret.clone(), self.options.limits);
            let raw = self.send_with_secret(credential, region, draft, secret, limits).await?;
            attempts -= 1;
            if attempts == 0 || !is_rate_limited(&raw.response, self.now()) {
                return Ok(raw);
            }
            refused = Some(raw);
        }
    }

    /// Sends a request once and counts it. Every sender (console, check, probe, rotation) uses the
    /// same quota and updates it for all the others.
    pub(in crate::engine) async fn send_once(
        &self,
        credential: &Credential,
        region: &Region,
        outgoing: OutgoingRequest,
    ) -> Result<ApiResponse, NetError> {
        let response = self.transport.send(outgoing).await?;
        self.rate_limiter.update_from_response(
            &RateLimitKey::for_credential(credential, region),
            &response,
            self.now(),
        );
        Ok(response)
    }

    /// Waits briefly if the credential's quota is used up. If the wait would be longer, the request
    /// is sent anyway, because the caller needs some response: a refusal for that reason is one
    /// too.
    pub(in crate::engine) async fn wait_for_quota(
        &self,
        credential: &Credential,
        region: &Region,
    ) -> Result<(), Problem> {
        match self
            .rate_limiter
            .try_acquire(&RateLimitKey::for_credential(credential, region), self.now())
        {
            Some(wait) if wait <= MAX_CHECK_WAIT => self.clock.sleep(wait + jitter(wait)?).await,
            _ => {}
        }
        Ok(())
    }
}

/// Returns a random extra wait of up to an eighth, so that tasks that waited for the same moment do
/// not return all at once.
pub(in crate::engine) fn jitter(wait: Duration) -> Result<Duration, Problem> {
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
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::*;
    use crate::config::Settings;
    use crate::domain::provider::ProviderCatalog;
    use crate::domain::request::{HttpMethod, RequestTarget};
    use crate::domain::response::{RequestTiming, ResponseBody};
    use crate::domain::{CredentialName, Secret, Timestamp};
    use crate::engine::task_protocol::{
        HistoryPolicy, NewCredential, RequestOptions, WriteConsent,
    };
    use crate::engine::{Clock, EngineDependencies, EngineOptions};
    use crate::index::Database;
    use crate::net::Transport;
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
                body: ResponseBody::Empty,
                timing: RequestTiming::default(),
                size: 0,
                truncated: false,
                url: String::new(),
                version: String::new(),
            })
        }
    }

    async fn credential(engine: &Engine) -> Credential {
        let new = NewCredential {
            name: CredentialName::parse("ci").unwrap(),
            provider: "snyk".to_owned(),
            kind: "personal-token".to_owned(),
            region: "SNYK-EU-01".to_owned(),
            fields: BTreeMap::new(),
            labels: Vec::new(),
            secret: Arc::new(Secret::from_text("5ec2e7aa-0000-4000-8000-00c0ffee0001".to_owned())),
            parts: BTreeMap::new(),
            expires: None,
        };
        engine.add_credential(new).await.unwrap()
    }

    fn draft(method: HttpMethod) -> RequestDraft {
        RequestDraft::new(method, RequestTarget::parse("/rest/self").unwrap())
    }

    #[tokio::test]
    async fn many_tasks_share_one_budget_and_none_is_refused() {
        let provider = Counting::new();
        let engine = provider.engine();
        let credential = credential(&engine).await;
        engine
            .send_request(&credential, draft(HttpMethod::Get), WriteConsent::NotAsked)
            .await
            .unwrap();
        let sending = (0..12).map(|_| {
            engine.send_request(&credential, draft(HttpMethod::Get), WriteConsent::NotAsked)
        });
        for exchange in futures::future::join_all(sending).await {
            assert_eq!(exchange.unwrap().response.status, 200);
        }
        assert_eq!(*provider.refused.lock().unwrap(), 0);
    }

    #[tokio::test]
    async fn a_check_and_a_probe_spend_from_the_budget_of_the_console() {
        let provider = Counting::new();
        let engine = provider.engine();
        let credential = credential(&engine).await;
        engine.check(&credential, &credential.region).await.unwrap();
        let key =
            RateLimitKey { credential: credential.id.clone(), region: credential.region.clone() };
        for _ in 1..LIMIT {
            assert_eq!(
                engine.rate_limiter.try_acquire(&key, engine.now()),
                None,
                "what the check left"
            );
        }
        let full = Some(Duration::from_secs(60));
        assert_eq!(
            engine.rate_limiter.try_acquire(&key, engine.now()),
            full,
            "the check is one of them"
        );
        engine
            .send_request(&credential, draft(HttpMethod::Get), WriteConsent::NotAsked)
            .await
            .unwrap();
        engine.check_all_regions(&credential, |_, _| {}).await.unwrap();
        assert_eq!(*provider.refused.lock().unwrap(), 0);
    }

    #[tokio::test]
    async fn only_what_reads_is_sent_again() {
        let provider = Counting::new();
        provider.window.lock().unwrap().1 = LIMIT;
        let engine = provider.engine();
        let credential = credential(&engine).await;
        let refused = engine
            .send_request(&credential, draft(HttpMethod::Post), WriteConsent::Given)
            .await
            .unwrap();
        assert_eq!((refused.response.status, *provider.refused.lock().unwrap()), (429, 1));
        let waits = Mutex::new(Vec::new());
        let options = RequestOptions {
            draft: draft(HttpMethod::Get),
            consent: WriteConsent::NotAsked,
            history_policy: HistoryPolicy::WithoutBody,
        };
        let exchange = engine
            .send_and_record(&credential, options, &|wait| waits.lock().unwrap().push(wait))
            .await
            .unwrap();
        assert_eq!(
            (exchange.response.status, waits.into_inner().unwrap()),
            (200, vec![Duration::from_secs(60)])
        );
        assert_eq!(exchange.rate_limit.as_deref(), Some("9 of 10 left, resets in 60 s"));
    }
}
