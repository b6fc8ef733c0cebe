//! Migration of all secrets from one store to any other.
//!
//! Every item is copied and read back before anything else happens. The source is emptied only on
//! request, and only of items that the other store has just returned. So wherever a migration
//! stops, every secret is still where it was, and a second run continues. Nothing here depends on
//! which two stores these are. Start with [`MigrationService::plan_migration`] and
//! [`MigrationService::copy_to_target`].

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::format::count_noun;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::{Credential, Secret, StoreKind};
use crate::engine::ALL_SLOTS;
use crate::engine::audit::{AuditEvent, AuditService};
use crate::engine::audit_anchor::AUDIT_ANCHOR_ITEM;
use crate::engine::credentials::locks::{CredentialLock, CredentialLocks};
use crate::engine::database_handle::DatabaseHandle;
use crate::engine::ports::{CoreServices, SharedPorts};
use crate::engine::secrets::bindings::{BINDINGS_RECORDED_ITEM, BindingService};
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::engine::secrets::fingerprints::FINGERPRINT_KEY_ITEM;
use crate::store::{
    self, ItemKey, SecretStore, StoreError, StoreStatus, UnlockMethod, backend_info,
    persistent_backends,
};

/// Owner of the program's own items in a migration.
const OWN_ITEMS_NAME: &str = "tokenring";

/// One of the two stores of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationSide {
    /// The store that the secrets are copied from.
    Source,
    /// The store that the secrets are copied to.
    Target,
}

/// Source and target of a migration.
pub struct StoreMigration {
    from: Arc<dyn SecretStore>,
    to: Arc<dyn SecretStore>,
}

/// Item that the source holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationItem {
    /// Owner of the item: the name of a credential, or `tokenring`.
    pub name: String,
    /// Slot and part of the item.
    pub item: String,
    /// How the target compares to the source.
    pub state: ItemComparison,
    #[serde(skip)]
    key: ItemKey,
}

/// How an item in the target compares to the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemComparison {
    /// The target does not have the item yet.
    New,
    /// The target has the same item.
    Same,
    /// The target has a different item in its place.
    Differs,
    /// The target cannot hold the item.
    TooLarge,
}

/// What to do if the target has a different item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// Stop before anything is changed.
    Abort,
    /// Overwrite the item.
    Overwrite,
}

impl MigrationSide {
    /// Both sides.
    pub const ALL: [Self; 2] = [Self::Source, Self::Target];
}

impl MigrationItem {
    /// Returns whether this is the item of the program, not of a credential, with this label.
    fn is_own(&self, label: &str) -> bool {
        self.name == OWN_ITEMS_NAME && self.item == label
    }
}

impl StoreMigration {
    /// Creates a migration between two stores of this user; `data` is the folder of the program's
    /// data.
    pub fn new(from: StoreKind, to: StoreKind, data: &Path) -> Self {
        Self::between(store::open_store(from, data), store::open_store(to, data))
    }

    /// Creates a migration from one store to another.
    pub fn between(from: Arc<dyn SecretStore>, to: Arc<dyn SecretStore>) -> Self {
        Self { from, to }
    }

    /// Returns the status of one of the two stores. Never raises a prompt.
    pub async fn status(&self, side: MigrationSide) -> StoreStatus {
        StoreStatus::probe(self.store(side)).await
    }

    /// Unlocks one of the two stores; creates it if it does not exist and can be created.
    pub async fn unlock(
        &self,
        side: MigrationSide,
        by: UnlockMethod<'_>,
        wait: Duration,
    ) -> Result<(), Problem> {
        Ok(self.store(side).unlock(by, wait).await?)
    }

    fn store(&self, side: MigrationSide) -> &dyn SecretStore {
        match side {
            MigrationSide::Source => self.from.as_ref(),
            MigrationSide::Target => self.to.as_ref(),
        }
    }

    /// Returns the titles of source and target, for display.
    pub fn titles(&self) -> (&'static str, &'static str) {
        (self.from.backend().title, self.to.backend().title)
    }

