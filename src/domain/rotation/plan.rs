//! Plan of a rotation: everything that will happen, shown to the user before it starts and stored
//! in the journal.
//!
//! [`RotationPlan::new`] builds the plan from a [`PlanRequest`]. The plan is data only; which step
//! comes next is decided in `machine`.
//!
//! Choice of the strategy that creates a credential, where the program can create one.
//!
//! Start with [`creation_strategy`].
//!
//! Choice between revoking one secret and deleting the whole service account that it belongs to.
//!
//! Snyk refuses to delete the last secret of an OAuth service account; the documented revocation is
//! the deletion of the account. [`revocation_strategy`] chooses, [`deletes_account`] tells plan,
//! driver and screen what was chosen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::purpose::RotationPurpose;
use super::remote_credential::{RotationId, format_remote_name};
use crate::domain::credential::{Credential, SecretPart};
use crate::domain::provider::spec::{CredentialKind, RotationSpec};
use crate::domain::response::CheckResult;
use crate::domain::rotation::plan;
use crate::domain::strategy::{
    CHECK_REQUEST, ManagedObject, OwningAccount, RotationStep, RotationStrategyId, SecretOverlap,
    StepActor, StrategyTraits,
};
use crate::domain::{CredentialId, CredentialName};

/// Plan of one rotation. It is built once and never changes, even if the credential does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationPlan {
    /// ID of the rotation.
    pub rotation: RotationId,
    /// Purpose of the rotation.
    #[serde(default)]
    pub purpose: RotationPurpose,
    /// Credential that is rotated, created or revoked.
    pub credential: CredentialId,
    /// Part of the secret material that is rotated; the other parts remain. Older journals know
    /// only the secret itself.
    #[serde(default)]
    pub part: SecretPart,
    /// Name of the credential.
    pub name: CredentialName,
    /// ID of the provider.
    pub provider: String,
    /// ID of the credential kind.
    pub kind: String,
    /// ID of the region.
    pub region: String,
    /// Strategy of the rotation.
    pub strategy: RotationStrategyId,
    /// Whether the old and the new secret are valid at the same time.
    pub overlap: SecretOverlap,
    /// Credential that authorizes creation and revocation; `None` if the credential manages itself.
    pub administrator: Option<CredentialId>,
    /// Name of that credential when the plan was made. Older journals know only the ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub administrator_name: Option<CredentialName>,
    /// How many may exist at the same time, if the provider has a limit.
    pub max_live: Option<u32>,
    /// Instructions for the user in the provider's words; empty if there is nothing to do.
    pub instructions: String,
    /// Page on which the user follows the instructions; `{app}` stands for the region's web
    /// application.
    pub page: Option<String>,
    /// Reason that the user gave; may be empty.
    #[serde(default)]
    pub reason: String,
    /// Steps in order.
    pub steps: Vec<PlannedRotationStep>,
}

/// Step of a plan with its description, calls and notes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRotationStep {
    /// The step.
    pub step: RotationStep,
    /// Description for display.
    #[serde(rename = "what")]
    pub description: String,
    /// Provider calls of the step.
    pub calls: Vec<String>,
    /// Note about what cannot be undone after this step.
    #[serde(rename = "final_word")]
    pub irreversible_note: Option<String>,
}

/// Input of [`RotationPlan::new`].
#[derive(Debug, Clone)]
pub struct PlanRequest<'a> {
    /// ID of the new rotation.
    pub rotation: RotationId,
    /// Purpose of the rotation.
    pub purpose: RotationPurpose,
    /// Credential to rotate, create or revoke.
    pub credential: &'a Credential,
    /// Kind of the credential.
    pub kind: &'a CredentialKind,
    /// Part of the secret material to rotate.
    pub part: SecretPart,
    /// Rotation settings of the kind.
    pub replacement: &'a RotationSpec,
    /// Names of the consumers that receive the new secret, in order.
    pub consumers: Vec<String>,
    /// Method and path of the request that checks a credential of the kind, such as
    /// `GET /rest/self`.
    pub check_request: String,
    /// Separate credential that authorizes creation and revocation.
    pub administrator: Option<&'a Credential>,
}

impl RotationPlan {
    /// Builds the plan.
    pub fn new(request: PlanRequest<'_>) -> Self {
        let PlanRequest {
            rotation,
            purpose,
            credential,
            kind,
            part,
            replacement,
            consumers,
            check_request,
            administrator,
        } = request;
        let strategy = replacement.strategy;
        let spec = strategy.spec();
        // The limit of a kind counts secrets; no limit is known for the number of accounts.
        let is_account =
            purpose == RotationPurpose::Create && spec.managed_object == ManagedObject::Account;
        // Without an old secret or without a new one, no secret invalidates the other.
        let overlap = if replacement.overlap || purpose != RotationPurpose::Replace {
            SecretOverlap::SideBySide
        } else {
            SecretOverlap::Absent
        };
        let steps = purpose.steps(spec.traits, overlap, consumers);
        Self {
            rotation,
            purpose,
            credential: credential.id.clone(),
            part,
            name: credential.name.clone(),
            provider: credential.provider.clone(),
            kind: credential.kind.clone(),
            region: credential.region.clone(),
            strategy,
            overlap,
            administrator: administrator.map(|administrator| administrator.id.clone()),
            administrator_name: administrator.map(|administrator| administrator.name.clone()),
            max_live: spec.max_live.or(kind.max_live).filter(|_| !is_account),
            instructions: if purpose == RotationPurpose::Replace {
                replacement.manual_steps.clone()
            } else if plan::deletes_account(purpose, strategy) {
                "Delete the whole service account there.".to_owned()
            } else {
                String::new()
            },
            page: kind.page.clone(),
            reason: String::new(),
            steps: steps
                .into_iter()
                .map(|step| PlannedRotationStep {
                    calls: provider_calls(purpose, strategy, &step, &check_request),
                    irreversible_note: irreversible_note(&step, overlap).map(str::to_owned),
                    description: describe_step(purpose, strategy, &step),
                    step,
                })
                .collect(),
        }
    }

