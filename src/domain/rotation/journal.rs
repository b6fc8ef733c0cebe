//! Journal of a rotation: the only data from which a rotation is resumed.
//!
//! The journal holds IDs and keyed fingerprints, never a secret. Every entry is durable before the
//! action that it announces happens. This file defines the entries and their persisted JSON form;
//! the serialized names are stable and pinned by tests. What an entry means for the next step is
//! decided in `machine::state`. Start with [`JournalEntry`] and [`RotationJournal::from_entries`].

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::access_scope::AccessScope;
use super::plan::RotationPlan;
use super::remote_credential::RemoteCredential;
use crate::domain::strategy::RotationStep;
use crate::domain::{CredentialId, CredentialName, Timestamp};

/// Keyed fingerprint of a secret: equal for equal secrets, useless without the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretFingerprint(pub String);

/// Complete journal of one rotation, known to begin with its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct RotationJournal {
    plan: RotationPlan,
    entries: Vec<JournalEntry>,
}

/// Entry of a rotation journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JournalEntry {
    /// The plan of the rotation. Always the first entry, and never a later one.
    Planned(Box<RotationPlan>),
    /// A step is about to be executed. Without a later entry about it, its outcome is unknown.
    Intent(RotationStep),
    /// A step was executed.
    Done(StepOutcome),
    /// A step was not executed, or its outcome is unknown.
    Failed(RotationStep, StepFailure),
    /// What a query of the store and the provider found about a step whose outcome was unknown.
    Reconciled(ReconciliationResult),
    /// A decision of the user.
    #[serde(rename = "human-said")]
    UserDecision(UserDecision),
    /// Another credential authorizes the management calls from here on. Journals without this entry
    /// use the administrator of the plan.
    #[serde(rename = "administrator")]
    AdministratorChanged(RotationAdministrator),
    /// An access token of the sign-in that is revoked works until this time, whatever happens to
    /// its refresh token. The latest time counts.
    AccessTokenOutlives {
        /// When the access token expires.
        #[serde(with = "time::serde::rfc3339")]
        until: Timestamp,
    },
}

/// Credential that authorizes the management calls of a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationAdministrator {
    /// ID of the credential.
    pub id: CredentialId,
    /// Its name at that time, which is still known when the credential is deleted.
    pub name: CredentialName,
}

/// Outcome of a step. Each outcome belongs to exactly one step, so none can be recorded under
/// another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// The store returned the test item that was written to it.
    #[serde(rename = "store-proven")]
    StoreVerified,
    /// Identity and access of the old secret were recorded.
    #[serde(rename = "seen")]
    SnapshotTaken(OldSecretSnapshot),
    /// The provider created a new secret.
    Created(CreatedSecret),
    /// The user pasted a new secret.
    Pasted(CreatedSecret),
    /// The user signed in again. Only the process that received the authorization code holds it.
    SignedIn,
    /// The slot `pending`, read back, holds the secret with this fingerprint.
    #[serde(rename = "stashed")]
    Staged(SecretFingerprint),
    /// The provider accepted the secret with this fingerprint, read from the slot `pending`.
    Verified {
        /// Fingerprint of the secret that was read from the store.
        fingerprint: SecretFingerprint,
        /// Access of the new secret.
        reach: AccessScope,
        /// ID at the provider that the secret itself names: its principal or a claim in it;
        /// `None` where it names none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[serde(rename = "named")]
        named_id: Option<String>,
    },
    /// The slot `current`, read back, holds the secret with this fingerprint.
    Promoted(SecretFingerprint),
    /// This consumer received the new secret, and the delivery was verified.
    Delivered(String),
    /// The provider revoked the old secret.
    Revoked,
    /// The provider rejected the old secret.
    #[serde(rename = "proven-dead")]
    OldSecretRejected,
    /// The slots `pending` and `previous` are empty; only `current` is left.
    #[serde(rename = "forgotten")]
    SlotsCleared,
    /// The orphan with this key is gone from the provider.
    #[serde(rename = "discarded")]
    OrphanDeleted(String),
    /// The provider lists these credentials with this rotation's mark.
    #[serde(rename = "swept")]
    OrphansListed(Vec<RemoteCredential>),
    /// The provider accepted the old secret.
    #[serde(rename = "old-proven")]
    OldSecretVerified,
    /// The slot `current` holds the old secret again.
    #[serde(rename = "restored")]
    OldSecretRestored,
    /// This consumer received the old secret again.
    #[serde(rename = "redelivered")]
    ConsumerRestored(String),
}