    async fn compare(&self, key: &ItemKey, secret: &Secret) -> Result<ItemComparison, StoreError> {
        if secret.len() > self.to.backend().item_limit {
            return Ok(ItemComparison::TooLarge);
        }
        match self.to.get(key).await {
            Ok(there) if there.same_as(secret) => Ok(ItemComparison::Same),
            Ok(_) => Ok(ItemComparison::Differs),
            Err(StoreError::NotFound) => Ok(ItemComparison::New),
            Err(error) => Err(error),
        }
    }

    /// Copies an item, as the source holds it now, and verifies it by reading it back.
    async fn copy_item(&self, key: &ItemKey) -> Result<(), StoreError> {
        let secret = self.from.get(key).await?;
        self.to.put(key, &secret).await?;
        if self.to.get(key).await?.same_as(&secret) { Ok(()) } else { Err(readback_mismatch()) }
    }

    /// Removes an item from the source if the target returns the same.
    async fn remove_from_source(&self, key: &ItemKey) -> Result<(), StoreError> {
        if !self.to.get(key).await?.same_as(&self.from.get(key).await?) {
            return Err(readback_mismatch());
        }
        self.from.delete(key).await
    }
}

/// Moves all secrets from one store to another.
pub struct MigrationService {
    database: DatabaseHandle,
    locks: Arc<CredentialLocks>,
    audit: Arc<AuditService>,
    bindings: Arc<BindingService>,
    secrets: Arc<SecretAccess>,
}

impl MigrationService {
    /// Creates the service.
    pub(in crate::engine) fn new(ports: &SharedPorts, core: &CoreServices) -> Self {
        Self {
            database: ports.database.clone(),
            locks: Arc::clone(&ports.locks),
            audit: Arc::clone(&core.audit),
            bindings: Arc::clone(&core.bindings),
            secrets: Arc::clone(&core.secrets),
        }
    }

    /// Compares every item of this index that the source holds with the target. Changes nothing.
    pub async fn plan_migration(
        &self,
        migration: &StoreMigration,
    ) -> Result<Vec<MigrationItem>, Problem> {
        let own = [
            (ItemKey::internal(FINGERPRINT_KEY_ITEM), FINGERPRINT_KEY_ITEM),
            (self.audit.anchor_item_key(), AUDIT_ANCHOR_ITEM),
            (self.bindings.bindings_recorded_key(), BINDINGS_RECORDED_ITEM),
        ];
        let mut items = Vec::new();
        for (key, label) in own {
            self.compare_item(migration, key, OWN_ITEMS_NAME, label, &mut items).await?;
        }
        for credential in self.database.credentials().await? {
            for (key, label) in self.item_keys(&credential) {
                self.compare_item(migration, key, credential.name.as_str(), &label, &mut items)
                    .await?;
            }
        }
        Ok(items)
    }

    /// Copies every item and verifies it. No secret of these credentials can be rotated meanwhile.
    pub async fn copy_to_target(
        &self,
        migration: &StoreMigration,
        on_conflict: ConflictPolicy,
        mut on_item: impl FnMut(&MigrationItem),
    ) -> Result<Vec<MigrationItem>, Problem> {
        let _claims = self.lock_all_rotations().await?;
        let plan = self.plan_migration(migration).await?;
        check_conflicts(&plan, on_conflict)?;
        store::run_self_test(migration.to.as_ref()).await?;
        for item in plan.iter().filter(|item| item.state != ItemComparison::Same) {
            migration.copy_item(&item.key).await?;
            on_item(item);
        }
        let after = self.plan_migration(migration).await?;
        match after.iter().find(|item| item.state != ItemComparison::Same) {
            None => Ok(plan),
            Some(item) => {
                let why = format!("{} of {} differs between the two stores", item.item, item.name);
                Err(Problem::new(
                    "The copy is incomplete",
                    why,
                    "run the command again; nothing was removed from the source",
                )
                .with_class(ProblemClass::Store))
            }
        }
    }

