//! Access tokens: turns a credential into the secret that a request carries, either the stored
//! secret itself or an access token that it is exchanged for.
//!
//! A refresh token works only once. So a refresh holds the lock of the credential (in this process
//! and across processes), checks again whether another process was faster, and stores the next
//! refresh token before the access token is used. A refusal deletes nothing. Start with
//! `authorize`.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::Duration;

use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::provider::{AuthMethod, CredentialKind};
use crate::domain::region::Region;
use crate::domain::{Credential, CredentialId, Problem, Secret, Timestamp};
use crate::engine::locks::CredentialLock;
use crate::engine::requests::RequestService;
use crate::engine::secrets::bindings::BoundRegion;
use crate::engine::secrets::bound_secrets::{KEY_FILE_FIELD, secret_location};
use crate::engine::secrets::token_cache::{CachedAccessToken, TokenLifetime};
use crate::net::oauth::exchange::{AccessToken, TokenExchange, TokenExchangeError, TokenExpiry};
use crate::net::oauth::grants::{RefreshResult, RefreshToken};
use crate::net::{HostBoundSecret, NetError};
use crate::store::{ItemKey, StoreError};

/// Time before its expiry at which an access token is no longer used, so that it does not expire in
/// flight.
const EXPIRY_MARGIN: Duration = Duration::seconds(30);

/// How long a token is used whose response names no expiry.
const DEFAULT_TOKEN_LIFETIME: Duration = Duration::minutes(5);

/// Id of the part that stores a session's access token beside its refresh token, for other
/// processes.
pub(in crate::engine) const ACCESS_TOKEN_PART: &str = "access_token";

/// The secret to exchange, and the region to exchange it in.
#[derive(Clone, Copy)]
struct ExchangeTarget<'a> {
    credential: &'a Credential,
    kind: &'a CredentialKind,
    region: BoundRegion<'a>,
    slot: SecretSlot,
}

/// Why a request got no response.
pub(in crate::engine) enum SendError {
    /// The request failed on the network.
    Net(NetError),
    /// No access token could be obtained.
    Exchange(TokenExchangeError),
    /// The request was never sent: the store, the index or the draft failed first.
    Problem(Problem),
}

impl RequestService {
    /// Returns what a request sends for the credential in this region, bound to the region's
    /// origins. `rejected` is an access token that the provider has refused although it has not
    /// expired (the clocks differ, or it was revoked), so that it is not tried again.
    pub(in crate::engine) async fn authorize(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
        region: &Region,
        rejected: Option<&Secret>,
    ) -> Result<HostBoundSecret, SendError> {
        let region = self.bindings.verify_region(credential, region).await?;
        if let AuthMethod::Header { scheme, .. } = &kind.authorization {
            let secret = self.secrets.load_secret(credential, &SecretPart::Secret).await?;
            return Ok(bind_to_region(credential, scheme, region, Arc::new(secret)));
        }
        let cached = self.get_access_token(credential, kind, region, rejected).await?;
        Ok(HostBoundSecret {
            scheme: cached.scheme,
            secret: cached.token,
            origins: region.origins(),
        })
    }

    /// Authorizes with the secret in one slot and ignores cached tokens, because the caller wants
    /// to know whether exactly this secret works. A single-use secret is spent only if it has no
    /// access token yet; its successor replaces it in the slot.
    pub(in crate::engine) async fn authorize_slot(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
        region: &Region,
        slot: SecretSlot,
    ) -> Result<HostBoundSecret, SendError> {
        let region = self.bindings.verify_region(credential, region).await?;
        let target = ExchangeTarget { credential, kind, region, slot };
        let cached = if matches!(kind.authorization, AuthMethod::RefreshToken { .. }) {
            let lock = self.locks.lock(&credential.id).await?;
            self.refresh_access_token(target, None, &lock).await?
        } else {
            let (secret, parts) = self.load_secret_and_parts(target).await?;
            let exchange = self.token_exchange(&credential.fields, kind, region, &secret, &parts);
            self.new_cached_token(exchange.access_token(self.transport.as_ref()).await?)
        };
        Ok(HostBoundSecret {
            scheme: cached.scheme,
            secret: cached.token,
            origins: region.origins(),
        })
    }

