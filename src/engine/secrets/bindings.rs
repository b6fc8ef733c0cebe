//! Bindings: what each secret may be used for, so that an edited file does not redirect it.
//!
//! Provider files and the index decide where a secret is sent, which key file is read and which
//! command gets a secret, and any program of the user can write to them. So the index also has a
//! record of each of these decisions, with a MAC whose key is derived from the fingerprint key in
//! the store. The records are compared with the decisions before a secret is read or sent:
//!
//! - a region is bound to the hosts that may receive secrets ([`BoundRegion`] is the proof),
//! - a credential is bound to its region and its key file,
//! - a consumer is bound to its target.
//!
//! An item in the store says that everything in this index was recorded once. Without it, this is
//! the first use of a secret after the records were introduced, and everything is recorded as it
//! is. From then on a missing record is a difference like any other, because a program that edits
//! the index can also delete a row. A store in memory has no earlier state to compare with, so nothing
//! is recorded for it.
//!
//! An index that is restored as a whole brings back its earlier records, which are valid: the
//! anchor of the audit log detects that ([`crate::engine::audit`]). Start with
//! [`BindingService::verify_region`]; `rebinding` accepts changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::database::{BindingRecord, BindingSubject};
use crate::domain::consumer::{Consumer, ConsumerTarget};
use crate::domain::credential::SecretPart;
use crate::domain::provider::ProviderCatalog;
use crate::domain::region::Region;
use crate::domain::{Credential, Origin, Problem, Secret};
use crate::engine::audit::AuditService;
use crate::engine::fingerprints::{BINDING_KEY_PURPOSE, FingerprintService, HmacKey};
use crate::engine::ports::{DatabaseHandle, SharedPorts};
use crate::engine::secrets::bound_secrets::KEY_FILE_FIELD;
use crate::store::{ItemKey, SecretStore, StoreError};
use crate::util::hex::to_hex;

/// Name of the item that says that everything was recorded, in the list of a migration.
pub(in crate::engine) const BINDINGS_RECORDED_ITEM: &str = "bindings-recorded";

/// Content of that item.
const BINDINGS_RECORDED: &str = "1";

/// Key of the bindings of one store.
pub(in crate::engine) struct BindingKey {
    mac: HmacKey,
    /// ID of the key, so that one index can be used with several stores.
    store: String,
}

/// Region whose hosts are the recorded ones, so that a secret may be sent to them.
#[derive(Clone, Copy)]
pub(in crate::engine) struct BoundRegion<'a>(&'a Region);

/// What a credential is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct CredentialBinding {
    /// ID of the provider.
    pub(in crate::engine) provider: String,
    /// ID of the region.
    pub(in crate::engine) region: String,
    /// File that contains the secret, for a secret outside of the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::engine) key_file: Option<String>,
}

/// What a consumer is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ConsumerBinding {
    part: SecretPart,
    target: ConsumerTarget,
    /// File that the symbolic link at the target's path leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linked_to: Option<PathBuf>,
}

/// What the index has recorded about a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum RecordedBinding<T> {
    /// This, with a valid MAC.
    Valid(T),
    /// Nothing.
    Missing,
    /// Something whose MAC is not the one of this store's key.
    Invalid,
}

/// Bindings that this process has verified, with their content. An edited file leads to another
/// content, which is not among them.
#[derive(Default)]
struct VerifiedBindings(Mutex<HashMap<BindingSubject, String>>);

impl BindingKey {
    fn new(mac: HmacKey) -> Self {
        let store = mac.id();
        Self { mac, store }
    }

    /// Creates the record of a binding.
    pub(in crate::engine) fn seal<T: Serialize>(
        &self,
        subject: BindingSubject,
        bound: &T,
    ) -> BindingRecord {
        let content = to_json(bound);
        let mac = self.compute_mac(&subject, &content);
        BindingRecord { store: self.store.clone(), subject, content, mac }
    }

    /// Returns what a record says, if it is valid.
    pub(in crate::engine) fn open<T: DeserializeOwned>(
        &self,
        record: Option<&BindingRecord>,
    ) -> RecordedBinding<T> {
        let Some(record) = record else { return RecordedBinding::Missing };
        if record.mac != self.compute_mac(&record.subject, &record.content) {
            return RecordedBinding::Invalid;
        }
        serde_json::from_str(&record.content)
            .map_or(RecordedBinding::Invalid, RecordedBinding::Valid)
    }

