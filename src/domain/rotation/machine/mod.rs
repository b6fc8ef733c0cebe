//! The machine: a journal in, what to do next out.
//!
//! It has no state of its own, so running and resuming after a crash are the same code. Forward and backward are two
//! ways through the same facts; waiting between failures is a wrapper around both.

mod forward;
mod permits;
mod prompts;
mod rollback;
mod state;

use std::time::Duration;

use state::{RepeatedFailure, RotationState};

use super::backoff::BackoffPolicy;
use super::journal::{RotationJournal, SecretFingerprint, StepFailureKind};
use super::remote_credential::RemoteCredential;
use super::step::RotationStep;
use super::strategy_traits::CreationTraceability;

pub use permits::{DeletionPermit, RevocationPermit, RevocationTarget};
pub use prompts::{PromptKind, UserPrompt};

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Write the intent, act, write the outcome.
    Execute(StepAction),
    /// Look what has become of a step whose outcome is unknown, and write what was found. No intent is written.
    Reconcile(ReconcileQuery),
    /// Ask a person, and write what they said.
    AskUser(UserPrompt),
    /// Let this much time pass, then do that.
    Wait {
        /// How long.
        delay: Duration,
        /// What then.
        then: Box<NextStep>,
    },
    /// It is over.
    Finished(RotationResult),
}

/// Something to do. What the driver owes for each is written in the room's front page.
#[derive(Debug, PartialEq, Eq)]
pub enum StepAction {
    /// Show that the store takes an item, gives it back and removes it.
    VerifyStore,
    /// See what the current secret is and can do.
    Snapshot,
    /// Have the provider make a new secret under this name.
    Create {
        /// The name, which carries the rotation and the attempt.
        name: String,
    },
    /// Keep the new secret in the slot `pending` and read it back.
    Stage(SecretFingerprint),
    /// Read the slot `pending` and use what was read.
    Verify(SecretFingerprint),
    /// `current` to `previous`, `pending` to `current`.
    Promote(SlotSwap),
    /// Hand what is in the slot `current` to a consumer, and show that it has it.
    Deliver(String),
    /// Revoke the old secret.
    Revoke(RevocationPermit),
    /// Use the old secret of this fingerprint and see it refused.
    VerifyRevoked(SecretFingerprint),
    /// Empty the slots `pending` and `previous`.
    ClearSlots,
    /// Remove something of no use at the provider.
    DeleteOrphan(DeletionPermit),
    /// List what carries the rotation's mark at the provider.
    FindOrphans,
    /// Use the old secret of this fingerprint, in whichever slot it is, and see it accepted.
    VerifyOld(SecretFingerprint),
    /// `previous` to `current`.
    RestoreOld(SlotSwap),
    /// Hand what is in the slot `current` to a consumer again, and show that it has it.
    RestoreConsumer(String),
}

/// The two secrets that change places. A slot that holds neither is left alone and reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSwap {
    /// The secret that was current when the rotation began; `None` where a credential is made.
    pub old: Option<SecretFingerprint>,
    /// The new one.
    pub new: SecretFingerprint,
}

/// What to look for after a step whose outcome is unknown.
#[derive(Debug, PartialEq, Eq)]
pub enum ReconcileQuery {
    /// A secret that the provider may have made. First the slot `pending`, then the provider's list.
    Creation {
        /// The name that it would have; `None` where the provider lists no such thing.
        name: Option<String>,
        /// What the slot `pending` may hold from before, which does not count.
        stale: Vec<SecretFingerprint>,
    },
    /// A secret that a person may have pasted, in the slot `pending`.
    Paste {
        /// What the slot may hold from before, which does not count.
        stale: Vec<SecretFingerprint>,
    },
    /// A revocation that the provider may have carried out.
    Revocation(RevocationTarget),
}

/// How a rotation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationResult {
    /// The new secret has taken the old one's place.
    Done {
        /// What is left for a person to do; empty where nothing is.
        left: Vec<String>,
    },
    /// Everything is as it was.
    RolledBack {
        /// What is left for a person to do; empty where nothing is.
        left: Vec<String>,
    },
}

/// What is to be done next, by the journal alone.
pub fn next_step(journal: &RotationJournal) -> NextStep {
    let progress = RotationState::from_journal(journal);
    let go = match reconcile_query(&progress) {
        Some(look) => NextStep::Reconcile(look),
        None if progress.is_rolling_back() => rollback::next_rollback_step(&progress),
        None => forward::next_forward_step(&progress),
    };
    with_backoff(&progress, go)
}

