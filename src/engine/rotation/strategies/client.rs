//! The one desk at which management calls are made: the clerk's secret is bound to its hosts, fresh secrets are taken out
//! of an answer before anything else looks at it, and every ending is told apart by what it means for going on.

use serde_json::Value;

use crate::domain::problem::ProblemClass;
use crate::domain::provider::CredentialKind;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::redact::{SecretRedactor, json_members};
use crate::domain::region::{HostRole, Region};
use crate::domain::request::{HttpMethod, RequestDraft, RequestTarget};
use crate::domain::response::ApiResponse;
use crate::domain::rotation::{StepFailure, StepFailureKind};
use crate::domain::{Credential, CredentialId, Problem, Secret, text};
use crate::engine::Engine;
use crate::engine::access_tokens::SendError;
use crate::engine::rotation::StepResult;
use crate::net::exchange::TokenExchangeError;
use crate::net::{NetError, RequestBody};

/// How much of what a provider says about its refusal is kept.
const MAX_REASON_CHARS: usize = 300;

/// What stands in a template where a secret will be.
pub(super) const SECRET_PLACEHOLDER: &str = "‹the old secret›";

/// Where management calls are made.
pub(in crate::engine) struct ManagementClient<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// What is replaced, as the index knows it.
    pub credential: Credential,
    /// Its kind.
    pub kind: &'a CredentialKind,
    /// Where it lives.
    pub region: &'a Region,
    /// How it is replaced.
    pub strategy_id: RotationStrategyId,
    /// As whom the calls are made; its current secret is used.
    pub caller: CredentialId,
}

/// A management call.
pub(super) struct ManagementRequest<'a> {
    pub method: HttpMethod,
    pub path: String,
    pub query: &'a [(&'a str, &'a str)],
    pub body: ManagementBody<'a>,
}

/// The body of a management call.
pub(super) enum ManagementBody<'a> {
    Empty,
    Json(Value),
    /// A template with [`SECRET_PLACEHOLDER`] in place of the secret.
    JsonWithSecret(Value, &'a Secret),
}

/// What a provider answered, its secrets apart.
pub(in crate::engine) struct ManagementResponse {
    /// The HTTP status, below 500.
    pub status: u16,
    /// The body with a mask for each secret; null where it is not JSON.
    pub body: Value,
    /// The secrets, by the member they came in.
    pub secrets: Vec<(String, Secret)>,
    reason: String,
}

