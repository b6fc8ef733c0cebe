//! The one desk at which management calls are made: the clerk's secret is bound to its hosts, fresh secrets are taken out
//! of an answer before anything else looks at it, and every ending is told apart by what it means for going on.

use serde_json::Value;

use crate::domain::problem::ProblemClass;
use crate::domain::provider::CredentialKind;
use crate::domain::provider::spec::RotationStrategyId;
use crate::domain::redact::{SecretRedactor, members};
use crate::domain::region::{HostRole, Region};
use crate::domain::request::{HttpMethod, RequestDraft, RequestTarget};
use crate::domain::response::ApiResponse;
use crate::domain::rotation::{StepFailure, StepFailureKind};
use crate::domain::{Credential, CredentialId, Problem, Secret, text};
use crate::engine::Engine;
use crate::engine::authorize::SendError;
use crate::engine::rotation::Tried;
use crate::net::exchange::TokenExchangeError;
use crate::net::{NetError, RequestBody};

/// How much of what a provider says about its refusal is kept.
const LONGEST_REMARK: usize = 300;

/// What stands in a template where a secret will be.
pub(super) const BLANK: &str = "‹the old secret›";

/// Where management calls are made.
pub(in crate::engine) struct Desk<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// What is replaced, as the index knows it.
    pub credential: Credential,
    /// Its kind.
    pub kind: &'a CredentialKind,
    /// Where it lives.
    pub region: &'a Region,
    /// How it is replaced.
    pub plan: RotationStrategyId,
    /// As whom the calls are made; its current secret is used.
    pub clerk: CredentialId,
}

/// A management call.
pub(super) struct Call<'a> {
    pub method: HttpMethod,
    pub path: String,
    pub query: &'a [(&'a str, &'a str)],
    pub body: Body<'a>,
}

/// The body of a management call.
pub(super) enum Body<'a> {
    Empty,
    Json(Value),
    /// A template with [`BLANK`] in place of the secret.
    Holding(Value, &'a Secret),
}

/// What a provider answered, its secrets apart.
pub(in crate::engine) struct Told {
    /// The HTTP status, below 500.
    pub status: u16,
    /// The body with a mask for each secret; null where it is not JSON.
    pub body: Value,
    /// The secrets, by the member they came in.
    pub secrets: Vec<(String, Secret)>,
    remark: String,
}

impl Desk<'_> {
    /// Makes a call. Server errors and refusals for the moment are failures; any other answer is told.
    pub(super) async fn call(&self, call: Call<'_>) -> Tried<Told> {
        let clerk = self.clerk().await?;
        let answer = self.send(&clerk, &call).await?;
        let answer = if answer.status == 401 { self.send_again(clerk, &call, answer).await? } else { answer };
        let told = self.read(&answer, &call)?;
        match told.status {
            429 => Err(told.failure(StepFailureKind::Retryable)),
            408 | 500.. if call.method.is_safe() => Err(told.failure(StepFailureKind::Retryable)),
            408 | 500.. => Err(told.failure(StepFailureKind::OutcomeUnknown)),
            _ => Ok(told),
        }
    }

    /// A field of the credential.
    pub(super) fn field(&self, id: &str) -> Option<&str> {
        self.credential.fields.get(id).map(String::as_str).filter(|value| !value.is_empty())
    }

    async fn clerk(&self) -> Tried<Credential> {
        self.engine.credential_by_id(&self.clerk).await.map_err(|problem| failure_of(&problem))
    }

    async fn send(&self, clerk: &Credential, call: &Call<'_>) -> Tried<ApiResponse> {
        self.dispatch(clerk, call).await.map_err(|trouble| told_of(trouble, call.method))
    }

    /// A 401 means that nothing happened. The clerk's scheme may not be known yet, or its access token may have ended;
    /// a check, which only reads, finds out, and then the call is made once more.
    async fn send_again(&self, clerk: Credential, call: &Call<'_>, refused: ApiResponse) -> Tried<ApiResponse> {
        self.engine.drop_cached_tokens(&clerk.id);
        let region = self.region.id.clone();
        if self.engine.check(&clerk, &region).await.is_err() {
            return Ok(refused);
        }
        let known = self.clerk().await?;
        self.send(&known, call).await
    }

    async fn dispatch(&self, clerk: &Credential, call: &Call<'_>) -> Result<ApiResponse, SendError> {
        let catalogue = &self.engine.catalog;
        let kind = catalogue.kind(&clerk.provider, &clerk.kind).map_err(Problem::from)?;
        let bound = self.engine.authorize(clerk, kind, self.region).await?;
        let payload = call.payload(self.region)?;
        let mut outgoing = self.engine.build_outgoing(clerk, self.region, &call.draft(&self.credential.provider), bound)?;
        outgoing.body = payload;
        self.engine.wait_for_quota(clerk, self.region).await?;
        Ok(self.engine.send_once(clerk, self.region, outgoing).await?)
    }

    fn read(&self, answer: &ApiResponse, call: &Call<'_>) -> Tried<Told> {
        let provider = self.engine.catalog.provider(&self.credential.provider);
        let provider = provider.map_err(|error| failure_of(&error.into()))?;
        let captured = members::capture_secrets(answer.body.text().unwrap_or_default(), &provider.secret_members);
        if answer.truncated && !call.method.is_safe() {
            return Err(StepFailure::new(StepFailureKind::OutcomeUnknown, "the answer is longer than any that was expected"));
        }
        let mut redactor = SecretRedactor::default();
        if let Body::Holding(_, secret) = &call.body {
            redactor.add_secret(secret);
        }
        let remark = remark(&redactor.redact(&captured.text));
        let body = serde_json::from_str(&captured.text).unwrap_or_default();
        Ok(Told { status: answer.status, body, secrets: captured.secrets, remark })
    }
}

