//! Traits of the rotation strategies, as one table: who creates, who revokes, what can be found
//! again.
//!
//! `traits_for` returns the row of a strategy; the machine and the plan decide by traits and never
//! by the strategy itself. Titles and the displayed API calls of each strategy are here too. The
//! calls are implemented in `engine::rotation::strategies`.

use serde::{Deserialize, Serialize};

use super::access_scope::PrincipalPolicy;
use super::step::RotationStep;
use crate::domain::provider::spec::RotationStrategyId;

/// Traits that distinguish the rotation strategies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrategyTraits {
    /// Who creates the new secret.
    pub creator: StepActor,
    /// Who revokes the old secret.
    pub revoker: StepActor,
    /// How the provider identifies a secret that is to be revoked.
    pub revocation_key: RevocationKey,
    /// Whether a creation whose response was lost can be found again.
    pub traceability: CreationTraceability,
    /// Whether the new secret belongs to the same principal.
    pub principal_policy: PrincipalPolicy,
}

/// Who executes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepActor {
    /// The program, through the provider's API.
    Program,
    /// The user, on the provider's page.
    User,
    /// The user signs in with the browser, and the program exchanges the authorization code.
    UserSignIn,
}

/// How a provider identifies a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationKey {
    /// By a separate ID.
    ById,
    /// Only by its value, which must still be stored to revoke it.
    ByValue,
}

/// Whether a creation whose response was lost can be found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreationTraceability {
    /// By the name that it was given, in the provider's list.
    ByName,
    /// Not at all: the provider does not list such credentials.
    Untraceable,
}

/// Whether the old and the new secret can be valid at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretOverlap {
    /// Both work until the old one is revoked.
    SideBySide,
    /// The old one stops working when the new one is created.
    Absent,
}

/// Returns the table row of a strategy.
pub(super) const fn traits_for(strategy: RotationStrategyId) -> StrategyTraits {
    use RotationStrategyId as P;
    let (creator, revoker) = match strategy {
        P::Manual => (StepActor::User, StepActor::User),
        P::SnykPersonalAccessToken => (StepActor::User, StepActor::Program),
        P::SnykAppSession => (StepActor::UserSignIn, StepActor::Program),
        P::SnykServiceAccount | P::SnykServiceAccountSecret | P::SnykAppSecret | P::ApiWebKey => {
            (StepActor::Program, StepActor::Program)
        }
    };
    let revocation_key = match strategy {
        P::SnykServiceAccountSecret | P::SnykAppSession | P::SnykAppSecret => {
            RevocationKey::ByValue
        }
        _ => RevocationKey::ById,
    };
    let (traceability, principal_policy) = match strategy {
        P::SnykServiceAccount | P::ApiWebKey => {
            (CreationTraceability::ByName, PrincipalPolicy::New)
        }
        _ => (CreationTraceability::Untraceable, PrincipalPolicy::Same),
    };
    StrategyTraits { creator, revoker, revocation_key, traceability, principal_policy }
}

/// Returns how many secrets of a strategy may exist at the same time, if that differs from the
/// limit of the kind.
pub(super) const fn max_live_secrets(strategy: RotationStrategyId) -> Option<u32> {
    match strategy {
        RotationStrategyId::SnykServiceAccountSecret | RotationStrategyId::SnykAppSecret => Some(2),
        _ => None,
    }
}

/// Returns the title of a rotation with this strategy, for display.
pub(super) const fn rotation_title(strategy: RotationStrategyId) -> &'static str {
    match strategy {
        RotationStrategyId::Manual => {
            "guided: a person makes the new secret and revokes the old one"
        }
        RotationStrategyId::SnykPersonalAccessToken => {
            "assisted: a person makes the new token, the old one is revoked by API"
        }
        RotationStrategyId::SnykServiceAccount => {
            "automatic: a new service account with the same role, then the old one is deleted"
        }
        RotationStrategyId::SnykServiceAccountSecret => {
            "automatic: a second secret on the same account, then the old one is deleted"
        }
        RotationStrategyId::SnykAppSession => {
            "assisted: a person signs in again, the old session is revoked by API"
        }
        RotationStrategyId::SnykAppSecret => {
            "automatic: a second client secret on the same app, then the old one is deleted"
        }
        RotationStrategyId::ApiWebKey => "automatic: a new key, then the old one is deleted",
    }
}

/// Returns the title of a creation with this strategy, for display.
pub(super) const fn creation_title(strategy: RotationStrategyId) -> &'static str {
    match strategy {
        RotationStrategyId::Manual
        | RotationStrategyId::SnykPersonalAccessToken
        | RotationStrategyId::SnykAppSession => "guided: a person makes it",
        RotationStrategyId::SnykServiceAccount => "automatic: a new service account",
        RotationStrategyId::SnykServiceAccountSecret => {
            "automatic: a further secret for a service account that exists"
        }
        RotationStrategyId::SnykAppSecret => {
            "automatic: a further client secret for an app that exists"
        }
        RotationStrategyId::ApiWebKey => "automatic: a new key",
    }
}

/// Returns the title of a revocation with this strategy, for display.
pub(super) const fn revocation_title(strategy: RotationStrategyId) -> &'static str {
    match traits_for(strategy).revoker {
        StepActor::Program => {
            "automatic: the provider revokes it, and then it is shown to be refused"
        }
        StepActor::User | StepActor::UserSignIn => {
            "guided: a person revokes it, and then it is shown to be refused"
        }
    }
}

