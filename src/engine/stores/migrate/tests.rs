//! Tests of moving secrets between stores.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::config::Settings;
use crate::database::Database;
use crate::domain::provider::ProviderCatalog;
use crate::engine::credential_changes::NewCredential;
use crate::engine::{
    AnchorComparison, DisclosureChannel, Engine, EngineDependencies, EngineOptions, SystemClock,
};
use crate::net::HttpClient;
use crate::store::{BackendInfo, FileStore, MemoryStore, Persistence, UnlockSource, WorkFactor};

/// Backends between which the tests migrate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TestBackend {
    Memory,
    EncryptedFile,
    Directory,
}

impl TestBackend {
    /// Every pair of two different backends, in both directions.
    fn pairs() -> impl Iterator<Item = (Self, Self)> {
        let all = [Self::Memory, Self::EncryptedFile, Self::Directory];
        all.into_iter()
            .flat_map(move |from| all.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| from != to)
    }

    /// Opens a new store in a folder of its own.
    async fn open(self, folder: &Path) -> Arc<dyn SecretStore> {
        match self {
            Self::Memory => Arc::new(MemoryStore::new()),
            Self::Directory => Arc::new(DirectoryStore(folder.to_owned())),
            Self::EncryptedFile => {
                let store = FileStore::new(folder.join("vault"));
                let store = store.with_work_factor(WorkFactor::new(1));
                let passphrase = Secret::from_text("six-Words-for-a-Test-Zk2".to_owned());
                let by = UnlockMethod::Passphrase(&passphrase);
                store.unlock(by, Duration::from_secs(20)).await.unwrap();
                Arc::new(store)
            }
        }
    }
}

/// Backend that this program does not have: one file per item.
struct DirectoryStore(std::path::PathBuf);

impl DirectoryStore {
    fn path(&self, key: &ItemKey) -> std::path::PathBuf {
        self.0.join(key.as_str().replace('/', "+"))
    }
}

#[async_trait]
impl SecretStore for DirectoryStore {
    fn backend(&self) -> BackendInfo {
        BackendInfo {
            kind: StoreKind::Memory,
            title: "directory",
            generic_title: "directory",
            unlocked_by: UnlockSource::Nothing,
            persistence: Persistence::Disk,
            item_limit: 4096,
        }
    }

    async fn status(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn unlock(&self, _: UnlockMethod<'_>, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        std::fs::read(self.path(key)).map(Secret::new).map_err(|_| StoreError::NotFound)
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        secret.expose(|bytes| std::fs::write(self.path(key), bytes)).unwrap();
        Ok(())
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        let _ = std::fs::remove_file(self.path(key));
        Ok(())
    }
}

/// Source and target of a test, each in its own folder, with a limit of their changes.
struct TestStores {
    from: Arc<MortalStore>,
    to: Arc<MortalStore>,
    _folders: [tempfile::TempDir; 2],
}

impl TestStores {
    async fn new(from: TestBackend, to: TestBackend) -> Self {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let from = MortalStore::new(from.open(folders[0].path()).await);
        let to = MortalStore::new(to.open(folders[1].path()).await);
        Self { from, to, _folders: folders }
    }

    fn migration(&self) -> StoreMigration {
        StoreMigration::between(Arc::clone(&self.from) as _, Arc::clone(&self.to) as _)
    }

    /// Number of items that [`engine`] stores in the source: three secrets, one of a rotation,
    /// the fingerprint key, the anchor, and in a store that outlives the process that the
    /// bindings were recorded.
    fn item_count(&self) -> usize {
        6 + usize::from(self.from.backend().is_persistent())
    }
}

/// Store that fails after a number of changes, as if the process had been killed there.
struct MortalStore {
    inner: Arc<dyn SecretStore>,
    changes_left: AtomicUsize,
}

impl MortalStore {
    /// Wraps a store that does not fail yet.
    fn new(inner: Arc<dyn SecretStore>) -> Arc<Self> {
        Arc::new(Self { inner, changes_left: AtomicUsize::new(usize::MAX) })
    }

    fn fail_after(&self, changes: usize) {
        self.changes_left.store(changes, Ordering::Relaxed);
    }

    fn revive(&self) {
        self.fail_after(usize::MAX);
    }

    fn change(&self) -> Result<(), StoreError> {
        let left = self
            .changes_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| StoreError::Unavailable("it is gone".to_owned()))
    }
}

#[async_trait]
impl SecretStore for MortalStore {
    fn backend(&self) -> BackendInfo {
        self.inner.backend()
    }

    async fn status(&self) -> Result<(), StoreError> {
        self.inner.status().await
    }

