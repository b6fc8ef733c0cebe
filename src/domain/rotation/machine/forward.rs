//! The way forward: the first planned step that is not yet satisfied.

use super::evidence::{MayDiscard, MayRevoke, Target};
use super::need::{self, HumanNeed, Need};
use super::progress::{Progress, Trouble};
use super::{Action, Change, Ending, Next};
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::journal::{FailureKind, Fingerprint};
use crate::domain::rotation::purpose::Purpose;
use crate::domain::rotation::reach::Sameness;
use crate::domain::rotation::step::Step;
use crate::domain::rotation::strategy::{By, Handle};

pub(super) fn next(progress: &Progress<'_>) -> Next {
    if let Some((key, target)) = progress.stray() {
        return discard(progress, key, target);
    }
    let open = progress.plan.steps.iter().map(|planned| &planned.step).find(|step| !progress.is_satisfied(step));
    match open {
        Some(step) => take(progress, step).unwrap_or_else(|| groundless(progress, step)),
        None if progress.must_sweep() => Next::Act(Action::Sweep),
        None => Next::Finished(Ending::Done { left: progress.left.clone() }),
    }
}

/// Removes something of no use: by the program where it can and may, else by a person.
pub(super) fn discard(progress: &Progress<'_>, key: &str, target: &Target) -> Next {
    let may = MayDiscard::of(progress, key, target).filter(|_| progress.plan.ways().revoke == By::Program);
    may.map_or_else(|| Next::Ask(need::removal(progress, key)), |may| Next::Act(Action::Discard(may)))
}

/// What is revoked: what the person chose, or the only thing that it can be.
pub(super) fn revocation_target(progress: &Progress<'_>) -> Target {
    match (progress.plan.ways().handle, progress.old_remotes().as_slice()) {
        (Handle::Value, _) if progress.plan.purpose == Purpose::Revoke => Target::Held(SecretSlot::Current),
        (Handle::Value, _) => Target::Held(SecretSlot::Previous),
        (Handle::Id, &[only]) => Target::Remote(only.clone()),
        (Handle::Id, _) => Target::Unnamed,
    }
}

/// The two secrets that change places.
pub(super) fn change(progress: &Progress<'_>) -> Option<Change> {
    let old = match progress.plan.purpose {
        Purpose::Create => None,
        Purpose::Replace | Purpose::Revoke => Some(progress.old?.fingerprint.clone()),
    };
    Some(Change { old, new: new(progress)? })
}

/// What to do for a planned step; `None` where what it rests on is missing.
fn take(progress: &Progress<'_>, step: &Step) -> Option<Next> {
    let action = match step {
        Step::ProveStore => Action::ProveStore,
        Step::Snapshot => Action::Snapshot,
        Step::Create | Step::AwaitPaste => return Some(mint(progress)),
        Step::AwaitSignIn => return Some(sign_in(progress)),
        Step::Stash => Action::Stash(new(progress)?),
        Step::Verify => Action::Verify(new(progress)?),
        Step::Promote => return promote(progress),
        Step::Deliver(consumer) => Action::Deliver(consumer.clone()),
        Step::Revoke | Step::AwaitRevoke => return revoke(progress),
        Step::ProveDead => Action::ProveDead(progress.old?.fingerprint.clone()),
        Step::Forget => Action::Forget,
        Step::Discard(_) | Step::Sweep | Step::ProveOld | Step::Restore | Step::Redeliver(_) => return None,
    };
    Some(Next::Act(action))
}

fn mint(progress: &Progress<'_>) -> Next {
    if progress.plan.ways().mint == By::Person || progress.by_hand.mint.is_some() {
        return Next::Ask(need::paste(progress));
    }
    // Plans of older journals do not name the sign-in.
    if progress.plan.ways().mint == By::SignIn && !progress.done.contains(&Step::AwaitSignIn) {
        return sign_in(progress);
    }
    Next::Act(Action::Create { name: progress.plan.remote_name(progress.minting.next_attempt()) })
}

/// A sign-in that came to nothing is not begun again unasked: who said no is not sent to the page once more.
fn sign_in(progress: &Progress<'_>) -> Next {
    let failed = |trouble: &Trouble<'_>| *trouble.step == Step::AwaitSignIn || trouble.failure.kind == FailureKind::Refused;
    let need = match progress.trouble.filter(failed) {
        Some(trouble) => need::after(progress, trouble),
        None => need::sign_in(progress),
    };
    Next::Ask(need)
}

fn promote(progress: &Progress<'_>) -> Option<Next> {
    let change = change(progress)?;
    match progress.sameness()? {
        Sameness::Same => Some(Next::Act(Action::Promote(change))),
        _ if progress.new.as_ref()?.taken_anyway => Some(Next::Act(Action::Promote(change))),
        sameness => {
            let need = Need::Override { sameness, typed: progress.plan.name.as_str().to_owned() };
            Some(Next::Ask(HumanNeed::of(progress, &Step::Promote, need)))
        }
    }
}

fn revoke(progress: &Progress<'_>) -> Option<Next> {
    let by_program = progress.plan.ways().revoke == By::Program;
    let candidates = progress.old_remotes();
    if by_program && progress.plan.ways().handle == Handle::Id && candidates.len() > 1 {
        let need = Need::ChooseOld(candidates.into_iter().cloned().collect());
        return Some(Next::Ask(HumanNeed::of(progress, &Step::Revoke, need)));
    }
    let target = revocation_target(progress);
    let by_hand = !by_program || target == Target::Unnamed || progress.by_hand.revoke.is_some();
    let may = MayRevoke::of(progress, target)?;
    Some(if by_hand { Next::Ask(need::revocation(progress, may)) } else { Next::Act(Action::Revoke(may)) })
}

fn new(progress: &Progress<'_>) -> Option<Fingerprint> {
    progress.new.as_ref().map(|new| new.minted.fingerprint.clone())
}

/// A step whose grounds are missing is never taken on trust.
fn groundless(progress: &Progress<'_>, step: &Step) -> Next {
    let why = "the journal does not hold what this step rests on".to_owned();
    Next::Ask(HumanNeed::of(progress, step, Need::Stuck(why)))
}
