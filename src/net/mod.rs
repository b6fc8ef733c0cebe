//! How bytes travel: one HTTP client, host binding, bounded answers.
//!
//! The rule that matters is enforced here, below everything that could forget it: an [`Outgoing`] names the origins
//! its secret is bound to, and [`Transport::send`] refuses to attach the secret to any other, before the first byte
//! and after every redirect.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::problem::Problem;
use crate::domain::request::Method;
use crate::domain::response::Answer;
use crate::domain::{Origin, Secret};

/// What is to be sent.
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: url::Url,
    /// Headers, names lower case. `Authorization` is not among them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Payload,
    /// The secret to go along, and where it may go.
    pub authorization: Option<Bound>,
    /// What to bear with.
    pub limits: Limits,
    /// A PEM file with further certificate authorities.
    pub ca_file: Option<std::path::PathBuf>,
}

/// A secret, the scheme it is sent with, and the origins it is bound to.
pub struct Bound {
    /// The scheme, such as `token`.
    pub scheme: String,
    /// The secret.
    pub secret: std::sync::Arc<Secret>,
    /// Where it may go.
    pub origins: Vec<Origin>,
}

/// The body of a request.
pub enum Payload {
    /// None.
    Empty,
    /// Text that holds no secret.
    Text(String),
    /// Bytes that hold a secret (a form of a token exchange). They go only to the origins they are bound to, and
    /// never along a redirect.
    Sealed {
        /// The bytes.
        bytes: Secret,
        /// Where they may go.
        origins: Vec<Origin>,
    },
}

/// What to bear with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the whole answer is here.
    pub total: Duration,
    /// The largest body in bytes; the rest is not read.
    pub body: u64,
}

/// A way to send requests; the real one is [`Client`].
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and reads the answer, within its limits. Dropping the future cancels it.
    async fn send(&self, outgoing: Outgoing) -> Result<Answer, NetError>;
}

/// The HTTP client. It is built at the first request, because that reads all certificate files.
#[derive(Default)]
pub struct Client {}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The secret is not bound to that origin; nothing was sent.
    #[error("the credential is not bound to {0}")]
    NotBound(String),
    /// No connection within its limit, or no whole answer.
    #[error("no answer from {host} within {} s", .limit.as_secs_f32())]
    TimedOut {
        /// Who did not answer.
        host: String,
        /// The limit that ran out.
        limit: Duration,
    },
    /// No connection: name resolution, refused, unreachable, TLS. The whole chain of causes is in the text.
    #[error("no connection to {host}: {why}")]
    NoConnection {
        /// Who was to be reached.
        host: String,
        /// The causes, outermost first.
        why: String,
    },
    /// The answer broke off.
    #[error("the answer of {host} broke off: {why}")]
    CutOff {
        /// Who was answering.
        host: String,
        /// The causes.
        why: String,
    },
    /// Redirected too often, or in a circle.
    #[error("{host} redirects in a circle")]
    Redirects {
        /// Who redirects.
        host: String,
    },
    /// The request cannot be sent as it is (a header that is none, a certificate file that cannot be read).
    #[error("the request cannot be sent: {0}")]
    Unsendable(String),
}

impl From<NetError> for Problem {
    fn from(error: NetError) -> Self {
        Self::new("No answer", error.to_string(), "spine")
    }
}