    async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), StoreError> {
        self.inner.unlock(by, wait).await
    }

    async fn get(&self, key: &ItemKey) -> Result<Secret, StoreError> {
        self.inner.get(key).await
    }

    async fn put(&self, key: &ItemKey, secret: &Secret) -> Result<(), StoreError> {
        self.change()?;
        self.inner.put(key, secret).await
    }

    async fn delete(&self, key: &ItemKey) -> Result<(), StoreError> {
        self.change()?;
        self.inner.delete(key).await
    }
}

const SECRETS: [(&str, &str); 3] =
    [("one", "secret-of-one"), ("two", "secret-of-two"), ("three", "secret-of-three")];

/// Builds an engine over a database and a store.
fn engine_over(database: Arc<Database>, store: Arc<dyn SecretStore>) -> Engine {
    let ports = EngineDependencies {
        catalog: Arc::new(ProviderCatalog::builtin()),
        database,
        store,
        transport: Arc::new(HttpClient::default()),
        clock: Arc::new(SystemClock),
    };
    Engine::new(ports, EngineOptions::from(&Settings::default()))
}

/// Builds an engine whose store holds three credentials, one of them in the middle of a
/// rotation.
async fn engine(store: Arc<dyn SecretStore>) -> Engine {
    let engine = engine_over(Arc::new(Database::in_memory().unwrap()), Arc::clone(&store));
    for (name, secret) in SECRETS {
        let new = NewCredential::personal_token(name, secret);
        let kept = engine.credentials.add(new).await.unwrap();
        if name == "two" {
            let pending = ItemKey::for_part(&kept.id, SecretSlot::Pending, &SecretPart::Secret);
            store.put(&pending, &Secret::from_text("pending-of-two".to_owned())).await.unwrap();
        }
    }
    engine
}

/// Asserts that every secret is in at least one of the stores.
async fn assert_nothing_is_lost(engine: &Engine, one: &dyn SecretStore, other: &dyn SecretStore) {
    for credential in engine.credentials.list().await.unwrap() {
        let wanted = SECRETS.iter().find(|(name, _)| *name == credential.name.as_str()).unwrap().1;
        let key = ItemKey::for_part(&credential.id, SecretSlot::Current, &SecretPart::Secret);
        let is_in = async |store: &dyn SecretStore| {
            store
                .get(&key)
                .await
                .is_ok_and(|held| held.same_as(&Secret::from_text(wanted.to_owned())))
        };
        assert!(is_in(one).await || is_in(other).await, "{} is lost", credential.name);
    }
}

#[tokio::test]
async fn everything_is_copied_slots_of_a_rotation_among_them_and_then_the_source_can_be_left() {
    for (from, to) in TestBackend::pairs() {
        let stores = TestStores::new(from, to).await;
        let (migration, items) = (stores.migration(), stores.item_count());
        let engine = engine(Arc::clone(&stores.from) as _).await;
        let plan = engine.migration.plan_migration(&migration).await.unwrap();
        assert_eq!(
            (plan.len(), plan.iter().all(|item| item.state == ItemComparison::New)),
            (items, true),
            "{from:?} to {to:?}: {plan:?}"
        );
        let copied =
            engine.migration.copy_to_target(&migration, ConflictPolicy::Abort, |_| {}).await;
        assert_eq!(copied.unwrap().len(), items);
        assert_eq!(engine.migration.empty_source(&migration).await.unwrap(), items);
        assert_eq!(engine.migration.plan_migration(&migration).await.unwrap(), []);
        let back = StoreMigration::between(stores.to, stores.from);
        assert_eq!(engine.migration.plan_migration(&back).await.unwrap().len(), items);
    }
}

#[tokio::test]
async fn wherever_the_copy_stops_nothing_is_lost_and_the_next_run_ends_it() {
    for (from, to) in TestBackend::pairs() {
        let mut changes = 0;
        loop {
            let stores = TestStores::new(from, to).await;
            let (migration, items) = (stores.migration(), stores.item_count());
            let engine = engine(Arc::clone(&stores.from) as _).await;
            stores.to.fail_after(changes);
            let copied =
                engine.migration.copy_to_target(&migration, ConflictPolicy::Abort, |_| {}).await;
            assert_eq!(copied.is_err(), changes < 2 + items, "two for the self-test, and items");
            assert_nothing_is_lost(&engine, &*stores.from, &MemoryStore::new()).await;
            stores.to.revive();
            engine
                .migration
                .copy_to_target(&migration, ConflictPolicy::Abort, |_| {})
                .await
                .unwrap();
            if copied.is_ok() {
                break;
            }
            changes += 1;
        }
    }
}

