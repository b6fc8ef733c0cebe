//! What a journal amounts to: the entries folded into what is known now.

use std::collections::BTreeSet;

use super::evidence::Target;
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::journal::{
    Entry, Failure, FailureKind, Fate, Finding, Fingerprint, Journal, Minted, OldReach, Outcome, Saying, Snapshot, Trail,
};
use crate::domain::rotation::plan::Plan;
use crate::domain::rotation::purpose::Purpose;
use crate::domain::rotation::reach::{Reach, Sameness, compare};
use crate::domain::rotation::remote::{Remote, attempt_of};
use crate::domain::rotation::step::Step;
use crate::domain::rotation::strategy::{By, Handle, Overlap, Trace};

/// What is known now.
pub(super) struct Progress<'a> {
    pub(super) plan: &'a Plan,
    /// The unrepeatable step whose outcome is unknown.
    pub(super) open: Option<&'a Step>,
    /// What failed last, since when nothing has succeeded.
    pub(super) trouble: Option<Trouble<'a>>,
    /// Every step that was ever about to be taken.
    pub(super) begun: BTreeSet<Step>,
    /// Every step that was taken, or left out by a person.
    pub(super) done: BTreeSet<Step>,
    pub(super) old: Option<&'a Snapshot>,
    pub(super) chosen: Option<&'a Remote>,
    pub(super) new: Option<Successor<'a>>,
    pub(super) minting: Minting<'a>,
    pub(super) by_hand: ByHand<'a>,
    /// Whether the outcome of a revocation was ever unknown. A provider that has just revoked a secret may list it and
    /// accept it for a while, so not even a look brings certainty.
    pub(super) doubted: bool,
    /// Whether a person wants to go back.
    pub(super) retreat: bool,
    /// What is left for a person to do, in words.
    pub(super) left: Vec<String>,
}

/// A step that keeps failing.
#[derive(Clone, Copy)]
pub(super) struct Trouble<'a> {
    pub(super) step: &'a Step,
    pub(super) failure: &'a Failure,
    pub(super) count: u32,
}

/// The new secret that is being brought in.
pub(super) struct Successor<'a> {
    pub(super) minted: &'a Minted,
    pub(super) reach: Option<&'a Reach>,
    pub(super) taken_anyway: bool,
}

/// Everything that was made in the course of the rotation.
#[derive(Default)]
pub(super) struct Minting<'a> {
    /// The numbers of the attempts that the program has begun.
    pub(super) attempts: Vec<u32>,
    /// How many secrets were pasted. Each has a number of its own, so that what a person has made under the name they were
    /// told never passes for something that the program has made.
    pub(super) pasted: u32,
    /// The fingerprints of all secrets that were ever held.
    pub(super) held: Vec<&'a Fingerprint>,
    /// Whether the answer of any creation was ever lost.
    pub(super) unanswered: bool,
    /// Whether anything may have been made whose secret nobody has seen. A store may take that in long after it was given
    /// up, so what lies in the slot `pending` from then on may be of any attempt.
    pub(super) unseen: bool,
    /// Whether a secret was given up that the old one may have died of.
    pub(super) gone: bool,
    /// Things at the provider that are of no use, by key.
    pub(super) strays: Vec<(String, Target)>,
    /// Why a person is asked to paste again.
    pub(super) note: Option<&'a str>,
}

/// What the program was refused and a person has to do, with the reason.
#[derive(Default)]
pub(super) struct ByHand<'a> {
    pub(super) mint: Option<&'a str>,
    pub(super) revoke: Option<&'a str>,
}

impl<'a> Progress<'a> {
    /// Reads the journal.
    pub(super) fn of(journal: &'a Journal) -> Self {
        let mut progress = Self {
            plan: journal.plan(),
            open: None,
            trouble: None,
            begun: BTreeSet::new(),
            done: BTreeSet::new(),
            old: None,
            chosen: None,
            new: None,
            minting: Minting::default(),
            by_hand: ByHand::default(),
            doubted: false,
            retreat: false,
            left: Vec::new(),
        };
        journal.entries().iter().for_each(|entry| progress.take(entry));
        progress
    }

