//! Benchmarks of commands without prompts: commands that only read the index, `exec`, which starts a
//! program with a secret, and `get` from an encrypted file that an agent keeps unlocked. Start with
//! [`measure`].

use std::process::Command;

use crate::table;
use crate::times::{RunTimes, alternate};
use crate::world::{Home, is_installed, run};

const RUNS: usize = 15;

/// Measures all commands.
pub(crate) fn measure(home: &Home) {
    list(home);
    grown_lists();
    exec();
    unlocked_get();
}

/// Measures `list`, compared with another reader of the same SQLite file.
fn list(home: &Home) {
    const WHAT: &str = "`list --json`, 10,000 credentials";
    if !is_installed("sqlite3") {
        return table::skip(WHAT, "sqlite3 is not installed");
    }
    let select = "SELECT * FROM credentials ORDER BY name";
    let list = || run(&mut home.command(&["list", "--json"]));
    let (taken, beside) = alternate(RUNS, list, || {
        run(Command::new("sqlite3").arg("-json").arg(home.index()).arg(select))
    });
    table::ratio(WHAT, &taken, ("sqlite3 -json", &beside), 3.0);
}

/// Measures `list` with ten times as many credentials, compared with ten times the duration of the
/// short list.
fn grown_lists() {
    let homes = [("100", 100), ("1,000", 1_000), ("10,000", 10_000), ("100,000", 100_000)];
    let homes = homes.map(|(words, count)| (words, Home::with_credentials(count)));
    let list = |home: &Home| run(&mut home.command(&["list", "--json"]));
    for ((fewer, before), (more, after)) in homes.iter().zip(&homes[1..]) {
        let (taken, beside) = alternate(RUNS / 2, || list(after), || list(before));
        let beside_it = format!("10 × {fewer} credentials");
        table::ratio(
            &format!("`list --json`, {more} credentials"),
            &taken,
            (&beside_it, &beside.times(10)),
            1.1,
        );
    }
}

/// Measures `exec`, compared with the same program started with the variable set directly. The key
/// of the encrypted file uses a cheap derivation here, so the figure excludes the cost of key
/// derivation.
fn exec() {
    let home = Home::with_credentials(1);
    tokio::runtime::Runtime::new().unwrap().block_on(home.store_secrets(1));
    let exec = || run(&mut home.command(&["exec", "ci  -scan-00000", "--", "true"]));
    let by_hand = || run(Command::new("true").env("SNYK_TOKEN", "by-hand"));
    let (with_it, by_hand) = alternate(RUNS, exec, by_hand);
    let over: RunTimes =
        (0..100).map(|percent| with_it.at(percent).saturating_sub(by_hand.median())).collect();
    let beside = format!("the variable set by hand {by_hand}");
    table::limit(
        "`exec NAME -- true`, what it adds",
        &over.to_string(),
        &beside,
        (over.median().as_secs_f64() * 1e3, 10.0, "ms"),
    );
}

/// Measures `get` without a passphrase while an agent runs, compared with the start of the program.
/// The derivation of the key from the passphrase is not part of it, however expensive it is.
fn unlocked_get() {
    let home = Home::with_credentials(1);
    tokio::runtime::Runtime::new().unwrap().block_on(home.store_secrets(1));
    run(&mut home.command(&["store", "unlock"]));
    let get =
        || run(home.command(&["get", "ci  -scan-00000"]).env_remove("TOKENRING_PASSPHRASE_FILE"));
    let (taken, beside) = alternate(RUNS, get, || run(&mut home.command(&["--version"])));
    let over: RunTimes =
        (0..100).map(|percent| taken.at(percent).saturating_sub(beside.median())).collect();
    let beside = format!("`--version` {beside}");
    table::limit(
        "`get` with an agent, what it adds to the start",
        &over.to_string(),
        &beside,
        (over.median().as_secs_f64() * 1e3, 10.0, "ms"),
    );
}
