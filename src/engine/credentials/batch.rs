//! Many new credentials at once: one transaction in the index and one write to the store for all.
//!
//! The order is that of a single addition: index first, store second. A crash in between leaves
//! credentials without secrets, which the next import of the same list completes. Start at
//! [`CredentialService::add_batch`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::CredentialService;
use super::metadata::{entered_texts, reject_own_secrets, stored_secret_problem};
use crate::database::{
    BindingRecord, CredentialBatch, Database, DatabaseError, KnownCredentials, SecretLocation,
};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::redact::MIN_SECRET_BYTES;
use crate::domain::{Credential, CredentialId, Problem, Secret};
use crate::engine::audit::AuditEvent;
use crate::engine::credential_changes::NewCredential;
use crate::engine::fingerprints::FingerprintHasher;
use crate::engine::secrets::bound_secrets::{KEY_FILE_FIELD, secret_location};
use crate::store::{ItemKey, StoreError};

/// Parts of a credential's secret.
pub(super) type SecretParts = BTreeMap<SecretPart, Arc<Secret>>;

/// New credential that has passed all checks.
struct PreparedCredential {
    credential: Credential,
    secrets: SecretParts,
    bindings: Vec<BindingRecord>,
}

/// Items that are written to the store together, with their fingerprints for the index.
#[derive(Default)]
struct SecretWrites {
    items: Vec<(ItemKey, Arc<Secret>)>,
    fingerprints: Vec<(SecretLocation, String)>,
}

impl SecretWrites {
    /// Adds the parts of a credential's secret. The secret itself comes last, so that a credential
    /// that has it has all of its parts.
    fn add(&mut self, id: &CredentialId, secrets: &SecretParts, hasher: &FingerprintHasher) {
        for (part, secret) in secrets.iter().rev() {
            let location = secret_location(id, SecretSlot::Current, part);
            self.fingerprints.push((location, hasher.fingerprint_secret(secret)));
            let key = ItemKey::for_part(id, SecretSlot::Current, part);
            self.items.push((key, Arc::clone(secret)));
        }
    }
}

impl CredentialService {
    /// Returns the recommended number of credentials for one batch.
    pub(super) fn batch_size(&self) -> usize {
        self.store.read_batch_size()
    }

    /// Adds credentials like [`CredentialService::add`]: one transaction in the index, one write to
    /// the store, one to the audit log. Returns each credential, or why it was not added.
    pub(super) async fn add_batch(
        &self,
        new: Vec<NewCredential>,
    ) -> Result<Vec<Result<Credential, Problem>>, Problem> {
        self.store_service.verify().await?;
        let hasher = self.fingerprints.fingerprint_hasher().await?;
        let mut known = self.database.run(Database::known_credentials).await?;
        let prepared: Vec<_> =
            new.into_iter().map(|new| self.prepare(new, &hasher, &mut known)).collect();
        let prepared = self.bind_prepared(prepared).await?;

        let (mut batch, mut secrets) = (CredentialBatch::default(), SecretWrites::default());
        for PreparedCredential { credential, secrets: parts, bindings } in prepared.iter().flatten()
        {
            secrets.add(&credential.id, parts, &hasher);
            batch.credentials.push(credential.clone());
            batch.bindings.extend(bindings.iter().cloned());
        }
        batch.fingerprints.clone_from(&secrets.fingerprints);
        let added = batch.credentials.clone();
        let now = self.clock.now();
        self.database.run(move |index| index.insert_batch(&batch, now)).await?;
        // Recorded before the secrets are stored, so that a killed import leaves no unknown one.
        self.record_additions(&added, "started").await?;
        if let Err(problem) = self.store_batch(secrets).await {
            return Err(self.undo_batch(&added, problem).await);
        }
        self.record_additions(&added, "done").await?;
        Ok(prepared.into_iter().map(|one| one.map(|prepared| prepared.credential)).collect())
    }

