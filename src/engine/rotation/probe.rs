//! Using a secret to see whether it works, whom it acts as and what it reaches.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::StepResult;
use super::slots::retryable_failure;
use super::strategies::{ManagementClient, failure_from_problem, strategy_for};
use crate::domain::Secret;
use crate::domain::credential::{Principal, SecretSlot};
use crate::domain::provider::{AuthMethod, RequestPreset};
use crate::domain::request::RequestDraft;
use crate::domain::response::{ApiResponse, CheckResult};
use crate::domain::rotation::AccessScope;
use crate::engine::access_tokens::SendError;
use crate::engine::check::principal_from_response;
use crate::net::HostBoundSecret;
use crate::net::exchange::TokenExchangeError;

/// The presets that list the organisations which a credential sees; a provider has one of them or none.
const ORGANIZATION_PRESETS: [&str; 2] = ["orgs", "organizations"];

/// How many pages of organisations are read.
const MAX_ORGANIZATION_PAGES: usize = 200;

/// What became of using a secret.
pub(super) enum ProbeResult {
    /// It was accepted, in this way, with this answer.
    Accepted(HostBoundSecret, ApiResponse),
    /// It was accepted as belonging to this principal, which is all that it can show.
    Identified(Principal),
    /// It was refused; why, in words.
    Refused(String),
}

