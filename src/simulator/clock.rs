//! Simulated time: the real clock or a frozen one, both of which can be advanced, and the validity
//! period of a secret.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since the Unix epoch.
pub(super) type UnixMillis = i64;

pub(super) const MILLIS_PER_SECOND: UnixMillis = 1_000;
pub(super) const MILLIS_PER_DAY: UnixMillis = 86_400 * MILLIS_PER_SECOND;

/// Clock of all simulated providers. Clones share it.
#[derive(Clone, Debug)]
pub struct SimulatedClock {
    frozen: Option<UnixMillis>,
    advanced: Arc<AtomicI64>,
}

impl SimulatedClock {
    /// Returns the machine's own clock.
    pub fn system() -> Self {
        Self { frozen: None, advanced: Arc::default() }
    }

    /// Returns a clock that starts at `start` and moves only by [`SimulatedClock::advance`].
    pub fn frozen(start: OffsetDateTime) -> Self {
        Self { frozen: Some(unix_millis(start)), advanced: Arc::default() }
    }

    /// Advances the time for all clones of this clock.
    pub fn advance(&self, by: Duration) {
        let by = UnixMillis::try_from(by.as_millis()).unwrap_or(UnixMillis::MAX);
        self.advanced.fetch_add(by, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> UnixMillis {
        let base = self.frozen.unwrap_or_else(|| unix_millis(OffsetDateTime::now_utc()));
        base.saturating_add(self.advanced.load(Ordering::Relaxed))
    }

    /// Returns the current time in the format of the `Date` header.
    pub(super) fn http_date(&self) -> String {
        let since = Duration::from_millis(u64::try_from(self.now()).unwrap_or_default());
        httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since)
    }

    /// Returns midnight UTC of the current day, the origin of every seeded date.
    pub(super) fn midnight(&self) -> UnixMillis {
        self.now().div_euclid(MILLIS_PER_DAY) * MILLIS_PER_DAY
    }
}

impl Default for SimulatedClock {
    fn default() -> Self {
        Self::system()
    }
}

/// Time of one request, with the delays at which the provider's writes take effect (see the fault
/// knobs).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RequestInstant {
    pub(super) now: UnixMillis,
    /// How long a new secret is still refused.
    pub(super) activation_delay: UnixMillis,
    /// How long a revoked secret is still accepted.
    pub(super) revocation_delay: UnixMillis,
    /// Whether rate limits refuse requests or only count them.
    pub(super) limits_enforced: bool,
}

/// Period in which a secret is accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValidityPeriod {
    from: UnixMillis,
    until: UnixMillis,
}

impl ValidityPeriod {
    pub(super) fn starting_at(at: RequestInstant) -> Self {
        Self { from: at.now.saturating_add(at.activation_delay), until: UnixMillis::MAX }
    }

    pub(super) fn until(self, end: UnixMillis) -> Self {
        Self { until: self.until.min(end), ..self }
    }

    pub(super) fn revoke(&mut self, at: RequestInstant) {
        self.until = self.until.min(at.now.saturating_add(at.revocation_delay));
    }

    pub(super) fn is_valid_at(&self, now: UnixMillis) -> bool {
        self.from <= now && now < self.until
    }

    /// Returns whether the period has no end.
    pub(super) fn has_no_end(&self) -> bool {
        self.until == UnixMillis::MAX
    }

    /// Returns whether the period has ended. A secret that is not accepted yet has not ended: it
    /// still counts as live.
    pub(super) fn has_ended(&self, now: UnixMillis) -> bool {
        self.until <= now
    }
}

/// Formats a time as RFC 3339 in UTC with whole seconds, as all simulated providers do.
pub(super) fn format_rfc3339(at: UnixMillis) -> String {
    OffsetDateTime::from_unix_timestamp(at.div_euclid(MILLIS_PER_SECOND))
        .ok()
        .and_then(|date| date.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Parses an RFC 3339 date.
pub(super) fn parse_rfc3339(text: &str) -> Option<UnixMillis> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(unix_millis)
}

fn unix_millis(date: OffsetDateTime) -> UnixMillis {
    UnixMillis::try_from(date.unix_timestamp_nanos() / 1_000_000).unwrap_or(UnixMillis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_secret_is_neither_accepted_nor_expired() {
        let validity = ValidityPeriod::starting_at(RequestInstant {
            now: 10,
            activation_delay: 5,
            ..RequestInstant::default()
        });
        assert!(!validity.is_valid_at(14) && !validity.has_ended(14));
        assert!(validity.is_valid_at(15));
    }

    #[test]
    fn a_revoked_secret_lingers_as_long_as_configured() {
        let mut validity = ValidityPeriod::starting_at(RequestInstant::default());
        validity.revoke(RequestInstant {
            now: 10,
            revocation_delay: 5,
            ..RequestInstant::default()
        });
        assert!(validity.is_valid_at(14) && !validity.is_valid_at(15) && validity.has_ended(15));
    }

    #[test]
    fn a_frozen_clock_moves_only_when_advanced() {
        let clock = SimulatedClock::frozen(OffsetDateTime::UNIX_EPOCH);
        clock.clone().advance(Duration::from_millis(MILLIS_PER_DAY.unsigned_abs() + 7));
        assert_eq!((clock.now(), clock.midnight()), (MILLIS_PER_DAY + 7, MILLIS_PER_DAY));
        assert_eq!(format_rfc3339(clock.now()), "1970-01-02T00:00:00Z");
        assert_eq!(parse_rfc3339("1970-01-02T00:00:00Z"), Some(MILLIS_PER_DAY));
    }
}
