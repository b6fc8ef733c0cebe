//! Migration of all secrets from one store to any other.
//!
//! Every item is copied and read back before anything else happens. The source is emptied only on
//! request, and only of items that the other store has just returned. So wherever a migration
//! stops, every secret is still where it was, and a second run continues. Nothing here depends on
//! which two stores these are. Start with [`MigrationService::plan_migration`] and
//! [`MigrationService::copy_to_target`].

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::format::count_noun;
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::{Credential, Secret, StoreKind};
use crate::engine::ALL_SLOTS;
use crate::engine::audit::{AUDIT_ANCHOR_ITEM, AuditEvent, AuditService};
use crate::engine::fingerprints::FINGERPRINT_KEY_ITEM;
use crate::engine::locks::CredentialLocks;
use crate::engine::ports::{CoreServices, DatabaseHandle, SharedPorts};
use crate::engine::secrets::bindings::{BINDINGS_RECORDED_ITEM, BindingService};
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::store::{
    self, ItemKey, SecretStore, StoreError, StoreLocation, StoreStatus, UnlockMethod, backend_info,
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
    /// Creates a migration between two stores of this user.
    pub fn new<'a>(from: StoreKind, to: StoreKind, location: impl Into<StoreLocation<'a>>) -> Self {
        let location = location.into();
        Self::between(store::open_store(from, location), store::open_store(to, location))
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

    /// Compares the items of the source under these keys with the target; `None` where the source
    /// has none.
    async fn compare(&self, keys: &[ItemKey]) -> Result<Vec<Option<ItemComparison>>, StoreError> {
        let limit = self.to.backend().item_limit;
        let sources = self.from.get_many(keys).await;
        let targets = self.to.get_many(keys).await;
        let pairs = sources.into_iter().zip(targets);
        pairs.map(|(source, target)| compare_item(source, target, limit)).collect()
    }

    /// Copies items, as the source holds them now, and verifies them by reading them back.
    async fn copy_items(&self, keys: &[ItemKey]) -> Result<(), StoreError> {
        let secrets: Result<Vec<_>, _> = self.from.get_many(keys).await.into_iter().collect();
        let items: Vec<_> = keys.iter().cloned().zip(secrets?.into_iter().map(Arc::new)).collect();
        self.to.put_many(&items).await?;
        self.verify_same(&items).await
    }

    /// Removes items from the source if the target returns the same.
    async fn remove_from_source(&self, keys: &[ItemKey]) -> Result<(), StoreError> {
        let secrets: Result<Vec<_>, _> = self.from.get_many(keys).await.into_iter().collect();
        let items: Vec<_> = keys.iter().cloned().zip(secrets?.into_iter().map(Arc::new)).collect();
        self.verify_same(&items).await?;
        self.from.delete_many(keys).await
    }

    /// Fails unless the target returns the same secrets.
    async fn verify_same(&self, items: &[(ItemKey, Arc<Secret>)]) -> Result<(), StoreError> {
        let keys: Vec<_> = items.iter().map(|(key, _)| key.clone()).collect();
        for ((_, secret), there) in items.iter().zip(self.to.get_many(&keys).await) {
            if !there?.same_as(secret) {
                return Err(readback_mismatch());
            }
        }
        Ok(())
    }

    /// Returns how many items one call moves: what suits the store that reads and writes everything
    /// for one item.
    fn batch_size(&self) -> usize {
        self.from.read_batch_size().max(self.to.read_batch_size())
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
        let mut possible: Vec<_> = own
            .into_iter()
            .map(|(key, label)| (key, OWN_ITEMS_NAME.to_owned(), label.to_owned()))
            .collect();
        for credential in self.database.credentials().await? {
            let keys = self.item_keys(&credential).into_iter();
            possible.extend(keys.map(|(key, label)| (key, credential.name.to_string(), label)));
        }
        let mut items = Vec::new();
        for batch in possible.chunks(migration.batch_size()) {
            let keys: Vec<_> = batch.iter().map(|(key, _, _)| key.clone()).collect();
            for ((key, name, item), state) in batch.iter().zip(migration.compare(&keys).await?) {
                let of_state = |state| MigrationItem {
                    name: name.clone(),
                    item: item.clone(),
                    state,
                    key: key.clone(),
                };
                items.extend(state.map(of_state));
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
        let _lock = self.locks.try_lock_all_rotations()?;
        let plan = self.plan_migration(migration).await?;
        check_conflicts(&plan, on_conflict)?;
        store::run_self_test(migration.to.as_ref()).await?;
        let missing: Vec<_> =
            plan.iter().filter(|item| item.state != ItemComparison::Same).collect();
        for batch in missing.chunks(migration.batch_size()) {
            let keys: Vec<_> = batch.iter().map(|item| item.key.clone()).collect();
            migration.copy_items(&keys).await?;
            for item in batch {
                on_item(item);
            }
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
        let _lock = self.locks.try_lock_all_rotations()?;
        let items = self.plan_migration(migration).await?;
        let same: Vec<_> = items
            .iter()
            .filter(|item| item.state == ItemComparison::Same)
            .map(|item| item.key.clone())
            .collect();
        for batch in same.chunks(migration.batch_size()) {
            migration.remove_from_source(batch).await?;
        }
        // The store in use has a newer anchor, so the old one is of no use.
        let is_old_anchor = |item: &&MigrationItem| {
            item.state == ItemComparison::Differs && item.is_own(AUDIT_ANCHOR_ITEM)
        };
        let Some(anchor) = items.iter().find(is_old_anchor) else { return Ok(same.len()) };
        migration.from.delete(&anchor.key).await?;
        Ok(same.len() + 1)
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

/// Compares an item of the source with what the target has in its place. Returns `None` if the
/// source does not have the item. `limit` is the size in bytes that the target accepts.
fn compare_item(
    source: Result<Secret, StoreError>,
    target: Result<Secret, StoreError>,
    limit: usize,
) -> Result<Option<ItemComparison>, StoreError> {
    let source = match source {
        Err(StoreError::NotFound) => return Ok(None),
        source => source?,
    };
    if source.len() > limit {
        return Ok(Some(ItemComparison::TooLarge));
    }
    match target {
        Ok(there) if there.same_as(&source) => Ok(Some(ItemComparison::Same)),
        Ok(_) => Ok(Some(ItemComparison::Differs)),
        Err(StoreError::NotFound) => Ok(Some(ItemComparison::New)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
