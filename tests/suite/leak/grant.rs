//! Tests that nothing of an OAuth grant is outside the store: not the code, the PKCE verifier or
//! the state of a sign-in, and none of the tokens that the sign-in and later refreshes issue.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{LeakGate, random};
use crate::signin::browser::{WaitingCommand, open_callback, page_on_screen, query_parameter};
use crate::support::program::Outcome;

/// Arguments of a new sign-in.
const NEW: [&str; 7] =
    ["--provider", "snyk-apps", "--region", "SNYK-US-01", "--part", "client_secret", "--field"];

impl LeakGate {
    /// Signs in as a user who allows it.
    async fn sign_in(&mut self, name: &str, how: &[&str], input: &str) -> Outcome {
        let waiting = WaitingCommand::begin(&self.home, &[&[name], how].concat(), input);
        for file in ["cmdline", "environ"] {
            let process = fs::read(format!("/proc/{}/{file}", waiting.pid())).unwrap();
            self.search_bytes(file, &process);
        }
        let code = random(32);
        self.search.add_secret("the state", &query_parameter(&waiting.visit, "state"));
        self.search.add_secret("the code", &code);
        let (_, page) = open_callback(waiting.answer(&[("code", &code)])).await.unwrap();
        let outcome = waiting.end();
        self.learn_grants();
        self.search_bytes("the page in the browser", page.as_bytes());
        self.search_bytes("standard output", outcome.out.as_bytes());
        self.search_bytes("standard error", outcome.err.as_bytes());
        outcome
    }

    fn learn_grants(&mut self) {
        for (name, secret) in self.mirror.granted() {
            self.search.add_secret(name, &secret);
        }
    }

    /// Runs a command; its output must not contain any part of a grant, including grants that the
    /// command itself causes.
    fn run_granted(&mut self, arguments: &[&str]) {
        let outcome = self.home.run(arguments);
        self.learn_grants();
        self.search_bytes(&format!("standard output of {arguments:?}"), outcome.out.as_bytes());
        self.search_bytes(&format!("standard error of {arguments:?}"), outcome.err.as_bytes());
    }
}

#[tokio::test]
async fn nothing_of_a_grant_is_outside_the_store() {
    let mut gate = LeakGate::new();
    let client_secret = random(40);
    gate.search.add_secret("the client secret", &client_secret);
    let input = format!("{client_secret}\n");
    gate.sign_in("triage", &[&NEW[..], &["client_id=robot"]].concat(), &input).await.expect(0);
    gate.sign_in("refused", &[&NEW[..], &["client_id=refuse"]].concat(), &input).await.expect(4);
    let before = gate.mirror.granted().len();
    // The mirror refuses the access token each time, so each command refreshes it.
    for arguments in [
        &["request", "triage", "/refused", "--json"][..],
        &["request", "triage", "/refused", "--include"],
        &["request", "triage", "POST", "/refused", "--data", "{}", "--yes", "--json"],
        &["check", "triage", "--json"],
        &["show", "triage", "--json"],
        &["history", "--json"],
        &["audit", "--json"],
    ] {
        gate.run_granted(arguments);
    }
    assert!(gate.mirror.granted().len() > before, "sessions were refreshed");
    gate.sign_in("triage", &[], "").await.expect(0);
    let refresh = gate.home.run(&["get", "triage"]).expect(0).out;
    assert_eq!(
        gate.mirror.granted().last().map(|(_, secret)| secret.as_str()),
        Some(refresh.as_str()),
        "the store has the last"
    );
    gate.search_files();
    gate.assert_no_leaks();
}

#[tokio::test]
async fn nothing_of_a_grant_is_on_the_screen() {
    let mut gate = LeakGate::new();
    let client_secret = random(40);
    gate.search.add_secret("the client secret", &client_secret);
    gate.sign_in(
        "triage",
        &[&NEW[..], &["client_id=robot"]].concat(),
        &format!("{client_secret}\n"),
    )
    .await
    .expect(0);
    gate.home = std::mem::replace(&mut gate.home, crate::support::program::Home::new())
        .with("SSH_TTY", "/dev/pts/99");
    let mut pty = gate.home.unlocked_screen();
    pty.send("l");
    let visit = page_on_screen(&pty);
    let code = random(32);
    gate.search.add_secret("the code", &code);
    let callback = query_parameter(&visit, "redirect_uri");
    pty.send(&format!(
        "\x1b[200~{callback}?code={code}&state={}\x1b[201~",
        query_parameter(&visit, "state")
    ));
    pty.expect("Signed in. The session is saved in the store.");
    pty.send("\r");
    pty.expect("access token valid for 60 min");
    for keys in ["c", "t"] {
        pty.type_keys_and_wait(keys);
    }
    pty.expect("‹secret›");
    pty.send("q");
    assert_eq!(pty.code(), 0);
    gate.learn_grants();
    gate.search_bytes("the screen", &pty.bytes(0));
    // The screen shows the state as part of the address; it must not be in any file.
    gate.search.add_secret("the state", &query_parameter(&visit, "state"));
    gate.search_files();
    gate.assert_no_leaks();
}

#[tokio::test]
async fn a_planted_leak_of_a_grant_is_found() {
    let mut gate = LeakGate::new();
    let input = format!("{}\n", random(40));
    gate.sign_in("triage", &[&NEW[..], &["client_id=robot"]].concat(), &input).await.expect(0);
    gate.search_files();
    gate.assert_no_leaks();
    let granted = gate.mirror.granted();
    let names: Vec<_> = granted.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["code_verifier", "code", "access token", "refresh token"]);
    for (name, secret) in granted {
        for text in
            [secret.clone(), STANDARD.encode(format!("grant={secret}")), format!("?x={secret}&y=1")]
        {
            let planted = gate.home.root().join("data/session-cache");
            fs::write(&planted, text).unwrap();
            gate.leaks.clear();
            gate.search_files();
            assert!(
                gate.leaks.iter().any(|leak| leak.contains("session-cache")),
                "the {name} was not found"
            );
            fs::remove_file(planted).unwrap();
        }
    }
}
