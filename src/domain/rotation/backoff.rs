//! Backoff between retries of a rotation step: a pure function of the number of failures.
//!
//! [`BackoffPolicy::for_step`] chooses the policy of a step, [`BackoffPolicy::delay_after`]
//! computes the next delay. Waiting itself is the driver's task.

use std::time::Duration;

use crate::domain::strategy::RotationStep;

/// Delays that double from `initial_delay` to `max_delay` and stop when their sum would exceed
/// `max_total_delay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// Delay after the first failure.
    pub initial_delay: Duration,
    /// Longest single delay.
    pub max_delay: Duration,
    /// Upper limit for the sum of all delays.
    pub max_total_delay: Duration,
}

/// Backoff while a new secret is not accepted yet: a provider needs some seconds until all its
/// servers accept it.
pub(super) const ACCEPTANCE_BACKOFF: BackoffPolicy = BackoffPolicy {
    initial_delay: Duration::from_secs(1),
    max_delay: Duration::from_secs(15),
    max_total_delay: Duration::from_secs(120),
};

/// Backoff while a revoked secret still works: it may do so for as long as the provider's caches
/// live.
pub(super) const REVOCATION_BACKOFF: BackoffPolicy = BackoffPolicy {
    initial_delay: Duration::from_secs(1),
    max_delay: Duration::from_secs(30),
    max_total_delay: Duration::from_secs(600),
};

/// Backoff for any other temporary failure.
pub(super) const FAILURE_BACKOFF: BackoffPolicy = BackoffPolicy {
    initial_delay: Duration::from_secs(1),
    max_delay: Duration::from_secs(8),
    max_total_delay: Duration::from_secs(30),
};

impl BackoffPolicy {
    /// Returns the policy of a step.
    pub const fn for_step(step: &RotationStep) -> Self {
        match step {
            RotationStep::Verify => ACCEPTANCE_BACKOFF,
            RotationStep::VerifyRevoked => REVOCATION_BACKOFF,
            _ => FAILURE_BACKOFF,
        }
    }

    /// Returns the delay after this many failures in a row; `None` once the sum would exceed the
    /// limit.
    pub fn delay_after(self, failures: u32) -> Option<Duration> {
        let spent: Duration = (1..failures).map(|earlier| self.uncapped_total_delay(earlier)).sum();
        let wait = self.uncapped_total_delay(failures.max(1));
        (spent + wait <= self.max_total_delay).then_some(wait)
    }

    fn uncapped_total_delay(self, failures: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(failures.saturating_sub(1))
            .and_then(|factor| self.initial_delay.checked_mul(factor));
        doubled.map_or(self.max_delay, |wait| wait.min(self.max_delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_waited_for_as_long_as_providers_need() {
        let deadline = |step: RotationStep| BackoffPolicy::for_step(&step).max_total_delay;
        assert!(
            deadline(RotationStep::VerifyRevoked) > deadline(RotationStep::Verify),
            "caches outlive acceptance"
        );
        assert!(
            deadline(RotationStep::Verify) > deadline(RotationStep::Create),
            "other failures are reported sooner"
        );
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<u64> = (1..=6)
            .filter_map(|failures| ACCEPTANCE_BACKOFF.delay_after(failures))
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 15, 15]);
    }

    #[test]
    fn every_schedule_ends_within_its_deadline() {
        for schedule in [ACCEPTANCE_BACKOFF, REVOCATION_BACKOFF, FAILURE_BACKOFF] {
            let waits: Vec<Duration> =
                (1..).map_while(|failures| schedule.delay_after(failures)).collect();
            let all: Duration = waits.iter().sum();
            assert!(
                all <= schedule.max_total_delay
                    && all + schedule.max_delay > schedule.max_total_delay,
                "{schedule:?}: {all:?}"
            );
            assert_eq!(schedule.delay_after(u32::MAX / 1_000_000), None);
        }
    }
}
