//! Request that is about to be sent, with everything that decides how.
//!
//! Start with [`PendingRequest`]; `execute` sends it.
//!
//! Body of a request, with the content of its files.
//!
//! Start with [`LoadedBody::load`].

use std::io::Read as _;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::http_exchange::{DeliveryOptions, WaitCallback};
use crate::domain::problem::ProblemClass;
use crate::domain::provider::CredentialKind;
use crate::domain::region::Region;
use crate::domain::request::{DraftBody, EncodedBody, RequestDraft};
use crate::domain::text::sanitize_line;
use crate::domain::{Credential, Problem, Secret};
use crate::engine::requests::RequestService;
use crate::net::{BodySink, HostBoundSecret, NetError, RequestBody, RequestLimits};

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
    /// Deadline and repetitions.
    pub(super) delivery: DeliveryOptions,
    /// The draft's body with the content of its files, read once for all attempts.
    loaded_body: OnceCell<LoadedBody>,
    /// Who records what the outcome says about the credential.
    pub(super) outcome_recording: OutcomeRecording,
    /// Receiver of the body of the response.
    pub(super) sink: Option<Arc<dyn BodySink>>,
    /// When the first attempt began.
    first_attempt: OnceLock<Instant>,
}

/// What authorizes a request.
#[derive(Clone)]
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
    WaitForReset(WaitCallback<'a>),
    /// Wait briefly, and send once in any case: many others wait for the outcome, and a refusal is
    /// one too.
    WaitBriefly,
}

/// Who records what the outcome of a request says about the credential's current secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum OutcomeRecording {
    /// The request, when its outcome is known.
    Automatic,
    /// The caller, if anyone: the secret is not the current one, or many results are recorded
    /// together.
    ByCaller,
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
            delivery: DeliveryOptions::default(),
            loaded_body: OnceCell::new(),
            outcome_recording: OutcomeRecording::Automatic,
            sink: None,
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

    /// Returns the request with this recording of its outcome.
    #[must_use]
    pub(in crate::engine) fn with_outcome_recording(
        self,
        outcome_recording: OutcomeRecording,
    ) -> Self {
        Self { outcome_recording, ..self }
    }

    /// Returns the request with this policy.
    #[must_use]
    pub(in crate::engine) fn with_rate_limit(self, rate_limit: RateLimitPolicy<'a>) -> Self {
        Self { rate_limit, ..self }
    }

    /// Returns the request with this deadline and these repetitions.
    #[must_use]
    pub(super) fn with_delivery(self, delivery: DeliveryOptions) -> Self {
        let mut limits = self.limits;
        if let Some(timeout) = delivery.timeout {
            limits.total_timeout = timeout;
            limits.connect_timeout = limits.connect_timeout.min(timeout);
        }
        Self { limits, delivery, ..self }
    }

    /// Returns the request with a receiver of the body of its response.
    #[must_use]
    pub(in crate::engine) fn with_sink(self, sink: Arc<dyn BodySink>) -> Self {
        Self { sink: Some(sink), ..self }
    }

    /// Returns the same request with another draft: for the rest of a response that broke off.
    pub(super) fn for_rest<'b>(&'b self, draft: &'b RequestDraft) -> PendingRequest<'b> {
        PendingRequest {
            credential: self.credential,
            kind: self.kind,
            region: self.region,
            draft,
            secret_body: self.secret_body,
            limits: self.limits,
            authentication: self.authentication.clone(),
            rate_limit: self.rate_limit,
            delivery: self.delivery,
            loaded_body: OnceCell::new(),
            outcome_recording: self.outcome_recording,
            sink: self.sink.clone(),
            first_attempt: OnceLock::new(),
        }
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

/// Maximum size of a file in a body. The body is held in memory, so that it can be sent again.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// Body that is ready to be sent.
#[derive(Clone, Default)]
pub(super) struct LoadedBody {
    bytes: Option<Bytes>,
    /// Boundary of a form.
    pub(super) boundary: Option<String>,
}

impl LoadedBody {
    /// Reads the files of a body on a thread for blocking work.
    pub(super) async fn load(body: Option<&DraftBody>) -> Result<Self, Problem> {
        match body {
            Some(body) if body.reads_file() => {
                let body = body.clone();
                tokio::task::spawn_blocking(move || Self::load_blocking(Some(&body)))
                    .await
                    .unwrap_or_else(|_| Err(read_problem("the program is exiting")))
            }
            body => Self::load_blocking(body),
        }
    }

    /// Reads the files of a body.
    pub(super) fn load_blocking(body: Option<&DraftBody>) -> Result<Self, Problem> {
        let Some(body) = body else { return Ok(Self::default()) };
        let EncodedBody { bytes, boundary } = body.encode(read_file)?;
        Ok(Self { bytes: Some(bytes.into()), boundary })
    }

    /// Returns the body for the transport.
    pub(super) fn to_request_body(&self) -> RequestBody {
        self.bytes.clone().map_or(RequestBody::Empty, RequestBody::Plain)
    }
}

fn read_file(path: &str) -> Result<Vec<u8>, Problem> {
    let failed =
        |error: &dyn std::fmt::Display| read_problem(&format!("{}: {error}", sanitize_line(path)));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(failed(&"the file is larger than 512 MiB"));
    }
    Ok(bytes)
}

fn read_problem(why: &str) -> Problem {
    Problem::new("The body could not be read", why, "name a readable file after @")
        .with_class(ProblemClass::Usage)
}
