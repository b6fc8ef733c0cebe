//! Migration of all secrets from one store to another.
//!
//! Every item is copied and read back before anything else happens. The source is emptied only on
//! request, and only of items that the other store has just returned. So wherever a migration
//! stops, every secret is still where it was, and a second run continues. Start with
//! [`MigrationService::plan_migration`] and [`MigrationService::copy_to_target`].

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::ALL_SLOTS;
use super::audit::{AuditEvent, AuditService};
use super::audit_anchor::AUDIT_ANCHOR_ITEM;
use super::bindings::{BINDINGS_RECORDED_ITEM, BindingService};
use super::bound_secrets::SecretAccess;
use super::credential_locks::{CredentialLock, CredentialLocks};
use super::database_handle::DatabaseHandle;
use super::fingerprints::FINGERPRINT_KEY_ITEM;
use super::ports::{CoreServices, SharedPorts};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::format::count_noun;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::{Credential, Secret};
use crate::store::{self, BackendKind, ItemKey, SecretStore, StoreError, UnlockMethod};

/// Owner of the program's own items in a migration.
const OWN_ITEMS_NAME: &str = "tokenring";

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

impl MigrationItem {
    /// Returns whether this is the item of the program, not of a credential, with this label.
    fn is_own(&self, label: &str) -> bool {
        self.name == OWN_ITEMS_NAME && self.item == label
    }
}

impl StoreMigration {
    /// Creates a migration to `to` from the other persistent store; `vault` is the folder of the
    /// encrypted file.
    pub fn new(to: BackendKind, vault: &Path) -> Self {
        let from = if to == BackendKind::File { BackendKind::Keyring } else { BackendKind::File };
        Self::between(store::open_store(from, vault), store::open_store(to, vault))
    }

    /// Creates a migration from one store to another.
    pub fn between(from: Arc<dyn SecretStore>, to: Arc<dyn SecretStore>) -> Self {
        Self { from, to }
    }

    /// Returns the stores that are not unlocked, and why.
    pub async fn locked_stores(&self) -> Vec<(BackendKind, StoreError)> {
        let mut locked = Vec::new();
        for store in [&self.from, &self.to] {
            if let Err(error) = store.status().await {
                locked.push((store.backend().kind, error));
            }
        }
        locked
    }

    /// Unlocks one of the two stores; creates the encrypted file if it does not exist.
    pub async fn unlock(
        &self,
        which: BackendKind,
        by: UnlockMethod<'_>,
        wait: Duration,
    ) -> Result<(), Problem> {
        let store = if self.from.backend().kind == which { &self.from } else { &self.to };
        Ok(store.unlock(by, wait).await?)
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
    use crate::engine::credential_changes::NewCredential;
    use crate::engine::{
        AnchorComparison, DisclosureChannel, Engine, EngineDependencies, EngineOptions, SystemClock,
    };
    use crate::net::HttpClient;
    use crate::store::{BackendInfo, MemoryStore};

    /// Store that fails after a number of changes, as if the process had been killed there.
    struct Dying {
        inner: MemoryStore,
        changes: AtomicUsize,
    }

    impl Dying {
        fn after(changes: usize) -> Arc<Self> {
            Arc::new(Self { inner: MemoryStore::new(), changes: AtomicUsize::new(changes) })
        }

        fn change(&self) -> Result<(), StoreError> {
            let left = self
                .changes
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            left.map(drop).map_err(|_| StoreError::Unavailable("it is gone".to_owned()))
        }
    }

    #[async_trait]
    impl SecretStore for Dying {
        fn backend(&self) -> BackendInfo {
            self.inner.backend()
        }

        async fn status(&self) -> Result<(), StoreError> {
            Ok(())
        }

        async fn unlock(&self, _: UnlockMethod<'_>, _: Duration) -> Result<(), StoreError> {
            Ok(())
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
        let (from, to) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
        let engine = engine(Arc::clone(&from) as _).await;
        let migration = StoreMigration::between(Arc::clone(&from) as _, Arc::clone(&to) as _);
        let plan = engine.migration.plan_migration(&migration).await.unwrap();
        assert_eq!(
            (plan.len(), plan.iter().all(|item| item.state == ItemComparison::New)),
            (6, true),
            "{plan:?}"
        );
        assert_eq!(
            engine
                .migration
                .copy_to_target(&migration, ConflictPolicy::Abort, |_| {})
                .await
                .unwrap()
                .len(),
            6
        );
        assert_eq!(engine.migration.empty_source(&migration).await.unwrap(), 6);
        assert_eq!(engine.migration.plan_migration(&migration).await.unwrap(), []);
        let back = StoreMigration::between(to, from);
        assert_eq!(engine.migration.plan_migration(&back).await.unwrap().len(), 6);
    }

    #[tokio::test]
    async fn wherever_it_stops_nothing_is_lost_and_the_next_run_ends_it() {
        for changes in 0..13 {
            let (from, to) = (Arc::new(MemoryStore::new()), Dying::after(changes));
            let engine = engine(Arc::clone(&from) as _).await;
            let migration = StoreMigration::between(Arc::clone(&from) as _, Arc::clone(&to) as _);
            let copied =
                engine.migration.copy_to_target(&migration, ConflictPolicy::Abort, |_| {}).await;
            assert_eq!(copied.is_err(), changes < 8, "two for the proof, six items");
            assert_nothing_is_lost(&engine, &*from, &MemoryStore::new()).await;
            to.changes.store(100, Ordering::Relaxed);
            engine
                .migration
                .copy_to_target(&migration, ConflictPolicy::Abort, |_| {})
                .await
                .unwrap();
        }
        for changes in 0..6 {
            let (from, to) = (Dying::after(100), Arc::new(MemoryStore::new()));
            let engine = engine(Arc::clone(&from) as _).await;
            let migration = StoreMigration::between(Arc::clone(&from) as _, Arc::clone(&to) as _);
            engine
                .migration
                .copy_to_target(&migration, ConflictPolicy::Abort, |_| {})
                .await
                .unwrap();
            from.changes.store(changes, Ordering::Relaxed);
            assert!(engine.migration.empty_source(&migration).await.is_err());
            assert_nothing_is_lost(&engine, &*from, &*to).await;
            from.changes.store(100, Ordering::Relaxed);
            assert_eq!(engine.migration.empty_source(&migration).await.unwrap(), 6 - changes);
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
    async fn the_anchor_of_the_audit_log_goes_along() {
        let (from, to) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
        let engine = engine(Arc::clone(&from) as _).await;
        let migration = StoreMigration::between(Arc::clone(&from) as _, Arc::clone(&to) as _);
        engine.migration.copy_to_target(&migration, ConflictPolicy::Abort, |_| {}).await.unwrap();
        engine.migration.record_migration(&migration, 6).await.unwrap();

        let on_target =
            engine_over(Arc::clone(engine.migration.database.database()), Arc::clone(&to) as _);
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
        assert_eq!(
            engine.migration.empty_source(&migration).await.unwrap(),
            6,
            "the old anchor goes too"
        );
        assert_eq!(
            from.get(&engine.audit.anchor_item_key()).await.err(),
            Some(StoreError::NotFound)
        );
        assert_eq!(on_target.audit.verify().await.unwrap().anchor, anchor);
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
