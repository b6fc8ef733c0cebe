//! `cargo bench`: how fast the program is, each figure beside something else that was measured in the same run, since
//! absolute times belong to a machine. It prints one table, and fails only where something could not be measured.
//! `cargo bench -- network` measures one part of it alone.

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
        _ => measure(&std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect::<Vec<_>>()),
    }
}

/// Measures these parts, or all where none is named.
fn measure(parts: &[String]) {
    table::begin();
    let many = world::Home::with_credentials(10_000);
    let all: [(&str, &dyn Fn()); 6] = [
        ("screen", &|| screen::measure(&many)),
        ("frame", &frame::measure),
        ("commands", &|| commands::measure(&many)),
        ("network", &network::measure),
        ("answer", &answer::measure),
        ("keyring", &keyring::measure),
    ];
    let is_wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| part == name);
    all.iter().filter(|(name, _)| is_wanted(name)).for_each(|(_, part)| part());
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
