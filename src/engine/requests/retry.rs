//! Which failed requests may be sent again, and after which wait.
//!
//! A request is repeated only where this cannot take effect twice: nothing was sent, the server said
//! that it did not handle it, or its method is idempotent. Start with [`decide`].

use std::time::Duration;

use super::access_tokens::SendError;
use super::pending_request::{PendingRequest, RateLimitPolicy};
use super::rate_limiter::is_rate_limited;
use super::redact_response::RawResponse;
use crate::domain::Timestamp;
use crate::net::{BodyFault, ConnectFailure, NetError};

/// Maximum number of attempts of a read-only request without a number of its own.
const MAX_READ_ATTEMPTS: u32 = 3;

/// Wait before the first repetition; every further one waits twice as long.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// Maximum wait before a repetition.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// Whether and when a request is sent again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RetryDecision {
    /// Not at all.
    Final,
    /// As soon as the rate limit allows it; the server named the time.
    WhenQuotaAllows,
    /// After a wait, for this reason.
    AfterBackoff(String),
}

/// Returns the maximum number of attempts of a request.
pub(super) fn max_attempts(request: &PendingRequest<'_>) -> u32 {
    match (request.delivery.retries, request.rate_limit) {
        (Some(retries), _) => retries.saturating_add(1),
        (None, RateLimitPolicy::WaitForReset(_)) if request.draft.is_safe() => MAX_READ_ATTEMPTS,
        (None, _) => 1,
    }
}

/// Decides whether a request is sent again after this result.
pub(super) fn decide(
    request: &PendingRequest<'_>,
    result: &Result<RawResponse, SendError>,
    now: Timestamp,
) -> RetryDecision {
    let (wanted, repeatable) = (request.delivery.retries.is_some(), request.draft.is_idempotent());
    match result {
        Ok(raw) if is_rate_limited(&raw.response, now) => RetryDecision::WhenQuotaAllows,
        Ok(raw) if wanted && repeatable && is_temporary(raw.response.status) => {
            RetryDecision::AfterBackoff(format!(
                "the server responded with {}",
                raw.response.status
            ))
        }
        Err(SendError::Net(error)) if wanted && may_repeat_after(error, repeatable) => {
            RetryDecision::AfterBackoff(error.to_string())
        }
        _ => RetryDecision::Final,
    }
}

/// Returns the wait after this attempt, counted from 1.
pub(super) fn backoff(attempt: u32) -> Duration {
    FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(attempt - 1)).min(MAX_BACKOFF)
}

/// Returns whether the status says that the same request may succeed later.
fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 425 | 500 | 502 | 503 | 504)
}

