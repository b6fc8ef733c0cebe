//! Undoing a creation whose secret cannot be stored, while this process still holds the secret.
//!
//! Once the process has ended, a secret that the provider identifies only by its value can no longer
//! be revoked. Start at `RotationDriver::store_or_undo`.

use std::sync::Arc;

use super::StepResult;
use super::driver::RotationDriver;
use super::strategies::{ManagementClient, NewRemoteSecret, RevocationHandle, strategy_for};
use crate::domain::Secret;
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::{RevocationKey, RotationPurpose, StepFailure, StepFailureKind};

/// How often the store is asked to keep a new secret before its creation is undone.
const STORE_ATTEMPTS: usize = 2;

impl RotationDriver<'_> {
    /// Stores a new secret in the slot `pending`. If the store does not keep it, deletes it at the
    /// provider, by its ID or by its value. If that fails too, the secret is returned, and `Stage`
    /// tries to store it again.
    ///
    /// # Errors
    ///
    /// Returns why the store did not keep the secret. Nothing new exists then.
    pub(super) async fn store_or_undo(
        &self,
        client: &ManagementClient<'_>,
        created: NewRemoteSecret,
    ) -> StepResult<NewRemoteSecret> {
        let Err(refusal) = self.store_pending(&created.secret).await else { return Ok(created) };
        let NewRemoteSecret { secret, remote } = created;
        let secret = Arc::new(secret);
        let handle = match self.plan().strategy_traits().revocation_key {
            RevocationKey::ByValue => RevocationHandle::ByValue(&secret),
            RevocationKey::ById => RevocationHandle::ById(&remote),
        };
        if let Err(failure) = strategy_for(self.plan().strategy).revoke(client, handle).await {
            tracing::warn!(
                store = refusal.why,
                provider = failure.why,
                "the new secret is neither stored nor deleted"
            );
            let in_doubt = || StepFailure::new(StepFailureKind::OutcomeUnknown, refusal.why);
            let secret = Arc::into_inner(secret).ok_or_else(in_doubt)?;
            return Ok(NewRemoteSecret { secret, remote });
        }
        // A creation that cannot succeed ends; a rotation tries again.
        let kind = match self.plan().purpose {
            RotationPurpose::Create => StepFailureKind::Refused,
            RotationPurpose::Replace | RotationPurpose::Revoke => StepFailureKind::Retryable,
        };
        let why = format!("{}; the new secret was deleted at the provider again", refusal.why);
        Err(StepFailure::new(kind, why))
    }

    /// Stores a new secret, and looks whether the store has it after a write that failed: a write
    /// without a response may have taken effect.
    async fn store_pending(&self, secret: &Secret) -> StepResult<()> {
        let mut written = Ok(());
        for _ in 0..STORE_ATTEMPTS {
            written = self.write_slot(SecretSlot::Pending, secret).await;
            let is_stored = written.is_ok()
                || matches!(
                    self.read_slot(SecretSlot::Pending).await,
                    Ok(Some(stored)) if stored.same_as(secret)
                );
            if is_stored {
                return Ok(());
            }
        }
        written
    }
}
