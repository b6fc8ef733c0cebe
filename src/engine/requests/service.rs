//! Service of the requests, with the ports that its modules use.

use std::sync::Arc;

use super::rate_limiter::RateLimiter;
use crate::domain::provider::ProviderCatalog;
use crate::domain::{Credential, CredentialId};
use crate::engine::Clock;
use crate::engine::database_handle::DatabaseHandle;
use crate::engine::fingerprints::FingerprintService;
use crate::engine::locks::CredentialLocks;
use crate::engine::ports::{CoreServices, SharedPorts};
use crate::engine::secrets::bindings::BindingService;
use crate::engine::secrets::bound_secrets::SecretAccess;
use crate::engine::secrets::token_cache::{AccessTokenCache, TokenLifetime};
use crate::net::{RequestLimits, Transport};
use crate::store::SecretStore;

/// Requests to the providers with a credential.
pub struct RequestService {
    pub(super) catalog: Arc<ProviderCatalog>,
    pub(super) database: DatabaseHandle,
    pub(super) store: Arc<dyn SecretStore>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) locks: Arc<CredentialLocks>,
    pub(super) token_cache: Arc<AccessTokenCache>,
    pub(super) limits: RequestLimits,
    pub(super) readonly: bool,
    pub(super) rate_limiter: RateLimiter,
    pub(super) fingerprints: Arc<FingerprintService>,
    pub(super) bindings: Arc<BindingService>,
    pub(super) secrets: Arc<SecretAccess>,
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
