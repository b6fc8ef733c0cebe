//! Forward direction of the machine: the first planned step that is not satisfied yet.
//!
//! [`next_forward_step`] is the entry point. Orphans are deleted before the planned steps continue.
//! The rollback direction is in `rollback.rs`; prompts are built in `prompts.rs`.

use super::identity::OldSelection;
use super::permits::{DeletionPermit, RevocationPermit, RevocationTarget};
use super::prompts::{self, PromptKind, UserPrompt};
use super::state::{RepeatedFailure, RotationState};
use super::{NextStep, RotationResult, SlotSwap, StepAction};
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::access_scope::ScopeComparison;
use crate::domain::rotation::journal::{SecretFingerprint, StepFailureKind};
use crate::domain::rotation::purpose::RotationPurpose;
use crate::domain::strategy::RotationStep;
use crate::domain::strategy::{RevocationKey, StepActor};

pub(super) fn next_forward_step(state: &RotationState<'_>) -> NextStep {
    if let Some((key, target)) = state.next_orphan() {
        return delete_orphan(state, key, target);
    }
    let open = state
        .plan
        .steps
        .iter()
        .map(|planned| &planned.step)
        .find(|step| !state.is_step_satisfied(step));
    match open {
        Some(step) => step_action(state, step).unwrap_or_else(|| missing_evidence(state, step)),
        None if state.must_find_orphans() => NextStep::Execute(StepAction::FindOrphans),
        None => NextStep::Finished(RotationResult::Done { left: state.manual_steps.clone() }),
    }
}

/// Deletes an orphan: the program where it can and has the permit, otherwise the user.
pub(super) fn delete_orphan(
    state: &RotationState<'_>,
    key: &str,
    target: &RevocationTarget,
) -> NextStep {
    let permit = DeletionPermit::for_target(state, key, target)
        .filter(|_| state.plan.strategy_traits().revoker == StepActor::Program);
    permit.map_or_else(
        || NextStep::AskUser(prompts::deletion_prompt(state, key)),
        |permit| NextStep::Execute(StepAction::DeleteOrphan(permit)),
    )
}

/// Returns the revocation target: the secret in its slot, or the credential that is certain to be
/// the old one.
pub(super) fn revocation_target(state: &RotationState<'_>) -> RevocationTarget {
    match state.plan.strategy_traits().revocation_key {
        RevocationKey::ByValue if state.plan.purpose == RotationPurpose::Revoke => {
            RevocationTarget::ByValue(SecretSlot::Current)
        }
        RevocationKey::ByValue => RevocationTarget::ByValue(SecretSlot::Previous),
        RevocationKey::ById => {
            state.confirmed_old().map_or(RevocationTarget::Unknown, RevocationTarget::ById)
        }
    }
}

/// Returns the fingerprints of the two secrets that swap slots.
pub(super) fn slot_swap(state: &RotationState<'_>) -> Option<SlotSwap> {
    let old = match state.plan.purpose {
        RotationPurpose::Create => None,
        RotationPurpose::Replace | RotationPurpose::Revoke => {
            Some(state.old_secret?.fingerprint.clone())
        }
    };
    Some(SlotSwap { old, new: new_fingerprint(state)? })
}

/// Returns what to do for a planned step; `None` if the evidence that it depends on is missing.
fn step_action(state: &RotationState<'_>, step: &RotationStep) -> Option<NextStep> {
    let action = match step {
        RotationStep::VerifyStore => StepAction::VerifyStore,
        RotationStep::Snapshot => StepAction::Snapshot,
        RotationStep::Create | RotationStep::AwaitPaste => return Some(create_or_paste(state)),
        RotationStep::AwaitSignIn => return Some(request_sign_in(state)),
        RotationStep::Stage => StepAction::Stage(new_fingerprint(state)?),
        RotationStep::Verify => StepAction::Verify(new_fingerprint(state)?),
        RotationStep::Promote => return promote_or_confirm(state),
        RotationStep::Deliver(consumer) => StepAction::Deliver(consumer.clone()),
        RotationStep::Revoke | RotationStep::AwaitRevoke => return revoke_or_ask(state),
        RotationStep::VerifyRevoked => {
            StepAction::VerifyRevoked(state.old_secret?.fingerprint.clone())
        }
        RotationStep::ClearSlots => StepAction::ClearSlots,
        RotationStep::DeleteOrphan(_)
        | RotationStep::FindOrphans
        | RotationStep::VerifyOld
        | RotationStep::RestoreOld
        | RotationStep::RestoreConsumer(_) => return None,
    };
    Some(NextStep::Execute(action))
}