impl ManagementClient<'_> {
    /// Makes a call. Server errors and refusals for the moment are failures; any other answer is told.
    pub(super) async fn call(&self, call: ManagementRequest<'_>) -> StepResult<ManagementResponse> {
        let clerk = self.clerk().await?;
        let answer = self.send(&clerk, &call).await?;
        let answer = if answer.status == 401 {
            self.retry_unauthorized(clerk, &call, answer).await?
        } else {
            answer
        };
        let told = self.parse_response(&answer, &call)?;
        match told.status {
            429 => Err(told.to_failure(StepFailureKind::Retryable)),
            408 | 500.. if call.method.is_safe() => {
                Err(told.to_failure(StepFailureKind::Retryable))
            }
            408 | 500.. => Err(told.to_failure(StepFailureKind::OutcomeUnknown)),
            _ => Ok(told),
        }
    }

    /// A field of the credential.
    pub(super) fn field(&self, id: &str) -> Option<&str> {
        self.credential.fields.get(id).map(String::as_str).filter(|value| !value.is_empty())
    }

    async fn clerk(&self) -> StepResult<Credential> {
        self.engine
            .credential_by_id(&self.caller)
            .await
            .map_err(|problem| failure_from_problem(&problem))
    }

    async fn send(
        &self,
        clerk: &Credential,
        call: &ManagementRequest<'_>,
    ) -> StepResult<ApiResponse> {
        self.send_once(clerk, call)
            .await
            .map_err(|trouble| failure_from_call_error(trouble, call.method))
    }

    /// A 401 means that nothing happened. The clerk's scheme may not be known yet, or its access token may have ended;
    /// a check, which only reads, finds out, and then the call is made once more.
    async fn retry_unauthorized(
        &self,
        clerk: Credential,
        call: &ManagementRequest<'_>,
        refused: ApiResponse,
    ) -> StepResult<ApiResponse> {
        self.engine.drop_cached_tokens(&clerk.id);
        let region = self.region.id.clone();
        if self.engine.check(&clerk, &region).await.is_err() {
            return Ok(refused);
        }
        let known = self.clerk().await?;
        self.send(&known, call).await
    }

    async fn send_once(
        &self,
        clerk: &Credential,
        call: &ManagementRequest<'_>,
    ) -> Result<ApiResponse, SendError> {
        let catalogue = &self.engine.catalog;
        let kind = catalogue.kind(&clerk.provider, &clerk.kind).map_err(Problem::from)?;
        let bound = self.engine.authorize(clerk, kind, self.region).await?;
        let payload = call.request_body(self.region)?;
        let mut outgoing = self.engine.build_outgoing(
            clerk,
            self.region,
            &call.to_draft(&self.credential.provider),
            bound,
        )?;
        outgoing.body = payload;
        self.engine.wait_for_quota(clerk, self.region).await?;
        Ok(self.engine.send_once(clerk, self.region, outgoing).await?)
    }

    fn parse_response(
        &self,
        answer: &ApiResponse,
        call: &ManagementRequest<'_>,
    ) -> StepResult<ManagementResponse> {
        let provider = self.engine.catalog.provider(&self.credential.provider);
        let provider = provider.map_err(|error| failure_from_problem(&error.into()))?;
        let captured = json_members::capture_secrets(
            answer.body.text().unwrap_or_default(),
            &provider.secret_members,
        );
        if answer.truncated && !call.method.is_safe() {
            return Err(StepFailure::new(
                StepFailureKind::OutcomeUnknown,
                "the answer is longer than any that was expected",
            ));
        }
        let mut redactor = SecretRedactor::default();
        if let ManagementBody::JsonWithSecret(_, secret) = &call.body {
            redactor.add_secret(secret);
        }
        let remark = extract_reason(&redactor.redact(&captured.text));
        let body = serde_json::from_str(&captured.text).unwrap_or_default();
        Ok(ManagementResponse {
            status: answer.status,
            body,
            secrets: captured.secrets,
            reason: remark,
        })
    }
}

impl<'a> ManagementRequest<'a> {
    /// A call of Snyk's REST API.
    pub(super) fn for_snyk(method: HttpMethod, path: String, body: ManagementBody<'a>) -> Self {
        Self { method, path, query: &[("version", "2024-10-15")], body }
    }

    fn to_draft(&self, provider: &str) -> RequestDraft {
        let mut draft = RequestDraft::new(
            self.method,
            RequestTarget::Path { place: HostRole::Api, path: self.path.clone() },
        );
        draft.query = self
            .query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let media = if provider == "snyk-api-web" {
            "application/json"
        } else {
            "application/vnd.api+json"
        };
        if !matches!(self.body, ManagementBody::Empty) {
            draft.headers.push(("content-type".to_owned(), media.to_owned()));
        }
        draft
    }

    fn request_body(&self, region: &Region) -> Result<RequestBody, NetError> {
        match &self.body {
            ManagementBody::Empty => Ok(RequestBody::Empty),
            ManagementBody::Json(value) => Ok(RequestBody::Text(value.to_string())),
            ManagementBody::JsonWithSecret(template, secret) => RequestBody::from_json_template(
                template,
                SECRET_PLACEHOLDER,
                secret,
                region.bound_origins(),
            )
            .ok_or_else(|| NetError::InvalidRequest("the secret is no text".to_owned())),
        }
    }
}

