//! What people do in Snyk's web pages, because the API cannot: new personal access tokens, "Revoke & Regenerate".

use std::sync::Arc;

use super::super::clock::{DAY, Life, Millis, Moment};
use super::super::manifest::Credential;
use super::super::seed;
use super::super::wire::{LiveSecret, Provider};
use super::Region;
use super::people::{MOST_PATS, PAT_DAYS, active_pats};
use super::state::{Pat, State, Token};

impl Provider for Region {
    fn live(&self, now: Millis) -> Vec<LiveSecret> {
        let state = self.state();
        let tokens = state.tokens.iter().filter(|(_, token)| !token.life.is_over(now));
        let tokens = tokens.map(|(secret, token)| living(&token.holder, token.kind, secret));
        let accounts = state
            .accounts
            .iter()
            .flat_map(|account| account.secrets.living(now).map(|secret| living(account.id(), "client_secret", secret)));
        let apps =
            state.apps.iter().flat_map(|app| app.secrets.living(now).map(|secret| living(&app.id, "client_secret", secret)));
        let installs = state
            .installs
            .iter()
            .flat_map(|install| install.secrets.living(now).map(|secret| living(&install.id, "client_secret", secret)));
        let refreshes = state.living_refreshes(now).map(|(session, token)| living(session, "refresh_token", token));
        let mut live: Vec<LiveSecret> = tokens.chain(accounts).chain(apps).chain(installs).chain(refreshes).collect();
        live.sort_by(|one, other| (&one.account, one.kind, &one.sha256).cmp(&(&other.account, other.kind, &other.sha256)));
        live
    }

    fn replace_by_hand(&self, credential: &Credential, at: Moment) -> Option<String> {
        let mut state = self.state();
        match credential.kind {
            "personal-token" => self.regenerate(&mut state, &credential.secret, at),
            "personal-access-token" => self.create_pat(&mut state, &credential.secret, at),
            _ => None,
        }
    }

    fn revoke_by_hand(&self, sha256: &str, at: Moment) -> bool {
        let mut state = self.state();
        let found = state.tokens.iter_mut().find(|(secret, _)| seed::fingerprint(secret) == sha256);
        found.map(|(_, token)| token.life.end(at)).is_some()
    }
}

impl Region {
    /// "Revoke & Regenerate": whatever personal token the person has dies, and a new one takes its place.
    fn regenerate(&self, state: &mut State, seeded: &str, at: Moment) -> Option<String> {
        let person = Arc::clone(&state.tokens.get(seeded)?.principal);
        let own = |token: &&mut Token| token.holder == person.id && token.kind == "personal-token";
        state.tokens.values_mut().filter(own).for_each(|token| token.life.end(at));
        let secret = seed::secret_uuid(&state.fresh_label(self.id));
        state.tokens.insert(secret.clone(), Token::new(&person, "personal-token", Life::starting(at)));
        Some(secret)
    }

    /// A new personal access token beside the old ones, unless there are three already.
    fn create_pat(&self, state: &mut State, seeded: &str, at: Moment) -> Option<String> {
        let person = Arc::clone(&state.tokens.get(seeded)?.principal);
        if active_pats(state, &person.id, at).count() >= MOST_PATS {
            return None;
        }
        let id = seed::ulid(&state.fresh_label(self.id));
        let expires = at.now + PAT_DAYS * DAY;
        let pat = Pat { label: format!("by hand {id}"), id, owner: person.id.clone(), created: at.now, expires };
        Some(self.add_pat(state, &person, pat, Life::starting(at)))
    }
}

fn living(account: &str, kind: &'static str, secret: &str) -> LiveSecret {
    LiveSecret { account: account.to_owned(), kind, sha256: seed::fingerprint(secret) }
}
