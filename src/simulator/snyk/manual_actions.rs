//! Actions that users take on Snyk's web pages, because the API cannot: new personal access tokens,
//! "Revoke & Regenerate".

use std::sync::Arc;

use super::super::clock::{MILLIS_PER_DAY, RequestInstant, UnixMillis, ValidityPeriod};
use super::super::deterministic;
use super::super::http_service::{LiveSecretRecord, SimulatedProvider};
use super::super::manifest::SeededCredential;
use super::SnykRegion;
use super::self_endpoints::{MAX_PAT_DAYS, MAX_PATS, active_pats};
use super::state::{SnykPat, SnykState, SnykToken};

impl SimulatedProvider for SnykRegion {
    fn live_secrets(&self, now: UnixMillis) -> Vec<LiveSecretRecord> {
        let state = self.state();
        let tokens = state.tokens.iter().filter(|(_, token)| !token.validity.has_ended(now));
        let tokens = tokens.map(|(secret, token)| live_secret(&token.owner_id, token.kind, secret));
        let accounts = state.accounts.iter().flat_map(|account| {
            account
                .secrets
                .live_secrets(now)
                .map(|secret| live_secret(account.id(), "client_secret", secret))
        });
        let apps = state.apps.iter().flat_map(|app| {
            app.secrets
                .live_secrets(now)
                .map(|secret| live_secret(&app.id, "client_secret", secret))
        });
        let installs = state.installs.iter().flat_map(|install| {
            install
                .secrets
                .live_secrets(now)
                .map(|secret| live_secret(&install.id, "client_secret", secret))
        });
        let refreshes = state
            .live_refresh_tokens(now)
            .map(|(session, token)| live_secret(session, "refresh_token", token));
        let mut live: Vec<LiveSecretRecord> =
            tokens.chain(accounts).chain(apps).chain(installs).chain(refreshes).collect();
        live.sort_by(|one, other| {
            (&one.account, one.kind, &one.sha256).cmp(&(&other.account, other.kind, &other.sha256))
        });
        live
    }

    fn replace_manually(
        &self,
        credential: &SeededCredential,
        at: RequestInstant,
    ) -> Option<String> {
        let mut state = self.state();
        match credential.kind {
            "personal-token" => self.regenerate_personal_token(&mut state, &credential.secret, at),
            "personal-access-token" => self.create_pat(&mut state, &credential.secret, at),
            _ => None,
        }
    }

    fn revoke_manually(&self, sha256: &str, at: RequestInstant) -> bool {
        let mut state = self.state();
        let found =
            state.tokens.iter_mut().find(|(secret, _)| deterministic::sha256_hex(secret) == sha256);
        let Some((_, token)) = found else { return false };
        token.validity.revoke(at);
        let owner = token.owner_id.clone();
        state.pats.retain(|pat| pat.id != owner);
        true
    }
}

impl SnykRegion {
    /// Does "Revoke & Regenerate": revokes every personal token of the user and creates a new one.
    fn regenerate_personal_token(
        &self,
        state: &mut SnykState,
        seeded: &str,
        at: RequestInstant,
    ) -> Option<String> {
        let user = Arc::clone(&state.tokens.get(seeded)?.principal);
        let own =
            |token: &&mut SnykToken| token.owner_id == user.id && token.kind == "personal-token";
        state.tokens.values_mut().filter(own).for_each(|token| token.validity.revoke(at));
        let secret = deterministic::secret_uuid(&state.new_label(self.id));
        state.tokens.insert(
            secret.clone(),
            SnykToken::new(&user, "personal-token", ValidityPeriod::starting_at(at)),
        );
        Some(secret)
    }

    /// Creates a personal access token beside the old ones, unless there are three already.
    fn create_pat(
        &self,
        state: &mut SnykState,
        seeded: &str,
        at: RequestInstant,
    ) -> Option<String> {
        let user = Arc::clone(&state.tokens.get(seeded)?.principal);
        if active_pats(state, &user.id, at).count() >= MAX_PATS {
            return None;
        }
        let id = deterministic::ulid(&state.new_label(self.id));
        let expires = at.now + MAX_PAT_DAYS * MILLIS_PER_DAY;
        let pat = SnykPat {
            label: format!("by hand {id}"),
            id,
            owner: user.id.clone(),
            created: at.now,
            expires,
        };
        Some(self.add_pat(state, &user, pat, ValidityPeriod::starting_at(at)))
    }
}

fn live_secret(account: &str, kind: &'static str, secret: &str) -> LiveSecretRecord {
    LiveSecretRecord {
        account: account.to_owned(),
        kind,
        sha256: deterministic::sha256_hex(secret),
    }
}
