//! Access to the database for all services: work runs off the drawing task.
//!
//! Start with [`DatabaseHandle::run`].

use std::borrow::Cow;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::database::{Database, DatabaseError};
use crate::domain::text::compose;
use crate::domain::{Credential, CredentialId, Problem};
use crate::engine::ports::task_panicked;
use crate::util::hex::to_hex;

/// Length in bytes of the database's ID in the keys of its items in the store.
const DATABASE_ID_BYTES: usize = 8;

/// The database, shared by the services. Clones share it.
#[derive(Clone)]
pub(super) struct DatabaseHandle(Arc<Database>);

impl DatabaseHandle {
    /// Creates a handle of this database.
    pub(super) const fn new(database: Arc<Database>) -> Self {
        Self(database)
    }

    /// Returns the database itself, for work on the calling thread.
    pub(super) const fn database(&self) -> &Arc<Database> {
        &self.0
    }

    /// Runs database work off the drawing task.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Database) -> Result<T, DatabaseError> + Send + 'static,
    {
        let index = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&index))
            .await
            .map_err(|_| task_panicked())?
            .map_err(Problem::from)
    }

    /// Returns all credentials, by name.
    pub(super) async fn credentials(&self) -> Result<Vec<Credential>, Problem> {
        self.run(Database::credentials).await
    }

    /// Returns the credential with this name; if there is none, the problem offers the nearest
    /// names. A stored name need not be composed, so a name is looked up as it is first.
    pub(super) async fn find_credential(&self, name: &str) -> Result<Credential, Problem> {
        let name = name.to_owned();
        self.run(move |index| {
            let found = index.credential_by_name(&name);
            match (&found, compose(&name)) {
                (Err(DatabaseError::UnknownCredential { .. }), Cow::Owned(composed)) => {
                    index.credential_by_name(&composed)
                }
                _ => found,
            }
        })
        .await
    }

    /// Returns the credential with this ID.
    pub(super) async fn credential_by_id(&self, id: &CredentialId) -> Result<Credential, Problem> {
        let id = id.clone();
        self.run(move |index| index.credential_by_id(&id)).await
    }

    /// Returns the ID of this database in the keys of its items. The path identifies the database,
    /// because an ID inside the file would be replaced together with it.
    pub(super) fn item_id(&self) -> String {
        let path = Sha256::digest(self.0.path().as_os_str().as_encoded_bytes());
        to_hex(&path[..DATABASE_ID_BYTES])
    }
}
