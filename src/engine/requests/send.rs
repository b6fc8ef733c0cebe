//! Sending a draft with a secret: the only place where the two meet.
//!
//! Explains and records the response too. `retry` waits for the rate limit, `redact_response`
//! removes secrets. Start with [`Engine::send_request`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::access_tokens::{RejectedToken, SendError, bind_to_region};
use super::redact_response::{KnownSecrets, RawResponse, RedactedResponse};
use crate::domain::problem::ProblemClass;
use crate::domain::provider::AuthMethod;
use crate::domain::rate_limit::RateLimit;
use crate::domain::region::Region;
use crate::domain::request::RequestDraft;
use crate::domain::response::{ApiResponse, CheckResult};
use crate::domain::{Credential, Problem, Secret};
use crate::engine::Engine;
use crate::engine::task_protocol::{HistoryPolicy, HttpExchange, RequestOptions, WriteConsent};
use crate::net::{HostBoundSecret, OutgoingRequest, RequestBody, RequestLimits};

impl Engine {
    /// Sends a request with a credential, in the credential's region, and explains the response.
    pub async fn send_request(
        &self,
        credential: &Credential,
        draft: RequestDraft,
        consent: WriteConsent,
    ) -> Result<HttpExchange, Problem> {
        self.send_and_record(
            credential,
            RequestOptions { draft, consent, history_policy: HistoryPolicy::WithoutBody },
            &|_| {},
        )
        .await
    }

    /// Like [`Engine::send_request`], with a history policy. `on_wait` is called with the duration
    /// of every wait for the rate limit.
    pub async fn send_and_record(
        &self,
        credential: &Credential,
        options: RequestOptions,
        on_wait: &(dyn Fn(Duration) + Sync),
    ) -> Result<HttpExchange, Problem> {
        let RequestOptions { draft, consent, history_policy } = options;
        self.check_allowed(&draft, consent)?;
        let known = self.known_secrets(credential).await?;
        let entry = self.pending_history_entry(credential, &draft, history_policy, &known.redactor);
        match self.execute_request(credential, draft, known, on_wait).await {
            Ok((exchange, result)) => {
                self.record_history(credential, entry, Some((&exchange.response, result))).await;
                Ok(exchange)
            }
            Err(problem) => {
                self.record_history(credential, entry, None).await;
                Err(problem)
            }
        }
    }

    /// Sends a draft that may be sent, and returns the response without secrets and explained.
    pub(in crate::engine) async fn execute_request(
        &self,
        credential: &Credential,
        draft: RequestDraft,
        KnownSecrets { redactor, sent_secret }: KnownSecrets,
        on_wait: &(dyn Fn(Duration) + Sync),
    ) -> Result<(HttpExchange, CheckResult), Problem> {
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let provider = self.catalog.provider(&credential.provider)?;
        let raw =
            match self.send_rate_limited(credential, sent_secret, region, &draft, on_wait).await {
                Ok(raw) => raw,
                Err(error) => return Err(self.explain_send_error(credential, region, error).await),
            };
        let schemes = raw.attempted_schemes.clone();
        let RedactedResponse { response, captured } =
            raw.redact_and_capture(redactor, &provider.secret_members).await?;
        let explained = self.explain_response(credential, region, &response).await?;
        let explanation = if self.needs_manual_retry(credential, &draft, &response)? {
            Some(manual_retry_problem(&draft))
        } else {
            explained.problem
        };
        let refusal =
            self.diagnose_refusal(credential, region, &draft, &response, &schemes).await?;
        let limit = RateLimit::from_response(&response, self.now()).describe();
        let (credential, region) = (credential.id.clone(), region.id.clone());
        Ok((
            HttpExchange {
                credential,
                region,
                draft,
                response,
                explanation,
                refusal,
                rate_limit: limit,
                captured,
            },
            explained.result,
        ))
    }

    /// Creates a draft from a preset of the credential's provider. Placeholders are filled from
    /// `given`, then from the credential's fields, then from defaults. A placeholder without a
    /// value is a problem that names it, and so is a given parameter that the preset does not have.
    pub fn draft_from_preset(
        &self,
        credential: &Credential,
        preset: &str,
        given: &BTreeMap<String, String>,
    ) -> Result<RequestDraft, Problem> {
        let preset = self.catalog.preset(&credential.provider, preset)?;
        preset.validate_parameters(given)?;
        Ok(preset.to_draft(&[given, &credential.fields])?)
    }

    /// Sends a draft in the given region, within these limits. A refused scheme is replaced once by
    /// the kind's other scheme, and an access token that expired early is refreshed once; both only
    /// where repeating is safe.
    pub(in crate::engine) async fn send_with_auth_retry(
        &self,
        credential: &Credential,
        region: &Region,
        draft: &RequestDraft,
        limits: RequestLimits,
    ) -> Result<RawResponse, SendError> {
        let kind =
            self.catalog.kind(&credential.provider, &credential.kind).map_err(Problem::from)?;
        let bound = self.authorize(credential, kind, region).await?;
        self.send_authorized(credential, region, draft, bound, limits).await
    }

    /// Like `send_with_auth_retry`, with a verbatim secret that may have been read already.
    pub(in crate::engine) async fn send_with_secret(
        &self,
        credential: &Credential,
        region: &Region,
        draft: &RequestDraft,
        secret: Option<Arc<Secret>>,
        limits: RequestLimits,
    ) -> Result<RawResponse, SendError> {
        let Some(secret) = secret else {
            return self.send_with_auth_retry(credential, region, draft, limits).await;
        };
        let kind =
            self.catalog.kind(&credential.provider, &credential.kind).map_err(Problem::from)?;
        let bound_region = self.verify_region(credential, region).await?;
        let bound = bind_to_region(credential, kind.authorization.scheme(), bound_region, secret);
        self.send_authorized(credential, region, draft, bound, limits).await
    }

