//! Tests of the built screen on a locked store: it asks for the passphrase, and then does what was
//! asked for.

use crate::support::program::{Home, SimulatorProcess};

fn home_with_credential() -> (Home, SimulatorProcess) {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    home.add_seeded(&simulator, "us01-laptop").expect(0);
    (home, simulator)
}

#[test]
fn opened_locked_the_screen_asks_at_once() {
    let (home, simulator) = home_with_credential();
    let pty = home.screen();
    pty.expect("Unlock store");
    let mut pty = Home::unlock(pty);
    pty.send("x");
    pty.expect(&simulator.secret("us01-laptop")[..20]);
    pty.send("q");
    assert_eq!(pty.code(), 0);
}

#[test]
fn a_command_that_found_the_store_locked_runs_after_unlocking() {
    let (home, simulator) = home_with_credential();
    let mut pty = home.screen();
    pty.expect("Unlock store");
    pty.escape();
    pty.expect_gone("Unlock store");
    // A reveal, without another key after the passphrase.
    pty.send("x");
    let mut pty = Home::unlock(pty);
    pty.expect(&simulator.secret("us01-laptop")[..20]);
    pty.send("q");
    assert_eq!(pty.code(), 0);

    let mut pty = home.screen();
    pty.expect("Unlock store");
    pty.escape();
    pty.send("t");
    let pty = Home::unlock(pty);
    pty.expect("200 OK");
    pty.close("q").code();
}
