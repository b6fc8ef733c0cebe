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
use crate::engine::audit::{AuditEvent, AuditService};
use crate::engine::audit_anchor::AUDIT_ANCHOR_ITEM;
use crate::engine::database_handle::DatabaseHandle;
use crate::engine::fingerprints::FINGERPRINT_KEY_ITEM;
use crate::engine::locks::{CredentialLock, CredentialLocks};
use crate::engine::ports::{CoreServices, SharedPorts};
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
mod tests;
