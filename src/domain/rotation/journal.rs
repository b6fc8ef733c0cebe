//! The journal of a rotation: the one thing from which it is resumed.
//!
//! It holds ids and keyed fingerprints, and never a secret. Every entry is durable before what it announces happens.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::access_scope::AccessScope;
use super::plan::RotationPlan;
use super::remote_credential::RemoteCredential;
use super::step::RotationStep;
use crate::domain::Timestamp;

/// A keyed fingerprint: equal for equal secrets, and useless without the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretFingerprint(pub String);

/// A whole journal, known to begin with its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct RotationJournal {
    plan: RotationPlan,
    entries: Vec<JournalEntry>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JournalEntry {
    /// What is going to happen. Always the first entry, and only that.
    Planned(Box<RotationPlan>),
    /// A step is about to be taken. Without a later entry about it, its outcome is unknown.
    Intent(RotationStep),
    /// A step has been taken.
    Done(StepOutcome),
    /// A step has not been taken, or nobody knows.
    Failed(RotationStep, StepFailure),
    /// What a look at store and provider told about a step whose outcome was unknown.
    Reconciled(ReconciliationResult),
    /// What a person decided.
    #[serde(rename = "human-said")]
    UserDecision(UserDecision),
}

/// The outcome of a step; each belongs to one step, so that none can be filed under another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// The store kept what it was given.
    #[serde(rename = "store-proven")]
    StoreVerified,
    /// What the old secret is.
    #[serde(rename = "seen")]
    SnapshotTaken(OldSecretSnapshot),
    /// The provider made a new secret.
    Created(CreatedSecret),
    /// A person pasted a new secret.
    Pasted(CreatedSecret),
    /// A person has signed in again. The code that came of it is in nobody's hands but the process's.
    SignedIn,
    /// The slot `pending`, read back, holds a secret of this fingerprint.
    #[serde(rename = "stashed")]
    Staged(SecretFingerprint),
    /// The secret of this fingerprint, read from the slot `pending`, was accepted.
    Verified {
        /// Of what was read from the store.
        fingerprint: SecretFingerprint,
        /// What it can do.
        reach: AccessScope,
    },
    /// The slot `current`, read back, holds a secret of this fingerprint.
    Promoted(SecretFingerprint),
    /// This consumer was given the new secret and shown to have it.
    Delivered(String),
    /// The provider revoked the old secret.
    Revoked,
    /// The old secret was refused.
    #[serde(rename = "proven-dead")]
    OldSecretRejected,
    /// Only the slot `current` is left.
    #[serde(rename = "forgotten")]
    SlotsCleared,
    /// This is gone from the provider.
    #[serde(rename = "discarded")]
    OrphanDeleted(String),
    /// The provider has these things with this rotation's mark.
    #[serde(rename = "swept")]
    OrphansListed(Vec<RemoteCredential>),
    /// The old secret was accepted.
    #[serde(rename = "old-proven")]
    OldSecretVerified,
    /// The slot `current` holds the old secret again.
    #[serde(rename = "restored")]
    OldSecretRestored,
    /// This consumer was given the old secret again.
    #[serde(rename = "redelivered")]
    ConsumerRestored(String),
}

/// What is known of the old secret before anything is done to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OldSecretSnapshot {
    /// Of the secret in the slot `current`.
    pub fingerprint: SecretFingerprint,
    /// What it can do.
    #[serde(rename = "reach")]
    pub access: OldAccess,
    /// What it may be at the provider: one where that is sure, several where a person has to choose, none where the
    /// provider gives no id.
    pub remotes: Vec<RemoteCredential>,
    /// The ids of everything of its sort that the provider listed; `None` where it was not told. What is in it was there
    /// before and is never taken for the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "listed")]
    pub listed_ids: Option<BTreeSet<String>>,
    /// What the index knew, for the way back.
    #[serde(default)]
    #[serde(rename = "known")]
    pub previous_metadata: PreviousMetadata,
}

/// What was known of a credential before its secret changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousMetadata {
    /// When it ends.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires: Option<Timestamp>,
    /// The fields that name it at the provider.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// What the old secret can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OldAccess {
    /// This.
    Known(AccessScope),
    /// It no longer works, so nobody can tell; why, in words.
    Unknown(String),
}

/// A secret that has been made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreatedSecret {
    /// Of the new secret.
    pub fingerprint: SecretFingerprint,
    /// What it is at the provider, where that is known.
    pub remote: Option<RemoteCredential>,
}

