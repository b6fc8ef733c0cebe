//! Access scope of a credential, and its comparison between a new and an old secret.
//!
//! [`compare_scopes`] decides whether a new secret can replace the old one without asking the user.
//! Fetching a scope from a provider belongs to `engine::rotation`.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::credential::Principal;
use crate::domain::strategy::PrincipalPolicy;

/// Identity and access of a credential, as its provider reported them when it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessScope {
    /// Principal that the credential acts as.
    pub principal: Principal,
    /// ID of the credential kind.
    pub kind: String,
    /// ID of the region that accepted the credential.
    pub region: String,
    /// IDs of the organizations that it can access, empty where the provider has none; `None` if
    /// the provider does not list them.
    #[serde(rename = "organisations")]
    pub organizations: Option<BTreeSet<String>>,
    /// Roles of the principal; `None` if the provider does not report them.
    pub roles: Option<BTreeSet<String>>,
}

/// How the access of a new secret compares with that of the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeComparison {
    /// At least the same access.
    Same,
    /// Same identity, but less access; what is missing, as text.
    Weaker(Vec<String>),
    /// Different identity; what differs (and what is missing), as text.
    Different(Vec<String>),
    /// The provider does not report what the comparison needs; the reason as text.
    Incomparable(String),
}

/// Principal ID that stands for a principal that the provider does not report.
pub const UNKNOWN_PRINCIPAL_ID: &str = "unknown";

/// How many inaccessible organizations are listed by name.
const MAX_NAMED_ORGANIZATIONS: usize = 3;

/// Compares the scope of a new secret with that of the old one. Additional access is accepted.
pub fn compare_scopes(
    old: &AccessScope,
    new: &AccessScope,
    policy: PrincipalPolicy,
) -> ScopeComparison {
    let mut differences = scope_differences(old, new, policy);
    let different = !differences.is_empty();
    differences.extend(missing_access(old, new));
    match (different, differences.is_empty()) {
        (true, _) => ScopeComparison::Different(differences),
        (false, false) => ScopeComparison::Weaker(differences),
        (false, true) => unknown_access(old, new, policy)
            .map_or(ScopeComparison::Same, ScopeComparison::Incomparable),
    }
}

/// Returns what the provider does not report and the comparison needs. A new principal has its own
/// roles; the roles of the same principal are the same.
fn unknown_access(old: &AccessScope, new: &AccessScope, policy: PrincipalPolicy) -> Option<String> {
    if [old, new].iter().any(|scope| scope.principal.id == UNKNOWN_PRINCIPAL_ID) {
        return Some("the provider does not report which user or account it acts as".to_owned());
    }
    if [old, new].iter().any(|scope| scope.organizations.is_none()) {
        return Some("the provider does not list the organizations that it can access".to_owned());
    }
    let roles_unknown = old.roles.is_none() || new.roles.is_none();
    (policy == PrincipalPolicy::New && roles_unknown)
        .then(|| "the provider does not report its roles".to_owned())
}

fn scope_differences(old: &AccessScope, new: &AccessScope, policy: PrincipalPolicy) -> Vec<String> {
    let principal_change =
        (policy == PrincipalPolicy::Same && old.principal.id != new.principal.id).then(|| {
            format!(
                "acts as {} instead of {}",
                describe_principal(&new.principal),
                describe_principal(&old.principal)
            )
        });
    let facts = [
        ("principal type", &old.principal.kind, &new.principal.kind),
        ("kind", &old.kind, &new.kind),
        ("region", &old.region, &new.region),
    ];
    let differing = facts.into_iter().filter(|(_, old, new)| old != new);
    principal_change
        .into_iter()
        .chain(differing.map(|(fact, old, new)| format!("{fact} {new} instead of {old}")))
        .collect()
}

/// Returns the principal's name with its ID, because names repeat.
fn describe_principal(principal: &Principal) -> String {
    let Principal { id, name, .. } = principal;
    if name.is_empty() || name == id { id.clone() } else { format!("{name} ({id})") }
}

fn missing_access(old: &AccessScope, new: &AccessScope) -> Vec<String> {
    let known = old.organizations.iter().zip(&new.organizations);
    let lost: Vec<&str> =
        known.flat_map(|(old, new)| old.difference(new)).map(String::as_str).collect();
    let organizations = describe_lost_organizations(&lost);
    let roles = old.roles.iter().zip(&new.roles).flat_map(|(old, new)| old.difference(new));
    organizations.into_iter().chain(roles.map(|lost| format!("lacks the role {lost}"))).collect()
}

/// Lists a few of many organizations: the user needs the total for the decision and can look up the
/// rest.
fn describe_lost_organizations(lost: &[&str]) -> Option<String> {
    let (named, rest) = lost.split_at(lost.len().min(MAX_NAMED_ORGANIZATIONS));
    let (named, count) = (named.join(", "), lost.len());
    match (count, rest.len()) {
        (0, _) => None,
        (1, _) => Some(format!("has no access to organization {named}")),
        (_, 0) => Some(format!("has no access to {count} organizations: {named}")),
        (_, more) => {
            Some(format!("has no access to {count} organizations: {named} and {more} more"))
        }
    }
}

