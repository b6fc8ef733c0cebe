//! The rig of the rotation tests: the real engine and the real simulator on a simulated clock.
//! Stores, requests and journals outlive the engine, as they outlive a process. Start with
//! [`RotationRig::new`] and [`RotationRig::rotate`].

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokenring::config::Settings;
use tokenring::database::Database;
use tokenring::domain::consumer::{Consumer, ConsumerTarget, StdinCommand};
use tokenring::domain::credential::{SecretPart, SecretSlot};
use tokenring::domain::provider::{ProviderCatalog, ProviderSource, user_overrides};
use tokenring::domain::region::Region;
use tokenring::domain::request::HttpMethod;
use tokenring::domain::response::ApiResponse;
use tokenring::domain::rotation::{ProgressLine, SecretOverlap, StepActor, StepStatus};
use tokenring::domain::{Credential, CredentialName, Origin, Problem, Secret, Timestamp};
use tokenring::engine::background::protocol::NewCredential;
use tokenring::engine::rotation::{
    CreationPlan, RotationDirection, RotationFilter, RotationObserver, RotationPhase, RotationPlan,
    RotationPurpose, RotationStatus,
};
use tokenring::engine::{Clock, Engine, EngineDependencies, EngineOptions, SIGN_IN_TIMEOUT};
use tokenring::net::{
    HostBoundSecret, HttpClient, OutgoingRequest, RequestBody, RequestLimits, Transport as _,
};
use tokenring::simulator as sandbox;
use tokenring::simulator::{ProviderSimulator, SeededCredential as Issued, SimulatorManifest};
use tokenring::store::{ItemKey, MemoryStore, SecretStore};

use super::fault_injection::FaultInjector;
use super::scripted_user::ScriptedUser;

const START: Timestamp = time::macros::datetime!(2026-11-22 12:00 UTC);

/// Requests whose response is to be lost are never sent, so no timeout may fire just because the
/// machine is busy.
const LIMITS: RequestLimits = RequestLimits {
    connect_timeout: Duration::from_secs(60),
    total_timeout: Duration::from_secs(120),
    max_body_bytes: 1 << 20,
};

/// Timeout of a consumer program.
const CONSUMER_TIMEOUT: Duration = Duration::from_secs(2);

/// Maximum number of processes that a rotation may need.
const MAX_PROCESSES: usize = 12;

/// Everything that outlives a process.
pub(super) struct RotationRig {
    pub sandbox: ProviderSimulator,
    pub time: Arc<SharedClock>,
    pub index: Arc<Database>,
    pub store: Arc<MemoryStore>,
    pub lines: Mutex<Vec<ProgressLine>>,
    /// Timeout of a sign-in.
    pub sign_in: Duration,
    http: HttpClient,
    catalog: Arc<ProviderCatalog>,
    folder: TempDir,
}

/// The live secrets before a rotation.
pub(super) struct SecretsBefore {
    pub living: BTreeSet<String>,
    /// The current secret; `None` if a credential is created.
    pub old: Option<String>,
}

/// The task of a test.
#[derive(Clone)]
pub(super) enum RotationTask {
    /// Rotate or revoke an existing credential.
    Existing(Box<RotationPlan>),
    /// Create a credential.
    Create(Box<CreationPlan>),
}

impl RotationTask {
    pub(super) fn plan(&self) -> &RotationPlan {
        match self {
            Self::Existing(plan) => plan,
            Self::Create(creation) => &creation.plan,
        }
    }
}

/// A clock that advances only when a task sleeps, shared by the engine and the simulator.
pub(super) struct SharedClock {
    advanced_ms: AtomicI64,
    simulator: sandbox::SimulatedClock,
}

#[async_trait]
impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        START + time::Duration::milliseconds(self.advanced_ms.load(Ordering::SeqCst))
    }

    async fn sleep(&self, time: Duration) {
        self.advance(time);
        tokio::task::yield_now().await;
    }
}

