//! Access tokens: what some kinds exchange their secret for. They live in memory until shortly before they end, and
//! nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::task_protocol::TokenLifetime;
use crate::domain::{Credential, CredentialId, Secret, Timestamp};

/// The access tokens of this run, by credential and region.
#[derive(Default)]
pub(super) struct AccessTokenCache(Mutex<HashMap<(CredentialId, String), CachedAccessToken>>);

/// One access token.
#[derive(Clone)]
pub(super) struct CachedAccessToken {
    /// The token.
    pub token: Arc<Secret>,
    /// The scheme it is sent with.
    pub scheme: String,
    /// From when to when it is used.
    pub lifetime: TokenLifetime,
}

impl super::Engine {
    /// Drops all access tokens of a credential that are remembered in this run.
    pub(super) fn drop_cached_tokens(&self, id: &CredentialId) {
        self.token_cache.remove(id);
    }

    /// The access token that is at hand in this run for a credential in its region. The store is not asked.
    pub(super) fn cached_token_lifetime(&self, credential: &Credential) -> Option<TokenLifetime> {
        self.token_cache
            .get(&credential.id, &credential.region, self.now())
            .map(|session| session.lifetime)
    }
}

impl AccessTokenCache {
    /// The token of this credential in this region, if it is still good at `now`.
    pub(super) fn get(
        &self,
        id: &CredentialId,
        region: &str,
        now: Timestamp,
    ) -> Option<CachedAccessToken> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions
            .get(&(id.clone(), region.to_owned()))
            .filter(|session| session.lifetime.until > now)
            .cloned()
    }

    /// Keeps a token.
    pub(super) fn insert(&self, id: &CredentialId, region: &str, session: CachedAccessToken) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((id.clone(), region.to_owned()), session);
    }

    /// Drops all tokens of a credential, because its secret is another one now or was refused.
    pub(super) fn remove(&self, id: &CredentialId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _), _| known != id);
    }
}