impl<'a> Call<'a> {
    /// A call of Snyk's REST API.
    pub(super) fn snyk(method: HttpMethod, path: String, body: Body<'a>) -> Self {
        Self { method, path, query: &[("version", "2024-10-15")], body }
    }

    fn draft(&self, provider: &str) -> RequestDraft {
        let mut draft = RequestDraft::new(self.method, RequestTarget::Path { place: HostRole::Api, path: self.path.clone() });
        draft.query = self.query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let media = if provider == "snyk-api-web" { "application/json" } else { "application/vnd.api+json" };
        if !matches!(self.body, Body::Empty) {
            draft.headers.push(("content-type".to_owned(), media.to_owned()));
        }
        draft
    }

    fn payload(&self, region: &Region) -> Result<RequestBody, NetError> {
        match &self.body {
            Body::Empty => Ok(RequestBody::Empty),
            Body::Json(value) => Ok(RequestBody::Text(value.to_string())),
            Body::Holding(template, secret) => RequestBody::from_json_template(template, BLANK, secret, region.bound_origins())
                .ok_or_else(|| NetError::InvalidRequest("the secret is no text".to_owned())),
        }
    }
}

impl Told {
    /// Whether it is a success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A text in the body.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer).and_then(Value::as_str)
    }

    /// Whether the provider's own words hold this.
    pub(super) fn says(&self, words: &str) -> bool {
        self.remark.contains(words)
    }

    /// What the status means for going on.
    pub(super) fn failure(&self, kind: StepFailureKind) -> StepFailure {
        StepFailure::new(kind, format!("{}: {}", self.status, self.remark))
    }

    /// The answer, if it is a success.
    pub(super) fn successful(self) -> Tried<Self> {
        if self.is_success() { Ok(self) } else { Err(self.failure(StepFailureKind::Refused)) }
    }

    /// The answer to a creation: a limit is told apart, and so is a name that is taken, since only an earlier call of
    /// this very rotation can have taken it.
    pub(super) fn created(self) -> Tried<Self> {
        let full = ["maximum", "cannot update secrets", "too many"].iter().any(|words| self.says(words));
        match self.status {
            409 => Err(self.failure(StepFailureKind::OutcomeUnknown)),
            400..500 if full => Err(self.failure(StepFailureKind::QuotaExceeded)),
            _ => self.successful(),
        }
    }

    /// The answer to a deletion.
    pub(super) fn deleted(&self) -> Tried<()> {
        match self.status {
            404 | 410 => Ok(()),
            401 => Err(self.failure(StepFailureKind::Retryable)),
            _ if self.is_success() => Ok(()),
            _ => Err(self.failure(StepFailureKind::Refused)),
        }
    }

    /// The answer to the deletion of a client secret. Snyk points at the secret where the client has no such one. Whether
    /// that is true is shown afterwards, when the secret is used.
    pub(super) fn secret_deleted(&self) -> Tried<()> {
        let unknown = self.says("is not a secret") || self.text("/errors/0/source/pointer") == Some("/data/attributes/secret");
        if self.status == 400 && unknown { Ok(()) } else { self.deleted() }
    }

    /// The only secret in it. An answer that announces one and does not bring it leaves the outcome unknown.
    pub(super) fn take_secret(&mut self, member: &str) -> Tried<Secret> {
        let place = self.secrets.iter().position(|(name, _)| name == member);
        let missing =
            || StepFailure::new(StepFailureKind::OutcomeUnknown, format!("the answer ({}) brings no {member}", self.status));
        place.map(|place| self.secrets.swap_remove(place).1).ok_or_else(missing)
    }
}

/// What a problem on this side of the network means for going on.
pub(in crate::engine) fn failure_of(problem: &Problem) -> StepFailure {
    let kind = match problem.class {
        ProblemClass::Store | ProblemClass::Unknown | ProblemClass::Failed => StepFailureKind::Retryable,
        _ => StepFailureKind::Refused,
    };
    StepFailure::new(kind, format!("{}: {}", problem.what, problem.why))
}

fn told_of(trouble: SendError, method: HttpMethod) -> StepFailure {
    let kind = match &trouble {
        SendError::Problem(problem) => return failure_of(problem),
        SendError::Net(error) => kind_of(error, method),
        SendError::Exchange(
            TokenExchangeError::Net(_) | TokenExchangeError::OutcomeUnknown(_) | TokenExchangeError::UnexpectedStatus { .. },
        ) => StepFailureKind::Retryable,
        SendError::Exchange(_) => StepFailureKind::Refused,
    };
    StepFailure::new(kind, Problem::from(trouble).why)
}

/// A connection that never stood has changed nothing; an answer that did not come may have.
const fn kind_of(error: &NetError, method: HttpMethod) -> StepFailureKind {
    match error {
        NetError::NoConnection { .. } => StepFailureKind::Retryable,
        NetError::OriginNotAllowed(_) | NetError::InvalidRequest(_) => StepFailureKind::Refused,
        _ if method.is_safe() => StepFailureKind::Retryable,
        _ => StepFailureKind::OutcomeUnknown,
    }
}

/// What a provider says about its refusal, on one line.
fn remark(said: &str) -> String {
    let json: Value = serde_json::from_str(said).unwrap_or_default();
    let members = ["/errors/0/detail", "/errors/0/title", "/error_description", "/error", "/detail", "/message"];
    let reason = members.iter().find_map(|pointer| json.pointer(pointer)?.as_str());
    let line = text::sanitize_line(reason.unwrap_or(said));
    if line.is_empty() { "no reason was given".to_owned() } else { line.chars().take(LONGEST_REMARK).collect() }
}
