//! Rate limiter: how many requests a credential has left, shared by all tasks of the process.
//!
//! A provider counts everything that uses a token. So before a task sends, it takes its share of
//! what the latest responses left; when nothing is left, it waits for the next window instead of
//! being refused. Start with `RateLimiter::try_acquire`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::rate_limit::RateLimit;
use crate::domain::region::Region;
use crate::domain::response::ApiResponse;
use crate::domain::{Credential, CredentialId, Timestamp};

/// How long to wait after a refusal that names no time.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(2);

/// Maximum wait. Longer waits mean the same ("not now"), and the limit keeps times from
/// overflowing.
const MAX_WINDOW_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Remaining quotas of this run, by credential and region.
#[derive(Default)]
pub(in crate::engine) struct RateLimiter(Mutex<HashMap<RateLimitKey, RemainingQuota>>);

/// Key of a quota: which requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::engine) struct RateLimitKey {
    /// The credential.
    pub(in crate::engine) credential: CredentialId,
    /// The id of the region, since each region counts separately.
    pub(in crate::engine) region: String,
}

/// Remaining quota of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct RemainingQuota {
    /// Number of requests that may still be sent, if known.
    remaining: Option<u64>,
    /// When the quota is full again.
    resets_at: Option<Timestamp>,
    /// Until when the server accepts no requests.
    blocked_until: Option<Timestamp>,
}

impl RateLimitKey {
    /// Returns the key of a credential in a region.
    pub(in crate::engine) fn for_credential(credential: &Credential, region: &Region) -> Self {
        Self { credential: credential.id.clone(), region: region.id.clone() }
    }
}

impl RateLimiter {
    /// Takes one request from the quota, or returns how long to wait before the next attempt.
    pub(in crate::engine) fn try_acquire(
        &self,
        key: &RateLimitKey,
        now: Timestamp,
    ) -> Option<Duration> {
        self.with_quota(key, |quota| quota.try_acquire(now))
    }

    /// Updates the quota from a response.
    pub(in crate::engine) fn update_from_response(
        &self,
        key: &RateLimitKey,
        response: &ApiResponse,
        now: Timestamp,
    ) {
        self.with_quota(key, |quota| quota.update_from_response(response, now));
    }

    fn with_quota<T>(&self, key: &RateLimitKey, work: impl FnOnce(&mut RemainingQuota) -> T) -> T {
        let mut quotas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(quotas.entry(key.clone()).or_default())
    }
}

impl RemainingQuota {
    fn try_acquire(&mut self, now: Timestamp) -> Option<Duration> {
        if let Some(closed) = self.blocked_until.filter(|closed| *closed > now) {
            return Some(duration_until(now, closed));
        }
        self.reset_if_expired(now);
        match (self.remaining, self.resets_at) {
            (Some(0), Some(full)) => return Some(duration_until(now, full)),
            (Some(left), _) => self.remaining = Some(left.saturating_sub(1)),
            (None, _) => {}
        }
        None
    }

    fn update_from_response(&mut self, response: &ApiResponse, now: Timestamp) {
        let limit = RateLimit::from_response(response, now);
        if is_rate_limited(response, now) {
            let until = add_capped(now, limit.wait_time().unwrap_or(DEFAULT_RETRY_AFTER));
            self.blocked_until = self.blocked_until.max(Some(until));
        }
        if let Some(left) = limit.tightest_window().and_then(|quota| quota.remaining) {
            self.reset_if_expired(now);
            // Other requests may be in flight that this response did not count yet, so within a
            // window the quota only shrinks.
            self.remaining = Some(
                self.remaining
                    .filter(|_| self.resets_at.is_some())
                    .map_or(left, |known| known.min(left)),
            );
            let full_at = limit
                .tightest_window()
                .and_then(|quota| quota.reset)
                .map(|reset| add_capped(now, reset));
            self.resets_at = self.resets_at.or(full_at);
        }
    }

    fn reset_if_expired(&mut self, now: Timestamp) {
        if self.resets_at.is_some_and(|full| full <= now) {
            (self.remaining, self.resets_at) = (None, None);
        }
    }
}

