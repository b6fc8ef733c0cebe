//! Credentials in the index and the store: add, list, edit and remove.
//!
//! A new credential is written to the index first and to the store second. A crash in between
//! leaves a credential without a secret, which every user can see and fix; the other order would
//! leave a secret that no index entry names. Start with [`CredentialService::add`].

mod batch;
pub(super) mod captured_secrets;
pub(super) mod classify;
pub mod import;
pub(super) mod metadata;
pub(super) mod store_secret;
pub(super) mod tasks;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::audit::{AuditEvent, AuditService};
use super::ports::{CoreServices, SharedPorts};
use super::rotation_journals::RotationJournals;
use super::secrets::token_cache::AccessTokenCache;
use super::{ALL_SLOTS, Clock};
use crate::database::{DatabaseError, EraseOutcome};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::format::EXPIRY_WARNING_PERIOD;
use crate::domain::identify::{self, Identification};
use crate::domain::problem::{Problem, ProblemClass};
use crate::domain::provider::spec::SecretFormat;
use crate::domain::provider::{CredentialKind, ProviderCatalog};
use crate::domain::redact::MIN_SECRET_BYTES;
use crate::domain::text::nearest_names;
use crate::domain::{Credential, CredentialId, CredentialName, Secret};
use crate::engine::credential_changes::{CredentialEdit, CredentialPage, NewCredential};
use crate::engine::credentials::metadata::{clean_fields, clean_labels, reject_own_secrets};
use crate::engine::fingerprints::FingerprintService;
use crate::engine::locks::{CredentialLock, CredentialLocks};
use crate::engine::ports::{DatabaseHandle, random_bytes};
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::{KEY_FILE_FIELD, SecretAccess, secret_location};
use crate::engine::secrets::rebinding::RebindingPlan;
use crate::engine::stores::StoreService;
use crate::store::{ItemKey, SecretStore, StoreError};

/// Credentials in the index and the store.
pub struct CredentialService {
    catalog: Arc<ProviderCatalog>,
    database: DatabaseHandle,
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    locks: Arc<CredentialLocks>,
    token_cache: Arc<AccessTokenCache>,
    store_service: Arc<StoreService>,
    fingerprints: Arc<FingerprintService>,
    bindings: Arc<BindingService>,
    audit: Arc<AuditService>,
    secrets: Arc<SecretAccess>,
    journals: Arc<RotationJournals>,
}

