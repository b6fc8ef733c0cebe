//! Tests of secrets that a provider shows only once: none is lost, whenever the user quits.

use rustix::process::Signal;

use super::{Recorder, home_bound_to};
use crate::support::program::Home;
use crate::support::pty::Pty;

const FRESH: &str = "snyk_cs_4711_v1";

/// A home, and a server that creates a secret with every request.
fn minting() -> (Home, Recorder) {
    let server = Recorder::saying(r#"{"client_id":"c","client_secret":"snyk_cs_4711_v1"}"#);
    (home_bound_to(&server), server)
}

/// The screen with such a request in its console, confirmed and sent.
fn sent(home: &Home, server: &Recorder) -> Pty {
    let mut pty = home.unlocked_screen();
    pty.send(&format!("\x1b[200~curl -X POST {}/x\x1b[201~", server.origin()));
    pty.expect("Ready to send");
    pty.type_keys_and_wait("\r");
    pty.expect("Type probe to confirm");
    pty.send("probe\t\r");
    pty
}

#[test]
fn a_user_who_quits_before_naming_the_secret_finds_it_later() {
    type Way = fn(&mut Pty);
    let ways: [(&str, Way); 4] = [
        ("dismissed and q", |pty| {
            pty.send("\x1b");
            pty.expect_gone("The response contains a secret");
            pty.send("q");
        }),
        ("C-c", |pty| pty.send("\x03")),
        ("SIGTERM", |pty| pty.signal(Signal::TERM)),
        ("SIGKILL", |pty| pty.signal(Signal::KILL)),
    ];
    for (way, leave) in ways {
        let (home, server) = minting();
        let mut pty = sent(&home, &server);
        pty.expect("The response contains a secret");
        pty.expect("probe-minted");
        // As long as the task runs, C-c would cancel it.
        pty.expect_gone("running");
        leave(&mut pty);
        pty.code();
        assert_eq!(home.run(&["get", "probe-minted"]).expect(0).out, FRESH, "{way}");
    }
}

#[test]
fn a_closed_terminal_takes_no_fresh_secret_with_it() {
    let (home, server) = minting();
    let pty = sent(&home, &server);
    pty.expect("The response contains a secret");
    pty.close("x").code();
    assert_eq!(home.run(&["get", "probe-minted"]).expect(0).out, FRESH);
}

#[test]
fn the_name_that_is_given_takes_the_place_of_the_one_that_was_not() {
    let (home, server) = minting();
    let mut pty = sent(&home, &server);
    pty.expect("The response contains a secret");
    pty.send("\x15scanner\r");
    pty.expect("The secret is stored as scanner");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    assert_eq!(home.run(&["get", "scanner"]).expect(0).out, FRESH);
    home.run(&["get", "probe-minted"]).expect(3);
}

#[test]
fn at_a_terminal_the_command_stores_the_secret_before_it_asks() {
    for (typed, name) in
        [("\x03", "probe-minted"), ("\r", "probe-minted"), ("scanner\r", "scanner")]
    {
        let (home, _server) = minting();
        let mut pty = home.at_terminal(&["request", "probe", "POST", "/x", "--yes"]);
        pty.expect("stored as probe-minted");
        pty.send(typed);
        pty.code();
        assert_eq!(home.run(&["get", name]).expect(0).out, FRESH, "{typed:?}");
        assert_eq!(home.run(&["list", "--json"]).expect(0).json().as_array().unwrap().len(), 2);
    }
}
