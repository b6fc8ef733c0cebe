//! Ports and state that several services share. Each service takes those that it uses.
//!
//! Access to the database for all services: work runs off the drawing task.
//!
//! Start with [`DatabaseHandle::run`].

use std::borrow::Cow;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::audit::AuditService;
use super::clipboard::Clipboard;
use super::rotation_journals::RotationJournals;
use super::secrets::token_cache::AccessTokenCache;
use super::{Clock, EngineDependencies, EngineOptions};
use crate::database::{Database, DatabaseError};
use crate::domain::provider::ProviderCatalog;
use crate::domain::text::compose;
use crate::domain::{Credential, CredentialId, Problem};
use crate::engine::fingerprints::FingerprintService;
use crate::engine::locks::CredentialLocks;
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::engine::stores::StoreService;
use crate::net::Transport;
use crate::store::{SecretStore, TrackedStore};
use crate::util::hex::to_hex;

/// What the services of an engine are built from.
pub(super) struct SharedPorts {
    pub(super) catalog: Arc<ProviderCatalog>,
    pub(super) database: DatabaseHandle,
    pub(super) store: Arc<dyn SecretStore>,
    /// The same store, with whether it is open.
    pub(super) tracked_store: Arc<TrackedStore>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) locks: Arc<CredentialLocks>,
    pub(super) token_cache: Arc<AccessTokenCache>,
    pub(super) clipboard: Arc<Clipboard>,
    pub(super) options: EngineOptions,
}

/// The services that most others are built on. Each takes those that it uses.
pub(super) struct CoreServices {
    pub(super) store_service: Arc<StoreService>,
    pub(super) fingerprints: Arc<FingerprintService>,
    pub(super) audit: Arc<AuditService>,
    pub(super) bindings: Arc<BindingService>,
    pub(super) secrets: Arc<SecretAccess>,
    pub(super) journals: Arc<RotationJournals>,
}

impl SharedPorts {
    /// Creates the state that the services share. Opens nothing and sends nothing.
    pub(super) fn new(dependencies: EngineDependencies, options: EngineOptions) -> Self {
        let EngineDependencies { catalog, database, store, transport, clock } = dependencies;
        let tracked_store = Arc::new(TrackedStore::new(store));
        Self {
            catalog,
            database: DatabaseHandle::new(database),
            store: Arc::clone(&tracked_store) as Arc<dyn SecretStore>,
            tracked_store,
            transport,
            clock,
            locks: Arc::new(CredentialLocks::new(options.lock_folder.clone())),
            token_cache: Arc::default(),
            clipboard: Arc::new(Clipboard::new(options.clipboard)),
            options,
        }
    }
}

impl CoreServices {
    /// Creates the services. Opens nothing.
    pub(super) fn new(ports: &SharedPorts) -> Self {
        let fingerprints = Arc::new(FingerprintService::new(ports));
        let audit = Arc::new(AuditService::new(ports, Arc::clone(&fingerprints)));
        let bindings =
            Arc::new(BindingService::new(ports, Arc::clone(&fingerprints), Arc::clone(&audit)));
        let secrets =
            Arc::new(SecretAccess::new(ports, Arc::clone(&fingerprints), Arc::clone(&bindings)));
        let store_service = Arc::new(StoreService::new(ports, Arc::clone(&audit)));
        let journals = Arc::new(RotationJournals::new(ports, Arc::clone(&audit)));
        Self { store_service, fingerprints, audit, bindings, secrets, journals }
    }
}

/// Returns random bytes from the system.
pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Problem::new(
            "Random numbers are not available",
            error.to_string(),
            "check that this system's random device works",
        )
    })?;
    Ok(bytes)
}

/// Problem of a background thread that panicked.
pub(super) fn task_panicked() -> Problem {
    Problem::new(
        "A background task failed",
        "its thread panicked",
        "try again; if the task fails again, report the problem with the log",
    )
}

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
