//! Sending when it is one's turn: within the credential's budget, and again after a refusal that passes.
//!
//! Only requests that read are sent again. A refused request that changes something is the person's to repeat.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::authorize::Trouble;
use super::budget::{Account, is_for_now};
use super::keyring::random;
use super::withhold::Dispatched;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::rate_limit;
use crate::domain::region::Region;
use crate::domain::request::RequestDraft;
use crate::domain::response::ApiResponse;
use crate::domain::{Credential, Secret};
use crate::net::{NetError, OutgoingRequest};

/// How often a request that reads is sent at most.
const ATTEMPTS: u32 = 3;

/// How long one request waits for its turn at most, all waits together. Snyk's window is a minute.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long it waits where many others wait for its outcome: a check, a probe, a step of a rotation.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);

/// Longer waits are spread no further.
const LONGEST_JITTERED: Duration = Duration::from_secs(16);

impl Engine {
    /// Sends a draft when the credential's budget allows it, with the secret where that has been read already. `waiting`
    /// hears of every wait before it begins.
    pub(super) async fn dispatch_in_turn(
        &self,
        (credential, secret): (&Credential, Option<Arc<Secret>>),
        region: &Region,
        draft: &RequestDraft,
        waiting: &(dyn Fn(Duration) + Sync),
    ) -> Result<Dispatched, Trouble> {
        let account = Account::of(credential, region);
        let mut attempts = if draft.method.is_safe() { ATTEMPTS } else { 1 };
        let mut patience = PATIENCE;
        let mut refused = None;
        loop {
            while let Some(wait) = self.budgets.take(&account, self.now()) {
                if wait > patience {
                    return refused.ok_or_else(|| not_now(wait).into());
                }
                patience -= wait;
                waiting(wait);
                self.clock.pass(wait + jitter(wait)?).await;
            }
            let dispatched = self.dispatch_with(credential, region, draft, secret.clone()).await?;
            attempts -= 1;
            if attempts == 0 || !is_for_now(&dispatched.answer, self.now()) {
                return Ok(dispatched);
            }
            refused = Some(dispatched);
        }
    }

    /// Sends what is on its way for a credential, and counts it: whoever asks, a person or a check, a probe or a
    /// rotation, spends from the same budget and learns for all the others.
    pub(super) async fn send_counted(
        &self,
        credential: &Credential,
        region: &Region,
        outgoing: OutgoingRequest,
    ) -> Result<ApiResponse, NetError> {
        let answer = self.transport.send(outgoing).await?;
        self.budgets.learn(&Account::of(credential, region), &answer, self.now());
        Ok(answer)
    }

    /// Waits a little where the credential's budget is used up. Longer than that it is asked anyway, for those who need
    /// an answer of some kind: a refusal for that reason is one too.
    pub(super) async fn await_turn(&self, credential: &Credential, region: &Region) -> Result<(), Problem> {
        match self.budgets.take(&Account::of(credential, region), self.now()) {
            Some(wait) if wait <= SHORT_PATIENCE => self.clock.pass(wait + jitter(wait)?).await,
            _ => {}
        }
        Ok(())
    }
}

/// A little more than was asked for, up to an eighth: who waited for the same moment does not come back all at once.
pub(super) fn jitter(wait: Duration) -> Result<Duration, Problem> {
    let [chance] = random()?;
    Ok(wait.min(LONGEST_JITTERED) * u32::from(chance) / 2048)
}

