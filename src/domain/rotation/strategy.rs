//! The ways in which providers let a credential be replaced, as one table.

use serde::{Deserialize, Serialize};

use super::reach::Identity;
use super::step::Step;
use crate::domain::provider::spec::RotationStrategyId;

/// What sets one way of replacing apart from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// Who makes the new secret.
    pub mint: By,
    /// Who revokes the old one.
    pub revoke: By,
    /// By what the provider knows a secret that is to be revoked.
    pub handle: Handle,
    /// Whether a creation that was never answered can be found again.
    pub trace: Trace,
    /// Whether the new secret belongs to the same principal.
    pub identity: Identity,
}

/// Who does a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The program, by the provider's API.
    Program,
    /// A person, on the provider's page.
    Person,
    /// A person signs in with the browser, and the program fetches what comes of it.
    SignIn,
}

/// By what a provider knows a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handle {
    /// By an id of its own.
    Id,
    /// By nothing but its value, which must still be held to revoke it.
    Value,
}

/// Whether a creation that was never answered can be found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// By the name that it was given, in the provider's list.
    ByName,
    /// Not at all: the provider lists no such thing.
    Lost,
}

/// Whether old and new secret can live side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// Both work until the old one is revoked.
    SideBySide,
    /// The old one dies when the new one is made.
    Absent,
}

/// The row of the table for a strategy.
pub(super) const fn ways(strategy: RotationStrategyId) -> Ways {
    use RotationStrategyId as P;
    let (mint, revoke) = match strategy {
        P::Manual => (By::Person, By::Person),
        P::SnykPersonalAccessToken => (By::Person, By::Program),
        P::SnykAppSession => (By::SignIn, By::Program),
        P::SnykServiceAccount | P::SnykServiceAccountSecret | P::SnykAppSecret | P::ApiWebKey => (By::Program, By::Program),
    };
    let handle = match strategy {
        P::SnykServiceAccountSecret | P::SnykAppSession | P::SnykAppSecret => Handle::Value,
        _ => Handle::Id,
    };
    let (trace, identity) = match strategy {
        P::SnykServiceAccount | P::ApiWebKey => (Trace::ByName, Identity::Fresh),
        _ => (Trace::Lost, Identity::Same),
    };
    Ways { mint, revoke, handle, trace, identity }
}

/// How many of what it makes may live at the same time, where that is another number than the kind's.
pub(super) const fn max_live(strategy: RotationStrategyId) -> Option<u32> {
    match strategy {
        RotationStrategyId::SnykServiceAccountSecret | RotationStrategyId::SnykAppSecret => Some(2),
        _ => None,
    }
}

/// The name of a strategy for people.
pub(super) const fn title(strategy: RotationStrategyId) -> &'static str {
    match strategy {
        RotationStrategyId::Manual => "guided: a person makes the new secret and revokes the old one",
        RotationStrategyId::SnykPersonalAccessToken => "assisted: a person makes the new token, the old one is revoked by API",
        RotationStrategyId::SnykServiceAccount => {
            "automatic: a new service account with the same role, then the old one is deleted"
        }
        RotationStrategyId::SnykServiceAccountSecret => {
            "automatic: a second secret on the same account, then the old one is deleted"
        }
        RotationStrategyId::SnykAppSession => "assisted: a person signs in again, the old session is revoked by API",
        RotationStrategyId::SnykAppSecret => "automatic: a second client secret on the same app, then the old one is deleted",
        RotationStrategyId::ApiWebKey => "automatic: a new key, then the old one is deleted",
    }
}

/// The name of a way to make a credential, for people.
pub(super) const fn creation_title(strategy: RotationStrategyId) -> &'static str {
    match strategy {
        RotationStrategyId::Manual | RotationStrategyId::SnykPersonalAccessToken | RotationStrategyId::SnykAppSession => {
            "guided: a person makes it"
        }
        RotationStrategyId::SnykServiceAccount => "automatic: a new service account",
        RotationStrategyId::SnykServiceAccountSecret => "automatic: a further secret for a service account that exists",
        RotationStrategyId::SnykAppSecret => "automatic: a further client secret for an app that exists",
        RotationStrategyId::ApiWebKey => "automatic: a new key",
    }
}

/// The name of a way to revoke a credential, for people.
pub(super) const fn revocation_title(strategy: RotationStrategyId) -> &'static str {
    match ways(strategy).revoke {
        By::Program => "automatic: the provider revokes it, and then it is shown to be refused",
        By::Person | By::SignIn => "guided: a person revokes it, and then it is shown to be refused",
    }
}

