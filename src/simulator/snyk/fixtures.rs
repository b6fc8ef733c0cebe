//! Constant data of a region: tenant, groups, organizations and roles. What changes is in `state`.

use super::super::deterministic;

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
