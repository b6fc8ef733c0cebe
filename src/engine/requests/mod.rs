//! Requests to the providers: sending with a credential, access tokens, rate limits, pages, preview
//! and history.
//!
//! A request is sent by `execute`, whatever sends it: the console, a check, a probe or a step of a
//! rotation.
//!
//! Service of the requests, with the ports that its modules use.

pub(in crate::engine) mod access_tokens;
pub(in crate::engine) mod download;
pub(in crate::engine) mod execute;
pub(in crate::engine) mod explain;
pub(in crate::engine) mod history;
pub(in crate::engine) mod http_exchange;
pub(in crate::engine) mod pagination;
mod partial_download;
pub(in crate::engine) mod pending_request;
pub(in crate::engine) mod preview;
pub(in crate::engine) mod rate_limiter;
pub(in crate::engine) mod record_outcome;
pub(in crate::engine) mod redact_response;
mod retry;
pub(in crate::engine) mod send;
pub(in crate::engine) mod tasks;

use std::sync::Arc;

use crate::domain::provider::ProviderCatalog;
use crate::domain::{Credential, CredentialId};
use crate::engine::Clock;
use crate::engine::fingerprints::FingerprintService;
use crate::engine::locks::CredentialLocks;
use crate::engine::ports::{CoreServices, DatabaseHandle, SharedPorts};
use crate::engine::requests::rate_limiter::RateLimiter;
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::engine::secrets::token_cache::{AccessTokenCache, TokenLifetime};
use crate::net::{RequestLimits, Transport};
use crate::store::SecretStore;

/// Requests to the providers with a credential.
pub struct RequestService {
    pub(in crate::engine::requests) catalog: Arc<ProviderCatalog>,
    pub(in crate::engine::requests) database: DatabaseHandle,
    pub(in crate::engine::requests) store: Arc<dyn SecretStore>,
    pub(in crate::engine::requests) transport: Arc<dyn Transport>,
    pub(in crate::engine::requests) clock: Arc<dyn Clock>,
    pub(in crate::engine::requests) locks: Arc<CredentialLocks>,
    pub(in crate::engine::requests) token_cache: Arc<AccessTokenCache>,
    pub(in crate::engine::requests) limits: RequestLimits,
    pub(in crate::engine::requests) readonly: bool,
    pub(in crate::engine::requests) rate_limiter: RateLimiter,
    pub(in crate::engine::requests) fingerprints: Arc<FingerprintService>,
    pub(in crate::engine::requests) bindings: Arc<BindingService>,
    pub(in crate::engine::requests) secrets: Arc<SecretAccess>,
}

impl RequestService {
    /// Creates the service.
    pub(in crate::engine) fn new(ports: &SharedPorts, core: &CoreServices) -> Self {
        Self {
            catalog: Arc::clone(&ports.catalog),
            database: ports.database.clone(),
            store: Arc::clone(&ports.store),
            transport: Arc::clone(&ports.transport),
            clock: Arc::clone(&ports.clock),
            locks: Arc::clone(&ports.locks),
            token_cache: Arc::clone(&ports.token_cache),
            limits: ports.options.limits,
            readonly: ports.options.readonly,
            rate_limiter: RateLimiter::default(),
            fingerprints: Arc::clone(&core.fingerprints),
            bindings: Arc::clone(&core.bindings),
            secrets: Arc::clone(&core.secrets),
        }
    }

    /// Drops all cached access tokens of a credential.
    pub(in crate::engine) fn drop_cached_tokens(&self, id: &CredentialId) {
        self.token_cache.remove(id);
    }

    /// Returns the lifetime of the access token cached for a credential in its region. Does not
    /// read the store.
    pub(in crate::engine) fn cached_token_lifetime(
        &self,
        credential: &Credential,
    ) -> Option<TokenLifetime> {
        self.token_cache
            .get(&credential.id, &credential.region, self.clock.now())
            .map(|token| token.lifetime)
    }
}
