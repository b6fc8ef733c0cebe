//! Network requests: HTTP client, host binding, token exchange and sign-in.
//!
//! This module enforces the most important rule, below all code that could miss it: an
//! [`OutgoingRequest`] names the origins that its secret is bound to, and [`Transport::send`] sends
//! the secret to no other origin, checked before the first byte and after every redirect.
//!
//! The path of a request: `host_binding` checks it, `client` sends it and follows safe redirects,
//! `body` reads the response within its limits, `content_decoding` decompresses it and `response`
//! masks the secret that was sent. [`oauth`] turns
//! a secret that is never sent to an API into an access token. Start reading at [`Transport`].

mod body;
mod body_stream;
mod certificates;
mod client;
mod connect_timing;
mod content_decoding;
mod error;
mod host_binding;
pub mod oauth;
mod proxy;
mod response;
mod secret_body;
mod wire_preview;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use body_stream::BodySink;
pub use certificates::{CaInfo, load_ca_info};
pub use client::{HttpClient, ProxyConfig};
pub use error::{BodyFault, ConnectFailure, NetError, RedirectHazard};
pub use proxy::parse_proxy;
pub use wire_preview::{WirePreview, preview_request};

use crate::domain::request::HttpMethod;
use crate::domain::response::ApiResponse;
use crate::domain::{Origin, Secret};

/// Request to send.
pub struct OutgoingRequest {
    /// HTTP method.
    pub method: HttpMethod,
    /// URL without user name and password.
    pub url: url::Url,
    /// Headers with lower-case names, without `Authorization`, `Host` and the headers that frame
    /// the message.
    pub headers: Vec<(String, String)>,
    /// Names of headers that the client does not add.
    pub removed_headers: Vec<String>,
    /// Body of the request.
    pub body: RequestBody,
    /// Secret for the authorization header, with the origins that it is bound to.
    pub authorization: Option<HostBoundSecret>,
    /// Limits of the request.
    pub limits: RequestLimits,
    /// PEM file with additional certificate authorities.
    pub ca_file: Option<PathBuf>,
}

/// Secret with its authorization scheme and the origins that it is bound to.
#[derive(Clone)]
pub struct HostBoundSecret {
    /// Authorization scheme, such as `token`; empty if the secret is sent without a scheme.
    pub scheme: String,
    /// The secret.
    pub secret: Arc<Secret>,
    /// Origins that the secret may be sent to.
    pub origins: Vec<Origin>,
}

/// Body of a request.
pub enum RequestBody {
    /// No body.
    Empty,
    /// Bytes without the secret.
    Plain(bytes::Bytes),
    /// Bytes that contain a secret (a form of a token exchange). They are sent only to the origins
    /// that they are bound to, and never along a redirect.
    HostBoundBytes {
        /// Bytes of the body.
        bytes: Secret,
        /// Origins that the body may be sent to.
        origins: Vec<Origin>,
    },
}

/// Limits of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Timeout for establishing the connection: DNS, TCP, proxy and TLS together.
    pub connect_timeout: Duration,
    /// Timeout for the complete response, including redirects.
    pub total_timeout: Duration,
    /// Size limit of the body in bytes, after decompression; the rest is not read.
    pub max_body_bytes: u64,
}

impl RequestLimits {
    /// Size limit of the responses to checks, probes and token exchanges, in bytes.
    pub const MAX_CHECK_BODY_BYTES: u64 = 1 << 20;

    /// Returns the limits of a check, a probe or a token exchange, whose responses are small.
    #[must_use]
    pub fn for_checks(self) -> Self {
        Self { max_body_bytes: self.max_body_bytes.min(Self::MAX_CHECK_BODY_BYTES), ..self }
    }
}

/// Sender of requests; [`HttpClient`] is the real one.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and reads the response within its limits. Dropping the future cancels the
    /// request and closes the connection.
    async fn send(&self, outgoing: OutgoingRequest) -> Result<ApiResponse, NetError>;

    /// Sends a request and passes the body of its response to a receiver, if the receiver takes it;
    /// the response then has no body. Otherwise the body is read like that of any other request.
    async fn send_to_sink(
        &self,
        outgoing: OutgoingRequest,
        sink: Arc<dyn BodySink>,
    ) -> Result<ApiResponse, NetError> {
        drop(sink);
        self.send(outgoing).await
    }
}
