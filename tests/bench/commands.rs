//! Commands that ask nobody: what only looks into the index, and a command that is started with a secret.

use std::process::Command;

use crate::table;
use crate::times::{Times, in_turns};
use crate::world::{Home, have, run};

const RUNS: usize = 15;

/// Measures the commands.
pub(crate) fn measure(home: &Home) {
    list(home);
    grown_lists();
    exec();
}

/// The list of everything beside another reader of the same file.
fn list(home: &Home) {
    const WHAT: &str = "`list --json`, 10,000 credentials";
    if !have("sqlite3") {
        return table::skip(WHAT, "sqlite3 is not installed");
    }
    let select = "SELECT * FROM credentials ORDER BY name";
    let list = || run(&mut home.command(&["list", "--json"]));
    let (taken, beside) = in_turns(RUNS, list, || {
        run(Command::new("sqlite3").arg("-json").arg(home.index()).arg(select))
    });
    table::ratio(WHAT, &taken, ("sqlite3 -json", &beside), 3.0);
}

/// The list of ten times as many, beside ten times the list.
fn grown_lists() {
    let homes = [("100", 100), ("1,000", 1_000), ("10,000", 10_000), ("100,000", 100_000)];
    let homes = homes.map(|(words, count)| (words, Home::with_credentials(count)));
    let list = |home: &Home| run(&mut home.command(&["list", "--json"]));
    for ((fewer, before), (more, after)) in homes.iter().zip(&homes[1..]) {
        let (taken, beside) = in_turns(RUNS / 2, || list(after), || list(before));
        let beside_it = format!("10 × {fewer} credentials");
        table::ratio(
            &format!("`list --json`, {more} credentials"),
            &taken,
            (&beside_it, &beside.times(10)),
            1.1,
        );
    }
}

/// What it costs to start a program with a secret, beside the same program with the variable set by hand. The
/// key of the encrypted file is derived cheaply here: what is measured is everything but that.
fn exec() {
    let home = Home::with_credentials(1);
    tokio::runtime::Runtime::new().unwrap().block_on(home.keep_secrets(1));
    let exec = || run(&mut home.command(&["exec", "ci  -scan-00000", "--", "true"]));
    let by_hand = || run(Command::new("true").env("SNYK_TOKEN", "by-hand"));
    let (with_it, by_hand) = in_turns(RUNS, exec, by_hand);
    let over: Times =
        (0..100).map(|percent| with_it.at(percent).saturating_sub(by_hand.median())).collect();
    let beside = format!("the variable set by hand {by_hand}");
    table::limit(
        "`exec NAME -- true`, what it adds",
        &over.to_string(),
        &beside,
        (over.median().as_secs_f64() * 1e3, 10.0, "ms"),
    );
}