/// What is known about the old secret before the rotation changes anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OldSecretSnapshot {
    /// Fingerprint of the secret in the slot `current`.
    pub fingerprint: SecretFingerprint,
    /// Access of the old secret.
    #[serde(rename = "reach")]
    pub access: OldAccess,
    /// Credentials that the old secret may be at the provider: one if that is certain, several if
    /// the user has to choose, none if the provider gives no ID.
    pub remotes: Vec<RemoteCredential>,
    /// IDs of all credentials of this sort that the provider listed; `None` if the provider did not
    /// list them. A listed credential existed before the rotation and is never taken for the new
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "listed")]
    pub listed_ids: Option<BTreeSet<String>>,
    /// ID at the provider that the secret itself names: its principal or a claim in it; `None`
    /// where it names none. Nothing else may be revoked without the user's confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "named")]
    pub named_id: Option<String>,
    /// Metadata of the index before the rotation, for a rollback.
    #[serde(default)]
    #[serde(rename = "known")]
    pub previous_metadata: PreviousMetadata,
}

/// Metadata of a credential before its secret changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousMetadata {
    /// When the old secret expires.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires: Option<Timestamp>,
    /// Fields that identify the credential at the provider.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// Access of the old secret, as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OldAccess {
    /// The old secret works and has this access.
    Known(AccessScope),
    /// The old secret no longer works, so its access cannot be determined; the reason as text.
    Unknown(String),
}

/// Secret that was created or pasted in this rotation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreatedSecret {
    /// Fingerprint of the new secret.
    pub fingerprint: SecretFingerprint,
    /// The credential at the provider, if known.
    pub remote: Option<RemoteCredential>,
}

/// Why a step was not executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// Whether and how the rotation can continue.
    pub kind: StepFailureKind,
    /// What happened, as text without a secret.
    pub why: String,
}

/// Kind of a step failure: it decides whether and how the rotation continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepFailureKind {
    /// Nothing happened, and a later attempt may succeed: a locked store, a 429, a new secret that
    /// is not accepted yet, an old secret that is not rejected yet.
    #[serde(rename = "not-yet")]
    Retryable,
    /// Nothing happened, and another attempt would fail in the same way: a 403, an invalid request.
    Refused,
    /// Nothing happened: the provider allows no more of these at the same time.
    #[serde(rename = "full")]
    QuotaExceeded,
    /// It is unknown whether anything happened: no response, a truncated response, a server error.
    #[serde(rename = "unanswered")]
    OutcomeUnknown,
    /// The new secret, or the sign-in that it was to be created from, is neither in memory nor in
    /// the store.
    #[serde(rename = "lost")]
    SecretLost,
}

/// What a query found about a step whose outcome was unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReconciliationResult {
    /// Result for a secret that may have been created.
    #[serde(rename = "minting")]
    Creation(CreationStatus),
    /// Result for a revocation that may have happened.
    Revocation(RevocationStatus),
}

/// Status of a creation or a paste whose outcome was unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreationStatus {
    /// The secret is in the slot `pending`.
    #[serde(rename = "held")]
    InPendingSlot(CreatedSecret),
    /// The provider created this credential, and its secret is lost.
    #[serde(rename = "stray")]
    Orphaned(RemoteCredential),
    /// Nothing was created.
    #[serde(rename = "nothing")]
    NotCreated,
    /// The provider cannot tell; the reason as text.
    #[serde(rename = "unclear")]
    Unknown(String),
}

/// Status of a revocation whose outcome was unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationStatus {
    /// The old secret no longer exists at the provider.
    #[serde(rename = "gone")]
    Revoked,
    /// The old secret still exists, unchanged.
    #[serde(rename = "still-there")]
    StillActive,
}

/// Decision of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserDecision {
    /// Try again.
    Retry,
    /// Continue without this step.
    Skip(RotationStep),
    /// Use the new secret although it has less or different access. Holds the name that the user
    /// typed, which must be the credential's.
    Override(String),
    /// The old credential is the one with this ID.
    #[serde(rename = "chose")]
    SelectedOld(String),
    /// The old credential is none of those that were offered.
    NoneOfThese,
    /// The user deleted the orphan with this key at the provider.
    #[serde(rename = "removed")]
    DeletedManually(String),
    /// The user revoked the old secret at the provider.
    #[serde(rename = "revoked-by-hand")]
    RevokedManually,
    /// Give the new secret up and create another one.
    #[serde(rename = "make-another")]
    CreateAnother,
    /// Roll back. As a response to the request to revoke manually, it also states that the user has
    /// not revoked.
    #[serde(rename = "abort")]
    RollBack,
    /// Cancel the rollback and continue forward.
    #[serde(rename = "go-on")]
    Continue,
    /// End the rotation without changing anything.
    Abandon,
}

