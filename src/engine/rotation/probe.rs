//! Probes that send a secret to its provider to see whether it is accepted, which principal it acts
//! as and what it can access.
//!
//! Start at `ManagementClient::probe_slot` and `ManagementClient::fetch_access_scope`. How the API
//! explains a refusal belongs to [`crate::engine::checks`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::StepResult;
use super::slots::retryable_failure;
use super::strategies::{ManagementClient, failure_from_problem, strategy_for};
use crate::database::CheckedSecret;
use crate::domain::Secret;
use crate::domain::credential::{CheckReport, Principal, SecretPart, SecretSlot};
use crate::domain::diagnosis::explain::ResponseExplanation;
use crate::domain::pagination::next_page_url;
use crate::domain::provider::spec::OrganizationListing;
use crate::domain::provider::{AuthMethod, RequestPreset};
use crate::domain::request::RequestDraft;
use crate::domain::response::{ApiResponse, CheckResult};
use crate::domain::rotation::{AccessScope, IdentitySource, StepFailureKind, UNKNOWN_PRINCIPAL_ID};
use crate::engine::checks::principal_from_response;
use crate::engine::checks::writer::CheckRecord;
use crate::engine::requests::access_tokens::SendError;
use crate::engine::requests::pagination::next_page_draft;
use crate::engine::requests::pending_request::{OutcomeRecording, RequestAuthentication};
use crate::net::HostBoundSecret;
use crate::net::oauth::exchange::TokenExchangeError;

/// Maximum number of pages of organizations to read.
const MAX_ORGANIZATION_PAGES: usize = 200;

/// Result of a probe.
pub(super) enum ProbeResult {
    /// Accepted: the secret with the scheme that worked, and the response.
    Accepted(HostBoundSecret, ApiResponse),
    /// Accepted as belonging to this principal, which is all that the probe can find out.
    Identified(Principal),
    /// Refused, with the reason.
    Refused(String),
}

/// What a secret shows of its own access.
pub(super) struct VisibleAccess {
    /// User or account that it acts as.
    pub(super) principal: Principal,
    /// IDs of the organizations that it sees; `None` if the provider does not list them.
    pub(super) organizations: Option<BTreeSet<String>>,
}