    /// Returns the MAC: HMAC-SHA-256 over a JSON list of kind, owner, name and content, in
    /// hexadecimal digits.
    fn compute_mac(&self, subject: &BindingSubject, content: &str) -> String {
        let [kind, owner, name] = subject.columns();
        to_hex(&self.mac.digest(to_json(&[kind, owner, name, content]).as_bytes()))
    }
}

impl<'a> BoundRegion<'a> {
    /// Returns the region.
    pub(in crate::engine) const fn region(self) -> &'a Region {
        self.0
    }

    /// Returns the origins that a secret may be sent to.
    pub(in crate::engine) fn origins(self) -> Vec<Origin> {
        self.0.bound_origins()
    }
}

impl CredentialBinding {
    /// Returns what a credential would be bound to as it is.
    pub(in crate::engine) fn for_credential(credential: &Credential) -> Self {
        Self {
            provider: credential.provider.clone(),
            region: credential.region.clone(),
            key_file: credential.fields.get(KEY_FILE_FIELD).cloned(),
        }
    }

    /// Returns whether both are bound to the same region.
    pub(in crate::engine) fn has_region_of(&self, other: &Self) -> bool {
        self.provider == other.provider && self.region == other.region
    }
}

impl<T> RecordedBinding<T> {
    /// Returns the valid content.
    pub(in crate::engine) const fn valid(&self) -> Option<&T> {
        match self {
            Self::Valid(bound) => Some(bound),
            Self::Missing | Self::Invalid => None,
        }
    }
}

impl VerifiedBindings {
    fn contains(&self, subject: &BindingSubject, content: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(subject).is_some_and(|verified| verified == content)
    }

    fn insert(&self, subject: BindingSubject, content: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(subject, content);
    }
}

/// Verifies and records what secrets may be used for.
pub struct BindingService {
    pub(in crate::engine) catalog: Arc<ProviderCatalog>,
    pub(in crate::engine) database: DatabaseHandle,
    store: Arc<dyn SecretStore>,
    fingerprints: Arc<FingerprintService>,
    pub(in crate::engine) audit: Arc<AuditService>,
    binding_key: OnceCell<BindingKey>,
    bindings_recorded: OnceCell<()>,
    verified_bindings: VerifiedBindings,
}