impl fmt::Display for ScopeComparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => out.write_str("The new secret has at least the access of the old one"),
            Self::Weaker(differences) | Self::Different(differences) => {
                let differences = differences.join("; ");
                write!(out, "The new secret differs from the old one: {differences}")
            }
            Self::Incomparable(why) => {
                write!(out, "The new secret cannot be compared with the old one: {why}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(principal: &str, organizations: &[&str], roles: Option<&[&str]>) -> AccessScope {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        AccessScope {
            principal: Principal {
                id: principal.into(),
                name: principal.into(),
                kind: "user".into(),
            },
            kind: "personal-access-token".into(),
            region: "SNYK-EU-01".into(),
            organizations: Some(set(organizations)),
            roles: roles.map(set),
        }
    }

    #[test]
    fn the_same_or_more_is_no_obstacle() {
        let old = reach("ann", &["acme"], Some(&["viewer"]));
        assert_eq!(compare_scopes(&old, &old, PrincipalPolicy::Same), ScopeComparison::Same);
        assert_eq!(
            compare_scopes(
                &old,
                &reach("ann", &["acme", "beta"], Some(&["admin", "viewer"])),
                PrincipalPolicy::Same
            ),
            ScopeComparison::Same
        );
    }

    #[test]
    fn less_is_weaker_and_names_what_is_missing() {
        let old = reach("ann", &["acme", "beta"], Some(&["admin"]));
        let ScopeComparison::Weaker(differences) =
            compare_scopes(&old, &reach("ann", &["acme"], Some(&[])), PrincipalPolicy::Same)
        else {
            panic!("not weaker")
        };
        assert_eq!(differences, ["has no access to organization beta", "lacks the role admin"]);
    }

    #[test]
    fn of_many_organizations_a_few_are_named() {
        let old = reach("ann", &["a", "b", "c", "d", "e"], None);
        let comparison = |kept: &[&str]| {
            compare_scopes(&old, &reach("ann", kept, None), PrincipalPolicy::Same).to_string()
        };
        let differs = "The new secret differs from the old one: has no access to";
        assert_eq!(comparison(&["a", "b", "c"]), format!("{differs} 2 organizations: d, e"));
        assert_eq!(comparison(&[]), format!("{differs} 5 organizations: a, b, c and 2 more"));
    }

    #[test]
    fn roles_that_are_not_reported_are_not_compared() {
        let old = reach("ann", &["acme"], Some(&["admin"]));
        assert_eq!(
            compare_scopes(&old, &reach("ann", &["acme"], None), PrincipalPolicy::Same),
            ScopeComparison::Same
        );
    }

    #[test]
    fn organizations_that_are_not_listed_are_never_the_same() {
        let known = reach("ann", &["acme"], Some(&["viewer"]));
        let unknown = AccessScope { organizations: None, ..known.clone() };
        for policy in [PrincipalPolicy::Same, PrincipalPolicy::New] {
            for (old, new) in [(&known, &unknown), (&unknown, &known), (&unknown, &unknown)] {
                let comparison = compare_scopes(old, new, policy);
                assert!(matches!(comparison, ScopeComparison::Incomparable(_)), "{comparison:?}");
            }
            let none = AccessScope { organizations: Some(BTreeSet::new()), ..known.clone() };
            assert_eq!(compare_scopes(&none, &none, policy), ScopeComparison::Same);
        }
        let weaker = AccessScope { roles: Some(BTreeSet::new()), ..unknown };
        assert_eq!(
            compare_scopes(&known, &weaker, PrincipalPolicy::Same),
            ScopeComparison::Weaker(vec!["lacks the role viewer".into()]),
            "what is known to be missing is named"
        );
    }

    #[test]
    fn another_principal_is_different_unless_a_fresh_one_was_planned() {
        let roles: Option<&[&str]> = Some(&["viewer"]);
        let (ann, bob) = (reach("ann", &["acme"], roles), reach("bob", &["acme"], roles));
        assert_eq!(
            compare_scopes(&ann, &bob, PrincipalPolicy::Same),
            ScopeComparison::Different(vec!["acts as bob instead of ann".into()])
        );
        assert_eq!(compare_scopes(&ann, &bob, PrincipalPolicy::New), ScopeComparison::Same);
        for unknown in [reach("bob", &["acme"], None), reach("unknown", &["acme"], roles)] {
            assert!(matches!(
                compare_scopes(&ann, &unknown, PrincipalPolicy::New),
                ScopeComparison::Incomparable(_)
            ));
        }
        let elsewhere = AccessScope { region: "SNYK-US-01".into(), ..bob };
        assert!(matches!(
            compare_scopes(&ann, &elsewhere, PrincipalPolicy::New),
            ScopeComparison::Different(_)
        ));
    }
}
