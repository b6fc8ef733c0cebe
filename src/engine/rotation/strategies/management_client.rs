//! Client for all management calls of the strategies.
//!
//! It binds the calling credential's secret to its hosts, removes new secrets from a response
//! before anything else reads it, and classifies every outcome by what the rotation may do next.
//! Start at `ManagementClient::call`.

use serde_json::Value;

use super::RevocationResponse;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::provider::{CredentialKind, Provider};
use crate::domain::redact::{SecretRedactor, json_members};
use crate::domain::region::{HostRole, Region};
use crate::domain::request::{HttpMethod, RequestDraft, RequestTarget};
use crate::domain::response::{ApiResponse, error_message};
use crate::domain::rotation::{StepFailure, StepFailureKind};
use crate::domain::{Credential, CredentialId, Problem, Secret, text};
use crate::engine::requests::access_tokens::SendError;
use crate::engine::requests::pending_request::{RequestAuthentication, SecretBodyTemplate};
use crate::engine::rotation::{RotationService, StepResult};
use crate::engine::secrets::bindings::BoundRegion;
use crate::net::NetError;
use crate::net::oauth::exchange::TokenExchangeError;

/// Maximum length of the provider's reason for a refusal, in characters.
const MAX_REASON_CHARS: usize = 300;

/// Placeholder in a body template for the secret.
pub(super) const SECRET_PLACEHOLDER: &str = "‹the old secret›";

/// Client for management calls about one credential.
pub(in crate::engine) struct ManagementClient<'a> {
    /// The service.
    pub service: &'a RotationService,
    /// Credential that is rotated, as the index has it.
    pub credential: Credential,
    /// Kind of the credential.
    pub kind: &'a CredentialKind,
    /// Region of the credential.
    pub region: &'a Region,
    /// Strategy of its rotation.
    pub strategy_id: RotationStrategyId,
    /// Credential that authenticates the calls with its current secret.
    pub caller: CredentialId,
}

/// Management call.
pub(super) struct ManagementRequest<'a> {
    pub method: HttpMethod,
    pub path: String,
    pub query: &'a [(&'a str, &'a str)],
    pub body: ManagementBody<'a>,
}

/// Body of a management call.
pub(super) enum ManagementBody<'a> {
    Empty,
    Json(Value),
    /// A template with [`SECRET_PLACEHOLDER`] in place of the secret.
    JsonWithSecret(Value, &'a Secret),
}

/// Response of a provider, with its secrets separated.
pub(in crate::engine) struct ManagementResponse {
    /// HTTP status, below 500.
    pub status: u16,
    /// Body with a mask for each secret; null where it is not JSON.
    pub body: Value,
    /// Secrets, by the member that contained them.
    pub secrets: Vec<(String, Secret)>,
    reason: String,
}

