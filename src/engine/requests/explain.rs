//! Explanation of responses and of requests without a response, with everything that is known about
//! the credential.
//!
//! Start with `explain_response` and `explain_send_error`.

use std::collections::BTreeMap;

use super::access_tokens::SendError;
use crate::database::HistoryFilter;
use crate::domain::credential::SecretPart;
use crate::domain::diagnosis::explain::{
    self, ExplanationContext, RequestContext, ResponseExplanation, ResponseSource,
};
use crate::domain::diagnosis::refusal::{RefusalContext, RefusalDiagnosis};
use crate::domain::provider::AuthMethod;
use crate::domain::region::Region;
use crate::domain::request::RequestDraft;
use crate::domain::response::{ApiResponse, CheckResult};
use crate::domain::{Credential, Origin, Problem, identify};
use crate::engine::requests::RequestService;
use crate::net::oauth::exchange::TokenExchangeError;

/// Number of the latest requests that are searched for results in other regions.
const MAX_HISTORY_CONSIDERED: usize = 50;

impl RequestService {
    /// Explains what a response says about the credential, with everything else that is known.
    pub(in crate::engine) async fn explain_response(
        &self,
        credential: &Credential,
        region: &Region,
        response: &ApiResponse,
    ) -> Result<ResponseExplanation, Problem> {
        let provider = self.catalog.provider(&credential.provider)?;
        let context = RequestContext { provider, kind: &credential.kind, region: &region.id };
        if let Some(host) = foreign_host(region, response) {
            return Ok(explain::explain_unsafe_redirect(context, response.status, &host));
        }
        Ok(explain::explain(
            context,
            response,
            &self.explanation_context(credential, region, response).await?,
        ))
    }

    /// Lists the possible causes of a refusal; `None` if the request was not refused.
    pub(in crate::engine) async fn diagnose_refusal(
        &self,
        credential: &Credential,
        region: &Region,
        draft: &RequestDraft,
        response: &ApiResponse,
        schemes: &[String],
    ) -> Result<Option<RefusalDiagnosis>, Problem> {
        let provider = self.catalog.provider(&credential.provider)?;
        let context = RequestContext { provider, kind: &credential.kind, region: &region.id };
        let hints = &self.explanation_context(credential, region, response).await?;
        let principal = credential.principal.as_ref();
        Ok(RefusalDiagnosis::diagnose(&RefusalContext {
            request_context: context,
            hints,
            draft,
            response,
            schemes,
            principal,
        }))
    }

    /// Explains the refusal in the latest check of a credential in a region, with its HTTP status;
    /// `None` where that check did not end in a refusal by the provider.
    pub(in crate::engine) async fn diagnose_recorded_check(
        &self,
        credential: &Credential,
        region: &str,
    ) -> Result<Option<(u16, RefusalDiagnosis)>, Problem> {
        let region = self.catalog.region(&credential.provider, region)?;
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let id = credential.id.clone();
        let checks = self.database.run(move |index| index.region_checks(&id)).await?;
        let status = checks
            .into_iter()
            .find(|known| known.region == region.id && known.check.result == CheckResult::Refused)
            .and_then(|known| known.check.status);
        let Some(status) = status else { return Ok(None) };
        let draft = self
            .catalog
            .preset(&credential.provider, &kind.check)?
            .to_draft(&[&BTreeMap::new(), &credential.fields])?;
        let response = ApiResponse { status, ..ApiResponse::default() };
        let schemes = match (&credential.scheme, &kind.authorization) {
            (Some(scheme), _) => vec![scheme.clone()],
            (None, AuthMethod::Header { scheme, fallback }) => {
                [Some(scheme), fallback.as_ref()].into_iter().flatten().cloned().collect()
            }
            (None, other) => vec![other.scheme().to_owned()],
        };
        let diagnosis =
            self.diagnose_refusal(credential, region, &draft, &response, &schemes).await?;
        Ok(diagnosis.map(|diagnosis| (status, diagnosis)))
    }

