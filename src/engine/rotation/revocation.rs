//! Revocation of the old secret, and what outlives it: the access tokens of a revoked sign-in.
//!
//! Start at `RotationDriver::revoke_old` and `RotationDriver::access_token_left_by`.

use std::sync::Arc;

use super::StepResult;
use super::driver::RotationDriver;
use super::probe::ProbeResult;
use super::slots::{permanent_failure, retryable_failure, secret_lost};
use super::strategies::{
    ManagementClient, RevocationHandle, RevocationResponse, failure_from_problem, strategy_for,
};
use crate::domain::Timestamp;
use crate::domain::credential::SecretSlot;
use crate::domain::rotation::{
    RevocationTarget, RotationPurpose, RotationStep, StepAction, StepOutcome,
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
    /// Revokes the old secret. A response that it does not exist counts only if the secret is
    /// rejected; otherwise another object was named, or the provider is not consistent yet.
    pub(super) async fn revoke_old(&self, target: &RevocationTarget) -> StepResult<StepOutcome> {
        if self.revoke(target).await? == RevocationResponse::NotFound {
            let probe = self
                .management_client()
                .await?
                .probe_revoked_slot(self.slot_of_revoked_secret())
                .await?;
            if !matches!(probe, ProbeResult::Refused(_)) {
                return Err(retryable_failure(
                    "the provider reports that it does not exist, but the secret still works",
                ));
            }
        }
        Ok(StepOutcome::Revoked)
    }

    pub(super) async fn revoke(&self, target: &RevocationTarget) -> StepResult<RevocationResponse> {
        let client = self.management_client().await?;
        let strategy = strategy_for(self.plan().strategy);
        match target {
            RevocationTarget::ById(remote) => {
                strategy.revoke(&client, RevocationHandle::ById(remote)).await
            }
            RevocationTarget::ByValue(slot) => {
                let Some(secret) = self.read_slot(*slot).await? else { return Err(secret_lost()) };
                strategy.revoke(&client, RevocationHandle::ByValue(&Arc::new(secret))).await
            }
            RevocationTarget::Unknown => {
                Err(permanent_failure("it is unknown what it is at the provider"))
            }
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
        let expiry =
            self.service.requests.stored_access_token_expiry(&self.plan().credential, slot).await;
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
        self.revoke(&RevocationTarget::ByValue(slot)).await.map(drop).map_err(|failure| {
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