/// Why entries do not form a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RotationJournalError {
    /// The first entry is not a plan, or there is no entry.
    #[error("the journal does not begin with a plan")]
    MissingPlan,
    /// A later entry is a plan too; holds its position, counted from 1.
    #[error("the journal contains a second plan at entry {0}")]
    SecondPlan(usize),
}

impl RotationJournal {
    /// Creates the journal of a rotation that has only been planned.
    pub fn new(plan: RotationPlan) -> Self {
        Self { plan, entries: Vec::new() }
    }

    /// Builds a journal from the entries of a rotation, in the order in which they were written.
    ///
    /// # Errors
    ///
    /// Returns [`RotationJournalError`] if the first entry is not a plan or a later one is.
    pub fn from_entries(
        entries: impl IntoIterator<Item = JournalEntry>,
    ) -> Result<Self, RotationJournalError> {
        let mut entries = entries.into_iter();
        let Some(JournalEntry::Planned(plan)) = entries.next() else {
            return Err(RotationJournalError::MissingPlan);
        };
        let entries: Vec<JournalEntry> = entries.collect();
        match entries.iter().position(|entry| matches!(entry, JournalEntry::Planned(_))) {
            Some(position) => Err(RotationJournalError::SecondPlan(position + 2)),
            None => Ok(Self { plan: *plan, entries }),
        }
    }

    /// Appends an entry that has just become durable. A second plan is ignored.
    pub fn push(&mut self, entry: JournalEntry) {
        if !matches!(entry, JournalEntry::Planned(_)) {
            self.entries.push(entry);
        }
    }

    /// Returns the plan.
    pub const fn plan(&self) -> &RotationPlan {
        &self.plan
    }

    /// Returns until when the last access token of the revoked sign-in works; `None` if no access
    /// token is known.
    pub fn last_access_token_expiry(&self) -> Option<Timestamp> {
        let expiry = |entry: &JournalEntry| match entry {
            JournalEntry::AccessTokenOutlives { until } => Some(*until),
            _ => None,
        };
        self.entries.iter().filter_map(expiry).max()
    }

    /// Returns the ID of the credential that authorizes the management calls; `None` if the
    /// credential manages itself.
    pub fn administrator(&self) -> Option<&CredentialId> {
        self.changed_administrator()
            .map_or(self.plan.administrator.as_ref(), |changed| Some(&changed.id))
    }

    /// Returns the name that the administrator had when it was chosen; `None` if the credential
    /// manages itself or the plan is older than this name.
    pub fn administrator_name(&self) -> Option<&CredentialName> {
        self.changed_administrator()
            .map_or(self.plan.administrator_name.as_ref(), |changed| Some(&changed.name))
    }

    fn changed_administrator(&self) -> Option<&RotationAdministrator> {
        self.entries.iter().rev().find_map(|entry| match entry {
            JournalEntry::AdministratorChanged(changed) => Some(changed),
            _ => None,
        })
    }

    /// Returns the entries after the plan.
    pub fn entries(&self) -> &[JournalEntry] {
        &self.entries
    }
}

impl StepOutcome {
    /// Returns the step that has this outcome.
    pub fn step(&self) -> RotationStep {
        match self {
            Self::StoreVerified => RotationStep::VerifyStore,
            Self::SnapshotTaken(_) => RotationStep::Snapshot,
            Self::Created(_) => RotationStep::Create,
            Self::Pasted(_) => RotationStep::AwaitPaste,
            Self::SignedIn => RotationStep::AwaitSignIn,
            Self::Staged(_) => RotationStep::Stage,
            Self::Verified { .. } => RotationStep::Verify,
            Self::Promoted(_) => RotationStep::Promote,
            Self::Delivered(consumer) => RotationStep::Deliver(consumer.clone()),
            Self::Revoked => RotationStep::Revoke,
            Self::OldSecretRejected => RotationStep::VerifyRevoked,
            Self::SlotsCleared => RotationStep::ClearSlots,
            Self::OrphanDeleted(key) => RotationStep::DeleteOrphan(key.clone()),
            Self::OrphansListed(_) => RotationStep::FindOrphans,
            Self::OldSecretVerified => RotationStep::VerifyOld,
            Self::OldSecretRestored => RotationStep::RestoreOld,
            Self::ConsumerRestored(consumer) => RotationStep::RestoreConsumer(consumer.clone()),
        }
    }
}

impl StepFailure {
    /// Creates a failure of this kind.
    pub fn new(kind: StepFailureKind, why: impl Into<String>) -> Self {
        Self { kind, why: why.into() }
    }
}