    /// Like `send_with_auth_retry`, with the given authorization.
    pub(in crate::engine) async fn send_authorized(
        &self,
        credential: &Credential,
        region: &Region,
        draft: &RequestDraft,
        bound: HostBoundSecret,
        limits: RequestLimits,
    ) -> Result<RawResponse, SendError> {
        let kind =
            self.catalog.kind(&credential.provider, &credential.kind).map_err(Problem::from)?;
        let (scheme, secret) = (bound.scheme.clone(), bound.secret.clone());
        let origins = bound.origins.clone();
        let outgoing = |bound| self.build_outgoing(credential, region, draft, bound, limits);
        let response = self.send_once(credential, region, outgoing(bound)?).await?;
        if self.needs_manual_retry(credential, draft, &response)? {
            self.clear_access_token(credential).await?;
        }
        let raw = RawResponse {
            response,
            sent_secret: Arc::clone(&secret),
            attempted_schemes: vec![scheme.clone()],
        };
        if raw.response.status != 401 || !draft.is_safe() {
            return Ok(raw);
        }
        match &kind.authorization {
            AuthMethod::Header { fallback: Some(other), .. }
                if credential.scheme.is_none() && *other != scheme =>
            {
                let bound = HostBoundSecret { scheme: other.clone(), secret, origins };
                self.retry_with_scheme(credential, region, outgoing(bound)?, raw, other).await
            }
            AuthMethod::Header { .. } => Ok(raw),
            _ => {
                let rejected = RejectedToken::AccessToken(secret);
                let bound = self.reauthorize(credential, kind, region, rejected).await?;
                let sent_secret = Arc::clone(&bound.secret);
                let attempted_schemes = vec![bound.scheme.clone()];
                let response = self.send_once(credential, region, outgoing(bound)?).await?;
                Ok(RawResponse { response, sent_secret, attempted_schemes })
            }
        }
    }

    /// Returns whether the user may be offered to send the request again with a new access token.
    pub fn can_offer_retry(
        &self,
        credential: &Credential,
        exchange: &HttpExchange,
    ) -> Result<bool, Problem> {
        self.needs_manual_retry(credential, &exchange.draft, &exchange.response)
    }

    /// Returns whether an access token was refused that may only have expired, for a request that
    /// is not safe to repeat automatically.
    fn needs_manual_retry(
        &self,
        credential: &Credential,
        draft: &RequestDraft,
        response: &ApiResponse,
    ) -> Result<bool, Problem> {
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        Ok(kind.authorization.needs_manual_retry(draft.method, response.status))
    }

    /// Retries with the other scheme. If that scheme is accepted, it is stored and its response
    /// returned.
    async fn retry_with_scheme(
        &self,
        credential: &Credential,
        region: &Region,
        outgoing: OutgoingRequest,
        mut refused: RawResponse,
        scheme: &str,
    ) -> Result<RawResponse, SendError> {
        let response = self.send_once(credential, region, outgoing).await?;
        refused.attempted_schemes.push(scheme.to_owned());
        if response.status == 401 {
            return Ok(refused);
        }
        let (id, scheme) = (credential.id.clone(), scheme.to_owned());
        self.with_database(move |index| {
            index.update_credential(&id, |credential| credential.scheme = Some(scheme))
        })
        .await?;
        Ok(RawResponse { response, ..refused })
    }

    /// Builds the outgoing request of a draft with its authorization and limits.
    pub(in crate::engine) fn build_outgoing(
        &self,
        credential: &Credential,
        region: &Region,
        draft: &RequestDraft,
        bound: HostBoundSecret,
        limits: RequestLimits,
    ) -> Result<OutgoingRequest, Problem> {
        let provider = self.catalog.provider(&credential.provider)?;
        let headers = draft
            .headers_with_defaults(&provider.headers)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let body = draft.body.clone().map_or(RequestBody::Empty, RequestBody::Text);
        Ok(OutgoingRequest {
            method: draft.method,
            url: draft.resolve(region)?,
            headers,
            body,
            authorization: Some(bound),
            limits,
            ca_file: region.ca_file.clone(),
        })
    }

    /// Checks whether a draft may be sent at all.
    pub(in crate::engine) fn check_allowed(
        &self,
        draft: &RequestDraft,
        consent: WriteConsent,
    ) -> Result<(), Problem> {
        draft.validate()?;
        if draft.is_safe() {
            return Ok(());
        }
        let cause = draft.describe_effect();
        if self.options.readonly {
            let why = format!("{cause}, and this run is read-only");
            return Err(Problem::new(
                "Nothing was sent",
                why,
                "omit --readonly, or remove `readonly` from config.toml",
            )
            .with_class(ProblemClass::Usage));
        }
        if consent == WriteConsent::NotAsked {
            let why = format!("{cause} and was not confirmed");
            return Err(Problem::new("Nothing was sent", why, "confirm when asked, or pass --yes")
                .with_class(ProblemClass::Usage));
        }
        Ok(())
    }
}

/// Problem of a request that could take effect twice if it were repeated automatically.
fn manual_retry_problem(draft: &RequestDraft) -> Problem {
    let why = format!(
        "the token may only have expired, but {} may change something, so the request was not repeated automatically",
        draft.method
    );
    Problem::new(
        "401: The access token was refused",
        why,
        "send the request again; it uses a new access token",
    )
    .with_class(ProblemClass::Refused)
}