fn create_or_paste(state: &RotationState<'_>) -> NextStep {
    if state.plan.strategy_traits().creator == StepActor::User
        || state.manual_fallback.create_reason.is_some()
    {
        return NextStep::AskUser(prompts::paste_prompt(state));
    }
    // Plans of older journals do not contain the sign-in step.
    if state.plan.strategy_traits().creator == StepActor::UserSignIn
        && !state.completed_steps.contains(&RotationStep::AwaitSignIn)
    {
        return request_sign_in(state);
    }
    NextStep::Execute(StepAction::Create {
        name: state.plan.remote_name(state.creation_history.next_attempt_number()),
    })
}

/// Asks for a sign-in. After a failed sign-in the user is asked before the page opens again: a user
/// who declined is not sent back to the page.
fn request_sign_in(state: &RotationState<'_>) -> NextStep {
    let failed = |repeated: &RepeatedFailure<'_>| {
        *repeated.step == RotationStep::AwaitSignIn
            || repeated.failure.kind == StepFailureKind::Refused
    };
    let prompt = match state.last_failure.filter(failed) {
        Some(repeated) => prompts::failure_prompt(state, repeated),
        None => prompts::sign_in_prompt(state),
    };
    NextStep::AskUser(prompt)
}

fn promote_or_confirm(state: &RotationState<'_>) -> Option<NextStep> {
    let swap = slot_swap(state)?;
    match state.scope_comparison()? {
        ScopeComparison::Same => Some(NextStep::Execute(StepAction::Promote(swap))),
        _ if state.new_secret.as_ref()?.override_accepted => {
            Some(NextStep::Execute(StepAction::Promote(swap)))
        }
        comparison => {
            let kind = PromptKind::ConfirmOverride {
                comparison,
                typed: state.plan.name.as_str().to_owned(),
            };
            Some(NextStep::AskUser(UserPrompt::new(state, &RotationStep::Promote, kind)))
        }
    }
}

fn revoke_or_ask(state: &RotationState<'_>) -> Option<NextStep> {
    let by_program = state.plan.strategy_traits().revoker == StepActor::Program;
    if by_program && let Some(prompt) = identify_old(state) {
        return Some(NextStep::AskUser(prompt));
    }
    let target = revocation_target(state);
    let by_hand = !by_program
        || target == RevocationTarget::Unknown
        || state.manual_fallback.revoke_reason.is_some();
    let permit = RevocationPermit::for_target(state, target)?;
    Some(if by_hand {
        NextStep::AskUser(prompts::revocation_prompt(state, permit))
    } else {
        NextStep::Execute(StepAction::Revoke(permit))
    })
}

/// Asks the user which credential is the old one, where the stored secret does not name it.
fn identify_old(state: &RotationState<'_>) -> Option<UserPrompt> {
    let by_id = state.plan.strategy_traits().revocation_key == RevocationKey::ById;
    if !by_id || state.confirmed_old().is_some() {
        return None;
    }
    let candidates = state.old_remote_candidates();
    let kind = match state.old_selection {
        OldSelection::Selected(remote) => PromptKind::ConfirmOld(remote.clone()),
        OldSelection::Open if !candidates.is_empty() => {
            PromptKind::SelectOld(candidates.into_iter().cloned().collect())
        }
        OldSelection::Open | OldSelection::NoneFits | OldSelection::Confirmed(_) => return None,
    };
    Some(UserPrompt::new(state, &RotationStep::Revoke, kind))
}

fn new_fingerprint(state: &RotationState<'_>) -> Option<SecretFingerprint> {
    state.new_secret.as_ref().map(|new| new.created.fingerprint.clone())
}

/// Asks the user about a step whose evidence is missing; such a step is never executed on trust.
fn missing_evidence(state: &RotationState<'_>, step: &RotationStep) -> NextStep {
    let why = "the journal lacks the evidence that this step requires".to_owned();
    NextStep::AskUser(UserPrompt::new(state, step, PromptKind::StepBlocked(why)))
}
