//! Tests of backups: what is exported comes back on another machine, wherever the import stops.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use age::secrecy::ExposeSecret as _;

use super::*;
use crate::config::Settings;
use crate::database::{HistoryEntry, LeaseRequest, NewRotation};
use crate::domain::consumer::{Consumer, ConsumerTarget};
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::HostRole;
use crate::domain::request::{HttpMethod, RequestDraft, RequestTarget};
use crate::domain::response::CheckResult;
use crate::engine::credential_changes::NewCredential;
use crate::engine::stores::backup::{ExportOptions, ExportReport};
use crate::engine::stores::counting_store::CountingStore;
use crate::engine::{Clock as _, Engine, EngineDependencies, EngineOptions, SystemClock};
use crate::net::HttpClient;
use crate::store::SecretStore;
use crate::store::backup_file::BackupLock;

/// A machine: its database and store.
struct Machine {
    engine: Engine,
    store: Arc<CountingStore>,
}

impl Machine {
    fn new() -> Self {
        let store = CountingStore::new(false);
        let ports = EngineDependencies {
            catalog: Arc::new(ProviderCatalog::builtin()),
            database: Arc::new(Database::in_memory().unwrap()),
            store: Arc::clone(&store) as _,
            transport: Arc::new(HttpClient::default()),
            clock: Arc::new(SystemClock),
        };
        Self { engine: Engine::new(ports, EngineOptions::from(&Settings::default())), store }
    }

    async fn add(&self, name: &str, secret: &str) -> Credential {
        let new = NewCredential::personal_token(name, secret);
        self.engine.credentials.add(new).await.unwrap()
    }

    fn database(&self) -> &Arc<Database> {
        self.engine.backup.database.database()
    }

    async fn secret(&self, id: &CredentialId, slot: SecretSlot) -> Option<String> {
        let key = ItemKey::for_part(id, slot, &SecretPart::Secret);
        let secret = self.store.get(&key).await.ok()?;
        Some(secret.expose(|bytes| String::from_utf8(bytes.to_vec()).unwrap()))
    }

    async fn restore(&self, backup: &TestBackup, renames: bool) -> Result<RestoreReport, Problem> {
        let options = RestoreOptions { renames, ..RestoreOptions::default() };
        let key = BackupKey::IdentityFile(backup.identity.clone());
        self.engine.backup.restore(&backup.path, key, options, |_, _| ()).await
    }
}

/// A backup file and the identity that opens it.
struct TestBackup {
    path: PathBuf,
    identity: PathBuf,
    report: ExportReport,
    _folder: tempfile::TempDir,
}

