//! Reading of secrets: the one place where a secret leaves the store for a use.
//!
//! Before the read, the credential's bindings are verified. After the read, the fingerprint of the
//! secret is compared with the recorded ones, so that an older vault or a swapped item is noticed.
//! While a secret is replaced, the fingerprints of the old and of the new secret are recorded, so
//! that a crash leaves either of them readable. Start with [`SecretAccess::load_secret`].
//!
//! Disclosure of a secret to the user: printed, shown or copied, and recorded in the audit log.
//!
//! Start with [`DisclosureService::disclose`].

use std::path::Path;
use std::sync::Arc;

use super::bindings::BindingService;
use crate::database::{DatabaseError, SecretLocation};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::problem::ProblemClass;
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Credential, CredentialId, Problem, Secret};
use crate::engine::Clock;
use crate::engine::audit::{AuditEvent, AuditService};
use crate::engine::fingerprints::FingerprintService;
use crate::engine::ports::{CoreServices, DatabaseHandle, SharedPorts};
use crate::engine::secrets::token_cache::AccessTokenCache;
use crate::store::{self, ItemKey, SecretStore, StoreError};

/// Field that names a file with the secret, for secrets that live outside the store.
pub const KEY_FILE_FIELD: &str = "key_file";

/// Reads and writes secrets in the store, together with their bindings and fingerprints.
pub(in crate::engine) struct SecretAccess {
    pub(in crate::engine) catalog: Arc<ProviderCatalog>,
    pub(in crate::engine) database: DatabaseHandle,
    pub(in crate::engine) store: Arc<dyn SecretStore>,
    pub(in crate::engine) clock: Arc<dyn Clock>,
    token_cache: Arc<AccessTokenCache>,
    pub(in crate::engine) fingerprints: Arc<FingerprintService>,
    bindings: Arc<BindingService>,
}

