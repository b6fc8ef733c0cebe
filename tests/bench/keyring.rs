//! Benchmark of the system keyring: the program reads a secret, compared with `secret-tool` reading
//! the same secret. Start with [`measure`].

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::KEYRING;
use crate::table;
use crate::times::{RunTimes, alternate};
use crate::world::{Home, is_installed, run};

const RUNS: usize = 21;
const WHAT: &str = "`get` from the Secret Service";
const NAME: &str = "on-the-keyring";

/// Measures in a session with its own Secret Service.
pub(crate) fn measure() {
    if !["dbus-run-session", "gnome-keyring-daemon", "secret-tool"]
        .iter()
        .all(|program| is_installed(program))
    {
        return table::skip(WHAT, "no Secret Service is installed");
    }
    let session = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/with-secret-service.sh");
    let inside =
        Command::new(session).arg(std::env::current_exe().unwrap()).arg(KEYRING).output().unwrap();
    assert!(inside.status.success(), "{}", String::from_utf8_lossy(&inside.stderr));
    let told = String::from_utf8(inside.stdout).unwrap();
    let times = |line: &str| {
        line.split(' ')
            .map(|number| Duration::from_micros(number.parse().unwrap()))
            .collect::<RunTimes>()
    };
    let (taken, beside) = told.trim().split_once('\n').unwrap();
    table::ratio(WHAT, &times(taken), ("secret-tool lookup", &times(beside)), 1.5);
}

/// Runs within the session: prints the durations of the program and of the other client, one line
/// each.
pub(crate) fn measure_inside() {
    let home = Home::with_credentials(0);
    let command = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("TOKENRING_STORE", "keyring");
        command
    };
    let mut add = command(&["add", NAME, "--provider", "snyk", "--kind", "personal-token"]);
    let mut add =
        add.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    add.stdin.take().unwrap().write_all(b"00000000-0000-4000-8000-000000000000").unwrap();
    assert!(add.wait().unwrap().success());
    let id = tokenring::database::Database::open(&home.index())
        .unwrap()
        .credential_by_name(NAME)
        .unwrap()
        .id;
    let key = format!("{id}/current/secret");
    let lookup = || {
        run(Command::new("secret-tool").args(["lookup", "service", "tokenring", "username", &key]))
    };
    let (taken, beside) = alternate(RUNS, || run(&mut command(&["get", NAME])), lookup);
    println!("{}\n{}", taken.in_micros(), beside.in_micros());
}