impl ManagementClient<'_> {
    /// Uses the secret in a slot.
    pub(super) async fn probe_slot(&self, slot: SecretSlot) -> StepResult<ProbeResult> {
        if let Some(tried) = strategy_for(self.strategy_id).probe_slot(self, slot).await? {
            return Ok(tried);
        }
        let bound = match self
            .engine
            .authorize_slot(&self.credential, self.kind, self.region, slot)
            .await
        {
            Ok(bound) => bound,
            Err(SendError::Exchange(TokenExchangeError::Refused { status, why, .. })) => {
                return Ok(ProbeResult::Refused(format!("{status}: {why}")));
            }
            Err(trouble) => return Err(failure_from_probe_error(trouble)),
        };
        let preset = self.engine.catalog.preset(&self.credential.provider, &self.kind.check);
        let preset = preset.map_err(|error| failure_from_problem(&error.into()))?;
        let draft = self.build_draft(preset)?;
        let mut last = None;
        for scheme in self.candidate_schemes(&bound) {
            let attempt = HostBoundSecret {
                scheme,
                secret: bound.secret.clone(),
                origins: bound.origins.clone(),
            };
            let (attempt, answer) = self.send_probe(&draft, attempt).await?;
            if answer.status != 401 {
                return self.classify_response(attempt, answer).await;
            }
            last = Some((attempt, answer));
        }
        match last {
            Some((bound, answer)) => self.classify_response(bound, answer).await,
            None => Err(retryable_failure("there is no way to send the secret")),
        }
    }

    /// What the secret in a slot reaches; `Err` in words where it is refused. `id` is what it is at the provider.
    pub(super) async fn fetch_access_scope(
        &self,
        slot: SecretSlot,
        id: Option<&str>,
    ) -> StepResult<Result<AccessScope, String>> {
        let (principal, organisations) = match self.probe_slot(slot).await? {
            ProbeResult::Accepted(bound, answer) => {
                (self.acting_principal(&answer)?, self.list_organizations(bound).await?)
            }
            ProbeResult::Identified(principal) => (principal, BTreeSet::new()),
            ProbeResult::Refused(why) => return Ok(Err(why)),
        };
        let roles = match id {
            Some(id) => strategy_for(self.strategy_id).fetch_roles(self, id).await?,
            None => None,
        };
        let (kind, region) = (self.kind.id.clone(), self.region.id.clone());
        Ok(Ok(AccessScope { principal, kind, region, organizations: organisations, roles }))
    }

    /// Both schemes where the kind has two, the one that is known to work first.
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
        bound: HostBoundSecret,
    ) -> StepResult<(HostBoundSecret, ApiResponse)> {
        let kept = HostBoundSecret {
            scheme: bound.scheme.clone(),
            secret: bound.secret.clone(),
            origins: bound.origins.clone(),
        };
        let outgoing = self.engine.build_outgoing(&self.credential, self.region, draft, bound);
        let outgoing = outgoing.map_err(|problem| failure_from_problem(&problem))?;
        let answer = self
            .engine
            .send_once(&self.credential, self.region, outgoing)
            .await
            .map_err(|error| retryable_failure(error.to_string()))?;
        Ok((kept, answer))
    }

    async fn classify_response(
        &self,
        bound: HostBoundSecret,
        answer: ApiResponse,
    ) -> StepResult<ProbeResult> {
        let judgement = self.engine.explain_response(&self.credential, self.region, &answer).await;
        let judgement = judgement.map_err(|problem| failure_from_problem(&problem))?;
        match judgement.result {
            CheckResult::Accepted => Ok(ProbeResult::Accepted(bound, answer)),
            CheckResult::Refused => {
                Ok(ProbeResult::Refused(format!("{}: {}", answer.status, judgement.reason)))
            }
            CheckResult::Unknown | CheckResult::Unchecked => {
                Err(retryable_failure(format!("{}: {}", answer.status, judgement.reason)))
            }
        }
    }

    fn build_draft(&self, preset: &RequestPreset) -> StepResult<RequestDraft> {
        preset
            .to_draft(&[&BTreeMap::new(), &self.credential.fields])
            .map_err(|error| failure_from_problem(&error.into()))
    }

    /// Whom the answer says that the secret acts as. A kind whose check tells nobody acts as its own credential.
    fn acting_principal(&self, answer: &ApiResponse) -> StepResult<Principal> {
        let preset = self.engine.catalog.preset(&self.credential.provider, &self.kind.check);
        let preset = preset.map_err(|error| failure_from_problem(&error.into()))?;
        match (principal_from_response(preset, answer), &preset.principal) {
            (Some(principal), _) => Ok(principal),
            (None, Some(_)) => {
                Err(retryable_failure("the answer does not tell whom the secret acts as"))
            }
            (None, None) => Ok(Principal {
                id: "unknown".to_owned(),
                name: "somebody".to_owned(),
                kind: "unknown".to_owned(),
            }),
        }
    }

    async fn list_organizations(&self, bound: HostBoundSecret) -> StepResult<BTreeSet<String>> {
        let mut seen = BTreeSet::new();
        let preset = |id| self.engine.catalog.preset(&self.credential.provider, id).ok();
        let Some(preset) = ORGANIZATION_PRESETS.into_iter().find_map(preset) else {
            return Ok(seen);
        };
        let Ok(mut draft) = self.build_draft(preset) else { return Ok(seen) };
        let (first, mut bound) = (draft.query.clone(), bound);
        for _ in 0..MAX_ORGANIZATION_PAGES {
            let (kept, answer) = self.send_probe(&draft, bound).await?;
            bound = kept;
            match answer.status {
                200..300 => {}
                429 | 500.. => {
                    return Err(retryable_failure(format!(
                        "{} to the list of organisations",
                        answer.status
                    )));
                }
                _ => return Ok(seen),
            }
            let body: Value = answer
                .body
                .text()
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default();
            let list = body["data"].as_array().or_else(|| body.as_array());
            seen.extend(list.into_iter().flatten().filter_map(item_id));
            let Some(cursor) = super::strategies::next_page_cursor(&body) else { break };
            draft.query.clone_from(&first);
            draft.query.push(("starting_after".to_owned(), cursor));
        }
        Ok(seen)
    }

    /// The expiry, the id and the fitness of a secret, as far as the secret itself tells.
    pub(super) fn identify_secret(
        &self,
        secret: &Secret,
    ) -> Option<crate::domain::identify::IdentificationCandidate> {
        let found = self.engine.identify(secret).ok()?;
        found
            .candidates
            .into_iter()
            .find(|one| one.provider == self.credential.provider && one.kind == self.kind.id)
    }
}

fn item_id(item: &Value) -> Option<String> {
    item["id"].as_str().map(str::to_owned)
}

fn failure_from_probe_error(trouble: SendError) -> crate::domain::rotation::StepFailure {
    match trouble {
        SendError::Problem(problem) => failure_from_problem(&problem),
        SendError::Exchange(
            error
            @ (TokenExchangeError::MissingField(_) | TokenExchangeError::ClaimMismatch { .. }),
        ) => super::slots::permanent_failure(error.to_string()),
        other => retryable_failure(crate::domain::Problem::from(other).why),
    }
}