impl CredentialService {
    /// Creates the service.
    pub(in crate::engine) fn new(ports: &SharedPorts, core: &CoreServices) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            store: Arc::clone(&ports.store),
            clock: Arc::clone(&ports.clock),
            locks: Arc::clone(&ports.locks),
            token_cache: Arc::clone(&ports.token_cache),
            store_service: Arc::clone(&core.store_service),
            fingerprints: Arc::clone(&core.fingerprints),
            bindings: Arc::clone(&core.bindings),
            audit: Arc::clone(&core.audit),
            secrets: Arc::clone(&core.secrets),
            journals: Arc::clone(&core.journals),
        }
    }

    /// Returns all credentials, by name. Does not open the store.
    pub async fn list(&self) -> Result<Vec<Credential>, Problem> {
        self.database.credentials().await
    }

    /// Returns the first `count` credentials: the most urgent first, or by name in a list of more
    /// than `MAX_SORTED_ROWS`. Reads on the calling thread, because before the first frame a change
    /// of threads would take longer than the read.
    pub fn first_page(&self, count: u16) -> Result<CredentialPage, Problem> {
        let now = self.clock.now();
        let soon = now + EXPIRY_WARNING_PERIOD;
        let database = self.database.database();
        let credentials = database.most_urgent_credentials(now, soon, count.into())?;
        let is_whole = credentials.len() < usize::from(count);
        Ok(CredentialPage { credentials, all_loaded: is_whole })
    }

    /// Returns the credential with this name; if there is none, the problem offers the nearest
    /// names. A stored name need not be composed, so a name is looked up as it is first.
    pub async fn find(&self, name: &str) -> Result<Credential, Problem> {
        self.database.find_credential(name).await
    }

    /// Returns the credential with this ID.
    pub async fn get(&self, id: &CredentialId) -> Result<Credential, Problem> {
        self.database.credential_by_id(id).await
    }

    /// Adds a credential: validates it before anything is written, verifies the store, then writes.
    pub async fn add(&self, new: NewCredential) -> Result<Credential, Problem> {
        let (credential, mut secrets) = self.validate_new(new)?;
        reject_own_secrets(&credential, secrets.values().map(AsRef::as_ref))?;
        self.ensure_name_free(&credential.name).await?;
        self.store_service.verify().await?;
        self.secrets.ensure_no_secret(&credential).await?;
        let credential = Credential {
            fingerprint: Some(self.fingerprints.fingerprint(&secrets[&SecretPart::Secret]).await?),
            ..credential
        };
        if credential.fields.contains_key(KEY_FILE_FIELD) {
            secrets.remove(&SecretPart::Secret);
        }
        self.bindings.bind_new_credential(&credential).await?;
        let row = credential.clone();
        self.database.run(move |index| index.insert_credential(&row)).await?;
        match self.store_and_audit(&credential, &secrets).await {
            Ok(()) => Ok(credential),
            Err(problem) => Err(self.undo_add(&credential, problem).await),
        }
    }

    /// Changes a credential.
    pub async fn edit(
        &self,
        id: &CredentialId,
        mut edit: CredentialEdit,
    ) -> Result<Credential, Problem> {
        let before = self.get(id).await?;
        edit.fields = clean_fields(edit.fields, &before.fields)?;
        edit.labels = edit.labels.map(|labels| clean_labels(labels, &before.labels)).transpose()?;
        self.validate_edit(&before, &edit)?;
        self.reject_entered_secrets(&before, &edit).await?;
        let _claim = if disturbs_rotation(&before, &edit) {
            Some(self.claim_without_rotation(id).await?)
        } else {
            None
        };
        if let Some(name) = edit.name.as_ref().filter(|name| **name != before.name) {
            self.ensure_name_free(name).await?;
        }
        let RebindingPlan { records, mut remarks } =
            self.bindings.plan_rebinding(&before, &edit).await?;
        let fingerprint = match &edit.secret {
            Some(secret) => Some(self.replace_secret(&before, secret).await?),
            None => None,
        };
        let accepted = edit.accepted_fingerprint.clone();
        remarks.insert(0, changed_fields(&edit));
        let id = id.clone();
        let after = self
            .database
            .run(move |index| {
                let has_other_secret = fingerprint.is_some();
                let change = |credential: &mut Credential| {
                    apply_edit(credential, edit, fingerprint);
                };
                if has_other_secret {
                    index.update_with_other_secret(&id, change, &records)
                } else {
                    index.update_bound_credential(&id, change, &records)
                }
            })
            .await?;
        let after = match accepted {
            Some(fingerprint) => {
                let part = self.secrets.accept_stored_secret(&after, &fingerprint).await?;
                remarks.push(format!("accepted the stored {}", part.as_str()));
                self.get(&after.id).await?
            }
            None => after,
        };
        remarks.retain(|remark| !remark.is_empty());
        self.audit
            .record(
                AuditEvent::new("edit", "done")
                    .for_credential(after.name.as_str())
                    .with_reason(remarks.join("; ")),
            )
            .await?;
        Ok(after)
    }

    /// Deletes a credential and its secrets from tokenring; the provider is not contacted. The
    /// secrets go first, so that a locked store leaves everything as it was. The audit log keeps the
    /// name.
    pub async fn remove(&self, id: &CredentialId) -> Result<EraseOutcome, Problem> {
        let credential = self.get(id).await?;
        // Checked before the first secret is deleted: the journal of an unfinished rotation relies
        // on all of them.
        let _claim = self.claim_without_rotation(id).await?;
        let erasure = self.delete_credential_data(&credential).await?;
        self.audit
            .record(AuditEvent::new("remove", "done").for_credential(credential.name.as_str()))
            .await?;
        Ok(erasure)
    }

    /// Identifies a pasted secret, offline.
    pub fn identify(&self, pasted: &Secret) -> Result<Identification, Problem> {
        Ok(identify::identify(pasted, &self.catalog)?)
    }

    /// Returns the credentials that already hold this secret. Rejects a secret that the store
    /// cannot hold, because this is the first function that sees a new secret, and it may write the
    /// fingerprint key.
    pub async fn find_duplicates(&self, secret: &Secret) -> Result<Vec<CredentialName>, Problem> {
        self.check_secret_size(secret)?;
        let fingerprint = self.fingerprints.fingerprint(secret).await?;
        self.database.run(move |index| index.names_with_fingerprint(&fingerprint)).await
    }

    fn validate_new(
        &self,
        new: NewCredential,
    ) -> Result<(Credential, BTreeMap<SecretPart, Arc<Secret>>), Problem> {
        let kind = self.catalog.kind(&new.provider, &new.kind)?;
        let region = self.catalog.region(&new.provider, &new.region)?.id.clone();
        let fields = clean_fields(new.fields, &BTreeMap::new())?;
        check_fields(kind, &fields)?;
        let credential = Credential {
            id: CredentialId::from_random(random_bytes()?),
            name: new.name,
            provider: new.provider,
            kind: new.kind,
            region,
            fields: fields.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            labels: clean_labels(new.labels, &[])?,
            created: self.clock.now(),
            expires: new.expires,
            fingerprint: None,
            principal: None,
            scheme: None,
            last_check: None,
        };
        let mut secrets = BTreeMap::from([(SecretPart::Secret, new.secret)]);
        secrets
            .extend(new.parts.into_iter().map(|(part, secret)| (SecretPart::Named(part), secret)));
        secrets.values().try_for_each(|secret| self.check_secret_size(secret))?;
        Self::check_secret_lines(kind, &secrets[&SecretPart::Secret])?;
        Ok((credential, secrets))
    }

    /// Rejects a secret of several lines for a kind whose secrets have one: a private key that was
    /// pasted or piped in the place of a token.
    fn check_secret_lines(kind: &CredentialKind, secret: &Secret) -> Result<(), Problem> {
        let rules = &kind.recognition_rules;
        if !secret.is_multiline()
            || rules.is_empty()
            || rules.iter().any(|rule| rule.shape == SecretFormat::PemKey)
        {
            return Ok(());
        }
        Err(Problem::new(
            "The secret has several lines",
            format!("the secret of the kind \"{}\" has one line", kind.title),
            "paste only the secret; for a private key, choose a kind that signs with one",
        )
        .with_class(ProblemClass::Usage))
    }

    fn check_secret_size(&self, secret: &Secret) -> Result<(), Problem> {
        let limit = self.store.backend().item_limit;
        if secret.is_empty() {
            return Err(Problem::new(
                "The secret is empty",
                "standard input or the field contained nothing",
                "paste the secret, or pipe it in",
            )
            .with_class(ProblemClass::Usage));
        }
        if secret.len() < MIN_SECRET_BYTES {
            return Err(Problem::new(
                "The secret is too short",
                format!(
                    "a secret of fewer than {MIN_SECRET_BYTES} characters cannot be masked reliably in responses"
                ),
                "paste the whole secret; no provider issues secrets this short",
            )
            .with_class(ProblemClass::Usage));
        }
        if secret.len() > limit {
            return Err(StoreError::TooLarge { size: secret.len(), limit }.into());
        }
        Ok(())
    }

    pub(super) async fn ensure_name_free(&self, name: &CredentialName) -> Result<(), Problem> {
        let wanted = name.clone();
        self.database
            .run(move |index| match index.credential_by_name(wanted.as_str()) {
                Ok(_) => Err(DatabaseError::NameTaken(wanted)),
                Err(DatabaseError::UnknownCredential { .. }) => Ok(()),
                Err(error) => Err(error),
            })
            .await
    }

    /// Locks the credential against rotations. Fails if one is open.
    pub(super) async fn claim_without_rotation(
        &self,
        id: &CredentialId,
    ) -> Result<CredentialLock, Problem> {
        let claim = match self.locks.try_lock_rotation(id) {
            Ok(claim) => claim,
            Err(problem) => {
                // This refusal names the rotation and how to continue it.
                self.journals.ensure_no_open_rotation(id).await?;
                return Err(problem);
            }
        };
        self.journals.close_ended_rotation(id, &claim).await?;
        self.journals.ensure_no_open_rotation(id).await?;
        Ok(claim)
    }

    fn validate_edit(&self, before: &Credential, edit: &CredentialEdit) -> Result<(), Problem> {
        let known = self.catalog.kind(&before.provider, &before.kind)?;
        let kind = edit
            .kind
            .as_ref()
            .map_or(Ok(known), |kind| self.catalog.kind(&before.provider, kind))?;
        if kind.id != known.id && !kind.resembles(known) {
            let why = format!(
                "the secrets of the kinds \"{}\" and \"{}\" have different formats",
                kind.title, known.title
            );
            return Err(Problem::new(
                "The kind was not changed",
                why,
                "add it as a new credential with its own secret",
            )
            .with_class(ProblemClass::Usage));
        }
        if let Some(region) = &edit.region {
            self.catalog.region(&before.provider, region)?;
        }
        let mut fields = before.fields.clone();
        fields.extend(edit.fields.clone());
        check_fields(kind, &fields)?;
        let Some(secret) = edit.secret.as_deref() else { return Ok(()) };
        self.check_secret_size(secret)?;
        Self::check_secret_lines(kind, secret)
    }

    /// Rejects an edit that writes a secret into the name, a label or a field. With a locked store
    /// only the new secret is compared.
    async fn reject_entered_secrets(
        &self,
        before: &Credential,
        edit: &CredentialEdit,
    ) -> Result<(), Problem> {
        let mut after = before.clone();
        apply_edit(&mut after, edit.clone(), None);
        reject_own_secrets(&after, edit.secret.iter().map(AsRef::as_ref))?;
        if edit.name.is_none() && edit.labels.is_none() && edit.fields.is_empty() {
            return Ok(());
        }
        match self.secrets.ensure_no_secret(&after).await {
            Err(problem) if problem.class == ProblemClass::Store => Ok(()),
            checked => checked,
        }
    }

    async fn replace_secret(
        &self,
        credential: &Credential,
        secret: &Arc<Secret>,
    ) -> Result<String, Problem> {
        self.store_service.verify().await?;
        let fingerprint = self.fingerprints.fingerprint(secret).await?;
        self.store_and_verify(
            &credential.id,
            &BTreeMap::from([(SecretPart::Secret, Arc::clone(secret))]),
        )
        .await?;
        self.token_cache.remove(&credential.id);
        Ok(fingerprint)
    }

    /// Writes the secrets and records the addition; an operation that cannot be recorded fails.
    async fn store_and_audit(
        &self,
        credential: &Credential,
        secrets: &BTreeMap<SecretPart, Arc<Secret>>,
    ) -> Result<(), Problem> {
        self.store_and_verify(&credential.id, secrets).await?;
        self.audit
            .record(AuditEvent::new("add", "done").for_credential(credential.name.as_str()))
            .await
    }

    /// Undoes a failed addition. A full disk may prevent that as well; the remedy then names what
    /// is left.
    async fn undo_add(&self, credential: &Credential, problem: Problem) -> Problem {
        if self.delete_credential_data(credential).await.is_ok() {
            return problem;
        }
        let remedy = format!(
            "{}; then delete the incomplete credential: `tokenring remove {}`",
            problem.remedy, credential.name
        );
        Problem { remedy, ..problem }
    }

    /// Writes secrets and reads each one back to verify it.
    async fn store_and_verify(
        &self,
        id: &CredentialId,
        secrets: &BTreeMap<SecretPart, Arc<Secret>>,
    ) -> Result<(), Problem> {
        for (part, secret) in secrets {
            self.secrets
                .store_secret(secret_location(id, SecretSlot::Current, part), secret)
                .await?;
            if !self
                .store
                .get(&ItemKey::for_part(id, SecretSlot::Current, part))
                .await?
                .same_as(secret)
            {
                return Err(StoreError::Damaged(
                    "the secret read back differs from the secret written".to_owned(),
                )
                .into());
            }
        }
        Ok(())
    }

    async fn delete_credential_data(
        &self,
        credential: &Credential,
    ) -> Result<EraseOutcome, Problem> {
        for slot in ALL_SLOTS {
            for part in self.secrets.known_parts(credential) {
                self.store.delete(&ItemKey::for_part(&credential.id, slot, &part)).await?;
            }
        }
        self.token_cache.remove(&credential.id);
        let id = credential.id.clone();
        self.database.run(move |index| index.remove_credential(&id)).await
    }
}

