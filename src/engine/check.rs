//! Checks: whether a credential works, in its own region and in the others.
//!
//! Also explains responses and refusals with everything known about the credential. `check_writer`
//! writes the results; `fair_queue` orders many checks. Start with [`Engine::check`] and
//! [`Engine::check_many`].

use std::collections::{BTreeMap, HashMap};
use std::panic::resume_unwind;
use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::OnceCell;
use tokio::task::{JoinError, JoinSet};

use super::Engine;
use super::check_writer::CheckRecord;
use super::fair_queue::{FairQueue, shuffled};
use super::requests::access_tokens::{SendError, sends_secret_verbatim};
use super::requests::redact_response::RawResponse;
use super::task_protocol::HistoryFilter;
use crate::domain::credential::{CheckReport, Principal, SecretPart, SecretSlot};
use crate::domain::explain::{self, ExplanationContext, RequestContext, ResponseExplanation};
use crate::domain::provider::RequestPreset;
use crate::domain::refusal::{RefusalContext, RefusalDiagnosis};
use crate::domain::region::Region;
use crate::domain::request::RequestDraft;
use crate::domain::response::{ApiResponse, CheckResult};
use crate::domain::{Credential, CredentialId, Origin, Problem, Secret};
use crate::index::RegionCheckResult;
use crate::net::exchange::TokenExchangeError;
use crate::store::{ItemKey, SecretStore};

/// Number of the latest requests that are searched for results in other regions.
const MAX_HISTORY_CONSIDERED: usize = 50;

/// Secrets that are read from the store in one batch, when the first of them is needed.
struct SecretBatch {
    ids: Vec<CredentialId>,
    loaded: OnceCell<HashMap<CredentialId, Arc<Secret>>>,
}

impl Engine {
    /// Asks the provider in the named region whether the credential works, and stores the check
    /// result. A store that does not return the secret is a problem, not a check result.
    pub async fn check(
        &self,
        credential: &Credential,
        region: &str,
    ) -> Result<CheckReport, Problem> {
        let record = self.run_check(credential, region).await?;
        let check = record.check.clone();
        self.write_check(record).await?;
        Ok(check)
    }

    /// Checks many credentials in their own regions: a bounded number at a time, alternating
    /// between hosts, in a new random order every time. Calls `on_result` for each as it finishes.
    /// Dropping the future cancels the running checks. Each check is its own task, so that several
    /// cores can share the work.
    pub async fn check_many(
        self: &Arc<Self>,
        credentials: Vec<Credential>,
        mut on_result: impl FnMut(&Credential, Result<CheckReport, Problem>) + Send,
    ) {
        if credentials.len() > 1 {
            self.preload_bindings(&credentials).await;
        }
        let mut queue =
            FairQueue::new(self.assign_secret_batches(shuffled(credentials)), |(credential, _)| {
                queue_key(credential)
            });
        let (mut asked, mut writer) = (JoinSet::new(), self.check_writer());
        loop {
            while asked.len() < self.options.concurrency
                && let Some((place, (credential, secrets))) = queue.next()
            {
                let engine = Arc::clone(self);
                asked.spawn(async move {
                    (place, engine.run_check_from_batch(credential, secrets).await)
                });
            }
            let batch = tokio::select! {
                () = writer.wait_until_due() => {
                    writer.start_write();
                    continue;
                }
                batch = next_finished(&mut asked) => batch,
            };
            if batch.is_empty() {
                return writer.finish().await;
            }
            for (place, (credential, found)) in batch {
                queue.mark_done(place);
                match found {
                    Ok(record) => {
                        on_result(&credential, Ok(record.check.clone()));
                        writer.add(record);
                    }
                    Err(problem) => on_result(&credential, Err(problem)),
                }
            }
        }
    }

    /// Returns the credentials in queue order, each with the batch that reads its secret.
    fn assign_secret_batches(
        &self,
        credentials: Vec<Credential>,
    ) -> Vec<(Credential, Arc<SecretBatch>)> {
        let mut queue = FairQueue::new(credentials, queue_key);
        let mut waiting =
            std::iter::from_fn(|| queue.next()).map(|(_, credential)| credential).peekable();
        let mut work = Vec::new();
        while waiting.peek().is_some() {
            let batch: Vec<_> = waiting.by_ref().take(self.store.read_batch_size()).collect();
            let secrets = Arc::new(SecretBatch::new(self.ids_sent_verbatim(&batch)));
            work.extend(batch.into_iter().map(|credential| (credential, Arc::clone(&secrets))));
        }
        work
    }

