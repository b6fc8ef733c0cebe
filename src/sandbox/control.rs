//! Control listener: fault knobs, request counters, live secrets, and the actions that users take
//! on the providers' web pages.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::faults;
use super::http_service::{
    SimulatedProvider, SimulatedService, SimulatorRequest, SimulatorResponse,
};
use super::manifest::SeededCredential;
use super::server::SimulatorContext;

/// Service for paths under `/faults`; it needs no credential.
pub(super) struct ControlService {
    pub(super) context: Arc<SimulatorContext>,
    pub(super) providers: Vec<(&'static str, Arc<dyn SimulatedProvider>)>,
    pub(super) credentials: Vec<SeededCredential>,
}

impl SimulatedService for ControlService {
    fn respond(&self, call: &SimulatorRequest) -> SimulatorResponse {
        let SimulatorContext { faults, counters: ledger, .. } = &*self.context;
        match (&call.method, call.path.trim_end_matches('/')) {
            (&Method::GET, "/faults") => ok_response(&faults.describe()),
            (&Method::POST, "/faults") => self.set_fault(call),
            (&Method::DELETE, "/faults") => {
                faults.clear();
                ok_response(&faults.describe())
            }
            (&Method::GET, "/faults/requests") => ok_response(&ledger.describe()),
            (&Method::DELETE, "/faults/requests") => {
                ledger.clear();
                ok_response(&ledger.describe())
            }
            (&Method::GET, "/faults/live") => ok_response(&self.describe_live_secrets(call)),
            (&Method::POST, "/faults/by-hand") => self.run_manual_action(call),
            _ => self.refuse(call, StatusCode::NOT_FOUND),
        }
    }

    fn refuse(&self, _call: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
        error_response(
            status,
            "the control listener knows /faults, /faults/requests, /faults/live and /faults/by-hand",
        )
    }
}

impl ControlService {
    /// Adds a fault rule, or advances the time.
    fn set_fault(&self, call: &SimulatorRequest) -> SimulatorResponse {
        let Some(wish) = call.json().filter(Value::is_object) else {
            return error_response(StatusCode::BAD_REQUEST, "the body must be a JSON object");
        };
        if let Some(by) = wish["advance_ms"].as_u64() {
            self.context.clock.advance(Duration::from_millis(by));
            return ok_response(&self.context.faults.describe());
        }
        let is_known = |id: &str| self.providers.iter().any(|(region, _)| *region == id);
        if wish["region"].as_str().is_some_and(|id| !is_known(id)) {
            return error_response(StatusCode::BAD_REQUEST, "unknown region");
        }
        match faults::parse_rule(&wish) {
            Ok(rule) => {
                self.context.faults.add(rule);
                SimulatorResponse::json(StatusCode::CREATED, &self.context.faults.describe())
            }
            Err(reason) => error_response(StatusCode::BAD_REQUEST, &reason),
        }
    }

    fn describe_live_secrets(&self, call: &SimulatorRequest) -> Value {
        let regions = self.providers.iter().flat_map(|(region, provider)| {
            provider.live_secrets(call.instant.now).into_iter().map(
                move |secret| json!({"region": region, "account": secret.account, "kind": secret.kind, "sha256": secret.sha256}),
            )
        });
        json!({"live": regions.collect::<Vec<Value>>()})
    }

    fn run_manual_action(&self, call: &SimulatorRequest) -> SimulatorResponse {
        let wish = call.json().unwrap_or_default();
        if let Some(sha256) = wish["revoke"].as_str() {
            let revoked = self
                .providers
                .iter()
                .any(|(_, provider)| provider.revoke_manually(sha256, call.instant));
            return ok_response(&json!({ "revoked": revoked }));
        }
        let name = wish["credential"].as_str().unwrap_or_default();
        let Some(credential) = self.credentials.iter().find(|credential| credential.name == name)
        else {
            return error_response(
                StatusCode::NOT_FOUND,
                "no credential of the manifest has that name",
            );
        };
        let provider = self.providers.iter().find(|(region, _)| *region == credential.region);
        match provider.and_then(|(_, provider)| provider.replace_manually(credential, call.instant))
        {
            Some(secret) => SimulatorResponse::json(
                StatusCode::CREATED,
                &json!({"credential": name, "secret": secret}),
            ),
            None => error_response(
                StatusCode::CONFLICT,
                "the web pages offer no way to replace this credential now",
            ),
        }
    }
}

fn ok_response(body: &Value) -> SimulatorResponse {
    SimulatorResponse::json(StatusCode::OK, body)
}

fn error_response(status: StatusCode, what: &str) -> SimulatorResponse {
    SimulatorResponse::json(status, &json!({"error": what}))
}
