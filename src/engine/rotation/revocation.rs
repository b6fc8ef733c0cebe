//! Revocation of what other parts of the driver cannot see from the secret alone: the account that
//! a secret acts as, and the access tokens that outlive a revoked sign-in.
//!
//! Start at `RotationDriver::find_acting_account` and `RotationDriver::access_token_left_by`.

use super::StepResult;
use super::driver::RotationDriver;
use super::probe::ProbeResult;
use super::slots::retryable_failure;
use super::strategies::{ManagementClient, failure_from_problem, strategy_for};
use crate::domain::Timestamp;
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::{
    OldAccess, RemoteCredential, RevocationTarget, RotationPurpose, RotationStep, StepAction,
    StepFailureKind,
};

impl ManagementClient<'_> {
    /// Sends the secret in a slot after its revocation, in the way that shows whether it is
    /// revoked.
    pub(super) async fn probe_revoked_slot(&self, slot: SecretSlot) -> StepResult<ProbeResult> {
        match strategy_for(self.strategy_id).probe_revoked(self, slot).await? {
            Some(result) => Ok(result),
            None => self.probe_slot(slot).await,
        }
    }
}

impl RotationDriver<'_> {
    /// Returns the account that the plan deletes: the one that the stored secret itself acts as. A
    /// field that names an account is not enough, so an account whose secret is refused is left to
    /// the user.
    pub(super) async fn find_acting_account(
        &self,
        client: &ManagementClient<'_>,
        access: &OldAccess,
    ) -> StepResult<Vec<RemoteCredential>> {
        let OldAccess::Known(scope) = access else { return Ok(Vec::new()) };
        match strategy_for(self.plan().strategy).find_acting(client, &scope.principal).await {
            Err(failure) if failure.kind == StepFailureKind::Refused => Ok(Vec::new()),
            found => Ok(found?.into_iter().collect()),
        }
    }

    /// Returns the expiry of the access token that this action leaves behind, if the journal does
    /// not have it yet: of the secret that is revoked, in the slot that holds it.
    pub(super) async fn access_token_left_by(
        &self,
        action: &StepAction,
    ) -> StepResult<Option<Timestamp>> {
        if !self.secret_renews_itself() {
            return Ok(None);
        }
        let slot = match action {
            // After an interrupted swap, the slot may hold the new secret already.
            StepAction::Promote(swap)
                if self.fingerprint_of_slot(SecretSlot::Current).await?.as_ref()
                    != Some(&swap.new) =>
            {
                SecretSlot::Current
            }
            StepAction::Revoke(_) | StepAction::VerifyRevoked(_) => self.slot_of_revoked_secret(),
            _ => return Ok(None),
        };
        if self.plan().purpose == RotationPurpose::Create {
            return Ok(None);
        }
        let expiry = self.engine.stored_access_token_expiry(&self.plan().credential, slot).await;
        let expiry = expiry.map_err(|problem| failure_from_problem(&problem))?;
        Ok(expiry.filter(|_| expiry > self.journal.last_access_token_expiry()))
    }

    /// Revokes the successor of a refresh token that the provider still exchanged after its
    /// revocation: the successor belongs to the same sign-in and is in the slot of its predecessor.
    pub(super) async fn revoke_successor(&self, slot: SecretSlot) -> StepResult<()> {
        let by_program =
            self.plan().steps.iter().any(|planned| planned.step == RotationStep::Revoke);
        if !self.secret_renews_itself() || !by_program {
            return Ok(());
        }
        self.revoke(&RevocationTarget::ByValue(slot)).await.map_err(|failure| {
            retryable_failure(format!("the provider still accepts the secret; {}", failure.why))
        })
    }

    /// Returns the slot that holds the secret that is revoked.
    pub(super) fn slot_of_revoked_secret(&self) -> SecretSlot {
        if self.plan().purpose == RotationPurpose::Revoke {
            SecretSlot::Current
        } else {
            SecretSlot::Previous
        }
    }
}