impl SharedClock {
    pub(super) fn advance(&self, by: Duration) {
        self.simulator.advance(by);
        self.advanced_ms.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl RotationRig {
    pub(super) async fn new() -> Self {
        Self::with_provider_files(&[]).await
    }

    /// A rig whose user has this provider file.
    pub(super) async fn with_provider_file(text: &str) -> Self {
        let source = ProviderSource { name: "user.toml".to_owned(), text: text.to_owned() };
        Self::with_provider_files(&[source]).await
    }

    async fn with_provider_files(files: &[ProviderSource]) -> Self {
        let folder = memory_folder();
        let simulator = sandbox::SimulatedClock::frozen(START);
        let sandbox =
            ProviderSimulator::start_with(sandbox::SimulatorOptions { clock: simulator.clone() })
                .await
                .unwrap();
        Self {
            time: Arc::new(SharedClock { advanced_ms: AtomicI64::new(0), simulator }),
            index: Arc::new(Database::open(&folder.path().join("index.db")).unwrap()),
            store: Arc::new(MemoryStore::new()),
            lines: Mutex::default(),
            sign_in: SIGN_IN_TIMEOUT,
            http: HttpClient::default(),
            catalog: Arc::new(simulated(sandbox.manifest(), files)),
            folder,
            sandbox,
        }
    }

    /// The engine of a new process, with injected faults.
    pub(super) fn engine(&self, injector: &Arc<FaultInjector>) -> Arc<Engine> {
        self.engine_on(Arc::new(injector.store(Arc::clone(&self.store))), injector)
    }

    /// The engine of a new process on this store, with injected faults in the transport.
    pub(super) fn engine_on(
        &self,
        store: Arc<dyn SecretStore>,
        injector: &Arc<FaultInjector>,
    ) -> Arc<Engine> {
        let ports = EngineDependencies {
            catalog: Arc::clone(&self.catalog),
            database: Arc::clone(&self.index),
            store,
            transport: Arc::new(injector.transport(HttpClient::default())),
            clock: Arc::clone(&self.time) as Arc<dyn Clock>,
        };
        let options = EngineOptions {
            lock_folder: Some(self.folder.path().join("locks")),
            limits: LIMITS,
            consumer_timeout: CONSUMER_TIMEOUT,
            sign_in_timeout: self.sign_in,
            ..EngineOptions::from(&Settings::default())
        };
        Arc::new(Engine::new(ports, options))
    }

    pub(super) fn fresh_engine(&self) -> Arc<Engine> {
        self.engine(&Arc::new(FaultInjector::none()))
    }

    /// Adds a credential that the simulator issued.
    pub(super) async fn add_seeded(&self, name: &str) -> Credential {
        self.add_issued(self.sandbox.manifest().credential(name).unwrap().clone()).await
    }

    /// Adds a credential of the simulator with nothing but its secret.
    pub(super) async fn add_with_secret_only(&self, name: &str) -> Credential {
        let mut issued = self.sandbox.manifest().credential(name).unwrap().clone();
        issued.fields.clear();
        self.add_issued(issued).await
    }

    /// Adds the secret of a credential of the simulator as one of another provider and kind.
    pub(super) async fn add_as(
        &self,
        name: &str,
        provider: &'static str,
        kind: &'static str,
    ) -> Credential {
        let issued = self.sandbox.manifest().credential(name).unwrap().clone();
        self.add_issued(Issued { provider, kind, fields: BTreeMap::new(), ..issued }).await
    }

    async fn add_issued(&self, issued: Issued) -> Credential {
        let engine = self.fresh_engine();
        let kind = engine.catalog.kind(issued.provider, issued.kind).unwrap();
        let fields = issued.fields.iter().filter(|(id, _)| kind.field(id).is_some());
        let parts = issued
            .parts
            .iter()
            .map(|(id, part)| ((*id).to_owned(), Arc::new(Secret::from_text(part.clone()))));
        let new = NewCredential {
            name: CredentialName::parse(&issued.name).unwrap(),
            provider: issued.provider.to_owned(),
            kind: issued.kind.to_owned(),
            region: issued.region.clone(),
            fields: fields.map(|(id, value)| ((*id).to_owned(), value.clone())).collect(),
            labels: Vec::new(),
            secret: Arc::new(Secret::from_text(issued.secret.clone())),
            parts: parts.collect(),
            expires: None,
        };
        engine.credentials.add(new).await.unwrap()
    }

    /// Adds a consumer that writes the secret of the credential to a file.
    pub(super) async fn add_file_consumer(&self, credential: &Credential, part: SecretPart) {
        let path = self.delivered_to();
        std::fs::write(&path, "SECRET=before\n").unwrap();
        let target = ConsumerTarget::EnvFile { path, key: "SECRET".to_owned() };
        self.add_consumer(credential, part, target).await;
    }

    /// Adds a consumer program that reads the secret of the credential. It behaves as `faults`
    /// says, one word for each call.
    pub(super) async fn add_program_consumer(&self, credential: &Credential, faults: &[&str]) {
        let folder = self.folder.path().to_owned();
        std::fs::write(folder.join("faults"), faults.join("\n") + "\n").unwrap();
        std::fs::write(self.delivered_to(), "SECRET=before\n").unwrap();
        let script = r#"
            fault=$(head -n 1 faults); sed -i 1d faults
            take() { printf 'SECRET=%s\n' "$(cat)" >app.env; }
            case $fault in
                fail) echo "no room" >&2; exit 3 ;;
                hang) exec sleep 600 ;;
                lose) take; exit 4 ;;
                late) take; exec sleep 600 ;;
                *) take ;;
            esac"#;
        let ways = vec![vec![["sh", "-c", script].map(str::to_owned).to_vec()]];
        self.add_consumer(
            credential,
            SecretPart::Secret,
            ConsumerTarget::Command(StdinCommand {
                pipelines: ways,
                working_dir: folder,
                passed_env_vars: Vec::new(),
            }),
        )
        .await;
    }

    async fn add_consumer(
        &self,
        credential: &Credential,
        part: SecretPart,
        target: ConsumerTarget,
    ) {
        let (credential, name) = (credential.id.clone(), CredentialName::parse("app").unwrap());
        self.fresh_engine()
            .consumers
            .add(Consumer { credential, name, part, target, linked_to: None, last_delivery: None })
            .await
            .unwrap();
    }

    /// SHA-256 of the secret that the consumer holds; `None` if nothing was delivered.
    pub(super) fn delivered(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.delivered_to()).unwrap();
        let held = text.trim().strip_prefix("SECRET=").unwrap();
        (held != "before").then(|| sha256(held.as_bytes()))
    }

    fn delivered_to(&self) -> std::path::PathBuf {
        self.folder.path().join("app.env")
    }

    /// Rotates, and after every crash resumes with a new engine.
    pub(super) async fn rotate(
        &self,
        plan: RotationPlan,
        user: &ScriptedUser<'_>,
    ) -> RotationStatus {
        self.run_task(
            &RotationTask::Existing(Box::new(plan)),
            &Arc::new(FaultInjector::none()),
            user,
        )
        .await
    }

    /// Rotates until a step is done, and stops there as if the process was killed.
    pub(super) async fn crash_after(
        &self,
        plan: &RotationPlan,
        user: &ScriptedUser<'_>,
        step: &str,
    ) {
        let on_progress = |line: &ProgressLine| {
            if (line.step.as_str(), line.state) == (step, StepStatus::Done) {
                std::panic::resume_unwind(Box::new("the process dies"));
            }
        };
        let observer = RotationObserver { prompter: user, on_progress: &on_progress };
        let died = AssertUnwindSafe(self.fresh_engine().rotation.rotate(plan.clone(), observer))
            .catch_unwind()
            .await;
        assert!(died.is_err(), "it did not crash: {:#?}", died.ok());
    }

    /// Runs the task with injected faults.
    pub(super) async fn run_task(
        &self,
        task: &RotationTask,
        injector: &Arc<FaultInjector>,
        user: &ScriptedUser<'_>,
    ) -> RotationStatus {
        let mut last = None;
        for _ in 0..MAX_PROCESSES {
            let engine = self.engine(injector);
            let ended = tokio::select! {
                ended = self.run_process(&engine, task, user) => ended,
                () = injector.crashed() => {
                    self.assert_working(task.plan()).await;
                    continue;
                }
            };
            match ended {
                Ok(status) => return status,
                Err(problem) => {
                    assert!(injector.is_spent(), "failed without an injected fault: {problem}");
                    last = Some(problem);
                }
            }
        }
        panic!("the rotation does not end: {last:?} after {:#?}", self.lines.lock().unwrap());
    }

    /// Fails unless the store holds a working secret, where the plan promises one at all times.
    async fn assert_working(&self, plan: &RotationPlan) {
        if plan.purpose != RotationPurpose::Replace {
            return;
        }
        let key = ItemKey::for_part(&plan.credential, SecretSlot::Current, &plan.part);
        let current =
            self.store.get(&key).await.expect("the slot `current` is never empty").expose(sha256);
        let works = self.live_secrets(&plan.region).await.contains(&current);
        assert!(
            works || plan.overlap == SecretOverlap::Absent,
            "the current secret is revoked: {:#?}",
            self.lines.lock().unwrap()
        );
    }

    async fn run_process(
        &self,
        engine: &Engine,
        task: &RotationTask,
        user: &ScriptedUser<'_>,
    ) -> Result<RotationStatus, Problem> {
        let on_progress = |line: &ProgressLine| self.lines.lock().unwrap().push(line.clone());
        let observer = RotationObserver { prompter: user, on_progress: &on_progress };
        let known = engine.journals.list_rotations(RotationFilter::Open).await?;
        if let Some(known) = known.iter().find(|known| known.id == task.plan().rotation.as_str()) {
            return engine
                .rotation
                .resume_rotation(&known.id, RotationDirection::Forward, observer)
                .await;
        }
        match task {
            RotationTask::Existing(plan) => {
                engine.rotation.rotate(plan.as_ref().clone(), observer).await
            }
            RotationTask::Create(creation) => {
                engine.rotation.create_credential(creation.as_ref().clone(), observer).await
            }
        }
    }

    /// SHA-256 of all live secrets of a region that have been issued to a client or user.
    pub(super) async fn live_secrets(&self, region: &str) -> BTreeSet<String> {
        let live = self.control(HttpMethod::Get, "/live", &Value::Null).await;
        let secrets = live["live"].as_array().unwrap().iter();
        let persistent = secrets
            .filter(|secret| secret["region"] == region && secret["kind"] != "oauth-access-token");
        persistent.map(|secret| secret["sha256"].as_str().unwrap().to_owned()).collect()
    }

    /// Makes the disk refuse the n-th entry of every journal; the first is 1.
    pub(super) fn refuse_entry(&self, nth: usize) {
        let trigger = format!(
            "CREATE TRIGGER refusal BEFORE INSERT ON rotation_entries WHEN NEW.seq = {nth}
             BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        );
        self.open_database().execute_batch(&trigger).unwrap();
    }

    /// Makes the disk accept all entries again.
    pub(super) fn accept_all(&self) {
        self.open_database().execute_batch("DROP TRIGGER refusal").unwrap();
    }

    fn open_database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.index.path()).unwrap()
    }

    /// Creates a new secret on the provider's web page, as a user does.
    pub(super) async fn create_on_page(&self, name: &str) -> Option<String> {
        let made = self.control(HttpMethod::Post, "/by-hand", &json!({"credential": name})).await;
        made["secret"].as_str().map(str::to_owned)
    }

    /// Revokes the secret with this SHA-256 on the provider's web page, as a user does.
    pub(super) async fn revoke_on_page(&self, sha256: &str) {
        self.control(HttpMethod::Post, "/by-hand", &json!({"revoke": sha256})).await;
    }

    /// Adds a fault rule to the simulator.
    pub(super) async fn add_fault(&self, rule: &Value) {
        let told = self.control(HttpMethod::Post, "", rule).await;
        assert!(told["error"].is_null(), "{told}");
    }

    /// Presses a button of the consent page; returns the address to which it redirects the browser.
    pub(super) async fn press_consent_button(&self, page: &str, decision: &str) -> url::Url {
        let mut page: url::Url = page.parse().unwrap();
        let asked: Vec<(String, String)> = page.query_pairs().into_owned().collect();
        let pairs = asked
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain([("decision", decision)]);
        page.set_query(None);
        let answer = self.form(page.as_str(), &pairs.collect::<Vec<_>>()).await;
        answer.header("location").unwrap().parse().unwrap()
    }

    /// Opens the callback address; the page that it shows is not needed.
    pub(super) async fn open_callback(&self, address: url::Url) {
        let outgoing = OutgoingRequest {
            method: HttpMethod::Get,
            url: address,
            headers: Vec::new(),
            removed_headers: Vec::new(),
            body: RequestBody::Empty,
            authorization: None,
            limits: LIMITS,
            ca_file: None,
        };
        drop(self.http.send(outgoing).await);
    }

    async fn form(&self, url: &str, pairs: &[(&str, &str)]) -> ApiResponse {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let outgoing = OutgoingRequest {
            method: HttpMethod::Post,
            url: url.parse().unwrap(),
            headers: vec![(
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            )],
            removed_headers: Vec::new(),
            body: RequestBody::Plain(body.into()),
            authorization: None,
            limits: LIMITS,
            ca_file: None,
        };
        self.http.send(outgoing).await.unwrap()
    }

    /// Sends a request to Snyk's REST API with a seeded token, without the engine.
    pub(super) async fn call(
        &self,
        name: &str,
        method: HttpMethod,
        path: &str,
        body: &Value,
    ) -> Value {
        let manifest = self.sandbox.manifest();
        let caller = manifest.credential(name).unwrap();
        let api = &manifest.region(&caller.region).unwrap().api;
        let outgoing = OutgoingRequest {
            method,
            url: format!("{api}{path}?version=2024-10-15").parse().unwrap(),
            headers: vec![("content-type".to_owned(), "application/vnd.api+json".to_owned())],
            removed_headers: Vec::new(),
            body: if body.is_null() {
                RequestBody::Empty
            } else {
                RequestBody::Plain(body.to_string().into())
            },
            authorization: Some(HostBoundSecret {
                scheme: "token".to_owned(),
                secret: Arc::new(Secret::from_text(caller.secret.clone())),
                origins: vec![Origin::parse(api).unwrap()],
            }),
            limits: LIMITS,
            ca_file: None,
        };
        let response = self.http.send(outgoing).await.unwrap();
        serde_json::from_str(response.body.text().unwrap_or("null")).unwrap()
    }

    async fn control(&self, method: HttpMethod, path: &str, body: &Value) -> Value {
        let outgoing = OutgoingRequest {
            method,
            url: format!("{}{path}", self.sandbox.manifest().faults).parse().unwrap(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            removed_headers: Vec::new(),
            body: if body.is_null() {
                RequestBody::Empty
            } else {
                RequestBody::Plain(body.to_string().into())
            },
            authorization: None,
            limits: LIMITS,
            ca_file: None,
        };
        let answer = self.http.send(outgoing).await.unwrap();
        serde_json::from_str(answer.body.text().unwrap_or("null")).unwrap()
    }

    /// SHA-256 of the secret in a slot.
    pub(super) async fn slot(&self, plan: &RotationPlan, slot: SecretSlot) -> Option<String> {
        let secret =
            self.store.get(&ItemKey::for_part(&plan.credential, slot, &plan.part)).await.ok()?;
        Some(secret.expose(sha256))
    }

    /// Copies a secret from one slot to another, as a process does that is killed before it writes
    /// the journal.
    pub(super) async fn copy_slot(&self, plan: &RotationPlan, from: SecretSlot, to: SecretSlot) {
        let key = |slot| ItemKey::for_part(&plan.credential, slot, &plan.part);
        let secret = self.store.get(&key(from)).await.unwrap();
        self.store.put(&key(to), &secret).await.unwrap();
    }

    /// Collects the live secrets before a task; [`RotationRig::assert_accounted`] compares with them.
    pub(super) async fn secrets_before(&self, plan: &RotationPlan) -> SecretsBefore {
        let old = self.slot(plan, SecretSlot::Current).await;
        assert_eq!(
            old.is_none(),
            plan.purpose == RotationPurpose::Create,
            "a secret is retrievable"
        );
        SecretsBefore { living: self.live_secrets(&plan.region).await, old }
    }

    /// Fails unless exactly the secrets that the journal names are alive: the new one instead of
    /// the old one, or the same as before.
    pub(super) async fn assert_accounted(
        &self,
        before: &SecretsBefore,
        plan: &RotationPlan,
        status: &RotationStatus,
    ) {
        let current = self.slot(plan, SecretSlot::Current).await;
        let known = self.fresh_engine().credentials.get(&plan.credential).await.is_ok();
        let mut expected = before.living.clone();
        match (status.state, plan.purpose) {
            (RotationPhase::Done, RotationPurpose::Replace | RotationPurpose::Create) => {
                before.old.iter().for_each(|old| _ = expected.remove(old));
                expected.insert(current.expect("a secret is retrievable"));
            }
            (RotationPhase::Done, RotationPurpose::Revoke) => {
                // Reading the access of a refresh token may use it once.
                if plan.strategy_traits().creator != StepActor::UserSignIn {
                    assert_eq!(current, before.old, "the secret is stored until it is removed");
                }
                before.old.iter().for_each(|old| _ = expected.remove(old));
            }
            (RotationPhase::RolledBack, RotationPurpose::Create) => {
                assert_eq!((current, known), (None, false), "nothing is left of a failed creation");
            }
            // A refresh token that was used in the meantime has been replaced by its successor.
            (RotationPhase::RolledBack, RotationPurpose::Replace | RotationPurpose::Revoke)
                if plan.strategy_traits().creator == StepActor::UserSignIn =>
            {
                before.old.iter().for_each(|old| _ = expected.remove(old));
                expected.insert(current.expect("a secret is retrievable"));
            }
            (RotationPhase::RolledBack, _) => {
                assert_eq!(current, before.old, "the old secret is current");
            }
            _ => panic!("the rotation has not ended: {status:#?}"),
        }
        let living = self.live_secrets(&plan.region).await;
        let deleted: Vec<_> = before.living.difference(&living).collect();
        assert!(
            deleted.iter().all(|one| Some(*one) == before.old.as_ref())
                || plan.overlap == SecretOverlap::Absent,
            "deleted although it is not the old secret: {deleted:?}\n{status:#?}"
        );
        let unknown: Vec<_> = living.symmetric_difference(&expected).collect();
        assert!(
            unknown.is_empty() || !status.manual_steps.is_empty(),
            "unaccounted for: {unknown:?}\n{status:#?}"
        );
        for slot in [SecretSlot::Pending, SecretSlot::Previous] {
            assert_eq!(
                self.slot(plan, slot).await,
                None,
                "only the current secret is stored: {slot:?}"
            );
        }
    }
}

