//! Access tokens: what some kinds exchange their secret for. They live in memory until shortly before they end, and
//! nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{CredentialId, Moment, Secret};

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
    /// When it must no longer be used.
    pub until: Moment,
}

impl super::Engine {
    /// Drops all access tokens of a credential that are remembered in this run.
    pub(super) fn forget_session(&self, id: &CredentialId) {
        self.sessions.forget(id);
    }
}

impl Sessions {
    /// The token of this credential in this region, if it is still good at `now`.
    pub(super) fn get(&self, id: &CredentialId, region: &str, now: Moment) -> Option<Session> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&(id.clone(), region.to_owned())).filter(|session| session.until > now).cloned()
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
