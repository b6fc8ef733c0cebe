//! How bytes travel: one HTTP client, host binding, bounded answers.
//!
//! The rule that matters is enforced here, below everything that could forget it: an [`OutgoingRequest`] names the origins
//! its secret is bound to, and [`Transport::send`] refuses to attach the secret to any other, before the first byte
//! and after every redirect. The way of a request: `leg` checks and binds it, `client` sends it and follows safe
//! redirects, `reading` takes the answer in, bounded and cleaned. [`exchange`] and [`oauth`] turn a secret that is
//! never sent to an API into the access token that is.

mod assertion;
pub mod callback;
mod certificates;
mod claims;
mod client;
mod connect_timing;
mod error;
pub mod exchange;
mod form;
mod host_binding;
pub mod oauth;
mod response;
mod sealed;
pub mod sign_in;
mod token_response;
mod wire_preview;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use certificates::{CaInfo, load_ca_info};
pub use claims::AccessTokenClaims;
pub use client::{HttpClient, ProxyConfig};
pub use error::{ConnectFailure, NetError};
pub use wire_preview::{WirePreview, preview_request};

use crate::domain::request::HttpMethod;
use crate::domain::response::ApiResponse;
use crate::domain::{Origin, Secret};

/// What is to be sent.
pub struct OutgoingRequest {
    /// The method.
    pub method: HttpMethod,
    /// Where to. It holds no user name and no password.
    pub url: url::Url,
    /// Headers, names lower case. `Authorization` is not among them, nor `Host`, nor anything that frames the message.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: RequestBody,
    /// The secret to go along, and where it may go.
    pub authorization: Option<HostBoundSecret>,
    /// What to bear with.
    pub limits: RequestLimits,
    /// A PEM file with further certificate authorities.
    pub ca_file: Option<PathBuf>,
}

/// A secret, the scheme it is sent with, and the origins it is bound to.
pub struct HostBoundSecret {
    /// The scheme, such as `token`; empty where the secret stands alone.
    pub scheme: String,
    /// The secret.
    pub secret: Arc<Secret>,
    /// Where it may go.
    pub origins: Vec<Origin>,
}

/// The body of a request.
pub enum RequestBody {
    /// None.
    Empty,
    /// Text that holds no secret.
    Text(String),
    /// Bytes that hold a secret (a form of a token exchange). They go only to the origins they are bound to, and
    /// never along a redirect.
    HostBoundBytes {
        /// The bytes.
        bytes: Secret,
        /// Where they may go.
        origins: Vec<Origin>,
    },
}

/// What to bear with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Until a connection stands: name, socket, proxy and TLS together.
    pub connect_timeout: Duration,
    /// Until the whole answer is here, redirects included.
    pub total_timeout: Duration,
    /// The largest body in bytes, after decompression; the rest is not read.
    pub max_body_bytes: u64,
}

/// A way to send requests; the real one is [`HttpClient`].
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and reads the answer, within its limits. Dropping the future cancels it and closes the
    /// connection.
    async fn send(&self, outgoing: OutgoingRequest) -> Result<ApiResponse, NetError>;
}
