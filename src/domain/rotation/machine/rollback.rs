//! Rollback direction of the machine: restore the old secret, delete the new one.
//!
//! The order mirrors the forward direction. The old secret is verified before anything is taken
//! from the new one, and the new one is deleted last, after every consumer has the old secret
//! again. [`next_rollback_step`] is the entry point and lists the order.

use super::permits::RevocationTarget;
use super::state::RotationState;
use super::{NextStep, RotationResult, StepAction, forward};
use crate::domain::rotation::step::RotationStep;
use crate::domain::rotation::strategy_traits::{RevocationKey, SecretOverlap};

pub(super) fn next_rollback_step(progress: &RotationState<'_>) -> NextStep {
    let steps = [
        stage_new,
        verify_old,
        restore_old,
        restore_consumer,
        delete_new_or_orphan,
        find_orphans,
        clear_slots,
    ];
    steps.into_iter().find_map(|step| step(progress)).unwrap_or_else(|| {
        NextStep::Finished(RotationResult::RolledBack { left: manual_steps(progress) })
    })
}

/// Stages a new secret that the provider identifies by its value only: it must be in the store
/// before it can be revoked there.
fn stage_new(progress: &RotationState<'_>) -> Option<NextStep> {
    let new = progress
        .new_secret
        .as_ref()
        .filter(|_| !progress.completed_steps.contains(&RotationStep::Stage))?;
    let by_value = progress.plan.strategy_traits().revocation_key == RevocationKey::ByValue;
    by_value.then(|| NextStep::Execute(StepAction::Stage(new.created.fingerprint.clone())))
}

fn verify_old(progress: &RotationState<'_>) -> Option<NextStep> {
    let at_stake = !progress.creation_history.seen_fingerprints.is_empty()
        && !progress.completed_steps.contains(&RotationStep::VerifyOld);
    Some(NextStep::Execute(StepAction::VerifyOld(
        progress.old_secret.filter(|_| at_stake)?.fingerprint.clone(),
    )))
}

fn restore_old(progress: &RotationState<'_>) -> Option<NextStep> {
    let moved = progress.started_steps.contains(&RotationStep::Promote)
        && !progress.completed_steps.contains(&RotationStep::RestoreOld);
    Some(NextStep::Execute(StepAction::RestoreOld(forward::slot_swap(progress).filter(|_| moved)?)))
}

fn restore_consumer(progress: &RotationState<'_>) -> Option<NextStep> {
    let given = |consumer: &&str| {
        progress.started_steps.contains(&RotationStep::Deliver((*consumer).to_owned()))
    };
    let back = |consumer: &&str| {
        progress.completed_steps.contains(&RotationStep::RestoreConsumer((*consumer).to_owned()))
    };
    let consumer = progress.plan.consumers().find(|consumer| given(consumer) && !back(consumer))?;
    Some(NextStep::Execute(StepAction::RestoreConsumer(consumer.to_owned())))
}

fn delete_new_or_orphan(progress: &RotationState<'_>) -> Option<NextStep> {
    if let Some((key, target)) = progress.next_orphan() {
        return Some(forward::delete_orphan(progress, key, target));
    }
    let target = progress.deletion_target(progress.new_secret.as_ref()?.created);
    let key = match &target {
        RevocationTarget::ById(remote) => remote.id.clone(),
        RevocationTarget::ByValue(_) | RevocationTarget::Unknown => "the new secret".to_owned(),
    };
    let there = !progress.completed_steps.contains(&RotationStep::DeleteOrphan(key.clone()));
    there.then(|| forward::delete_orphan(progress, &key, &target))
}

fn find_orphans(progress: &RotationState<'_>) -> Option<NextStep> {
    progress.must_find_orphans().then_some(NextStep::Execute(StepAction::FindOrphans))
}

fn clear_slots(progress: &RotationState<'_>) -> Option<NextStep> {
    (!progress.completed_steps.contains(&RotationStep::ClearSlots))
        .then_some(NextStep::Execute(StepAction::ClearSlots))
}

fn manual_steps(progress: &RotationState<'_>) -> Vec<String> {
    let mut left = progress.manual_steps.clone();
    if progress.plan.overlap == SecretOverlap::Absent
        && progress.started_steps.contains(&RotationStep::AwaitPaste)
    {
        let note = "if a new secret was already made at the provider, the old one is dead: begin again and paste the new one";
        left.push(note.to_owned());
    }
    left
}
