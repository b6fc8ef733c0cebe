//! From a credential to what is sent in its place: the secret itself, or an access token it is exchanged for.
//!
//! A refresh token can be spent once. Whoever refreshes holds the credential's lock, in this process and across
//! processes, looks again whether somebody else was faster, and stores the next refresh token before the access token
//! is used. A refusal deletes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::Duration;

use super::Engine;
use super::kept::place;
use super::keyring::KEY_FILE;
use super::lock::Held;
use super::message::Lifetime;
use super::session::Session;
use crate::domain::credential::{SecretPart, SecretSlot};
use crate::domain::provider::{AuthMethod, CredentialKind};
use crate::domain::region::Region;
use crate::domain::{Credential, CredentialId, Problem, Secret, Timestamp};
use crate::net::exchange::{AccessToken, TokenExchange, TokenExchangeError, TokenExpiry};
use crate::net::oauth::{RefreshResult, RefreshToken};
use crate::net::{HostBoundSecret, NetError};
use crate::store::{ItemKey, StoreError};

/// An access token is not used in its last moments, so that it does not end on the way.
const MARGIN: Duration = Duration::seconds(30);

/// How long a token is used that does not say when it ends.
const UNKNOWN_LIFETIME: Duration = Duration::minutes(5);

/// The part in which a session's access token is kept beside the refresh token, for the other processes.
pub(super) const ACCESS_TOKEN: &str = "access_token";

/// What the provider has refused, so that it is not tried again.
pub(super) enum Refused {
    /// Nothing so far.
    Nothing,
    /// This access token, although it should still be good: the clocks differ, or it was revoked.
    Token(Arc<Secret>),
}

/// Which secret is exchanged, and where.
#[derive(Clone, Copy)]
struct Spending<'a> {
    credential: &'a Credential,
    kind: &'a CredentialKind,
    region: &'a Region,
    slot: SecretSlot,
}

/// Why a request got no answer.
pub(super) enum Trouble {
    /// Nobody answered.
    Net(NetError),
    /// There is no access token.
    Exchange(TokenExchangeError),
    /// It never came to asking: the store, the index, the words.
    Problem(Problem),
}

impl Engine {
    /// What is to be sent for the credential in this region, bound to the region's origins.
    pub(super) async fn authorize(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
        region: &Region,
    ) -> Result<HostBoundSecret, Trouble> {
        self.authorize_anew(credential, kind, region, Refused::Nothing).await
    }

    /// The same, after the provider has refused what was sent.
    pub(super) async fn authorize_anew(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
        region: &Region,
        refused: Refused,
    ) -> Result<HostBoundSecret, Trouble> {
        if let AuthMethod::Header { scheme, .. } = &kind.authorization {
            let secret = self.secret(credential, &SecretPart::Secret).await?;
            return Ok(bind(credential, scheme, region, Arc::new(secret)));
        }
        let session = self.session(credential, kind, region, &refused).await?;
        Ok(HostBoundSecret { scheme: session.scheme, secret: session.token, origins: region.bound_origins() })
    }

    /// The same for the secret in a slot, whatever is remembered of the credential: who asks wants to know whether this
    /// very secret works. A secret that can be spent once is spent only where it has no access token yet, and its
    /// successor takes its place in the slot.
    pub(super) async fn authorize_slot(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
        region: &Region,
        slot: SecretSlot,
    ) -> Result<HostBoundSecret, Trouble> {
        let spending = Spending { credential, kind, region, slot };
        let session = if matches!(kind.authorization, AuthMethod::RefreshToken { .. }) {
            let held = self.locks.hold(&credential.id).await?;
            self.refreshed(spending, &Refused::Nothing, &held).await?
        } else {
            let (secret, parts) = self.material(spending).await?;
            let exchange = self.exchange(&credential.fields, kind, region, (&secret, &parts));
            self.session_of(exchange.access_token(self.transport.as_ref()).await?)
        };
        Ok(HostBoundSecret { scheme: session.scheme, secret: session.token, origins: region.bound_origins() })
    }

    async fn session(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
        region: &Region,
        refused: &Refused,
    ) -> Result<Session, Trouble> {
        let known = || self.sessions.get(&credential.id, &region.id, self.now()).filter(|session| !refused.is(&session.token));
        if let Some(session) = known() {
            return Ok(session);
        }
        let held = self.locks.hold(&credential.id).await?;
        // Somebody else may have been faster while this one waited.
        if let Some(session) = known() {
            return Ok(session);
        }
        let spending = Spending { credential, kind, region, slot: SecretSlot::Current };
        let session = if matches!(kind.authorization, AuthMethod::RefreshToken { .. }) {
            self.refreshed(spending, refused, &held).await?
        } else {
            let (secret, parts) = self.material(spending).await?;
            let exchange = self.exchange(&credential.fields, kind, region, (&secret, &parts));
            self.session_of(exchange.access_token(self.transport.as_ref()).await?)
        };
        self.sessions.put(&credential.id, &region.id, session.clone());
        Ok(session)
    }

