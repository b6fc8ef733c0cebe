//! Checks: whether a credential works, in its own region and in the others.
//!
//! `check_writer` writes the results; the fair queue orders many checks. Start with
//! [`CheckService::check`] and [`CheckService::check_many`].
//!
//! Fair queue: work for several hosts, in random order, where no host can take the share of the
//! others.
//!
//! The order is random, not the start time: machines that check the same credentials in the same
//! minute do not hit the same one together, and none of them waits for it. When a rate limit is
//! used up, `requests::execute` spreads the wait as well. Start with `FairQueue::next`.

pub(super) mod tasks;
pub(super) mod writer;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::resume_unwind;
use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::OnceCell;
use tokio::task::{JoinError, JoinSet};

use super::Clock;
use super::ports::{CoreServices, SharedPorts};
use super::requests::access_tokens::{SendError, sends_secret_verbatim};
use super::requests::pending_request::{OutcomeRecording, RequestAuthentication};
use super::requests::record_outcome::checked_secret;
use crate::database::{Database, RegionCheckResult};
use crate::domain::credential::{CheckReport, Principal, SecretPart, SecretSlot};
use crate::domain::diagnosis::explain::{self, ResponseExplanation, ResponseSource};
use crate::domain::diagnosis::judgement::is_api_body;
use crate::domain::problem::ProblemClass;
use crate::domain::provider::{ProviderCatalog, RequestPreset};
use crate::domain::region::Region;
use crate::domain::response::{ApiResponse, CheckResult};
use crate::domain::{Credential, CredentialId, Problem, Secret};
use crate::engine::checks::writer::CheckRecord;
use crate::engine::ports::DatabaseHandle;
use crate::engine::requests::RequestService;
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::store::{ItemKey, SecretStore};

/// Secrets that are read from the store in one batch, when the first of them is needed.
struct SecretBatch {
    ids: Vec<CredentialId>,
    loaded: OnceCell<HashMap<CredentialId, Arc<Secret>>>,
}

/// Checks of credentials, in their own region and in others.
pub struct CheckService {
    catalog: Arc<ProviderCatalog>,
    pub(super) database: DatabaseHandle,
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    concurrency: usize,
    bindings: Arc<BindingService>,
    secrets: Arc<SecretAccess>,
    requests: Arc<RequestService>,
}

