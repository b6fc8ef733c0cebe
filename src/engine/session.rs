//! Access tokens: what some kinds exchange their secret for. They live in memory until shortly before they end, and
//! nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::message::Lifetime;
use crate::domain::{Credential, CredentialId, Secret, Timestamp};

/// The access tokens of this run, by credential and region.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<(CredentialId, String), Session>>);

/// One access token.
#[derive(Clone)]
pub(super) struct Session {
    /// The token.
    pub token: Arc<Secret>,
    /// The scheme it is sent with.
    pub scheme: String,
    /// From when to when it is used.
    pub life: Lifetime,
}

impl super::Engine {
    /// Drops all access tokens of a credential that are remembered in this run.
    pub(super) fn forget_session(&self, id: &CredentialId) {
        self.sessions.forget(id);
    }

    /// The access token that is at hand in this run for a credential in its region. The store is not asked.
    pub(super) fn lifetime(&self, credential: &Credential) -> Option<Lifetime> {
        self.sessions.get(&credential.id, &credential.region, self.now()).map(|session| session.life)
    }
}

impl Sessions {
    /// The token of this credential in this region, if it is still good at `now`.
    pub(super) fn get(&self, id: &CredentialId, region: &str, now: Timestamp) -> Option<Session> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&(id.clone(), region.to_owned())).filter(|session| session.life.until > now).cloned()
    }

    /// Keeps a token.
    pub(super) fn put(&self, id: &CredentialId, region: &str, session: Session) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((id.clone(), region.to_owned()), session);
    }

    /// Drops all tokens of a credential, because its secret is another one now or was refused.
    pub(super) fn forget(&self, id: &CredentialId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _), _| known != id);
    }
}
