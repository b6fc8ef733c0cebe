//! Forward direction of the machine: the first planned step that is not satisfied yet.
//!
//! [`next_forward_step`] is the entry point. Orphans are deleted before the planned steps continue.
//! The rollback direction is in `rollback.rs`; prompts are built in `prompts.rs`.

use super::permits::{DeletionPermit, RevocationPermit, RevocationTarget};
use super::prompts::{self, PromptKind, UserPrompt};
use super::state::{RepeatedFailure, RotationState};
use super::{NextStep, RotationResult, SlotSwap, StepAction};
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::access_scope::ScopeComparison;
use crate::domain::rotation::journal::{SecretFingerprint, StepFailureKind};
use crate::domain::rotation::purpose::RotationPurpose;
use crate::domain::rotation::step::RotationStep;
use crate::domain::rotation::strategy_traits::{RevocationKey, StepActor};

pub(super) fn next_forward_step(progress: &RotationState<'_>) -> NextStep {
    if let Some((key, target)) = progress.next_orphan() {
        return delete_orphan(progress, key, target);
    }
    let open = progress
        .plan
        .steps
        .iter()
        .map(|planned| &planned.step)
        .find(|step| !progress.is_step_satisfied(step));
    match open {
        Some(step) => {
            step_action(progress, step).unwrap_or_else(|| missing_evidence(progress, step))
        }
        None if progress.must_find_orphans() => NextStep::Execute(StepAction::FindOrphans),
        None => NextStep::Finished(RotationResult::Done { left: progress.manual_steps.clone() }),
    }
}

/// Deletes an orphan: the program where it can and has the permit, otherwise the user.
pub(super) fn delete_orphan(
    progress: &RotationState<'_>,
    key: &str,
    target: &RevocationTarget,
) -> NextStep {
    let may = DeletionPermit::for_target(progress, key, target)
        .filter(|_| progress.plan.strategy_traits().revoker == StepActor::Program);
    may.map_or_else(
        || NextStep::AskUser(prompts::deletion_prompt(progress, key)),
        |may| NextStep::Execute(StepAction::DeleteOrphan(may)),
    )
}

/// Returns the revocation target: the credential that the user chose, or the only candidate.
pub(super) fn revocation_target(progress: &RotationState<'_>) -> RevocationTarget {
    match (
        progress.plan.strategy_traits().revocation_key,
        progress.old_remote_candidates().as_slice(),
    ) {
        (RevocationKey::ByValue, _) if progress.plan.purpose == RotationPurpose::Revoke => {
            RevocationTarget::ByValue(SecretSlot::Current)
        }
        (RevocationKey::ByValue, _) => RevocationTarget::ByValue(SecretSlot::Previous),
        (RevocationKey::ById, &[only]) => RevocationTarget::ById(only.clone()),
        (RevocationKey::ById, _) => RevocationTarget::Unknown,
    }
}

/// Returns the fingerprints of the two secrets that swap slots.
pub(super) fn slot_swap(progress: &RotationState<'_>) -> Option<SlotSwap> {
    let old = match progress.plan.purpose {
        RotationPurpose::Create => None,
        RotationPurpose::Replace | RotationPurpose::Revoke => {
            Some(progress.old_secret?.fingerprint.clone())
        }
    };
    Some(SlotSwap { old, new: new_fingerprint(progress)? })
}