fn not_now(wait: Duration) -> Problem {
    let why = "the provider counts the requests of this credential, and an earlier answer said that none is left for now";
    Problem::new("Nothing was sent", why, format!("Try again in {}", rate_limit::format_wait(wait)))
        .with_class(ProblemClass::Unknown)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::*;
    use crate::config::Settings;
    use crate::domain::provider::ProviderCatalog;
    use crate::domain::request::{HttpMethod, RequestTarget};
    use crate::domain::response::{RequestTiming, ResponseBody};
    use crate::domain::{CredentialName, Secret, Timestamp};
    use crate::engine::message::{Consent, Keep, NewCredential, Order};
    use crate::engine::{Clock, Options, Ports};
    use crate::index::Database;
    use crate::net::Transport;
    use crate::store::MemoryStore;

    /// So many requests fit into a window of a minute.
    const LIMIT: u64 = 10;

    /// A provider that counts, and a clock that moves only when somebody waits.
    struct Counting {
        now: Mutex<Timestamp>,
        window: Mutex<(Timestamp, u64)>,
        refused: Mutex<u64>,
    }

    impl Counting {
        fn new() -> Arc<Self> {
            let start = time::macros::datetime!(2026-11-21 12:00 UTC);
            Arc::new(Self { now: Mutex::new(start), window: Mutex::new((start, 0)), refused: Mutex::new(0) })
        }

        fn engine(self: &Arc<Self>) -> Engine {
            let ports = Ports {
                catalogue: Arc::new(ProviderCatalog::builtin()),
                index: Arc::new(Database::in_memory().unwrap()),
                store: Arc::new(MemoryStore::new()),
                transport: Arc::clone(self) as _,
                clock: Arc::clone(self) as _,
            };
            Engine::new(ports, Options::from(&Settings::default()))
        }
    }

    #[async_trait]
    impl Clock for Counting {
        fn now(&self) -> Timestamp {
            *self.now.lock().unwrap()
        }

        async fn pass(&self, time: Duration) {
            let until = self.now() + time;
            tokio::task::yield_now().await;
            let mut now = self.now.lock().unwrap();
            *now = until.max(*now);
        }
    }

    #[async_trait]
    impl Transport for Counting {
        async fn send(&self, _: OutgoingRequest) -> Result<ApiResponse, NetError> {
            tokio::task::yield_now().await;
            let now = self.now();
            let mut window = self.window.lock().unwrap();
            if now - window.0 >= time::Duration::minutes(1) {
                *window = (now, 0);
            }
            window.1 += 1;
            let exceeded = window.1 > LIMIT;
            *self.refused.lock().unwrap() += u64::from(exceeded);
            let reset = (window.0 + time::Duration::minutes(1) - now).whole_seconds();
            let headers = [("limit", LIMIT), ("remaining", LIMIT.saturating_sub(window.1)), ("reset", reset.unsigned_abs())];
            Ok(ApiResponse {
                status: if exceeded { 429 } else { 200 },
                headers: headers.map(|(name, value)| (format!("x-ratelimit-{name}"), value.to_string())).to_vec(),
                body: ResponseBody::Empty,
                timing: RequestTiming::default(),
                size: 0,
                truncated: false,
                url: String::new(),
                version: String::new(),
            })
        }
    }

    async fn credential(engine: &Engine) -> Credential {
        let new = NewCredential {
            name: CredentialName::parse("ci").unwrap(),
            provider: "snyk".to_owned(),
            kind: "personal-token".to_owned(),
            region: "SNYK-EU-01".to_owned(),
            fields: BTreeMap::new(),
            labels: Vec::new(),
            secret: Arc::new(Secret::from_text("5ec2e7aa-0000-4000-8000-00c0ffee0001".to_owned())),
            parts: BTreeMap::new(),
            expires: None,
        };
        engine.add(new).await.unwrap()
    }

    fn draft(method: HttpMethod) -> RequestDraft {
        RequestDraft::new(method, RequestTarget::parse("/rest/self").unwrap())
    }

    #[tokio::test]
    async fn many_tasks_share_one_budget_and_nobody_runs_into_a_refusal() {
        let provider = Counting::new();
        let engine = provider.engine();
        let credential = credential(&engine).await;
        engine.send(&credential, draft(HttpMethod::Get), Consent::NotAsked).await.unwrap();
        let sending = (0..12).map(|_| engine.send(&credential, draft(HttpMethod::Get), Consent::NotAsked));
        for answered in futures::future::join_all(sending).await {
            assert_eq!(answered.unwrap().answer.status, 200);
        }
        assert_eq!(*provider.refused.lock().unwrap(), 0);
    }

    #[tokio::test]
    async fn a_check_and_a_probe_spend_from_the_budget_of_the_console() {
        let provider = Counting::new();
        let engine = provider.engine();
        let credential = credential(&engine).await;
        engine.check(&credential, &credential.region).await.unwrap();
        let account = Account { credential: credential.id.clone(), region: credential.region.clone() };
        for _ in 1..LIMIT {
            assert_eq!(engine.budgets.take(&account, engine.now()), None, "what the check left");
        }
        let full = Some(Duration::from_secs(60));
        assert_eq!(engine.budgets.take(&account, engine.now()), full, "the check is one of them");
        engine.send(&credential, draft(HttpMethod::Get), Consent::NotAsked).await.unwrap();
        engine.probe(&credential, |_, _| {}).await.unwrap();
        assert_eq!(*provider.refused.lock().unwrap(), 0);
    }

    #[tokio::test]
    async fn only_what_reads_is_sent_again() {
        let provider = Counting::new();
        provider.window.lock().unwrap().1 = LIMIT;
        let engine = provider.engine();
        let credential = credential(&engine).await;
        let refused = engine.send(&credential, draft(HttpMethod::Post), Consent::Given).await.unwrap();
        assert_eq!((refused.answer.status, *provider.refused.lock().unwrap()), (429, 1));
        let waits = Mutex::new(Vec::new());
        let order = Order { draft: draft(HttpMethod::Get), consent: Consent::NotAsked, keep: Keep::WithoutBody };
        let answered = engine.send_order(&credential, order, &|wait| waits.lock().unwrap().push(wait)).await.unwrap();
        assert_eq!((answered.answer.status, waits.into_inner().unwrap()), (200, vec![Duration::from_secs(60)]));
        assert_eq!(answered.limit.as_deref(), Some("9 of 10 left, resets in 60 s"));
    }
}