    /// Checks a credential in every region of its provider, its own region last, so that a refusal
    /// there can be explained by the results of the others. The secret is sent to each of their
    /// hosts, so the caller must have asked the user first.
    pub async fn check_all_regions(
        &self,
        credential: &Credential,
        mut on_result: impl FnMut(&str, &CheckReport) + Send,
    ) -> Result<(), Problem> {
        self.verify_binding(credential).await?;
        let regions = self.catalog.regions(&credential.provider)?;
        let (own, others): (Vec<_>, Vec<_>) =
            regions.iter().partition(|region| region.id == credential.region);
        let [own, others] = [own, others].map(|asked| {
            let asked: Vec<_> = asked
                .into_iter()
                .map(|region| self.check_region(credential, region).boxed())
                .collect();
            stream::iter(asked).buffer_unordered(self.options.concurrency)
        });
        let mut answers = std::pin::pin!(others.chain(own));
        while let Some((region, outcome)) = answers.next().await {
            on_result(&region.id, &outcome?);
        }
        Ok(())
    }

    /// Returns the latest check results of a credential, one per region where it was checked.
    pub async fn region_checks(
        &self,
        id: &CredentialId,
    ) -> Result<Vec<RegionCheckResult>, Problem> {
        let id = id.clone();
        self.with_database(move |index| index.region_checks(&id)).await
    }

    /// Explains what a response says about the credential, with everything else that is known.
    pub(super) async fn explain_response(
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
    pub(super) async fn diagnose_refusal(
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
            ..ExplanationContext::new(self.now())
        };
        if response.status < 400 {
            return Ok(hints);
        }
        let checks = self.region_checks(&credential.id).await?;
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
        let Ok(secret) = self.load_secret(credential, &SecretPart::Secret).await else {
            return (None, None);
        };
        match self.identify(&secret) {
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

    /// Returns the ids of the credentials whose secret is sent exactly as it is stored.
    fn ids_sent_verbatim(&self, credentials: &[Credential]) -> Vec<CredentialId> {
        let is_sent = |credential: &&Credential| {
            let kind = self.catalog.kind(&credential.provider, &credential.kind);
            kind.is_ok_and(|kind| sends_secret_verbatim(kind, credential))
        };
        credentials.iter().filter(is_sent).map(|credential| credential.id.clone()).collect()
    }

    async fn run_check_from_batch(
        &self,
        credential: Credential,
        secrets: Arc<SecretBatch>,
    ) -> (Credential, Result<CheckRecord, Problem>) {
        let found = match secrets.get(&credential.id, self.store.as_ref()).await {
            Some(secret) => {
                match self.verify_fingerprint(&credential, &SecretPart::Secret, &secret).await {
                    Ok(()) => {
                        self.run_check_with_secret(&credential, &credential.region, secret).await
                    }
                    Err(problem) => Err(problem),
                }
            }
            None => self.run_check(&credential, &credential.region).await,
        };
        (credential, found)
    }

    async fn check_region<'r>(
        &self,
        credential: &Credential,
        region: &'r Region,
    ) -> (&'r Region, Result<CheckReport, Problem>) {
        let is_own = region.id == credential.region;
        match self.verify_region(credential, region).await {
            Err(problem) if !is_own => (region, Ok(self.skipped_check(&problem))),
            _ => (region, self.check(credential, &region.id).await),
        }
    }

    /// Returns the result of a region that is not asked, because its hosts are not the recorded
    /// ones.
    fn skipped_check(&self, problem: &Problem) -> CheckReport {
        CheckReport {
            result: CheckResult::Unchecked,
            status: None,
            reason: format!("{}: {}; {}", problem.what, problem.why, problem.remedy),
            checked_at: self.now(),
            latency_ms: None,
        }
    }

    pub(super) async fn run_check(
        &self,
        credential: &Credential,
        region: &str,
    ) -> Result<CheckRecord, Problem> {
        self.run_check_using(credential, region, |region, draft| async move {
            let limits = self.options.limits.for_checks();
            self.send_with_auth_retry(credential, region, &draft, limits).await
        })
        .await
    }

    /// Like `run_check`, with a secret that is sent verbatim and was already read.
    async fn run_check_with_secret(
        &self,
        credential: &Credential,
        region: &str,
        secret: Arc<Secret>,
    ) -> Result<CheckRecord, Problem> {
        let send = |region, draft: RequestDraft| async move {
            let limits = self.options.limits.for_checks();
            self.send_with_secret(credential, region, &draft, Some(secret), limits).await
        };
        self.run_check_using(credential, region, send).await
    }

    async fn run_check_using<'a, D: Future<Output = Result<RawResponse, SendError>>>(
        &'a self,
        credential: &Credential,
        region: &str,
        send: impl FnOnce(&'a Region, RequestDraft) -> D,
    ) -> Result<CheckRecord, Problem> {
        let region = self.catalog.region(&credential.provider, region)?;
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let preset = self.catalog.preset(&credential.provider, &kind.check)?;
        let draft = self.draft_from_preset(credential, &preset.id, &BTreeMap::new())?;
        self.wait_for_quota(credential, region).await?;
        let started = std::time::Instant::now();
        let outcome = send(region, draft).await;
        let latency = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (mut principal, mut home_organization) = (None, None);
        let (result, status, reason) = match outcome {
            Ok(raw) => {
                let response = raw.redacted();
                let ResponseExplanation { result, reason, .. } =
                    self.explain_response(credential, region, &response).await?;
                if result == CheckResult::Accepted {
                    (principal, home_organization) = principal_and_home(preset, &response);
                }
                (result, Some(response.status), reason)
            }
            Err(SendError::Net(error)) => (CheckResult::Unknown, None, error.to_string()),
            Err(SendError::Exchange(error)) => {
                self.explain_exchange_error(credential, region, &error).await?
            }
            Err(SendError::Problem(problem)) => return Err(problem),
        };
        let check = CheckReport {
            result,
            status,
            reason,
            checked_at: self.now(),
            latency_ms: Some(latency),
        };
        let principal =
            principal.filter(|principal| credential.principal.as_ref() != Some(principal));
        Ok(CheckRecord {
            credential: credential.id.clone(),
            region: region.id.clone(),
            check,
            principal,
            home_organization,
        })
    }

    /// Explains what a failed token exchange says about the credential, by the provider's response
    /// if there is one.
    async fn explain_exchange_error(
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
        let ResponseExplanation { result, reason, .. } =
            self.explain_response(credential, region, response).await?;
        Ok((result, Some(response.status), reason))
    }

    /// Explains why a request got no response, by the provider's table of meanings if the exchange
    /// was refused.
    pub(super) async fn explain_send_error(
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

/// Returns the next finished results and all that are ready with it; empty if no task is running.
/// Propagates a panic of a task to the caller.
async fn next_finished<T: 'static>(asked: &mut JoinSet<T>) -> Vec<T> {
    let first = asked.join_next().await;
    let more = std::iter::from_fn(|| asked.try_join_next());
    first.into_iter().chain(more).filter_map(join_result).collect()
}

/// Returns the result of a task; `None` if the runtime shut down first.
fn join_result<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(outcome) => Some(outcome),
        Err(Ok(panic)) => resume_unwind(panic),
        Err(Err(_cancelled)) => None,
    }
}