/// Returns the provider calls of a step, for the plan that the user reads.
pub(super) const fn provider_calls(
    strategy: RotationStrategyId,
    step: &RotationStep,
) -> &'static [&'static str] {
    use RotationStrategyId as P;
    match (strategy, step) {
        (P::SnykPersonalAccessToken, RotationStep::Snapshot) => {
            &["GET /rest/self", "GET /rest/self/personal_access_tokens"]
        }
        (P::SnykPersonalAccessToken, RotationStep::Revoke) => {
            &["DELETE /rest/self/personal_access_tokens/{id}"]
        }
        (P::SnykServiceAccount, RotationStep::Snapshot) => {
            &["the kind's check", "GET /rest/{orgs|groups}/{id}/service_accounts"]
        }
        (P::ApiWebKey, RotationStep::Snapshot) => &["the kind's check", "GET /keys/"],
        (P::SnykServiceAccount, RotationStep::Create) => {
            &["POST /rest/{orgs|groups}/{id}/service_accounts"]
        }
        (P::SnykServiceAccount, RotationStep::Revoke) => {
            &["DELETE /rest/{orgs|groups}/{id}/service_accounts/{old account}"]
        }
        (P::SnykServiceAccountSecret, RotationStep::Create) => {
            &["POST /rest/{orgs|groups}/{id}/service_accounts/{account}/secrets mode=create"]
        }
        (P::SnykServiceAccountSecret, RotationStep::Revoke) => {
            &["POST /rest/{orgs|groups}/{id}/service_accounts/{account}/secrets mode=delete"]
        }
        (P::SnykAppSession, RotationStep::AwaitSignIn) => {
            &["GET /oauth2/authorize (in the browser)"]
        }
        (P::SnykAppSession, RotationStep::Create) => &["POST /oauth2/token"],
        (P::SnykAppSession, RotationStep::Revoke) => &["POST /oauth2/revoke"],
        (P::SnykAppSecret, RotationStep::Create) => {
            &["POST /rest/orgs/{id}/apps/creations/{app}/secrets mode=create"]
        }
        (P::SnykAppSecret, RotationStep::Revoke) => {
            &["POST /rest/orgs/{id}/apps/creations/{app}/secrets mode=delete"]
        }
        (
            P::SnykAppSecret,
            RotationStep::Snapshot | RotationStep::Verify | RotationStep::VerifyRevoked,
        ) => &[
            "POST /oauth2/token (with a refresh token that never was)",
            "GET /rest/orgs/{id}/apps/creations/{app}",
        ],
        (P::ApiWebKey, RotationStep::Create) => &["POST /keys/"],
        (P::ApiWebKey, RotationStep::Revoke) => &["DELETE /keys/{id}/"],
        (_, RotationStep::Snapshot | RotationStep::Verify | RotationStep::VerifyRevoked) => {
            &["the kind's check"]
        }
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
            let has_call = |step: RotationStep| {
                provider_calls(strategy, &step).iter().any(|call| call.contains('/'))
            };
            let StrategyTraits { creator, revoker, traceability, .. } = traits_for(strategy);
            assert_eq!(has_call(RotationStep::Create), creator != StepActor::User, "{strategy:?}");
            assert_eq!(
                has_call(RotationStep::AwaitSignIn),
                creator == StepActor::UserSignIn,
                "{strategy:?}"
            );
            assert_eq!(
                has_call(RotationStep::Revoke),
                revoker == StepActor::Program,
                "{strategy:?}"
            );
            if traceability == CreationTraceability::ByName {
                assert!(
                    has_call(RotationStep::Snapshot),
                    "{strategy:?}: what is found by its name is looked for in a list"
                );
            }
            for step in [RotationStep::Snapshot, RotationStep::Verify, RotationStep::VerifyRevoked]
            {
                assert!(!provider_calls(strategy, &step).is_empty(), "{strategy:?}: {step:?}");
            }
            for step in [RotationStep::Stage, RotationStep::Promote, RotationStep::ClearSlots] {
                assert!(
                    provider_calls(strategy, &step).is_empty(),
                    "{strategy:?}: {step:?} stays on this machine"
                );
            }
        }
        assert!(
            provider_calls(P::SnykAppSecret, &RotationStep::Verify)[0]
                .starts_with("POST /oauth2/token"),
            "a client secret is used otherwise"
        );
        assert_eq!(provider_calls(P::SnykPersonalAccessToken, &RotationStep::Snapshot).len(), 2);
    }

    #[test]
    fn a_secret_without_an_id_is_handled_by_its_value_and_two_of_them_may_live() {
        for strategy in ALL {
            let by_value = matches!(
                strategy,
                P::SnykServiceAccountSecret | P::SnykAppSession | P::SnykAppSecret
            );
            assert_eq!(
                traits_for(strategy).revocation_key == RevocationKey::ByValue,
                by_value,
                "{strategy:?}"
            );
        }
        assert_eq!(
            [P::SnykServiceAccountSecret, P::SnykAppSecret, P::ApiWebKey].map(max_live_secrets),
            [Some(2), Some(2), None]
        );
    }

    #[test]
    fn whether_a_person_is_needed_is_said_first() {
        for strategy in ALL {
            let prefix =
                |by: StepActor| if by == StepActor::User { "guided: " } else { "automatic: " };
            assert!(
                revocation_title(strategy).starts_with(prefix(traits_for(strategy).revoker)),
                "{strategy:?}"
            );
            assert!(rotation_title(strategy).len() > 20, "{strategy:?}");
            let is_made_by_hand =
                matches!(strategy, P::Manual | P::SnykPersonalAccessToken | P::SnykAppSession);
            assert_eq!(
                creation_title(strategy).starts_with("guided: "),
                is_made_by_hand,
                "{strategy:?}"
            );
            assert!(creation_title(strategy).len() > "automatic: ".len(), "{strategy:?}");
        }
    }
}
