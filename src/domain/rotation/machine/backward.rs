//! The way back: the old secret in its place again, the new one gone.
//!
//! The order mirrors the way forward. The old secret is shown to work before anything is taken from the new one, and
//! the new one dies last, after every consumer has the old one again.

use super::evidence::Target;
use super::progress::Progress;
use super::{Action, Ending, Next, forward};
use crate::domain::rotation::step::Step;
use crate::domain::rotation::strategy::{Handle, Overlap};

pub(super) fn next(progress: &Progress<'_>) -> Next {
    let steps = [stash, prove_old, restore, redeliver, discard, sweep, forget];
    steps
        .into_iter()
        .find_map(|step| step(progress))
        .unwrap_or_else(|| Next::Finished(Ending::RolledBack { left: left(progress) }))
}

/// What the provider knows by its value only must be in the store before it can be removed there.
fn stash(progress: &Progress<'_>) -> Option<Next> {
    let new = progress.new.as_ref().filter(|_| !progress.done.contains(&Step::Stash))?;
    let by_value = progress.plan.ways().handle == Handle::Value;
    by_value.then(|| Next::Act(Action::Stash(new.minted.fingerprint.clone())))
}

fn prove_old(progress: &Progress<'_>) -> Option<Next> {
    let at_stake = !progress.minting.held.is_empty() && !progress.done.contains(&Step::ProveOld);
    Some(Next::Act(Action::ProveOld(progress.old.filter(|_| at_stake)?.fingerprint.clone())))
}

fn restore(progress: &Progress<'_>) -> Option<Next> {
    let moved = progress.begun.contains(&Step::Promote) && !progress.done.contains(&Step::Restore);
    Some(Next::Act(Action::Restore(forward::change(progress).filter(|_| moved)?)))
}

fn redeliver(progress: &Progress<'_>) -> Option<Next> {
    let given = |consumer: &&str| progress.begun.contains(&Step::Deliver((*consumer).to_owned()));
    let back = |consumer: &&str| progress.done.contains(&Step::Redeliver((*consumer).to_owned()));
    let consumer = progress.plan.consumers().find(|consumer| given(consumer) && !back(consumer))?;
    Some(Next::Act(Action::Redeliver(consumer.to_owned())))
}

fn discard(progress: &Progress<'_>) -> Option<Next> {
    if let Some((key, target)) = progress.stray() {
        return Some(forward::discard(progress, key, target));
    }
    let target = progress.target_of(progress.new.as_ref()?.minted);
    let key = match &target {
        Target::Remote(remote) => remote.id.clone(),
        Target::Held(_) | Target::Unnamed => "the new secret".to_owned(),
    };
    let there = !progress.done.contains(&Step::Discard(key.clone()));
    there.then(|| forward::discard(progress, &key, &target))
}

fn sweep(progress: &Progress<'_>) -> Option<Next> {
    progress.must_sweep().then_some(Next::Act(Action::Sweep))
}

fn forget(progress: &Progress<'_>) -> Option<Next> {
    (!progress.done.contains(&Step::Forget)).then_some(Next::Act(Action::Forget))
}

fn left(progress: &Progress<'_>) -> Vec<String> {
    let mut left = progress.left.clone();
    if progress.plan.overlap == Overlap::Absent && progress.begun.contains(&Step::AwaitPaste) {
        let note = "if a new secret was already made at the provider, the old one is dead: begin again and paste the new one";
        left.push(note.to_owned());
    }
    left
}