/// Queue of a check: hosts alternate by provider and region.
fn queue_key(credential: &Credential) -> String {
    format!("{} {}", credential.provider, credential.region)
}

impl SecretBatch {
    fn new(ids: Vec<CredentialId>) -> Self {
        Self { ids, loaded: OnceCell::new() }
    }

    /// Returns one secret of the batch. `None` if it is not in the batch or could not be read: its
    /// own check then reports the reason.
    async fn get(&self, id: &CredentialId, store: &dyn SecretStore) -> Option<Arc<Secret>> {
        let read = self.loaded.get_or_init(|| async {
            let keys: Vec<_> = self
                .ids
                .iter()
                .map(|id| ItemKey::for_part(id, SecretSlot::Current, &SecretPart::Secret))
                .collect();
            let read = self.ids.iter().zip(store.get_many(&keys).await);
            read.filter_map(|(id, secret)| Some((id.clone(), Arc::new(secret.ok()?)))).collect()
        });
        read.await.get(id).cloned()
    }
}

/// Reads the principal that the credential acts as from the response.
pub(super) fn principal_from_response(
    preset: &RequestPreset,
    response: &ApiResponse,
) -> Option<Principal> {
    principal_and_home(preset, response).0
}

/// Reads the principal and the organization in which it acts unless a request names another one.
fn principal_and_home(
    preset: &RequestPreset,
    response: &ApiResponse,
) -> (Option<Principal>, Option<String>) {
    let body: Option<serde_json::Value> =
        response.body.text().and_then(|text| serde_json::from_str(text).ok());
    let (Some(pointers), Some(body)) = (&preset.principal, body) else { return (None, None) };
    (pointers.read_principal(&body), pointers.read_home_organization(&body))
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