/// Returns whether a request may be repeated after an error: always where nothing was sent, else if
/// it is idempotent. A certificate that is not trusted stays so.
fn may_repeat_after(error: &NetError, repeatable: bool) -> bool {
    match error {
        NetError::NoConnection { failure, .. } => *failure != ConnectFailure::Tls,
        NetError::TimedOut { .. }
        | NetError::ConnectionLost { .. }
        | NetError::IncompleteBody { fault: BodyFault::Ended, .. } => repeatable,
        NetError::IncompleteBody { fault: BodyFault::Damaged, .. }
        | NetError::InvalidHead { .. }
        | NetError::BodyNotWritten(_)
        | NetError::OriginNotAllowed(_)
        | NetError::TooManyRedirects { .. }
        | NetError::UnsafeRedirect { .. }
        | NetError::InvalidRequest(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::*;
    use crate::config::Settings;
    use crate::database::Database;
    use crate::domain::Problem;
    use crate::domain::provider::ProviderCatalog;
    use crate::domain::request::{HttpMethod, RequestDraft, RequestTarget};
    use crate::domain::response::ApiResponse;
    use crate::engine::credential_changes::NewCredential;
    use crate::engine::requests::history::HistoryPolicy;
    use crate::engine::requests::http_exchange::{
        DeliveryOptions, HttpExchange, RequestOptions, WriteConsent,
    };
    use crate::engine::{Clock, Engine, EngineDependencies, EngineOptions};
    use crate::net::{OutgoingRequest, Transport};
    use crate::store::MemoryStore;

    /// Result of one attempt: a status with the value of `Retry-After`, or an error.
    type AttemptResult = Result<(u16, Option<&'static str>), NetError>;

    /// Server that gives one result after the other, and clock that advances only when a task
    /// sleeps.
    struct ScriptedServer {
        now: Mutex<Timestamp>,
        results: Mutex<VecDeque<AttemptResult>>,
        sent: Mutex<u32>,
    }

    #[async_trait]
    impl Clock for ScriptedServer {
        fn now(&self) -> Timestamp {
            *self.now.lock().unwrap()
        }

        async fn sleep(&self, time: Duration) {
            *self.now.lock().unwrap() += time;
        }
    }

    #[async_trait]
    impl Transport for ScriptedServer {
        async fn send(&self, _: OutgoingRequest) -> Result<ApiResponse, NetError> {
            *self.sent.lock().unwrap() += 1;
            let result = self.results.lock().unwrap().pop_front();
            let Some(result) = result else { return std::future::pending().await };
            let (status, retry_after) = result?;
            let headers = retry_after.map(|value| ("retry-after".to_owned(), value.to_owned()));
            Ok(ApiResponse {
                status,
                headers: headers.into_iter().collect(),
                ..ApiResponse::default()
            })
        }
    }

    /// Sends a request; returns the result, the number of attempts, and the seconds waited.
    async fn send(
        draft: RequestDraft,
        delivery: DeliveryOptions,
        results: &[AttemptResult],
    ) -> (Result<HttpExchange, Problem>, u32, i64) {
        let start = time::macros::datetime!(2026-11-21 12:00 UTC);
        let server = Arc::new(ScriptedServer {
            now: Mutex::new(start),
            results: Mutex::new(results.iter().cloned().collect()),
            sent: Mutex::new(0),
        });
        let ports = EngineDependencies {
            catalog: Arc::new(ProviderCatalog::builtin()),
            database: Arc::new(Database::in_memory().unwrap()),
            store: Arc::new(MemoryStore::new()),
            transport: Arc::clone(&server) as _,
            clock: Arc::clone(&server) as _,
        };
        let engine = Engine::new(ports, EngineOptions::from(&Settings::default()));
        let new = NewCredential::personal_token("ci", "5ec2e7aa-0000-4000-8000-00c0ffee0001");
        let credential = engine.credentials.add(new).await.unwrap();
        let options = RequestOptions {
            draft,
            consent: WriteConsent::Given,
            history_policy: HistoryPolicy::WithoutBody,
            delivery,
        };
        let result = engine.requests.send_and_record(&credential, options, &|_| {}).await;
        let (sent, now) = (*server.sent.lock().unwrap(), server.now());
        (result, sent, (now - start).whole_seconds())
    }

    fn draft(method: HttpMethod) -> RequestDraft {
        RequestDraft::new(method, RequestTarget::parse("/rest/self").unwrap())
    }

    fn no_connection(failure: ConnectFailure) -> AttemptResult {
        let (host, why) = ("h".to_owned(), "w".to_owned());
        Err(NetError::NoConnection { host, failure, why })
    }

    fn lost() -> AttemptResult {
        Err(NetError::ConnectionLost { host: "h".to_owned(), why: "w".to_owned() })
    }

    #[tokio::test]
    async fn a_request_is_repeated_only_where_it_cannot_take_effect_twice() {
        use HttpMethod::{Delete, Get, Patch, Post, Put};
        let status = |status| Ok((status, None));
        let refused = || no_connection(ConnectFailure::Refused);
        for (method, retries, results, attempts) in [
            (Get, Some(2), vec![refused(), status(200)], 2),
            (Post, Some(2), vec![refused(), refused(), status(200)], 3),
            (Post, Some(1), vec![refused(), refused(), status(200)], 2),
            (Get, None, vec![refused(), status(200)], 1),
            (Get, Some(3), vec![no_connection(ConnectFailure::Tls), status(200)], 1),
            (Post, Some(2), vec![lost(), status(200)], 1),
            (Patch, Some(2), vec![lost(), status(200)], 1),
            (Put, Some(2), vec![lost(), status(200)], 2),
            (Delete, Some(2), vec![status(502), status(204)], 2),
            (Post, Some(2), vec![status(503), status(200)], 1),
            (Post, Some(2), vec![Ok((503, Some("3"))), status(200)], 2),
            (Post, Some(2), vec![Ok((429, Some("3"))), status(200)], 2),
            (Post, None, vec![Ok((429, Some("3"))), status(200)], 1),
            (Get, None, vec![Ok((429, Some("3"))), status(200)], 2),
            (Get, Some(0), vec![Ok((429, Some("3"))), status(200)], 1),
            (Get, None, vec![status(500), status(200)], 1),
            (Get, Some(2), vec![status(500), status(408), status(504), status(200)], 3),
            (Get, Some(2), vec![status(404), status(200)], 1),
        ] {
            let delivery = DeliveryOptions { retries, timeout: None };
            let (_, sent, _) = send(draft(method), delivery, &results).await;
            assert_eq!(sent, attempts, "{method} {retries:?} {results:?}");
        }
        let delivery = DeliveryOptions { retries: Some(2), timeout: None };
        let overridden = RequestDraft {
            headers: vec![("x-http-method".to_owned(), "POST".to_owned())],
            ..draft(Put)
        };
        assert_eq!(send(overridden, delivery, &[lost(), status(200)]).await.1, 1);
    }

    #[tokio::test]
    async fn the_waits_grow_and_the_last_result_is_returned() {
        let delivery = DeliveryOptions { retries: Some(2), timeout: None };
        let results = [Ok((500, None)), Ok((502, None)), Ok((504, None))];
        let (result, _, waited) = send(draft(HttpMethod::Get), delivery, &results).await;
        assert_eq!(result.map(|exchange| exchange.response.status).ok(), Some(504));
        assert_eq!(waited, 3, "one second, then two");
        assert_eq!(backoff(100), MAX_BACKOFF);
        let (_, sent, waited) =
            send(draft(HttpMethod::Get), delivery, &[Ok((503, Some("7"))), Ok((200, None))]).await;
        assert_eq!((sent, waited), (2, 7), "the wait is that of the server");
    }

    #[tokio::test]
    async fn nothing_waits_beyond_the_deadline() {
        let timeout = Some(Duration::from_millis(20));
        let delivery = DeliveryOptions { retries: Some(5), timeout };
        let (result, sent, waited) =
            send(draft(HttpMethod::Get), delivery, &[Ok((500, None))]).await;
        assert_eq!(result.map(|exchange| exchange.response.status).ok(), Some(500));
        assert_eq!((sent, waited), (1, 0), "the backoff is longer than the deadline");
        let silent = send(draft(HttpMethod::Get), delivery, &[]).await.0.unwrap_err();
        assert!(silent.why.contains("within 0.02 s"), "{}", silent.why);
    }
}
