//! What became of a step that nobody answered: the slot `pending` and the provider are asked, nothing is guessed.

use super::Tried;
use super::driver::Driver;
use super::provider::strategy;
use super::survey::Use;
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::{
    CreatedSecret, CreationStatus, ReconcileQuery, ReconciliationResult, RemoteCredential, RevocationStatus, RevocationTarget,
    RotationPurpose, SecretFingerprint, StepFailureKind, is_created_by_rotation,
};

impl Driver<'_> {
    /// Looks.
    pub(super) async fn look(&mut self, look: ReconcileQuery) -> Tried<ReconciliationResult> {
        match look {
            ReconcileQuery::Paste { stale } => {
                Ok(ReconciliationResult::Creation(self.held(&stale, None).await?.unwrap_or(CreationStatus::NotCreated)))
            }
            ReconcileQuery::Creation { name, stale } => {
                self.look_for_creation(name.as_deref(), &stale).await.map(ReconciliationResult::Creation)
            }
            ReconcileQuery::Revocation(target) => self.look_for_revocation(&target).await.map(ReconciliationResult::Revocation),
        }
    }

    async fn look_for_creation(&self, name: Option<&str>, stale: &[SecretFingerprint]) -> Tried<CreationStatus> {
        if let Some(held) = self.held(stale, name).await? {
            return Ok(held);
        }
        let Some(name) = name else {
            let why = "it lists no secrets; one that was made and never answered counts towards its limit".to_owned();
            return Ok(CreationStatus::Unknown(why));
        };
        Ok(self.listed(name).await?.into_iter().next().map_or(CreationStatus::NotCreated, CreationStatus::Orphaned))
    }

    /// What lies in the slot `pending`, if it belongs to this rotation.
    async fn held(&self, stale: &[SecretFingerprint], name: Option<&str>) -> Tried<Option<CreationStatus>> {
        let Some(secret) = self.get(SecretSlot::Pending).await? else { return Ok(None) };
        let fingerprint = self.print_of(&secret).await?;
        if stale.contains(&fingerprint) {
            return Ok(None);
        }
        let remote = match name {
            // A name that stands twice tells nothing about the secret.
            Some(name) => <[RemoteCredential; 1]>::try_from(self.listed(name).await?).ok().map(|[only]| only),
            None => self.recognise(&secret).await?,
        };
        Ok(Some(CreationStatus::InPendingSlot(CreatedSecret { fingerprint, remote })))
    }

    /// What a secret is at the provider, where that can be told.
    pub(super) async fn recognise(&self, secret: &crate::domain::Secret) -> Tried<Option<RemoteCredential>> {
        let desk = self.desk().await?;
        let hint = desk.read_secret(secret).and_then(|found| found.remote_id);
        match strategy(self.plan().strategy).recognise(&desk, hint.as_deref(), self.snapshot()).await {
            Err(failure) if failure.kind == StepFailureKind::Refused => Ok(None),
            found => Ok(found?.filter(|remote| !is_created_by_rotation(&self.journal, remote))),
        }
    }

    async fn listed(&self, name: &str) -> Tried<Vec<RemoteCredential>> {
        let desk = self.desk().await?;
        let listed = strategy(self.plan().strategy).list(&desk).await?;
        Ok(listed.into_iter().filter(|remote| remote.label == name).collect())
    }

    fn revokes_itself(&self) -> bool {
        self.plan().purpose == RotationPurpose::Revoke && self.plan().administrator.is_none()
    }

    async fn look_for_revocation(&self, target: &RevocationTarget) -> Tried<RevocationStatus> {
        let desk = self.desk().await?;
        let gone = match target {
            // Who revokes itself cannot list any more once it is revoked.
            RevocationTarget::ById(_) if self.revokes_itself() => {
                matches!(desk.try_slot(SecretSlot::Current).await?, Use::Refused(_))
            }
            RevocationTarget::ById(remote) => {
                let listed = strategy(self.plan().strategy).list(&desk).await?;
                listed.iter().all(|other| other.id != remote.id)
            }
            RevocationTarget::ByValue(slot) => matches!(desk.try_slot(*slot).await?, Use::Refused(_)),
            RevocationTarget::Unknown => false,
        };
        Ok(if gone { RevocationStatus::Revoked } else { RevocationStatus::StillActive })
    }
}
