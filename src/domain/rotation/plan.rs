//! What a rotation is going to do, before it does anything: data that a person reads and the journal keeps.

use serde::{Deserialize, Serialize};

use super::purpose::RotationPurpose;
use super::remote_credential::{RotationId, format_remote_name};
use super::step::RotationStep;
use super::strategy_traits::{self, SecretOverlap, StrategyTraits};
use crate::domain::credential::{Credential, SecretPart};
use crate::domain::provider::spec::{CredentialKind, RotationSpec, RotationStrategyId};
use crate::domain::{CredentialId, CredentialName};

/// The plan of one rotation. It is drawn once and never changes, whatever becomes of the credential meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationPlan {
    /// Which rotation.
    pub rotation: RotationId,
    /// What it is for.
    #[serde(default)]
    pub purpose: RotationPurpose,
    /// What is replaced, made or revoked.
    pub credential: CredentialId,
    /// Which part of its secret material; the others stay. Older journals know only the secret itself.
    #[serde(default)]
    pub part: SecretPart,
    /// What people call it.
    pub name: CredentialName,
    /// The provider's id.
    pub provider: String,
    /// The kind's id.
    pub kind: String,
    /// The region's id.
    pub region: String,
    /// How it is replaced.
    pub strategy: RotationStrategyId,
    /// Whether old and new live side by side.
    pub overlap: SecretOverlap,
    /// The credential that creates and revokes; `None` where the credential manages itself.
    pub administrator: Option<CredentialId>,
    /// How many may live at the same time, where the provider limits it.
    pub max_live: Option<u32>,
    /// What a person has to do, in the provider's own words; empty where nothing is left to do.
    pub instructions: String,
    /// The page on which a person does it; `{app}` stands for the region's web application.
    pub page: Option<String>,
    /// Why a person wants it, in their own words; may be empty.
    #[serde(default)]
    pub reason: String,
    /// The steps, in order.
    pub steps: Vec<PlannedRotationStep>,
}

/// A step and what to know about it beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRotationStep {
    /// Which step.
    pub step: RotationStep,
    /// What it does, in words.
    #[serde(rename = "what")]
    pub description: String,
    /// The calls that it makes to the provider.
    pub calls: Vec<String>,
    /// What cannot be undone once it has happened.
    #[serde(rename = "final_word")]
    pub irreversible_note: Option<String>,
}

/// What a plan is drawn from.
#[derive(Debug, Clone)]
pub struct PlanRequest<'a> {
    /// The id of the rotation to be.
    pub rotation: RotationId,
    /// What it is for.
    pub purpose: RotationPurpose,
    /// What is to be replaced, made or revoked.
    pub credential: &'a Credential,
    /// Its kind.
    pub kind: &'a CredentialKind,
    /// Which part of its secret material is to be replaced.
    pub part: SecretPart,
    /// How that is done.
    pub replacement: &'a RotationSpec,
    /// The consumers to be given the new secret, by name, in order.
    pub consumers: Vec<String>,
    /// Another credential that creates and revokes.
    pub administrator: Option<CredentialId>,
}

