//! What a request and an answer are, before any provider has put its own meaning on them.

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
    /// Acts on a request and answers it.
    fn respond(&self, call: &SimulatorRequest) -> SimulatorResponse;

    /// Refuses a request in this server's own words, without acting: what a fault knob asks for.
    fn refuse(&self, call: &SimulatorRequest, status: StatusCode) -> SimulatorResponse;
}

/// What the control listener may ask of a simulated provider.
pub(super) trait SimulatedProvider: Send + Sync {
    /// Every secret that is alive now.
    fn live_secrets(&self, now: UnixMillis) -> Vec<LiveSecretRecord>;

    /// Does what a person would do in the provider's web pages to replace a credential, and returns the new secret.
    fn replace_manually(&self, credential: &SeededCredential, at: RequestInstant)
    -> Option<String>;

    /// Does what a person would do there to end the secret with this fingerprint; says whether there was one.
    fn revoke_manually(&self, sha256: &str, at: RequestInstant) -> bool;
}

/// One living secret, named without telling it.
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

    /// Every value of a parameter that may be repeated or hold a comma-separated list.
    pub(super) fn query_values(&self, key: &str) -> Vec<&str> {
        self.query
            .iter()
            .filter(|(name, _)| name == key)
            .flat_map(|(_, value)| value.split(','))
            .collect()
    }

    /// The query with every parameter but `dropped`, to be continued.
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

    /// The scheme and the value of the `Authorization` header.
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

/// An answer.
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

    /// Sets a header, unless its value cannot be one.
    pub(super) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Sends `body` instead of the answer's own, which may be the answer's own in part. Of a header that was set
    /// twice, the later one counts.
    pub(super) fn into_response(self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A text that is safe inside HTML.
pub(super) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