impl CheckService {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        core: &CoreServices,
        requests: Arc<RequestService>,
    ) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            store: Arc::clone(&ports.store),
            clock: Arc::clone(&ports.clock),
            concurrency: ports.options.concurrency,
            bindings: Arc::clone(&core.bindings),
            secrets: Arc::clone(&core.secrets),
            requests,
        }
    }

    /// Asks the provider in the named region whether the credential works, and stores the check
    /// result. A store that does not return the secret is a problem, not a check result; so is a
    /// response that is not the provider's.
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
            self.bindings.preload_bindings(&credentials).await;
        }
        let mut queue =
            FairQueue::new(self.assign_secret_batches(shuffled(credentials)), |(credential, _)| {
                queue_key(credential)
            });
        let (mut asked, mut writer) = (JoinSet::new(), self.check_writer());
        loop {
            while asked.len() < self.concurrency
                && let Some((place, (credential, secrets))) = queue.next()
            {
                let service = Arc::clone(self);
                asked.spawn(async move {
                    (place, service.run_check_from_batch(credential, secrets).await)
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
        self.bindings.verify_binding(credential).await?;
        let regions = self.catalog.regions(&credential.provider)?;
        let (own, others): (Vec<_>, Vec<_>) =
            regions.iter().partition(|region| region.id == credential.region);
        let [own, others] = [own, others].map(|asked| {
            let asked: Vec<_> = asked
                .into_iter()
                .map(|region| self.check_region(credential, region).boxed())
                .collect();
            stream::iter(asked).buffer_unordered(self.concurrency)
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
        self.database.run(move |index| index.region_checks(&id)).await
    }

    /// Returns the latest check results of all credentials in all regions.
    pub async fn all_region_checks(
        &self,
    ) -> Result<Vec<(CredentialId, RegionCheckResult)>, Problem> {
        self.database.run(Database::all_region_checks).await
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
                match self
                    .secrets
                    .verify_fingerprint(&credential, &SecretPart::Secret, &secret)
                    .await
                {
                    Ok(()) => {
                        let loaded = RequestAuthentication::Loaded(secret);
                        self.run_check_with(&credential, &credential.region, loaded).await
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
        match self.bindings.verify_region(credential, region).await {
            Err(problem) if !is_own => {
                (region, Ok(self.unrecorded_check(CheckResult::Unchecked, &problem)))
            }
            _ => match self.check(credential, &region.id).await {
                Err(problem) if problem.class == ProblemClass::Unknown => {
                    (region, Ok(self.unrecorded_check(CheckResult::Unknown, &problem)))
                }
                checked => (region, checked),
            },
        }
    }

    /// Returns the result of a region that is not asked, because its hosts are not the recorded
    /// ones, or from which another server responded. It is not recorded.
    fn unrecorded_check(&self, result: CheckResult, problem: &Problem) -> CheckReport {
        CheckReport {
            result,
            status: None,
            reason: format!("{}: {}; {}", problem.what, problem.why, problem.remedy),
            checked_at: self.clock.now(),
            latency_ms: None,
        }
    }

    pub(super) async fn run_check(
        &self,
        credential: &Credential,
        region: &str,
    ) -> Result<CheckRecord, Problem> {
        self.run_check_with(credential, region, RequestAuthentication::Current).await
    }

    async fn run_check_with(
        &self,
        credential: &Credential,
        region: &str,
        authentication: RequestAuthentication,
    ) -> Result<CheckRecord, Problem> {
        let region = self.catalog.region(&credential.provider, region)?;
        let kind = self.catalog.kind(&credential.provider, &credential.kind)?;
        let preset = self.catalog.preset(&credential.provider, &kind.check)?;
        let draft = self.requests.draft_from_preset(credential, &preset.id, &BTreeMap::new())?;
        let request = self
            .requests
            .pending_request(credential, region, &draft)?
            .with_check_limits()
            .with_authentication(authentication)
            .with_outcome_recording(OutcomeRecording::ByCaller);
        let outcome = self.requests.execute(&request).await;
        let elapsed = request.elapsed();
        let (mut principal, mut home_organization) = (None, None);
        let (result, status, reason) = match outcome {
            Ok(raw) => {
                let response = raw.redacted();
                let ResponseExplanation { source, result, reason, problem } =
                    self.requests.explain_response(credential, region, &response).await?;
                let provider = self.catalog.provider(&credential.provider)?;
                if let (ResponseSource::Intermediary, Some(problem)) = (source, problem) {
                    return Err(problem);
                }
                if result == CheckResult::Accepted && !is_api_body(&response) {
                    return Err(explain::foreign_text_problem(provider, &response));
                }
                if result == CheckResult::Accepted {
                    (principal, home_organization) = principal_and_home(preset, &response);
                }
                (result, Some(response.status), reason)
            }
            Err(SendError::Net(error)) => (CheckResult::Unknown, None, error.to_string()),
            Err(SendError::Exchange(error)) => {
                self.requests.explain_exchange_error(credential, region, &error).await?
            }
            Err(SendError::Problem(problem)) => return Err(problem),
        };
        let check = self.requests.check_report(result, status, reason, elapsed);
        let principal =
            principal.filter(|principal| credential.principal.as_ref() != Some(principal));
        Ok(CheckRecord {
            checked: checked_secret(kind, credential),
            region: region.id.clone(),
            check,
            principal,
            home_organization,
        })
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
        response.body.text().and_then(|text| serde_json::from_str(&text).ok());
    let (Some(pointers), Some(body)) = (&preset.principal, body) else { return (None, None) };
    (pointers.read_principal(&body), pointers.read_home_organization(&body))
}

/// Waiting work, one queue per host.
pub(in crate::engine) struct FairQueue<T> {
    queues: Vec<HostQueue<T>>,
}

/// Identifies the queue that a piece of work came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) struct QueueSlot(usize);

struct HostQueue<T> {
    host: String,
    waiting: VecDeque<T>,
    in_flight: usize,
}

/// Returns the work in random order; unchanged if the system has no randomness.
pub(in crate::engine) fn shuffled<T>(mut work: Vec<T>) -> Vec<T> {
    let mut chances = vec![0; work.len() * size_of::<usize>()];
    if getrandom::fill(&mut chances).is_err() {
        return work;
    }
    let (chances, _) = chances.as_chunks();
    // Fisher-Yates: each place, starting with the last, gets a random item that has no place yet.
    for (place, chance) in chances.iter().enumerate().rev() {
        work.swap(place, usize::from_ne_bytes(*chance) % (place + 1));
    }
    work
}

impl<T> FairQueue<T> {
    /// Creates the queues, one per host; each keeps the order of the work.
    pub(in crate::engine) fn new(work: Vec<T>, host: impl Fn(&T) -> String) -> Self {
        let mut queues: Vec<HostQueue<T>> = Vec::new();
        for piece in work {
            let host = host(&piece);
            match queues.iter_mut().find(|queue| queue.host == host) {
                Some(queue) => queue.waiting.push_back(piece),
                None => queues.push(HostQueue { host, waiting: [piece].into(), in_flight: 0 }),
            }
        }
        Self { queues }
    }

    /// Returns the next piece of work, from the host with the fewest in flight. A host that does
    /// not respond so never holds more than its share as long as other hosts have work.
    pub(in crate::engine) fn next(&mut self) -> Option<(QueueSlot, T)> {
        let waiting =
            self.queues.iter_mut().enumerate().filter(|(_, queue)| !queue.waiting.is_empty());
        let (place, queue) = waiting.min_by_key(|(_, queue)| queue.in_flight)?;
        queue.in_flight += 1;
        Some((QueueSlot(place), queue.waiting.pop_front()?))
    }

    /// Records that a piece of work of this queue is done.
    pub(in crate::engine) fn mark_done(&mut self, place: QueueSlot) {
        if let Some(queue) = self.queues.get_mut(place.0) {
            queue.in_flight = queue.in_flight.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(work: &str) -> FairQueue<char> {
        FairQueue::new(work.chars().collect(), |piece| piece.to_ascii_lowercase().to_string())
    }

    #[test]
    fn the_order_is_another_one_every_time_and_nothing_is_lost() {
        let work: Vec<u32> = (0..100).collect();
        let (one, other) = (shuffled(work.clone()), shuffled(work.clone()));
        assert!(one != work && one != other, "once in 100! runs they are the same");
        let mut again = one;
        again.sort_unstable();
        assert_eq!(again, work);
    }

    #[test]
    fn hosts_take_turns() {
        let mut turns = turns("aaaabbc");
        let order: String = std::iter::from_fn(|| turns.next()).map(|(_, piece)| piece).collect();
        assert_eq!(order, "abcabaa");
    }

    #[test]
    fn a_host_that_does_not_answer_keeps_its_share_only() {
        let mut turns = turns("ssssssssssffffffffff");
        let mut slow = 0;
        let mut under_way: Vec<_> = (0..4).filter_map(|_| turns.next()).collect();
        while let Some(place) = under_way.iter().position(|(_, piece)| *piece == 'f') {
            turns.mark_done(under_way.swap_remove(place).0);
            under_way.extend(turns.next());
            slow = under_way.iter().filter(|(_, piece)| *piece == 's').count();
            if turns.queues[1].waiting.is_empty() {
                break;
            }
            assert_eq!(
                slow, 2,
                "of four places, two belong to the other host as long as it has work"
            );
        }
        assert!(slow >= 2);
    }
}