/// Whether the rotation may still be rolled back; why not, in words.
pub fn check_rollback_allowed(journal: &RotationJournal) -> Result<(), &'static str> {
    RotationState::from_journal(journal).rollback_blocker().map_or(Ok(()), Err)
}

/// Whether this, by its name, is something that the program has made in the course of the rotation, and no person.
pub fn is_created_by_rotation(journal: &RotationJournal, remote: &RemoteCredential) -> bool {
    RotationState::from_journal(journal).is_created_by_rotation(remote)
}

/// What is left for a person to do as things stand, whatever the machine does next.
pub(super) fn manual_steps(journal: &RotationJournal) -> Vec<String> {
    RotationState::from_journal(journal).manual_steps
}

fn reconcile_query(progress: &RotationState<'_>) -> Option<ReconcileQuery> {
    let mut stale: Vec<SecretFingerprint> =
        progress.creation_history.seen_fingerprints.iter().map(|&held| held.clone()).collect();
    stale.extend(progress.old_secret.map(|old| old.fingerprint.clone()));
    match progress.unresolved_step? {
        RotationStep::Create => {
            let attempt = progress.creation_history.attempts.last().filter(|_| {
                progress.plan.strategy_traits().traceability == CreationTraceability::ByName
            });
            Some(ReconcileQuery::Creation {
                name: attempt.map(|attempt| progress.plan.remote_name(*attempt)),
                stale,
            })
        }
        RotationStep::AwaitPaste => Some(ReconcileQuery::Paste { stale }),
        RotationStep::Revoke => {
            Some(ReconcileQuery::Revocation(forward::revocation_target(progress)))
        }
        _ => None,
    }
}

/// The same, after the wait that the failures so far call for; a question, where waiting is no use.
fn with_backoff(progress: &RotationState<'_>, go: NextStep) -> NextStep {
    let step = go.step().filter(|_| !matches!(go, NextStep::AskUser(_)));
    let Some(trouble) = progress.last_failure.filter(|trouble| Some(trouble.step) == step.as_ref())
    else {
        return go;
    };
    match retry_delay(trouble) {
        Some(delay) => NextStep::Wait { delay, then: Box::new(go) },
        None => NextStep::AskUser(prompts::failure_prompt(progress, trouble)),
    }
}

fn retry_delay(trouble: RepeatedFailure<'_>) -> Option<Duration> {
    match trouble.failure.kind {
        StepFailureKind::Retryable | StepFailureKind::OutcomeUnknown => {
            BackoffPolicy::for_step(trouble.step).delay_after(trouble.count)
        }
        StepFailureKind::Refused | StepFailureKind::QuotaExceeded | StepFailureKind::SecretLost => {
            None
        }
    }
}

impl NextStep {
    /// The step that this takes, settles, asks about or waits for; `None` once it is over.
    pub fn step(&self) -> Option<RotationStep> {
        match self {
            Self::Execute(action) => Some(action.step()),
            Self::Reconcile(look) => Some(look.step()),
            Self::AskUser(need) => Some(need.step.clone()),
            Self::Wait { then, .. } => then.step(),
            Self::Finished(_) => None,
        }
    }
}

impl ReconcileQuery {
    /// The step whose outcome is looked for.
    pub const fn step(&self) -> RotationStep {
        match self {
            Self::Creation { .. } => RotationStep::Create,
            Self::Paste { .. } => RotationStep::AwaitPaste,
            Self::Revocation(_) => RotationStep::Revoke,
        }
    }
}

impl StepAction {
    /// The step that this takes, as the journal names it.
    pub fn step(&self) -> RotationStep {
        match self {
            Self::VerifyStore => RotationStep::VerifyStore,
            Self::Snapshot => RotationStep::Snapshot,
            Self::Create { .. } => RotationStep::Create,
            Self::Stage(_) => RotationStep::Stage,
            Self::Verify(_) => RotationStep::Verify,
            Self::Promote(_) => RotationStep::Promote,
            Self::Deliver(consumer) => RotationStep::Deliver(consumer.clone()),
            Self::Revoke(_) => RotationStep::Revoke,
            Self::VerifyRevoked(_) => RotationStep::VerifyRevoked,
            Self::ClearSlots => RotationStep::ClearSlots,
            Self::DeleteOrphan(may) => RotationStep::DeleteOrphan(may.key().to_owned()),
            Self::FindOrphans => RotationStep::FindOrphans,
            Self::VerifyOld(_) => RotationStep::VerifyOld,
            Self::RestoreOld(_) => RotationStep::RestoreOld,
            Self::RestoreConsumer(consumer) => RotationStep::RestoreConsumer(consumer.clone()),
        }
    }
}
