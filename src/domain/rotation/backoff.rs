//! How long to wait before trying again: a pure function of how often it has failed.

use std::time::Duration;

use super::step::Step;

/// Waits that double from `first` to `longest` and end when they add up to more than `deadline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// The most that all waits together may take.
    pub deadline: Duration,
}

/// A provider takes some seconds until every part of it accepts a new secret.
pub(super) const ACCEPTANCE: Schedule =
    Schedule { first: Duration::from_secs(1), longest: Duration::from_secs(15), deadline: Duration::from_secs(120) };

/// A revoked secret may work on for as long as the provider's caches live.
pub(super) const DEATH: Schedule =
    Schedule { first: Duration::from_secs(1), longest: Duration::from_secs(30), deadline: Duration::from_secs(600) };

/// Anything else that failed for the moment.
pub(super) const TROUBLE: Schedule =
    Schedule { first: Duration::from_secs(1), longest: Duration::from_secs(8), deadline: Duration::from_secs(30) };

impl Schedule {
    /// The schedule of a step.
    pub const fn of(step: &Step) -> Self {
        match step {
            Step::Verify => ACCEPTANCE,
            Step::ProveDead => DEATH,
            _ => TROUBLE,
        }
    }

    /// How long to wait after so many failures in a row; `None` once the deadline would pass.
    pub fn delay(self, failures: u32) -> Option<Duration> {
        let spent: Duration = (1..failures).map(|earlier| self.wait(earlier)).sum();
        let wait = self.wait(failures.max(1));
        (spent + wait <= self.deadline).then_some(wait)
    }

    fn wait(self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).and_then(|factor| self.first.checked_mul(factor));
        doubled.map_or(self.longest, |wait| wait.min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_waited_for_as_long_as_providers_need() {
        let deadline = |step: Step| Schedule::of(&step).deadline;
        assert!(deadline(Step::ProveDead) > deadline(Step::Verify), "caches outlive acceptance");
        assert!(deadline(Step::Verify) > deadline(Step::Create), "trouble is told sooner than a proof is given up");
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<u64> = (1..=6).filter_map(|failures| ACCEPTANCE.delay(failures)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 15, 15]);
    }

    #[test]
    fn every_schedule_ends_within_its_deadline() {
        for schedule in [ACCEPTANCE, DEATH, TROUBLE] {
            let waits: Vec<Duration> = (1..).map_while(|failures| schedule.delay(failures)).collect();
            let all: Duration = waits.iter().sum();
            assert!(all <= schedule.deadline && all + schedule.longest > schedule.deadline, "{schedule:?}: {all:?}");
            assert_eq!(schedule.delay(u32::MAX / 1_000_000), None);
        }
    }
}