impl BindingService {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        fingerprints: Arc<FingerprintService>,
        audit: Arc<AuditService>,
    ) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            store: Arc::clone(&ports.store),
            fingerprints,
            audit,
            binding_key: OnceCell::new(),
            bindings_recorded: OnceCell::new(),
            verified_bindings: VerifiedBindings::default(),
        }
    }

    /// Verifies that a credential's secret may be sent to the hosts of a region: the credential is
    /// bound to its own region and key file, and the region to its hosts.
    pub(in crate::engine) async fn verify_region<'r>(
        &self,
        credential: &Credential,
        region: &'r Region,
    ) -> Result<BoundRegion<'r>, Problem> {
        self.verify_credential_binding(credential).await?;
        self.verify_region_hosts(&credential.provider, region, Some(credential)).await
    }

    /// Verifies that a credential's secret may be read: the credential is bound to its region and
    /// key file, and the region to its hosts.
    pub(in crate::engine) async fn verify_binding(
        &self,
        credential: &Credential,
    ) -> Result<(), Problem> {
        self.verify_credential_binding(credential).await?;
        match self.catalog.region(&credential.provider, &credential.region) {
            Ok(region) => self
                .verify_region_hosts(&credential.provider, region, Some(credential))
                .await
                .map(drop),
            // Nothing can be sent to a region without hosts.
            Err(_) => Ok(()),
        }
    }

    /// Verifies that a region has the recorded hosts. A built-in region without a record must have
    /// its built-in hosts. `credential` is the one to name in the remedy.
    pub(in crate::engine) async fn verify_region_hosts<'r>(
        &self,
        provider: &str,
        region: &'r Region,
        credential: Option<&Credential>,
    ) -> Result<BoundRegion<'r>, Problem> {
        let subject = self.region_subject(provider, region)?;
        match self.compare_binding(subject, &region.bound_origins()).await? {
            None => Ok(BoundRegion(region)),
            Some(RecordedBinding::Missing) if self.has_builtin_hosts(provider, region) => {
                Ok(BoundRegion(region))
            }
            Some(recorded) => Err(hosts_problem(region, &recorded, credential)),
        }
    }

    /// Returns whether a region is a built-in one with its built-in hosts.
    pub(in crate::engine) fn has_builtin_hosts(&self, provider: &str, region: &Region) -> bool {
        let Ok(owner) = self.catalog.region_owner(provider) else { return false };
        let builtin = ProviderCatalog::builtin();
        let known = builtin.region(&owner.id, &region.id);
        known.is_ok_and(|known| known.bound_origins() == region.bound_origins())
    }

    /// Verifies that a consumer has the recorded target.
    pub(in crate::engine) async fn verify_consumer(
        &self,
        consumer: &Consumer,
    ) -> Result<(), Problem> {
        let binding = consumer_binding(consumer);
        match self.compare_binding(consumer_subject(consumer), &binding).await? {
            None => Ok(()),
            Some(recorded) => Err(self.consumer_problem(consumer, &recorded).await),
        }
    }

    /// Reads the bindings of many credentials at once, so that verifying each of them needs no
    /// further read. Differences are left to that verification.
    pub(in crate::engine) async fn preload_bindings(&self, credentials: &[Credential]) {
        let Ok(Some(key)) = self.binding_key().await else { return };
        let store = key.store.clone();
        let Ok(records) = self.database.run(move |index| index.bindings(&store)).await else {
            return;
        };
        let records: HashMap<_, _> =
            records.into_iter().map(|record| (record.subject.clone(), record)).collect();
        for credential in credentials {
            let subject = BindingSubject::Credential(credential.id.clone());
            let content = to_json(&CredentialBinding::for_credential(credential));
            if records.get(&subject).is_some_and(|record| {
                record.content == content && record.mac == key.compute_mac(&subject, &content)
            }) {
                self.verified_bindings.insert(subject, content);
            }
        }
    }

    /// Returns the key of the bindings; `None` for a store in memory.
    pub(in crate::engine) async fn binding_key(&self) -> Result<Option<&BindingKey>, Problem> {
        if !self.store.backend().is_persistent() {
            return Ok(None);
        }
        let derive = || async {
            Ok::<_, Problem>(BindingKey::new(
                self.fingerprints.derive_key(BINDING_KEY_PURPOSE).await?,
            ))
        };
        self.binding_key.get_or_try_init(derive).await.map(Some)
    }

    /// Returns the key of the bindings for a new record; `None` for a store in memory.
    pub(in crate::engine) async fn recording_key(&self) -> Result<Option<&BindingKey>, Problem> {
        let Some(key) = self.binding_key().await? else { return Ok(None) };
        // A new record is written even if the first records could not be: another process may write
        // them, and then a missing record would be a difference.
        self.ensure_recorded(key).await?;
        Ok(Some(key))
    }

    /// Returns the item that says that everything in this index was recorded.
    pub(in crate::engine) fn bindings_recorded_key(&self) -> ItemKey {
        ItemKey::for_bindings(&self.database.item_id())
    }

    /// Returns the record of a subject and its content.
    pub(in crate::engine) async fn recorded_binding<T: DeserializeOwned>(
        &self,
        key: &BindingKey,
        subject: BindingSubject,
    ) -> Result<RecordedBinding<T>, Problem> {
        let store = key.store.clone();
        let record = self.database.run(move |index| index.binding(&store, &subject)).await?;
        Ok(key.open(record.as_ref()))
    }

    /// Returns the subject of a region's binding. Providers that share regions share the binding.
    pub(in crate::engine) fn region_subject(
        &self,
        provider: &str,
        region: &Region,
    ) -> Result<BindingSubject, Problem> {
        let provider = self.catalog.region_owner(provider)?.id.clone();
        // A provider file may write the ID of a region in another case.
        Ok(BindingSubject::Region { provider, region: region.id.to_ascii_uppercase() })
    }

    async fn verify_credential_binding(&self, credential: &Credential) -> Result<(), Problem> {
        let subject = BindingSubject::Credential(credential.id.clone());
        let binding = CredentialBinding::for_credential(credential);
        match self.compare_binding(subject, &binding).await? {
            None => Ok(()),
            Some(recorded) => Err(self.credential_problem(credential, &recorded)),
        }
    }

    /// Compares a binding with its record. Returns the record if it differs.
    async fn compare_binding<T: Serialize + DeserializeOwned + PartialEq>(
        &self,
        subject: BindingSubject,
        found: &T,
    ) -> Result<Option<RecordedBinding<T>>, Problem> {
        let Some(key) = self.binding_key().await? else { return Ok(None) };
        let content = to_json(found);
        if self.verified_bindings.contains(&subject, &content) {
            return Ok(None);
        }
        let mut recorded = self.recorded_binding::<T>(key, subject.clone()).await?;
        if recorded == RecordedBinding::Missing {
            // The item is read only here, so that a use with a record costs no call to the store.
            if !self.ensure_recorded(key).await? {
                return Ok(None);
            }
            recorded = self.recorded_binding::<T>(key, subject.clone()).await?;
        }
        if recorded.valid() != Some(found) {
            return Ok(Some(recorded));
        }
        self.verified_bindings.insert(subject, content);
        Ok(None)
    }

    /// Records everything unless that was done before. Returns whether there are records now.
    async fn ensure_recorded(&self, key: &BindingKey) -> Result<bool, Problem> {
        if self.bindings_recorded.initialized() {
            return Ok(true);
        }
        match self.store.get(&self.bindings_recorded_key()).await {
            Ok(_) => {}
            Err(StoreError::NotFound) => {
                let _lock = self.fingerprints.lock_key().await;
                if let Err(problem) = self.record_everything(key).await {
                    tracing::warn!(%problem, "the bindings were not recorded");
                    return Ok(false);
                }
            }
            Err(error) => return Err(error.into()),
        }
        // Another task may have found out the same.
        let _ = self.bindings_recorded.set(());
        Ok(true)
    }

    /// Records everything in this index and in the provider files as it is, except what is recorded
    /// already.
    async fn record_everything(&self, key: &BindingKey) -> Result<(), Problem> {
        let mut records = Vec::new();
        for provider in self.catalog.providers().filter(|known| known.regions_of.is_none()) {
            for region in &provider.regions {
                let subject = self.region_subject(&provider.id, region)?;
                records.push(key.seal(subject, &region.bound_origins()));
            }
        }
        for credential in self.database.credentials().await? {
            records.push(credential_record(key, &credential));
        }
        for consumer in self.database.run(crate::database::Database::all_consumers).await? {
            records.push(consumer_record(key, &consumer));
        }
        self.write_first_records(records).await
    }

    /// Writes records of what is not recorded yet, and the item that says so.
    pub(in crate::engine) async fn write_first_records(
        &self,
        records: Vec<BindingRecord>,
    ) -> Result<(), Problem> {
        self.database.run(move |index| index.add_missing_bindings(&records)).await?;
        let content = Secret::from_text(BINDINGS_RECORDED.to_owned());
        Ok(self.store.put(&self.bindings_recorded_key(), &content).await?)
    }

    /// Problem of a credential whose region or key file is not the recorded one.
    pub(in crate::engine) fn credential_problem(
        &self,
        credential: &Credential,
        recorded: &RecordedBinding<CredentialBinding>,
    ) -> Problem {
        let name = &credential.name;
        let now = CredentialBinding::for_credential(credential);
        let before = recorded.valid();
        if before.is_some_and(|before| before.has_region_of(&now)) {
            let file = |binding: &CredentialBinding| binding.key_file.clone();
            let remedy = format!(
                "if you changed it, run `tokenring edit {name} --field {KEY_FILE_FIELD}={}`",
                file(&now).unwrap_or_default()
            );
            let describe = |path: Option<String>| path.unwrap_or_else(|| "none".to_owned());
            return changed_problem(
                format!("The key file of {name} has changed"),
                &describe(before.and_then(file)),
                &describe(file(&now)),
                &remedy,
            );
        }
        let host = self.catalog.region(&now.provider, &now.region);
        let host = host.map_or_else(|_| "HOST".to_owned(), |region| region.api.to_string());
        changed_problem(
            format!("The region of {name} has changed"),
            &before.map_or_else(
                || recorded.describe_absence().to_owned(),
                |before| self.describe_region(before),
            ),
            &self.describe_region(&now),
            &format!("if you changed it, run `tokenring edit {name} --accept-host {host}`"),
        )
    }

    fn describe_region(&self, binding: &CredentialBinding) -> String {
        let CredentialBinding { provider, region, .. } = binding;
        match self.catalog.region(provider, region) {
            Ok(known) => {
                format!("{provider} {region} ({})", describe_origins(&known.bound_origins()))
            }
            Err(_) => format!("{provider} {region}"),
        }
    }

    async fn consumer_problem(
        &self,
        consumer: &Consumer,
        recorded: &RecordedBinding<ConsumerBinding>,
    ) -> Problem {
        let credential = self.database.credential_by_id(&consumer.credential).await;
        let owner = credential.map_or_else(|_| "NAME".to_owned(), |known| known.name.to_string());
        let what = format!("The target of {} has changed, so nothing was delivered", consumer.name);
        let describe = |binding: &ConsumerBinding| {
            let part = match &binding.part {
                SecretPart::Secret => String::new(),
                SecretPart::Named(part) => format!(" (part {part})"),
            };
            let link = binding.linked_to.as_ref();
            let link = link.map(|file| format!(", a link to {}", file.display()));
            format!("{}{}{part}", binding.target.describe(), link.unwrap_or_default())
        };
        let before =
            recorded.valid().map_or_else(|| recorded.describe_absence().to_owned(), describe);
        let remedy = format!(
            "if you changed it, remove the consumer with `tokenring consumer remove {owner} {}` and add it again",
            consumer.name
        );
        changed_problem(what, &before, &describe(&consumer_binding(consumer)), &remedy)
    }
}