/// Returns what to do for a planned step; `None` if the evidence that it depends on is missing.
fn step_action(progress: &RotationState<'_>, step: &RotationStep) -> Option<NextStep> {
    let action = match step {
        RotationStep::VerifyStore => StepAction::VerifyStore,
        RotationStep::Snapshot => StepAction::Snapshot,
        RotationStep::Create | RotationStep::AwaitPaste => return Some(create_or_paste(progress)),
        RotationStep::AwaitSignIn => return Some(request_sign_in(progress)),
        RotationStep::Stage => StepAction::Stage(new_fingerprint(progress)?),
        RotationStep::Verify => StepAction::Verify(new_fingerprint(progress)?),
        RotationStep::Promote => return promote_or_confirm(progress),
        RotationStep::Deliver(consumer) => StepAction::Deliver(consumer.clone()),
        RotationStep::Revoke | RotationStep::AwaitRevoke => return revoke_or_ask(progress),
        RotationStep::VerifyRevoked => {
            StepAction::VerifyRevoked(progress.old_secret?.fingerprint.clone())
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

fn create_or_paste(progress: &RotationState<'_>) -> NextStep {
    if progress.plan.strategy_traits().creator == StepActor::User
        || progress.manual_fallback.create_reason.is_some()
    {
        return NextStep::AskUser(prompts::paste_prompt(progress));
    }
    // Plans of older journals do not contain the sign-in step.
    if progress.plan.strategy_traits().creator == StepActor::UserSignIn
        && !progress.completed_steps.contains(&RotationStep::AwaitSignIn)
    {
        return request_sign_in(progress);
    }
    NextStep::Execute(StepAction::Create {
        name: progress.plan.remote_name(progress.creation_history.next_attempt_number()),
    })
}

/// Asks for a sign-in. After a failed sign-in the user is asked before the page opens again: a user
/// who declined is not sent back to the page.
fn request_sign_in(progress: &RotationState<'_>) -> NextStep {
    let failed = |trouble: &RepeatedFailure<'_>| {
        *trouble.step == RotationStep::AwaitSignIn
            || trouble.failure.kind == StepFailureKind::Refused
    };
    let need = match progress.last_failure.filter(failed) {
        Some(trouble) => prompts::failure_prompt(progress, trouble),
        None => prompts::sign_in_prompt(progress),
    };
    NextStep::AskUser(need)
}

fn promote_or_confirm(progress: &RotationState<'_>) -> Option<NextStep> {
    let change = slot_swap(progress)?;
    match progress.scope_comparison()? {
        ScopeComparison::Same => Some(NextStep::Execute(StepAction::Promote(change))),
        _ if progress.new_secret.as_ref()?.override_accepted => {
            Some(NextStep::Execute(StepAction::Promote(change)))
        }
        sameness => {
            let need = PromptKind::ConfirmOverride {
                sameness,
                typed: progress.plan.name.as_str().to_owned(),
            };
            Some(NextStep::AskUser(UserPrompt::new(progress, &RotationStep::Promote, need)))
        }
    }
}

fn revoke_or_ask(progress: &RotationState<'_>) -> Option<NextStep> {
    let by_program = progress.plan.strategy_traits().revoker == StepActor::Program;
    let candidates = progress.old_remote_candidates();
    if by_program
        && progress.plan.strategy_traits().revocation_key == RevocationKey::ById
        && candidates.len() > 1
    {
        let need = PromptKind::SelectOld(candidates.into_iter().cloned().collect());
        return Some(NextStep::AskUser(UserPrompt::new(progress, &RotationStep::Revoke, need)));
    }
    let target = revocation_target(progress);
    let by_hand = !by_program
        || target == RevocationTarget::Unknown
        || progress.manual_fallback.revoke_reason.is_some();
    let may = RevocationPermit::for_target(progress, target)?;
    Some(if by_hand {
        NextStep::AskUser(prompts::revocation_prompt(progress, may))
    } else {
        NextStep::Execute(StepAction::Revoke(may))
    })
}

fn new_fingerprint(progress: &RotationState<'_>) -> Option<SecretFingerprint> {
    progress.new_secret.as_ref().map(|new| new.created.fingerprint.clone())
}

/// Asks the user about a step whose evidence is missing; such a step is never executed on trust.
fn missing_evidence(progress: &RotationState<'_>, step: &RotationStep) -> NextStep {
    let why = "the journal does not hold what this step rests on".to_owned();
    NextStep::AskUser(UserPrompt::new(progress, step, PromptKind::StepBlocked(why)))
}