/// The calls to the provider that a step makes, for the plan that a person reads.
pub(super) const fn calls(strategy: RotationStrategyId, step: &Step) -> &'static [&'static str] {
    use RotationStrategyId as P;
    match (strategy, step) {
        (P::SnykPersonalAccessToken, Step::Snapshot) => &["GET /rest/self", "GET /rest/self/personal_access_tokens"],
        (P::SnykPersonalAccessToken, Step::Revoke) => &["DELETE /rest/self/personal_access_tokens/{id}"],
        (P::SnykServiceAccount, Step::Snapshot) => &["the kind's check", "GET /rest/{orgs|groups}/{id}/service_accounts"],
        (P::ApiWebKey, Step::Snapshot) => &["the kind's check", "GET /keys/"],
        (P::SnykServiceAccount, Step::Create) => &["POST /rest/{orgs|groups}/{id}/service_accounts"],
        (P::SnykServiceAccount, Step::Revoke) => &["DELETE /rest/{orgs|groups}/{id}/service_accounts/{old account}"],
        (P::SnykServiceAccountSecret, Step::Create) => {
            &["POST /rest/{orgs|groups}/{id}/service_accounts/{account}/secrets mode=create"]
        }
        (P::SnykServiceAccountSecret, Step::Revoke) => {
            &["POST /rest/{orgs|groups}/{id}/service_accounts/{account}/secrets mode=delete"]
        }
        (P::SnykAppSession, Step::AwaitSignIn) => &["GET /oauth2/authorize (in the browser)"],
        (P::SnykAppSession, Step::Create) => &["POST /oauth2/token"],
        (P::SnykAppSession, Step::Revoke) => &["POST /oauth2/revoke"],
        (P::SnykAppSecret, Step::Create) => &["POST /rest/orgs/{id}/apps/creations/{app}/secrets mode=create"],
        (P::SnykAppSecret, Step::Revoke) => &["POST /rest/orgs/{id}/apps/creations/{app}/secrets mode=delete"],
        (P::SnykAppSecret, Step::Snapshot | Step::Verify | Step::ProveDead) => {
            &["POST /oauth2/token (with a refresh token that never was)", "GET /rest/orgs/{id}/apps/creations/{app}"]
        }
        (P::ApiWebKey, Step::Create) => &["POST /keys/"],
        (P::ApiWebKey, Step::Revoke) => &["DELETE /keys/{id}/"],
        (_, Step::Snapshot | Step::Verify | Step::ProveDead) => &["the kind's check"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RotationStrategyId as P;

    const ALL: [P; 7] = [
        P::Manual,
        P::SnykPersonalAccessToken,
        P::SnykServiceAccount,
        P::SnykServiceAccountSecret,
        P::SnykAppSession,
        P::SnykAppSecret,
        P::ApiWebKey,
    ];

    #[test]
    fn what_the_program_asks_of_a_provider_is_told_before_it_asks_and_nothing_else() {
        for strategy in ALL {
            let told = |step: Step| calls(strategy, &step).iter().any(|call| call.contains('/'));
            let Ways { mint, revoke, trace, .. } = ways(strategy);
            assert_eq!(told(Step::Create), mint != By::Person, "{strategy:?}");
            assert_eq!(told(Step::AwaitSignIn), mint == By::SignIn, "{strategy:?}");
            assert_eq!(told(Step::Revoke), revoke == By::Program, "{strategy:?}");
            if trace == Trace::ByName {
                assert!(told(Step::Snapshot), "{strategy:?}: what is found by its name is looked for in a list");
            }
            for step in [Step::Snapshot, Step::Verify, Step::ProveDead] {
                assert!(!calls(strategy, &step).is_empty(), "{strategy:?}: {step:?}");
            }
            for step in [Step::Stash, Step::Promote, Step::Forget] {
                assert!(calls(strategy, &step).is_empty(), "{strategy:?}: {step:?} stays on this machine");
            }
        }
        assert!(calls(P::SnykAppSecret, &Step::Verify)[0].starts_with("POST /oauth2/token"), "a client secret is used otherwise");
        assert_eq!(calls(P::SnykPersonalAccessToken, &Step::Snapshot).len(), 2);
    }

    #[test]
    fn a_secret_without_an_id_is_handled_by_its_value_and_two_of_them_may_live() {
        for strategy in ALL {
            let by_value = matches!(strategy, P::SnykServiceAccountSecret | P::SnykAppSession | P::SnykAppSecret);
            assert_eq!(ways(strategy).handle == Handle::Value, by_value, "{strategy:?}");
        }
        assert_eq!([P::SnykServiceAccountSecret, P::SnykAppSecret, P::ApiWebKey].map(max_live), [Some(2), Some(2), None]);
    }

    #[test]
    fn whether_a_person_is_needed_is_said_first() {
        for strategy in ALL {
            let by_person = |by: By| if by == By::Person { "guided: " } else { "automatic: " };
            assert!(revocation_title(strategy).starts_with(by_person(ways(strategy).revoke)), "{strategy:?}");
            assert!(title(strategy).len() > 20, "{strategy:?}");
            let is_made_by_hand = matches!(strategy, P::Manual | P::SnykPersonalAccessToken | P::SnykAppSession);
            assert_eq!(creation_title(strategy).starts_with("guided: "), is_made_by_hand, "{strategy:?}");
            assert!(creation_title(strategy).len() > "automatic: ".len(), "{strategy:?}");
        }
    }
}