    /// Why there is no way back any more; `None` while there is one.
    pub(super) fn no_return(&self) -> Option<&'static str> {
        let revoked = self.done.contains(&Step::Revoke) || self.done.contains(&Step::AwaitRevoke);
        if revoked {
            Some("it has been revoked, and nothing brings it back")
        } else if self.doubted || self.open == Some(&Step::Revoke) {
            Some("it may have been revoked: nobody knows for sure")
        } else if self.plan.overlap == Overlap::Absent && self.has_replaced() {
            Some("the old secret died at the provider when the new one was made")
        } else {
            None
        }
    }

    /// Whether any secret was pasted that may be what the old one died of: any but those that belong to somebody else.
    fn has_replaced(&self) -> bool {
        self.minting.gone || (self.new.is_some() && !self.is_foreign())
    }

    /// Whether what was pasted turned out to be something else altogether, such as another person's secret.
    fn is_foreign(&self) -> bool {
        matches!(self.sameness(), Some(Sameness::Different(_))) && self.new.as_ref().is_some_and(|new| !new.taken_anyway)
    }

    /// Whether the rotation is on its way back.
    pub(super) fn is_retreating(&self) -> bool {
        self.retreat && self.no_return().is_none()
    }

    /// Whether the new secret is kept and not in use yet, so that it can be given up for another one.
    pub(super) fn may_make_another(&self) -> bool {
        let kept = self.new.is_some() && self.done.contains(&Step::Stash);
        kept && !self.begun.contains(&Step::Promote) && !self.is_retreating()
    }

    /// Whether a person may go on without this step: it was tried, and it is one of those that can be done without.
    pub(super) fn may_skip(&self, step: &Step) -> bool {
        let tried = match step {
            Step::Create => self.open == Some(&Step::Create),
            Step::Discard(_) => true,
            other => self.begun.contains(other),
        };
        tried && step.is_skippable()
    }

    /// Whether a planned step needs nothing more.
    pub(super) fn is_satisfied(&self, step: &Step) -> bool {
        match step {
            Step::Create | Step::AwaitPaste => self.new.is_some(),
            Step::AwaitSignIn => self.new.is_some() || self.done.contains(step),
            Step::Revoke | Step::AwaitRevoke => self.done.contains(&Step::Revoke) || self.done.contains(&Step::AwaitRevoke),
            other => self.done.contains(other),
        }
    }

    /// How the new secret's reach stands to the old one's; `None` before both are known.
    pub(super) fn sameness(&self) -> Option<Sameness> {
        let new = self.new.as_ref()?.reach?;
        if self.plan.purpose == Purpose::Create {
            return Some(Sameness::Same);
        }
        Some(match &self.old?.reach {
            OldReach::Known(old) => compare(old, new, self.plan.ways().identity),
            OldReach::Unknown(why) => Sameness::Incomparable(why.clone()),
        })
    }

    /// What may be the old credential at the provider.
    pub(super) fn old_remotes(&self) -> Vec<&'a Remote> {
        let listed = self.old.map_or(&[][..], |old| &old.remotes).iter();
        match self.chosen {
            Some(chosen) => vec![chosen],
            None => listed.filter(|remote| !self.is_new_remote(&remote.id)).collect(),
        }
    }

    pub(super) fn is_old_remote(&self, id: &str) -> bool {
        self.old.is_some_and(|old| old.remotes.iter().any(|remote| remote.id == id))
    }

    pub(super) fn is_new_remote(&self, id: &str) -> bool {
        self.new.as_ref().and_then(|new| new.minted.remote.as_ref()).is_some_and(|remote| remote.id == id)
    }

    /// Whether its name says that the program has made it in the course of this rotation.
    pub(super) fn is_own(&self, remote: &Remote) -> bool {
        let attempt = attempt_of(&self.plan.rotation, &remote.label);
        attempt.is_some_and(|attempt| self.minting.attempts.contains(&attempt))
    }

    /// The next thing at the provider that is of no use and still there.
    pub(super) fn stray(&self) -> Option<&(String, Target)> {
        self.minting.strays.iter().find(|(key, _)| !self.done.contains(&Step::Discard(key.clone())))
    }

    /// Whether the provider must be asked for things that nobody knows of.
    pub(super) fn must_sweep(&self) -> bool {
        self.minting.unanswered && self.plan.ways().trace == Trace::ByName && !self.done.contains(&Step::Sweep)
    }

    /// By what the new secret, where it is held, is removed at the provider.
    pub(super) fn target_of(&self, minted: &Minted) -> Target {
        match (self.plan.ways().handle, &minted.remote) {
            (Handle::Value, _) => Target::Held(SecretSlot::Pending),
            (Handle::Id, Some(remote)) => Target::Remote(remote.clone()),
            (Handle::Id, None) => Target::Unnamed,
        }
    }

    fn take(&mut self, entry: &'a Entry) {
        match entry {
            Entry::Planned(_) => {}
            Entry::Intent(step) => self.begin(step),
            Entry::Done(outcome) => self.finish(outcome),
            Entry::Failed(step, failure) => self.fail(step, failure),
            Entry::Reconciled(Finding::Minting(trail)) => self.find(trail),
            Entry::Reconciled(Finding::Revocation(fate)) => self.settle(*fate),
            Entry::HumanSaid(saying) => self.hear(saying),
        }
    }

    fn begin(&mut self, step: &'a Step) {
        self.open = (!step.is_repeatable()).then_some(step);
        self.begun.insert(step.clone());
        if *step == Step::Create {
            self.minting.attempts.push(self.minting.next_attempt());
            // What a sign-in brought can be used once.
            self.done.remove(&Step::AwaitSignIn);
        }
    }

    fn finish(&mut self, outcome: &'a Outcome) {
        self.open = None;
        self.trouble = None;
        self.begun.insert(outcome.step());
        match outcome {
            Outcome::Created(minted) => return self.hold(minted),
            Outcome::Pasted(minted) => {
                self.minting.pasted += 1;
                return self.hold(minted);
            }
            Outcome::Stashed(fingerprint) | Outcome::Verified { fingerprint, .. } | Outcome::Promoted(fingerprint)
                if !self.is_new(fingerprint) =>
            {
                return self.lose();
            }
            Outcome::Verified { reach, .. } => self.new.iter_mut().for_each(|new| new.reach = Some(reach)),
            Outcome::Seen(snapshot) => self.old = Some(snapshot),
            Outcome::Swept(found) => self.minting.strays.extend(self.unknown(found)),
            _ => {}
        }
        self.done.insert(outcome.step());
    }

    fn fail(&mut self, step: &'a Step, failure: &'a Failure) {
        self.open = (failure.kind == FailureKind::Unanswered && !step.is_repeatable()).then_some(step);
        match (step, failure.kind) {
            (Step::Stash | Step::Verify | Step::Promote, FailureKind::Lost) => return self.lose(),
            // What nobody has yet is not asked for by hand: whatever was made by then goes, and it is over.
            (Step::Create, FailureKind::Refused | FailureKind::Full) if self.plan.purpose == Purpose::Create => {
                self.retreat = true;
            }
            // Nothing was used up: it is still in hand.
            (Step::Create, FailureKind::NotYet) if self.plan.ways().mint == By::SignIn => _ = self.done.insert(Step::AwaitSignIn),
            // Without a sign-in, nobody can make it by hand either.
            (Step::Create, FailureKind::Refused) if self.plan.ways().mint == By::SignIn => {}
            (Step::Create, FailureKind::Refused) => self.by_hand.mint = Some(&failure.why),
            (Step::Revoke, FailureKind::Refused) => self.by_hand.revoke = Some(&failure.why),
            // It is told when another one is asked for, and stands in the way of nothing.
            (Step::AwaitPaste, FailureKind::Refused) => {
                self.minting.note = Some(&failure.why);
                self.trouble = None;
                return;
            }
            _ => {}
        }
        let before = self.trouble.filter(|trouble| trouble.step == step).map_or(0, |trouble| trouble.count);
        self.trouble = Some(Trouble { step, failure, count: before + 1 });
    }

    fn find(&mut self, trail: &'a Trail) {
        self.trouble = None;
        self.minting.unanswered |= self.open == Some(&Step::Create);
        if let Some(foundling) = self.foundling(trail) {
            // The step stays open: without this secret, what has become of it is looked for once more.
            self.minting.held.push(foundling);
            self.minting.gone = true;
            self.minting.note = Some("nobody knows whether the secret in the store is the one that was pasted");
            return;
        }
        self.minting.unseen |= self.open == Some(&Step::Create) && self.may_hide(trail);
        self.open = None;
        match trail {
            Trail::Held(minted) if !self.minting.held.contains(&&minted.fingerprint) => self.hold(minted),
            Trail::Held(_) | Trail::Nothing => {}
            Trail::Stray(remote) => self.minting.strays.push((remote.id.clone(), Target::Remote(remote.clone()))),
            Trail::Unclear(_) => self.give_up(Target::Unnamed),
        }
    }

    /// A secret of which nobody knows for sure what it is at the provider: it may belong to an attempt that was given up
    /// and is dead, or be listed later under a name that nobody connects with it, and be swept away while it is in use.
    fn foundling(&self, trail: &'a Trail) -> Option<&'a Fingerprint> {
        let Trail::Held(Minted { fingerprint, remote }) = trail else { return None };
        let created = self.open == Some(&Step::Create);
        let nameless = created && remote.is_none() && self.plan.ways().trace == Trace::ByName;
        (nameless || self.minting.unseen).then_some(fingerprint)
    }

    /// Whether a secret may have been made that did not turn up. Where nothing is listed, "nothing" is certain: it is said
    /// only of what the program never makes.
    fn may_hide(&self, trail: &Trail) -> bool {
        match trail {
            Trail::Held(_) => false,
            Trail::Nothing => self.plan.ways().trace == Trace::ByName,
            Trail::Stray(_) | Trail::Unclear(_) => true,
        }
    }

    fn settle(&mut self, fate: Fate) {
        self.doubted = true;
        self.open = None;
        self.trouble = None;
        if fate == Fate::Gone {
            self.done.insert(Step::Revoke);
        }
    }

    fn hear(&mut self, saying: &'a Saying) {
        match saying {
            Saying::Skip(step) => return self.skip(step),
            Saying::Override(typed) if typed == self.plan.name.as_str() => {
                self.new.iter_mut().for_each(|new| new.taken_anyway = true);
            }
            Saying::Chose(id) => {
                let found = self.old.and_then(|old| old.remotes.iter().find(|remote| remote.id == *id));
                self.chosen = found.filter(|remote| !self.is_new_remote(&remote.id));
            }
            Saying::Removed(key) => _ = self.done.insert(Step::Discard(key.clone())),
            Saying::RevokedByHand => _ = self.done.insert(Step::AwaitRevoke),
            Saying::MakeAnother if self.may_make_another() => self.abandon(),
            Saying::Abort => self.retreat = self.no_return().is_none(),
            Saying::GoOn => self.go_on(),
            Saying::Retry => self.by_hand = ByHand::default(),
            Saying::Override(_) | Saying::MakeAnother => {}
        }
        self.trouble = None;
    }

    /// Turns forward again, unless the way back has already changed something.
    fn go_on(&mut self) {
        self.retreat &= self.begun.contains(&Step::Restore);
        if !self.retreat {
            self.done.remove(&Step::ProveOld);
        }
    }

    fn skip(&mut self, step: &'a Step) {
        if !self.may_skip(step) {
            return;
        }
        self.trouble = None;
        self.left.push(step.residue(self.plan.purpose.object()));
        if *step == Step::Create {
            self.open = None;
            (self.minting.unanswered, self.minting.unseen) = (true, true);
        } else {
            self.done.insert(step.clone());
        }
    }

    fn hold(&mut self, minted: &'a Minted) {
        if self.old.is_some_and(|old| old.fingerprint == minted.fingerprint) {
            self.minting.note = Some("what was pasted is the old secret");
            return;
        }
        self.minting.note = None;
        self.minting.held.push(&minted.fingerprint);
        self.new = Some(Successor { minted, reach: None, taken_anyway: false });
    }

    /// The new secret is nowhere any more: what remains of it is a stray, known by its id at most.
    fn lose(&mut self) {
        let remote = self.new.as_ref().and_then(|new| new.minted.remote.clone());
        let by_id = self.plan.ways().handle == Handle::Id;
        self.minting.note = Some("the secret that was pasted did not reach the store");
        self.start_over(remote.filter(|_| by_id).map_or(Target::Unnamed, Target::Remote));
    }

    /// A person does not want the new secret: it is a stray, and still held.
    fn abandon(&mut self) {
        self.minting.note = Some("another one was asked for");
        if let Some(target) = self.new.as_ref().map(|new| self.target_of(new.minted)) {
            self.start_over(target);
        }
    }

    fn start_over(&mut self, target: Target) {
        self.minting.gone |= self.has_replaced();
        self.new = None;
        self.trouble = None;
        for step in [Step::Stash, Step::Verify, Step::Promote] {
            self.done.remove(&step);
        }
        if self.plan.overlap == Overlap::SideBySide {
            self.give_up(target);
        }
    }

    fn give_up(&mut self, target: Target) {
        let key = match &target {
            Target::Remote(remote) => remote.id.clone(),
            Target::Held(_) | Target::Unnamed => format!("the secret of attempt {}", self.minting.strays.len() + 1),
        };
        self.minting.strays.push((key, target));
    }

    fn is_new(&self, fingerprint: &Fingerprint) -> bool {
        self.new.as_ref().is_some_and(|new| new.minted.fingerprint == *fingerprint)
    }

    fn unknown(&self, found: &[Remote]) -> Vec<(String, Target)> {
        let unknown = found.iter().filter(|remote| self.is_own(remote) && !self.is_new_remote(&remote.id));
        unknown.map(|remote| (remote.id.clone(), Target::Remote(remote.clone()))).collect()
    }
}

impl Minting<'_> {
    /// The number for whatever is made next.
    pub(super) fn next_attempt(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX).saturating_add(self.pasted).saturating_add(1)
    }
}
