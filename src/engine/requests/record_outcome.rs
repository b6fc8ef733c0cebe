//! Recording of what the outcome of a request says about the credential that authorized it.
//!
//! Every request with a current secret passes here, so that the recorded check result does not
//! depend on who asked the provider. The rules are in [`crate::domain::diagnosis::judgement`]; checks
//! record their own results, because many are written together. Start with
//! `RequestService::record_outcome`.

use super::access_tokens::SendError;
use super::explain::is_bound_exchange;
use super::pending_request::{OutcomeRecording, PendingRequest};
use super::redact_response::RawResponse;
use crate::domain::Problem;
use crate::domain::credential::CheckReport;
use crate::domain::diagnosis::explain::RequestContext;
use crate::domain::diagnosis::judgement::AuthorizedRequest;
use crate::domain::response::CheckResult;
use crate::engine::requests::service::RequestService;

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
        let recorded = match self.check_from_outcome(request, outcome).await {
            Ok(None) => return,
            Ok(Some(check)) => {
                let (id, region) = (request.credential.id.clone(), request.region.id.clone());
                self.database.run(move |index| index.record_check(&id, &region, &check)).await
            }
            Err(problem) => Err(problem),
        };
        if let Err(problem) = recorded {
            tracing::warn!(%problem, "what a response says about its credential was not recorded");
        }
    }

    async fn check_from_outcome(
        &self,
        request: &PendingRequest<'_>,
        outcome: &Result<RawResponse, SendError>,
    ) -> Result<Option<CheckReport>, Problem> {
        let PendingRequest { credential, region, .. } = *request;
        let (result, status, reason) = match outcome {
            Ok(raw) => {
                let Some(result) = self.judge_response(request, raw)? else { return Ok(None) };
                let explained = self.explain_response(credential, region, &raw.response).await?;
                (result, Some(raw.response.status), explained.reason)
            }
            Err(SendError::Exchange(error)) => {
                match self.explain_exchange_error(credential, region, error).await {
                    Ok(explained @ (CheckResult::Refused, ..)) => explained,
                    _ => return Ok(None),
                }
            }
            Err(SendError::Net(_) | SendError::Problem(_)) => return Ok(None),
        };
        let latency = u64::try_from(request.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Some(CheckReport {
            result,
            status,
            reason,
            checked_at: self.clock.now(),
            latency_ms: Some(latency),
        }))
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
