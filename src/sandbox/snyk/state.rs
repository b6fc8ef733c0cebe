//! What changes in a region: tokens and who they stand for, service accounts, apps, sessions and the audit trail.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::super::clock::{Life, Millis, Moment};
use super::apps::App;
use super::installs::Install;
use super::rate::Usage;
use super::service_accounts::Account;
use super::sessions::{Code, Refresh, Session};
use super::world::{Rank, World};

/// The kind of the tokens that OAuth hands out.
pub(super) const ACCESS_TOKEN: &str = "oauth-access-token";

/// What `GET /rest/self` calls the type of a principal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    User,
    ServiceAccount,
    AppInstance,
}

/// How far something reaches: everything in the region, one group with its organisations, or one organisation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reach {
    Region,
    Group(usize),
    Org(usize),
}

impl Reach {
    /// The word for it in permissions and events.
    pub(super) fn level(self) -> &'static str {
        match self {
            Self::Org(_) => "org",
            Self::Group(_) => "group",
            Self::Region => "tenant",
        }
    }
}

/// Somebody who acts with a token.
pub(super) struct Principal {
    pub(super) id: String,
    pub(super) actor: Actor,
    pub(super) name: String,
    pub(super) rank: Rank,
    pub(super) reach: Reach,
}

impl Principal {
    /// Whether this principal may look at `scope`.
    pub(super) fn sees(&self, scope: Reach, world: &World) -> bool {
        match (self.reach, scope) {
            (Reach::Region, _) => true,
            (Reach::Group(own), Reach::Org(org)) => world.orgs[org].group == own,
            (own, scope) => own == scope,
        }
    }

    /// Whether this principal may administer `scope`.
    pub(super) fn manages(&self, scope: Reach, world: &World) -> bool {
        let needed = if matches!(scope, Reach::Org(_)) { Rank::OrgAdmin } else { Rank::GroupAdmin };
        self.rank >= needed && self.sees(scope, world)
    }
}

/// Which `Authorization` schemes a token is accepted with. The documentation contradicts itself; so do tokens here.
#[derive(Clone, Copy)]
pub(super) enum Schemes {
    Token,
    Bearer,
    Either,
}

impl Schemes {
    pub(super) fn accept(self, scheme: &str) -> bool {
        let token = scheme.eq_ignore_ascii_case("token");
        let bearer = scheme.eq_ignore_ascii_case("bearer");
        match self {
            Self::Token => token,
            Self::Bearer => bearer,
            Self::Either => token || bearer,
        }
    }
}

/// Something that may stand in an `Authorization` header.
pub(super) struct Token {
    pub(super) principal: Arc<Principal>,
    pub(super) schemes: Schemes,
    pub(super) life: Life,
    pub(super) usage: Usage,
    /// The user, account, personal access token or session it belongs to: what is deleted to revoke it.
    pub(super) holder: String,
    pub(super) kind: &'static str,
}

impl Token {
    pub(super) fn new(principal: &Arc<Principal>, kind: &'static str, life: Life) -> Self {
        let schemes = match kind {
            ACCESS_TOKEN => Schemes::Bearer,
            "personal-access-token" | "access_token" => Schemes::Either,
            _ => Schemes::Token,
        };
        let holder = principal.id.clone();
        Self { principal: Arc::clone(principal), schemes, life, usage: Usage::default(), holder, kind }
    }

    pub(super) fn held_by(self, holder: &str) -> Self {
        Self { holder: holder.to_owned(), ..self }
    }
}

/// A personal access token as its owner sees it. The token itself is among [`State::tokens`].
pub(super) struct Pat {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) label: String,
    pub(super) created: Millis,
    pub(super) expires: Millis,
}

/// One line of the audit log.
pub(super) struct Event {
    pub(super) at: Millis,
    pub(super) name: String,
    pub(super) scope: Reach,
    pub(super) user: String,
    pub(super) content: Value,
}

/// Everything that changes.
#[derive(Default)]
pub(super) struct State {
    pub(super) tokens: HashMap<String, Token>,
    pub(super) people: Vec<Arc<Principal>>,
    pub(super) pats: Vec<Pat>,
    pub(super) accounts: Vec<Account>,
    /// Names are never free again, not even after their account was deleted.
    pub(super) account_names: HashSet<(Reach, String)>,
    pub(super) apps: Vec<App>,
    pub(super) installs: Vec<Install>,
    pub(super) sessions: Vec<Session>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) refreshes: HashMap<String, Refresh>,
    pub(super) trail: Vec<Event>,
    minted: u64,
}

impl State {
    /// A label that was never used before, to derive an identifier or a secret from.
    pub(super) fn fresh_label(&mut self, region: &str) -> String {
        self.minted += 1;
        format!("{region}/minted/{}", self.minted)
    }

    /// Forgets access tokens that have run out, so that a long run does not collect them.
    pub(super) fn forget_access_tokens(&mut self, now: Millis) {
        self.tokens.retain(|_, token| token.kind != ACCESS_TOKEN || !token.life.is_over(now));
    }

    /// Ends every token that belongs to `holder`.
    pub(super) fn revoke_tokens(&mut self, holder: &str, at: Moment) {
        self.tokens.values_mut().filter(|token| token.holder == holder).for_each(|token| token.life.end(at));
    }
}
