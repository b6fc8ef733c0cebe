//! Control listener: fault knobs, request counters, live secrets, and the actions that users take
//! on the providers' web pages.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::faults;
use super::server::SimulatorContext;
use crate::simulator::SeededCredential;
use crate::simulator::server::{
    SimulatedProvider, SimulatedService, SimulatorRequest, SimulatorResponse,
};

/// Service for paths under `/faults`; it needs no credential.
///
/// A web page that is open in a browser on this machine can send requests to loopback, too. The
/// browser reports such a page in the `Origin` header, and a host name that was pointed at loopback
/// in the `Host` header; both are refused.
pub(super) struct ControlService {
    /// Host and port of the listener, the only ones that a request may name.
    pub(super) authority: String,
    pub(super) context: Arc<SimulatorContext>,
    pub(super) providers: Vec<(&'static str, Arc<dyn SimulatedProvider>)>,
    pub(super) credentials: Vec<SeededCredential>,
}

impl SimulatedService for ControlService {
    fn respond(&self, request: &SimulatorRequest) -> SimulatorResponse {
        if let Some(reason) = self.foreign_page(request) {
            return error_response(StatusCode::FORBIDDEN, reason);
        }
        let SimulatorContext { faults, counters, .. } = &*self.context;
        match (&request.method, request.path.trim_end_matches('/')) {
            (&Method::GET, "/faults") => ok_response(&faults.describe()),
            (&Method::POST, "/faults") => self.set_fault(request),
            (&Method::DELETE, "/faults") => {
                faults.clear();
                ok_response(&faults.describe())
            }
            (&Method::GET, "/faults/requests") => ok_response(&counters.describe()),
            (&Method::DELETE, "/faults/requests") => {
                counters.clear();
                ok_response(&counters.describe())
            }
            (&Method::GET, "/faults/live") => ok_response(&self.describe_live_secrets(request)),
            (&Method::POST, "/faults/by-hand") => self.run_manual_action(request),
            _ => self.refuse(request, StatusCode::NOT_FOUND),
        }
    }

    fn refuse(&self, _call: &SimulatorRequest, status: StatusCode) -> SimulatorResponse {
        error_response(
            status,
            "the control listener has the paths /faults, /faults/requests, /faults/live and /faults/by-hand",
        )
    }
}

impl ControlService {
    /// Returns why a request may come from a web page of another site, if it may.
    fn foreign_page(&self, request: &SimulatorRequest) -> Option<&'static str> {
        let own_origin = format!("http://{}", self.authority);
        if request.header("host") != Some(self.authority.as_str()) {
            Some("the Host header is not the address of this listener")
        } else if request.has_header("origin") && request.header("origin") != Some(&own_origin) {
            Some("the Origin header names another site")
        } else {
            None
        }
    }

    /// Adds a fault rule, or advances the time.
    fn set_fault(&self, request: &SimulatorRequest) -> SimulatorResponse {
        let Some(input) = request.json().filter(Value::is_object) else {
            return error_response(StatusCode::BAD_REQUEST, "the body must be a JSON object");
        };
        if let Some(by) = input["advance_ms"].as_u64() {
            self.context.clock.advance(Duration::from_millis(by));
            return ok_response(&self.context.faults.describe());
        }
        let is_known = |id: &str| self.providers.iter().any(|(region, _)| *region == id);
        if input["region"].as_str().is_some_and(|id| !is_known(id)) {
            return error_response(StatusCode::BAD_REQUEST, "unknown region");
        }
        match faults::parse_rule(&input) {
            Ok(rule) => {
                self.context.faults.add(rule);
                SimulatorResponse::json(StatusCode::CREATED, &self.context.faults.describe())
            }
            Err(reason) => error_response(StatusCode::BAD_REQUEST, &reason),
        }
    }

    fn describe_live_secrets(&self, request: &SimulatorRequest) -> Value {
        let regions = self.providers.iter().flat_map(|(region, provider)| {
            provider.live_secrets(request.instant.now).into_iter().map(
                move |secret| json!({"region": region, "account": secret.account, "kind": secret.kind, "sha256": secret.sha256}),
            )
        });
        json!({"live": regions.collect::<Vec<Value>>()})
    }

    fn run_manual_action(&self, request: &SimulatorRequest) -> SimulatorResponse {
        let input = request.json().unwrap_or_default();
        if let Some(sha256) = input["revoke"].as_str() {
            let revoked = self
                .providers
                .iter()
                .any(|(_, provider)| provider.revoke_manually(sha256, request.instant));
            return ok_response(&json!({ "revoked": revoked }));
        }
        let name = input["credential"].as_str().unwrap_or_default();
        let Some(credential) = self.credentials.iter().find(|credential| credential.name == name)
        else {
            return error_response(
                StatusCode::NOT_FOUND,
                "the manifest has no credential with this name",
            );
        };
        let provider = self.providers.iter().find(|(region, _)| *region == credential.region);
        match provider
            .and_then(|(_, provider)| provider.replace_manually(credential, request.instant))
        {
            Some(secret) => SimulatorResponse::json(
                StatusCode::CREATED,
                &json!({"credential": name, "secret": secret}),
            ),
            None => error_response(
                StatusCode::CONFLICT,
                "the web pages cannot replace this credential now",
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