    /// Spends the refresh token, unless another process already has and its access token is still good.
    async fn refreshed(&self, spending: Spending<'_>, refused: &Refused, _held: &Held) -> Result<Session, Trouble> {
        let Spending { credential, kind, region, slot } = spending;
        if let Some(session) = self.shared_session(spending).await?.filter(|session| !refused.is(&session.token)) {
            return Ok(session);
        }
        let (secret, parts) = self.material(spending).await?;
        let exchange = self.exchange(&credential.fields, kind, region, (&secret, &parts));
        let refreshed = exchange.refresh(self.transport.as_ref()).await?;
        Ok(self.keep_session(credential, slot, refreshed).await?)
    }

    /// Stores what a refresh or a sign-in gave, the next refresh token first, before any of it is used.
    pub(super) async fn keep_session(
        &self,
        credential: &Credential,
        slot: SecretSlot,
        refreshed: RefreshResult,
    ) -> Result<Session, Problem> {
        if let Some(next) = &refreshed.next {
            self.put_secret(place(&credential.id, slot, &SecretPart::Secret), &next.secret).await?;
            if slot == SecretSlot::Current {
                self.note_next(credential, next).await?;
            }
        }
        let session = self.session_of(refreshed.access);
        self.share_session(&credential.id, slot, &session).await?;
        Ok(session)
    }