    /// Collects what is known besides the response. Looks nothing up for a response that is not a
    /// refusal.
    async fn explanation_context(
        &self,
        credential: &Credential,
        region: &Region,
        response: &ApiResponse,
    ) -> Result<ExplanationContext, Problem> {
        let mut hints = ExplanationContext {
            expires: credential.expires,
            scheme_worked_before: credential.scheme.is_some(),
            ..ExplanationContext::new(self.clock.now())
        };
        if response.status < 400 {
            return Ok(hints);
        }
        let id = credential.id.clone();
        let checks = self.database.run(move |index| index.region_checks(&id)).await?;
        let own = HistoryFilter { credential: Some(credential.id.clone()), text: None };
        let sent = self.history(own, MAX_HISTORY_CONSIDERED).await?;
        for other in
            self.catalog.regions(&credential.provider)?.iter().filter(|other| other.id != region.id)
        {
            let checked = checks
                .iter()
                .filter(|known| known.region == other.id)
                .map(|known| known.check.result);
            let in_history = sent
                .iter()
                .filter(|line| line.entry.region == other.id)
                .map(|line| line.entry.verdict);
            let list = match checked
                .chain(in_history)
                .find(|result| matches!(result, CheckResult::Accepted | CheckResult::Refused))
            {
                Some(CheckResult::Accepted) => &mut hints.accepted_in,
                Some(_) => &mut hints.refused_in,
                None => &mut hints.untried_in,
            };
            list.push(other.id.clone());
        }
        (hints.home_region, hints.secret_anomalies) = self.inspect_secret(credential).await;
        Ok(hints)
    }

    /// Returns the region that the secret itself names, and the characters around the stored secret
    /// that do not belong to it.
    async fn inspect_secret(
        &self,
        credential: &Credential,
    ) -> (Option<String>, Option<Vec<String>>) {
        let Ok(secret) = self.secrets.load_secret(credential, &SecretPart::Secret).await else {
            return (None, None);
        };
        match identify::identify(&secret, &self.catalog).map_err(Problem::from) {
            Ok(found) => {
                let own = found
                    .candidates
                    .into_iter()
                    .find(|candidate| candidate.kind == credential.kind);
                (own.and_then(|own| own.region), Some(found.removed))
            }
            Err(problem) => (None, Some(vec![problem.why])),
        }
    }

    /// Explains what a failed token exchange says about the credential, by the provider's response
    /// if there is one. A response of an intermediary says nothing and is a problem.
    pub(in crate::engine) async fn explain_exchange_error(
        &self,
        credential: &Credential,
        region: &Region,
        error: &TokenExchangeError,
    ) -> Result<(CheckResult, Option<u16>, String), Problem> {
        let Some(response) = error.response() else {
            return Ok((
                result_from_exchange_error(error),
                status_from_exchange_error(error),
                error.to_string(),
            ));
        };
        let ResponseExplanation { source, result, reason, problem } =
            self.explain_response(credential, region, response).await?;
        match (source, problem) {
            (ResponseSource::Intermediary, Some(problem)) => Err(problem),
            _ => Ok((result, Some(response.status), reason)),
        }
    }

    /// Explains why a request got no response, by the provider's table of meanings if the exchange
    /// was refused.
    pub(in crate::engine) async fn explain_send_error(
        &self,
        credential: &Credential,
        region: &Region,
        send_error: SendError,
    ) -> Problem {
        if let SendError::Exchange(error) = &send_error
            && let Some(response) = error.response()
        {
            let explained = self
                .explain_response(credential, region, response)
                .await
                .map(|explanation| explanation.problem);
            return explained.ok().flatten().unwrap_or_else(|| send_error.into());
        }
        send_error.into()
    }
}

fn result_from_exchange_error(error: &TokenExchangeError) -> CheckResult {
    match error {
        TokenExchangeError::Refused { .. } | TokenExchangeError::ClaimMismatch { .. } => {
            CheckResult::Refused
        }
        _ => CheckResult::Unknown,
    }
}

fn status_from_exchange_error(error: &TokenExchangeError) -> Option<u16> {
    match error {
        TokenExchangeError::Refused { status, .. }
        | TokenExchangeError::UnexpectedStatus { status, .. }
        | TokenExchangeError::NoToken { status } => Some(*status),
        _ => None,
    }
}

/// Returns the host that responded if it does not belong to the region: a redirect led there.
fn foreign_host(region: &Region, response: &ApiResponse) -> Option<String> {
    let url = url::Url::parse(&response.url).ok()?;
    let origin = Origin::from_url(&url)?;
    let own = region.bound_origins().into_iter().chain(region.app.clone());
    (!own.into_iter().any(|known| known == origin)).then(|| origin.to_string())
}

/// Whether the hosts that a request was sent to and that responded are among those that get the
/// secret of the region: a full URL or a redirect may lead to another one.
pub(super) fn is_bound_exchange(region: &Region, url: &url::Url, response: &ApiResponse) -> bool {
    let bound = region.bound_origins();
    let is_bound = |url: &url::Url| Origin::from_url(url).is_some_and(|it| bound.contains(&it));
    is_bound(url) && url::Url::parse(&response.url).map_or(true, |url| is_bound(&url))
}