impl ManagementClient<'_> {
    /// Sends a call. Server errors and temporary refusals are failures; any other response is
    /// returned.
    pub(super) async fn call(&self, call: ManagementRequest<'_>) -> StepResult<ManagementResponse> {
        let caller = self.load_caller().await?;
        let response = self.send(&caller, &call).await?;
        let response = if response.status == 401 {
            self.retry_unauthorized(caller, &call, response).await?
        } else {
            response
        };
        let parsed = self.parse_response(&response, &call)?;
        match parsed.status {
            429 => Err(parsed.to_failure(StepFailureKind::Retryable)),
            408 | 500.. if call.method.is_safe() => {
                Err(parsed.to_failure(StepFailureKind::Retryable))
            }
            408 | 500.. => Err(parsed.to_failure(StepFailureKind::OutcomeUnknown)),
            _ => Ok(parsed),
        }
    }

    /// Returns a field of the credential.
    pub(super) fn field(&self, id: &str) -> Option<&str> {
        self.credential.fields.get(id).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the region if the credential's secret may be sent to its hosts.
    pub(super) async fn bound_region(&self) -> StepResult<BoundRegion<'_>> {
        self.service
            .bindings
            .verify_region(&self.credential, self.region)
            .await
            .map_err(|problem| failure_from_problem(&problem))
    }

    async fn load_caller(&self) -> StepResult<Credential> {
        self.service
            .database
            .credential_by_id(&self.caller)
            .await
            .map_err(|problem| failure_from_problem(&problem))
    }

    async fn send(
        &self,
        caller: &Credential,
        call: &ManagementRequest<'_>,
    ) -> StepResult<ApiResponse> {
        self.send_once(caller, call)
            .await
            .map_err(|error| failure_from_call_error(error, call.method))
    }

    /// Retries a call that got 401, which means that nothing happened. The scheme of the calling
    /// credential may not be known yet, or its access token may have expired; a check, which only
    /// reads, finds out, and then the call is sent again.
    async fn retry_unauthorized(
        &self,
        caller: Credential,
        call: &ManagementRequest<'_>,
        refused: ApiResponse,
    ) -> StepResult<ApiResponse> {
        self.service.requests.drop_cached_tokens(&caller.id);
        let region = self.region.id.clone();
        if self.service.checks.check(&caller, &region).await.is_err() {
            return Ok(refused);
        }
        let caller = self.load_caller().await?;
        self.send(&caller, call).await
    }

    async fn send_once(
        &self,
        caller: &Credential,
        call: &ManagementRequest<'_>,
    ) -> Result<ApiResponse, SendError> {
        let catalog = &self.service.catalog;
        let kind = catalog.kind(&caller.provider, &caller.kind).map_err(Problem::from)?;
        let bound = self.service.requests.authorize_and_record(caller, kind, self.region).await?;
        let provider = catalog.provider(&self.credential.provider).map_err(Problem::from)?;
        let draft = call.to_draft(provider);
        let request = self
            .service
            .requests
            .pending_request(caller, self.region, &draft)?
            .with_authentication(RequestAuthentication::Fixed(bound))
            .with_secret_body(call.body.secret_template());
        Ok(self.service.requests.execute(&request).await?.response)
    }

    fn parse_response(
        &self,
        response: &ApiResponse,
        call: &ManagementRequest<'_>,
    ) -> StepResult<ManagementResponse> {
        let provider = self.service.catalog.provider(&self.credential.provider);
        let provider = provider.map_err(|error| failure_from_problem(&error.into()))?;
        let text = response.body.text().unwrap_or_default();
        let captured = json_members::capture_secrets(text.as_bytes(), &provider.secret_members);
        if response.truncated && !call.method.is_safe() {
            return Err(StepFailure::new(
                StepFailureKind::OutcomeUnknown,
                "the response is too long",
            ));
        }
        let mut redactor = SecretRedactor::default();
        if let ManagementBody::JsonWithSecret(_, secret) = &call.body {
            redactor.add_secret(secret);
        }
        let reason = extract_reason(&redactor.redact(&captured.text()));
        let body = serde_json::from_str(&captured.text()).unwrap_or_default();
        Ok(ManagementResponse { status: response.status, body, secrets: captured.secrets, reason })
    }
}

impl<'a> ManagementRequest<'a> {
    /// Creates a call of Snyk's REST API.
    pub(super) fn for_snyk(method: HttpMethod, path: String, body: ManagementBody<'a>) -> Self {
        Self { method, path, query: &[("version", "2024-10-15")], body }
    }

    fn to_draft(&self, provider: &Provider) -> RequestDraft {
        let mut draft = RequestDraft::new(
            self.method,
            RequestTarget::Path { place: HostRole::Api, path: self.path.clone() },
        );
        draft.query = self
            .query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        if !matches!(self.body, ManagementBody::Empty) {
            let media_type = provider.media_type(&self.path).to_owned();
            draft.headers.push(("content-type".to_owned(), media_type));
        }
        if let ManagementBody::Json(value) = &self.body {
            draft.body = Some(value.to_string().into());
        }
        draft
    }
}

impl ManagementBody<'_> {
    /// Returns the template of a body with a secret.
    fn secret_template(&self) -> Option<SecretBodyTemplate<'_>> {
        let Self::JsonWithSecret(template, secret) = self else { return None };
        Some(SecretBodyTemplate { template, placeholder: SECRET_PLACEHOLDER, secret })
    }
}

