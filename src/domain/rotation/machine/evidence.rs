//! Proof that an irreversible call may be made.
//!
//! Every value here has private fields and is made in this file only, from what the journal shows. The driver can
//! carry one, not make one, so a check that was skipped does not compile:
//!
//! ```compile_fail
//! use tokenring::domain::credential::Slot;
//! use tokenring::domain::rotation::{MayRevoke, Target};
//! let may = MayRevoke { target: Target::Held(Slot::Previous) };
//! ```

use super::progress::Progress;
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::journal::Fingerprint;
use crate::domain::rotation::purpose::Purpose;
use crate::domain::rotation::reach::Sameness;
use crate::domain::rotation::remote::Remote;
use crate::domain::rotation::step::Step;

/// By what something at the provider is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By its id.
    Remote(Remote),
    /// By the value of the secret in this slot; the account that it belongs to stays.
    Held(SecretSlot),
    /// The program does not know it: only a person can find it.
    Unnamed,
}

/// The new secret was read back from the store, accepted by the provider, and found to be no worse than the old one,
/// or a person has taken it all the same.
struct Verified(Fingerprint);

/// The new secret is the current one.
struct Promoted(Fingerprint);

/// Every consumer has the new secret, or a person has left it out.
struct Delivered;

/// Leave to revoke the old secret.
#[derive(Debug, PartialEq, Eq)]
pub struct MayRevoke {
    target: Target,
}

/// Leave to remove something that this rotation has made and nobody uses.
#[derive(Debug, PartialEq, Eq)]
pub struct MayDiscard {
    key: String,
    target: Target,
}

impl Verified {
    fn of(progress: &Progress<'_>) -> Option<Self> {
        let new = progress.new.as_ref()?;
        let accepted = new.reach.is_some() && progress.done.contains(&Step::Verify);
        let passed = new.taken_anyway || progress.sameness() == Some(Sameness::Same);
        (accepted && passed).then(|| Self(new.minted.fingerprint.clone()))
    }
}

impl Promoted {
    fn of(progress: &Progress<'_>) -> Option<Self> {
        let new = progress.new.as_ref().filter(|_| progress.done.contains(&Step::Promote))?;
        Some(Self(new.minted.fingerprint.clone()))
    }
}

impl Delivered {
    fn of(progress: &Progress<'_>) -> Option<Self> {
        progress.plan.consumers().all(|consumer| progress.done.contains(&Step::Deliver(consumer.to_owned()))).then_some(Self)
    }
}

impl MayRevoke {
    /// Leave to revoke what `target` names, if the journal proves that the new secret has taken its place, or if the plan
    /// is to revoke it and nothing else.
    pub(super) fn of(progress: &Progress<'_>, target: Target) -> Option<Self> {
        match progress.plan.purpose {
            Purpose::Revoke => return progress.done.contains(&Step::Snapshot).then_some(Self { target }),
            Purpose::Create => return None,
            Purpose::Replace => {}
        }
        Self::prove(progress, target, (Verified::of(progress)?, Promoted::of(progress)?, Delivered::of(progress)?))
    }

    fn prove(progress: &Progress<'_>, target: Target, (verified, promoted, _): (Verified, Promoted, Delivered)) -> Option<Self> {
        let same = verified.0 == promoted.0;
        let own = matches!(&target, Target::Remote(remote) if progress.is_new_remote(&remote.id));
        (same && !own).then_some(Self { target })
    }

    /// What is to be revoked.
    pub const fn target(&self) -> &Target {
        &self.target
    }
}

impl MayDiscard {
    /// Leave to remove what `target` names, if it is neither in use nor older than this rotation.
    pub(super) fn of(progress: &Progress<'_>, key: &str, target: &Target) -> Option<Self> {
        let restored = !progress.begun.contains(&Step::Promote) || progress.done.contains(&Step::Restore);
        let nothing_before = progress.plan.purpose == Purpose::Create;
        let proven = (nothing_before || progress.done.contains(&Step::ProveOld)) && restored;
        let of_use = match target {
            Target::Unnamed => true,
            Target::Held(_) => progress.new.is_some() && !proven,
            Target::Remote(remote) => progress.is_old_remote(&remote.id) || (progress.is_new_remote(&remote.id) && !proven),
        };
        (!of_use).then(|| Self { key: key.to_owned(), target: target.clone() })
    }

