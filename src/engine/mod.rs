//! Engine: everything that tokenring does. The screen and the command line are two front ends of
//! it.
//!
//! [`Engine`] is a struct of services, one an area (credentials, checks, requests, rotation, import,
//! scan, …). A service holds the ports and the other services that it uses, and reaches nothing
//! else. Nothing here draws or parses arguments. Start with [`Engine`] and [`EngineOptions`];
//! [`open_engine`] builds one from the user's files, and `task_protocol` lists what the screen can
//! ask for. `ports` has what the services share; `bound_secrets` and `bindings` are the core that
//! reads secrets.

mod audit;
pub mod background;
mod build;
pub(super) mod checks;
mod clipboard;
mod consumers;
mod credential_changes;
pub mod credentials;
pub mod doctor;
pub mod exec;
mod fingerprints;
mod locks;
mod ports;
pub mod prompt;
pub(in crate::engine) mod requests;
pub mod rotation;
mod rotation_journals;
pub mod scan;
pub mod secrets;
mod sign_in;
pub mod stores;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::config::{ClipboardChoice, SavedRequestStore, Settings};
use crate::database::Database;
use crate::domain::Timestamp;
use crate::domain::credential::SecretSlot;
use crate::domain::provider::ProviderCatalog;
use crate::net::{RequestLimits, Transport};
use crate::store::SecretStore;

pub use crate::database::{AuditIntegrity, AuditRecord};
pub use crate::engine::audit::{AnchorComparison, AuditVerification};
pub use crate::engine::background::runner::TaskManager;
pub use crate::engine::checks::CheckService;
pub use crate::engine::clipboard::service::ClipboardService;
pub use crate::engine::consumers::{
    ConsumerDeliveryOptions, ConsumerService, DeliveryProof, DeliveryReport, EndpointMismatch,
    probely_cli_locations, snyk_cli_locations,
};
pub use crate::engine::credentials::captured_secrets::CapturedSecretService;
pub use crate::engine::credentials::classify::{ClassificationResult, ClassificationService};
pub use crate::engine::credentials::import::ImportService;
pub use crate::engine::requests::RequestService;
pub use crate::engine::secrets::bindings::BindingService;
pub use crate::engine::secrets::bound_secrets::{
    DisclosureChannel, DisclosureService, SecretDisclosure,
};
pub use crate::engine::sign_in::browser::{is_remote, open as open_page};
pub use crate::engine::sign_in::{
    NewSession, PendingSignIn, SIGN_IN_TIMEOUT, SignInResult, SignInService,
};
pub use crate::engine::stores::StoreService;
pub use crate::engine::stores::backup::BackupService;
pub use crate::engine::stores::migrate::MigrationService;
pub use crate::store::backup_file::{BackupKey, BackupLock};
pub use crate::store::passphrase::PASSPHRASE_FILE_VARIABLE;
pub use crate::store::session::{SessionHolder, SessionLimits, SessionState, StoreSession};
pub use crate::store::{AGENT_ARGUMENTS, backend_info, persistent_backends, run_agent};
pub use audit::AuditService;
pub use build::{
    add_region, check_new_passphrase, generate_passphrase, in_memory_engine, load_catalog,
    open_engine, other_stores, passphrase_from_file, store_in_use, store_location,
};
pub use credentials::CredentialService;
pub use doctor::DoctorService;
pub use exec::ExecService;
pub use requests::download::{BodyDownload, DownloadEvent, DownloadObserver, SavedBody};
pub use requests::pagination::{PageResult, PagingLimits, PagingResult};
pub use requests::preview::RequestPreview;
pub use rotation::RotationService;
pub use rotation_journals::RotationJournals;
pub use scan::ScanService;
pub use secrets::bound_secrets::{KEY_FILE_FIELD, read_key_file};

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

/// All functions of tokenring, one service an area, over four ports: database, secret store,
/// transport and clock.
pub struct Engine {
    /// The known providers.
    pub catalog: Arc<ProviderCatalog>,
    /// Source of time.
    pub clock: Arc<dyn Clock>,
    /// The secret store as a whole: its state, its lock and its passphrase.
    pub store: Arc<StoreService>,
    /// Move of all secrets to another store.
    pub migration: Arc<MigrationService>,
    /// Backups of everything.
    pub backup: Arc<BackupService>,
    /// What secrets may be used for.
    pub bindings: Arc<BindingService>,
    /// Credentials in the index and the store.
    pub credentials: Arc<CredentialService>,
    /// What providers report about credentials.
    pub classification: Arc<ClassificationService>,
    /// Secrets that a provider has created in a response.
    pub captured_secrets: Arc<CapturedSecretService>,
    /// Plain-text credentials of other programs.
    pub imports: Arc<ImportService>,
    /// Secrets that are loaded for the user.
    pub disclosure: Arc<DisclosureService>,
    /// Copying for the user.
    pub clipboard: Arc<ClipboardService>,
    /// Values with which programs use a credential.
    pub exec: Arc<ExecService>,
    /// Requests to the providers.
    pub requests: Arc<RequestService>,
    /// Checks of credentials.
    pub checks: Arc<CheckService>,
    /// Consumers of secrets.
    pub consumers: Arc<ConsumerService>,
    /// Sign-in with a browser.
    pub sign_in: Arc<SignInService>,
    /// Rotation, creation and revocation.
    pub rotation: Arc<RotationService>,
    /// Journals of the rotations.
    pub journals: Arc<RotationJournals>,
    /// Search for secrets in plain text.
    pub scan: Arc<ScanService>,
    /// Diagnostics of this machine.
    pub doctor: Arc<DoctorService>,
    /// The audit log.
    pub audit: Arc<AuditService>,
    /// The user's saved requests.
    saved_requests: SavedRequestStore,
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
    /// The user's saved requests.
    pub saved_requests: SavedRequestStore,
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
            saved_requests: SavedRequestStore::in_memory(),
            lock_folder: None,
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now_utc()
    }
}
