//! Durations of many runs, and their percentiles.

use std::fmt;
use std::time::{Duration, Instant};

/// Durations, the shortest first.
pub(crate) struct RunTimes(Vec<Duration>);

impl RunTimes {
    /// The given percentile.
    pub(crate) fn at(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }

    pub(crate) fn median(&self) -> Duration {
        self.at(50)
    }

    /// All durations in microseconds, for another process to read.
    pub(crate) fn in_micros(&self) -> String {
        self.0.iter().map(|time| time.as_micros().to_string()).collect::<Vec<_>>().join(" ")
    }

    /// The durations multiplied by `factor`.
    pub(crate) fn times(self, factor: u32) -> Self {
        self.0.into_iter().map(|time| time * factor).collect()
    }
}

impl FromIterator<Duration> for RunTimes {
    fn from_iter<I: IntoIterator<Item = Duration>>(runs: I) -> Self {
        let mut runs: Vec<_> = runs.into_iter().collect();
        runs.sort_unstable();
        Self(runs)
    }
}

/// The median, and the range that holds eight of ten runs.
impl fmt::Display for RunTimes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, median, high] =
            [10, 50, 90].map(|percent| self.at(percent).as_secs_f64() * 1000.0);
        write!(out, "{median:.2} ms ({low:.2}–{high:.2})")
    }
}

/// Measures how long `work` takes.
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

/// Measures two things alternately, so that other load on the machine affects both equally.
pub(crate) fn alternate(
    runs: usize,
    mut one: impl FnMut() -> Duration,
    mut other: impl FnMut() -> Duration,
) -> (RunTimes, RunTimes) {
    let (one, other): (Vec<_>, Vec<_>) = (0..runs).map(|_| (one(), other())).unzip();
    (one.into_iter().collect(), other.into_iter().collect())
}
