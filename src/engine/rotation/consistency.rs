//! Comparison of the store with a rotation's journal before the rotation is resumed.
//!
//! A database that was restored from a backup may know less than the store: its journal would take
//! the current secret for one that can be discarded. Start at `RotationDriver::check_slots`.

use super::driver::RotationDriver;
use crate::domain::Problem;
use crate::domain::credential::SecretSlot;
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::{
    CreationStatus, JournalEntry, NextStep, ReconciliationResult, SecretFingerprint, StepFailure,
    StepOutcome, next_step,
};

impl RotationDriver<'_> {
    /// Checks that every slot holds a secret that the journal knows. Secrets that renew themselves
    /// are exempt: any use of them gives them another fingerprint.
    ///
    /// # Errors
    ///
    /// Returns a problem if a slot holds an unknown secret, or if the store cannot be read.
    pub(super) async fn check_slots(&self) -> Result<(), Problem> {
        if self.journal.entries().is_empty() || self.secret_renews_itself() {
            return Ok(());
        }
        let known = self.known_fingerprints();
        for (slot, name) in [
            (SecretSlot::Current, "current secret"),
            (SecretSlot::Pending, "secret to be verified"),
            (SecretSlot::Previous, "previous secret"),
        ] {
            let found = self
                .fingerprint_of_slot(slot)
                .await
                .map_err(|failure| self.unreadable(&failure))?;
            let may_be_new = slot == SecretSlot::Pending && self.creation_is_unresolved();
            let is_known = found.is_none_or(|found| known.contains(&&found) || may_be_new);
            if !is_known && !known.is_empty() {
                return Err(self.mismatch(name));
            }
        }
        Ok(())
    }

    /// Returns the fingerprints of the old secret and of all new ones.
    fn known_fingerprints(&self) -> Vec<&SecretFingerprint> {
        self.journal
            .entries()
            .iter()
            .filter_map(|entry| match entry {
                JournalEntry::Done(StepOutcome::SnapshotTaken(old)) => Some(&old.fingerprint),
                JournalEntry::Done(StepOutcome::Created(new) | StepOutcome::Pasted(new))
                | JournalEntry::Reconciled(ReconciliationResult::Creation(
                    CreationStatus::InPendingSlot(new),
                )) => Some(&new.fingerprint),
                _ => None,
            })
            .collect()
    }

    /// Whether a secret may have been created or pasted that the journal does not know yet.
    fn creation_is_unresolved(&self) -> bool {
        matches!(next_step(&self.journal), NextStep::Reconcile(_))
    }

    fn mismatch(&self, what: &str) -> Problem {
        let plan = self.plan();
        Problem::new(
            format!("Rotation {} does not match the store", plan.rotation),
            format!(
                "the {what} of {} is neither the old nor the new one of this rotation; the \
                 database may have been restored from a backup",
                plan.name
            ),
            format!(
                "restore the newest database, or end the rotation where it is with \
                 `tokenring rotate --abandon {}`; nothing was changed at the provider or in the \
                 store",
                plan.rotation
            ),
        )
        .with_class(ProblemClass::Failed)
    }

    fn unreadable(&self, failure: &StepFailure) -> Problem {
        Problem::new(
            format!("Rotation {} was not resumed", self.plan().rotation),
            format!("the store could not be compared with its journal: {}", failure.why),
            "check the store with `tokenring store status`, then resume the rotation",
        )
        .with_class(ProblemClass::Store)
    }
}
