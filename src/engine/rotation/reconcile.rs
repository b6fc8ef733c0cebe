//! Reconciliation of a step whose outcome is unknown: it looks at the slot `pending` and at the
//! provider, and guesses nothing.
//!
//! When a step must be reconciled is decided in [`crate::domain::rotation`]. Start at
//! `RotationDriver::reconcile`.
//!
//! Comparison of the store with a rotation's journal before the rotation is resumed.
//!
//! A database that was restored from a backup may know less than the store: its journal would take
//! the current secret for one that can be discarded. Start at `RotationDriver::check_slots`.

use super::StepResult;
use super::driver::RotationDriver;
use super::probe::ProbeResult;
use super::strategies::{ManagementClient, strategy_for};
use crate::domain::Problem;
use crate::domain::credential::SecretSlot;
use crate::domain::problem::ProblemClass;
use crate::domain::rotation::{
    CreatedSecret, CreationStatus, JournalEntry, NextStep, ReconcileQuery, ReconciliationResult,
    RemoteCredential, RevocationKey, RevocationStatus, RevocationTarget, RotationPurpose,
    SecretFingerprint, StepFailure, StepFailureKind, StepOutcome, next_step,
};

impl RotationDriver<'_> {
    /// Finds out what became of a step.
    pub(super) async fn reconcile(
        &mut self,
        query: ReconcileQuery,
    ) -> StepResult<ReconciliationResult> {
        match query {
            ReconcileQuery::Paste { stale } => Ok(ReconciliationResult::Creation(
                self.find_in_pending_slot(&stale, None)
                    .await?
                    .unwrap_or(CreationStatus::NotCreated),
            )),
            ReconcileQuery::Creation { name, stale } => self
                .reconcile_creation(name.as_deref(), &stale)
                .await
                .map(ReconciliationResult::Creation),
            ReconcileQuery::Revocation(target) => {
                self.reconcile_revocation(&target).await.map(ReconciliationResult::Revocation)
            }
        }
    }

    async fn reconcile_creation(
        &self,
        name: Option<&str>,
        stale: &[SecretFingerprint],
    ) -> StepResult<CreationStatus> {
        if let Some(status) = self.find_in_pending_slot(stale, name).await? {
            return Ok(status);
        }
        let Some(name) = name else {
            let why = "the provider does not list secrets; a secret whose creation got no response still counts toward its limit".to_owned();
            return Ok(CreationStatus::Unknown(why));
        };
        match self.list_by_name(name).await {
            Ok(listed) => Ok(listed
                .into_iter()
                .next()
                .map_or(CreationStatus::NotCreated, CreationStatus::Orphaned)),
            Err(failure) if failure.kind == StepFailureKind::Refused => {
                Ok(CreationStatus::Unknown(failure.why))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Returns the secret in the slot `pending`, if it belongs to this rotation.
    async fn find_in_pending_slot(
        &self,
        stale: &[SecretFingerprint],
        name: Option<&str>,
    ) -> StepResult<Option<CreationStatus>> {
        let Some(secret) = self.read_slot(SecretSlot::Pending).await? else { return Ok(None) };
        let fingerprint = self.fingerprint(&secret).await?;
        if stale.contains(&fingerprint) {
            return Ok(None);
        }
        let remote = match name {
            // A name that is listed twice does not identify the secret.
            Some(name) => <[RemoteCredential; 1]>::try_from(self.list_by_name(name).await?)
                .ok()
                .map(|[only]| only),
            None => self.match_remote().await?,
        };
        Ok(Some(CreationStatus::InPendingSlot(CreatedSecret { fingerprint, remote })))
    }

    /// Returns what a pasted secret is at the provider before it is verified. A secret that is
    /// revoked by its value belongs to the same client as the old one; any other names its
    /// credential itself when it is verified, because a list may contain what another user created.
    pub(super) async fn match_remote(&self) -> StepResult<Option<RemoteCredential>> {
        if self.plan().strategy_traits().revocation_key == RevocationKey::ById {
            return Ok(None);
        }
        if let Some([only]) = self.snapshot().map(|snapshot| &snapshot.remotes[..]) {
            return Ok(Some(only.clone()));
        }
        let client = self.management_client().await?;
        match strategy_for(self.plan().strategy).find_existing(&client).await {
            Err(failure) if failure.kind == StepFailureKind::Refused => Ok(None),
            found => Ok(found?.into_iter().next()),
        }
    }

    async fn list_by_name(&self, name: &str) -> StepResult<Vec<RemoteCredential>> {
        let client = self.management_client().await?;
        let listed = strategy_for(self.plan().strategy).list(&client).await?;
        Ok(listed.into_iter().filter(|remote| remote.label == name).collect())
    }

    fn credential_revokes_itself(&self) -> bool {
        self.plan().purpose == RotationPurpose::Revoke && self.journal.administrator().is_none()
    }

    /// Returns whether the provider rejects the old secret.
    async fn is_old_rejected(&self, client: &ManagementClient<'_>) -> StepResult<bool> {
        let probe = client.probe_revoked_slot(self.slot_of_revoked_secret()).await?;
        Ok(matches!(probe, ProbeResult::Refused(_)))
    }

    async fn reconcile_revocation(
        &self,
        target: &RevocationTarget,
    ) -> StepResult<RevocationStatus> {
        let client = self.management_client().await?;
        let revoked = match target {
            // A credential that revokes itself cannot list anything afterwards.
            RevocationTarget::ById(_) if self.credential_revokes_itself() => {
                matches!(client.probe_slot(SecretSlot::Current).await?, ProbeResult::Refused(_))
            }
            RevocationTarget::ById(remote) => {
                let listed = strategy_for(self.plan().strategy).list(&client).await;
                let is_listed = |listed: Vec<RemoteCredential>| {
                    listed.iter().any(|other| other.id == remote.id)
                };
                // A list says nothing against a secret that is rejected: it may be cached.
                !listed.map_or(true, is_listed) || self.is_old_rejected(&client).await?
            }
            RevocationTarget::ByValue(slot) => {
                matches!(client.probe_revoked_slot(*slot).await?, ProbeResult::Refused(_))
            }
            RevocationTarget::Unknown => false,
        };
        Ok(if revoked { RevocationStatus::Revoked } else { RevocationStatus::StillActive })
    }
}

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
