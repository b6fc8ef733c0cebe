//! The keyring: a secret read by the program beside the same one read by `secret-tool`.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::table;
use crate::world::{Home, have, run};
use crate::{KEYRING, median_of};

const RUNS: usize = 21;
const WHAT: &str = "`get` from the Secret Service";
const NAME: &str = "on-the-keyring";

/// Measures in a session with a keyring of its own.
pub(crate) fn measure() {
    if !["dbus-run-session", "gnome-keyring-daemon", "secret-tool"].iter().all(|program| have(program)) {
        return table::skip(WHAT, "no Secret Service is installed");
    }
    let session = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/with-secret-service.sh");
    let inside = Command::new(session).arg(std::env::current_exe().unwrap()).arg(KEYRING).output().unwrap();
    assert!(inside.status.success(), "{}", String::from_utf8_lossy(&inside.stderr));
    let told = String::from_utf8(inside.stdout).unwrap();
    let mut micros = told.split_whitespace().map(|number| Duration::from_micros(number.parse().unwrap()));
    let (taken, beside) = (micros.next().unwrap(), micros.next().unwrap());
    table::ratio(WHAT, taken, ("secret-tool lookup", beside), 1.5);
}

/// Within the session: prints what the program and what the other client took, in microseconds.
pub(crate) fn measure_inside() {
    let home = Home::with_credentials(0);
    let command = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("TOKENRING_STORE", "keyring");
        command
    };
    let mut add = command(&["add", NAME, "--provider", "snyk", "--kind", "personal-token"]);
    let mut add = add.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    add.stdin.take().unwrap().write_all(b"00000000-0000-4000-8000-000000000000").unwrap();
    assert!(add.wait().unwrap().success());
    let id = tokenring::index::Index::open(&home.index()).unwrap().by_name(NAME).unwrap().id;
    let key = format!("{id}/current/secret");
    let taken = median_of(RUNS, || run(&mut command(&["get", NAME])));
    let beside = median_of(RUNS, || run(Command::new("secret-tool").args(["lookup", "service", "tokenring", "username", &key])));
    println!("{} {}", taken.as_micros(), beside.as_micros());
}