#[tokio::test]
async fn wherever_the_deletion_stops_nothing_is_lost_and_the_next_run_ends_it() {
    for (from, to) in TestBackend::pairs() {
        let items = TestStores::new(from, to).await.item_count();
        for changes in 0..items {
            let stores = TestStores::new(from, to).await;
            let migration = stores.migration();
            let engine = engine(Arc::clone(&stores.from) as _).await;
            engine
                .migration
                .copy_to_target(&migration, ConflictPolicy::Abort, |_| {})
                .await
                .unwrap();
            stores.from.fail_after(changes);
            assert!(engine.migration.empty_source(&migration).await.is_err());
            assert_nothing_is_lost(&engine, &*stores.from, &*stores.to).await;
            stores.from.revive();
            assert_eq!(engine.migration.empty_source(&migration).await.unwrap(), items - changes);
        }
    }
}

#[tokio::test]
async fn something_else_in_its_place_is_replaced_only_when_asked() {
    let (from, to) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
    let engine = engine(Arc::clone(&from) as _).await;
    let one = engine.credentials.find("one").await.unwrap();
    let key = ItemKey::for_part(&one.id, SecretSlot::Current, &SecretPart::Secret);
    to.put(&key, &Secret::from_text("stale".to_owned())).await.unwrap();
    to.put(&ItemKey::internal(FINGERPRINT_KEY_ITEM), &Secret::from_text("another key".to_owned()))
        .await
        .unwrap();
    let migration = StoreMigration::between(Arc::clone(&from) as _, Arc::clone(&to) as _);
    let refused = engine
        .migration
        .copy_to_target(&migration, ConflictPolicy::Abort, |_| {})
        .await
        .unwrap_err();
    assert!(
        refused.why.contains("one")
            && to.get(&key).await.unwrap().same_as(&Secret::from_text("stale".to_owned()))
    );
    engine.migration.copy_to_target(&migration, ConflictPolicy::Overwrite, |_| {}).await.unwrap();
    assert!(to.get(&key).await.unwrap().same_as(&Secret::from_text("secret-of-one".to_owned())));
}

#[tokio::test]
async fn the_target_takes_the_place_of_the_source_in_everything() {
    for (from, to) in TestBackend::pairs() {
        let stores = TestStores::new(from, to).await;
        let (migration, items) = (stores.migration(), stores.item_count());
        let engine = engine(Arc::clone(&stores.from) as _).await;
        let fingerprint_key = ItemKey::internal(FINGERPRINT_KEY_ITEM);
        engine.migration.copy_to_target(&migration, ConflictPolicy::Abort, |_| {}).await.unwrap();
        engine.migration.record_migration(&migration, items).await.unwrap();
        let key = stores.from.get(&fingerprint_key).await.unwrap();
        assert!(stores.to.get(&fingerprint_key).await.unwrap().same_as(&key));
        let on_target = engine_over(
            Arc::clone(engine.migration.database.database()),
            Arc::clone(&stores.to) as _,
        );
        let anchor = on_target.audit.verify().await.unwrap().anchor;
        assert_eq!(anchor, AnchorComparison::Contained(3), "the three additions");
        on_target
            .disclosure
            .disclose(
                &on_target.credentials.find("one").await.unwrap(),
                &SecretPart::Secret,
                DisclosureChannel::Get,
            )
            .await
            .unwrap();
        let anchor = on_target.audit.verify().await.unwrap().anchor;
        assert_eq!(anchor, AnchorComparison::Contained(5), "it moves on in the target");
        let emptied = engine.migration.empty_source(&migration).await.unwrap();
        assert_eq!(emptied, items, "the old anchor goes too");
        let old = stores.from.get(&engine.audit.anchor_item_key()).await;
        assert_eq!(old.err(), Some(StoreError::NotFound));
        assert_eq!(on_target.audit.verify().await.unwrap().anchor, anchor);
    }
}

#[test]
fn the_source_is_the_store_in_use_or_an_old_one() {
    use StoreKind::{File, Keyring, Memory};
    let source = |to, in_use, from| choose_source(to, in_use, from).ok();
    assert_eq!(source(File, Keyring, None), Some(Keyring));
    assert_eq!(source(Keyring, File, None), Some(File));
    assert_eq!(source(File, Keyring, Some(Keyring)), Some(Keyring));
    assert_eq!(source(File, File, Some(Keyring)), Some(Keyring), "an old store is named");
    assert_eq!(source(File, Memory, Some(Keyring)), Some(Keyring), "memory holds nothing");
    assert_eq!(source(File, File, Some(File)), None, "from itself");
    let refused = choose_source(Keyring, File, Some(Keyring)).unwrap_err();
    assert_eq!(refused.class, ProblemClass::Usage);
}

#[test]
fn the_json_of_an_item() {
    let (name, item) = ("nightly".to_owned(), "current secret".to_owned());
    let item =
        MigrationItem { name, item, state: ItemComparison::New, key: ItemKey::internal("x") };
    assert_eq!(
        serde_json::to_string(&item).unwrap(),
        r#"{"name":"nightly","item":"current secret","state":"new"}"#
    );
}
