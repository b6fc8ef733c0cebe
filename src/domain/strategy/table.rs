//! Table of the rotation strategies: one row for each, which states everything about it that is
//! data.
//!
//! A new strategy is a line in `strategies!` and a row below it. Its behavior is in
//! `engine::rotation::strategies`; the columns are explained in `traits.rs`. Start at
//! [`RotationStrategyId::spec`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::traits::{
    AdministratorPolicy, CHECK_REQUEST, CreationTraceability, IdentitySource, ManagedObject,
    OwningAccount, PrincipalPolicy, ProviderCalls, RequiredAuthorization, RevocationKey,
    RotatedSecret, StepActor, StrategySpec, StrategyTraits,
};

/// Defines the strategies with their rows, so that none is without one.
macro_rules! strategies {
    ($($(#[$attribute:meta])* $variant:ident: $row:ident,)*) => {
        /// Strategies for a rotation, each implemented in code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum RotationStrategyId {
            $($(#[$attribute])* $variant,)*
        }

        impl RotationStrategyId {
            /// All strategies.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the row of the strategy.
            pub const fn spec(self) -> &'static StrategySpec {
                match self {
                    $(Self::$variant => &$row,)*
                }
            }
        }
    };
}

strategies! {
    /// The user creates the new credential on the provider's page and pastes it; the old one is
    /// revoked there too.
    #[serde(rename = "guided")]
    Manual: MANUAL,
    /// The user creates the new credential; tokenring revokes the old one through the API.
    SnykPersonalAccessToken: SNYK_PERSONAL_ACCESS_TOKEN,
    /// Creates a new service account with the same role, then deletes the old account.
    SnykServiceAccount: SNYK_SERVICE_ACCOUNT,
    /// Creates a second secret on the same service account, then deletes the old secret.
    SnykServiceAccountSecret: SNYK_SERVICE_ACCOUNT_SECRET,
    /// Signs in again, then revokes the old refresh token.
    SnykAppSession: SNYK_APP_SESSION,
    /// Creates a second client secret on the same app, then deletes the old one; existing sign-ins
    /// stay valid.
    SnykAppSecret: SNYK_APP_SECRET,
    /// Creates a new key with `/keys/`, then deletes the old key.
    ApiWebKey: API_WEB_KEY,
}

/// Title of a creation that is left to the user.
const CREATED_BY_USER: &str = "Manual: you create it on the provider's page";

const MANUAL: StrategySpec = StrategySpec {
    rotation_title: "Manual: you create the new secret on the provider's page; tokenring verifies and stores it",
    creation_title: CREATED_BY_USER,
    traits: StrategyTraits {
        creator: StepActor::User,
        revoker: StepActor::User,
        revocation_key: RevocationKey::ById,
        identity_source: IdentitySource::Nothing,
        traceability: CreationTraceability::Untraceable,
        principal_policy: PrincipalPolicy::Same,
    },
    managed_object: ManagedObject::Secret,
    owning_account: None,
    rotated_secret: RotatedSecret::Main,
    authorization: RequiredAuthorization::Any,
    required_fields: &[],
    identity_fields: &[],
    assigned_fields: &[],
    max_live: None,
    administrators: AdministratorPolicy::None,
    leaves_access_token: false,
    calls: ProviderCalls::CHECKS_ONLY,
    revocation_calls: None,
};

const SNYK_PERSONAL_ACCESS_TOKEN: StrategySpec = StrategySpec {
    rotation_title: "Assisted: you create the new token; tokenring revokes the old one by API",
    creation_title: CREATED_BY_USER,
    traits: StrategyTraits {
        creator: StepActor::User,
        revoker: StepActor::Program,
        revocation_key: RevocationKey::ById,
        identity_source: IdentitySource::Claim,
        traceability: CreationTraceability::Untraceable,
        principal_policy: PrincipalPolicy::Same,
    },
    managed_object: ManagedObject::Secret,
    owning_account: None,
    rotated_secret: RotatedSecret::Main,
    authorization: RequiredAuthorization::Header,
    required_fields: &["pat_id"],
    identity_fields: &["pat_id"],
    assigned_fields: &[],
    max_live: None,
    // A user lists and deletes only the user's own tokens.
    administrators: AdministratorPolicy::SamePrincipal,
    leaves_access_token: false,
    calls: ProviderCalls {
        snapshot: &["GET /rest/self", "GET /rest/self/personal_access_tokens"],
        revoke: &["DELETE /rest/self/personal_access_tokens/{id}"],
        ..ProviderCalls::CHECKS_ONLY
    },
    revocation_calls: None,
};

const SNYK_SERVICE_ACCOUNT: StrategySpec = StrategySpec {
    rotation_title: "Automatic: creates a service account with the same role, then deletes the old one",
    creation_title: "Automatic: creates a service account",
    traits: StrategyTraits {
        creator: StepActor::Program,
        revoker: StepActor::Program,
        revocation_key: RevocationKey::ById,
        identity_source: IdentitySource::Principal("service_account"),
        traceability: CreationTraceability::ByName,
        principal_policy: PrincipalPolicy::New,
    },
    managed_object: ManagedObject::Account,
    owning_account: None,
    rotated_secret: RotatedSecret::Main,
    authorization: RequiredAuthorization::Header,
    required_fields: &["service_account_id", "level", "org_id", "group_id"],
    identity_fields: &["service_account_id"],
    assigned_fields: &["client_id", "service_account_id"],
    max_live: None,
    administrators: AdministratorPolicy::Any,
    leaves_access_token: false,
    calls: ProviderCalls {
        snapshot: &[CHECK_REQUEST, "GET /rest/{orgs|groups}/{id}/service_accounts"],
        create: &["POST /rest/{orgs|groups}/{id}/service_accounts"],
        revoke: &["DELETE /rest/{orgs|groups}/{id}/service_accounts/{old account}"],
        ..ProviderCalls::CHECKS_ONLY
    },
    revocation_calls: Some(ProviderCalls {
        snapshot: &[CHECK_REQUEST, "GET /rest/{orgs|groups}/{id}/service_accounts/{account}"],
        revoke: &["DELETE /rest/{orgs|groups}/{id}/service_accounts/{account}"],
        ..ProviderCalls::CHECKS_ONLY
    }),
};

/// Traits of a strategy that creates a second secret for the same principal and revokes the old one
/// by its value.
const SECOND_SECRET_TRAITS: StrategyTraits = StrategyTraits {
    creator: StepActor::Program,
    revoker: StepActor::Program,
    revocation_key: RevocationKey::ByValue,
    identity_source: IdentitySource::Value,
    traceability: CreationTraceability::Untraceable,
    principal_policy: PrincipalPolicy::Same,
};

const SNYK_SERVICE_ACCOUNT_SECRET: StrategySpec = StrategySpec {
    rotation_title: "Automatic: creates a second secret on the same account, then deletes the old one",
    creation_title: "Automatic: creates another secret for an existing service account",
    traits: SECOND_SECRET_TRAITS,
    managed_object: ManagedObject::Secret,
    owning_account: Some(OwningAccount {
        strategy: RotationStrategyId::SnykServiceAccount,
        id_field: "service_account_id",
        shared_fields: &["client_id", "service_account_id"],
    }),
    rotated_secret: RotatedSecret::Main,
    authorization: RequiredAuthorization::ClientCredentials,
    required_fields: &["service_account_id", "level", "org_id", "group_id"],
    identity_fields: &[],
    assigned_fields: &["client_id", "service_account_id"],
    max_live: Some(2),
    administrators: AdministratorPolicy::Any,
    leaves_access_token: false,
    calls: ProviderCalls {
        create: &["POST /rest/{orgs|groups}/{id}/service_accounts/{account}/secrets mode=create"],
        revoke: &["POST /rest/{orgs|groups}/{id}/service_accounts/{account}/secrets mode=delete"],
        ..ProviderCalls::CHECKS_ONLY
    },
    revocation_calls: None,
};

const SNYK_APP_SESSION: StrategySpec = StrategySpec {
    rotation_title: "Assisted: you sign in again; tokenring revokes the old session by API",
    creation_title: CREATED_BY_USER,
    traits: StrategyTraits {
        creator: StepActor::UserSignIn,
        revoker: StepActor::Program,
        revocation_key: RevocationKey::ByValue,
        identity_source: IdentitySource::Value,
        traceability: CreationTraceability::Untraceable,
        principal_policy: PrincipalPolicy::Same,
    },
    managed_object: ManagedObject::Secret,
    owning_account: None,
    rotated_secret: RotatedSecret::Main,
    authorization: RequiredAuthorization::SignIn,
    required_fields: &[],
    identity_fields: &[],
    assigned_fields: &["client_id"],
    max_live: None,
    // The token and the client secret of a sign-in are sent by themselves.
    administrators: AdministratorPolicy::None,
    leaves_access_token: true,
    calls: ProviderCalls {
        sign_in: &["GET /oauth2/authorize (in the browser)"],
        create: &["POST /oauth2/token"],
        revoke: &["POST /oauth2/revoke"],
        // The access token still works: only the token endpoint shows that the sign-in is revoked.
        verify_revoked: &["POST /oauth2/token (with the revoked refresh token)"],
        ..ProviderCalls::CHECKS_ONLY
    },
    revocation_calls: None,
};

/// Calls that show whether a client secret of an app works.
const APP_SECRET_PROBE: &[&str] = &[
    "POST /oauth2/token (with an invalid refresh token)",
    "GET /rest/orgs/{id}/apps/creations/{app}",
];

const SNYK_APP_SECRET: StrategySpec = StrategySpec {
    rotation_title: "Automatic: creates a second client secret on the same app, then deletes the old one",
    creation_title: "Automatic: creates another client secret for an existing app",
    traits: SECOND_SECRET_TRAITS,
    managed_object: ManagedObject::Secret,
    owning_account: None,
    rotated_secret: RotatedSecret::Part,
    authorization: RequiredAuthorization::RefreshToken,
    required_fields: &["app_id", "org_id"],
    identity_fields: &[],
    assigned_fields: &["client_id"],
    max_live: Some(2),
    administrators: AdministratorPolicy::Any,
    leaves_access_token: false,
    calls: ProviderCalls {
        snapshot: APP_SECRET_PROBE,
        sign_in: &[],
        create: &["POST /rest/orgs/{id}/apps/creations/{app}/secrets mode=create"],
        verify: APP_SECRET_PROBE,
        revoke: &["POST /rest/orgs/{id}/apps/creations/{app}/secrets mode=delete"],
        verify_revoked: APP_SECRET_PROBE,
    },
    revocation_calls: None,
};

const API_WEB_KEY: StrategySpec = StrategySpec {
    rotation_title: "Automatic: creates a new key, then deletes the old one",
    creation_title: "Automatic: creates a key",
    traits: StrategyTraits {
        creator: StepActor::Program,
        revoker: StepActor::Program,
        revocation_key: RevocationKey::ById,
        identity_source: IdentitySource::Principal("api_user"),
        traceability: CreationTraceability::ByName,
        principal_policy: PrincipalPolicy::New,
    },
    managed_object: ManagedObject::Secret,
    owning_account: None,
    rotated_secret: RotatedSecret::Main,
    authorization: RequiredAuthorization::Header,
    required_fields: &["key_id"],
    identity_fields: &["key_id", "key_name"],
    assigned_fields: &["key_id", "key_name"],
    max_live: None,
    administrators: AdministratorPolicy::Any,
    leaves_access_token: false,
    calls: ProviderCalls {
        snapshot: &[CHECK_REQUEST, "GET /keys/"],
        create: &["POST /keys/"],
        revoke: &["DELETE /keys/{id}/"],
        ..ProviderCalls::CHECKS_ONLY
    },
    revocation_calls: None,
};

impl fmt::Display for RotationStrategyId {
    /// Writes the name that provider files use.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::strategy::RotationStep;

    fn rows() -> impl Iterator<Item = (RotationStrategyId, &'static StrategySpec)> {
        RotationStrategyId::ALL.iter().map(|strategy| (*strategy, strategy.spec()))
    }

    #[test]
    fn calls_to_a_provider_are_announced_before_they_are_made_and_no_others() {
        for (strategy, spec) in rows() {
            let has_call = |step: RotationStep| {
                spec.calls.for_step(&step).iter().any(|call| call.contains('/'))
            };
            let StrategyTraits { creator, revoker, traceability, .. } = spec.traits;
            assert_eq!(has_call(RotationStep::Create), creator != StepActor::User, "{strategy}");
            assert_eq!(
                has_call(RotationStep::AwaitSignIn),
                creator == StepActor::UserSignIn,
                "{strategy}"
            );
            assert_eq!(has_call(RotationStep::Revoke), revoker == StepActor::Program, "{strategy}");
            if traceability == CreationTraceability::ByName {
                assert!(
                    has_call(RotationStep::Snapshot),
                    "{strategy}: finding by name requires a list"
                );
            }
            for calls in [Some(spec.calls), spec.revocation_calls].into_iter().flatten() {
                for step in
                    [RotationStep::Snapshot, RotationStep::Verify, RotationStep::VerifyRevoked]
                {
                    assert!(!calls.for_step(&step).is_empty(), "{strategy}: {step:?}");
                }
                for step in [RotationStep::Stage, RotationStep::Promote, RotationStep::ClearSlots] {
                    assert!(
                        calls.for_step(&step).is_empty(),
                        "{strategy}: {step:?} stays on this machine"
                    );
                }
            }
        }
        assert!(
            SNYK_APP_SECRET.calls.verify[0].starts_with("POST /oauth2/token"),
            "a client secret is verified differently"
        );
    }

    #[test]
    fn what_a_row_says_of_identity_holds_together() {
        for (strategy, spec) in rows() {
            let StrategyTraits { revoker, revocation_key, identity_source, .. } = spec.traits;
            assert_eq!(
                revocation_key == RevocationKey::ByValue,
                identity_source == IdentitySource::Value,
                "{strategy}: a secret without an ID is revoked by its value"
            );
            assert_eq!(
                revoker == StepActor::User,
                identity_source == IdentitySource::Nothing,
                "{strategy}: the program revokes only what the secret names"
            );
            let new_principal = spec.traits.principal_policy == PrincipalPolicy::New;
            assert_eq!(
                matches!(identity_source, IdentitySource::Principal(_)),
                new_principal,
                "{strategy}: a new principal is known by its ID"
            );
            let mut required = spec.required_fields.iter();
            assert!(
                spec.identity_fields.first().is_none_or(|id| required.any(|known| known == id)),
                "{strategy}: a kind must define the field with the ID"
            );
        }
    }

    #[test]
    fn an_account_is_owned_by_the_strategy_that_deletes_it() {
        for (strategy, spec) in rows() {
            let Some(account) = spec.owning_account else { continue };
            assert_eq!(
                account.strategy.spec().managed_object,
                ManagedObject::Account,
                "{strategy}"
            );
            assert!(account.shared_fields.contains(&account.id_field), "{strategy}");
            assert!(spec.required_fields.contains(&account.id_field), "{strategy}");
        }
    }

    #[test]
    fn whether_a_user_is_needed_is_said_first() {
        for (strategy, spec) in rows() {
            let prefix =
                |by: StepActor| if by == StepActor::User { "Manual: " } else { "Automatic: " };
            let traits = spec.traits;
            assert!(spec.revocation_title().starts_with(prefix(traits.revoker)), "{strategy}");
            let rotation = match (traits.creator, traits.revoker) {
                (StepActor::User, StepActor::User) => "Manual: ",
                (StepActor::Program, _) => "Automatic: ",
                _ => "Assisted: ",
            };
            assert!(spec.rotation_title.starts_with(rotation), "{strategy}");
            assert_eq!(
                spec.creation_title.starts_with("Manual: "),
                traits.creator != StepActor::Program,
                "{strategy}"
            );
            assert!(spec.creation_title.len() > "Automatic: ".len(), "{strategy}");
        }
    }
}