impl TestBackup {
    async fn new(machine: &Machine, includes_history: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = age::x25519::Identity::generate();
        let (path, key) = (folder.path().join("b.age"), folder.path().join("key"));
        std::fs::write(&key, identity.to_string().expose_secret()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let lock = BackupLock::Recipients(vec![identity.to_public().to_string()]);
        let options = ExportOptions { includes_history };
        let report = machine.engine.backup.export(&path, lock, options).await.unwrap();
        Self { path, identity: key, report, _folder: folder }
    }
}

const SECRETS: [(&str, &str); 3] =
    [("one", "secret-of-one"), ("two", "secret-of-two"), ("three", "secret-of-three")];

/// A machine with three credentials, one of them in the middle of a rotation, a consumer and a sent
/// request.
async fn furnished_machine() -> Machine {
    let machine = Machine::new();
    for (name, secret) in SECRETS {
        machine.add(name, secret).await;
    }
    let two = machine.engine.credentials.find("two").await.unwrap();
    let pending = ItemKey::for_part(&two.id, SecretSlot::Pending, &SecretPart::Secret);
    machine.store.put(&pending, &Secret::from_text("pending-of-two".to_owned())).await.unwrap();
    let now = SystemClock.now();
    let rotation = NewRotation {
        id: "r-1".to_owned(),
        credential: two.id.clone(),
        plan: "{}".to_owned(),
        state: "running".to_owned(),
    };
    let lease = LeaseRequest { owner: "me".to_owned(), now, until: now + time::Duration::hours(1) };
    machine.database().open_rotation(&rotation, &lease).unwrap();
    machine
        .database()
        .add_consumer(&Consumer {
            credential: two.id.clone(),
            name: CredentialName::parse("env").unwrap(),
            part: SecretPart::Secret,
            target: ConsumerTarget::EnvFile { path: "/app/.env".into(), key: "TOKEN".to_owned() },
            linked_to: None,
            last_delivery: None,
        })
        .unwrap();
    machine
        .database()
        .record_request(&HistoryEntry {
            at: now,
            credential: two.id.clone(),
            region: two.region.clone(),
            draft: RequestDraft::new(
                HttpMethod::Get,
                RequestTarget::Path { place: HostRole::Api, path: "/rest/self".to_owned() },
            ),
            body_left_out: false,
            status: Some(200),
            verdict: CheckResult::Accepted,
            latency_ms: Some(3),
            size: None,
        })
        .unwrap();
    machine
}

/// Asserts that a machine has everything of the furnished one.
async fn assert_is_whole(machine: &Machine, original: &Machine) {
    for (name, secret) in SECRETS {
        let here = machine.engine.credentials.find(name).await.unwrap();
        let there = original.engine.credentials.find(name).await.unwrap();
        assert_eq!(
            (&here.id, &here.fields, here.created),
            (&there.id, &there.fields, there.created)
        );
        assert_eq!(machine.secret(&here.id, SecretSlot::Current).await.as_deref(), Some(secret));
        let pending = (name == "two").then(|| "pending-of-two".to_owned());
        assert_eq!(machine.secret(&here.id, SecretSlot::Pending).await, pending);
        // The secret is bound and known here, so that it can be used.
        let secrets = &machine.engine.disclosure;
        let channel = crate::engine::DisclosureChannel::Get;
        secrets.disclose(&here, &SecretPart::Secret, channel).await.unwrap();
    }
    assert_eq!(machine.engine.credentials.list().await.unwrap().len(), SECRETS.len());
    let two = machine.engine.credentials.find("two").await.unwrap();
    let consumers = machine.engine.consumers.list(&two.id).await.unwrap();
    assert_eq!(consumers.len(), 1);
    machine.engine.bindings.verify_consumer(&consumers[0]).await.unwrap();
}

#[tokio::test]
async fn everything_comes_back_on_another_machine_and_only_once() {
    let original = furnished_machine().await;
    let backup = TestBackup::new(&original, true).await;
    let ExportReport { credentials, secrets, consumers, history, open_rotations, .. } =
        &backup.report;
    assert_eq!((*credentials, *secrets, *consumers, *history), (3, 4, 1, 1));
    assert_eq!(open_rotations[0].name, "two");

    let machine = Machine::new();
    let restored = machine.restore(&backup, false).await.unwrap();
    assert!(restored.rows.iter().all(|row| row.outcome == RestoreOutcome::Imported));
    let two = restored.rows.iter().find(|row| row.credential.name.as_str() == "two").unwrap();
    assert!(two.remark.as_ref().unwrap().contains("r-1 was open"), "{:?}", two.remark);
    assert_eq!((restored.consumers, restored.history), (1, 1));
    assert_is_whole(&machine, &original).await;
    assert!(machine.engine.journals.open_rotations().await.unwrap().is_empty());

    let again = machine.restore(&backup, false).await.unwrap();
    assert!(again.rows.iter().all(|row| row.outcome == RestoreOutcome::AlreadyStored));
    assert_eq!((again.consumers, again.history), (0, 0));
    assert_is_whole(&machine, &original).await;

    let without = TestBackup::new(&original, false).await;
    assert_eq!(without.report.history, 0);
}

#[tokio::test]
async fn wherever_the_import_stops_the_next_run_completes_it() {
    let original = furnished_machine().await;
    let backup = TestBackup::new(&original, false).await;
    let mut changes = 0;
    loop {
        let machine = Machine::new();
        machine.store.changes_left.store(changes, Ordering::Relaxed);
        let stopped = machine.restore(&backup, false).await;
        machine.store.changes_left.store(usize::MAX, Ordering::Relaxed);
        machine.restore(&backup, false).await.unwrap();
        assert_is_whole(&machine, &original).await;
        if stopped.is_ok() {
            break;
        }
        changes += 1;
    }
    assert!(changes > 6, "the self-test, the key, the mark and four secrets: {changes}");
}

#[tokio::test]
async fn what_the_other_machine_has_is_never_changed() {
    let original = furnished_machine().await;
    let backup = TestBackup::new(&original, false).await;
    let machine = Machine::new();
    machine.add("one", "another-secret").await;
    machine.add("twin", "secret-of-three").await;
    let restored = machine.restore(&backup, false).await.unwrap();
    let row =
        |name: &str| restored.rows.iter().find(|row| row.credential.name.as_str() == name).unwrap();
    assert_eq!(row("one").outcome, RestoreOutcome::Refused);
    assert!(row("one").remark.as_ref().unwrap().contains("is taken"));
    assert_eq!(row("two").outcome, RestoreOutcome::Imported);
    assert_eq!(row("three").outcome, RestoreOutcome::AlreadyStored);
    assert_eq!(row("three").name.as_ref().unwrap().as_str(), "twin");

    let renamed = machine.restore(&backup, true).await.unwrap();
    assert_eq!(renamed.rows[0].name.as_ref().unwrap().as_str(), "one-2");
    let one = machine.engine.credentials.find("one").await.unwrap();
    let kept = machine.secret(&one.id, SecretSlot::Current).await;
    assert_eq!(kept.as_deref(), Some("another-secret"));

    let two = machine.engine.credentials.find("two").await.unwrap();
    let key = ItemKey::for_part(&two.id, SecretSlot::Current, &SecretPart::Secret);
    machine.store.put(&key, &Secret::from_text("rotated-since".to_owned())).await.unwrap();
    let again = machine.restore(&backup, true).await.unwrap();
    let two_again = again.rows.iter().find(|row| row.credential.id == two.id).unwrap();
    assert!(two_again.remark.as_ref().unwrap().contains("another secret"));
    let kept = machine.secret(&two.id, SecretSlot::Current).await;
    assert_eq!(kept.as_deref(), Some("rotated-since"));
}