/// Returns whether a response is a temporary refusal that passes after a while.
pub(in crate::engine) fn is_rate_limited(response: &ApiResponse, now: Timestamp) -> bool {
    response.status == 429
        || response.status == 503 && RateLimit::from_response(response, now).retry_after.is_some()
}

fn add_capped(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(time::Duration::try_from(wait.min(MAX_WINDOW_WAIT)).unwrap_or_default())
        .unwrap_or(now)
}

fn duration_until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then - now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: Timestamp = datetime!(2026-11-21 12:00 UTC);

    fn response(status: u16, headers: &[(&str, &str)]) -> ApiResponse {
        ApiResponse {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..ApiResponse::default()
        }
    }

    fn left(left: &str, reset: &str) -> ApiResponse {
        response(
            200,
            &[
                ("x-ratelimit-limit", "5, 5;w=10"),
                ("x-ratelimit-remaining", left),
                ("x-ratelimit-reset", reset),
            ],
        )
    }

    fn key(region: &str) -> RateLimitKey {
        RateLimitKey { credential: CredentialId::from_random([7; 16]), region: region.to_owned() }
    }

    fn after(seconds: i64) -> Timestamp {
        NOW + time::Duration::seconds(seconds)
    }

    #[test]
    fn what_is_left_is_shared_and_then_waited_for() {
        let (limiter, here) = (RateLimiter::default(), key("EU"));
        assert_eq!(limiter.try_acquire(&here, NOW), None);
        limiter.update_from_response(&here, &left("2", "10"), NOW);
        assert_eq!(
            [limiter.try_acquire(&here, NOW), limiter.try_acquire(&here, NOW)],
            [None, None]
        );
        // A response to the first of the two does not return what the second took.
        limiter.update_from_response(&here, &left("1", "10"), NOW);
        assert_eq!(limiter.try_acquire(&here, after(4)), Some(Duration::from_secs(6)));
        assert_eq!(
            limiter.try_acquire(&key("US"), after(4)),
            None,
            "another region has its own quota"
        );
        assert_eq!(limiter.try_acquire(&here, after(10)), None);
    }

    #[test]
    fn a_refusal_blocks_all_tasks() {
        let (limiter, here) = (RateLimiter::default(), key("EU"));
        limiter.update_from_response(&here, &response(429, &[("retry-after", "45")]), NOW);
        limiter.update_from_response(&here, &response(429, &[("retry-after", "3")]), NOW);
        assert_eq!(limiter.try_acquire(&here, after(5)), Some(Duration::from_secs(40)));
        assert_eq!(limiter.try_acquire(&here, after(45)), None);
        limiter.update_from_response(&here, &response(429, &[]), after(50));
        assert_eq!(limiter.try_acquire(&here, after(50)), Some(DEFAULT_RETRY_AFTER));
    }

    #[test]
    fn only_refusals_that_pass_are_worth_another_try() {
        for (status, headers, again) in [
            (429, &[][..], true),
            (503, &[("retry-after", "1")], true),
            (503, &[], false),
            (500, &[("retry-after", "1")], false),
            (401, &[], false),
            (200, &[("retry-after", "9")], false),
        ] {
            assert_eq!(
                is_rate_limited(&response(status, headers), NOW),
                again,
                "{status} {headers:?}"
            );
        }
    }

    #[test]
    fn odd_headers_neither_block_for_ever_nor_panic() {
        let (limiter, here) = (RateLimiter::default(), key("EU"));
        let end = u64::MAX.to_string();
        limiter.update_from_response(&here, &response(429, &[("retry-after", "999999999")]), NOW);
        assert!(limiter.try_acquire(&here, NOW) <= Some(MAX_WINDOW_WAIT));
        limiter.update_from_response(
            &here,
            &response(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &end)]),
            after(100_000),
        );
        assert!(limiter.try_acquire(&here, after(100_000)) <= Some(MAX_WINDOW_WAIT));
        let unknown = key("US");
        limiter.update_from_response(
            &unknown,
            &response(200, &[("x-ratelimit-remaining", "0")]),
            NOW,
        );
        assert_eq!(limiter.try_acquire(&unknown, NOW), None, "no reset time is known");
    }
}
