//! Recording of what the outcome of a request says about the credential that authorized it.
//!
//! Every request with a current secret passes here, so that the recorded check result does not
//! depend on who asked the provider. The rules are in [`crate::domain::diagnosis::judgement`]; checks
//! record their own results, because many are written together. Start with
//! `RequestService::record_outcome`.

use std::time::{Duration, Instant};

use super::access_tokens::SendError;
use super::explain::is_bound_exchange;
use super::pending_request::{OutcomeRecording, PendingRequest};
use super::redact_response::RawResponse;
use crate::database::CheckedSecret;
use crate::domain::credential::CheckReport;
use crate::domain::diagnosis::explain::RequestContext;
use crate::domain::diagnosis::judgement::AuthorizedRequest;
use crate::domain::provider::{AuthMethod, CredentialKind};
use crate::domain::region::Region;
use crate::domain::response::CheckResult;
use crate::domain::{Credential, Problem};
use crate::engine::requests::RequestService;
use crate::net::HostBoundSecret;
use crate::net::oauth::exchange::TokenExchangeError;

/// Returns the secret that a check is about; the result is dropped if the credential has another
/// secret by then. A session gets another refresh token while it is checked.
pub(in crate::engine) fn checked_secret(
    kind: &CredentialKind,
    credential: &Credential,
) -> CheckedSecret {
    let is_session = matches!(kind.authorization, AuthMethod::RefreshToken { .. });
    let fingerprint = credential.fingerprint.clone().filter(|_| !is_session);
    CheckedSecret { credential: credential.id.clone(), fingerprint }
}

impl RequestService {
    /// Records what the outcome says about the credential, in the region of the request. An outcome
    /// that says nothing leaves the recorded result as it is. The outcome is worth more than the
    /// record, so a record that cannot be written is only logged.
    pub(super) async fn record_outcome(
        &self,
        request: &PendingRequest<'_>,
        outcome: &Result<RawResponse, SendError>,
    ) {
        if request.outcome_recording == OutcomeRecording::ByCaller {
            return;
        }
        let check = self.check_from_outcome(request, outcome).await;
        let PendingRequest { credential, kind, region, .. } = *request;
        self.store_outcome(checked_secret(kind, credential), region, check).await;
    }

    /// Authorizes a caller that sends no request through this service with the credential, such as a
    /// program that gets an access token. Records a refused exchange like a refused request.
    pub(in crate::engine) async fn authorize_and_record(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
        region: &Region,
    ) -> Result<HostBoundSecret, SendError> {
        let start = Instant::now();
        let authorized = self.authorize(credential, kind, region, None).await;
        if let Err(SendError::Exchange(error)) = &authorized {
            let check = self.check_from_exchange_error(credential, region, error, start.elapsed());
            self.store_outcome(checked_secret(kind, credential), region, Ok(check.await)).await;
        }
        authorized
    }

    async fn store_outcome(
        &self,
        checked: CheckedSecret,
        region: &Region,
        check: Result<Option<CheckReport>, Problem>,
    ) {
        let recorded = match check {
            Ok(None) => return,
            Ok(Some(check)) => {
                let region = region.id.clone();
                self.database.run(move |index| index.record_check(checked, &region, &check)).await
            }
            Err(problem) => Err(problem),
        };
        if let Err(problem) = recorded {
            tracing::warn!(%problem, "what a response says about its credential was not recorded");
        }
    }

    /// Returns the check result of a refused token exchange; `None` for another error.
    async fn check_from_exchange_error(
        &self,
        credential: &Credential,
        region: &Region,
        error: &TokenExchangeError,
        elapsed: Duration,
    ) -> Option<CheckReport> {
        match self.explain_exchange_error(credential, region, error).await {
            Ok((result @ CheckResult::Refused, status, reason)) => {
                Some(self.check_report(result, status, reason, elapsed))
            }
            _ => None,
        }
    }

    /// Returns the report of a check that ends now.
    pub(in crate::engine) fn check_report(
        &self,
        result: CheckResult,
        status: Option<u16>,
        reason: String,
        elapsed: Duration,
    ) -> CheckReport {
        CheckReport {
            result,
            status,
            reason,
            checked_at: self.clock.now(),
            latency_ms: Some(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    async fn check_from_outcome(
        &self,
        request: &PendingRequest<'_>,
        outcome: &Result<RawResponse, SendError>,
    ) -> Result<Option<CheckReport>, Problem> {
        let PendingRequest { credential, region, .. } = *request;
        let elapsed = request.elapsed();
        match outcome {
            Ok(raw) => {
                let Some(result) = self.judge_response(request, raw)? else { return Ok(None) };
                let explained = self.explain_response(credential, region, &raw.response).await?;
                let status = Some(raw.response.status);
                Ok(Some(self.check_report(result, status, explained.reason, elapsed)))
            }
            Err(SendError::Exchange(error)) => {
                Ok(self.check_from_exchange_error(credential, region, error, elapsed).await)
            }
            Err(SendError::Net(_) | SendError::Problem(_)) => Ok(None),
        }
    }

    fn judge_response(
        &self,
        request: &PendingRequest<'_>,
        raw: &RawResponse,
    ) -> Result<Option<CheckResult>, Problem> {
        let PendingRequest { credential, kind, region, draft, .. } = *request;
        let url = draft.resolve(region)?;
        if !is_bound_exchange(region, &url, &raw.response) {
            return Ok(None);
        }
        let provider = self.catalog.provider(&credential.provider)?;
        let check = self.catalog.preset(&credential.provider, &kind.check)?;
        let check_url = check
            .to_draft(&[&std::collections::BTreeMap::new(), &credential.fields])
            .ok()
            .filter(|check| check.method == draft.method)
            .and_then(|check| check.resolve(region).ok());
        let is_same_place =
            |check: url::Url| check.origin() == url.origin() && check.path() == url.path();
        let authorized = AuthorizedRequest {
            context: RequestContext { provider, kind: &credential.kind, region: &region.id },
            draft,
            path: url.path(),
            is_check: check_url.is_some_and(is_same_place),
            schemes: &raw.attempted_schemes,
            scheme_is_known: credential.scheme.is_some(),
        };
        Ok(authorized.judge_credential(&raw.response))
    }
}