impl<T> RecordedBinding<T> {
    /// Describes a record that says nothing.
    const fn describe_absence(&self) -> &'static str {
        match self {
            Self::Invalid => "not made with the key of this store",
            Self::Valid(_) | Self::Missing => "nothing",
        }
    }
}

/// Returns the record of a credential as it is.
pub(in crate::engine) fn credential_record(
    key: &BindingKey,
    credential: &Credential,
) -> BindingRecord {
    let subject = BindingSubject::Credential(credential.id.clone());
    key.seal(subject, &CredentialBinding::for_credential(credential))
}

/// Returns the record of a consumer as it is.
pub(in crate::engine) fn consumer_record(key: &BindingKey, consumer: &Consumer) -> BindingRecord {
    key.seal(consumer_subject(consumer), &consumer_binding(consumer))
}

/// Lists origins in a sentence.
pub(in crate::engine) fn describe_origins(origins: &[Origin]) -> String {
    origins.iter().map(Origin::to_string).collect::<Vec<_>>().join(", ")
}

/// Problem of a region whose hosts are not the recorded ones.
pub(in crate::engine) fn hosts_problem(
    region: &Region,
    recorded: &RecordedBinding<Vec<Origin>>,
    credential: Option<&Credential>,
) -> Problem {
    let now = region.bound_origins();
    let (before, known) = match recorded {
        RecordedBinding::Valid(known) => (describe_origins(known), known.as_slice()),
        absent => (absent.describe_absence().to_owned(), [].as_slice()),
    };
    let command = match credential {
        Some(credential) => {
            let new = unrecorded_origins(&now, known);
            let flags: Vec<_> =
                new.iter().map(|origin| format!("--accept-host {origin}")).collect();
            format!("`tokenring edit {} {}`", credential.name, flags.join(" "))
        }
        None => "`tokenring regions add` with these hosts".to_owned(),
    };
    changed_problem(
        format!("The hosts of {} have changed", region.id),
        &before,
        &describe_origins(&now),
        &format!("if you changed them, run {command}"),
    )
}

/// Returns the origins that must be accepted: the new ones, or all of them if some were only
/// removed.
pub(in crate::engine) fn unrecorded_origins(now: &[Origin], recorded: &[Origin]) -> Vec<Origin> {
    let new: Vec<_> = now.iter().filter(|origin| !recorded.contains(origin)).cloned().collect();
    if new.is_empty() { now.to_vec() } else { new }
}

fn changed_problem(what: String, before: &str, now: &str, remedy: &str) -> Problem {
    let why = format!("recorded: {before}; now: {now}; the secret was not used");
    let remedy =
        format!("{remedy}; otherwise another program has changed the provider files or the index");
    Problem::new(what, why, remedy)
}

fn consumer_subject(consumer: &Consumer) -> BindingSubject {
    BindingSubject::Consumer(consumer.credential.clone(), consumer.name.clone())
}

fn consumer_binding(consumer: &Consumer) -> ConsumerBinding {
    ConsumerBinding {
        part: consumer.part.clone(),
        target: consumer.target.clone(),
        linked_to: consumer.linked_to.clone(),
    }
}

/// Returns the JSON of a value that always has one.
fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::json!(value).to_string()
}

#[cfg(test)]
mod tests;
