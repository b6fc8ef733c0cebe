//! Choice of the strategy that creates a credential, where the program can create one.
//!
//! Start with [`creation_strategy`].

use std::collections::BTreeMap;

use crate::domain::credential::SecretPart;
use crate::domain::provider::spec::CredentialKind;
use crate::domain::strategy::RotationStrategyId;
use crate::domain::strategy::StepActor;

/// Returns how a credential of this kind is created and which part of its secret material results;
/// `None` where only the user can create it. `fields` are those of the new credential: with the ID
/// of an existing account, the account gets a further secret.
pub fn creation_strategy(
    kind: &CredentialKind,
    fields: &BTreeMap<String, String>,
) -> Option<(RotationStrategyId, SecretPart)> {
    let strategy = kind.rotation.strategy;
    let spec = strategy.spec();
    match spec.traits.creator {
        StepActor::Program => {
            let new_account =
                spec.owning_account.filter(|account| !fields.contains_key(account.id_field));
            let strategy = new_account.map_or(strategy, |account| account.strategy);
            Some((strategy, SecretPart::Secret))
        }
        // Only the user can sign in. The program can create the part that a sign-in needs.
        StepActor::UserSignIn => kind.parts.iter().find_map(|part| {
            let strategy = part.rotation.as_ref()?.strategy;
            (strategy.spec().traits.creator == StepActor::Program)
                .then(|| (strategy, SecretPart::Named(part.id.clone())))
        }),
        StepActor::User => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::builtin_catalog;

    #[test]
    fn what_can_be_made_depends_on_the_kind_and_on_what_exists() {
        let with = |provider: &str, kind: &str, fields: &[&str]| {
            let fields = fields.iter().map(|id| ((*id).to_owned(), "x".to_owned())).collect();
            creation_strategy(builtin_catalog().kind(provider, kind).unwrap(), &fields)
        };
        let named = SecretPart::Named("client_secret".to_owned());
        assert_eq!(
            with("snyk", "service-account-oauth", &[]),
            Some((RotationStrategyId::SnykServiceAccount, SecretPart::Secret))
        );
        let further = Some((RotationStrategyId::SnykServiceAccountSecret, SecretPart::Secret));
        assert_eq!(with("snyk", "service-account-oauth", &["service_account_id"]), further);
        assert_eq!(
            with("snyk-apps", "app", &["app_id"]),
            Some((RotationStrategyId::SnykAppSecret, named))
        );
        assert_eq!(
            with("snyk-api-web", "api-key", &[]),
            Some((RotationStrategyId::ApiWebKey, SecretPart::Secret))
        );
        assert_eq!(with("snyk", "personal-token", &[]), None);
        assert_eq!(with("appcircle", "api-key", &[]), None);
    }
}
