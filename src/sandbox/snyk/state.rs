//! What changes in a region: tokens and who they stand for, service accounts, apps, sessions and the audit trail.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::super::clock::{RequestInstant, UnixMillis, ValidityPeriod};
use super::apps::SnykApp;
use super::fixtures::{RolePrivilege, SnykFixtures};
use super::installs::AppInstall;
use super::rate_limits::SecretUsage;
use super::service_accounts::ServiceAccount;
use super::sessions::{PendingAuthorizationCode, SnykAppSession, SnykRefreshToken};

/// The kind of the tokens that OAuth hands out.
pub(super) const ACCESS_TOKEN: &str = "oauth-access-token";

/// What `GET /rest/self` calls the type of a principal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PrincipalType {
    User,
    ServiceAccount,
    AppInstance,
}

/// How far something reaches: everything in the region, one group with its organisations, or one organisation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ResourceScope {
    Region,
    Group(usize),
    Org(usize),
}

impl ResourceScope {
    /// The word for it in permissions and events.
    pub(super) fn level_name(self) -> &'static str {
        match self {
            Self::Org(_) => "org",
            Self::Group(_) => "group",
            Self::Region => "tenant",
        }
    }
}

/// Somebody who acts with a token.
pub(super) struct SnykPrincipal {
    pub(super) id: String,
    pub(super) principal_type: PrincipalType,
    pub(super) name: String,
    pub(super) privilege: RolePrivilege,
    pub(super) scope: ResourceScope,
}

impl SnykPrincipal {
    /// Whether this principal may look at `scope`.
    pub(super) fn can_view(&self, scope: ResourceScope, world: &SnykFixtures) -> bool {
        match (self.scope, scope) {
            (ResourceScope::Region, _) => true,
            (ResourceScope::Group(own), ResourceScope::Org(org)) => world.orgs[org].group == own,
            (own, scope) => own == scope,
        }
    }

    /// Whether this principal may administer `scope`.
    pub(super) fn can_manage(&self, scope: ResourceScope, world: &SnykFixtures) -> bool {
        let needed = if matches!(scope, ResourceScope::Org(_)) {
            RolePrivilege::OrgAdmin
        } else {
            RolePrivilege::GroupAdmin
        };
        self.privilege >= needed && self.can_view(scope, world)
    }
}

/// Which `Authorization` schemes a token is accepted with. The documentation contradicts itself; so do tokens here.
#[derive(Clone, Copy)]
pub(super) enum AcceptedSchemes {
    Token,
    Bearer,
    Either,
}

impl AcceptedSchemes {
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
pub(super) struct SnykToken {
    pub(super) principal: Arc<SnykPrincipal>,
    pub(super) schemes: AcceptedSchemes,
    pub(super) validity: ValidityPeriod,
    pub(super) usage: SecretUsage,
    /// The user, account, personal access token or session it belongs to: what is deleted to revoke it.
    pub(super) owner_id: String,
    pub(super) kind: &'static str,
}

impl SnykToken {
    pub(super) fn new(
        principal: &Arc<SnykPrincipal>,
        kind: &'static str,
        life: ValidityPeriod,
    ) -> Self {
        let schemes = match kind {
            ACCESS_TOKEN => AcceptedSchemes::Bearer,
            "personal-access-token" | "access_token" => AcceptedSchemes::Either,
            _ => AcceptedSchemes::Token,
        };
        let holder = principal.id.clone();
        Self {
            principal: Arc::clone(principal),
            schemes,
            validity: life,
            usage: SecretUsage::default(),
            owner_id: holder,
            kind,
        }
    }

    pub(super) fn with_owner(self, holder: &str) -> Self {
        Self { owner_id: holder.to_owned(), ..self }
    }
}

/// A personal access token as its owner sees it. The token itself is among [`SnykState::tokens`].
pub(super) struct SnykPat {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) label: String,
    pub(super) created: UnixMillis,
    pub(super) expires: UnixMillis,
}

/// One line of the audit log.
pub(super) struct SnykAuditEvent {
    pub(super) at: UnixMillis,
    pub(super) name: String,
    pub(super) scope: ResourceScope,
    pub(super) user: String,
    pub(super) content: Value,
}

/// Everything that changes.
#[derive(Default)]
pub(super) struct SnykState {
    pub(super) tokens: HashMap<String, SnykToken>,
    pub(super) users: Vec<Arc<SnykPrincipal>>,
    pub(super) pats: Vec<SnykPat>,
    pub(super) accounts: Vec<ServiceAccount>,
    /// Names are never free again, not even after their account was deleted.
    pub(super) account_names: HashSet<(ResourceScope, String)>,
    pub(super) apps: Vec<SnykApp>,
    pub(super) installs: Vec<AppInstall>,
    pub(super) sessions: Vec<SnykAppSession>,
    pub(super) codes: HashMap<String, PendingAuthorizationCode>,
    pub(super) refresh_tokens: HashMap<String, SnykRefreshToken>,
    pub(super) audit_log: Vec<SnykAuditEvent>,
    created_count: u64,
}

impl SnykState {
    /// A label that was never used before, to derive an identifier or a secret from.
    pub(super) fn new_label(&mut self, region: &str) -> String {
        self.created_count += 1;
        format!("{region}/minted/{}", self.created_count)
    }

    /// Forgets access tokens that have run out, so that a long run does not collect them.
    pub(super) fn remove_expired_access_tokens(&mut self, now: UnixMillis) {
        self.tokens.retain(|_, token| token.kind != ACCESS_TOKEN || !token.validity.has_ended(now));
    }

    /// Ends every token that belongs to `holder`.
    pub(super) fn revoke_tokens(&mut self, holder: &str, at: RequestInstant) {
        self.tokens
            .values_mut()
            .filter(|token| token.owner_id == holder)
            .for_each(|token| token.validity.revoke(at));
    }
}
