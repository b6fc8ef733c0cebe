//! Commands that only look into the index.

use std::process::Command;

use crate::median_of;
use crate::table;
use crate::world::{Home, have, run};

const RUNS: usize = 15;

/// Measures the list of everything beside another reader of the same file.
pub(crate) fn measure(home: &Home) {
    const WHAT: &str = "`list --json`, 10,000 credentials";
    if !have("sqlite3") {
        return table::skip(WHAT, "sqlite3 is not installed");
    }
    let taken = median_of(RUNS, || run(&mut home.command(&["list", "--json"])));
    let select = "SELECT * FROM credentials ORDER BY name";
    let beside = median_of(RUNS, || run(Command::new("sqlite3").arg("-json").arg(home.index()).arg(select)));
    table::ratio(WHAT, taken, ("sqlite3 -json", beside), 3.0);
}