    async fn get_access_token(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
        region: BoundRegion<'_>,
        rejected: Option<&Secret>,
    ) -> Result<CachedAccessToken, SendError> {
        let known = || {
            self.token_cache
                .get(&credential.id, &region.region().id, self.clock.now())
                .filter(|cached| !is_same_token(rejected, &cached.token))
        };
        if let Some(cached) = known() {
            return Ok(cached);
        }
        let lock = self.locks.lock(&credential.id).await?;
        // Another task may have been faster while this one waited for the lock.
        if let Some(cached) = known() {
            return Ok(cached);
        }
        let target = ExchangeTarget { credential, kind, region, slot: SecretSlot::Current };
        let cached = if matches!(kind.authorization, AuthMethod::RefreshToken { .. }) {
            self.refresh_access_token(target, rejected, &lock).await?
        } else {
            let (secret, parts) = self.load_secret_and_parts(target).await?;
            let exchange = self.token_exchange(&credential.fields, kind, region, &secret, &parts);
            self.new_cached_token(exchange.access_token(self.transport.as_ref()).await?)
        };
        self.token_cache.insert(&credential.id, &region.region().id, cached.clone());
        Ok(cached)
    }

    /// Spends the refresh token, unless another process already did and its access token is still
    /// valid.
    async fn refresh_access_token(
        &self,
        target: ExchangeTarget<'_>,
        rejected: Option<&Secret>,
        _lock: &CredentialLock,
    ) -> Result<CachedAccessToken, SendError> {
        let ExchangeTarget { credential, kind, region, slot } = target;
        if let Some(cached) = self
            .load_shared_access_token(target)
            .await?
            .filter(|cached| !is_same_token(rejected, &cached.token))
        {
            return Ok(cached);
        }
        let (secret, parts) = self.load_secret_and_parts(target).await?;
        let exchange = self.token_exchange(&credential.fields, kind, region, &secret, &parts);
        let refreshed = exchange.refresh(self.transport.as_ref()).await?;
        Ok(self.store_tokens(credential, slot, refreshed).await?)
    }

    /// Stores the result of a refresh or sign-in, the next refresh token first, before any of it is
    /// used.
    pub(in crate::engine) async fn store_tokens(
        &self,
        credential: &Credential,
        slot: SecretSlot,
        refreshed: RefreshResult,
    ) -> Result<CachedAccessToken, Problem> {
        if let Some(next) = &refreshed.next {
            self.secrets
                .store_secret(
                    secret_location(&credential.id, slot, &SecretPart::Secret),
                    &next.secret,
                )
                .await?;
            if slot == SecretSlot::Current {
                self.record_refresh_token(credential, next).await?;
            }
        }
        let cached = self.new_cached_token(refreshed.access);
        self.store_shared_access_token(&credential.id, slot, &cached).await?;
        Ok(cached)
    }

