//! What a rotation is going to do, before it does anything: data that a person reads and the journal keeps.

use serde::{Deserialize, Serialize};

use super::remote::{RotationId, remote_name};
use super::step::Step;
use super::strategy::{self, By, Overlap, Ways};
use crate::domain::credential::{Credential, Part};
use crate::domain::provider::spec::{Kind, Replacement, ReplacementPlan};
use crate::domain::{CredentialId, Name};

/// The plan of one rotation. It is drawn once and never changes, whatever becomes of the credential meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Which rotation.
    pub rotation: RotationId,
    /// What is replaced.
    pub credential: CredentialId,
    /// Which part of its secret material; the others stay. Older journals know only the secret itself.
    #[serde(default)]
    pub part: Part,
    /// What people call it.
    pub name: Name,
    /// The provider's id.
    pub provider: String,
    /// The kind's id.
    pub kind: String,
    /// The region's id.
    pub region: String,
    /// How it is replaced.
    pub strategy: ReplacementPlan,
    /// Whether old and new live side by side.
    pub overlap: Overlap,
    /// The credential that creates and revokes; `None` where the credential manages itself.
    pub administrator: Option<CredentialId>,
    /// How many may live at the same time, where the provider limits it.
    pub max_live: Option<u32>,
    /// What a person has to do, in the provider's own words; empty where nothing is left to do.
    pub instructions: String,
    /// The page on which a person does it; `{app}` stands for the region's web application.
    pub page: Option<String>,
    /// The steps, in order.
    pub steps: Vec<PlannedStep>,
}

/// A step and what to know about it beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Which step.
    pub step: Step,
    /// What it does, in words.
    pub what: String,
    /// The calls that it makes to the provider.
    pub calls: Vec<String>,
    /// What cannot be undone once it has happened.
    pub final_word: Option<String>,
}

/// What a plan is drawn from.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// The id of the rotation to be.
    pub rotation: RotationId,
    /// What is to be replaced.
    pub credential: &'a Credential,
    /// Its kind.
    pub kind: &'a Kind,
    /// Which part of its secret material is to be replaced.
    pub part: Part,
    /// How that is done.
    pub replacement: &'a Replacement,
    /// The consumers to be given the new secret, by name, in order.
    pub consumers: Vec<String>,
    /// Another credential that creates and revokes.
    pub administrator: Option<CredentialId>,
}

impl Plan {
    /// Draws the plan.
    pub fn draw(order: Order<'_>) -> Self {
        let Order { rotation, credential, kind, part, replacement, consumers, administrator } = order;
        let strategy = replacement.plan;
        let overlap = if replacement.overlap { Overlap::SideBySide } else { Overlap::Absent };
        let steps = steps(strategy::ways(strategy), overlap, consumers);
        Self {
            rotation,
            credential: credential.id.clone(),
            part,
            name: credential.name.clone(),
            provider: credential.provider.clone(),
            kind: credential.kind.clone(),
            region: credential.region.clone(),
            strategy,
            overlap,
            administrator,
            max_live: kind.max_live,
            instructions: replacement.steps.clone(),
            page: kind.page.clone(),
            steps: steps.into_iter().map(|step| PlannedStep::of(step, strategy, overlap)).collect(),
        }
    }

    /// What sets this way of replacing apart from others.
    pub const fn ways(&self) -> Ways {
        strategy::ways(self.strategy)
    }

    /// The way of replacing, for people.
    pub const fn title(&self) -> &'static str {
        strategy::title(self.strategy)
    }

    /// What must be said before it starts, if anything must.
    pub fn warning(&self) -> Option<String> {
        if let Part::Named(part) = &self.part {
            return Some(format!(
                "Consumers are given the secret of \"{}\" and not its {part}: whatever else uses that has to be given the new one.",
                self.name
            ));
        }
        (self.overlap == Overlap::Absent).then(|| {
            format!(
                "No overlap: the old secret of \"{}\" dies the moment the new one is made. Whatever uses it fails until it has been given the new one.",
                self.name
            )
        })
    }

    /// The name for what the given attempt makes at the provider.
    pub fn remote_name(&self, attempt: u32) -> String {
        remote_name(&self.rotation, attempt, self.name.as_str())
    }

    /// The consumers, in order.
    pub fn consumers(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|planned| match &planned.step {
            Step::Deliver(consumer) => Some(consumer.as_str()),
            _ => None,
        })
    }
}

impl PlannedStep {
    fn of(step: Step, strategy: ReplacementPlan, overlap: Overlap) -> Self {
        let calls = strategy::calls(strategy, &step).iter().map(|&call| call.to_owned()).collect();
        let final_word = match (&step, overlap) {
            (Step::Create | Step::AwaitPaste, Overlap::Absent) => Some("The old secret dies here, and nothing brings it back."),
            (Step::Revoke | Step::AwaitRevoke, _) => {
                Some("A revoked secret does not come back: this is the last moment to roll back.")
            }
            _ => None,
        };
        Self { what: step.words(), calls, final_word: final_word.map(str::to_owned), step }
    }
}

fn steps(ways: Ways, overlap: Overlap, consumers: Vec<String>) -> Vec<Step> {
    let mint = if ways.mint == By::Person { Step::AwaitPaste } else { Step::Create };
    let revoke = if ways.revoke == By::Person { Step::AwaitRevoke } else { Step::Revoke };
    let mut steps = vec![Step::ProveStore, Step::Snapshot, mint, Step::Stash, Step::Verify, Step::Promote];
    steps.extend(consumers.into_iter().map(Step::Deliver));
    steps.extend((overlap == Overlap::SideBySide).then_some(revoke));
    steps.extend([Step::ProveDead, Step::Forget]);
    steps
}
