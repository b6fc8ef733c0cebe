//! Handing the current secret to those who use it.

use super::Tried;
use super::driver::Driver;
use super::slots::refused;
use crate::domain::{CredentialId, Problem};
use crate::engine::Engine;

impl Engine {
    /// The names of those who are to be given a credential's new secret, in order.
    pub(super) async fn consumer_names(&self, _credential: &CredentialId) -> Result<Vec<String>, Problem> {
        Ok(Vec::new())
    }
}

impl Driver<'_> {
    /// Hands over what is in the slot `current`, and has it verified.
    pub(super) async fn deliver(&self, consumer: &str) -> Tried<()> {
        Err(refused(format!("{consumer} is not known any more")))
    }
}
