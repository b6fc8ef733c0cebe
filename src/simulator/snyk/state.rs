//! Mutable state of a region: tokens and their principals, service accounts, apps, sessions and the
//! audit log.

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

/// Kind of the tokens that OAuth issues.
pub(super) const ACCESS_TOKEN: &str = "oauth-access-token";

/// Type of a principal in `GET /rest/self`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PrincipalType {
    User,
    ServiceAccount,
    AppInstance,
}

/// Scope: everything in the region, one group with its organizations, or one organization.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ResourceScope {
    Region,
    Group(usize),
    Org(usize),
}

impl ResourceScope {
    /// Returns the name of the level in permissions and events.
    pub(super) fn level_name(self) -> &'static str {
        match self {
            Self::Org(_) => "org",
            Self::Group(_) => "group",
            Self::Region => "tenant",
        }
    }
}

/// Principal that acts with a token.
pub(super) struct SnykPrincipal {
    pub(super) id: String,
    pub(super) principal_type: PrincipalType,
    pub(super) name: String,
    pub(super) privilege: RolePrivilege,
    pub(super) scope: ResourceScope,
}

impl SnykPrincipal {
    /// Returns whether this principal may view `scope`.
    pub(super) fn can_view(&self, scope: ResourceScope, fixtures: &SnykFixtures) -> bool {
        match (self.scope, scope) {
            (ResourceScope::Region, _) => true,
            (ResourceScope::Group(own), ResourceScope::Org(org)) => fixtures.orgs[org].group == own,
            (own, scope) => own == scope,
        }
    }

    /// Returns whether this principal may administer `scope`.
    pub(super) fn can_manage(&self, scope: ResourceScope, fixtures: &SnykFixtures) -> bool {
        let needed = if matches!(scope, ResourceScope::Org(_)) {
            RolePrivilege::OrgAdmin
        } else {
            RolePrivilege::GroupAdmin
        };
        self.privilege >= needed && self.can_view(scope, fixtures)
    }
}

/// `Authorization` schemes that a token is accepted with. The documentation contradicts itself, so
/// both variants exist here.
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

/// A token for the `Authorization` header.
pub(super) struct SnykToken {
    pub(super) principal: Arc<SnykPrincipal>,
    pub(super) schemes: AcceptedSchemes,
    pub(super) validity: ValidityPeriod,
    pub(super) usage: SecretUsage,
    /// User, account, personal access token or session that owns the token: deleting it revokes the
    /// token.
    pub(super) owner_id: String,
    pub(super) kind: &'static str,
}

impl SnykToken {
    pub(super) fn new(
        principal: &Arc<SnykPrincipal>,
        kind: &'static str,
        validity: ValidityPeriod,
    ) -> Self {
        let schemes = match kind {
            ACCESS_TOKEN => AcceptedSchemes::Bearer,
            "personal-access-token" | "access_token" => AcceptedSchemes::Either,
            _ => AcceptedSchemes::Token,
        };
        let owner_id = principal.id.clone();
        Self {
            principal: Arc::clone(principal),
            schemes,
            validity,
            usage: SecretUsage::default(),
            owner_id,
            kind,
        }
    }

    pub(super) fn with_owner(self, owner_id: &str) -> Self {
        Self { owner_id: owner_id.to_owned(), ..self }
    }
}

/// A personal access token as its owner sees it. The token itself is in [`SnykState::tokens`].
pub(super) struct SnykPat {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) label: String,
    pub(super) created: UnixMillis,
    pub(super) expires: UnixMillis,
}

/// One entry of the audit log.
pub(super) struct SnykAuditEvent {
    pub(super) at: UnixMillis,
    pub(super) name: String,
    pub(super) scope: ResourceScope,
    pub(super) user: String,
    pub(super) content: Value,
}

/// Mutable state of a region.
#[derive(Default)]
pub(super) struct SnykState {
    pub(super) tokens: HashMap<String, SnykToken>,
    pub(super) users: Vec<Arc<SnykPrincipal>>,
    pub(super) pats: Vec<SnykPat>,
    pub(super) accounts: Vec<ServiceAccount>,
    /// Names are never available again, not even after their account was deleted.
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
    /// Returns an unused label, from which an identifier or a secret is derived.
    pub(super) fn new_label(&mut self, region: &str) -> String {
        self.created_count += 1;
        format!("{region}/minted/{}", self.created_count)
    }

    /// Removes expired access tokens, so that they do not accumulate in a long run.
    pub(super) fn remove_expired_access_tokens(&mut self, now: UnixMillis) {
        self.tokens.retain(|_, token| token.kind != ACCESS_TOKEN || !token.validity.has_ended(now));
    }

    /// Revokes every token that belongs to `holder`.
    pub(super) fn revoke_tokens(&mut self, owner_id: &str, at: RequestInstant) {
        self.tokens
            .values_mut()
            .filter(|token| token.owner_id == owner_id)
            .for_each(|token| token.validity.revoke(at));
    }
}
