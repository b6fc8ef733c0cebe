//! Handing the current secret to those who use it, and having each of them verified.

use super::Tried;
use super::driver::Driver;
use super::provider::failure_of;
use super::slots::{not_yet, refused};
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::{CredentialId, Problem};
use crate::engine::Engine;

impl Engine {
    /// The names of those who are to be given this part of a credential when it is a new one, in order.
    pub(super) async fn consumer_names(&self, credential: &CredentialId, part: &SecretPart) -> Result<Vec<String>, Problem> {
        let all = self.consumers(credential).await?.into_iter().filter(|consumer| consumer.part == *part);
        Ok(all.map(|consumer| consumer.name.to_string()).collect())
    }
}

impl Driver<'_> {
    /// Hands over what is in the slot `current`, unless the consumer has it already, and verifies it. Whatever fails
    /// here waits for a person: the same again would seldom end otherwise.
    pub(super) async fn deliver(&self, consumer: &str) -> Tried<()> {
        let Some(secret) = self.get(SecretSlot::Current).await? else { return Err(not_yet("the store holds no current secret")) };
        let consumer = self.engine.consumer(&self.plan().credential, consumer).await.map_err(|problem| refused(problem.why))?;
        let failed = |problem: Problem| refused(format!("{}: {}", problem.what, problem.why));
        if self.engine.verify_delivery(&consumer, &secret).await.unwrap_or(false) {
            return Ok(());
        }
        self.engine.deliver(&consumer, &secret).await.map_err(failed)?;
        // Asked anew, because what was delivered last is kept with the consumer.
        let delivered = self.engine.consumer(&consumer.credential, consumer.name.as_str()).await;
        let delivered = delivered.map_err(|problem| failure_of(&problem))?;
        if self.engine.verify_delivery(&delivered, &secret).await.map_err(failed)? {
            return Ok(());
        }
        Err(refused(format!("{} does not hold what it was given", consumer.name)))
    }
}