    /// Removes from the source every item that the target returns; returns their number.
    pub async fn empty_source(&self, migration: &StoreMigration) -> Result<usize, Problem> {
        let _claims = self.lock_all_rotations().await?;
        let items = self.plan_migration(migration).await?;
        let mut removed = 0;
        for item in &items {
            match item.state {
                ItemComparison::Same => migration.remove_from_source(&item.key).await?,
                // The store in use has a newer anchor, so the old one is of no use.
                ItemComparison::Differs if item.is_own(AUDIT_ANCHOR_ITEM) => {
                    migration.from.delete(&item.key).await?;
                }
                _ => continue,
            }
            removed += 1;
        }
        Ok(removed)
    }

    /// Records in the audit log that the secrets were moved. Does not anchor the entry: the anchor
    /// was copied, and a newer one in the source would stay there.
    pub async fn record_migration(
        &self,
        migration: &StoreMigration,
        items: usize,
    ) -> Result<(), Problem> {
        let (from, to) = migration.titles();
        self.audit
            .append(
                AuditEvent::new("migrate", "done").with_reason(format!(
                    "{} from the {from} to the {to}",
                    count_noun(items, "item")
                )),
            )
            .await
    }

    async fn lock_all_rotations(&self) -> Result<Vec<CredentialLock>, Problem> {
        let credentials = self.database.credentials().await?;
        credentials.iter().map(|credential| self.locks.try_lock_rotation(&credential.id)).collect()
    }

    async fn compare_item(
        &self,
        migration: &StoreMigration,
        key: ItemKey,
        name: &str,
        item: &str,
        items: &mut Vec<MigrationItem>,
    ) -> Result<(), Problem> {
        let secret = match migration.from.get(&key).await {
            Ok(secret) => secret,
            Err(StoreError::NotFound) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let state = migration.compare(&key, &secret).await?;
        items.push(MigrationItem { name: name.to_owned(), item: item.to_owned(), state, key });
        Ok(())
    }

    fn item_keys(&self, credential: &Credential) -> Vec<(ItemKey, String)> {
        let parts = self.secrets.known_parts(credential);
        let keys = ALL_SLOTS.iter().flat_map(|slot| parts.iter().map(move |part| (*slot, part)));
        let label = |(slot, part): (SecretSlot, &SecretPart)| {
            (
                ItemKey::for_part(&credential.id, slot, part),
                format!("{} {}", slot.as_str(), part.as_str()),
            )
        };
        keys.map(label).collect()
    }
}

/// Returns the source of a migration to `to`, where `in_use` is the store in use and `from` the
/// source that the user named.
///
/// The secrets in use are the ones to copy: a store that does not get them must not become the
/// store in use. Where the target is in use already, or the store in use holds nothing for another
/// process, the source is an old store, which the user names if there is more than one.
pub fn choose_source(
    to: StoreKind,
    in_use: StoreKind,
    from: Option<StoreKind>,
) -> Result<StoreKind, Problem> {
    let usage = |why: String, remedy: &str| {
        Err(Problem::new("The secrets were not moved", why, remedy).with_class(ProblemClass::Usage))
    };
    if from == Some(to) {
        return usage("source and target are the same store".to_owned(), "name another store");
    }
    let current = backend_info(in_use);
    if current.is_persistent() && in_use != to {
        return match from {
            Some(other) if other != in_use => usage(
                format!("the secrets in use are in the {}", current.title),
                "leave --from out, or use the other store first",
            ),
            _ => Ok(in_use),
        };
    }
    let mut others = persistent_backends().map(|backend| backend.kind).filter(|kind| *kind != to);
    match (from, others.next(), others.next()) {
        (Some(from), ..) | (None, Some(from), None) => Ok(from),
        _ => usage("several stores can hold old secrets".to_owned(), "name one with --from"),
    }
}

/// Rejects a plan with conflicts. The fingerprint key is always the source's, because the
/// fingerprints in the index were made with it. So is the anchor of the audit log, which depends on
/// that key.
fn check_conflicts(plan: &[MigrationItem], on_conflict: ConflictPolicy) -> Result<(), Problem> {
    let describe_item = |item: &MigrationItem| format!("{} of {}", item.item, item.name);
    if let Some(item) = plan.iter().find(|item| item.state == ItemComparison::TooLarge) {
        let why = format!("{} is larger than the target store accepts", describe_item(item));
        return Err(Problem::new(
            "The secrets were not moved",
            why,
            "continue to use the current store",
        )
        .with_class(ProblemClass::Store));
    }
    let differs = plan.iter().find(|item| {
        let is_sources = item.is_own(FINGERPRINT_KEY_ITEM) || item.is_own(AUDIT_ANCHOR_ITEM);
        item.state == ItemComparison::Differs && !is_sources
    });
    match differs.filter(|_| on_conflict == ConflictPolicy::Abort) {
        None => Ok(()),
        Some(item) => {
            let why = format!("{} has another value in the target store", describe_item(item));
            let remedy = "pass --overwrite if the value in the store in use is right";
            Err(Problem::new("The secrets were not moved", why, remedy)
                .with_class(ProblemClass::Store))
        }
    }
}

fn readback_mismatch() -> StoreError {
    StoreError::Damaged("the secret read back differs from the secret written".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::config::Settings;
    use crate::database::Database;
    use crate::domain::CredentialName;
    use crate::domain::provider::ProviderCatalog;
    use crate::engine::credentials::changes::NewCredential;
    use crate::engine::{
        AnchorComparison, DisclosureChannel, Engine, EngineDependencies, EngineOptions, SystemClock,
    };
    use crate::net::HttpClient;
    use crate::store::{
        BackendInfo, FileStore, MemoryStore, Persistence, UnlockSource, WorkFactor,
    };

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
            let left =
                self.changes_left
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
            let new = NewCredential {
                name: CredentialName::parse(name).unwrap(),
                provider: "snyk".to_owned(),
                kind: "personal-token".to_owned(),
                region: "SNYK-EU-01".to_owned(),
                fields: BTreeMap::new(),
                labels: Vec::new(),
                secret: Arc::new(Secret::from_text(secret.to_owned())),
                parts: BTreeMap::new(),
                expires: None,
            };
            let kept = engine.credentials.add(new).await.unwrap();
            if name == "two" {
                let pending = ItemKey::for_part(&kept.id, SecretSlot::Pending, &SecretPart::Secret);
                store.put(&pending, &Secret::from_text("pending-of-two".to_owned())).await.unwrap();
            }
        }
        engine
    }

