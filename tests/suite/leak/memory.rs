//! What the program leaves of a secret in its memory after a child was given it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokenring::config::Settings;
use tokenring::domain::provider::Catalogue;
use tokenring::domain::{CredentialId, Name};
use tokenring::engine::exec::{Ended, Handover, Launch};
use tokenring::engine::message::NewCredential;
use tokenring::engine::{self, Engine};

use crate::support::marker::Marker;

/// A keyring in memory that holds the marker.
async fn holding(marker: &Marker) -> (Engine, CredentialId) {
    let engine = engine::in_memory(Catalogue::builtin().unwrap(), &Settings::default()).unwrap();
    let new = NewCredential {
        name: Name::parse("ci").unwrap(),
        provider: "snyk".to_owned(),
        kind: "personal-token".to_owned(),
        region: "SNYK-US-01".to_owned(),
        fields: BTreeMap::new(),
        labels: Vec::new(),
        secret: Arc::new(marker.secret()),
        parts: BTreeMap::new(),
        expires: None,
    };
    let id = engine.add(new).await.unwrap().id;
    (engine, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_copy_of_a_secret_outlives_the_child_that_was_given_it() {
    for handover in [Handover::Environment, Handover::Stdin, Handover::Files] {
        let marker = Marker::random();
        let (engine, id) = holding(&marker).await;
        let variables = engine.variables(&engine.by_id(&id).await.unwrap()).await.unwrap();
        let script = "env; cat \"$SNYK_TOKEN_FILE\" 2>/dev/null; [ -n \"$SNYK_TOKEN$SNYK_TOKEN_FILE\" ] || cat";
        let command = ["sh", "-c", script].map(Into::into).into();
        let launch = Launch { command, variables, without: Vec::new(), handover };
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let sink = move |_, bytes: &[u8]| {
            heard.lock().unwrap().extend_from_slice(bytes);
            Ok(())
        };
        assert_eq!(launch.supervise(Some(&sink)).unwrap(), Ended::Code(0), "{handover:?}");
        let said = String::from_utf8(said.lock().unwrap().clone()).unwrap();
        assert!(said.contains("‹secret›"), "the child had it and was masked: {said}");
        assert!(marker.copies() > 0, "the search finds the secret while it is held");
        drop(launch);
        engine.remove(&id).await.unwrap();
        marker.expect_forgotten().await;
        drop(engine);
    }
}
