//! Rollback direction of the machine: restore the old secret, delete the new one.
//!
//! The order mirrors the forward direction. The old secret is verified before anything is taken
//! from the new one, and the new one is deleted last, after every consumer has the old secret
//! again. [`next_rollback_step`] is the entry point and lists the order.

use super::permits::RevocationTarget;
use super::state::RotationState;
use super::{NextStep, RotationResult, StepAction, forward};
use crate::domain::strategy::RotationStep;
use crate::domain::strategy::{RevocationKey, SecretOverlap};

pub(super) fn next_rollback_step(state: &RotationState<'_>) -> NextStep {
    let steps = [
        stage_new,
        verify_old,
        restore_old,
        restore_consumer,
        delete_new_or_orphan,
        find_orphans,
        clear_slots,
    ];
    steps.into_iter().find_map(|step| step(state)).unwrap_or_else(|| {
        NextStep::Finished(RotationResult::RolledBack { left: manual_steps(state) })
    })
}

/// Stages a new secret that the provider identifies by its value only: it must be in the store
/// before it can be revoked there.
fn stage_new(state: &RotationState<'_>) -> Option<NextStep> {
    let new = state
        .new_secret
        .as_ref()
        .filter(|_| !state.completed_steps.contains(&RotationStep::Stage))?;
    let by_value = state.plan.strategy_traits().revocation_key == RevocationKey::ByValue;
    by_value.then(|| NextStep::Execute(StepAction::Stage(new.created.fingerprint.clone())))
}

fn verify_old(state: &RotationState<'_>) -> Option<NextStep> {
    let at_stake = !state.creation_history.seen_fingerprints.is_empty()
        && !state.completed_steps.contains(&RotationStep::VerifyOld);
    Some(NextStep::Execute(StepAction::VerifyOld(
        state.old_secret.filter(|_| at_stake)?.fingerprint.clone(),
    )))
}

fn restore_old(state: &RotationState<'_>) -> Option<NextStep> {
    let moved = state.started_steps.contains(&RotationStep::Promote)
        && !state.completed_steps.contains(&RotationStep::RestoreOld);
    Some(NextStep::Execute(StepAction::RestoreOld(forward::slot_swap(state).filter(|_| moved)?)))
}

fn restore_consumer(state: &RotationState<'_>) -> Option<NextStep> {
    let delivered = |consumer: &&str| {
        state.started_steps.contains(&RotationStep::Deliver((*consumer).to_owned()))
    };
    let restored = |consumer: &&str| {
        state.completed_steps.contains(&RotationStep::RestoreConsumer((*consumer).to_owned()))
    };
    let consumer =
        state.plan.consumers().find(|consumer| delivered(consumer) && !restored(consumer))?;
    Some(NextStep::Execute(StepAction::RestoreConsumer(consumer.to_owned())))
}

fn delete_new_or_orphan(state: &RotationState<'_>) -> Option<NextStep> {
    if let Some((key, target)) = state.next_orphan() {
        return Some(forward::delete_orphan(state, key, target));
    }
    let target = state.deletion_target(state.new_secret.as_ref()?)?;
    let key = match &target {
        RevocationTarget::ById(remote) => remote.id.clone(),
        RevocationTarget::ByValue(_) | RevocationTarget::Unknown => "the new secret".to_owned(),
    };
    let still_exists = !state.completed_steps.contains(&RotationStep::DeleteOrphan(key.clone()));
    still_exists.then(|| forward::delete_orphan(state, &key, &target))
}

fn find_orphans(state: &RotationState<'_>) -> Option<NextStep> {
    state.must_find_orphans().then_some(NextStep::Execute(StepAction::FindOrphans))
}

fn clear_slots(state: &RotationState<'_>) -> Option<NextStep> {
    (!state.completed_steps.contains(&RotationStep::ClearSlots))
        .then_some(NextStep::Execute(StepAction::ClearSlots))
}

fn manual_steps(state: &RotationState<'_>) -> Vec<String> {
    let mut tasks = state.manual_steps.clone();
    if state.plan.overlap == SecretOverlap::Absent
        && state.started_steps.contains(&RotationStep::AwaitPaste)
    {
        let note = "If you already created a new secret at the provider, the old one no longer works: start a new rotation and paste the new one";
        tasks.push(note.to_owned());
    }
    tasks
}