    /// Asserts that every secret is in at least one of the stores.
    async fn assert_nothing_is_lost(
        engine: &Engine,
        one: &dyn SecretStore,
        other: &dyn SecretStore,
    ) {
        for credential in engine.credentials.list().await.unwrap() {
            let wanted =
                SECRETS.iter().find(|(name, _)| *name == credential.name.as_str()).unwrap().1;
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
                let copied = engine
                    .migration
                    .copy_to_target(&migration, ConflictPolicy::Abort, |_| {})
                    .await;
                assert_eq!(
                    copied.is_err(),
                    changes < 2 + items,
                    "two for the self-test, and items"
                );
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
                assert_eq!(
                    engine.migration.empty_source(&migration).await.unwrap(),
                    items - changes
                );
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
        to.put(
            &ItemKey::internal(FINGERPRINT_KEY_ITEM),
            &Secret::from_text("another key".to_owned()),
        )
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
        engine
            .migration
            .copy_to_target(&migration, ConflictPolicy::Overwrite, |_| {})
            .await
            .unwrap();
        assert!(
            to.get(&key).await.unwrap().same_as(&Secret::from_text("secret-of-one".to_owned()))
        );
    }

    #[tokio::test]
    async fn the_target_takes_the_place_of_the_source_in_everything() {
        for (from, to) in TestBackend::pairs() {
            let stores = TestStores::new(from, to).await;
            let (migration, items) = (stores.migration(), stores.item_count());
            let engine = engine(Arc::clone(&stores.from) as _).await;
            let fingerprint_key = ItemKey::internal(FINGERPRINT_KEY_ITEM);
            engine
                .migration
                .copy_to_target(&migration, ConflictPolicy::Abort, |_| {})
                .await
                .unwrap();
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
}
