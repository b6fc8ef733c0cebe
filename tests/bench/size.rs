//! Size of the program as packages contain it: the binary, and the number of crates in it. Start
//! with [`measure`].

use std::collections::BTreeSet;
use std::process::Command;

use crate::{table, world};

const SIZE: &str = "the program, stripped";
const CRATES: &str = "crates in the program, for this system";

/// Measures the binary of the `dist` build and its dependencies.
pub(crate) fn measure() {
    let bytes = std::fs::metadata(world::program()).unwrap().len();
    let mega = f64::from(u32::try_from(bytes).unwrap()) / 1e6;
    table::limit(SIZE, &format!("{mega:.1} MB"), "–", (mega, 12.0, "MB"));
    let Some(cargo) = std::env::var_os("CARGO") else {
        return table::skip(CRATES, "cargo did not start this");
    };
    let tree = [
        "tree",
        "--locked",
        "--offline",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let tree =
        Command::new(cargo).args(tree).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates: BTreeSet<_> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| !line.is_empty())
        .collect();
    let count = u32::try_from(crates.len()).unwrap();
    table::limit(CRATES, &count.to_string(), "–", (count.into(), 300.0, ""));
}
