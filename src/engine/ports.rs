//! Ports and state that several services share. Each service takes those that it uses.

use std::sync::Arc;

use super::audit::AuditService;
use super::clipboard::Clipboard;
use super::database_handle::DatabaseHandle;
use super::rotation_journals::RotationJournals;
use super::secrets::token_cache::AccessTokenCache;
use super::{Clock, EngineDependencies, EngineOptions};
use crate::domain::Problem;
use crate::domain::provider::ProviderCatalog;
use crate::engine::fingerprints::FingerprintService;
use crate::engine::locks::CredentialLocks;
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::engine::stores::StoreService;
use crate::net::Transport;
use crate::store::{SecretStore, TrackedStore};

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