impl ManagementResponse {
    /// Returns whether the status is a success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns a text in the body.
    pub(super) fn text_at(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer).and_then(Value::as_str)
    }

    /// Returns whether the provider's reason contains this text.
    pub(super) fn reason_contains(&self, words: &str) -> bool {
        self.reason.contains(words)
    }

    /// Converts the response to a failure of this kind.
    pub(super) fn to_failure(&self, kind: StepFailureKind) -> StepFailure {
        StepFailure::new(kind, format!("{}: {}", self.status, self.reason))
    }

    /// Returns the response if it is a success.
    pub(super) fn require_success(self) -> StepResult<Self> {
        if self.is_success() { Ok(self) } else { Err(self.to_failure(StepFailureKind::Refused)) }
    }

    /// Checks the response to a creation. A reached limit is a separate failure, and so is a name
    /// that already exists, because only an earlier call of this rotation can have created it.
    pub(super) fn require_created(self) -> StepResult<Self> {
        let full = ["maximum", "cannot update secrets", "too many"]
            .iter()
            .any(|words| self.reason_contains(words));
        match self.status {
            409 => Err(self.to_failure(StepFailureKind::OutcomeUnknown)),
            400..500 if full => Err(self.to_failure(StepFailureKind::QuotaExceeded)),
            _ if self.is_success() => Ok(self),
            _ => Err(self.to_failure(self.kind_of_refusal())),
        }
    }

    /// Returns whether a response that is no success is a refusal. The provider explains its own in
    /// JSON; anything else may come from a proxy after the provider acted.
    fn kind_of_refusal(&self) -> StepFailureKind {
        let explained = self.body.as_object().is_some_and(|members| !members.is_empty());
        match self.status {
            400..500 if explained => StepFailureKind::Refused,
            _ => StepFailureKind::OutcomeUnknown,
        }
    }

    /// Checks the response to a deletion. A refusal is one that the provider gives before it acts;
    /// after any other response it is unknown whether the deletion happened.
    pub(super) fn require_deleted(&self) -> StepResult<RevocationResponse> {
        match self.status {
            404 | 410 => Ok(RevocationResponse::NotFound),
            401 | 429 => Err(self.to_failure(StepFailureKind::Retryable)),
            403 => Err(self.to_failure(self.kind_of_refusal())),
            _ if self.is_success() => Ok(RevocationResponse::Accepted),
            _ => Err(self.to_failure(StepFailureKind::OutcomeUnknown)),
        }
    }

    /// Checks the response to the deletion of a client secret. Snyk's error points at the secret
    /// where the client has no such secret.
    pub(super) fn require_secret_deleted(&self) -> StepResult<RevocationResponse> {
        let unknown = self.reason_contains("is not a secret")
            || self.text_at("/errors/0/source/pointer") == Some("/data/attributes/secret");
        match self.status {
            400 if unknown => Ok(RevocationResponse::NotFound),
            400 => Err(self.to_failure(self.kind_of_refusal())),
            _ => self.require_deleted(),
        }
    }

    /// Removes the secret from the response. A response that should contain a secret and does not
    /// leaves the outcome unknown.
    pub(super) fn take_secret(&mut self, member: &str) -> StepResult<Secret> {
        let index = self.secrets.iter().position(|(name, _)| name == member);
        let missing = || {
            StepFailure::new(
                StepFailureKind::OutcomeUnknown,
                format!("the response ({}) contains no {member}", self.status),
            )
        };
        index.map(|index| self.secrets.swap_remove(index).1).ok_or_else(missing)
    }
}

/// Converts a local problem to a step failure.
pub(in crate::engine) fn failure_from_problem(problem: &Problem) -> StepFailure {
    let kind = match problem.class {
        ProblemClass::Store | ProblemClass::Unknown | ProblemClass::Failed => {
            StepFailureKind::Retryable
        }
        _ => StepFailureKind::Refused,
    };
    StepFailure::new(kind, format!("{}: {}", problem.what, problem.why))
}

fn failure_from_call_error(error: SendError, method: HttpMethod) -> StepFailure {
    let kind = match &error {
        SendError::Problem(problem) => return failure_from_problem(problem),
        SendError::Net(error) => failure_kind_of_net_error(error, method),
        SendError::Exchange(
            TokenExchangeError::Net(_)
            | TokenExchangeError::OutcomeUnknown(_)
            | TokenExchangeError::UnexpectedStatus { .. },
        ) => StepFailureKind::Retryable,
        SendError::Exchange(_) => StepFailureKind::Refused,
    };
    StepFailure::new(kind, Problem::from(error).why)
}

/// Classifies a network error: a connection that was never established has changed nothing, but a
/// missing response may hide a change.
const fn failure_kind_of_net_error(error: &NetError, method: HttpMethod) -> StepFailureKind {
    match error {
        NetError::NoConnection { .. } => StepFailureKind::Retryable,
        NetError::OriginNotAllowed(_) | NetError::InvalidRequest(_) => StepFailureKind::Refused,
        _ if method.is_safe() => StepFailureKind::Retryable,
        _ => StepFailureKind::OutcomeUnknown,
    }
}

/// Extracts the provider's reason for a refusal, on one line.
fn extract_reason(message: &str) -> String {
    let json: Value = serde_json::from_str(message).unwrap_or_default();
    let line = text::sanitize_line(error_message(&json).unwrap_or(message));
    if line.is_empty() {
        "no reason given".to_owned()
    } else {
        line.chars().take(MAX_REASON_CHARS).collect()
    }
}
