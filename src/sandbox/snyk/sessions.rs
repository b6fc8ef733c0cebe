//! Sessions of apps that act for people: consents, and families of refresh tokens that may each be used once.

use std::sync::Arc;

use super::super::clock::{Life, Millis, Moment, SECOND};
use super::super::seed;
use super::state::{Principal, State};

/// How long a refresh token lives if nobody uses it: 180 days.
pub(super) const REFRESH_SECONDS: i64 = 15_552_000;
const CODE_SECONDS: i64 = 60;

/// What a person agreed to, until an app fetches it.
pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) user: Arc<Principal>,
    pub(super) expires: Millis,
}

/// An app that acts for a person: the family of all refresh tokens that descend from one consent.
pub(super) struct Session {
    pub(super) id: String,
    pub(super) app: String,
    pub(super) user: Arc<Principal>,
    pub(super) created: Millis,
    alive: bool,
}

/// A refresh token; it may be used once.
pub(super) struct Refresh {
    pub(super) session: String,
    pub(super) life: Life,
    pub(super) used: bool,
}

impl Session {
    pub(super) fn is_of(&self, user: &Principal) -> bool {
        self.alive && self.user.id == user.id
    }

    pub(super) fn install_id(&self) -> String {
        seed::uuid(&format!("{}/install", self.id))
    }
}

impl State {
    /// Begins a session with its first refresh token. `label` names both.
    pub(super) fn begin_session(&mut self, app: &str, user: &Arc<Principal>, label: &str, at: Moment) -> (String, String) {
        let id = seed::uuid(&format!("{label}/session"));
        self.sessions.push(Session { id: id.clone(), app: app.to_owned(), user: Arc::clone(user), created: at.now, alive: true });
        let refresh = self.add_refresh(&id, label, at);
        (id, refresh)
    }

    /// Ends a session with all its tokens.
    pub(super) fn end_session(&mut self, id: &str, at: Moment) {
        self.sessions.iter_mut().filter(|session| session.id == id).for_each(|session| session.alive = false);
        self.refreshes.values_mut().filter(|refresh| refresh.session == id).for_each(|refresh| refresh.life.end(at));
        self.revoke_tokens(id, at);
    }

    /// Remembers a consent and returns its code.
    pub(super) fn add_code(&mut self, region: &str, app: (&str, &str), challenge: &str, at: Moment) -> Option<String> {
        let code = seed::fingerprint(&self.fresh_label(region));
        let user = Arc::clone(self.people.first()?);
        let (client_id, redirect_uri) = (app.0.to_owned(), app.1.to_owned());
        let expires = at.now + CODE_SECONDS * SECOND;
        self.codes.insert(code.clone(), Code { client_id, redirect_uri, challenge: challenge.to_owned(), user, expires });
        Some(code)
    }

    /// The living refresh tokens, each with its session.
    pub(super) fn living_refreshes(&self, now: Millis) -> impl Iterator<Item = (&str, &str)> {
        let living = move |(_, refresh): &(&String, &Refresh)| !refresh.used && !refresh.life.is_over(now);
        self.refreshes.iter().filter(living).map(|(token, refresh)| (refresh.session.as_str(), token.as_str()))
    }

    /// Adds a refresh token to a session.
    pub(super) fn add_refresh(&mut self, session: &str, label: &str, at: Moment) -> String {
        let token = seed::snyk_secret("rt", label);
        let life = Life::starting(at).until(at.now + REFRESH_SECONDS * SECOND);
        self.refreshes.insert(token.clone(), Refresh { session: session.to_owned(), life, used: false });
        token
    }
}