/// Rejects fields that the kind does not have, and a missing required field.
pub(super) fn check_fields(
    kind: &CredentialKind,
    fields: &BTreeMap<String, String>,
) -> Result<(), Problem> {
    if let Some(unknown) = fields.keys().find(|id| kind.field(id).is_none()) {
        let known: Vec<_> = kind.fields.iter().map(|field| field.id.as_str()).collect();
        let remedy = match nearest_names(unknown, &known).first() {
            _ if known.is_empty() => "leave the field out; this kind has no fields".to_owned(),
            Some(nearest) => format!("did you mean {nearest}? One of: {}", known.join(", ")),
            None => format!("use one of: {}", known.join(", ")),
        };
        let why = format!("the kind \"{}\" has no such field", kind.title);
        return Err(Problem::new(format!("Unknown field \"{unknown}\""), why, remedy)
            .with_class(ProblemClass::Usage));
    }
    let missing = kind.fields.iter().find(|field| {
        field.required && fields.get(&field.id).is_none_or(std::string::String::is_empty)
    });
    missing.map_or(Ok(()), |field| {
        let remedy = format!("pass --field {}=…; {}", field.id, field.help);
        Err(Problem::new(
            format!("Missing field \"{}\"", field.id),
            format!("the kind \"{}\" requires it", kind.title),
            remedy,
        )
        .with_class(ProblemClass::Usage))
    })
}

