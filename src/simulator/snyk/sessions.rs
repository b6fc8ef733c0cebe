//! Sessions of apps that act for users: consents, and families of single-use refresh tokens.

use std::sync::Arc;

use super::super::clock::{MILLIS_PER_SECOND, RequestInstant, UnixMillis, ValidityPeriod};
use super::super::deterministic;
use super::state::{SnykPrincipal, SnykState};

/// Lifetime of an unused refresh token: 180 days.
pub(super) const REFRESH_TOKEN_SECONDS: i64 = 15_552_000;
const AUTHORIZATION_CODE_SECONDS: i64 = 60;

/// A user's consent, until an app exchanges its code.
pub(super) struct PendingAuthorizationCode {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) user: Arc<SnykPrincipal>,
    pub(super) expires: UnixMillis,
}

/// Session of an app that acts for a user: the family of all refresh tokens from one consent.
pub(super) struct SnykAppSession {
    pub(super) id: String,
    pub(super) app: String,
    pub(super) user: Arc<SnykPrincipal>,
    pub(super) created: UnixMillis,
    alive: bool,
}

/// A single-use refresh token.
pub(super) struct SnykRefreshToken {
    pub(super) session: String,
    pub(super) validity: ValidityPeriod,
    pub(super) used: bool,
}

impl SnykAppSession {
    pub(super) fn belongs_to(&self, user: &SnykPrincipal) -> bool {
        self.alive && self.user.id == user.id
    }

    pub(super) fn install_id(&self) -> String {
        deterministic::uuid(&format!("{}/install", self.id))
    }
}

impl SnykState {
    /// Starts a session with its first refresh token. `label` determines the identifiers of both.
    pub(super) fn start_session(
        &mut self,
        app: &str,
        user: &Arc<SnykPrincipal>,
        label: &str,
        at: RequestInstant,
    ) -> (String, String) {
        let id = deterministic::uuid(&format!("{label}/session"));
        self.sessions.push(SnykAppSession {
            id: id.clone(),
            app: app.to_owned(),
            user: Arc::clone(user),
            created: at.now,
            alive: true,
        });
        let refresh = self.issue_refresh_token(&id, label, at);
        (id, refresh)
    }

    /// Ends a session with all its tokens.
    pub(super) fn end_session(&mut self, id: &str, at: RequestInstant) {
        self.sessions
            .iter_mut()
            .filter(|session| session.id == id)
            .for_each(|session| session.alive = false);
        self.refresh_tokens
            .values_mut()
            .filter(|refresh| refresh.session == id)
            .for_each(|refresh| refresh.validity.revoke(at));
        self.revoke_tokens(id, at);
    }

    /// Stores a consent and returns its code.
    pub(super) fn issue_authorization_code(
        &mut self,
        region: &str,
        client_id: &str,
        redirect_uri: &str,
        challenge: &str,
        at: RequestInstant,
    ) -> Option<String> {
        let code = deterministic::sha256_hex(&self.new_label(region));
        let user = Arc::clone(self.users.first()?);
        let (client_id, redirect_uri) = (client_id.to_owned(), redirect_uri.to_owned());
        let expires = at.now + AUTHORIZATION_CODE_SECONDS * MILLIS_PER_SECOND;
        self.codes.insert(
            code.clone(),
            PendingAuthorizationCode {
                client_id,
                redirect_uri,
                challenge: challenge.to_owned(),
                user,
                expires,
            },
        );
        Some(code)
    }

    /// Returns the live refresh tokens, each with its session.
    pub(super) fn live_refresh_tokens(
        &self,
        now: UnixMillis,
    ) -> impl Iterator<Item = (&str, &str)> {
        let live = move |(_, refresh): &(&String, &SnykRefreshToken)| {
            !refresh.used && !refresh.validity.has_ended(now)
        };
        self.refresh_tokens
            .iter()
            .filter(live)
            .map(|(token, refresh)| (refresh.session.as_str(), token.as_str()))
    }

    /// Adds a refresh token to a session.
    pub(super) fn issue_refresh_token(
        &mut self,
        session: &str,
        label: &str,
        at: RequestInstant,
    ) -> String {
        let token = deterministic::snyk_secret("rt", label);
        let validity = ValidityPeriod::starting_at(at)
            .until(at.now + REFRESH_TOKEN_SECONDS * MILLIS_PER_SECOND);
        self.refresh_tokens.insert(
            token.clone(),
            SnykRefreshToken { session: session.to_owned(), validity, used: false },
        );
        token
    }
}