    /// Loads the access token that another process stored, if it is still valid.
    async fn load_shared_access_token(
        &self,
        target: ExchangeTarget<'_>,
    ) -> Result<Option<CachedAccessToken>, SendError> {
        let ExchangeTarget { credential, kind, slot, .. } = target;
        let stored = match self
            .store
            .get(&ItemKey::for_part(&credential.id, slot, &access_token_part()))
            .await
        {
            Ok(stored) => stored,
            Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(decode_shared_token(&stored, kind.authorization.scheme())
            .filter(|cached| cached.lifetime.until > self.clock.now()))
    }

    /// Stores the access token of a session in a slot, for other processes and later runs.
    pub(in crate::engine) async fn store_shared_access_token(
        &self,
        id: &CredentialId,
        slot: SecretSlot,
        cached: &CachedAccessToken,
    ) -> Result<(), Problem> {
        let stored = encode_shared_token(cached);
        self.store.put(&ItemKey::for_part(id, slot, &access_token_part()), &stored).await?;
        self.secrets
            .record_fingerprint(secret_location(id, slot, &access_token_part()), &cached.token)
            .await;
        Ok(())
    }

    /// Updates the credential's fingerprint, so that duplicates are still found, and the expiry of
    /// the session.
    async fn record_refresh_token(
        &self,
        credential: &Credential,
        next: &RefreshToken,
    ) -> Result<(), Problem> {
        let (id, fingerprint) =
            (credential.id.clone(), self.fingerprints.fingerprint(&next.secret).await?);
        let end = self.expiry_after(next.lifetime);
        self.database
            .run(move |index| {
                index.update_credential(&id, |credential| {
                    credential.fingerprint = Some(fingerprint);
                    credential.expires = end.or(credential.expires);
                })
            })
            .await?;
        Ok(())
    }

    /// Returns the time at which a lifetime that begins now expires.
    pub(in crate::engine) fn expiry_after(
        &self,
        lifetime: Option<std::time::Duration>,
    ) -> Option<Timestamp> {
        lifetime.and_then(|lifetime| TokenExpiry::After(lifetime).resolve(self.clock.now()))
    }

    /// Deletes a session's access token from the cache and from the store.
    pub(in crate::engine) async fn clear_access_token(
        &self,
        credential: &Credential,
    ) -> Result<(), Problem> {
        self.clear_access_token_of_slot(&credential.id, SecretSlot::Current).await
    }

    /// Deletes the access token that belongs to the refresh token of a slot, and drops all cached
    /// ones.
    async fn clear_access_token_of_slot(
        &self,
        id: &CredentialId,
        slot: SecretSlot,
    ) -> Result<(), Problem> {
        self.token_cache.remove(id);
        match self.store.delete(&ItemKey::for_part(id, slot, &access_token_part())).await {
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        self.secrets.release_fingerprint(secret_location(id, slot, &access_token_part())).await;
        Ok(())
    }

    /// Sends the refresh token of a slot to the token endpoint, whatever access token exists: only
    /// this shows whether the refresh token still works. The access token of the slot is deleted
    /// first; a successor of the refresh token replaces it in its slot.
    pub(in crate::engine) async fn spend_refresh_token(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
        region: &Region,
        slot: SecretSlot,
    ) -> Result<CachedAccessToken, SendError> {
        let lock = self.locks.lock(&credential.id).await?;
        self.clear_access_token_of_slot(&credential.id, slot).await?;
        let region = self.bindings.verify_region(credential, region).await?;
        let target = ExchangeTarget { credential, kind, region, slot };
        self.refresh_access_token(target, None, &lock).await
    }

    /// Returns when the stored access token of a slot expires at the provider; `None` where the
    /// slot has none.
    pub(in crate::engine) async fn stored_access_token_expiry(
        &self,
        id: &CredentialId,
        slot: SecretSlot,
    ) -> Result<Option<Timestamp>, Problem> {
        match self.store.get(&ItemKey::for_part(id, slot, &access_token_part())).await {
            Ok(stored) => Ok(decode_shared_token(&stored, "")
                .map(|cached| cached.lifetime.until + EXPIRY_MARGIN)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Loads the secret in a slot and the current further parts that exist.
    async fn load_secret_and_parts(
        &self,
        target: ExchangeTarget<'_>,
    ) -> Result<(Arc<Secret>, BTreeMap<String, Arc<Secret>>), Problem> {
        let ExchangeTarget { credential, kind, slot, .. } = target;
        let secret = match slot {
            SecretSlot::Current => {
                self.secrets.load_secret(credential, &SecretPart::Secret).await?
            }
            other => self
                .secrets
                .load_slot(credential, other, &SecretPart::Secret)
                .await?
                .ok_or(StoreError::NotFound)?,
        };
        Ok((Arc::new(secret), self.load_parts(credential, kind).await?))
    }

    /// Loads the further parts of the secret that exist.
    pub(in crate::engine) async fn load_parts(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
    ) -> Result<BTreeMap<String, Arc<Secret>>, Problem> {
        let mut parts = BTreeMap::new();
        for part in &kind.parts {
            let named = SecretPart::Named(part.id.clone());
            if let Some(secret) = self.secrets.load_stored_secret(credential, &named).await? {
                parts.insert(part.id.clone(), Arc::new(secret));
            }
        }
        Ok(parts)
    }

    pub(in crate::engine) fn token_exchange<'a>(
        &self,
        fields: &'a BTreeMap<String, String>,
        kind: &'a CredentialKind,
        region: BoundRegion<'a>,
        secret: &'a Arc<Secret>,
        parts: &'a BTreeMap<String, Arc<Secret>>,
    ) -> TokenExchange<'a> {
        let (limits, now) = (self.limits.for_checks(), self.clock.now());
        TokenExchange {
            authorization: &kind.authorization,
            region: region.region(),
            fields,
            secret,
            parts,
            limits,
            now,
        }
    }

    /// Builds the cache entry of an access token that was just received.
    pub(in crate::engine) fn new_cached_token(&self, token: AccessToken) -> CachedAccessToken {
        let received = self.clock.now();
        let end = token.expires_at(received).unwrap_or(received + DEFAULT_TOKEN_LIFETIME);
        CachedAccessToken {
            token: token.secret,
            scheme: token.scheme,
            lifetime: TokenLifetime { since: Some(received), until: end - EXPIRY_MARGIN },
        }
    }
}

/// Returns whether the credential's secret is sent exactly as it is stored.
pub(in crate::engine) fn sends_secret_verbatim(
    kind: &CredentialKind,
    credential: &Credential,
) -> bool {
    !kind.authorization.uses_token_exchange() && !credential.fields.contains_key(KEY_FILE_FIELD)
}

/// Binds the secret to the region's origins, under the scheme that is known to work or else the
/// kind's default.
pub(in crate::engine) fn bind_to_region(
    credential: &Credential,
    scheme: &str,
    region: BoundRegion<'_>,
    secret: Arc<Secret>,
) -> HostBoundSecret {
    let scheme = credential.scheme.as_deref().unwrap_or(scheme).to_owned();
    HostBoundSecret { scheme, secret, origins: region.origins() }
}

/// Returns the part that stores a session's access token.
pub(in crate::engine) fn access_token_part() -> SecretPart {
    SecretPart::Named(ACCESS_TOKEN_PART.to_owned())
}

/// Encodes an access token as `<expiry> <token>` or `<expiry>/<received> <token>`, times in seconds
/// since 1970, so that its lifetime is stored with it.
fn encode_shared_token(cached: &CachedAccessToken) -> Secret {
    cached.token.expose(|token| {
        let TokenLifetime { since, until } = cached.lifetime;
        let since = since.map(|since| format!("/{}", since.unix_timestamp())).unwrap_or_default();
        let life = format!("{}{since}", until.unix_timestamp());
        let mut bytes = Vec::with_capacity(life.len() + 1 + token.len());
        bytes.extend_from_slice(life.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(token);
        Secret::new(bytes)
    })
}

/// Extracts the access token from the stored form that also holds its expiry.
pub(in crate::engine) fn shared_token_secret(stored: &Secret) -> Option<Arc<Secret>> {
    decode_shared_token(stored, "").map(|cached| cached.token)
}

fn decode_shared_token(stored: &Secret, scheme: &str) -> Option<CachedAccessToken> {
    stored.expose(|bytes| {
        let blank = bytes.iter().position(|byte| *byte == b' ')?;
        let life = std::str::from_utf8(&bytes[..blank]).ok()?;
        let (until, since) =
            life.split_once('/').map_or((life, None), |(until, since)| (until, Some(since)));
        let moment = |seconds: &str| Timestamp::from_unix_timestamp(seconds.parse().ok()?).ok();
        let life = TokenLifetime { since: since.and_then(moment), until: moment(until)? };
        Some(CachedAccessToken {
            token: Arc::new(Secret::new(bytes[blank + 1..].to_vec())),
            scheme: scheme.to_owned(),
            lifetime: life,
        })
    })
}

fn is_same_token(rejected: Option<&Secret>, token: &Secret) -> bool {
    rejected.is_some_and(|rejected| rejected.same_as(token))
}

impl From<NetError> for SendError {
    fn from(error: NetError) -> Self {
        Self::Net(error)
    }
}

impl From<TokenExchangeError> for SendError {
    fn from(error: TokenExchangeError) -> Self {
        match error {
            TokenExchangeError::Net(error) => Self::Net(error),
            error => Self::Exchange(error),
        }
    }
}

impl From<Problem> for SendError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for SendError {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}

impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Net(error) => error.into(),
            SendError::Exchange(error) => error.into(),
            SendError::Problem(problem) => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_shared_session_comes_back() {
        let until = datetime!(2026-11-22 1:02:03 UTC);
        for since in [None, Some(datetime!(2026-11-22 0:02:03 UTC))] {
            let token = Arc::new(Secret::from_text("a.b c".to_owned()));
            let cached = CachedAccessToken {
                token,
                scheme: "bearer".to_owned(),
                lifetime: TokenLifetime { since, until },
            };
            let back = decode_shared_token(&encode_shared_token(&cached), "bearer").unwrap();
            assert!(back.token.same_as(&cached.token));
            assert_eq!(back.lifetime, cached.lifetime);
        }
        assert!(decode_shared_token(&Secret::from_text("garbage".to_owned()), "bearer").is_none());
    }

    #[test]
    fn the_stored_form_of_a_shared_session() {
        let until = datetime!(2026-11-22 1:02:03 UTC);
        let pinned = [
            (None, "1795309323 a.b c"),
            (Some(datetime!(2026-11-22 0:02:03 UTC)), "1795309323/1795305723 a.b c"),
        ];
        for (since, form) in pinned {
            let token = Arc::new(Secret::from_text("a.b c".to_owned()));
            let cached = CachedAccessToken {
                token,
                scheme: "bearer".to_owned(),
                lifetime: TokenLifetime { since, until },
            };
            assert!(
                encode_shared_token(&cached).same_as(&Secret::from_text(form.to_owned())),
                "{form}"
            );
        }
        assert_eq!((ACCESS_TOKEN_PART, KEY_FILE_FIELD), ("access_token", "key_file"));
    }
}
