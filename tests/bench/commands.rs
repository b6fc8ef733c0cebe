//! Commands that ask nobody: what only looks into the index, and a command that is started with a secret.

use std::process::Command;

use crate::fastest;
use crate::table;
use crate::world::{Home, have, run};

const RUNS: usize = 15;

/// Measures the commands.
pub(crate) fn measure(home: &Home) {
    list(home);
    grown_list(home);
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
    let (taken, beside) = fastest(RUNS, list, || run(Command::new("sqlite3").arg("-json").arg(home.index()).arg(select)));
    table::ratio(WHAT, taken, ("sqlite3 -json", beside), 3.0);
}

/// The list of ten times as many, beside ten times the list.
fn grown_list(home: &Home) {
    let larger = Home::with_credentials(100_000);
    let list = |home: &Home| run(&mut home.command(&["list", "--json"]));
    let (taken, beside) = fastest(RUNS / 3, || list(&larger), || list(home) * 10);
    table::ratio("`list --json`, 100,000 credentials", taken, ("10 × 10,000 credentials", beside), 1.1);
}

/// What it costs to start a program with a secret, beside the same program with the variable set by hand. The
/// key of the encrypted file is derived cheaply here: what is measured is everything but that.
fn exec() {
    let home = Home::with_credentials(1);
    tokio::runtime::Runtime::new().unwrap().block_on(home.keep_secrets(1));
    let exec = || run(&mut home.command(&["exec", "ci  -scan-00000", "--", "true"]));
    let (taken, beside) = fastest(RUNS, exec, || run(Command::new("true").env("SNYK_TOKEN", "by-hand")));
    let over = table::ms(taken.saturating_sub(beside));
    let by_hand = format!("the variable set by hand {}", table::ms(beside));
    table::row("`exec NAME -- true`, what it adds", &over, &by_hand, "–", "≤ 10 ms");
}
