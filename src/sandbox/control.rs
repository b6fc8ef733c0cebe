//! The control listener: fault knobs, what was asked, what is alive, and the human hand in the web pages.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::faults;
use super::manifest::Credential;
use super::server::House;
use super::wire::{Call, Provider, Reply, Service};

/// Answers under `/faults`; it needs no credential.
pub(super) struct Control {
    pub(super) house: Arc<House>,
    pub(super) providers: Vec<(&'static str, Arc<dyn Provider>)>,
    pub(super) credentials: Vec<Credential>,
}

impl Service for Control {
    fn answer(&self, call: &Call) -> Reply {
        let House { faults, ledger, .. } = &*self.house;
        match (&call.method, call.path.trim_end_matches('/')) {
            (&Method::GET, "/faults") => ok(&faults.describe()),
            (&Method::POST, "/faults") => self.turn(call),
            (&Method::DELETE, "/faults") => {
                faults.clear();
                ok(&faults.describe())
            }
            (&Method::GET, "/faults/requests") => ok(&ledger.describe()),
            (&Method::DELETE, "/faults/requests") => {
                ledger.clear();
                ok(&ledger.describe())
            }
            (&Method::GET, "/faults/live") => ok(&self.live(call)),
            (&Method::POST, "/faults/by-hand") => self.act_by_hand(call),
            _ => self.refuse(call, StatusCode::NOT_FOUND),
        }
    }

    fn refuse(&self, _call: &Call, status: StatusCode) -> Reply {
        problem(status, "the control listener knows /faults, /faults/requests, /faults/live and /faults/by-hand")
    }
}

impl Control {
    /// Sets a knob, or moves the time.
    fn turn(&self, call: &Call) -> Reply {
        let Some(wish) = call.json().filter(Value::is_object) else {
            return problem(StatusCode::BAD_REQUEST, "the body must be a JSON object");
        };
        if let Some(by) = wish["advance_ms"].as_u64() {
            self.house.clock.advance(Duration::from_millis(by));
            return ok(&self.house.faults.describe());
        }
        let is_known = |id: &str| self.providers.iter().any(|(region, _)| *region == id);
        if wish["region"].as_str().is_some_and(|id| !is_known(id)) {
            return problem(StatusCode::BAD_REQUEST, "unknown region");
        }
        match faults::parse(&wish) {
            Ok(rule) => {
                self.house.faults.add(rule);
                Reply::json(StatusCode::CREATED, &self.house.faults.describe())
            }
            Err(reason) => problem(StatusCode::BAD_REQUEST, &reason),
        }
    }

    fn live(&self, call: &Call) -> Value {
        let regions = self.providers.iter().flat_map(|(region, provider)| {
            provider.live(call.at.now).into_iter().map(
                move |secret| json!({"region": region, "account": secret.account, "kind": secret.kind, "sha256": secret.sha256}),
            )
        });
        json!({"live": regions.collect::<Vec<Value>>()})
    }

    fn act_by_hand(&self, call: &Call) -> Reply {
        let wish = call.json().unwrap_or_default();
        if let Some(sha256) = wish["revoke"].as_str() {
            let revoked = self.providers.iter().any(|(_, provider)| provider.revoke_by_hand(sha256, call.at));
            return ok(&json!({ "revoked": revoked }));
        }
        let name = wish["credential"].as_str().unwrap_or_default();
        let Some(credential) = self.credentials.iter().find(|credential| credential.name == name) else {
            return problem(StatusCode::NOT_FOUND, "no credential of the manifest has that name");
        };
        let provider = self.providers.iter().find(|(region, _)| *region == credential.region);
        match provider.and_then(|(_, provider)| provider.replace_by_hand(credential, call.at)) {
            Some(secret) => Reply::json(StatusCode::CREATED, &json!({"credential": name, "secret": secret})),
            None => problem(StatusCode::CONFLICT, "the web pages offer no way to replace this credential now"),
        }
    }
}

fn ok(body: &Value) -> Reply {
    Reply::json(StatusCode::OK, body)
}

fn problem(status: StatusCode, what: &str) -> Reply {
    Reply::json(status, &json!({"error": what}))
}