/// Why a step was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// What it means for going on.
    pub kind: StepFailureKind,
    /// What happened, in words without a secret.
    pub why: String,
}

/// What a failure means for going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepFailureKind {
    /// Nothing happened, and it may work later: a locked store, a 429, a new secret not yet accepted, an old one not
    /// yet dead.
    #[serde(rename = "not-yet")]
    Retryable,
    /// Nothing happened, and the same again would end the same: a 403, a wrong request.
    Refused,
    /// Nothing happened: the provider allows no more of these at the same time.
    #[serde(rename = "full")]
    QuotaExceeded,
    /// Nobody knows whether it happened: no answer, a cut answer, a server error.
    #[serde(rename = "unanswered")]
    OutcomeUnknown,
    /// The new secret, or the sign-in that it was to come of, is neither in hand nor in the store.
    #[serde(rename = "lost")]
    SecretLost,
}

/// What a look told about a step whose outcome was unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReconciliationResult {
    /// About a secret that may have been made.
    #[serde(rename = "minting")]
    Creation(CreationStatus),
    /// About a revocation that may have happened.
    Revocation(RevocationStatus),
}

/// What has become of a creation, or of a paste.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreationStatus {
    /// The secret is in the slot `pending`.
    #[serde(rename = "held")]
    InPendingSlot(CreatedSecret),
    /// The provider has made this, and its secret is lost.
    #[serde(rename = "stray")]
    Orphaned(RemoteCredential),
    /// Nothing was made.
    #[serde(rename = "nothing")]
    NotCreated,
    /// The provider cannot tell; why, in words.
    #[serde(rename = "unclear")]
    Unknown(String),
}

/// What has become of an old secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationStatus {
    /// The provider does not have it any more.
    #[serde(rename = "gone")]
    Revoked,
    /// It is as it was.
    #[serde(rename = "still-there")]
    StillActive,
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserDecision {
    /// Try again.
    Retry,
    /// Go on without this step.
    Skip(RotationStep),
    /// Take the new one although it is weaker or different. What was typed is the credential's name.
    Override(String),
    /// The old one is the one with this id.
    #[serde(rename = "chose")]
    SelectedOld(String),
    /// I have removed this at the provider.
    #[serde(rename = "removed")]
    DeletedManually(String),
    /// I have revoked the old one at the provider.
    #[serde(rename = "revoked-by-hand")]
    RevokedManually,
    /// Give the new one up and make another.
    #[serde(rename = "make-another")]
    CreateAnother,
    /// Roll back. Where a person is asked to revoke by hand, it also says that they have not done so.
    #[serde(rename = "abort")]
    RollBack,
    /// Do not roll back after all.
    #[serde(rename = "go-on")]
    Continue,
}

/// Why entries do not make a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RotationJournalError {
    /// There is no plan at its beginning.
    #[error("the journal does not begin with a plan")]
    MissingPlan,
    /// There is another plan later on.
    #[error("the journal holds a second plan at entry {0}")]
    SecondPlan(usize),
}

impl RotationJournal {
    /// The journal of a rotation that has only been planned.
    pub fn new(plan: RotationPlan) -> Self {
        Self { plan, entries: Vec::new() }
    }

    /// Reads the entries of a rotation, in the order in which they were written.
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

    /// Takes up an entry that has just become durable. A plan is none: there is one already.
    pub fn push(&mut self, entry: JournalEntry) {
        if !matches!(entry, JournalEntry::Planned(_)) {
            self.entries.push(entry);
        }
    }

    /// The plan.
    pub const fn plan(&self) -> &RotationPlan {
        &self.plan
    }

    /// What came after the plan.
    pub fn entries(&self) -> &[JournalEntry] {
        &self.entries
    }
}

impl StepOutcome {
    /// The step that this is the outcome of.
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
            Self::OrphanDeleted(what) => RotationStep::DeleteOrphan(what.clone()),
            Self::OrphansListed(_) => RotationStep::FindOrphans,
            Self::OldSecretVerified => RotationStep::VerifyOld,
            Self::OldSecretRestored => RotationStep::RestoreOld,
            Self::ConsumerRestored(consumer) => RotationStep::RestoreConsumer(consumer.clone()),
        }
    }
}

impl StepFailure {
    /// A failure of this kind.
    pub fn new(kind: StepFailureKind, why: impl Into<String>) -> Self {
        Self { kind, why: why.into() }
    }
}