impl ManagementClient<'_> {
    /// Sends the secret in a slot. What the provider says about the current secret is recorded.
    pub(super) async fn probe_slot(&self, slot: SecretSlot) -> StepResult<ProbeResult> {
        if let Some(result) = strategy_for(self.strategy_id).probe_slot(self, slot).await? {
            return Ok(result);
        }
        let bound = match self
            .service
            .requests
            .authorize_slot(&self.credential, self.kind, self.region, slot)
            .await
        {
            Ok(bound) => bound,
            Err(SendError::Exchange(TokenExchangeError::Refused { status, why, .. })) => {
                let reason = format!("{status}: {why}");
                self.record_probe(slot, CheckResult::Refused, status, &reason).await?;
                return Ok(ProbeResult::Refused(reason));
            }
            Err(error) => return Err(failure_from_probe_error(error)),
        };
        let preset = self.service.catalog.preset(&self.credential.provider, &self.kind.check);
        let preset = preset.map_err(|error| failure_from_problem(&error.into()))?;
        let draft = self.build_draft(preset)?;
        let mut last = None;
        for scheme in self.candidate_schemes(&bound) {
            let attempt = HostBoundSecret { scheme, ..bound.clone() };
            let response = self.send_probe(&draft, &attempt).await?;
            if response.status != 401 {
                return self.classify_response(slot, attempt, response).await;
            }
            last = Some((attempt, response));
        }
        match last {
            Some((bound, response)) => self.classify_response(slot, bound, response).await,
            None => Err(retryable_failure("no authentication scheme is available for the secret")),
        }
    }

    /// Returns what the secret in a slot can access and which credential it names; `Err` with the
    /// reason where it is refused. `id` is the credential's ID where the secret names none.
    pub(super) async fn fetch_access_scope(
        &self,
        slot: SecretSlot,
        id: Option<&str>,
    ) -> StepResult<Result<(AccessScope, Option<String>), String>> {
        let visible = match self.fetch_visible_access(slot).await? {
            Ok(visible) => visible,
            Err(why) => return Ok(Err(why)),
        };
        let VisibleAccess { principal, organizations } = visible;
        let named = self.named_credential(slot, &principal).await?;
        let roles = match named.as_deref().or(id) {
            Some(id) => strategy_for(self.strategy_id).fetch_roles(self, id).await?,
            None => None,
        };
        let (kind, region) = (self.kind.id.clone(), self.region.id.clone());
        Ok(Ok((AccessScope { principal, kind, region, organizations, roles }, named)))
    }

    /// Returns the principal and the organizations of the secret in a slot, which need no management
    /// call; `Err` with the reason where the secret is refused.
    pub(super) async fn fetch_visible_access(
        &self,
        slot: SecretSlot,
    ) -> StepResult<Result<VisibleAccess, String>> {
        Ok(match self.probe_slot(slot).await? {
            ProbeResult::Accepted(bound, response) => Ok(VisibleAccess {
                principal: self.acting_principal(&response)?,
                organizations: self.list_organizations(&bound).await?,
            }),
            // Such a secret only identifies its principal, whose access all its secrets share.
            ProbeResult::Identified(principal) => {
                Ok(VisibleAccess { principal, organizations: Some(BTreeSet::new()) })
            }
            ProbeResult::Refused(why) => Err(why),
        })
    }

    /// Returns the ID of the credential that a secret itself names: the principal that it acts as,
    /// or a claim in it that the provider's list confirms. `None` where it names none, or where the
    /// secret is revoked by its value, which needs no ID.
    async fn named_credential(
        &self,
        slot: SecretSlot,
        principal: &Principal,
    ) -> StepResult<Option<String>> {
        match self.strategy_id.spec().traits.identity_source {
            IdentitySource::Value | IdentitySource::Nothing => return Ok(None),
            IdentitySource::Principal(kind) if principal.kind == kind => {
                return Ok(Some(principal.id.clone()));
            }
            IdentitySource::Principal(_) | IdentitySource::Claim => {}
        }
        let secret =
            self.service.secrets.load_slot(&self.credential, slot, &SecretPart::Secret).await;
        let secret = secret.map_err(|problem| failure_from_problem(&problem))?;
        let found = secret.and_then(|secret| self.identify_secret(&secret));
        let Some(claim) = found.and_then(|found| found.remote_id) else { return Ok(None) };
        let listed = match strategy_for(self.strategy_id).list(self).await {
            Err(failure) if failure.kind == StepFailureKind::Refused => Vec::new(),
            listed => listed?,
        };
        Ok(listed.into_iter().map(|remote| remote.id).find(|id| *id == claim))
    }

    /// Returns both schemes where the kind has two, the one that is known to work first.
    fn candidate_schemes(&self, bound: &HostBoundSecret) -> Vec<String> {
        let AuthMethod::Header { scheme, fallback } = &self.kind.authorization else {
            return vec![bound.scheme.clone()];
        };
        let mut schemes: Vec<String> = self.credential.scheme.iter().cloned().collect();
        let others = [Some(scheme), fallback.as_ref()].into_iter().flatten();
        others.for_each(|other| {
            if !schemes.contains(other) {
                schemes.push(other.clone());
            }
        });
        schemes
    }

    async fn send_probe(
        &self,
        draft: &RequestDraft,
        bound: &HostBoundSecret,
    ) -> StepResult<ApiResponse> {
        let request = self
            .service
            .requests
            .pending_request(&self.credential, self.region, draft)
            .map_err(|problem| failure_from_problem(&problem))?
            .with_check_limits()
            .with_authentication(RequestAuthentication::Fixed(bound.clone()))
            .with_outcome_recording(OutcomeRecording::ByCaller);
        let raw =
            self.service.requests.execute(&request).await.map_err(failure_from_probe_error)?;
        Ok(raw.response)
    }

    async fn classify_response(
        &self,
        slot: SecretSlot,
        bound: HostBoundSecret,
        response: ApiResponse,
    ) -> StepResult<ProbeResult> {
        let explanation =
            self.service.requests.explain_response(&self.credential, self.region, &response).await;
        let explanation = explanation.map_err(|problem| failure_from_problem(&problem))?;
        if matches!(explanation.result, CheckResult::Accepted | CheckResult::Refused) {
            let ResponseExplanation { result, reason, .. } = &explanation;
            self.record_probe(slot, *result, response.status, reason).await?;
        }
        match explanation.result {
            CheckResult::Accepted => Ok(ProbeResult::Accepted(bound, response)),
            CheckResult::Refused => Ok(ProbeResult::Refused(explanation.reason)),
            CheckResult::Unknown | CheckResult::Unchecked => {
                Err(retryable_failure(explanation.reason))
            }
        }
    }

    /// Records the result of a probe of the current secret; the other slots are not what the
    /// credential works with.
    async fn record_probe(
        &self,
        slot: SecretSlot,
        result: CheckResult,
        status: u16,
        reason: &str,
    ) -> StepResult<()> {
        if slot != SecretSlot::Current {
            return Ok(());
        }
        let check = CheckReport {
            result,
            status: Some(status),
            reason: reason.to_owned(),
            checked_at: self.service.clock.now(),
            latency_ms: None,
        };
        let record = CheckRecord {
            checked: CheckedSecret::from(&self.credential.id),
            region: self.region.id.clone(),
            check,
            principal: None,
            home_organization: None,
        };
        let written = self.service.checks.write_check(record).await;
        written.map_err(|problem| failure_from_problem(&problem))
    }

    fn build_draft(&self, preset: &RequestPreset) -> StepResult<RequestDraft> {
        preset
            .to_draft(&[&BTreeMap::new(), &self.credential.fields])
            .map_err(|error| failure_from_problem(&error.into()))
    }

    /// Returns the principal that the response names. A kind whose check names no principal gets a
    /// placeholder.
    fn acting_principal(&self, response: &ApiResponse) -> StepResult<Principal> {
        let preset = self.service.catalog.preset(&self.credential.provider, &self.kind.check);
        let preset = preset.map_err(|error| failure_from_problem(&error.into()))?;
        match (principal_from_response(preset, response), &preset.principal) {
            (Some(principal), _) => Ok(principal),
            (None, Some(_)) => {
                Err(retryable_failure("the response does not name the principal of the secret"))
            }
            (None, None) => Ok(unnamed_principal()),
        }
    }

    /// Returns the organizations that the provider lists; empty where it has none, `None` where it
    /// does not list all of them.
    async fn list_organizations(
        &self,
        bound: &HostBoundSecret,
    ) -> StepResult<Option<BTreeSet<String>>> {
        let provider = self.service.catalog.provider(&self.credential.provider);
        let provider = provider.map_err(|error| failure_from_problem(&error.into()))?;
        if !provider.has_organizations {
            return Ok(Some(BTreeSet::new()));
        }
        let Some(listing) = &provider.organizations else { return Ok(None) };
        let preset = self.service.catalog.preset(&provider.id, &listing.preset);
        let preset = preset.map_err(|error| failure_from_problem(&error.into()))?;
        let Ok(first) = self.build_draft(preset) else { return Ok(None) };
        let Ok(mut url) = first.resolve(self.region) else { return Ok(None) };
        let (mut draft, mut seen) = (first.clone(), BTreeSet::new());
        for _ in 0..MAX_ORGANIZATION_PAGES {
            let response = self.send_probe(&draft, bound).await?;
            match response.status {
                200..300 => {}
                429 | 500.. => {
                    return Err(retryable_failure(format!(
                        "{} for the list of organizations",
                        response.status
                    )));
                }
                _ => return Ok(None),
            }
            // An incomplete list would look like a narrower access.
            if response.truncated {
                return Err(retryable_failure("the list of organizations is too long"));
            }
            let text = response.body.text().unwrap_or_default();
            let Some(ids) = organization_ids(listing, &text) else { return Ok(None) };
            seen.extend(ids);
            match next_page_url(&text, &url, provider.link_prefix.as_deref()) {
                Ok(Some(next)) => {
                    draft = next_page_draft(&first, &next);
                    url = next;
                }
                Ok(None) => return Ok(Some(seen)),
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Returns expiry, ID and kind of a secret, as far as the secret itself contains them.
    pub(super) fn identify_secret(
        &self,
        secret: &Secret,
    ) -> Option<crate::domain::identify::IdentificationCandidate> {
        let found = self.service.credentials.identify(secret).ok()?;
        found.candidates.into_iter().find(|candidate| {
            candidate.provider == self.credential.provider && candidate.kind == self.kind.id
        })
    }
}

/// Returns the placeholder for the principal of a kind whose check names none.
pub(super) fn unnamed_principal() -> Principal {
    let unknown = || UNKNOWN_PRINCIPAL_ID.to_owned();
    Principal { id: unknown(), name: unknown(), kind: unknown() }
}

/// Returns the IDs of the organizations on a page; `None` where it does not list any, or lists one
/// without an ID.
fn organization_ids(listing: &OrganizationListing, page: &str) -> Option<Vec<String>> {
    let page: Value = serde_json::from_str(page).ok()?;
    let items = page.pointer(&listing.items.list)?.as_array()?.len();
    let ids = listing.items.read_options(&page).into_iter().map(|option| option.value);
    Some(ids.collect::<Vec<_>>()).filter(|ids| ids.len() == items)
}

fn failure_from_probe_error(error: SendError) -> crate::domain::rotation::StepFailure {
    match error {
        SendError::Problem(problem) => failure_from_problem(&problem),
        SendError::Exchange(
            error
            @ (TokenExchangeError::MissingField(_) | TokenExchangeError::ClaimMismatch { .. }),
        ) => super::slots::permanent_failure(error.to_string()),
        other => retryable_failure(crate::domain::Problem::from(other).why),
    }
}
