//! The journal of a rotation: the one thing from which it is resumed.
//!
//! It holds ids and keyed fingerprints, and never a secret. Every entry is durable before what it announces happens.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::reach::Reach;
use super::remote::Remote;
use super::step::Step;
use crate::domain::Timestamp;

/// A keyed fingerprint: equal for equal secrets, and useless without the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

/// A whole journal, known to begin with its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Journal {
    plan: Plan,
    entries: Vec<Entry>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// What is going to happen. Always the first entry, and only that.
    Planned(Box<Plan>),
    /// A step is about to be taken. Without a later entry about it, its outcome is unknown.
    Intent(Step),
    /// A step has been taken.
    Done(Outcome),
    /// A step has not been taken, or nobody knows.
    Failed(Step, Failure),
    /// What a look at store and provider told about a step whose outcome was unknown.
    Reconciled(Finding),
    /// What a person decided.
    HumanSaid(Saying),
}

/// The outcome of a step; each belongs to one step, so that none can be filed under another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The store kept what it was given.
    StoreProven,
    /// What the old secret is.
    Seen(Snapshot),
    /// The provider made a new secret.
    Created(Minted),
    /// A person pasted a new secret.
    Pasted(Minted),
    /// A person has signed in again. The code that came of it is in nobody's hands but the process's.
    SignedIn,
    /// The slot `pending`, read back, holds a secret of this fingerprint.
    Stashed(Fingerprint),
    /// The secret of this fingerprint, read from the slot `pending`, was accepted.
    Verified {
        /// Of what was read from the store.
        fingerprint: Fingerprint,
        /// What it can do.
        reach: Reach,
    },
    /// The slot `current`, read back, holds a secret of this fingerprint.
    Promoted(Fingerprint),
    /// This consumer was given the new secret and shown to have it.
    Delivered(String),
    /// The provider revoked the old secret.
    Revoked,
    /// The old secret was refused.
    ProvenDead,
    /// Only the slot `current` is left.
    Forgotten,
    /// This is gone from the provider.
    Discarded(String),
    /// The provider has these things with this rotation's mark.
    Swept(Vec<Remote>),
    /// The old secret was accepted.
    OldProven,
    /// The slot `current` holds the old secret again.
    Restored,
    /// This consumer was given the old secret again.
    Redelivered(String),
}

/// What is known of the old secret before anything is done to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Of the secret in the slot `current`.
    pub fingerprint: Fingerprint,
    /// What it can do.
    pub reach: OldReach,
    /// What it may be at the provider: one where that is sure, several where a person has to choose, none where the
    /// provider gives no id.
    pub remotes: Vec<Remote>,
    /// The ids of everything of its sort that the provider listed; `None` where it was not told. What is in it was there
    /// before and is never taken for the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<BTreeSet<String>>,
    /// What the index knew, for the way back.
    #[serde(default)]
    pub known: Known,
}

/// What was known of a credential before its secret changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
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
pub enum OldReach {
    /// This.
    Known(Reach),
    /// It no longer works, so nobody can tell; why, in words.
    Unknown(String),
}

/// A secret that has been made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Minted {
    /// Of the new secret.
    pub fingerprint: Fingerprint,
    /// What it is at the provider, where that is known.
    pub remote: Option<Remote>,
}

/// Why a step was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What it means for going on.
    pub kind: FailureKind,
    /// What happened, in words without a secret.
    pub why: String,
}

/// What a failure means for going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Nothing happened, and it may work later: a locked store, a 429, a new secret not yet accepted, an old one not
    /// yet dead.
    NotYet,
    /// Nothing happened, and the same again would end the same: a 403, a wrong request.
    Refused,
    /// Nothing happened: the provider allows no more of these at the same time.
    Full,
    /// Nobody knows whether it happened: no answer, a cut answer, a server error.
    Unanswered,
    /// The new secret, or the sign-in that it was to come of, is neither in hand nor in the store.
    Lost,
}

/// What a look told about a step whose outcome was unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// About a secret that may have been made.
    Minting(Trail),
    /// About a revocation that may have happened.
    Revocation(Fate),
}

/// What has become of a creation, or of a paste.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trail {
    /// The secret is in the slot `pending`.
    Held(Minted),
    /// The provider has made this, and its secret is lost.
    Stray(Remote),
    /// Nothing was made.
    Nothing,
    /// The provider cannot tell; why, in words.
    Unclear(String),
}

/// What has become of an old secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The provider does not have it any more.
    Gone,
    /// It is as it was.
    StillThere,
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Saying {
    /// Try again.
    Retry,
    /// Go on without this step.
    Skip(Step),
    /// Take the new one although it is weaker or different. What was typed is the credential's name.
    Override(String),
    /// The old one is the one with this id.
    Chose(String),
    /// I have removed this at the provider.
    Removed(String),
    /// I have revoked the old one at the provider.
    RevokedByHand,
    /// Give the new one up and make another.
    MakeAnother,
    /// Roll back. Where a person is asked to revoke by hand, it also says that they have not done so.
    Abort,
    /// Do not roll back after all.
    GoOn,
}

/// Why entries do not make a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// There is no plan at its beginning.
    #[error("the journal does not begin with a plan")]
    Planless,
    /// There is another plan later on.
    #[error("the journal holds a second plan at entry {0}")]
    SecondPlan(usize),
}

impl Journal {
    /// The journal of a rotation that has only been planned.
    pub fn begin(plan: Plan) -> Self {
        Self { plan, entries: Vec::new() }
    }

    /// Reads the entries of a rotation, in the order in which they were written.
    pub fn read(entries: impl IntoIterator<Item = Entry>) -> Result<Self, JournalError> {
        let mut entries = entries.into_iter();
        let Some(Entry::Planned(plan)) = entries.next() else { return Err(JournalError::Planless) };
        let entries: Vec<Entry> = entries.collect();
        match entries.iter().position(|entry| matches!(entry, Entry::Planned(_))) {
            Some(position) => Err(JournalError::SecondPlan(position + 2)),
            None => Ok(Self { plan: *plan, entries }),
        }
    }

    /// Takes up an entry that has just become durable. A plan is none: there is one already.
    pub fn push(&mut self, entry: Entry) {
        if !matches!(entry, Entry::Planned(_)) {
            self.entries.push(entry);
        }
    }

    /// The plan.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What came after the plan.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Outcome {
    /// The step that this is the outcome of.
    pub fn step(&self) -> Step {
        match self {
            Self::StoreProven => Step::ProveStore,
            Self::Seen(_) => Step::Snapshot,
            Self::Created(_) => Step::Create,
            Self::Pasted(_) => Step::AwaitPaste,
            Self::SignedIn => Step::AwaitSignIn,
            Self::Stashed(_) => Step::Stash,
            Self::Verified { .. } => Step::Verify,
            Self::Promoted(_) => Step::Promote,
            Self::Delivered(consumer) => Step::Deliver(consumer.clone()),
            Self::Revoked => Step::Revoke,
            Self::ProvenDead => Step::ProveDead,
            Self::Forgotten => Step::Forget,
            Self::Discarded(what) => Step::Discard(what.clone()),
            Self::Swept(_) => Step::Sweep,
            Self::OldProven => Step::ProveOld,
            Self::Restored => Step::Restore,
            Self::Redelivered(consumer) => Step::Redeliver(consumer.clone()),
        }
    }
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, why: impl Into<String>) -> Self {
        Self { kind, why: why.into() }
    }
}
