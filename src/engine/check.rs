//! Verdicts: does a credential work, here and in the other regions?

use super::Engine;
use crate::domain::credential::Check;
use crate::domain::problem::Problem;
use crate::domain::{Credential, CredentialId};
use crate::index::RegionCheck;

impl Engine {
    /// Asks the provider in the named region whether the credential works, and keeps the verdict in the index.
    /// A store that does not give the secret is a problem, not a verdict.
    pub async fn check(&self, _credential: &Credential, _region: &str) -> Result<Check, Problem> {
        unimplemented!("spine")
    }

    /// Checks many credentials in their own regions, a bounded number at a time and fair between hosts; `seen` is
    /// called for each as it ends.
    pub async fn check_many(&self, _credentials: Vec<Credential>, _seen: impl FnMut(&Credential, Result<Check, Problem>) + Send) {
        unimplemented!("spine")
    }

    /// The last verdicts of a credential, one for each region where it was tried.
    pub async fn region_checks(&self, _id: &CredentialId) -> Result<Vec<RegionCheck>, Problem> {
        unimplemented!("spine")
    }
}