/// Returns whether an edit changes something that an unfinished rotation relies on: the secret, or
/// what decides where and for what the secret is valid. The plan of a rotation names its region,
/// and its calls contain the fields.
fn disturbs_rotation(before: &Credential, edit: &CredentialEdit) -> bool {
    let field_changes =
        |field: &str, value: &str| before.fields.get(field).map_or("", String::as_str) != value;
    edit.secret.is_some()
        || edit.kind.is_some()
        || edit.region.as_ref().is_some_and(|region| *region != before.region)
        || edit.fields.iter().any(|(field, value)| field_changes(field, value))
}

/// Names what an edit changes, without the values.
fn changed_fields(edit: &CredentialEdit) -> String {
    let things = [
        ("name", edit.name.is_some()),
        ("kind", edit.kind.is_some()),
        ("region", edit.region.is_some()),
        ("fields", !edit.fields.is_empty()),
        ("labels", edit.labels.is_some()),
        ("expiry", edit.expires.is_some()),
        ("secret", edit.secret.is_some()),
    ];
    things
        .iter()
        .filter(|(_, changed)| *changed)
        .map(|(thing, _)| *thing)
        .collect::<Vec<_>>()
        .join(", ")
}

fn apply_edit(credential: &mut Credential, edit: CredentialEdit, fingerprint: Option<String>) {
    if let Some(name) = edit.name {
        credential.name = name;
    }
    credential.kind = edit.kind.unwrap_or_else(|| credential.kind.clone());
    credential.region = edit.region.unwrap_or_else(|| credential.region.clone());
    for (id, value) in edit.fields {
        if value.is_empty() {
            credential.fields.remove(&id);
        } else {
            credential.fields.insert(id, value);
        }
    }
    if let Some(labels) = edit.labels {
        credential.labels = labels;
    }
    if let Some(expires) = edit.expires {
        credential.expires = expires;
    }
    if fingerprint.is_some() {
        credential.fingerprint = fingerprint;
        credential.principal = None;
        credential.scheme = None;
    }
}
