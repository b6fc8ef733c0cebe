//! Credentials in and out of the keyring: add, list, edit, remove, and the secret for who may have it.

use super::Engine;
use super::message::{Edit, NewCredential};
use crate::domain::credential::Part;
use crate::domain::identify::Identified;
use crate::domain::problem::Problem;
use crate::domain::{Credential, CredentialId, Name, Secret};

impl Engine {
    /// All credentials, by name. The store is not touched.
    pub async fn credentials(&self) -> Result<Vec<Credential>, Problem> {
        unimplemented!("spine")
    }

    /// The credential with this name; where there is none, the problem offers the nearest names.
    pub async fn find(&self, _name: &str) -> Result<Credential, Problem> {
        unimplemented!("spine")
    }

    /// Keeps a new credential: refuses what is wrong before anything is written, then the secret, then the index.
    pub async fn add(&self, _new: NewCredential) -> Result<Credential, Problem> {
        unimplemented!("spine")
    }

    /// Changes a credential.
    pub async fn edit(&self, _id: &CredentialId, _edit: Edit) -> Result<Credential, Problem> {
        unimplemented!("spine")
    }

    /// Forgets a credential and its secrets here; the provider is not asked.
    pub async fn remove(&self, _id: &CredentialId) -> Result<(), Problem> {
        unimplemented!("spine")
    }

    /// What a pasted secret may be. Offline.
    pub fn identify(&self, _pasted: &Secret) -> Result<Identified, Problem> {
        unimplemented!("spine")
    }

    /// Credentials that already hold this very secret.
    pub async fn twins(&self, _secret: &Secret) -> Result<Vec<Name>, Problem> {
        unimplemented!("spine")
    }

    /// A part of the credential's current secret, from the store.
    pub async fn secret(&self, _credential: &Credential, _part: &Part) -> Result<Secret, Problem> {
        unimplemented!("spine")
    }
}