/// A temporary folder on a disk in memory, where there is one: writes there are quick and outlive
/// the simulated processes.
fn memory_folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// SHA-256 in hexadecimal digits, as the simulator names its secrets.
pub(super) fn sha256(bytes: &[u8]) -> String {
    tokenring::util::hex::to_hex(&Sha256::digest(bytes))
}

/// The built-in providers with their regions on loopback, and those of the user's files.
fn simulated(manifest: &SimulatorManifest, files: &[ProviderSource]) -> ProviderCatalog {
    let builtin = ProviderCatalog::builtin();
    let mut sources = Vec::new();
    for provider in builtin.providers().filter(|provider| provider.regions_of.is_none()) {
        let mut text: Option<String> = None;
        for region in builtin.regions(&provider.id).unwrap() {
            let Some(hosts) = manifest.region(&region.id) else { continue };
            let origin = |url: &String| Origin::parse(url).unwrap();
            let (app, auth) = (hosts.app.as_ref().map(origin), hosts.auth.as_ref().map(origin));
            let moved = Region { api: origin(&hosts.api), app, auth, ..region.clone() };
            text = Some(
                user_overrides::toml_with_region(text.as_deref(), &provider.id, &moved).unwrap(),
            );
        }
        sources.extend(text.map(|text| ProviderSource { name: provider.id.clone(), text }));
    }
    sources.extend_from_slice(files);
    ProviderCatalog::load(&sources).unwrap()
}
