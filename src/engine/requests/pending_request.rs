//! Request that is about to be sent, with everything that decides how.
//!
//! Start with [`PendingRequest`]; `execute` sends it.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::OnceCell;

use super::request_body::LoadedBody;
use crate::domain::provider::CredentialKind;
use crate::domain::region::Region;
use crate::domain::request::RequestDraft;
use crate::domain::{Credential, Problem, Secret};
use crate::engine::requests::service::RequestService;
use crate::net::{HostBoundSecret, NetError, RequestBody, RequestLimits};

/// Request that is about to be sent.
pub(in crate::engine) struct PendingRequest<'a> {
    /// The credential that it is sent with.
    pub(super) credential: &'a Credential,
    /// Kind of the credential.
    pub(super) kind: &'a CredentialKind,
    /// The region that it is sent to.
    pub(super) region: &'a Region,
    /// Method, URL, headers and body.
    pub(super) draft: &'a RequestDraft,
    /// Body with a secret, in place of the draft's body.
    secret_body: Option<SecretBodyTemplate<'a>>,
    /// Timeouts and size limits.
    pub(super) limits: RequestLimits,
    /// What authorizes it.
    pub(super) authentication: RequestAuthentication,
    /// What happens when the quota of the credential is used up.
    pub(super) rate_limit: RateLimitPolicy<'a>,
    /// The draft's body with the content of its files, read once for all attempts.
    loaded_body: OnceCell<LoadedBody>,
    /// When the first attempt began.
    first_attempt: OnceLock<Instant>,
}

/// What authorizes a request.
pub(in crate::engine) enum RequestAuthentication {
    /// The current secret of the credential, or an access token for it. A refused scheme or access
    /// token is replaced once, where repeating is safe.
    Current,
    /// Like `Current`, with the current secret, which is sent verbatim and was already read.
    Loaded(Arc<Secret>),
    /// Exactly this secret under this scheme; a refusal is the result.
    Fixed(HostBoundSecret),
}

/// What happens when the quota of the credential is used up, or when the provider refuses a request
/// for that reason.
#[derive(Clone, Copy)]
pub(in crate::engine) enum RateLimitPolicy<'a> {
    /// Wait for the next window, and send a read-only request again. The function is called before
    /// every wait.
    WaitForReset(&'a (dyn Fn(Duration) + Sync)),
    /// Wait briefly, and send once in any case: many others wait for the outcome, and a refusal is
    /// one too.
    WaitBriefly,
}

/// JSON body with a placeholder for a secret.
#[derive(Clone, Copy)]
pub(in crate::engine) struct SecretBodyTemplate<'a> {
    /// The body with the placeholder.
    pub(in crate::engine) template: &'a Value,
    /// The placeholder, a string of the template.
    pub(in crate::engine) placeholder: &'a str,
    /// The secret.
    pub(in crate::engine) secret: &'a Secret,
}

impl RequestService {
    /// Returns a draft that is about to be sent with a credential: authorized by the current secret,
    /// with the limits of a console request, and after a brief wait for the rate limit.
    pub(in crate::engine) fn pending_request<'a>(
        &'a self,
        credential: &'a Credential,
        region: &'a Region,
        draft: &'a RequestDraft,
    ) -> Result<PendingRequest<'a>, Problem> {
        Ok(PendingRequest {
            credential,
            kind: self.catalog.kind(&credential.provider, &credential.kind)?,
            region,
            draft,
            secret_body: None,
            limits: self.limits,
            authentication: RequestAuthentication::Current,
            rate_limit: RateLimitPolicy::WaitBriefly,
            loaded_body: OnceCell::new(),
            first_attempt: OnceLock::new(),
        })
    }
}

impl<'a> PendingRequest<'a> {
    /// Returns the request with the limits of a check or a probe, whose responses are small.
    #[must_use]
    pub(in crate::engine) fn with_check_limits(self) -> Self {
        Self { limits: self.limits.for_checks(), ..self }
    }

    /// Returns the request with this authentication.
    #[must_use]
    pub(in crate::engine) fn with_authentication(
        self,
        authentication: RequestAuthentication,
    ) -> Self {
        Self { authentication, ..self }
    }

    /// Returns the request with this policy.
    #[must_use]
    pub(in crate::engine) fn with_rate_limit(self, rate_limit: RateLimitPolicy<'a>) -> Self {
        Self { rate_limit, ..self }
    }

    /// Returns the request with this body; `None` leaves the body of the draft.
    #[must_use]
    pub(in crate::engine) fn with_secret_body(
        self,
        secret_body: Option<SecretBodyTemplate<'a>>,
    ) -> Self {
        Self { secret_body, ..self }
    }

    /// Returns how long ago the first attempt began: the wait for the quota before it does not
    /// count.
    pub(in crate::engine) fn elapsed(&self) -> Duration {
        self.first_attempt.get().map(Instant::elapsed).unwrap_or_default()
    }

    /// Returns the body of the draft; its files are read once.
    pub(super) async fn load_body(&self) -> Result<&LoadedBody, Problem> {
        self.loaded_body.get_or_try_init(|| LoadedBody::load(self.draft.body.as_ref())).await
    }

    /// Notes that an attempt begins.
    pub(super) fn begin_attempt(&self) {
        self.first_attempt.get_or_init(Instant::now);
    }

    /// Returns the body with a secret, if it has one. It is bound to the same hosts as the
    /// authorization.
    pub(super) fn secret_body(
        &self,
        bound: &HostBoundSecret,
    ) -> Result<Option<RequestBody>, NetError> {
        let Some(SecretBodyTemplate { template, placeholder, secret }) = self.secret_body else {
            return Ok(None);
        };
        let origins = bound.origins.clone();
        RequestBody::from_json_template(template, placeholder, secret, origins)
            .map(Some)
            .ok_or_else(|| NetError::InvalidRequest("the secret is not text".to_owned()))
    }
}
