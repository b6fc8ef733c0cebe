//! Permits for irreversible calls: revoking the old secret, deleting an orphan.
//!
//! Every type here has private fields and is constructed in this file only, from what the journal
//! shows. The driver can pass a permit on but cannot construct one, so code that skips the checks
//! does not compile:
//!
//! ```compile_fail,E0451
//! use tokenring::domain::credential::SecretSlot;
//! use tokenring::domain::rotation::{RevocationPermit, RevocationTarget};
//! let permit = RevocationPermit { target: RevocationTarget::ByValue(SecretSlot::Previous) };
//! ```
//!
//! The same names compile where a permit is only read, so the private field is what fails above:
//!
//! ```
//! use tokenring::domain::credential::SecretSlot;
//! use tokenring::domain::rotation::{RevocationPermit, RevocationTarget};
//! fn revokes_previous(permit: &RevocationPermit) -> bool {
//!     *permit.target() == RevocationTarget::ByValue(SecretSlot::Previous)
//! }
//! ```
//!
//! Start with [`RevocationPermit::for_target`] and [`DeletionPermit::for_target`].

use super::state::RotationState;
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::access_scope::ScopeComparison;
use crate::domain::rotation::journal::SecretFingerprint;
use crate::domain::rotation::purpose::RotationPurpose;
use crate::domain::rotation::remote_credential::RemoteCredential;
use crate::domain::strategy::RotationStep;

/// How a credential at the provider is identified for revocation or deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationTarget {
    /// By its ID.
    ById(RemoteCredential),
    /// By the value of the secret in this slot; the account that the secret belongs to remains.
    ByValue(SecretSlot),
    /// The program cannot identify it: only the user can find it.
    Unknown,
}

/// Evidence that the new secret was read back from the store, accepted by the provider and found to
/// have at least the access of the old one, or that the user overrode the difference.
struct NewSecretVerified(SecretFingerprint);

/// Evidence that the new secret is the current one.
struct NewSecretPromoted(SecretFingerprint);

/// Evidence that every consumer has the new secret, or that the user skipped it.
struct AllDelivered;

/// Evidence of what the old credential is at the provider: the stored secret names it, or the user
/// typed its name. Holds its ID.
struct OldCredentialConfirmed(String);

/// Permit to revoke the old secret.
#[derive(Debug, PartialEq, Eq)]
pub struct RevocationPermit {
    target: RevocationTarget,
}

/// Permit to delete a credential that this rotation created and that is not in use.
#[derive(Debug, PartialEq, Eq)]
pub struct DeletionPermit {
    key: String,
    target: RevocationTarget,
}

impl NewSecretVerified {
    fn from_state(state: &RotationState<'_>) -> Option<Self> {
        let new = state.new_secret.as_ref()?;
        let accepted =
            new.access_scope.is_some() && state.completed_steps.contains(&RotationStep::Verify);
        let passed =
            new.override_accepted || state.scope_comparison() == Some(ScopeComparison::Same);
        (accepted && passed).then(|| Self(new.created.fingerprint.clone()))
    }
}

impl NewSecretPromoted {
    fn from_state(state: &RotationState<'_>) -> Option<Self> {
        let new = state
            .new_secret
            .as_ref()
            .filter(|_| state.completed_steps.contains(&RotationStep::Promote))?;
        Some(Self(new.created.fingerprint.clone()))
    }
}

impl OldCredentialConfirmed {
    fn from_state(state: &RotationState<'_>) -> Option<Self> {
        state.confirmed_old().map(|remote| Self(remote.id))
    }
}

impl AllDelivered {
    fn from_state(state: &RotationState<'_>) -> Option<Self> {
        state
            .plan
            .consumers()
            .all(|consumer| {
                state.completed_steps.contains(&RotationStep::Deliver(consumer.to_owned()))
            })
            .then_some(Self)
    }
}

impl RevocationPermit {
    /// Grants the revocation of `target` if the journal shows that the new secret has replaced the
    /// old one, or if revocation is the only purpose of the plan.
    pub(super) fn for_target(state: &RotationState<'_>, target: RevocationTarget) -> Option<Self> {
        if let RevocationTarget::ById(remote) = &target {
            OldCredentialConfirmed::from_state(state).filter(|old| old.0 == remote.id)?;
        }
        match state.plan.purpose {
            RotationPurpose::Revoke => {
                return state
                    .completed_steps
                    .contains(&RotationStep::Snapshot)
                    .then_some(Self { target });
            }
            RotationPurpose::Create => return None,
            RotationPurpose::Replace => {}
        }
        Self::from_evidence(
            state,
            target,
            &NewSecretVerified::from_state(state)?,
            &NewSecretPromoted::from_state(state)?,
            &AllDelivered::from_state(state)?,
        )
    }

    fn from_evidence(
        state: &RotationState<'_>,
        target: RevocationTarget,
        verified: &NewSecretVerified,
        promoted: &NewSecretPromoted,
        _delivered: &AllDelivered,
    ) -> Option<Self> {
        let same = verified.0 == promoted.0;
        let is_new =
            matches!(&target, RevocationTarget::ById(remote) if state.is_new_remote(&remote.id));
        (same && !is_new).then_some(Self { target })
    }

    /// Returns the credential to revoke.
    pub const fn target(&self) -> &RevocationTarget {
        &self.target
    }
}

