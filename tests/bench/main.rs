//! `cargo bench`: how fast the program is, each figure beside something else that was measured in the same run, since
//! absolute times belong to a machine. It prints one table, and fails only where something could not be measured.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made ends the run, and the table is what it is for"
)]

mod answer;
mod commands;
mod empty;
mod frame;
mod keyring;
mod network;
mod screen;
mod table;
mod world;

use std::time::{Duration, Instant};

/// How this program is called to be something else than the bench.
const EMPTY: &str = "empty";
const KEYRING: &str = "keyring";

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some(EMPTY) => empty::run().unwrap(),
        Some(KEYRING) => keyring::measure_inside(),
        _ => {
            table::begin();
            let many = world::Home::with_credentials(10_000);
            screen::measure(&many);
            frame::measure();
            commands::measure(&many);
            network::measure();
            answer::measure();
            keyring::measure();
        }
    }
}

/// How long something took.
fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

/// The fastest run of each, in turns: whatever else the machine does meanwhile adds time and never takes any away, and
/// in turns it troubles both alike.
fn fastest(runs: usize, mut one: impl FnMut() -> Duration, mut other: impl FnMut() -> Duration) -> (Duration, Duration) {
    let turns: Vec<_> = (0..runs).map(|_| (one(), other())).collect();
    let fastest = |pick: fn(&(Duration, Duration)) -> Duration| turns.iter().map(pick).min().unwrap();
    (fastest(|turn| turn.0), fastest(|turn| turn.1))
}

/// The value below which so many of a hundred lie.
fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}
