//! Requests of the console and the command line: checked, sent, redacted, explained and recorded.
//!
//! `execute` sends, `redact_response` removes secrets. Start with
//! [`RequestService::send_and_record`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::access_tokens::SendError;
use super::http_exchange::{HttpExchange, RequestOptions, WriteConsent};
use super::pending_request::{RateLimitPolicy, RequestAuthentication};
use super::redact_response::{KnownSecrets, RedactedResponse, redact_large_response};
use crate::domain::problem::ProblemClass;
use crate::domain::rate_limit::RateLimit;
use crate::domain::request::RequestDraft;
use crate::domain::response::{ApiResponse, CheckResult};
use crate::domain::{Credential, Problem};
use crate::engine::requests::service::RequestService;
use crate::net::NetError;

impl RequestService {
    /// Sends a request with a credential, in the credential's region, explains the response and
    /// records both. `on_wait` is called before every wait for the rate limit.
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
        match self.send_and_explain(credential, draft, known, on_wait).await {
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
    pub(in crate::engine) async fn send_and_explain(
        &self,
        credential: &Credential,
        draft: RequestDraft,
        KnownSecrets { redactor, sent_secret }: KnownSecrets,
        on_wait: &(dyn Fn(Duration) + Sync),
    ) -> Result<(HttpExchange, CheckResult), Problem> {
        let region = self.catalog.region(&credential.provider, &credential.region)?;
        let provider = self.catalog.provider(&credential.provider)?;
        let authentication =
            sent_secret.map_or(RequestAuthentication::Current, RequestAuthentication::Loaded);
        let request = self
            .pending_request(credential, region, &draft)?
            .with_authentication(authentication)
            .with_rate_limit(RateLimitPolicy::WaitForReset(on_wait));
        let (schemes, redacted, cut) = match self.execute(&request).await {
            Ok(raw) => {
                let schemes = raw.attempted_schemes.clone();
                let redacted = raw.redact_and_capture(redactor, &provider.secret_members).await?;
                (schemes, redacted, None)
            }
            // What came of the response is shown with the reason why it is not all. The secret that
            // was sent is masked in it already.
            Err(SendError::Net(NetError::IncompleteBody { host, why, fault, response })) => {
                let members = &provider.secret_members;
                let redacted = redact_large_response(*response, redactor, members).await?;
                let response = Box::default();
                let cut = NetError::IncompleteBody { host, why, fault, response };
                (Vec::new(), redacted, Some(cut.into()))
            }
            Err(error) => return Err(self.explain_send_error(credential, region, error).await),
        };
        let RedactedResponse { response, captured } = redacted;
        let explained = self.explain_response(credential, region, &response).await?;
        let explanation = if let Some(cut) = cut {
            Some(cut)
        } else if self.needs_manual_retry(credential, &draft, &response)? {
            Some(manual_retry_problem(&draft))
        } else {
            explained.problem
        };
        let refusal =
            self.diagnose_refusal(credential, region, &draft, &response, &schemes).await?;
        let limit = RateLimit::from_response(&response, self.clock.now()).describe();
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
        if self.readonly {
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
