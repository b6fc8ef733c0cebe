//! Choice between revoking one secret and deleting the whole service account that it belongs to.
//!
//! Snyk refuses to delete the last secret of an OAuth service account; the documented revocation is
//! the deletion of the account. [`revocation_strategy`] chooses, [`deletes_account`] tells plan,
//! driver and screen what was chosen.

use super::purpose::RotationPurpose;
use crate::domain::credential::Credential;
use crate::domain::provider::spec::CredentialKind;
use crate::domain::response::CheckResult;
use crate::domain::strategy::RotationStrategyId;
use crate::domain::strategy::{ManagedObject, OwningAccount};

/// Returns the strategy that revokes a credential of this kind. A client secret of a service
/// account is deleted alone only if another credential of the store is known to use a different
/// secret of the same account; otherwise it may be the last one, and the account is deleted.
pub fn revocation_strategy(
    kind: &CredentialKind,
    credential: &Credential,
    stored: &[Credential],
) -> RotationStrategyId {
    let strategy = kind.rotation.strategy;
    let may_be_last = |account: &OwningAccount| {
        !stored.iter().any(|other| has_other_secret_of_account(account, credential, other))
    };
    strategy.spec().owning_account.filter(may_be_last).map_or(strategy, |account| account.strategy)
}

/// Returns whether a rotation with this purpose and strategy ends with the deletion of the whole
/// account, without a successor.
pub const fn deletes_account(purpose: RotationPurpose, strategy: RotationStrategyId) -> bool {
    matches!(
        (purpose, strategy.spec().managed_object),
        (RotationPurpose::Revoke, ManagedObject::Account)
    )
}

/// Returns whether `other` holds a different secret of the same account, one that was not refused.
fn has_other_secret_of_account(
    account: &OwningAccount,
    credential: &Credential,
    other: &Credential,
) -> bool {
    let same_home = (&credential.provider, &credential.region, &credential.kind)
        == (&other.provider, &other.region, &other.kind);
    let same_account = account.shared_fields.iter().any(|field| {
        let id = credential.fields.get(*field).filter(|id| !id.is_empty());
        id.is_some() && id == other.fields.get(*field)
    });
    let other_secret = credential.fingerprint.is_some()
        && other.fingerprint.is_some()
        && credential.fingerprint != other.fingerprint;
    let refused =
        other.last_check.as_ref().is_some_and(|check| check.result == CheckResult::Refused);
    credential.id != other.id && same_home && same_account && other_secret && !refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::CheckReport;
    use crate::domain::provider::ProviderCatalog;
    use crate::domain::{CredentialId, CredentialName, Timestamp};

    fn credential(id: u8, fingerprint: &str) -> Credential {
        Credential {
            id: CredentialId::from_random([id; 16]),
            name: CredentialName::parse("bot").unwrap(),
            provider: "snyk".to_owned(),
            kind: "service-account-oauth".to_owned(),
            region: "SNYK-EU-01".to_owned(),
            fields: [("client_id".to_owned(), "c-1".to_owned())].into(),
            labels: Vec::new(),
            created: Timestamp::UNIX_EPOCH,
            expires: None,
            fingerprint: Some(fingerprint.to_owned()),
            principal: None,
            scheme: None,
            last_check: None,
        }
    }

    fn choose(stored: &[Credential]) -> RotationStrategyId {
        let catalog = ProviderCatalog::builtin();
        let kind = catalog.kind("snyk", "service-account-oauth").unwrap();
        revocation_strategy(kind, &credential(1, "one"), stored)
    }

    #[test]
    fn the_account_is_deleted_unless_another_working_secret_of_it_is_stored() {
        use RotationStrategyId::{SnykServiceAccount, SnykServiceAccountSecret};
        let own = credential(1, "one");
        let other = credential(2, "two");
        assert_eq!(choose(std::slice::from_ref(&own)), SnykServiceAccount);
        assert_eq!(choose(&[own.clone(), other.clone()]), SnykServiceAccountSecret);
        let copy = credential(2, "one");
        let elsewhere = Credential { region: "SNYK-US-01".to_owned(), ..other.clone() };
        let fields = [("client_id".to_owned(), "c-2".to_owned())].into();
        let of_other_account = Credential { fields, ..other.clone() };
        let refused = Credential {
            last_check: Some(CheckReport {
                result: CheckResult::Refused,
                status: Some(401),
                reason: String::new(),
                checked_at: Timestamp::UNIX_EPOCH,
                latency_ms: None,
            }),
            ..other
        };
        for stored in [copy, elsewhere, of_other_account, refused] {
            assert_eq!(choose(&[own.clone(), stored.clone()]), SnykServiceAccount, "{stored:?}");
        }
    }

    #[test]
    fn only_a_revocation_of_an_account_deletes_it() {
        use RotationStrategyId as P;
        assert!(deletes_account(RotationPurpose::Revoke, P::SnykServiceAccount));
        assert!(!deletes_account(RotationPurpose::Replace, P::SnykServiceAccount));
        assert!(!deletes_account(RotationPurpose::Revoke, P::SnykServiceAccountSecret));
    }
}
