//! The one place where a draft meets a secret.

use std::collections::BTreeMap;

use super::Engine;
use super::message::{Consent, Exchange};
use crate::domain::Credential;
use crate::domain::problem::Problem;
use crate::domain::request::Draft;

impl Engine {
    /// Sends a request with a credential, in the credential's region, and explains the answer.
    pub async fn send(&self, _credential: &Credential, _draft: Draft, _consent: Consent) -> Result<Exchange, Problem> {
        unimplemented!("spine")
    }

    /// A draft from a preset of the credential's provider. Placeholders are filled from `given`, then from the
    /// credential's fields, then from defaults; one that stays empty is a problem that names it.
    pub fn draft(&self, _credential: &Credential, _preset: &str, _given: &BTreeMap<String, String>) -> Result<Draft, Problem> {
        unimplemented!("spine")
    }
}
