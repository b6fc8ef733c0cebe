//! Preview of a request: what would be sent, without sending it and without the store.
//!
//! Serves `--dry-run`, `--as` and `--curl`. Start with [`RequestService::preview_request`].

use super::http_exchange::WriteConsent;
use crate::domain::provider::AuthMethod;
use crate::domain::redact::SecretRedactor;
use crate::domain::request::RequestDraft;
use crate::domain::request::export::{
    ExportContext, ExportFormat, ExportedRequest, export_request,
};
use crate::domain::{Credential, Problem};
use crate::engine::requests::RequestService;
use crate::engine::requests::pending_request::LoadedBody;
use crate::net::{self, WirePreview};

/// Request as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPreview {
    /// The method.
    pub method: &'static str,
    /// Scheme, host and port.
    pub origin: String,
    /// Path and query, as written.
    pub path: String,
    /// Every header, in the order in which it is sent; the secret is masked.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// Whether something that looks like a secret is masked in path, headers or body, in addition
    /// to the credential's own header.
    pub masked: bool,
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
        let body = LoadedBody::load_blocking(draft.body.as_ref())?;
        let (outgoing, kind) = (self.unauthorized_request(&request, &body)?, request.kind);
        let scheme = credential.scheme.as_deref().unwrap_or(kind.authorization.scheme());
        let origin = outgoing.url.origin().ascii_serialization();
        let preview = RequestPreview {
            preceding_exchange: describe_preceding_exchange(&kind.authorization),
            ..RequestPreview::new(
                draft,
                origin,
                net::preview_request(outgoing, scheme, &region.bound_origins())?,
            )
        };
        Ok(preview)
    }

    /// Exports a draft for another client, with a variable for the secret.
    pub fn export_request(
        &self,
        credential: &Credential,
        draft: &RequestDraft,
        format: ExportFormat,
    ) -> Result<ExportedRequest, Problem> {
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let provider = self.catalog.provider(&credential.provider)?;
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let scheme = credential.scheme.as_deref().unwrap_or(kind.authorization.scheme());
        Ok(export_request(draft, ExportContext { provider, kind, region, scheme }, format)?)
    }
}

impl RequestPreview {
    /// Returns the preview without what looks like a secret. The store is not opened, so secrets are
    /// recognized by their form only.
    fn new(draft: &RequestDraft, origin: String, wire: WirePreview) -> Self {
        let redactor = SecretRedactor::default();
        let WirePreview { path, headers, body } = wire;
        let clean_headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.clone(), redactor.redact(value))).collect();
        let clean_body = body.as_ref().map(|bytes| match std::str::from_utf8(bytes) {
            Ok(text) => redactor.redact(text).into_bytes(),
            Err(_) => bytes.to_vec(),
        });
        let clean_path = redactor.redact(&path);
        Self {
            masked: clean_path != path
                || clean_headers != headers
                || clean_body.as_deref() != body.as_deref(),
            method: draft.method.as_str(),
            origin,
            path: clean_path,
            headers: clean_headers,
            body: clean_body,
            preceding_exchange: None,
        }
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
