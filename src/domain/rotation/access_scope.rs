//! What a credential can do, and whether its successor can do the same.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::credential::Principal;

/// Whom a credential acts as and what it sees, as its provider said when it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessScope {
    /// Whom it acts as.
    pub principal: Principal,
    /// The kind's id.
    pub kind: String,
    /// The id of the region that accepted it.
    pub region: String,
    /// The organisations it sees, by id.
    #[serde(rename = "organisations")]
    pub organizations: BTreeSet<String>,
    /// Its roles; `None` where the provider does not tell.
    pub roles: Option<BTreeSet<String>>,
}

/// Whether a successor must act as the very principal of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalPolicy {
    /// The same principal gets another secret.
    Same,
    /// The successor is a principal of its own (a new service account), of the same type.
    #[serde(rename = "fresh")]
    New,
}

/// How a successor's reach stands to that of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeComparison {
    /// At least the same.
    Same,
    /// The same credential in kind, but it can do less; what is missing, in words.
    Weaker(Vec<String>),
    /// Something else altogether; what differs (and what is missing), in words.
    Different(Vec<String>),
    /// What the old one could do is not known; why, in words.
    Incomparable(String),
}

/// How many organisations that it does not see are named.
const MAX_NAMED_ORGANIZATIONS: usize = 3;

/// Compares the reach of a successor with that of the one before. More reach than before is no obstacle.
pub fn compare_scopes(
    old: &AccessScope,
    new: &AccessScope,
    identity: PrincipalPolicy,
) -> ScopeComparison {
    let mut what = scope_differences(old, new, identity);
    let different = !what.is_empty();
    what.extend(missing_access(old, new));
    match (different, what.is_empty()) {
        (true, _) => ScopeComparison::Different(what),
        (false, false) => ScopeComparison::Weaker(what),
        (false, true) => ScopeComparison::Same,
    }
}

fn scope_differences(
    old: &AccessScope,
    new: &AccessScope,
    identity: PrincipalPolicy,
) -> Vec<String> {
    let acting =
        (identity == PrincipalPolicy::Same && old.principal.id != new.principal.id).then(|| {
            format!(
                "it acts as {}, not {}",
                describe_principal(&new.principal),
                describe_principal(&old.principal)
            )
        });
    let facts = [
        ("its principal is of type", &old.principal.kind, &new.principal.kind),
        ("its kind is", &old.kind, &new.kind),
        ("its region is", &old.region, &new.region),
    ];
    let differing = facts.into_iter().filter(|(_, old, new)| old != new);
    acting
        .into_iter()
        .chain(differing.map(|(fact, old, new)| format!("{fact} {new}, not {old}")))
        .collect()
}

/// A principal by its name, and by its id because names repeat.
fn describe_principal(principal: &Principal) -> String {
    let Principal { id, name, .. } = principal;
    if name.is_empty() || name == id { id.clone() } else { format!("{name} ({id})") }
}

fn missing_access(old: &AccessScope, new: &AccessScope) -> Vec<String> {
    let lost: Vec<&str> =
        old.organizations.difference(&new.organizations).map(String::as_str).collect();
    let organisations = describe_lost_organizations(&lost);
    let roles = old.roles.iter().zip(&new.roles).flat_map(|(old, new)| old.difference(new));
    organisations
        .into_iter()
        .chain(roles.map(|lost| format!("it does not have the role {lost}")))
        .collect()
}

/// A few of many are named: whoever has to weigh it wants to know how much it is, and can look the rest up.
fn describe_lost_organizations(lost: &[&str]) -> Option<String> {
    let (named, rest) = lost.split_at(lost.len().min(MAX_NAMED_ORGANIZATIONS));
    let (named, count) = (named.join(", "), lost.len());
    match (count, rest.len()) {
        (0, _) => None,
        (1, _) => Some(format!("it does not see organisation {named}")),
        (_, 0) => Some(format!("it does not see {count} organisations: {named}")),
        (_, more) => {
            Some(format!("it does not see {count} organisations: {named} and {more} more"))
        }
    }
}

impl ScopeComparison {
    /// What a person has to weigh, in words; empty where there is nothing.
    pub fn objections(&self) -> Vec<String> {
        match self {
            Self::Same => Vec::new(),
            Self::Weaker(what) | Self::Different(what) => what.clone(),
            Self::Incomparable(why) => {
                vec![format!("what the old one could do is not known: {why}")]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(principal: &str, organisations: &[&str], roles: Option<&[&str]>) -> AccessScope {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        AccessScope {
            principal: Principal {
                id: principal.into(),
                name: principal.into(),
                kind: "user".into(),
            },
            kind: "personal-access-token".into(),
            region: "SNYK-EU-01".into(),
            organizations: set(organisations),
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
        let ScopeComparison::Weaker(what) =
            compare_scopes(&old, &reach("ann", &["acme"], Some(&[])), PrincipalPolicy::Same)
        else {
            panic!("not weaker")
        };
        assert_eq!(what, ["it does not see organisation beta", "it does not have the role admin"]);
    }

    #[test]
    fn of_many_organisations_a_few_are_named() {
        let old = reach("ann", &["a", "b", "c", "d", "e"], None);
        let told = |kept: &[&str]| {
            compare_scopes(&old, &reach("ann", kept, None), PrincipalPolicy::Same).objections()
        };
        assert_eq!(told(&["a", "b", "c"]), ["it does not see 2 organisations: d, e"]);
        assert_eq!(told(&[]), ["it does not see 5 organisations: a, b, c and 2 more"]);
    }

    #[test]
    fn roles_that_are_not_told_are_not_held_against_it() {
        let old = reach("ann", &["acme"], Some(&["admin"]));
        assert_eq!(
            compare_scopes(&old, &reach("ann", &["acme"], None), PrincipalPolicy::Same),
            ScopeComparison::Same
        );
    }

    #[test]
    fn another_principal_is_different_unless_a_fresh_one_was_planned() {
        let (ann, bob) = (reach("ann", &["acme"], None), reach("bob", &["acme"], None));
        assert_eq!(
            compare_scopes(&ann, &bob, PrincipalPolicy::Same),
            ScopeComparison::Different(vec!["it acts as bob, not ann".into()])
        );
        assert_eq!(compare_scopes(&ann, &bob, PrincipalPolicy::New), ScopeComparison::Same);
        let elsewhere = AccessScope { region: "SNYK-US-01".into(), ..bob };
        assert!(matches!(
            compare_scopes(&ann, &elsewhere, PrincipalPolicy::New),
            ScopeComparison::Different(_)
        ));
    }
}