impl RotationPlan {
    /// Draws the plan.
    pub fn new(order: PlanRequest<'_>) -> Self {
        let PlanRequest {
            rotation,
            purpose,
            credential,
            kind,
            part,
            replacement,
            consumers,
            administrator,
        } = order;
        let strategy = replacement.strategy;
        // What a kind allows is told of its secrets; nothing is known about how many accounts there may be.
        let is_account = purpose == RotationPurpose::Create
            && strategy == RotationStrategyId::SnykServiceAccount;
        // Where there is no old secret or no new one, none dies of the other.
        let overlap = if replacement.overlap || purpose != RotationPurpose::Replace {
            SecretOverlap::SideBySide
        } else {
            SecretOverlap::Absent
        };
        let steps = purpose.steps(strategy_traits::traits_for(strategy), overlap, consumers);
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
            administrator,
            max_live: strategy_traits::max_live_secrets(strategy)
                .or(kind.max_live)
                .filter(|_| !is_account),
            instructions: if purpose == RotationPurpose::Replace {
                replacement.manual_steps.clone()
            } else {
                String::new()
            },
            page: kind.page.clone(),
            reason: String::new(),
            steps: steps
                .into_iter()
                .map(|step| PlannedRotationStep::new(step, strategy, overlap, purpose))
                .collect(),
        }
    }

    /// The plan, with the reason that a person gives for it.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// What sets this way of replacing apart from others.
    pub const fn strategy_traits(&self) -> StrategyTraits {
        strategy_traits::traits_for(self.strategy)
    }

    /// The way of replacing, making or revoking, for people.
    pub const fn title(&self) -> &'static str {
        match self.purpose {
            RotationPurpose::Replace => strategy_traits::rotation_title(self.strategy),
            RotationPurpose::Create => strategy_traits::creation_title(self.strategy),
            RotationPurpose::Revoke => strategy_traits::revocation_title(self.strategy),
        }
    }

    /// What must be said before it starts, if anything must.
    pub fn warning(&self) -> Option<String> {
        let Self { name, part, overlap, purpose, .. } = self;
        match (purpose, part) {
            (RotationPurpose::Revoke, _) => Some(format!(
                "Nothing takes the place of \"{name}\": whatever uses it stops, and nothing brings it back."
            )),
            (RotationPurpose::Replace, SecretPart::Named(part))
                if self.consumers().next().is_none() =>
            {
                Some(format!(
                    "No consumer is given the {part} of \"{name}\": whatever else uses it has to be given the new one by hand."
                ))
            }
            (RotationPurpose::Replace, _) if *overlap == SecretOverlap::Absent => Some(format!(
                "No overlap: the old secret of \"{name}\" dies the moment the new one is made. Whatever uses it fails until it has been given the new one."
            )),
            _ => None,
        }
    }

    /// What the provider allows at the same time, where that is so little that it may stand in the way.
    pub fn limit_warning(&self) -> Option<String> {
        let limit =
            self.max_live.filter(|limit| *limit > 1 && self.purpose != RotationPurpose::Revoke)?;
        let step = if self.strategy_traits().creator == strategy_traits::StepActor::User {
            RotationStep::AwaitPaste
        } else {
            RotationStep::Create
        };
        let needs_room = self.steps.iter().any(|planned| planned.step == step);
        needs_room.then(|| {
            format!(
                "The provider allows {limit} of these at the same time: where so many live, delete one that is not in use first."
            )
        })
    }

    /// The name for what the given attempt makes at the provider.
    pub fn remote_name(&self, attempt: u32) -> String {
        format_remote_name(&self.rotation, attempt, self.name.as_str())
    }

    /// The consumers, in order.
    pub fn consumers(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|planned| match &planned.step {
            RotationStep::Deliver(consumer) => Some(consumer.as_str()),
            _ => None,
        })
    }
}

impl PlannedRotationStep {
    fn new(
        step: RotationStep,
        strategy: RotationStrategyId,
        overlap: SecretOverlap,
        purpose: RotationPurpose,
    ) -> Self {
        let calls = strategy_traits::provider_calls(strategy, &step)
            .iter()
            .map(|&call| call.to_owned())
            .collect();
        let final_word = match (&step, overlap) {
            (RotationStep::Create | RotationStep::AwaitPaste, SecretOverlap::Absent) => {
                Some("The old secret dies here, and nothing brings it back.")
            }
            (RotationStep::Revoke | RotationStep::AwaitRevoke, _) => {
                Some("A revoked secret does not come back: this is the last moment to roll back.")
            }
            _ => None,
        };
        Self {
            description: purpose.describe_step(&step),
            calls,
            irreversible_note: final_word.map(str::to_owned),
            step,
        }
    }
}
