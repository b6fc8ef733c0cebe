//! Engine: everything that tokenring does. The screen and the command line are two front ends of
//! it.
//!
//! Each submodule adds one area to [`Engine`] (credentials, checks, requests, rotation, import,
//! scan, …). Nothing here draws or parses arguments. Start with [`Engine`] and [`EngineOptions`];
//! [`open_engine`] builds one from the user's files, and `task_protocol` lists what the screen can
//! ask for.

mod audit;
mod audit_anchor;
mod bindings;
mod bound_secrets;
mod browser;
mod build;
mod captured_secrets;
mod check;
mod check_writer;
mod classify;
mod clipboard;
mod clipboard_service;
mod consumer;
mod credential_locks;
mod credentials;
mod database_handle;
mod disclosure;
pub mod doctor;
pub mod exec;
mod fair_queue;
mod fingerprints;
pub mod import;
mod mac;
mod metadata;
pub mod migrate;
mod pending_prompts;
mod ports;
pub mod prompt;
mod rebinding;
mod requests;
pub mod rotation;
mod rotation_tasks;
pub mod scan;
mod sign_in_flow;
mod sign_in_tasks;
mod store_secret;
mod store_service;
pub mod task_protocol;
mod task_runner;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::config::{ClipboardChoice, SavedRequestStore, Settings};
use crate::domain::Timestamp;
use crate::domain::credential::SecretSlot;
use crate::domain::provider::ProviderCatalog;
use crate::index::Database;
use crate::net::{RequestLimits, Transport};
use crate::store::SecretStore;

pub use crate::index::{AuditIntegrity, AuditRecord};
pub use audit_anchor::{AnchorComparison, AuditVerification};
pub use browser::{is_remote, open as open_page};
pub use build::{
    add_region, check_new_passphrase, generate_passphrase, in_memory_engine, load_catalog,
    open_engine, other_stores, passphrase_from_file,
};
pub use classify::ClassificationResult;
pub use clipboard::preferred_clipboard_method;
pub use consumer::{DeliveryProof, DeliveryReport, probely_cli_locations, snyk_cli_locations};
pub use credentials::{KEY_FILE_FIELD, read_key_file};
pub use disclosure::{DisclosureChannel, SecretDisclosure};
pub use requests::pagination::{PageResult, PagingLimits, PagingResult};
pub use requests::preview::RequestPreview;
pub use sign_in_flow::{NewSession, PendingSignIn, SIGN_IN_TIMEOUT, SignInResult};
pub use task_runner::TaskManager;

/// How long a user may take to answer an unlock prompt.
pub const UNLOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// How long the program of a consumer may run.
const CONSUMER_TIMEOUT: Duration = Duration::from_secs(60);

/// All slots that can hold a secret of a credential.
const ALL_SLOTS: [SecretSlot; 3] = [SecretSlot::Current, SecretSlot::Pending, SecretSlot::Previous];

/// The largest response body that is read, in bytes; the rest is dropped.
const MAX_RESPONSE_BYTES: u64 = 64 << 20;

/// Source of time; tests replace it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the current time in UTC.
    fn now(&self) -> Timestamp;

    /// Waits for `time`.
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// System clock of this machine.
pub struct SystemClock;

/// All functions of tokenring, over four ports: database, secret store, transport and clock.
pub struct Engine {
    /// The known providers.
    pub catalog: Arc<ProviderCatalog>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The audit log.
    pub audit: Arc<audit::AuditService>,
    /// Bindings of secrets to their hosts and targets.
    pub bindings: Arc<bindings::BindingService>,
    /// The secret store as a whole.
    pub store_service: Arc<store_service::StoreService>,
    /// Reading and writing of secrets.
    pub secrets: Arc<bound_secrets::SecretAccess>,
    /// The clipboard.
    pub clipboard_service: Arc<clipboard_service::ClipboardService>,
    fingerprints: Arc<fingerprints::FingerprintService>,
    database: database_handle::DatabaseHandle,
    store: Arc<dyn SecretStore>,
    transport: Arc<dyn Transport>,
    options: EngineOptions,
    token_cache: Arc<requests::token_cache::AccessTokenCache>,
    rate_limiter: requests::rate_limiter::RateLimiter,
    locks: Arc<credential_locks::CredentialLocks>,
    clipboard: Arc<clipboard::Clipboard>,
}

