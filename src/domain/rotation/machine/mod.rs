//! State machine of a rotation: takes a journal and returns what to do next.
//!
//! The machine is stateless, so running and resuming after a crash are the same code.
//! `state` folds the journal into facts, and `identity` answers which credential a secret belongs
//! to. `forward` and `rollback` choose the next step from these facts; `permits` guards revocation
//! and deletion; `prompts` builds the questions to the user. Delays after failures wrap both
//! directions. Start with [`next_step`].

mod forward;
mod identity;
mod permits;
mod prompts;
mod rollback;
mod state;

use std::time::Duration;

use state::{RepeatedFailure, RotationState};

use super::backoff::BackoffPolicy;
use super::journal::{RotationJournal, SecretFingerprint, StepFailureKind};
use super::remote_credential::RemoteCredential;
use crate::domain::strategy::CreationTraceability;
use crate::domain::strategy::RotationStep;

pub use permits::{DeletionPermit, RevocationPermit, RevocationTarget};
pub use prompts::{PromptKind, UserPrompt};

/// What the driver has to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Write the intent, act, write the outcome.
    Execute(StepAction),
    /// Find out what happened to a step whose outcome is unknown, and write the result. No intent
    /// is written.
    Reconcile(ReconcileQuery),
    /// Ask the user, and write the decision.
    AskUser(UserPrompt),
    /// Wait, then do the step inside.
    Wait {
        /// How long to wait.
        delay: Duration,
        /// The step after the delay.
        then: Box<NextStep>,
    },
    /// The rotation has ended.
    Finished(RotationResult),
}

/// Action for the driver. The documentation of [`rotation`](crate::domain::rotation) lists what
/// each one requires.
#[derive(Debug, PartialEq, Eq)]
pub enum StepAction {
    /// Verify that the store writes, returns and deletes an item.
    VerifyStore,
    /// Record identity and access of the current secret.
    Snapshot,
    /// Create a new secret at the provider under this name.
    Create {
        /// The name, which contains the rotation ID and the attempt number.
        name: String,
    },
    /// Store the new secret in the slot `pending` and read it back.
    Stage(SecretFingerprint),
    /// Read the slot `pending` and use that value at the provider.
    Verify(SecretFingerprint),
    /// Move `current` to `previous` and `pending` to `current`.
    Promote(SlotSwap),
    /// Deliver the secret in the slot `current` to a consumer, and verify the delivery.
    Deliver(String),
    /// Revoke the old secret.
    Revoke(RevocationPermit),
    /// Use the old secret with this fingerprint and check that it is rejected.
    VerifyRevoked(SecretFingerprint),
    /// Empty the slots `pending` and `previous`.
    ClearSlots,
    /// Delete an orphan at the provider.
    DeleteOrphan(DeletionPermit),
    /// List the credentials with the rotation's mark at the provider.
    FindOrphans,
    /// Use the old secret with this fingerprint, from the slot that holds it, and check that it is
    /// accepted.
    VerifyOld(SecretFingerprint),
    /// Move `previous` to `current`.
    RestoreOld(SlotSwap),
    /// Deliver the secret in the slot `current` to a consumer again, and verify the delivery.
    RestoreConsumer(String),
}

/// Fingerprints of the two secrets that swap slots. A slot that holds neither of them is left
/// unchanged and reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSwap {
    /// The secret that was current when the rotation began; `None` for a creation.
    pub old: Option<SecretFingerprint>,
    /// The new secret.
    pub new: SecretFingerprint,
}

/// Query about a step whose outcome is unknown.
#[derive(Debug, PartialEq, Eq)]
pub enum ReconcileQuery {
    /// A secret that the provider may have created. Searched in the slot `pending`, then in the
    /// provider's list.
    Creation {
        /// The name of the attempt; `None` if the provider does not list such credentials.
        name: Option<String>,
        /// Fingerprints that `pending` may hold from earlier; they do not count.
        stale: Vec<SecretFingerprint>,
    },
    /// A secret that the user may have pasted, searched in the slot `pending`.
    Paste {
        /// Fingerprints that `pending` may hold from earlier; they do not count.
        stale: Vec<SecretFingerprint>,
    },
    /// A revocation that the provider may have executed.
    Revocation(RevocationTarget),
}

/// How a rotation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationResult {
    /// The purpose of the rotation is achieved.
    Done {
        /// Tasks left for the user; empty if there are none.
        left: Vec<String>,
    },
    /// Everything is as it was before.
    RolledBack {
        /// Tasks left for the user; empty if there are none.
        left: Vec<String>,
    },
    /// The user ended the rotation where it was; nothing was finished and nothing was undone.
    Abandoned {
        /// What the rotation left behind, for the user to check.
        left: Vec<String>,
    },
}

/// Decides what to do next, from the journal alone.
pub fn next_step(journal: &RotationJournal) -> NextStep {
    let state = RotationState::from_journal(journal);
    if state.is_abandoned {
        return NextStep::Finished(RotationResult::Abandoned { left: state.manual_steps });
    }
    let next = match reconcile_query(&state) {
        Some(query) => NextStep::Reconcile(query),
        None if state.is_rolling_back() => rollback::next_rollback_step(&state),
        None => forward::next_forward_step(&state),
    };
    with_backoff(&state, next)
}