    /// What is to be removed.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The key under which the journal files it.
    pub fn key(&self) -> &str {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rotation::journal::{Entry, Journal, OldReach, Outcome};
    use crate::domain::rotation::tests::gates::{AUTOMATIC, delivered_journal, journal, minted, seen, verified_journal};
    use crate::domain::rotation::tests::world::{print, reach};

    fn remote(id: &str) -> Target {
        Target::Remote(Remote::new(id, id))
    }

    fn may_discard(journal: &Journal, target: &Target) -> bool {
        MayDiscard::of(&Progress::of(journal), "key", target).is_some()
    }

    #[test]
    fn leave_to_revoke_rests_on_every_single_proof() {
        let whole = delivered_journal(AUTOMATIC);
        assert!(MayRevoke::of(&Progress::of(&whole), Target::Unnamed).is_some());
        let proofs: [fn(&Outcome) -> bool; 3] = [
            |outcome| matches!(outcome, Outcome::Verified { .. }),
            |outcome| matches!(outcome, Outcome::Promoted(_)),
            |outcome| *outcome == Outcome::Delivered("github:acme/web".into()),
        ];
        for is_proof in proofs {
            let mut cut = Journal::begin(whole.plan().clone());
            let kept = whole.entries().iter().filter(|entry| !matches!(entry, Entry::Done(outcome) if is_proof(outcome)));
            kept.for_each(|entry| cut.push(entry.clone()));
            assert_eq!(cut.entries().len() + 1, whole.entries().len());
            assert_eq!(MayRevoke::of(&Progress::of(&cut), Target::Unnamed), None);
        }
    }

    #[test]
    fn nothing_revokes_what_this_rotation_made_nor_for_a_weaker_successor() {
        let whole = delivered_journal(AUTOMATIC);
        assert!(MayRevoke::of(&Progress::of(&whole), remote("r0")).is_some());
        assert_eq!(MayRevoke::of(&Progress::of(&whole), remote("r1")), None, "r1 is the new one");

        let mut weaker = verified_journal(AUTOMATIC, &["acme"]);
        weaker.push(Entry::Done(Outcome::Promoted(print(1))));
        for consumer in whole.plan().consumers() {
            weaker.push(Entry::Done(Outcome::Delivered(consumer.to_owned())));
        }
        assert_eq!(MayRevoke::of(&Progress::of(&weaker), remote("r0")), None, "nobody has taken it all the same");
    }

    #[test]
    fn the_new_one_is_discarded_only_when_the_old_one_is_back_and_works() {
        let mut journal = verified_journal(AUTOMATIC, &["acme", "beta"]);
        let (new, old, held) = (remote("r1"), remote("r0"), Target::Held(SecretSlot::Pending));
        let may = |journal: &Journal| [&new, &held].map(|target| may_discard(journal, target));
        assert_eq!(may(&journal), [false; 2], "the old one was not seen to work");
        journal.push(Entry::Done(Outcome::OldProven));
        assert_eq!(may(&journal), [true; 2]);
        journal.push(Entry::Intent(Step::Promote));
        assert_eq!(may(&journal), [false; 2], "it may be the current one");
        journal.push(Entry::Done(Outcome::Restored));
        assert_eq!(may(&journal), [true; 2]);
        assert!(!may_discard(&journal, &old) && !may_discard(&journal, &Target::Unnamed), "whatever is proven");
        assert!(may_discard(&journal, &remote("r9")), "nobody uses what an earlier attempt has left");
    }

    #[test]
    fn what_an_earlier_attempt_has_left_needs_no_proof() {
        let old = seen(OldReach::Known(reach(&["acme"])), &["r0"]);
        let early = journal(AUTOMATIC, [Outcome::StoreProven, old]);
        assert!(may_discard(&early, &remote("r9")) && may_discard(&early, &Target::Held(SecretSlot::Pending)));
        let made = journal(AUTOMATIC, [Outcome::StoreProven, Outcome::Created(minted(1))]);
        assert!(!may_discard(&made, &remote("r1")));
    }
}