impl SecretAccess {
    /// Creates the service.
    pub(in crate::engine) fn new(
        ports: &SharedPorts,
        fingerprints: Arc<FingerprintService>,
        bindings: Arc<BindingService>,
    ) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            store: Arc::clone(&ports.store),
            clock: Arc::clone(&ports.clock),
            token_cache: Arc::clone(&ports.token_cache),
            fingerprints,
            bindings,
        }
    }

    /// Loads a part of the credential's current secret from the store, or from the key file that
    /// the credential names.
    pub(in crate::engine) async fn load_secret(
        &self,
        credential: &Credential,
        part: &SecretPart,
    ) -> Result<Secret, Problem> {
        if let (SecretPart::Secret, Some(path)) = (part, credential.fields.get(KEY_FILE_FIELD)) {
            self.bindings.verify_binding(credential).await?;
            return read_key_file(path);
        }
        let stored = self.load_stored_secret(credential, part).await?;
        stored.ok_or_else(|| StoreError::NotFound.into())
    }

    /// Loads a part of the credential's current secret from the store; `None` if the store has
    /// none.
    pub(in crate::engine) async fn load_stored_secret(
        &self,
        credential: &Credential,
        part: &SecretPart,
    ) -> Result<Option<Secret>, Problem> {
        let Some(secret) = self.load_slot(credential, SecretSlot::Current, part).await? else {
            return Ok(None);
        };
        self.verify_fingerprint(credential, part, &secret).await?;
        Ok(Some(secret))
    }

    /// Loads a part of the secret in a slot; `None` if the slot is empty. The journal of a rotation
    /// knows the fingerprints of the slots other than the current one.
    pub(in crate::engine) async fn load_slot(
        &self,
        credential: &Credential,
        slot: SecretSlot,
        part: &SecretPart,
    ) -> Result<Option<Secret>, Problem> {
        self.bindings.verify_binding(credential).await?;
        match self.store.get(&ItemKey::for_part(&credential.id, slot, part)).await {
            Ok(secret) => Ok(Some(secret)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Verifies that a secret from the store is the one that was stored last. The first read of a
    /// secret without a recorded fingerprint records it.
    pub(in crate::engine) async fn verify_fingerprint(
        &self,
        credential: &Credential,
        part: &SecretPart,
        secret: &Secret,
    ) -> Result<(), Problem> {
        let found = self.fingerprints.fingerprint(secret).await?;
        if *part == SecretPart::Secret && credential.fingerprint.as_ref() == Some(&found) {
            return Ok(());
        }
        let (id, of_part) = (credential.id.clone(), part.clone());
        let recorded = self
            .database
            .run(move |index| {
                let mut recorded = index.fingerprints_in_use(&id, &of_part)?;
                if of_part == SecretPart::Secret {
                    // The credential at hand may be older than the index.
                    match index.credential_by_id(&id) {
                        Ok(credential) => recorded.extend(credential.fingerprint),
                        Err(DatabaseError::UnknownCredential { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(recorded)
            })
            .await?;
        if recorded.contains(&found) {
            return Ok(());
        }
        if !recorded.is_empty() {
            return Err(fingerprint_problem(credential, part, &found));
        }
        self.adopt_fingerprint(credential, part, found, secret).await
    }

    /// Accepts the secret that the store has, if it has this fingerprint. Returns the part that has
    /// it.
    pub(in crate::engine) async fn accept_stored_secret(
        &self,
        credential: &Credential,
        fingerprint: &str,
    ) -> Result<SecretPart, Problem> {
        for part in self.known_parts(credential) {
            let Some(secret) = self.load_slot(credential, SecretSlot::Current, &part).await? else {
                continue;
            };
            let found = self.fingerprints.fingerprint(&secret).await?;
            if found == fingerprint {
                self.adopt_fingerprint(credential, &part, found, &secret).await?;
                self.token_cache.remove(&credential.id);
                return Ok(part);
            }
        }
        let why = format!("no secret of {} has the fingerprint {fingerprint}", credential.name);
        let remedy = "give the fingerprint that the message about the secret names";
        Err(Problem::new("No secret was accepted", why, remedy).with_class(ProblemClass::Usage))
    }

    async fn adopt_fingerprint(
        &self,
        credential: &Credential,
        part: &SecretPart,
        fingerprint: String,
        secret: &Secret,
    ) -> Result<(), Problem> {
        let location = secret_location(&credential.id, SecretSlot::Current, part);
        self.record_fingerprint(location, secret).await;
        if *part != SecretPart::Secret {
            return Ok(());
        }
        let id = credential.id.clone();
        let recorded = self
            .database
            .run(move |index| {
                let known = index.credential_by_id(&id)?.fingerprint;
                let is_other = known.is_some_and(|known| known != fingerprint);
                let change =
                    |credential: &mut Credential| credential.fingerprint = Some(fingerprint);
                if is_other {
                    index.update_with_other_secret(&id, change, &[])
                } else {
                    index.update_credential(&id, change)
                }
            })
            .await;
        // A full disk or a read-only home does not lock the user out; the next read records it.
        if let Err(problem) = recorded {
            tracing::warn!(%problem, "the fingerprint was not recorded");
        }
        Ok(())
    }
}

/// Problem of a secret that is not the one that was stored last.
fn fingerprint_problem(credential: &Credential, part: &SecretPart, found: &str) -> Problem {
    let what = match part {
        SecretPart::Secret => format!("The store has another secret for {}", credential.name),
        SecretPart::Named(part) => {
            format!("The store has another {part} for {}", credential.name)
        }
    };
    let why = format!(
        "its fingerprint {found} is not the recorded one: the store may be an older copy, or another program has changed it; the secret was not used"
    );
    let remedy = format!(
        "restore the newer store; if this secret is right, run `tokenring edit {} --accept-secret {found}`",
        credential.name
    );
    Problem::new(what, why, remedy)
}

/// Reads the private key in a file that only its owner may read.
pub fn read_key_file(path: impl AsRef<Path>) -> Result<Secret, Problem> {
    store::passphrase::read(path.as_ref())
}

/// Returns the location of a part in a slot.
pub(in crate::engine) fn secret_location(
    credential: &CredentialId,
    slot: SecretSlot,
    part: &SecretPart,
) -> SecretLocation {
    SecretLocation { credential: credential.clone(), slot, part: part.clone() }
}

/// Ways in which a secret leaves the store for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisclosureChannel {
    /// Printed to a pipe.
    Get,
    /// Shown on the screen.
    Reveal,
    /// Copied to the clipboard.
    Copy,
}

/// Secret that was loaded for the user.
pub struct SecretDisclosure {
    /// The secret.
    pub secret: Secret,
    /// Why the audit log has no record of the disclosure; `None` if it has.
    pub audit_problem: Option<Problem>,
}

impl DisclosureChannel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Reveal => "reveal",
            Self::Copy => "copy",
        }
    }
}

/// Loads secrets for the user, and records each disclosure.
pub struct DisclosureService {
    audit: Arc<AuditService>,
    secrets: Arc<SecretAccess>,
}

impl DisclosureService {
    /// Creates the service.
    pub(in crate::engine) fn new(core: &CoreServices) -> Self {
        Self { audit: Arc::clone(&core.audit), secrets: Arc::clone(&core.secrets) }
    }

    /// Loads a part of the credential's current secret for the user. The disclosure is recorded
    /// before the secret is returned; a disclosure that cannot be recorded fails.
    pub async fn disclose(
        &self,
        credential: &Credential,
        part: &SecretPart,
        channel: DisclosureChannel,
    ) -> Result<Secret, Problem> {
        let disclosed = self.try_disclose(credential, part, channel).await?;
        disclosed.audit_problem.map_or(Ok(disclosed.secret), Err)
    }

    /// Like [`DisclosureService::disclose`], but a full disk or a read-only home does not lock the
    /// user out: the caller gets the secret together with the problem, and must report it.
    pub async fn try_disclose(
        &self,
        credential: &Credential,
        part: &SecretPart,
        channel: DisclosureChannel,
    ) -> Result<SecretDisclosure, Problem> {
        let secret = self.secrets.load_secret(credential, part).await?;
        let reason = if *part == SecretPart::Secret {
            String::new()
        } else {
            format!("part {}", part.as_str())
        };
        let event = AuditEvent::new(channel.as_str(), "done")
            .for_credential(credential.name.as_str())
            .with_reason(reason);
        let audit_problem = self.audit.record(event).await.err();
        Ok(SecretDisclosure { secret, audit_problem })
    }
}
