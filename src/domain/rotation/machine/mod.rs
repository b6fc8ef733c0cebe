//! The machine: a journal in, what to do next out.
//!
//! It has no state of its own, so running and resuming after a crash are the same code. Forward and backward are two
//! ways through the same facts; waiting between failures is a wrapper around both.

mod backward;
mod evidence;
mod forward;
mod need;
mod progress;

use std::time::Duration;

use progress::{Progress, Trouble};

use super::backoff::Schedule;
use super::journal::{FailureKind, Fingerprint, Journal};
use super::remote::Remote;
use super::step::Step;
use super::strategy::Trace;

pub use evidence::{MayDiscard, MayRevoke, Target};
pub use need::{HumanNeed, Need};

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Write the intent, act, write the outcome.
    Act(Action),
    /// Look what has become of a step whose outcome is unknown, and write what was found. No intent is written.
    Reconcile(Look),
    /// Ask a person, and write what they said.
    Ask(HumanNeed),
    /// Let this much time pass, then do that.
    Wait {
        /// How long.
        delay: Duration,
        /// What then.
        then: Box<Next>,
    },
    /// It is over.
    Finished(Ending),
}

/// Something to do. What the driver owes for each is written in the room's front page.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Show that the store takes an item, gives it back and removes it.
    ProveStore,
    /// See what the current secret is and can do.
    Snapshot,
    /// Have the provider make a new secret under this name.
    Create {
        /// The name, which carries the rotation and the attempt.
        name: String,
    },
    /// Keep the new secret in the slot `pending` and read it back.
    Stash(Fingerprint),
    /// Read the slot `pending` and use what was read.
    Verify(Fingerprint),
    /// `current` to `previous`, `pending` to `current`.
    Promote(Change),
    /// Hand what is in the slot `current` to a consumer, and show that it has it.
    Deliver(String),
    /// Revoke the old secret.
    Revoke(MayRevoke),
    /// Use the old secret of this fingerprint and see it refused.
    ProveDead(Fingerprint),
    /// Empty the slots `pending` and `previous`.
    Forget,
    /// Remove something of no use at the provider.
    Discard(MayDiscard),
    /// List what carries the rotation's mark at the provider.
    Sweep,
    /// Use the old secret of this fingerprint, in whichever slot it is, and see it accepted.
    ProveOld(Fingerprint),
    /// `previous` to `current`.
    Restore(Change),
    /// Hand what is in the slot `current` to a consumer again, and show that it has it.
    Redeliver(String),
}

/// The two secrets that change places. A slot that holds neither is left alone and reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The secret that was current when the rotation began; `None` where a credential is made.
    pub old: Option<Fingerprint>,
    /// The new one.
    pub new: Fingerprint,
}

/// What to look for after a step whose outcome is unknown.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// A secret that the provider may have made. First the slot `pending`, then the provider's list.
    Creation {
        /// The name that it would have; `None` where the provider lists no such thing.
        name: Option<String>,
        /// What the slot `pending` may hold from before, which does not count.
        stale: Vec<Fingerprint>,
    },
    /// A secret that a person may have pasted, in the slot `pending`.
    Paste {
        /// What the slot may hold from before, which does not count.
        stale: Vec<Fingerprint>,
    },
    /// A revocation that the provider may have carried out.
    Revocation(Target),
}

/// How a rotation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
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
pub fn next(journal: &Journal) -> Next {
    let progress = Progress::of(journal);
    let go = match look(&progress) {
        Some(look) => Next::Reconcile(look),
        None if progress.is_retreating() => backward::next(&progress),
        None => forward::next(&progress),
    };
    paced(&progress, go)
}

/// Whether the rotation may still be rolled back; why not, in words.
pub fn may_roll_back(journal: &Journal) -> Result<(), &'static str> {
    Progress::of(journal).no_return().map_or(Ok(()), Err)
}

/// Whether this, by its name, is something that the program has made in the course of the rotation, and no person.
pub fn is_own(journal: &Journal, remote: &Remote) -> bool {
    Progress::of(journal).is_own(remote)
}

/// What is left for a person to do as things stand, whatever the machine does next.
pub(super) fn left(journal: &Journal) -> Vec<String> {
    Progress::of(journal).left
}

fn look(progress: &Progress<'_>) -> Option<Look> {
    let mut stale: Vec<Fingerprint> = progress.minting.held.iter().map(|&held| held.clone()).collect();
    stale.extend(progress.old.map(|old| old.fingerprint.clone()));
    match progress.open? {
        Step::Create => {
            let attempt = progress.minting.attempts.last().filter(|_| progress.plan.ways().trace == Trace::ByName);
            Some(Look::Creation { name: attempt.map(|attempt| progress.plan.remote_name(*attempt)), stale })
        }
        Step::AwaitPaste => Some(Look::Paste { stale }),
        Step::Revoke => Some(Look::Revocation(forward::revocation_target(progress))),
        _ => None,
    }
}

/// The same, after the wait that the failures so far call for; a question, where waiting is no use.
fn paced(progress: &Progress<'_>, go: Next) -> Next {
    let step = go.step().filter(|_| !matches!(go, Next::Ask(_)));
    let Some(trouble) = progress.trouble.filter(|trouble| Some(trouble.step) == step.as_ref()) else { return go };
    match delay(trouble) {
        Some(delay) => Next::Wait { delay, then: Box::new(go) },
        None => Next::Ask(need::after(progress, trouble)),
    }
}

fn delay(trouble: Trouble<'_>) -> Option<Duration> {
    match trouble.failure.kind {
        FailureKind::NotYet | FailureKind::Unanswered => Schedule::of(trouble.step).delay(trouble.count),
        FailureKind::Refused | FailureKind::Full | FailureKind::Lost => None,
    }
}

impl Next {
    /// The step that this takes, settles, asks about or waits for; `None` once it is over.
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::Act(action) => Some(action.step()),
            Self::Reconcile(look) => Some(look.step()),
            Self::Ask(need) => Some(need.step.clone()),
            Self::Wait { then, .. } => then.step(),
            Self::Finished(_) => None,
        }
    }
}

impl Look {
    /// The step whose outcome is looked for.
    pub const fn step(&self) -> Step {
        match self {
            Self::Creation { .. } => Step::Create,
            Self::Paste { .. } => Step::AwaitPaste,
            Self::Revocation(_) => Step::Revoke,
        }
    }
}

impl Action {
    /// The step that this takes, as the journal names it.
    pub fn step(&self) -> Step {
        match self {
            Self::ProveStore => Step::ProveStore,
            Self::Snapshot => Step::Snapshot,
            Self::Create { .. } => Step::Create,
            Self::Stash(_) => Step::Stash,
            Self::Verify(_) => Step::Verify,
            Self::Promote(_) => Step::Promote,
            Self::Deliver(consumer) => Step::Deliver(consumer.clone()),
            Self::Revoke(_) => Step::Revoke,
            Self::ProveDead(_) => Step::ProveDead,
            Self::Forget => Step::Forget,
            Self::Discard(may) => Step::Discard(may.key().to_owned()),
            Self::Sweep => Step::Sweep,
            Self::ProveOld(_) => Step::ProveOld,
            Self::Restore(_) => Step::Restore,
            Self::Redeliver(consumer) => Step::Redeliver(consumer.clone()),
        }
    }
}
