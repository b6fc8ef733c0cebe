//! Tests of copies of a secret in the memory of the program: after a child got it, and after it was
//! rotated.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokenring::config::Settings;
use tokenring::domain::provider::ProviderCatalog;
use tokenring::domain::{CredentialId, CredentialName};
use tokenring::engine::background::protocol::NewCredential;
use tokenring::engine::exec::{ChildCommand, ChildExit, SecretDelivery};
use tokenring::engine::{self, Engine};

use super::screen::wait_until_gone_from;
use crate::support::marker::MemoryMarker;
use crate::support::program::{Home, SimulatorProcess};

/// An engine with an in-memory store that holds the marker.
async fn holding(marker: &MemoryMarker) -> (Engine, CredentialId) {
    let engine =
        engine::in_memory_engine(ProviderCatalog::builtin(), &Settings::default()).unwrap();
    let new = NewCredential {
        name: CredentialName::parse("ci").unwrap(),
        provider: "snyk".to_owned(),
        kind: "personal-token".to_owned(),
        region: "SNYK-US-01".to_owned(),
        fields: BTreeMap::new(),
        labels: Vec::new(),
        secret: Arc::new(marker.secret()),
        parts: BTreeMap::new(),
        expires: None,
    };
    let id = engine.credentials.add(new).await.unwrap().id;
    (engine, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_copy_of_a_secret_outlives_the_child_that_was_given_it() {
    for handover in [SecretDelivery::Environment, SecretDelivery::Stdin, SecretDelivery::Files] {
        let marker = MemoryMarker::random();
        let (engine, id) = holding(&marker).await;
        let variables =
            engine.exec.env_variables(&engine.credentials.get(&id).await.unwrap()).await.unwrap();
        let script = "env; cat \"$SNYK_TOKEN_FILE\" 2>/dev/null; [ -n \"$SNYK_TOKEN$SNYK_TOKEN_FILE\" ] || cat";
        let command = ["sh", "-c", script].map(Into::into).into();
        let launch = ChildCommand {
            command,
            variables,
            removed_variables: Vec::new(),
            secret_delivery: handover,
        };
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let sink = move |_, bytes: &[u8]| {
            heard.lock().unwrap().extend_from_slice(bytes);
            Ok(())
        };
        assert_eq!(launch.run_supervised(Some(&sink)).unwrap(), ChildExit::Code(0), "{handover:?}");
        let said = String::from_utf8(said.lock().unwrap().clone()).unwrap();
        assert!(said.contains("‹secret›"), "the child had it and was masked: {said}");
        assert!(marker.copies() > 0, "the search finds the secret while it is held");
        drop(launch);
        engine.credentials.remove(&id).await.unwrap();
        marker.wait_until_gone().await;
        drop(engine);
    }
}

#[test]
fn neither_secret_of_a_rotation_is_in_the_memory_of_the_screen() {
    let (home, simulator) = (Home::new(), SimulatorProcess::start());
    home.use_simulator(&simulator);
    home.add_seeded(&simulator, "us01-release-bot").expect(0);
    let old = simulator.secret("us01-release-bot").to_owned();
    let mut pty = home.unlocked_screen();
    if std::fs::File::open(format!("/proc/{}/mem", pty.pid().as_raw_nonzero())).is_err() {
        return println!(
            "skipped: the memory of the program cannot be read, as intended; root could"
        );
    }
    pty.send("r");
    pty.expect("[ Rotate ]");
    pty.send("\x1b[C\r");
    pty.expect("Done: the new secret has replaced the old one");
    let new = home.run(&["get", "us01-release-bot"]).expect(0).out;
    assert_ne!(new, old);
    wait_until_gone_from(&pty, &old);
    wait_until_gone_from(&pty, &new);
    pty.send("\r");
    pty.expect_gone("Done: the new secret");
    pty.send("q");
    assert_eq!(pty.code(), 0);
}