impl DeletionPermit {
    /// Grants the deletion of `target` if it is neither in use nor older than this rotation.
    pub(super) fn for_target(
        state: &RotationState<'_>,
        key: &str,
        target: &RevocationTarget,
    ) -> Option<Self> {
        let restored = !state.started_steps.contains(&RotationStep::Promote)
            || state.completed_steps.contains(&RotationStep::RestoreOld);
        let nothing_before = state.plan.purpose == RotationPurpose::Create;
        let old_secret_safe = (nothing_before
            || state.completed_steps.contains(&RotationStep::VerifyOld))
            && restored;
        let in_use = match target {
            RevocationTarget::Unknown => true,
            RevocationTarget::ByValue(_) => state.new_secret.is_some() && !old_secret_safe,
            RevocationTarget::ById(remote) => {
                state.existed_before(&remote.id)
                    || (state.is_new_remote(&remote.id) && !old_secret_safe)
            }
        };
        (!in_use).then(|| Self { key: key.to_owned(), target: target.clone() })
    }

    /// Returns the credential to delete.
    pub const fn target(&self) -> &RevocationTarget {
        &self.target
    }

    /// Returns the key under which the journal records the orphan.
    pub fn key(&self) -> &str {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rotation::journal::{JournalEntry, OldAccess, RotationJournal, StepOutcome};
    use crate::domain::rotation::tests::world::{fingerprint, reach};
    use crate::domain::rotation::tests::{
        AUTOMATIC, created_secret, delivered_journal, journal, snapshot_taken, verified_journal,
    };

    fn remote(id: &str) -> RevocationTarget {
        RevocationTarget::ById(RemoteCredential::new(id, id))
    }

    fn may_discard(journal: &RotationJournal, target: &RevocationTarget) -> bool {
        DeletionPermit::for_target(&RotationState::from_journal(journal), "key", target).is_some()
    }

    #[test]
    fn permission_to_revoke_depends_on_every_single_proof() {
        let whole = delivered_journal(AUTOMATIC);
        assert!(
            RevocationPermit::for_target(
                &RotationState::from_journal(&whole),
                RevocationTarget::Unknown
            )
            .is_some()
        );
        let proofs: [fn(&StepOutcome) -> bool; 3] = [
            |outcome| matches!(outcome, StepOutcome::Verified { .. }),
            |outcome| matches!(outcome, StepOutcome::Promoted(_)),
            |outcome| *outcome == StepOutcome::Delivered("github:acme/web".into()),
        ];
        for is_proof in proofs {
            let mut cut = RotationJournal::new(whole.plan().clone());
            let kept = whole
                .entries()
                .iter()
                .filter(|entry| !matches!(entry, JournalEntry::Done(outcome) if is_proof(outcome)));
            kept.for_each(|entry| cut.push(entry.clone()));
            assert_eq!(cut.entries().len() + 1, whole.entries().len());
            assert_eq!(
                RevocationPermit::for_target(
                    &RotationState::from_journal(&cut),
                    RevocationTarget::Unknown
                ),
                None
            );
        }
    }

    #[test]
    fn nothing_revokes_what_this_rotation_made_nor_for_a_weaker_successor() {
        let whole = delivered_journal(AUTOMATIC);
        assert!(
            RevocationPermit::for_target(&RotationState::from_journal(&whole), remote("r0"))
                .is_some()
        );
        assert_eq!(
            RevocationPermit::for_target(&RotationState::from_journal(&whole), remote("r1")),
            None,
            "r1 is the new credential"
        );

        let mut weaker = verified_journal(AUTOMATIC, &["acme"]);
        weaker.push(JournalEntry::Done(StepOutcome::Promoted(fingerprint(1))));
        for consumer in whole.plan().consumers() {
            weaker.push(JournalEntry::Done(StepOutcome::Delivered(consumer.to_owned())));
        }
        assert_eq!(
            RevocationPermit::for_target(&RotationState::from_journal(&weaker), remote("r0")),
            None,
            "the user has not overridden the difference"
        );
    }

    #[test]
    fn the_new_one_is_discarded_only_when_the_old_one_is_back_and_works() {
        let mut journal = verified_journal(AUTOMATIC, &["acme", "beta"]);
        let (new, old, held) =
            (remote("r1"), remote("r0"), RevocationTarget::ByValue(SecretSlot::Pending));
        let allowed =
            |journal: &RotationJournal| [&new, &held].map(|target| may_discard(journal, target));
        assert_eq!(allowed(&journal), [false; 2], "the old secret was not verified");
        journal.push(JournalEntry::Done(StepOutcome::OldSecretVerified));
        assert_eq!(allowed(&journal), [true; 2]);
        journal.push(JournalEntry::Intent(RotationStep::Promote));
        assert_eq!(allowed(&journal), [false; 2], "it may be the current secret");
        journal.push(JournalEntry::Done(StepOutcome::OldSecretRestored));
        assert_eq!(allowed(&journal), [true; 2]);
        assert!(
            !may_discard(&journal, &old) && !may_discard(&journal, &RevocationTarget::Unknown),
            "never, whatever is verified"
        );
        assert!(
            may_discard(&journal, &remote("r9")),
            "the credential of an earlier attempt is not in use"
        );
    }

    #[test]
    fn what_an_earlier_attempt_has_left_needs_no_proof() {
        let old = snapshot_taken(OldAccess::Known(reach(&["acme"])), &["r0"]);
        let early = journal(AUTOMATIC, [StepOutcome::StoreVerified, old]);
        assert!(
            may_discard(&early, &remote("r9"))
                && may_discard(&early, &RevocationTarget::ByValue(SecretSlot::Pending))
        );
        let made = journal(
            AUTOMATIC,
            [StepOutcome::StoreVerified, StepOutcome::Created(created_secret(1))],
        );
        assert!(!may_discard(&made, &remote("r1")));
    }
}
