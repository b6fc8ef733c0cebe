//! Simulated time: the real clock or a frozen one, both of which can be moved forward, and how long a secret lives in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since the Unix epoch.
pub(super) type Millis = i64;

pub(super) const SECOND: Millis = 1_000;
pub(super) const DAY: Millis = 86_400 * SECOND;

/// The time every simulated provider lives in. Clones share it.
#[derive(Clone, Debug)]
pub struct Clock {
    frozen: Option<Millis>,
    advanced: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self { frozen: None, advanced: Arc::default() }
    }

    /// A clock that stands at `start` and moves only by [`Clock::advance`].
    pub fn frozen(start: OffsetDateTime) -> Self {
        Self { frozen: Some(millis(start)), advanced: Arc::default() }
    }

    /// Moves the time forward for everybody who shares this clock.
    pub fn advance(&self, by: Duration) {
        let by = Millis::try_from(by.as_millis()).unwrap_or(Millis::MAX);
        self.advanced.fetch_add(by, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Millis {
        let base = self.frozen.unwrap_or_else(|| millis(OffsetDateTime::now_utc()));
        base.saturating_add(self.advanced.load(Ordering::Relaxed))
    }

    /// Now, as an answer's `Date` says it.
    pub(super) fn http_date(&self) -> String {
        let since = Duration::from_millis(u64::try_from(self.now()).unwrap_or_default());
        httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since)
    }

    /// Midnight UTC of the current day: the origin of every seeded date.
    pub(super) fn midnight(&self) -> Millis {
        self.now().div_euclid(DAY) * DAY
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// The instant of one request, with how slowly the provider settles its writes just now (see the fault knobs).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment {
    pub(super) now: Millis,
    /// How long a fresh secret is still refused.
    pub(super) settling: Millis,
    /// How long a revoked secret is still accepted.
    pub(super) lingering: Millis,
    /// Whether rate limits refuse or are only counted.
    pub(super) limits_bind: bool,
}

/// From when until when a secret is accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    from: Millis,
    until: Millis,
}

impl Life {
    pub(super) fn starting(at: Moment) -> Self {
        Self { from: at.now.saturating_add(at.settling), until: Millis::MAX }
    }

    pub(super) fn until(self, end: Millis) -> Self {
        Self { until: self.until.min(end), ..self }
    }

    pub(super) fn end(&mut self, at: Moment) {
        self.until = self.until.min(at.now.saturating_add(at.lingering));
    }

    pub(super) fn holds(&self, now: Millis) -> bool {
        self.from <= now && now < self.until
    }

    /// Nobody has set an end to it.
    pub(super) fn is_endless(&self) -> bool {
        self.until == Millis::MAX
    }

    /// A secret that is not accepted yet is not over: it still has to be accounted for.
    pub(super) fn is_over(&self, now: Millis) -> bool {
        self.until <= now
    }
}

/// RFC 3339 in UTC with whole seconds, as all simulated providers write dates.
pub(super) fn rfc3339(at: Millis) -> String {
    OffsetDateTime::from_unix_timestamp(at.div_euclid(SECOND))
        .ok()
        .and_then(|date| date.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Reads an RFC 3339 date.
pub(super) fn parse_rfc3339(text: &str) -> Option<Millis> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(millis)
}

fn millis(date: OffsetDateTime) -> Millis {
    Millis::try_from(date.unix_timestamp_nanos() / 1_000_000).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settling_secret_is_neither_accepted_nor_over() {
        let life = Life::starting(Moment { now: 10, settling: 5, ..Moment::default() });
        assert!(!life.holds(14) && !life.is_over(14));
        assert!(life.holds(15));
    }

    #[test]
    fn a_revoked_secret_lingers_as_long_as_it_is_told() {
        let mut life = Life::starting(Moment::default());
        life.end(Moment { now: 10, lingering: 5, ..Moment::default() });
        assert!(life.holds(14) && !life.holds(15) && life.is_over(15));
    }

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = Clock::frozen(OffsetDateTime::UNIX_EPOCH);
        clock.clone().advance(Duration::from_millis(DAY.unsigned_abs() + 7));
        assert_eq!((clock.now(), clock.midnight()), (DAY + 7, DAY));
        assert_eq!(rfc3339(clock.now()), "1970-01-02T00:00:00Z");
        assert_eq!(parse_rfc3339("1970-01-02T00:00:00Z"), Some(DAY));
    }
}