impl ManagementResponse {
    /// Whether it is a success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A text in the body.
    pub(super) fn text_at(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer).and_then(Value::as_str)
    }

    /// Whether the provider's own words hold this.
    pub(super) fn reason_contains(&self, words: &str) -> bool {
        self.reason.contains(words)
    }

    /// What the status means for going on.
    pub(super) fn to_failure(&self, kind: StepFailureKind) -> StepFailure {
        StepFailure::new(kind, format!("{}: {}", self.status, self.reason))
    }

    /// The answer, if it is a success.
    pub(super) fn require_success(self) -> StepResult<Self> {
        if self.is_success() { Ok(self) } else { Err(self.to_failure(StepFailureKind::Refused)) }
    }

    /// The answer to a creation: a limit is told apart, and so is a name that is taken, since only an earlier call of
    /// this very rotation can have taken it.
    pub(super) fn require_created(self) -> StepResult<Self> {
        let full = ["maximum", "cannot update secrets", "too many"]
            .iter()
            .any(|words| self.reason_contains(words));
        match self.status {
            409 => Err(self.to_failure(StepFailureKind::OutcomeUnknown)),
            400..500 if full => Err(self.to_failure(StepFailureKind::QuotaExceeded)),
            _ => self.require_success(),
        }
    }

    /// The answer to a deletion.
    pub(super) fn require_deleted(&self) -> StepResult<()> {
        match self.status {
            404 | 410 => Ok(()),
            401 => Err(self.to_failure(StepFailureKind::Retryable)),
            _ if self.is_success() => Ok(()),
            _ => Err(self.to_failure(StepFailureKind::Refused)),
        }
    }

    /// The answer to the deletion of a client secret. Snyk points at the secret where the client has no such one. Whether
    /// that is true is shown afterwards, when the secret is used.
    pub(super) fn require_secret_deleted(&self) -> StepResult<()> {
        let unknown = self.reason_contains("is not a secret")
            || self.text_at("/errors/0/source/pointer") == Some("/data/attributes/secret");
        if self.status == 400 && unknown { Ok(()) } else { self.require_deleted() }
    }

    /// The only secret in it. An answer that announces one and does not bring it leaves the outcome unknown.
    pub(super) fn take_secret(&mut self, member: &str) -> StepResult<Secret> {
        let place = self.secrets.iter().position(|(name, _)| name == member);
        let missing = || {
            StepFailure::new(
                StepFailureKind::OutcomeUnknown,
                format!("the answer ({}) brings no {member}", self.status),
            )
        };
        place.map(|place| self.secrets.swap_remove(place).1).ok_or_else(missing)
    }
}

/// What a problem on this side of the network means for going on.
pub(in crate::engine) fn failure_from_problem(problem: &Problem) -> StepFailure {
    let kind = match problem.class {
        ProblemClass::Store | ProblemClass::Unknown | ProblemClass::Failed => {
            StepFailureKind::Retryable
        }
        _ => StepFailureKind::Refused,
    };
    StepFailure::new(kind, format!("{}: {}", problem.what, problem.why))
}

fn failure_from_call_error(trouble: SendError, method: HttpMethod) -> StepFailure {
    let kind = match &trouble {
        SendError::Problem(problem) => return failure_from_problem(problem),
        SendError::Net(error) => failure_kind_of_net_error(error, method),
        SendError::Exchange(
            TokenExchangeError::Net(_)
            | TokenExchangeError::OutcomeUnknown(_)
            | TokenExchangeError::UnexpectedStatus { .. },
        ) => StepFailureKind::Retryable,
        SendError::Exchange(_) => StepFailureKind::Refused,
    };
    StepFailure::new(kind, Problem::from(trouble).why)
}

/// A connection that never stood has changed nothing; an answer that did not come may have.
const fn failure_kind_of_net_error(error: &NetError, method: HttpMethod) -> StepFailureKind {
    match error {
        NetError::NoConnection { .. } => StepFailureKind::Retryable,
        NetError::OriginNotAllowed(_) | NetError::InvalidRequest(_) => StepFailureKind::Refused,
        _ if method.is_safe() => StepFailureKind::Retryable,
        _ => StepFailureKind::OutcomeUnknown,
    }
}

/// What a provider says about its refusal, on one line.
fn extract_reason(said: &str) -> String {
    let json: Value = serde_json::from_str(said).unwrap_or_default();
    let members = [
        "/errors/0/detail",
        "/errors/0/title",
        "/error_description",
        "/error",
        "/detail",
        "/message",
    ];
    let reason = members.iter().find_map(|pointer| json.pointer(pointer)?.as_str());
    let line = text::sanitize_line(reason.unwrap_or(said));
    if line.is_empty() {
        "no reason was given".to_owned()
    } else {
        line.chars().take(MAX_REASON_CHARS).collect()
    }
}
