//! What a region holds besides credentials, and what never changes: tenant, groups, organisations and roles.

use super::super::seed;

/// The names of the organisations, ten to a group. The first holds the many projects.
const ORGANISATIONS: [&str; 30] = [
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

const GROUPS: [&str; 3] = ["Acme", "Globex", "Initech"];

/// How many projects the first organisation holds.
pub(super) const MANY_PROJECTS: usize = 3_000;

/// What a role allows. The order is that of privilege.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Viewer,
    Scanner,
    Collaborator,
    OrgAdmin,
    GroupAdmin,
}

const ROLES: [(Rank, &str, &str); 5] = [
    (Rank::GroupAdmin, "Group Admin", "Administers the group and all its organizations"),
    (Rank::OrgAdmin, "Org Admin", "Administers one organization"),
    (Rank::Collaborator, "Org Collaborator", "Works with the projects of an organization"),
    (Rank::Scanner, "CI Scanner", "Custom role: tests and monitors projects"),
    (Rank::Viewer, "Group Viewer", "Reads everything in the group"),
];

pub(super) struct Role {
    pub(super) id: String,
    pub(super) rank: Rank,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
}

pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: &'static str,
}

pub(super) struct Org {
    pub(super) id: String,
    pub(super) slug: &'static str,
    /// Its place in [`World::groups`].
    pub(super) group: usize,
    pub(super) projects: usize,
    /// What the identifiers of its projects begin with.
    pub(super) project_prefix: String,
}

/// The unchanging part of a region.
pub(super) struct World {
    pub(super) tenant: String,
    pub(super) groups: Vec<Group>,
    pub(super) orgs: Vec<Org>,
    pub(super) roles: Vec<Role>,
}

impl World {
    pub(super) fn new(region: &str) -> Self {
        let group = |name: &'static str| Group { id: seed::uuid(&format!("{region}/group/{name}")), name };
        let role = |(rank, name, description)| Role { id: seed::uuid(&format!("{region}/role/{name}")), rank, name, description };
        Self {
            tenant: seed::uuid(&format!("{region}/tenant")),
            groups: GROUPS.map(group).into(),
            orgs: ORGANISATIONS.into_iter().enumerate().map(|(place, slug)| org(region, place, slug)).collect(),
            roles: ROLES.map(role).into(),
        }
    }

    pub(super) fn group(&self, id: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.id == id)
    }

    pub(super) fn org(&self, id: &str) -> Option<usize> {
        self.orgs.iter().position(|org| org.id == id)
    }

    pub(super) fn role(&self, id: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }

    pub(super) fn role_of(&self, rank: Rank) -> Option<&Role> {
        self.roles.iter().find(|role| role.rank == rank)
    }
}

fn org(region: &str, place: usize, slug: &'static str) -> Org {
    let id = seed::uuid(&format!("{region}/org/{slug}"));
    let project_prefix = seed::uuid(&format!("{id}/projects"))[..24].to_owned();
    let projects = if place == 0 { MANY_PROJECTS } else { place * 7 % 41 };
    Org { id, slug, group: place / 10, projects, project_prefix }
}

impl Org {
    /// `acme-prod` is shown as `Acme Prod`.
    pub(super) fn name(&self) -> String {
        let words = self.slug.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
        words.collect::<Vec<_>>().join(" ")
    }

    pub(super) fn project_id(&self, place: usize) -> String {
        format!("{}{place:012x}", self.project_prefix)
    }

    /// The place of a project, from its identifier alone.
    pub(super) fn project(&self, id: &str) -> Option<usize> {
        let place = usize::from_str_radix(id.strip_prefix(&self.project_prefix)?, 16).ok()?;
        (place < self.projects).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_has_its_promised_size() {
        let world = World::new("SNYK-US-01");
        assert_eq!((world.groups.len(), world.orgs.len(), world.orgs[0].projects), (3, 30, MANY_PROJECTS));
    }

    #[test]
    fn a_project_is_found_by_its_identifier() {
        let world = World::new("SNYK-US-01");
        let id = world.orgs[0].project_id(2_999);
        assert_eq!(world.orgs[0].project(&id), Some(2_999));
        assert_eq!(world.orgs[1].project(&id), None);
        assert_eq!(world.orgs[0].project(&world.orgs[0].project_id(3_000)), None);
    }
}
