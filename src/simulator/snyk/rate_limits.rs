//! Rate limits: how often a secret was used in each window, and the headers that report it.

use std::iter;

use super::super::clock::{MILLIS_PER_SECOND, UnixMillis};

struct LimitWindow {
    name: &'static str,
    seconds: i64,
    limit: u32,
}

const LIMIT_WINDOWS: [LimitWindow; 3] = [
    LimitWindow { name: "per_second", seconds: 1, limit: 160 },
    LimitWindow { name: "per_minute", seconds: 60, limit: 1_620 },
    LimitWindow { name: "per_hour", seconds: 3_600, limit: 97_200 },
];

/// Uses of one secret in the current second, minute and hour.
#[derive(Clone, Copy, Default)]
pub(super) struct SecretUsage([WindowUsage; 3]);

#[derive(Clone, Copy, Default)]
struct WindowUsage {
    start: UnixMillis,
    uses: u32,
}

/// Remaining uses in the window that will be exhausted first.
#[derive(Clone, Copy)]
pub(super) struct TightestLimit {
    window: usize,
    remaining: u32,
    reset: UnixMillis,
    exceeded: bool,
}

impl SecretUsage {
    /// Counts one use.
    pub(super) fn record_use(&mut self, now: UnixMillis) {
        for (usage, window) in self.0.iter_mut().zip(&LIMIT_WINDOWS) {
            let start = now.div_euclid(window.seconds * MILLIS_PER_SECOND)
                * window.seconds
                * MILLIS_PER_SECOND;
            let uses = if usage.start == start { usage.uses } else { 0 };
            *usage = WindowUsage { start, uses: uses.saturating_add(1) };
        }
    }

    /// Returns what remains after the uses so far.
    pub(super) fn tightest_limit(&self, now: UnixMillis) -> TightestLimit {
        let left = |index: usize| LIMIT_WINDOWS[index].limit.saturating_sub(self.0[index].uses);
        let window = (0..LIMIT_WINDOWS.len()).min_by_key(|index| left(*index)).unwrap_or_default();
        let length = LIMIT_WINDOWS[window].seconds * MILLIS_PER_SECOND;
        let end = now.div_euclid(length) * length + length;
        let exceeded =
            self.0.iter().zip(&LIMIT_WINDOWS).any(|(usage, window)| usage.uses > window.limit);
        TightestLimit { window, remaining: left(window), reset: end - now, exceeded }
    }
}

impl TightestLimit {
    /// Returns whether there were more uses than the limit allows.
    pub(super) fn is_exceeded(&self) -> bool {
        self.exceeded
    }

    /// Returns the limit of the tightest window, followed by all limits.
    pub(super) fn limit(&self) -> String {
        let tightest = LIMIT_WINDOWS[self.window].limit.to_string();
        let all = LIMIT_WINDOWS.iter().map(|LimitWindow { name, seconds, limit }| {
            format!("{limit};w={seconds};name=\"{name}\"")
        });
        iter::once(tightest).chain(all).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn remaining(&self) -> String {
        self.remaining.to_string()
    }

    /// Returns the seconds until the tightest window starts again.
    pub(super) fn reset(&self) -> String {
        (self.reset + MILLIS_PER_SECOND - 1).div_euclid(MILLIS_PER_SECOND).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_window_is_reported() {
        let mut usage = SecretUsage::default();
        usage.record_use(0);
        let tightest = usage.tightest_limit(0);
        assert_eq!((tightest.remaining().as_str(), tightest.reset().as_str()), ("159", "1"));
        assert_eq!(
            tightest.limit(),
            "160, 160;w=1;name=\"per_second\", 1620;w=60;name=\"per_minute\", 97200;w=3600;name=\"per_hour\""
        );
    }

    #[test]
    fn the_minute_runs_out_although_no_second_does() {
        let mut usage = SecretUsage::default();
        (0..1_621).for_each(|turn| usage.record_use(turn * 30));
        let tightest = usage.tightest_limit(1_620 * 30);
        assert!(tightest.is_exceeded());
        assert_eq!((tightest.remaining().as_str(), tightest.reset().as_str()), ("0", "12"));
    }
}