    /// Returns the plan with the reason that the user gave.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// Returns the traits of the strategy.
    pub const fn strategy_traits(&self) -> StrategyTraits {
        self.strategy.spec().traits
    }

    /// Returns the title of the plan for display.
    pub const fn title(&self) -> &'static str {
        match self.purpose {
            RotationPurpose::Replace => self.strategy.spec().rotation_title,
            RotationPurpose::Create => self.strategy.spec().creation_title,
            RotationPurpose::Revoke if self.deletes_account() => {
                "Automatic: deletes the whole service account, then verifies that its secret is rejected"
            }
            RotationPurpose::Revoke => self.strategy.spec().revocation_title(),
        }
    }

    /// Returns whether the rotation ends with the deletion of a whole service account, without a
    /// successor.
    pub const fn deletes_account(&self) -> bool {
        plan::deletes_account(self.purpose, self.strategy)
    }

    /// Describes a step for display.
    pub(super) fn describe_step(&self, step: &RotationStep) -> String {
        describe_step(self.purpose, self.strategy, step)
    }

    /// Returns the warning that the user must see before the rotation starts, if any.
    pub fn warning(&self) -> Option<String> {
        let Self { name, part, overlap, purpose, .. } = self;
        match (purpose, part) {
            (RotationPurpose::Revoke, _) if self.deletes_account() => Some(format!(
                "The whole service account of \"{name}\" is deleted, with all its secrets, and nothing replaces it: everything that uses one of them stops working. Deletion cannot be undone."
            )),
            (RotationPurpose::Revoke, _) if self.strategy.spec().leaves_access_token => {
                Some(format!(
                    "Nothing replaces \"{name}\": everything that uses it stops working. Revocation cannot be undone. An access token that was already issued works until it expires."
                ))
            }
            (RotationPurpose::Revoke, _) => Some(format!(
                "Nothing replaces \"{name}\": everything that uses it stops working. Revocation cannot be undone."
            )),
            (RotationPurpose::Replace, SecretPart::Named(part))
                if self.consumers().next().is_none() =>
            {
                Some(format!(
                    "No consumer receives the {part} of \"{name}\": update everything that uses it manually."
                ))
            }
            (RotationPurpose::Replace, _) if *overlap == SecretOverlap::Absent => Some(format!(
                "No overlap: the old secret of \"{name}\" stops working as soon as the new one is created. Everything that uses it fails until it receives the new one."
            )),
            _ => None,
        }
    }

    /// Returns a note about the provider's limit if it is low enough to block the creation.
    pub fn limit_warning(&self) -> Option<String> {
        let limit =
            self.max_live.filter(|limit| *limit > 1 && self.purpose != RotationPurpose::Revoke)?;
        let step = if self.strategy_traits().creator == StepActor::User {
            RotationStep::AwaitPaste
        } else {
            RotationStep::Create
        };
        let needs_room = self.steps.iter().any(|planned| planned.step == step);
        needs_room.then(|| {
            format!(
                "The provider allows {limit} of these at a time. If you already have {limit}, delete an unused one first."
            )
        })
    }

    /// Returns the name of the credential that this attempt creates at the provider.
    pub fn remote_name(&self, attempt: u32) -> String {
        format_remote_name(&self.rotation, attempt, self.name.as_str())
    }

    /// Returns the names of the consumers in order.
    pub fn consumers(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|planned| match &planned.step {
            RotationStep::Deliver(consumer) => Some(consumer.as_str()),
            _ => None,
        })
    }
}

/// Returns the provider calls of a step, with the check request filled in.
fn provider_calls(
    purpose: RotationPurpose,
    strategy: RotationStrategyId,
    step: &RotationStep,
    check_request: &str,
) -> Vec<String> {
    let spec = strategy.spec();
    let calls = match purpose {
        RotationPurpose::Replace | RotationPurpose::Create => &spec.calls,
        RotationPurpose::Revoke => spec.revocation_calls.as_ref().unwrap_or(&spec.calls),
    };
    calls.for_step(step).iter().map(|call| call.replace(CHECK_REQUEST, check_request)).collect()
}

/// Describes a step of a plan with this purpose and strategy.
fn describe_step(
    purpose: RotationPurpose,
    strategy: RotationStrategyId,
    step: &RotationStep,
) -> String {
    if *step == RotationStep::Revoke && plan::deletes_account(purpose, strategy) {
        return "Delete the whole service account at the provider".to_owned();
    }
    purpose.describe_step(step)
}

/// Returns the note about what cannot be undone after this step.
const fn irreversible_note(step: &RotationStep, overlap: SecretOverlap) -> Option<&'static str> {
    match (step, overlap) {
        (RotationStep::Create | RotationStep::AwaitPaste, SecretOverlap::Absent) => {
            Some("The old secret stops working at this step and cannot be restored.")
        }
        (RotationStep::Revoke | RotationStep::AwaitRevoke, _) => {
            Some("Point of no return: revocation cannot be undone.")
        }
        _ => None,
    }
}

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

#[cfg(test)]
mod revocation_tests {
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