/// Options of an [`Engine`].
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Timeouts and size limits of a request.
    pub limits: RequestLimits,
    /// Maximum number of requests in flight.
    pub concurrency: usize,
    /// Whether only read-only requests may be sent.
    pub readonly: bool,
    /// How text reaches the clipboard.
    pub clipboard: ClipboardChoice,
    /// Seconds after which a copied secret is cleared from the clipboard.
    pub clipboard_seconds: u64,
    /// How long the program of a consumer may run.
    pub consumer_timeout: Duration,
    /// How long a rotation waits for the sign-in in the browser.
    pub sign_in_timeout: Duration,
    /// The user's saved requests; `None` for an engine that lives in memory only.
    pub saved_requests: Option<SavedRequestStore>,
    /// Folder of the lock files shared with other processes; `None` for an engine that lives in
    /// memory only.
    pub lock_folder: Option<PathBuf>,
}

/// Ports that an [`Engine`] is built from.
pub struct EngineDependencies {
    /// The known providers.
    pub catalog: Arc<ProviderCatalog>,
    /// Database of everything that is not secret.
    pub database: Arc<Database>,
    /// Store of the secrets.
    pub store: Arc<dyn SecretStore>,
    /// Sends the requests.
    pub transport: Arc<dyn Transport>,
    /// Source of time.
    pub clock: Arc<dyn Clock>,
}

impl Engine {
    /// Creates an engine over these ports. Opens nothing and sends nothing yet.
    pub fn new(ports: EngineDependencies, options: EngineOptions) -> Self {
        let ports = ports::SharedPorts::new(ports, options);
        let fingerprints = Arc::new(fingerprints::FingerprintService::new(&ports));
        let audit = Arc::new(audit::AuditService::new(&ports, Arc::clone(&fingerprints)));
        let bindings = Arc::new(bindings::BindingService::new(
            &ports,
            Arc::clone(&fingerprints),
            Arc::clone(&audit),
        ));
        let secrets = Arc::new(bound_secrets::SecretAccess::new(
            &ports,
            Arc::clone(&fingerprints),
            Arc::clone(&bindings),
        ));
        Self {
            store_service: Arc::new(store_service::StoreService::new(&ports, Arc::clone(&audit))),
            clipboard_service: Arc::new(clipboard_service::ClipboardService::new(&ports)),
            audit,
            bindings,
            secrets,
            fingerprints,
            rate_limiter: requests::rate_limiter::RateLimiter::default(),
            catalog: ports.catalog,
            database: ports.database,
            store: ports.store,
            transport: ports.transport,
            clock: ports.clock,
            options: ports.options,
            token_cache: ports.token_cache,
            locks: ports.locks,
            clipboard: ports.clipboard,
        }
    }
}

impl From<&Settings> for EngineOptions {
    fn from(settings: &Settings) -> Self {
        let limits = RequestLimits {
            connect_timeout: Duration::from_secs(settings.net.connect_seconds),
            total_timeout: Duration::from_secs(settings.net.total_seconds),
            max_body_bytes: MAX_RESPONSE_BYTES,
        };
        Self {
            limits,
            concurrency: settings.net.concurrency,
            readonly: settings.readonly,
            clipboard: settings.clipboard,
            clipboard_seconds: settings.clipboard_seconds,
            consumer_timeout: CONSUMER_TIMEOUT,
            sign_in_timeout: SIGN_IN_TIMEOUT,
            saved_requests: None,
            lock_folder: None,
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now_utc()
    }
}
