//! Tests of signing in on the screen with keys, and of the prompts on the screen and in the
//! terminal when an access token has expired.

use url::Url;

use super::browser::{open_callback, page_on_screen, press_consent_button, query_parameter};
use super::{SESSION, advance, home_with_simulator, request_count};
use crate::support::program::{Home, SimulatorProcess};
use crate::support::pty::Pty;

/// A home with the seeded session, on a machine without a browser.
fn home_of_session() -> (Home, SimulatorProcess) {
    let (home, simulator) = home_with_simulator();
    let home = home.with("SSH_TTY", "/dev/pts/99");
    home.add_seeded(&simulator, SESSION).expect(0);
    (home, simulator)
}

/// Starts a sign-in and reads the address of the consent page.
fn begin(pty: &mut Pty) -> Url {
    pty.send("l");
    page_on_screen(pty)
}

/// The number of seconds left that the screen shows.
fn left(text: &str) -> Option<u32> {
    let (minutes, seconds) =
        text.split_once("browser: ")?.1.split_once(" left")?.0.split_once(':')?;
    Some(minutes.parse::<u32>().ok()? * 60 + seconds.parse::<u32>().ok()?)
}

#[tokio::test]
async fn a_session_is_signed_in_to_again_when_the_browser_comes_back() {
    let (home, simulator) = home_of_session();
    let old = simulator.secret(SESSION).to_owned();
    let mut pty = home.unlocked_screen();
    let visit = begin(&mut pty);
    let first = left(&pty.text()).expect("a countdown");
    assert!((100..=120).contains(&first), "{first}");
    pty.expect_that("fewer seconds", |text| left(text).is_some_and(|left| left < first));
    let (status, shown) = open_callback(press_consent_button(&visit, "allow").await).await.unwrap();
    assert!(status == 200 && shown.contains("Signed in"), "{shown}");
    pty.expect("Signed in. The session is saved in the store.");
    pty.expect("admin (user)");
    pty.expect("The previous session was revoked");
    pty.send("\r");
    pty.expect_gone("The session is saved in the store");
    pty.expect("access token valid for 60 min · refreshed just now");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    let new = home.run(&["get", SESSION]).expect(0).out;
    assert_ne!(new, old);
    assert_eq!(request_count(&simulator, "POST", "/oauth2/revoke").await, 1);
    home.run(&["check", SESSION]).expect(0);
}

#[tokio::test]
async fn over_ssh_the_address_is_pasted_and_never_shown() {
    let (home, _simulator) = home_of_session();
    let mut pty = home.unlocked_screen();
    let visit = begin(&mut pty);
    let address = press_consent_button(&visit, "allow").await;
    let mut stranger = address.clone();
    stranger.set_query(Some("code=c&state=another"));
    pty.send(&format!("\x1b[200~{stranger}\x1b[201~"));
    pty.expect("That is not the callback URL");
    pty.send(&format!("\x1b[200~{address}\x1b[201~"));
    pty.expect("Signed in. The session is saved in the store.");
    let written = String::from_utf8_lossy(&pty.bytes(0)).into_owned();
    assert!(!written.contains(&query_parameter(&address, "code")), "the code was on the screen");
    pty.send("\x1b");
    pty.expect_gone("The session is saved in the store");
    pty.send("q");
    assert_eq!(pty.code(), 0);
}

#[tokio::test]
async fn a_denial_is_shown_and_can_be_retried() {
    let (home, simulator) = home_of_session();
    let old = simulator.secret(SESSION).to_owned();
    let mut pty = home.unlocked_screen();
    let visit = begin(&mut pty);
    open_callback(press_consent_button(&visit, "deny").await).await.unwrap();
    pty.expect("The sign-in was denied");
    pty.expect("Retry");
    pty.send("\r");
    let again = page_on_screen(&pty);
    assert_ne!(query_parameter(&visit, "state"), query_parameter(&again, "state"));
    pty.send("\x1b");
    pty.expect("Canceled");
    let callback = Url::parse(&query_parameter(&again, "redirect_uri")).unwrap();
    assert!(open_callback(callback).await.is_none(), "the listener is closed");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    assert_eq!(home.run(&["get", SESSION]).expect(0).out, old, "the previous session is unchanged");
}

