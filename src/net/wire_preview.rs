//! Preview of a request as it is sent over the network, without sending it.
//!
//! Start reading at [`preview_request`].

use url::{Position, Url};

use super::client::USER_AGENT;
use super::{HostBoundSecret, NetError, OutgoingRequest, RequestBody};
use crate::domain::Origin;
use crate::domain::redact::MASK;

/// Request as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WirePreview {
    /// Path and query.
    pub path: String,
    /// All headers, including those that the client adds, with lower-case names; the secret is
    /// masked.
    pub headers: Vec<(String, String)>,
}

/// Returns a request as it would be sent over HTTP/1.1, with a mask in place of a secret that is
/// sent with `scheme`.
///
/// # Errors
///
/// Fails if sending would fail, as far as this can be checked without the secret.
pub fn preview_request(
    outgoing: &OutgoingRequest,
    scheme: &str,
    origins: &[Origin],
) -> Result<WirePreview, NetError> {
    check_sendable(outgoing, origins)?;
    let url = &outgoing.url;
    let mut headers = vec![
        ("host".to_owned(), host_and_port(url)),
        ("authorization".to_owned(), format!("{scheme} {MASK}").trim_start().to_owned()),
    ];
    let own =
        |name: &str| outgoing.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let ours = [("accept", "*/*"), ("user-agent", USER_AGENT), ("accept-encoding", "gzip")];
    headers.extend(
        ours.iter()
            .filter(|(name, _)| !own(name))
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    headers.extend(outgoing.headers.iter().cloned());
    if let RequestBody::Text(text) = &outgoing.body {
        headers.push(("content-length".to_owned(), text.len().to_string()));
    }
    Ok(WirePreview { path: url[Position::BeforePath..Position::AfterQuery].to_owned(), headers })
}

/// Runs the checks of sending with a placeholder for the secret.
fn check_sendable(outgoing: &OutgoingRequest, origins: &[Origin]) -> Result<(), NetError> {
    let secret = std::sync::Arc::new(crate::domain::Secret::from_text("stand-in".to_owned()));
    let stand_in = OutgoingRequest {
        method: outgoing.method,
        url: outgoing.url.clone(),
        headers: outgoing.headers.clone(),
        body: RequestBody::Empty,
        authorization: Some(HostBoundSecret {
            scheme: "x".to_owned(),
            secret,
            origins: origins.to_vec(),
        }),
        limits: outgoing.limits,
        ca_file: None,
    };
    super::host_binding::PreparedRequest::new(stand_in).map(drop)
}

fn host_and_port(url: &Url) -> String {
    url[Position::BeforeHost..Position::AfterPort].to_owned()
}
