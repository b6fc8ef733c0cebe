//! Requests and responses of the simulated servers, independent of any provider, and the traits
//! that a simulated service and provider implement.

use std::collections::HashMap;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde_json::Value;
use url::form_urlencoded;

use super::clock::{RequestInstant, UnixMillis};
use super::manifest::SeededCredential;

/// One simulated server behind one listener.
pub(super) trait SimulatedService: Send + Sync {
    /// Handles a request and returns the response.
    fn respond(&self, request: &SimulatorRequest) -> SimulatorResponse;

    /// Refuses a request in this server's own format, without any effect, as a fault knob requests.
    fn refuse(&self, request: &SimulatorRequest, status: StatusCode) -> SimulatorResponse;
}

/// Operations of a simulated provider for the control listener.
pub(super) trait SimulatedProvider: Send + Sync {
    /// Returns every live secret.
    fn live_secrets(&self, now: UnixMillis) -> Vec<LiveSecretRecord>;

    /// Replaces a credential as a user would on the provider's web pages, and returns the new
    /// secret.
    fn replace_manually(&self, credential: &SeededCredential, at: RequestInstant)
    -> Option<String>;

    /// Revokes the secret with this fingerprint as a user would there; returns whether it existed.
    fn revoke_manually(&self, sha256: &str, at: RequestInstant) -> bool;
}

/// One live secret, identified by its fingerprint.
#[derive(serde::Serialize)]
pub(super) struct LiveSecretRecord {
    pub(super) account: String,
    pub(super) kind: &'static str,
    pub(super) sha256: String,
}

/// A request.
pub(super) struct SimulatorRequest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) instant: RequestInstant,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl SimulatorRequest {
    pub(super) fn new(parts: Parts, body: Bytes, at: RequestInstant) -> Self {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            instant: at,
            query,
            headers: parts.headers,
            body,
        }
    }

    pub(super) fn path_segments(&self) -> Vec<&str> {
        self.path.split('/').skip(1).collect()
    }

    pub(super) fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Returns every value of a parameter that may be repeated or hold a comma-separated list.
    pub(super) fn query_values(&self, key: &str) -> Vec<&str> {
        self.query
            .iter()
            .filter(|(name, _)| name == key)
            .flat_map(|(_, value)| value.split(','))
            .collect()
    }

    /// Returns a serializer with every query parameter except `dropped`.
    pub(super) fn query_without(
        &self,
        dropped: &[&str],
    ) -> form_urlencoded::Serializer<'static, String> {
        let mut kept = form_urlencoded::Serializer::new(String::new());
        kept.extend_pairs(self.query.iter().filter(|(name, _)| !dropped.contains(&name.as_str())));
        kept
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the request has this header, with any value.
    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// Returns the scheme and the value of the `Authorization` header.
    pub(super) fn authorization(&self) -> Option<(&str, &str)> {
        self.header("authorization")?.split_once(' ').map(|(scheme, value)| (scheme, value.trim()))
    }

    pub(super) fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    pub(super) fn form(&self) -> HashMap<String, String> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A response.
pub(super) struct SimulatorResponse {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl SimulatorResponse {
    pub(super) fn new(status: StatusCode, media: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::empty(status) }.with_header(header::CONTENT_TYPE, media)
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, body: Vec::new(), headers: Vec::new() }
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string())
    }

    pub(super) fn html(status: StatusCode, page: &str) -> Self {
        Self::new(status, "text/html; charset=utf-8", page)
    }

    pub(super) fn redirect(status: StatusCode, to: &str) -> Self {
        Self::empty(status).with_header(header::LOCATION, to)
    }

    /// Sets a header, unless its value is invalid.
    pub(super) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Converts the response, with `body` in place of its own body, for example a part of it. Of a
    /// header that was set twice, the later value counts.
    pub(super) fn into_response(self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Escapes a text for HTML.
pub(super) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