    /// The access token that another process stored, if it is still good and of this region.
    async fn shared_session(&self, spending: Spending<'_>) -> Result<Option<Session>, Trouble> {
        let Spending { credential, kind, slot, .. } = spending;
        let stored = match self.store.get(&ItemKey::for_part(&credential.id, slot, &access_token())).await {
            Ok(stored) => stored,
            Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(read_shared(&stored, kind.authorization.scheme()).filter(|session| session.life.until > self.now()))
    }

    /// Stores the access token of the session in a slot, for the other processes and for what comes after this one.
    pub(super) async fn share_session(&self, id: &CredentialId, slot: SecretSlot, session: &Session) -> Result<(), Problem> {
        let stored = write_shared(session);
        self.store.put(&ItemKey::for_part(id, slot, &access_token()), &stored).await?;
        self.note_kept(place(id, slot, &access_token()), &session.token).await;
        Ok(())
    }

    /// The fingerprint follows the secret, or a twin would be missed; and so does the end of the session.
    async fn note_next(&self, credential: &Credential, next: &RefreshToken) -> Result<(), Problem> {
        let (id, fingerprint) = (credential.id.clone(), self.fingerprint(&next.secret).await?);
        let end = self.end_after(next.lifetime);
        self.with_index(move |index| {
            index.update_credential(&id, |credential| {
                credential.fingerprint = Some(fingerprint);
                credential.expires = end.or(credential.expires);
            })
        })
        .await?;
        Ok(())
    }

    /// When something ends that the provider gives so much time from now on.
    pub(super) fn end_after(&self, lifetime: Option<std::time::Duration>) -> Option<Timestamp> {
        lifetime.and_then(|lifetime| TokenExpiry::After(lifetime).resolve(self.now()))
    }

    /// Forgets a session's access token, here and for the other processes.
    pub(super) async fn forget_access_token(&self, credential: &Credential) -> Result<(), Problem> {
        self.sessions.forget(&credential.id);
        match self.store.delete(&key(credential, &access_token())).await {
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        self.note_gone(place(&credential.id, SecretSlot::Current, &access_token())).await;
        Ok(())
    }

    /// The secret of a slot, and the current further parts as far as they are there.
    async fn material(&self, spending: Spending<'_>) -> Result<(Arc<Secret>, BTreeMap<String, Arc<Secret>>), Problem> {
        let Spending { credential, kind, slot, .. } = spending;
        let secret = match slot {
            SecretSlot::Current => self.secret(credential, &SecretPart::Secret).await?,
            other => self.store.get(&ItemKey::for_part(&credential.id, other, &SecretPart::Secret)).await?,
        };
        Ok((Arc::new(secret), self.parts(credential, kind).await?))
    }

    /// The further parts of the secret, as far as they are there.
    pub(super) async fn parts(
        &self,
        credential: &Credential,
        kind: &CredentialKind,
    ) -> Result<BTreeMap<String, Arc<Secret>>, Problem> {
        let mut parts = BTreeMap::new();
        for part in &kind.parts {
            match self.store.get(&key(credential, &SecretPart::Named(part.id.clone()))).await {
                Ok(secret) => drop(parts.insert(part.id.clone(), Arc::new(secret))),
                Err(StoreError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(parts)
    }

    pub(super) fn exchange<'a>(
        &self,
        fields: &'a BTreeMap<String, String>,
        kind: &'a CredentialKind,
        region: &'a Region,
        (secret, parts): (&'a Arc<Secret>, &'a BTreeMap<String, Arc<Secret>>),
    ) -> TokenExchange<'a> {
        let (limits, now) = (self.options.limits, self.now());
        TokenExchange { authorization: &kind.authorization, region, fields, secret, parts, limits, now }
    }

    /// What is remembered of an access token.
    pub(super) fn session_of(&self, token: AccessToken) -> Session {
        let received = self.now();
        let end = token.expires_at(received).unwrap_or(received + UNKNOWN_LIFETIME);
        Session { token: token.secret, scheme: token.scheme, life: Lifetime { since: Some(received), until: end - MARGIN } }
    }
}

/// Whether the credential's secret is sent as it lies in the store.
pub(super) fn sent_as_it_is(kind: &CredentialKind, credential: &Credential) -> bool {
    !kind.authorization.uses_token_exchange() && !credential.fields.contains_key(KEY_FILE)
}

/// The secret itself, bound to the region's origins, under the scheme that is known to work or the kind's own.
pub(super) fn bind(credential: &Credential, scheme: &str, region: &Region, secret: Arc<Secret>) -> HostBoundSecret {
    let scheme = credential.scheme.as_deref().unwrap_or(scheme).to_owned();
    HostBoundSecret { scheme, secret, origins: region.bound_origins() }
}

/// The part in which a session's access token is kept.
pub(super) fn access_token() -> SecretPart {
    SecretPart::Named(ACCESS_TOKEN.to_owned())
}

fn key(credential: &Credential, part: &SecretPart) -> ItemKey {
    ItemKey::for_part(&credential.id, SecretSlot::Current, part)
}

/// `<end> <token>` or `<end>/<beginning> <token>`, both in seconds since 1970: how long it is used goes along with the
/// token.
fn write_shared(session: &Session) -> Secret {
    session.token.expose(|token| {
        let Lifetime { since, until } = session.life;
        let since = since.map(|since| format!("/{}", since.unix_timestamp())).unwrap_or_default();
        let life = format!("{}{since}", until.unix_timestamp());
        let mut bytes = Vec::with_capacity(life.len() + 1 + token.len());
        bytes.extend_from_slice(life.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(token);
        Secret::new(bytes)
    })
}

/// The access token that was stored together with its end.
pub(super) fn shared_token(stored: &Secret) -> Option<Arc<Secret>> {
    read_shared(stored, "").map(|session| session.token)
}

fn read_shared(stored: &Secret, scheme: &str) -> Option<Session> {
    stored.expose(|bytes| {
        let blank = bytes.iter().position(|byte| *byte == b' ')?;
        let life = std::str::from_utf8(&bytes[..blank]).ok()?;
        let (until, since) = life.split_once('/').map_or((life, None), |(until, since)| (until, Some(since)));
        let moment = |seconds: &str| Timestamp::from_unix_timestamp(seconds.parse().ok()?).ok();
        let life = Lifetime { since: since.and_then(moment), until: moment(until)? };
        Some(Session { token: Arc::new(Secret::new(bytes[blank + 1..].to_vec())), scheme: scheme.to_owned(), life })
    })
}

impl Refused {
    fn is(&self, token: &Secret) -> bool {
        matches!(self, Self::Token(refused) if refused.same_as(token))
    }
}

impl From<NetError> for Trouble {
    fn from(error: NetError) -> Self {
        Self::Net(error)
    }
}

impl From<TokenExchangeError> for Trouble {
    fn from(error: TokenExchangeError) -> Self {
        match error {
            TokenExchangeError::Net(error) => Self::Net(error),
            error => Self::Exchange(error),
        }
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Net(error) => error.into(),
            Trouble::Exchange(error) => error.into(),
            Trouble::Problem(problem) => problem,
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
            let session = Session { token, scheme: "bearer".to_owned(), life: Lifetime { since, until } };
            let back = read_shared(&write_shared(&session), "bearer").unwrap();
            assert!(back.token.same_as(&session.token));
            assert_eq!(back.life, session.life);
        }
        assert!(read_shared(&Secret::from_text("garbage".to_owned()), "bearer").is_none());
    }

    #[test]
    fn the_stored_form_of_a_shared_session() {
        let until = datetime!(2026-11-22 1:02:03 UTC);
        let pinned = [(None, "1795309323 a.b c"), (Some(datetime!(2026-11-22 0:02:03 UTC)), "1795309323/1795305723 a.b c")];
        for (since, form) in pinned {
            let token = Arc::new(Secret::from_text("a.b c".to_owned()));
            let session = Session { token, scheme: "bearer".to_owned(), life: Lifetime { since, until } };
            assert!(write_shared(&session).same_as(&Secret::from_text(form.to_owned())), "{form}");
        }
        assert_eq!((ACCESS_TOKEN, KEY_FILE), ("access_token", "key_file"));
    }
}
