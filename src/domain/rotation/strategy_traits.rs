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
    /// What in the secret names the credential at the provider.
    pub identity_source: IdentitySource,
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

/// What in a secret names the credential that it belongs to. Only a named credential is revoked or
/// deleted without the user typing its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentitySource {
    /// The value of the secret, which is what the provider revokes.
    Value,
    /// The principal that the secret acts as, if it is of this type; else a claim.
    Principal(&'static str),
    /// A claim in the secret that the provider's list confirms.
    Claim,
    /// Nothing: the user revokes it.
    Nothing,
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
pub const fn traits_for(strategy: RotationStrategyId) -> StrategyTraits {
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
    let identity_source = match strategy {
        P::Manual => IdentitySource::Nothing,
        P::SnykServiceAccountSecret | P::SnykAppSession | P::SnykAppSecret => IdentitySource::Value,
        P::SnykServiceAccount => IdentitySource::Principal("service_account"),
        P::ApiWebKey => IdentitySource::Principal("api_user"),
        P::SnykPersonalAccessToken => IdentitySource::Claim,
    };
    let (traceability, principal_policy) = match strategy {
        P::SnykServiceAccount | P::ApiWebKey => {
            (CreationTraceability::ByName, PrincipalPolicy::New)
        }
        _ => (CreationTraceability::Untraceable, PrincipalPolicy::Same),
    };
    StrategyTraits {
        creator,
        revoker,
        revocation_key,
        identity_source,
        traceability,
        principal_policy,
    }
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
            "Manual: you create the new secret on the provider's page; tokenring verifies and stores it"
        }
        RotationStrategyId::SnykPersonalAccessToken => {
            "Assisted: you create the new token; tokenring revokes the old one by API"
        }
        RotationStrategyId::SnykServiceAccount => {
            "Automatic: creates a service account with the same role, then deletes the old one"
        }
        RotationStrategyId::SnykServiceAccountSecret => {
            "Automatic: creates a second secret on the same account, then deletes the old one"
        }
        RotationStrategyId::SnykAppSession => {
            "Assisted: you sign in again; tokenring revokes the old session by API"
        }
        RotationStrategyId::SnykAppSecret => {
            "Automatic: creates a second client secret on the same app, then deletes the old one"
        }
        RotationStrategyId::ApiWebKey => "Automatic: creates a new key, then deletes the old one",
    }
}

/// Returns the title of a creation with this strategy, for display.
pub(super) const fn creation_title(strategy: RotationStrategyId) -> &'static str {
    match strategy {
        RotationStrategyId::Manual
        | RotationStrategyId::SnykPersonalAccessToken
        | RotationStrategyId::SnykAppSession => "Manual: you create it on the provider's page",
        RotationStrategyId::SnykServiceAccount => "Automatic: creates a service account",
        RotationStrategyId::SnykServiceAccountSecret => {
            "Automatic: creates another secret for an existing service account"
        }
        RotationStrategyId::SnykAppSecret => {
            "Automatic: creates another client secret for an existing app"
        }
        RotationStrategyId::ApiWebKey => "Automatic: creates a key",
    }
}

/// Returns the title of a revocation with this strategy, for display.
pub(super) const fn revocation_title(strategy: RotationStrategyId) -> &'static str {
    match traits_for(strategy).revoker {
        StepActor::Program => {
            "Automatic: revokes the secret at the provider, then verifies that it is rejected"
        }
        StepActor::User | StepActor::UserSignIn => {
            "Manual: you revoke the secret on the provider's page; tokenring verifies that it is rejected"
        }
    }
}

/// Placeholder among the provider calls for the request that checks a credential of the kind.
pub(super) const CHECK_REQUEST: &str = "{check}";

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
            &[CHECK_REQUEST, "GET /rest/{orgs|groups}/{id}/service_accounts"]
        }
        (P::ApiWebKey, RotationStep::Snapshot) => &[CHECK_REQUEST, "GET /keys/"],
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
        // The access token still works: only the token endpoint shows that the sign-in is revoked.
        (P::SnykAppSession, RotationStep::VerifyRevoked) => {
            &["POST /oauth2/token (with the revoked refresh token)"]
        }
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
            "POST /oauth2/token (with an invalid refresh token)",
            "GET /rest/orgs/{id}/apps/creations/{app}",
        ],
        (P::ApiWebKey, RotationStep::Create) => &["POST /keys/"],
        (P::ApiWebKey, RotationStep::Revoke) => &["DELETE /keys/{id}/"],
        (_, RotationStep::Snapshot | RotationStep::Verify | RotationStep::VerifyRevoked) => {
            &[CHECK_REQUEST]
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
    fn calls_to_a_provider_are_announced_before_they_are_made_and_no_others() {
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
                    "{strategy:?}: finding by name requires a list"
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
            "a client secret is verified differently"
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
    fn whether_a_user_is_needed_is_said_first() {
        for strategy in ALL {
            let prefix =
                |by: StepActor| if by == StepActor::User { "Manual: " } else { "Automatic: " };
            assert!(
                revocation_title(strategy).starts_with(prefix(traits_for(strategy).revoker)),
                "{strategy:?}"
            );
            assert!(rotation_title(strategy).len() > 20, "{strategy:?}");
            let is_made_by_hand =
                matches!(strategy, P::Manual | P::SnykPersonalAccessToken | P::SnykAppSession);
            assert_eq!(
                creation_title(strategy).starts_with("Manual: "),
                is_made_by_hand,
                "{strategy:?}"
            );
            assert!(creation_title(strategy).len() > "Automatic: ".len(), "{strategy:?}");
        }
    }
}