#[tokio::test]
async fn a_new_session_begins_with_a_form() {
    let (home, simulator) = home_with_simulator();
    let home = home.with("SSH_TTY", "/dev/pts/99");
    let mut pty = home.empty_screen();
    pty.send("l");
    pty.expect("Leave the secret empty to sign in with the browser");
    let app = simulator.credential(SESSION);
    for text in ["triage", app["fields"]["client_id"].as_str().unwrap()] {
        pty.send(text);
        pty.expect(text);
        pty.send("\t");
    }
    for place in ["App ID", "Install ID", "Organization ID", "Group ID", "Client secret"] {
        pty.send("\t");
        pty.expect(&format!("▸ {place}"));
    }
    pty.send(app["parts"]["client_secret"].as_str().unwrap());
    for place in ["Labels", "Expires", "Cancel", "Add"] {
        pty.send("\t");
        pty.expect(&format!("▸ {place}"));
    }
    pty.send("\r");
    open_callback(press_consent_button(&page_on_screen(&pty), "allow").await).await.unwrap();
    pty.expect("Signed in. The session is saved in the store.");
    pty.send("\r");
    pty.expect("1 credential ");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    home.run(&["check", "triage"]).expect(0);
}

/// A request that would revoke another sign-in, if there were one.
const PATH: &str = "/rest/self/apps/installs/00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn at_a_terminal_the_user_decides_whether_a_request_is_repeated() {
    let (home, simulator) = home_of_session();
    for (answer, status, sent, code) in [("n\r", "401", 1, 4), ("y\r", "404", 3, 4)] {
        home.run(&["check", SESSION]).expect(0);
        advance(&simulator, 120).await;
        let mut pty = home.at_terminal(&[
            "request",
            SESSION,
            "DELETE",
            &format!("{PATH}?version=2024-10-15"),
            "--yes",
            "--include",
        ]);
        pty.expect("with a new access token? [y/N]");
        pty.send(answer);
        assert_eq!(pty.code(), code);
        assert!(pty.text().contains(status), "{}", pty.text());
        assert_eq!(request_count(&simulator, "DELETE", "/rest/self/apps").await, sent);
    }
}

#[tokio::test]
async fn a_session_is_replaced_from_the_wizard_with_keys_only() {
    let (home, simulator) = home_of_session();
    let old = simulator.secret(SESSION).to_owned();
    let mut pty = home.unlocked_screen();
    pty.send("r");
    pty.expect("[ Rotate ]");
    pty.send("\x1b[C\r");
    let visit = page_on_screen(&pty);
    open_callback(press_consent_button(&visit, "allow").await).await.unwrap();
    pty.expect("Done: the new secret has replaced the old one");
    pty.send("\r");
    pty.expect_gone("Done: the new secret");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    assert_ne!(home.run(&["get", SESSION]).expect(0).out, old);
    assert_eq!(request_count(&simulator, "POST", "/oauth2/revoke").await, 1);
    home.run(&["check", SESSION]).expect(0);
}

#[tokio::test]
async fn a_sign_in_that_a_rotation_waits_for_can_be_left_and_rolled_back() {
    let (home, simulator) = home_of_session();
    let mut pty = home.unlocked_screen();
    pty.send("r");
    pty.expect("[ Rotate ]");
    pty.send("\x1b[C\r");
    let visit = page_on_screen(&pty);
    pty.send("\x1b[A\x1b[A\r");
    pty.expect("tokenring has created nothing: the rotation can be ended");
    let callback = Url::parse(&query_parameter(&visit, "redirect_uri")).unwrap();
    assert!(open_callback(callback).await.is_none(), "the listener is closed");
    pty.send("\x1b[C\r");
    pty.expect("Rolled back: everything is as it was");
    pty.send("\rq");
    assert_eq!(pty.code(), 0);
    assert_eq!(request_count(&simulator, "POST", "/oauth2/revoke").await, 0);
    home.run(&["check", SESSION]).expect(0);
}