    /// Stores the secrets of those credentials for which the store has none, because an import was
    /// interrupted. Returns these credentials.
    pub(super) async fn complete_interrupted(
        &self,
        owners: Vec<(CredentialId, SecretParts)>,
    ) -> Result<BTreeSet<CredentialId>, Problem> {
        let hasher = self.fingerprints.fingerprint_hasher().await?;
        let (mut completed, mut secrets) = (BTreeSet::new(), SecretWrites::default());
        let key =
            |id: &CredentialId| ItemKey::for_part(id, SecretSlot::Current, &SecretPart::Secret);
        for batch in owners.chunks(self.batch_size()) {
            let keys: Vec<_> = batch.iter().map(|(id, _)| key(id)).collect();
            for ((id, parts), found) in batch.iter().zip(self.store.get_many(&keys).await) {
                match found {
                    Ok(_) => {}
                    Err(StoreError::NotFound) if self.has_key_file(id).await? => {}
                    Err(StoreError::NotFound) => {
                        secrets.add(id, parts, &hasher);
                        completed.insert(id.clone());
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        self.store_batch(secrets).await?;
        Ok(completed)
    }

    async fn record_additions(
        &self,
        credentials: &[Credential],
        outcome: &'static str,
    ) -> Result<(), Problem> {
        let event = |credential: &Credential| {
            AuditEvent::new("add", outcome).for_credential(credential.name.as_str())
        };
        self.audit.record_all(credentials.iter().map(event).collect()).await
    }

    async fn has_key_file(&self, id: &CredentialId) -> Result<bool, Problem> {
        Ok(self.get(id).await?.fields.contains_key(KEY_FILE_FIELD))
    }

    /// Checks a new credential like [`CredentialService::add`] does, against all known ones and the
    /// earlier ones of the batch.
    fn prepare(
        &self,
        new: NewCredential,
        hasher: &FingerprintHasher,
        known: &mut KnownCredentials,
    ) -> Result<PreparedCredential, Problem> {
        let (mut credential, mut secrets) = self.validate_new(new)?;
        reject_own_secrets(&credential, secrets.values().map(AsRef::as_ref))?;
        if known.by_name.contains_key(credential.name.as_str()) {
            return Err(DatabaseError::NameTaken(credential.name).into());
        }
        let is_stored_secret = |text: &str| {
            text.len() >= MIN_SECRET_BYTES
                && known.by_fingerprint.contains_key(&hasher.fingerprint(text.as_bytes()))
        };
        if entered_texts(&credential).any(is_stored_secret) {
            return Err(stored_secret_problem());
        }
        let fingerprint = hasher.fingerprint_secret(&secrets[&SecretPart::Secret]);
        credential.fingerprint = Some(fingerprint.clone());
        if credential.fields.contains_key(KEY_FILE_FIELD) {
            secrets.remove(&SecretPart::Secret);
        }
        let (id, name) = (credential.id.clone(), credential.name.clone());
        known.by_name.insert(name.to_string(), id.clone());
        known.by_fingerprint.insert(fingerprint, (id, name));
        Ok(PreparedCredential { credential, secrets, bindings: Vec::new() })
    }

    /// Adds to each credential the records of what it is bound to.
    async fn bind_prepared(
        &self,
        prepared: Vec<Result<PreparedCredential, Problem>>,
    ) -> Result<Vec<Result<PreparedCredential, Problem>>, Problem> {
        let credentials: Vec<_> =
            prepared.iter().flatten().map(|one| one.credential.clone()).collect();
        let mut records = self.bindings.new_credential_records(&credentials).await?.into_iter();
        let bind = |prepared: Result<PreparedCredential, Problem>| {
            let prepared = prepared?;
            let bindings = records.next().unwrap_or_else(|| Ok(Vec::new()))?;
            Ok(PreparedCredential { bindings, ..prepared })
        };
        Ok(prepared.into_iter().map(bind).collect())
    }

    /// Writes secrets, reads each one back to verify it, and records their fingerprints.
    async fn store_batch(&self, secrets: SecretWrites) -> Result<(), Problem> {
        let SecretWrites { items, fingerprints } = secrets;
        self.store.put_many(&items).await?;
        let keys: Vec<_> = items.iter().map(|(key, _)| key.clone()).collect();
        for ((_, secret), read_back) in items.iter().zip(self.store.get_many(&keys).await) {
            if !read_back?.same_as(secret) {
                return Err(StoreError::Damaged(
                    "a secret read back differs from the secret written".to_owned(),
                )
                .into());
            }
        }
        let now = self.clock.now();
        let recorded =
            self.database.run(move |index| index.record_fingerprints(&fingerprints, now)).await;
        if let Err(problem) = recorded {
            tracing::warn!(%problem, "the fingerprints were not recorded");
        }
        Ok(())
    }

    /// Undoes the additions whose secrets are not in the store. Where that fails too, the remedy
    /// says how to go on.
    async fn undo_batch(&self, added: &[Credential], problem: Problem) -> Problem {
        let key = |credential: &Credential| {
            ItemKey::for_part(&credential.id, SecretSlot::Current, &SecretPart::Secret)
        };
        let keys: Vec<_> = added.iter().map(key).collect();
        let found = self.store.get_many(&keys).await;
        let missing: Vec<_> = added
            .iter()
            .zip(found)
            .filter(|(_, found)| matches!(found, Err(StoreError::NotFound)))
            .map(|(credential, _)| credential.clone())
            .collect();
        let ids: Vec<_> = missing.iter().map(|credential| credential.id.clone()).collect();
        if self.database.run(move |index| index.remove_batch(&ids)).await.is_ok()
            && let Err(problem) = self.record_additions(&missing, "failed").await
        {
            tracing::warn!(%problem, "the failed additions were not recorded");
        }
        let remedy = format!("{}; then run the import again, which completes it", problem.remedy);
        Problem { remedy, ..problem }
    }
}
