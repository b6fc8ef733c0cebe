//! Mutable state of a region: tokens and their principals, service accounts, apps, sessions and the
//! audit log.
//!
//! Constant data of a region: tenant, groups, organizations and roles. What changes is in `state`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::super::clock::{RequestInstant, UnixMillis, ValidityPeriod};
use super::super::deterministic;
use super::apps::SnykApp;
use super::installs::AppInstall;
use super::service_accounts::ServiceAccount;
use crate::simulator::snyk::authorize::{
    PendingAuthorizationCode, SnykAppSession, SnykRefreshToken,
};
use crate::simulator::snyk::rest::SecretUsage;

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

/// Slugs of the organizations, ten per group. The first one has the many projects.
const ORGANIZATION_SLUGS: [&str; 30] = [
    "acme-prod",
    "acme-staging",
    "acme-web",
    "acme-mobile",
    "acme-data",
    "acme-infra",
    "acme-identity",
    "acme-billing",
    "acme-search",
    "acme-sandbox",
    "globex-core",
    "globex-edge",
    "globex-payments",
    "globex-ledger",
    "globex-risk",
    "globex-partners",
    "globex-portal",
    "globex-ios",
    "globex-android",
    "globex-labs",
    "initech-erp",
    "initech-crm",
    "initech-hr",
    "initech-reports",
    "initech-legacy",
    "initech-gateway",
    "initech-batch",
    "initech-desktop",
    "initech-firmware",
    "initech-attic",
];

const GROUP_NAMES: [&str; 3] = ["Acme", "Globex", "Initech"];

/// Number of projects in the first organization.
pub(super) const FIRST_ORG_PROJECT_COUNT: usize = 3_000;

/// Privilege of a role, in ascending order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RolePrivilege {
    Viewer,
    Scanner,
    Collaborator,
    OrgAdmin,
    GroupAdmin,
}

const ROLE_TEMPLATES: [(RolePrivilege, &str, &str); 5] = [
    (RolePrivilege::GroupAdmin, "Group Admin", "Administers the group and all its organizations"),
    (RolePrivilege::OrgAdmin, "Org Admin", "Administers one organization"),
    (RolePrivilege::Collaborator, "Org Collaborator", "Works with the projects of an organization"),
    (RolePrivilege::Scanner, "CI Scanner", "Custom role: tests and monitors projects"),
    (RolePrivilege::Viewer, "Group Viewer", "Reads everything in the group"),
];

pub(super) struct SnykRole {
    pub(super) id: String,
    pub(super) privilege: RolePrivilege,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
}

pub(super) struct SnykGroup {
    pub(super) id: String,
    pub(super) name: &'static str,
}

pub(super) struct SnykOrg {
    pub(super) id: String,
    pub(super) slug: &'static str,
    /// Index in [`SnykFixtures::groups`].
    pub(super) group: usize,
    pub(super) projects: usize,
    /// Prefix of the identifiers of its projects.
    pub(super) project_prefix: String,
}

/// Constant data of a region.
pub(super) struct SnykFixtures {
    pub(super) tenant: String,
    pub(super) groups: Vec<SnykGroup>,
    pub(super) orgs: Vec<SnykOrg>,
    pub(super) roles: Vec<SnykRole>,
}

impl SnykFixtures {
    pub(super) fn new(region: &str) -> Self {
        let group = |name: &'static str| SnykGroup {
            id: deterministic::uuid(&format!("{region}/group/{name}")),
            name,
        };
        let role = |(privilege, name, description)| SnykRole {
            id: deterministic::uuid(&format!("{region}/role/{name}")),
            privilege,
            name,
            description,
        };
        Self {
            tenant: deterministic::uuid(&format!("{region}/tenant")),
            groups: GROUP_NAMES.map(group).into(),
            orgs: ORGANIZATION_SLUGS
                .into_iter()
                .enumerate()
                .map(|(index, slug)| build_org(region, index, slug))
                .collect(),
            roles: ROLE_TEMPLATES.map(role).into(),
        }
    }

    pub(super) fn group_index(&self, id: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.id == id)
    }

    pub(super) fn org_index(&self, id: &str) -> Option<usize> {
        self.orgs.iter().position(|org| org.id == id)
    }

    pub(super) fn role(&self, id: &str) -> Option<&SnykRole> {
        self.roles.iter().find(|role| role.id == id)
    }

    pub(super) fn role_with_privilege(&self, privilege: RolePrivilege) -> Option<&SnykRole> {
        self.roles.iter().find(|role| role.privilege == privilege)
    }
}

fn build_org(region: &str, index: usize, slug: &'static str) -> SnykOrg {
    let id = deterministic::uuid(&format!("{region}/org/{slug}"));
    let project_prefix = deterministic::uuid(&format!("{id}/projects"))[..24].to_owned();
    let projects = if index == 0 { FIRST_ORG_PROJECT_COUNT } else { index * 7 % 41 };
    SnykOrg { id, slug, group: index / 10, projects, project_prefix }
}

impl SnykOrg {
    /// Returns the display name: `acme-prod` becomes `Acme Prod`.
    pub(super) fn name(&self) -> String {
        let words = self.slug.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
        words.collect::<Vec<_>>().join(" ")
    }

    pub(super) fn project_id(&self, index: usize) -> String {
        format!("{}{index:012x}", self.project_prefix)
    }

    /// Returns the index of a project, from its identifier alone.
    pub(super) fn project_index(&self, id: &str) -> Option<usize> {
        let index = usize::from_str_radix(id.strip_prefix(&self.project_prefix)?, 16).ok()?;
        (index < self.projects).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_has_its_promised_size() {
        let fixtures = SnykFixtures::new("SNYK-US-01");
        assert_eq!(
            (fixtures.groups.len(), fixtures.orgs.len(), fixtures.orgs[0].projects),
            (3, 30, FIRST_ORG_PROJECT_COUNT)
        );
    }

    #[test]
    fn a_project_is_found_by_its_identifier() {
        let fixtures = SnykFixtures::new("SNYK-US-01");
        let id = fixtures.orgs[0].project_id(2_999);
        assert_eq!(fixtures.orgs[0].project_index(&id), Some(2_999));
        assert_eq!(fixtures.orgs[1].project_index(&id), None);
        assert_eq!(fixtures.orgs[0].project_index(&fixtures.orgs[0].project_id(3_000)), None);
    }
}