/// Checks whether the rotation can still be rolled back.
///
/// # Errors
///
/// Returns the reason as text if it cannot.
pub fn check_rollback_allowed(journal: &RotationJournal) -> Result<(), &'static str> {
    RotationState::from_journal(journal).rollback_blocker().map_or(Ok(()), Err)
}

/// Returns the tasks left for the user so far, whatever the machine does next.
pub(super) fn manual_steps(journal: &RotationJournal) -> Vec<String> {
    RotationState::from_journal(journal).manual_steps
}

/// Returns the credentials that existed before the rotation, whose secrets were pasted, and that
/// are not in use: they keep working.
pub(super) fn unused_preexisting(journal: &RotationJournal) -> Vec<RemoteCredential> {
    let state = RotationState::from_journal(journal);
    let pasted = state.new_secret.as_ref().filter(|_| state.is_rolling_back());
    let pasted = pasted.and_then(|new| state.preexisting_remote(new));
    let revoked = state.confirmed_old().filter(|_| state.is_step_satisfied(&RotationStep::Revoke));
    let unused = state.creation_history.preexisting.into_iter().chain(pasted);
    unused.filter(|remote| revoked.as_ref().is_none_or(|old| old.id != remote.id)).collect()
}

fn reconcile_query(state: &RotationState<'_>) -> Option<ReconcileQuery> {
    let mut stale: Vec<SecretFingerprint> = state
        .creation_history
        .seen_fingerprints
        .iter()
        .map(|&fingerprint| fingerprint.clone())
        .collect();
    stale.extend(state.old_secret.map(|old| old.fingerprint.clone()));
    match state.unresolved_step? {
        RotationStep::Create => {
            let attempt = state.creation_history.attempts.last().filter(|_| {
                state.plan.strategy_traits().traceability == CreationTraceability::ByName
            });
            Some(ReconcileQuery::Creation {
                name: attempt.map(|attempt| state.plan.remote_name(*attempt)),
                stale,
            })
        }
        RotationStep::AwaitPaste => Some(ReconcileQuery::Paste { stale }),
        RotationStep::Revoke => Some(ReconcileQuery::Revocation(forward::revocation_target(state))),
        _ => None,
    }
}

/// Wraps the step in the delay that its failures so far require; turns it into a prompt if waiting
/// does not help.
fn with_backoff(state: &RotationState<'_>, next: NextStep) -> NextStep {
    let step = next.step().filter(|_| !matches!(next, NextStep::AskUser(_)));
    let Some(repeated) = state.last_failure.filter(|repeated| Some(repeated.step) == step.as_ref())
    else {
        return next;
    };
    // Looking up what became of a refused call neither waits nor asks.
    if matches!(next, NextStep::Reconcile(_)) && retry_delay(repeated).is_none() {
        return next;
    }
    match retry_delay(repeated) {
        Some(delay) => NextStep::Wait { delay, then: Box::new(next) },
        None => NextStep::AskUser(prompts::failure_prompt(state, repeated)),
    }
}

fn retry_delay(repeated: RepeatedFailure<'_>) -> Option<Duration> {
    match repeated.failure.kind {
        StepFailureKind::Retryable | StepFailureKind::OutcomeUnknown => {
            BackoffPolicy::for_step(repeated.step).delay_after(repeated.count)
        }
        StepFailureKind::Refused | StepFailureKind::QuotaExceeded | StepFailureKind::SecretLost => {
            None
        }
    }
}

impl NextStep {
    /// Returns the step that this executes, reconciles, asks about or waits for; `None` after the
    /// end.
    pub fn step(&self) -> Option<RotationStep> {
        match self {
            Self::Execute(action) => Some(action.step()),
            Self::Reconcile(query) => Some(query.step()),
            Self::AskUser(prompt) => Some(prompt.step.clone()),
            Self::Wait { then, .. } => then.step(),
            Self::Finished(_) => None,
        }
    }
}

impl ReconcileQuery {
    /// Returns the step whose outcome is in question.
    pub const fn step(&self) -> RotationStep {
        match self {
            Self::Creation { .. } => RotationStep::Create,
            Self::Paste { .. } => RotationStep::AwaitPaste,
            Self::Revocation(_) => RotationStep::Revoke,
        }
    }
}

impl StepAction {
    /// Returns the step that this action executes, as the journal names it.
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
            Self::DeleteOrphan(permit) => RotationStep::DeleteOrphan(permit.key().to_owned()),
            Self::FindOrphans => RotationStep::FindOrphans,
            Self::VerifyOld(_) => RotationStep::VerifyOld,
            Self::RestoreOld(_) => RotationStep::RestoreOld,
            Self::RestoreConsumer(consumer) => RotationStep::RestoreConsumer(consumer.clone()),
        }
    }
}
