//! Preview of a request as it is sent over the network, without sending it.
//!
//! Start reading at [`preview_request`].

use bytes::Bytes;
use url::{Position, Url};

use super::host_binding::PreparedRequest;
use super::{HostBoundSecret, NetError, OutgoingRequest};
use crate::domain::redact::MASK;
use crate::domain::{Origin, Secret};

/// Request as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WirePreview {
    /// Path and query.
    pub path: String,
    /// All headers in the order in which they are sent, with lower-case names; the secret is masked.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<Bytes>,
}

/// Returns a request as it would be sent over HTTP/1.1, with a mask in place of a secret that is
/// sent with `scheme`. It is prepared in the same way as a request that is sent.
///
/// # Errors
///
/// Fails if sending would fail, as far as this can be checked without the secret.
pub fn preview_request(
    outgoing: OutgoingRequest,
    scheme: &str,
    origins: &[Origin],
) -> Result<WirePreview, NetError> {
    let authorization = Some(HostBoundSecret {
        scheme: scheme.to_owned(),
        secret: std::sync::Arc::new(Secret::from_text("stand-in".to_owned())),
        origins: origins.to_vec(),
    });
    let request = PreparedRequest::new(OutgoingRequest { authorization, ..outgoing })?;
    let shown = |name: &http::HeaderName, value: &http::HeaderValue| {
        let value = if *name == http::header::AUTHORIZATION {
            format!("{scheme} {MASK}").trim_start().to_owned()
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        (name.as_str().to_owned(), value)
    };
    let headers = request.headers_with_client();
    let headers = headers.iter().map(|(name, value)| shown(name, value));
    Ok(WirePreview {
        path: request.url[Position::BeforePath..Position::AfterQuery].to_owned(),
        headers: headers.chain([("host".to_owned(), host_and_port(&request.url))]).collect(),
        body: request.body().cloned(),
    })
}

fn host_and_port(url: &Url) -> String {
    url[Position::BeforeHost..Position::AfterPort].to_owned()
}
