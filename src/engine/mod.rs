//! Engine: everything that tokenring does. The screen and the command line are two front ends of
//! it.
//!
//! Each submodule adds one area to [`Engine`] (credentials, checks, requests, rotation, import,
//! scan, …). Nothing here draws or parses arguments. Start with [`Engine`] and [`EngineOptions`];
//! [`open_engine`] builds one from the user's files, and `task_protocol` lists what the screen can
//! ask for.

mod access_tokens;
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
mod console_tasks;
mod consumer;
mod credential_locks;
mod credentials;
mod disclosure;
pub mod doctor;
pub mod exec;
mod fair_queue;
mod fingerprints;
mod history;
pub mod import;
mod mac;
mod metadata;
pub mod migrate;
mod pagination;
mod pending_prompts;
mod preview;
pub mod prompt;
mod rate_limiter;
mod rebinding;
mod redact_response;
mod retry;
pub mod rotation;
mod rotation_tasks;
pub mod scan;
mod send;
mod sign_in_flow;
mod sign_in_tasks;
mod store_secret;
pub mod task_protocol;
mod task_runner;
mod token_cache;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clipboard::ClipboardContentKind;
use task_protocol::{ClearResult, CopyResult, SecretEvent, StoreStatus};
use tokio::sync::OnceCell;

use crate::config::{ClipboardChoice, SavedRequestStore, Settings};
use crate::domain::credential::SecretSlot;
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Problem, Secret, Timestamp};
use crate::index::Database;
use crate::net::{RequestLimits, Transport};
use crate::store::{SecretStore, TrackedStore, UnlockMethod};

pub use crate::index::{AuditIntegrity, AuditRecord};
pub use crate::store::passphrase::PASSPHRASE_FILE_VARIABLE;
pub use crate::store::{backend_info, persistent_backends};
pub use audit_anchor::{AnchorComparison, AuditVerification};
pub use browser::{is_remote, open as open_page};
pub use build::{
    add_region, check_new_passphrase, generate_passphrase, in_memory_engine, load_catalog,
    open_engine, other_stores, passphrase_from_file, store_in_use,
};
pub use classify::ClassificationResult;
pub use clipboard::preferred_clipboard_method;
pub use consumer::{DeliveryProof, DeliveryReport, probely_cli_locations, snyk_cli_locations};
pub use credentials::{KEY_FILE_FIELD, read_key_file};
pub use disclosure::{DisclosureChannel, SecretDisclosure};
pub use pagination::{PageResult, PagingLimits, PagingResult};
pub use preview::RequestPreview;
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
    database: Arc<Database>,
    store: Arc<dyn SecretStore>,
    /// The same store, with whether it is open.
    tracked_store: Arc<TrackedStore>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    options: EngineOptions,
    token_cache: token_cache::AccessTokenCache,
    rate_limiter: rate_limiter::RateLimiter,
    locks: credential_locks::CredentialLocks,
    clipboard: clipboard::Clipboard,
    store_verified: OnceCell<()>,
    fingerprint_key: OnceCell<Secret>,
    binding_key: OnceCell<bindings::BindingKey>,
    bindings_recorded: OnceCell<()>,
    verified_bindings: bindings::VerifiedBindings,
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
        let EngineDependencies { catalog, database, store, transport, clock } = ports;
        let clipboard = clipboard::Clipboard::new(options.clipboard);
        let locks = credential_locks::CredentialLocks::new(options.lock_folder.clone());
        let tracked_store = Arc::new(TrackedStore::new(store));
        Self {
            catalog,
            database,
            store: Arc::clone(&tracked_store) as Arc<dyn SecretStore>,
            tracked_store,
            transport,
            clock,
            options,
            token_cache: token_cache::AccessTokenCache::default(),
            rate_limiter: rate_limiter::RateLimiter::default(),
            locks,
            clipboard,
            store_verified: OnceCell::new(),
            fingerprint_key: OnceCell::new(),
            binding_key: OnceCell::new(),
            bindings_recorded: OnceCell::new(),
            verified_bindings: bindings::VerifiedBindings::default(),
        }
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns which store is in use and whether it can be used right now. Never raises a prompt.
    pub async fn store_state(&self) -> StoreStatus {
        StoreStatus::probe(self.store.as_ref()).await
    }

    /// Copies a secret to the clipboard, reports how, and clears or overwrites it after its time. If
    /// the future is dropped, that happens when the run ends.
    pub async fn copy_secret(
        &self,
        secret: Arc<Secret>,
        mut on_event: impl FnMut(SecretEvent) + Send,
    ) -> Result<(), Problem> {
        let (copied, number) = self.clipboard.copy(secret, ClipboardContentKind::Secret).await?;
        let seconds = self.options.clipboard_seconds;
        let clear_after_seconds = Some(seconds);
        on_event(SecretEvent::Copied(CopyResult { clear_after_seconds, ..copied }));
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        on_event(SecretEvent::Cleared(self.clipboard.clear(number).await?));
        Ok(())
    }

    /// Copies a text without secrets to the clipboard.
    pub async fn copy_text(&self, text: String) -> Result<CopyResult, Problem> {
        Ok(self
            .clipboard
            .copy(Arc::new(Secret::from_text(text)), ClipboardContentKind::Plain)
            .await?
            .0)
    }

    /// Clears the clipboard if it still holds a secret that was copied in this run.
    pub async fn clear_clipboard(&self) -> Result<ClearResult, Problem> {
        self.clipboard.clear_last().await
    }

    /// Unlocks the store; gives up after `wait`.
    pub async fn unlock(&self, by: UnlockMethod<'_>, wait: Duration) -> Result<(), Problem> {
        Ok(self.store.unlock(by, wait).await?)
    }

    /// Locks the store, and clears the clipboard and the access tokens of this process.
    pub async fn lock_store(&self) -> Result<(), Problem> {
        self.token_cache.clear();
        self.store.lock().await?;
        self.clear_clipboard().await.map(drop)
    }

    /// Changes the passphrase of the store.
    pub async fn change_passphrase(&self, current: &Secret, new: &Secret) -> Result<(), Problem> {
        self.store.change_passphrase(current, new, UNLOCK_TIMEOUT).await?;
        self.record_audit_event(audit::AuditEvent::new("store-passphrase", "done")).await
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
