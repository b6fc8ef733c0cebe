//! Preview of a request: what would be sent, without sending it and without the store.
//!
//! Serves `--dry-run` and `--curl`. Start with [`RequestService::preview_request`].

use super::http_exchange::WriteConsent;
use crate::domain::curl::export as curl;
use crate::domain::curl::export::CurlCommand;
use crate::domain::provider::AuthMethod;
use crate::domain::request::RequestDraft;
use crate::domain::{Credential, Problem};
use crate::engine::requests::service::RequestService;
use crate::net;

/// Request as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPreview {
    /// The method.
    pub method: &'static str,
    /// Scheme, host and port.
    pub origin: String,
    /// Path and query, as written.
    pub path: String,
    /// Every header; the secret is masked.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
    /// Description of the token exchange that would precede the request.
    pub preceding_exchange: Option<String>,
}

impl RequestService {
    /// Returns what would be sent for a draft. A draft that would not be sent is a problem, as when
    /// sending.
    pub fn preview_request(
        &self,
        credential: &Credential,
        draft: &RequestDraft,
    ) -> Result<RequestPreview, Problem> {
        self.check_allowed(draft, WriteConsent::Given)?;
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let request = self.pending_request(credential, region, draft)?;
        let (outgoing, kind) = (self.unauthorized_request(&request)?, request.kind);
        let scheme = credential.scheme.as_deref().unwrap_or(kind.authorization.scheme());
        let lines = net::preview_request(&outgoing, scheme, &region.bound_origins())?;
        Ok(RequestPreview {
            method: draft.method.as_str(),
            origin: outgoing.url.origin().ascii_serialization(),
            path: lines.path,
            headers: lines.headers,
            body: draft.body.clone(),
            preceding_exchange: describe_preceding_exchange(&kind.authorization),
        })
    }

    /// Converts a draft to a curl command, with a variable for the secret.
    pub fn curl_command(
        &self,
        credential: &Credential,
        draft: &RequestDraft,
    ) -> Result<CurlCommand, Problem> {
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let provider = self.catalog.provider(&credential.provider)?;
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let scheme = credential.scheme.as_deref().unwrap_or(kind.authorization.scheme());
        Ok(curl::build_curl_command(draft, curl::CurlContext { provider, kind, region, scheme })?)
    }
}

fn describe_preceding_exchange(authorization: &AuthMethod) -> Option<String> {
    let endpoint = match authorization {
        AuthMethod::Header { .. } => return None,
        AuthMethod::ClientCredentials { token, .. } | AuthMethod::RefreshToken { token, .. } => {
            token.clone()
        }
        AuthMethod::Exchange { endpoints, .. } => endpoints.first()?.path.clone(),
    };
    Some(format!(
        "the secret is first exchanged for an access token at {endpoint}, unless one is cached"
    ))
}
