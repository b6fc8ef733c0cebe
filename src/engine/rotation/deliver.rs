//! Delivery of the current secret to its consumers, with a verification of each delivery.
//!
//! The formats of the consumers' files belong to [`crate::engine::consumers`]; this module only has
//! the rotation step. Start at `RotationDriver::deliver`.

use super::StepResult;
use super::driver::RotationDriver;
use super::slots::{permanent_failure, retryable_failure};
use super::strategies::failure_from_problem;
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::{CredentialId, Problem};
use crate::engine::rotation::RotationService;

impl RotationService {
    /// Returns the names of the consumers that get this part of a credential after a rotation, in
    /// order.
    pub(super) async fn consumer_names(
        &self,
        credential: &CredentialId,
        part: &SecretPart,
    ) -> Result<Vec<String>, Problem> {
        let all = self
            .consumers
            .list(credential)
            .await?
            .into_iter()
            .filter(|consumer| consumer.part == *part);
        Ok(all.map(|consumer| consumer.name.to_string()).collect())
    }
}

impl RotationDriver<'_> {
    /// Delivers the secret in the slot `current`, unless the consumer already has it, and verifies
    /// the delivery. Every failure here waits for the user, because a plain retry would seldom end
    /// differently.
    pub(super) async fn deliver(&self, consumer: &str) -> StepResult<()> {
        let Some(secret) = self.read_slot(SecretSlot::Current).await? else {
            return Err(retryable_failure("the store has no current secret"));
        };
        let consumer = self
            .service
            .consumers
            .find(&self.plan().credential, consumer)
            .await
            .map_err(|problem| permanent_failure(problem.why))?;
        let failed =
            |problem: Problem| permanent_failure(format!("{}: {}", problem.what, problem.why));
        if self.service.consumers.verify_delivery(&consumer, &secret).await.unwrap_or(false) {
            return Ok(());
        }
        self.service.consumers.deliver(&consumer, &secret).await.map_err(failed)?;
        // Read again, because the fingerprint of the last delivery is stored with the consumer.
        let delivered =
            self.service.consumers.find(&consumer.credential, consumer.name.as_str()).await;
        let delivered = delivered.map_err(|problem| failure_from_problem(&problem))?;
        if self.service.consumers.verify_delivery(&delivered, &secret).await.map_err(failed)? {
            return Ok(());
        }
        Err(permanent_failure(format!("{} does not contain the delivered secret", consumer.name)))
    }
}
