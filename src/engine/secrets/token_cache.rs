//! Cache of access tokens, for kinds that exchange their secret for one. They live only in memory,
//! until shortly before they expire.
//!
//! `requests::access_tokens` obtains the tokens. Start with `AccessTokenCache`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{CredentialId, Secret, Timestamp};

/// Period in which an access token is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLifetime {
    /// When it was received; `None` if another process received it and did not record the time.
    pub since: Option<Timestamp>,
    /// When it is no longer used.
    pub until: Timestamp,
}

/// Access tokens of this run, by credential and region.
#[derive(Default)]
pub(in crate::engine) struct AccessTokenCache(
    Mutex<HashMap<(CredentialId, String), CachedAccessToken>>,
);

/// Access token with its lifetime.
#[derive(Clone)]
pub(in crate::engine) struct CachedAccessToken {
    /// The token.
    pub token: Arc<Secret>,
    /// The scheme that it is sent with.
    pub scheme: String,
    /// When it is used.
    pub lifetime: TokenLifetime,
}

impl AccessTokenCache {
    /// Returns the token of this credential in this region, if it is still valid at `now`.
    pub(in crate::engine) fn get(
        &self,
        id: &CredentialId,
        region: &str,
        now: Timestamp,
    ) -> Option<CachedAccessToken> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens
            .get(&(id.clone(), region.to_owned()))
            .filter(|token| token.lifetime.until > now)
            .cloned()
    }

    /// Caches a token.
    pub(in crate::engine) fn insert(
        &self,
        id: &CredentialId,
        region: &str,
        token: CachedAccessToken,
    ) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((id.clone(), region.to_owned()), token);
    }

    /// Drops all tokens.
    pub(in crate::engine) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Drops all tokens of a credential, because its secret has changed or was refused.
    pub(in crate::engine) fn remove(&self, id: &CredentialId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _), _| known != id);
    }
}
